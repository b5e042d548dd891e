/* Certificates under their public name; a wlk_certificate is a counted struct dtls_cert. */
#ifndef PEER_CERTIFICATE_H
#define PEER_CERTIFICATE_H

#include <wirelark/peer_connection.h>

struct dtls_cert;

struct dtls_cert *certificate_unwrap(const wlk_certificate *certificate);
/* As wlk_certificate_generate_with(), with the wall clock given: nothing below net/ reads one. */
wlk_err certificate_generate(wlk_certificate **out, const wlk_certificate_options *options, int64_t unix_seconds);
/*
 * The certificate that serves the connections of |config|: the first named there, else |fallback|; one reference more.
 * WLK_ERR_INVALID: one of them has ended by |unix_seconds|, or is NULL, or both members name some.
 */
wlk_err certificate_choose(struct dtls_cert **out, const wlk_configuration *config, struct dtls_cert *fallback, int64_t unix_seconds);

#endif
