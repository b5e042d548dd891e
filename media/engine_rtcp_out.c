#include "media/engine_internal.h"

/* ---- the queue of built datagrams ---- */

struct rtcp_out {
	struct pktbuf *buf;
	struct bytes_writer w;
};

/* False when memory is out: the report or feedback is then lost, as the network might lose it. */
static bool begin(struct media_engine *e, struct rtcp_out *out)
{
	out->buf = pktbuf_alloc(e->pool, PKTBUF_PAYLOAD);
	if (!out->buf)
		return false;
	out->w = bytes_writer(out->buf->data, RTCP_SIZE_MAX);
	return true;
}

static void finish(struct media_engine *e, struct rtcp_out *out)
{
	assert(bytes_writer_ok(&out->w) && "the contents were bounded by what fits");
	if (!out->w.size) {
		pktbuf_release(out->buf);
		return;
	}
	out->buf->size = out->w.size;
	out->buf->next = NULL;
	*e->rtcp_tail = out->buf;
	e->rtcp_tail = &out->buf->next;
	e->stats.rtcp_sent++;
}

struct pktbuf *engine_rtcp_pop(struct media_engine *e)
{
	struct pktbuf *buf = e->rtcp_head;

	if (!buf)
		return NULL;
	e->rtcp_head = buf->next;
	if (!e->rtcp_head)
		e->rtcp_tail = &e->rtcp_head;
	buf->next = NULL;
	return buf;
}

void engine_rtcp_queue_free(struct media_engine *e)
{
	struct pktbuf *buf;

	while ((buf = engine_rtcp_pop(e)))
		pktbuf_release(buf);
}

/* ---- reports ---- */

static void write_sdes_of(struct bytes_writer *w, const struct media_section *s, uint32_t ssrc)
{
	rtcp_write_sdes(w, ssrc, s->cname, s->cname_size);
}

static void write_sdes(struct bytes_writer *w, const struct media_section *s)
{
	write_sdes_of(w, s, s->ssrc);
}

/* Feedback may stand alone only where reduced-size RTCP was negotiated (RFC 5506 4); else a report comes first. */
static bool begin_feedback(struct media_engine *e, const struct media_section *s, struct rtcp_out *out)
{
	if (!begin(e, out))
		return false;
	if (!s->rtcp_rsize) {
		rtcp_write_rr(&out->w, s->ssrc, NULL, 0);
		write_sdes(&out->w, s);
	}
	return true;
}

enum { BLOCKS_MAX = 2 * MEDIA_STREAMS_MAX };

static size_t collect_blocks(struct media_engine *e, const struct media_section *s, wlk_time now,
			     struct rtcp_report_block *blocks)
{
	size_t count = 0;

	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;

		if (entry->section != s || entry->bye)
			continue;
		if (e->ssrcs[i].is_rtx && source_is_active(&entry->stream.rtx_source)) {
			blocks[count] = (struct rtcp_report_block){ .ssrc = e->ssrcs[i].ssrc };
			source_report(&entry->stream.rtx_source, &blocks[count++]);
		} else if (!e->ssrcs[i].is_rtx && source_is_active(&entry->stream.source)) {
			blocks[count++] = recv_stream_report(&entry->stream, now);
		}
		assert(count <= BLOCKS_MAX && "streams are bounded");
	}
	return count;
}

/* RFC 3611 4.5: answers to the RRTRs that came since the last report. */
static void write_dlrr(struct media_engine *e, const struct media_section *s, wlk_time now, struct bytes_writer *w)
{
	struct rtcp_dlrr items[RRTR_MAX];

	for (size_t i = 0; i < e->rrtr_count; i++)
		items[i] = (struct rtcp_dlrr){
			.ssrc = e->rrtrs[i].ssrc,
			.lrr = e->rrtrs[i].lrr,
			.dlrr = (uint32_t)((uint64_t)(now - e->rrtrs[i].arrival) * 65536 / 1000000),
		};
	if (e->rrtr_count)
		rtcp_write_xr_dlrr(w, s->ssrc, items, e->rrtr_count);
	e->rrtr_count = 0;
}

