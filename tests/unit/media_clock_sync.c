#include "media/clock_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/err.h"

#define UNIX INT64_C(1800000000000000)

static wlk_time size_of(wlk_time offset)
{
	return offset < 0 ? -offset : offset;
}

/* Both clocks run for a minute; the buffers obey at once. Answers how much later pictures are in the end. */
static wlk_time run(struct clock_sync *s, wlk_time sound_delay, wlk_time picture_delay)
{
	wlk_time sound = 0, picture = 0, begin = s->next + 1000000;

	for (wlk_time now = begin; now < begin + 60000000; now += 33333) {
		sound = sound_delay + s->audio_minimum_us;
		picture = picture_delay + s->video_minimum_us;
		clock_sync_on_audio(s, UNIX + now - sound, now);
		clock_sync_on_video(s, UNIX + now - picture, now);
		clock_sync_update(s, now);
	}
	return picture - sound;
}

static void test_the_one_ahead_waits(void **state)
{
	struct clock_sync s;

	(void)state;
	clock_sync_init(&s);
	assert_in_range(size_of(run(&s, 40000, 240000)), 0, CLOCK_SYNC_SMALL_US);
	assert_int_equal(s.video_minimum_us, 0);
	clock_sync_init(&s);
	assert_in_range(size_of(run(&s, 300000, 20000)), 0, CLOCK_SYNC_SMALL_US);
	assert_int_equal(s.audio_minimum_us, 0);
}

/* What was held back for the other's sake is taken back first, so that nothing grows. */
static void test_delays_are_taken_back(void **state)
{
	struct clock_sync s;

	(void)state;
	clock_sync_init(&s);
	run(&s, 40000, 440000);
	assert_in_range(s.audio_minimum_us, 350000, 400000);
	assert_in_range(size_of(run(&s, 40000, 40000)), 0, CLOCK_SYNC_SMALL_US);
	assert_in_range(s.audio_minimum_us, 0, CLOCK_SYNC_SMALL_US);
	assert_int_equal(s.video_minimum_us, 0);
}

/* Within what nobody sees, the one that waits is ahead: it waits no longer than it has to. */
static void test_no_more_is_held_back_than_is_seen(void **state)
{
	struct clock_sync s;

	(void)state;
	clock_sync_init(&s);
	run(&s, 240000, 40000);
	assert_in_range(s.video_minimum_us, 150000, 200000);
	assert_in_range(run(&s, 160000, 40000), -CLOCK_SYNC_LEFT_US - 2000, -CLOCK_SYNC_LEFT_US + CLOCK_SYNC_RELAX_US);
	run(&s, 55000, 40000);
	assert_int_equal(s.video_minimum_us, 0);
	assert_int_equal(s.audio_minimum_us, 0);
}

static void test_small_and_impossible_offsets_are_left_alone(void **state)
{
	struct clock_sync s;

	(void)state;
	clock_sync_init(&s);
	run(&s, 40000, 60000);
	assert_int_equal(s.audio_minimum_us, 0);
	run(&s, 40000, 30000000); /* clocks that mean different things */
	assert_int_equal(s.audio_minimum_us, 0);
}

static void test_nothing_without_both(void **state)
{
	struct clock_sync s;

	(void)state;
	clock_sync_init(&s);
	clock_sync_on_video(&s, UNIX, 1000000);
	assert_false(clock_sync_update(&s, 1000000));
	clock_sync_on_audio(&s, 0, 1000000); /* unknown */
	clock_sync_on_video(&s, UNIX, 1000000);
	assert_false(clock_sync_update(&s, 2000000));
}

/* 60 s with one of the two alone: what it waited for the other's sake is taken back, a step at a time. */
static void test_nobody_waits_for_one_that_has_ended(void **state)
{
	struct clock_sync s;
	wlk_time before, end;

	(void)state;
	clock_sync_init(&s);
	run(&s, 40000, 440000);
	before = s.audio_minimum_us;
	assert_in_range(before, 350000, 400000);
	end = s.next + 60 * SECOND;
	for (wlk_time now = s.next; now < end; now += 10000) {
		clock_sync_on_audio(&s, UNIX + now, now);
		if (clock_sync_update(&s, now))
			assert_in_range(before - s.audio_minimum_us, 1, CLOCK_SYNC_STEP_US);
		before = s.audio_minimum_us;
	}
	assert_int_equal(s.audio_minimum_us, 0);
	assert_false(clock_sync_update(&s, end + SECOND));
	run(&s, 300000, 20000);
	assert_in_range(s.video_minimum_us, 200000, 300000);
	end = s.next + 60 * SECOND;
	for (wlk_time now = s.next; now < end; now += 33333) {
		clock_sync_on_video(&s, UNIX + now, now);
		clock_sync_update(&s, now);
	}
	assert_int_equal(s.video_minimum_us, 0);
}

/* A sample of the sound before says nothing of the one that comes. */
static void test_another_sound_is_measured_anew(void **state)
{
	struct clock_sync s;
	wlk_time now;

	(void)state;
	clock_sync_init(&s);
	run(&s, 40000, 440000);
	clock_sync_forget_audio(&s);
	assert_int_equal(s.audio_minimum_us, 0);
	now = s.next;
	clock_sync_on_video(&s, UNIX + now - 440000, now);
	assert_false(clock_sync_update(&s, now));
	assert_in_range(size_of(run(&s, 40000, 240000)), 0, CLOCK_SYNC_SMALL_US);
	assert_in_range(s.audio_minimum_us, 150000, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_one_ahead_waits),
		cmocka_unit_test(test_delays_are_taken_back),
		cmocka_unit_test(test_no_more_is_held_back_than_is_seen),
		cmocka_unit_test(test_small_and_impossible_offsets_are_left_alone),
		cmocka_unit_test(test_nothing_without_both),
		cmocka_unit_test(test_nobody_waits_for_one_that_has_ended),
		cmocka_unit_test(test_another_sound_is_measured_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
