/* The peer's side: its parameters and candidates, .local names, and the pairs that come of them. */
#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

#include <stdio.h>

bool agent_address_allowed(const struct ice_agent *agent, const wlk_addr *addr)
{
	unsigned flags = (agent->config.allow_loopback ? ICE_ALLOW_LOOPBACK : 0u) |
			 (agent->config.include_link_local ? ICE_ALLOW_LINK_LOCAL : 0u);

	return ice_remote_address_allowed(addr, flags);
}

/* ------------------------------------------------------------------------------------------------- pairs */

struct ice_pair *agent_add_pair(struct ice_agent *agent, struct ice_base *base, struct ice_remote_candidate *remote,
				bool force)
{
	struct ice_local_candidate *host = gather_host_of(agent, base);
	struct ice_pair *pair = checklist_find(&agent->checklist, base, &remote->candidate.addr, remote->generation);
	struct ice_pair *victim;
	uint64_t priority;
	wlk_err err;

	if (pair)
		return pair;
	if (agent->checklist.count >= agent->checklist.limit) {
		victim = checklist_victim(&agent->checklist);
		priority = ice_pair_priority(host->candidate.priority, remote->candidate.priority, agent->controlling);
		if (!victim || (!force && victim->state != PAIR_FAILED && victim->priority >= priority)) {
			agent->stats.over_cap++;
			return NULL;
		}
		agent_remove_pair(agent, victim);
	}
	err = checklist_add(&agent->checklist, &pair, base, host, remote, remote->generation, agent->controlling);
	if (err) {
		agent->stats.out_of_memory++;
		return NULL;
	}
	return pair;
}

void agent_pair_base(struct ice_agent *agent, struct ice_base *base)
{
	for (size_t i = 0; i < agent->remote_count; i++) {
		struct ice_remote_candidate *remote = agent->remotes[i];

		if (remote->generation == agent->current.generation &&
		    ice_pair_fits(&base->addr, &remote->candidate.addr))
			agent_add_pair(agent, base, remote, false);
	}
}

static void pair_remote(struct ice_agent *agent, struct ice_remote_candidate *remote)
{
	for (size_t i = 0; i < agent->gather.base_count; i++) {
		struct ice_base *base = agent->gather.bases[i];

		if (base->state == BASE_BOUND && ice_pair_fits(&base->addr, &remote->candidate.addr))
			agent_add_pair(agent, base, remote, false);
	}
}

/* ----------------------------------------------------------------------------------------- remote candidates */

struct ice_remote_candidate *agent_find_remote(const struct ice_agent *agent, const wlk_addr *addr)
{
	for (size_t i = 0; i < agent->remote_count; i++)
		if (agent->remotes[i]->generation == agent->current.generation &&
		    addr_equal(&agent->remotes[i]->candidate.addr, addr))
			return agent->remotes[i];
	return NULL;
}

/* Those of the current generation, names that are being looked up included. */
static size_t count_remotes(const struct ice_agent *agent)
{
	size_t count = agent->name_count;

	for (size_t i = 0; i < agent->remote_count; i++)
		count += agent->remotes[i]->generation == agent->current.generation;
	return count;
}

static wlk_err add_remote(struct ice_agent *agent, const struct ice_candidate *candidate,
			  struct ice_remote_candidate **out)
{
	struct ice_remote_candidate *remote;

	if (count_remotes(agent) >= agent->config.max_remote_candidates) {
		agent->stats.over_cap++;
		return WLK_ERR_TOO_LARGE;
	}
	if (!array_reserve((void **)&agent->remotes, &agent->remote_capacity, agent->remote_count + 1,
			   sizeof(struct ice_remote_candidate *)))
		return WLK_ERR_NOMEM;
	remote = wlk_calloc(1, sizeof(*remote));
	if (!remote)
		return WLK_ERR_NOMEM;
	remote->id = ++agent->next_remote_id;
	remote->generation = agent->current.generation;
	remote->candidate = *candidate;
	agent->remotes[agent->remote_count++] = remote;
	*out = remote;
	return WLK_OK;
}

struct ice_remote_candidate *agent_add_peer_reflexive(struct ice_agent *agent, const wlk_addr *addr, uint32_t priority)
{
	struct ice_candidate candidate = {
		.type = CANDIDATE_PRFLX,
		.component = 1,
		.priority = priority,
		.addr = *addr,
	};
	struct ice_remote_candidate *remote;
	wlk_err err;

	/* RFC 8445 7.3.1.3: a foundation unlike all others, so that nothing is frozen on its account. */
	snprintf(candidate.foundation, sizeof(candidate.foundation), "prflx%u", agent->next_remote_id + 1);
	err = add_remote(agent, &candidate, &remote);
	if (err == WLK_ERR_NOMEM)
		agent->stats.out_of_memory++;
	return err ? NULL : remote;
}

