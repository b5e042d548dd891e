#include "media/cc/data_gate.h"

void data_gate_init(struct data_gate *g)
{
	*g = (struct data_gate){ .held_back = INT64_MIN / 2, .deadline = WLK_TIME_NEVER };
}

static void earn(struct data_gate *g, wlk_time now)
{
	wlk_time passed = MIN(MAX(now - g->updated, 0), SECOND);
	int64_t most = MAX((int64_t)(g->rate_bps / 8 * DATA_GATE_BURST_US / 1000000), 1);
	int64_t earned = (int64_t)(g->rate_bps / 8 * (uint64_t)passed / 1000000);

	/* What is less than a byte is kept for later, or frequent calls would earn little. */
	g->budget_bytes += earned;
	if (passed == SECOND || g->budget_bytes >= most)
		g->updated = now;
	else if (earned)
		g->updated += earned * 1000000 / (int64_t)(g->rate_bps / 8);
	g->budget_bytes = MIN(g->budget_bytes, most);
}

void data_gate_set_rate(struct data_gate *g, wlk_time now, uint64_t bps)
{
	if (bps && g->rate_bps)
		earn(g, now);
	else
		g->updated = now;
	/* Debt of a higher rate would be paid back for long at a lower one. */
	g->budget_bytes = bps ? MAX(g->budget_bytes, -(int64_t)(bps / 8)) : 0;
	g->rate_bps = bps;
	if (!bps)
		g->deadline = WLK_TIME_NEVER;
}

bool data_gate_is_open(struct data_gate *g, wlk_time now)
{
	g->deadline = WLK_TIME_NEVER;
	if (!g->rate_bps)
		return true;
	earn(g, now);
	if (g->budget_bytes > 0)
		return true;
	if (g->flows)
		g->held_back = now;
	g->deadline = now + 1 + (wlk_time)((uint64_t)(1 - g->budget_bytes) * 8 * 1000000 / g->rate_bps);
	return false;
}

void data_gate_on_sent(struct data_gate *g, wlk_time now, size_t size)
{
	g->flows = true;
	rate_meter_add(&g->sent, now, size);
	if (g->rate_bps)
		g->budget_bytes -= (int64_t)size;
}

void data_gate_on_empty(struct data_gate *g)
{
	g->flows = false;
	g->deadline = WLK_TIME_NEVER;
}

bool data_gate_wants_more(const struct data_gate *g, wlk_time now)
{
	return g->rate_bps && now - g->held_back < DATA_GATE_WANTS_US;
}

void data_gate_handle_timeout(struct data_gate *g, wlk_time now)
{
	if (g->deadline <= now)
		g->deadline = WLK_TIME_NEVER;
}
