/** What a sender or receiver does with RTP: capabilities, codec preferences, parameters, header extensions, sources, DTMF. */
#ifndef WIRELARK_RTP_PARAMETERS_H
#define WIRELARK_RTP_PARAMETERS_H

#include <wirelark/media.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The dictionaries of W3C webrtc-pc 5.2 as plain structs. Where the specification throws, the call fails:
 * InvalidStateError is WLK_ERR_STATE, InvalidModificationError is WLK_ERR_NEGOTIATION, TypeError, RangeError and
 * InvalidCharacterError are WLK_ERR_INVALID, OperationError for what this build cannot do is WLK_ERR_UNSUPPORTED.
 */

typedef struct wlk_transceiver wlk_transceiver;
typedef struct wlk_rtp_sender wlk_rtp_sender;
typedef struct wlk_rtp_receiver wlk_rtp_receiver;

#define WLK_RTP_ENCODINGS_MAX  8
#define WLK_RTP_CODECS_MAX     64
#define WLK_RTP_EXTENSIONS_MAX 24
#define WLK_NO_PAYLOAD_TYPE    255

/** RTCRtpCodec, and RTCRtpCodecParameters where a payload type is given. */
typedef struct wlk_rtp_codec {
	const char *mime_type; /**< "video/VP8", compared without regard to case */
	uint32_t clock_rate;   /**< [Hz] */
	uint32_t channels;     /**< 0: not given */
	const char *sdp_fmtp_line; /**< NULL: none */
	uint8_t payload_type;  /**< WLK_NO_PAYLOAD_TYPE in capabilities; ignored where a codec is given to us */
} wlk_rtp_codec;

/** RTCRtpHeaderExtensionCapability and RTCRtpHeaderExtensionParameters. */
typedef struct wlk_rtp_header_extension {
	const char *uri;
	uint16_t id;             /**< 0 where nothing is negotiated */
	wlk_direction direction; /**< WLK_DIRECTION_STOPPED: not offered, not accepted, not in use */
} wlk_rtp_header_extension;

/** RTCRtpCapabilities. */
typedef struct wlk_rtp_capabilities {
	size_t codec_count;
	wlk_rtp_codec codecs[WLK_RTP_CODECS_MAX]; /**< preferred first; "rtx" stands once for all of them */
	size_t header_extension_count;
	wlk_rtp_header_extension header_extensions[WLK_RTP_EXTENSIONS_MAX];
} wlk_rtp_capabilities;

/**
 * What this build can send, or receive, of a kind (getCapabilities). The strings are static. THREAD-SAFE.
 * WLK_ERR_INVALID: no such kind.
 */
WLK_API wlk_err wlk_rtp_sender_capabilities(wlk_media_kind kind, wlk_rtp_capabilities *out);
WLK_API wlk_err wlk_rtp_receiver_capabilities(wlk_media_kind kind, wlk_rtp_capabilities *out);

/**
 * Which codecs the next offers and answers name, and in which order (setCodecPreferences, W3C webrtc-pc 5.4). A codec given
 * twice counts once. RTX stays away when "rtx" is not among them.
 *
 * @param codecs  each one of the capabilities; copied. None: back to the default
 *
 * Errors: WLK_ERR_NEGOTIATION (a codec that is not among the capabilities of its kind, or nothing but RTX, RED, FEC and comfort
 * noise), WLK_ERR_INVALID (too many, or without a type), WLK_ERR_STATE (stopped). A failing call changes nothing.
 */
WLK_API wlk_err wlk_transceiver_set_codec_preferences(wlk_transceiver *transceiver, const wlk_rtp_codec *codecs, size_t count);

/** RTCPriorityType (webrtc-priority). */
typedef enum wlk_priority {
	WLK_PRIORITY_VERY_LOW = 1,
	WLK_PRIORITY_LOW = 2,
	WLK_PRIORITY_MEDIUM = 3,
	WLK_PRIORITY_HIGH = 4
} wlk_priority;

