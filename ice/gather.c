#include "ice/gather.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

struct ice_base *gather_find_base(const struct ice_agent *agent, const wlk_addr *local)
{
	const struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->base_count; i++)
		if (g->bases[i]->state == BASE_BOUND && addr_equal(&g->bases[i]->addr, local))
			return g->bases[i];
	return NULL;
}

struct ice_local_candidate *gather_host_of(const struct ice_agent *agent, const struct ice_base *base)
{
	const struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->local_count; i++)
		if (g->locals[i]->base == base && g->locals[i]->candidate.addr.transport == base->addr.transport &&
		    (g->locals[i]->candidate.type == CANDIDATE_HOST ||
		     g->locals[i]->candidate.type == CANDIDATE_RELAY))
			return g->locals[i];
	assert(0 && "a bound base has its host or relayed candidate");
	return NULL;
}

struct ice_local_candidate *gather_find_local(const struct gatherer *g, const struct ice_base *base,
					      const wlk_addr *addr)
{
	for (size_t i = 0; i < g->local_count; i++)
		if (g->locals[i]->base == base && addr_equal(&g->locals[i]->candidate.addr, addr))
			return g->locals[i];
	return NULL;
}

/* What a NAT made of a base once: not told in this generation, and no pair has it any more. */
static bool is_past(const struct ice_agent *agent, const struct ice_local_candidate *local)
{
	bool mapping = local->candidate.type == CANDIDATE_PRFLX ||
		       (local->candidate.type == CANDIDATE_SRFLX && !addr_is_none(&local->server));

	for (size_t i = 0; mapping && i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->local == local)
			return false;
	return mapping && !local->told;
}

/* Room for one local candidate more: the oldest mapping of the past goes. */
static bool make_room(struct ice_agent *agent)
{
	struct gatherer *g = &agent->gather;
	size_t at = 0;

	if (g->local_count < GATHER_LOCALS_MAX)
		return true;
	while (at < g->local_count && !is_past(agent, g->locals[at]))
		at++;
	if (at == g->local_count)
		return false;
	wlk_free(g->locals[at]);
	for (g->local_count--; at < g->local_count; at++)
		g->locals[at] = g->locals[at + 1];
	return true;
}

struct ice_local_candidate *gather_add_local(struct ice_agent *agent, enum ice_candidate_type type,
					     struct ice_base *base, const wlk_addr *addr, const wlk_addr *server,
					     uint32_t priority)
{
	struct gatherer *g = &agent->gather;
	struct ice_local_candidate *local;

	if (!make_room(agent) ||
	    !array_reserve((void **)&g->locals, &g->local_capacity, g->local_count + 1,
			   sizeof(struct ice_local_candidate *)))
		return NULL;
	local = wlk_calloc(1, sizeof(*local));
	if (!local)
		return NULL;
	local->base = base;
	local->candidate.type = type;
	local->candidate.component = 1;
	local->candidate.addr = *addr;
	local->candidate.tcptype = ice_base_tcptype(base);
	if (addr->transport == WLK_TRANSPORT_TCP) {
		local->candidate.transport = ICE_TCP;
		if (base->kind == BASE_SOCKET)
			local->candidate.tcptype = CANDIDATE_TCP_ACTIVE; /* stands for connections from its interface */
	}
	if (!priority && addr->transport != base->addr.transport)
		priority = ice_active_priority(base, type);
	local->candidate.priority = priority ? priority : ice_base_priority(base, type);
	if (type != CANDIDATE_HOST)
		local->candidate.related = base->addr;
	if (server)
		local->server = *server;
	if (ice_candidate_foundation(local->candidate.foundation, type, local->candidate.transport, &base->ip, server,
				     agent->foundation_salt)) {
		wlk_free(local);
		return NULL;
	}
	local->id = ++g->next_local_id;
	g->locals[g->local_count++] = local;
	return local;
}

struct ice_local_candidate *gather_reflexive(struct ice_agent *agent, struct ice_base *base, const wlk_addr *mapped,
					     uint32_t priority)
{
	wlk_addr addr = *mapped;
	struct ice_local_candidate *local;

	addr.transport = base->addr.transport; /* which STUN does not say */
	local = gather_find_local(&agent->gather, base, &addr);
	return local ? local : gather_add_local(agent, CANDIDATE_PRFLX, base, &addr, NULL, priority);
}

void gather_announce(struct ice_agent *agent, struct ice_local_candidate *local)
{
	local->told = local->announce = agent_may_tell(agent, local);
	agent->news = true;
}

