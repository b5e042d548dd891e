#include "payload_support.h"

#include "media/rtp/h264.h"

/* Constrained baseline, level 3.1, 640x360: 40 x 23 macroblocks, 4 lines cut off at the bottom. */
static const uint8_t sps[] = { 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x84, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xca, 0x80 };
static const uint8_t pps[] = { 0x68, 0xce, 0x0f, 0x19, 0x20 };

struct stream {
	uint8_t data[60000];
	size_t size;
};

static void add_nal(struct stream *s, uint8_t header, size_t size, size_t zeros)
{
	memset(s->data + s->size, 0, zeros);
	s->size += zeros;
	s->data[s->size++] = 1;
	s->data[s->size] = header;
	fill(s->data + s->size + 1, size - 1);
	s->size += size;
}

static void test_annex_b_with_both_start_codes_and_trailing_zeros(void **state)
{
	static const uint8_t data[] = { 0, 0, 0, 1, 9, 0x10, 0, 0, 1, 0x65, 1, 2, 0, 0, 0, 0, 1, 0x41, 5, 0, 0 };
	wlk_bytes stream = { data, sizeof(data) }, nal;
	size_t at = 0;

	(void)state;
	assert_true(h264_next_nal(stream, &at, &nal));
	assert_int_equal(nal.size, 2);
	assert_true(h264_next_nal(stream, &at, &nal));
	assert_int_equal(nal.size, 3);
	assert_int_equal(nal.data[0], 0x65);
	assert_true(h264_next_nal(stream, &at, &nal));
	assert_int_equal(nal.size, 2);
	assert_int_equal(nal.data[0], 0x41);
	assert_false(h264_next_nal(stream, &at, &nal));
}

static void test_size_from_a_parameter_set(void **state)
{
	uint16_t width = 0, height = 0;

	(void)state;
	assert_true(h264_sps_size((wlk_bytes){ sps, sizeof(sps) }, &width, &height));
	assert_int_equal(width, 640);
	assert_int_equal(height, 360);
	for (size_t size = 1; size < 9; size++)
		assert_false(h264_sps_size((wlk_bytes){ sps, size }, &width, &height));
}

static void test_sprop_parameter_sets(void **state)
{
	/* as in the example of RFC 6184 8.2.1: base64 of each set, by commas */
	const char *text = "Z0LAH9oCgL/lhAAAAwAEAAADAPA8YMqA,aM4PGSA=,!,";
	size_t size = strlen(text);
	uint8_t out[64];

	(void)state;
	assert_int_equal(h264_next_sprop(&text, &size, out, sizeof(out)), sizeof(sps));
	assert_memory_equal(out, sps, sizeof(sps));
	assert_int_equal(h264_next_sprop(&text, &size, out, sizeof(out)), sizeof(pps));
	assert_memory_equal(out, pps, sizeof(pps));
	assert_int_equal(h264_next_sprop(&text, &size, out, sizeof(out)), 0);
	assert_int_equal(size, 0);
	text = "Z0LAH9oC";
	size = 8;
	assert_int_equal(h264_next_sprop(&text, &size, out, 5), 0);
}

static void test_small_units_share_a_packet(void **state)
{
	static struct payloads payloads;
	static struct stream s;
	struct payload_info info = PAYLOAD_INFO_NONE, first = PAYLOAD_INFO_NONE;
	uint8_t room[4000];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	s.size = 0;
	add_nal(&s, 0x67, 20, 3);
	add_nal(&s, 0x68, 5, 3);
	add_nal(&s, 0x65, 3000, 3);
	assert_int_equal(cut(&payloads, RTP_CODEC_H264, &info, (wlk_bytes){ s.data, s.size }, 1200, false), WLK_OK);
	assert_int_equal(payloads.count, 4);
	/* STAP-A with the highest NRI (RFC 6184 5.7.1), each unit behind its size */
	assert_int_equal(payloads.data[0][0], 0x60 | 24);
	assert_int_equal(payloads.size[0], 1 + 2 + 20 + 2 + 5);
	assert_int_equal(load_u16(payloads.data[0] + 1), 20);
	assert_int_equal(load_u16(payloads.data[0] + 23), 5);
	/* FU-A (5.8): start, middle, end; the type is in the FU header */
	assert_int_equal(payloads.data[1][0], 0x60 | 28);
	assert_int_equal(payloads.data[1][1], 0x80 | 5);
	assert_int_equal(payloads.data[2][1], 5);
	assert_int_equal(payloads.data[3][1], 0x40 | 5);
	assert_int_equal(join(&w, &first, RTP_CODEC_H264, &payloads), WLK_OK);
	assert_int_equal(w.size, s.size);
	assert_memory_equal(room, s.data, s.size);
	assert_true(first.begins);
}

static void test_packetization_mode_0_has_one_unit_a_packet(void **state)
{
	static struct payloads payloads;
	static struct stream s;
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	s.size = 0;
	add_nal(&s, 0x67, 20, 3);
	add_nal(&s, 0x68, 5, 2);
	add_nal(&s, 0x65, 1200, 3);
	assert_int_equal(cut(&payloads, RTP_CODEC_H264, &info, (wlk_bytes){ s.data, s.size }, 1200, true), WLK_OK);
	assert_int_equal(payloads.count, 3);
	assert_int_equal(payloads.size[2], 1200);
	assert_int_equal(cut(&payloads, RTP_CODEC_H264, &info, (wlk_bytes){ s.data, s.size }, 1199, true), WLK_ERR_TOO_LARGE);
}

