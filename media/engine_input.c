#include "core/alloc.h"
#include "media/engine_internal.h"

struct ssrc_entry *engine_find_ssrc(struct media_engine *e, uint32_t ssrc)
{
	if (e->ssrc_last < e->ssrc_count && e->ssrcs[e->ssrc_last].ssrc == ssrc)
		return &e->ssrcs[e->ssrc_last];
	for (size_t i = 0; i < e->ssrc_count; i++) {
		if (e->ssrcs[i].ssrc != ssrc)
			continue;
		e->ssrc_last = i;
		return &e->ssrcs[i];
	}
	return NULL;
}

void engine_remove_entry(struct media_engine *e, struct recv_entry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->ssrc_count; i++)
		if (e->ssrcs[i].entry != entry)
			e->ssrcs[kept++] = e->ssrcs[i];
	e->ssrc_count = kept;
	e->ssrc_last = 0;
	e->entry_count--;
	recv_queue_forget(&e->received, &entry->stream);
	recv_stream_free(&entry->stream);
	wlk_free(entry);
}

static bool reserve_ssrc(struct media_engine *e)
{
	return array_reserve((void **)&e->ssrcs, &e->ssrc_capacity, e->ssrc_count + 1, sizeof(*e->ssrcs));
}

/* What a packet says about where it belongs. */
struct demux {
	struct rtp_packet p;
	wlk_bytes mid, rid, repaired_rid;
	bool has_twcc;
	uint16_t twcc_seq;
};

static void read_extensions(const struct media_engine *e, struct demux *d)
{
	struct rtp_ext_iter iter = rtp_ext_iter(&d->p);
	struct rtp_ext ext;

	while (rtp_ext_next(&iter, &ext)) {
		if (ext.id == e->recv_ext.id[RTP_EXT_TRANSPORT_CC])
			d->has_twcc = rtp_ext_transport_cc(ext.data, &d->twcc_seq);
		else if (ext.id == e->recv_ext.id[RTP_EXT_MID])
			d->mid = ext.data;
		else if (ext.id == e->recv_ext.id[RTP_EXT_RID])
			d->rid = ext.data;
		else if (ext.id == e->recv_ext.id[RTP_EXT_REPAIRED_RID])
			d->repaired_rid = ext.data;
	}
}

/* RFC 9143 9.2: by MID, else by the SSRCs of the description, else by a payload type that only one section has. */
static struct media_section *find_section(struct media_engine *e, const struct demux *d)
{
	struct media_section *found = NULL;

	if (d->mid.size)
		return engine_section_of_mid(e, d->mid);
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->remote_count; j++)
			if (s->remotes[j].ssrc == d->p.ssrc || s->remotes[j].rtx_ssrc == d->p.ssrc)
				return s;
	}
	for (size_t i = 0; i < e->section_count; i++) {
		bool is_rtx;

		if (!e->sections[i]->receive || !section_payload_by_recv_pt(e->sections[i], d->p.pt, &is_rtx))
			continue;
		if (found)
			return NULL;
		found = e->sections[i];
	}
	return found;
}

static bool rid_equal(const char *rid, wlk_bytes bytes)
{
	return bytes.size && strlen(rid) == bytes.size && !memcmp(rid, bytes.data, bytes.size);
}

static bool rid_known(const struct media_section *s, wlk_bytes rid)
{
	for (size_t i = 0; i < s->rid_count; i++)
		if (rid_equal(s->rids[i], rid))
			return true;
	return false;
}

/* R19: at most 64 streams; a new one may push out the one that has been silent for longest. */
static bool make_room(struct media_engine *e, wlk_time now)
{
	struct recv_entry *idle = NULL;
	wlk_time idle_since = now - STREAM_IDLE_US;

	if (e->entry_count < MEDIA_STREAMS_MAX)
		return true;
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;

		if (entry->stream.last_packet > idle_since && !entry->bye)
			continue;
		idle = entry;
		idle_since = entry->stream.last_packet;
	}
	if (!idle)
		return false;
	engine_remove_entry(e, idle);
	return true;
}

/* The first packets carry it (RFC 8852 2.1), of which some may be lost. */
static void learn_rid(struct recv_entry *entry, wlk_bytes rid)
{
	if (!entry->rid[0] && rid.size && rid.size <= MEDIA_MID_MAX && rid_known(entry->section, rid))
		memcpy(entry->rid, rid.data, rid.size);
}

