/* Handshake, session, timers and state of dtls/transport in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "dtls_pair.h"

static struct dtls_pair p;

static const struct dtls_event *last_event(enum pair_side side)
{
	assert_true(p.end[side].event_count > 0);
	return &p.end[side].events[p.end[side].event_count - 1];
}

static void test_handshake_connects_in_two_round_trips(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	wlk_time start = p.now;

	pair_start(&p);
	assert_true(pair_connect(&p, start + SECOND));
	/* ClientHello, server's flight, client's Finished, server's Finished: four one-way trips */
	assert_int_equal(p.now - start, 4 * p.delay);
	for (int i = 0; i < 2; i++) {
		const struct dtls_transport *t = p.end[i].t;

		assert_int_equal(p.end[i].event_count, 2);
		assert_int_equal(p.end[i].events[0].state, DTLS_STATE_CONNECTING);
		assert_int_equal(p.end[i].events[1].state, DTLS_STATE_CONNECTED);
		assert_int_equal(dtls_transport_version(t), 0xfefd);
		assert_int_equal(dtls_transport_cipher(t), 0xc02b);
		assert_string_equal(dtls_transport_cipher_name(t), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
		assert_int_equal(dtls_transport_srtp_profile(t), DTLS_SRTP_AEAD_AES_128_GCM);
		assert_int_equal(dtls_transport_mtu(t), 1200);
		assert_int_equal(dtls_transport_deadline(t), WLK_TIME_NEVER);
		assert_int_equal(dtls_transport_stats(t)->retransmissions, 0);
		assert_int_equal(dtls_context_half_open(p.end[i].context), 0);
	}
	assert_int_equal(dtls_transport_role(p.end[0].t), DTLS_ROLE_CLIENT);
	assert_int_equal(dtls_transport_role(p.end[1].t), DTLS_ROLE_SERVER);
	wlk_bytes seen = dtls_transport_remote_cert(p.end[0].t);
	wlk_bytes real = dtls_cert_der(p.end[1].cert);
	assert_int_equal(seen.size, real.size);
	assert_memory_equal(seen.data, real.data, real.size);
	pair_free(&p);
}

static void test_application_data_flows_both_ways_record_by_record(void **state)
{
	uint8_t data[DTLS_DATA_MAX + 1];

	(void)state;
	memset(data, 0x5a, sizeof(data));
	pair_init(&p, NULL);
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, data, 10), WLK_ERR_STATE);
	pair_start(&p);
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, data, 10), WLK_ERR_STATE);
	assert_true(pair_connect(&p, p.now + SECOND));
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, data, 0), WLK_ERR_INVALID);
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, data, sizeof(data)), WLK_ERR_TOO_LARGE);
	for (size_t size = 1; size <= DTLS_DATA_MAX; size += 37) {
		for (int side = 0; side < 2; side++) {
			size_t before = p.end[!side].messages;

			data[0] = (uint8_t)size;
			assert_int_equal(dtls_transport_send(p.end[side].t, p.now, data, size), WLK_OK);
			pair_drain(&p, (enum pair_side)side);
			pair_run(&p, p.now + 2 * p.delay);
			assert_int_equal(p.end[!side].messages, before + 1);
			assert_int_equal(p.end[!side].last_size, size);
			assert_memory_equal(p.end[!side].last, data, size);
		}
	}
	/* an AES-GCM record costs exactly the overhead that SCTP's MTU is computed from */
	struct pktbuf *buf;
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, data, 1000), WLK_OK);
	assert_true(dtls_transport_poll_transmit(p.end[0].t, p.now, &buf));
	assert_int_equal(buf->size, 1000 + DTLS_OVERHEAD);
	pktbuf_release(buf);
	pair_free(&p);
}

