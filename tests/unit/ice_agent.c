/* The agent's interface: bad arguments, event order, candidate rules, mDNS names, the five verbs under random calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "ice/stun_msg.h"
#include "tests/support/ice_pair.h"

#define LINE(addr, port) "candidate:1 1 udp 2113937151 " addr " " port " typ host"
#define UUID             "9b36eaac-bb2e-49bb-bb78-21c41c499900.local"

static struct ice_agent *make(const struct ice_agent_config *config)
{
	struct ice_agent_config c = config ? *config : (struct ice_agent_config){ 0 };
	struct ice_agent *agent = NULL;

	c.no_tcp = true; /* UDP candidates are counted */
	assert_int_equal(ice_agent_create(&agent, &c), WLK_OK);
	return agent;
}

static wlk_err add_line(struct ice_agent *agent, const char *line)
{
	return ice_agent_add_remote_candidate_line(agent, SECOND, line, strlen(line));
}

static void test_config_limits(void **state)
{
	static const struct ice_agent_config bad[] = {
		{ .pacing_us = 19999 },
		{ .pacing_us = -1 },
		{ .consent_timeout_us = 30000001 },
		{ .max_pairs = 0x10000 },
		{ .max_remote_candidates = 0x10000 },
		{ .port_min = 2, .port_max = 1 },
		{ .failed_after_us = -1 },
	};
	struct ice_agent *agent = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ice_agent_create(&agent, &bad[i]), WLK_ERR_INVALID);
		assert_null(agent);
	}
	ice_agent_destroy(NULL);
}

static void test_a_fresh_agent_is_idle(void **state)
{
	struct ice_agent *agent = make(NULL);
	struct ice_request request;
	struct ice_event event;
	struct dgram d;
	wlk_addr addr;

	(void)state;
	assert_int_equal(ice_agent_deadline(agent), WLK_TIME_NEVER);
	assert_false(ice_agent_poll_request(agent, &request));
	assert_false(ice_agent_poll_event(agent, &event));
	assert_false(ice_agent_poll_transmit(agent, 0, &d));
	assert_false(ice_agent_selected(agent, &addr, &addr));
	assert_int_equal(ice_agent_rtt(agent), 0);
	assert_string_equal(ice_state_name(ice_agent_state(agent)), "new");
	assert_string_equal(ice_gathering_state_name(ice_agent_gathering_state(agent)), "new");
	ice_agent_handle_timeout(agent, SECOND);
	assert_int_equal(ice_agent_deadline(agent), WLK_TIME_NEVER);
	ice_agent_destroy(agent);
}

static void test_gathering_tells_in_order(void **state)
{
	struct ice_agent_config config = { .port_min = 5000, .port_max = 5009 };
	struct ice_agent *agent = make(&config);
	wlk_addr ips[2] = { addr_v4(10, 0, 0, 1, 77), addr_v4(10, 0, 0, 1, 0) };
	struct ice_request r;
	struct ice_event e;

	(void)state;
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, ips, 2), WLK_OK);
	assert_false(ice_agent_poll_request(agent, &r));
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &r));
	assert_int_equal(r.type, ICE_REQUEST_BIND_UDP);
	assert_int_equal(r.port_min, 5000);
	assert_int_equal(r.port_max, 5009);
	assert_int_equal(r.local.port, 0);
	struct ice_request second;

	assert_false(ice_agent_poll_request(agent, &second)); /* the same IP twice is one base */
	assert_true(ice_agent_poll_event(agent, &e));
	assert_int_equal(e.gathering_state, ICE_GATHERING_ACTIVE);
	assert_false(ice_agent_poll_event(agent, &e));
	r.local.port = 5003;
	ice_agent_on_request(agent, SECOND, r.id + 7, WLK_OK, &r.local, 1); /* nobody's */
	ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &r.local, 1);
	ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &r.local, 1); /* twice */
	assert_true(ice_agent_poll_event(agent, &e));
	assert_int_equal(e.type, ICE_EVENT_LOCAL_CANDIDATE);
	assert_true(addr_equal(&e.candidate.addr, &r.local));
	assert_int_equal(e.candidate.type, CANDIDATE_HOST);
	assert_int_equal(e.candidate.component, 1);
	assert_int_equal(e.candidate.priority >> 24, 126);
	assert_true(ice_agent_poll_event(agent, &e));
	assert_int_equal(e.type, ICE_EVENT_GATHERING_STATE);
	assert_int_equal(e.gathering_state, ICE_GATHERING_COMPLETE);
	assert_false(ice_agent_poll_event(agent, &e));
	ice_agent_destroy(agent);
}

