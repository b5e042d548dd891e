/* The way in: one datagram, to the layer that its first byte names (RFC 7983), and from layer to layer upward. */
#include "core/addr.h"
#include "peer/demux.h"
#include "peer/object.h"

static bool is_validated(struct peer_transport *t, const struct dgram *d)
{
	wlk_peer_connection *pc = t->pc;

	if (ice_agent_is_validated(t->ice, &d->local, &d->remote)) {
		ice_agent_on_received(t->ice, pc->now, &d->local, &d->remote, d->buf->size);
		t->packets_received++;
		t->bytes_received += d->buf->size;
		return true;
	}
	pc->dropped_unvalidated++;
	return false;
}

/* What DTLS decrypted goes to SCTP, before anything else may call into DTLS: the bytes are lent. */
static void drain_dtls_data(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;
	wlk_bytes record;

	while (dtls_transport_poll_data(t->dtls, pc->now, &record)) {
		peer_transport_forget_init(t);
		if (pc->sctp && t == pc->data_transport)
			sctp_assoc_input(pc->sctp, pc->now, record.data, record.size);
	}
}

static void feed_dtls(struct peer_transport *t, const uint8_t *data, size_t size)
{
	peer_transport_prepare_init(t);
	dtls_transport_input(t->dtls, t->pc->now, data, size);
	peer_pump(t->pc); /* "connected" starts SCTP before the first record is looked at */
	drain_dtls_data(t);
}

void peer_replay_early_flights(struct peer_transport *t)
{
	struct dgram d;

	if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW)
		return;
	for (size_t n = t->early_flights.count; n && dgram_queue_pop(&t->early_flights, &d); n--) {
		if (!ice_agent_is_validated(t->ice, &d.local, &d.remote)) {
			dgram_queue_push(&t->early_flights, d);
			continue;
		}
		peer_transport_prepare_init(t);
		dtls_transport_input(t->dtls, t->pc->now, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

/* What may overtake the checks: a ClientHello, or the answer to one of ours that went ahead of them. */
static bool may_be_early(const struct peer_transport *t, const struct dgram *d)
{
	if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW)
		return dtls_is_client_hello(d->buf->data, d->buf->size);
	return t->own_hello;
}

/*
 * R12: a flight that overtook the checks is kept, with the path it took: it counts only once that path is valid. The
 * oldest makes room, so that whoever was here before the honest one does not keep it out.
 */
static void hold_early(struct peer_transport *t, const struct dgram *d)
{
	struct dgram held = { .local = d->local, .remote = d->remote };
	struct dgram oldest;

	if (!may_be_early(t, d))
		return;
	held.buf = pktbuf_copy(t->pc->env.pool, d->buf->data, d->buf->size);
	if (!held.buf)
		return;
	if (t->early_flights.count == t->early_flights.limit && dgram_queue_pop(&t->early_flights, &oldest))
		pktbuf_release(oldest.buf);
	dgram_queue_push(&t->early_flights, held);
}

static void input_dtls(struct peer_transport *t, const struct dgram *d)
{
	if (!is_validated(t, d)) {
		hold_early(t, d);
		return;
	}
	if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW) {
		hold_early(t, d); /* the pair is valid, but our role is not agreed on yet */
		return;
	}
	feed_dtls(t, d->buf->data, d->buf->size);
}

/* R18: nothing is looked at behind the fixed header until SRTP says that the packet is authentic. */
static void input_media(struct peer_transport *t, struct dgram *d, bool rtcp)
{
	wlk_time now = t->pc->now;

	if (!is_validated(t, d) || !t->srtp)
		return;
	if (rtcp) {
		if (!srtp_session_unprotect_rtcp(t->srtp, now, d->buf))
			media_engine_input_rtcp(t->media, now, d->buf->data, d->buf->size);
		return;
	}
	if (srtp_session_unprotect_rtp(t->srtp, now, d->buf))
		return;
	media_engine_input_rtp(t->media, now, d->buf);
	d->buf = NULL;
}

static void drop_unknown(wlk_peer_connection *pc, size_t size)
{
	pc->dropped_unknown++;
	LOG_RATED(pc, &pc->log_budget, pc->now, LOG_LEVEL_DEBUG, "dropped a datagram of %zu bytes of no known protocol", size);
}

/* Each agent knows its own messages from those of another. */
static void input_stun(wlk_peer_connection *pc, const struct dgram *d)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		ice_agent_input(t->ice, pc->now, &d->local, &d->remote, d->buf->data, d->buf->size);
		if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW)
			peer_transport_start(t); /* it may have been the check that DTLS waits for */
	}
}

