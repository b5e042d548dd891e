/** Media at the level of RTP packets (RFC 3550). */
#ifndef WIRELARK_MEDIA_H
#define WIRELARK_MEDIA_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wlk_media_kind { WLK_MEDIA_AUDIO = 1, WLK_MEDIA_VIDEO = 2 } wlk_media_kind;

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
} wlk_rtp_packet;

#ifdef __cplusplus
}
#endif

#endif
