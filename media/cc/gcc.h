/* Congestion control of what one path sends: from feedback to a target rate, a pacing rate and probes. */
#ifndef MEDIA_CC_GCC_H
#define MEDIA_CC_GCC_H

#include "media/cc/delay_bwe.h"
#include "media/cc/loss_bwe.h"
#include "media/cc/probe.h"
#include "media/cc/rate_meter.h"
#include "media/cc/report_bwe.h"
#include "media/cc/sent_history.h"

/*
 * draft-ietf-rmcat-gcc-02: the smaller one of what delay (delay_bwe.h) and losses (loss_bwe.h) allow, within limits, and
 * within a REMB of the peer. Rates are those of whole packets: with RTP headers, SRTP tag, UDP and IP.
 *
 * Where nobody tells when packets arrive (gcc_set_by_reports), receiver reports and the round trip are what is known, see report_bwe.h.
 *
 *	gcc_on_sent             each packet with a transport-wide number, as it leaves
 *	gcc_feedback_begin, _status, _end   a feedback message, transport-cc or RFC 8888
 *	gcc_on_report, gcc_on_rtt, gcc_reports_end   a report block, a round trip, the end of a compound packet with reports
 *	gcc_target_bps          what may be sent, over time
 *	gcc_pacing_bps          how fast packets may follow each other
 *	gcc_hurry_bps           how fast those may that have waited for long
 */
enum {
	GCC_START_BPS = 300000,
	GCC_MIN_BPS = 30000,
	GCC_OVERHEAD = 28 + 16, /* of a packet, beyond RTP: IPv4, UDP, SRTP tag */
};

/* Limits of what a path may be given [bps]. */
struct gcc_limits {
	uint64_t min_bps, start_bps, max_bps; /* 0: GCC_MIN_BPS, GCC_START_BPS, no limit */
};

struct gcc {
	struct gcc_limits limits;
	struct sent_history sent;
	struct delay_bwe delay;
	struct loss_bwe loss;
	struct report_bwe reports;
	bool by_reports;
	struct probe_control probes;
	struct rate_meter sent_rate, other_rate; /* with transport-wide numbers, and without */
	uint64_t wanted_bps; /* more than this the application has no use for; 0: unknown */
	uint64_t remb_bps;   /* 0: none */
	uint64_t target_bps, pacing_bps, hurry_bps;
	uint64_t best_bps;   /* what was allowed, slowly forgotten */
	bool started;        /* a packet left */
	bool sent_in_silence; /* and one since missing feedback counted last */
	bool has_feedback;
	bool can_pad;
	bool app_limited;
	wlk_time app_limited_since;
	wlk_time rtt;                  /* with the delay of feedback; 0: unknown */
	wlk_time least_rtt;            /* of the message at hand */
	wlk_time last_feedback;
	wlk_time last_probe;
	wlk_time silence_due;          /* when missing feedback counts; WLK_TIME_NEVER */
	uint64_t before_silence_bps;   /* 0: feedback is there */
	wlk_time slow_since;           /* last decrease for a long round trip */
	/* statistics */
	uint64_t statuses_unknown;
};

void gcc_init(struct gcc *g, uint16_t first_seq);
void gcc_free(struct gcc *g);

/**
 * New limits; the target moves into them. |start_bps| counts until the first feedback, and when it is given later, the estimate goes on
 * from there.
 */
void gcc_set_limits(struct gcc *g, wlk_time now, const struct gcc_limits *limits);
/** What the application has use for, 0: unknown; whether padding can be made for probes. */
void gcc_set_wanted(struct gcc *g, uint64_t bps, bool can_pad);

/** A packet of |size| bytes with the number sent_history_next() leaves. */
void gcc_on_sent(struct gcc *g, wlk_time now, size_t size);
/** A packet that feedback cannot speak of leaves on the same path. */
void gcc_on_other_sent(struct gcc *g, wlk_time now, size_t size);

void gcc_feedback_begin(struct gcc *g, wlk_time now);
/** |arrival| by the receiver's clock, without wrap. */
void gcc_feedback_status(struct gcc *g, wlk_time now, uint16_t seq, bool received, wlk_time arrival);
void gcc_feedback_end(struct gcc *g, wlk_time now);

/** The peer allows at most |bps| by REMB. */
void gcc_on_remb(struct gcc *g, wlk_time now, uint64_t bps);
/** A round trip was measured by a report [us]. */
void gcc_on_rtt(struct gcc *g, wlk_time now, wlk_time rtt);
/** Reports are all that there is, or there is better. */
void gcc_set_by_reports(struct gcc *g, wlk_time now, bool by_reports);
/** Of |expected| packets of a stream, |lost| did not arrive, since the report before. */
void gcc_on_report(struct gcc *g, uint32_t expected, uint32_t lost);
/** All blocks of a compound packet were given. */
void gcc_reports_end(struct gcc *g, wlk_time now);

/** What leaves from now on takes another path: how long packets were on their way before says nothing of it. */
void gcc_path_changed(struct gcc *g, wlk_time now);

/** Something is known of the path. */
static inline bool gcc_is_told(const struct gcc *g)
{
	return g->by_reports ? g->reports.has_report : g->has_feedback;
}

/** Feedback has stayed away: the path is in doubt, and the estimate falls by the clock. */
static inline bool gcc_is_silent(const struct gcc *g)
{
	return g->before_silence_bps != 0;
}

/** Share of packets lost lately, 0..1, as feedback on single packets tells; 0 where there is none. */
static inline double gcc_loss(const struct gcc *g)
{
	return g->has_feedback && !g->by_reports ? loss_bwe_recent(&g->loss) : 0;
}

/** What was sent lately, with what feedback cannot speak of [bps]. */
uint64_t gcc_sent_bps(struct gcc *g, wlk_time now);

/** The rate of a probe that is to leave now, 0: none. */
uint64_t gcc_probe_bps(struct gcc *g, wlk_time now);
/** Whether something should be sent for a probe even when nothing waits. */
bool gcc_wants_padding(struct gcc *g, wlk_time now);

static inline uint64_t gcc_target_bps(const struct gcc *g)
{
	return g->target_bps;
}

static inline uint64_t gcc_pacing_bps(const struct gcc *g)
{
	return g->pacing_bps;
}

/** 0: no limit. */
static inline uint64_t gcc_hurry_bps(const struct gcc *g)
{
	return g->hurry_bps;
}

wlk_time gcc_deadline(const struct gcc *g);
void gcc_handle_timeout(struct gcc *g, wlk_time now);

#endif
