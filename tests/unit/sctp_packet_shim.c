/* What the shim changes in packets, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "core/bytes.h"
#include "sctp/packet_filter.h"
#include "sctp/packet_shim.h"

enum { U = 4, B = 2, E = 1 };

static const uint8_t data_chunk[20] = { CHUNK_DATA, 0, 0, 20, 0, 0, 0, 9, 0, 7, 0, 0, 0, 0, 0, 53, 1, 2, 3, 4 };
static const uint8_t forward_chunk[8] = { CHUNK_FORWARD_TSN, 0, 0, 8, 0, 0, 1, 2 };
/* RE-CONFIG with an outgoing reset request: request 100, response 200, last TSN 300, stream 7. */
static const uint8_t reset_chunk[24] = {
	CHUNK_RE_CONFIG, 0, 0, 22, 0, 13, 0, 18, 0, 0, 0, 100, 0, 0, 0, 200, 0, 0, 1, 44, 0, 7
};
/* And with a response to request 200. */
static const uint8_t response_chunk[16] = { CHUNK_RE_CONFIG, 0, 0, 16, 0, 16, 0, 12, 0, 0, 0, 200, 0, 0, 0, 6 };

static size_t put(uint8_t *packet, size_t size, const uint8_t *chunk, size_t chunk_size)
{
	if (!size) {
		memset(packet, 0, PACKET_HEADER_SIZE);
		packet[3] = 0x88;
		size = PACKET_HEADER_SIZE;
	}
	memcpy(packet + size, chunk, chunk_size);
	return size + chunk_size;
}

static void test_unordered_chunks_become_whole_messages(void **state)
{
	uint8_t packet[256];
	uint32_t tsn = 0;

	(void)state;
	for (uint8_t flags = 0; flags < 8; flags++) {
		size_t size = put(packet, 0, data_chunk, sizeof(data_chunk));
		uint8_t *chunk = packet + PACKET_HEADER_SIZE;
		struct unordered_fragment fragment;

		chunk[1] = flags;
		assert_int_equal(packet_shim_concerns(packet, size), (flags & U) != 0);
		assert_false(packet_shim_in(packet, size, &tsn));
		if (!(flags & U)) {
			assert_int_equal(chunk[1], flags);
			assert_int_equal(load_u32(chunk + 12), 53);
			continue;
		}
		assert_int_equal(chunk[1], U | B | E);
		fragment = packet_shim_fragment(load_u32(chunk + 12), 9);
		assert_int_equal(fragment.ppid, 53);
		assert_int_equal(fragment.tsn, 9);
		assert_int_equal(fragment.begins, (flags & B) != 0);
		assert_int_equal(fragment.ends, (flags & E) != 0);
	}
}

static void test_an_unknown_ppid_does_not_look_like_flags(void **state)
{
	uint8_t packet[256];
	uint8_t *chunk = packet + PACKET_HEADER_SIZE;
	size_t size = put(packet, 0, data_chunk, sizeof(data_chunk));
	struct unordered_fragment fragment;
	uint32_t tsn = 0;

	(void)state;
	chunk[1] = U | B;
	store_u32(chunk + 12, 0x01000135);
	packet_shim_in(packet, size, &tsn);
	fragment = packet_shim_fragment(load_u32(chunk + 12), 9);
	assert_int_equal(fragment.ppid, 0);
	assert_true(fragment.begins);
	assert_false(fragment.ends);
}

static void test_FORWARD_TSN_is_found_behind_other_chunks(void **state)
{
	uint8_t packet[256];
	size_t size = put(packet, 0, data_chunk, sizeof(data_chunk));
	uint32_t tsn = 0;

	(void)state;
	assert_false(packet_shim_concerns(packet, size));
	size = put(packet, size, forward_chunk, sizeof(forward_chunk));
	assert_true(packet_shim_concerns(packet, size));
	assert_true(packet_shim_in(packet, size, &tsn));
	assert_int_equal(tsn, 0x102);
}

