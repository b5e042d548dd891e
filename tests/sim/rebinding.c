/*
 * NATs that rebind under a call, partitions, restarts. Each scenario is run for several seeds and prints how long the data stood
 * still. Arguments: seeds a scenario, a pattern of tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roaming_call.h"

static unsigned seeds = 50;

/* ---- NAT rebinding ---- */

static void rebind(const char *title, int mover, enum sim_nat_kind mover_kind, bool other_public, enum sim_nat_kind other_kind,
		   bool with_turn, wlk_time limit)
{
	struct figures f = { .count = 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct sim_nat *nat;
		struct call c;

		call_init(&c, seed);
		nat = call_add_interface(&c, mover, "10.0.0.7", true, mover_kind, "192.0.2.1");
		call_add_interface(&c, !mover, other_public ? "198.51.100.50" : "10.0.0.9", true, other_kind, other_public ? NULL : "192.0.2.2");
		if (with_turn)
			call_use_turn(&c);
		call_begin(&c);
		c.sim.no_signalling = true;
		c.bulk_runs = seed % 2;
		for (int i = 0; i < 3; i++) {
			call_mark(&c);
			sim_nat_rebind(nat);
			figures_add(&f, call_recovery(&c, limit));
			call_pass(&c, SIM_SECOND + sim_random(&c.sim, 3000000));
		}
		call_finish_bulk(&c);
		assert_int_equal(c.disconnects[0] + c.disconnects[1], 0);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		call_end(&c);
	}
	figures_print(&f, title);
}

static void test_nat_rebinding_peer_is_public(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, peer public", 0, SIM_NAT_PORT, true, 0, false, 2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, peer public", 1, SIM_NAT_PORT, true, 0, false, 2 * SIM_SECOND);
	rebind("symmetric NAT rebinding of the controlling side, peer public", 0, SIM_NAT_SYMMETRIC, true, 0, false, 2 * SIM_SECOND);
	rebind("symmetric NAT rebinding of the controlled side, peer public", 1, SIM_NAT_SYMMETRIC, true, 0, false, 2 * SIM_SECOND);
}

static void test_nat_rebinding_peer_filters_by_address(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, peer's NAT filters by address", 0, SIM_NAT_PORT, false, SIM_NAT_ADDRESS, false,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, peer's NAT filters by address", 1, SIM_NAT_PORT, false, SIM_NAT_ADDRESS, false,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlling side, peer's NAT is open", 0, SIM_NAT_SYMMETRIC, false, SIM_NAT_OPEN, false, 2 * SIM_SECOND);
}

static void test_nat_rebinding_through_relays(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, both port-restricted, TURN", 0, SIM_NAT_PORT, false, SIM_NAT_PORT, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, both port-restricted, TURN", 1, SIM_NAT_PORT, false, SIM_NAT_PORT, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlling side, both symmetric, TURN", 0, SIM_NAT_SYMMETRIC, false, SIM_NAT_SYMMETRIC, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, both symmetric, TURN", 1, SIM_NAT_SYMMETRIC, false, SIM_NAT_SYMMETRIC, true,
	       2 * SIM_SECOND);
}

/* Its allocation goes with the mapping, since the server knows it by the 5-tuple: it is asked after at once and made anew. */
static void test_nat_rebinding_of_a_peer_that_uses_relays_alone(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct sim_nat *nat;
		struct call c;

		call_init(&c, seed);
		nat = call_add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_SYMMETRIC, "192.0.2.1");
		call_add_interface(&c, 1, "10.0.0.9", true, SIM_NAT_SYMMETRIC, "192.0.2.2");
		call_use_turn(&c);
		c.config_a.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
		call_begin(&c);
		call_pass(&c, 40 * SIM_SECOND);
		c.sim.no_signalling = true;
		call_mark(&c);
		sim_nat_rebind(nat);
		figures_add(&f, call_recovery(&c, 2 * SIM_SECOND));
		call_pass(&c, 5 * SIM_SECOND);
		assert_true(sim_both_connected(&c.sim));
		call_end(&c);
	}
	figures_print(&f, "NAT rebinding of a relay-only peer, both symmetric");
}

/* Mappings that live 20 s without use: the backups' are kept open, so that the loss of the first interface still finds one. */
static void test_R7_backups_keep_their_mappings_open(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init(&c, seed);
		call_add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_PORT, "192.0.2.1")->lifetime = 20 * SIM_SECOND;
		call_add_interface(&c, 0, "10.64.0.7", true, SIM_NAT_PORT, "203.0.113.1")->lifetime = 20 * SIM_SECOND;
		call_add_interface(&c, 1, "10.0.0.9", true, SIM_NAT_PORT, "192.0.2.2")->lifetime = 20 * SIM_SECOND;
		call_begin(&c);
		c.sim.no_signalling = true;
		call_pass(&c, 100 * SIM_SECOND);
		call_mark(&c);
		sim_set_interface(&c.sim, &c.sim.a, 0, false);
		figures_add(&f, call_recovery(&c, SIM_SECOND));
		call_end(&c);
	}
	figures_print(&f, "interface goes after 100 s, mappings of all NATs live 20 s");
}

