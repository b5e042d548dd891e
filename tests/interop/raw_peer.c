/*
 * Raw media at command: pushes the scene (tests/support/scene.h) and its sound into sources, and measures the scene that comes in.
 * A line of JSON is a call, {"do": NAME, "id": ...}, and is answered by one; end of input closes the connection.
 *
 *	tracks      {"codec": "VP8", "width", "height", "direction", "audio": false, "rtx": false, "encodings": [ENCODING...]}: one of each kind
 *	local       answers {"kind", "sdp"} when all candidates are in it
 *	remote      {"kind": "offer" or "answer", "sdp"}; what an offer has is received raw, all its layers too
 *	parameters  {"encodings": [ENCODING...]}: setParameters of the video
 *	insertDTMF  {"tones", "duration", "gap"}
 *	sum         {"number", "moment"}: the checksum of that picture of 640 by 480
 *	begin       measure from now on
 *	report      what raw_watch.h tells, {"targets": {rid: bit/s}, "tones": what came in, "stats": all statistics}
 *
 * ENCODING is {"rid", "scale", "active", "maxBitrate", "mode"}, all optional.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wirelark/wirelark.h>

#ifdef WLK_WITH_OPENH264
#include <wirelark_openh264.h>
#endif

#include "raw_show.h"
#include "raw_watch.h"
#include "tests/support/scene.h"

enum { TARGETS = 8, TONES = 64, WIDTH = 640, HEIGHT = 480 };

struct raw_peer {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_codec_set *codecs;
	wlk_transceiver *audio, *video;
	wlk_audio_sink *speaker;
	struct raw_show show;
	struct raw_watch *watch;
	json_t *waiting; /* the call "local" whose description is not complete yet */
	json_t *targets;
	char tones[TONES];
	wlk_timer *timer;
	wlk_time next_sound;
	bool shows, listens;
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- answers ---- */

static void say(const json_t *call, json_t *result)
{
	char *text;

	if (!result)
		result = json_object();
	(void)!json_object_set(result, "id", json_object_get(call, "id"));
	text = json_dumps(result, JSON_COMPACT);
	puts(text ? text : "{}");
	fflush(stdout);
	free(text);
	json_decref(result);
}

static json_t *result_of(const struct raw_peer *p, wlk_err err)
{
	const char *story = wlk_last_error(p->pc);

	return err ? json_pack("{s:s}", "error", *story ? story : wlk_strerror(err)) : NULL;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ---- in time ---- */

static void turn(void *user);

static void call_turn(struct raw_peer *p, wlk_time at, wlk_time now)
{
	p->timer = NULL;
	if (wlk_loop_call_later(p->loop, at > now ? at - now : 0, turn, p, &p->timer))
		exit(3);
}

static void pull_sound(struct raw_peer *p, wlk_time now)
{
	for (; p->next_sound <= now; p->next_sound += SHOW_SOUND_US) {
		int16_t pcm[SHOW_SAMPLES];

		wlk_audio_sink_pull(p->speaker, p->next_sound, pcm, SHOW_SAMPLES);
		raw_watch_sound(p->watch, pcm, SHOW_SAMPLES, p->next_sound + p->show.unix_us_at_zero);
	}
}

static void turn(void *user)
{
	struct raw_peer *p = user;
	wlk_time now = clock_us(CLOCK_MONOTONIC), at = now + SHOW_SOUND_US;

	if (p->listens) {
		pull_sound(p, now);
		at = p->next_sound;
	}
	if (p->shows) {
		wlk_time next = raw_show_turn(&p->show, now);

		at = at < next ? at : next;
	}
	call_turn(p, at, now);
}

static wlk_err begin_turns(struct raw_peer *p)
{
	wlk_time now = clock_us(CLOCK_MONOTONIC);

	if (!p->timer)
		call_turn(p, now, now);
	return WLK_OK;
}

/* ---- tracks ---- */

static bool is_wanted(const wlk_rtp_codec *c, const char *codec, bool rtx)
{
	const char *name = c->mime_type + strlen("video/");

	if (!strcmp(name, "rtx"))
		return rtx;
	/* Of H.264 what the plug-in encodes. */
	return !strcmp(name, codec) && (strcmp(name, "H264") || (strstr(c->sdp_fmtp_line, "packetization-mode=1") && strstr(c->sdp_fmtp_line, "42e01f")));
}

static void prefer(wlk_transceiver *t, const char *codec, bool rtx)
{
	static wlk_rtp_capabilities caps;
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	size_t count = 0;

	(void)!wlk_rtp_sender_capabilities(WLK_MEDIA_VIDEO, &caps);
	for (size_t i = 0; i < caps.codec_count; i++)
		if (is_wanted(&caps.codecs[i], codec, rtx))
			chosen[count++] = caps.codecs[i];
	(void)!wlk_transceiver_set_codec_preferences(t, chosen, count);
}

static void read_encoding(wlk_rtp_encoding *e, const json_t *wish)
{
	const json_t *rate = json_object_get(wish, "maxBitrate"), *scale = json_object_get(wish, "scale"), *active = json_object_get(wish, "active");

	e->active = active ? json_is_true(active) : e->active;
	e->scalability_mode = text(wish, "mode") ? text(wish, "mode") : e->scalability_mode;
	if (scale) {
		e->has_scale_resolution_down_by = true;
		e->scale_resolution_down_by = json_number_value(scale);
	}
	if (rate) {
		e->has_max_bitrate = true;
		e->max_bitrate = (uint64_t)json_integer_value(rate);
	}
}

static wlk_err receive(struct raw_peer *p, wlk_transceiver *t)
{
	wlk_rtp_receiver *receiver = wlk_transceiver_receiver(t);

	if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO)
		return wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_RAW);
	if (!p->listens)
		p->next_sound = clock_us(CLOCK_MONOTONIC);
	p->listens = true;
	return wlk_rtp_receiver_set_audio_sink(receiver, p->speaker);
}

