#include "media/cc/stall.h"

enum {
	TOGETHER_US = 1000,  /* from one packet to the next */
	SENT_SPAN_US = 2000, /* what left within less may well arrive at once */
	COMPRESSION = 4,     /* so much faster than they left: faster than they may pass a queue of ours */
};

void stall_init(struct stall *s)
{
	*s = (struct stall){ 0 };
}

bool stall_has(const struct stall *s, wlk_time arrival)
{
	return s->started && arrival >= s->first_arrival && arrival <= s->last_arrival;
}

void stall_add(struct stall *s, wlk_time sent, wlk_time arrival)
{
	bool joins = s->started && sent >= s->first_sent && arrival >= s->last_arrival && arrival - s->last_arrival <= TOGETHER_US;

	if (joins) {
		wlk_time left_over = sent - s->first_sent, came_over = arrival - s->first_arrival;

		s->slept = left_over >= SENT_SPAN_US && came_over * COMPRESSION <= left_over;
	} else {
		s->gap = s->started ? MAX(arrival - s->last_arrival, 0) : 0;
		s->first_arrival = arrival;
		s->first_sent = sent;
		s->slept = false;
	}
	s->started = true;
	s->last_arrival = arrival;
}

wlk_time stall_excuse(const struct stall *s, wlk_time waiting, wlk_time sent, wlk_time arrival)
{
	wlk_time asleep = MIN(waiting - (arrival - s->first_arrival), s->gap - (sent - s->first_sent));

	return s->slept ? waiting - MAX(asleep, 0) : waiting;
}
