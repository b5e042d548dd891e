#include "ice/agent_announce.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

enum { HIDDEN_PORT = 9 }; /* RFC 8839 5.1 */

/* ---------------------------------------------------------------------------------------------- mappings */

static bool is_mapping_for(const wlk_address_mapping *m, const wlk_addr *addr, bool of_family)
{
	if (m->external.family != addr->family)
		return false;
	return of_family ? addr_is_none(&m->internal) : addr_ip_equal(&m->internal, addr);
}

const wlk_address_mapping *agent_mapping_of(const struct ice_agent *agent, const wlk_addr *addr, wlk_addr *external)
{
	for (int of_family = 0; of_family < 2; of_family++) {
		for (size_t i = 0; i < agent->config.mapping_count; i++) {
			const wlk_address_mapping *m = &agent->config.mappings[i];

			if (!is_mapping_for(m, addr, of_family))
				continue;
			*external = m->external;
			external->port = addr->port;
			external->transport = addr->transport;
			return m;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------------------------------- names */

static struct agent_own_name *find_name(const struct ice_agent *agent, const wlk_addr *ip)
{
	for (size_t i = 0; i < agent->own_names.count; i++)
		if (addr_ip_equal(&agent->own_names.items[i].ip, ip))
			return &agent->own_names.items[i];
	return NULL;
}

/* Give |ip| a name and publish it. On an error the address may not be told. */
static wlk_err name_ip(struct ice_agent *agent, wlk_time now, const wlk_addr *ip)
{
	struct agent_own_names *names = &agent->own_names;
	struct agent_own_name *name;
	wlk_err err;

	if (find_name(agent, ip))
		return WLK_OK;
	if (!array_reserve((void **)&names->items, &names->capacity, names->count + 1, sizeof(*names->items)))
		return WLK_ERR_NOMEM;
	name = &names->items[names->count];
	err = agent_need_mdns(agent);
	if (!err)
		err = mdns_make_name(name->text);
	if (!err)
		err = mdns_publish(agent->mdns, now, name->text, MDNS_NAME_SIZE, ip);
	if (err)
		return err;
	name->ip = *ip;
	names->count++;
	return WLK_OK;
}

void agent_unname_ip(struct ice_agent *agent, const wlk_addr *ip)
{
	struct agent_own_name *name = find_name(agent, ip);

	if (!name)
		return;
	mdns_unpublish(agent->mdns, name->text, MDNS_NAME_SIZE);
	*name = agent->own_names.items[--agent->own_names.count];
}

void agent_unname_all(struct ice_agent *agent)
{
	while (agent->own_names.count) {
		wlk_addr ip = agent->own_names.items[agent->own_names.count - 1].ip;

		agent_unname_ip(agent, &ip);
	}
}

void agent_name_hosts(struct ice_agent *agent, wlk_time now)
{
	if (!agent->config.hide_host_addresses)
		return;
	for (size_t i = 0; i < agent->gather.local_count; i++) {
		struct ice_local_candidate *local = agent->gather.locals[i];

		/* What a mapping put in place of the address is no secret: the application told it. */
		if (!local->announce || local->candidate.type != CANDIDATE_HOST ||
		    !addr_ip_equal(&local->candidate.addr, &local->base->ip))
			continue;
		if (name_ip(agent, now, &local->base->ip)) {
			agent->stats.out_of_memory++;
			local->told = local->announce = false;
		}
	}
}

struct str agent_name_of(const struct ice_agent *agent, const wlk_addr *ip)
{
	const struct agent_own_name *name = find_name(agent, ip);

	return name ? (struct str){ name->text, MDNS_NAME_SIZE } : (struct str){ "", 0 };
}

/* --------------------------------------------------------------------------------------------- what is told */

bool agent_may_tell(const struct ice_agent *agent, const struct ice_local_candidate *local)
{
	bool relay_only = agent->gather.policy == ICE_POLICY_RELAY ||
			  agent->config.ip_handling == WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP;

	switch (local->candidate.type) {
	case CANDIDATE_HOST:
		return !relay_only && agent->config.ip_handling != WLK_IP_HANDLING_DEFAULT_ROUTE;
	case CANDIDATE_SRFLX:
		return !relay_only && !agent->config.lite;
	case CANDIDATE_RELAY:
		return !agent->config.lite;
	case CANDIDATE_PRFLX:
		break; /* the peer has seen it already */
	}
	return false;
}

/* Whether raddr of a server-reflexive or relayed candidate says nothing that is not told anyway. */
static bool may_tell_related(const struct ice_agent *agent)
{
	return agent->gather.policy == ICE_POLICY_ALL && !agent->config.hide_host_addresses &&
	       (agent->config.ip_handling == WLK_IP_HANDLING_ALL ||
		agent->config.ip_handling == WLK_IP_HANDLING_DEFAULT_AND_PRIVATE);
}

static wlk_addr unspecified_like(const wlk_addr *addr)
{
	static const uint8_t none[16];

	return addr->family == 4 ? addr_v4(0, 0, 0, 0, HIDDEN_PORT) : addr_v6(none, HIDDEN_PORT);
}

void agent_told_form(const struct ice_agent *agent, const struct ice_local_candidate *local,
		     struct ice_candidate_line *out)
{
	struct ice_candidate *c;

	*out = (struct ice_candidate_line){ .candidate = local->candidate };
	c = &out->candidate;
	if (c->type == CANDIDATE_HOST)
		out->host = agent_name_of(agent, &c->addr);
	if (out->host.size)
		c->addr = (wlk_addr){ .port = c->addr.port };
	if (!addr_is_none(&c->related) && !may_tell_related(agent))
		c->related = unspecified_like(&c->addr);
}
