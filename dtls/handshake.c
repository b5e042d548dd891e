/*
 * How OpenSSL is driven here:
 * - The SSL object is made by dtls_transport_start(), lives through one handshake and its session, and is dead after
 * any result other than WANT_READ or WANT_WRITE before Finished, even with an empty error queue. It is freed then, and
 * a fresh one comes with dtls_transport_restart().
 * - Never DTLSv1_listen and no cookies: today's ClientHellos span two datagrams, and ICE has proven the address.
 * - Its retransmission timer runs by our time; see dgram_bio.c. The 13th expiry of one flight is fatal inside OpenSSL.
 * - A dead SSL may stay silent. A fatal alert is sent then in any case, so that the peer can begin again at once.
 */
#include "dtls/false_start.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <string.h>

#include "core/alloc.h"
#include "dtls/cert_openssl.h"

#define FIRST_TIMEOUT_MIN (50 * MILLISECOND)
#define FIRST_TIMEOUT_MAX (400 * MILLISECOND)
#define TIMEOUT_CAP       (3 * SECOND)
#define CAP_RETRY         (200 * MILLISECOND) /* at the cap of half-open handshakes */
#define NEW_HELLO_SPACING (250 * MILLISECOND) /* between handshakes that a ClientHello began anew */

enum {
	MTU_FALLBACK_AFTER = 2,  /* time-outs in a row */
	GIVE_UP_DOUBT_AFTER = 2, /* time-outs behind an unauthenticated alert (R13) or a conflict */
};

/* --- the SSL object --------------------------------------------------------------------------------------------- */

static void on_info(const SSL *ssl, int where, int value)
{
	struct dtls_transport *t = SSL_get_app_data(ssl);
	uint8_t level = (uint8_t)(value >> 8);

	if (level != SSL3_AL_FATAL)
		return;
	if (where == SSL_CB_READ_ALERT)
		t->alert_received = (uint8_t)value;
	else if (where == SSL_CB_WRITE_ALERT)
		t->alert_sent = (uint8_t)value;
}

/* OpenSSL asks for the length of the next time-out; 0 means that a new flight goes out, so the peer made progress. */
static unsigned int on_timer(SSL *ssl, unsigned int previous_us)
{
	struct dtls_transport *t = SSL_get_app_data(ssl);

	if (previous_us == 0) {
		t->timeouts = 0;
		t->in_doubt = false;
		t->timeout_us = t->rtt_us ? 2 * t->rtt_us : FIRST_TIMEOUT_MAX;
		t->timeout_us = MAX(FIRST_TIMEOUT_MIN, MIN(t->timeout_us, FIRST_TIMEOUT_MAX));
	} else {
		t->timeout_us = MIN(2 * t->timeout_us, TIMEOUT_CAP);
	}
	return (unsigned int)t->timeout_us;
}

static bool set_up_ssl(struct dtls_transport *t)
{
	BIO *bio = dgram_bio_open(&t->bio, t->context->bio_method);

	if (!bio)
		return false;
	SSL_set_bio(t->ssl, bio, bio);
	if (SSL_set_app_data(t->ssl, t) != 1 || dtls_cert_use(t->cert, t->ssl) != WLK_OK ||
	    SSL_set_mtu(t->ssl, (long)t->mtu) <= 0)
		return false;
	/* The one function of OpenSSL where 0 is success. */
	if (t->srtp_names[0] && SSL_set_tlsext_use_srtp(t->ssl, t->srtp_names) != 0)
		return false;
	SSL_set_info_callback(t->ssl, on_info);
	DTLS_set_timer_cb(t->ssl, on_timer);
	dtls_false_start_watch(t);
	if (t->role == DTLS_ROLE_CLIENT)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	return true;
}

/* A fresh SSL object; at the cap of half-open handshakes a date for the next attempt instead (R16). */
static wlk_err open_ssl(struct dtls_transport *t, wlk_time now)
{
	assert(!t->ssl && "one handshake at a time");
	if (t->context->half_open >= t->context->half_open_max) {
		t->reopen_at = now + CAP_RETRY;
		return WLK_ERR_AGAIN;
	}
	ERR_clear_error();
	t->reopen_at = WLK_TIME_NEVER;
	t->in_doubt = false;
	t->alert_received = 0;
	t->alert_sent = 0;
	t->timeouts = 0;
	t->opened_at = now;
	record_filter_init(&t->filter, t->role == DTLS_ROLE_SERVER);
	t->ssl = SSL_new(t->context->ssl_ctx);
	if (!t->ssl || !set_up_ssl(t)) {
		dtls_transport_drop_ssl(t);
		return WLK_ERR_CRYPTO;
	}
	t->half_open = true;
	t->context->half_open++;
	return WLK_OK;
}

