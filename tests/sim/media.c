/*
 * The media path over bad links, many seeds: each draws a codec, layers, a kind of sound, and losses up to 30 %, repetitions, disorder and
 * jitter. Every frame handed out decodes, to a picture that was sent; memory stays below the budget of a connection; and when the link is good
 * again the call goes on.
 *
 *	sim_media FIRST COUNT
 *
 * 1 2000 is the whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/err.h"
#include "encoded.h"
#include "raw_call.h"

enum {
	WIDTH = 192,
	HEIGHT = 112,
	NUMBER_MIN = 96, /* pixels: in narrower pictures the number is hard to read */
	PICTURES = 140,
	BAD = 80, /* of them are sent over the bad link, the others after it */
	PICTURE_US = 50000,
	SOUND_US = 10000,
	SOUND = SOUND_RATE / 100,
	FRAME_MAX = 64 * 1024,
	BUDGET = 2 * (8 << 20), /* of both connections */
};

#define PSNR_MIN 20.0 /* half of two pictures is below 12 dB */

/* What a seed draws. */
struct plan {
	const char *mime, *mode; /* mode NULL: no layers */
	wlk_codec codec;
	bool is_real;   /* pictures; else what looks like frames */
	bool as_frames; /* the receiver takes encoded frames, and they are decoded here */
	const char *const *sound;
	struct sim_config link;
};

struct sent {
	size_t size;
	bool key, is_there, got;
};

struct run {
	struct plan plan;
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	wlk_transceiver *video, *audio;
	const wlk_video_decoder_table *table;
	void *decoder;
	uint32_t sent_count;
	struct sent sent[PICTURES];
	bool wants_key, started;
	uint64_t target_bps;
	uint32_t last, frames, shown, shown_late, requests;
	double psnr_min;
	size_t at; /* of the sound */
	double heard; /* samples that were not made up, at the end of the bad link */
};

static struct film film[PICTURES];
static int16_t speech[SOUND_RATE];

/* ---- memory ---- */

enum { HEADER = 16 };

static size_t bytes_alive, bytes_most;

static void *counted(uint8_t *block, size_t size)
{
	if (!block)
		return NULL;
	memcpy(block, &size, sizeof(size));
	bytes_alive += size;
	bytes_most = bytes_alive > bytes_most ? bytes_alive : bytes_most;
	return block + HEADER;
}

static void *counted_alloc(size_t size, void *user)
{
	(void)user;
	return counted(malloc(size + HEADER), size);
}

static void counted_release(void *at, void *user)
{
	size_t size;

	(void)user;
	if (!at)
		return;
	memcpy(&size, (uint8_t *)at - HEADER, sizeof(size));
	bytes_alive -= size;
	free((uint8_t *)at - HEADER);
}

static void *counted_resize(void *at, size_t size, void *user)
{
	size_t before = 0;
	uint8_t *block;

	if (!at)
		return counted_alloc(size, user);
	memcpy(&before, (uint8_t *)at - HEADER, sizeof(before));
	block = realloc((uint8_t *)at - HEADER, size + HEADER);
	if (!block)
		return NULL;
	bytes_alive -= before;
	return counted(block, size);
}

/* ---- what comes out ---- */

static void check_picture(struct sim *sim, struct run *run, const wlk_video_frame *frame)
{
	uint32_t number = film_number(frame);
	double psnr;

	if (frame->width != WIDTH || frame->height != HEIGHT) { /* a lower spatial layer, whose picture is checked by its number */
		if (frame->width >= NUMBER_MIN && number >= run->sent_count)
			sim_fail(sim, "picture %u of %u, %ux%u", number, run->sent_count, frame->width, frame->height);
		run->shown++;
		run->shown_late += run->sent_count > BAD;
		return;
	}
	if (number >= run->sent_count || (run->shown && number < run->last))
		sim_fail(sim, "picture %u of %u after %u", number, run->sent_count, run->last);
	psnr = film_psnr(&film[number], frame);
	if (psnr < PSNR_MIN)
		sim_fail(sim, "picture %u has %.1f dB", number, psnr);
	run->psnr_min = psnr < run->psnr_min ? psnr : run->psnr_min;
	run->last = number;
	run->shown++;
	run->shown_late += number >= BAD;
}

