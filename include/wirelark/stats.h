/** Statistics: getStats() in C, with the types and members of webrtc-stats as structs, and as JSON with the browser's keys. */
#ifndef WIRELARK_STATS_H
#define WIRELARK_STATS_H

#include <wirelark/peer_connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A report is a copy of all figures at one moment (RTCStatsReport): records that name each other by ids.
 *
 *	wlk_stats_report *report;
 *
 *	if (!wlk_peer_connection_get_stats(pc, &report)) {
 *		wlk_stats_report_visit(report, on_record, user);
 *		wlk_stats_report_destroy(report);
 *	}
 *
 * and in on_record(const wlk_stats *record, void *user):
 *
 *	if (record->type == WLK_STATS_REMOTE_INBOUND_RTP) {
 *		const wlk_stats_remote_inbound_rtp *s = (const void *)record;
 *
 *		if (WLK_STAT_EXISTS(s, round_trip_time))
 *			printf("ssrc %u: %f s\n", (unsigned)s->ssrc.value, s->round_trip_time.value);
 *	}
 *
 * The members have the names of webrtc-stats in lower case with underscores, and its units: seconds for times and delays,
 * bytes, packets; timestamps are milliseconds since 1970 with fractions. docs/stats.md says of each member where it comes from
 * and when it exists. What is not known does not exist; it is never a made-up zero. Counters never fall.
 */

/* A member: its value counts only when it exists. */
typedef struct wlk_stat_count { /**< what is counted or measured in whole numbers */
	bool exists;
	uint64_t value;
} wlk_stat_count;

/** A count that may fall below zero. */
typedef struct wlk_stat_signed { /**< packets_lost, which duplicates make negative */
	bool exists;
	int64_t value;
} wlk_stat_signed;

/** A measured quantity, in seconds where it is a time. */
typedef struct wlk_stat_number {
	bool exists;
	double value;
} wlk_stat_number;

/** A yes or no. */
typedef struct wlk_stat_bool {
	bool exists;
	bool value;
} wlk_stat_bool;

/** A text with a NUL behind it; |value| NULL is JSON's null: it exists and must not be shown. */
typedef struct wlk_stat_text {
	bool exists;
	const char *value;
	size_t size; /**< bytes; a channel's label may contain NUL itself */
} wlk_stat_text;

/** The id of another record, which is in the same report. */
typedef wlk_stat_text wlk_stat_id;

/** Seconds that each reason has limited the quality for. */
typedef struct wlk_stat_limitations {
	bool exists;
	double none, cpu, bandwidth, other;
} wlk_stat_limitations;

/** Of the planes of a picture. */
typedef struct wlk_stat_psnr { /**< sums of decibels */
	bool exists;
	double y, u, v;
} wlk_stat_psnr;

/** RTCStatsType. Unknown types are to be ignored. */
typedef enum wlk_stats_type {
	WLK_STATS_CODEC = 1,
	WLK_STATS_INBOUND_RTP = 2,
	WLK_STATS_OUTBOUND_RTP = 3,
	WLK_STATS_REMOTE_INBOUND_RTP = 4,
	WLK_STATS_REMOTE_OUTBOUND_RTP = 5,
	WLK_STATS_MEDIA_SOURCE = 6,
	WLK_STATS_MEDIA_PLAYOUT = 7,
	WLK_STATS_PEER_CONNECTION = 8,
	WLK_STATS_DATA_CHANNEL = 9,
	WLK_STATS_TRANSPORT = 10,
	WLK_STATS_CANDIDATE_PAIR = 11,
	WLK_STATS_LOCAL_CANDIDATE = 12,
	WLK_STATS_REMOTE_CANDIDATE = 13,
	WLK_STATS_CERTIFICATE = 14,
	WLK_STATS_SCTP_TRANSPORT = 15 /**< ours */
} wlk_stats_type;

/** What every record begins with. Its type says which of the structs below it is. */
typedef struct wlk_stats {
	size_t struct_size;  /**< of the record as the library made it; a member behind it does not exist */
	wlk_stats_type type;
	const char *id;      /**< the same for the same thing in each report of a connection, and never of another thing */
	double timestamp;    /**< when it was so [ms since 1970]; for remote-... records, when the peer's report arrived */
} wlk_stats;

/** Whether a member exists, also when the library is older than this header. */
#define WLK_STAT_EXISTS(record, member)                                                                                 \
	((record)->base.struct_size >= (size_t)((const char *)(&(record)->member + 1) - (const char *)(record)) &&      \
	 (record)->member.exists)

