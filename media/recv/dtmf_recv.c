#include "media/recv/dtmf_recv.h"

#include "core/seq.h"

void dtmf_recv_init(struct dtmf_recv *r)
{
	*r = (struct dtmf_recv){ .deadline = WLK_TIME_NEVER };
}

static struct dtmf_fact *fact_at(struct dtmf_recv *r, size_t index)
{
	return &r->facts[(r->first + index) % DTMF_FACTS_MAX];
}

bool dtmf_recv_poll(struct dtmf_recv *r, struct dtmf_fact *out)
{
	if (!r->count)
		return false;
	*out = *fact_at(r, 0);
	r->first = (r->first + 1) % DTMF_FACTS_MAX;
	r->count--;
	return true;
}

/* Updates give way to anything; when there are none left, a whole event that nobody asked for does. */
static void make_room(struct dtmf_recv *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		if (fact_at(r, i)->phase != DTMF_UPDATE)
			*fact_at(r, kept++) = *fact_at(r, i);
	r->count = kept;
	if (kept + 2 < DTMF_FACTS_MAX)
		return;
	/* The end of an event whose beginning was read stays; the pair behind it goes. */
	if (fact_at(r, 0)->phase == DTMF_END)
		*fact_at(r, 2) = *fact_at(r, 0);
	r->first = (r->first + 2) % DTMF_FACTS_MAX;
	r->count -= 2;
}

static void tell(struct dtmf_recv *r, enum dtmf_phase phase)
{
	struct dtmf_fact fact = {
		.phase = phase,
		.event = r->event,
		.volume = r->volume,
		.duration = (wlk_time)((r->before + r->duration) * 1000000 / r->clock_hz),
	};

	if (phase != DTMF_BEGIN && r->count && fact_at(r, r->count - 1)->phase == DTMF_UPDATE)
		r->count--; /* nobody has read the update before */
	if (r->count == DTMF_FACTS_MAX)
		make_room(r);
	*fact_at(r, r->count++) = fact;
}

static void end(struct dtmf_recv *r)
{
	if (!r->is_open)
		return;
	r->is_open = false;
	r->deadline = WLK_TIME_NEVER;
	tell(r, DTMF_END);
}

void dtmf_recv_restart(struct dtmf_recv *r)
{
	end(r);
	r->started = false;
}

static void begin(struct dtmf_recv *r, const struct dtmf_event *event, uint32_t timestamp, uint32_t clock_hz)
{
	end(r);
	r->started = r->is_open = true;
	r->event = event->event;
	r->timestamp = timestamp;
	r->clock_hz = clock_hz;
	r->before = r->duration = 0;
	r->volume = event->volume;
	tell(r, DTMF_BEGIN);
}

/* RFC 4733 2.5.1.3: a long event goes on where its last segment ended, as the same event. */
static bool is_next_segment(const struct dtmf_recv *r, const struct dtmf_event *event, uint32_t timestamp)
{
	return r->is_open && event->event == r->event && timestamp == r->timestamp + DTMF_DURATION_MAX;
}

static void input_event(struct dtmf_recv *r, wlk_time now, const struct dtmf_event *event, uint32_t timestamp, uint32_t clock_hz)
{
	if (r->started && clock_hz == r->clock_hz && seq32_newer(r->timestamp, timestamp) &&
	    (uint64_t)(r->timestamp - timestamp) < (uint64_t)clock_hz * DTMF_BACK_S)
		return; /* overtaken */
	if (is_next_segment(r, event, timestamp)) {
		r->before += DTMF_DURATION_MAX;
		r->timestamp = timestamp;
		r->duration = 0;
	} else if (!r->started || timestamp != r->timestamp || clock_hz != r->clock_hz || (r->is_open && event->event != r->event)) {
		begin(r, event, timestamp, clock_hz);
	} else if (!r->is_open) {
		return; /* the end is sent three times */
	}
	r->volume = event->volume;
	r->deadline = time_add(now, DTMF_LOST_US);
	if (event->duration > r->duration) {
		r->duration = event->duration;
		if (!event->end)
			tell(r, DTMF_UPDATE);
	}
	if (event->end)
		end(r);
}

void dtmf_recv_input(struct dtmf_recv *r, wlk_time now, uint32_t timestamp, uint32_t clock_hz, wlk_bytes payload)
{
	struct dtmf_event event;
	size_t index = 0;
	wlk_err err;

	/* RFC 4733 2.5.1.6: events that follow each other may share a packet, each beginning where the one before ends. */
	while ((err = dtmf_parse(&event, payload.data, payload.size, index)) == WLK_OK) {
		input_event(r, now, &event, timestamp, clock_hz);
		timestamp += event.duration;
		index++;
	}
	r->malformed += err == WLK_ERR_PARSE;
}

void dtmf_recv_handle_timeout(struct dtmf_recv *r, wlk_time now)
{
	if (r->deadline <= now)
		end(r);
}
