/* wirelark-call: a video call from the command line; raw pictures and sound in, raw pictures and sound out. */
#include <curl/curl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <wirelark/wirelark.h>

#include "options.h"
#include "picture.h"
#include "signal.h"
#include "sound.h"

enum { SETUP_S = 30, SOUND_US = SOUND_MS * 1000, SOUND_SAMPLES = SOUND_OUT_RATE / 1000 * SOUND_MS };

/* All on one thread, which drives the loop between two turns of camera, microphone and speaker; only codecs have threads. */
struct call {
	struct call_options options;
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_transceiver *audio, *video;
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	struct picture_input picture_in;
	struct picture_output picture_out;
	struct sound_input sound_in;
	struct sound_output sound_out;
	bool gathered, connected, ended;
	/* figures */
	uint32_t sent, shown;
	uint32_t width, height;
	wlk_time began, first_shown;
	double tone, sound; /* energy at 440 Hz, and all of it */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static void on_event(const wlk_event *event, void *user)
{
	struct call *call = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		call->gathered = event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE;
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		fprintf(stderr, "%s %s\n", wlk_connection_state_name(event->u.connection.state), event->u.connection.reason);
		call->connected |= event->u.connection.state == WLK_CONNECTION_CONNECTED;
		call->ended = event->u.connection.state >= WLK_CONNECTION_FAILED;
		break;
	case WLK_EVENT_VIDEO_FRAME:
		if (!call->shown++)
			call->first_shown = wlk_loop_now(call->loop);
		call->width = event->u.video.frame->width;
		call->height = event->u.video.frame->height;
		picture_output_write(&call->picture_out, event->u.video.frame, (uint32_t)(call->picture_in.fps + 0.5));
		break;
	default:
		break;
	}
}

/* ---- set-up ---- */

/* Drive the loop until |when|, or until something happened. */
static void wait_until(struct call *call, wlk_time when)
{
	struct pollfd fd = { .fd = wlk_loop_fd(call->loop), .events = POLLIN };
	wlk_time deadline = wlk_loop_deadline(call->loop), until = deadline < when ? deadline : when;
	wlk_time span = until - wlk_loop_now(call->loop);

	poll(&fd, 1, span <= 0 ? 0 : (int)(span / 1000 < 5 ? span / 1000 : 5));
	wlk_loop_dispatch(call->loop);
}

static bool wait_for(struct call *call, const bool *flag)
{
	wlk_time end = wlk_loop_now(call->loop) + SETUP_S * (wlk_time)1000000;

	while (!*flag && !call->ended && !interrupted && wlk_loop_now(call->loop) < end)
		wait_until(call, end);
	return *flag;
}

static void prefer(struct call *call)
{
	static wlk_rtp_capabilities caps;
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	size_t count = 0;

	wlk_rtp_sender_capabilities(WLK_MEDIA_VIDEO, &caps);
	for (size_t i = 0; i < caps.codec_count; i++)
		if (!strcmp(caps.codecs[i].mime_type + 6, call->options.codec) || !strcmp(caps.codecs[i].mime_type, "video/rtx"))
			chosen[count++] = caps.codecs[i];
	wlk_transceiver_set_codec_preferences(call->video, chosen, count);
}

static bool attach(struct call *call, wlk_transceiver *audio, wlk_transceiver *video)
{
	call->audio = audio;
	call->video = video;
	if (call->options.codec && video)
		prefer(call);
	return (!audio || (!wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(audio), call->microphone) &&
			   !wlk_rtp_receiver_set_audio_sink(wlk_transceiver_receiver(audio), call->speaker))) &&
	       (!video || (!wlk_rtp_sender_set_video_source(wlk_transceiver_sender(video), call->camera) &&
			   !wlk_rtp_receiver_set_level(wlk_transceiver_receiver(video), WLK_MEDIA_LEVEL_RAW)));
}

/* Both sides of the media before the offer, or on the sections that a remote offer has: addTrack takes those. */
static bool make_tracks(struct call *call)
{
	wlk_rtp_sender *audio, *video;
	const char *stream = "call";

	return !wlk_peer_connection_add_track(call->pc, WLK_MEDIA_AUDIO, "microphone", &stream, 1, &audio) &&
	       !wlk_peer_connection_add_track(call->pc, WLK_MEDIA_VIDEO, "camera", &stream, 1, &video) &&
	       attach(call, wlk_rtp_sender_transceiver(audio), wlk_rtp_sender_transceiver(video));
}

static bool set_remote(struct call *call, wlk_session_description *description)
{
	bool done = !wlk_peer_connection_set_remote_description(call->pc, description);

	free((char *)(uintptr_t)description->sdp);
	return done;
}

static bool offer(struct call *call)
{
	const wlk_session_description *local;
	wlk_session_description answer;

	if (wlk_peer_connection_set_local_description(call->pc, NULL) || !wait_for(call, &call->gathered))
		return false;
	local = wlk_peer_connection_local_description(call->pc);
	if (call->options.url ? !signal_post(call->options.url, local->sdp, &answer) : !signal_print(local) || !signal_read(&answer))
		return false;
	return set_remote(call, &answer);
}