static wlk_err add_video(struct raw_peer *p, const json_t *call, wlk_direction direction)
{
	wlk_rtp_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	const json_t *wish;
	size_t i;
	wlk_err err;

	json_array_foreach(json_object_get(call, "encodings"), i, wish)
	{
		if (i == WLK_RTP_ENCODINGS_MAX)
			break;
		encodings[i] = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
		encodings[i].rid = text(wish, "rid");
		read_encoding(&encodings[i], wish);
		init.send_encoding_count = i + 1;
	}
	init.send_encodings = encodings;
	init.direction = direction;
	init.track_id = "camera";
	init.stream_id = "scene";
	err = wlk_peer_connection_add_transceiver(p->pc, WLK_MEDIA_VIDEO, &init, &p->video);
	if (!err && text(call, "codec"))
		prefer(p->video, text(call, "codec"), !json_is_false(json_object_get(call, "rtx")));
	return err;
}

static wlk_err add_audio(struct raw_peer *p, wlk_direction direction)
{
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;

	init.direction = direction;
	init.track_id = "microphone";
	init.stream_id = "scene";
	return wlk_peer_connection_add_transceiver(p->pc, WLK_MEDIA_AUDIO, &init, &p->audio);
}

static uint32_t number(const json_t *call, const char *key, uint32_t otherwise)
{
	const json_t *value = json_object_get(call, key);

	return value ? (uint32_t)json_integer_value(value) : otherwise;
}

static json_t *tracks(struct raw_peer *p, const json_t *call)
{
	const char *name = text(call, "direction");
	wlk_direction direction = name && !strcmp(name, "sendonly") ? WLK_DIRECTION_SENDONLY : name && !strcmp(name, "recvonly") ?
					WLK_DIRECTION_RECVONLY : WLK_DIRECTION_SENDRECV;
	bool sound = !json_is_false(json_object_get(call, "audio"));
	wlk_err err = WLK_OK;

	if (sound)
		err = add_audio(p, direction);
	if (!err)
		err = add_video(p, call, direction);
	if (!err && (direction & WLK_DIRECTION_RECVONLY))
		err = receive(p, p->video);
	if (!err && sound && (direction & WLK_DIRECTION_RECVONLY))
		err = receive(p, p->audio);
	if (err || !(direction & WLK_DIRECTION_SENDONLY))
		return result_of(p, err ? err : begin_turns(p));
	if (!raw_show_begin(&p->show, number(call, "width", WIDTH), number(call, "height", HEIGHT), clock_us(CLOCK_MONOTONIC), p->show.unix_us_at_zero))
		return result_of(p, WLK_ERR_NOMEM);
	p->shows = true;
	err = wlk_rtp_sender_set_video_source(wlk_transceiver_sender(p->video), p->show.camera);
	if (!err && sound)
		err = wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(p->audio), p->show.microphone);
	return result_of(p, err ? err : begin_turns(p));
}

