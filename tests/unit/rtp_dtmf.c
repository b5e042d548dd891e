#include "media_support.h"

#include "media/rtp/dtmf.h"

/* Digit "9" as in the example of RFC 4733 5: 7 dBm0, 200 ms in all, a report each 50 ms. */
static const uint8_t nine_start[] = { 9, 7, 0x01, 0x90 };
static const uint8_t nine_end[] = { 9, 0x80 | 7, 0x06, 0x40 };

static void test_reports_of_rfc_4733_5(void **state)
{
	struct dtmf_event event;

	(void)state;
	assert_int_equal(dtmf_parse(&event, nine_start, 4, 0), WLK_OK);
	assert_int_equal(event.event, 9);
	assert_int_equal(event.volume, 7);
	assert_int_equal(event.duration, 400);
	assert_false(event.end);
	assert_int_equal(dtmf_parse(&event, nine_end, 4, 0), WLK_OK);
	assert_true(event.end);
	assert_int_equal(event.volume, 7);
	assert_int_equal(event.duration, 1600);
}

static void test_consecutive_events_share_a_packet(void **state)
{
	uint8_t both[8];
	struct dtmf_event event = { .event = 77 };

	(void)state;
	memcpy(both, nine_end, 4);
	memcpy(both + 4, nine_start, 4);
	both[4] = 11;
	assert_int_equal(dtmf_parse(&event, both, 8, 1), WLK_OK);
	assert_int_equal(event.event, 11);
	event.event = 77;
	assert_int_equal(dtmf_parse(&event, both, 8, 2), WLK_ERR_NOT_FOUND);
	assert_int_equal(event.event, 77);
}

static void test_other_sizes_are_malformed(void **state)
{
	uint8_t data[9] = { 0 };
	struct dtmf_event event;

	(void)state;
	for (size_t size = 0; size <= sizeof(data); size++)
		assert_int_equal(dtmf_parse(&event, data, size, 0), size && size % 4 == 0 ? WLK_OK : WLK_ERR_PARSE);
}

static void test_write_is_what_parse_reads(void **state)
{
	static const struct dtmf_event events[] = {
		{ 0, false, 0, 0 }, { 15, true, 63, 0xffff }, { 255, true, 1, 1 }, { 10, false, 32, 0x1234 }
	};
	uint8_t data[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct bytes_writer w = bytes_writer(data, sizeof(data));
		struct dtmf_event again;

		dtmf_write(&w, &events[i]);
		assert_true(bytes_writer_ok(&w));
		assert_int_equal(w.size, DTMF_PAYLOAD_SIZE);
		assert_int_equal(dtmf_parse(&again, data, sizeof(data), 0), WLK_OK);
		assert_int_equal(again.event, events[i].event);
		assert_int_equal(again.end, events[i].end);
		assert_int_equal(again.volume, events[i].volume);
		assert_int_equal(again.duration, events[i].duration);
	}
}

static void test_the_reserved_bit_is_neither_read_nor_written(void **state)
{
	static const uint8_t reserved[] = { 1, 0x40, 0, 1 };
	struct dtmf_event event;
	uint8_t data[4];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	(void)state;
	assert_int_equal(dtmf_parse(&event, reserved, 4, 0), WLK_OK);
	assert_int_equal(event.volume, 0);
	event.volume = 200;
	dtmf_write(&w, &event);
	assert_int_equal(data[1], DTMF_VOLUME_MAX);
}

static void test_tones(void **state)
{
	static const char tones[] = "0123456789*#ABCD";

	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(dtmf_event_of_tone(tones[i]), i);
		assert_int_equal(dtmf_tone_of_event((uint8_t)i), tones[i]);
	}
	assert_int_equal(dtmf_event_of_tone('a'), 12);
	assert_int_equal(dtmf_event_of_tone('d'), 15);
	assert_int_equal(dtmf_event_of_tone('E'), -1);
	assert_int_equal(dtmf_event_of_tone(','), -1);
	assert_int_equal(dtmf_event_of_tone('\0'), -1);
	assert_int_equal(dtmf_tone_of_event(16), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_of_rfc_4733_5),
		cmocka_unit_test(test_consecutive_events_share_a_packet),
		cmocka_unit_test(test_other_sizes_are_malformed),
		cmocka_unit_test(test_write_is_what_parse_reads),
		cmocka_unit_test(test_the_reserved_bit_is_neither_read_nor_written),
		cmocka_unit_test(test_tones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