/** RTCDegradationPreference; UNSET: the application gave none. */
typedef enum wlk_degradation_preference {
	WLK_DEGRADATION_UNSET = 0,
	WLK_DEGRADATION_BALANCED = 1,
	WLK_DEGRADATION_MAINTAIN_FRAMERATE = 2,
	WLK_DEGRADATION_MAINTAIN_RESOLUTION = 3,
	WLK_DEGRADATION_MAINTAIN_FRAMERATE_AND_RESOLUTION = 4
} wlk_degradation_preference;

/** RTCRtpEncodingParameters. Set up with WLK_RTP_ENCODING_INIT. The encoder is the application's: it follows these values. */
typedef struct wlk_rtp_encoding {
	const char *rid; /**< NULL without simulcast; read-only once the transceiver exists */
	bool active;     /**< false: nothing of this encoding leaves */
	bool has_max_bitrate;
	bool has_max_framerate;
	bool has_scale_resolution_down_by; /**< always true for video in what wlk_rtp_sender_parameters() answers */
	bool adaptive_ptime;
	uint64_t max_bitrate;            /**< [bit/s]; without it raw video takes what its size has use for, 2.8 Mbit/s at 640x480 */
	double max_framerate;            /**< frames a second, at least 0; video only */
	double scale_resolution_down_by; /**< at least 1.0; video only */
	const char *scalability_mode;    /**< "L1T3" (webrtc-svc 6); NULL: not set; video only */
	const wlk_rtp_codec *codec;      /**< NULL: the first negotiated one */
	wlk_priority priority;
	wlk_priority network_priority;
} wlk_rtp_encoding;

#define WLK_RTP_ENCODING_INIT \
	{ NULL, true, false, false, false, false, 0, 0, 1.0, NULL, NULL, WLK_PRIORITY_LOW, WLK_PRIORITY_LOW }

/** RTCRtpSendParameters. What it points to is lent until the next call of this kind on this sender or a new negotiation. */
typedef struct wlk_rtp_send_parameters {
	char transaction_id[24]; /**< read-only, as all that is not in an encoding, but degradation_preference */
	size_t encoding_count;
	wlk_rtp_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	size_t header_extension_count;
	wlk_rtp_header_extension header_extensions[WLK_RTP_EXTENSIONS_MAX];
	const char *cname; /**< rtcp.cname */
	bool reduced_size; /**< rtcp.reducedSize */
	size_t codec_count;
	wlk_rtp_codec codecs[WLK_RTP_CODECS_MAX]; /**< negotiated for sending, preferred first; "rtx" for each that has it */
	wlk_degradation_preference degradation_preference;
} wlk_rtp_send_parameters;

/**
 * The present parameters of a sender (getParameters). They are for one call of wlk_rtp_sender_set_parameters(): asked again
 * before that, or before a description is set, the transaction stays the same.
 * Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_sender_parameters(wlk_rtp_sender *sender, wlk_rtp_send_parameters *out);

/**
 * Change what may be changed (setParameters, W3C webrtc-pc 5.2). Encodings that become inactive stop at once.
 * Errors: WLK_ERR_STATE (the transceiver is stopped; wlk_rtp_sender_parameters() was not called since the last change or
 * description), WLK_ERR_NEGOTIATION (another transaction_id, another number or order of encodings, a rid or another read-only
 * value changed, a codec that was not negotiated), WLK_ERR_INVALID (a scale below 1, a frame rate below 0, an unknown
 * priority), WLK_ERR_UNSUPPORTED (a scalability mode that no codec here has). A failing call changes nothing.
 */
WLK_API wlk_err wlk_rtp_sender_set_parameters(wlk_rtp_sender *sender, const wlk_rtp_send_parameters *parameters);

