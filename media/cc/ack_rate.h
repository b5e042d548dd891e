/* The rate at which packets arrive at the far end, as its feedback tells: bytes over times of arrival. */
#ifndef MEDIA_CC_ACK_RATE_H
#define MEDIA_CC_ACK_RATE_H

#include "core/err.h"
#include "core/time.h"

enum { ACK_SLOTS = 32, ACK_SLOT_US = 25000 };

struct ack_slot {
	int64_t number; /* of the slot in time; the slots lie in a ring */
	wlk_time first, last;
	uint32_t first_size; /* of the packet that came at |first| */
	uint64_t bytes;
};

struct ack_rate {
	struct ack_slot slots[ACK_SLOTS];
	int64_t newest;
	bool started;
};

void ack_rate_init(struct ack_rate *a);
/** A packet arrived, by the receiver's clock; out of order is fine. */
void ack_rate_add(struct ack_rate *a, wlk_time arrival, size_t size);
/** Bits per second over the last |span_us| of arrivals, at most 750 ms; 0: too little to tell. */
uint64_t ack_rate_bps(const struct ack_rate *a, wlk_time span_us);

#endif
