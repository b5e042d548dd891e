#include "media/recv/nack_list.h"
#include "media_support.h"

static void test_missing_numbers_wait_for_reordering_then_are_asked(void **state)
{
	struct nack_list l;
	uint16_t seqs[8];

	(void)state;
	nack_list_init(&l);
	assert_int_equal(l.next_due, WLK_TIME_NEVER);
	nack_list_add(&l, 65535, 65537, 1000);
	assert_int_equal(l.next_due, 1000 + NACK_REORDER_US);
	assert_int_equal(nack_list_take_due(&l, 1000 + NACK_REORDER_US - 1, 50 * MS, seqs, 8), 0);
	assert_int_equal(nack_list_take_due(&l, 1000 + NACK_REORDER_US, 50 * MS, seqs, 8), 3);
	assert_int_equal(seqs[0], 65535);
	assert_int_equal(seqs[1], 0);
	assert_int_equal(seqs[2], 1);
	/* again after one round trip and a quarter */
	assert_int_equal(l.next_due, 1000 + NACK_REORDER_US + 62500);
	assert_true(nack_list_remove(&l, 65536));
	assert_false(nack_list_remove(&l, 65536));
	assert_int_equal(nack_list_take_due(&l, l.next_due, 50 * MS, seqs, 8), 2);
	assert_true(nack_list_remove(&l, 65535));
	assert_true(nack_list_remove(&l, 65537));
	assert_int_equal(l.next_due, WLK_TIME_NEVER);
	assert_false(l.gave_up);
	nack_list_free(&l);
}

static void test_one_that_shows_up_by_itself_was_not_asked_for(void **state)
{
	struct nack_list l;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 10, 10, 0);
	assert_false(nack_list_remove(&l, 10));
	assert_int_equal(l.count, 0);
	nack_list_free(&l);
}

static void test_ten_tries_then_it_is_given_up(void **state)
{
	struct nack_list l;
	uint16_t seq;
	int tries = 0;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 7, 7, 0);
	while (l.next_due != WLK_TIME_NEVER) {
		wlk_time now = l.next_due;

		tries += (int)nack_list_take_due(&l, now, 1, &seq, 1);
		assert_true(l.next_due > now);
	}
	assert_int_equal(tries, NACK_TRIES_MAX);
	assert_true(l.gave_up);
	assert_int_equal(l.count, 0);
	nack_list_free(&l);
}

static void test_retry_is_never_faster_than_20_ms_and_100_ms_without_rtt(void **state)
{
	struct nack_list l;
	uint16_t seq;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 7, 7, 0);
	nack_list_take_due(&l, 10 * MS, 1, &seq, 1);
	assert_int_equal(l.next_due, 30 * MS);
	nack_list_free(&l);
	nack_list_add(&l, 7, 7, 20 * MS);
	nack_list_take_due(&l, 30 * MS, 0, &seq, 1);
	assert_int_equal(l.next_due, 155 * MS);
	nack_list_free(&l);
}

static void test_what_does_not_fit_stays_due(void **state)
{
	struct nack_list l;
	uint16_t seqs[4];

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 0, 5, 0);
	assert_int_equal(nack_list_take_due(&l, SECOND, 0, seqs, 4), 4);
	assert_true(l.next_due <= SECOND);
	assert_int_equal(nack_list_take_due(&l, SECOND, 0, seqs, 4), 2);
	assert_int_equal(seqs[0], 4);
	assert_true(l.next_due > SECOND);
	nack_list_free(&l);
}

static void test_forgetting_the_front(void **state)
{
	struct nack_list l;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 1, 3, 0);
	nack_list_add(&l, 8, 9, 0);
	nack_list_forget_before(&l, 1);
	assert_false(l.gave_up);
	nack_list_forget_before(&l, 8);
	assert_true(l.gave_up);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.items[0].seq, 8);
	nack_list_free(&l);
}

static void test_R25_a_hole_above_1000_is_given_up(void **state)
{
	struct nack_list l;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 0, 998, 0);
	assert_int_equal(l.count, 999);
	assert_false(l.gave_up);
	nack_list_add(&l, 1000, 1000, 0);
	assert_int_equal(l.count, 1000);
	nack_list_add(&l, 1001, 1001, 0);
	assert_int_equal(l.count, 0);
	assert_true(l.gave_up);
	assert_int_equal(l.next_due, WLK_TIME_NEVER);
	nack_list_free(&l);
}

static void test_no_memory_gives_up_instead_of_failing(void **state)
{
	struct nack_list l;

	(void)state;
	nack_list_init(&l);
	alloc_fail_after(1);
	nack_list_add(&l, 0, 3, 0);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_true(l.gave_up);
	assert_int_equal(l.count, 0);
	nack_list_free(&l);
}

