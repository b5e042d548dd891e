/* The coordinator, with probes, losses and shares. */
#include "media/cc/allocate.h"
#include "media/cc/gcc.h"
#include "media_support.h"

static void test_a_cluster_measures_what_arrives(void **state)
{
	struct probe_control p;
	struct probe_result r;
	struct probe_cluster *c;
	bool done = false;

	(void)state;
	probe_init(&p);
	assert_null(probe_current(&p, 0));
	probe_ask(&p, 0, 3000000);
	for (int i = 0; (c = probe_current(&p, i)); i++) {
		assert_true(i < 10);
		probe_on_sent(&p, c, i * 3200, 1200); /* 3 Mbit/s */
	}
	assert_false(probe_is_waiting(&p));
	assert_true(probe_is_in_flight(&p, 20 * MS));
	for (int i = 0; i < 5; i++) {
		struct cc_packet packet = { .sent = i * 3200, .arrival = SECOND + i * 9600, .size = 1200, .cluster = 1, .received = true };

		done = probe_on_received(&p, &packet, &r) || done;
	}
	assert_true(done);
	assert_int_equal(r.asked_bps, 3000000);
	assert_int_equal(r.sent_bps, 3000000);
	assert_int_equal(r.received_bps, 1000000);
	assert_false(probe_is_pending(&p));
}

/* The path carries what is sent, but each packet takes up to |jitter| longer: how many of 200 measurements find a tenth less. */
static unsigned too_slow_with_jitter(wlk_time jitter)
{
	uint32_t random = 1;
	unsigned too_slow = 0;

	for (int round = 0; round < 200; round++) {
		struct probe_control p;
		struct probe_result r = { .sent_bps = 0 };
		struct probe_cluster *c;
		int count = 0;

		probe_init(&p);
		probe_ask(&p, 0, 4000000);
		for (; (c = probe_current(&p, count * 2400)); count++)
			probe_on_sent(&p, c, count * 2400, 1200);
		for (int i = 0; i < count; i++) {
			wlk_time late = (wlk_time)(random >> 8) % jitter;
			struct cc_packet packet = { .sent = i * 2400, .arrival = i * 2400 + late, .size = 1200, .cluster = 1, .received = true };

			random = random * 1664525 + 1013904223;
			(void)probe_on_received(&p, &packet, &r);
		}
		too_slow += r.received_bps < r.sent_bps / 10 * 9;
	}
	return too_slow;
}

/* By the first and the last arrival alone it would be 115 and 53. */
static void test_jitter_makes_a_path_seldom_slower(void **state)
{
	(void)state;
	assert_in_range(too_slow_with_jitter(10 * MS), 0, 80);
	assert_in_range(too_slow_with_jitter(5 * MS), 0, 40);
}

static void test_a_cluster_without_packets_is_given_up(void **state)
{
	struct probe_control p;

	(void)state;
	probe_init(&p);
	for (int i = 0; i < 10; i++)
		probe_ask(&p, 0, 1000000);
	assert_non_null(probe_current(&p, 0));
	assert_null(probe_current(&p, PROBE_START_MAX_US + 1));
	assert_false(probe_is_pending(&p));
}

/* |loss| of 100 at each of the rates in turn; what is above |path| is lost, too. */
static uint64_t loss_limit(uint32_t loss, uint64_t path, int seconds)
{
	static const uint64_t rates[] = { 1000000, 800000, 1200000, 900000, 600000 };
	struct rand_jitter random = { .state = 3 };
	struct loss_bwe l;
	wlk_time now = 0;

	loss_bwe_init(&l);
	for (int i = 0; i < seconds * 4; i++) {
		uint64_t rate = rates[i % 5];
		uint64_t over = rate > path ? (rate - path) * 1000 / rate : 0;

		for (wlk_time end = now + 250 * MS; now < end; now += (wlk_time)(9600ull * 1000000 / rate)) {
			bool lost = rand_jitter_below(&random, 100) < loss || rand_jitter_below(&random, 1000) < over;

			loss_bwe_add(&l, now, 1200, lost);
		}
		loss_bwe_update(&l, 1000000);
	}
	return l.limit_bps;
}

