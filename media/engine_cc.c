/* Congestion control in the engine: from feedback to the estimate, and from the estimate to pacer, gate and shares. */
#include "media/engine_internal.h"

enum {
	ANSWER_US = 3000000,     /* who sends no feedback for so long will not */
	EPOCH_MAX = 1 << 30,     /* in 64 ms: two years */
	EXPECTED_MAX = 1 << 20,  /* packets between two reports; more is a number of another stream */
	RUNS_US = 1000000,       /* since the last packet of media: it runs */
	DATA_QUEUE_US = 150000,  /* SCTP keeps so much in front of the gate: less, and a delayed SACK would stop it */
	DATA_WINDOW_MIN = 6000,
	DATA_BELOW = 28 + 37,    /* beyond an SCTP packet: IPv4, UDP, a DTLS record */
};

/* ---- the estimate into force ---- */

static void apply(struct media_engine *e, wlk_time now)
{
	uint64_t rate;

	if (!e->use_gcc)
		return;
	engine_allocate(e, now);
	rate = MAX(gcc_pacing_bps(&e->gcc), engine_least_bps(e, now));
	if (!gcc_is_told(&e->gcc) && (e->gcc.by_reports || e->answer_overdue))
		rate = 0;
	/* Who forwards sends what comes in, whatever we say: reports are too coarse to hold it up. */
	if (e->gcc.by_reports && rate)
		rate = MAX(rate, gcc_sent_bps(&e->gcc, now) * 3 / 2);
	if (e->pacing_limit_bps)
		rate = rate ? MIN(rate, e->pacing_limit_bps) : e->pacing_limit_bps;
	if (rate != e->pacer.rate_bps)
		pacer_set_rate(&e->pacer, now, rate);
	if (gcc_hurry_bps(&e->gcc) != e->pacer.hurry_bps)
		pacer_set_hurry(&e->pacer, now, gcc_hurry_bps(&e->gcc));
}

bool engine_tells_arrivals(const struct media_section *s)
{
	return s->send_ext.id[RTP_EXT_TRANSPORT_CC] || section_has_feedback(s, MEDIA_FB_CCFB);
}

bool engine_may_send_empty(const struct send_layer *l)
{
	return l->stream.frames.started && !l->stream.has_caller_base && !l->forward.started;
}

/* Probes are filled up with what was sent before, as RTX; where that was not agreed on, with empty packets. */
static bool can_pad_with(const struct media_section *s, const struct send_layer *l)
{
	bool filled = l->stream.rtx_ssrc ? l->stream.keeps_history : engine_may_send_empty(l);

	return layer_takes_part(s, l) && s->kind == MEDIA_VIDEO && filled && engine_tells_arrivals(s);
}

/* Who agreed on feedback and sends none leaves reports to know by. */
static void note_source(struct media_engine *e, wlk_time now)
{
	bool by_reports = !e->numbered || (e->answer_overdue && !e->gcc.has_feedback);

	if (by_reports != e->gcc.by_reports)
		gcc_set_by_reports(&e->gcc, now, by_reports);
}

void engine_cc_configure(struct media_engine *e, wlk_time now)
{
	bool can_pad = false, numbered = false;

	e->use_gcc = e->sends_ccfb = false;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];
		bool by_number = s->send_ext.id[RTP_EXT_TRANSPORT_CC] && section_has_feedback(s, MEDIA_FB_TRANSPORT_CC);

		e->use_gcc = e->use_gcc || s->send;
		e->sends_ccfb = e->sends_ccfb || (s->send && !by_number && section_has_feedback(s, MEDIA_FB_CCFB));
		if (!s->send || (!by_number && !e->sends_ccfb))
			continue;
		numbered = true;
		for (size_t j = 0; j < s->layer_count; j++)
			can_pad = can_pad || can_pad_with(s, s->layers[j]);
	}
	if (!e->use_gcc) {
		/* Nobody asks for what is probed with any more, and the pacer would wait for it. */
		pacer_set_probe(&e->pacer, now, 0, false);
		pacer_set_rate(&e->pacer, now, e->pacing_limit_bps);
		pacer_set_hurry(&e->pacer, now, 0);
		return;
	}
	e->numbered = numbered;
	note_source(e, now);
	gcc_set_wanted(&e->gcc, engine_wanted_bps(e), can_pad);
	apply(e, now);
}

