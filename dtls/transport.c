#include "dtls/transport_inside.h"

#include <openssl/err.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/crypto.h"

#define HANDSHAKE_LIMIT (30 * SECOND) /* from start() to CONNECTED, all restarts included (R16) */

enum { MTU_MIN = 256, ALERT_HANDSHAKE_FAILURE = 40 };

const enum dtls_srtp_profile dtls_srtp_profiles_default[3] = {
	DTLS_SRTP_AEAD_AES_128_GCM,
	DTLS_SRTP_AEAD_AES_256_GCM,
	DTLS_SRTP_AES128_CM_SHA1_80,
};

static const char *const state_names[] = { "new", "connecting", "connected", "closed", "failed" };
static const char *const reason_names[] = { "",        "closed here", "closed by the peer", "alert", "protocol error",
					    "timeout", "fingerprint", "out of memory" };

/* --- states ----------------------------------------------------------------------------------------------------- */

static bool may_restart(const struct dtls_transport *t, enum dtls_reason reason)
{
	return !t->handshake_done && t->restarts < DTLS_RESTARTS_MAX &&
	       (reason == DTLS_REASON_PROTOCOL || reason == DTLS_REASON_ALERT || reason == DTLS_REASON_NO_MEMORY);
}

static void set_state(struct dtls_transport *t, enum dtls_state state, enum dtls_reason reason, uint8_t alert)
{
	struct dtls_event event = { .state = state, .reason = reason, .alert = alert };

	event.restartable = state == DTLS_STATE_FAILED && may_restart(t, reason);
	LOG_I(t, "%s -> %s %s%s", state_names[t->state], state_names[state], reason_names[reason],
	      event.restartable ? ", may restart" : "");
	t->state = state;
	/* The queue has room for every change that can happen between two polls; only a caller who restarts again and
	 * again without polling makes it grow, and then it sees the older half of the story. */
	if (event_queue_push(&t->events, &event) != WLK_OK)
		LOG_W(t, "out of memory for an event");
}

void dtls_transport_leave_half_open(struct dtls_transport *t)
{
	if (t->half_open)
		t->context->half_open--;
	t->half_open = false;
}

void dtls_transport_drop_ssl(struct dtls_transport *t)
{
	dtls_transport_leave_half_open(t);
	SSL_free(t->ssl); /* frees the BIO, not what waits in t->bio */
	t->ssl = NULL;
	t->bio.timer = NULL;
	t->retransmit_at = WLK_TIME_NEVER;
	t->reopen_at = WLK_TIME_NEVER;
	t->drained = true;
	dtls_early_queue_clear(&t->sealed);
	dtls_early_queue_clear(&t->pending);
	ERR_clear_error();
}

/* An epoch-0 alert of our own making, for an SSL that died without a word. */
static void send_plain_alert(struct dtls_transport *t, uint8_t description)
{
	uint8_t record[DTLS_RECORD_HEADER + 2];
	struct bytes_writer w = bytes_writer(record, sizeof(record));
	struct pktbuf *buf;

	bytes_put_u8(&w, DTLS_RECORD_ALERT);
	bytes_put_u16(&w, 0xfefd);
	bytes_put_u16(&w, 0);
	bytes_put_be(&w, ((uint64_t)1 << 32) + t->restarts, 6); /* above what OpenSSL used in a handshake */
	bytes_put_u16(&w, 2);
	bytes_put_u8(&w, 2);
	bytes_put_u8(&w, description);
	buf = pktbuf_copy(t->bio.pool, record, w.size);
	if (buf)
		dgram_bio_push(&t->bio, buf);
}

void dtls_transport_fail(struct dtls_transport *t, enum dtls_reason reason, uint8_t alert)
{
	if (!t->handshake_done && !t->alert_sent && t->ssl)
		send_plain_alert(t, ALERT_HANDSHAKE_FAILURE);
	dtls_transport_drop_ssl(t);
	set_state(t, DTLS_STATE_FAILED, reason, alert ? alert : t->alert_sent);
}

