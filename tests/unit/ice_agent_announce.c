/* agent_announce: what is told of local candidates under .local names, mappings, policies and the modes of RFC 8828; and
 * gathering ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/mdns_msg.h"
#include "tests/support/ice_pair.h"

static const struct ice_link rtt_40 = { .latency_us = 20000 };

static void init_sim(struct ice_sim *sim, uint64_t seed, struct ice_agent_config *a, struct ice_agent_config *b)
{
	if (a)
		a->controlling = true;
	ice_sim_init(sim, &rtt_40, seed, a, b);
}

/* A STUN server and a NAT in front of side 0. */
static void add_nat(struct ice_sim *sim)
{
	sim->side[0].nat.enabled = true;
	sim->stun_server = addr_v4(198, 51, 100, 1, 3478);
	assert_int_equal(ice_sim_use_stun(sim->side[0].agent, "198.51.100.1"), WLK_OK);
}

/* All that side 0 tells, as lines; the caller frees. */
static char *told_lines(struct ice_agent *agent)
{
	struct ice_candidate_line line;
	struct text out;
	size_t index = 0;

	text_init(&out);
	while (ice_agent_told_candidate(agent, &index, &line)) {
		ice_candidate_line_write(&out, &line);
		text_add_char(&out, '\n');
	}
	text_add_char(&out, '\0');
	assert_true(text_ok(&out));
	return text_take(&out);
}

static size_t count_in(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

/* ------------------------------------------------------------------------------------------------- names */

static void test_R9_hidden_hosts_connect_by_name(void **state)
{
	struct ice_agent_config hide = { .hide_host_addresses = true };
	struct ice_agent_config hide_too = { .hide_host_addresses = true };
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 1, &hide, &hide_too);
	sim.mdns = true;
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	/* One way for each question and answer, not a second: nothing waits for a retransmission. */
	assert_true(sim.side[0].first_validated - SECOND <= 100 * MILLISECOND);
	for (int i = 0; i < 2; i++) {
		struct ice_candidate_stats stats;

		told = told_lines(sim.side[i].agent);
		assert_int_equal(count_in(told, "typ host"), 1);
		assert_int_equal(count_in(told, ".local "), 1);
		assert_int_equal(count_in(told, "10.0.0."), 0);
		wlk_free(told);
		assert_true(ice_agent_local_candidate(sim.side[i].agent, 0, &stats));
		assert_true(stats.hidden);
	}
	ice_sim_free(&sim);
}

static void test_related_addresses_are_hidden_too(void **state)
{
	struct ice_agent_config hide = { .hide_host_addresses = true };
	struct ice_candidate_stats stats;
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 2, &hide, NULL);
	add_nat(&sim);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, SECOND);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, "typ srflx raddr 0.0.0.0 rport 9"), 1); /* RFC 8839 5.1 */
	assert_int_equal(count_in(told, "10.0.0."), 0);
	wlk_free(told);
	for (size_t i = 0; ice_agent_local_candidate(sim.side[0].agent, i, &stats); i++) {
		assert_true(stats.hidden == (stats.candidate.type == CANDIDATE_HOST));
		assert_true(addr_is_none(&stats.candidate.related));
	}
	assert_true(ice_sim_connected(&sim)); /* the name is answered by nobody here: the peer-reflexive way */
	ice_sim_free(&sim);
}

static void name_of(struct ice_agent *agent, size_t nth, char out[MDNS_NAME_SIZE + 1])
{
	struct ice_candidate_line line = { 0 };
	size_t index = 0;

	for (size_t n = 0; n <= nth; n++)
		assert_true(ice_agent_told_candidate(agent, &index, &line));
	assert_int_equal(line.host.size, MDNS_NAME_SIZE);
	memcpy(out, line.host.at, MDNS_NAME_SIZE);
	out[MDNS_NAME_SIZE] = '\0';
}

