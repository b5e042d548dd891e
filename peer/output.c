/* The way out: STUN, DTLS handshake, RTCP, audio and video, data; each protected and put on ICE's selected path. */
#include "peer/object.h"

static void count_sent(wlk_peer_connection *pc, const struct dgram *out)
{
	ice_agent_on_sent(pc->ice, pc->now, &out->local, &out->remote, out->buf->size);
	pc->packets_sent++;
	pc->bytes_sent += out->buf->size;
}

/* RTP and RTCP: encrypted in place; a packet that cannot be is dropped, never sent in the clear. */
static bool poll_media(wlk_peer_connection *pc, struct pktbuf **out)
{
	struct media_transmit tx;

	while (pc->srtp && pc->media && !pc->remote_closed && media_engine_poll_transmit(pc->media, pc->now, &tx)) {
		wlk_err err = WLK_OK;

		if (tx.kind == MEDIA_TRANSMIT_RTCP)
			err = srtp_session_protect_rtcp(pc->srtp, tx.buf);
		else if (tx.kind == MEDIA_TRANSMIT_RTP)
			err = srtp_session_protect_rtp(pc->srtp, tx.buf);
		if (err) {
			pktbuf_release(tx.buf);
			continue;
		}
		if (tx.kind == MEDIA_TRANSMIT_RTP && tx.keep_protected)
			media_engine_on_protected(pc->media, &tx);
		*out = tx.buf;
		return true;
	}
	return false;
}

/* SCTP packets are pulled one by one into DTLS, so that they wait in SCTP and not in a queue behind it. */
static bool poll_data(wlk_peer_connection *pc, struct pktbuf **out)
{
	struct pktbuf *packet;

	if (!pc->sctp || !pc->dtls || dtls_transport_state(pc->dtls) != DTLS_STATE_CONNECTED)
		return false;
	while (sctp_assoc_poll_transmit(pc->sctp, pc->now, &packet)) {
		wlk_err err = dtls_transport_send(pc->dtls, pc->now, packet->data, packet->size);

		pktbuf_release(packet);
		if (!err && dtls_transport_poll_transmit(pc->dtls, pc->now, out))
			return true;
	}
	return false;
}

/* The next datagram above ICE. */
static bool poll_upper(wlk_peer_connection *pc, struct pktbuf **out)
{
	if (pc->dtls && dtls_transport_poll_transmit(pc->dtls, pc->now, out))
		return true;
	return poll_media(pc, out) || poll_data(pc, out);
}

/* The next datagram above ICE that can be put on the selected path. */
static bool poll_selected(wlk_peer_connection *pc, struct dgram *out)
{
	while (ice_agent_selected(pc->ice, &out->local, &out->remote) && poll_upper(pc, &out->buf)) {
		out->stream = 0;
		count_sent(pc, out);
		if (ice_agent_wrap(pc->ice, pc->now, out))
			return true;
		pktbuf_release(out->buf);
	}
	return false;
}

/*
 * While no path is left, media goes the way of lost packets: what is late is of no use, and its timers must not be due for
 * ever. Data waits in SCTP.
 */
static void drop_media_without_path(wlk_peer_connection *pc)
{
	wlk_addr local, remote;
	struct pktbuf *lost;

	if (ice_agent_selected(pc->ice, &local, &remote))
		return;
	while (poll_media(pc, &lost))
		pktbuf_release(lost);
}

bool peer_poll_transmit(wlk_peer_connection *pc, wlk_time now, struct dgram *out)
{
	peer_set_now(pc, now);
	if (pc->closed)
		return dgram_queue_pop(&pc->farewell_queue, out);
	peer_pump(pc);
	if (ice_agent_poll_transmit(pc->ice, now, out))
		return true;
	if (pc->held)
		return false;
	if (poll_selected(pc, out))
		return true;
	drop_media_without_path(pc);
	return false;
}

void peer_hold(wlk_peer_connection *pc, bool hold)
{
	pc->held = hold;
}

void peer_collect_farewell(wlk_peer_connection *pc)
{
	struct dgram d;

	/* BYE and ABORT have to pass DTLS and SRTP before close_notify ends them. */
	while (poll_selected(pc, &d))
		dgram_queue_push(&pc->farewell_queue, d);
	if (pc->dtls)
		dtls_transport_close(pc->dtls, pc->now);
	while (poll_selected(pc, &d))
		dgram_queue_push(&pc->farewell_queue, d);
}

void peer_collect_ice_farewell(wlk_peer_connection *pc)
{
	struct dgram d;

	while (ice_agent_poll_transmit(pc->ice, pc->now, &d))
		dgram_queue_push(&pc->farewell_queue, d);
}
