#include "media/cc/gcc.h"
#include "media/cc/pacer.h"
#include "media/cc/receive_rate.h"
#include "media_support.h"

static void push(struct pacer *p, wlk_time now, enum pacer_class class, size_t size, void *owner)
{
	struct pacer_item item = { .buf = pktbuf_alloc(NULL, size), .owner = owner, .queued = now };

	assert_non_null(item.buf);
	item.buf->size = size;
	assert_int_equal(pacer_push(p, now, class, &item), WLK_OK);
}

static size_t pop_all(struct pacer *p, wlk_time now)
{
	struct pacer_item item;
	size_t bytes = 0;

	while (pacer_pop(p, now, &item)) {
		bytes += item.buf->size;
		pktbuf_release(item.buf);
	}
	assert_true(p->deadline > now);
	return bytes;
}

static void test_a_burst_leaves_at_once(void **state)
{
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	assert_int_equal(p.deadline, WLK_TIME_NEVER);
	for (int i = 0; i < 25; i++)
		push(&p, 0, PACER_VIDEO, 1200, NULL);
	assert_int_equal(p.deadline, 0);
	assert_int_equal(pop_all(&p, 0), 30000);
	assert_int_equal(p.deadline, WLK_TIME_NEVER);
	pacer_free(&p);
}

static void test_a_set_rate_is_kept(void **state)
{
	struct pacer p;
	size_t bytes = 0;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 4000000); /* 500 bytes a millisecond */
	for (wlk_time now = 0; now < 2 * SECOND; now += MS) {
		if (now < SECOND && now % (10 * MS) == 0)
			for (int i = 0; i < 4; i++)
				push(&p, now, PACER_VIDEO, 1200, NULL);
		if (p.deadline <= now)
			bytes += pop_all(&p, now);
	}
	assert_int_equal(bytes, 400 * 1200);
	/* what is pushed in a clump does not leave in one */
	for (int i = 0; i < 20; i++)
		push(&p, 2 * SECOND, PACER_VIDEO, 1200, NULL);
	assert_in_range(pop_all(&p, 2 * SECOND), 1200, 4800);
	assert_in_range(p.deadline, 2 * SECOND + 1, 2 * SECOND + 10 * MS);
	pacer_free(&p);
}

static void push_many(struct pacer *p, wlk_time now, int count)
{
	for (int i = 0; i < count; i++)
		push(p, now, PACER_VIDEO, 1000, NULL);
}

/* 100 Mbit/s are 12,500 bytes a millisecond, 25,000 of them a burst; what is below RTP counts in them: 1,044 for each 1,000 seen here. */
static void test_who_comes_late_loses_no_rate(void **state)
{
	size_t bytes = 0;
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 100000000);
	push_many(&p, 0, 3000);
	assert_in_range(pop_all(&p, 0), 24000, 25000);
	for (wlk_time now = 20 * MS; now <= 80 * MS; now += 20 * MS)
		bytes += pop_all(&p, now);
	assert_in_range(bytes, 945800, 969800); /* 80 ms */
	assert_in_range(pop_all(&p, 1080 * MS), 598600, 637000); /* a second: 50 ms, a group, and a burst */
	/* what was not late saves up a burst, however long nothing was there to be sent */
	while (p.deadline != WLK_TIME_NEVER)
		pop_all(&p, p.deadline);
	push_many(&p, 10 * SECOND, 100);
	assert_in_range(pop_all(&p, 10 * SECOND), 24000, 25000);
	/* and nor does the rate before */
	pop_all(&p, 10 * SECOND + 50 * MS);
	push_many(&p, 11 * SECOND, 100);
	pacer_set_rate(&p, 11 * SECOND, 8000000);
	assert_in_range(pop_all(&p, 11 * SECOND), 2000, 3000);
	pacer_free(&p);
}

static int wakes_in(struct pacer *p, wlk_time begin, wlk_time span, size_t *bytes)
{
	int wakes = 0;

	for (*bytes = 0; p->deadline < begin + span; wakes++)
		*bytes += pop_all(p, p->deadline);
	return wakes;
}

static void test_packets_that_follow_closely_leave_in_groups(void **state)
{
	struct pacer p;
	size_t bytes;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 100000000);
	push_many(&p, 0, 3000);
	pop_all(&p, 0);
	assert_in_range(wakes_in(&p, 1, 100 * MS, &bytes), 99, 101); /* of 1,197 packets */
	assert_in_range(bytes, 1178100, 1216500);
	pacer_set_probe(&p, 100 * MS, 200000000, false); /* its packets are looked at one by one */
	pop_all(&p, 100 * MS);
	assert_in_range(wakes_in(&p, 100 * MS, 10 * MS, &bytes), 200, 260);
	pacer_free(&p);
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 16000000); /* one each 500 us */
	push_many(&p, 0, 200);
	pop_all(&p, 0);
	assert_in_range(wakes_in(&p, 1, 10 * MS, &bytes), 18, 22);
	pacer_free(&p);
}

