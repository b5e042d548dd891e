/* How the TURN client proves who it is: long-term credentials of RFC 8489 9.2, nonces, passwords that change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "ice/turn_client.h"
#include "tests/support/turn_bench.h"

static void test_sha256_and_userhash_where_offered(void **state)
{
	struct turn_bench b;

	(void)state;
	for (int i = 0; i < 4; i++) {
		turn_bench_init(&b);
		b.server.sha256 = i & 1;
		b.server.anonymous = i & 2;
		turn_bench_allocate(&b);
		turn_bench_permit(&b);
		assert_true(turn_bench_send(&b, "hello"));
		turn_bench_pass(&b, 600 * SECOND);
		assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
		turn_bench_free(&b);
	}
}

/* RFC 8489 9.2.5: the nonce says that there were algorithms, somebody has taken them away. */
static void test_bid_down_is_refused(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.sha256 = b.server.bid_down = true;
	turn_bench_start(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_ALLOCATE), 1);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 401);
	turn_bench_free(&b);
}

static void test_R11_at_most_three_rounds_of_authentication(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.nonce_loop = true;
	turn_bench_start(&b);
	turn_bench_pass(&b, 60 * SECOND);
	/* The first one, and three that were signed. */
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_ALLOCATE), 4);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 438);
	turn_bench_free(&b);
}

static void test_R11_a_nonce_loop_does_not_end_a_living_allocation(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	b.server.nonce_loop = true;
	turn_bench_pass(&b, 590 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(turn_bench_count(&b, STUN_METHOD_REFRESH) + turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION) <= 1 + 2 * 4);
	turn_bench_pass(&b, 20 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_FAILED);
	assert_int_equal(b.events[b.event_count - 1].error_code, 438);
	assert_true(b.events[b.event_count - 1].was_allocated);
	turn_bench_free(&b);
}

static void test_answers_without_integrity_are_dropped(void **state)
{
	struct turn_client_stats stats;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.unsigned_answers = true;
	turn_bench_start(&b);
	turn_bench_pass(&b, SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	turn_client_get_stats(b.client, &stats);
	assert_true(stats.bad_integrity >= 2);
	turn_bench_pass(&b, 10 * SECOND);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	turn_bench_free(&b);
}

static void test_unsigned_error_is_told_only_when_nothing_better_comes(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.unsigned_answers = true;
	b.server.allocate_error = 486;
	turn_bench_start(&b);
	assert_int_equal(b.event_count, 0);
	turn_bench_pass(&b, 11 * SECOND);
	assert_int_equal(b.events[0].error_code, 486);
	turn_bench_free(&b);
}

static void test_stale_nonces_cost_a_round_trip_each(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.nonce_life_us = 30 * SECOND;
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	turn_bench_pass(&b, 3600 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(turn_bench_send(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	turn_bench_free(&b);
}

static void test_replaced_password_is_used_at_once_after_a_refusal(void **state)
{
	struct turn_credentials *fresh = turn_bench_credentials("user", "fresh");
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	b.server.users[0].password = "fresh";
	turn_bench_pass(&b, 300 * SECOND); /* the permission was to be renewed */
	assert_false(turn_bench_send(&b, "hello"));
	turn_client_set_credentials(b.client, b.now, fresh);
	turn_bench_flow(&b);
	assert_true(turn_bench_send(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	turn_bench_pass(&b, 1200 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_int_equal(turn_server_live(&b.server, b.now), 1);
	turn_credentials_release(fresh);
	turn_bench_free(&b);
}

/* RFC 8656 5: the allocation stays with the username that made it; REST credentials have another one each time. */
static void test_replaced_username_falls_back_for_the_old_allocation(void **state)
{
	struct turn_credentials *fresh = turn_bench_credentials("1700000000:user", "other");
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.users[1] = (struct turn_server_user){ "1700000000:user", "other" };
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	turn_client_set_credentials(b.client, b.now, fresh);
	turn_bench_pass(&b, 3600 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(turn_bench_send(&b, "hello"));
	turn_credentials_release(fresh);
	turn_bench_free(&b);
}

static void test_credentials_arguments(void **state)
{
	struct turn_credentials *c = NULL;
	char longest[510];

	(void)state;
	memset(longest, 'u', sizeof(longest));
	assert_int_equal(turn_credentials_create(&c, STR(""), STR("x")), WLK_ERR_INVALID);
	assert_int_equal(turn_credentials_create(&c, STR("x"), STR("")), WLK_ERR_INVALID);
	assert_int_equal(turn_credentials_create(&c, (struct str){ longest, 509 }, STR("x")), WLK_ERR_INVALID);
	assert_null(c);
	assert_int_equal(turn_credentials_create(&c, (struct str){ longest, 508 }, STR("x")), WLK_OK);
	turn_credentials_release(c);
	turn_credentials_release(NULL);
	turn_client_destroy(NULL);
}

/* The Allocate request cannot be written again after 441: that is the end, not a wait for ever. */
static void test_no_memory_to_fall_back(void **state)
{
	(void)state;
	for (size_t n = 1; n < 40; n++) {
		struct turn_credentials *fresh = turn_bench_credentials("other", "secret");
		struct turn_bench b;
		bool failed;

		turn_bench_init(&b);
		b.server.users[1] = (struct turn_server_user){ "other", "secret" };
		b.server.allocate_error = 441;
		turn_client_start(b.client, b.now, 0);
		turn_client_set_credentials(b.client, b.now, fresh);
		alloc_fail_after(n);
		turn_bench_pass(&b, 12 * SECOND);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(turn_client_state(b.client), TURN_FAILED);
		turn_credentials_release(fresh);
		turn_bench_free(&b);
		if (!failed)
			return;
	}
	fail_msg("the scenario does not end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_and_userhash_where_offered),
		cmocka_unit_test(test_bid_down_is_refused),
		cmocka_unit_test(test_R11_at_most_three_rounds_of_authentication),
		cmocka_unit_test(test_R11_a_nonce_loop_does_not_end_a_living_allocation),
		cmocka_unit_test(test_answers_without_integrity_are_dropped),
		cmocka_unit_test(test_unsigned_error_is_told_only_when_nothing_better_comes),
		cmocka_unit_test(test_stale_nonces_cost_a_round_trip_each),
		cmocka_unit_test(test_replaced_password_is_used_at_once_after_a_refusal),
		cmocka_unit_test(test_replaced_username_falls_back_for_the_old_allocation),
		cmocka_unit_test(test_credentials_arguments),
		cmocka_unit_test(test_no_memory_to_fall_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
