#include "media/recv/source.h"

enum { SEQ_MOD = 1 << 16, NO_BAD_SEQ = SEQ_MOD + 1 };

void source_init(struct source *s)
{
	*s = (struct source){ .bad_seq = NO_BAD_SEQ };
}

static void start_at(struct source *s, uint16_t seq)
{
	s->base_seq = seq;
	s->max_seq = seq;
	s->cycles = 0;
	s->bad_seq = NO_BAD_SEQ;
	s->received = 0;
	s->received_prior = 0;
	s->expected_prior = 0;
	s->has_transit = false;
}

enum source_verdict source_on_packet(struct source *s, uint16_t seq, int64_t *extended)
{
	enum source_verdict verdict = SOURCE_NEW;
	int32_t ahead = seq16_diff(seq, s->max_seq);

	if (!s->started) {
		start_at(s, seq);
		s->started = true;
		s->extended = SEQ_MOD + (int64_t)seq;
	} else if (ahead > 0 && ahead < SOURCE_MAX_DROPOUT) {
		if (seq < s->max_seq)
			s->cycles += SEQ_MOD;
		s->max_seq = seq;
		s->extended += ahead;
	} else if (ahead <= 0 && ahead > -SOURCE_MAX_MISORDER) {
		verdict = SOURCE_OLD;
	} else if (seq == s->bad_seq) {
		/* Two packets in a row at the new place: the sender restarted. Go on above everything seen before. */
		s->lost_before_reset = (uint32_t)source_cumulative_lost(s);
		s->resets++;
		start_at(s, seq);
		s->extended = (s->extended / SEQ_MOD + 1) * SEQ_MOD + seq;
		verdict = SOURCE_RESET;
	} else {
		s->bad_seq = (uint16_t)(seq + 1);
		return SOURCE_JUMP_DROP;
	}
	if (verdict != SOURCE_OLD)
		s->bad_seq = NO_BAD_SEQ;
	s->received++;
	s->total_received++;
	*extended = verdict == SOURCE_OLD ? s->extended + ahead : s->extended;
	return verdict;
}

void source_on_timing(struct source *s, uint32_t rtp_timestamp, wlk_time now, uint32_t clock_hz)
{
	/* Split so that the product stays in 64 bits for any time of day. */
	uint64_t seconds = (uint64_t)now / 1000000, rest = (uint64_t)now % 1000000;
	uint32_t arrival = (uint32_t)(seconds * clock_hz + rest * clock_hz / 1000000);
	uint32_t transit = arrival - rtp_timestamp;
	int32_t d = (int32_t)(transit - s->transit);
	bool first = !s->has_transit;

	s->transit = transit;
	s->has_transit = true;
	if (first)
		return;
	uint32_t magnitude = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

	/* A jump of the timestamps (over 10 s, R25) is no jitter. */
	if (magnitude > 10u * clock_hz)
		return;
	s->jitter_q4 += magnitude - ((s->jitter_q4 + 8) >> 4);
}

static uint32_t extended_max(const struct source *s)
{
	return s->cycles + s->max_seq;
}

uint32_t source_expected(const struct source *s)
{
	return s->started ? extended_max(s) - s->base_seq + 1 : 0;
}

int32_t source_cumulative_lost(const struct source *s)
{
	int64_t lost = (int64_t)(int32_t)(source_expected(s) - s->received) + (int32_t)s->lost_before_reset;

	return (int32_t)MIN(MAX(lost, -0x800000), 0x7fffff);
}

void source_report(struct source *s, struct rtcp_report_block *block)
{
	uint32_t expected_interval = source_expected(s) - s->expected_prior;
	uint32_t received_interval = s->received - s->received_prior;
	int32_t lost_interval = (int32_t)(expected_interval - received_interval);

	s->expected_prior = source_expected(s);
	s->received_prior = s->received;
	block->fraction_lost = 0;
	if (expected_interval && lost_interval > 0)
		block->fraction_lost = (uint8_t)MIN(((uint64_t)(uint32_t)lost_interval << 8) / expected_interval, 255);
	block->cumulative_lost = source_cumulative_lost(s);
	block->highest_seq = extended_max(s);
	block->jitter = source_jitter(s);
}
