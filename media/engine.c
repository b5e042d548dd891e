#include "media/engine.h"

#include "core/alloc.h"
#include "media/engine_internal.h"

enum { SECTIONS_MAX = 64, PAYLOADS_MAX = 128 };
static const uint64_t default_max_receive_bps = 100000000;

wlk_err media_engine_create(struct media_engine **out, const struct media_engine_config *config)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct media_engine *e = wlk_calloc(1, sizeof(*e));

	if (!e)
		goto out;
	if (config->log_prefix)
		log_scope_init(&e->log, config->log_prefix, "media");
	e->pool = config->pool;
	e->unix_us_at_zero = config->unix_us_at_zero;
	e->rtcp_tail = &e->rtcp_head;
	twcc_recv_init(&e->twcc);
	receive_rate_init(&e->rate, config->max_receive_bps ? config->max_receive_bps : default_max_receive_bps);
	err = rand_u64(&e->jitter.state);
	if (err)
		goto out_free;
	err = rand_u16(&e->twcc_out_seq);
	if (err)
		goto out_free;
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

static void section_destroy(struct media_section *s)
{
	if (!s)
		return;
	if (s->out) {
		send_stream_free(s->out);
		wlk_free(s->out);
	}
	wlk_free(s->payloads);
	wlk_free(s->remotes);
	wlk_free(s->rids);
	wlk_free(s->cname);
	wlk_free(s);
}

void media_engine_destroy(struct media_engine *e)
{
	if (!e)
		return;
	while (e->ssrc_count)
		engine_remove_entry(e, e->ssrcs[0].entry);
	for (size_t i = 0; i < e->section_count; i++)
		section_destroy(e->sections[i]);
	wlk_free(e->sections);
	wlk_free(e->ssrcs);
	wlk_free(e->retired);
	recv_queue_free(&e->received);
	pacer_free(&e->pacer);
	twcc_recv_free(&e->twcc);
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

		if (s->ssrc == ssrc || (s->out && (s->out->ssrc == ssrc || s->out->rtx_ssrc == ssrc)))
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

struct recv_stream_config section_stream_config(const struct media_section *s, uint32_t ssrc)
{
	return (struct recv_stream_config){
		.ssrc = ssrc,
		.in_order = s->in_order,
		.use_nack = section_has_feedback(s, MEDIA_FB_NACK),
		.is_video = s->kind == MEDIA_VIDEO,
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

/* ---- configuration ---- */

static bool ext_ids_valid(const struct rtp_ext_ids *ids)
{
	for (size_t i = 0; i < RTP_EXT_KINDS; i++) {
		if (ids->id[i] == 15)
			return false;
		for (size_t j = 0; ids->id[i] && j < i; j++)
			if (ids->id[j] == ids->id[i])
				return false;
	}
	return true;
}

static bool names_fit(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!names[i] || strlen(names[i]) > MEDIA_MID_MAX)
			return false;
	return true;
}

static bool is_used(const struct media_section_config *c)
{
	return c->receive || c->send;
}

static bool section_config_valid(const struct media_section_config *c)
{
	size_t cname_size;

	if (!names_fit(&c->mid, 1))
		return false;
	if (!is_used(c))
		return true;
	cname_size = c->cname ? strlen(c->cname) : 0;
	return c->ssrc && c->ssrc != c->rtx_ssrc && cname_size >= 1 && cname_size <= 255 && c->payload_count <= PAYLOADS_MAX &&
	       c->remote_ssrc_count <= MEDIA_STREAMS_MAX && c->rid_count <= MEDIA_RIDS_MAX && names_fit(c->rids, c->rid_count) &&
	       ext_ids_valid(&c->recv_ext) && ext_ids_valid(&c->send_ext);
}

static bool shares_ssrc(const struct media_section_config *a, const struct media_section_config *b)
{
	return a->ssrc == b->ssrc || a->ssrc == b->rtx_ssrc || b->ssrc == a->rtx_ssrc ||
	       (a->rtx_ssrc && a->rtx_ssrc == b->rtx_ssrc);
}

static bool configs_valid(const struct media_section_config *configs, size_t count)
{
	if (count > SECTIONS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!section_config_valid(&configs[i]))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (configs[i].mid[0] && !strcmp(configs[i].mid, configs[j].mid))
				return false;
			if (is_used(&configs[i]) && is_used(&configs[j]) && shares_ssrc(&configs[i], &configs[j]))
				return false;
		}
	}
	return true;
}

