/* Raw media from a source of one peer to a sink of the other, over the real codecs: pictures by PSNR, delays, losses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/film.h"
#include "sim.h"

enum { FRAME_US = 33333, AUDIO_US = 10000, RATE = 48000, NUMBERS = 4096, BEEP = RATE / 5, BEEPS = 256 };

struct run {
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	wlk_transceiver *video, *audio;
	struct film picture, expected;
	uint32_t number;
	wlk_time sent_at[NUMBERS];
	size_t sound;
	wlk_time beeped_at[BEEPS];
	size_t beeps;
	/* received */
	bool loud;
	uint32_t heard; /* beeps */
	wlk_time sound_delay_sum, sound_delay_max, quiet_since;
	double tone, rest; /* energy of the beeps at their frequency, and all of it */
	uint64_t samples;
	uint32_t shown, last, sizes;
	uint32_t width, height;
	double psnr_min, psnr_sum;
	wlk_time delay_max, delay_sum, gap_max, last_shown, first_shown;
	double capture_error_max; /* [us] */
	uint32_t captures;
	wlk_time connected_at;
};

#define PI 3.14159265358979

static const int64_t wall_start = INT64_C(1800000000000000); /* of sim.c */

static void on_picture(struct sim *sim, struct run *run, const wlk_video_frame *frame)
{
	uint32_t number = film_number(frame);
	wlk_time delay;

	if (number >= run->number || (run->shown && number <= run->last))
		sim_fail(sim, "picture %u of %u after %u", number, run->number, run->last);
	delay = sim->now - run->sent_at[number];
	if (frame->timestamp > sim->now)
		sim_fail(sim, "picture %u is %lld us early", number, (long long)(frame->timestamp - sim->now));
	run->sizes += run->shown && (frame->width != run->width || frame->height != run->height);
	run->width = frame->width;
	run->height = frame->height;
	if (frame->width == run->expected.width) {
		double psnr;

		film_draw(&run->expected, number);
		psnr = film_psnr(&run->expected, frame);
		run->psnr_sum += psnr;
		run->psnr_min = run->psnr_min < psnr ? run->psnr_min : psnr;
	}
	if (frame->capture_time) {
		double error = fabs((double)(frame->capture_time - wall_start - run->sent_at[number]));

		run->captures++;
		run->capture_error_max = run->capture_error_max > error ? run->capture_error_max : error;
	}
	if (!run->shown)
		run->first_shown = sim->now;
	else if (sim->now - run->last_shown > run->gap_max)
		run->gap_max = sim->now - run->last_shown;
	run->last_shown = sim->now;
	run->delay_max = run->delay_max > delay ? run->delay_max : delay;
	run->delay_sum += delay;
	run->last = number;
	run->shown++;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = sim->user;

	if (ev->type == WLK_EVENT_TRACK && peer == &sim->b) {
		wlk_transceiver *t = ev->u.track.transceiver;
		wlk_rtp_receiver *receiver = wlk_transceiver_receiver(t);
		bool video = wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO;

		if (video ? wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_RAW) : wlk_rtp_receiver_set_audio_sink(receiver, run->speaker))
			sim_fail(sim, "no sink: %s", wlk_last_error(peer->pc));
	} else if (ev->type == WLK_EVENT_VIDEO_FRAME) {
		on_picture(sim, run, ev->u.video.frame);
	} else if (ev->type == WLK_EVENT_FRAME || ev->type == WLK_EVENT_RTP_PACKET) {
		sim_fail(sim, "something encoded where raw media is wanted");
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST) {
		sim_fail(sim, "the source is asked, not the application");
	}
}

static void push_picture(struct sim *sim, struct run *run)
{
	wlk_video_frame frame;

	if (run->number == NUMBERS)
		sim_fail(sim, "too many pictures");
	film_draw(&run->picture, run->number);
	run->sent_at[run->number++] = sim->now;
	frame = film_frame(&run->picture, 0);
	if (wlk_video_source_push(run->camera, &frame))
		sim_fail(sim, "a picture is not taken");
}

