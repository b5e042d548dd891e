/* Two ICE agents and the network between them, in virtual time: latency, loss, NAT, a STUN server, all from a seed. */
#ifndef TESTS_SUPPORT_ICE_PAIR_H
#define TESTS_SUPPORT_ICE_PAIR_H

#include "core/pktbuf.h"
#include "core/time.h"
#include "ice/agent.h"

/* What the network does to packets; probabilities in 1/1000. */
struct ice_link {
	wlk_time latency_us; /* one way */
	wlk_time jitter_us;  /* up to so much more, drawn for each packet: reorders */
	uint32_t loss;
	uint32_t duplicate;
	uint32_t corrupt;
};

enum {
	ICE_SIM_IPS_MAX = 4,
	ICE_SIM_FILTER_MAX = 64,
	ICE_SIM_STATES_MAX = 32,
	ICE_SIM_CANDIDATES_MAX = 32,
	ICE_SIM_STREAMS_MAX = 64
};

/* A NAT with endpoint-independent mapping; |filter|: only addresses and ports that were sent to get in (RFC 4787 5). */
struct ice_nat {
	bool enabled;
	bool filter;
	wlk_addr ip;
	uint16_t port_offset; /* added to the inner port: another mapping after a rebinding */
	wlk_addr allowed[ICE_SIM_FILTER_MAX];
	size_t allowed_count;
};

struct ice_sim_side {
	struct ice_agent *agent;
	wlk_addr ips[ICE_SIM_IPS_MAX];
	size_t ip_count;
	struct ice_nat nat;
	bool deaf;    /* nothing reaches it and nothing leaves it */
	bool silent;  /* its candidates are not signalled */
	bool lite;    /* |agent| is not used: the side only answers (RFC 8445 2.5) */
	bool traffic; /* an application packet every 20 ms while there is a path */
	wlk_time next_traffic;
	wlk_addr dead_ip; /* an interface whose packets are lost in both directions */

	struct ice_candidate candidates[ICE_SIM_CANDIDATES_MAX]; /* announced since the last restart */
	size_t candidate_count;
	enum ice_state states[ICE_SIM_STATES_MAX];
	wlk_time state_times[ICE_SIM_STATES_MAX];
	size_t state_count;
	enum ice_gathering_state gathering;
	size_t gathering_completed; /* times */
	wlk_time first_validated;   /* 0: never */
	wlk_time first_nominated;
	size_t validated;
	size_t selected_changes;
	size_t role_changes;
	size_t restarts_wanted;
	size_t consent_expired;
	wlk_time consent_expired_at;
	wlk_addr local; /* of the last SELECTED_PAIR */
	wlk_addr remote;
	bool nominated;

	uint64_t sent; /* datagrams of any kind */
	wlk_time last_sent;
	uint64_t app_sent;
	uint64_t app_received;
	uint64_t app_refused; /* packets of paths that were not validated (R12) */
	wlk_time last_app;
	wlk_time app_gap; /* longest time between two application packets */
	uint64_t closes;  /* CLOSE requests */
	uint16_t next_port;
	uint64_t mdns_sent;
	wlk_addr listeners[ICE_SIM_IPS_MAX]; /* of LISTEN_TCP */
	size_t listener_count;
	uint64_t connects; /* CONNECT_TCP requests */
	uint64_t stream_closes;
	uint64_t stream_bytes; /* received */
};

/* A TCP connection: both ends by side. */
struct ice_sim_stream {
	int opener;
	uint32_t ids[2];
	wlk_addr ends[2];
	bool open[2];
};

enum ice_sim_flight_kind { FLIGHT_DATAGRAM, FLIGHT_SYN, FLIGHT_SYN_ACK, FLIGHT_RST, FLIGHT_BYTES, FLIGHT_FIN };

struct ice_sim_flight {
	wlk_time at;
	uint64_t order;
	wlk_addr from;
	wlk_addr to;
	struct pktbuf *buf;
	enum ice_sim_flight_kind kind;
	struct ice_sim_stream *stream; /* of what belongs to a connection: arrives always, in order, at |side| */
	int side;
};

struct ice_sim;
/* Sees every datagram before the network does; false takes it away. |from| is the side. */
typedef bool (*ice_sim_tap_fn)(struct ice_sim *sim, int from, const struct dgram *d);

struct ice_sim {
	struct ice_sim_side side[2];
	struct pktbuf_pool *pool;
	struct ice_link link;
	uint64_t random;
	wlk_time now;
	struct ice_sim_flight *flights;
	size_t flight_count;
	size_t flight_capacity;
	uint64_t order;
	wlk_addr stun_server; /* answers Binding requests when it has an address */
	bool trickle;         /* announced candidates reach the other side after |signal_us| */
	wlk_time signal_us;
	bool mdns; /* multicast reaches the other side */
	ice_sim_tap_fn tap;
	void *user;
	bool dead; /* memory ran out in init: agents may be missing */
	bool udp_blocked;
	wlk_time syn_delay_us; /* on top of the latency */
	struct ice_sim_stream streams[ICE_SIM_STREAMS_MAX];
	size_t stream_count;
};

/* Whether agents made from here on may use TCP. False at first: most tests count UDP candidates only. */
extern bool ice_sim_tcp;

/* Interfaces are 10.0.0.1 and 10.0.0.2. |a|, |b| NULL: defaults, side 0 controlling. No memory: sim->dead is set. */
void ice_sim_init(struct ice_sim *sim, const struct ice_link *link, uint64_t seed, const struct ice_agent_config *a,
		  const struct ice_agent_config *b);
void ice_sim_free(struct ice_sim *sim);
/* The STUN server |host|, port 3478, and no other. Where the network has one, ice_sim_gather() names it by itself. */
wlk_err ice_sim_use_stun(struct ice_agent *agent, const char *host);
/* Interfaces, gathering, parameters both ways; candidates go by trickle. */
void ice_sim_connect(struct ice_sim *sim);
void ice_sim_gather(struct ice_sim *sim, int side);
/* Give side |to| the parameters of the other. */
void ice_sim_signal_parameters(struct ice_sim *sim, int to);
/* Give side |to| all candidates that the other has announced. */
void ice_sim_signal_candidates(struct ice_sim *sim, int to);
/* Requests, datagrams and events of both sides until there are none; time stands still. Deadlines lie ahead then. */
void ice_sim_pump(struct ice_sim *sim);
/* Go to the next moment at which something happens, at most to |limit|. */
void ice_sim_step(struct ice_sim *sim, wlk_time limit);
void ice_sim_pass(struct ice_sim *sim, wlk_time us);
/* Until |done|; false when |limit_us| passed before. */
bool ice_sim_run(struct ice_sim *sim, wlk_time limit_us, bool (*done)(struct ice_sim *sim));
bool ice_sim_connected(struct ice_sim *sim);
bool ice_sim_nominated(struct ice_sim *sim);
/* When |side| entered |state| last; 0: never. */
wlk_time ice_sim_when(const struct ice_sim *sim, int side, enum ice_state state);
/* How often. */
size_t ice_sim_count(const struct ice_sim *sim, int side, enum ice_state state);
/* Put a datagram on the wire as if it came from |from|. */
void ice_sim_inject(struct ice_sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size);
/* Both ends of all connections learn that they are broken. */
void ice_sim_break_streams(struct ice_sim *sim);
size_t ice_sim_open_streams(const struct ice_sim *sim);
/* The NAT of |side| forgets its mappings and makes new ones. */
void ice_sim_rebind(struct ice_sim *sim, int side);
uint32_t ice_sim_random(struct ice_sim *sim, uint32_t bound);

#endif
