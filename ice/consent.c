#include "ice/consent.h"

static wlk_time draw_interval(struct consent *c)
{
	if (c->active)
		return CONSENT_INTERVAL_MIN_US + (wlk_time)rand_jitter_below(c->jitter, CONSENT_INTERVAL_SPAN_US + 1);
	return CONSENT_BACKUP_MIN_US + (wlk_time)rand_jitter_below(c->jitter, CONSENT_BACKUP_SPAN_US + 1);
}

/* How long an answer may take before its absence means something. */
static wlk_time patience(const struct consent *c)
{
	return MAX((wlk_time)CONSENT_QUIET_US, 2 * c->rtt);
}

void consent_start(struct consent *c, wlk_time now, const struct consent_limits *limits, struct rand_jitter *jitter)
{
	*c = (struct consent){
		.limits = limits,
		.jitter = jitter,
		.last_answer = now,
		.last_received = now,
		.last_check = now,
		.unanswered_since = WLK_TIME_NEVER,
		.quiet_at = WLK_TIME_NEVER,
	};
	c->next_check = now + draw_interval(c);
}

void consent_set_passive(struct consent *c)
{
	c->passive = true;
}

void consent_set_active(struct consent *c, wlk_time now, bool active)
{
	if (c->active == active)
		return;
	c->active = active;
	c->quiet_at = WLK_TIME_NEVER;
	c->next_check = time_min(c->next_check, now + draw_interval(c));
}

void consent_set_cold(struct consent *c, wlk_time now, bool cold)
{
	if (c->cold == cold)
		return;
	c->cold = cold;
	c->probing = false;
	if (!cold)
		c->next_check = now + draw_interval(c);
}

void consent_on_check_sent(struct consent *c, wlk_time now)
{
	c->last_check = now;
	c->next_check = now + draw_interval(c);
	if (c->unanswered_since == WLK_TIME_NEVER)
		c->unanswered_since = now;
}

void consent_on_answer(struct consent *c, wlk_time now)
{
	c->last_answer = now;
	c->last_received = now;
	c->unanswered_since = WLK_TIME_NEVER;
	c->probing = false;
}

void consent_on_received(struct consent *c, wlk_time now)
{
	c->last_received = now;
}

wlk_time consent_on_sent(struct consent *c, wlk_time now)
{
	c->last_sent = now;
	if (c->quiet_at == WLK_TIME_NEVER && c->active && !c->passive)
		c->quiet_at = now + CONSENT_QUIET_US;
	return c->quiet_at;
}

void consent_probe(struct consent *c, wlk_time now)
{
	if (c->probing || c->passive)
		return;
	c->probing = true;
	c->probing_since = now;
	/* A check that has just left will tell as much as a new one. */
	if (c->last_check + CONSENT_PROBE_US <= now)
		c->next_check = now;
}

void consent_end_probe(struct consent *c)
{
	c->probing = false;
}

/* The silence timer came: begin probing, or look again later when something did arrive meanwhile. */
static void check_silence(struct consent *c, wlk_time now)
{
	if (c->quiet_at > now)
		return;
	c->quiet_at = WLK_TIME_NEVER;
	if (c->last_received + CONSENT_QUIET_US <= now)
		consent_probe(c, now);
	else if (c->last_sent > c->last_received)
		c->quiet_at = c->last_received + CONSENT_QUIET_US;
}

static wlk_time idle_check_at(const struct consent *c)
{
	return c->active ? MAX(c->last_received, c->last_check) + CONSENT_IDLE_US : WLK_TIME_NEVER;
}

/* When an unanswered check turns into probing. */
static wlk_time doubt_at(const struct consent *c)
{
	if (c->probing || !c->active || c->unanswered_since == WLK_TIME_NEVER)
		return WLK_TIME_NEVER;
	return c->unanswered_since + patience(c);
}

static wlk_time next_check_at(const struct consent *c)
{
	wlk_time at = time_min(c->next_check, idle_check_at(c));

	return c->probing ? time_min(at, c->last_check + CONSENT_PROBE_US) : at;
}

void consent_look(struct consent *c, wlk_time now)
{
	check_silence(c, now);
	if (now >= doubt_at(c))
		consent_probe(c, now);
}

enum consent_due consent_poll(struct consent *c, wlk_time now)
{
	if (now >= c->last_answer + c->limits->expiry)
		return CONSENT_EXPIRED;
	if (c->cold || c->passive)
		return CONSENT_NOTHING;
	consent_look(c, now);
	return now >= next_check_at(c) ? CONSENT_SEND_CHECK : CONSENT_NOTHING;
}

static wlk_time disconnected_at(const struct consent *c)
{
	if (c->passive)
		return c->last_received + CONSENT_INTERVAL_MIN_US + CONSENT_INTERVAL_SPAN_US + c->limits->disconnected;
	if (c->unanswered_since == WLK_TIME_NEVER)
		return WLK_TIME_NEVER;
	return MAX(c->unanswered_since, c->last_received) + c->limits->disconnected;
}

static wlk_time suspect_at(const struct consent *c)
{
	wlk_time at;

	if (c->unanswered_since == WLK_TIME_NEVER)
		return WLK_TIME_NEVER;
	at = c->unanswered_since + MAX((wlk_time)CONSENT_SUSPECT_US, 3 * c->rtt);
	if (c->probing)
		at = time_min(at, MAX(c->unanswered_since, c->probing_since) +
					  MAX((wlk_time)CONSENT_PROBED_US, 3 * c->rtt));
	return at;
}

wlk_time consent_deadline(const struct consent *c, wlk_time now)
{
	wlk_time at = c->last_answer + c->limits->expiry;

	if (c->cold)
		return at;
	if (!c->passive)
		at = time_min(at, time_min(next_check_at(c), time_min(c->quiet_at, doubt_at(c))));
	if (c->active && disconnected_at(c) > now)
		at = time_min(at, disconnected_at(c));
	if (c->active && suspect_at(c) > now)
		at = time_min(at, suspect_at(c));
	return at;
}

bool consent_is_suspect(const struct consent *c, wlk_time now)
{
	return now >= suspect_at(c);
}

bool consent_is_disconnected(const struct consent *c, wlk_time now)
{
	return now >= disconnected_at(c);
}

bool consent_is_quiet(const struct consent *c, wlk_time now)
{
	return c->last_received + CONSENT_QUIET_US <= now;
}
