/* Serial-number arithmetic for wrapping counters (RFC 1982 sense). */
#ifndef CORE_SEQ_H
#define CORE_SEQ_H

#include <wirelark/types.h>

/* Signed distance from |from| to |to| on the 16-bit circle: -32768..32767. */
static inline int32_t seq16_diff(uint16_t to, uint16_t from)
{
	return (int16_t)(uint16_t)(to - from);
}

static inline bool seq16_newer(uint16_t a, uint16_t b)
{
	return seq16_diff(a, b) > 0;
}

static inline int64_t seq32_diff(uint32_t to, uint32_t from)
{
	return (int32_t)(to - from);
}

static inline bool seq32_newer(uint32_t a, uint32_t b)
{
	return seq32_diff(a, b) > 0;
}

/* Extends 16-bit numbers to 64 bits around the highest one seen. Zero-initialised: nothing seen. */
struct seq_unwrap {
	bool started;
	int64_t highest;
};

/* The extended value of |seq|; moves the window when it is new. The first value starts at seq + 65536. */
static inline int64_t seq16_unwrap(struct seq_unwrap *u, uint16_t seq)
{
	if (!u->started) {
		u->started = true;
		u->highest = 65536 + (int64_t)seq;
		return u->highest;
	}
	int64_t value = u->highest + seq16_diff(seq, (uint16_t)u->highest);

	if (value > u->highest)
		u->highest = value;
	return value;
}

static inline int64_t seq32_unwrap(struct seq_unwrap *u, uint32_t seq)
{
	if (!u->started) {
		u->started = true;
		u->highest = ((int64_t)1 << 32) + (int64_t)seq;
		return u->highest;
	}
	int64_t value = u->highest + seq32_diff(seq, (uint32_t)u->highest);

	if (value > u->highest)
		u->highest = value;
	return value;
}

#endif