/* A generation begins: what is there already is told again, as far as the policy of that generation lets it. */
static void announce_again(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->gather.local_count; i++) {
		struct ice_local_candidate *local = agent->gather.locals[i];
		bool mapped = local->candidate.type == CANDIDATE_SRFLX && addr_is_none(&local->server);

		local->told = local->announce = false;
		if ((local->candidate.type == CANDIDATE_HOST || mapped) && local->base->kind != BASE_TCP_ACTIVE &&
		    !local->base->retired)
			gather_announce(agent, local);
	}
}

/* ------------------------------------------------------------------------------------------------ bases */

static bool wants_interface(const struct ice_agent *agent, const wlk_addr *ip)
{
	if (addr_is_none(ip) || (ip->family == 4 ? agent->config.no_ipv4 : agent->config.no_ipv6))
		return false;
	if (addr_is_loopback(ip))
		return agent->config.allow_loopback;
	if (addr_is_link_local(ip))
		return agent->config.include_link_local;
	return !addr_is_unspecified(ip) && !addr_is_multicast(ip);
}

/* RFC 8828 5.2, modes 2 and 3: of each family only the first, which is that of the default route. */
static bool is_default_route(const struct ice_agent *agent, const wlk_addr *wanted, size_t count, const wlk_addr *ip)
{
	if (agent->config.ip_handling == WLK_IP_HANDLING_ALL)
		return true;
	for (size_t i = 0; i < count; i++)
		if (wanted[i].family == ip->family && !addr_is_loopback(&wanted[i]))
			return addr_is_loopback(ip);
	return true;
}

static struct ice_base *find_ip(const struct gatherer *g, const wlk_addr *ip)
{
	for (size_t i = 0; i < g->base_count; i++)
		if (g->bases[i]->kind != BASE_RELAY && addr_ip_equal(&g->bases[i]->ip, ip))
			return g->bases[i];
	return NULL;
}

/*
 * RFC 8421 4: the families take turns, IPv6 first, so that a broken one delays the other by one check only.
 * Interfaces come best first.
 */
static uint16_t draw_preference(struct gatherer *g, uint8_t family)
{
	uint16_t preference = (uint16_t)(65535 - (family == 4));

	/* The best that no base has: an interface that comes back gets its old place. */
	for (size_t i = 0; i < g->base_count; i++)
		if (g->bases[i]->local_preference == preference) {
			preference = (uint16_t)(preference - 2);
			i = (size_t)-1;
		}
	return preference;
}

/* A socket, or a listener, which ranks like the socket of its interface; of two sockets the one that is not retired. */
static struct ice_base *find_base(const struct gatherer *g, enum ice_base_kind kind, const wlk_addr *ip)
{
	struct ice_base *retired = NULL;

	for (size_t i = 0; i < g->base_count; i++) {
		struct ice_base *base = g->bases[i];

		if (base->kind != kind || !addr_ip_equal(&base->ip, ip))
			continue;
		if (!base->retired)
			return base;
		retired = base;
	}
	return retired;
}

/* The other socket of the interface of |base|: that which takes its place, or whose place it takes. */
static struct ice_base *find_twin(const struct gatherer *g, const struct ice_base *base)
{
	for (size_t i = 0; i < g->base_count && base->kind == BASE_SOCKET; i++)
		if (g->bases[i] != base && g->bases[i]->kind == BASE_SOCKET &&
		    addr_ip_equal(&g->bases[i]->ip, &base->ip))
			return g->bases[i];
	return NULL;
}

bool gather_has_twin(const struct ice_agent *agent, const struct ice_base *base)
{
	return find_twin(&agent->gather, base) != NULL;
}

struct ice_base *gather_new_base(struct ice_agent *agent, enum ice_base_kind kind, const wlk_addr *ip)
{
	struct gatherer *g = &agent->gather;
	struct ice_base *base;

	if (!array_reserve((void **)&g->bases, &g->base_capacity, g->base_count + 1, sizeof(struct ice_base *)))
		return NULL;
	base = wlk_calloc(1, sizeof(*base));
	if (!base)
		return NULL;
	base->kind = kind;
	base->ip = *ip;
	base->ip.port = 0;
	return base;
}

