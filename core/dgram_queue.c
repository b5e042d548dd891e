#include "core/dgram_queue.h"

#include "core/alloc.h"

void dgram_queue_init(struct dgram_queue *q, size_t limit)
{
	*q = (struct dgram_queue){ .limit = limit };
}

void dgram_queue_free(struct dgram_queue *q)
{
	struct dgram d;

	while (dgram_queue_pop(q, &d))
		pktbuf_release(d.buf);
	wlk_free(q->items);
	dgram_queue_init(q, q->limit);
}

static bool grow(struct dgram_queue *q)
{
	size_t capacity = q->capacity ? MIN(2 * q->capacity, q->limit) : MIN((size_t)8, q->limit);
	struct dgram *items;

	if (q->count >= q->limit)
		return false;
	items = wlk_calloc(capacity, sizeof(*items));
	if (!items)
		return false;
	for (size_t i = 0; i < q->count; i++)
		items[i] = q->items[(q->first + i) % q->capacity];
	wlk_free(q->items);
	q->items = items;
	q->capacity = capacity;
	q->first = 0;
	return true;
}

bool dgram_queue_push(struct dgram_queue *q, struct dgram d)
{
	if (q->count == q->capacity && !grow(q)) {
		pktbuf_release(d.buf);
		q->drops++;
		return false;
	}
	q->items[q->first + q->count < q->capacity ? q->first + q->count : q->first + q->count - q->capacity] = d;
	q->count++;
	return true;
}

bool dgram_queue_pop(struct dgram_queue *q, struct dgram *out)
{
	if (!q->count)
		return false;
	*out = q->items[q->first];
	q->count--;
	q->first++;
	if (!q->count || q->first == q->capacity)
		q->first = 0;
	return true;
}
