/* The files that fill a statistics report, and what they share. */
#ifndef PEER_STATS_BUILD_H
#define PEER_STATS_BUILD_H

#include "peer/object.h"
#include "peer/stats_report.h"

enum { STATS_ID_MAX = 128 };

/* A report that is being filled from |pc|. */
struct stats_build {
	const wlk_peer_connection *pc;
	wlk_stats_report *report;
	const void *selector; /* the sender or receiver whose streams are asked for; NULL: everything */
};

static inline double stats_seconds(wlk_time us)
{
	return (double)us / 1e6;
}

/* Milliseconds since 1970, as every timestamp of webrtc-stats. */
static inline double stats_timestamp(const wlk_peer_connection *pc, wlk_time at)
{
	return (double)(pc->env.unix_us_at_zero + at) / 1e3;
}

/* A number for a text: 32-bit FNV-1a. Equal texts have equal numbers, so that ids stay what they are. */
uint32_t stats_hash(uint32_t seed, struct str text);
enum { STATS_HASH_START = 0 };

/* stats_transport.c */
/* Transports with their ICE candidates, pairs and certificates. */
void stats_add_transports(struct stats_build *b);
void stats_set_transport_id(struct stats_build *b, wlk_stat_id *member, const struct peer_transport *t);

/* stats_rtp.c */
/* Media sources, streams, what the peer reported about them, and codecs. */
void stats_add_media(struct stats_build *b);

/* ---- stats_raw.c: what raw media adds to a record; nothing where there is none ---- */

void stats_set_raw_inbound(struct stats_build *b, wlk_stats_inbound_rtp *s, const struct wlk_transceiver *t, const char *rid);
void stats_set_raw_outbound(struct stats_build *b, wlk_stats_outbound_rtp *s, const struct wlk_transceiver *t, size_t encoding);
void stats_set_raw_source(wlk_stats_media_source *s, const struct wlk_transceiver *t);
void stats_add_playout(struct stats_build *b, const struct wlk_transceiver *t);

#endif
