/* The channel as its caller sees it: configs, ids, getters, limits, pieces, errors that change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/packet_filter.h"
#include "support/sctp_pair.h"

static const struct sctp_path near = { .latency_us = MILLISECOND };

static struct {
	struct sctp_channel *fresh;
	int opened[2];
	int errors;
	wlk_err error;
	int messages;
	int pieces;
	size_t last_size;
	size_t message_bytes;
	enum sctp_message_type last_type;
	bool reading_off;
} seen;

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	if (event->type == SCTP_EV_CHANNEL_NEW)
		seen.fresh = event->channel;
	if (event->type == SCTP_EV_CHANNEL_OPEN)
		seen.opened[side]++;
	if (event->type == SCTP_EV_CHANNEL_ERROR) {
		seen.errors++;
		seen.error = event->error;
	}
	if (event->type != SCTP_EV_MESSAGE || seen.reading_off)
		return;
	while (sctp_channel_receive(event->channel, &message)) {
		seen.pieces++;
		seen.messages += message.end;
		seen.last_size = message.size;
		seen.message_bytes += message.size;
		seen.last_type = message.type;
	}
}

static void begin(struct sctp_pair *pair, const struct sctp_assoc_config *config)
{
	memset(&seen, 0, sizeof(seen));
	sctp_pair_init(pair, &near, 1, config);
	pair->on_event = on_event;
}

static void begin_connected(struct sctp_pair *pair)
{
	begin(pair, NULL);
	sctp_pair_start(pair, 0);
	assert_true(sctp_pair_run(pair, SECOND, sctp_pair_connected));
}

static struct sctp_channel *plain(struct sctp_pair *pair, int side)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair->side[side], pair->now, &config, &channel), WLK_OK);
	return channel;
}

static void test_configs_out_of_range_are_refused(void **state)
{
	struct sctp_channel_config good, config;
	struct sctp_channel *channel = NULL;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&good);
#define REFUSED(err, change)                                                                                           \
	do {                                                                                                           \
		config = good;                                                                                         \
		change;                                                                                                \
		assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &channel), (err));               \
		assert_null(channel);                                                                                  \
	} while (0)
	REFUSED(WLK_ERR_INVALID, config.label_size = 65536);
	REFUSED(WLK_ERR_INVALID, config.protocol_size = 65536);
	REFUSED(WLK_ERR_INVALID, config.max_retransmits = 65536);
	REFUSED(WLK_ERR_INVALID, config.max_lifetime_ms = 65536);
	REFUSED(WLK_ERR_INVALID, config.max_retransmits = config.max_lifetime_ms = 1);
	REFUSED(WLK_ERR_INVALID, config.negotiated = true); /* without an id */
	REFUSED(WLK_ERR_INVALID, config.id = 65535);
	REFUSED(WLK_ERR_INVALID, config.id = -2);
	REFUSED(WLK_ERR_INVALID, config.high_water = 0);
	REFUSED(WLK_ERR_NOSPACE, config.id = 1024);
#undef REFUSED
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_an_id_in_use_is_refused(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel, *second = NULL;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&config);
	config.id = 6;
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &channel), WLK_OK);
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &second), WLK_ERR_INVALID);
	assert_null(second);
	sctp_pair_free(&pair);
}