static json_t *parameters(struct raw_peer *p, const json_t *call)
{
	wlk_rtp_send_parameters now;
	wlk_err err = p->video ? wlk_rtp_sender_parameters(wlk_transceiver_sender(p->video), &now) : WLK_ERR_STATE;
	const json_t *wish;
	size_t i;

	if (err)
		return result_of(p, err);
	json_array_foreach(json_object_get(call, "encodings"), i, wish)
		if (i < now.encoding_count)
			read_encoding(&now.encodings[i], wish);
	return result_of(p, wlk_rtp_sender_set_parameters(wlk_transceiver_sender(p->video), &now));
}

static json_t *insert_dtmf(struct raw_peer *p, const json_t *call)
{
	return result_of(p, p->audio ? wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(p->audio), text(call, "tones"), number(call, "duration", 100),
								  number(call, "gap", 70)) :
				       WLK_ERR_STATE);
}

/* ---- descriptions ---- */

static void when_gathered(struct raw_peer *p)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(p->pc);
	json_t *call = p->waiting;

	if (!call || !local || wlk_peer_connection_ice_gathering_state(p->pc) != WLK_ICE_GATHERING_COMPLETE)
		return;
	p->waiting = NULL;
	say(call, json_pack("{s:s, s:s}", "kind", wlk_sdp_type_name(local->type), "sdp", local->sdp));
	json_decref(call);
}

static void local(struct raw_peer *p, const json_t *call)
{
	wlk_err err = wlk_peer_connection_set_local_description(p->pc, NULL);

	if (err) {
		say(call, result_of(p, err));
		return;
	}
	json_decref(p->waiting);
	p->waiting = json_deep_copy(call);
	when_gathered(p);
}

static json_t *remote(struct raw_peer *p, const json_t *call)
{
	bool is_offer = text(call, "kind") && !strcmp(text(call, "kind"), "offer");
	const wlk_session_description description = { is_offer ? WLK_SDP_OFFER : WLK_SDP_ANSWER, text(call, "sdp") };
	wlk_err err = wlk_peer_connection_set_remote_description(p->pc, &description);

	for (size_t i = 0; !err && is_offer && i < wlk_peer_connection_transceiver_count(p->pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(p->pc, i);

		if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO)
			err = wlk_transceiver_set_receive_simulcast(t, true, NULL, 0);
		if (!err)
			err = receive(p, t);
	}
	return result_of(p, err ? err : begin_turns(p));
}

/* ---- measuring ---- */

/* Whoever draws the scene in another language asks whether it is the same. */
static json_t *sum(struct raw_peer *p, const json_t *call)
{
	const struct scene_mark mark = { number(call, "number", 0), number(call, "moment", 0) };
	struct film picture;
	json_t *result;

	(void)p;
	film_init(&picture, WIDTH, HEIGHT);
	scene_draw(&picture, &mark);
	result = json_pack("{s:I}", "sum", (json_int_t)scene_sum(&picture));
	film_free(&picture);
	return result;
}

static json_t *begin(struct raw_peer *p, const json_t *call)
{
	(void)call;
	raw_watch_begin(p->watch);
	*p->tones = '\0';
	return NULL;
}

static json_t *report(struct raw_peer *p, const json_t *call)
{
	json_t *result = raw_watch_json(p->watch);
	char *json;

	(void)call;
	if (wlk_peer_connection_stats_json(p->pc, &json))
		return result;
	(void)!json_object_set_new(result, "stats", json_loads(json, JSON_REJECT_DUPLICATES, NULL));
	(void)!json_object_set(result, "targets", p->targets);
	(void)!json_object_set_new(result, "tones", json_string(p->tones));
	wlk_secret_free(json);
	return result;
}

/* ---- events and calls ---- */

static void on_tone(struct raw_peer *p, const wlk_event *event)
{
	size_t length = strlen(p->tones);

	if (event->u.dtmf.phase == WLK_DTMF_BEGIN && event->u.dtmf.tone && length + 1 < TONES) {
		p->tones[length] = event->u.dtmf.tone;
		p->tones[length + 1] = '\0';
	}
}

