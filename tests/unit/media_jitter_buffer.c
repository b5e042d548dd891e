#include "media/recv/jitter_buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { STEP = 3000, STEP_US = 33333 };

/* Frame |n| after |delay|. */
static void frame(struct jitter_buffer *j, uint32_t n, wlk_time delay, size_t size, bool recovered, wlk_time rtt)
{
	const struct jitter_frame f = { 0xffffff00u + n * STEP, size, 1000000 + (wlk_time)n * 100000 / 3 + delay, recovered };

	jitter_buffer_on_frame(j, &f, rtt);
}

static void test_steady_frames_are_not_held_back(void **state)
{
	struct jitter_buffer j;

	(void)state;
	jitter_buffer_init(&j, 90000);
	for (uint32_t n = 0; n < 300; n++)
		frame(&j, n, 20000 + n % 3 * 1000, 1000, false, 0);
	assert_int_equal(jitter_buffer_delay(&j), 0);
	assert_in_range(jitter_buffer_render_time(&j, 0xffffff00u + 299 * STEP), 1000000 + 299 * 100000 / 3 + 19990,
			1000000 + 299 * 100000 / 3 + 20010);
}

/* Show 4 of the closed loop: up within 2 s, down within 10 s. */
static void test_the_delay_follows_steps_of_jitter(void **state)
{
	struct jitter_buffer j;
	uint32_t n = 0;

	(void)state;
	jitter_buffer_init(&j, 90000);
	for (; n < 150; n++)
		frame(&j, n, 20000, 1000, false, 0);
	for (; n < 150 + 60; n++)
		frame(&j, n, 20000 + (n * 7919 % 21) * 10000, 1000, false, 0);
	assert_in_range(jitter_buffer_delay(&j), 180000, 260000);
	for (; n < 210 + 300; n++)
		frame(&j, n, 20000, 1000, false, 0);
	assert_in_range(jitter_buffer_delay(&j), 0, 30000);
}

static void test_large_frames_take_their_time(void **state)
{
	struct jitter_buffer j;

	(void)state;
	jitter_buffer_init(&j, 90000);
	/* 2 us a byte, and one in a hundred is large: rarer than the quantile would notice. */
	for (uint32_t n = 0; n < 600; n++) {
		size_t size = n % 100 == 50 ? 40000 : 1000 + n % 7 * 300;

		frame(&j, n, (wlk_time)size * 2, size, false, 0);
	}
	assert_in_range(jitter_buffer_target(&j), 50000, 110000);
}

static void test_a_round_trip_is_waited_while_losses_are_mended(void **state)
{
	struct jitter_buffer j;

	(void)state;
	jitter_buffer_init(&j, 90000);
	for (uint32_t n = 0; n < 300; n++)
		frame(&j, n, n % 60 == 30 ? 120000 : 0, 1000, n % 60 == 30, 100000);
	assert_in_range(jitter_buffer_target(&j), 100000, 130000);
}

/* R25: a timestamp that jumps by more than 10 s begins anew, and no delay is above 2 s. */
static void test_R25_jumps_begin_anew(void **state)
{
	struct jitter_buffer j;
	const struct jitter_frame far = { 0x80000000u, 1000, 5000000, false };

	(void)state;
	jitter_buffer_init(&j, 90000);
	for (uint32_t n = 0; n < 10; n++)
		frame(&j, n, 0, 1000, false, 0);
	jitter_buffer_on_frame(&j, &far, 0);
	assert_int_equal(j.resets, 1);
	assert_int_equal(jitter_buffer_render_time(&j, 0x80000000u), 5000000);
	jitter_buffer_set_wish(&j, 60 * SECOND);
	assert_int_equal(jitter_buffer_delay(&j), JITTER_DELAY_MAX_US);
}

static void test_minimum_and_wish(void **state)
{
	struct jitter_buffer j;

	(void)state;
	jitter_buffer_init(&j, 90000);
	frame(&j, 0, 0, 1000, false, 0);
	jitter_buffer_set_minimum(&j, 80000);
	assert_int_equal(jitter_buffer_render_time(&j, 0xffffff00u), 1080000);
	jitter_buffer_set_wish(&j, 100000);
	assert_int_equal(jitter_buffer_delay(&j), 100000);
	jitter_buffer_set_wish(&j, 0);
	jitter_buffer_set_minimum(&j, 0);
	assert_int_equal(jitter_buffer_delay(&j), 0);
}

/* 200 ppm over 10 minutes: the delay does not creep. */
static void test_clock_drift(void **state)
{
	struct jitter_buffer j;
	uint32_t n;

	(void)state;
	jitter_buffer_init(&j, 90000);
	for (n = 0; n < 18000; n++)
		frame(&j, n, (wlk_time)n * STEP_US * 200 / 1000000, 1000, false, 0);
	assert_in_range(jitter_buffer_delay(&j), 0, 20000);
	assert_in_range(jitter_buffer_render_time(&j, 0xffffff00u + (n - 1) * STEP) - (1000000 + (wlk_time)(n - 1) * 100000 / 3), 110000, 140000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady_frames_are_not_held_back),
		cmocka_unit_test(test_the_delay_follows_steps_of_jitter),
		cmocka_unit_test(test_large_frames_take_their_time),
		cmocka_unit_test(test_a_round_trip_is_waited_while_losses_are_mended),
		cmocka_unit_test(test_R25_jumps_begin_anew),
		cmocka_unit_test(test_minimum_and_wish),
		cmocka_unit_test(test_clock_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
