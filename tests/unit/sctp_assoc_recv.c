/* What comes in: slow readers, DCEP edges (R31), messages from a forging peer, fragments in every order, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/dcep.h"
#include "sctp/packet_filter.h"
#include "support/sctp_pair.h"

enum { UNORDERED = 4, FIRST = 2, LAST = 1, WHOLE = 3 };

static const struct sctp_path near = { .latency_us = MILLISECOND };

static struct {
	struct sctp_channel *fresh;
	int channels;
	int messages;
	int closing;
	char text[16][64];
	size_t size[16];
	enum sctp_message_type type[16];
	bool reading_off;
	enum sctp_cause cause;
} seen;

static void read_all(struct sctp_channel *channel)
{
	struct sctp_message message;

	while (sctp_channel_receive(channel, &message)) {
		if (seen.messages < 16) {
			seen.size[seen.messages] = message.size;
			seen.type[seen.messages] = message.type;
			memcpy(seen.text[seen.messages], message.data, MIN(message.size, (size_t)63));
		}
		seen.messages++;
	}
}

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	(void)pair;
	(void)side;
	if (event->type == SCTP_EV_STATE && event->state == SCTP_ASSOC_CLOSED)
		seen.cause = event->cause;
	if (event->type == SCTP_EV_CHANNEL_NEW) {
		seen.fresh = event->channel;
		seen.channels++;
	}
	seen.closing += event->type == SCTP_EV_CHANNEL_CLOSING;
	if (event->type == SCTP_EV_MESSAGE && !seen.reading_off)
		read_all(event->channel);
}

static void begin(struct sctp_pair *pair, const struct sctp_assoc_config *config)
{
	memset(&seen, 0, sizeof(seen));
	sctp_pair_init(pair, &near, 1, config);
	pair->on_event = on_event;
	sctp_pair_start(pair, 0);
	assert_true(sctp_pair_run(pair, SECOND, sctp_pair_connected));
	sctp_pair_pass(pair, SECOND);
}

static bool silence(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)from;
	(void)packet;
	(void)size;
	return false;
}

/* Side 1 is mute from here on; what side 0 hears in its name is forged. */
static void begin_forging(struct sctp_pair *pair)
{
	begin(pair, NULL);
	pair->tap = silence;
}

static void forge_open(struct sctp_pair *pair, uint16_t stream, const void *message, size_t size)
{
	sctp_pair_forge_data(pair, 1, stream, 0, PPID_DCEP, WHOLE, message, size);
	sctp_pair_drain(pair);
}

static const uint8_t simple_open[] = { 3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'x' };
static const uint8_t limited_open[] = { 3, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'x' }; /* maxRetransmits 0 */
static const uint8_t unordered_open[] = { 3, 0x81, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'x' };

static void expect_refused(struct sctp_pair *pair, uint64_t dcep)
{
	struct sctp_assoc_stats stats;

	sctp_assoc_stats(pair->side[0], &stats);
	assert_int_equal(stats.dcep_refused, dcep);
	assert_int_equal(sctp_assoc_state(pair->side[0]), SCTP_ASSOC_CONNECTED);
}

static void test_R31_open_on_our_parity_or_above_the_streams_is_refused(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 0, simple_open, sizeof(simple_open));
	forge_open(&pair, 2, simple_open, sizeof(simple_open));
	assert_int_equal(seen.channels, 0);
	expect_refused(&pair, 2);
	forge_open(&pair, 1, simple_open, sizeof(simple_open));
	assert_int_equal(seen.channels, 1);
	sctp_pair_free(&pair);
}

static void test_R31_malformed_open_is_refused(void **state)
{
	uint8_t wrong[sizeof(simple_open)];
	struct sctp_pair pair;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, simple_open, sizeof(simple_open) - 1);
	memcpy(wrong, simple_open, sizeof(wrong));
	wrong[9] = 2;
	forge_open(&pair, 3, wrong, sizeof(wrong));
	wrong[9] = 1;
	wrong[1] = 7;
	forge_open(&pair, 5, wrong, sizeof(wrong));
	wrong[0] = 9; /* no DCEP message at all */
	forge_open(&pair, 7, wrong, sizeof(wrong));
	assert_int_equal(seen.channels, 0);
	expect_refused(&pair, 4);
	sctp_pair_free(&pair);
}

