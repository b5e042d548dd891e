/* Two agents connect: round trips, loss, role conflict, trickle, NAT, STUN, lite. All in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "tests/support/ice_pair.h"

#define HIDDEN "candidate:1 1 udp 2113937151 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 10004 typ host"

static const struct ice_link rtt_100 = { .latency_us = 50000 };

/* --------------------------------------------------------------------------------------------- basics */

static void test_connects_at_once_without_latency(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, NULL, 1, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	assert_true(sim.now - SECOND <= 20 * MILLISECOND);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ice_sim_when(&sim, i, ICE_STATE_CHECKING), SECOND);
		assert_int_equal(sim.side[i].gathering_completed, 1);
		assert_int_equal(sim.side[i].candidate_count, 1);
		assert_int_equal(sim.side[i].role_changes, 0);
		assert_int_equal(sim.side[i].validated, 1);
	}
	assert_true(addr_equal(&sim.side[0].local, &sim.side[1].remote));
	assert_true(addr_equal(&sim.side[0].remote, &sim.side[1].local));
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_COMPLETED);
	assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_COMPLETED);
	ice_sim_free(&sim);
}

/* The first check leaves when the pair forms, so the first valid pair costs one round trip and nothing else. */
static void test_first_valid_pair_after_one_round_trip(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 2, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sim.side[i].first_validated - SECOND, 100 * MILLISECOND);
		assert_int_equal(ice_sim_when(&sim, i, ICE_STATE_CONNECTED) - SECOND, 100 * MILLISECOND);
		assert_int_equal(ice_agent_rtt(sim.side[i].agent), 100 * MILLISECOND);
	}
	assert_int_equal(sim.side[1].first_nominated - SECOND, 150 * MILLISECOND);
	assert_int_equal(sim.side[0].first_nominated - SECOND, 200 * MILLISECOND);
	ice_sim_free(&sim);
}

/* An offerer whose answer is still under way: the answerer's checks come first and are answered (RFC 8445 7.3). */
static void test_checks_before_the_remote_parameters(void **state)
{
	struct ice_sim sim;
	struct ice_pair_stats pair;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 3, NULL, NULL);
	ice_sim_gather(&sim, 0);
	ice_sim_gather(&sim, 1);
	ice_sim_pump(&sim);
	ice_sim_signal_parameters(&sim, 1);
	ice_sim_pass(&sim, 120 * MILLISECOND);
	assert_true(sim.side[1].first_validated > 0);
	assert_int_equal(sim.side[0].first_validated, 0);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_NEW);
	assert_true(ice_agent_pair_stats(sim.side[0].agent, 0, &pair));
	assert_int_equal(pair.requests_sent, 0);
	ice_sim_signal_parameters(&sim, 0);
	assert_true(ice_sim_run(&sim, 110 * MILLISECOND, ice_sim_connected));
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_free(&sim);
}

/* BROWSERS: candidates may all be hidden or missing; what arrives makes the pair. */
static void test_no_candidates_on_one_side(void **state)
{
	struct ice_sim sim;
	struct ice_candidate_stats remote;

	for (int mute = 0; mute < 2; mute++) {
		ice_sim_init(&sim, &rtt_100, 4, NULL, NULL);
		sim.side[mute].silent = true;
		ice_sim_connect(&sim);
		assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
		assert_true(ice_agent_remote_candidate(sim.side[!mute].agent, 0, &remote));
		assert_int_equal(remote.candidate.type, CANDIDATE_PRFLX);
		ice_sim_free(&sim);
	}
	(void)state;
}

static void test_trickled_prflx_gets_its_right_name(void **state)
{
	struct ice_sim sim;
	struct ice_candidate_stats remote;

	(void)state;
	ice_sim_init(&sim, NULL, 5, NULL, NULL);
	sim.side[0].silent = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_signal_candidates(&sim, 1);
	assert_true(ice_agent_remote_candidate(sim.side[1].agent, 0, &remote));
	assert_int_equal(remote.candidate.type, CANDIDATE_HOST);
	assert_false(ice_agent_remote_candidate(sim.side[1].agent, 1, &remote));
	ice_sim_free(&sim);
}

