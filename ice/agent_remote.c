/* The peer's side: its parameters and candidates, and the pairs that come of them. */
#include "core/addr.h"
#include "core/alloc.h"
#include "core/tap.h"
#include "ice/agent_internal.h"

#include <stdio.h>

/* The application's filter is asked in the middle of the work: it must not end the agent. */
static bool passes_filter(struct ice_agent *agent, const wlk_addr *addr)
{
	bool passes;

	if (!agent->config.remote_filter)
		return true;
	agent->in_filter = true;
	passes = tap_verdict(agent->config.remote_filter(addr, NULL, agent->config.filter_user));
	agent->in_filter = false;
	return passes;
}

bool agent_address_allowed(struct ice_agent *agent, const wlk_addr *addr)
{
	unsigned flags = (agent->config.allow_loopback ? ICE_ALLOW_LOOPBACK : 0u) |
			 (agent->config.include_link_local ? ICE_ALLOW_LINK_LOCAL : 0u);

	return ice_remote_address_allowed(addr, flags) && passes_filter(agent, addr);
}

bool agent_may_use(const struct ice_agent *agent, const struct ice_base *base)
{
	bool relayed_only = agent->gather.policy == ICE_POLICY_RELAY ||
			    agent->config.ip_handling == WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP;

	return (base->kind == BASE_RELAY || !relayed_only) && !base->retired;
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
	if (!ice_cap_make_room(&agent->pair_cap)) {
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
	if (agent_is_lite(agent) || !agent_may_use(agent, base))
		return;
	for (size_t i = 0; i < agent->remote_count; i++) {
		struct ice_remote_candidate *remote = agent->remotes[i];

		if (remote->generation == agent->current.generation &&
		    ice_pair_fits(&base->addr, &remote->candidate.addr))
			agent_add_pair(agent, base, remote, false);
	}
	agent_stream_want_base(agent, base);
}

static void pair_remote(struct ice_agent *agent, struct ice_remote_candidate *remote)
{
	for (size_t i = 0; i < agent->gather.base_count && !agent_is_lite(agent); i++) {
		struct ice_base *base = agent->gather.bases[i];

		if (base->state == BASE_BOUND && agent_may_use(agent, base) &&
		    ice_pair_fits(&base->addr, &remote->candidate.addr))
			agent_add_pair(agent, base, remote, false);
	}
	agent_stream_want_remote(agent, remote);
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
size_t agent_count_remotes(const struct ice_agent *agent)
{
	size_t count = agent->name_count;

	for (size_t i = 0; i < agent->remote_count; i++)
		count += agent->remotes[i]->generation == agent->current.generation;
	return count;
}

/* Whether every pair of |remote| has failed; without any pair it may still get one. */
static bool is_stale(const struct ice_agent *agent, const struct ice_remote_candidate *remote)
{
	size_t failed = 0;

	for (size_t i = 0; i < agent->checklist.count; i++) {
		if (agent->checklist.pairs[i]->remote != remote)
			continue;
		if (agent->checklist.pairs[i]->state != PAIR_FAILED || agent->checklist.pairs[i]->triggered)
			return false;
		failed++;
	}
	return failed > 0;
}

/* A peer that roams brings new candidates again and again: the oldest that leads nowhere makes room. */
static bool drop_stale_remote(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->remote_count; i++) {
		struct ice_remote_candidate *remote = agent->remotes[i];

		if (remote->generation != agent->current.generation || !is_stale(agent, remote))
			continue;
		for (size_t k = agent->checklist.count; k-- > 0;)
			if (agent->checklist.pairs[k]->remote == remote)
				agent_remove_pair(agent, agent->checklist.pairs[k]);
		wlk_free(remote);
		for (agent->remote_count--; i < agent->remote_count; i++)
			agent->remotes[i] = agent->remotes[i + 1];
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------------------------------------------- caps */

static size_t count_remotes(const struct ice_cap_user *u)
{
	return agent_count_remotes(CONTAINER_OF(u, struct ice_agent, remote_cap));
}

static bool give_up_remote(struct ice_cap_user *u)
{
	return drop_stale_remote(CONTAINER_OF(u, struct ice_agent, remote_cap));
}

static size_t count_pairs(const struct ice_cap_user *u)
{
	return CONTAINER_OF(u, struct ice_agent, pair_cap)->checklist.count;
}

static bool give_up_pair(struct ice_cap_user *u)
{
	struct ice_agent *agent = CONTAINER_OF(u, struct ice_agent, pair_cap);
	struct ice_pair *victim = checklist_victim(&agent->checklist);

	if (victim)
		agent_remove_pair(agent, victim);
	return victim;
}

void agent_join_caps(struct ice_agent *agent)
{
	struct ice_caps *caps = agent->config.caps ? agent->config.caps : &agent->own_caps;

	agent->remote_cap = (struct ice_cap_user){ .count = count_remotes, .give_up = give_up_remote };
	agent->pair_cap = (struct ice_cap_user){ .count = count_pairs, .give_up = give_up_pair };
	ice_cap_join(&agent->remote_cap, &caps->remotes, agent->config.max_remote_candidates);
	ice_cap_join(&agent->pair_cap, &caps->pairs, agent->config.max_pairs);
}

void agent_leave_caps(struct ice_agent *agent)
{
	ice_cap_leave(&agent->remote_cap);
	ice_cap_leave(&agent->pair_cap);
}

static wlk_err add_remote(struct ice_agent *agent, const struct ice_candidate *candidate,
			  struct ice_remote_candidate **out)
{
	struct ice_remote_candidate *remote;

	if (!ice_cap_make_room(&agent->remote_cap) && !drop_stale_remote(agent)) {
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
		.transport = addr->transport == WLK_TRANSPORT_TCP ? ICE_TCP : ICE_UDP,
		.tcptype = addr->transport == WLK_TRANSPORT_TCP ? CANDIDATE_TCP_ACTIVE : CANDIDATE_TCP_NONE,
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

/* Of TCP candidates only passive ones can be connected to: active ones come to us, nobody speaks simultaneous-open. */
static bool is_supported(const struct ice_agent *agent, const struct ice_candidate *candidate)
{
	if (candidate->component != 1)
		return false;
	return candidate->transport == ICE_UDP ||
	       (candidate->tcptype == CANDIDATE_TCP_PASSIVE && !agent->config.no_tcp);
}

static wlk_err check_candidate(struct ice_agent *agent, const struct ice_candidate *candidate)
{
	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (!is_supported(agent, candidate))
		return WLK_ERR_UNSUPPORTED;
	if (agent_address_allowed(agent, &candidate->addr) &&
	    (candidate->transport == ICE_UDP || agent_stream_port_allowed(&candidate->addr)))
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

wlk_err agent_take_candidate(struct ice_agent *agent, const struct ice_candidate *named)
{
	struct ice_candidate scoped = *named;
	const struct ice_candidate *candidate = &scoped;
	struct ice_remote_candidate *remote;
	wlk_err err = check_candidate(agent, named);

	if (err)
		return err;
	set_scope(agent, &scoped.addr);
	scoped.addr.transport = named->transport == ICE_TCP ? WLK_TRANSPORT_TCP : WLK_TRANSPORT_UDP;
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
	wlk_err err = agent_take_candidate(agent, candidate);

	if (!err)
		agent_run(agent, now);
	return err;
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
	err = agent_add_named_candidate(agent, now, &line);
	agent_run(agent, now);
	return err;
}

void ice_agent_end_of_remote_candidates(struct ice_agent *agent, wlk_time now)
{
	agent->current.remote_ended = true;
	agent_run(agent, now);
}

/* -------------------------------------------------------------------------------------------- parameters */

/* RFC 8445 6.1.1: the full agent controls a lite one, whatever the offer/answer exchange says; between two of a kind the
 * offerer does. */
static void settle_role(struct ice_agent *agent)
{
	bool lite = agent->config.lite;

	if (agent->current.remote_lite != lite)
		agent_set_role(agent, !lite);
	else if (lite)
		agent_set_role(agent, agent->offered_role);
	if (agent->config.lite && agent->current.remote_lite)
		for (size_t i = 0; i < agent->gather.base_count; i++)
			if (agent->gather.bases[i]->state == BASE_BOUND)
				agent_pair_base(agent, agent->gather.bases[i]);
}

wlk_err ice_agent_prepare_remote(struct ice_agent *agent, struct str ufrag, struct str pwd, bool lite)
{
	if (agent->closed)
		return WLK_ERR_CLOSED;
	if (ice_credentials_have_remote(&agent->current)) {
		bool same = ice_credentials_remote_equal(&agent->current, ufrag, pwd);

		return same && agent->current.remote_lite == lite ? WLK_OK : WLK_ERR_STATE;
	}
	if (ice_credentials_remote_equal(&agent->prepared, ufrag, pwd))
		return WLK_OK;
	ice_credentials_free(&agent->prepared);
	return ice_credentials_set_remote(&agent->prepared, ufrag, pwd, lite);
}

wlk_err ice_agent_set_remote_parameters(struct ice_agent *agent, wlk_time now, struct str ufrag, struct str pwd,
					bool lite)
{
	wlk_err err = ice_agent_prepare_remote(agent, ufrag, pwd, lite);

	if (err || ice_credentials_have_remote(&agent->current))
		return err;
	ice_credentials_move_remote(&agent->current, &agent->prepared);
	agent->current.remote_lite = lite;
	settle_role(agent);
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

/*
 * Make room for |fresh|: the generation that the descriptions have agreed on stays as the one before, even if it has no pair yet and
 * an older one still carries the session: a restart that is taken back must end where the far end is.
 */
static void begin_generation(struct ice_agent *agent, const struct ice_credentials *fresh)
{
	bool agreed = ice_credentials_have_remote(&agent->current);

	if (agent->halted || agreed)
		ice_credentials_free(&agent->previous);
	if (agreed && !agent->halted)
		agent->previous = agent->current;
	else
		ice_credentials_free(&agent->current);
	agent->current = *fresh;
	agent->name_count = 0;
	agent->halted = false;
	agent->pac_at = WLK_TIME_NEVER;
	agent->pac_expired = false;
	agent->lost_at = WLK_TIME_NEVER;
	agent->had_path = false;
	agent->restart_told = false;
	agent->restart_wanted = false;
	agent->remote_nomination = 0;
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
	gather_on_cancelled(agent);
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->state == BASE_BOUND)
			agent_pair_base(agent, agent->gather.bases[i]);
	agent_run(agent, now);
	return WLK_OK;
}
