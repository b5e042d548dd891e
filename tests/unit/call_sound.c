#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/call/sound.h"

static char path[32];

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/wlk-sound-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(uint8_t *at, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* A WAV file with a chunk of |extra| bytes between its head and its samples, which count up from 0. */
static void write_wav(uint32_t rate, uint32_t channels, uint32_t bits, uint32_t samples, uint32_t extra)
{
	uint8_t head[36] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0", chunk[8] = "LIST", data[8] = "data";
	const uint8_t filler[8] = { 0 };
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	put(head + 22, channels, 2);
	put(head + 24, rate, 4);
	put(head + 34, bits, 2);
	put(chunk + 4, extra, 4);
	put(data + 4, samples * 2, 4);
	fwrite(head, 1, sizeof(head), file);
	if (extra) {
		fwrite(chunk, 1, sizeof(chunk), file);
		fwrite(filler, 1, extra + extra % 2, file);
	}
	fwrite(data, 1, sizeof(data), file);
	for (uint32_t i = 0; i < samples; i++) {
		int16_t value = (int16_t)i;

		fwrite(&value, 2, 1, file);
	}
	assert_int_equal(fclose(file), 0);
}

static void test_a_file_is_played_in_pieces_and_begins_again(void **state)
{
	struct sound_input in;
	wlk_audio_frame f;

	(void)state;
	write_wav(16000, 2, 16, 1000, 0); /* 500 samples a channel: three pieces of 160, and a rest that is left out */
	assert_true(sound_input_open(&in, path));
	for (int i = 0; i < 7; i++) {
		assert_true(sound_input_next(&in, &f));
		assert_int_equal(f.rate, 16000);
		assert_int_equal(f.channels, 2);
		assert_int_equal(f.count, 160);
		assert_int_equal(f.samples[0], i % 3 * 320);
		assert_int_equal(f.samples[319], i % 3 * 320 + 319);
	}
	sound_input_close(&in);
}

/* A chunk has an odd size, and a byte behind it that does not count. */
static void test_other_chunks_are_passed_over(void **state)
{
	struct sound_input in;
	wlk_audio_frame f;

	(void)state;
	write_wav(48000, 1, 16, 480, 5);
	assert_true(sound_input_open(&in, path));
	assert_true(sound_input_next(&in, &f));
	assert_int_equal(f.samples[479], 479);
	sound_input_close(&in);
}

static void test_what_cannot_be_played_is_refused(void **state)
{
	static const struct {
		uint32_t rate, channels, bits, samples;
	} cases[] = { { 48000, 1, 8, 480 }, { 48000, 3, 16, 4800 }, { 4000, 1, 16, 480 }, { 200000, 1, 16, 4000 }, { 11025, 1, 16, 480 },
		      { 48000, 1, 16, 479 }, { 48000, 0, 16, 480 } };
	struct sound_input in;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_wav(cases[i].rate, cases[i].channels, cases[i].bits, cases[i].samples, 0);
		assert_false(sound_input_open(&in, path));
		sound_input_close(&in);
	}
	assert_false(sound_input_open(&in, "/nowhere/at/all"));
	sound_input_close(&in);
}

static void test_without_a_file_there_is_the_tone_that_the_meter_knows(void **state)
{
	static struct sound_input in;
	struct sound_meter meter = { 0 };
	wlk_audio_frame f;

	(void)state;
	assert_true(sound_input_open(&in, NULL));
	for (int i = 0; i < 100; i++) {
		assert_true(sound_input_next(&in, &f));
		assert_int_equal(f.rate, SOUND_OUT_RATE);
		sound_meter_take(&meter, f.samples, f.count);
	}
	assert_true(sound_meter_share(&meter) > 0.95);
	sound_input_close(&in);
}

static void test_other_sounds_are_not_the_tone(void **state)
{
	struct sound_meter silence = { 0 }, other = { 0 };
	int16_t samples[480];

	(void)state;
	assert_true(sound_meter_share(&silence) == 0);
	for (int i = 0; i < 480; i++)
		samples[i] = i / 12 % 2 ? 8000 : -8000; /* 2 kHz */
	sound_meter_take(&other, samples, 480);
	assert_true(sound_meter_share(&other) < 0.01);
	sound_meter_take(&other, samples, 0);
}

static void test_what_is_written_can_be_read(void **state)
{
	int16_t samples[960];
	struct sound_output out;
	struct sound_input in;
	wlk_audio_frame f;

	(void)state;
	for (int i = 0; i < 960; i++)
		samples[i] = (int16_t)(i - 480);
	assert_true(sound_output_open(&out, path));
	sound_output_write(&out, samples, 400);
	sound_output_write(&out, samples + 400, 560);
	sound_output_close(&out);
	assert_true(sound_input_open(&in, path));
	assert_int_equal(in.size, 960 * 2);
	assert_int_equal(in.rate, SOUND_OUT_RATE);
	assert_true(sound_input_next(&in, &f));
	assert_int_equal(f.samples[0], -480);
	assert_true(sound_input_next(&in, &f));
	assert_int_equal(f.samples[479], 479);
	sound_input_close(&in);
	assert_false(sound_output_open(&out, "/nowhere/at/all"));
	assert_true(sound_output_open(&out, NULL)); /* nowhere */
	sound_output_write(&out, samples, 960);
	sound_output_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_played_in_pieces_and_begins_again),
		cmocka_unit_test(test_other_chunks_are_passed_over),
		cmocka_unit_test(test_what_cannot_be_played_is_refused),
		cmocka_unit_test(test_without_a_file_there_is_the_tone_that_the_meter_knows),
		cmocka_unit_test(test_other_sounds_are_not_the_tone),
		cmocka_unit_test(test_what_is_written_can_be_read),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
