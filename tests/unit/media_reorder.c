#include "media/recv/reorder.h"
#include "media_support.h"

enum { HOLD = 100000 };

static struct pktbuf *mark(uint8_t value)
{
	struct pktbuf *buf = pktbuf_copy(NULL, &value, 1);

	assert_non_null(buf);
	return buf;
}

static void put(struct reorder *r, int64_t seq, wlk_time now, enum reorder_verdict expected)
{
	struct pktbuf *buf = mark((uint8_t)seq);

	assert_int_equal(reorder_put(r, seq, buf, now, false), expected);
	if (expected != REORDER_HELD)
		pktbuf_release(buf);
}

static void pop(struct reorder *r, int64_t seq, bool give_up)
{
	struct reorder_out out;

	assert_true(reorder_pop(r, &out, give_up));
	assert_int_equal(out.seq, seq);
	assert_int_equal(out.buf->data[0], (uint8_t)seq);
	pktbuf_release(out.buf);
}

static void test_in_order_needs_no_memory(void **state)
{
	struct reorder_out out;
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	for (int64_t seq = 65530; seq < 65545; seq++) {
		put(&r, seq, 0, REORDER_NEXT);
		assert_false(reorder_pop(&r, &out, true));
	}
	assert_null(r.slots);
	assert_int_equal(r.deadline, WLK_TIME_NEVER);
	reorder_free(&r);
}

static void test_hole_is_filled_and_the_run_comes_out(void **state)
{
	struct reorder_out out;
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	put(&r, 10, 0, REORDER_NEXT);
	put(&r, 12, 5, REORDER_HELD);
	put(&r, 13, 6, REORDER_HELD);
	put(&r, 15, 7, REORDER_HELD);
	assert_int_equal(r.deadline, 5 + HOLD);
	assert_false(reorder_pop(&r, &out, false));
	put(&r, 12, 8, REORDER_LATE); /* duplicate of a held one */
	put(&r, 10, 8, REORDER_LATE); /* its place went by */
	put(&r, 11, 9, REORDER_NEXT);
	pop(&r, 12, false);
	pop(&r, 13, false);
	assert_false(reorder_pop(&r, &out, false));
	assert_int_equal(r.deadline, 7 + HOLD); /* the hole in front of 15 */
	pop(&r, 15, true);
	assert_int_equal(r.deadline, WLK_TIME_NEVER);
	put(&r, 14, 10, REORDER_LATE);
	put(&r, 16, 10, REORDER_NEXT);
	reorder_free(&r);
}

static void test_two_holes_have_their_own_times(void **state)
{
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	put(&r, 0, 0, REORDER_NEXT);
	put(&r, 2, 10, REORDER_HELD);
	put(&r, 4, 20, REORDER_HELD);
	pop(&r, 2, true);
	assert_int_equal(r.deadline, 20 + HOLD);
	pop(&r, 4, true);
	reorder_free(&r);
}

static void test_R25_at_most_1024_packets_are_held(void **state)
{
	size_t before = alloc_live_blocks();
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	put(&r, 0, 0, REORDER_NEXT);
	for (int64_t seq = 2; seq <= REORDER_MAX; seq++) {
		assert_false(reorder_is_far(&r, seq));
		put(&r, seq, 1, REORDER_HELD);
	}
	assert_int_equal(r.held, REORDER_MAX - 1);
	assert_true(reorder_is_far(&r, REORDER_MAX + 1));
	pop(&r, 2, true);
	assert_false(reorder_is_far(&r, REORDER_MAX + 1));
	reorder_free(&r);
	assert_int_equal(alloc_live_blocks(), before);
}

static void test_reset_begins_anew(void **state)
{
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	put(&r, 0, 0, REORDER_NEXT);
	put(&r, 5, 0, REORDER_HELD);
	reorder_reset(&r);
	assert_int_equal(r.held, 0);
	assert_int_equal(r.deadline, WLK_TIME_NEVER);
	put(&r, 900000, 0, REORDER_NEXT);
	reorder_skip_to(&r, 900100);
	put(&r, 900100, 0, REORDER_NEXT);
	reorder_free(&r);
}

static void test_no_memory_keeps_the_order(void **state)
{
	struct pktbuf *buf = mark(2);
	struct reorder r;

	(void)state;
	reorder_init(&r, HOLD);
	put(&r, 0, 0, REORDER_NEXT);
	alloc_fail_after(1);
	assert_int_equal(reorder_put(&r, 2, buf, 0, false), REORDER_NOMEM);
	alloc_fail_after(0);
	pktbuf_release(buf);
	put(&r, 1, 0, REORDER_NEXT);
	reorder_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_needs_no_memory),
		cmocka_unit_test(test_hole_is_filled_and_the_run_comes_out),
		cmocka_unit_test(test_two_holes_have_their_own_times),
		cmocka_unit_test(test_R25_at_most_1024_packets_are_held),
		cmocka_unit_test(test_reset_begins_anew),
		cmocka_unit_test(test_no_memory_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
