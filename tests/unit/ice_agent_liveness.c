/* Consent and liveness between two agents: intervals, disconnected, expiry, rebinding, backups, network changes. */
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

static void connect_pair(struct ice_sim *sim, uint64_t seed, bool traffic)
{
	ice_sim_init(sim, &rtt_40, seed, NULL, NULL);
	sim->side[0].traffic = traffic;
	sim->side[1].traffic = traffic;
	ice_sim_connect(sim);
	assert_true(ice_sim_run(sim, SECOND, ice_sim_nominated));
}

struct tapped {
	wlk_time times[4096];
	size_t count;
};

/* When side 0 sends Binding requests. */
static bool note_requests(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct tapped *t = sim->user;
	struct stun_msg msg;

	if (from == 0 && !stun_msg_parse(&msg, d->buf->data, d->buf->size) && msg.class == STUN_REQUEST &&
	    t->count < 4096)
		t->times[t->count++] = sim->now;
	return true;
}

static void test_R7_consent_every_4_to_6_seconds(void **state)
{
	static struct tapped t;
	struct ice_sim sim;
	wlk_time least = WLK_TIME_NEVER;
	wlk_time most = 0;

	(void)state;
	connect_pair(&sim, 1, true);
	ice_sim_pass(&sim, SECOND);
	t.count = 0;
	sim.tap = note_requests;
	sim.user = &t;
	ice_sim_pass(&sim, 600 * SECOND);
	assert_true(t.count >= 100 && t.count <= 150);
	for (size_t i = 1; i < t.count; i++) {
		least = time_min(least, t.times[i] - t.times[i - 1]);
		most = MAX(most, t.times[i] - t.times[i - 1]);
	}
	assert_true(least >= 4 * SECOND && least < 4300 * MILLISECOND);
	assert_true(most <= 6 * SECOND && most > 5700 * MILLISECOND);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 0);
	ice_sim_free(&sim);
}

/* So that a peer who sees us under a new address follows without waiting (and only the one who controls may say so). */
static bool expect_use_candidate(struct ice_sim *sim, int from, const struct dgram *d)
{
	size_t *seen = sim->user;
	struct stun_msg msg;

	if (stun_msg_parse(&msg, d->buf->data, d->buf->size) || msg.class != STUN_REQUEST)
		return true;
	seen[from]++;
	assert_int_equal(msg.use_candidate, from == 0);
	return true;
}

static void test_consent_checks_of_the_controlling_side_nominate(void **state)
{
	struct ice_sim sim;
	size_t seen[2] = { 0 };

	(void)state;
	connect_pair(&sim, 51, true);
	ice_sim_pass(&sim, SECOND);
	sim.tap = expect_use_candidate;
	sim.user = seen;
	ice_sim_pass(&sim, 60 * SECOND);
	assert_true(seen[0] >= 10 && seen[1] >= 10);
	ice_sim_free(&sim);
}

/* Whenever the peer vanishes: disconnected after 5 to 8 s, silence 30 s after its last answer, failed once. */
static const struct ice_candidate unreachable = {
	.type = CANDIDATE_HOST,
	.component = 1,
	.priority = 7,
	.foundation = "7",
	.addr = { .family = 4, .port = 9, .ip = { 10, 9, 9, 9 } },
};

static void vanish(uint64_t seed, bool traffic, wlk_time after)
{
	struct ice_sim sim;
	struct ice_pair_stats pair;
	wlk_time gone;

	connect_pair(&sim, seed, traffic);
	/* A pair that is still being tried must not be after the end either. */
	assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &unreachable), WLK_OK);
	ice_sim_pass(&sim, after);
	gone = sim.now;
	sim.side[1].deaf = true;
	ice_sim_pass(&sim, 60 * SECOND);
	wlk_time disconnected = ice_sim_when(&sim, 0, ICE_STATE_DISCONNECTED) - gone;
	wlk_time failed = ice_sim_when(&sim, 0, ICE_STATE_FAILED) - gone;

	if (disconnected < 5 * SECOND || disconnected > 8 * SECOND)
		fail_msg("seed %d: disconnected after %lld us", (int)seed, (long long)disconnected);
	if (failed < 24 * SECOND || failed > 30 * SECOND)
		fail_msg("seed %d: failed after %lld us", (int)seed, (long long)failed);
	assert_int_equal(sim.side[0].consent_expired_at, failed + gone);
	assert_int_equal(sim.side[0].consent_expired, 1);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 1);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 1);
	assert_true(sim.side[0].last_sent < failed + gone);
	assert_int_equal(ice_agent_deadline(sim.side[0].agent), WLK_TIME_NEVER);
	assert_false(ice_agent_selected(sim.side[0].agent, &sim.side[0].local, &sim.side[0].remote));
	assert_true(ice_agent_pair_stats(sim.side[0].agent, 0, &pair));
	assert_int_equal(pair.state, PAIR_FAILED);
	assert_false(ice_agent_is_validated(sim.side[0].agent, &pair.local, &pair.remote));
	/* R7: not even requests with the right password are answered. */
	uint64_t sent = sim.side[0].sent;

	sim.side[1].deaf = false;
	ice_sim_pass(&sim, 20 * SECOND);
	assert_int_equal(sim.side[0].sent, sent);
	ice_sim_free(&sim);
}

