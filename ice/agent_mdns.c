/* The agent's mDNS: its sockets, the look-up of names that the peer's candidates have in place of addresses. */
#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

/* ----------------------------------------------------------------------------------------------- sockets */

/* It sends through the interface of our best address of that family. */
static wlk_err ask_to_join(struct ice_agent *agent, uint8_t family)
{
	struct ice_request request = { .type = ICE_REQUEST_JOIN_MDNS, .local = { .family = family } };
	wlk_err err;

	for (size_t i = agent->gather.ip_count; i-- > 0;)
		if (agent->gather.ips[i].family == family)
			request.local = agent->gather.ips[i];
	err = agent_request_add(&agent->requests, &request, OWNER_MDNS, agent);
	if (!err) {
		agent->mdns_joining++;
		agent->mdns_asked = true;
	}
	return err;
}

wlk_err agent_need_mdns(struct ice_agent *agent)
{
	struct mdns_config config = { .pool = agent->config.pool, .ipv6 = !agent->config.no_ipv6 };
	wlk_err err = WLK_OK;

	if (!agent->mdns) {
		config.log_parent = agent->log.prefix;
		err = mdns_create(&agent->mdns, &config);
	}
	if (err || agent->mdns_asked)
		return err;
	if (!agent->config.no_ipv4)
		err = ask_to_join(agent, 4);
	if (!err && !agent->config.no_ipv6)
		err = ask_to_join(agent, 6);
	return agent->mdns_asked ? WLK_OK : err; /* one family is better than none */
}

void agent_on_mdns_joined(struct ice_agent *agent, const wlk_addr *results, size_t count)
{
	agent->mdns_joining--;
	for (size_t i = 0; i < count; i++) {
		wlk_addr *slot = &agent->mdns_sockets[results[i].family == 6];

		if (addr_is_none(slot))
			*slot = results[i];
		else
			agent_request_close(&agent->requests, &results[i]);
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

void agent_leave_mdns(struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->name_count; i++)
		mdns_cancel(agent->mdns, agent->names[i].query_id);
	agent->name_count = 0;
	agent_unname_all(agent);
	if (agent->mdns)
		drain_mdns(agent, 0);
	for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++)
		if (!addr_is_none(&agent->mdns_sockets[i])) {
			agent_request_close(&agent->requests, &agent->mdns_sockets[i]);
			agent->mdns_sockets[i] = (wlk_addr){ 0 };
		}
}

/* --------------------------------------------------------------------------------------- names of the peer */

wlk_err agent_add_named_candidate(struct ice_agent *agent, wlk_time now, const struct ice_candidate_line *line)
{
	struct agent_pending_name *name;
	struct mdns_name uuid;
	uint32_t query_id;
	wlk_err err;

	if (agent->config.no_mdns || !mdns_name_parse(&uuid, line->host) || line->candidate.component != 1)
		return WLK_ERR_UNSUPPORTED;
	if (line->candidate.transport != ICE_UDP &&
	    (agent->config.no_tcp || line->candidate.tcptype != CANDIDATE_TCP_PASSIVE))
		return WLK_ERR_UNSUPPORTED;
	if (agent_count_remotes(agent) >= agent->config.max_remote_candidates) {
		agent->stats.over_cap++;
		return WLK_ERR_TOO_LARGE;
	}
	if (!array_reserve((void **)&agent->names, &agent->name_capacity, agent->name_count + 1, sizeof(*agent->names)))
		return WLK_ERR_NOMEM;
	err = agent_need_mdns(agent);
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
		candidate.addr.transport = candidate.transport == ICE_TCP ? WLK_TRANSPORT_TCP : WLK_TRANSPORT_UDP;
		(void)agent_take_candidate(agent, &candidate);
	}
}

void agent_run_names(struct ice_agent *agent, wlk_time now)
{
	struct mdns_event event;

	agent_name_hosts(agent, now);
	if (!agent->mdns || agent->mdns_joining)
		return; /* a question that left before there is a socket would be lost, and asked again a second later */
	mdns_handle_timeout(agent->mdns, now);
	drain_mdns(agent, now);
	while (mdns_poll_event(agent->mdns, &event))
		on_name(agent, &event);
}
