/* Certificates under their public name; a wlk_certificate is a counted struct dtls_cert. */
#ifndef PEER_CERTIFICATE_H
#define PEER_CERTIFICATE_H

#include <wirelark/peer_connection.h>

struct dtls_cert;

struct dtls_cert *certificate_unwrap(const wlk_certificate *certificate);
/* As wlk_certificate_generate(), with the wall clock given: nothing below net/ reads one. */
wlk_err certificate_generate(wlk_certificate **out, int64_t unix_seconds);

#endif
