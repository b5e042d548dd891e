/* The pacing of checks (RFC 8445 14): slots that all agents of one connection share (R8). */
#ifndef ICE_PACER_H
#define ICE_PACER_H

#include <stdbool.h>

#include "core/time.h"

enum { ICE_PACER_BURST = 5 }; /* what is urgent may go at once so often, ahead of the slots that it takes */

/* One line of slots. Zero-initialised: nothing has left yet. It outlives its users. */
struct ice_pacer {
	wlk_time at;       /* when the next ordinary slot is; may lie ICE_PACER_BURST - 1 slots ahead */
	size_t waiting;    /* users that have something ordinary to send */
	size_t unanswered; /* requests under way, of all users */
};

/* For checks, and for connections that are opened to the peer (RFC 6544 7.1), which hold up no check. */
struct ice_pacers {
	struct ice_pacer checks;
	struct ice_pacer connects;
};

/* An agent at a pacer. */
struct ice_pacer_user {
	struct ice_pacer *pacer;
	wlk_time interval; /* Ta, us */
	wlk_time at;       /* its turn: users that wait at the same time take turns */
	bool waits;
	size_t unanswered;
};

void ice_pacer_join(struct ice_pacer_user *u, struct ice_pacer *pacer, wlk_time interval);
/* It neither waits for a slot nor for an answer any more. May be called again. */
void ice_pacer_leave(struct ice_pacer_user *u);

/*
 * What |u| has at the moment: an ordinary thing to send, and so many requests under way. To be said whenever the user has
 * had its turn, so that nobody is waited for who wants nothing.
 */
void ice_pacer_report(struct ice_pacer_user *u, bool waits, size_t unanswered);

/* When |u| may send. |urgent|: a triggered or nominating check, which may be ahead of its slot. */
wlk_time ice_pacer_at(const struct ice_pacer_user *u, bool urgent);
/* |u| sends. */
void ice_pacer_take(struct ice_pacer_user *u, wlk_time now);

/* RFC 8445 14.3: retransmissions of all that is under way must not come faster than Ta either. The least RTO [us]. */
wlk_time ice_pacer_rto(const struct ice_pacer_user *u);

#endif
