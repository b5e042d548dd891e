/* agent_stream: ICE-TCP between two agents in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "ice/agent_internal.h"
#include "tests/support/ice_pair.h"

static struct ice_sim sim;

/* Side |passive| listens; UDP gets nowhere. */
static void set_up(int passive, int controlling, wlk_time latency)
{
	struct ice_agent_config configs[2] = { { .controlling = controlling == 0 }, { .controlling = controlling == 1 } };

	if (passive >= 0)
		configs[passive].tcp_passive = true;
	ice_sim_tcp = true;
	ice_sim_init(&sim, &(struct ice_link){ .latency_us = latency }, 7, &configs[0], &configs[1]);
	sim.udp_blocked = true;
}

static bool over_tcp(int side)
{
	return sim.side[side].local.transport == WLK_TRANSPORT_TCP && sim.side[side].remote.transport == WLK_TRANSPORT_TCP;
}

static void test_connects_over_tcp_where_udp_is_blocked(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		set_up(i & 1, i >> 1, 20 * MILLISECOND);
		sim.side[0].traffic = sim.side[1].traffic = true;
		ice_sim_connect(&sim);
		assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
		/* one round trip for the connection, one for the check, and the nomination */
		assert_true(sim.now - SECOND <= 200 * MILLISECOND);
		assert_true(over_tcp(0) && over_tcp(1));
		assert_true(addr_equal(&sim.side[0].local, &sim.side[1].remote));
		assert_true(addr_equal(&sim.side[1].local, &sim.side[0].remote));
		ice_sim_pass(&sim, SECOND);
		assert_true(sim.side[0].app_received > 40 && sim.side[1].app_received > 40);
		assert_int_equal(sim.side[!(i & 1)].connects, 1);
		assert_int_equal(ice_sim_open_streams(&sim), 1);
		ice_sim_free(&sim);
	}
}

static void test_it_lives_as_long_as_consent_is_given(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 300 * SECOND);
	assert_true(ice_sim_connected(&sim));
	assert_int_equal(sim.side[0].consent_expired + sim.side[1].consent_expired, 0);
	assert_int_equal(sim.side[0].connects, 1);
	assert_int_equal(ice_sim_open_streams(&sim), 1);
	ice_sim_free(&sim);
}

static void test_udp_is_preferred(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	sim.udp_blocked = false;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 20 * SECOND);
	assert_false(over_tcp(0));
	assert_false(over_tcp(1));
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_COMPLETED);
	ice_sim_free(&sim);
}

static void test_connecting_is_given_up_when_a_better_pair_answers(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	sim.udp_blocked = false;
	sim.syn_delay_us = SECOND;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 500 * MILLISECOND);
	assert_int_equal(sim.side[0].connects, 1);
	assert_int_equal(sim.side[0].stream_closes, 1);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_COMPLETED);
	/* When UDP falls silent there is reason to connect again. */
	sim.side[0].traffic = sim.side[1].traffic = true;
	sim.udp_blocked = true;
	sim.syn_delay_us = 0;
	ice_sim_pass(&sim, 4 * SECOND);
	assert_int_equal(sim.side[0].connects, 2);
	assert_true(over_tcp(0) && over_tcp(1));
	ice_sim_free(&sim);
}

/* A packet of the history is a view into somebody else's block and has no room for the length. */
static void test_a_view_is_framed_too(void **state)
{
	struct pktbuf *block = pktbuf_copy(NULL, "abcdefgh", 8);
	struct dgram d = { 0 };

	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	assert_true(ice_agent_selected(sim.side[0].agent, &d.local, &d.remote));
	d.buf = pktbuf_slice(block, 2, 4);
	assert_true(ice_agent_wrap(sim.side[0].agent, sim.now, &d));
	assert_int_equal(d.buf->size, 6);
	assert_memory_equal(d.buf->data, "\0\4cdef", 6);
	assert_int_not_equal(d.stream, 0);
	pktbuf_release(d.buf);
	assert_memory_equal(block->data, "abcdefgh", 8);
	d.stream = 0;
	d.remote.port++; /* no such connection */
	d.buf = block;
	assert_false(ice_agent_wrap(sim.side[0].agent, sim.now, &d));
	pktbuf_release(block);
	ice_sim_free(&sim);
}