/* How much of the energy is at 440 Hz, over the inside of a beep. */
static void listen(struct run *run, const int16_t *pcm, size_t count)
{
	double re = 0, im = 0, all = 0;

	for (size_t i = 0; i < count; i++, run->samples++) {
		double phase = 2 * PI * 440 * (double)i / RATE;

		re += pcm[i] * cos(phase);
		im += pcm[i] * sin(phase);
		all += (double)pcm[i] * pcm[i];
	}
	run->tone += 2 * (re * re + im * im) / (double)count;
	run->rest += all;
}

/* 10 ms of the speaker. */
static void pull_sound(struct sim *sim, struct run *run)
{
	static int16_t kept[10 * RATE / 100];
	int16_t pcm[RATE / 100];
	double energy = 0;
	bool loud;

	wlk_audio_sink_pull(run->speaker, sim->now, pcm, RATE / 100);
	for (size_t i = 0; i < RATE / 100; i++)
		energy += (double)pcm[i] * pcm[i];
	loud = energy / (RATE / 100) > 3000.0 * 3000.0;
	if (loud && !run->loud)
		run->samples = 0;
	if (loud && run->samples < sizeof(kept) / sizeof(*kept)) {
		memcpy(kept + run->samples, pcm, sizeof(pcm));
		run->samples += RATE / 100;
		if (run->samples == sizeof(kept) / sizeof(*kept))
			listen(run, kept + RATE / 100, 8 * RATE / 100);
	}
	if (loud && !run->loud && sim->now > run->quiet_since + 300 * SIM_MS) {
		wlk_time delay = WLK_TIME_NEVER;

		for (size_t i = 0; i < run->beeps; i++)
			if (run->beeped_at[i] <= sim->now)
				delay = sim->now - run->beeped_at[i];
		run->heard++;
		run->sound_delay_sum += delay;
		run->sound_delay_max = run->sound_delay_max > delay ? run->sound_delay_max : delay;
	}
	if (!loud && run->loud)
		run->quiet_since = sim->now;
	run->loud = loud;
}

static void push_sound(struct sim *sim, struct run *run)
{
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;
	int16_t samples[RATE / 100];

	/* Once a second a beep, else a murmur. */
	for (size_t i = 0; i < RATE / 100; i++, run->sound++) {
		bool beep = run->sound % RATE < BEEP;

		if (run->sound % RATE == 0 && run->beeps < BEEPS)
			run->beeped_at[run->beeps++] = sim->now - AUDIO_US;
		samples[i] = (int16_t)((beep ? 10000 : 200) * sin(2 * PI * (beep ? 440 : 150) * (double)run->sound / RATE));
	}
	frame.samples = samples;
	frame.count = RATE / 100;
	if (wlk_audio_source_push(run->microphone, &frame))
		sim_fail(sim, "sound is not taken");
}

/* A camera and a microphone for |span|. */
static void play(struct sim *sim, struct run *run, wlk_time span)
{
	wlk_time end = sim->now + span, picture = sim->now, sound = sim->now;

	while (sim->now < end) {
		wlk_time next = picture < sound ? picture : sound;

		if (next > sim->now)
			sim_run_for(sim, next - sim->now);
		if (sim->now >= picture) {
			push_picture(sim, run);
			picture += FRAME_US;
		}
		if (sim->now >= sound) {
			push_sound(sim, run);
			pull_sound(sim, run);
			sound += AUDIO_US;
		}
	}
}

static void reset_figures(struct run *run)
{
	run->shown = run->heard = run->sizes = run->captures = 0;
	run->tone = run->rest = 0;
	run->sound_delay_sum = run->sound_delay_max = 0;
	run->psnr_min = 100;
	run->psnr_sum = run->capture_error_max = 0;
	run->delay_max = run->delay_sum = run->gap_max = 0;
}