static uint64_t section_activity(const struct media_engine *e, const struct media_section *s)
{
	uint64_t activity = 0;

	for (size_t i = 0; i < s->layer_count; i++)
		activity += s->layers[i]->stream.packets;
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx && e->ssrcs[i].entry->section == s)
			activity += e->ssrcs[i].entry->stream.source.total_received;
	return activity;
}

/* RFC 3550 6.2: randomised over 0.5 to 1.5 of the interval. A section where nothing happens reports less often. */
static void schedule_report(struct media_engine *e, struct media_section *s, wlk_time now)
{
	uint64_t activity = section_activity(e, s);
	uint32_t interval = activity == s->reported_activity ? REPORT_IDLE_US : REPORT_US;

	s->reported_activity = activity;
	s->report_due = now + interval / 2 + rand_jitter_below(&e->jitter, interval);
}

/* Whether a layer has something to report; expires its history on the way. */
static bool layer_reports(struct media_engine *e, struct media_section *s, size_t index, wlk_time now,
			  struct rtcp_sender_info *out)
{
	struct send_layer *l;

	if (index >= s->layer_count)
		return false;
	l = s->layers[index];
	history_expire(&l->stream.history, now);
	return s->send && l->active && send_stream_sender_info(&l->stream, now, engine_wall_us(e, now), out);
}

/* RFC 8108 5.2: every SSRC that sends has a report of its own; what we received is told by the first alone. */
static void build_layer_reports(struct media_engine *e, struct media_section *s, wlk_time now)
{
	for (size_t i = 1; i < s->layer_count; i++) {
		struct rtcp_sender_info sender;
		struct rtcp_out out;

		if (!layer_reports(e, s, i, now, &sender) || !begin(e, &out))
			continue;
		rtcp_write_sr(&out.w, s->layers[i]->stream.ssrc, &sender, NULL, 0);
		write_sdes_of(&out.w, s, s->layers[i]->stream.ssrc);
		finish(e, &out);
	}
}

static void build_report(struct media_engine *e, struct media_section *s, wlk_time now)
{
	struct rtcp_report_block blocks[BLOCKS_MAX];
	struct rtcp_sender_info sender;
	size_t count = collect_blocks(e, s, now, blocks), first = MIN(count, RTCP_BLOCKS_MAX);
	bool sends = layer_reports(e, s, 0, now, &sender);
	struct rtcp_out out;

	schedule_report(e, s, now);
	build_layer_reports(e, s, now);
	if (!begin(e, &out))
		return;
	if (sends)
		rtcp_write_sr(&out.w, s->ssrc, &sender, blocks, first);
	else
		rtcp_write_rr(&out.w, s->ssrc, blocks, first);
	write_sdes(&out.w, s);
	if (!sends && s->rtcp_xr_rrtr)
		rtcp_write_xr_rrtr(&out.w, s->ssrc, time_to_ntp(engine_wall_us(e, now)));
	write_dlrr(e, s, now, &out.w);
	finish(e, &out);
	for (; first < count; first += MIN(count - first, RTCP_BLOCKS_MAX)) {
		if (!begin(e, &out))
			return;
		rtcp_write_rr(&out.w, s->ssrc, blocks + first, MIN(count - first, RTCP_BLOCKS_MAX));
		write_sdes(&out.w, s);
		finish(e, &out);
	}
}

/* ---- feedback ---- */

static void build_nack(struct media_engine *e, struct recv_entry *entry, wlk_time now)
{
	uint16_t seqs[RTCP_NACK_MAX];
	struct recv_stream *s = &entry->stream;
	size_t count = nack_list_take_due(&s->nacks, now, e->rtt_us, seqs, ARRAY_SIZE(seqs)), done = 0;
	struct rtcp_out out;

	engine_check_stream(e, entry, now);
	while (done < count) {
		if (!begin_feedback(e, entry->section, &out))
			return;
		done += rtcp_write_nack(&out.w, entry->section->ssrc, s->config.ssrc, seqs + done, count - done);
		finish(e, &out);
		s->nack_messages++;
	}
	s->nacked += count;
}

