/* Sockets that several peers share, through a driver of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "net/port.h"
#include "tests/support/fake_peer.h"
#include "tests/support/stun_bytes.h"

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;
	struct udp_socket stranger;
	struct udp_stats stats;
	uint16_t port;
} f;

static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

/* A port that nobody has at the moment. */
static uint16_t free_port(void)
{
	struct udp_socket s;
	uint16_t port;

	assert_int_equal(udp_open(&s, &loopback, 0, 0, false), WLK_OK);
	port = s.local.port;
	udp_close(&s);
	return port;
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 1000 * SECOND;
	f.port = free_port();
	f.env.pool = pktbuf_pool_create(256);
	assert_int_equal(poller_init(&f.poller), WLK_OK);
	assert_int_equal(mailbox_init(&f.mailbox), WLK_OK);
	driver_init(&f.driver, &f.poller, &f.mailbox, &f.env, false);
	driver_set_now(&f.driver, f.now);
	assert_int_equal(driver_share_ports(&f.driver, f.port, 0), WLK_OK);
	assert_int_equal(udp_open(&f.stranger, &loopback, 0, 0, true), WLK_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_free(&f.driver);
	udp_close(&f.stranger);
	mailbox_free(&f.mailbox);
	poller_free(&f.poller);
	pktbuf_pool_destroy(f.env.pool);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

static void on_event(const wlk_event *event, void *user)
{
	(void)event;
	(void)user;
}

static wlk_peer_connection *new_peer(const char *ufrag)
{
	wlk_peer_connection *pc = NULL;

	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_OK);
	pc->ufrags[0] = ufrag;
	return pc;
}

static void run_after(wlk_time advance)
{
	f.now += advance;
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	driver_set_now(&f.driver, f.now);
	poller_dispatch(&f.poller);
	driver_run(&f.driver);
}

static void run_until_received(wlk_peer_connection *pc, size_t count)
{
	while (pc->in.count < count) {
		struct pollfd fd = { .fd = f.poller.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 10000), 1);
		run_after(1);
	}
}

static wlk_addr bind_at(wlk_peer_connection *pc, uint32_t id, const wlk_addr *at)
{
	fake_request(pc, WLK_REQUEST_BIND_UDP, id, at, NULL);
	run_after(1);
	return fake_bound(pc, id);
}

static void stranger_sends(const wlk_addr *to, const void *data, size_t size)
{
	union sockaddr_any name;
	socklen_t length = sockaddr_from(&name, to);

	assert_int_equal(sendto(f.stranger.fd, data, size, 0, &name.sa, length), size);
}

static void stranger_asks(const wlk_addr *to, const char *username)
{
	uint8_t data[STUN_BYTES_MAX];

	stranger_sends(to, data, stun_bytes_request(data, 1, username));
}

static void test_peers_share_a_socket_and_the_last_one_closes_it(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr first = bind_at(a, 1, &loopback), second = bind_at(b, 1, &loopback);
	struct udp_socket other;

	(void)state;
	assert_int_equal(first.port, f.port);
	assert_true(addr_equal(&first, &second));
	assert_int_equal(udp_open(&other, &first, 0, 0, false), WLK_ERR_IO);
	fake_request(a, WLK_REQUEST_CLOSE, 0, &first, NULL);
	run_after(1);
	assert_int_equal(udp_open(&other, &first, 0, 0, false), WLK_ERR_IO);
	wlk_peer_connection_destroy(b);
	assert_int_equal(udp_open(&other, &first, 0, 0, false), WLK_OK);
	/* somebody else has it now */
	fake_request(a, WLK_REQUEST_BIND_UDP, 2, &loopback, NULL);
	run_after(1);
	assert_int_equal(a->answers[1].err, WLK_ERR_IO);
	udp_close(&other);
	first = bind_at(a, 3, &loopback);
	assert_int_equal(first.port, f.port);
}