/* A copy of |count| items; an empty list is NULL and no failure. */
static bool copy_items(void *out, const void *items, size_t count, size_t item_size)
{
	void *copy;

	if (!count)
		return true;
	copy = wlk_calloc(count, item_size);
	if (!copy)
		return false;
	memcpy(copy, items, count * item_size);
	memcpy(out, &copy, sizeof(copy));
	return true;
}

static bool copy_rids(struct media_section *s, const struct media_section_config *c)
{
	if (!c->rid_count)
		return true;
	s->rids = wlk_calloc(c->rid_count, sizeof(*s->rids));
	if (!s->rids)
		return false;
	for (size_t i = 0; i < c->rid_count; i++)
		memcpy(s->rids[i], c->rids[i], strlen(c->rids[i]));
	s->rid_count = c->rid_count;
	return true;
}

static wlk_err section_create(struct media_section **out, const struct media_section_config *c, size_t index,
			      const struct media_section *old)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct media_section *s = wlk_calloc(1, sizeof(*s));
	bool keeps_history;

	if (!s)
		return WLK_ERR_NOMEM;
	s->index = index;
	memcpy(s->mid, c->mid, strlen(c->mid));
	s->kind = c->kind;
	s->receive = c->receive;
	s->send = c->send;
	s->payload_count = c->payload_count;
	s->recv_ext = c->recv_ext;
	s->send_ext = c->send_ext;
	s->extmap_allow_mixed = c->extmap_allow_mixed;
	s->rtcp_rsize = c->rtcp_rsize;
	s->rtcp_xr_rrtr = c->rtcp_xr_rrtr;
	s->in_order = c->in_order;
	s->remote_count = c->remote_ssrc_count;
	s->ssrc = c->ssrc;
	s->report_due = s->key_frame_event_due = s->key_frame_due = WLK_TIME_NEVER;
	s->key_frame_event_last = s->key_frame_asked = -KEY_FRAME_PAUSE_US;
	s->fir_in_seq = -1;
	if (!copy_items(&s->payloads, c->payloads, c->payload_count, sizeof(*c->payloads)) ||
	    !copy_items(&s->remotes, c->remote_ssrcs, c->remote_ssrc_count, sizeof(*c->remote_ssrcs)) || !copy_rids(s, c))
		goto fail;
	s->cname_size = c->cname ? strlen(c->cname) : 0;
	s->cname = wlk_strndup(c->cname ? c->cname : "", s->cname_size);
	if (!s->cname)
		goto fail;
	if (c->send && !(old && old->out && old->out->ssrc == c->ssrc)) {
		s->out = wlk_calloc(1, sizeof(*s->out));
		if (!s->out)
			goto fail;
		keeps_history = section_has_feedback(s, MEDIA_FB_NACK);
		err = send_stream_init(s->out, c->ssrc, c->rtx_ssrc, keeps_history);
		if (err) {
			wlk_free(s->out);
			s->out = NULL;
			goto fail;
		}
	}
	*out = s;
	return WLK_OK;
fail:
	section_destroy(s);
	return err;
}

static struct media_section *find_old(const struct media_engine *e, const struct media_section_config *c)
{
	struct media_section *s = engine_section_of_mid(e, (wlk_bytes){ (const uint8_t *)c->mid, strlen(c->mid) });

	return s && s->kind == c->kind ? s : NULL;
}

/* The send stream of |old| ends; its packets in the pacer go with it. */
static void retire_out(struct media_engine *e, struct media_section *old)
{
	if (!old->out)
		return;
	if (old->send)
		engine_send_bye(e, old);
	e->retired[e->retired_count++] = old->out->ssrc;
	if (old->out->rtx_ssrc)
		e->retired[e->retired_count++] = old->out->rtx_ssrc;
	pacer_forget(&e->pacer, old->out);
	send_stream_free(old->out);
	wlk_free(old->out);
	old->out = NULL;
}