static void test_getters_on_both_sides(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;
	struct sctp_pair pair;
	size_t size;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&config);
	config.label = "a\0b";
	config.label_size = 3;
	config.protocol = "proto";
	config.protocol_size = 5;
	config.ordered = false;
	config.max_retransmits = 0;
	config.priority = 1024;
	assert_int_equal(sctp_channel_create(pair.side[1], pair.now, &config, &channel), WLK_OK);
	assert_int_equal(sctp_channel_id(channel), -1); /* the role is not known */
	sctp_channel_set_user(channel, &pair);
	sctp_pair_start(&pair, 0);
	assert_int_equal(sctp_channel_id(channel), 1); /* odd for the DTLS server */
	sctp_pair_pass(&pair, SECOND);
	assert_non_null(seen.fresh);
	assert_memory_equal(sctp_channel_label(seen.fresh, &size), "a\0b", 4);
	assert_int_equal(size, 3);
	assert_string_equal(sctp_channel_protocol(seen.fresh, &size), "proto");
	assert_int_equal(size, 5);
	assert_false(sctp_channel_ordered(seen.fresh));
	assert_int_equal(sctp_channel_max_retransmits(seen.fresh), 0);
	assert_int_equal(sctp_channel_max_lifetime_ms(seen.fresh), -1);
	assert_int_equal(sctp_channel_priority(seen.fresh), 1024);
	assert_int_equal(sctp_channel_id(seen.fresh), 1);
	assert_false(sctp_channel_negotiated(seen.fresh));
	assert_int_equal(sctp_channel_state(seen.fresh), SCTP_CHANNEL_OPEN);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_OPEN);
	assert_ptr_equal(sctp_channel_user(channel), &pair);
	assert_null(sctp_channel_user(seen.fresh));
	assert_ptr_equal(sctp_assoc_channel(pair.side[0], 1), seen.fresh);
	assert_null(sctp_assoc_channel(pair.side[0], 3));
	sctp_pair_free(&pair);
}

static void test_ids_follow_the_parity_and_skip_what_is_taken(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *negotiated, *first, *second, *third;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&config);
	config.negotiated = true;
	config.id = 2;
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &negotiated), WLK_OK);
	first = plain(&pair, 0);
	second = plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	third = plain(&pair, 0);
	assert_int_equal(sctp_channel_id(first), 0);
	assert_int_equal(sctp_channel_id(second), 4);
	assert_int_equal(sctp_channel_id(third), 6);
	sctp_pair_free(&pair);
}

static void test_R31_no_more_channels_than_streams(void **state)
{
	struct sctp_assoc_config config;
	struct sctp_channel_config channel_config;
	struct sctp_channel *channel = NULL;
	struct sctp_pair pair;

	(void)state;
	sctp_assoc_config_init(&config);
	config.streams = 4;
	begin(&pair, &config);
	plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	plain(&pair, 0);
	sctp_channel_config_init(&channel_config);
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &channel_config, &channel), WLK_ERR_NOSPACE);
	assert_null(channel);
	sctp_pair_free(&pair);
}

static void test_ids_that_run_out_at_start_are_reported(void **state)
{
	struct sctp_assoc_config config;
	struct sctp_pair pair;

	(void)state;
	sctp_assoc_config_init(&config);
	config.streams = 4;
	begin(&pair, &config);
	for (int i = 0; i < 3; i++)
		plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.errors, 1);
	assert_int_equal(seen.error, WLK_ERR_NOSPACE);
	assert_int_equal(seen.opened[0], 2);
	sctp_pair_free(&pair);
}

static void test_negotiated_channels_need_no_OPEN(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *ours, *theirs;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	sctp_channel_config_init(&config);
	config.negotiated = true;
	config.ordered = false;
	config.id = 43; /* either parity */
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &ours), WLK_OK);
	assert_int_equal(sctp_channel_create(pair.side[1], pair.now, &config, &theirs), WLK_OK);
	assert_int_equal(sctp_channel_send(ours, pair.now, SCTP_MESSAGE_STRING, "early", 5), WLK_OK);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_null(seen.fresh);
	assert_int_equal(seen.opened[0], 1);
	assert_int_equal(seen.opened[1], 1);
	assert_int_equal(seen.messages, 1);
	sctp_pair_free(&pair);
}

static bool cookie_echo_has_data;

static bool look_at_cookie_echo(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	int data_chunks = 0;

	(void)pair;
	if (from == 1 || packet[PACKET_HEADER_SIZE] != CHUNK_COOKIE_ECHO)
		return true;
	for (size_t at = PACKET_HEADER_SIZE; at < *size; at += (load_u16(packet + at + 2) + 3u) & ~(size_t)3)
		data_chunks += packet[at] == CHUNK_DATA;
	cookie_echo_has_data = data_chunks == 2;
	return true;
}