static void test_names_outlive_restarts_but_not_their_address(void **state)
{
	struct ice_agent_config hide = { .hide_host_addresses = true };
	char first[MDNS_NAME_SIZE + 1], other[MDNS_NAME_SIZE + 1], after[MDNS_NAME_SIZE + 1];
	struct ice_agent_stats stats;
	struct ice_sim sim;
	wlk_addr ips[2];

	(void)state;
	init_sim(&sim, 3, &hide, NULL);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 2 * SECOND);
	name_of(sim.side[0].agent, 0, first);
	name_of(sim.side[0].agent, 1, other);
	assert_string_not_equal(first, other);
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pump(&sim);
	name_of(sim.side[0].agent, 0, after);
	assert_string_equal(first, after);
	sim.side[0].mdns_sent = 0;
	ips[0] = sim.side[0].ips[1];
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, ips, 1), WLK_OK);
	ice_sim_pump(&sim);
	assert_true(sim.side[0].mdns_sent >= 1); /* the goodbye of the one that went */
	ips[1] = sim.side[0].ips[0];
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, ips, 2), WLK_OK);
	ice_sim_pump(&sim);
	name_of(sim.side[0].agent, 0, after);
	assert_string_equal(other, after);
	name_of(sim.side[0].agent, 1, after);
	assert_string_not_equal(first, after);
	ice_agent_get_stats(sim.side[0].agent, &stats);
	assert_int_equal(stats.out_of_memory, 0);
	ice_sim_free(&sim);
}

/* Whether |d| is a goodbye: an address record with TTL 0. */
static bool is_goodbye(const struct dgram *d)
{
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_record record;

	assert_int_equal(mdns_reader_init(&r, d->buf->data, d->buf->size), WLK_OK);
	while (mdns_next_question(&r, &q))
		;
	return mdns_next_record(&r, &record) && record.is_address && record.ttl_s == 0;
}

static void test_closing_says_goodbye(void **state)
{
	struct ice_agent_config hide = { .hide_host_addresses = true, .no_ipv6 = true };
	struct ice_request request;
	struct ice_sim sim;
	struct dgram d;
	size_t goodbyes = 0, closes = 0;

	(void)state;
	init_sim(&sim, 4, &hide, NULL);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 2 * SECOND);
	ice_agent_close(sim.side[0].agent);
	while (ice_agent_poll_transmit(sim.side[0].agent, sim.now, &d)) {
		assert_int_equal(d.remote.port, MDNS_PORT);
		assert_true(is_goodbye(&d));
		goodbyes++;
		pktbuf_release(d.buf);
	}
	assert_int_equal(goodbyes, 1);
	while (ice_agent_poll_request(sim.side[0].agent, &request))
		closes += request.type == ICE_REQUEST_CLOSE;
	assert_int_equal(closes, 2); /* the base and the mDNS socket */
	ice_sim_free(&sim);
}

/* Without a socket nobody can ask for the name; the call goes on. */
static void test_no_mdns_socket_is_not_the_end(void **state)
{
	struct ice_agent_config hide = { .hide_host_addresses = true, .no_tcp = true };
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	struct ice_agent *agent = NULL;
	struct ice_request r;
	struct ice_event e;
	size_t told = 0;
	struct dgram d;

	(void)state;
	assert_int_equal(ice_agent_create(&agent, &hide), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	while (ice_agent_poll_request(agent, &r)) {
		wlk_addr bound = addr_v4(10, 0, 0, 1, 5000);

		ice_agent_on_request(agent, SECOND, r.id, r.type == ICE_REQUEST_JOIN_MDNS ? WLK_ERR_IO : WLK_OK, &bound, 1);
	}
	while (ice_agent_poll_event(agent, &e))
		told += e.type == ICE_EVENT_LOCAL_CANDIDATE && e.host.size == MDNS_NAME_SIZE && addr_is_none(&e.candidate.addr);
	assert_int_equal(told, 1);
	assert_false(ice_agent_poll_transmit(agent, SECOND, &d));
	assert_true(ice_agent_deadline(agent) > SECOND);
	ice_agent_destroy(agent);
}

/* ---------------------------------------------------------------------------------------------- mappings */

static void test_mapping_in_place_of_the_host_address(void **state)
{
	wlk_address_mapping map = { .external = addr_v4(203, 0, 113, 1, 0) };
	struct ice_agent_config a = { .mappings = &map, .mapping_count = 1 };
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 5, &a, NULL);
	map.external = addr_v4(9, 9, 9, 9, 0); /* the agent has its own copy */
	sim.side[0].nat.enabled = true;
	sim.side[0].nat.port_offset = 0; /* 1:1 */
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, " 203.0.113.1 5000 typ host"), 1);
	assert_int_equal(count_in(told, "candidate:"), 1);
	wlk_free(told);
	/* The check reveals the mapped address, which is the host candidate: no peer-reflexive one is made of it. */
	for (size_t i = 0; i < 8; i++) {
		struct ice_candidate_stats stats;

		if (ice_agent_local_candidate(sim.side[0].agent, i, &stats))
			assert_int_equal(stats.candidate.type, CANDIDATE_HOST);
	}
	ice_sim_free(&sim);
}

