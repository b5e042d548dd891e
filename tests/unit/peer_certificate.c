/* peer/certificate: what RTCCertificate and RTCConfiguration.certificates say (W3C webrtc-pc 4.9, 4.4.1.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dtls/cert.h"
#include "peer/certificate.h"

#define NOW 1800000000

static wlk_certificate *made(const wlk_certificate_options *options)
{
	wlk_certificate *certificate;

	assert_int_equal(certificate_generate(&certificate, options, NOW), WLK_OK);
	return certificate;
}

/* 4.9.1: 30 days by default, what was asked for, and never more than 365 days. */
static void test_expiry_as_asked_for_within_bounds(void **state)
{
	static const struct {
		bool has;
		uint64_t ms;
		int64_t expires;
	} cases[] = {
		{ false, 0, NOW + 30 * 86400 },
		{ true, 0, NOW },
		{ true, 86400000, NOW + 86400 },
		{ true, 31536000000, NOW + 365 * 86400 },
		{ true, 31536000001, NOW + 365 * 86400 },
		{ true, UINT64_MAX, NOW + 365 * 86400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
		wlk_certificate *certificate;

		options.has_expires = cases[i].has;
		options.expires_ms = cases[i].ms;
		certificate = made(&options);
		assert_int_equal(wlk_certificate_expires(certificate), cases[i].expires);
		wlk_certificate_release(certificate);
	}
}

static void test_algorithms(void **state)
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	wlk_certificate *certificate;

	(void)state;
	for (int i = WLK_KEY_ECDSA_P256; i <= WLK_KEY_RSA; i++) {
		options.algorithm = (wlk_key_algorithm)i;
		certificate = made(&options);
		assert_int_equal(wlk_certificate_key_algorithm(certificate), i);
		wlk_certificate_release(certificate);
	}
	options.rsa_modulus_bits = 1024;
	assert_int_equal(certificate_generate(&certificate, &options, NOW), WLK_ERR_UNSUPPORTED);
	options.algorithm = (wlk_key_algorithm)17;
	assert_int_equal(certificate_generate(&certificate, &options, NOW), WLK_ERR_UNSUPPORTED);
	options.struct_size = 0;
	assert_int_equal(certificate_generate(&certificate, &options, NOW), WLK_ERR_INVALID);
	assert_int_equal(certificate_generate(NULL, NULL, NOW), WLK_ERR_INVALID);
}

/* getFingerprints(): lower case; the line of SDP is in upper case and says the same. */
static void test_fingerprints(void **state)
{
	static const struct {
		const char *name;
		size_t size;
	} all[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };
	wlk_certificate *certificate = made(NULL);
	wlk_fingerprint fp;
	char line[104];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(wlk_certificate_get_fingerprint(certificate, i, &fp), WLK_OK);
		assert_string_equal(fp.algorithm, all[i].name);
		assert_int_equal(strlen(fp.value), 3 * all[i].size - 1);
		assert_int_equal(strspn(fp.value, "0123456789abcdef:"), strlen(fp.value));
	}
	assert_int_equal(wlk_certificate_get_fingerprint(certificate, 3, &fp), WLK_ERR_NOT_FOUND);
	assert_int_equal(wlk_certificate_fingerprint(certificate, line, sizeof(line)), WLK_OK);
	assert_int_equal(wlk_certificate_get_fingerprint(certificate, 0, &fp), WLK_OK);
	assert_int_equal(strlen(line), 8 + strlen(fp.value));
	for (size_t i = 0; i < strlen(fp.value); i++)
		assert_int_equal(fp.value[i], line[8 + i] >= 'A' && line[8 + i] <= 'F' ? line[8 + i] - 'A' + 'a' : line[8 + i]);
	assert_int_equal(wlk_certificate_fingerprint(certificate, line, sizeof(line) - 1), WLK_ERR_NOSPACE);
	wlk_certificate_release(certificate);
}

static void test_der_and_pem_go_out_and_come_back(void **state)
{
	wlk_certificate *certificate = made(NULL), *from_der, *from_pem;
	uint8_t *key;
	char *pem;
	size_t size;

	(void)state;
	assert_int_equal(wlk_certificate_key_der(certificate, &key, &size), WLK_OK);
	assert_int_equal(wlk_certificate_from_der(wlk_certificate_der(certificate), (wlk_bytes){ key, size }, &from_der), WLK_OK);
	assert_int_equal(wlk_certificate_to_pem(certificate, &pem), WLK_OK);
	assert_int_equal(wlk_certificate_from_pem(pem, strlen(pem), &from_pem), WLK_OK);
	assert_int_equal(wlk_certificate_der(from_der).size, wlk_certificate_der(from_pem).size);
	assert_memory_equal(wlk_certificate_der(from_der).data, wlk_certificate_der(from_pem).data, wlk_certificate_der(from_pem).size);
	assert_int_equal(wlk_certificate_from_der((wlk_bytes){ 0 }, (wlk_bytes){ 0 }, &from_der), WLK_ERR_INVALID);
	assert_int_equal(wlk_certificate_key_der(NULL, &key, &size), WLK_ERR_INVALID);
	wlk_secret_free_bytes(key, size);
	wlk_secret_free(pem);
	wlk_secret_free_bytes(NULL, 0);
	wlk_certificate_release(from_der);
	wlk_certificate_release(from_pem);
	wlk_certificate_release(certificate);
}

/* RTCConfiguration.certificates: an expired one anywhere in the list is an InvalidAccessError. */
static void test_the_first_of_the_list_serves_and_none_may_have_ended(void **state)
{
	wlk_certificate_options short_lived = WLK_CERTIFICATE_OPTIONS_INIT;
	wlk_certificate *list[2], *fallback = made(NULL);
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct dtls_cert *chosen;

	(void)state;
	short_lived.has_expires = true;
	short_lived.expires_ms = 10000;
	list[0] = made(NULL);
	list[1] = made(&short_lived);
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW), WLK_OK);
	assert_ptr_equal(chosen, certificate_unwrap(fallback));
	dtls_cert_release(chosen);
	config.certificates = list;
	config.certificate_count = 2;
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW + 9), WLK_OK);
	assert_ptr_equal(chosen, certificate_unwrap(list[0]));
	dtls_cert_release(chosen);
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW + 10), WLK_ERR_INVALID);
	config.certificate = list[0];
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW), WLK_ERR_INVALID);
	config.certificate_count = 0;
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW), WLK_OK);
	dtls_cert_release(chosen);
	config.certificate = list[1];
	assert_int_equal(certificate_choose(&chosen, &config, certificate_unwrap(fallback), NOW + 10), WLK_ERR_INVALID);
	wlk_certificate_release(list[0]);
	wlk_certificate_release(list[1]);
	wlk_certificate_release(fallback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry_as_asked_for_within_bounds),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_der_and_pem_go_out_and_come_back),
		cmocka_unit_test(test_the_first_of_the_list_serves_and_none_may_have_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
