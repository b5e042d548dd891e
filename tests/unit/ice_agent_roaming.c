/* Two agents whose interfaces come and go: backups, moves of either side, renomination, loss of all paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/log.h"
#include "ice/agent_internal.h"
#include "ice/stun_msg.h"
#include "tests/support/ice_pair.h"

static const struct ice_link rtt_40 = { .latency_us = 20000 };

/* Connected and nominated, with |ips| interfaces a side: 10.0.0.x, 10.0.1.x... */
static void connect_sim(struct ice_sim *sim, size_t ips0, size_t ips1, const struct ice_agent_config *a,
			const struct ice_agent_config *b)
{
	ice_sim_init(sim, &rtt_40, 7, a, b);
	for (size_t i = 0; i < 4; i++) {
		sim->side[0].ips[i] = addr_v4(10, 0, (uint8_t)i, 1, 0);
		sim->side[1].ips[i] = addr_v4(10, 0, (uint8_t)i, 2, 0);
	}
	sim->side[0].ip_count = ips0;
	sim->side[1].ip_count = ips1;
	sim->side[0].traffic = sim->side[1].traffic = true;
	for (int i = 0; i < 2; i++)
		ice_agent_set_renomination(sim->side[i].agent, true); /* counts only where it is configured */
	ice_sim_connect(sim);
	assert_true(ice_sim_run(sim, SECOND, ice_sim_nominated));
	ice_sim_pass(sim, SECOND);
}

/* Side |side| has |count| interfaces from here on, the first of them |first|. */
static void set_interfaces(struct ice_sim *sim, int side, wlk_addr first, size_t count)
{
	struct ice_sim_side *s = &sim->side[side];

	s->ips[0] = first;
	s->ip_count = count;
	assert_int_equal(ice_agent_set_interfaces(s->agent, sim->now, s->ips, count), WLK_OK);
}

/* The first interface of |side| goes, with what is in flight to it. */
static void lose_first(struct ice_sim *sim, int side)
{
	struct ice_sim_side *s = &sim->side[side];

	s->dead_ip = s->ips[0];
	memmove(s->ips, s->ips + 1, --s->ip_count * sizeof(s->ips[0]));
	assert_int_equal(ice_agent_set_interfaces(s->agent, sim->now, s->ips, s->ip_count), WLK_OK);
}

static int waiting_for;
static wlk_addr old_address;

static bool peer_has_left_old_address(struct ice_sim *sim)
{
	wlk_addr local, remote;

	return ice_agent_selected(sim->side[waiting_for].agent, &local, &remote) && !addr_ip_equal(&remote, &old_address);
}

/* How long until |side| sends to another address than |address|. */
static wlk_time time_to_follow(struct ice_sim *sim, int side, wlk_addr address)
{
	wlk_time from = sim->now;

	waiting_for = side;
	old_address = address;
	assert_true(ice_sim_run(sim, 3 * SECOND, peer_has_left_old_address));
	return sim->now - from;
}

/* ---- moves ---- */

static void test_late_nomination_of_a_worse_pair_is_followed_at_once(void **state)
{
	struct ice_sim sim;
	wlk_addr gone;

	(void)state;
	connect_sim(&sim, 2, 1, NULL, NULL);
	ice_sim_pass(&sim, 5 * SECOND);
	gone = sim.side[0].ips[0];
	lose_first(&sim, 0);
	assert_in_range(time_to_follow(&sim, 1, gone), 20000, 100000);
	ice_sim_pass(&sim, SECOND);
	assert_true(sim.side[1].nominated);
	assert_in_range(sim.side[0].app_gap, 0, 200 * MILLISECOND);
	assert_in_range(sim.side[1].app_gap, 0, 200 * MILLISECOND);
	ice_sim_free(&sim);
}

/* RFC 5245 peers nominate several pairs in the first moments: the best one counts then, while it is in use. */
static void test_early_nomination_of_a_worse_pair_waits_for_silence(void **state)
{
	struct ice_sim sim;
	wlk_addr gone;

	(void)state;
	connect_sim(&sim, 2, 1, NULL, NULL);
	sim.side[1].traffic = sim.side[0].traffic = false;
	gone = sim.side[0].ips[0];
	lose_first(&sim, 0);
	assert_in_range(time_to_follow(&sim, 1, gone), 300 * MILLISECOND, 3 * SECOND);
	ice_sim_free(&sim);
}

