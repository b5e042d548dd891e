/* Relayed candidates: two agents with TURN servers between them, in virtual time. */
#include "ice_relay_support.h"

static void test_relay_only_connects_without_waiting(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 1, &relay_only, one);
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
	/*
	 * A hop is 10 ms: Allocate, 401, Allocate, success make 40 ms; candidates are signalled without delay; a check
	 * goes by A's server to the relayed address of B on the same server to B, 30 ms with what follows inside the
	 * server, and its answer the same way.
	 */
	assert_true(w.side[0].first_validated - SECOND <= 110000);
	assert_true(w.side[1].first_validated - SECOND <= 110000);
	assert_true(addr_ip_equal(&w.side[0].local, &w.servers[0].relay_ip));
	assert_true(addr_ip_equal(&w.side[0].remote, &w.servers[0].relay_ip));
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_HOST), 0);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_SRFLX), 0);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	assert_int_equal(w.side[0].error_count, 0);
	turn_world_free(&w);
}

static void test_relayed_candidate_line(void **state)
{
	const struct ice_candidate *relay, *srflx;
	struct turn_world w;

	(void)state;
	init(&w, 2, NULL, one);
	w.nat = true;
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, 5 * SECOND, both_complete));
	relay = told(&w, 0, CANDIDATE_RELAY);
	srflx = told(&w, 0, CANDIDATE_SRFLX);
	assert_non_null(relay);
	assert_non_null(srflx);
	assert_int_equal(relay->priority >> 24, 0);
	assert_int_equal(srflx->priority >> 24, 100);
	assert_true(addr_ip_equal(&relay->addr, &w.servers[0].relay_ip));
	/* RFC 8445 5.1.1.2: raddr is the mapped address, which is also a candidate of its own. */
	assert_true(addr_equal(&relay->related, &srflx->addr));
	assert_string_not_equal(relay->foundation, srflx->foundation);
	turn_world_free(&w);
}

/* Behind NATs that let nothing in, the relays carry the call; data goes by Send until the channel is there. */
static void test_data_over_relays_uses_channels(void **state)
{
	uint64_t by_send = 0, relayed = 0, channels = 0;
	struct turn_world w;

	(void)state;
	init(&w, 3, NULL, one);
	w.nat = w.blocked = true;
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
	turn_world_pass(&w, 5 * SECOND);
	assert_true(w.side[0].app_received > 40 && w.side[1].app_received > 40);
	assert_int_equal(w.side[0].app_refused, 0);
	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX; i++) {
		by_send += w.servers[0].allocations[i].by_send;
		relayed += w.servers[0].allocations[i].relayed_to_peers;
		channels += w.servers[0].allocations[i].channel_count;
	}
	assert_true(channels >= 1);
	assert_true(relayed > by_send + 40);
	turn_world_free(&w);
}

static void test_streams(void **state)
{
	static const char *const urls[][2] = {
		{ "turn:198.51.100.1?transport=tcp" },
		{ "turns:198.51.100.1:3478" },
		{ "turns:198.51.100.1:3478?transport=udp" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct turn_world w;

		init(&w, 4 + i, &relay_only, urls[i]);
		w.side[0].traffic = w.side[1].traffic = true;
		turn_world_connect(&w);
		assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
		turn_world_pass(&w, 5 * SECOND);
		assert_int_equal(w.side[0].connects, 1);
		assert_true(w.side[0].app_received > 40 && w.side[1].app_received > 40);
		turn_world_free(&w);
	}
}

/* ------------------------------------------------------------------------------------------ in mid-session */

static void restart(struct turn_world *w)
{
	w->no_signalling = true;
	for (int i = 0; i < 2; i++) {
		w->side[i].candidate_count = 0;
		w->side[i].complete = false;
		assert_int_equal(ice_agent_restart(w->side[i].agent, w->now), WLK_OK);
	}
	turn_world_signal(w);
	turn_world_pump(w);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < w->side[i].candidate_count; k++)
			(void)ice_agent_add_remote_candidate(w->side[!i].agent, w->now, &w->side[i].candidates[k]);
	w->no_signalling = false;
}

