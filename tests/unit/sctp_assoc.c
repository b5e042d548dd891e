/* The association as an object of five verbs: start, close, time, memory, and what must not happen (R27, R37). */
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

static const struct sctp_path near = { .latency_us = 5 * MILLISECOND };

static struct {
	enum sctp_assoc_state state[2];
	enum sctp_cause cause[2];
	uint16_t code[2];
	int states[2];
	int messages;
	int errors;
	int closed;
	struct sctp_channel *fresh;
} seen;

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	switch (event->type) {
	case SCTP_EV_STATE:
		seen.states[side]++;
		seen.state[side] = event->state;
		seen.cause[side] = event->cause;
		seen.code[side] = event->error_code;
		break;
	case SCTP_EV_CHANNEL_NEW:
		seen.fresh = event->channel;
		break;
	case SCTP_EV_MESSAGE:
		while (sctp_channel_receive(event->channel, &message))
			seen.messages++;
		break;
	case SCTP_EV_CHANNEL_ERROR:
		seen.errors++;
		break;
	case SCTP_EV_CHANNEL_CLOSED:
		seen.closed++;
		break;
	default:
		break;
	}
}

static void begin(struct sctp_pair *pair, const struct sctp_path *path)
{
	memset(&seen, 0, sizeof(seen));
	sctp_pair_init(pair, path, 1, NULL);
	pair->on_event = on_event;
}

static struct sctp_channel *channel_of(struct sctp_pair *pair, int side)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair->side[side], pair->now, &config, &channel), WLK_OK);
	return channel;
}

static void begin_connected(struct sctp_pair *pair, const struct sctp_path *path)
{
	begin(pair, path);
	sctp_pair_start(pair, 0);
	assert_true(sctp_pair_run(pair, 60 * SECOND, sctp_pair_connected));
}

static void test_bad_configs_and_params(void **state)
{
	struct sctp_assoc_config config;
	struct sctp_assoc_start start = { .remote_port = 5000, .mtu = SCTP_ASSOC_MTU };
	struct sctp_assoc_start bad;
	struct sctp_assoc *assoc = NULL;

	(void)state;
	sctp_assoc_config_init(&config);
	config.streams = 0;
	assert_int_equal(sctp_assoc_create(&assoc, &config), WLK_ERR_INVALID);
	config.streams = 1;
	config.max_message_size = 0;
	assert_int_equal(sctp_assoc_create(&assoc, &config), WLK_ERR_INVALID);
	assert_null(assoc);
	config.max_message_size = 1;
	assert_int_equal(sctp_assoc_create(&assoc, &config), WLK_OK);
	bad = start;
	bad.mtu = SCTP_ASSOC_MTU_SMALL - 4;
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &bad), WLK_ERR_INVALID);
	bad.mtu = SCTP_ASSOC_MTU + 1;
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &bad), WLK_ERR_INVALID);
	bad = start;
	bad.remote_port = 0;
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &bad), WLK_ERR_INVALID);
	assert_int_equal(sctp_assoc_state(assoc), SCTP_ASSOC_NEW);
	assert_int_equal(sctp_assoc_deadline(assoc), WLK_TIME_NEVER);
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &start), WLK_OK);
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &start), WLK_ERR_STATE);
	sctp_assoc_destroy(assoc);
	sctp_assoc_destroy(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_a_budget_too_small_refuses_the_start(void **state)
{
	struct sctp_assoc_start start = { .remote_port = 5000, .mtu = SCTP_ASSOC_MTU };
	struct sctp_assoc_config config;
	struct sctp_assoc *assoc;

	(void)state;
	sctp_assoc_config_init(&config);
	config.budget.limit = 512 * 1024;
	assert_int_equal(sctp_assoc_create(&assoc, &config), WLK_OK);
	assert_int_equal(sctp_assoc_start(assoc, SECOND, &start), WLK_ERR_NOMEM);
	assert_int_equal(sctp_assoc_state(assoc), SCTP_ASSOC_NEW);
	sctp_assoc_destroy(assoc);
}

static void test_states_come_in_order_once_each(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin(&pair, &near);
	sctp_pair_start(&pair, 0);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.states[0], 1);
	assert_int_equal(seen.state[0], SCTP_ASSOC_CONNECTING);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.states[0], 2);
	assert_int_equal(seen.state[0], SCTP_ASSOC_CONNECTED);
	assert_int_equal(seen.states[1], 2);
	assert_int_equal(sctp_assoc_streams(pair.side[0]), 1024);
	sctp_pair_free(&pair);
}

