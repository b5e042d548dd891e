/* doors/ice: two agents by their public names alone, over a wire that is a function call and a clock that is a variable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/time.h"
#include "wirelark/ice.h"

struct side {
	wlk_ice_agent *agent;
	wlk_addr address;
	wlk_ice_state state;
	size_t candidates, pairs, errors, closes;
	char error_text[64], error_url[64];
	uint8_t last[2048];
	size_t last_size, received;
};

static struct pair {
	struct side side[2];
	wlk_time now;
	bool memory_is_short;
} p;

static void answer(struct side *me, const wlk_request *request)
{
	if (request->type == WLK_REQUEST_BIND_UDP)
		wlk_ice_agent_on_request(me->agent, p.now, request->id, WLK_OK, &me->address, 1, NULL);
	else if (request->type == WLK_REQUEST_RESOLVE)
		wlk_ice_agent_on_request(me->agent, p.now, request->id, WLK_ERR_NOT_FOUND, NULL, 0, NULL);
	else if (request->type == WLK_REQUEST_CONNECT_TLS)
		wlk_ice_agent_on_request(me->agent, p.now, request->id, WLK_ERR_CRYPTO, NULL, 0, "certificate has expired");
	else if (request->type == WLK_REQUEST_CLOSE)
		me->closes++;
	else
		wlk_ice_agent_on_request(me->agent, p.now, request->id, WLK_ERR_UNSUPPORTED, NULL, 0, NULL);
}

static void on_event(struct side *me, struct side *other, const wlk_ice_event *ev)
{
	switch (ev->type) {
	case WLK_ICE_EVENT_CANDIDATE:
		me->candidates++;
		assert_memory_equal(ev->u.candidate, "candidate:", 10);
		/* Nobody connects to an active TCP candidate: the far end passes it over. */
		if (wlk_ice_agent_add_remote_candidate(other->agent, p.now, ev->u.candidate))
			assert_true(p.memory_is_short || strstr(ev->u.candidate, "tcptype active"));
		break;
	case WLK_ICE_EVENT_STATE:
		me->state = ev->u.state;
		break;
	case WLK_ICE_EVENT_SELECTED_PAIR:
		me->pairs++;
		break;
	case WLK_ICE_EVENT_CANDIDATE_ERROR:
		me->errors++;
		snprintf(me->error_text, sizeof(me->error_text), "%s", ev->u.error.text);
		snprintf(me->error_url, sizeof(me->error_url), "%s", ev->u.error.url);
		break;
	default:
		break;
	}
}

static bool drain(struct side *me, struct side *other)
{
	wlk_datagram datagram;
	wlk_request request;
	wlk_ice_event ev;
	wlk_bytes bytes;
	bool any = false;

	for (; wlk_ice_agent_poll_request(me->agent, p.now, &request); any = true)
		answer(me, &request);
	for (; wlk_ice_agent_poll_event(me->agent, &ev); any = true)
		on_event(me, other, &ev);
	for (; wlk_ice_agent_poll_received(me->agent, &bytes); any = true) {
		me->received++;
		me->last_size = bytes.size;
		memcpy(me->last, bytes.data, bytes.size);
	}
	for (; wlk_ice_agent_poll_transmit(me->agent, p.now, &datagram); any = true) {
		wlk_ice_agent_input(other->agent, p.now, &datagram.remote, &datagram.local, datagram.data, datagram.size);
		wlk_datagram_release(&datagram);
	}
	return any;
}

/* Both sides until nothing moves; their deadlines lie ahead then. */
static void settle(void)
{
	bool any = true;

	for (int rounds = 0; any; rounds++) {
		assert_true(rounds < 1000);
		any = drain(&p.side[0], &p.side[1]);
		any |= drain(&p.side[1], &p.side[0]);
	}
	for (int i = 0; i < 2; i++)
		assert_true(wlk_ice_agent_deadline(p.side[i].agent) > p.now);
}

static void pass(wlk_time until)
{
	while (p.now < until) {
		p.now = MIN(until, MIN(wlk_ice_agent_deadline(p.side[0].agent), wlk_ice_agent_deadline(p.side[1].agent)));
		for (int i = 0; i < 2; i++)
			wlk_ice_agent_handle_timeout(p.side[i].agent, p.now);
		settle();
	}
}

static wlk_err begin(const wlk_configuration *config)
{
	wlk_err err = WLK_OK;

	memset(&p, 0, sizeof(p));
	p.now = SECOND;
	for (int i = 0; i < 2; i++) {
		struct side *me = &p.side[i];

		me->address = (wlk_addr){ .family = 4, .port = 4000, .ip = { 10, 0, 0, (uint8_t)(i + 1) } };
		if (!err)
			err = wlk_ice_agent_create(config, i ? WLK_ICE_ROLE_CONTROLLED : WLK_ICE_ROLE_CONTROLLING, &me->agent);
	}
	return err;
}

