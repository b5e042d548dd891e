#include "media/recv/dtmf_recv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS MILLISECOND

static struct dtmf_recv r;
static char story[400]; /* "5( 5 5)": begin, update, end */
static wlk_time last_duration;

static void packet(wlk_time now, uint32_t timestamp, uint8_t event, uint16_t duration, bool is_end)
{
	uint8_t payload[DTMF_PAYLOAD_SIZE];
	struct bytes_writer w = bytes_writer(payload, sizeof(payload));

	dtmf_write(&w, &(struct dtmf_event){ event, is_end, 10, duration });
	dtmf_recv_input(&r, now, timestamp, 8000, (wlk_bytes){ payload, sizeof(payload) });
}

static const char *told(void)
{
	static const char *const marks[] = { "(", " ", ")" };
	struct dtmf_fact fact;
	size_t size = 0;

	while (dtmf_recv_poll(&r, &fact)) {
		story[size++] = fact.event <= DTMF_EVENT_MAX ? dtmf_tone_of_event(fact.event) : '?';
		story[size++] = marks[fact.phase][0];
		last_duration = fact.duration;
	}
	story[size] = 0;
	return story;
}

static void test_begin_updates_and_end(void **state)
{
	(void)state;
	dtmf_recv_init(&r);
	assert_string_equal(told(), "");
	packet(0, 1000, 5, 160, false);
	assert_string_equal(told(), "5(5 ");
	packet(20 * MS, 1000, 5, 320, false);
	packet(40 * MS, 1000, 5, 480, false);
	assert_string_equal(told(), "5 "); /* only the latest is of interest */
	assert_int_equal(last_duration, 60 * MS);
	for (int i = 0; i < 3; i++)
		packet(60 * MS + i * 20 * MS, 1000, 5, 640, true);
	assert_string_equal(told(), "5)");
	assert_int_equal(last_duration, 80 * MS);
	assert_int_equal(r.deadline, WLK_TIME_NEVER);
}

static void test_lost_packets(void **state)
{
	(void)state;
	dtmf_recv_init(&r);
	/* only an end came through */
	packet(0, 1000, 1, 800, true);
	assert_string_equal(told(), "1(1)");
	/* the ends got lost: the next event closes it */
	packet(200 * MS, 3000, 2, 160, false);
	packet(400 * MS, 5000, 2, 160, false); /* the same key again */
	assert_string_equal(told(), "2(2)2(2 ");
	/* nothing comes any more */
	dtmf_recv_handle_timeout(&r, 400 * MS + DTMF_LOST_US - 1);
	assert_string_equal(told(), "");
	assert_int_equal(r.deadline, 400 * MS + DTMF_LOST_US);
	dtmf_recv_handle_timeout(&r, r.deadline);
	assert_string_equal(told(), "2)");
	/* and its late packets are no new event */
	packet(700 * MS, 5000, 2, 400, true);
	packet(710 * MS, 3000, 2, 400, true);
	assert_string_equal(told(), "");
}

/* RFC 4733 2.5.1.3: longer than the field holds. */
static void test_segments(void **state)
{
	(void)state;
	dtmf_recv_init(&r);
	packet(0, 0xfffff000u, 11, 60000, false);
	packet(20 * MS, 0xfffff000u, 11, 65535, false);
	packet(40 * MS, 0xfffff000u + 65535u, 11, 100, false); /* wraps */
	packet(60 * MS, 0xfffff000u + 65535u, 11, 8065, true);
	assert_string_equal(told(), "#(#)");
	assert_int_equal(last_duration, 9200 * MS);
}

/* RFC 4733 2.5.1.6: several events in a packet. */
static void test_events_that_share_a_packet(void **state)
{
	uint8_t payload[3 * DTMF_PAYLOAD_SIZE];
	struct bytes_writer w = bytes_writer(payload, sizeof(payload));

	(void)state;
	dtmf_recv_init(&r);
	for (uint8_t i = 0; i < 3; i++)
		dtmf_write(&w, &(struct dtmf_event){ i, i < 2, 10, 400 });
	for (int i = 0; i < 2; i++)
		dtmf_recv_input(&r, i * 20 * MS, 7000, 8000, (wlk_bytes){ payload, sizeof(payload) });
	assert_string_equal(told(), "0(0)1(1)2(2 ");
	dtmf_recv_input(&r, 0, 7000, 8000, (wlk_bytes){ payload, 3 });
	dtmf_recv_input(&r, 0, 7000, 8000, (wlk_bytes){ payload, 0 });
	assert_int_equal(r.malformed, 2);
}

static void test_a_sender_that_begins_anew(void **state)
{
	(void)state;
	dtmf_recv_init(&r);
	packet(0, 0x40000000, 5, 160, false);
	packet(SECOND, 100, 6, 160, true); /* days back */
	assert_string_equal(told(), "5(5)6(6)");
	packet(2 * SECOND, 5000, 7, 160, false);
	dtmf_recv_restart(&r);
	packet(2 * SECOND, 100, 8, 160, true);
	assert_string_equal(told(), "7(7)8(8)");
}

/* Nobody reads: what is told in the end still begins and ends in turn. */
static void test_flood(void **state)
{
	const char *text;

	(void)state;
	dtmf_recv_init(&r);
	packet(0, 1000, 3, 10, false);
	told();
	for (uint32_t i = 0; i < 1000; i++)
		packet(i, 2000 + i * 100, (uint8_t)(i % 16), 50, i % 3 == 0);
	text = told();
	assert_int_equal(text[1], ')'); /* of the one that was begun */
	for (size_t i = 3; text[i]; i += 2)
		assert_true(text[i] == ' ' || text[i] == (text[i - 2] == ')' ? '(' : ')'));
	assert_true(strlen(text) <= 2 * DTMF_FACTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin_updates_and_end), cmocka_unit_test(test_lost_packets),
		cmocka_unit_test(test_segments),              cmocka_unit_test(test_events_that_share_a_packet),
		cmocka_unit_test(test_a_sender_that_begins_anew), cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
