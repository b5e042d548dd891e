#include "codec_support.h"

#include "media/codec/resample.h"
#include <math.h>

static const uint32_t rates[] = { 8000, 16000, 32000, 44100, 48000 };

static void test_tones_pass_and_counts_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(rates); k++) {
			uint32_t from = rates[i], to = rates[k];
			int16_t *in = malloc(from * sizeof(*in)), *out = malloc((to + 100) * sizeof(*out));
			struct resampler *r;
			size_t made = 0;

			assert_int_equal(resampler_create(&r, 1, from, to), WLK_OK);
			tone_make(in, 0, from, 1, 1000, from, 10000);
			for (size_t at = 0; at < from; at += from / 100) {
				size_t got = resampler_run(r, in + at, from / 100, out + made);

				assert_true(got <= resampler_bound(r, from / 100));
				made += got;
			}
			/* 10 ms of these rates are whole samples: a second has come out to the sample. */
			assert_int_equal(made, to);
			double amplitude = tone_amplitude(out + to / 2, to / 4, 1, 1000, to);

			assert_true(fabs(amplitude - 10000) < 60);
			assert_true(tone_energy(out + to / 2, to / 4, 1) < 1.02 * 10000 * 10000 / 2);
			resampler_destroy(r);
			free(in);
			free(out);
		}
	}
}

static void test_what_the_lower_rate_cannot_carry_is_gone(void **state)
{
	int16_t in[48000], out[8100];
	struct resampler *r;

	(void)state;
	assert_int_equal(resampler_create(&r, 1, 48000, 8000), WLK_OK);
	tone_make(in, 0, 48000, 1, 5000, 48000, 10000);
	assert_int_equal(resampler_run(r, in, 48000, out), 8000);
	/* 5 kHz would come back as 3 kHz: at least 60 dB below. */
	assert_true(tone_energy(out + 1000, 6000, 1) < 5e7 * 1e-6);
	resampler_destroy(r);
}

static void test_a_constant_stays_and_extremes_do_not_wrap(void **state)
{
	int16_t in[4410], out[4900];
	struct resampler *r;

	(void)state;
	assert_int_equal(resampler_create(&r, 1, 44100, 48000), WLK_OK);
	for (size_t i = 0; i < 4410; i++)
		in[i] = 12345;
	size_t made = resampler_run(r, in, 4410, out);

	for (size_t i = 200; i < made; i++)
		assert_int_equal(out[i], 12345);
	for (size_t i = 0; i < 4410; i++)
		in[i] = i / 20 % 2 ? INT16_MIN : INT16_MAX;
	made = resampler_run(r, in, 4410, out);
	for (size_t i = 200; i < made; i++) {
		/* The middle of a half wave has its sign, however the edges ring. */
		double at = (double)i * 44100 / 48000 - resampler_delay(r);
		double in_half = fmod(at, 20);

		if (in_half > 6 && in_half < 14)
			assert_true((out[i] < 0) == ((size_t)(at / 20) % 2 == 1));
	}
	resampler_destroy(r);
}

static void test_channels_stay_apart(void **state)
{
	int16_t in[2 * 4800], out[2 * 1700];
	struct resampler *r;

	(void)state;
	assert_int_equal(resampler_create(&r, 2, 48000, 16000), WLK_OK);
	for (size_t i = 0; i < 4800; i++) {
		in[2 * i] = 1000;
		in[2 * i + 1] = -7000;
	}
	size_t made = resampler_run(r, in, 4800, out);

	assert_int_equal(made, 1600);
	assert_true(out[2 * 1599] == 1000 && out[2 * 1599 + 1] == -7000);
	resampler_reset(r);
	assert_true(resampler_run(r, (int16_t[2]){ 0, 0 }, 1, out) == 1 && out[0] == 0);
	resampler_destroy(r);
}

static void test_equal_rates_copy_and_odd_ones_are_refused(void **state)
{
	int16_t in[3] = { 1, -2, 3 }, out[4];
	struct resampler *r = NULL;

	(void)state;
	assert_int_equal(resampler_create(&r, 1, 48000, 48000), WLK_OK);
	assert_int_equal(resampler_run(r, in, 3, out), 3);
	assert_memory_equal(in, out, sizeof(in));
	assert_true(resampler_delay(r) == 0);
	resampler_destroy(r);
	assert_int_equal(resampler_create(&r, 0, 48000, 8000), WLK_ERR_INVALID);
	assert_int_equal(resampler_create(&r, 9, 48000, 8000), WLK_ERR_INVALID);
	assert_int_equal(resampler_create(&r, 1, 48000, 7999), WLK_ERR_INVALID);
	assert_int_equal(resampler_create(&r, 1, 192001, 8000), WLK_ERR_INVALID);
	assert_int_equal(resampler_create(&r, 1, 48001, 48000), WLK_ERR_INVALID);
	for (size_t n = 1; n <= 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(resampler_create(&r, 1, 48000, 8000), WLK_ERR_NOMEM);
		alloc_fail_after(0);
	}
	assert_int_equal(alloc_live_blocks(), 0);
	resampler_destroy(NULL);
}

static void test_mono_and_stereo(void **state)
{
	int16_t stereo[4] = { 100, 300, INT16_MAX, INT16_MAX }, mono[2];

	(void)state;
	audio_to_mono(stereo, 2, mono);
	assert_true(mono[0] == 200 && mono[1] == INT16_MAX);
	audio_to_stereo(mono, 2, stereo);
	assert_true(stereo[0] == 200 && stereo[1] == 200 && stereo[3] == INT16_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones_pass_and_counts_are_exact),
		cmocka_unit_test(test_what_the_lower_rate_cannot_carry_is_gone),
		cmocka_unit_test(test_a_constant_stays_and_extremes_do_not_wrap),
		cmocka_unit_test(test_channels_stay_apart),
		cmocka_unit_test(test_equal_rates_copy_and_odd_ones_are_refused),
		cmocka_unit_test(test_mono_and_stereo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
