#include "net/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

wlk_time clock_monotonic(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_unix(void)
{
	return read_us(CLOCK_REALTIME);
}
