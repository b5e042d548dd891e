#include "media/recv/pcm_line.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

static struct pcm_line line;
static int16_t pcm[SOUND_RATE], out[2 * SOUND_RATE];

/* Plays all but |keep| samples; answers how many. */
static size_t drain(int16_t *to, size_t keep)
{
	size_t count = pcm_line_ready(&line) - keep;

	pcm_line_take(&line, to, count);
	return count;
}

static void test_what_is_appended_comes_out(void **state)
{
	size_t made = 0;

	(void)state;
	pcm_line_init(&line, 1);
	sound_add_voice(pcm, SOUND_RATE, 130, 8000);
	for (size_t at = 0; at + 960 <= SOUND_RATE; at += 960) {
		pcm_line_append(&line, pcm + at, 960);
		made += drain(out + made, 100);
	}
	assert_memory_equal(out, pcm, made * sizeof(*pcm));
	assert_int_equal(pcm_line_ready(&line), 100);
}

/* A gap of 20 ms in a voice, made up and joined: no step that the voice does not have. */
static void test_gap_is_closed_without_a_click(void **state)
{
	size_t made = 0;

	(void)state;
	pcm_line_init(&line, 1);
	memset(pcm, 0, sizeof(pcm));
	sound_add_voice(pcm, SOUND_RATE, 130, 8000);
	for (size_t at = 0; at + 960 <= SOUND_RATE; at += 960) {
		size_t frame = at / 960;

		if (frame > 5 && frame % 5 == 0)
			pcm_line_expand(&line, 960);
		else if (frame > 5 && frame % 5 == 1)
			pcm_line_join(&line, pcm + at, 960, 96);
		else
			pcm_line_append(&line, pcm + at, 960);
		made += drain(out + made, 0);
	}
	assert_true(sound_largest_step(out, made) <= 1.25 * sound_largest_step(pcm, SOUND_RATE));
	assert_true(fabs(sound_pitch(out + 9600, 24000) / sound_pitch(pcm + 9600, 24000) - 1) < 0.03);
	assert_true(fabs(sound_rms(out + 9600, 24000) / sound_rms(pcm + 9600, 24000) - 1) < 0.1);
}

/* Two pieces that have nothing to do with each other. */
static void test_joint_of_strangers_is_soft(void **state)
{
	size_t inserted;

	(void)state;
	pcm_line_init(&line, 1);
	memset(pcm, 0, sizeof(pcm));
	sound_add_tone(pcm, 24000, 300, 12000, 0);
	sound_add_tone(pcm + 24000, 24000, 220, 12000, 100);
	for (size_t at = 0; at < 4800; at += 960)
		pcm_line_append(&line, pcm + at + 96, 960);
	inserted = pcm_line_join(&line, pcm + 24000, 960, PITCH_LAG_MAX);
	assert_true(inserted <= PITCH_LAG_MAX);
	assert_int_equal(pcm_line_ready(&line), 4800 + 960 + inserted);
	drain(out, 0);
	assert_true(sound_largest_step(out, 4800 + 960 + inserted) <= 1.1 * sound_largest_step(pcm, 24000) + 4);
}

static void test_stretching_counts_what_it_does(void **state)
{
	size_t before, by;

	(void)state;
	for (size_t ch = 1; ch <= 2; ch++) {
		pcm_line_init(&line, ch);
		memset(pcm, 0, sizeof(pcm));
		for (size_t i = 0; i < 9600; i++)
			for (size_t c = 0; c < ch; c++)
				pcm[i * ch + c] = (int16_t)(8000 * sin(2 * M_PI * 250 * (double)i / SOUND_RATE));
		assert_int_equal(pcm_line_shorten(&line, 0), 0);
		assert_int_equal(pcm_line_lengthen(&line, 0), 0);
		pcm_line_append(&line, pcm, 2400);
		pcm_line_take(&line, out, 960);
		before = pcm_line_ready(&line);
		by = pcm_line_shorten(&line, 0.9f);
		assert_int_equal(by, 192);
		assert_int_equal(pcm_line_ready(&line), before - by);
		by = pcm_line_lengthen(&line, 0.9f);
		assert_int_equal(by, 192);
		assert_int_equal(pcm_line_ready(&line), before);
	}
}

static void test_long_gap_becomes_quiet(void **state)
{
	(void)state;
	pcm_line_init(&line, 2);
	memset(pcm, 0, sizeof(pcm));
	sound_add_tone(pcm, 9600, 250, 9000, 0);
	pcm_line_append(&line, pcm, 4800);
	assert_false(pcm_line_is_quiet(&line));
	for (int i = 0; i < 10; i++) {
		pcm_line_expand(&line, 480);
		drain(out, 0);
	}
	assert_true(pcm_line_is_quiet(&line));
	pcm_line_expand(&line, PCM_LINE_APPEND_MAX);
	drain(out, 0);
	assert_true(sound_rms(out, 2 * PCM_LINE_APPEND_MAX) == 0);
	pcm_line_join(&line, pcm, 960, 0);
	assert_false(pcm_line_is_quiet(&line));
}

/* Any order of calls stays within the memory (ASan) and the counts. */
static void test_random_calls(void **state)
{
	uint32_t random = 11;

	(void)state;
	for (size_t ch = 1; ch <= 2; ch++) {
		pcm_line_init(&line, ch);
		for (int i = 0; i < 3000; i++) {
			size_t ready = pcm_line_ready(&line), samples, grown = 0;

			random = random * 1664525u + 1013904223u;
			samples = 1 + (random >> 8) % PCM_LINE_APPEND_MAX;
			for (size_t k = 0; k < samples * ch; k += 100)
				pcm[k] = (int16_t)(random >> (k % 16));
			switch (random >> 29) {
			case 0:
			case 1:
				if (ready <= PCM_LINE_READY_MAX)
					pcm_line_append(&line, pcm, samples), grown = samples;
				break;
			case 2:
				if (ready <= PCM_LINE_READY_MAX)
					grown = samples + pcm_line_join(&line, pcm, samples, random % (PITCH_LAG_MAX + 1));
				break;
			case 3:
				if (ready <= PCM_LINE_READY_MAX)
					pcm_line_expand(&line, samples), grown = samples;
				break;
			case 4:
				ready -= pcm_line_shorten(&line, 0);
				break;
			case 5:
				grown = pcm_line_lengthen(&line, 0);
				break;
			default:
				drain(out, ready - MIN(ready, samples));
				ready -= MIN(ready, samples);
			}
			assert_int_equal(pcm_line_ready(&line), ready + grown);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_appended_comes_out), cmocka_unit_test(test_gap_is_closed_without_a_click),
		cmocka_unit_test(test_joint_of_strangers_is_soft), cmocka_unit_test(test_stretching_counts_what_it_does),
		cmocka_unit_test(test_long_gap_becomes_quiet),     cmocka_unit_test(test_random_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
