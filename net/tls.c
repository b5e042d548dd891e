/*
 * OpenSSL's surprises that this file keeps inside:
 *  - Its socket BIO writes by write(), which raises SIGPIPE in the program that uses us: TLS goes through memory BIOs.
 *  - A memory BIO glues the datagrams of a flight together: DTLS goes through the datagram BIO of a connected socket.
 *  - A queue of errors belongs to the thread: it is cleared before each call whose error is looked at.
 */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/time.h>

#include "core/addr.h"
#include "core/alloc.h"

enum { TLS_OUTPUT_PIECE = PKTBUF_PAYLOAD, DTLS_MTU = 1200 };

struct tls_context {
	SSL_CTX *tls;
	SSL_CTX *dtls;
	void (*keylog)(const char *line, void *user);
	void *user;
};

struct tls_client {
	SSL *ssl;
	bool datagrams;
	bool up;
	bool dead; /* nothing more may be asked of |ssl| */
	const char *reason;
};

/* ---- context ---- */

static void on_key(const SSL *ssl, const char *line)
{
	const struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	ctx->keylog(line, ctx->user);
}

static SSL_CTX *new_ssl_context(struct tls_context *ctx, const SSL_METHOD *method, int min_version, const char *ca_file)
{
	SSL_CTX *ssl = SSL_CTX_new(method);

	if (!ssl)
		return NULL;
	SSL_CTX_set_app_data(ssl, ctx);
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (ctx->keylog)
		SSL_CTX_set_keylog_callback(ssl, on_key);
	if (!SSL_CTX_set_min_proto_version(ssl, min_version) ||
	    !(ca_file ? SSL_CTX_load_verify_locations(ssl, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ssl))) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	return ssl;
}

wlk_err tls_context_create(struct tls_context **out, const char *ca_file, void (*keylog)(const char *line, void *user),
			   void *user)
{
	struct tls_context *ctx = wlk_calloc(1, sizeof(*ctx));

	if (!ctx)
		return WLK_ERR_NOMEM;
	ctx->keylog = keylog;
	ctx->user = user;
	ERR_clear_error();
	ctx->tls = new_ssl_context(ctx, TLS_client_method(), TLS1_2_VERSION, ca_file);
	ctx->dtls = new_ssl_context(ctx, DTLS_client_method(), DTLS1_2_VERSION, ca_file);
	ERR_clear_error();
	if (!ctx->tls || !ctx->dtls) {
		tls_context_destroy(ctx);
		return WLK_ERR_CRYPTO;
	}
	*out = ctx;
	return WLK_OK;
}

void tls_context_destroy(struct tls_context *ctx)
{
	if (!ctx)
		return;
	SSL_CTX_free(ctx->tls);
	SSL_CTX_free(ctx->dtls);
	wlk_free(ctx);
}

/* ---- client ---- */

