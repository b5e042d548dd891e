#include "media/cc/probe.h"

enum { SENT_MIN_US = 2000, RECEIVED_MIN_US = 1000 };

void probe_init(struct probe_control *p)
{
	*p = (struct probe_control){ 0 };
}

static bool is_free(const struct probe_cluster *c)
{
	return c->id == CC_NO_CLUSTER;
}

void probe_ask(struct probe_control *p, wlk_time now, uint64_t bps)
{
	for (size_t i = 0; i < PROBE_CLUSTERS; i++) {
		struct probe_cluster *c = &p->clusters[i];

		if (!is_free(c) && !(c->sent && now - c->asked > PROBE_ANSWER_MAX_US))
			continue;
		p->last_id = p->last_id == UINT16_MAX ? 1 : (uint16_t)(p->last_id + 1);
		*c = (struct probe_cluster){ .id = p->last_id, .bps = MAX(bps, 1000), .asked = now };
		return;
	}
}

void probe_cancel(struct probe_control *p)
{
	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (!p->clusters[i].sent)
			p->clusters[i] = (struct probe_cluster){ 0 };
}

bool probe_is_waiting(const struct probe_control *p)
{
	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (!is_free(&p->clusters[i]) && !p->clusters[i].sent)
			return true;
	return false;
}

bool probe_is_pending(const struct probe_control *p)
{
	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (!is_free(&p->clusters[i]))
			return true;
	return false;
}

bool probe_is_in_flight(const struct probe_control *p, wlk_time now)
{
	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (!is_free(&p->clusters[i]) && p->clusters[i].sending && now - p->clusters[i].first_sent < PROBE_FLIGHT_US)
			return true;
	return false;
}

/* The one that is being sent, else the oldest. */
struct probe_cluster *probe_current(struct probe_control *p, wlk_time now)
{
	struct probe_cluster *found = NULL;

	for (size_t i = 0; i < PROBE_CLUSTERS; i++) {
		struct probe_cluster *c = &p->clusters[i];

		if (is_free(c))
			continue;
		if (now - c->asked > (c->sent ? PROBE_ANSWER_MAX_US : PROBE_START_MAX_US)) {
			*c = (struct probe_cluster){ 0 };
			continue;
		}
		if (c->sent)
			continue;
		if (!found || c->sending || (!found->sending && (int16_t)(c->id - found->id) < 0))
			found = c;
	}
	return found;
}

void probe_on_sent(struct probe_control *p, struct probe_cluster *c, wlk_time now, size_t size)
{
	(void)p;
	if (!c->sending) {
		c->sending = true;
		c->asked = c->first_sent = now;
	}
	c->packets++;
	c->bytes += size;
	c->sent = c->packets >= PROBE_PACKETS_MIN && c->bytes * 8 * 1000000 >= c->bps * PROBE_SPAN_US;
}

static void line_add(struct probe_line *l, uint64_t bytes, wlk_time at)
{
	double x = (double)bytes, y;

	if (!l->count++)
		l->origin = at;
	y = (double)(at - l->origin);
	l->bytes += x;
	l->time += y;
	l->bytes_bytes += x * x;
	l->bytes_time += x * y;
}

/* Microseconds that a byte takes; 0: all came at once. */
static double line_slope(const struct probe_line *l)
{
	double below = l->count * l->bytes_bytes - l->bytes * l->bytes;

	return below > 0 ? MAX((l->count * l->bytes_time - l->bytes * l->time) / below, 0.0) : 0;
}

static uint64_t rate(double us_per_byte)
{
	return (uint64_t)(8e6 / us_per_byte);
}

bool probe_on_received(struct probe_control *p, const struct cc_packet *packet, struct probe_result *out)
{
	struct probe_cluster *c = NULL;
	double sent, received;

	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (p->clusters[i].id == packet->cluster && !is_free(&p->clusters[i]))
			c = &p->clusters[i];
	if (!c)
		return false;
	/* What left between its packets came between them, too. */
	c->acked_bytes += packet->size + (c->acked ? packet->carried : 0);
	c->acked++;
	line_add(&c->sent_line, c->acked_bytes, packet->sent);
	line_add(&c->arrival_line, c->acked_bytes, packet->arrival);
	if (!c->sent || c->acked * 10 < c->packets * 8 || c->acked < 4)
		return false;
	sent = line_slope(&c->sent_line);
	received = line_slope(&c->arrival_line);
	/* What arrives much faster than it left had been held up and tells nothing; so do times too short to be measured. */
	if (sent * (double)c->acked_bytes < SENT_MIN_US || received * (double)c->acked_bytes < RECEIVED_MIN_US || 2 * received < sent) {
		if (c->acked == c->packets)
			*c = (struct probe_cluster){ 0 };
		return false;
	}
	*out = (struct probe_result){ .asked_bps = c->bps, .sent_bps = rate(sent), .received_bps = rate(received) };
	*c = (struct probe_cluster){ 0 };
	return true;
}