static void test_several_records_in_one_datagram_and_undrained_data_are_kept_in_order(void **state)
{
	uint8_t joined[PKTBUF_PAYLOAD];
	size_t size = 0;
	struct pktbuf *buf;
	wlk_bytes got;
	uint8_t expect = 0;

	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	for (int datagram = 0; datagram < 5; datagram++) {
		size = 0;
		for (int i = 0; i < 3; i++) {
			uint8_t byte = (uint8_t)(datagram * 3 + i);

			assert_int_equal(dtls_transport_send(p.end[0].t, p.now, &byte, 1), WLK_OK);
			assert_true(dtls_transport_poll_transmit(p.end[0].t, p.now, &buf));
			memcpy(joined + size, buf->data, buf->size);
			size += buf->size;
			pktbuf_release(buf);
		}
		dtls_transport_input(p.end[1].t, p.now, joined, size); /* not drained in between */
	}
	while (dtls_transport_poll_data(p.end[1].t, p.now, &got)) {
		assert_int_equal(got.size, 1);
		assert_int_equal(got.data[0], expect);
		expect++;
	}
	assert_int_equal(expect, 15);
	/* replayed records are dropped by OpenSSL's window */
	dtls_transport_input(p.end[1].t, p.now, joined, size);
	assert_false(dtls_transport_poll_data(p.end[1].t, p.now, &got));
	pair_free(&p);
}

static void test_send_answers_again_when_nobody_drains(void **state)
{
	uint8_t byte = 1;
	int sent = 0;
	struct pktbuf *buf;

	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	while (dtls_transport_send(p.end[0].t, p.now, &byte, 1) == WLK_OK)
		sent++;
	assert_int_equal(sent, 1024);
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, &byte, 1), WLK_ERR_AGAIN);
	assert_true(dtls_transport_poll_transmit(p.end[0].t, p.now, &buf));
	pktbuf_release(buf);
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, &byte, 1), WLK_OK);
	pair_free(&p);
}

static void test_handshake_over_rough_links_always_connects(void **state)
{
	static const double losses[] = { 0.01, 0.05, 0.1, 0.2, 0.3 };
	wlk_time worst = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		for (uint64_t seed = 1; seed <= 40; seed++) {
			pair_init(&p, &(struct dtls_config){ .rtt_us = 40 * MILLISECOND });
			p.rng = seed * 7919 + i;
			p.loss = losses[i];
			p.delay = 20 * MILLISECOND;
			p.link = pair_rough_link;
			wlk_time start = p.now;

			pair_start(&p);
			if (!pair_connect(&p, start + 30 * SECOND))
				fail_msg("no connection: loss %.2f seed %llu", losses[i], (unsigned long long)seed);
			worst = MAX(worst, p.now - start);
			pair_free(&p);
		}
	}
	print_message("slowest handshake at up to 30 %% loss: %lld ms\n", (long long)(worst / 1000));
	assert_true(worst < 12 * SECOND);
}

/* Everything the server sends is lost. */
static unsigned int mute_server(struct dtls_pair *pair, enum pair_side to, const uint8_t *data, size_t size,
				wlk_time *d)
{
	(void)pair;
	(void)data;
	(void)size;
	(void)d;
	return to == PAIR_SERVER;
}

