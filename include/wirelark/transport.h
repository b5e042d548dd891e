/** Transports as objects: RTCDtlsTransport, RTCIceTransport and RTCSctpTransport in C, and RTCIceCandidate in its parts. */
#ifndef WIRELARK_TRANSPORT_H
#define WIRELARK_TRANSPORT_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The handles belong to their peer connection and stay valid, in closed state, until it is destroyed. They are never freed by
 * the caller. Sections that are bundled (RFC 9143) have the same DTLS transport, and with it the same ICE transport.
 */
typedef struct wlk_peer_connection wlk_peer_connection;
typedef struct wlk_rtp_sender wlk_rtp_sender;
typedef struct wlk_rtp_receiver wlk_rtp_receiver;
typedef struct wlk_dtls_transport wlk_dtls_transport;
typedef struct wlk_ice_transport wlk_ice_transport;
typedef struct wlk_sctp_transport wlk_sctp_transport;

/* ---- DTLS: W3C webrtc-pc 5.5 ---- */

/** RTCDtlsTransportState. */
typedef enum wlk_dtls_state {
	WLK_DTLS_STATE_NEW = 0,
	WLK_DTLS_STATE_CONNECTING = 1,
	WLK_DTLS_STATE_CONNECTED = 2,
	WLK_DTLS_STATE_CLOSED = 3, /**< by close_notify, ours or the far end's */
	WLK_DTLS_STATE_FAILED = 4
} wlk_dtls_state;

/** RTCDtlsRole. */
typedef enum wlk_dtls_role { WLK_DTLS_ROLE_UNKNOWN = 0, WLK_DTLS_ROLE_CLIENT = 1, WLK_DTLS_ROLE_SERVER = 2 } wlk_dtls_role;

/** Names as the W3C API writes them ("connecting"), never NULL. THREAD-SAFE. */
WLK_API const char *wlk_dtls_state_name(wlk_dtls_state state);
WLK_API const char *wlk_dtls_role_name(wlk_dtls_role role);

/** The transport over which the sender's RTP goes, or the receiver's comes; NULL before a description gave it one. */
WLK_API wlk_dtls_transport *wlk_rtp_sender_transport(const wlk_rtp_sender *sender);
WLK_API wlk_dtls_transport *wlk_rtp_receiver_transport(const wlk_rtp_receiver *receiver);

/** What it stands on; never NULL. */
WLK_API wlk_ice_transport *wlk_dtls_transport_ice_transport(wlk_dtls_transport *transport);
WLK_API wlk_peer_connection *wlk_dtls_transport_peer_connection(const wlk_dtls_transport *transport);
/** WLK_EVENT_DTLS_STATE_CHANGE tells of each change. */
WLK_API wlk_dtls_state wlk_dtls_transport_state(const wlk_dtls_transport *transport);
/**
 * RTCDtlsTransport.getRemoteCertificates(): certificate @p index of the far end in DER, its own at 0; the only one, because no
 * chain is looked at. Empty when out of range, and before the handshake is done. Borrowed until the next call.
 */
WLK_API wlk_bytes wlk_dtls_transport_remote_certificate(const wlk_dtls_transport *transport, size_t index);
/** 0xfefd is DTLS 1.2; 0 before the handshake is done. */
WLK_API uint16_t wlk_dtls_transport_tls_version(const wlk_dtls_transport *transport);
/** The cipher suite by its IANA name, "" before the handshake is done. Static. */
WLK_API const char *wlk_dtls_transport_cipher(const wlk_dtls_transport *transport);
/** The SRTP protection profile by its IANA name ("SRTP_AEAD_AES_128_GCM"), "" when there is none. Static. */
WLK_API const char *wlk_dtls_transport_srtp_profile(const wlk_dtls_transport *transport);
WLK_API wlk_dtls_role wlk_dtls_transport_role(const wlk_dtls_transport *transport);

/* ---- ICE candidates: W3C webrtc-pc 4.8.1 ---- */

/** RTCIceComponent. */
typedef enum wlk_ice_component { WLK_ICE_COMPONENT_RTP = 1, WLK_ICE_COMPONENT_RTCP = 2 } wlk_ice_component;

