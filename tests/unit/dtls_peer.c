/* Our transport against a bare OpenSSL endpoint: keys, suites, cookies, certificates and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "core/alloc.h"
#include "dtls/dgram_bio.h"
#include "dtls_pair.h"

struct bare {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO_METHOD *method;
	struct dgram_bio bio;
	uint8_t got[256];
	int got_size;
};

static struct dtls_context *context;
static struct dtls_cert *cert;
static struct dtls_transport *t;
static struct bare bare;
static wlk_time now = 1000000;

static int accept_all(X509_STORE_CTX *store, void *user)
{
	(void)store;
	(void)user;
	return 1;
}

/* A transport in |role| that trusts |theirs| and a bare endpoint in the other role that shows it (NULL: no
 * certificate). */
static void open_both(enum dtls_role role, const struct dtls_cert *theirs)
{
	struct dtls_config config = {
		.context = context, .cert = cert, .srtp_profiles = dtls_srtp_profiles_default, .srtp_profile_count = 3
	};
	struct dtls_fingerprint f = pair_fingerprint(theirs ? theirs : cert);
	BIO *bio;

	assert_int_equal(dtls_transport_create(&t, &config), WLK_OK);
	assert_int_equal(dtls_transport_set_remote_fingerprints(t, now, &f, 1), WLK_OK);
	memset(&bare, 0, sizeof(bare));
	bare.ctx = SSL_CTX_new(role == DTLS_ROLE_CLIENT ? DTLS_server_method() : DTLS_client_method());
	SSL_CTX_set_verify(bare.ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(bare.ctx, accept_all, NULL);
	SSL_CTX_set_options(bare.ctx, SSL_OP_NO_QUERY_MTU);
	if (theirs) {
		char *pem;
		size_t size;

		assert_int_equal(dtls_cert_export_pem(theirs, &pem, &size), WLK_OK);
		BIO *mem = BIO_new_mem_buf(pem, (int)size);
		X509 *x509 = PEM_read_bio_X509(mem, NULL, NULL, NULL);
		EVP_PKEY *key = PEM_read_bio_PrivateKey(mem, NULL, NULL, NULL);
		assert_int_equal(SSL_CTX_use_certificate(bare.ctx, x509), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(bare.ctx, key), 1);
		X509_free(x509);
		EVP_PKEY_free(key);
		BIO_free(mem);
		dtls_cert_free_pem(pem, size);
	}
	bare.ssl = SSL_new(bare.ctx);
	bare.method = dgram_bio_method_create();
	dgram_bio_init(&bare.bio, NULL, 1200);
	bio = dgram_bio_open(&bare.bio, bare.method);
	SSL_set_bio(bare.ssl, bio, bio);
	SSL_set_mtu(bare.ssl, 1200);
	if (role == DTLS_ROLE_CLIENT)
		SSL_set_accept_state(bare.ssl);
	else
		SSL_set_connect_state(bare.ssl);
	assert_int_equal(dtls_transport_start(t, now, role), WLK_OK);
}

static void close_both(void)
{
	dtls_transport_destroy(t);
	SSL_free(bare.ssl);
	SSL_CTX_free(bare.ctx);
	BIO_meth_free(bare.method);
	dgram_bio_free(&bare.bio);
	ERR_clear_error();
}

static void bare_turn(void)
{
	int result;

	ERR_clear_error();
	if (!SSL_is_init_finished(bare.ssl))
		(void)SSL_do_handshake(bare.ssl);
	result = SSL_is_init_finished(bare.ssl) ? SSL_read(bare.ssl, bare.got, sizeof(bare.got)) : 0;
	if (result > 0)
		bare.got_size = result;
	bare.bio.in = NULL;
}

/* Exchange datagrams until both are silent; answers how many went. */
static int exchange(void)
{
	int count = 0;
	bool moved = true;

	bare_turn();
	while (moved && count < 200) {
		struct pktbuf *buf;

		moved = false;
		while ((buf = dgram_bio_pop(&bare.bio))) {
			dtls_transport_input(t, now, buf->data, buf->size);
			pktbuf_release(buf);
			count++;
			moved = true;
		}
		while (dtls_transport_poll_transmit(t, now, &buf)) {
			bare.bio.in = buf->data;
			bare.bio.in_size = buf->size;
			bare_turn();
			pktbuf_release(buf);
			count++;
			moved = true;
		}
	}
	assert_true(count < 200);
	return count;
}

static void check_data_both_ways(void)
{
	wlk_bytes data;

	assert_int_equal(SSL_write(bare.ssl, "from bare", 9), 9);
	assert_int_equal(dtls_transport_send(t, now, (const uint8_t *)"from us", 7), WLK_OK);
	(void)exchange();
	assert_true(dtls_transport_poll_data(t, now, &data));
	assert_int_equal(data.size, 9);
	assert_memory_equal(data.data, "from bare", 9);
	assert_int_equal(bare.got_size, 7);
	assert_memory_equal(bare.got, "from us", 7);
}

static void check_exporter(enum dtls_srtp_profile profile)
{
	struct dtls_srtp_export ours;
	uint8_t theirs[DTLS_SRTP_BLOCK_MAX];

	assert_int_equal(dtls_transport_srtp_profile(t), profile);
	assert_int_equal(SSL_get_selected_srtp_profile(bare.ssl)->id, profile);
	assert_int_equal(dtls_transport_export_srtp(t, &ours), WLK_OK);
	assert_int_equal(SSL_export_keying_material(bare.ssl, theirs, ours.size, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
			 1);
	assert_memory_equal(ours.block, theirs, ours.size);
}

static void test_exporter_of_RFC_5705_agrees_in_both_roles(void **state)
{
	static const struct {
		const char *list;
		enum dtls_srtp_profile profile;
	} lists[] = {
		{ "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", 0 }, /* Chromium */
		{ "SRTP_AES128_CM_SHA1_80", DTLS_SRTP_AES128_CM_SHA1_80 },
		{ "SRTP_AEAD_AES_256_GCM", DTLS_SRTP_AEAD_AES_256_GCM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (int role = 0; role < 2; role++) {
			enum dtls_srtp_profile expect = lists[i].profile;

			/* as server we take GCM; as client we live with the server's choice */
			if (!expect)
				expect = role == DTLS_ROLE_SERVER ? DTLS_SRTP_AEAD_AES_128_GCM
								  : DTLS_SRTP_AES128_CM_SHA1_80;
			open_both((enum dtls_role)role, cert);
			assert_int_equal(SSL_set_tlsext_use_srtp(bare.ssl, lists[i].list), 0);
			(void)exchange();
			assert_int_equal(dtls_transport_state(t), DTLS_STATE_CONNECTED);
			check_exporter(expect);
			check_data_both_ways();
			close_both();
		}
	}
}

static void test_R15_R17_one_version_no_tickets_ems_and_no_renegotiation(void **state)
{
	(void)state;
	for (int role = 0; role < 2; role++) {
		struct dtls_event event;
		wlk_bytes data;

		open_both((enum dtls_role)role, cert);
		(void)exchange();
		assert_int_equal(dtls_transport_state(t), DTLS_STATE_CONNECTED);
		assert_int_equal(SSL_version(bare.ssl), DTLS1_2_VERSION);
		assert_int_equal(SSL_get_extms_support(bare.ssl), 1);
		assert_int_equal(SSL_SESSION_has_ticket(SSL_get_session(bare.ssl)), 0);
		check_data_both_ways();
		/* The peer asks for a new handshake inside the session and is refused. OpenSSL then gives up with a
		 * fatal alert, and that one is authentic: it ends the session (R17). */
		while (dtls_transport_poll_event(t, &event))
			;
		assert_int_equal(SSL_renegotiate(bare.ssl), 1);
		(void)SSL_do_handshake(bare.ssl);
		(void)exchange();
		assert_false(dtls_transport_poll_data(t, now, &data));
		assert_true(dtls_transport_poll_event(t, &event));
		assert_int_equal(event.state, DTLS_STATE_CLOSED);
		assert_int_equal(event.reason, DTLS_REASON_ALERT);
		assert_int_equal(event.alert, 40);
		assert_false(event.restartable);
		close_both();
	}
}

static void expect_refusal(enum dtls_reason reason)
{
	struct dtls_event event = { 0 };

	(void)exchange();
	while (dtls_transport_poll_event(t, &event))
		;
	assert_int_equal(event.state, DTLS_STATE_FAILED);
	assert_int_equal(event.reason, reason);
	assert_true(event.alert != 0);
	assert_true(event.restartable);
	assert_int_equal(dtls_context_half_open(context), 0);
	assert_int_equal(dtls_transport_remote_cert(t).size, 0);
}

static void test_R14_client_without_certificate_is_refused(void **state)
{
	(void)state;
	open_both(DTLS_ROLE_SERVER, NULL);
	expect_refusal(DTLS_REASON_PROTOCOL);
	close_both();
}

static void test_R15_weak_suites_and_old_versions_are_refused(void **state)
{
	static const char *const suites[] = { "AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256",
					      "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		open_both(DTLS_ROLE_SERVER, cert);
		assert_int_equal(SSL_set_cipher_list(bare.ssl, suites[i]), 1);
		expect_refusal(DTLS_REASON_PROTOCOL);
		close_both();
	}
	open_both(DTLS_ROLE_SERVER, cert);
	SSL_set_security_level(bare.ssl, 0);
	assert_int_equal(SSL_set_min_proto_version(bare.ssl, DTLS1_VERSION), 1);
	assert_int_equal(SSL_set_max_proto_version(bare.ssl, DTLS1_VERSION), 1);
	expect_refusal(DTLS_REASON_PROTOCOL);
	close_both();
}

static void test_each_suite_of_ours_works(void **state)
{
	static const struct {
		const char *name;
		uint16_t id;
	} suites[] = {
		{ "ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b },
		{ "ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9 },
		{ "ECDHE-ECDSA-AES256-GCM-SHA384", 0xc02c },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		for (int role = 0; role < 2; role++) {
			open_both((enum dtls_role)role, cert);
			assert_int_equal(SSL_set_cipher_list(bare.ssl, suites[i].name), 1);
			(void)exchange();
			assert_int_equal(dtls_transport_state(t), DTLS_STATE_CONNECTED);
			assert_int_equal(dtls_transport_cipher(t), suites[i].id);
			check_data_both_ways();
			close_both();
		}
	}
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *size)
{
	(void)ssl;
	memset(cookie, 0xc0, 20);
	*size = 20;
	return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int size)
{
	(void)ssl;
	return size == 20 && cookie[0] == 0xc0 && cookie[19] == 0xc0;
}

static void test_a_server_with_cookies_is_answered(void **state)
{
	(void)state;
	open_both(DTLS_ROLE_CLIENT, cert);
	SSL_CTX_set_cookie_generate_cb(bare.ctx, make_cookie);
	SSL_CTX_set_cookie_verify_cb(bare.ctx, check_cookie);
	SSL_set_options(bare.ssl, SSL_OP_COOKIE_EXCHANGE);
	(void)exchange();
	assert_int_equal(dtls_transport_state(t), DTLS_STATE_CONNECTED);
	check_data_both_ways();
	close_both();
}

/* A self-signed RSA certificate with a subject long enough that its message does not fit into 600 bytes. */
static struct dtls_cert *rsa_cert(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x509 = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	struct dtls_cert *out = NULL;
	char *text;

	assert_true(X509_set_version(x509, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) &&
		    ASN1_TIME_set(X509_getm_notBefore(x509), 1800000000) &&
		    ASN1_TIME_set(X509_getm_notAfter(x509), 1900000000) && X509_set_pubkey(x509, key) &&
		    X509_sign(x509, key, EVP_sha256()) && PEM_write_bio_X509(bio, x509) &&
		    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	long size = BIO_get_mem_data(bio, &text);
	assert_int_equal(dtls_cert_import_pem(&out, text, (size_t)size), WLK_OK);
	assert_true(dtls_cert_der(out).size > 600);
	BIO_free(bio);
	X509_free(x509);
	EVP_PKEY_free(key);
	return out;
}

static void test_rsa_certificates_work_in_both_roles(void **state)
{
	struct dtls_cert *rsa = rsa_cert();

	(void)state;
	for (int role = 0; role < 2; role++) {
		open_both((enum dtls_role)role, rsa);
		(void)exchange();
		assert_int_equal(dtls_transport_state(t), DTLS_STATE_CONNECTED);
		check_data_both_ways();
		close_both();
	}
	dtls_cert_release(rsa);
}

static void test_mtu_falls_to_576_after_two_timeouts(void **state)
{
	static struct dtls_pair p;
	struct dtls_cert *rsa = rsa_cert();
	wlk_time start;

	(void)state;
	pair_init(&p, NULL);
	for (int i = 0; i < 2; i++) {
		struct dtls_config config = { .context = p.end[i].context, .cert = rsa, .rtt_us = 20 * MILLISECOND };

		dtls_transport_destroy(p.end[i].t);
		assert_int_equal(dtls_transport_create(&p.end[i].t, &config), WLK_OK);
		dtls_cert_release(p.end[i].cert);
		p.end[i].cert = dtls_cert_ref(rsa);
	}
	pair_exchange_fingerprints(&p);
	p.path_mtu = 600;
	start = p.now;
	pair_start(&p);
	assert_true(pair_connect(&p, start + 10 * SECOND));
	assert_true(p.now - start < SECOND);
	assert_true(p.end[1].largest > 600);
	assert_int_equal(dtls_transport_mtu(p.end[1].t), 576);
	pair_free(&p);
	dtls_cert_release(rsa);
}

static void test_close_notify_of_a_bare_peer(void **state)
{
	struct dtls_event event = { 0 };

	(void)state;
	open_both(DTLS_ROLE_SERVER, cert);
	(void)exchange();
	assert_int_equal(SSL_shutdown(bare.ssl), 0);
	(void)exchange();
	while (dtls_transport_poll_event(t, &event))
		;
	assert_int_equal(event.state, DTLS_STATE_CLOSED);
	assert_int_equal(event.reason, DTLS_REASON_REMOTE_CLOSE);
	close_both();
}

static int open_all(void **state)
{
	(void)state;
	return dtls_context_create(&context, NULL) || dtls_cert_generate(&cert, 1800000000);
}

static int close_all(void **state)
{
	(void)state;
	dtls_context_destroy(context);
	dtls_cert_release(cert);
	return alloc_live_blocks() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exporter_of_RFC_5705_agrees_in_both_roles),
		cmocka_unit_test(test_R15_R17_one_version_no_tickets_ems_and_no_renegotiation),
		cmocka_unit_test(test_R14_client_without_certificate_is_refused),
		cmocka_unit_test(test_R15_weak_suites_and_old_versions_are_refused),
		cmocka_unit_test(test_each_suite_of_ours_works),
		cmocka_unit_test(test_a_server_with_cookies_is_answered),
		cmocka_unit_test(test_rsa_certificates_work_in_both_roles),
		cmocka_unit_test(test_mtu_falls_to_576_after_two_timeouts),
		cmocka_unit_test(test_close_notify_of_a_bare_peer),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