static void track_timer(struct dtls_transport *t, wlk_time now)
{
	if (!t->bio.timer_changed)
		return;
	t->bio.timer_changed = false;
	t->retransmit_at = t->bio.timer_armed ? now + t->timeout_us : WLK_TIME_NEVER;
}

/* --- handshake -------------------------------------------------------------------------------------------------- */

static bool remember_remote_certificate(struct dtls_transport *t)
{
	X509 *x509 = SSL_get0_peer_certificate(t->ssl);
	uint8_t *der = NULL;
	int size = x509 ? i2d_X509(x509, &der) : -1;

	if (size <= 0)
		return false;
	wlk_free(t->remote_der);
	t->remote_der = wlk_malloc((size_t)size);
	t->remote_der_size = 0;
	if (t->remote_der) {
		memcpy(t->remote_der, der, (size_t)size);
		t->remote_der_size = (size_t)size;
	}
	OPENSSL_free(der);
	return t->remote_der != NULL;
}

static void learn_sealed_min(struct dtls_transport *t)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
	bool chacha = cipher && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305;

	t->filter.sealed_min = chacha ? DTLS_SEALED_MIN_CHACHA20 : DTLS_SEALED_MIN_GCM;
}

static void handshake_finished(struct dtls_transport *t, wlk_time now)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
	const SRTP_PROTECTION_PROFILE *srtp = SSL_get_selected_srtp_profile(t->ssl);

	dtls_transport_leave_half_open(t);
	if (!remember_remote_certificate(t)) {
		dtls_transport_fail(t, DTLS_REASON_NO_MEMORY, 0);
		return;
	}
	t->handshake_done = true;
	t->filter.phase = RECORD_PHASE_ESTABLISHED;
	learn_sealed_min(t);
	t->cipher = SSL_CIPHER_get_protocol_id(cipher);
	t->cipher_name = SSL_CIPHER_standard_name(cipher);
	t->srtp_profile = srtp ? (enum dtls_srtp_profile)srtp->id : DTLS_SRTP_NONE;
	t->drained = !SSL_has_pending(t->ssl);
	LOG_I(t, "handshake done as %s: %s, srtp profile %u, mtu %zu, %u time-outs",
	      t->role == DTLS_ROLE_CLIENT ? "client" : "server", t->cipher_name, (unsigned int)t->srtp_profile, t->mtu,
	      (unsigned int)t->stats.retransmissions);
	dtls_transport_verify_fingerprint(t, now);
}

/* What was held goes through the filter once more; what has to wait further is held again behind it. */
static void release_sealed(struct dtls_transport *t, wlk_time now)
{
	for (size_t left = t->sealed.count; left > 0; left--) {
		struct pktbuf *buf = dtls_early_queue_pop(&t->sealed);

		if (!buf)
			return;
		dtls_transport_deliver(t, now, buf->data, buf->size);
		pktbuf_release(buf);
	}
}

/* RFC 6347 4.1: epoch 1 can be read as soon as the peer's ChangeCipherSpec was processed. */
static bool peer_changed_cipher_spec(const struct dtls_transport *t)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(t->ssl);

	return state == TLS_ST_CR_CHANGE || state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_FINISHED ||
	       state == TLS_ST_SR_FINISHED;
}

static void run_handshake(struct dtls_transport *t, wlk_time now)
{
	int result;
	int error;

	ERR_clear_error();
	dtls_false_start_enter(t);
	result = SSL_do_handshake(t->ssl);
	dtls_false_start_leave(t);
	error = SSL_get_error(t->ssl, result);
	t->bio.in = NULL;
	track_timer(t, now);
	if (result == 1) {
		handshake_finished(t, now);
		release_sealed(t, now);
		return;
	}
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		LOG_D(t, "handshake failed: %s", ERR_reason_error_string(ERR_peek_error()));
		dtls_transport_fail(t, t->alert_received ? DTLS_REASON_ALERT : DTLS_REASON_PROTOCOL, t->alert_received);
		return;
	}
	if (t->filter.phase == RECORD_PHASE_PLAIN && peer_changed_cipher_spec(t)) {
		t->filter.phase = RECORD_PHASE_SEALED;
		learn_sealed_min(t);
		release_sealed(t, now);
	}
}