static void test_trickle_one_by_one(void **state)
{
	struct ice_sim sim;
	struct ice_candidate bad = { .type = CANDIDATE_HOST, .component = 1, .priority = 1, .foundation = "1" };

	(void)state;
	ice_sim_init(&sim, &rtt_100, 6, NULL, NULL);
	sim.trickle = false;
	ice_sim_connect(&sim);
	/* Ten that lead nowhere, 30 ms apart, then the right one. */
	for (int i = 0; i < 10; i++) {
		bad.addr = addr_v4(10, 9, 9, (uint8_t)(1 + i), 9);
		assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &bad), WLK_OK);
		assert_int_equal(ice_agent_add_remote_candidate(sim.side[1].agent, sim.now, &bad), WLK_OK);
		ice_sim_pass(&sim, 30 * MILLISECOND);
	}
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_CHECKING);
	ice_sim_signal_candidates(&sim, 0);
	ice_sim_signal_candidates(&sim, 1);
	assert_true(ice_sim_run(&sim, 130 * MILLISECOND, ice_sim_connected));
	ice_sim_free(&sim);
}

static bool count_checks(struct ice_sim *sim, int from, const struct dgram *d)
{
	wlk_time **last = sim->user;

	(void)d;
	if (from == 0)
		*(*last)++ = sim->now;
	return false;
}

static void test_R8_checks_are_paced(void **state)
{
	wlk_time times[256];
	wlk_time *end = times;
	struct ice_sim sim;
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 1, .foundation = "1" };

	(void)state;
	ice_sim_init(&sim, NULL, 7, NULL, NULL);
	sim.tap = count_checks;
	sim.user = &end;
	sim.trickle = false;
	ice_sim_connect(&sim);
	for (int i = 0; i < 9; i++) {
		c.addr = addr_v4(10, 9, 9, (uint8_t)(1 + i), 9);
		snprintf(c.foundation, sizeof(c.foundation), "%d", i);
		assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c), WLK_OK);
	}
	ice_sim_pass(&sim, 170 * MILLISECOND);
	assert_int_equal(end - times, 9);
	for (int i = 1; i < 9; i++)
		assert_int_equal(times[i] - times[i - 1], 20 * MILLISECOND);
	ice_sim_free(&sim);
}

static void test_R8_at_most_seven_retransmissions(void **state)
{
	wlk_time times[256];
	wlk_time *end = times;
	struct ice_sim sim;
	struct ice_agent_config config = { .failed_after_us = 1 }; /* no second round */

	(void)state;
	ice_sim_init(&sim, NULL, 8, &config, NULL);
	sim.tap = count_checks;
	sim.user = &end;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(end - times, 8);
	assert_int_equal(times[1] - times[0], 200 * MILLISECOND);
	assert_int_equal(times[2] - times[1], 400 * MILLISECOND);
	assert_int_equal(times[7] - times[6], 500 * MILLISECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	ice_sim_free(&sim);
}

static void test_R8_caps_of_candidates_and_pairs(void **state)
{
	struct ice_sim sim;
	struct ice_agent_stats stats;
	struct ice_pair_stats pair;
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 1, .foundation = "1" };
	size_t pairs = 0;

	(void)state;
	ice_sim_init(&sim, NULL, 9, NULL, NULL);
	sim.trickle = false;
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	ice_sim_connect(&sim);
	for (int i = 0; i < 300; i++) {
		wlk_err err;

		c.addr = addr_v4(10, 9, (uint8_t)(i / 100), (uint8_t)(1 + i % 100), 9);
		c.priority = i < 63 ? 100 - (uint32_t)i : 1000;
		err = ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c);
		assert_int_equal(err, i < 64 ? WLK_OK : WLK_ERR_TOO_LARGE);
	}
	while (ice_agent_pair_stats(sim.side[0].agent, pairs, &pair))
		pairs++;
	assert_int_equal(pairs, 100);
	ice_agent_get_stats(sim.side[0].agent, &stats);
	assert_true(stats.over_cap >= 300 - 64);
	/* Room is made for the better one: the last of the 64, ten times the priority, has pairs on both bases. */
	size_t of_last = 0;

	for (size_t i = 0; ice_agent_pair_stats(sim.side[0].agent, i, &pair); i++)
		of_last += pair.remote.ip[2] == 0 && pair.remote.ip[3] == 64;
	assert_int_equal(of_last, 2);
	ice_sim_free(&sim);
}

