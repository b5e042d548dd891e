/* agent_relay: what TURN servers answer: errors, redirections, silence, and how many allocations they are asked for. */
#include "ice_relay_support.h"

/* ------------------------------------------------------------------------------------------------ servers */

static void test_errors_carry_code_text_and_url(void **state)
{
	static const char *const bad_name[] = { "turn:bad.example", NULL };
	static const char *const tls[] = { "turns:198.51.100.1", NULL };
	static const char *const stun[] = { "stun:198.51.100.9", NULL };
	struct turn_world w;

	(void)state;
	init(&w, 10, &relay_only, one);
	w.servers[0].allocate_error = 486;
	turn_world_connect(&w);
	turn_world_pass(&w, SECOND);
	assert_int_equal(only_error(&w, 0)->code, 486);
	assert_string_equal(only_error(&w, 0)->text, "on demand");
	assert_string_equal(only_error(&w, 0)->url, "turn:198.51.100.1");
	assert_true(addr_ip_equal(&only_error(&w, 0)->local, &w.side[0].ip));
	assert_true(w.side[0].complete);
	turn_world_free(&w);

	init(&w, 11, &relay_only, bad_name);
	turn_world_connect(&w);
	turn_world_pass(&w, SECOND);
	assert_int_equal(only_error(&w, 0)->code, 701);
	assert_true(w.side[0].complete);
	turn_world_free(&w);

	init(&w, 12, &relay_only, tls);
	w.side[0].connect_error = w.side[1].connect_error = WLK_ERR_CRYPTO;
	turn_world_connect(&w);
	turn_world_pass(&w, SECOND);
	assert_int_equal(only_error(&w, 0)->code, 701);
	assert_string_equal(only_error(&w, 0)->text, "certificate has expired");
	turn_world_free(&w);

	init(&w, 13, NULL, stun);
	turn_world_connect(&w);
	turn_world_pass(&w, 5 * SECOND);
	assert_int_equal(only_error(&w, 0)->code, 701);
	assert_string_equal(only_error(&w, 0)->url, "stun:198.51.100.9");
	turn_world_free(&w);
}

static void test_silent_server_ends_gathering_not_the_call(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 14, NULL, one);
	w.servers[0].dead = true;
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, SECOND, turn_world_connected));
	assert_false(w.side[0].complete);
	turn_world_pass(&w, 11 * SECOND);
	assert_true(w.side[0].complete);
	assert_int_equal(only_error(&w, 0)->code, 701);
	turn_world_free(&w);
}

/* RFC 8863: as long as an allocation may come, nothing has failed. */
static void test_no_failure_while_gathering(void **state)
{
	const struct ice_agent_config hasty = { .policy = ICE_POLICY_RELAY, .failed_after_us = 2 * SECOND };
	struct turn_world w;

	(void)state;
	init(&w, 15, &hasty, one);
	w.servers[0].dead = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 8 * SECOND);
	assert_int_equal(w.side[0].state, ICE_STATE_CHECKING);
	turn_world_pass(&w, 5 * SECOND);
	assert_int_equal(w.side[0].state, ICE_STATE_FAILED);
	turn_world_free(&w);
}

static void test_redirection_is_followed_and_does_not_loop(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 16, &relay_only, one);
	w.server_count = 3;
	for (int i = 0; i < 2; i++) {
		w.servers[i].allocate_error = 300;
		w.servers[i].alternate = w.servers[i + 1].addr;
	}
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
	assert_true(addr_ip_equal(&w.side[0].local, &w.servers[2].relay_ip));
	turn_world_free(&w);

	init(&w, 17, &relay_only, one);
	w.server_count = 2;
	for (int i = 0; i < 2; i++) {
		w.servers[i].allocate_error = 300;
		w.servers[i].alternate = w.servers[1 - i].addr;
	}
	turn_world_connect(&w);
	turn_world_pass(&w, 5 * SECOND);
	assert_int_equal(only_error(&w, 0)->code, 300);
	turn_world_free(&w);
}

/* R8: a server does not make us send to addresses that no peer could name. */
static void test_R8_redirection_to_forbidden_addresses(void **state)
{
	const wlk_addr bad[] = { addr_v4(127, 0, 0, 1, 3478), addr_v4(224, 0, 0, 1, 3478), addr_v4(0, 0, 0, 0, 3478) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct turn_world w;

		init(&w, 18, &relay_only, one);
		w.servers[0].allocate_error = 300;
		w.servers[0].alternate = bad[i];
		turn_world_connect(&w);
		turn_world_pass(&w, SECOND);
		assert_int_equal(only_error(&w, 0)->code, 300);
		turn_world_free(&w);
	}
}