static void test_restart_keeps_the_allocations(void **state)
{
	struct turn_world w;
	wlk_addr before;

	(void)state;
	init(&w, 30, &relay_only, one);
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	before = w.side[0].local;
	restart(&w);
	turn_world_pass(&w, 5 * SECOND);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	assert_true(addr_equal(&w.side[0].local, &before));
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 2);
	assert_true(w.side[0].app_gap < 200000);
	turn_world_free(&w);
}

/*
 * A server over UDP comes to one over TCP in mid-call: with the next generation it is asked from a socket of its own, the
 * connection to the other one stays, and nothing is lost on the way from one to the other.
 */
static void test_turn_over_udp_that_comes_later_takes_over(void **state)
{
	static const char *const tcp[] = { "turn:198.51.100.1?transport=tcp", NULL };
	static const char *const both[] = { "turn:198.51.100.1?transport=tcp", "turn:198.51.100.2", NULL };
	struct turn_world w;

	(void)state;
	init(&w, 30, &relay_only, tcp);
	w.server_count = 2;
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	for (int i = 0; i < 2; i++)
		assert_int_equal(turn_world_set_servers(&w, i, both, "user", "secret"), WLK_OK);
	restart(&w);
	turn_world_pass(&w, 5 * SECOND);
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 2);
	assert_int_equal(turn_server_live(&w.servers[1], w.now), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w.side[i].connects, 1);
		assert_int_equal(w.side[i].closes, 1); /* of the first socket */
		assert_int_equal(w.side[i].error_count, 0);
		assert_true(addr_ip_equal(&w.side[i].local, &w.servers[1].relay_ip));
		assert_true(w.side[i].app_gap < 200000);
		assert_int_equal(turn_world_count(&w, i, CANDIDATE_RELAY), 2);
	}
	turn_world_free(&w);
}

static void test_replaced_servers_count_from_the_next_generation(void **state)
{
	static const char *const two[] = { "turn:198.51.100.2", NULL };
	struct turn_world w;

	(void)state;
	init(&w, 31, &relay_only, one);
	w.server_count = 2;
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	for (int i = 0; i < 2; i++)
		assert_int_equal(turn_world_set_servers(&w, i, two, "user", "secret"), WLK_OK);
	turn_world_pass(&w, 3 * SECOND);
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 2);
	assert_int_equal(turn_server_live(&w.servers[1], w.now), 0);
	restart(&w);
	turn_world_pass(&w, 10 * SECOND);
	assert_true(addr_ip_equal(&w.side[0].local, &w.servers[1].relay_ip));
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 0); /* given back with their last pairs */
	assert_int_equal(turn_server_live(&w.servers[1], w.now), 2);
	assert_true(w.side[0].app_gap < 200000);
	turn_world_free(&w);
}

/* Out of the list and in again, before the allocation was given back: it serves on. */
static void list_again(uint64_t seed, bool redirected)
{
	static const char *const none[] = { NULL };
	struct turn_world w;
	int at = redirected ? 1 : 0;

	init(&w, seed, &relay_only, one);
	w.server_count = 2;
	w.servers[0].allocate_error = redirected ? 300 : 0;
	w.servers[0].alternate = w.servers[1].addr;
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(turn_world_set_servers(&w, i, none, "user", "secret"), WLK_OK);
		assert_int_equal(turn_world_set_servers(&w, i, one, "user", "secret"), WLK_OK);
	}
	restart(&w);
	turn_world_pass(&w, 10 * SECOND);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 1);
	assert_int_equal(w.side[0].error_count, 0);
	assert_true(w.side[0].selected);
	assert_int_equal(turn_server_live(&w.servers[at], w.now), 2);
	assert_true(w.side[0].app_gap < 200000);
	turn_world_free(&w);
}

static void test_server_that_is_listed_again_keeps_its_allocation(void **state)
{
	(void)state;
	list_again(32, false);
	list_again(33, true);
}

static void test_replaced_credentials_carry_an_allocation_on(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 32, &relay_only, one);
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 60 * SECOND);
	w.servers[0].users[0].password = "fresh";
	turn_world_pass(&w, 200 * SECOND); /* the permission's renewal is refused */
	for (int i = 0; i < 2; i++)
		assert_int_equal(turn_world_set_servers(&w, i, one, "user", "fresh"), WLK_OK);
	turn_world_pass(&w, 1200 * SECOND);
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 2);
	assert_int_equal(w.side[0].error_count, 0);
	assert_true(w.side[0].app_gap < 200000);
	turn_world_free(&w);
}

