/* Closing and reopening: stream resets in every order (R32), ids that come back, queues that are still full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/packet_filter.h"
#include "support/sctp_pair.h"

static struct {
	int opened[2];
	int closed[2];
	int closing[2];
	int errors;
	uint64_t bytes[2];
	uint64_t messages[2];
	struct sctp_channel *last_new;
	bool keep_closed; /* do not destroy on CLOSED */
} seen;

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	switch (event->type) {
	case SCTP_EV_CHANNEL_NEW:
		seen.last_new = event->channel;
		break;
	case SCTP_EV_CHANNEL_OPEN:
		seen.opened[side]++;
		break;
	case SCTP_EV_MESSAGE:
		while (sctp_channel_receive(event->channel, &message)) {
			seen.messages[side]++;
			seen.bytes[side] += message.size;
		}
		break;
	case SCTP_EV_CHANNEL_CLOSING:
		seen.closing[side]++;
		break;
	case SCTP_EV_CHANNEL_ERROR:
		seen.errors++;
		break;
	case SCTP_EV_CHANNEL_CLOSED:
		seen.closed[side]++;
		assert_int_equal(sctp_channel_state(event->channel), SCTP_CHANNEL_CLOSED);
		if (!seen.keep_closed)
			sctp_channel_destroy(event->channel);
		break;
	default:
		break;
	}
}

static size_t live_before;

static void begin(struct sctp_pair *pair, const struct sctp_path *path, uint64_t seed)
{
	memset(&seen, 0, sizeof(seen));
	live_before = alloc_live_blocks();
	sctp_pair_init(pair, path, seed, NULL);
	pair->on_event = on_event;
	sctp_pair_start(pair, 0);
	assert_true(sctp_pair_run(pair, 60 * SECOND, sctp_pair_connected));
}

static void end(struct sctp_pair *pair)
{
	sctp_pair_free(pair);
	assert_int_equal(alloc_live_blocks(), live_before);
}

static struct sctp_channel *open_channel(struct sctp_pair *pair, int side)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair->side[side], pair->now, &config, &channel), WLK_OK);
	return channel;
}

static bool all_closed(struct sctp_pair *pair)
{
	int want = *(int *)pair->user;

	return seen.closed[0] == want && seen.closed[1] == want;
}

static void cycles(const struct sctp_path *path, int count)
{
	struct sctp_pair pair;
	int32_t first_id[2] = { -1, -1 };
	int want;

	begin(&pair, path, 11);
	for (want = 1; want <= count; want++) {
		int side = want % 2;
		struct sctp_channel *channel = open_channel(&pair, side);

		if (first_id[side] < 0)
			first_id[side] = sctp_channel_id(channel);
		assert_int_equal(sctp_channel_id(channel), first_id[side]); /* the same id every time */
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "ping", 4), WLK_OK);
		sctp_channel_close(channel, pair.now);
		pair.user = &want;
		assert_true(sctp_pair_run(&pair, 60 * SECOND, all_closed));
		/* Our id is free when usrsctp has told both. */
		sctp_pair_pass(&pair, 4 * path->latency_us + 50 * MILLISECOND);
	}
	assert_int_equal(seen.messages[0] + seen.messages[1], count);
	assert_int_equal(seen.opened[0], count);
	assert_int_equal(seen.opened[1], count);
	assert_int_equal(seen.errors, 0);
	end(&pair);
}

static void test_1000_open_close_cycles_reuse_the_id(void **state)
{
	struct sctp_path path = { .latency_us = 2 * MILLISECOND };

	(void)state;
	cycles(&path, 1000);
}

static void lossy_cycles(uint64_t seed, uint32_t loss)
{
	struct sctp_path path = {
		.latency_us = 5 * MILLISECOND, .jitter_us = 5 * MILLISECOND, .loss = loss, .duplicate = 50
	};
	struct sctp_pair pair;
	int want = 100;

	print_message("seed %llu, loss %u/1000\n", (unsigned long long)seed, loss);
	begin(&pair, &path, seed);
	pair.user = &want;
	for (int i = 0; i < want; i++) {
		struct sctp_channel *channel = open_channel(&pair, i % 2);

		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "ping", 4), WLK_OK);
		sctp_channel_close(channel, pair.now);
		sctp_pair_pass(&pair, 20 * MILLISECOND);
	}
	assert_true(sctp_pair_run(&pair, 300 * SECOND, all_closed));
	assert_int_equal(seen.messages[0] + seen.messages[1], want);
	assert_int_equal(seen.errors, 0);
	end(&pair);
}

/* RFC 6525: resets that are repeated, answered "In progress" and overtaken by data. */
static void test_open_close_cycles_over_lossy_paths(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		lossy_cycles(seed, (uint32_t)seed * 15);
}

