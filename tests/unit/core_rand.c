#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>

#include "core/rand.h"

static void test_draws_differ(void **state)
{
	uint64_t a = 0, b = 0;
	uint8_t bytes[32] = { 0 }, zero[32] = { 0 };

	(void)state;
	assert_int_equal(rand_u64(&a), WLK_OK);
	assert_int_equal(rand_u64(&b), WLK_OK);
	assert_true(a != b);
	assert_int_equal(rand_bytes(bytes, sizeof(bytes)), WLK_OK);
	assert_memory_not_equal(bytes, zero, sizeof(bytes));
	assert_int_equal(rand_bytes(NULL, 0), WLK_OK);
}

static void test_every_bit_is_drawn(void **state)
{
	uint16_t or16 = 0, and16 = UINT16_MAX;
	uint32_t or32 = 0, and32 = UINT32_MAX;

	(void)state;
	for (int i = 0; i < 64; i++) {
		uint16_t small;
		uint32_t big;

		assert_int_equal(rand_u16(&small), WLK_OK);
		assert_int_equal(rand_u32(&big), WLK_OK);
		or16 |= small;
		and16 &= small;
		or32 |= big;
		and32 &= big;
	}
	assert_int_equal(or16, UINT16_MAX);
	assert_int_equal(and16, 0);
	assert_true(or32 == UINT32_MAX);
	assert_true(and32 == 0);
}

static void test_ice_chars(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char out[2001], seen[256] = { 0 };
	size_t kinds = 0;

	(void)state;
	out[4] = 'x';
	assert_int_equal(rand_ice_chars(out, 4), WLK_OK);
	assert_int_equal(strlen(out), 4);
	assert_int_equal(rand_ice_chars(out, 0), WLK_OK);
	assert_string_equal(out, "");
	assert_int_equal(rand_ice_chars(out, 2000), WLK_OK);
	assert_int_equal(strlen(out), 2000);
	assert_int_equal(strspn(out, alphabet), 2000);
	for (size_t i = 0; i < 2000; i++)
		kinds += !seen[(uint8_t)out[i]], seen[(uint8_t)out[i]] = 1;
	assert_int_equal(kinds, 64);
}

static void test_seed_repeats_also_openssl(void **state)
{
	uint8_t first[40], again[40], other[40];

	(void)state;
	rand_use_seed(7);
	assert_int_equal(rand_bytes(first, 20), WLK_OK);
	assert_int_equal(RAND_bytes(first + 20, 20), 1);
	rand_use_seed(7);
	assert_int_equal(rand_bytes(again, 20), WLK_OK);
	assert_int_equal(RAND_bytes(again + 20, 20), 1);
	assert_memory_equal(first, again, sizeof(first));
	rand_use_seed(8);
	assert_int_equal(rand_bytes(other, sizeof(other)), WLK_OK);
	assert_memory_not_equal(first, other, sizeof(first));
	rand_use_seed(7);
	rand_use_system();
	assert_int_equal(rand_bytes(other, sizeof(other)), WLK_OK);
	assert_memory_not_equal(first, other, sizeof(first));
}

static void test_jitter_is_splitmix64(void **state)
{
	/* First output of splitmix64 from seed 0 is 0xe220a8397b1dcdaf. */
	struct rand_jitter j = { .state = 0 };

	(void)state;
	assert_int_equal(rand_jitter_below(&j, 256), 0xe2);
	j.state = 0;
	assert_true(rand_jitter_below(&j, UINT32_MAX) == 0xe220a838u); /* 0xe220a839 * (2^32 - 1) / 2^32 */
	assert_int_equal(rand_jitter_below(&j, 0), 0);
	assert_int_equal(rand_jitter_below(&j, 1), 0);
}

static void test_jitter_covers_its_range_evenly(void **state)
{
	struct rand_jitter j = { .state = 99 };
	int counts[10] = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		counts[rand_jitter_below(&j, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(counts[i], 9500, 10500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_differ),
		cmocka_unit_test(test_every_bit_is_drawn),
		cmocka_unit_test(test_ice_chars),
		cmocka_unit_test(test_seed_repeats_also_openssl),
		cmocka_unit_test(test_jitter_is_splitmix64),
		cmocka_unit_test(test_jitter_covers_its_range_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
