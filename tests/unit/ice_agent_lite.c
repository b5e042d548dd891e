/* ICE-lite as ourselves (RFC 8445 2.5): answers, follows nominations, sends no check; consent comes from the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/rand.h"
#include "ice/stun_msg.h"
#include "tests/support/ice_pair.h"

static const struct ice_link rtt_40 = { .latency_us = 20000 };

/* Signalling as peer/ does it: both know from the descriptions who is lite. */
static void signal_parameters(struct ice_sim *sim, const bool lite[2])
{
	for (int to = 0; to < 2; to++) {
		struct ice_agent *from = sim->side[!to].agent;

		assert_int_equal(ice_agent_set_remote_parameters(sim->side[to].agent, sim->now, str_of(ice_agent_local_ufrag(from)),
								 str_of(ice_agent_local_pwd(from)), lite[!to]),
				 WLK_OK);
	}
}

static void init_sim(struct ice_sim *sim, uint64_t seed, bool offerer_is_lite, bool answerer_is_lite)
{
	struct ice_agent_config a = { .controlling = true, .lite = offerer_is_lite };
	struct ice_agent_config b = { .lite = answerer_is_lite };

	ice_sim_init(sim, &rtt_40, seed, &a, &b);
	sim->stun_server = addr_v4(198, 51, 100, 1, 3478);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ice_sim_use_stun(sim->side[i].agent, "198.51.100.1"), WLK_OK);
}

static void connect_sim(struct ice_sim *sim, bool offerer_is_lite, bool answerer_is_lite)
{
	const bool lite[2] = { offerer_is_lite, answerer_is_lite };

	ice_sim_gather(sim, 0);
	ice_sim_gather(sim, 1);
	signal_parameters(sim, lite);
	ice_sim_pump(sim);
}

static uint64_t requests_of(struct ice_sim *sim, int side)
{
	struct ice_agent_stats stats;

	ice_agent_get_stats(sim->side[side].agent, &stats);
	return stats.requests_sent;
}

static void test_lite_answers_and_follows(void **state)
{
	(void)state;
	for (int lite = 0; lite < 2; lite++) { /* as offerer and as answerer */
		struct ice_candidate_line line;
		struct ice_sim sim;
		size_t index = 0;

		init_sim(&sim, 1 + (uint64_t)lite, lite == 0, lite == 1);
		connect_sim(&sim, lite == 0, lite == 1);
		assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
		/* R12: valid with the first request, half a round trip after it left. */
		assert_int_equal(sim.side[lite].first_validated - SECOND, 20 * MILLISECOND);
		assert_int_equal(sim.side[!lite].first_validated - SECOND, 40 * MILLISECOND);
		assert_false(ice_agent_controlling(sim.side[lite].agent));
		assert_true(ice_agent_controlling(sim.side[!lite].agent));
		assert_int_equal(sim.side[lite].role_changes, 0);
		ice_sim_pass(&sim, 60 * SECOND);
		assert_true(ice_sim_connected(&sim));
		assert_int_equal(requests_of(&sim, lite), 0);
		assert_int_equal(ice_sim_count(&sim, lite, ICE_STATE_DISCONNECTED), 0);
		assert_int_equal(ice_agent_state(sim.side[lite].agent), ICE_STATE_COMPLETED);
		while (ice_agent_told_candidate(sim.side[lite].agent, &index, &line))
			assert_int_equal(line.candidate.type, CANDIDATE_HOST);
		assert_true(index > 0);
		ice_sim_free(&sim);
	}
}

