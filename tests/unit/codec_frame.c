#include "codec_support.h"

#include "media/codec/frame.h"
#include <pthread.h>

static void test_planes_are_aligned_apart_and_all_writable(void **state)
{
	static const uint16_t sizes[][2] = { { 1, 1 }, { 2, 2 }, { 63, 33 }, { 64, 64 }, { 65, 31 }, { 640, 480 }, { 1921, 1081 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct video_frame *frame = video_frame_create(sizes[i][0], sizes[i][1]);

		assert_non_null(frame);
		for (int plane = 0; plane < 3; plane++) {
			uint32_t width = plane ? video_chroma_size(sizes[i][0]) : sizes[i][0];
			uint32_t height = plane ? video_chroma_size(sizes[i][1]) : sizes[i][1];

			assert_int_equal((uintptr_t)frame->data[plane] % VIDEO_PLANE_ALIGN, 0);
			assert_int_equal(frame->stride[plane] % VIDEO_PLANE_ALIGN, 0);
			assert_true(frame->stride[plane] >= width);
			memset(frame->data[plane], plane + 1, frame->stride[plane] * height);
		}
		assert_int_equal(frame->data[0][0], 1);
		assert_int_equal(frame->data[1][0], 2);
		assert_int_equal(frame->data[0][frame->stride[0] * (frame->height - 1u) + frame->width - 1u], 1);
		video_frame_release(frame);
	}
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_sizes_out_of_range_and_no_memory_are_no_frame(void **state)
{
	(void)state;
	assert_null(video_frame_create(0, 1));
	assert_null(video_frame_create(1, 0));
	assert_null(video_frame_create(VIDEO_SIDE_MAX + 1, 1));
	alloc_fail_after(1);
	assert_null(video_frame_create(16, 16));
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	video_frame_release(NULL);
}

static void test_the_last_reference_frees(void **state)
{
	struct video_frame *frame = video_frame_create(16, 16);

	(void)state;
	assert_true(video_frame_is_mine(frame));
	assert_ptr_equal(video_frame_ref(frame), frame);
	assert_false(video_frame_is_mine(frame));
	video_frame_release(frame);
	assert_true(video_frame_is_mine(frame));
	assert_int_equal(alloc_live_blocks(), 1);
	video_frame_release(frame);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void *hold_and_release(void *user)
{
	for (int i = 0; i < 10000; i++)
		video_frame_release(video_frame_ref(user));
	video_frame_release(user);
	return NULL;
}

static void test_references_are_counted_across_threads(void **state)
{
	struct video_frame *frame = video_frame_create(16, 16);
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, video_frame_ref(frame)), 0);
	video_frame_release(frame);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_tags_are_all_but_pixels(void **state)
{
	struct video_frame *a = video_frame_create(16, 16), *b = video_frame_create(8, 8);

	(void)state;
	a->rotation = 270;
	a->is_screen = true;
	a->captured = 5;
	a->capture_unix_us = 6;
	a->rtp_timestamp = 7;
	video_frame_copy_tags(b, a);
	assert_true(b->rotation == 270 && b->is_screen && b->captured == 5 && b->capture_unix_us == 6 && b->rtp_timestamp == 7);
	assert_true(b->width == 8 && video_frame_is_mine(b));
	video_frame_release(a);
	video_frame_release(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planes_are_aligned_apart_and_all_writable),
		cmocka_unit_test(test_sizes_out_of_range_and_no_memory_are_no_frame),
		cmocka_unit_test(test_the_last_reference_frees),
		cmocka_unit_test(test_references_are_counted_across_threads),
		cmocka_unit_test(test_tags_are_all_but_pixels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
