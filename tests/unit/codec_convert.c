#include "codec_support.h"

#include "media/codec/convert.h"
#include "tests/support/picture_quality.h"

static void test_nv12_and_i420_come_in_and_go_out_exactly(void **state)
{
	static const uint16_t sizes[][2] = { { 1, 1 }, { 2, 2 }, { 5, 3 }, { 64, 36 }, { 321, 241 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t w = sizes[i][0], h = sizes[i][1], cw = video_chroma_size(w), ch = video_chroma_size(h);
		size_t stride[3] = { w + 7, 2 * cw + 3, cw + 1 };
		struct video_frame *source = picture_make(w, h, 3), *back = NULL;
		uint8_t *data[3] = { malloc(stride[0] * h), malloc(stride[1] * ch), malloc(stride[2] * ch) };

		for (int format = VIDEO_I420; format <= VIDEO_NV12; format++) {
			video_frame_to_planes(source, (enum video_format)format, data, stride);
			assert_int_equal(video_frame_from_planes(&back,
								 &(struct video_planes){ (enum video_format)format, w, h,
											 { data[0], data[1], data[2] },
											 { stride[0], stride[1], stride[2] } }),
					 WLK_OK);
			for (int plane = 0; plane < 3; plane++)
				for (uint32_t y = 0; y < (plane ? ch : h); y++)
					assert_memory_equal(back->data[plane] + y * back->stride[plane],
							    source->data[plane] + y * source->stride[plane], plane ? cw : w);
			video_frame_release(back);
		}
		video_frame_release(source);
		for (int plane = 0; plane < 3; plane++)
			free(data[plane]);
	}
}

static void test_planes_that_cannot_be_are_refused(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct video_frame *out = NULL;
	struct video_planes good = { VIDEO_I420, 4, 4, { bytes, bytes, bytes }, { 4, 2, 2 } }, bad;

	(void)state;
	for (int which = 0; which < 8; which++) {
		bad = good;
		if (which == 0)
			bad.width = 0;
		if (which == 1)
			bad.height = VIDEO_SIDE_MAX + 1;
		if (which == 2)
			bad.data[2] = NULL;
		if (which == 3)
			bad.stride[0] = 3;
		if (which == 4)
			bad.stride[2] = 1;
		if (which == 5)
			bad.format = (enum video_format)7;
		if (which == 6)
			bad.format = VIDEO_NV12; /* its chroma rows are longer */
		if (which == 7)
			bad.data[0] = NULL;
		assert_int_equal(video_frame_from_planes(&out, &bad), WLK_ERR_INVALID);
	}
	assert_null(out);
	alloc_fail_after(1);
	assert_int_equal(video_frame_from_planes(&out, &good), WLK_ERR_NOMEM);
	alloc_fail_after(0);
}

static struct video_frame *flat(uint32_t w, uint32_t h, uint8_t value)
{
	struct video_frame *frame = video_frame_create(w, h);

	for (int i = 0; i < 3; i++)
		memset(frame->data[i], value, frame->stride[i] * (i ? video_chroma_size(h) : h));
	return frame;
}

static void test_a_flat_picture_stays_flat_at_any_size(void **state)
{
	static const uint16_t sizes[][2] = { { 1, 1 }, { 3, 7 }, { 32, 18 }, { 63, 35 }, { 65, 37 }, { 200, 199 } };
	static const uint8_t values[] = { 0, 1, 127, 254, 255 };

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct video_frame *frame = flat(64, 36, values[v]), *out = video_frame_scale(frame, sizes[i][0], sizes[i][1]);

			assert_non_null(out);
			for (uint32_t y = 0; y < out->height; y++)
				for (uint32_t x = 0; x < out->width; x++)
					assert_int_equal(out->data[0][y * out->stride[0] + x], values[v]);
			assert_int_equal(out->data[2][0], values[v]);
			video_frame_release(out);
			video_frame_release(frame);
		}
	}
}

static void test_halving_is_the_mean_of_four(void **state)
{
	struct video_frame *frame = picture_make(64, 48, 1), *out = video_frame_scale(frame, 32, 24);

	(void)state;
	for (uint32_t y = 0; y < 24; y++) {
		for (uint32_t x = 0; x < 32; x++) {
			const uint8_t *p = frame->data[0] + 2 * y * frame->stride[0] + 2 * x;
			int mean = (p[0] + p[1] + p[frame->stride[0]] + p[frame->stride[0] + 1] + 2) / 4;

			assert_in_range(out->data[0][y * out->stride[0] + x], mean - 1 < 0 ? 0 : mean - 1, mean + 1);
		}
	}
	video_frame_release(frame);
	video_frame_release(out);
}

