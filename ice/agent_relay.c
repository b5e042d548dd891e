#include "ice/agent_relay.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_relay_internal.h"

const char *agent_relay_url(const struct agent_relay *relay)
{
	return relay->server->url;
}

enum ice_server_transport agent_relay_transport(const struct agent_relay *relay)
{
	return relay->server->transport;
}

/* ---------------------------------------------------------------------------------------- being and ending */

/* A server over UDP knows its clients by their addresses: two clients of it on one socket would be one to it. */
static bool is_same_path(const struct agent_relay *relay, const struct ice_base *via, const wlk_addr *server)
{
	return relay->via == via && relay->server->transport == ICE_SERVER_UDP && addr_equal(&relay->addr, server);
}

/* An allocation of a server that was taken off the list; |addr| is where it was asked for, or where it was made. */
static bool is_orphan_at(const struct agent_relay *relay, const struct ice_base *via, const wlk_addr *addr)
{
	return !relay->server->listed && is_same_path(relay, via, &relay->addr) &&
	       (addr_equal(&relay->addr, addr) || addr_equal(&relay->visited[0], addr));
}

/* The list names the server of |relay| again, after it did not: the allocation serves on. */
static void adopt(struct ice_agent *agent, struct agent_relay *relay, struct gather_server *server)
{
	gather_server_release(relay->server);
	relay->server = gather_server_ref(server);
	relay->renew_credentials = true;
	relay->retired = false;
	if (!relay->base)
		return;
	relay->base->retired = false;
	gather_announce(agent, gather_host_of(agent, relay->base));
	agent_pair_base(agent, relay->base);
}

void agent_relay_add(struct ice_agent *agent, struct gather_server *server, struct ice_base *via)
{
	struct agent_relays *rs = &agent->relays;
	const wlk_addr *addr = &server->addrs[via->addr.family == 6];
	struct agent_relay *relay;

	if (addr_is_none(addr) || !ice_pair_fits(&via->addr, addr))
		return;
	for (size_t i = 0; i < rs->count; i++) {
		relay = rs->items[i];
		if (relay->server == server && relay->via == via)
			return;
		if (server->transport == ICE_SERVER_UDP && is_orphan_at(relay, via, addr)) {
			adopt(agent, relay, server);
			return;
		}
	}
	if (rs->count >= AGENT_RELAYS_MAX)
		return;
	if (!array_reserve((void **)&rs->items, &rs->capacity, rs->count + 1, sizeof(struct agent_relay *)) ||
	    !(relay = wlk_calloc(1, sizeof(*relay)))) {
		agent->stats.out_of_memory++; /* one candidate less */
		return;
	}
	relay->server = gather_server_ref(server);
	relay->via = via;
	relay->addr = *addr;
	relay->visited[0] = *addr;
	rs->items[rs->count++] = relay;
}

void agent_relay_drain(struct ice_agent *agent, struct agent_relay *relay)
{
	struct dgram d = { .local = relay->via->addr, .remote = relay->addr };

	while (relay->client && turn_client_poll_transmit(relay->client, 0, &d.buf)) {
		d.stream = agent_relay_is_stream(relay) ? relay->stream : 0;
		if (!dgram_queue_push(&agent->out, d))
			agent->stats.out_of_memory++;
	}
}

static void add_stats(struct ice_agent_stats *sum, const struct agent_relay *relay)
{
	struct turn_client_stats stats;

	turn_client_get_stats(relay->client, &stats);
	sum->malformed += stats.malformed;
	sum->unknown_transaction += stats.unknown_transaction;
	sum->bad_integrity += stats.bad_integrity;
	sum->unpermitted += stats.unpermitted;
	sum->out_of_memory += stats.out_of_memory;
}

void agent_relays_add_stats(const struct ice_agent *agent, struct ice_agent_stats *out)
{
	for (size_t i = 0; i < agent->relays.count; i++)
		if (agent->relays.items[i]->client)
			add_stats(out, agent->relays.items[i]);
}

void agent_relay_end_client(struct ice_agent *agent, struct agent_relay *relay)
{
	add_stats(&agent->stats, relay);
	turn_client_destroy(relay->client);
	relay->client = NULL;
}

