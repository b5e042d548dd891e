/* The agent's insides, shared by the files agent*.c and gather.c that make it up. */
#ifndef ICE_AGENT_INTERNAL_H
#define ICE_AGENT_INTERNAL_H

#include "core/log.h"
#include "core/rand.h"
#include "core/time.h"
#include "ice/agent.h"
#include "ice/agent_announce.h"
#include "ice/agent_relay.h"
#include "ice/agent_request.h"
#include "ice/agent_stream.h"
#include "ice/checklist.h"
#include "ice/credentials.h"
#include "ice/gather.h"
#include "ice/gather_server.h"
#include "ice/mdns.h"
#include "ice/stun_txn.h"

enum {
	AGENT_PACING_US = 20000,       /* Ta, R8 */
	AGENT_RTO_UNKNOWN_US = 200000, /* first retransmission while no round trip was measured */
	AGENT_RTO_MIN_US = 50000,
	AGENT_RTO_MAX_US = 500000,
	AGENT_CONSENT_LIFE_US = 3000000, /* an answer to a consent check that comes later is not waited for */
	AGENT_RETRY_US = 1000000,        /* a failed pair is checked again while no pair answers */
	AGENT_SETTLED_US = 3000000, /* later than this, a nomination of a worse pair is meant as it is said */
	AGENT_MOVED_US = 60000,     /* so long packets come on another pair only, until we follow them */
	AGENT_RESTART_WANTED_US = 1500000, /* so long other paths are looked for before the application is asked */
	AGENT_PAC_US = 39500000,         /* RFC 8863 4: as long as a check of RFC 8445 takes to fail */
	AGENT_RETIRE_US = 2000000,       /* how long packets of the generation before are taken after the switch */
	AGENT_CHECKS_PER_PAIR = 3,       /* transactions of one pair at a time */
	AGENT_BACKUPS_MAX = 8,           /* pairs kept warm beside the one in use */
	AGENT_OUT_MAX = 256,             /* datagrams waiting for poll_transmit */
	AGENT_RECEIVED_MAX = 256,        /* datagrams waiting for poll_received */
	AGENT_FACTS_MAX = 16,
	AGENT_ERRORS_MAX = 16, /* failures of servers that wait to be told */
	AGENT_MDNS_OF_FAMILY = 4, /* mDNS sockets of each family, of the best addresses */
	AGENT_MDNS_SOCKETS_MAX = 2 * AGENT_MDNS_OF_FAMILY,
	AGENT_MESSAGE_MAX =
		400, /* the longest message of ours: two ufrags of 8 and 256 characters and all attributes */
};

/* A state change or a lost consent, in the order in which they happened. */
struct agent_fact {
	bool is_state;
	enum ice_state state;
	wlk_addr local;
	wlk_addr remote;
};

/* A server's failure that is to be told; the texts are its own. */
struct agent_error {
	wlk_addr local;
	uint16_t code;
	char *url;
	char *text;
};

/* A member of the mDNS group on one interface. */
enum agent_mdns_state { MDNS_SOCKET_NONE, MDNS_SOCKET_JOINING, MDNS_SOCKET_OPEN, MDNS_SOCKET_FAILED };

struct agent_mdns_socket {
	enum agent_mdns_state state;
	wlk_addr ip;    /* of the interface; unspecified: any */
	wlk_addr local; /* once open, as it was answered */
};

/* A remote candidate whose .local name is being looked up. */
struct agent_pending_name {
	uint32_t query_id;
	struct ice_candidate candidate;
};

struct ice_agent {
	struct ice_agent_config config; /* with the defaults filled in; log_parent is not kept */
	struct log_scope log;
	struct log_budget log_budget;
	struct log_budget story_budget; /* of what the peer can have happen with every packet: roles, selections (R3) */
	struct rand_jitter jitter;
	struct consent_limits limits;
	uint64_t tie_breaker;
	uint64_t foundation_salt;
	bool controlling;
	bool offered_role; /* what ice_agent_set_controlling() said last; counts between two lite agents */
	bool closed;
	bool in_filter; /* config.remote_filter is being asked */
	bool path_lost; /* the path in use has just lost consent */
	bool halted;    /* consent was lost: nothing is sent until a restart (R7) */

	struct ice_credentials current;
	struct ice_credentials previous; /* during a restart, until a pair of |current| is nominated */
	struct ice_credentials prepared; /* only the remote part: of ice_agent_prepare_remote() */
	wlk_time retire_at;              /* pairs of generations without credentials go then */

	struct gatherer gather;
	struct agent_relays relays;
	struct agent_requests requests;
	struct agent_streams streams;

