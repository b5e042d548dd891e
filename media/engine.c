#include "media/engine.h"

#include "core/alloc.h"
#include "media/engine_internal.h"

static const uint64_t default_max_receive_bps = 100000000;

wlk_err media_engine_create(struct media_engine **out, const struct media_engine_config *config)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct media_engine *e = wlk_calloc(1, sizeof(*e));
	uint16_t first_seq;

	if (!e)
		goto out;
	if (config->log_prefix)
		log_scope_init(&e->log, config->log_prefix, "media");
	e->pool = config->pool;
	e->unix_us_at_zero = config->unix_us_at_zero;
	e->rtcp_tail = &e->rtcp_head;
	twcc_recv_init(&e->twcc);
	ccfb_recv_init(&e->ccfb);
	receive_rate_init(&e->rate, config->max_receive_bps ? config->max_receive_bps : default_max_receive_bps);
	err = rand_u64(&e->jitter.state);
	if (err)
		goto out_free;
	err = rand_u16(&first_seq);
	if (err)
		goto out_free;
	gcc_init(&e->gcc, first_seq);
	e->first_sent = e->last_sent = WLK_TIME_NEVER;
	data_gate_init(&e->data);
	err = recv_queue_init(&e->received);
	if (err)
		goto out_free;
	err = pacer_init(&e->pacer);
	if (err)
		goto out_queue;
	*out = e;
	return WLK_OK;
out_queue:
	recv_queue_free(&e->received);
out_free:
	wlk_free(e);
out:
	return err;
}

void media_engine_destroy(struct media_engine *e)
{
	if (!e)
		return;
	while (e->ssrc_count)
		engine_remove_entry(e, e->ssrcs[0].entry);
	for (size_t i = 0; i < e->section_count; i++)
		engine_section_destroy(e->sections[i]);
	wlk_free(e->sections);
	wlk_free(e->ssrcs);
	wlk_free(e->retired);
	recv_queue_free(&e->received);
	pacer_free(&e->pacer);
	gcc_free(&e->gcc);
	twcc_recv_free(&e->twcc);
	ccfb_recv_free(&e->ccfb);
	sent_rtp_free(&e->sent_rtp);
	engine_rtcp_queue_free(e);
	wlk_free(e);
}

int64_t engine_wall_us(const struct media_engine *e, wlk_time now)
{
	return e->unix_us_at_zero + now;
}

uint32_t engine_ntp_mid(const struct media_engine *e, wlk_time now)
{
	return (uint32_t)(time_to_ntp(engine_wall_us(e, now)) >> 16);
}

static bool ssrc_in_use(struct media_engine *e, uint32_t ssrc)
{
	if (engine_find_ssrc(e, ssrc))
		return true;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		if (s->ssrc == ssrc)
			return true;
		for (size_t j = 0; j < s->layer_count; j++)
			if (s->layers[j]->stream.ssrc == ssrc || s->layers[j]->stream.rtx_ssrc == ssrc)
				return true;
		for (size_t j = 0; j < s->remote_count; j++)
			if (s->remotes[j].ssrc == ssrc || s->remotes[j].rtx_ssrc == ssrc)
				return true;
	}
	return false;
}

wlk_err media_engine_pick_ssrc(struct media_engine *e, uint32_t *out)
{
	uint32_t ssrc;

	do {
		if (rand_u32(&ssrc) != WLK_OK)
			return WLK_ERR_CRYPTO;
	} while (!ssrc || ssrc_in_use(e, ssrc));
	*out = ssrc;
	return WLK_OK;
}

/* ---- lookups ---- */

const struct media_payload *section_payload_by_recv_pt(const struct media_section *s, uint8_t pt, bool *is_rtx)
{
	for (size_t i = 0; i < s->payload_count; i++) {
		const struct media_payload *p = &s->payloads[i];

		*is_rtx = p->recv_rtx_pt == pt;
		if (p->recv_pt == pt || *is_rtx)
			return p;
	}
	return NULL;
}