/** RTCIceCandidateType. */
typedef enum wlk_ice_candidate_type {
	WLK_ICE_CANDIDATE_HOST = 0,
	WLK_ICE_CANDIDATE_SRFLX = 1,
	WLK_ICE_CANDIDATE_PRFLX = 2,
	WLK_ICE_CANDIDATE_RELAY = 3
} wlk_ice_candidate_type;

/** RTCIceTcpCandidateType; NONE for UDP. */
typedef enum wlk_ice_tcp_type {
	WLK_ICE_TCP_TYPE_NONE = 0,
	WLK_ICE_TCP_TYPE_ACTIVE = 1,
	WLK_ICE_TCP_TYPE_PASSIVE = 2,
	WLK_ICE_TCP_TYPE_SO = 3
} wlk_ice_tcp_type;

/** The members of RTCIceCandidate that its line holds (RFC 8839 5.1). A plain value: copy it freely. */
typedef struct wlk_ice_candidate_info {
	char foundation[33]; /**< at most 32 characters, RFC 8839 5.1 */
	uint16_t component;  /**< 1 is RTP, 2 RTCP (wlk_ice_component); others exist in the grammar */
	uint32_t priority;
	char address[256]; /**< an IP address, or a name ("<uuid>.local"); "" where it is hidden */
	uint16_t port;
	wlk_transport protocol;
	wlk_ice_candidate_type type;
	wlk_ice_tcp_type tcp_type;
	char related_address[256]; /**< "" for none */
	uint16_t related_port;
	char username_fragment[257]; /**< "" when the line does not say it */
	const char *relay_protocol;  /**< of a local relay candidate: "udp", "tcp", "tls" or "dtls"; NULL otherwise. Static */
	const char *url;             /**< of a local srflx or relay candidate: the server. NULL otherwise. Borrowed until the servers change */
} wlk_ice_candidate_info;

/**
 * Read "candidate:..." (or "a=candidate:...") into its parts, as the constructor of RTCIceCandidate does. THREAD-SAFE.
 * Errors: WLK_ERR_PARSE (malformed), WLK_ERR_UNSUPPORTED (well-formed, but of a transport or type that ICE does not have here),
 * WLK_ERR_TOO_LARGE (more than 512 bytes), WLK_ERR_INVALID (NULL). @p out is untouched then.
 */
WLK_API wlk_err wlk_ice_candidate_parse(const char *line, wlk_ice_candidate_info *out);
/** "host", "srflx", "prflx", "relay"; never NULL. THREAD-SAFE. */
WLK_API const char *wlk_ice_candidate_type_name(wlk_ice_candidate_type type);
/** "active", "passive", "so", "" for none; never NULL. THREAD-SAFE. */
WLK_API const char *wlk_ice_tcp_type_name(wlk_ice_tcp_type type);

/* ---- ICE: W3C webrtc-pc 5.6 ---- */

/** RTCIceTransportState. */
typedef enum wlk_ice_state {
	WLK_ICE_STATE_NEW = 0,
	WLK_ICE_STATE_CHECKING = 1,
	WLK_ICE_STATE_CONNECTED = 2,
	WLK_ICE_STATE_COMPLETED = 3,
	WLK_ICE_STATE_DISCONNECTED = 4,
	WLK_ICE_STATE_FAILED = 5,
	WLK_ICE_STATE_CLOSED = 6
} wlk_ice_state;

/** RTCIceGathererState: of one transport; wlk_peer_connection_ice_gathering_state() answers for all of them. */
typedef enum wlk_ice_gathering_state {
	WLK_ICE_GATHERING_NEW = 0,
	WLK_ICE_GATHERING_GATHERING = 1,
	WLK_ICE_GATHERING_COMPLETE = 2
} wlk_ice_gathering_state;

/** RTCIceRole. */
typedef enum wlk_ice_role { WLK_ICE_ROLE_UNKNOWN = 0, WLK_ICE_ROLE_CONTROLLING = 1, WLK_ICE_ROLE_CONTROLLED = 2 } wlk_ice_role;

