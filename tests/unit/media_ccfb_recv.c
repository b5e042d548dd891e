#include "media/recv/ccfb_recv.h"
#include "media_support.h"

enum { A = 100, B = 200, SEEN_MAX = 4096 };

/* All statuses of the messages that are due at |now|; answers how many, and counts the messages. */
static size_t take(struct ccfb_recv *c, wlk_time now, struct ccfb_status *out, size_t *messages)
{
	size_t count = 0;

	while (c->deadline <= now) {
		uint8_t data[1200];
		struct bytes_writer w = bytes_writer(data, sizeof(data));
		struct rtcp_packet packet;
		struct ccfb_feedback f;
		struct rtcp_iter iter;
		struct ccfb_iter statuses;

		if (!ccfb_recv_write(c, now, 7, 9, &w))
			continue;
		assert_in_range(w.size, 1, 1000);
		iter = rtcp_iter(data, w.size);
		assert_true(rtcp_next(&iter, &packet));
		assert_int_equal(ccfb_parse(&f, &packet), WLK_OK);
		assert_int_equal(f.timestamp, 7);
		statuses = ccfb_iter(&f);
		while (count < SEEN_MAX && ccfb_next(&statuses, &out[count]))
			count++;
		++*messages;
		assert_in_range(*messages, 1, 100);
	}
	return count;
}

static void test_two_streams_with_holes(void **state)
{
	static struct ccfb_status s[SEEN_MAX];
	struct ccfb_recv c;
	size_t messages = 0;

	(void)state;
	ccfb_recv_init(&c);
	assert_int_equal(c.deadline, WLK_TIME_NEVER);
	ccfb_recv_on_packet(&c, SECOND, A, 65534);
	assert_int_equal(c.deadline, SECOND + CCFB_LAZY_US);
	ccfb_recv_on_packet(&c, SECOND + 10 * MS, B, 7);
	ccfb_recv_on_packet(&c, SECOND + 20 * MS, A, 1);
	ccfb_recv_on_packet(&c, SECOND + 30 * MS, A, 1);
	assert_int_equal(take(&c, SECOND + 100 * MS, s, &messages), 5);
	assert_int_equal(messages, 1);
	assert_true(s[0].ssrc == A && s[0].seq == 65534 && s[0].received);
	assert_in_range(s[0].before, 99000, 101000);
	assert_true(s[1].seq == 65535 && !s[1].received && s[2].seq == 0 && !s[2].received);
	assert_true(s[3].seq == 1 && s[3].received);
	assert_true(s[4].ssrc == B && s[4].seq == 7 && s[4].received);
	assert_int_equal(c.deadline, WLK_TIME_NEVER);
	/* One that was told of as lost comes: it is told of again, with all behind it. */
	ccfb_recv_on_packet(&c, SECOND + 150 * MS, A, 65535);
	assert_int_equal(take(&c, SECOND + 300 * MS, s, &messages), 3);
	assert_true(s[0].seq == 65535 && s[0].received && s[1].seq == 0 && !s[1].received && s[2].seq == 1 && s[2].received);
	ccfb_recv_free(&c);
}

static void test_a_high_rate_is_told_in_several_messages(void **state)
{
	static struct ccfb_status s[SEEN_MAX];
	struct ccfb_recv c;
	size_t messages = 0, told = 0;

	(void)state;
	ccfb_recv_init(&c);
	for (uint16_t i = 0; i < 3000; i++) {
		wlk_time now = SECOND + i * 100;

		ccfb_recv_on_packet(&c, now, A, i);
		told += take(&c, now, s, &messages);
	}
	told += take(&c, SECOND * 2, s, &messages);
	assert_int_equal(told, 3000);
	assert_in_range(messages, 6, 20);
	ccfb_recv_free(&c);
}

static void test_R19_streams_are_bounded(void **state)
{
	static struct ccfb_status s[SEEN_MAX];
	struct ccfb_recv c;
	size_t messages = 0;

	(void)state;
	ccfb_recv_init(&c);
	for (uint32_t i = 0; i < 1000; i++)
		ccfb_recv_on_packet(&c, SECOND, i, 5);
	assert_int_equal(c.stream_count, CCFB_STREAMS_MAX);
	assert_int_equal(take(&c, 2 * SECOND, s, &messages), CCFB_STREAMS_MAX);
	ccfb_recv_on_packet(&c, SECOND + CCFB_IDLE_US + 1, 999, 5); /* in the place of one that has gone silent */
	assert_int_equal(c.stream_count, CCFB_STREAMS_MAX);
	assert_int_equal(take(&c, SECOND + 2 * CCFB_IDLE_US, s, &messages), 1);
	assert_int_equal(s[0].ssrc, 999);
	/* A jump forgets what lies before it. */
	ccfb_recv_on_packet(&c, 100 * SECOND, 999, 6);
	ccfb_recv_on_packet(&c, 100 * SECOND, 999, 20000);
	assert_int_equal(take(&c, 101 * SECOND, s, &messages), 1);
	assert_int_equal(s[0].seq, 20000);
	ccfb_recv_free(&c);
}

static void test_without_memory_nothing_is_told(void **state)
{
	struct ccfb_recv c;

	(void)state;
	ccfb_recv_init(&c);
	alloc_fail_after(1);
	ccfb_recv_on_packet(&c, SECOND, A, 1);
	alloc_fail_after(0);
	assert_int_equal(c.deadline, WLK_TIME_NEVER);
	ccfb_recv_on_packet(&c, SECOND, A, 2);
	assert_int_not_equal(c.deadline, WLK_TIME_NEVER);
	ccfb_recv_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_streams_with_holes),
		cmocka_unit_test(test_a_high_rate_is_told_in_several_messages),
		cmocka_unit_test(test_R19_streams_are_bounded),
		cmocka_unit_test(test_without_memory_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
