#include "media/recv/twcc_recv.h"
#include "media_support.h"

struct report {
	struct twcc_feedback f;
	struct twcc_status status[TWCC_BUILDER_MAX];
	size_t count;
	size_t size;
};

/* The next feedback message, parsed; false when there is none. */
static bool take(struct twcc_recv *t, wlk_time now, struct report *out)
{
	static uint8_t data[1200];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	struct twcc_iter it;
	struct rtcp_fb fb;

	if (!twcc_recv_write(t, now, 9, &w))
		return false;
	out->size = w.size;
	iter = rtcp_iter(data, w.size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
	assert_int_equal(twcc_feedback_parse(&out->f, &fb), WLK_OK);
	it = twcc_iter(&out->f);
	out->count = 0;
	while (twcc_next(&it, &out->status[out->count]))
		out->count++;
	return true;
}

static void test_arrivals_and_losses_are_told(void **state)
{
	struct report r;
	struct twcc_recv t;

	(void)state;
	twcc_recv_init(&t);
	assert_int_equal(t.deadline, WLK_TIME_NEVER);
	twcc_recv_on_packet(&t, 10 * MS, 65534, 7);
	twcc_recv_on_packet(&t, 12 * MS, 65535, 7);
	twcc_recv_on_packet(&t, 20 * MS, 1, 7);
	assert_int_equal(t.deadline, 110 * MS);
	assert_false(take(&t, 110 * MS - 1, &r));
	assert_true(take(&t, 110 * MS, &r));
	assert_int_equal(r.f.sender_ssrc, 9);
	assert_int_equal(r.f.media_ssrc, 7);
	assert_int_equal(r.f.base_seq, 65534);
	assert_int_equal(r.f.feedback_count, 0);
	assert_int_equal(r.count, 4);
	assert_int_equal(r.status[0].arrival_us, 10 * MS);
	assert_int_equal(r.status[1].arrival_us, 12 * MS);
	assert_false(r.status[2].received);
	assert_int_equal(r.status[2].seq, 0);
	assert_int_equal(r.status[3].arrival_us, 20 * MS);
	assert_int_equal(t.deadline, WLK_TIME_NEVER);
	assert_false(take(&t, SECOND, &r));
	twcc_recv_free(&t);
}

static void test_next_message_begins_where_the_last_ended(void **state)
{
	struct report r;
	struct twcc_recv t;

	(void)state;
	twcc_recv_init(&t);
	twcc_recv_on_packet(&t, 0, 10, 7);
	assert_true(take(&t, 100 * MS, &r));
	twcc_recv_on_packet(&t, 110 * MS, 13, 7);
	assert_true(take(&t, 300 * MS, &r));
	assert_int_equal(r.f.base_seq, 11); /* the losses in front are part of it */
	assert_int_equal(r.count, 3);
	assert_false(r.status[0].received);
	assert_false(r.status[1].received);
	assert_true(r.status[2].received);
	assert_int_equal(r.f.feedback_count, 1);
	twcc_recv_free(&t);
}

static void test_late_packet_is_reported_again_as_received(void **state)
{
	struct report r;
	struct twcc_recv t;

	(void)state;
	twcc_recv_init(&t);
	twcc_recv_on_packet(&t, 0, 10, 7);
	twcc_recv_on_packet(&t, 1 * MS, 12, 7);
	assert_true(take(&t, 100 * MS, &r));
	twcc_recv_on_packet(&t, 105 * MS, 11, 7);
	twcc_recv_on_packet(&t, 106 * MS, 11, 7); /* a duplicate says nothing */
	assert_true(take(&t, 300 * MS, &r));
	assert_int_equal(r.f.base_seq, 11);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.status[0].arrival_us, 105 * MS);
	assert_true(llabs(r.status[1].arrival_us - 1 * MS) <= 125);
	/* after half a second it is too old to be told */
	twcc_recv_on_packet(&t, 2 * SECOND, 20, 7);
	assert_true(take(&t, 3 * SECOND, &r));
	twcc_recv_on_packet(&t, 3 * SECOND, 9, 7);
	assert_int_equal(t.deadline, WLK_TIME_NEVER);
	twcc_recv_free(&t);
}