/* The transport that a path belongs to: where it is valid, else where it was heard of or whose socket it came to; or the first. */
static struct peer_transport *transport_of_path(const wlk_peer_connection *pc, const struct dgram *d)
{
	struct peer_transport *heard = NULL;

	if (pc->transports.next == pc->transports.prev)
		return pc->transport;
	for (struct list *item = pc->transports.next; item != &pc->transports; item = item->next) {
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (ice_agent_is_validated(t->ice, &d->local, &d->remote))
			return t;
		if (ice_agent_path_state(t->ice, pc->now, &d->local, &d->remote) != ICE_PATH_UNKNOWN ||
		    (!heard && ice_agent_owns(t->ice, &d->local)))
			heard = t;
	}
	return heard ? heard : pc->transport;
}

static bool unwrap(wlk_peer_connection *pc, struct dgram *d)
{
	list_for_each(item, &pc->transports)
	{
		if (ice_agent_unwrap(list_entry(item, struct peer_transport, link)->ice, pc->now, d))
			return true;
	}
	return false;
}

/*
 * One datagram, as it arrived or as it came out of a stream or a TURN server; a payload of a relay is never unwrapped again.
 * Takes d->buf over.
 */
static void input_datagram(wlk_peer_connection *pc, struct dgram *d, bool wrapped_before)
{
	switch (demux_classify(d->buf->data, d->buf->size)) {
	case DEMUX_STUN:
		input_stun(pc, d);
		break;
	case DEMUX_DTLS:
		input_dtls(transport_of_path(pc, d), d);
		break;
	case DEMUX_RTP:
		input_media(transport_of_path(pc, d), d, false);
		break;
	case DEMUX_RTCP:
		input_media(transport_of_path(pc, d), d, true);
		break;
	case DEMUX_TURN_CHANNEL:
		if (!wrapped_before && unwrap(pc, d)) {
			input_datagram(pc, d, true);
			return;
		}
		drop_unknown(pc, d->buf->size);
		break;
	case DEMUX_DROP:
		drop_unknown(pc, d->buf->size);
		break;
	}
	pktbuf_release(d->buf);
}

static void input_received(wlk_peer_connection *pc)
{
	struct dgram d;

	list_for_each(item, &pc->transports)
	{
		while (ice_agent_poll_received(list_entry(item, struct peer_transport, link)->ice, &d))
			input_datagram(pc, &d, true);
	}
}

/* Media comes in runs: the crank is turned behind the last of them, before anything is told or time passes. */
static void pump_after(wlk_peer_connection *pc, enum demux_class class)
{
	if (class == DEMUX_RTP || class == DEMUX_RTCP)
		pc->pump_is_due = true;
	else
		peer_pump(pc);
}

void peer_input(wlk_peer_connection *pc, wlk_time now, struct dgram d)
{
	enum demux_class class = demux_classify(d.buf->data, d.buf->size);

	RECORD(pc, record_input(recorded, now, &d));
	peer_set_now(pc, now);
	if (pc->closed) {
		pktbuf_release(d.buf);
		return;
	}
	input_datagram(pc, &d, false);
	input_received(pc);
	pump_after(pc, class);
}

wlk_err peer_stream_accepted(wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
			     uint32_t id)
{
	struct peer_transport *owner = pc->transport;
	wlk_err err;

	RECORD(pc, record_stream_accepted(recorded, now, listener, remote, id));
	peer_set_now(pc, now);
	list_for_each(item, &pc->transports)
	{
		if (ice_agent_owns(list_entry(item, struct peer_transport, link)->ice, listener))
			owner = list_entry(item, struct peer_transport, link);
	}
	err = ice_agent_stream_accepted(owner->ice, pc->now, listener, remote, id);
	peer_pump(pc);
	return err;
}

void peer_stream_input(wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	RECORD(pc, record_stream_input(recorded, now, id, data, size));
	peer_set_now(pc, now);
	/* In steps, so that the datagrams of a long piece fit into the agent's queue; of tiny ones the last may be dropped. */
	for (size_t at = 0; at < size; at += PKTBUF_PAYLOAD) {
		list_for_each(item, &pc->transports)
			ice_agent_stream_input(list_entry(item, struct peer_transport, link)->ice, pc->now, id, data + at,
					       MIN(size - at, (size_t)PKTBUF_PAYLOAD));
		input_received(pc);
	}
	peer_pump(pc);
}

void peer_stream_closed(wlk_peer_connection *pc, wlk_time now, uint32_t id)
{
	struct list *lists[] = { &pc->transports, &pc->spares, &pc->retired_transports };

	RECORD(pc, record_stream_closed(recorded, now, id));
	peer_set_now(pc, now);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
			ice_agent_stream_closed(list_entry(item, struct peer_transport, link)->ice, pc->now, id);
	}
	input_received(pc);
	peer_pump(pc);
}
