/* doors/dtls: two associations by their public names alone; what DTLS itself does is tested in dtls_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/time.h"
#include "peer/certificate.h"
#include "wirelark/dtls.h"

struct side {
	wlk_certificate *certificate;
	wlk_dtls_association *dtls;
	wlk_dtls_event last;
	size_t events, records;
	uint8_t data[WLK_DTLS_DATA_MAX];
	size_t size;
};

static struct {
	struct side side[2]; /* 0: the client */
	wlk_time now;
} p;

static bool drain(struct side *me, struct side *other)
{
	wlk_bytes bytes;
	bool any = false;

	for (; wlk_dtls_association_poll_event(me->dtls, &me->last); any = true)
		me->events++;
	for (; wlk_dtls_association_poll_data(me->dtls, p.now, &bytes); any = true) {
		me->records++;
		me->size = bytes.size;
		memcpy(me->data, bytes.data, bytes.size);
	}
	for (; wlk_dtls_association_poll_transmit(me->dtls, p.now, &bytes); any = true)
		wlk_dtls_association_input(other->dtls, p.now, bytes.data, bytes.size);
	return any;
}

/* Both sides until nothing moves; their deadlines lie ahead then. */
static void settle(void)
{
	bool any = true;

	for (int rounds = 0; any; rounds++) {
		assert_true(rounds < 100);
		any = drain(&p.side[0], &p.side[1]);
		any |= drain(&p.side[1], &p.side[0]);
	}
	for (int i = 0; i < 2; i++)
		assert_true(wlk_dtls_association_deadline(p.side[i].dtls) > p.now);
}

static wlk_fingerprint fingerprint_of(const struct side *side, size_t index)
{
	wlk_fingerprint fingerprint;

	assert_int_equal(wlk_certificate_get_fingerprint(side->certificate, index, &fingerprint), WLK_OK);
	return fingerprint;
}

static wlk_err make(struct side *me, wlk_dtls_config config)
{
	wlk_err err = me->certificate ? WLK_OK : certificate_generate(&me->certificate, NULL, 1800000000);

	config.certificate = me->certificate;
	return err ? err : wlk_dtls_association_create(&config, &me->dtls);
}

static void begin(wlk_dtls_config config)
{
	memset(&p, 0, sizeof(p));
	p.now = SECOND;
	assert_int_equal(make(&p.side[0], config), WLK_OK);
	assert_int_equal(make(&p.side[1], config), WLK_OK);
}

static void start(void)
{
	assert_int_equal(wlk_dtls_association_start(p.side[1].dtls, p.now, WLK_DTLS_ROLE_SERVER), WLK_OK);
	assert_int_equal(wlk_dtls_association_start(p.side[0].dtls, p.now, WLK_DTLS_ROLE_CLIENT), WLK_OK);
	settle();
}

static void introduce(void)
{
	for (int i = 0; i < 2; i++) {
		wlk_fingerprint other = fingerprint_of(&p.side[1 - i], 0);

		assert_int_equal(wlk_dtls_association_set_remote_fingerprints(p.side[i].dtls, p.now, &other, 1), WLK_OK);
	}
	settle();
}

static void connect_both(wlk_dtls_config config)
{
	begin(config);
	introduce();
	start();
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_dtls_association_state(p.side[i].dtls), WLK_DTLS_STATE_CONNECTED);
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		wlk_dtls_association_destroy(p.side[i].dtls);
		wlk_certificate_release(p.side[i].certificate);
	}
	memset(&p, 0, sizeof(p));
	return 0;
}

static const wlk_dtls_config defaults = WLK_DTLS_CONFIG_INIT;

/* ---- tests ---- */

