#include "media/cc/gcc.h"

enum {
	SILENCE_US = 600000,     /* beyond the round trip */
	SILENCE_STEP_US = 400000,
	LIMITED_PROBE_US = 5000000,
	STEADY_PROBE_US = 2500000,
	FALLEN_PROBE_US = 1000000,
	FALLEN_PACKETS = 20,
	BEST_US = 10000000,      /* in which what got through once is forgotten, but for a third */
	RTT_LIMIT_US = 3000000,
	RTT_STEP_US = 1000000,
	RTT_UNKNOWN_US = 200000,
};

/* Whatever a REMB or the application says: times and sizes are multiplied by it. */
static const uint64_t MOST_BPS = 1000000000000;

static const double silence_share = 0.7, resumed_share = 0.5, slow_share = 0.8;
static const double pacing_share = 1.03, pacing_free = 2.0, pacing_most = 2.5, path_share = 0.95;
static const double limited_share = 0.7;
static const double wanted_room = 2; /* what is free beyond the rate lets a frame leave at once */
static const double fallen = 0.15, fallen_loss = 0.02;
static const double probe_proves = 0.7, probe_leaps = 1.5, probe_saturates = 0.9;

static uint64_t share_of(uint64_t bps, double share)
{
	return (uint64_t)((double)bps * share);
}

static uint64_t max_of(const struct gcc *g)
{
	return g->limits.max_bps ? MIN(g->limits.max_bps, MOST_BPS) : MOST_BPS;
}

static uint64_t min_of(const struct gcc *g)
{
	return MIN(g->limits.min_bps ? g->limits.min_bps : GCC_MIN_BPS, max_of(g));
}

static uint64_t start_of(const struct gcc *g)
{
	uint64_t start = g->limits.start_bps ? g->limits.start_bps : GCC_START_BPS;

	return MAX(MIN(start, max_of(g)), min_of(g));
}

static uint64_t pacing_of(const struct gcc *g, wlk_time now)
{
	uint64_t target = g->target_bps, path = share_of(g->delay.capacity_bps, path_share);

	if (g->by_reports)
		return share_of(target, pacing_most);
	if (g->delay.state == DELAY_STARTING)
		return share_of(target, pacing_free);
	if (g->delay.state == DELAY_DRAINING)
		return share_of(target, pacing_share);
	if (g->delay.state == DELAY_INCREASING && now - g->delay.increasing_since > STEADY_PROBE_US)
		path = MAX(path, share_of(target, 1.5));
	/* Where a queue shows, what waits here would only wait there. */
	if (g->delay.queue.least > QUEUE_LIMIT_US / 3)
		return MAX(target, MIN(path, share_of(target, pacing_most)));
	/* A frame of an encoder that has enough need not be spread over the time to the next one. */
	if (g->app_limited)
		path = MAX(path, share_of(target, pacing_free));
	return MAX(share_of(target, pacing_share), MIN(path, share_of(target, pacing_most)));
}

/* Where the path's rate is known, more than that would wait in its queue instead; and while that is emptied, the rate is what empties it. */
static uint64_t hurry_of(const struct gcc *g)
{
	if (g->by_reports || !g->delay.capacity_bps)
		return 0;
	if (g->delay.state == DELAY_DRAINING)
		return g->pacing_bps;
	return MAX(share_of(g->delay.capacity_bps, path_share), g->pacing_bps);
}

static void update_target(struct gcc *g, wlk_time now)
{
	uint64_t target;

	g->delay.bps = MAX(MIN(g->delay.bps, max_of(g)), min_of(g));
	g->reports.bps = MAX(MIN(g->reports.bps, max_of(g)), min_of(g));
	target = g->by_reports ? g->reports.bps : g->delay.bps;
	if (g->loss.limit_bps && !g->by_reports)
		target = MIN(target, g->loss.limit_bps);
	if (g->remb_bps)
		target = MIN(target, g->remb_bps);
	g->target_bps = MAX(MIN(target, max_of(g)), min_of(g));
	g->pacing_bps = pacing_of(g, now);
	g->hurry_bps = hurry_of(g);
}

