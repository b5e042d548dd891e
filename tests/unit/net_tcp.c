/* TCP on loopback: the sockets of tcp.c, and the streams and listeners that driver_stream.c makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "tests/support/fake_peer.h"

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;
	wlk_peer_connection *a; /* listens */
	wlk_peer_connection *b; /* connects */
} f;

static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

static void on_event(const wlk_event *event, void *user)
{
	(void)event;
	(void)user;
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 1000 * SECOND;
	f.env.pool = pktbuf_pool_create(256);
	assert_int_equal(poller_init(&f.poller), WLK_OK);
	assert_int_equal(mailbox_init(&f.mailbox), WLK_OK);
	driver_init(&f.driver, &f.poller, &f.mailbox, &f.env, false);
	driver_set_now(&f.driver, f.now);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &f.a), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &f.b), WLK_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_free(&f.driver);
	assert_int_equal(fake_peers, 0);
	mailbox_free(&f.mailbox);
	poller_free(&f.poller);
	pktbuf_pool_destroy(f.env.pool);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

static void run_after(wlk_time advance)
{
	f.now += advance;
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	driver_set_now(&f.driver, f.now);
	poller_dispatch(&f.poller);
	driver_run(&f.driver);
}

/* Rounds until *value is |expected|; the sockets tell when. */
static void run_until(const size_t *value, size_t expected)
{
	while (*value < expected) {
		struct pollfd fd = { .fd = f.poller.fd, .events = POLLIN };

		run_after(0);
		if (*value < expected && driver_deadline(&f.driver) > f.now)
			assert_int_equal(poll(&fd, 1, 10000), 1);
	}
	assert_int_equal(*value, expected);
}

static wlk_addr listen_at(uint32_t id)
{
	wlk_addr bound;

	fake_request(f.a, WLK_REQUEST_LISTEN_TCP, id, &loopback, NULL);
	run_after(0);
	bound = fake_bound(f.a, id);
	assert_int_equal(bound.transport, WLK_TRANSPORT_TCP);
	assert_int_not_equal(bound.port, 0);
	return bound;
}

/* A connection from b, by request |id|; answers a's id of it. */
static uint32_t connect_to(const wlk_addr *to, uint32_t id)
{
	size_t before = f.a->accepted_count, answers = f.b->answer_count;
	wlk_addr local;

	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, id, &loopback, to, NULL);
	run_until(&f.b->answer_count, answers + 1);
	local = fake_bound(f.b, id);
	run_until(&f.a->accepted_count, before + 1);
	assert_true(addr_equal(&local, &f.a->accepted_from));
	assert_true(addr_equal(&f.a->listener, to));
	assert_true(f.a->accepted[before] >= 0x80000000u);
	return f.a->accepted[before];
}

/* ---- streams of peers ---- */

static void test_bytes_go_both_ways(void **state)
{
	wlk_addr at = listen_at(1);
	uint32_t theirs = connect_to(&at, 7);

	(void)state;
	fake_send_on(f.b, 7, "hello ", 6);
	fake_send_on(f.b, 7, "there", 5);
	run_until(&f.a->byte_count, 11);
	assert_memory_equal(f.a->bytes, "hello there", 11);
	assert_int_equal(f.a->last_stream, theirs);
	fake_send_on(f.a, theirs, "general", 7);
	run_until(&f.b->byte_count, 7);
	assert_memory_equal(f.b->bytes, "general", 7);
	assert_int_equal(f.b->last_stream, 7);
	fake_send_on(f.b, 8, "nobody's", 8);
	run_after(0);
	assert_int_equal(f.driver.streams.dropped, 1);
}

static void test_ids_of_accepted_streams_differ(void **state)
{
	wlk_addr at = listen_at(1);
	uint32_t ids[20];

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		ids[i] = connect_to(&at, 100 + i);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(ids[i], ids[k]);
	}
	f.driver.streams.next_accepted_id = UINT32_MAX; /* round the end to the first, and past one that is in use */
	assert_int_equal(connect_to(&at, 99), ids[0] - 1);
	assert_int_equal(connect_to(&at, 98), ids[19] + 1);
}

