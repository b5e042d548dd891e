/* What can be read off an agent: parameters, states, counters. */
#include "ice/agent_internal.h"

const char *ice_agent_local_ufrag(const struct ice_agent *agent)
{
	return agent->current.local_ufrag;
}

const char *ice_agent_local_pwd(const struct ice_agent *agent)
{
	return agent->current.local_pwd;
}

const char *ice_agent_remote_ufrag(const struct ice_agent *agent)
{
	return agent->current.remote_ufrag ? agent->current.remote_ufrag : "";
}

const char *ice_agent_remote_pwd(const struct ice_agent *agent)
{
	return agent->current.remote_pwd ? agent->current.remote_pwd : "";
}

bool ice_agent_controlling(const struct ice_agent *agent)
{
	return agent->controlling;
}

wlk_time ice_agent_rtt(const struct ice_agent *agent)
{
	return agent->path ? agent->path->srtt : 0;
}

bool ice_agent_in_doubt(const struct ice_agent *agent)
{
	return agent->path ? agent->path->consent.probing : agent->had_path;
}

bool ice_agent_peer_knows_us(const struct ice_agent *agent)
{
	return agent->stats.requests_received || agent->current.remote_lite;
}

bool ice_agent_heard(const struct ice_agent *agent, wlk_addr *local, wlk_addr *remote)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		const struct ice_pair *pair = agent->checklist.pairs[i];

		if (!pair->stats.requests_received || pair->state == PAIR_FAILED)
			continue;
		*local = pair->base->addr;
		*remote = pair->remote->candidate.addr;
		return true;
	}
	return false;
}

enum ice_state ice_agent_state(const struct ice_agent *agent)
{
	return agent->state;
}

enum ice_gathering_state ice_agent_gathering_state(const struct ice_agent *agent)
{
	return agent->gather.state;
}

void ice_agent_get_stats(const struct ice_agent *agent, struct ice_agent_stats *out)
{
	*out = agent->stats;
	agent_relays_add_stats(agent, out);
}

bool ice_agent_pair_stats(const struct ice_agent *agent, size_t index, struct ice_pair_stats *out)
{
	const struct ice_pair *pair;

	if (index >= agent->checklist.count)
		return false;
	pair = agent->checklist.pairs[index];
	*out = pair->stats;
	out->id = pair->id;
	out->local_id = pair->local->id;
	out->remote_id = pair->remote->id;
	out->state = pair->state;
	out->nominated = pair->nominated;
	out->selected = pair == agent->path;
	out->priority = pair->priority;
	out->local = pair->base->addr;
	out->remote = pair->remote->candidate.addr;
	return true;
}

static void name_server(const struct ice_agent *agent, const struct ice_local_candidate *local,
			struct ice_candidate_stats *out)
{
	static const char *const protocols[] = {
		[ICE_SERVER_UDP] = "udp",
		[ICE_SERVER_TCP] = "tcp",
		[ICE_SERVER_TLS] = "tls",
		[ICE_SERVER_DTLS] = "dtls",
	};

	if (local->candidate.type == CANDIDATE_RELAY && local->base->relay) {
		out->url = agent_relay_url(local->base->relay);
		out->relay_protocol = protocols[agent_relay_transport(local->base->relay)];
	} else if (local->candidate.type == CANDIDATE_SRFLX) {
		out->url = gather_url_of(agent, local->base, &local->server);
	}
}

bool ice_agent_local_candidate(const struct ice_agent *agent, size_t index, struct ice_candidate_stats *out)
{
	const struct ice_local_candidate *local;

	if (index >= agent->gather.local_count)
		return false;
	local = agent->gather.locals[index];
	*out = (struct ice_candidate_stats){ .id = local->id, .candidate = local->candidate, .server = local->server };
	name_server(agent, local, out);
	out->ufrag = agent->current.local_ufrag;
	out->hidden = agent_name_of(agent, &local->candidate.addr).size > 0;
	if (out->hidden || (local->candidate.type != CANDIDATE_HOST && agent->config.hide_host_addresses))
		out->candidate.related = (wlk_addr){ 0 };
	return true;
}

bool ice_agent_told_candidate(const struct ice_agent *agent, size_t *index, struct ice_candidate_line *out)
{
	while (!agent->gather.ahead && *index < agent->gather.local_count) {
		const struct ice_local_candidate *local = agent->gather.locals[(*index)++];

		if (!local->told)
			continue;
		agent_told_form(agent, local, out);
		return true;
	}
	return false;
}

bool ice_agent_remote_candidate(const struct ice_agent *agent, size_t index, struct ice_candidate_stats *out)
{
	const struct ice_remote_candidate *remote;

	if (index >= agent->remote_count)
		return false;
	remote = agent->remotes[index];
	*out = (struct ice_candidate_stats){ .id = remote->id, .candidate = remote->candidate };
	if (remote->generation == agent->current.generation)
		out->ufrag = agent->current.remote_ufrag;
	else if (remote->generation == agent->previous.generation)
		out->ufrag = agent->previous.remote_ufrag;
	return true;
}