static void test_OPEN_and_first_message_leave_with_COOKIE_ECHO(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	cookie_echo_has_data = false;
	pair.tap = look_at_cookie_echo;
	assert_int_equal(sctp_channel_send(plain(&pair, 0), pair.now, SCTP_MESSAGE_STRING, "first", 5), WLK_OK);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 10 * MILLISECOND);
	assert_true(cookie_echo_has_data);
	assert_int_equal(seen.messages, 1);
	sctp_pair_free(&pair);
}

static bool other_side_is_mute;

/* The other side answers INIT, and says nothing else while it is mute; COOKIE ECHO is looked at as above. */
static bool pass_init_ack_only(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	look_at_cookie_echo(pair, from, packet, size);
	return from == 0 || !other_side_is_mute || packet[PACKET_HEADER_SIZE] == CHUNK_INIT_ACK;
}

static void greet_when_open(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	if (side == 0 && event->type == SCTP_EV_CHANNEL_OPEN)
		assert_int_equal(sctp_channel_send(event->channel, pair->now, SCTP_MESSAGE_STRING, "hello", 5), WLK_OK);
	on_event(pair, side, event);
}

/* RFC 9260 5.1: DATA may be bundled with COOKIE ECHO; what is said in the event of the opening is in time for that. */
static void test_channel_opens_with_INIT_ACK_and_COOKIE_ECHO_takes_what_is_said_then(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	cookie_echo_has_data = false;
	other_side_is_mute = true;
	pair.tap = pass_init_ack_only;
	pair.on_event = greet_when_open;
	channel = plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 10 * MILLISECOND);
	assert_true(cookie_echo_has_data);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_OPEN);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTING);
	assert_int_equal(seen.messages, 1);
	other_side_is_mute = false;
	sctp_pair_pass(&pair, 3 * SECOND);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
	assert_int_equal(seen.messages, 1);
	sctp_pair_free(&pair);
}

static struct sctp_channel *made_later;

static void make_another_when_open(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	if (side == 0 && event->type == SCTP_EV_CHANNEL_OPEN && !made_later) {
		made_later = event->channel;
		made_later = plain(pair, 0);
		assert_int_equal(sctp_channel_state(made_later), SCTP_CHANNEL_OPEN);
	}
	on_event(pair, side, event);
}

static void test_channel_made_behind_INIT_ACK_is_open_at_once(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	made_later = NULL;
	pair.on_event = make_another_when_open;
	plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 100 * MILLISECOND);
	assert_non_null(made_later);
	assert_int_equal(sctp_channel_state(made_later), SCTP_CHANNEL_OPEN);
	sctp_pair_free(&pair);
}

/* An association that fails behind its INIT ACK takes back what it opened. */
static void test_open_channel_closes_when_COOKIE_ECHO_is_never_answered(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	other_side_is_mute = true;
	pair.tap = pass_init_ack_only;
	channel = plain(&pair, 0);
	sctp_pair_start(&pair, 0);
	while (sctp_channel_state(channel) == SCTP_CHANNEL_CONNECTING)
		sctp_pair_pass(&pair, MILLISECOND);
	sctp_assoc_close(pair.side[0], pair.now, false);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_CLOSED);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_message_sizes_and_types(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 1143, 1144, 1145, 65535, 65536, 65537, 262143, 262144 };
	static uint8_t data[262144];
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		enum sctp_message_type type = i % 2 ? SCTP_MESSAGE_STRING : SCTP_MESSAGE_BINARY;

		assert_int_equal(sctp_channel_send(channel, pair.now, type, data, sizes[i]), WLK_OK);
		sctp_pair_pass(&pair, 2 * SECOND);
		assert_int_equal(seen.messages, (int)i + 1);
		assert_int_equal(seen.last_size, sizes[i]);
		assert_int_equal(seen.last_type, type);
	}
	sctp_pair_free(&pair);
}

