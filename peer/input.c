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

	while (dtls_transport_poll_data(t->dtls, pc->now, &record))
		if (pc->sctp && t == pc->data_transport)
			sctp_assoc_input(pc->sctp, pc->now, record.data, record.size);
}

static void feed_dtls(struct peer_transport *t, const uint8_t *data, size_t size)
{
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

/*
 * One datagram, as it arrived or as it came out of a stream or a TURN server; a payload of a relay is never unwrapped again.
 * Takes d->buf over.
 */
static void input_datagram(struct peer_transport *t, struct dgram *d, bool wrapped_before)
{
	wlk_peer_connection *pc = t->pc;
	const uint8_t *data = d->buf->data;
	size_t size = d->buf->size;

	switch (demux_classify(data, size)) {
	case DEMUX_STUN:
		ice_agent_input(t->ice, pc->now, &d->local, &d->remote, data, size);
		if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW)
			peer_transport_start(t); /* it may have been the check that DTLS waits for */
		break;
	case DEMUX_DTLS:
		input_dtls(t, d);
		break;
	case DEMUX_RTP:
		input_media(t, d, false);
		break;
	case DEMUX_RTCP:
		input_media(t, d, true);
		break;
	case DEMUX_TURN_CHANNEL:
		if (!wrapped_before && ice_agent_unwrap(t->ice, pc->now, d)) {
			input_datagram(t, d, true);
			return;
		}
		drop_unknown(pc, size);
		break;
	case DEMUX_DROP:
		drop_unknown(pc, size);
		break;
	}
	pktbuf_release(d->buf);
}

static void input_received(struct peer_transport *t)
{
	struct dgram d;

	while (ice_agent_poll_received(t->ice, &d))
		input_datagram(t, &d, true);
}

void peer_input(wlk_peer_connection *pc, wlk_time now, struct dgram d)
{
	struct peer_transport *t = pc->transport;

	RECORD(pc, record_input(recorded, now, &d));
	peer_set_now(pc, now);
	if (pc->closed) {
		pktbuf_release(d.buf);
		return;
	}
	input_datagram(t, &d, false);
	input_received(t);
	peer_pump(pc);
}

wlk_err peer_stream_accepted(wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
			     uint32_t id)
{
	wlk_err err;

	RECORD(pc, record_stream_accepted(recorded, now, listener, remote, id));
	peer_set_now(pc, now);
	err = ice_agent_stream_accepted(pc->transport->ice, pc->now, listener, remote, id);
	peer_pump(pc);
	return err;
}

void peer_stream_input(wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	struct peer_transport *t = pc->transport;

	RECORD(pc, record_stream_input(recorded, now, id, data, size));
	peer_set_now(pc, now);
	/* In steps, so that the datagrams of a long piece fit into the agent's queue; of tiny ones the last may be dropped. */
	for (size_t at = 0; at < size; at += PKTBUF_PAYLOAD) {
		ice_agent_stream_input(t->ice, pc->now, id, data + at, MIN(size - at, (size_t)PKTBUF_PAYLOAD));
		input_received(t);
	}
	peer_pump(pc);
}

void peer_stream_closed(wlk_peer_connection *pc, wlk_time now, uint32_t id)
{
	struct peer_transport *t = pc->transport;

	RECORD(pc, record_stream_closed(recorded, now, id));
	peer_set_now(pc, now);
	ice_agent_stream_closed(t->ice, pc->now, id);
	input_received(t);
	peer_pump(pc);
}
