#include "media/track/video_adapt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/track/video_watch.h"

static struct video_adapt_input hd(uint64_t bps)
{
	return (struct video_adapt_input){ .width = 1280, .height = 720, .fps = 30, .scale = 1, .bps = bps };
}

/* |seconds| of |in|, 30 looks a second. */
static void look(struct video_adapt *a, wlk_time *now, const struct video_adapt_input *in, double seconds)
{
	for (wlk_time end = *now + (wlk_time)(seconds * 1e6); *now < end; *now += 33333)
		video_adapt_update(a, *now, in);
}

static void test_size_follows_the_rate(void **state)
{
	struct video_adapt_input good = hd(2000000), bad = hd(250000);
	struct video_adapt a;
	wlk_time now = 1000000, lasted[4];

	(void)state;
	video_adapt_init(&a);
	look(&a, &now, &good, 1);
	assert_int_equal(a.width, 1280);
	look(&a, &now, &bad, 0.5); /* not for a moment of it */
	assert_int_equal(a.width, 1280);
	look(&a, &now, &bad, 2);
	assert_int_equal(a.width, 640);
	assert_int_equal(a.height, 360);
	assert_int_equal(a.limitation, VIDEO_LIMITED_BANDWIDTH);
	look(&a, &now, &good, 2);
	assert_int_equal(a.width, 640);
	look(&a, &now, &good, 6);
	assert_int_equal(a.width, 1280);
	assert_int_equal(a.limitation, VIDEO_LIMITED_NONE);
	video_adapt_durations(&a, now, lasted);
	assert_in_range(lasted[VIDEO_LIMITED_BANDWIDTH], 5000000, 10000000);
	assert_true(a.size_changes >= 2);
}

static void test_preferences(void **state)
{
	struct video_adapt_input in = hd(250000);
	struct video_adapt a;
	wlk_time now = 1000000;

	(void)state;
	in.preference = VIDEO_PREFER_RESOLUTION;
	video_adapt_init(&a);
	look(&a, &now, &in, 1);
	assert_int_equal(a.width, 1280);
	assert_true(a.fps > 4.9 && a.fps < 11);
	in.preference = VIDEO_PREFER_BOTH;
	video_adapt_init(&a);
	look(&a, &now, &in, 5);
	assert_int_equal(a.width, 1280);
	assert_true(a.fps == 0);
	in.preference = VIDEO_PREFER_BALANCED;
	video_adapt_init(&a);
	look(&a, &now, &in, 5);
	assert_true(a.width < 1280 && a.fps > 0 && a.fps < 30);
}

static void test_spatial_layers_are_left_out(void **state)
{
	struct video_adapt_input in = hd(2500000);
	struct video_adapt a;
	wlk_time now = 1000000;

	(void)state;
	in.spatial = 3;
	video_adapt_init(&a);
	look(&a, &now, &in, 1);
	assert_int_equal(a.left_out, 0);
	in.bps = 400000;
	look(&a, &now, &in, 2);
	assert_int_equal(a.left_out, 1);
	assert_int_equal(a.width, 1280); /* of the whole */
	assert_int_equal(a.limitation, VIDEO_LIMITED_BANDWIDTH);
	in.bps = 90000;
	look(&a, &now, &in, 2);
	assert_int_equal(a.left_out, 2);
	in.bps = 10000; /* one is left at any rate */
	look(&a, &now, &in, 5);
	assert_int_equal(a.left_out, 2);
	assert_true(a.fps == 0);
	in.bps = 2500000;
	look(&a, &now, &in, 3.5);
	assert_int_equal(a.left_out, 1);
	look(&a, &now, &in, 3.5);
	assert_int_equal(a.left_out, 0);
	assert_int_equal(a.size_changes, 4);
	in.preference = VIDEO_PREFER_RESOLUTION;
	in.bps = 250000;
	look(&a, &now, &in, 3);
	assert_int_equal(a.left_out, 0);
	assert_true(a.fps > 0 && a.fps < 30);
}