static void test_a_message_above_the_limit_of_the_other_side(void **state)
{
	static uint8_t data[262145];
	struct sctp_channel_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 262145), WLK_ERR_TOO_LARGE);
	sctp_channel_stats(channel, &stats);
	assert_int_equal(stats.messages_sent, 0);
	assert_int_equal(sctp_channel_buffered_amount(channel), 0);
	sctp_assoc_set_remote_max_message_size(pair.side[0], 100);
	assert_int_equal(sctp_assoc_remote_max_message_size(pair.side[0]), 100);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 101), WLK_ERR_TOO_LARGE);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 100), WLK_OK);
	sctp_assoc_set_remote_max_message_size(pair.side[0], 0);
	assert_int_equal(sctp_assoc_remote_max_message_size(pair.side[0]), SIZE_MAX);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, NULL, 1), WLK_ERR_STATE);
	sctp_pair_free(&pair);
}

static void test_a_message_that_waited_and_is_above_the_limit_of_the_other_side(void **state)
{
	static uint8_t data[262145];
	struct sctp_channel *large, *small;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	large = plain(&pair, 0);
	small = plain(&pair, 0);
	assert_int_equal(sctp_channel_send(large, pair.now, SCTP_MESSAGE_BINARY, data, 262145), WLK_OK); /* nobody said a limit yet */
	assert_int_equal(sctp_channel_send(small, pair.now, SCTP_MESSAGE_BINARY, data, 262144), WLK_OK);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.errors, 1);
	assert_int_equal(seen.error, WLK_ERR_TOO_LARGE);
	assert_int_equal(sctp_channel_state(large), SCTP_CHANNEL_CLOSED);
	assert_int_equal(seen.opened[0], 1);
	assert_int_equal(seen.messages, 1);
	assert_int_equal(seen.message_bytes, 262144);
	sctp_pair_free(&pair);
}

static void test_R30_a_message_above_our_limit_closes_the_channel(void **state)
{
	static uint8_t data[5000];
	struct sctp_assoc_config config;
	struct sctp_assoc_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	sctp_assoc_config_init(&config);
	config.max_message_size = 4000;
	for (int ordered = 0; ordered < 2; ordered++) {
		struct sctp_channel_config channel_config;

		begin(&pair, &config);
		sctp_pair_start(&pair, 0);
		sctp_channel_config_init(&channel_config);
		channel_config.ordered = ordered;
		assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &channel_config, &channel), WLK_OK);
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 4000), WLK_OK);
		sctp_pair_pass(&pair, SECOND);
		assert_int_equal(seen.messages, 1);
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 4001), WLK_OK);
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 10), WLK_OK);
		sctp_pair_pass(&pair, SECOND);
		assert_int_equal(seen.errors, 1);
		assert_int_equal(seen.error, WLK_ERR_TOO_LARGE);
		assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_CLOSED);
		assert_int_equal(sctp_assoc_state(pair.side[1]), SCTP_ASSOC_CONNECTED);
		sctp_assoc_stats(pair.side[1], &stats);
		assert_true(stats.messages_refused >= 1);
		sctp_pair_free(&pair);
	}
}

static void test_one_message_in_pieces_both_ways(void **state)
{
	static uint8_t piece[100000];
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	sctp_pair_pass(&pair, 100 * MILLISECOND);
	sctp_channel_set_streamed(seen.fresh, true);
	sctp_assoc_set_remote_max_message_size(pair.side[0], 0);
	for (int i = 0; i < 50; i++) {
		wlk_err err;

		while ((err = sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_BINARY, piece, sizeof(piece),
						     false)) == WLK_ERR_AGAIN)
			sctp_pair_step(&pair);
		assert_int_equal(err, WLK_OK);
	}
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, piece, 1), WLK_ERR_STATE);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_STRING, piece, 1, false),
			 WLK_ERR_INVALID);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_BINARY, NULL, 0, false), WLK_OK);
	sctp_pair_pass(&pair, 5 * SECOND);
	assert_int_equal(seen.messages, 0);
	assert_int_equal(sctp_channel_buffered_amount(channel), 1); /* the last byte waits for the end */
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_BINARY, NULL, 0, true), WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.messages, 1);
	assert_true(seen.pieces > 10);
	assert_int_equal(seen.message_bytes, 50 * sizeof(piece));
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, piece, 1), WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.messages, 2);
	sctp_pair_free(&pair);
}