static void test_gathering_without_interfaces_completes(void **state)
{
	struct ice_agent_config relay = { .policy = ICE_POLICY_RELAY };
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	wlk_addr loopback = addr_v4(127, 0, 0, 1, 0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct ice_agent *agent = make(i == 1 ? &relay : NULL);
		struct ice_request r;

		if (i)
			assert_int_equal(ice_agent_set_interfaces(agent, SECOND, i == 1 ? &ip : &loopback, 1), WLK_OK);
		assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
		if (i == 1) { /* a socket that relays could be reached from, and no candidate */
			struct ice_candidate_line line;
			size_t index = 0;

			assert_true(ice_agent_poll_request(agent, &r));
			assert_int_equal(r.type, ICE_REQUEST_BIND_UDP);
			ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &ip, 1);
			assert_false(ice_agent_told_candidate(agent, &index, &line));
		}
		assert_false(ice_agent_poll_request(agent, &r));
		assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
		ice_agent_destroy(agent);
	}
}

static void test_failed_bind_is_not_the_end(void **state)
{
	struct ice_agent *agent = make(NULL);
	wlk_addr ips[2] = { addr_v4(10, 0, 0, 1, 0), addr_v4(10, 0, 0, 2, 0) };
	struct ice_candidate_stats c;
	struct ice_request r;

	(void)state;
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, ips, 2), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &r));
	ice_agent_on_request(agent, SECOND, r.id, WLK_ERR_IO, NULL, 0);
	assert_true(ice_agent_poll_request(agent, &r));
	r.local.port = 1234;
	ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &r.local, 1);
	assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
	assert_true(ice_agent_local_candidate(agent, 0, &c));
	assert_true(addr_ip_equal(&c.candidate.addr, &ips[1]));
	assert_false(ice_agent_local_candidate(agent, 1, &c));
	ice_agent_destroy(agent);
}

/* An answer that comes after the close opens a socket that nobody wants. */
static void test_late_bind_is_closed(void **state)
{
	struct ice_agent *agent = make(NULL);
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	struct ice_request r;
	struct ice_request last;

	(void)state;
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &r));
	ice_agent_close(agent);
	assert_false(ice_agent_poll_request(agent, &last));
	r.local.port = 1234;
	ice_agent_on_request(agent, SECOND, r.id, WLK_OK, &r.local, 1);
	assert_true(ice_agent_poll_request(agent, &last));
	assert_int_equal(last.type, ICE_REQUEST_CLOSE);
	assert_true(addr_equal(&last.local, &r.local));
	assert_false(ice_agent_poll_request(agent, &last));
	ice_agent_destroy(agent);
}

static void test_server_arguments(void **state)
{
	struct ice_agent *agent = make(NULL);
	char long_name[256];
	struct ice_server servers[17];
	const struct ice_server bad[] = {
		{ .host = STR(""), .port = 3478 },
		{ .host = STR("a"), .port = 0 },
		{ .host = { long_name, sizeof(long_name) }, .port = 3478 },
		{ .host = STR("a"), .port = 3478, .transport = ICE_SERVER_TCP },
		{ .host = STR("a"), .port = 3478, .is_turn = true },
	};

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	for (size_t i = 0; i < 17; i++)
		servers[i] = (struct ice_server){ .host = STR("a"), .port = 3478 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ice_agent_set_servers(agent, &bad[i], 1), WLK_ERR_INVALID);
	assert_int_equal(ice_agent_set_servers(agent, servers, 16), WLK_OK);
	assert_int_equal(ice_agent_set_servers(agent, servers, 17), WLK_ERR_TOO_LARGE);
	ice_agent_destroy(agent);
}