static void decode(struct sim *sim, struct run *run, const wlk_encoded_frame *f)
{
	wlk_video_decode_result result = { .struct_size = sizeof(result), .picture = WLK_CODEC_PICTURE_INIT };
	wlk_video_frame frame = WLK_VIDEO_FRAME_INIT;
	wlk_err err = run->table->decode(run->decoder, f->data, f->size, !f->more_layers, &result);

	if (err)
		sim_fail(sim, "frame %u (%zu bytes, key %d, layer %d of space, %d of time) does not decode: %d", run->frames, f->size, f->key,
			 f->spatial_index, f->temporal_index, err);
	if (!result.picture.width)
		return;
	frame.width = result.picture.width;
	frame.height = result.picture.height;
	for (int i = 0; i < 3; i++) {
		frame.data[i] = result.picture.data[i];
		frame.stride[i] = result.picture.stride[i];
	}
	check_picture(sim, run, &frame);
}

/* What only looks like a frame stands on the one before it. */
static void compare(struct sim *sim, struct run *run, const wlk_encoded_frame *f)
{
	static uint8_t expected[FRAME_MAX];
	uint32_t number = encoded_number(run->plan.codec, f->key, f->data, f->size);
	struct sent *sent;

	if (number >= run->sent_count || !run->sent[number].is_there || (run->started && number <= run->last))
		sim_fail(sim, "frame %u of %u after %u", number, run->sent_count, run->last);
	sent = &run->sent[number];
	if (encoded_make(run->plan.codec, sent->key, number, sent->size, expected) != f->size || memcmp(expected, f->data, f->size))
		sim_fail(sim, "frame %u is not what was sent", number);
	if (!sent->key && !run->sent[number - 1].got)
		sim_fail(sim, "frame %u without the one it stands on", number);
	sent->got = run->started = true;
	run->last = number;
	run->shown++;
	run->shown_late += number >= BAD;
}

static void on_track(struct sim *sim, struct run *run, wlk_transceiver *t)
{
	wlk_rtp_receiver *receiver = wlk_transceiver_receiver(t);
	bool video = wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO;
	wlk_err err = video ? wlk_rtp_receiver_set_level(receiver, run->plan.as_frames ? WLK_MEDIA_LEVEL_FRAMES : WLK_MEDIA_LEVEL_RAW) :
			      wlk_rtp_receiver_set_audio_sink(receiver, run->speaker);

	if (err)
		sim_fail(sim, "no sink: %s", wlk_last_error(sim->b.pc));
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = sim->user;

	if (ev->type == WLK_EVENT_TRACK && peer == &sim->b) {
		on_track(sim, run, ev->u.track.transceiver);
	} else if (ev->type == WLK_EVENT_VIDEO_FRAME) {
		check_picture(sim, run, ev->u.video.frame);
	} else if (ev->type == WLK_EVENT_TARGET_BITRATE && ev->u.target_bitrate.transceiver == run->video) {
		run->target_bps = ev->u.target_bitrate.bps;
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST && peer == &sim->a) {
		run->requests++;
		run->wants_key = true;
	} else if (ev->type == WLK_EVENT_FRAME) {
		run->frames++;
		if (run->plan.is_real)
			decode(sim, run, ev->u.frame.frame);
		else
			compare(sim, run, ev->u.frame.frame);
	}
}

/* ---- what goes in ---- */

/* What only looks like a frame is as large as the sender asks for, each twentieth much larger. */
static size_t size_of_frame(struct sim *sim, const struct run *run)
{
	size_t usual = (size_t)(MIN(run->target_bps, 500000) * PICTURE_US / 8000000), most = run->sent_count % 20 ? 2 * usual : 10 * usual;

	return ENCODED_BODY_MIN + sim_random(sim, (uint32_t)MIN(most, 40000) + 1);
}

static void send_picture(struct sim *sim, struct run *run)
{
	static uint8_t bytes[FRAME_MAX];
	wlk_encoded_frame out = WLK_ENCODED_FRAME_INIT;
	struct sent *sent = &run->sent[run->sent_count];
	wlk_video_frame frame;
	wlk_err err;

	if (run->plan.is_real) {
		frame = film_frame(&film[run->sent_count++], 0);
		if (wlk_video_source_push(run->camera, &frame))
			sim_fail(sim, "a picture is not taken");
		return;
	}
	*sent = (struct sent){ .size = size_of_frame(sim, run), .key = !run->sent_count || run->wants_key };
	out.codec = run->plan.codec;
	out.data = bytes;
	out.size = encoded_make(out.codec, sent->key, run->sent_count, sent->size, bytes);
	out.timestamp = run->sent_count++ * (PICTURE_US * 9 / 100);
	err = wlk_rtp_sender_send_frame(wlk_transceiver_sender(run->video), &out);
	if (err && err != WLK_ERR_AGAIN)
		sim_fail(sim, "a frame is not taken: %s", wlk_last_error(sim->a.pc));
	sent->is_there = !err;
	run->wants_key = err || (run->wants_key && !sent->key);
}

