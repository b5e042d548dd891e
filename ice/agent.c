#include "ice/agent.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

const char *ice_state_name(enum ice_state state)
{
	static const char *const names[] = {
		"new", "checking", "connected", "completed", "disconnected", "failed", "closed",
	};

	assert((size_t)state < ARRAY_SIZE(names) && "an agent is in one of the seven states of RTCIceTransportState");
	return names[state];
}

const char *ice_gathering_state_name(enum ice_gathering_state state)
{
	static const char *const names[] = { "new", "gathering", "complete" };

	assert((size_t)state < ARRAY_SIZE(names) && "gathering is in one of the three states of RTCIceGathererState");
	return names[state];
}

/* ------------------------------------------------------------------------------------------------- life */

#define DEFAULT(field, value) ((field) = (field) ? (field) : (value))

static wlk_err copy_mappings(struct ice_agent *agent)
{
	size_t size = agent->config.mapping_count * sizeof(*agent->config.mappings);
	wlk_address_mapping *copy;

	copy = size ? wlk_malloc(size) : NULL;
	if (copy)
		memcpy(copy, agent->config.mappings, size);
	agent->config.mappings = copy;
	return size && !copy ? WLK_ERR_NOMEM : WLK_OK;
}

static bool are_mappings_valid(const struct ice_agent_config *c)
{
	for (size_t i = 0; i < c->mapping_count; i++) {
		const wlk_address_mapping *m = &c->mappings[i];

		if (addr_is_none(&m->external) ||
		    (!addr_is_none(&m->internal) && m->internal.family != m->external.family))
			return false;
	}
	return true;
}

static wlk_err check_config(struct ice_agent_config *c)
{
	DEFAULT(c->pacing_us, AGENT_PACING_US);
	DEFAULT(c->disconnected_after_us, CONSENT_DISCONNECTED_US);
	DEFAULT(c->consent_timeout_us, CONSENT_EXPIRY_US);
	DEFAULT(c->failed_after_us, AGENT_PAC_US);
	DEFAULT(c->max_remote_candidates, 64);
	DEFAULT(c->max_pairs, 100);
	c->log_parent = NULL;
	if (c->pacing_us < AGENT_PACING_US || c->pacing_us > SECOND || c->disconnected_after_us < 0 ||
	    c->failed_after_us < 0)
		return WLK_ERR_INVALID;
	if (c->consent_timeout_us < CONSENT_PROBE_US || c->consent_timeout_us > CONSENT_EXPIRY_US)
		return WLK_ERR_INVALID;
	if (c->max_remote_candidates > 0xffff || c->max_pairs > 0xffff || c->port_min > c->port_max)
		return WLK_ERR_INVALID;
	if (c->ip_handling > WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP || !are_mappings_valid(c))
		return WLK_ERR_INVALID;
	return WLK_OK;
}

static wlk_err draw_secrets(struct ice_agent *agent)
{
	wlk_err err = rand_u64(&agent->jitter.state);

	if (!err)
		err = rand_u64(&agent->foundation_salt);
	if (!err)
		err = rand_u64(&agent->tie_breaker);
	if (!err && agent->config.tie_breaker)
		agent->tie_breaker = agent->config.tie_breaker;
	return err ? err : ice_credentials_init(&agent->current, 1);
}

static void free_copies(struct ice_agent *agent)
{
	wlk_free((void *)(uintptr_t)agent->config.mappings);
	wlk_free(agent->own_names.items);
}