static void test_a_refused_connection_says_why(void **state)
{
	wlk_addr at = listen_at(1);

	(void)state;
	fake_request(f.a, WLK_REQUEST_CLOSE, 2, &at, NULL);
	run_after(0);
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &loopback, &at, NULL);
	run_until(&f.b->answer_count, 1);
	assert_int_equal(f.b->answers[0].err, WLK_ERR_IO);
	assert_string_equal(f.b->why, "Connection refused");
	run_after(20 * SECOND);
	assert_int_equal(f.b->answer_count, 1);
}

static void count_refusals(enum log_level level, const char *prefix, const char *message, void *user)
{
	size_t *lines = user;

	(void)level;
	(void)prefix;
	*lines += strstr(message, "no connection to") != NULL;
}

/* A peer names many candidates that refuse. */
static void test_R3_refused_connections_do_not_fill_the_log(void **state)
{
	wlk_addr at = listen_at(1);
	size_t lines = 0;

	(void)state;
	fake_request(f.a, WLK_REQUEST_CLOSE, 2, &at, NULL);
	run_after(0);
	log_set(LOG_LEVEL_INFO, count_refusals, &lines);
	for (uint32_t id = 1; id <= 50; id++)
		fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, id, &loopback, &at, NULL);
	run_until(&f.b->answer_count, 50);
	log_set(LOG_LEVEL_NONE, NULL, NULL);
	assert_in_range(lines, 1, 10);
}

static void test_what_cannot_be_asked_is_refused(void **state)
{
	wlk_addr none = { 0 }, v6 = { .family = 6, .port = 9, .ip = { [15] = 1 } }, foreign = addr_v4(192, 0, 2, 1, 0);

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 1, &loopback, &none, NULL);
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 2, &loopback, &v6, NULL);
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 3, &foreign, &loopback, NULL);
	fake_connect(f.b, WLK_REQUEST_CONNECT_TLS, 4, &none, &loopback, NULL);
	fake_connect(f.b, WLK_REQUEST_CONNECT_DTLS, 5, &none, &loopback, "");
	fake_request(f.b, WLK_REQUEST_LISTEN_TCP, 6, &foreign, NULL);
	fake_request(f.b, WLK_REQUEST_LISTEN_TCP, 7, &none, NULL);
	fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, 77, NULL, NULL);
	run_after(0);
	assert_int_equal(f.b->answer_count, 7);
	assert_int_equal(f.b->answers[0].err, WLK_ERR_INVALID);
	assert_int_equal(f.b->answers[1].err, WLK_ERR_INVALID);
	assert_int_equal(f.b->answers[2].err, WLK_ERR_IO);
	assert_int_equal(f.b->answers[3].err, WLK_ERR_INVALID);
	assert_int_equal(f.b->answers[4].err, WLK_ERR_INVALID);
	assert_int_equal(f.b->answers[5].err, WLK_ERR_IO);
	assert_int_equal(f.b->answers[6].err, WLK_ERR_IO);
}

/* A full backlog leaves the SYN of the next one without an answer. */
static void test_connecting_is_given_up_after_ten_seconds(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);
	uint32_t waiting = 0;

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	for (uint32_t id = 1; id < 8; id++)
		fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, id, &none, &at, NULL);
	run_until(&f.b->answer_count, 1); /* those that found a place */
	run_after(9 * SECOND);
	waiting = 7 - (uint32_t)f.b->answer_count;
	assert_true(waiting > 0);
	assert_int_equal(f.b->answers[f.b->answer_count - 1].err, WLK_OK);
	run_after(SECOND);
	assert_int_equal(f.b->answer_count, 7);
	assert_int_equal(f.b->answers[6].err, WLK_ERR_TIMEOUT);
	assert_string_equal(f.b->why, "no answer");
	close(fd);
}