static void test_losses_that_come_with_the_rate_limit_it(void **state)
{
	(void)state;
	assert_int_equal(loss_limit(0, UINT64_MAX, 8), 0);
	assert_int_equal(loss_limit(5, UINT64_MAX, 8), 0);
	assert_int_equal(loss_limit(10, UINT64_MAX, 8), 0);
	assert_int_equal(loss_limit(30, UINT64_MAX, 8), 0);
	assert_in_range(loss_limit(0, 700000, 8), 500000, 850000);
}

static void test_shares_follow_needs_and_priority(void **state)
{
	struct allocate_layer audio = { 20000, 60000, false, 0 }, low[3], high = { 50000, UINT64_MAX, false, 0 };
	struct allocate_stream streams[] = { { &audio, 1, 2, true, 0 }, { low, 3, 1, false, 0 }, { &high, 1, 3, false, 0 } };
	const struct allocate_layer layers[] = { { 50000, 200000, false, 0 }, { 150000, 700000, false, 0 }, { 600000, 2500000, false, 0 } };

	(void)state;
	memcpy(low, layers, sizeof(low));
	allocate_rates(streams, 3, 10000); /* audio is sent whatever there is */
	assert_int_equal(audio.bps, 20000);
	assert_int_equal(low[0].bps + low[1].bps + high.bps, 0);
	allocate_rates(streams, 3, 120000);
	assert_int_equal(audio.bps, 20000);
	assert_int_equal(low[0].bps, 50000);
	assert_int_equal(high.bps, 50000);
	allocate_rates(streams, 2, 260000);
	assert_int_equal(audio.bps, 60000);
	assert_int_equal(low[0].bps, 200000);
	assert_int_equal(low[1].bps, 0);
	allocate_rates(streams, 2, 60000 + 200000 + 170000); /* not yet: it must be more than it needs */
	assert_int_equal(low[1].bps, 0);
	allocate_rates(streams, 2, 60000 + 200000 + 190000);
	assert_int_equal(low[1].bps, 190000);
	low[1].is_on = true;
	allocate_rates(streams, 2, 60000 + 200000 + 155000); /* it keeps what it has */
	assert_int_equal(low[1].bps, 155000);
	allocate_rates(streams, 3, 10000000); /* one to three; what the layers cannot use is the other's */
	assert_in_range(low[0].bps + low[1].bps + low[2].bps, 2400000, 2600000);
	assert_in_range(high.bps, 7300000, 7600000);
}

/* Send at the target over a path of |rate| for |seconds|. */
struct path {
	struct gcc g;
	wlk_time now, free_at, send_at;
	unsigned lose_every, sent; /* 0: none */
	bool silent;
};

static void run(struct path *p, uint64_t rate, int steps)
{
	struct {
		uint16_t seq;
		bool lost;
		wlk_time arrival;
	} flying[2048];

	for (int step = 0; step < steps; step++) {
		wlk_time end = p->now + 50 * MS;
		size_t count = 0;

		while (p->send_at < end && count < ARRAY_SIZE(flying)) {
			uint64_t probe = gcc_probe_bps(&p->g, p->send_at);

			p->free_at = MAX(p->free_at, p->send_at) + (wlk_time)(1200 * 8 * 1000000ull / rate);
			p->sent++;
			flying[count].seq = sent_history_next(&p->g.sent);
			flying[count].lost = p->lose_every && p->sent % p->lose_every == 0;
			flying[count++].arrival = p->free_at + 20 * MS;
			gcc_on_sent(&p->g, p->send_at, 1200);
			p->send_at += (wlk_time)(1200 * 8 * 1000000ull / MAX(probe, gcc_target_bps(&p->g)));
		}
		p->now = end + 40 * MS;
		if (!p->silent) {
			gcc_feedback_begin(&p->g, p->now);
			for (size_t i = 0; i < count; i++)
				gcc_feedback_status(&p->g, p->now, flying[i].seq, !flying[i].lost, flying[i].arrival);
			gcc_feedback_end(&p->g, p->now);
		}
		gcc_handle_timeout(&p->g, p->now);
		assert_true(gcc_deadline(&p->g) > p->now);
		p->now = end;
	}
}

