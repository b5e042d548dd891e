/** The peer connection: RTCPeerConnection in C (W3C webrtc-pc, RFC 9429). */
#ifndef WIRELARK_PEER_CONNECTION_H
#define WIRELARK_PEER_CONNECTION_H

#include <wirelark/certificate.h>
#include <wirelark/data_channel.h>
#include <wirelark/error.h>
#include <wirelark/media.h>
#include <wirelark/record.h>
#include <wirelark/transceiver.h>
#include <wirelark/transport.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Thread rule: a peer connection and what it hands out belong to its loop's thread; only functions whose
 * documentation says THREAD-SAFE may be called from others.
 *
 * Handles that a peer connection gave out stay valid, in closed state, until it is destroyed.
 *
 * Every call is done when it returns, so there is no operations chain (W3C webrtc-pc 4.4.1.2): the chain of a browser holds what
 * was called while an earlier call was still at work. Events are delivered after the call, in the order of W3C's steps.
 *
 * Where W3C names an exception: InvalidStateError is WLK_ERR_STATE; InvalidAccessError, TypeError, RangeError and SyntaxError are
 * WLK_ERR_INVALID (in SDP: WLK_ERR_PARSE, and WLK_ERR_NEGOTIATION where two descriptions do not fit); InvalidModificationError is
 * WLK_ERR_NEGOTIATION; NotSupportedError is WLK_ERR_UNSUPPORTED. A failing call changes nothing.
 */

/** RTCSignalingState (RFC 9429 3.2). */
typedef enum wlk_signaling_state {
	WLK_SIGNALING_STABLE = 0,
	WLK_SIGNALING_HAVE_LOCAL_OFFER = 1,
	WLK_SIGNALING_HAVE_REMOTE_OFFER = 2,
	WLK_SIGNALING_HAVE_LOCAL_PRANSWER = 3,
	WLK_SIGNALING_HAVE_REMOTE_PRANSWER = 4,
	WLK_SIGNALING_CLOSED = 5
} wlk_signaling_state;

/** RTCIceConnectionState, of all transports together (W3C webrtc-pc 4.3.4). */
typedef enum wlk_ice_connection_state {
	WLK_ICE_CONNECTION_NEW = 0,
	WLK_ICE_CONNECTION_CHECKING = 1,
	WLK_ICE_CONNECTION_CONNECTED = 2,
	WLK_ICE_CONNECTION_COMPLETED = 3,
	WLK_ICE_CONNECTION_DISCONNECTED = 4,
	WLK_ICE_CONNECTION_FAILED = 5,
	WLK_ICE_CONNECTION_CLOSED = 6
} wlk_ice_connection_state;

/** RTCPeerConnectionState: ICE and DTLS of all transports together (W3C webrtc-pc 4.3.3). */
typedef enum wlk_connection_state {
	WLK_CONNECTION_NEW = 0,
	WLK_CONNECTION_CONNECTING = 1,
	WLK_CONNECTION_CONNECTED = 2,
	WLK_CONNECTION_DISCONNECTED = 3,
	WLK_CONNECTION_FAILED = 4,
	WLK_CONNECTION_CLOSED = 5
} wlk_connection_state;

/** RTCSdpType. */
typedef enum wlk_sdp_type {
	WLK_SDP_OFFER = 1,
	WLK_SDP_PRANSWER = 2,
	WLK_SDP_ANSWER = 3,
	WLK_SDP_ROLLBACK = 4
} wlk_sdp_type;

/** Names as the W3C API writes them ("have-local-offer"), never NULL. THREAD-SAFE. */
WLK_API const char *wlk_signaling_state_name(wlk_signaling_state state);
WLK_API const char *wlk_ice_connection_state_name(wlk_ice_connection_state state);
WLK_API const char *wlk_connection_state_name(wlk_connection_state state);
WLK_API const char *wlk_sdp_type_name(wlk_sdp_type type);

/** RTCSessionDescriptionInit. What a getter answers is borrowed until the next call on its connection. */
typedef struct wlk_session_description {
	wlk_sdp_type type;
	const char *sdp; /**< NUL-terminated */
} wlk_session_description;

/** RTCIceCandidateInit. A NULL or empty candidate says that no more will come. */
typedef struct wlk_ice_candidate {
	const char *candidate; /**< "candidate:..." */
	const char *sdp_mid;   /**< NULL when unknown */
	int32_t sdp_mline_index; /**< -1 when unknown */
	const char *username_fragment; /**< NULL when unknown */
} wlk_ice_candidate;