static void test_R7_all_sending_stops_when_consent_expires(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		vanish(seed, seed & 1, SECOND + (wlk_time)seed * 137 * MILLISECOND);
}

/* The answers decide: 30 s +-1 from the last one, whatever else arrives. */
static bool drop_responses(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct stun_msg msg;

	(void)sim;
	return from == 0 || stun_msg_parse(&msg, d->buf->data, d->buf->size) || msg.class == STUN_REQUEST;
}

static void test_R7_other_packets_do_not_renew_consent(void **state)
{
	struct ice_sim sim;
	struct ice_pair_stats pair;
	wlk_time from;

	(void)state;
	connect_pair(&sim, 50, true);
	ice_sim_pass(&sim, 10 * SECOND);
	assert_true(ice_agent_pair_stats(sim.side[0].agent, 0, &pair));
	from = sim.now;
	sim.tap = drop_responses;
	ice_sim_pass(&sim, 31 * SECOND);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_FAILED);
	assert_in_range(sim.side[0].consent_expired_at - from, 24 * SECOND, 30 * SECOND);
	ice_sim_free(&sim);
}

static void test_recovers_from_a_partition(void **state)
{
	static const int seconds[] = { 1, 5, 10, 15, 22 };

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct ice_sim sim;
		wlk_time healed;

		connect_pair(&sim, 60 + i, true);
		ice_sim_pass(&sim, 3 * SECOND);
		sim.side[1].deaf = true;
		ice_sim_pass(&sim, seconds[i] * SECOND);
		assert_int_equal(ice_agent_state(sim.side[0].agent) == ICE_STATE_DISCONNECTED, seconds[i] > 6);
		sim.side[1].deaf = false;
		healed = sim.now;
		assert_true(ice_sim_run(&sim, SECOND, ice_sim_connected));
		assert_true(sim.now - healed < 400 * MILLISECOND);
		ice_sim_pass(&sim, SECOND);
		assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 0);
		ice_sim_free(&sim);
	}
}

static void test_R7_silence_while_sending_probes_every_200_ms(void **state)
{
	static struct tapped t;
	struct ice_sim sim;
	wlk_time gone;

	(void)state;
	connect_pair(&sim, 70, true);
	ice_sim_pass(&sim, 2 * SECOND);
	sim.side[1].deaf = true;
	gone = sim.now;
	t.count = 0;
	sim.tap = note_requests;
	sim.user = &t;
	ice_sim_pass(&sim, 3 * SECOND);
	assert_true(t.count >= 11 && t.count <= 14);
	assert_true(t.times[0] - gone <= 550 * MILLISECOND);
	for (size_t i = 2; i < t.count; i++)
		assert_int_equal(t.times[i] - t.times[i - 1], 200 * MILLISECOND);
	ice_sim_free(&sim);
}

static void test_probe_on_demand(void **state)
{
	static struct tapped t;
	struct ice_sim sim;

	(void)state;
	connect_pair(&sim, 71, true);
	ice_sim_pass(&sim, 2 * SECOND);
	t.count = 0;
	sim.tap = note_requests;
	sim.user = &t;
	ice_agent_probe(sim.side[0].agent, sim.now);
	ice_sim_pass(&sim, 500 * MILLISECOND);
	assert_in_range(t.count, 1, 2); /* the first answer ends it */
	ice_sim_free(&sim);
}

/* --------------------------------------------------------------------------------------------- rebinding */