static void exchange_sound(struct sim *sim, struct run *run)
{
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;
	int16_t pcm[SOUND];

	frame.samples = speech + run->at;
	frame.count = SOUND;
	run->at = (run->at + SOUND) % SOUND_RATE;
	if (wlk_audio_source_push(run->microphone, &frame))
		sim_fail(sim, "sound is not taken");
	wlk_audio_sink_pull(run->speaker, sim->now, pcm, SOUND);
}

static void play(struct sim *sim, struct run *run, uint32_t pictures)
{
	for (uint32_t i = 0; i < pictures; i++) {
		send_picture(sim, run);
		for (wlk_time t = 0; t < PICTURE_US; t += SOUND_US) {
			exchange_sound(sim, run);
			sim_run_for(sim, SOUND_US);
		}
	}
}

static void see(const wlk_stats *record, void *user)
{
	const wlk_stats_inbound_rtp *in = (const void *)record;

	if (record->type == WLK_STATS_INBOUND_RTP && strcmp(in->kind.value, "audio") == 0)
		*(double *)user = (double)in->total_samples_received.value - (double)in->concealed_samples.value;
}

static double samples_heard(struct sim *sim)
{
	wlk_stats_report *report;
	double heard = 0;

	if (wlk_peer_connection_get_stats(sim->b.pc, &report))
		sim_fail(sim, "no statistics");
	wlk_stats_report_visit(report, see, &heard);
	wlk_stats_report_destroy(report);
	return heard;
}

/* ---- a seed ---- */

static struct plan draw_plan(uint64_t seed)
{
	static const char *const opus[] = { "audio/opus", NULL }, *const red[] = { "audio/red", "audio/opus", NULL };
	static const char *const pcmu[] = { "audio/PCMU", NULL }, *const g722[] = { "audio/G722", NULL };
	static const char *const *const sounds[] = { NULL, opus, red, pcmu, g722 };
	static const uint32_t losses[] = { 0, 100, 500, 1000, 2000, 3000 };
	static const struct plan plans[] = {
		{ .mime = "video/VP8", .codec = WLK_CODEC_VP8, .is_real = true },
		{ .mime = "video/VP8", .codec = WLK_CODEC_VP8, .is_real = true, .mode = "L1T2" },
		{ .mime = "video/VP8", .codec = WLK_CODEC_VP8, .is_real = true, .mode = "L1T3" },
		{ .mime = "video/VP9", .codec = WLK_CODEC_VP9, .is_real = true },
		{ .mime = "video/VP9", .codec = WLK_CODEC_VP9, .is_real = true, .mode = "L1T3" },
		{ .mime = "video/VP9", .codec = WLK_CODEC_VP9, .is_real = true, .mode = "L2T1" },
		{ .mime = "video/VP9", .codec = WLK_CODEC_VP9, .is_real = true, .mode = "L3T3" },
		{ .mime = "video/VP9", .codec = WLK_CODEC_VP9, .is_real = true, .mode = "L3T3_KEY" },
		{ .mime = "video/H264", .codec = WLK_CODEC_H264, .as_frames = true },
		{ .mime = "video/AV1", .codec = WLK_CODEC_AV1, .as_frames = true },
	};
	struct sim dice = { .random = seed * 77 };
	struct plan plan = plans[seed % (sizeof(plans) / sizeof(*plans))];

	plan.as_frames = plan.as_frames || sim_random(&dice, 2);
	plan.sound = sounds[sim_random(&dice, 5)];
	plan.link = (struct sim_config){
		.seed = seed,
		.latency_us = 5 * SIM_MS + sim_random(&dice, 100 * 1000),
		.jitter_us = sim_random(&dice, 2) ? sim_random(&dice, 60 * 1000) : 0,
		.loss = losses[sim_random(&dice, 6)],
		.duplicate = sim_random(&dice, 500),
		.reorder = sim_random(&dice, 1000),
		.reorder_us = 1 + sim_random(&dice, 80 * 1000),
		.rate_bps = sim_random(&dice, 2) ? 1500000 : 0,
		.queue_us = 200 * 1000,
	};
	return plan;
}

static void set_layers(struct sim *sim, struct run *run)
{
	static wlk_rtp_send_parameters p;
	wlk_rtp_sender *sender = wlk_transceiver_sender(run->video);

	if (wlk_rtp_sender_parameters(sender, &p))
		sim_fail(sim, "no parameters");
	p.encodings[0].scalability_mode = run->plan.mode;
	p.degradation_preference = WLK_DEGRADATION_MAINTAIN_RESOLUTION;
	if (wlk_rtp_sender_set_parameters(sender, &p))
		sim_fail(sim, "parameters: %s", wlk_last_error(sim->a.pc));
}