static void test_a_connection_takes_over_when_udp_dies(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	sim.udp_blocked = false;
	sim.side[0].traffic = sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 5 * SECOND);
	sim.udp_blocked = true;
	ice_sim_pass(&sim, 10 * SECOND);
	assert_true(over_tcp(0) && over_tcp(1));
	assert_true(sim.side[0].app_gap < 5 * SECOND && sim.side[1].app_gap < 5 * SECOND);
	ice_sim_free(&sim);
}

static void test_a_broken_connection_is_opened_again_after_a_second(void **state)
{
	wlk_time broken_at;

	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	sim.side[0].traffic = sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	for (int i = 0; i < 3; i++) {
		ice_sim_pass(&sim, 5 * SECOND);
		broken_at = sim.now;
		sim.side[0].nominated = sim.side[1].nominated = false;
		ice_sim_break_streams(&sim);
		ice_sim_pump(&sim);
		assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_DISCONNECTED);
		assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_DISCONNECTED);
		assert_false(ice_agent_selected(sim.side[0].agent, &(wlk_addr){ 0 }, &(wlk_addr){ 0 }));
		assert_true(ice_sim_run(&sim, 3 * SECOND, ice_sim_nominated));
		assert_true(sim.now - broken_at >= SECOND && sim.now - broken_at < 1500 * MILLISECOND);
		assert_int_equal(sim.side[0].connects, 2 + i);
	}
	ice_sim_pass(&sim, SECOND);
	assert_true(sim.side[0].app_gap < 2 * SECOND);
	assert_int_equal(ice_sim_open_streams(&sim), 1);
	ice_sim_free(&sim);
}

static void test_a_refused_connection_is_tried_twice(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_gather(&sim, 1);
	ice_sim_pump(&sim);
	sim.side[1].listener_count = 0; /* announced, but nobody is there */
	ice_sim_gather(&sim, 0);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(sim.side[0].connects, 2);
	assert_int_equal(sim.streams[1].open[0], false);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	assert_int_equal(((struct ice_agent *)sim.side[0].agent)->streams.count, 0);
	ice_sim_free(&sim);
}

static void test_checks_over_tcp_are_sent_once(void **state)
{
	struct ice_agent_stats stats;

	(void)state;
	set_up(1, 0, 700 * MILLISECOND); /* over UDP this delay sees two retransmissions */
	sim.side[0].dead_ip = addr_v4(0, 0, 0, 0, 0);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 20 * SECOND, ice_sim_nominated));
	for (int i = 0; i < 2; i++) {
		struct ice_pair_stats pair;
		uint64_t sent = 0;

		for (size_t k = 0; ice_agent_pair_stats(sim.side[i].agent, k, &pair); k++)
			if (pair.local.transport == WLK_TRANSPORT_TCP)
				sent += pair.requests_sent - pair.consent_requests_sent;
		assert_true(sent >= 1 && sent <= 2); /* the check, and the nominating one */
		ice_agent_get_stats(sim.side[i].agent, &stats);
		assert_int_equal(stats.malformed, 0);
	}
	ice_sim_free(&sim);
}

static void test_a_restart_opens_new_connections(void **state)
{
	wlk_addr before;

	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	sim.side[0].traffic = sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, SECOND);
	before = sim.side[0].local;
	for (int i = 0; i < 2; i++) {
		sim.side[i].nominated = false;
		sim.side[i].candidate_count = 0;
		sim.side[i].gathering = ICE_GATHERING_NEW;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
	for (int i = 0; i < 2; i++)
		ice_sim_signal_parameters(&sim, i);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 10 * SECOND);
	assert_true(over_tcp(0));
	assert_false(addr_equal(&before, &sim.side[0].local));
	assert_int_equal(ice_sim_open_streams(&sim), 1); /* the old one went with its generation */
	assert_true(sim.side[0].app_gap < SECOND && sim.side[1].app_gap < SECOND);
	ice_sim_free(&sim);
}

