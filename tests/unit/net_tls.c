/* TLS and DTLS to a server of OpenSSL on loopback: who is accepted, who is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/clock.h"
#include "net/driver.h"
#include "tests/support/fake_peer.h"

/* ---- a certificate authority of the test's own ---- */

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static struct identity authority, stranger; /* two authorities */
static char ca_file[] = "/tmp/wlk-net-tls-XXXXXX";
static char key_lines[4096];

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool added;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return added;
}

/* |names| as in "DNS:turn.example,IP:127.0.0.1"; NULL: an authority. |from|, |until|: days from today. */
static struct identity issue(const struct identity *issuer, const char *names, int from, int until)
{
	static long serial;
	struct identity id = { .key = EVP_EC_gen("P-256"), .cert = X509_new() };
	const struct identity *by = issuer ? issuer : &id;
	X509_NAME *subject = X509_get_subject_name(id.cert);
	char name[32];

	assert_non_null(id.key);
	X509_set_version(id.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(id.cert), ++serial);
	snprintf(name, sizeof(name), "%s %ld", names ? "server" : "authority", serial);
	X509_gmtime_adj(X509_getm_notBefore(id.cert), (long)from * 86400);
	X509_gmtime_adj(X509_getm_notAfter(id.cert), (long)until * 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(id.cert, X509_get_subject_name(by->cert));
	X509_set_pubkey(id.cert, id.key);
	assert_true(add_extension(id.cert, by->cert, NID_basic_constraints, names ? "CA:FALSE" : "critical,CA:TRUE"));
	if (names)
		assert_true(add_extension(id.cert, by->cert, NID_subject_alt_name, names));
	assert_true(X509_sign(id.cert, by->key, EVP_sha256()) > 0);
	return id;
}

static void forget(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
	*id = (struct identity){ 0 };
}

static int make_authorities(void **state)
{
	FILE *file;
	int fd = mkstemp(ca_file);

	(void)state;
	assert_true(fd >= 0);
	authority = issue(NULL, NULL, -10, 10);
	stranger = issue(NULL, NULL, -10, 10);
	file = fdopen(fd, "w");
	assert_true(PEM_write_X509(file, authority.cert));
	fclose(file);
	return 0;
}

static int forget_authorities(void **state)
{
	(void)state;
	unlink(ca_file);
	forget(&authority);
	forget(&stranger);
	return 0;
}

/* ---- the server, and a driver with one peer ---- */

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_peer_connection *pc;

	struct identity id;
	SSL_CTX *ctx;
	SSL *ssl;
	int listener;
	int fd;
	bool datagrams;
	wlk_addr at;
	char sni[64];
	uint8_t received[1 << 20];
	size_t received_count;
} f;

static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

static void on_event(const wlk_event *event, void *user)
{
	(void)event;
	(void)user;
}

