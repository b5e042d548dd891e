/* wlk_certificate is the DTLS certificate under its public name. */
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/text.h"
#include "dtls/cert.h"
#include "peer/certificate.h"

struct dtls_cert *certificate_unwrap(const wlk_certificate *certificate)
{
	return (struct dtls_cert *)(uintptr_t)certificate;
}

static wlk_certificate *wrap(struct dtls_cert *cert)
{
	return (wlk_certificate *)(void *)cert;
}

wlk_err certificate_generate(wlk_certificate **out, int64_t unix_seconds)
{
	struct dtls_cert *cert;
	wlk_err err = dtls_cert_generate(&cert, unix_seconds);

	if (!err)
		*out = wrap(cert);
	return err;
}

wlk_err wlk_certificate_from_pem(const char *pem, size_t size, wlk_certificate **out)
{
	struct dtls_cert *cert;
	wlk_err err = pem && out ? dtls_cert_import_pem(&cert, pem, size) : WLK_ERR_INVALID;

	if (!err)
		*out = wrap(cert);
	return err;
}

wlk_err wlk_certificate_to_pem(const wlk_certificate *certificate, char **out)
{
	size_t size;

	return certificate && out ? dtls_cert_export_pem(certificate_unwrap(certificate), out, &size) : WLK_ERR_INVALID;
}

wlk_err wlk_certificate_fingerprint(const wlk_certificate *certificate, char *out, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t digest[DTLS_DIGEST_MAX];
	size_t digest_size;
	wlk_err err;

	if (!certificate || !out)
		return WLK_ERR_INVALID;
	err = dtls_cert_fingerprint(certificate_unwrap(certificate), DTLS_HASH_SHA256, digest, &digest_size);
	if (err)
		return err;
	if (size < 8 + 3 * digest_size)
		return WLK_ERR_NOSPACE;
	memcpy(out, "sha-256 ", 8);
	out += 8;
	for (size_t i = 0; i < digest_size; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
		*out++ = i + 1 < digest_size ? ':' : '\0';
	}
	return WLK_OK;
}

int64_t wlk_certificate_expires(const wlk_certificate *certificate)
{
	return dtls_cert_expires(certificate_unwrap(certificate));
}

void wlk_certificate_release(wlk_certificate *certificate)
{
	dtls_cert_release(certificate_unwrap(certificate));
}

void wlk_secret_free(char *text)
{
	if (!text)
		return;
	crypto_wipe(text, strlen(text));
	wlk_free(text);
}
