/* How local candidates are told to the peer: NAT 1:1 mappings, .local names in place of addresses, what stays untold. */
#ifndef ICE_AGENT_ANNOUNCE_H
#define ICE_AGENT_ANNOUNCE_H

#include "ice/agent.h"
#include "ice/mdns.h"

struct ice_base;
struct ice_local_candidate;

/* The name that stands for one of our IPs as long as it is bound; it survives ICE restarts. */
struct agent_own_name {
	wlk_addr ip;
	char text[MDNS_NAME_SIZE + 1];
};

struct agent_own_names {
	struct agent_own_name *items;
	size_t count;
	size_t capacity;
};

/*
 * The mapping for |addr|, with addr's port and transport in *external; the one that names its IP goes before one for the
 * whole family. NULL: none.
 */
const wlk_address_mapping *agent_mapping_of(const struct ice_agent *agent, const wlk_addr *addr, wlk_addr *external);

/* No base is bound to |ip| any more: its name says goodbye (RFC 6762 10.1). */
void agent_unname_ip(struct ice_agent *agent, const wlk_addr *ip);
/* The same for all of them. */
void agent_unname_all(struct ice_agent *agent);
/* Host candidates that are about to be told get their names; what finds none is not told. */
void agent_name_hosts(struct ice_agent *agent, wlk_time now);
/* Empty: the IP is not hidden. */
struct str agent_name_of(const struct ice_agent *agent, const wlk_addr *ip);

/* Whether the configuration lets candidates like |local| be told at all (RFC 8828 5.2, policy, peer-reflexive ones). */
bool agent_may_tell(const struct ice_agent *agent, const struct ice_local_candidate *local);
/* |local| as the peer is told of it: the line's candidate and host; related addresses that would tell too much are 0.0.0.0
 * or :: and port 9 (RFC 8839 5.1). */
void agent_told_form(const struct ice_agent *agent, const struct ice_local_candidate *local,
		     struct ice_candidate_line *out);

#endif
