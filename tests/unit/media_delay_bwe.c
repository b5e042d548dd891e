/* The estimator by delay and what it stands on: trendline, waiting time, rate of arrivals. */
#include "media/cc/delay_bwe.h"
#include "media_support.h"

static void test_acknowledged_rate_is_bytes_over_their_time(void **state)
{
	struct ack_rate a;

	(void)state;
	ack_rate_init(&a);
	assert_int_equal(ack_rate_bps(&a, 250 * MS), 0);
	for (int i = 0; i <= 100; i++)
		ack_rate_add(&a, 1000000 + i * 10 * MS, 1250);
	assert_int_equal(ack_rate_bps(&a, 250 * MS), 1000000);
	assert_int_equal(ack_rate_bps(&a, 500 * MS), 1000000);
	ack_rate_add(&a, 1000000, 100000); /* too long ago */
	assert_int_equal(ack_rate_bps(&a, 500 * MS), 1000000);
	for (int i = 1; i <= 100; i++)
		ack_rate_add(&a, 2000000 + i * 5 * MS, 1250);
	assert_int_equal(ack_rate_bps(&a, 250 * MS), 2000000);
}

/* Packets sent each 10 ms, each arriving |step| later after its sending than the one before. */
static enum cc_signal signal_of(wlk_time step, int count)
{
	struct trendline t;

	trendline_init(&t);
	for (int i = 0; i < count; i++)
		trendline_add(&t, i * 10 * MS, 500 * MS + i * (10 * MS + step));
	return t.signal;
}

static void test_the_trend_of_the_delay_is_the_signal(void **state)
{
	struct trendline t;

	(void)state;
	assert_int_equal(signal_of(0, 100), CC_NORMAL);
	assert_int_equal(signal_of(2 * MS, 60), CC_OVERUSE);
	assert_int_equal(signal_of(-2 * MS, 40), CC_UNDERUSE);
	assert_int_equal(signal_of(100, 100), CC_NORMAL); /* 10 ms in a second */
	/* packets that leave together are one group: their differences are no trend */
	trendline_init(&t);
	for (int i = 0; i < 100; i++)
		for (int j = 0; j < 4; j++)
			trendline_add(&t, i * 30 * MS + j, 500 * MS + i * 30 * MS + j * 3 * MS);
	assert_int_equal(t.signal, CC_NORMAL);
	assert_int_equal(t.point_count, 98);
}

static void test_jitter_alone_is_no_overuse(void **state)
{
	struct rand_jitter random = { .state = 7 };
	struct trendline t;
	int overuse = 0;

	(void)state;
	trendline_init(&t);
	for (int i = 0; i < 5000; i++) {
		trendline_add(&t, i * 10 * MS, 500 * MS + i * 10 * MS + rand_jitter_below(&random, 4 * MS));
		overuse += t.signal == CC_OVERUSE;
	}
	assert_in_range(overuse, 0, 50);
}

static void test_waiting_is_counted_from_the_least_delay_of_large_packets(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	for (int i = 0; i < 10; i++) {
		queue_delay_add(&q, i * 10 * MS, 40 * MS + i * 10 * MS, 1200, 0, true);
		queue_delay_add(&q, i * 10 * MS + 1, 32 * MS + i * 10 * MS, 100, 0, true); /* a small one is through sooner */
	}
	assert_int_equal(q.least, 0);
	queue_delay_begin(&q);
	assert_int_equal(q.least, -1);
	/* a path of 1 Mbit/s: packets of 9.6 ms that are sent each 5 ms wait longer and longer */
	for (int i = 0; i < 12; i++)
		queue_delay_add(&q, SECOND + i * 5 * MS, SECOND + 40 * MS + i * 9600, 1200, 0, true);
	assert_int_equal(q.last, 10 * 4600);
	assert_in_range(queue_delay_busy_bps(&q), 990000, 1010000);
	assert_in_range(queue_delay_busy_sent_bps(&q), 1900000, 1940000);
}

