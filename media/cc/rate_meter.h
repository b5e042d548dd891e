/* Bytes per second over the last second, in ten buckets. */
#ifndef MEDIA_CC_RATE_METER_H
#define MEDIA_CC_RATE_METER_H

#include "core/time.h"

enum { RATE_BUCKETS = 10, RATE_BUCKET_US = 100000 };

struct rate_meter {
	bool started;
	wlk_time first;   /* begin of the first bucket ever used */
	wlk_time current; /* begin of the newest bucket */
	size_t index;
	uint64_t bytes[RATE_BUCKETS];
	uint64_t total;
};

void rate_meter_add(struct rate_meter *m, wlk_time now, size_t bytes);
/** Bits per second; over what has passed when that is less than a second, but at least 100 ms. 0: nothing. */
uint64_t rate_meter_bps(struct rate_meter *m, wlk_time now);

#endif