static void test_remote_parameter_arguments(void **state)
{
	struct ice_agent *agent = make(NULL);
	struct str pwd = STR("0123456789012345678901");
	char big[257];

	(void)state;
	memset(big, 'a', sizeof(big));
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, STR("abc"), pwd, false), WLK_ERR_INVALID);
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, STR("ab:cd"), pwd, false), WLK_ERR_INVALID);
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, STR("ab cd"), pwd, false), WLK_ERR_INVALID);
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, STR("abcd"), STR("short"), false), WLK_ERR_INVALID);
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, (struct str){ big, 257 }, pwd, false),
			 WLK_ERR_INVALID);
	assert_int_equal(ice_agent_state(agent), ICE_STATE_NEW);
	assert_int_equal(
		ice_agent_set_remote_parameters(agent, 0, (struct str){ big, 256 }, (struct str){ big, 256 }, false),
		WLK_OK);
	assert_int_equal(ice_agent_state(agent), ICE_STATE_CHECKING);
	ice_agent_destroy(agent);
}

/* The longest ufrag still makes a message that fits. */
static void test_checks_with_the_longest_ufrag(void **state)
{
	struct ice_agent *agent = make(NULL);
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	struct ice_request r;
	struct dgram d;
	char big[256];

	(void)state;
	memset(big, 'a', sizeof(big));
	assert_int_equal(ice_agent_set_interfaces(agent, 0, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, 0), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &r));
	r.local.port = 5000;
	ice_agent_on_request(agent, 0, r.id, WLK_OK, &r.local, 1);
	assert_int_equal(
		ice_agent_set_remote_parameters(agent, 0, (struct str){ big, 256 }, (struct str){ big, 256 }, false),
		WLK_OK);
	assert_int_equal(add_line(agent, LINE("10.0.0.2", "6000")), WLK_OK);
	assert_true(ice_agent_poll_transmit(agent, 0, &d));
	assert_true(d.buf->size > 256 + 8);
	pktbuf_release(d.buf);
	ice_agent_destroy(agent);
}

static void test_R8_candidates_that_are_refused(void **state)
{
	static const char *const bad[] = {
		LINE("127.0.0.1", "9"),
		LINE("::1", "9"),
		LINE("0.0.0.0", "9"),
		LINE("224.0.0.1", "9"),
		LINE("255.255.255.255", "9"),
		LINE("::ffff:127.0.0.1", "9"),
		LINE("::", "9"),
		LINE("ff02::1", "9"),
		LINE("10.0.0.1", "0"),
		LINE("169.254.1.1", "9"),
		LINE("example.com", "9"),
		"candidate:1 2 udp 2113937151 10.0.0.1 9 typ host",
		"candidate:1 1 tcp 2113937151 10.0.0.1 9 typ host tcptype active",
	};
	struct ice_agent *agent = make(NULL);
	struct ice_candidate_stats c;
	char line[600];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (add_line(agent, bad[i]) != WLK_ERR_UNSUPPORTED)
			fail_msg("%s is not refused", bad[i]);
	assert_int_equal(add_line(agent, "candidate:1 1 udp"), WLK_ERR_PARSE);
	memset(line, 'a', sizeof(line));
	assert_int_equal(ice_agent_add_remote_candidate_line(agent, 0, line, sizeof(line)), WLK_ERR_TOO_LARGE);
	assert_false(ice_agent_remote_candidate(agent, 0, &c));
	ice_agent_destroy(agent);
}

static void test_candidate_twice_is_one(void **state)
{
	struct ice_agent *agent = make(NULL);
	struct ice_candidate_stats c;

	(void)state;
	assert_int_equal(add_line(agent, LINE("10.0.0.2", "6000")), WLK_OK);
	assert_int_equal(add_line(agent, "a=" LINE("10.0.0.2", "6000")), WLK_OK);
	assert_true(ice_agent_remote_candidate(agent, 0, &c));
	assert_false(ice_agent_remote_candidate(agent, 1, &c));
	ice_agent_destroy(agent);
}

