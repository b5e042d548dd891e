#include "media/recv/heard.h"

#include "media_support.h"

static void note(struct heard *h, uint32_t id, bool is_csrc, wlk_time at)
{
	heard_note(h, &(struct heard_source){ .id = id, .is_csrc = is_csrc, .level = 3, .at = at, .rtp_timestamp = id + 1 });
}

static void test_latest_first_and_each_once(void **state)
{
	struct heard_source out[4];
	struct heard h = { 0 };

	(void)state;
	assert_int_equal(heard_list(&h, 0, false, NULL, 0), 0);
	note(&h, 7, false, 100);
	note(&h, 8, false, 200);
	note(&h, 7, true, 300); /* the same number as a contributing source is somebody else */
	note(&h, 7, false, 400);
	assert_int_equal(heard_list(&h, 400, false, out, 4), 2);
	assert_int_equal(out[0].id, 7);
	assert_int_equal(out[0].at, 400);
	assert_int_equal(out[0].rtp_timestamp, 8);
	assert_int_equal(out[1].id, 8);
	assert_int_equal(heard_list(&h, 400, true, out, 4), 1);
	assert_int_equal(heard_list(&h, 400, false, out, 1), 2);
}

/* W3C webrtc-pc 5.3: the last 10 seconds, to the microsecond. */
static void test_ten_seconds(void **state)
{
	struct heard h = { 0 };

	(void)state;
	note(&h, 1, false, 5);
	assert_int_equal(heard_list(&h, 5 + 10 * SECOND, false, NULL, 0), 1);
	assert_int_equal(heard_list(&h, 6 + 10 * SECOND, false, NULL, 0), 0);
}

static void test_the_oldest_gives_way(void **state)
{
	struct heard_source out[HEARD_MAX];
	struct heard h = { 0 };

	(void)state;
	for (uint32_t i = 0; i <= HEARD_MAX; i++)
		note(&h, 1000 + i, true, i == 5 ? 1 : 10 + i);
	assert_int_equal(heard_list(&h, 100, true, out, HEARD_MAX), HEARD_MAX);
	assert_int_equal(out[0].id, 1000 + HEARD_MAX);
	for (size_t i = 0; i < HEARD_MAX; i++)
		assert_int_not_equal(out[i].id, 1005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latest_first_and_each_once),
		cmocka_unit_test(test_ten_seconds),
		cmocka_unit_test(test_the_oldest_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
