#include "media/cc/delay_bwe.h"

enum {
	FRESH_MIN = 2,               /* packets that speak of what was changed */
	STEADY_US = 2500000,         /* without a queue: from here on the increase grows */
	STEP_BITS = 16800,           /* a round trip adds a packet and a half */
	EQUAL_RTT_US = 100000,       /* below it feedback makes the difference, which comes sooner to those who send more */
	RESPONSE_US = 100000,        /* beyond the round trip */
	DRAIN_SPAN_US = 200000,      /* a queue is to be gone in about this time */
	URGENT_US = 30000,           /* a queue of this length is no chance */
	GROWTH_US = 2000,
	OTHERS_US = 200000,          /* of sending less without an effect: one who just begins has given way by then */
	ASK_OTHERS_US = 8000000,
	NEVER_EMPTY_US = 2500000,    /* beyond the round trip, though we gave way: the queue is of others */
	EMPTY_MESSAGES = 3,          /* in a row: nobody fills the queue */
	GIVES_WAY_MAX = 2,           /* the path became slower; it was not seen at its slowest; a third time it is others */
	DRAINS_APART_US = 3000000,   /* those closer together are of one change of the path */
	SHARED_LIMIT_US = 3 * QUEUE_LIMIT_US, /* beyond it others are known to fill the queue: emptying it is in vain */
};

static const double resume_share = 0.97, gentle = 0.97;
static const double heavy_loss = 0.1;
static const double own_loss = 0.3; /* others who fill a queue give way before we lose so much in it */
static const double keeping_up = 0.9, own_queue = 1.06;
static const double took_back = 0.93, gives_back = 0.4;
static const double shared_share = 0.85; /* of what it was before we gave way in vain */
static const double queue_weight = 12, growth_weight = 7; /* per second of waiting */
static const double far_below = 0.5; /* what a path that became slower never shows: it carries what it carries */
static const double early = 0.125; /* at most so much of the rate is added in a second, until no queue was met for long */
static const double slower = 0.85; /* less than chance: the path has another rate */
static const double probe_drain = 0.75;
static const double drain_least = 0.08, drain_most = 0.35;
static const double drain_usual = 0.2; /* where the path is as it was: its queue is of a large frame's making */

void delay_bwe_init(struct delay_bwe *d, uint64_t start_bps)
{
	*d = (struct delay_bwe){ .bps = start_bps, .increasing_since = WLK_TIME_NEVER, .updated = -1, .path_since = INT64_MIN, .decreased = INT64_MIN / 2, .full_since = WLK_TIME_NEVER };
	trendline_init(&d->trend);
	queue_delay_init(&d->queue);
	ack_rate_init(&d->acked);
}

void delay_bwe_begin(struct delay_bwe *d)
{
	queue_delay_begin(&d->queue);
	d->fresh = 0;
	d->had_overuse = false;
}

/* How long packets were on their way says nothing more, nor does a queue that was being emptied. */
static void forget_path(struct delay_bwe *d, wlk_time now)
{
	trendline_init(&d->trend);
	queue_delay_init(&d->queue);
	d->restart_busy = true;
	d->queued_messages = 0;
	d->gave_way = 0;
	if (d->state == DELAY_DRAINING) {
		d->state = DELAY_INCREASING;
		d->increasing_since = now;
	}
}

void delay_bwe_path_changed(struct delay_bwe *d, wlk_time now)
{
	if (d->state == DELAY_DRAINING)
		d->bps = MAX(d->bps, d->resume_bps);
	forget_path(d, now);
	d->path_since = now;
}

void delay_bwe_heard_again(struct delay_bwe *d, wlk_time now)
{
	forget_path(d, now);
	d->path_since = INT64_MIN;
}

