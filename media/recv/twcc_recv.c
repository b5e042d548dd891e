#include "media/recv/twcc_recv.h"

#include "core/alloc.h"

enum { NOT_ARRIVED = -1, MESSAGE_MAX = 1000, MESSAGE_MIN = 400 };

void twcc_recv_init(struct twcc_recv *t)
{
	*t = (struct twcc_recv){ .deadline = WLK_TIME_NEVER };
}

void twcc_recv_free(struct twcc_recv *t)
{
	wlk_free(t->arrivals);
	twcc_recv_init(t);
}

static wlk_time *arrival_of(struct twcc_recv *t, int64_t seq)
{
	return &t->arrivals[(uint64_t)seq % TWCC_WINDOW];
}

static void start_at(struct twcc_recv *t, int64_t seq)
{
	for (size_t i = 0; i < TWCC_WINDOW; i++)
		t->arrivals[i] = NOT_ARRIVED;
	t->low = t->next = t->high = seq;
	t->waiting = 0;
}

/* Room for |seq| above the window: the oldest numbers fall out, reported or not. */
static void extend(struct twcc_recv *t, int64_t seq)
{
	if (seq - t->high >= TWCC_WINDOW) {
		start_at(t, seq);
	} else {
		for (int64_t i = t->high; i <= seq; i++)
			*arrival_of(t, i) = NOT_ARRIVED;
	}
	t->high = seq + 1;
	t->low = MAX(t->low, t->high - TWCC_WINDOW);
	t->next = MAX(t->next, t->low);
}

static void schedule(struct twcc_recv *t, wlk_time now)
{
	wlk_time earliest = t->ever_sent ? time_add(t->last_sent, TWCC_INTERVAL_US) : now;

	t->waiting++;
	if (t->waiting == 1)
		t->deadline = time_min(t->deadline, time_add(now, TWCC_LAZY_US));
	if (t->waiting >= TWCC_BUSY_PACKETS)
		t->deadline = time_min(t->deadline, MAX(earliest, now));
	if (t->waiting >= TWCC_FULL_PACKETS)
		t->deadline = now;
}

void twcc_recv_on_packet(struct twcc_recv *t, wlk_time now, uint16_t seq16, uint32_t media_ssrc)
{
	bool first = !t->unwrap.started;
	int64_t seq;

	if (!t->arrivals) {
		t->arrivals = wlk_malloc(TWCC_WINDOW * sizeof(*t->arrivals));
		if (!t->arrivals)
			return; /* the sender sees no feedback, as if it were lost */
		first = true;
	}
	seq = seq16_unwrap(&t->unwrap, seq16);
	if (first)
		start_at(t, seq);
	if (seq >= t->high)
		extend(t, seq);
	else if (seq < t->low || *arrival_of(t, seq) != NOT_ARRIVED)
		return; /* too old, or a duplicate */
	*arrival_of(t, seq) = now;
	t->media_ssrc = media_ssrc;
	/* Reported as lost before: the next message begins here and says that it came after all. */
	t->next = MIN(t->next, seq);
	schedule(t, now);
}

/* The first number from |seq| on that arrived and is worth reporting, or high. */
static int64_t first_arrived(struct twcc_recv *t, int64_t seq)
{
	while (seq < t->high && *arrival_of(t, seq) == NOT_ARRIVED)
		seq++;
	return seq;
}

/* Numbers that arrived too long ago are closed: they fall out of the window. */
static void forget_old(struct twcc_recv *t, wlk_time now)
{
	while (t->low < t->next) {
		wlk_time arrival = *arrival_of(t, t->low);

		if (arrival != NOT_ARRIVED && now - arrival <= TWCC_BACK_US)
			return;
		t->low++;
	}
}

bool twcc_recv_write(struct twcc_recv *t, wlk_time now, uint32_t sender_ssrc, struct bytes_writer *w)
{
	size_t room = MIN(w->capacity - w->size, MESSAGE_MAX);
	struct twcc_builder b;

	assert(room >= MESSAGE_MIN && "the losses in front of the first packet fit");
	if (t->deadline > now)
		return false;
	/*
	 * A message has to begin with the first number after the last one reported, so that losses in front are told.
	 * Only when more is missing than fits does it begin later; the sender knows such a gap from the numbering.
	 */
	if (first_arrived(t, t->next) - t->next >= TWCC_BUILDER_MAX / 2)
		t->next = first_arrived(t, t->next);
	if (t->next >= t->high) {
		t->deadline = WLK_TIME_NEVER;
		t->waiting = 0;
		return false;
	}
	twcc_builder_init(&b, (uint16_t)t->next, room);
	while (t->next < t->high) {
		wlk_time arrival = *arrival_of(t, t->next);

		if (!twcc_builder_add(&b, arrival != NOT_ARRIVED, arrival))
			break;
		t->next++;
	}
	twcc_builder_write(&b, w, sender_ssrc, t->media_ssrc, t->feedback_count++);
	t->ever_sent = true;
	t->last_sent = now;
	t->waiting = 0;
	t->deadline = t->next < t->high ? now : WLK_TIME_NEVER;
	forget_old(t, now);
	return bytes_writer_ok(w);
}
