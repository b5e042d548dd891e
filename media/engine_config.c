#include "core/alloc.h"
#include "media/engine_internal.h"

/*
 * media_engine_configure() checks everything, builds all new sections beside the old ones, and only then moves over
 * what must go on: from there nothing can fail.
 */
enum { SECTIONS_MAX = 64, PAYLOADS_MAX = 128 };

static void layer_destroy(struct send_layer *l)
{
	if (!l)
		return;
	send_stream_free(&l->stream);
	wlk_free(l->redundancy);
	wlk_free(l);
}

void engine_section_destroy(struct media_section *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < MEDIA_RIDS_MAX; i++)
		layer_destroy(s->layers[i]);
	wlk_free(s->payloads);
	wlk_free(s->remotes);
	wlk_free(s->rids);
	wlk_free(s->cname);
	wlk_free(s);
}

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

/* What a section sends, whichever way its configuration says it. */
static size_t layer_count_of(const struct media_section_config *c)
{
	return c->layer_count ? c->layer_count : 1;
}

static struct media_send_layer layer_of(const struct media_section_config *c, size_t index)
{
	return c->layer_count ? c->layers[index] : (struct media_send_layer){ .rid = "", .ssrc = c->ssrc, .rtx_ssrc = c->rtx_ssrc };
}

/* The |n|-th of the SSRCs that a configuration names, 0 where there is no RTX; they come in pairs. */
static uint32_t own_ssrc(const struct media_section_config *c, size_t n)
{
	struct media_send_layer layer = layer_of(c, n / 2);

	return n % 2 ? layer.rtx_ssrc : layer.ssrc;
}

static bool layers_valid(const struct media_section_config *c)
{
	if (c->layer_count > MEDIA_RIDS_MAX || (c->layer_count && c->layers[0].ssrc != c->ssrc))
		return false;
	for (size_t i = 0; i < layer_count_of(c); i++) {
		struct media_send_layer layer = layer_of(c, i);

		if (!layer.ssrc || !names_fit(&layer.rid, 1))
			return false;
	}
	for (size_t i = 0; i < 2 * layer_count_of(c); i++)
		for (size_t j = 0; own_ssrc(c, i) && j < i; j++)
			if (own_ssrc(c, i) == own_ssrc(c, j))
				return false;
	return true;
}

static bool section_config_valid(const struct media_section_config *c)
{
	size_t cname_size;

	if (!names_fit(&c->mid, 1))
		return false;
	if (!is_used(c))
		return true;
	cname_size = c->cname ? strlen(c->cname) : 0;
	return layers_valid(c) && cname_size >= 1 && cname_size <= 255 &&
	       c->payload_count <= PAYLOADS_MAX && c->remote_ssrc_count <= MEDIA_STREAMS_MAX &&
	       c->rid_count <= MEDIA_RIDS_MAX && names_fit(c->rids, c->rid_count) && ext_ids_valid(&c->recv_ext) &&
	       ext_ids_valid(&c->send_ext);
}

