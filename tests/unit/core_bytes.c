#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"

static void test_reader_takes_big_endian_fields(void **state)
{
	static const uint8_t data[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
					0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12 };
	struct bytes_reader r = bytes_reader(data, sizeof(data));

	(void)state;
	assert_int_equal(bytes_u8(&r), 0x01);
	assert_int_equal(bytes_u16(&r), 0x0203);
	assert_int_equal(bytes_u24(&r), 0x040506);
	assert_int_equal(bytes_u32(&r), 0x0708090a);
	assert_true(bytes_u64(&r) == 0x0b0c0d0e0f101112u);
	assert_true(bytes_ok(&r));
	assert_true(bytes_done(&r));
}

static void test_reader_fails_for_good_at_the_first_missing_byte(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct bytes_reader r = bytes_reader(data, sizeof(data));
	wlk_bytes slice;

	(void)state;
	assert_int_equal(bytes_u16(&r), 0x0102);
	assert_int_equal(bytes_u16(&r), 0);
	assert_false(bytes_ok(&r));
	assert_int_equal(bytes_u8(&r), 0); /* the third byte is not given out any more */
	slice = bytes_slice(&r, 0);
	assert_null(slice.data);
	assert_int_equal(slice.size, 0);
	assert_false(bytes_done(&r));
}

static void test_reader_borrows_slices(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4 };
	struct bytes_reader r = bytes_reader(data, sizeof(data));
	wlk_bytes slice;

	(void)state;
	bytes_skip(&r, 1);
	slice = bytes_slice(&r, 2);
	assert_ptr_equal(slice.data, data + 1);
	assert_int_equal(slice.size, 2);
	assert_false(bytes_done(&r));
	assert_true(bytes_ok(&r));
	slice = bytes_slice(&r, SIZE_MAX);
	assert_null(slice.data);
	assert_int_equal(slice.size, 0);
	assert_false(bytes_ok(&r));
}

static void test_reader_of_nothing(void **state)
{
	struct bytes_reader r = bytes_reader(NULL, 0);

	(void)state;
	assert_true(bytes_done(&r));
	assert_int_equal(bytes_slice(&r, 0).size, 0);
	assert_true(bytes_done(&r));
	bytes_u8(&r);
	assert_false(bytes_ok(&r));
}

static void test_writer_is_the_inverse_of_the_reader(void **state)
{
	static const uint8_t expected[] = { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0xf6, 0, 1,
					    2,    3,    4,    5,    6,    7,    'a',  'b',  0,    0,    0 };
	uint8_t out[sizeof(expected)];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	bytes_put_u8(&w, 0xff);
	bytes_put_u16(&w, 0xfefd);
	bytes_put_u24(&w, 0xfcfbfa);
	bytes_put_u32(&w, 0xf9f8f7f6);
	bytes_put_u64(&w, 0x0001020304050607);
	bytes_put(&w, "ab", 2);
	bytes_put(&w, NULL, 0);
	bytes_put_zero(&w, 3);
	assert_true(bytes_writer_ok(&w));
	assert_int_equal(w.size, sizeof(out));
	assert_memory_equal(out, expected, sizeof(out));
}

static void test_writer_fails_for_good_when_full(void **state)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct bytes_writer w = bytes_writer(out, 3);

	(void)state;
	bytes_put_u16(&w, 0x0102);
	bytes_put_u16(&w, 0x0304);
	assert_false(bytes_writer_ok(&w));
	assert_int_equal(w.size, 2);
	bytes_put_u8(&w, 7); /* would fit, but the layout is broken already */
	assert_int_equal(w.size, 2);
	assert_null(bytes_reserve(&w, 0));
	assert_int_equal(out[2], 9);
	assert_int_equal(out[3], 9);
	assert_null(bytes_reserve(&w, SIZE_MAX));
	assert_int_equal(w.size, 2);
}

static void test_patch_stays_inside_what_was_written(void **state)
{
	uint8_t out[6] = { 0 };
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	bytes_put_u32(&w, 0);
	bytes_patch_u16(&w, 2, 0xabcd);
	bytes_patch_u16(&w, 3, 0xffff); /* one byte too far */
	assert_int_equal(load_u32(out), 0x0000abcd);
	assert_int_equal(out[4], 0);
}

static void test_loads_and_stores(void **state)
{
	uint8_t out[4];

	(void)state;
	store_u32(out, 0x80ff7f01);
	assert_int_equal(out[0], 0x80);
	assert_int_equal(out[3], 0x01);
	assert_true(load_u32(out) == 0x80ff7f01u);
	assert_int_equal(load_u16(out + 1), 0xff7f);
	store_u16(out, 0xffff);
	assert_int_equal(load_u16(out), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_takes_big_endian_fields),
		cmocka_unit_test(test_reader_fails_for_good_at_the_first_missing_byte),
		cmocka_unit_test(test_reader_borrows_slices),
		cmocka_unit_test(test_reader_of_nothing),
		cmocka_unit_test(test_writer_is_the_inverse_of_the_reader),
		cmocka_unit_test(test_writer_fails_for_good_when_full),
		cmocka_unit_test(test_patch_stays_inside_what_was_written),
		cmocka_unit_test(test_loads_and_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
