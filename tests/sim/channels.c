/*
 * Data channels over a bad link, seed by seed: every reliable message arrives once, in order where ordered, byte for byte;
 * unreliable ones at most once and never truncated.
 *
 *   sim_channels [FIRST_SEED [COUNT]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

#include "sim.h"

enum { CHANNELS = 4, MESSAGES = 200, LARGEST = 256 * 1024 };

/* What each channel promises. */
static const struct kind {
	const char *label;
	bool ordered, reliable;
} kinds[CHANNELS] = {
	{ "ordered", true, true },
	{ "unordered", false, true },
	{ "unreliable", false, false },
	{ "second-ordered", true, true },
};

/* One direction of one channel: which messages the sender has sent, and what the receiver has seen of them. */
struct flow {
	wlk_data_channel *channel; /* the sender's handle */
	uint32_t messages[MESSAGES];
	size_t count, sent, received;
	bool seen[MESSAGES];
};

struct side {
	struct flow out[CHANNELS];
};

struct run {
	struct side side[2]; /* what a sends, what b sends */
	uint32_t size[2][MESSAGES];
	size_t delivered_bytes;
};

static uint8_t *scratch;

static struct run *run_of(struct sim *sim)
{
	return sim->user;
}

/* The bytes of message |index|: a stream of its own for each seed, side and index. */
static void fill(const struct sim *sim, int side, uint32_t index, uint8_t *out, size_t size)
{
	uint64_t state = sim->config.seed * 0x9e3779b97f4a7c15u + ((uint64_t)index << 8) + (uint64_t)side;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(state >> 56);
	}
}

static wlk_message_type type_of(uint32_t index)
{
	return index % 3 ? WLK_MESSAGE_BINARY : WLK_MESSAGE_TEXT;
}

/* Log-uniform sizes; empty, single-byte and largest messages are always among them. Few large ones where loss is heavy. */
static uint32_t draw_size(struct sim *sim, uint32_t index)
{
	uint32_t top = sim->config.loss > 1000 ? 10 : sim->config.loss > 100 ? 14 : 18;
	uint32_t bits = sim_random(sim, top + 1);

	if (index < 3)
		return index == 0 ? 0 : index == 1 ? 1 : LARGEST;
	return bits ? (1u << (bits - 1)) + sim_random(sim, 1u << (bits - 1)) : 0;
}

static void draw_messages(struct sim *sim)
{
	struct run *run = run_of(sim);

	for (int side = 0; side < 2; side++) {
		for (uint32_t i = 0; i < MESSAGES; i++) {
			struct flow *flow = &run->side[side].out[sim_random(sim, CHANNELS)];

			run->size[side][i] = draw_size(sim, i);
			flow->messages[flow->count++] = i;
		}
	}
}

static void send_more(struct sim *sim, int side, struct flow *flow)
{
	struct run *run = run_of(sim);

	while (flow->channel && flow->sent < flow->count) {
		uint32_t index = flow->messages[flow->sent];
		uint32_t size = run->size[side][index];
		wlk_err err;

		fill(sim, side, index, scratch, size);
		err = wlk_data_channel_send(flow->channel, type_of(index), scratch, size);
		if (err == WLK_ERR_AGAIN)
			return;
		if (err)
			sim_fail(sim, "message %u of %u bytes cannot be sent: %s", index, size, wlk_strerror(err));
		flow->sent++;
	}
}

static bool same_bytes(struct sim *sim, int side, uint32_t index, const wlk_event *ev)
{
	if (run_of(sim)->size[side][index] != ev->u.message.size || type_of(index) != ev->u.message.type)
		return false;
	fill(sim, side, index, scratch, ev->u.message.size);
	return !memcmp(scratch, ev->u.message.data, ev->u.message.size);
}

static void receive(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	int side = peer == &sim->a; /* what b sends arrives at a */
	const char *label = wlk_data_channel_label(ev->u.message.channel);
	struct flow *flow = NULL;
	size_t place = 0;

	for (int i = 0; i < CHANNELS; i++)
		if (!strcmp(label, kinds[i].label))
			flow = &run_of(sim)->side[side].out[i];
	if (!flow)
		sim_fail(sim, "%s: a message on the unknown channel '%s'", peer->name, label);
	if (wlk_data_channel_ordered(ev->u.message.channel))
		place = flow->received;
	else
		while (place < flow->sent && (flow->seen[place] || !same_bytes(sim, side, flow->messages[place], ev)))
			place++;
	if (place >= flow->sent || flow->seen[place] || !same_bytes(sim, side, flow->messages[place], ev))
		sim_fail(sim, "%s: a message of %zu bytes on '%s' was not sent, or comes twice or out of order", peer->name,
			 ev->u.message.size, label);
	flow->seen[place] = true;
	flow->received++;
	run_of(sim)->delivered_bytes += ev->u.message.size;
}

static struct flow *flow_of(struct sim *sim, struct sim_peer *peer, const wlk_data_channel *channel)
{
	struct side *side = &run_of(sim)->side[peer == &sim->b];