	struct ice_remote_candidate **remotes;
	size_t remote_count;
	size_t remote_capacity;
	uint32_t next_remote_id;
	struct mdns *mdns;
	struct agent_mdns_socket mdns_sockets[AGENT_MDNS_SOCKETS_MAX];
	wlk_addr mdns_asker_at; /* the mDNS socket that brought the latest datagram */
	struct agent_own_names own_names;
	struct agent_pending_name *names;
	size_t name_count;
	size_t name_capacity;

	struct ice_caps own_caps; /* used where the configuration names none */
	struct ice_cap_user remote_cap;
	struct ice_cap_user pair_cap;

	struct checklist checklist;
	struct stun_txn_table txns;
	struct ice_pacers own_pacers; /* used where the configuration names none */
	struct ice_pacer_user pacer;  /* of checks */
	wlk_time pac_at;   /* WLK_TIME_NEVER: not running, or run out */
	bool pac_expired;

	struct ice_pair *selected; /* nominated; of |previous| until |current| has one */
	struct ice_pair *path;     /* what ice_agent_selected() answers */
	wlk_time selected_at;
	wlk_time lost_at;          /* when the last path went, until there is one again or a restart; else NEVER */
	wlk_time last_bound_at;    /* when a socket was bound last */
	bool had_path;             /* in this generation */
	bool relays_checked;       /* since the path fell silent */
	bool restart_told;         /* the application knows of this loss */
	bool restart_wanted;       /* a RESTART_WANTED event is due */
	bool renomination;         /* the peer understands NOMINATION */
	uint32_t nomination;       /* controlling: the latest that we have given */
	uint32_t remote_nomination; /* controlled: the highest of this generation */
	uint32_t told_pair;        /* id of the pair in the last SELECTED_PAIR event; 0: none */
	bool told_nominated;

	struct dgram_queue out;
	struct dgram_queue received; /* payloads that came out of streams and Data indications */
	enum ice_state state;
	struct agent_fact facts[AGENT_FACTS_MAX];
	size_t fact_first;
	size_t fact_count;
	struct agent_error errors[AGENT_ERRORS_MAX];
	size_t error_count;
	struct agent_error lent_error; /* whose texts the last event lent */
	bool role_changed; /* a ROLE_CHANGED event is due */
	bool news;         /* poll_event has something to look for */
	wlk_time deadline;
	struct ice_agent_stats stats;
};

/* Whether we only answer (RFC 8445 2.5). Two lite agents would never check anything, so between them we are full. */
static inline bool agent_is_lite(const struct ice_agent *agent)
{
	return agent->config.lite && !agent->current.remote_lite;
}

/* agent.c */
/* Do what is due at |now| and set the deadline anew; every verb ends with it. */
void agent_run(struct ice_agent *agent, wlk_time now);
/* Queue one datagram; a full queue or no memory drops it like the network would. */
void agent_transmit(struct ice_agent *agent, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
		    size_t size);
/* The credentials of |generation|, or NULL when they are gone. */
struct ice_credentials *agent_credentials(struct ice_agent *agent, uint32_t generation);
void agent_set_role(struct ice_agent *agent, bool controlling);
/* The same because of a role conflict: counted and told. */
void agent_switch_role(struct ice_agent *agent, wlk_time now);
void agent_remove_pair(struct ice_agent *agent, struct ice_pair *pair);

/* agent_event.c */
/* Queue a fact; when the queue is full the newest takes the place of the one before. */
void agent_tell(struct ice_agent *agent, const struct agent_fact *fact);
/*
 * Queue a CANDIDATE_ERROR event (W3C webrtc 4.8.2); |local| may be NULL; the texts are copied. Out of memory, or when too
 * many wait, it is only counted.
 */
void agent_tell_error(struct ice_agent *agent, const wlk_addr *local, const char *url, uint16_t code, struct str text);
void agent_free_errors(struct ice_agent *agent);

/* agent_remote.c */
/*
 * Form the pair of |base| and |remote| if there is none. When the checklist is full the worst pair makes room if it has
 * failed or is worse, or in any case with |force|. NULL: no memory, or no room.
 */
struct ice_pair *agent_add_pair(struct ice_agent *agent, struct ice_base *base, struct ice_remote_candidate *remote,
				bool force);
