#include "net/timers.h"

#include "core/alloc.h"

struct wlk_timer {
	struct heap_node node;
	struct list link;
	struct timers *timers;
	void (*fn)(void *user);
	void *user;
};

void timers_init(struct timers *t)
{
	*t = (struct timers){ 0 };
	heap_init(&t->heap);
	list_init(&t->all);
}

/* Take |timer| out, without freeing it. */
static void detach(struct timers *t, struct wlk_timer *timer)
{
	heap_remove(&t->heap, &timer->node);
	list_remove(&timer->link);
	t->count--;
}

void timers_free(struct timers *t)
{
	struct list *link;

	while ((link = t->all.next) != &t->all) {
		struct wlk_timer *timer = list_entry(link, struct wlk_timer, link);

		detach(t, timer);
		wlk_free(timer);
	}
	heap_free(&t->heap);
}

wlk_err timers_add(struct timers *t, wlk_time when, void (*fn)(void *user), void *user, struct wlk_timer **out)
{
	struct wlk_timer *timer = wlk_calloc(1, sizeof(*timer));

	if (!timer)
		return WLK_ERR_NOMEM;
	if (heap_reserve(&t->heap, t->count + 1)) {
		wlk_free(timer);
		return WLK_ERR_NOMEM;
	}
	timer->timers = t;
	timer->fn = fn;
	timer->user = user;
	list_push_back(&t->all, &timer->link);
	heap_set(&t->heap, &timer->node, when);
	t->count++;
	if (out)
		*out = timer;
	return WLK_OK;
}

void timers_run(struct timers *t, wlk_time now)
{
	/* Timers added meanwhile are due later than |now|, or no later than the ones counted here: the count bounds
	 * both. */
	size_t budget = t->count;
	struct heap_node *first;

	while (budget-- && (first = heap_first(&t->heap)) && first->key <= now) {
		struct wlk_timer *timer = CONTAINER_OF(first, struct wlk_timer, node);

		detach(t, timer);
		t->firing = timer;
		timer->fn(timer->user);
		t->firing = NULL;
		wlk_free(timer);
	}
}

wlk_time timers_deadline(const struct timers *t)
{
	const struct heap_node *first = heap_first(&t->heap);

	return first ? first->key : WLK_TIME_NEVER;
}

void wlk_timer_cancel(wlk_timer *timer)
{
	if (!timer || timer == timer->timers->firing)
		return;
	detach(timer->timers, timer);
	wlk_free(timer);
}
