/* The agent's mDNS sockets: one on each interface address, following the interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "ice/agent_internal.h"

#define UUID "7c2e1f7a-1d2b-4f3a-9c4d-0123456789ab"
#define LINE "candidate:1 1 udp 2113937151 " UUID ".local 6000 typ host"

static struct {
	struct ice_agent *agent;
	wlk_time now;
	bool hold;    /* JOIN_MDNS is not answered */
	bool refuse;  /* or with an error */
	uint32_t held[16];
	wlk_addr held_at[16];
	size_t held_count;
	wlk_addr joined[32];
	size_t join_count;
	wlk_addr closed[32];
	size_t close_count;
	wlk_addr sent_from[256], sent_to[256];
	size_t sent_count;
} h;

static void answer_join(uint32_t id, wlk_addr at)
{
	at.port = MDNS_PORT;
	ice_agent_on_request(h.agent, h.now, id, h.refuse ? WLK_ERR_IO : WLK_OK, &at, !h.refuse);
}

static void take_request(const struct ice_request *r)
{
	wlk_addr bound = r->local;

	if (r->type == ICE_REQUEST_BIND_UDP) {
		bound.port = 5000;
		ice_agent_on_request(h.agent, h.now, r->id, WLK_OK, &bound, 1);
	} else if (r->type == ICE_REQUEST_CLOSE) {
		if (r->local.port == MDNS_PORT)
			h.closed[h.close_count++] = r->local;
	} else if (r->type == ICE_REQUEST_JOIN_MDNS) {
		h.joined[h.join_count++] = r->local;
		if (!h.hold) {
			answer_join(r->id, r->local);
			return;
		}
		h.held_at[h.held_count] = r->local;
		h.held[h.held_count++] = r->id;
	}
}

static void drain(void)
{
	struct ice_request r;
	struct ice_event e;
	struct dgram d;

	ice_agent_handle_timeout(h.agent, h.now);
	while (ice_agent_poll_request(h.agent, &r))
		take_request(&r);
	while (ice_agent_poll_transmit(h.agent, h.now, &d)) {
		assert_int_equal(d.local.port, MDNS_PORT);
		h.sent_from[h.sent_count] = d.local;
		h.sent_to[h.sent_count++] = d.remote;
		pktbuf_release(d.buf);
	}
	while (ice_agent_poll_event(h.agent, &e))
		;
}

static void forget(void)
{
	h.join_count = h.close_count = h.sent_count = 0;
}

static void set_ips(const wlk_addr *ips, size_t count)
{
	assert_int_equal(ice_agent_set_interfaces(h.agent, h.now, ips, count), WLK_OK);
	drain();
}

static size_t count_at(const wlk_addr *list, size_t count, uint8_t last)
{
	const wlk_addr ip = addr_v4(192, 168, 1, last, 0);
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += addr_ip_equal(&list[i], &ip);
	return found;
}

#define SENT_FROM(last) count_at(h.sent_from, h.sent_count, last)
#define JOINED(last)    count_at(h.joined, h.join_count, last)
#define CLOSED(last)    count_at(h.closed, h.close_count, last)

static wlk_addr ip(uint8_t last)
{
	return addr_v4(192, 168, 1, last, 0);
}

/* An agent that hides its |count| addresses 192.168.1.1.. behind names and looks one up. */
static void open_agent(size_t count)
{
	static const struct ice_agent_config config = { .hide_host_addresses = true, .no_ipv6 = true, .no_tcp = true };
	wlk_addr ips[10];

	memset(&h, 0, sizeof(h));
	h.now = SECOND;
	for (size_t i = 0; i < count; i++)
		ips[i] = ip((uint8_t)(i + 1));
	assert_int_equal(ice_agent_create(&h.agent, &config), WLK_OK);
	set_ips(ips, count);
	assert_int_equal(ice_agent_gather(h.agent, h.now), WLK_OK);
	drain();
}

static void look_up(void)
{
	assert_int_equal(ice_agent_add_remote_candidate_line(h.agent, h.now, LINE, sizeof(LINE) - 1), WLK_OK);
	drain();
}