/* Pair a new base with all remote candidates that fit. */
void agent_pair_base(struct ice_agent *agent, struct ice_base *base);
struct ice_remote_candidate *agent_find_remote(const struct ice_agent *agent, const wlk_addr *addr);
/* The peer-reflexive candidate of an authenticated request (RFC 8445 7.3.1.3), or NULL: no memory, cap. */
struct ice_remote_candidate *agent_add_peer_reflexive(struct ice_agent *agent, const wlk_addr *addr, uint32_t priority);
/* Whether R8 and the application's filter let us send checks there. */
bool agent_address_allowed(struct ice_agent *agent, const wlk_addr *addr);
/* Those of the current generation, names that are being looked up included. */
/* For the caps that it shares (R8): how many it has, and one less. */
void agent_join_caps(struct ice_agent *agent);
void agent_leave_caps(struct ice_agent *agent);
size_t agent_count_remotes(const struct ice_agent *agent);
/* As ice_agent_add_remote_candidate(), without running. */
wlk_err agent_take_candidate(struct ice_agent *agent, const struct ice_candidate *named);
/* Whether pairs may be formed with |base|: under ICE_POLICY_RELAY and in mode 4 of RFC 8828 5.2 relayed ones only. */
bool agent_may_use(const struct ice_agent *agent, const struct ice_base *base);
/* Pairs and remote candidates of generations that have no credentials any more go. */
void agent_drop_orphans(struct ice_agent *agent);

/* agent_mdns.c */
/* The mDNS machine and a socket on each interface address, asked for once. WLK_ERR_NOMEM. */
wlk_err agent_need_mdns(struct ice_agent *agent) WLK_NODISCARD;
/* The interfaces are others than before: the sockets follow, where mDNS is used. */
void agent_move_mdns(struct ice_agent *agent);
/* A JOIN_MDNS of |socket| was answered; |count| 0: it failed. */
void agent_on_mdns_joined(struct ice_agent *agent, wlk_time now, struct agent_mdns_socket *socket, const wlk_addr *results,
			  size_t count);
/* A datagram that came to |local|: true when that is an mDNS socket; it is taken care of then, and the agent has to run. */
bool agent_take_mdns(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		     const uint8_t *data, size_t size);
/* Whether a JOIN_MDNS is not answered: what mDNS has to send waits. */
bool agent_mdns_joins(const struct ice_agent *agent);
/* A candidate with a .local name in place of its address. */
wlk_err agent_add_named_candidate(struct ice_agent *agent, wlk_time now, const struct ice_candidate_line *line);
void agent_run_names(struct ice_agent *agent, wlk_time now);
/* Goodbyes into the transmit queue, then the sockets close. */
void agent_leave_mdns(struct ice_agent *agent);

/* agent_check.c */
void agent_run_transactions(struct ice_agent *agent, wlk_time now);
/* A check that tells the peer, by its authenticity, that we use |pair| from here on. */
void agent_confirm_path(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
void agent_run_consent(struct ice_agent *agent, wlk_time now);
void agent_run_checks(struct ice_agent *agent, wlk_time now);
wlk_time agent_check_deadline(struct ice_agent *agent, wlk_time now);
/* A success or error response. Answers whether anything changed. */
bool agent_on_response(struct ice_agent *agent, wlk_time now, struct ice_base *base, const wlk_addr *remote,
		       const struct stun_msg *msg);

/*
 * A check into |buf|; |filler| is how many bytes longer it is to be: 0, or 4 and more by fours. Errors as
 * stun_writer_finish().
 */
wlk_err agent_write_check(struct ice_agent *agent, const struct ice_credentials *creds, const struct stun_txn *txn,
			  size_t filler, uint8_t *buf, size_t capacity, size_t *size) WLK_NODISCARD;

/* agent_mtu.c */
/* Ask about a path that came into use. */
void agent_run_mtu(struct ice_agent *agent, wlk_time now);
void agent_on_mtu_answer(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
void agent_on_mtu_timeout(struct ice_agent *agent, struct ice_pair *pair);

/* agent_inbound.c */
/* A request of the peer. Answers whether anything changed. */
bool agent_on_request_message(struct ice_agent *agent, wlk_time now, struct ice_base *base, const wlk_addr *remote,
			      const struct stun_msg *msg);

/* agent_select.c */
/* The first check of |pair| succeeded. */
void agent_on_valid(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
/* Our check with USE-CANDIDATE succeeded (controlling). */
void agent_on_nominated(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
/* The peer nominates |pair| (controlled), which may not be valid yet. */
void agent_follow_nomination(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
/* The same by a NOMINATION attribute: the highest counts. */
void agent_renominate(struct ice_agent *agent, wlk_time now, struct ice_pair *pair, uint32_t nomination);
/* A packet came on a valid pair that is not the path in use. True: the peer has moved there, agent_run() is due. */
bool agent_on_other_path(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
/* The interfaces are others than before: the path in use and what has failed are checked again. */
void agent_on_network_change(struct ice_agent *agent, wlk_time now);
/* When a loss of all paths leads to something. */
wlk_time agent_loss_deadline(const struct ice_agent *agent);
void agent_on_consent_expired(struct ice_agent *agent, wlk_time now, struct ice_pair *pair);
/* Nominate when that is due, choose the path to send on. */
void agent_select(struct ice_agent *agent, wlk_time now);
void agent_update_state(struct ice_agent *agent, wlk_time now);

#endif
