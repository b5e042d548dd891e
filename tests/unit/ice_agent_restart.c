/* ICE restart between two agents: under traffic, cancelled, too often, after failure (RFC 8445 9, R10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "tests/support/ice_pair.h"

static const struct ice_link rtt_100 = { .latency_us = 50000 };

static void begin_restart(struct ice_sim *sim)
{
	char old[2][9];

	for (int i = 0; i < 2; i++) {
		memcpy(old[i], ice_agent_local_ufrag(sim->side[i].agent), 9);
		sim->side[i].candidate_count = 0;
		sim->side[i].gathering = ICE_GATHERING_NEW;
		sim->side[i].nominated = false;
		assert_int_equal(ice_agent_restart(sim->side[i].agent, sim->now), WLK_OK);
		assert_string_not_equal(old[i], ice_agent_local_ufrag(sim->side[i].agent));
	}
}

static void test_R10_restart_under_traffic(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 20, NULL, NULL);
	sim.side[0].traffic = true;
	sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 3 * SECOND);
	for (int round = 0; round < 3; round++) {
		begin_restart(&sim);
		ice_sim_pass(&sim, SECOND); /* the answer takes a second */
		assert_true(ice_sim_connected(&sim));
		ice_sim_signal_parameters(&sim, 1);
		ice_sim_pass(&sim, 50 * MILLISECOND);
		ice_sim_signal_parameters(&sim, 0);
		assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
		ice_sim_pass(&sim, 10 * SECOND);
		assert_int_equal(sim.side[0].candidate_count, 1);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sim.side[i].app_refused, 0);
		assert_int_equal(sim.side[i].app_gap, 20 * MILLISECOND);
		assert_int_equal(ice_sim_count(&sim, i, ICE_STATE_DISCONNECTED), 0);
		assert_int_equal(sim.side[i].gathering_completed, 4);
	}
	ice_sim_free(&sim);
}

static void test_restart_can_be_cancelled(void **state)
{
	struct ice_sim sim;
	char ufrag[9];

	(void)state;
	ice_sim_init(&sim, &rtt_100, 21, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	memcpy(ufrag, ice_agent_local_ufrag(sim.side[0].agent), 9);
	assert_int_equal(ice_agent_cancel_restart(sim.side[0].agent, sim.now), WLK_ERR_STATE);
	sim.side[0].gathering = ICE_GATHERING_NEW;
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(ice_agent_cancel_restart(sim.side[0].agent, sim.now), WLK_OK);
	assert_string_equal(ufrag, ice_agent_local_ufrag(sim.side[0].agent));
	ice_sim_pass(&sim, 60 * SECOND);
	assert_true(ice_sim_connected(&sim));
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 0);
	ice_sim_free(&sim);
}

/* Other parameters without a restart are the caller's mistake and change nothing. */
static void test_changed_parameters_need_a_restart(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 22, NULL, NULL);
	ice_sim_connect(&sim);
	ice_sim_signal_parameters(&sim, 0); /* the same again */
	assert_int_equal(ice_agent_set_remote_parameters(sim.side[0].agent, sim.now, STR("abcd"),
							 STR("0123456789012345678901"), false),
			 WLK_ERR_STATE);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_free(&sim);
}

static void test_restart_before_anything_else(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 23, NULL, NULL);
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_NEW);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_free(&sim);
}

/* W3C webrtc 5.6.4: a restart forgets that connectivity was lost. */
static void test_restart_while_disconnected_is_checking(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 29, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	sim.side[1].deaf = true;
	ice_sim_pass(&sim, 10 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_DISCONNECTED);
	sim.side[0].gathering = ICE_GATHERING_NEW;
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_CHECKING);
	ice_sim_free(&sim);
}

/* What a generation left behind is gone when the next begins. */
static void test_restarts_do_not_pile_up(void **state)
{
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 1, .foundation = "1" };
	struct ice_candidate_stats remote;
	struct ice_pair_stats pair;
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 27, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	for (int i = 0; i < 20; i++) {
		sim.side[0].gathering = ICE_GATHERING_NEW;
		assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
		c.addr = addr_v4(10, 9, 9, (uint8_t)(1 + i), 9);
		assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &c), WLK_OK);
		ice_sim_pass(&sim, 100 * MILLISECOND);
	}
	/* The pair in use and the newest. */
	assert_false(ice_agent_remote_candidate(sim.side[0].agent, 2, &remote));
	assert_false(ice_agent_pair_stats(sim.side[0].agent, 2, &pair));
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

static void test_restart_after_failure_recovers(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_100, 24, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	sim.side[1].deaf = true;
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_FAILED);
	sim.side[1].deaf = false;
	begin_restart(&sim);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 1);
	ice_sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R10_restart_under_traffic),
		cmocka_unit_test(test_restart_can_be_cancelled),
		cmocka_unit_test(test_changed_parameters_need_a_restart),
		cmocka_unit_test(test_restart_before_anything_else),
		cmocka_unit_test(test_restart_while_disconnected_is_checking),
		cmocka_unit_test(test_restarts_do_not_pile_up),
		cmocka_unit_test(test_restart_after_failure_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