/* RFC 6125: the name as a whole or a wildcard for its first label; an IP literal has to stand in the certificate as an IP. */
static bool expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	wlk_addr literal;

	if (!addr_parse(&literal, host, strlen(host), 0))
		return X509_VERIFY_PARAM_set1_ip(param, literal.ip, addr_ip_size(&literal)) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool attach_memory(SSL *ssl)
{
	BIO *in = BIO_new(BIO_s_mem());
	BIO *out = BIO_new(BIO_s_mem());

	if (!in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	BIO_set_mem_eof_return(in, -1); /* empty means later, not closed */
	SSL_set_bio(ssl, in, out);
	return true;
}

static bool attach_socket(SSL *ssl, int fd)
{
	BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
	BIO_ADDR *peer = BIO_ADDR_new();

	if (!bio || !peer) {
		BIO_free(bio);
		BIO_ADDR_free(peer);
		return false;
	}
	/* The kernel knows the far end; the BIO only has to know that there is one. */
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
	BIO_ADDR_free(peer);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	return DTLS_set_link_mtu(ssl, DTLS_MTU) == 1;
}

wlk_err tls_client_create(struct tls_client **out, struct tls_context *ctx, const char *host, int fd)
{
	struct tls_client *c;

	if (!host || !*host)
		return WLK_ERR_INVALID;
	c = wlk_calloc(1, sizeof(*c));
	if (!c)
		return WLK_ERR_NOMEM;
	c->datagrams = fd >= 0;
	c->reason = "";
	ERR_clear_error();
	c->ssl = SSL_new(c->datagrams ? ctx->dtls : ctx->tls);
	if (!c->ssl || !expect_host(c->ssl, host) || !(c->datagrams ? attach_socket(c->ssl, fd) : attach_memory(c->ssl))) {
		ERR_clear_error();
		tls_client_destroy(c);
		return WLK_ERR_NOMEM;
	}
	SSL_set_connect_state(c->ssl);
	*out = c;
	return WLK_OK;
}

void tls_client_destroy(struct tls_client *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	wlk_free(c);
}

wlk_err tls_client_input(struct tls_client *c, const uint8_t *data, size_t size)
{
	size_t written;

	assert(!c->datagrams && "DTLS reads its socket itself");
	return BIO_write_ex(SSL_get_rbio(c->ssl), data, size, &written) && written == size ? WLK_OK : WLK_ERR_NOMEM;
}

/* Whether the call that answered |result| only waits for the network. */
static bool is_waiting(struct tls_client *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* The certificate first: an alert of ours that says the same is less clear. */
static const char *why(const struct tls_client *c)
{
	long verify = SSL_get_verify_result(c->ssl);
	const char *text;

	if (verify != X509_V_OK)
		return X509_verify_cert_error_string(verify);
	text = ERR_reason_error_string(ERR_peek_last_error());
	return text ? text : "the connection was closed";
}

static wlk_err fail(struct tls_client *c, wlk_err err)
{
	if (!c->up)
		c->reason = why(c);
	c->dead = true;
	ERR_clear_error();
	return err;
}

wlk_err tls_client_handshake(struct tls_client *c)
{
	int result;

	if (c->up)
		return WLK_OK;
	if (c->dead)
		return WLK_ERR_CRYPTO;
	ERR_clear_error();
	result = SSL_do_handshake(c->ssl);
	if (result == 1) {
		c->up = true;
		return WLK_OK;
	}
	return is_waiting(c, result) ? WLK_ERR_AGAIN : fail(c, WLK_ERR_CRYPTO);
}

const char *tls_client_reason(const struct tls_client *c)
{
	return c->reason;
}

wlk_err tls_client_read(struct tls_client *c, uint8_t *data, size_t size, size_t *got)
{
	int result;

	if (c->dead || !c->up)
		return c->dead ? WLK_ERR_CLOSED : WLK_ERR_AGAIN;
	ERR_clear_error();
	result = SSL_read_ex(c->ssl, data, size, got);
	if (result == 1)
		return WLK_OK;
	/* What ICMP says of one datagram is no end. */
	if (is_waiting(c, result) || (c->datagrams && SSL_get_error(c->ssl, result) == SSL_ERROR_SYSCALL))
		return WLK_ERR_AGAIN;
	return fail(c, WLK_ERR_CLOSED);
}

wlk_err tls_client_write(struct tls_client *c, const uint8_t *data, size_t size)
{
	size_t written;
	int result;

	if (c->dead || !c->up || !size || size > TLS_RECORD_MAX)
		return WLK_ERR_IO;
	ERR_clear_error();
	result = SSL_write_ex(c->ssl, data, size, &written);
	if (result == 1)
		return WLK_OK;
	if (c->datagrams && (is_waiting(c, result) || SSL_get_error(c->ssl, result) == SSL_ERROR_SYSCALL))
		return WLK_ERR_AGAIN; /* a full socket, or ICMP */
	return fail(c, WLK_ERR_IO);
}

void tls_client_shutdown(struct tls_client *c)
{
	if (c->dead || !c->up)
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
	c->dead = true;
}

struct pktbuf *tls_client_poll_output(struct tls_client *c, struct pktbuf_pool *pool)
{
	BIO *out = SSL_get_wbio(c->ssl);
	struct pktbuf *buf;

	if (c->datagrams || !BIO_pending(out))
		return NULL;
	buf = pktbuf_alloc(pool, TLS_OUTPUT_PIECE);
	if (!buf)
		return NULL;
	if (!BIO_read_ex(out, buf->data, TLS_OUTPUT_PIECE, &buf->size)) {
		pktbuf_release(buf);
		return NULL;
	}
	return buf;
}

int64_t tls_client_timer(struct tls_client *c)
{
	struct timeval left;

	if (!c->datagrams || c->dead || DTLSv1_get_timeout(c->ssl, &left) != 1)
		return -1;
	return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

wlk_err tls_client_on_timer(struct tls_client *c)
{
	ERR_clear_error();
	if (c->dead || DTLSv1_handle_timeout(c->ssl) < 0)
		return fail(c, WLK_ERR_CRYPTO);
	return WLK_OK;
}