/** RTCIceParameters. Borrowed until the next call. */
typedef struct wlk_ice_parameters {
	const char *username_fragment;
	const char *password;
} wlk_ice_parameters;

/** Names as the W3C API writes them, never NULL. THREAD-SAFE. */
WLK_API const char *wlk_ice_state_name(wlk_ice_state state);
WLK_API const char *wlk_ice_gathering_state_name(wlk_ice_gathering_state state);
WLK_API const char *wlk_ice_role_name(wlk_ice_role role);

/** The connection that it is of. */
WLK_API wlk_peer_connection *wlk_ice_transport_peer_connection(const wlk_ice_transport *transport);
/** UNKNOWN before a description was set. A role conflict may turn it (RFC 8445 7.3.1.1). */
WLK_API wlk_ice_role wlk_ice_transport_role(const wlk_ice_transport *transport);
/** Always RTP: with rtcp-mux there is no other component. */
WLK_API wlk_ice_component wlk_ice_transport_component(const wlk_ice_transport *transport);
/** WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE tells of each change. */
WLK_API wlk_ice_state wlk_ice_transport_state(const wlk_ice_transport *transport);
/** WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE tells of each change. */
WLK_API wlk_ice_gathering_state wlk_ice_transport_gathering_state(const wlk_ice_transport *transport);
/**
 * Candidate @p index of the ones that were told to the application, or came from the far end, in this generation; in the order
 * in which they came. Errors: WLK_ERR_NOT_FOUND (there are no more), WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_ice_transport_local_candidate(const wlk_ice_transport *transport, size_t index, wlk_ice_candidate_info *out);
WLK_API wlk_err wlk_ice_transport_remote_candidate(const wlk_ice_transport *transport, size_t index, wlk_ice_candidate_info *out);
/**
 * The candidates of the pair on which packets are sent. WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE tells when it becomes another.
 * Errors: WLK_ERR_NOT_FOUND (none is usable), WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_ice_transport_selected_pair(const wlk_ice_transport *transport, wlk_ice_candidate_info *local,
						wlk_ice_candidate_info *remote);
/** Our ufrag and password of the latest generation. Errors: WLK_ERR_NOT_FOUND (before a description was set), WLK_ERR_INVALID. */
WLK_API wlk_err wlk_ice_transport_local_parameters(const wlk_ice_transport *transport, wlk_ice_parameters *out);
/** The far end's. Errors: WLK_ERR_NOT_FOUND (not known yet), WLK_ERR_INVALID. */
WLK_API wlk_err wlk_ice_transport_remote_parameters(const wlk_ice_transport *transport, wlk_ice_parameters *out);

/* ---- SCTP: W3C webrtc-pc 6.1 ---- */

/** RTCSctpTransportState. */
typedef enum wlk_sctp_state {
	WLK_SCTP_STATE_CONNECTING = 0,
	WLK_SCTP_STATE_CONNECTED = 1,
	WLK_SCTP_STATE_CLOSED = 2
} wlk_sctp_state;

/** Names as the W3C API writes them, never NULL. THREAD-SAFE. */
WLK_API const char *wlk_sctp_state_name(wlk_sctp_state state);

/** The transport of the data channels; NULL before it was negotiated (the W3C attribute sctp). */
WLK_API wlk_sctp_transport *wlk_peer_connection_sctp(wlk_peer_connection *pc);

/** What it stands on; never NULL. */
WLK_API wlk_dtls_transport *wlk_sctp_transport_dtls_transport(const wlk_sctp_transport *transport);
/** WLK_EVENT_SCTP_STATE_CHANGE tells of each change. */
WLK_API wlk_sctp_state wlk_sctp_transport_state(const wlk_sctp_transport *transport);
/** The largest message that may be sent [bytes]; SIZE_MAX when the far end sets no limit. */
WLK_API size_t wlk_sctp_transport_max_message_size(const wlk_sctp_transport *transport);
/** How many channels there can be; 0 before the state is CONNECTED (W3C: null). */
WLK_API uint16_t wlk_sctp_transport_max_channels(const wlk_sctp_transport *transport);

#ifdef __cplusplus
}
#endif

#endif
