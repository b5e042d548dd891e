/* What a listener gets, in virtual time: loss, jitter, drift, silence. Figures of each case are printed. */
#include "tests/support/audio_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

#define MS MILLISECOND

enum { SPEECH = SOUND_RATE * 4 };

static int16_t speech[SPEECH], narrow[SPEECH / 6], tone[SOUND_RATE];

static int make_sounds(void **state)
{
	uint32_t seed = 3;

	(void)state;
	sound_add_speech(speech, SPEECH, 125, 9000);
	sound_add_noise(speech, SPEECH, 60, &seed);
	sound_add_tone(tone, SOUND_RATE, 440, 8000, 0);
	for (size_t i = 0; i < SPEECH / 6; i++)
		narrow[i] = (int16_t)((speech[6 * i] + speech[6 * i + 2] + speech[6 * i + 4]) / 3);
	return 0;
}

static const struct audio_call_config opus_speech = {
	.codec = CODEC_OPUS, .sound = speech, .sound_size = SPEECH, .bitrate_bps = 32000, .seed = 1
};
static const struct audio_call_config pcmu_speech = {
	.codec = CODEC_PCMU, .sound = narrow, .sound_size = SPEECH / 6, .seed = 1
};

static double concealed_share(const struct audio_playout_stats *after, const struct audio_playout_stats *before)
{
	return (double)(after->concealed_samples - before->concealed_samples) /
	       (double)(after->total_samples_received - before->total_samples_received);
}

static void report(const char *what, const struct audio_call *call, const struct audio_playout_stats *before)
{
	struct audio_playout_stats s = audio_call_stats(call);

	printf("  %-34s concealed %.3f %%, %llu events, delay %.0f ms, target %.0f ms, held %.0f ms, +%llu -%llu samples, discarded %llu\n", what,
	       100 * concealed_share(&s, before), (unsigned long long)(s.concealment_events - before->concealment_events),
	       (double)s.delay_us / 1000, (double)s.target_us / 1000,
	       1000 * (s.jitter_buffer_delay_s - before->jitter_buffer_delay_s) /
		       (double)(s.jitter_buffer_emitted_count - before->jitter_buffer_emitted_count),
	       (unsigned long long)(s.inserted_samples_for_deceleration - before->inserted_samples_for_deceleration),
	       (unsigned long long)(s.removed_samples_for_acceleration - before->removed_samples_for_acceleration),
	       (unsigned long long)(s.packets_discarded - before->packets_discarded));
}

static const struct audio_playout_stats nothing = { .total_samples_received = 0 };

/* The device's thread waits for it: far below its 10 ms on any machine. Measured at -O2: see the figures that are printed. */
static void test_a_pull_is_cheap(void **state)
{
	struct audio_call_config c = opus_speech;
	struct audio_call call;

	(void)state;
	c.encode_once = true;
	c.channels = 2;
	audio_call_init(&call, &c);
	call.jitter = 150 * MS;
	call.loss = 0.05;
	audio_call_run(&call, 30 * SECOND);
	printf("  a pull takes %.1f us on average, %.0f us at worst\n", call.total_pull_us / (double)call.pulls, call.slowest_pull_us);
	assert_true(call.total_pull_us / (double)call.pulls < 1000);
	audio_call_free(&call);
}

static void test_clean_path_changes_nothing(void **state)
{
	struct audio_call call;
	struct audio_playout_stats s;

	(void)state;
	audio_call_init(&call, &opus_speech);
	audio_call_run(&call, 20 * SECOND);
	s = audio_call_stats(&call);
	report("clean, Opus", &call, &nothing);
	assert_int_equal(s.concealed_samples, 0);
	assert_int_equal(s.packets_discarded + s.duplicates + s.malformed + s.resets, 0);
	assert_true(s.delay_us < 40 * MS);
	assert_true(s.total_samples_received > 19 * SOUND_RATE);
	audio_call_free(&call);
}

