/* Statistics of media: sources, RTP streams both ways, what the peer's RTCP says about them, and their codecs. */
#include <stdio.h>

#include "peer/stats_build.h"

/* ---- codecs ---- */

static const struct sdp_agreed_codec *agreed_codec(const wlk_peer_connection *pc, size_t section, uint8_t pt, bool sends)
{
	const struct sdp_agreed_section *s;

	if (!pc->agreement || section >= pc->agreement->section_count)
		return NULL;
	s = &pc->agreement->sections[section];
	for (size_t i = 0; i < s->codec_count; i++)
		if ((sends ? s->codecs[i].send_type : s->codecs[i].receive_type) == pt)
			return &s->codecs[i];
	/* Nothing was sent yet, or not since the codecs changed: the one that is to be sent. */
	return sends && s->codec_count ? &s->codecs[0] : NULL;
}

/* Named by all that it says, so that a payload type with a new meaning is a new record. */
static void codec_id(char out[STATS_ID_MAX], const struct sdp_agreed_codec *codec, uint8_t pt, const struct peer_transport *transport,
		     bool sends)
{
	struct str fmtp = sends ? codec->remote_fmtp : codec->local_fmtp;
	char numbers[32];
	uint32_t hash;

	snprintf(numbers, sizeof(numbers), "/%u/%u;", (unsigned)codec->clock_hz, (unsigned)codec->channels);
	hash = stats_hash(stats_hash(stats_hash(STATS_HASH_START, codec->name), str_of(numbers)), fmtp);
	snprintf(out, STATS_ID_MAX, "C%cT%u_%u_%08x", sends ? 'O' : 'I', (unsigned)transport->number, pt, (unsigned)hash);
}

static void add_codec(struct stats_build *b, const struct peer_transport *transport, wlk_stat_id *reference, size_t section,
		      uint8_t last_pt, bool sends)
{
	const struct sdp_agreed_codec *codec = agreed_codec(b->pc, section, last_pt, sends);
	bool audio = codec && b->pc->agreement->sections[section].kind == SDP_AUDIO;
	struct str fmtp;
	char id[STATS_ID_MAX];
	wlk_stats_codec *s;
	uint8_t pt;

	if (!codec)
		return;
	pt = sends ? codec->send_type : codec->receive_type;
	codec_id(id, codec, pt, transport, sends);
	stats_set_text(b->report, reference, str_of(id));
	if (stats_has(b->report, id))
		return;
	s = stats_add(b->report, WLK_STATS_CODEC, id);
	stats_set_count(&s->payload_type, pt);
	stats_set_transport_id(b, &s->transport_id, transport);
	stats_set_textf(b->report, &s->mime_type, "%s/%.*s", audio ? "audio" : "video", (int)MIN(codec->name.size, (size_t)64),
			codec->name.at);
	stats_set_count(&s->clock_rate, codec->clock_hz);
	if (audio)
		stats_set_count(&s->channels, codec->channels);
	fmtp = sends ? codec->remote_fmtp : codec->local_fmtp;
	if (fmtp.size)
		stats_set_text(b->report, &s->sdp_fmtp_line, fmtp);
}

/* Whether retransmissions can be told from first transmissions: they have a format of their own (RFC 4588). */
static bool has_rtx(const wlk_peer_connection *pc, size_t section, uint8_t pt, bool sends)
{
	const struct sdp_agreed_codec *codec = agreed_codec(pc, section, pt, sends);

	return codec && (sends ? codec->send_rtx_type : codec->receive_rtx_type) != SDP_NO_TYPE;
}

/* ---- sources ---- */

static const char *kind_name(const struct wlk_transceiver *t)
{
	return t->kind == WLK_MEDIA_AUDIO ? "audio" : "video";
}