static void test_candidate_of_another_generation_is_skipped(void **state)
{
	struct ice_agent *agent = make(NULL);
	struct ice_candidate_stats c;

	(void)state;
	assert_int_equal(ice_agent_set_remote_parameters(agent, 0, STR("peer"), STR("0123456789012345678901"), false),
			 WLK_OK);
	assert_int_equal(add_line(agent, LINE("10.0.0.2", "6000") " ufrag gone"), WLK_ERR_STATE);
	assert_false(ice_agent_remote_candidate(agent, 0, &c));
	assert_int_equal(add_line(agent, LINE("10.0.0.2", "6000") " ufrag peer"), WLK_OK);
	ice_agent_destroy(agent);
}

/* ------------------------------------------------------------------------------------------------- mDNS */

static void test_local_names_are_looked_up_and_not_needed(void **state)
{
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, NULL, 1, NULL, NULL);
	sim.side[1].silent = true;
	ice_sim_connect(&sim);
	assert_int_equal(add_line(sim.side[0].agent, LINE(UUID, "6000")), WLK_OK);
	/* Nobody answers for the name; the peer's own checks make the pair. */
	assert_true(ice_sim_run(&sim, SECOND, ice_sim_nominated));
	ice_sim_pass(&sim, 20 * SECOND);
	assert_true(sim.side[0].mdns_sent >= 2);
	assert_int_equal(ice_agent_state(sim.side[0].agent), ICE_STATE_COMPLETED);
	ice_sim_free(&sim);
}

static void test_R9_only_uuid_names(void **state)
{
	struct ice_agent_config off = { .no_mdns = true };
	struct ice_agent *agent = make(NULL);
	struct ice_request r;

	(void)state;
	assert_int_equal(add_line(agent, LINE("printer.local", "9")), WLK_ERR_UNSUPPORTED);
	assert_int_equal(add_line(agent, LINE("a." UUID, "9")), WLK_ERR_UNSUPPORTED);
	assert_false(ice_agent_poll_request(agent, &r));
	assert_int_equal(add_line(agent, LINE(UUID, "9")), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &r));
	assert_int_equal(r.type, ICE_REQUEST_JOIN_MDNS);
	assert_int_equal(add_line(agent, LINE("0" UUID, "9")), WLK_ERR_UNSUPPORTED);
	ice_agent_destroy(agent);
	agent = make(&off);
	assert_int_equal(add_line(agent, LINE(UUID, "9")), WLK_ERR_UNSUPPORTED);
	ice_agent_destroy(agent);
}

/* A DNS response with one A record for UUID. */
static size_t write_mdns_answer(uint8_t *buf, const uint8_t ip[4])
{
	static const uint8_t head[] = { 0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 36 };
	static const uint8_t tail[] = { 5, 'l', 'o', 'c', 'a', 'l', 0, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4 };
	size_t n = 0;

	memcpy(buf, head, sizeof(head));
	n += sizeof(head);
	memcpy(buf + n, UUID, 36);
	n += 36;
	memcpy(buf + n, tail, sizeof(tail));
	n += sizeof(tail);
	memcpy(buf + n, ip, 4);
	return n + 4;
}

static void resolve_name_to(const uint8_t ip[4], bool accepted)
{
	struct ice_sim sim;
	struct ice_candidate_stats c;
	uint8_t answer[128];
	wlk_addr socket = addr_v4(10, 0, 0, 1, 50353);
	wlk_addr responder = addr_v4(10, 0, 0, 2, 5353);

	ice_sim_init(&sim, NULL, 2, NULL, NULL);
	ice_sim_gather(&sim, 0);
	ice_sim_pump(&sim);
	assert_int_equal(add_line(sim.side[0].agent, LINE(UUID, "6000")), WLK_OK);
	assert_int_equal(add_line(sim.side[0].agent, LINE(UUID, "6001")), WLK_OK); /* one query for both */
	ice_sim_pump(&sim);
	ice_agent_input(sim.side[0].agent, sim.now, &socket, &responder, answer, write_mdns_answer(answer, ip));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ice_agent_remote_candidate(sim.side[0].agent, i, &c), accepted);
		if (accepted)
			assert_memory_equal(c.candidate.addr.ip, ip, 4);
		if (accepted)
			assert_in_range(c.candidate.addr.port, 6000, 6001);
	}
	ice_agent_close(sim.side[0].agent);
	ice_sim_pump(&sim);
	assert_int_equal(sim.side[0].closes, 2);
	ice_sim_free(&sim);
}

