#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/clock.h"
#include "tests/support/fake_peer.h"

#include <wirelark/loop.h>

enum { THREADS = 4, POSTS = 10000 };

static wlk_loop *loop;
static int calls;
static char order[64];

static int setup(void **state)
{
	(void)state;
	calls = 0;
	memset(order, 0, sizeof(order));
	return wlk_loop_create(NULL, &loop);
}

static int teardown(void **state)
{
	(void)state;
	wlk_loop_destroy(loop);
	loop = NULL;
	assert_int_equal(fake_peers, 0);
	assert_int_equal(fake_contexts, 0);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

static void count(void *user)
{
	(void)user;
	calls++;
}

static void note(void *user)
{
	order[strlen(order)] = *(const char *)user;
}

static void stop(void *user)
{
	(void)user;
	wlk_loop_stop(loop);
}

static void on_event(const wlk_event *event, void *user)
{
	note(user);
	if (event->u.bitrate_limit == 1)
		wlk_peer_connection_destroy(event->pc);
	if (event->u.bitrate_limit == 2)
		wlk_loop_stop(loop);
}

static bool fd_readable(int timeout_ms)
{
	struct pollfd fd = { .fd = wlk_loop_fd(loop), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void test_run_until_stop(void **state)
{
	(void)state;
	assert_int_equal(wlk_loop_post(loop, count, NULL), WLK_OK);
	assert_int_equal(wlk_loop_post(loop, stop, NULL), WLK_OK);
	assert_int_equal(wlk_loop_post(loop, count, NULL), WLK_OK); /* still of this round */
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_int_equal(calls, 2);
	assert_int_equal(wlk_loop_post(loop, stop, NULL), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK); /* and again */
}

static void test_stop_before_run_is_not_lost(void **state)
{
	(void)state;
	wlk_loop_stop(loop);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
}

static void run_inside(void *user)
{
	(void)user;
	assert_int_equal(wlk_loop_run(loop), WLK_ERR_STATE);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_ERR_STATE);
	assert_int_equal(wlk_loop_start_thread(loop), WLK_ERR_STATE);
	calls++;
}

static void test_misuse(void **state)
{
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;
	wlk_peer_connection *pc;
	wlk_loop *other = NULL;

	(void)state;
	assert_int_equal(wlk_loop_create(NULL, NULL), WLK_ERR_INVALID);
	config.struct_size = 0;
	assert_int_equal(wlk_loop_create(&config, &other), WLK_ERR_INVALID);
	assert_null(other);
	assert_int_equal(wlk_loop_post(loop, NULL, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_post(NULL, count, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_call_later(loop, -1, count, NULL, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_call_later(loop, 1, NULL, NULL, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_run(NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_dispatch(NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_loop_start_thread(NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_peer_connection_create(loop, NULL, NULL, NULL, &pc), WLK_ERR_INVALID);
	assert_int_equal(wlk_peer_connection_create(NULL, NULL, on_event, NULL, &pc), WLK_ERR_INVALID);
	wlk_loop_destroy(NULL);
	assert_int_equal(wlk_loop_post(loop, run_inside, NULL), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_int_equal(calls, 1);
}

struct sender {
	pthread_t thread;
	int number;
};

struct letter {
	int sender;
	int number;
};

static struct letter letters[THREADS][POSTS];
static int next_number[THREADS], out_of_order;
static atomic_int received;

static void receive(void *user)
{
	struct letter *letter = user;

	out_of_order += letter->number != next_number[letter->sender]++;
	received++;
}

static void *send_all(void *user)
{
	struct sender *sender = user;

	for (int i = 0; i < POSTS; i++) {
		letters[sender->number][i] = (struct letter){ sender->number, i };
		if (wlk_loop_post(loop, receive, &letters[sender->number][i]))
			return sender;
	}
	return NULL;
}

static void test_four_threads_post_to_a_loop_thread(void **state)
{
	struct sender senders[THREADS];
	void *failed;

	(void)state;
	assert_int_equal(wlk_loop_start_thread(loop), WLK_OK);
	assert_int_equal(wlk_loop_start_thread(loop), WLK_ERR_STATE);
	assert_int_equal(wlk_loop_run(loop), WLK_ERR_STATE);
	for (int i = 0; i < THREADS; i++) {
		senders[i].number = i;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(senders[i].thread, &failed);
		assert_null(failed);
	}
	wlk_loop_destroy(loop); /* what has not run yet runs here */
	assert_int_equal(received, THREADS * POSTS);
	assert_int_equal(out_of_order, 0);
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_OK);
}

static void test_thread_stopped_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		wlk_loop *other;

		assert_int_equal(wlk_loop_create(NULL, &other), WLK_OK);
		assert_int_equal(wlk_loop_start_thread(other), WLK_OK);
		if (i % 2)
			wlk_loop_stop(other);
		wlk_loop_destroy(other);
	}
}

static void post_in_destroy(void *user)
{
	count(user);
	assert_int_equal(wlk_loop_post(loop, count, NULL), WLK_ERR_CLOSED);
}

static void test_accepted_functions_run_at_the_latest_in_destroy(void **state)
{
	(void)state;
	assert_int_equal(wlk_loop_post(loop, count, NULL), WLK_OK);
	assert_int_equal(wlk_loop_post(loop, post_in_destroy, NULL), WLK_OK);
	assert_int_equal(calls, 0);
	wlk_loop_destroy(loop);
	assert_int_equal(calls, 2);
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_OK);
}

static void test_timers_fire_in_order_and_not_early(void **state)
{
	wlk_time start = clock_monotonic();
	wlk_timer *cancelled;

	(void)state;
	assert_int_equal(wlk_loop_call_later(loop, 3000, note, "c", NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 1000, note, "a", NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 2000, note, "b", NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 1500, note, "x", &cancelled), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 4000, stop, NULL, NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, WLK_TIME_NEVER, note, "n", NULL), WLK_OK);
	wlk_timer_cancel(cancelled);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_string_equal(order, "abc");
	assert_true(clock_monotonic() - start >= 4000);
	assert_true(wlk_loop_now(loop) - start >= 4000);
}

static void later(void *user)
{
	note(user);
	if (strlen(order) < 5)
		assert_int_equal(wlk_loop_call_later(loop, 0, later, user, NULL), WLK_OK);
	else
		wlk_loop_stop(loop);
}

static void test_a_timer_that_sets_itself_again(void **state)
{
	(void)state;
	assert_int_equal(wlk_loop_call_later(loop, 0, later, "r", NULL), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_string_equal(order, "rrrrr");
}

static void test_a_host_that_only_polls_the_descriptor(void **state)
{
	(void)state;
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_false(fd_readable(0));
	assert_true(wlk_loop_deadline(loop) == WLK_TIME_NEVER);

	assert_int_equal(wlk_loop_post(loop, note, "p"), WLK_OK);
	assert_true(fd_readable(0));
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_string_equal(order, "p");
	assert_false(fd_readable(0));

	/* Timers make it readable too, also ones made between rounds, earlier and later ones. */
	assert_int_equal(wlk_loop_call_later(loop, 4000, note, "b", NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 2000, note, "a", NULL), WLK_OK);
	while (strlen(order) < 3) {
		assert_true(wlk_loop_deadline(loop) != WLK_TIME_NEVER);
		assert_true(fd_readable(10000));
		assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
		assert_true(wlk_loop_deadline(loop) > wlk_loop_now(loop)); /* no spin */
	}
	assert_string_equal(order, "pab");
	assert_false(fd_readable(0));
}

static void test_a_host_that_asks_for_the_deadline(void **state)
{
	wlk_peer_connection *pc;

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "e", &pc), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_true(wlk_loop_deadline(loop) == WLK_TIME_NEVER);
	fake_event(pc, 0); /* an API call between rounds */
	assert_true(wlk_loop_deadline(loop) <= clock_monotonic());
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_string_equal(order, "e");
	fake_set_deadline(pc, wlk_loop_now(loop) + 5 * SECOND);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_true(wlk_loop_deadline(loop) == pc->deadline);
	wlk_peer_connection_destroy(pc);
	assert_true(wlk_loop_deadline(loop) == WLK_TIME_NEVER);
}

static void test_descriptor_stays_readable_while_a_budget_leaves_work(void **state)
{
	wlk_peer_connection *pc;

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "", &pc), WLK_OK);
	for (int i = 0; i < 5000; i++)
		fake_event(pc, 0);
	for (int rounds = 0; event_queue_count(&pc->events); rounds++) {
		assert_true(rounds < 50);
		assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
		if (event_queue_count(&pc->events))
			assert_true(fd_readable(1000));
	}
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_false(fd_readable(0));
}

static void test_events_and_destroy_inside_of_them(void **state)
{
	wlk_peer_connection *a, *b;
	wlk_time before = wlk_loop_now(loop);

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "a", &a), WLK_OK);
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "b", &b), WLK_OK);
	assert_in_range(a->now, before, wlk_loop_now(loop));
	fake_event(a, 0);
	fake_event(a, 1); /* destroys a */
	fake_event(a, 0);
	fake_event(b, 2); /* stops */
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_string_equal(order, "aab");
	assert_int_equal(fake_peers, 1); /* the other one goes with the loop */
}

