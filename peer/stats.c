/* getStats(): one JSON object a record, with the identifiers of webrtc-stats; ids are stable over the life of a peer. */
#include <stdio.h>
#include <wirelark/stats.h>

#include "core/addr.h"
#include "peer/json.h"
#include "peer/object.h"

enum { STAT_ID_SIZE = 48 };

static double seconds(wlk_time us)
{
	return (double)us / 1e6;
}

/* Milliseconds since 1970, as every timestamp of webrtc-stats. */
static double timestamp_ms(const wlk_peer_connection *pc, wlk_time at)
{
	return (double)(pc->env.unix_us_at_zero + at) / 1e3;
}

static void record(const wlk_peer_connection *pc, struct json *j, const char *type, const char *id)
{
	json_open(j, id);
	json_string(j, "id", str_of(id));
	json_string(j, "type", str_of(type));
	json_real(j, "timestamp", timestamp_ms(pc, pc->now));
}

static void stats_peer_connection(const wlk_peer_connection *pc, struct json *j)
{
	record(pc, j, "peer-connection", "P");
	json_number(j, "dataChannelsOpened", pc->channels_opened);
	json_number(j, "dataChannelsClosed", pc->channels_closed);
	json_close(j);
}

static const char *dtls_state_name(enum dtls_state state)
{
	static const char *const names[] = { "new", "connecting", "connected", "closed", "failed" };

	return names[state];
}

static const char *srtp_cipher_name(enum dtls_srtp_profile profile)
{
	switch (profile) {
	case DTLS_SRTP_AES128_CM_SHA1_80:
		return "SRTP_AES128_CM_HMAC_SHA1_80";
	case DTLS_SRTP_AEAD_AES_128_GCM:
		return "SRTP_AEAD_AES_128_GCM";
	case DTLS_SRTP_AEAD_AES_256_GCM:
		return "SRTP_AEAD_AES_256_GCM";
	case DTLS_SRTP_NONE:
		break;
	}
	return "";
}

static void stats_dtls(const wlk_peer_connection *pc, struct json *j)
{
	enum dtls_state state = dtls_transport_state(pc->transport->dtls);

	json_string(j, "dtlsState", str_of(dtls_state_name(state)));
	if (state != DTLS_STATE_CONNECTED)
		return;
	json_string(j, "tlsVersion", STR("FEFD"));
	json_string(j, "dtlsCipher", str_of(dtls_transport_cipher_name(pc->transport->dtls)));
	json_string(j, "dtlsRole", dtls_transport_role(pc->transport->dtls) == DTLS_ROLE_CLIENT ? STR("client") : STR("server"));
	json_string(j, "srtpCipher", str_of(srtp_cipher_name(dtls_transport_srtp_profile(pc->transport->dtls))));
}

static void stats_transport(const wlk_peer_connection *pc, struct json *j)
{
	struct ice_pair_stats pair;
	char id[STAT_ID_SIZE];

	record(pc, j, "transport", "T");
	json_number(j, "packetsSent", pc->transport->packets_sent);
	json_number(j, "packetsReceived", pc->transport->packets_received);
	json_number(j, "bytesSent", pc->transport->bytes_sent);
	json_number(j, "bytesReceived", pc->transport->bytes_received);
	json_string(j, "iceRole", ice_agent_controlling(pc->transport->ice) ? STR("controlling") : STR("controlled"));
	json_string(j, "iceLocalUsernameFragment", str_of(ice_agent_local_ufrag(pc->transport->ice)));
	json_string(j, "iceState", str_of(ice_state_name(ice_agent_state(pc->transport->ice))));
	json_number(j, "selectedCandidatePairChanges", pc->transport->selected_pair_changes);
	for (size_t i = 0; ice_agent_pair_stats(pc->transport->ice, i, &pair); i++) {
		if (!pair.selected)
			continue;
		snprintf(id, sizeof(id), "CP%u", (unsigned)pair.id);
		json_string(j, "selectedCandidatePairId", str_of(id));
	}
	stats_dtls(pc, j);
	json_close(j);
}

static void stats_pair(const wlk_peer_connection *pc, struct json *j, const struct ice_pair_stats *pair)
{
	static const char *const states[] = { "frozen", "waiting", "in-progress", "succeeded", "failed" };
	char id[STAT_ID_SIZE];

	snprintf(id, sizeof(id), "CP%u", (unsigned)pair->id);
	record(pc, j, "candidate-pair", id);
	json_string(j, "transportId", STR("T"));
	snprintf(id, sizeof(id), "LC%u", (unsigned)pair->local_id);
	json_string(j, "localCandidateId", str_of(id));
	snprintf(id, sizeof(id), "RC%u", (unsigned)pair->remote_id);
	json_string(j, "remoteCandidateId", str_of(id));
	json_string(j, "state", str_of(states[pair->state]));
	json_bool(j, "nominated", pair->nominated);
	json_number(j, "packetsSent", pair->packets_sent);
	json_number(j, "packetsReceived", pair->packets_received);
	json_number(j, "bytesSent", pair->bytes_sent);
	json_number(j, "bytesReceived", pair->bytes_received);
	if (pair->last_sent)
		json_real(j, "lastPacketSentTimestamp", timestamp_ms(pc, pair->last_sent));
	if (pair->last_received)
		json_real(j, "lastPacketReceivedTimestamp", timestamp_ms(pc, pair->last_received));
	json_real(j, "totalRoundTripTime", seconds(pair->total_rtt_us));
	if (pair->responses_received)
		json_real(j, "currentRoundTripTime", seconds(pair->current_rtt_us));
	json_number(j, "requestsReceived", pair->requests_received);
	json_number(j, "requestsSent", pair->requests_sent);
	json_number(j, "responsesReceived", pair->responses_received);
	json_number(j, "responsesSent", pair->responses_sent);
	json_number(j, "consentRequestsSent", pair->consent_requests_sent);
	json_close(j);
}