/* The source is the track on this sender: another track is another source. */
static void source_id(char out[STATS_ID_MAX], const struct wlk_transceiver *t)
{
	snprintf(out, STATS_ID_MAX, "S%c%u-%08x", t->kind == WLK_MEDIA_AUDIO ? 'A' : 'V', (unsigned)t->sender.encodings[0].ssrc,
		 (unsigned)stats_hash(STATS_HASH_START, str_of(t->sender.track_id)));
}

static void add_source(struct stats_build *b, const struct wlk_transceiver *t)
{
	wlk_stats_media_source *s;
	char id[STATS_ID_MAX];

	source_id(id, t);
	s = stats_add(b->report, WLK_STATS_MEDIA_SOURCE, id);
	stats_set_text(b->report, &s->track_identifier, str_of(t->sender.track_id));
	stats_set_text(b->report, &s->kind, str_of(kind_name(t)));
	stats_set_raw_source(s, t);
}

/* ---- streams ---- */

static char kind_letter(const struct wlk_transceiver *t)
{
	return !t ? 'X' : t->kind == WLK_MEDIA_AUDIO ? 'A' : 'V';
}

/* What every record about a stream begins with; its four members stand in a row in all four structs. */
struct stream_head {
	wlk_stats base;
	wlk_stat_count ssrc;
	wlk_stat_text kind;
	wlk_stat_id transport_id;
	wlk_stat_id codec_id;
};

static void set_head(struct stats_build *b, void *record, const struct peer_transport *transport, const struct wlk_transceiver *t,
		     uint32_t ssrc)
{
	struct stream_head *s = record;

	stats_set_count(&s->ssrc, ssrc);
	stats_set_transport_id(b, &s->transport_id, transport);
	if (t)
		stats_set_text(b->report, &s->kind, str_of(kind_name(t)));
}

static void set_received(wlk_stats_inbound_rtp *s, const struct media_inbound_stats *in, bool rtx)
{
	/* As the specification counts them, retransmissions are a part of what was received. */
	stats_set_count(&s->packets_received, in->packets_received + in->retransmitted_packets_received);
	stats_set_count(&s->bytes_received, in->bytes_received + in->retransmitted_bytes_received);
	stats_set_count(&s->header_bytes_received, in->header_bytes_received);
	if (rtx) {
		stats_set_count(&s->retransmitted_packets_received, in->retransmitted_packets_received);
		stats_set_count(&s->retransmitted_bytes_received, in->retransmitted_bytes_received);
	}
	if (in->rtx_ssrc)
		stats_set_count(&s->rtx_ssrc, in->rtx_ssrc);
	stats_set_count(&s->packets_discarded, in->packets_discarded);
	stats_set_signed(&s->packets_lost, in->packets_lost);
	stats_set_number(&s->jitter, in->jitter_s);
}

/* Frames are put together only where the application wants frames. */
static void set_frames_received(wlk_stats_inbound_rtp *s, const struct frame_buffer_stats *frames)
{
	stats_set_count(&s->frames_received, frames->frames_received);
	stats_set_count(&s->frames_dropped, frames->frames_dropped);
	stats_set_count(&s->frames_assembled_from_multiple_packets, frames->frames_assembled_from_multiple_packets);
	stats_set_number(&s->total_assembly_time, stats_seconds(frames->total_assembly_time_us));
	if (!frames->width)
		return;
	stats_set_count(&s->frame_width, frames->width);
	stats_set_count(&s->frame_height, frames->height);
}