const struct media_payload *section_payload_by_send_pt(const struct media_section *s, uint8_t pt)
{
	for (size_t i = 0; i < s->payload_count; i++)
		if (s->payloads[i].send_pt == pt && pt != RTP_PT_NONE)
			return &s->payloads[i];
	return NULL;
}

uint32_t section_feedback(const struct media_section *s, uint8_t recv_pt)
{
	bool is_rtx;
	const struct media_payload *p = recv_pt == RTP_PT_NONE ? NULL : section_payload_by_recv_pt(s, recv_pt, &is_rtx);

	if (!p && s->payload_count)
		p = &s->payloads[0];
	return p ? p->fb : 0;
}

bool section_has_feedback(const struct media_section *s, uint32_t fb)
{
	for (size_t i = 0; i < s->payload_count; i++)
		if (s->payloads[i].fb & fb)
			return true;
	return false;
}

struct recv_stream_config section_stream_config(struct media_engine *e, const struct media_section *s, uint32_t ssrc)
{
	return (struct recv_stream_config){
		.ssrc = ssrc,
		.in_order = s->in_order,
		.use_nack = section_has_feedback(s, MEDIA_FB_NACK),
		.is_video = s->kind == MEDIA_VIDEO,
		.frame_budget = s->frames ? &e->received.frame_budget : NULL,
		.held = &e->received.held,
		.codecs = s->recv_codecs,
		.ext = &s->recv_ext,
	};
}

struct media_section *engine_section_of_mid(const struct media_engine *e, wlk_bytes mid)
{
	for (size_t i = 0; mid.size && i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		if (strlen(s->mid) == mid.size && !memcmp(s->mid, mid.data, mid.size))
			return s;
	}
	return NULL;
}

struct send_layer *engine_layer_of_ssrc(const struct media_engine *e, uint32_t ssrc, struct media_section **section)
{
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->layer_count; j++) {
			if (s->layers[j]->stream.ssrc != ssrc)
				continue;
			if (section)
				*section = s;
			return s->layers[j];
		}
	}
	return NULL;
}

/* ---- time ---- */

void section_activate(struct media_engine *e, struct media_section *s, wlk_time now)
{
	/* Nothing was scheduled, or the slow rhythm of a section where nothing happened. */
	if (s->report_due > time_add(now, REPORT_US * 3 / 2))
		s->report_due = now + REPORT_FIRST_US / 2 + rand_jitter_below(&e->jitter, REPORT_FIRST_US);
}

void engine_on_rtt(struct media_engine *e, wlk_time rtt_us)
{
	e->rtt_us = e->rtt_is_own ? (7 * e->rtt_us + rtt_us) / 8 : rtt_us;
	e->rtt_us = MAX(e->rtt_us, 1);
	e->rtt_is_own = true;
}

void media_engine_set_rtt(struct media_engine *e, wlk_time rtt_us)
{
	if (!e->rtt_is_own && rtt_us > 0)
		e->rtt_us = rtt_us;
}

void media_engine_set_pacing_rate(struct media_engine *e, wlk_time now, uint64_t bps)
{
	e->pacing_limit_bps = bps;
	pacer_set_rate(&e->pacer, now, bps);
}

/* A hole was given up, in the order buffer or in the NACK list: what follows cannot be decoded without a key frame. */
void engine_check_stream(struct media_engine *e, struct recv_entry *entry, wlk_time now)
{
	struct recv_stream *s = &entry->stream;

	if (s->config.frame_budget) /* the frame buffer sees what the loss means */
		s->nacks.gave_up = false;
	if (!s->needs_key_frame && !s->nacks.gave_up && !s->nacks.is_stuck)
		return;
	s->needs_key_frame = s->nacks.gave_up = s->nacks.is_stuck = false;
	if (s->config.is_video)
		(void)media_engine_request_key_frame(e, now, entry->section->index);
}