static void test_allocations_are_bounded(void **state)
{
	static const char *const many[] = {
		"turn:198.51.100.1:3478",
		"turn:198.51.100.1:3479",
		"turn:198.51.100.1:3480",
		"turn:198.51.100.1:3481",
		"turn:198.51.100.1:3482",
		"turn:198.51.100.1:3483",
		"turn:198.51.100.1:3484",
		"turn:198.51.100.1:3485",
		"turn:198.51.100.1:3486",
		"turn:198.51.100.1:3487",
		NULL,
	};
	static const char *const too_many[] = {
		"stun:a", "stun:b", "stun:c", "stun:d", "stun:e", "stun:f", "stun:g", "stun:h", "stun:i",
		"stun:j", "stun:k", "stun:l", "stun:m", "stun:n", "stun:o", "stun:p", "stun:q", NULL,
	};
	struct turn_world w;

	(void)state;
	init(&w, 19, &relay_only, many);
	assert_int_equal(turn_world_set_servers(&w, 0, too_many, "u", "p"), WLK_ERR_TOO_LARGE);
	turn_world_connect(&w);
	turn_world_pass(&w, 12 * SECOND);
	assert_int_equal(w.side[0].error_count, 7); /* one is there, seven ports are silent, two were not asked */
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	turn_world_free(&w);
}

/* Two names of one server, or one name twice: a server tells its clients apart by their ports alone. */
static void test_two_urls_of_one_server(void **state)
{
	static const char *const two[] = { "turn:198.51.100.1", "turn:198.51.100.1:3478?transport=udp", NULL };
	struct turn_world w;

	(void)state;
	init(&w, 21, &relay_only, two);
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, SECOND, both_complete));
	assert_int_equal(w.side[0].error_count, 0);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	assert_true(turn_world_run(&w, SECOND, turn_world_connected));
	turn_world_free(&w);
}

/* The second one counts when the first is refused. */
static void test_two_credentials_for_one_server(void **state)
{
	struct ice_server servers[2];
	struct turn_world w;

	(void)state;
	init(&w, 22, &relay_only, one);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ice_server_parse(&servers[i], str_of(one[0])), WLK_OK);
		servers[i].username = STR("user");
		servers[i].credential = i ? STR("secret") : STR("wrong");
	}
	assert_int_equal(ice_agent_set_servers(w.side[0].agent, servers, 2), WLK_OK);
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, SECOND, turn_world_connected));
	assert_int_equal(only_error(&w, 0)->code, 401);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	turn_world_free(&w);
}

static void test_server_arguments(void **state)
{
	const struct ice_server bad[] = {
		{ .is_turn = true, .host = STR("a"), .port = 1 },
		{ .is_turn = true, .host = STR("a"), .port = 1, .username = STR("u") },
		{ .is_turn = true, .host = STR("a"), .port = 1, .credential = STR("u") },
		{ .is_turn = true, .host = STR("a"), .username = STR("u"), .credential = STR("p") },
		{ .is_turn = true, .port = 1, .username = STR("u"), .credential = STR("p") },
		{ .host = STR("a"), .port = 1, .transport = ICE_SERVER_TCP },
	};
	struct turn_world w;

	(void)state;
	init(&w, 20, &relay_only, one);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ice_agent_set_servers(w.side[0].agent, &bad[i], 1), WLK_ERR_INVALID);
	/* Nothing changed: the first list still counts. */
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, SECOND, turn_world_connected));
	turn_world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_carry_code_text_and_url),
		cmocka_unit_test(test_silent_server_ends_gathering_not_the_call),
		cmocka_unit_test(test_no_failure_while_gathering),
		cmocka_unit_test(test_redirection_is_followed_and_does_not_loop),
		cmocka_unit_test(test_R8_redirection_to_forbidden_addresses),
		cmocka_unit_test(test_allocations_are_bounded),
		cmocka_unit_test(test_two_urls_of_one_server),
		cmocka_unit_test(test_two_credentials_for_one_server),
		cmocka_unit_test(test_server_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
