/* The list of servers: what a replacement keeps, what is asked again, what a socket for TURN needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "ice/agent.h"
#include "ice/stun_msg.h"

static const struct ice_server stun = { .host = STR("stun.example"), .port = 3478, .url = STR("stun:stun.example") };
static const struct ice_server turn = {
	.is_turn = true,
	.host = STR("turn.example"),
	.port = 3478,
	.url = STR("turn:turn.example"),
	.username = STR("u"),
	.credential = STR("p"),
};

static const char remote_line[] = "candidate:1 1 udp 2113937151 10.0.0.2 7000 typ host";

static struct ice_agent *make(void)
{
	const struct ice_agent_config config = { .no_tcp = true, .no_mdns = true };
	struct ice_agent *agent = NULL;

	assert_int_equal(ice_agent_create(&agent, &config), WLK_OK);
	return agent;
}

/* Begin gathering on 10.0.0.1:5000; the other requests are handed out and counted by type. */
static size_t gather(struct ice_agent *agent, struct ice_request out[8], bool *own_port)
{
	const wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	struct ice_request r;
	size_t count = 0;

	assert_int_equal(ice_agent_set_interfaces(agent, 1000, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, 1000), WLK_OK);
	while (ice_agent_poll_request(agent, &r)) {
		if (r.type == ICE_REQUEST_BIND_UDP) {
			if (own_port)
				*own_port = r.own_port;
			r.local.port = 5000;
			ice_agent_on_request(agent, 1000, r.id, WLK_OK, &r.local, 1);
		} else {
			assert_true(count < 8);
			out[count++] = r;
		}
	}
	return count;
}

static void test_names_are_looked_up_once(void **state)
{
	const struct ice_server both[] = { stun, turn };
	struct ice_agent *agent = make();
	struct ice_request asked[8], r;
	bool own_port = false;

	(void)state;
	assert_int_equal(ice_agent_set_servers(agent, both, 2), WLK_OK);
	assert_int_equal(gather(agent, asked, &own_port), 2);
	assert_true(own_port);
	assert_true(str_equal(asked[0].host, STR("stun.example")));
	assert_true(str_equal(asked[1].host, STR("turn.example")));
	/* Listed again, under another URL: the look-up goes on. */
	assert_int_equal(ice_agent_set_servers(agent, both, 2), WLK_OK);
	assert_int_equal(ice_agent_restart(agent, 2000), WLK_OK);
	assert_false(ice_agent_poll_request(agent, &r));
	assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_ACTIVE);
	/* Listed no more: nobody waits for the answer. */
	assert_int_equal(ice_agent_set_servers(agent, NULL, 0), WLK_OK);
	ice_agent_on_request(agent, 3000, asked[0].id, WLK_OK, &asked[0].local, 1);
	assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
	ice_agent_destroy(agent);
}

static void test_own_port_only_for_turn_over_udp(void **state)
{
	struct ice_server tcp = turn;
	const struct ice_server *const lists[] = { &stun, &tcp };

	(void)state;
	tcp.transport = ICE_SERVER_TCP;
	for (size_t i = 0; i < 2; i++) {
		struct ice_agent *agent = make();
		struct ice_request asked[8];
		bool own_port = true;

		assert_int_equal(ice_agent_set_servers(agent, lists[i], 1), WLK_OK);
		gather(agent, asked, &own_port);
		assert_false(own_port);
		ice_agent_destroy(agent);
	}
}