static wlk_err introduce(void)
{
	wlk_err err = WLK_OK;

	for (int i = 0; i < 2; i++) {
		wlk_ice_parameters parameters = wlk_ice_agent_local_parameters(p.side[1 - i].agent);

		if (!err)
			err = wlk_ice_agent_set_interfaces(p.side[i].agent, p.now, &p.side[i].address, 1);
		if (!err)
			err = wlk_ice_agent_gather(p.side[i].agent, p.now);
		if (!err)
			err = wlk_ice_agent_set_remote_parameters(p.side[i].agent, p.now, &parameters, false);
	}
	return err;
}

static void connect_both(const wlk_configuration *config)
{
	assert_int_equal(begin(config), WLK_OK);
	assert_int_equal(introduce(), WLK_OK);
	settle();
	pass(p.now + 2 * SECOND);
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		wlk_ice_agent_destroy(p.side[i].agent);
	memset(&p, 0, sizeof(p));
	return 0;
}

/* ---- tests ---- */

static void test_two_agents_find_each_other_and_carry_datagrams(void **state)
{
	wlk_ice_agent_stats stats = { sizeof(stats) };
	wlk_addr local, remote;

	(void)state;
	connect_both(NULL);
	for (int i = 0; i < 2; i++) {
		struct side *me = &p.side[i];

		assert_true(me->state == WLK_ICE_STATE_CONNECTED || me->state == WLK_ICE_STATE_COMPLETED);
		assert_int_equal(wlk_ice_agent_state(me->agent), me->state);
		assert_int_equal(wlk_ice_agent_gathering_state(me->agent), WLK_ICE_GATHERING_COMPLETE);
		assert_int_equal(wlk_ice_agent_role(me->agent), i ? WLK_ICE_ROLE_CONTROLLED : WLK_ICE_ROLE_CONTROLLING);
		assert_true(me->candidates >= 1 && me->pairs >= 1);
		assert_int_equal(wlk_ice_agent_selected_pair(me->agent, &local, &remote), WLK_OK);
		assert_int_equal(local.ip[3], i + 1);
		assert_int_equal(remote.ip[3], 2 - i);
		assert_int_equal(wlk_ice_agent_send(me->agent, p.now, (const uint8_t *)"\x80hello", 6), WLK_OK);
	}
	settle();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p.side[i].received, 1);
		assert_int_equal(p.side[i].last_size, 6);
		assert_memory_equal(p.side[i].last, "\x80hello", 6);
		assert_int_equal(wlk_ice_agent_get_stats(p.side[i].agent, &stats), WLK_OK);
		assert_int_equal(stats.datagrams_sent, 1);
		assert_int_equal(stats.bytes_received, 6);
		assert_int_equal(stats.datagrams_dropped, 0);
		assert_true(stats.requests_sent > 0 && stats.responses_received > 0);
	}
}

/* Bytes that begin like STUN or ChannelData and are neither are the application's. */
static void test_any_first_byte_passes(void **state)
{
	uint8_t data[40] = { 0 };

	(void)state;
	connect_both(NULL);
	for (unsigned int first = 0; first < 256; first++) {
		data[0] = (uint8_t)first;
		assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, data, 1 + first % sizeof(data)), WLK_OK);
		settle();
		assert_int_equal(p.side[1].received, first + 1);
		assert_int_equal(p.side[1].last_size, 1 + first % sizeof(data));
		assert_int_equal(p.side[1].last[0], first);
	}
}

static void test_a_restart_keeps_the_path_and_draws_new_parameters(void **state)
{
	char old[64];

	(void)state;
	connect_both(NULL);
	snprintf(old, sizeof(old), "%s", wlk_ice_agent_local_parameters(p.side[0].agent).password);
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_ice_agent_restart(p.side[i].agent, p.now), WLK_OK);
	assert_string_not_equal(old, wlk_ice_agent_local_parameters(p.side[0].agent).password);
	assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, (const uint8_t *)"x", 1), WLK_OK);
	for (int i = 0; i < 2; i++) {
		wlk_ice_parameters parameters = wlk_ice_agent_local_parameters(p.side[1 - i].agent);

		assert_int_equal(wlk_ice_agent_set_remote_parameters(p.side[i].agent, p.now, &parameters, false), WLK_OK);
	}
	settle();
	pass(p.now + 2 * SECOND);
	assert_int_equal(p.side[1].received, 1);
	assert_int_equal(wlk_ice_agent_send(p.side[1].agent, p.now, (const uint8_t *)"y", 1), WLK_OK);
	settle();
	assert_int_equal(p.side[0].received, 1);
}

