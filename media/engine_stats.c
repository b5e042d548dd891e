#include "media/engine_internal.h"

static const struct recv_entry *entry_at(const struct media_engine *e, size_t index)
{
	for (size_t i = 0; i < e->ssrc_count; i++) {
		if (e->ssrcs[i].is_rtx || !e->ssrcs[i].entry->announced)
			continue;
		if (!index--)
			return e->ssrcs[i].entry;
	}
	return NULL;
}

bool media_engine_inbound_stats(const struct media_engine *e, size_t index, struct media_inbound_stats *out)
{
	const struct recv_entry *entry = entry_at(e, index);
	const struct recv_stream *s;

	if (!entry)
		return false;
	s = &entry->stream;
	*out = (struct media_inbound_stats){
		.section = entry->section->index,
		.number = entry->number,
		.ssrc = s->config.ssrc,
		.rtx_ssrc = s->rtx_ssrc,
		.pt = s->pt,
		.clock_hz = s->clock_hz,
		.packets_received = s->source.total_received,
		.bytes_received = s->bytes,
		.header_bytes_received = s->header_bytes,
		.retransmitted_packets_received = s->rtx_packets,
		.retransmitted_bytes_received = s->rtx_bytes,
		.packets_discarded = s->discarded,
		.packets_recovered = s->recovered,
		.packets_lost = source_cumulative_lost(&s->source),
		.jitter_s = s->clock_hz ? (double)source_jitter(&s->source) / s->clock_hz : 0,
		.nack_count = s->nack_messages,
		.nacked_packets = s->nacked,
		.pli_count = s->plis,
		.fir_count = s->firs,
		.last_packet = s->last_packet,
		.frames = s->frames.stats,
		.has_sr = s->has_sr,
		.sr_count = s->sr_count,
		.sr_packets = s->sr_packets,
		.sr_bytes = s->sr_bytes,
		.sr_ntp = s->sr.ntp,
		.sr_arrival = s->sr_arrival,
		.sr_rtp_timestamp = s->sr.rtp_timestamp,
		.rtt_us = entry->rtt_us,
		.total_rtt_us = entry->total_rtt_us,
		.rtt_measurements = entry->rtt_count,
	};
	memcpy(out->rid, entry->rid, sizeof(out->rid));
	return true;
}

bool media_engine_outbound_stats(const struct media_engine *e, size_t index, struct media_outbound_stats *out)
{
	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *section = e->sections[i];
		const struct send_stream *s;

		if (index >= section->layer_count) {
			index -= section->layer_count;
			continue;
		}
		s = &section->layers[index]->stream;
		*out = (struct media_outbound_stats){
			.section = i,
			.encoding_index = (uint32_t)index,
			.ssrc = s->ssrc,
			.rtx_ssrc = s->rtx_ssrc,
			.active = section->send && section->layers[index]->active,
			.target_bps = section->layers[index]->told_bps == UINT64_MAX ? 0 : section->layers[index]->told_bps,
			.pt = s->pt,
			.clock_hz = s->clock_hz,
			.packets_sent = s->packets,
			.bytes_sent = s->bytes,
			.header_bytes_sent = s->header_bytes,
			.retransmitted_packets_sent = s->resent_packets,
			.retransmitted_bytes_sent = s->resent_bytes,
			.nack_count = s->nack_messages,
			.pli_count = s->plis,
			.fir_count = s->firs,
			.nacked_packets = s->nacked,
			.retransmissions_refused = s->refused,
			.total_packet_send_delay_us = s->total_delay_us,
			.frames_sent = s->frames.sent,
			.key_frames_sent = s->frames.key_sent,
			.huge_frames_sent = s->frames.huge_sent,
			.frame_width = s->frames.width,
			.frame_height = s->frames.height,
			.has_report = s->has_report,
			.report_count = s->report_count,
			.fraction_lost = s->report.fraction_lost / 256.0,
			.packets_lost = s->report.cumulative_lost,
			.jitter_s = s->clock_hz ? (double)s->report.jitter / s->clock_hz : 0,
			.rtt_us = s->rtt_us,
			.total_rtt_us = s->total_rtt_us,
			.rtt_measurements = s->rtt_count,
			.report_arrival = s->report_arrival,
		};
		memcpy(out->rid, section->layers[index]->rid, sizeof(out->rid));
		return true;
	}
	return false;
}

void media_engine_stats(const struct media_engine *e, struct media_engine_stats *out)
{
	*out = e->stats;
	out->packets_dropped = e->received.drops;
	out->padding_only_received = 0;
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (!e->ssrcs[i].is_rtx)
			out->padding_only_received += e->ssrcs[i].entry->stream.padding_only;
	out->remb_bps = e->remb_bps;
	out->available_bps = media_engine_available_bps(e);
	out->receive_estimate_bps = e->use_remb ? e->rate.estimate_bps : 0;
	out->rtt_us = e->rtt_us;
}