static void on_event(const wlk_event *event, void *user)
{
	struct raw_peer *p = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		when_gathered(p);
		break;
	case WLK_EVENT_VIDEO_FRAME:
		raw_watch_picture(p->watch, event->u.video.frame->rid ? event->u.video.frame->rid : "", event->u.video.frame, clock_us(CLOCK_REALTIME));
		break;
	case WLK_EVENT_TARGET_BITRATE:
		if (event->u.target_bitrate.transceiver == p->video)
			(void)!json_object_set_new(p->targets, event->u.target_bitrate.rid ? event->u.target_bitrate.rid : "",
						   json_integer((json_int_t)event->u.target_bitrate.bps));
		break;
	case WLK_EVENT_DTMF:
		on_tone(p, event);
		break;
	default:
		break;
	}
}

static void make_call(struct raw_peer *p, const json_t *call)
{
	static const struct {
		const char *name;
		json_t *(*make)(struct raw_peer *p, const json_t *call);
	} calls[] = {
		{ "tracks", tracks },
		{ "remote", remote },
		{ "parameters", parameters },
		{ "insertDTMF", insert_dtmf },
		{ "sum", sum },
		{ "begin", begin },
		{ "report", report },
	};
	const char *name = text(call, "do");

	if (name && !strcmp(name, "local")) {
		local(p, call);
		return;
	}
	for (size_t i = 0; name && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!strcmp(calls[i].name, name)) {
			say(call, calls[i].make(p, call));
			return;
		}
	}
	say(call, json_pack("{s:s}", "error", "there is no such call"));
}

/* ---- input ---- */

struct line {
	struct raw_peer *peer;
	json_t *call;
};

static void take_line(void *user)
{
	struct line *line = user;

	make_call(line->peer, line->call);
	json_decref(line->call);
	free(line);
}

static bool read_line(struct raw_peer *p, const char *input)
{
	struct line *line = calloc(1, sizeof(*line));

	if (!line)
		return false;
	line->peer = p;
	line->call = json_loads(input, 0, NULL);
	return json_is_object(line->call) && !wlk_loop_post(p->loop, take_line, line);
}

static void finish(void *user)
{
	struct raw_peer *p = user;

	wlk_timer_cancel(p->timer);
	wlk_peer_connection_destroy(p->pc);
	wlk_loop_stop(p->loop);
}

static bool start(struct raw_peer *p, bool plugin)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	p->show.unix_us_at_zero = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
	p->watch = raw_watch_create();
	p->targets = json_object();
	config.allow_loopback = true;
#ifdef WLK_WITH_OPENH264
	if (plugin && (wlk_codec_set_create(&p->codecs) || wlk_openh264_add(p->codecs)))
		return false;
	config.codecs = p->codecs;
#else
	if (plugin)
		return false;
#endif
	return p->watch && !wlk_loop_create(NULL, &p->loop) && !wlk_audio_sink_create(RAW_RATE, 1, &p->speaker) &&
	       !wlk_peer_connection_create(p->loop, &config, on_event, p, &p->pc) && !wlk_loop_start_thread(p->loop);
}

int main(int argc, char **argv)
{
	static struct raw_peer p;
	char *line = NULL;
	size_t capacity = 0;

	wlk_log_configure(WLK_LOG_WARN, NULL, NULL);
	if (!start(&p, argc > 1 && !strcmp(argv[1], "--openh264"))) {
		fprintf(stderr, "failed: no connection can be made\n");
		return 1;
	}
	while (getline(&line, &capacity, stdin) > 0) {
		if (!read_line(&p, line)) {
			fprintf(stderr, "failed: the line is not understood: %s\n", line);
			return 1;
		}
	}
	free(line);
	if (wlk_loop_post(p.loop, finish, &p))
		return 1;
	wlk_loop_destroy(p.loop);
	if (p.shows)
		raw_show_end(&p.show);
	wlk_audio_sink_release(p.speaker);
	wlk_codec_set_release(p.codecs);
	raw_watch_destroy(p.watch);
	json_decref(p.targets);
	json_decref(p.waiting);
	return 0;
}