static void test_R31_opens_above_the_bucket_are_delayed_not_refused(void **state)
{
	struct sctp_assoc_config config;
	struct sctp_pair pair;
	int before;

	(void)state;
	sctp_assoc_config_init(&config);
	config.streams = 4096;
	begin(&pair, &config);
	pair.tap = silence;
	for (uint16_t i = 0; i < 1100; i++)
		sctp_pair_forge_data(&pair, 1, (uint16_t)(2 * i + 1), 0, PPID_DCEP, WHOLE, simple_open,
				     sizeof(simple_open));
	sctp_pair_drain(&pair);
	before = seen.channels;
	assert_true(before >= 1024 && before < 1100);
	sctp_pair_pass(&pair, 100 * MILLISECOND);
	assert_in_range(seen.channels - before, 18, 22); /* 200 a second */
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.channels, 1100);
	expect_refused(&pair, 0);
	sctp_pair_free(&pair);
}

/* The n-th allocation from the arrival of an OPEN on fails; answers whether there was an n-th. */
static bool open_with_failing_allocation(size_t n)
{
	struct sctp_pair pair;
	bool failed;

	begin_forging(&pair);
	sctp_pair_forge_data(&pair, 1, 1, 0, PPID_DCEP, WHOLE, simple_open, sizeof(simple_open));
	alloc_fail_after(n);
	sctp_pair_drain(&pair);
	failed = alloc_did_fail();
	alloc_fail_after(0);
	sctp_pair_pass(&pair, SECOND);
	if (sctp_assoc_state(pair.side[0]) == SCTP_ASSOC_CLOSED)
		assert_int_equal(seen.cause, SCTP_CAUSE_MEMORY);
	else
		assert_int_equal(seen.channels, 1);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
	return failed;
}

static void test_R31_an_open_without_memory_for_it_is_never_silently_lost(void **state)
{
	size_t n = 1;

	(void)state;
	while (open_with_failing_allocation(n))
		n++;
	assert_true(n > 3); /* slot, channel and label at least */
}

static void test_R31_a_held_open_without_memory_closes_the_association(void **state)
{
	struct sctp_assoc_config config;
	struct sctp_pair pair;

	(void)state;
	sctp_assoc_config_init(&config);
	config.streams = 4096;
	begin(&pair, &config);
	pair.tap = silence;
	for (uint16_t i = 0; i < 1024; i++)
		forge_open(&pair, (uint16_t)(2 * i + 1), simple_open, sizeof(simple_open));
	assert_int_equal(seen.channels, 1024);
	sctp_pair_forge_data(&pair, 1, 2049, 0, PPID_DCEP, WHOLE, simple_open, sizeof(simple_open));
	alloc_fail_after(1);
	sctp_pair_drain(&pair);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause, SCTP_CAUSE_MEMORY);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_messages_nobody_expects_are_dropped(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_pair pair;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, simple_open, sizeof(simple_open));
	sctp_pair_forge_data(&pair, 1, 3, 0, PPID_STRING, WHOLE, "no channel", 10);
	sctp_pair_forge_data(&pair, 1, 1, 1, 0, WHOLE, "PPID 0", 6);
	sctp_pair_forge_data(&pair, 1, 1, 2, 55, WHOLE, "PPID 55", 7);
	sctp_pair_forge_data(&pair, 1, 1, 3, 0x80000133, WHOLE | UNORDERED, "PPID", 4);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages, 0);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.messages_refused, 4);
	sctp_pair_forge_data(&pair, 1, 1, 3, PPID_STRING, WHOLE, "good", 4);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages, 1);
	sctp_pair_free(&pair);
}

