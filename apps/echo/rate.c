#include "rate.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 1024 };

struct bucket {
	int64_t level_us;   /* spent time: each session costs 1/per_second of a second */
	int64_t updated_us;
};

struct rate_limiter {
	unsigned per_second;
	struct bucket buckets[BUCKETS]; /* direct-mapped: addresses that collide share one bucket */
};

struct rate_limiter *rate_limiter_create(unsigned per_second)
{
	struct rate_limiter *limiter = calloc(1, sizeof(*limiter));

	if (limiter)
		limiter->per_second = per_second;
	return limiter;
}

void rate_limiter_destroy(struct rate_limiter *limiter)
{
	free(limiter);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void address_of(const struct sockaddr *client, uint8_t out[8])
{
	memset(out, 0, 8);
	if (client->sa_family == AF_INET)
		memcpy(out, &((const struct sockaddr_in *)(const void *)client)->sin_addr, 4);
	else if (client->sa_family == AF_INET6)
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, 8);
}

bool rate_limiter_take(struct rate_limiter *limiter, const struct sockaddr *client)
{
	int64_t now = now_us();
	int64_t cost = 1000000 / limiter->per_second;
	uint32_t hash = 2166136261u;
	struct bucket *b;
	uint8_t address[8];

	address_of(client, address);
	for (size_t i = 0; i < sizeof(address); i++)
		hash = (hash ^ address[i]) * 16777619u;
	b = &limiter->buckets[hash % BUCKETS];
	b->level_us -= now - b->updated_us;
	b->updated_us = now;
	if (b->level_us < 0)
		b->level_us = 0;
	if (b->level_us + cost > 1000000)
		return false;
	b->level_us += cost;
	return true;
}