/* A server that forgets everything: the client finds out by its next request, and allocates anew. */
static void test_restarted_server_gives_a_new_allocation(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 33, NULL, one);
	w.nat = w.blocked = true;
	w.servers[0].lifetime_s = 60;
	w.side[0].traffic = w.side[1].traffic = true;
	turn_world_connect(&w);
	turn_world_pass(&w, 40 * SECOND);
	turn_server_restart(&w.servers[0]);
	turn_world_pass(&w, 20 * SECOND);
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 2);
	assert_true(w.side[0].error_count >= 1);
	assert_int_equal(w.side[0].errors[0].code, 437);
	turn_world_pass(&w, 5 * SECOND);
	uint64_t received = w.side[0].app_received;

	turn_world_pass(&w, 5 * SECOND);
	assert_true(w.side[0].app_received > received + 20);
	turn_world_free(&w);
}

static void test_vanished_interface_takes_its_allocations_along(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 34, &relay_only, one);
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	assert_int_equal(ice_agent_set_interfaces(w.side[0].agent, w.now, NULL, 0), WLK_OK);
	turn_world_pass(&w, SECOND);
	assert_int_equal(turn_server_live(&w.servers[0], w.now), 1); /* the goodbye still left */
	turn_world_free(&w);
}

static void test_close_gives_allocations_back(void **state)
{
	struct turn_world w;
	struct dgram d;
	int left = 0;

	(void)state;
	init(&w, 35, &relay_only, one);
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	ice_agent_close(w.side[0].agent);
	while (ice_agent_poll_transmit(w.side[0].agent, w.now, &d)) {
		turn_server_input(&w.servers[0], w.now, &d.local, &d.remote, 0, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
		left++;
	}
	assert_int_equal(left, 1);
	assert_int_equal(w.servers[0].released, 1);
	turn_world_free(&w);
}

/* -------------------------------------------------------------------------------------------- permissions */

/* R7: there are permissions for all remote addresses, those of backups included, and they do not run out. */
static void test_R7_permissions_exist_for_all_remote_addresses(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 40, NULL, one);
	turn_world_connect(&w);
	turn_world_pass(&w, 3 * SECOND);
	for (int i = 0; i < 5; i++) {
		size_t permitted = 0;

		for (size_t k = 0; k < TURN_SERVER_ALLOCATIONS_MAX; k++) {
			const struct turn_server_allocation *a = &w.servers[0].allocations[k];

			for (size_t n = 0; a->used && n < a->permission_count; n++)
				permitted += a->permissions[n].expires_at > w.now;
		}
		/* Each side permits the other's host address and its relayed one. */
		assert_int_equal(permitted, 4);
		turn_world_pass(&w, 290 * SECOND);
	}
	turn_world_free(&w);
}

static void test_lost_permission_does_not_cost_a_check_its_timer(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 41, &relay_only, one);
	turn_world_connect(&w);
	turn_world_pass(&w, 35000);
	w.servers[0].nonce_life_us = 1; /* from here on each request meets a stale nonce first */
	w.servers[0].nonce_since = w.now;
	turn_world_pass(&w, 6000);
	w.servers[0].nonce_life_us = 0;
	assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
	assert_true(w.side[0].first_validated - SECOND <= 160000);
	turn_world_free(&w);
}

static size_t write_data_indication(uint8_t buf[256], const wlk_addr *peer, const char *text)
{
	static const uint8_t id[STUN_TXID_SIZE] = { 7 };
	struct stun_writer w;
	size_t size;

	stun_writer_init(&w, buf, 256, STUN_INDICATION, STUN_METHOD_DATA, id);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put_bytes(&w, STUN_ATTR_DATA, (const uint8_t *)text, strlen(text));
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	return size;
}