static void destroy_peer(void *user)
{
	wlk_peer_connection_destroy(user);
}

static void create_peer(void *user)
{
	wlk_peer_connection *pc;

	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, user, &pc), WLK_OK);
	assert_true(*pc->env.clock == wlk_loop_now(loop));
	assert_int_equal(wlk_loop_post(loop, destroy_peer, pc), WLK_OK);
	assert_int_equal(wlk_loop_post(loop, stop, NULL), WLK_OK);
}

static void test_peers_made_and_destroyed_in_posted_functions(void **state)
{
	(void)state;
	assert_int_equal(wlk_loop_post(loop, create_peer, "x"), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_int_equal(fake_peers, 0);
}

static void check_time(void *user)
{
	const wlk_peer_connection *pc = user;

	assert_true(*pc->env.clock == wlk_loop_now(loop));
	calls++;
}

static void test_peers_know_the_time_in_posted_functions_and_timers(void **state)
{
	wlk_peer_connection *pc;

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "", &pc), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 2000, check_time, pc, NULL), WLK_OK);
	assert_int_equal(wlk_loop_call_later(loop, 3000, stop, NULL, NULL), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_int_equal(wlk_loop_post(loop, check_time, pc), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_int_equal(calls, 2);
}

static void test_peer_deadlines_wake_a_running_loop(void **state)
{
	wlk_peer_connection *pc;
	wlk_time start = clock_monotonic();

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "", &pc), WLK_OK);
	pc->repeat_deadline = 1000;
	fake_set_deadline(pc, start + 1000);
	assert_int_equal(wlk_loop_call_later(loop, 20000, stop, NULL, NULL), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_in_range(pc->timeouts, 2, 21);
}