static void lossy(const char *what, const struct audio_call_config *config, double loss, wlk_time rtt, double most)
{
	struct audio_playout_stats s, before;
	struct audio_call call;

	audio_call_init(&call, config);
	call.loss = loss;
	call.jitter = 10 * MS;
	call.rtt = rtt;
	audio_call_run(&call, 5 * SECOND);
	before = audio_call_stats(&call);
	audio_call_run(&call, 60 * SECOND);
	s = audio_call_stats(&call);
	report(what, &call, &before);
	assert_true(concealed_share(&s, &before) < most);
	assert_true(s.delay_us < 300 * MS);
	audio_call_free(&call);
}

static void test_10_percent_loss(void **state)
{
	struct audio_call_config c = opus_speech;

	(void)state;
	c.encode_once = c.fec = true;
	c.loss_percent = 10;
	lossy("10 % loss, Opus FEC", &c, 0.1, 0, 0.045); /* 1 % are two in a row; pauses carry no FEC */
	c.fec = false;
	c.red = 1;
	lossy("10 % loss, RED", &c, 0.1, 0, 0.03);
	c.red = 0;
	lossy("10 % loss, NACK, RTT 100", &c, 0.1, 100 * MS, 0.03);
	c = pcmu_speech;
	c.red = 1;
	lossy("10 % loss, PCMU, RED", &c, 0.1, 0, 0.03);
}

static void test_30_percent_loss(void **state)
{
	struct audio_call_config c = opus_speech;

	(void)state;
	c.encode_once = c.fec = true;
	c.loss_percent = 30;
	lossy("30 % loss, Opus FEC", &c, 0.3, 0, 0.18); /* 9 % are two in a row */
	c.red = 1;
	lossy("30 % loss, Opus FEC, RED", &c, 0.3, 0, 0.10);
	c.fec = false;
	c.red = 2;
	lossy("30 % loss, RED of 2", &c, 0.3, 0, 0.05);
	c.red = 0;
	lossy("30 % loss, NACK, RTT 100", &c, 0.3, 100 * MS, 0.03);
}

static void test_jitter_in_steps_is_followed(void **state)
{
	struct audio_playout_stats before;
	struct audio_call_config c = opus_speech;
	struct audio_call call;

	(void)state;
	c.encode_once = true;
	audio_call_init(&call, &c);
	audio_call_run(&call, 10 * SECOND);
	assert_true(audio_call_stats(&call).delay_us < 40 * MS);
	for (int round = 0; round < 5; round++) {
		call.jitter = 200 * MS;
		audio_call_run(&call, 2 * SECOND);
		assert_true(audio_call_stats(&call).delay_us > 150 * MS);
		before = audio_call_stats(&call);
		audio_call_run(&call, 18 * SECOND);
		if (!round)
			report("jitter of 200 ms", &call, &before);
		assert_true(audio_call_stats(&call).delay_us < 280 * MS);
		struct audio_playout_stats after = audio_call_stats(&call);

		assert_true(concealed_share(&after, &before) < 0.02);
		call.jitter = 0;
		before = after;
		audio_call_run(&call, 10 * SECOND);
		if (!round)
			report("10 s behind it", &call, &before);
		assert_true(audio_call_stats(&call).delay_us < 45 * MS);
	}
	audio_call_free(&call);
}

/* The way itself becomes 200 ms longer and shorter again: nothing is waited beyond it for long. */
static wlk_time way;
static wlk_time steps_of_the_way(struct audio_call *call)
{
	(void)call;
	return way;
}

static void test_steps_of_the_path_delay(void **state)
{
	struct audio_call_config c = opus_speech;
	struct audio_call call;

	(void)state;
	c.encode_once = true;
	audio_call_init(&call, &c);
	call.delay = steps_of_the_way;
	for (int round = 0; round < 6; round++) {
		way = round % 2 ? 220 * MS : 20 * MS;
		audio_call_run(&call, 2 * SECOND);
		assert_true(audio_call_stats(&call).delay_us > -20 * MS);
		audio_call_run(&call, 10 * SECOND);
		assert_true(audio_call_stats(&call).delay_us < 45 * MS);
		assert_true(audio_call_stats(&call).target_us < 45 * MS);
	}
	audio_call_free(&call);
}

