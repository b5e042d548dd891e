#include "dtls/cert.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/rand.h"
#include "core/text.h"
#include "dtls/cert_openssl.h"

struct dtls_cert {
	atomic_uint refs;
	X509 *x509;
	EVP_PKEY *key;
	uint8_t *der; /* OpenSSL's heap */
	size_t der_size;
	int64_t expires;
};

static const struct {
	const char *name;
	size_t size;
} hashes[] = {
	[DTLS_HASH_SHA256] = { "sha-256", 32 },
	[DTLS_HASH_SHA384] = { "sha-384", 48 },
	[DTLS_HASH_SHA512] = { "sha-512", 64 },
};

wlk_err dtls_hash_parse(enum dtls_hash *out, const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (str_equal_nocase((struct str){ name, size }, str_of(hashes[i].name))) {
			*out = (enum dtls_hash)i;
			return WLK_OK;
		}
	}
	return WLK_ERR_UNSUPPORTED;
}

const char *dtls_hash_name(enum dtls_hash hash)
{
	return hashes[hash].name;
}

size_t dtls_hash_size(enum dtls_hash hash)
{
	return hashes[hash].size;
}

wlk_err dtls_digest(enum dtls_hash hash, const void *data, size_t data_size, uint8_t out[DTLS_DIGEST_MAX], size_t *size)
{
	const EVP_MD *md = hash == DTLS_HASH_SHA256   ? EVP_sha256()
			   : hash == DTLS_HASH_SHA384 ? EVP_sha384()
						      : EVP_sha512();
	unsigned int written = 0;

	if (EVP_Digest(data, data_size, out, &written, md, NULL) != 1) {
		ERR_clear_error();
		return WLK_ERR_CRYPTO;
	}
	*size = written;
	return WLK_OK;
}

/* Seconds since 1970 of an ASN.1 time, without the time zone of the process. */
static wlk_err seconds_of(const ASN1_TIME *when, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0;
	int seconds = 0;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, when) == 1;

	ASN1_TIME_free(epoch);
	if (!ok)
		return WLK_ERR_CRYPTO;
	*out = (int64_t)days * 86400 + seconds;
	return WLK_OK;
}

/* Takes |x509| and |key| over on success only. */
static wlk_err wrap(struct dtls_cert **out, X509 *x509, EVP_PKEY *key)
{
	struct dtls_cert *cert = wlk_calloc(1, sizeof(*cert));
	int der_size;

	if (!cert)
		return WLK_ERR_NOMEM;
	der_size = i2d_X509(x509, &cert->der);
	if (der_size <= 0 || seconds_of(X509_get0_notAfter(x509), &cert->expires) != WLK_OK) {
		OPENSSL_free(cert->der);
		wlk_free(cert);
		return WLK_ERR_CRYPTO;
	}
	atomic_init(&cert->refs, 1);
	cert->der_size = (size_t)der_size;
	cert->x509 = x509;
	cert->key = key;
	*out = cert;
	return WLK_OK;
}

/* RFC 8827 6.5 wants no name that follows the user: the subject is the same everywhere, the serial number is random. */
static bool fill_and_sign(X509 *x509, EVP_PKEY *key, int64_t unix_seconds, int64_t lifetime_s)
{
	static const unsigned char common_name[] = "WebRTC";
	X509_NAME *name = X509_get_subject_name(x509);
	uint64_t serial;

	if (rand_u64(&serial) != WLK_OK)
		return false;
	return X509_set_version(x509, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(unix_seconds - DTLS_CERT_BACKDATE_S)) &&
	       ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)(unix_seconds + lifetime_s)) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
	       X509_sign(x509, key, EVP_sha256()) > 0;
}

static EVP_PKEY *generate_key(enum dtls_key type, uint32_t rsa_bits)
{
	switch (type) {
	case DTLS_KEY_ECDSA_P256:
		return EVP_EC_gen("P-256");
	case DTLS_KEY_ECDSA_P384:
		return EVP_EC_gen("P-384");
	case DTLS_KEY_RSA:
		return EVP_RSA_gen(rsa_bits); /* exponent 65537 */
	}
	return NULL;
}

wlk_err dtls_cert_generate_key(struct dtls_cert **out, int64_t unix_seconds, enum dtls_key type, uint32_t rsa_bits, int64_t lifetime_s)
{
	wlk_err err = WLK_ERR_CRYPTO;
	EVP_PKEY *key;
	X509 *x509;

	if (type > DTLS_KEY_RSA || (type == DTLS_KEY_RSA && (rsa_bits < DTLS_RSA_BITS_MIN || rsa_bits > DTLS_RSA_BITS_MAX)))
		return WLK_ERR_UNSUPPORTED;
	key = generate_key(type, rsa_bits);
	x509 = X509_new();
	if (key && x509 && fill_and_sign(x509, key, unix_seconds, lifetime_s))
		err = wrap(out, x509, key);
	if (err) {
		EVP_PKEY_free(key);
		X509_free(x509);
		ERR_clear_error();
	}
	return err;
}

wlk_err dtls_cert_generate(struct dtls_cert **out, int64_t unix_seconds)
{
	return dtls_cert_generate_key(out, unix_seconds, DTLS_KEY_ECDSA_P256, 0, DTLS_CERT_LIFETIME_S);
}

/* Without it OpenSSL would ask on the terminal for the pass phrase of an encrypted key. */
static int no_pass_phrase(char *buf, int size, int writing, void *user)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)user;
	return -1;
}

static bool key_type_is_usable(EVP_PKEY *key)
{
	char group[32];
	size_t size;

	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= 2048;
	if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof(group), &size) != 1)
		return false;
	return strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0 || strcmp(group, "secp384r1") == 0 ||
	       strcmp(group, "P-384") == 0;
}