/* Which NATs a direct path exists between; what is left needs a relay, and with one all connect. */
static void nat_matrix(bool with_turn)
{
	static const bool direct[SIM_NAT_KINDS][SIM_NAT_KINDS] = {
		[SIM_NAT_OPEN] = { true, true, true, true },
		[SIM_NAT_ADDRESS] = { true, true, true, true },
		[SIM_NAT_PORT] = { true, true, true, false },
		[SIM_NAT_SYMMETRIC] = { true, true, false, false },
	};

	for (int i = 0; i < SIM_NAT_KINDS; i++)
		for (int k = 0; k < SIM_NAT_KINDS; k++) {
			struct call c;

			call_init(&c, 1);
			call_add_interface(&c, 0, "10.0.0.7", true, (enum sim_nat_kind)i, "192.0.2.1");
			call_add_interface(&c, 1, "10.0.0.7", true, (enum sim_nat_kind)k, "192.0.2.2");
			if (with_turn)
				call_use_turn(&c);
			call_prepare(&c);
			sim_signal(&c.sim);
			if (sim_run_until(&c.sim, 5 * SIM_SECOND, call_is_open) != (direct[i][k] || with_turn))
				sim_fail(&c.sim, "NATs %d and %d: %s", i, k, direct[i][k] ? "not connected" : "connected?");
			call_end(&c);
		}
}

static void test_nat_matrix(void **state)
{
	(void)state;
	nat_matrix(false);
	nat_matrix(true);
}

/* ---- partitions and ends ---- */

static void test_R7_peer_vanishes_and_is_given_up_once(void **state)
{
	struct figures disconnected = { .count = 0 }, failed = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;
		uint64_t sent;

		call_init_with_two_interfaces(&c, seed);
		call_begin(&c);
		call_mark(&c);
		c.sim.b.cut = true;
		call_pass(&c, 31 * SIM_SECOND);
		sent = c.sim.datagrams;
		call_pass(&c, 40 * SIM_SECOND);
		assert_int_equal(c.sim.datagrams, sent);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(c.disconnects[i], 1);
			assert_int_equal(c.failures[i], 1);
			assert_int_equal(c.restarts_wanted[i], 1);
			assert_in_range(c.disconnected_at[i] - c.mark, 5 * SIM_SECOND, 8 * SIM_SECOND);
			assert_in_range(c.failed_at[i] - c.mark, 20 * SIM_SECOND, 31 * SIM_SECOND);
			figures_add(&disconnected, c.disconnected_at[i] - c.mark);
			figures_add(&failed, c.failed_at[i] - c.mark);
		}
		call_end(&c);
	}
	figures_print(&disconnected, "the peer vanishes: disconnected");
	figures_print(&failed, "the peer vanishes: failed");
}

/* The last answer may be 6 s old when it begins, and consent lasts 30 s (R7). */
static void test_partition_of_23_seconds_heals_by_itself(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init_with_two_interfaces(&c, seed);
		call_begin(&c);
		c.bulk_runs = true;
		c.sim.a.cut = true;
		call_pass(&c, 23 * SIM_SECOND);
		c.sim.a.cut = false;
		call_mark(&c);
		figures_add(&f, call_recovery(&c, 3 * SIM_SECOND));
		call_finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		call_end(&c);
	}
	figures_print(&f, "partition of 23 s: from its end until data flows");
}

static void test_partition_of_35_seconds_needs_a_restart(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init_with_two_interfaces(&c, seed);
		call_begin(&c);
		c.bulk_runs = true;
		c.sim.a.cut = true;
		call_pass(&c, 35 * SIM_SECOND);
		c.sim.a.cut = false;
		call_pass(&c, 2 * SIM_SECOND);
		assert_int_equal(c.failures[0], 1);
		assert_int_equal(c.failures[1], 1);
		call_mark(&c);
		sim_renegotiate(&c.sim, seed % 2 ? &c.sim.a : &c.sim.b, true);
		figures_add(&f, call_recovery(&c, 3 * SIM_SECOND + 400 * SIM_MS));
		call_finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 2);
		call_end(&c);
	}
	figures_print(&f, "partition of 35 s: from the ICE restart until data flows");
}

static void test_R10_restarts_from_either_side_under_load(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init_with_two_interfaces(&c, seed);
		c.sim.config.loss = (uint32_t)(seed % 3) * 100;
		call_begin(&c);
		c.bulk_runs = true;
		for (int i = 0; i < 20; i++) {
			sim_renegotiate(&c.sim, sim_random(&c.sim, 2) ? &c.sim.a : &c.sim.b, true);
			call_pass(&c, sim_random(&c.sim, i % 2 ? 100000 : 1000000));
		}
		call_pass(&c, SIM_SECOND);
		figures_add(&f, c.video_gap);
		call_finish_bulk(&c);
		assert_in_range(c.video_gap, 0, 400 * SIM_MS);
		assert_int_equal(c.failures[0] + c.failures[1] + c.disconnects[0] + c.disconnects[1], 0);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		call_end(&c);
	}
	figures_print(&f, "20 ICE restarts under load: longest gap between media packets");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat_rebinding_peer_is_public),
		cmocka_unit_test(test_nat_rebinding_peer_filters_by_address),
		cmocka_unit_test(test_nat_rebinding_through_relays),
		cmocka_unit_test(test_nat_rebinding_of_a_peer_that_uses_relays_alone),
		cmocka_unit_test(test_R7_backups_keep_their_mappings_open),
		cmocka_unit_test(test_nat_matrix),
		cmocka_unit_test(test_R7_peer_vanishes_and_is_given_up_once),
		cmocka_unit_test(test_partition_of_23_seconds_heals_by_itself),
		cmocka_unit_test(test_partition_of_35_seconds_needs_a_restart),
		cmocka_unit_test(test_R10_restarts_from_either_side_under_load),
	};

	if (argc > 1)
		seeds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