void gcc_init(struct gcc *g, uint16_t first_seq)
{
	*g = (struct gcc){ .silence_due = WLK_TIME_NEVER };
	sent_history_init(&g->sent, first_seq);
	delay_bwe_init(&g->delay, GCC_START_BPS);
	loss_bwe_init(&g->loss);
	report_bwe_init(&g->reports, GCC_START_BPS);
	probe_init(&g->probes);
	update_target(g, 0);
}

void gcc_free(struct gcc *g)
{
	sent_history_free(&g->sent);
}

void gcc_set_limits(struct gcc *g, wlk_time now, const struct gcc_limits *limits)
{
	bool begins = limits->start_bps && limits->start_bps != g->limits.start_bps;

	g->limits = *limits;
	if (!g->has_feedback || begins)
		g->delay.bps = start_of(g);
	if (!g->reports.has_report || begins)
		g->reports.bps = start_of(g);
	update_target(g, now);
}

void gcc_set_wanted(struct gcc *g, uint64_t bps, bool can_pad)
{
	g->wanted_bps = bps;
	g->can_pad = can_pad;
}

/* ---- probes ---- */

static void ask_probe(struct gcc *g, wlk_time now, uint64_t bps)
{
	uint64_t most = max_of(g);

	if (g->wanted_bps)
		most = MIN(most, share_of(g->wanted_bps, wanted_room));
	if (g->remb_bps)
		most = MIN(most, g->remb_bps);
	bps = MIN(bps, most);
	g->last_probe = now;
	if (g->can_pad && !g->by_reports && bps > g->target_bps + g->target_bps / 10)
		probe_ask(&g->probes, now, bps);
}

/*
 * At a few packets a second observations are rare, and large packets that would tell of a queue, too: many that came one after the
 * other say sooner that a bad time is over.
 */
static bool is_calm(const struct gcc *g)
{
	const struct delay_bwe *d = &g->delay;
	bool observed = !g->loss.limit_bps && d->loss < fallen_loss && d->queue.least >= 0;

	return (observed || g->loss.in_a_row >= FALLEN_PACKETS) && d->queue.least <= QUEUE_LIMIT_US / 2;
}

/* Far below what got through not long ago, and nothing speaks for that any more. */
static bool has_fallen(const struct gcc *g, wlk_time now)
{
	const struct delay_bwe *d = &g->delay;

	return d->state == DELAY_INCREASING && g->target_bps < share_of(g->best_bps, fallen) && is_calm(g) &&
	       now - d->decreased > FALLEN_PROBE_US / 2 && now - g->last_probe > FALLEN_PROBE_US;
}

static void remember_best(struct gcc *g, wlk_time now)
{
	wlk_time passed = MIN(now - g->last_feedback, SECOND);

	g->best_bps -= g->best_bps * (uint64_t)MAX(passed, 0) / BEST_US;
	g->best_bps = MAX(g->best_bps, g->target_bps);
}

/* After times in which nothing was learned, or much was held back. */
static void probe_if_due(struct gcc *g, wlk_time now)
{
	wlk_time pause = g->app_limited ? LIMITED_PROBE_US : STEADY_PROBE_US;

	if (!probe_is_pending(&g->probes) && has_fallen(g, now)) {
		g->loss.in_a_row = 0; /* the next one needs as many again */
		ask_probe(g, now, 4 * g->target_bps);
		return;
	}
	if (g->delay.state == DELAY_DRAINING || probe_is_pending(&g->probes) || now - g->last_probe < pause)
		return;
	if (g->delay.state == DELAY_INCREASING && !g->app_limited && now - g->delay.increasing_since < STEADY_PROBE_US)
		return;
	if (g->loss.limit_bps || now - g->delay.decreased < LIMITED_PROBE_US / 2)
		return;
	ask_probe(g, now, 2 * g->target_bps);
}

