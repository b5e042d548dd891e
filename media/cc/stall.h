/* Packets that come all at once behind a gap: they waited for a receiver or a link that slept, not in a queue. */
#ifndef MEDIA_CC_STALL_H
#define MEDIA_CC_STALL_H

#include "core/err.h"
#include "core/time.h"

/*
 * A queue gives its packets back one after the other, at the rate of the path, and as long as it is there nothing interrupts it. A
 * thread that gets no processor, or a radio that saves power, gives back at once what came meanwhile, after a time of nothing.
 */
struct stall {
	bool started;
	bool slept;             /* the packets of this burst waited together */
	wlk_time first_arrival; /* of the burst */
	wlk_time first_sent;
	wlk_time last_arrival;
	wlk_time gap;           /* before it nothing arrived for so long */
};

void stall_init(struct stall *s);
/** A packet arrived, of any size; in the order of arrival. */
void stall_add(struct stall *s, wlk_time sent, wlk_time arrival);
/** Whether a packet that arrived at |arrival| belongs to the burst of the last one. */
bool stall_has(const struct stall *s, wlk_time arrival);
/** What is left of |waiting| of a packet of this burst, without the sleep; the later it left the less of that it was there for. */
wlk_time stall_excuse(const struct stall *s, wlk_time waiting, wlk_time sent, wlk_time arrival);

#endif
