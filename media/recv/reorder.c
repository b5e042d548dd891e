#include "media/recv/reorder.h"

#include "core/alloc.h"

void reorder_init(struct reorder *r, wlk_time hold_us)
{
	*r = (struct reorder){ .hold_us = hold_us, .deadline = WLK_TIME_NEVER };
}

static struct reorder_slot *slot_of(const struct reorder *r, int64_t seq)
{
	return &r->slots[(uint64_t)seq % REORDER_MAX];
}

static void count(struct reorder *r, size_t held)
{
	if (r->all)
		*r->all = *r->all - r->held + held;
	r->held = held;
}

bool reorder_is_full(const struct reorder *r)
{
	return r->all && *r->all >= REORDER_ALL_MAX;
}

void reorder_reset(struct reorder *r)
{
	for (size_t i = 0; r->held && i < REORDER_MAX; i++) {
		pktbuf_release(r->slots[i].buf);
		r->slots[i].buf = NULL;
	}
	count(r, 0);
	r->started = false;
	r->deadline = WLK_TIME_NEVER;
}

void reorder_free(struct reorder *r)
{
	reorder_reset(r);
	wlk_free(r->slots);
	r->slots = NULL;
}

bool reorder_is_far(const struct reorder *r, int64_t seq)
{
	return r->started && seq - r->next >= REORDER_MAX;
}

const struct reorder_slot *reorder_peek(const struct reorder *r, int64_t seq)
{
	const struct reorder_slot *slot;

	if (!r->held || seq < r->next || seq > r->highest)
		return NULL;
	slot = slot_of(r, seq);
	return slot->buf ? slot : NULL;
}

void reorder_skip_to(struct reorder *r, int64_t seq)
{
	assert(!r->held && "nothing may be skipped over");
	r->next = seq;
}

/* A packet may wait for at most hold_us, whatever arrives behind it: the oldest one's arrival rules. */
static void set_deadline(struct reorder *r)
{
	r->deadline = WLK_TIME_NEVER;
	if (!r->held)
		return;
	for (int64_t seq = r->next; seq <= r->highest; seq++) {
		if (!slot_of(r, seq)->buf)
			continue;
		r->deadline = time_add(slot_of(r, seq)->arrival, r->hold_us);
		return;
	}
}

enum reorder_verdict reorder_put(struct reorder *r, int64_t seq, struct pktbuf *buf, wlk_time arrival,
				 bool is_recovered)
{
	struct reorder_slot *slot;

	if (!r->started) {
		r->started = true;
		r->next = seq;
		r->highest = seq;
	}
	if (seq < r->next)
		return REORDER_LATE;
	if (seq == r->next) {
		r->next++;
		r->highest = MAX(r->highest, seq);
		return REORDER_NEXT;
	}
	assert(!reorder_is_far(r, seq) && "the caller made room before");
	if (!r->slots)
		r->slots = wlk_calloc(REORDER_MAX, sizeof(*r->slots));
	if (!r->slots)
		return REORDER_NOMEM;
	slot = slot_of(r, seq);
	if (slot->buf)
		return REORDER_LATE;
	if (reorder_is_full(r))
		return REORDER_NOMEM;
	*slot = (struct reorder_slot){ .buf = buf, .arrival = arrival, .is_recovered = is_recovered };
	count(r, r->held + 1);
	r->highest = MAX(r->highest, seq);
	if (r->held == 1)
		r->deadline = time_add(arrival, r->hold_us);
	return REORDER_HELD;
}

bool reorder_pop(struct reorder *r, struct reorder_out *out, bool give_up)
{
	struct reorder_slot *slot;

	if (!r->held)
		return false;
	if (!slot_of(r, r->next)->buf && !give_up)
		return false;
	while (!slot_of(r, r->next)->buf)
		r->next++;
	slot = slot_of(r, r->next);
	*out = (struct reorder_out){ slot->buf, r->next, slot->arrival, slot->is_recovered };
	slot->buf = NULL;
	count(r, r->held - 1);
	r->next++;
	/* While a run drains, the deadline is not needed; it is set again at the next hole. */
	if (!r->held || !slot_of(r, r->next)->buf)
		set_deadline(r);
	return true;
}