/** The SSRC of an encoding, by its index among the parameters' encodings; 0: there is none. */
WLK_API uint32_t wlk_rtp_sender_encoding_ssrc(const wlk_rtp_sender *sender, size_t index);

/** RTCRtpParameters of a receiver. Lent as those of a sender. */
typedef struct wlk_rtp_receive_parameters {
	size_t header_extension_count;
	wlk_rtp_header_extension header_extensions[WLK_RTP_EXTENSIONS_MAX];
	const char *cname; /**< of the remote, "" when it was not told in the description */
	bool reduced_size;
	size_t codec_count;
	wlk_rtp_codec codecs[WLK_RTP_CODECS_MAX];
	size_t rid_count;
	const char *rids[WLK_RTP_ENCODINGS_MAX]; /**< simulcast layers that come in; none without simulcast */
} wlk_rtp_receive_parameters;

/** What a receiver is prepared to get (getParameters). Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_rtp_receiver_parameters(wlk_rtp_receiver *receiver, wlk_rtp_receive_parameters *out);

/**
 * Take part in simulcast as a receiver (RFC 8853), which a browser never does: off, one layer is received.
 *
 * @param accept     answer all layers that an offer has to send
 * @param rids       offer to receive these layers; copied
 * @param rid_count  at most WLK_RTP_ENCODINGS_MAX; 0: offer none
 *
 * Takes effect with the next offer or answer. Packets then tell their layer in wlk_rtp_packet.rid.
 * Errors: WLK_ERR_INVALID (audio, a rid that is none), WLK_ERR_STATE (stopped).
 */
WLK_API wlk_err wlk_transceiver_set_receive_simulcast(wlk_transceiver *transceiver, bool accept, const char *const *rids,
						      size_t rid_count);

/** What an a=rid line says that a layer is at most (RFC 8851 5); 0: not limited. Set up with WLK_RID_LIMITS_INIT. */
typedef struct wlk_rid_limits {
	size_t struct_size;
	uint32_t max_width;        /**< pixels */
	uint32_t max_height;       /**< pixels */
	double max_framerate;      /**< frames a second, to the thousandth */
	uint64_t max_bitrate;      /**< bit/s */
	uint64_t max_frame_size;   /**< pixels a frame */
	uint64_t max_pixel_rate;   /**< pixels a second */
	double max_bits_per_pixel; /**< to the thousandth */
} wlk_rid_limits;

#define WLK_RID_LIMITS_INIT { sizeof(wlk_rid_limits), 0, 0, 0, 0, 0, 0, 0 }

/**
 * What the far end wants of a layer that it receives, as its description in force says. Raw tracks follow it by themselves, and so do
 * the estimates of WLK_EVENT_TARGET_BITRATE; at the level of frames and packets size and frame rate are the application's to keep. A
 * frame or packet of a payload type that the far end does not take on this layer is refused.
 *
 * @param index  of the encoding, among the parameters' encodings
 *
 * Errors: WLK_ERR_NOT_FOUND (no such encoding), WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_rtp_sender_encoding_limits(const wlk_rtp_sender *sender, size_t index, wlk_rid_limits *out);

/**
 * What the next offers and answers are to say of a layer that we receive, by wlk_transceiver_set_receive_simulcast(). An answer never says
 * more than the offer.
 *
 * @param limits  copied; NULL: none any more
 *
 * Errors: WLK_ERR_INVALID (audio, a rid that is none), WLK_ERR_STATE (stopped), WLK_ERR_NOSPACE (more than WLK_RTP_ENCODINGS_MAX rids).
 */
WLK_API wlk_err wlk_transceiver_set_receive_limits(wlk_transceiver *transceiver, const char *rid, const wlk_rid_limits *limits);

/** RTCRtpContributingSource and RTCRtpSynchronizationSource. */
typedef struct wlk_rtp_source {
	wlk_time timestamp;     /**< when the last packet with it was handed out [us], in the time of the events */
	uint32_t source;        /**< CSRC or SSRC */
	bool has_audio_level;
	double audio_level;     /**< 0 to 1, linear (RFC 6464) */
	uint32_t rtp_timestamp; /**< of that packet */
} wlk_rtp_source;