static bool shares_ssrc(const struct media_section_config *a, const struct media_section_config *b)
{
	for (size_t i = 0; i < 2 * layer_count_of(a); i++)
		for (size_t j = 0; own_ssrc(a, i) && j < 2 * layer_count_of(b); j++)
			if (own_ssrc(a, i) == own_ssrc(b, j))
				return true;
	return false;
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

static struct send_layer *find_layer(const struct media_section *s, uint32_t ssrc)
{
	for (size_t i = 0; s && i < s->layer_count; i++)
		if (s->layers[i] && s->layers[i]->stream.ssrc == ssrc)
			return s->layers[i];
	return NULL;
}

static wlk_err layer_create(struct send_layer **out, const struct media_send_layer *config, bool keeps_history)
{
	struct send_layer *l = wlk_calloc(1, sizeof(*l));
	wlk_err err;

	if (!l)
		return WLK_ERR_NOMEM;
	err = send_stream_init(&l->stream, config->ssrc, config->rtx_ssrc, keeps_history);
	if (err) {
		wlk_free(l);
		return err;
	}
	l->key_frame_event_due = WLK_TIME_NEVER;
	l->key_frame_event_last = -KEY_FRAME_PAUSE_US;
	l->fir_in_seq = -1;
	l->told_bps = UINT64_MAX;
	*out = l;
	return WLK_OK;
}

/* A section that stops sending keeps its streams for later, when they are still the ones that it would send. */
static bool keeps_layers(const struct media_section_config *c, const struct media_section *old)
{
	for (size_t i = 0; i < layer_count_of(c); i++)
		if (!find_layer(old, layer_of(c, i).ssrc))
			return false;
	return true;
}

/* The layers that are not |old|'s already; their places stay empty until section_take_over(). */
static wlk_err create_layers(struct media_section *s, const struct media_section_config *c, const struct media_section *old)
{
	if (c->send || keeps_layers(c, old))
		s->layer_count = layer_count_of(c);
	for (size_t i = 0; i < s->layer_count; i++) {
		struct media_send_layer layer = layer_of(c, i);
		wlk_err err;

		if (find_layer(old, layer.ssrc))
			continue;
		err = layer_create(&s->layers[i], &layer, section_has_feedback(s, MEDIA_FB_NACK));
		if (err)
			return err;
	}
	return WLK_OK;
}

static wlk_err section_create(struct media_section **out, const struct media_section_config *c, size_t index,
			      const struct media_section *old)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct media_section *s = wlk_calloc(1, sizeof(*s));

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
	s->frames = c->frames;
	for (size_t i = 0; i < c->payload_count; i++)
		if (c->payloads[i].recv_pt < ARRAY_SIZE(s->recv_codecs))
			s->recv_codecs[c->payloads[i].recv_pt] = (uint8_t)c->payloads[i].codec;
	s->remote_count = c->remote_ssrc_count;
	s->ssrc = c->ssrc;
	s->report_due = s->key_frame_due = s->key_frame_again = s->tone.due = WLK_TIME_NEVER;
	dtmf_recv_init(&s->dtmf.recv);
	s->key_frame_asked = -KEY_FRAME_PAUSE_US;
	if (!copy_items(&s->payloads, c->payloads, c->payload_count, sizeof(*c->payloads)) ||
	    !copy_items(&s->remotes, c->remote_ssrcs, c->remote_ssrc_count, sizeof(*c->remote_ssrcs)) ||
	    !copy_rids(s, c))
		goto fail;
	s->cname_size = c->cname ? strlen(c->cname) : 0;
	s->cname = wlk_strndup(c->cname ? c->cname : "", s->cname_size);
	if (!s->cname)
		goto fail;
	err = create_layers(s, c, old);
	if (err)
		goto fail;
	*out = s;
	return WLK_OK;
fail:
	engine_section_destroy(s);
	return err;
}

static struct media_section *find_old(const struct media_engine *e, const struct media_section_config *c)
{
	struct media_section *s = engine_section_of_mid(e, (wlk_bytes){ (const uint8_t *)c->mid, strlen(c->mid) });

	return s && s->kind == c->kind ? s : NULL;
}

/* The send streams that |old| still has end; their packets in the pacer go with them. */
static void retire_layers(struct media_engine *e, struct media_section *old)
{
	if (old->send)
		engine_send_bye(e, old);
	for (size_t i = 0; i < old->layer_count; i++) {
		struct send_layer *l = old->layers[i];

		if (!l)
			continue;
		e->retired[e->retired_count++] = l->stream.ssrc;
		if (l->stream.rtx_ssrc)
			e->retired[e->retired_count++] = l->stream.rtx_ssrc;
		pacer_forget(&e->pacer, &l->stream);
		layer_destroy(l);
		old->layers[i] = NULL;
	}
}

static bool is_retired(const struct media_engine *e, uint32_t ssrc)
{
	for (size_t i = 0; i < e->retired_count; i++)
		if (e->retired[i] == ssrc)
			return true;
	return false;
}

static bool sends_ssrc(const struct media_section *s, uint32_t ssrc)
{
	for (size_t i = 0; i < s->layer_count; i++)
		if (s->layers[i]->stream.ssrc == ssrc || s->layers[i]->stream.rtx_ssrc == ssrc)
			return true;
	return false;
}

/* R20: no SSRC may begin a second numbering under the same key, be it retired or another section's. */
static bool reuses_ssrc(const struct media_engine *e, const struct media_section_config *c)
{
	const struct media_section *same = find_old(e, c);

	for (size_t n = 0; c->send && n < 2 * layer_count_of(c); n++) {
		uint32_t ssrc = own_ssrc(c, n);

		if (!ssrc)
			continue;
		if (is_retired(e, ssrc))
			return true;
		for (size_t i = 0; i < e->section_count; i++)
			if (e->sections[i] != same && sends_ssrc(e->sections[i], ssrc))
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
		struct recv_stream_config config = section_stream_config(e, s, ssrc);

		entry->section = s;
		recv_stream_reconfigure(&entry->stream, &config);
	}
}

