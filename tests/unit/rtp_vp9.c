#include "payload_support.h"

#include "media/rtp/vp9.h"

static size_t parse(struct payload_info *info, struct vp9_structure *structure, const uint8_t *data, size_t size)
{
	*info = PAYLOAD_INFO_NONE;
	*structure = (struct vp9_structure){ 0 };
	return vp9_descriptor_parse(info, structure, data, size);
}

/* Profile 0, key frame, shown; sync code, colour space 1, 640x360 */
static const uint8_t key_frame[] = { 0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x16, 0x70, 0x00 };

static void test_non_flexible_descriptor_of_rfc_9628_4_2(void **state)
{
	/* I P L B E; picture id 0x1234; TID 1 U SID 2 D; TL0PICIDX 200 */
	static const uint8_t data[] = { 0xec, 0x92, 0x34, 0x35, 200 };
	struct vp9_structure structure;
	struct payload_info info;

	(void)state;
	assert_int_equal(parse(&info, &structure, data, sizeof(data)), 5);
	assert_true(info.is_inter_picture && !info.is_flexible && info.begins && info.ends);
	assert_int_equal(info.picture_id, 0x1234);
	assert_int_equal(info.temporal, 1);
	assert_int_equal(info.spatial, 2);
	assert_true(info.is_layer_sync && info.is_inter_layer);
	assert_int_equal(info.tl0_pic_idx, 200);
	for (size_t size = 0; size < sizeof(data); size++)
		assert_int_equal(parse(&info, &structure, data, size), 0);
}

static void test_flexible_descriptor_names_up_to_three_references(void **state)
{
	static const uint8_t three[] = { 0xd8, 5, 1 << 1 | 1, 2 << 1 | 1, 127 << 1 };
	static const uint8_t four[] = { 0xd8, 5, 3, 5, 7, 8 };
	static const uint8_t itself[] = { 0xd8, 5, 0 };
	static const uint8_t no_picture_id[] = { 0x58, 2, 1, 1 };
	struct vp9_structure structure;
	struct payload_info info;
	uint8_t room[64];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	assert_int_equal(parse(&info, &structure, three, sizeof(three)), 5);
	assert_true(info.is_flexible && info.ref_count == 3);
	assert_int_equal(info.refs[0], 1);
	assert_int_equal(info.refs[1], 2);
	assert_int_equal(info.refs[2], 127);
	assert_int_equal(parse(&info, &structure, four, sizeof(four)), 0); /* R24 */
	assert_int_equal(parse(&info, &structure, itself, sizeof(itself)), 0);
	assert_int_equal(vp9_depacketize(&info, &w, no_picture_id, sizeof(no_picture_id)), WLK_ERR_PARSE);
}

static void test_scalability_structure(void **state)
{
	/* I B V; id 1; N_S 1 (2 layers), Y, G; sizes; 2 pictures: one without references, one with two */
	static const uint8_t data[] = { 0x8a, 1, 0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 2, 0x00, 0x28, 1, 2 };
	struct vp9_structure structure;
	struct payload_info info;

	(void)state;
	assert_int_equal(parse(&info, &structure, data, sizeof(data)), sizeof(data));
	assert_true(structure.is_there && structure.has_sizes);
	assert_int_equal(structure.spatial_count, 2);
	assert_int_equal(structure.width[0], 320);
	assert_int_equal(structure.height[0], 180);
	assert_int_equal(structure.width[1], 640);
	assert_int_equal(structure.height[1], 360);
	assert_int_equal(structure.group_size, 2);
	for (size_t size = 0; size < sizeof(data); size++)
		assert_int_equal(parse(&info, &structure, data, size), 0);
}

static void test_what_is_a_key_frame(void **state)
{
	static const uint8_t plain[] = { 0x8c, 1, 0xaa };         /* no P */
	static const uint8_t inter[] = { 0xcc, 1, 0xaa };         /* P, not flexible */
	static const uint8_t upper[] = { 0xac, 1, 0x03, 7, 0xaa }; /* no P, but D of spatial layer 1 */
	struct payload_info info;
	uint8_t room[64];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	assert_int_equal(vp9_depacketize(&info, &w, plain, sizeof(plain)), WLK_OK);
	assert_true(info.is_key && info.begins && info.ends);
	assert_int_equal(vp9_depacketize(&info, &w, inter, sizeof(inter)), WLK_OK);
	assert_false(info.is_key);
	assert_int_equal(vp9_depacketize(&info, &w, upper, sizeof(upper)), WLK_OK);
	assert_false(info.is_key);
	assert_int_equal(info.spatial, 1);
	assert_int_equal(w.size, 3);
	assert_int_equal(vp9_depacketize(&info, &w, plain, 2), WLK_ERR_PARSE); /* nothing behind the descriptor */
}

