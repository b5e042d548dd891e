#include "media/recv/ccfb_recv.h"

#include "core/alloc.h"

enum { NOT_ARRIVED = -1, MESSAGE_MAX = 1000, MESSAGE_MIN = 400, BLOCK_HEAD = 8, BLOCK_LEAST = BLOCK_HEAD + 4, BACK_US = 500000 };

void ccfb_recv_init(struct ccfb_recv *c)
{
	*c = (struct ccfb_recv){ .deadline = WLK_TIME_NEVER };
}

void ccfb_recv_free(struct ccfb_recv *c)
{
	for (size_t i = 0; i < c->stream_count; i++)
		wlk_free(c->streams[i]);
	ccfb_recv_init(c);
}

static wlk_time *arrival_of(struct ccfb_stream *s, int64_t seq)
{
	return &s->arrivals[(uint64_t)seq % CCFB_WINDOW];
}

static void start_at(struct ccfb_stream *s, int64_t seq)
{
	for (size_t i = 0; i < CCFB_WINDOW; i++)
		s->arrivals[i] = NOT_ARRIVED;
	s->low = s->next = s->high = seq;
}

static struct ccfb_stream *idle_stream(struct ccfb_recv *c, wlk_time now)
{
	for (size_t i = 0; i < c->stream_count; i++)
		if (now - c->streams[i]->last > CCFB_IDLE_US)
			return c->streams[i];
	return NULL;
}

static struct ccfb_stream *find(struct ccfb_recv *c, wlk_time now, uint32_t ssrc)
{
	struct ccfb_stream *s;

	for (size_t i = 0; i < c->stream_count; i++)
		if (c->streams[i]->ssrc == ssrc)
			return c->streams[i];
	s = c->stream_count < CCFB_STREAMS_MAX ? wlk_malloc(sizeof(*s)) : idle_stream(c, now);
	if (!s)
		return NULL;
	if (c->stream_count < CCFB_STREAMS_MAX)
		c->streams[c->stream_count++] = s;
	s->ssrc = ssrc;
	s->unwrap = (struct seq_unwrap){ 0 };
	return s;
}

/* Room for |seq| above the window: the oldest numbers fall out, reported or not. */
static void extend(struct ccfb_stream *s, int64_t seq)
{
	if (seq - s->high >= CCFB_WINDOW) {
		start_at(s, seq);
	} else {
		for (int64_t i = s->high; i <= seq; i++)
			*arrival_of(s, i) = NOT_ARRIVED;
	}
	s->high = seq + 1;
	s->low = MAX(s->low, s->high - CCFB_WINDOW);
	s->next = MAX(s->next, s->low);
}

static void schedule(struct ccfb_recv *c, wlk_time now)
{
	wlk_time earliest = c->ever_sent ? time_add(c->last_sent, CCFB_INTERVAL_US) : now;

	c->waiting++;
	if (c->waiting == 1)
		c->deadline = time_min(c->deadline, time_add(now, CCFB_LAZY_US));
	if (c->waiting >= CCFB_BUSY_PACKETS)
		c->deadline = time_min(c->deadline, MAX(earliest, now));
	if (c->waiting >= CCFB_FULL_PACKETS)
		c->deadline = now;
}

void ccfb_recv_on_packet(struct ccfb_recv *c, wlk_time now, uint32_t ssrc, uint16_t seq16)
{
	struct ccfb_stream *s = find(c, now, ssrc);
	bool first;
	int64_t seq;

	if (!s)
		return;
	first = !s->unwrap.started;
	seq = seq16_unwrap(&s->unwrap, seq16);
	if (first)
		start_at(s, seq);
	s->last = now;
	if (seq >= s->high)
		extend(s, seq);
	else if (seq < s->low || *arrival_of(s, seq) != NOT_ARRIVED)
		return; /* too old, or a duplicate */
	*arrival_of(s, seq) = now;
	s->next = MIN(s->next, seq); /* reported as lost before: it came after all */
	schedule(c, now);
}

static void forget_old(struct ccfb_stream *s, wlk_time now)
{
	while (s->low < s->next) {
		wlk_time arrival = *arrival_of(s, s->low);

		if (arrival != NOT_ARRIVED && now - arrival <= BACK_US)
			return;
		s->low++;
	}
}

/* A block of what fits into |room|; what it leaves is for the next message. */
static void write_block(struct ccfb_stream *s, wlk_time now, size_t room, struct bytes_writer *w)
{
	size_t fits = MIN((room - BLOCK_HEAD) / 4 * 2, (size_t)CCFB_BLOCK_MAX), count = MIN((size_t)(s->high - s->next), fits);
	wlk_time before[CCFB_BLOCK_MAX];

	for (size_t i = 0; i < count; i++) {
		wlk_time arrival = *arrival_of(s, s->next + (int64_t)i);

		before[i] = arrival == NOT_ARRIVED ? -1 : MAX(now - arrival, 0);
	}
	ccfb_write_block(w, s->ssrc, (uint16_t)s->next, before, count);
	s->next += (int64_t)count;
	forget_old(s, now);
}

bool ccfb_recv_write(struct ccfb_recv *c, wlk_time now, uint32_t ntp_mid, uint32_t sender_ssrc, struct bytes_writer *w)
{
	size_t room = MIN(w->capacity - w->size, (size_t)MESSAGE_MAX), start, begun = w->size;
	bool more = false, any = false;

	assert(room >= MESSAGE_MIN && "a block fits");
	if (c->deadline > now)
		return false;
	start = ccfb_write_begin(w, sender_ssrc);
	for (size_t i = 0; i < c->stream_count; i++) {
		struct ccfb_stream *s = c->streams[i];
		size_t used = w->size - begun + 4;

		if (s->next < s->high && room >= used + BLOCK_LEAST) {
			write_block(s, now, room - used, w);
			any = true;
		}
		more = more || s->next < s->high;
	}
	ccfb_write_end(w, start, ntp_mid);
	if (!any)
		w->size = begun;
	c->ever_sent = true;
	c->last_sent = now;
	c->waiting = 0;
	c->deadline = more ? now : WLK_TIME_NEVER;
	return any;
}