static void write_key_frame_request(struct rtcp_out *out, const struct media_section *s, struct recv_entry *entry, bool again)
{
	uint32_t fb = section_feedback(s, entry->stream.pt), ssrc = entry->stream.config.ssrc;

	if (out->w.capacity - out->w.size < 20)
		return;
	if (fb & MEDIA_FB_PLI) {
		rtcp_write_pli(&out->w, s->ssrc, ssrc);
		entry->stream.plis++;
	} else if (fb & MEDIA_FB_FIR) {
		/* RFC 5104 4.3.1.2: a request said again keeps its number. */
		entry->fir_seq = (uint8_t)(entry->fir_seq + !again);
		rtcp_write_fir(&out->w, s->ssrc, &(struct rtcp_fir){ .ssrc = ssrc, .seq = entry->fir_seq });
		entry->stream.firs++;
	}
}

/* Answers whether the path loses so much that the request should be said again. */
static bool write_key_frame_requests(struct media_engine *e, struct media_section *s, bool again)
{
	struct rtcp_out out;
	bool lossy = false;
	size_t before;

	if (!begin_feedback(e, s, &out))
		return false;
	before = out.w.size;
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;

		if (e->ssrcs[i].is_rtx || entry->section != s || entry->bye)
			continue;
		write_key_frame_request(&out, s, entry, again);
		lossy = lossy || nack_list_is_lossy(&entry->stream.nacks);
	}
	if (out.w.size == before)
		out.w.size = 0; /* nobody to ask */
	finish(e, &out);
	return lossy;
}

static void build_key_frame_request(struct media_engine *e, struct media_section *s, wlk_time now)
{
	bool again = s->key_frame_due > now, lossy;

	if (again) {
		s->key_frame_again = WLK_TIME_NEVER;
		(void)write_key_frame_requests(e, s, true);
		return;
	}
	s->key_frame_due = WLK_TIME_NEVER;
	s->key_frame_asked = now;
	lossy = write_key_frame_requests(e, s, false);
	s->key_frame_again = lossy ? now + KEY_FRAME_REPEAT_US : WLK_TIME_NEVER;
}

wlk_err media_engine_request_key_frame(struct media_engine *e, wlk_time now, size_t section)
{
	struct media_section *s;

	if (section >= e->section_count || !e->sections[section]->receive)
		return WLK_ERR_NOT_FOUND;
	s = e->sections[section];
	if (!section_has_feedback(s, MEDIA_FB_PLI | MEDIA_FB_FIR))
		return WLK_ERR_UNSUPPORTED;
	if (s->key_frame_due == WLK_TIME_NEVER)
		s->key_frame_due = MAX(now, s->key_frame_asked + KEY_FRAME_PAUSE_US);
	return WLK_OK;
}

/* The section in whose name feedback goes that is of the whole path: the first that wants such. */
static const struct media_section *feedback_section(const struct media_engine *e, enum media_fb fb)
{
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		if (fb == MEDIA_FB_REMB ? s->uses_remb : fb == MEDIA_FB_CCFB ? s->uses_ccfb : s->uses_twcc)
			return s;
	}
	return NULL;
}

static void build_twcc(struct media_engine *e, wlk_time now)
{
	const struct media_section *s = feedback_section(e, MEDIA_FB_TRANSPORT_CC);
	struct rtcp_out out;

	while (e->twcc.deadline <= now) {
		if (!s || !begin_feedback(e, s, &out)) {
			e->twcc.deadline = s ? now + TWCC_LAZY_US : WLK_TIME_NEVER;
			return;
		}
		if (twcc_recv_write(&e->twcc, now, s->ssrc, &out.w))
			e->stats.twcc_sent++;
		else
			out.w.size = 0;
		finish(e, &out);
	}
}

static void build_ccfb(struct media_engine *e, wlk_time now)
{
	const struct media_section *s = feedback_section(e, MEDIA_FB_CCFB);
	struct rtcp_out out;

	while (e->ccfb.deadline <= now) {
		if (!s || !begin_feedback(e, s, &out)) {
			e->ccfb.deadline = s ? now + CCFB_LAZY_US : WLK_TIME_NEVER;
			return;
		}
		if (ccfb_recv_write(&e->ccfb, now, engine_ntp_mid(e, now), s->ssrc, &out.w))
			e->stats.ccfb_sent++;
		else
			out.w.size = 0;
		finish(e, &out);
	}
}