static void rebind(int moved, bool both_send)
{
	struct ice_sim sim;
	wlk_time from;
	uint64_t got[2];

	ice_sim_init(&sim, &rtt_40, 80, NULL, NULL);
	sim.side[moved].nat.enabled = true;
	sim.side[moved].nat.filter = true;
	sim.side[0].traffic = both_send || moved == 0;
	sim.side[1].traffic = both_send || moved == 1;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 5 * SECOND);
	ice_sim_rebind(&sim, moved);
	from = sim.now;
	ice_sim_pass(&sim, 2 * SECOND);
	got[0] = sim.side[0].app_received;
	got[1] = sim.side[1].app_received;
	ice_sim_pass(&sim, SECOND);
	/* Within 2 s both hear each other again: 50 packets in the third second. */
	for (int i = 0; i < 2; i++)
		if (sim.side[!i].traffic)
			assert_true(sim.side[i].app_received >= got[i] + 45);
	assert_true(addr_ip_equal(&sim.side[!moved].remote, &sim.side[moved].nat.ip));
	assert_true(ice_sim_connected(&sim));
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 0);
	assert_int_equal(ice_sim_count(&sim, 1, ICE_STATE_DISCONNECTED), 0);
	(void)from;
	ice_sim_pass(&sim, 60 * SECOND);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

static void test_nat_rebinding_of_the_controlling_side(void **state)
{
	(void)state;
	rebind(0, true);
	rebind(0, false);
}

static void test_nat_rebinding_of_the_controlled_side(void **state)
{
	(void)state;
	rebind(1, true);
	rebind(1, false);
}

/* ----------------------------------------------------------------------------------------------- backups */

static void interface_dies(int side)
{
	struct ice_sim sim;
	uint64_t got[2];

	ice_sim_init(&sim, &rtt_40, 90, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		sim.side[i].ips[1] = addr_v4(10, 0, 1, (uint8_t)(1 + i), 0);
		sim.side[i].ip_count = 2;
		sim.side[i].traffic = true;
	}
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 20 * SECOND);
	sim.side[side].dead_ip = sim.side[side].ips[0];
	ice_sim_pass(&sim, 1700 * MILLISECOND);
	got[0] = sim.side[0].app_received;
	got[1] = sim.side[1].app_received;
	ice_sim_pass(&sim, SECOND);
	for (int i = 0; i < 2; i++) {
		assert_true(sim.side[i].app_received >= got[i] + 48);
		assert_true(sim.side[i].nominated);
		assert_int_equal(ice_sim_count(&sim, i, ICE_STATE_DISCONNECTED), 0);
	}
	assert_false(addr_ip_equal(&sim.side[side].local, &sim.side[side].ips[0]));
	ice_sim_pass(&sim, 60 * SECOND);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

static void test_dead_interface_moves_to_a_backup(void **state)
{
	(void)state;
	interface_dies(0);
	interface_dies(1);
}

static bool drop_nominations(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct stun_msg msg;

	(void)sim;
	(void)from;
	return stun_msg_parse(&msg, d->buf->data, d->buf->size) || !msg.use_candidate;
}

/* Also the controlled side sends on the pair that answers, before the peer has nominated it. */
static void test_backup_is_used_before_it_is_nominated(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 94, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		sim.side[i].ips[1] = addr_v4(10, 0, 1, (uint8_t)(1 + i), 0);
		sim.side[i].ip_count = 2;
		sim.side[i].traffic = true;
	}
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 20 * SECOND);
	sim.tap = drop_nominations;
	sim.side[0].dead_ip = sim.side[0].ips[0];
	ice_sim_pass(&sim, 2 * SECOND);
	for (int i = 0; i < 2; i++) {
		assert_false(sim.side[i].nominated);
		assert_true(addr_ip_equal(i ? &sim.side[1].remote : &sim.side[0].local, &sim.side[0].ips[1]));
	}
	ice_sim_free(&sim);
}