static void test_R32_close_while_data_is_queued_sends_it_first(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	static uint8_t data[250 * 1024];
	struct sctp_pair pair;
	int want = 1;

	(void)state;
	begin(&pair, &path, 1);
	struct sctp_channel *channel = open_channel(&pair, 0);

	for (int i = 0; i < 4; i++)
		assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, sizeof(data)), WLK_OK);
	assert_true(sctp_channel_buffered_amount(channel) > 0);
	sctp_channel_close(channel, pair.now);
	sctp_channel_close(channel, pair.now); /* twice is once */
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_CLOSING);
	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_BINARY, data, 1), WLK_ERR_STATE);
	pair.user = &want;
	assert_true(sctp_pair_run(&pair, 60 * SECOND, all_closed));
	assert_int_equal(seen.bytes[1], 4 * sizeof(data));
	assert_int_equal(seen.closing[1], 1);
	end(&pair);
}

static void test_both_sides_close_at_once(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	struct sctp_pair pair;
	int want = 1;

	(void)state;
	begin(&pair, &path, 1);
	struct sctp_channel *channel = open_channel(&pair, 0);

	sctp_pair_pass(&pair, SECOND);
	sctp_channel_close(channel, pair.now);
	sctp_channel_close(seen.last_new, pair.now);
	pair.user = &want;
	assert_true(sctp_pair_run(&pair, 60 * SECOND, all_closed));
	end(&pair);
}

static void test_100_channels_close_together(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	struct sctp_channel *channels[100];
	struct sctp_pair pair;
	int want = 100;

	(void)state;
	begin(&pair, &path, 1);
	for (int i = 0; i < want; i++)
		channels[i] = open_channel(&pair, 0);
	sctp_pair_pass(&pair, SECOND);
	for (int i = 0; i < want; i++)
		sctp_channel_close(channels[i], pair.now);
	pair.user = &want;
	assert_true(sctp_pair_run(&pair, 60 * SECOND, all_closed));
	end(&pair);
}

static void test_a_destroyed_handle_closes_in_the_background(void **state)
{
	struct sctp_path path = { .latency_us = 10 * MILLISECOND };
	struct sctp_pair pair;

	(void)state;
	begin(&pair, &path, 1);
	struct sctp_channel *channel = open_channel(&pair, 0);

	assert_int_equal(sctp_channel_send(channel, pair.now, SCTP_MESSAGE_STRING, "last words", 10), WLK_OK);
	sctp_channel_destroy(channel);
	sctp_pair_pass(&pair, SECOND);
	assert_int_equal(seen.bytes[1], 10);
	assert_int_equal(seen.closed[1], 1);
	assert_int_equal(seen.closed[0], 0); /* nobody to tell */
	assert_null(sctp_assoc_channel(pair.side[0], 0));
	channel = open_channel(&pair, 0);
	assert_int_equal(sctp_channel_id(channel), 0);
	end(&pair);
}

/* ---- R32 with a forging peer: side 1 speaks to us through these packets only ---- */

static bool silence(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)packet;
	(void)size;
	(void)from;
	return false;
}

static uint32_t asked_seq; /* of our outgoing reset request, seen on the wire */
static bool asked;

static bool note_reset(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	for (size_t at = PACKET_HEADER_SIZE; at + 16 <= *size; at += (load_u16(packet + at + 2) + 3u) & ~(size_t)3) {
		const uint8_t *param = packet + at + 4;

		if (from == 0 && packet[at] == CHUNK_RE_CONFIG && load_u16(param) == 13) {
			asked_seq = load_u32(param + 4);
			asked = true;
		}
	}
	return silence(pair, from, packet, size);
}

static uint32_t their_reset_seq;

/* RFC 6525 4.1: outgoing SSN reset request for one stream. */
static void forge_reset(struct sctp_pair *pair, uint16_t stream)
{
	uint8_t chunk[4 + 20] = { CHUNK_RE_CONFIG, 0, 0, 4 + 18, 0, 13, 0, 18 };

	store_u32(chunk + 8, their_reset_seq++);
	store_u32(chunk + 12, asked ? asked_seq : 0);
	store_u32(chunk + 16, pair->next_tsn[1] - 1);
	store_u16(chunk + 20, stream);
	sctp_pair_forge(pair, 1, chunk, sizeof(chunk));
	sctp_pair_pass(pair, 50 * MILLISECOND); /* until our SACK says that its last TSN is here */
}

/* RFC 6525 4.4: "Success - Performed". */
static void forge_performed(struct sctp_pair *pair)
{
	uint8_t chunk[4 + 12] = { CHUNK_RE_CONFIG, 0, 0, 16, 0, 16, 0, 12 };

	store_u32(chunk + 8, asked_seq);
	store_u32(chunk + 12, 1);
	sctp_pair_forge(pair, 1, chunk, sizeof(chunk));
	sctp_pair_drain(pair);
}

/* Everything side 0 sent has arrived. */
static void forge_sack(struct sctp_pair *pair)
{
	uint8_t chunk[16] = { CHUNK_SACK, 0, 0, 16 };

	store_u32(chunk + 4, pair->next_tsn[0] - 1);
	store_u32(chunk + 8, 262144);
	sctp_pair_forge(pair, 1, chunk, sizeof(chunk));
	sctp_pair_drain(pair);
}