void delay_bwe_add(struct delay_bwe *d, wlk_time sent, wlk_time arrival, size_t size, size_t carried)
{
	bool fresh = sent > d->decreased;

	ack_rate_add(&d->acked, arrival, size + carried);
	if (sent < d->path_since)
		return;
	trendline_add(&d->trend, sent, arrival);
	queue_delay_add(&d->queue, sent, arrival, size, carried, fresh);
	d->fresh += fresh;
	if (fresh && d->restart_busy)
		queue_delay_restart_busy(&d->queue);
	d->restart_busy = d->restart_busy && !fresh;
	d->had_overuse = d->had_overuse || d->trend.signal == CC_OVERUSE;
}

void delay_bwe_lost(struct delay_bwe *d, wlk_time sent, size_t size)
{
	if (sent >= d->path_since && (sent > d->decreased || !d->restart_busy))
		queue_delay_lost(&d->queue, size);
}

static uint64_t share_of(uint64_t bps, double share)
{
	return (uint64_t)((double)bps * share);
}

static bool is_shared(const struct delay_bwe *d)
{
	return d->queue.limit > SHARED_LIMIT_US;
}

/*
 * What was sent while packets waited. Those that a full queue drops were sent, too: without them what arrives would always seem to
 * come as fast as it leaves. A few losses are no full queue.
 */
static uint64_t busy_sent(const struct delay_bwe *d)
{
	uint64_t sent = queue_delay_busy_sent_bps(&d->queue);

	return d->loss < heavy_loss ? sent : share_of(sent, 1 / MAX(1 - d->loss, 0.05));
}

/* What we sent since the last decrease arrives as fast as it was sent: it is not us who make the queue. */
static bool keeps_up(const struct delay_bwe *d)
{
	uint64_t sent = busy_sent(d), busy = queue_delay_busy_bps(&d->queue);

	return sent && busy > share_of(sent, keeping_up);
}

/* A queue builds that we should answer to. */
static bool is_overused(struct delay_bwe *d)
{
	const struct queue_delay *q = &d->queue;

	if (d->fresh < FRESH_MIN)
		return false;
	/* What is being emptied takes its time; only when it grows all the same was too little taken back. */
	if (d->state == DELAY_DRAINING)
		return q->last > d->waiting_at_decrease * 11 / 10 + GROWTH_US && !keeps_up(d);
	d->queued_messages = q->least > q->limit ? d->queued_messages + 1 : 0;
	if (q->last > MAX(3 * q->limit, (wlk_time)URGENT_US))
		return true;
	if (d->queued_messages >= (q->last > q->limit * 3 / 2 ? 1 : 2) && q->last >= d->least_before)
		return true;
	return d->had_overuse && q->last > q->limit / 2 && !is_shared(d);
}

/*
 * What the path has for us: the rate of packets that waited, else of all that came lately. When they came nearly as fast as they
 * were sent, it is not what they came at, for less may have been sent than is allowed, but what is allowed, in that proportion.
 */
static uint64_t path_rate(const struct delay_bwe *d)
{
	uint64_t busy = queue_delay_busy_bps(&d->queue), lately = ack_rate_bps(&d->acked, 125000);
	uint64_t sent = busy_sent(d), rate = busy;

	if (!rate)
		rate = ack_rate_bps(&d->acked, 250000);
	/* All of them waited: then what came lately came as fast as the path is. */
	if (d->queue.least > d->queue.limit && lately)
		rate = MIN(rate, lately);
	if (sent && rate > share_of(sent, slower))
		rate = MAX(rate, share_of(d->bps, MIN((double)rate / (double)sent, 1.0)));
	return rate ? rate : d->bps;
}

static void begin_drain(struct delay_bwe *d, wlk_time now, wlk_time waiting)
{
	d->state = DELAY_DRAINING;
	d->decreased = now;
	d->drains_probe = false;
	d->restart_busy = true;
	d->waiting_at_drain = -1;
	d->waiting_at_decrease = waiting;
	d->queued_messages = 0;
}

static void start_increase(struct delay_bwe *d, wlk_time now)
{
	d->state = DELAY_INCREASING;
	d->increasing_since = now;
	d->bps = MAX(d->bps, d->resume_bps);
}

