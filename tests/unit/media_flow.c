#include "media/recv/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_the_first_packet_is_told_and_silence_of_5_s(void **state)
{
	struct flow f = { 0 };

	(void)state;
	assert_false(flow_poll(&f));
	assert_int_equal(flow_deadline(&f), WLK_TIME_NEVER);
	flow_on_packet(&f, 1000);
	assert_true(flow_poll(&f) && f.is_flowing);
	assert_false(flow_poll(&f));
	assert_int_equal(flow_deadline(&f), 1000 + FLOW_SILENCE_US);
	flow_on_packet(&f, 2000);
	flow_handle_timeout(&f, 2000 + FLOW_SILENCE_US - 1);
	assert_false(flow_poll(&f));
	flow_handle_timeout(&f, 2000 + FLOW_SILENCE_US);
	assert_int_equal(flow_deadline(&f), WLK_TIME_NEVER);
	assert_true(flow_poll(&f) && !f.is_flowing);
	flow_on_packet(&f, 9000000);
	assert_true(flow_poll(&f) && f.is_flowing);
}

static void test_what_came_and_went_between_two_looks_is_not_told(void **state)
{
	struct flow f = { 0 };

	(void)state;
	flow_on_packet(&f, 0);
	flow_end(&f);
	assert_false(flow_poll(&f));
	flow_on_packet(&f, 1);
	assert_true(flow_poll(&f));
	flow_end(&f);
	flow_on_packet(&f, 2);
	assert_false(flow_poll(&f));
	flow_end(&f);
	assert_true(flow_poll(&f) && !f.is_flowing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_packet_is_told_and_silence_of_5_s),
		cmocka_unit_test(test_what_came_and_went_between_two_looks_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