static void forge_open(struct sctp_pair *pair, uint16_t stream, uint16_t ssn)
{
	static const uint8_t open[] = { 3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'x' };

	sctp_pair_forge_data(pair, 1, stream, ssn, 50, 3, open, sizeof(open));
	sctp_pair_drain(pair);
}

/* A channel that side 1 opened on stream 1, known to side 0, before side 1 falls silent. */
static struct sctp_channel *forged_channel(struct sctp_pair *pair)
{
	struct sctp_path path = { .latency_us = MILLISECOND };

	begin(pair, &path, 5);
	sctp_pair_pass(pair, SECOND);
	their_reset_seq = pair->next_tsn[1]; /* request numbers start at the initial TSN, and no DATA was sent */
	asked = false;
	pair->tap = note_reset;
	forge_open(pair, 1, 0);
	assert_non_null(seen.last_new);
	assert_int_equal(sctp_channel_id(seen.last_new), 1);
	return seen.last_new;
}

static void test_R32_data_after_the_reset_of_the_stream_is_dropped(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_pair pair;

	(void)state;
	forged_channel(&pair);
	sctp_pair_forge_data(&pair, 1, 1, 1, 51, 3, "before", 6);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages[0], 1);
	forge_reset(&pair, 1);
	assert_int_equal(seen.closing[0], 1);
	sctp_pair_forge_data(&pair, 1, 1, 0, 51, 3, "after", 5);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages[0], 1);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.messages_refused, 1);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
	end(&pair);
}

static void test_R32_open_before_the_notice_of_our_own_reset(void **state)
{
	struct sctp_channel *old, *fresh;
	struct sctp_message message;
	struct sctp_pair pair;

	(void)state;
	old = forged_channel(&pair);
	seen.keep_closed = true;
	forge_sack(&pair);
	forge_reset(&pair, 1);
	sctp_pair_pass(&pair, 50 * MILLISECOND);
	assert_true(asked); /* our reset is on its way, its answer is not here */
	assert_int_equal(sctp_channel_state(old), SCTP_CHANNEL_CLOSING);

	forge_open(&pair, 1, 0);
	fresh = seen.last_new;
	assert_ptr_not_equal(fresh, old);
	assert_int_equal(sctp_channel_state(old), SCTP_CHANNEL_CLOSED);
	assert_int_equal(sctp_channel_state(fresh), SCTP_CHANNEL_OPEN);
	seen.last_new = NULL;
	sctp_pair_forge_data(&pair, 1, 1, 1, 51, 3, "hello", 5);
	sctp_pair_drain(&pair);
	assert_int_equal(seen.messages[0], 1);

	/* What we say on it waits until usrsctp may send on the stream again. */
	assert_int_equal(sctp_channel_send(fresh, pair.now, SCTP_MESSAGE_STRING, "answer", 6), WLK_OK);
	assert_int_equal(sctp_channel_buffered_amount(fresh), 6);
	forge_performed(&pair);
	sctp_pair_drain(&pair);
	assert_int_equal(sctp_channel_buffered_amount(fresh), 0);
	assert_int_equal(sctp_channel_state(fresh), SCTP_CHANNEL_OPEN);
	assert_false(sctp_channel_receive(old, &message));
	sctp_channel_destroy(old);
	end(&pair);
}

static void test_R32_open_on_a_stream_in_use_is_refused(void **state)
{
	struct sctp_assoc_stats stats;
	struct sctp_channel *old;
	struct sctp_pair pair;

	(void)state;
	old = forged_channel(&pair);
	seen.last_new = NULL;
	forge_open(&pair, 1, 1);
	assert_null(seen.last_new);
	assert_int_equal(sctp_channel_state(old), SCTP_CHANNEL_OPEN);
	sctp_assoc_stats(pair.side[0], &stats);
	assert_int_equal(stats.dcep_refused, 1);
	end(&pair);
}

static void test_a_reset_of_unknown_streams_changes_nothing(void **state)
{
	struct sctp_channel *channel;
	struct sctp_pair pair;

	(void)state;
	channel = forged_channel(&pair);
	forge_reset(&pair, 999);
	forge_reset(&pair, 65535);
	assert_int_equal(sctp_channel_state(channel), SCTP_CHANNEL_OPEN);
	assert_int_equal(seen.closing[0], 0);
	end(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1000_open_close_cycles_reuse_the_id),
		cmocka_unit_test(test_open_close_cycles_over_lossy_paths),
		cmocka_unit_test(test_R32_close_while_data_is_queued_sends_it_first),
		cmocka_unit_test(test_both_sides_close_at_once),
		cmocka_unit_test(test_100_channels_close_together),
		cmocka_unit_test(test_a_destroyed_handle_closes_in_the_background),
		cmocka_unit_test(test_R32_data_after_the_reset_of_the_stream_is_dropped),
		cmocka_unit_test(test_R32_open_before_the_notice_of_our_own_reset),
		cmocka_unit_test(test_R32_open_on_a_stream_in_use_is_refused),
		cmocka_unit_test(test_a_reset_of_unknown_streams_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