/** A STUN or TURN server. Strings are copied; the credential is wiped with the connection. */
typedef struct wlk_ice_server {
	const char *url;        /**< "stun:host[:port]" (RFC 7064), "turn:" or "turns:host[:port][?transport=udp|tcp]" (RFC 7065). turns:
				 *   is TLS, or DTLS with transport=udp */
	const char *username;   /**< TURN only, where both are required */
	const char *credential; /**< long-term credential (RFC 8489 9.2), static or of a REST API */
} wlk_ice_server;

/** RTCIceTransportPolicy. */
typedef enum wlk_ice_transport_policy { WLK_ICE_TRANSPORT_ALL = 0, WLK_ICE_TRANSPORT_RELAY = 1 } wlk_ice_transport_policy;

/**
 * RTCBundlePolicy (RFC 9429 4.1.1): how many transports the first offer has. Once the answer bundles they are one; sections that it does
 * not bundle keep their own. Remote offers are answered with a transport for each BUNDLE group and for each section in none; under
 * balanced and max-bundle what such an offer takes apart is rejected (RFC 9429 5.3.1).
 */
typedef enum wlk_bundle_policy {
	WLK_BUNDLE_DEFAULT = 0,     /**< one, as max-bundle, but offered with the transport's lines in each section, so that those who look
				     *   at them find them. The default of W3C is balanced */
	WLK_BUNDLE_BALANCED = 1,    /**< one for each kind; a second section of a kind is bundle-only. Of an offer, sections that are not
				     *   bundled with the first of their kind are rejected */
	WLK_BUNDLE_MAX_COMPAT = 2,  /**< one for each section, up to 16; the sections above that are bundle-only */
	WLK_BUNDLE_MAX_BUNDLE = 3   /**< one; sections behind the first are bundle-only, and of an offer that does not bundle them rejected */
} wlk_bundle_policy;

/** RTCRtcpMuxPolicy. RTP and RTCP always share a transport: "negotiate" is WLK_ERR_UNSUPPORTED (W3C lets it be refused). */
typedef enum wlk_rtcp_mux_policy { WLK_RTCP_MUX_REQUIRE = 0, WLK_RTCP_MUX_NEGOTIATE = 1 } wlk_rtcp_mux_policy;

/** Which TCP candidates (RFC 6544) are used. */
typedef enum wlk_ice_tcp {
	WLK_ICE_TCP_ACTIVE = 0, /**< connect to the peer's passive candidates */
	WLK_ICE_TCP_OFF = 1,
	WLK_ICE_TCP_BOTH = 2 /**< listen too */
} wlk_ice_tcp;

/** Configuration of a peer connection. Set up with WLK_CONFIGURATION_INIT; zero is always the default. */
typedef struct wlk_configuration {
	size_t struct_size;
	const wlk_ice_server *ice_servers; /**< copied */
	size_t ice_server_count;
	wlk_certificate *certificate; /**< NULL: the loop's own, made once and shared by its connections. An expired one is WLK_ERR_INVALID */
	bool allow_loopback;          /**< gather loopback addresses and accept such remote candidates, which are refused by default */
	bool allow_link_local;        /**< the same for 169.254.0.0/16 and fe80::/10 */
	bool no_ipv4;
	bool no_ipv6;
	bool nominate_once;      /**< keep to the first nominated pair, as RFC 8445 8.1.1 has it */
	size_t max_message_size; /**< what we announce as a=max-message-size [bytes]; 0: 262144 */
	uint16_t sctp_streams;   /**< streams each way; 0: 1024 (about 112 KB an association) */
	size_t memory_budget;    /**< bytes this connection may hold; 0: 8 MiB. Exceeding it closes this connection only */
	const char *log_name;    /**< prefix of its log lines; NULL: "pc<number>" */
	void *user;
	wlk_ice_transport_policy ice_transport_policy;
	wlk_ip_handling ip_handling;
	wlk_ice_tcp ice_tcp;
	uint8_t ice_candidate_pool_size; /**< not 0: gather at once, before the first description (one component: 1 is enough);
					  *   candidates are told once a local description is set */
	bool ice_lite;            /**< be an ICE-lite agent (RFC 8445 2.5): answer checks only; for hosts with a public address */
	bool hide_host_addresses; /**< announce host candidates by mDNS names ("<uuid>.local") and answer queries for them */
	bool no_roaming;          /**< do not follow changes of the network: no new candidates once gathering was complete */
	bool renomination;        /**< announce and use draft-thatcher-ice-renomination */
	uint16_t port_min;        /**< UDP ports to bind; both 0: any */
	uint16_t port_max;
	const wlk_address_mapping *address_mappings; /**< copied */
	size_t address_mapping_count;
	wlk_address_filter local_address_filter; /**< NULL: all; called on the loop's thread, with @c user above */
	wlk_address_filter remote_address_filter;
	/**
	 * RTCConfiguration.certificates: each is checked (WLK_ERR_INVALID when one is expired, W3C InvalidAccessError); the first serves
	 * all handshakes of this connection, because browsers look at one fingerprint only. Not together with @c certificate.
	 */
	wlk_certificate *const *certificates;
	size_t certificate_count;
	wlk_recording *recording; /**< write down what crosses into this connection's code, see record.h; NULL: the loop's, if it has one */
	wlk_bundle_policy bundle_policy;
	wlk_rtcp_mux_policy rtcp_mux_policy;
	struct wlk_codec_set *codecs; /**< encoders and decoders for raw media, see codec.h; held. NULL: the library's own */
} wlk_configuration;