static void test_controlling_side_follows_the_packets_of_a_peer_that_moved(void **state)
{
	struct ice_sim sim;
	wlk_addr gone;

	(void)state;
	connect_sim(&sim, 1, 2, NULL, NULL);
	ice_sim_pass(&sim, 5 * SECOND);
	gone = sim.side[1].ips[0];
	lose_first(&sim, 1);
	assert_in_range(time_to_follow(&sim, 0, gone), 60000, 200000);
	ice_sim_pass(&sim, 8 * SECOND);
	assert_true(sim.side[0].nominated && sim.side[1].nominated); /* the new pair, meanwhile */
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

/* Anybody can forge packets of a backup pair; without an authentic check beside them they move nothing. */
static void test_R2_packets_alone_do_not_move_the_path(void **state)
{
	struct ice_sim sim;
	wlk_addr local, remote, other;

	(void)state;
	connect_sim(&sim, 2, 1, NULL, NULL);
	sim.side[0].traffic = sim.side[1].traffic = false;
	ice_sim_pass(&sim, 5 * SECOND);
	assert_true(ice_agent_selected(sim.side[1].agent, &local, &remote));
	other = sim.side[0].candidates[1].addr;
	assert_false(addr_equal(&other, &remote));
	assert_true(ice_agent_is_validated(sim.side[1].agent, &local, &other));
	ice_agent_on_received(sim.side[1].agent, sim.now, &local, &remote, 100);
	for (int i = 0; i < 40; i++) {
		ice_sim_pass(&sim, 10 * MILLISECOND);
		ice_agent_on_received(sim.side[1].agent, sim.now, &local, &other, 100);
		assert_true(ice_agent_selected(sim.side[1].agent, &local, &remote));
		assert_false(addr_equal(&other, &remote));
	}
	ice_sim_free(&sim);
}

static void test_two_working_paths_are_not_taken_in_turns(void **state)
{
	struct ice_sim sim;
	size_t changes;

	(void)state;
	connect_sim(&sim, 3, 3, NULL, NULL);
	ice_sim_pass(&sim, 5 * SECOND);
	sim.side[0].dead_ip = sim.side[0].local;
	ice_sim_pass(&sim, 5 * SECOND);
	changes = sim.side[0].selected_changes + sim.side[1].selected_changes;
	sim.side[0].dead_ip = (wlk_addr){ 0 };
	ice_sim_pass(&sim, 120 * SECOND);
	/* Back to the better one when it answers again, once. */
	assert_in_range(sim.side[0].selected_changes + sim.side[1].selected_changes, changes, changes + 6);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

/* ---- backups ---- */

static void test_R7_eight_backups_are_warm_and_no_interface_is_without(void **state)
{
	struct ice_sim sim;
	struct ice_agent_stats before, after;

	(void)state;
	connect_sim(&sim, 4, 4, NULL, NULL);
	ice_sim_pass(&sim, 40 * SECOND); /* the cold ones have expired */
	ice_agent_get_stats(sim.side[0].agent, &before);
	ice_sim_pass(&sim, 120 * SECOND);
	ice_agent_get_stats(sim.side[0].agent, &after);
	/* 8 backups every 12 s and the path every 5 s make 104; all 15 backups would make 174. */
	assert_in_range(after.consent_requests_sent - before.consent_requests_sent, 80, 125);
	for (int i = 0; i < 3; i++) {
		wlk_addr gone = sim.side[0].ips[0];

		lose_first(&sim, 0);
		assert_in_range(time_to_follow(&sim, 1, gone), 20000, 200000);
		ice_sim_pass(&sim, 4 * SECOND);
	}
	ice_sim_free(&sim);
}

static void test_failed_pairs_are_checked_again_when_no_path_answers(void **state)
{
	struct ice_sim sim;
	wlk_addr second;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 9, NULL, NULL);
	second = sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	sim.side[0].dead_ip = second; /* of no use at the start */
	sim.side[0].traffic = sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 50 * SECOND); /* its pair has failed, the PAC timer has run out */
	sim.side[0].dead_ip = sim.side[0].ips[0];
	ice_sim_pass(&sim, 4 * SECOND);
	assert_true(ice_sim_connected(&sim));
	assert_true(addr_ip_equal(&sim.side[0].local, &second));
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 0);
	ice_sim_free(&sim);
}