/* --- fingerprints ----------------------------------------------------------------------------------------------- */

/* R14: any line of the strongest hash. Every line is compared, in constant time. */
static bool certificate_matches(wlk_bytes der, const struct dtls_fingerprint *list, size_t count)
{
	enum dtls_hash strongest = DTLS_HASH_SHA256;
	uint8_t digest[DTLS_DIGEST_MAX];
	size_t size;
	bool match = false;

	for (size_t i = 0; i < count; i++)
		strongest = MAX(strongest, list[i].hash);
	if (dtls_digest(strongest, der.data, der.size, digest, &size) != WLK_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].hash == strongest && list[i].size == size && crypto_equal(list[i].digest, digest, size))
			match = true;
	}
	return match;
}

static wlk_bytes remote_der(const struct dtls_transport *t)
{
	return (wlk_bytes){ t->remote_der, t->remote_der_size };
}

bool dtls_transport_expects_certificate(const struct dtls_transport *t, X509 *x509)
{
	uint8_t *der = NULL;
	int size = x509 && t->expected_count ? i2d_X509(x509, &der) : -1;
	bool expected = size > 0 && certificate_matches((wlk_bytes){ der, (size_t)size }, t->expected, t->expected_count);

	OPENSSL_free(der);
	return expected;
}

void dtls_transport_verify_fingerprint(struct dtls_transport *t, wlk_time now)
{
	if (!t->handshake_done || t->state != DTLS_STATE_CONNECTING || !t->expected_count)
		return;
	if (!certificate_matches(remote_der(t), t->expected, t->expected_count)) {
		ERR_clear_error();
		(void)SSL_shutdown(t->ssl); /* there is no call for a bad_certificate alert at this point */
		dtls_transport_fail(t, DTLS_REASON_FINGERPRINT, 0);
		return;
	}
	t->give_up_at = WLK_TIME_NEVER;
	t->handshake_time = now - t->opened_at;
	set_state(t, DTLS_STATE_CONNECTED, DTLS_REASON_NONE, 0);
}

static bool fingerprints_are_sane(const struct dtls_fingerprint *list, size_t count)
{
	if (count == 0 || count > DTLS_FINGERPRINTS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].hash > DTLS_HASH_SHA512 || list[i].size != dtls_hash_size(list[i].hash))
			return false;
	}
	return true;
}

wlk_err dtls_transport_set_remote_fingerprints(struct dtls_transport *t, wlk_time now,
					       const struct dtls_fingerprint *list, size_t count)
{
	struct dtls_fingerprint *copy;

	if (!fingerprints_are_sane(list, count))
		return WLK_ERR_INVALID;
	if (t->state == DTLS_STATE_CONNECTED && !certificate_matches(remote_der(t), list, count))
		return WLK_ERR_INVALID; /* R35 */
	copy = wlk_calloc(count, sizeof(*copy));
	if (!copy)
		return WLK_ERR_NOMEM;
	memcpy(copy, list, count * sizeof(*copy));
	wlk_free(t->expected);
	t->expected = copy;
	t->expected_count = count;
	dtls_transport_verify_fingerprint(t, now);
	return WLK_OK;
}

/* --- session ---------------------------------------------------------------------------------------------------- */

/* SSL_read() or SSL_write() answered no. */
static void session_error(struct dtls_transport *t, int result)
{
	int error = SSL_get_error(t->ssl, result);

	t->drained = true;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return;
	if (error == SSL_ERROR_ZERO_RETURN) {
		ERR_clear_error();
		(void)SSL_shutdown(t->ssl); /* answer the close_notify */
		dtls_transport_drop_ssl(t);
		set_state(t, DTLS_STATE_CLOSED, DTLS_REASON_REMOTE_CLOSE, 0);
	} else if (t->alert_received) {
		dtls_transport_drop_ssl(t);
		set_state(t, DTLS_STATE_CLOSED, DTLS_REASON_ALERT, t->alert_received);
	} else {
		LOG_D(t, "session failed: %s", ERR_reason_error_string(ERR_peek_error()));
		dtls_transport_fail(t, DTLS_REASON_PROTOCOL, 0);
	}
}