static void test_streams_are_asked_for_with_the_name_to_verify(void **state)
{
	static const struct {
		enum ice_server_transport transport;
		enum ice_request_type type;
		wlk_transport over;
		bool named;
	} cases[] = {
		{ ICE_SERVER_TCP, ICE_REQUEST_CONNECT_TCP, WLK_TRANSPORT_TCP, false },
		{ ICE_SERVER_TLS, ICE_REQUEST_CONNECT_TLS, WLK_TRANSPORT_TCP, true },
		{ ICE_SERVER_DTLS, ICE_REQUEST_CONNECT_DTLS, WLK_TRANSPORT_UDP, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const wlk_addr at = addr_v4(198, 51, 100, 1, 1);
		struct ice_agent *agent = make();
		struct ice_server server = turn;
		struct ice_request asked[8], r;

		server.transport = cases[i].transport;
		server.port = 443;
		assert_int_equal(ice_agent_set_servers(agent, &server, 1), WLK_OK);
		assert_int_equal(gather(agent, asked, NULL), 1);
		ice_agent_on_request(agent, 2000, asked[0].id, WLK_OK, &at, 1);
		assert_true(ice_agent_poll_request(agent, &r));
		assert_int_equal(r.type, cases[i].type);
		assert_true(addr_ip_equal(&r.remote, &at));
		assert_int_equal(r.remote.port, 443);
		assert_int_equal(r.remote.transport, cases[i].over);
		assert_int_equal(r.local.ip[3], 1);
		assert_true(cases[i].named ? str_equal(r.host, STR("turn.example")) : !r.host.size);
		/* A connection that never comes is given up. */
		ice_agent_handle_timeout(agent, 2000 + 10 * (wlk_time)1000000);
		assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
		assert_true(ice_agent_poll_request(agent, &r));
		assert_int_equal(r.type, ICE_REQUEST_CLOSE_STREAM);
		ice_agent_destroy(agent);
	}
}

/* An error of a STUN server is told with its words, of which only printable ones are left. */
static void test_stun_error_is_told(void **state)
{
	const wlk_addr at = addr_v4(198, 51, 100, 1, 3478);
	struct ice_agent *agent = make();
	struct ice_request asked[8];
	struct ice_event e = { 0 };
	struct stun_writer w;
	struct stun_msg msg;
	uint8_t buf[100];
	struct dgram d;
	size_t size;

	(void)state;
	assert_int_equal(ice_agent_set_servers(agent, &stun, 1), WLK_OK);
	assert_int_equal(gather(agent, asked, NULL), 1);
	ice_agent_on_request(agent, 2000, asked[0].id, WLK_OK, &at, 1);
	assert_true(ice_agent_poll_transmit(agent, 2000, &d));
	assert_int_equal(stun_msg_parse(&msg, d.buf->data, d.buf->size), WLK_OK);
	stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, STUN_METHOD_BINDING, msg.txid);
	stun_put_error(&w, 500, "go\r\naway");
	assert_int_equal(stun_writer_finish(&w, NULL, true, &size), WLK_OK);
	ice_agent_input(agent, 3000, &d.local, &at, buf, size);
	pktbuf_release(d.buf);
	while (e.type != ICE_EVENT_CANDIDATE_ERROR)
		assert_true(ice_agent_poll_event(agent, &e));
	assert_int_equal(e.error_code, 500);
	assert_true(str_equal(e.error_text, STR("go  away")));
	assert_true(str_equal(e.server_url, STR("stun:stun.example")));
	assert_int_equal(e.local.port, 5000);
	ice_agent_destroy(agent);
}

static void test_failing_memory_leaves_the_list(void **state)
{
	const struct ice_server both[] = { stun, turn };

	(void)state;
	for (size_t n = 1; n < 50; n++) {
		struct ice_agent *agent = make();
		struct ice_request asked[8];
		wlk_err err;

		assert_int_equal(ice_agent_set_servers(agent, &stun, 1), WLK_OK);
		alloc_fail_after(n);
		err = ice_agent_set_servers(agent, both, 2);
		alloc_fail_after(0);
		assert_true(err == WLK_OK || err == WLK_ERR_NOMEM);
		assert_int_equal(gather(agent, asked, NULL), err ? 1 : 2);
		ice_agent_destroy(agent);
		if (!err)
			return;
	}
	fail_msg("it never succeeds");
}

/* What an agent with one interface asks for and sends while it is driven by hand. */
struct seen {
	uint16_t next_port; /* 0: BIND_UDP fails */
	size_t binds, own_binds;
	uint16_t closed; /* the port of the latest CLOSE */
	uint16_t told;   /* of the latest host candidate */
	size_t told_count;
	uint16_t allocates_from; /* the port of the latest Allocate */
};

static void drive(struct ice_agent *agent, wlk_time now, struct seen *seen)
{
	struct ice_request r;
	struct ice_event e;
	struct dgram d;

	while (ice_agent_poll_request(agent, &r)) {
		if (r.type == ICE_REQUEST_CLOSE) {
			seen->closed = r.local.port;
			continue;
		}
		assert_int_equal(r.type, ICE_REQUEST_BIND_UDP);
		seen->binds++;
		seen->own_binds += r.own_port;
		r.local.port = seen->next_port;
		ice_agent_on_request(agent, now, r.id, seen->next_port ? WLK_OK : WLK_ERR_IO, &r.local, seen->next_port > 0);
	}
	while (ice_agent_poll_transmit(agent, now, &d)) {
		struct stun_msg msg;

		assert_int_equal(stun_msg_parse(&msg, d.buf->data, d.buf->size), WLK_OK);
		if (msg.method == STUN_METHOD_ALLOCATE)
			seen->allocates_from = d.local.port;
		pktbuf_release(d.buf);
	}
	while (ice_agent_poll_event(agent, &e))
		if (e.type == ICE_EVENT_LOCAL_CANDIDATE) {
			seen->told = e.candidate.addr.port;
			seen->told_count++;
		}
}