static void test_a_busy_processor_makes_it_smaller(void **state)
{
	struct video_adapt_input in = hd(2000000);
	struct video_adapt a;
	wlk_time now = 1000000;

	(void)state;
	video_adapt_init(&a);
	in.encode_us = 30000;
	look(&a, &now, &in, 3);
	assert_int_equal(a.width, 960);
	assert_int_equal(a.limitation, VIDEO_LIMITED_CPU);
	in.encode_us = 5000;
	look(&a, &now, &in, 12);
	assert_int_equal(a.width, 1280);
}

static void test_scale_and_limits_of_the_application(void **state)
{
	struct video_adapt_input in = { .width = 641, .height = 361, .fps = 30, .scale = 1, .bps = 5000000 };
	struct video_adapt a;

	(void)state;
	video_adapt_init(&a);
	video_adapt_update(&a, 1000000, &in);
	assert_int_equal(a.width, 641); /* nobody asked for another size */
	assert_int_equal(a.height, 361);
	in.scale = 2;
	in.max_fps = 12;
	video_adapt_update(&a, 1033333, &in);
	assert_int_equal(a.width, 320);
	assert_int_equal(a.height, 180);
	assert_true(a.fps == 12);
	in.scale = 1000;
	video_adapt_update(&a, 1066666, &in);
	assert_int_equal(a.width, 16);
}

/* webrtc-stats: a freeze is three times the mean of 30, and 150 ms more than it; 5 s are a pause. */
static void test_freezes_and_pauses(void **state)
{
	struct video_watch w = { 0 };
	struct video_watch_stats s;
	wlk_time now = 1000000;

	(void)state;
	for (int i = 0; i < 60; i++, now += 33333)
		video_watch_shown(&w, now);
	now += 100000; /* 133 ms: less than 150 more than the mean */
	video_watch_shown(&w, now);
	video_watch_stats(&w, now, &s);
	assert_int_equal(s.freezes, 0);
	now += 300000;
	video_watch_shown(&w, now);
	now += 6000000;
	video_watch_shown(&w, now);
	video_watch_stats(&w, now, &s);
	assert_int_equal(s.freezes, 1);
	assert_int_equal(s.freeze_us, 300000);
	assert_int_equal(s.pauses, 1);
	assert_int_equal(s.pause_us, 6000000);
	assert_int_equal(s.frames_rendered, 63);
	video_watch_stats(&w, now + 2000000, &s);
	assert_true(s.fps == 0);
}

static void test_a_picture_that_stands_still_is_told(void **state)
{
	struct video_watch w = { 0 };
	struct video_stall stall;
	wlk_time now = 1000000;

	(void)state;
	for (int i = 0; i < 31; i++, now += 33333) {
		assert_int_equal(video_watch_deadline(&w), WLK_TIME_NEVER); /* no rhythm yet */
		video_watch_shown(&w, now);
	}
	assert_int_equal(video_watch_deadline(&w), now - 33333 + 183333);
	assert_false(video_watch_poll(&w, now + 149999, &stall));
	assert_true(video_watch_poll(&w, now + 150000, &stall));
	assert_true(stall.is_stalled);
	assert_int_equal(stall.duration, 183333);
	assert_int_equal(video_watch_deadline(&w), WLK_TIME_NEVER);
	assert_false(video_watch_poll(&w, now + 200000, &stall));
	video_watch_shown(&w, now + 300000);
	assert_true(video_watch_poll(&w, now + 300000, &stall));
	assert_false(stall.is_stalled);
	assert_int_equal(stall.duration, 333333);
	/* What begins anew has no rhythm to keep. */
	video_watch_restart(&w);
	assert_int_equal(video_watch_deadline(&w), WLK_TIME_NEVER);
	assert_false(video_watch_poll(&w, now + 9000000, &stall));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_follows_the_rate),
		cmocka_unit_test(test_preferences),
		cmocka_unit_test(test_spatial_layers_are_left_out),
		cmocka_unit_test(test_a_busy_processor_makes_it_smaller),
		cmocka_unit_test(test_scale_and_limits_of_the_application),
		cmocka_unit_test(test_freezes_and_pauses),
		cmocka_unit_test(test_a_picture_that_stands_still_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
