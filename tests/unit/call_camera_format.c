#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/videodev2.h>

#include "apps/call/camera_format.h"

#define YUYV V4L2_PIX_FMT_YUYV
#define NV12 V4L2_PIX_FMT_NV12
#define I420 V4L2_PIX_FMT_YUV420
#define MJPG V4L2_PIX_FMT_MJPEG

/* ---- choosing ---- */

/* A common webcam: raw up to 640x480 at 30, larger ones slower, MJPEG for all. */
static const struct camera_mode webcam[] = {
	{ MJPG, 1280, 720, 30 }, { MJPG, 640, 480, 30 },   { YUYV, 160, 120, 30 },  { YUYV, 320, 240, 30 }, { YUYV, 640, 480, 30 },
	{ YUYV, 640, 480, 15 },  { YUYV, 1280, 720, 10 },  { YUYV, 1280, 720, 7.5 }, { YUYV, 1920, 1080, 5 },
};

static const struct camera_mode *chosen(const struct camera_mode *modes, size_t count, uint32_t width, uint32_t height, double fps)
{
	size_t index = camera_mode_choose(modes, count, width, height, fps);

	assert_true(index < count);
	return &modes[index];
}

static const struct camera_mode *of_webcam(uint32_t width, uint32_t height, double fps)
{
	return chosen(webcam, sizeof(webcam) / sizeof(*webcam), width, height, fps);
}

static void check(const struct camera_mode *mode, uint32_t format, uint32_t width, double fps)
{
	assert_int_equal(mode->format, format);
	assert_int_equal(mode->width, width);
	assert_true(mode->fps == fps);
}

static void test_what_is_there_is_taken(void **state)
{
	(void)state;
	check(of_webcam(640, 480, 30), YUYV, 640, 30);
	check(of_webcam(640, 480, 15), YUYV, 640, 15);
	check(of_webcam(1280, 720, 10), YUYV, 1280, 10);
}

static void test_else_the_nearest_size(void **state)
{
	(void)state;
	check(of_webcam(352, 288, 30), YUYV, 320, 30);
	check(of_webcam(600, 400, 30), YUYV, 640, 30);
	check(of_webcam(160, 96, 30), YUYV, 160, 30);
}

static void test_a_rate_far_too_low_weighs_more_than_a_size_that_is_off(void **state)
{
	(void)state;
	check(of_webcam(1280, 720, 30), YUYV, 640, 30);
	check(of_webcam(1280, 720, 12), YUYV, 1280, 10);
}

static void test_of_equal_ones_the_format_with_less_work(void **state)
{
	const struct camera_mode modes[] = { { YUYV, 640, 480, 30 }, { NV12, 640, 480, 30 }, { I420, 640, 480, 30 } };

	(void)state;
	check(chosen(modes, 2, 640, 480, 30), NV12, 640, 30);
	check(chosen(modes, 3, 640, 480, 30), I420, 640, 30);
}

static void test_a_mode_without_a_rate_counts_as_good(void **state)
{
	const struct camera_mode modes[] = { { YUYV, 640, 480, 5 }, { YUYV, 640, 480, 0 } };

	(void)state;
	check(chosen(modes, 2, 640, 480, 30), YUYV, 640, 0);
}

static void test_mjpeg_alone_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(camera_mode_choose(webcam, 2, 640, 480, 30), 2);
	assert_int_equal(camera_mode_choose(webcam, 0, 640, 480, 30), 0);
	assert_false(camera_format_known(MJPG));
}

static void test_sizes_in_steps(void **state)
{
	(void)state;
	assert_int_equal(camera_step(160, 1920, 16, 640), 640);
	assert_int_equal(camera_step(160, 1920, 16, 647), 640);
	assert_int_equal(camera_step(160, 1920, 16, 649), 656);
	assert_int_equal(camera_step(160, 1920, 16, 100), 160);
	assert_int_equal(camera_step(160, 1920, 16, 4000), 1920);
	assert_int_equal(camera_step(160, 1900, 16, 4000), 1888);
	assert_int_equal(camera_step(1, 4000, 0, 777), 777);
	assert_int_equal(camera_step(640, 640, 0, 100), 640);
	assert_int_equal(camera_step(0, UINT32_MAX, 1, UINT32_MAX), UINT32_MAX);
}

static void test_names(void **state)
{
	char name[5];

	(void)state;
	camera_format_name(MJPG, name);
	assert_string_equal(name, "MJPG");
	camera_format_name(0x00010203, name);
	assert_string_equal(name, "....");
}

/* ---- pictures ---- */

