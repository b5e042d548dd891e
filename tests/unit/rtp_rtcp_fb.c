#include "media_support.h"

static struct rtcp_fb parse_fb(const uint8_t *data, size_t size, uint8_t type, uint8_t format)
{
	struct rtcp_iter iter = rtcp_iter(data, size);
	struct rtcp_packet packet;
	struct rtcp_fb fb;

	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(packet.type, type);
	assert_int_equal(packet.count, format);
	assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
	return fb;
}

static void test_nack_bitmask_of_rfc_4585_6_2_1(void **state)
{
	/* 100, then 101 and 116 in the mask (bits 0 and 15), 117 begins the next pair */
	static const uint8_t expected[] = { 0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 100, 0x80, 0x01, 0, 117, 0, 0 };
	const uint16_t seqs[] = { 100, 101, 116, 117 };
	uint16_t back[RTCP_NACK_MAX];
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtcp_fb fb;

	(void)state;
	assert_int_equal(rtcp_write_nack(&w, 1, 2, seqs, 4), 4);
	assert_int_equal(w.size, sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	fb = parse_fb(out, w.size, RTCP_RTPFB, RTCP_FB_NACK);
	assert_int_equal(fb.sender_ssrc, 1);
	assert_int_equal(fb.media_ssrc, 2);
	assert_int_equal(rtcp_nack_parse(&fb, back, ARRAY_SIZE(back)), 4);
	assert_memory_equal(back, seqs, sizeof(seqs));
}

static void test_nack_wraps_at_65535(void **state)
{
	const uint16_t seqs[] = { 65534, 65535, 0, 14, 15 };
	uint16_t back[8];
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtcp_fb fb;

	(void)state;
	assert_int_equal(rtcp_write_nack(&w, 1, 2, seqs, 5), 5);
	assert_int_equal(w.size, 20); /* 15 is 17 ahead: a second pair */
	fb = parse_fb(out, w.size, RTCP_RTPFB, RTCP_FB_NACK);
	assert_int_equal(rtcp_nack_parse(&fb, back, 8), 5);
	assert_memory_equal(back, seqs, sizeof(seqs));
}

static void test_nack_stops_when_the_datagram_is_full(void **state)
{
	uint16_t seqs[256];
	uint8_t out[12 + 5 * 4 + 3];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	for (uint16_t i = 0; i < 256; i++)
		seqs[i] = (uint16_t)(i * 20);
	assert_int_equal(rtcp_write_nack(&w, 1, 2, seqs, 256), 5);
	assert_true(bytes_writer_ok(&w));
	assert_int_equal(w.size, 32);
}

static void test_R22_nack_names_at_most_256_numbers(void **state)
{
	uint8_t data[4 + 8 + 64 * 4] = { 0x81, 205, 0, 66 };
	uint16_t back[RTCP_NACK_MAX + 1] = { 0 };
	struct rtcp_fb fb;

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		store_u16(data + 12 + i * 4, (uint16_t)(i * 17));
		store_u16(data + 14 + i * 4, 0xffff);
	}
	fb = parse_fb(data, sizeof(data), RTCP_RTPFB, RTCP_FB_NACK);
	back[RTCP_NACK_MAX] = 0xabcd;
	assert_int_equal(rtcp_nack_parse(&fb, back, RTCP_NACK_MAX), 256);
	assert_int_equal(back[255], 255);
	assert_int_equal(back[RTCP_NACK_MAX], 0xabcd);
}