static void stats_candidate(const wlk_peer_connection *pc, struct json *j, const struct ice_candidate_stats *c, bool local)
{
	char text[WLK_ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), "%s%u", local ? "LC" : "RC", (unsigned)c->id);
	record(pc, j, local ? "local-candidate" : "remote-candidate", text);
	json_string(j, "transportId", STR("T"));
	/* A hidden address stays hidden (webrtc-stats, address of RTCIceCandidateStats). */
	if (c->hidden)
		json_null(j, "address");
	else
		json_string(j, "address", str_of(addr_ip_text(&c->candidate.addr, text)));
	json_number(j, "port", c->candidate.addr.port);
	json_string(j, "protocol", c->candidate.transport == ICE_UDP ? STR("udp") : STR("tcp"));
	json_string(j, "candidateType", str_of(ice_candidate_type_name(c->candidate.type)));
	json_number(j, "priority", c->candidate.priority);
	json_string(j, "foundation", str_of(c->candidate.foundation));
	if (c->relay_protocol)
		json_string(j, "relayProtocol", str_of(c->relay_protocol));
	if (c->url && *c->url)
		json_string(j, "url", str_of(c->url));
	if (c->candidate.related.family) {
		json_string(j, "relatedAddress", str_of(addr_ip_text(&c->candidate.related, text)));
		json_number(j, "relatedPort", c->candidate.related.port);
	}
	json_close(j);
}

static void stats_ice(const wlk_peer_connection *pc, struct json *j)
{
	struct ice_candidate_stats candidate;
	struct ice_pair_stats pair;

	for (size_t i = 0; ice_agent_pair_stats(pc->transport->ice, i, &pair); i++)
		stats_pair(pc, j, &pair);
	for (size_t i = 0; ice_agent_local_candidate(pc->transport->ice, i, &candidate); i++)
		stats_candidate(pc, j, &candidate, true);
	for (size_t i = 0; ice_agent_remote_candidate(pc->transport->ice, i, &candidate); i++)
		stats_candidate(pc, j, &candidate, false);
}

static void stats_channel(const wlk_peer_connection *pc, struct json *j, const wlk_data_channel *channel, size_t index)
{
	static const char *const states[] = { "connecting", "open", "closing", "closed" };
	struct sctp_channel_stats stats;
	char id[STAT_ID_SIZE];
	size_t size;
	const char *text;

	sctp_channel_stats(channel->sctp, &stats);
	snprintf(id, sizeof(id), "D%zu", index);
	record(pc, j, "data-channel", id);
	text = sctp_channel_label(channel->sctp, &size);
	json_string(j, "label", (struct str){ text, size });
	text = sctp_channel_protocol(channel->sctp, &size);
	json_string(j, "protocol", (struct str){ text, size });
	if (wlk_data_channel_id(channel) >= 0)
		json_number(j, "dataChannelIdentifier", (uint64_t)wlk_data_channel_id(channel));
	json_string(j, "state", str_of(states[wlk_data_channel_ready_state(channel)]));
	json_number(j, "messagesSent", stats.messages_sent);
	json_number(j, "bytesSent", stats.bytes_sent);
	json_number(j, "messagesReceived", stats.messages_received);
	json_number(j, "bytesReceived", stats.bytes_received);
	json_close(j);
}

static void stats_sctp(const wlk_peer_connection *pc, struct json *j)
{
	struct sctp_assoc_stats stats;
	size_t index = 0;

	if (!pc->sctp)
		return;
	sctp_assoc_stats(pc->sctp, &stats);
	record(pc, j, "sctp-transport", "S");
	json_number(j, "congestionWindow", stats.cwnd);
	json_real(j, "smoothedRoundTripTime", seconds(stats.srtt_us));
	json_real(j, "retransmissionTimeout", seconds(stats.rto_us));
	json_number(j, "receiverWindow", stats.peer_rwnd);
	json_number(j, "unackData", stats.unacked);
	json_number(j, "mtu", stats.mtu);
	json_bool(j, "zeroChecksum", stats.zero_checksum);
	json_close(j);
	list_for_each(item, &pc->channels)
		stats_channel(pc, j, list_entry(item, wlk_data_channel, link), index++);
}

