/* dtls/cert: generation, PEM, fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "dtls/cert.h"

#define NOW 1800000000

static void test_generated_certificate(void **state)
{
	struct dtls_cert *cert;
	wlk_bytes der;
	time_t when;

	(void)state;
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_OK);
	assert_int_equal(dtls_cert_expires(cert), NOW + 30 * 86400);
	der = dtls_cert_der(cert);
	const uint8_t *at = der.data;
	X509 *x509 = d2i_X509(NULL, &at, (long)der.size);
	assert_non_null(x509);
	assert_ptr_equal(at, der.data + der.size);
	EVP_PKEY *key = X509_get_pubkey(x509);
	assert_int_equal(EVP_PKEY_get_bits(key), 256);
	assert_int_equal(X509_verify(x509, key), 1); /* signs itself */
	assert_int_equal(X509_get_signature_nid(x509), NID_ecdsa_with_SHA256);
	when = NOW - 86400;
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(x509), &(time_t){ when + 1 }), -1);
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(x509), &(time_t){ when - 1 }), 1);
	EVP_PKEY_free(key);
	X509_free(x509);
	dtls_cert_release(cert);
	dtls_cert_release(NULL);
}

static void test_two_certificates_differ(void **state)
{
	struct dtls_cert *a, *b;
	uint8_t x[64], y[64];
	size_t size;

	(void)state;
	assert_int_equal(dtls_cert_generate(&a, NOW), WLK_OK);
	assert_int_equal(dtls_cert_generate(&b, NOW), WLK_OK);
	assert_int_equal(dtls_cert_fingerprint(a, DTLS_HASH_SHA256, x, &size), WLK_OK);
	assert_int_equal(dtls_cert_fingerprint(b, DTLS_HASH_SHA256, y, &size), WLK_OK);
	assert_memory_not_equal(x, y, 32);
	dtls_cert_release(a);
	dtls_cert_release(b);
}

static void test_fingerprints_are_digests_of_the_der_form(void **state)
{
	static const struct {
		const char *name;
		size_t size;
	} hashes[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };
	struct dtls_cert *cert;

	(void)state;
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		enum dtls_hash hash;
		uint8_t ours[64], theirs[64];
		unsigned int theirs_size;
		size_t size;
		wlk_bytes der = dtls_cert_der(cert);

		assert_int_equal(dtls_hash_parse(&hash, hashes[i].name, 7), WLK_OK);
		assert_string_equal(dtls_hash_name(hash), hashes[i].name);
		assert_int_equal(dtls_hash_size(hash), hashes[i].size);
		assert_int_equal(dtls_cert_fingerprint(cert, hash, ours, &size), WLK_OK);
		assert_int_equal(size, hashes[i].size);
		const EVP_MD *md = i == 0 ? EVP_sha256() : i == 1 ? EVP_sha384() : EVP_sha512();
		assert_int_equal(EVP_Digest(der.data, der.size, theirs, &theirs_size, md, NULL), 1);
		assert_memory_equal(ours, theirs, size);
	}
	/* FIPS 180 example: one fixed value, so that all of this is not wrong together */
	uint8_t digest[64], expect[32];
	size_t size;
	assert_int_equal(dtls_digest(DTLS_HASH_SHA256, "abc", 3, digest, &size), WLK_OK);
	assert_true(str_hex(STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), expect, 32));
	assert_memory_equal(digest, expect, 32);
	dtls_cert_release(cert);
}

static void test_R14_weak_and_unknown_hash_names_are_refused(void **state)
{
	static const char *const names[] = { "sha-1", "md5", "md2", "sha-224", "", "sha-25", "sha-2566", "sha256" };
	enum dtls_hash hash = DTLS_HASH_SHA512;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(dtls_hash_parse(&hash, names[i], strlen(names[i])), WLK_ERR_UNSUPPORTED);
	assert_int_equal(hash, DTLS_HASH_SHA512);
	assert_int_equal(dtls_hash_parse(&hash, "SHA-256", 7), WLK_OK);
	assert_int_equal(hash, DTLS_HASH_SHA256);
}

