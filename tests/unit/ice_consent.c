/* consent: each timer of RFC 7675 and R7 to the microsecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ice/consent.h"

static const struct consent_limits limits = { CONSENT_EXPIRY_US, CONSENT_DISCONNECTED_US };
static struct rand_jitter jitter;

static struct consent fresh(bool active)
{
	struct consent c;

	jitter.state = 1;
	consent_start(&c, SECOND, &limits, &jitter);
	consent_set_active(&c, SECOND, active);
	return c;
}

static void test_first_check_within_the_idle_time(void **state)
{
	struct consent c = fresh(true);

	(void)state;
	/* Nothing arrives after the start: 2.5 s. */
	assert_int_equal(consent_deadline(&c, SECOND), SECOND + CONSENT_IDLE_US);
	assert_int_equal(consent_poll(&c, SECOND + CONSENT_IDLE_US - 1), CONSENT_NOTHING);
	assert_int_equal(consent_poll(&c, SECOND + CONSENT_IDLE_US), CONSENT_SEND_CHECK);
	consent_on_check_sent(&c, SECOND + CONSENT_IDLE_US);
	assert_int_equal(consent_poll(&c, SECOND + CONSENT_IDLE_US), CONSENT_NOTHING);
	assert_true(consent_deadline(&c, SECOND + CONSENT_IDLE_US) > SECOND + CONSENT_IDLE_US);
}

static void test_R7_interval_is_drawn_from_4_to_6_seconds(void **state)
{
	struct consent c = fresh(true);
	wlk_time least = WLK_TIME_NEVER;
	wlk_time most = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		consent_on_answer(&c, 10 * SECOND);
		consent_on_check_sent(&c, 10 * SECOND);
		least = time_min(least, c.next_check);
		most = MAX(most, c.next_check);
	}
	assert_in_range(least, 14 * SECOND, 14010 * MILLISECOND);
	assert_in_range(most, 15990 * MILLISECOND, 16 * SECOND);
}

static void test_backup_is_checked_every_10_to_14_seconds(void **state)
{
	struct consent c = fresh(false);

	(void)state;
	assert_in_range(consent_deadline(&c, SECOND), SECOND + 10 * SECOND, SECOND + 14 * SECOND);
	/* Becoming the path in use brings the next check forward. */
	consent_set_active(&c, 2 * SECOND, true);
	assert_in_range(c.next_check, 6 * SECOND, 8 * SECOND);
}

static void test_R7_expiry_30_seconds_after_the_last_answer(void **state)
{
	struct consent c = fresh(true);

	(void)state;
	consent_on_answer(&c, 5 * SECOND);
	consent_on_received(&c, 34 * SECOND); /* does not count */
	assert_int_not_equal(consent_poll(&c, 35 * SECOND - 1), CONSENT_EXPIRED);
	assert_int_equal(consent_poll(&c, 35 * SECOND), CONSENT_EXPIRED);
}

static void test_R7_silence_while_sending(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 2 * SECOND;

	(void)state;
	consent_on_received(&c, t);
	assert_int_equal(consent_on_sent(&c, t), t + CONSENT_QUIET_US);
	assert_int_equal(consent_on_sent(&c, t + 1), t + CONSENT_QUIET_US);
	assert_int_equal(consent_poll(&c, t + CONSENT_QUIET_US - 1), CONSENT_NOTHING);
	assert_int_equal(consent_poll(&c, t + CONSENT_QUIET_US), CONSENT_SEND_CHECK);
	assert_true(c.probing);
	t += CONSENT_QUIET_US;
	for (int i = 0; i < 10; i++) {
		consent_on_check_sent(&c, t);
		assert_int_equal(consent_deadline(&c, t), t + CONSENT_PROBE_US);
		assert_int_equal(consent_poll(&c, t + CONSENT_PROBE_US - 1), CONSENT_NOTHING);
		t += CONSENT_PROBE_US;
		assert_int_equal(consent_poll(&c, t), CONSENT_SEND_CHECK);
	}
	consent_on_answer(&c, t);
	assert_false(c.probing);
	assert_true(consent_deadline(&c, t) > t + CONSENT_PROBE_US);
}