static void begin_at_two_mbit(struct path *p)
{
	gcc_init(&p->g, 1);
	gcc_set_wanted(&p->g, 5000000, true);
	run(p, 2000000, 200);
}

static void test_probes_find_the_path_at_the_start(void **state)
{
	struct path p = { 0 };

	(void)state;
	gcc_init(&p.g, 65000);
	gcc_set_wanted(&p.g, 5000000, true);
	run(&p, 3000000, 20);
	assert_in_range(gcc_target_bps(&p.g), 1800000, 3200000);
	assert_true(gcc_pacing_bps(&p.g) >= gcc_target_bps(&p.g));
	gcc_free(&p.g);
}

/* The clusters of the start leave; the first one arrives at |bps|, of the second one nothing is known yet. */
static void probe_at_start(struct gcc *g, uint64_t bps)
{
	const struct gcc_limits limits = { 0, 1000000, 0 };
	wlk_time now = SECOND, arrival = 0;
	uint64_t rate = 3000000;
	uint16_t first;
	int count = 0;

	gcc_init(g, 1);
	gcc_set_limits(g, 0, &limits);
	gcc_set_wanted(g, 10000000, true);
	first = sent_history_next(&g->sent);
	do {
		count += rate == 3000000;
		gcc_on_sent(g, now, 1200);
		now += (wlk_time)(9600 * 1000000ull / rate);
		rate = gcc_probe_bps(g, now);
	} while (rate);
	assert_in_range(count, PROBE_PACKETS_MIN, 20);
	gcc_feedback_begin(g, now + 100 * MS);
	for (int i = 0; i < count; i++, arrival += (wlk_time)(9600 * 1000000ull / bps))
		gcc_feedback_status(g, now + 100 * MS, (uint16_t)(first + i), true, arrival);
	gcc_feedback_end(g, now + 100 * MS);
}

static void test_a_stall_is_no_narrow_path(void **state)
{
	struct gcc g;

	(void)state;
	probe_at_start(&g, 400000); /* less than half of what got through before */
	assert_int_equal(g.delay.state, DELAY_STARTING);
	assert_int_equal(gcc_target_bps(&g), 1000000);
	gcc_free(&g);
	probe_at_start(&g, 800000);
	assert_int_equal(g.delay.state, DELAY_DRAINING);
	assert_in_range(gcc_target_bps(&g), 500000, 800000);
	gcc_free(&g);
}

/* Who sends less than is allowed need not spread a frame over the time to the next one, but where a queue shows. */
static void test_who_has_enough_is_paced_faster(void **state)
{
	struct gcc g;

	(void)state;
	gcc_init(&g, 1);
	g.has_feedback = true;
	g.delay.state = DELAY_INCREASING;
	g.delay.bps = 1000000;
	gcc_on_remb(&g, SECOND, 0);
	assert_int_equal(gcc_pacing_bps(&g), 1030000);
	g.app_limited = true;
	gcc_on_remb(&g, SECOND, 0);
	assert_int_equal(gcc_pacing_bps(&g), 2000000);
	g.delay.queue.least = QUEUE_LIMIT_US / 2;
	gcc_on_remb(&g, SECOND, 0);
	assert_int_equal(gcc_pacing_bps(&g), 1000000);
	gcc_free(&g);
}

static void test_limits_and_remb_hold(void **state)
{
	struct gcc_limits limits = { 200000, 500000, 800000 };
	struct path p = { 0 };

	(void)state;
	gcc_init(&p.g, 1);
	gcc_set_limits(&p.g, 0, &limits);
	assert_int_equal(gcc_target_bps(&p.g), 500000);
	run(&p, 3000000, 100);
	assert_int_equal(gcc_target_bps(&p.g), 800000);
	gcc_on_remb(&p.g, p.now, 400000);
	assert_int_equal(gcc_target_bps(&p.g), 400000);
	gcc_on_remb(&p.g, p.now, 1); /* R22: neither below the least nor above the most */
	assert_int_equal(gcc_target_bps(&p.g), 200000);
	gcc_on_remb(&p.g, p.now, UINT64_MAX);
	assert_int_equal(gcc_target_bps(&p.g), 800000);
	gcc_free(&p.g);
}