static void test_retransmission_starts_at_twice_the_rtt_doubles_and_is_capped(void **state)
{
	static const struct {
		wlk_time rtt, first;
	} starts[] = { { 0, 400 }, { 1, 50 }, { 25000, 50 }, { 60000, 120 }, { 200000, 400 }, { 900000, 400 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		pair_init(&p, &(struct dtls_config){ .rtt_us = starts[i].rtt });
		p.link = mute_server;
		pair_start(&p);
		wlk_time interval = starts[i].first * MILLISECOND;
		wlk_time last = p.now;
		size_t sent = 1;

		while (dtls_transport_state(p.end[0].t) == DTLS_STATE_CONNECTING) {
			wlk_time deadline = dtls_transport_deadline(p.end[0].t);

			assert_int_equal(deadline - last, MIN(interval, 1000000 + 30 * SECOND - last));
			dtls_transport_handle_timeout(p.end[0].t, deadline - 1);
			p.now = deadline;
			dtls_transport_handle_timeout(p.end[0].t, deadline);
			pair_drain(&p, PAIR_CLIENT);
			if (dtls_transport_state(p.end[0].t) == DTLS_STATE_CONNECTING)
				assert_int_equal(p.end[0].sent, ++sent);
			last = deadline;
			interval = MIN(2 * interval, 3 * SECOND);
		}
		assert_int_equal(last_event(PAIR_CLIENT)->reason, DTLS_REASON_TIMEOUT);
		assert_false(last_event(PAIR_CLIENT)->restartable);
		assert_true(p.now - 1000000 > 20 * SECOND && p.now - 1000000 <= 30 * SECOND);
		pair_free(&p);
	}
}

static void test_R16_server_without_a_client_gives_up_after_30_seconds(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	assert_int_equal(dtls_transport_start(p.end[1].t, p.now, DTLS_ROLE_SERVER), WLK_OK);
	assert_int_equal(dtls_transport_deadline(p.end[1].t), p.now + 30 * SECOND);
	dtls_transport_handle_timeout(p.end[1].t, p.now + 30 * SECOND - 1);
	assert_int_equal(dtls_transport_state(p.end[1].t), DTLS_STATE_CONNECTING);
	p.now += 30 * SECOND;
	dtls_transport_handle_timeout(p.end[1].t, p.now);
	assert_int_equal(dtls_transport_state(p.end[1].t), DTLS_STATE_FAILED);
	assert_int_equal(dtls_context_half_open(p.end[1].context), 0);
	assert_int_equal(dtls_transport_restart(p.end[1].t, p.now), WLK_ERR_STATE);
	pair_free(&p);
}

static void test_R16_half_open_cap_delays_and_then_lets_through(void **state)
{
	struct dtls_context *context;
	struct dtls_transport *t[3];
	struct pktbuf *buf;

	(void)state;
	pair_init(&p, NULL);
	assert_int_equal(dtls_context_create(&context, &(struct dtls_context_config){ .half_open_max = 2 }), WLK_OK);
	for (int i = 0; i < 3; i++) {
		struct dtls_config config = { .context = context, .cert = p.end[0].cert };

		assert_int_equal(dtls_transport_create(&t[i], &config), WLK_OK);
		assert_int_equal(dtls_transport_start(t[i], p.now, DTLS_ROLE_CLIENT), WLK_OK);
		assert_int_equal(dtls_transport_state(t[i]), DTLS_STATE_CONNECTING);
	}
	assert_int_equal(dtls_context_half_open(context), 2);
	assert_false(dtls_transport_poll_transmit(t[2], p.now, &buf));
	assert_int_equal(dtls_transport_deadline(t[2]), p.now + 200 * MILLISECOND);
	p.now += 200 * MILLISECOND;
	dtls_transport_handle_timeout(t[2], p.now);
	assert_int_equal(dtls_transport_deadline(t[2]), p.now + 200 * MILLISECOND);
	dtls_transport_close(t[0], p.now);
	assert_int_equal(dtls_context_half_open(context), 1);
	p.now += 200 * MILLISECOND;
	dtls_transport_handle_timeout(t[2], p.now);
	assert_int_equal(dtls_context_half_open(context), 2);
	assert_true(dtls_transport_poll_transmit(t[2], p.now, &buf));
	pktbuf_release(buf);
	for (int i = 0; i < 3; i++)
		dtls_transport_destroy(t[i]);
	assert_int_equal(dtls_context_half_open(context), 0);
	dtls_context_destroy(context);
	pair_free(&p);
}

static void test_path_of_600_bytes_connects(void **state)
{
	(void)state;
	pair_init(&p, &(struct dtls_config){ .rtt_us = 20 * MILLISECOND });
	p.path_mtu = 600;
	wlk_time start = p.now;

	pair_start(&p);
	assert_true(pair_connect(&p, start + 10 * SECOND));
	assert_true(p.now - start < SECOND);
	assert_true(p.end[1].largest > 600); /* the hole did swallow something */
	pair_free(&p);
}

static void test_small_configured_mtu_is_kept(void **state)
{
	(void)state;
	pair_init(&p, &(struct dtls_config){ .mtu = 300 });
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	assert_true(p.end[0].largest <= 300);
	assert_true(p.end[1].largest <= 300);
	pair_free(&p);
}

static void test_flights_fill_the_mtu_and_are_separate_datagrams(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	assert_true(p.end[0].largest <= 1200 && p.end[0].largest > 256);
	assert_true(p.end[1].largest <= 1200 && p.end[1].largest > 256);
	assert_true(p.end[0].sent + p.end[1].sent <= 6);
	pair_free(&p);
}

static void test_R14_nothing_is_delivered_until_the_fingerprint_is_known(void **state)
{
	struct dtls_srtp_export keys;
	uint8_t byte = 7;
	struct dtls_fingerprint server, client;

	(void)state;
	pair_init_blind(&p,
			&(struct dtls_config){ .srtp_profiles = dtls_srtp_profiles_default, .srtp_profile_count = 3 });
	server = pair_fingerprint(p.end[1].cert);
	client = pair_fingerprint(p.end[0].cert);
	/* the client knows the server, the server does not know the client yet */
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[0].t, p.now, &server, 1), WLK_OK);
	pair_start(&p);
	pair_run(&p, p.now + SECOND);
	assert_int_equal(dtls_transport_state(p.end[0].t), DTLS_STATE_CONNECTED);
	assert_int_equal(dtls_transport_state(p.end[1].t), DTLS_STATE_CONNECTING);
	assert_int_equal(dtls_transport_export_srtp(p.end[1].t, &keys), WLK_ERR_STATE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(dtls_transport_send(p.end[0].t, p.now, &byte, 1), WLK_OK);
		pair_drain(&p, PAIR_CLIENT);
	}
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[1].messages, 0);
	assert_int_equal(dtls_transport_send(p.end[1].t, p.now, &byte, 1), WLK_ERR_STATE);
	/* the description arrives: what was held is delivered */
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, &client, 1), WLK_OK);
	pair_drain(&p, PAIR_SERVER);
	assert_int_equal(dtls_transport_state(p.end[1].t), DTLS_STATE_CONNECTED);
	assert_int_equal(p.end[1].messages, 3);
	assert_int_equal(dtls_transport_export_srtp(p.end[1].t, &keys), WLK_OK);
	pair_free(&p);
}