#define WLK_CONFIGURATION_INIT \
	{ sizeof(wlk_configuration), NULL, 0, NULL, false, false, false, false, false, 0, 0, 0, NULL, NULL, WLK_ICE_TRANSPORT_ALL, \
	  WLK_IP_HANDLING_ALL, WLK_ICE_TCP_ACTIVE, 0, false, false, false, false, 0, 0, NULL, 0, NULL, NULL, NULL, 0, NULL, WLK_BUNDLE_DEFAULT, \
	  WLK_RTCP_MUX_REQUIRE, NULL }

/** What an event tells, and which member of wlk_event.u goes with it. Append-only. */
typedef enum wlk_event_type {
	WLK_EVENT_NEGOTIATION_NEEDED = 1, /**< in stable only, and only if it is still needed when it is delivered */
	WLK_EVENT_SIGNALING_STATE_CHANGE = 2,
	WLK_EVENT_ICE_CANDIDATE = 3, /**< a new local candidate; candidate.candidate "" is the end of this generation */
	WLK_EVENT_ICE_GATHERING_STATE_CHANGE = 4,
	WLK_EVENT_ICE_CONNECTION_STATE_CHANGE = 5,
	WLK_EVENT_CONNECTION_STATE_CHANGE = 6,
	WLK_EVENT_SELECTED_PAIR_CHANGE = 7,
	WLK_EVENT_TRACK = 8,        /**< u.track: a remote description, or its rollback, lets a transceiver receive, or puts its track into
				     *   more streams */
	WLK_EVENT_DATA_CHANNEL = 9, /**< u.channel: the peer opened a channel; its WLK_EVENT_DATA_CHANNEL_OPEN follows */
	WLK_EVENT_DATA_CHANNEL_OPEN = 10, /**< u.channel, as for all channel events but messages */
	WLK_EVENT_DATA_CHANNEL_MESSAGE = 11, /**< u.message */
	WLK_EVENT_DATA_CHANNEL_WRITABLE = 12, /**< after WLK_ERR_AGAIN: there is room again */
	WLK_EVENT_DATA_CHANNEL_BUFFERED_AMOUNT_LOW = 13,
	WLK_EVENT_DATA_CHANNEL_CLOSING = 14,
	WLK_EVENT_DATA_CHANNEL_CLOSE = 15,
	WLK_EVENT_DATA_CHANNEL_ERROR = 16,
	WLK_EVENT_RTP_PACKET = 17,
	WLK_EVENT_KEY_FRAME_REQUEST = 18, /**< a key frame is due: the receiver of what we send asks for it, or sending becomes possible */
	WLK_EVENT_BITRATE_LIMIT = 19,     /**< the receiver of what we send announced a limit (REMB), or max_bitrate changed */
	WLK_EVENT_ICE_CANDIDATE_ERROR = 20, /**< a STUN or TURN server could not be used (u.candidate_error) */
	WLK_EVENT_ICE_RESTART_WANTED = 21, /**< the network changed and no path is left: call restart_ice() and signal */
	WLK_EVENT_DTLS_STATE_CHANGE = 22,   /**< u.dtls_transport */
	WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE = 23, /**< u.ice_transport, as for the next two; before the connection's own event */
	WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE = 24,
	WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE = 25,
	WLK_EVENT_SCTP_STATE_CHANGE = 26, /**< u.sctp_transport */
	WLK_EVENT_TRACK_MUTE = 27,   /**< u.track: nothing comes on this transceiver any more (W3C mute on the receiver's track): by a
				       *   description, by the sender's BYE, or no packet came for 5 s */
	WLK_EVENT_REMOVE_TRACK = 28, /**< u.track: the receiver's track left the streams that are listed (W3C removetrack on each) */
	WLK_EVENT_TRACK_ENDED = 29,  /**< u.track: the transceiver was stopped, here or there (W3C ended on the receiver's track) */
	WLK_EVENT_FRAME = 30, /**< u.frame, of a receiver at WLK_MEDIA_LEVEL_FRAMES */
	WLK_EVENT_TONE_CHANGE = 31, /**< u.tone_change: a tone of wlk_rtp_sender_insert_dtmf() begins, or "": the row is over */
	WLK_EVENT_DTLS_ERROR = 32,  /**< u.dtls_error: a DTLS transport failed (W3C error); its state change follows */
	WLK_EVENT_VIDEO_FRAME = 33, /**< u.video, of a receiver at WLK_MEDIA_LEVEL_RAW: a picture that is to be shown now (track.h) */
	WLK_EVENT_DTMF = 35,        /**< u.dtmf: a telephone event comes in, at any level but WLK_MEDIA_LEVEL_PACKETS (RFC 4733) */
	WLK_EVENT_TARGET_BITRATE = 36, /**< u.target_bitrate: an encoding of ours has another share of what the path carries */
	WLK_EVENT_TRACK_UNMUTE = 37,   /**< u.track: the first packet came on this transceiver, or the first one after it was muted */
	/**
	 * u.speaking: somebody begins to speak, or has not spoken for a second, by the audio levels of packets (RFC 6464) where they are
	 * negotiated; of what is sent by the levels of its frames.
	 */
	WLK_EVENT_SPEAKING = 38,
	/**
	 * u.stall, of a receiver at WLK_MEDIA_LEVEL_RAW: the picture stands still for longer than its rhythm explains (what webrtc-stats
	 * counts as a freeze: three times the mean interval of the last 30 pictures, and 150 ms more than it), or goes on.
	 */
	WLK_EVENT_VIDEO_STALL = 39
} wlk_event_type;