static void test_silence_without_sending_is_no_reason(void **state)
{
	struct consent c = fresh(true);

	(void)state;
	assert_int_equal(consent_poll(&c, 3 * SECOND), CONSENT_NOTHING);
	assert_false(c.probing);
}

static void test_arrivals_put_the_silence_timer_off(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 2 * SECOND;

	(void)state;
	consent_on_sent(&c, t);
	consent_on_received(&c, t + 100 * MILLISECOND);
	consent_on_sent(&c, t + 200 * MILLISECOND);
	assert_int_equal(consent_poll(&c, t + CONSENT_QUIET_US), CONSENT_NOTHING);
	assert_false(c.probing);
	assert_int_equal(c.quiet_at, t + 600 * MILLISECOND); /* 500 ms after the last arrival */
	/* The last word was theirs: nothing to wait for. */
	consent_on_received(&c, t + 550 * MILLISECOND);
	assert_int_equal(consent_poll(&c, t + 600 * MILLISECOND), CONSENT_NOTHING);
	assert_int_equal(c.quiet_at, WLK_TIME_NEVER);
}

static void test_unanswered_check_turns_into_probing(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 3 * SECOND;

	(void)state;
	c.rtt = 400 * MILLISECOND; /* a slow path gets two round trips */
	consent_on_check_sent(&c, t);
	(void)consent_poll(&c, t + 799 * MILLISECOND);
	assert_false(c.probing);
	assert_int_equal(consent_poll(&c, t + 800 * MILLISECOND), CONSENT_SEND_CHECK);
	assert_true(c.probing);
}

static void test_disconnected_5_seconds_after_the_first_unanswered(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 3 * SECOND;

	(void)state;
	assert_false(consent_is_disconnected(&c, 100 * SECOND)); /* no check, no doubt */
	consent_on_check_sent(&c, t);
	consent_on_check_sent(&c, t + SECOND);
	assert_false(consent_is_disconnected(&c, t + 5 * SECOND - 1));
	assert_true(consent_is_disconnected(&c, t + 5 * SECOND));
	consent_on_received(&c, t + 2 * SECOND);
	assert_false(consent_is_disconnected(&c, t + 7 * SECOND - 1));
	assert_true(consent_is_disconnected(&c, t + 7 * SECOND));
	consent_on_answer(&c, t + 8 * SECOND);
	assert_false(consent_is_disconnected(&c, t + 100 * SECOND));
}

static void test_suspect_and_quiet(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 3 * SECOND;

	(void)state;
	consent_on_received(&c, t);
	assert_false(consent_is_quiet(&c, t + CONSENT_QUIET_US - 1));
	assert_true(consent_is_quiet(&c, t + CONSENT_QUIET_US));
	assert_false(consent_is_suspect(&c, t + 100 * SECOND));
	consent_on_check_sent(&c, t);
	assert_false(consent_is_suspect(&c, t + CONSENT_SUSPECT_US - 1));
	assert_true(consent_is_suspect(&c, t + CONSENT_SUSPECT_US));
	c.rtt = SECOND;
	assert_false(consent_is_suspect(&c, t + 3 * SECOND - 1));
	assert_true(consent_is_suspect(&c, t + 3 * SECOND));
}

static void test_suspect_sooner_while_probing(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 3 * SECOND;

	(void)state;
	consent_probe(&c, t);
	consent_on_check_sent(&c, t);
	consent_on_check_sent(&c, t + CONSENT_PROBE_US);
	assert_false(consent_is_suspect(&c, t + CONSENT_PROBED_US - 1));
	assert_true(consent_is_suspect(&c, t + CONSENT_PROBED_US));
	/* The moment is a deadline of its own where it falls between two probes. */
	c.rtt = 150 * MILLISECOND;
	consent_on_check_sent(&c, t + 2 * CONSENT_PROBE_US);
	assert_int_equal(consent_deadline(&c, t + 2 * CONSENT_PROBE_US), t + 450 * MILLISECOND);
	assert_true(consent_is_suspect(&c, t + 450 * MILLISECOND));
	/* Probing after an old unanswered check counts from its own beginning. */
	c = fresh(true);
	consent_on_check_sent(&c, t);
	consent_probe(&c, t + 500 * MILLISECOND);
	assert_false(consent_is_suspect(&c, t + 799 * MILLISECOND));
	assert_true(consent_is_suspect(&c, t + 800 * MILLISECOND));
}

