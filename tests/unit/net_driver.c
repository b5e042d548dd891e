#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <pthread.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "tests/support/fake_peer.h"

/* A driver without a loop, in a time of the test's own. */
static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;

	/* what callbacks did */
	uint64_t heard[20000];
	size_t heard_count;
	wlk_peer_connection *victims[8]; /* destroyed by the next event */
	wlk_peer_connection *to_touch;   /* its API is called by each event */
} f;

static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

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

static void on_event(const wlk_event *event, void *user)
{
	(void)user;
	f.heard[f.heard_count++] = event->u.bitrate_limit;
	for (size_t i = 0; i < ARRAY_SIZE(f.victims); i++) {
		wlk_peer_connection *victim = f.victims[i];

		f.victims[i] = NULL;
		wlk_peer_connection_destroy(victim);
	}
	if (f.to_touch)
		fake_touch(f.to_touch);
	assert_int_equal(event->type, WLK_EVENT_BITRATE_LIMIT); /* still lent, even when its peer is gone */
}

static wlk_peer_connection *new_peer(void)
{
	wlk_peer_connection *pc = NULL;

	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_OK);
	return pc;
}

/* One round of a loop, |advance| us later, that waits for nothing. */
static void run_after(wlk_time advance)
{
	f.now += advance;
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	driver_set_now(&f.driver, f.now);
	poller_dispatch(&f.poller);
	mailbox_run(&f.mailbox);
	driver_run(&f.driver);
}

/* Rounds until |pc| has received |count| datagrams; the sockets tell when. */
static void run_until_received(wlk_peer_connection *pc, size_t count)
{
	while (pc->in.count < count) {
		struct pollfd fd = { .fd = f.poller.fd, .events = POLLIN };

		run_after(0);
		if (pc->in.count < count && driver_deadline(&f.driver) > f.now)
			assert_int_equal(poll(&fd, 1, 10000), 1);
	}
}

static wlk_addr bind_socket(wlk_peer_connection *pc, uint32_t id)
{
	fake_request(pc, WLK_REQUEST_BIND_UDP, id, &loopback, NULL);
	run_after(1);
	return fake_bound(pc, id);
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_a_socket_is_bound_where_the_peer_asks(void **state)
{
	wlk_peer_connection *pc = new_peer();
	wlk_addr local = bind_socket(pc, 7), foreign = addr_v4(192, 0, 2, 1, 0), none = { 0 };

	(void)state;
	assert_true(addr_ip_equal(&local, &loopback));
	assert_int_not_equal(local.port, 0);
	assert_true(pc->interfaces >= 1);
	fake_request(pc, WLK_REQUEST_BIND_UDP, 8, &foreign, NULL);
	fake_request(pc, WLK_REQUEST_BIND_UDP, 9, &local, NULL); /* taken */
	fake_request(pc, WLK_REQUEST_BIND_UDP, 10, &none, NULL);
	fake_request(pc, (wlk_request_type)99, 11, NULL, NULL);
	run_after(1);
	assert_int_equal(pc->answer_count, 5);
	assert_int_equal(pc->answers[1].err, WLK_ERR_IO);
	assert_int_equal(pc->answers[2].err, WLK_ERR_IO);
	assert_int_equal(pc->answers[3].err, WLK_ERR_INVALID);
	assert_int_equal(pc->answers[4].err, WLK_ERR_UNSUPPORTED);
}

static void test_many_requests_at_once_are_all_answered(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	for (uint32_t id = 0; id < 200; id++)
		fake_request(pc, WLK_REQUEST_RESOLVE, id, NULL, "192.0.2.9");
	run_after(1);
	assert_int_equal(pc->answer_count, 200);
	assert_int_equal(pc->answers[199].id, 199);
	assert_int_equal(pc->answers[199].first.ip[3], 9);
}

static void test_datagrams_go_from_peer_to_peer(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr from = bind_socket(a, 1), to = bind_socket(b, 1);
	struct dgram d;

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t data[100] = { i };

		fake_send(a, &from, &to, data, sizeof(data));
		if (i % 100 == 99)
			run_until_received(b, i + 1);
	}
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t number;

		assert_true(dgram_queue_pop(&b->in, &d));
		memcpy(&number, d.buf->data, sizeof(number));
		assert_int_equal(number, i);
		assert_int_equal(d.buf->size, 400);
		assert_true(addr_equal(&d.local, &to));
		assert_true(addr_equal(&d.remote, &from));
		pktbuf_release(d.buf);
	}
	assert_int_equal(f.driver.stats.rx_datagrams, 300);
	if (!f.driver.stats.tx_gso_refused)
		assert_true(f.driver.stats.tx_messages < 30);
}

