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
		if (g->locals[i]->base == base && g->locals[i]->candidate.type == CANDIDATE_HOST)
			return g->locals[i];
	assert(0 && "a bound base has its host candidate");
	return NULL;
}

static struct ice_local_candidate *find_local(const struct gatherer *g, const struct ice_base *base,
					      const wlk_addr *addr)
{
	for (size_t i = 0; i < g->local_count; i++)
		if (g->locals[i]->base == base && addr_equal(&g->locals[i]->candidate.addr, addr))
			return g->locals[i];
	return NULL;
}

/* |server| NULL: not of a server. |priority| 0: by type and base. */
static struct ice_local_candidate *add_local(struct ice_agent *agent, enum ice_candidate_type type,
					     struct ice_base *base, const wlk_addr *addr, const wlk_addr *server,
					     uint32_t priority)
{
	struct gatherer *g = &agent->gather;
	struct ice_local_candidate *local;

	if (g->local_count >= GATHER_LOCALS_MAX ||
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
	local->candidate.priority = priority ? priority : ice_candidate_priority(type, base->local_preference, 1);
	if (type != CANDIDATE_HOST)
		local->candidate.related = base->addr;
	if (server)
		local->server = *server;
	if (ice_candidate_foundation(local->candidate.foundation, type, ICE_UDP, &base->ip, server,
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
	struct ice_local_candidate *local = find_local(&agent->gather, base, mapped);

	return local ? local : add_local(agent, CANDIDATE_PRFLX, base, mapped, NULL, priority);
}

static void announce(struct ice_agent *agent, struct ice_local_candidate *local)
{
	local->announce = true;
	agent->news = true;
}

/* ---------------------------------------------------------------------------------------------- servers */

static bool has_job(const struct gatherer *g, const struct ice_base *base, const wlk_addr *server)
{
	for (size_t i = 0; i < g->job_count; i++)
		if (g->jobs[i]->base == base && addr_equal(&g->jobs[i]->server, server))
			return true;
	return false;
}

static void add_job(struct ice_agent *agent, struct ice_base *base, const wlk_addr *server)
{
	struct gatherer *g = &agent->gather;
	struct gather_job *job;

	if (base->state != BASE_BOUND || addr_is_none(server) || !ice_pair_fits(&base->addr, server) ||
	    has_job(g, base, server))
		return;
	if (!array_reserve((void **)&g->jobs, &g->job_capacity, g->job_count + 1, sizeof(struct gather_job *)) ||
	    !(job = wlk_calloc(1, sizeof(*job)))) {
		agent->stats.out_of_memory++; /* one candidate less */
		return;
	}
	job->base = base;
	job->server = *server;
	job->keepalive_at = WLK_TIME_NEVER;
	g->jobs[g->job_count++] = job;
}

static void add_jobs_of_server(struct ice_agent *agent, const struct ice_stun_server *server)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(server->addrs); j++)
			add_job(agent, agent->gather.bases[i], &server->addrs[j]);
}

wlk_err gather_add_server(struct ice_agent *agent, const char *host, size_t size, uint16_t port)
{
	struct gatherer *g = &agent->gather;
	struct ice_stun_server *server;

	if (!size || size > ICE_HOST_NAME_MAX || !port)
		return WLK_ERR_INVALID;
	if (g->server_count >= GATHER_SERVERS_MAX)
		return WLK_ERR_TOO_LARGE;
	if (!array_reserve((void **)&g->servers, &g->server_capacity, g->server_count + 1,
			   sizeof(struct ice_stun_server *)))
		return WLK_ERR_NOMEM;
	server = wlk_calloc(1, sizeof(*server));
	if (!server)
		return WLK_ERR_NOMEM;
	server->host = wlk_strndup(host, size);
	if (!server->host) {
		wlk_free(server);
		return WLK_ERR_NOMEM;
	}
	server->port = port;
	g->servers[g->server_count++] = server;
	return WLK_OK;
}

static void remove_servers(struct gatherer *g, size_t from)
{
	for (size_t i = from; i < g->server_count; i++) {
		wlk_free(g->servers[i]->host);
		wlk_free(g->servers[i]);
	}
	g->server_count = from;
}

wlk_err gather_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count)
{
	struct gatherer *g = &agent->gather;
	wlk_err err = WLK_OK;

	for (size_t i = 0; i < g->server_count; i++)
		agent_request_abandon(&agent->requests, g->servers[i]);
	remove_servers(g, 0);
	for (size_t i = 0; !err && i < count; i++)
		if (servers[i].is_turn)
			err = WLK_ERR_UNSUPPORTED;
		else
			err = gather_add_server(agent, servers[i].host.at, servers[i].host.size, servers[i].port);
	return err;
}