/** RTCCodecStats: a payload type that a stream uses. */
typedef struct wlk_stats_codec {
	wlk_stats base;
	wlk_stat_count payload_type;
	wlk_stat_id transport_id;
	wlk_stat_text mime_type; /**< "video/VP8" */
	wlk_stat_count clock_rate;
	wlk_stat_count channels; /**< audio only */
	wlk_stat_text sdp_fmtp_line;
} wlk_stats_codec;

/** RTCInboundRtpStreamStats: one SSRC that we receive. */
typedef struct wlk_stats_inbound_rtp {
	wlk_stats base;
	wlk_stat_count ssrc;
	wlk_stat_text kind; /**< "audio" or "video" */
	wlk_stat_id transport_id;
	wlk_stat_id codec_id;
	wlk_stat_count packets_received; /**< with retransmissions */
	wlk_stat_count packets_received_with_ect1;
	wlk_stat_count packets_received_with_ce;
	wlk_stat_count packets_reported_as_lost;
	wlk_stat_count packets_reported_as_lost_but_recovered;
	wlk_stat_signed packets_lost;
	wlk_stat_number jitter; /**< [s] */
	wlk_stat_text track_identifier;
	wlk_stat_text mid;
	wlk_stat_text rid; /**< ours: the simulcast layer */
	wlk_stat_id remote_id;
	wlk_stat_count frames_decoded;
	wlk_stat_count key_frames_decoded;
	wlk_stat_count frames_rendered;
	wlk_stat_count frames_dropped;
	wlk_stat_count frame_width;
	wlk_stat_count frame_height;
	wlk_stat_number frames_per_second;
	wlk_stat_count qp_sum;
	wlk_stat_number total_decode_time;
	wlk_stat_number total_inter_frame_delay;
	wlk_stat_number total_squared_inter_frame_delay;
	wlk_stat_count pause_count;
	wlk_stat_number total_pauses_duration;
	wlk_stat_count freeze_count;
	wlk_stat_number total_freezes_duration;
	wlk_stat_number last_packet_received_timestamp;
	wlk_stat_count header_bytes_received;
	wlk_stat_count packets_discarded; /**< duplicates and what came too late */
	wlk_stat_count fec_bytes_received;
	wlk_stat_count fec_packets_received;
	wlk_stat_count fec_packets_discarded;
	wlk_stat_count bytes_received; /**< payload, with retransmissions */
	wlk_stat_count nack_count;     /**< sent, as the two that follow */
	wlk_stat_count fir_count;
	wlk_stat_count pli_count;
	wlk_stat_number total_processing_delay;
	wlk_stat_number estimated_playout_timestamp;
	wlk_stat_number jitter_buffer_delay;
	wlk_stat_number jitter_buffer_target_delay;
	wlk_stat_number jitter_buffer_minimum_delay;
	wlk_stat_count jitter_buffer_emitted_count;
	wlk_stat_count total_samples_received;
	wlk_stat_count concealed_samples;
	wlk_stat_count silent_concealed_samples;
	wlk_stat_count concealment_events;
	wlk_stat_count inserted_samples_for_deceleration;
	wlk_stat_count removed_samples_for_acceleration;
	wlk_stat_number audio_level;
	wlk_stat_number total_audio_energy;
	wlk_stat_number total_samples_duration;
	wlk_stat_count frames_received;
	wlk_stat_text decoder_implementation;
	wlk_stat_id playout_id;
	wlk_stat_bool power_efficient_decoder;
	wlk_stat_count frames_assembled_from_multiple_packets;
	wlk_stat_number total_assembly_time;
	wlk_stat_count retransmitted_packets_received;
	wlk_stat_count retransmitted_bytes_received;
	wlk_stat_count rtx_ssrc;
	wlk_stat_count fec_ssrc;
	wlk_stat_number total_corruption_probability;
	wlk_stat_number total_squared_corruption_probability;
	wlk_stat_count corruption_measurements;
} wlk_stats_inbound_rtp;

