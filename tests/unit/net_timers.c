#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "net/timers.h"

static struct timers timers;
static char fired[64];
static wlk_timer *handles[8];

static int setup(void **state)
{
	(void)state;
	timers_init(&timers);
	memset(fired, 0, sizeof(fired));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	timers_free(&timers);
	return alloc_live_blocks() != 0;
}

static void note(void *user)
{
	fired[strlen(fired)] = *(const char *)user;
}

static void add(wlk_time when, const char *letter)
{
	assert_int_equal(timers_add(&timers, when, note, (void *)(uintptr_t)letter, NULL), WLK_OK);
}

static void test_fires_in_order_of_time(void **state)
{
	(void)state;
	assert_true(timers_deadline(&timers) == WLK_TIME_NEVER);
	add(30, "c");
	add(10, "a");
	add(20, "b");
	assert_true(timers_deadline(&timers) == 10);
	timers_run(&timers, 9);
	assert_string_equal(fired, "");
	timers_run(&timers, 20);
	assert_string_equal(fired, "ab");
	assert_true(timers_deadline(&timers) == 30);
	timers_run(&timers, 1000);
	assert_string_equal(fired, "abc");
	assert_true(timers_deadline(&timers) == WLK_TIME_NEVER);
}

static void test_cancel(void **state)
{
	wlk_timer *timer;

	(void)state;
	wlk_timer_cancel(NULL);
	assert_int_equal(timers_add(&timers, 5, note, "x", &timer), WLK_OK);
	add(6, "a");
	wlk_timer_cancel(timer);
	timers_run(&timers, 10);
	assert_string_equal(fired, "a");
}

static void cancel_all(void *user)
{
	note(user);
	for (size_t i = 0; i < 8; i++)
		wlk_timer_cancel(handles[i]);
}

static void test_R39_a_timer_may_cancel_itself_and_all_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(timers_add(&timers, 5, cancel_all, "x", &handles[i]), WLK_OK);
	timers_run(&timers, 10);
	assert_string_equal(fired, "x");
	timers_run(&timers, 10);
	assert_string_equal(fired, "x");
}

static void again(void *user)
{
	note(user);
	assert_int_equal(timers_add(&timers, 0, again, user, NULL), WLK_OK);
}

static void test_a_timer_that_sets_itself_again_does_not_spin(void **state)
{
	(void)state;
	assert_int_equal(timers_add(&timers, 0, again, "r", NULL), WLK_OK);
	timers_run(&timers, 10);
	assert_string_equal(fired, "r");
	timers_run(&timers, 10);
	assert_string_equal(fired, "rr");
}

static void test_never_is_never_and_still_cancelled_and_freed(void **state)
{
	wlk_timer *timer;

	(void)state;
	assert_int_equal(timers_add(&timers, WLK_TIME_NEVER, note, "x", &timer), WLK_OK);
	assert_int_equal(timers_add(&timers, WLK_TIME_NEVER, note, "y", NULL), WLK_OK);
	assert_true(timers_deadline(&timers) == WLK_TIME_NEVER);
	timers_run(&timers, WLK_TIME_NEVER);
	assert_string_equal(fired, "");
	wlk_timer_cancel(timer);
}

static void test_out_of_memory(void **state)
{
	wlk_timer *timer = NULL;

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(timers_add(&timers, 5, note, "x", &timer), WLK_ERR_NOMEM);
		assert_null(timer);
	}
	alloc_fail_after(0);
	timers_run(&timers, 10);
	assert_string_equal(fired, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fires_in_order_of_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_R39_a_timer_may_cancel_itself_and_all_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_timer_that_sets_itself_again_does_not_spin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_is_never_and_still_cancelled_and_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