static void ask_for_server(struct ice_agent *agent, struct ice_stun_server *server)
{
	struct ice_request request = {
		.type = ICE_REQUEST_RESOLVE,
		.host = str_of(server->host),
		.port = server->port,
	};
	wlk_addr literal;

	if (server->asked)
		return;
	if (!addr_parse(&literal, server->host, strlen(server->host), server->port)) {
		server->addrs[literal.family == 6] = literal;
	} else {
		if (agent_request_add(&agent->requests, &request, server)) {
			agent->stats.out_of_memory++;
			return;
		}
		server->resolving = true;
	}
	server->asked = true;
}

void gather_on_resolved(struct ice_agent *agent, wlk_time now, struct ice_stun_server *server, const wlk_addr *addrs,
			size_t count)
{
	(void)now;
	server->resolving = false;
	for (size_t i = 0; i < count; i++) {
		wlk_addr *slot = &server->addrs[addrs[i].family == 6];

		if (!addr_is_none(slot) || addr_is_none(&addrs[i]))
			continue;
		*slot = addrs[i];
		slot->port = server->port;
	}
	add_jobs_of_server(agent, server);
}

/* ------------------------------------------------------------------------------------------------ bases */

static bool wants_interface(const struct ice_agent *agent, const wlk_addr *ip)
{
	if (agent->config.policy == ICE_POLICY_RELAY)
		return false;
	if (addr_is_none(ip) || (ip->family == 4 ? agent->config.no_ipv4 : agent->config.no_ipv6))
		return false;
	if (addr_is_loopback(ip))
		return agent->config.allow_loopback;
	if (addr_is_link_local(ip))
		return agent->config.include_link_local;
	return !addr_is_unspecified(ip) && !addr_is_multicast(ip);
}

static struct ice_base *find_ip(const struct gatherer *g, const wlk_addr *ip)
{
	for (size_t i = 0; i < g->base_count; i++)
		if (addr_ip_equal(&g->bases[i]->ip, ip))
			return g->bases[i];
	return NULL;
}

/*
 * RFC 8421 4: the families take turns, IPv6 first, so that a broken one delays the other by one check only.
 * Interfaces come best first.
 */
static uint16_t draw_preference(struct gatherer *g, uint8_t family)
{
	uint16_t ordinal = g->next_preference[family == 6];

	if (ordinal < 30000)
		g->next_preference[family == 6]++;
	return (uint16_t)(65535 - 2 * ordinal - (family == 4));
}

static wlk_err add_base(struct ice_agent *agent, const wlk_addr *ip)
{
	struct gatherer *g = &agent->gather;
	struct ice_request request = {
		.type = ICE_REQUEST_BIND_UDP,
		.local = *ip,
		.port_min = agent->config.port_min,
		.port_max = agent->config.port_max,
	};
	struct ice_base *base;
	wlk_err err;

	if (!array_reserve((void **)&g->bases, &g->base_capacity, g->base_count + 1, sizeof(struct ice_base *)))
		return WLK_ERR_NOMEM;
	base = wlk_calloc(1, sizeof(*base));
	if (!base)
		return WLK_ERR_NOMEM;
	base->ip = *ip;
	base->ip.port = 0;
	request.local.port = 0;
	err = agent_request_add(&agent->requests, &request, base);
	if (err) {
		wlk_free(base);
		return err;
	}
	base->state = BASE_BINDING;
	base->local_preference = draw_preference(g, ip->family);
	g->bases[g->base_count++] = base;
	return WLK_OK;
}

