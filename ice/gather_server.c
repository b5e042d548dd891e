#include "ice/gather_server.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"
#include "ice/turn_client.h"

/* ---------------------------------------------------------------------------------------------- the list */

struct gather_server *gather_server_ref(struct gather_server *server)
{
	server->refs++;
	return server;
}

void gather_server_release(struct gather_server *server)
{
	if (--server->refs)
		return;
	turn_credentials_release(server->credentials);
	wlk_free(server->host);
	wlk_free(server->url);
	wlk_free(server);
}

static wlk_err check_server(const struct ice_server *from)
{
	if (!from->host.size || from->host.size > ICE_HOST_NAME_MAX || !from->port)
		return WLK_ERR_INVALID;
	return from->is_turn || from->transport == ICE_SERVER_UDP ? WLK_OK : WLK_ERR_INVALID;
}

static wlk_err create_server(struct gather_server **out, const struct ice_server *from)
{
	wlk_err err = check_server(from);
	struct gather_server *server;

	if (err)
		return err;
	server = wlk_calloc(1, sizeof(*server));
	if (!server)
		return WLK_ERR_NOMEM;
	server->refs = 1;
	server->listed = true;
	server->is_turn = from->is_turn;
	server->transport = from->transport;
	server->port = from->port;
	server->host = wlk_strndup(from->host.at, from->host.size);
	server->url = wlk_strndup(from->url.size ? from->url.at : "", from->url.size);
	if (from->is_turn)
		err = turn_credentials_create(&server->credentials, from->username, from->credential);
	if (!err && (!server->host || !server->url))
		err = WLK_ERR_NOMEM;
	if (err)
		gather_server_release(server);
	else
		*out = server;
	return err;
}

static struct gather_server *find_same(struct gatherer *g, const struct gather_server *like)
{
	for (size_t i = 0; i < g->server_count; i++) {
		struct gather_server *server = g->servers[i];

		if (server->listed && server->is_turn == like->is_turn && server->transport == like->transport &&
		    server->port == like->port && !strcmp(server->host, like->host))
			return server;
	}
	return NULL;
}

/* |old| stays in the list in place of |fresh|, with its URL and credentials. */
static void take_over(struct ice_agent *agent, struct gather_server *old, struct gather_server *fresh)
{
	struct turn_credentials *credentials = old->credentials;
	char *url = old->url;

	old->credentials = fresh->credentials;
	old->url = fresh->url;
	fresh->credentials = credentials;
	fresh->url = url;
	if (old->is_turn && !turn_credentials_equal(credentials, old->credentials))
		agent_relays_renew_credentials(agent, old);
}

/* |fresh| becomes the list. Cannot fail. */
static void replace_servers(struct ice_agent *agent, struct gather_server **fresh, size_t count)
{
	struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < count; i++) {
		struct gather_server *old = find_same(g, fresh[i]);

		if (!old)
			continue;
		old->listed = false; /* found once; listed again below */
		take_over(agent, old, fresh[i]);
		gather_server_release(fresh[i]);
		fresh[i] = gather_server_ref(old);
	}
	for (size_t i = 0; i < g->server_count; i++)
		g->servers[i]->listed = false;
	for (size_t i = 0; i < count; i++)
		fresh[i]->listed = true;
	for (size_t i = 0; i < g->server_count; i++) {
		if (!g->servers[i]->listed) {
			agent_request_abandon(&agent->requests, g->servers[i]);
			g->servers[i]->resolving = false;
		}
		gather_server_release(g->servers[i]);
	}
	memcpy(g->servers, fresh, count * sizeof(fresh[0]));
	g->server_count = count;
}

wlk_err gather_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count)
{
	struct gatherer *g = &agent->gather;
	struct gather_server *fresh[GATHER_SERVERS_MAX];
	size_t made = 0;
	wlk_err err = WLK_OK;

	if (count > GATHER_SERVERS_MAX)
		return WLK_ERR_TOO_LARGE;
	/* One place at least, so that there is an array to copy an empty list into. */
	if (!array_reserve((void **)&g->servers, &g->server_capacity, MAX(count, (size_t)1), sizeof(fresh[0])))
		return WLK_ERR_NOMEM;
	while (!err && made < count) {
		err = create_server(&fresh[made], &servers[made]);
		made += !err;
	}
	if (err) {
		while (made--)
			gather_server_release(fresh[made]);
		return err;
	}
	replace_servers(agent, fresh, count);
	return WLK_OK;
}

