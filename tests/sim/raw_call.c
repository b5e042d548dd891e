#include "raw_call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979

static const int64_t wall_start = INT64_C(1800000000000000); /* of sim.c */

/* ---- clocks ---- */

static void clock_start(struct raw_clock *c, wlk_time now, double period_us)
{
	*c = (struct raw_clock){ .start = now, .next = now, .period_us = period_us };
}

static bool clock_is_due(struct raw_clock *c, wlk_time now)
{
	if (now < c->next)
		return false;
	c->count++;
	c->next = c->start + (wlk_time)((double)c->count * c->period_us);
	return true;
}

/* ---- what is received ---- */

static void measure_picture(struct raw_call *call, uint32_t number, const wlk_video_frame *frame)
{
	double psnr;

	if (call->config.no_psnr || frame->width != call->expected.width || frame->height != call->expected.height)
		return;
	film_draw(&call->expected, number);
	psnr = film_psnr(&call->expected, frame);
	call->psnr_sum += psnr;
	call->psnr_min = call->psnr_min < psnr ? call->psnr_min : psnr;
	call->measured++;
}

static void note_capture(struct raw_call *call, const wlk_video_frame *frame, uint32_t number)
{
	double error = fabs((double)(frame->capture_time - wall_start - call->sent_at[number]));

	if (!frame->capture_time)
		return;
	call->captures++;
	call->capture_error_max = call->capture_error_max > error ? call->capture_error_max : error;
}

static void on_picture(struct raw_call *call, const wlk_video_frame *frame)
{
	struct sim *sim = call->sim;
	uint32_t number = film_number(frame);
	wlk_time delay, gap = sim->now - call->last_shown;

	if (number >= call->pictures || (call->last_shown && number < call->last))
		sim_fail(sim, "picture %u of %u after %u", number, call->pictures, call->last);
	if (call->last_shown && number == call->last)
		return; /* a key frame was wanted before there was a new picture */
	if (frame->timestamp > sim->now)
		sim_fail(sim, "picture %u is %lld us early", number, (long long)(frame->timestamp - sim->now));
	note_capture(call, frame, number);
	measure_picture(call, number, frame);
	delay = sim->now - call->sent_at[number];
	call->delay_sum += delay;
	call->delay_max = call->delay_max > delay ? call->delay_max : delay;
	if (call->last_shown && gap > call->gap_max)
		call->gap_max = gap;
	if (!call->last_shown)
		call->first_shown = sim->now;
	else
		call->sizes += frame->width != call->width || frame->height != call->height;
	call->last_shown = sim->now;
	call->last = number;
	call->width = frame->width;
	call->height = frame->height;
	call->shown++;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct raw_call *call = sim->user;

	if (call->config.on_event)
		call->config.on_event(sim, peer, ev);
	if (ev->type == WLK_EVENT_TRACK && peer == &sim->b) {
		wlk_transceiver *t = ev->u.track.transceiver;
		wlk_rtp_receiver *receiver = wlk_transceiver_receiver(t);
		bool video = wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO;

		if (video ? wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_RAW) : wlk_rtp_receiver_set_audio_sink(receiver, call->speaker))
			sim_fail(sim, "no sink: %s", wlk_last_error(peer->pc));
	} else if (ev->type == WLK_EVENT_VIDEO_FRAME) {
		on_picture(call, ev->u.video.frame);
	} else if (ev->type == WLK_EVENT_FRAME || ev->type == WLK_EVENT_RTP_PACKET) {
		sim_fail(sim, "something encoded where raw media is wanted");
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST) {
		sim_fail(sim, "the source is asked, not the application");
	}
}

/* How much of the energy is at 440 Hz. */
static void listen(struct raw_call *call, const int16_t *pcm, size_t count)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < count; i++) {
		double phase = 2 * PI * 440 * (double)i / SOUND_RATE;

		re += pcm[i] * cos(phase);
		im += pcm[i] * sin(phase);
		call->all += (double)pcm[i] * pcm[i];
	}
	call->tone += 2 * (re * re + im * im) / (double)count;
}

/* 80 ms out of the middle of each beep are looked at. */
static void keep_beep(struct raw_call *call, const int16_t *pcm, bool begins)
{
	const size_t most = sizeof(call->beep) / sizeof(*call->beep);

	if (begins)
		call->beep_size = 0;
	if (call->beep_size == most)
		return;
	memcpy(call->beep + call->beep_size, pcm, RAW_SOUND * sizeof(*pcm));
	call->beep_size += RAW_SOUND;
	if (call->beep_size == most)
		listen(call, call->beep + RAW_SOUND, most - 2 * RAW_SOUND);
}