static void test_a_handshake_data_and_keys(void **state)
{
	wlk_srtp_keys keys[2];
	wlk_dtls_stats stats = { sizeof(stats) };
	wlk_bytes der;

	(void)state;
	connect_both(defaults);
	assert_int_equal(wlk_dtls_association_role(p.side[0].dtls), WLK_DTLS_ROLE_CLIENT);
	assert_int_equal(wlk_dtls_association_role(p.side[1].dtls), WLK_DTLS_ROLE_SERVER);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wlk_dtls_association_version(p.side[i].dtls), 0xfefd);
		assert_memory_equal(wlk_dtls_association_cipher(p.side[i].dtls), "TLS_ECDHE_ECDSA_WITH_", 21);
		assert_int_equal(wlk_dtls_association_srtp_profile(p.side[i].dtls), WLK_SRTP_AEAD_AES_128_GCM);
		assert_int_equal(wlk_dtls_association_mtu(p.side[i].dtls), 1200);
		assert_int_equal(wlk_dtls_association_export_srtp(p.side[i].dtls, &keys[i]), WLK_OK);
		der = wlk_certificate_der(p.side[1 - i].certificate);
		assert_int_equal(wlk_dtls_association_remote_certificate(p.side[i].dtls).size, der.size);
		assert_memory_equal(wlk_dtls_association_remote_certificate(p.side[i].dtls).data, der.data, der.size);
		assert_int_equal(wlk_dtls_association_send(p.side[i].dtls, p.now, (const uint8_t *)"hello", 5), WLK_OK);
	}
	assert_int_equal(keys[0].size, 28);
	assert_memory_equal(keys[0].local, keys[1].remote, WLK_SRTP_KEY_MAX);
	assert_memory_equal(keys[0].remote, keys[1].local, WLK_SRTP_KEY_MAX);
	assert_memory_not_equal(keys[0].local, keys[0].remote, 28);
	settle();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p.side[i].records, 1);
		assert_int_equal(p.side[i].size, 5);
		assert_memory_equal(p.side[i].data, "hello", 5);
	}
	assert_int_equal(wlk_dtls_association_get_stats(p.side[0].dtls, &stats), WLK_OK);
	assert_true(stats.datagrams_sent >= 3 && stats.datagrams_received >= 3);
	assert_int_equal(stats.datagrams_dropped, 0);
}

static void test_R14_connected_waits_for_the_fingerprint(void **state)
{
	wlk_srtp_keys keys;

	(void)state;
	begin(defaults);
	start();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wlk_dtls_association_state(p.side[i].dtls), WLK_DTLS_STATE_CONNECTING);
		assert_int_equal(wlk_dtls_association_export_srtp(p.side[i].dtls, &keys), WLK_ERR_STATE);
		assert_int_equal(wlk_dtls_association_send(p.side[i].dtls, p.now, (const uint8_t *)"x", 1), WLK_ERR_STATE);
	}
	introduce();
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_dtls_association_state(p.side[i].dtls), WLK_DTLS_STATE_CONNECTED);
}

static void test_R14_another_certificate_fails(void **state)
{
	wlk_fingerprint own;

	(void)state;
	begin(defaults);
	own = fingerprint_of(&p.side[0], 0); /* of the wrong side */
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(p.side[0].dtls, p.now, &own, 1), WLK_OK);
	start();
	assert_int_equal(wlk_dtls_association_state(p.side[0].dtls), WLK_DTLS_STATE_FAILED);
	assert_int_equal(p.side[0].last.reason, WLK_DTLS_REASON_FINGERPRINT);
	assert_false(p.side[0].last.restartable);
}

static void test_of_several_hashes_unknown_ones_are_passed_over(void **state)
{
	wlk_fingerprint list[3];

	(void)state;
	begin(defaults);
	introduce();
	list[0] = (wlk_fingerprint){ "sha-1", "00:11" };
	list[1] = fingerprint_of(&p.side[1], 0);
	list[2] = fingerprint_of(&p.side[1], 2);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(p.side[0].dtls, p.now, list, 3), WLK_OK);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(p.side[0].dtls, p.now, list, 1), WLK_ERR_UNSUPPORTED);
	start();
	assert_int_equal(wlk_dtls_association_state(p.side[0].dtls), WLK_DTLS_STATE_CONNECTED);
	/* A list that the running session does not match is refused, and it goes on. */
	list[1] = fingerprint_of(&p.side[0], 0);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(p.side[0].dtls, p.now, &list[1], 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_state(p.side[0].dtls), WLK_DTLS_STATE_CONNECTED);
}

static void test_profiles_are_chosen_by_the_configuration(void **state)
{
	static const wlk_srtp_profile one[] = { WLK_SRTP_AES128_CM_SHA1_80 };
	wlk_dtls_config config = WLK_DTLS_CONFIG_INIT;
	wlk_srtp_keys keys;

	(void)state;
	config.srtp_profiles = one;
	config.srtp_profile_count = 1;
	connect_both(config);
	assert_int_equal(wlk_dtls_association_export_srtp(p.side[0].dtls, &keys), WLK_OK);
	assert_int_equal(keys.profile, WLK_SRTP_AES128_CM_SHA1_80);
	assert_int_equal(keys.size, 30);
	end(NULL);
	config.no_srtp = true;
	connect_both(config);
	assert_int_equal(wlk_dtls_association_srtp_profile(p.side[0].dtls), WLK_SRTP_NONE);
	assert_int_equal(wlk_dtls_association_export_srtp(p.side[0].dtls, &keys), WLK_ERR_NOT_FOUND);
}

