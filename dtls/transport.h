/* One DTLS 1.2 association over datagrams that somebody else sends and receives (RFC 6347, RFC 5764, RFC 8827). */
#ifndef DTLS_TRANSPORT_H
#define DTLS_TRANSPORT_H

#include "core/log.h"
#include "core/pktbuf.h"
#include "dtls/cert.h"
#include "dtls/early_queue.h"

enum {
	DTLS_MTU = 1200,         /* UDP payload that handshake flights fill [bytes] */
	DTLS_MTU_FALLBACK = 576, /* after two time-outs of the handshake */
	DTLS_HALF_OPEN_MAX = 256,
	DTLS_OVERHEAD = 37,   /* bytes that an AES-GCM record adds to application data */
	DTLS_DATA_MAX = 2000, /* most application data in one record */
	DTLS_FIRST_DATA_MAX = 512, /* see dtls_transport_set_first_data() [bytes] */
	DTLS_FINGERPRINTS_MAX = 16,
	DTLS_SRTP_BLOCK_MAX = 88,
};

/* DTLS-SRTP protection profiles: the numbers of RFC 5764 4.1.2 and RFC 7714 14.2. */
enum dtls_srtp_profile {
	DTLS_SRTP_NONE = 0,
	DTLS_SRTP_AES128_CM_SHA1_80 = 0x0001,
	DTLS_SRTP_AEAD_AES_128_GCM = 0x0007,
	DTLS_SRTP_AEAD_AES_256_GCM = 0x0008,
};

enum dtls_role { DTLS_ROLE_CLIENT, DTLS_ROLE_SERVER };

enum dtls_state {
	DTLS_STATE_NEW,        /* created; no datagram is answered */
	DTLS_STATE_CONNECTING, /* started; handshake running, or done and the remote fingerprint is not known yet */
	DTLS_STATE_CONNECTED,  /* handshake done and fingerprint good */
	DTLS_STATE_CLOSED,     /* close_notify sent or received, or a fatal alert came in the protected epoch */
	DTLS_STATE_FAILED,     /* see dtls_event.reason */
};

enum dtls_reason {
	DTLS_REASON_NONE,
	DTLS_REASON_LOCAL_CLOSE,  /* dtls_transport_close() */
	DTLS_REASON_REMOTE_CLOSE, /* the peer's close_notify */
	DTLS_REASON_ALERT,        /* fatal alert of the peer; before Finished only together with time-outs (R13) */
	DTLS_REASON_PROTOCOL,     /* OpenSSL gave up on this handshake or association */
	DTLS_REASON_TIMEOUT,      /* no progress: 12 retransmissions or 30 s (R16) */
	DTLS_REASON_FINGERPRINT,  /* the certificate is not the one of the description (R14) */
	DTLS_REASON_NO_MEMORY,
};

struct dtls_event {
	enum dtls_state state; /* the state that was entered */
	enum dtls_reason reason;
	uint8_t alert;    /* alert description (RFC 5246 7.2) when one was received or sent, else 0 */
	bool restartable; /* FAILED before Finished for a cause that a spoofer can make: dtls_transport_restart() may
			     help */
};

/**
 * What the transports of one loop share: the OpenSSL context (0.1 ms to make) and the count of half-open
 * handshakes (R16). Stays on the thread of its loop.
 */
struct dtls_context;

struct dtls_context_config {
	/*
	 * Lines for a key log file in NSS format, without line end; borrowed for the call. NULL: none. A debugging
	 * aid: whoever holds the lines can read the session.
	 */
	void (*keylog)(const char *line, void *user);
	void *user;
	size_t half_open_max; /* 0: DTLS_HALF_OPEN_MAX */
};

/* |config| may be NULL. WLK_ERR_CRYPTO or WLK_ERR_NOMEM when something cannot be made. */
wlk_err dtls_context_create(struct dtls_context **out, const struct dtls_context_config *config) WLK_NODISCARD;
/* Only when no transport uses it any more (asserted). destroy(NULL) does nothing. */
void dtls_context_destroy(struct dtls_context *context);
/* Handshakes that run at the moment. */
size_t dtls_context_half_open(const struct dtls_context *context);