static void test_RFC6525_early_answers_are_silenced(void **state)
{
	uint8_t packet[256];
	uint8_t *param = packet + PACKET_HEADER_SIZE + 4;
	size_t size = put(packet, 0, response_chunk, sizeof(response_chunk));
	uint32_t tsn = 0;

	(void)state;
	packet_shim_in(packet, size, &tsn);
	assert_int_equal(load_u32(param + 4), 199); /* "In progress" */
	for (uint32_t result = 0; result < 6; result++) {
		size = put(packet, 0, response_chunk, sizeof(response_chunk));
		store_u32(param + 8, result);
		packet_shim_in(packet, size, &tsn);
		assert_int_equal(load_u32(param + 4), 200);
	}
	size = put(packet, 0, reset_chunk, sizeof(reset_chunk));
	packet_shim_in(packet, size, &tsn);
	assert_int_equal(load_u32(param + 4), 100);
	assert_int_equal(load_u32(param + 8), 199);
	assert_int_equal(load_u32(param + 12), 300);
}

static void test_RFC6525_a_reset_waits_for_its_last_TSN(void **state)
{
	uint8_t packet[256], held[256];
	size_t size = put(packet, 0, data_chunk, sizeof(data_chunk));
	size_t held_size;

	(void)state;
	size = put(packet, size, reset_chunk, sizeof(reset_chunk));
	assert_int_equal(packet_shim_hold_reset(packet, size, 300, held), 0);
	assert_int_equal(packet_shim_hold_reset(packet, size, 301, held), 0);
	assert_int_equal(packet[PACKET_HEADER_SIZE + sizeof(data_chunk)], CHUNK_RE_CONFIG);

	held_size = packet_shim_hold_reset(packet, size, 299, held);
	assert_int_equal(held_size, PACKET_HEADER_SIZE + sizeof(reset_chunk));
	assert_memory_equal(held, packet, PACKET_HEADER_SIZE);
	assert_memory_equal(held + PACKET_HEADER_SIZE, reset_chunk, sizeof(reset_chunk));
	assert_int_equal(packet[PACKET_HEADER_SIZE + sizeof(data_chunk)], CHUNK_PAD);
	assert_memory_equal(packet + PACKET_HEADER_SIZE, data_chunk, sizeof(data_chunk));
	/* Nothing is left to hold. */
	assert_int_equal(packet_shim_hold_reset(packet, size, 299, held), 0);
	/* TSNs wrap: 300 is newer than 2^32 - 5. */
	size = put(packet, 0, reset_chunk, sizeof(reset_chunk));
	assert_int_equal(packet_shim_hold_reset(packet, size, 0xfffffffb, held),
			 PACKET_HEADER_SIZE + sizeof(reset_chunk));
	/* A response alone is never held. */
	size = put(packet, 0, response_chunk, sizeof(response_chunk));
	assert_int_equal(packet_shim_hold_reset(packet, size, 0, held), 0);
}

static void test_RFC9653_parameter_is_appended_to_INIT_ACK_only(void **state)
{
	uint8_t packet[256];
	uint8_t chunk[28] = { CHUNK_INIT_ACK, 0, 0, 27 }; /* a last parameter that wants padding */
	size_t size = put(packet, 0, chunk, sizeof(chunk));

	(void)state;
	assert_int_equal(packet_shim_add_zero_checksum(packet, size, size + 7), 0);
	assert_int_equal(packet_shim_add_zero_checksum(packet, size, size + 8), size + 8);
	assert_int_equal(load_u16(packet + PACKET_HEADER_SIZE + 2), 36);
	assert_memory_equal(packet + size, ((uint8_t[]){ 0x80, 0x01, 0, 8, 0, 0, 0, 1 }), 8);
	chunk[0] = CHUNK_INIT;
	size = put(packet, 0, chunk, sizeof(chunk));
	assert_int_equal(packet_shim_add_zero_checksum(packet, size, 256), 0);
	chunk[0] = CHUNK_INIT_ACK;
	size = put(packet, 0, chunk, sizeof(chunk));
	size = put(packet, size, forward_chunk, sizeof(forward_chunk));
	assert_int_equal(packet_shim_add_zero_checksum(packet, size, 256), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unordered_chunks_become_whole_messages),
		cmocka_unit_test(test_an_unknown_ppid_does_not_look_like_flags),
		cmocka_unit_test(test_FORWARD_TSN_is_found_behind_other_chunks),
		cmocka_unit_test(test_RFC6525_early_answers_are_silenced),
		cmocka_unit_test(test_RFC6525_a_reset_waits_for_its_last_TSN),
		cmocka_unit_test(test_RFC9653_parameter_is_appended_to_INIT_ACK_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
