/* Divides what a path carries among streams: least needs first, then by priority, up to what each can use. */
#ifndef MEDIA_CC_ALLOCATE_H
#define MEDIA_CC_ALLOCATE_H

#include "core/err.h"

/* One layer of a stream (simulcast), in the order in which layers are switched on. Rates in bps. */
struct allocate_layer {
	uint64_t min_bps, max_bps; /* max UINT64_MAX: no limit */
	bool is_on;                /* it has a share: it keeps it a little longer than another would get it */
	uint64_t bps;              /* answer; 0: off */
};

struct allocate_stream {
	struct allocate_layer *layers;
	size_t layer_count;
	uint32_t weight;
	bool always; /* its first layer gets its least rate even when there is too little for all: audio */
	uint64_t bps; /* of all layers together; on the way */
};

/**
 * Give |total_bps| out. The first layers get their least rate in the order of the streams; when it runs out, the rest get none,
 * but the first stream, and those with |always|, get theirs at any rate.
 */
void allocate_rates(struct allocate_stream *streams, size_t count, uint64_t total_bps);

#endif