static void test_set_up_takes_two_round_trips(void **state)
{
	struct sctp_path path = { .latency_us = 100 * MILLISECOND };
	struct sctp_pair pair;

	(void)state;
	begin(&pair, &path);
	sctp_pair_start(&pair, 0);
	assert_true(sctp_pair_run(&pair, 60 * SECOND, sctp_pair_connected));
	assert_true(pair.now - SECOND <= 400 * MILLISECOND);
	sctp_pair_free(&pair);
}

static void test_graceful_close_sends_what_is_queued(void **state)
{
	static uint8_t data[200000];
	struct sctp_pair pair;
	struct sctp_channel *channel;

	(void)state;
	begin_connected(&pair, &near);
	channel = channel_of(&pair, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	sctp_assoc_close(pair.side[0], pair.now, true);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 1), WLK_ERR_STATE);
	sctp_pair_pass(&pair, 10 * SECOND);
	assert_int_equal(seen.messages, 4);
	assert_int_equal(seen.state[0], SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause[0], SCTP_CAUSE_LOCAL);
	assert_int_equal(seen.state[1], SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause[1], SCTP_CAUSE_PEER_CLOSED);
	assert_int_equal(seen.closed, 2);
	assert_int_equal(seen.errors, 0);
	assert_int_equal(sctp_assoc_deadline(pair.side[0]), WLK_TIME_NEVER);
	sctp_pair_free(&pair);
}

static void test_abort_tells_the_other_side(void **state)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel = NULL;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair, &near);
	channel_of(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	sctp_assoc_close(pair.side[0], pair.now, false);
	sctp_assoc_close(pair.side[0], pair.now, false); /* idempotent */
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair.side[0], pair.now, &config, &channel), WLK_ERR_STATE);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.cause[0], SCTP_CAUSE_LOCAL);
	assert_int_equal(seen.cause[1], SCTP_CAUSE_PEER_ABORT);
	assert_int_equal(seen.code[1], 12); /* RFC 9260 3.3.10.12: user-initiated abort */
	assert_int_equal(seen.errors, 1);   /* the side that did not ask for it */
	assert_int_equal(seen.closed, 2);
	sctp_pair_free(&pair);
}

static void test_close_before_start(void **state)
{
	struct sctp_assoc_start start = { .remote_port = 5000, .mtu = SCTP_ASSOC_MTU };
	struct sctp_pair pair;

	(void)state;
	begin(&pair, &near);
	channel_of(&pair, 0);
	sctp_assoc_close(pair.side[0], pair.now, true);
	assert_int_equal(sctp_assoc_start(pair.side[0], pair.now, &start), WLK_ERR_STATE);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.state[0], SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.closed, 1);
	sctp_pair_free(&pair);
}

static void test_R29_no_packet_above_the_MTU(void **state)
{
	static const size_t mtus[] = { SCTP_ASSOC_MTU, SCTP_ASSOC_MTU_SMALL };
	static uint8_t data[100000];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sctp_pair pair;

		begin(&pair, &near);
		assert_int_equal(
			sctp_channel_send(channel_of(&pair, 0), pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)),
			WLK_OK);
		sctp_pair_start(&pair, mtus[i]);
		sctp_pair_pass(&pair, 5 * SECOND);
		assert_int_equal(seen.messages, 1);
		assert_int_equal(pair.largest, mtus[i]);
		sctp_pair_free(&pair);
	}
}

static bool got_one(struct sctp_pair *pair)
{
	(void)pair;
	return seen.messages;
}

/* What is in flight, from time to time. */
static uint64_t most_in_flight(struct sctp_pair *pair, int steps)
{
	uint64_t most = 0;

	for (int i = 0; i < steps; i++) {
		struct sctp_assoc_stats stats;

		sctp_pair_step(pair);
		sctp_assoc_stats(pair->side[0], &stats);
		most = MAX(most, stats.flight_size);
	}
	return most;
}