/** Each WLK_DTMF_BEGIN is followed by one WLK_DTMF_END, though packets may be lost: after 250 ms without any it ends by itself. */
typedef enum wlk_dtmf_phase {
	WLK_DTMF_BEGIN = 0,
	WLK_DTMF_UPDATE = 1, /**< it goes on */
	WLK_DTMF_END = 2
} wlk_dtmf_phase;

/** One fact. Everything it points to is lent until the next event is polled or delivered. Unknown types are to be ignored. */
typedef struct wlk_event {
	wlk_event_type type;
	wlk_peer_connection *pc;
	union {
		wlk_signaling_state signaling_state;
		wlk_ice_gathering_state ice_gathering_state;
		wlk_ice_connection_state ice_connection_state;
		struct {
			wlk_connection_state state;
			const char *reason; /**< why it failed or closed, "" otherwise */
		} connection;
		wlk_ice_candidate candidate;
		struct {
			wlk_addr local;
			wlk_addr remote;
		} selected_pair;
		struct {
			wlk_transceiver *transceiver;
			const char *stream_id; /**< the first of stream_ids, "" for none */
			const char *track_id;
			const char *const *stream_ids; /**< TRACK: all that it is in; REMOVE_TRACK: those it left */
			size_t stream_count;
		} track;
		struct {
			wlk_data_channel *channel;
			const char *error; /**< WLK_EVENT_DATA_CHANNEL_ERROR only */
			const wlk_error *details; /**< the same in its parts; NULL when memory is out, and for the other events */
		} channel;
		struct {
			wlk_data_channel *channel;
			wlk_message_type type;
			const uint8_t *data;
			size_t size;
		} message;
		struct {
			wlk_transceiver *transceiver;
			const wlk_rtp_packet *packet;
		} rtp;
		struct {
			wlk_transceiver *transceiver;
			const wlk_encoded_frame *frame;
		} frame;
		struct {
			wlk_transceiver *transceiver;
			const struct wlk_video_frame *frame;
		} video;
		wlk_transceiver *key_frame; /**< whose sender is asked */
		struct {
			wlk_transceiver *transceiver; /**< the same */
			const char *rid;              /**< of which encoding; NULL without simulcast */
		} key_frame_request;
		struct {
			wlk_rtp_sender *sender;
			const char *tone; /**< "5", "," or "" */
		} tone_change;
		struct {
			wlk_transceiver *transceiver;
			wlk_dtmf_phase phase;
			uint8_t event;     /**< 0 to 255; 0 to 15 are tones */
			char tone;         /**< 0-9 * # A-D; 0: |event| is no tone */
			uint8_t volume;    /**< -dBm0, 0 loudest to 63 */
			wlk_time duration; /**< so far; with WLK_DTMF_END of all */
		} dtmf;
		struct {
			wlk_transceiver *transceiver; /**< whose sender */
			const char *rid;              /**< of which encoding; NULL without simulcast */
			uint64_t bps; /**< for what its encoder makes, headers not counted; 0: send nothing of it for now */
		} target_bitrate;
		struct {
			wlk_transceiver *transceiver;
			bool speaking;
			bool local;          /**< in what is sent, else in what is received */
			uint8_t audio_level; /**< of the last packet, -dBov: 0 loudest to 127 */
		} speaking;
		struct {
			wlk_transceiver *transceiver;
			bool stalled;
			wlk_time duration; /**< since the last picture was shown [us]; with |stalled| false until this one is */
		} stall;
		uint64_t bitrate_limit;     /**< bits a second, the lower of the receiver's and of our encodings' max_bitrate */
		struct {
			wlk_addr address;  /**< ours, none when unknown or hidden */
			const char *url;   /**< of the server */
			uint16_t code;     /**< STUN error code; 701: it could not be reached */
			const char *text;  /**< the server's reason, or ours: "certificate has expired" */
		} candidate_error; /**< RTCPeerConnectionIceErrorEvent */
		wlk_dtls_transport *dtls_transport;
		struct {
			wlk_dtls_transport *transport;
			const wlk_error *error; /**< NULL when memory is out */
		} dtls_error;
		wlk_ice_transport *ice_transport;
		wlk_sctp_transport *sctp_transport;
		uint64_t reserved[12];
	} u;
} wlk_event;

