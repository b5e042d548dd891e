#include "media/recv/source.h"
#include "media_support.h"

static int64_t feed(struct source *s, uint16_t seq, enum source_verdict expected)
{
	int64_t extended = -1;

	assert_int_equal(source_on_packet(s, seq, &extended), expected);
	return extended;
}

static void test_first_packet_is_good_at_once(void **state)
{
	struct rtcp_report_block block = { 0 };
	struct source s;

	(void)state;
	source_init(&s);
	assert_int_equal(source_expected(&s), 0);
	assert_int_equal(feed(&s, 100, SOURCE_NEW), 65536 + 100);
	source_report(&s, &block);
	assert_int_equal(block.highest_seq, 100);
	assert_int_equal(block.cumulative_lost, 0);
	assert_int_equal(block.fraction_lost, 0);
}

static void test_wrap_counts_a_cycle(void **state)
{
	struct rtcp_report_block block = { 0 };
	struct source s;

	(void)state;
	source_init(&s);
	feed(&s, 65534, SOURCE_NEW);
	feed(&s, 65535, SOURCE_NEW);
	assert_int_equal(feed(&s, 1, SOURCE_NEW), 2 * 65536 + 1);
	assert_int_equal(feed(&s, 0, SOURCE_OLD), 2 * 65536);
	assert_int_equal(feed(&s, 65535, SOURCE_OLD), 65536 + 65535);
	source_report(&s, &block);
	assert_int_equal(block.highest_seq, 0x10001);
	assert_int_equal(block.cumulative_lost, -1); /* 4 expected, 5 received: one was a duplicate */
}

static void test_loss_fractions_of_each_interval(void **state)
{
	struct rtcp_report_block block = { 0 };
	struct source s;

	(void)state;
	source_init(&s);
	for (uint16_t seq = 0; seq < 100; seq++)
		if (seq % 4 != 1)
			feed(&s, seq, SOURCE_NEW);
	source_report(&s, &block);
	assert_int_equal(block.fraction_lost, 64); /* 25 of 100 are 64 of 256 */
	assert_int_equal(block.cumulative_lost, 25);
	/* a full interval: nothing more lost; the five late ones make it negative, which reads 0 */
	for (uint16_t seq = 100; seq < 110; seq++)
		feed(&s, seq, SOURCE_NEW);
	for (uint16_t seq = 1; seq < 20; seq = (uint16_t)(seq + 4))
		feed(&s, seq, SOURCE_OLD);
	source_report(&s, &block);
	assert_int_equal(block.fraction_lost, 0);
	assert_int_equal(block.cumulative_lost, 20);
	/* nothing expected: no division by zero */
	source_report(&s, &block);
	assert_int_equal(block.fraction_lost, 0);
	assert_false(source_is_active(&s));
}

static void test_total_loss_fraction_is_255_at_most(void **state)
{
	struct rtcp_report_block block = { 0 };
	struct source s;

	(void)state;
	source_init(&s);
	feed(&s, 0, SOURCE_NEW);
	source_report(&s, &block);
	feed(&s, 2999, SOURCE_NEW);
	source_report(&s, &block);
	assert_int_equal(block.fraction_lost, 255); /* 2998 of 2999 */
	assert_int_equal(block.cumulative_lost, 2998);
}

static void test_jitter_of_rfc_3550_a_8_by_hand(void **state)
{
	struct source s;

	/*
	 * Clock 8000: a packet of 160 ticks each 20 ms. Transit differences D: the third packet is 5 ms late (40
	 * ticks), the fourth on time again (-40). J*16: 0, then 0 + 40 - 0 = 40, then 40 + 40 - ((40 + 8) >> 4 = 3)
	 * = 77.
	 */
	(void)state;
	source_init(&s);
	source_on_timing(&s, 1000, 0, 8000);
	source_on_timing(&s, 1160, 20 * MS, 8000);
	assert_int_equal(s.jitter_q4, 0);
	source_on_timing(&s, 1320, 45 * MS, 8000);
	assert_int_equal(s.jitter_q4, 40);
	assert_int_equal(source_jitter(&s), 2);
	source_on_timing(&s, 1480, 60 * MS, 8000);
	assert_int_equal(s.jitter_q4, 77);
	assert_int_equal(source_jitter(&s), 4);
	/* on time from now on: it decays by (77 + 8) >> 4 = 5 */
	source_on_timing(&s, 1640, 80 * MS, 8000);
	assert_int_equal(s.jitter_q4, 72);
}

static void test_jitter_survives_wraps_and_late_hours(void **state)
{
	struct source s;
	wlk_time year = INT64_C(365) * 24 * 3600 * SECOND;

	(void)state;
	source_init(&s);
	source_on_timing(&s, 0xffffff00, year, 90000);
	source_on_timing(&s, 0xffffff00 + 900, year + 10 * MS, 90000);
	assert_int_equal(s.jitter_q4, 0);
}

static void test_R25_timestamp_jump_over_10_s_is_no_jitter(void **state)
{
	struct source s;

	(void)state;
	source_init(&s);
	source_on_timing(&s, 0, 0, 90000);
	source_on_timing(&s, 90000 * 11, 20 * MS, 90000);
	assert_int_equal(s.jitter_q4, 0);
	source_on_timing(&s, 90000 * 11 + 1800, 40 * MS, 90000);
	assert_int_equal(s.jitter_q4, 0);
}

static void test_R25_jump_over_3000_needs_two_packets_to_reset(void **state)
{
	struct rtcp_report_block block = { 0 };
	struct source s;

	(void)state;
	source_init(&s);
	feed(&s, 10, SOURCE_NEW);
	assert_int_equal(feed(&s, 3009, SOURCE_NEW), 65536 + 3009); /* 2999 ahead is loss */
	feed(&s, 3009 + 3000, SOURCE_JUMP_DROP);
	assert_int_equal(feed(&s, 3010, SOURCE_NEW), 65536 + 3010); /* it was a stray one */
	feed(&s, 40000, SOURCE_JUMP_DROP);
	/* the second in a row: a restart; numbering goes on above all before */
	assert_int_equal(feed(&s, 40001, SOURCE_RESET), 2 * 65536 + 40001);
	assert_int_equal(feed(&s, 40002, SOURCE_NEW), 2 * 65536 + 40002);
	source_report(&s, &block);
	assert_int_equal(block.highest_seq, 40002);
	assert_int_equal(block.fraction_lost, 0);
	assert_int_equal(block.cumulative_lost, 2998);
	/* far behind is a jump as well */
	feed(&s, 40002 - 1024, SOURCE_JUMP_DROP);
	assert_int_equal(feed(&s, 40002 - 1023, SOURCE_OLD), 2 * 65536 + 40002 - 1023);
	assert_int_equal(s.total_received, 6);
	assert_int_equal(s.resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_packet_is_good_at_once),
		cmocka_unit_test(test_wrap_counts_a_cycle),
		cmocka_unit_test(test_loss_fractions_of_each_interval),
		cmocka_unit_test(test_total_loss_fraction_is_255_at_most),
		cmocka_unit_test(test_jitter_of_rfc_3550_a_8_by_hand),
		cmocka_unit_test(test_jitter_survives_wraps_and_late_hours),
		cmocka_unit_test(test_R25_timestamp_jump_over_10_s_is_no_jitter),
		cmocka_unit_test(test_R25_jump_over_3000_needs_two_packets_to_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