static void test_yuyv_is_taken_apart_and_colour_is_the_mean_of_two_rows(void **state)
{
	/* 4x2 pixels, rows of 8 bytes with two more behind them. */
	const uint8_t data[] = { 10, 100, 11, 200, 12, 110, 13, 210, 0xee, 0xee, 20, 103, 21, 201, 22, 120, 23, 220, 0xee, 0xee };
	const struct camera_layout layout = { YUYV, 4, 2, 10 };
	const uint8_t luma[] = { 10, 11, 12, 13, 20, 21, 22, 23 }, u[] = { 102, 115 }, v[] = { 201, 215 };
	uint8_t planes[12];
	wlk_video_frame f;

	(void)state;
	assert_int_equal(camera_planes_size(&layout), sizeof(planes));
	assert_true(camera_picture(&layout, data, sizeof(data), planes, &f));
	assert_int_equal(f.format, WLK_PIXEL_FORMAT_I420);
	assert_int_equal(f.stride[0], 4);
	assert_int_equal(f.stride[1], 2);
	assert_memory_equal(f.data[0], luma, sizeof(luma));
	assert_memory_equal(f.data[1], u, sizeof(u));
	assert_memory_equal(f.data[2], v, sizeof(v));
	assert_false(camera_picture(&layout, data, sizeof(data) - 1, planes, &f));
}

/* The planes are heap blocks of just the size, so that a step too far is seen. */
static void test_yuyv_of_odd_sizes_stays_inside(void **state)
{
	(void)state;
	for (uint32_t width = 1; width <= 5; width++) {
		for (uint32_t height = 1; height <= 5; height++) {
			const struct camera_layout layout = { YUYV, width, height, 0 };
			size_t size = (size_t)(width + 1) / 2 * 4 * height;
			uint8_t *data = malloc(size), *planes = malloc(camera_planes_size(&layout));
			wlk_video_frame f;

			assert_true(data && planes);
			memset(data, 77, size);
			assert_true(camera_picture(&layout, data, size, planes, &f));
			assert_int_equal(f.data[0][(size_t)width * height - 1], 77);
			assert_int_equal(f.data[2][(size_t)((width + 1) / 2) * ((height + 1) / 2) - 1], 77);
			assert_false(camera_picture(&layout, data, size - 1, planes, &f));
			free(data);
			free(planes);
		}
	}
}

static void test_nv12_and_i420_are_used_as_they_lie(void **state)
{
	static const uint8_t data[64 * 8 * 3 / 2];
	const struct camera_layout nv12 = { NV12, 60, 8, 64 }, i420 = { I420, 60, 8, 64 };
	wlk_video_frame f;

	(void)state;
	assert_int_equal(camera_planes_size(&nv12), 0);
	assert_true(camera_picture(&nv12, data, sizeof(data), NULL, &f));
	assert_int_equal(f.format, WLK_PIXEL_FORMAT_NV12);
	assert_ptr_equal(f.data[1], data + 64 * 8);
	assert_int_equal(f.stride[1], 64);
	assert_false(camera_picture(&nv12, data, sizeof(data) - 1, NULL, &f));

	assert_true(camera_picture(&i420, data, sizeof(data), NULL, &f));
	assert_int_equal(f.format, WLK_PIXEL_FORMAT_I420);
	assert_ptr_equal(f.data[2], data + 64 * 8 + 32 * 4);
	assert_int_equal(f.stride[2], 32);
	assert_false(camera_picture(&i420, data, sizeof(data) - 1, NULL, &f));
}

static void test_other_formats_are_refused(void **state)
{
	const struct camera_layout layout = { MJPG, 4, 2, 0 };
	const uint8_t data[64] = { 0 };
	wlk_video_frame f;

	(void)state;
	assert_false(camera_picture(&layout, data, sizeof(data), NULL, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_there_is_taken),
		cmocka_unit_test(test_else_the_nearest_size),
		cmocka_unit_test(test_a_rate_far_too_low_weighs_more_than_a_size_that_is_off),
		cmocka_unit_test(test_of_equal_ones_the_format_with_less_work),
		cmocka_unit_test(test_a_mode_without_a_rate_counts_as_good),
		cmocka_unit_test(test_mjpeg_alone_is_nothing),
		cmocka_unit_test(test_sizes_in_steps),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_yuyv_is_taken_apart_and_colour_is_the_mean_of_two_rows),
		cmocka_unit_test(test_yuyv_of_odd_sizes_stays_inside),
		cmocka_unit_test(test_nv12_and_i420_are_used_as_they_lie),
		cmocka_unit_test(test_other_formats_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