wlk_time media_engine_deadline(const struct media_engine *e)
{
	wlk_time deadline = engine_rtcp_deadline(e);

	if (e->closed)
		return deadline;
	deadline = time_min(deadline, time_min(e->pacer.deadline, time_min(engine_cc_deadline(e), e->data.deadline)));
	for (size_t i = 0; i < e->section_count; i++) {
		deadline = time_min(deadline, e->sections[i]->tone.due);
		deadline = time_min(deadline, e->sections[i]->dtmf.recv.deadline);
		deadline = time_min(deadline, engine_activity_deadline(e->sections[i]));
		for (size_t j = 0; j < e->sections[i]->layer_count; j++)
			deadline = time_min(deadline, e->sections[i]->layers[j]->key_frame_event_due);
	}
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx)
			deadline = time_min(deadline, recv_stream_deadline(&e->ssrcs[i].entry->stream));
	return deadline;
}

static void key_frame_event_if_due(struct send_layer *l, wlk_time now)
{
	if (l->key_frame_event_due > now)
		return;
	l->key_frame_event_due = WLK_TIME_NEVER;
	l->key_frame_event_last = now;
	l->key_frame_event = true;
}

void media_engine_handle_timeout(struct media_engine *e, wlk_time now)
{
	if (e->closed)
		return;
	engine_tones_step(e, now);
	engine_cc_handle_timeout(e, now);
	data_gate_handle_timeout(&e->data, now);
	for (size_t i = 0; i < e->section_count; i++)
		dtmf_recv_handle_timeout(&e->sections[i]->dtmf.recv, now);
	for (size_t i = 0; i < e->section_count; i++)
		engine_activity_handle_timeout(e->sections[i], now);
	for (size_t i = 0; i < e->section_count; i++)
		for (size_t j = 0; j < e->sections[i]->layer_count; j++)
			key_frame_event_if_due(e->sections[i]->layers[j], now);
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;

		if (e->ssrcs[i].is_rtx)
			continue;
		recv_stream_handle_timeout(&entry->stream, now, &e->received);
		engine_check_stream(e, entry, now);
	}
}

/* ---- events ---- */

static bool stream_event(struct recv_entry *entry, struct media_event *out)
{
	bool *pending = entry->new_pending ? &entry->new_pending : &entry->bye_pending;

	if (!*pending)
		return false;
	*out = (struct media_event){
		.type = entry->new_pending ? MEDIA_EVENT_SSRC_NEW : MEDIA_EVENT_SSRC_BYE,
		.section = entry->section->index,
		.ssrc = entry->stream.config.ssrc,
	};
	*pending = false;
	return true;
}

static bool key_frame_event(struct media_section *s, struct media_event *out)
{
	for (size_t i = 0; i < s->layer_count; i++) {
		if (!s->layers[i]->key_frame_event)
			continue;
		s->layers[i]->key_frame_event = false;
		*out = (struct media_event){ .type = MEDIA_EVENT_KEY_FRAME_REQUEST, .section = s->index, .layer = i };
		return true;
	}
	return false;
}

bool media_engine_poll_event(struct media_engine *e, struct media_event *out)
{
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx && stream_event(e->ssrcs[i].entry, out))
			return true;
	for (size_t i = 0; i < e->section_count; i++)
		if (key_frame_event(e->sections[i], out) || engine_dtmf_event(e->sections[i], out) || engine_activity_event(e->sections[i], out))
			return true;
	if (engine_cc_event(e, out))
		return true;
	if (!e->remb_event)
		return false;
	e->remb_event = false;
	*out = (struct media_event){ .type = MEDIA_EVENT_REMB, .remb_bps = e->remb_bps };
	return true;
}

void media_engine_close(struct media_engine *e, wlk_time now)
{
	(void)now;
	if (e->closed)
		return;
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		if (s->send)
			engine_send_bye(e, s);
		for (size_t j = 0; j < s->layer_count; j++)
			pacer_forget(&e->pacer, &s->layers[j]->stream);
	}
	e->closed = true;
}