static void test_a_connect_can_be_given_up(void **state)
{
	wlk_addr at = listen_at(1), none = { 0 };

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &none, &at, NULL);
	fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, 7, NULL, NULL);
	run_until(&f.a->closed_count, 1); /* the kernel had brought it up */
	run_after(20 * SECOND);
	assert_int_equal(f.b->answer_count, 0);
	assert_int_equal(f.driver.timers.count, 1); /* the listener's */
}

static void test_closing_is_heard_at_the_far_end(void **state)
{
	wlk_addr at = listen_at(1);
	uint32_t theirs = connect_to(&at, 7);

	(void)state;
	fake_send_on(f.b, 7, "last", 4);
	run_after(0);
	fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, 7, NULL, NULL);
	run_until(&f.a->closed_count, 1);
	assert_int_equal(f.a->closed_streams[0], theirs);
	assert_memory_equal(f.a->bytes, "last", 4); /* before it */
	assert_int_equal(f.b->closed_count, 0);     /* whoever closes is not told */
	fake_send_on(f.a, theirs, "x", 1);
	run_after(0);
	assert_int_equal(f.driver.streams.dropped, 1);
}

/* Many bytes into a connection whose far end does not read. */
static void fill(uint32_t id, size_t count)
{
	static uint8_t piece[2048];

	for (size_t i = 0; i < count; i++)
		fake_send_on(f.b, id, piece, sizeof(piece));
}

static void test_a_full_stream_holds_its_peer_back(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);
	struct tcp_stream far;
	static uint8_t sink[1 << 16];
	size_t got, total = 0, sent;

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &none, &at, NULL);
	run_until(&f.b->answer_count, 1);
	assert_int_equal(tcp_accept(fd, &far), WLK_OK);
	fill(7, 10000); /* 20 MB */
	run_after(0);
	assert_true(f.b->held);
	sent = f.b->transmitted;
	assert_true(sent < 10000);
	run_after(500 * MILLISECOND);
	assert_int_equal(f.b->transmitted, sent);
	while (total < 10000 * 2048) {
		struct pollfd ready = { .fd = far.fd, .events = POLLIN };

		assert_int_equal(poll(&ready, 1, 10000), 1);
		while (!tcp_read(&far, sink, sizeof(sink), &got))
			total += got;
		run_after(0);
	}
	assert_int_equal(total, 10000 * 2048); /* nothing was lost */
	assert_int_equal(f.driver.streams.dropped, 0);
	run_after(0);
	assert_false(f.b->held);
	tcp_close(&far);
	close(fd);
}

/* One that takes nothing at all must not keep its peer from other paths: after a second its packets are lost instead. */
static void test_a_stuck_stream_holds_for_a_second_only(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &none, &at, NULL);
	run_until(&f.b->answer_count, 1);
	fill(7, 10000);
	run_after(0);
	assert_true(f.b->held);
	run_after(999 * MILLISECOND);
	assert_true(f.b->held);
	run_after(MILLISECOND);
	while (f.b->out.count)
		run_after(0);
	assert_false(f.b->held);
	assert_true(f.driver.streams.dropped > 1000);
	close(fd);
}

static void test_last_bytes_leave_after_the_peer_is_gone(void **state)
{
	wlk_addr at = listen_at(1);

	(void)state;
	(void)connect_to(&at, 7);
	fake_send_on(f.b, 7, "farewell", 8);
	wlk_peer_connection_destroy(f.b);
	run_until(&f.a->closed_count, 1);
	assert_int_equal(f.a->byte_count, 8);
	assert_memory_equal(f.a->bytes, "farewell", 8);
}