struct dtls_config {
	struct dtls_context *context; /* required; outlives the transport */
	struct dtls_cert *cert;       /* required; the transport takes its own reference */
	struct pktbuf_pool *pool;     /* outgoing datagrams and held ones; NULL: from the heap */
	wlk_time rtt_us;              /* first retransmission after twice this, within 50..400 ms; 0: unknown, 400 ms */
	size_t mtu;                   /* UDP payload of handshake datagrams; 0: DTLS_MTU; at least 256 */
	/* use_srtp offered or accepted, best first; count 0: no SRTP. The server's order decides. */
	const enum dtls_srtp_profile *srtp_profiles;
	size_t srtp_profile_count;
	const char *log_parent; /* prefix of the owner's log lines, e.g. "pc3"; NULL: none */
};

/* AEAD_AES_128_GCM, AEAD_AES_256_GCM, AES128_CM_SHA1_80: what a WebRTC endpoint wants. */
extern const enum dtls_srtp_profile dtls_srtp_profiles_default[3];

/* Counters only grow. */
struct dtls_stats {
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t records_dropped;   /* refused by the record filter (R13) */
	uint64_t datagrams_dropped; /* too large, in the wrong state, or no room to hold them */
	uint64_t alerts_ignored;    /* unauthenticated alerts */
	uint64_t retransmissions;   /* time-outs of the handshake */
	uint64_t restarts;          /* fresh handshakes after the first */
	uint64_t false_starts;      /* times that the first data left behind our Finished */
};

struct dtls_transport;

/* No SSL object is made before dtls_transport_start(). WLK_ERR_INVALID for a config without context or cert. */
wlk_err dtls_transport_create(struct dtls_transport **out, const struct dtls_config *config) WLK_NODISCARD;
/* Sends nothing; call dtls_transport_close() and drain first for a close_notify. destroy(NULL) does nothing. */
void dtls_transport_destroy(struct dtls_transport *t);

/**
 * Begin the handshake; call it when the first ICE pair is valid (R12). The client's ClientHello waits in
 * dtls_transport_poll_transmit(). Above the context's cap of half-open handshakes the transport stays CONNECTING and
 * tries again by itself (R16).
 *
 * WLK_ERR_STATE unless NEW (R17: a role is taken once).
 */
wlk_err dtls_transport_start(struct dtls_transport *t, wlk_time now, enum dtls_role role);

/**
 * After FAILED with |restartable|: a fresh handshake in the same role. While ICE is up, call it at once, but not more
 * often than once in 100 ms; a handshake that was killed by forged datagrams then connects.
 *
 * WLK_ERR_STATE unless FAILED before Finished.
 */
wlk_err dtls_transport_restart(struct dtls_transport *t, wlk_time now);

/**
 * The a=fingerprint lines of the remote description; may come before, during or after the handshake. Nothing of the
 * peer is delivered and no key is exported until the certificate matches one of the lines of the strongest hash (R14).
 *
 * WLK_ERR_INVALID for an empty list, more than DTLS_FINGERPRINTS_MAX, a digest size that does not fit its hash, or a
 * list that the certificate of the running session does not match (R35: it stays as it is).
 */
wlk_err dtls_transport_set_remote_fingerprints(struct dtls_transport *t, wlk_time now,
					       const struct dtls_fingerprint *list, size_t count);

/**
 * Feed one datagram from a validated pair; borrowed for the call. Nothing of it is trusted: what the filter refuses is
 * counted and dropped. Pull poll_event, poll_data and poll_transmit afterwards.
 *
 * @param size  bytes; more than 2048 is dropped
 */
void dtls_transport_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);