static void test_missing_feedback_takes_the_rate_down_and_its_return_up(void **state)
{
	struct path p = { 0 };
	uint64_t before;

	(void)state;
	begin_at_two_mbit(&p);
	before = gcc_target_bps(&p.g);
	p.silent = true;
	run(&p, 2000000, 60);
	assert_true(gcc_target_bps(&p.g) < before / 3);
	run(&p, 2000000, 600);
	assert_int_equal(gcc_target_bps(&p.g), GCC_MIN_BPS);
	p.silent = false;
	run(&p, 2000000, 100);
	assert_true(gcc_target_bps(&p.g) > 1200000);
	gcc_free(&p.g);
}

/* A path that filled up and then died: what it carried while it was full is not taken for what the next one carries. */
static void test_a_silence_ends_the_emptying_of_a_queue(void **state)
{
	struct path p = { 0 };
	wlk_time heard;

	(void)state;
	begin_at_two_mbit(&p);
	for (int i = 0; i < 100 && p.g.delay.state != DELAY_DRAINING; i++)
		run(&p, 500000, 1);
	assert_int_equal(p.g.delay.state, DELAY_DRAINING);
	p.silent = true;
	run(&p, 500000, 60);
	p.silent = false;
	p.free_at = p.send_at;
	heard = p.now;
	run(&p, 500000, 1);
	assert_int_equal(p.g.delay.state, DELAY_INCREASING);
	assert_true(p.g.delay.increasing_since >= heard);
	assert_true(gcc_target_bps(&p.g) < 400000);
	run(&p, 500000, 200);
	assert_in_range(gcc_target_bps(&p.g), 400000, 560000);
	gcc_free(&p.g);
}

/* Nobody has to answer for what was not sent: of the last packets of a pause some may be lost. */
static void test_who_sends_nothing_keeps_the_rate(void **state)
{
	struct path p = { 0 };
	uint64_t before;

	(void)state;
	begin_at_two_mbit(&p);
	before = gcc_target_bps(&p.g);
	p.silent = true;
	run(&p, 2000000, 1);
	while (gcc_deadline(&p.g) != WLK_TIME_NEVER) {
		assert_true(gcc_deadline(&p.g) < p.now + 5 * SECOND);
		gcc_handle_timeout(&p.g, gcc_deadline(&p.g));
	}
	assert_in_range(gcc_target_bps(&p.g), before * 2 / 3, before);
	p.silent = false;
	p.now = p.send_at = p.now + 10 * SECOND;
	run(&p, 2000000, 40);
	assert_true(gcc_target_bps(&p.g) > before * 8 / 10);
	gcc_free(&p.g);
}

static void test_a_loss_of_long_ago_is_none_of_reports(void **state)
{
	struct path p = { .lose_every = 5 };

	(void)state;
	begin_at_two_mbit(&p);
	assert_true(gcc_loss(&p.g) > 0.15);
	gcc_set_by_reports(&p.g, p.now, true);
	assert_true(gcc_loss(&p.g) == 0);
	gcc_on_remb(&p.g, p.now, UINT64_MAX); /* without a limit of the application's */
	assert_in_range(gcc_target_bps(&p.g), 1, 1000000000000);
	gcc_free(&p.g);
}

/* After a time of losses and jitter little is left of the estimate, but the path is what it was. */
static void test_a_rate_that_fell_far_is_probed_for(void **state)
{
	struct gcc_limits limits = { 0 };
	struct path p = { 0 };

	(void)state;
	begin_at_two_mbit(&p);
	assert_true(gcc_target_bps(&p.g) > 1500000);
	limits.max_bps = 40000;
	gcc_set_limits(&p.g, p.now, &limits);
	run(&p, 2000000, 40);
	limits.max_bps = 0;
	gcc_set_limits(&p.g, p.now, &limits);
	run(&p, 2000000, 40);
	assert_true(gcc_target_bps(&p.g) > 1000000);
	gcc_free(&p.g);
}