static void test_an_idle_loop_sleeps(void **state)
{
	wlk_peer_connection *pc;
	int polls;

	(void)state;
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "", &pc), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	polls = pc->polls;
	assert_int_equal(wlk_loop_call_later(loop, 20000, stop, NULL, NULL), WLK_OK);
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_int_equal(pc->polls, polls);
}

static void test_datagrams_between_two_loop_threads(void **state)
{
	static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };
	wlk_loop *other;
	wlk_peer_connection *a, *b;
	wlk_addr from, to;
	struct dgram d;

	(void)state;
	assert_int_equal(wlk_loop_create(NULL, &other), WLK_OK);
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, "", &a), WLK_OK);
	assert_int_equal(wlk_peer_connection_create(other, NULL, on_event, "", &b), WLK_OK);
	fake_request(a, WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
	fake_request(b, WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_OK);
	assert_int_equal(wlk_loop_dispatch(other), WLK_OK);
	from = fake_bound(a, 1);
	to = fake_bound(b, 1);
	for (int i = 0; i < 100; i++)
		fake_send(a, &from, &to, "datagram", 8);
	assert_int_equal(wlk_loop_start_thread(loop), WLK_OK);
	while (b->in.count < 100) { /* ours is driven by hand, beside the other's thread */
		struct pollfd fd = { .fd = wlk_loop_fd(other), .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 10000), 1);
		assert_int_equal(wlk_loop_dispatch(other), WLK_OK);
	}
	while (dgram_queue_pop(&b->in, &d)) {
		assert_memory_equal(d.buf->data, "datagram", 8);
		pktbuf_release(d.buf);
	}
	wlk_loop_destroy(other);
}

static void test_key_log_file(void **state)
{
	char path[] = "/tmp/wirelark-keylog-XXXXXX", text[128] = { 0 };
	int fd = mkstemp(path);
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;
	wlk_loop *other;

	(void)state;
	config.key_log_path = path;
	assert_int_equal(wlk_loop_create(&config, &other), WLK_OK);
	wlk_loop_destroy(other);
	assert_int_equal(read(fd, text, sizeof(text)), 40);
	assert_string_equal(text, "CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n");
	close(fd);
	unlink(path);
	config.key_log_path = "/nonexistent/keys";
	assert_int_equal(wlk_loop_create(&config, &other), WLK_ERR_IO);
}

static void test_failing_creation_leaves_nothing(void **state)
{
	wlk_loop *other = NULL;
	size_t before = alloc_live_blocks();
	bool failed = true;

	(void)state;
	fake_dtls_error = WLK_ERR_CRYPTO;
	assert_int_equal(wlk_loop_create(NULL, &other), WLK_ERR_CRYPTO);
	assert_int_equal(alloc_live_blocks(), before);
	for (size_t n = 1; failed; n++) {
		wlk_err err;

		alloc_fail_after(n);
		err = wlk_loop_create(NULL, &other);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		if (!failed)
			wlk_loop_destroy(other);
		assert_int_equal(alloc_live_blocks(), before);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run_until_stop),
		TEST(test_stop_before_run_is_not_lost),
		TEST(test_misuse),
		TEST(test_four_threads_post_to_a_loop_thread),
		TEST(test_thread_stopped_at_once),
		TEST(test_accepted_functions_run_at_the_latest_in_destroy),
		TEST(test_timers_fire_in_order_and_not_early),
		TEST(test_a_timer_that_sets_itself_again),
		TEST(test_a_host_that_only_polls_the_descriptor),
		TEST(test_a_host_that_asks_for_the_deadline),
		TEST(test_descriptor_stays_readable_while_a_budget_leaves_work),
		TEST(test_events_and_destroy_inside_of_them),
		TEST(test_peers_made_and_destroyed_in_posted_functions),
		TEST(test_peers_know_the_time_in_posted_functions_and_timers),
		TEST(test_peer_deadlines_wake_a_running_loop),
		TEST(test_an_idle_loop_sleeps),
		TEST(test_datagrams_between_two_loop_threads),
		TEST(test_key_log_file),
		TEST(test_failing_creation_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