static void test_R14_wrong_fingerprint_fails_and_delivers_nothing(void **state)
{
	struct dtls_srtp_export keys;
	struct dtls_fingerprint wrong;
	uint8_t byte = 7;

	(void)state;
	pair_init(&p, NULL);
	wrong = pair_fingerprint(p.end[0].cert);
	wrong.digest[31] ^= 1;
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, &wrong, 1), WLK_OK);
	wlk_time start = p.now;
	pair_start(&p);
	while (dtls_transport_state(p.end[1].t) == DTLS_STATE_CONNECTING && pair_step(&p, start + 30 * SECOND))
		;
	assert_true(p.now - start < SECOND);
	assert_int_equal(last_event(PAIR_SERVER)->state, DTLS_STATE_FAILED);
	assert_int_equal(last_event(PAIR_SERVER)->reason, DTLS_REASON_FINGERPRINT);
	assert_false(last_event(PAIR_SERVER)->restartable);
	assert_int_equal(dtls_transport_restart(p.end[1].t, p.now), WLK_ERR_STATE);
	assert_int_equal(dtls_transport_export_srtp(p.end[1].t, &keys), WLK_ERR_STATE);
	pair_run(&p, p.now + SECOND);
	(void)dtls_transport_send(p.end[0].t, p.now, &byte, 1);
	pair_drain(&p, PAIR_CLIENT);
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[1].messages, 0);
	/* the honest side learns of it */
	assert_int_equal(dtls_transport_state(p.end[0].t), DTLS_STATE_CLOSED);
	pair_free(&p);
}