static void test_small_packets_take_time_in_the_line_of_those_that_waited(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	queue_delay_add(&q, 0, 40 * MS, 1200, 0, true);
	for (int i = 1; i <= 5; i++)
		queue_delay_add(&q, i * 5 * MS, 40 * MS + i * 9600, 1200, 0, true);
	/* 200 bytes each 1.6 ms are 1 Mbit/s, too */
	queue_delay_begin(&q);
	for (int i = 1; i <= 30; i++)
		queue_delay_add(&q, 25 * MS + i * 800, 88 * MS + i * 1600, 200, 0, true);
	assert_int_equal(q.least, -1);
	assert_in_range(queue_delay_busy_bps(&q), 990000, 1010000);
}

static void test_what_is_lost_between_those_that_waited_was_sent(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_lost(&q, 1200); /* nothing waits yet */
	assert_true(queue_delay_busy_loss(&q) == 0);
	queue_delay_begin(&q);
	queue_delay_add(&q, 0, 40 * MS, 1200, 0, true);
	for (int i = 1; i <= 11; i++) {
		queue_delay_add(&q, i * 5 * MS, 40 * MS + i * 9600, 1200, 0, true);
		queue_delay_lost(&q, 600);
	}
	/* of eleven the first ends the time before */
	assert_true(queue_delay_busy_loss(&q) > 0.34 && queue_delay_busy_loss(&q) < 0.36);
	queue_delay_restart_busy(&q);
	assert_true(queue_delay_busy_loss(&q) == 0);
}

/* A packet that was overtaken begins the measurement anew, with its time too. */
static void test_the_rate_of_those_that_waited_is_not_of_a_time_before(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	queue_delay_add(&q, 0, 40 * MS, 1200, 0, true);
	queue_delay_add(&q, 10 * MS, 60 * MS, 1200, 0, true);
	queue_delay_add(&q, 300 * MS, 360 * MS, 1200, 0, true);
	queue_delay_add(&q, 302 * MS, 359 * MS, 1200, 0, true);
	for (int i = 1; i <= 8; i++)
		queue_delay_add(&q, 302 * MS + i * 2 * MS, 359 * MS + i * 4800, 1200, 0, true);
	assert_in_range(queue_delay_busy_bps(&q), 1990000, 2010000);
}

static void test_what_is_carried_counts_for_the_rate_and_not_for_the_size(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	queue_delay_add(&q, 0, 40 * MS, 1200, 0, true);
	/* each with as many bytes of somebody else's in front of it, at 2 Mbit/s together */
	for (int i = 1; i < 20; i++)
		queue_delay_add(&q, i * 5 * MS, 40 * MS + i * 9600, 1200, 1200, true);
	assert_int_equal(q.largest, 1200);
	assert_in_range(queue_delay_busy_bps(&q), 1990000, 2010000);
}

/* A frame of four packets over eight milliseconds each 33, which a receiver reads that wakes up |woken| after its first one. */
static void add_frame(struct queue_delay *q, int i, wlk_time woken)
{
	wlk_time sent = i * 33 * MS;

	for (int k = 0; k < 4; k++)
		queue_delay_add(q, sent + k * 2500, 40 * MS + MAX(sent + k * 2500, sent + woken) + k * 20, 1200, 0, true);
}

static void test_the_sleep_of_a_receiver_is_no_queue(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	for (int i = 0; i < 4; i++)
		add_frame(&q, i, 0);
	for (int i = 4; i < 8; i++) {
		queue_delay_begin(&q);
		add_frame(&q, i, 25 * MS);
		assert_in_range(q.least, 0, MS);
		assert_in_range(q.last, 0, MS);
	}
	/* Sound that comes in the same instant shows it, too, for a frame of one packet. */
	queue_delay_begin(&q);
	queue_delay_add(&q, 300 * MS, 365 * MS, 1200, 0, true);
	assert_int_equal(q.last, 25 * MS);
	queue_delay_add(&q, 310 * MS, 365 * MS + 10, 100, 0, true);
	assert_int_equal(q.least, 0);
	assert_int_equal(q.last, 0);
}

