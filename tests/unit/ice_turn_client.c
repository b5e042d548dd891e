/* The TURN client's allocation against the small server of the tests: made, kept, lost (RFC 8656 7, 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "ice/turn_client.h"
#include "tests/support/turn_bench.h"

/* ------------------------------------------------------------------------------------------ allocation */

static void test_allocates_with_one_challenge(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_start(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_ALLOCATE), 2);
	assert_int_equal(b.event_count, 1);
	assert_int_equal(b.events[0].type, TURN_EVENT_ALLOCATED);
	assert_true(addr_ip_equal(&b.events[0].relayed, &b.server.relay_ip));
	assert_int_equal(b.events[0].relayed.port, 50000);
	assert_true(addr_equal(&b.events[0].mapped, &b.from));
	turn_bench_free(&b);
}

static void test_server_without_authentication(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.open = true;
	turn_bench_allocate(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_ALLOCATE), 1);
	turn_bench_permit(&b);
	assert_true(turn_bench_send(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	turn_bench_free(&b);
}

static void test_errors_are_told_with_their_words(void **state)
{
	static const uint16_t codes[] = { 400, 403, 437, 441, 442, 486, 500, 508 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct turn_bench b;

		turn_bench_init(&b);
		b.server.allocate_error = codes[i];
		turn_bench_start(&b);
		assert_int_equal(turn_client_state(b.client), TURN_FAILED);
		assert_int_equal(b.event_count, 1);
		assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
		assert_int_equal(b.events[0].error_code, codes[i]);
		assert_false(b.events[0].was_allocated);
		assert_string_equal(b.reason, "on demand");
		assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
		turn_bench_free(&b);
	}
}

static void test_wrong_password_ends_after_one_try(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init_with(&b, "user", "wrong", false, 4);
	turn_bench_start(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_ALLOCATE), 2);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 401);
	assert_string_equal(b.reason, "Unauthorized");
	turn_bench_free(&b);
}

static void test_silent_server_is_unreachable(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.dead = true;
	turn_bench_start(&b);
	turn_bench_pass(&b, 9 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	turn_bench_pass(&b, 2 * SECOND);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	/* 0, 250, 750 ms, then every 500 ms until 10 s have passed. */
	assert_int_equal(b.sent, 21);
	turn_bench_free(&b);
}

static void test_stream_requests_are_sent_once(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init_with(&b, "user", "secret", true, 4);
	b.server.dead = true;
	turn_bench_start(&b);
	turn_bench_pass(&b, 11 * SECOND);
	assert_int_equal(b.sent, 1);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	turn_bench_free(&b);
}

static void test_lost_answers_are_asked_for_again(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.lose = 3;
	turn_bench_start(&b);
	turn_bench_pass(&b, 2 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_int_equal(turn_server_live(&b.server, b.now), 1);
	turn_bench_free(&b);
}

static void test_redirection(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.allocate_error = 300;
	b.server.alternate = addr_v4(198, 51, 100, 2, 3479);
	turn_bench_start(&b);
	assert_int_equal(b.events[0].type, TURN_EVENT_REDIRECTED);
	assert_true(addr_equal(&b.events[0].alternate, &b.server.alternate));
	assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
	turn_bench_free(&b);
}

static void test_ipv6_relay_or_ipv4_where_there_is_none(void **state)
{
	static const uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct turn_bench b;

	(void)state;
	turn_bench_init_with(&b, "user", "secret", false, 6);
	b.server.relay_ip6 = addr_v6(ip, 0);
	turn_bench_start(&b);
	assert_int_equal(b.events[0].relayed.family, 6);
	turn_bench_free(&b);

	turn_bench_init_with(&b, "user", "secret", false, 6);
	turn_bench_start(&b);
	assert_int_equal(b.events[0].type, TURN_EVENT_ALLOCATED);
	assert_int_equal(b.events[0].relayed.family, 4);
	turn_bench_free(&b);
}

static void test_close_gives_the_allocation_back(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_client_close(b.client);
	turn_client_close(b.client);
	turn_bench_flow(&b);
	assert_int_equal(b.server.released, 1);
	assert_int_equal(turn_server_live(&b.server, b.now), 0);
	assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
	assert_int_equal(b.event_count, 0);
	turn_bench_free(&b);
}

/* -------------------------------------------------------------------------------------------- lifetime */

static void test_refresh_comes_in_time(void **state)
{
	static const struct {
		uint32_t lifetime_s;
		uint32_t at_s;
	} cases[] = { { 600, 540 }, { 3600, 3540 }, { 60, 50 }, { 300, 250 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct turn_bench b;

		turn_bench_init(&b);
		b.server.lifetime_s = cases[i].lifetime_s;
		turn_bench_allocate(&b);
		turn_bench_pass(&b, cases[i].at_s * SECOND - 1);
		assert_int_equal(turn_bench_count(&b, STUN_METHOD_REFRESH), 0);
		turn_bench_pass(&b, 1);
		assert_int_equal(turn_bench_count(&b, STUN_METHOD_REFRESH), 1);
		turn_bench_free(&b);
	}
}

static void test_probe_refreshes_at_once(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_client_probe(b.client, b.now); /* there is nothing to refresh yet */
	turn_bench_allocate(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_REFRESH), 0);
	turn_client_probe(b.client, b.now);
	turn_client_probe(b.client, b.now); /* not again so soon */
	turn_bench_pass(&b, 1);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_REFRESH), 1);
	turn_bench_pass(&b, SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_REFRESH), 1);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	turn_bench_free(&b);
}