static wlk_err check_and_wrap(struct dtls_cert **out, X509 *x509, EVP_PKEY *key)
{
	if (!x509 || !key)
		return WLK_ERR_PARSE;
	if (!key_type_is_usable(key))
		return WLK_ERR_UNSUPPORTED;
	if (X509_check_private_key(x509, key) != 1)
		return WLK_ERR_INVALID;
	return wrap(out, x509, key);
}

wlk_err dtls_cert_import_pem(struct dtls_cert **out, const char *pem, size_t size)
{
	wlk_err err = WLK_ERR_NOMEM;
	X509 *x509 = NULL;
	EVP_PKEY *key = NULL;
	/* Each reader skips the blocks of other kinds, so that either order works with a reader of its own. */
	BIO *cert_bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	BIO *key_bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;

	if (size > INT_MAX)
		err = WLK_ERR_PARSE;
	if (cert_bio && key_bio) {
		x509 = PEM_read_bio_X509(cert_bio, NULL, no_pass_phrase, NULL);
		key = PEM_read_bio_PrivateKey(key_bio, NULL, no_pass_phrase, NULL);
		err = check_and_wrap(out, x509, key);
	}
	if (err) {
		X509_free(x509);
		EVP_PKEY_free(key);
		ERR_clear_error();
	}
	BIO_free(cert_bio);
	BIO_free(key_bio);
	return err;
}

wlk_err dtls_cert_import_der(struct dtls_cert **out, wlk_bytes der, wlk_bytes key_der)
{
	wlk_err err = WLK_ERR_PARSE;
	X509 *x509 = NULL;
	EVP_PKEY *key = NULL;
	const uint8_t *cert_at = der.data;
	const uint8_t *key_at = key_der.data;

	if (der.size <= INT_MAX && key_der.size <= INT_MAX) {
		x509 = d2i_X509(NULL, &cert_at, (long)der.size);
		key = d2i_AutoPrivateKey(NULL, &key_at, (long)key_der.size);
		err = check_and_wrap(out, x509, key);
	}
	if (err) {
		X509_free(x509);
		EVP_PKEY_free(key);
		ERR_clear_error();
	}
	return err;
}

/* What was written to |bio|, as a heap text with a NUL behind it. */
static wlk_err take_secret(BIO *bio, char **out, size_t *size)
{
	char *at;
	long length = BIO_get_mem_data(bio, &at);
	char *copy = length > 0 ? wlk_malloc((size_t)length + 1) : NULL;

	if (!copy)
		return WLK_ERR_NOMEM;
	memcpy(copy, at, (size_t)length);
	copy[length] = '\0';
	*out = copy;
	*size = (size_t)length;
	return WLK_OK;
}

wlk_err dtls_cert_export_key_der(const struct dtls_cert *cert, char **out, size_t *size)
{
	wlk_err err = WLK_ERR_CRYPTO;
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */

	if (bio && i2d_PKCS8PrivateKey_bio(bio, cert->key, NULL, NULL, 0, NULL, NULL) == 1)
		err = take_secret(bio, out, size);
	if (err)
		ERR_clear_error();
	BIO_free(bio);
	return err;
}

wlk_err dtls_cert_import_public(struct dtls_cert **out, const uint8_t *der, size_t size)
{
	X509 *x509 = size <= LONG_MAX ? d2i_X509(NULL, &der, (long)size) : NULL;
	wlk_err err = x509 ? wrap(out, x509, NULL) : WLK_ERR_PARSE;

	if (err)
		X509_free(x509);
	ERR_clear_error();
	return err;
}

wlk_err dtls_cert_export_pem(const struct dtls_cert *cert, char **out, size_t *size)
{
	wlk_err err = WLK_ERR_CRYPTO;
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */

	if (bio && PEM_write_bio_X509(bio, cert->x509) == 1 &&
	    PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL) == 1)
		err = take_secret(bio, out, size);
	if (err)
		ERR_clear_error();
	BIO_free(bio);
	return err;
}

void dtls_cert_free_pem(char *pem, size_t size)
{
	if (!pem)
		return;
	crypto_wipe(pem, size);
	wlk_free(pem);
}

struct dtls_cert *dtls_cert_ref(struct dtls_cert *cert)
{
	atomic_fetch_add_explicit(&cert->refs, 1, memory_order_relaxed);
	return cert;
}

void dtls_cert_release(struct dtls_cert *cert)
{
	if (!cert || atomic_fetch_sub_explicit(&cert->refs, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key); /* OpenSSL clears private numbers */
	OPENSSL_free(cert->der);
	wlk_free(cert);
}

wlk_err dtls_cert_fingerprint(const struct dtls_cert *cert, enum dtls_hash hash, uint8_t out[DTLS_DIGEST_MAX],
			      size_t *size)
{
	return dtls_digest(hash, cert->der, cert->der_size, out, size);
}

int64_t dtls_cert_expires(const struct dtls_cert *cert)
{
	return cert->expires;
}

enum dtls_key dtls_cert_key(const struct dtls_cert *cert)
{
	if (EVP_PKEY_is_a(cert->key, "RSA"))
		return DTLS_KEY_RSA;
	return EVP_PKEY_get_bits(cert->key) > 256 ? DTLS_KEY_ECDSA_P384 : DTLS_KEY_ECDSA_P256;
}

wlk_bytes dtls_cert_der(const struct dtls_cert *cert)
{
	return (wlk_bytes){ cert->der, cert->der_size };
}

wlk_err dtls_cert_use(const struct dtls_cert *cert, SSL *ssl)
{
	if (SSL_use_certificate(ssl, cert->x509) != 1 || SSL_use_PrivateKey(ssl, cert->key) != 1)
		return WLK_ERR_CRYPTO;
	return WLK_OK;
}