static void test_several_sockets_each_send_their_own(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr one = bind_socket(a, 1), two = bind_socket(a, 2), to = bind_socket(b, 1);
	size_t from_one = 0;
	struct dgram d;

	(void)state;
	for (int i = 0; i < 20; i++)
		fake_send(a, i % 2 ? &one : &two, &to, "x", 1);
	run_until_received(b, 20);
	while (dgram_queue_pop(&b->in, &d)) {
		from_one += addr_equal(&d.remote, &one);
		pktbuf_release(d.buf);
	}
	assert_int_equal(from_one, 10);
}

static void test_a_datagram_without_its_socket_is_dropped_and_counted(void **state)
{
	wlk_peer_connection *pc = new_peer();
	wlk_addr local = bind_socket(pc, 1), other = addr_v4(127, 0, 0, 1, 9),
		 v6 = { .family = 6, .port = 9, .ip = { [15] = 1 } };

	(void)state;
	fake_send(pc, &other, &other, "x", 1);
	fake_send(pc, &local, &v6, "x", 1); /* an IPv4 socket cannot reach it */
	run_after(1);
	assert_int_equal(f.driver.stats.tx_dropped, 2);
	assert_int_equal(pktbuf_pool_in_use(f.env.pool), 0);
}

static void test_close_request_closes_the_socket_after_its_last_datagram(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr from = bind_socket(a, 1), to = bind_socket(b, 1), other = addr_v4(127, 0, 0, 1, 1);
	size_t before = open_descriptors();

	(void)state;
	fake_request(a, WLK_REQUEST_CLOSE, 0, &other, NULL); /* nothing has that address */
	run_after(1);
	assert_int_equal(open_descriptors(), before);
	fake_send(a, &from, &to, "last", 4);
	run_until_received(b, 1);
	fake_request(a, WLK_REQUEST_CLOSE, 0, &from, NULL);
	run_after(1);
	assert_int_equal(open_descriptors(), before - 1);
	assert_int_equal(a->answer_count, 1); /* CLOSE wants no answer */
}

static void test_a_closed_peer_says_farewell_before_its_sockets_close(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr from = bind_socket(a, 1), to = bind_socket(b, 1);
	size_t before = open_descriptors();

	(void)state;
	a->farewell = (struct dgram){ .local = from, .remote = to, .buf = pktbuf_copy(f.env.pool, "bye", 3) };
	wlk_peer_connection_close(a);
	fake_request(a, WLK_REQUEST_CLOSE, 0, &from, NULL);
	run_after(1);
	assert_int_equal(open_descriptors(), before - 1);
	run_until_received(b, 1);
}

static void test_destroy_says_farewell_and_closes_the_sockets(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	size_t before;
	wlk_addr from = bind_socket(a, 1), to = bind_socket(b, 1);

	(void)state;
	before = open_descriptors();
	bind_socket(a, 2);
	a->farewell = (struct dgram){ .local = from, .remote = to, .buf = pktbuf_copy(f.env.pool, "bye", 3) };
	wlk_peer_connection_destroy(a);
	assert_int_equal(open_descriptors(), before - 1);
	assert_int_equal(fake_peers, 1);
	run_until_received(b, 1);
	wlk_peer_connection_destroy(NULL);
}