static void test_mapping_beside_the_host_address(void **state)
{
	wlk_address_mapping maps[2] = {
		{ .internal = addr_v4(10, 0, 0, 1, 0), .external = addr_v4(203, 0, 113, 1, 0), .as_srflx = true },
		{ .external = addr_v4(203, 0, 113, 99, 0) }, /* for the rest of the family */
	};
	struct ice_agent_config a = { .mappings = maps, .mapping_count = 2 };
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 6, &a, NULL);
	sim.side[0].ips[1] = addr_v4(10, 0, 1, 1, 0);
	sim.side[0].ip_count = 2;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, SECOND);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, " 10.0.0.1 5000 typ host"), 1);
	assert_int_equal(count_in(told, " 203.0.113.1 5000 typ srflx raddr 10.0.0.1 rport 5000"), 1);
	assert_int_equal(count_in(told, " 203.0.113.99 5001 typ host"), 1);
	assert_int_equal(count_in(told, "candidate:"), 3);
	wlk_free(told);
	assert_int_equal(ice_agent_restart(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pump(&sim);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, "candidate:"), 3); /* told again in the new generation */
	wlk_free(told);
	ice_sim_free(&sim);
}

static void test_bad_mappings_are_refused(void **state)
{
	static const uint8_t v6[16] = { 0x20, 0x01 };
	wlk_address_mapping none = { .internal = addr_v4(10, 0, 0, 1, 0) };
	wlk_address_mapping mixed = { .internal = addr_v4(10, 0, 0, 1, 0), .external = addr_v6(v6, 0) };
	struct ice_agent_config config = { .mappings = &none, .mapping_count = 1 };
	struct ice_agent *agent = NULL;

	(void)state;
	assert_int_equal(ice_agent_create(&agent, &config), WLK_ERR_INVALID);
	config.mappings = &mixed;
	assert_int_equal(ice_agent_create(&agent, &config), WLK_ERR_INVALID);
	config = (struct ice_agent_config){ .ip_handling = (wlk_ip_handling)5 };
	assert_int_equal(ice_agent_create(&agent, &config), WLK_ERR_INVALID);
	assert_null(agent);
}

/* ------------------------------------------------------------------------------------- RFC 8828 5.2, policy */

/* Answers everything; the requests for UDP sockets are counted. */
static size_t gather_with(struct ice_agent *agent, const wlk_addr *ips, size_t count)
{
	struct ice_request r;
	uint16_t port = 7000;
	size_t binds = 0;

	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, ips, count), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	while (ice_agent_poll_request(agent, &r)) {
		wlk_addr bound = r.local;

		bound.port = port++;
		if (r.type == ICE_REQUEST_BIND_UDP) {
			binds++;
			ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &bound, 1);
		} else if (r.type != ICE_REQUEST_CLOSE && r.type != ICE_REQUEST_CLOSE_STREAM) {
			ice_agent_on_request(agent, SECOND, r.id, WLK_ERR_IO, NULL, 0);
		}
	}
	return binds;
}