/* The allocation is given back if there is one; the connection is closed. */
static void stop(struct ice_agent *agent, struct agent_relay *relay)
{
	struct ice_base *base = relay->base;

	relay->base = NULL;
	if (base)
		gather_remove_base(agent, base);
	if (relay->client) {
		turn_client_close(relay->client);
		agent_relay_drain(agent, relay);
		agent_relay_end_client(agent, relay);
	}
	agent_request_abandon(&agent->requests, relay);
	if (relay->connected) {
		tcp_framing_free(&relay->framing);
		agent_request_close_stream(&agent->requests, relay->stream);
	}
	relay->connected = false;
}

static void remove_relay(struct ice_agent *agent, size_t index)
{
	struct agent_relay *relay = agent->relays.items[index];

	stop(agent, relay);
	gather_server_release(relay->server);
	wlk_free(relay);
	for (agent->relays.count--; index < agent->relays.count; index++)
		agent->relays.items[index] = agent->relays.items[index + 1];
}

void agent_relays_close(struct ice_agent *agent)
{
	while (agent->relays.count)
		remove_relay(agent, agent->relays.count - 1);
}

void agent_relays_free(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->relays.count; i++) {
		struct agent_relay *relay = agent->relays.items[i];

		turn_client_destroy(relay->client);
		if (relay->connected)
			tcp_framing_free(&relay->framing);
		gather_server_release(relay->server);
		wlk_free(relay);
	}
	wlk_free(agent->relays.items);
	agent->relays = (struct agent_relays){ 0 };
}

void agent_relays_forget_base(struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = agent->relays.count; i-- > 0;) {
		if (agent->relays.items[i]->base == base)
			agent->relays.items[i]->base = NULL;
		else if (agent->relays.items[i]->via == base)
			remove_relay(agent, i);
	}
}

void agent_relays_move_streams(struct ice_agent *agent, const struct ice_base *base, struct ice_base *other)
{
	for (size_t i = 0; i < agent->relays.count; i++)
		if (agent->relays.items[i]->via == base && agent_relay_is_stream(agent->relays.items[i]))
			agent->relays.items[i]->via = other;
}

void agent_relays_check(struct ice_agent *agent, wlk_time now)
{
	for (size_t i = 0; i < agent->relays.count; i++) {
		struct agent_relay *relay = agent->relays.items[i];

		if (relay->state == RELAY_ALLOCATED && !agent_relay_is_stream(relay))
			turn_client_probe(relay->client, now);
	}
}

void agent_relays_renew_credentials(struct ice_agent *agent, const struct gather_server *server)
{
	for (size_t i = 0; i < agent->relays.count; i++) {
		struct agent_relay *relay = agent->relays.items[i];

		if (relay->server != server || !relay->client)
			continue;
		relay->renew_credentials = true;
		agent->deadline = 0; /* a refused request is to be made again at once */
	}
}

void agent_relays_begin_generation(struct ice_agent *agent, wlk_time now)
{
	for (size_t i = agent->relays.count; i-- > 0;) {
		struct agent_relay *relay = agent->relays.items[i];

		if (relay->state == RELAY_FAILED || (!relay->server->listed && !relay->base))
			remove_relay(agent, i);
		else if (!relay->server->listed)
			relay->retired = relay->base->retired = true;
		else if (relay->base)
			gather_announce(agent, gather_host_of(agent, relay->base));
	}
	/* What was told again may be gone since the server was asked last. */
	for (size_t i = 0; i < agent->relays.count; i++)
		if (agent->relays.items[i]->client)
			turn_client_probe(agent->relays.items[i]->client, now);
}

/* ------------------------------------------------------------------------------------------------- failing */

void agent_relay_fail(struct ice_agent *agent, struct agent_relay *relay, uint16_t code, struct str why)
{
	agent_tell_error(agent, &relay->via->addr, relay->server->url, code, why);
	stop(agent, relay);
	relay->state = RELAY_FAILED;
}

void agent_relay_lose(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, uint16_t code, struct str why)
{
	bool lived = relay->state == RELAY_ALLOCATED && now - relay->allocated_at >= AGENT_RELAY_RENEW_AFTER_US;

	agent_relay_fail(agent, relay, code, why);
	if (!lived || relay->retired)
		return;
	relay->state = RELAY_WAITING;
	relay->start_at = now;
	relay->addr = relay->visited[0];
	relay->hops = 0;
	if (agent->gather.state == ICE_GATHERING_COMPLETE)
		agent->gather.state = ICE_GATHERING_ACTIVE;
	agent->news = true;
}

/* ----------------------------------------------------------------------------------------------- starting */

/*
 * An IPv6 address is asked for where the server gives an IPv4 one by its other family. A host without IPv4 needs the
 * IPv4 one more: peers that have IPv6 are reached without a relay.
 */