/* Read one record into |plain|. */
static void read_record(struct dtls_transport *t)
{
	int result;

	ERR_clear_error();
	result = SSL_read(t->ssl, t->plain, (int)sizeof(t->plain));
	t->bio.in = NULL;
	if (result <= 0) {
		session_error(t, result);
		return;
	}
	t->plain_size = (size_t)result;
	t->drained = !SSL_has_pending(t->ssl);
}

static void consume(struct dtls_transport *t, const uint8_t *data, size_t size)
{
	uint8_t pass[PKTBUF_PAYLOAD];
	uint8_t hold[PKTBUF_PAYLOAD];
	struct record_verdict verdict;

	t->bio.in = data;
	t->bio.in_size = size;
	if (!record_filter_all_pass(&t->filter, data, size)) {
		record_filter_run(&t->filter, data, size, pass, hold, &verdict);
		t->stats.records_dropped += verdict.dropped;
		t->bio.in = pass;
		t->bio.in_size = verdict.pass_size;
	}
	if (t->bio.in_size)
		read_record(t);
	t->bio.in = NULL;
}

static void input_session(struct dtls_transport *t, const uint8_t *data, size_t size)
{
	/* A datagram is read at once when nothing is ahead of it, without a copy. */
	if (t->state == DTLS_STATE_CONNECTED && !t->plain_size && t->drained && !t->pending.count)
		consume(t, data, size);
	else if (!dtls_early_queue_push(&t->pending, data, size))
		t->stats.datagrams_dropped++;
}

bool dtls_transport_poll_data(struct dtls_transport *t, wlk_time now, wlk_bytes *out)
{
	(void)now;
	while (!t->plain_size && t->ssl && t->state == DTLS_STATE_CONNECTED) {
		struct pktbuf *buf;

		if (!t->drained) {
			read_record(t);
			continue;
		}
		buf = dtls_early_queue_pop(&t->pending);
		if (!buf)
			return false;
		consume(t, buf->data, buf->size);
		pktbuf_release(buf);
	}
	if (!t->plain_size)
		return false;
	*out = (wlk_bytes){ t->plain, t->plain_size };
	t->plain_size = 0;
	return true;
}

wlk_err dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	int result;

	(void)now;
	if (t->state != DTLS_STATE_CONNECTED)
		return WLK_ERR_STATE;
	if (size == 0)
		return WLK_ERR_INVALID;
	if (size > DTLS_DATA_MAX)
		return WLK_ERR_TOO_LARGE;
	if (t->bio.out_count >= DGRAM_BIO_OUT_MAX)
		return WLK_ERR_AGAIN;
	ERR_clear_error();
	result = SSL_write(t->ssl, data, (int)size);
	if (result > 0)
		return WLK_OK;
	session_error(t, result);
	return WLK_ERR_CRYPTO;
}

/* --- verbs ------------------------------------------------------------------------------------------------------ */

void dtls_transport_deliver(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	if (!t->ssl)
		return;
	if (t->handshake_done)
		input_session(t, data, size);
	else
		dtls_handshake_input(t, now, data, size);
}

void dtls_transport_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	t->stats.datagrams_in++;
	t->stats.bytes_in += size;
	if (size == 0 || size > PKTBUF_PAYLOAD || !t->ssl) {
		t->stats.datagrams_dropped++;
		return;
	}
	dtls_transport_deliver(t, now, data, size);
}

bool dtls_transport_poll_transmit(struct dtls_transport *t, wlk_time now, struct pktbuf **out)
{
	struct pktbuf *buf = dgram_bio_pop(&t->bio);

	(void)now;
	if (!buf)
		return false;
	t->stats.datagrams_out++;
	t->stats.bytes_out += buf->size;
	*out = buf;
	return true;
}

bool dtls_transport_poll_event(struct dtls_transport *t, struct dtls_event *out)
{
	return event_queue_pop(&t->events, out);
}

