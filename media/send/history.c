#include "media/send/history.h"

#include <string.h>

#include "core/alloc.h"
#include "core/seq.h"

enum { CACHE_LINE = 64 };

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
	pktbuf_release(h->spare);
	wlk_free(h->items);
	history_init(h);
}

/*
 * The memory of a packet that has to make room serves the next one. At a high rate nobody has looked at it for a thousand packets:
 * it is called for now, and comes while the present packet is encrypted.
 */
static void push_out(struct history *h, struct history_item *item)
{
	if (!item->buf || !item->is_copy || h->spare) {
		clear(h, item);
		return;
	}
	h->spare = item->buf;
	for (size_t at = 0; at < h->spare->size; at += CACHE_LINE)
		__builtin_prefetch(h->spare->data + at, 1);
	item->buf = NULL;
	h->count--;
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
	pktbuf_release(h->spare); /* nothing is sent any more */
	h->spare = NULL;
}

/* False: without memory |item->buf| was released: no answer to a NACK then, which the network may cause as well. */
static bool put(struct history *h, wlk_time now, const struct history_item *item)
{
	struct history_item *slot;

	if (!h->items)
		h->items = wlk_calloc(HISTORY_MAX, sizeof(*h->items));
	if (!h->items) {
		pktbuf_release(item->buf);
		return false;
	}
	history_expire(h, now);
	while (h->count && (uint16_t)(item->seq - h->oldest) >= HISTORY_MAX)
		push_out(h, slot_of(h, h->oldest++));
	if (!h->count)
		h->oldest = item->seq;
	slot = slot_of(h, item->seq);
	push_out(h, slot);
	*slot = *item;
	h->count++;
	/* The next packet pushes this one out, and then something of its head has to be there. */
	__builtin_prefetch(slot_of(h, (uint16_t)(item->seq + 1))->buf, 1);
	return true;
}

void history_put(struct history *h, wlk_time now, const struct history_item *item)
{
	(void)put(h, now, item);
}

void history_copy(struct history *h, struct pktbuf_pool *pool, wlk_time now, const struct pktbuf *packet,
		  const struct history_item *item)
{
	struct pktbuf *buf = h->spare ? h->spare : pktbuf_alloc(pool, PKTBUF_PAYLOAD);
	struct history_item copy = *item;

	assert(packet->size <= PKTBUF_PAYLOAD && "what is sent fits a datagram");
	h->spare = NULL;
	if (!buf)
		return;
	buf->size = packet->size;
	copy.buf = buf;
	copy.is_copy = true;
	/* The bytes come last: what is written behind a write that misses the cache waits for it. */
	if (put(h, now, &copy))
		memcpy(buf->data, packet->data, packet->size);
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