/** Events are delivered by the loop between calls, never inside one: every function may be called here, destroy too. */
typedef void (*wlk_event_fn)(const wlk_event *event, void *user);

/**
 * End the connection: channels and transports close, the far end is told at once (close_notify, SCTP ABORT), and messages that still
 * wait are dropped: for those, close the channels and wait for WLK_EVENT_DATA_CHANNEL_CLOSE first. No event is raised by it. Idempotent.
 */
WLK_API void wlk_peer_connection_close(wlk_peer_connection *pc);
/** Close and free, with every handle it gave out. Allowed inside its own event callback. destroy(NULL) does nothing. */
WLK_API void wlk_peer_connection_destroy(wlk_peer_connection *pc);

/** Options of an offer. Set up with WLK_OFFER_OPTIONS_INIT. */
typedef struct wlk_offer_options {
	size_t struct_size;
	bool ice_restart;
} wlk_offer_options;

#define WLK_OFFER_OPTIONS_INIT { sizeof(wlk_offer_options), false }

/**
 * Write an offer (RFC 9429 5.2) for the transceivers and channels that exist. Nothing changes until it is set.
 *
 * @param options  NULL for none
 * @param sdp      borrowed until the next call on this connection, which may be the one that sets it
 *
 * Errors: WLK_ERR_STATE (not in stable or have-local-offer, or closed), WLK_ERR_INVALID (struct_size, or no place for the
 * text), WLK_ERR_NOSPACE (more than 64 m-sections), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_create_offer(wlk_peer_connection *pc, const wlk_offer_options *options, const char **sdp);
/** Write an answer (RFC 9429 5.3) to the remote offer. Errors: WLK_ERR_STATE without one, WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_peer_connection_create_answer(wlk_peer_connection *pc, const char **sdp);

/**
 * Apply a local description (RFC 9429 5.9).
 *
 * @param description  NULL: make the offer or answer that the signalling state asks for and set it; or a type with NULL or empty
 *                     sdp: make one of that type; or what create_offer()/create_answer() answered last; or type ROLLBACK, which
 *                     takes back a local offer
 *
 * Candidate gathering starts with the first one that has an m-section. Errors: WLK_ERR_STATE (not in this signalling state; a
 * rollback in stable or after a provisional answer), WLK_ERR_NEGOTIATION (not the text that was created last: InvalidModificationError;
 * or the two descriptions do not fit), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_set_local_description(wlk_peer_connection *pc, const wlk_session_description *description);
/**
 * Apply a remote description (RFC 9429 5.10). An offer that meets an offer of ours takes ours back first (the implicit rollback of
 * W3C 4.4.2, what perfect negotiation stands on); one that is refused leaves ours in place. Type ROLLBACK takes back a remote offer;
 * its sdp is not looked at. On an error wlk_last_error() names the line and the reason, and nothing changed.
 * Errors: WLK_ERR_INVALID (no description or text), WLK_ERR_STATE, WLK_ERR_PARSE, WLK_ERR_TOO_LARGE (256 KiB, 64 m-sections, 1024 attributes a section),
 * WLK_ERR_NEGOTIATION, WLK_ERR_UNSUPPORTED, WLK_ERR_NOSPACE (4096 transceivers have come and gone), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_set_remote_description(wlk_peer_connection *pc, const wlk_session_description *description);

/**
 * Whether the peer takes candidates after its description (a=ice-options:trickle): 1 yes, 0 no, -1 not known before a remote
 * description. At 0, and wherever the signalling carries one message each way, wait for WLK_ICE_GATHERING_COMPLETE before
 * sending wlk_peer_connection_local_description(): it then holds all candidates and a=end-of-candidates (half trickle,
 * RFC 8838 16). W3C canTrickleIceCandidates.
 */
