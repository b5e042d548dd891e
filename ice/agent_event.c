/*
 * What the agent has to tell. Most events are read off the objects when they are asked for, so that none needs memory
 * in the moment when it happens; states and lost consents wait in a small ring, because their order tells a story.
 */
#include "ice/agent_internal.h"

void agent_tell(struct ice_agent *agent, const struct agent_fact *fact)
{
	size_t at = agent->fact_first + agent->fact_count;

	agent->news = true;
	if (agent->fact_count == AGENT_FACTS_MAX)
		at--;
	else
		agent->fact_count++;
	agent->facts[at % AGENT_FACTS_MAX] = *fact;
}

static bool poll_local_candidate(struct ice_agent *agent, struct ice_event *out)
{
	for (size_t i = 0; i < agent->gather.local_count; i++) {
		struct ice_local_candidate *local = agent->gather.locals[i];

		if (!local->announce)
			continue;
		local->announce = false;
		*out = (struct ice_event){ .type = ICE_EVENT_LOCAL_CANDIDATE, .candidate = local->candidate };
		return true;
	}
	return false;
}

static bool poll_gathering(struct ice_agent *agent, struct ice_event *out)
{
	struct gatherer *g = &agent->gather;

	if (g->told == g->state || agent->closed)
		return false;
	if (g->told == ICE_GATHERING_ACTIVE && g->state == ICE_GATHERING_COMPLETE) {
		if (poll_local_candidate(agent, out))
			return true;
		g->told = ICE_GATHERING_COMPLETE;
	} else {
		g->told = ICE_GATHERING_ACTIVE;
	}
	*out = (struct ice_event){ .type = ICE_EVENT_GATHERING_STATE, .gathering_state = g->told };
	return true;
}

static bool poll_role(struct ice_agent *agent, struct ice_event *out)
{
	if (!agent->role_changed)
		return false;
	agent->role_changed = false;
	*out = (struct ice_event){ .type = ICE_EVENT_ROLE_CHANGED, .controlling = agent->controlling };
	return true;
}

static bool poll_validated(struct ice_agent *agent, struct ice_event *out)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (!pair->announce)
			continue;
		pair->announce = false;
		*out = (struct ice_event){
			.type = ICE_EVENT_VALIDATED,
			.local = pair->base->addr,
			.remote = pair->remote->candidate.addr,
		};
		return true;
	}
	return false;
}

static bool poll_selected(struct ice_agent *agent, struct ice_event *out)
{
	const struct ice_pair *path = agent->path;

	if (!path || (path->id == agent->told_pair && (path == agent->selected) == agent->told_nominated))
		return false;
	agent->told_pair = path->id;
	agent->told_nominated = path == agent->selected;
	*out = (struct ice_event){
		.type = ICE_EVENT_SELECTED_PAIR,
		.nominated = agent->told_nominated,
		.local = path->base->addr,
		.remote = path->remote->candidate.addr,
	};
	return true;
}

static bool poll_fact(struct ice_agent *agent, struct ice_event *out)
{
	const struct agent_fact *fact = &agent->facts[agent->fact_first];

	if (!agent->fact_count)
		return false;
	*out = (struct ice_event){
		.type = fact->is_state ? ICE_EVENT_STATE : ICE_EVENT_CONSENT_EXPIRED,
		.state = fact->state,
		.local = fact->local,
		.remote = fact->remote,
	};
	agent->fact_first = (agent->fact_first + 1) % AGENT_FACTS_MAX;
	agent->fact_count--;
	return true;
}

bool ice_agent_poll_event(struct ice_agent *agent, struct ice_event *out)
{
	if (!agent->news)
		return false;
	if (poll_gathering(agent, out) || poll_local_candidate(agent, out) || poll_role(agent, out) ||
	    poll_validated(agent, out) || poll_selected(agent, out) || poll_fact(agent, out))
		return true;
	agent->news = false;
	return false;
}