static void test_a_cold_backup_is_not_checked_and_expires(void **state)
{
	struct consent c = fresh(false);

	(void)state;
	consent_set_cold(&c, SECOND, true);
	assert_int_equal(consent_deadline(&c, SECOND), SECOND + CONSENT_EXPIRY_US);
	assert_int_equal(consent_poll(&c, 20 * SECOND), CONSENT_NOTHING);
	consent_set_cold(&c, 20 * SECOND, false);
	assert_in_range(c.next_check, 30 * SECOND, 34 * SECOND);
	consent_set_cold(&c, 20 * SECOND, true);
	assert_int_equal(consent_poll(&c, SECOND + CONSENT_EXPIRY_US), CONSENT_EXPIRED);
}

static void test_probe_on_demand_does_not_double_a_fresh_check(void **state)
{
	struct consent c = fresh(true);
	wlk_time t = 3 * SECOND;

	(void)state;
	consent_on_check_sent(&c, t);
	consent_probe(&c, t + 100 * MILLISECOND);
	assert_int_equal(consent_poll(&c, t + 100 * MILLISECOND), CONSENT_NOTHING);
	assert_int_equal(consent_poll(&c, t + 200 * MILLISECOND), CONSENT_SEND_CHECK);
	c = fresh(true);
	consent_probe(&c, t);
	assert_int_equal(consent_poll(&c, t), CONSENT_SEND_CHECK);
	consent_on_check_sent(&c, t);
	consent_end_probe(&c);
	assert_true(consent_deadline(&c, t) > t + CONSENT_PROBE_US);
}

/* Whatever happens in whatever order: after the poll and its check the deadline lies ahead. */
static void test_deadline_is_always_ahead(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct consent c = fresh(seed & 1);
		struct rand_jitter j = { seed };
		wlk_time t = SECOND;

		for (int i = 0; i < 300; i++) {
			enum consent_due due;

			t += rand_jitter_below(&j, 400000);
			switch (rand_jitter_below(&j, 8)) {
			case 0:
				consent_on_answer(&c, t);
				break;
			case 1:
				consent_on_received(&c, t);
				break;
			case 2:
			case 3:
				(void)consent_on_sent(&c, t);
				break;
			case 4:
				consent_probe(&c, t);
				break;
			case 5:
				consent_set_active(&c, t, rand_jitter_below(&j, 2));
				break;
			default:
				break;
			}
			due = consent_poll(&c, t);
			if (due == CONSENT_EXPIRED)
				break;
			if (due == CONSENT_SEND_CHECK)
				consent_on_check_sent(&c, t);
			assert_true(consent_deadline(&c, t) > t);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_check_within_the_idle_time),
		cmocka_unit_test(test_R7_interval_is_drawn_from_4_to_6_seconds),
		cmocka_unit_test(test_backup_is_checked_every_10_to_14_seconds),
		cmocka_unit_test(test_R7_expiry_30_seconds_after_the_last_answer),
		cmocka_unit_test(test_R7_silence_while_sending),
		cmocka_unit_test(test_silence_without_sending_is_no_reason),
		cmocka_unit_test(test_arrivals_put_the_silence_timer_off),
		cmocka_unit_test(test_unanswered_check_turns_into_probing),
		cmocka_unit_test(test_disconnected_5_seconds_after_the_first_unanswered),
		cmocka_unit_test(test_suspect_and_quiet),
		cmocka_unit_test(test_suspect_sooner_while_probing),
		cmocka_unit_test(test_a_cold_backup_is_not_checked_and_expires),
		cmocka_unit_test(test_probe_on_demand_does_not_double_a_fresh_check),
		cmocka_unit_test(test_deadline_is_always_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
