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
	wlk_free(t->sender.track_id);
	wlk_free(t->sender.msid_track);
	id_list_free(&t->sender.streams);
	wlk_free(t->receiver.track_id);
	id_list_free(&t->receiver.streams);
	id_list_free(&t->receiver.stable_streams);
	id_list_free(&t->receiver.left);
	wlk_free(t->sender.lent);
	wlk_free(t->receiver.lent);
	peer_raw_forget(t);
	peer_dtmf_free(&t->sender.dtmf);
	wlk_free(t);
}

wlk_err peer_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind, wlk_direction direction, struct wlk_transceiver **out)
{
	struct wlk_transceiver *t = pc->retired_count < PEER_RETIRED_MAX ? wlk_calloc(1, sizeof(*t)) : NULL;
	wlk_err err = WLK_ERR_NOMEM;

	if (!t)
		return pc->retired_count < PEER_RETIRED_MAX ? WLK_ERR_NOMEM : WLK_ERR_NOSPACE;
	list_init(&t->link);
	t->pc = pc;
	t->number = pc->next_transceiver++;
	t->kind = kind;
	t->direction = direction;
	t->current = t->fired = t->stable_fired = WLK_DIRECTION_NONE;
	t->section = SIZE_MAX;
	t->sender.transceiver = t;
	t->receiver.transceiver = t;
	t->sender.msid_track = random_id();
	if (!t->sender.msid_track)
		goto fail;
	peer_preferences_init(pc, &t->preferences);
	peer_dtmf_init(&t->sender.dtmf);
	err = peer_encodings_init(t);
	if (err)
		goto fail;
	list_push_back(&pc->transceivers, &t->link);
	*out = t;
	return WLK_OK;
fail:
	peer_transceiver_free(t);
	return err;
}

wlk_err peer_replace_text(char **place, const char *text)
{
	char *copy = wlk_strdup(text);

	if (!copy)
		return WLK_ERR_NOMEM;
	wlk_free(*place);
	*place = copy;
	return WLK_OK;
}

/* An id goes into a=msid as it is, so that a line end or a blank in it would be a line or a field of its own. */
bool peer_is_media_id(const char *id)
{
	size_t size = 0;

	if (!id)
		return false;
	while (id[size] > ' ' && id[size] <= '~' && size <= 256)
		size++;
	return size && size <= 256 && !id[size];
}

static bool ids_are_fine(const wlk_transceiver_init *init)
{
	bool fine = (!init->stream_id || peer_is_media_id(init->stream_id)) && (!init->track_id || peer_is_media_id(init->track_id));

	if (!init->stream_ids)
		return fine && !init->stream_count;
	for (size_t i = 0; fine && i < init->stream_count; i++)
		fine = peer_is_media_id(init->stream_ids[i]);
	return fine;
}

static wlk_err take_ids(struct wlk_transceiver *t, const wlk_transceiver_init *init)
{
	wlk_err err = WLK_OK;

	if (init->track_id)
		err = peer_replace_text(&t->sender.track_id, init->track_id);
	if (!err && init->track_id)
		err = peer_replace_text(&t->sender.msid_track, init->track_id);
	if (!err && init->stream_id)
		return id_list_add(&t->sender.streams, str_of(init->stream_id));
	for (size_t i = 0; !err && i < init->stream_count; i++)
		err = id_list_add(&t->sender.streams, str_of(init->stream_ids[i]));
	return err;
}

