/* The one copy of usrsctp in this process: its lock, its clock tick and the registry of who owns which packet. */
#ifndef SCTP_STACK_H
#define SCTP_STACK_H

#include "core/err.h"

/*
 * One association as usrsctp's callbacks find it. Embedded in struct sctp_assoc. The callbacks carry |id|, a counter,
 * and never an address: what is gone is simply not found (R27, CVE-2020-6514).
 */
struct stack_entry {
	uintptr_t id;
	struct stack_entry *next; /* in its bucket */
	/*
	 * Both are called under the lock, from within any stack or usrsctp call. |foreign|: the caller is not the owner
	 * of this association, so nothing that belongs to the owner's thread may be touched.
	 */
	void (*on_packet)(struct stack_entry *entry, const uint8_t *packet, size_t size, bool foreign);
	void (*on_ready)(struct stack_entry *entry, bool foreign);
};

enum { STACK_TICK_MS = 10 };

/*
 * Give |entry| an id and make it findable; initialises usrsctp the first time. usrsctp_finish() is never called: it
 * fails while anything is left over, and a second usrsctp_init() after it is not safe in this version. Both are called
 * between stack_enter() and stack_leave().
 */
void stack_register(struct stack_entry *entry, wlk_time now);
void stack_unregister(struct stack_entry *entry);

/*
 * Take the lock on behalf of |entry| (NULL: of nobody); every usrsctp_*() call stands between enter and leave, and not
 * across a call that waits for anything.
 */
void stack_enter(struct stack_entry *entry);
void stack_leave(void);

/*
 * Between enter and leave, before anything else is done: when 10 ms have passed since the last tick of the whole
 * process, whoever comes first runs the timers of all associations. A timer that is started afterwards is not shortened
 * by time that passed before (R26).
 */
void stack_tick(wlk_time now);

/* When the timers of usrsctp want to be looked at next. Needs no lock. */
wlk_time stack_next_tick(void);

struct socket;
/* Have |socket|'s upcalls reach entry->on_ready(). False when usrsctp refuses. */
bool stack_watch(const struct stack_entry *entry, struct socket *socket);

/* The address usrsctp knows |entry| by. */
static inline void *stack_address(const struct stack_entry *entry)
{
	return (void *)entry->id;
}

#endif