static void test_names_are_resolved_off_the_loop(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	fake_request(pc, WLK_REQUEST_RESOLVE, 3, NULL, "localhost");
	fake_request(pc, WLK_REQUEST_RESOLVE, 4, NULL, "::1");
	fake_request(pc, WLK_REQUEST_RESOLVE, 5, NULL, NULL);
	fake_request(pc, WLK_REQUEST_RESOLVE, 6, NULL, "");
	run_after(1);
	assert_int_equal(pc->answers[0].id, 4); /* at once */
	assert_int_equal(pc->answers[1].err, WLK_ERR_INVALID);
	assert_int_equal(pc->answers[2].err, WLK_ERR_INVALID);
	while (pc->answer_count < 4) {
		struct pollfd fd = { .fd = f.mailbox.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 60000), 1);
		run_after(1);
	}
	assert_int_equal(pc->answers[3].id, 3);
	assert_int_equal(pc->answers[3].err, WLK_OK);
	assert_true(addr_is_loopback(&pc->answers[3].first));
}

static void test_R39_a_peer_may_go_while_its_names_are_resolved(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		wlk_peer_connection *pc = new_peer();

		fake_request(pc, WLK_REQUEST_RESOLVE, 1, NULL, "localhost");
		fake_request(pc, WLK_REQUEST_RESOLVE, 2, NULL, "localhost");
		run_after(1);
		if (i % 2) { /* the answer waits in the mailbox already */
			struct pollfd fd = { .fd = f.mailbox.fd, .events = POLLIN };

			assert_int_equal(poll(&fd, 1, 60000), 1);
		}
		wlk_peer_connection_destroy(pc);
		run_after(1);
	}
	/* An answered look-up: the thread has let go of all before it. */
	test_names_are_resolved_off_the_loop(state);
}

static void test_mdns_socket(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr any = { .family = 4 }, group = addr_v4(224, 0, 0, 251, 5353), local;
	bool got = false;

	(void)state;
	fake_request(a, WLK_REQUEST_JOIN_MDNS, 1, &any, NULL);
	fake_request(b, WLK_REQUEST_JOIN_MDNS, 1, &any, NULL);
	run_after(1);
	local = fake_bound(a, 1);
	assert_int_equal(local.port, 5353);
	fake_send(a, &local, &group, "query", 5);
	while (!got) {
		struct dgram d;

		run_until_received(b, 1);
		assert_true(dgram_queue_pop(&b->in, &d));
		got = d.buf->size == 5 && !memcmp(d.buf->data, "query", 5);
		pktbuf_release(d.buf);
	}
}

static void test_events_come_in_order_and_outside_of_calls(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		fake_event(pc, i);
	assert_int_equal(f.heard_count, 0);
	run_after(1);
	assert_int_equal(f.heard_count, 10);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(f.heard[i], i);
	assert_true(driver_deadline(&f.driver) == WLK_TIME_NEVER);
}

static void test_peers_know_the_time_before_callbacks_use_them(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();

	(void)state;
	run_after(1);
	fake_event(a, 1);
	fake_event(a, 2);
	run_after(500);
	assert_true(*b->env.clock == f.now);
}

static void test_R39_destroy_in_its_own_callback(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	bind_socket(pc, 1);
	for (uint64_t i = 0; i < 5; i++)
		fake_event(pc, i);
	f.victims[0] = pc;
	run_after(1);
	assert_int_equal(f.heard_count, 1); /* nothing comes from a peer that is gone */
	assert_int_equal(fake_peers, 0);
	run_after(1);
}

static void test_R39_destroy_in_the_callback_of_another(void **state)
{
	wlk_peer_connection *peers[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		peers[i] = new_peer();
		bind_socket(peers[i], 1);
	}
	for (size_t i = 0; i < 6; i++) {
		fake_event(peers[i], i);
		fake_set_deadline(peers[i], f.now + 1);
	}
	f.victims[0] = peers[1];
	f.victims[1] = peers[0];
	f.victims[2] = peers[5];
	f.victims[3] = peers[3];
	run_after(1);
	assert_int_equal(fake_peers, 2);
	assert_int_equal(f.heard_count, 3); /* 0, 2, 4 */
	assert_int_equal(f.heard[1], 2);
	assert_int_equal(f.heard[2], 4);
	run_after(1);
}

