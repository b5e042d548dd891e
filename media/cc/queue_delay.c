#include "media/cc/queue_delay.h"

enum { SHARED = 3 * QUEUE_LIMIT_US };
enum { BUSY_PACKETS_MIN = 5, BUSY_SPAN_MIN_US = 20000, WAITING_MAX_US = 60000000 };

void queue_delay_init(struct queue_delay *q)
{
	*q = (struct queue_delay){ .limit = QUEUE_LIMIT_US, .least = -1, .last = -1, .before_last = -1 };
}

void queue_delay_begin(struct queue_delay *q)
{
	q->least = q->last = q->before_last = -1;
}

static void update_base(struct queue_delay *q, int64_t difference, wlk_time arrival)
{
	/* Where others fill the queue it is seldom empty. */
	wlk_time slot = q->limit > SHARED ? 2 * QUEUE_BASE_SLOT_US : QUEUE_BASE_SLOT_US;

	if (!q->started) {
		q->started = true;
		q->slot_began = arrival;
		for (size_t i = 0; i < QUEUE_BASE_SLOTS; i++)
			q->base_slots[i] = INT64_MAX;
	}
	if (arrival - q->slot_began >= slot || arrival < q->slot_began - slot) {
		for (size_t i = QUEUE_BASE_SLOTS - 1; i; i--)
			q->base_slots[i] = q->base_slots[i - 1];
		q->base_slots[0] = INT64_MAX;
		q->slot_began = arrival;
	}
	q->base_slots[0] = MIN(q->base_slots[0], difference);
	q->base = q->base_slots[0];
	for (size_t i = 1; i < QUEUE_BASE_SLOTS; i++)
		q->base = MIN(q->base, q->base_slots[i]);
}

void queue_delay_restart_busy(struct queue_delay *q)
{
	q->busy_packets = 0;
	q->busy_bytes = q->busy_lost_bytes = 0;
}

static void update_busy(struct queue_delay *q, wlk_time waiting, wlk_time sent, wlk_time arrival, size_t size)
{
	bool waited = waiting >= QUEUE_LIMIT_US / 4;

	if (!waited || arrival < q->busy_last)
		queue_delay_restart_busy(q);
	if (!q->busy_packets) {
		q->busy_since = arrival;
		q->busy_sent_since = sent;
	} else if (arrival - q->busy_since > QUEUE_BUSY_US) {
		/* Half of the time goes, with its share of the bytes. */
		q->busy_bytes /= 2;
		q->busy_lost_bytes /= 2;
		q->busy_since += (q->busy_last - q->busy_since) / 2;
		q->busy_sent_since += (q->busy_sent_last - q->busy_sent_since) / 2;
	}
	if (waited) {
		q->busy_bytes += q->busy_packets ? size : 0; /* the first one ends the time before */
		q->busy_packets++;
	}
	q->busy_last = arrival;
	q->busy_sent_last = sent;
}

/* How long it waited is not known, but it came in line with the others. */
static void add_small_to_busy(struct queue_delay *q, wlk_time sent, wlk_time arrival, size_t size)
{
	if (!q->busy_packets || arrival < q->busy_last)
		return;
	q->busy_bytes += size;
	q->busy_last = arrival;
	q->busy_sent_last = sent;
}

/* A small packet shows that those before it waited for somebody who slept. */
static void excuse_burst(struct queue_delay *q)
{
	if (q->before_last < 0 || !stall_has(&q->stall, q->last_arrival))
		return;
	q->before_last = stall_excuse(&q->stall, q->before_last, q->last_sent, q->last_arrival);
	q->least = MIN(q->least, q->before_last);
	q->last = MIN(q->last, q->before_last);
}

void queue_delay_add(struct queue_delay *q, wlk_time sent, wlk_time arrival, size_t size, size_t carried, bool counts)
{
	wlk_time waiting;

	q->largest = MAX(q->largest - q->largest / 48, size);
	stall_add(&q->stall, sent, arrival);
	if (size < q->largest * 3 / 4) {
		excuse_burst(q);
		add_small_to_busy(q, sent, arrival, size + carried);
		return;
	}
	update_base(q, arrival - sent, arrival);
	waiting = stall_excuse(&q->stall, MIN(arrival - sent - q->base, WAITING_MAX_US), sent, arrival);
	update_busy(q, waiting, sent, arrival, size + carried);
	if (!counts)
		return;
	q->least = q->least < 0 ? waiting : MIN(q->least, waiting);
	q->last = q->before_last < 0 ? waiting : MIN(waiting, q->before_last);
	q->before_last = waiting;
	q->last_sent = sent;
	q->last_arrival = arrival;
}

void queue_delay_lost(struct queue_delay *q, size_t size)
{
	q->busy_lost_bytes += q->busy_packets ? size : 0;
}

uint64_t queue_delay_busy_bps(const struct queue_delay *q)
{
	wlk_time span = q->busy_last - q->busy_since;

	if (q->busy_packets < BUSY_PACKETS_MIN || span < BUSY_SPAN_MIN_US)
		return 0;
	return q->busy_bytes * 8 * 1000000 / (uint64_t)span;
}

uint64_t queue_delay_busy_sent_bps(const struct queue_delay *q)
{
	wlk_time span = q->busy_sent_last - q->busy_sent_since;

	if (!queue_delay_busy_bps(q) || span <= 0)
		return 0;
	return q->busy_bytes * 8 * 1000000 / (uint64_t)span;
}

double queue_delay_busy_loss(const struct queue_delay *q)
{
	return q->busy_lost_bytes ? (double)q->busy_lost_bytes / (double)(q->busy_lost_bytes + q->busy_bytes) : 0;
}

void queue_delay_slower(struct queue_delay *q, uint64_t from_bps, uint64_t to_bps)
{
	int64_t bits = (int64_t)q->largest * 8 * 1000000, longer = bits / (int64_t)to_bps - bits / (int64_t)from_bps;

	/* Too much does no harm: the next packet that waits less than nothing sets it right. */
	for (size_t i = 0; i < QUEUE_BASE_SLOTS; i++)
		if (q->base_slots[i] != INT64_MAX)
			q->base_slots[i] += longer;
}

void queue_delay_relax(struct queue_delay *q, wlk_time passed)
{
	/* Where others fill it, what is seen is no reason to give way, so the limit stays above that: or one would give way for ever. */
	wlk_time towards = MAX(q->limit > SHARED ? q->least * 9 / 8 : q->least, QUEUE_LIMIT_US);

	/* Down to there in some five seconds, or twenty where others fill it; up, once it is known to be filled by others, in one. */
	if (q->limit > SHARED && towards > q->limit)
		q->limit = MIN(q->limit + (towards - q->limit) * MIN(passed, SECOND) / SECOND, QUEUE_LIMIT_MAX_US);
	if (q->limit > towards)
		q->limit -= (q->limit - towards) * MIN(passed, SECOND) / (q->limit > SHARED ? 20 * SECOND : 5 * SECOND);
}

void queue_delay_not_ours(struct queue_delay *q, wlk_time waiting)
{
	q->limit = MIN(MAX(q->limit, waiting * 5 / 4), QUEUE_LIMIT_MAX_US);
}
