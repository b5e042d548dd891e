/* One direction of a link that several flows share: a queue with a rate behind it, and losses by chance; with its figures. */
#ifndef SUPPORT_BOTTLENECK_H
#define SUPPORT_BOTTLENECK_H

#include <stddef.h>
#include <stdint.h>

#include "core/time.h"

enum { BOTTLENECK_FLOWS = 4, BOTTLENECK_SECONDS = 300, BOTTLENECK_PACKETS = 262144 };

struct bottleneck {
	uint64_t rate_bps;
	wlk_time queue, free_at; /* the longest stay; when what is in it has left */
	uint32_t loss;           /* of 10,000 */
	uint64_t random;
	wlk_time begins;         /* seconds are counted from here */
	/* figures */
	uint64_t bytes[BOTTLENECK_FLOWS][BOTTLENECK_SECONDS]; /* that left, by the second in which they came */
	uint64_t dropped, lost;
	struct {
		wlk_time at, waiting;
	} packets[BOTTLENECK_PACKETS];
	size_t packet_count;
};

void bottleneck_init(struct bottleneck *b, uint64_t seed, uint64_t rate_bps, wlk_time queue);
/* A packet of |size| bytes, headers counted, comes at |now|. When its last bit has left; -1: it was lost. */
wlk_time bottleneck_send(struct bottleneck *b, wlk_time now, size_t flow, size_t size);
/* Share of |rate_bps| that a flow had from one second to another. */
double bottleneck_share(const struct bottleneck *b, size_t flow, size_t from, size_t to, uint64_t rate_bps);
/* A quantile (0..1) of how long packets waited before their own bits left, between two moments [us]. */
wlk_time bottleneck_waiting(const struct bottleneck *b, wlk_time from, wlk_time to, double quantile);
/* From when on, after |from|, no packet of the next half second waited for |limit|; WLK_TIME_NEVER. */
wlk_time bottleneck_clean(const struct bottleneck *b, wlk_time from, wlk_time limit);

#endif
