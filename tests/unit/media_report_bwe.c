#include "media/cc/gcc.h"
#include "media/cc/report_bwe.h"
#include "media_support.h"

enum { RTT = 50000 };

/* |seconds| reports of 100 packets each, |lost| of them, while |sent_bps| leaves (0: what is allowed). */
static void report(struct report_bwe *r, wlk_time *now, int seconds, uint32_t lost, wlk_time rtt, uint64_t sent_bps)
{
	for (int i = 0; i < seconds; i++) {
		*now += SECOND;
		report_bwe_on_rtt(r, *now, rtt);
		report_bwe_add(r, 100, lost);
		report_bwe_update(r, *now, sent_bps ? sent_bps : r->bps);
	}
}

static void test_it_grows_fast_until_a_limit_is_met_and_slowly_afterwards(void **state)
{
	struct report_bwe r;
	wlk_time now = 0;
	uint64_t before;

	(void)state;
	report_bwe_init(&r, 300000);
	report(&r, &now, 6, 0, RTT, 0);
	assert_in_range(r.bps, 1500000, 3500000);
	report(&r, &now, 1, 5, RTT, 0); /* some loss: it stays */
	before = r.bps;
	report(&r, &now, 3, 5, RTT, 0);
	assert_int_equal(r.bps, before);
	report(&r, &now, 5, 0, RTT, 0);
	assert_in_range(r.bps, before * 13 / 10, before * 16 / 10); /* 8 % a second */
}

static void test_much_loss_takes_half_of_itself_away(void **state)
{
	struct report_bwe r;
	wlk_time now = 0;

	(void)state;
	report_bwe_init(&r, 1000000);
	report(&r, &now, 1, 40, RTT, 0);
	assert_int_equal(r.bps, 800000);
	report(&r, &now, 1, 20, RTT, 0);
	assert_int_equal(r.bps, 720000);
	/* A second report of the same losses, too soon to know of what was done. */
	report_bwe_add(&r, 100, 40);
	report_bwe_update(&r, now + 100 * MS, r.bps);
	assert_int_equal(r.bps, 720000);
}

static void test_what_the_application_does_not_send_proves_nothing(void **state)
{
	struct report_bwe r;
	wlk_time now = 0;

	(void)state;
	report_bwe_init(&r, 300000);
	report(&r, &now, 60, 0, RTT, 100000);
	assert_in_range(r.bps, 300000, 300000);
	report(&r, &now, 1, 0, RTT, 4000000); /* who forwards does not ask */
	assert_true(r.bps >= 3800000);
}

static void test_few_packets_wait_for_more(void **state)
{
	struct report_bwe r;

	(void)state;
	report_bwe_init(&r, 500000);
	report_bwe_update(&r, SECOND, 500000);
	report_bwe_add(&r, 5, 4);
	report_bwe_update(&r, SECOND + 100 * MS, 500000);
	assert_int_equal(r.bps, 500000);
	report_bwe_add(&r, 45, 16);
	report_bwe_update(&r, SECOND + 600 * MS, 500000); /* 20 of 50 */
	assert_int_equal(r.bps, 400000);
	report_bwe_add(&r, 2, 2);
	report_bwe_update(&r, 5 * SECOND, 400000); /* that was long enough */
	assert_int_equal(r.bps, 200000);
}

static void test_a_longer_round_trip_means_less_but_not_for_ever(void **state)
{
	struct report_bwe r;
	wlk_time now = 0;
	uint64_t before;

	(void)state;
	report_bwe_init(&r, 1000000);
	report(&r, &now, 1, 0, RTT, 0);
	before = r.bps;
	report(&r, &now, 1, 0, RTT + REPORT_RTT_GROWN_US + 1, 0);
	assert_int_equal(r.bps, before * 85 / 100);
	report(&r, &now, 12, 0, RTT + 200 * MS, 0); /* it does not answer to that: somebody else fills the queue */
	assert_true(r.bps > before * 45 / 100);
	before = r.bps;
	report(&r, &now, 2, 0, RTT + 200 * MS, 0);
	assert_true(r.bps > before);
}

static void test_the_coordinator_keeps_limits_and_REMB_by_reports(void **state)
{
	const struct gcc_limits limits = { 100000, 400000, 2000000 };
	struct gcc g;
	wlk_time now = 0;

	(void)state;
	gcc_init(&g, 1);
	gcc_set_limits(&g, 0, &limits);
	gcc_set_by_reports(&g, 0, true);
	assert_false(gcc_is_told(&g));
	assert_int_equal(gcc_target_bps(&g), 400000);
	for (int i = 0; i < 20; i++, now += SECOND) {
		for (wlk_time at = now; at < now + SECOND; at += 10 * MS)
			gcc_on_other_sent(&g, at, (size_t)(gcc_target_bps(&g) / 800));
		gcc_on_rtt(&g, now + SECOND, RTT);
		gcc_on_report(&g, 100, 0);
		gcc_reports_end(&g, now + SECOND);
	}
	assert_true(gcc_is_told(&g));
	assert_int_equal(gcc_target_bps(&g), 2000000);
	assert_int_equal(gcc_probe_bps(&g, now), 0);
	gcc_on_remb(&g, now, 700000);
	assert_int_equal(gcc_target_bps(&g), 700000);
	gcc_on_remb(&g, now, 1);
	assert_int_equal(gcc_target_bps(&g), 100000);
	gcc_free(&g);
}

static void test_another_start_takes_the_estimate_there(void **state)
{
	struct gcc_limits limits = { 0, 800000, 0 };
	struct gcc g;

	(void)state;
	gcc_init(&g, 1);
	gcc_set_by_reports(&g, 0, true);
	gcc_on_report(&g, 100, 0);
	gcc_reports_end(&g, SECOND);
	gcc_set_limits(&g, SECOND, &limits);
	assert_int_equal(gcc_target_bps(&g), 800000);
	gcc_on_report(&g, 100, 50);
	gcc_reports_end(&g, 3 * SECOND);
	assert_int_equal(gcc_target_bps(&g), 600000);
	limits.max_bps = 5000000;
	gcc_set_limits(&g, 4 * SECOND, &limits); /* the same start: only the limits change */
	assert_int_equal(gcc_target_bps(&g), 600000);
	gcc_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_grows_fast_until_a_limit_is_met_and_slowly_afterwards),
		cmocka_unit_test(test_much_loss_takes_half_of_itself_away),
		cmocka_unit_test(test_what_the_application_does_not_send_proves_nothing),
		cmocka_unit_test(test_few_packets_wait_for_more),
		cmocka_unit_test(test_a_longer_round_trip_means_less_but_not_for_ever),
		cmocka_unit_test(test_the_coordinator_keeps_limits_and_REMB_by_reports),
		cmocka_unit_test(test_another_start_takes_the_estimate_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
