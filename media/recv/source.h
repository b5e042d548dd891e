/* Reception statistics of one SSRC: sequence validation, loss and jitter by RFC 3550 appendix A.1, A.3 and A.8. */
#ifndef MEDIA_RECV_SOURCE_H
#define MEDIA_RECV_SOURCE_H

#include "core/seq.h"
#include "core/time.h"
#include "media/rtp/packet.h"
#include "media/rtp/rtcp.h"

enum {
	SOURCE_MAX_DROPOUT = 3000, /* a larger step forward is a jump (RFC 3550 A.1, R25) */
	SOURCE_MAX_MISORDER =
		1024, /* older than this is a jump too; large enough for retransmissions on the same SSRC */
};

enum source_verdict {
	SOURCE_NEW,       /* in order, or ahead */
	SOURCE_OLD,       /* behind the highest one: late, retransmitted or duplicate */
	SOURCE_JUMP_DROP, /* far away; the next packet shows whether the sender restarted */
	SOURCE_RESET,     /* the sender restarted here; statistics begin again */
};

struct source {
	bool started;
	uint16_t max_seq;
	uint32_t cycles; /* shifted count of wraps, as the RFC keeps it */
	uint32_t base_seq;
	uint32_t bad_seq; /* the seq that would prove a restart; 65537: none */
	uint32_t received;
	uint32_t expected_prior;
	uint32_t received_prior;
	int64_t extended; /* of max_seq, never going back, also not over resets; starts in 65536..131071 */

	bool has_transit;
	uint32_t transit;
	uint32_t jitter_q4; /* jitter * 16 */

	uint64_t total_received; /* these three are not touched by resets */
	uint32_t lost_before_reset;
	uint32_t resets;
};

void source_init(struct source *s);

/**
 * Count one packet. Packets are authentic (SRTP), so there is no probation: the first is good (R21).
 * @param extended  receives its sequence number without wrap (not for SOURCE_JUMP_DROP)
 */
enum source_verdict source_on_packet(struct source *s, uint16_t seq, int64_t *extended);

/** Interarrival jitter, RFC 3550 A.8; once for each counted packet that is no retransmission. */
void source_on_timing(struct source *s, uint32_t rtp_timestamp, wlk_time now, uint32_t clock_hz);

/** Packets that the sender must have sent since the start, by the highest sequence number; wraps at 32 bits. */
uint32_t source_expected(const struct source *s);

/** Packets expected minus received since the start (RFC 3550 A.3), within 24 bits signed. */
int32_t source_cumulative_lost(const struct source *s);

/** Fill ssrc-independent fields of a report block and start the next interval. */
void source_report(struct source *s, struct rtcp_report_block *block);

static inline uint32_t source_jitter(const struct source *s)
{
	return s->jitter_q4 >> 4;
}

/** True when something arrived since the last source_report(). */
static inline bool source_is_active(const struct source *s)
{
	return s->received != s->received_prior;
}

#endif