/* Traffic of our own does not keep consent; only what the peer proves does. */
static void test_R7_lite_stops_thirty_seconds_after_the_last_request(void **state)
{
	struct ice_sim sim;
	wlk_time cut;

	(void)state;
	init_sim(&sim, 3, false, true);
	connect_sim(&sim, false, true);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	sim.side[1].traffic = true;
	ice_sim_pass(&sim, 20 * SECOND);
	sim.side[0].deaf = true;
	cut = sim.now;
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(ice_sim_count(&sim, 1, ICE_STATE_DISCONNECTED), 1);
	assert_int_equal(ice_sim_count(&sim, 1, ICE_STATE_FAILED), 1);
	assert_in_range(ice_sim_when(&sim, 1, ICE_STATE_DISCONNECTED) - cut, 4 * SECOND, 12 * SECOND);
	assert_int_equal(sim.side[1].consent_expired, 1);
	assert_in_range(sim.side[1].consent_expired_at - cut, 23 * SECOND, 30 * SECOND + 20 * MILLISECOND);
	assert_true(sim.side[1].last_sent <= sim.side[1].consent_expired_at);
	assert_int_equal(requests_of(&sim, 1), 0);
	ice_sim_free(&sim);
}

static void test_lite_survives_a_short_silence(void **state)
{
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, 4, true, false);
	connect_sim(&sim, true, false);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	sim.side[1].deaf = true;
	ice_sim_pass(&sim, 15 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_DISCONNECTED);
	sim.side[1].deaf = false;
	ice_sim_pass(&sim, 5 * SECOND);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

/* RFC 8445 6.1.1: the offerer controls. Neither would check, so both do what a full agent does. */
static void test_two_lite_agents_check_each_other(void **state)
{
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, 5, true, true);
	connect_sim(&sim, true, true);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	assert_true(ice_agent_controlling(sim.side[0].agent));
	assert_false(ice_agent_controlling(sim.side[1].agent));
	for (int i = 0; i < 2; i++)
		assert_int_equal(sim.side[i].role_changes, 0);
	ice_sim_pass(&sim, 30 * SECOND);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

/* R12: no request, no valid pair, whatever candidates were named; and without one, failed after the PAC timer. */
static void test_R12_lite_trusts_requests_only(void **state)
{
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, 6, false, true);
	sim.side[0].deaf = true;
	connect_sim(&sim, false, true);
	ice_sim_pass(&sim, 39 * SECOND);
	assert_int_equal(sim.side[1].validated, 0);
	assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_CHECKING);
	ice_sim_pass(&sim, 2 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_FAILED);
	ice_sim_free(&sim);
}

/* A peer that wrongly believes to be controlled is told so: 487, and it takes over. */
static void test_controlled_peer_is_corrected(void **state)
{
	const bool full[2] = { false, false };
	struct ice_agent_config a = { 0 };
	struct ice_agent_config b = { .lite = true };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 7, &a, &b);
	ice_sim_gather(&sim, 0);
	ice_sim_gather(&sim, 1);
	signal_parameters(&sim, full); /* a=ice-lite got lost on the way */
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	assert_true(ice_agent_controlling(sim.side[0].agent));
	assert_int_equal(sim.side[0].role_changes, 1);
	assert_int_equal(sim.side[1].role_changes, 0);
	ice_sim_free(&sim);
}

static void test_lite_with_loss_and_restart(void **state)
{
	const bool lite[2] = { false, true };

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct ice_sim sim;

		init_sim(&sim, seed, false, true);
		sim.link.loss = 300;
		sim.link.jitter_us = 20000;
		connect_sim(&sim, false, true);
		assert_true(ice_sim_run(&sim, 20 * SECOND, ice_sim_nominated));
		for (int i = 0; i < 2; i++)
			assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
		sim.side[0].nominated = sim.side[1].nominated = false;
		signal_parameters(&sim, lite);
		ice_sim_pump(&sim);
		ice_sim_pass(&sim, 20 * SECOND);
		assert_true(ice_sim_connected(&sim));
		assert_int_equal(requests_of(&sim, 1), 0);
		ice_sim_free(&sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lite_answers_and_follows),
		cmocka_unit_test(test_R7_lite_stops_thirty_seconds_after_the_last_request),
		cmocka_unit_test(test_lite_survives_a_short_silence),
		cmocka_unit_test(test_two_lite_agents_check_each_other),
		cmocka_unit_test(test_R12_lite_trusts_requests_only),
		cmocka_unit_test(test_controlled_peer_is_corrected),
		cmocka_unit_test(test_lite_with_loss_and_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
