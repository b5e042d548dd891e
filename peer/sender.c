/* Senders: which track they have, in which streams, and the packets that leave by them (W3C webrtc-pc 5.1, 5.2). */
#include "peer/object.h"
#include "peer/rid_limits.h"

/* ---- the senders of a connection ---- */

/* W3C CollectSenders and CollectReceivers: the |index|-th transceiver that is not stopped. */
static struct wlk_transceiver *not_stopped(const wlk_peer_connection *pc, size_t index)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopped && index-- == 0)
			return t;
	}
	return NULL;
}

size_t wlk_peer_connection_sender_count(const wlk_peer_connection *pc)
{
	size_t count = 0;

	list_for_each(item, &pc->transceivers)
		count += !list_entry(item, struct wlk_transceiver, link)->stopped;
	return count;
}

wlk_rtp_sender *wlk_peer_connection_sender(const wlk_peer_connection *pc, size_t index)
{
	struct wlk_transceiver *t = not_stopped(pc, index);

	return t ? &t->sender : NULL;
}

size_t wlk_peer_connection_receiver_count(const wlk_peer_connection *pc)
{
	return wlk_peer_connection_sender_count(pc);
}

wlk_rtp_receiver *wlk_peer_connection_receiver(const wlk_peer_connection *pc, size_t index)
{
	struct wlk_transceiver *t = not_stopped(pc, index);

	return t ? &t->receiver : NULL;
}

/* ---- tracks ---- */

static wlk_err copy_streams(struct id_list *out, const char *const *stream_ids, size_t stream_count)
{
	for (size_t i = 0; i < stream_count; i++) {
		wlk_err err = peer_is_media_id(stream_ids[i]) ? id_list_add(out, str_of(stream_ids[i])) : WLK_ERR_INVALID;

		if (err) {
			id_list_free(out);
			return err;
		}
	}
	return WLK_OK;
}

static bool sends_already(const wlk_peer_connection *pc, const char *track_id)
{
	list_for_each(item, &pc->transceivers)
	{
		const struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopped && t->sender.track_id && str_equal(str_of(t->sender.track_id), str_of(track_id)))
			return true;
	}
	return false;
}

/* One that is of this kind, has no track and has never been used to send. */
static struct wlk_transceiver *reusable(const wlk_peer_connection *pc, wlk_media_kind kind)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->kind == kind && !t->stopping && !t->sender.track_id && !t->has_sent)
			return t;
	}
	return NULL;
}

/* What the sender will be, made before anything changes. */
struct attachment {
	char *track_id, *msid_track;
	struct id_list streams;
};

static void attachment_free(struct attachment *a)
{
	wlk_free(a->track_id);
	wlk_free(a->msid_track);
	id_list_free(&a->streams);
}

static wlk_err attachment_make(struct attachment *a, const char *track_id, const char *const *stream_ids, size_t stream_count)
{
	wlk_err err = copy_streams(&a->streams, stream_ids, stream_count);

	if (!err && (peer_replace_text(&a->track_id, track_id) || peer_replace_text(&a->msid_track, track_id)))
		err = WLK_ERR_NOMEM;
	return err;
}

static void attach(struct wlk_transceiver *t, struct attachment *a)
{
	wlk_free(t->sender.track_id);
	wlk_free(t->sender.msid_track);
	t->sender.track_id = a->track_id;
	t->sender.msid_track = a->msid_track;
	id_list_move(&t->sender.streams, &a->streams);
	t->direction = (wlk_direction)(t->direction | WLK_DIRECTION_SENDONLY);
	t->had_add_track = true;
}

