/* A thin epoll: sources with handlers, safe against removal of any source inside any handler. */
#ifndef NET_POLLER_H
#define NET_POLLER_H

#include <sys/epoll.h>

#include "core/err.h"

enum { POLLER_BATCH = 64 };

struct poller_source;
typedef void (*poller_fn)(struct poller_source *source, uint32_t events);

/* Embedded in whoever owns the descriptor. Zero-initialised: not added. */
struct poller_source {
	poller_fn fn;
	int fd;
	uint32_t events; /* asked for: EPOLLIN, EPOLLOUT */
	uint32_t slot;   /* place in the poller's table + 1; 0: not added */
};

/* The kernel hands back a slot and its generation, never a pointer: an event for a source that is gone finds nothing
 * (R39). */
struct poller_slot {
	struct poller_source *source;
	uint32_t generation;
	uint32_t next_free; /* slot + 1 */
};

struct poller {
	int fd;
	struct poller_slot *slots;
	size_t slot_capacity;
	size_t slot_count;
	uint32_t first_free; /* slot + 1; 0: none */
	struct epoll_event ready[POLLER_BATCH];
	size_t ready_count;
	size_t ready_at; /* dispatched up to here */
};

/* WLK_ERR_IO when the kernel gives no descriptor. */
wlk_err poller_init(struct poller *p);
void poller_free(struct poller *p);

/* Watch |fd| for |events| (level-triggered). Errors: WLK_ERR_NOMEM, WLK_ERR_IO. */
wlk_err poller_add(struct poller *p, struct poller_source *source, int fd, uint32_t events, poller_fn fn);
wlk_err poller_change(struct poller *p, struct poller_source *source, uint32_t events);
/* Before the descriptor is closed. Removing a source that was not added does nothing. */
void poller_remove(struct poller *p, struct poller_source *source);

/* Wait for events, at most |timeout_ms| (-1: for ever, 0: not at all). A signal ends the wait without an error. */
wlk_err poller_wait(struct poller *p, int timeout_ms);
/* Call the handlers of what poller_wait() found. Handlers may add, change and remove any source. */
void poller_dispatch(struct poller *p);
/* The same for the next |limit| of them at most; any source may come and go between two calls. False: none is left. */
bool poller_dispatch_some(struct poller *p, size_t limit);
static inline bool poller_has_more(const struct poller *p)
{
	return p->ready_at < p->ready_count;
}

#endif
