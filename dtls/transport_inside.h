/* Inside of struct dtls_transport, for transport.c (states, session, verbs) and handshake.c (everything until
 * Finished). */
#ifndef DTLS_TRANSPORT_INSIDE_H
#define DTLS_TRANSPORT_INSIDE_H

#include <openssl/ssl.h>

#include "core/event_queue.h"
#include "core/time.h"
#include "dtls/context.h"
#include "dtls/dgram_bio.h"
#include "dtls/record_filter.h"

enum { DTLS_RESTARTS_MAX = 64 };

struct dtls_transport {
	struct log_scope log;
	struct log_budget log_budget;
	struct dtls_context *context;
	struct dtls_cert *cert;
	char srtp_names[96]; /* the configured profiles as OpenSSL spells them; empty: none */

	enum dtls_state state;
	enum dtls_role role;
	SSL *ssl; /* NULL before start, at the half-open cap, and after the end */
	struct dgram_bio bio;
	struct record_filter filter;
	bool half_open;      /* counted in context->half_open */
	bool handshake_done; /* Finished was good; CONNECTED only with the fingerprint */
	bool drained;        /* OpenSSL holds no records that SSL_read() would deliver */

	wlk_time rtt_us;
	wlk_time timeout_us; /* of the flight that is out */
	wlk_time opened_at;  /* of the current SSL */
	wlk_time give_up_at;
	wlk_time retransmit_at;
	wlk_time reopen_at; /* at the half-open cap */
	wlk_time handshake_time;
	uint32_t timeouts; /* in a row, of the flight that is out */
	bool in_doubt;     /* since the peer's last progress: an unauthenticated alert, or forged fragments */
	uint32_t timeouts_in_doubt;
	uint8_t alert_unverified; /* 0: none */
	uint8_t alert_received;   /* by OpenSSL, authenticated */
	uint8_t alert_sent;
	size_t mtu;
	uint32_t restarts;

	struct dtls_fingerprint *expected;
	size_t expected_count;
	uint8_t *remote_der;
	size_t remote_der_size;
	uint16_t cipher;
	const char *cipher_name;
	enum dtls_srtp_profile srtp_profile;

	struct pktbuf *first_data; /* false_start.c; NULL: none */
	bool in_handshake;         /* inside of SSL_do_handshake() */

	struct dtls_early_queue sealed;  /* epoch 1 before it can be read (R13) */
	struct dtls_early_queue pending; /* session datagrams that cannot be delivered yet */
	struct event_queue events;
	struct dtls_stats stats;
	size_t plain_size; /* of the record waiting in |plain|; 0: none */
	uint8_t plain[PKTBUF_PAYLOAD];
};

/* transport.c */

/* Takes the SSL object down and goes to FAILED; before Finished the peer gets a plaintext alert in any case. */
void dtls_transport_fail(struct dtls_transport *t, enum dtls_reason reason, uint8_t alert);
/* Frees the SSL object and everything that was held for it; what waits to be sent stays. */
void dtls_transport_drop_ssl(struct dtls_transport *t);
void dtls_transport_leave_half_open(struct dtls_transport *t);
/* CONNECTED or FAILED, once the handshake is done and the fingerprint is known (R14). */
void dtls_transport_verify_fingerprint(struct dtls_transport *t, wlk_time now);
/* Whether the peer's certificate |x509|, which may be NULL, is one that the remote description names (R14). */
bool dtls_transport_expects_certificate(const struct dtls_transport *t, X509 *x509);
/* A datagram to whom it belongs now: the handshake or the session. Nothing happens without an SSL object. */
void dtls_transport_deliver(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);

/* handshake.c */

/* Open a fresh SSL object and, as client, send the ClientHello. At the half-open cap only |reopen_at| is set. */
void dtls_handshake_begin(struct dtls_transport *t, wlk_time now);
void dtls_handshake_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);
/* |retransmit_at| has passed. */
void dtls_handshake_retransmit(struct dtls_transport *t, wlk_time now);

#endif
