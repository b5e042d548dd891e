/* Gathering (RFC 8445 5.1): bases on the interfaces, host candidates, server-reflexive ones from STUN servers. */
#ifndef ICE_GATHER_H
#define ICE_GATHER_H

#include "ice/pair.h"

struct ice_agent;
struct stun_txn;
struct stun_msg;
struct agent_request;

enum {
	GATHER_INTERFACES_MAX = 32,
	GATHER_SERVERS_MAX = 8,
	GATHER_LOCALS_MAX = 128, /* local candidates, peer-reflexive ones included */
	GATHER_RTO_US = 250000,
	GATHER_SENDS_MAX = 6,          /* a dead server is given up after 2.8 s */
	GATHER_KEEPALIVE_US = 15000000 /* RFC 8445 11: mappings of candidates in use are kept open */
};

struct ice_stun_server {
	char *host;
	uint16_t port;
	bool asked; /* a RESOLVE request is or was out, or |host| is a literal */
	bool resolving;
	wlk_addr addrs[2]; /* one a family; none: unknown */
};

enum gather_job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

/* One Binding transaction from a base to a server, and the keep-alive of the mapping that it found. */
struct gather_job {
	struct ice_base *base;
	wlk_addr server;
	enum gather_job_state state;
	wlk_time keepalive_at; /* WLK_TIME_NEVER: no mapping to keep */
};

struct gatherer {
	wlk_addr ips[GATHER_INTERFACES_MAX];
	size_t ip_count;
	uint16_t next_preference[2]; /* a family: how many bases it has had */
	struct ice_base **bases;
	size_t base_count;
	size_t base_capacity;
	struct ice_local_candidate **locals;
	size_t local_count;
	size_t local_capacity;
	uint32_t next_local_id;
	struct ice_stun_server **servers;
	size_t server_count;
	size_t server_capacity;
	struct gather_job **jobs;
	size_t job_count;
	size_t job_capacity;
	wlk_time pacer_at; /* when the next job may start; apart from the checks, so that a server never delays one */
	enum ice_gathering_state state;
	enum ice_gathering_state told;
};

void gather_free(struct ice_agent *agent);
wlk_err gather_set_interfaces(struct ice_agent *agent, wlk_time now, const wlk_addr *ips, size_t count);
wlk_err gather_add_server(struct ice_agent *agent, const char *host, size_t size, uint16_t port);
wlk_err gather_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count);
/* Begin, or begin again for a new generation: host candidates are announced again, servers are asked again. */
wlk_err gather_start(struct ice_agent *agent, wlk_time now);
/* Answers to requests whose owner is a base or a server. */
void gather_on_bound(struct ice_agent *agent, wlk_time now, struct ice_base *base, wlk_err err, const wlk_addr *addr);
void gather_on_resolved(struct ice_agent *agent, wlk_time now, struct ice_stun_server *server, const wlk_addr *addrs,
			size_t count);
/* Start waiting jobs within the pacing, keep mappings open, notice completion. */
void gather_run(struct ice_agent *agent, wlk_time now);
wlk_time gather_deadline(const struct ice_agent *agent);
void gather_on_response(struct ice_agent *agent, wlk_time now, struct gather_job *job, const struct stun_msg *msg);
void gather_on_timeout(struct ice_agent *agent, struct gather_job *job);
/* Close all sockets: bound bases become CLOSE requests. */
void gather_close(struct ice_agent *agent);

/* The base bound to |local|, or NULL. */
struct ice_base *gather_find_base(const struct ice_agent *agent, const wlk_addr *local);
/* The host candidate of |base|. */
struct ice_local_candidate *gather_host_of(const struct ice_agent *agent, const struct ice_base *base);
/*
 * The candidate that a check revealed as |mapped| on |base|; a new one is peer-reflexive with |priority|
 * (RFC 8445 7.2.5.3.1) and is not announced. NULL: no memory, or too many.
 */
struct ice_local_candidate *gather_reflexive(struct ice_agent *agent, struct ice_base *base, const wlk_addr *mapped,
					     uint32_t priority);

#endif
