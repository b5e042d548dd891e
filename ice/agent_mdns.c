/* The agent's mDNS: its sockets, the look-up of names that the peer's candidates have in place of addresses. */
#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

/* ----------------------------------------------------------------------------------------------- sockets */

static bool is_open_at(const struct agent_mdns_socket *socket, const wlk_addr *local)
{
	return socket->state == MDNS_SOCKET_OPEN && addr_equal(&socket->local, local);
}

static struct agent_mdns_socket *find_ip(struct ice_agent *agent, const wlk_addr *ip)
{
	for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++)
		if (agent->mdns_sockets[i].state != MDNS_SOCKET_NONE && addr_equal(&agent->mdns_sockets[i].ip, ip))
			return &agent->mdns_sockets[i];
	return NULL;
}

/* The interface addresses of |family| that get a socket, best first; without one, whichever interface there is. */
static size_t list_ips(const struct ice_agent *agent, uint8_t family, wlk_addr ips[AGENT_MDNS_OF_FAMILY])
{
	size_t count = 0;

	if (family == 4 ? agent->config.no_ipv4 : agent->config.no_ipv6)
		return 0;
	for (size_t i = 0; i < agent->gather.ip_count && count < AGENT_MDNS_OF_FAMILY; i++)
		if (agent->gather.ips[i].family == family) {
			ips[count] = agent->gather.ips[i];
			ips[count++].port = 0;
		}
	if (!count)
		ips[count++] = (wlk_addr){ .family = family };
	return count;
}

static wlk_err ask_to_join(struct ice_agent *agent, const wlk_addr *ip)
{
	struct ice_request request = { .type = ICE_REQUEST_JOIN_MDNS, .local = *ip };
	struct agent_mdns_socket *free = agent->mdns_sockets;
	wlk_err err;

	while (free->state != MDNS_SOCKET_NONE)
		free++;
	assert(free < agent->mdns_sockets + AGENT_MDNS_SOCKETS_MAX && "what is listed no more has left before");
	err = agent_request_add(&agent->requests, &request, OWNER_MDNS, free);
	if (!err)
		*free = (struct agent_mdns_socket){ .state = MDNS_SOCKET_JOINING, .ip = *ip };
	return err;
}

/* Sockets for the interfaces that have none. One is better than none: an error means that there is not one. */
static wlk_err join_missing(struct ice_agent *agent)
{
	wlk_err err = WLK_OK;
	bool any = false;

	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		wlk_addr ips[AGENT_MDNS_OF_FAMILY];
		size_t count = list_ips(agent, family, ips);

		for (size_t i = 0; i < count; i++) {
			wlk_err failed = find_ip(agent, &ips[i]) ? WLK_OK : ask_to_join(agent, &ips[i]);

			any |= !failed;
			err = failed ? failed : err;
		}
	}
	return any ? WLK_OK : err;
}

wlk_err agent_need_mdns(struct ice_agent *agent)
{
	struct mdns_config config = { .pool = agent->config.pool, .ipv6 = !agent->config.no_ipv6 };
	wlk_err err = WLK_OK;

	if (!agent->mdns) {
		config.log_parent = agent->log.prefix;
		err = mdns_create(&agent->mdns, &config);
	}
	return err ? err : join_missing(agent);
}

static void leave(struct ice_agent *agent, struct agent_mdns_socket *socket)
{
	if (socket->state == MDNS_SOCKET_JOINING)
		agent_request_abandon(&agent->requests, socket);
	if (socket->state == MDNS_SOCKET_OPEN)
		agent_request_close(&agent->requests, &socket->local);
	*socket = (struct agent_mdns_socket){ 0 };
}

static bool is_listed(const struct ice_agent *agent, const wlk_addr *ip)
{
	wlk_addr ips[AGENT_MDNS_OF_FAMILY];
	size_t count = list_ips(agent, ip->family, ips);

	while (count--)
		if (addr_equal(&ips[count], ip))
			return true;
	return false;
}