/* Others fill the queue: it is theirs to empty. When it is long, losses decide from here on. */
static void share_queue(struct delay_bwe *d, wlk_time now)
{
	queue_delay_not_ours(&d->queue, d->queue.least);
	d->asked_others = now;
	d->gave_way = 0;
	d->full_since = now;
	start_increase(d, now);
}

/* Again and again, and a long queue is there all the same. */
static bool gave_way_in_vain(const struct delay_bwe *d)
{
	return d->gave_way >= GIVES_WAY_MAX && d->queue.least > SHARED_LIMIT_US && d->loss < heavy_loss;
}

/* Behind a long queue less and less arrives, again and again. */
static bool is_far_below(const struct delay_bwe *d, uint64_t rate)
{
	return d->gave_way && d->queue.least > SHARED_LIMIT_US && rate < share_of(d->drain_bps, far_below);
}

static void decrease(struct delay_bwe *d, wlk_time now)
{
	uint64_t rate = path_rate(d);
	double drain = (double)d->queue.last / DRAIN_SPAN_US;

	if (is_shared(d)) {
		d->bps = share_of(d->bps, 0.93);
		d->decreased = d->increasing_since = now;
		d->queued_messages = 0;
		return;
	}
	if (gave_way_in_vain(d) || (d->state != DELAY_DRAINING && is_far_below(d, rate))) {
		d->resume_bps = d->bps;
		share_queue(d, now);
		return;
	}
	d->gave_way += d->loss < heavy_loss; /* a full queue that is ours */
	drain = MIN(MAX(drain, drain_least), drain_most);
	/*
	 * A difference that may be chance would take more from those who have few packets to measure by. No chance is a queue that
	 * grew although we gave way: it grew at a rate that was taken for the path's.
	 */
	if (d->state != DELAY_DRAINING && rate > share_of(d->bps, slower)) {
		rate = d->bps;
		drain = MIN(drain, drain_usual);
	}
	if (rate < share_of(MAX(d->capacity_bps, d->bps), slower))
		queue_delay_slower(&d->queue, MAX(d->capacity_bps, d->bps), rate);
	if (d->state != DELAY_DRAINING)
		d->drain_bps = now - d->decreased > DRAINS_APART_US ? rate : MAX(d->drain_bps, rate);
	d->capacity_bps = rate;
	d->resume_bps = MIN(share_of(rate, resume_share), share_of(d->bps, gentle));
	d->before_bps = d->bps;
	d->bps = MIN(share_of(rate, 1 - drain), share_of(d->bps, gentle));
	begin_drain(d, now, d->queue.last);
}

/* While the queue is there, the path's rate is seen at its best. */
static void look_again(struct delay_bwe *d, wlk_time now)
{
	uint64_t rate = path_rate(d), busy = queue_delay_busy_bps(&d->queue);
	const struct queue_delay *q = &d->queue;

	/* More comes than we send: the queue is ours, and it comes at the path's rate. */
	if (busy && busy > share_of(queue_delay_busy_sent_bps(&d->queue), own_queue)) {
		double back = MIN(MAX((double)q->last / DRAIN_SPAN_US, drain_least), drain_most);

		d->capacity_bps = busy;
		d->resume_bps = MIN(d->resume_bps, share_of(busy, resume_share));
		if (q->least > q->limit && !d->drains_probe)
			d->bps = MIN(d->bps, share_of(busy, 1 - back));
	}
	if (d->queue.least <= d->queue.limit || rate >= d->bps || keeps_up(d) || !busy)
		return;
	/* What arrives follows what is sent, down and down: that is not how a slower path looks. */
	if (gave_way_in_vain(d) || is_far_below(d, rate)) {
		d->resume_bps = MAX(d->bps, share_of(d->drain_bps, far_below));
		share_queue(d, now);
		return;
	}
	d->gave_way += d->loss < heavy_loss;
	d->capacity_bps = rate;
	d->bps = share_of(rate, 1 - drain_most);
	d->resume_bps = MIN(d->resume_bps, share_of(rate, resume_share));
	/* The next measurement is one of what leaves from here on. */
	d->decreased = now;
	d->restart_busy = true;
}