static int close_agent(void **state)
{
	(void)state;
	ice_agent_close(h.agent);
	drain();
	for (size_t i = 0; i < ARRAY_SIZE(h.agent->mdns_sockets); i++)
		assert_int_equal(h.agent->mdns_sockets[i].state, MDNS_SOCKET_NONE);
	ice_agent_destroy(h.agent);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

static void test_a_socket_on_each_interface_address(void **state)
{
	(void)state;
	open_agent(2);
	assert_int_equal(h.join_count, 2);
	assert_true(JOINED(1) && JOINED(2));
	assert_int_equal(SENT_FROM(1), 2); /* both names on both links */
	assert_int_equal(SENT_FROM(2), 2);
	forget();
	look_up();
	assert_int_equal(h.join_count, 0);
	assert_int_equal(SENT_FROM(1), 2); /* A and AAAA */
	assert_int_equal(SENT_FROM(2), 2);
}

static void test_their_number_is_bounded(void **state)
{
	(void)state;
	open_agent(10);
	assert_int_equal(h.join_count, AGENT_MDNS_OF_FAMILY);
	assert_true(JOINED(1) && JOINED(2) && JOINED(3) && JOINED(4));
}

static void test_sockets_follow_the_network(void **state)
{
	wlk_addr ips[] = { ip(2), ip(3) };

	(void)state;
	open_agent(2);
	look_up();
	h.now += 20 * SECOND; /* every repetition is over, and the look-up has failed */
	drain();
	look_up();
	h.now += 2500 * MILLISECOND;
	drain();
	forget();
	set_ips(ips, 2);
	assert_int_equal(h.close_count, 1);
	assert_true(CLOSED(1));
	assert_int_equal(h.join_count, 1);
	assert_true(JOINED(3));
	assert_int_equal(SENT_FROM(1), 0);
	/* The goodbye of one name; both others are announced, the question is asked. */
	assert_int_equal(SENT_FROM(3), 5);
	assert_int_equal(SENT_FROM(2), 5);
	forget();
	set_ips(ips, 2); /* the same: nothing happens */
	assert_int_equal(h.join_count + h.close_count + h.sent_count, 0);
	h.now += SECOND;
	drain();
	assert_int_equal(SENT_FROM(3), 4); /* the second announcements and questions */
}

static void test_from_no_network_to_one(void **state)
{
	wlk_addr first = ip(9);

	(void)state;
	open_agent(0);
	look_up();
	assert_int_equal(h.join_count, 1);
	assert_true(addr_is_unspecified(&h.joined[0]));
	assert_int_equal(h.sent_count, 2);
	forget();
	set_ips(&first, 1);
	assert_true(JOINED(9));
	assert_int_equal(h.close_count, 1);
	assert_true(addr_is_unspecified(&h.closed[0]));
	assert_int_equal(SENT_FROM(9), 3); /* its own name, and the question */
	set_ips(NULL, 0);
	assert_int_equal(CLOSED(9), 1);
}

static void test_an_answer_for_an_address_that_is_gone(void **state)
{
	wlk_addr ips[] = { ip(1), ip(2) };

	(void)state;
	open_agent(1);
	forget();
	h.hold = true;
	set_ips(ips, 2);
	assert_int_equal(h.held_count, 1);
	assert_int_equal(h.sent_count, 0); /* what is to be said waits for the new socket */
	set_ips(ips, 1);
	answer_join(h.held[0], h.held_at[0]);
	drain();
	assert_int_equal(CLOSED(2), 1);
	assert_int_equal(SENT_FROM(2), 0);
	assert_true(SENT_FROM(1) > 0);
}

static void test_a_refused_socket_is_asked_for_with_the_next_change(void **state)
{
	wlk_addr ips[] = { ip(1), ip(2) };

	(void)state;
	memset(&h, 0, sizeof(h));
	open_agent(1);
	h.refuse = true;
	forget();
	set_ips(ips, 2);
	assert_int_equal(JOINED(2), 1);
	look_up();
	h.now += 3 * SECOND;
	drain();
	assert_int_equal(h.join_count, 1);
	h.refuse = false;
	set_ips(ips, 2);
	assert_int_equal(JOINED(2), 2);
	assert_int_equal(JOINED(1), 0);
	assert_int_equal(h.close_count, 0);
}

/* A question of a stranger to mDNS for our name, from port 40000: the answer goes to him alone. */
static void test_an_answer_to_one_leaves_where_the_question_came(void **state)
{
	wlk_addr at = addr_v4(192, 168, 1, 2, MDNS_PORT), from = addr_v4(192, 168, 1, 77, 40000);
	struct ice_candidate_line line;
	struct mdns_name name;
	struct bytes_writer w;
	uint8_t query[256];
	size_t index = 0;

	(void)state;
	open_agent(2);
	assert_true(ice_agent_told_candidate(h.agent, &index, &line));
	assert_true(mdns_name_parse(&name, line.host));
	w = bytes_writer(query, sizeof(query));
	mdns_write_query(&w, &name, MDNS_TYPE_A, false);
	forget();
	ice_agent_input(h.agent, h.now, &at, &from, query, w.size);
	drain();
	assert_int_equal(h.sent_count, 1);
	assert_int_equal(SENT_FROM(2), 1);
	assert_true(addr_equal(&h.sent_to[0], &from));
}

/* RFC 8828 5.2: nothing leaves from our sockets, not even a question to the link. */
static void test_mode_4_asks_nobody(void **state)
{
	static const struct ice_agent_config config = { .hide_host_addresses = true,
							.ip_handling = WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP };
	wlk_addr first = ip(1);

	(void)state;
	memset(&h, 0, sizeof(h));
	h.now = SECOND;
	assert_int_equal(ice_agent_create(&h.agent, &config), WLK_OK);
	set_ips(&first, 1);
	assert_int_equal(ice_agent_gather(h.agent, h.now), WLK_OK);
	drain();
	assert_int_equal(ice_agent_add_remote_candidate_line(h.agent, h.now, LINE, sizeof(LINE) - 1), WLK_ERR_UNSUPPORTED);
	h.now += 2 * SECOND;
	drain();
	assert_int_equal(h.join_count + h.sent_count, 0);
}

static void test_without_memory(void **state)
{
	wlk_addr ips[] = { ip(2), ip(3) };
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		assert_true(n < 200);
		open_agent(2);
		look_up();
		alloc_fail_after(n);
		(void)!ice_agent_set_interfaces(h.agent, h.now, ips, 2);
		drain();
		failed = alloc_did_fail();
		alloc_fail_after(0);
		forget();
		set_ips(ips, 2);
		h.now += 3 * SECOND;
		drain();
		assert_true(SENT_FROM(3) > 0); /* whatever failed, the next change mends it */
		if (failed)
			close_agent(state);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, close_agent)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_socket_on_each_interface_address),
		TEST(test_their_number_is_bounded),
		TEST(test_sockets_follow_the_network),
		TEST(test_from_no_network_to_one),
		TEST(test_an_answer_for_an_address_that_is_gone),
		TEST(test_a_refused_socket_is_asked_for_with_the_next_change),
		TEST(test_an_answer_to_one_leaves_where_the_question_came),
		TEST(test_mode_4_asks_nobody),
		TEST(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