/* Every tenth packet is lost. */
static void make_lossy(struct nack_list *l)
{
	uint16_t seq;

	for (int64_t i = 0; i < 600; i++) {
		if (i % 10) {
			nack_list_on_packet(l);
			continue;
		}
		nack_list_add(l, i, i, i * MS);
		assert_int_equal(nack_list_take_due(l, i * MS + NACK_REORDER_US, 1, &seq, 1), 1);
		nack_list_remove(l, i);
	}
}

static void test_on_a_lossy_path_each_request_leaves_twice(void **state)
{
	struct nack_list l;
	uint16_t seq;

	(void)state;
	nack_list_init(&l);
	assert_false(nack_list_is_lossy(&l));
	make_lossy(&l);
	assert_true(nack_list_is_lossy(&l));
	nack_list_add(&l, 1000, 1000, SECOND);
	assert_int_equal(nack_list_take_due(&l, SECOND + 5 * MS, 100 * MS, &seq, 1), 1);
	assert_int_equal(l.next_due, SECOND + 25 * MS);
	assert_int_equal(nack_list_take_due(&l, SECOND + 25 * MS, 100 * MS, &seq, 1), 1);
	/* The next try is as late as ever, and is not the third. */
	assert_int_equal(l.next_due, SECOND + 130 * MS);
	assert_int_equal(l.items[0].tries, 1);
	nack_list_free(&l);
	/* Within a short round trip there is no room for a second one. */
	nack_list_init(&l);
	make_lossy(&l);
	nack_list_add(&l, 1000, 1000, SECOND);
	assert_int_equal(nack_list_take_due(&l, SECOND + 5 * MS, 30 * MS, &seq, 1), 1);
	assert_int_equal(l.next_due, SECOND + 5 * MS + 37500);
	nack_list_free(&l);
	/* What was asked for in vain is asked for twice on any path. */
	nack_list_init(&l);
	nack_list_add(&l, 1000, 1000, SECOND);
	assert_int_equal(nack_list_take_due(&l, SECOND + 5 * MS, 100 * MS, &seq, 1), 1);
	assert_int_equal(l.next_due, SECOND + 130 * MS);
	assert_int_equal(nack_list_take_due(&l, SECOND + 130 * MS, 100 * MS, &seq, 1), 1);
	assert_int_equal(l.next_due, SECOND + 150 * MS);
	assert_int_equal(nack_list_take_due(&l, SECOND + 150 * MS, 100 * MS, &seq, 1), 1);
	assert_int_equal(l.next_due, SECOND + 255 * MS);
	assert_int_equal(l.items[0].tries, 2);
	nack_list_free(&l);
	/* And what reordering explains is no loss. */
	nack_list_init(&l);
	for (int64_t i = 0; i < 600; i++) {
		nack_list_add(&l, i, i, i * MS);
		nack_list_remove(&l, i);
		nack_list_on_packet(&l);
	}
	assert_false(nack_list_is_lossy(&l));
	nack_list_free(&l);
}

static void test_what_is_asked_for_in_vain_is_told(void **state)
{
	struct nack_list l;
	uint16_t seq;
	wlk_time now = 0;

	(void)state;
	nack_list_init(&l);
	nack_list_add(&l, 7, 7, 0);
	while (l.items[0].tries < NACK_STUCK_TRIES) {
		assert_false(l.is_stuck);
		now = l.next_due;
		assert_int_equal(nack_list_take_due(&l, now, 100 * MS, &seq, 1), 1);
	}
	assert_true(l.is_stuck);
	assert_int_equal(now, 380 * MS);
	nack_list_free(&l);
	nack_list_init(&l);
	nack_list_add(&l, 7, 7, 0);
	for (int i = 0; i < NACK_STUCK_TRIES; i++)
		assert_int_equal(nack_list_take_due(&l, l.next_due, 20 * MS, &seq, 1), 1);
	assert_false(l.is_stuck); /* four tries in 80 ms: the path may only have stood still */
	nack_list_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_numbers_wait_for_reordering_then_are_asked),
		cmocka_unit_test(test_one_that_shows_up_by_itself_was_not_asked_for),
		cmocka_unit_test(test_ten_tries_then_it_is_given_up),
		cmocka_unit_test(test_retry_is_never_faster_than_20_ms_and_100_ms_without_rtt),
		cmocka_unit_test(test_what_does_not_fit_stays_due),
		cmocka_unit_test(test_forgetting_the_front),
		cmocka_unit_test(test_R25_a_hole_above_1000_is_given_up),
		cmocka_unit_test(test_no_memory_gives_up_instead_of_failing),
		cmocka_unit_test(test_on_a_lossy_path_each_request_leaves_twice),
		cmocka_unit_test(test_what_is_asked_for_in_vain_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
