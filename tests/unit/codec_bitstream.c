#include "codec_support.h"

#include "media/codec/bitstream.h"

static wlk_err peek(enum codec_id codec, const void *data, size_t size, struct video_peek *out)
{
	*out = (struct video_peek){ .width = 77 };
	return video_peek(codec, data, size, out);
}

static void test_vp8_headers_of_rfc_6386_9_1(void **state)
{
	static const uint8_t key[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0xb0, 0x40, 0x90, 0xc0 }; /* 176x144, scaled up when shown */
	static const uint8_t inter[] = { 0x11, 0, 0 };
	uint8_t bad[10];
	struct video_peek p;

	(void)state;
	assert_int_equal(peek(CODEC_VP8, key, 10, &p), WLK_OK);
	assert_true(p.is_key && p.width == 176 && p.height == 144);
	assert_int_equal(peek(CODEC_VP8, inter, 3, &p), WLK_OK);
	assert_true(!p.is_key && p.width == 0);
	for (size_t size = 0; size < 10; size++)
		assert_int_equal(peek(CODEC_VP8, key, size, &p), WLK_ERR_PARSE);
	assert_int_equal(p.width, 77);
	for (size_t i = 3; i < 6; i++) {
		memcpy(bad, key, sizeof(bad));
		bad[i] ^= 1;
		assert_int_equal(peek(CODEC_VP8, bad, 10, &p), WLK_ERR_PARSE);
	}
	memcpy(bad, key, sizeof(bad));
	bad[6] = 0;
	assert_int_equal(peek(CODEC_VP8, bad, 10, &p), WLK_ERR_PARSE);
}

/* Bits from the highest on, as the bitstream specification writes them. */
struct put {
	uint8_t bytes[64];
	size_t at;
};

static void put(struct put *b, unsigned count, uint32_t value)
{
	while (count--) {
		if (value >> count & 1)
			b->bytes[b->at / 8] |= (uint8_t)(0x80 >> b->at % 8);
		b->at++;
	}
}

static size_t vp9_key(struct put *b, uint32_t width, uint32_t height)
{
	*b = (struct put){ 0 };
	put(b, 2, 2);
	put(b, 2, 0);  /* profile 0 */
	put(b, 1, 0);  /* show_existing_frame */
	put(b, 1, 0);  /* key frame */
	put(b, 2, 2);  /* shown, not error resilient */
	put(b, 24, 0x498342);
	put(b, 4, 2);  /* BT.709 */
	put(b, 16, width - 1);
	put(b, 16, height - 1);
	return (b->at + 7) / 8 + 4;
}

static void test_vp9_headers_tell_sizes_of_key_and_inter_frames(void **state)
{
	struct put b;
	struct video_peek p;
	size_t size = vp9_key(&b, 65536, 1);

	(void)state;
	assert_int_equal(peek(CODEC_VP9, b.bytes, size, &p), WLK_OK);
	assert_true(p.is_key && p.width == 65536 && p.height == 1);
	for (size_t cut = 0; cut < 9; cut++)
		assert_int_equal(peek(CODEC_VP9, b.bytes, cut, &p), WLK_ERR_PARSE);
	b.bytes[1] ^= 1; /* the sync code */
	assert_int_equal(peek(CODEC_VP9, b.bytes, size, &p), WLK_ERR_PARSE);

	/* An inter frame that takes no size from its references. */
	b = (struct put){ 0 };
	put(&b, 8, 0x86); /* shown, not resilient */
	put(&b, 2, 0);
	put(&b, 20, 0);
	put(&b, 3, 0);
	put(&b, 16, 9999);
	put(&b, 16, 8888);
	assert_int_equal(peek(CODEC_VP9, b.bytes, 16, &p), WLK_OK);
	assert_true(!p.is_key && p.width == 10000 && p.height == 8889);

	/* One that takes it from the second. */
	b = (struct put){ 0 };
	put(&b, 8, 0x87);
	put(&b, 20, 0);
	put(&b, 2, 1);
	assert_int_equal(peek(CODEC_VP9, b.bytes, 8, &p), WLK_OK);
	assert_true(!p.is_key && p.width == 0);

	/* Intra only: no key frame, but a size. */
	b = (struct put){ 0 };
	put(&b, 8, 0x84); /* not shown */
	put(&b, 3, 4);    /* intra_only, reset_frame_context 0 */
	put(&b, 24, 0x498342);
	put(&b, 8, 1);
	put(&b, 16, 319);
	put(&b, 16, 239);
	assert_int_equal(peek(CODEC_VP9, b.bytes, 16, &p), WLK_OK);
	assert_true(!p.is_key && p.width == 320 && p.height == 240);

	assert_int_equal(peek(CODEC_VP9, (const uint8_t[]){ 0x88 }, 1, &p), WLK_OK); /* shows an existing frame */
	assert_true(!p.is_key && p.width == 0);
	assert_int_equal(peek(CODEC_VP9, (const uint8_t[]){ 0x48, 0 }, 2, &p), WLK_ERR_PARSE); /* no frame marker */
	/* sRGB has no 4:2:0. */
	vp9_key(&b, 16, 16);
	b.bytes[4] |= 0xe0;
	assert_int_equal(peek(CODEC_VP9, b.bytes, size, &p), WLK_ERR_PARSE);
}

