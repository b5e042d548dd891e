#include "media/cc/allocate.h"

static uint64_t add_limited(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t most_of(const struct allocate_stream *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->layer_count; i++)
		sum = add_limited(sum, s->layers[i].max_bps);
	return sum;
}

static uint64_t take_least(struct allocate_stream *streams, size_t count, uint64_t left)
{
	for (size_t i = 0; i < count; i++) {
		struct allocate_stream *s = &streams[i];
		uint64_t least = MIN(s->layers[0].min_bps, s->layers[0].max_bps);

		s->bps = least <= left || s->always || !i ? least : 0;
		left -= MIN(s->bps, left);
	}
	return left;
}

/* By weight; what one cannot use goes to the others. */
static void share_out(struct allocate_stream *streams, size_t count, uint64_t left)
{
	for (size_t round = 0; round < count && left; round++) {
		uint64_t weights = 0, given = 0;

		for (size_t i = 0; i < count; i++)
			weights += streams[i].bps && streams[i].bps < most_of(&streams[i]) ? streams[i].weight : 0;
		for (size_t i = 0; weights && i < count; i++) {
			struct allocate_stream *s = &streams[i];
			uint64_t most = most_of(s), part = left / weights * s->weight;

			if (!s->bps || s->bps >= most)
				continue;
			part = MIN(part, most - s->bps);
			s->bps += part;
			given += part;
		}
		left -= given;
		if (!given)
			return;
	}
}

static void divide(struct allocate_stream *s)
{
	uint64_t left = s->bps;

	for (size_t i = 0; i < s->layer_count; i++) {
		struct allocate_layer *l = &s->layers[i];
		/* A layer that comes and goes costs a key frame each time. */
		uint64_t needed = !i ? 1 : l->is_on ? l->min_bps : add_limited(l->min_bps, l->min_bps / 5);

		l->bps = left >= needed ? MIN(left, l->max_bps) : 0;
		left -= l->bps;
		if (!l->bps && i)
			break;
	}
}

void allocate_rates(struct allocate_stream *streams, size_t count, uint64_t total_bps)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < streams[i].layer_count; j++)
			streams[i].layers[j].bps = 0;
	share_out(streams, count, take_least(streams, count, total_bps));
	for (size_t i = 0; i < count; i++)
		divide(&streams[i]);
}
