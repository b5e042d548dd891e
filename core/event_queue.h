/* FIFO of fixed-size items with reserved slots, so that facts which must not be lost never need memory when they happen. */
#ifndef CORE_EVENT_QUEUE_H
#define CORE_EVENT_QUEUE_H

#include "core/err.h"

struct event_queue {
	uint8_t *items;
	size_t item_size;
	size_t capacity;
	size_t first;
	size_t count;
};

/* Room for |reserve| items is taken at once. */
wlk_err event_queue_init(struct event_queue *q, size_t item_size, size_t reserve);
void event_queue_free(struct event_queue *q);
/* Append a copy; grows when full. WLK_ERR_NOMEM leaves the queue as it was. */
wlk_err event_queue_push(struct event_queue *q, const void *item);
/* Take the oldest into |out|; false when empty. */
bool event_queue_pop(struct event_queue *q, void *out);
static inline size_t event_queue_count(const struct event_queue *q)
{
	return q->count;
}

#endif
