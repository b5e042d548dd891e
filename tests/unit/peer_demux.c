/* First-byte demultiplexing (RFC 7983) for all 256 values, and the smallest sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "peer/demux.h"

static enum demux_class classify(uint8_t first, uint8_t second, size_t size)
{
	static uint8_t data[4096];

	memset(data, 0, sizeof(data));
	data[0] = first;
	data[1] = second;
	return demux_classify(data, size);
}

static void test_R1_every_first_byte(void **state)
{
	(void)state;
	for (int first = 0; first < 256; first++) {
		enum demux_class expected = DEMUX_DROP;

		if (first <= 3)
			expected = DEMUX_STUN;
		else if (first >= 20 && first <= 63)
			expected = DEMUX_DTLS;
		else if (first >= 64 && first <= 79)
			expected = DEMUX_TURN_CHANNEL;
		else if (first >= 128 && first <= 191)
			expected = DEMUX_RTP;
		assert_int_equal(classify((uint8_t)first, 0, 100), expected);
	}
}

static void test_R1_smallest_sizes(void **state)
{
	(void)state;
	assert_int_equal(classify(0, 1, 19), DEMUX_DROP);
	assert_int_equal(classify(0, 1, 20), DEMUX_STUN);
	assert_int_equal(classify(22, 0, 12), DEMUX_DROP);
	assert_int_equal(classify(22, 0, 13), DEMUX_DTLS);
	assert_int_equal(classify(64, 0, 3), DEMUX_DROP);
	assert_int_equal(classify(64, 0, 4), DEMUX_TURN_CHANNEL);
	assert_int_equal(classify(128, 96, 11), DEMUX_DROP);
	assert_int_equal(classify(128, 96, 12), DEMUX_RTP);
	assert_int_equal(classify(128, 200, 7), DEMUX_DROP);
	assert_int_equal(classify(128, 200, 8), DEMUX_RTCP);
	assert_int_equal(classify(0, 0, 0), DEMUX_DROP);
}

static void test_R1_nothing_above_2048_bytes(void **state)
{
	(void)state;
	assert_int_equal(classify(128, 96, 2048), DEMUX_RTP);
	assert_int_equal(classify(128, 96, 2049), DEMUX_DROP);
}

static void test_rtcp_types_border_on_rtp(void **state)
{
	(void)state;
	assert_int_equal(classify(128, 191, 20), DEMUX_RTP);
	assert_int_equal(classify(128, 192, 20), DEMUX_RTCP);
	assert_int_equal(classify(128, 223, 20), DEMUX_RTCP);
	assert_int_equal(classify(128, 224, 20), DEMUX_RTP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R1_every_first_byte),
		cmocka_unit_test(test_R1_smallest_sizes),
		cmocka_unit_test(test_R1_nothing_above_2048_bytes),
		cmocka_unit_test(test_rtcp_types_border_on_rtp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
