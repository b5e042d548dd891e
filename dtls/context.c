#include "dtls/context.h"

#include <openssl/err.h>

#include "core/alloc.h"
#include "dtls/dgram_bio.h"

/* ECDHE with AEAD only (R15). The first one is what the browsers settle on. */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
			      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
			      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
static const char groups[] = "X25519:P-256:P-384";

/*
 * Certificates sign themselves: any chain is taken here, and the fingerprint decides right after the handshake (R14).
 * That the peer owns the key is proved by its CertificateVerify or ServerKeyExchange, which OpenSSL checks.
 */
static int accept_any_chain(X509_STORE_CTX *store, void *user)
{
	(void)store;
	(void)user;
	return 1;
}

static void on_keylog(const SSL *ssl, const char *line)
{
	const struct dtls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	context->keylog(line, context->user);
}

static bool configure(struct dtls_context *context)
{
	SSL_CTX *ctx = context->ssl_ctx;

	if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 || SSL_CTX_set_app_data(ctx, context) != 1)
		return false;
	SSL_CTX_set_security_level(ctx, 2); /* whatever the system's openssl.cnf says */
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any_chain, NULL);
	if (context->keylog)
		SSL_CTX_set_keylog_callback(ctx, on_keylog);
	return true;
}

wlk_err dtls_context_create(struct dtls_context **out, const struct dtls_context_config *config)
{
	struct dtls_context *context = wlk_calloc(1, sizeof(*context));

	if (!context)
		return WLK_ERR_NOMEM;
	if (config) {
		context->keylog = config->keylog;
		context->user = config->user;
		context->half_open_max = config->half_open_max;
	}
	if (!context->half_open_max)
		context->half_open_max = DTLS_HALF_OPEN_MAX;
	context->ssl_ctx = SSL_CTX_new(DTLS_method());
	context->bio_method = dgram_bio_method_create();
	if (!context->ssl_ctx || !context->bio_method || !configure(context)) {
		dtls_context_destroy(context);
		ERR_clear_error();
		return WLK_ERR_CRYPTO;
	}
	*out = context;
	return WLK_OK;
}

void dtls_context_destroy(struct dtls_context *context)
{
	if (!context)
		return;
	assert(context->transports == 0 && "a context outlives its transports");
	SSL_CTX_free(context->ssl_ctx);
	BIO_meth_free(context->bio_method);
	wlk_free(context);
}

size_t dtls_context_half_open(const struct dtls_context *context)
{
	return context->half_open;
}
