/* Certificates of a DTLS endpoint: self-signed generation, PEM, fingerprints. Shared by reference among peers. */
#ifndef DTLS_CERT_H
#define DTLS_CERT_H

#include "core/err.h"

/* Hash functions for a=fingerprint, weakest first (RFC 8122 5). sha-1 and md5 do not exist here (R14). */
enum dtls_hash { DTLS_HASH_SHA256, DTLS_HASH_SHA384, DTLS_HASH_SHA512 };

enum {
	DTLS_DIGEST_MAX = 64,
	DTLS_CERT_LIFETIME_S = 30 * 24 * 3600, /* of a generated certificate, as browsers do */
	DTLS_CERT_BACKDATE_S = 24 * 3600,      /* not-before lies this far back, for peers with slow clocks */
	DTLS_RSA_BITS_MIN = 2048,
	DTLS_RSA_BITS_MAX = 8192, /* of generated keys: each step up costs seconds of CPU */
};

enum dtls_key { DTLS_KEY_ECDSA_P256, DTLS_KEY_ECDSA_P384, DTLS_KEY_RSA };

/* One a=fingerprint line. */
struct dtls_fingerprint {
	enum dtls_hash hash;
	uint8_t digest[DTLS_DIGEST_MAX];
	size_t size; /* 32, 48 or 64: must fit |hash| */
};

/* "sha-256", "sha-384", "sha-512" in any case, as SDP writes them. WLK_ERR_UNSUPPORTED for every other name. */
wlk_err dtls_hash_parse(enum dtls_hash *out, const char *name, size_t size);
/* The name in lower case, as SDP writes it. */
const char *dtls_hash_name(enum dtls_hash hash);
/* Bytes of a digest. */
size_t dtls_hash_size(enum dtls_hash hash);

/* A certificate and its private key; immutable, counted, may be shared among threads. */
struct dtls_cert;

/**
 * Make an ECDSA P-256 key and a certificate that signs itself (0.3 ms of CPU).
 *
 * @param unix_seconds  the wall-clock time of the caller; valid from one day before it to 30 days after it
 *
 * WLK_ERR_CRYPTO when OpenSSL refuses (no random bytes, no memory), WLK_ERR_NOMEM when our heap does.
 */
wlk_err dtls_cert_generate(struct dtls_cert **out, int64_t unix_seconds) WLK_NODISCARD;

/**
 * The same for a key of one's choice; RSA with exponent 65537 (100 ms of CPU for 2,048 bits, ten times that for 4,096).
 *
 * @param rsa_bits    of an RSA key: DTLS_RSA_BITS_MIN..MAX; else not looked at
 * @param lifetime_s  seconds from |unix_seconds| to its end, 0 and more
 *
 * In addition WLK_ERR_UNSUPPORTED: other sizes.
 */
wlk_err dtls_cert_generate_key(struct dtls_cert **out, int64_t unix_seconds, enum dtls_key type, uint32_t rsa_bits,
			       int64_t lifetime_s) WLK_NODISCARD;

/**
 * Read a certificate and its key (ECDSA on P-256 or P-384, or RSA of 2048 bits and more) from PEM text.
 * Both may be in one text, in any order; further certificates are ignored. No pass phrases.
 *
 * WLK_ERR_PARSE when one of the two is missing or malformed, WLK_ERR_UNSUPPORTED for other key types,
 * WLK_ERR_INVALID when the key does not belong to the certificate.
 */
wlk_err dtls_cert_import_pem(struct dtls_cert **out, const char *pem, size_t size) WLK_NODISCARD;

/* The same from DER: an X.509 certificate, and a key in PKCS#8 or in the form of its algorithm. */
wlk_err dtls_cert_import_der(struct dtls_cert **out, wlk_bytes cert, wlk_bytes key) WLK_NODISCARD;
/* The private key in PKCS#8 DER, for dtls_cert_free_pem(). */
wlk_err dtls_cert_export_key_der(const struct dtls_cert *cert, char **out, size_t *size) WLK_NODISCARD;

/**
 * Read a certificate without its key from DER: it has a fingerprint, and makes no handshake (WLK_ERR_CRYPTO there).
 * WLK_ERR_PARSE, WLK_ERR_NOMEM.
 */
wlk_err dtls_cert_import_public(struct dtls_cert **out, const uint8_t *der, size_t size) WLK_NODISCARD;

/**
 * Write certificate and PKCS#8 key as PEM.
 *
 * @param out   a heap text with a NUL behind it; give it to dtls_cert_free_pem(), which wipes it (R38)
 * @param size  characters without the NUL
 */
wlk_err dtls_cert_export_pem(const struct dtls_cert *cert, char **out, size_t *size) WLK_NODISCARD;
void dtls_cert_free_pem(char *pem, size_t size);

/* One reference more; answers |cert|. */
struct dtls_cert *dtls_cert_ref(struct dtls_cert *cert);
/* One reference less; the last one frees and wipes the key. release(NULL) does nothing. */
void dtls_cert_release(struct dtls_cert *cert);

/* Digest of the DER form. |size| gets 32, 48 or 64. */
wlk_err dtls_cert_fingerprint(const struct dtls_cert *cert, enum dtls_hash hash, uint8_t out[DTLS_DIGEST_MAX],
			      size_t *size);
/* Seconds since 1970 at which the certificate stops being valid. */
int64_t dtls_cert_expires(const struct dtls_cert *cert);
enum dtls_key dtls_cert_key(const struct dtls_cert *cert);
/* The DER form, borrowed from |cert|. */
wlk_bytes dtls_cert_der(const struct dtls_cert *cert);

/* Digest of any DER bytes. */
wlk_err dtls_digest(enum dtls_hash hash, const void *data, size_t data_size, uint8_t out[DTLS_DIGEST_MAX],
		    size_t *size);

#endif