/* Share of packets lost since the last call over the streams that REMB steers, of 256. */
static uint32_t remb_loss(struct media_engine *e)
{
	uint32_t expected = 0, received = 0;

	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;
		struct source *source = &entry->stream.source;

		if (e->ssrcs[i].is_rtx || !entry->section->uses_remb)
			continue;
		expected += source_expected(source) - entry->remb_expected;
		received += source->received - entry->remb_received;
		entry->remb_expected = source_expected(source);
		entry->remb_received = source->received;
	}
	/* A restarted source makes the differences negative: no loss is known then. */
	if (expected > 1u << 20 || received >= expected)
		return 0;
	return (uint32_t)((uint64_t)(expected - received) * 256 / expected);
}

static void build_remb(struct media_engine *e, wlk_time now)
{
	const struct media_section *s = feedback_section(e, MEDIA_FB_REMB);
	uint32_t ssrcs[MEDIA_STREAMS_MAX];
	struct rtcp_out out;
	size_t count = 0;

	receive_rate_update(&e->rate, now, remb_loss(e));
	for (size_t i = 0; i < e->ssrc_count; i++) {
		const struct recv_entry *entry = e->ssrcs[i].entry;

		if (!e->ssrcs[i].is_rtx && !entry->bye && entry->section->uses_remb)
			ssrcs[count++] = e->ssrcs[i].ssrc;
	}
	if (!s || !count || !begin_feedback(e, s, &out))
		return;
	rtcp_write_remb(&out.w, s->ssrc, e->rate.estimate_bps, ssrcs, count);
	finish(e, &out);
	e->stats.remb_sent++;
}

void engine_send_bye(struct media_engine *e, const struct media_section *s)
{
	uint32_t ssrcs[2 * MEDIA_RIDS_MAX];
	struct rtcp_out out;
	size_t count = 0;

	for (size_t i = 0; i < s->layer_count; i++) {
		const struct send_layer *l = s->layers[i];

		if (!l || !l->stream.started)
			continue;
		ssrcs[count++] = l->stream.ssrc;
		if (l->stream.rtx_ssrc)
			ssrcs[count++] = l->stream.rtx_ssrc;
	}
	if (!count || !begin(e, &out))
		return;
	rtcp_write_rr(&out.w, s->ssrc, NULL, 0);
	write_sdes(&out.w, s);
	rtcp_write_bye(&out.w, ssrcs, count, NULL, 0);
	finish(e, &out);
}

/* ---- when ---- */

static wlk_time remb_deadline(const struct media_engine *e)
{
	return e->use_remb ? e->rate.next_update : WLK_TIME_NEVER;
}

static wlk_time twcc_deadline(const struct media_engine *e)
{
	return e->use_twcc ? e->twcc.deadline : WLK_TIME_NEVER;
}

static wlk_time ccfb_deadline(const struct media_engine *e)
{
	return e->use_ccfb ? e->ccfb.deadline : WLK_TIME_NEVER;
}

wlk_time engine_rtcp_deadline(const struct media_engine *e)
{
	wlk_time deadline;

	if (e->rtcp_head)
		return 0;
	if (e->closed)
		return WLK_TIME_NEVER;
	deadline = time_min(time_min(twcc_deadline(e), ccfb_deadline(e)), remb_deadline(e));
	for (size_t i = 0; i < e->section_count; i++)
		deadline = time_min(deadline, time_min(e->sections[i]->report_due,
						       time_min(e->sections[i]->key_frame_due, e->sections[i]->key_frame_again)));
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx)
			deadline = time_min(deadline, e->ssrcs[i].entry->stream.nacks.next_due);
	return deadline;
}

void engine_rtcp_build(struct media_engine *e, wlk_time now)
{
	if (e->closed)
		return;
	if (twcc_deadline(e) <= now)
		build_twcc(e, now);
	if (ccfb_deadline(e) <= now)
		build_ccfb(e, now);
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx && e->ssrcs[i].entry->stream.nacks.next_due <= now)
			build_nack(e, e->ssrcs[i].entry, now);
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		if (time_min(s->key_frame_due, s->key_frame_again) <= now)
			build_key_frame_request(e, s, now);
		if (s->report_due <= now)
			build_report(e, s, now);
	}
	if (remb_deadline(e) <= now)
		build_remb(e, now);
}
