#include "net/driver_timer.h"

wlk_err driver_timer_add(struct driver_timers *t, struct driver_timer *timer, void (*fn)(struct driver_timer *timer))
{
	wlk_err err = heap_reserve(&t->heap, t->count + 1);

	if (err)
		return err;
	t->count++;
	timer->fn = fn;
	return WLK_OK;
}

void driver_timer_remove(struct driver_timers *t, struct driver_timer *timer)
{
	heap_remove(&t->heap, &timer->node);
	t->count--;
}

void driver_timer_set(struct driver_timers *t, struct driver_timer *timer, wlk_time at)
{
	heap_set(&t->heap, &timer->node, at);
}

void driver_timers_run(struct driver_timers *t, wlk_time now)
{
	struct heap_node *first;

	while ((first = heap_first(&t->heap)) && first->key <= now) {
		struct driver_timer *timer = CONTAINER_OF(first, struct driver_timer, node);

		heap_remove(&t->heap, first);
		timer->fn(timer);
	}
}

wlk_time driver_timers_deadline(const struct driver_timers *t)
{
	const struct heap_node *first = heap_first(&t->heap);

	return first ? first->key : WLK_TIME_NEVER;
}

void driver_timers_free(struct driver_timers *t)
{
	assert(!t->count && "what has a timer removes it");
	heap_free(&t->heap);
}
