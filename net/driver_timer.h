/* Timers of a driver's own: each is embedded in what it belongs to, and setting one never fails. */
#ifndef NET_DRIVER_TIMER_H
#define NET_DRIVER_TIMER_H

#include "core/heap.h"

struct driver_timer {
	struct heap_node node;
	void (*fn)(struct driver_timer *timer);
};

/* Zero-initialised: empty. */
struct driver_timers {
	struct heap heap;
	size_t count; /* added ones, set or not */
};

/* From now on |timer| may be set; it calls |fn|, which may remove it. WLK_ERR_NOMEM. */
wlk_err driver_timer_add(struct driver_timers *t, struct driver_timer *timer, void (*fn)(struct driver_timer *timer));
void driver_timer_remove(struct driver_timers *t, struct driver_timer *timer);
/* Once at |at|; WLK_TIME_NEVER: not. */
void driver_timer_set(struct driver_timers *t, struct driver_timer *timer, wlk_time at);
/* Call those that are due, earliest first. */
void driver_timers_run(struct driver_timers *t, wlk_time now);
/* When the earliest is due, or WLK_TIME_NEVER. */
wlk_time driver_timers_deadline(const struct driver_timers *t);
/* When all are removed. */
void driver_timers_free(struct driver_timers *t);

#endif
