/* Candidate pairs (RFC 8445 6.1.2) and what they are made of: bases, local and remote candidates. */
#ifndef ICE_PAIR_H
#define ICE_PAIR_H

#include "core/list.h"
#include "ice/agent.h"
#include "ice/consent.h"

enum ice_base_state { BASE_WANTED, BASE_BINDING, BASE_BOUND, BASE_FAILED };

/* Whether datagrams of full size pass. */
enum ice_pair_mtu { PAIR_MTU_UNKNOWN, PAIR_MTU_ASKED, PAIR_MTU_FULL, PAIR_MTU_SMALL };

enum ice_base_kind {
	BASE_SOCKET,       /* a UDP socket */
	BASE_RELAY,        /* a relayed address, behind a TURN allocation */
	BASE_TCP_LISTENER, /* accepts ICE-TCP connections; |addr| is also our end of each of them */
	BASE_TCP_ACTIVE,   /* our end of a connection that we opened */
};

struct agent_relay;

/* One socket of ours, or what stands for one. Pairs and candidates point to it. */
struct ice_base {
	enum ice_base_kind kind;
	struct agent_relay *relay; /* BASE_RELAY */
	uint32_t stream;           /* BASE_TCP_ACTIVE: its id */
	enum ice_base_state state;
	wlk_addr ip;               /* the interface address, port 0 */
	wlk_addr addr;             /* what it is bound to, once BASE_BOUND */
	uint16_t local_preference; /* RFC 8445 5.1.2.1 */
	bool own_port;             /* BASE_SOCKET: it was asked for one that no other agent uses */
	bool retired;              /* BASE_RELAY, BASE_SOCKET: no new pairs, it goes with the last one */
};

struct ice_local_candidate {
	uint32_t id;
	struct ice_candidate candidate;
	struct ice_base *base;
	wlk_addr server; /* of a server-reflexive candidate */
	bool announce;   /* a LOCAL_CANDIDATE event is due */
	bool told;       /* announced in this generation */
};

struct ice_remote_candidate {
	uint32_t id;
	uint32_t generation;
	struct ice_candidate candidate;
};

/*
 * A pair is told apart by base, remote address and generation. The RFC's valid list may hold another pair than the one
 * that was checked, with the mapped address as local candidate; both have the same base, hence the same path, and here
 * they are one: |local| becomes the candidate that the check revealed.
 */
struct ice_pair {
	uint32_t id;
	uint32_t generation;
	struct ice_base *base;
	struct ice_local_candidate *formed_from; /* the host candidate of |base|: gives priority and foundation */
	struct ice_local_candidate *local;       /* what a check revealed, at first the same */
	struct ice_remote_candidate *remote;
	uint64_t priority;
	enum ice_pair_state state;
	bool valid; /* one of our checks succeeded and consent has not expired since */
	bool nominated;
	uint32_t nomination;      /* draft-thatcher-ice-renomination: ours when controlling, else the peer's; 0: none */
	wlk_time last_request;    /* when the peer last checked it; 0: never */
	wlk_time run_since;       /* since when packets come here and not on the path in use */
	wlk_time nominated_at;    /* controlled: when the peer nominated it last */
	bool nominating;          /* controlling: the check with USE-CANDIDATE is on its way */
	bool nominate_when_valid; /* controlled: USE-CANDIDATE came before our own check succeeded (RFC 8445 7.3.1.5) */
	bool announce;            /* a VALIDATED event is due */
	bool triggered;           /* in the triggered-check queue by |link| */
	bool consent_lost;        /* RFC 7675 5.1: its credentials are not used on this path again */
	struct list link;
	wlk_time retry_at;           /* PAIR_FAILED: back to Waiting then; WLK_TIME_NEVER: not */
	struct consent consent;      /* once valid */
	wlk_time srtt;               /* 0: unknown */
	enum ice_pair_mtu mtu;
	struct ice_pair_stats stats; /* counters only; the rest is filled when asked for */
};

/* RFC 8445 6.1.2.3: G is the candidate of the controlling agent. */
uint64_t ice_pair_priority(uint32_t local, uint32_t remote, bool controlling);

/* Whether the IPs can reach each other at all: family, link-local and loopback to their like (RFC 8445 6.1.2.2). */
bool ice_ip_fits(const wlk_addr *base, const wlk_addr *remote);
/* The same for sockets and relays. Connections form their own pairs: a TCP address never fits. */
bool ice_pair_fits(const wlk_addr *base, const wlk_addr *remote);

/* Passive behind a listener, active for a connection of ours, none for UDP. */
enum ice_tcptype ice_base_tcptype(const struct ice_base *base);
/* The priority of a candidate of |base|: RFC 8445 5.1.2.1, for TCP RFC 6544 4.2. */
uint32_t ice_base_priority(const struct ice_base *base, enum ice_candidate_type type);
/* The same of the active TCP candidate that stands for all connections to be opened from base's interface. */
uint32_t ice_active_priority(const struct ice_base *base, enum ice_candidate_type type);

/* Both foundations equal: the unit of freezing (RFC 8445 6.1.2.6). */
bool ice_pair_same_foundation(const struct ice_pair *a, const struct ice_pair *b);

/* Take a round-trip sample into the smoothed value (RFC 6298 weights) and the totals. */
void ice_pair_on_rtt(struct ice_pair *pair, wlk_time rtt);

const char *ice_pair_state_name(enum ice_pair_state state);

/* "host 1.2.3.4:5 > srflx 6.7.8.9:10" for logs. */
enum { ICE_PAIR_TEXT_MAX = 2 * (WLK_ADDR_TEXT_MAX + 8) };
char *ice_pair_text(const struct ice_pair *pair, char out[ICE_PAIR_TEXT_MAX]);

#endif
