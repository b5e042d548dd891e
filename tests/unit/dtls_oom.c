/* OpenSSL runs out of memory at each of its allocations in turn: our answer is an error or a lost datagram, never a
 * crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "dtls_pair.h"

static size_t countdown; /* 0: never fail */
static size_t calls;
static size_t failures;
static size_t burst = 1; /* how many fail in a row */

static bool fails_now(void)
{
	calls++;
	if (!countdown)
		return false;
	if (countdown > burst) {
		countdown--;
		return false;
	}
	countdown--;
	failures++;
	return true;
}

static void *counted_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails_now() ? NULL : malloc(size);
}

static void *counted_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails_now() ? NULL : realloc(ptr, size);
}

static void counted_free(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	free(ptr);
}

static void arm(size_t n, size_t in_a_row)
{
	burst = in_a_row;
	countdown = n ? n + in_a_row - 1 : 0;
	calls = 0;
	failures = 0;
}

static struct dtls_pair p;

/* From nothing to certificate, context and transport, with the n-th allocation failing. */
static bool set_up_fails(size_t n, wlk_err *err)
{
	struct dtls_cert *cert = NULL;
	struct dtls_cert *again = NULL;
	struct dtls_context *context = NULL;
	char *pem = NULL;
	size_t size = 0;
	bool failed;

	arm(n, 1);
	*err = dtls_cert_generate(&cert, 1800000000);
	if (!*err)
		*err = dtls_cert_export_pem(cert, &pem, &size);
	if (!*err)
		*err = dtls_cert_import_pem(&again, pem, size);
	if (!*err)
		*err = dtls_context_create(&context, NULL);
	failed = failures > 0;
	arm(0, 1);
	dtls_cert_free_pem(pem, size);
	dtls_cert_release(cert);
	dtls_cert_release(again);
	dtls_context_destroy(context);
	return failed;
}

static void test_certificates_and_contexts(void **state)
{
	size_t n;
	size_t errors = 0;

	(void)state;
	/* OpenSSL loads its tables once a process; a failure there would stay for good, which is not ours to heal. */
	assert_false(set_up_fails(0, &(wlk_err){ 0 }));
	for (n = 1; n < 100000; n += n < 600 ? 1 : 13) {
		wlk_err err;

		if (!set_up_fails(n, &err))
			break;
		errors += err != WLK_OK;
		assert_int_equal(alloc_live_blocks(), 0);
	}
	print_message("%zu allocations of OpenSSL, %zu errors\n", n - 1, errors);
	assert_true(n > 100 && errors > 100);
}

/* The whole life of a pair; answers how many allocations it made. */
static size_t life(size_t n, size_t in_a_row, bool *connected)
{
	struct dtls_srtp_export keys;
	size_t made;

	pair_init(&p, &(struct dtls_config){ .rtt_us = 20 * MILLISECOND,
					     .srtp_profiles = dtls_srtp_profiles_default,
					     .srtp_profile_count = 3 });
	p.auto_restart = true;
	arm(n, in_a_row);
	pair_start(&p);
	*connected = pair_connect(&p, p.now + 31 * SECOND);
	if (*connected) {
		if (dtls_transport_export_srtp(p.end[0].t, &keys) == WLK_OK)
			assert_int_equal(keys.size, 56);
		for (int i = 0; i < 2; i++)
			(void)dtls_transport_send(p.end[i].t, p.now, (const uint8_t *)"x", 1);
		pair_drain(&p, PAIR_CLIENT);
		pair_drain(&p, PAIR_SERVER);
		pair_run(&p, p.now + SECOND);
		dtls_transport_close(p.end[0].t, p.now);
		pair_drain(&p, PAIR_CLIENT);
		pair_run(&p, p.now + SECOND);
	}
	made = calls;
	arm(0, 1);
	/* A side may be left in a session whose other end failed: that is for ICE consent to find out. None hangs. */
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(dtls_transport_state(p.end[i].t), DTLS_STATE_CONNECTING);
	if (*connected)
		assert_int_not_equal(dtls_transport_state(p.end[0].t), DTLS_STATE_CONNECTED);
	pair_free(&p);
	assert_int_equal(alloc_live_blocks(), 0);
	return made;
}

static void test_handshake_session_and_close(void **state)
{
	bool connected;
	size_t total = life(0, 1, &connected);
	size_t lost = 0;
	size_t runs = 0;

	(void)state;
	assert_true(connected);
	for (size_t n = 1; n <= total; n += 3, runs++) {
		(void)life(n, 1, &connected);
		lost += !connected;
	}
	print_message("%zu allocations of OpenSSL, %zu runs, %zu did not connect\n", total, runs, lost);
	/* one failing allocation costs a handshake at most: the next one connects, but for a server that is done
	 * already */
	assert_true(lost < runs / 4);
}

static void test_longer_shortages(void **state)
{
	bool connected;
	size_t total = life(0, 1, &connected);

	(void)state;
	for (size_t n = 1; n <= total; n += 41) {
		(void)life(n, 5, &connected);
		(void)life(n, 100000, &connected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates_and_contexts),
		cmocka_unit_test(test_handshake_session_and_close),
		cmocka_unit_test(test_longer_shortages),
	};

	if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
