/* The one place where a certificate meets an SSL object; only for files of this folder. */
#ifndef DTLS_CERT_OPENSSL_H
#define DTLS_CERT_OPENSSL_H

#include <openssl/ssl.h>

#include "dtls/cert.h"

/* WLK_ERR_CRYPTO when OpenSSL refuses the certificate or the key. */
wlk_err dtls_cert_use(const struct dtls_cert *cert, SSL *ssl);

#endif