static void test_a_queue_behind_which_somebody_sleeps_is_one(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	/* One each two milliseconds, 60 ms late but for the first, given on in groups of five each ten. */
	for (int i = 0; i <= 50; i++) {
		if (i == 6)
			queue_delay_begin(&q);
		queue_delay_add(&q, i * 2 * MS, i ? 100 * MS + (i + 4) / 5 * 10 * MS : 40 * MS, 1200, 0, true);
	}
	assert_in_range(q.least, 58 * MS, 60 * MS);
	assert_in_range(q.last, 58 * MS, 60 * MS);
	/* Nor is it a sleep when what left at once comes at once behind a gap. */
	queue_delay_begin(&q);
	for (int i = 0; i < 4; i++)
		queue_delay_add(&q, 200 * MS + i * 400, 300 * MS + i * 400, 1200, 0, true);
	assert_int_equal(q.least, 60 * MS);
}

static void test_R22_a_clock_that_jumps_is_no_wait_of_years(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	queue_delay_begin(&q);
	queue_delay_add(&q, 0, 0, 1200, 0, true);
	queue_delay_begin(&q);
	queue_delay_add(&q, 1, INT64_C(1) << 50, 1200, 0, true);
	assert_int_equal(q.least, 60 * SECOND);
	assert_int_equal(q.last, 60 * SECOND);
}

static void test_a_clock_that_was_set_back_begins_anew(void **state)
{
	struct ack_rate a;

	(void)state;
	ack_rate_init(&a);
	for (int i = 0; i < 100; i++)
		ack_rate_add(&a, 20 * SECOND + i * 10 * MS, 1250); /* 1 Mbit/s */
	assert_in_range(ack_rate_bps(&a, 500 * MS), 980000, 1020000);
	ack_rate_add(&a, 19 * SECOND, 100000); /* a straggler, older than what is remembered */
	assert_in_range(ack_rate_bps(&a, 500 * MS), 980000, 1020000);
	for (int i = 0; i < 100; i++)
		ack_rate_add(&a, SECOND + i * 10 * MS, 2500);
	assert_in_range(ack_rate_bps(&a, 500 * MS), 1960000, 2040000);
}

static void test_the_least_delay_is_forgotten(void **state)
{
	struct queue_delay q;

	(void)state;
	queue_delay_init(&q);
	for (int i = 0; i < 3000; i++) {
		queue_delay_begin(&q);
		queue_delay_add(&q, i * 10 * MS, (i < 500 ? 20 : 60) * MS + i * 10 * MS, 1200, 0, true);
	}
	assert_int_equal(q.least, 0); /* the route is another one since 25 s */
}

/* A path of |rate| with a queue of |waiting|, over |messages| messages of 100 ms at what the estimator allows. */
struct path {
	struct delay_bwe d;
	wlk_time now, free_at, next;
	wlk_time filled; /* others see to it that a packet finds at least so much in the queue */
	uint64_t least_bps;
};

static void run(struct path *p, uint64_t rate, int messages)
{
	const struct delay_context context = { .rtt = 50 * MS };

	for (int m = 0; m < messages; m++) {
		wlk_time end = p->now + 100 * MS;

		delay_bwe_begin(&p->d);
		for (; p->next < end; p->next += (wlk_time)(1200 * 8 * 1000000ull / p->d.bps)) {
			p->free_at = MAX(p->free_at, p->next + p->filled) + (wlk_time)(1200 * 8 * 1000000ull / rate);
			delay_bwe_add(&p->d, p->next, p->free_at + 20 * MS, 1200, 0);
		}
		p->now = end;
		delay_bwe_end(&p->d, p->now + 50 * MS, &context);
		p->least_bps = MIN(p->least_bps, p->d.bps);
	}
}

