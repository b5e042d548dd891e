/* Drives the peers of one loop: their sockets, look-ups, deadlines and events. */
#ifndef NET_DRIVER_H
#define NET_DRIVER_H

#include <wirelark/loop.h>

#include "core/heap.h"
#include "core/log.h"
#include "net/mailbox.h"
#include "net/poller.h"
#include "net/udp.h"
#include "peer/peer.h"

enum {
	DRIVER_PASSES = 8,   /* visits of one peer in one round, so that sockets get their turn */
	DRIVER_BATCHES = 4,  /* UDP_BATCH datagrams each, of one visit */
	DRIVER_EVENTS = 64,  /* of one visit */
	DRIVER_REQUESTS = 64 /* of one visit */
};

struct driver {
	struct log_scope log;
	struct log_budget late_budget;
	struct poller *poller;
	struct mailbox *mailbox;
	struct peer_env env; /* what each peer's environment starts from */
	bool no_gso;
	wlk_time now;      /* of this round */
	wlk_time told_now; /* what all peers were told by peer_set_now() */
	struct list peers; /* driver_peer.link */
	size_t peer_count;
	struct list ready; /* peers with something to do; API calls link them in too */
	struct list batch; /* those of this pass */
	struct heap deadlines;
	struct udp_rx rx;
	struct udp_stats stats;
	wlk_addr *interfaces; /* as last listed */
	size_t interface_count;
	wlk_time interfaces_at; /* when they were listed; WLK_TIME_NEVER: not yet */
};

/* The driver's record of one peer. */
struct driver_peer {
	struct list link;
	struct driver *driver;
	struct wlk_peer_connection *pc;
	struct peer_env env;
	wlk_event_fn on_event;
	void *user;
	struct heap_node deadline;
	struct list ports;   /* sockets, see driver_request.c */
	struct list lookups; /* names that are being resolved */
	size_t full_ports;   /* of them wait for room: nothing more is pulled from the peer meanwhile */
	struct mail wake;
	bool entered; /* its events are being delivered: freeing waits */
	bool gone;    /* destroyed; closed for everything but being freed */
};

/*
 * |env| gives pool, dtls, certificate and the wall clock; ready and wake are the driver's own. All are borrowed and
 * outlive it. |poller|'s handlers expect driver_set_now() to be called first.
 */
void driver_init(struct driver *d, struct poller *poller, struct mailbox *mailbox, const struct peer_env *env,
		 bool no_gso);
/* Destroys the peers that are left. */
void driver_free(struct driver *d);

/* The time of this round; never earlier than before. */
void driver_set_now(struct driver *d, wlk_time now);
/* Before user code runs that may call any peer's API. */
void driver_tell_time(struct driver *d);

/* See wlk_peer_connection_create(). */
wlk_err driver_create_peer(struct driver *d, const wlk_configuration *config, wlk_event_fn on_event, void *user,
			   struct wlk_peer_connection **out);

/* Handle the deadlines that have passed, then visit the peers that have something to do, a bounded number of times. */
void driver_run(struct driver *d);
/* When driver_run() has something to do next: not later than now when a budget ended before the work did. */
wlk_time driver_deadline(const struct driver *d);

/* For driver_request.c: have |p| visited. */
void driver_mark_ready(struct driver_peer *p);

/* driver_request.c: answer what the peer asks for. True when the budget ended first. */
bool driver_serve_requests(struct driver_peer *p);
/* Hand |d| to the socket with its local address; takes d.buf over. */
void driver_route(struct driver_peer *p, struct dgram d);
/* Flush every socket of the peer that has something queued and does not wait for room. */
void driver_flush(struct driver_peer *p);
/* Close its sockets and forget its look-ups. */
void driver_close_all(struct driver_peer *p);

#endif
