#include "sctp/packet_shim.h"

#include "core/bytes.h"
#include "core/seq.h"
#include "sctp/packet_filter.h"

enum { FLAG_E = 0x01, FLAG_B = 0x02, FLAG_U = 0x04 };
enum { CHUNK_HEADER_SIZE = 4, PPID_OFFSET = 12, PPID_KNOWN_MAX = 0xff, FLAGS_SHIFT = 8 };
enum { PARAM_RECONFIG_OUT = 13, OUT_RESPONSE_SEQ_OFFSET = 8, OUT_LAST_TSN_OFFSET = 12 };
enum { PARAM_RECONFIG_RESPONSE = 16, RESPONSE_SEQ_OFFSET = 4, RESPONSE_RESULT_OFFSET = 8, RESULT_IN_PROGRESS = 6 };

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

bool packet_shim_concerns(const uint8_t *packet, size_t size)
{
	for (size_t at = PACKET_HEADER_SIZE; at < size; at += padded(load_u16(packet + at + 2))) {
		uint8_t type = packet[at];

		if (type == CHUNK_FORWARD_TSN || type == CHUNK_RE_CONFIG ||
		    (type == CHUNK_DATA && packet[at + 1] & FLAG_U))
			return true;
	}
	return false;
}

static void expose_fragment(uint8_t *chunk)
{
	uint32_t ppid = load_u32(chunk + PPID_OFFSET);
	uint32_t flags = chunk[1] & (FLAG_B | FLAG_E);

	store_u32(chunk + PPID_OFFSET, (ppid <= PPID_KNOWN_MAX ? ppid : 0) | flags << FLAGS_SHIFT);
	chunk[1] |= FLAG_B | FLAG_E;
}

/* Step a sequence number back to one that usrsctp does not wait for. */
static void step_back(uint8_t *seq)
{
	store_u32(seq, load_u32(seq) - 1);
}

static void silence_early_answers(uint8_t *chunk)
{
	size_t size = load_u16(chunk + 2);

	for (size_t at = CHUNK_HEADER_SIZE; at < size; at += padded(load_u16(chunk + at + 2))) {
		uint8_t *param = chunk + at;

		if (load_u16(param) == PARAM_RECONFIG_OUT)
			step_back(param + OUT_RESPONSE_SEQ_OFFSET);
		if (load_u16(param) == PARAM_RECONFIG_RESPONSE &&
		    load_u32(param + RESPONSE_RESULT_OFFSET) == RESULT_IN_PROGRESS)
			step_back(param + RESPONSE_SEQ_OFFSET);
	}
}

static bool asks_beyond(const uint8_t *chunk, uint32_t cumulative_tsn)
{
	size_t size = load_u16(chunk + 2);

	for (size_t at = CHUNK_HEADER_SIZE; at < size; at += padded(load_u16(chunk + at + 2))) {
		const uint8_t *param = chunk + at;

		if (load_u16(param) == PARAM_RECONFIG_OUT &&
		    seq32_newer(load_u32(param + OUT_LAST_TSN_OFFSET), cumulative_tsn))
			return true;
	}
	return false;
}

size_t packet_shim_hold_reset(uint8_t *packet, size_t size, uint32_t cumulative_tsn, uint8_t *held)
{
	for (size_t at = PACKET_HEADER_SIZE; at < size; at += padded(load_u16(packet + at + 2))) {
		uint8_t *chunk = packet + at;
		size_t chunk_size = MIN(padded(load_u16(chunk + 2)), size - at);

		if (chunk[0] != CHUNK_RE_CONFIG || !asks_beyond(chunk, cumulative_tsn))
			continue;
		memcpy(held, packet, PACKET_HEADER_SIZE);
		memcpy(held + PACKET_HEADER_SIZE, chunk, chunk_size);
		chunk[0] = CHUNK_PAD;
		return PACKET_HEADER_SIZE + chunk_size;
	}
	return 0;
}

bool packet_shim_in(uint8_t *packet, size_t size, uint32_t *forward_tsn)
{
	bool forward = false;

	for (size_t at = PACKET_HEADER_SIZE; at < size; at += padded(load_u16(packet + at + 2))) {
		uint8_t *chunk = packet + at;

		if (chunk[0] == CHUNK_DATA && chunk[1] & FLAG_U)
			expose_fragment(chunk);
		else if (chunk[0] == CHUNK_RE_CONFIG)
			silence_early_answers(chunk);
		if (chunk[0] == CHUNK_FORWARD_TSN) {
			*forward_tsn = load_u32(chunk + 4);
			forward = true;
		}
	}
	return forward;
}

struct unordered_fragment packet_shim_fragment(uint32_t ppid, uint32_t tsn)
{
	return (struct unordered_fragment){
		.ppid = ppid & PPID_KNOWN_MAX,
		.tsn = tsn,
		.begins = ppid >> FLAGS_SHIFT & FLAG_B,
		.ends = ppid >> FLAGS_SHIFT & FLAG_E,
	};
}

size_t packet_shim_add_zero_checksum(uint8_t *packet, size_t size, size_t capacity)
{
	uint8_t *chunk = packet + PACKET_HEADER_SIZE;

	if (packet_first_chunk(packet, size) != CHUNK_INIT_ACK || capacity < size + PARAM_ZERO_CHECKSUM_SIZE)
		return 0;
	size_t chunk_size = padded(load_u16(chunk + 2));

	if (PACKET_HEADER_SIZE + chunk_size != size)
		return 0;
	store_u16(packet + size, PARAM_ZERO_CHECKSUM);
	store_u16(packet + size + 2, PARAM_ZERO_CHECKSUM_SIZE);
	store_u32(packet + size + 4, ZERO_CHECKSUM_DTLS);
	store_u16(chunk + 2, (uint16_t)(chunk_size + PARAM_ZERO_CHECKSUM_SIZE));
	return size + PARAM_ZERO_CHECKSUM_SIZE;
}