static struct ssrc_entry *add_stream(struct media_engine *e, struct media_section *s, wlk_time now, uint32_t ssrc,
				     wlk_bytes rid)
{
	struct recv_stream_config config = section_stream_config(e, s, ssrc);
	struct recv_entry *entry;

	if (!make_room(e, now) || !reserve_ssrc(e))
		return NULL;
	entry = wlk_calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	recv_stream_init(&entry->stream, &config);
	entry->section = s;
	entry->number = ++e->entries_made;
	learn_rid(entry, rid);
	e->ssrcs[e->ssrc_count] = (struct ssrc_entry){ .ssrc = ssrc, .entry = entry };
	e->entry_count++;
	return &e->ssrcs[e->ssrc_count++];
}

/* The stream that RTX packets of this SSRC repair: by repaired-rid, by FID, or the only one of its section. */
static struct recv_entry *find_repaired(struct media_engine *e, struct media_section *s, wlk_time now,
					const struct demux *d)
{
	struct recv_entry *only = NULL;
	size_t count = 0;

	for (size_t j = 0; j < s->remote_count; j++) {
		struct ssrc_entry *known;

		if (s->remotes[j].rtx_ssrc != d->p.ssrc)
			continue;
		known = engine_find_ssrc(e, s->remotes[j].ssrc);
		if (!known)
			known = add_stream(e, s, now, s->remotes[j].ssrc, (wlk_bytes){ 0 });
		return known && !known->is_rtx ? known->entry : NULL;
	}
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;

		if (e->ssrcs[i].is_rtx || entry->section != s)
			continue;
		if (rid_equal(entry->rid, d->repaired_rid))
			return entry;
		only = entry;
		count++;
	}
	return count == 1 && !d->repaired_rid.size ? only : NULL;
}

static struct ssrc_entry *add_rtx(struct media_engine *e, struct media_section *s, wlk_time now, const struct demux *d)
{
	struct recv_entry *entry = find_repaired(e, s, now, d);

	if (!entry || !reserve_ssrc(e))
		return NULL;
	/* A stream has one RTX SSRC: an earlier one gives way, so that a peer cannot pile them up. */
	for (size_t i = 0; i < e->ssrc_count; i++) {
		if (e->ssrcs[i].entry != entry || !e->ssrcs[i].is_rtx)
			continue;
		e->ssrcs[i] = e->ssrcs[--e->ssrc_count];
		source_init(&entry->stream.rtx_source);
		break;
	}
	entry->stream.rtx_ssrc = d->p.ssrc;
	e->ssrcs[e->ssrc_count] = (struct ssrc_entry){ .ssrc = d->p.ssrc, .entry = entry, .is_rtx = true };
	return &e->ssrcs[e->ssrc_count++];
}

/* The stream of a packet, made when it is new; NULL: it belongs nowhere. */
static struct ssrc_entry *route(struct media_engine *e, wlk_time now, const struct demux *d)
{
	struct ssrc_entry *known = engine_find_ssrc(e, d->p.ssrc);
	struct media_section *s;
	bool is_rtx = false;

	if (known && (!d->mid.size || rid_equal(known->entry->section->mid, d->mid))) {
		if (!known->is_rtx)
			learn_rid(known->entry, d->rid);
		return known;
	}
	s = find_section(e, d);
	if (!s)
		return known;
	if (known) /* the peer moved the SSRC to another section */
		engine_remove_entry(e, known->entry);
	if (!s->receive) {
		e->stats.rtp_not_receiving++;
		return NULL;
	}
	if (!section_payload_by_recv_pt(s, d->p.pt, &is_rtx))
		return NULL;
	return is_rtx ? add_rtx(e, s, now, d) : add_stream(e, s, now, d->p.ssrc, d->rid);
}

/* The media SSRC that feedback about this packet names. */
static uint32_t feedback_ssrc(const struct media_engine *e, const struct ssrc_entry *to, uint32_t ssrc)
{
	if (to)
		return to->entry->stream.config.ssrc;
	for (size_t i = 0; i < e->section_count; i++)
		for (size_t j = 0; j < e->sections[i]->remote_count; j++)
			if (e->sections[i]->remotes[j].rtx_ssrc == ssrc)
				return e->sections[i]->remotes[j].ssrc;
	return ssrc;
}

static void deliver_to(struct media_engine *e, wlk_time now, struct ssrc_entry *to, struct pktbuf *buf,
		       const struct demux *d)
{
	struct recv_entry *entry = to->entry;
	struct media_section *s = entry->section;
	bool is_rtx = false;
	const struct media_payload *payload = section_payload_by_recv_pt(s, d->p.pt, &is_rtx);

	if (!payload || is_rtx != to->is_rtx || (is_rtx && payload->recv_pt == RTP_PT_NONE)) {
		e->stats.rtp_unknown_ssrc++;
		pktbuf_release(buf);
		return;
	}
	if (!entry->announced && !is_rtx) {
		entry->announced = true;
		entry->new_pending = true;
	}
	entry->bye = false;
	section_activate(e, s, now);
	if (s->uses_remb)
		receive_rate_on_packet(&e->rate, now, buf->size);
	if (!is_rtx) {
		engine_activity_on_packet(s, now, &d->p);
		engine_dtmf_input(s, now, &d->p);
	}
	if (is_rtx)
		recv_stream_input_rtx(&entry->stream, now, buf, &d->p, payload->recv_pt, e->rtt_us, &e->received);
	else
		recv_stream_input(&entry->stream, now, buf, &d->p, payload->clock_hz, e->rtt_us, &e->received);
	engine_check_stream(e, entry, now);
}