static void test_each_address_has_its_socket(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	wlk_addr other = addr_v4(127, 0, 0, 2, 0), v6 = { .family = 6, .ip = { [15] = 1 } };
	wlk_addr first = bind_at(a, 1, &loopback), second = bind_at(a, 2, &other);

	(void)state;
	assert_int_equal(second.port, f.port);
	assert_true(addr_ip_equal(&second, &other));
	assert_false(addr_equal(&first, &second));
	fake_request(a, WLK_REQUEST_BIND_UDP, 3, &v6, NULL);
	run_after(1);
	if (!a->answers[2].err)
		assert_int_equal(a->answers[2].first.port, f.port);
}

static void test_a_port_of_its_own_is_given_who_asks_for_one(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr shared = bind_at(a, 1, &loopback), own, far = f.stranger.local;

	(void)state;
	fake_request(a, WLK_REQUEST_BIND_UDP, 2, &loopback, NULL);
	a->requests[a->request_count - 1].own_port = true;
	run_after(1);
	own = fake_bound(a, 2);
	assert_true(own.port != shared.port);
	bind_at(b, 1, &loopback);
	stranger_sends(&own, "\x16 anything", 10); /* needs no path */
	run_until_received(a, 1);
	fake_send(a, &own, &far, "x", 1);
	run_after(1);
	assert_int_equal(b->in.count, 0);
}

static void test_datagrams_find_their_peers(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr shared = bind_at(a, 1, &loopback), from = f.stranger.local;

	(void)state;
	bind_at(b, 1, &loopback);
	stranger_asks(&shared, "nobodysf:x");
	stranger_sends(&shared, "\x16 nobody's", 10);
	stranger_asks(&shared, "bobsufrg:x");
	run_until_received(b, 1);
	assert_int_equal(f.driver.mux->stats.unknown_ufrag, 1);
	assert_int_equal(f.driver.mux->stats.unknown_address, 1);
	/* b finds it authentic; from then on all that comes from there is b's */
	fake_path(b, &shared, &from, PEER_PATH_VALID);
	stranger_asks(&shared, "bobsufrg:x");
	run_until_received(b, 2);
	for (int i = 0; i < 100; i++)
		stranger_sends(&shared, "\x16 and more", 10);
	run_until_received(b, 102);
	assert_int_equal(a->in.count, 0);
	stranger_asks(&shared, "alicefrg:x"); /* R4 */
	stranger_sends(&shared, "\x16 and more", 10);
	run_until_received(b, 103);
	assert_int_equal(a->in.count, 0);
	assert_int_equal(f.driver.mux->stats.conflicts, 1);
}

static void test_an_answer_finds_who_asked(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr shared = bind_at(a, 1, &loopback), server = f.stranger.local;
	uint8_t data[STUN_BYTES_MAX];

	(void)state;
	bind_at(b, 1, &loopback);
	fake_send(a, &shared, &server, data, stun_bytes_request(data, 1, "x:y"));
	fake_send(b, &shared, &server, data, stun_bytes_request(data, 2, "x:y"));
	run_after(1);
	stranger_sends(&shared, data, stun_bytes_other(data, 0x0101, 2));
	run_until_received(b, 1);
	stranger_sends(&shared, data, stun_bytes_other(data, 0x0101, 1));
	run_until_received(a, 1);
	assert_int_equal(b->in.count, 1);
}

static void test_a_restart_is_noticed_before_the_next_datagram(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	wlk_addr shared = bind_at(a, 1, &loopback);

	(void)state;
	a->ufrags[1] = "alicefrg";
	a->ufrags[0] = "renewed!";
	fake_touch(a);
	run_after(1);
	stranger_asks(&shared, "renewed!:x");
	stranger_asks(&shared, "alicefrg:x");
	run_until_received(a, 2);
}