static void prefer(struct sim *sim, struct run *run, const char *mime)
{
	static wlk_rtp_capabilities caps;

	if (wlk_rtp_sender_capabilities(WLK_MEDIA_VIDEO, &caps))
		sim_fail(sim, "no capabilities");
	for (size_t i = 0; i < caps.codec_count; i++)
		if (!strcmp(caps.codecs[i].mime_type, mime)) {
			wlk_rtp_codec codecs[2] = { caps.codecs[i] };
			size_t count = 1;

			for (size_t k = 0; k < caps.codec_count; k++)
				if (!strcmp(caps.codecs[k].mime_type, "video/rtx"))
					codecs[count++] = caps.codecs[k];
			if (wlk_transceiver_set_codec_preferences(run->video, codecs, count))
				sim_fail(sim, "preferences: %s", wlk_last_error(sim->a.pc));
			return;
		}
	sim_fail(sim, "no %s", mime);
}

static void begin(struct sim *sim, struct run *run, const struct sim_config *config, const char *mime, uint32_t width, uint32_t height)
{
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;

	memset(run, 0, sizeof(*run));
	reset_figures(run);
	film_init(&run->picture, width, height);
	film_init(&run->expected, width, height);
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	sim_init(sim, config, on_event, run);
	if (wlk_video_source_create(&run->camera) || wlk_audio_source_create(&run->microphone) || wlk_audio_sink_create(RATE, 1, &run->speaker) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_AUDIO, &sendonly, &run->audio) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, &sendonly, &run->video) ||
	    wlk_rtp_sender_set_video_source(wlk_transceiver_sender(run->video), run->camera) ||
	    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(run->audio), run->microphone))
		sim_fail(sim, "no tracks");
	if (mime)
		prefer(sim, run, mime);
	push_picture(sim, run);
	sim_signal(sim);
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
	run->connected_at = sim->a.connected_at;
}

static void end(struct sim *sim, struct run *run)
{
	sim_free(sim);
	wlk_video_source_release(run->camera);
	wlk_audio_source_release(run->microphone);
	wlk_audio_sink_release(run->speaker);
	film_free(&run->picture);
	film_free(&run->expected);
}

static void print(const struct run *run, const char *title)
{
	printf("%s: %u pictures of %ux%u, PSNR mean %.1f min %.1f dB, delay mean %.1f max %.1f ms, longest gap %.1f ms; %u beeps, delay mean %.1f max %.1f ms, %.1f %% of them tone\n", title,
	       run->shown, run->width, run->height, run->shown ? run->psnr_sum / run->shown : 0, run->psnr_min,
	       run->shown ? (double)run->delay_sum / run->shown / 1e3 : 0, (double)run->delay_max / 1e3, (double)run->gap_max / 1e3,
	       run->heard, run->heard ? (double)run->sound_delay_sum / run->heard / 1e3 : 0, (double)run->sound_delay_max / 1e3,
	       run->rest > 0 ? 100 * run->tone / run->rest : 0);
}

/* The sound is the one that was sent, and comes with the pictures. */
static void check_sound(struct sim *sim, const struct run *run, uint32_t least)
{
	double sound = run->heard ? (double)run->sound_delay_sum / run->heard : 0;
	double picture = run->shown ? (double)run->delay_sum / run->shown : 0;

	if (run->heard < least || run->tone < 0.95 * run->rest)
		sim_fail(sim, "%u beeps, %.1f %% of them tone", run->heard, run->rest > 0 ? 100 * run->tone / run->rest : 0);
	if (fabs(sound - picture) > 40e3)
		sim_fail(sim, "the sound comes after %.0f us, the picture after %.0f", sound, picture);
}

struct seen {
	wlk_stats_inbound_rtp picture_in, sound_in;
	wlk_stats_outbound_rtp picture_out;
	wlk_stats_media_playout playout;
};