static void test_R39_destroy_of_all_in_one_callback_while_datagrams_wait(void **state)
{
	wlk_peer_connection *peers[6];
	wlk_addr locals[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		peers[i] = new_peer();
		locals[i] = bind_socket(peers[i], 1);
	}
	for (size_t i = 0; i < 6; i++) {
		fake_send(peers[i], &locals[i], &locals[(i + 1) % 6], "x", 1);
		fake_event(peers[i], i);
		f.victims[i] = peers[i];
	}
	run_after(1); /* the datagrams are on their way to sockets that are closed meanwhile */
	assert_int_equal(fake_peers, 0);
	assert_int_equal(f.heard_count, 1);
	run_after(1);
	run_after(1);
}

static void test_R39_readable_sockets_of_a_peer_that_a_posted_function_destroyed(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	wlk_addr from = bind_socket(a, 1), to = bind_socket(b, 1);

	(void)state;
	fake_send(a, &from, &to, "x", 1);
	run_after(1);
	/* The poller has seen b's datagram, and b goes before its handler runs. */
	assert_int_equal(poller_wait(&f.poller, 1000), WLK_OK);
	assert_true(f.poller.ready_count >= 1);
	wlk_peer_connection_destroy(b);
	poller_dispatch(&f.poller);
	driver_run(&f.driver);
	assert_int_equal(fake_peers, 1);
}

static void test_deadlines(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();

	(void)state;
	fake_set_deadline(a, f.now + 100);
	fake_set_deadline(b, f.now + 50);
	run_after(1);
	assert_true(driver_deadline(&f.driver) == f.now + 49);
	run_after(48);
	assert_int_equal(b->timeouts, 0);
	run_after(1);
	assert_int_equal(b->timeouts, 1);
	assert_int_equal(a->timeouts, 0);
	assert_true(driver_deadline(&f.driver) == f.now + 50);
	run_after(1000);
	assert_int_equal(a->timeouts, 1);
	assert_true(driver_deadline(&f.driver) == WLK_TIME_NEVER);
}

static void test_a_moved_deadline_is_seen_after_the_call_that_moved_it(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	fake_set_deadline(pc, f.now + 1000);
	run_after(1);
	fake_set_deadline(pc, f.now + 10);
	assert_true(driver_deadline(&f.driver) <= f.now); /* at once: the peer was touched */
	run_after(1);
	assert_true(driver_deadline(&f.driver) == f.now + 9);
	fake_set_deadline(pc, WLK_TIME_NEVER);
	run_after(1);
	assert_true(driver_deadline(&f.driver) == WLK_TIME_NEVER);
}

static void test_repeated_deadlines_lie_in_the_future_after_each_round(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	pc->repeat_deadline = 10;
	fake_set_deadline(pc, f.now + 10);
	for (int i = 0; i < 100; i++) {
		run_after(10);
		assert_true(driver_deadline(&f.driver) > f.now);
	}
	assert_int_equal(pc->timeouts, 100);
}

static void test_a_peer_that_is_always_due_does_not_spin(void **state)
{
	wlk_peer_connection *pc = new_peer();

	(void)state;
	pc->always_due = true;
	fake_touch(pc);
	run_after(1);
	assert_true(driver_deadline(&f.driver) == f.now + MILLISECOND);
	run_after(MILLISECOND);
	assert_true(driver_deadline(&f.driver) == f.now + MILLISECOND);
	assert_in_range(pc->timeouts, 1, 4);
}