static void remove_jobs_of(struct ice_agent *agent, const struct ice_base *base)
{
	struct gatherer *g = &agent->gather;

	for (size_t i = g->job_count; i-- > 0;) {
		if (g->jobs[i]->base != base)
			continue;
		stun_txn_remove_owner(&agent->txns, g->jobs[i]);
		wlk_free(g->jobs[i]);
		g->jobs[i] = g->jobs[--g->job_count];
	}
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

/* Everything that hangs on |base| goes, its socket is closed. */
static void remove_base(struct ice_agent *agent, size_t index)
{
	struct gatherer *g = &agent->gather;
	struct ice_base *base = g->bases[index];

	for (size_t i = agent->checklist.count; i-- > 0;)
		if (agent->checklist.pairs[i]->base == base)
			agent_remove_pair(agent, agent->checklist.pairs[i]);
	remove_jobs_of(agent, base);
	remove_locals_of(g, base);
	agent_request_abandon(&agent->requests, base);
	if (base->state == BASE_BOUND)
		agent_request_close(&agent->requests, &base->addr);
	wlk_free(base);
	for (g->base_count--; index < g->base_count; index++)
		g->bases[index] = g->bases[index + 1];
}

static bool is_listed(const wlk_addr *ips, size_t count, const wlk_addr *ip)
{
	for (size_t i = 0; i < count; i++)
		if (addr_ip_equal(&ips[i], ip))
			return true;
	return false;
}

/* One base for each of |ips| that has none; on failure those just added are taken back. */
static wlk_err add_bases(struct ice_agent *agent, const wlk_addr *ips, size_t count)
{
	size_t before = agent->gather.base_count;
	wlk_err err;

	for (size_t i = 0; i < count; i++) {
		if (find_ip(&agent->gather, &ips[i]))
			continue;
		err = add_base(agent, &ips[i]);
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

	(void)now;
	for (size_t i = 0; i < count && wanted_count < GATHER_INTERFACES_MAX; i++)
		if (wants_interface(agent, &ips[i]) && !is_listed(wanted, wanted_count, &ips[i]))
			wanted[wanted_count++] = ips[i];
	if (g->state != ICE_GATHERING_NEW) {
		wlk_err err = add_bases(agent, wanted, wanted_count);

		if (err)
			return err;
		for (size_t i = g->base_count; i-- > 0;)
			if (!is_listed(wanted, wanted_count, &g->bases[i]->ip))
				remove_base(agent, i);
		if (g->state == ICE_GATHERING_COMPLETE)
			g->state = ICE_GATHERING_ACTIVE;
		agent->news = true;
	}
	memcpy(g->ips, wanted, wanted_count * sizeof(wanted[0]));
	g->ip_count = wanted_count;
	return WLK_OK;
}

wlk_err gather_start(struct ice_agent *agent, wlk_time now)
{
	struct gatherer *g = &agent->gather;
	wlk_err err;

	(void)now;
	if (g->state != ICE_GATHERING_NEW)
		return WLK_OK;
	err = add_bases(agent, g->ips, g->ip_count);
	if (err)
		return err;
	for (size_t i = 0; i < g->local_count; i++)
		if (g->locals[i]->candidate.type == CANDIDATE_HOST)
			announce(agent, g->locals[i]);
	for (size_t i = 0; i < g->job_count; i++) {
		stun_txn_remove_owner(&agent->txns, g->jobs[i]);
		g->jobs[i]->state = JOB_WAITING;
	}
	for (size_t i = 0; i < g->server_count && g->base_count; i++) {
		ask_for_server(agent, g->servers[i]);
		add_jobs_of_server(agent, g->servers[i]);
	}
	g->state = ICE_GATHERING_ACTIVE;
	agent->news = true;
	return WLK_OK;
}

void gather_on_bound(struct ice_agent *agent, wlk_time now, struct ice_base *base, wlk_err err, const wlk_addr *addr)
{
	struct ice_local_candidate *host;
	char text[WLK_ADDR_TEXT_MAX];

	(void)now;
	if (err) {
		base->state = BASE_FAILED;
		LOG_W(agent, "cannot bind %s: %s", addr_ip_text(&base->ip, text), wlk_strerror(err));
		return;
	}
	base->state = BASE_BOUND;
	base->addr = *addr;
	host = add_local(agent, CANDIDATE_HOST, base, addr, NULL, 0);
	if (!host) {
		agent->stats.out_of_memory++;
		agent_request_close(&agent->requests, addr);
		base->state = BASE_FAILED;
		return;
	}
	announce(agent, host);
	agent_pair_base(agent, base);
	for (size_t i = 0; i < agent->gather.server_count; i++)
		add_jobs_of_server(agent, agent->gather.servers[i]);
}

/* ----------------------------------------------------------------------------------------------- running */

static void send_to_server(struct ice_agent *agent, wlk_time now, struct gather_job *job, enum stun_class class)
{
	struct stun_txn txn = {
		.kind = TXN_GATHER,
		.owner = job,
		.local = job->base->addr,
		.remote = job->server,
		.rto = GATHER_RTO_US,
		.sends_max = GATHER_SENDS_MAX,
	};
	uint8_t buf[STUN_HEADER_SIZE + STUN_FINGERPRINT_ATTR_SIZE];
	struct stun_writer w;
	size_t size;

	if (rand_bytes(txn.id, sizeof(txn.id)))
		return;
	stun_writer_init(&w, buf, sizeof(buf), class, STUN_METHOD_BINDING, txn.id);
	if (stun_writer_finish(&w, NULL, true, &size))
		return;
	if (class == STUN_REQUEST) {
		if (!stun_txn_add(&agent->txns, &txn, now, buf, size)) {
			agent->stats.out_of_memory++;
			return;
		}
		job->state = JOB_RUNNING;
	}
	agent_transmit(agent, &txn.local, &txn.remote, buf, size);
}

static bool is_finished(const struct gatherer *g)
{
	for (size_t i = 0; i < g->base_count; i++)
		if (g->bases[i]->state == BASE_BINDING)
			return false;
	for (size_t i = 0; i < g->server_count; i++)
		if (g->servers[i]->resolving)
			return false;
	for (size_t i = 0; i < g->job_count; i++)
		if (g->jobs[i]->state != JOB_DONE)
			return false;
	return true;
}

/* Consent keeps the mapping in use open; only while none is in use do the others need help. */
static bool needs_keepalive(const struct ice_agent *agent, const struct gather_job *job)
{
	return job->keepalive_at != WLK_TIME_NEVER && !agent->selected;
}

void gather_run(struct ice_agent *agent, wlk_time now)
{
	struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->job_count; i++) {
		struct gather_job *job = g->jobs[i];

		if (job->state == JOB_WAITING && g->pacer_at <= now) {
			g->pacer_at = now + agent->config.pacing_us;
			send_to_server(agent, now, job, STUN_REQUEST);
		}
		if (needs_keepalive(agent, job) && job->keepalive_at <= now) {
			job->keepalive_at = now + GATHER_KEEPALIVE_US;
			send_to_server(agent, now, job, STUN_INDICATION);
		}
	}
	if (g->state == ICE_GATHERING_ACTIVE && is_finished(g)) {
		g->state = ICE_GATHERING_COMPLETE;
		agent->news = true;
		LOG_I(agent, "gathering complete: %zu local candidates", g->local_count);
	}
}

wlk_time gather_deadline(const struct ice_agent *agent)
{
	const struct gatherer *g = &agent->gather;
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < g->job_count; i++) {
		if (g->jobs[i]->state == JOB_WAITING)
			at = time_min(at, g->pacer_at);
		if (needs_keepalive(agent, g->jobs[i]))
			at = time_min(at, g->jobs[i]->keepalive_at);
	}
	return at;
}