static void test_lingering_ends_after_a_second(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &none, &at, NULL);
	run_until(&f.b->answer_count, 1);
	fill(7, 10000);
	run_after(0);
	assert_true(f.b->held);
	fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, 7, NULL, NULL);
	run_after(0);
	assert_false(f.b->held);
	assert_false(list_empty(&f.driver.streams.lingering));
	run_after(999 * MILLISECOND);
	assert_false(list_empty(&f.driver.streams.lingering));
	run_after(MILLISECOND);
	assert_true(list_empty(&f.driver.streams.lingering));
	assert_int_equal(f.driver.timers.count, 0);
	close(fd);
}

static void test_accepting_pauses_without_descriptors(void **state)
{
	wlk_addr at = listen_at(1);
	struct rlimit before, none_left;
	struct tcp_stream s;
	wlk_addr none = { 0 };

	(void)state;
	assert_int_equal(tcp_connect(&s, &none, &at, false), WLK_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none_left = before;
	none_left.rlim_cur = (rlim_t)s.fd + 1; /* all below are taken */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
	run_after(0);
	assert_int_equal(f.a->accepted_count, 0);
	assert_int_equal(driver_deadline(&f.driver), f.now + 100 * MILLISECOND); /* and no spin */
	run_after(100 * MILLISECOND);
	assert_int_equal(f.a->accepted_count, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	run_after(100 * MILLISECOND);
	run_until(&f.a->accepted_count, 1);
	tcp_close(&s);
	run_until(&f.a->closed_count, 1);
}

/* What a shared listener does: it reads the first frame, finds out whose it is and hands both over. */
static void test_a_socket_and_what_was_read_of_it_can_be_adopted(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);
	struct tcp_stream accepted;

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 7, &none, &at, NULL);
	run_until(&f.b->answer_count, 1);
	assert_int_equal(tcp_accept(fd, &accepted), WLK_OK);
	assert_int_equal(tcp_accept(fd, &accepted), WLK_ERR_AGAIN);
	fake_send_on(f.b, 7, " and the rest", 13);
	run_after(0);
	assert_int_equal(driver_stream_adopt(f.a->driver, &at, &accepted, (const uint8_t *)"first", 5), WLK_OK);
	assert_int_equal(f.a->accepted_count, 1);
	assert_true(addr_equal(&f.a->listener, &at));
	run_until(&f.a->byte_count, 18);
	assert_memory_equal(f.a->bytes, "first and the rest", 18);
	close(fd);
}

static void test_listeners_in_a_port_range(void **state)
{
	/* An address of this process's own, and ports that the kernel gives to nobody by itself: other tests run beside. */
	wlk_addr own = addr_v4(127, 77, (uint8_t)(getpid() >> 8), (uint8_t)getpid(), 0);
	wlk_addr first, second;

	(void)state;
	f.a->requests[0] = (wlk_request){ 0 };
	for (uint32_t id = 1; id <= 3; id++) {
		fake_request(f.a, WLK_REQUEST_LISTEN_TCP, id, &own, NULL);
		f.a->requests[f.a->request_count - 1].port_min = 25670;
		f.a->requests[f.a->request_count - 1].port_max = 25671;
	}
	run_after(0);
	first = fake_bound(f.a, 1);
	second = fake_bound(f.a, 2);
	assert_int_equal(first.port + second.port, 25670 + 25671);
	assert_int_equal(f.a->answers[2].err, WLK_ERR_IO); /* both are taken */
}

static void test_without_memory_nothing_is_left_behind(void **state)
{
	wlk_addr at = listen_at(1), none = { 0 };
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed && n < 50; n++) {
		size_t answers = f.b->answer_count, accepted = f.a->accepted_count, closed = f.a->closed_count;

		fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, (uint32_t)n, &none, &at, NULL);
		alloc_fail_after(n);
		run_after(0);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		run_until(&f.b->answer_count, answers + 1);
		if (!f.b->answers[answers].err) {
			fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, (uint32_t)n, NULL, NULL);
			run_after(0);
			run_after(0);
		}
		if (f.a->accepted_count > accepted)
			run_until(&f.a->closed_count, closed + 1);
	}
	assert_false(failed);
	assert_int_equal(f.driver.timers.count, 1);
}

