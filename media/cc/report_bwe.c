#include "media/cc/report_bwe.h"

enum { RESPONSE_US = 300000, RTT_RESPONSE_US = 1000000, PASSED_MAX_US = 2000000 };

static const double much = 0.1, harmless = 0.02;
static const double growth = 0.08, growth_at_start = 0.5; /* a second */
static const double for_queue = 0.85, proven = 0.95;

static uint64_t share_of(uint64_t bps, double share)
{
	return (uint64_t)((double)bps * share);
}

void report_bwe_init(struct report_bwe *r, uint64_t start_bps)
{
	*r = (struct report_bwe){ .bps = start_bps, .updated = -1, .decreased = INT64_MIN / 2 };
}

void report_bwe_add(struct report_bwe *r, uint32_t expected, uint32_t lost)
{
	r->expected += expected;
	r->lost += MIN(lost, expected);
}

void report_bwe_on_rtt(struct report_bwe *r, wlk_time now, wlk_time rtt)
{
	if (!r->least_rtt[0] || now - r->slot_began > REPORT_RTT_SLOT_US) {
		r->least_rtt[1] = r->least_rtt[0];
		r->least_rtt[0] = rtt;
		r->slot_began = now;
	}
	r->least_rtt[0] = MIN(r->least_rtt[0], rtt);
	r->rtt = rtt;
}

static bool has_queue(const struct report_bwe *r)
{
	wlk_time least = r->least_rtt[1] ? MIN(r->least_rtt[0], r->least_rtt[1]) : r->least_rtt[0];

	return r->rtt > least + REPORT_RTT_GROWN_US;
}

static void decrease(struct report_bwe *r, wlk_time now, uint64_t bps)
{
	r->met_limit = true;
	r->decreased = now;
	r->bps = MIN(r->bps, bps);
}

static void increase(struct report_bwe *r, wlk_time now, uint64_t sent_bps)
{
	double share = (r->met_limit ? growth : growth_at_start) * (double)MIN(now - r->updated, PASSED_MAX_US) / 1e6;
	uint64_t most = sent_bps * 3 / 2 + 20000;

	/* What got through is proven, whoever decided to send it. */
	r->bps = MAX(r->bps, share_of(sent_bps, proven));
	if (r->bps < most)
		r->bps = MIN(r->bps + share_of(r->bps, share) + 1000, most);
}

void report_bwe_update(struct report_bwe *r, wlk_time now, uint64_t sent_bps)
{
	bool queue = has_queue(r);

	if (!r->has_report) {
		r->has_report = true;
		r->updated = now;
	}
	if (!r->expected || (r->expected < REPORT_PACKETS_MIN && now - r->updated < REPORT_WAIT_US))
		return;
	r->loss = (double)r->lost / r->expected;
	r->expected = r->lost = 0;
	if (!queue)
		r->rtt_tries = 0;
	if (r->loss > much && now - r->decreased > RESPONSE_US + r->rtt) {
		decrease(r, now, share_of(r->bps, 1 - r->loss / 2));
	} else if (queue && r->rtt_tries < REPORT_RTT_TRIES) {
		if (now - r->decreased > RTT_RESPONSE_US + r->rtt) {
			r->rtt_tries++;
			decrease(r, now, share_of(MIN(r->bps, MAX(sent_bps, 1)), for_queue));
		}
	} else if (r->loss < harmless) {
		increase(r, now, sent_bps);
	} else {
		r->met_limit = true;
	}
	r->updated = now;
}