static void test_loss_of_30_percent(void **state)
{
	struct ice_link link = { .latency_us = 50000, .loss = 300, .jitter_us = 20000, .duplicate = 50 };
	wlk_time worst = 0;
	struct ice_sim sim;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		ice_sim_init(&sim, &link, seed, NULL, NULL);
		ice_sim_connect(&sim);
		if (!ice_sim_run(&sim, 10 * SECOND, ice_sim_nominated))
			fail_msg("seed %llu does not connect", (unsigned long long)seed);
		worst = MAX(worst, sim.now - SECOND);
		ice_sim_free(&sim);
	}
	print_message("30 %% loss: worst of 200 seeds %lld ms\n", (long long)worst / 1000);
	assert_true(worst < 6 * SECOND);
}

static void test_loss_of_50_percent(void **state)
{
	struct ice_link link = { .latency_us = 50000, .loss = 500 };
	struct ice_sim sim;
	int connected = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		ice_sim_init(&sim, &link, seed, NULL, NULL);
		ice_sim_connect(&sim);
		connected += ice_sim_run(&sim, 30 * SECOND, ice_sim_connected);
		ice_sim_free(&sim);
	}
	assert_true(connected >= 99);
}

static void test_corruption_is_harmless(void **state)
{
	struct ice_link link = { .latency_us = 20000, .corrupt = 200 };
	struct ice_sim sim;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		ice_sim_init(&sim, &link, seed, NULL, NULL);
		ice_sim_connect(&sim);
		assert_true(ice_sim_run(&sim, 10 * SECOND, ice_sim_nominated));
		ice_sim_free(&sim);
	}
}

/* ---------------------------------------------------------------------------------------------- role conflict */

static void connect_with_roles(bool a, bool b, uint64_t tie_a, uint64_t tie_b)
{
	struct ice_agent_config config[2] = {
		{ .controlling = a, .tie_breaker = tie_a },
		{ .controlling = b, .tie_breaker = tie_b },
	};
	struct ice_sim sim;

	ice_sim_init(&sim, &rtt_100, 10, &config[0], &config[1]);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, SECOND);
	/* The larger tie-breaker controls, and one side has switched exactly once. */
	assert_int_equal(ice_agent_controlling(sim.side[0].agent), tie_a > tie_b);
	assert_int_equal(ice_agent_controlling(sim.side[1].agent), tie_b > tie_a);
	assert_int_equal(sim.side[0].role_changes + sim.side[1].role_changes, 1);
	ice_sim_free(&sim);
}

static void test_role_conflicts_are_resolved(void **state)
{
	(void)state;
	connect_with_roles(true, true, 1000, 1);
	connect_with_roles(true, true, 1, 1000);
	connect_with_roles(false, false, 1000, 1);
	connect_with_roles(false, false, 1, 1000);
}

static void test_role_conflict_under_loss(void **state)
{
	struct ice_link link = { .latency_us = 30000, .jitter_us = 60000, .loss = 200, .duplicate = 200 };
	struct ice_agent_config config = { .controlling = true };
	struct ice_sim sim;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		config.controlling = seed & 1;
		ice_sim_init(&sim, &link, seed, &config, &config);
		ice_sim_connect(&sim);
		if (!ice_sim_run(&sim, 10 * SECOND, ice_sim_nominated))
			fail_msg("seed %llu does not settle", (unsigned long long)seed);
		assert_int_not_equal(ice_agent_controlling(sim.side[0].agent),
				     ice_agent_controlling(sim.side[1].agent));
		ice_sim_free(&sim);
	}
}

/* --------------------------------------------------------------------------------------------------- NAT */

