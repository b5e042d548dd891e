/* Transceivers with their sender and receiver: what the application holds of an m-section. */
#include "core/rand.h"
#include "peer/object.h"

/* A track id that no other peer has. */
static char *random_id(void)
{
	char id[25];

	return rand_ice_chars(id, sizeof(id) - 1) ? NULL : wlk_strdup(id);
}

void peer_transceiver_free(struct wlk_transceiver *t)
{
	list_remove(&t->link);
	wlk_free(t->mid);
	wlk_free(t->stream_id);
	wlk_free(t->track_id);
	wlk_free(t->remote_stream_id);
	wlk_free(t->remote_track_id);
	wlk_free(t);
}

wlk_err peer_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind, wlk_direction direction, struct wlk_transceiver **out)
{
	struct wlk_transceiver *t = wlk_calloc(1, sizeof(*t));
	wlk_err err = WLK_ERR_NOMEM;

	if (!t)
		return WLK_ERR_NOMEM;
	list_init(&t->link);
	t->pc = pc;
	t->kind = kind;
	t->direction = direction;
	t->section = SIZE_MAX;
	t->sender.transceiver = t;
	t->receiver.transceiver = t;
	t->track_id = random_id();
	if (!t->track_id)
		goto fail;
	err = media_engine_pick_ssrc(pc->transport->media, &t->ssrc);
	if (!err && kind == WLK_MEDIA_VIDEO)
		err = media_engine_pick_ssrc(pc->transport->media, &t->rtx_ssrc);
	if (err)
		goto fail;
	list_push_back(&pc->transceivers, &t->link);
	*out = t;
	return WLK_OK;
fail:
	peer_transceiver_free(t);
	return err;
}

static wlk_err replace_text(char **place, const char *text)
{
	char *copy = wlk_strdup(text);

	if (!copy)
		return WLK_ERR_NOMEM;
	wlk_free(*place);
	*place = copy;
	return WLK_OK;
}

/* R33: an id goes into a=msid as it is, so that a line end or a blank in it would be a line or a field of its own. */
static bool is_media_id(const char *id)
{
	size_t size = 0;

	if (!id)
		return true;
	while (id[size] > ' ' && id[size] <= '~' && size <= 256)
		size++;
	return size && size <= 256 && !id[size];
}

wlk_err wlk_peer_connection_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind, const wlk_transceiver_init *init,
					    wlk_transceiver **out)
{
	wlk_direction direction = init ? init->direction : WLK_DIRECTION_SENDRECV;
	struct wlk_transceiver *t = NULL;
	wlk_err err;

	if (!out || (init && init->struct_size != sizeof(*init)))
		return peer_fail(pc, WLK_ERR_INVALID, "a transceiver needs a place for its handle, and WLK_TRANSCEIVER_INIT");
	if (kind != WLK_MEDIA_AUDIO && kind != WLK_MEDIA_VIDEO)
		return peer_fail(pc, WLK_ERR_INVALID, "kind %d is neither audio nor video", (int)kind);
	if (direction < WLK_DIRECTION_INACTIVE || direction > WLK_DIRECTION_SENDRECV)
		return peer_fail(pc, WLK_ERR_INVALID, "direction %d is none", (int)direction);
	if (init && (!is_media_id(init->stream_id) || !is_media_id(init->track_id)))
		return peer_fail(pc, WLK_ERR_INVALID, "stream and track ids are 1 to 256 visible ASCII characters without blanks");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	err = peer_add_transceiver(pc, kind, direction, &t);
	if (!err && init && init->stream_id)
		err = replace_text(&t->stream_id, init->stream_id);
	if (!err && init && init->track_id)
		err = replace_text(&t->track_id, init->track_id);
	if (err) {
		if (t)
			peer_transceiver_free(t);
		return peer_fail(pc, err, "the transceiver cannot be made");
	}
	*out = t;
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

struct wlk_transceiver *peer_transceiver_by_mid(const wlk_peer_connection *pc, struct str mid)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->mid && str_equal(str_of(t->mid), mid))
			return t;
	}
	return NULL;
}

struct wlk_transceiver *peer_transceiver_by_section(const wlk_peer_connection *pc, size_t section)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->section == section)
			return t;
	}
	return NULL;
}

struct media_engine *peer_transceiver_media(const struct wlk_transceiver *t)
{
	return (t->transport ? t->transport : t->pc->transport)->media;
}

size_t wlk_peer_connection_transceiver_count(const wlk_peer_connection *pc)
{
	size_t count = 0;

	list_for_each(item, &pc->transceivers)
		count++;
	return count;
}

wlk_transceiver *wlk_peer_connection_transceiver(const wlk_peer_connection *pc, size_t index)
{
	list_for_each(item, &pc->transceivers)
	{
		if (index-- == 0)
			return list_entry(item, struct wlk_transceiver, link);
	}
	return NULL;
}

