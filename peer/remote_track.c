/* The tracks that the far end sends: what descriptions do to them, and the events that tell it (W3C webrtc-pc 4.4.1.5, 5.1). */
#include <string.h>

#include "peer/object.h"

/* ---- what changes ---- */

/* Between two stable states the streams of the first are kept: a rollback goes back to them. */
static void replace_streams(wlk_rtp_receiver *receiver, struct id_list *streams)
{
	if (!receiver->streams_changed)
		id_list_move(&receiver->stable_streams, &receiver->streams);
	receiver->streams_changed = true;
	id_list_move(&receiver->streams, streams);
}

/* W3C "set the associated remote streams"; answers whether the track came into a stream. |streams| is taken over. */
static bool set_streams(wlk_peer_connection *pc, wlk_rtp_receiver *receiver, struct id_list *streams)
{
	bool added = false;

	for (size_t i = 0; i < streams->count; i++)
		added |= !id_list_has(&receiver->streams, str_of(streams->at[i]));
	for (size_t i = 0; i < receiver->streams.count; i++)
		if (!id_list_has(streams, str_of(receiver->streams.at[i])) && id_list_add(&receiver->left, str_of(receiver->streams.at[i])))
			LOG_W(pc, "no memory to tell which stream a track left");
	if (added || receiver->streams.count != streams->count)
		replace_streams(receiver, streams);
	else
		id_list_free(streams);
	return added;
}

/* W3C "process the removal of a remote track". */
static void process_removal(struct wlk_transceiver *t)
{
	struct id_list none = { 0 };

	set_streams(t->pc, &t->receiver, &none);
	if (t->fired & WLK_DIRECTION_RECVONLY)
		t->receiver.tell_mute = true;
	t->receiver.flows = false;
}

static void add_stream(wlk_peer_connection *pc, struct id_list *streams, struct str stream)
{
	if (stream.size && !str_equal(stream, STR("-")) && id_list_add(streams, stream))
		LOG_W(pc, "no memory for the id of a stream");
}

static void take_track_id(wlk_rtp_receiver *receiver, struct str track)
{
	char *copy = track.size ? wlk_strndup(track.at, track.size) : NULL;

	if (!copy)
		return; /* the track keeps the id that it has, if any */
	wlk_free(receiver->track_id);
	receiver->track_id = copy;
}

/* The ids of a=msid or, of older stacks, of the first a=ssrc line that has one. */
static void read_ids(wlk_peer_connection *pc, wlk_rtp_receiver *receiver, const struct sdp_media *media, struct id_list *streams)
{
	for (size_t i = 0; i < media->msid_count; i++)
		add_stream(pc, streams, media->msids[i].stream);
	if (media->msid_count)
		take_track_id(receiver, media->msids[0].track);
	for (size_t i = 0; i < media->ssrc_count && !media->msid_count; i++) {
		struct str track = media->ssrcs[i].msid;

		if (!track.size)
			continue;
		add_stream(pc, streams, str_word(&track));
		take_track_id(receiver, str_trim(track));
		return;
	}
}

static void process_section(struct wlk_transceiver *t, const struct sdp_session *remote, const struct sdp_media *media)
{
	enum sdp_direction direction = sdp_direction_reverse(sdp_media_direction(remote, media));
	struct id_list streams = { 0 };

	if (direction & SDP_RECVONLY) {
		read_ids(t->pc, &t->receiver, media, &streams);
		if (set_streams(t->pc, &t->receiver, &streams) || !(t->fired & WLK_DIRECTION_RECVONLY))
			t->receiver.tell_track = true;
	} else {
		process_removal(t);
	}
	t->fired = (wlk_direction)direction;
}

void peer_process_remote_tracks(wlk_peer_connection *pc, const struct sdp_session *remote)
{
	for (size_t i = 0; i < remote->media_count; i++) {
		struct wlk_transceiver *t = peer_transceiver_by_section(pc, i);

		if (!t || t->stopped)
			continue;
		if (sdp_media_rejected(remote->media[i]))
			peer_transceiver_stop(t);
		else if (!t->stopping)
			process_section(t, remote, remote->media[i]);
	}
}