static void test_the_rate_finds_the_path_and_keeps_its_queue_short(void **state)
{
	struct path p = { 0 };

	(void)state;
	delay_bwe_init(&p.d, 300000);
	run(&p, 2000000, 300);
	for (int i = 0; i < 50; i++) {
		run(&p, 2000000, 1);
		assert_in_range(p.d.bps, 1500000, 2200000);
		assert_true(p.free_at - p.now < 60 * MS);
	}
	run(&p, 500000, 30);
	assert_in_range(p.d.bps, 300000, 560000);
	run(&p, 500000, 50);
	assert_true(p.free_at - p.now < 60 * MS);
	run(&p, 2000000, 120);
	assert_in_range(p.d.bps, 1500000, 2200000);
}

static void test_a_queue_of_others_starves_nobody(void **state)
{
	struct path p = { 0 };

	(void)state;
	delay_bwe_init(&p.d, 300000);
	run(&p, 2000000, 200);
	assert_true(p.d.bps > 1400000);
	p.least_bps = UINT64_MAX;
	/* They fill it faster than we learn of it: a ramp that makes everything look slower, then a constant. */
	for (int i = 1; i <= 20; i++) {
		p.filled = i * 5 * MS;
		run(&p, 2000000, 1);
	}
	p.filled = 80 * MS;
	run(&p, 2000000, 100);
	assert_true(p.d.queue.limit > 33 * MS);
	assert_in_range(p.least_bps, 200000, UINT64_MAX - 1);
	assert_true(p.d.bps > 1000000);
	p.filled = 0; /* they go: the queue is kept short again */
	run(&p, 2000000, 150);
	for (int i = 0; i < 50; i++) {
		run(&p, 2000000, 1);
		assert_true(p.free_at - p.now < 60 * MS);
	}
}

/* |count| packets of |size| bytes, sent each |sent_each| and arriving each |came_each|, behind what came before. */
static void message(struct path *p, int count, size_t size, wlk_time sent_each, wlk_time came_each)
{
	const struct delay_context context = { .rtt = 50 * MS };

	delay_bwe_begin(&p->d);
	for (int i = 0; i < count; i++) {
		p->next += sent_each;
		p->free_at += came_each;
		delay_bwe_add(&p->d, p->next, p->free_at, size, 0);
	}
	p->now = p->free_at;
	delay_bwe_end(&p->d, p->now, &context);
}

static void test_a_message_of_small_packets_is_no_empty_queue(void **state)
{
	struct path p = { 0 };

	(void)state;
	delay_bwe_init(&p.d, 1000000);
	message(&p, 20, 1200, 9600, 9600);
	delay_bwe_on_probe(&p.d, p.now, 1000000, true); /* emptied from here on */
	p.d.decreased = p.next;
	assert_int_equal(p.d.state, DELAY_DRAINING);
	p.free_at += 40 * MS;
	message(&p, 10, 1200, 12800, 9600);
	assert_int_equal(p.d.state, DELAY_DRAINING);
	message(&p, 10, 200, 2133, 1600);
	assert_int_equal(p.d.queue.least, -1);
	assert_int_equal(p.d.state, DELAY_DRAINING);
}

