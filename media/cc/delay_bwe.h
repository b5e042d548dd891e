/* The rate that the delay of the path allows: increase while no queue builds, decrease to what the path carries when one does. */
#ifndef MEDIA_CC_DELAY_BWE_H
#define MEDIA_CC_DELAY_BWE_H

#include "media/cc/ack_rate.h"
#include "media/cc/queue_delay.h"
#include "media/cc/trendline.h"

/*
 * draft-ietf-rmcat-gcc-02 5.5 with two changes. A decrease goes to the rate that the path was seen to carry, less what
 * empties its queue in a fraction of a second; when it is empty the rate comes back to just under the path's. And an
 * increase that has met no queue for some seconds grows faster and faster, because the path has become another one.
 */
enum delay_state {
	DELAY_STARTING,   /* no queue was ever met */
	DELAY_INCREASING,
	DELAY_DRAINING,   /* below the path's rate until its queue is empty */
};

struct delay_bwe {
	struct trendline trend;
	struct queue_delay queue;
	struct ack_rate acked;
	enum delay_state state;
	uint64_t bps;
	uint64_t capacity_bps; /* of the path, as last seen; 0: unknown */
	uint64_t resume_bps;   /* after draining */
	uint64_t drain_bps;    /* what the path was seen to carry when it began */
	wlk_time decreased;    /* when */
	wlk_time path_since;   /* what left before took another path */
	wlk_time increasing_since;
	wlk_time updated;
	wlk_time waiting_at_decrease;
	wlk_time asked_others;    /* when a queue of others was last tried by sending less */
	bool drains_probe;        /* the queue is of a probe's making */
	uint64_t before_bps;      /* the last decrease */
	wlk_time waiting_at_drain; /* as of the first packets that were sent after it; -1: none yet */
	wlk_time least_before; /* as of the last message */
	unsigned queued_messages; /* in a row that saw a queue */
	wlk_time full_since;      /* no message saw an empty queue since; WLK_TIME_NEVER: the last one did */
	unsigned gave_way;        /* decreases since then */
	unsigned empty_messages;  /* in a row that saw an empty queue */
	bool restart_busy;        /* with the first packet that was sent after it */
	unsigned fresh;           /* packets of this message that left after the last decrease */
	bool had_overuse;         /* the trendline said so during this message */
	double loss;              /* lately, or among those that waited, as of this message */
};

void delay_bwe_init(struct delay_bwe *d, uint64_t start_bps);
void delay_bwe_begin(struct delay_bwe *d);
/** What leaves from now on takes another path. The rate stays, but for what a queue on the old one took. */
void delay_bwe_path_changed(struct delay_bwe *d, wlk_time now);
/** Behind a silence all that is told from now on is of a path that may be another one. The rate stays. */
void delay_bwe_heard_again(struct delay_bwe *d, wlk_time now);
/** A packet arrived; |carried| bytes of others with it, see sent_history.h. */
void delay_bwe_add(struct delay_bwe *d, wlk_time sent, wlk_time arrival, size_t size, size_t carried);
/** A packet that left at |sent| did not arrive. */
void delay_bwe_lost(struct delay_bwe *d, wlk_time sent, size_t size);

/* What else is known when a feedback message ends. */
struct delay_context {
	wlk_time rtt;
	uint64_t sent_bps;    /* lately */
	bool probing;         /* a probe is under way: the queue is of its making */
	bool app_limited;     /* the application sends less than it may: that it meets no queue proves nothing */
	double loss;          /* lately, 0..1 */
};

void delay_bwe_end(struct delay_bwe *d, wlk_time now, const struct delay_context *context);
/** A probe got through: the rate goes to |bps| if that is more. |saturated|: it is the path's, and the queue has to be emptied. */
void delay_bwe_on_probe(struct delay_bwe *d, wlk_time now, uint64_t bps, bool saturated);
/** Something else than delay wants less. */
void delay_bwe_limit(struct delay_bwe *d, wlk_time now, uint64_t bps);

#endif
