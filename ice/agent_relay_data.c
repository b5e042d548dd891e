/* The way of a datagram through an allocation: out of Data indications and ChannelData, and into them. */
#include "core/addr.h"
#include "ice/agent_relay_internal.h"

/* ---------------------------------------------------------------------------------------------- incoming */

static struct agent_relay *find_by_path(const struct ice_agent *agent, const wlk_addr *via, const wlk_addr *remote)
{
	for (size_t i = 0; i < agent->relays.count; i++) {
		struct agent_relay *relay = agent->relays.items[i];

		if (relay->client && !agent_relay_is_stream(relay) && addr_equal(&relay->addr, remote) &&
		    addr_equal(&relay->via->addr, via))
			return relay;
	}
	return NULL;
}

static struct agent_relay *find_by_stream(const struct ice_agent *agent, uint32_t stream)
{
	for (size_t i = 0; i < agent->relays.count; i++)
		if (agent->relays.items[i]->connected && agent->relays.items[i]->stream == stream)
			return agent->relays.items[i];
	return NULL;
}

/* What came for the relayed address waits for poll_received. |buf| NULL: there was no memory. */
static void receive(struct ice_agent *agent, const struct agent_relay *relay, const wlk_addr *peer, struct pktbuf *buf)
{
	struct dgram d = { .local = relay->base->addr, .remote = *peer, .buf = buf };

	if (!buf || !dgram_queue_push(&agent->received, d))
		agent->stats.out_of_memory++;
}

/* Data comes with every packet of the peer until a channel is bound, and changes nothing. */
static bool is_indication(const uint8_t *data, size_t size)
{
	return size >= 2 && (load_u16(data) & 0x0110) == 0x0010;
}

/* Answers whether anything changed: the agent has to run. */
static bool take_message(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, const uint8_t *data,
			 size_t size)
{
	wlk_bytes payload;
	wlk_addr peer;

	if (turn_client_input(relay->client, now, data, size, &peer, &payload) && relay->base)
		receive(agent, relay, &peer, pktbuf_copy(agent->config.pool, payload.data, payload.size));
	return !is_indication(data, size);
}

/* The method bits of a STUN message; a Binding response of the same server is none of TURN's business. */
static bool is_binding(const uint8_t *data, size_t size)
{
	return size >= 2 && (load_u16(data) & 0x3eef) == STUN_METHOD_BINDING;
}

bool agent_relay_take(struct ice_agent *agent, wlk_time now, const struct ice_base *via, const wlk_addr *remote,
		      const uint8_t *data, size_t size, bool *changed)
{
	struct agent_relay *relay = find_by_path(agent, &via->addr, remote);

	if (!relay || is_binding(data, size))
		return false;
	*changed = take_message(agent, now, relay, data, size);
	return true;
}

/* ChannelData in |buf| becomes its payload, in place. */
static bool unwrap(struct agent_relay *relay, wlk_time now, struct pktbuf *buf, wlk_addr *peer)
{
	wlk_bytes payload;

	if (!relay->base || !turn_client_unwrap(relay->client, now, buf->data, buf->size, peer, &payload))
		return false;
	buf->data += TURN_CHANNEL_HEADER_SIZE;
	buf->size = payload.size;
	return true;
}

bool ice_agent_unwrap(struct ice_agent *agent, wlk_time now, struct dgram *d)
{
	struct agent_relay *relay =
		agent->path && agent->path->base->kind == BASE_RELAY ? agent->path->base->relay : NULL;

	if (!relay || agent_relay_is_stream(relay) || !addr_equal(&relay->addr, &d->remote) ||
	    !addr_equal(&relay->via->addr, &d->local))
		relay = find_by_path(agent, &d->local, &d->remote);
	if (!relay || !unwrap(relay, now, d->buf, &d->remote))
		return false;
	d->local = relay->base->addr;
	return true;
}

static bool is_channel_data(const uint8_t *data, size_t size)
{
	return size && data[0] >> 6 == 1;
}

/* Takes |buf| over. Answers whether the agent has to run. */
static bool take_stream_message(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, struct pktbuf *buf)
{
	wlk_addr peer;
	bool changed;

	if (!is_channel_data(buf->data, buf->size)) {
		changed = take_message(agent, now, relay, buf->data, buf->size);
		pktbuf_release(buf);
		return changed;
	}
	if (unwrap(relay, now, buf, &peer))
		receive(agent, relay, &peer, buf);
	else
		pktbuf_release(buf);
	return false;
}

/* One record of DTLS is one message. */
static bool take_record(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, const uint8_t *data,
			size_t size)
{
	struct pktbuf *buf = size <= PKTBUF_PAYLOAD ? pktbuf_copy(agent->config.pool, data, size) : NULL;

	return buf && take_stream_message(agent, now, relay, buf);
}

static bool take_bytes(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, const uint8_t *data,
		       size_t size)
{
	enum tcp_framing_result result;
	wlk_bytes rest = { data, size };
	struct pktbuf *buf;
	bool busy = false;

	while ((result = tcp_framing_next(&relay->framing, &rest, &buf)) == TCP_FRAMING_MESSAGE)
		busy |= take_stream_message(agent, now, relay, buf);
	if (result == TCP_FRAMING_MORE)
		return busy;
	agent_relay_lose(agent, now, relay, TURN_UNREACHABLE, STR("the TURN server does not speak TURN"));
	return true;
}

bool agent_relay_on_stream_input(struct ice_agent *agent, wlk_time now, uint32_t stream, const uint8_t *data,
				 size_t size)
{
	struct agent_relay *relay = find_by_stream(agent, stream);

	if (!relay)
		return false;
	if (relay->client && (agent_relay_is_reliable(relay) ? take_bytes(agent, now, relay, data, size)
						 : take_record(agent, now, relay, data, size)))
		agent_run(agent, now);
	return true;
}

bool agent_relay_on_stream_closed(struct ice_agent *agent, wlk_time now, uint32_t stream)
{
	struct agent_relay *relay = find_by_stream(agent, stream);

	if (!relay)
		return false;
	tcp_framing_free(&relay->framing);
	agent_request_forget_stream(&agent->requests, stream);
	relay->connected = false;
	if (relay->client)
		agent_relay_end_client(agent, relay); /* there is no way left to say goodbye */
	if (relay->state == RELAY_ALLOCATED)
		agent_relay_lose(agent, now, relay, TURN_UNREACHABLE, STR("the TURN server closed the connection"));
	else
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("the TURN server closed the connection"));
	agent_run(agent, now);
	return true;
}

/* ---------------------------------------------------------------------------------------------- outgoing */

bool agent_relay_wrap(struct ice_agent *agent, wlk_time now, struct ice_base *base, struct dgram *d)
{
	struct agent_relay *relay = base->relay;

	if (!relay->client || (agent_relay_is_stream(relay) && !relay->connected))
		return false;
	if (agent->path && agent->path->base == base && addr_equal(&agent->path->remote->candidate.addr, &d->remote)) {
		turn_client_bind(relay->client, now, &d->remote);
		agent_relay_drain(agent, relay);
	}
	if (!turn_client_wrap(relay->client, now, &d->remote, &d->buf))
		return false;
	agent->deadline = time_min(agent->deadline, turn_client_deadline(relay->client));
	d->local = relay->via->addr;
	d->remote = relay->addr;
	d->stream = agent_relay_is_stream(relay) ? relay->stream : 0;
	return true;
}