wlk_media_kind wlk_transceiver_kind(const wlk_transceiver *transceiver)
{
	return transceiver->kind;
}

const char *wlk_transceiver_mid(const wlk_transceiver *transceiver)
{
	return transceiver->mid;
}

wlk_direction wlk_transceiver_direction(const wlk_transceiver *transceiver)
{
	return transceiver->stopped ? WLK_DIRECTION_STOPPED : transceiver->direction;
}

wlk_err wlk_transceiver_set_direction(wlk_transceiver *transceiver, wlk_direction direction)
{
	wlk_peer_connection *pc = transceiver->pc;

	if (transceiver->stopped || pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (direction < WLK_DIRECTION_INACTIVE || direction > WLK_DIRECTION_SENDRECV)
		return peer_fail(pc, WLK_ERR_INVALID, "direction %d is none", (int)direction);
	transceiver->direction = direction;
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

wlk_direction wlk_transceiver_current_direction(const wlk_transceiver *transceiver)
{
	return transceiver->stopped ? WLK_DIRECTION_STOPPED : transceiver->current;
}

wlk_rtp_sender *wlk_transceiver_sender(wlk_transceiver *transceiver)
{
	return &transceiver->sender;
}

wlk_rtp_receiver *wlk_transceiver_receiver(wlk_transceiver *transceiver)
{
	return &transceiver->receiver;
}

wlk_peer_connection *wlk_transceiver_peer_connection(const wlk_transceiver *transceiver)
{
	return transceiver->pc;
}

void wlk_transceiver_set_user(wlk_transceiver *transceiver, void *user)
{
	transceiver->user = user;
}

void *wlk_transceiver_user(const wlk_transceiver *transceiver)
{
	return transceiver->user;
}

/* R34: media leaves only after both descriptions are set and the transport is up; nothing waits for that. */
static wlk_err sending_allowed(const struct wlk_transceiver *t)
{
	wlk_peer_connection *pc = t->pc;

	if (pc->closed || t->stopped || !(t->current & WLK_DIRECTION_SENDONLY))
		return peer_fail(pc, WLK_ERR_STATE, "nothing is negotiated for sending");
	if (!t->transport || !t->transport->srtp)
		return peer_fail(pc, WLK_ERR_STATE, "the transport is not up");
	return WLK_OK;
}

static wlk_err after_send(wlk_peer_connection *pc, wlk_err err)
{
	if (err)
		return peer_fail(pc, err == WLK_ERR_NOT_FOUND ? WLK_ERR_INVALID : err, "the packet cannot be sent");
	peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_rtp_sender_send_packet(wlk_rtp_sender *sender, const wlk_rtp_packet *packet)
{
	struct wlk_transceiver *t = sender->transceiver;
	wlk_err err = sending_allowed(t);
	struct rtp_send send;

	if (!packet || (!packet->payload && packet->payload_size))
		return peer_fail(t->pc, WLK_ERR_INVALID, "a packet has a payload");
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
	};
	return after_send(t->pc, media_engine_send_rtp(peer_transceiver_media(t), t->pc->now, t->section, &send));
}

wlk_err wlk_rtp_sender_forward(wlk_rtp_sender *sender, const wlk_rtp_packet *packet)
{
	struct wlk_transceiver *t = sender->transceiver;
	wlk_err err = sending_allowed(t);

	if (err)
		return err;
	if (!packet || !packet->internal)
		return peer_fail(t->pc, WLK_ERR_INVALID, "the packet was not received on a connection");
	peer_refresh_now(t->pc);
	return after_send(t->pc, media_engine_forward(peer_transceiver_media(t), t->pc->now, packet->internal, t->section));
}

wlk_err wlk_rtp_receiver_request_key_frame(wlk_rtp_receiver *receiver)
{
	struct wlk_transceiver *t = receiver->transceiver;
	wlk_err err;

	if (t->pc->closed || t->section == SIZE_MAX)
		return peer_fail(t->pc, WLK_ERR_STATE, "nothing is received on this transceiver");
	peer_refresh_now(t->pc);
	err = media_engine_request_key_frame(peer_transceiver_media(t), t->pc->now, t->section);
	if (err)
		return peer_fail(t->pc, err, "no key frame can be asked for");
	peer_touch(t->pc);
	return WLK_OK;
}

wlk_transceiver *wlk_rtp_sender_transceiver(const wlk_rtp_sender *sender)
{
	return sender->transceiver;
}

wlk_transceiver *wlk_rtp_receiver_transceiver(const wlk_rtp_receiver *receiver)
{
	return receiver->transceiver;
}

uint32_t wlk_rtp_sender_ssrc(const wlk_rtp_sender *sender)
{
	return sender->transceiver->ssrc;
}
