/** Media at the level of RTP packets (RFC 3550) and of encoded frames (W3C webrtc-encoded-transform). */
#ifndef WIRELARK_MEDIA_H
#define WIRELARK_MEDIA_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The kind of a track. */
typedef enum wlk_media_kind { WLK_MEDIA_AUDIO = 1, WLK_MEDIA_VIDEO = 2 } wlk_media_kind;

/** RTCRtpTransceiverDirection. */
typedef enum wlk_direction {
	WLK_DIRECTION_INACTIVE = 0,
	WLK_DIRECTION_SENDONLY = 1,
	WLK_DIRECTION_RECVONLY = 2,
	WLK_DIRECTION_SENDRECV = 3,
	WLK_DIRECTION_STOPPED = 4,
	WLK_DIRECTION_NONE = 8 /**< currentDirection only: nothing was negotiated yet (null in W3C) */
} wlk_direction;

/** One RTP packet. What a received one points to is lent until the next poll of the connection's events. */
typedef struct wlk_rtp_packet {
	uint32_t ssrc;
	uint8_t payload_type; /**< 0..127, as negotiated */
	bool marker;
	bool keep_gaps;        /**< sending: let gaps of |sequence| show in our numbers too */
	uint32_t timestamp;    /**< in units of the codec's clock */
	uint64_t sequence;     /**< extended over wraps, so that it only grows */
	const uint8_t *payload;
	size_t payload_size;   /**< bytes, without padding */
	wlk_time arrival;      /**< when it came from the network [us]; 0 when sending */
	bool recovered;        /**< came by retransmission */
	const void *internal;  /**< where wlk_rtp_sender_forward() finds the header extensions; NULL when made by the caller */
	const char *rid;       /**< simulcast layer (RFC 8852); NULL: none. Sending: which encoding, NULL: the first */
} wlk_rtp_packet;

/** The codecs whose frames Wirelark cuts and joins. Append-only. */
typedef enum wlk_codec {
	WLK_CODEC_UNKNOWN = 0,
	WLK_CODEC_OPUS = 1, /**< RFC 7587; a frame is what one packet carries */
	WLK_CODEC_PCMU = 2, /**< RFC 3551, like the next two */
	WLK_CODEC_PCMA = 3,
	WLK_CODEC_G722 = 4,
	WLK_CODEC_VP8 = 5,  /**< RFC 7741 */
	WLK_CODEC_VP9 = 6,  /**< RFC 9628; a frame is one spatial layer of a picture */
	WLK_CODEC_H264 = 7, /**< RFC 6184; Annex B with start codes, parameter sets in front of the key frame */
	WLK_CODEC_AV1 = 8   /**< a temporal unit as OBUs with sizes, without temporal delimiter */
} wlk_codec;

/** "VP8", "opus", ... as in a=rtpmap; "" for others. THREAD-SAFE. */
WLK_API const char *wlk_codec_name(wlk_codec codec);

/** What a receiver delivers. */
typedef enum wlk_media_level {
	WLK_MEDIA_LEVEL_PACKETS = 0, /**< WLK_EVENT_RTP_PACKET */
	WLK_MEDIA_LEVEL_FRAMES = 1,  /**< WLK_EVENT_FRAME; packets of other formats (telephone events, say) as before, and WLK_EVENT_DTMF */
	WLK_MEDIA_LEVEL_RAW = 2      /**< decoded: WLK_EVENT_VIDEO_FRAME, and sound for a wlk_audio_sink (track.h) */
} wlk_media_level;

#define WLK_PAYLOAD_TYPE_ANY 255
#define WLK_FRAME_REFERENCES_MAX 3

/**
 * One encoded frame, whole. Set one up for sending with WLK_ENCODED_FRAME_INIT. What a received one points to is lent until
 * the next poll of the connection's events.
 */
typedef struct wlk_encoded_frame {
	size_t struct_size;
	wlk_codec codec;
	const uint8_t *data;
	size_t size;
	uint32_t timestamp;   /**< RTP time in units of the codec's clock (video 90000, Opus 48000); sending: a random offset is added */
	uint8_t payload_type; /**< sending: WLK_PAYLOAD_TYPE_ANY is the agreed one of |codec| */
	bool key;             /**< decodes by itself. Sending: found out from |data| */
	bool talk_start;      /**< sending audio: the first of a talk spurt, gets the marker (RFC 3551 4.1) */
	bool more_layers;     /**< a higher spatial layer of the same picture follows */
	int8_t temporal_index; /**< -1: unknown, or not layered */
	int8_t spatial_index;
	bool layer_sync;  /**< refers to nothing above temporal layer 0 */
	bool discardable; /**< nothing refers to it (VP8), or nothing in higher spatial layers (VP9) */
	bool inter_layer; /**< VP9: refers to the spatial layer below it */
	uint8_t reference_count;
	/** VP9: how many pictures back each reference is, 1..127. Sending: none of a frame that is no key frame means the one before;
	 *  a single 0 is a spatial layer that begins, which refers to the layer below it only */
	uint8_t references[WLK_FRAME_REFERENCES_MAX];
	const char *rid; /**< simulcast layer; NULL or "": none */
	/** Dependency descriptor of AV1's RTP specification, as it came in the first packet; sent when it is negotiated */
	const uint8_t *dependency_descriptor;
	size_t dependency_descriptor_size;
	int16_t audio_level; /**< -dBov, 0 loudest to 127 (RFC 6464); -1: unknown. Sent when it is negotiated */
	bool voice;          /**< with audio_level: the sender says that this is speech */
	/** Of video: 0, 90, 180 or 270 degrees clockwise that the picture has to be turned by for showing (3GPP TS 26.114 7.4.5). Received: 0
	 *  where the sender told none. Sent when it is negotiated */
	uint16_t rotation;

	/* only of received frames */
	wlk_media_kind kind;
	uint32_t ssrc;
	int32_t picture_id; /**< of VP8 and VP9; -1: none */
	uint16_t width;     /**< of key frames whose bitstream tells it; else 0 */
	uint16_t height;
	uint64_t sequence; /**< of its first packet, extended over wraps */
	uint32_t packet_count;
	bool recovered;         /**< with the help of retransmission or redundancy */
	wlk_time first_arrival; /**< of its first packet [us] */
	wlk_time arrival;       /**< of its last packet */
	int64_t capture_time;   /**< by the sender's clock [us since 1970]; 0: unknown. Sending: by ours, for lip-sync there; 0: now */
	const uint32_t *contributing_sources;
	size_t contributing_source_count;
} wlk_encoded_frame;

#define WLK_ENCODED_FRAME_INIT \
	{ sizeof(wlk_encoded_frame), WLK_CODEC_UNKNOWN, NULL, 0, 0, WLK_PAYLOAD_TYPE_ANY, false, false, false, -1, -1, false, false, \
	  false, 0, { 0 }, NULL, NULL, 0, -1, false, 0, WLK_MEDIA_AUDIO, 0, -1, 0, 0, 0, 0, false, 0, 0, 0, NULL, 0 }

#ifdef __cplusplus
}
#endif

#endif
