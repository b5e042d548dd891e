#include "media_support.h"

static struct rtp_packet with_block(uint16_t profile, const uint8_t *data, size_t size)
{
	return (struct rtp_packet){ .has_ext = true, .ext_profile = profile, .ext = { data, size } };
}

static void test_one_byte_block_of_rfc_8285_4_2(void **state)
{
	/* id 1 of 1 byte, id 2 of 2 bytes, two padding bytes, id 3 of 4 bytes: the figure of RFC 8285 4.2 */
	static const uint8_t block[] = { 0x10, 'a', 0x21, 'b', 'c', 0, 0, 0x33, 'd', 'e', 'f', 'g' };
	struct rtp_packet p = with_block(0xbede, block, sizeof(block));
	struct rtp_ext_iter iter = rtp_ext_iter(&p);
	struct rtp_ext ext;

	(void)state;
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 1);
	assert_int_equal(ext.data.size, 1);
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 2);
	assert_memory_equal(ext.data.data, "bc", 2);
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 3);
	assert_memory_equal(ext.data.data, "defg", 4);
	assert_false(rtp_ext_next(&iter, &ext));
	assert_false(rtp_ext_next(&iter, &ext));
	assert_int_equal(rtp_ext_find(&p, 2).size, 2);
	assert_null(rtp_ext_find(&p, 4).data);
	assert_null(rtp_ext_find(&p, 0).data);
}

static void test_two_byte_block_of_rfc_8285_4_3(void **state)
{
	/* id 1 empty, id 2 of 1 byte, padding, id 200 of 4 bytes */
	static const uint8_t block[] = { 1, 0, 2, 1, 'a', 0, 200, 4, 'b', 'c', 'd', 'e' };
	struct rtp_packet p = with_block(0x1000, block, sizeof(block));
	struct rtp_ext_iter iter = rtp_ext_iter(&p);
	struct rtp_ext ext;

	(void)state;
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 1);
	assert_int_equal(ext.data.size, 0);
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 2);
	assert_true(rtp_ext_next(&iter, &ext));
	assert_int_equal(ext.id, 200);
	assert_int_equal(ext.data.size, 4);
	assert_false(rtp_ext_next(&iter, &ext));
	/* appbits are not ours to judge */
	p.ext_profile = 0x100f;
	assert_int_equal(rtp_ext_find(&p, 200).size, 4);
}

static void test_unknown_profile_has_no_elements(void **state)
{
	static const uint8_t block[] = { 0x10, 'a', 0, 0 };
	struct rtp_packet p = with_block(0x1010, block, sizeof(block));

	(void)state;
	assert_null(rtp_ext_find(&p, 1).data);
	p.ext_profile = 0xbede;
	assert_non_null(rtp_ext_find(&p, 1).data);
	p.has_ext = false;
	assert_null(rtp_ext_find(&p, 1).data);
}

static void test_R23_id_15_stops_a_one_byte_block(void **state)
{
	static const uint8_t stop[] = { 0x10, 'a', 0xf0, 'b', 0x20, 'c', 0, 0 };
	static const uint8_t zero_with_length[] = { 0x10, 'a', 0x01, 'b', 'c', 0x20, 'd', 0 };
	static const uint8_t two_byte[] = { 15, 1, 'x', 0 };
	struct rtp_packet p = with_block(0xbede, stop, sizeof(stop));

	(void)state;
	assert_non_null(rtp_ext_find(&p, 1).data);
	assert_null(rtp_ext_find(&p, 15).data);
	assert_null(rtp_ext_find(&p, 2).data);
	p = with_block(0xbede, zero_with_length, sizeof(zero_with_length));
	assert_non_null(rtp_ext_find(&p, 1).data);
	assert_null(rtp_ext_find(&p, 2).data);
	p = with_block(0x1000, two_byte, sizeof(two_byte));
	assert_int_equal(rtp_ext_find(&p, 15).size, 1);
}

