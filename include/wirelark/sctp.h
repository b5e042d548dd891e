/** SCTP with data channels by itself: one association over packets that the caller carries (RFC 8261, RFC 8831, RFC 8832). */
#ifndef WIRELARK_SCTP_H
#define WIRELARK_SCTP_H

#include <wirelark/data_channel.h>
#include <wirelark/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What carries the packets keeps them secret and whole, in WebRTC DTLS; the association only looks for its own mistakes:
 *
 *	wlk_sctp_association_create(), then channels at any time;
 *	wlk_sctp_association_start() on both sides once packets can be sent;
 *	after each call: poll_event() and poll_transmit() until they have nothing more, events first;
 *	at wlk_sctp_association_deadline(): wlk_sctp_association_handle_timeout().
 *
 * Times are monotonic, in microseconds, of one clock for all associations of a process: usrsctp below is one for the process, and its
 * timers run when any association is driven. An association and its channels belong to one thread at a time.
 */
typedef struct wlk_sctp_association wlk_sctp_association;
/** A data channel of an association. */
typedef struct wlk_sctp_channel wlk_sctp_channel;

/** How an association is made. Set up with WLK_SCTP_CONFIG_INIT; zero is always the default. */
typedef struct wlk_sctp_config {
	size_t struct_size;
	uint16_t port;           /**< ours; 0: 5000 */
	uint16_t streams;        /**< each way; 0: 1024 (112 KB) */
	size_t max_message_size; /**< largest message that is put together for a channel that is not streamed [bytes]; 0: 262144 */
	size_t memory_limit;     /**< bytes it may hold; 0: no limit. At the limit it closes */
	/**
	 * Called when this association has something to poll although its owner did not call it, from any thread that drives another
	 * association. It must not call the library, block or free; writing to an eventfd is what it is for. NULL: the owner finds it at
	 * its next deadline.
	 */
	void (*wake)(void *user);
	void *wake_user;
	const char *log_name; /**< prefix of its log lines; NULL: none */
} wlk_sctp_config;

#define WLK_SCTP_CONFIG_INIT { sizeof(wlk_sctp_config), 0, 0, 0, 0, NULL, NULL, NULL }

/** What both sides agreed on. Set up with WLK_SCTP_PARAMETERS_INIT; zero is always the default. */
typedef struct wlk_sctp_parameters {
	size_t struct_size;
	bool dtls_client;     /**< we are the DTLS client: our channels have even ids; the far end is not (RFC 8832 6) */
	uint16_t remote_port; /**< 0: 5000 */
	size_t mtu;           /**< largest packet [bytes], a multiple of 4, 532 and more; 0: 1156 */
	size_t remote_max_message_size; /**< the largest message the far end takes [bytes]; 0: any */
} wlk_sctp_parameters;

#define WLK_SCTP_PARAMETERS_INIT { sizeof(wlk_sctp_parameters), false, 0, 0, 0 }

/** Why an association is closed. Append-only. */
typedef enum wlk_sctp_cause {
	WLK_SCTP_CAUSE_NONE = 0,
	WLK_SCTP_CAUSE_LOCAL = 1,       /**< wlk_sctp_association_close() */
	WLK_SCTP_CAUSE_PEER_CLOSED = 2, /**< the far end's SHUTDOWN */
	WLK_SCTP_CAUSE_PEER_ABORT = 3,  /**< its ABORT: error_code has the first cause (RFC 9260 3.3.10) */
	WLK_SCTP_CAUSE_LOST = 4,        /**< no answer any more */
	WLK_SCTP_CAUSE_RESTART = 5,     /**< the far end began anew: its channels are gone */
	WLK_SCTP_CAUSE_MEMORY = 6       /**< the limit was reached, or memory is out */
} wlk_sctp_cause;

