#include "media/recv/speaking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PACKET = 20000, LOUD = 30, QUIET = 70 };

/* |count| packets of 20 ms; answers the time behind them. */
static wlk_time hear(struct speaking *s, wlk_time now, int count, uint8_t level, bool voice)
{
	for (int i = 0; i < count; i++, now += PACKET)
		speaking_hear(s, now, level, voice);
	return now;
}

static void test_a_click_is_no_speech_and_a_word_is(void **state)
{
	struct speaking s = { 0 };
	wlk_time now = 0;

	(void)state;
	now = hear(&s, now, 10, QUIET, false);
	now = hear(&s, now, 3, LOUD, false);
	now = hear(&s, now, 10, QUIET, false);
	assert_false(speaking_poll(&s));
	now = hear(&s, now, 4, LOUD, false); /* 80 ms since the one before the first */
	assert_false(speaking_poll(&s));
	hear(&s, now, 1, LOUD, false);
	assert_true(speaking_poll(&s) && s.is_speaking);
	assert_int_equal(s.level, LOUD);
	assert_false(speaking_poll(&s));
}

static void test_it_ends_a_second_after_the_last_loud_sound(void **state)
{
	struct speaking s = { 0 };
	wlk_time now, last;

	(void)state;
	now = hear(&s, 0, 20, LOUD, false);
	last = now - PACKET;
	assert_true(speaking_poll(&s));
	assert_int_equal(speaking_deadline(&s), last + SPEAKING_END_US);
	now = hear(&s, now, 40, QUIET, false); /* a pause of 800 ms */
	assert_false(speaking_poll(&s));
	last = now;
	hear(&s, now, 1, LOUD, false);
	/* Packets may stay out altogether (DTX). */
	speaking_handle_timeout(&s, last + SPEAKING_END_US - 1);
	assert_false(speaking_poll(&s));
	speaking_handle_timeout(&s, last + SPEAKING_END_US);
	assert_true(speaking_poll(&s) && !s.is_speaking);
	assert_int_equal(speaking_deadline(&s), WLK_TIME_NEVER);
}

static void test_a_sender_that_marks_voice_is_believed(void **state)
{
	struct speaking s = { 0 };
	wlk_time now = 0;

	(void)state;
	now = hear(&s, now, 1, QUIET, true); /* voice too quiet to count */
	now = hear(&s, now, 50, LOUD, false); /* a hoover */
	assert_false(s.is_speaking);
	hear(&s, now, 6, LOUD, true);
	assert_true(s.is_speaking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_click_is_no_speech_and_a_word_is),
		cmocka_unit_test(test_it_ends_a_second_after_the_last_loud_sound),
		cmocka_unit_test(test_a_sender_that_marks_voice_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