static uint8_t relayed_family(const struct ice_agent *agent, const struct agent_relay *relay)
{
	if (relay->via->addr.family == 4 || addr_is_none(&relay->server->addrs[0]))
		return 4;
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->kind == BASE_SOCKET && agent->gather.bases[i]->ip.family == 4 &&
		    agent->gather.bases[i]->state != BASE_FAILED)
			return 6;
	return 4;
}

static void allocate(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	struct turn_client_config config = {
		.pool = agent->config.pool,
		.log_parent = agent->log.prefix,
		.reliable = agent_relay_is_reliable(relay),
		.family = relayed_family(agent, relay),
		.credentials = relay->server->credentials,
	};

	if (turn_client_create(&relay->client, &config)) {
		agent->stats.out_of_memory++;
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("out of memory"));
		return;
	}
	relay->renew_credentials = false;
	relay->state = RELAY_ALLOCATING;
	turn_client_start(relay->client, now, 0);
}

static void connect_stream(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	static const enum ice_request_type types[] = {
		[ICE_SERVER_TCP] = ICE_REQUEST_CONNECT_TCP,
		[ICE_SERVER_TLS] = ICE_REQUEST_CONNECT_TLS,
		[ICE_SERVER_DTLS] = ICE_REQUEST_CONNECT_DTLS,
	};
	struct ice_request request = {
		.type = types[relay->server->transport],
		.local = relay->via->ip,
		.remote = relay->addr,
	};

	if (agent_relay_is_reliable(relay))
		request.local.transport = request.remote.transport = WLK_TRANSPORT_TCP;
	if (relay->server->transport != ICE_SERVER_TCP)
		request.host = str_of(relay->server->host);
	if (agent_request_add(&agent->requests, &request, OWNER_RELAY, relay)) {
		agent->stats.out_of_memory++;
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("out of memory"));
		return;
	}
	relay->state = RELAY_CONNECTING;
	relay->start_at = now;
}

void agent_relay_on_stream_up(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, uint32_t stream,
			      const wlk_addr *local)
{
	(void)local;
	relay->stream = stream;
	relay->connected = true;
	tcp_framing_init(&relay->framing, TCP_FRAMING_TURN, agent->config.pool);
	allocate(agent, now, relay);
}

void agent_relay_on_stream_failed(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, wlk_err err,
				  struct str why)
{
	(void)now;
	(void)err;
	agent_relay_fail(agent, relay, TURN_UNREACHABLE, why.size ? why : STR("cannot connect to the TURN server"));
}

/* -------------------------------------------------------------------------------------------- redirection */

/* R8 holds for servers that another one names as well. */
static bool is_allowed(const struct ice_agent *agent, const wlk_addr *server)
{
	return ice_remote_address_allowed(server,
					  (agent->config.allow_loopback ? ICE_ALLOW_LOOPBACK : 0u) |
						  (agent->config.include_link_local ? ICE_ALLOW_LINK_LOCAL : 0u));
}

/* RFC 8656 7.4, RFC 8489 10: the same question to another server of the same family, never to one that was asked. */
static void on_redirected(struct ice_agent *agent, struct agent_relay *relay, const struct turn_event *event)
{
	wlk_addr next = event->alternate;
	bool seen = false;

	next.transport = relay->addr.transport;
	if (!next.port)
		next.port = relay->addr.port;
	for (size_t i = 0; i <= relay->hops; i++)
		seen |= addr_equal(&relay->visited[i], &next);
	for (size_t i = 0; i < agent->relays.count && !agent_relay_is_stream(relay); i++)
		seen |= agent->relays.items[i]->client && is_same_path(agent->relays.items[i], relay->via, &next);
	if (seen || relay->hops == AGENT_RELAY_HOPS_MAX || !ice_pair_fits(&relay->via->addr, &next) ||
	    !is_allowed(agent, &next)) {
		agent_relay_fail(agent, relay, 300, STR("the server it sends us to is not asked"));
		return;
	}
	stop(agent, relay);
	relay->addr = next;
	relay->visited[++relay->hops] = next;
	relay->state = RELAY_WAITING;
}

/* ----------------------------------------------------------------------------------------------- running */

