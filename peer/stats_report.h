/* A statistics report while it is being made: records and texts in memory of its own, references, the choice of a selector. */
#ifndef PEER_STATS_REPORT_H
#define PEER_STATS_REPORT_H

#include "core/text.h"
#include "peer/stats_members.h"

/*
 * Whoever fills a report need not look at errors: when memory is out, records go into a scratch place, and
 * stats_report_finish() says so once.
 */

/* WLK_ERR_NOMEM. |timestamp_ms| is what its records get. */
wlk_err stats_report_create(wlk_stats_report **out, double timestamp_ms) WLK_NODISCARD;

/*
 * Add a record of which no member exists yet. The caller knows its struct by |type|. |id| is copied; it must not be in the
 * report already.
 */
void *stats_add(wlk_stats_report *report, wlk_stats_type type, const char *id);
/* This record is one of those that the selector asks for. */
void stats_choose(wlk_stats_report *report, const void *record);
bool stats_has(const wlk_stats_report *report, const char *id);

/*
 * References to records that are not there cease to exist. With |selected|, only the chosen records stay, and what they refer to,
 * directly or not (W3C webrtc 8.4). WLK_ERR_NOMEM: it was out at some point, destroy the report.
 */
wlk_err stats_report_finish(wlk_stats_report *report, bool selected) WLK_NODISCARD;

/* Members; texts are copied. */
void stats_set_text(wlk_stats_report *report, wlk_stat_text *member, struct str value);
void stats_set_textf(wlk_stats_report *report, wlk_stat_text *member, const char *format, ...) WLK_PRINTF(3, 4);
static inline void stats_set_null(wlk_stat_text *member)
{
	*member = (wlk_stat_text){ .exists = true };
}
static inline void stats_set_count(wlk_stat_count *member, uint64_t value)
{
	*member = (wlk_stat_count){ true, value };
}
static inline void stats_set_signed(wlk_stat_signed *member, int64_t value)
{
	*member = (wlk_stat_signed){ true, value };
}
static inline void stats_set_number(wlk_stat_number *member, double value)
{
	*member = (wlk_stat_number){ true, value };
}
static inline void stats_set_bool(wlk_stat_bool *member, bool value)
{
	*member = (wlk_stat_bool){ true, value };
}

/* The |index|-th record, for whoever walks through all. */
wlk_stats *stats_at(const wlk_stats_report *report, size_t index);

#endif