WLK_API int wlk_peer_connection_can_trickle_ice_candidates(const wlk_peer_connection *pc);

/**
 * The pending description, else the current one, with the candidates so far; NULL when none. Borrowed until the next call.
 * Each WLK_EVENT_ICE_CANDIDATE was put into it before the event; when the event with the empty candidate comes, which is
 * right before the gathering state "complete", it is whole.
 */
WLK_API const wlk_session_description *wlk_peer_connection_local_description(wlk_peer_connection *pc);
WLK_API const wlk_session_description *wlk_peer_connection_remote_description(wlk_peer_connection *pc);
/** What was agreed last, and what is on its way (W3C 4.4.2): NULL when there is none. Borrowed until the next call. */
WLK_API const wlk_session_description *wlk_peer_connection_current_local_description(wlk_peer_connection *pc);
WLK_API const wlk_session_description *wlk_peer_connection_pending_local_description(wlk_peer_connection *pc);
WLK_API const wlk_session_description *wlk_peer_connection_current_remote_description(wlk_peer_connection *pc);
WLK_API const wlk_session_description *wlk_peer_connection_pending_remote_description(wlk_peer_connection *pc);

/**
 * Add a candidate of the peer (RFC 8838), or the end of them: NULL or an empty candidate, for one m-section when it names one,
 * else for all. A ufrag, in the line or beside it, chooses between the pending and the current remote description. A section
 * that is bundled with another one is as good as that one.
 * Errors: WLK_ERR_STATE without a remote description, WLK_ERR_PARSE, WLK_ERR_TOO_LARGE (a line above 512 bytes, or too many
 * candidates), WLK_ERR_NOT_FOUND (no such mid, index or ufrag), WLK_ERR_UNSUPPORTED (a loopback, multicast, broadcast or
 * unspecified address, or one that remote_address_filter refuses; the connection goes on).
 */
WLK_API wlk_err wlk_peer_connection_add_ice_candidate(wlk_peer_connection *pc, const wlk_ice_candidate *candidate);
/**
 * The next offer carries new ICE credentials; raises negotiation needed. Does nothing before a local description and once closed (W3C).
 * The old path is used until the new one works: where both are there, WLK_EVENT_SELECTED_PAIR_CHANGE is all that tells.
 */