static void test_RFC8831_empty_and_partial_ppids(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, simple_open, sizeof(simple_open));
	sctp_pair_forge_data(&pair, 1, 1, 1, PPID_STRING_EMPTY, WHOLE, "\0", 1);
	sctp_pair_forge_data(&pair, 1, 1, 2, PPID_BINARY_EMPTY, WHOLE, "\0", 1);
	sctp_pair_forge_data(&pair, 1, 1, 3, PPID_STRING_PARTIAL, WHOLE, "one ", 4);
	sctp_pair_forge_data(&pair, 1, 1, 4, PPID_STRING_PARTIAL, WHOLE, "two ", 4);
	sctp_pair_forge_data(&pair, 1, 1, 5, PPID_STRING, WHOLE, "three", 5);
	sctp_pair_forge_data(&pair, 1, 1, 6, PPID_BINARY_PARTIAL, WHOLE, "ab", 2);
	sctp_pair_forge_data(&pair, 1, 1, 7, PPID_BINARY, WHOLE, "c", 1);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages, 4);
	assert_int_equal(seen.size[0], 0);
	assert_int_equal(seen.type[0], SCTP_MESSAGE_STRING);
	assert_int_equal(seen.size[1], 0);
	assert_int_equal(seen.type[1], SCTP_MESSAGE_BINARY);
	assert_string_equal(seen.text[2], "one two three");
	assert_int_equal(seen.type[2], SCTP_MESSAGE_STRING);
	assert_string_equal(seen.text[3], "abc");
	assert_int_equal(seen.type[3], SCTP_MESSAGE_BINARY);
	sctp_pair_free(&pair);
}

/* Forge the chunk that has the n-th TSN from |base|. */
static void forge_fragment(struct sctp_pair *pair, uint32_t base, uint32_t n, uint8_t flags, const char *text)
{
	pair->next_tsn[1] = base + n;
	sctp_pair_forge_data(pair, 1, 1, 0, PPID_STRING, (uint8_t)(flags | UNORDERED), text, strlen(text));
	sctp_pair_drain(pair);
}

static void test_unordered_fragments_in_every_order(void **state)
{
	static const uint8_t flags[6] = { FIRST, 0, LAST, WHOLE, FIRST, LAST };
	static const char *const texts[6] = { "a", "b", "c", "d", "e", "f" };
	struct sctp_pair pair;
	uint32_t base;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, unordered_open, sizeof(unordered_open));
	for (uint32_t order = 0; order < 720; order++) {
		uint32_t rest[6] = { 0, 1, 2, 3, 4, 5 };
		uint32_t code = order;

		base = pair.next_tsn[1];
		seen.messages = 0;
		memset(seen.text, 0, sizeof(seen.text));
		for (uint32_t left = 6; left; left--) {
			uint32_t pick = code % left;
			uint32_t n = rest[pick];

			code /= left;
			rest[pick] = rest[left - 1];
			forge_fragment(&pair, base, n, flags[n], texts[n]);
		}
		pair.next_tsn[1] = base + 6;
		assert_int_equal(seen.messages, 3);
		for (int i = 0; i < 3; i++) {
			const char *text = seen.text[i];

			assert_true(!strcmp(text, "abc") || !strcmp(text, "d") || !strcmp(text, "ef"));
			for (int k = 0; k < i; k++)
				assert_string_not_equal(text, seen.text[k]);
		}
	}
	sctp_pair_free(&pair);
}

/* RFC 3758: everything up to |tsn| is not waited for. */
static void forge_forward(struct sctp_pair *pair, uint32_t tsn)
{
	uint8_t chunk[8] = { CHUNK_FORWARD_TSN, 0, 0, 8 };

	store_u32(chunk + 4, tsn);
	sctp_pair_forge(pair, 1, chunk, sizeof(chunk));
	sctp_pair_drain(pair);
}

/*
 * usrsctp 0.9.5.0 aborts in the first of these cases and closes its window for good in the second, half of all initial
 * TSNs provided (its issues 592 and 597).
 */
static void test_RFC3758_abandoned_unordered_messages(void **state)
{
	struct sctp_pair pair;
	uint32_t base;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, unordered_open, sizeof(unordered_open));

	base = pair.next_tsn[1];
	forge_fragment(&pair, base, 0, FIRST, "never ");
	forge_fragment(&pair, base, 1, 0, "ended");
	forge_fragment(&pair, base, 5, LAST, "late end"); /* of the message after the next */
	forge_forward(&pair, base + 2);                   /* 2 is the placeholder of the rest */
	forge_fragment(&pair, base, 3, WHOLE, "next");
	assert_string_equal(seen.text[0], "next");
	forge_fragment(&pair, base, 4, FIRST, "a ");
	assert_string_equal(seen.text[1], "a late end");

	forge_fragment(&pair, base, 7, LAST, "no front"); /* 6 is lost */
	forge_forward(&pair, base + 7);
	forge_fragment(&pair, base, 8, WHOLE, "goes on");
	assert_int_equal(seen.messages, 3);
	assert_string_equal(seen.text[2], "goes on");
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0); /* what was abandoned is freed */
}

