#include "media/cc/sent_history.h"
#include "media_support.h"

static void test_what_was_sent_is_found_once(void **state)
{
	struct sent_history h;
	struct cc_packet p;

	(void)state;
	sent_history_init(&h, 65534);
	assert_int_equal(sent_history_waiting_since(&h), WLK_TIME_NEVER);
	assert_false(sent_history_on_status(&h, 65534, true, 0, &p)); /* nothing was sent */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sent_history_next(&h), (uint16_t)(65534 + i));
		sent_history_add(&h, 100 + i, 1000 + (size_t)i, (uint16_t)i);
	}
	assert_int_equal(sent_history_waiting_since(&h), 100);
	assert_true(sent_history_on_status(&h, 0, true, 77, &p)); /* behind the wrap */
	assert_int_equal(p.seq, 65536);
	assert_int_equal(p.sent, 102);
	assert_int_equal(p.size, 1002);
	assert_int_equal(p.cluster, 2);
	assert_int_equal(p.arrival, 77);
	assert_true(p.received && !p.was_lost);
	assert_false(sent_history_on_status(&h, 0, true, 78, &p));
	assert_false(sent_history_on_status(&h, 0, false, 0, &p)); /* received stays received */
	assert_int_equal(sent_history_waiting_since(&h), 103);
	sent_history_free(&h);
}

static void test_a_packet_carries_what_left_before_it(void **state)
{
	struct sent_history h;
	struct cc_packet p;

	(void)state;
	sent_history_init(&h, 0);
	sent_history_carry(&h, 300);
	sent_history_carry(&h, 400);
	sent_history_add(&h, 1, 1000, CC_NO_CLUSTER);
	sent_history_add(&h, 2, 1000, CC_NO_CLUSTER);
	sent_history_carry(&h, SIZE_MAX / 2);
	sent_history_add(&h, 3, 1000, CC_NO_CLUSTER);
	assert_true(sent_history_on_status(&h, 0, true, 10, &p));
	assert_int_equal(p.size, 1000);
	assert_int_equal(p.carried, 700);
	assert_true(sent_history_on_status(&h, 1, true, 11, &p));
	assert_int_equal(p.carried, 0);
	assert_true(sent_history_on_status(&h, 2, true, 12, &p));
	assert_int_equal(p.carried, SENT_CARRIED_MAX);
	sent_history_free(&h);
}

static void test_R22_numbers_never_sent_change_nothing(void **state)
{
	struct sent_history h;
	struct cc_packet p;
	size_t found = 0;

	(void)state;
	sent_history_init(&h, 10);
	for (int i = 0; i < 20; i++)
		sent_history_add(&h, i, 500, CC_NO_CLUSTER);
	for (uint32_t seq = 0; seq < 65536; seq++)
		found += sent_history_on_status(&h, (uint16_t)seq, true, 1, &p);
	assert_int_equal(found, 20);
	sent_history_free(&h);
}

static void test_a_lost_packet_may_turn_up(void **state)
{
	struct sent_history h;
	struct cc_packet p;

	(void)state;
	sent_history_init(&h, 0);
	sent_history_add(&h, 5, 500, CC_NO_CLUSTER);
	assert_true(sent_history_on_status(&h, 0, false, 0, &p));
	assert_false(p.received);
	assert_false(sent_history_on_status(&h, 0, false, 0, &p));
	assert_true(sent_history_on_status(&h, 0, true, 9, &p));
	assert_true(p.was_lost);
	sent_history_free(&h);
}

static void test_grows_while_nothing_is_acknowledged_and_is_bounded(void **state)
{
	struct sent_history h;
	struct cc_packet p;

	(void)state;
	sent_history_init(&h, 100);
	for (int i = 0; i < 3000; i++)
		sent_history_add(&h, i, 500, CC_NO_CLUSTER);
	assert_true(sent_history_on_status(&h, 100, true, 1, &p));
	assert_int_equal(p.sent, 0);
	for (int i = 0; i < 100000; i++)
		sent_history_add(&h, 3000, 500, CC_NO_CLUSTER);
	assert_int_equal(h.capacity, SENT_HISTORY_MAX);
	assert_int_equal(h.count, SENT_HISTORY_MAX);
	assert_true(sent_history_on_status(&h, (uint16_t)(sent_history_next(&h) - 1), true, 1, &p));
	assert_false(sent_history_on_status(&h, (uint16_t)(sent_history_next(&h) - SENT_HISTORY_MAX - 1), true, 1, &p));
	sent_history_free(&h);
}

static void test_without_memory_the_numbers_go_on(void **state)
{
	struct sent_history h;
	struct cc_packet p;

	(void)state;
	sent_history_init(&h, 7);
	alloc_fail_after(1);
	sent_history_add(&h, 1, 500, CC_NO_CLUSTER);
	alloc_fail_after(0);
	assert_int_equal(sent_history_next(&h), 8);
	assert_false(sent_history_on_status(&h, 7, true, 1, &p));
	sent_history_add(&h, 2, 500, CC_NO_CLUSTER);
	assert_true(sent_history_on_status(&h, 8, true, 1, &p));
	sent_history_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sent_is_found_once),
		cmocka_unit_test(test_a_packet_carries_what_left_before_it),
		cmocka_unit_test(test_R22_numbers_never_sent_change_nothing),
		cmocka_unit_test(test_a_lost_packet_may_turn_up),
		cmocka_unit_test(test_grows_while_nothing_is_acknowledged_and_is_bounded),
		cmocka_unit_test(test_without_memory_the_numbers_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
