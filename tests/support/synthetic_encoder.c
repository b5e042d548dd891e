#include "synthetic_encoder.h"

#include <math.h>
#include <string.h>

#include "core/err.h"

static double uniform(struct synthetic_encoder *e)
{
	uint64_t z = e->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static double normal(struct synthetic_encoder *e)
{
	double radius = sqrt(-2 * log(uniform(e) + 1e-12));

	return radius * cos(6.283185307 * uniform(e));
}

void synthetic_encoder_init(struct synthetic_encoder *e, uint64_t seed, wlk_time begins)
{
	*e = (struct synthetic_encoder){
		.random = seed * 7919 + 3,
		.target_bps = 300000,
		.max_bps = 20000000,
		.next = begins,
		.next_cut = begins + 5 * SECOND,
	};
}

static size_t size_of(struct synthetic_encoder *e, wlk_time now, bool key)
{
	double mean = (double)MIN(e->target_bps, e->max_bps) / 8 * SYNTHETIC_FRAME_US / 1e6;
	double size = mean * exp(0.2 * normal(e) - 0.02);

	if (key)
		size *= 4;
	else if (now >= e->next_cut)
		size *= 2.5;
	if (now >= e->next_cut)
		e->next_cut = now + 5 * SECOND + (wlk_time)(uniform(e) * 10e6);
	/* The rate control of an encoder: what was too much is saved over the next half second. */
	size -= MAX(MIN(e->debt / 15, 0.7 * size), -0.3 * size);
	e->debt += size - mean;
	e->debt = MAX(e->debt, -10 * mean);
	return (size_t)MAX(MIN(size, SYNTHETIC_FRAME_MAX), 60);
}

size_t synthetic_encoder_frame(struct synthetic_encoder *e, wlk_time now, uint8_t *data, bool *key)
{
	static const uint8_t key_head[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 };
	size_t size;

	*key = !e->frames || e->wants_key;
	e->next = now + SYNTHETIC_FRAME_US;
	e->frames++;
	if (!e->target_bps || e->paused)
		return 0;
	size = size_of(e, now, *key);
	memset(data, 0x31, size);
	if (*key)
		memcpy(data, key_head, sizeof(key_head));
	return size;
}