static void test_short_lifetime_survives_lost_refreshes(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.lifetime_s = 60;
	b.server.nonce_life_us = 45 * SECOND;
	turn_bench_allocate(&b);
	for (int i = 0; i < 60; i++) {
		b.server.lose_refreshes = 12;
		turn_bench_pass(&b, 60 * SECOND);
		assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
		assert_int_equal(turn_server_live(&b.server, b.now), 1);
	}
	turn_bench_free(&b);
}

static void test_lost_allocation_is_told(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_server_restart(&b.server);
	turn_bench_pass(&b, 541 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_FAILED);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 437);
	assert_true(b.events[0].was_allocated);
	turn_bench_free(&b);

	turn_bench_init(&b);
	turn_bench_allocate(&b);
	b.server.dead = true;
	turn_bench_pass(&b, 601 * SECOND);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	assert_true(b.events[0].was_allocated);
	turn_bench_free(&b);
}

/* A NAT forgets a silent flow in 30 s. */
static void test_silence_is_broken(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	b.sent = 0;
	turn_bench_pass(&b, 100 * SECOND);
	assert_int_equal(b.sent, 5);
	turn_bench_free(&b);
}

/* What does not leave breaks no silence. */
static void test_payloads_that_do_not_leave_keep_no_way_open(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	b.sent = 0;
	for (int i = 0; i < 10; i++) {
		turn_bench_pass(&b, 10 * SECOND);
		assert_false(turn_bench_send(&b, "hello")); /* no permission */
	}
	assert_int_equal(b.sent, 5);
	turn_bench_free(&b);
}

/* -------------------------------------------------------------------------------------- the five verbs */

/* Whatever arrives and whenever: a drain ends, and the deadline lies ahead. */
static void test_random_input_keeps_the_verbs_true(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rand_jitter j = { seed };
		struct turn_bench b;

		rand_use_seed(seed);
		turn_bench_init(&b);
		b.server.nonce_life_us = rand_jitter_below(&j, 2) ? 10 * SECOND : 0;
		b.server.lifetime_s = 30 + rand_jitter_below(&j, 600);
		turn_bench_start(&b);
		for (int i = 0; i < 200; i++) {
			wlk_addr peer = addr_v4(192, 0, 2, (uint8_t)rand_jitter_below(&j, 8), 7000);
			uint8_t noise[60];

			b.event_count = 0;
			switch (rand_jitter_below(&j, 7)) {
			case 0:
				turn_client_permit(b.client, b.now, &peer);
				break;
			case 1:
				turn_client_bind(b.client, b.now, &peer);
				break;
			case 2:
				b.server.lose = rand_jitter_below(&j, 5);
				break;
			case 3:
				if (!rand_jitter_below(&j, 10))
					turn_server_restart(&b.server);
				break;
			case 4:
				for (size_t k = 0; k < sizeof(noise); k++)
					noise[k] = (uint8_t)rand_jitter_below(&j, 256);
				noise[0] &= 0x41;
				turn_bench_take(&b, noise, rand_jitter_below(&j, sizeof(noise)));
				break;
			default:
				turn_bench_pass(&b, (wlk_time)rand_jitter_below(&j, 60000000));
				break;
			}
			turn_bench_flow(&b);
			turn_client_handle_timeout(b.client, b.now);
			turn_bench_flow(&b);
			assert_true(turn_client_deadline(b.client) > b.now);
		}
		turn_bench_free(&b);
		rand_use_system();
	}
}

/* Every allocation fails once: no crash, no leak, and the state is one that can be lived with. */
static void test_failing_memory(void **state)
{
	(void)state;
	for (size_t n = 1; n < 400; n++) {
		size_t before = alloc_live_blocks();
		struct turn_client_config config = { .family = 4, .credentials = turn_bench_credentials("user", "secret") };
		struct turn_client *client = NULL;
		struct turn_bench b;
		wlk_addr peer = TURN_BENCH_PEER;
		bool failed;

		turn_bench_init(&b);
		turn_client_destroy(b.client);
		alloc_fail_after(n);
		b.client = NULL;
		if (turn_client_create(&client, &config) == WLK_OK) {
			b.client = client;
			turn_client_start(client, b.now, 0);
			turn_bench_flow(&b);
			turn_client_permit(client, b.now, &peer);
			turn_client_bind(client, b.now, &peer);
			turn_bench_pass(&b, 30 * SECOND);
			turn_client_close(client);
			turn_bench_flow(&b);
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		turn_credentials_release(config.credentials);
		turn_bench_free(&b);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			return;
	}
	fail_msg("the scenario does not end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocates_with_one_challenge),
		cmocka_unit_test(test_server_without_authentication),
		cmocka_unit_test(test_errors_are_told_with_their_words),
		cmocka_unit_test(test_wrong_password_ends_after_one_try),
		cmocka_unit_test(test_silent_server_is_unreachable),
		cmocka_unit_test(test_stream_requests_are_sent_once),
		cmocka_unit_test(test_lost_answers_are_asked_for_again),
		cmocka_unit_test(test_redirection),
		cmocka_unit_test(test_ipv6_relay_or_ipv4_where_there_is_none),
		cmocka_unit_test(test_close_gives_the_allocation_back),
		cmocka_unit_test(test_refresh_comes_in_time),
		cmocka_unit_test(test_probe_refreshes_at_once),
		cmocka_unit_test(test_short_lifetime_survives_lost_refreshes),
		cmocka_unit_test(test_lost_allocation_is_told),
		cmocka_unit_test(test_silence_is_broken),
		cmocka_unit_test(test_payloads_that_do_not_leave_keep_no_way_open),
		cmocka_unit_test(test_random_input_keeps_the_verbs_true),
		cmocka_unit_test(test_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
