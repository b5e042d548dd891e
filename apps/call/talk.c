#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"

enum { SOUND_US = SOUND_MS * 1000, SOUND_SAMPLES = SOUND_OUT_RATE / 1000 * SOUND_MS, FIGURES_US = 1000000, TITLE_SIZE = 160 };

static wlk_time clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (wlk_time)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- sound: on the threads of devices, or on the main one in their place ---- */

static void on_speaker(int16_t *samples, size_t count, int64_t latency_us, void *user)
{
	struct talk *t = user;

	wlk_audio_sink_pull(t->connection->speaker, clock_now() + latency_us, samples, count);
	sound_meter_take(&t->heard, samples, count);
	sound_output_write(&t->sound_out, samples, count);
}

static void on_microphone(int16_t *samples, size_t count, int64_t latency_us, void *user)
{
	struct talk *t = user;
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;

	frame.samples = samples;
	frame.count = count;
	frame.rate = SOUND_OUT_RATE;
	frame.timestamp = clock_now() - latency_us;
	wlk_audio_source_push(t->connection->microphone, &frame);
}

static bool sound_turn(struct talk *t)
{
	int16_t samples[SOUND_SAMPLES];
	wlk_audio_frame frame;

	if (!t->microphone) {
		if (!sound_input_next(&t->sound_in, &frame))
			return false;
		wlk_audio_source_push(t->connection->microphone, &frame);
	}
	if (!t->speaker)
		on_speaker(samples, SOUND_SAMPLES, 0, t);
	return true;
}

/* ---- pictures ---- */

static void on_picture(const wlk_video_frame *frame, void *user)
{
	struct talk *t = user;

	if (!t->shown++)
		t->first_shown = wlk_loop_now(t->connection->loop);
	t->width = frame->width;
	t->height = frame->height;
	picture_output_write(&t->picture_out, frame, (uint32_t)(t->picture_in.fps + 0.5));
	if (t->window)
		window_show_remote(t->window, frame);
}

static void send_picture(struct talk *t, const wlk_video_frame *frame)
{
	wlk_video_source_push(t->connection->camera, frame);
	t->sent++;
	if (t->window && !t->video_off)
		window_show_own(t->window, frame, t->camera);
}

static void camera_turn(struct talk *t)
{
	wlk_video_frame frame;

	while (camera_next(t->camera, &frame))
		send_picture(t, &frame);
	if (!camera_lost(t->camera))
		return;
	fprintf(stderr, "the camera is gone: a test picture takes its place\n");
	camera_close(t->camera);
	t->camera = NULL;
}

/* False: the file cannot be read any more. */
static bool picture_turn(struct talk *t)
{
	wlk_video_frame frame;

	if (t->camera)
		return true;
	if (!picture_input_next(&t->picture_in, &frame))
		return false;
	send_picture(t, &frame);
	return true;
}

/* ---- the user ---- */

static void write_title(struct talk *t)
{
	char text[TITLE_SIZE], title[TITLE_SIZE + 64];

	figures_write(&t->figures, text, sizeof(text));
	snprintf(title, sizeof(title), "wirelark-call: %s%s%s", text, t->muted ? " - muted" : "", t->video_off ? " - video off" : "");
	window_set_title(t->window, title);
}

static void obey(struct talk *t, unsigned wishes)
{
	if (wishes & WINDOW_MUTE) {
		t->muted = !t->muted;
		wlk_audio_source_set_enabled(t->connection->microphone, !t->muted);
	}
	if (wishes & WINDOW_VIDEO_OFF) {
		t->video_off = !t->video_off;
		wlk_video_source_set_enabled(t->connection->camera, !t->video_off);
		window_show_own(t->window, NULL, false);
	}
	t->hung_up |= (wishes & WINDOW_HANG_UP) != 0;
	if (wishes)
		write_title(t);
}

static void window_turns(struct talk *t, wlk_time now)
{
	if (!t->window)
		return;
	if (now - t->figures.at >= FIGURES_US) {
		figures_update(&t->figures, t->connection->pc, now);
		write_title(t);
	}
	obey(t, window_turn(t->window));
}

