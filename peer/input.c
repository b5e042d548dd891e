/* The way in: one datagram, to the layer that its first byte names (RFC 7983), and from layer to layer upward. */
#include "core/addr.h"
#include "peer/demux.h"
#include "peer/object.h"

static bool is_validated(wlk_peer_connection *pc, const struct dgram *d)
{
	if (ice_agent_is_validated(pc->ice, &d->local, &d->remote)) {
		ice_agent_on_received(pc->ice, pc->now, &d->local, &d->remote, d->buf->size);
		pc->packets_received++;
		pc->bytes_received += d->buf->size;
		return true;
	}
	pc->dropped_unvalidated++;
	return false;
}

/* What DTLS decrypted goes to SCTP, before anything else may call into DTLS: the bytes are lent. */
static void drain_dtls_data(wlk_peer_connection *pc)
{
	wlk_bytes record;

	while (pc->dtls && dtls_transport_poll_data(pc->dtls, pc->now, &record))
		if (pc->sctp)
			sctp_assoc_input(pc->sctp, pc->now, record.data, record.size);
}

static void feed_dtls(wlk_peer_connection *pc, const uint8_t *data, size_t size)
{
	dtls_transport_input(pc->dtls, pc->now, data, size);
	peer_pump(pc); /* "connected" starts SCTP before the first record is looked at */
	drain_dtls_data(pc);
}

void peer_replay_early_hellos(wlk_peer_connection *pc)
{
	struct dgram d;

	if (!pc->dtls || dtls_transport_state(pc->dtls) == DTLS_STATE_NEW)
		return;
	for (size_t n = pc->early_hellos.count; n && dgram_queue_pop(&pc->early_hellos, &d); n--) {
		if (!ice_agent_is_validated(pc->ice, &d.local, &d.remote)) {
			dgram_queue_push(&pc->early_hellos, d);
			continue;
		}
		dtls_transport_input(pc->dtls, pc->now, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

/*
 * R12: a ClientHello that overtook the checks is kept, with the path it took: it counts only once that path is valid. The
 * oldest makes room, so that whoever was here before the honest one does not keep it out.
 */
static void hold_hello(wlk_peer_connection *pc, const struct dgram *d)
{
	struct dgram held = { .local = d->local, .remote = d->remote };
	struct dgram oldest;

	if (!dtls_is_client_hello(d->buf->data, d->buf->size))
		return;
	held.buf = pktbuf_copy(pc->env.pool, d->buf->data, d->buf->size);
	if (!held.buf)
		return;
	if (pc->early_hellos.count == pc->early_hellos.limit && dgram_queue_pop(&pc->early_hellos, &oldest))
		pktbuf_release(oldest.buf);
	dgram_queue_push(&pc->early_hellos, held);
}

static void input_dtls(wlk_peer_connection *pc, const struct dgram *d)
{
	if (!is_validated(pc, d)) {
		if (!pc->dtls || dtls_transport_state(pc->dtls) == DTLS_STATE_NEW)
			hold_hello(pc, d);
		return;
	}
	if (!pc->dtls || dtls_transport_state(pc->dtls) == DTLS_STATE_NEW) {
		hold_hello(pc, d); /* the pair is valid, but our role is not agreed on yet */
		return;
	}
	feed_dtls(pc, d->buf->data, d->buf->size);
}

/* R18: nothing is looked at behind the fixed header until SRTP says that the packet is authentic. */
static void input_media(wlk_peer_connection *pc, struct dgram *d, bool rtcp)
{
	if (!is_validated(pc, d) || !pc->srtp || !pc->media)
		return;
	if (rtcp) {
		if (!srtp_session_unprotect_rtcp(pc->srtp, pc->now, d->buf))
			media_engine_input_rtcp(pc->media, pc->now, d->buf->data, d->buf->size);
		return;
	}
	if (srtp_session_unprotect_rtp(pc->srtp, pc->now, d->buf))
		return;
	media_engine_input_rtp(pc->media, pc->now, d->buf);
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
static void input_datagram(wlk_peer_connection *pc, struct dgram *d, bool wrapped_before)
{
	const uint8_t *data = d->buf->data;
	size_t size = d->buf->size;

	switch (demux_classify(data, size)) {
	case DEMUX_STUN:
		ice_agent_input(pc->ice, pc->now, &d->local, &d->remote, data, size);
		if (dtls_transport_state(pc->dtls) == DTLS_STATE_NEW)
			peer_start_transports(pc); /* it may have been the check that DTLS waits for */
		break;
	case DEMUX_DTLS:
		input_dtls(pc, d);
		break;
	case DEMUX_RTP:
		input_media(pc, d, false);
		break;
	case DEMUX_RTCP:
		input_media(pc, d, true);
		break;
	case DEMUX_TURN_CHANNEL:
		if (!wrapped_before && ice_agent_unwrap(pc->ice, pc->now, d)) {
			input_datagram(pc, d, true);
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

static void input_received(wlk_peer_connection *pc)
{
	struct dgram d;

	while (ice_agent_poll_received(pc->ice, &d))
		input_datagram(pc, &d, true);
}

void peer_input(wlk_peer_connection *pc, wlk_time now, struct dgram d)
{
	peer_set_now(pc, now);
	if (pc->closed) {
		pktbuf_release(d.buf);
		return;
	}
	input_datagram(pc, &d, false);
	input_received(pc);
	peer_pump(pc);
}

void peer_stream_accepted(wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote, uint32_t id)
{
	peer_set_now(pc, now);
	ice_agent_stream_accepted(pc->ice, pc->now, listener, remote, id);
	peer_pump(pc);
}

void peer_stream_input(wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	peer_set_now(pc, now);
	/* In steps, so that the datagrams of a long piece fit into the agent's queue; of tiny ones the last may be dropped. */
	for (size_t at = 0; at < size; at += PKTBUF_PAYLOAD) {
		ice_agent_stream_input(pc->ice, pc->now, id, data + at, MIN(size - at, (size_t)PKTBUF_PAYLOAD));
		input_received(pc);
	}
	peer_pump(pc);
}

void peer_stream_closed(wlk_peer_connection *pc, wlk_time now, uint32_t id)
{
	peer_set_now(pc, now);
	ice_agent_stream_closed(pc->ice, pc->now, id);
	input_received(pc);
	peer_pump(pc);
}