static void test_ten_minutes_do_not_add_latency(void **state)
{
	struct audio_call_config c = pcmu_speech;
	struct audio_call call;

	(void)state;
	c.encode_once = true;
	audio_call_init(&call, &c);
	for (int minute = 0; minute < 10; minute++) {
		call.jitter = 60 * MS;
		call.loss = 0.02;
		audio_call_run(&call, 40 * SECOND);
		call.jitter = 0;
		call.loss = 0;
		audio_call_run(&call, 20 * SECOND);
		assert_true(audio_call_stats(&call).delay_us < 45 * MS);
		assert_true(audio_call_stats(&call).packets_held < 4);
	}
	report("10 minutes", &call, &nothing);
	audio_call_free(&call);
}

static void test_clock_drift_of_200_ppm(void **state)
{
	struct audio_call_config configs[2] = { opus_speech, pcmu_speech };

	(void)state;
	configs[0].encode_once = true;
	for (size_t i = 0; i < 3; i++) { /* Opus one way is enough */
		struct audio_call_config c = configs[i > 0];
		struct audio_playout_stats s;
		struct audio_call call;

		c.device_ppm = i % 2 ? -200 : 200;
		audio_call_init(&call, &c);
		audio_call_run(&call, 600 * SECOND);
		s = audio_call_stats(&call);
		report(i % 2 ? "drift -200 ppm" : "drift +200 ppm", &call, &nothing);
		assert_true(concealed_share(&s, &nothing) < 0.001);
		assert_true(s.delay_us < 60 * MS);
		assert_int_equal(s.packets_discarded, 0);
		/* 120 ms of sound too much or too few in ten minutes. */
		if (i % 2)
			assert_in_range(s.removed_samples_for_acceleration - s.inserted_samples_for_deceleration, 3800, 7800);
		else
			assert_in_range(s.inserted_samples_for_deceleration - s.removed_samples_for_acceleration, 3800, 7800);
		audio_call_free(&call);
	}
}

static void test_silence_by_dtx_is_no_loss(void **state)
{
	static int16_t talk[SOUND_RATE * 6]; /* a second of speech, five of quiet noise */
	struct audio_call_config c = { .codec = CODEC_OPUS, .sound = talk, .sound_size = SOUND_RATE * 6, .bitrate_bps = 24000, .dtx = true, .seed = 1 };
	struct audio_playout_stats s;
	struct audio_call call;
	uint32_t seed = 8;

	(void)state;
	memcpy(talk, speech, SOUND_RATE * sizeof(*talk));
	for (size_t i = SOUND_RATE; i < SOUND_RATE * 6; i++)
		talk[i] = 0;
	sound_add_noise(talk, SOUND_RATE * 6, 8, &seed);
	audio_call_init(&call, &c);
	call.jitter = 30 * MS;
	audio_call_run(&call, 60 * SECOND);
	s = audio_call_stats(&call);
	report("DTX", &call, &nothing);
	assert_true(call.seq - 70000 < (int64_t)call.sent * 2 / 3); /* much was not sent */
	assert_true(concealed_share(&s, &nothing) < 0.005);
	assert_true(s.delay_us < 120 * MS);
	audio_call_free(&call);
}

static void test_pulls_in_bursts(void **state)
{
	struct audio_call_config c = opus_speech;
	struct audio_playout_stats s, before;
	struct audio_call call;

	(void)state;
	c.burst = 4; /* a device of 40 ms */
	c.encode_once = true;
	audio_call_init(&call, &c);
	call.jitter = 20 * MS;
	audio_call_run(&call, 5 * SECOND);
	before = audio_call_stats(&call);
	audio_call_run(&call, 60 * SECOND);
	s = audio_call_stats(&call);
	report("a device of 40 ms", &call, &before);
	assert_true(concealed_share(&s, &before) < 0.005);
	audio_call_free(&call);
}