wlk_time dtls_transport_deadline(const struct dtls_transport *t)
{
	if (t->state != DTLS_STATE_CONNECTING)
		return WLK_TIME_NEVER;
	return time_min(t->give_up_at, time_min(t->retransmit_at, t->reopen_at));
}

void dtls_transport_handle_timeout(struct dtls_transport *t, wlk_time now)
{
	if (now < dtls_transport_deadline(t))
		return;
	if (now >= t->give_up_at)
		dtls_transport_fail(t, DTLS_REASON_TIMEOUT, 0);
	else if (now >= t->reopen_at)
		dtls_handshake_begin(t, now);
	else
		dtls_handshake_retransmit(t, now);
}

wlk_err dtls_transport_start(struct dtls_transport *t, wlk_time now, enum dtls_role role)
{
	if (t->state != DTLS_STATE_NEW)
		return WLK_ERR_STATE;
	t->role = role;
	t->give_up_at = now + HANDSHAKE_LIMIT;
	set_state(t, DTLS_STATE_CONNECTING, DTLS_REASON_NONE, 0);
	dtls_handshake_begin(t, now);
	return WLK_OK;
}

wlk_err dtls_transport_restart(struct dtls_transport *t, wlk_time now)
{
	if (t->state != DTLS_STATE_FAILED || t->handshake_done)
		return WLK_ERR_STATE;
	if (now >= t->give_up_at || t->restarts >= DTLS_RESTARTS_MAX)
		return WLK_ERR_STATE;
	t->restarts++;
	t->stats.restarts++;
	set_state(t, DTLS_STATE_CONNECTING, DTLS_REASON_NONE, 0);
	dtls_handshake_begin(t, now);
	return WLK_OK;
}

void dtls_transport_close(struct dtls_transport *t, wlk_time now)
{
	(void)now;
	if (t->state == DTLS_STATE_CLOSED || t->state == DTLS_STATE_FAILED)
		return;
	if (t->ssl && t->handshake_done) {
		ERR_clear_error();
		(void)SSL_shutdown(t->ssl);
	}
	dtls_transport_drop_ssl(t);
	t->plain_size = 0;
	set_state(t, DTLS_STATE_CLOSED, DTLS_REASON_LOCAL_CLOSE, 0);
}

void dtls_transport_set_rtt(struct dtls_transport *t, wlk_time rtt_us)
{
	t->rtt_us = MAX(0, rtt_us);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static const char *srtp_openssl_name(enum dtls_srtp_profile profile)
{
	switch (profile) {
	case DTLS_SRTP_AES128_CM_SHA1_80:
		return "SRTP_AES128_CM_SHA1_80";
	case DTLS_SRTP_AEAD_AES_128_GCM:
		return "SRTP_AEAD_AES_128_GCM";
	case DTLS_SRTP_AEAD_AES_256_GCM:
		return "SRTP_AEAD_AES_256_GCM";
	case DTLS_SRTP_NONE:
		break;
	}
	return NULL;
}

/* "A:B:C", best first: OpenSSL's server picks the first of its own list that the client offers. */
static wlk_err write_srtp_names(struct dtls_transport *t, const struct dtls_config *config)
{
	struct bytes_writer w = bytes_writer(t->srtp_names, sizeof(t->srtp_names) - 1);

	for (size_t i = 0; i < config->srtp_profile_count; i++) {
		const char *name = srtp_openssl_name(config->srtp_profiles[i]);

		if (!name)
			return WLK_ERR_INVALID;
		if (i > 0)
			bytes_put_u8(&w, ':');
		bytes_put(&w, name, strlen(name));
	}
	return bytes_writer_ok(&w) ? WLK_OK : WLK_ERR_INVALID;
}

wlk_err dtls_transport_create(struct dtls_transport **out, const struct dtls_config *config)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct dtls_transport *t;
	size_t mtu = config->mtu ? config->mtu : DTLS_MTU;

	if (!config->context || !config->cert || mtu < MTU_MIN || mtu > PKTBUF_PAYLOAD)
		return WLK_ERR_INVALID;
	t = wlk_calloc(1, sizeof(*t));
	if (!t)
		return err;
	err = write_srtp_names(t, config);
	if (err)
		goto out_free;
	err = event_queue_init(&t->events, sizeof(struct dtls_event), 8);
	if (err)
		goto out_free;
	log_scope_init(&t->log, config->log_parent, "dtls");
	t->context = config->context;
	t->context->transports++;
	t->cert = dtls_cert_ref(config->cert);
	t->mtu = mtu;
	t->rtt_us = MAX(0, config->rtt_us);
	t->drained = true;
	t->cipher_name = "";
	t->handshake_time = -1;
	t->give_up_at = WLK_TIME_NEVER;
	t->retransmit_at = WLK_TIME_NEVER;
	t->reopen_at = WLK_TIME_NEVER;
	dgram_bio_init(&t->bio, config->pool, mtu);
	dtls_early_queue_init(&t->sealed, config->pool, DTLS_EARLY_SEALED_LIMIT);
	dtls_early_queue_init(&t->pending, config->pool, DTLS_EARLY_PENDING_LIMIT);
	*out = t;
	return WLK_OK;
out_free:
	wlk_free(t);
	return err;
}

