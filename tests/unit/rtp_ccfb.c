#include "media/rtp/ccfb.h"
#include "media_support.h"

static struct rtcp_packet only(const uint8_t *data, size_t size)
{
	struct rtcp_iter iter = rtcp_iter(data, size);
	struct rtcp_packet packet = { 0 };

	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.type, RTCP_RTPFB);
	assert_int_equal(packet.count, RTCP_FB_CCFB);
	assert_int_equal(iter.reader.left, 0);
	return packet;
}

/* Drawn from RFC 8888 3.1. */
static void test_layout(void **state)
{
	static const uint8_t expected[] = {
		0x8b, 205,  0,    8,    0,    0,    0,    9,          /* V=2, FMT 11, 9 words, sender */
		0,    0,    0,    77,   0xff, 0xff, 0,    3,          /* stream, begin_seq, num_reports */
		0x80, 0,    0,    0,    0x80 | 0x04, 0x00, 0, 0,      /* now; lost; a second ago; padding */
		0,    0,    0,    78,   0,    5,    0,    0,          /* a block without packets */
		0x12, 0x34, 0x56, 0x78,                               /* timestamp */
	};
	static const wlk_time before[] = { 0, -1, 1000000 };
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	size_t start = ccfb_write_begin(&w, 9);
	struct ccfb_feedback f;
	struct ccfb_status s;
	struct ccfb_iter iter;
	struct rtcp_packet packet;

	(void)state;
	ccfb_write_block(&w, 77, 65535, before, 3);
	ccfb_write_block(&w, 78, 5, NULL, 0);
	ccfb_write_end(&w, start, 0x12345678);
	assert_int_equal(w.size, sizeof(expected));
	assert_memory_equal(data, expected, sizeof(expected));
	packet = only(data, w.size);
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	assert_int_equal(f.sender_ssrc, 9);
	assert_int_equal(f.timestamp, 0x12345678);
	iter = ccfb_iter(&f);
	assert_true(ccfb_next(&iter, &s));
	assert_true(s.ssrc == 77 && s.seq == 65535 && s.received && s.has_time && s.before == 0 && s.ecn == 0);
	assert_true(ccfb_next(&iter, &s));
	assert_true(s.ssrc == 77 && s.seq == 0 && !s.received);
	assert_true(ccfb_next(&iter, &s));
	assert_true(s.seq == 1 && s.received && s.before == 1000000);
	assert_false(ccfb_next(&iter, &s));
	assert_false(ccfb_next(&iter, &s));
}

static void test_times_beyond_the_field(void **state)
{
	static const wlk_time before[] = { 7990000, 9000000 };
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	size_t start = ccfb_write_begin(&w, 1);
	struct ccfb_feedback f;
	struct ccfb_status s;
	struct ccfb_iter iter;
	struct rtcp_packet packet;

	(void)state;
	ccfb_write_block(&w, 2, 3, before, 2);
	ccfb_write_end(&w, start, 0);
	packet = only(data, w.size);
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	iter = ccfb_iter(&f);
	assert_true(ccfb_next(&iter, &s) && s.has_time);
	assert_in_range(s.before, 7989000, 7991000);
	assert_true(ccfb_next(&iter, &s));
	assert_true(s.received && !s.has_time);
}

static void test_R22_counts_that_lie(void **state)
{
	uint8_t body[4 + 8 + 4 + 4] = { 0 };
	struct rtcp_packet packet = { .type = RTCP_RTPFB, .count = RTCP_FB_CCFB, .body = { body, sizeof(body) } };
	static uint8_t big[4 + 8 + 2 * (CCFB_STATUS_MAX + 2) + 4];
	struct ccfb_feedback f;

	(void)state;
	body[11] = 2;
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	body[11] = 3; /* a word more than there is */
	assert_int_equal(ccfb_parse(&f, &packet), WLK_ERR_PARSE);
	body[11] = 1; /* with its padding it is the same */
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	body[11] = 0; /* half a block follows */
	assert_int_equal(ccfb_parse(&f, &packet), WLK_ERR_PARSE);
	for (size_t size = 0; size < 8; size++) {
		packet.body.size = size;
		assert_int_equal(ccfb_parse(&f, &packet), WLK_ERR_PARSE);
	}
	packet.body.size = 8;
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	packet.body = (wlk_bytes){ big, 4 + 8 + 2 * CCFB_STATUS_MAX + 4 };
	store_u16(big + 10, CCFB_STATUS_MAX);
	assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
	packet.body.size = sizeof(big);
	store_u16(big + 10, CCFB_STATUS_MAX + 2);
	assert_int_equal(ccfb_parse(&f, &packet), WLK_ERR_PARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_times_beyond_the_field),
		cmocka_unit_test(test_R22_counts_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