wlk_err wlk_peer_connection_add_track(wlk_peer_connection *pc, wlk_media_kind kind, const char *track_id,
				      const char *const *stream_ids, size_t stream_count, wlk_rtp_sender **out)
{
	struct attachment a = { 0 };
	struct wlk_transceiver *t;
	wlk_err err;

	RECORD(pc, record_add_track(recorded, pc, kind, track_id, stream_ids, stream_count, out != NULL));
	if ((kind != WLK_MEDIA_AUDIO && kind != WLK_MEDIA_VIDEO) || !peer_is_media_id(track_id) || (stream_count && !stream_ids))
		return peer_fail(pc, WLK_ERR_INVALID, "a track has a kind, and an id of 1 to 256 visible ASCII characters without blanks");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (sends_already(pc, track_id))
		return peer_fail_as(pc, WLK_ERR_INVALID, "InvalidAccessError", "a sender has this track already");
	err = attachment_make(&a, track_id, stream_ids, stream_count);
	t = err ? NULL : reusable(pc, kind);
	if (!err && !t) {
		err = peer_add_transceiver(pc, kind, WLK_DIRECTION_SENDRECV, &t);
		if (!err)
			t->by_add_track = true;
	}
	if (err) {
		attachment_free(&a);
		return peer_fail(pc, err, err == WLK_ERR_INVALID ? "a stream id is none" : "the track cannot be added");
	}
	attach(t, &a);
	if (out)
		*out = &t->sender;
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_peer_connection_remove_track(wlk_peer_connection *pc, wlk_rtp_sender *sender)
{
	struct wlk_transceiver *t = sender ? sender->transceiver : NULL;

	RECORD(pc, record_api_number(recorded, RECORD_REMOVE_TRACK, pc, t && t->pc == pc ? t->number : UINT32_MAX, 4));
	if (!t || t->pc != pc)
		return peer_fail_as(pc, WLK_ERR_INVALID, "InvalidAccessError", "not a sender of this connection");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (t->stopping || !sender->track_id)
		return WLK_OK;
	wlk_free(sender->track_id);
	sender->track_id = NULL;
	t->direction = (wlk_direction)(t->direction & WLK_DIRECTION_RECVONLY);
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_rtp_sender_replace_track(wlk_rtp_sender *sender, const char *track_id)
{
	struct wlk_transceiver *t = sender->transceiver;

	RECORD(t->pc, record_replace_track(recorded, t, track_id));
	if (t->stopping || t->pc->closed)
		return peer_fail(t->pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (!track_id) {
		wlk_free(sender->track_id);
		sender->track_id = NULL;
		return WLK_OK;
	}
	if (!peer_is_media_id(track_id))
		return peer_fail(t->pc, WLK_ERR_INVALID, "a track id is 1 to 256 visible ASCII characters without blanks");
	return peer_replace_text(&sender->track_id, track_id) ? peer_fail(t->pc, WLK_ERR_NOMEM, "out of memory") : WLK_OK;
}

wlk_err wlk_rtp_sender_set_streams(wlk_rtp_sender *sender, const char *const *stream_ids, size_t stream_count)
{
	wlk_peer_connection *pc = sender->transceiver->pc;
	struct id_list streams = { 0 };
	wlk_err err;

	RECORD(pc, record_set_streams(recorded, sender->transceiver, stream_ids, stream_count));
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (stream_count && !stream_ids)
		return peer_fail(pc, WLK_ERR_INVALID, "streams have ids");
	err = copy_streams(&streams, stream_ids, stream_count);
	if (err)
		return peer_fail(pc, err, "the streams cannot be set");
	id_list_move(&sender->streams, &streams);
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

const char *wlk_rtp_sender_track_id(const wlk_rtp_sender *sender)
{
	return sender->track_id;
}

const char *const *wlk_rtp_sender_stream_ids(const wlk_rtp_sender *sender, size_t *count)
{
	return id_list_shown(&sender->streams, count);
}

/* ---- packets ---- */

/* R34: media leaves only after both descriptions are set and the transport is up; nothing waits for that. */
wlk_err peer_sending_allowed(const struct wlk_transceiver *t)
{
	wlk_peer_connection *pc = t->pc;

	if (pc->closed || t->stopping || !(t->current & WLK_DIRECTION_SENDONLY))
		return peer_fail(pc, WLK_ERR_STATE, "nothing is negotiated for sending");
	if (!t->transport || !t->transport->srtp)
		return peer_fail(pc, WLK_ERR_STATE, "the transport is not up");
	return WLK_OK;
}

wlk_err peer_after_send(wlk_peer_connection *pc, wlk_err err)
{
	if (err)
		return peer_fail(pc, err == WLK_ERR_NOT_FOUND ? WLK_ERR_INVALID : err, "the packet cannot be sent");
	peer_touch(pc);
	return WLK_OK;
}

wlk_err peer_find_layer(const struct wlk_transceiver *t, const char *rid, size_t *out)
{
	size_t layer = peer_encoding_by_rid(t, rid);

	if (layer == SIZE_MAX)
		return peer_fail(t->pc, WLK_ERR_NOT_FOUND, "no encoding has the rid %s", rid);
	if (!t->sender.encodings[layer].active)
		return peer_fail(t->pc, WLK_ERR_STATE, "the encoding is not active");
	*out = layer;
	return WLK_OK;
}

wlk_err wlk_rtp_sender_send_packet(wlk_rtp_sender *sender, const wlk_rtp_packet *packet)
{
	struct wlk_transceiver *t = sender->transceiver;
	struct rtp_send send;
	wlk_err err;
	size_t layer;

	RECORD(t->pc, record_send_packet(recorded, t, packet));
	err = peer_sending_allowed(t);
	if (!packet || (!packet->payload && packet->payload_size))
		return peer_fail(t->pc, WLK_ERR_INVALID, "a packet has a payload");
	if (err)
		return err;
	err = peer_find_layer(t, packet->rid, &layer);
	if (!err)
		err = peer_check_layer_type(t, layer, packet->payload_type);
	if (err)
		return err;
	if (packet->payload_size > 1200)
		return peer_fail(t->pc, WLK_ERR_INVALID, "a payload of %zu bytes does not fit a datagram", packet->payload_size);
	peer_refresh_now(t->pc);
	send = (struct rtp_send){
		.pt = packet->payload_type,
		.marker = packet->marker,
		.timestamp = packet->timestamp,
		.seq = packet->keep_gaps ? (int64_t)packet->sequence : MEDIA_SEQ_NEXT,
		.payload = { packet->payload, packet->payload_size },
		.layer = layer,
	};
	return peer_after_send(t->pc, media_engine_send_rtp(peer_transceiver_media(t), t->pc->now, t->section, &send));
}

wlk_err wlk_rtp_sender_forward(wlk_rtp_sender *sender, const wlk_rtp_packet *packet)
{
	struct wlk_transceiver *t = sender->transceiver;
	wlk_err err;
	size_t layer;

	RECORD(t->pc, record_transceiver_call(recorded, RECORD_FORWARD, t, packet && packet->internal, 1));
	err = peer_sending_allowed(t);
	if (err)
		return err;
	if (!packet || !packet->internal)
		return peer_fail(t->pc, WLK_ERR_INVALID, "the packet was not received on a connection");
	err = peer_find_layer(t, peer_encoding_by_rid(t, packet->rid) == SIZE_MAX ? NULL : packet->rid, &layer);
	if (err)
		return err;
	peer_refresh_now(t->pc);
	return peer_after_send(t->pc, media_engine_forward(peer_transceiver_media(t), t->pc->now, packet->internal, t->section, layer));
}

wlk_transceiver *wlk_rtp_sender_transceiver(const wlk_rtp_sender *sender)
{
	return sender->transceiver;
}

uint32_t wlk_rtp_sender_ssrc(const wlk_rtp_sender *sender)
{
	return sender->encodings[0].ssrc;
}
