#include "media/send/audio_level.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

static int16_t pcm[SOUND_RATE * 12];
static struct audio_level l;

/* Hears |seconds| of the sound in frames of 20 ms; answers how much of it was voice, 0..1. */
static double hear(const int16_t *from, double seconds, size_t *speaking)
{
	size_t frames = (size_t)(seconds * 50), voiced = 0, spoken = 0;

	for (size_t i = 0; i < frames; i++) {
		audio_level_hear(&l, from + i * 960, 960, 1, SOUND_RATE);
		voiced += l.voice;
		spoken += l.speaking;
	}
	if (speaking)
		*speaking = spoken;
	return (double)voiced / (double)frames;
}

static void clear(void)
{
	audio_level_init(&l);
	memset(pcm, 0, sizeof(pcm));
}

/* RFC 6464 3: against a full square wave; a full sine is 3 dB below. */
static void test_levels(void **state)
{
	(void)state;
	clear();
	assert_int_equal(l.level, 127);
	hear(pcm, 0.1, NULL);
	assert_int_equal(l.level, 127);
	for (size_t i = 0; i < SOUND_RATE; i++)
		pcm[i] = i % 96 < 48 ? 32767 : -32768;
	hear(pcm, 0.1, NULL);
	assert_int_equal(l.level, 0);
	clear();
	sound_add_tone(pcm, SOUND_RATE, 1000, 32767, 0);
	hear(pcm, 0.1, NULL);
	assert_int_equal(l.level, 3);
	clear();
	sound_add_tone(pcm, SOUND_RATE, 1000, 327.67, 0);
	hear(pcm, 0.1, NULL);
	assert_int_equal(l.level, 43);
	pcm[0] = 1; /* one step in one sample of 960 is about -120 dBov */
	for (size_t i = 1; i < 960; i++)
		pcm[i] = 0;
	hear(pcm, 0.02, NULL);
	assert_in_range(l.level, 119, 121);
	assert_int_equal(audio_level_of(2.0), 0);
	assert_int_equal(audio_level_of(0), 127);
	audio_level_hear(&l, pcm, 0, 2, 8000); /* nothing */
	assert_in_range(l.level, 119, 121);
}

static void test_speech_is_voice_and_speaking(void **state)
{
	uint32_t seed = 1;
	size_t speaking;
	double voiced;

	(void)state;
	clear();
	sound_add_noise(pcm, ARRAY_SIZE(pcm), 40, &seed);
	sound_add_speech(pcm + SOUND_RATE, SOUND_RATE * 5, 140, 6000);
	assert_true(hear(pcm, 1, &speaking) == 0);
	assert_int_equal(speaking, 0);
	voiced = hear(pcm + SOUND_RATE, 5, &speaking);
	assert_true(voiced > 0.6);
	assert_true(speaking > 235); /* from the first 300 ms on, over the pauses */
	voiced = hear(pcm + SOUND_RATE * 6, 3, &speaking);
	assert_true(voiced < 0.1);
	assert_in_range(speaking, 50, 70); /* a second and the hang-over */
	assert_false(l.speaking);
}

/* A fan is no voice, once it has been heard for a while; nor is what nobody can hear. */
static void test_steady_and_faint_sound_is_no_voice(void **state)
{
	uint32_t seed = 2;

	(void)state;
	clear();
	sound_add_noise(pcm, ARRAY_SIZE(pcm), 1500, &seed);
	hear(pcm, 8, NULL);
	assert_true(hear(pcm + SOUND_RATE * 8, 3, NULL) == 0);
	clear();
	sound_add_speech(pcm, SOUND_RATE * 5, 140, 20);
	assert_true(hear(pcm, 5, NULL) == 0);
}

static void test_a_click_is_nobody_speaking(void **state)
{
	size_t speaking;

	(void)state;
	clear();
	for (size_t at = 0; at < ARRAY_SIZE(pcm); at += SOUND_RATE / 2)
		pcm[at] = 30000;
	hear(pcm, 10, &speaking);
	assert_int_equal(speaking, 0);
}

/* Any rate, channels and length of pieces see the same. */
static void test_rates_and_channels(void **state)
{
	static int16_t stereo[2 * 8000];

	(void)state;
	audio_level_init(&l);
	for (size_t i = 0; i < 8000; i++)
		stereo[2 * i] = stereo[2 * i + 1] = (int16_t)(i % 40 < 20 ? 8000 : -8000);
	audio_level_hear(&l, stereo, 8000, 2, 8000);
	assert_int_equal(l.level, 12);
	assert_true(l.speaking);
	audio_level_hear(&l, stereo, 1, 2, 8000);
	assert_int_equal(l.level, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_speech_is_voice_and_speaking),
		cmocka_unit_test(test_steady_and_faint_sound_is_no_voice),
		cmocka_unit_test(test_a_click_is_nobody_speaking),
		cmocka_unit_test(test_rates_and_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
