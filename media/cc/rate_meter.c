#include "media/cc/rate_meter.h"

#include <string.h>

#include "core/err.h"

static void advance(struct rate_meter *m, wlk_time now)
{
	if (now - m->current >= 2 * RATE_BUCKETS * (wlk_time)RATE_BUCKET_US) {
		memset(m->bytes, 0, sizeof(m->bytes));
		m->total = 0;
		m->current = now;
		return;
	}
	while (now - m->current >= RATE_BUCKET_US) {
		m->current += RATE_BUCKET_US;
		m->index = (m->index + 1) % RATE_BUCKETS;
		m->total -= m->bytes[m->index];
		m->bytes[m->index] = 0;
	}
}

void rate_meter_add(struct rate_meter *m, wlk_time now, size_t bytes)
{
	if (!m->started) {
		m->started = true;
		m->first = m->current = now;
	}
	advance(m, now);
	m->bytes[m->index] += bytes;
	m->total += bytes;
}

uint64_t rate_meter_bps(struct rate_meter *m, wlk_time now)
{
	wlk_time span;

	if (!m->started)
		return 0;
	advance(m, now);
	/* Nine full buckets and the part of the newest one that has passed. */
	span = (RATE_BUCKETS - 1) * (wlk_time)RATE_BUCKET_US + (now - m->current);
	span = MAX(MIN(span, now - m->first), RATE_BUCKET_US);
	return m->total * 8 * 1000000 / (uint64_t)span;
}