static void test_frames_come_back_with_four_byte_start_codes(void **state)
{
	static struct stream s, expected;

	(void)state;
	for (size_t max = 64; max <= 1200; max += 71) {
		struct payload_info info = PAYLOAD_INFO_NONE;

		s.size = expected.size = 0;
		for (size_t i = 0; i < 12; i++) {
			size_t size = 1 + i * i * max / 20;

			add_nal(&s, (uint8_t)(i % 2 ? 0x41 : 0x61), size, i % 3 ? 3 : 2);
			add_nal(&expected, (uint8_t)(i % 2 ? 0x41 : 0x61), size, 3);
		}
		assert_round_trip(RTP_CODEC_H264, &info, (wlk_bytes){ s.data, s.size },
				  (wlk_bytes){ expected.data, expected.size }, max);
	}
}

static void test_what_makes_a_key_frame(void **state)
{
	static struct stream s;
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	s.size = 0;
	add_nal(&s, 0x41, 20, 3);
	payload_inspect(RTP_CODEC_H264, (wlk_bytes){ s.data, s.size }, &info);
	assert_false(info.is_key);
	memcpy(s.data + s.size, "\0\0\1", 3);
	memcpy(s.data + s.size + 3, sps, sizeof(sps));
	s.size += 3 + sizeof(sps);
	add_nal(&s, 0x65, 20, 3);
	payload_inspect(RTP_CODEC_H264, (wlk_bytes){ s.data, s.size }, &info);
	assert_true(info.is_key && info.width == 640 && info.height == 360);
}

static wlk_err take(struct depacketizer *state, const uint8_t *data, size_t size)
{
	static uint8_t room[4096];
	struct bytes_writer w = bytes_writer(room, sizeof(room));
	struct payload_info info;

	return payload_depacketize(RTP_CODEC_H264, state, &info, &w, data, size);
}

static void test_R24_malformed_payloads_lose_the_frame(void **state)
{
	static const uint8_t fu_both[] = { 0x7c, 0xc5, 1 }, fu_short[] = { 0x7c, 0x85 }, fu_middle[] = { 0x7c, 0x05, 1 },
			     fu_start[] = { 0x7c, 0x85, 1 }, fu_of_fu[] = { 0x7c, 0x9c, 1 }, single[] = { 0x65, 1 };
	static const uint8_t stap_empty[] = { 0x78 }, stap_long[] = { 0x78, 0, 9, 1 }, stap_zero[] = { 0x78, 0, 0 },
			     stap_nested[] = { 0x78, 0, 2, 0x78, 1 }, stap_b[] = { 25, 0, 0, 0, 1, 1 };
	static const uint8_t zero_type[] = { 0x60, 1 };
	struct depacketizer none = { 0 }, open = { 0 };

	(void)state;
	assert_int_equal(take(&none, fu_both, 3), WLK_ERR_PARSE);
	assert_int_equal(take(&none, fu_short, 2), WLK_ERR_PARSE);
	assert_int_equal(take(&none, fu_middle, 3), WLK_ERR_PARSE);
	assert_int_equal(take(&none, fu_of_fu, 3), WLK_ERR_PARSE);
	assert_int_equal(take(&none, stap_empty, 1), WLK_ERR_PARSE);
	assert_int_equal(take(&none, stap_long, 4), WLK_ERR_PARSE);
	assert_int_equal(take(&none, stap_zero, 3), WLK_ERR_PARSE);
	assert_int_equal(take(&none, stap_nested, 5), WLK_ERR_PARSE);
	assert_int_equal(take(&none, stap_b, 6), WLK_ERR_PARSE);
	assert_int_equal(take(&none, zero_type, 2), WLK_ERR_PARSE);
	assert_int_equal(take(&open, fu_start, 3), WLK_OK);
	assert_false(payload_is_whole(&open));
	assert_int_equal(take(&open, fu_start, 3), WLK_ERR_PARSE); /* a second start */
	assert_int_equal(take(&open, single, 2), WLK_ERR_PARSE);   /* something else in between */
}

static void test_what_is_no_stream_is_refused(void **state)
{
	static const uint8_t junk[] = { 1, 2, 3 }, aggregate[] = { 0, 0, 1, 0x78, 1 };
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct packetizer p;

	(void)state;
	assert_int_equal(packetizer_init(&p, RTP_CODEC_H264, &info, (wlk_bytes){ junk, 3 }, 100, false), WLK_ERR_INVALID);
	assert_int_equal(packetizer_init(&p, RTP_CODEC_H264, &info, (wlk_bytes){ aggregate, 5 }, 100, false), WLK_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_annex_b_with_both_start_codes_and_trailing_zeros),
		cmocka_unit_test(test_size_from_a_parameter_set),
		cmocka_unit_test(test_sprop_parameter_sets),
		cmocka_unit_test(test_small_units_share_a_packet),
		cmocka_unit_test(test_packetization_mode_0_has_one_unit_a_packet),
		cmocka_unit_test(test_frames_come_back_with_four_byte_start_codes),
		cmocka_unit_test(test_what_makes_a_key_frame),
		cmocka_unit_test(test_R24_malformed_payloads_lose_the_frame),
		cmocka_unit_test(test_what_is_no_stream_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