static void test_modes_of_rfc_8828(void **state)
{
	static const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, six_b[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	const wlk_addr ips[] = { addr_v4(127, 0, 0, 1, 0), addr_v4(192, 0, 2, 1, 0), addr_v4(10, 8, 0, 1, 0), addr_v6(six, 0),
				 addr_v6(six_b, 0) };
	static const struct {
		wlk_ip_handling mode;
		size_t binds;
		size_t hosts;
	} cases[] = {
		{ WLK_IP_HANDLING_ALL, 4, 4 },
		{ WLK_IP_HANDLING_DEFAULT_AND_PRIVATE, 2, 2 },
		{ WLK_IP_HANDLING_DEFAULT_ROUTE, 2, 0 },
		{ WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP, 2, 0 }, /* what stands for the interfaces of TURN over TCP */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ice_agent_config config = { .ip_handling = cases[i].mode, .no_tcp = true };
		struct ice_agent *agent = NULL;
		char *told;

		assert_int_equal(ice_agent_create(&agent, &config), WLK_OK);
		assert_int_equal(gather_with(agent, ips, ARRAY_SIZE(ips)), cases[i].binds);
		told = told_lines(agent);
		assert_int_equal(count_in(told, "typ host"), cases[i].hosts);
		assert_int_equal(count_in(told, "10.8.0.1"), cases[i].mode == WLK_IP_HANDLING_ALL);
		wlk_free(told);
		assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
		ice_agent_destroy(agent);
	}
}

/* Mode 3: the server-reflexive candidate is told, without the address behind it, and the call connects. */
static void test_default_route_only_tells_reflexive_candidates(void **state)
{
	struct ice_agent_config a = { .ip_handling = WLK_IP_HANDLING_DEFAULT_ROUTE };
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 7, &a, NULL);
	add_nat(&sim);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, "candidate:"), 1);
	assert_int_equal(count_in(told, "typ srflx raddr 0.0.0.0 rport 9"), 1);
	wlk_free(told);
	ice_sim_free(&sim);
}

/* Nothing but relayed candidates is told or used; a new policy counts from the next generation on. */
static void test_relay_policy_comes_with_the_next_generation(void **state)
{
	struct ice_agent_stats before, after;
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 8, NULL, NULL);
	ice_sim_connect(&sim);
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_agent_set_policy(sim.side[0].agent, ICE_POLICY_RELAY);
	ice_sim_pass(&sim, 10 * SECOND);
	assert_true(ice_sim_connected(&sim)); /* the pair in use stays in use */
	for (int i = 0; i < 2; i++)
		assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	ice_agent_get_stats(sim.side[0].agent, &before);
	ice_sim_signal_candidates(&sim, 0);
	ice_sim_pass(&sim, 3 * SECOND);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, "candidate:"), 0);
	wlk_free(told);
	for (size_t i = 0; i < 100; i++) {
		struct ice_pair_stats pair;

		if (ice_agent_pair_stats(sim.side[0].agent, i, &pair))
			assert_int_equal(pair.state, PAIR_SUCCEEDED); /* that of the old generation */
	}
	ice_agent_get_stats(sim.side[0].agent, &after);
	/* And back. */
	ice_agent_set_policy(sim.side[0].agent, ICE_POLICY_ALL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
	ice_sim_signal_parameters(&sim, 0);
	ice_sim_signal_parameters(&sim, 1);
	ice_sim_signal_candidates(&sim, 0);
	ice_sim_pass(&sim, 3 * SECOND);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(count_in(told, "typ host"), 1);
	wlk_free(told);
	assert_true(ice_sim_connected(&sim));
	ice_sim_free(&sim);
}

