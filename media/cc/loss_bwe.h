/* The rate that losses speak for: tells losses that come from sending too much from those that come whatever is sent. */
#ifndef MEDIA_CC_LOSS_BWE_H
#define MEDIA_CC_LOSS_BWE_H

#include "core/err.h"
#include "core/time.h"

/*
 * Two explanations are compared over the last seconds: every packet is lost with probability p, whatever the rate; or the
 * path carries B and what is above B is lost too. The second one gives a limit when it is clearly the more likely one. A
 * high p is unlikely in itself, so that a constant rate over a path that drops a fifth of it is tried lower; when that does
 * not help, the first explanation wins.
 */
enum {
	LOSS_WINDOW = 24,              /* observations */
	LOSS_INTERVAL_US = 200000,     /* at least, each */
	LOSS_PACKETS_MIN = 15,
};

struct loss_observation {
	uint64_t bps; /* at which its packets were sent */
	uint32_t packets, lost;
};

struct loss_bwe {
	struct loss_observation window[LOSS_WINDOW]; /* ring */
	size_t count;                                /* ever */
	/* the one that is collected */
	wlk_time began, last_sent;
	uint64_t bytes;
	uint32_t packets, lost;
	bool collecting;
	uint32_t in_a_row;  /* received since the last lost one */
	uint64_t limit_bps; /* 0: losses speak for no limit */
};

void loss_bwe_init(struct loss_bwe *l);
/** A packet was reported as received or lost, for the first time. */
void loss_bwe_add(struct loss_bwe *l, wlk_time sent, size_t size, bool lost);
/** One that was reported as lost came after all. */
void loss_bwe_take_back(struct loss_bwe *l);
/** A feedback message ended: a new limit if enough was observed. |rate_bps|: the estimate that is in force. */
void loss_bwe_update(struct loss_bwe *l, uint64_t rate_bps);
/** Share of packets lost lately, 0..1. */
double loss_bwe_recent(const struct loss_bwe *l);
/** What was sent before tells nothing: the path was proven to carry more. */
void loss_bwe_forget(struct loss_bwe *l);

#endif
