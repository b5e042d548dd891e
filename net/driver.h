/* Drives the peers of one loop: their sockets, look-ups, deadlines and events. */
#ifndef NET_DRIVER_H
#define NET_DRIVER_H

#include <wirelark/loop.h>

#include "core/heap.h"
#include "core/log.h"
#include "net/driver_stream.h"
#include "net/driver_timer.h"
#include "net/mailbox.h"
#include "net/mux.h"
#include "net/mux_tcp.h"
#include "net/netmon.h"
#include "net/poller.h"
#include "net/udp.h"
#include "net/worker.h"
#include "peer/peer.h"

enum {
	DRIVER_PASSES = 8,   /* visits of one peer in one round, so that sockets get their turn */
	DRIVER_VISITS = 256, /* of all peers in one round, for the same reason */
	DRIVER_VISITS_BETWEEN = 64, /* between two sockets */
	DRIVER_GATHER = 4,   /* visits whose datagrams a shared socket gathers before it sends them */
	DRIVER_BATCHES = 4,  /* UDP_BATCH datagrams each, of one visit */
	DRIVER_EVENTS = 64,  /* of one visit */
	DRIVER_REQUESTS = 64, /* of one visit */
	DRIVER_TELL_AGAIN_US = 200000, /* after a peer had no memory to hear of a change of the network */
};

struct driver {
	struct log_scope log;
	struct log_budget late_budget;
	struct poller *poller;
	struct mailbox *mailbox;
	struct peer_env env; /* what each peer's environment starts from */
	bool no_gso;
	wlk_time now; /* of this round; the peers' clock */
	struct list peers; /* driver_peer.link */
	size_t peer_count;
	struct list ready; /* peers with something to do; API calls link them in too */
	struct list batch; /* those of this pass */
	struct heap deadlines;
	uint16_t udp_port;        /* for all peers; 0: each has its own */
	uint16_t tcp_port;        /* for the passive ICE-TCP of all peers; 0: the same */
	struct mux *mux;          /* NULL when neither is shared */
	struct mux_tcp mux_tcp;
	struct list shared_ports; /* port.link */
	struct list unsent;       /* port.unsent */
	struct udp_rx rx;
	struct udp_stats stats;
	struct netmon netmon; /* the addresses of this host */
	bool in_filter;       /* an address filter of a peer is being asked */
	wlk_time tell_again_at; /* a peer could not be told of a change; WLK_TIME_NEVER: all know */
	struct driver_streams streams;
	struct driver_timers timers;
	struct worker_pool workers; /* of codecs */
};

/* The driver's record of one peer. */
struct driver_peer {
	struct list link;
	struct driver *driver;
	struct wlk_peer_connection *pc;
	struct peer_env env;
	wlk_event_fn on_event;
	void *user;
	wlk_address_filter address_filter; /* NULL: all */
	void *filter_user;
	bool network_changed; /* and it has not been told */
	size_t networks; /* addresses that it was told of last, those of loopback aside */
	struct heap_node deadline;
	struct list ports;   /* sockets, see port.h */
	struct mux_user mux; /* how the datagrams of shared sockets find it */
	struct list streams;   /* connections, see driver_stream.c */
	struct list listeners; /* for connections, see driver_listener.c */
	struct list shared_listeners; /* see mux_tcp.c */
	size_t full_streams;   /* connections that hold the peer's packets back */
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
/* No thread works for it any more; before the mailbox is closed. */
void driver_stop_workers(struct driver *d);
/* Destroys the peers that are left. */
void driver_free(struct driver *d);

/* The time of this round; never earlier than before. */
void driver_set_now(struct driver *d, wlk_time now);
/*
 * One UDP port and one TCP port for all peers, on each address that they bind; 0: ports of their own. Once, before the first
 * peer. WLK_ERR_NOMEM, WLK_ERR_CRYPTO.
 */
wlk_err driver_share_ports(struct driver *d, uint16_t udp_port, uint16_t tcp_port);

/* See wlk_peer_connection_create(). */
wlk_err driver_create_peer(struct driver *d, const wlk_configuration *config, wlk_event_fn on_event, void *user,
			   struct wlk_peer_connection **out);

/* Handle the deadlines that have passed, then visit the peers that have something to do, a bounded number of times. */
void driver_run(struct driver *d);
/* Visit them once, while more sockets wait to be read, and leave the deadlines for driver_run(). */
void driver_run_between(struct driver *d);
/* When driver_run() has something to do next: not later than now when a budget ended before the work did. */
wlk_time driver_deadline(const struct driver *d);

/* For driver_request.c: have |p| visited. */
void driver_mark_ready(struct driver_peer *p);

/* driver_request.c: answer what the peer asks for. True when the budget ended first. */
bool driver_serve_requests(struct driver_peer *p);
/* port.c: hand |d| to the socket with its local address; takes d.buf over. */
void driver_route(struct driver_peer *p, struct dgram d);
/* port.c: flush every socket of its own that has something queued and does not wait for room. */
void driver_flush(struct driver_peer *p);
/* driver_request.c: close its sockets and forget its look-ups. */
void driver_close_all(struct driver_peer *p);

#endif
