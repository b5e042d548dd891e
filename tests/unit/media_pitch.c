#include "media/recv/pitch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

enum { PIECE = PITCH_WINDOW + PITCH_LAG_MAX };

static void test_finds_the_period_of_tones(void **state)
{
	static const int periods[] = { 120, 137, 240, 391, 480, 720 };
	int16_t pcm[PIECE * 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
		struct pitch later, earlier;

		memset(pcm, 0, sizeof(pcm));
		sound_add_tone(pcm, 2 * PIECE, (double)SOUND_RATE / periods[i], 8000, 11);
		later = pitch_find_later(pcm, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
		earlier = pitch_find_earlier(pcm + PITCH_LAG_MAX, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
		assert_int_equal(later.lag, periods[i]);
		assert_int_equal(earlier.lag, periods[i]);
		assert_true(later.correlation > 0.999f && earlier.correlation > 0.999f);
		assert_true(fabsf(later.rms - 8000 / sqrtf(2)) < 600); /* no whole number of periods */
	}
}

static void test_finds_the_pitch_of_voices(void **state)
{
	static const double voices[] = { 85, 110, 160, 210, 290 };
	int16_t pcm[9600 + PIECE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(voices); i++) {
		struct pitch found;

		memset(pcm, 0, sizeof(pcm));
		sound_add_voice(pcm, ARRAY_SIZE(pcm), voices[i], 8000);
		found = pitch_find_later(pcm + 9600, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
		assert_true(fabs((double)SOUND_RATE / (double)found.lag / voices[i] - 1) < 0.03);
		assert_true(found.correlation > 0.95f);
	}
}

static void test_noise_and_silence_have_none(void **state)
{
	int16_t pcm[PIECE] = { 0 };
	uint32_t seed = 1;
	struct pitch found = pitch_find_later(pcm, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);

	(void)state;
	assert_true(found.correlation == 0 && found.rms == 0);
	assert_in_range(found.lag, PITCH_LAG_MIN, PITCH_LAG_MAX);
	sound_add_noise(pcm, PIECE, 10000, &seed);
	found = pitch_find_later(pcm, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
	assert_true(found.correlation < 0.5f);
}

/* Every window and range that the header allows, on memory that is exactly as long as it says. */
static void test_reads_no_more_than_it_says(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (size_t ch = 1; ch <= 2; ch++) {
		for (size_t window = PITCH_LAG_MIN; window <= PITCH_WINDOW; window += 67) {
			for (size_t lag_max = PITCH_LAG_MIN; lag_max <= PITCH_LAG_MAX; lag_max += 61) {
				int16_t *pcm = calloc((window + lag_max) * ch, sizeof(*pcm));
				struct pitch found;

				assert_non_null(pcm);
				sound_add_noise(pcm, (window + lag_max) * ch, 500, &seed);
				found = pitch_find_later(pcm, ch, window, PITCH_LAG_MIN, lag_max);
				assert_in_range(found.lag, PITCH_LAG_MIN, lag_max);
				found = pitch_find_earlier(pcm + lag_max * ch, ch, window, PITCH_LAG_MIN, lag_max);
				assert_in_range(found.lag, PITCH_LAG_MIN, lag_max);
				free(pcm);
			}
		}
	}
}

static void test_full_scale_and_stereo(void **state)
{
	int16_t pcm[PIECE * 2];

	(void)state;
	for (size_t i = 0; i < PIECE; i++) { /* the loudest square wave there is, period 300, on one side only */
		pcm[2 * i] = i % 300 < 150 ? 32767 : -32768;
		pcm[2 * i + 1] = 0;
	}
	struct pitch found = pitch_find_later(pcm, 2, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);

	assert_int_equal(found.lag, 300);
	assert_true(found.correlation > 0.999f && found.rms > 16000);
	assert_true(pitch_correlation(pcm, pcm + 600, 2, PITCH_WINDOW) > 0.999f);
	assert_true(pitch_correlation(pcm, pcm + 300, 2, PITCH_WINDOW) == 0); /* opposite phase */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_period_of_tones), cmocka_unit_test(test_finds_the_pitch_of_voices),
		cmocka_unit_test(test_noise_and_silence_have_none), cmocka_unit_test(test_reads_no_more_than_it_says),
		cmocka_unit_test(test_full_scale_and_stereo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
