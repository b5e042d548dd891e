#include "ice/stun_txn.h"

#include <string.h>

#include "core/alloc.h"

void stun_txn_table_init(struct stun_txn_table *t)
{
	*t = (struct stun_txn_table){ 0 };
}

static void txn_free(struct stun_txn *txn)
{
	wlk_free(txn->msg);
	wlk_free(txn);
}

void stun_txn_table_free(struct stun_txn_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		txn_free(t->items[i]);
	wlk_free(t->items);
	stun_txn_table_init(t);
}

struct stun_txn *stun_txn_add(struct stun_txn_table *t, const struct stun_txn *txn, wlk_time now, const uint8_t *msg,
			      size_t size)
{
	struct stun_txn *added;

	assert(txn->rto > 0 && txn->sends_max > 0 && "a transaction has a timer and is sent at least once");
	if (t->count >= STUN_TXN_LIMIT)
		return NULL;
	if (!array_reserve((void **)&t->items, &t->capacity, t->count + 1, sizeof(struct stun_txn *)))
		return NULL;
	added = wlk_malloc(sizeof(*added));
	if (!added)
		return NULL;
	*added = *txn;
	added->msg = wlk_malloc(size);
	if (!added->msg) {
		wlk_free(added);
		return NULL;
	}
	memcpy(added->msg, msg, size);
	added->msg_size = size;
	added->sends = 1;
	added->first_sent = now;
	added->last_sent = now;
	added->next_at = now + added->rto;
	t->items[t->count++] = added;
	return added;
}

struct stun_txn *stun_txn_find(const struct stun_txn_table *t, const uint8_t *id)
{
	for (size_t i = 0; i < t->count; i++)
		if (!memcmp(t->items[i]->id, id, STUN_TXID_SIZE))
			return t->items[i];
	return NULL;
}

struct stun_txn *stun_txn_find_owner(const struct stun_txn_table *t, const void *owner, enum stun_txn_kind kind)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->items[i]->owner == owner && t->items[i]->kind == kind)
			return t->items[i];
	return NULL;
}

static void remove_at(struct stun_txn_table *t, size_t index)
{
	txn_free(t->items[index]);
	t->items[index] = t->items[--t->count];
}

void stun_txn_remove(struct stun_txn_table *t, struct stun_txn *txn)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->items[i] == txn) {
			remove_at(t, i);
			return;
		}
	}
	assert(0 && "a transaction is removed once, from its own table");
}

void stun_txn_remove_owner(struct stun_txn_table *t, const void *owner)
{
	for (size_t i = t->count; i-- > 0;)
		if (t->items[i]->owner == owner)
			remove_at(t, i);
}

void stun_txn_remove_kind(struct stun_txn_table *t, const void *owner, enum stun_txn_kind kind)
{
	for (size_t i = t->count; i-- > 0;)
		if (t->items[i]->owner == owner && t->items[i]->kind == kind)
			remove_at(t, i);
}

enum stun_txn_due stun_txn_poll(struct stun_txn *txn, wlk_time now)
{
	if (now < txn->next_at)
		return TXN_NOT_DUE;
	if (txn->sends >= txn->sends_max)
		return TXN_TIMED_OUT;
	txn->sends++;
	txn->last_sent = now;
	txn->rto = time_min(2 * txn->rto, MAX(txn->rto, (wlk_time)STUN_TXN_RTO_MAX_US));
	txn->next_at = now + txn->rto;
	return TXN_RESEND;
}

wlk_time stun_txn_deadline(const struct stun_txn_table *t)
{
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < t->count; i++)
		at = time_min(at, t->items[i]->next_at);
	return at;
}

void stun_txn_cancel(struct stun_txn *txn)
{
	txn->sends_max = txn->sends;
	txn->next_at = MAX(txn->next_at, txn->last_sent + STUN_TXN_LINGER_US);
}
