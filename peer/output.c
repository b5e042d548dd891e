/* The way out: STUN, DTLS handshake, RTCP, audio and video, data; each protected and put on ICE's selected path. */
#include "peer/object.h"

/* Make |out| ready for the outside and count it; false: there is no way out for it, it was released. */
static bool hand_on(struct peer_transport *t, struct dgram *out)
{
	wlk_addr local = out->local, remote = out->remote;
	size_t size = out->buf->size;

	out->stream = 0;
	if (!ice_agent_wrap(t->ice, t->pc->now, out)) {
		ice_agent_on_discarded(t->ice, t->pc->now, &local, &remote, size);
		pktbuf_release(out->buf);
		return false;
	}
	ice_agent_on_sent(t->ice, t->pc->now, &local, &remote, size);
	t->packets_sent++;
	t->bytes_sent += size;
	return true;
}

/* RTP and RTCP: encrypted in place; a packet that cannot be is dropped, never sent in the clear. */
static bool poll_media(struct peer_transport *t, struct pktbuf **out)
{
	struct media_transmit tx;

	while (t->srtp && !t->remote_closed && media_engine_poll_transmit(t->media, t->pc->now, &tx)) {
		wlk_err err = WLK_OK;

		if (tx.kind == MEDIA_TRANSMIT_RTCP)
			err = srtp_session_protect_rtcp(t->srtp, tx.buf);
		else if (tx.kind == MEDIA_TRANSMIT_RTP)
			err = srtp_session_protect_rtp(t->srtp, tx.buf);
		if (err) {
			pktbuf_release(tx.buf);
			continue;
		}
		if (tx.kind == MEDIA_TRANSMIT_RTP && tx.keep_protected)
			media_engine_on_protected(t->media, &tx);
		*out = tx.buf;
		return true;
	}
	return false;
}

/* What SCTP may have on its way follows the share of the path that data has; a little change is not worth a call. */
static void limit_window(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;
	size_t window = media_engine_data_window(t->media), before = pc->sctp_window;

	if (window == before || sctp_assoc_state(pc->sctp) != SCTP_ASSOC_CONNECTED ||
	    (window && before && window < before + before / 4 && window > before - before / 4))
		return;
	pc->sctp_window = window;
	sctp_assoc_limit_window(pc->sctp, pc->now, window);
}

/*
 * SCTP packets are pulled one by one into DTLS, so that they wait in SCTP and not in a queue behind it; beside media as fast as the
 * engine lets them.
 */
static bool poll_data(struct peer_transport *t, struct pktbuf **out)
{
	wlk_peer_connection *pc = t->pc;
	struct pktbuf *packet;

	if (!pc->sctp || t != pc->data_transport || dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTED)
		return false;
	limit_window(t);
	while (media_engine_data_may_leave(t->media, pc->now)) {
		size_t size;
		wlk_err err;

		if (!sctp_assoc_poll_transmit(pc->sctp, pc->now, &packet)) {
			media_engine_on_data(t->media, pc->now, 0);
			return false;
		}
		size = packet->size;
		err = dtls_transport_send(t->dtls, pc->now, packet->data, packet->size);
		pktbuf_release(packet);
		if (err || !dtls_transport_poll_transmit(t->dtls, pc->now, out))
			continue;
		media_engine_on_data(t->media, pc->now, size);
		return true;
	}
	return false;
}

/* The ClientHello that went ahead may have come too early for the far end: it would drop the same record if it has it. */
static bool poll_hello_again(struct peer_transport *t, struct pktbuf **out)
{
	if (!t->own_hello)
		return false;
	*out = t->own_hello;
	t->own_hello = NULL;
	dtls_transport_set_rtt(t->dtls, ice_agent_rtt(t->ice));
	dtls_transport_handle_timeout(t->dtls, t->pc->now); /* from here on its clock runs again */
	return true;
}