/* Until a channel is bound each packet of the peer comes so. It costs no more than its payload: nothing else is looked at. */
static void test_data_indication_does_not_run_the_agent(void **state)
{
	const struct turn_server_allocation *a;
	struct ice_agent *agent;
	uint8_t buf[256];
	struct turn_world w;
	struct dgram d;
	size_t size;

	(void)state;
	init(&w, 44, &relay_only, one);
	turn_world_connect(&w);
	assert_true(turn_world_run(&w, 5 * SECOND, turn_world_connected));
	agent = w.side[0].agent;
	for (a = w.servers[0].allocations; !addr_ip_equal(&a->client, &w.side[0].ip);)
		a++;
	size = write_data_indication(buf, &w.side[0].remote, "media");
	w.now = ice_agent_deadline(agent) + SECOND; /* something is due, and waits for its timer */
	for (int i = 0; i < 100; i++) {
		ice_agent_input(agent, w.now, &a->client, &w.servers[0].addr, buf, size);
		assert_true(ice_agent_poll_received(agent, &d));
		assert_int_equal(d.buf->size, 5);
		assert_true(addr_equal(&d.remote, &w.side[0].remote));
		pktbuf_release(d.buf);
		assert_false(ice_agent_poll_transmit(agent, w.now, &d));
	}
	assert_true(ice_agent_deadline(agent) < w.now);
	turn_world_free(&w);
}

static void test_forbidden_peer_fails_its_pair(void **state)
{
	struct ice_pair_stats pair;
	struct turn_world w;
	size_t failed = 0;

	(void)state;
	init(&w, 42, &relay_only, one);
	w.servers[0].forbidden = w.servers[0].relay_ip;
	turn_world_connect(&w);
	turn_world_pass(&w, 5 * SECOND);
	for (size_t i = 0; ice_agent_pair_stats(w.side[0].agent, i, &pair); i++)
		failed += pair.state == PAIR_FAILED;
	assert_int_equal(failed, 1);
	assert_int_equal(w.side[0].validated, 0);
	turn_world_free(&w);
}

/* The policy of a server changes in mid-call: a restart asks it anew, and so do five minutes. */
static void test_forbidden_peer_is_tried_again(void **state)
{
	struct turn_world w;

	(void)state;
	for (int restart = 0; restart < 2; restart++) {
		init(&w, 42, &relay_only, one);
		w.servers[0].forbidden = w.servers[0].relay_ip;
		turn_world_connect(&w);
		turn_world_pass(&w, 11 * SECOND);
		assert_int_equal(w.side[0].validated, 0);
		w.servers[0].forbidden = (wlk_addr){ 0 };
		if (restart) {
			for (int i = 0; i < 2; i++) {
				w.side[i].candidate_count = 0;
				assert_int_equal(ice_agent_restart(w.side[i].agent, w.now), WLK_OK);
				assert_int_equal(ice_agent_gather(w.side[i].agent, w.now), WLK_OK);
			}
			turn_world_signal(&w);
		}
		assert_true(turn_world_run(&w, (restart ? 2 : 300) * SECOND, turn_world_connected));
		turn_world_free(&w);
	}
}

/* A rogue server that says it relays from our own address would have packets taken for a peer's. */
static void test_R11_relayed_address_that_is_ours(void **state)
{
	struct turn_world w;

	(void)state;
	init(&w, 43, NULL, one);
	w.servers[0].relay_ip = w.side[0].ip;
	w.servers[0].next_port = 5000;
	turn_world_gather(&w, 0);
	/* The world would take 10.0.0.1 for the server's; feed its answers by hand. */
	for (int i = 0; i < 4; i++) {
		struct ice_request r;
		struct dgram d;

		while (ice_agent_poll_request(w.side[0].agent, &r)) {
			r.local.port = 5000;
			ice_agent_on_request(w.side[0].agent, w.now, r.id, WLK_OK, &r.local, 1);
		}
		while (ice_agent_poll_transmit(w.side[0].agent, w.now, &d)) {
			turn_server_input(&w.servers[0], w.now, &d.local, &w.servers[0].addr, 0, d.buf->data,
					  d.buf->size);
			pktbuf_release(d.buf);
		}
		while (turn_server_poll_transmit(&w.servers[0], &d)) {
			ice_agent_input(w.side[0].agent, w.now, &d.remote, &d.local, d.buf->data, d.buf->size);
			pktbuf_release(d.buf);
		}
	}
	turn_world_pump(&w);
	assert_int_equal(turn_world_count(&w, 0, CANDIDATE_RELAY), 0);
	assert_int_equal(only_error(&w, 0)->code, 701);
	turn_world_free(&w);
}

