/* Relates samples that the device takes to time, though it takes them in bursts and by a clock of its own. */
#ifndef MEDIA_RECV_PLAYOUT_CLOCK_H
#define MEDIA_RECV_PLAYOUT_CLOCK_H

#include "core/err.h"
#include "core/time.h"

enum {
	PLAYOUT_CLOCK_WINDOW = 50,       /* pulls; the earliest of the last one or two windows counts */
	PLAYOUT_CLOCK_STOP_US = 200000, /* a pull that is so late: the device stood still */
};

/* Samples of 48 kHz as time [us] and back. */
static inline wlk_time samples_to_us(int64_t samples)
{
	return samples * 125 / 6;
}

static inline int64_t us_to_samples(wlk_time us)
{
	return us * 6 / 125;
}

struct playout_clock {
	bool started;
	int64_t pulled; /* samples so far */
	wlk_time start, before; /* moment minus time of the samples pulled: smallest of this window and of the last */
	size_t count;   /* pulls in this window */
};

void playout_clock_init(struct playout_clock *c);

/** The device wants the next |samples| at |now|. */
void playout_clock_on_pull(struct playout_clock *c, wlk_time now, size_t samples);

/**
 * When the sample |ahead| behind the next one is taken, at the earliest [us]; after the first pull. A burst of pulls counts as
 * what it is in the mean of a device: the data must be there for the first of it.
 */
wlk_time playout_clock_moment(const struct playout_clock *c, int64_t ahead);

#endif