/** RTCOutboundRtpStreamStats: one SSRC that we send; each simulcast layer is one. */
typedef struct wlk_stats_outbound_rtp {
	wlk_stats base;
	wlk_stat_count ssrc;
	wlk_stat_text kind;
	wlk_stat_id transport_id;
	wlk_stat_id codec_id;
	wlk_stat_count packets_sent; /**< with retransmissions */
	wlk_stat_count bytes_sent;   /**< payload, with retransmissions */
	wlk_stat_text mid;
	wlk_stat_id media_source_id;
	wlk_stat_id remote_id;
	wlk_stat_text rid;
	wlk_stat_count encoding_index;
	wlk_stat_count header_bytes_sent;
	wlk_stat_count retransmitted_packets_sent;
	wlk_stat_count retransmitted_bytes_sent;
	wlk_stat_count rtx_ssrc;
	wlk_stat_number target_bitrate;
	wlk_stat_count total_encoded_bytes_target;
	wlk_stat_count frame_width;
	wlk_stat_count frame_height;
	wlk_stat_number frames_per_second;
	wlk_stat_count frames_sent;
	wlk_stat_count huge_frames_sent;
	wlk_stat_count frames_encoded;
	wlk_stat_count key_frames_encoded;
	wlk_stat_count qp_sum;
	wlk_stat_psnr psnr_sum;
	wlk_stat_count psnr_measurements;
	wlk_stat_number total_encode_time;
	wlk_stat_number total_packet_send_delay; /**< in our queue [s] */
	wlk_stat_text quality_limitation_reason;
	wlk_stat_limitations quality_limitation_durations;
	wlk_stat_count quality_limitation_resolution_changes;
	wlk_stat_count nack_count; /**< received, as the two that follow */
	wlk_stat_count fir_count;
	wlk_stat_count pli_count;
	wlk_stat_text encoder_implementation;
	wlk_stat_bool power_efficient_encoder;
	wlk_stat_bool active;
	wlk_stat_text scalability_mode;
	wlk_stat_count packets_sent_with_ect1;
} wlk_stats_outbound_rtp;

/** RTCRemoteInboundRtpStreamStats: what the peer's report blocks say about a stream that we send. */
typedef struct wlk_stats_remote_inbound_rtp {
	wlk_stats base;
	wlk_stat_count ssrc;
	wlk_stat_text kind;
	wlk_stat_id transport_id;
	wlk_stat_id codec_id;
	wlk_stat_count packets_received;
	wlk_stat_count packets_received_with_ect1;
	wlk_stat_count packets_received_with_ce;
	wlk_stat_count packets_reported_as_lost;
	wlk_stat_count packets_reported_as_lost_but_recovered;
	wlk_stat_signed packets_lost;
	wlk_stat_number jitter;
	wlk_stat_id local_id;
	wlk_stat_number round_trip_time;
	wlk_stat_number total_round_trip_time;
	wlk_stat_number fraction_lost; /**< 0 to 1, of the last interval */
	wlk_stat_count round_trip_time_measurements;
	wlk_stat_count packets_with_bleached_ect1_marking;
} wlk_stats_remote_inbound_rtp;

/** RTCRemoteOutboundRtpStreamStats: what the peer's sender reports say about a stream that we receive. */
typedef struct wlk_stats_remote_outbound_rtp {
	wlk_stats base;
	wlk_stat_count ssrc;
	wlk_stat_text kind;
	wlk_stat_id transport_id;
	wlk_stat_id codec_id;
	wlk_stat_count packets_sent;
	wlk_stat_count bytes_sent;
	wlk_stat_id local_id;
	wlk_stat_number remote_timestamp; /**< by the peer's clock */
	wlk_stat_count reports_sent;
	wlk_stat_number round_trip_time;
	wlk_stat_number total_round_trip_time;
	wlk_stat_count round_trip_time_measurements;
} wlk_stats_remote_outbound_rtp;

/** RTCAudioSourceStats and RTCVideoSourceStats: the track of a sender. */
typedef struct wlk_stats_media_source {
	wlk_stats base;
	wlk_stat_text track_identifier;
	wlk_stat_text kind;
	wlk_stat_number audio_level;
	wlk_stat_number total_audio_energy;
	wlk_stat_number total_samples_duration;
	wlk_stat_number echo_return_loss;
	wlk_stat_number echo_return_loss_enhancement;
	wlk_stat_count width;
	wlk_stat_count height;
	wlk_stat_count frames;
	wlk_stat_number frames_per_second;
} wlk_stats_media_source;

