/* TLS and DTLS to TURN servers: client side only, with the checks of the server's name that RFC 7350 and RFC 8656 ask for. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "core/pktbuf.h"

enum { TLS_RECORD_MAX = 16 << 10 /* bytes of plaintext in one record */ };

struct tls_context;
struct tls_client;

/*
 * What all connections of a loop share. |ca_file|: PEM file of the authorities that are trusted, copied; NULL: the system's.
 * |keylog| may be NULL, its lines are borrowed for the call. WLK_ERR_NOMEM; WLK_ERR_CRYPTO: the file cannot be read.
 */
wlk_err tls_context_create(struct tls_context **out, const char *ca_file, void (*keylog)(const char *line, void *user),
			   void *user);
/* After its clients. destroy(NULL) does nothing. */
void tls_context_destroy(struct tls_context *ctx);

/*
 * A client that will accept a certificate for |host| only: a DNS name, which is also sent as SNI, or an IP literal.
 * TLS (RFC 5246, RFC 8446): bytes of the connection go in by tls_client_input() and come out by tls_client_poll_output().
 * DTLS 1.2 (RFC 6347): the client reads and writes the connected, non-blocking UDP socket |fd| itself, and has a deadline;
 * |fd| is -1 for TLS. WLK_ERR_NOMEM, WLK_ERR_INVALID: no host.
 */
wlk_err tls_client_create(struct tls_client **out, struct tls_context *ctx, const char *host, int fd);
/* destroy(NULL) does nothing. */
void tls_client_destroy(struct tls_client *c);

/* TLS: what came from the network. WLK_ERR_NOMEM: the connection is lost. */
wlk_err tls_client_input(struct tls_client *c, const uint8_t *data, size_t size);
/*
 * Go on with the handshake: WLK_OK: it is done and the certificate is accepted. WLK_ERR_AGAIN: it waits for the network.
 * WLK_ERR_CRYPTO: it failed, see tls_client_reason().
 */
wlk_err tls_client_handshake(struct tls_client *c);
/* Why the handshake failed, in words ("certificate has expired"); valid until destroy. */
const char *tls_client_reason(const struct tls_client *c);

/* After the handshake. WLK_OK and *got > 0; WLK_ERR_AGAIN: nothing there; WLK_ERR_CLOSED: closed or broken. */
wlk_err tls_client_read(struct tls_client *c, uint8_t *data, size_t size, size_t *got);
/* One record, at most TLS_RECORD_MAX bytes. WLK_ERR_IO: the connection is broken; WLK_ERR_AGAIN: DTLS, it is lost. */
wlk_err tls_client_write(struct tls_client *c, const uint8_t *data, size_t size);
/* Say close_notify; the output carries it. */
void tls_client_shutdown(struct tls_client *c);

/* TLS: bytes for the network, owned by the caller; NULL: none, or no memory for them at the moment. */
struct pktbuf *tls_client_poll_output(struct tls_client *c, struct pktbuf_pool *pool);

/* DTLS: microseconds until tls_client_on_timer() is due, or -1: no timer runs. */
int64_t tls_client_timer(struct tls_client *c);
/* Send a lost flight again. WLK_ERR_CRYPTO: given up. */
wlk_err tls_client_on_timer(struct tls_client *c);

#endif