/** What an event of an association tells. Append-only: ignore unknown ones. */
typedef enum wlk_sctp_event_type {
	WLK_SCTP_EVENT_STATE = 1,           /**< state, cause, error_code */
	WLK_SCTP_EVENT_CHANNEL = 2,         /**< the far end made |channel|; it is the caller's (wlk_sctp_channel_destroy()) */
	WLK_SCTP_EVENT_CHANNEL_OPEN = 3,
	WLK_SCTP_EVENT_MESSAGE = 4,         /**< wlk_sctp_channel_receive() until it answers false, before this comes again */
	WLK_SCTP_EVENT_WRITABLE = 5,        /**< after WLK_ERR_AGAIN: there is room again */
	WLK_SCTP_EVENT_BUFFERED_LOW = 6,    /**< see wlk_sctp_channel_set_buffered_low() */
	WLK_SCTP_EVENT_CHANNEL_CLOSING = 7, /**< the far end closes it; what has come stays readable */
	WLK_SCTP_EVENT_CHANNEL_ERROR = 8,   /**< it is being closed because of |error| */
	WLK_SCTP_EVENT_CHANNEL_CLOSED = 9   /**< the last event of a channel */
} wlk_sctp_event_type;

/** One fact. */
typedef struct wlk_sctp_event {
	wlk_sctp_event_type type;
	wlk_sctp_channel *channel; /**< NULL for WLK_SCTP_EVENT_STATE */
	wlk_sctp_state state;
	wlk_sctp_cause cause;
	uint16_t error_code;
	wlk_err error; /**< WLK_ERR_TOO_LARGE, WLK_ERR_NOSPACE (its id is above the streams), WLK_ERR_CLOSED */
} wlk_sctp_event;

/**
 * Make an association; channels may be made on it at once.
 *
 * @param config  NULL: the defaults
 * @param out     written on success; wlk_sctp_association_destroy() frees it
 *
 * Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_sctp_association_create(const wlk_sctp_config *config, wlk_sctp_association **out);
/** Forget it without a word, and free all its channels. destroy(NULL) does nothing. */
WLK_API void wlk_sctp_association_destroy(wlk_sctp_association *association);

/**
 * Send INIT. Both sides do (RFC 8841 9.3); packets that come before it are dropped.
 * Errors: WLK_ERR_STATE (started or closed before), WLK_ERR_INVALID, WLK_ERR_IO (usrsctp has no socket), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_sctp_association_start(wlk_sctp_association *association, wlk_time now, const wlk_sctp_parameters *parameters);

/** Feed one packet of the far end; borrowed. What does not belong to the association is dropped. */
WLK_API void wlk_sctp_association_input(wlk_sctp_association *association, wlk_time now, const uint8_t *packet, size_t size);
/** The next packet to send, lent until the next poll. False: none. */
WLK_API bool wlk_sctp_association_poll_transmit(wlk_sctp_association *association, wlk_time now, wlk_bytes *out);
/** The next fact. False: none. */
WLK_API bool wlk_sctp_association_poll_event(wlk_sctp_association *association, wlk_time now, wlk_sctp_event *out);
/** Absolute time [us] of the next handle_timeout(), in the past when another thread left something to poll; WLK_TIME_NEVER when idle. */
WLK_API wlk_time wlk_sctp_association_deadline(const wlk_sctp_association *association);
WLK_API void wlk_sctp_association_handle_timeout(wlk_sctp_association *association, wlk_time now);

/**
 * Close. @p graceful sends what is queued, then SHUTDOWN, and the state follows when the far end agreed; otherwise ABORT waits in
 * poll_transmit(). Idempotent.
 */
WLK_API void wlk_sctp_association_close(wlk_sctp_association *association, wlk_time now, bool graceful);
/** CONNECTING before it is started, too. */
WLK_API wlk_sctp_state wlk_sctp_association_state(const wlk_sctp_association *association);
/** Streams that can be used: as configured, and as both agreed on once connected. */
WLK_API uint16_t wlk_sctp_association_streams(const wlk_sctp_association *association);

/** Counters of an association, which only grow, and what is known of its path. The struct grows at its end. */
typedef struct wlk_sctp_stats {
	size_t struct_size; /**< set it to sizeof(wlk_sctp_stats) */
	uint64_t packets_sent;
	uint64_t bytes_sent;
	uint64_t packets_received;
	uint64_t bytes_received;
	uint64_t packets_refused; /**< malformed, not of this association, or no memory */
	uint64_t chunks_repeated; /**< DATA chunks that were sent again */
	uint64_t channels_opened;
	uint64_t channels_closed;
	bool has_path;             /**< it is connected: what follows is known */
	uint32_t congestion_window; /**< bytes */
	uint32_t receiver_window;   /**< bytes */
	uint32_t round_trip_time;   /**< smoothed [us] */
	uint32_t mtu;               /**< bytes */
} wlk_sctp_stats;