/* The next datagram to send over ICE's selected pair; the caller owns one reference. False: none. */
bool dtls_transport_poll_transmit(struct dtls_transport *t, wlk_time now, struct pktbuf **out);
/* The next change of state. False: none. */
bool dtls_transport_poll_event(struct dtls_transport *t, struct dtls_event *out);

/**
 * The application data of the next record, e.g. one SCTP packet; borrowed until the next call on |t|. False: none.
 * Call until false after each dtls_transport_input() and set_remote_fingerprints().
 */
bool dtls_transport_poll_data(struct dtls_transport *t, wlk_time now, wlk_bytes *out);

/**
 * Seal 1..DTLS_DATA_MAX bytes into one record and queue it as one datagram.
 *
 * WLK_ERR_STATE unless CONNECTED, WLK_ERR_TOO_LARGE, WLK_ERR_AGAIN when 1,024 datagrams wait for poll_transmit,
 * WLK_ERR_CRYPTO when OpenSSL fails (the transport then is FAILED).
 */
wlk_err dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);

/**
 * What a client says right behind its Finished, a round trip before it is CONNECTED (False Start, RFC 7918): 1 to
 * DTLS_FIRST_DATA_MAX bytes that need no secrecy against a server that may yet fail, copied. It leaves only if the
 * certificate is the one that dtls_transport_set_remote_fingerprints() named before (R14). It may get lost without the
 * handshake, and a server may drop it: say it again once CONNECTED. No memory, or a server: nothing happens.
 */
void dtls_transport_set_first_data(struct dtls_transport *t, const uint8_t *data, size_t size);

/* When dtls_transport_handle_timeout() wants to be called; WLK_TIME_NEVER when idle. */
wlk_time dtls_transport_deadline(const struct dtls_transport *t);
void dtls_transport_handle_timeout(struct dtls_transport *t, wlk_time now);

/* Send close_notify when connected and go to CLOSED. Idempotent. */
void dtls_transport_close(struct dtls_transport *t, wlk_time now);

/* ICE measured the path; used for the retransmission timers that start after this. */
void dtls_transport_set_rtt(struct dtls_transport *t, wlk_time rtt_us);

/* Keying material for SRTP: client key, server key, client salt, server salt (RFC 5764 4.2). */
struct dtls_srtp_export {
	enum dtls_srtp_profile profile;
	bool is_client; /* we are the DTLS client: the client's key and salt are ours */
	uint8_t block[DTLS_SRTP_BLOCK_MAX];
	size_t size;
};

/**
 * Export the SRTP keys. The caller wipes |out| with crypto_wipe() after use (R38).
 *
 * WLK_ERR_STATE unless CONNECTED, WLK_ERR_NOT_FOUND when use_srtp was not negotiated.
 */
wlk_err dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out) WLK_NODISCARD;

enum dtls_state dtls_transport_state(const struct dtls_transport *t);
/* The role given to start(); DTLS_ROLE_CLIENT while NEW. */
enum dtls_role dtls_transport_role(const struct dtls_transport *t);
/* 0xfefd once a session is up, else 0. */
uint16_t dtls_transport_version(const struct dtls_transport *t);
/* IANA number of the suite once a session is up, else 0; and its IANA name, e.g. for stats, else "". */
uint16_t dtls_transport_cipher(const struct dtls_transport *t);
const char *dtls_transport_cipher_name(const struct dtls_transport *t);
enum dtls_srtp_profile dtls_transport_srtp_profile(const struct dtls_transport *t);
/* The peer's certificate once the handshake is done, else empty; borrowed until restart or destroy. */
wlk_bytes dtls_transport_remote_cert(const struct dtls_transport *t);
/* UDP payload that proved to pass: the configured MTU, or DTLS_MTU_FALLBACK (R30: SCTP takes it over). */
size_t dtls_transport_mtu(const struct dtls_transport *t);
/* When the last handshake that succeeded took place: from start() or restart() to Finished [us], else -1. */
wlk_time dtls_transport_handshake_time(const struct dtls_transport *t);
const struct dtls_stats *dtls_transport_stats(const struct dtls_transport *t);

#endif
