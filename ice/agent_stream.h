/* ICE-TCP (RFC 6544): the agent's connections, opened and accepted, their framing (RFC 4571) and their pairs. */
#ifndef ICE_AGENT_STREAM_H
#define ICE_AGENT_STREAM_H

#include "ice/agent.h"
#include "ice/tcp_framing.h"

struct ice_base;
struct ice_remote_candidate;

enum {
	AGENT_CONNECTS_MAX = 8,           /* connections being opened at a time (R8) */
	AGENT_TARGETS_MAX = 64,           /* connections that are open, being opened or wanted (R8) */
	AGENT_RECONNECT_US = 1000000,     /* a broken or refused one is opened again after that, once */
	AGENT_UNPROVEN_US = 10000000,     /* an accepted connection says something authentic within that, or goes */
	AGENT_STREAM_CHECK_US = 10000000, /* a check over TCP is sent once; no answer for so long: it has failed */
	AGENT_ACTIVE_PORT = 9,            /* RFC 6544 4.5: what is announced as the port of an active candidate */
};

enum agent_stream_state {
	STREAM_WANTED,     /* active: to be opened from |at| on, if it is still needed */
	STREAM_CONNECTING, /* active: the request is out */
	STREAM_OPEN,
	STREAM_BROKEN, /* the connection is gone; its pairs go with the next run */
};

/*
 * One connection. Active ones belong to an interface and a passive candidate of the peer, and get a base of their own
 * when they are up. An accepted one shares the base of its listener; what tells it apart is the far end.
 */
struct agent_stream {
	uint32_t id; /* not while WANTED */
	enum agent_stream_state state;
	bool accepted;
	bool proven;             /* accepted: it has brought an authentic request, hence has a pair */
	bool retried;            /* active: the one reconnection is used up */
	uint32_t generation;     /* of the remote candidate */
	uint16_t preference;     /* active: local preference of the interface */
	wlk_time at;             /* WANTED: when to connect; accepted and not proven: when to give up */
	wlk_addr ip;             /* active: where to connect from, port 0 */
	wlk_addr remote;
	struct ice_base *base; /* active: NULL until it is open */
	struct tcp_framing framing;
};

struct agent_streams {
	struct agent_stream **items; /* oldest first */
	size_t count;
	size_t capacity;
	struct ice_pacer_user pacer; /* of connections */
	uint64_t rival; /* priority of the best pair that answers, as of the latest run; 0: none does */
};

void agent_streams_free(struct ice_agent *agent);

/* Whether connections are opened from |base|: not as ICE-lite, not without TCP, not when pairs of it are ruled out. */
bool agent_stream_may_connect(const struct ice_agent *agent, const struct ice_base *base);
/* Whether the agent listens for connections at the IPs that it gathers. */
bool agent_stream_listens(const struct ice_agent *agent);
/*
 * R8: a peer must not use us to find out which ports answer. Below 1024 only 80 and 443 are connected to, which firewalls
 * let through, and these not at private addresses, where services of the inside live.
 */
bool agent_stream_port_allowed(const wlk_addr *remote);

/* Connections of a new passive candidate of the peer, from every socket's interface; the same for a new socket. */
void agent_stream_want_remote(struct ice_agent *agent, const struct ice_remote_candidate *remote);
void agent_stream_want_base(struct ice_agent *agent, const struct ice_base *base);
/* |base| goes: so do its connections, and if it is a socket those that are to be opened from its IP. */
void agent_stream_on_base_gone(struct ice_agent *agent, const struct ice_base *base);
/* Close all of them. */
void agent_streams_close(struct ice_agent *agent);

/* The answer to a CONNECT_TCP whose owner is |stream| (OWNER_STREAM); |local| is our end of the connection. */
void agent_stream_on_connected(struct ice_agent *agent, wlk_time now, struct agent_stream *stream, wlk_err err,
			       const wlk_addr *local);

/* Put the length before a datagram that leaves from |base| to d->remote. False: no such connection. */
bool agent_stream_wrap(struct ice_agent *agent, struct ice_base *base, struct dgram *d);

/* Open what is wanted within the pacing, close what is of no use any more, take away the pairs of what broke. */
void agent_streams_run(struct ice_agent *agent, wlk_time now);
wlk_time agent_streams_deadline(const struct ice_agent *agent);
/* Whether connections that matter are being opened or about to be: checking is not over then. */
bool agent_streams_busy(const struct ice_agent *agent);

#endif
