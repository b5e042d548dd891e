#include "media/recv/nack_list.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

void nack_list_init(struct nack_list *l)
{
	*l = (struct nack_list){ .next_due = WLK_TIME_NEVER };
}

void nack_list_free(struct nack_list *l)
{
	wlk_free(l->items);
	nack_list_init(l);
}

void nack_list_clear(struct nack_list *l)
{
	l->count = 0;
	l->next_due = WLK_TIME_NEVER;
}

/* The first index whose seq is >= |seq|. */
static size_t lower_bound(const struct nack_list *l, int64_t seq)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (l->items[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void drop(struct nack_list *l, size_t index, size_t count)
{
	memmove(l->items + index, l->items + index + count, (l->count - index - count) * sizeof(*l->items));
	l->count -= count;
	if (!l->count)
		l->next_due = WLK_TIME_NEVER;
}

void nack_list_add(struct nack_list *l, int64_t first, int64_t last, wlk_time now)
{
	assert((!l->count || l->items[l->count - 1].seq < first) && "holes are reported in ascending order");
	if (last < first)
		return;
	if ((uint64_t)(last - first) >= NACK_LIST_MAX - l->count ||
	    !array_reserve((void **)&l->items, &l->capacity, l->count + (size_t)(last - first) + 1,
			   sizeof(*l->items))) {
		nack_list_clear(l);
		l->gave_up = true;
		return;
	}
	for (int64_t seq = first; seq <= last; seq++)
		l->items[l->count++] = (struct nack_item){ .seq = seq, .due = now + NACK_REORDER_US, .missed = now };
	l->next_due = time_min(l->next_due, now + NACK_REORDER_US);
}

bool nack_list_has(const struct nack_list *l, int64_t seq)
{
	size_t index = lower_bound(l, seq);

	return index < l->count && l->items[index].seq == seq;
}

bool nack_list_remove(struct nack_list *l, int64_t seq)
{
	size_t index = lower_bound(l, seq);
	bool asked;

	if (index == l->count || l->items[index].seq != seq)
		return false;
	asked = l->items[index].tries > 0;
	drop(l, index, 1);
	return asked;
}

void nack_list_forget_before(struct nack_list *l, int64_t seq)
{
	size_t index = lower_bound(l, seq);

	if (!index)
		return;
	drop(l, 0, index);
	l->gave_up = true;
}

enum { SHARE_ONE = 65536, SHARE_WINDOW = 100 /* packets */ };

void nack_list_on_packet(struct nack_list *l)
{
	l->lost_q16 -= l->lost_q16 / SHARE_WINDOW;
}

bool nack_list_is_lossy(const struct nack_list *l)
{
	return l->lost_q16 >= SHARE_ONE * NACK_LOSSY_PERCENT / 100;
}

/* |item| is asked for at |now|. */
static void ask(struct nack_list *l, struct nack_item *item, wlk_time now, wlk_time retry)
{
	if (item->is_repeated) {
		item->is_repeated = false;
		item->due = MAX(item->next_try, now + NACK_RETRY_MIN_US);
		return;
	}
	if (!item->tries++)
		l->lost_q16 += (SHARE_ONE - l->lost_q16) / SHARE_WINDOW;
	if (item->tries >= NACK_STUCK_TRIES && now - item->missed >= NACK_STUCK_US)
		l->is_stuck = true;
	item->is_repeated = (nack_list_is_lossy(l) || item->tries > 1) && retry > 2 * NACK_REPEAT_US;
	item->next_try = now + retry;
	item->due = item->is_repeated ? now + NACK_REPEAT_US : item->next_try;
}

size_t nack_list_take_due(struct nack_list *l, wlk_time now, wlk_time rtt_us, uint16_t *seqs, size_t capacity)
{
	wlk_time retry = MAX((rtt_us ? rtt_us : NACK_RTT_DEFAULT_US) * 5 / 4, NACK_RETRY_MIN_US);
	wlk_time next = WLK_TIME_NEVER;
	size_t taken = 0, kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct nack_item item = l->items[i];

		if (item.due <= now && item.tries == NACK_TRIES_MAX && !item.is_repeated) {
			l->gave_up = true;
			continue;
		}
		if (item.due <= now && taken < capacity) {
			seqs[taken++] = (uint16_t)item.seq;
			ask(l, &item, now, retry);
		}
		next = time_min(next, item.due);
		l->items[kept++] = item;
	}
	l->count = kept;
	l->next_due = next;
	return taken;
}
