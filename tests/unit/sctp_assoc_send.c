/*
 * Delivery over bad paths: every reliable message once, in order where ordered, byte-exact; back-pressure; fairness;
 * bulk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "support/sctp_pair.h"

enum { CHANNELS = 5, MESSAGES_MAX = 400 };
enum { KIND_ORDERED, KIND_UNORDERED, KIND_REXMIT, KIND_TIMED, KIND_ORDERED_REXMIT };

/* One direction of one channel: what was sent can be computed again from |seed| and the number of the message. */
struct stream {
	struct sctp_channel *out;
	uint64_t seed;
	int kind;
	uint32_t to_send;
	uint32_t sent;
	uint32_t received;
	uint32_t empties_sent;
	uint32_t empties_received;
	uint8_t seen[MESSAGES_MAX];
};

struct world {
	struct sctp_pair pair;
	struct stream stream[2][CHANNELS]; /* by sending side */
	size_t size_max;
	uint64_t bytes;
};

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Sizes from 0 to size_max with many small ones; on channels that lose order 0 or room for the number. */
static size_t size_of(const struct stream *s, uint32_t number, size_t size_max)
{
	uint64_t r = mix(s->seed + number * 0x9e3779b97f4a7c15u);
	size_t size = r % 8 == 0 ? 0 : r % 8 == 1 ? size_max : (r >> 8) % (r % 8 == 2 ? size_max : 3000);

	return size && s->kind != KIND_ORDERED && size < 4 ? 4 : size;
}

static void fill(const struct stream *s, uint32_t number, uint8_t *data, size_t size)
{
	uint64_t r = s->seed ^ number;

	for (size_t i = 0; i < size; i++) {
		if (i % 8 == 0)
			r = mix(r + 0x9e3779b97f4a7c15u);
		data[i] = (uint8_t)(r >> (8 * (i % 8)));
	}
	if (s->kind != KIND_ORDERED && size >= 4)
		store_u32(data, number);
}

static enum sctp_message_type type_of(const struct stream *s, uint32_t number)
{
	return mix(s->seed ^ ~(uint64_t)number) & 1 ? SCTP_MESSAGE_BINARY : SCTP_MESSAGE_STRING;
}

static void send_some(struct world *w, struct stream *s)
{
	while (s->sent < s->to_send) {
		size_t size = size_of(s, s->sent, w->size_max);
		uint8_t *data = malloc(size ? size : 1);
		wlk_err err;

		fill(s, s->sent, data, size);
		err = sctp_channel_send(s->out, w->pair.now, type_of(s, s->sent), data, size);
		free(data);
		if (err == WLK_ERR_AGAIN)
			return;
		assert_int_equal(err, WLK_OK);
		w->bytes += size;
		s->empties_sent += size == 0;
		s->sent++;
	}
}

static void check_message(struct world *w, struct stream *s, const struct sctp_message *message)
{
	uint32_t number = s->received;
	uint8_t *expected;

	assert_true(message->end);
	s->received++;
	if (s->kind != KIND_ORDERED && message->size == 0) {
		s->empties_received++;
		assert_true(s->empties_received <= s->empties_sent);
		return;
	}
	if (s->kind != KIND_ORDERED) {
		assert_true(message->size >= 4);
		number = load_u32(message->data);
	}
	assert_true(number < s->sent);
	assert_false(s->seen[number]); /* exactly once */
	s->seen[number] = 1;
	assert_int_equal(message->size, size_of(s, number, w->size_max));
	assert_int_equal(message->type, type_of(s, number));
	expected = malloc(message->size ? message->size : 1);
	fill(s, number, expected, message->size);
	assert_memory_equal(message->data, expected, message->size);
	free(expected);
}

static struct stream *stream_of(struct world *w, int from, struct sctp_channel *channel)
{
	return &w->stream[from][sctp_channel_id(channel) / 2];
}

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct world *w = CONTAINER_OF(pair, struct world, pair);
	struct sctp_message message;

	assert_int_not_equal(event->type, SCTP_EV_CHANNEL_ERROR);
	assert_true(event->type != SCTP_EV_STATE || event->state != SCTP_ASSOC_CLOSED);
	if (event->type == SCTP_EV_CHANNEL_NEW)
		stream_of(w, side, event->channel)->out = event->channel;
	if (event->type == SCTP_EV_CHANNEL_OPEN || event->type == SCTP_EV_WRITABLE)
		send_some(w, stream_of(w, side, event->channel));
	if (event->type == SCTP_EV_MESSAGE) {
		while (sctp_channel_receive(event->channel, &message))
			check_message(w, stream_of(w, !side, event->channel), &message);
	}
}

