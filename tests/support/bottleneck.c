#include "bottleneck.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"

void bottleneck_init(struct bottleneck *b, uint64_t seed, uint64_t rate_bps, wlk_time queue)
{
	memset(b, 0, sizeof(*b));
	b->random = seed * 104729 + 7;
	b->rate_bps = rate_bps;
	b->queue = queue;
}

static uint32_t draw(struct bottleneck *b, uint32_t bound)
{
	uint64_t z = b->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z >> 32) * bound >> 32);
}

wlk_time bottleneck_send(struct bottleneck *b, wlk_time now, size_t flow, size_t size)
{
	wlk_time start = MAX(b->free_at, now);
	size_t second = (size_t)(MAX(now - b->begins, 0) / SECOND);

	if (b->loss && draw(b, 10000) < b->loss) {
		b->lost++;
		return -1;
	}
	if (start - now > b->queue) {
		b->dropped++;
		return -1;
	}
	if (b->packet_count < BOTTLENECK_PACKETS) {
		b->packets[b->packet_count].at = now;
		b->packets[b->packet_count++].waiting = start - now;
	}
	b->free_at = start + (wlk_time)(size * 8 * 1000000 / b->rate_bps);
	b->bytes[flow][MIN(second, (size_t)BOTTLENECK_SECONDS - 1)] += size;
	return b->free_at;
}

double bottleneck_share(const struct bottleneck *b, size_t flow, size_t from, size_t to, uint64_t rate_bps)
{
	uint64_t bytes = 0;

	for (size_t i = from; i < to; i++)
		bytes += b->bytes[flow][i];
	return (double)bytes * 8 / (double)(to - from) / (double)rate_bps;
}

static int compare(const void *a, const void *b)
{
	wlk_time x = *(const wlk_time *)a, y = *(const wlk_time *)b;

	return x < y ? -1 : x > y;
}

wlk_time bottleneck_waiting(const struct bottleneck *b, wlk_time from, wlk_time to, double quantile)
{
	static wlk_time waiting[BOTTLENECK_PACKETS];
	size_t count = 0;

	for (size_t i = 0; i < b->packet_count; i++)
		if (b->packets[i].at >= from && b->packets[i].at < to)
			waiting[count++] = b->packets[i].waiting;
	qsort(waiting, count, sizeof(*waiting), compare);
	return count ? waiting[(size_t)((double)(count - 1) * quantile)] : 0;
}

wlk_time bottleneck_clean(const struct bottleneck *b, wlk_time from, wlk_time limit)
{
	wlk_time since = from;

	for (size_t i = 0; i < b->packet_count; i++) {
		if (b->packets[i].at < from)
			continue;
		if (b->packets[i].at - since >= SECOND / 2)
			return since;
		if (b->packets[i].waiting >= limit)
			since = b->packets[i].at;
	}
	return WLK_TIME_NEVER;
}