wlk_err wlk_peer_connection_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind, const wlk_transceiver_init *init,
					    wlk_transceiver **out)
{
	wlk_direction direction = init ? init->direction : WLK_DIRECTION_SENDRECV;
	struct wlk_transceiver *t = NULL;
	wlk_err err;

	RECORD(pc, record_add_transceiver(recorded, pc, kind, init, out != NULL));
	if (!out || (init && init->struct_size != sizeof(*init)))
		return peer_fail(pc, WLK_ERR_INVALID, "a transceiver needs a place for its handle, and WLK_TRANSCEIVER_INIT");
	if (kind != WLK_MEDIA_AUDIO && kind != WLK_MEDIA_VIDEO)
		return peer_fail(pc, WLK_ERR_INVALID, "kind %d is neither audio nor video", (int)kind);
	if (direction < WLK_DIRECTION_INACTIVE || direction > WLK_DIRECTION_SENDRECV)
		return peer_fail(pc, WLK_ERR_INVALID, "direction %d is none", (int)direction);
	if (init && !ids_are_fine(init))
		return peer_fail(pc, WLK_ERR_INVALID, "stream and track ids are 1 to 256 visible ASCII characters without blanks");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	err = init ? peer_encodings_check(pc, kind, init->send_encodings, init->send_encoding_count) : WLK_OK;
	if (err)
		return err;
	err = peer_add_transceiver(pc, kind, direction, &t);
	if (!err && init)
		err = take_ids(t, init);
	if (!err && init && init->send_encoding_count)
		err = peer_encodings_set(t, init->send_encodings, init->send_encoding_count);
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

/* ---- stopping ---- */

/* W3C 5.4 "stop sending and receiving". */
static void stop_sending_and_receiving(struct wlk_transceiver *t)
{
	t->receiver.tell_ended = !t->receiver.ended;
	t->receiver.ended = true;
	t->direction = WLK_DIRECTION_INACTIVE;
	t->stopping = true;
}

void peer_transceiver_stop(struct wlk_transceiver *t)
{
	if (!t->stopping)
		stop_sending_and_receiving(t);
	t->stopped = true;
	t->current = WLK_DIRECTION_NONE;
}

void peer_transceiver_retire(struct wlk_transceiver *t)
{
	assert(t->stopped && "only what is stopped leaves the set of transceivers");
	wlk_free(t->mid);
	t->mid = NULL;
	t->mid_is_pending = false;
	t->section = SIZE_MAX;
	t->transport = NULL;
	list_remove(&t->link);
	list_push_back(&t->pc->retired, &t->link);
	t->pc->retired_count++;
}

wlk_err wlk_transceiver_stop(wlk_transceiver *transceiver)
{
	wlk_peer_connection *pc = transceiver->pc;

	RECORD(pc, record_transceiver_call(recorded, RECORD_STOP_TRANSCEIVER, transceiver, 0, 0));
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (transceiver->stopping)
		return WLK_OK;
	stop_sending_and_receiving(transceiver);
	peer_tell_tracks(pc);
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

/* ---- the set of transceivers ---- */

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
	return transceiver->stopping ? WLK_DIRECTION_STOPPED : transceiver->direction;
}

wlk_err wlk_transceiver_set_direction(wlk_transceiver *transceiver, wlk_direction direction)
{
	wlk_peer_connection *pc = transceiver->pc;

	RECORD(pc, record_transceiver_call(recorded, RECORD_SET_DIRECTION, transceiver, (uint32_t)direction, 4));
	if (transceiver->stopping || pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (direction < WLK_DIRECTION_INACTIVE || direction > WLK_DIRECTION_SENDRECV)
		return peer_fail(pc, WLK_ERR_INVALID, "direction %d is none", (int)direction);
	if (direction == transceiver->direction)
		return WLK_OK;
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

/* ---- receiver ---- */

wlk_err wlk_rtp_receiver_request_key_frame(wlk_rtp_receiver *receiver)
{
	struct wlk_transceiver *t = receiver->transceiver;
	wlk_err err;

	RECORD(t->pc, record_transceiver_call(recorded, RECORD_REQUEST_KEY_FRAME, t, 0, 0));
	if (t->pc->closed || t->stopping || t->section == SIZE_MAX)
		return peer_fail(t->pc, WLK_ERR_STATE, "nothing is received on this transceiver");
	peer_refresh_now(t->pc);
	err = media_engine_request_key_frame(peer_transceiver_media(t), t->pc->now, t->section);
	if (err)
		return peer_fail(t->pc, err, "no key frame can be asked for");
	peer_touch(t->pc);
	return WLK_OK;
}

wlk_transceiver *wlk_rtp_receiver_transceiver(const wlk_rtp_receiver *receiver)
{
	return receiver->transceiver;
}

const char *wlk_rtp_receiver_track_id(const wlk_rtp_receiver *receiver)
{
	return receiver->track_id ? receiver->track_id : "";
}

const char *const *wlk_rtp_receiver_stream_ids(const wlk_rtp_receiver *receiver, size_t *count)
{
	return id_list_shown(&receiver->streams, count);
}
