/* Raw sound from a microphone to a loudspeaker over links that lose and delay: what had to be made up, and how late it is heard. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "raw_call.h"

/* Twenty seconds on such a link, after 5 s to get used to it. */
static void lossy(uint64_t seed, const char *title, const char *const *codecs, uint32_t loss, wlk_time jitter, double most)
{
	static struct sim sim;
	static struct raw_call call;
	const struct sim_config config = { .seed = seed, .latency_us = 50 * SIM_MS };
	const struct raw_call_config raw = { .video = "", .audio = codecs, .width = 160, .height = 96 };
	struct raw_figures before, after;
	double concealed, samples, rms;
	wlk_time held;

	raw_call_begin(&sim, &call, &config, &raw);
	raw_call_play(&call, SIM_SECOND);
	sim.config.loss = loss;
	sim.config.jitter_us = jitter;
	raw_call_play(&call, 5 * SIM_SECOND);
	raw_call_reset(&call);
	before = raw_call_figures(&call);
	raw_call_play(&call, 20 * SIM_SECOND);
	after = raw_call_figures(&call);
	concealed = raw_concealed(&before, &after);
	held = raw_held(&before, &after);
	samples = after.samples - before.samples;
	rms = sqrt(call.energy / call.pulls);
	printf("%s: %.2f %% concealed in %.0f pieces, held for %lld ms\n", title, 100 * concealed,
	       after.concealment_events - before.concealment_events, (long long)held / 1000);
	if (samples < 19.0 * SOUND_RATE)
		sim_fail(&sim, "only %.1f s were heard", samples / SOUND_RATE);
	if (concealed > most || held > 350 * SIM_MS)
		sim_fail(&sim, "too much is made up, or heard too late");
	if (rms < 0.5 * sound_rms(call.speech, RAW_SPEECH))
		sim_fail(&sim, "too little is heard: %.0f", rms);
	raw_call_end(&call);
}

int main(int argc, char **argv)
{
	static const char *const opus[] = { "audio/opus", NULL };
	static const char *const both[] = { "audio/opus", "audio/red", NULL };
	static const char *const red[] = { "audio/red", "audio/opus", NULL };
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	lossy(seed, "open link", opus, 0, 0, 0.001);
	lossy(seed, "jitter of 100 ms", opus, 0, 100 * SIM_MS, 0.01);
	lossy(seed, "10 % loss, FEC", opus, 1000, 10 * SIM_MS, 0.05); /* pauses carry none */
	lossy(seed, "10 % loss, as browsers offer", both, 1000, 10 * SIM_MS, 0.03);
	lossy(seed, "10 % loss, RED", red, 1000, 10 * SIM_MS, 0.03);
	lossy(seed, "30 % loss, RED", red, 3000, 10 * SIM_MS, 0.10);
	return 0;
}
