#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/seq.h"

static void test_seq16(void **state)
{
	(void)state;
	assert_int_equal(seq16_diff(0, 65535), 1);
	assert_int_equal(seq16_diff(65535, 0), -1);
	assert_int_equal(seq16_diff(5, 5), 0);
	assert_int_equal(seq16_diff(32767, 0), 32767);
	assert_int_equal(seq16_diff(32768, 0), -32768);
	assert_true(seq16_newer(0, 65535));
	assert_false(seq16_newer(65535, 0));
	assert_false(seq16_newer(7, 7));
	assert_true(seq16_newer(32767, 0));
	assert_false(seq16_newer(32768, 0)); /* half way round is old in both directions (RFC 1982 3.2) */
	assert_false(seq16_newer(0, 32768));
}

static void test_seq32(void **state)
{
	(void)state;
	assert_true(seq32_diff(0, UINT32_MAX) == 1);
	assert_true(seq32_diff(UINT32_MAX, 0) == -1);
	assert_true(seq32_diff(0x7fffffff, 0) == 0x7fffffff);
	assert_true(seq32_diff(0x80000000, 0) == -(int64_t)0x80000000);
	assert_true(seq32_newer(3, 0xfffffffe));
	assert_false(seq32_newer(0xfffffffe, 3));
	assert_false(seq32_newer(9, 9));
}

static void test_unwrap16_over_the_edge_and_back(void **state)
{
	struct seq_unwrap u = { 0 };

	(void)state;
	assert_true(seq16_unwrap(&u, 65534) == 65536 + 65534);
	assert_true(seq16_unwrap(&u, 0) == 65536 + 65536);
	assert_true(seq16_unwrap(&u, 65535) == 65536 + 65535); /* reordered: old, and the window stays */
	assert_true(seq16_unwrap(&u, 1) == 65536 + 65537);
	assert_true(u.highest == 65536 + 65537);
}

static void test_unwrap16_first_value_may_be_followed_by_an_older_one(void **state)
{
	struct seq_unwrap u = { 0 };

	(void)state;
	assert_true(seq16_unwrap(&u, 0) == 65536);
	assert_true(seq16_unwrap(&u, 65535) == 65535); /* positive still */
}

static void test_unwrap16_many_rounds(void **state)
{
	struct seq_unwrap u = { 0 };
	int64_t expected = 65536 + 60000;

	(void)state;
	for (uint32_t i = 0; i < 300; i++, expected += 1000)
		assert_true(seq16_unwrap(&u, (uint16_t)(60000 + 1000 * i)) == expected);
}

static void test_unwrap32(void **state)
{
	const int64_t base = (int64_t)1 << 32;
	struct seq_unwrap u = { 0 };

	(void)state;
	assert_true(seq32_unwrap(&u, UINT32_MAX) == base + UINT32_MAX);
	assert_true(seq32_unwrap(&u, 5) == 2 * base + 5);
	assert_true(seq32_unwrap(&u, UINT32_MAX - 1) == base + UINT32_MAX - 1);
	assert_true(u.highest == 2 * base + 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seq16),
		cmocka_unit_test(test_seq32),
		cmocka_unit_test(test_unwrap16_over_the_edge_and_back),
		cmocka_unit_test(test_unwrap16_first_value_may_be_followed_by_an_older_one),
		cmocka_unit_test(test_unwrap16_many_rounds),
		cmocka_unit_test(test_unwrap32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