static void test_a_limited_window_holds_and_is_lifted(void **state)
{
	static uint8_t data[200000];
	const struct sctp_path path = { .latency_us = 30000 };
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin(&pair, &path);
	channel = channel_of(&pair, 0);
	sctp_assoc_limit_window(pair.side[0], pair.now, 8000); /* before it starts: nothing to limit */
	sctp_pair_start(&pair, 0);
	assert_true(sctp_pair_run(&pair, 60 * SECOND, sctp_pair_connected));
	sctp_assoc_limit_window(pair.side[0], pair.now, 8000);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	assert_in_range(most_in_flight(&pair, 300), 4000, 8000 + SCTP_ASSOC_MTU);
	assert_true(sctp_pair_run(&pair, 120 * SECOND, got_one));
	sctp_assoc_limit_window(pair.side[0], pair.now, 0);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	assert_true(most_in_flight(&pair, 2000) > 16000);
	sctp_pair_free(&pair);
}

static bool lose_everything(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)from;
	(void)packet;
	(void)size;
	return false;
}

static void test_a_partition_is_survived_and_data_flows_within_the_RTO_cap(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;
	wlk_time healed;

	(void)state;
	begin_connected(&pair, &near);
	channel = channel_of(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	pair.tap = lose_everything;
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "hello", 5), WLK_OK);
	sctp_pair_pass(&pair, 60 * SECOND);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
	pair.tap = NULL;
	healed = pair.now;
	while (!seen.messages && pair.now < healed + 10 * SECOND)
		sctp_pair_step(&pair);
	assert_true(pair.now - healed <= 2200 * MILLISECOND); /* RTO.Max and a tick */
	sctp_pair_free(&pair);
}

static int lost_first;

static bool lose_first_of_each(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)size;
	if (packet[PACKET_HEADER_SIZE] <= CHUNK_COOKIE_ACK &&
	    !(lost_first & 1 << (packet[PACKET_HEADER_SIZE] + 16 * from))) {
		lost_first |= 1 << (packet[PACKET_HEADER_SIZE] + 16 * from);
		return false;
	}
	return true;
}

static void test_each_handshake_packet_may_be_lost(void **state)
{
	struct sctp_pair pair;

	(void)state;
	lost_first = 0;
	begin(&pair, &near);
	pair.tap = lose_first_of_each;
	sctp_pair_start(&pair, 0);
	assert_true(sctp_pair_run(&pair, 10 * SECOND, sctp_pair_connected));
	assert_true(pair.now - SECOND < 4 * SECOND);
	sctp_pair_free(&pair);
}

static uintptr_t heap_prefix;
static int pointers_seen;

static bool search_pointers(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)from;
	for (size_t i = 0; i + 8 <= *size; i++) {
		uint64_t little = 0, big = 0;

		for (size_t k = 0; k < 8; k++) {
			big = big << 8 | packet[i + k];
			little = little << 8 | packet[i + 7 - k];
		}
		pointers_seen += (little >> 24) == heap_prefix || (big >> 24) == heap_prefix;
	}
	return true;
}

static void test_R27_no_address_of_ours_leaves_in_a_packet(void **state)
{
	struct sctp_pair pair;

	(void)state;
	pointers_seen = 0;
	begin(&pair, &near);
	heap_prefix = (uintptr_t)pair.side[0] >> 24;
	assert_true(heap_prefix > 0);
	pair.tap = search_pointers;
	assert_int_equal(sctp_channel_send(channel_of(&pair, 0), pair.now, SCTP_MESSAGE_STRING, "x", 1), WLK_OK);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 70 * SECOND); /* past two heartbeats, which carry the address */
	assert_int_equal(seen.messages, 1);
	assert_int_equal(pointers_seen, 0);
	sctp_pair_free(&pair);
}

/* Makes side 0 look like a peer that speaks RFC 9653, and takes the checksums off what it sends. */
static int zero_packets;
static int checked_packets;
static bool init_ack_has_param;

