#include "driven.h"

#include <stdlib.h>
#include <string.h>

#include "apps/echo/echo.h"
#include "apps/echo/layers.h"
#include "counted.h"

struct driven {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	driven_answer_fn answer;
	struct counted *counted;
	json_t *waiting; /* the call "local" whose description is not complete yet */
	json_t *tones;   /* of WLK_EVENT_TONE_CHANGE, in order */
	/* What comes in on the first is sent on the second too, so that we send where nothing comes in. */
	wlk_transceiver *route_from, *route_to;
	unsigned negotiation_needed;
};

/* ---- answers ---- */

static void answer(struct driven *d, const json_t *call, json_t *result)
{
	if (!result)
		result = json_object();
	(void)!json_object_set(result, "id", json_object_get(call, "id"));
	(void)!json_object_set_new(result, "type", json_string("done"));
	d->answer(result);
}

static json_t *failure(const struct driven *d, wlk_err err)
{
	const char *story = wlk_last_error(d->pc);

	return json_pack("{s:s, s:i}", "error", *story ? story : wlk_strerror(err), "code", (int)err);
}

static json_t *result_of(const struct driven *d, wlk_err err)
{
	return err ? failure(d, err) : NULL;
}

static const char *text(const json_t *call, const char *key)
{
	return json_string_value(json_object_get(call, key));
}

static wlk_transceiver *transceiver_of(const struct driven *d, const json_t *call, const char *key)
{
	const char *mid = text(call, key);

	for (size_t i = 0; mid && i < wlk_peer_connection_transceiver_count(d->pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(d->pc, i);

		if (wlk_transceiver_mid(t) && !strcmp(wlk_transceiver_mid(t), mid))
			return t;
	}
	return NULL;
}

/* ---- descriptions ---- */

static json_t *local_description(const struct driven *d)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(d->pc);

	return local ? json_pack("{s:s, s:s}", "kind", wlk_sdp_type_name(local->type), "sdp", local->sdp) : NULL;
}

static void when_gathered(struct driven *d)
{
	json_t *call = d->waiting;

	if (!call || wlk_peer_connection_ice_gathering_state(d->pc) != WLK_ICE_GATHERING_COMPLETE)
		return;
	d->waiting = NULL;
	answer(d, call, local_description(d));
	json_decref(call);
}

static void call_local(struct driven *d, const json_t *call)
{
	wlk_err err = wlk_peer_connection_set_local_description(d->pc, NULL);

	if (err) {
		answer(d, call, failure(d, err));
		return;
	}
	layers_set_levels(d->pc);
	json_decref(d->waiting);
	d->waiting = json_deep_copy(call);
	when_gathered(d);
}

static json_t *remote(struct driven *d, const json_t *call)
{
	const char *kind = text(call, "kind");
	bool is_offer = kind && !strcmp(kind, "offer");
	const wlk_session_description description = { is_offer ? WLK_SDP_OFFER : WLK_SDP_ANSWER, text(call, "sdp") };
	wlk_err err;

	/* W3C webrtc-pc 10.7: the impolite peer takes no offer while its own waits. */
	if (is_offer && json_is_true(json_object_get(call, "impolite")) &&
	    wlk_peer_connection_signaling_state(d->pc) != WLK_SIGNALING_STABLE)
		return json_pack("{s:b}", "ignored", 1);
	err = wlk_peer_connection_set_remote_description(d->pc, &description);
	if (!err && is_offer && json_is_true(json_object_get(call, "wish")))
		echo_wish_directions(d->pc);
	if (!err)
		layers_accept(d->pc);
	if (!err)
		layers_set_levels(d->pc);
	return result_of(d, err);
}

static json_t *rollback(struct driven *d, const json_t *call)
{
	const wlk_session_description description = { WLK_SDP_ROLLBACK, NULL };

	(void)call;
	return result_of(d, wlk_peer_connection_set_local_description(d->pc, &description));
}

static json_t *restart_ice(struct driven *d, const json_t *call)
{
	(void)call;
	return result_of(d, wlk_peer_connection_restart_ice(d->pc));
}

/* ---- transceivers ---- */

static wlk_media_kind kind_of(const json_t *call)
{
	return text(call, "kind") && !strcmp(text(call, "kind"), "audio") ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO;
}

