/* What the client says right behind its Finished (RFC 7918), and when it keeps silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/alloc.h"
#include "dtls_pair.h"

static struct dtls_pair p;
static const uint8_t words[] = "first words";

static uint64_t false_starts(enum pair_side side)
{
	return dtls_transport_stats(p.end[side].t)->false_starts;
}

static void test_first_data_arrives_with_finished(void **state)
{
	wlk_time start;

	(void)state;
	pair_init(&p, NULL);
	start = p.now;
	pair_start(&p);
	dtls_transport_set_first_data(p.end[PAIR_CLIENT].t, words, sizeof(words));
	pair_run(&p, start + 3 * p.delay);
	assert_int_equal(p.end[PAIR_SERVER].messages, 1);
	assert_int_equal(p.end[PAIR_SERVER].last_size, sizeof(words));
	assert_memory_equal(p.end[PAIR_SERVER].last, words, sizeof(words));
	assert_int_equal(dtls_transport_state(p.end[PAIR_CLIENT].t), DTLS_STATE_CONNECTING);
	assert_int_equal(p.end[PAIR_CLIENT].sent, 3); /* ClientHello, the second flight, and the words by themselves */
	assert_true(pair_connect(&p, start + SECOND));
	assert_int_equal(p.now - start, 4 * p.delay);
	assert_int_equal(false_starts(PAIR_CLIENT), 1);
	/* The session goes on as if nothing had been. */
	assert_int_equal(dtls_transport_send(p.end[PAIR_CLIENT].t, p.now, words, 5), WLK_OK);
	pair_drain(&p, PAIR_CLIENT);
	pair_run(&p, p.now + 2 * p.delay);
	assert_int_equal(p.end[PAIR_SERVER].messages, 2);
	assert_int_equal(p.end[PAIR_SERVER].last_size, 5);
	pair_free(&p);
}

static void test_words_make_no_flight_too_long(void **state)
{
	static uint8_t much[DTLS_FIRST_DATA_MAX];
	const struct dtls_config config = { .mtu = 640 };

	(void)state;
	memset(much, 7, sizeof(much));
	pair_init(&p, &config);
	p.path_mtu = 640;
	pair_start(&p);
	dtls_transport_set_first_data(p.end[PAIR_CLIENT].t, much, sizeof(much));
	pair_run(&p, p.now + 3 * p.delay);
	assert_int_equal(p.end[PAIR_SERVER].messages, 1);
	assert_int_equal(p.end[PAIR_SERVER].last_size, sizeof(much));
	assert_true(p.end[PAIR_CLIENT].largest <= 640);
	assert_true(pair_connect(&p, p.now + SECOND));
	pair_free(&p);
}

static void test_R14_nothing_is_said_to_another_certificate(void **state)
{
	struct dtls_fingerprint other;

	(void)state;
	pair_init_blind(&p, NULL);
	other = pair_fingerprint(p.end[PAIR_CLIENT].cert);
	assert_int_equal(dtls_transport_set_remote_fingerprints(p.end[PAIR_CLIENT].t, p.now, &other, 1), WLK_OK);
	pair_start(&p);
	dtls_transport_set_first_data(p.end[PAIR_CLIENT].t, words, sizeof(words));
	pair_run(&p, p.now + SECOND);
	assert_int_equal(dtls_transport_state(p.end[PAIR_CLIENT].t), DTLS_STATE_FAILED);
	assert_int_equal(false_starts(PAIR_CLIENT), 0);
	assert_int_equal(p.end[PAIR_SERVER].messages, 0);
	pair_free(&p);
}

static void test_R14_nothing_is_said_before_the_fingerprint_is_known(void **state)
{
	(void)state;
	pair_init_blind(&p, NULL);
	pair_start(&p);
	dtls_transport_set_first_data(p.end[PAIR_CLIENT].t, words, sizeof(words));
	pair_run(&p, p.now + SECOND / 4);
	assert_int_equal(false_starts(PAIR_CLIENT), 0);
	pair_exchange_fingerprints(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[PAIR_SERVER].messages, 0);
	pair_free(&p);
}

static void test_a_server_says_nothing_first(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	dtls_transport_set_first_data(p.end[PAIR_SERVER].t, words, sizeof(words));
	assert_true(pair_connect(&p, p.now + SECOND));
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[PAIR_CLIENT].messages, 0);
	assert_int_equal(false_starts(PAIR_SERVER), 0);
	pair_free(&p);
}

/* Whatever gets lost, the handshake ends well, and what arrives is whole. */
static void test_losses_harm_neither_handshake_nor_words(void **state)
{
	size_t arrived = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		pair_init(&p, NULL);
		p.rng = seed * 0x9e3779b97f4a7c15u;
		p.loss = 0.2;
		p.link = pair_rough_link;
		p.auto_restart = true;
		pair_start(&p);
		dtls_transport_set_first_data(p.end[PAIR_CLIENT].t, words, sizeof(words));
		assert_true(pair_connect(&p, p.now + 30 * SECOND));
		pair_run(&p, p.now + SECOND);
		if (p.end[PAIR_SERVER].messages) {
			arrived++;
			assert_int_equal(p.end[PAIR_SERVER].last_size, sizeof(words));
			assert_memory_equal(p.end[PAIR_SERVER].last, words, sizeof(words));
		}
		pair_free(&p);
	}
	assert_true(arrived > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_data_arrives_with_finished),
		cmocka_unit_test(test_words_make_no_flight_too_long),
		cmocka_unit_test(test_R14_nothing_is_said_to_another_certificate),
		cmocka_unit_test(test_R14_nothing_is_said_before_the_fingerprint_is_known),
		cmocka_unit_test(test_a_server_says_nothing_first),
		cmocka_unit_test(test_losses_harm_neither_handshake_nor_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