/* ---- all paths lost ---- */

static void test_new_interface_revives_a_lost_call_without_signalling(void **state)
{
	struct ice_sim sim;
	wlk_time from;

	(void)state;
	connect_sim(&sim, 1, 1, NULL, NULL);
	sim.trickle = false;
	ice_sim_pass(&sim, 3 * SECOND);
	set_interfaces(&sim, 0, sim.side[0].ips[0], 0);
	ice_sim_pump(&sim);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_DISCONNECTED);
	assert_true(ice_agent_in_doubt(sim.side[0].agent));
	ice_sim_pass(&sim, 3 * SECOND);
	assert_int_equal(sim.side[0].restarts_wanted, 0); /* without a network there is nothing to restart with */
	from = sim.now;
	set_interfaces(&sim, 0, addr_v4(10, 7, 7, 7, 0), 1);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
	assert_in_range(sim.now - from, 0, 100 * MILLISECOND);
	assert_false(ice_agent_in_doubt(sim.side[0].agent));
	ice_sim_pass(&sim, 3 * SECOND);
	assert_true(addr_ip_equal(&sim.side[1].remote, &sim.side[0].ips[0]));
	assert_int_equal(sim.side[0].restarts_wanted, 0);
	assert_int_equal(sim.side[0].gathering_completed, 2);
	ice_sim_free(&sim);
}

static void test_restart_is_wanted_once_a_loss(void **state)
{
	struct ice_sim sim;
	wlk_time from;

	(void)state;
	connect_sim(&sim, 1, 1, NULL, NULL);
	ice_sim_pass(&sim, 3 * SECOND);
	sim.trickle = false;
	sim.side[0].dead_ip = addr_v4(10, 7, 7, 7, 0); /* the new interface reaches nobody */
	from = sim.now;
	set_interfaces(&sim, 0, sim.side[0].dead_ip, 1);
	ice_sim_pass(&sim, 1400 * MILLISECOND);
	assert_int_equal(sim.side[0].restarts_wanted, 0);
	ice_sim_pass(&sim, 200 * MILLISECOND);
	assert_int_equal(sim.side[0].restarts_wanted, 1);
	ice_sim_pass(&sim, 60 * SECOND);
	assert_int_equal(sim.side[0].restarts_wanted, 1);
	assert_int_equal(sim.side[1].restarts_wanted, 1); /* at "disconnected", and not again at "failed" */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ice_sim_count(&sim, i, ICE_STATE_DISCONNECTED), 1);
		assert_int_equal(ice_sim_count(&sim, i, ICE_STATE_FAILED), 1);
	}
	/* As long as consent would have lasted, no longer. */
	assert_int_equal(ice_sim_when(&sim, 0, ICE_STATE_FAILED) - from, 30 * SECOND);
	assert_true(sim.side[0].last_sent <= from + 30 * SECOND);
	assert_int_equal(ice_agent_deadline(sim.side[0].agent), WLK_TIME_NEVER);
	ice_sim_free(&sim);
}

static void test_restart_is_wanted_again_after_the_next_loss(void **state)
{
	struct ice_sim sim;

	(void)state;
	connect_sim(&sim, 1, 1, NULL, NULL);
	for (size_t i = 1; i <= 3; i++) {
		sim.side[1].deaf = true;
		ice_sim_pass(&sim, 10 * SECOND);
		assert_int_equal(sim.side[0].restarts_wanted, i);
		sim.side[1].deaf = false;
		ice_sim_pass(&sim, 3 * SECOND);
		assert_true(ice_sim_connected(&sim));
	}
	ice_sim_free(&sim);
}

static void test_no_roaming_takes_nothing_new(void **state)
{
	const struct ice_agent_config config = { .controlling = true, .no_roaming = true };
	struct ice_sim sim;

	(void)state;
	connect_sim(&sim, 1, 1, &config, NULL);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	set_interfaces(&sim, 0, sim.side[0].ips[0], 2);
	ice_sim_pass(&sim, 3 * SECOND);
	assert_int_equal(sim.side[0].candidate_count, 1);
	assert_int_equal(sim.side[0].gathering_completed, 1);
	set_interfaces(&sim, 0, sim.side[0].ips[1], 1); /* what vanished is closed all the same */
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_DISCONNECTED);
	ice_sim_pump(&sim);
	assert_int_equal(sim.side[0].closes, 1);
	ice_sim_free(&sim);
}

