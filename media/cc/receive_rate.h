/* The rate that we allow the peer by REMB, from what arrives and what is lost, for senders without transport-cc. */
#ifndef MEDIA_CC_RECEIVE_RATE_H
#define MEDIA_CC_RECEIVE_RATE_H

#include "media/cc/rate_meter.h"

enum { RECEIVE_RATE_FLOOR_BPS = 300000, RECEIVE_RATE_INTERVAL_US = 1000000 };

/*
 * The estimate is a permission, so it must stay above what a free path brings: it rises to one and a half times the
 * received rate, by at most half a second, and never falls because the sender is quiet. Loss above 10 % cuts it below
 * the received rate by half of the loss; between 2 and 10 % it stays (draft-ietf-rmcat-gcc-02 6).
 */
struct receive_rate {
	struct rate_meter meter;
	uint64_t max_bps;
	uint64_t estimate_bps;
	bool started;
	wlk_time next_update; /* WLK_TIME_NEVER: nothing arrived yet */
};

void receive_rate_init(struct receive_rate *r, uint64_t max_bps);
void receive_rate_on_packet(struct receive_rate *r, wlk_time now, size_t bytes);
/**
 * End an interval. |lost_of_256|: share of packets lost in it.
 * Answers true when the estimate fell by more than 3 %, which the sender should hear at once.
 */
bool receive_rate_update(struct receive_rate *r, wlk_time now, uint32_t lost_of_256);

#endif