	for (int i = 0; i < CHANNELS; i++)
		if (!strcmp(wlk_data_channel_label(channel), kinds[i].label))
			return &side->out[i];
	return NULL;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct flow *flow;

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL:
		flow = flow_of(sim, peer, ev->u.channel.channel);
		flow->channel = ev->u.channel.channel;
		send_more(sim, 1, flow);
		break;
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
		send_more(sim, peer == &sim->b, flow_of(sim, peer, ev->u.channel.channel));
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		receive(sim, peer, ev);
		break;
	case WLK_EVENT_DATA_CHANNEL_ERROR:
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		sim_fail(sim, "%s: channel '%s' closed", peer->name, wlk_data_channel_label(ev->u.channel.channel));
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (ev->u.connection.state == WLK_CONNECTION_FAILED || ev->u.connection.state == WLK_CONNECTION_CLOSED)
			sim_fail(sim, "%s: %s", peer->name, ev->u.connection.reason);
		break;
	default:
		break;
	}
}

static bool all_reliable_arrived(struct sim *sim)
{
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < CHANNELS; i++) {
			const struct flow *flow = &run_of(sim)->side[side].out[i];

			if (flow->sent < flow->count || (kinds[i].reliable && flow->received < flow->count))
				return false;
		}
	}
	return true;
}

static void create_channels(struct sim *sim)
{
	for (int i = 0; i < CHANNELS; i++) {
		wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
		struct flow *flow = &run_of(sim)->side[0].out[i];

		init.unordered = !kinds[i].ordered;
		init.has_max_retransmits = !kinds[i].reliable;
		if (wlk_peer_connection_create_data_channel(sim->a.pc, kinds[i].label, &init, &flow->channel))
			sim_fail(sim, "a channel cannot be made");
		send_more(sim, 0, flow); /* before there is any connection: it waits */
	}
}

/* A link drawn from the seed: loss up to 30 %, delay up to 100 ms, reordering and duplication. */
static struct sim_config draw_link(uint64_t seed)
{
	static const uint32_t losses[] = { 0, 100, 500, 1000, 2000, 3000 };
	struct sim draw = { .random = seed ^ 0x5eed };

	return (struct sim_config){
		.seed = seed,
		.latency_us = sim_random(&draw, 100) * SIM_MS,
		.jitter_us = sim_random(&draw, 2) ? sim_random(&draw, 30) * SIM_MS : 0,
		.loss = losses[sim_random(&draw, 6)],
		.duplicate = sim_random(&draw, 3) ? 0 : sim_random(&draw, 1000),
		.reorder = sim_random(&draw, 3) ? 0 : sim_random(&draw, 3000),
		.reorder_us = 200 * SIM_MS,
	};
}

struct totals {
	uint64_t bytes, datagrams, lost, seeds;
	wlk_time slowest_connect;
};

static void run_seed(uint64_t seed, struct totals *totals)
{
	struct sim_config config = draw_link(seed);
	struct run *run = calloc(1, sizeof(*run));
	wlk_time start, connected;
	struct sim sim;

	if (!run)
		abort();
	sim_init(&sim, &config, on_event, run);
	start = sim.now;
	draw_messages(&sim);
	create_channels(&sim);
	sim_signal(&sim);
	if (!sim_run_until(&sim, 30 * SIM_SECOND, sim_both_connected))
		sim_fail(&sim, "no connection in 30 s (loss %u/10000, latency %lld us)", config.loss, (long long)config.latency_us);
	connected = (sim.a.connected_at > sim.b.connected_at ? sim.a.connected_at : sim.b.connected_at) - start;
	if (!sim_run_until(&sim, 6 * 3600 * SIM_SECOND, all_reliable_arrived))
		sim_fail(&sim, "messages are missing (loss %u/10000, latency %lld us)", config.loss, (long long)config.latency_us);
	totals->bytes += run->delivered_bytes;
	totals->datagrams += sim.datagrams;
	totals->lost += sim.lost;
	totals->seeds++;
	if (connected > totals->slowest_connect)
		totals->slowest_connect = connected;
	sim_free(&sim);
	free(run);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
	struct totals totals = { 0 };
	struct sctpstat before, after;

	scratch = malloc(LARGEST);
	if (!scratch)
		return 1;
	usrsctp_get_stat(&before);
	for (uint64_t seed = first; seed < first + count; seed++)
		run_seed(seed, &totals);
	usrsctp_get_stat(&after);
	printf("seeds %llu..%llu: %llu bytes delivered, %llu datagrams, %llu dropped by the link, %u SCTP chunks retransmitted, "
	       "slowest connect %.2f s\n",
	       (unsigned long long)first, (unsigned long long)(first + count - 1), (unsigned long long)totals.bytes,
	       (unsigned long long)totals.datagrams, (unsigned long long)totals.lost,
	       (unsigned)(after.sctps_sendretransdata - before.sctps_sendretransdata), (double)totals.slowest_connect / 1e6);
	free(scratch);
	return 0;
}