static void test_R23_element_past_the_block_ends_it(void **state)
{
	static const uint8_t one[] = { 0x10, 'a', 0x25, 'b' };
	static const uint8_t two[] = { 1, 1, 'a', 2 };
	static const uint8_t two_long[] = { 1, 0, 2, 200 };
	struct rtp_packet p = with_block(0xbede, one, sizeof(one));

	(void)state;
	assert_int_equal(rtp_ext_find(&p, 1).size, 1);
	assert_null(rtp_ext_find(&p, 2).data);
	p = with_block(0x1000, two, sizeof(two));
	assert_int_equal(rtp_ext_find(&p, 1).size, 1);
	assert_null(rtp_ext_find(&p, 2).data);
	p = with_block(0x1000, two_long, sizeof(two_long));
	assert_null(rtp_ext_find(&p, 2).data);
}

static void test_block_is_written_in_the_small_form_when_it_fits(void **state)
{
	static const uint8_t expected[] = { 0xbe, 0xde, 0, 2, 0x40, '1', 0x31, 0xab, 0xcd, 0, 0, 0 };
	static const uint8_t seq[] = { 0xab, 0xcd };
	struct rtp_ext items[] = { { 4, { (const uint8_t *)"1", 1 } }, { 3, { seq, 2 } } };
	size_t offsets[2];
	uint8_t out[32];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	assert_int_equal(rtp_ext_write(&w, items, 2, true, offsets), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	assert_int_equal(offsets[0], 5);
	assert_int_equal(offsets[1], 7);
	w = bytes_writer(out, 8);
	assert_int_equal(rtp_ext_write(&w, items, 2, true, offsets), 0);
	w = bytes_writer(out, sizeof(out));
	assert_int_equal(rtp_ext_write(&w, items, 0, true, NULL), 0);
	assert_int_equal(w.size, 0);
}

static void test_large_elements_need_the_two_byte_form(void **state)
{
	uint8_t big[17] = { 9 };
	struct rtp_ext items[] = { { 4, { (const uint8_t *)"1", 1 } }, { 5, { big, 17 } } };
	size_t offsets[2];
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	(void)state;
	assert_int_equal(rtp_ext_write(&w, items, 2, true, offsets), 4 + 24);
	assert_int_equal(load_u16(out), 0x1000);
	assert_int_equal(load_u16(out + 2), 6);
	assert_int_equal(offsets[1], 4 + 3 + 2);
	/* not negotiated: the large one is left out, the small one stays in the small form */
	w = bytes_writer(out, sizeof(out));
	assert_int_equal(rtp_ext_write(&w, items, 2, false, offsets), 8);
	assert_int_equal(load_u16(out), 0xbede);
	assert_int_equal(offsets[0], 5);
	assert_int_equal(offsets[1], 0);
	/* ids above 14 and empty elements do not exist in the small form */
	items[0].id = 16;
	items[1] = (struct rtp_ext){ 3, { NULL, 0 } };
	w = bytes_writer(out, sizeof(out));
	assert_int_equal(rtp_ext_write(&w, items, 2, false, NULL), 0);
	w = bytes_writer(out, sizeof(out));
	assert_int_equal(rtp_ext_write(&w, items, 2, true, NULL), 12);
}

static void test_uris_and_kinds(void **state)
{
	(void)state;
	for (int kind = 0; kind < RTP_EXT_KINDS; kind++) {
		const char *uri = rtp_ext_uri((enum rtp_ext_kind)kind);

		assert_int_equal(rtp_ext_from_uri(uri, strlen(uri)), kind);
		assert_int_equal(rtp_ext_from_uri(uri, strlen(uri) - 1), RTP_EXT_KINDS);
	}
	assert_false(rtp_ext_is_end_to_end(RTP_EXT_MID));
	assert_false(rtp_ext_is_end_to_end(RTP_EXT_TRANSPORT_CC));
	assert_false(rtp_ext_is_end_to_end(RTP_EXT_ABS_SEND_TIME));
	assert_true(rtp_ext_is_end_to_end(RTP_EXT_DEPENDENCY_DESCRIPTOR));
	assert_true(rtp_ext_is_end_to_end(RTP_EXT_AUDIO_LEVEL));
}

static void test_abs_send_time_is_6_18_fixed_point(void **state)
{
	uint8_t out[3];
	uint32_t value;

	(void)state;
	rtp_ext_put_abs_send_time(out, 0);
	assert_memory_equal(out, "\0\0\0", 3);
	rtp_ext_put_abs_send_time(out, SECOND);
	assert_memory_equal(out, "\x04\x00\x00", 3);
	rtp_ext_put_abs_send_time(out, 63 * SECOND + SECOND / 2);
	assert_memory_equal(out, "\xfe\x00\x00", 3);
	rtp_ext_put_abs_send_time(out, 64 * SECOND); /* wraps */
	assert_memory_equal(out, "\0\0\0", 3);
	rtp_ext_put_abs_send_time(out, 64 * SECOND - 1); /* rounds up into the wrap */
	assert_memory_equal(out, "\0\0\0", 3);
	assert_true(rtp_ext_abs_send_time((wlk_bytes){ (const uint8_t *)"\x01\x02\x03", 3 }, &value));
	assert_int_equal(value, 0x010203);
	assert_false(rtp_ext_abs_send_time((wlk_bytes){ out, 2 }, &value));
}

static void test_typed_contents_round_trip(void **state)
{
	struct rtp_audio_level level = { true, 127 }, level_back;
	struct rtp_playout_delay delay = { 40, 40950 }, delay_back;
	uint8_t out[3];
	uint16_t seq;

	(void)state;
	rtp_ext_put_audio_level(out, &level);
	assert_int_equal(out[0], 0xff);
	assert_true(rtp_ext_audio_level((wlk_bytes){ out, 1 }, &level_back));
	assert_true(level_back.voice);
	assert_int_equal(level_back.level, 127);
	assert_false(rtp_ext_audio_level((wlk_bytes){ out, 0 }, &level_back));
	for (uint16_t degrees = 0; degrees < 360; degrees = (uint16_t)(degrees + 90)) {
		struct rtp_video_orientation o = { degrees == 90, degrees == 180, degrees }, back;

		rtp_ext_put_video_orientation(out, &o);
		assert_true(rtp_ext_video_orientation((wlk_bytes){ out, 1 }, &back));
		assert_int_equal(back.rotation, degrees);
		assert_int_equal(back.back_camera, o.back_camera);
		assert_int_equal(back.flip, o.flip);
	}
	assert_false(rtp_ext_video_orientation((wlk_bytes){ out, 2 }, &(struct rtp_video_orientation){ 0 }));
	rtp_ext_put_playout_delay(out, &delay);
	assert_memory_equal(out, "\x00\x4f\xff", 3);
	assert_true(rtp_ext_playout_delay((wlk_bytes){ out, 3 }, &delay_back));
	assert_int_equal(delay_back.min_ms, 40);
	assert_int_equal(delay_back.max_ms, 40950);
	assert_false(rtp_ext_playout_delay((wlk_bytes){ out, 2 }, &delay_back));
	assert_true(rtp_ext_transport_cc((wlk_bytes){ (const uint8_t *)"\xff\xfe", 2 }, &seq));
	assert_int_equal(seq, 0xfffe);
	assert_false(rtp_ext_transport_cc((wlk_bytes){ out, 1 }, &seq));
	assert_false(rtp_ext_transport_cc((wlk_bytes){ out, 3 }, &seq));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_byte_block_of_rfc_8285_4_2),
		cmocka_unit_test(test_two_byte_block_of_rfc_8285_4_3),
		cmocka_unit_test(test_unknown_profile_has_no_elements),
		cmocka_unit_test(test_R23_id_15_stops_a_one_byte_block),
		cmocka_unit_test(test_R23_element_past_the_block_ends_it),
		cmocka_unit_test(test_block_is_written_in_the_small_form_when_it_fits),
		cmocka_unit_test(test_large_elements_need_the_two_byte_form),
		cmocka_unit_test(test_uris_and_kinds),
		cmocka_unit_test(test_abs_send_time_is_6_18_fixed_point),
		cmocka_unit_test(test_typed_contents_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
