/** DTLS-SRTP by itself: one association over datagrams that the caller sends and receives (RFC 6347, RFC 5764, RFC 8827). */
#ifndef WIRELARK_DTLS_H
#define WIRELARK_DTLS_H

#include <wirelark/certificate.h>
#include <wirelark/srtp.h>
#include <wirelark/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Certificates sign themselves, and each side knows the other's by its fingerprint, as in WebRTC:
 *
 *	wlk_dtls_association_create(), wlk_dtls_association_start() with one role on each side;
 *	wlk_dtls_association_set_remote_fingerprints(), before, during or after the handshake: CONNECTED waits for it;
 *	after each call: poll_transmit(), poll_event() and poll_data() until they have nothing more;
 *	at wlk_dtls_association_deadline(): wlk_dtls_association_handle_timeout().
 *
 * What is lost of the handshake is sent again; records of the application are datagrams, and may be lost or reordered. Times are
 * monotonic, in microseconds. An association belongs to one thread at a time, and so do all that share a context.
 */
typedef struct wlk_dtls_association wlk_dtls_association;

/** What associations of one thread share: OpenSSL's settings (0.1 ms to make), and the number of handshakes under way. */
typedef struct wlk_dtls_context wlk_dtls_context;

/**
 * Make a context.
 *
 * @param half_open_max  handshakes of its associations that may be under way at the same time, the others wait; 0: 256
 *
 * Errors: WLK_ERR_CRYPTO, WLK_ERR_NOMEM, WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_dtls_context_create(size_t half_open_max, wlk_dtls_context **out);
/** Let go of it; it is freed with the last association that uses it. NULL does nothing. */
WLK_API void wlk_dtls_context_release(wlk_dtls_context *context);

/** How an association is made. Set up with WLK_DTLS_CONFIG_INIT; zero is always the default. */
typedef struct wlk_dtls_config {
	size_t struct_size;
	const wlk_certificate *certificate; /**< ours, required; held */
	wlk_dtls_context *context;          /**< NULL: one of its own */
	const wlk_srtp_profile *srtp_profiles; /**< of the use_srtp extension, best first; copied */
	size_t srtp_profile_count;             /**< 0: AEAD_AES_128_GCM, AEAD_AES_256_GCM, AES128_CM_SHA1_80 */
	bool no_srtp;                          /**< no use_srtp at all */
	size_t mtu;              /**< bytes of a datagram that handshake flights may fill, 256 and more; 0: 1200 */
	wlk_time round_trip_time; /**< of the path [us]: the first retransmission comes after twice this; 0: unknown, 400 ms */
	const char *log_name;    /**< prefix of its log lines; NULL: none */
} wlk_dtls_config;

#define WLK_DTLS_CONFIG_INIT { sizeof(wlk_dtls_config), NULL, NULL, NULL, 0, false, 0, 0, NULL }

/** Why an association closed or failed. Append-only. */
typedef enum wlk_dtls_reason {
	WLK_DTLS_REASON_NONE = 0,
	WLK_DTLS_REASON_LOCAL_CLOSE = 1,
	WLK_DTLS_REASON_REMOTE_CLOSE = 2, /**< close_notify came */
	WLK_DTLS_REASON_ALERT = 3,        /**< a fatal alert came */
	WLK_DTLS_REASON_PROTOCOL = 4,
	WLK_DTLS_REASON_TIMEOUT = 5,     /**< 12 retransmissions, or 30 s */
	WLK_DTLS_REASON_FINGERPRINT = 6, /**< the certificate is none of those that wlk_dtls_association_set_remote_fingerprints() named */
	WLK_DTLS_REASON_NO_MEMORY = 7
} wlk_dtls_reason;

/** A change of state. */
typedef struct wlk_dtls_event {
	wlk_dtls_state state; /**< the state that was entered */
	wlk_dtls_reason reason;
	uint8_t alert;    /**< that came or was sent (RFC 5246 7.2), 0 for none */
	bool restartable; /**< FAILED by what anybody on the path can forge: wlk_dtls_association_restart() may help */
} wlk_dtls_event;

/** Most application data in one record [bytes]. */
#define WLK_DTLS_DATA_MAX 2000

/**
 * Make an association in state NEW.
 *
 * @param out  written on success; wlk_dtls_association_destroy() frees it
 *
 * Errors: WLK_ERR_INVALID (no certificate, a member out of range, a profile that does not exist), WLK_ERR_CRYPTO, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_dtls_association_create(const wlk_dtls_config *config, wlk_dtls_association **out);
/** Free it without a word; wlk_dtls_association_close() and poll_transmit() first say close_notify. destroy(NULL) does nothing. */
WLK_API void wlk_dtls_association_destroy(wlk_dtls_association *association);

/**
 * Begin the handshake, once datagrams can be sent. @p role is CLIENT on one side and SERVER on the other (a=setup active and passive).
 * Errors: WLK_ERR_STATE (begun already), WLK_ERR_INVALID (another role).
 */