static void test_a_whole_message_by_send_part(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_STRING, NULL, 0, true), WLK_OK);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_STRING, "ab", 2, false), WLK_OK);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_STRING, "c", 1, true), WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.messages, 2);
	assert_int_equal(seen.last_size, 3);
	sctp_pair_free(&pair);
}

static void test_closing_ends_an_unfinished_message(void **state)
{
	struct sctp_channel *channel, *other;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	other = plain(&pair, 0);
	assert_int_equal(sctp_channel_send_part(channel, pair.now, SCTP_MESSAGE_STRING, "unfinished", 10, false),
			 WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(sctp_channel_send(other, pair.now, SCTP_MESSAGE_STRING, "waits", 5), WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.messages, 0);
	sctp_channel_close(channel, pair.now);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_CLOSED);
	assert_int_equal(seen.last_size, 5); /* the other channel goes on */
	sctp_pair_free(&pair);
}

static void test_unread_messages_outlive_the_close(void **state)
{
	struct sctp_message message;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	seen.reading_off = true;
	channel = plain(&pair, 0);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "one", 3), WLK_OK);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "two", 3), WLK_OK);
	sctp_channel_close(channel, pair.now);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(sctp_channel_state(seen.fresh), SCTP_CHANNEL_CLOSED);
	assert_true(sctp_channel_receive(seen.fresh, &message));
	assert_memory_equal(message.data, "one", 3);
	assert_true(sctp_channel_receive(seen.fresh, &message));
	assert_memory_equal(message.data, "two", 3);
	assert_false(sctp_channel_receive(seen.fresh, &message));
	sctp_pair_free(&pair);
}

static void test_close_before_start_is_at_once(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, NULL);
	channel = plain(&pair, 0);
	sctp_channel_close(channel, pair.now);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_CLOSED);
	sctp_channel_destroy(channel);
	sctp_channel_destroy(plain(&pair, 0));
	sctp_channel_destroy(NULL);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_null(seen.fresh);
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_counters(void **state)
{
	struct sctp_channel_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair);
	channel = plain(&pair, 0);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "abc", 3), WLK_OK);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, NULL, 0), WLK_OK);
	sctp_pair_pass(&pair, SECOND);
	sctp_channel_stats(channel, &stats);
	assert_int_equal(stats.messages_sent, 2);
	assert_int_equal(stats.bytes_sent, 3);
	sctp_channel_stats(seen.fresh, &stats);
	assert_int_equal(stats.messages_received, 2);
	assert_int_equal(stats.bytes_received, 3);
	sctp_pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configs_out_of_range_are_refused),
		cmocka_unit_test(test_an_id_in_use_is_refused),
		cmocka_unit_test(test_getters_on_both_sides),
		cmocka_unit_test(test_ids_follow_the_parity_and_skip_what_is_taken),
		cmocka_unit_test(test_R31_no_more_channels_than_streams),
		cmocka_unit_test(test_ids_that_run_out_at_start_are_reported),
		cmocka_unit_test(test_negotiated_channels_need_no_OPEN),
		cmocka_unit_test(test_OPEN_and_first_message_leave_with_COOKIE_ECHO),
		cmocka_unit_test(test_channel_opens_with_INIT_ACK_and_COOKIE_ECHO_takes_what_is_said_then),
		cmocka_unit_test(test_channel_made_behind_INIT_ACK_is_open_at_once),
		cmocka_unit_test(test_open_channel_closes_when_COOKIE_ECHO_is_never_answered),
		cmocka_unit_test(test_message_sizes_and_types),
		cmocka_unit_test(test_a_message_above_the_limit_of_the_other_side),
		cmocka_unit_test(test_a_message_that_waited_and_is_above_the_limit_of_the_other_side),
		cmocka_unit_test(test_R30_a_message_above_our_limit_closes_the_channel),
		cmocka_unit_test(test_one_message_in_pieces_both_ways),
		cmocka_unit_test(test_a_whole_message_by_send_part),
		cmocka_unit_test(test_closing_ends_an_unfinished_message),
		cmocka_unit_test(test_unread_messages_outlive_the_close),
		cmocka_unit_test(test_close_before_start_is_at_once),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