static void connect_behind_nats(bool filter)
{
	struct ice_sim sim;
	struct ice_candidate_stats local;
	bool found = false;

	ice_sim_init(&sim, &rtt_100, 11, NULL, NULL);
	sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
	for (int i = 0; i < 2; i++) {
		sim.side[i].nat.enabled = true;
		sim.side[i].nat.filter = filter;
	}
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	for (size_t i = 0; ice_agent_local_candidate(sim.side[0].agent, i, &local); i++) {
		if (local.candidate.type != CANDIDATE_SRFLX)
			continue;
		found = true;
		assert_true(addr_equal(&local.server, &sim.stun_server));
		assert_true(addr_ip_equal(&local.candidate.addr, &sim.side[0].nat.ip));
		assert_true(addr_ip_equal(&local.candidate.related, &sim.side[0].ips[0]));
		assert_int_equal(local.candidate.addr.port, local.candidate.related.port + 1000);
	}
	assert_true(found);
	assert_true(addr_ip_equal(&sim.side[0].remote, &sim.side[1].nat.ip));
	assert_int_equal(sim.side[0].candidate_count, 2);
	ice_sim_free(&sim);
}

static void test_server_reflexive_through_two_nats(void **state)
{
	(void)state;
	connect_behind_nats(false);
	connect_behind_nats(true);
}

static void test_one_side_behind_nat_without_stun(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 12, NULL, NULL);
	sim.side[0].nat.enabled = true;
	sim.side[0].nat.filter = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_free(&sim);
}

/*
 * The side that begins knocks at a closed NAT; the knock of the other side is the sign to check again at once, not when
 * the retransmission is due (at 220 ms): 80 + 50 ms until the sign, and one round trip.
 */
static void test_triggered_check_does_not_wait_for_the_retransmission(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 28, NULL, NULL);
	sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
	sim.trickle = false;
	for (int i = 0; i < 2; i++) {
		sim.side[i].nat.enabled = true;
		sim.side[i].nat.filter = true;
		ice_sim_gather(&sim, i);
	}
	ice_sim_pass(&sim, SECOND);
	ice_sim_signal_candidates(&sim, 0);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_pass(&sim, 80 * MILLISECOND);
	/* Side 1 gets only the mapped address, so that its first check goes there. */
	assert_int_equal(ice_agent_add_remote_candidate(sim.side[1].agent, sim.now, &sim.side[0].candidates[1]),
			 WLK_OK);
	ice_sim_signal_parameters(&sim, 1);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
	assert_int_equal(sim.side[0].first_validated - 2 * SECOND, 230 * MILLISECOND);
	ice_sim_free(&sim);
}

/* --------------------------------------------------------------------------------------------- several paths */

/* Both addresses of side 1 work; the better one is nominated in the end even if the other validated first. */
static bool delay_best(struct ice_sim *sim, int from, const struct dgram *d)
{
	(void)from;
	return sim->now > SECOND + 300 * MILLISECOND || d->buf->data[0] > 3 ||
	       (!addr_ip_equal(&d->remote, &sim->side[1].ips[0]) && !addr_ip_equal(&d->local, &sim->side[1].ips[0]));
}

static void better_pair_later(bool once)
{
	struct ice_agent_config config = { .controlling = true, .nominate_once = once };
	struct ice_sim sim;

	ice_sim_init(&sim, &rtt_100, 13, &config, NULL);
	sim.side[1].ips[1] = addr_v4(10, 0, 1, 2, 0);
	sim.side[1].ip_count = 2;
	sim.tap = delay_best;
	sim.side[0].traffic = true; /* so that the pair in use is never quiet */
	sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 250 * MILLISECOND, ice_sim_nominated));
	assert_true(addr_ip_equal(&sim.side[0].remote, &sim.side[1].ips[1]));
	ice_sim_pass(&sim, 3 * SECOND);
	for (int i = 0; i < 2; i++) {
		const wlk_addr *used = i ? &sim.side[1].local : &sim.side[0].remote;

		assert_true(addr_ip_equal(used, &sim.side[1].ips[once ? 1 : 0]));
		assert_true(sim.side[i].nominated);
	}
	ice_sim_free(&sim);
}

static void test_better_pair_is_nominated_later(void **state)
{
	(void)state;
	better_pair_later(false);
}

static void test_nominate_once_keeps_to_one(void **state)
{
	(void)state;
	better_pair_later(true);
}

