/* getStats(): who asks, the connection itself, and its data channels; the other files are listed in stats_build.h. */
#include <stdio.h>

#include "peer/stats_build.h"

uint32_t stats_hash(uint32_t seed, struct str text)
{
	uint32_t hash = seed ^ 2166136261u;

	for (size_t i = 0; i < text.size; i++)
		hash = (hash ^ (uint8_t)text.at[i]) * 16777619u;
	return hash;
}

static void add_peer_connection(struct stats_build *b)
{
	wlk_stats_peer_connection *s = stats_add(b->report, WLK_STATS_PEER_CONNECTION, "P");

	stats_set_count(&s->data_channels_opened, b->pc->channels_opened);
	stats_set_count(&s->data_channels_closed, b->pc->channels_closed);
}

static void add_channel(struct stats_build *b, const wlk_data_channel *channel)
{
	static const char *const states[] = { "connecting", "open", "closing", "closed" };
	struct sctp_channel_stats stats;
	wlk_stats_data_channel *s;
	char id[STATS_ID_MAX];
	struct str text;

	sctp_channel_stats(channel->sctp, &stats);
	snprintf(id, sizeof(id), "D%u", (unsigned)channel->number);
	s = stats_add(b->report, WLK_STATS_DATA_CHANNEL, id);
	text.at = sctp_channel_label(channel->sctp, &text.size);
	stats_set_text(b->report, &s->label, text);
	text.at = sctp_channel_protocol(channel->sctp, &text.size);
	stats_set_text(b->report, &s->protocol, text);
	if (wlk_data_channel_id(channel) >= 0)
		stats_set_count(&s->data_channel_identifier, (uint64_t)wlk_data_channel_id(channel));
	stats_set_text(b->report, &s->state, str_of(states[wlk_data_channel_ready_state(channel)]));
	stats_set_count(&s->messages_sent, stats.messages_sent);
	stats_set_count(&s->bytes_sent, stats.bytes_sent);
	stats_set_count(&s->messages_received, stats.messages_received);
	stats_set_count(&s->bytes_received, stats.bytes_received);
}

static void add_sctp(struct stats_build *b)
{
	/* A closed association was never up, or is not any more; for one that is not started there is no record (W3C sctp null). */
	static const char *const states[] = { "connecting", "connecting", "connected", "closed" };
	struct sctp_assoc_stats stats;
	wlk_stats_sctp_transport *s;

	sctp_assoc_stats(b->pc->sctp, &stats);
	s = stats_add(b->report, WLK_STATS_SCTP_TRANSPORT, "S");
	stats_set_transport_id(b, &s->transport_id, b->pc->data_transport ? b->pc->data_transport : b->pc->transport);
	stats_set_text(b->report, &s->state, str_of(states[sctp_assoc_state(b->pc->sctp)]));
	stats_set_count(&s->packets_sent, stats.packets_sent);
	stats_set_count(&s->packets_received, stats.packets_received);
	stats_set_count(&s->bytes_sent, stats.bytes_sent);
	stats_set_count(&s->bytes_received, stats.bytes_received);
	stats_set_count(&s->retransmitted_chunks, stats.chunks_repeated);
	if (stats.flight_is_known)
		stats_set_count(&s->flight_size, stats.flight_size);
	stats_set_bool(&s->zero_checksum, stats.zero_checksum);
	stats_set_bool(&s->interleaving, false); /* I-DATA (RFC 8260) is not offered */
	if (!stats.has_path)
		return;
	stats_set_count(&s->congestion_window, stats.cwnd);
	stats_set_number(&s->smoothed_round_trip_time, stats_seconds(stats.srtt_us));
	stats_set_number(&s->retransmission_timeout, stats_seconds(stats.rto_us));
	stats_set_count(&s->receiver_window, stats.peer_rwnd);
	stats_set_count(&s->mtu, stats.mtu);
	stats_set_count(&s->unack_data, stats.unacked);
}

static void add_data(struct stats_build *b)
{
	if (!b->pc->sctp)
		return;
	add_sctp(b);
	list_for_each(item, &b->pc->channels) {
		const wlk_data_channel *channel = list_entry(item, wlk_data_channel, link);

		if (channel->sctp)
			add_channel(b, channel);
	}
}

/* What is asked is of no interest to a recording; that time went on is. */
static void refresh_now(wlk_peer_connection *pc)
{
	RECORD(pc, record_api(recorded, RECORD_REFRESH, pc));
	peer_refresh_now(pc);
}

static wlk_err get_stats(wlk_peer_connection *pc, const void *selector, wlk_stats_report **out)
{
	struct stats_build b = { .pc = pc, .selector = selector };
	wlk_err err;

	if (!out)
		return peer_fail(pc, WLK_ERR_INVALID, "the report needs a place");
	refresh_now(pc);
	err = stats_report_create(&b.report, stats_timestamp(pc, pc->now));
	if (err)
		return peer_fail(pc, err, "out of memory");
	add_peer_connection(&b);
	stats_add_transports(&b);
	add_data(&b);
	stats_add_media(&b);
	err = stats_report_finish(b.report, selector != NULL);
	if (err) {
		wlk_stats_report_destroy(b.report);
		return peer_fail(pc, err, "out of memory");
	}
	*out = b.report;
	return WLK_OK;
}

wlk_err wlk_peer_connection_get_stats(wlk_peer_connection *pc, wlk_stats_report **out)
{
	return get_stats(pc, NULL, out);
}

wlk_err wlk_rtp_sender_get_stats(wlk_rtp_sender *sender, wlk_stats_report **out)
{
	return get_stats(sender->transceiver->pc, sender, out);
}

wlk_err wlk_rtp_receiver_get_stats(wlk_rtp_receiver *receiver, wlk_stats_report **out)
{
	return get_stats(receiver->transceiver->pc, receiver, out);
}

wlk_err wlk_peer_connection_stats_json(wlk_peer_connection *pc, char **json)
{
	wlk_stats_report *report;
	wlk_err err;

	if (!json)
		return peer_fail(pc, WLK_ERR_INVALID, "the text needs a place");
	err = get_stats(pc, NULL, &report);
	if (err)
		return err;
	err = wlk_stats_to_json(report, json);
	wlk_stats_report_destroy(report);
	return err ? peer_fail(pc, err, "out of memory") : WLK_OK;
}
