#include "media/recv/playout_clock.h"

void playout_clock_init(struct playout_clock *c)
{
	*c = (struct playout_clock){ 0 };
}

static wlk_time earliest(const struct playout_clock *c)
{
	return time_min(c->start, c->before);
}

void playout_clock_on_pull(struct playout_clock *c, wlk_time now, size_t samples)
{
	wlk_time start = now - samples_to_us(c->pulled);

	if (!c->started || start > earliest(c) + PLAYOUT_CLOCK_STOP_US) {
		c->started = true;
		c->start = c->before = start;
		c->count = 0;
	}
	if (c->count++ == PLAYOUT_CLOCK_WINDOW) {
		c->before = c->start;
		c->start = start;
		c->count = 1;
	}
	c->start = time_min(c->start, start);
	c->pulled += (int64_t)samples;
}

wlk_time playout_clock_moment(const struct playout_clock *c, int64_t ahead)
{
	assert(c->started && "nothing was pulled yet");
	return earliest(c) + samples_to_us(c->pulled + ahead);
}