static void test_events_of_one_peer_do_not_starve_the_others(void **state)
{
	wlk_peer_connection *talker = new_peer(), *quiet = new_peer();
	size_t heard = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		fake_event(talker, i);
	fake_event(quiet, 77777);
	run_after(1);
	assert_in_range(f.heard_count, 2, 1 + DRIVER_PASSES * DRIVER_EVENTS);
	for (size_t i = 0; i < f.heard_count; i++)
		heard += f.heard[i] == 77777;
	assert_int_equal(heard, 1);
	assert_true(driver_deadline(&f.driver) <= f.now); /* there is more to do */
	for (int rounds = 0; f.heard_count < 10001; rounds++) {
		assert_true(rounds < 100);
		run_after(0);
	}
	assert_int_equal(f.heard[10000], 9999);
}

static void test_endless_output_of_one_peer_does_not_starve_the_others(void **state)
{
	wlk_peer_connection *talker = new_peer(), *quiet = new_peer(), *sink = new_peer();
	wlk_addr from = bind_socket(talker, 1), quiet_from = bind_socket(quiet, 1), to = bind_socket(sink, 1);
	wlk_addr nowhere = addr_v4(127, 0, 0, 1, 9);

	(void)state;
	talker->endless =
		(struct dgram){ .local = from, .remote = nowhere, .buf = pktbuf_copy(f.env.pool, "endless", 7) };
	fake_touch(talker);
	fake_send(quiet, &quiet_from, &to, "quiet", 5);
	run_after(1);
	assert_true(talker->transmitted <= (size_t)DRIVER_PASSES * DRIVER_BATCHES * UDP_BATCH);
	assert_true(talker->transmitted >= UDP_BATCH);
	run_until_received(sink, 1);
	assert_true(driver_deadline(&f.driver) <= f.now);
}

static void test_two_peers_that_touch_each_other_for_ever_end_the_round(void **state)
{
	wlk_peer_connection *a = new_peer(), *b = new_peer();
	int before;

	(void)state;
	run_after(1);
	f.to_touch = b;
	for (uint64_t i = 0; i < 1000; i++)
		fake_event(a, i);
	before = b->polls;
	run_after(1);
	assert_in_range(b->polls - before, 1, 2 * DRIVER_PASSES);
}

static void test_visits_of_a_round_are_bounded_and_all_get_their_turn(void **state)
{
	enum { PEERS = DRIVER_VISITS + 100 };
	wlk_peer_connection *peers[PEERS];
	int visited = 0;

	(void)state;
	for (size_t i = 0; i < PEERS; i++)
		peers[i] = new_peer();
	driver_run_between(&f.driver);
	for (size_t i = 0; i < PEERS; i++)
		visited += peers[i]->polls > 0;
	assert_int_equal(visited, DRIVER_VISITS_BETWEEN);
	assert_true(driver_deadline(&f.driver) <= f.now);
	run_after(1);
	run_after(1);
	for (size_t i = 0; i < PEERS; i++)
		assert_int_equal(peers[i]->polls, 1);
	assert_true(driver_deadline(&f.driver) > f.now);
}

static void test_a_deadline_that_moved_by_itself_costs_no_visit(void **state)
{
	wlk_peer_connection *pc = new_peer();
	int polls;

	(void)state;
	fake_set_deadline(pc, f.now + 100);
	run_after(1);
	polls = pc->polls;
	pc->deadline = f.now + 500; /* as when another peer has ticked SCTP for it */
	run_after(200);
	assert_int_equal(pc->timeouts, 0);
	assert_int_equal(pc->polls, polls);
	assert_true(driver_deadline(&f.driver) == f.now + 300);
	run_after(300);
	assert_int_equal(pc->timeouts, 1);
}

static void *wake_peer(void *user)
{
	wlk_peer_connection *pc = user;

	for (int i = 0; i < 1000; i++)
		pc->env.wake(pc->env.wake_user);
	return NULL;
}