static void test_R8_R9_what_a_name_resolves_to(void **state)
{
	(void)state;
	resolve_name_to((const uint8_t[]){ 10, 0, 0, 2 }, true);
	resolve_name_to((const uint8_t[]){ 127, 0, 0, 1 }, false);
	resolve_name_to((const uint8_t[]){ 224, 0, 0, 1 }, false);
}

/* ------------------------------------------------------------------------------------------------ stats */

static void test_discarded_packets_and_ufrags_are_told(void **state)
{
	struct ice_link link = { .latency_us = 10000 };
	struct ice_candidate_stats c;
	struct ice_pair_stats before, p;
	struct ice_agent *agent;
	wlk_addr local, remote;
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &link, 3, NULL, NULL);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 2 * SECOND);
	agent = sim.side[0].agent;
	assert_true(ice_agent_selected(agent, &local, &remote));
	assert_true(ice_agent_pair_stats(agent, 0, &before));
	ice_agent_on_discarded(agent, sim.now, &local, &remote, 300);
	ice_agent_on_discarded(agent, sim.now, &local, &local, 300); /* no pair: counted nowhere */
	assert_true(ice_agent_pair_stats(agent, 0, &p));
	assert_int_equal(p.packets_discarded, 1);
	assert_int_equal(p.bytes_discarded, 300);
	assert_int_equal(p.packets_sent, before.packets_sent);
	assert_true(ice_agent_local_candidate(agent, 0, &c));
	assert_string_equal(c.ufrag, ice_agent_local_ufrag(agent));
	assert_true(ice_agent_remote_candidate(agent, 0, &c));
	assert_string_equal(c.ufrag, ice_agent_local_ufrag(sim.side[1].agent));
	assert_int_equal(ice_agent_restart(agent, sim.now), WLK_OK);
	assert_true(ice_agent_remote_candidate(agent, 0, &c)); /* of the generation before, which is in use */
	assert_string_equal(c.ufrag, ice_agent_local_ufrag(sim.side[1].agent));
	assert_true(ice_agent_local_candidate(agent, 0, &c));
	assert_string_equal(c.ufrag, ice_agent_local_ufrag(agent));
	ice_sim_free(&sim);
}

static void test_repeated_checks_are_told_apart(void **state)
{
	const wlk_addr nobody = { .family = 4, .port = 9, .ip = { 10, 9, 9, 9 } };
	struct ice_candidate candidate = { .type = CANDIDATE_HOST, .component = 1, .priority = 1, .addr = nobody, .foundation = "1" };
	struct ice_link link = { .latency_us = 10000 };
	struct ice_pair_stats p = { 0 };
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &link, 3, NULL, NULL);
	ice_sim_connect(&sim);
	assert_int_equal(ice_agent_add_remote_candidate(sim.side[0].agent, sim.now, &candidate), WLK_OK);
	ice_sim_pass(&sim, 3 * SECOND);
	for (size_t i = 0; ice_agent_pair_stats(sim.side[0].agent, i, &p) && p.remote.port != 9;)
		i++;
	assert_int_equal(p.remote.port, 9);
	assert_int_equal(p.responses_received, 0);
	assert_true(p.requests_repeated >= 2);
	assert_true(p.requests_sent > p.requests_repeated);
	ice_sim_free(&sim);
}