/* Mode 4: nothing leaves the UDP sockets, whoever asks, whatever servers there are. */
static void test_mode_4_sends_no_datagram(void **state)
{
	static const struct ice_server servers[] = {
		{ .host = { "198.51.100.1", 12 }, .port = 3478, .url = { "stun:x", 6 } },
		{ .is_turn = true, .host = { "198.51.100.1", 12 }, .port = 3478, .url = { "turn:x", 6 }, .username = { "u", 1 },
		  .credential = { "p", 1 } },
	};
	struct ice_agent_config a = { .ip_handling = WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP };
	struct ice_sim sim;
	char *told;

	(void)state;
	init_sim(&sim, 12, &a, NULL);
	sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
	assert_int_equal(ice_agent_set_servers(sim.side[0].agent, servers, 2), WLK_OK);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 10 * SECOND);
	assert_int_equal(sim.side[0].sent, 0);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(strlen(told), 0);
	wlk_free(told);
	ice_sim_free(&sim);
}

static bool refuse_all(const wlk_addr *address, const char *interface_name, void *user)
{
	(void)address;
	assert_null(interface_name);
	++*(size_t *)user;
	return false;
}

static void test_R8_remote_filter_refuses_candidates_and_requests(void **state)
{
	static const char line[] = "candidate:1 1 udp 2113937151 10.0.0.2 5000 typ host";
	size_t calls = 0;
	struct ice_agent_config a = { .remote_filter = refuse_all, .filter_user = &calls };
	struct ice_agent_stats stats;
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, 9, &a, NULL);
	ice_sim_connect(&sim);
	assert_int_equal(ice_agent_add_remote_candidate_line(sim.side[0].agent, sim.now, line, sizeof(line) - 1),
			 WLK_ERR_UNSUPPORTED);
	ice_sim_pass(&sim, 5 * SECOND);
	ice_agent_get_stats(sim.side[0].agent, &stats);
	assert_int_equal(stats.requests_sent, 0);
	assert_int_equal(stats.responses_sent, 0);
	assert_true(stats.refused_candidates >= 3);
	assert_true(calls >= stats.refused_candidates);
	ice_sim_free(&sim);
}

/* ---------------------------------------------------------------------------------------------- ahead */

static bool close_in_filter(const wlk_addr *address, const char *interface_name, void *user)
{
	(void)address;
	(void)interface_name;
	ice_agent_close(*(struct ice_agent **)user);
	return true;
}