void media_engine_input_rtp(struct media_engine *e, wlk_time now, struct pktbuf *buf)
{
	/*
	 * When we came round to a packet is not when it arrived: on a busy machine the packets of a probe come in one
	 * batch, and a sender that is told one time for all of them takes the probe for failed.
	 */
	wlk_time arrival = buf->arrival ? MIN(buf->arrival, now) : now;
	struct demux d = { 0 };
	struct ssrc_entry *to;

	if (e->closed || rtp_parse(&d.p, buf->data, buf->size) != WLK_OK) {
		e->stats.rtp_malformed += !e->closed;
		pktbuf_release(buf);
		return;
	}
	e->stats.rtp_received++;
	read_extensions(e, &d);
	to = route(e, now, &d);
	/* Every packet on the path counts for the sender's estimate, wanted or not; its probes are only padding. */
	if (d.has_twcc && e->use_twcc)
		twcc_recv_on_packet(&e->twcc, arrival, d.twcc_seq, feedback_ssrc(e, to, d.p.ssrc));
	if (to && e->use_ccfb)
		ccfb_recv_on_packet(&e->ccfb, arrival, d.p.ssrc, d.p.seq);
	if (to) {
		deliver_to(e, now, to, buf, &d);
		return;
	}
	e->stats.rtp_unknown_ssrc++;
	LOG_RATED(e, &e->log_budget, now, LOG_LEVEL_DEBUG, "no section for ssrc %u, payload type %u", d.p.ssrc, d.p.pt);
	pktbuf_release(buf);
}

static uint8_t audio_level(const struct media_packet *packet)
{
	wlk_bytes data = rtp_ext_find(&packet->rtp, packet->ext_ids.id[RTP_EXT_AUDIO_LEVEL]);
	struct rtp_audio_level level;

	return rtp_ext_audio_level(data, &level) ? level.level : HEARD_LEVEL_NONE;
}

/* RFC 3550 5.1: the SSRC, and whom it mixed. The level that the packet tells is that of the SSRC. */
static void note_sources(struct media_section *s, const struct media_packet *packet)
{
	struct heard_source source = {
		.id = packet->rtp.ssrc,
		.level = audio_level(packet),
		.at = packet->arrival,
		.rtp_timestamp = packet->rtp.timestamp,
	};

	heard_note(&s->heard, &source);
	source.is_csrc = true;
	source.level = HEARD_LEVEL_NONE;
	for (size_t i = 0; i < packet->rtp.csrc_count; i++) {
		source.id = load_u32(packet->rtp.csrc + 4 * i);
		heard_note(&s->heard, &source);
	}
}

size_t media_engine_heard(const struct media_engine *e, size_t section, wlk_time now, bool csrcs, struct heard_source *out,
			  size_t capacity)
{
	return section < e->section_count ? heard_list(&e->sections[section]->heard, now, csrcs, out, capacity) : 0;
}

bool media_engine_poll_packet(struct media_engine *e, struct media_packet *out)
{
	struct recv_item item;
	const struct recv_entry *entry;
	wlk_err err;

	const struct recv_item *head = recv_queue_head(&e->received);

	if (e->closed || !head || !head->buf || !recv_queue_pop(&e->received, &item))
		return false;
	entry = CONTAINER_OF(item.stream, struct recv_entry, stream);
	*out = (struct media_packet){
		.buf = item.buf,
		.section = entry->section->index,
		.extended_seq = item.seq,
		.forward_seq = item.forward_seq,
		.arrival = item.arrival,
		.is_recovered = item.is_recovered,
		.after_reset = item.after_reset,
		.ext_ids = entry->section->recv_ext,
	};
	memcpy(out->rid, entry->rid, sizeof(out->rid));
	err = rtp_parse(&out->rtp, item.buf->data, item.buf->size);
	assert(err == WLK_OK && "only parsed packets are queued");
	(void)err;
	out->capture_unix_us = engine_capture_time(item.stream, out->rtp.timestamp);
	note_sources(entry->section, out);
	return true;
}