/*
 * Whether others fill the queue. A queue of ours gives back more than we send while it is emptied: packets arrive at the path's
 * rate. When they arrive only as fast as we send them, though we send less than the path gave us, it is not emptied by that. While
 * much is lost this cannot be told.
 */
static bool is_of_others(const struct delay_bwe *d, const struct delay_context *context)
{
	const struct queue_delay *q = &d->queue;
	double sent = (double)queue_delay_busy_sent_bps(q), arrived = (double)queue_delay_busy_bps(q), path = (double)d->capacity_bps;

	return !d->drains_probe && d->loss < heavy_loss && q->least > q->limit && q->least > d->waiting_at_drain * 3 / 4 &&
	       q->busy_last - q->busy_since > MAX(context->rtt, (wlk_time)OTHERS_US) && sent > 0 && sent < took_back * path &&
	       arrived < sent + gives_back * (path - sent);
}

static void drain(struct delay_bwe *d, wlk_time now, const struct delay_context *context)
{
	const struct queue_delay *q = &d->queue;
	wlk_time limit = context->rtt + RESPONSE_US + 2 * MAX(d->waiting_at_decrease, 0) + DRAIN_SPAN_US;

	if (d->fresh < FRESH_MIN || q->least < 0)
		return;
	if (d->waiting_at_drain < 0)
		d->waiting_at_drain = q->least;
	if (!is_shared(d))
		look_again(d, now);
	if (d->state != DELAY_DRAINING)
		return;
	if (q->least <= (is_shared(d) ? QUEUE_LIMIT_US : q->limit / 2)) {
		d->queue.limit = QUEUE_LIMIT_US;
		start_increase(d, now);
		return;
	}
	if (is_of_others(d, context)) {
		d->resume_bps = MAX(d->resume_bps, share_of(d->before_bps, shared_share));
		share_queue(d, now);
	} else if (now - d->decreased >= limit) {
		start_increase(d, now);
	}
}

/* Bits per second that a second adds. */
static uint64_t increase_of(const struct delay_bwe *d, wlk_time now, const struct delay_context *context)
{
	uint64_t step = (uint64_t)STEP_BITS * 1000000 / (uint64_t)(MAX(context->rtt, (wlk_time)EQUAL_RTT_US) + RESPONSE_US);
	wlk_time steady;
	double share;

	if (d->state == DELAY_STARTING)
		return d->bps;
	steady = now - d->increasing_since - STEADY_US;
	if (is_shared(d))
		return MAX(step, share_of(d->bps, 0.16));
	if (steady <= 0)
		return MAX(MIN(step, share_of(d->bps, early)), share_of(d->bps, 0.02));
	share = 0.1 + 0.2 * (double)steady / 1e6;
	return share_of(d->bps, MIN(share, 0.6));
}

/*
 * The longer the queue, and the faster it grows, the more goes back, in proportion to the rate, against an increase that is the
 * same for all: so flows that see the same queue come to the same rate, and the queue to a few milliseconds.
 */
static void give_way(struct delay_bwe *d, wlk_time passed)
{
	const struct queue_delay *q = &d->queue;
	wlk_time floor = is_shared(d) ? q->limit : 0;
	double above = (double)MAX(q->least - floor, 0) / 1e6, growth = 0, back;

	if (d->least_before >= 0 && q->least > floor)
		growth = (double)(q->least - MAX(d->least_before, floor)) / 1e6;
	back = queue_weight * above * (double)passed / 1e6 + growth_weight * growth;
	d->bps = share_of(d->bps, 1 - MIN(MAX(back, -0.03), 0.1));
	/* Where a queue shows, the path's rate is near: what comes is small steps. */
	if (MIN(q->least, d->least_before) > QUEUE_LIMIT_US / 3)
		d->increasing_since = MAX(d->increasing_since, d->updated);
}

