#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/picture_quality.h"

enum { WIDTH = 32, HEIGHT = 16, LUMA = WIDTH * HEIGHT, SIZE = LUMA * 3 / 2 };

static void check_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.6f is not %.6f", value, expected);
}

static void fill(uint8_t *data, uint8_t luma, uint8_t chroma)
{
	memset(data, luma, LUMA);
	memset(data + LUMA, chroma, SIZE - LUMA);
}

static void test_planes_of_packed_pictures(void **state)
{
	uint8_t data[64] = { 0 };
	struct quality_picture odd = quality_picture_packed(data, 5, 3), even = quality_picture_packed(data, 4, 2);

	(void)state;
	assert_ptr_equal(odd.data[0], data);
	assert_ptr_equal(odd.data[1], data + 15);
	assert_ptr_equal(odd.data[2], data + 15 + 3 * 2);
	assert_int_equal(odd.stride[0], 5);
	assert_int_equal(odd.stride[1], 3);
	assert_int_equal(odd.stride[2], 3);
	assert_ptr_equal(even.data[2], data + 8 + 2);
}

static void test_equal_pictures(void **state)
{
	uint8_t a[SIZE] = { 0 }, b[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(b, WIDTH, HEIGHT);

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		a[i] = b[i] = (uint8_t)(i * 37);
	check_near(quality_psnr(&p, &q), QUALITY_PSNR_EQUAL, 0);
	check_near(quality_psnr_luma(&p, &q), QUALITY_PSNR_EQUAL, 0);
	check_near(quality_ssim(&p, &q), 1, 1e-12);
}

/* 20 log10(255 / d) for a difference of d everywhere. */
static void test_psnr_of_known_differences(void **state)
{
	uint8_t a[SIZE] = { 0 }, b[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(b, WIDTH, HEIGHT);

	(void)state;
	fill(a, 100, 128);
	fill(b, 101, 127);
	check_near(quality_psnr(&p, &q), 48.1308, 1e-4);
	fill(b, 110, 128);
	check_near(quality_psnr_luma(&p, &q), 28.1308, 1e-4);
	/* two thirds of the samples are luma */
	check_near(quality_psnr(&p, &q), 28.1308 + 10 * log10(1.5), 1e-4);
	fill(a, 0, 0);
	fill(b, 255, 255);
	check_near(quality_psnr(&p, &q), 0, 1e-12);
	fill(b, 0, 255);
	check_near(quality_psnr_luma(&p, &q), QUALITY_PSNR_EQUAL, 0);
}

/* One sample in the last corner of the last plane counts as any other. */
static void test_psnr_sees_the_last_sample(void **state)
{
	uint8_t a[SIZE] = { 0 }, b[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(b, WIDTH, HEIGHT);

	(void)state;
	fill(a, 50, 60);
	fill(b, 50, 60);
	b[SIZE - 1] = 61;
	check_near(quality_psnr(&p, &q), 10 * log10(255.0 * 255.0 * SIZE), 1e-9);
}

/* Flat windows differ in luminance only: (2ab + c1) / (a^2 + b^2 + c1), c1 = 6.5025. */
static void test_ssim_of_flat_pictures(void **state)
{
	uint8_t a[SIZE] = { 0 }, b[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(b, WIDTH, HEIGHT);

	(void)state;
	fill(a, 100, 128);
	fill(b, 200, 128);
	check_near(quality_ssim(&p, &q), (2 * 100 * 200 + 6.5025) / (100 * 100 + 200 * 200 + 6.5025), 1e-9);
}

/* The negative of a picture has the opposite structure. */
static void test_ssim_of_the_negative_is_negative(void **state)
{
	uint8_t a[SIZE] = { 0 }, b[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(b, WIDTH, HEIGHT);

	(void)state;
	for (size_t i = 0; i < SIZE; i++) {
		a[i] = (i / 2 + i / WIDTH) % 2 ? 168 : 88;
		b[i] = (uint8_t)(256 - a[i]);
	}
	assert_true(quality_ssim(&p, &q) < -0.9);
}

/* One changed window of a picture of 16x8 with windows at x = 0, 4, 8: only the first sees its column 0. */
static void test_ssim_is_the_mean_of_windows_in_steps_of_four(void **state)
{
	uint8_t a[16 * 8 * 3 / 2] = { 0 }, b[16 * 8 * 3 / 2] = { 0 };
	struct quality_picture p = quality_picture_packed(a, 16, 8), q = quality_picture_packed(b, 16, 8);

	(void)state;
	memset(a, 100, sizeof(a));
	memset(b, 100, sizeof(b));
	for (int y = 0; y < 8; y++)
		b[16 * y] = 108;
	/* a: mean 100, variance 0; b: mean 101, variance 64/8 - 1 = 7; covariance 0 */
	double first = (2 * 100 * 101 + 6.5025) * 58.5225 / ((100 * 100 + 101 * 101 + 6.5025) * (7 + 58.5225));
	check_near(quality_ssim(&p, &q), (first + 2) / 3, 1e-9);
}

static void test_other_sizes_are_not_compared(void **state)
{
	uint8_t a[SIZE] = { 0 };
	struct quality_picture p = quality_picture_packed(a, WIDTH, HEIGHT), q = quality_picture_packed(a, WIDTH, HEIGHT - 2);
	struct quality_picture small = quality_picture_packed(a, 7, 16);

	(void)state;
	check_near(quality_psnr(&p, &q), 0, 0);
	check_near(quality_ssim(&p, &q), 0, 0);
	check_near(quality_ssim(&small, &small), 0, 0);
	check_near(quality_psnr(&small, &small), QUALITY_PSNR_EQUAL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planes_of_packed_pictures),
		cmocka_unit_test(test_equal_pictures),
		cmocka_unit_test(test_psnr_of_known_differences),
		cmocka_unit_test(test_psnr_sees_the_last_sample),
		cmocka_unit_test(test_ssim_of_flat_pictures),
		cmocka_unit_test(test_ssim_of_the_negative_is_negative),
		cmocka_unit_test(test_ssim_is_the_mean_of_windows_in_steps_of_four),
		cmocka_unit_test(test_other_sizes_are_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