static wlk_err add_base(struct ice_agent *agent, enum ice_base_kind kind, const wlk_addr *ip)
{
	struct gatherer *g = &agent->gather;
	const struct ice_base *socket = find_base(g, BASE_SOCKET, ip);
	struct ice_request request = {
		.type = kind == BASE_SOCKET ? ICE_REQUEST_BIND_UDP : ICE_REQUEST_LISTEN_TCP,
		.local = *ip,
		.port_min = agent->config.port_min,
		.port_max = agent->config.port_max,
		.own_port = gather_needs_own_port(agent),
	};
	struct ice_base *base = gather_new_base(agent, kind, ip);
	wlk_err err;

	if (!base)
		return WLK_ERR_NOMEM;
	request.local.port = 0;
	request.local.transport = kind == BASE_SOCKET ? WLK_TRANSPORT_UDP : WLK_TRANSPORT_TCP;
	err = agent_request_add(&agent->requests, &request, OWNER_BASE, base);
	if (err) {
		wlk_free(base);
		return err;
	}
	base->state = BASE_BINDING;
	base->own_port = request.own_port;
	base->local_preference = socket ? socket->local_preference : draw_preference(g, ip->family);
	g->bases[g->base_count++] = base;
	return WLK_OK;
}

static void remove_locals_of(struct gatherer *g, const struct ice_base *base)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->local_count; i++) {
		if (g->locals[i]->base == base)
			wlk_free(g->locals[i]);
		else
			g->locals[kept++] = g->locals[i];
	}
	g->local_count = kept;
}

/* What waits to leave by a connection or an allocation has no other way: its address is none that a socket is bound to. */
static void drop_waiting(struct ice_agent *agent, const struct ice_base *base)
{
	struct dgram d;

	for (size_t n = agent->out.count; n && dgram_queue_pop(&agent->out, &d); n--) {
		if (!d.stream && addr_equal(&d.local, &base->addr))
			pktbuf_release(d.buf);
		else
			(void)dgram_queue_push(&agent->out, d); /* into the place that it had */
	}
}

/* Everything that hangs on |base| goes, its socket is closed. */
static void remove_base(struct ice_agent *agent, size_t index)
{
	struct gatherer *g = &agent->gather;
	struct ice_base *base = g->bases[index];

	for (size_t i = agent->checklist.count; i-- > 0;)
		if (agent->checklist.pairs[i]->base == base)
			agent_remove_pair(agent, agent->checklist.pairs[i]);
	gather_forget_base(agent, base);
	remove_locals_of(g, base);
	agent_request_abandon(&agent->requests, base);
	agent_stream_on_base_gone(agent, base);
	if (base->state == BASE_BOUND && base->kind != BASE_SOCKET)
		drop_waiting(agent, base);
	if (base->state == BASE_BOUND && (base->kind == BASE_SOCKET || base->kind == BASE_TCP_LISTENER))
		agent_request_close(&agent->requests, &base->addr);
	for (g->base_count--; index < g->base_count; index++)
		g->bases[index] = g->bases[index + 1];
	if (!find_ip(g, &base->ip))
		agent_unname_ip(agent, &base->ip);
	wlk_free(base);
}

void gather_remove_base(struct ice_agent *agent, struct ice_base *base)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i] == base) {
			remove_base(agent, i);
			return;
		}
}

static bool is_listed(const wlk_addr *ips, size_t count, const wlk_addr *ip)
{
	for (size_t i = 0; i < count; i++)
		if (addr_ip_equal(&ips[i], ip))
			return true;
	return false;
}

/*
 * A socket that may be shared with other agents is no way to a TURN server over UDP, which would take all of them for one
 * client: a generation that has such a server begins with sockets of its own.
 */
static bool is_outgrown(const struct ice_agent *agent, const struct ice_base *socket)
{
	return agent->gather.state == ICE_GATHERING_NEW && !socket->own_port && gather_needs_own_port(agent);
}

/* New pairs are formed with the twin of |socket| only. */
static void retire(struct ice_agent *agent, struct ice_base *socket)
{
	struct ice_base *twin = find_twin(&agent->gather, socket);

	if (!twin || socket->retired)
		return;
	socket->retired = true;
	agent_relays_move_streams(agent, socket, twin);
}

static void retire_outgrown(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->kind == BASE_SOCKET && is_outgrown(agent, agent->gather.bases[i]))
			retire(agent, agent->gather.bases[i]);
}

/* The socket that was to take its place could not be bound: |base| serves on, without that server. */
static void reinstate(struct ice_agent *agent, struct ice_base *base, struct ice_base *failed)
{
	agent_relays_move_streams(agent, failed, base);
	gather_remove_base(agent, failed);
	base->retired = false;
	if (base->state != BASE_BOUND)
		return;
	gather_announce(agent, gather_host_of(agent, base));
	agent_pair_base(agent, base);
	gather_ask_from(agent, base);
}