/* At fifteen packets a second the losses of the bad time would be in the last observations for seconds. */
static void test_packets_in_a_row_say_that_losses_are_over(void **state)
{
	struct gcc_limits limits = { .max_bps = 150000 };
	struct path p = { 0 };

	(void)state;
	begin_at_two_mbit(&p);
	gcc_set_limits(&p.g, p.now, &limits);
	p.lose_every = 4;
	run(&p, 2000000, 30);
	limits.max_bps = 0;
	gcc_set_limits(&p.g, p.now, &limits);
	p.g.delay.decreased = p.now; /* by what came late among those that came: it holds off the probes of steady times */
	p.g.loss.limit_bps = 120000; /* as losses that come with the rate give it */
	p.lose_every = 0;
	run(&p, 2000000, 15);
	assert_true(gcc_target_bps(&p.g) < 250000);
	run(&p, 2000000, 25);
	assert_true(gcc_target_bps(&p.g) > 1000000);
	assert_int_equal(p.g.loss.limit_bps, 0);
	gcc_free(&p.g);
}

/* Whoever says that it takes little and answers at once is not sent probe after probe. */
static void test_R22_probes_stay_within_a_remb(void **state)
{
	struct path p = { 0 };
	uint16_t probes;

	(void)state;
	gcc_init(&p.g, 1);
	gcc_set_wanted(&p.g, 5000000, true);
	gcc_on_remb(&p.g, 0, 400000);
	run(&p, 10000000, 100);
	probes = p.g.probes.last_id;
	run(&p, 10000000, 200);
	assert_true(p.g.probes.last_id - probes <= 5);
	gcc_on_remb(&p.g, p.now, UINT64_MAX);
	run(&p, 10000000, 100);
	assert_true(gcc_target_bps(&p.g) > 4000000);
	gcc_free(&p.g);
}

static void test_R22_feedback_that_lies_stays_within_bounds(void **state)
{
	struct rand_jitter random = { .state = 11 };
	struct gcc_limits limits = { 50000, 300000, 10000000 };
	struct gcc g;

	(void)state;
	gcc_init(&g, 1);
	gcc_set_limits(&g, 0, &limits);
	gcc_set_wanted(&g, 20000000, true);
	for (wlk_time now = 1; now < 60 * SECOND; now += 20 * MS) {
		gcc_on_sent(&g, now, rand_jitter_below(&random, 1500));
		gcc_feedback_begin(&g, now);
		for (int i = 0; i < 20; i++)
			gcc_feedback_status(&g, now, (uint16_t)rand_jitter_below(&random, 65536), rand_jitter_below(&random, 2),
					    (int64_t)rand_jitter_below(&random, UINT32_MAX) * 1000 - (INT64_C(1) << 40));
		gcc_feedback_status(&g, now, (uint16_t)(sent_history_next(&g.sent) - 1), true,
				    (int64_t)rand_jitter_below(&random, UINT32_MAX) * 1000);
		gcc_feedback_end(&g, now);
		gcc_handle_timeout(&g, now);
		assert_in_range(gcc_target_bps(&g), 50000, 10000000);
		assert_true(gcc_deadline(&g) > now);
	}
	assert_true(g.statuses_unknown > 1000);
	gcc_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cluster_measures_what_arrives),
		cmocka_unit_test(test_jitter_makes_a_path_seldom_slower),
		cmocka_unit_test(test_a_cluster_without_packets_is_given_up),
		cmocka_unit_test(test_losses_that_come_with_the_rate_limit_it),
		cmocka_unit_test(test_shares_follow_needs_and_priority),
		cmocka_unit_test(test_probes_find_the_path_at_the_start),
		cmocka_unit_test(test_a_stall_is_no_narrow_path),
		cmocka_unit_test(test_who_has_enough_is_paced_faster),
		cmocka_unit_test(test_limits_and_remb_hold),
		cmocka_unit_test(test_missing_feedback_takes_the_rate_down_and_its_return_up),
		cmocka_unit_test(test_a_silence_ends_the_emptying_of_a_queue),
		cmocka_unit_test(test_who_sends_nothing_keeps_the_rate),
		cmocka_unit_test(test_a_loss_of_long_ago_is_none_of_reports),
		cmocka_unit_test(test_a_rate_that_fell_far_is_probed_for),
		cmocka_unit_test(test_packets_in_a_row_say_that_losses_are_over),
		cmocka_unit_test(test_R22_probes_stay_within_a_remb),
		cmocka_unit_test(test_R22_feedback_that_lies_stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