static void on_probe(struct gcc *g, wlk_time now, const struct probe_result *result)
{
	bool saturated = (double)result->received_bps < probe_saturates * (double)result->sent_bps;
	uint64_t bps = MIN(result->sent_bps, result->received_bps);
	/* The second: it left slower than asked for, and yet found much more than was known. */
	bool proven = bps > share_of(result->asked_bps, probe_proves) || bps > share_of(g->delay.bps, probe_leaps);

	/* That is a stall; a path that really has become so narrow fills its queue. */
	if (saturated && bps < g->target_bps / 2)
		return;
	delay_bwe_on_probe(&g->delay, now, bps, saturated);
	if (!saturated && g->loss.limit_bps && bps > g->loss.limit_bps)
		loss_bwe_forget(&g->loss);
	if (!saturated && proven && !probe_is_pending(&g->probes)) {
		update_target(g, now);
		ask_probe(g, now, 2 * bps);
	}
}

uint64_t gcc_probe_bps(struct gcc *g, wlk_time now)
{
	const struct probe_cluster *c = probe_current(&g->probes, now);

	return c ? c->bps : 0;
}

bool gcc_wants_padding(struct gcc *g, wlk_time now)
{
	return probe_current(&g->probes, now);
}

/* ---- what leaves ---- */

void gcc_on_sent(struct gcc *g, wlk_time now, size_t size)
{
	struct probe_cluster *c;

	if (!g->started) {
		g->started = true;
		ask_probe(g, now, 3 * g->target_bps);
		ask_probe(g, now, 6 * g->target_bps);
	}
	c = probe_current(&g->probes, now);
	sent_history_add(&g->sent, now, size, c ? c->id : CC_NO_CLUSTER);
	if (c)
		probe_on_sent(&g->probes, c, now, size);
	rate_meter_add(&g->sent_rate, now, size);
	g->sent_in_silence = true;
	if (g->silence_due == WLK_TIME_NEVER && g->has_feedback)
		g->silence_due = now + MAX(g->rtt, 0) + SILENCE_US;
}

void gcc_on_other_sent(struct gcc *g, wlk_time now, size_t size)
{
	rate_meter_add(&g->other_rate, now, size);
	sent_history_carry(&g->sent, size);
}

/* ---- what comes back ---- */

void gcc_feedback_begin(struct gcc *g, wlk_time now)
{
	g->least_rtt = 0;
	if (gcc_is_silent(g))
		delay_bwe_heard_again(&g->delay, now);
	delay_bwe_begin(&g->delay);
}

void gcc_feedback_status(struct gcc *g, wlk_time now, uint16_t seq, bool received, wlk_time arrival)
{
	struct probe_result result;
	struct cc_packet packet;

	if (!sent_history_on_status(&g->sent, seq, received, arrival, &packet)) {
		g->statuses_unknown++;
		return;
	}
	if (packet.was_lost)
		loss_bwe_take_back(&g->loss);
	else
		loss_bwe_add(&g->loss, packet.sent, packet.size + packet.carried, !received);
	if (!received) {
		delay_bwe_lost(&g->delay, packet.sent, packet.size + packet.carried);
		return;
	}
	g->least_rtt = g->least_rtt ? MIN(g->least_rtt, now - packet.sent) : MAX(now - packet.sent, 1);
	delay_bwe_add(&g->delay, packet.sent, arrival, packet.size, packet.carried);
	if (packet.cluster != CC_NO_CLUSTER && probe_on_received(&g->probes, &packet, &result))
		on_probe(g, now, &result);
}

static void note_limited(struct gcc *g, wlk_time now, uint64_t sent_bps)
{
	bool limited = (double)sent_bps < limited_share * (double)g->target_bps;

	if (limited && !g->app_limited)
		g->app_limited_since = now;
	/* The application has more to send again, after a time that taught us nothing. */
	if (!limited && g->app_limited && now - g->app_limited_since > SECOND)
		g->last_probe = MIN(g->last_probe, now - STEADY_PROBE_US);
	g->app_limited = limited;
}

static void end_silence(struct gcc *g, wlk_time now)
{
	uint64_t before = g->before_silence_bps;

	g->last_feedback = now;
	g->silence_due = WLK_TIME_NEVER;
	g->before_silence_bps = 0;
	if (before <= g->target_bps)
		return;
	/* Not every path can be probed, and silence says nothing of its rate: half of what it was, and what delay says from there on. */
	delay_bwe_on_probe(&g->delay, now, share_of(before, resumed_share), false);
	update_target(g, now);
	ask_probe(g, now, before);
}

