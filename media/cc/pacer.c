#include "media/cc/pacer.h"

#include "media/cc/gcc.h"

/* Rates are those of whole packets. */
static uint64_t size_of(const struct pacer_item *item)
{
	return item->buf->size + GCC_OVERHEAD;
}

wlk_err pacer_init(struct pacer *p)
{
	*p = (struct pacer){ .deadline = WLK_TIME_NEVER, .budget_bytes = PACER_BURST_MIN };
	for (int prio = 0; prio < PACER_CLASSES; prio++) {
		wlk_err err = event_queue_init(&p->queues[prio], sizeof(struct pacer_item), 16);

		if (err) {
			while (prio--)
				event_queue_free(&p->queues[prio]);
			return err;
		}
	}
	return WLK_OK;
}

void pacer_free(struct pacer *p)
{
	struct pacer_item item;

	for (int prio = 0; prio < PACER_CLASSES; prio++) {
		while (event_queue_pop(&p->queues[prio], &item))
			pktbuf_release(item.buf);
		event_queue_free(&p->queues[prio]);
	}
}

static size_t queued_packets(const struct pacer *p)
{
	size_t count = 0;

	for (int prio = 0; prio < PACER_CLASSES; prio++)
		count += event_queue_count(&p->queues[prio]);
	return count;
}

bool pacer_is_full(const struct pacer *p)
{
	return queued_packets(p) >= PACER_QUEUE_MAX;
}

size_t pacer_room(const struct pacer *p)
{
	return PACER_QUEUE_MAX - MIN(queued_packets(p), PACER_QUEUE_MAX);
}

wlk_time pacer_wait(const struct pacer *p, enum pacer_class prio)
{
	return p->rate_bps ? (wlk_time)(p->class_bytes[prio] * 8 * 1000000 / p->rate_bps) : 0;
}

uint64_t pacer_audio_bps(struct pacer *p, wlk_time now)
{
	return rate_meter_bps(&p->audio, now);
}

static uint64_t effective_rate(struct pacer *p, wlk_time now)
{
	uint64_t rate = p->rate_bps;
	uint64_t drain = p->queued_bytes * 8 * 1000000 / (rate ? PACER_DRAIN_PACED_US : PACER_DRAIN_US);

	if (rate && p->hurry_bps)
		drain = MIN(drain, p->hurry_bps);
	if (p->probe_bps)
		return MAX(p->probe_bps, drain);
	if (!rate)
		rate = MAX(rate_meter_bps(&p->pushed, now) * 5 / 2, PACER_FLOOR_BPS);
	return MAX(MAX(rate, drain), 1000);
}

static int64_t burst_bytes(const struct pacer *p, uint64_t rate)
{
	if (p->rate_bps || p->probe_bps)
		return MAX((int64_t)(rate / 8 * PACER_BURST_PACED_US / 1000000), 1);
	return MAX((int64_t)(rate / 8 * PACER_BURST_US / 1000000), PACER_BURST_MIN);
}

/* Audio never waits, so it may owe; half a second's worth at most, or the rest would wait for ever. */
static int64_t debt_max(struct pacer *p, wlk_time now)
{
	return MAX((int64_t)(effective_rate(p, now) / 16), 4096);
}

static int64_t bytes_in(uint64_t rate, wlk_time time)
{
	return (int64_t)(rate / 8 * (uint64_t)time / 1000000);
}

/*
 * What may be saved up. A busy machine lets us run late, and at a high rate that is more than a burst each time: what waited in
 * that time leaves then, or the rate would be that of the machine's moods.
 */
static int64_t savings_max(const struct pacer *p, wlk_time now, uint64_t rate)
{
	wlk_time late = p->deadline < now ? MIN(now - p->deadline, (wlk_time)PACER_LATE_US) : 0;

	return MAX(burst_bytes(p, rate) + bytes_in(rate, late), p->budget_bytes);
}

/* How long to wait for budget: where packets follow each other closely, some of them leave together. */
static wlk_time wait_for_budget(const struct pacer *p, uint64_t rate)
{
	wlk_time wait = 1 + (wlk_time)((uint64_t)(1 - p->budget_bytes) * 8 * 1000000 / rate);

	return rate >= PACER_GROUP_BPS && !p->probe_bps ? MAX(wait, (wlk_time)PACER_GROUP_US) : wait;
}