static void test_vp9_superframes_are_split_and_their_largest_frame_counts(void **state)
{
	struct put small, large;
	size_t small_size = vp9_key(&small, 16, 16), large_size = vp9_key(&large, 4000, 3000), size;
	uint8_t data[80];
	struct vp9_superframe s;
	struct video_peek p;

	(void)state;
	memcpy(data, small.bytes, small_size);
	memcpy(data + small_size, large.bytes, large_size);
	size = small_size + large_size;
	const uint8_t index[] = { 0xc9, (uint8_t)small_size, 0, (uint8_t)large_size, 0, 0xc9 };

	memcpy(data + size, index, sizeof(index));
	size += sizeof(index);
	assert_int_equal(vp9_superframe_parse(&s, data, size), WLK_OK);
	assert_true(s.count == 2 && s.frames[1].data == data + small_size && s.frames[1].size == large_size);
	assert_int_equal(peek(CODEC_VP9, data, size, &p), WLK_OK);
	assert_true(p.is_key && p.width == 4000);
	/* An index that says more than there is. */
	data[size - 3] = 0xff;
	assert_int_equal(vp9_superframe_parse(&s, data, size), WLK_ERR_PARSE);
	/* No marker in front of it: a frame by itself. */
	data[size - 6] = 0;
	assert_int_equal(vp9_superframe_parse(&s, data, size), WLK_OK);
	assert_true(s.count == 1 && s.frames[0].size == size);
	/* Nothing but empty frames. */
	assert_int_equal(vp9_superframe_parse(&s, (const uint8_t[]){ 0xc0, 0, 0xc0 }, 3), WLK_ERR_PARSE);
	assert_int_equal(vp9_superframe_parse(&s, data, 0), WLK_ERR_PARSE);
}

static void test_h264_parameter_sets_tell_the_size(void **state)
{
	/* Baseline, 4x4 macroblocks. */
	static const uint8_t baseline[] = { 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xf4, 0x21, 0x32, 0, 0, 0, 1, 0x65, 0x88, 0x84 };
	/* High profile with 120x68 macroblocks, as x264 writes it for 1920x1080. */
	static const uint8_t high[] = { 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4 };
	struct video_peek p;

	(void)state;
	assert_int_equal(peek(CODEC_H264, baseline, sizeof(baseline), &p), WLK_OK);
	assert_true(p.is_key && p.width == 64 && p.height == 64);
	assert_int_equal(peek(CODEC_H264, high, sizeof(high), &p), WLK_OK);
	assert_true(!p.is_key && p.width == 1920 && p.height == 1088);
	for (size_t size = 4; size < 10; size++)
		assert_int_equal(peek(CODEC_H264, baseline, size, &p), WLK_ERR_PARSE);
	assert_int_equal(peek(CODEC_H264, (const uint8_t[]){ 0, 0, 1, 0x41, 0x9a }, 5, &p), WLK_OK);
	assert_true(!p.is_key && !p.width);
	assert_int_equal(peek(CODEC_H264, (const uint8_t[]){ 1, 2, 3, 4, 5 }, 5, &p), WLK_ERR_PARSE);
	/* Endless zeros where a number should be, and a number of frames in a cycle that never ends. */
	static const uint8_t zeros[] = { 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0x04, 0x08, 0x04, 0x08, 0x04 };

	assert_int_equal(peek(CODEC_H264, zeros, sizeof(zeros), &p), WLK_ERR_PARSE);
	assert_int_equal(peek(CODEC_AV1, baseline, sizeof(baseline), &p), WLK_ERR_UNSUPPORTED);
}

static void test_R24_of_several_h264_parameter_sets_the_largest_counts(void **state)
{
	static const uint8_t small_then_large[] = { 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xf4, 0x21, 0x32, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28,
						    0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 1, 0x65, 0x88, 0x84 };
	static const uint8_t large_then_small[] = { 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0,
						    0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xf4, 0x21, 0x32, 0, 0, 0, 1, 0x65, 0x88, 0x84 };
	struct video_peek p;

	(void)state;
	assert_int_equal(peek(CODEC_H264, small_then_large, sizeof(small_then_large), &p), WLK_OK);
	assert_true(p.is_key && p.width == 1920 && p.height == 1088);
	assert_int_equal(peek(CODEC_H264, large_then_small, sizeof(large_then_small), &p), WLK_OK);
	assert_true(p.is_key && p.width == 1920 && p.height == 1088);
}

static void test_anything_is_looked_at_without_harm(void **state)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9, CODEC_H264 };
	uint32_t r = 5;

	(void)state;
	for (int n = 0; n < 30000; n++) {
		uint8_t *data = malloc(40);
		size_t size = 1 + (r >> 8) % 39;
		struct video_peek p = { 0 };

		for (size_t i = 0; i < size; i++) {
			r = r * 1664525u + 1013904223u;
			data[i] = (uint8_t)(r >> (n % 3 ? 24 : 29));
		}
		uint8_t *exact = malloc(size);

		memcpy(exact, data, size);
		if (!video_peek(codecs[n % 3], exact, size, &p))
			assert_true((p.width == 0) == (p.height == 0));
		free(exact);
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vp8_headers_of_rfc_6386_9_1),
		cmocka_unit_test(test_vp9_headers_tell_sizes_of_key_and_inter_frames),
		cmocka_unit_test(test_vp9_superframes_are_split_and_their_largest_frame_counts),
		cmocka_unit_test(test_h264_parameter_sets_tell_the_size),
		cmocka_unit_test(test_R24_of_several_h264_parameter_sets_the_largest_counts),
		cmocka_unit_test(test_anything_is_looked_at_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