static void test_pem_round_trip(void **state)
{
	struct dtls_cert *cert, *again;
	char *pem;
	size_t size;
	uint8_t a[64], b[64];
	size_t digest_size;

	(void)state;
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_OK);
	assert_int_equal(dtls_cert_export_pem(cert, &pem, &size), WLK_OK);
	assert_int_equal(strlen(pem), size);
	assert_non_null(strstr(pem, "-----BEGIN CERTIFICATE-----"));
	assert_non_null(strstr(pem, "-----BEGIN PRIVATE KEY-----"));
	assert_int_equal(dtls_cert_import_pem(&again, pem, size), WLK_OK);
	assert_int_equal(dtls_cert_fingerprint(cert, DTLS_HASH_SHA256, a, &digest_size), WLK_OK);
	assert_int_equal(dtls_cert_fingerprint(again, DTLS_HASH_SHA256, b, &digest_size), WLK_OK);
	assert_memory_equal(a, b, 32);
	assert_int_equal(dtls_cert_expires(again), dtls_cert_expires(cert));
	dtls_cert_release(again);

	/* key first, certificate second; and each alone */
	char *key = strstr(pem, "-----BEGIN PRIVATE KEY-----");
	size_t cert_size = (size_t)(key - pem);
	char *swapped = wlk_malloc(size);
	memcpy(swapped, key, size - cert_size);
	memcpy(swapped + (size - cert_size), pem, cert_size);
	assert_int_equal(dtls_cert_import_pem(&again, swapped, size), WLK_OK);
	dtls_cert_release(again);
	assert_int_equal(dtls_cert_import_pem(&again, pem, cert_size), WLK_ERR_PARSE);
	assert_int_equal(dtls_cert_import_pem(&again, key, size - cert_size), WLK_ERR_PARSE);
	/* every truncation */
	for (size_t cut = 0; cut + 2 < size; cut++)
		assert_int_not_equal(dtls_cert_import_pem(&again, pem, cut), WLK_OK);
	wlk_free(swapped);
	dtls_cert_free_pem(pem, size);
	dtls_cert_free_pem(NULL, 0);
	dtls_cert_release(cert);
}

/* A self-signed PEM with |key|, whose private part is |private| (encrypted when |pass| is given). */
static char *make_pem(EVP_PKEY *key, EVP_PKEY *private, const char *pass)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x509 = X509_new();
	char *text;
	char *copy;
	long size;
	bool ed = EVP_PKEY_is_a(key, "ED25519");

	assert_true(X509_set_version(x509, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) &&
		    ASN1_TIME_set(X509_getm_notBefore(x509), NOW) && ASN1_TIME_set(X509_getm_notAfter(x509), NOW + 9) &&
		    X509_set_pubkey(x509, key) && X509_sign(x509, key, ed ? NULL : EVP_sha256()));
	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, private, pass ? EVP_aes_128_cbc() : NULL, pass,
						       pass ? (int)strlen(pass) : 0, NULL, NULL),
			 1);
	size = BIO_get_mem_data(bio, &text);
	copy = wlk_strndup(text, (size_t)size);
	BIO_free(bio);
	X509_free(x509);
	return copy;
}

static wlk_err import(char *pem)
{
	struct dtls_cert *cert = NULL;
	wlk_err err = dtls_cert_import_pem(&cert, pem, strlen(pem));

	dtls_cert_release(cert);
	wlk_free(pem);
	return err;
}