static void test_RFC3758_a_whole_message_survives_the_forwarding_of_others(void **state)
{
	struct sctp_pair pair;
	uint32_t base;

	(void)state;
	begin_forging(&pair);
	forge_open(&pair, 1, unordered_open, sizeof(unordered_open));
	base = pair.next_tsn[1];
	forge_fragment(&pair, base, 1, FIRST, "still "); /* 0 belonged to somebody else and is given up */
	forge_forward(&pair, base + 1);
	forge_fragment(&pair, base, 2, LAST, "alive");
	assert_int_equal(seen.messages, 1);
	assert_string_equal(seen.text[0], "still alive");
	sctp_pair_free(&pair);
}

enum { PIECE_SIZE = 1000, FRONT_PIECES = 80 };

/* The first pieces of an ordered message of stream 1, enough for usrsctp to hand out before the end is there. */
static void forge_front(struct sctp_pair *pair, uint16_t ssn, bool read_each)
{
	static const uint8_t piece[PIECE_SIZE] = "front";

	for (int i = 0; i < FRONT_PIECES; i++) {
		sctp_pair_forge_data(pair, 1, 1, ssn, PPID_STRING, i ? 0 : FIRST, piece, sizeof(piece));
		if (read_each)
			sctp_pair_drain(pair);
	}
}

/* RFC 3758 3.2: gives up the ordered message |ssn| of stream 1, and with it the TSN that would have come next. */
static void forge_forward_ordered(struct sctp_pair *pair, uint16_t ssn)
{
	uint8_t chunk[12] = { CHUNK_FORWARD_TSN, 0, 0, sizeof(chunk) };

	store_u32(chunk + 4, pair->next_tsn[1]++);
	store_u16(chunk + 8, 1);
	store_u16(chunk + 10, ssn);
	sctp_pair_forge(pair, 1, chunk, sizeof(chunk));
	sctp_pair_drain(pair);
}

static void expect_only_the_next(bool read_each)
{
	struct sctp_assoc_stats stats;
	struct sctp_pair pair;

	begin_forging(&pair);
	forge_open(&pair, 1, limited_open, sizeof(limited_open));
	forge_front(&pair, 1, read_each);
	assert_int_equal(seen.messages, 0);
	forge_forward_ordered(&pair, 1);
	assert_int_equal(seen.messages, 0);
	sctp_pair_forge_data(&pair, 1, 1, 2, PPID_STRING_EMPTY, WHOLE, "", 1);
	sctp_pair_forge_data(&pair, 1, 1, 3, PPID_STRING, WHOLE, "next", 4);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages, 2);
	assert_int_equal(seen.size[0], 0);
	assert_int_equal(seen.size[1], 4);
	assert_string_equal(seen.text[1], "next");
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.messages_refused, 0);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_RFC3758_the_read_front_of_an_abandoned_ordered_message_is_dropped(void **state)
{
	(void)state;
	expect_only_the_next(true);
}

static void test_RFC3758_the_unread_front_of_an_abandoned_ordered_message_is_dropped(void **state)
{
	(void)state;
	expect_only_the_next(false);
}

static void test_a_slow_reader_closes_the_window(void **state)
{
	static uint8_t data[64 * 1024];
	struct sctp_channel_config config;
	struct sctp_assoc_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;
	int accepted = 0;

	(void)state;
	begin(&pair, NULL);
	seen.reading_off = true;
	sctp_channel_config_init(&config);
	config.high_water = 8 * 1024 * 1024;
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &channel), WLK_OK);
	for (int i = 0; i < 100; i++)
		accepted += sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)) == WLK_OK;
	assert_int_equal(accepted, 100);
	sctp_pair_pass(&pair, 30 * SECOND);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_true(stats.peer_rwnd < 64 * 1024);
	/* 6.4 MB were accepted; what is not here waits there: a read queue and one receive buffer are here. */
	assert_true(sctp_channel_buffered_amount(channel) > 4 * 1024 * 1024);
	assert_int_equal(seen.messages, 0);
	/* The reader comes back, and everything arrives. */
	seen.reading_off = false;
	read_all(seen.fresh);
	for (int i = 0; i < 3000 && seen.messages < 100; i++) {
		sctp_pair_pass(&pair, 10 * MILLISECOND);
		read_all(seen.fresh);
	}
	assert_int_equal(seen.messages, 100);
	assert_int_equal(sctp_channel_buffered_amount(channel), 0);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_one_byte_messages_from_a_fast_sender(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;
	struct sctp_pair pair;
	int sent = 0;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &channel), WLK_OK);
	while (sent < 20000) {
		if (sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "x", 1) == WLK_OK)
			sent++;
		else
			sctp_pair_step(&pair);
	}
	sctp_pair_pass(&pair, 20 * SECOND);
	assert_int_equal(seen.messages, sent);
	sctp_pair_free(&pair);
}

