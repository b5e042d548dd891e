/* Time arithmetic. Nothing below net/ reads a clock: every moment is an argument. */
#ifndef CORE_TIME_H
#define CORE_TIME_H

#include <wirelark/types.h>

#define MILLISECOND ((wlk_time)1000)
#define SECOND ((wlk_time)1000000)

static inline wlk_time time_min(wlk_time a, wlk_time b)
{
	return a < b ? a : b;
}

/* base + delta that stays WLK_TIME_NEVER instead of overflowing. */
static inline wlk_time time_add(wlk_time base, wlk_time delta)
{
	return base > WLK_TIME_NEVER - delta ? WLK_TIME_NEVER : base + delta;
}

/* Seconds and fraction as NTP 32.32, for a wall clock given in microseconds since 1970. */
static inline uint64_t time_to_ntp(int64_t unix_us)
{
	uint64_t seconds = (uint64_t)(unix_us / 1000000) + 2208988800u;
	uint64_t fraction = ((uint64_t)(unix_us % 1000000) << 32) / 1000000u;

	return seconds << 32 | fraction;
}

#endif