wlk_err ice_agent_create(struct ice_agent **out, const struct ice_agent_config *config)
{
	struct ice_agent *agent;
	struct ice_agent_config c = *config;
	struct ice_pacers *pacers;
	wlk_err err = check_config(&c);

	if (err)
		return err;
	agent = wlk_calloc(1, sizeof(*agent));
	if (!agent)
		return WLK_ERR_NOMEM;
	agent->config = c;
	log_scope_init(&agent->log, config->log_parent, "ice");
	agent->limits = (struct consent_limits){ c.consent_timeout_us, c.disconnected_after_us };
	agent->offered_role = c.controlling;
	agent->controlling = c.controlling && !c.lite;
	agent->gather.policy = c.policy;
	agent->retire_at = WLK_TIME_NEVER;
	agent->pac_at = WLK_TIME_NEVER;
	agent->lost_at = WLK_TIME_NEVER;
	agent->deadline = WLK_TIME_NEVER;
	pacers = c.pacers ? c.pacers : &agent->own_pacers;
	ice_pacer_join(&agent->pacer, &pacers->checks, c.pacing_us);
	ice_pacer_join(&agent->streams.pacer, &pacers->connects, c.pacing_us);
	checklist_init(&agent->checklist, c.max_pairs);
	stun_txn_table_init(&agent->txns);
	agent_requests_init(&agent->requests);
	agent->requests.next_id += config->first_request;
	dgram_queue_init(&agent->out, AGENT_OUT_MAX);
	dgram_queue_init(&agent->received, AGENT_RECEIVED_MAX);
	err = copy_mappings(agent);
	if (!err)
		err = draw_secrets(agent);
	if (err) {
		free_copies(agent);
		wlk_free(agent);
		return err;
	}
	agent_join_caps(agent);
	*out = agent;
	return WLK_OK;
}

static void leave_pacers(struct ice_agent *agent)
{
	ice_pacer_leave(&agent->pacer);
	ice_pacer_leave(&agent->streams.pacer);
}

void ice_agent_destroy(struct ice_agent *agent)
{
	if (!agent)
		return;
	assert(!agent->in_filter && "an address filter calls no function of this library");
	leave_pacers(agent);
	agent_leave_caps(agent);
	stun_txn_table_free(&agent->txns);
	checklist_free(&agent->checklist);
	for (size_t i = 0; i < agent->remote_count; i++)
		wlk_free(agent->remotes[i]);
	wlk_free(agent->remotes);
	wlk_free(agent->names);
	free_copies(agent);
	mdns_destroy(agent->mdns);
	agent_streams_free(agent);
	agent_relays_free(agent);
	gather_free(agent);
	agent_free_errors(agent);
	agent_requests_free(&agent->requests);
	dgram_queue_free(&agent->out);
	dgram_queue_free(&agent->received);
	ice_credentials_free(&agent->current);
	ice_credentials_free(&agent->previous);
	ice_credentials_free(&agent->prepared);
	wlk_free(agent);
}

void ice_agent_close(struct ice_agent *agent)
{
	struct dgram d;

	assert(!agent->in_filter && "an address filter calls no function of this library");
	if (agent->closed)
		return;
	agent->closed = true;
	for (size_t i = agent->checklist.count; i-- > 0;)
		agent_remove_pair(agent, agent->checklist.pairs[i]);
	while (dgram_queue_pop(&agent->out, &d))
		pktbuf_release(d.buf);
	gather_close(agent); /* leaves what gives the allocations back in the queue */
	agent_streams_close(agent);
	for (size_t i = 0; i < agent->gather.server_count; i++)
		agent_request_abandon(&agent->requests, agent->gather.servers[i]);
	stun_txn_table_free(&agent->txns);
	agent_leave_mdns(agent);
	leave_pacers(agent);
	agent_leave_caps(agent);
	agent_update_state(agent, 0);
	agent->deadline = WLK_TIME_NEVER;
}

/* -------------------------------------------------------------------------------------- shared by the parts */

struct ice_credentials *agent_credentials(struct ice_agent *agent, uint32_t generation)
{
	if (agent->current.generation == generation)
		return &agent->current;
	return agent->previous.generation == generation ? &agent->previous : NULL;
}

void agent_transmit(struct ice_agent *agent, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
		    size_t size)
{
	struct dgram d = { .local = *local, .remote = *remote };

	d.buf = pktbuf_copy(agent->config.pool, data, size);
	if (!d.buf || !dgram_queue_push(&agent->out, d))
		agent->stats.out_of_memory++;
}

static const char *role_name(bool controlling)
{
	return controlling ? "controlling" : "controlled";
}

static void change_role(struct ice_agent *agent, bool controlling)
{
	agent->controlling = controlling;
	checklist_recompute(&agent->checklist, controlling);
	for (size_t i = 0; i < agent->checklist.count; i++)
		agent->checklist.pairs[i]->nominating = false;
}

void agent_set_role(struct ice_agent *agent, bool controlling)
{
	if (agent->controlling == controlling)
		return;
	change_role(agent, controlling);
	LOG_I(agent, "role is %s", role_name(controlling));
}