static void open_channel(struct world *w, int index)
{
	struct stream *s = &w->stream[0][index];
	struct sctp_channel_config config;

	sctp_channel_config_init(&config);
	config.ordered = s->kind == KIND_ORDERED || s->kind == KIND_ORDERED_REXMIT;
	if (s->kind == KIND_REXMIT || s->kind == KIND_ORDERED_REXMIT)
		config.max_retransmits = 0;
	if (s->kind == KIND_TIMED)
		config.max_lifetime_ms = 300;
	assert_int_equal(sctp_channel_create(w->pair.side[0], w->pair.now, &config, &s->out), WLK_OK);
}

static struct world *make_world(const struct sctp_path *path, uint64_t seed, uint32_t messages, size_t size_max,
				const struct sctp_assoc_config *config)
{
	struct world *w = calloc(1, sizeof(*w));

	sctp_pair_init(&w->pair, path, seed, config);
	w->pair.on_event = on_event;
	w->size_max = size_max;
	for (int i = 0; i < CHANNELS; i++) {
		for (int side = 0; side < 2; side++) {
			w->stream[side][i].seed = mix(seed * 16 + (uint64_t)(side * CHANNELS + i) + 1);
			w->stream[side][i].kind = i;
			w->stream[side][i].to_send = messages;
		}
		open_channel(w, i);
		send_some(w, &w->stream[0][i]); /* before the association is up */
	}
	sctp_pair_start(&w->pair, 0);
	return w;
}

static bool reliable_is_through(struct sctp_pair *pair)
{
	struct world *w = CONTAINER_OF(pair, struct world, pair);

	for (int side = 0; side < 2; side++) {
		for (int i = 0; i <= KIND_UNORDERED; i++) {
			if (w->stream[side][i].received < w->stream[side][i].to_send)
				return false;
		}
	}
	return true;
}

static bool everything_left(struct sctp_pair *pair)
{
	struct world *w = CONTAINER_OF(pair, struct world, pair);

	for (int i = 0; i < CHANNELS; i++) {
		for (int side = 0; side < 2; side++) {
			if (!w->stream[side][i].out || w->stream[side][i].sent < w->stream[side][i].to_send ||
			    sctp_channel_buffered_amount(w->stream[side][i].out))
				return false;
		}
	}
	return true;
}

static void end_world(struct world *w)
{
	sctp_pair_free(&w->pair);
	free(w);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void run_seed(uint64_t seed, size_t size_max)
{
	uint64_t r = mix(seed);
	struct sctp_path path = {
		.latency_us = (wlk_time)(r % 50) * MILLISECOND,
		.jitter_us = (wlk_time)(r >> 8) % 30 * MILLISECOND,
		.loss = (uint32_t)((r >> 16) % 300),
		.duplicate = (uint32_t)((r >> 32) % 100),
		.corrupt = (uint32_t)((r >> 48) % 20),
	};
	struct world *w = make_world(&path, seed, 20, size_max, NULL);

	if (!sctp_pair_run(&w->pair, 3600 * SECOND, reliable_is_through)) {
		print_error("seed %llu: latency %lld jitter %lld loss %u dup %u corrupt %u\n", (unsigned long long)seed,
			    (long long)path.latency_us, (long long)path.jitter_us, path.loss, path.duplicate,
			    path.corrupt);
		for (int side = 0; side < 2; side++)
			for (int i = 0; i < CHANNELS; i++)
				print_error("side %d channel %d: sent %u received %u\n", side, i,
					    w->stream[side][i].sent, w->stream[side][i].received);
		fail();
	}
	assert_true(sctp_pair_run(&w->pair, 3600 * SECOND, everything_left));
	print_message("seed %llu: loss %u.%u %%, %llu bytes, %llu packets, %llu lost, %.1f s\n",
		      (unsigned long long)seed, path.loss / 10, path.loss % 10, (unsigned long long)w->bytes,
		      (unsigned long long)w->pair.packets, (unsigned long long)w->pair.lost,
		      (double)w->pair.now / SECOND);
	end_world(w);
}

static void test_bad_paths_deliver_once_in_order_byte_exact(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		run_seed(seed, 60000);
	run_seed(1001, 256 * 1024);
	run_seed(1002, 256 * 1024);
}

static void test_good_path_delivers_everything_unreliable_channels_too(void **state)
{
	struct sctp_path path = { .latency_us = 5 * MILLISECOND };
	struct world *w = make_world(&path, 7, 100, 20000, NULL);

	(void)state;
	assert_true(sctp_pair_run(&w->pair, 600 * SECOND, reliable_is_through));
	assert_true(sctp_pair_run(&w->pair, 600 * SECOND, everything_left));
	sctp_pair_pass(&w->pair, 5 * SECOND);
	for (int side = 0; side < 2; side++)
		assert_int_equal(w->stream[side][KIND_REXMIT].received, 100);
	end_world(w);
}

/* ---- one channel each way, sized by hand ---- */

static struct sctp_channel *make_channel(struct sctp_pair *pair, size_t high_water)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	sctp_channel_config_init(&config);
	if (high_water)
		config.high_water = high_water;
	assert_int_equal(sctp_channel_create(pair->side[0], pair->now, &config, &channel), WLK_OK);
	return channel;
}

