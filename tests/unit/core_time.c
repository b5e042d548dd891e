#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/time.h"

static void test_add_stays_never(void **state)
{
	(void)state;
	assert_true(time_add(5, 7) == 12);
	assert_true(time_add(WLK_TIME_NEVER, 1) == WLK_TIME_NEVER);
	assert_true(time_add(1, WLK_TIME_NEVER) == WLK_TIME_NEVER);
	assert_true(time_add(WLK_TIME_NEVER - 3, 3) == WLK_TIME_NEVER);
	assert_true(time_add(WLK_TIME_NEVER - 3, 4) == WLK_TIME_NEVER);
	assert_true(time_add(0, WLK_TIME_NEVER) == WLK_TIME_NEVER);
	assert_true(time_add(-5, 3) == -2);
}

static void test_min(void **state)
{
	(void)state;
	assert_true(time_min(3, 4) == 3);
	assert_true(time_min(WLK_TIME_NEVER, 4) == 4);
	assert_true(time_min(-1, 0) == -1);
}

static void test_ntp(void **state)
{
	(void)state;
	assert_true(time_to_ntp(0) == (uint64_t)2208988800u << 32);
	assert_true(time_to_ntp(500000) == ((uint64_t)2208988800u << 32 | 0x80000000u));
	assert_true((time_to_ntp(999999) & UINT32_MAX) == 0xffffef39u); /* floor(0.999999 * 2^32) */
	assert_true(time_to_ntp(2085978495ll * 1000000) == (uint64_t)UINT32_MAX << 32);
	/* 2036-02-07 06:28:16: era 1 starts, the seconds wrap to 0 (RFC 5905 6) */
	assert_true(time_to_ntp(2085978496ll * 1000000) == 0);
}

static void test_every_error_has_words(void **state)
{
	(void)state;
	for (int err = 0; err >= WLK_ERR_TIMEOUT; err--) {
		assert_non_null(wlk_strerror((wlk_err)err));
		assert_string_not_equal(wlk_strerror((wlk_err)err), "unknown error");
		for (int other = 0; other > err; other--)
			assert_string_not_equal(wlk_strerror((wlk_err)err), wlk_strerror((wlk_err)other));
	}
	assert_string_equal(wlk_strerror((wlk_err)-999), "unknown error");
	assert_string_equal(wlk_strerror((wlk_err)1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_stays_never),
		cmocka_unit_test(test_min),
		cmocka_unit_test(test_ntp),
		cmocka_unit_test(test_every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