void agent_switch_role(struct ice_agent *agent, wlk_time now)
{
	change_role(agent, !agent->controlling);
	LOG_RATED(agent, &agent->story_budget, now, LOG_LEVEL_INFO, "role is %s", role_name(agent->controlling));
	agent->stats.role_conflicts++;
	agent->role_changed = true;
	agent->news = true;
}

void agent_remove_pair(struct ice_agent *agent, struct ice_pair *pair)
{
	stun_txn_remove_owner(&agent->txns, pair);
	if (agent->selected == pair)
		agent->selected = NULL;
	if (agent->path == pair)
		agent->path = NULL;
	checklist_remove(&agent->checklist, pair);
}

static wlk_time next_deadline(struct ice_agent *agent, wlk_time now)
{
	wlk_time at = time_min(stun_txn_deadline(&agent->txns), gather_deadline(agent));

	at = time_min(at, agent_check_deadline(agent, now));
	at = time_min(at, agent_streams_deadline(agent));
	at = time_min(at, time_min(agent->pac_at, agent->retire_at));
	return agent->mdns && !agent_mdns_joins(agent) ? time_min(at, mdns_deadline(agent->mdns)) : at;
}

void agent_run(struct ice_agent *agent, wlk_time now)
{
	if (agent->closed || agent->halted) {
		leave_pacers(agent);
		agent_update_state(agent, now);
		agent->deadline = WLK_TIME_NEVER;
		return;
	}
	if (agent->pac_at <= now) {
		agent->pac_at = WLK_TIME_NEVER;
		agent->pac_expired = true;
	}
	if (agent->retire_at <= now)
		agent_drop_orphans(agent);
	agent_run_names(agent, now);
	agent_run_transactions(agent, now);
	gather_run(agent, now);
	agent_run_consent(agent, now);
	agent_select(agent, now);
	agent_streams_run(agent, now);
	if (!agent->halted) {
		agent_run_mtu(agent, now);
		agent_run_checks(agent, now);
	}
	agent_update_state(agent, now);
	if (agent->halted)
		leave_pacers(agent);
	agent->deadline = agent->halted ? WLK_TIME_NEVER : next_deadline(agent, now);
}

/* ------------------------------------------------------------------------------------------------ verbs */

wlk_err ice_agent_set_interfaces(struct ice_agent *agent, wlk_time now, const wlk_addr *ips, size_t count)
{
	wlk_err err = agent->closed ? WLK_ERR_CLOSED : gather_set_interfaces(agent, now, ips, count);

	if (!err)
		agent_run(agent, now);
	return err;
}

wlk_err ice_agent_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count)
{
	wlk_err err = agent->closed ? WLK_ERR_CLOSED : gather_set_servers(agent, servers, count);

	agent->gather.outdated |= !err;
	return err;
}

void ice_agent_set_policy(struct ice_agent *agent, enum ice_policy policy)
{
	agent->gather.outdated |= agent->config.policy != policy;
	agent->config.policy = policy;
}

/* What was gathered ahead for other servers or another policy is gathered anew. */
static wlk_err gather_current(struct ice_agent *agent, wlk_time now)
{
	if (agent->gather.ahead && agent->gather.outdated)
		agent->gather.state = ICE_GATHERING_NEW;
	return gather_start(agent, now);
}

wlk_err ice_agent_gather(struct ice_agent *agent, wlk_time now)
{
	wlk_err err = agent->closed ? WLK_ERR_CLOSED : gather_current(agent, now);

	if (err)
		return err;
	agent->news |= agent->gather.ahead;
	agent->gather.ahead = false;
	agent_run(agent, now);
	return WLK_OK;
}

wlk_err ice_agent_gather_ahead(struct ice_agent *agent, wlk_time now)
{
	wlk_err err;

	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (agent->gather.state != ICE_GATHERING_NEW && !agent->gather.ahead)
		return WLK_OK;
	err = gather_current(agent, now);
	agent->gather.ahead |= !err;
	agent_run(agent, now);
	return err;
}

bool ice_agent_poll_request(struct ice_agent *agent, struct ice_request *out)
{
	return agent_request_next(&agent->requests, out);
}

/* Nobody waits for the answer any more. A stream that came late was closed when it was given up. */
static void discard(struct ice_agent *agent, const wlk_addr *results, size_t opened)
{
	for (size_t i = 0; i < opened; i++)
		agent_request_close(&agent->requests, &results[i]);
}