static void increase(struct delay_bwe *d, wlk_time now, const struct delay_context *context)
{
	uint64_t acked = ack_rate_bps(&d->acked, 500000), most = acked * 3 / 2 + 20000;
	wlk_time passed = MIN(now - d->updated, 200000);
	const struct queue_delay *q = &d->queue;
	uint64_t bps = d->bps;

	if (!acked || q->least < 0)
		return;
	/* What gets through without waiting is proven, whoever decided to send it. */
	if (q->least <= q->limit / 2)
		bps = MAX(bps, share_of(acked, 0.95));
	if (!context->app_limited && bps < most)
		bps = MIN(bps + increase_of(d, now, context) * (uint64_t)passed / 1000000, most);
	d->bps = MAX(bps, d->bps);
	give_way(d, passed);
	if (context->app_limited)
		d->increasing_since = now;
}

/* Those who fill the queue may have gone, and what is left of it be ours: less for a moment, and we see. */
static void ask_others(struct delay_bwe *d, wlk_time now)
{
	d->asked_others = now;
	d->before_bps = d->resume_bps = d->bps;
	d->capacity_bps = MAX(d->bps, 1);
	d->bps = share_of(d->bps, 1 - drain_most);
	begin_drain(d, now, QUEUE_LIMIT_MAX_US);
}

static void note_empty(struct delay_bwe *d, wlk_time now)
{
	if (d->queue.least < 0)
		return;
	if (d->queue.least <= QUEUE_LIMIT_US / 2) {
		d->full_since = WLK_TIME_NEVER;
		d->gave_way = 0;
		if (++d->empty_messages >= EMPTY_MESSAGES && is_shared(d))
			d->queue.limit = QUEUE_LIMIT_US;
		return;
	}
	d->empty_messages = 0;
	d->full_since = MIN(d->full_since, now);
}

static bool is_never_empty(const struct delay_bwe *d, wlk_time now, const struct delay_context *context)
{
	return d->gave_way && !is_shared(d) && d->full_since != WLK_TIME_NEVER && d->queue.least > d->queue.limit &&
	       d->queue.least > 2 * QUEUE_LIMIT_US &&
	       now - d->full_since > NEVER_EMPTY_US + context->rtt && d->loss < heavy_loss;
}

void delay_bwe_end(struct delay_bwe *d, wlk_time now, const struct delay_context *context)
{
	if (d->updated < 0)
		d->updated = now;
	d->loss = queue_delay_busy_loss(&d->queue) > own_loss ? queue_delay_busy_loss(&d->queue) : context->loss;
	note_empty(d, now);
	/* A probe's queue is gone with it; one that loses much is another. */
	if (context->probing && d->loss < heavy_loss)
		d->queued_messages = 0;
	else if (is_overused(d))
		decrease(d, now);
	else if (is_never_empty(d, now, context))
		share_queue(d, now);
	else if (d->state == DELAY_DRAINING)
		drain(d, now, context);
	else if (is_shared(d) && now - d->asked_others > ASK_OTHERS_US)
		ask_others(d, now);
	else
		increase(d, now, context);
	queue_delay_relax(&d->queue, now - d->updated);
	d->least_before = d->queue.least;
	d->updated = now;
}

void delay_bwe_on_probe(struct delay_bwe *d, wlk_time now, uint64_t bps, bool saturated)
{
	if (saturated) {
		d->capacity_bps = bps;
		d->resume_bps = MAX(share_of(bps, resume_share), MIN(d->bps, bps));
		d->bps = share_of(bps, probe_drain);
		begin_drain(d, now, QUEUE_LIMIT_MAX_US);
		d->drains_probe = true;
		return;
	}
	if (d->state == DELAY_DRAINING)
		d->resume_bps = MAX(d->resume_bps, bps);
	else
		d->bps = MAX(d->bps, bps);
}

void delay_bwe_limit(struct delay_bwe *d, wlk_time now, uint64_t bps)
{
	if (bps >= d->bps)
		return;
	d->bps = bps;
	d->increasing_since = now;
}
