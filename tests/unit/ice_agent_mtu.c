/* agent_mtu: padded requests beside everything else, proof, holes, loss, and whom nobody asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "ice/stun_msg.h"
#include "tests/support/ice_pair.h"

static const struct ice_link rtt_40 = { .latency_us = 20000 };

struct seen {
	size_t hole; /* datagrams that are longer vanish; 0: none */
	int lose;    /* so many probes vanish */
	int probes[2];
	wlk_time first_probe[2];
};

static bool tap(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct seen *seen = sim->user;
	struct stun_msg msg;

	if (d->buf->size == ICE_PATH_PROBE_SIZE) {
		assert_int_equal(stun_msg_parse(&msg, d->buf->data, d->buf->size), WLK_OK);
		assert_int_equal(msg.class, STUN_REQUEST);
		assert_true(msg.fingerprint_ok && !msg.unknown_count && !msg.use_candidate);
		if (!seen->probes[from]++)
			seen->first_probe[from] = sim->now;
		if (seen->lose && seen->lose--)
			return false;
	}
	return !seen->hole || d->buf->size <= seen->hole;
}

static void init_sim(struct ice_sim *sim, struct seen *seen, uint64_t seed)
{
	struct ice_agent_config a = { .controlling = true, .probe_mtu = true };
	struct ice_agent_config b = { .probe_mtu = true };

	ice_sim_init(sim, &rtt_40, seed, &a, &b);
	sim->tap = tap;
	sim->user = seen;
}

static void test_proven_one_round_trip_after_the_path(void **state)
{
	struct ice_agent_stats stats;
	struct seen seen = { 0 };
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, &seen, 1);
	ice_sim_connect(&sim);
	assert_false(ice_agent_full_size_proven(sim.side[0].agent));
	ice_sim_pass(&sim, 40 * MILLISECOND);
	assert_true(sim.side[0].first_validated > 0);
	assert_false(ice_agent_full_size_proven(sim.side[0].agent));
	ice_sim_pass(&sim, 40 * MILLISECOND);
	for (int i = 0; i < 2; i++) {
		assert_true(ice_agent_full_size_proven(sim.side[i].agent));
		assert_int_equal(seen.first_probe[i], sim.side[i].first_validated);
	}
	ice_sim_pass(&sim, 20 * SECOND);
	for (int i = 0; i < 2; i++) {
		ice_agent_get_stats(sim.side[i].agent, &stats);
		assert_int_equal(stats.mtu_probes_sent, 1);
		assert_in_range(stats.requests_sent - stats.responses_received, 0, 1); /* one may be on its way */
		assert_int_equal(seen.probes[i], 1);
	}
	ice_sim_free(&sim);
}

static void test_hole_is_not_proven_and_disturbs_nothing(void **state)
{
	struct ice_agent_stats stats;
	struct seen seen = { .hole = 1000 };
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, &seen, 2);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 60 * SECOND);
	for (int i = 0; i < 2; i++) {
		assert_false(ice_agent_full_size_proven(sim.side[i].agent));
		ice_agent_get_stats(sim.side[i].agent, &stats);
		assert_int_equal(stats.mtu_probes_sent, 8); /* R8: seven retransmissions, and never again */
		assert_int_equal(ice_agent_state(sim.side[i].agent), ICE_STATE_COMPLETED);
		assert_int_equal(ice_sim_count(&sim, i, ICE_STATE_DISCONNECTED), 0);
	}
	ice_sim_free(&sim);
}

static void test_lost_probes_are_repeated(void **state)
{
	struct seen seen = { .lose = 6 };
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, &seen, 3);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 200 * MILLISECOND);
	assert_false(ice_agent_full_size_proven(sim.side[0].agent));
	ice_sim_pass(&sim, 2 * SECOND);
	assert_true(ice_agent_full_size_proven(sim.side[0].agent));
	assert_true(ice_agent_full_size_proven(sim.side[1].agent));
	ice_sim_free(&sim);
}

/* A lite agent sends no checks, and without probe_mtu nobody asks: full packets are taken for granted. */
static void test_where_nobody_asks(void **state)
{
	struct ice_agent_config lite = { .lite = true, .probe_mtu = true };
	struct ice_agent_config plain = { .controlling = true };
	struct seen seen = { 0 };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 4, &plain, &lite);
	sim.tap = tap;
	sim.user = &seen;
	ice_sim_connect(&sim);
	assert_false(ice_agent_full_size_proven(sim.side[0].agent)); /* there is no path */
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	for (int i = 0; i < 2; i++) {
		assert_true(ice_agent_full_size_proven(sim.side[i].agent));
		assert_int_equal(seen.probes[i], 0);
	}
	ice_sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proven_one_round_trip_after_the_path),
		cmocka_unit_test(test_hole_is_not_proven_and_disturbs_nothing),
		cmocka_unit_test(test_lost_probes_are_repeated),
		cmocka_unit_test(test_where_nobody_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
