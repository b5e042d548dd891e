/* Gathering (RFC 8445 5.1): bases on the interfaces, host candidates, server-reflexive ones from STUN servers. */
#ifndef ICE_GATHER_H
#define ICE_GATHER_H

#include "ice/pair.h"

struct ice_agent;
struct gather_job;
struct gather_server;

enum {
	GATHER_INTERFACES_MAX = 32,
	GATHER_SERVERS_MAX = 16,
	GATHER_LOCALS_MAX = 128, /* local candidates, peer-reflexive ones included */
	GATHER_RTO_US = 250000,
	GATHER_SENDS_MAX = 6,          /* a dead server is given up after 2.8 s */
	GATHER_KEEPALIVE_US = 15000000 /* RFC 8445 11: mappings of candidates in use are kept open */
};

struct gatherer {
	wlk_addr ips[GATHER_INTERFACES_MAX];
	size_t ip_count;
	struct ice_base **bases;
	size_t base_count;
	size_t base_capacity;
	struct ice_local_candidate **locals;
	size_t local_count;
	size_t local_capacity;
	uint32_t next_local_id;
	struct gather_server **servers;
	size_t server_count;
	size_t server_capacity;
	struct gather_job **jobs;
	size_t job_count;
	size_t job_capacity;
	wlk_time pacer_at; /* when the next job may start; apart from the checks, so that a server never delays one */
	enum ice_gathering_state state;
	enum ice_gathering_state told;
	enum ice_policy policy; /* of this generation */
	bool ahead;             /* gathering ahead: nothing is told yet */
	bool outdated;          /* ahead, and servers or policy have changed since */
};

void gather_free(struct ice_agent *agent);
wlk_err gather_set_interfaces(struct ice_agent *agent, wlk_time now, const wlk_addr *ips, size_t count);
/* Begin, or begin again for a new generation: host candidates are announced again, servers are asked again. */
wlk_err gather_start(struct ice_agent *agent, wlk_time now);
/* The answer to a request whose owner is a base. */
void gather_on_bound(struct ice_agent *agent, wlk_time now, struct ice_base *base, wlk_err err, const wlk_addr *addr);
/* Ask servers, run allocations, notice completion. */
void gather_run(struct ice_agent *agent, wlk_time now);
wlk_time gather_deadline(const struct ice_agent *agent);
/* Give allocations back and close all sockets: bound bases become CLOSE requests. */
void gather_close(struct ice_agent *agent);

/* A base on |ip| that is in no list yet, in which there is room for it. NULL: no memory. */
struct ice_base *gather_new_base(struct ice_agent *agent, enum ice_base_kind kind, const wlk_addr *ip);
/* The base bound to |local|, or NULL. */
struct ice_base *gather_find_base(const struct ice_agent *agent, const wlk_addr *local);
/*
 * The base of a connection that we have opened, from |local| on the interface |ip|, with its host candidate, which is not
 * told: the active candidate of the interface stands for it. NULL: no memory, or too many.
 */
struct ice_base *gather_add_stream_base(struct ice_agent *agent, const wlk_addr *ip, const wlk_addr *local,
					uint16_t preference);
/* |base| goes with everything that hangs on it; its socket is closed if it has one. */
void gather_remove_base(struct ice_agent *agent, struct ice_base *base);
/* Whether |base| is one of two sockets of its interface. */
bool gather_has_twin(const struct ice_agent *agent, const struct ice_base *base);
/* The generation before goes on: so do sockets that were retired. */
void gather_on_cancelled(struct ice_agent *agent);
/* The host candidate of |base|, or the relayed one of a relayed base. */
struct ice_local_candidate *gather_host_of(const struct ice_agent *agent, const struct ice_base *base);
struct ice_local_candidate *gather_find_local(const struct gatherer *g, const struct ice_base *base,
					      const wlk_addr *addr);
/* |server| NULL: not of a server. |priority| 0: by type and base. NULL: no memory, or too many. */
struct ice_local_candidate *gather_add_local(struct ice_agent *agent, enum ice_candidate_type type,
					     struct ice_base *base, const wlk_addr *addr, const wlk_addr *server,
					     uint32_t priority);
/* Tell of |local|, as far as the configuration lets it be told. */
void gather_announce(struct ice_agent *agent, struct ice_local_candidate *local);
/*
 * The candidate that a check revealed as |mapped| on |base|; a new one is peer-reflexive with |priority|
 * (RFC 8445 7.2.5.3.1) and is not announced. NULL: no memory, or too many.
 */
struct ice_local_candidate *gather_reflexive(struct ice_agent *agent, struct ice_base *base, const wlk_addr *mapped,
					     uint32_t priority);

#endif