static void test_a_busy_sender_hears_every_50_ms_a_quiet_one_every_100(void **state)
{
	struct report r;
	struct twcc_recv t;
	int messages = 0;

	(void)state;
	twcc_recv_init(&t);
	for (wlk_time now = 0; now < SECOND; now += MS) { /* 1,000 packets a second */
		twcc_recv_on_packet(&t, now, (uint16_t)(now / MS), 7);
		while (take(&t, now, &r))
			messages++;
		assert_true(t.deadline > now);
	}
	assert_in_range(messages, 19, 21);
	twcc_recv_free(&t);
	twcc_recv_init(&t);
	messages = 0;
	for (wlk_time now = 0; now < SECOND; now += MS) { /* 50 a second */
		if (now % (20 * MS) == 0)
			twcc_recv_on_packet(&t, now, (uint16_t)(now / (20 * MS)), 7);
		while (take(&t, now, &r))
			messages++;
	}
	assert_in_range(messages, 8, 10);
	twcc_recv_free(&t);
}

static void test_a_full_message_is_followed_by_another_without_a_gap(void **state)
{
	struct report r;
	struct twcc_recv t;
	uint16_t next = 100;
	int messages = 0;

	(void)state;
	twcc_recv_init(&t);
	for (uint16_t i = 0; i < 3000; i++)
		if (i % 3)
			twcc_recv_on_packet(&t, SECOND + i * 400, (uint16_t)(99 + i),
					    7); /* deltas of two bytes at times */
	while (take(&t, 10 * SECOND, &r)) {
		assert_int_equal(r.f.base_seq, next);
		assert_true(r.size <= 1000);
		next = (uint16_t)(next + r.count);
		messages++;
	}
	assert_int_equal(next, 99 + 3000);
	assert_true(messages >= 3);
	assert_true(t.deadline > 10 * SECOND);
	twcc_recv_free(&t);
}

static void test_500_packets_do_not_wait(void **state)
{
	struct report r;
	struct twcc_recv t;

	(void)state;
	twcc_recv_init(&t);
	twcc_recv_on_packet(&t, 0, 0, 7);
	assert_true(take(&t, 100 * MS, &r));
	for (uint16_t i = 1; i <= 499; i++)
		twcc_recv_on_packet(&t, 101 * MS, i, 7);
	assert_int_equal(t.deadline, 150 * MS);
	twcc_recv_on_packet(&t, 101 * MS, 500, 7);
	assert_int_equal(t.deadline, 101 * MS);
	twcc_recv_free(&t);
}

static void test_R22_memory_does_not_follow_the_claimed_numbers(void **state)
{
	struct report r;
	struct twcc_recv t;
	struct rand_jitter random = { 5 };
	size_t before = alloc_live_blocks();

	(void)state;
	twcc_recv_init(&t);
	for (wlk_time now = 0; now < 20 * SECOND; now += 10 * MS) {
		int messages = 0;

		twcc_recv_on_packet(&t, now, (uint16_t)rand_jitter_below(&random, 65536), 7);
		while (take(&t, now, &r))
			assert_true(++messages < 30);
		assert_true(t.deadline > now);
	}
	assert_int_equal(alloc_live_blocks(), before + 1);
	twcc_recv_free(&t);
	assert_int_equal(alloc_live_blocks(), before);
}

static void test_no_memory_means_no_feedback(void **state)
{
	struct twcc_recv t;

	(void)state;
	twcc_recv_init(&t);
	alloc_fail_after(1);
	twcc_recv_on_packet(&t, 0, 1, 7);
	alloc_fail_after(0);
	assert_int_equal(t.deadline, WLK_TIME_NEVER);
	twcc_recv_on_packet(&t, 0, 2, 7);
	assert_int_equal(t.deadline, 100 * MS);
	twcc_recv_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrivals_and_losses_are_told),
		cmocka_unit_test(test_next_message_begins_where_the_last_ended),
		cmocka_unit_test(test_late_packet_is_reported_again_as_received),
		cmocka_unit_test(test_a_busy_sender_hears_every_50_ms_a_quiet_one_every_100),
		cmocka_unit_test(test_a_full_message_is_followed_by_another_without_a_gap),
		cmocka_unit_test(test_500_packets_do_not_wait),
		cmocka_unit_test(test_R22_memory_does_not_follow_the_claimed_numbers),
		cmocka_unit_test(test_no_memory_means_no_feedback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