static void test_wishes_are_met(void **state)
{
	struct audio_call_config c = opus_speech;
	struct audio_playout_stats s, before;
	struct audio_call call;
	double held;

	(void)state;
	c.encode_once = true;
	audio_call_init(&call, &c);
	audio_call_run(&call, 5 * SECOND);
	audio_playout_set_target(call.playout, 500 * MS);
	audio_call_run(&call, 10 * SECOND);
	before = audio_call_stats(&call);
	audio_call_run(&call, 10 * SECOND);
	s = audio_call_stats(&call);
	held = (s.jitter_buffer_delay_s - before.jitter_buffer_delay_s) / (double)(s.jitter_buffer_emitted_count - before.jitter_buffer_emitted_count);
	report("jitterBufferTarget 500", &call, &before);
	assert_true(fabs(held - 0.5) < 0.03);
	assert_int_equal(s.concealed_samples, before.concealed_samples);
	audio_playout_set_target(call.playout, 0);
	audio_playout_set_minimum_delay(call.playout, 150 * MS);
	audio_call_run(&call, 10 * SECOND);
	assert_in_range(audio_call_stats(&call).delay_us, 140 * MS, 170 * MS);
	audio_playout_set_minimum_delay(call.playout, 0);
	audio_call_run(&call, 10 * SECOND);
	assert_true(audio_call_stats(&call).delay_us < 40 * MS);
	audio_call_free(&call);
}

/* A tone through jitter: it is stretched both ways, and stays a tone. */
static void test_stretching_is_not_heard(void **state)
{
	struct audio_call_config c = { .codec = CODEC_OPUS, .sound = tone, .sound_size = SOUND_RATE, .bitrate_bps = 64000, .seed = 5 };
	struct audio_playout_stats s, before;
	struct audio_call call;
	double worst = 1;

	(void)state;
	audio_call_init(&call, &c);
	audio_call_run(&call, 3 * SECOND);
	before = audio_call_stats(&call);
	for (int i = 0; i < 4; i++) {
		audio_playout_set_target(call.playout, i % 2 ? 0 : 200 * MS);
		audio_call_run(&call, 5 * SECOND);
		for (size_t at = 0; at + SOUND_RATE / 4 <= call.heard_count; at += SOUND_RATE / 4)
			worst = fmin(worst, sound_share_at(call.heard + at, SOUND_RATE / 4, 440));
		assert_true(sound_largest_step(call.heard, call.heard_count) < 1.15 * sound_largest_step(tone, SOUND_RATE));
	}
	s = audio_call_stats(&call);
	report("tone, stretched", &call, &before);
	printf("  worst purity of a quarter of a second: %.4f\n", worst);
	assert_true(worst > 0.97);
	assert_true(s.inserted_samples_for_deceleration - before.inserted_samples_for_deceleration > SOUND_RATE / 5);
	assert_true(s.removed_samples_for_acceleration - before.removed_samples_for_acceleration > SOUND_RATE / 5);
	assert_int_equal(s.concealed_samples, before.concealed_samples);
	audio_call_free(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pull_is_cheap),
		cmocka_unit_test(test_clean_path_changes_nothing),
		cmocka_unit_test(test_10_percent_loss),
		cmocka_unit_test(test_30_percent_loss),
		cmocka_unit_test(test_jitter_in_steps_is_followed),
		cmocka_unit_test(test_steps_of_the_path_delay),
		cmocka_unit_test(test_ten_minutes_do_not_add_latency),
		cmocka_unit_test(test_clock_drift_of_200_ppm),
		cmocka_unit_test(test_silence_by_dtx_is_no_loss),
		cmocka_unit_test(test_pulls_in_bursts),
		cmocka_unit_test(test_wishes_are_met),
		cmocka_unit_test(test_stretching_is_not_heard),
	};

	return cmocka_run_group_tests(tests, make_sounds, NULL);
}