static void test_R12_datagrams_of_paths_that_are_not_valid_are_dropped(void **state)
{
	const wlk_addr stranger = { .family = 4, .port = 9, .ip = { 192, 0, 2, 1 } };
	wlk_ice_agent_stats stats = { sizeof(stats) };

	(void)state;
	connect_both(NULL);
	wlk_ice_agent_input(p.side[0].agent, p.now, &p.side[0].address, &stranger, (const uint8_t *)"\x80 forged", 8);
	settle();
	assert_int_equal(p.side[0].received, 0);
	assert_int_equal(wlk_ice_agent_get_stats(p.side[0].agent, &stats), WLK_OK);
	assert_int_equal(stats.datagrams_dropped, 1);
}

static void test_noise_changes_nothing(void **state)
{
	wlk_ice_agent_stats stats = { sizeof(stats) };
	uint8_t noise[2100];
	uint32_t random = 7;

	(void)state;
	connect_both(NULL);
	for (size_t n = 0; n < 3000; n++) {
		for (size_t i = 0; i < 64; i++)
			noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		if (n % 3 == 0)
			memcpy(noise, "\0\1\0\0\x21\x12\xa4\x42", 8);
		p.now++;
		wlk_ice_agent_input(p.side[0].agent, p.now, &p.side[0].address, &(wlk_addr){ .family = 4, .port = 5, .ip = { 10, 0, 0, 9 } }, noise,
				    n % sizeof(noise));
		settle();
	}
	assert_int_equal(p.side[0].received, 0);
	assert_true(p.side[0].state == WLK_ICE_STATE_CONNECTED || p.side[0].state == WLK_ICE_STATE_COMPLETED);
	assert_int_equal(wlk_ice_agent_get_stats(p.side[0].agent, &stats), WLK_OK);
	assert_true(stats.checks_refused > 500);
	assert_true(stats.datagrams_dropped > 500);
}

static void test_the_queue_has_a_limit(void **state)
{
	(void)state;
	connect_both(NULL);
	for (int i = 0; i < WLK_ICE_QUEUE_MAX; i++)
		assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, (const uint8_t *)"z", 1), WLK_OK);
	assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, (const uint8_t *)"z", 1), WLK_ERR_AGAIN);
	settle();
	assert_int_equal(p.side[1].received, WLK_ICE_QUEUE_MAX);
	assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, (const uint8_t *)"z", 1), WLK_OK);
}

