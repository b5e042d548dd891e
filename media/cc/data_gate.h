/* What data may send beside video on one path: a rate out of the same estimate, while video is sent. */
#ifndef MEDIA_CC_DATA_GATE_H
#define MEDIA_CC_DATA_GATE_H

#include "core/err.h"
#include "core/time.h"
#include "media/cc/rate_meter.h"

/*
 * SCTP's own congestion control fills the queue of the path until something is lost, and media waits in that queue. So its packets
 * pass a gate where they leave. The gate knows nothing of what waits in front of it: it is told what left and when there was
 * nothing, and learns from having been closed that data wants more.
 *
 *	data_gate_set_rate   what data may send; 0: the gate is open
 *	data_gate_is_open    before each packet
 *	data_gate_on_sent, _on_empty   what was found then
 */
enum {
	DATA_GATE_BURST_US = 5000,  /* of the rate may leave at once */
	DATA_GATE_WANTS_US = 300000, /* held back within this time: data wants more than it gets */
};

struct data_gate {
	uint64_t rate_bps;       /* 0: open */
	int64_t budget_bytes;    /* may be negative by one packet */
	wlk_time updated;
	bool flows;              /* there was a packet when the gate was last found open */
	wlk_time held_back;      /* when it was last found closed while data flowed; before all time: never */
	wlk_time deadline;       /* when it opens, after it was found closed; WLK_TIME_NEVER */
	struct rate_meter sent;
};

void data_gate_init(struct data_gate *g);
void data_gate_set_rate(struct data_gate *g, wlk_time now, uint64_t bps);
/** Whether the next packet may leave now. */
bool data_gate_is_open(struct data_gate *g, wlk_time now);
/** A packet of |size| bytes on the path left. */
void data_gate_on_sent(struct data_gate *g, wlk_time now, size_t size);
/** The gate was open, and no packet was there. */
void data_gate_on_empty(struct data_gate *g);
/** Data was held back lately. */
bool data_gate_wants_more(const struct data_gate *g, wlk_time now);
/** The gate is open again: whoever drives looks for packets next. */
void data_gate_handle_timeout(struct data_gate *g, wlk_time now);

#endif
