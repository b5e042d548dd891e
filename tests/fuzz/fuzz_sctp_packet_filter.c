/*
 * The packet filter and the shim behind it. Oracle: what the filter accepts a second, slower walk finds in order; the
 * shim keeps it acceptable, and so does the packet with a held request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "sctp/packet_filter.h"
#include "sctp/packet_shim.h"

enum { PACKET_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct packet_filter blank = {
	.local_port = 5000,
	.remote_port = 5000,
	.init_tag = 0x11223344,
	.init_ack_tag = 0x55667788,
	.peer_tag = 0x99aabbcc,
	.zero_checksum_rx = true,
};

/* What R28 promises of an accepted packet, said once more without the filter's code. */
static void check_accepted(const uint8_t *packet, size_t size)
{
	size_t at = 12;
	int chunks = 0;

	if (size < 16 || packet[0] != 0x13 || packet[1] != 0x88 || packet[2] != 0x13 || packet[3] != 0x88)
		abort();
	while (at < size) {
		if (size - at < 4)
			abort();
		uint8_t type = packet[at];
		size_t length = (size_t)packet[at + 2] << 8 | packet[at + 3];

		if (length < 4 || length > size - at || ++chunks > 128)
			abort();
		if (type == 12 || type == 13 || type == 15 || type == 16 || type == 64 || type == 0x80 ||
		    type == 0x81 || type == 0xc1 || type == 0xc2)
			abort();
		if ((type == 1 || type == 2) && (chunks > 1 || at + ((length + 3) / 4) * 4 < size))
			abort();
		if (type == 0 && length < 17)
			abort();
		at += (length + 3) / 4 * 4;
	}
}

static void check_shim(const struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	uint8_t *copy = malloc(size);
	uint8_t *held = malloc(size);
	uint32_t tsn = 0;
	size_t held_size;

	if (!copy || !held)
		abort();
	memcpy(copy, packet, size);
	held_size = packet_shim_hold_reset(copy, size, 0x7fffffff, held);
	if (held_size > size || (held_size && !packet_shim_concerns(packet, size)))
		abort();
	if (held_size) {
		store_u32(held + 8, 0);
		if (packet_filter_check(filter, held, held_size) != PACKET_OK)
			abort();
	}
	packet_shim_in(copy, size, &tsn);
	store_u32(copy + 8, 0);
	if (packet_first_chunk(copy, size) != CHUNK_INIT && packet_first_chunk(copy, size) != CHUNK_COOKIE_ECHO &&
	    packet_filter_check(filter, copy, size) != PACKET_OK)
		abort();
	if (!packet_shim_concerns(packet, size) && memcmp(copy + 12, packet + 12, size - 12) != 0)
		abort();
	free(copy);
	free(held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_filter filter = blank;
	uint8_t *packet;

	if (size < PACKET_HEADER_SIZE) {
		if (packet_filter_check(&filter, data, size) != PACKET_TOO_SHORT)
			abort();
		return 0;
	}
	if (size > PACKET_MAX)
		return 0;
	packet = malloc(size);
	if (!packet)
		return 0;
	memcpy(packet, data, size);
	if (load_u32(packet + 4) != 0 && load_u32(packet + 4) != filter.peer_tag)
		store_u32(packet + 4, filter.init_tag); /* most of what is inside is behind the tag */
	packet_write_checksum(packet, size);
	if (packet_filter_check(&filter, packet, size) == PACKET_OK) {
		check_accepted(packet, size);
		packet_filter_learn_input(&filter, packet, size);
		check_shim(&filter, packet, size);
		packet_filter_learn_output(&filter, packet, size);
		(void)packet_filter_may_omit_checksum(&filter, packet, size);
		packet[8] ^= 0x5a;
		if (load_u32(packet + 8) != 0 && packet_filter_check(&filter, packet, size) == PACKET_OK)
			abort();
	}
	free(packet);
	return 0;
}
