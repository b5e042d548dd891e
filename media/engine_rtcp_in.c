#include "media/engine_internal.h"
#include "media/rtp/twcc.h"

/* The layer that sends with this SSRC. */
static struct send_layer *layer_sending(const struct media_engine *e, uint32_t ssrc, struct media_section **section)
{
	struct media_section *s = NULL;
	struct send_layer *l = engine_layer_of_ssrc(e, ssrc, &s);

	if (!l || !s->send)
		return NULL;
	if (section)
		*section = s;
	return l;
}

static struct recv_entry *entry_of(struct media_engine *e, uint32_t ssrc)
{
	struct ssrc_entry *known = engine_find_ssrc(e, ssrc);

	return known && !known->is_rtx ? known->entry : NULL;
}

static wlk_err on_report(struct media_engine *e, wlk_time now, const struct rtcp_packet *packet)
{
	struct rtcp_report report;
	wlk_err err = rtcp_report_parse(&report, packet);
	wlk_time path_rtt = 0;
	bool about_us = false;

	if (err)
		return err;
	if (report.is_sr) {
		struct recv_entry *entry = entry_of(e, report.ssrc);

		if (entry)
			recv_stream_on_sr(&entry->stream, now, &report.sender);
	}
	for (size_t i = 0; i < report.block_count; i++) {
		struct rtcp_report_block block = rtcp_report_block_at(&report, i);
		struct send_layer *l = layer_sending(e, block.ssrc, NULL);
		wlk_time rtt;

		if (!l)
			continue;
		about_us = true;
		engine_cc_on_block(e, l, &block);
		rtt = send_stream_on_report(&l->stream, now, engine_ntp_mid(e, now), &block);
		if (!rtt)
			continue;
		engine_on_rtt(e, rtt);
		path_rtt = path_rtt ? MIN(path_rtt, rtt) : rtt;
	}
	if (about_us)
		engine_cc_on_reports(e, now, path_rtt);
	return WLK_OK;
}

/* BYE ends only the SSRCs it names (R22); a packet of such an SSRC brings it back. */
static wlk_err on_bye(struct media_engine *e, const struct rtcp_packet *packet)
{
	struct rtcp_bye bye;
	wlk_err err = rtcp_bye_parse(&bye, packet);

	for (size_t i = 0; !err && i < bye.ssrc_count; i++) {
		struct recv_entry *entry = entry_of(e, rtcp_bye_ssrc(&bye, i));

		if (!entry || entry->bye)
			continue;
		entry->bye = true;
		entry->bye_pending = true;
		engine_activity_on_bye(e, entry->section);
	}
	return err;
}

static void remember_rrtr(struct media_engine *e, wlk_time now, const struct rtcp_xr *xr)
{
	struct rrtr_entry entry = { xr->ssrc, (uint32_t)(xr->rrtr_ntp >> 16), now };
	size_t at = 0;

	while (at < e->rrtr_count && e->rrtrs[at].ssrc != xr->ssrc)
		at++;
	if (at == RRTR_MAX)
		return;
	e->rrtrs[at] = entry;
	e->rrtr_count = MAX(e->rrtr_count, at + 1);
}

static bool is_own_ssrc(const struct media_engine *e, uint32_t ssrc)
{
	for (size_t i = 0; i < e->section_count; i++)
		if (e->sections[i]->ssrc == ssrc)
			return true;
	return false;
}

static wlk_err on_xr(struct media_engine *e, wlk_time now, const struct rtcp_packet *packet)
{
	struct recv_entry *entry;
	struct rtcp_xr xr;
	wlk_err err = rtcp_xr_parse(&xr, packet);

	if (err)
		return err;
	if (xr.has_rrtr)
		remember_rrtr(e, now, &xr);
	entry = entry_of(e, xr.ssrc);
	for (size_t i = 0; i < xr.dlrr_count; i++) {
		struct rtcp_dlrr dlrr = rtcp_dlrr_at(&xr, i);
		wlk_time rtt = 0;

		if (is_own_ssrc(e, dlrr.ssrc))
			rtt = rtcp_round_trip(engine_ntp_mid(e, now), dlrr.lrr, dlrr.dlrr);
		if (!rtt)
			continue;
		engine_on_rtt(e, rtt);
		if (entry) {
			entry->rtt_us = rtt;
			entry->total_rtt_us += rtt;
			entry->rtt_count++;
		}
	}
	return WLK_OK;
}

static void on_nack(struct media_engine *e, wlk_time now, const struct rtcp_fb *fb)
{
	struct media_section *s = NULL;
	struct send_layer *l = layer_sending(e, fb->media_ssrc, &s);
	uint16_t seqs[RTCP_NACK_MAX];
	size_t count;

	if (!l || !l->stream.keeps_history)
		return;
	count = rtcp_nack_parse(fb, seqs, ARRAY_SIZE(seqs));
	l->stream.nack_messages++;
	l->stream.nacked += count;
	if (l->active)
		engine_push_resend(e, s, l, now, seqs, count);
}

/* R22: told at once when the last one is long ago, else at the end of the pause: a key frame that was itself lost must
 * be asked for again. False: it was left out as a repetition. */