static bool speak_rfc9653(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	uint8_t type = packet[PACKET_HEADER_SIZE];

	(void)pair;
	if (from == 0) {
		if (type == CHUNK_INIT) {
			static const uint8_t param[8] = { 0x80, 0x01, 0, 8, 0, 0, 0, 1 };

			memcpy(packet + *size, param, sizeof(param));
			*size += sizeof(param);
			store_u16(packet + PACKET_HEADER_SIZE + 2, (uint16_t)(*size - PACKET_HEADER_SIZE));
			packet_write_checksum(packet, *size);
		} else if (type != CHUNK_COOKIE_ECHO && type != CHUNK_INIT_ACK) {
			store_u32(packet + 8, 0);
		}
		return true;
	}
	if (type == CHUNK_INIT)
		return false; /* one handshake is enough */
	if (type == CHUNK_INIT_ACK)
		init_ack_has_param = memcmp(packet + *size - 8, (uint8_t[]){ 0x80, 0x01, 0, 8, 0, 0, 0, 1 }, 8) == 0;
	if (load_u32(packet + 8) == 0)
		zero_packets++;
	else
		checked_packets++;
	packet_write_checksum(packet, *size); /* side 0 did not announce it and wants one */
	return true;
}

static void test_RFC9653_zero_checksum_with_a_peer_that_announces_it(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	zero_packets = checked_packets = 0;
	begin(&pair, &near);
	pair.tap = speak_rfc9653;
	channel = channel_of(&pair, 0);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "x", 1), WLK_OK);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_true(init_ack_has_param);
	assert_int_equal(seen.messages, 1);
	assert_int_equal(checked_packets, 1); /* the INIT ACK */
	assert_true(zero_packets >= 2);
	sctp_assoc_stats(pair.side[1], &stats);
	assert_true(stats.zero_checksum);
	assert_int_equal(stats.checksum_errors, 0);
	sctp_pair_free(&pair);
}

static void test_stats(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair, &near);
	channel_of(&pair, 0);
	channel_of(&pair, 1);
	sctp_pair_pass(&pair, SECOND);
	sctp_assoc_input(pair.side[0], pair.now, (const uint8_t *)"garbage garbage garbage", 24);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.channels_requested, 1);
	assert_int_equal(stats.channels_accepted, 1);
	assert_int_equal(stats.channels_opened, 2);
	assert_int_equal(stats.packets_filtered, 1);
	assert_int_equal(stats.mtu, SCTP_ASSOC_MTU);
	assert_int_equal(stats.srtt_us, 10000);
	assert_int_equal(stats.rto_us, 200000);
	assert_int_equal(stats.unacked, 0);
	assert_true(stats.cwnd >= 4 * 1144);
	assert_true(stats.peer_rwnd > 200000);
	assert_true(stats.packets_sent > 3 && stats.bytes_sent > stats.packets_sent * 16);
	assert_false(stats.zero_checksum);
	sctp_pair_free(&pair);
}

/* ---- time ---- */

static void check_invariants(struct sctp_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		struct sctp_assoc_event event;
		struct pktbuf *buf;
		int drained = 0;

		sctp_assoc_handle_timeout(pair->side[i], pair->now);
		while (sctp_assoc_poll_transmit(pair->side[i], pair->now, &buf)) {
			pktbuf_release(buf);
			assert_true(++drained < 10000);
		}
		while (sctp_assoc_poll_event(pair->side[i], &event))
			assert_true(++drained < 10000);
		assert_true(sctp_assoc_deadline(pair->side[i]) > pair->now);
		/* Nothing changes without time, input or a call. */
		assert_false(sctp_assoc_poll_event(pair->side[i], &event));
		assert_false(sctp_assoc_poll_transmit(pair->side[i], pair->now, &buf));
		sctp_assoc_handle_timeout(pair->side[i], pair->now);
		assert_false(sctp_assoc_poll_event(pair->side[i], &event));
		assert_false(sctp_assoc_poll_transmit(pair->side[i], pair->now, &buf));
	}
}

static uint8_t recorded[256][2048];
static size_t recorded_size[256];
static size_t recorded_count;

static bool record(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	if (from == 1 && recorded_count < 256) {
		memcpy(recorded[recorded_count], packet, *size);
		recorded_size[recorded_count++] = *size;
	}
	return true;
}

