#include "media_support.h"

static const struct rtcp_report_block block_a = {
	.ssrc = 0x11223344,
	.fraction_lost = 26,
	.cumulative_lost = -5,
	.highest_seq = 0x0001fffe,
	.jitter = 321,
	.lsr = 0x89abcdef,
	.dlsr = 0x00010000,
};
static const struct rtcp_sender_info sender = { 0x0123456789abcdefu, 90000, 17, 4242 };

static void test_sr_has_the_layout_of_rfc_3550_6_4_1(void **state)
{
	static const uint8_t expected[] = {
		0x81, 200,  0,    12,   0xde, 0xad, 0xbe, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89,
		0xab, 0xcd, 0xef, 0x00, 0x01, 0x5f, 0x90, 0,    0,    0,    17,   0,    0,
		0x10, 0x92, 0x11, 0x22, 0x33, 0x44, 26,   0xff, 0xff, 0xfb, 0x00, 0x01, 0xff,
		0xfe, 0,    0,    0x01, 0x41, 0x89, 0xab, 0xcd, 0xef, 0,    1,    0,    0,
	};
	struct rtcp_report report;
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	uint8_t out[128];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	rtcp_write_sr(&w, 0xdeadbeef, &sender, &block_a, 1);
	assert_int_equal(w.size, sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	iter = rtcp_iter(out, w.size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_report_parse(&report, &packet), WLK_OK);
	assert_true(report.is_sr);
	assert_int_equal(report.ssrc, 0xdeadbeef);
	assert_int_equal(report.sender.ntp, sender.ntp);
	assert_int_equal(report.sender.rtp_timestamp, 90000);
	assert_int_equal(report.sender.packets, 17);
	assert_int_equal(report.sender.bytes, 4242);
	assert_int_equal(report.block_count, 1);
	struct rtcp_report_block back = rtcp_report_block_at(&report, 0);

	assert_int_equal(back.cumulative_lost, -5);
	assert_int_equal(back.fraction_lost, 26);
	assert_int_equal(back.highest_seq, 0x1fffe);
	assert_int_equal(back.jitter, 321);
	assert_int_equal(back.lsr, 0x89abcdef);
	assert_int_equal(back.dlsr, 0x10000);
	assert_false(rtcp_next(&iter, &packet));
	assert_false(iter.malformed);
}

static void test_R22_report_count_is_checked_against_the_body(void **state)
{
	struct rtcp_report report;
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	rtcp_write_rr(&w, 1, &block_a, 1);
	for (int count = 0; count < 32; count++) {
		out[0] = (uint8_t)(0x80 | count);
		iter = rtcp_iter(out, w.size);
		assert_true(rtcp_next(&iter, &packet));
		assert_int_equal(rtcp_report_parse(&report, &packet), count <= 1 ? WLK_OK : WLK_ERR_PARSE);
	}
	/* an SR needs its sender info */
	out[0] = 0x80;
	out[1] = 200;
	out[3] = 4;
	iter = rtcp_iter(out, 20);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_report_parse(&report, &packet), WLK_ERR_PARSE);
}

static void test_R22_lengths_are_checked_against_the_rest(void **state)
{
	uint8_t data[] = { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 203, 0, 0 };
	struct rtcp_packet packet;
	struct rtcp_iter iter = rtcp_iter(data, sizeof(data));

	(void)state;
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.type, RTCP_RR);
	assert_int_equal(packet.body.size, 4);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.type, RTCP_BYE);
	assert_int_equal(packet.body.size, 0);
	assert_false(rtcp_next(&iter, &packet));
	assert_false(iter.malformed);
	/* one word too long: the first stays good */
	data[11] = 1;
	iter = rtcp_iter(data, sizeof(data));
	assert_true(rtcp_next(&iter, &packet));
	assert_false(rtcp_next(&iter, &packet));
	assert_true(iter.malformed);
	assert_false(rtcp_next(&iter, &packet));
	/* truncated head */
	for (size_t size = 1; size < 4; size++) {
		iter = rtcp_iter(data, size);
		assert_false(rtcp_next(&iter, &packet));
		assert_true(iter.malformed);
	}
	iter = rtcp_iter(data, 0);
	assert_false(rtcp_next(&iter, &packet));
	assert_false(iter.malformed);
	data[0] = 0x40;
	iter = rtcp_iter(data, 8);
	assert_false(rtcp_next(&iter, &packet));
	assert_true(iter.malformed);
}

static void test_padding_is_taken_off_each_packet(void **state)
{
	uint8_t data[] = { 0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0 };
	static const uint8_t bad[] = { 0, 9, 12, 255 };
	struct rtcp_packet packet;
	struct rtcp_iter iter = rtcp_iter(data, sizeof(data));

	(void)state;
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.body.size, 4);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.type, RTCP_BYE);
	for (uint8_t size = 1; size <= 8; size++) { /* libwebrtc pads by single bytes */
		data[11] = size;
		iter = rtcp_iter(data, 12);
		assert_true(rtcp_next(&iter, &packet));
		assert_int_equal(packet.body.size, 8 - size);
		assert_false(rtcp_next(&iter, &packet));
		assert_false(iter.malformed);
	}
	for (size_t i = 0; i < sizeof(bad); i++) {
		data[11] = bad[i];
		iter = rtcp_iter(data, 12);
		assert_false(rtcp_next(&iter, &packet));
		assert_true(iter.malformed);
	}
}