WLK_API wlk_err wlk_peer_connection_restart_ice(wlk_peer_connection *pc);

/**
 * The configuration in force (W3C getConfiguration), to be changed and given to wlk_peer_connection_set_configuration().
 *
 * @param out  set up with WLK_CONFIGURATION_INIT; what it points to is borrowed until the servers change or the connection is
 *             destroyed. No certificates where none were given
 *
 * Errors: WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_peer_connection_get_configuration(const wlk_peer_connection *pc, wlk_configuration *out);
/**
 * Replace the ICE servers and the transport policy (W3C setConfiguration 4.4.1.6): fresh TURN credentials take effect with the
 * next refresh of an allocation, new servers and a new policy with the next gathering, after an ICE restart, say. The size of the
 * candidate pool may change until a local description is set. All other members must be as they are: begin with what
 * wlk_peer_connection_get_configuration() answers. No log_name is the one that there is; user and recording are not looked at.
 * Errors: WLK_ERR_NEGOTIATION (a member that cannot change does: InvalidModificationError), WLK_ERR_INVALID (a bad URL, a TURN
 * server without credentials), WLK_ERR_UNSUPPORTED (a URL of another transport), WLK_ERR_NOMEM, WLK_ERR_STATE when closed. Nothing
 * changed then.
 */
WLK_API wlk_err wlk_peer_connection_set_configuration(wlk_peer_connection *pc, const wlk_configuration *config);

/** Limits of what a connection sends [bit/s], of whole packets with all headers, data beside media counted. Set up with the macro. */
typedef struct wlk_bitrate_limits {
	size_t struct_size;
	uint64_t min_bps;   /**< what the estimate never goes below, whatever the path does; 0: 30,000 */
	uint64_t start_bps; /**< where the estimate begins; 0: 300,000 */
	uint64_t max_bps;   /**< what it never goes above, probes included; 0: no limit */
} wlk_bitrate_limits;

#define WLK_BITRATE_LIMITS_INIT { sizeof(wlk_bitrate_limits), 0, 0, 0 }

/**
 * Limits of congestion control, for each path of the connection (one, when everything is bundled). They hold from here on: the targets of
 * encodings (WLK_EVENT_TARGET_BITRATE) follow at once. A start_bps that differs from the one before takes the estimate there, also in
 * the middle of a call: that is for applications that know of a new path. libwebrtc calls it SetBitrate.
 *
 * Errors: WLK_ERR_INVALID (no limits, min above max, or a start that is not between them), WLK_ERR_STATE when closed.
 */
WLK_API wlk_err wlk_peer_connection_set_bitrate(wlk_peer_connection *pc, const wlk_bitrate_limits *limits);

/** The present states; an event in hand may be older. */
WLK_API wlk_signaling_state wlk_peer_connection_signaling_state(const wlk_peer_connection *pc);
WLK_API wlk_ice_gathering_state wlk_peer_connection_ice_gathering_state(const wlk_peer_connection *pc);
WLK_API wlk_ice_connection_state wlk_peer_connection_ice_connection_state(const wlk_peer_connection *pc);
WLK_API wlk_connection_state wlk_peer_connection_connection_state(const wlk_peer_connection *pc);
/**
 * The path that packets take: our address (of the socket, or the relayed one) and the peer's. WLK_EVENT_SELECTED_PAIR_CHANGE tells
 * when it becomes another. Errors: WLK_ERR_NOT_FOUND (none is usable), WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_peer_connection_selected_pair(const wlk_peer_connection *pc, wlk_addr *local, wlk_addr *remote);
/** The largest message the peer takes [bytes]; 0 before it is known. */
WLK_API size_t wlk_peer_connection_max_message_size(const wlk_peer_connection *pc);

/**
 * The story of the last failing call, or of a transport that failed after it, in words; wlk_peer_connection_last_error() has it in
 * parts. Borrowed until the next call on this connection; "" when nothing has failed, and for NULL.
 */
WLK_API const char *wlk_last_error(const wlk_peer_connection *pc);

/** A pointer of the application's, kept and never looked at; wlk_configuration.user at first. */
WLK_API void wlk_peer_connection_set_user(wlk_peer_connection *pc, void *user);
WLK_API void *wlk_peer_connection_user(const wlk_peer_connection *pc);

#ifdef __cplusplus
}
#endif

#endif