static void test_a_peer_is_woken_from_another_thread(void **state)
{
	wlk_peer_connection *pc = new_peer();
	pthread_t thread;
	int polls;

	(void)state;
	run_after(1);
	polls = pc->polls;
	run_after(1);
	assert_int_equal(pc->polls, polls); /* nothing to do, no visit */
	assert_int_equal(pthread_create(&thread, NULL, wake_peer, pc), 0);
	while (pc->polls == polls) {
		struct pollfd fd = { .fd = f.mailbox.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 60000), 1);
		run_after(1);
	}
	pthread_join(thread, NULL);
	/* R39: woken, and gone before the mail is read */
	pc->env.wake(pc->env.wake_user);
	wlk_peer_connection_destroy(pc);
	run_after(1);
}

static void test_failed_creation_leaves_nothing(void **state)
{
	wlk_peer_connection *pc = NULL;

	(void)state;
	fake_create_error = WLK_ERR_INVALID;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_ERR_INVALID);
	fake_interfaces_error = WLK_ERR_CRYPTO;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_ERR_CRYPTO);
	assert_null(pc);
	assert_int_equal(fake_peers, 0);
	run_after(1);
}

static void test_every_allocation_may_fail(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		wlk_peer_connection *a = NULL, *b = NULL;
		size_t blocks;

		assert_true(n < 500);
		teardown(state);
		setup(state);
		blocks = alloc_live_blocks();
		alloc_fail_after(n);
		driver_create_peer(&f.driver, NULL, on_event, NULL, &a);
		driver_create_peer(&f.driver, NULL, on_event, NULL, &b);
		for (int i = 0; i < 2; i++) {
			wlk_peer_connection *pc = i ? a : b;

			if (!pc)
				continue;
			fake_request(pc, WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
			fake_request(pc, WLK_REQUEST_RESOLVE, 2, NULL, "1.2.3.4");
			fake_event(pc, 1);
		}
		run_after(1);
		if (a && b && a->answer_count && b->answer_count && !a->answers[0].err && !b->answers[0].err)
			for (int i = 0; i < 20; i++)
				fake_send(a, &a->answers[0].first, &b->answers[0].first, "0123456789", 10);
		run_after(1);
		run_after(1);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		wlk_peer_connection_destroy(a);
		wlk_peer_connection_destroy(b);
		assert_int_equal(fake_peers, 0);
		assert_true(alloc_live_blocks() >= blocks);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_socket_is_bound_where_the_peer_asks),
		TEST(test_many_requests_at_once_are_all_answered),
		TEST(test_datagrams_go_from_peer_to_peer),
		TEST(test_several_sockets_each_send_their_own),
		TEST(test_a_datagram_without_its_socket_is_dropped_and_counted),
		TEST(test_close_request_closes_the_socket_after_its_last_datagram),
		TEST(test_a_closed_peer_says_farewell_before_its_sockets_close),
		TEST(test_destroy_says_farewell_and_closes_the_sockets),
		TEST(test_names_are_resolved_off_the_loop),
		TEST(test_R39_a_peer_may_go_while_its_names_are_resolved),
		TEST(test_mdns_socket),
		TEST(test_events_come_in_order_and_outside_of_calls),
		TEST(test_peers_know_the_time_before_callbacks_use_them),
		TEST(test_R39_destroy_in_its_own_callback),
		TEST(test_R39_destroy_in_the_callback_of_another),
		TEST(test_R39_destroy_of_all_in_one_callback_while_datagrams_wait),
		TEST(test_R39_readable_sockets_of_a_peer_that_a_posted_function_destroyed),
		TEST(test_deadlines),
		TEST(test_a_moved_deadline_is_seen_after_the_call_that_moved_it),
		TEST(test_repeated_deadlines_lie_in_the_future_after_each_round),
		TEST(test_a_peer_that_is_always_due_does_not_spin),
		TEST(test_events_of_one_peer_do_not_starve_the_others),
		TEST(test_endless_output_of_one_peer_does_not_starve_the_others),
		TEST(test_two_peers_that_touch_each_other_for_ever_end_the_round),
		TEST(test_visits_of_a_round_are_bounded_and_all_get_their_turn),
		TEST(test_a_deadline_that_moved_by_itself_costs_no_visit),
		TEST(test_a_peer_is_woken_from_another_thread),
		TEST(test_failed_creation_leaves_nothing),
		TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
