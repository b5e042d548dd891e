#include "srtp/ssrc_table.h"

#include <string.h>

#include "core/alloc.h"
#include "core/time.h"
#include "srtp/session.h"

#define CREDIT_PER_SSRC (SECOND / SRTP_NEW_SSRC_PER_SECOND)
#define CREDIT_MAX      (SRTP_NEW_SSRC_BURST * CREDIT_PER_SSRC)

void ssrc_table_init(struct ssrc_table *t)
{
	memset(t, 0, sizeof(*t));
	t->credit_us = CREDIT_MAX;
}

void ssrc_table_free(struct ssrc_table *t)
{
	wlk_free(t->items);
	t->items = NULL;
	t->count = 0;
}

/* The index of the first entry that is not below |ssrc|. */
static size_t lower_bound(const struct ssrc_table *t, uint32_t ssrc)
{
	size_t low = 0;
	size_t high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->items[middle].ssrc < ssrc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ssrc_entry *ssrc_table_find(const struct ssrc_table *t, uint32_t ssrc)
{
	size_t at = lower_bound(t, ssrc);

	return at < t->count && t->items[at].ssrc == ssrc ? &t->items[at] : NULL;
}

/* Needs room from array_reserve(). */
static void insert(struct ssrc_table *t, struct ssrc_entry entry)
{
	size_t at = lower_bound(t, entry.ssrc);

	assert(t->count < t->capacity && "room is reserved before an SSRC is inserted");
	memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof(t->items[0]));
	t->items[at] = entry;
	t->count++;
}

wlk_err ssrc_table_announce(struct ssrc_table *t, uint32_t ssrc)
{
	struct ssrc_entry *known = ssrc_table_find(t, ssrc);

	if (known) {
		known->state = SSRC_ANNOUNCED;
		return WLK_OK;
	}
	if (t->count - t->learned >= SRTP_KNOWN_SSRC_MAX)
		return WLK_ERR_NOSPACE;
	if (!array_reserve((void **)&t->items, &t->capacity, t->count + 1, sizeof(t->items[0])))
		return WLK_ERR_NOMEM;
	insert(t, (struct ssrc_entry){ .ssrc = ssrc, .state = SSRC_ANNOUNCED });
	return WLK_OK;
}

void ssrc_table_retire(struct ssrc_table *t, uint32_t ssrc)
{
	struct ssrc_entry *known = ssrc_table_find(t, ssrc);

	if (known)
		known->state = SSRC_RETIRED;
}

bool ssrc_table_may_pass(struct ssrc_table *t, wlk_time now, uint32_t ssrc)
{
	const struct ssrc_entry *known = ssrc_table_find(t, ssrc);

	if (known)
		return known->state != SSRC_RETIRED;
	if (now > t->credit_at) {
		t->credit_us = now - t->credit_at >= CREDIT_MAX ? CREDIT_MAX
								: MIN(CREDIT_MAX, t->credit_us + (now - t->credit_at));
		t->credit_at = now;
	}
	if (t->learned >= SRTP_NEW_SSRC_MAX || t->credit_us < CREDIT_PER_SSRC)
		return false;
	/* Room first: once libsrtp has made its stream there is no way back that keeps the replay window. */
	return array_reserve((void **)&t->items, &t->capacity, t->count + 1, sizeof(t->items[0]));
}

void ssrc_table_passed(struct ssrc_table *t, uint32_t ssrc)
{
	if (ssrc_table_find(t, ssrc))
		return;
	t->credit_us -= CREDIT_PER_SSRC;
	t->learned++;
	insert(t, (struct ssrc_entry){ .ssrc = ssrc, .state = SSRC_LEARNED, .learned = true });
}