static void begin(struct sim *sim, struct run *run, uint64_t seed)
{
	const char *mimes[3] = { NULL, "video/rtx", NULL };
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;
	struct sim_config good = { .seed = seed };

	memset(run, 0, sizeof(*run));
	run->plan = draw_plan(seed);
	run->psnr_min = 100;
	good.latency_us = run->plan.link.latency_us;
	mimes[0] = run->plan.mime;
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	sim_init(sim, &good, on_event, run);
	if (wlk_video_source_create(&run->camera) || wlk_audio_source_create(&run->microphone) || wlk_audio_sink_create(SOUND_RATE, 1, &run->speaker) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_AUDIO, &sendonly, &run->audio) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, &sendonly, &run->video) ||
	    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(run->audio), run->microphone) ||
	    (run->plan.is_real && wlk_rtp_sender_set_video_source(wlk_transceiver_sender(run->video), run->camera)))
		sim_fail(sim, "no tracks");
	raw_prefer(sim, run->video, mimes);
	if (run->plan.sound)
		raw_prefer(sim, run->audio, run->plan.sound);
	if (run->plan.is_real && run->plan.as_frames) {
		wlk_video_decoder_config config = WLK_VIDEO_DECODER_CONFIG_INIT;

		config.codec = run->plan.codec;
		run->table = wlk_codec_set_video_decoder(NULL, config.codec, NULL);
		if (!run->table || run->table->create(run->table->user, &config, &run->decoder))
			sim_fail(sim, "no decoder");
	}
	set_layers(sim, run);
	sim_signal(sim);
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
}

static void end(struct sim *sim, struct run *run)
{
	sim_free(sim);
	if (run->decoder)
		run->table->destroy(run->decoder);
	wlk_video_source_release(run->camera);
	wlk_audio_source_release(run->microphone);
	wlk_audio_sink_release(run->speaker);
}

static void run_seed(uint64_t seed)
{
	static struct sim sim;
	static struct run run;
	double before;

	bytes_most = 0;
	begin(&sim, &run, seed);
	play(&sim, &run, 5);
	sim.config = run.plan.link;
	play(&sim, &run, BAD - 5);
	sim.config = (struct sim_config){ .seed = seed, .latency_us = run.plan.link.latency_us };
	before = samples_heard(&sim);
	play(&sim, &run, PICTURES - BAD);
	sim_run_for(&sim, SIM_SECOND);
	if (getenv("SIM_VERBOSE"))
		printf("seed %llu: %s %s%s, loss %u, %u shown, %u of %u late, %u requests, PSNR at least %.1f, %zu KiB\n", (unsigned long long)seed,
		       run.plan.mime, run.plan.mode ? run.plan.mode : "", run.plan.as_frames ? " as frames" : "", run.plan.link.loss, run.shown,
		       run.shown_late, PICTURES - BAD, run.requests, run.psnr_min, bytes_most / 1024);
	if (run.shown_late < (PICTURES - BAD) / 3) /* the first second may go by until all is well again */
		sim_fail(&sim, "%u of %u pictures after the bad time", run.shown_late, PICTURES - BAD);
	if (samples_heard(&sim) - before < 0.8 * SOUND_RATE * (PICTURES - BAD) * PICTURE_US / 1e6)
		sim_fail(&sim, "%.0f samples of sound after the bad time", samples_heard(&sim) - before);
	if (bytes_most > BUDGET)
		sim_fail(&sim, "%zu bytes in use", bytes_most);
	end(&sim, &run);
}

int main(int argc, char **argv)
{
	static const struct alloc_hooks hooks = { counted_alloc, counted_resize, counted_release, NULL };
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
	size_t most = 0;

	alloc_set_hooks(&hooks);
	sound_add_speech(speech, SOUND_RATE, 125, 9000);
	for (uint32_t i = 0; i < PICTURES; i++) {
		film_init(&film[i], WIDTH, HEIGHT);
		film_draw(&film[i], i);
	}
	for (uint64_t seed = first; seed < first + count; seed++) {
		run_seed(seed);
		most = bytes_most > most ? bytes_most : most;
	}
	printf("%llu seeds from %llu: every frame decoded, at most %zu KiB in use for both ends\n", (unsigned long long)count,
	       (unsigned long long)first, most / 1024);
	for (uint32_t i = 0; i < PICTURES; i++)
		film_free(&film[i]);
	return 0;
}