/** Errors: WLK_ERR_INVALID (a struct_size below that of the first release). */
WLK_API wlk_err wlk_sctp_association_get_stats(const wlk_sctp_association *association, wlk_sctp_stats *out);

/* ---- channels ---- */

/**
 * Make a channel. It opens with the association; messages may be sent at once, and wait.
 *
 * @param label  UTF-8, at most 65535 bytes; copied
 * @param init   NULL: ordered and reliable
 * @param out    the handle: it is the caller's until wlk_sctp_channel_destroy() or that of the association
 *
 * Errors: WLK_ERR_INVALID (lengths, both limits, negotiated without an id), WLK_ERR_NOSPACE (no id is free, or this one is in use),
 * WLK_ERR_STATE (the association is closed), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_sctp_channel_create(wlk_sctp_association *association, wlk_time now, const char *label,
					const wlk_data_channel_init *init, wlk_sctp_channel **out);
/** Let go of the handle: an open channel is closed, and no event names it any more. NULL does nothing. */
WLK_API void wlk_sctp_channel_destroy(wlk_sctp_channel *channel);

/**
 * Send one message, or a piece of one; copied.
 *
 * @param end  false: more pieces follow, all of one @p type, and until the last one no other channel of the association sends
 *
 * Errors: WLK_ERR_AGAIN (1 MiB waits: WLK_SCTP_EVENT_WRITABLE follows), WLK_ERR_TOO_LARGE (for the far end), WLK_ERR_STATE (closing or
 * closed), WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_sctp_channel_send(wlk_sctp_channel *channel, wlk_time now, wlk_message_type type, const void *data, size_t size,
				      bool end);

/** A message, or a piece of one. */
typedef struct wlk_sctp_message {
	wlk_message_type type;
	const uint8_t *data; /**< lent until the next receive on its channel, or its end */
	size_t size;
	bool end; /**< the last piece; always true without wlk_sctp_channel_set_streamed() */
} wlk_sctp_message;

/** The oldest message that waits; false: none. Messages that are not taken close the receive window of the whole association. */
WLK_API bool wlk_sctp_channel_receive(wlk_sctp_channel *channel, wlk_sctp_message *out);
/** Hand messages out in pieces as they come: nothing is put together, and no size limit holds. */
WLK_API void wlk_sctp_channel_set_streamed(wlk_sctp_channel *channel, bool streamed);
/** Close: what is queued is sent first (RFC 8831 6.7); WLK_SCTP_EVENT_CHANNEL_CLOSED follows. Idempotent. */
WLK_API void wlk_sctp_channel_close(wlk_sctp_channel *channel, wlk_time now);

/** The W3C readyState of the channel. */
WLK_API wlk_data_channel_state wlk_sctp_channel_state(const wlk_sctp_channel *channel);
/** -1 until the association is started, unless it was negotiated. */
WLK_API int32_t wlk_sctp_channel_id(const wlk_sctp_channel *channel);
/** As long as the handle; @p size, if not NULL, gets the bytes, among which may be NUL. */
WLK_API const char *wlk_sctp_channel_label(const wlk_sctp_channel *channel, size_t *size);
WLK_API const char *wlk_sctp_channel_protocol(const wlk_sctp_channel *channel, size_t *size);
/** Bytes that were given to send and have not left in a packet. */
WLK_API size_t wlk_sctp_channel_buffered_amount(const wlk_sctp_channel *channel);
/** WLK_SCTP_EVENT_BUFFERED_LOW comes when that falls to @p bytes or below; 0 at first. */
WLK_API void wlk_sctp_channel_set_buffered_low(wlk_sctp_channel *channel, size_t bytes);
/** The caller's own pointer, kept and never looked at. */
WLK_API void wlk_sctp_channel_set_user(wlk_sctp_channel *channel, void *user);
WLK_API void *wlk_sctp_channel_user(const wlk_sctp_channel *channel);

#ifdef __cplusplus
}
#endif

#endif