static void on_relay_answer(struct ice_agent *agent, wlk_time now, const struct agent_request *r, wlk_err err,
			    const wlk_addr *results, struct str why)
{
	if (err)
		agent_relay_on_stream_failed(agent, now, r->owner, err, why);
	else
		agent_relay_on_stream_up(agent, now, r->owner, r->request.id, results);
}

static void on_answer(struct ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *results,
		      size_t count, struct str why)
{
	struct agent_request answered;
	size_t opened = err ? 0 : count;

	if (!agent_request_take(&agent->requests, id, &opened, &answered))
		return;
	if (!err && !count)
		err = WLK_ERR_NOT_FOUND;
	switch (answered.kind) {
	case OWNER_NONE:
		discard(agent, results, opened);
		break;
	case OWNER_MDNS:
		agent_on_mdns_joined(agent, now, answered.owner, results, opened);
		break;
	case OWNER_SERVER:
		gather_on_resolved(agent, now, answered.owner, results, err ? 0 : count);
		break;
	case OWNER_BASE:
		gather_on_bound(agent, now, answered.owner, err, results);
		break;
	case OWNER_STREAM:
		agent_stream_on_connected(agent, now, answered.owner, err, results);
		break;
	case OWNER_RELAY:
		on_relay_answer(agent, now, &answered, err, results, why);
		break;
	}
	agent_run(agent, now);
}

void ice_agent_on_request(struct ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *results,
			  size_t count)
{
	on_answer(agent, now, id, err, results, count, (struct str){ 0 });
}

void ice_agent_on_request_failed(struct ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, struct str why)
{
	on_answer(agent, now, id, err, NULL, 0, why);
}

void ice_agent_set_controlling(struct ice_agent *agent, wlk_time now, bool controlling)
{
	agent->offered_role = controlling;
	if (agent->controlling == controlling || agent->config.lite != agent->current.remote_lite)
		return;
	agent_set_role(agent, controlling);
	agent_run(agent, now);
}

void ice_agent_set_renomination(struct ice_agent *agent, bool agreed)
{
	agent->renomination = agreed && agent->config.renomination;
}

/* Answers whether anything changed. */
static bool take_message(struct ice_agent *agent, wlk_time now, struct ice_base *base, const wlk_addr *remote,
			 const uint8_t *data, size_t size)
{
	struct stun_msg msg;

	if (stun_msg_parse(&msg, data, size)) {
		agent->stats.malformed++;
		return false;
	}
	switch (msg.class) {
	case STUN_REQUEST:
		return agent_on_request_message(agent, now, base, remote, &msg);
	case STUN_SUCCESS:
	case STUN_ERROR:
		return agent_on_response(agent, now, base, remote, &msg);
	case STUN_INDICATION:
		break; /* a keep-alive of RFC 5245 10; it proves nothing */
	}
	return false;
}

void ice_agent_input(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		     const uint8_t *data, size_t size)
{
	struct ice_base *base;
	bool changed = false;

	if (agent->closed || agent->halted)
		return;
	if (agent->mdns && agent_take_mdns(agent, now, local, remote, data, size)) {
		agent_run(agent, now);
		return;
	}
	base = gather_find_base(agent, local);
	if (!base)
		agent->stats.unknown_local++;
	else if (!agent_relay_take(agent, now, base, remote, data, size, &changed))
		changed = take_message(agent, now, base, remote, data, size);
	if (changed)
		agent_run(agent, now);
}

bool ice_agent_poll_transmit(struct ice_agent *agent, wlk_time now, struct dgram *out)
{
	while (dgram_queue_pop(&agent->out, out)) {
		if (out->stream || ice_agent_wrap(agent, now, out))
			return true;
		pktbuf_release(out->buf);
	}
	return false;
}

bool ice_agent_poll_received(struct ice_agent *agent, struct dgram *out)
{
	return dgram_queue_pop(&agent->received, out);
}

/* The base whose address is |local|, that of the path in use first. */
static struct ice_base *base_of(const struct ice_agent *agent, const wlk_addr *local)
{
	if (agent->path && addr_equal(&agent->path->base->addr, local))
		return agent->path->base;
	return gather_find_base(agent, local);
}

