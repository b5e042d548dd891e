/* Congestion control in the engine: what feedback means for the pacer and for each layer that is sent. */
#include "media/engine_internal.h"

enum {
	AUDIO_MIN_BPS = 16000,
	AUDIO_MAX_BPS = 64000,
	VIDEO_MIN_BPS = 30000,
	VIDEO_WANTED_BPS = 2500000, /* of a layer without a limit: as far as probes look */
	PRIORITY = 2,               /* W3C "low", the default */
	ANSWER_US = 3000000,        /* who sends no feedback for so long will not */
	EPOCH_MAX = 1 << 30, /* in 64 ms: two years */
	BACKLOG_US = 500000,        /* what waits in the pacer is to be gone in about this time */
};

#define UNLIMITED_BPS (UINT64_MAX / 64) /* leaves room for what is added on the way */

static const double told_change = 0.02;

/* ---- shares ---- */

static bool takes_part(const struct media_section *s, const struct send_layer *l)
{
	return s->send && l->active;
}

static uint64_t layer_max(const struct media_section *s, const struct send_layer *l)
{
	if (l->limits.max_bps)
		return MIN(l->limits.max_bps, UNLIMITED_BPS);
	return s->kind == MEDIA_AUDIO ? AUDIO_MAX_BPS : UNLIMITED_BPS;
}

static uint64_t layer_min(const struct media_section *s, const struct send_layer *l)
{
	uint64_t min = l->limits.min_bps ? l->limits.min_bps : s->kind == MEDIA_AUDIO ? AUDIO_MIN_BPS : VIDEO_MIN_BPS;

	return MIN(min, layer_max(s, l));
}

/* How much of what leaves is payload. */
static double payload_share(const struct media_section *s, const struct send_layer *l)
{
	const struct send_stream *out = &l->stream;
	double all = (double)out->bytes + (double)out->header_bytes + (double)out->packets * GCC_OVERHEAD;

	if (out->packets < 20)
		return s->kind == MEDIA_AUDIO ? 0.6 : 0.94;
	return MAX((double)out->bytes / all, 0.2);
}

static uint64_t wanted(const struct media_engine *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->layer_count; j++)
			if (takes_part(s, s->layers[j]))
				sum += (uint64_t)((double)(s->layers[j]->limits.max_bps || s->kind == MEDIA_AUDIO ? layer_max(s, s->layers[j]) : VIDEO_WANTED_BPS) /
						  payload_share(s, s->layers[j]));
	}
	return sum;
}

/* The layers of a section in the order in which they are switched on: by what they can use. */
static size_t order_layers(const struct media_section *s, struct send_layer *order[MEDIA_RIDS_MAX])
{
	size_t count = 0;

	for (size_t j = 0; j < s->layer_count; j++) {
		size_t at = count;

		if (!takes_part(s, s->layers[j]))
			continue;
		for (; at && layer_max(s, order[at - 1]) > layer_max(s, s->layers[j]); at--)
			order[at] = order[at - 1];
		order[at] = s->layers[j];
		count++;
	}
	return count;
}

enum { ALLOCATE_MAX = 64 };