void dtls_transport_destroy(struct dtls_transport *t)
{
	if (!t)
		return;
	dtls_transport_drop_ssl(t);
	if (t->first_data)
		pktbuf_release(t->first_data);
	dgram_bio_free(&t->bio);
	event_queue_free(&t->events);
	dtls_cert_release(t->cert);
	t->context->transports--;
	wlk_free(t->expected);
	wlk_free(t->remote_der);
	crypto_wipe(t->plain, sizeof(t->plain));
	wlk_free(t);
}

/* --- what is known of the session ------------------------------------------------------------------------------- */

wlk_err dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out)
{
	static const char label[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 4.2 */
	size_t size = t->srtp_profile == DTLS_SRTP_AEAD_AES_256_GCM   ? 2 * (32 + 12)
		      : t->srtp_profile == DTLS_SRTP_AEAD_AES_128_GCM ? 2 * (16 + 12)
								      : 2 * (16 + 14);

	if (t->state != DTLS_STATE_CONNECTED)
		return WLK_ERR_STATE;
	if (t->srtp_profile == DTLS_SRTP_NONE)
		return WLK_ERR_NOT_FOUND;
	ERR_clear_error();
	if (SSL_export_keying_material(t->ssl, out->block, size, label, sizeof(label) - 1, NULL, 0, 0) != 1) {
		ERR_clear_error();
		return WLK_ERR_CRYPTO;
	}
	out->profile = t->srtp_profile;
	out->is_client = t->role == DTLS_ROLE_CLIENT;
	out->size = size;
	return WLK_OK;
}

enum dtls_state dtls_transport_state(const struct dtls_transport *t)
{
	return t->state;
}

enum dtls_role dtls_transport_role(const struct dtls_transport *t)
{
	return t->role;
}

uint16_t dtls_transport_version(const struct dtls_transport *t)
{
	return t->handshake_done ? DTLS1_2_VERSION : 0;
}

uint16_t dtls_transport_cipher(const struct dtls_transport *t)
{
	return t->cipher;
}

const char *dtls_transport_cipher_name(const struct dtls_transport *t)
{
	return t->cipher_name;
}

enum dtls_srtp_profile dtls_transport_srtp_profile(const struct dtls_transport *t)
{
	return t->srtp_profile;
}

wlk_bytes dtls_transport_remote_cert(const struct dtls_transport *t)
{
	return remote_der(t);
}

size_t dtls_transport_mtu(const struct dtls_transport *t)
{
	return t->mtu;
}

wlk_time dtls_transport_handshake_time(const struct dtls_transport *t)
{
	return t->handshake_time;
}

const struct dtls_stats *dtls_transport_stats(const struct dtls_transport *t)
{
	return &t->stats;
}
