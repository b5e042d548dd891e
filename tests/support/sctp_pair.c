#include "support/sctp_pair.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "core/bytes.h"
#include "core/seq.h"
#include "core/time.h"
#include "sctp/packet_filter.h"

static _Atomic(wlk_time) wall_clock = SECOND;

/* usrsctp measures round trips by this; visible here it is found before libc's. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	wlk_time now = atomic_load(&wall_clock);

	(void)tz;
	tv->tv_sec = 1700000000 + now / SECOND;
	tv->tv_usec = now % SECOND;
	return 0;
}

void sctp_clock_set(wlk_time now)
{
	atomic_store(&wall_clock, now);
}

uint32_t sctp_pair_random(struct sctp_pair *pair, uint32_t bound)
{
	/* splitmix64 */
	uint64_t z = (pair->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % bound);
}

static void *must(void *ptr)
{
	if (!ptr) {
		fprintf(stderr, "sctp_pair: out of memory\n");
		abort();
	}
	return ptr;
}

void sctp_pair_init(struct sctp_pair *pair, const struct sctp_path *path, uint64_t seed,
		    const struct sctp_assoc_config *config)
{
	struct sctp_assoc_config defaults;

	memset(pair, 0, sizeof(*pair));
	pair->path = *path;
	pair->random = seed;
	pair->now = SECOND;
	sctp_clock_set(pair->now);
	sctp_assoc_config_init(&defaults);
	for (int i = 0; i < 2; i++) {
		if (sctp_assoc_create(&pair->side[i], config ? config : &defaults) != WLK_OK)
			must(NULL);
	}
}

void sctp_pair_free(struct sctp_pair *pair)
{
	for (int i = 0; i < 2; i++)
		sctp_assoc_destroy(pair->side[i]);
	for (size_t i = 0; i < pair->flight_count; i++)
		free(pair->flights[i].data);
	free(pair->flights);
	memset(pair, 0, sizeof(*pair));
}

void sctp_pair_start(struct sctp_pair *pair, size_t mtu)
{
	for (int i = 0; i < 2; i++) {
		struct sctp_assoc_start start = {
			.dtls_client = i == 0,
			.remote_port = SCTP_ASSOC_PORT,
			.mtu = mtu ? mtu : SCTP_ASSOC_MTU,
			.remote_max_message_size = SCTP_CHANNEL_MESSAGE_SIZE,
		};

		if (sctp_assoc_start(pair->side[i], pair->now, &start) != WLK_OK)
			must(NULL);
	}
}

