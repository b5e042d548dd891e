/* gather: servers by name and literal, lost requests, dead servers, keep-alives, preferences of the families. */
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

static const struct ice_link rtt_20 = { .latency_us = 10000 };

static void set_up(struct ice_sim *sim, const struct ice_link *link, bool nat)
{
	ice_sim_init(sim, link, 1, NULL, NULL);
	sim->stun_server = addr_v4(198, 51, 100, 1, 3478);
	sim->side[0].nat.enabled = nat;
}

static size_t count_srflx(const struct ice_sim *sim)
{
	size_t count = 0;

	for (size_t i = 0; i < sim->side[0].candidate_count; i++)
		count += sim->side[0].candidates[i].type == CANDIDATE_SRFLX;
	return count;
}

static void test_server_by_name(void **state)
{
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, true);
	ice_sim_gather(&sim, 0);
	ice_sim_pass(&sim, 30 * MILLISECOND);
	assert_int_equal(count_srflx(&sim), 1);
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
	ice_sim_free(&sim);
}

static void test_server_by_literal_needs_no_look_up(void **state)
{
	struct ice_sim sim;
	struct ice_request r;

	(void)state;
	set_up(&sim, &rtt_20, true);
	assert_int_equal(ice_sim_use_stun(sim.side[0].agent, "198.51.100.1"), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(sim.side[0].agent, sim.now), WLK_OK);
	assert_true(ice_agent_poll_request(sim.side[0].agent, &r));
	assert_int_equal(r.type, ICE_REQUEST_BIND_UDP);
	struct ice_request none;

	assert_false(ice_agent_poll_request(sim.side[0].agent, &none));
	r.local.port = sim.side[0].next_port++;
	ice_agent_on_request(sim.side[0].agent, sim.now, r.id, WLK_OK, &r.local, 1);
	ice_sim_pass(&sim, 30 * MILLISECOND);
	assert_int_equal(count_srflx(&sim), 1);
	ice_sim_free(&sim);
}

/* RFC 8445 5.1.3: without a NAT the mapped address is the host candidate. */
static void test_redundant_candidate_is_dropped(void **state)
{
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, false);
	ice_sim_gather(&sim, 0);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].candidate_count, 1);
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
	ice_sim_free(&sim);
}

static void test_lossy_way_to_the_server(void **state)
{
	struct ice_link lossy = { .latency_us = 10000, .loss = 400 };
	int found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct ice_sim sim;

		ice_sim_init(&sim, &lossy, seed, NULL, NULL);
		sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
		sim.side[0].nat.enabled = true;
		ice_sim_gather(&sim, 0);
		ice_sim_pass(&sim, 10 * SECOND);
		assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
		found += (int)count_srflx(&sim);
		ice_sim_free(&sim);
	}
	assert_true(found >= 40);
}

static bool swallow_server(struct ice_sim *sim, int from, const struct dgram *d)
{
	(void)from;
	return !addr_equal(&d->remote, &sim->stun_server);
}

static void test_dead_server_does_not_hold_up_the_call(void **state)
{
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, false);
	sim.tap = swallow_server;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 200 * MILLISECOND, ice_sim_nominated));
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_ACTIVE);
	ice_sim_pass(&sim, 3 * SECOND);
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
	ice_sim_free(&sim);
}

/* Two interfaces, a server: asking it costs the first check nothing. */
static void test_servers_do_not_delay_the_first_check(void **state)
{
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, false);
	for (int i = 0; i < 2; i++) {
		sim.side[i].ips[1] = addr_v4(10, 0, 1, (uint8_t)(1 + i), 0);
		sim.side[i].ip_count = 2;
	}
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
	assert_int_equal(sim.side[0].first_validated - SECOND, 20 * MILLISECOND);
	assert_int_equal(sim.side[1].first_validated - SECOND, 20 * MILLISECOND);
	ice_sim_free(&sim);
}

static void test_unknown_name_completes(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_20, 1, NULL, NULL);
	assert_int_equal(ice_sim_use_stun(sim.side[0].agent, "nowhere.example"), WLK_OK);
	ice_sim_gather(&sim, 0);
	ice_sim_pump(&sim);
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
	assert_int_equal(sim.side[0].candidate_count, 1);
	ice_sim_free(&sim);
}

struct keepalives {
	size_t count;
	wlk_time last;
};