/* ---- many candidates ---- */

/* Each new address is another candidate; those that lead nowhere any more make room, so that the cap (R8) stays a cap. */
static void test_R8_a_roaming_peer_does_not_run_out_of_candidates(void **state)
{
	const struct ice_agent_config small = { .max_remote_candidates = 6 };
	struct ice_sim sim;

	(void)state;
	connect_sim(&sim, 1, 1, NULL, &small);
	for (int i = 0; i < 40; i++) {
		set_interfaces(&sim, 0, addr_v4(10, 8, (uint8_t)i, 1, 0), 1);
		ice_sim_pass(&sim, 10 * SECOND);
		assert_true(ice_sim_connected(&sim));
		assert_true(addr_ip_equal(&sim.side[1].remote, &sim.side[0].ips[0]));
	}
	ice_sim_free(&sim);
}

/* Every mapping of a NAT that a check reveals is a local candidate; those that no pair has any more make room for others. */
static void test_mappings_of_the_past_leave_room_for_a_new_interface(void **state)
{
	struct ice_sim sim;

	(void)state;
	connect_sim(&sim, 1, 1, NULL, NULL);
	sim.side[0].nat.enabled = true;
	for (int i = 0; i < 140; i++) {
		ice_sim_rebind(&sim, 0);
		set_interfaces(&sim, 1, addr_v4(10, 8, (uint8_t)i, 2, 0), 1);
		ice_sim_pass(&sim, 10 * SECOND);
		assert_true(ice_sim_connected(&sim));
	}
	sim.side[0].nat.enabled = false;
	sim.side[0].ips[1] = addr_v4(10, 9, 0, 1, 0);
	set_interfaces(&sim, 0, sim.side[0].ips[0], 2);
	ice_sim_pass(&sim, 10 * SECOND);
	lose_first(&sim, 0);
	ice_sim_pass(&sim, 10 * SECOND);
	assert_true(ice_sim_connected(&sim));
	assert_true(addr_ip_equal(&sim.side[0].local, &sim.side[0].ips[0]));
	ice_sim_free(&sim);
}

static void test_interface_that_comes_back_has_its_old_preference(void **state)
{
	struct ice_sim sim;
	wlk_addr first, second;
	uint32_t priority;

	(void)state;
	connect_sim(&sim, 2, 1, NULL, NULL);
	first = sim.side[0].ips[0];
	second = sim.side[0].ips[1];
	priority = sim.side[0].candidates[0].priority;
	ice_sim_pass(&sim, 4 * SECOND);
	set_interfaces(&sim, 0, second, 1);
	ice_sim_pass(&sim, 4 * SECOND);
	sim.side[0].ips[1] = second;
	set_interfaces(&sim, 0, first, 2);
	ice_sim_pass(&sim, 4 * SECOND);
	assert_int_equal(sim.side[0].candidate_count, 3);
	assert_int_equal(sim.side[0].candidates[2].priority, priority);
	assert_true(addr_ip_equal(&sim.side[0].local, &first)); /* the better one is used again */
	assert_true(addr_ip_equal(&sim.side[1].remote, &first));
	ice_sim_free(&sim);
}

/* ---- renomination ---- */

struct nominations {
	uint32_t values[64];
	size_t count;
	size_t of_controlled;
};

static bool note_nominations(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct nominations *n = sim->user;
	struct stun_msg msg;

	if (stun_msg_parse(&msg, d->buf->data, d->buf->size) || msg.class != STUN_REQUEST || !msg.has_nomination)
		return true;
	n->of_controlled += from == 1;
	assert_true(msg.use_candidate); /* for peers that know no better */
	if (n->count < 64 && (!n->count || n->values[n->count - 1] != msg.nomination))
		n->values[n->count++] = msg.nomination;
	return true;
}

