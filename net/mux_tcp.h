/* One TCP port for the passive ICE-TCP candidates of all peers (RFC 6544): whose is a connection, its first frame says. */
#ifndef NET_MUX_TCP_H
#define NET_MUX_TCP_H

#include <wirelark/drive.h>

#include "core/list.h"

struct driver;
struct driver_peer;

/*
 * A connection that was accepted is nobody's until its first frame (RFC 4571) has come: a STUN request whose USERNAME names
 * the ufrag of a peer that listens there. Then it is that peer's stream. Meanwhile it costs at most MUX_TCP_FRAME bytes and
 * MUX_TCP_PATIENCE_US. Of more than MUX_TCP_GUESTS, and of more than MUX_TCP_GUESTS_OF_SOURCE from one IPv4 address or IPv6
 * /64, the one that has been silent for longest goes: no address takes the places of all others.
 */
enum {
	MUX_TCP_GUESTS = 256,
	MUX_TCP_GUESTS_OF_SOURCE = 64,
	MUX_TCP_FRAME = 2048,
	MUX_TCP_PATIENCE_US = 10000000,
};

struct mux_tcp_stats {
	uint64_t adopted;   /* connections that found their peer */
	uint64_t refused;   /* closed: the first frame was no check, or for nobody */
	uint64_t timed_out; /* closed: no whole frame in time */
	uint64_t evicted;   /* closed: too many waited, or too many of one source */
};

/* Of a driver. */
struct mux_tcp {
	struct list listeners;
	struct list guests; /* longest first */
	size_t guest_count;
	struct mux_tcp_stats stats;
};

void mux_tcp_init(struct mux_tcp *t);

/* Answer a LISTEN_TCP with the shared listener on that address; its first user opens it. As port_open() otherwise. */
wlk_err mux_tcp_listen(struct driver_peer *p, const wlk_request *request, wlk_addr *bound);
/* A CLOSE: true when |local| was a shared listener that |p| uses. It closes with its last user, and so do its guests. */
bool mux_tcp_leave(struct driver_peer *p, const wlk_addr *local);
/* The same for all that |p| uses. */
void mux_tcp_leave_all(struct driver_peer *p);

/* Close guests that have been silent for too long, and accept again after a pause. */
void mux_tcp_expire(struct driver *d);
wlk_time mux_tcp_deadline(const struct driver *d);

#endif