static void test_descriptors_are_written_as_they_are_read(void **state)
{
	uint8_t room[16];

	(void)state;
	for (unsigned bits = 0; bits < 128; bits++) {
		struct payload_info info = PAYLOAD_INFO_NONE, again;
		struct vp9_structure structure;
		struct bytes_writer w = bytes_writer(room, sizeof(room));

		info.picture_id = 77;
		info.picture_id_is_short = bits & 1;
		info.is_flexible = bits & 2;
		info.is_inter_picture = bits & 4;
		info.temporal = bits & 8 ? 2 : -1;
		info.spatial = bits & 8 ? 1 : -1;
		info.is_layer_sync = info.is_inter_layer = bits & 8;
		info.tl0_pic_idx = bits & 8 && !info.is_flexible ? 255 : -1;
		info.is_discardable = bits & 16;
		if (info.is_flexible && info.is_inter_picture) {
			info.ref_count = 2;
			info.refs[0] = 1;
			info.refs[1] = 127;
		}
		vp9_descriptor_write(&w, &info, bits & 32, bits & 64);
		assert_int_equal(w.size, vp9_descriptor_size(&info));
		assert_int_equal(parse(&again, &structure, room, w.size), w.size);
		assert_int_equal(again.begins, !!(bits & 32));
		assert_int_equal(again.ends, !!(bits & 64));
		again.begins = again.ends = false;
		assert_memory_equal(&again, &info, sizeof(info));
		assert_false(structure.is_there);
	}
}

static void test_key_frames_carry_their_size(void **state)
{
	static struct payloads payloads;
	struct payload_info info = PAYLOAD_INFO_NONE;
	uint8_t frame[2000], room[8000];
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	(void)state;
	fill(frame, sizeof(frame));
	memcpy(frame, key_frame, sizeof(key_frame));
	payload_inspect(RTP_CODEC_VP9, (wlk_bytes){ frame, sizeof(frame) }, &info);
	assert_true(info.is_key && info.width == 640 && info.height == 360);
	info.picture_id = 9;
	info.is_flexible = true;
	assert_int_equal(cut(&payloads, RTP_CODEC_VP9, &info, (wlk_bytes){ frame, sizeof(frame) }, 1200, false), WLK_OK);
	assert_int_equal(payloads.count, 2);
	assert_int_equal(join(&w, &info, RTP_CODEC_VP9, &payloads), WLK_OK);
	assert_int_equal(w.size, sizeof(frame));
	assert_memory_equal(room, frame, sizeof(frame));
	assert_true(info.is_key && info.width == 640 && info.height == 360 && info.begins && !info.ends);
}

static void test_flexible_frames_without_references_are_refused(void **state)
{
	struct packetizer p;
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	info.is_flexible = info.is_inter_picture = true;
	info.picture_id = 1;
	assert_int_equal(packetizer_init(&p, RTP_CODEC_VP9, &info, (wlk_bytes){ key_frame, 5 }, 1200, false), WLK_ERR_INVALID);
}

static void test_frames_come_back(void **state)
{
	static uint8_t frame[20000];
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	fill(frame, sizeof(frame));
	info.picture_id = 1;
	info.is_inter_picture = info.is_flexible = true;
	info.ref_count = 1;
	info.refs[0] = 1;
	for (size_t size = 1; size <= sizeof(frame); size = size * 2 + 1)
		assert_round_trip(RTP_CODEC_VP9, &info, (wlk_bytes){ frame, size }, (wlk_bytes){ frame, size }, 64 + size % 1100);
}

static void test_inspection_of_other_frames(void **state)
{
	static const uint8_t inter[] = { 0x86, 0, 0 };          /* frame_type 1 */
	static const uint8_t existing[] = { 0x88 };             /* show_existing_frame */
	static const uint8_t bad_sync[] = { 0x82, 1, 2, 3, 0, 0, 0, 0, 0, 0 };
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	vp9_inspect((wlk_bytes){ inter, 3 }, &info);
	assert_false(info.is_key);
	vp9_inspect((wlk_bytes){ existing, 1 }, &info);
	assert_false(info.is_key);
	vp9_inspect((wlk_bytes){ bad_sync, 10 }, &info);
	assert_true(!info.is_key && !info.width);
	vp9_inspect((wlk_bytes){ key_frame, 7 }, &info); /* a key frame whose size is cut off */
	assert_true(info.is_key && !info.width);
	info = PAYLOAD_INFO_NONE;
	vp9_inspect((wlk_bytes){ inter, 0 }, &info);
	assert_false(info.is_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_non_flexible_descriptor_of_rfc_9628_4_2),
		cmocka_unit_test(test_flexible_descriptor_names_up_to_three_references),
		cmocka_unit_test(test_scalability_structure),
		cmocka_unit_test(test_what_is_a_key_frame),
		cmocka_unit_test(test_descriptors_are_written_as_they_are_read),
		cmocka_unit_test(test_key_frames_carry_their_size),
		cmocka_unit_test(test_flexible_frames_without_references_are_refused),
		cmocka_unit_test(test_frames_come_back),
		cmocka_unit_test(test_inspection_of_other_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