/**
 * Who was heard in the last 10 seconds, latest first: contributing sources (CSRC lists) or synchronization sources (SSRCs).
 *
 * @param out       gets up to @p capacity of them; may be NULL when that is 0
 * @return          how many there are
 */
WLK_API size_t wlk_rtp_receiver_contributing_sources(const wlk_rtp_receiver *receiver, wlk_rtp_source *out, size_t capacity);
WLK_API size_t wlk_rtp_receiver_synchronization_sources(const wlk_rtp_receiver *receiver, wlk_rtp_source *out, size_t capacity);

/**
 * Header extension control (W3C webrtc-extensions 5): which extensions the next offer or answer names, and for which direction.
 *
 * @param out       gets up to @p capacity of them, all that this build has for the kind; may be NULL when that is 0
 * @return          how many there are
 */
WLK_API size_t wlk_transceiver_header_extensions_to_negotiate(const wlk_transceiver *transceiver, wlk_rtp_header_extension *out,
							      size_t capacity);
/**
 * The same list, changed: same URIs in the same order, other directions. Errors: WLK_ERR_NEGOTIATION (another list, or mid not
 * sendrecv, without which sections cannot share a transport), WLK_ERR_INVALID, WLK_ERR_STATE (stopped).
 */
WLK_API wlk_err wlk_transceiver_set_header_extensions_to_negotiate(wlk_transceiver *transceiver,
								   const wlk_rtp_header_extension *extensions, size_t count);
/** What is in force; directions WLK_DIRECTION_STOPPED where nothing was agreed. */
WLK_API size_t wlk_transceiver_negotiated_header_extensions(const wlk_transceiver *transceiver, wlk_rtp_header_extension *out,
							    size_t capacity);

/**
 * Ask the application for key frames (generateKeyFrame, webrtc-encoded-transform): raises a WLK_EVENT_KEY_FRAME_REQUEST for each
 * of these layers.
 *
 * @param rids   NULL and 0: all active layers
 *
 * Errors: WLK_ERR_UNSUPPORTED (audio), WLK_ERR_STATE (nothing is sent), WLK_ERR_INVALID (no rid), WLK_ERR_NOT_FOUND (no such
 * layer). Nothing is raised by a failing call.
 */
WLK_API wlk_err wlk_rtp_sender_generate_key_frame(wlk_rtp_sender *sender, const char *const *rids, size_t count);

/**
 * Play tones by telephone events (insertDTMF, W3C webrtc-pc 7; RFC 4733), in the place of those that still wait. Each raises a
 * WLK_EVENT_TONE_CHANGE when it begins, and "" ends the row.
 *
 * @param tones        0-9 A-D a-d # * and "," for a pause of 2 s; "" stops after the present tone
 * @param duration_ms  of each tone; taken as 40 when below and 6000 when above; W3C's default is 100
 * @param gap_ms       between tones; taken as 30 when below and 6000 when above; W3C's default is 70
 *
 * Errors: WLK_ERR_STATE (wlk_rtp_sender_can_insert_dtmf() is false), WLK_ERR_INVALID (another character), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_sender_insert_dtmf(wlk_rtp_sender *sender, const char *tones, uint32_t duration_ms, uint32_t gap_ms);
/** Audio is sent, its first encoding is active, the connection is up, and telephone-event was negotiated. */
WLK_API bool wlk_rtp_sender_can_insert_dtmf(const wlk_rtp_sender *sender);
/** The tones that did not begin yet; "" for none. Borrowed until the next call. */
WLK_API const char *wlk_rtp_sender_tone_buffer(const wlk_rtp_sender *sender);

#ifdef __cplusplus
}
#endif

#endif