struct shares {
	struct allocate_stream streams[ALLOCATE_MAX];
	struct allocate_layer layers[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	struct send_layer *order[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	double payload[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	size_t count;
	bool keeps_video;
};

static void add_section(struct shares *a, const struct media_section *s)
{
	size_t n = a->count, layers = order_layers(s, a->order[n]);
	/* With no numbered packets at all there would be no feedback, and no way back up. */
	bool keeps = s->kind == MEDIA_VIDEO && !a->keeps_video && s->send_ext.id[RTP_EXT_TRANSPORT_CC];

	if (!layers)
		return;
	a->streams[n] = (struct allocate_stream){
		.layers = a->layers[n],
		.layer_count = layers,
		.weight = a->order[n][0]->limits.priority ? a->order[n][0]->limits.priority : PRIORITY,
		.always = s->kind == MEDIA_AUDIO || keeps,
	};
	a->keeps_video |= keeps;
	for (size_t j = 0; j < layers; j++) {
		const struct send_layer *l = a->order[n][j];
		double payload = a->payload[n][j] = payload_share(s, l);

		a->layers[n][j] = (struct allocate_layer){
			.min_bps = (uint64_t)((double)layer_min(s, l) / payload),
			.max_bps = (uint64_t)((double)layer_max(s, l) / payload),
			.is_on = l->target_bps,
		};
	}
	a->count++;
}

/* Audio comes first: it is what a call cannot do without. */
static void collect(const struct media_engine *e, struct shares *a)
{
	a->count = 0;
	a->keeps_video = false;
	for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
		for (size_t i = 0; i < e->section_count; i++)
			if ((int)e->sections[i]->kind == kind)
				add_section(a, e->sections[i]);
}

static void allocate(struct media_engine *e, wlk_time now)
{
	uint64_t total = gcc_target_bps(&e->gcc), resent = rate_meter_bps(&e->resent, now);
	uint64_t backlog = e->pacer.queued_bytes * 8 * 1000000 / BACKLOG_US, usual = total / 10;
	struct shares a;

	/* Who agreed on feedback and sends none leaves REMB to know by. */
	if (e->answer_overdue && !e->gcc.has_feedback)
		total = e->gcc.remb_bps ? e->gcc.remb_bps : total;
	/* A frame is usually on its way. */
	backlog -= MIN(backlog, usual);
	/* What is repeated and what waits takes from what is new; not all, or a path with much loss would show nothing. */
	total -= MIN(resent + backlog, total / 2);
	e->allocated = now;
	collect(e, &a);
	allocate_rates(a.streams, a.count, total);
	for (size_t i = 0; i < a.count; i++)
		for (size_t j = 0; j < a.streams[i].layer_count; j++)
			a.order[i][j]->target_bps = MIN((uint64_t)((double)a.layers[i][j].bps * a.payload[i][j]), UINT64_MAX / 8);
}

static bool differs(const struct send_layer *l)
{
	double change = (double)l->target_bps - (double)l->told_bps;

	if (l->told_bps == UINT64_MAX || !l->target_bps != !l->told_bps)
		return true;
	return change > told_change * (double)l->told_bps || -change > told_change * (double)l->told_bps;
}

bool engine_cc_event(struct media_engine *e, struct media_event *out)
{
	if (!e->use_gcc || !e->can_send)
		return false;
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->layer_count; j++) {
			struct send_layer *l = s->layers[j];

			if (!takes_part(s, l) || !differs(l))
				continue;
			l->told_bps = l->target_bps;
			*out = (struct media_event){
				.type = MEDIA_EVENT_TARGET_BITRATE, .section = i, .layer = j, .target_bps = l->target_bps
			};
			return true;
		}
	}
	return false;
}

/* ---- the estimate into force ---- */

static void apply(struct media_engine *e, wlk_time now)
{
	uint64_t rate = gcc_pacing_bps(&e->gcc);

	if (!e->use_gcc)
		return;
	if (e->answer_overdue && !e->gcc.has_feedback)
		rate = 0;
	if (e->pacing_limit_bps)
		rate = rate ? MIN(rate, e->pacing_limit_bps) : e->pacing_limit_bps;
	if (rate != e->pacer.rate_bps)
		pacer_set_rate(&e->pacer, now, rate);
	allocate(e, now);
}

static bool can_repeat(const struct media_section *s, const struct send_layer *l)
{
	return takes_part(s, l) && s->kind == MEDIA_VIDEO && l->stream.rtx_ssrc && l->stream.keeps_history &&
	       s->send_ext.id[RTP_EXT_TRANSPORT_CC];
}

void engine_cc_configure(struct media_engine *e, wlk_time now)
{
	bool can_pad = false;

	e->use_gcc = false;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		if (!s->send || !s->send_ext.id[RTP_EXT_TRANSPORT_CC] || !section_has_feedback(s, MEDIA_FB_TRANSPORT_CC))
			continue;
		e->use_gcc = true;
		for (size_t j = 0; j < s->layer_count; j++)
			can_pad = can_pad || can_repeat(s, s->layers[j]);
	}
	if (!e->use_gcc) {
		/* Nobody asks for what is probed with any more, and the pacer would wait for it. */
		pacer_set_probe(&e->pacer, now, 0, false);
		pacer_set_rate(&e->pacer, now, e->pacing_limit_bps);
		return;
	}
	gcc_set_wanted(&e->gcc, wanted(e), can_pad);
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

wlk_err media_engine_set_layer_limits(struct media_engine *e, wlk_time now, size_t section, size_t layer,
				      const struct media_layer_limits *limits)
{
	if (section >= e->section_count || layer >= e->sections[section]->layer_count)
		return WLK_ERR_NOT_FOUND;
	e->sections[section]->layers[layer]->limits = *limits;
	engine_cc_configure(e, now);
	return WLK_OK;
}

uint64_t media_engine_available_bps(const struct media_engine *e)
{
	return e->use_gcc && e->gcc.has_feedback ? gcc_target_bps(&e->gcc) : 0;
}

/* ---- out ---- */

void engine_cc_on_sent(struct media_engine *e, wlk_time now, const struct pacer_item *item, size_t size)
{
	size += GCC_OVERHEAD;
	if ((item->is_rtx || item->is_protected) && !item->is_padding)
		rate_meter_add(&e->resent, now, size);
	if (!item->twcc_offset) {
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
			if (can_repeat(e->sections[i], e->sections[i]->layers[j]) &&
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
	gcc_feedback_begin(&e->gcc);
	while (twcc_next(&iter, &status))
		gcc_feedback_status(&e->gcc, now, status.seq, status.received, status.arrival_us + epoch);
	gcc_feedback_end(&e->gcc, now);
	apply(e, now);
}

void engine_cc_on_remb(struct media_engine *e, wlk_time now, uint64_t bps)
{
	gcc_on_remb(&e->gcc, now, bps);
	apply(e, now);
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
	gcc_handle_timeout(&e->gcc, now);
	apply(e, now);
}