/* ---- tcp.c alone ---- */

static void test_a_queue_is_sent_in_pieces(void **state)
{
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);
	struct tcp_stream out, in;
	static uint8_t data[3000], sink[1 << 20];
	size_t total = 0, got;

	(void)state;
	assert_int_equal(tcp_connect(&out, &none, &at, false), WLK_OK);
	while (tcp_finish_connect(&out) == WLK_ERR_AGAIN)
		;
	assert_int_equal(tcp_accept(fd, &in), WLK_OK);
	assert_true(addr_equal(&in.remote, &out.local));
	assert_true(addr_equal(&in.local, &at));
	for (size_t i = 0; tcp_has_room(&out); i++) {
		memset(data, (int)(i & 0xff), sizeof(data));
		tcp_queue(&out, pktbuf_copy(NULL, data, 1 + i % sizeof(data)));
	}
	assert_true(out.out_bytes >= TCP_QUEUE_MAX && out.out_bytes < TCP_QUEUE_MAX + sizeof(data));
	while (out.out_bytes) {
		wlk_err err = tcp_flush(&out);

		assert_true(err == WLK_OK || err == WLK_ERR_AGAIN);
		while (!tcp_read(&in, sink + total, sizeof(sink) - total, &got))
			total += got;
	}
	assert_null(out.out_head);
	tcp_close(&out);
	while (tcp_read(&in, sink + total, sizeof(sink) - total, &got) != WLK_ERR_CLOSED)
		total += got;
	assert_true(total >= TCP_QUEUE_MAX);
	for (size_t at_byte = 0, i = 0; at_byte < total; i++)
		for (size_t k = 0; k < 1 + i % sizeof(data); k++)
			assert_int_equal(sink[at_byte++], i & 0xff);
	tcp_close(&in);
	tcp_close(&in);
	close(fd);
}

static void test_ipv6_and_datagrams(void **state)
{
	wlk_addr v6 = { .family = 6, .ip = { [15] = 1 } }, at, none = { 0 };
	int fd = tcp_listen(&v6, 0, 0, &at);
	struct tcp_stream s, d;
	uint8_t data[16];
	size_t got;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(tcp_connect(&s, &v6, &at, false), WLK_OK);
	while (tcp_finish_connect(&s) == WLK_ERR_AGAIN)
		;
	assert_true(addr_ip_equal(&s.local, &v6));
	assert_int_equal(tcp_connect(&d, &none, &at, true), WLK_OK); /* nobody is there, which a datagram cannot tell */
	assert_int_equal(tcp_finish_connect(&d), WLK_OK);
	assert_int_equal(d.local.transport, WLK_TRANSPORT_UDP);
	for (int i = 0; i < 3; i++)
		tcp_queue(&d, pktbuf_copy(NULL, "x", 1));
	assert_int_equal(tcp_flush(&d), WLK_OK);
	assert_int_equal(tcp_read(&d, data, sizeof(data), &got), WLK_ERR_AGAIN);
	assert_int_equal(tcp_connect(&d, &loopback, &at, true), WLK_ERR_INVALID);
	tcp_close(&d);
	tcp_close(&s);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_go_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_of_accepted_streams_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_refused_connection_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(test_R3_refused_connections_do_not_fill_the_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_asked_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connecting_is_given_up_after_ten_seconds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_connect_can_be_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closing_is_heard_at_the_far_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_stream_holds_its_peer_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_stuck_stream_holds_for_a_second_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_bytes_leave_after_the_peer_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lingering_ends_after_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accepting_pauses_without_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_socket_and_what_was_read_of_it_can_be_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listeners_in_a_port_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_left_behind, setup, teardown),
		cmocka_unit_test(test_a_queue_is_sent_in_pieces),
		cmocka_unit_test(test_ipv6_and_datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