static void test_an_interface_takes_its_connections_with_it(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, NULL, 0), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(ice_sim_open_streams(&sim), 0);
	assert_int_equal(sim.side[0].stream_closes, 1);
	assert_int_equal(((struct ice_agent *)sim.side[0].agent)->streams.count, 0);
	/* It comes back, and is connected from once more. */
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 1), WLK_OK);
	ice_sim_pass(&sim, 3 * SECOND);
	assert_int_equal(ice_sim_open_streams(&sim), 1);
	assert_true(over_tcp(0));
	/* The listener's goes the same way. */
	assert_int_equal(ice_agent_set_interfaces(sim.side[1].agent, sim.now, NULL, 0), WLK_OK);
	ice_sim_pass(&sim, 100 * MILLISECOND);
	assert_int_equal(ice_sim_open_streams(&sim), 0);
	ice_sim_free(&sim);
}

static void test_closing_closes_connections_and_listeners(void **state)
{
	(void)state;
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	ice_agent_close(sim.side[1].agent);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[1].stream_closes, 1);
	assert_int_equal(sim.side[1].closes, 2); /* socket and listener */
	assert_int_equal(ice_sim_open_streams(&sim), 0);
	ice_sim_free(&sim);
	set_up(1, 0, 20 * MILLISECOND);
	ice_sim_connect(&sim); /* the connection is on its way */
	ice_agent_close(sim.side[0].agent);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].stream_closes, 1);
	assert_int_equal(ice_sim_open_streams(&sim), 0);
	ice_sim_free(&sim);
}

static void test_a_lite_agent_listens(void **state)
{
	const struct ice_agent_config full = { .controlling = true }, lite = { .tcp_passive = true, .lite = true };

	(void)state;
	ice_sim_tcp = true;
	ice_sim_init(&sim, &(struct ice_link){ .latency_us = 20 * MILLISECOND }, 7, &full, &lite);
	sim.udp_blocked = true;
	for (int i = 0; i < 2; i++)
		ice_sim_gather(&sim, i);
	for (int i = 0; i < 2; i++) {
		struct ice_agent *other = sim.side[!i].agent;

		assert_int_equal(ice_agent_set_remote_parameters(sim.side[i].agent, sim.now,
								 str_of(ice_agent_local_ufrag(other)),
								 str_of(ice_agent_local_pwd(other)), i == 0),
				 WLK_OK);
	}
	assert_true(ice_sim_run(&sim, 2 * SECOND, ice_sim_nominated));
	assert_true(over_tcp(0) && over_tcp(1));
	assert_int_equal(sim.side[1].connects, 0);
	ice_sim_free(&sim);
}

static void test_without_memory(void **state)
{
	bool failed = true;
	size_t n = 1;

	(void)state;
	for (; failed && n < 3000; n += 1 + n / 40) {
		set_up(1, 0, 5 * MILLISECOND);
		alloc_fail_after(n);
		ice_sim_connect(&sim);
		ice_sim_pass(&sim, 4 * SECOND);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		ice_sim_pass(&sim, SECOND);
		ice_sim_free(&sim);
	}
	assert_false(failed);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_over_tcp_where_udp_is_blocked),
		cmocka_unit_test(test_it_lives_as_long_as_consent_is_given),
		cmocka_unit_test(test_udp_is_preferred),
		cmocka_unit_test(test_connecting_is_given_up_when_a_better_pair_answers),
		cmocka_unit_test(test_a_view_is_framed_too),
		cmocka_unit_test(test_a_connection_takes_over_when_udp_dies),
		cmocka_unit_test(test_a_broken_connection_is_opened_again_after_a_second),
		cmocka_unit_test(test_a_refused_connection_is_tried_twice),
		cmocka_unit_test(test_checks_over_tcp_are_sent_once),
		cmocka_unit_test(test_a_restart_opens_new_connections),
		cmocka_unit_test(test_an_interface_takes_its_connections_with_it),
		cmocka_unit_test(test_closing_closes_connections_and_listeners),
		cmocka_unit_test(test_a_lite_agent_listens),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