static void test_audio_owes_at_most_half_a_second(void **state)
{
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 100000);
	for (int i = 0; i < 100; i++)
		push(&p, 0, PACER_AUDIO, 1000, NULL);
	assert_int_equal(pop_all(&p, 0), 100000); /* eight seconds' worth of the rate */
	assert_in_range(-p.budget_bytes, 5000, 6250);
	push(&p, 0, PACER_VIDEO, 100, NULL);
	assert_in_range(p.deadline, 400 * MS, 501 * MS);
	assert_int_equal(pop_all(&p, p.deadline), 100);
	pacer_free(&p);
}

static void test_what_passes_by_is_paid_for(void **state)
{
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 800000); /* 100 bytes a millisecond */
	pop_all(&p, 0);
	pacer_spend(&p, 0, 1000);
	push(&p, 0, PACER_VIDEO, 500, NULL);
	assert_in_range(p.deadline, 7 * MS, 11 * MS);
	pacer_spend(&p, 0, 100000000); /* not more than half a second, either */
	assert_in_range(p.deadline, 400 * MS, 510 * MS);
	assert_int_equal(pop_all(&p, p.deadline), 500);
	pacer_free(&p);
}

static void test_audio_passes_and_retransmissions_go_before_video(void **state)
{
	static const enum pacer_class classes[] = { PACER_VIDEO, PACER_RETRANSMISSION, PACER_AUDIO };
	int owners[3];
	struct pacer_item item;
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	for (int i = 0; i < 3; i++)
		push(&p, 0, classes[i], 100, &owners[i]);
	for (int i = 2; i >= 0; i--) {
		assert_true(pacer_pop(&p, 0, &item));
		assert_ptr_equal(item.owner, &owners[i]);
		pktbuf_release(item.buf);
	}
	/* audio does not wait for budget */
	pacer_set_rate(&p, 0, 100000);
	p.budget_bytes = -100000;
	push(&p, 1, PACER_VIDEO, 100, &owners[0]);
	push(&p, 1, PACER_AUDIO, 100, &owners[2]);
	assert_true(p.deadline <= 1);
	assert_int_equal(pop_all(&p, 1), 100);
	pacer_free(&p);
}

static void test_a_queue_is_drained_soon_at_any_rate(void **state)
{
	struct pacer p;
	wlk_time now = 0;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 10000);
	for (int i = 0; i < 400; i++)
		push(&p, 0, PACER_VIDEO, 1200, NULL);
	for (; now < 3 * SECOND && p.queued_bytes > 480000 / 20; now += MS)
		if (p.deadline <= now)
			pop_all(&p, now);
	assert_true(now < 2 * SECOND); /* exponential: 95 % in three times the time of draining */
	pacer_free(&p);
}

static size_t pop_between(struct pacer *p, wlk_time from, wlk_time to)
{
	size_t bytes = 0;

	for (wlk_time now = from; now < to; now += MS)
		bytes += p->deadline <= now ? pop_all(p, now) : 0;
	return bytes;
}

static void test_a_rate_is_one_of_whole_packets(void **state)
{
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 800000);
	pacer_set_hurry(&p, 0, 800000);
	pop_all(&p, 0);
	for (int i = 0; i < 1000; i++)
		push(&p, 0, PACER_VIDEO, 156, NULL); /* 200 on the path, of which 500 leave in a second */
	assert_in_range(pop_between(&p, 0, SECOND), 495 * 156, 505 * 156);
	pacer_free(&p);
}

static void test_what_waited_for_long_leaves_no_faster_than_may_be(void **state)
{
	size_t bytes;
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 400000);
	pacer_set_hurry(&p, 0, 600000);
	for (int i = 0; i < 100; i++)
		push(&p, 0, PACER_VIDEO, 1200, NULL); /* two and a half seconds at that rate */
	pop_all(&p, 0);
	bytes = pop_between(&p, 0, SECOND);
	assert_in_range(bytes, 58 * 1200, 62 * 1200);
	pacer_set_hurry(&p, SECOND, 0);
	pop_all(&p, SECOND);
	assert_true(p.queued_bytes > 20000);
	bytes += pop_between(&p, SECOND, SECOND + 100 * MS);
	assert_in_range(bytes, 64 * 1200, 72 * 1200); /* 620 kbit/s at first: what waits is to be gone in 600 ms */
	pacer_free(&p);
}

static void test_full_and_forgotten(void **state)
{
	struct pacer_item item = { .buf = pktbuf_alloc(NULL, 1) };
	int a, b;
	struct pacer p;

	(void)state;
	assert_int_equal(pacer_init(&p), WLK_OK);
	pacer_set_rate(&p, 0, 1000);
	for (int i = 0; i < PACER_QUEUE_MAX; i++)
		push(&p, 0, i % 2 ? PACER_VIDEO : PACER_RETRANSMISSION, 10, i % 4 < 2 ? &a : &b);
	assert_true(pacer_is_full(&p));
	assert_int_equal(pacer_push(&p, 0, PACER_VIDEO, &item), WLK_ERR_AGAIN);
	pktbuf_release(item.buf);
	pacer_forget(&p, &a);
	assert_int_equal(p.queued_bytes, PACER_QUEUE_MAX / 2 * (10 + GCC_OVERHEAD));
	pacer_forget(&p, &b);
	assert_int_equal(p.queued_bytes, 0);
	assert_int_equal(p.deadline, WLK_TIME_NEVER);
	pacer_free(&p);
}