/*
 * The peer's ClientHello contradicts the handshake that runs: it lost its state, or somebody forges. A fresh handshake
 * serves the honest peer in both cases; the spacing bounds what a forger can make us compute.
 */
static bool begin_anew(struct dtls_transport *t, wlk_time now)
{
	if (now - t->opened_at < NEW_HELLO_SPACING || t->restarts >= DTLS_RESTARTS_MAX)
		return false;
	LOG_D(t, "another ClientHello: fresh handshake");
	t->restarts++;
	t->stats.restarts++;
	dtls_transport_drop_ssl(t);
	if (open_ssl(t, now) == WLK_ERR_CRYPTO) {
		dtls_transport_fail(t, DTLS_REASON_NO_MEMORY, 0);
		return false;
	}
	return t->ssl != NULL;
}

/*
 * Something says that this handshake is spoiled: an alert that nobody signed, or a message of which two forms exist. It
 * may be forged, so nothing happens while the handshake makes progress.
 */
static void note_doubt(struct dtls_transport *t, const struct record_verdict *verdict)
{
	if (verdict->alert)
		t->stats.alerts_ignored++;
	if (t->in_doubt)
		return;
	t->in_doubt = true;
	t->timeouts_in_doubt = 0;
	t->alert_unverified = verdict->alert ? verdict->alert_description : 0;
}

static void hold_sealed(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size,
			enum record_phase judged_in)
{
	if (t->filter.phase != judged_in) /* the plain records of the same datagram opened the way */
		dtls_transport_deliver(t, now, data, size);
	else if (!dtls_early_queue_push(&t->sealed, data, size))
		t->stats.datagrams_dropped++;
}

void dtls_handshake_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	uint8_t pass[PKTBUF_PAYLOAD];
	uint8_t hold[PKTBUF_PAYLOAD];
	struct record_verdict verdict;
	enum record_phase phase;

	record_filter_run(&t->filter, data, size, pass, hold, &verdict);
	if (verdict.other_client_hello && begin_anew(t, now))
		record_filter_run(&t->filter, data, size, pass, hold, &verdict);
	if (!t->ssl)
		return;
	phase = t->filter.phase;
	t->stats.records_dropped += verdict.dropped;
	if (verdict.dropped)
		LOG_RATED(t, &t->log_budget, now, LOG_LEVEL_DEBUG, "%u records dropped", (unsigned int)verdict.dropped);
	if (verdict.alert || verdict.conflict)
		note_doubt(t, &verdict);
	if (verdict.pass_size) {
		t->bio.in = pass;
		t->bio.in_size = verdict.pass_size;
		run_handshake(t, now);
	}
	if (verdict.hold_size && t->ssl)
		hold_sealed(t, now, hold, verdict.hold_size, phase);
}

void dtls_handshake_retransmit(struct dtls_transport *t, wlk_time now)
{
	long result;

	if (t->in_doubt && ++t->timeouts_in_doubt >= GIVE_UP_DOUBT_AFTER) {
		dtls_transport_fail(t, t->alert_unverified ? DTLS_REASON_ALERT : DTLS_REASON_PROTOCOL,
				    t->alert_unverified);
		return;
	}
	if (++t->timeouts >= MTU_FALLBACK_AFTER && t->mtu > DTLS_MTU_FALLBACK) {
		LOG_D(t, "mtu %zu -> %d", t->mtu, DTLS_MTU_FALLBACK);
		t->mtu = DTLS_MTU_FALLBACK;
		t->bio.mtu = t->mtu;
		(void)SSL_set_mtu(t->ssl, (long)t->mtu);
	}
	t->stats.retransmissions++;
	ERR_clear_error();
	dgram_bio_expire_timer(&t->bio);
	result = DTLSv1_handle_timeout(t->ssl);
	track_timer(t, now);
	if (result < 0)
		dtls_transport_fail(t, DTLS_REASON_TIMEOUT, 0);
	else if (t->retransmit_at <= now) /* a clock that is not ours disagrees (OpenSSL >= 3.2): ask again soon */
		t->retransmit_at = now + FIRST_TIMEOUT_MIN;
}

/* Open and, as client, send the ClientHello. */
void dtls_handshake_begin(struct dtls_transport *t, wlk_time now)
{
	wlk_err err = open_ssl(t, now);

	if (err == WLK_ERR_CRYPTO)
		dtls_transport_fail(t, DTLS_REASON_NO_MEMORY, 0);
	else if (!err && t->role == DTLS_ROLE_CLIENT)
		run_handshake(t, now);
}