static bool is_retired(const struct media_engine *e, uint32_t ssrc)
{
	for (size_t i = 0; i < e->retired_count; i++)
		if (e->retired[i] == ssrc)
			return true;
	return false;
}

/* R20: no SSRC may begin a second numbering under the same key, be it retired or another section's. */
static bool reuses_ssrc(const struct media_engine *e, const struct media_section_config *c)
{
	const struct media_section *same = find_old(e, c);

	if (!c->send)
		return false;
	if (is_retired(e, c->ssrc) || (c->rtx_ssrc && is_retired(e, c->rtx_ssrc)))
		return true;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct send_stream *out = e->sections[i]->out;

		if (out && e->sections[i] != same &&
		    (out->ssrc == c->ssrc || out->rtx_ssrc == c->ssrc || (c->rtx_ssrc && out->rtx_ssrc == c->rtx_ssrc)))
			return true;
	}
	return false;
}

static bool lists_ssrc(const struct media_section *s, uint32_t ssrc)
{
	for (size_t i = 0; i < s->remote_count; i++)
		if (s->remotes[i].ssrc == ssrc)
			return true;
	return false;
}

/* Streams of |old| go over to |s|, unless the peer took their SSRC out of its description, or we stopped receiving. */
static void move_streams(struct media_engine *e, const struct media_section *old, struct media_section *s)
{
	for (size_t i = e->ssrc_count; i-- > 0;) {
		struct recv_entry *entry;
		uint32_t ssrc;

		if (i >= e->ssrc_count)
			continue;
		entry = e->ssrcs[i].entry;
		ssrc = entry->stream.config.ssrc;
		if (entry->section != old)
			continue;
		if (!s || !s->receive || (lists_ssrc(old, ssrc) && s->remote_count && !lists_ssrc(s, ssrc))) {
			engine_remove_entry(e, entry);
			continue;
		}
		struct recv_stream_config config = section_stream_config(s, ssrc);

		entry->section = s;
		recv_stream_reconfigure(&entry->stream, &config);
	}
}

/* Everything that must not begin anew; cannot fail. */
static void section_take_over(struct media_engine *e, struct media_section *s, struct media_section *old,
			      const struct media_section_config *c)
{
	move_streams(e, old, s);
	if (old->out && old->out->ssrc == c->ssrc && !s->out) {
		if (old->send && !s->send)
			engine_send_bye(e, old);
		s->out = old->out;
		s->out->rtx_ssrc = c->rtx_ssrc;
		s->out->keeps_history = section_has_feedback(s, MEDIA_FB_NACK);
		s->forward = old->forward;
		old->out = NULL;
	}
	retire_out(e, old);
	s->report_due = old->report_due;
	s->reported_activity = old->reported_activity;
	s->key_frame_event = old->key_frame_event && s->send;
	s->key_frame_event_last = old->key_frame_event_last;
	s->key_frame_event_due = s->send ? old->key_frame_event_due : WLK_TIME_NEVER;
	s->fir_in_seq = old->fir_in_seq;
	s->key_frame_asked = old->key_frame_asked;
	s->key_frame_due = s->receive ? old->key_frame_due : WLK_TIME_NEVER;
}

static void merge_ext_ids(struct media_engine *e)
{
	e->recv_ext = (struct rtp_ext_ids){ 0 };
	e->use_twcc = e->use_remb = false;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];
		bool transport_cc = section_has_feedback(s, MEDIA_FB_TRANSPORT_CC) && s->recv_ext.id[RTP_EXT_TRANSPORT_CC];

		if (!s->receive)
			continue;
		for (size_t kind = 0; kind < RTP_EXT_KINDS; kind++)
			if (!e->recv_ext.id[kind])
				e->recv_ext.id[kind] = s->recv_ext.id[kind];
		e->use_twcc = e->use_twcc || transport_cc;
		e->use_remb = e->use_remb || section_has_feedback(s, MEDIA_FB_REMB);
	}
	/* libwebrtc takes a REMB as a cap even beside transport-cc, so it is sent only where there is nothing better. */
	e->use_remb = e->use_remb && !e->use_twcc;
}