static bool answer(struct call *call)
{
	wlk_session_description remote;

	return signal_read(&remote) && set_remote(call, &remote) && !wlk_peer_connection_set_local_description(call->pc, NULL) &&
	       wait_for(call, &call->gathered) && signal_print(wlk_peer_connection_local_description(call->pc));
}

static bool start(struct call *call)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	config.allow_loopback = true;
	return !wlk_loop_create(NULL, &call->loop) && !wlk_peer_connection_create(call->loop, &config, on_event, call, &call->pc) &&
	       !wlk_video_source_create(&call->camera) && !wlk_audio_source_create(&call->microphone) &&
	       !wlk_audio_sink_create(SOUND_OUT_RATE, 1, &call->speaker) && make_tracks(call) &&
	       (call->options.answer ? answer(call) : offer(call)) && wait_for(call, &call->connected);
}

/* ---- the call ---- */

static void hear(struct call *call, const int16_t *pcm)
{
	double re = 0, im = 0, all = 0;

	for (size_t i = 0; i < SOUND_SAMPLES; i++) {
		double phase = 2 * 3.14159265358979 * 440 * (double)i / SOUND_OUT_RATE;

		re += pcm[i] * cos(phase);
		im += pcm[i] * sin(phase);
		all += (double)pcm[i] * pcm[i];
	}
	call->tone += 2 * (re * re + im * im) / SOUND_SAMPLES;
	call->sound += all;
}

static bool sound_turn(struct call *call)
{
	int16_t pcm[SOUND_SAMPLES];
	wlk_audio_frame frame;

	if (!sound_input_next(&call->sound_in, &frame))
		return false;
	wlk_audio_source_push(call->microphone, &frame);
	wlk_audio_sink_pull(call->speaker, 0, pcm, SOUND_SAMPLES);
	hear(call, pcm);
	sound_output_write(&call->sound_out, pcm, SOUND_SAMPLES);
	return true;
}

static bool picture_turn(struct call *call)
{
	wlk_video_frame frame;

	if (!picture_input_next(&call->picture_in, &frame))
		return false;
	wlk_video_source_push(call->camera, &frame);
	call->sent++;
	return true;
}

static void talk(struct call *call)
{
	wlk_time sound, picture, frame = (wlk_time)(1e6 / call->picture_in.fps), end = WLK_TIME_NEVER;
	bool more = true;

	call->began = sound = picture = wlk_loop_now(call->loop);
	if (call->options.seconds > 0)
		end = call->began + (wlk_time)(call->options.seconds * 1e6);
	while (more && !call->ended && !interrupted && wlk_loop_now(call->loop) < end) {
		wlk_time now = wlk_loop_now(call->loop);

		for (; more && sound <= now; sound += SOUND_US)
			more = sound_turn(call);
		if (more && picture <= now) {
			more = picture_turn(call);
			picture = picture + frame < now ? now : picture + frame;
		}
		wait_until(call, sound < picture ? sound : picture);
	}
}

static void report(struct call *call)
{
	double seconds = (double)(wlk_loop_now(call->loop) - call->began) / 1e6;
	char *json;

	fprintf(stderr, "%.1f s: %u pictures sent, %u shown of %ux%u, the first after %.0f ms; %.0f %% of the sound is a tone of 440 Hz\n", seconds,
		call->sent, call->shown, call->width, call->height, call->shown ? (double)(call->first_shown - call->began) / 1e3 : -1.0,
		call->sound > 0 ? 100 * call->tone / call->sound : 0);
	if (!call->options.stats || wlk_peer_connection_stats_json(call->pc, &json))
		return;
	puts(json);
	wlk_secret_free(json);
}

static void print_log(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	(void)level;
	(void)user;
	fprintf(stderr, "%s: %s\n", prefix, message);
}

static int run(struct call *call)
{
	if (!start(call)) {
		fprintf(stderr, "the call cannot be made: %s\n", call->pc ? wlk_last_error(call->pc) : "out of memory");
		return 1;
	}
	talk(call);
	report(call);
	return 0;
}

static void finish(struct call *call)
{
	wlk_peer_connection_destroy(call->pc);
	wlk_loop_destroy(call->loop);
	wlk_video_source_release(call->camera);
	wlk_audio_source_release(call->microphone);
	wlk_audio_sink_release(call->speaker);
	picture_input_close(&call->picture_in);
	picture_output_close(&call->picture_out);
	sound_input_close(&call->sound_in);
	sound_output_close(&call->sound_out);
}

int main(int argc, char **argv)
{
	static struct call call;
	int status;

	if (!call_options_parse(&call.options, argc, argv, &status))
		return status;
	if (call.options.debug)
		wlk_log_configure(WLK_LOG_DEBUG, print_log, NULL);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = 1;
	if (picture_input_open(&call.picture_in, call.options.video_in, call.options.width, call.options.height, call.options.fps) &&
	    sound_input_open(&call.sound_in, call.options.audio_in) && picture_output_open(&call.picture_out, call.options.video_out) &&
	    sound_output_open(&call.sound_out, call.options.audio_out))
		status = run(&call);
	finish(&call);
	curl_global_cleanup();
	return status;
}
