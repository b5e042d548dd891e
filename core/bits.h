/* A bounded reader of bits, highest first, with a sticky error; for the headers of video bitstreams. */
#ifndef CORE_BITS_H
#define CORE_BITS_H

#include "core/bytes.h"

struct bits_reader {
	const uint8_t *data;
	size_t size; /* bytes */
	size_t at;   /* bits */
	bool failed;
};

static inline struct bits_reader bits_reader(const uint8_t *data, size_t size)
{
	return (struct bits_reader){ .data = data, .size = size };
}

/* The next |count| bits, at most 32; 0 when there are fewer. */
static inline uint32_t bits_get(struct bits_reader *r, unsigned count)
{
	uint32_t value = 0;

	if (r->failed || count > r->size * 8 - r->at) {
		r->failed = true;
		return 0;
	}
	while (count--) {
		value = value << 1 | ((uint32_t)r->data[r->at / 8] >> (7 - r->at % 8) & 1u);
		r->at++;
	}
	return value;
}

static inline bool bits_flag(struct bits_reader *r)
{
	return bits_get(r, 1) != 0;
}

static inline void bits_skip(struct bits_reader *r, size_t count)
{
	if (r->failed || count > r->size * 8 - r->at)
		r->failed = true;
	else
		r->at += count;
}

/* Unsigned Exp-Golomb code (H.264 9.1, AV1 4.10.3 uvlc); 0 and failed above 32 bits. */
static inline uint32_t bits_ue(struct bits_reader *r)
{
	unsigned zeros = 0;

	while (!r->failed && zeros < 32 && !bits_flag(r))
		zeros++;
	if (zeros >= 32)
		r->failed = true;
	return r->failed || !zeros ? 0 : (uint32_t)(((uint64_t)1 << zeros) - 1 + bits_get(r, zeros));
}

static inline bool bits_ok(const struct bits_reader *r)
{
	return !r->failed;
}

#endif