static wlk_direction direction_of(const json_t *call)
{
	static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
	const char *name = text(call, "direction");

	for (int i = 0; name && i < 4; i++)
		if (!strcmp(names[i], name))
			return (wlk_direction)i;
	return WLK_DIRECTION_SENDRECV;
}

static const char *direction_name(wlk_direction direction)
{
	switch (direction) {
	case WLK_DIRECTION_INACTIVE:
		return "inactive";
	case WLK_DIRECTION_SENDONLY:
		return "sendonly";
	case WLK_DIRECTION_RECVONLY:
		return "recvonly";
	case WLK_DIRECTION_SENDRECV:
		return "sendrecv";
	case WLK_DIRECTION_STOPPED:
		return "stopped";
	default:
		return NULL;
	}
}

static json_t *add_track(struct driven *d, const json_t *call)
{
	const char *stream = text(call, "stream");

	return result_of(d, wlk_peer_connection_add_track(d->pc, kind_of(call), text(call, "track"), &stream, stream != NULL, NULL));
}

/* {"rids": [...]}: simulcast. */
static json_t *add_transceiver(struct driven *d, const json_t *call)
{
	wlk_rtp_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *t;
	size_t i;
	json_t *rid;

	json_array_foreach(json_object_get(call, "rids"), i, rid)
	{
		if (i == WLK_RTP_ENCODINGS_MAX)
			break;
		encodings[i] = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
		encodings[i].rid = json_string_value(rid);
		init.send_encoding_count = i + 1;
	}
	init.send_encodings = encodings;
	init.direction = direction_of(call);
	init.track_id = text(call, "track");
	return result_of(d, wlk_peer_connection_add_transceiver(d->pc, kind_of(call), &init, &t));
}

static json_t *remove_track(struct driven *d, const json_t *call)
{
	wlk_transceiver *t = transceiver_of(d, call, "mid");

	return result_of(d, t ? wlk_peer_connection_remove_track(d->pc, wlk_transceiver_sender(t)) : WLK_ERR_NOT_FOUND);
}

static json_t *set_direction(struct driven *d, const json_t *call)
{
	wlk_transceiver *t = transceiver_of(d, call, "mid");

	return result_of(d, t ? wlk_transceiver_set_direction(t, direction_of(call)) : WLK_ERR_NOT_FOUND);
}

static json_t *stop(struct driven *d, const json_t *call)
{
	wlk_transceiver *t = transceiver_of(d, call, "mid");

	return result_of(d, t ? wlk_transceiver_stop(t) : WLK_ERR_NOT_FOUND);
}

static json_t *route(struct driven *d, const json_t *call)
{
	d->route_from = transceiver_of(d, call, "from");
	d->route_to = transceiver_of(d, call, "to");
	if (d->route_from && d->route_to)
		(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(d->route_from));
	return NULL;
}

/* ---- telephone events ---- */

static json_t *insert_dtmf(struct driven *d, const json_t *call)
{
	wlk_transceiver *t = transceiver_of(d, call, "mid");
	uint32_t duration = (uint32_t)json_integer_value(json_object_get(call, "duration"));
	uint32_t gap = (uint32_t)json_integer_value(json_object_get(call, "gap"));

	if (!t)
		return result_of(d, WLK_ERR_NOT_FOUND);
	return result_of(d, wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), text(call, "tones"), duration, gap));
}

static json_t *keep_events(struct driven *d, const json_t *call)
{
	counted_keep_events(d->counted, (uint8_t)json_integer_value(json_object_get(call, "payloadType")));
	return NULL;
}

static json_t *tones(struct driven *d, const json_t *call)
{
	(void)call;
	return json_pack("{s:O}", "tones", d->tones);
}

/* ---- a look at it ---- */

static json_t *transceiver_json(wlk_transceiver *t)
{
	return json_pack("{s:s?, s:s, s:s?, s:s?}", "mid", wlk_transceiver_mid(t), "kind",
			 wlk_transceiver_kind(t) == WLK_MEDIA_AUDIO ? "audio" : "video", "direction",
			 direction_name(wlk_transceiver_direction(t)), "currentDirection",
			 direction_name(wlk_transceiver_current_direction(t)));
}