static int writable_events;
static int low_events;
static uint64_t bytes_received;
static uint64_t hash_received;

static uint64_t hash_bytes(uint64_t hash, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 0x100000001b3u;
	return hash;
}

static void count_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	(void)side;
	writable_events += event->type == SCTP_EV_WRITABLE;
	low_events += event->type == SCTP_EV_BUFFERED_LOW;
	if (event->type == SCTP_EV_MESSAGE) {
		while (sctp_channel_receive(event->channel, &message)) {
			bytes_received += message.size;
			hash_received = hash_bytes(hash_received, message.data, message.size);
		}
	}
}

static void reset_counts(void)
{
	writable_events = 0;
	low_events = 0;
	bytes_received = 0;
	hash_received = 0xcbf29ce484222325u;
}

static void test_back_pressure_is_exact(void **state)
{
	struct sctp_path path = { .latency_us = MILLISECOND };
	static uint8_t data[4000];
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	reset_counts();
	sctp_pair_init(&pair, &path, 1, NULL);
	pair.on_event = count_event;
	channel = make_channel(&pair, 10000);
	sctp_channel_set_buffered_low(channel, 4000);
	/* Not started: nothing leaves, so every byte counts. */
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 4000), WLK_OK);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 4000), WLK_OK);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, NULL, 0), WLK_OK);
	assert_int_equal(sctp_channel_buffered_amount(channel), 8000);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 2001), WLK_ERR_AGAIN);
	assert_int_equal(sctp_channel_buffered_amount(channel), 8000);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 2000), WLK_OK);
	assert_int_equal(sctp_channel_buffered_amount(channel), 10000);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 1), WLK_ERR_AGAIN);
	assert_int_equal(writable_events, 0);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(sctp_channel_buffered_amount(channel), 0);
	assert_int_equal(writable_events, 1);
	assert_int_equal(low_events, 1);
	assert_int_equal(bytes_received, 10000);
	sctp_pair_free(&pair);
}

static void test_an_empty_queue_takes_one_message_above_the_mark(void **state)
{
	struct sctp_path path = { .latency_us = MILLISECOND };
	static uint8_t data[5000];
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	sctp_pair_init(&pair, &path, 1, NULL);
	channel = make_channel(&pair, 1000);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 5000), WLK_OK);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 1), WLK_ERR_AGAIN);
	sctp_pair_free(&pair);
}

static bool all_arrived(struct sctp_pair *pair)
{
	return bytes_received >= *(uint64_t *)pair->user;
}

static uint64_t expected_hash;

static void send_bulk(struct sctp_pair *pair, struct sctp_channel *channel, uint64_t total)
{
	static uint8_t data[256 * 1024];
	uint64_t sent = 0;
	wlk_err err;

	expected_hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	while (sent < total) {
		data[0] = (uint8_t)sent;
		err = sctp_channel_send(channel, pair->now, SCTP_MESSAGE_BINARY, data, sizeof(data));
		if (err == WLK_ERR_AGAIN) {
			sctp_pair_step(pair);
			continue;
		}
		assert_int_equal(err, WLK_OK);
		expected_hash = hash_bytes(expected_hash, data, sizeof(data));
		sent += sizeof(data);
	}
}

static void test_64_MiB_and_R30_buffers_grow_on_need(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	uint64_t total = 64 * 1024 * 1024;
	struct sctp_assoc_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	reset_counts();
	sctp_pair_init(&pair, &path, 1, NULL);
	pair.on_event = count_event;
	pair.user = &total;
	channel = make_channel(&pair, 0);
	sctp_pair_start(&pair, 0);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.send_buffer, 256 * 1024);
	assert_int_equal(stats.receive_buffer, 256 * 1024);
	send_bulk(&pair, channel, total);
	assert_true(sctp_pair_run(&pair, 600 * SECOND, all_arrived));
	assert_int_equal(bytes_received, total);
	assert_true(hash_received == expected_hash);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_true(stats.send_buffer > 256 * 1024 && stats.send_buffer <= 3 * 1024 * 1024);
	sctp_assoc_stats(pair.side[1], &stats);
	assert_true(stats.receive_buffer > 256 * 1024 && stats.receive_buffer <= 3 * 1024 * 1024);
	print_message("64 MiB over 20 ms in %.2f s: %.1f MB/s\n", (double)pair.now / SECOND - 1,
		      (double)total / (double)(pair.now - SECOND));
	assert_true(pair.now < 30 * SECOND);
	sctp_pair_free(&pair);
}

