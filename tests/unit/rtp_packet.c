#include "media_support.h"

/* RFC 3550 5.1, every field set: V2 P X CC=2, M, PT 96, seq 0x1234, ts, ssrc, 2 CSRCs, one extension word, 3 bytes,
 * padding 2 */
static const uint8_t full[] = {
	0xb2, 0xe0, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb, 0xcc, 0xdd, 0x00, 0x00, 0x00, 0x01, 0x00,
	0x00, 0x00, 0x02, 0xbe, 0xde, 0x00, 0x01, 0x10, 0xff, 0x00, 0x00, 'a',  'b',  'c',  0x00, 0x02,
};

static void test_every_field_is_read(void **state)
{
	struct rtp_packet p;

	(void)state;
	assert_int_equal(rtp_parse(&p, full, sizeof(full)), WLK_OK);
	assert_true(p.marker);
	assert_int_equal(p.pt, 96);
	assert_int_equal(p.seq, 0x1234);
	assert_int_equal(p.timestamp, 0x01020304);
	assert_int_equal(p.ssrc, 0xaabbccdd);
	assert_int_equal(p.csrc_count, 2);
	assert_int_equal(load_u32(p.csrc + 4), 2);
	assert_true(p.has_ext);
	assert_int_equal(p.ext_profile, 0xbede);
	assert_int_equal(p.ext.size, 4);
	assert_int_equal(p.padding, 2);
	assert_int_equal(p.header_size, 28);
	assert_int_equal(p.payload.size, 3);
	assert_memory_equal(p.payload.data, "abc", 3);
}

static void test_write_is_the_inverse_of_parse(void **state)
{
	struct rtp_packet p;
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	assert_int_equal(rtp_parse(&p, full, sizeof(full)), WLK_OK);
	rtp_write(&w, &p);
	assert_true(bytes_writer_ok(&w));
	assert_int_equal(w.size, sizeof(full));
	assert_memory_equal(out, full, sizeof(full));
	w = bytes_writer(out, sizeof(full) - 1);
	rtp_write(&w, &p);
	assert_false(bytes_writer_ok(&w));
}

static void test_every_truncation_is_refused_or_shorter(void **state)
{
	struct rtp_packet p = { .seq = 7 };

	(void)state;
	for (size_t size = 0; size < 28; size++) {
		uint8_t *exact = test_malloc(size + 1);

		memcpy(exact, full, size);
		assert_int_equal(rtp_parse(&p, exact, size), WLK_ERR_PARSE);
		assert_int_equal(p.seq, 7); /* untouched */
		test_free(exact);
	}
}

static void test_version_other_than_2_is_refused(void **state)
{
	uint8_t data[12] = { 0x80 };
	struct rtp_packet p;
	struct rtp_peek peek;

	(void)state;
	assert_int_equal(rtp_parse(&p, data, sizeof(data)), WLK_OK);
	assert_int_equal(p.payload.size, 0);
	for (int version = 0; version < 4; version++) {
		data[0] = (uint8_t)(version << 6);
		assert_int_equal(rtp_parse(&p, data, sizeof(data)), version == 2 ? WLK_OK : WLK_ERR_PARSE);
		assert_int_equal(rtp_peek(&peek, data, sizeof(data)), version == 2);
	}
}

static void test_R23_padding_count_must_fit_the_payload(void **state)
{
	uint8_t data[16] = { 0xa0 };
	struct rtp_packet p;

	(void)state;
	for (int count = 0; count < 256; count++) {
		data[15] = (uint8_t)count;
		assert_int_equal(rtp_parse(&p, data, 16), count >= 1 && count <= 4 ? WLK_OK : WLK_ERR_PARSE);
	}
	data[15] = 4; /* padding only */
	assert_int_equal(rtp_parse(&p, data, 16), WLK_OK);
	assert_int_equal(p.payload.size, 0);
	assert_int_equal(p.padding, 4);
	assert_int_equal(rtp_parse(&p, data, 12), WLK_ERR_PARSE); /* P bit without a byte */
}

static void test_R23_extension_block_must_fit_the_packet(void **state)
{
	uint8_t data[20] = { 0x90 };
	struct rtp_packet p;

	(void)state;
	data[12] = 0xbe;
	data[13] = 0xde;
	data[15] = 1;
	assert_int_equal(rtp_parse(&p, data, 20), WLK_OK);
	assert_int_equal(p.payload.size, 0);
	data[15] = 2;
	assert_int_equal(rtp_parse(&p, data, 20), WLK_ERR_PARSE);
	data[14] = 0xff;
	data[15] = 0xff;
	assert_int_equal(rtp_parse(&p, data, 20), WLK_ERR_PARSE);
	assert_int_equal(rtp_parse(&p, data, 15), WLK_ERR_PARSE);
}

static void test_R18_peek_reads_the_fixed_header_only(void **state)
{
	/* Exactly 12 bytes on the heap: the sanitizer sees any read behind them, and CC, X and P promise more. */
	uint8_t *data = test_malloc(12);
	struct rtp_peek peek;

	(void)state;
	memcpy(data, full, 12);
	data[0] = 0xbf;
	assert_true(rtp_peek(&peek, data, 12));
	assert_int_equal(peek.ssrc, 0xaabbccdd);
	assert_int_equal(peek.seq, 0x1234);
	assert_int_equal(peek.timestamp, 0x01020304);
	assert_int_equal(peek.pt, 96);
	assert_false(rtp_peek(&peek, data, 11));
	assert_false(rtp_peek(&peek, data, 0));
	test_free(data);
}

static void test_rtcp_is_told_by_its_second_byte(void **state)
{
	(void)state;
	/* RFC 5761 4: 192..223 is RTCP; payload types 64..95 are not to be used for RTP */
	for (int byte = 0; byte < 256; byte++) {
		uint8_t data[2] = { 0x80, (uint8_t)byte };

		assert_int_equal(rtp_is_rtcp(data, 2), byte >= 192 && byte <= 223);
	}
	assert_false(rtp_is_rtcp((const uint8_t[]){ 0x80 }, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_is_read),
		cmocka_unit_test(test_write_is_the_inverse_of_parse),
		cmocka_unit_test(test_every_truncation_is_refused_or_shorter),
		cmocka_unit_test(test_version_other_than_2_is_refused),
		cmocka_unit_test(test_R23_padding_count_must_fit_the_payload),
		cmocka_unit_test(test_R23_extension_block_must_fit_the_packet),
		cmocka_unit_test(test_R18_peek_reads_the_fixed_header_only),
		cmocka_unit_test(test_rtcp_is_told_by_its_second_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