wlk_err media_engine_configure(struct media_engine *e, wlk_time now, const struct media_section_config *configs,
			       size_t count)
{
	struct media_section **sections;
	wlk_err err = WLK_ERR_NOMEM;
	size_t made = 0;

	(void)now;
	if (!configs_valid(configs, count))
		return WLK_ERR_INVALID;
	for (size_t i = 0; i < count; i++)
		if (reuses_ssrc(e, &configs[i]))
			return WLK_ERR_INVALID;
	if (!array_reserve((void **)&e->retired, &e->retired_capacity, e->retired_count + 2 * e->section_count,
			   sizeof(*e->retired)))
		return WLK_ERR_NOMEM;
	sections = wlk_calloc(MAX(count, 1), sizeof(struct media_section *));
	if (!sections)
		return WLK_ERR_NOMEM;
	for (; made < count; made++) {
		err = section_create(&sections[made], &configs[made], made, find_old(e, &configs[made]));
		if (err)
			goto fail;
	}
	for (size_t i = 0; i < count; i++) {
		struct media_section *old = find_old(e, &configs[i]);

		if (old)
			section_take_over(e, sections[i], old, &configs[i]);
	}
	for (size_t i = 0; i < e->section_count; i++) {
		move_streams(e, e->sections[i], NULL);
		retire_out(e, e->sections[i]);
		section_destroy(e->sections[i]);
	}
	wlk_free(e->sections);
	e->sections = sections;
	e->section_count = count;
	merge_ext_ids(e);
	return WLK_OK;
fail:
	while (made--)
		section_destroy(sections[made]);
	wlk_free(sections);
	return err;
}

static size_t put_ssrc(uint32_t *out, size_t capacity, size_t count, uint32_t ssrc)
{
	if (!ssrc)
		return count;
	if (count < capacity)
		out[count] = ssrc;
	return count + 1;
}

size_t media_engine_known_ssrcs(const struct media_engine *e, uint32_t *out, size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		for (size_t j = 0; s->receive && j < s->remote_count; j++) {
			count = put_ssrc(out, capacity, count, s->remotes[j].ssrc);
			count = put_ssrc(out, capacity, count, s->remotes[j].rtx_ssrc);
		}
	}
	return count;
}

/* ---- time ---- */

void section_activate(struct media_engine *e, struct media_section *s, wlk_time now)
{
	if (s->report_due == WLK_TIME_NEVER)
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
	pacer_set_rate(&e->pacer, now, bps);
}

/* A hole was given up, in the order buffer or in the NACK list: what follows cannot be decoded without a key frame. */
void engine_check_stream(struct media_engine *e, struct recv_entry *entry, wlk_time now)
{
	struct recv_stream *s = &entry->stream;

	if (!s->needs_key_frame && !s->nacks.gave_up)
		return;
	s->needs_key_frame = s->nacks.gave_up = false;
	if (s->config.is_video)
		(void)media_engine_request_key_frame(e, now, entry->section->index);
}

wlk_time media_engine_deadline(const struct media_engine *e)
{
	wlk_time deadline = engine_rtcp_deadline(e);

	if (e->closed)
		return deadline;
	deadline = time_min(deadline, e->pacer.deadline);
	for (size_t i = 0; i < e->section_count; i++)
		deadline = time_min(deadline, e->sections[i]->key_frame_event_due);
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx)
			deadline = time_min(deadline, recv_stream_deadline(&e->ssrcs[i].entry->stream));
	return deadline;
}

void media_engine_handle_timeout(struct media_engine *e, wlk_time now)
{
	if (e->closed)
		return;
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		if (s->key_frame_event_due > now)
			continue;
		s->key_frame_event_due = WLK_TIME_NEVER;
		s->key_frame_event_last = now;
		s->key_frame_event = true;
	}
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

bool media_engine_poll_event(struct media_engine *e, struct media_event *out)
{
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx && stream_event(e->ssrcs[i].entry, out))
			return true;
	for (size_t i = 0; i < e->section_count; i++) {
		if (!e->sections[i]->key_frame_event)
			continue;
		e->sections[i]->key_frame_event = false;
		*out = (struct media_event){ .type = MEDIA_EVENT_KEY_FRAME_REQUEST, .section = i };
		return true;
	}
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

		if (s->send && s->out)
			engine_send_bye(e, s);
		if (s->out)
			pacer_forget(&e->pacer, s->out);
	}
	e->closed = true;
}