static void test_pli_and_fir(void **state)
{
	static const uint8_t pli[] = { 0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8 };
	static const uint8_t fir[] = { 0x84, 206, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 8, 77, 0, 0, 0 };
	uint8_t out[32];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtcp_fb fb;

	(void)state;
	rtcp_write_pli(&w, 9, 8);
	assert_int_equal(w.size, sizeof(pli));
	assert_memory_equal(out, pli, sizeof(pli));
	w = bytes_writer(out, sizeof(out));
	rtcp_write_fir(&w, 9, &(struct rtcp_fir){ 8, 77 });
	assert_int_equal(w.size, sizeof(fir));
	assert_memory_equal(out, fir, sizeof(fir));
	fb = parse_fb(out, w.size, RTCP_PSFB, RTCP_FB_FIR);
	assert_int_equal(rtcp_fir_count(&fb), 1);
	assert_int_equal(rtcp_fir_at(&fb, 0).ssrc, 8);
	assert_int_equal(rtcp_fir_at(&fb, 0).seq, 77);
	fb.fci.size = 7;
	assert_int_equal(rtcp_fir_count(&fb), 0);
}

static void test_feedback_shorter_than_its_two_ssrcs_is_refused(void **state)
{
	struct rtcp_packet packet = { RTCP_PSFB, RTCP_FB_PLI, { (const uint8_t *)"1234567", 7 } };
	struct rtcp_fb fb;

	(void)state;
	assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_ERR_PARSE);
}

static void test_remb_exponents(void **state)
{
	static const struct {
		uint64_t bps;
		uint32_t field; /* exponent << 18 | mantissa */
	} cases[] = {
		{ 0, 0 },
		{ 262143, 0x3ffff },            /* the largest without exponent */
		{ 262144, 1u << 18 | 0x20000 }, /* 2^18 */
		{ 1000000, 2u << 18 | 250000 }, /* 250000 * 4 */
		{ 1500001, 3u << 18 | 187500 }, /* rounded down to 1500000 */
		{ UINT64_MAX, 46u << 18 | 0x3ffff },
	};
	const uint32_t ssrcs[] = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t out[64];
		struct bytes_writer w = bytes_writer(out, sizeof(out));
		struct rtcp_remb remb;
		struct rtcp_fb fb;

		rtcp_write_remb(&w, 9, cases[i].bps, ssrcs, 3);
		assert_int_equal(w.size, 32);
		assert_memory_equal(out + 12, "REMB\x03", 5);
		assert_int_equal((uint32_t)out[17] << 16 | load_u16(out + 18), cases[i].field);
		fb = parse_fb(out, w.size, RTCP_PSFB, RTCP_FB_AFB);
		assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_OK);
		assert_int_equal(remb.bps, (uint64_t)(cases[i].field & 0x3ffff) << (cases[i].field >> 18));
		assert_int_equal(remb.ssrc_count, 3);
		assert_int_equal(load_u32(remb.ssrcs + 8), 3);
	}
}

static void test_R22_remb_that_lies_is_refused(void **state)
{
	uint8_t data[] = { 0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0, 0, 1, 0, 0, 0, 7 };
	struct rtcp_remb remb;
	struct rtcp_fb fb = parse_fb(data, sizeof(data), RTCP_PSFB, RTCP_FB_AFB);

	(void)state;
	assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_OK);
	data[16] = 2; /* more SSRCs than there are */
	assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_ERR_PARSE);
	data[16] = 1;
	data[17] = 63 << 2; /* exponent 63 with mantissa 2: 65 bits */
	data[19] = 2;
	assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_ERR_PARSE);
	data[12] = 'X';
	assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_ERR_UNSUPPORTED);
	fb.fci.size = 3;
	assert_int_equal(rtcp_remb_parse(&remb, &fb), WLK_ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nack_bitmask_of_rfc_4585_6_2_1),
		cmocka_unit_test(test_nack_wraps_at_65535),
		cmocka_unit_test(test_nack_stops_when_the_datagram_is_full),
		cmocka_unit_test(test_R22_nack_names_at_most_256_numbers),
		cmocka_unit_test(test_pli_and_fir),
		cmocka_unit_test(test_feedback_shorter_than_its_two_ssrcs_is_refused),
		cmocka_unit_test(test_remb_exponents),
		cmocka_unit_test(test_R22_remb_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