/* The next datagram above ICE. */
static bool poll_upper(struct peer_transport *t, struct pktbuf **out)
{
	if (poll_hello_again(t, out))
		return true;
	if (dtls_transport_poll_transmit(t->dtls, t->pc->now, out))
		return true;
	return poll_media(t, out) || poll_data(t, out);
}

/* The next datagram above ICE that can be put on the selected path. */
static bool poll_selected(struct peer_transport *t, struct dgram *out)
{
	while (ice_agent_selected(t->ice, &out->local, &out->remote) && poll_upper(t, &out->buf))
		if (hand_on(t, out))
			return true;
	return false;
}

/*
 * The ClientHello goes ahead of ICE, along the path of the far end's first authentic check: it arrives right behind our
 * answer to that check, which makes the path valid there, and DTLS is half a round trip further. It is one datagram to one
 * address that proved to know our password, no larger than what a check may draw from us; all else waits for a valid pair.
 */
static bool poll_own_hello(struct peer_transport *t, struct dgram *out)
{
	if (t->hello_went_ahead || !t->local_is_dtls_client || dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTING ||
	    ice_agent_selected(t->ice, &out->local, &out->remote) || !ice_agent_heard(t->ice, &out->local, &out->remote) ||
	    !dtls_transport_poll_transmit(t->dtls, t->pc->now, &out->buf))
		return false;
	t->hello_went_ahead = true;
	t->own_hello = pktbuf_copy(t->pc->env.pool, out->buf->data, out->buf->size);
	if (t->own_hello)
		return hand_on(t, out);
	pktbuf_release(out->buf);
	return false;
}

/*
 * While no path is left, media goes the way of lost packets: what is late is of no use, and its timers must not be due for
 * ever. Data waits in SCTP.
 */
static void drop_media_without_path(struct peer_transport *t)
{
	wlk_addr local, remote;
	struct pktbuf *lost;

	if (ice_agent_selected(t->ice, &local, &remote))
		return;
	while (poll_media(t, &lost))
		pktbuf_release(lost);
}

static bool from_transports(wlk_peer_connection *pc, wlk_time now, struct dgram *out)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (ice_agent_poll_transmit(t->ice, now, out))
			return true;
		if (pc->held)
			continue;
		if (poll_selected(t, out) || poll_own_hello(t, out))
			return true;
		drop_media_without_path(t);
	}
	return false;
}

/* The crank is turned when nothing is left, not for each datagram: what that brings to light leaves behind the others. */
static bool next_datagram(wlk_peer_connection *pc, wlk_time now, struct dgram *out)
{
	peer_set_now(pc, now);
	do {
		if (pc->closed || !dgram_queue_empty(&pc->farewell_queue))
			return dgram_queue_pop(&pc->farewell_queue, out);
		if (from_transports(pc, now, out))
			return true;
	} while (peer_pump(pc));
	return false;
}

bool peer_poll_transmit(wlk_peer_connection *pc, wlk_time now, struct dgram *out)
{
	RECORD(pc, record_call(recorded, RECORD_POLL_TRANSMIT, now));
	if (!next_datagram(pc, now, out))
		return false;
	if (tap_current)
		record_out(out);
	return true;
}

void peer_hold(wlk_peer_connection *pc, bool hold)
{
	RECORD(pc, record_api_number(recorded, RECORD_HOLD, pc, hold, 1));
	pc->held = hold;
}

void peer_collect_farewell(struct peer_transport *t, struct dgram_queue *farewells)
{
	struct dgram d;

	/* BYE and ABORT have to pass DTLS and SRTP before close_notify ends them. */
	while (poll_selected(t, &d))
		dgram_queue_push(farewells, d);
	dtls_transport_close(t->dtls, t->pc->now);
	while (poll_selected(t, &d))
		dgram_queue_push(farewells, d);
	ice_agent_close(t->ice);
	while (ice_agent_poll_transmit(t->ice, t->pc->now, &d))
		dgram_queue_push(farewells, d);
}