/* RFC 7675 5.1: a path that has lost consent is not used again with the same credentials; a restart gives new ones. */
static void test_lost_consent_needs_a_restart(void **state)
{
	struct ice_sim sim;
	wlk_addr local;
	wlk_addr remote;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 95, NULL, NULL);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 20 * SECOND);
	local = sim.side[0].local;
	remote = sim.side[0].remote;
	sim.side[0].dead_ip = local;
	ice_sim_pass(&sim, 45 * SECOND);
	sim.side[0].dead_ip = (wlk_addr){ 0 };
	ice_sim_pass(&sim, 30 * SECOND);
	assert_true(ice_sim_connected(&sim));
	assert_false(ice_agent_is_validated(sim.side[0].agent, &local, &remote));
	for (int i = 0; i < 2; i++) {
		sim.side[i].gathering = ICE_GATHERING_NEW;
		sim.side[i].candidate_count = 0;
		assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
	}
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	ice_sim_pass(&sim, SECOND);
	assert_true(ice_agent_is_validated(sim.side[0].agent, &local, &remote));
	assert_true(addr_equal(&sim.side[0].local, &local));
	ice_sim_free(&sim);
}

/* The driver says that the address is gone: no need to wait for silence. */
static void test_vanished_interface_is_closed(void **state)
{
	struct ice_sim sim;
	wlk_addr kept;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 91, NULL, NULL);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 3 * SECOND);
	kept = sim.side[0].ips[1];
	sim.side[0].gathering = ICE_GATHERING_ACTIVE;
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, &kept, 1), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].closes, 1);
	assert_true(ice_sim_connected(&sim));
	assert_true(addr_ip_equal(&sim.side[0].local, &kept));
	ice_sim_pass(&sim, 5 * SECOND);
	assert_true(addr_ip_equal(&sim.side[1].remote, &kept));
	ice_sim_free(&sim);
}

static void test_new_interface_joins_in(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &rtt_40, 92, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 3 * SECOND);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	sim.side[0].gathering = ICE_GATHERING_ACTIVE;
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 2), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].candidate_count, 2);
	assert_int_equal(sim.side[0].validated, 2);
	assert_true(ice_agent_is_validated(sim.side[0].agent, &sim.side[0].candidates[1].addr,
					   &sim.side[1].candidates[0].addr));
	ice_sim_free(&sim);
}

static void test_long_idle_call_under_loss_stays_connected(void **state)
{
	struct ice_link lossy = { .latency_us = 50000, .loss = 200 };

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct ice_sim sim;

		ice_sim_init(&sim, &lossy, seed, NULL, NULL);
		ice_sim_connect(&sim);
		assert_true(ice_sim_run(&sim, 10 * SECOND, ice_sim_nominated));
		ice_sim_pass(&sim, 600 * SECOND);
		assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_FAILED), 0);
		assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_DISCONNECTED), 0);
		ice_sim_free(&sim);
	}
}

static void test_close_stops_everything(void **state)
{
	struct ice_sim sim;
	uint64_t sent;

	(void)state;
	connect_pair(&sim, 93, true);
	sent = sim.side[0].sent;
	ice_agent_close(sim.side[0].agent);
	ice_agent_close(sim.side[0].agent);
	ice_sim_pass(&sim, 40 * SECOND);
	assert_int_equal(sim.side[0].sent, sent);
	assert_int_equal(sim.side[0].closes, 1);
	assert_int_equal(ice_sim_count(&sim, 0, ICE_STATE_CLOSED), 1);
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_ERR_CLOSED);
	assert_int_equal(ice_agent_gather(sim.side[0].agent, sim.now), WLK_ERR_CLOSED);
	assert_int_equal(ice_agent_state(sim.side[1].agent), ICE_STATE_FAILED);
	ice_sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R7_consent_every_4_to_6_seconds),
		cmocka_unit_test(test_consent_checks_of_the_controlling_side_nominate),
		cmocka_unit_test(test_R7_all_sending_stops_when_consent_expires),
		cmocka_unit_test(test_R7_other_packets_do_not_renew_consent),
		cmocka_unit_test(test_recovers_from_a_partition),
		cmocka_unit_test(test_R7_silence_while_sending_probes_every_200_ms),
		cmocka_unit_test(test_probe_on_demand),
		cmocka_unit_test(test_nat_rebinding_of_the_controlling_side),
		cmocka_unit_test(test_nat_rebinding_of_the_controlled_side),
		cmocka_unit_test(test_dead_interface_moves_to_a_backup),
		cmocka_unit_test(test_backup_is_used_before_it_is_nominated),
		cmocka_unit_test(test_lost_consent_needs_a_restart),
		cmocka_unit_test(test_vanished_interface_is_closed),
		cmocka_unit_test(test_new_interface_joins_in),
		cmocka_unit_test(test_long_idle_call_under_loss_stays_connected),
		cmocka_unit_test(test_close_stops_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
