/* Whether the packets of a track keep coming, so that it can be told to be muted when they do not. */
#ifndef MEDIA_RECV_FLOW_H
#define MEDIA_RECV_FLOW_H

#include <stdbool.h>

#include "core/time.h"

enum { FLOW_SILENCE_US = 5000000 }; /* nothing for so long: it has stopped. Discontinuous sound sends something twice a second */

/* All zero: nothing came yet, and nothing is to be told. */
struct flow {
	bool is_flowing, told;
	wlk_time last;
};

/** A packet with payload came. */
void flow_on_packet(struct flow *f, wlk_time now);
/** All senders said BYE. */
void flow_end(struct flow *f);
/** When silence counts; WLK_TIME_NEVER: nothing flows. */
wlk_time flow_deadline(const struct flow *f);
void flow_handle_timeout(struct flow *f, wlk_time now);
/** True when is_flowing is not what was told last; what came and went between two polls is not told. */
bool flow_poll(struct flow *f);

#endif
