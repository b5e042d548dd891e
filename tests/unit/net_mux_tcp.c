/* One TCP port for many peers, through a driver of the test's own. */
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
#include "tests/support/fake_peer.h"
#include "tests/support/stun_bytes.h"

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;
	uint16_t port;
} f;

static const wlk_addr loopback = { .family = 4, .transport = WLK_TRANSPORT_TCP, .ip = { 127, 0, 0, 1 } };

static int setup(void **state)
{
	wlk_addr bound;
	int fd = tcp_listen(&loopback, 0, 0, &bound);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	memset(&f, 0, sizeof(f));
	f.now = 1000 * SECOND;
	f.port = bound.port;
	f.env.pool = pktbuf_pool_create(256);
	assert_int_equal(poller_init(&f.poller), WLK_OK);
	assert_int_equal(mailbox_init(&f.mailbox), WLK_OK);
	driver_init(&f.driver, &f.poller, &f.mailbox, &f.env, false);
	driver_set_now(&f.driver, f.now);
	assert_int_equal(driver_share_ports(&f.driver, 0, f.port), WLK_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_free(&f.driver);
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

static wlk_addr listen_at(wlk_peer_connection *pc, uint32_t id)
{
	fake_request(pc, WLK_REQUEST_LISTEN_TCP, id, &loopback, NULL);
	run_after(1);
	return fake_bound(pc, id);
}

/* From 127.0.0.|last|. */
static int call_from(uint8_t last)
{
	wlk_addr to = loopback, from = addr_v4(127, 0, 0, last, 0);
	union sockaddr_any name;
	socklen_t size;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	size = sockaddr_from(&name, &from);
	assert_int_equal(bind(fd, &name.sa, size), 0);
	to.port = f.port;
	size = sockaddr_from(&name, &to);
	assert_int_equal(connect(fd, &name.sa, size), 0);
	run_after(1);
	return fd;
}

static int call(void)
{
	return call_from(1);
}

/* A frame (RFC 4571) with a Binding request. */
static size_t frame(uint8_t out[STUN_BYTES_MAX + 2], const char *username)
{
	size_t size = stun_bytes_request(out + 2, 1, username);

	out[0] = (uint8_t)(size >> 8);
	out[1] = (uint8_t)size;
	return size + 2;
}

static void say(int fd, const void *data, size_t size)
{
	assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
	run_after(1);
}

/* The far end has closed the connection. */
static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	/* Readable, and nothing to read: the end, or a reset when it had not read all. */
	return poll(&p, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static void test_peers_share_a_listener_and_the_last_one_closes_it(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr first = listen_at(a, 1), second = listen_at(b, 1), bound;
	wlk_addr at = loopback;
	int fd;

	(void)state;
	assert_int_equal(first.port, f.port);
	assert_int_equal(first.transport, WLK_TRANSPORT_TCP);
	assert_true(addr_equal(&first, &second));
	at.port = f.port;
	fake_request(a, WLK_REQUEST_CLOSE, 0, &first, NULL);
	run_after(1);
	assert_true(tcp_listen(&at, 0, 0, &bound) < 0);
	wlk_peer_connection_destroy(b);
	fd = tcp_listen(&at, 0, 0, &bound);
	assert_true(fd >= 0);
	fake_request(a, WLK_REQUEST_LISTEN_TCP, 2, &loopback, NULL);
	run_after(1);
	assert_int_equal(a->answers[1].err, WLK_ERR_IO);
	close(fd);
}

static void test_a_connection_is_whose_ufrag_its_first_frame_names(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg"), *b = new_peer("bobsufrg");
	wlk_addr listener = listen_at(a, 1);
	uint8_t data[STUN_BYTES_MAX + 2];
	size_t size = frame(data, "bobsufrg:far");
	int fd, other;

	(void)state;
	listen_at(b, 1);
	fd = call();
	assert_int_equal(a->accepted_count + b->accepted_count, 0);
	for (size_t i = 0; i + 1 < size; i++) /* cut anywhere */
		say(fd, data + i, 1);
	assert_int_equal(b->accepted_count, 0);
	say(fd, data + size - 1, 1);
	assert_int_equal(a->accepted_count, 0);
	assert_int_equal(b->accepted_count, 1);
	assert_true(addr_equal(&b->listener, &listener));
	assert_int_equal(b->byte_count, size);
	assert_memory_equal(b->bytes, data, size);
	say(fd, "and on", 6);
	assert_int_equal(b->byte_count, size + 6);
	/* another one, with more than its frame in one piece */
	other = call();
	size = frame(data, "alicefrg:far");
	memcpy(data + size, "xyz", 3);
	say(other, data, size + 3);
	assert_int_equal(a->accepted_count, 1);
	assert_int_equal(a->byte_count, size + 3);
	assert_int_equal(f.driver.mux_tcp.guest_count, 0);
	assert_int_equal(f.driver.mux_tcp.stats.adopted, 2);
	close(fd);
	close(other);
	run_after(1);
	run_after(1);
	assert_int_equal(b->closed_count, 1);
}

static void test_R4_what_is_no_check_or_for_nobody_is_closed(void **state)
{
	static const uint8_t short_frame[] = { 0, 19 }, long_frame[] = { 8, 0 }, http[] = "GET / HTTP/1.1\r\n";
	wlk_peer_connection *a = new_peer("alicefrg"), *deaf = new_peer("bobsufrg");
	uint8_t data[STUN_BYTES_MAX + 2];
	int fd;

	(void)state;
	listen_at(a, 1);
	assert_int_equal(deaf->accepted_count, 0);
	fd = call();
	say(fd, short_frame, 2);
	assert_true(is_closed(fd));
	close(fd);
	fd = call();
	say(fd, long_frame, 2);
	assert_true(is_closed(fd));
	close(fd);
	fd = call();
	say(fd, http, sizeof(http));
	assert_true(is_closed(fd));
	close(fd);
	fd = call(); /* a ufrag that nobody has */
	say(fd, data, frame(data, "nobodysf:far"));
	assert_true(is_closed(fd));
	close(fd);
	fd = call(); /* one of a peer that does not listen here */
	say(fd, data, frame(data, "bobsufrg:far"));
	assert_true(is_closed(fd));
	close(fd);
	fd = call(); /* a response */
	stun_bytes_other(data + 2, 0x0101, 1);
	data[0] = 0;
	data[1] = 20;
	say(fd, data, 22);
	assert_true(is_closed(fd));
	close(fd);
	assert_int_equal(f.driver.mux_tcp.stats.refused, 6);
	assert_int_equal(f.driver.mux_tcp.guest_count, 0);
	assert_int_equal(a->accepted_count, 0);
}

static void test_silent_connections_are_closed_after_ten_seconds(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	int first, second;

	(void)state;
	listen_at(a, 1);
	first = call();
	run_after(5 * SECOND);
	second = call();
	say(first, "\0", 1); /* a byte buys no time */
	assert_true(driver_deadline(&f.driver) <= f.now + 5 * SECOND);
	run_after(5 * SECOND);
	assert_true(is_closed(first));
	assert_false(is_closed(second));
	assert_true(driver_deadline(&f.driver) > f.now);
	run_after(5 * SECOND);
	assert_true(is_closed(second));
	assert_int_equal(f.driver.mux_tcp.stats.timed_out, 2);
	assert_true(driver_deadline(&f.driver) > f.now);
	close(first);
	close(second);
}

static void test_R2_connections_of_strangers_are_bounded(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	uint8_t data[STUN_BYTES_MAX + 2];
	int fds[MUX_TCP_GUESTS + 10];

	(void)state;
	listen_at(a, 1);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = call_from((uint8_t)(1 + i / (MUX_TCP_GUESTS_OF_SOURCE / 2)));
	assert_int_equal(f.driver.mux_tcp.guest_count, MUX_TCP_GUESTS);
	assert_int_equal(f.driver.mux_tcp.stats.evicted, 10);
	assert_true(is_closed(fds[9])); /* who was silent for longest */
	assert_false(is_closed(fds[10]));
	say(fds[ARRAY_SIZE(fds) - 1], data, frame(data, "alicefrg:far"));
	assert_int_equal(a->accepted_count, 1);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	for (int i = 0; i < 5; i++)
		run_after(1);
	assert_int_equal(f.driver.mux_tcp.guest_count, 0);
}

static void test_R2_no_address_takes_the_places_of_all_others(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	uint8_t data[STUN_BYTES_MAX + 2];
	int honest, fds[MUX_TCP_GUESTS];

	(void)state;
	listen_at(a, 1);
	honest = call_from(2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = call_from(1);
	assert_int_equal(f.driver.mux_tcp.guest_count, 1 + MUX_TCP_GUESTS_OF_SOURCE);
	assert_int_equal(f.driver.mux_tcp.stats.evicted, MUX_TCP_GUESTS - MUX_TCP_GUESTS_OF_SOURCE);
	assert_true(is_closed(fds[MUX_TCP_GUESTS - MUX_TCP_GUESTS_OF_SOURCE - 1])); /* its own oldest */
	assert_false(is_closed(fds[MUX_TCP_GUESTS - MUX_TCP_GUESTS_OF_SOURCE]));
	say(honest, data, frame(data, "alicefrg:far"));
	assert_int_equal(a->accepted_count, 1);
	close(honest);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* No memory to refuse it: the peer does not know it, so nobody else would close it. */
static void test_a_stream_that_the_peer_cannot_even_refuse_is_closed(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	uint8_t data[STUN_BYTES_MAX + 2];
	int fd;

	(void)state;
	listen_at(a, 1);
	a->accept_error = WLK_ERR_NOMEM;
	fd = call();
	say(fd, data, frame(data, "alicefrg:far"));
	assert_true(is_closed(fd));
	assert_int_equal(a->byte_count, 0);
	assert_int_equal(f.driver.mux_tcp.stats.refused, 1);
	close(fd);
}

static void test_R39_guests_go_with_their_listener(void **state)
{
	wlk_peer_connection *a = new_peer("alicefrg");
	uint8_t data[STUN_BYTES_MAX + 2];
	int fd;

	(void)state;
	listen_at(a, 1);
	fd = call();
	assert_int_equal(f.driver.mux_tcp.guest_count, 1);
	assert_int_equal(send(fd, data, frame(data, "alicefrg:far"), MSG_NOSIGNAL) > 0, 1);
	assert_int_equal(poller_wait(&f.poller, 1000), WLK_OK); /* its event is on its way */
	wlk_peer_connection_destroy(a);
	poller_dispatch(&f.poller);
	run_after(1);
	assert_true(is_closed(fd));
	assert_int_equal(f.driver.mux_tcp.guest_count, 0);
	close(fd);
}

static void test_every_allocation_may_fail(void **state)
{
	uint8_t data[STUN_BYTES_MAX + 2];
	size_t size = frame(data, "alicefrg:far");
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		wlk_peer_connection *pc = NULL;
		int fd = -1;

		assert_true(n < 500);
		teardown(state);
		setup(state);
		alloc_fail_after(n);
		if (!driver_create_peer(&f.driver, NULL, on_event, NULL, &pc)) {
			pc->ufrags[0] = "alicefrg";
			fake_request(pc, WLK_REQUEST_LISTEN_TCP, 1, &loopback, NULL);
			run_after(1);
		}
		if (pc && pc->answer_count && !pc->answers[0].err) {
			fd = call();
			(void)!send(fd, data, size, MSG_NOSIGNAL);
			run_after(1);
			run_after(1);
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		if (!failed)
			assert_int_equal(pc->accepted_count, 1);
		wlk_peer_connection_destroy(pc);
		if (fd >= 0)
			close(fd);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_peers_share_a_listener_and_the_last_one_closes_it),
		TEST(test_a_connection_is_whose_ufrag_its_first_frame_names),
		TEST(test_R4_what_is_no_check_or_for_nobody_is_closed),
		TEST(test_silent_connections_are_closed_after_ten_seconds),
		TEST(test_R2_connections_of_strangers_are_bounded),
		TEST(test_R2_no_address_takes_the_places_of_all_others),
		TEST(test_a_stream_that_the_peer_cannot_even_refuse_is_closed),
		TEST(test_R39_guests_go_with_their_listener),
		TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
