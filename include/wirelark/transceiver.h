/** Transceivers, senders and receivers: RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver in C. */
#ifndef WIRELARK_TRANSCEIVER_H
#define WIRELARK_TRANSCEIVER_H

#include <wirelark/media.h>
#include <wirelark/rtp_parameters.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wlk_peer_connection wlk_peer_connection;
typedef struct wlk_transceiver wlk_transceiver;
typedef struct wlk_rtp_sender wlk_rtp_sender;
typedef struct wlk_rtp_receiver wlk_rtp_receiver;

/** How a transceiver is made. Set up with WLK_TRANSCEIVER_INIT. */
typedef struct wlk_transceiver_init {
	size_t struct_size;
	wlk_direction direction;
	const char *stream_id; /**< media stream id for a=msid (RFC 8830); NULL: that of @c stream_ids */
	const char *track_id;  /**< NULL: no track yet; a=msid then has a random id */
	const char *const *stream_ids; /**< when there are several; used when @c stream_id is NULL. None: "-" */
	size_t stream_count;
	/**
	 * sendEncodings: several of them are simulcast layers, each with a rid of its own of 1 to 16 letters, digits, "-" and "_"
	 * (RFC 8851 10); more than WLK_RTP_ENCODINGS_MAX are cut. Where no video encoding tells scale_resolution_down_by they
	 * get 2^(n-1) ... 4, 2, 1. Copied. None: one encoding with the defaults.
	 */
	const wlk_rtp_encoding *send_encodings;
	size_t send_encoding_count;
} wlk_transceiver_init;

#define WLK_TRANSCEIVER_INIT { sizeof(wlk_transceiver_init), WLK_DIRECTION_SENDRECV, NULL, NULL, NULL, 0, NULL, 0 }

/*
 * A track is an id here, and a stream too: 1 to 256 visible ASCII characters. The media itself is what the application sends by
 * wlk_rtp_sender_send_packet(), which asks for no track.
 *
 * As in W3C webrtc-pc 5.4, a transceiver leaves the list of its connection when its m-section is gone (stopped and rejected, or
 * taken back with the remote offer that made it). Its handle stays valid, stopped, until the connection is destroyed; after 4096 of
 * them no transceiver can be added, by either side (WLK_ERR_NOSPACE).
 */

/**
 * Add an m-section of the given kind to the next offer.
 * The handle stays valid until the peer connection is destroyed. Errors: WLK_ERR_INVALID (also rids that are missing, malformed
 * or equal, a scale below 1, a frame rate below 0), WLK_ERR_UNSUPPORTED (an encoding's codec or scalability mode), WLK_ERR_STATE,
 * WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind,
						     const wlk_transceiver_init *init, wlk_transceiver **out);

/**
 * Send a track (W3C webrtc-pc 5.1 addTrack): by a transceiver of this kind that has no track and has never sent, else by a new one
 * with direction "sendrecv", which a remote offer may take for its m-section (RFC 9429 5.10).
 *
 * @param track_id    what a=msid names
 * @param stream_ids  the streams that the track is in, @p stream_count of them; may be none
 * @param out         the sender; may be NULL
 *
 * Errors: WLK_ERR_INVALID (an id, or a sender has this track already: InvalidAccessError), WLK_ERR_STATE when closed, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_add_track(wlk_peer_connection *pc, wlk_media_kind kind, const char *track_id,
					       const char *const *stream_ids, size_t stream_count, wlk_rtp_sender **out);
/**
 * Take the sender's track away and let its transceiver send no more after the next negotiation (W3C removeTrack). The m-section
 * stays. Without a track, or stopped: nothing happens. Errors: WLK_ERR_INVALID (not a sender of @p pc), WLK_ERR_STATE when closed.
 */
WLK_API wlk_err wlk_peer_connection_remove_track(wlk_peer_connection *pc, wlk_rtp_sender *sender);