static void test_sdes_cname_round_trip_for_every_length(void **state)
{
	char name[256];
	uint8_t out[300];

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t size = 1; size <= 255; size++) {
		struct bytes_writer w = bytes_writer(out, sizeof(out));
		struct rtcp_packet packet;
		struct rtcp_iter iter;
		wlk_bytes cname;

		rtcp_write_sdes(&w, 99, name, size);
		assert_int_equal(w.size % 4, 0);
		assert_int_equal(out[w.size - 1], 0); /* the list is closed */
		iter = rtcp_iter(out, w.size);
		assert_true(rtcp_next(&iter, &packet));
		assert_true(rtcp_sdes_cname(&packet, 99, &cname));
		assert_int_equal(cname.size, size);
		assert_false(rtcp_sdes_cname(&packet, 98, &cname));
	}
}

static void test_sdes_with_several_chunks_and_items(void **state)
{
	/* SSRC 1: NAME "ab", CNAME "x"; SSRC 2: CNAME "yz" (RFC 3550 6.5) */
	static const uint8_t data[] = { 0x82, 202, 0, 7, 0, 0, 0,   1,   2, 2, 'a', 'b', 1, 1, 'x', 0,
					0,    0,   0, 2, 1, 2, 'y', 'z', 0, 0, 0,   0,   0, 0, 0,   0 };
	struct rtcp_packet packet;
	struct rtcp_iter iter = rtcp_iter(data, sizeof(data));
	wlk_bytes cname;

	(void)state;
	assert_true(rtcp_next(&iter, &packet));
	assert_true(rtcp_sdes_cname(&packet, 1, &cname));
	assert_memory_equal(cname.data, "x", 1);
	assert_true(rtcp_sdes_cname(&packet, 2, &cname));
	assert_memory_equal(cname.data, "yz", 2);
	/* an item past the end */
	packet.body.size = 9;
	assert_false(rtcp_sdes_cname(&packet, 2, &cname));
}

static void test_bye_round_trip_and_bad_counts(void **state)
{
	const uint32_t ssrcs[] = { 7, 8 };
	struct rtcp_packet packet;
	struct rtcp_bye bye;
	struct rtcp_iter iter;
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	rtcp_write_bye(&w, ssrcs, 2, "gone", 4);
	assert_int_equal(w.size, 20);
	iter = rtcp_iter(out, w.size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_bye_parse(&bye, &packet), WLK_OK);
	assert_int_equal(bye.ssrc_count, 2);
	assert_int_equal(rtcp_bye_ssrc(&bye, 1), 8);
	assert_memory_equal(bye.reason.data, "gone", 4);
	packet.count = 5;
	assert_int_equal(rtcp_bye_parse(&bye, &packet), WLK_ERR_PARSE);
	packet.count = 2;
	out[12] = 200; /* a reason past the end */
	assert_int_equal(rtcp_bye_parse(&bye, &packet), WLK_ERR_PARSE);
	w = bytes_writer(out, sizeof(out));
	rtcp_write_bye(&w, ssrcs, 1, NULL, 0);
	assert_int_equal(w.size, 8);
}

static void test_xr_round_trip_and_unknown_blocks(void **state)
{
	const struct rtcp_dlrr items[] = { { 5, 6, 7 }, { 8, 9, 10 } };
	struct rtcp_packet packet;
	struct rtcp_xr xr;
	struct rtcp_iter iter;
	uint8_t out[128];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	rtcp_write_xr_rrtr(&w, 3, 0x1122334455667788u);
	rtcp_write_xr_dlrr(&w, 4, items, 2);
	iter = rtcp_iter(out, w.size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_xr_parse(&xr, &packet), WLK_OK);
	assert_true(xr.has_rrtr);
	assert_int_equal(xr.rrtr_ntp, 0x1122334455667788u);
	assert_int_equal(xr.dlrr_count, 0);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_xr_parse(&xr, &packet), WLK_OK);
	assert_int_equal(xr.ssrc, 4);
	assert_int_equal(xr.dlrr_count, 2);
	assert_int_equal(rtcp_dlrr_at(&xr, 1).ssrc, 8);
	assert_int_equal(rtcp_dlrr_at(&xr, 1).lrr, 9);
	assert_int_equal(rtcp_dlrr_at(&xr, 1).dlrr, 10);
	/* a block of an unknown type is skipped, one past the end is refused */
	out[8] = 42;
	iter = rtcp_iter(out, w.size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_xr_parse(&xr, &packet), WLK_OK);
	assert_false(xr.has_rrtr);
	out[11] = 3;
	assert_int_equal(rtcp_xr_parse(&xr, &packet), WLK_ERR_PARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sr_has_the_layout_of_rfc_3550_6_4_1),
		cmocka_unit_test(test_R22_report_count_is_checked_against_the_body),
		cmocka_unit_test(test_R22_lengths_are_checked_against_the_rest),
		cmocka_unit_test(test_padding_is_taken_off_each_packet),
		cmocka_unit_test(test_sdes_cname_round_trip_for_every_length),
		cmocka_unit_test(test_sdes_with_several_chunks_and_items),
		cmocka_unit_test(test_bye_round_trip_and_bad_counts),
		cmocka_unit_test(test_xr_round_trip_and_unknown_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
