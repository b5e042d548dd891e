#include "media/recv/audio_delay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sound.h"

#define MS MILLISECOND

static struct audio_delay d;

/* |count| packets of 20 ms, each |from| to |from + spread| late in even steps. */
static void arrive(int count, wlk_time from, wlk_time spread)
{
	for (int i = 0; i < count; i++)
		audio_delay_on_arrival(&d, from + spread * (i * 7 % 20) / 19, 20 * MS);
}

static void test_without_jitter_little_is_waited(void **state)
{
	(void)state;
	audio_delay_init(&d);
	arrive(1, 1000 * MS, 0);
	assert_in_range(audio_delay_target(&d), 35 * MS, 50 * MS); /* a beginning is careful */
	arrive(200, 1000 * MS, 0);
	assert_in_range(audio_delay_target(&d), 15 * MS, 20 * MS);
	assert_in_range(audio_delay_target_offset(&d), 1015 * MS - 5 * MS, 1020 * MS);
	assert_int_equal(audio_delay_network(&d), audio_delay_target(&d));
}

static void test_follows_up_at_once_and_down_within_six_seconds(void **state)
{
	int packets = 0;

	(void)state;
	audio_delay_init(&d);
	arrive(500, 0, 0);
	arrive(10, 0, 200 * MS);
	assert_in_range(audio_delay_target(&d), 150 * MS, 225 * MS);
	arrive(500, 0, 200 * MS);
	assert_in_range(audio_delay_target(&d), 200 * MS, 225 * MS);
	for (; audio_delay_target(&d) > 25 * MS; packets++)
		arrive(1, 0, 0);
	assert_in_range(packets, 200, 300); /* 4 to 6 s */
}

/* A path that became longer: the base follows, and what is waited beyond it does not grow. */
static void test_longer_path_moves_the_base(void **state)
{
	(void)state;
	audio_delay_init(&d);
	arrive(500, 0, 0);
	arrive(400, 300 * MS, 0);
	assert_in_range(audio_delay_target(&d), 15 * MS, 25 * MS);
	assert_in_range(audio_delay_target_offset(&d), 310 * MS, 325 * MS);
	/* ... and back, and by more than the histogram is wide. */
	arrive(400, -900 * MS, 0);
	assert_in_range(audio_delay_target_offset(&d), -890 * MS, -875 * MS);
	arrive(1000, 60 * SECOND, 0);
	assert_in_range(audio_delay_target_offset(&d), 60 * SECOND, 60 * SECOND + 45 * MS);
	arrive(400, -60 * SECOND, 0);
	assert_in_range(audio_delay_target_offset(&d) + 60 * SECOND, 0, 45 * MS);
}

/* 200 ppm for an hour: 720 ms, more than twice. */
static void test_drift_is_followed(void **state)
{
	wlk_time offset = 0;

	(void)state;
	audio_delay_init(&d);
	for (int i = 0; i < 3600 * 50; i++) {
		offset += 4;
		audio_delay_on_arrival(&d, offset, 20 * MS);
		if (i > 300)
			assert_true(audio_delay_target_offset(&d) - offset >= 10 * MS && audio_delay_target_offset(&d) - offset <= 25 * MS);
	}
}

static void test_what_is_far_too_late_counts_only_when_all_is(void **state)
{
	(void)state;
	audio_delay_init(&d);
	arrive(500, 0, 0);
	arrive(40, 1500 * MS, 0);
	assert_in_range(audio_delay_target_offset(&d), 10 * MS, 25 * MS);
	arrive(1, 0, 0);
	arrive(40, 1500 * MS, 0);
	assert_in_range(audio_delay_target_offset(&d), 10 * MS, 25 * MS);
	arrive(15, 1500 * MS, 0);
	assert_true(audio_delay_target_offset(&d) > 1500 * MS);
}

static void test_wishes_are_lower_bounds(void **state)
{
	(void)state;
	audio_delay_init(&d);
	arrive(300, 0, 0);
	audio_delay_set_wish(&d, 400 * MS);
	assert_int_equal(audio_delay_target(&d), 400 * MS);
	assert_in_range(audio_delay_network(&d), 15 * MS, 20 * MS);
	audio_delay_set_minimum(&d, 500 * MS);
	assert_int_equal(audio_delay_target(&d), 500 * MS);
	audio_delay_restart(&d);
	arrive(1, 7 * SECOND, 0);
	assert_int_equal(audio_delay_target(&d), 500 * MS);
	audio_delay_set_minimum(&d, -5);
	audio_delay_set_wish(&d, 9 * SECOND);
	assert_int_equal(audio_delay_target(&d), AUDIO_DELAY_WISH_MAX_US);
	audio_delay_set_wish(&d, 0);
	arrive(300, 7 * SECOND, 0);
	assert_in_range(audio_delay_target(&d), 15 * MS, 20 * MS);
}

/* Any offsets and durations: the target stays within its bounds, the weights add up. */
static void test_random_arrivals_keep_bounds(void **state)
{
	uint32_t random = 4;

	(void)state;
	audio_delay_init(&d);
	for (int i = 0; i < 200000; i++) {
		wlk_time offset;

		random = random * 1664525u + 1013904223u;
		offset = (wlk_time)(random >> 8) - 8000000;
		if (random % 97 == 0)
			offset *= 1000;
		audio_delay_on_arrival(&d, offset, (wlk_time)(random % 200000));
		assert_in_range(audio_delay_target(&d), AUDIO_DELAY_MARGIN_US, AUDIO_DELAY_MAX_US + AUDIO_DELAY_MARGIN_US);
		assert_true(d.late > d.base && d.total > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_jitter_little_is_waited),
		cmocka_unit_test(test_follows_up_at_once_and_down_within_six_seconds),
		cmocka_unit_test(test_longer_path_moves_the_base),
		cmocka_unit_test(test_drift_is_followed),
		cmocka_unit_test(test_what_is_far_too_late_counts_only_when_all_is),
		cmocka_unit_test(test_wishes_are_lower_bounds),
		cmocka_unit_test(test_random_arrivals_keep_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