static void test_R14_any_line_of_the_strongest_hash_counts(void **state)
{
	(void)state;
	for (int which = 0; which < 4; which++) {
		struct dtls_fingerprint list[3] = { 0 };
		bool good = which != 2;

		pair_init(&p, NULL);
		for (size_t i = 0; i < 3; i++) {
			list[i].hash = i == 0 ? DTLS_HASH_SHA256 : DTLS_HASH_SHA512;
			assert_int_equal(
				dtls_cert_fingerprint(p.end[0].cert, list[i].hash, list[i].digest, &list[i].size),
				WLK_OK);
		}
		if (which == 0)
			list[0].digest[0] ^= 1; /* weaker line wrong: does not matter */
		if (which == 1)
			list[1].digest[0] ^= 1; /* one of two strong lines wrong */
		if (which == 2) {
			list[1].digest[63] ^= 1; /* both strong ones wrong, the weak one right */
			list[2].digest[0] ^= 1;
		}
		if (which == 3)
			list[2].digest[5] ^= 1;
		assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 3), WLK_OK);
		pair_start(&p);
		pair_run(&p, p.now + 2 * SECOND);
		assert_int_equal(dtls_transport_state(p.end[1].t), good ? DTLS_STATE_CONNECTED : DTLS_STATE_FAILED);
		pair_free(&p);
	}
}

static void test_fingerprint_lists_are_checked(void **state)
{
	struct dtls_fingerprint list[DTLS_FINGERPRINTS_MAX + 1];

	(void)state;
	pair_init(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = pair_fingerprint(p.end[0].cert);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 0), WLK_ERR_INVALID);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, ARRAY_SIZE(list)),
			 WLK_ERR_INVALID);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, DTLS_FINGERPRINTS_MAX),
			 WLK_OK);
	list[0].size = 31;
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 1), WLK_ERR_INVALID);
	list[0].size = 32;
	list[0].hash = DTLS_HASH_SHA384;
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 1), WLK_ERR_INVALID);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	/* R35: a later description cannot exchange the peer */
	list[0] = pair_fingerprint(p.end[1].cert);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 1), WLK_ERR_INVALID);
	list[0] = pair_fingerprint(p.end[0].cert);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[1].t, p.now, list, 1), WLK_OK);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

static void test_close_notify_closes_the_other_side(void **state)
{
	uint8_t byte = 1;

	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	dtls_transport_close(p.end[0].t, p.now);
	dtls_transport_close(p.end[0].t, p.now);
	pair_drain(&p, PAIR_CLIENT);
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[0].event_count, 3);
	assert_int_equal(last_event(PAIR_CLIENT)->state, DTLS_STATE_CLOSED);
	assert_int_equal(last_event(PAIR_CLIENT)->reason, DTLS_REASON_LOCAL_CLOSE);
	assert_int_equal(last_event(PAIR_SERVER)->state, DTLS_STATE_CLOSED);
	assert_int_equal(last_event(PAIR_SERVER)->reason, DTLS_REASON_REMOTE_CLOSE);
	assert_int_equal(dtls_transport_send(p.end[1].t, p.now, &byte, 1), WLK_ERR_STATE);
	assert_int_equal(dtls_transport_start(p.end[1].t, p.now, DTLS_ROLE_CLIENT), WLK_ERR_STATE);
	pair_free(&p);
}

static void test_R17_a_role_is_taken_once(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_int_equal(dtls_transport_start(p.end[0].t, p.now, DTLS_ROLE_SERVER), WLK_ERR_STATE);
	assert_int_equal(dtls_transport_role(p.end[0].t), DTLS_ROLE_CLIENT);
	assert_int_equal(dtls_transport_restart(p.end[0].t, p.now), WLK_ERR_STATE);
	pair_free(&p);
}

static void test_datagrams_before_start_and_oversized_ones_are_dropped(void **state)
{
	static uint8_t big[PKTBUF_PAYLOAD + 1];
	struct pktbuf *buf;

	(void)state;
	big[0] = 22;
	pair_init(&p, NULL);
	dtls_transport_input(p.end[1].t, p.now, big, 100);
	assert_int_equal(dtls_transport_stats(p.end[1].t)->datagrams_dropped, 1);
	pair_start(&p);
	dtls_transport_input(p.end[1].t, p.now, big, sizeof(big));
	dtls_transport_input(p.end[1].t, p.now, big, 0);
	assert_int_equal(dtls_transport_stats(p.end[1].t)->datagrams_dropped, 3);
	assert_false(dtls_transport_poll_transmit(p.end[1].t, p.now, &buf));
	assert_true(pair_connect(&p, p.now + SECOND));
	pair_free(&p);
}

