/*
 * How sound is played whose packets come unevenly, or whose sender's clock and loudspeaker's clock differ: whole peers, raw sound.
 *
 *	sim_playout SEED CYCLES DRIFT_SECONDS
 *
 * CYCLES of jitter that steps from 0 to 200 ms and back, 24 s each, and DRIFT_SECONDS at 200 ppm either way; 1 25 600 is the whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "raw_call.h"

enum {
	JITTER = 200 * 1000,
	LATENCY = 20 * 1000,
	FOLLOWS_UP = 2,  /* seconds */
	FOLLOWS_DOWN = 10,
	HELD_CALM = 60 * 1000, /* on a path without jitter: a frame of 20 ms, and the margin */
	HELD_UNEVEN = 150 * 1000,
};

static struct sim sim;
static struct raw_call call;

static void begin(uint64_t seed, double ppm)
{
	const struct sim_config config = { .seed = seed, .latency_us = LATENCY };
	const struct raw_call_config raw = { .video = "", .width = 160, .height = 96, .speaker_ppm = ppm, .beeps = true };

	raw_call_begin(&sim, &call, &config, &raw);
	raw_call_play(&call, 5 * SIM_SECOND);
}

struct span {
	wlk_time held;
	double concealed;
};

static struct span play(wlk_time span)
{
	struct raw_figures before = raw_call_figures(&call), after;

	raw_call_play(&call, span);
	after = raw_call_figures(&call);
	return (struct span){ raw_held(&before, &after), raw_concealed(&before, &after) };
}

/* How long after it was made sound is heard, at the end of a calm time. */
static wlk_time delay_of_beeps(void)
{
	raw_call_reset(&call);
	raw_call_play(&call, 2 * SIM_SECOND);
	if (!call.heard)
		sim_fail(&sim, "no beep is heard");
	return call.beep_delay_sum / call.heard;
}

static void steps_of_jitter(uint64_t seed, unsigned cycles)
{
	wlk_time first_delay = 0, delay = 0;

	begin(seed, 0);
	for (unsigned i = 0; i < cycles; i++) {
		struct span up, uneven, calm;

		sim.config.jitter_us = JITTER;
		raw_call_play(&call, FOLLOWS_UP * SIM_SECOND);
		up = play(SIM_SECOND);
		uneven = play(9 * SIM_SECOND);
		sim.config.jitter_us = 0;
		raw_call_play(&call, FOLLOWS_DOWN * SIM_SECOND);
		calm = play(SIM_SECOND);
		delay = delay_of_beeps();
		first_delay = i ? first_delay : delay;
		if (!i || i + 1 == cycles)
			printf("seed %llu, cycle %u: %lld ms held in the third second of jitter, %.2f %% concealed from then on; %lld ms in the 11th behind it, heard after %lld ms\n",
			       (unsigned long long)seed, i + 1, (long long)up.held / 1000, 100 * uneven.concealed, (long long)calm.held / 1000,
			       (long long)delay / 1000);
		/* Half of the packets come 100 ms late at least: who waits for the latest holds them 100 ms on average, and what the frame needs. */
		if (up.held < HELD_UNEVEN / 2 || up.concealed > 0.05 || uneven.concealed > 0.02)
			sim_fail(&sim, "held for %lld us, %.2f and %.2f %% concealed", (long long)up.held, 100 * up.concealed, 100 * uneven.concealed);
		if (calm.held > HELD_CALM || calm.concealed > 0.01)
			sim_fail(&sim, "held for %lld us on a calm path", (long long)calm.held);
		if (delay > first_delay + 20 * SIM_MS)
			sim_fail(&sim, "latency grew from %lld to %lld us", (long long)first_delay, (long long)delay);
	}
	raw_call_end(&call);
}

static void drift(uint64_t seed, double ppm, unsigned seconds)
{
	wlk_time first, last;
	struct span all;

	begin(seed, ppm);
	first = delay_of_beeps();
	all = play(seconds * SIM_SECOND);
	last = delay_of_beeps();
	printf("seed %llu, %+.0f ppm: %.3f %% concealed in %u s, held for %lld ms, heard after %lld ms at first and %lld at last\n",
	       (unsigned long long)seed, ppm, 100 * all.concealed, seconds, (long long)all.held / 1000, (long long)first / 1000, (long long)last / 1000);
	if (all.concealed > 0.001)
		sim_fail(&sim, "%.3f %% concealed", 100 * all.concealed);
	if (last > first + 20 * SIM_MS || all.held > HELD_CALM)
		sim_fail(&sim, "latency grew");
	raw_call_end(&call);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	unsigned cycles = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1, seconds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 30;

	steps_of_jitter(seed, cycles);
	drift(seed, 200, seconds);
	drift(seed, -200, seconds);
	return 0;
}
