/*
 * An established association that hears a fuzzer between the packets of an honest peer who knows the tags: TESTS.md row
 * 24 in one process. The input is a list of records: a length byte pair and a mode, then the chunks of a packet, sent
 * in the peer's name. Oracle: no crash, no hang, memory within the budget; as long as nothing was forged that is DATA,
 * every message that is delivered was sent.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/packet_filter.h"
#include "support/sctp_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 8 * 1024 * 1024, RECORDS_MAX = 64, CHUNKS_MAX = 1144 };
enum {
	MODE_FORGE_TO_0,
	MODE_FORGE_TO_1,
	MODE_RAW,
	MODE_ADVANCE,
	MODE_SEND,
	MODE_CLOSE_CHANNEL,
	MODE_OPEN_CHANNEL,
	MODES
};

static bool forged_data;
static size_t used[2];
static struct sctp_channel *channels[2];

static bool was_sent(const struct sctp_message *message)
{
	for (size_t i = 0; i < message->size; i++) {
		if (message->data[i] != (uint8_t)(message->size + i))
			return false;
	}
	return true;
}

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	struct sctp_message message;

	(void)pair;
	if (event->type == SCTP_EV_CHANNEL_NEW && !channels[side])
		channels[side] = event->channel;
	if (event->type == SCTP_EV_MESSAGE) {
		while (sctp_channel_receive(event->channel, &message)) {
			if (!forged_data && !was_sent(&message))
				abort();
		}
	}
	if (event->type == SCTP_EV_CHANNEL_CLOSED) {
		if (channels[side] == event->channel)
			channels[side] = NULL;
		sctp_channel_destroy(event->channel);
	}
}

static void send_message(struct sctp_pair *pair, int side, size_t size)
{
	uint8_t *data;

	if (!channels[side])
		return;
	data = malloc(size ? size : 1);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(size + i);
	(void)!sctp_channel_send(channels[side], pair->now, SCTP_MESSAGE_BINARY, data, size);
	free(data);
}

static void open_channel(struct sctp_pair *pair, int side, uint8_t kind)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	sctp_channel_config_init(&config);
	config.ordered = kind & 1;
	config.max_retransmits = kind & 2 ? kind >> 4 : -1;
	if (sctp_channel_create(pair->side[side], pair->now, &config, &channel) == WLK_OK)
		channels[side] = channel; /* the one before stays with its association */
}

/* True when a chunk in there may carry user data, or make the other side believe that some is abandoned or reset. */
static bool carries_data(const uint8_t *chunks, size_t size)
{
	for (size_t i = 0; i < size; i += 4) {
		if (chunks[i] == CHUNK_DATA || chunks[i] == CHUNK_FORWARD_TSN || chunks[i] == CHUNK_RE_CONFIG)
			return true;
	}
	return false;
}

/* Point the TSN of a forged first DATA chunk to where it does something. */
static void forge(struct sctp_pair *pair, int from, const uint8_t *chunks, size_t size, uint8_t near)
{
	uint8_t copy[CHUNKS_MAX];

	if (!size)
		return;
	memcpy(copy, chunks, size);
	if (size >= 8 && (copy[0] == CHUNK_DATA || copy[0] == CHUNK_FORWARD_TSN))
		store_u32(copy + 4, pair->next_tsn[from] + near % 16);
	if (size >= 8 && copy[0] == CHUNK_SACK)
		store_u32(copy + 4, pair->next_tsn[!from] - near % 16);
	forged_data |= carries_data(copy, size);
	sctp_pair_forge(pair, from, copy, size);
}

static void play(struct sctp_pair *pair, struct bytes_reader *r)
{
	uint8_t mode = bytes_u8(r);
	uint8_t argument = bytes_u8(r);
	size_t wanted = bytes_u16(r) % CHUNKS_MAX;
	size_t size = MIN(wanted, r->left);
	int side = argument & 1;

	switch (mode % MODES) {
	case MODE_FORGE_TO_0:
	case MODE_FORGE_TO_1:
		forge(pair, mode % MODES == MODE_FORGE_TO_0, bytes_take(r, size), size, argument);
		break;
	case MODE_RAW:
		sctp_assoc_input(pair->side[side], pair->now, bytes_take(r, size), size);
		break;
	case MODE_ADVANCE:
		sctp_pair_pass(pair, (wlk_time)argument * argument * 50);
		break;
	case MODE_SEND:
		send_message(pair, side, size * 8);
		break;
	case MODE_CLOSE_CHANNEL:
		if (channels[side])
			sctp_channel_close(channels[side], pair->now);
		break;
	case MODE_OPEN_CHANNEL:
		open_channel(pair, side, argument);
		break;
	}
	sctp_pair_drain(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sctp_path path = { .latency_us = MILLISECOND };
	struct bytes_reader r = bytes_reader(data, size);
	struct sctp_assoc_config config;
	struct sctp_pair pair;

	used[0] = used[1] = 0;
	forged_data = false;
	channels[0] = channels[1] = NULL;
	sctp_assoc_config_init(&config);
	config.streams = 16;
	config.budget.used = &used[0];
	config.budget.limit = BUDGET;
	sctp_pair_init(&pair, &path, 1, &config);
	pair.on_event = on_event;
	open_channel(&pair, 0, 1);
	send_message(&pair, 0, 5);
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 20 * MILLISECOND);
	for (int i = 0; i < RECORDS_MAX && r.left >= 4; i++) {
		play(&pair, &r);
		if (used[0] > BUDGET)
			abort();
	}
	sctp_pair_pass(&pair, 300 * MILLISECOND);
	sctp_pair_free(&pair);
	if (used[0] || alloc_live_blocks())
		abort();
	return 0;
}
