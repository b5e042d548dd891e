/** Transceivers, senders and receivers: RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver in C. */
#ifndef WIRELARK_TRANSCEIVER_H
#define WIRELARK_TRANSCEIVER_H

#include <wirelark/media.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wlk_peer_connection wlk_peer_connection;
typedef struct wlk_transceiver wlk_transceiver;
typedef struct wlk_rtp_sender wlk_rtp_sender;
typedef struct wlk_rtp_receiver wlk_rtp_receiver;

typedef enum wlk_direction {
	WLK_DIRECTION_INACTIVE = 0,
	WLK_DIRECTION_SENDONLY = 1,
	WLK_DIRECTION_RECVONLY = 2,
	WLK_DIRECTION_SENDRECV = 3,
	WLK_DIRECTION_STOPPED = 4
} wlk_direction;

/** How a transceiver is made. Set up with WLK_TRANSCEIVER_INIT. */
typedef struct wlk_transceiver_init {
	size_t struct_size;
	wlk_direction direction;
	const char *stream_id; /**< media stream id for a=msid (RFC 8830); NULL: "-" */
	const char *track_id;  /**< NULL: a random one */
} wlk_transceiver_init;

#define WLK_TRANSCEIVER_INIT { sizeof(wlk_transceiver_init), WLK_DIRECTION_SENDRECV, NULL, NULL }

/**
 * Add an m-section of the given kind to the next offer.
 * The handle stays valid until the peer connection is destroyed. Errors: WLK_ERR_INVALID, WLK_ERR_STATE, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind,
						     const wlk_transceiver_init *init, wlk_transceiver **out);
/** Transceivers in the order of their creation. */
WLK_API size_t wlk_peer_connection_transceiver_count(const wlk_peer_connection *pc);
/** NULL when @p index is out of range. */
WLK_API wlk_transceiver *wlk_peer_connection_transceiver(const wlk_peer_connection *pc, size_t index);

WLK_API wlk_media_kind wlk_transceiver_kind(const wlk_transceiver *transceiver);
/** The mid of the m-section, or NULL before a description is set. Borrowed. */
WLK_API const char *wlk_transceiver_mid(const wlk_transceiver *transceiver);
/** What the application wants. */
WLK_API wlk_direction wlk_transceiver_direction(const wlk_transceiver *transceiver);
/** Takes effect with the next negotiation. Errors: WLK_ERR_STATE when stopped, WLK_ERR_INVALID. */
WLK_API wlk_err wlk_transceiver_set_direction(wlk_transceiver *transceiver, wlk_direction direction);
/** What was negotiated; WLK_DIRECTION_INACTIVE before that. */
WLK_API wlk_direction wlk_transceiver_current_direction(const wlk_transceiver *transceiver);
WLK_API wlk_rtp_sender *wlk_transceiver_sender(wlk_transceiver *transceiver);
WLK_API wlk_rtp_receiver *wlk_transceiver_receiver(wlk_transceiver *transceiver);
WLK_API wlk_peer_connection *wlk_transceiver_peer_connection(const wlk_transceiver *transceiver);
WLK_API void wlk_transceiver_set_user(wlk_transceiver *transceiver, void *user);
WLK_API void *wlk_transceiver_user(const wlk_transceiver *transceiver);

/**
 * Send one RTP packet on the sender's own SSRC. The payload is copied.
 *
 * The sequence number is ours; packet->sequence only says by how much to advance when packet->keep_gaps is set.
 * Errors: WLK_ERR_STATE (nothing negotiated for sending, or the transport is not up: nothing is queued before
 * it is), WLK_ERR_INVALID (payload type not negotiated, or larger than 1200 bytes), WLK_ERR_AGAIN (the pacer is full).
 */
WLK_API wlk_err wlk_rtp_sender_send_packet(wlk_rtp_sender *sender, const wlk_rtp_packet *packet);

/**
 * Send back a packet that was received on this connection, while its WLK_EVENT_RTP_PACKET is being handled: same payload,
 * marker, timestamp differences and sequence gaps, own SSRC, and the header extensions that describe the frame.
 * Errors as wlk_rtp_sender_send_packet().
 */
WLK_API wlk_err wlk_rtp_sender_forward(wlk_rtp_sender *sender, const wlk_rtp_packet *packet);

/** Ask whoever sends to this receiver for a key frame (PLI, RFC 4585 6.3.1); at most one in 500 ms leaves. */
WLK_API wlk_err wlk_rtp_receiver_request_key_frame(wlk_rtp_receiver *receiver);

WLK_API wlk_transceiver *wlk_rtp_sender_transceiver(const wlk_rtp_sender *sender);
WLK_API wlk_transceiver *wlk_rtp_receiver_transceiver(const wlk_rtp_receiver *receiver);
/** Our SSRC, fixed from creation. */
WLK_API uint32_t wlk_rtp_sender_ssrc(const wlk_rtp_sender *sender);

#ifdef __cplusplus
}
#endif

#endif