static void test_close_is_heard(void **state)
{
	(void)state;
	connect_both(defaults);
	wlk_dtls_association_close(p.side[0].dtls, p.now);
	wlk_dtls_association_close(p.side[0].dtls, p.now);
	settle();
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_dtls_association_state(p.side[i].dtls), WLK_DTLS_STATE_CLOSED);
	assert_int_equal(p.side[0].last.reason, WLK_DTLS_REASON_LOCAL_CLOSE);
	assert_int_equal(p.side[1].last.reason, WLK_DTLS_REASON_REMOTE_CLOSE);
	assert_int_equal(wlk_dtls_association_deadline(p.side[1].dtls), WLK_TIME_NEVER);
}

/* Nobody answers: after 30 s it is over, and no deadline lies in the past on the way there. */
static void test_R16_silence_ends_a_handshake(void **state)
{
	wlk_bytes lost;

	(void)state;
	begin(defaults);
	assert_int_equal(wlk_dtls_association_start(p.side[0].dtls, p.now, WLK_DTLS_ROLE_CLIENT), WLK_OK);
	while (p.now < 40 * SECOND && wlk_dtls_association_state(p.side[0].dtls) == WLK_DTLS_STATE_CONNECTING) {
		while (wlk_dtls_association_poll_transmit(p.side[0].dtls, p.now, &lost))
			assert_true(lost.size > 0 && lost.size <= 1200);
		assert_true(wlk_dtls_association_deadline(p.side[0].dtls) > p.now);
		p.now = wlk_dtls_association_deadline(p.side[0].dtls);
		wlk_dtls_association_handle_timeout(p.side[0].dtls, p.now);
	}
	while (wlk_dtls_association_poll_event(p.side[0].dtls, &p.side[0].last))
		;
	assert_int_equal(p.side[0].last.state, WLK_DTLS_STATE_FAILED);
	assert_int_equal(p.side[0].last.reason, WLK_DTLS_REASON_TIMEOUT);
	assert_true(p.now <= 32 * SECOND);
}

static void test_noise_changes_nothing(void **state)
{
	uint8_t noise[2100];
	uint32_t random = 3;

	(void)state;
	connect_both(defaults);
	for (size_t n = 0; n < 4200; n++) {
		for (size_t i = 0; i < 40; i++)
			noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		noise[0] = (uint8_t)(20 + n % 8);
		wlk_dtls_association_input(p.side[0].dtls, ++p.now, noise, n % sizeof(noise));
		settle();
	}
	assert_int_equal(p.side[0].records, 0);
	assert_int_equal(wlk_dtls_association_send(p.side[1].dtls, p.now, (const uint8_t *)"still", 5), WLK_OK);
	settle();
	assert_int_equal(p.side[0].records, 1);
}

static void test_a_context_is_shared_and_outlives_its_release(void **state)
{
	wlk_dtls_config config = WLK_DTLS_CONFIG_INIT;

	(void)state;
	assert_int_equal(wlk_dtls_context_create(1, &config.context), WLK_OK);
	begin(config);
	wlk_dtls_context_release(config.context);
	wlk_dtls_context_release(NULL);
	introduce();
	/* One handshake at a time: both sides of one cannot be under way together, and the second waits. */
	assert_int_equal(wlk_dtls_association_start(p.side[1].dtls, p.now, WLK_DTLS_ROLE_SERVER), WLK_OK);
	assert_int_equal(wlk_dtls_association_start(p.side[0].dtls, p.now, WLK_DTLS_ROLE_CLIENT), WLK_OK);
	settle();
	assert_int_equal(wlk_dtls_association_state(p.side[0].dtls), WLK_DTLS_STATE_CONNECTING);
	assert_int_equal(wlk_dtls_association_state(p.side[1].dtls), WLK_DTLS_STATE_CONNECTING);
}