/* Gathering without servers, from the port 5000; a TURN server over UDP comes, whose IP is known. */
static struct ice_agent *make_with_late_turn(struct seen *seen)
{
	const wlk_addr ip = addr_v4(10, 0, 0, 1, 0);
	struct ice_agent *agent = make();
	struct ice_server known = turn;

	*seen = (struct seen){ .next_port = 5000 };
	known.host = STR("198.51.100.1");
	assert_int_equal(ice_agent_set_interfaces(agent, 1000, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, 1000), WLK_OK);
	drive(agent, 1000, seen);
	assert_int_equal(seen->own_binds, 0);
	assert_int_equal(seen->told, 5000);
	assert_int_equal(ice_agent_set_servers(agent, &known, 1), WLK_OK);
	drive(agent, 2000, seen);
	assert_int_equal(seen->binds, 1); /* it counts from the next generation on */
	return agent;
}

/* The socket may be one that many agents share, which a server would take for one client. */
static void test_turn_over_udp_that_comes_later_gets_a_socket_of_its_own(void **state)
{
	struct seen seen;
	struct ice_agent *agent = make_with_late_turn(&seen);

	(void)state;
	seen.next_port = 6000;
	seen.told_count = 0;
	assert_int_equal(ice_agent_restart(agent, 3000), WLK_OK);
	drive(agent, 3000, &seen);
	ice_agent_handle_timeout(agent, 3000);
	drive(agent, 3000, &seen);
	assert_int_equal(seen.own_binds, 1);
	assert_int_equal(seen.allocates_from, 6000);
	assert_int_equal(seen.told, 6000);
	assert_int_equal(seen.told_count, 1);
	assert_int_equal(seen.closed, 5000); /* no pair was on it */
	assert_int_equal(ice_agent_restart(agent, 4000), WLK_OK);
	drive(agent, 4000, &seen);
	assert_int_equal(seen.binds, 2); /* once */
	ice_agent_destroy(agent);
}

static void test_without_a_socket_of_its_own_the_old_one_serves_on(void **state)
{
	struct seen seen;
	struct ice_agent *agent = make_with_late_turn(&seen);

	(void)state;
	seen.next_port = 0;
	seen.told_count = 0;
	assert_int_equal(ice_agent_set_remote_parameters(agent, 2000, STR("abcd"), STR("abcdefghijklmnopqrstuv"), false), WLK_OK);
	assert_int_equal(ice_agent_add_remote_candidate_line(agent, 2000, remote_line, sizeof(remote_line) - 1), WLK_OK);
	drive(agent, 2000, &seen);
	assert_int_equal(ice_agent_restart(agent, 3000), WLK_OK);
	drive(agent, 3000, &seen);
	ice_agent_handle_timeout(agent, 4000);
	drive(agent, 4000, &seen);
	assert_int_equal(seen.own_binds, 1);
	assert_int_equal(seen.allocates_from, 0);
	assert_int_equal(seen.told, 5000);
	assert_int_equal(seen.told_count, 1);
	assert_int_equal(seen.closed, 0);
	assert_int_equal(ice_agent_gathering_state(agent), ICE_GATHERING_COMPLETE);
	ice_agent_destroy(agent);
}

/* The offer is rolled back: what the peer knows of goes on. */
static void test_a_cancelled_restart_keeps_the_old_socket(void **state)
{
	struct seen seen;
	struct ice_agent *agent = make_with_late_turn(&seen);

	(void)state;
	assert_int_equal(ice_agent_set_remote_parameters(agent, 2000, STR("abcd"), STR("abcdefghijklmnopqrstuv"), false), WLK_OK);
	assert_int_equal(ice_agent_add_remote_candidate_line(agent, 2000, remote_line, sizeof(remote_line) - 1), WLK_OK);
	drive(agent, 2000, &seen);
	seen.next_port = 6000;
	assert_int_equal(ice_agent_restart(agent, 3000), WLK_OK);
	drive(agent, 3000, &seen);
	assert_int_equal(seen.closed, 0); /* its pair may be in use yet */
	assert_int_equal(ice_agent_cancel_restart(agent, 4000), WLK_OK);
	drive(agent, 4000, &seen);
	ice_agent_handle_timeout(agent, SECOND);
	drive(agent, SECOND, &seen);
	assert_int_equal(seen.closed, 0);
	ice_agent_destroy(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_looked_up_once),
		cmocka_unit_test(test_own_port_only_for_turn_over_udp),
		cmocka_unit_test(test_streams_are_asked_for_with_the_name_to_verify),
		cmocka_unit_test(test_stun_error_is_told),
		cmocka_unit_test(test_turn_over_udp_that_comes_later_gets_a_socket_of_its_own),
		cmocka_unit_test(test_without_a_socket_of_its_own_the_old_one_serves_on),
		cmocka_unit_test(test_a_cancelled_restart_keeps_the_old_socket),
		cmocka_unit_test(test_failing_memory_leaves_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
