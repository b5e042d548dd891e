/*
 * What the agent has to tell. Most events are read off the objects when they are asked for, so that none needs memory
 * in the moment when it happens; states and lost consents wait in a small ring, because their order tells a story.
 */
#include "core/alloc.h"
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
	struct ice_candidate_line line;

	for (size_t i = 0; i < agent->gather.local_count && !agent->gather.ahead; i++) {
		struct ice_local_candidate *local = agent->gather.locals[i];

		if (!local->announce)
			continue;
		local->announce = false;
		agent_told_form(agent, local, &line);
		*out = (struct ice_event){
			.type = ICE_EVENT_LOCAL_CANDIDATE,
			.candidate = line.candidate,
			.host = line.host,
		};
		return true;
	}
	return false;
}

static bool has_news_of_candidates(const struct gatherer *g)
{
	for (size_t i = 0; i < g->local_count; i++)
		if (g->locals[i]->announce)
			return true;
	return false;
}

static bool poll_gathering(struct ice_agent *agent, struct ice_event *out)
{
	struct gatherer *g = &agent->gather;

	if (g->ahead)
		return false;
	/* An interface came and was gathered before anybody asked: complete, gathering, complete all the same. */
	if (g->told == ICE_GATHERING_COMPLETE && g->state == ICE_GATHERING_COMPLETE && !agent->closed &&
	    has_news_of_candidates(g)) {
		g->told = ICE_GATHERING_ACTIVE;
		*out = (struct ice_event){ .type = ICE_EVENT_GATHERING_STATE, .gathering_state = g->told };
		return true;
	}
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
	*out = (struct ice_event){
		.type = ICE_EVENT_SELECTED_PAIR,
		.nominated = path == agent->selected,
		.is_other_pair = path->id != agent->told_pair,
		.local = path->base->addr,
		.remote = path->remote->candidate.addr,
	};
	agent->told_pair = path->id;
	agent->told_nominated = out->nominated;
	return true;
}

static bool poll_restart_wanted(struct ice_agent *agent, struct ice_event *out)
{
	if (!agent->restart_wanted)
		return false;
	agent->restart_wanted = false;
	*out = (struct ice_event){ .type = ICE_EVENT_RESTART_WANTED };
	return true;
}

static void free_error(struct agent_error *error)
{
	wlk_free(error->url);
	wlk_free(error->text);
	*error = (struct agent_error){ 0 };
}

void agent_free_errors(struct ice_agent *agent)
{
	free_error(&agent->lent_error);
	while (agent->error_count)
		free_error(&agent->errors[--agent->error_count]);
}

void agent_tell_error(struct ice_agent *agent, const wlk_addr *local, const char *url, uint16_t code, struct str text)
{
	struct agent_error error = { .code = code, .url = wlk_strdup(url) };

	error.text = wlk_strndup(text.size ? text.at : "", text.size);
	for (char *at = error.text; at && *at; at++) /* it may be the server's */
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	if (local)
		error.local = *local;
	LOG_I(agent, "%s: %u %s", url, code, error.text ? error.text : "");
	if (!error.url || !error.text || agent->error_count == AGENT_ERRORS_MAX) {
		agent->stats.out_of_memory += !error.url || !error.text;
		free_error(&error);
		return;
	}
	agent->errors[agent->error_count++] = error;
	agent->news = true;
}

static bool poll_error(struct ice_agent *agent, struct ice_event *out)
{
	free_error(&agent->lent_error);
	if (!agent->error_count || agent->gather.ahead)
		return false;
	agent->lent_error = agent->errors[0];
	for (size_t i = 1; i < agent->error_count; i++)
		agent->errors[i - 1] = agent->errors[i];
	agent->error_count--;
	*out = (struct ice_event){
		.type = ICE_EVENT_CANDIDATE_ERROR,
		.local = agent->lent_error.local,
		.server_url = str_of(agent->lent_error.url),
		.error_code = agent->lent_error.code,
		.error_text = str_of(agent->lent_error.text),
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
	if (poll_error(agent, out) || poll_gathering(agent, out) || poll_local_candidate(agent, out) || poll_role(agent, out) ||
	    poll_validated(agent, out) || poll_selected(agent, out) || poll_fact(agent, out) ||
	    poll_restart_wanted(agent, out))
		return true;
	agent->news = false;
	return false;
}