static void test_dual_stack_with_ipv6_dropped(void **state)
{
	static const uint8_t six_a[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const uint8_t six_b[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 14, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		sim.side[i].ips[1] = addr_v6(i ? six_b : six_a, 0);
		sim.side[i].ip_count = 2;
		sim.side[i].dead_ip = sim.side[i].ips[1];
	}
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 200 * MILLISECOND, ice_sim_connected));
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	assert_int_equal(sim.side[0].remote.family, 4);
	ice_sim_free(&sim);
}

static void test_ipv6_alone(void **state)
{
	static const uint8_t six_a[16] = { 0xfd, [15] = 1 };
	static const uint8_t six_b[16] = { 0xfd, [15] = 2 };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 15, NULL, NULL);
	sim.side[0].ips[0] = addr_v6(six_a, 0);
	sim.side[1].ips[0] = addr_v6(six_b, 0);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_free(&sim);
}

/* A peer that gives all its candidates one foundation: pairs are frozen, but not until the first check has failed. */
static void test_equal_foundations_do_not_stall(void **state)
{
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 1000, .foundation = "1" };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 16, NULL, NULL);
	sim.side[0].silent = true;
	ice_sim_connect(&sim);
	ice_sim_free(&sim);

	ice_sim_init(&sim, &rtt_100, 16, NULL, NULL);
	sim.trickle = false;
	ice_sim_gather(&sim, 0);
	ice_sim_gather(&sim, 1);
	ice_sim_pump(&sim);
	ice_sim_signal_parameters(&sim, 0);
	for (int i = 0; i < 4; i++) {
		c.addr = i < 3 ? addr_v4(10, 9, 9, (uint8_t)(1 + i), 9) : sim.side[1].candidates[0].addr;
		c.priority--;
		assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c), WLK_OK);
	}
	/* Side 1 answers but does not check by itself: it has no parameters yet. */
	ice_sim_pass(&sim, 500 * MILLISECOND);
	assert_true(sim.side[0].first_validated > 0);
	ice_sim_free(&sim);
}

/* -------------------------------------------------------------------------------------------------- lite */

static void test_lite_peer_is_controlled(void **state)
{
	struct ice_agent_config config = { .controlling = false };
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 2130706431, .foundation = "1" };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 17, &config, &config);
	sim.side[1].lite = true;
	ice_sim_gather(&sim, 0);
	ice_sim_pump(&sim);
	ice_sim_signal_parameters(&sim, 0);
	c.addr = addr_v4(10, 0, 0, 2, 6000);
	assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c), WLK_OK);
	assert_true(ice_agent_controlling(sim.side[0].agent));
	ice_agent_set_controlling(sim.side[0].agent, sim.now, false);
	assert_true(ice_agent_controlling(sim.side[0].agent));
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_CONNECTED);
	ice_sim_free(&sim);
}

static bool drop_first(struct ice_sim *sim, int from, const struct dgram *d)
{
	size_t *seen = sim->user;

	(void)d;
	return from != 0 || (*seen)++ > 0;
}

/* Karn: the answer to a retransmitted check tells no round trip. */
static void test_no_round_trip_from_retransmissions(void **state)
{
	struct ice_agent_config config = { .controlling = true };
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 2130706431, .foundation = "1" };
	struct ice_sim sim;
	size_t seen = 0;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 26, &config, NULL);
	sim.side[1].lite = true;
	sim.tap = drop_first;
	sim.user = &seen;
	ice_sim_gather(&sim, 0);
	ice_sim_pump(&sim);
	ice_sim_signal_parameters(&sim, 0);
	c.addr = addr_v4(10, 0, 0, 2, 6000);
	assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c), WLK_OK);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
	assert_int_equal(sim.now - SECOND, 300 * MILLISECOND);
	assert_int_equal(ice_agent_rtt(sim.side[0].agent), 0);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	assert_int_equal(ice_agent_rtt(sim.side[0].agent), 100 * MILLISECOND);
	ice_sim_free(&sim);
}

/* ----------------------------------------------------------------------------------------------- failure */