bool layer_key_frame_wanted(struct send_layer *l, wlk_time now, wlk_time rtt_us)
{
	if (!l->active || l->key_frame_event || l->key_frame_event_due != WLK_TIME_NEVER)
		return true;
	/* Nobody can miss already what left less than a round trip ago: it is the same request, said twice. */
	if (now - l->key_frame_event_last < MIN(rtt_us, KEY_FRAME_PAUSE_US))
		return false;
	if (now - l->key_frame_event_last < KEY_FRAME_PAUSE_US) {
		l->key_frame_event_due = l->key_frame_event_last + KEY_FRAME_PAUSE_US;
		return true;
	}
	l->key_frame_event_last = now;
	l->key_frame_event = true;
	return true;
}

static void on_fir(struct media_engine *e, wlk_time now, const struct rtcp_fb *fb)
{
	for (size_t i = 0; i < rtcp_fir_count(fb); i++) {
		struct rtcp_fir fir = rtcp_fir_at(fb, i);
		struct send_layer *l = layer_sending(e, fir.ssrc, NULL);

		if (!l)
			continue;
		l->stream.firs++;
		/* RFC 5104 4.3.1.1: the same number again is a repetition of the same request. */
		if (l->fir_in_seq == fir.seq)
			continue;
		if (layer_key_frame_wanted(l, now, e->rtt_us))
			l->fir_in_seq = fir.seq;
	}
}

static wlk_err on_transport_feedback(struct media_engine *e, wlk_time now, const struct rtcp_packet *packet,
				     const struct rtcp_fb *fb)
{
	struct twcc_feedback feedback;
	struct ccfb_feedback by_stream;

	if (packet->count == RTCP_FB_NACK) {
		on_nack(e, now, fb);
	} else if (packet->count == RTCP_FB_TRANSPORT_CC) {
		wlk_err err = twcc_feedback_parse(&feedback, fb);

		if (err)
			return err == WLK_ERR_UNSUPPORTED ? WLK_OK : err;
		/* R22: a run of thousands takes two bytes, so that a datagram could hold work for milliseconds. */
		if (feedback.status_count > e->statuses_left)
			return WLK_ERR_TOO_LARGE;
		e->statuses_left -= feedback.status_count;
		e->stats.twcc_received++;
		engine_cc_on_twcc(e, now, &feedback);
	} else if (packet->count == RTCP_FB_CCFB) {
		wlk_err err = ccfb_parse(&by_stream, packet);

		if (err)
			return err;
		e->stats.ccfb_received++;
		engine_ccfb_input(e, now, &by_stream);
	}
	return WLK_OK;
}

static wlk_err on_payload_feedback(struct media_engine *e, wlk_time now, const struct rtcp_packet *packet,
				   const struct rtcp_fb *fb)
{
	struct send_layer *l;
	struct rtcp_remb remb;
	wlk_err err;

	switch (packet->count) {
	case RTCP_FB_PLI:
		l = layer_sending(e, fb->media_ssrc, NULL);
		if (l) {
			l->stream.plis++;
			layer_key_frame_wanted(l, now, e->rtt_us);
		}
		return WLK_OK;
	case RTCP_FB_FIR:
		on_fir(e, now, fb);
		return WLK_OK;
	case RTCP_FB_AFB:
		err = rtcp_remb_parse(&remb, fb);
		if (err)
			return err == WLK_ERR_UNSUPPORTED ? WLK_OK : err;
		e->stats.remb_received++;
		e->remb_event = e->remb_event || e->remb_bps != remb.bps;
		e->remb_bps = remb.bps;
		engine_cc_on_remb(e, now, remb.bps);
		return WLK_OK;
	default:
		return WLK_OK;
	}
}

static wlk_err on_packet(struct media_engine *e, wlk_time now, const struct rtcp_packet *packet)
{
	struct rtcp_fb fb;
	wlk_err err;

	switch (packet->type) {
	case RTCP_SR:
	case RTCP_RR:
		return on_report(e, now, packet);
	case RTCP_BYE:
		return on_bye(e, packet);
	case RTCP_XR:
		return on_xr(e, now, packet);
	case RTCP_RTPFB:
	case RTCP_PSFB:
		err = rtcp_fb_parse(&fb, packet);
		if (err)
			return err;
		return packet->type == RTCP_RTPFB ? on_transport_feedback(e, now, packet, &fb)
						  : on_payload_feedback(e, now, packet, &fb);
	default:
		return WLK_OK; /* SDES, APP and what the future brings */
	}
}

void media_engine_input_rtcp(struct media_engine *e, wlk_time now, const uint8_t *data, size_t size)
{
	struct rtcp_iter iter = rtcp_iter(data, size);
	struct rtcp_packet packet = { 0 };
	wlk_err err = WLK_OK;

	if (e->closed)
		return;
	e->stats.rtcp_received++;
	e->statuses_left = TWCC_STATUS_MAX;
	while (!err && rtcp_next(&iter, &packet))
		err = on_packet(e, now, &packet);
	if (!err && !iter.malformed)
		return;
	/* It is authenticated: the far end means it, and one of the two is wrong. Said aloud once (R3). */
	LOG_RATED(e, &e->log_budget, now, e->stats.rtcp_malformed ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
		  "malformed RTCP of %zu bytes, at a packet of type %u, format %u", size, packet.type, packet.count);
	e->stats.rtcp_malformed++;
}