static void test_fine_stripes_become_grey_and_not_coarse_stripes(void **state)
{
	struct video_frame *frame = flat(300, 300, 0), *out;

	(void)state;
	for (uint32_t y = 0; y < 300; y++)
		for (uint32_t x = 0; x < 300; x++)
			frame->data[0][y * frame->stride[0] + x] = x % 2 ? 255 : 0;
	out = video_frame_scale(frame, 100, 100);
	for (uint32_t x = 0; x < 100; x++)
		assert_in_range(out->data[0][50 * out->stride[0] + x], 84, 171); /* a third of a stripe's contrast at most */
	video_frame_release(out);
	out = video_frame_scale(frame, 30, 300);
	for (uint32_t x = 0; x < 30; x++)
		assert_in_range(out->data[0][50 * out->stride[0] + x], 127, 128);
	video_frame_release(out);
	video_frame_release(frame);
}

static void test_down_and_up_again_is_much_the_same(void **state)
{
	struct video_frame *frame = picture_make(640, 480, 5), *small = video_frame_scale(frame, 400, 300);
	struct video_frame *back = video_frame_scale(small, 640, 480), *same = video_frame_scale(frame, 640, 480);

	(void)state;
	assert_true(picture_psnr(frame, back) > 27);
	assert_ptr_equal(same, frame);
	video_frame_release(same);
	video_frame_release(frame);
	video_frame_release(small);
	video_frame_release(back);
}

static void test_scaling_without_memory_leaves_nothing_behind(void **state)
{
	struct video_frame *frame = picture_make(64, 48, 5);
	size_t before = alloc_live_blocks();
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed && n < 50; n++) {
		alloc_fail_after(n);
		struct video_frame *out = video_frame_scale(frame, 32, 99);

		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(out == NULL, failed);
		video_frame_release(out);
		assert_int_equal(alloc_live_blocks(), before);
	}
	assert_false(failed);
	assert_null(video_frame_scale(frame, 0, 5));
	assert_null(video_frame_scale(frame, 5, VIDEO_SIDE_MAX + 1));
	video_frame_release(frame);
}

static void test_turning_goes_clockwise_and_four_times_around(void **state)
{
	struct video_frame *frame = picture_make(33, 20, 2), *at = video_frame_ref(frame);

	(void)state;
	for (int i = 0; i < 4; i++) {
		at->rotation = 90;
		struct video_frame *next = video_frame_upright(at);

		assert_int_equal(next->rotation, 0);
		assert_int_equal(next->width, at->height);
		/* The left lower corner comes to the left upper one. */
		assert_int_equal(next->data[0][0], at->data[0][(at->height - 1u) * at->stride[0]]);
		video_frame_release(at);
		at = next;
	}
	assert_true(picture_psnr(frame, at) == QUALITY_PSNR_EQUAL);
	at->rotation = 180;
	struct video_frame *half = video_frame_upright(at);

	assert_int_equal(half->data[0][0], at->data[0][19 * at->stride[0] + 32]);
	at->rotation = 270;
	struct video_frame *left = video_frame_upright(at);

	assert_int_equal(left->data[0][0], at->data[0][32]);
	left->rotation = 0;
	struct video_frame *same = video_frame_upright(left);

	assert_ptr_equal(same, left);
	video_frame_release(same);
	video_frame_release(left);
	video_frame_release(half);
	video_frame_release(at);
	video_frame_release(frame);
}

static void test_crops_lie_inside(void **state)
{
	struct video_frame *frame = picture_make(40, 30, 2), *out = video_frame_crop(frame, 11, 7, 20, 10);

	(void)state;
	assert_true(out->width == 20 && out->height == 10);
	assert_int_equal(out->data[0][0], frame->data[0][6 * frame->stride[0] + 10]);
	assert_int_equal(out->data[1][0], frame->data[1][3 * frame->stride[1] + 5]);
	video_frame_release(out);
	assert_null(video_frame_crop(frame, 22, 0, 20, 10));
	assert_null(video_frame_crop(frame, 0, 22, 20, 10));
	assert_null(video_frame_crop(frame, 100, 100, 1, 1));
	video_frame_fill_black(frame);
	assert_true(frame->data[0][29 * frame->stride[0] + 39] == 16 && frame->data[2][0] == 128);
	video_frame_release(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nv12_and_i420_come_in_and_go_out_exactly),
		cmocka_unit_test(test_planes_that_cannot_be_are_refused),
		cmocka_unit_test(test_a_flat_picture_stays_flat_at_any_size),
		cmocka_unit_test(test_halving_is_the_mean_of_four),
		cmocka_unit_test(test_fine_stripes_become_grey_and_not_coarse_stripes),
		cmocka_unit_test(test_down_and_up_again_is_much_the_same),
		cmocka_unit_test(test_scaling_without_memory_leaves_nothing_behind),
		cmocka_unit_test(test_turning_goes_clockwise_and_four_times_around),
		cmocka_unit_test(test_crops_lie_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