static void test_rate_meter_over_one_second(void **state)
{
	struct rate_meter m = { 0 };

	(void)state;
	assert_int_equal(rate_meter_bps(&m, 0), 0);
	for (wlk_time now = 0; now < 3 * SECOND; now += 10 * MS)
		rate_meter_add(&m, now, 1250);
	assert_in_range(rate_meter_bps(&m, 3 * SECOND), 950000, 1050000);
	assert_in_range(rate_meter_bps(&m, 3 * SECOND + SECOND / 2), 400000, 600000);
	assert_int_equal(rate_meter_bps(&m, 6 * SECOND), 0);
	/* young: over what has passed */
	m = (struct rate_meter){ 0 };
	for (wlk_time now = 0; now < 200 * MS; now += 10 * MS)
		rate_meter_add(&m, now, 1250);
	assert_in_range(rate_meter_bps(&m, 200 * MS), 900000, 1100000);
}

static void fill(struct receive_rate *r, wlk_time from, wlk_time to, size_t bytes_per_10_ms)
{
	for (wlk_time now = from; now < to; now += 10 * MS)
		receive_rate_on_packet(r, now, bytes_per_10_ms);
}

static void test_remb_estimate_rises_above_what_arrives(void **state)
{
	struct receive_rate r;

	(void)state;
	receive_rate_init(&r, 10000000);
	assert_int_equal(r.next_update, WLK_TIME_NEVER);
	assert_int_equal(r.estimate_bps, 300000);
	fill(&r, 0, SECOND, 375); /* 300 kbit/s */
	assert_int_equal(r.next_update, 200 * MS);
	assert_false(receive_rate_update(&r, SECOND, 0));
	assert_in_range(r.estimate_bps, 400000, 460000);
	/* the sender follows; each step allows half as much again */
	fill(&r, SECOND, 4 * SECOND, 1900); /* 1.5 Mbit/s */
	for (wlk_time now = 2 * SECOND; now <= 6 * SECOND; now += SECOND)
		receive_rate_update(&r, MIN(now, 4 * SECOND), 0);
	assert_in_range(r.estimate_bps, 2000000, 2400000);
	/* quiet: it stays */
	assert_false(receive_rate_update(&r, 20 * SECOND, 0));
	assert_in_range(r.estimate_bps, 2000000, 2400000);
}

static void test_remb_estimate_falls_on_loss_and_has_limits(void **state)
{
	struct receive_rate r;
	uint64_t before;

	(void)state;
	receive_rate_init(&r, 1000000);
	fill(&r, 0, 3 * SECOND, 2500); /* 2 Mbit/s */
	for (int i = 1; i < 10; i++)
		receive_rate_update(&r, 3 * SECOND, 0);
	assert_int_equal(r.estimate_bps, 1000000); /* R22: never above the configured maximum */
	before = r.estimate_bps;
	assert_false(receive_rate_update(&r, 3 * SECOND, 10)); /* 4 %: stays */
	assert_int_equal(r.estimate_bps, before);
	fill(&r, 3 * SECOND, 5 * SECOND, 1000);                /* 800 kbit/s */
	assert_true(receive_rate_update(&r, 5 * SECOND, 128)); /* 50 % lost: received x 0.75 */
	assert_in_range(r.estimate_bps, 560000, 640000);
	for (int i = 0; i < 10; i++)
		receive_rate_update(&r, 5 * SECOND, 255);
	assert_in_range(r.estimate_bps, 300000, 450000);
	assert_false(receive_rate_update(&r, 9 * SECOND, 255) && r.estimate_bps < 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_leaves_at_once),
		cmocka_unit_test(test_a_set_rate_is_kept),
		cmocka_unit_test(test_who_comes_late_loses_no_rate),
		cmocka_unit_test(test_packets_that_follow_closely_leave_in_groups),
		cmocka_unit_test(test_audio_owes_at_most_half_a_second),
		cmocka_unit_test(test_what_passes_by_is_paid_for),
		cmocka_unit_test(test_audio_passes_and_retransmissions_go_before_video),
		cmocka_unit_test(test_a_queue_is_drained_soon_at_any_rate),
		cmocka_unit_test(test_a_rate_is_one_of_whole_packets),
		cmocka_unit_test(test_what_waited_for_long_leaves_no_faster_than_may_be),
		cmocka_unit_test(test_full_and_forgotten),
		cmocka_unit_test(test_rate_meter_over_one_second),
		cmocka_unit_test(test_remb_estimate_rises_above_what_arrives),
		cmocka_unit_test(test_remb_estimate_falls_on_loss_and_has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