static void remove_job(struct ice_agent *agent, size_t index)
{
	struct gatherer *g = &agent->gather;

	stun_txn_remove_owner(&agent->txns, g->jobs[index]);
	gather_server_release(g->jobs[index]->of);
	wlk_free(g->jobs[index]);
	g->jobs[index] = g->jobs[--g->job_count];
}

void gather_free_servers(struct ice_agent *agent)
{
	struct gatherer *g = &agent->gather;

	while (g->job_count)
		remove_job(agent, g->job_count - 1);
	while (g->server_count)
		gather_server_release(g->servers[--g->server_count]);
	wlk_free(g->jobs);
	wlk_free(g->servers);
}

/* ------------------------------------------------------------------------------------------------ asking */

static bool is_proxied_only(const struct ice_agent *agent)
{
	return agent->config.ip_handling == WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP;
}

/* Under the relay policy nobody may learn of the other candidates. */
static bool asks_stun(const struct ice_agent *agent)
{
	return !agent->config.lite && !is_proxied_only(agent) && agent->gather.policy != ICE_POLICY_RELAY;
}

/* A lite agent has host candidates only (RFC 8445 2.5); mode 4 of RFC 8828 5.2 leaves TURN over TCP and TLS. */
static bool asks(const struct ice_agent *agent, const struct gather_server *server)
{
	if (!server->is_turn)
		return asks_stun(agent);
	return !agent->config.lite &&
	       (!is_proxied_only(agent) || server->transport == ICE_SERVER_TCP || server->transport == ICE_SERVER_TLS);
}

bool gather_needs_own_port(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->gather.server_count; i++)
		if (agent->gather.servers[i]->is_turn && agent->gather.servers[i]->transport == ICE_SERVER_UDP &&
		    asks(agent, agent->gather.servers[i]))
			return true;
	return false;
}

static bool has_job(const struct gatherer *g, const struct ice_base *base, const wlk_addr *server)
{
	for (size_t i = 0; i < g->job_count; i++)
		if (g->jobs[i]->base == base && addr_equal(&g->jobs[i]->server, server))
			return true;
	return false;
}

static void add_job(struct ice_agent *agent, struct ice_base *base, struct gather_server *of, const wlk_addr *server)
{
	struct gatherer *g = &agent->gather;
	struct gather_job *job;

	if (addr_is_none(server) || !ice_pair_fits(&base->addr, server) || has_job(g, base, server))
		return;
	if (!array_reserve((void **)&g->jobs, &g->job_capacity, g->job_count + 1, sizeof(struct gather_job *)) ||
	    !(job = wlk_calloc(1, sizeof(*job)))) {
		agent->stats.out_of_memory++; /* one candidate less */
		return;
	}
	job->base = base;
	job->of = gather_server_ref(of);
	job->server = *server;
	job->keepalive_at = WLK_TIME_NEVER;
	g->jobs[g->job_count++] = job;
}

static void ask_server_from(struct ice_agent *agent, struct gather_server *server, struct ice_base *base)
{
	if (base->state != BASE_BOUND || base->kind != BASE_SOCKET || base->retired || !asks(agent, server))
		return;
	if (server->is_turn && server->transport == ICE_SERVER_UDP && !base->own_port)
		return; /* in the next generation, from another socket */
	if (server->is_turn)
		agent_relay_add(agent, server, base);
	for (size_t i = 0; i < ARRAY_SIZE(server->addrs) && !server->is_turn; i++)
		add_job(agent, base, server, &server->addrs[i]);
}

static void ask_server(struct ice_agent *agent, struct gather_server *server)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		ask_server_from(agent, server, agent->gather.bases[i]);
}

static void need_address(struct ice_agent *agent, struct gather_server *server)
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
		if (agent_request_add(&agent->requests, &request, OWNER_SERVER, server)) {
			agent->stats.out_of_memory++;
			return;
		}
		server->resolving = true;
	}
	server->asked = true;
}

void gather_ask_servers(struct ice_agent *agent, wlk_time now)
{
	struct gatherer *g = &agent->gather;

	for (size_t i = g->job_count; i-- > 0;) {
		if (g->jobs[i]->of->listed && asks_stun(agent)) {
			stun_txn_remove_owner(&agent->txns, g->jobs[i]);
			g->jobs[i]->state = JOB_WAITING;
		} else {
			remove_job(agent, i);
		}
	}
	agent_relays_begin_generation(agent, now);
	for (size_t i = 0; i < g->server_count && g->base_count; i++) {
		if (!asks(agent, g->servers[i]))
			continue;
		need_address(agent, g->servers[i]);
		ask_server(agent, g->servers[i]);
	}
}

