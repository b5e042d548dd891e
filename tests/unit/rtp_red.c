#include "payload_support.h"

#include "media/rtp/red.h"

static void test_packet_as_in_rfc_2198_4(void **state)
{
	/* one redundant block: type 5, offset 160, 2 bytes; primary of type 121, 3 bytes */
	static const uint8_t data[] = { 0x80 | 5, 160 >> 6, (160 & 0x3f) << 2, 2, 121, 1, 2, 3, 4, 5 };
	struct red_block blocks[RED_BLOCKS_MAX];
	uint8_t out[32];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	assert_int_equal(red_parse(blocks, data, sizeof(data)), 2);
	assert_int_equal(blocks[0].pt, 5);
	assert_int_equal(blocks[0].offset, 160);
	assert_int_equal(blocks[0].data.size, 2);
	assert_int_equal(blocks[1].pt, 121);
	assert_int_equal(blocks[1].offset, 0);
	assert_int_equal(blocks[1].data.size, 3);
	assert_int_equal(blocks[1].data.data[0], 3);
	red_write(&w, blocks, 2);
	assert_int_equal(w.size, sizeof(data));
	assert_memory_equal(out, data, sizeof(data));
}

static void test_only_the_primary_block_and_empty_ones(void **state)
{
	static const uint8_t alone[] = { 111, 9 }, empty[] = { 0x80 | 111, 0, 4, 0, 111 };
	struct red_block blocks[RED_BLOCKS_MAX];

	(void)state;
	assert_int_equal(red_parse(blocks, alone, 2), 1);
	assert_int_equal(blocks[0].data.size, 1);
	assert_int_equal(red_parse(blocks, empty, sizeof(empty)), 2);
	assert_int_equal(blocks[0].offset, 1);
	assert_int_equal(blocks[0].data.size, 0);
	assert_int_equal(blocks[1].data.size, 0);
}

static void test_R24_malformed_packets(void **state)
{
	static const uint8_t data[] = { 0x80 | 5, 0, 4, 2, 121, 1, 2 };
	struct red_block blocks[RED_BLOCKS_MAX];
	uint8_t many[4 * 40 + 1];

	(void)state;
	for (size_t size = 0; size < sizeof(data); size++)
		assert_int_equal(red_parse(blocks, data, size), 0);
	assert_int_equal(red_parse(blocks, data, sizeof(data)), 2);
	memset(many, 0, sizeof(many));
	for (size_t i = 0; i + 4 < sizeof(many); i += 4)
		many[i] = 0x80;
	assert_int_equal(red_parse(blocks, many, sizeof(many)), 0);
	assert_int_equal(red_parse(blocks, many + 4 * 9, sizeof(many) - 4 * 9), RED_BLOCKS_MAX);
}

static void test_blocks_that_the_format_cannot_say_are_left_out(void **state)
{
	static uint8_t big[1100];
	struct red_block blocks[] = { { 1, 16383, { big, 1023 } }, { 2, 16384, { big, 1 } }, { 3, 1, { big, 1024 } }, { 4, 0, { big, 1024 } } };
	static uint8_t out[4000];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct red_block again[RED_BLOCKS_MAX];

	(void)state;
	red_write(&w, blocks, 4);
	assert_int_equal(red_parse(again, out, w.size), 2);
	assert_int_equal(again[0].pt, 1);
	assert_int_equal(again[0].offset, 16383);
	assert_int_equal(again[0].data.size, 1023);
	assert_int_equal(again[1].pt, 4);
	assert_int_equal(again[1].data.size, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_as_in_rfc_2198_4),
		cmocka_unit_test(test_only_the_primary_block_and_empty_ones),
		cmocka_unit_test(test_R24_malformed_packets),
		cmocka_unit_test(test_blocks_that_the_format_cannot_say_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
