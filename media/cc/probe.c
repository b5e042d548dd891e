#include "media/cc/probe.h"

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
	c->last_sent = now;
	c->last_sent_size = (uint32_t)size;
	c->sent = c->packets >= PROBE_PACKETS_MIN && c->bytes * 8 * 1000000 >= c->bps * PROBE_SPAN_US;
}

static uint64_t rate(uint64_t bytes, wlk_time span)
{
	return bytes * 8 * 1000000 / (uint64_t)MAX(span, 1);
}

bool probe_on_received(struct probe_control *p, const struct cc_packet *packet, struct probe_result *out)
{
	struct probe_cluster *c = NULL;
	wlk_time sent_span, received_span;
	uint32_t size;

	for (size_t i = 0; i < PROBE_CLUSTERS; i++)
		if (p->clusters[i].id == packet->cluster && !is_free(&p->clusters[i]))
			c = &p->clusters[i];
	if (!c)
		return false;
	/* What left between its packets came between them, too. */
	size = packet->size + (c->acked ? packet->carried : 0);
	if (!c->acked || packet->arrival < c->first_arrival) {
		c->first_arrival = packet->arrival;
		c->first_size = size;
	}
	if (!c->acked || packet->sent < c->acked_first_sent)
		c->acked_first_sent = packet->sent;
	if (!c->acked || packet->sent >= c->acked_last_sent) {
		c->acked_last_sent = packet->sent;
		c->acked_last_size = packet->size;
	}
	c->last_arrival = c->acked ? MAX(c->last_arrival, packet->arrival) : packet->arrival;
	c->acked++;
	c->acked_bytes += size;
	if (!c->sent || c->acked * 10 < c->packets * 8 || c->acked < 4)
		return false;
	sent_span = c->acked_last_sent - c->acked_first_sent;
	received_span = c->last_arrival - c->first_arrival;
	out->asked_bps = c->bps;
	out->sent_bps = rate(c->acked_bytes - c->acked_last_size, sent_span);
	out->received_bps = rate(c->acked_bytes - c->first_size, received_span);
	/* What arrives much faster than it left had been held up and tells nothing; so do times too short to be measured. */
	if (sent_span < 2000 || received_span < 1000 || out->received_bps > 2 * out->sent_bps) {
		if (c->acked == c->packets)
			*c = (struct probe_cluster){ 0 };
		return false;
	}
	*c = (struct probe_cluster){ 0 };
	return true;
}