/* Let the time since the last call earn budget, and set when the next packet may leave. */
static void update(struct pacer *p, wlk_time now)
{
	uint64_t rate = effective_rate(p, now);
	wlk_time passed = MIN(MAX(now - p->updated, 0), 1000000);
	int64_t earned = bytes_in(rate, passed);
	size_t waiting = queued_packets(p);

	if (!waiting)
		p->budget_bytes = MIN(p->budget_bytes, burst_bytes(p, rate));
	/* Below one byte the time is kept for later, or frequent calls would earn nothing. */
	if (earned || passed == 1000000) {
		p->budget_bytes = MIN(p->budget_bytes + earned, savings_max(p, now, rate));
		p->updated = now;
	}
	if (!waiting && !(p->probe_bps && p->wants_padding))
		p->deadline = WLK_TIME_NEVER;
	else if (p->budget_bytes > 0 || event_queue_count(&p->queues[PACER_AUDIO]))
		p->deadline = now;
	else
		p->deadline = now + wait_for_budget(p, rate);
}

/* The rate is another one: what was saved up counts as a burst of it at most. */
static void restart(struct pacer *p, wlk_time now)
{
	p->budget_bytes = MIN(p->budget_bytes, burst_bytes(p, effective_rate(p, now)));
	update(p, now);
}

void pacer_set_rate(struct pacer *p, wlk_time now, uint64_t bps)
{
	update(p, now);
	p->rate_bps = bps;
	restart(p, now);
}

void pacer_set_hurry(struct pacer *p, wlk_time now, uint64_t bps)
{
	update(p, now);
	p->hurry_bps = bps;
	update(p, now);
}

void pacer_set_probe(struct pacer *p, wlk_time now, uint64_t bps, bool pad)
{
	if (p->probe_bps == bps)
		return;
	update(p, now);
	p->probe_bps = bps;
	p->wants_padding = bps && pad;
	restart(p, now);
}

bool pacer_needs_padding(struct pacer *p, wlk_time now)
{
	update(p, now);
	return p->probe_bps && p->wants_padding && !queued_packets(p) && p->budget_bytes > 0;
}

void pacer_no_padding(struct pacer *p, wlk_time now)
{
	p->wants_padding = false;
	update(p, now);
}

wlk_err pacer_push(struct pacer *p, wlk_time now, enum pacer_class prio, const struct pacer_item *item)
{
	wlk_err err;

	if (pacer_is_full(p))
		return WLK_ERR_AGAIN;
	err = event_queue_push(&p->queues[prio], item);
	if (err)
		return err;
	p->queued_bytes += size_of(item);
	p->class_bytes[prio] += size_of(item);
	rate_meter_add(&p->pushed, now, size_of(item));
	update(p, now);
	return WLK_OK;
}

bool pacer_pop(struct pacer *p, wlk_time now, struct pacer_item *out)
{
	update(p, now);
	if (p->deadline > now)
		return false;
	for (int prio = 0; prio < PACER_CLASSES; prio++) {
		if (prio != PACER_AUDIO && p->budget_bytes <= 0)
			break;
		if (!event_queue_pop(&p->queues[prio], out))
			continue;
		p->queued_bytes -= size_of(out);
		p->class_bytes[prio] -= size_of(out);
		if (prio == PACER_AUDIO)
			rate_meter_add(&p->audio, now, size_of(out));
		p->budget_bytes = MAX(p->budget_bytes - (int64_t)size_of(out), -debt_max(p, now));
		update(p, now);
		return true;
	}
	return false;
}

void pacer_spend(struct pacer *p, wlk_time now, size_t bytes)
{
	update(p, now);
	p->budget_bytes = MAX(p->budget_bytes - (int64_t)bytes, -debt_max(p, now));
	update(p, now);
}

void pacer_forget(struct pacer *p, const void *owner)
{
	struct pacer_item item;

	for (int prio = 0; prio < PACER_CLASSES; prio++) {
		struct event_queue *q = &p->queues[prio];

		for (size_t left = event_queue_count(q); left && event_queue_pop(q, &item); left--) {
			/* The place it came from is free, so pushing it back needs no memory. */
			if (item.owner != owner && event_queue_push(q, &item) == WLK_OK)
				continue;
			p->queued_bytes -= size_of(&item);
			p->class_bytes[prio] -= size_of(&item);
			pktbuf_release(item.buf);
		}
	}
	if (!queued_packets(p))
		p->deadline = WLK_TIME_NEVER; /* padding is asked for again with the next packet */
}