/* ---- the course of a call ---- */

bool talk_open(struct talk *t, const struct call_options *o)
{
	t->options = o;
	if (call_options_use(o, o->camera, o->video_in)) {
		t->camera = camera_open(o->camera, o->width, o->height, o->fps);
		if (!t->camera && o->camera)
			return false;
		if (!t->camera)
			fprintf(stderr, "a test picture takes its place\n");
	}
	return picture_input_open(&t->picture_in, o->video_in, o->width, o->height, o->fps) && sound_input_open(&t->sound_in, o->audio_in) &&
	       picture_output_open(&t->picture_out, o->video_out, o->out_width, o->out_height) &&
	       sound_output_open(&t->sound_out, o->audio_out);
}

/* What is missing is said where it is opened, and has something in its place. */
static void open_devices(struct talk *t)
{
	const struct call_options *o = t->options;

	if (!o->headless) {
		t->window = window_open("wirelark-call", o->full_screen);
		if (!t->window)
			fprintf(stderr, "the call goes on without it\n");
	}
	if (call_options_use(o, o->microphone, o->audio_in)) {
		t->microphone = sound_device_microphone(o->microphone, on_microphone, t);
		if (!t->microphone)
			fprintf(stderr, "a tone takes its place\n");
	}
	if (call_options_use(o, o->speaker, NULL)) {
		t->speaker = sound_device_speaker(o->speaker, on_speaker, t);
		if (!t->speaker)
			fprintf(stderr, "nothing is heard, the call goes on\n");
	}
}

static void close_devices(struct talk *t)
{
	sound_device_close(t->microphone);
	sound_device_close(t->speaker);
	window_close(t->window);
	t->microphone = t->speaker = NULL;
	t->window = NULL;
}

static void take_turns(struct talk *t)
{
	struct connection *c = t->connection;
	wlk_time sound, picture, frame = (wlk_time)(1e6 / t->picture_in.fps), end = WLK_TIME_NEVER;
	bool more = true;

	t->began = sound = picture = wlk_loop_now(c->loop);
	if (t->options->seconds > 0)
		end = t->began + (wlk_time)(t->options->seconds * 1e6);
	while (more && !c->ended && !t->hung_up && !interrupted() && wlk_loop_now(c->loop) < end) {
		wlk_time now = wlk_loop_now(c->loop);

		for (; more && sound <= now; sound += SOUND_US)
			more = sound_turn(t);
		if (more && picture <= now) {
			more = picture_turn(t);
			picture = picture + frame < now ? now : picture + frame;
		}
		if (t->camera)
			camera_turn(t);
		window_turns(t, now);
		if (t->listener)
			listener_run(t->listener);
		connection_wait(c, sound < picture ? sound : picture, t->camera ? camera_fd(t->camera) : -1);
	}
	if (!more)
		fprintf(stderr, "what is played cannot be read any more\n");
}

void talk_run(struct talk *t, struct connection *connection, struct listener *listener)
{
	t->connection = connection;
	t->listener = listener;
	connection->on_picture = on_picture;
	connection->user = t;
	open_devices(t);
	take_turns(t);
	close_devices(t);
	figures_update(&t->figures, connection->pc, wlk_loop_now(connection->loop));
}

void talk_report(const struct talk *t)
{
	double seconds = (double)(wlk_loop_now(t->connection->loop) - t->began) / 1e6;
	double first = t->shown ? (double)(t->first_shown - t->began) / 1e3 : -1.0;

	fprintf(stderr, "%.1f s: %u pictures sent, %u shown of %ux%u", seconds, t->sent, t->shown, t->width, t->height);
	fprintf(stderr, "%s%s, the first after %.0f ms; %.0f %% of the sound is a tone of 440 Hz\n", *t->figures.codec ? " by " : "",
		t->figures.codec, first, sound_meter_share(&t->heard) * 100);
}

void talk_close(struct talk *t)
{
	camera_close(t->camera);
	picture_input_close(&t->picture_in);
	picture_output_close(&t->picture_out);
	sound_input_close(&t->sound_in);
	sound_output_close(&t->sound_out);
}