static void add_inbound(struct stats_build *b, const struct peer_transport *transport, const struct media_inbound_stats *in)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(b->pc, in->section);
	wlk_stats_inbound_rtp *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "I%c%u-%u-%u", kind_letter(t), (unsigned)transport->number, (unsigned)in->number, (unsigned)in->ssrc);
	s = stats_add(b->report, WLK_STATS_INBOUND_RTP, id);
	if (t && b->selector == &t->receiver)
		stats_choose(b->report, s);
	set_head(b, s, transport, t, in->ssrc);
	add_codec(b, transport, &s->codec_id, in->section, in->pt, false);
	set_received(s, in, has_rtx(b->pc, in->section, in->pt, false));
	if (t && t->receiver.track_id)
		stats_set_text(b->report, &s->track_identifier, str_of(t->receiver.track_id));
	if (t && t->mid)
		stats_set_text(b->report, &s->mid, str_of(t->mid));
	if (in->rid[0])
		stats_set_text(b->report, &s->rid, str_of(in->rid));
	if (in->has_sr)
		stats_set_textf(b->report, &s->remote_id, "RO%s", id);
	if (in->last_packet != WLK_TIME_NEVER)
		stats_set_number(&s->last_packet_received_timestamp, stats_timestamp(b->pc, in->last_packet));
	stats_set_count(&s->nack_count, in->nack_count);
	if (t && t->kind == WLK_MEDIA_VIDEO) {
		stats_set_count(&s->fir_count, in->fir_count);
		stats_set_count(&s->pli_count, in->pli_count);
		if (t->receiver.level != WLK_MEDIA_LEVEL_PACKETS || in->frames.frames_received)
			set_frames_received(s, &in->frames);
	}
	if (t)
		stats_set_raw_inbound(b, s, t, in->rid);
}

/* NTP counts from 1900, with 32 bits of fraction (RFC 5905 6). */
static double ntp_to_ms(uint64_t ntp)
{
	return ((double)(ntp >> 32) - 2208988800.0) * 1e3 + (double)(uint32_t)ntp * 1e3 / 4294967296.0;
}

static void add_remote_outbound(struct stats_build *b, const struct peer_transport *transport, const struct media_inbound_stats *in)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(b->pc, in->section);
	wlk_stats_remote_outbound_rtp *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "ROI%c%u-%u-%u", kind_letter(t), (unsigned)transport->number, (unsigned)in->number, (unsigned)in->ssrc);
	s = stats_add(b->report, WLK_STATS_REMOTE_OUTBOUND_RTP, id);
	s->base.timestamp = stats_timestamp(b->pc, in->sr_arrival);
	set_head(b, s, transport, t, in->ssrc);
	add_codec(b, transport, &s->codec_id, in->section, in->pt, false);
	stats_set_text(b->report, &s->local_id, str_of(id + 2));
	stats_set_count(&s->packets_sent, in->sr_packets);
	stats_set_count(&s->bytes_sent, in->sr_bytes);
	stats_set_number(&s->remote_timestamp, ntp_to_ms(in->sr_ntp));
	stats_set_count(&s->reports_sent, in->sr_count);
	if (in->rtt_measurements)
		stats_set_number(&s->round_trip_time, stats_seconds(in->rtt_us));
	stats_set_number(&s->total_round_trip_time, stats_seconds(in->total_rtt_us));
	stats_set_count(&s->round_trip_time_measurements, in->rtt_measurements);
}

/* Frames are known where the application sends frames. */
static void set_frames_sent(wlk_stats_outbound_rtp *s, const struct media_outbound_stats *out)
{
	stats_set_count(&s->frames_sent, out->frames_sent);
	stats_set_count(&s->huge_frames_sent, out->huge_frames_sent);
	if (!out->frame_width)
		return;
	stats_set_count(&s->frame_width, out->frame_width);
	stats_set_count(&s->frame_height, out->frame_height);
}