/** Transceivers in the order of their creation. */
WLK_API size_t wlk_peer_connection_transceiver_count(const wlk_peer_connection *pc);
/** NULL when @p index is out of range. */
WLK_API wlk_transceiver *wlk_peer_connection_transceiver(const wlk_peer_connection *pc, size_t index);
/** W3C getSenders(): those of the transceivers that are not stopped. */
WLK_API size_t wlk_peer_connection_sender_count(const wlk_peer_connection *pc);
/** NULL when @p index is out of range. */
WLK_API wlk_rtp_sender *wlk_peer_connection_sender(const wlk_peer_connection *pc, size_t index);
/** W3C getReceivers(): those of the transceivers that are not stopped. */
WLK_API size_t wlk_peer_connection_receiver_count(const wlk_peer_connection *pc);
/** NULL when @p index is out of range. */
WLK_API wlk_rtp_receiver *wlk_peer_connection_receiver(const wlk_peer_connection *pc, size_t index);

/** Fixed from creation. */
WLK_API wlk_media_kind wlk_transceiver_kind(const wlk_transceiver *transceiver);
/** The mid of the m-section; NULL before a description is set, after its rollback, and once the m-section is gone. Borrowed. */
WLK_API const char *wlk_transceiver_mid(const wlk_transceiver *transceiver);
/** What the application wants; "stopped" from wlk_transceiver_stop() on. */
WLK_API wlk_direction wlk_transceiver_direction(const wlk_transceiver *transceiver);
/** Takes effect with the next negotiation. Errors: WLK_ERR_STATE when stopped (or closed), WLK_ERR_INVALID ("stopped" is no wish). */
WLK_API wlk_err wlk_transceiver_set_direction(wlk_transceiver *transceiver, wlk_direction direction);
/** What was negotiated; WLK_DIRECTION_NONE before that, WLK_DIRECTION_STOPPED once the m-section is rejected. */
WLK_API wlk_direction wlk_transceiver_current_direction(const wlk_transceiver *transceiver);
/**
 * Stop for good (W3C webrtc-pc 5.4 stop): nothing is sent and nothing received any more from this call on, the receiver's track
 * ends; the next negotiation gives the m-line port 0, and a later transceiver may take it. Stopping twice does nothing.
 * Errors: WLK_ERR_STATE when the connection is closed.
 */
WLK_API wlk_err wlk_transceiver_stop(wlk_transceiver *transceiver);
WLK_API wlk_rtp_sender *wlk_transceiver_sender(wlk_transceiver *transceiver);
WLK_API wlk_rtp_receiver *wlk_transceiver_receiver(wlk_transceiver *transceiver);
WLK_API wlk_peer_connection *wlk_transceiver_peer_connection(const wlk_transceiver *transceiver);
WLK_API void wlk_transceiver_set_user(wlk_transceiver *transceiver, void *user);
WLK_API void *wlk_transceiver_user(const wlk_transceiver *transceiver);

/**
 * Put another track in place of the sender's (W3C replaceTrack), or none (NULL): no negotiation, and a=msid keeps the id that it has.
 * Errors: WLK_ERR_STATE when stopped (or closed), WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_sender_replace_track(wlk_rtp_sender *sender, const char *track_id);
/**
 * The streams that the sender's track is in (W3C setStreams, RFC 8830): told to the far end by the next negotiation; an id given
 * twice counts once. Errors: WLK_ERR_STATE when closed, WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_sender_set_streams(wlk_rtp_sender *sender, const char *const *stream_ids, size_t stream_count);
/** The track that add_track, add_transceiver or replace_track gave; NULL for none. Borrowed until it changes. */
WLK_API const char *wlk_rtp_sender_track_id(const wlk_rtp_sender *sender);
/** The streams as they were set; *count of them. Borrowed until they change. */
WLK_API const char *const *wlk_rtp_sender_stream_ids(const wlk_rtp_sender *sender, size_t *count);
/** The id that the remote description gives the track, "" before it does. Borrowed until the next description. */
WLK_API const char *wlk_rtp_receiver_track_id(const wlk_rtp_receiver *receiver);
/** MediaStreamTrack.muted: no packets come; the events are WLK_EVENT_TRACK_MUTE and WLK_EVENT_TRACK_UNMUTE. */
WLK_API bool wlk_rtp_receiver_muted(const wlk_rtp_receiver *receiver);
/** The streams that the remote description puts the track in; *count of them. Borrowed until the next description. */
WLK_API const char *const *wlk_rtp_receiver_stream_ids(const wlk_rtp_receiver *receiver, size_t *count);

