/* Two peers, a link between them and a clock, all in one thread and in virtual time; everything random comes from a seed.
 * With SIM_LOG in the environment the peers write their debug log; with SIM_RECORD=PREFIX each simulation is recorded into PREFIX.0,
 * PREFIX.1 and so on. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <wirelark/wirelark.h>

#include "network.h"

#define SIM_MS ((wlk_time)1000)
#define SIM_SECOND ((wlk_time)1000000)

/* What the link does to each datagram, in both directions. Probabilities are in 1/10000. */
struct sim_config {
	uint64_t seed;
	wlk_time latency_us;    /* one way */
	wlk_time jitter_us;     /* uniform, on top; makes reordering by itself */
	uint32_t loss;
	uint32_t duplicate;
	uint32_t reorder;       /* held back by up to |reorder_us| */
	wlk_time reorder_us;
	uint32_t corrupt;       /* one byte changed */
	uint64_t rate_bps;      /* 0: no limit */
	wlk_time queue_us;      /* longest stay in the queue of a rate-limited link */
	size_t mtu;             /* larger datagrams vanish; 0: no limit */
	wlk_configuration *config_a, *config_b; /* NULL: defaults */
	/* The interfaces of the peers; the first one without an IP ends the list. None: 10.0.0.1 and 10.0.0.2. */
	struct sim_interface interfaces_a[SIM_INTERFACES_MAX], interfaces_b[SIM_INTERFACES_MAX];
	wlk_time notice_us; /* after a change of its interfaces a peer hears of it so much later; 0: 50 ms */
	bool calls_in_events; /* the test makes calls while it looks at events: what is due at once by such a call gets further rounds */
	bool may_fail; /* memory runs out on purpose: peers that cannot be made stay NULL, candidates may get lost */
};

struct sim;
struct sim_peer;

/* Looks at each datagram before it goes on the link; false: it vanishes. */
typedef bool (*sim_filter_fn)(struct sim *sim, struct sim_peer *from, const wlk_datagram *datagram);

/* A link of the test's own: when a datagram of |size| bytes arrives; below 0: never. Instead of rate, latency and jitter. */
typedef wlk_time (*sim_link_fn)(struct sim *sim, struct sim_peer *from, size_t size);

/* What the test does with the events of its peers. */
typedef void (*sim_event_fn)(struct sim *sim, struct sim_peer *peer, const wlk_event *event);

struct sim_peer {
	struct sim *sim;
	wlk_peer_connection *pc; /* NULL once destroyed */
	struct sim_peer *other;
	const char *name;
	struct sim_interface interfaces[SIM_INTERFACES_MAX];
	size_t interface_count;
	wlk_time notice_at; /* when the peer hears of its interfaces; WLK_TIME_NEVER: it knows them */
	uint16_t next_port;
	wlk_time link_free_at; /* of a rate-limited link */
	bool is_offerer;
	bool cut;              /* nothing of this peer gets through any more */
	wlk_connection_state state;
	wlk_time connected_at; /* 0: not yet */
	void *user;
};

struct sim_packet;

/* Somebody else in the network; gets what is sent to any port of |ip|. */
struct sim_host;
typedef void (*sim_host_fn)(struct sim *sim, struct sim_host *host, const wlk_addr *local, const wlk_addr *remote,
			    const uint8_t *data, size_t size);

struct sim_host {
	wlk_addr ip;
	sim_host_fn input;
	void *user;
	uint64_t received;
};

struct sim {
	struct sim_config config;
	wlk_time now;
	uint64_t random;
	struct sim_peer a, b; /* a offers */
	sim_event_fn on_event;
	sim_filter_fn filter; /* NULL: none */
	sim_link_fn link;     /* the same */
	bool no_signalling;   /* candidates that come now do not reach the other peer */
	bool no_ipv6;         /* every IPv6 packet vanishes */
	struct sim_host hosts[SIM_HOSTS_MAX];
	size_t host_count;
	void *user;
	wlk_recording *recording; /* NULL: none */
	struct sim_packet **flying; /* heap by arrival */
	size_t flying_count, flying_capacity;
	/* figures */
	uint64_t datagrams, bytes, lost, duplicated, too_large, queue_drops;
	uint64_t rounds;
};

/* Make both peers; nothing is signalled yet. |on_event| gets what the sim does not handle itself (it sees everything). */
void sim_init(struct sim *sim, const struct sim_config *config, sim_event_fn on_event, void *user);
/* Destroys the peers and what flies. */
void sim_free(struct sim *sim);

/* Offer and answer, over signalling without delay; candidates trickle both ways as they come. */
void sim_signal(struct sim *sim);
/* The same for a re-offer by |offerer|, with or without an ICE restart. */
void sim_renegotiate(struct sim *sim, struct sim_peer *offerer, bool ice_restart);

/*
 * Run until |done| answers true or |limit| of virtual time passed; answers whether it was done. Each round checks that after
 * handle_timeout and a drain no deadline is in the past, and that a drain ends.
 */
bool sim_run_until(struct sim *sim, wlk_time limit, bool (*done)(struct sim *sim));
/* Just let time pass. */
void sim_run_for(struct sim *sim, wlk_time span);

/* Interface |index| of |peer| goes or comes; its driver lists it so after config.notice_us. */
void sim_set_interface(struct sim *sim, struct sim_peer *peer, size_t index, bool up);
/* Add a host, before sim_signal(). |input| is called when a datagram arrives; it may call sim_send(). */
struct sim_host *sim_add_host(struct sim *sim, const char *ip, sim_host_fn input, void *user);
/* A STUN server at |ip|:3478; "stun:stun.sim" names the one that was added last. */
struct sim_host *sim_add_stun_server(struct sim *sim, const char *ip);
/* Put a datagram of a host on the link. */
void sim_send(struct sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size);

/* Uniform in [0, bound); from the seed. */
uint32_t sim_random(struct sim *sim, uint32_t bound);

/* End the test with a message that names the seed. */
void sim_fail(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Both see "connected". */
bool sim_both_connected(struct sim *sim);

#endif