void media_engine_set_can_send(struct media_engine *e)
{
	e->can_send = true;
}

void media_engine_set_rate_limits(struct media_engine *e, wlk_time now, const struct media_rate_limits *limits)
{
	struct gcc_limits all = { limits->min_bps, limits->start_bps, limits->max_bps };

	gcc_set_limits(&e->gcc, now, &all);
	apply(e, now);
}

uint64_t media_engine_available_bps(const struct media_engine *e)
{
	return e->use_gcc && gcc_is_told(&e->gcc) ? gcc_target_bps(&e->gcc) : 0;
}

void media_engine_path_changed(struct media_engine *e, wlk_time now)
{
	gcc_path_changed(&e->gcc, now);
}

/* ---- out ---- */

void engine_cc_on_sent(struct media_engine *e, wlk_time now, const struct pacer_item *item)
{
	size_t size = item->buf->size + GCC_OVERHEAD;

	if ((item->is_rtx || item->is_protected) && !item->is_padding)
		rate_meter_add(&e->resent, now, size);
	e->last_sent = now;
	/* A repeated number stays with the first that left: which of them is reported nobody knows. */
	if (e->sends_ccfb && !item->is_protected) {
		sent_rtp_add(&e->sent_rtp, load_u32(item->buf->data + 8), load_u16(item->buf->data + 2), sent_history_next(&e->gcc.sent));
	} else if (!item->twcc_offset) {
		gcc_on_other_sent(&e->gcc, now, size);
		return;
	}
	gcc_on_sent(&e->gcc, now, size);
	e->first_sent = time_min(e->first_sent, now);
}

static bool push_padding(struct media_engine *e, wlk_time now)
{
	for (size_t i = 0; i < e->section_count; i++)
		for (size_t j = 0; j < e->sections[i]->layer_count; j++)
			if (can_pad_with(e->sections[i], e->sections[i]->layers[j]) &&
			    engine_push_padding(e, e->sections[i], e->sections[i]->layers[j], now))
				return true;
	return false;
}

void engine_cc_before_pop(struct media_engine *e, wlk_time now)
{
	uint64_t probe;

	if (!e->use_gcc)
		return;
	probe = gcc_probe_bps(&e->gcc, now);
	pacer_set_probe(&e->pacer, now, probe, gcc_wants_padding(&e->gcc, now));
	if (pacer_needs_padding(&e->pacer, now) && !push_padding(e, now))
		pacer_no_padding(&e->pacer, now);
}

/* ---- in ---- */

/* The reference time counts 64 ms in 24 bits; it goes on where the last message was. */
static int64_t epoch_of(struct media_engine *e, const struct twcc_feedback *feedback)
{
	uint32_t reference = (uint32_t)feedback->reference_time & 0xffffff;
	uint32_t ahead = (reference - e->feedback_reference) & 0xffffff;

	if (!e->feedback_started)
		e->feedback_epoch = feedback->reference_time;
	else
		e->feedback_epoch += ahead & 0x800000 ? (int64_t)ahead - 0x1000000 : (int64_t)ahead;
	if (e->feedback_epoch > EPOCH_MAX || e->feedback_epoch < -EPOCH_MAX)
		e->feedback_epoch = feedback->reference_time;
	e->feedback_started = true;
	e->feedback_reference = reference;
	return (e->feedback_epoch - feedback->reference_time) * TWCC_REFERENCE_US;
}

void engine_cc_on_twcc(struct media_engine *e, wlk_time now, const struct twcc_feedback *feedback)
{
	struct twcc_iter iter = twcc_iter(feedback);
	struct twcc_status status;
	int64_t epoch;

	if (!e->use_gcc)
		return;
	epoch = epoch_of(e, feedback);
	gcc_feedback_begin(&e->gcc, now);
	while (twcc_next(&iter, &status))
		gcc_feedback_status(&e->gcc, now, status.seq, status.received, status.arrival_us + epoch);
	engine_cc_feedback_end(e, now);
}

