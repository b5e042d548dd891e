/* Inside of struct dtls_context, for the files of this folder: one SSL_CTX and the half-open count of a loop. */
#ifndef DTLS_CONTEXT_H
#define DTLS_CONTEXT_H

#include <openssl/ssl.h>

#include "dtls/transport.h"

struct dtls_context {
	SSL_CTX *ssl_ctx;
	BIO_METHOD *bio_method;
	void (*keylog)(const char *line, void *user);
	void *user;
	size_t half_open;
	size_t half_open_max;
	size_t transports;
};

#endif