static wlk_err check_candidate(struct ice_agent *agent, const struct ice_candidate *candidate)
{
	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (candidate->transport != ICE_UDP || candidate->component != 1)
		return WLK_ERR_UNSUPPORTED;
	if (agent_address_allowed(agent, &candidate->addr))
		return WLK_OK;
	agent->stats.refused_candidates++;
	return WLK_ERR_UNSUPPORTED;
}

/* A zone means nothing on the wire; a link-local address is taken to be on the link that we have such an address on. */
static void set_scope(const struct ice_agent *agent, wlk_addr *addr)
{
	for (size_t i = 0; i < agent->gather.base_count && addr->family == 6 && addr_is_link_local(addr); i++)
		if (!addr->scope_id && addr_is_link_local(&agent->gather.bases[i]->ip))
			addr->scope_id = agent->gather.bases[i]->ip.scope_id;
}

static wlk_err take_candidate(struct ice_agent *agent, const struct ice_candidate *named)
{
	struct ice_candidate scoped = *named;
	const struct ice_candidate *candidate = &scoped;
	struct ice_remote_candidate *remote;
	wlk_err err = check_candidate(agent, named);

	if (err)
		return err;
	set_scope(agent, &scoped.addr);
	remote = agent_find_remote(agent, &candidate->addr);
	if (remote) {
		/* RFC 8838 11.4: what a check revealed first is now known by its right name. */
		if (remote->candidate.type == CANDIDATE_PRFLX) {
			remote->candidate = *candidate;
			checklist_recompute(&agent->checklist, agent->controlling);
		}
		return WLK_OK;
	}
	err = add_remote(agent, candidate, &remote);
	if (!err)
		pair_remote(agent, remote);
	return err;
}

wlk_err ice_agent_add_remote_candidate(struct ice_agent *agent, wlk_time now, const struct ice_candidate *candidate)
{
	wlk_err err = take_candidate(agent, candidate);

	if (!err)
		agent_run(agent, now);
	return err;
}

/* ------------------------------------------------------------------------------------------------- names */

static wlk_err ask_for_mdns(struct ice_agent *agent)
{
	struct mdns_config config = { .pool = agent->config.pool, .ipv6 = !agent->config.no_ipv6 };
	struct ice_request request = { .type = ICE_REQUEST_JOIN_MDNS };
	wlk_err err = WLK_OK;

	if (!agent->mdns) {
		config.log_parent = agent->log.prefix;
		err = mdns_create(&agent->mdns, &config);
	}
	if (err || agent->mdns_asked)
		return err;
	err = agent_request_add(&agent->requests, &request, agent);
	agent->mdns_asked = !err;
	return err;
}

static wlk_err add_name(struct ice_agent *agent, wlk_time now, const struct ice_candidate_line *line)
{
	struct agent_pending_name *name;
	struct mdns_name uuid;
	uint32_t query_id;
	wlk_err err;

	if (agent->config.no_mdns || !mdns_name_parse(&uuid, line->host) || line->candidate.transport != ICE_UDP ||
	    line->candidate.component != 1)
		return WLK_ERR_UNSUPPORTED;
	if (count_remotes(agent) >= agent->config.max_remote_candidates) {
		agent->stats.over_cap++;
		return WLK_ERR_TOO_LARGE;
	}
	if (!array_reserve((void **)&agent->names, &agent->name_capacity, agent->name_count + 1, sizeof(*agent->names)))
		return WLK_ERR_NOMEM;
	err = ask_for_mdns(agent);
	if (!err)
		err = mdns_resolve(agent->mdns, now, line->host.at, line->host.size, &query_id);
	if (err)
		return err == WLK_ERR_AGAIN ? WLK_ERR_TOO_LARGE : err;
	name = &agent->names[agent->name_count++];
	*name = (struct agent_pending_name){ query_id, line->candidate };
	return WLK_OK;
}

/* What a name stands for has to pass R8 like any other address; refused or one too many, it is only counted. */
static void on_name(struct ice_agent *agent, const struct mdns_event *event)
{
	for (size_t i = agent->name_count; i-- > 0;) {
		struct ice_candidate candidate = agent->names[i].candidate;
		uint16_t port = candidate.addr.port;

		if (agent->names[i].query_id != event->query_id)
			continue;
		agent->names[i] = agent->names[--agent->name_count];
		if (event->type != MDNS_RESOLVED)
			continue;
		candidate.addr = event->addr;
		candidate.addr.port = port;
		(void)take_candidate(agent, &candidate);
	}
}

/* Hand mDNS datagrams to the transmit queue; without a socket they are lost, and the names with them. */
static void drain_mdns(struct ice_agent *agent, wlk_time now)
{
	struct dgram d;

	while (mdns_poll_transmit(agent->mdns, now, &d)) {
		d.local = agent->mdns_sockets[d.remote.family == 6];
		if (addr_is_none(&d.local))
			pktbuf_release(d.buf);
		else
			(void)dgram_queue_push(&agent->out, d);
	}
}

