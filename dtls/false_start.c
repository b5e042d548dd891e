/*
 * After its own Finished a client needs nothing more to encrypt. RFC 7918 lets it speak then if the suite's encryption and
 * key exchange are strong whoever chose them, and the key exchange is signed: all our suites are ECDHE with AEAD (R15),
 * OpenSSL has checked the signature in ServerKeyExchange, and the certificate must be the one of the description, or nothing
 * is said (R14). What the server's Finished proves beyond that, it proves before anything of the server is read.
 *
 * OpenSSL has no call for it: outside of a handshake that has not ended, SSL_write() runs the handshake and writes nothing.
 * It writes when it is called from inside of SSL_do_handshake(), where the only hook behind Finished and before the flight is
 * flushed is the message callback. The record then lies in the buffer of the flight and leaves with it; dgram_bio makes
 * a datagram of its own of it. It is no part of what is retransmitted: whoever set it says it again.
 */
#include "dtls/false_start.h"

#include <openssl/err.h>

static void on_message(int is_sent, int version, int type, const void *data, size_t size, SSL *ssl, void *user)
{
	struct dtls_transport *t = user;
	const uint8_t *message = data;

	(void)version;
	if (!is_sent || type != SSL3_RT_HANDSHAKE || !size || message[0] != SSL3_MT_FINISHED || !t->in_handshake ||
	    !t->first_data || t->role != DTLS_ROLE_CLIENT)
		return;
	if (!dtls_transport_expects_certificate(t, SSL_get0_peer_certificate(ssl)))
		return;
	if (SSL_write(ssl, t->first_data->data, (int)t->first_data->size) <= 0) {
		ERR_clear_error();
		return;
	}
	t->stats.false_starts++;
}

void dtls_false_start_watch(struct dtls_transport *t)
{
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, t);
}

void dtls_false_start_enter(struct dtls_transport *t)
{
	t->in_handshake = true;
}

void dtls_false_start_leave(struct dtls_transport *t)
{
	t->in_handshake = false;
}

void dtls_transport_set_first_data(struct dtls_transport *t, const uint8_t *data, size_t size)
{
	assert(size > 0 && size <= DTLS_FIRST_DATA_MAX && "what is said first fits into one datagram with any flight");
	if (t->first_data)
		pktbuf_release(t->first_data);
	t->first_data = pktbuf_copy(t->bio.pool, data, size);
}
