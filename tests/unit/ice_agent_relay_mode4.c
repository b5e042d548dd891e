/* Mode 4 of RFC 8828 5.2: TURN over TCP and TLS carries everything, and none of our sockets sends a datagram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "tests/support/turn_world.h"

static const struct ice_agent_config mode_4 = { .ip_handling = WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP };
static const char *const tcp[] = { "turn:198.51.100.1?transport=tcp", NULL };
static const char *const tls[] = { "turns:198.51.100.1:3478", NULL };
/* What must not be asked stands beside what may be. */
static const char *const mixed[] = { "stun:198.51.100.1", "turn:198.51.100.1", "turns:198.51.100.1:3478?transport=udp",
				     "turn:two.example?transport=tcp", NULL };

/* Side 0 is of mode 4; side 1 has a public socket and no server. */
static void init(struct turn_world *w, const char *const *urls)
{
	turn_world_init(w, 5, &mode_4, NULL);
	w->server_count = 2;
	assert_int_equal(turn_world_set_servers(w, 0, urls, "user", "secret"), WLK_OK);
	w->side[0].traffic = w->side[1].traffic = true;
}

static void expect_connected(struct turn_world *w)
{
	uint64_t before;

	assert_true(turn_world_run(w, 5 * SECOND, turn_world_connected));
	turn_world_pass(w, 2 * SECOND);
	before = w->side[0].app_received;
	turn_world_pass(w, 2 * SECOND);
	assert_in_range(w->side[0].app_received - before, 15, 25);
	assert_in_range(w->side[1].app_received - before, 10, 30);
	assert_true(addr_ip_equal(&w->side[0].local, &w->servers[0].relay_ip) ||
		    addr_ip_equal(&w->side[0].local, &w->servers[1].relay_ip));
	assert_int_equal(w->side[0].datagrams, 0);
	assert_int_equal(turn_world_count(w, 0, CANDIDATE_HOST), 0);
	assert_int_equal(turn_world_count(w, 0, CANDIDATE_SRFLX), 0);
	for (size_t i = 0; i < w->side[0].candidate_count; i++)
		assert_true(addr_is_none(&w->side[0].candidates[i].related) ||
			    addr_is_unspecified(&w->side[0].candidates[i].related));
}

static void test_from_the_start(void **state)
{
	static const char *const *const lists[] = { tcp, tls, mixed };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct turn_world w;

		init(&w, lists[i]);
		turn_world_connect(&w);
		expect_connected(&w);
		assert_int_equal(w.side[0].connects, 1);
		assert_int_equal(w.side[0].error_count, 0);
		turn_world_free(&w);
	}
}

static void test_both_sides(void **state)
{
	struct turn_world w;

	(void)state;
	turn_world_init(&w, 6, &mode_4, &mode_4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(turn_world_set_servers(&w, i, tcp, "user", "secret"), WLK_OK);
		w.side[i].traffic = true;
	}
	turn_world_connect(&w);
	expect_connected(&w);
	assert_int_equal(w.side[1].datagrams, 0);
	turn_world_free(&w);
}

/* The host has no network when it gathers; one comes when everything is signalled already. */
static void test_from_no_network_to_one(void **state)
{
	static const char *const *const lists[] = { tcp, tls, mixed };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct turn_world w;

		init(&w, lists[i]);
		assert_int_equal(ice_agent_set_interfaces(w.side[0].agent, w.now, NULL, 0), WLK_OK);
		assert_int_equal(ice_agent_gather(w.side[0].agent, w.now), WLK_OK);
		turn_world_gather(&w, 1);
		turn_world_signal(&w);
		turn_world_pass(&w, 3 * SECOND);
		assert_true(w.side[0].complete);
		assert_int_equal(w.side[0].connects, 0);
		assert_int_equal(ice_agent_set_interfaces(w.side[0].agent, w.now, &w.side[0].ip, 1), WLK_OK);
		expect_connected(&w);
		turn_world_free(&w);
	}
}

/* The interface of the connection to the server goes, and another one comes: the next allocation is made from there. */
static void test_from_one_network_to_the_next(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, tcp);
	turn_world_connect(&w);
	expect_connected(&w);
	w.side[0].ip = addr_v4(10, 0, 7, 1, 0);
	assert_int_equal(ice_agent_set_interfaces(w.side[0].agent, w.now, &w.side[0].ip, 1), WLK_OK);
	assert_true(turn_world_run(&w, SECOND, turn_world_connected));
	expect_connected(&w);
	assert_int_equal(w.side[0].connects, 2);
	turn_world_free(&w);
}

/* What reaches the sockets is not answered, either. */
static void test_requests_to_our_sockets_are_not_answered(void **state)
{
	const wlk_addr at = addr_v4(10, 0, 0, 1, 5000);
	struct ice_candidate host = { .type = CANDIDATE_HOST, .component = 1, .addr = at, .priority = 2130706431 };
	struct turn_world w;

	(void)state;
	init(&w, tcp);
	memcpy(host.foundation, "1", 2);
	turn_world_connect(&w);
	assert_int_equal(ice_agent_add_remote_candidate(w.side[1].agent, w.now, &host), WLK_OK);
	expect_connected(&w);
	turn_world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_the_start),
		cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_from_no_network_to_one),
		cmocka_unit_test(test_from_one_network_to_the_next),
		cmocka_unit_test(test_requests_to_our_sockets_are_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