/* A beep that begins in these 10 ms was pushed at the last whole second. */
static void hear(struct raw_call *call, const int16_t *pcm)
{
	double rms = sound_rms(pcm, RAW_SOUND);
	bool loud = rms > 3000;
	struct sim *sim = call->sim;

	call->energy += rms * rms;
	call->pulls++;
	if (call->config.beeps && loud)
		keep_beep(call, pcm, !call->loud);
	if (loud && !call->loud && sim->now > call->quiet_since + 300 * SIM_MS) {
		wlk_time delay = (sim->now - call->sound_clock.start + RAW_SOUND_US) % SIM_SECOND;

		call->heard++;
		call->beep_delay_sum += delay;
		call->beep_delay_max = call->beep_delay_max > delay ? call->beep_delay_max : delay;
	}
	if (!loud && call->loud)
		call->quiet_since = sim->now;
	call->loud = loud;
}

/* ---- what is done when it is due ---- */

static void push_picture(struct raw_call *call)
{
	struct sim *sim = call->sim;
	wlk_video_frame frame;

	if (call->pictures == RAW_PICTURES_MAX)
		sim_fail(sim, "too many pictures");
	film_draw(&call->film, call->pictures);
	call->sent_at[call->pictures++] = sim->now;
	frame = film_frame(&call->film, 0);
	if (wlk_video_source_push(call->camera, &frame))
		sim_fail(sim, "a picture is not taken");
}

/* A beep of 200 ms at every whole second, else a murmur. */
static int16_t beep_at(uint64_t sample)
{
	bool beep = sample % SOUND_RATE < SOUND_RATE / 5;

	return (int16_t)((beep ? 10000 : 200) * sin(2 * PI * (beep ? 440 : 150) * (double)(sample % SOUND_RATE) / SOUND_RATE));
}

static void push_sound(struct raw_call *call)
{
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;
	int16_t samples[RAW_SOUND];

	for (size_t i = 0; i < RAW_SOUND; i++, call->samples++)
		samples[i] = call->silent ? 0 : call->config.beeps ? beep_at(call->samples) : call->speech[call->samples % RAW_SPEECH];
	frame.samples = samples;
	frame.count = RAW_SOUND;
	if (wlk_audio_source_push(call->microphone, &frame))
		sim_fail(call->sim, "sound is not taken");
}

static void pull_sound(struct raw_call *call)
{
	int16_t pcm[RAW_SOUND];

	wlk_audio_sink_pull(call->speaker, call->sim->now, pcm, RAW_SOUND);
	hear(call, pcm);
}

static wlk_time next_of(const struct raw_call *call)
{
	wlk_time next = call->sound_clock.next < call->speaker_clock.next ? call->sound_clock.next : call->speaker_clock.next;

	return call->video && call->picture_clock.next < next ? call->picture_clock.next : next;
}

void raw_call_play(struct raw_call *call, wlk_time span)
{
	struct sim *sim = call->sim;
	wlk_time end = sim->now + span;

	while (next_of(call) < end) {
		if (next_of(call) > sim->now)
			sim_run_for(sim, next_of(call) - sim->now);
		if (call->video && clock_is_due(&call->picture_clock, sim->now))
			push_picture(call);
		if (clock_is_due(&call->sound_clock, sim->now))
			push_sound(call);
		if (clock_is_due(&call->speaker_clock, sim->now))
			pull_sound(call);
	}
	if (end > sim->now)
		sim_run_for(sim, end - sim->now);
}

/* ---- life ---- */

void raw_prefer(struct sim *sim, wlk_transceiver *t, const char *const *mimes)
{
	static wlk_rtp_capabilities caps;
	wlk_rtp_codec codecs[4];
	size_t count = 0;

	if (wlk_rtp_sender_capabilities(wlk_transceiver_kind(t), &caps))
		sim_fail(sim, "no capabilities");
	for (; *mimes && count < 4; mimes++)
		for (size_t i = 0; i < caps.codec_count; i++)
			if (!strcmp(caps.codecs[i].mime_type, *mimes)) {
				codecs[count++] = caps.codecs[i];
				break;
			}
	if (!count || wlk_transceiver_set_codec_preferences(t, codecs, count))
		sim_fail(sim, "no such codecs: %s", wlk_last_error(sim->a.pc));
}