/** RTCAudioPlayoutStats; made only where the library plays audio itself. */
typedef struct wlk_stats_media_playout {
	wlk_stats base;
	wlk_stat_text kind;
	wlk_stat_number synthesized_samples_duration;
	wlk_stat_count synthesized_samples_events;
	wlk_stat_number total_samples_duration;
	wlk_stat_number total_playout_delay;
	wlk_stat_count total_samples_count;
} wlk_stats_media_playout;

/** RTCPeerConnectionStats. */
typedef struct wlk_stats_peer_connection {
	wlk_stats base;
	wlk_stat_count data_channels_opened;
	wlk_stat_count data_channels_closed;
} wlk_stats_peer_connection;

/** RTCDataChannelStats. */
typedef struct wlk_stats_data_channel {
	wlk_stats base;
	wlk_stat_text label;
	wlk_stat_text protocol;
	wlk_stat_count data_channel_identifier;
	wlk_stat_text state; /**< "connecting", "open", "closing", "closed" */
	wlk_stat_count messages_sent;
	wlk_stat_count bytes_sent;
	wlk_stat_count messages_received;
	wlk_stat_count bytes_received;
} wlk_stats_data_channel;

/** RTCTransportStats: DTLS, SRTP and data over ICE, without ICE's own messages. */
typedef struct wlk_stats_transport {
	wlk_stats base;
	wlk_stat_count packets_sent;
	wlk_stat_count packets_received;
	wlk_stat_count bytes_sent;
	wlk_stat_count bytes_received;
	wlk_stat_text ice_role; /**< "unknown", "controlling", "controlled" */
	wlk_stat_text ice_local_username_fragment;
	wlk_stat_text dtls_state; /**< "new", "connecting", "connected", "closed", "failed" */
	wlk_stat_text ice_state;  /**< "new", "checking", "connected", "completed", "disconnected", "failed", "closed" */
	wlk_stat_id selected_candidate_pair_id;
	wlk_stat_id local_certificate_id;
	wlk_stat_id remote_certificate_id;
	wlk_stat_text tls_version; /**< four hexadecimal digits, "FEFD" for DTLS 1.2 */
	wlk_stat_text dtls_cipher; /**< IANA's name of the suite */
	wlk_stat_text dtls_role;   /**< "unknown", "client", "server" */
	wlk_stat_text srtp_cipher; /**< IANA's name of the profile, "SRTP_" included */
	wlk_stat_count selected_candidate_pair_changes;
	wlk_stat_count ccfb_messages_sent;
	wlk_stat_count ccfb_messages_received;
} wlk_stats_transport;

/** RTCIceCandidatePairStats. */
typedef struct wlk_stats_candidate_pair {
	wlk_stats base;
	wlk_stat_id transport_id;
	wlk_stat_id local_candidate_id;
	wlk_stat_id remote_candidate_id;
	wlk_stat_text state; /**< "frozen", "waiting", "in-progress", "succeeded", "failed" */
	wlk_stat_bool nominated;
	wlk_stat_count packets_sent;
	wlk_stat_count packets_received;
	wlk_stat_count bytes_sent;
	wlk_stat_count bytes_received;
	wlk_stat_number last_packet_sent_timestamp;
	wlk_stat_number last_packet_received_timestamp;
	wlk_stat_number total_round_trip_time;   /**< sum over responses_received [s] */
	wlk_stat_number current_round_trip_time; /**< [s] */
	wlk_stat_number available_outgoing_bitrate; /**< [bit/s] */
	wlk_stat_number available_incoming_bitrate;
	wlk_stat_count requests_received;
	wlk_stat_count requests_sent; /**< checks, those of consent too, without their retransmissions */
	wlk_stat_count responses_received;
	wlk_stat_count responses_sent;
	wlk_stat_count consent_requests_sent; /**< RFC 7675, among requests_sent */
	wlk_stat_count packets_discarded_on_send;
	wlk_stat_count bytes_discarded_on_send;
} wlk_stats_candidate_pair;

/** RTCIceCandidateStats, of local-candidate and remote-candidate. */
typedef struct wlk_stats_candidate {
	wlk_stats base;
	wlk_stat_id transport_id;
	wlk_stat_text address; /**< null: hidden behind a .local name */
	wlk_stat_count port;
	wlk_stat_text protocol; /**< "udp" or "tcp" */
	wlk_stat_text candidate_type; /**< "host", "srflx", "prflx", "relay" */
	wlk_stat_count priority;
	wlk_stat_text url;            /**< of the STUN or TURN server, local ones only */
	wlk_stat_text relay_protocol; /**< to the TURN server: "udp", "tcp", "tls", "dtls" */
	wlk_stat_text foundation;
	wlk_stat_text related_address;
	wlk_stat_count related_port;
	wlk_stat_text username_fragment;
	wlk_stat_text tcp_type; /**< "active", "passive", "so" */
} wlk_stats_candidate;