/* The path becomes a fifth of what it was, and its queue drops what is above: what arrives comes as fast as if it were all. */
static void test_a_full_queue_that_drops_is_not_of_others(void **state)
{
	const struct delay_context context = { .rtt = 150 * MS };
	struct path p = { 0 };
	double loss = 0;

	(void)state;
	delay_bwe_init(&p.d, 300000);
	run(&p, 3000000, 300);
	p.d.bps = MAX(p.d.bps, 2500000u);
	for (int m = 0; m < 20; m++) {
		wlk_time end = p.now + 100 * MS;

		delay_bwe_begin(&p.d);
		for (; p.next < end; p.next += (wlk_time)(1200 * 8 * 1000000ull / p.d.bps)) {
			if (p.free_at - p.next > 100 * MS) {
				delay_bwe_lost(&p.d, p.next, 1200);
				continue;
			}
			p.free_at = MAX(p.free_at, p.next) + 16 * MS;
			delay_bwe_add(&p.d, p.next, p.free_at + 20 * MS, 1200, 0);
		}
		p.now = end;
		delay_bwe_end(&p.d, p.now + 50 * MS, &context);
		loss = MAX(loss, queue_delay_busy_loss(&p.d.queue));
	}
	assert_true(loss > 0.1); /* which nobody else told */
	assert_int_equal(p.d.queue.limit, QUEUE_LIMIT_US);
	assert_in_range(p.d.bps, 350000, 650000);
	assert_true(p.free_at - p.now < 40 * MS);
}

static void test_a_queue_of_others_that_meets_a_small_rate(void **state)
{
	struct path p = { .filled = 70 * MS };

	(void)state;
	delay_bwe_init(&p.d, 60000);
	p.d.queue.started = true; /* the way without them was seen */
	for (size_t i = 0; i < QUEUE_BASE_SLOTS; i++)
		p.d.queue.base_slots[i] = 20 * MS + 4800;
	run(&p, 2000000, 300);
	assert_true(p.d.bps > 400000);
}

static void test_a_probe_moves_the_rate(void **state)
{
	struct delay_bwe d;

	(void)state;
	delay_bwe_init(&d, 300000);
	delay_bwe_on_probe(&d, SECOND, 900000, false);
	assert_int_equal(d.bps, 900000);
	assert_int_equal(d.state, DELAY_STARTING);
	delay_bwe_on_probe(&d, SECOND, 500000, false);
	assert_int_equal(d.bps, 900000);
	delay_bwe_on_probe(&d, SECOND, 1000000, true); /* the path's own rate: its queue is emptied first */
	assert_int_equal(d.state, DELAY_DRAINING);
	assert_true(d.bps < 900000);
	assert_in_range(d.resume_bps, 900000, 1000000);
	delay_bwe_limit(&d, 2 * SECOND, 100000);
	assert_int_equal(d.bps, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledged_rate_is_bytes_over_their_time),
		cmocka_unit_test(test_the_trend_of_the_delay_is_the_signal),
		cmocka_unit_test(test_jitter_alone_is_no_overuse),
		cmocka_unit_test(test_waiting_is_counted_from_the_least_delay_of_large_packets),
		cmocka_unit_test(test_small_packets_take_time_in_the_line_of_those_that_waited),
		cmocka_unit_test(test_what_is_lost_between_those_that_waited_was_sent),
		cmocka_unit_test(test_the_rate_of_those_that_waited_is_not_of_a_time_before),
		cmocka_unit_test(test_what_is_carried_counts_for_the_rate_and_not_for_the_size),
		cmocka_unit_test(test_the_sleep_of_a_receiver_is_no_queue),
		cmocka_unit_test(test_a_queue_behind_which_somebody_sleeps_is_one),
		cmocka_unit_test(test_R22_a_clock_that_jumps_is_no_wait_of_years),
		cmocka_unit_test(test_a_clock_that_was_set_back_begins_anew),
		cmocka_unit_test(test_the_least_delay_is_forgotten),
		cmocka_unit_test(test_the_rate_finds_the_path_and_keeps_its_queue_short),
		cmocka_unit_test(test_a_queue_of_others_starves_nobody),
		cmocka_unit_test(test_a_message_of_small_packets_is_no_empty_queue),
		cmocka_unit_test(test_a_full_queue_that_drops_is_not_of_others),
		cmocka_unit_test(test_a_queue_of_others_that_meets_a_small_rate),
		cmocka_unit_test(test_a_probe_moves_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