void gcc_path_changed(struct gcc *g, wlk_time now)
{
	delay_bwe_path_changed(&g->delay, now);
}

static void back_off_for_rtt(struct gcc *g, wlk_time now)
{
	if (g->rtt <= RTT_LIMIT_US || now - g->slow_since < RTT_STEP_US)
		return;
	g->slow_since = now;
	delay_bwe_limit(&g->delay, now, share_of(g->target_bps, slow_share));
}

void gcc_feedback_end(struct gcc *g, wlk_time now)
{
	struct delay_context context;

	if (!g->least_rtt) /* nothing in it that was not known */
		return;
	g->has_feedback = true;
	g->rtt = g->rtt ? (3 * g->rtt + g->least_rtt) / 4 : g->least_rtt;
	context = (struct delay_context){
		.rtt = g->rtt ? g->rtt : RTT_UNKNOWN_US,
		.sent_bps = gcc_sent_bps(g, now),
		.loss = loss_bwe_recent(&g->loss),
	};
	note_limited(g, now, context.sent_bps);
	context.app_limited = g->app_limited;
	context.probing = probe_is_in_flight(&g->probes, now);
	loss_bwe_update(&g->loss, MAX(context.sent_bps, g->target_bps));
	delay_bwe_end(&g->delay, now, &context);
	if (g->delay.state == DELAY_DRAINING)
		probe_cancel(&g->probes);
	if (g->loss.limit_bps)
		delay_bwe_limit(&g->delay, now, share_of(g->loss.limit_bps, 1.05));
	back_off_for_rtt(g, now);
	remember_best(g, now);
	end_silence(g, now);
	probe_if_due(g, now);
	update_target(g, now);
}

void gcc_on_remb(struct gcc *g, wlk_time now, uint64_t bps)
{
	g->remb_bps = bps;
	/* Whoever says so sees the packets arrive: until something is met, that is better than growing step by step. */
	if (g->by_reports && !g->reports.met_limit)
		g->reports.bps = MAX(g->reports.bps, bps);
	update_target(g, now);
}

uint64_t gcc_sent_bps(struct gcc *g, wlk_time now)
{
	return rate_meter_bps(&g->sent_rate, now) + rate_meter_bps(&g->other_rate, now);
}

/* ---- reports ---- */

void gcc_on_rtt(struct gcc *g, wlk_time now, wlk_time rtt)
{
	report_bwe_on_rtt(&g->reports, now, rtt);
	if (g->has_feedback)
		return;
	g->rtt = rtt;
	back_off_for_rtt(g, now);
	update_target(g, now);
}

void gcc_set_by_reports(struct gcc *g, wlk_time now, bool by_reports)
{
	g->by_reports = by_reports;
	if (by_reports)
		probe_cancel(&g->probes);
	update_target(g, now);
}

void gcc_on_report(struct gcc *g, uint32_t expected, uint32_t lost)
{
	report_bwe_add(&g->reports, expected, lost);
}

void gcc_reports_end(struct gcc *g, wlk_time now)
{
	report_bwe_update(&g->reports, now, gcc_sent_bps(g, now));
	update_target(g, now);
}

/* ---- time ---- */

wlk_time gcc_deadline(const struct gcc *g)
{
	return g->silence_due;
}

void gcc_handle_timeout(struct gcc *g, wlk_time now)
{
	wlk_time since;

	if (g->silence_due > now)
		return;
	since = sent_history_waiting_since(&g->sent);
	/* Whoever says nothing more is owed no answer: silence goes on with the next packet. */
	if (since == WLK_TIME_NEVER || !g->sent_in_silence) {
		g->silence_due = WLK_TIME_NEVER;
		return;
	}
	since = MAX(since, g->last_feedback);
	if (now - since < g->rtt + SILENCE_US) {
		g->silence_due = since + g->rtt + SILENCE_US;
		return;
	}
	if (!g->before_silence_bps)
		g->before_silence_bps = g->target_bps;
	delay_bwe_limit(&g->delay, now, share_of(g->target_bps, silence_share));
	probe_cancel(&g->probes);
	g->sent_in_silence = false;
	g->silence_due = now + SILENCE_STEP_US;
	update_target(g, now);
}
