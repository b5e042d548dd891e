#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/call/picture.h"

static char path[32];

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/wlk-picture-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

/* Pictures of one brightness each, in the order of |levels|; the size of each in |sizes|. */
static void write_pictures(const uint8_t *levels, const uint32_t (*sizes)[2], size_t count)
{
	struct picture_output out;
	uint8_t *data = malloc(64 * 64);

	assert_non_null(data);
	assert_true(picture_output_open(&out, path, 0, 0));
	for (size_t i = 0; i < count; i++) {
		wlk_video_frame f = WLK_VIDEO_FRAME_INIT;

		memset(data, levels[i], 64 * 64);
		f.width = sizes[i][0];
		f.height = sizes[i][1];
		for (int k = 0; k < 3; k++) {
			f.data[k] = data;
			f.stride[k] = 64;
		}
		picture_output_write(&out, &f, 25);
	}
	picture_output_close(&out);
	free(data);
}

static void test_what_was_written_is_read_and_begins_again(void **state)
{
	const uint32_t sizes[][2] = { { 33, 17 }, { 33, 17 } };
	struct picture_input in;
	wlk_video_frame f;

	(void)state;
	write_pictures((const uint8_t[]){ 10, 200 }, sizes, 2);
	assert_true(picture_input_open(&in, path, 0, 0, 0));
	assert_int_equal(in.width, 33);
	assert_int_equal(in.height, 17);
	assert_true(in.fps == 25);
	for (int i = 0; i < 5; i++) {
		assert_true(picture_input_next(&in, &f));
		assert_int_equal(f.stride[1], 17);
		assert_int_equal(f.data[0][33 * 17 - 1], i % 2 ? 200 : 10);
		assert_int_equal(f.data[2][17 * 9 - 1], i % 2 ? 200 : 10);
	}
	picture_input_close(&in);
}

/* A film cannot change its size: all have the first one's. */
static void test_other_sizes_are_scaled_to_the_first(void **state)
{
	const uint32_t sizes[][2] = { { 40, 20 }, { 20, 10 }, { 64, 64 }, { 1, 1 } };
	struct picture_input in;
	wlk_video_frame f;

	(void)state;
	write_pictures((const uint8_t[]){ 1, 100, 255, 60 }, sizes, 4);
	assert_true(picture_input_open(&in, path, 0, 0, 0));
	for (int i = 0; i < 4; i++) {
		assert_true(picture_input_next(&in, &f));
		for (int at = 0; at < 40 * 20; at += 39)
			assert_int_equal(f.data[0][at], ((const uint8_t[]){ 1, 100, 255, 60 })[i]);
	}
	picture_input_close(&in);
}

static void test_a_size_that_is_wanted_is_that_of_the_file(void **state)
{
	uint8_t data[8 * 8];
	struct picture_output out;
	struct picture_input in;
	wlk_video_frame f = WLK_VIDEO_FRAME_INIT;

	(void)state;
	memset(data, 90, sizeof(data));
	assert_true(picture_output_open(&out, path, 16, 6));
	f.width = f.height = 8;
	for (int i = 0; i < 3; i++) {
		f.data[i] = data;
		f.stride[i] = 8;
	}
	picture_output_write(&out, &f, 30);
	picture_output_close(&out);
	assert_true(picture_input_open(&in, path, 0, 0, 0));
	assert_int_equal(in.width, 16);
	assert_int_equal(in.height, 6);
	assert_true(picture_input_next(&in, &f));
	assert_int_equal(f.data[0][16 * 6 - 1], 90);
	picture_input_close(&in);
}

/* Twice as wide: the middles of old pixels lie a quarter beside those of new ones. */
static void test_scaling_is_bilinear(void **state)
{
	const uint8_t edge[] = { 0, 200 }, grey[] = { 128 };
	uint8_t line[4] = { 9, 9, 9, 9 };
	struct picture_output out;
	struct picture_input in;
	wlk_video_frame f = WLK_VIDEO_FRAME_INIT;

	(void)state;
	assert_true(picture_output_open(&out, path, 0, 0));
	f.width = 4;
	f.height = 1;
	f.data[0] = line;
	f.data[1] = f.data[2] = line;
	f.stride[0] = f.stride[1] = f.stride[2] = 4;
	picture_output_write(&out, &f, 30);
	f.width = 2;
	f.data[0] = edge;
	f.data[1] = f.data[2] = grey;
	picture_output_write(&out, &f, 30);
	picture_output_close(&out);

	assert_true(picture_input_open(&in, path, 0, 0, 0));
	assert_true(picture_input_next(&in, &f) && picture_input_next(&in, &f));
	assert_memory_equal(f.data[0], ((const uint8_t[]){ 0, 50, 150, 200 }), 4);
	assert_memory_equal(f.data[1], ((const uint8_t[]){ 128, 128 }), 2);
	picture_input_close(&in);
}

static void test_files_that_are_none_are_refused(void **state)
{
	static const char *const heads[] = {
		"", "YUV4MPEG W4 H2\n", "YUV4MPEG2 W4 H2 F30:1 C422\n", "YUV4MPEG2 W4 H2 F30:1 C420p10\n", "YUV4MPEG2 W0 H2 F30:1\n",
		"YUV4MPEG2 W4 H9000 F30:1\n", "YUV4MPEG2 W4 H2 F30:0\n", "YUV4MPEG2 W4 H2 F1:2\n",
	};
	struct picture_input in;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		write_file(heads[i], strlen(heads[i]));
		assert_false(picture_input_open(&in, path, 0, 0, 0));
		picture_input_close(&in);
	}
	assert_false(picture_input_open(&in, "/nowhere/at/all", 0, 0, 0));
	picture_input_close(&in);
}

static void test_a_file_without_a_whole_picture_gives_none(void **state)
{
	static const char half[] = "YUV4MPEG2 W4 H2 F30:1\nFRAME\n12345678";
	struct picture_input in;
	wlk_video_frame f;

	(void)state;
	write_file(half, sizeof(half) - 1);
	assert_true(picture_input_open(&in, path, 0, 0, 0));
	assert_false(picture_input_next(&in, &f));
	picture_input_close(&in);
}

static void test_the_drawing_moves(void **state)
{
	uint8_t before[160 * 96];
	struct picture_input in;
	wlk_video_frame f;

	(void)state;
	assert_true(picture_input_open(&in, NULL, 160, 96, 30));
	assert_true(picture_input_next(&in, &f));
	memcpy(before, f.data[0], sizeof(before));
	assert_true(picture_input_next(&in, &f));
	assert_int_equal(f.width, 160);
	assert_memory_not_equal(before, f.data[0], sizeof(before));
	picture_input_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read_and_begins_again),
		cmocka_unit_test(test_other_sizes_are_scaled_to_the_first),
		cmocka_unit_test(test_a_size_that_is_wanted_is_that_of_the_file),
		cmocka_unit_test(test_scaling_is_bilinear),
		cmocka_unit_test(test_files_that_are_none_are_refused),
		cmocka_unit_test(test_a_file_without_a_whole_picture_gives_none),
		cmocka_unit_test(test_the_drawing_moves),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