void gather_on_cancelled(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->kind == BASE_SOCKET)
			agent->gather.bases[i]->retired = false;
}

/* A socket for |ip| if there is none that serves, and a listener where we listen. */
static wlk_err add_bases_of(struct ice_agent *agent, const wlk_addr *ip)
{
	const struct ice_base *socket = find_base(&agent->gather, BASE_SOCKET, ip);
	wlk_err err = WLK_OK;

	if (!socket || is_outgrown(agent, socket))
		err = add_base(agent, BASE_SOCKET, ip);
	if (!err && agent_stream_listens(agent) && !find_base(&agent->gather, BASE_TCP_LISTENER, ip))
		err = add_base(agent, BASE_TCP_LISTENER, ip);
	return err;
}

/* The bases of |ips| that are not there yet; on failure those just added are taken back. */
static wlk_err add_bases(struct ice_agent *agent, const wlk_addr *ips, size_t count)
{
	size_t before = agent->gather.base_count;
	wlk_err err;

	for (size_t i = 0; i < count; i++) {
		err = add_bases_of(agent, &ips[i]);
		if (!err)
			continue;
		while (agent->gather.base_count > before)
			remove_base(agent, agent->gather.base_count - 1);
		return err;
	}
	return WLK_OK;
}

wlk_err gather_set_interfaces(struct ice_agent *agent, wlk_time now, const wlk_addr *ips, size_t count)
{
	struct gatherer *g = &agent->gather;
	wlk_addr wanted[GATHER_INTERFACES_MAX];
	size_t wanted_count = 0;

	for (size_t i = 0; i < count && wanted_count < GATHER_INTERFACES_MAX; i++)
		if (wants_interface(agent, &ips[i]) && !is_listed(wanted, wanted_count, &ips[i]) &&
		    is_default_route(agent, wanted, wanted_count, &ips[i]))
			wanted[wanted_count++] = ips[i];
	if (g->state != ICE_GATHERING_NEW) {
		bool follow = g->state != ICE_GATHERING_COMPLETE || !agent->config.no_roaming;
		size_t before = g->base_count;
		wlk_err err = follow ? add_bases(agent, wanted, wanted_count) : WLK_OK;

		if (err)
			return err;
		if (g->base_count > before)
			g->state = ICE_GATHERING_ACTIVE;
		for (size_t i = g->base_count; i-- > 0;)
			if (g->bases[i]->kind != BASE_RELAY && !is_listed(wanted, wanted_count, &g->bases[i]->ip))
				remove_base(agent, i);
		agent->news = true;
		agent_on_network_change(agent, now);
	}
	memcpy(g->ips, wanted, wanted_count * sizeof(wanted[0]));
	g->ip_count = wanted_count;
	agent_move_mdns(agent);
	return WLK_OK;
}

wlk_err gather_start(struct ice_agent *agent, wlk_time now)
{
	struct gatherer *g = &agent->gather;
	wlk_err err;

	if (g->state != ICE_GATHERING_NEW)
		return WLK_OK;
	g->policy = agent->config.policy;
	g->outdated = false;
	err = add_bases(agent, g->ips, g->ip_count);
	if (err)
		return err;
	retire_outgrown(agent);
	announce_again(agent);
	gather_ask_servers(agent, now);
	g->state = ICE_GATHERING_ACTIVE;
	agent->news = true;
	return WLK_OK;
}

/* The host candidate of a bound base, or what a NAT 1:1 mapping makes of it; NULL: no memory, or too many. */
static struct ice_local_candidate *add_host(struct ice_agent *agent, struct ice_base *base)
{
	wlk_addr external;
	const wlk_address_mapping *mapping = agent_mapping_of(agent, &base->addr, &external);
	bool replaced = mapping && !mapping->as_srflx;
	struct ice_local_candidate *host;
	struct ice_local_candidate *mapped;

	host = gather_add_local(agent, CANDIDATE_HOST, base, replaced ? &external : &base->addr, NULL, 0);
	if (!host)
		return NULL;
	gather_announce(agent, host);
	if (!mapping || replaced || agent->config.lite)
		return host;
	mapped = gather_add_local(agent, CANDIDATE_SRFLX, base, &external, NULL, 0);
	if (mapped)
		gather_announce(agent, mapped);
	else
		agent->stats.out_of_memory++;
	return host;
}