static void stream_head(const wlk_peer_connection *pc, struct json *j, const char *type, const char *id, size_t section,
			uint32_t ssrc)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(pc, section);

	record(pc, j, type, id);
	json_number(j, "ssrc", ssrc);
	json_string(j, "transportId", STR("T"));
	if (!t)
		return;
	json_string(j, "kind", t->kind == WLK_MEDIA_AUDIO ? STR("audio") : STR("video"));
	if (t->mid)
		json_string(j, "mid", str_of(t->mid));
}

static void stats_inbound(const wlk_peer_connection *pc, struct json *j, const struct media_inbound_stats *s)
{
	char id[STAT_ID_SIZE];

	snprintf(id, sizeof(id), "IT%zu-%u", s->section, (unsigned)s->ssrc);
	stream_head(pc, j, "inbound-rtp", id, s->section, s->ssrc);
	json_number(j, "packetsReceived", s->packets_received);
	json_number(j, "bytesReceived", s->bytes_received);
	json_number(j, "headerBytesReceived", s->header_bytes_received);
	json_number(j, "retransmittedPacketsReceived", s->retransmitted_packets_received);
	json_number(j, "retransmittedBytesReceived", s->retransmitted_bytes_received);
	json_number(j, "packetsDiscarded", s->packets_discarded);
	json_signed(j, "packetsLost", s->packets_lost);
	json_real(j, "jitter", s->jitter_s);
	json_number(j, "nackCount", s->nack_count);
	json_number(j, "pliCount", s->pli_count);
	json_number(j, "firCount", s->fir_count);
	if (s->rtx_ssrc)
		json_number(j, "rtxSsrc", s->rtx_ssrc);
	if (s->last_packet != WLK_TIME_NEVER)
		json_real(j, "lastPacketReceivedTimestamp", timestamp_ms(pc, s->last_packet));
	json_close(j);
	if (!s->has_sr)
		return;
	snprintf(id, sizeof(id), "ROA%zu-%u", s->section, (unsigned)s->ssrc);
	stream_head(pc, j, "remote-outbound-rtp", id, s->section, s->ssrc);
	json_number(j, "reportsSent", s->sr_count);
	json_number(j, "packetsSent", s->sr_packets);
	json_number(j, "bytesSent", s->sr_bytes);
	json_close(j);
}

static void stats_outbound(const wlk_peer_connection *pc, struct json *j, const struct media_outbound_stats *s)
{
	char id[STAT_ID_SIZE];

	snprintf(id, sizeof(id), "OT%zu-%u", s->section, (unsigned)s->ssrc);
	stream_head(pc, j, "outbound-rtp", id, s->section, s->ssrc);
	json_number(j, "packetsSent", s->packets_sent);
	json_number(j, "bytesSent", s->bytes_sent);
	json_number(j, "headerBytesSent", s->header_bytes_sent);
	json_number(j, "retransmittedPacketsSent", s->retransmitted_packets_sent);
	json_number(j, "retransmittedBytesSent", s->retransmitted_bytes_sent);
	json_number(j, "nackCount", s->nack_count);
	json_number(j, "pliCount", s->pli_count);
	json_number(j, "firCount", s->fir_count);
	json_real(j, "totalPacketSendDelay", seconds(s->total_packet_send_delay_us));
	if (s->rtx_ssrc)
		json_number(j, "rtxSsrc", s->rtx_ssrc);
	json_close(j);
	if (!s->has_report)
		return;
	snprintf(id, sizeof(id), "RIA%zu-%u", s->section, (unsigned)s->ssrc);
	stream_head(pc, j, "remote-inbound-rtp", id, s->section, s->ssrc);
	json_real(j, "fractionLost", s->fraction_lost);
	json_signed(j, "packetsLost", s->packets_lost);
	json_real(j, "jitter", s->jitter_s);
	if (s->rtt_measurements)
		json_real(j, "roundTripTime", seconds(s->rtt_us));
	json_real(j, "totalRoundTripTime", seconds(s->total_rtt_us));
	json_number(j, "roundTripTimeMeasurements", s->rtt_measurements);
	json_close(j);
}

static void stats_media(const wlk_peer_connection *pc, struct json *j)
{
	struct media_inbound_stats in;
	struct media_outbound_stats out;

	for (size_t i = 0; media_engine_inbound_stats(pc->transport->media, i, &in); i++)
		stats_inbound(pc, j, &in);
	for (size_t i = 0; media_engine_outbound_stats(pc->transport->media, i, &out); i++)
		stats_outbound(pc, j, &out);
}

wlk_err wlk_peer_connection_stats_json(wlk_peer_connection *pc, char **json)
{
	struct text out;
	struct json j = { .out = &out };
	char *text;

	if (!json)
		return peer_fail(pc, WLK_ERR_INVALID, "the text needs a place");
	peer_refresh_now(pc);
	text_init(&out);
	json_open(&j, NULL);
	stats_peer_connection(pc, &j);
	stats_transport(pc, &j);
	stats_ice(pc, &j);
	stats_sctp(pc, &j);
	stats_media(pc, &j);
	json_close(&j);
	text = text_take(&out);
	if (!text)
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	*json = text;
	return WLK_OK;
}