/* A layer as it is now configured; what |from| had goes on. */
static void configure_layer(struct media_engine *e, struct media_section *s, struct send_layer *l,
			    const struct media_send_layer *config)
{
	l->stream.rtx_ssrc = config->rtx_ssrc;
	l->stream.repaired_rid_id = s->send_ext.id[RTP_EXT_REPAIRED_RID];
	l->stream.keeps_history = section_has_feedback(s, MEDIA_FB_NACK);
	memset(l->rid, 0, sizeof(l->rid));
	memcpy(l->rid, config->rid, strlen(config->rid));
	l->active = !config->inactive;
	if (!l->active)
		pacer_forget(&e->pacer, &l->stream);
	l->key_frame_event = l->key_frame_event && s->send;
	if (!s->send)
		l->key_frame_event_due = WLK_TIME_NEVER;
}

static void take_layers(struct media_engine *e, struct media_section *s, struct media_section *old,
			const struct media_section_config *c)
{
	for (size_t i = 0; i < s->layer_count; i++) {
		struct media_send_layer config = layer_of(c, i);

		for (size_t j = 0; old && !s->layers[i] && j < old->layer_count; j++) {
			if (!old->layers[j] || old->layers[j]->stream.ssrc != config.ssrc)
				continue;
			s->layers[i] = old->layers[j];
			old->layers[j] = NULL;
		}
		configure_layer(e, s, s->layers[i], &config);
	}
}

/* Everything that must not begin anew; cannot fail. */
static void section_take_over(struct media_engine *e, struct media_section *s, struct media_section *old,
			      const struct media_section_config *c)
{
	move_streams(e, old, s);
	if (old->send && !s->send) {
		engine_send_bye(e, old);
		old->send = false;
	}
	take_layers(e, s, old, c);
	retire_layers(e, old);
	s->report_due = old->report_due;
	s->reported_activity = old->reported_activity;
	s->tone = old->tone;
	s->dtmf = old->dtmf;
	s->heard = old->heard;
	engine_activity_take_over(s, old);
	s->key_frame_asked = old->key_frame_asked;
	s->key_frame_due = s->receive ? old->key_frame_due : WLK_TIME_NEVER;
	s->key_frame_again = s->receive ? old->key_frame_again : WLK_TIME_NEVER;
}

static void merge_ext_ids(struct media_engine *e)
{
	e->recv_ext = (struct rtp_ext_ids){ 0 };
	e->use_twcc = e->use_ccfb = e->use_remb = false;
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		if (!s->receive)
			continue;
		/* libwebrtc takes a REMB as a cap even beside transport-cc, so it is sent only where there is nothing
		 * better. */
		s->uses_twcc = section_has_feedback(s, MEDIA_FB_TRANSPORT_CC) && s->recv_ext.id[RTP_EXT_TRANSPORT_CC];
		s->uses_ccfb = section_has_feedback(s, MEDIA_FB_CCFB) && !s->uses_twcc;
		s->uses_remb = section_has_feedback(s, MEDIA_FB_REMB) && !s->uses_twcc && !s->uses_ccfb;
		for (size_t kind = 0; kind < RTP_EXT_KINDS; kind++)
			if (!e->recv_ext.id[kind])
				e->recv_ext.id[kind] = s->recv_ext.id[kind];
		e->use_twcc = e->use_twcc || s->uses_twcc;
		e->use_ccfb = e->use_ccfb || s->uses_ccfb;
		e->use_remb = e->use_remb || s->uses_remb;
	}
}

wlk_err media_engine_configure(struct media_engine *e, wlk_time now, const struct media_section_config *configs,
			       size_t count)
{
	struct media_section **sections;
	wlk_err err = WLK_ERR_NOMEM;
	size_t made = 0;

	if (!configs_valid(configs, count))
		return WLK_ERR_INVALID;
	for (size_t i = 0; i < count; i++)
		if (reuses_ssrc(e, &configs[i]))
			return WLK_ERR_INVALID;
	if (!array_reserve((void **)&e->retired, &e->retired_capacity,
			   e->retired_count + 2 * MEDIA_RIDS_MAX * e->section_count, sizeof(*e->retired)))
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
		else
			take_layers(e, sections[i], NULL, &configs[i]);
	}
	for (size_t i = 0; i < e->section_count; i++) {
		move_streams(e, e->sections[i], NULL);
		retire_layers(e, e->sections[i]);
		engine_section_destroy(e->sections[i]);
	}
	wlk_free(e->sections);
	e->sections = sections;
	e->section_count = count;
	merge_ext_ids(e);
	engine_cc_configure(e, now);
	return WLK_OK;
fail:
	while (made--)
		engine_section_destroy(sections[made]);
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
