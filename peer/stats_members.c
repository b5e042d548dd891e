#include "peer/stats_members.h"

#include "core/err.h"

#define MEMBER(member, key, member_kind) { key, (uint16_t)offsetof(RECORD, member), STATS_##member_kind }

/* In the order of webrtc-stats: what a record inherits first. */

#define RECORD wlk_stats_codec
static const struct stats_member codec[] = {
	MEMBER(payload_type, "payloadType", COUNT),
	MEMBER(transport_id, "transportId", ID),
	MEMBER(mime_type, "mimeType", TEXT),
	MEMBER(clock_rate, "clockRate", COUNT),
	MEMBER(channels, "channels", COUNT),
	MEMBER(sdp_fmtp_line, "sdpFmtpLine", TEXT),
};
#undef RECORD

#define RECORD wlk_stats_inbound_rtp
static const struct stats_member inbound_rtp[] = {
	MEMBER(ssrc, "ssrc", COUNT),
	MEMBER(kind, "kind", TEXT),
	MEMBER(transport_id, "transportId", ID),
	MEMBER(codec_id, "codecId", ID),
	MEMBER(packets_received, "packetsReceived", COUNT),
	MEMBER(packets_received_with_ect1, "packetsReceivedWithEct1", COUNT),
	MEMBER(packets_received_with_ce, "packetsReceivedWithCe", COUNT),
	MEMBER(packets_reported_as_lost, "packetsReportedAsLost", COUNT),
	MEMBER(packets_reported_as_lost_but_recovered, "packetsReportedAsLostButRecovered", COUNT),
	MEMBER(packets_lost, "packetsLost", SIGNED),
	MEMBER(jitter, "jitter", NUMBER),
	MEMBER(track_identifier, "trackIdentifier", TEXT),
	MEMBER(mid, "mid", TEXT),
	MEMBER(rid, "rid", TEXT),
	MEMBER(remote_id, "remoteId", ID),
	MEMBER(frames_decoded, "framesDecoded", COUNT),
	MEMBER(key_frames_decoded, "keyFramesDecoded", COUNT),
	MEMBER(frames_rendered, "framesRendered", COUNT),
	MEMBER(frames_dropped, "framesDropped", COUNT),
	MEMBER(frame_width, "frameWidth", COUNT),
	MEMBER(frame_height, "frameHeight", COUNT),
	MEMBER(frames_per_second, "framesPerSecond", NUMBER),
	MEMBER(qp_sum, "qpSum", COUNT),
	MEMBER(total_decode_time, "totalDecodeTime", NUMBER),
	MEMBER(total_inter_frame_delay, "totalInterFrameDelay", NUMBER),
	MEMBER(total_squared_inter_frame_delay, "totalSquaredInterFrameDelay", NUMBER),
	MEMBER(pause_count, "pauseCount", COUNT),
	MEMBER(total_pauses_duration, "totalPausesDuration", NUMBER),
	MEMBER(freeze_count, "freezeCount", COUNT),
	MEMBER(total_freezes_duration, "totalFreezesDuration", NUMBER),
	MEMBER(last_packet_received_timestamp, "lastPacketReceivedTimestamp", NUMBER),
	MEMBER(header_bytes_received, "headerBytesReceived", COUNT),
	MEMBER(packets_discarded, "packetsDiscarded", COUNT),
	MEMBER(fec_bytes_received, "fecBytesReceived", COUNT),
	MEMBER(fec_packets_received, "fecPacketsReceived", COUNT),
	MEMBER(fec_packets_discarded, "fecPacketsDiscarded", COUNT),
	MEMBER(bytes_received, "bytesReceived", COUNT),
	MEMBER(nack_count, "nackCount", COUNT),
	MEMBER(fir_count, "firCount", COUNT),
	MEMBER(pli_count, "pliCount", COUNT),
	MEMBER(total_processing_delay, "totalProcessingDelay", NUMBER),
	MEMBER(estimated_playout_timestamp, "estimatedPlayoutTimestamp", NUMBER),
	MEMBER(jitter_buffer_delay, "jitterBufferDelay", NUMBER),
	MEMBER(jitter_buffer_target_delay, "jitterBufferTargetDelay", NUMBER),
	MEMBER(jitter_buffer_minimum_delay, "jitterBufferMinimumDelay", NUMBER),
	MEMBER(jitter_buffer_emitted_count, "jitterBufferEmittedCount", COUNT),
	MEMBER(total_samples_received, "totalSamplesReceived", COUNT),
	MEMBER(concealed_samples, "concealedSamples", COUNT),
	MEMBER(silent_concealed_samples, "silentConcealedSamples", COUNT),
	MEMBER(concealment_events, "concealmentEvents", COUNT),
	MEMBER(inserted_samples_for_deceleration, "insertedSamplesForDeceleration", COUNT),
	MEMBER(removed_samples_for_acceleration, "removedSamplesForAcceleration", COUNT),
	MEMBER(audio_level, "audioLevel", NUMBER),
	MEMBER(total_audio_energy, "totalAudioEnergy", NUMBER),
	MEMBER(total_samples_duration, "totalSamplesDuration", NUMBER),
	MEMBER(frames_received, "framesReceived", COUNT),
	MEMBER(decoder_implementation, "decoderImplementation", TEXT),
	MEMBER(playout_id, "playoutId", ID),
	MEMBER(power_efficient_decoder, "powerEfficientDecoder", BOOL),
	MEMBER(frames_assembled_from_multiple_packets, "framesAssembledFromMultiplePackets", COUNT),
	MEMBER(total_assembly_time, "totalAssemblyTime", NUMBER),
	MEMBER(retransmitted_packets_received, "retransmittedPacketsReceived", COUNT),
	MEMBER(retransmitted_bytes_received, "retransmittedBytesReceived", COUNT),
	MEMBER(rtx_ssrc, "rtxSsrc", COUNT),
	MEMBER(fec_ssrc, "fecSsrc", COUNT),
	MEMBER(total_corruption_probability, "totalCorruptionProbability", NUMBER),
	MEMBER(total_squared_corruption_probability, "totalSquaredCorruptionProbability", NUMBER),
	MEMBER(corruption_measurements, "corruptionMeasurements", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_outbound_rtp
static const struct stats_member outbound_rtp[] = {
	MEMBER(ssrc, "ssrc", COUNT),
	MEMBER(kind, "kind", TEXT),
	MEMBER(transport_id, "transportId", ID),
	MEMBER(codec_id, "codecId", ID),
	MEMBER(packets_sent, "packetsSent", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(mid, "mid", TEXT),
	MEMBER(media_source_id, "mediaSourceId", ID),
	MEMBER(remote_id, "remoteId", ID),
	MEMBER(rid, "rid", TEXT),
	MEMBER(encoding_index, "encodingIndex", COUNT),
	MEMBER(header_bytes_sent, "headerBytesSent", COUNT),
	MEMBER(retransmitted_packets_sent, "retransmittedPacketsSent", COUNT),
	MEMBER(retransmitted_bytes_sent, "retransmittedBytesSent", COUNT),
	MEMBER(rtx_ssrc, "rtxSsrc", COUNT),
	MEMBER(target_bitrate, "targetBitrate", NUMBER),
	MEMBER(total_encoded_bytes_target, "totalEncodedBytesTarget", COUNT),
	MEMBER(frame_width, "frameWidth", COUNT),
	MEMBER(frame_height, "frameHeight", COUNT),
	MEMBER(frames_per_second, "framesPerSecond", NUMBER),
	MEMBER(frames_sent, "framesSent", COUNT),
	MEMBER(huge_frames_sent, "hugeFramesSent", COUNT),
	MEMBER(frames_encoded, "framesEncoded", COUNT),
	MEMBER(key_frames_encoded, "keyFramesEncoded", COUNT),
	MEMBER(qp_sum, "qpSum", COUNT),
	MEMBER(psnr_sum, "psnrSum", PSNR),
	MEMBER(psnr_measurements, "psnrMeasurements", COUNT),
	MEMBER(total_encode_time, "totalEncodeTime", NUMBER),
	MEMBER(total_packet_send_delay, "totalPacketSendDelay", NUMBER),
	MEMBER(quality_limitation_reason, "qualityLimitationReason", TEXT),
	MEMBER(quality_limitation_durations, "qualityLimitationDurations", LIMITATIONS),
	MEMBER(quality_limitation_resolution_changes, "qualityLimitationResolutionChanges", COUNT),
	MEMBER(nack_count, "nackCount", COUNT),
	MEMBER(fir_count, "firCount", COUNT),
	MEMBER(pli_count, "pliCount", COUNT),
	MEMBER(encoder_implementation, "encoderImplementation", TEXT),
	MEMBER(power_efficient_encoder, "powerEfficientEncoder", BOOL),
	MEMBER(active, "active", BOOL),
	MEMBER(scalability_mode, "scalabilityMode", TEXT),
	MEMBER(packets_sent_with_ect1, "packetsSentWithEct1", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_remote_inbound_rtp
static const struct stats_member remote_inbound_rtp[] = {
	MEMBER(ssrc, "ssrc", COUNT),
	MEMBER(kind, "kind", TEXT),
	MEMBER(transport_id, "transportId", ID),
	MEMBER(codec_id, "codecId", ID),
	MEMBER(packets_received, "packetsReceived", COUNT),
	MEMBER(packets_received_with_ect1, "packetsReceivedWithEct1", COUNT),
	MEMBER(packets_received_with_ce, "packetsReceivedWithCe", COUNT),
	MEMBER(packets_reported_as_lost, "packetsReportedAsLost", COUNT),
	MEMBER(packets_reported_as_lost_but_recovered, "packetsReportedAsLostButRecovered", COUNT),
	MEMBER(packets_lost, "packetsLost", SIGNED),
	MEMBER(jitter, "jitter", NUMBER),
	MEMBER(local_id, "localId", ID),
	MEMBER(round_trip_time, "roundTripTime", NUMBER),
	MEMBER(total_round_trip_time, "totalRoundTripTime", NUMBER),
	MEMBER(fraction_lost, "fractionLost", NUMBER),
	MEMBER(round_trip_time_measurements, "roundTripTimeMeasurements", COUNT),
	MEMBER(packets_with_bleached_ect1_marking, "packetsWithBleachedEct1Marking", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_remote_outbound_rtp
static const struct stats_member remote_outbound_rtp[] = {
	MEMBER(ssrc, "ssrc", COUNT),
	MEMBER(kind, "kind", TEXT),
	MEMBER(transport_id, "transportId", ID),
	MEMBER(codec_id, "codecId", ID),
	MEMBER(packets_sent, "packetsSent", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(local_id, "localId", ID),
	MEMBER(remote_timestamp, "remoteTimestamp", NUMBER),
	MEMBER(reports_sent, "reportsSent", COUNT),
	MEMBER(round_trip_time, "roundTripTime", NUMBER),
	MEMBER(total_round_trip_time, "totalRoundTripTime", NUMBER),
	MEMBER(round_trip_time_measurements, "roundTripTimeMeasurements", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_media_source
static const struct stats_member media_source[] = {
	MEMBER(track_identifier, "trackIdentifier", TEXT),
	MEMBER(kind, "kind", TEXT),
	MEMBER(audio_level, "audioLevel", NUMBER),
	MEMBER(total_audio_energy, "totalAudioEnergy", NUMBER),
	MEMBER(total_samples_duration, "totalSamplesDuration", NUMBER),
	MEMBER(echo_return_loss, "echoReturnLoss", NUMBER),
	MEMBER(echo_return_loss_enhancement, "echoReturnLossEnhancement", NUMBER),
	MEMBER(width, "width", COUNT),
	MEMBER(height, "height", COUNT),
	MEMBER(frames, "frames", COUNT),
	MEMBER(frames_per_second, "framesPerSecond", NUMBER),
};
#undef RECORD

#define RECORD wlk_stats_media_playout
static const struct stats_member media_playout[] = {
	MEMBER(kind, "kind", TEXT),
	MEMBER(synthesized_samples_duration, "synthesizedSamplesDuration", NUMBER),
	MEMBER(synthesized_samples_events, "synthesizedSamplesEvents", COUNT),
	MEMBER(total_samples_duration, "totalSamplesDuration", NUMBER),
	MEMBER(total_playout_delay, "totalPlayoutDelay", NUMBER),
	MEMBER(total_samples_count, "totalSamplesCount", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_peer_connection
static const struct stats_member peer_connection[] = {
	MEMBER(data_channels_opened, "dataChannelsOpened", COUNT),
	MEMBER(data_channels_closed, "dataChannelsClosed", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_data_channel
static const struct stats_member data_channel[] = {
	MEMBER(label, "label", TEXT),
	MEMBER(protocol, "protocol", TEXT),
	MEMBER(data_channel_identifier, "dataChannelIdentifier", COUNT),
	MEMBER(state, "state", TEXT),
	MEMBER(messages_sent, "messagesSent", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(messages_received, "messagesReceived", COUNT),
	MEMBER(bytes_received, "bytesReceived", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_transport
static const struct stats_member transport[] = {
	MEMBER(packets_sent, "packetsSent", COUNT),
	MEMBER(packets_received, "packetsReceived", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(bytes_received, "bytesReceived", COUNT),
	MEMBER(ice_role, "iceRole", TEXT),
	MEMBER(ice_local_username_fragment, "iceLocalUsernameFragment", TEXT),
	MEMBER(dtls_state, "dtlsState", TEXT),
	MEMBER(ice_state, "iceState", TEXT),
	MEMBER(selected_candidate_pair_id, "selectedCandidatePairId", ID),
	MEMBER(local_certificate_id, "localCertificateId", ID),
	MEMBER(remote_certificate_id, "remoteCertificateId", ID),
	MEMBER(tls_version, "tlsVersion", TEXT),
	MEMBER(dtls_cipher, "dtlsCipher", TEXT),
	MEMBER(dtls_role, "dtlsRole", TEXT),
	MEMBER(srtp_cipher, "srtpCipher", TEXT),
	MEMBER(selected_candidate_pair_changes, "selectedCandidatePairChanges", COUNT),
	MEMBER(ccfb_messages_sent, "ccfbMessagesSent", COUNT),
	MEMBER(ccfb_messages_received, "ccfbMessagesReceived", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_candidate_pair
static const struct stats_member candidate_pair[] = {
	MEMBER(transport_id, "transportId", ID),
	MEMBER(local_candidate_id, "localCandidateId", ID),
	MEMBER(remote_candidate_id, "remoteCandidateId", ID),
	MEMBER(state, "state", TEXT),
	MEMBER(nominated, "nominated", BOOL),
	MEMBER(packets_sent, "packetsSent", COUNT),
	MEMBER(packets_received, "packetsReceived", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(bytes_received, "bytesReceived", COUNT),
	MEMBER(last_packet_sent_timestamp, "lastPacketSentTimestamp", NUMBER),
	MEMBER(last_packet_received_timestamp, "lastPacketReceivedTimestamp", NUMBER),
	MEMBER(total_round_trip_time, "totalRoundTripTime", NUMBER),
	MEMBER(current_round_trip_time, "currentRoundTripTime", NUMBER),
	MEMBER(available_outgoing_bitrate, "availableOutgoingBitrate", NUMBER),
	MEMBER(available_incoming_bitrate, "availableIncomingBitrate", NUMBER),
	MEMBER(requests_received, "requestsReceived", COUNT),
	MEMBER(requests_sent, "requestsSent", COUNT),
	MEMBER(responses_received, "responsesReceived", COUNT),
	MEMBER(responses_sent, "responsesSent", COUNT),
	MEMBER(consent_requests_sent, "consentRequestsSent", COUNT),
	MEMBER(packets_discarded_on_send, "packetsDiscardedOnSend", COUNT),
	MEMBER(bytes_discarded_on_send, "bytesDiscardedOnSend", COUNT),
};
#undef RECORD

#define RECORD wlk_stats_candidate
static const struct stats_member candidate[] = {
	MEMBER(transport_id, "transportId", ID),
	MEMBER(address, "address", TEXT),
	MEMBER(port, "port", COUNT),
	MEMBER(protocol, "protocol", TEXT),
	MEMBER(candidate_type, "candidateType", TEXT),
	MEMBER(priority, "priority", COUNT),
	MEMBER(url, "url", TEXT),
	MEMBER(relay_protocol, "relayProtocol", TEXT),
	MEMBER(foundation, "foundation", TEXT),
	MEMBER(related_address, "relatedAddress", TEXT),
	MEMBER(related_port, "relatedPort", COUNT),
	MEMBER(username_fragment, "usernameFragment", TEXT),
	MEMBER(tcp_type, "tcpType", TEXT),
};
#undef RECORD

#define RECORD wlk_stats_certificate
static const struct stats_member certificate[] = {
	MEMBER(fingerprint, "fingerprint", TEXT),
	MEMBER(fingerprint_algorithm, "fingerprintAlgorithm", TEXT),
	MEMBER(base64_certificate, "base64Certificate", TEXT),
	MEMBER(issuer_certificate_id, "issuerCertificateId", ID),
};
#undef RECORD

#define RECORD wlk_stats_sctp_transport
static const struct stats_member sctp_transport[] = {
	MEMBER(transport_id, "transportId", ID),
	MEMBER(state, "state", TEXT),
	MEMBER(packets_sent, "packetsSent", COUNT),
	MEMBER(packets_received, "packetsReceived", COUNT),
	MEMBER(bytes_sent, "bytesSent", COUNT),
	MEMBER(bytes_received, "bytesReceived", COUNT),
	MEMBER(congestion_window, "congestionWindow", COUNT),
	MEMBER(flight_size, "flightSize", COUNT),
	MEMBER(smoothed_round_trip_time, "smoothedRoundTripTime", NUMBER),
	MEMBER(retransmission_timeout, "retransmissionTimeout", NUMBER),
	MEMBER(receiver_window, "receiverWindow", COUNT),
	MEMBER(mtu, "mtu", COUNT),
	MEMBER(unack_data, "unackData", COUNT),
	MEMBER(retransmitted_chunks, "retransmittedChunks", COUNT),
	MEMBER(zero_checksum, "zeroChecksum", BOOL),
	MEMBER(interleaving, "interleaving", BOOL),
};
#undef RECORD

#define SHAPE(type, word, list, record) [type] = { word, sizeof(record), list, ARRAY_SIZE(list) }
static const struct stats_shape shapes[] = {
	SHAPE(WLK_STATS_CODEC, "codec", codec, wlk_stats_codec),
	SHAPE(WLK_STATS_INBOUND_RTP, "inbound-rtp", inbound_rtp, wlk_stats_inbound_rtp),
	SHAPE(WLK_STATS_OUTBOUND_RTP, "outbound-rtp", outbound_rtp, wlk_stats_outbound_rtp),
	SHAPE(WLK_STATS_REMOTE_INBOUND_RTP, "remote-inbound-rtp", remote_inbound_rtp, wlk_stats_remote_inbound_rtp),
	SHAPE(WLK_STATS_REMOTE_OUTBOUND_RTP, "remote-outbound-rtp", remote_outbound_rtp, wlk_stats_remote_outbound_rtp),
	SHAPE(WLK_STATS_MEDIA_SOURCE, "media-source", media_source, wlk_stats_media_source),
	SHAPE(WLK_STATS_MEDIA_PLAYOUT, "media-playout", media_playout, wlk_stats_media_playout),
	SHAPE(WLK_STATS_PEER_CONNECTION, "peer-connection", peer_connection, wlk_stats_peer_connection),
	SHAPE(WLK_STATS_DATA_CHANNEL, "data-channel", data_channel, wlk_stats_data_channel),
	SHAPE(WLK_STATS_TRANSPORT, "transport", transport, wlk_stats_transport),
	SHAPE(WLK_STATS_CANDIDATE_PAIR, "candidate-pair", candidate_pair, wlk_stats_candidate_pair),
	SHAPE(WLK_STATS_LOCAL_CANDIDATE, "local-candidate", candidate, wlk_stats_candidate),
	SHAPE(WLK_STATS_REMOTE_CANDIDATE, "remote-candidate", candidate, wlk_stats_candidate),
	SHAPE(WLK_STATS_CERTIFICATE, "certificate", certificate, wlk_stats_certificate),
	SHAPE(WLK_STATS_SCTP_TRANSPORT, "sctp-transport", sctp_transport, wlk_stats_sctp_transport),
};

const struct stats_shape *stats_shape(wlk_stats_type type)
{
	return (size_t)type < ARRAY_SIZE(shapes) && shapes[type].name ? &shapes[type] : NULL;
}

const char *wlk_stats_type_name(wlk_stats_type type)
{
	const struct stats_shape *shape = stats_shape(type);

	return shape ? shape->name : "unknown";
}

bool stats_member_exists(const wlk_stats *record, const struct stats_member *member)
{
	return *(const bool *)((const char *)record + member->offset);
}

wlk_stat_text *stats_member_text(wlk_stats *record, const struct stats_member *member)
{
	return (wlk_stat_text *)(void *)((char *)record + member->offset);
}
