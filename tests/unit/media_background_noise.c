#include "media/recv/background_noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

static int16_t pcm[10 * SOUND_RATE], made[2 * SOUND_RATE];

static void test_nothing_heard_is_silence(void **state)
{
	struct background_noise n;

	(void)state;
	background_noise_init(&n);
	background_noise_make(&n, made, 2, SOUND_RATE);
	assert_true(sound_rms(made, 2 * SOUND_RATE) == 0);
	memset(pcm, 0, sizeof(pcm));
	background_noise_hear(&n, pcm, 1, 4800); /* digital silence */
	background_noise_make(&n, made, 2, SOUND_RATE);
	assert_true(sound_rms(made, 2 * SOUND_RATE) < 2);
}

/* The background behind speech is found again in its pauses, as loud and as coloured as it is. */
static void test_finds_the_background_of_speech(void **state)
{
	struct background_noise n;
	uint32_t seed = 5;
	double rms, last = 0;

	(void)state;
	memset(pcm, 0, sizeof(pcm));
	sound_add_noise(pcm, ARRAY_SIZE(pcm), 300, &seed);
	for (size_t i = 0; i < ARRAY_SIZE(pcm); i++) { /* dull noise: one pole */
		last += 0.1 * (pcm[i] - last);
		pcm[i] = (int16_t)lrint(3 * last);
	}
	rms = sound_rms(pcm, ARRAY_SIZE(pcm));
	sound_add_speech(pcm, ARRAY_SIZE(pcm), 120, 9000);
	background_noise_init(&n);
	background_noise_hear(&n, pcm, 1, 5760);
	for (size_t at = 5760; at + 960 <= ARRAY_SIZE(pcm); at += 960)
		background_noise_hear(&n, pcm + at, 1, 960);
	background_noise_make(&n, made, 1, SOUND_RATE);
	assert_true(sound_rms(made, SOUND_RATE) > rms / 2 && sound_rms(made, SOUND_RATE) < rms * 1.5);
	/* Dull: neighbouring samples hardly differ. White noise would step by sqrt(2) of its RMS. */
	double steps = 0;

	for (size_t i = 1; i < SOUND_RATE; i++)
		steps += (double)(made[i] - made[i - 1]) * (made[i] - made[i - 1]);
	assert_true(sqrt(steps / SOUND_RATE) < 0.8 * sound_rms(made, SOUND_RATE));
}

static void test_loud_sound_is_no_background(void **state)
{
	struct background_noise n;

	(void)state;
	memset(pcm, 0, sizeof(pcm));
	sound_add_tone(pcm, ARRAY_SIZE(pcm), 300, 20000, 0);
	background_noise_init(&n);
	for (size_t at = 0; at + 960 <= ARRAY_SIZE(pcm); at += 960)
		background_noise_hear(&n, pcm + at, 1, 960);
	background_noise_make(&n, made, 1, SOUND_RATE);
	assert_true(sound_rms(made, SOUND_RATE) == 0);
	assert_true(n.floor <= 400);
}

/* RFC 3389 3.1: -dBov */
static void test_the_sender_may_say_how_loud_it_is(void **state)
{
	struct background_noise n;
	uint32_t seed = 9;

	(void)state;
	background_noise_init(&n);
	background_noise_set_level(&n, 50);
	background_noise_make(&n, made, 1, SOUND_RATE);
	assert_true(fabs(sound_rms(made, SOUND_RATE) - 103.6) < 5);
	background_noise_set_level(&n, 127);
	background_noise_make(&n, made, 1, SOUND_RATE);
	assert_true(sound_rms(made + 1000, SOUND_RATE - 1000) < 1);
	/* What was heard keeps its colour. */
	memset(pcm, 0, sizeof(pcm));
	sound_add_noise(pcm, ARRAY_SIZE(pcm), 100, &seed);
	background_noise_init(&n);
	background_noise_hear(&n, pcm, 1, ARRAY_SIZE(pcm));
	background_noise_set_level(&n, 44); /* 207 */
	background_noise_make(&n, made, 1, SOUND_RATE);
	assert_true(sound_rms(made, SOUND_RATE) > 150 && sound_rms(made, SOUND_RATE) < 280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_heard_is_silence),
		cmocka_unit_test(test_finds_the_background_of_speech),
		cmocka_unit_test(test_loud_sound_is_no_background),
		cmocka_unit_test(test_the_sender_may_say_how_loud_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