/* Any input bytes leave the verbs' promises true: no spin, bounded drains, nothing from nothing. */
static void test_property_of_the_verbs(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	recorded_count = 0;
	begin(&pair, &near);
	pair.tap = record;
	channel = channel_of(&pair, 0);
	sctp_pair_start(&pair, 0);
	check_invariants(&pair);
	sctp_pair_pass(&pair, SECOND);
	for (int round = 0; round < 3000; round++) {
		uint8_t packet[2048];
		size_t size = sctp_pair_random(&pair, 200);

		if (recorded_count && sctp_pair_random(&pair, 3)) {
			size_t which = sctp_pair_random(&pair, (uint32_t)recorded_count);

			size = recorded_size[which];
			memcpy(packet, recorded[which], size);
			for (uint32_t k = sctp_pair_random(&pair, 4); k; k--)
				packet[12 + sctp_pair_random(&pair, (uint32_t)size - 12)] =
					(uint8_t)sctp_pair_random(&pair, 256);
			packet_write_checksum(packet, size);
		} else {
			for (size_t i = 0; i < size; i++)
				packet[i] = (uint8_t)sctp_pair_random(&pair, 256);
		}
		sctp_assoc_input(pair.side[0], pair.now, packet, size);
		if (sctp_assoc_state(pair.side[0]) == SCTP_ASSOC_CLOSED)
			break; /* a forged ABORT or SHUTDOWN */
		if (round % 16 == 0)
			(void)!sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "x", 1);
		check_invariants(&pair);
		pair.now += sctp_pair_random(&pair, 50000);
		sctp_clock_set(pair.now);
	}
	sctp_pair_free(&pair);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_an_idle_association_wakes_rarely_and_a_busy_one_every_tick(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair, &near);
	channel = channel_of(&pair, 0);
	sctp_pair_pass(&pair, 5 * SECOND);
	for (int i = 0; i < 2; i++)
		sctp_assoc_handle_timeout(pair.side[i], pair.now);
	assert_true(sctp_assoc_deadline(pair.side[0]) - pair.now > 100 * MILLISECOND);
	pair.tap = lose_everything;
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "x", 1), WLK_OK);
	assert_true(sctp_assoc_deadline(pair.side[0]) - pair.now <= 10 * MILLISECOND);
	sctp_pair_pass(&pair, 5 * SECOND);
	assert_true(sctp_assoc_deadline(pair.side[0]) - pair.now <= 10 * MILLISECOND); /* unacknowledged */
	sctp_pair_free(&pair);
}

static size_t steps_until(struct sctp_pair *pair, wlk_time end)
{
	size_t steps = 0;

	while (pair->now < end && sctp_assoc_state(pair->side[0]) == SCTP_ASSOC_CONNECTED) {
		sctp_pair_step(pair);
		sctp_pair_drain(pair);
		steps++;
	}
	return steps;
}

/* Ten minutes of nothing but heartbeats, every 30 s, which do not bring the ticks of 10 ms back. */
static void test_heartbeats_do_not_end_idleness(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_pair pair;

	(void)state;
	begin_connected(&pair, &near);
	sctp_pair_pass(&pair, 5 * SECOND);
	sctp_assoc_stats(pair.side[0], &stats);
	uint64_t before = stats.packets_sent;

	assert_in_range(steps_until(&pair, pair.now + 600 * SECOND), 200, 500);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_in_range(stats.packets_sent - before, 30, 45); /* heartbeats, and answers to those of the other side */
	assert_int_equal(sctp_channel_send(channel_of(&pair, 0), pair.now, SCTP_MESSAGE_STRING, "x", 1), WLK_OK);
	assert_true(sctp_assoc_deadline(pair.side[0]) - pair.now <= 10 * MILLISECOND);
	sctp_pair_free(&pair);
}

/* ---- memory ---- */

static void start_side(struct sctp_assoc *assoc, wlk_time now, bool client)
{
	struct sctp_assoc_start start = { client, 5000, SCTP_ASSOC_MTU, SCTP_CHANNEL_MESSAGE_SIZE };

	(void)!sctp_assoc_start(assoc, now, &start);
}