static void add_video(struct raw_call *call, const wlk_transceiver_init *init)
{
	if (wlk_video_source_create(&call->camera) || wlk_peer_connection_add_transceiver(call->sim->a.pc, WLK_MEDIA_VIDEO, init, &call->video) ||
	    wlk_rtp_sender_set_video_source(wlk_transceiver_sender(call->video), call->camera))
		sim_fail(call->sim, "no camera");
	if (call->config.video)
		raw_prefer(call->sim, call->video, (const char *const[]){ call->config.video, "video/rtx", NULL });
}

static void add_audio(struct raw_call *call, const wlk_transceiver_init *init)
{
	if (wlk_audio_source_create(&call->microphone) || wlk_audio_sink_create(SOUND_RATE, 1, &call->speaker) ||
	    wlk_peer_connection_add_transceiver(call->sim->a.pc, WLK_MEDIA_AUDIO, init, &call->audio) ||
	    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(call->audio), call->microphone))
		sim_fail(call->sim, "no microphone");
	if (call->config.audio)
		raw_prefer(call->sim, call->audio, call->config.audio);
}

void raw_call_begin(struct sim *sim, struct raw_call *call, const struct sim_config *config, const struct raw_call_config *raw)
{
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;
	uint32_t noise = 3;

	memset(call, 0, sizeof(*call));
	call->sim = sim;
	call->config = *raw;
	film_init(&call->film, raw->width, raw->height);
	film_init(&call->expected, raw->width, raw->height);
	sound_add_speech(call->speech, RAW_SPEECH, 125, 9000);
	sound_add_noise(call->speech, RAW_SPEECH, 60, &noise);
	raw_call_reset(call);
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	sim_init(sim, config, on_event, call);
	add_audio(call, &sendonly);
	if (!raw->video || *raw->video)
		add_video(call, &sendonly);
	if (call->video)
		push_picture(call);
	sim_signal(sim);
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
	raw_call_start(call);
}

void raw_call_start(struct raw_call *call)
{
	wlk_time now = call->sim->now;

	call->samples = 0;
	clock_start(&call->picture_clock, now, RAW_FRAME_US);
	clock_start(&call->sound_clock, now, RAW_SOUND_US);
	clock_start(&call->speaker_clock, now, RAW_SOUND_US * (1 + call->config.speaker_ppm * 1e-6));
}

void raw_call_end(struct raw_call *call)
{
	sim_free(call->sim);
	wlk_video_source_release(call->camera);
	wlk_audio_source_release(call->microphone);
	wlk_audio_sink_release(call->speaker);
	film_free(&call->film);
	film_free(&call->expected);
}

/* ---- figures ---- */

void raw_call_reset(struct raw_call *call)
{
	call->shown = call->measured = call->heard = call->sizes = call->captures = 0;
	call->gap_max = call->delay_sum = call->delay_max = 0;
	call->beep_delay_sum = call->beep_delay_max = 0;
	call->psnr_sum = call->energy = call->tone = call->all = call->capture_error_max = 0;
	call->pulls = 0;
	call->psnr_min = 100;
}

static void see(const wlk_stats *record, void *user)
{
	const wlk_stats_inbound_rtp *in = (const void *)record;
	struct raw_figures *f = user;

	if (record->type != WLK_STATS_INBOUND_RTP)
		return;
	if (strcmp(in->kind.value, "video") != 0) {
		f->samples = (double)in->total_samples_received.value;
		f->concealed = (double)in->concealed_samples.value;
		f->concealment_events = (double)in->concealment_events.value;
		f->held_s = in->jitter_buffer_delay.value;
		f->emitted = (double)in->jitter_buffer_emitted_count.value;
		f->discarded = (double)in->packets_discarded.value;
	} else {
		f->frames_decoded = (double)in->frames_decoded.value;
		f->freezes = (double)in->freeze_count.value;
		f->freeze_s = in->total_freezes_duration.value;
		f->key_frames = (double)in->key_frames_decoded.value;
	}
}

struct raw_figures raw_call_figures(struct raw_call *call)
{
	struct raw_figures f = { 0 };
	wlk_stats_report *report;

	if (wlk_peer_connection_get_stats(call->sim->b.pc, &report))
		sim_fail(call->sim, "no statistics");
	wlk_stats_report_visit(report, see, &f);
	wlk_stats_report_destroy(report);
	return f;
}

double raw_concealed(const struct raw_figures *before, const struct raw_figures *after)
{
	double samples = after->samples - before->samples;

	return samples > 0 ? (after->concealed - before->concealed) / samples : 1;
}

wlk_time raw_held(const struct raw_figures *before, const struct raw_figures *after)
{
	double emitted = after->emitted - before->emitted;

	return emitted > 0 ? (wlk_time)(1e6 * (after->held_s - before->held_s) / emitted) : 0;
}