static void test_R37_messages_that_are_never_completed_close_the_association_at_the_budget(void **state)
{
	static uint8_t data[1000];
	struct sctp_assoc_config config;
	struct sctp_pair pair;
	size_t used = 0;

	(void)state;
	sctp_assoc_config_init(&config);
	config.budget.used = &used;
	config.budget.limit = 8 * 1024 * 1024;
	begin(&pair, &config);
	pair.tap = silence;
	for (uint16_t stream = 1; stream < 200; stream += 2)
		forge_open(&pair, stream, unordered_open, sizeof(unordered_open));
	for (int i = 0; i < 20000 && sctp_assoc_state(pair.side[0]) == SCTP_ASSOC_CONNECTED; i++) {
		/* The streams take turns, so that no two fragments of one are neighbours. */
		uint8_t flags = i < 100 ? FIRST | UNORDERED : UNORDERED;

		sctp_pair_forge_data(&pair, 1, (uint16_t)(2 * (i % 100) + 1), 0, PPID_BINARY, flags, data,
				     sizeof(data));
		sctp_pair_drain(&pair);
		assert_true(used <= config.budget.limit);
	}
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause, SCTP_CAUSE_MEMORY);
	assert_int_equal(sctp_assoc_state(pair.side[1]), SCTP_ASSOC_CONNECTED); /* that peer only */
	sctp_pair_free(&pair);
	assert_int_equal(used, 0);
}

static void test_a_restart_of_the_other_side_ends_the_association(void **state)
{
	struct sctp_assoc_start start = { false, SCTP_ASSOC_PORT, SCTP_ASSOC_MTU, 0 };
	struct sctp_assoc_config config;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	sctp_assoc_destroy(pair.side[1]); /* without a word */
	sctp_assoc_config_init(&config);
	assert_int_equal(sctp_assoc_create(&pair.side[1], &config), WLK_OK);
	assert_int_equal(sctp_assoc_start(pair.side[1], pair.now, &start), WLK_OK);
	sctp_pair_pass(&pair, 5 * SECOND);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause == SCTP_CAUSE_RESTART || seen.cause == SCTP_CAUSE_PEER_ABORT, 1);
	sctp_pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R31_open_on_our_parity_or_above_the_streams_is_refused),
		cmocka_unit_test(test_R31_malformed_open_is_refused),
		cmocka_unit_test(test_R31_opens_above_the_bucket_are_delayed_not_refused),
		cmocka_unit_test(test_R31_an_open_without_memory_for_it_is_never_silently_lost),
		cmocka_unit_test(test_R31_a_held_open_without_memory_closes_the_association),
		cmocka_unit_test(test_messages_nobody_expects_are_dropped),
		cmocka_unit_test(test_RFC8831_empty_and_partial_ppids),
		cmocka_unit_test(test_unordered_fragments_in_every_order),
		cmocka_unit_test(test_RFC3758_abandoned_unordered_messages),
		cmocka_unit_test(test_RFC3758_a_whole_message_survives_the_forwarding_of_others),
		cmocka_unit_test(test_RFC3758_the_read_front_of_an_abandoned_ordered_message_is_dropped),
		cmocka_unit_test(test_RFC3758_the_unread_front_of_an_abandoned_ordered_message_is_dropped),
		cmocka_unit_test(test_a_slow_reader_closes_the_window),
		cmocka_unit_test(test_one_byte_messages_from_a_fast_sender),
		cmocka_unit_test(test_R37_messages_that_are_never_completed_close_the_association_at_the_budget),
		cmocka_unit_test(test_a_restart_of_the_other_side_ends_the_association),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