static bool earlier(const struct sctp_flight *a, const struct sctp_flight *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

/* The flights are a binary heap with the earliest first. */
static void push_flight(struct sctp_pair *pair, struct sctp_flight flight)
{
	size_t i = pair->flight_count++;

	if (i == pair->flight_capacity) {
		pair->flight_capacity = pair->flight_capacity ? 2 * pair->flight_capacity : 64;
		pair->flights = must(realloc(pair->flights, pair->flight_capacity * sizeof(flight)));
	}
	while (i && earlier(&flight, &pair->flights[(i - 1) / 2])) {
		pair->flights[i] = pair->flights[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	pair->flights[i] = flight;
}

static struct sctp_flight pop_flight(struct sctp_pair *pair)
{
	struct sctp_flight first = pair->flights[0];
	struct sctp_flight last = pair->flights[--pair->flight_count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= pair->flight_count)
			break;
		if (child + 1 < pair->flight_count && earlier(&pair->flights[child + 1], &pair->flights[child]))
			child++;
		if (!earlier(&pair->flights[child], &last))
			break;
		pair->flights[i] = pair->flights[child];
		i = child;
	}
	if (pair->flight_count)
		pair->flights[i] = last;
	return first;
}

static void launch(struct sctp_pair *pair, int to, const uint8_t *data, size_t size)
{
	const struct sctp_path *path = &pair->path;
	struct sctp_flight flight = { .to = to, .size = size };

	if (path->loss && sctp_pair_random(pair, 1000) < path->loss) {
		pair->lost++;
		return;
	}
	flight.data = must(malloc(size));
	memcpy(flight.data, data, size);
	if (path->corrupt && sctp_pair_random(pair, 1000) < path->corrupt)
		flight.data[sctp_pair_random(pair, (uint32_t)size)] ^= (uint8_t)(1 + sctp_pair_random(pair, 255));
	flight.at = pair->now + path->latency_us;
	if (path->jitter_us)
		flight.at += sctp_pair_random(pair, (uint32_t)path->jitter_us);
	flight.order = pair->order++;
	push_flight(pair, flight);
}

static void learn_chunk(struct sctp_pair *pair, int from, const uint8_t *chunk)
{
	if (chunk[0] == CHUNK_INIT || chunk[0] == CHUNK_INIT_ACK) {
		pair->tag[from] = load_u32(chunk + 4);
		pair->next_tsn[from] = load_u32(chunk + 16);
	} else if (chunk[0] == CHUNK_DATA && !seq32_newer(pair->next_tsn[from], load_u32(chunk + 4))) {
		pair->next_tsn[from] = load_u32(chunk + 4) + 1;
	}
}

static void learn(struct sctp_pair *pair, int from, const uint8_t *packet, size_t size)
{
	for (size_t at = PACKET_HEADER_SIZE; at + 4 <= size; at += (load_u16(packet + at + 2) + 3u) & ~(size_t)3)
		learn_chunk(pair, from, packet + at);
}

void sctp_pair_forge(struct sctp_pair *pair, int from, const uint8_t *chunks, size_t size)
{
	uint8_t *packet = must(calloc(1, PACKET_HEADER_SIZE + size));

	store_u16(packet, SCTP_ASSOC_PORT);
	store_u16(packet + 2, SCTP_ASSOC_PORT);
	store_u32(packet + 4, pair->tag[!from]);
	memcpy(packet + PACKET_HEADER_SIZE, chunks, size);
	packet_write_checksum(packet, PACKET_HEADER_SIZE + size);
	sctp_assoc_input(pair->side[!from], pair->now, packet, PACKET_HEADER_SIZE + size);
	free(packet);
}

void sctp_pair_forge_data(struct sctp_pair *pair, int from, uint16_t stream, uint16_t ssn, uint32_t ppid, uint8_t flags,
			  const void *data, size_t size)
{
	size_t padded = (16 + size + 3) & ~(size_t)3;
	uint8_t *chunk = must(calloc(1, padded));

	chunk[0] = CHUNK_DATA;
	chunk[1] = flags;
	store_u16(chunk + 2, (uint16_t)(16 + size));
	store_u32(chunk + 4, pair->next_tsn[from]++);
	store_u16(chunk + 8, stream);
	store_u16(chunk + 10, ssn);
	store_u32(chunk + 12, ppid);
	if (size)
		memcpy(chunk + 16, data, size);
	sctp_pair_forge(pair, from, chunk, padded);
	free(chunk);
}

static void transmit(struct sctp_pair *pair, int from, const struct pktbuf *buf)
{
	uint8_t packet[2048];
	size_t size = buf->size;

	memcpy(packet, buf->data, size);
	pair->packets++;
	if (size > pair->largest)
		pair->largest = size;
	learn(pair, from, packet, size);
	if (pair->tap && !pair->tap(pair, from, packet, &size))
		return;
	launch(pair, !from, packet, size);
	if (pair->path.duplicate && sctp_pair_random(pair, 1000) < pair->path.duplicate)
		launch(pair, !from, packet, size);
}

static bool drain_side(struct sctp_pair *pair, int i)
{
	struct sctp_assoc_event event;
	struct pktbuf *buf;
	bool any = false;

	while (sctp_assoc_poll_event(pair->side[i], &event)) {
		any = true;
		if (pair->on_event)
			pair->on_event(pair, i, &event);
	}
	sctp_assoc_events_seen(pair->side[i], pair->now);
	while (sctp_assoc_poll_transmit(pair->side[i], pair->now, &buf)) {
		any = true;
		transmit(pair, i, buf);
		pktbuf_release(buf);
	}
	return any;
}

void sctp_pair_drain(struct sctp_pair *pair)
{
	bool any = true;

	while (any) {
		any = drain_side(pair, 0);
		any |= drain_side(pair, 1);
	}
}

void sctp_pair_step(struct sctp_pair *pair)
{
	wlk_time next;

	sctp_pair_drain(pair);
	next = time_min(sctp_assoc_deadline(pair->side[0]), sctp_assoc_deadline(pair->side[1]));
	if (pair->flight_count)
		next = time_min(next, pair->flights[0].at);
	if (next == WLK_TIME_NEVER)
		next = pair->now + SECOND;
	if (next > pair->now)
		pair->now = next;
	sctp_clock_set(pair->now);
	while (pair->flight_count && pair->flights[0].at <= pair->now) {
		struct sctp_flight flight = pop_flight(pair);

		sctp_assoc_input(pair->side[flight.to], pair->now, flight.data, flight.size);
		free(flight.data);
	}
	for (int i = 0; i < 2; i++) {
		if (sctp_assoc_deadline(pair->side[i]) <= pair->now)
			sctp_assoc_handle_timeout(pair->side[i], pair->now);
	}
}

bool sctp_pair_run(struct sctp_pair *pair, wlk_time limit_us, bool (*done)(struct sctp_pair *pair))
{
	wlk_time end = pair->now + limit_us;

	sctp_pair_drain(pair);
	while (!done(pair)) {
		if (pair->now >= end)
			return false;
		sctp_pair_step(pair);
		sctp_pair_drain(pair);
	}
	return true;
}

static bool never(struct sctp_pair *pair)
{
	(void)pair;
	return false;
}

void sctp_pair_pass(struct sctp_pair *pair, wlk_time us)
{
	(void)sctp_pair_run(pair, us, never);
}

bool sctp_pair_connected(struct sctp_pair *pair)
{
	return sctp_assoc_state(pair->side[0]) == SCTP_ASSOC_CONNECTED &&
	       sctp_assoc_state(pair->side[1]) == SCTP_ASSOC_CONNECTED;
}