static void test_end_of_candidates_without_any_fails_at_the_pac_timer(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, NULL, 18, NULL, NULL);
	sim.trickle = false;
	ice_sim_connect(&sim);
	ice_agent_end_of_remote_candidates(sim.side[0].agent, sim.now);
	ice_sim_pass(&sim, 39 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_CHECKING);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	assert_int_equal(ice_sim_when(&sim, 0, ICE_STATE_FAILED) - SECOND, 39500 * MILLISECOND);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 1);
	/* A peer that comes after all is welcome (manual signalling takes as long as it takes). */
	ice_sim_signal_candidates(&sim, 1);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
	ice_sim_free(&sim);
}

static void test_unreachable_peer_fails_once(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, NULL, 19, NULL, NULL);
	sim.side[1].deaf = true;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 120 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 1);
	assert_true(ice_sim_when(&sim, 0, ICE_STATE_FAILED) < SECOND + 60 * SECOND);
	assert_int_equal(ice_agent_deadline(sim.side[0].agent), WLK_TIME_NEVER);
	ice_sim_free(&sim);
}

/* ------------------------------------------------------------------------------------------ no memory */

static bool connect_once(size_t fail_at)
{
	struct ice_sim sim;
	bool failed;

	alloc_fail_after(fail_at);
	ice_sim_init(&sim, &rtt_100, 25, NULL, NULL);
	if (!sim.dead) {
		sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
		ice_sim_connect(&sim);
		(void)ice_agent_add_remote_candidate_line(sim.side[0].agent, sim.now, HIDDEN, sizeof(HIDDEN) - 1);
		ice_sim_pass(&sim, 2 * SECOND);
		(void)ice_agent_restart(sim.side[0].agent, sim.now);
		sim.side[0].gathering = ICE_GATHERING_NEW;
		ice_sim_pass(&sim, 2 * SECOND);
		ice_agent_close(sim.side[0].agent);
		ice_sim_pump(&sim);
	}
	failed = alloc_did_fail();
	alloc_fail_after(0);
	ice_sim_free(&sim);
	return failed;
}

static void test_every_failing_allocation_is_survived(void **state)
{
	size_t before = alloc_live_blocks();
	size_t n = 1;

	(void)state;
	while (connect_once(n)) {
		assert_int_equal(alloc_live_blocks(), before);
		n++;
	}
	print_message("%zu allocations failed one by one\n", n - 1);
	assert_true(n > 50);
	assert_int_equal(alloc_live_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_at_once_without_latency),
		cmocka_unit_test(test_first_valid_pair_after_one_round_trip),
		cmocka_unit_test(test_checks_before_the_remote_parameters),
		cmocka_unit_test(test_no_candidates_on_one_side),
		cmocka_unit_test(test_trickled_prflx_gets_its_right_name),
		cmocka_unit_test(test_trickle_one_by_one),
		cmocka_unit_test(test_R8_checks_are_paced),
		cmocka_unit_test(test_R8_at_most_seven_retransmissions),
		cmocka_unit_test(test_R8_caps_of_candidates_and_pairs),
		cmocka_unit_test(test_loss_of_30_percent),
		cmocka_unit_test(test_loss_of_50_percent),
		cmocka_unit_test(test_corruption_is_harmless),
		cmocka_unit_test(test_role_conflicts_are_resolved),
		cmocka_unit_test(test_role_conflict_under_loss),
		cmocka_unit_test(test_server_reflexive_through_two_nats),
		cmocka_unit_test(test_one_side_behind_nat_without_stun),
		cmocka_unit_test(test_triggered_check_does_not_wait_for_the_retransmission),
		cmocka_unit_test(test_better_pair_is_nominated_later),
		cmocka_unit_test(test_nominate_once_keeps_to_one),
		cmocka_unit_test(test_dual_stack_with_ipv6_dropped),
		cmocka_unit_test(test_ipv6_alone),
		cmocka_unit_test(test_equal_foundations_do_not_stall),
		cmocka_unit_test(test_lite_peer_is_controlled),
		cmocka_unit_test(test_no_round_trip_from_retransmissions),
		cmocka_unit_test(test_end_of_candidates_without_any_fails_at_the_pac_timer),
		cmocka_unit_test(test_unreachable_peer_fails_once),
		cmocka_unit_test(test_every_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