static void test_counters_of_a_call(void **state)
{
	struct ice_link link = { .latency_us = 10000 };
	struct ice_candidate_stats c;
	struct ice_agent_stats s;
	struct ice_pair_stats p;
	struct ice_sim sim;

	(void)state;
	ice_sim_init(&sim, &link, 3, NULL, NULL);
	sim.side[0].traffic = true;
	sim.side[1].traffic = true;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 60 * SECOND);
	assert_true(ice_agent_pair_stats(sim.side[0].agent, 0, &p));
	assert_false(ice_agent_pair_stats(sim.side[0].agent, 1, &p));
	assert_int_equal(p.state, PAIR_SUCCEEDED);
	assert_true(p.nominated && p.selected);
	assert_int_equal(p.packets_sent, sim.side[0].app_sent);
	assert_int_equal(p.bytes_sent, 100 * sim.side[0].app_sent);
	assert_int_equal(p.packets_received, sim.side[0].app_received);
	assert_int_equal(p.bytes_received, 100 * sim.side[0].app_received);
	assert_int_equal(p.requests_sent, p.responses_received);
	assert_int_equal(p.requests_received, p.responses_sent);
	assert_int_equal(p.current_rtt_us, 20000);
	assert_int_equal(p.total_rtt_us, 20000 * p.responses_received);
	assert_int_equal(p.consent_requests_sent, p.requests_sent - 2); /* one check, one nomination */
	assert_int_equal(p.requests_repeated, 0);
	assert_int_equal(p.packets_discarded, 0);
	ice_agent_get_stats(sim.side[0].agent, &s);
	assert_int_equal(s.requests_sent, p.requests_sent);
	assert_int_equal(s.responses_sent, p.responses_sent);
	assert_true(ice_agent_local_candidate(sim.side[0].agent, 0, &c));
	assert_int_equal(c.id, p.local_id);
	assert_true(ice_agent_remote_candidate(sim.side[0].agent, 0, &c));
	assert_int_equal(c.id, p.remote_id);
	/* Paths that are not ours count nothing. */
	ice_agent_on_sent(sim.side[0].agent, sim.now, &p.remote, &p.local, 1);
	ice_agent_on_received(sim.side[0].agent, sim.now, &p.remote, &p.local, 1);
	assert_true(ice_agent_pair_stats(sim.side[0].agent, 0, &p));
	assert_int_equal(p.packets_sent, sim.side[0].app_sent);
	ice_sim_free(&sim);
}

/* ------------------------------------------------------------------------------------- the five verbs */

/* Random calls and random bytes: deadlines stay ahead and drains end (the pump asserts both), and then it connects. */
static void disturb(struct ice_sim *sim)
{
	int side = (int)ice_sim_random(sim, 2);
	struct ice_agent *agent = sim->side[side].agent;
	uint8_t junk[300];
	wlk_addr from = addr_v4(10, 9, 9, (uint8_t)ice_sim_random(sim, 4), (uint16_t)ice_sim_random(sim, 9));
	wlk_addr to = addr_v4(10, 0, 0, (uint8_t)(1 + side), (uint16_t)(5000 + ice_sim_random(sim, 2)));

	switch (ice_sim_random(sim, 9)) {
	case 0:
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)ice_sim_random(sim, 256);
		junk[0] &= 3;
		ice_agent_input(agent, sim->now, &to, &from, junk, ice_sim_random(sim, sizeof(junk)));
		break;
	case 1:
		if (add_line(agent, LINE("10.0.0.77", "6000")) == WLK_ERR_PARSE)
			abort();
		break;
	case 2:
		sim->side[side].gathering = ICE_GATHERING_NEW;
		(void)ice_agent_restart(agent, sim->now);
		break;
	case 3:
		(void)ice_agent_cancel_restart(agent, sim->now);
		break;
	case 4:
		ice_sim_signal_parameters(sim, side);
		break;
	case 5:
		ice_agent_set_controlling(agent, sim->now, ice_sim_random(sim, 2));
		break;
	case 6:
		ice_agent_probe(agent, sim->now);
		break;
	case 7:
		sim->side[side].gathering = ICE_GATHERING_ACTIVE;
		(void)ice_agent_set_interfaces(agent, sim->now, sim->side[side].ips, ice_sim_random(sim, 3));
		break;
	case 8:
		ice_agent_handle_timeout(agent, sim->now + (wlk_time)ice_sim_random(sim, 3));
		break;
	}
}

