/*
 * Raw media of a default call over a link that loses packets at random, both ways: how long pictures stand still, how much sound is made up,
 * and how soon all is well again when the losses end.
 *
 *	sim_loss FIRST COUNT
 *
 * for COUNT seeds; 1 16 is the whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "raw_call.h"

enum {
	RTT = 100 * 1000,
	RATE_BPS = 3000000,
	QUEUE_US = 200 * 1000,
	FREEZE_MAX = 500 * 1000, /* at 10 % */
	SETTLED = 5,             /* seconds */
};

#define CONCEALED_AT_10 0.03
#define CONCEALED_AT_30 0.10
#define SHOWN_AT_30     5.0 /* a second */

static struct sim sim;
static struct raw_call call;

static void on_event(struct sim *s, struct sim_peer *peer, const wlk_event *ev)
{
	if (getenv("SIM_VERBOSE") && peer == &s->a && ev->type == WLK_EVENT_TARGET_BITRATE)
		printf("%.3f: %llu\n", (double)s->now / 1e6, (unsigned long long)ev->u.target_bitrate.bps);
}

/* The picture is given what the link has, so that its quality tells of the link and not of the film. */
static void take_all(void)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(call.video);
	static wlk_rtp_send_parameters p;

	if (wlk_rtp_sender_parameters(sender, &p))
		sim_fail(&sim, "no parameters");
	p.encodings[0].has_max_bitrate = true;
	p.encodings[0].max_bitrate = RATE_BPS;
	if (wlk_rtp_sender_set_parameters(sender, &p))
		sim_fail(&sim, "parameters: %s", wlk_last_error(sim.a.pc));
}

static void begin(uint64_t seed)
{
	const struct sim_config config = {
		.seed = seed,
		.latency_us = RTT / 2,
		.jitter_us = seed % 2 ? 0 : 10 * SIM_MS,
		.rate_bps = RATE_BPS,
		.queue_us = QUEUE_US,
	};
	const struct raw_call_config raw = { .width = 480, .height = 272, .on_event = on_event };

	raw_call_begin(&sim, &call, &config, &raw);
	take_all();
	raw_call_play(&call, 8 * SIM_SECOND);
}

/* A minute at 10 %. */
static void ten_percent(uint64_t seed)
{
	struct raw_figures before, after;

	begin(seed);
	sim.config.loss = 1000;
	raw_call_reset(&call);
	before = raw_call_figures(&call);
	raw_call_play(&call, 60 * SIM_SECOND);
	after = raw_call_figures(&call);
	printf("seed %llu, 10 %%: longest gap %.0f ms, %.1f frames/s, delay mean %.0f max %.0f ms, %.2f %% concealed, sound held for %lld ms, %.0f key frames\n",
	       (unsigned long long)seed, (double)call.gap_max / 1e3, call.shown / 60.0, (double)call.delay_sum / call.shown / 1e3,
	       (double)call.delay_max / 1e3, 100 * raw_concealed(&before, &after), (long long)raw_held(&before, &after) / 1000,
	       after.key_frames - before.key_frames);
	if (call.gap_max > FREEZE_MAX)
		sim_fail(&sim, "a picture stood still for %lld us", (long long)call.gap_max);
	if (raw_concealed(&before, &after) > CONCEALED_AT_10)
		sim_fail(&sim, "%.2f %% of the sound was made up", 100 * raw_concealed(&before, &after));
	raw_call_end(&call);
}

/* The poorest second of the last ones. */
static double play_by_seconds(unsigned seconds)
{
	double least = 1e9;

	for (unsigned i = 0; i < seconds; i++) {
		uint32_t before = call.shown;

		raw_call_play(&call, SIM_SECOND);
		least = call.shown - before < least ? call.shown - before : least;
	}
	return least;
}

/* Twenty seconds at 30 %, and then none: in its fifth second all is as it was before. */
static void thirty_percent(uint64_t seed)
{
	struct raw_figures before, after;
	double open_psnr, psnr, least;

	begin(seed);
	raw_call_reset(&call);
	raw_call_play(&call, 3 * SIM_SECOND);
	open_psnr = call.psnr_sum / call.measured;
	sim.config.loss = 3000;
	raw_call_reset(&call);
	before = raw_call_figures(&call);
	least = play_by_seconds(20);
	after = raw_call_figures(&call);
	printf("seed %llu, 30 %%: longest gap %.0f ms, %.1f frames/s, %.0f in the poorest second, %ux%u, %.2f %% concealed, sound held for %lld ms\n",
	       (unsigned long long)seed, (double)call.gap_max / 1e3, call.shown / 20.0, least, call.width, call.height,
	       100 * raw_concealed(&before, &after), (long long)raw_held(&before, &after) / 1000);
	if (raw_concealed(&before, &after) > CONCEALED_AT_30)
		sim_fail(&sim, "%.2f %% of the sound was made up", 100 * raw_concealed(&before, &after));
	if (call.shown / 20.0 < SHOWN_AT_30)
		sim_fail(&sim, "%.1f pictures a second", call.shown / 20.0);
	sim.config.loss = 0;
	raw_call_play(&call, SETTLED * SIM_SECOND);
	raw_call_reset(&call);
	before = raw_call_figures(&call);
	raw_call_play(&call, 3 * SIM_SECOND);
	after = raw_call_figures(&call);
	psnr = call.measured ? call.psnr_sum / call.measured : 0;
	printf("seed %llu, %d s later: %u of 90 pictures, %ux%u, PSNR %.1f dB (before %.1f), %.2f %% concealed\n", (unsigned long long)seed, SETTLED,
	       call.shown, call.width, call.height, psnr, open_psnr, 100 * raw_concealed(&before, &after));
	if (call.measured < 85 || call.measured != call.shown || psnr < open_psnr - 1.5)
		sim_fail(&sim, "%u pictures, %u of the full size, PSNR %.1f of %.1f", call.shown, call.measured, psnr, open_psnr);
	if (raw_concealed(&before, &after) > 0.005)
		sim_fail(&sim, "%.2f %% of the sound is still made up", 100 * raw_concealed(&before, &after));
	raw_call_end(&call);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	for (uint64_t seed = first; seed < first + count; seed++) {
		ten_percent(seed);
		thirty_percent(seed);
	}
	return 0;
}