static void test_R39_closing_inside_a_filter_is_an_assertion(void **state)
{
	static const char line[] = "candidate:1 1 udp 2113937151 10.0.0.2 5000 typ host";
	struct ice_agent *agent = NULL;
	struct ice_agent_config config = { .remote_filter = close_in_filter, .filter_user = &agent };
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(ice_agent_create(&agent, &config), WLK_OK);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		(void)!freopen("/dev/null", "w", stderr);
		(void)!ice_agent_add_remote_candidate_line(agent, SECOND, line, sizeof(line) - 1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	ice_agent_destroy(agent);
}

static void test_gathering_ahead_tells_nothing_and_happens_once(void **state)
{
	struct ice_sim sim;
	uint64_t sent;
	char *told;

	(void)state;
	init_sim(&sim, 10, NULL, NULL);
	add_nat(&sim);
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 1), WLK_OK);
	assert_int_equal(ice_agent_gather_ahead(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(ice_agent_gathering_state(sim.side[0].agent), ICE_GATHERING_COMPLETE);
	assert_int_equal(sim.side[0].candidate_count, 0);
	assert_int_equal(sim.side[0].gathering, ICE_GATHERING_NEW);
	told = told_lines(sim.side[0].agent);
	assert_int_equal(strlen(told), 0);
	wlk_free(told);
	sent = sim.side[0].sent;
	assert_true(sent > 0);
	sim.trickle = false;
	assert_int_equal(ice_agent_gather(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pump(&sim); /* at once, and in the usual order: MUSTs of the pair see to it */
	assert_int_equal(sim.side[0].candidate_count, 2);
	assert_int_equal(sim.side[0].gathering_completed, 1);
	assert_int_equal(sim.side[0].sent, sent);
	assert_int_equal(ice_agent_gather_ahead(sim.side[0].agent, sim.now), WLK_OK); /* too late: nothing */
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].candidate_count, 2);
	ice_sim_free(&sim);
}

static void test_gathering_ahead_follows_a_new_policy_and_new_servers(void **state)
{
	static const struct ice_server server = {
		.host = { "198.51.100.1", 12 }, .port = 3478, .url = { "stun:198.51.100.1", 17 }
	};
	struct ice_agent_config a = { .policy = ICE_POLICY_RELAY };
	struct ice_sim sim;

	(void)state;
	init_sim(&sim, 11, &a, NULL);
	sim.side[0].nat.enabled = true;
	sim.stun_server = addr_v4(198, 51, 100, 1, 3478);
	assert_int_equal(ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 1), WLK_OK);
	assert_int_equal(ice_agent_gather_ahead(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	ice_agent_set_policy(sim.side[0].agent, ICE_POLICY_ALL);
	assert_int_equal(ice_agent_set_servers(sim.side[0].agent, &server, 1), WLK_OK);
	assert_int_equal(ice_agent_gather_ahead(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pass(&sim, SECOND);
	assert_int_equal(sim.side[0].candidate_count, 0);
	sim.trickle = false;
	assert_int_equal(ice_agent_gather(sim.side[0].agent, sim.now), WLK_OK);
	ice_sim_pump(&sim);
	assert_int_equal(sim.side[0].candidate_count, 2);
	ice_agent_close(sim.side[0].agent);
	assert_int_equal(ice_agent_gather_ahead(sim.side[0].agent, sim.now), WLK_ERR_CLOSED);
	ice_sim_free(&sim);
}

/* ------------------------------------------------------------------------------------------------ memory */

static void test_every_failing_allocation_is_survived(void **state)
{
	wlk_address_mapping map = { .external = addr_v4(203, 0, 113, 1, 0), .as_srflx = true };
	size_t before = alloc_live_blocks();

	(void)state;
	for (size_t n = 1; n < 400; n++) {
		struct ice_agent_config a = { .hide_host_addresses = true, .mappings = &map, .mapping_count = 1 };
		struct ice_sim sim;

		alloc_fail_after(n);
		init_sim(&sim, n, &a, NULL);
		sim.mdns = true;
		if (!sim.dead) {
			(void)!ice_agent_set_interfaces(sim.side[0].agent, sim.now, sim.side[0].ips, 1);
			(void)!ice_agent_gather_ahead(sim.side[0].agent, sim.now);
			ice_sim_pump(&sim);
			(void)!ice_agent_gather(sim.side[0].agent, sim.now);
			ice_sim_pass(&sim, SECOND);
			ice_agent_close(sim.side[0].agent);
		}
		alloc_fail_after(0);
		ice_sim_free(&sim);
	}
	assert_int_equal(alloc_live_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R9_hidden_hosts_connect_by_name),
		cmocka_unit_test(test_related_addresses_are_hidden_too),
		cmocka_unit_test(test_names_outlive_restarts_but_not_their_address),
		cmocka_unit_test(test_closing_says_goodbye),
		cmocka_unit_test(test_no_mdns_socket_is_not_the_end),
		cmocka_unit_test(test_mapping_in_place_of_the_host_address),
		cmocka_unit_test(test_mapping_beside_the_host_address),
		cmocka_unit_test(test_bad_mappings_are_refused),
		cmocka_unit_test(test_modes_of_rfc_8828),
		cmocka_unit_test(test_mode_4_sends_no_datagram),
		cmocka_unit_test(test_default_route_only_tells_reflexive_candidates),
		cmocka_unit_test(test_relay_policy_comes_with_the_next_generation),
		cmocka_unit_test(test_R8_remote_filter_refuses_candidates_and_requests),
		cmocka_unit_test(test_R39_closing_inside_a_filter_is_an_assertion),
		cmocka_unit_test(test_gathering_ahead_tells_nothing_and_happens_once),
		cmocka_unit_test(test_gathering_ahead_follows_a_new_policy_and_new_servers),
		cmocka_unit_test(test_every_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