void agent_move_mdns(struct ice_agent *agent)
{
	if (!agent->mdns)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++) {
		struct agent_mdns_socket *socket = &agent->mdns_sockets[i];

		/* One that could not be opened may be now. */
		if (socket->state == MDNS_SOCKET_FAILED || !is_listed(agent, &socket->ip))
			leave(agent, socket);
	}
	if (join_missing(agent))
		agent->stats.out_of_memory++; /* until the network changes again */
}

void agent_on_mdns_joined(struct ice_agent *agent, wlk_time now, struct agent_mdns_socket *socket, const wlk_addr *results,
			  size_t count)
{
	if (!count) {
		socket->state = MDNS_SOCKET_FAILED;
		return;
	}
	socket->state = MDNS_SOCKET_OPEN;
	socket->local = *results;
	mdns_on_new_link(agent->mdns, now);
}

bool agent_mdns_joins(const struct ice_agent *agent)
{
	for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++)
		if (agent->mdns_sockets[i].state == MDNS_SOCKET_JOINING)
			return true;
	return false;
}

bool agent_take_mdns(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		     const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++) {
		if (!is_open_at(&agent->mdns_sockets[i], local))
			continue;
		agent->mdns_asker_at = *local;
		mdns_input(agent->mdns, now, remote, data, size);
		return true;
	}
	return false;
}

/* To the group on every interface; to one who asked, through the socket that brought the question. */
static bool goes_through(const struct ice_agent *agent, const struct agent_mdns_socket *socket, const struct dgram *d)
{
	if (socket->state != MDNS_SOCKET_OPEN || socket->local.family != d->remote.family)
		return false;
	return addr_is_multicast(&d->remote) || addr_equal(&socket->local, &agent->mdns_asker_at);
}

/* Hand mDNS datagrams to the transmit queue; without a socket they are lost, and the names with them. */
static void drain_mdns(struct ice_agent *agent, wlk_time now)
{
	struct dgram d;

	while (mdns_poll_transmit(agent->mdns, now, &d)) {
		for (size_t i = 0; i < ARRAY_SIZE(agent->mdns_sockets); i++) {
			struct dgram out = { .local = agent->mdns_sockets[i].local, .remote = d.remote, .buf = d.buf };

			if (goes_through(agent, &agent->mdns_sockets[i], &d)) {
				pktbuf_ref(d.buf);
				(void)dgram_queue_push(&agent->out, out);
			}
		}
		pktbuf_release(d.buf);
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
		leave(agent, &agent->mdns_sockets[i]);
}

/* --------------------------------------------------------------------------------------- names of the peer */

wlk_err agent_add_named_candidate(struct ice_agent *agent, wlk_time now, const struct ice_candidate_line *line)
{
	struct agent_pending_name *name;
	struct mdns_name uuid;
	uint32_t query_id;
	wlk_err err;

	/* A question to the group is a datagram that no proxy carries, and what it finds no relay reaches. */
	if (agent->config.ip_handling == WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP)
		return WLK_ERR_UNSUPPORTED;
	if (agent->config.no_mdns || !mdns_name_parse(&uuid, line->host) || line->candidate.component != 1)
		return WLK_ERR_UNSUPPORTED;
	if (line->candidate.transport != ICE_UDP &&
	    (agent->config.no_tcp || line->candidate.tcptype != CANDIDATE_TCP_PASSIVE))
		return WLK_ERR_UNSUPPORTED;
	if (!ice_cap_make_room(&agent->remote_cap)) {
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
	if (!agent->mdns || agent_mdns_joins(agent))
		return; /* a question that left before there is a socket would be lost, and asked again a second later */
	mdns_handle_timeout(agent->mdns, now);
	drain_mdns(agent, now);
	while (mdns_poll_event(agent->mdns, &event))
		on_name(agent, &event);
}