static void see(const wlk_stats *record, void *user)
{
	struct seen *seen = user;

	if (record->type == WLK_STATS_INBOUND_RTP) {
		const wlk_stats_inbound_rtp *in = (const wlk_stats_inbound_rtp *)record;

		*(strcmp(in->kind.value, "video") ? &seen->sound_in : &seen->picture_in) = *in;
	} else if (record->type == WLK_STATS_OUTBOUND_RTP) {
		const wlk_stats_outbound_rtp *out = (const wlk_stats_outbound_rtp *)record;

		if (!strcmp(out->kind.value, "video"))
			seen->picture_out = *out;
	} else if (record->type == WLK_STATS_MEDIA_PLAYOUT) {
		seen->playout = *(const wlk_stats_media_playout *)record;
	}
}

static void look(struct sim *sim, struct sim_peer *peer, struct seen *seen)
{
	wlk_stats_report *report;

	memset(seen, 0, sizeof(*seen));
	if (wlk_peer_connection_get_stats(peer->pc, &report))
		sim_fail(sim, "no statistics");
	wlk_stats_report_visit(report, see, seen);
	wlk_stats_report_destroy(report);
}

/* The figures of both ends are those of what was pushed and seen. */
static void check_statistics(struct sim *sim, const struct run *run)
{
	struct seen a, b;

	look(sim, &sim->a, &a);
	look(sim, &sim->b, &b);
	if (a.picture_out.frames_encoded.value > run->number || a.picture_out.frames_encoded.value + 5 < run->number || a.picture_out.key_frames_encoded.value < 1 ||
	    a.picture_out.frame_width.value != 320 || a.picture_out.frames_per_second.value < 29 || a.picture_out.frames_per_second.value > 31)
		sim_fail(sim, "sent: %llu encoded of %u, %llu keys, %llu wide, %.1f frames/s", (unsigned long long)a.picture_out.frames_encoded.value,
			 run->number, (unsigned long long)a.picture_out.key_frames_encoded.value,
			 (unsigned long long)a.picture_out.frame_width.value, a.picture_out.frames_per_second.value);
	if (b.picture_in.frames_decoded.value != a.picture_out.frames_encoded.value ||
	    b.picture_in.frames_rendered.value != a.picture_out.frames_encoded.value ||
	    b.picture_in.frames_dropped.value || b.picture_in.freeze_count.value)
		sim_fail(sim, "received: %llu decoded, %llu rendered, %llu dropped, %llu freezes", (unsigned long long)b.picture_in.frames_decoded.value,
			 (unsigned long long)b.picture_in.frames_rendered.value, (unsigned long long)b.picture_in.frames_dropped.value,
			 (unsigned long long)b.picture_in.freeze_count.value);
	if (!b.sound_in.total_samples_received.value || b.sound_in.concealed_samples.value * 50 > b.sound_in.total_samples_received.value ||
	    b.playout.total_samples_duration.value < 5.9)
		sim_fail(sim, "sound: %llu of %llu samples concealed, %.1f s pulled", (unsigned long long)b.sound_in.concealed_samples.value,
			 (unsigned long long)b.sound_in.total_samples_received.value, b.playout.total_samples_duration.value);
}

