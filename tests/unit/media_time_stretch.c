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

enum { FRAME = 960, LONG = 3 * SOUND_RATE };

/*
 * Runs |in| through a line of 20 ms frames and shortens or lengthens at every |every|-th one; answers how many samples come out.
 * |changed| counts what was removed or inserted.
 */
static size_t run(const int16_t *in, size_t count, bool shorten, size_t every, float similar, int16_t *out, size_t *changed)
{
	int16_t line[TIME_STRETCH_HISTORY + 4 * TIME_STRETCH_LOOK] = { 0 };
	int16_t *start = line + TIME_STRETCH_HISTORY;
	size_t ready = 0, made = 0, frame = 0;

	*changed = 0;
	for (size_t at = 0; at + FRAME <= count; at += FRAME) {
		memcpy(start + ready, in + at, FRAME * sizeof(*in));
		ready += FRAME;
		if (++frame % every == 0 && ready >= TIME_STRETCH_LOOK) {
			size_t by = shorten ? time_stretch_shorten(start, ready, 1, similar) : time_stretch_lengthen(start, ready, 1, similar);

			ready = shorten ? ready - by : ready + by;
			*changed += by;
		}
		while (ready > TIME_STRETCH_LOOK) {
			out[made++] = start[0];
			memmove(line, line + 1, (TIME_STRETCH_HISTORY + --ready) * sizeof(*line));
		}
	}
	return made;
}

static int16_t in[LONG], out[2 * LONG];

static void clear(void)
{
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
}

/* The tone stays where it was, and nothing appears beside it: no click, no other pitch. */
static void test_tones_stay_pure(void **state)
{
	static const double tones[] = { 130, 440, 1000, 2500, 5100 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tones); i++) {
		for (int shorten = 0; shorten <= 1; shorten++) {
			size_t changed, made, begin = SOUND_RATE / 2;

			clear();
			sound_add_tone(in, LONG, tones[i], 10000, 0);
			made = run(in, LONG, shorten, 2, 0.85f, out, &changed);
			assert_true(changed > LONG / 20); /* at least 5 % */
			assert_true(made > begin + SOUND_RATE);
			assert_true(sound_share_at(out + begin, SOUND_RATE, tones[i]) > 0.99);
			assert_true(sound_share_at(in + begin, SOUND_RATE, tones[i]) > 0.9999);
			/* A splice is at most a little steeper than the tone itself. */
			assert_true(sound_largest_step(out, made) <= 1.02 * sound_largest_step(in, LONG) + 2);
		}
	}
}

static void test_voices_keep_their_pitch(void **state)
{
	static const double voices[] = { 90, 140, 230 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(voices); i++) {
		for (int shorten = 0; shorten <= 1; shorten++) {
			size_t changed, made, begin = SOUND_RATE / 2;
			double before, after;

			clear();
			sound_add_voice(in, LONG, voices[i], 8000);
			made = run(in, LONG, shorten, 2, 0.85f, out, &changed);
			assert_true(changed > LONG / 20);
			before = sound_pitch(in + begin, SOUND_RATE / 5);
			after = sound_pitch(out + begin, SOUND_RATE / 5);
			assert_true(fabs(before / voices[i] - 1) < 0.03);
			assert_true(fabs(after / before - 1) < 0.03);
			assert_true(sound_largest_step(out, made) <= 1.1 * sound_largest_step(in, LONG));
			assert_true(fabs(sound_rms(out + begin, SOUND_RATE) / sound_rms(in + begin, SOUND_RATE) - 1) < 0.05);
		}
	}
}

/* What is unlike itself is left alone, unless it must be. */
static void test_noise_only_when_it_must_be(void **state)
{
	uint32_t seed = 7;
	size_t changed;

	(void)state;
	clear();
	sound_add_noise(in, LONG, 8000, &seed);
	run(in, LONG, true, 2, 0.85f, out, &changed);
	assert_int_equal(changed, 0);
	run(in, LONG, true, 2, 0, out, &changed);
	assert_true(changed > LONG / 20);
}

static void test_exact_lengths_and_edges(void **state)
{
	int16_t pcm[TIME_STRETCH_HISTORY + 2000] = { 0 }, *start = pcm + TIME_STRETCH_HISTORY;

	(void)state;
	assert_int_equal(time_stretch_shorten(start, TIME_STRETCH_LEAST - 1, 1, 0), 0);
	assert_int_equal(time_stretch_lengthen(start, PITCH_LAG_MIN - 1, 1, 0), 0);
	sound_add_tone(pcm, ARRAY_SIZE(pcm), 200, 5000, 0); /* period 240 */
	assert_int_equal(time_stretch_shorten(start, TIME_STRETCH_LOOK, 1, 0.9f), 240);
	assert_int_equal(time_stretch_lengthen(start, 1000, 1, 0.9f), 240);
	assert_int_equal(time_stretch_shorten(start, TIME_STRETCH_LEAST, 1, 0), 120); /* the only lag that it can see */
}

static void test_cross_fade_ends_where_it_should(void **state)
{
	int16_t from[200], to[200], mixed[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		from[i] = 32767;
		to[i] = -32768;
	}
	cross_fade(mixed, from, to, 2, 100);
	assert_true(mixed[0] > 32700 && mixed[1] == mixed[0] && mixed[199] < -32700);
	for (size_t i = 2; i < 200; i++)
		assert_true(mixed[i] <= mixed[i - 2]);
	cross_fade(from, from, from, 1, 200);
	assert_int_equal(from[77], 32767);
	cross_fade(mixed, from, to, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones_stay_pure),           cmocka_unit_test(test_voices_keep_their_pitch),
		cmocka_unit_test(test_noise_only_when_it_must_be), cmocka_unit_test(test_exact_lengths_and_edges),
		cmocka_unit_test(test_cross_fade_ends_where_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