void gather_on_response(struct ice_agent *agent, wlk_time now, struct gather_job *job, const struct stun_msg *msg)
{
	const wlk_addr *mapped = addr_is_none(&msg->xor_mapped) ? &msg->mapped : &msg->xor_mapped;
	struct ice_local_candidate *local;

	job->state = JOB_DONE;
	if (msg->class != STUN_SUCCESS || mapped->family != job->base->addr.family || !mapped->port)
		return;
	/* RFC 8445 5.1.3: the same as the host candidate is redundant. */
	if (addr_equal(mapped, &job->base->addr))
		return;
	job->keepalive_at = now + GATHER_KEEPALIVE_US;
	local = find_local(&agent->gather, job->base, mapped);
	if (local && local->candidate.type == CANDIDATE_PRFLX)
		return; /* the peer has seen it already */
	if (!local)
		local = add_local(agent, CANDIDATE_SRFLX, job->base, mapped, &job->server, 0);
	if (local)
		announce(agent, local);
	else
		agent->stats.out_of_memory++;
}

void gather_on_timeout(struct ice_agent *agent, struct gather_job *job)
{
	char text[WLK_ADDR_TEXT_MAX];

	LOG_I(agent, "STUN server %s does not answer", addr_text(&job->server, text));
	job->state = JOB_DONE;
}

void gather_close(struct ice_agent *agent)
{
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
	for (size_t i = 0; i < g->job_count; i++)
		wlk_free(g->jobs[i]);
	for (size_t i = 0; i < g->server_count; i++) {
		wlk_free(g->servers[i]->host);
		wlk_free(g->servers[i]);
	}
	wlk_free(g->bases);
	wlk_free(g->locals);
	wlk_free(g->jobs);
	wlk_free(g->servers);
	*g = (struct gatherer){ 0 };
}