static void test_R37_buffers_do_not_grow_beyond_the_budget(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	uint64_t total = 8 * 1024 * 1024;
	struct sctp_assoc_config config;
	struct sctp_assoc_stats stats;
	struct sctp_channel *channel;
	struct sctp_pair pair;
	size_t used = 0;

	(void)state;
	reset_counts();
	sctp_assoc_config_init(&config);
	config.budget.used = &used;
	config.budget.limit = 4 * 1024 * 1024;
	sctp_pair_init(&pair, &path, 1, &config);
	pair.on_event = count_event;
	pair.user = &total;
	channel = make_channel(&pair, 0);
	sctp_pair_start(&pair, 0);
	assert_int_equal(used / (256 * 1024), 4); /* two buffers a side */
	send_bulk(&pair, channel, total);
	assert_true(sctp_pair_run(&pair, 600 * SECOND, all_arrived));
	assert_true(used <= config.budget.limit);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_true(stats.send_buffer < 3 * 1024 * 1024);
	sctp_pair_free(&pair);
	assert_int_equal(used, 0);
}

static void test_R37_send_waits_for_the_budget(void **state)
{
	struct sctp_path path = { .latency_us = MILLISECOND };
	static uint8_t data[100 * 1024];
	struct sctp_assoc_config config;
	struct sctp_channel *a, *b;
	struct sctp_pair pair;
	wlk_err err;

	(void)state;
	reset_counts();
	sctp_assoc_config_init(&config);
	config.budget.limit = 1024 * 1024;
	sctp_pair_init(&pair, &path, 1, &config);
	pair.on_event = count_event;
	a = make_channel(&pair, 0);
	b = make_channel(&pair, 0);
	sctp_pair_start(&pair, 0);
	while (!(err = sctp_channel_send(a, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data))))
		;
	assert_int_equal(err, WLK_ERR_AGAIN);
	while (!(err = sctp_channel_send(b, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data))))
		;
	assert_int_equal(err, WLK_ERR_AGAIN);
	sctp_pair_pass(&pair, 5 * SECOND);
	assert_int_equal(writable_events, 2);
	assert_int_equal(sctp_channel_send(b, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	sctp_pair_free(&pair);
}

static int order_seen[64];
static int order_count;

static void note_order(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	(void)side;
	if (event->type != SCTP_EV_MESSAGE)
		return;
	while (sctp_channel_receive(event->channel, &message)) {
		if (order_count < 64)
			order_seen[order_count++] = sctp_channel_id(event->channel);
	}
}

static void test_channels_take_turns(void **state)
{
	struct sctp_path path = { .latency_us = MILLISECOND };
	static uint8_t data[60000];
	struct sctp_channel *bulk, *chat;
	struct sctp_pair pair;
	int chat_at = -1;

	(void)state;
	order_count = 0;
	sctp_pair_init(&pair, &path, 1, NULL);
	pair.on_event = note_order;
	bulk = make_channel(&pair, 4 * 1024 * 1024);
	chat = make_channel(&pair, 0);
	sctp_pair_start(&pair, 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(sctp_channel_send(bulk, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	assert_int_equal(sctp_channel_send(chat, pair.now, SCTP_MESSAGE_STRING, "hi", 2), WLK_OK);
	sctp_pair_pass(&pair, 10 * SECOND);
	assert_int_equal(order_count, 41);
	for (int i = 0; i < order_count; i++) {
		if (order_seen[i] == sctp_channel_id(chat))
			chat_at = i;
	}
	/* Behind what usrsctp's buffer of 256 KB holds, not behind the 2.4 MB of the other channel. */
	assert_true(chat_at >= 0 && chat_at < 10);
	sctp_pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_paths_deliver_once_in_order_byte_exact),
		cmocka_unit_test(test_good_path_delivers_everything_unreliable_channels_too),
		cmocka_unit_test(test_back_pressure_is_exact),
		cmocka_unit_test(test_an_empty_queue_takes_one_message_above_the_mark),
		cmocka_unit_test(test_64_MiB_and_R30_buffers_grow_on_need),
		cmocka_unit_test(test_R37_buffers_do_not_grow_beyond_the_budget),
		cmocka_unit_test(test_R37_send_waits_for_the_budget),
		cmocka_unit_test(test_channels_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
