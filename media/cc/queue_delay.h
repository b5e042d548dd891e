/* How long packets wait in the queue of the path: one-way delay above the least one, and what the path carries while they do. */
#ifndef MEDIA_CC_QUEUE_DELAY_H
#define MEDIA_CC_QUEUE_DELAY_H

#include "core/err.h"
#include "core/time.h"
#include "media/cc/stall.h"

enum {
	QUEUE_BASE_SLOTS = 6,
	QUEUE_BASE_SLOT_US = 2500000, /* the least delay is forgotten after six of them, or twelve beside others: routes and clocks change */
	QUEUE_LIMIT_US = 11000,        /* a queue that is longer is no jitter */
	QUEUE_LIMIT_MAX_US = 250000,
	QUEUE_BUSY_US = 400000, /* the path's rate is taken over at most so much time */
};

struct queue_delay {
	bool started;
	size_t largest; /* packet lately: smaller ones are through sooner, and would make its own time look like waiting */
	int64_t base_slots[QUEUE_BASE_SLOTS]; /* least difference of the two clocks, newest first */
	wlk_time slot_began;                  /* by the receiver's clock */
	int64_t base;
	struct stall stall; /* is not counted as waiting */

	/* since queue_delay_begin() */
	wlk_time least, last; /* waiting time: the least, and that of the last two packets; -1: no packet yet */
	wlk_time before_last;
	wlk_time last_sent, last_arrival; /* of the packet that is before_last */

	/* packets that waited, one behind the other: then the path's rate is that of their arrivals */
	wlk_time busy_since;
	wlk_time busy_last;
	wlk_time busy_sent_since, busy_sent_last;
	uint64_t busy_bytes, busy_lost_bytes; /* that arrived; that were sent between them and did not */
	unsigned busy_packets;

	/*
	 * What counts as too long. It goes up where the queue does not answer to what we do, because somebody else fills it,
	 * and comes back when the queue does.
	 */
	wlk_time limit;
};

void queue_delay_init(struct queue_delay *q);
/** A feedback message begins. */
void queue_delay_begin(struct queue_delay *q);
/**
 * A packet that arrived.
 *
 * @param carried  bytes that came with it, see sent_history.h
 * @param counts   it tells of the queue as it is: it left after the last decrease
 */
void queue_delay_add(struct queue_delay *q, wlk_time sent, wlk_time arrival, size_t size, size_t carried, bool counts);
/** A packet that did not arrive. */
void queue_delay_lost(struct queue_delay *q, size_t size);
/** The path's own rate, from packets that waited [bps]; 0: too few did. */
uint64_t queue_delay_busy_bps(const struct queue_delay *q);
/** The rate at which the same packets were sent [bps]; 0: too few waited. */
uint64_t queue_delay_busy_sent_bps(const struct queue_delay *q);
/** Share of what was sent meanwhile that did not arrive, 0..1. */
double queue_delay_busy_loss(const struct queue_delay *q);
/** The next packet begins the measurement anew: what we send changed. */
void queue_delay_restart_busy(struct queue_delay *q);
/** The path's rate fell: a packet that does not wait takes longer all the same, by the time that its own bits need. */
void queue_delay_slower(struct queue_delay *q, uint64_t from_bps, uint64_t to_bps);
/** Time passed: the limit comes back towards what is seen. */
void queue_delay_relax(struct queue_delay *q, wlk_time passed);
/** A queue of |waiting| did not get shorter when we sent less. */
void queue_delay_not_ours(struct queue_delay *q, wlk_time waiting);

#endif