static void test_srtp_keys_agree_and_the_servers_order_decides(void **state)
{
	static const enum dtls_srtp_profile cm[] = { DTLS_SRTP_AES128_CM_SHA1_80 };
	static const enum dtls_srtp_profile cm_first[] = { DTLS_SRTP_AES128_CM_SHA1_80, DTLS_SRTP_AEAD_AES_128_GCM };
	static const enum dtls_srtp_profile gcm256[] = { DTLS_SRTP_AEAD_AES_256_GCM };
	static const struct {
		const enum dtls_srtp_profile *list;
		size_t count;
		enum dtls_srtp_profile expect;
		size_t block;
	} clients[] = {
		{ dtls_srtp_profiles_default, 3, DTLS_SRTP_AEAD_AES_128_GCM, 56 },
		{ cm, 1, DTLS_SRTP_AES128_CM_SHA1_80, 60 },
		{ cm_first, 2, DTLS_SRTP_AEAD_AES_128_GCM, 56 },
		{ gcm256, 1, DTLS_SRTP_AEAD_AES_256_GCM, 88 },
		{ NULL, 0, DTLS_SRTP_NONE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		struct dtls_srtp_export a = { 0 };
		struct dtls_srtp_export b = { 0 };

		pair_init(&p, NULL);
		struct dtls_config config = { .context = p.end[0].context,
					      .cert = p.end[0].cert,
					      .srtp_profiles = clients[i].list,
					      .srtp_profile_count = clients[i].count };
		dtls_transport_destroy(p.end[0].t);
		assert_int_equal(dtls_transport_create(&p.end[0].t, &config), WLK_OK);
		pair_exchange_fingerprints(&p);
		pair_start(&p);
		assert_true(pair_connect(&p, p.now + SECOND));
		assert_int_equal(dtls_transport_srtp_profile(p.end[0].t), clients[i].expect);
		assert_int_equal(dtls_transport_srtp_profile(p.end[1].t), clients[i].expect);
		if (clients[i].expect == DTLS_SRTP_NONE) {
			assert_int_equal(dtls_transport_export_srtp(p.end[0].t, &a), WLK_ERR_NOT_FOUND);
		} else {
			assert_int_equal(dtls_transport_export_srtp(p.end[0].t, &a), WLK_OK);
			assert_int_equal(dtls_transport_export_srtp(p.end[1].t, &b), WLK_OK);
			assert_int_equal(a.size, clients[i].block);
			assert_int_equal(b.size, a.size);
			assert_memory_equal(a.block, b.block, a.size);
			assert_true(a.is_client);
			assert_false(b.is_client);
		}
		pair_free(&p);
	}
}

static void test_config_is_checked(void **state)
{
	static const enum dtls_srtp_profile bad[] = { (enum dtls_srtp_profile)2 };
	static const enum dtls_srtp_profile many[] = { 1, 7, 8, 1, 7, 8 };
	struct dtls_transport *t = NULL;

	(void)state;
	pair_init(&p, NULL);
	struct dtls_config good = { .context = p.end[0].context, .cert = p.end[0].cert };
	struct dtls_config c = good;
	c.context = NULL;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	c = good;
	c.cert = NULL;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	c = good;
	c.mtu = 255;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	c.mtu = 2049;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	c = good;
	c.srtp_profiles = bad;
	c.srtp_profile_count = 1;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	c.srtp_profiles = many;
	c.srtp_profile_count = 6;
	assert_int_equal(dtls_transport_create(&t, &c), WLK_ERR_INVALID);
	assert_null(t);
	dtls_transport_destroy(NULL);
	dtls_context_destroy(NULL);
	pair_free(&p);
}

static void on_keylog(const char *line, void *user)
{
	if (strncmp(line, "CLIENT_RANDOM ", 14) == 0)
		(*(int *)user)++;
}

static void test_keylog_lines_come_when_asked_for(void **state)
{
	int lines = 0;
	struct dtls_context *context;

	(void)state;
	pair_init(&p, NULL);
	assert_int_equal(
		dtls_context_create(&context, &(struct dtls_context_config){ .keylog = on_keylog, .user = &lines }),
		WLK_OK);
	dtls_transport_destroy(p.end[1].t);
	assert_int_equal(
		dtls_transport_create(&p.end[1].t, &(struct dtls_config){ .context = context, .cert = p.end[1].cert }),
		WLK_OK);
	pair_exchange_fingerprints(&p);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	assert_true(lines >= 1);
	dtls_transport_destroy(p.end[1].t);
	p.end[1].t = NULL;
	dtls_context_destroy(context);
	pair_free(&p);
}

static void test_our_own_allocation_failures_are_errors(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	for (size_t n = 1;; n++) {
		struct dtls_transport *t = NULL;
		struct dtls_context *context = NULL;
		struct dtls_cert *cert = NULL;
		size_t before = alloc_live_blocks();

		alloc_fail_after(n);
		wlk_err err = dtls_cert_generate(&cert, 1800000000);
		if (!err)
			err = dtls_context_create(&context, NULL);
		if (!err)
			err = dtls_transport_create(&t, &(struct dtls_config){ .context = context, .cert = cert });
		bool failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		dtls_transport_destroy(t);
		dtls_context_destroy(context);
		dtls_cert_release(cert);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	pair_free(&p);
}

static void test_handshake_survives_each_failing_allocation_of_ours(void **state)
{
	(void)state;
	for (size_t n = 1; n < 200; n++) {
		pair_init(&p, NULL);
		p.auto_restart = true;
		alloc_fail_after(n);
		pair_start(&p);
		(void)pair_connect(&p, p.now + 30 * SECOND);
		bool failed = alloc_did_fail();
		alloc_fail_after(0);
		/* a lost datagram is sent again; only the copy of the certificate may end the handshake */
		for (int i = 0; i < 2; i++)
			assert_true(pair_connected(&p) || last_event(PAIR_CLIENT)->state == DTLS_STATE_FAILED ||
				    last_event(PAIR_SERVER)->state == DTLS_STATE_FAILED);
		pair_free(&p);
		if (!failed)
			return;
	}
	fail_msg("the handshake allocates without end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_connects_in_two_round_trips),
		cmocka_unit_test(test_application_data_flows_both_ways_record_by_record),
		cmocka_unit_test(test_several_records_in_one_datagram_and_undrained_data_are_kept_in_order),
		cmocka_unit_test(test_send_answers_again_when_nobody_drains),
		cmocka_unit_test(test_handshake_over_rough_links_always_connects),
		cmocka_unit_test(test_retransmission_starts_at_twice_the_rtt_doubles_and_is_capped),
		cmocka_unit_test(test_R16_server_without_a_client_gives_up_after_30_seconds),
		cmocka_unit_test(test_R16_half_open_cap_delays_and_then_lets_through),
		cmocka_unit_test(test_path_of_600_bytes_connects),
		cmocka_unit_test(test_small_configured_mtu_is_kept),
		cmocka_unit_test(test_flights_fill_the_mtu_and_are_separate_datagrams),
		cmocka_unit_test(test_R14_nothing_is_delivered_until_the_fingerprint_is_known),
		cmocka_unit_test(test_R14_wrong_fingerprint_fails_and_delivers_nothing),
		cmocka_unit_test(test_R14_any_line_of_the_strongest_hash_counts),
		cmocka_unit_test(test_fingerprint_lists_are_checked),
		cmocka_unit_test(test_close_notify_closes_the_other_side),
		cmocka_unit_test(test_R17_a_role_is_taken_once),
		cmocka_unit_test(test_datagrams_before_start_and_oversized_ones_are_dropped),
		cmocka_unit_test(test_srtp_keys_agree_and_the_servers_order_decides),
		cmocka_unit_test(test_config_is_checked),
		cmocka_unit_test(test_keylog_lines_come_when_asked_for),
		cmocka_unit_test(test_our_own_allocation_failures_are_errors),
		cmocka_unit_test(test_handshake_survives_each_failing_allocation_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