void peer_process_local_directions(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->stopping || t->current == WLK_DIRECTION_NONE)
			continue;
		if (!(t->current & WLK_DIRECTION_RECVONLY))
			process_removal(t);
		t->fired = t->current;
	}
}

void peer_roll_back_remote_track(struct wlk_transceiver *t)
{
	wlk_rtp_receiver *receiver = &t->receiver;
	bool is_back = !t->mid_is_pending && (t->stable_fired & ~t->fired & WLK_DIRECTION_RECVONLY);

	if (receiver->streams_changed) {
		struct id_list stable = receiver->stable_streams;

		receiver->stable_streams = (struct id_list){ 0 };
		is_back |= set_streams(t->pc, receiver, &stable);
		receiver->streams_changed = false;
		id_list_free(&receiver->stable_streams);
	}
	if (t->fired & ~t->stable_fired & WLK_DIRECTION_RECVONLY)
		receiver->tell_mute = true;
	receiver->tell_track = is_back; /* it was told to have gone, or to have left a stream */
	t->fired = t->stable_fired;
}

void peer_keep_remote_tracks(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		t->stable_fired = t->fired;
		t->receiver.streams_changed = false;
		id_list_free(&t->receiver.stable_streams);
	}
}

/* ---- telling it ---- */

static char *put_text(char **at, const char *text)
{
	char *start = *at;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*at += size;
	return start;
}

/* One block lends the ids: the array of pointers first, the characters behind it. */
static void tell(wlk_peer_connection *pc, wlk_event_type type, struct wlk_transceiver *t, const struct id_list *streams)
{
	const char *track = t->receiver.track_id ? t->receiver.track_id : "";
	size_t size = streams->count * sizeof(char *) + strlen(track) + 1;
	wlk_event ev = { .type = type };
	char **ids;
	char *at;

	for (size_t i = 0; i < streams->count; i++)
		size += strlen(streams->at[i]) + 1;
	ids = wlk_malloc(size);
	if (!ids) {
		pc->events_lost = true;
		return;
	}
	at = (char *)(ids + streams->count);
	ev.u.track.transceiver = t;
	ev.u.track.track_id = put_text(&at, track);
	for (size_t i = 0; i < streams->count; i++)
		ids[i] = put_text(&at, streams->at[i]);
	ev.u.track.stream_ids = (const char *const *)ids;
	ev.u.track.stream_count = streams->count;
	ev.u.track.stream_id = streams->count ? ids[0] : "";
	peer_emit_text(pc, ev, (char *)ids);
}

static void tell_ended_and_mute(wlk_peer_connection *pc, struct list *transceivers)
{
	static const struct id_list none;

	list_for_each(item, transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->receiver.tell_mute)
			tell(pc, WLK_EVENT_TRACK_MUTE, t, &none);
		if (t->receiver.left.count)
			tell(pc, WLK_EVENT_REMOVE_TRACK, t, &t->receiver.left);
		if (t->receiver.tell_ended)
			tell(pc, WLK_EVENT_TRACK_ENDED, t, &none);
		t->receiver.tell_mute = t->receiver.tell_ended = false;
		id_list_free(&t->receiver.left);
	}
}

void peer_tell_tracks(wlk_peer_connection *pc)
{
	tell_ended_and_mute(pc, &pc->retired);
	tell_ended_and_mute(pc, &pc->transceivers);
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->receiver.tell_track)
			tell(pc, WLK_EVENT_TRACK, t, &t->receiver.streams);
		t->receiver.tell_track = false;
	}
}

void peer_tell_flow(struct wlk_transceiver *t)
{
	static const struct id_list none;

	tell(t->pc, t->receiver.flows ? WLK_EVENT_TRACK_UNMUTE : WLK_EVENT_TRACK_MUTE, t, &none);
}