/* An open link: every picture, well, and not later than the link takes. The first one waited for the keys. */
static void open_link(uint64_t seed, const char *mime)
{
	static struct sim sim;
	static struct run run;
	const struct sim_config config = { .seed = seed, .latency_us = 20 * SIM_MS };

	begin(&sim, &run, &config, mime, 320, 192);
	sim_run_for(&sim, 100 * SIM_MS);
	if (run.shown != 1 || run.first_shown - run.connected_at > 30 * SIM_MS)
		sim_fail(&sim, "%u pictures; the first %lld us after the keys", run.shown, (long long)(run.first_shown - run.connected_at));
	reset_figures(&run);
	run.shown = 0;
	run.last = 0;
	play(&sim, &run, 6 * SIM_SECOND);
	sim_run_for(&sim, 300 * SIM_MS);
	print(&run, mime);
	if (run.shown < 179 || run.psnr_min < 28 || run.psnr_sum / run.shown < 32 || run.sizes)
		sim_fail(&sim, "%u pictures, PSNR %.1f, at least %.1f", run.shown, run.psnr_sum / run.shown, run.psnr_min);
	/* 20 ms of them are the link, the rest is for the sound's sake: its frame, its buffer and the speaker's own 10 ms. */
	if (run.delay_max > 90 * SIM_MS || run.delay_sum / run.shown > 75 * SIM_MS)
		sim_fail(&sim, "delay %lld us, at most %lld", (long long)(run.delay_sum / run.shown), (long long)run.delay_max);
	check_sound(&sim, &run, 5);
	check_statistics(&sim, &run);
	if (run.captures < 100 || run.capture_error_max > 5000)
		sim_fail(&sim, "capture times of %u pictures, off by %.0f us", run.captures, run.capture_error_max);
	end(&sim, &run);
}

/* Losses are mended or followed by a key frame; no picture is shown that does not decode. */
static void lossy_link(uint64_t seed)
{
	static struct sim sim;
	static struct run run;
	const struct sim_config config = { .seed = seed, .latency_us = 25 * SIM_MS };

	begin(&sim, &run, &config, NULL, 320, 192);
	play(&sim, &run, SIM_SECOND);
	sim.config.loss = 500;
	sim.config.jitter_us = 10 * SIM_MS;
	reset_figures(&run);
	play(&sim, &run, 10 * SIM_SECOND);
	print(&run, "5 % loss");
	if (run.shown < 250 || run.gap_max > 700 * SIM_MS || run.psnr_min < 25)
		sim_fail(&sim, "%u pictures, a gap of %lld us, PSNR at least %.1f", run.shown, (long long)run.gap_max, run.psnr_min);
	end(&sim, &run);
}

/* What the application asks for in its parameters is what is encoded. */
static void parameters(uint64_t seed)
{
	static struct sim sim;
	static struct run run;
	const struct sim_config config = { .seed = seed, .latency_us = 10 * SIM_MS };
	static wlk_rtp_send_parameters p;

	begin(&sim, &run, &config, "video/VP8", 320, 192);
	if (wlk_rtp_sender_parameters(wlk_transceiver_sender(run.video), &p))
		sim_fail(&sim, "no parameters");
	p.encodings[0].has_max_framerate = true;
	p.encodings[0].max_framerate = 10;
	p.encodings[0].has_scale_resolution_down_by = true;
	p.encodings[0].scale_resolution_down_by = 2;
	if (wlk_rtp_sender_set_parameters(wlk_transceiver_sender(run.video), &p))
		sim_fail(&sim, "parameters: %s", wlk_last_error(sim.a.pc));
	play(&sim, &run, SIM_SECOND);
	reset_figures(&run);
	play(&sim, &run, 5 * SIM_SECOND);
	print(&run, "10 frames/s, half size");
	if (run.shown < 48 || run.shown > 52 || run.width != 160 || run.height != 96)
		sim_fail(&sim, "%u pictures of %ux%u", run.shown, run.width, run.height);
	if (wlk_rtp_sender_parameters(wlk_transceiver_sender(run.video), &p))
		sim_fail(&sim, "no parameters");
	p.encodings[0].active = false;
	if (wlk_rtp_sender_set_parameters(wlk_transceiver_sender(run.video), &p))
		sim_fail(&sim, "parameters: %s", wlk_last_error(sim.a.pc));
	sim_run_for(&sim, SIM_SECOND);
	reset_figures(&run);
	play(&sim, &run, SIM_SECOND);
	if (run.shown)
		sim_fail(&sim, "%u pictures of an encoding that is not active", run.shown);
	end(&sim, &run);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	open_link(seed, "video/VP8");
	open_link(seed, "video/VP9");
	lossy_link(seed);
	parameters(seed);
	return 0;
}