static void on_key(const char *line, void *user)
{
	(void)user;
	strncat(key_lines, line, sizeof(key_lines) - strlen(key_lines) - 1);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.fd = f.listener = -1;
	f.env.pool = pktbuf_pool_create(256);
	assert_int_equal(poller_init(&f.poller), WLK_OK);
	assert_int_equal(mailbox_init(&f.mailbox), WLK_OK);
	driver_init(&f.driver, &f.poller, &f.mailbox, &f.env, false);
	driver_set_now(&f.driver, clock_monotonic());
	assert_int_equal(driver_streams_set_tls(&f.driver, ca_file, NULL, NULL), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &f.pc), WLK_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_free(&f.driver);
	mailbox_free(&f.mailbox);
	poller_free(&f.poller);
	pktbuf_pool_destroy(f.env.pool);
	SSL_free(f.ssl);
	SSL_CTX_free(f.ctx);
	forget(&f.id);
	if (f.fd >= 0)
		close(f.fd);
	if (f.listener >= 0 && f.listener != f.fd)
		close(f.listener);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

/* The server shows |id|, which it takes over. */
static void serve(struct identity id, bool datagrams)
{
	union sockaddr_any name;
	socklen_t size;

	f.id = id;
	f.datagrams = datagrams;
	f.ctx = SSL_CTX_new(datagrams ? DTLS_server_method() : TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(f.ctx, id.cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(f.ctx, id.key), 1);
	if (!datagrams) {
		f.listener = tcp_listen(&loopback, 0, 0, &f.at);
		assert_true(f.listener >= 0);
		return;
	}
	f.fd = f.listener = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size = sockaddr_from(&name, &loopback);
	assert_int_equal(bind(f.fd, &name.sa, size), 0);
	assert_int_equal(getsockname(f.fd, &name.sa, &size), 0);
	f.at = sockaddr_to(&name.sa);
}

/* Give SSL its descriptor as soon as there is a far end. */
static bool have_far_end(void)
{
	union sockaddr_any name;
	socklen_t size = sizeof(name);
	struct tcp_stream s;
	uint8_t byte;

	if (f.ssl)
		return true;
	if (f.datagrams) {
		if (recvfrom(f.fd, &byte, 1, MSG_PEEK, &name.sa, &size) < 0)
			return false;
		assert_int_equal(connect(f.fd, &name.sa, size), 0);
	} else {
		if (tcp_accept(f.listener, &s))
			return false;
		f.fd = s.fd;
	}
	f.ssl = SSL_new(f.ctx);
	if (f.datagrams) {
		BIO *bio = BIO_new_dgram(f.fd, BIO_NOCLOSE);

		SSL_set_bio(f.ssl, bio, bio);
	} else {
		SSL_set_fd(f.ssl, f.fd);
	}
	SSL_set_accept_state(f.ssl);
	return true;
}

static void run_server(void)
{
	int n = 1;

	if (!have_far_end())
		return;
	ERR_clear_error();
	while (n > 0) {
		n = SSL_read(f.ssl, f.received + f.received_count, (int)(sizeof(f.received) - f.received_count));
		if (n > 0)
			f.received_count += (size_t)n;
	}
	if (SSL_get_servername(f.ssl, TLSEXT_NAMETYPE_host_name))
		snprintf(f.sni, sizeof(f.sni), "%s", SSL_get_servername(f.ssl, TLSEXT_NAMETYPE_host_name));
	ERR_clear_error();
}

/* One round of both. */
static void run(void)
{
	driver_set_now(&f.driver, clock_monotonic());
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	poller_dispatch(&f.poller);
	driver_run(&f.driver);
	run_server();
}

static void wait_for_network(void)
{
	wlk_time left = driver_deadline(&f.driver) == WLK_TIME_NEVER ? 10 * SECOND
								      : driver_deadline(&f.driver) - clock_monotonic();
	struct pollfd fds[2] = { { .fd = f.poller.fd, .events = POLLIN },
				 { .fd = f.fd >= 0 ? f.fd : f.listener, .events = POLLIN } };

	if (left > 0)
		poll(fds, 2, (int)(left / MILLISECOND) + 1);
}

static void run_until(const size_t *value, size_t expected)
{
	wlk_time limit = clock_monotonic() + 20 * SECOND;

	run();
	while (*value < expected) {
		assert_true(clock_monotonic() < limit);
		wait_for_network();
		run();
	}
}

static void connect_as(const char *host)
{
	wlk_addr none = { 0 };

	fake_connect(f.pc, f.datagrams ? WLK_REQUEST_CONNECT_DTLS : WLK_REQUEST_CONNECT_TLS, 7, &none, &f.at, host);
	run_until(&f.pc->answer_count, 1);
}

static void assert_refused(const char *why)
{
	assert_int_equal(f.pc->answers[0].err, WLK_ERR_CRYPTO);
	assert_string_equal(f.pc->why, why);
	for (int i = 0; i < 3; i++)
		run();
	assert_int_equal(f.pc->answer_count, 1);
	assert_int_equal(f.received_count, 0);
}

/* ---- who is accepted ---- */

static void test_a_server_with_the_right_name(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example,DNS:other.example", -1, 1), false);
	connect_as("turn.example");
	assert_int_equal(f.pc->answers[0].err, WLK_OK);
	assert_true(addr_ip_equal(&f.pc->answers[0].first, &loopback));
	fake_send_on(f.pc, 7, "hello", 5);
	run_until(&f.received_count, 5);
	assert_memory_equal(f.received, "hello", 5);
	assert_string_equal(f.sni, "turn.example");
	assert_true(SSL_version(f.ssl) >= TLS1_2_VERSION);
	assert_int_equal(SSL_write(f.ssl, "answer", 6), 6);
	run_until(&f.pc->byte_count, 6);
	assert_memory_equal(f.pc->bytes, "answer", 6);
	SSL_shutdown(f.ssl);
	run_until(&f.pc->closed_count, 1);
	assert_int_equal(f.pc->closed_streams[0], 7);
}

static void test_a_wildcard_stands_for_one_label(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:*.turn.example", -1, 1), false);
	connect_as("eu.turn.example");
	assert_int_equal(f.pc->answers[0].err, WLK_OK);
	teardown(NULL);
	setup(NULL);
	serve(issue(&authority, "DNS:*.turn.example,DNS:e*.eu.turn.example", -1, 1), false);
	connect_as("east.eu.turn.example");
	assert_refused("hostname mismatch");
}

static void test_an_ip_literal_is_looked_for_among_the_ips(void **state)
{
	(void)state;
	serve(issue(&authority, "IP:127.0.0.1", -1, 1), false);
	connect_as("127.0.0.1");
	assert_int_equal(f.pc->answers[0].err, WLK_OK);
	fake_send_on(f.pc, 7, "x", 1);
	run_until(&f.received_count, 1);
	assert_string_equal(f.sni, ""); /* RFC 6066 3: no literals */
}

static void test_tls12_is_enough_and_tls11_is_not(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	SSL_CTX_set_max_proto_version(f.ctx, TLS1_2_VERSION);
	connect_as("turn.example");
	assert_int_equal(f.pc->answers[0].err, WLK_OK);
	teardown(NULL);
	setup(NULL);
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	SSL_CTX_set_min_proto_version(f.ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(f.ctx, TLS1_1_VERSION);
	SSL_CTX_set_security_level(f.ctx, 0);
	connect_as("turn.example");
	assert_refused("tlsv1 alert protocol version");
}

static void test_a_megabyte_both_ways(void **state)
{
	static uint8_t data[1 << 20];
	size_t sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 24);
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	for (size_t i = 0; i < sizeof(data); i += 1024)
		fake_send_on(f.pc, 7, data + i, 1024);
	run_until(&f.received_count, sizeof(data));
	assert_memory_equal(f.received, data, sizeof(data));
	while (sent < sizeof(data)) {
		int n = SSL_write(f.ssl, data + sent, 16384);

		if (n > 0)
			sent += (size_t)n;
		run();
	}
	run_until(&f.pc->byte_count, sizeof(data));
	assert_memory_equal(f.pc->bytes, data, sizeof(data));
	assert_int_equal(f.driver.streams.dropped, 0);
}

static void test_closing_says_close_notify(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	fake_send_on(f.pc, 7, "last", 4);
	run();
	fake_request(f.pc, WLK_REQUEST_CLOSE_STREAM, 7, NULL, NULL);
	run_until(&f.received_count, 4);
	while (!(SSL_get_shutdown(f.ssl) & SSL_RECEIVED_SHUTDOWN)) {
		wait_for_network();
		run();
	}
	assert_int_equal(f.pc->closed_count, 0);
}

/* ---- who is refused ---- */

static void test_an_expired_certificate(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", -5, -2), false);
	connect_as("turn.example");
	assert_refused("certificate has expired");
}

static void test_a_certificate_of_tomorrow(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", 1, 5), false);
	connect_as("turn.example");
	assert_refused("certificate is not yet valid");
}

static void test_another_name(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example.org,DNS:example,IP:127.0.0.1", -1, 1), false);
	connect_as("turn.example");
	assert_refused("hostname mismatch");
}

static void test_another_ip(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:127.0.0.1,IP:127.0.0.2", -1, 1), false);
	connect_as("127.0.0.1");
	assert_refused("IP address mismatch");
}

static void test_an_unknown_authority(void **state)
{
	(void)state;
	serve(issue(&stranger, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_refused("unable to get local issuer certificate");
}

static void test_an_authority_that_only_the_system_might_know(void **state)
{
	(void)state;
	assert_int_equal(driver_streams_set_tls(&f.driver, NULL, NULL, NULL), WLK_OK);
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_refused("unable to get local issuer certificate");
}

static void test_a_self_signed_server(void **state)
{
	(void)state;
	serve(issue(NULL, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_refused("self-signed certificate");
}

static void test_a_server_that_hangs_up(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	fake_connect(f.pc, WLK_REQUEST_CONNECT_TLS, 7, &(wlk_addr){ 0 }, &f.at, "turn.example");
	while (!f.pc->answer_count) {
		struct tcp_stream s;

		driver_set_now(&f.driver, clock_monotonic());
		poller_wait(&f.poller, 10);
		poller_dispatch(&f.poller);
		driver_run(&f.driver);
		if (!tcp_accept(f.listener, &s))
			tcp_close(&s);
	}
	assert_int_equal(f.pc->answers[0].err, WLK_ERR_IO);
	assert_true(strstr(f.pc->why, "during the TLS handshake") != NULL);
}

static void test_authorities_that_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(driver_streams_set_tls(&f.driver, "/nonexistent/ca.pem", NULL, NULL), WLK_OK);
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_refused("the certificate authorities cannot be read");
}

/* Each of its key updates asks for one of ours, which it never reads: what waits for it stays bounded. */
static void test_a_server_that_asks_and_does_not_read(void **state)
{
	int asked = 0;

	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_int_equal(SSL_version(f.ssl), TLS1_3_VERSION);
	while (!f.pc->closed_count) {
		assert_true(++asked < 200000);
		if (SSL_get_key_update_type(f.ssl) == SSL_KEY_UPDATE_NONE)
			assert_int_equal(SSL_key_update(f.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		if (SSL_do_handshake(f.ssl) == 1 && asked % 64)
			continue;
		driver_set_now(&f.driver, clock_monotonic());
		poller_wait(&f.poller, 0);
		poller_dispatch(&f.poller);
		driver_run(&f.driver);
	}
	assert_int_equal(f.pc->closed_streams[0], 7);
	ERR_clear_error();
}

/* ---- DTLS ---- */

static void test_dtls_carries_records(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), true);
	connect_as("turn.example");
	assert_int_equal(f.pc->answers[0].err, WLK_OK);
	assert_int_equal(SSL_version(f.ssl), DTLS1_2_VERSION);
	fake_send_on(f.pc, 7, "one", 3);
	fake_send_on(f.pc, 7, "three", 5);
	run_until(&f.received_count, 8);
	assert_memory_equal(f.received, "onethree", 8);
	assert_int_equal(SSL_write(f.ssl, "four", 4), 4);
	assert_int_equal(SSL_write(f.ssl, "fives", 5), 5);
	run_until(&f.pc->byte_count, 9);
	assert_int_equal(f.pc->pieces, 2); /* one a record */
	assert_memory_equal(f.pc->bytes, "fourfives", 9);
}

static void test_dtls_checks_the_name_too(void **state)
{
	(void)state;
	serve(issue(&authority, "DNS:elsewhere.example", -1, 1), true);
	connect_as("turn.example");
	assert_refused("hostname mismatch");
}

/* Nobody is at the port: the timer of DTLS runs, and the ten seconds end it. */
static void test_dtls_without_a_server_is_given_up(void **state)
{
	wlk_time start = clock_monotonic(), now = start;

	(void)state;
	serve(issue(&authority, "DNS:turn.example", -1, 1), true);
	fake_connect(f.pc, WLK_REQUEST_CONNECT_DTLS, 7, &(wlk_addr){ 0 }, &f.at, "turn.example");
	for (int rounds = 0; !f.pc->answer_count; rounds++) {
		assert_true(rounds < 100000);
		driver_set_now(&f.driver, now);
		poller_wait(&f.poller, 0);
		poller_dispatch(&f.poller);
		driver_run(&f.driver);
		if (!f.pc->answer_count)
			now = MAX(now + 1, driver_deadline(&f.driver));
	}
	assert_int_equal(f.pc->answers[0].err, WLK_ERR_TIMEOUT);
	assert_true(now <= start + 10 * SECOND + MILLISECOND);
}

/* ---- secrets ---- */

static void test_R3_secrets_are_written_only_where_asked(void **state)
{
	(void)state;
	key_lines[0] = 0;
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_string_equal(key_lines, "");
	teardown(NULL);
	setup(NULL);
	assert_int_equal(driver_streams_set_tls(&f.driver, ca_file, on_key, NULL), WLK_OK);
	serve(issue(&authority, "DNS:turn.example", -1, 1), false);
	connect_as("turn.example");
	assert_true(strstr(key_lines, "CLIENT_") != NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_server_with_the_right_name),
		CASE(test_a_wildcard_stands_for_one_label),
		CASE(test_an_ip_literal_is_looked_for_among_the_ips),
		CASE(test_tls12_is_enough_and_tls11_is_not),
		CASE(test_a_megabyte_both_ways),
		CASE(test_closing_says_close_notify),
		CASE(test_an_expired_certificate),
		CASE(test_a_certificate_of_tomorrow),
		CASE(test_another_name),
		CASE(test_another_ip),
		CASE(test_an_unknown_authority),
		CASE(test_an_authority_that_only_the_system_might_know),
		CASE(test_a_self_signed_server),
		CASE(test_a_server_that_hangs_up),
		CASE(test_authorities_that_cannot_be_read),
		CASE(test_a_server_that_asks_and_does_not_read),
		CASE(test_dtls_carries_records),
		CASE(test_dtls_checks_the_name_too),
		CASE(test_dtls_without_a_server_is_given_up),
		CASE(test_R3_secrets_are_written_only_where_asked),
	};

	return cmocka_run_group_tests(tests, make_authorities, forget_authorities);
}