/**
 * Send one RTP packet on the sender's own SSRC. The payload is copied.
 *
 * The sequence number is ours; packet->sequence only says by how much to advance when packet->keep_gaps is set.
 * Errors: WLK_ERR_STATE (nothing negotiated for sending, the encoding is not active, or the transport is not up: nothing is
 * queued before it is), WLK_ERR_NOT_FOUND (no encoding with packet->rid), WLK_ERR_INVALID (payload type not negotiated, or larger than 1200 bytes), WLK_ERR_AGAIN (the pacer is full).
 */
WLK_API wlk_err wlk_rtp_sender_send_packet(wlk_rtp_sender *sender, const wlk_rtp_packet *packet);

/**
 * Send back a packet that was received on this connection, while its WLK_EVENT_RTP_PACKET is being handled: same payload,
 * marker, timestamp differences and sequence gaps, own SSRC, and the header extensions that describe the frame. A layer goes to
 * the encoding with the same rid, or to the first when there is none: choose then which layer to send back.
 * Errors as wlk_rtp_sender_send_packet().
 */
WLK_API wlk_err wlk_rtp_sender_forward(wlk_rtp_sender *sender, const wlk_rtp_packet *packet);

/**
 * Send one encoded frame: it is cut into packets, which the pacer lets go a few at a time. The bytes are copied.
 *
 * The first video frame must be a key frame, and WLK_EVENT_KEY_FRAME_REQUEST says when: as soon as the transport is up and
 * sending is agreed on. Before that nothing is accepted.
 *
 * Errors: WLK_ERR_STATE (nothing negotiated for sending, the transport is not up, or a key frame must come first),
 * WLK_ERR_INVALID (codec or payload type not negotiated, no such rid, or the bytes are no frame of that codec),
 * WLK_ERR_AGAIN (too much waits in the pacer: give up this frame, and a few milliseconds later send the next one that decodes
 * without it), WLK_ERR_TOO_LARGE (more than 1,024 packets, or audio that does not fit one), WLK_ERR_NOMEM. Nothing was sent then, but
 * after WLK_ERR_NOMEM a key frame must come first.
 */
WLK_API wlk_err wlk_rtp_sender_send_frame(wlk_rtp_sender *sender, const wlk_encoded_frame *frame);

/**
 * What the receiver delivers from now on; packets when nothing was said. With frames, and under raw media, only whole and decodable ones come, in
 * order; after a loss that retransmission did not mend, key frames are asked for until one comes. Allowed at any time, before a
 * description too. Errors: WLK_ERR_INVALID, WLK_ERR_STATE when closed.
 */
WLK_API wlk_err wlk_rtp_receiver_set_level(wlk_rtp_receiver *receiver, wlk_media_level level);
WLK_API wlk_media_level wlk_rtp_receiver_level(const wlk_rtp_receiver *receiver);

/** Ask whoever sends to this receiver for a key frame (PLI, RFC 4585 6.3.1); at most one in 500 ms leaves. */
WLK_API wlk_err wlk_rtp_receiver_request_key_frame(wlk_rtp_receiver *receiver);

/** The transceiver that it is half of; never NULL. */
WLK_API wlk_transceiver *wlk_rtp_sender_transceiver(const wlk_rtp_sender *sender);
WLK_API wlk_transceiver *wlk_rtp_receiver_transceiver(const wlk_rtp_receiver *receiver);
/** Our SSRC, fixed from creation; of the first encoding. */
WLK_API uint32_t wlk_rtp_sender_ssrc(const wlk_rtp_sender *sender);

#ifdef __cplusplus
}
#endif

#endif