static void renominate(bool a, bool b, struct nominations *n)
{
	const struct ice_agent_config ca = { .controlling = true, .renomination = a }, cb = { .renomination = b };
	struct ice_sim sim;
	wlk_addr gone;

	*n = (struct nominations){ .count = 0 };
	connect_sim(&sim, 3, 1, &ca, &cb);
	sim.tap = note_nominations;
	sim.user = n;
	for (int i = 0; i < 2; i++) {
		gone = sim.side[0].ips[0];
		lose_first(&sim, 0);
		(void)time_to_follow(&sim, 1, gone);
		ice_sim_pass(&sim, SECOND);
		assert_true(ice_sim_nominated(&sim));
	}
	assert_int_equal(n->of_controlled, 0);
	ice_sim_free(&sim);
}

static void test_renomination_numbers_rise(void **state)
{
	struct nominations n;

	(void)state;
	renominate(true, true, &n);
	assert_true(n.count >= 2);
	for (size_t i = 1; i < n.count; i++)
		assert_true(n.values[i] > n.values[i - 1]);
	renominate(false, true, &n);
	assert_int_equal(n.count, 0);
	renominate(true, false, &n); /* the far end goes by USE-CANDIDATE */
	assert_true(n.count >= 2);
}

/* Early, and with a worse pair: the number alone decides. */
static void test_renomination_is_followed_at_once(void **state)
{
	const struct ice_agent_config ca = { .controlling = true, .renomination = true }, cb = { .renomination = true };
	struct ice_sim sim;
	wlk_addr gone;

	(void)state;
	connect_sim(&sim, 2, 1, &ca, &cb);
	gone = sim.side[0].ips[0];
	lose_first(&sim, 0);
	assert_in_range(time_to_follow(&sim, 1, gone), 20000, 100000);
	assert_true(sim.side[1].nominated);
	ice_sim_free(&sim);
}

static void count_selections(enum log_level level, const char *prefix, const char *message, void *user)
{
	size_t *lines = user;

	(void)level;
	(void)prefix;
	*lines += strstr(message, "selected:") != NULL;
}

/* A controlling peer may nominate another pair with every packet. */
static void test_R3_nominations_do_not_fill_the_log(void **state)
{
	const struct ice_agent_config ca = { .controlling = true, .renomination = true }, cb = { .renomination = true };
	size_t lines = 0, valid = 0;
	struct ice_pair *pairs[2];
	struct ice_sim sim;
	struct ice_agent *agent;

	(void)state;
	connect_sim(&sim, 2, 1, &ca, &cb);
	agent = sim.side[1].agent;
	for (size_t i = 0; i < agent->checklist.count && valid < 2; i++)
		if (agent->checklist.pairs[i]->valid)
			pairs[valid++] = agent->checklist.pairs[i];
	assert_int_equal(valid, 2);
	log_set(LOG_LEVEL_INFO, count_selections, &lines);
	for (uint32_t i = 0; i < 100; i++) {
		agent_renominate(agent, sim.now, pairs[i % 2], 1000 + i);
		assert_ptr_equal(agent->selected, pairs[i % 2]);
	}
	log_set(LOG_LEVEL_NONE, NULL, NULL);
	assert_in_range(lines, 1, 10);
	ice_sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_nomination_of_a_worse_pair_is_followed_at_once),
		cmocka_unit_test(test_early_nomination_of_a_worse_pair_waits_for_silence),
		cmocka_unit_test(test_controlling_side_follows_the_packets_of_a_peer_that_moved),
		cmocka_unit_test(test_R2_packets_alone_do_not_move_the_path),
		cmocka_unit_test(test_two_working_paths_are_not_taken_in_turns),
		cmocka_unit_test(test_R7_eight_backups_are_warm_and_no_interface_is_without),
		cmocka_unit_test(test_failed_pairs_are_checked_again_when_no_path_answers),
		cmocka_unit_test(test_new_interface_revives_a_lost_call_without_signalling),
		cmocka_unit_test(test_restart_is_wanted_once_a_loss),
		cmocka_unit_test(test_restart_is_wanted_again_after_the_next_loss),
		cmocka_unit_test(test_no_roaming_takes_nothing_new),
		cmocka_unit_test(test_R8_a_roaming_peer_does_not_run_out_of_candidates),
		cmocka_unit_test(test_mappings_of_the_past_leave_room_for_a_new_interface),
		cmocka_unit_test(test_interface_that_comes_back_has_its_old_preference),
		cmocka_unit_test(test_renomination_numbers_rise),
		cmocka_unit_test(test_renomination_is_followed_at_once),
		cmocka_unit_test(test_R3_nominations_do_not_fill_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
