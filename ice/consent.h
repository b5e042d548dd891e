/* Consent freshness (RFC 7675) and liveness of one valid pair: owns every timer of it, sends nothing itself. */
#ifndef ICE_CONSENT_H
#define ICE_CONSENT_H

#include "core/rand.h"
#include "core/time.h"

/*
 * The timers, in plain words:
 *  - A consent check leaves every 4 to 6 s, drawn anew each time; on a warm backup every 10 to 14 s, so that the
 *    mappings of NATs live (RFC 4787 4.3 lets them go after 2 minutes, many go after 30 s); on a cold one never.
 *  - 30 s after the last valid answer consent is gone (RFC 7675 5.1).
 *  - The path in use is also checked when nothing arrived on it for 2.5 s.
 *  - When we send and nothing arrives for 500 ms, or a check stays unanswered that long (two round trips on slow
 * paths), probing begins: a check every 200 ms until one is answered (R7).
 *  - While probing, a path that leaves two to three probes unanswered, for 400 ms or three round trips, is suspect: a pair
 *    that does answer takes over. An unanswered check alone makes it suspect after 800 ms.
 *  - 5 s after the first unanswered check, when nothing else arrived since, the path counts as disconnected.
 */
enum {
	CONSENT_INTERVAL_MIN_US = 4000000,
	CONSENT_INTERVAL_SPAN_US = 2000000,
	CONSENT_BACKUP_MIN_US = 10000000,
	CONSENT_BACKUP_SPAN_US = 4000000,
	CONSENT_EXPIRY_US = 30000000,
	CONSENT_IDLE_US = 2500000,
	CONSENT_QUIET_US = 500000,
	CONSENT_PROBE_US = 200000,
	CONSENT_SUSPECT_US = 800000,
	CONSENT_PROBED_US = 400000,
	CONSENT_DISCONNECTED_US = 5000000,
};

struct consent_limits {
	wlk_time expiry;
	wlk_time disconnected;
};

struct consent {
	const struct consent_limits *limits;
	struct rand_jitter *jitter;
	bool active; /* the path is in use; otherwise it is a warm backup */
	bool cold;   /* a backup that is not kept: no checks, its consent runs out */
	bool passive; /* we are ICE-lite: no checks leave; each request of the peer counts as an answer */
	bool probing;
	wlk_time probing_since;
	wlk_time rtt;           /* 0: unknown */
	wlk_time last_answer;   /* of our checks: what consent counts from */
	wlk_time last_received; /* anything authentic, application packets included */
	wlk_time last_sent;     /* application packets */
	wlk_time last_check;
	wlk_time unanswered_since; /* when the first check without an answer left; WLK_TIME_NEVER: all are answered */
	wlk_time next_check;
	wlk_time quiet_at; /* when silence while sending becomes suspicious; WLK_TIME_NEVER: nothing was sent */
};

enum consent_due { CONSENT_NOTHING, CONSENT_SEND_CHECK, CONSENT_EXPIRED };

/* Consent was just given by a valid answer. |limits| and |jitter| are borrowed for the life of |c|. */
void consent_start(struct consent *c, wlk_time now, const struct consent_limits *limits, struct rand_jitter *jitter);
/* We are ICE-lite; right after consent_start(). Disconnected is then 5 s more than the longest interval of a peer's checks. */
void consent_set_passive(struct consent *c);
/* Whether the path is in use or a backup; draws the next interval when that changes. */
void consent_set_active(struct consent *c, wlk_time now, bool active);

/* Whether a backup is kept; draws the next interval when it is again. */
void consent_set_cold(struct consent *c, wlk_time now, bool cold);

/* Facts. */
void consent_on_check_sent(struct consent *c, wlk_time now);
void consent_on_answer(struct consent *c, wlk_time now);
void consent_on_received(struct consent *c, wlk_time now);
/* Answers the time at which the deadline of the pair may have moved to, or WLK_TIME_NEVER. */
wlk_time consent_on_sent(struct consent *c, wlk_time now);
/* Check every 200 ms from now on until an answer comes. */
void consent_probe(struct consent *c, wlk_time now);
/* Back to the ordinary interval: for a backup whose path in use has answered again. */
void consent_end_probe(struct consent *c);

/* Begin probing if it is time; consent_poll() does so too. For whoever wants to know before. */
void consent_look(struct consent *c, wlk_time now);
/* What is due. After CONSENT_SEND_CHECK the caller reports consent_on_check_sent(), whether or not sending worked. */
enum consent_due consent_poll(struct consent *c, wlk_time now);
/* The next moment that matters; in the future once consent_poll() was answered. */
wlk_time consent_deadline(const struct consent *c, wlk_time now);

/* No answer for long enough that a pair which does answer is the better path. */
bool consent_is_suspect(const struct consent *c, wlk_time now);
bool consent_is_disconnected(const struct consent *c, wlk_time now);
/* Nothing arrived for 500 ms. */
bool consent_is_quiet(const struct consent *c, wlk_time now);

#endif