static void test_statistics_name_the_server(void **state)
{
	struct ice_candidate_stats c;
	struct turn_world w;
	int relays = 0;

	(void)state;
	init(&w, 44, NULL, one);
	turn_world_connect(&w);
	turn_world_pass(&w, SECOND);
	for (size_t i = 0; ice_agent_local_candidate(w.side[0].agent, i, &c); i++) {
		if (c.candidate.type != CANDIDATE_RELAY)
			continue;
		assert_string_equal(c.url, "turn:198.51.100.1");
		assert_string_equal(c.relay_protocol, "udp");
		assert_true(addr_equal(&c.server, &w.servers[0].addr));
		relays++;
	}
	assert_int_equal(relays, 1);
	turn_world_free(&w);
}

/* With loss on every hop, on seeds that are printed when they fail. */
static void test_relays_with_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 120; seed++) {
		struct turn_world w;

		init(&w, seed, &relay_only, one);
		w.loss = 200;
		w.side[0].traffic = w.side[1].traffic = true;
		turn_world_connect(&w);
		if (!turn_world_run(&w, 20 * SECOND, turn_world_connected))
			fail_msg("seed %u does not connect", (unsigned)seed);
		turn_world_pass(&w, 60 * SECOND);
		assert_true(w.side[0].app_received > 100);
		turn_world_free(&w);
	}
}

static void test_failing_memory(void **state)
{
	static const char *const mixed[] = { "turn:198.51.100.1", "turn:198.51.100.1?transport=tcp",
					     "stun:198.51.100.1", NULL };

	(void)state;
	for (size_t n = 1; n < 600; n += n < 100 ? 1 : 7) {
		struct turn_world w;
		bool failed;

		turn_world_init(&w, 50, NULL, NULL);
		alloc_fail_after(n);
		for (int i = 0; i < 2; i++) {
			(void)turn_world_set_servers(&w, i, mixed, "user", "secret");
			if (!ice_agent_set_interfaces(w.side[i].agent, w.now, &w.side[i].ip, 1))
				(void)ice_agent_gather(w.side[i].agent, w.now);
			(void)ice_agent_set_remote_parameters(w.side[i].agent, w.now,
							      str_of(ice_agent_local_ufrag(w.side[!i].agent)),
							      str_of(ice_agent_local_pwd(w.side[!i].agent)), false);
		}
		turn_world_pass(&w, 3 * SECOND);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		turn_world_free(&w);
		if (!failed)
			return;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_only_connects_without_waiting),
		cmocka_unit_test(test_relayed_candidate_line),
		cmocka_unit_test(test_data_over_relays_uses_channels),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_restart_keeps_the_allocations),
		cmocka_unit_test(test_turn_over_udp_that_comes_later_takes_over),
		cmocka_unit_test(test_replaced_servers_count_from_the_next_generation),
		cmocka_unit_test(test_server_that_is_listed_again_keeps_its_allocation),
		cmocka_unit_test(test_replaced_credentials_carry_an_allocation_on),
		cmocka_unit_test(test_restarted_server_gives_a_new_allocation),
		cmocka_unit_test(test_vanished_interface_takes_its_allocations_along),
		cmocka_unit_test(test_close_gives_allocations_back),
		cmocka_unit_test(test_R7_permissions_exist_for_all_remote_addresses),
		cmocka_unit_test(test_lost_permission_does_not_cost_a_check_its_timer),
		cmocka_unit_test(test_data_indication_does_not_run_the_agent),
		cmocka_unit_test(test_forbidden_peer_fails_its_pair),
		cmocka_unit_test(test_forbidden_peer_is_tried_again),
		cmocka_unit_test(test_R11_relayed_address_that_is_ours),
		cmocka_unit_test(test_statistics_name_the_server),
		cmocka_unit_test(test_relays_with_loss),
		cmocka_unit_test(test_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