/** RTCCertificateStats. */
typedef struct wlk_stats_certificate {
	wlk_stats base;
	wlk_stat_text fingerprint;           /**< "AB:CD:..." */
	wlk_stat_text fingerprint_algorithm; /**< "sha-256" */
	wlk_stat_text base64_certificate;    /**< the DER form */
	wlk_stat_id issuer_certificate_id;
} wlk_stats_certificate;

/** The SCTP association under the data channels; no browser has it. */
typedef struct wlk_stats_sctp_transport {
	wlk_stats base;
	wlk_stat_id transport_id;
	wlk_stat_text state; /**< RTCSctpTransportState: "connecting", "connected", "closed" */
	wlk_stat_count packets_sent;
	wlk_stat_count packets_received;
	wlk_stat_count bytes_sent; /**< whole SCTP packets */
	wlk_stat_count bytes_received;
	wlk_stat_count congestion_window;        /**< [bytes] */
	wlk_stat_count flight_size;              /**< user data sent and not acknowledged [bytes] */
	wlk_stat_number smoothed_round_trip_time; /**< [s] */
	wlk_stat_number retransmission_timeout;   /**< [s] */
	wlk_stat_count receiver_window;          /**< of the peer [bytes] */
	wlk_stat_count mtu;                      /**< largest SCTP packet [bytes] */
	wlk_stat_count unack_data;               /**< DATA chunks sent and not acknowledged, and those that wait */
	wlk_stat_count retransmitted_chunks;     /**< DATA chunks sent again */
	wlk_stat_bool zero_checksum;             /**< RFC 9653 is in use */
	wlk_stat_bool interleaving;              /**< RFC 8260 is in use */
} wlk_stats_sctp_transport;

/** All figures at one moment. A copy: it may be looked at on any thread, and after the connection is gone. */
typedef struct wlk_stats_report wlk_stats_report;

/**
 * Take the figures of the whole connection (getStats() without a selector), in any state, closed too.
 *
 * @param out  the caller's, for wlk_stats_report_destroy()
 *
 * Errors: WLK_ERR_INVALID (no place for it), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_get_stats(wlk_peer_connection *pc, wlk_stats_report **out);
/**
 * The streams of one sender, or receiver, and everything they refer to (stats selection algorithm of W3C webrtc 8.4);
 * getStats(track) means one of the two. Empty while it has no stream. Errors as above.
 */
WLK_API wlk_err wlk_rtp_sender_get_stats(wlk_rtp_sender *sender, wlk_stats_report **out);
WLK_API wlk_err wlk_rtp_receiver_get_stats(wlk_rtp_receiver *receiver, wlk_stats_report **out);

/** destroy(NULL) does nothing. */
WLK_API void wlk_stats_report_destroy(wlk_stats_report *report);
WLK_API size_t wlk_stats_report_count(const wlk_stats_report *report);
/** The record with this id, or NULL. Borrowed until the report is destroyed, like everything that it points to. */
WLK_API const wlk_stats *wlk_stats_report_get(const wlk_stats_report *report, const char *id);

/** Called for one record. */
typedef void (*wlk_stats_visitor)(const wlk_stats *record, void *user);
/** All records, those of the connection first, then transports, candidates, channels, streams. */
WLK_API void wlk_stats_report_visit(const wlk_stats_report *report, wlk_stats_visitor visitor, void *user);

/** The W3C word, "inbound-rtp" say; "unknown" for another number. */
WLK_API const char *wlk_stats_type_name(wlk_stats_type type);

/**
 * The report as one JSON object, id to record, as Object.fromEntries(await pc.getStats()) gives it in a browser: the same keys
 * in each record, the members that exist.
 *
 * @param json  heap text; free it with wlk_secret_free()
 *
 * Errors: WLK_ERR_INVALID (no place for it), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_stats_to_json(const wlk_stats_report *report, char **json);

/** The whole connection as JSON: wlk_peer_connection_get_stats() and wlk_stats_to_json() in one. */
WLK_API wlk_err wlk_peer_connection_stats_json(wlk_peer_connection *pc, char **json);

#ifdef __cplusplus
}
#endif

#endif
