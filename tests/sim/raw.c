/* Raw media from a source of one peer to a sink of the other, over the real codecs: pictures by PSNR, delays, losses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw_call.h"

static struct sim sim;
static struct raw_call call;

static void begin(const struct sim_config *config, const char *video)
{
	raw_call_begin(&sim, &call, config, &(struct raw_call_config){ .video = video, .width = 320, .height = 192, .beeps = true });
}

static void print(const char *title)
{
	printf("%s: %u pictures of %ux%u, PSNR mean %.1f min %.1f dB, delay mean %.1f max %.1f ms, longest gap %.1f ms; %u beeps, delay mean %.1f max %.1f ms, %.1f %% of them tone\n",
	       title, call.shown, call.width, call.height, call.psnr_sum / call.measured, call.psnr_min, (double)call.delay_sum / call.shown / 1e3,
	       (double)call.delay_max / 1e3, (double)call.gap_max / 1e3, call.heard, (double)call.beep_delay_sum / call.heard / 1e3,
	       (double)call.beep_delay_max / 1e3, 100 * call.tone / call.all);
}

/* The sound is the one that was sent, and comes with the pictures. */
static void check_sound(uint32_t least)
{
	double sound = call.heard ? (double)call.beep_delay_sum / call.heard : 0;
	double picture = call.shown ? (double)call.delay_sum / call.shown : 0;

	if (call.heard < least || call.tone < 0.95 * call.all)
		sim_fail(&sim, "%u beeps, %.1f %% of them tone", call.heard, 100 * call.tone / call.all);
	if (fabs(sound - picture) > 40e3)
		sim_fail(&sim, "the sound comes after %.0f us, the picture after %.0f", sound, picture);
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

static void look(struct sim_peer *peer, struct seen *seen)
{
	wlk_stats_report *report;

	memset(seen, 0, sizeof(*seen));
	if (wlk_peer_connection_get_stats(peer->pc, &report))
		sim_fail(&sim, "no statistics");
	wlk_stats_report_visit(report, see, seen);
	wlk_stats_report_destroy(report);
}

/* The figures of both ends are those of what was pushed and seen. */
static void check_statistics(void)
{
	struct seen a, b;

	look(&sim.a, &a);
	look(&sim.b, &b);
	if (a.picture_out.frames_encoded.value > call.pictures || a.picture_out.frames_encoded.value + 5 < call.pictures || a.picture_out.key_frames_encoded.value < 1 ||
	    a.picture_out.frame_width.value != 320 || a.picture_out.frames_per_second.value < 29 || a.picture_out.frames_per_second.value > 31)
		sim_fail(&sim, "sent: %llu encoded of %u, %llu keys, %llu wide, %.1f frames/s", (unsigned long long)a.picture_out.frames_encoded.value,
			 call.pictures, (unsigned long long)a.picture_out.key_frames_encoded.value,
			 (unsigned long long)a.picture_out.frame_width.value, a.picture_out.frames_per_second.value);
	if (b.picture_in.frames_decoded.value != a.picture_out.frames_encoded.value ||
	    b.picture_in.frames_rendered.value != a.picture_out.frames_encoded.value ||
	    b.picture_in.frames_dropped.value || b.picture_in.freeze_count.value)
		sim_fail(&sim, "received: %llu decoded, %llu rendered, %llu dropped, %llu freezes", (unsigned long long)b.picture_in.frames_decoded.value,
			 (unsigned long long)b.picture_in.frames_rendered.value, (unsigned long long)b.picture_in.frames_dropped.value,
			 (unsigned long long)b.picture_in.freeze_count.value);
	/* The link has no bound, but a picture of 320x192 has. */
	if (a.picture_out.target_bitrate.value < 300000 || a.picture_out.target_bitrate.value > 800000)
		sim_fail(&sim, "the picture is given %.0f bit/s", (double)a.picture_out.target_bitrate.value);
	if (!b.sound_in.total_samples_received.value || b.sound_in.concealed_samples.value * 50 > b.sound_in.total_samples_received.value ||
	    b.playout.total_samples_duration.value < 5.9)
		sim_fail(&sim, "sound: %llu of %llu samples concealed, %.1f s pulled", (unsigned long long)b.sound_in.concealed_samples.value,
			 (unsigned long long)b.sound_in.total_samples_received.value, b.playout.total_samples_duration.value);
}

/* An open link: every picture, well, and not later than the link takes. The first one waited for the keys. */
static void open_link(uint64_t seed, const char *video)
{
	const struct sim_config config = { .seed = seed, .latency_us = 20 * SIM_MS };

	begin(&config, video);
	sim_run_for(&sim, 100 * SIM_MS);
	if (call.shown != 1 || call.first_shown - sim.a.connected_at > 30 * SIM_MS)
		sim_fail(&sim, "%u pictures; the first %lld us after the keys", call.shown, (long long)(call.first_shown - sim.a.connected_at));
	raw_call_start(&call);
	raw_call_reset(&call);
	raw_call_play(&call, 6 * SIM_SECOND);
	sim_run_for(&sim, 300 * SIM_MS);
	print(video);
	if (call.shown < 179 || call.measured != call.shown || call.psnr_min < 28 || call.psnr_sum / call.measured < 32 || call.sizes)
		sim_fail(&sim, "%u pictures, PSNR %.1f, at least %.1f", call.shown, call.psnr_sum / call.measured, call.psnr_min);
	/* 20 ms of them are the link, the rest is for the sound's sake: its frame, its buffer and the speaker's own 10 ms. */
	if (call.delay_max > 90 * SIM_MS || call.delay_sum / call.shown > 75 * SIM_MS)
		sim_fail(&sim, "delay %lld us, at most %lld", (long long)(call.delay_sum / call.shown), (long long)call.delay_max);
	check_sound(5);
	check_statistics();
	if (call.captures < 100 || call.capture_error_max > 5000)
		sim_fail(&sim, "capture times of %u pictures, off by %.0f us", call.captures, call.capture_error_max);
	raw_call_end(&call);
}

/* Losses are mended or followed by a key frame; no picture is shown that does not decode. */
static void lossy_link(uint64_t seed)
{
	const struct sim_config config = { .seed = seed, .latency_us = 25 * SIM_MS };

	begin(&config, NULL);
	raw_call_play(&call, SIM_SECOND);
	sim.config.loss = 500;
	sim.config.jitter_us = 10 * SIM_MS;
	raw_call_reset(&call);
	raw_call_play(&call, 10 * SIM_SECOND);
	print("5 % loss");
	if (call.shown < 250 || call.gap_max > 700 * SIM_MS || call.psnr_min < 25)
		sim_fail(&sim, "%u pictures, a gap of %lld us, PSNR at least %.1f", call.shown, (long long)call.gap_max, call.psnr_min);
	raw_call_end(&call);
}

/* What the application asks for in its parameters is what is encoded. */
static void parameters(uint64_t seed)
{
	const struct sim_config config = { .seed = seed, .latency_us = 10 * SIM_MS };
	static wlk_rtp_send_parameters p;
	wlk_rtp_sender *sender;

	begin(&config, "video/VP8");
	sender = wlk_transceiver_sender(call.video);
	if (wlk_rtp_sender_parameters(sender, &p))
		sim_fail(&sim, "no parameters");
	p.encodings[0].has_max_framerate = true;
	p.encodings[0].max_framerate = 10;
	p.encodings[0].has_scale_resolution_down_by = true;
	p.encodings[0].scale_resolution_down_by = 2;
	if (wlk_rtp_sender_set_parameters(sender, &p))
		sim_fail(&sim, "parameters: %s", wlk_last_error(sim.a.pc));
	raw_call_play(&call, SIM_SECOND);
	raw_call_reset(&call);
	raw_call_play(&call, 5 * SIM_SECOND);
	printf("10 frames/s, half size: %u pictures of %ux%u\n", call.shown, call.width, call.height);
	if (call.shown < 48 || call.shown > 52 || call.width != 160 || call.height != 96)
		sim_fail(&sim, "%u pictures of %ux%u", call.shown, call.width, call.height);
	if (wlk_rtp_sender_parameters(sender, &p))
		sim_fail(&sim, "no parameters");
	p.encodings[0].active = false;
	if (wlk_rtp_sender_set_parameters(sender, &p))
		sim_fail(&sim, "parameters: %s", wlk_last_error(sim.a.pc));
	raw_call_play(&call, SIM_SECOND);
	raw_call_reset(&call);
	raw_call_play(&call, SIM_SECOND);
	if (call.shown)
		sim_fail(&sim, "%u pictures of an encoding that is not active", call.shown);
	raw_call_end(&call);
}

/* ---- frames that are changed on their way: by the sender's transform, and back by the receiver's ---- */

enum { CLEAR = 10 /* bytes that a packetizer looks at */, CHANGED_MAX = 1 << 20 };

struct changes {
	uint8_t sent[CHANGED_MAX], received[CHANGED_MAX];
	uint32_t forth, back, turned, upright;
};

static struct changes changes;

static bool change(uint8_t *copy, wlk_encoded_frame *frame)
{
	if (frame->size > CHANGED_MAX)
		return false;
	for (size_t i = 0; i < frame->size; i++)
		copy[i] = (uint8_t)(frame->data[i] ^ (i < CLEAR ? 0 : 0x5a));
	frame->data = copy;
	return true;
}

/* What is changed is turned as well, so that the far end knows it. */
static bool change_sent(wlk_encoded_frame *frame, void *user)
{
	struct changes *c = user;

	frame->rotation = 90;
	c->forth++;
	return change(c->sent, frame);
}

static bool change_received(wlk_encoded_frame *frame, void *user)
{
	struct changes *c = user;

	c->back += frame->rotation == 90;
	return frame->rotation != 90 || change(c->received, frame);
}

static void count_turned(struct sim *s, struct sim_peer *peer, const wlk_event *ev)
{
	(void)s;
	(void)peer;
	if (ev->type == WLK_EVENT_VIDEO_FRAME && ev->u.video.frame->rotation == 90)
		changes.turned++;
	else if (ev->type == WLK_EVENT_VIDEO_FRAME)
		changes.upright++;
}

/* Encoded frames are what an application makes of them, and pictures say how they are to be turned. */
static void transforms(uint64_t seed)
{
	const struct sim_config config = { .seed = seed, .latency_us = 20 * SIM_MS };
	const struct raw_call_config raw = { .video = "video/VP8", .width = 320, .height = 192, .beeps = true, .on_event = count_turned };
	uint32_t before;

	memset(&changes, 0, sizeof(changes));
	raw_call_begin(&sim, &call, &config, &raw);
	wlk_rtp_receiver_set_transform(wlk_transceiver_receiver(wlk_peer_connection_transceiver(sim.b.pc, 1)), change_received, &changes);
	raw_call_play(&call, SIM_SECOND);
	if (changes.turned || changes.upright < 25)
		sim_fail(&sim, "%u pictures turned, %u upright", changes.turned, changes.upright);
	wlk_rtp_sender_set_transform(wlk_transceiver_sender(call.video), change_sent, &changes);
	raw_call_play(&call, SIM_SECOND);
	raw_call_reset(&call);
	before = changes.upright;
	raw_call_play(&call, 2 * SIM_SECOND);
	printf("changed and turned: %u there, %u back, %u pictures, PSNR at least %.1f\n", changes.forth, changes.back, changes.turned, call.psnr_min);
	if (changes.upright != before || changes.turned < 85 || changes.back < 85 || call.shown < 55 || call.psnr_min < 28)
		sim_fail(&sim, "%u upright, %u shown", changes.upright - before, call.shown);
	wlk_rtp_sender_set_transform(wlk_transceiver_sender(call.video), NULL, NULL);
	raw_call_play(&call, SIM_SECOND);
	before = changes.turned;
	raw_call_play(&call, SIM_SECOND);
	if (changes.turned != before)
		sim_fail(&sim, "%u pictures are still turned", changes.turned - before);
	raw_call_end(&call);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	open_link(seed, "video/VP8");
	open_link(seed, "video/VP9");
	lossy_link(seed);
	parameters(seed);
	transforms(seed);
	return 0;
}
