#include "media/send/history.h"

#include "core/alloc.h"
#include "core/seq.h"

void history_init(struct history *h)
{
	*h = (struct history){ 0 };
}

static void clear(struct history *h, struct history_item *item)
{
	if (!item->buf)
		return;
	pktbuf_release(item->buf);
	item->buf = NULL;
	h->count--;
}

void history_free(struct history *h)
{
	for (size_t i = 0; h->items && i < HISTORY_MAX; i++)
		clear(h, &h->items[i]);
	wlk_free(h->items);
	history_init(h);
}

static struct history_item *slot_of(struct history *h, uint16_t seq)
{
	return &h->items[seq % HISTORY_MAX];
}

void history_expire(struct history *h, wlk_time now)
{
	/* Packets go in with growing numbers and times, so the old ones are at the front. */
	for (size_t steps = 0; h->count && steps < HISTORY_MAX; steps++) {
		struct history_item *item = slot_of(h, h->oldest);

		if (item->buf && now - item->sent <= HISTORY_AGE_US)
			return;
		clear(h, item);
		h->oldest++;
	}
}

void history_put(struct history *h, wlk_time now, const struct history_item *item)
{
	struct history_item *slot;

	if (!h->items)
		h->items = wlk_calloc(HISTORY_MAX, sizeof(*h->items));
	if (!h->items) {
		pktbuf_release(item->buf); /* no answer to a NACK then, which the network may cause as well */
		return;
	}
	history_expire(h, now);
	while (h->count && (uint16_t)(item->seq - h->oldest) >= HISTORY_MAX)
		clear(h, slot_of(h, h->oldest++));
	if (!h->count)
		h->oldest = item->seq;
	slot = slot_of(h, item->seq);
	clear(h, slot);
	*slot = *item;
	h->count++;
	/* The next packet pushes this one out, and at a high rate nobody has looked at it for a thousand packets. */
	__builtin_prefetch(slot_of(h, (uint16_t)(item->seq + 1))->buf, 1);
}

struct history_item *history_find(struct history *h, wlk_time now, uint16_t seq)
{
	struct history_item *item;

	if (!h->items)
		return NULL;
	item = slot_of(h, seq);
	if (!item->buf || item->seq != seq || now - item->sent > HISTORY_AGE_US)
		return NULL;
	return item;
}