static void test_import_accepts_ecdsa_and_rsa_and_nothing_weaker(void **state)
{
	EVP_PKEY *p256 = EVP_EC_gen("P-256");
	EVP_PKEY *p384 = EVP_EC_gen("P-384");
	EVP_PKEY *p521 = EVP_EC_gen("P-521");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	assert_int_equal(import(make_pem(p256, p256, NULL)), WLK_OK);
	assert_int_equal(import(make_pem(p384, p384, NULL)), WLK_OK);
	assert_int_equal(import(make_pem(rsa, rsa, NULL)), WLK_OK);
	assert_int_equal(import(make_pem(p521, p521, NULL)), WLK_ERR_UNSUPPORTED);
	assert_int_equal(import(make_pem(weak, weak, NULL)), WLK_ERR_UNSUPPORTED);
	assert_int_equal(import(make_pem(ed, ed, NULL)), WLK_ERR_UNSUPPORTED);
	assert_int_equal(import(make_pem(p256, p384, NULL)), WLK_ERR_INVALID);
	assert_int_equal(import(make_pem(p256, rsa, NULL)), WLK_ERR_INVALID);
	assert_int_equal(import(make_pem(p256, p256, "secret")), WLK_ERR_PARSE); /* and asks nobody */
	assert_int_equal(import(wlk_strdup("")), WLK_ERR_PARSE);
	assert_int_equal(import(wlk_strdup("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
			 WLK_ERR_PARSE);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(p521);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ed);
}

static void test_references_keep_it_alive(void **state)
{
	struct dtls_cert *cert;

	(void)state;
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_OK);
	assert_ptr_equal(dtls_cert_ref(cert), cert);
	dtls_cert_release(cert);
	assert_true(dtls_cert_der(cert).size > 100);
	dtls_cert_release(cert);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_failing_allocations_are_errors(void **state)
{
	struct dtls_cert *cert = NULL;
	char *pem;
	size_t size;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(dtls_cert_generate(&cert, NOW), WLK_OK);
	alloc_fail_after(1);
	assert_int_equal(dtls_cert_export_pem(cert, &pem, &size), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(dtls_cert_export_pem(cert, &pem, &size), WLK_OK);
	dtls_cert_release(cert);
	alloc_fail_after(1);
	assert_int_equal(dtls_cert_import_pem(&cert, pem, size), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	dtls_cert_free_pem(pem, size);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_keys_of_every_kind(void **state)
{
	static const struct {
		enum dtls_key type;
		uint32_t rsa_bits;
		int bits, signature;
	} kinds[] = {
		{ DTLS_KEY_ECDSA_P256, 0, 256, NID_ecdsa_with_SHA256 },
		{ DTLS_KEY_ECDSA_P384, 0, 384, NID_ecdsa_with_SHA256 },
		{ DTLS_KEY_RSA, 2048, 2048, NID_sha256WithRSAEncryption },
		{ DTLS_KEY_RSA, 3072, 3072, NID_sha256WithRSAEncryption },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dtls_cert *cert;
		const uint8_t *at;
		X509 *x509;

		assert_int_equal(dtls_cert_generate_key(&cert, NOW, kinds[i].type, kinds[i].rsa_bits, 60), WLK_OK);
		assert_int_equal(dtls_cert_key(cert), kinds[i].type);
		assert_int_equal(dtls_cert_expires(cert), NOW + 60);
		at = dtls_cert_der(cert).data;
		x509 = d2i_X509(NULL, &at, (long)dtls_cert_der(cert).size);
		assert_non_null(x509);
		assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x509)), kinds[i].bits);
		assert_int_equal(X509_get_signature_nid(x509), kinds[i].signature);
		assert_int_equal(X509_verify(x509, X509_get0_pubkey(x509)), 1);
		X509_free(x509);
		dtls_cert_release(cert);
	}
}

static void test_rsa_outside_of_the_bounds_is_not_made(void **state)
{
	struct dtls_cert *cert = NULL;

	(void)state;
	assert_int_equal(dtls_cert_generate_key(&cert, NOW, DTLS_KEY_RSA, 2047, 60), WLK_ERR_UNSUPPORTED);
	assert_int_equal(dtls_cert_generate_key(&cert, NOW, DTLS_KEY_RSA, 8193, 60), WLK_ERR_UNSUPPORTED);
	assert_int_equal(dtls_cert_generate_key(&cert, NOW, (enum dtls_key)3, 2048, 60), WLK_ERR_UNSUPPORTED);
	assert_null(cert);
}

static void test_der_goes_out_and_comes_back(void **state)
{
	static const enum dtls_key types[] = { DTLS_KEY_ECDSA_P256, DTLS_KEY_RSA };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct dtls_cert *cert, *other, *back;
		wlk_bytes key;
		size_t size;
		char *pkcs8;

		assert_int_equal(dtls_cert_generate_key(&cert, NOW, types[i], 2048, 60), WLK_OK);
		assert_int_equal(dtls_cert_generate(&other, NOW), WLK_OK);
		assert_int_equal(dtls_cert_export_key_der(cert, &pkcs8, &size), WLK_OK);
		key = (wlk_bytes){ (const uint8_t *)pkcs8, size };
		assert_int_equal(dtls_cert_import_der(&back, dtls_cert_der(cert), key), WLK_OK);
		assert_int_equal(dtls_cert_der(back).size, dtls_cert_der(cert).size);
		assert_memory_equal(dtls_cert_der(back).data, dtls_cert_der(cert).data, dtls_cert_der(cert).size);
		dtls_cert_release(back);
		assert_int_equal(dtls_cert_import_der(&back, dtls_cert_der(other), key), WLK_ERR_INVALID);
		assert_int_equal(dtls_cert_import_der(&back, key, dtls_cert_der(cert)), WLK_ERR_PARSE);
		assert_int_equal(dtls_cert_import_der(&back, (wlk_bytes){ key.data, 0 }, key), WLK_ERR_PARSE);
		dtls_cert_free_pem(pkcs8, size);
		dtls_cert_release(cert);
		dtls_cert_release(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_of_every_kind),
		cmocka_unit_test(test_rsa_outside_of_the_bounds_is_not_made),
		cmocka_unit_test(test_der_goes_out_and_comes_back),
		cmocka_unit_test(test_generated_certificate),
		cmocka_unit_test(test_two_certificates_differ),
		cmocka_unit_test(test_fingerprints_are_digests_of_the_der_form),
		cmocka_unit_test(test_R14_weak_and_unknown_hash_names_are_refused),
		cmocka_unit_test(test_pem_round_trip),
		cmocka_unit_test(test_import_accepts_ecdsa_and_rsa_and_nothing_weaker),
		cmocka_unit_test(test_references_keep_it_alive),
		cmocka_unit_test(test_failing_allocations_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