static void pump(struct sctp_assoc **side, wlk_time *now, int rounds)
{
	struct sctp_assoc_event event;
	struct sctp_message message;
	struct pktbuf *buf;

	for (int round = 0; round < rounds; round++) {
		*now += 5 * MILLISECOND;
		sctp_clock_set(*now);
		for (int i = 0; i < 2; i++) {
			sctp_assoc_handle_timeout(side[i], *now);
			while (sctp_assoc_poll_event(side[i], &event)) {
				if (event.type == SCTP_EV_MESSAGE) {
					while (sctp_channel_receive(event.channel, &message)) {
						if (i == 1)
							(void)!sctp_channel_send(event.channel, *now, message.type,
										 message.data, message.size);
					}
				}
				if (event.type == SCTP_EV_CHANNEL_CLOSED && !sctp_channel_user(event.channel))
					sctp_channel_destroy(event.channel);
			}
			while (sctp_assoc_poll_transmit(side[i], *now, &buf)) {
				sctp_assoc_input(side[!i], *now, buf->data, buf->size);
				pktbuf_release(buf);
			}
		}
	}
}

/* Two associations, three channels, messages of two sizes, a close. Every allocation of ours may fail. */
static void story(void)
{
	static uint8_t data[9000];
	struct sctp_channel *channel[3] = { NULL };
	struct sctp_assoc *side[2] = { NULL };
	struct sctp_assoc_config config;
	struct sctp_channel_config channel_config;
	wlk_time now = SECOND;

	sctp_clock_set(now);
	sctp_assoc_config_init(&config);
	sctp_channel_config_init(&channel_config);
	channel_config.label = "label";
	channel_config.label_size = 5;
	for (int i = 0; i < 2; i++) {
		if (sctp_assoc_create(&side[i], &config) != WLK_OK)
			goto out;
	}
	for (int i = 0; i < 3; i++) {
		channel_config.ordered = i != 1;
		if (sctp_channel_create(side[0], now, &channel_config, &channel[i]) != WLK_OK)
			continue;
		sctp_channel_set_user(channel[i], side); /* ours to destroy */
		(void)!sctp_channel_send(channel[i], now, SCTP_MESSAGE_BINARY, data, i == 2 ? 10 : sizeof(data));
	}
	start_side(side[0], now, true);
	start_side(side[1], now, false);
	pump(side, &now, 60);
	if (channel[2] && sctp_channel_state(channel[2]) == SCTP_CHANNEL_OPEN)
		sctp_channel_close(channel[2], now);
	pump(side, &now, 60);
	sctp_assoc_close(side[0], now, false);
	pump(side, &now, 5);
out:
	for (int i = 0; i < 2; i++)
		sctp_assoc_destroy(side[i]);
}

static void test_every_failing_allocation(void **state)
{
	size_t failures = 0;

	(void)state;
	for (size_t n = 1;; n++) {
		alloc_fail_after(n);
		story();
		bool failed = alloc_did_fail();

		alloc_fail_after(0);
		assert_int_equal(alloc_live_blocks(), 0);
		if (!failed)
			break;
		failures++;
	}
	print_message("%zu points of failure\n", failures);
	assert_true(failures > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_configs_and_params),
		cmocka_unit_test(test_a_budget_too_small_refuses_the_start),
		cmocka_unit_test(test_states_come_in_order_once_each),
		cmocka_unit_test(test_set_up_takes_two_round_trips),
		cmocka_unit_test(test_graceful_close_sends_what_is_queued),
		cmocka_unit_test(test_abort_tells_the_other_side),
		cmocka_unit_test(test_close_before_start),
		cmocka_unit_test(test_R29_no_packet_above_the_MTU),
		cmocka_unit_test(test_a_limited_window_holds_and_is_lifted),
		cmocka_unit_test(test_a_partition_is_survived_and_data_flows_within_the_RTO_cap),
		cmocka_unit_test(test_each_handshake_packet_may_be_lost),
		cmocka_unit_test(test_R27_no_address_of_ours_leaves_in_a_packet),
		cmocka_unit_test(test_RFC9653_zero_checksum_with_a_peer_that_announces_it),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_property_of_the_verbs),
		cmocka_unit_test(test_an_idle_association_wakes_rarely_and_a_busy_one_every_tick),
		cmocka_unit_test(test_heartbeats_do_not_end_idleness),
		cmocka_unit_test(test_every_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
