/* wlk_timer: functions that a loop calls once, later. */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include <wirelark/loop.h>

#include "core/heap.h"
#include "core/list.h"

struct timers {
	struct heap heap;
	struct list all; /* also those whose time is "never" */
	size_t count;
	struct wlk_timer *firing; /* in its own function: cancelling it there does nothing */
};

void timers_init(struct timers *t);
/* Frees the timers that did not fire. */
void timers_free(struct timers *t);
/* Call |fn| once at |when|. Errors: WLK_ERR_NOMEM. */
wlk_err timers_add(struct timers *t, wlk_time when, void (*fn)(void *user), void *user, struct wlk_timer **out);
/* Fire what is due at |now|, earliest first; timers that these functions add wait for the next call. */
void timers_run(struct timers *t, wlk_time now);
/* When the earliest is due, or WLK_TIME_NEVER. */
wlk_time timers_deadline(const struct timers *t);

#endif
