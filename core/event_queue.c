#include "core/event_queue.h"

#include <string.h>

#include "core/alloc.h"

wlk_err event_queue_init(struct event_queue *q, size_t item_size, size_t reserve)
{
	*q = (struct event_queue){ .item_size = item_size };
	if (reserve) {
		q->items = wlk_calloc(reserve, item_size);
		if (!q->items)
			return WLK_ERR_NOMEM;
		q->capacity = reserve;
	}
	return WLK_OK;
}

void event_queue_free(struct event_queue *q)
{
	wlk_free(q->items);
	*q = (struct event_queue){ .item_size = q->item_size };
}

static uint8_t *slot(const struct event_queue *q, size_t position)
{
	size_t at = q->first + position;

	return q->items + (at < q->capacity ? at : at - q->capacity) * q->item_size;
}

static wlk_err grow(struct event_queue *q)
{
	size_t capacity = q->capacity ? 2 * q->capacity : 8;
	uint8_t *items = wlk_calloc(capacity, q->item_size);

	if (!items)
		return WLK_ERR_NOMEM;
	for (size_t i = 0; i < q->count; i++)
		memcpy(items + i * q->item_size, slot(q, i), q->item_size);
	wlk_free(q->items);
	q->items = items;
	q->capacity = capacity;
	q->first = 0;
	return WLK_OK;
}

wlk_err event_queue_push(struct event_queue *q, const void *item)
{
	if (q->count == q->capacity) {
		wlk_err err = grow(q);

		if (err)
			return err;
	}
	memcpy(slot(q, q->count), item, q->item_size);
	q->count++;
	return WLK_OK;
}

bool event_queue_pop(struct event_queue *q, void *out)
{
	if (!q->count)
		return false;
	memcpy(out, slot(q, 0), q->item_size);
	q->count--;
	q->first++;
	/* An empty queue begins again with the memory that is in the cache, however large it once was. */
	if (!q->count || q->first == q->capacity)
		q->first = 0;
	return true;
}