/* RFC 6544 4.5: one active candidate tells of all connections that we may open from the interface of |base|. */
static void add_active(struct ice_agent *agent, struct ice_base *base)
{
	struct ice_local_candidate *active;
	wlk_addr addr = base->addr;
	wlk_addr external;
	const wlk_address_mapping *mapping = agent_mapping_of(agent, &addr, &external);

	if (!agent_stream_may_connect(agent, base))
		return;
	if (mapping && !mapping->as_srflx)
		addr = external;
	addr.port = AGENT_ACTIVE_PORT;
	addr.transport = WLK_TRANSPORT_TCP;
	active = gather_add_local(agent, CANDIDATE_HOST, base, &addr, NULL, 0);
	if (active)
		gather_announce(agent, active);
	else
		agent->stats.out_of_memory++;
}

struct ice_base *gather_add_stream_base(struct ice_agent *agent, const wlk_addr *ip, const wlk_addr *local,
					uint16_t preference)
{
	struct gatherer *g = &agent->gather;
	struct ice_base *base = gather_new_base(agent, BASE_TCP_ACTIVE, ip);

	if (!base)
		return NULL;
	base->state = BASE_BOUND;
	base->addr = *local;
	base->addr.transport = WLK_TRANSPORT_TCP;
	base->local_preference = preference;
	if (!gather_add_local(agent, CANDIDATE_HOST, base, &base->addr, NULL, 0)) {
		wlk_free(base);
		return NULL;
	}
	g->bases[g->base_count++] = base;
	return base;
}

void gather_on_bound(struct ice_agent *agent, wlk_time now, struct ice_base *base, wlk_err err, const wlk_addr *addr)
{
	struct ice_base *twin = find_twin(&agent->gather, base);
	struct ice_local_candidate *host;
	char text[WLK_ADDR_TEXT_MAX];

	(void)now;
	if (err) {
		base->state = BASE_FAILED;
		LOG_W(agent, "cannot bind %s: %s", addr_ip_text(&base->ip, text), wlk_strerror(err));
		if (twin)
			reinstate(agent, twin, base);
		return;
	}
	base->state = BASE_BOUND;
	base->addr = *addr;
	base->addr.transport = base->kind == BASE_SOCKET ? WLK_TRANSPORT_UDP : WLK_TRANSPORT_TCP;
	agent->last_bound_at = now;
	host = add_host(agent, base);
	if (!host) {
		agent->stats.out_of_memory++;
		agent_request_close(&agent->requests, &base->addr);
		base->state = BASE_FAILED;
		return;
	}
	if (base->kind != BASE_SOCKET)
		return; /* a listener waits for its pairs */
	add_active(agent, base);
	agent_pair_base(agent, base);
	gather_ask_from(agent, base);
}

/* ----------------------------------------------------------------------------------------------- running */

static bool is_finished(const struct ice_agent *agent)
{
	const struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->base_count; i++)
		if (g->bases[i]->state == BASE_BINDING)
			return false;
	return gather_servers_done(agent);
}

static bool has_pair(const struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = 0; i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->base == base)
			return true;
	return false;
}

static void remove_retired(struct ice_agent *agent)
{
	for (size_t i = agent->gather.base_count; i-- > 0;) {
		const struct ice_base *base = agent->gather.bases[i];

		if (base->kind == BASE_SOCKET && base->retired && !has_pair(agent, base))
			remove_base(agent, i);
	}
}

void gather_run(struct ice_agent *agent, wlk_time now)
{
	struct gatherer *g = &agent->gather;

	remove_retired(agent);
	gather_run_servers(agent, now);
	agent_relays_run(agent, now);
	if (g->state == ICE_GATHERING_ACTIVE && is_finished(agent)) {
		g->state = ICE_GATHERING_COMPLETE;
		agent->news = true;
		LOG_I(agent, "gathering complete: %zu local candidates", g->local_count);
	}
}

wlk_time gather_deadline(const struct ice_agent *agent)
{
	return time_min(gather_servers_deadline(agent), agent_relays_deadline(agent));
}

void gather_close(struct ice_agent *agent)
{
	agent_relays_close(agent);
	while (agent->gather.base_count)
		remove_base(agent, agent->gather.base_count - 1);
}

void gather_free(struct ice_agent *agent)
{
	struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->base_count; i++)
		wlk_free(g->bases[i]);
	for (size_t i = 0; i < g->local_count; i++)
		wlk_free(g->locals[i]);
	gather_free_servers(agent);
	wlk_free(g->bases);
	wlk_free(g->locals);
	*g = (struct gatherer){ 0 };
}
