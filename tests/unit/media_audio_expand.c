#include "media/recv/audio_expand.h"
#include "media/recv/time_stretch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

static struct background_noise noise;
static struct audio_expand expand;

/* Plays 60 ms of |pcm|, then what is made up of it; answers the largest step in 2 ms around the joint. */
static int go_on(const int16_t *pcm, int16_t *out, size_t samples)
{
	int16_t joint[192];

	background_noise_init(&noise);
	expand = (struct audio_expand){ 0 };
	audio_expand_begin(&expand, pcm, 1);
	for (size_t at = 0; at < samples; at += 480)
		audio_expand_make(&expand, &noise, out + at, 480);
	memcpy(joint, pcm + EXPAND_HISTORY - 96, sizeof(joint) / 2);
	memcpy(joint + 96, out, sizeof(joint) / 2);
	return sound_largest_step(joint, 192);
}

static void test_tone_goes_on_without_a_click(void **state)
{
	static const double tones[] = { 97, 440, 1234, 3000 };
	int16_t pcm[EXPAND_HISTORY], out[EXPAND_GONE + 480], both[EXPAND_HISTORY + 960];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tones); i++) {
		memset(pcm, 0, sizeof(pcm));
		sound_add_tone(pcm, EXPAND_HISTORY, tones[i], 10000, 0);
		assert_true(go_on(pcm, out, EXPAND_GONE + 480) <= 1.1 * sound_largest_step(pcm, EXPAND_HISTORY) + 10);
		memcpy(both, pcm, sizeof(pcm));
		memcpy(both + EXPAND_HISTORY, out, 960 * sizeof(*out));
		assert_true(sound_share_at(both + 960, 2880, tones[i]) > 0.98);
		/* Full for 20 ms, falling, gone after 100 ms. */
		assert_true(sound_rms(out, 960) > 0.9 * sound_rms(pcm, EXPAND_HISTORY));
		assert_true(sound_rms(out + 2400, 480) < 0.75 * sound_rms(pcm, EXPAND_HISTORY));
		assert_true(sound_rms(out + EXPAND_GONE, 480) == 0);
	}
}

static void test_voice_keeps_its_pitch(void **state)
{
	int16_t pcm[4800 + EXPAND_HISTORY], out[2400];

	(void)state;
	for (double hz = 80; hz < 300; hz += 37) {
		memset(pcm, 0, sizeof(pcm));
		sound_add_voice(pcm, ARRAY_SIZE(pcm), hz, 8000);
		assert_true(go_on(pcm + 4800, out, 2400) <= 1.2 * sound_largest_step(pcm + 4800, EXPAND_HISTORY));
		assert_true(fabs(sound_pitch(out, 2400) / hz - 1) < 0.04);
		assert_true(expand.voicing > 0.9f);
	}
}

/* Noise goes on as noise: no period appears in it. */
static void test_noise_does_not_buzz(void **state)
{
	int16_t pcm[EXPAND_HISTORY] = { 0 }, out[2400];
	uint32_t seed = 9;
	struct pitch found;

	(void)state;
	sound_add_noise(pcm, EXPAND_HISTORY, 6000, &seed);
	go_on(pcm, out, 2400);
	assert_true(expand.voicing < 0.3f);
	found = pitch_find_later(out + 480, 1, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
	assert_true(found.correlation < 0.6f);
	assert_true(sound_rms(out, 960) > 0.7 * sound_rms(pcm, EXPAND_HISTORY) && sound_rms(out, 960) < 1.3 * sound_rms(pcm, EXPAND_HISTORY));
}

static void test_silence_stays_silence_and_the_loudest_does_not_wrap(void **state)
{
	int16_t pcm[EXPAND_HISTORY] = { 0 }, out[960];

	(void)state;
	go_on(pcm, out, 960);
	assert_true(sound_rms(out, 960) == 0);
	for (size_t i = 0; i < EXPAND_HISTORY; i++)
		pcm[i] = i % 331 < 165 ? 32767 : -32768;
	go_on(pcm, out, 960);
	assert_true(sound_rms(out, 960) > 30000);
}

static void test_align_finds_the_phase(void **state)
{
	int16_t tail[960 + 240] = { 0 }, next[240] = { 0 };

	(void)state;
	sound_add_tone(tail, ARRAY_SIZE(tail), 150, 9000, 0); /* period 320 */
	sound_add_tone(next, ARRAY_SIZE(next), 150, 9000, 77);
	assert_in_range(audio_expand_align(tail, next, 1, 320, 240), 75, 79);
	assert_int_equal(audio_expand_align(tail, next, 1, 0, 240), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tone_goes_on_without_a_click),
		cmocka_unit_test(test_voice_keeps_its_pitch),
		cmocka_unit_test(test_noise_does_not_buzz),
		cmocka_unit_test(test_silence_stays_silence_and_the_loudest_does_not_wrap),
		cmocka_unit_test(test_align_finds_the_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
