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

/* W3C webrtc-pc 4.9.1: 30 days unless asked for otherwise, 365 days at most. */
static int64_t lifetime(const wlk_certificate_options *options)
{
	static const uint64_t most_ms = 31536000000;

	if (!options->has_expires)
		return DTLS_CERT_LIFETIME_S;
	return (int64_t)(MIN(options->expires_ms, most_ms) / 1000);
}

wlk_err certificate_generate(wlk_certificate **out, const wlk_certificate_options *options, int64_t unix_seconds)
{
	static const wlk_certificate_options defaults = WLK_CERTIFICATE_OPTIONS_INIT;
	static const enum dtls_key keys[] = { DTLS_KEY_ECDSA_P256, DTLS_KEY_ECDSA_P384, DTLS_KEY_RSA };
	struct dtls_cert *cert;
	wlk_err err;

	if (!options)
		options = &defaults;
	if (!out || options->struct_size != sizeof(*options))
		return WLK_ERR_INVALID;
	if ((size_t)options->algorithm >= ARRAY_SIZE(keys))
		return WLK_ERR_UNSUPPORTED;
	err = dtls_cert_generate_key(&cert, unix_seconds, keys[options->algorithm],
				     options->rsa_modulus_bits ? options->rsa_modulus_bits : DTLS_RSA_BITS_MIN, lifetime(options));
	if (!err)
		*out = wrap(cert);
	return err;
}

wlk_err certificate_choose(struct dtls_cert **out, const wlk_configuration *config, struct dtls_cert *fallback, int64_t unix_seconds)
{
	const wlk_certificate *first = config->certificate;

	if (config->certificate_count && (config->certificate || !config->certificates))
		return WLK_ERR_INVALID;
	if (config->certificate_count)
		first = config->certificates[0];
	for (size_t i = 0; i < config->certificate_count; i++)
		if (!config->certificates[i] || wlk_certificate_expires(config->certificates[i]) <= unix_seconds)
			return WLK_ERR_INVALID;
	if (config->certificate && wlk_certificate_expires(config->certificate) <= unix_seconds)
		return WLK_ERR_INVALID;
	*out = dtls_cert_ref(first ? certificate_unwrap(first) : fallback);
	return WLK_OK;
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

wlk_err wlk_certificate_from_der(wlk_bytes certificate, wlk_bytes key, wlk_certificate **out)
{
	struct dtls_cert *cert;
	wlk_err err = certificate.data && key.data && out ? dtls_cert_import_der(&cert, certificate, key) : WLK_ERR_INVALID;

	if (!err)
		*out = wrap(cert);
	return err;
}

wlk_bytes wlk_certificate_der(const wlk_certificate *certificate)
{
	return dtls_cert_der(certificate_unwrap(certificate));
}

wlk_err wlk_certificate_key_der(const wlk_certificate *certificate, uint8_t **out, size_t *size)
{
	char *bytes;
	wlk_err err;

	if (!certificate || !out || !size)
		return WLK_ERR_INVALID;
	err = dtls_cert_export_key_der(certificate_unwrap(certificate), &bytes, size);
	if (!err)
		*out = (uint8_t *)bytes;
	return err;
}

/* "AB:CD:...", 3 characters a byte with the NUL. */
static void write_hex(char *out, const char digits[16], const uint8_t *digest, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
		*out++ = i + 1 < size ? ':' : '\0';
	}
}

wlk_err wlk_certificate_get_fingerprint(const wlk_certificate *certificate, size_t index, wlk_fingerprint *out)
{
	uint8_t digest[DTLS_DIGEST_MAX];
	size_t size;
	wlk_err err;

	if (!certificate || !out)
		return WLK_ERR_INVALID;
	if (index > DTLS_HASH_SHA512)
		return WLK_ERR_NOT_FOUND;
	err = dtls_cert_fingerprint(certificate_unwrap(certificate), (enum dtls_hash)index, digest, &size);
	if (err)
		return err;
	memcpy(out->algorithm, dtls_hash_name((enum dtls_hash)index), sizeof("sha-256"));
	write_hex(out->value, "0123456789abcdef", digest, size);
	return WLK_OK;
}

wlk_err wlk_certificate_fingerprint(const wlk_certificate *certificate, char *out, size_t size)
{
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
	write_hex(out + 8, "0123456789ABCDEF", digest, digest_size);
	return WLK_OK;
}

wlk_key_algorithm wlk_certificate_key_algorithm(const wlk_certificate *certificate)
{
	static const wlk_key_algorithm algorithms[] = {
		[DTLS_KEY_ECDSA_P256] = WLK_KEY_ECDSA_P256,
		[DTLS_KEY_ECDSA_P384] = WLK_KEY_ECDSA_P384,
		[DTLS_KEY_RSA] = WLK_KEY_RSA,
	};

	return algorithms[dtls_cert_key(certificate_unwrap(certificate))];
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

void wlk_secret_free_bytes(uint8_t *data, size_t size)
{
	if (!data)
		return;
	crypto_wipe(data, size);
	wlk_free(data);
}