WLK_API wlk_err wlk_dtls_association_start(wlk_dtls_association *association, wlk_time now, wlk_dtls_role role);
/** After FAILED with |restartable|: a fresh handshake. Not more often than every 100 ms. Errors: WLK_ERR_STATE. */
WLK_API wlk_err wlk_dtls_association_restart(wlk_dtls_association *association, wlk_time now);
/**
 * The far end's certificates by their fingerprints; copied. Until one fits nothing is delivered and no key is exported. Of several hash
 * functions the strongest counts.
 *
 * @param count  1 to 16
 *
 * Errors: WLK_ERR_INVALID (no or too many of them, one that cannot be read, or the certificate of a running session is another: it goes
 * on then), WLK_ERR_UNSUPPORTED (none by sha-256, sha-384 or sha-512).
 */
WLK_API wlk_err wlk_dtls_association_set_remote_fingerprints(wlk_dtls_association *association, wlk_time now,
							     const wlk_fingerprint *fingerprints, size_t count);

/** Feed one datagram of the far end; borrowed. What is not authentic is dropped. More than 2048 bytes are dropped. */
WLK_API void wlk_dtls_association_input(wlk_dtls_association *association, wlk_time now, const uint8_t *data, size_t size);
/** The next datagram to send, lent until the next poll. False: none. */
WLK_API bool wlk_dtls_association_poll_transmit(wlk_dtls_association *association, wlk_time now, wlk_bytes *out);
/** The next change of state. False: none. */
WLK_API bool wlk_dtls_association_poll_event(wlk_dtls_association *association, wlk_dtls_event *out);
/** The application data of the next record, e.g. an SCTP packet; lent until the next call. False: none. */
WLK_API bool wlk_dtls_association_poll_data(wlk_dtls_association *association, wlk_time now, wlk_bytes *out);
/** Absolute time [us] of the next wlk_dtls_association_handle_timeout(); WLK_TIME_NEVER when idle. */
WLK_API wlk_time wlk_dtls_association_deadline(const wlk_dtls_association *association);
WLK_API void wlk_dtls_association_handle_timeout(wlk_dtls_association *association, wlk_time now);

/**
 * Send application data as one record, one datagram.
 *
 * @param size  1 to WLK_DTLS_DATA_MAX bytes, which become 37 more
 *
 * Errors: WLK_ERR_STATE (not CONNECTED), WLK_ERR_TOO_LARGE, WLK_ERR_INVALID (nothing), WLK_ERR_AGAIN (1,024 datagrams wait for
 * poll_transmit()), WLK_ERR_CRYPTO (the association is FAILED then).
 */
WLK_API wlk_err wlk_dtls_association_send(wlk_dtls_association *association, wlk_time now, const uint8_t *data, size_t size);
/** Say close_notify and go to CLOSED. Idempotent. */
WLK_API void wlk_dtls_association_close(wlk_dtls_association *association, wlk_time now);

/**
 * The keys for SRTP (RFC 5764 4.2). The caller wipes them with wlk_srtp_keys_wipe().
 * Errors: WLK_ERR_STATE (not CONNECTED), WLK_ERR_NOT_FOUND (the far end does no SRTP), WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_dtls_association_export_srtp(const wlk_dtls_association *association, wlk_srtp_keys *out);

/** As the latest event told it. */
WLK_API wlk_dtls_state wlk_dtls_association_state(const wlk_dtls_association *association);
/** UNKNOWN while NEW. */
WLK_API wlk_dtls_role wlk_dtls_association_role(const wlk_dtls_association *association);
/** The far end's certificate in DER, once the handshake is done, else empty; borrowed until restart or destroy. */
WLK_API wlk_bytes wlk_dtls_association_remote_certificate(const wlk_dtls_association *association);
/** 0xfefd is DTLS 1.2; 0 before the handshake is done. */
WLK_API uint16_t wlk_dtls_association_version(const wlk_dtls_association *association);
/** The cipher suite by its IANA name, "" before the handshake is done. Static. */
WLK_API const char *wlk_dtls_association_cipher(const wlk_dtls_association *association);
WLK_API wlk_srtp_profile wlk_dtls_association_srtp_profile(const wlk_dtls_association *association);
/** Bytes of a datagram that proved to pass: the configured mtu, or 576 after it did not. */
WLK_API size_t wlk_dtls_association_mtu(const wlk_dtls_association *association);

/** Counters of an association; they only grow. The struct grows at its end. */
typedef struct wlk_dtls_stats {
	size_t struct_size; /**< set it to sizeof(wlk_dtls_stats) */
	uint64_t datagrams_sent;
	uint64_t bytes_sent;
	uint64_t datagrams_received;
	uint64_t bytes_received;
	uint64_t datagrams_dropped; /**< too large, in the wrong state, or no room */
	uint64_t records_dropped;   /**< not authentic, replayed or malformed */
	uint64_t retransmissions;   /**< time-outs of the handshake */
} wlk_dtls_stats;

/** Errors: WLK_ERR_INVALID (a struct_size below that of the first release). */
WLK_API wlk_err wlk_dtls_association_get_stats(const wlk_dtls_association *association, wlk_dtls_stats *out);

#ifdef __cplusplus
}
#endif

#endif
