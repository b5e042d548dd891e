/* STUN messages as bytes for tests of the shared ports, which look at no more than header and USERNAME. */
#ifndef TESTS_STUN_BYTES_H
#define TESTS_STUN_BYTES_H

#include <stdint.h>
#include <string.h>

enum { STUN_BYTES_MAX = 256 };

static inline size_t stun_bytes_header(uint8_t *out, uint16_t type, uint8_t txid_seed, size_t length)
{
	const uint8_t head[8] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(length >> 8), (uint8_t)length,
				  0x21, 0x12, 0xA4, 0x42 };

	memcpy(out, head, sizeof(head));
	for (int i = 0; i < 12; i++)
		out[8 + i] = (uint8_t)(txid_seed * 7 + i * 31 + 1);
	return 20;
}

/* A Binding request with this USERNAME, and an attribute in front that is skipped. */
static inline size_t stun_bytes_request(uint8_t out[STUN_BYTES_MAX], uint8_t txid_seed, const char *username)
{
	size_t size = strlen(username), padded = (size + 3) & ~(size_t)3;
	size_t at = stun_bytes_header(out, 0x0001, txid_seed, 8 + 4 + padded);
	const uint8_t before[8] = { 0x80, 0x22, 0, 1, 'x', 0, 0, 0 };
	const uint8_t attr[4] = { 0, 6, (uint8_t)(size >> 8), (uint8_t)size };

	memcpy(out + at, before, sizeof(before));
	memcpy(out + at + 8, attr, sizeof(attr));
	memset(out + at + 12, 0, padded);
	memcpy(out + at + 12, username, size);
	return at + 12 + padded;
}

/* A success (0x0101) or error response (0x0111) or an indication (0x0011) without attributes. */
static inline size_t stun_bytes_other(uint8_t out[STUN_BYTES_MAX], uint16_t type, uint8_t txid_seed)
{
	return stun_bytes_header(out, type, txid_seed, 0);
}

#endif
