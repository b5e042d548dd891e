#include "media/cc/data_gate.h"
#include "media_support.h"

static void test_an_open_gate_lets_all_pass(void **state)
{
	struct data_gate g;

	(void)state;
	data_gate_init(&g);
	for (int i = 0; i < 1000; i++) {
		assert_true(data_gate_is_open(&g, i));
		data_gate_on_sent(&g, i, 1200);
	}
	assert_false(data_gate_wants_more(&g, 1000));
	assert_int_equal(g.deadline, WLK_TIME_NEVER);
}

/* Send whenever it is open, from deadline to deadline; answers the bytes. */
static size_t flood(struct data_gate *g, wlk_time from, wlk_time until, size_t size)
{
	size_t bytes = 0;
	int idle = 0;

	for (wlk_time now = from; now < until; now = g->deadline) {
		size_t before = bytes;

		data_gate_handle_timeout(g, now);
		for (; data_gate_is_open(g, now); bytes += size)
			data_gate_on_sent(g, now, size);
		assert_true(g->deadline > now && g->deadline != WLK_TIME_NEVER);
		idle = bytes == before ? idle + 1 : 0;
		assert_in_range(idle, 0, 2); /* the deadline is that of the next packet */
	}
	return bytes;
}

static void test_a_rate_is_kept(void **state)
{
	static const uint64_t rates[] = { 40000, 333333, 600000, 5000000 };
	struct data_gate g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		uint64_t expected = rates[i] / 8 * 20;

		data_gate_init(&g);
		data_gate_set_rate(&g, 0, rates[i]);
		assert_in_range(flood(&g, 0, 20 * SECOND, 1265), expected - expected / 50 - 1265, expected + expected / 50 + 2 * 1265);
		assert_true(data_gate_wants_more(&g, 20 * SECOND));
		assert_false(data_gate_wants_more(&g, 21 * SECOND));
	}
}

static void test_a_silence_saves_nothing_up(void **state)
{
	struct data_gate g;

	(void)state;
	data_gate_init(&g);
	data_gate_set_rate(&g, 0, 800000); /* 100 bytes a millisecond */
	assert_true(data_gate_is_open(&g, 10 * SECOND));
	assert_in_range(flood(&g, 10 * SECOND, 10 * SECOND + 1, 100), 100, 600);
}

static void test_single_messages_want_no_more(void **state)
{
	struct data_gate g;

	(void)state;
	data_gate_init(&g);
	data_gate_set_rate(&g, 0, 80000);
	for (wlk_time now = SECOND; now < 20 * SECOND; now += SECOND) {
		assert_true(data_gate_is_open(&g, now));
		data_gate_on_sent(&g, now, 1200);
		/* Found closed with nothing known to wait: it is looked at again, once. */
		if (!data_gate_is_open(&g, now + 1)) {
			wlk_time opens = g.deadline;

			assert_in_range(opens, now + 2, now + 200 * MS);
			data_gate_handle_timeout(&g, opens);
			assert_true(data_gate_is_open(&g, opens));
		}
		data_gate_on_empty(&g);
		assert_int_equal(g.deadline, WLK_TIME_NEVER);
	}
	/* A message while the one before is still being paid for finds the gate closed, and when it opens. */
	assert_true(data_gate_is_open(&g, 20 * SECOND));
	data_gate_on_sent(&g, 20 * SECOND, 1200);
	data_gate_on_empty(&g);
	assert_false(data_gate_is_open(&g, 20 * SECOND + 1));
	assert_true(g.deadline != WLK_TIME_NEVER);
	assert_false(data_gate_wants_more(&g, 20 * SECOND + 1));
}

static void test_a_lower_rate_forgives_old_debt(void **state)
{
	struct data_gate g;

	(void)state;
	data_gate_init(&g);
	data_gate_set_rate(&g, 0, 100000000);
	assert_true(data_gate_is_open(&g, SECOND));
	data_gate_on_sent(&g, SECOND, 200000);
	data_gate_set_rate(&g, SECOND, 100000);
	assert_false(data_gate_is_open(&g, SECOND));
	assert_in_range(g.deadline, SECOND + 1, 2 * SECOND + 10 * MS);
	data_gate_set_rate(&g, SECOND + 1, 0);
	assert_int_equal(g.deadline, WLK_TIME_NEVER);
	assert_true(data_gate_is_open(&g, SECOND + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_open_gate_lets_all_pass),     cmocka_unit_test(test_a_rate_is_kept),
		cmocka_unit_test(test_a_silence_saves_nothing_up),     cmocka_unit_test(test_single_messages_want_no_more),
		cmocka_unit_test(test_a_lower_rate_forgives_old_debt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