static void test_the_reason_of_a_failed_request_is_told(void **state)
{
	const wlk_ice_server server = { .url = "turns:192.0.2.9", .username = "u", .credential = "p" };
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	(void)state;
	config.ice_servers = &server;
	config.ice_server_count = 1;
	connect_both(&config);
	assert_int_equal(p.side[0].errors, 1);
	assert_string_equal(p.side[0].error_url, "turns:192.0.2.9");
	assert_string_equal(p.side[0].error_text, "certificate has expired");
	/* Other servers count from the next gathering on; a bad one changes nothing. */
	assert_int_equal(wlk_ice_agent_set_servers(p.side[0].agent, &(wlk_ice_server){ .url = "http:x" }, 1), WLK_ERR_PARSE);
	assert_int_equal(wlk_ice_agent_set_servers(p.side[0].agent, &(wlk_ice_server){ .url = "turn:x" }, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_servers(p.side[0].agent, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_servers(p.side[0].agent, NULL, 0), WLK_OK);
}

static void test_misuse_is_answered_and_changes_nothing(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT, bad = WLK_CONFIGURATION_INIT;
	wlk_ice_agent_stats small = { sizeof(size_t) };
	const wlk_ice_server server = { .url = "turn:host" };
	const char *candidate = "candidate:1 1 udp 2130706431 10.0.0.3 1000 typ host";
	wlk_ice_agent *none = NULL, *agent;
	uint8_t big[2049] = { 0x80 };

	(void)state;
	bad.struct_size = 1;
	assert_int_equal(wlk_ice_agent_create(&bad, WLK_ICE_ROLE_CONTROLLING, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_create(&config, WLK_ICE_ROLE_UNKNOWN, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_create(&config, WLK_ICE_ROLE_CONTROLLED, NULL), WLK_ERR_INVALID);
	config.ice_server_count = 1;
	assert_int_equal(wlk_ice_agent_create(&config, WLK_ICE_ROLE_CONTROLLED, &none), WLK_ERR_INVALID);
	config.ice_servers = &server;
	assert_int_equal(wlk_ice_agent_create(&config, WLK_ICE_ROLE_CONTROLLED, &none), WLK_ERR_INVALID);
	config.ice_server_count = 0;
	config.port_min = 2;
	config.port_max = 1;
	assert_int_equal(wlk_ice_agent_create(&config, WLK_ICE_ROLE_CONTROLLED, &none), WLK_ERR_INVALID);
	assert_null(none);

	assert_int_equal(begin(NULL), WLK_OK);
	agent = p.side[0].agent;
	assert_int_equal(wlk_ice_agent_send(agent, p.now, big, 1), WLK_ERR_STATE);
	assert_int_equal(wlk_ice_agent_send(agent, p.now, big, 0), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_send(agent, p.now, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_send(agent, p.now, big, sizeof(big)), WLK_ERR_TOO_LARGE);
	assert_int_equal(wlk_ice_agent_send(agent, p.now, (const uint8_t *)"\0\1\0\0\x21\x12\xa4\x42............", 20), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_interfaces(agent, p.now, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_remote_parameters(agent, p.now, NULL, false), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_remote_parameters(agent, p.now, &(wlk_ice_parameters){ "abc", "0123456789012345678901" }, false),
			 WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_set_remote_parameters(agent, p.now, &(wlk_ice_parameters){ "abcd", "0123456789012345678901" }, false), WLK_OK);
	assert_int_equal(wlk_ice_agent_set_remote_parameters(agent, p.now, &(wlk_ice_parameters){ "dcba", "0123456789012345678901" }, false),
			 WLK_ERR_STATE);
	assert_int_equal(wlk_ice_agent_add_remote_candidate(agent, p.now, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_add_remote_candidate(agent, p.now, "candidate:1"), WLK_ERR_PARSE);
	assert_int_equal(wlk_ice_agent_add_remote_candidate(agent, p.now, candidate), WLK_OK);
	assert_int_equal(wlk_ice_agent_add_remote_candidate(agent, p.now, candidate), WLK_OK);
	assert_int_equal(wlk_ice_agent_selected_pair(agent, NULL, NULL), WLK_ERR_NOT_FOUND);
	assert_int_equal(wlk_ice_agent_get_stats(agent, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_agent_get_stats(agent, &small), WLK_ERR_INVALID);
	wlk_ice_agent_on_request(agent, p.now, 12345, WLK_OK, NULL, 0, NULL);
	wlk_ice_agent_destroy(NULL);
}

static void test_close_gives_the_sockets_back(void **state)
{
	(void)state;
	connect_both(NULL);
	wlk_ice_agent_close(p.side[0].agent, p.now);
	wlk_ice_agent_close(p.side[0].agent, p.now);
	settle();
	assert_int_equal(p.side[0].closes, 1);
	assert_int_equal(wlk_ice_agent_state(p.side[0].agent), WLK_ICE_STATE_CLOSED);
	assert_int_equal(wlk_ice_agent_send(p.side[0].agent, p.now, (const uint8_t *)"z", 1), WLK_ERR_STATE);
	assert_int_equal(wlk_ice_agent_gather(p.side[0].agent, p.now), WLK_ERR_CLOSED);
	assert_int_equal(wlk_ice_agent_deadline(p.side[0].agent), WLK_TIME_NEVER);
}

/* Each allocation of the whole story fails once: errors are answered, nothing leaks, and the clock moves on. */
static void test_memory_that_runs_out(void **state)
{
	const wlk_ice_server server = { .url = "stun:stun.example.org" };
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	size_t before = alloc_live_blocks();
	bool failed = true;

	(void)state;
	config.ice_servers = &server;
	config.ice_server_count = 1;
	for (size_t n = 1; failed; n++) {
		wlk_err err;

		alloc_fail_after(n);
		err = begin(&config);
		p.memory_is_short = true;
		if (!err && !introduce()) {
			settle();
			pass(p.now + SECOND);
			for (int i = 0; i < 2; i++)
				(void)wlk_ice_agent_send(p.side[i].agent, p.now, (const uint8_t *)"memory", 6);
			settle();
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		end(NULL);
		assert_int_equal(alloc_live_blocks(), before);
		assert_true(n < 2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_two_agents_find_each_other_and_carry_datagrams, end),
		cmocka_unit_test_teardown(test_any_first_byte_passes, end),
		cmocka_unit_test_teardown(test_a_restart_keeps_the_path_and_draws_new_parameters, end),
		cmocka_unit_test_teardown(test_R12_datagrams_of_paths_that_are_not_valid_are_dropped, end),
		cmocka_unit_test_teardown(test_noise_changes_nothing, end),
		cmocka_unit_test_teardown(test_the_queue_has_a_limit, end),
		cmocka_unit_test_teardown(test_the_reason_of_a_failed_request_is_told, end),
		cmocka_unit_test_teardown(test_misuse_is_answered_and_changes_nothing, end),
		cmocka_unit_test_teardown(test_close_gives_the_sockets_back, end),
		cmocka_unit_test_teardown(test_memory_that_runs_out, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
