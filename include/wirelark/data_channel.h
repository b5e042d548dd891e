/** Data channels: RTCDataChannel in C (RFC 8831, RFC 8832). */
#ifndef WIRELARK_DATA_CHANNEL_H
#define WIRELARK_DATA_CHANNEL_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wlk_peer_connection wlk_peer_connection;
typedef struct wlk_data_channel wlk_data_channel;

/** RTCDataChannelState. */
typedef enum wlk_data_channel_state {
	WLK_DATA_CHANNEL_CONNECTING = 0,
	WLK_DATA_CHANNEL_OPEN = 1,
	WLK_DATA_CHANNEL_CLOSING = 2,
	WLK_DATA_CHANNEL_CLOSED = 3
} wlk_data_channel_state;

/** Text is UTF-8, and a string in a browser; the library does not check it. */
typedef enum wlk_message_type { WLK_MESSAGE_TEXT = 1, WLK_MESSAGE_BINARY = 2 } wlk_message_type;

/** How a channel is made. Set up with WLK_DATA_CHANNEL_INIT; zero is always the default. */
typedef struct wlk_data_channel_init {
	size_t struct_size;
	bool unordered;
	bool has_max_retransmits; /**< at most one of the two limits may be set */
	bool has_max_packet_lifetime;
	uint16_t max_retransmits;
	uint16_t max_packet_lifetime_ms;
	const char *protocol; /**< subprotocol, NULL for none; at most 65535 bytes, 1024 towards ourselves */
	bool negotiated;      /**< both sides create the channel with the same id; no OPEN message is sent */
	bool has_id;          /**< the id below is given: needed when negotiated, ignored otherwise, as in W3C */
	uint16_t id;
	uint16_t priority; /**< RFC 8831 6.4: 128 below normal, 256 normal, 512 high, 1024 extra high; 0 means 256 */
} wlk_data_channel_init;

#define WLK_DATA_CHANNEL_INIT { sizeof(wlk_data_channel_init), false, false, false, 0, 0, NULL, false, false, 0, 0 }

/**
 * Create a channel. It opens once the peer connection is up; the first channel makes the connection want
 * negotiation. Messages may be sent at once: they wait, and leave with the very first flight of SCTP. Where one of them is larger than
 * the far end then says it takes, the channel fails with WLK_ERR_TOO_LARGE.
 *
 * @param label  UTF-8, at most 65535 bytes
 * @param out    written on success; the handle stays valid until the peer connection is destroyed
 *
 * Errors: WLK_ERR_INVALID (lengths, both limits, negotiated without id), WLK_ERR_STATE (closed),
 * WLK_ERR_NOSPACE (no id left, or the id is in use), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_peer_connection_create_data_channel(wlk_peer_connection *pc, const char *label,
							 const wlk_data_channel_init *init, wlk_data_channel **out);

/**
 * Send one message. The bytes are copied before the call returns.
 *
 * @param size  bytes; 0 sends an empty message, which arrives as such
 *
 * Errors: WLK_ERR_AGAIN when the bytes waiting on this channel have reached the high-water mark (a
 * WLK_EVENT_DATA_CHANNEL_WRITABLE follows), WLK_ERR_TOO_LARGE when the peer announced a smaller
 * a=max-message-size, WLK_ERR_STATE when the channel is closing or closed.
 */
WLK_API wlk_err wlk_data_channel_send(wlk_data_channel *channel, wlk_message_type type, const void *data, size_t size);

/**
 * While paused no WLK_EVENT_DATA_CHANNEL_MESSAGE is raised for this channel: what arrives waits, and once the receive
 * buffer is full the far end's sending stops (all channels share that window). Everything else goes on.
 */
WLK_API void wlk_data_channel_set_paused(wlk_data_channel *channel, bool paused);

/**
 * Let go of the handle: it is freed as soon as the channel is closed and its WLK_EVENT_DATA_CHANNEL_CLOSE was handled. Without
 * this a closed handle stays valid, and takes memory, until the peer connection is destroyed.
 */
WLK_API void wlk_data_channel_release(wlk_data_channel *channel);

/** Start the closing procedure (RFC 8831 6.7): what is queued is sent first. Idempotent. */
WLK_API void wlk_data_channel_close(wlk_data_channel *channel);

/**
 * Bytes given to send() that have not left in a packet yet, strings in UTF-8 (W3C bufferedAmount): it grows in send() and never
 * falls in it. Closing the channel does not change it; what the close gives up goes on to count.
 */
WLK_API size_t wlk_data_channel_buffered_amount(const wlk_data_channel *channel);
/** An event is raised when the buffered amount falls to this many bytes or below. Default 0. */
WLK_API void wlk_data_channel_set_buffered_amount_low_threshold(wlk_data_channel *channel, size_t bytes);
WLK_API size_t wlk_data_channel_buffered_amount_low_threshold(const wlk_data_channel *channel);
/**
 * Where send() starts to answer WLK_ERR_AGAIN [bytes]. Default 1 MiB. It is measured by what waits for SCTP; what SCTP itself holds,
 * up to 3 MiB an association, counts as buffered, but is on its way.
 */
WLK_API void wlk_data_channel_set_high_water_mark(wlk_data_channel *channel, size_t bytes);

/** Also when the connection is closed. */
WLK_API wlk_data_channel_state wlk_data_channel_ready_state(const wlk_data_channel *channel);
/** Borrowed; valid as long as the handle. */
WLK_API const char *wlk_data_channel_label(const wlk_data_channel *channel);
WLK_API const char *wlk_data_channel_protocol(const wlk_data_channel *channel);
WLK_API bool wlk_data_channel_ordered(const wlk_data_channel *channel);
WLK_API bool wlk_data_channel_negotiated(const wlk_data_channel *channel);
/** -1 when no such limit was set. */
WLK_API int32_t wlk_data_channel_max_retransmits(const wlk_data_channel *channel);
WLK_API int32_t wlk_data_channel_max_packet_lifetime_ms(const wlk_data_channel *channel);
/** The SCTP stream, or -1 while none is assigned. */
WLK_API int32_t wlk_data_channel_id(const wlk_data_channel *channel);

/** A pointer of the application's, kept and never looked at; and the connection that the channel is of. */
WLK_API void wlk_data_channel_set_user(wlk_data_channel *channel, void *user);
WLK_API void *wlk_data_channel_user(const wlk_data_channel *channel);
WLK_API wlk_peer_connection *wlk_data_channel_peer_connection(const wlk_data_channel *channel);

#ifdef __cplusplus
}
#endif

#endif