static void test_misuse_is_answered_and_changes_nothing(void **state)
{
	static const wlk_srtp_profile unknown[] = { WLK_SRTP_NONE };
	wlk_dtls_config config = WLK_DTLS_CONFIG_INIT;
	wlk_fingerprint fingerprint, many[17];
	wlk_dtls_association *none = NULL, *a;
	wlk_dtls_stats small = { 8 };
	uint8_t big[WLK_DTLS_DATA_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(wlk_dtls_context_create(0, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_create(NULL, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	begin(defaults);
	a = p.side[0].dtls;
	config.certificate = p.side[0].certificate;
	assert_int_equal(wlk_dtls_association_create(&config, NULL), WLK_ERR_INVALID);
	config.mtu = 255;
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	config.mtu = 0;
	config.srtp_profile_count = 1;
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	config.srtp_profiles = unknown;
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	config.srtp_profile_count = 0;
	config.round_trip_time = -1;
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	config.struct_size--;
	assert_int_equal(wlk_dtls_association_create(&config, &none), WLK_ERR_INVALID);
	assert_null(none);
	wlk_dtls_association_destroy(NULL);

	assert_int_equal(wlk_dtls_association_role(a), WLK_DTLS_ROLE_UNKNOWN);
	assert_int_equal(wlk_dtls_association_start(a, p.now, WLK_DTLS_ROLE_UNKNOWN), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_restart(a, p.now), WLK_ERR_STATE);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, &fingerprint, 0), WLK_ERR_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = fingerprint_of(&p.side[1], 0);
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, many, ARRAY_SIZE(many)), WLK_ERR_INVALID);
	fingerprint = many[0];
	fingerprint.value[3] = 'x';
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, &fingerprint, 1), WLK_ERR_INVALID);
	memset(fingerprint.value, '0', sizeof(fingerprint.value)); /* without an end */
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, &fingerprint, 1), WLK_ERR_INVALID);
	fingerprint = many[0];
	memcpy(fingerprint.algorithm, "sha-512", 8); /* too short for it */
	assert_int_equal(wlk_dtls_association_set_remote_fingerprints(a, p.now, &fingerprint, 1), WLK_ERR_INVALID);
	introduce();
	start();
	assert_int_equal(wlk_dtls_association_start(a, p.now, WLK_DTLS_ROLE_CLIENT), WLK_ERR_STATE);
	assert_int_equal(wlk_dtls_association_send(a, p.now, big, 0), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_send(a, p.now, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_send(a, p.now, big, sizeof(big)), WLK_ERR_TOO_LARGE);
	assert_int_equal(wlk_dtls_association_export_srtp(a, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_get_stats(a, &small), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_get_stats(a, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_dtls_association_send(a, p.now, big, WLK_DTLS_DATA_MAX), WLK_OK);
	settle();
	assert_int_equal(p.side[1].size, WLK_DTLS_DATA_MAX);
}

static void test_memory_that_runs_out(void **state)
{
	wlk_dtls_config config = WLK_DTLS_CONFIG_INIT;
	size_t before = alloc_live_blocks(), n = 1;
	wlk_err err;

	(void)state;
	do {
		wlk_certificate *certificate;

		memset(&p, 0, sizeof(p));
		assert_int_equal(certificate_generate(&certificate, NULL, 1800000000), WLK_OK);
		config.certificate = certificate;
		alloc_fail_after(n);
		err = wlk_dtls_association_create(&config, &p.side[0].dtls);
		if (err)
			assert_null(p.side[0].dtls);
		if (!err)
			(void)wlk_dtls_association_start(p.side[0].dtls, SECOND, WLK_DTLS_ROLE_CLIENT);
		err = alloc_did_fail() ? WLK_ERR_NOMEM : WLK_OK;
		alloc_fail_after(0);
		end(NULL);
		wlk_certificate_release(certificate);
		assert_int_equal(alloc_live_blocks(), before);
	} while (err && n++ < 200);
	assert_true(n > 3 && n < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_handshake_data_and_keys, end),
		cmocka_unit_test_teardown(test_R14_connected_waits_for_the_fingerprint, end),
		cmocka_unit_test_teardown(test_R14_another_certificate_fails, end),
		cmocka_unit_test_teardown(test_of_several_hashes_unknown_ones_are_passed_over, end),
		cmocka_unit_test_teardown(test_profiles_are_chosen_by_the_configuration, end),
		cmocka_unit_test_teardown(test_close_is_heard, end),
		cmocka_unit_test_teardown(test_R16_silence_ends_a_handshake, end),
		cmocka_unit_test_teardown(test_noise_changes_nothing, end),
		cmocka_unit_test_teardown(test_a_context_is_shared_and_outlives_its_release, end),
		cmocka_unit_test_teardown(test_misuse_is_answered_and_changes_nothing, end),
		cmocka_unit_test_teardown(test_memory_that_runs_out, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