static void test_five_verbs_under_random_calls(void **state)
{
	struct ice_link link = {
		.latency_us = 20000, .jitter_us = 30000, .loss = 100, .duplicate = 100, .corrupt = 100
	};

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct ice_sim sim;

		ice_sim_init(&sim, &link, seed, NULL, NULL);
		for (int i = 0; i < 2; i++) {
			sim.side[i].ips[1] = addr_v4(10, 0, 1, (uint8_t)(1 + i), 0);
			sim.side[i].ip_count = 2;
			sim.side[i].traffic = true;
		}
		ice_sim_connect(&sim);
		for (int i = 0; i < 60; i++) {
			disturb(&sim);
			ice_sim_pass(&sim, (wlk_time)ice_sim_random(&sim, 2000000));
		}
		/* After a proper restart of both it works again. */
		for (int i = 0; i < 2; i++) {
			sim.side[i].gathering = ICE_GATHERING_ACTIVE;
			assert_int_equal(ice_agent_set_interfaces(sim.side[i].agent, sim.now, sim.side[i].ips, 2),
					 WLK_OK);
			ice_sim_pump(&sim);
			sim.side[i].candidate_count = 0;
			sim.side[i].gathering = ICE_GATHERING_NEW;
			sim.side[i].nominated = false;
			assert_int_equal(ice_agent_restart(sim.side[i].agent, sim.now), WLK_OK);
		}
		ice_sim_signal_parameters(&sim, 0);
		ice_sim_signal_parameters(&sim, 1);
		if (!ice_sim_run(&sim, 20 * SECOND, ice_sim_nominated))
			fail_msg("seed %d does not come back", (int)seed);
		ice_sim_free(&sim);
	}
}

/* Nothing changes without time, input or a call. */
static void test_polling_changes_nothing(void **state)
{
	struct ice_sim sim;
	struct ice_agent_stats before;
	struct ice_agent_stats after;

	(void)state;
	ice_sim_init(&sim, NULL, 5, NULL, NULL);
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, SECOND);
	ice_agent_get_stats(sim.side[0].agent, &before);
	for (int i = 0; i < 100; i++) {
		ice_sim_pump(&sim);
		ice_agent_handle_timeout(sim.side[0].agent, sim.now);
	}
	ice_agent_get_stats(sim.side[0].agent, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	ice_sim_free(&sim);
}

/* The same seed gives the same call, packet for packet. */
static bool hash_packets(struct ice_sim *sim, int from, const struct dgram *d)
{
	uint64_t *hash = sim->user;

	for (size_t i = 0; i < d->buf->size; i++)
		*hash = (*hash ^ d->buf->data[i]) * 1099511628211u;
	*hash = (*hash ^ (uint64_t)sim->now ^ (uint64_t)from) * 1099511628211u;
	return true;
}

static uint64_t hash_of_run(uint64_t seed)
{
	struct ice_link link = { .latency_us = 20000, .jitter_us = 30000, .loss = 200 };
	uint64_t hash = 14695981039346656037u;
	struct ice_sim sim;

	ice_sim_init(&sim, &link, seed, NULL, NULL);
	sim.tap = hash_packets;
	sim.user = &hash;
	ice_sim_connect(&sim);
	ice_sim_pass(&sim, 30 * SECOND);
	ice_sim_free(&sim);
	return hash;
}

static void test_a_seed_replays(void **state)
{
	(void)state;
	assert_int_equal(hash_of_run(7), hash_of_run(7));
	assert_int_not_equal(hash_of_run(7), hash_of_run(8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_limits),
		cmocka_unit_test(test_a_fresh_agent_is_idle),
		cmocka_unit_test(test_gathering_tells_in_order),
		cmocka_unit_test(test_gathering_without_interfaces_completes),
		cmocka_unit_test(test_failed_bind_is_not_the_end),
		cmocka_unit_test(test_late_bind_is_closed),
		cmocka_unit_test(test_server_arguments),
		cmocka_unit_test(test_remote_parameter_arguments),
		cmocka_unit_test(test_checks_with_the_longest_ufrag),
		cmocka_unit_test(test_R8_candidates_that_are_refused),
		cmocka_unit_test(test_candidate_twice_is_one),
		cmocka_unit_test(test_candidate_of_another_generation_is_skipped),
		cmocka_unit_test(test_local_names_are_looked_up_and_not_needed),
		cmocka_unit_test(test_R9_only_uuid_names),
		cmocka_unit_test(test_R8_R9_what_a_name_resolves_to),
		cmocka_unit_test(test_discarded_packets_and_ufrags_are_told),
		cmocka_unit_test(test_repeated_checks_are_told_apart),
		cmocka_unit_test(test_counters_of_a_call),
		cmocka_unit_test(test_five_verbs_under_random_calls),
		cmocka_unit_test(test_polling_changes_nothing),
		cmocka_unit_test(test_a_seed_replays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