void agent_run_names(struct ice_agent *agent, wlk_time now)
{
	struct mdns_event event;

	if (!agent->mdns)
		return;
	mdns_handle_timeout(agent->mdns, now);
	drain_mdns(agent, now);
	while (mdns_poll_event(agent->mdns, &event))
		on_name(agent, &event);
}

wlk_err ice_agent_add_remote_candidate_line(struct ice_agent *agent, wlk_time now, const char *text, size_t size)
{
	struct ice_candidate_line line;
	wlk_err err;

	if (agent->closed)
		return WLK_ERR_CLOSED;
	err = ice_candidate_line_parse(&line, (struct str){ text, size });
	if (err)
		return err;
	if (line.ufrag.size && agent->current.remote_ufrag &&
	    !str_equal(line.ufrag, str_of(agent->current.remote_ufrag)))
		return WLK_ERR_STATE;
	if (!line.host.size)
		return ice_agent_add_remote_candidate(agent, now, &line.candidate);
	err = add_name(agent, now, &line);
	agent_run(agent, now);
	return err;
}

void ice_agent_end_of_remote_candidates(struct ice_agent *agent, wlk_time now)
{
	agent->current.remote_ended = true;
	agent_run(agent, now);
}

/* -------------------------------------------------------------------------------------------- parameters */

wlk_err ice_agent_set_remote_parameters(struct ice_agent *agent, wlk_time now, struct str ufrag, struct str pwd,
					bool lite)
{
	wlk_err err;

	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (ice_credentials_have_remote(&agent->current)) {
		bool same = ice_credentials_remote_equal(&agent->current, ufrag, pwd);

		return same && agent->current.remote_lite == lite ? WLK_OK : WLK_ERR_STATE;
	}
	err = ice_credentials_set_remote(&agent->current, ufrag, pwd, lite);
	if (err)
		return err;
	/* RFC 8445 6.1.1: the full agent controls a lite one, whatever the offer/answer exchange says. */
	if (lite)
		agent_set_role(agent, true);
	agent->pac_at = time_add(now, agent->config.failed_after_us);
	agent->pac_expired = false;
	agent_run(agent, now);
	return WLK_OK;
}

/* ---------------------------------------------------------------------------------------------- restart */

void agent_drop_orphans(struct ice_agent *agent)
{
	size_t kept = 0;

	for (size_t i = agent->checklist.count; i-- > 0;)
		if (!agent_credentials(agent, agent->checklist.pairs[i]->generation))
			agent_remove_pair(agent, agent->checklist.pairs[i]);
	for (size_t i = 0; i < agent->remote_count; i++) {
		if (agent_credentials(agent, agent->remotes[i]->generation))
			agent->remotes[kept++] = agent->remotes[i];
		else
			wlk_free(agent->remotes[i]);
	}
	agent->remote_count = kept;
	agent->retire_at = WLK_TIME_NEVER;
}

/* Make room for |fresh|: the generation whose parameters were complete last stays as the one before. */
static void begin_generation(struct ice_agent *agent, const struct ice_credentials *fresh)
{
	if (agent->halted)
		ice_credentials_free(&agent->previous);
	if (!agent->previous.generation && ice_credentials_have_remote(&agent->current) && !agent->halted)
		agent->previous = agent->current;
	else
		ice_credentials_free(&agent->current);
	agent->current = *fresh;
	agent->name_count = 0;
	agent->halted = false;
	agent->pac_at = WLK_TIME_NEVER;
	agent->pac_expired = false;
	agent_drop_orphans(agent);
}

wlk_err ice_agent_restart(struct ice_agent *agent, wlk_time now)
{
	struct ice_credentials fresh;
	wlk_err err;

	if (agent->closed)
		return WLK_ERR_CLOSED;
	err = ice_credentials_init(&fresh, agent->current.generation + 1);
	if (err)
		return err;
	begin_generation(agent, &fresh);
	crypto_wipe(&fresh, sizeof(fresh));
	LOG_I(agent, "restart, generation %u", agent->current.generation);
	if (agent->gather.state != ICE_GATHERING_NEW) {
		agent->gather.state = ICE_GATHERING_NEW;
		agent->gather.told = ICE_GATHERING_NEW;
		(void)gather_start(agent, now); /* out of memory: some candidates less */
		agent->gather.state = ICE_GATHERING_ACTIVE;
	}
	agent_run(agent, now);
	return WLK_OK;
}

wlk_err ice_agent_cancel_restart(struct ice_agent *agent, wlk_time now)
{
	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (!agent->previous.generation || ice_credentials_have_remote(&agent->current))
		return WLK_ERR_STATE;
	ice_credentials_free(&agent->current);
	agent->current = agent->previous;
	agent->previous = (struct ice_credentials){ 0 };
	agent_drop_orphans(agent);
	agent->pac_at = time_add(now, agent->config.failed_after_us);
	agent->pac_expired = false;
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->state == BASE_BOUND)
			agent_pair_base(agent, agent->gather.bases[i]);
	agent_run(agent, now);
	return WLK_OK;
}