static void add_outbound(struct stats_build *b, const struct peer_transport *transport, const struct media_outbound_stats *out)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(b->pc, out->section);
	wlk_stats_outbound_rtp *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "O%c%u-%u", kind_letter(t), (unsigned)transport->number, (unsigned)out->ssrc);
	s = stats_add(b->report, WLK_STATS_OUTBOUND_RTP, id);
	if (t && b->selector == &t->sender)
		stats_choose(b->report, s);
	set_head(b, s, transport, t, out->ssrc);
	add_codec(b, transport, &s->codec_id, out->section, out->pt, true);
	stats_set_count(&s->packets_sent, out->packets_sent);
	stats_set_count(&s->bytes_sent, out->bytes_sent);
	stats_set_count(&s->header_bytes_sent, out->header_bytes_sent);
	stats_set_count(&s->retransmitted_packets_sent, out->retransmitted_packets_sent);
	stats_set_count(&s->retransmitted_bytes_sent, out->retransmitted_bytes_sent);
	if (out->rtx_ssrc && has_rtx(b->pc, out->section, out->pt, true))
		stats_set_count(&s->rtx_ssrc, out->rtx_ssrc);
	if (t && t->mid)
		stats_set_text(b->report, &s->mid, str_of(t->mid));
	if (out->rid[0])
		stats_set_text(b->report, &s->rid, str_of(out->rid));
	stats_set_count(&s->encoding_index, out->encoding_index);
	if (out->target_bps)
		stats_set_number(&s->target_bitrate, (double)out->target_bps);
	stats_set_bool(&s->active, out->active);
	stats_set_number(&s->total_packet_send_delay, stats_seconds(out->total_packet_send_delay_us));
	stats_set_count(&s->nack_count, out->nack_count);
	if (t && t->kind == WLK_MEDIA_VIDEO) {
		stats_set_count(&s->fir_count, out->fir_count);
		stats_set_count(&s->pli_count, out->pli_count);
		if (out->frames_sent)
			set_frames_sent(s, out);
	}
	if (t)
		stats_set_raw_outbound(b, s, t, out->encoding_index);
	if (out->has_report)
		stats_set_textf(b->report, &s->remote_id, "RI%s", id);
	if (t && t->sender.track_id) {
		source_id(id, t);
		stats_set_text(b->report, &s->media_source_id, str_of(id));
	}
}

static void add_remote_inbound(struct stats_build *b, const struct peer_transport *transport, const struct media_outbound_stats *out)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(b->pc, out->section);
	wlk_stats_remote_inbound_rtp *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "RIO%c%u-%u", kind_letter(t), (unsigned)transport->number, (unsigned)out->ssrc);
	s = stats_add(b->report, WLK_STATS_REMOTE_INBOUND_RTP, id);
	s->base.timestamp = stats_timestamp(b->pc, out->report_arrival);
	set_head(b, s, transport, t, out->ssrc);
	add_codec(b, transport, &s->codec_id, out->section, out->pt, true);
	stats_set_text(b->report, &s->local_id, str_of(id + 2));
	stats_set_signed(&s->packets_lost, out->packets_lost);
	stats_set_number(&s->jitter, out->jitter_s);
	stats_set_number(&s->fraction_lost, out->fraction_lost);
	if (out->rtt_measurements)
		stats_set_number(&s->round_trip_time, stats_seconds(out->rtt_us));
	stats_set_number(&s->total_round_trip_time, stats_seconds(out->total_rtt_us));
	stats_set_count(&s->round_trip_time_measurements, out->rtt_measurements);
}

static void add_streams(struct stats_build *b, const struct peer_transport *t)
{
	struct media_inbound_stats in;
	struct media_outbound_stats out;

	for (size_t i = 0; media_engine_inbound_stats(t->media, i, &in); i++) {
		add_inbound(b, t, &in);
		if (in.has_sr)
			add_remote_outbound(b, t, &in);
	}
	for (size_t i = 0; media_engine_outbound_stats(t->media, i, &out); i++) {
		add_outbound(b, t, &out);
		if (out.has_report)
			add_remote_inbound(b, t, &out);
	}
}

void stats_add_media(struct stats_build *b)
{
	list_for_each(item, &b->pc->transceivers) {
		const struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopped && t->sender.track_id)
			add_source(b, t);
		stats_add_playout(b, t);
	}
	list_for_each(item, &b->pc->transports)
		add_streams(b, list_entry(item, struct peer_transport, link));
}