static bool note_indications(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct keepalives *k = sim->user;
	struct stun_msg msg;

	if (from == 0 && !stun_msg_parse(&msg, d->buf->data, d->buf->size) && msg.class == STUN_INDICATION) {
		assert_true(addr_equal(&d->remote, &sim->stun_server));
		if (k->last)
			assert_int_equal(sim->now - k->last, 15 * SECOND);
		k->last = sim->now;
		k->count++;
	}
	return true;
}

/* While the other side is still being fetched, the mapping must not close. */
static void test_mapping_is_kept_open_until_a_pair_is_selected(void **state)
{
	struct keepalives k = { 0 };
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, true);
	sim.tap = note_indications;
	sim.user = &k;
	ice_sim_gather(&sim, 0);
	ice_sim_gather(&sim, 1);
	ice_sim_pass(&sim, 100 * SECOND);
	assert_int_equal(k.count, 6);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	k.count = 0;
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(k.count, 0);
	ice_sim_free(&sim);
}

static void test_restart_asks_again(void **state)
{
	struct ice_sim sim;

	(void)state;
	set_up(&sim, &rtt_20, true);
	ice_sim_gather(&sim, 0);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(count_srflx(&sim), 1);
	sim.side[0].candidate_count = 0;
	sim.side[0].gathering = ICE_GATHERING_NEW;
	ice_sim_rebind(&sim, 0);
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].candidate_count, 2);
	assert_int_equal(count_srflx(&sim), 1);
	assert_int_equal(sim.side[0].candidates[1].addr.port, 5000 + 2000); /* the mapping of now */
	assert_int_equal(sim.side[0].gathering_completed, 2);
	ice_sim_free(&sim);
}

/* RFC 8421: the families alternate, IPv6 first; all priorities differ. */
static void test_priorities_alternate_between_families(void **state)
{
	static const uint8_t six[2][16] = { { 0x20, 0x01, [15] = 1 }, { 0x20, 0x01, [15] = 2 } };
	struct ice_candidate *c;
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, NULL, 1, NULL, NULL);
	c = sim.side[0].candidates;
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ips[2] = addr_v6(six[0], 0);
	sim.side[0].ips[3] = addr_v6(six[1], 0);
	sim.side[0].ip_count = 4;
	ice_sim_gather(&sim, 0);
	ice_sim_pump(&sim);
	assert_int_equal(sim.side[0].candidate_count, 4);
	assert_true(c[2].priority > c[0].priority);
	assert_true(c[0].priority > c[3].priority);
	assert_true(c[3].priority > c[1].priority);
	assert_string_not_equal(c[0].foundation, c[1].foundation);
	assert_string_not_equal(c[0].foundation, c[2].foundation);
	ice_sim_free(&sim);
}

static void test_filters(void **state)
{
	static const uint8_t link_local[16] = { 0xfe, 0x80, [15] = 1 };
	static const struct {
		struct ice_agent_config config;
		size_t expect;
	} cases[] = {
		{ { 0 }, 1 },
		{ { .allow_loopback = true }, 2 },
		{ { .include_link_local = true }, 2 },
		{ { .no_ipv4 = true }, 0 },
		{ { .no_ipv4 = true, .include_link_local = true }, 1 },
		{ { .no_ipv6 = true, .include_link_local = true }, 1 },
		{ { .policy = ICE_POLICY_RELAY, .allow_loopback = true }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ice_sim sim;

		ice_sim_init(&sim, NULL, 1, &cases[i].config, NULL);
		sim.side[0].ips[1] = addr_v4(127, 0, 0, 1, 0);
		sim.side[0].ips[2] = addr_v6(link_local, 0);
		sim.side[0].ips[3] = addr_v4(224, 0, 0, 1, 0);
		sim.side[0].ip_count = 4;
		ice_sim_gather(&sim, 0);
		ice_sim_pump(&sim);
		assert_int_equal(sim.side[0].candidate_count, cases[i].expect);
		assert_int_equal(sim.side[0].gathering, ICE_GATHERING_COMPLETE);
		ice_sim_free(&sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_by_name),
		cmocka_unit_test(test_server_by_literal_needs_no_look_up),
		cmocka_unit_test(test_redundant_candidate_is_dropped),
		cmocka_unit_test(test_lossy_way_to_the_server),
		cmocka_unit_test(test_dead_server_does_not_hold_up_the_call),
		cmocka_unit_test(test_servers_do_not_delay_the_first_check),
		cmocka_unit_test(test_unknown_name_completes),
		cmocka_unit_test(test_mapping_is_kept_open_until_a_pair_is_selected),
		cmocka_unit_test(test_restart_asks_again),
		cmocka_unit_test(test_priorities_alternate_between_families),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
