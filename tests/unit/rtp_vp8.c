#include "payload_support.h"

#include "media/rtp/vp8.h"

/* A key frame's beginning: tag, start code, 176x144 */
static const uint8_t key_frame[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0xb0, 0x00, 0x90, 0x00, 7, 8, 9 };

static size_t parse(struct payload_info *info, const uint8_t *data, size_t size)
{
	*info = PAYLOAD_INFO_NONE;
	return vp8_descriptor_parse(info, data, size);
}

static void test_descriptors_of_rfc_7741_4_5(void **state)
{
	static const uint8_t key[] = { 0x90, 0x80, 17 };                /* X, S; I; short picture id 17 */
	static const uint8_t layered[] = { 0xb0, 0xe0, 17, 99, 0x40 };   /* N; I, L, T; TL0PICIDX 99; TID 1 */
	static const uint8_t second[] = { 0x80, 0x80, 17 };             /* not the start */
	static const uint8_t long_id[] = { 0x90, 0x80, 0x92, 0x67 };     /* 4711 */
	struct payload_info info;

	(void)state;
	assert_int_equal(parse(&info, key, sizeof(key)), 3);
	assert_true(info.begins && info.picture_id == 17 && info.picture_id_is_short && !info.is_discardable);
	assert_true(info.tl0_pic_idx == -1 && info.temporal == -1 && info.key_idx == -1);
	assert_int_equal(parse(&info, layered, sizeof(layered)), 5);
	assert_true(info.is_discardable && info.tl0_pic_idx == 99 && info.temporal == 1 && !info.is_layer_sync);
	assert_int_equal(parse(&info, second, sizeof(second)), 3);
	assert_false(info.begins);
	assert_int_equal(parse(&info, long_id, sizeof(long_id)), 4);
	assert_int_equal(info.picture_id, 4711);
	assert_false(info.picture_id_is_short);
}

static void test_key_idx_without_tid_and_other_partitions(void **state)
{
	static const uint8_t with_key_idx[] = { 0x90, 0x10, 0xf5 }; /* K only: the TID bits mean nothing */
	static const uint8_t partition_3[] = { 0x13 };              /* start of partition 3 is no start of the frame */
	struct payload_info info;

	(void)state;
	assert_int_equal(parse(&info, with_key_idx, 3), 3);
	assert_true(info.key_idx == 0x15 && info.temporal == -1);
	assert_int_equal(parse(&info, partition_3, 1), 1);
	assert_true(info.partition == 3 && !info.begins);
}

static void test_descriptors_that_are_cut_off_are_malformed(void **state)
{
	static const uint8_t all[] = { 0x90, 0xf0, 0x92, 0x67, 1, 0x60 };
	uint8_t room[64];
	struct payload_info info;

	(void)state;
	for (size_t size = 0; size < sizeof(all); size++)
		assert_int_equal(parse(&info, all, size), 0);
	assert_int_equal(parse(&info, all, sizeof(all)), sizeof(all));
	/* R24: a descriptor without a byte of VP8 behind it */
	struct bytes_writer w = bytes_writer(room, sizeof(room));

	assert_int_equal(vp8_depacketize(&info, &w, all, sizeof(all)), WLK_ERR_PARSE);
	assert_int_equal(w.size, 0);
}

static void test_descriptors_are_written_as_they_are_read(void **state)
{
	uint8_t room[8];

	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		struct payload_info info = PAYLOAD_INFO_NONE, again;
		struct bytes_writer w = bytes_writer(room, sizeof(room));

		info.picture_id = bits & 1 ? 127 : -1;
		info.picture_id_is_short = bits & 2 && bits & 1;
		info.tl0_pic_idx = bits & 4 ? 255 : -1;
		info.temporal = bits & 8 ? 3 : -1;
		info.key_idx = bits & 16 ? 31 : -1;
		info.is_discardable = bits & 32;
		vp8_descriptor_write(&w, &info, bits & 1);
		assert_int_equal(w.size, vp8_descriptor_size(&info));
		assert_int_equal(parse(&again, room, w.size), w.size);
		assert_int_equal(again.begins, bits & 1);
		again.begins = false;
		assert_memory_equal(&again, &info, sizeof(info));
	}
}

static void test_key_frames_tell_their_size(void **state)
{
	struct payload_info info = PAYLOAD_INFO_NONE;
	uint8_t inter = 0x31;

	(void)state;
	vp8_inspect((wlk_bytes){ key_frame, sizeof(key_frame) }, &info);
	assert_true(info.is_key && info.width == 176 && info.height == 144);
	vp8_inspect((wlk_bytes){ &inter, 1 }, &info);
	assert_false(info.is_key);
	info = PAYLOAD_INFO_NONE;
	vp8_inspect((wlk_bytes){ key_frame, 9 }, &info); /* a key frame whose size is cut off */
	assert_true(info.is_key && !info.width);
}

static void test_frames_are_cut_evenly_and_come_back(void **state)
{
	static uint8_t frame[30000];
	static struct payloads payloads;
	struct payload_info info = PAYLOAD_INFO_NONE;
	size_t sizes[] = { 1, 96, 97, 98, 1196, 1197, 2393, 30000 };

	(void)state;
	fill(frame, sizeof(frame));
	info.picture_id = 0x7fff;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_round_trip(RTP_CODEC_VP8, &info, (wlk_bytes){ frame, sizes[i] }, (wlk_bytes){ frame, sizes[i] }, 100);
		assert_round_trip(RTP_CODEC_VP8, &info, (wlk_bytes){ frame, sizes[i] }, (wlk_bytes){ frame, sizes[i] }, 1200);
	}
	/* 1196 is all that fits beside 4 bytes of descriptor; one more makes two packets of nearly the same size */
	assert_int_equal(cut(&payloads, RTP_CODEC_VP8, &info, (wlk_bytes){ frame, 1196 }, 1200, false), WLK_OK);
	assert_int_equal(payloads.count, 1);
	assert_int_equal(cut(&payloads, RTP_CODEC_VP8, &info, (wlk_bytes){ frame, 1197 }, 1200, false), WLK_OK);
	assert_int_equal(payloads.count, 2);
	assert_int_equal(payloads.size[0], 4 + 599);
	assert_int_equal(payloads.size[1], 4 + 598);
	assert_int_equal(packetizer_init(&(struct packetizer){ 0 }, RTP_CODEC_VP8, &info, (wlk_bytes){ frame, 0 }, 1200, false),
			 WLK_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors_of_rfc_7741_4_5),
		cmocka_unit_test(test_key_idx_without_tid_and_other_partitions),
		cmocka_unit_test(test_descriptors_that_are_cut_off_are_malformed),
		cmocka_unit_test(test_descriptors_are_written_as_they_are_read),
		cmocka_unit_test(test_key_frames_tell_their_size),
		cmocka_unit_test(test_frames_are_cut_evenly_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