void gather_ask_from(struct ice_agent *agent, struct ice_base *base)
{
	for (size_t i = 0; i < agent->gather.server_count; i++) {
		/* The first base of a host that had none when gathering began. */
		if (asks(agent, agent->gather.servers[i]))
			need_address(agent, agent->gather.servers[i]);
		ask_server_from(agent, agent->gather.servers[i], base);
	}
}

void gather_forget_base(struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = agent->gather.job_count; i-- > 0;)
		if (agent->gather.jobs[i]->base == base)
			remove_job(agent, i);
	agent_relays_forget_base(agent, base);
}

void gather_on_resolved(struct ice_agent *agent, wlk_time now, struct gather_server *server, const wlk_addr *addrs,
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
		slot->transport = WLK_TRANSPORT_UDP;
	}
	if (addr_is_none(&server->addrs[0]) && addr_is_none(&server->addrs[1])) {
		server->asked = false; /* the next generation tries again */
		agent_tell_error(agent, NULL, server->url, TURN_UNREACHABLE, STR("the server's name has no address"));
		return;
	}
	ask_server(agent, server);
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

/* Consent keeps the mapping in use open; only while none is in use do the others need help. */
static bool needs_keepalive(const struct ice_agent *agent, const struct gather_job *job)
{
	return job->keepalive_at != WLK_TIME_NEVER && !agent->selected;
}

void gather_run_servers(struct ice_agent *agent, wlk_time now)
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
}

wlk_time gather_servers_deadline(const struct ice_agent *agent)
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

bool gather_servers_done(const struct ice_agent *agent)
{
	const struct gatherer *g = &agent->gather;

	for (size_t i = 0; i < g->server_count; i++)
		if (g->servers[i]->resolving)
			return false;
	for (size_t i = 0; i < g->job_count; i++)
		if (g->jobs[i]->state != JOB_DONE)
			return false;
	return agent_relays_done(agent);
}

/* ----------------------------------------------------------------------------------------------- answers */

void gather_on_mapped(struct ice_agent *agent, struct ice_base *base, const wlk_addr *mapped, const wlk_addr *server)
{
	struct ice_local_candidate *local;

	/* RFC 8445 5.1.3: the same as the host candidate is redundant. */
	if (mapped->family != base->addr.family || !mapped->port || addr_equal(mapped, &base->addr))
		return;
	local = gather_find_local(&agent->gather, base, mapped);
	if (local && (local->candidate.type != CANDIDATE_SRFLX || local->told))
		return; /* the peer has seen it, or the host candidate is mapped to it */
	if (!local)
		local = gather_add_local(agent, CANDIDATE_SRFLX, base, mapped, server, 0);
	if (local)
		gather_announce(agent, local);
	else
		agent->stats.out_of_memory++;
}

void gather_on_response(struct ice_agent *agent, wlk_time now, struct gather_job *job, const struct stun_msg *msg)
{
	const wlk_addr *mapped = addr_is_none(&msg->xor_mapped) ? &msg->mapped : &msg->xor_mapped;

	job->state = JOB_DONE;
	if (msg->class != STUN_SUCCESS) {
		agent_tell_error(agent, &job->base->addr, job->of->url, msg->error_code,
				 (struct str){ (const char *)msg->reason.data, msg->reason.size });
		return;
	}
	if (!addr_equal(mapped, &job->base->addr))
		job->keepalive_at = now + GATHER_KEEPALIVE_US;
	gather_on_mapped(agent, job->base, mapped, &job->server);
}

void gather_on_timeout(struct ice_agent *agent, struct gather_job *job)
{
	char text[WLK_ADDR_TEXT_MAX];

	LOG_I(agent, "STUN server %s does not answer", addr_text(&job->server, text));
	job->state = JOB_DONE;
	agent_tell_error(agent, &job->base->addr, job->of->url, TURN_UNREACHABLE,
			 STR("the STUN server does not answer"));
}

const char *gather_url_of(const struct ice_agent *agent, const struct ice_base *base, const wlk_addr *server)
{
	for (size_t i = 0; i < agent->gather.job_count; i++)
		if (agent->gather.jobs[i]->base == base && addr_equal(&agent->gather.jobs[i]->server, server))
			return agent->gather.jobs[i]->of->url;
	return NULL;
}