static json_t *state(struct driven *d, const json_t *call)
{
	json_t *list = json_array();

	(void)call;
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(d->pc); i++)
		(void)!json_array_append_new(list, transceiver_json(wlk_peer_connection_transceiver(d->pc, i)));
	return json_pack("{s:s, s:s, s:i, s:o}", "signalingState",
			 wlk_signaling_state_name(wlk_peer_connection_signaling_state(d->pc)), "connectionState",
			 wlk_connection_state_name(wlk_peer_connection_connection_state(d->pc)), "negotiationNeeded",
			 (int)d->negotiation_needed, "transceivers", list);
}

static json_t *received(struct driven *d, const json_t *call)
{
	(void)call;
	return json_pack("{s:o}", "sections", counted_json(d->counted));
}

static json_t *statistics(struct driven *d, const json_t *call)
{
	json_t *report;
	char *json;
	wlk_err err = wlk_peer_connection_stats_json(d->pc, &json);

	(void)call;
	if (err)
		return failure(d, err);
	report = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	wlk_secret_free(json);
	return json_pack("{s:o}", "report", report);
}

/* ---- all of them ---- */

void driven_call(struct driven *d, const json_t *call)
{
	static const struct {
		const char *name;
		json_t *(*make)(struct driven *d, const json_t *call);
	} calls[] = {
		{ "remote", remote },
		{ "rollback", rollback },
		{ "restartIce", restart_ice },
		{ "addTrack", add_track },
		{ "addTransceiver", add_transceiver },
		{ "removeTrack", remove_track },
		{ "direction", set_direction },
		{ "stop", stop },
		{ "route", route },
		{ "insertDTMF", insert_dtmf },
		{ "keepEvents", keep_events },
		{ "tones", tones },
		{ "state", state },
		{ "received", received },
		{ "stats", statistics },
	};
	const char *name = text(call, "do");

	if (name && !strcmp(name, "local")) {
		call_local(d, call);
		return;
	}
	for (size_t i = 0; name && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!strcmp(calls[i].name, name)) {
			answer(d, call, calls[i].make(d, call));
			return;
		}
	}
	answer(d, call, json_pack("{s:s}", "error", "there is no such call"));
}

/* ---- events ---- */

static void on_packet(struct driven *d, const wlk_event *event)
{
	wlk_transceiver *t = event->u.rtp.transceiver;

	counted_on_packet(d->counted, t, event->u.rtp.packet);
	if (t == d->route_from && d->route_to && (wlk_transceiver_current_direction(d->route_to) & WLK_DIRECTION_SENDONLY))
		(void)!wlk_rtp_sender_forward(wlk_transceiver_sender(d->route_to), event->u.rtp.packet);
	if (t != d->route_to) /* which has another source */
		echo_event(d->loop, event);
}

static void on_key_frame_request(struct driven *d, const wlk_event *event)
{
	if (event->u.key_frame == d->route_to && d->route_from)
		(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(d->route_from));
	else
		echo_event(d->loop, event);
}

static void on_event(const wlk_event *event, void *user)
{
	struct driven *d = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		when_gathered(d);
		break;
	case WLK_EVENT_NEGOTIATION_NEEDED:
		d->negotiation_needed++;
		break;
	case WLK_EVENT_RTP_PACKET:
		on_packet(d, event);
		break;
	case WLK_EVENT_FRAME:
		counted_on_frame(d->counted, event->u.frame.transceiver, event->u.frame.frame);
		echo_event(d->loop, event);
		break;
	case WLK_EVENT_KEY_FRAME_REQUEST:
		on_key_frame_request(d, event);
		break;
	case WLK_EVENT_TONE_CHANGE:
		(void)!json_array_append_new(d->tones, json_string(event->u.tone_change.tone));
		break;
	default:
		echo_event(d->loop, event);
		break;
	}
}

struct driven *driven_create(wlk_loop *loop, driven_answer_fn answer_fn)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct driven *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->loop = loop;
	d->answer = answer_fn;
	d->counted = counted_create();
	d->tones = json_array();
	config.allow_loopback = true;
	if (d->counted && !wlk_peer_connection_create(loop, &config, on_event, d, &d->pc))
		return d;
	driven_destroy(d);
	return NULL;
}

void driven_destroy(struct driven *d)
{
	if (!d)
		return;
	if (d->pc)
		echo_forget(d->pc);
	wlk_peer_connection_destroy(d->pc);
	counted_destroy(d->counted);
	json_decref(d->tones);
	json_decref(d->waiting);
	free(d);
}
