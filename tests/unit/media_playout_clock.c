#include "media/recv/playout_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS MILLISECOND

static void test_even_pulls(void **state)
{
	struct playout_clock c;

	(void)state;
	playout_clock_init(&c);
	for (int i = 0; i < 200; i++)
		playout_clock_on_pull(&c, 5 * SECOND + i * 10 * MS, 480);
	assert_int_equal(playout_clock_moment(&c, 0), 5 * SECOND + 2000 * MS);
	assert_int_equal(playout_clock_moment(&c, -480), 5 * SECOND + 1990 * MS);
	assert_int_equal(playout_clock_moment(&c, 48), 5 * SECOND + 2001 * MS);
}

/* Of a burst the first pull counts: that is when the data must be there. */
static void test_bursts_and_late_pulls(void **state)
{
	struct playout_clock c;

	(void)state;
	playout_clock_init(&c);
	for (int i = 0; i < 400; i++) {
		playout_clock_on_pull(&c, (i / 4) * 40 * MS + (i / 4 % 3) * MS, 480);
		if (i >= 4)
			assert_int_equal(playout_clock_moment(&c, -480), i * 10 * MS - 30 * MS);
	}
}

static void test_device_that_stood_still(void **state)
{
	struct playout_clock c;
	wlk_time now = 0;

	(void)state;
	playout_clock_init(&c);
	for (int i = 0; i < 100; i++, now += 10 * MS)
		playout_clock_on_pull(&c, now, 480);
	now += 3 * SECOND;
	playout_clock_on_pull(&c, now, 480);
	assert_int_equal(playout_clock_moment(&c, -480), now);
}

static void test_drift_is_followed(void **state)
{
	struct playout_clock c;

	(void)state;
	playout_clock_init(&c);
	for (int i = 0; i < 60000; i++) {
		wlk_time now = (wlk_time)i * 10002; /* 200 ppm slow */

		playout_clock_on_pull(&c, now, 480);
		if (i > 200)
			assert_in_range(now - playout_clock_moment(&c, -480), 0, 200);
	}
}

static void test_samples_and_time(void **state)
{
	(void)state;
	assert_int_equal(samples_to_us(480), 10000);
	assert_int_equal(samples_to_us(48000 * INT64_C(86400) * 365), INT64_C(1000000) * 86400 * 365);
	assert_int_equal(us_to_samples(10000), 480);
	assert_int_equal(us_to_samples(-1000000), -48000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even_pulls),        cmocka_unit_test(test_bursts_and_late_pulls),
		cmocka_unit_test(test_device_that_stood_still), cmocka_unit_test(test_drift_is_followed),
		cmocka_unit_test(test_samples_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
