/* Raw sound from a microphone to a loudspeaker over links that lose and delay: what had to be made up, and how late it is heard. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/sound.h"
#include "sim.h"

enum { PULL = 480, PULL_US = 10000, SPEECH = SOUND_RATE * 4 };

struct run {
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	wlk_transceiver *audio;
	int16_t speech[SPEECH];
	size_t at;
	int16_t heard[SOUND_RATE];
	size_t heard_at;
};

struct figures {
	double received, concealed, events, delay, emitted;
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = sim->user;

	if (ev->type != WLK_EVENT_TRACK || peer != &sim->b)
		return;
	if (wlk_rtp_receiver_set_audio_sink(wlk_transceiver_receiver(ev->u.track.transceiver), run->speaker))
		sim_fail(sim, "no sink: %s", wlk_last_error(peer->pc));
}

/* |codecs| of the capabilities in this order; NULL at the end. */
static void prefer(struct sim *sim, struct run *run, const char *const *mimes)
{
	static wlk_rtp_capabilities caps;
	wlk_rtp_codec codecs[4];
	size_t count = 0;

	if (wlk_rtp_sender_capabilities(WLK_MEDIA_AUDIO, &caps))
		sim_fail(sim, "no capabilities");
	for (; *mimes; mimes++)
		for (size_t i = 0; i < caps.codec_count; i++)
			if (!strcmp(caps.codecs[i].mime_type, *mimes)) {
				codecs[count++] = caps.codecs[i];
				break;
			}
	if (wlk_transceiver_set_codec_preferences(run->audio, codecs, count))
		sim_fail(sim, "preferences: %s", wlk_last_error(sim->a.pc));
}

static void begin(struct sim *sim, struct run *run, const struct sim_config *config, const char *const *mimes)
{
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;
	uint32_t noise = 3;

	memset(run, 0, sizeof(*run));
	sound_add_speech(run->speech, SPEECH, 125, 9000);
	sound_add_noise(run->speech, SPEECH, 60, &noise);
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	sim_init(sim, config, on_event, run);
	if (wlk_audio_source_create(&run->microphone) || wlk_audio_sink_create(SOUND_RATE, 1, &run->speaker) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_AUDIO, &sendonly, &run->audio) ||
	    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(run->audio), run->microphone))
		sim_fail(sim, "no track");
	prefer(sim, run, mimes);
	sim_signal(sim);
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
}

static void end(struct sim *sim, struct run *run)
{
	sim_free(sim);
	wlk_audio_source_release(run->microphone);
	wlk_audio_sink_release(run->speaker);
}

static void play(struct sim *sim, struct run *run, wlk_time span)
{
	for (wlk_time until = sim->now + span; sim->now < until; sim_run_for(sim, PULL_US)) {
		wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;

		frame.samples = run->speech + run->at;
		frame.count = PULL;
		run->at = (run->at + PULL) % SPEECH;
		if (wlk_audio_source_push(run->microphone, &frame))
			sim_fail(sim, "sound is not taken");
		wlk_audio_sink_pull(run->speaker, sim->now, run->heard + run->heard_at, PULL);
		run->heard_at = (run->heard_at + PULL) % SOUND_RATE;
	}
}

static void see(const wlk_stats *record, void *user)
{
	struct figures *f = user;

	if (record->type == WLK_STATS_INBOUND_RTP) {
		const wlk_stats_inbound_rtp *in = (const void *)record;

		f->received = (double)in->total_samples_received.value;
		f->concealed = (double)in->concealed_samples.value;
		f->events = (double)in->concealment_events.value;
		f->delay = in->jitter_buffer_delay.value;
		f->emitted = (double)in->jitter_buffer_emitted_count.value;
	}
}

static struct figures figures_of(struct sim *sim)
{
	struct figures f = { 0 };
	wlk_stats_report *report;

	if (wlk_peer_connection_get_stats(sim->b.pc, &report))
		sim_fail(sim, "no statistics");
	wlk_stats_report_visit(report, see, &f);
	wlk_stats_report_destroy(report);
	return f;
}

/* Twenty seconds on such a link, after 5 s to get used to it. */
static void lossy(uint64_t seed, const char *title, const char *const *mimes, uint32_t loss, wlk_time jitter, double most)
{
	static struct sim sim;
	static struct run run;
	const struct sim_config config = { .seed = seed, .latency_us = 50 * SIM_MS };
	struct figures before, after;
	double concealed, held;

	begin(&sim, &run, &config, mimes);
	play(&sim, &run, SIM_SECOND);
	sim.config.loss = loss;
	sim.config.jitter_us = jitter;
	play(&sim, &run, 5 * SIM_SECOND);
	before = figures_of(&sim);
	play(&sim, &run, 20 * SIM_SECOND);
	after = figures_of(&sim);
	concealed = (after.concealed - before.concealed) / (after.received - before.received);
	held = (after.delay - before.delay) / (after.emitted - before.emitted);
	printf("%s: %.2f %% concealed in %.0f pieces, held for %.0f ms\n", title, 100 * concealed, after.events - before.events, 1000 * held);
	if (after.received - before.received < 19.0 * SOUND_RATE)
		sim_fail(&sim, "only %.1f s were heard", (after.received - before.received) / SOUND_RATE);
	if (concealed > most || held > 0.35)
		sim_fail(&sim, "too much is made up, or heard too late");
	if (sound_rms(run.heard, SOUND_RATE) < 0.5 * sound_rms(run.speech, SPEECH))
		sim_fail(&sim, "too little is heard: %.0f", sound_rms(run.heard, SOUND_RATE));
	end(&sim, &run);
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