void engine_cc_feedback_end(struct media_engine *e, wlk_time now)
{
	gcc_feedback_end(&e->gcc, now);
	note_source(e, now);
	apply(e, now);
}

void engine_cc_on_block(struct media_engine *e, const struct send_layer *l, const struct rtcp_report_block *block)
{
	const struct send_stream *s = &l->stream;
	uint32_t expected = s->has_report ? block->highest_seq - s->report.highest_seq : (uint32_t)MIN(s->packets, (uint64_t)EXPECTED_MAX);

	if (expected <= EXPECTED_MAX)
		gcc_on_report(&e->gcc, expected, (uint32_t)((uint64_t)expected * block->fraction_lost / 256));
}

void engine_cc_on_reports(struct media_engine *e, wlk_time now, wlk_time rtt)
{
	if (!e->use_gcc)
		return;
	if (rtt)
		gcc_on_rtt(&e->gcc, now, rtt);
	gcc_reports_end(&e->gcc, now);
	if (e->gcc.by_reports)
		apply(e, now);
}

void engine_cc_on_remb(struct media_engine *e, wlk_time now, uint64_t bps)
{
	gcc_on_remb(&e->gcc, now, bps);
	apply(e, now);
}

/* ---- data on the same path ---- */

/* Sound alone takes so little that its path is not known well enough to share it out. */
static bool sends_video(const struct media_engine *e)
{
	for (size_t i = 0; i < e->section_count; i++)
		for (size_t j = 0; e->sections[i]->kind == MEDIA_VIDEO && j < e->sections[i]->layer_count; j++)
			if (layer_takes_part(e->sections[i], e->sections[i]->layers[j]))
				return true;
	return false;
}

bool engine_shares_with_data(const struct media_engine *e, wlk_time now)
{
	/* On a path in doubt SCTP sends next to nothing by itself, and what it tries is what finds the path again. */
	return e->use_gcc && !e->closed && gcc_is_told(&e->gcc) && !gcc_is_silent(&e->gcc) && e->last_sent != WLK_TIME_NEVER &&
	       now - e->last_sent < RUNS_US && sends_video(e);
}

bool media_engine_data_may_leave(struct media_engine *e, wlk_time now)
{
	if (e->data.rate_bps && !engine_shares_with_data(e, now))
		data_gate_set_rate(&e->data, now, 0);
	return data_gate_is_open(&e->data, now);
}

void media_engine_on_data(struct media_engine *e, wlk_time now, size_t size)
{
	if (!size) {
		data_gate_on_empty(&e->data);
		return;
	}
	size += DATA_BELOW;
	data_gate_on_sent(&e->data, now, size);
	if (!e->use_gcc)
		return;
	gcc_on_other_sent(&e->gcc, now, size);
	if (e->data.rate_bps)
		pacer_spend(&e->pacer, now, size);
}

size_t media_engine_data_window(const struct media_engine *e)
{
	uint64_t bytes = e->data.rate_bps / 8 * (uint64_t)(e->rtt_us + DATA_QUEUE_US) / 1000000;

	return e->data.rate_bps ? (size_t)MAX(bytes, (uint64_t)DATA_WINDOW_MIN) : 0;
}

/* ---- time ---- */

wlk_time engine_cc_deadline(const struct media_engine *e)
{
	if (!e->use_gcc)
		return WLK_TIME_NEVER;
	if (!e->gcc.has_feedback && !e->answer_overdue)
		return time_min(time_add(e->first_sent, ANSWER_US), gcc_deadline(&e->gcc));
	return gcc_deadline(&e->gcc);
}

void engine_cc_handle_timeout(struct media_engine *e, wlk_time now)
{
	if (!e->use_gcc || engine_cc_deadline(e) > now)
		return;
	e->answer_overdue = e->answer_overdue || time_add(e->first_sent, ANSWER_US) <= now;
	note_source(e, now);
	gcc_handle_timeout(&e->gcc, now);
	apply(e, now);
}