bool ice_agent_wrap(struct ice_agent *agent, wlk_time now, struct dgram *d)
{
	struct ice_base *base = base_of(agent, &d->local);

	if (!base || base->kind == BASE_SOCKET)
		return true;
	if (base->kind == BASE_RELAY)
		return agent_relay_wrap(agent, now, base, d);
	return agent_stream_wrap(agent, base, d);
}

wlk_time ice_agent_deadline(const struct ice_agent *agent)
{
	return agent->deadline;
}

void ice_agent_handle_timeout(struct ice_agent *agent, wlk_time now)
{
	if (now >= agent->deadline)
		agent_run(agent, now);
}

/* ------------------------------------------------------------------------------------------------- paths */

static bool is_path(const struct ice_pair *pair, const wlk_addr *local, const wlk_addr *remote)
{
	return addr_equal(&pair->remote->candidate.addr, remote) && addr_equal(&pair->base->addr, local);
}

/* The valid pair of that path, the one in use first. */
static struct ice_pair *find_valid(const struct ice_agent *agent, const wlk_addr *local, const wlk_addr *remote)
{
	if (agent->path && is_path(agent->path, local, remote))
		return agent->path;
	for (size_t i = 0; i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->valid && is_path(agent->checklist.pairs[i], local, remote))
			return agent->checklist.pairs[i];
	return NULL;
}

bool ice_agent_is_validated(const struct ice_agent *agent, const wlk_addr *local, const wlk_addr *remote)
{
	return find_valid(agent, local, remote) != NULL;
}

enum ice_path_state ice_agent_path_state(const struct ice_agent *agent, wlk_time now, const wlk_addr *local,
					 const wlk_addr *remote)
{
	const struct ice_pair *valid = find_valid(agent, local, remote);

	if (valid)
		return consent_is_disconnected(&valid->consent, now) ? ICE_PATH_SILENT : ICE_PATH_VALID;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		const struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->stats.requests_received && is_path(pair, local, remote))
			return ICE_PATH_HEARD;
	}
	return ICE_PATH_UNKNOWN;
}

bool ice_agent_owns(const struct ice_agent *agent, const wlk_addr *local)
{
	return gather_find_base(agent, local) != NULL;
}

size_t ice_agent_local_ufrags(const struct ice_agent *agent, struct str out[2])
{
	size_t count = 0;

	if (agent->closed)
		return 0;
	out[count++] = str_of(agent->current.local_ufrag);
	if (agent->previous.generation)
		out[count++] = str_of(agent->previous.local_ufrag);
	return count;
}

bool ice_agent_selected(const struct ice_agent *agent, wlk_addr *local, wlk_addr *remote)
{
	if (!agent->path)
		return false;
	*local = agent->path->base->addr;
	*remote = agent->path->remote->candidate.addr;
	return true;
}

void ice_agent_on_sent(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		       size_t size)
{
	struct ice_pair *pair = find_valid(agent, local, remote);

	if (!pair)
		return;
	pair->stats.packets_sent++;
	pair->stats.bytes_sent += size;
	pair->stats.last_sent = now;
	agent->deadline = time_min(agent->deadline, consent_on_sent(&pair->consent, now));
}

void ice_agent_on_discarded(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
			    size_t size)
{
	struct ice_pair *pair = find_valid(agent, local, remote);

	if (!pair)
		return;
	pair->stats.packets_discarded++;
	pair->stats.bytes_discarded += size;
	agent->deadline = time_min(agent->deadline, consent_on_sent(&pair->consent, now));
}

void ice_agent_on_received(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
			   size_t size)
{
	struct ice_pair *pair = find_valid(agent, local, remote);

	if (!pair)
		return;
	pair->stats.packets_received++;
	pair->stats.bytes_received += size;
	pair->stats.last_received = now;
	consent_on_received(&pair->consent, now);
	if (pair != agent->path && agent_on_other_path(agent, now, pair)) {
		agent_run(agent, now);
		return;
	}
	/* The peer has left the selected pair for another one that it had nominated. */
	if (pair == agent->selected || !pair->nominated || agent->controlling ||
	    (agent->selected && !consent_is_quiet(&agent->selected->consent, now)))
		return;
	agent_follow_nomination(agent, now, pair);
	if (pair == agent->selected)
		agent_run(agent, now);
}

void ice_agent_probe(struct ice_agent *agent, wlk_time now)
{
	if (agent->path)
		consent_probe(&agent->path->consent, now);
	agent_run(agent, now);
}