static void test_many_peers_send_through_one_socket_in_few_messages(void **state)
{
	wlk_peer_connection *peers[32];
	wlk_addr shared = { 0 }, far = f.stranger.local;
	char data[100] = { 0 };
	int got = 0;

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		peers[i] = new_peer("alicefrg");
		shared = bind_at(peers[i], 1, &loopback);
	}
	for (size_t i = 0; i < 32; i++)
		for (int n = 0; n < 20; n++)
			fake_send(peers[i], &shared, &far, data, sizeof(data));
	run_after(1);
	assert_int_equal(f.driver.stats.tx_datagrams, 640);
	assert_int_equal(f.driver.stats.tx_dropped, 0);
	while (recv(f.stranger.fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		got++;
	assert_int_equal(got, 640);
	if (!f.driver.stats.tx_gso_refused)
		assert_true(f.driver.stats.tx_messages <= 16);
}

static void test_a_peer_that_goes_says_farewell_through_the_shared_socket(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr shared = bind_at(a, 1, &loopback), far = f.stranger.local;
	char data[8];

	(void)state;
	bind_at(b, 1, &loopback);
	a->farewell = (struct dgram){ .local = shared, .remote = far, .buf = pktbuf_copy(f.env.pool, "bye", 3) };
	wlk_peer_connection_destroy(a);
	assert_int_equal(recv(f.stranger.fd, data, sizeof(data), MSG_DONTWAIT), 3);
	b->farewell = (struct dgram){ .local = shared, .remote = far, .buf = pktbuf_copy(f.env.pool, "bye", 3) };
	wlk_peer_connection_destroy(b);
	assert_int_equal(recv(f.stranger.fd, data, sizeof(data), MSG_DONTWAIT), 3);
}

static void test_R39_datagrams_for_a_peer_that_went_are_dropped(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr shared = bind_at(a, 1, &loopback), from = f.stranger.local;

	(void)state;
	bind_at(b, 1, &loopback);
	fake_path(a, &shared, &from, PEER_PATH_VALID);
	stranger_asks(&shared, "alicefrg:x");
	run_until_received(a, 1);
	stranger_asks(&shared, "alicefrg:x");
	stranger_sends(&shared, "\x16 more", 6);
	assert_int_equal(poller_wait(&f.poller, 1000), WLK_OK);
	wlk_peer_connection_destroy(a);
	poller_dispatch(&f.poller);
	run_after(1);
	assert_int_equal(b->in.count, 0);
	assert_int_equal(f.driver.mux->stats.unknown_ufrag, 1);
	assert_int_equal(f.driver.mux->stats.unknown_address, 1);
}

static void test_every_allocation_may_fail(void **state)
{
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		wlk_peer_connection *pc[2] = { NULL, NULL };

		assert_true(n < 500);
		teardown(state);
		setup(state);
		alloc_fail_after(n);
		for (int i = 0; i < 2; i++) {
			if (driver_create_peer(&f.driver, NULL, on_event, NULL, &pc[i]))
				continue;
			pc[i]->ufrags[0] = i ? "alicefrg" : "bobsufrg";
			fake_request(pc[i], WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
		}
		run_after(1);
		for (int i = 0; i < 2; i++)
			if (pc[i] && pc[i]->answer_count && !pc[i]->answers[0].err)
				fake_send(pc[i], &pc[i]->answers[0].first, &f.stranger.local, "0123456789", 10);
		run_after(1);
		run_after(1);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		wlk_peer_connection_destroy(pc[0]);
		wlk_peer_connection_destroy(pc[1]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_peers_share_a_socket_and_the_last_one_closes_it),
		TEST(test_each_address_has_its_socket),
		TEST(test_a_port_of_its_own_is_given_who_asks_for_one),
		TEST(test_datagrams_find_their_peers),
		TEST(test_an_answer_finds_who_asked),
		TEST(test_a_restart_is_noticed_before_the_next_datagram),
		TEST(test_many_peers_send_through_one_socket_in_few_messages),
		TEST(test_a_peer_that_goes_says_farewell_through_the_shared_socket),
		TEST(test_R39_datagrams_for_a_peer_that_went_are_dropped),
		TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
