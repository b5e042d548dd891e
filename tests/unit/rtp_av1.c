#include "payload_support.h"

#include "media/rtp/av1.h"

/* One operating point of level 4, 640x360 in 10 and 9 bits; what follows the size is not read. */
static const uint8_t sequence_header[] = { 0x0a, 0x09, 0x00, 0x00, 0x00, 0x24, 0xc4, 0xff, 0x67, 0x00, 0x80 };

struct stream {
	uint8_t data[60000];
	size_t size;
};

/* An OBU with its size, or without one. */
static void add_obu(struct stream *s, uint8_t type, size_t size, uint8_t first, bool has_size, bool extended)
{
	s->data[s->size++] = (uint8_t)(type << 3 | (extended ? 4 : 0) | (has_size ? 2 : 0));
	if (extended)
		s->data[s->size++] = 0x28;
	for (size_t rest = size; has_size; rest >>= 7) {
		s->data[s->size++] = (uint8_t)((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
		if (rest < 0x80)
			break;
	}
	fill(s->data + s->size, size);
	if (size)
		s->data[s->size] = first;
	s->size += size;
}

static void test_packet_of_the_specification_4_4(void **state)
{
	/* W 2: a sequence header with its size, then a frame that goes on in the next packet */
	static const uint8_t first[] = { 0x40 | 2 << 4 | 8, 3, 0x08, 0xaa, 0xbb, 0x30, 1, 2 };
	static const uint8_t second[] = { 0x80 | 1 << 4, 3, 4 };
	static const uint8_t frame[] = { 0x0a, 2, 0xaa, 0xbb, 0x32, 4, 1, 2, 3, 4 };
	struct depacketizer open = { 0 };
	struct payload_info info;
	uint8_t room[200];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	assert_int_equal(av1_depacketize(&open, &info, &w, first, sizeof(first)), WLK_OK);
	assert_true(info.begins && info.is_key && !payload_is_whole(&open));
	assert_int_equal(av1_depacketize(&open, &info, &w, second, sizeof(second)), WLK_OK);
	assert_true(info.is_continuation && payload_is_whole(&open));
	assert_int_equal(w.size, sizeof(frame));
	assert_memory_equal(room, frame, sizeof(frame));
}

static void test_temporal_delimiters_are_ignored_and_not_sent(void **state)
{
	static const uint8_t with_delimiter[] = { 2 << 4, 1, 0x10, 0x30, 7 };
	static struct payloads payloads;
	static struct stream s;
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct depacketizer none = { 0 };
	uint8_t room[200];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	assert_int_equal(av1_depacketize(&none, &info, &w, with_delimiter, sizeof(with_delimiter)), WLK_OK);
	assert_int_equal(w.size, 3);
	s.size = 0;
	add_obu(&s, AV1_OBU_TEMPORAL_DELIMITER, 0, 0, true, false);
	add_obu(&s, AV1_OBU_FRAME, 5, 0x30, true, false);
	add_obu(&s, AV1_OBU_TILE_LIST, 5, 0x30, true, false);
	assert_int_equal(cut(&payloads, RTP_CODEC_AV1, &info, (wlk_bytes){ s.data, s.size }, 100, false), WLK_OK);
	assert_int_equal(payloads.count, 1);
	assert_int_equal(payloads.size[0], 1 + 1 + 5);
	assert_int_equal(payloads.data[0][0], 1 << 4);
	assert_int_equal(payloads.data[0][1], 6 << 3);
	s.size = 2; /* only the delimiter */
	assert_int_equal(cut(&payloads, RTP_CODEC_AV1, &info, (wlk_bytes){ s.data, s.size }, 100, false), WLK_ERR_INVALID);
}

static void test_frames_come_back_with_sizes(void **state)
{
	static struct stream s;
	static const size_t sizes[] = { 0, 1, 2, 60, 61, 62, 63, 64, 126, 127, 128, 129, 1000, 1196, 1197, 1198, 1199, 16383, 16384 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct payload_info info = PAYLOAD_INFO_NONE;

			s.size = 0;
			add_obu(&s, AV1_OBU_METADATA, 3, 1, true, false);
			add_obu(&s, AV1_OBU_FRAME_HEADER, sizes[i], 0x30, true, i % 2);
			add_obu(&s, AV1_OBU_TILE_GROUP, sizes[j], 1, true, j % 2);
			add_obu(&s, AV1_OBU_TILE_GROUP, 2, 1, true, false);
			assert_round_trip(RTP_CODEC_AV1, &info, (wlk_bytes){ s.data, s.size },
					  (wlk_bytes){ s.data, s.size }, i + j < 20 ? 1200 : 64);
		}
	}
}

static void test_a_key_frame_begins_a_sequence(void **state)
{
	static struct payloads payloads;
	static struct stream s;
	struct payload_info info = PAYLOAD_INFO_NONE, first = PAYLOAD_INFO_NONE;
	uint8_t room[8000];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	s.size = 0;
	memcpy(s.data, sequence_header, sizeof(sequence_header));
	s.size = sizeof(sequence_header);
	add_obu(&s, AV1_OBU_FRAME, 3000, 0x10, true, false);
	payload_inspect(RTP_CODEC_AV1, (wlk_bytes){ s.data, s.size }, &info);
	assert_true(info.is_key && info.width == 640 && info.height == 360);
	assert_int_equal(cut(&payloads, RTP_CODEC_AV1, &info, (wlk_bytes){ s.data, s.size }, 1200, false), WLK_OK);
	assert_int_equal(payloads.count, 3);
	assert_true(payloads.data[0][0] & 8);
	assert_false(payloads.data[1][0] & 8);
	assert_int_equal(join(&w, &first, RTP_CODEC_AV1, &payloads), WLK_OK);
	assert_true(first.begins && first.is_key);
	/* an inter frame behind the same sequence header is none */
	s.size = sizeof(sequence_header);
	add_obu(&s, AV1_OBU_FRAME, 3000, 0x30, true, false);
	payload_inspect(RTP_CODEC_AV1, (wlk_bytes){ s.data, s.size }, &info);
	assert_false(info.is_key);
}

static wlk_err take(bool open, const uint8_t *data, size_t size)
{
	uint8_t room[4096] = { 0x30, 1 };
	struct bytes_writer w = bytes_writer(room, sizeof(room));
	struct depacketizer state = { .is_open = open };
	struct payload_info info;

	if (open)
		w.size = 2;
	return payload_depacketize(RTP_CODEC_AV1, &state, &info, &w, data, size);
}

static void test_R24_malformed_payloads_lose_the_frame(void **state)
{
	static const uint8_t nothing[] = { 0x10 }, continues[] = { 0x90, 1, 2 }, begins[] = { 0x10, 0x30, 1 },
			     middle_of_sequence[] = { 0x98, 1 }, too_long[] = { 0, 9, 0x30, 1 }, empty_element[] = { 0, 0 },
			     two_of_three[] = { 0x30, 1, 0x30 }, forbidden[] = { 0x10, 0xb0, 1 },
			     short_extension[] = { 0x10, 0x34 }, wrong_size[] = { 0x10, 0x32, 3, 1 },
			     right_size[] = { 0x10, 0x32, 1, 1 },
			     endless[] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	assert_int_equal(take(false, nothing, 1), WLK_ERR_PARSE);
	assert_int_equal(take(false, continues, 3), WLK_ERR_PARSE);
	assert_int_equal(take(true, continues, 3), WLK_OK);
	assert_int_equal(take(true, begins, 3), WLK_ERR_PARSE);
	assert_int_equal(take(true, middle_of_sequence, 2), WLK_ERR_PARSE);
	assert_int_equal(take(false, too_long, 4), WLK_ERR_PARSE);
	assert_int_equal(take(false, empty_element, 2), WLK_ERR_PARSE);
	assert_int_equal(take(false, two_of_three, 3), WLK_ERR_PARSE);
	assert_int_equal(take(false, forbidden, 3), WLK_ERR_PARSE);
	assert_int_equal(take(false, short_extension, 2), WLK_ERR_PARSE);
	assert_int_equal(take(false, wrong_size, 4), WLK_ERR_PARSE);
	assert_int_equal(take(false, right_size, 4), WLK_OK);
	assert_int_equal(take(false, endless, sizeof(endless)), WLK_ERR_PARSE);
}

static void test_dependency_descriptor(void **state)
{
	static const uint8_t data[] = { 0x80 | 0x05, 0x12, 0x34, 0x80 };
	struct av1_dependency d;

	(void)state;
	assert_true(av1_dependency_parse(&d, (wlk_bytes){ data, 4 }));
	assert_true(d.starts && !d.ends && d.has_structure);
	assert_int_equal(d.template_id, 5);
	assert_int_equal(d.frame_number, 0x1234);
	assert_true(av1_dependency_parse(&d, (wlk_bytes){ data, 3 }));
	assert_false(d.has_structure);
	assert_false(av1_dependency_parse(&d, (wlk_bytes){ data, 2 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_of_the_specification_4_4),
		cmocka_unit_test(test_temporal_delimiters_are_ignored_and_not_sent),
		cmocka_unit_test(test_frames_come_back_with_sizes),
		cmocka_unit_test(test_a_key_frame_begins_a_sequence),
		cmocka_unit_test(test_R24_malformed_payloads_lose_the_frame),
		cmocka_unit_test(test_dependency_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