static void take_events(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	struct turn_event event;

	while (relay->client && turn_client_poll_event(relay->client, &event)) {
		agent_relay_drain(agent, relay); /* the permission goes before the check that waits for it */
		switch (event.type) {
		case TURN_EVENT_ALLOCATED:
			agent_relay_on_allocated(agent, now, relay, &event);
			break;
		case TURN_EVENT_FAILED:
			if (event.was_allocated)
				agent_relay_lose(agent, now, relay, event.error_code, event.reason);
			else
				agent_relay_fail(agent, relay, event.error_code, event.reason);
			break;
		case TURN_EVENT_REDIRECTED:
			on_redirected(agent, relay, &event);
			break;
		case TURN_EVENT_PERMISSION:
			agent_relay_on_permission(agent, now, relay, &event);
			break;
		}
	}
}

/* Another one, whose allocation would be that of |relay| as well. NULL: none lives. */
static const struct agent_relay *find_twin(const struct ice_agent *agent, const struct agent_relay *relay)
{
	for (size_t i = 0; i < agent->relays.count && !agent_relay_is_stream(relay); i++) {
		const struct agent_relay *twin = agent->relays.items[i];

		if (twin != relay && twin->client && is_same_path(twin, relay->via, &relay->addr))
			return twin;
	}
	return NULL;
}

/* A second entry for one server waits for the first: it may have the better credentials. */
static bool may_start(const struct ice_agent *agent, wlk_time now, const struct agent_relay *relay)
{
	return relay->state == RELAY_WAITING && relay->start_at <= now && !find_twin(agent, relay);
}

static void start(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	if (agent_relay_is_stream(relay))
		connect_stream(agent, now, relay);
	else
		allocate(agent, now, relay);
}

/* Nothing to be told: there is the candidate that it would bring. */
static void drop_twin(const struct ice_agent *agent, struct agent_relay *relay)
{
	const struct agent_relay *twin = relay->state == RELAY_WAITING ? find_twin(agent, relay) : NULL;

	if (twin && twin->state == RELAY_ALLOCATED)
		relay->state = RELAY_FAILED;
}

/* The path in use goes through |relay| and does not answer, or there is none any more. */
static bool is_in_doubt(const struct ice_agent *agent, wlk_time now, const struct agent_relay *relay)
{
	if (agent->path)
		return agent->path->base == relay->base && consent_is_suspect(&agent->path->consent, now);
	return agent->lost_at != WLK_TIME_NEVER;
}

static void run_relay(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	if (relay->state == RELAY_CONNECTING && now >= relay->start_at + AGENT_RELAY_CONNECT_US)
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("the TURN server does not answer"));
	if (relay->client && relay->renew_credentials) {
		relay->renew_credentials = false;
		turn_client_set_credentials(relay->client, now, relay->server->credentials);
	}
	if (relay->client && is_in_doubt(agent, now, relay))
		turn_client_probe(relay->client, now);
	if (relay->client)
		turn_client_handle_timeout(relay->client, now);
	take_events(agent, now, relay);
	drop_twin(agent, relay);
	if (may_start(agent, now, relay)) {
		start(agent, now, relay);
		take_events(agent, now, relay);
	}
	if (relay->state == RELAY_ALLOCATED)
		agent_relay_permit_pairs(agent, now, relay);
	if (relay->state == RELAY_ALLOCATED && agent->path && agent->path->base == relay->base)
		turn_client_bind(relay->client, now, &agent->path->remote->candidate.addr);
	agent_relay_drain(agent, relay);
}

static bool has_pair(const struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = 0; i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->base == base)
			return true;
	return false;
}

void agent_relays_run(struct ice_agent *agent, wlk_time now)
{
	size_t next = 0;

	/* In the order of the list, so that who waits for another one comes behind it. */
	while (next < agent->relays.count) {
		struct agent_relay *relay = agent->relays.items[next];

		run_relay(agent, now, relay);
		if (relay->retired && (!relay->base || !has_pair(agent, relay->base)))
			remove_relay(agent, next);
		else
			next++;
	}
}

wlk_time agent_relays_deadline(const struct ice_agent *agent)
{
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < agent->relays.count; i++) {
		const struct agent_relay *relay = agent->relays.items[i];

		if (relay->state == RELAY_WAITING && !find_twin(agent, relay))
			at = time_min(at, relay->start_at);
		else if (relay->state == RELAY_CONNECTING)
			at = time_min(at, relay->start_at + AGENT_RELAY_CONNECT_US);
		if (relay->client)
			at = time_min(at, turn_client_deadline(relay->client));
	}
	return at;
}

bool agent_relays_done(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->relays.count; i++)
		if (agent->relays.items[i]->state < RELAY_ALLOCATED)
			return false;
	return true;
}
