#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "net/resolve.h"
#include "tests/support/fake_peer.h"

/*
 * The system calls of net/ fail here on demand: the linker sends them through the __wrap_ functions below.
 * |after| calls succeed, then |times| fail with |error|.
 */
struct fault {
	int after;
	int times;
	int error;
};

static struct fault on_socket, on_bind, on_listen, on_getsockname, on_setsockopt, on_sendmmsg, on_recvmmsg, on_epoll_create1,
	on_epoll_ctl, on_epoll_wait, on_eventfd, on_timerfd_create, on_getifaddrs, on_pthread_create;

/* sendmmsg() takes no more messages than this in one call. */
static unsigned send_limit = UINT32_MAX;

static bool fails(struct fault *fault)
{
	if (!fault->times || fault->after-- > 0)
		return false;
	fault->after = 0;
	fault->times--;
	errno = fault->error;
	return true;
}

static void arrange(struct fault *fault, int times, int error)
{
	*fault = (struct fault){ .times = times, .error = error };
}

#define WRAP(type, name, failure, parameters, arguments)                                                               \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		return fails(&on_##name) ? failure : __real_##name arguments;                                          \
	}

WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, bind, -1, (int fd, const struct sockaddr *name, socklen_t size), (fd, name, size))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, getsockname, -1, (int fd, struct sockaddr *name, socklen_t *size), (fd, name, size))
WRAP(int, setsockopt, -1, (int fd, int level, int option, const void *value, socklen_t size),
     (fd, level, option, value, size))
WRAP(int, recvmmsg, -1, (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
     (fd, messages, count, flags, timeout))
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, epoll_ctl, -1, (int fd, int op, int target, struct epoll_event *event), (fd, op, target, event))
WRAP(int, eventfd, -1, (unsigned count, int flags), (count, flags))
WRAP(int, timerfd_create, -1, (int clock, int flags), (clock, flags))
WRAP(int, getifaddrs, -1, (struct ifaddrs * *list), (list))
/* pthread_create() answers its error. */
WRAP(int, pthread_create, EAGAIN, (pthread_t * thread, const pthread_attr_t *attr, void *(*fn)(void *), void *user),
     (thread, attr, fn, user))

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	if (fails(&on_sendmmsg))
		return -1;
	return __real_sendmmsg(fd, messages, MIN(count, send_limit), flags);
}

static int waits;

int __real_epoll_wait(int fd, struct epoll_event *events, int count, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	waits++;
	return fails(&on_epoll_wait) ? -1 : __real_epoll_wait(fd, events, count, timeout);
}

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;
	wlk_peer_connection *a, *b;
	wlk_addr from, to;
} f;

static const wlk_addr loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

static void on_event(const wlk_event *event, void *user)
{
	(void)event;
	(void)user;
}

static void round_after(wlk_time advance)
{
	f.now += advance;
	driver_set_now(&f.driver, f.now);
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	poller_dispatch(&f.poller);
	mailbox_run(&f.mailbox);
	driver_run(&f.driver);
}

static wlk_addr bind_socket(wlk_peer_connection *pc)
{
	fake_request(pc, WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
	round_after(1);
	return fake_bound(pc, 1);
}

/* A driver with two peers, each with a socket. */
static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	send_limit = UINT32_MAX;
	f.now = 1000 * SECOND;
	f.env.pool = pktbuf_pool_create(256);
	assert_int_equal(poller_init(&f.poller), WLK_OK);
	assert_int_equal(mailbox_init(&f.mailbox), WLK_OK);
	driver_init(&f.driver, &f.poller, &f.mailbox, &f.env, false);
	driver_set_now(&f.driver, f.now);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &f.a), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &f.b), WLK_OK);
	f.from = bind_socket(f.a);
	f.to = bind_socket(f.b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_free(&f.driver);
	mailbox_free(&f.mailbox);
	poller_free(&f.poller);
	pktbuf_pool_destroy(f.env.pool);
	assert_int_equal(fake_peers, 0);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

/* a sends |count| datagrams of |size| bytes to b, numbered from |first|. */
static void send_numbered(uint32_t first, uint32_t count, size_t size)
{
	uint8_t data[2048] = { 0 };

	for (uint32_t i = first; i < first + count; i++) {
		memcpy(data, &i, sizeof(i));
		fake_send(f.a, &f.from, &f.to, data, size);
	}
}

/* b receives the numbers |first|..|last|-1, in order. */
static void expect_numbered(uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i < last; i++) {
		struct dgram d;
		uint32_t number;

		while (!dgram_queue_pop(&f.b->in, &d)) {
			struct pollfd fd = { .fd = f.poller.fd, .events = POLLIN };

			round_after(1);
			if (dgram_queue_empty(&f.b->in) && driver_deadline(&f.driver) > f.now)
				assert_int_equal(poll(&fd, 1, 10000), 1);
		}
		memcpy(&number, d.buf->data, sizeof(number));
		assert_int_equal(number, i);
		pktbuf_release(d.buf);
	}
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

static void test_a_full_socket_keeps_everything_in_order(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 1, EAGAIN);
	send_numbered(0, 300, 1000);
	round_after(1);
	assert_int_equal(f.driver.stats.tx_again, 1);
	assert_int_equal(f.driver.stats.tx_datagrams, 0);
	assert_int_equal(f.a->transmitted, UDP_BATCH); /* the rest stays in the peer, which sees the back-pressure */
	send_numbered(300, 10, 1000);
	driver_run(&f.driver); /* a visit before the socket is writable asks the kernel for nothing */
	assert_int_equal(f.driver.stats.tx_datagrams, 0);
	expect_numbered(0, 310); /* EPOLLOUT wakes us */
	assert_int_equal(f.driver.stats.tx_dropped, 0);
}

static void test_when_epollout_cannot_be_given_up_it_does_not_come_for_ever(void **state)
{
	struct pollfd fd = { .fd = f.poller.fd, .events = POLLIN };

	(void)state;
	arrange(&on_sendmmsg, 1, EAGAIN);
	on_epoll_ctl = (struct fault){ .after = 1, .times = 1, .error = ENOMEM };
	send_numbered(0, 10, 100);
	round_after(1);
	expect_numbered(0, 10);
	assert_int_equal(on_epoll_ctl.times, 0);
	round_after(1);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void test_a_socket_that_fills_in_the_middle_of_a_batch(void **state)
{
	(void)state;
	send_limit = 3;
	on_sendmmsg = (struct fault){ .after = 2, .times = 1, .error = EAGAIN };
	for (uint32_t i = 0; i < 40; i++)
		send_numbered(i, 1, 100 + i); /* growing: each a message of its own */
	round_after(1);
	assert_int_equal(f.driver.stats.tx_datagrams, 6);
	expect_numbered(0, 40);
	assert_int_equal(f.driver.stats.tx_again, 1);
}

static void test_deadlines_are_kept_but_do_not_spin_while_a_socket_is_full(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 1000, EAGAIN);
	f.a->always_due = true; /* it waits to send, and cannot */
	send_numbered(0, 100, 100);
	for (int i = 0; i < 5; i++) {
		int timeouts = f.a->timeouts;

		round_after(10 * MILLISECOND);
		assert_true(f.a->timeouts > timeouts);
		assert_true(driver_deadline(&f.driver) > f.now);
	}
	f.a->always_due = false;
	arrange(&on_sendmmsg, 0, 0);
	expect_numbered(0, 100);
}

static void test_closing_a_full_socket(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 1000, EAGAIN);
	send_numbered(0, 100, 100);
	round_after(1);
	fake_request(f.a, WLK_REQUEST_CLOSE, 0, &f.from, NULL);
	round_after(1);
	arrange(&on_sendmmsg, 0, 0);
	round_after(1);
	assert_int_equal(f.a->transmitted, 100); /* pulled again, and without a socket dropped */
	assert_int_equal(f.driver.stats.tx_dropped, 100 - UDP_BATCH);
	wlk_peer_connection_destroy(f.a);
}

static void test_destroying_a_peer_whose_socket_is_full(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 1000, EAGAIN);
	send_numbered(0, 100, 100);
	round_after(1);
	wlk_peer_connection_destroy(f.a);
	arrange(&on_sendmmsg, 0, 0);
	round_after(1);
	assert_int_equal(fake_peers, 1);
}

static void test_when_epollout_cannot_be_asked_for_the_deadline_tries_again(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 1, EAGAIN);
	arrange(&on_epoll_ctl, 1, ENOMEM);
	fake_set_deadline(f.a, f.now + MILLISECOND);
	f.a->repeat_deadline = MILLISECOND;
	send_numbered(0, 100, 100);
	round_after(1);
	assert_int_equal(f.driver.stats.tx_again, 1);
	assert_true(driver_deadline(&f.driver) != WLK_TIME_NEVER);
	round_after(10 * MILLISECOND);
	expect_numbered(0, 100);
}

static void test_what_the_kernel_refuses_is_dropped_alone(void **state)
{
	static const int errors[] = {
		ENOBUFS, EPERM, ENETUNREACH, EHOSTUNREACH, EMSGSIZE, ECONNREFUSED, EACCES, ENOMEM
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		arrange(&on_sendmmsg, 1, errors[i]);
		send_numbered(0, 1, 100);
		send_numbered(1, 1, 101); /* larger: a message of its own */
		send_numbered(2, 1, 102);
		round_after(1);
		assert_int_equal(f.driver.stats.tx_dropped, i + 1);
		expect_numbered(1, 3);
	}
	assert_int_equal(f.driver.stats.tx_gso_refused, 0);
}

static void test_refused_segmentation_falls_back_for_this_socket(void **state)
{
	static const int errors[] = { EIO, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EMSGSIZE };
	uint64_t messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		teardown(state);
		setup(state);
		arrange(&on_sendmmsg, 1, errors[i]);
		send_numbered(0, 50, 1000);
		round_after(1);
		expect_numbered(0, 50);
		assert_int_equal(f.driver.stats.tx_dropped, 0);
		assert_int_equal(f.driver.stats.tx_gso_refused, 1);
		assert_int_equal(f.driver.stats.tx_messages, 50);
		/* The other socket still tries. */
		messages = f.driver.stats.tx_messages;
		for (int k = 0; k < 50; k++)
			fake_send(f.b, &f.to, &f.from, "0123456789", 10);
		round_after(1);
		assert_int_equal(f.driver.stats.tx_messages, messages + 1);
	}
}

static void test_interrupted_calls_are_repeated(void **state)
{
	(void)state;
	arrange(&on_sendmmsg, 2, EINTR);
	send_numbered(0, 5, 100);
	round_after(1);
	assert_int_equal(f.driver.stats.tx_datagrams, 5);
	arrange(&on_recvmmsg, 2, EINTR);
	expect_numbered(0, 5);
	assert_int_equal(f.driver.stats.rx_errors, 0);
	arrange(&on_epoll_wait, 1, EINTR);
	round_after(1);
	arrange(&on_epoll_wait, 1, EBADF);
	assert_int_equal(poller_wait(&f.poller, 0), WLK_ERR_IO);
}

static void test_receive_errors_are_counted_and_stepped_over(void **state)
{
	(void)state;
	arrange(&on_recvmmsg, 3, ECONNREFUSED); /* ICMP answers to what was sent */
	send_numbered(0, 5, 100);
	expect_numbered(0, 5);
	assert_int_equal(f.driver.stats.rx_errors, 3);
	arrange(&on_recvmmsg, 100, ENOMEM); /* for good: the round ends all the same */
	send_numbered(5, 5, 100);
	round_after(1);
	round_after(1);
	assert_in_range(on_recvmmsg.times, 1, 99);
	arrange(&on_recvmmsg, 0, 0);
	expect_numbered(5, 10);
}

static void test_each_call_that_opens_a_socket_may_fail(void **state)
{
	struct fault *const faults[] = { &on_socket, &on_bind, &on_getsockname, &on_epoll_ctl };
	size_t before = open_descriptors();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		arrange(faults[i], 1, faults[i] == &on_socket ? EMFILE : ENOMEM);
		fake_request(f.a, WLK_REQUEST_BIND_UDP, 50, &loopback, NULL);
		round_after(1);
		assert_int_equal(f.a->answer_count, 2 + i);
		assert_int_not_equal(f.a->answers[1 + i].err, WLK_OK);
		assert_int_equal(open_descriptors(), before);
	}
	arrange(&on_setsockopt, 100, ENOPROTOOPT); /* none of them is needed for IPv4 */
	fake_request(f.a, WLK_REQUEST_BIND_UDP, 51, &loopback, NULL);
	round_after(1);
	arrange(&on_setsockopt, 0, 0);
	assert_false(addr_is_none(&(wlk_addr){ .family = fake_bound(f.a, 51).family }));
	assert_int_equal(open_descriptors(), before + 1);
}

static void test_each_call_that_opens_an_mdns_socket_may_fail(void **state)
{
	wlk_addr any = { .family = 4 };
	size_t before = open_descriptors();

	(void)state;
	for (int after = 0; after < 14; after++) {
		struct udp_socket s;

		on_setsockopt = (struct fault){ .after = after, .times = 100, .error = ENOPROTOOPT };
		if (!udp_open_mdns(&s, &any))
			udp_close(&s);
		assert_int_equal(open_descriptors(), before);
	}
	arrange(&on_setsockopt, 0, 0);
	arrange(&on_getifaddrs, 1, ENOMEM);
	assert_int_equal(udp_open_mdns(&(struct udp_socket){ .fd = -1 }, &any), WLK_ERR_IO);
	assert_int_equal(open_descriptors(), before);
}

static void test_each_call_that_opens_a_stream_may_fail(void **state)
{
	struct fault *const calls[] = { &on_socket, &on_setsockopt, &on_bind, &on_getsockname, &on_epoll_ctl };
	wlk_addr at, none = { 0 };
	uint32_t id = 10;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (int after = 0; after < 3; after++) {
			size_t before = f.a->answer_count;

			fake_request(f.a, WLK_REQUEST_LISTEN_TCP, ++id, &loopback, NULL);
			*calls[i] = (struct fault){ .after = after, .times = 1, .error = ENOBUFS };
			round_after(1);
			assert_int_equal(f.a->answer_count, before + 1);
			assert_int_equal(f.a->answers[before].err, calls[i]->times ? WLK_OK : WLK_ERR_IO);
			*calls[i] = (struct fault){ 0 };
		}
	fake_request(f.a, WLK_REQUEST_LISTEN_TCP, ++id, &loopback, NULL);
	round_after(1);
	at = fake_bound(f.a, id);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (int after = 0; after < 6; after++) {
			size_t before = f.b->answer_count;

			fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, ++id, &none, &at, NULL);
			*calls[i] = (struct fault){ .after = after, .times = 1, .error = ENOBUFS };
			for (int n = 0; n < 10 && f.b->answer_count == before; n++)
				round_after(SECOND);
			assert_int_equal(f.b->answer_count, before + 1);
			for (int n = 0; n < 3; n++)
				round_after(0);
			*calls[i] = (struct fault){ 0 };
			fake_request(f.b, WLK_REQUEST_CLOSE_STREAM, id, NULL, NULL);
			for (int n = 0; n < 10 && f.a->closed_count < f.a->accepted_count; n++)
				round_after(1);
			assert_int_equal(f.a->closed_count, f.a->accepted_count);
		}
}

/* Two sockets may be bound to one port until the first of them listens: then the next port is tried. */
static void test_a_port_that_another_one_listens_at_first(void **state)
{
	wlk_addr first, bound;
	size_t before = open_descriptors();
	int fd;

	(void)state;
	fd = tcp_listen(&loopback, 0, 0, &first);
	assert_true(fd >= 0);
	close(fd);
	arrange(&on_listen, 3, EADDRINUSE);
	fd = tcp_listen(&loopback, first.port, (uint16_t)MIN(first.port + 20, 0xffff), &bound);
	assert_true(fd >= 0);
	assert_int_equal(on_listen.times, 0);
	assert_in_range(bound.port, first.port, first.port + 20);
	close(fd);
	arrange(&on_listen, 1, EADDRINUSE);
	assert_int_equal(tcp_listen(&loopback, first.port, first.port, &bound), -1);
	assert_int_equal(errno, EADDRINUSE);
	arrange(&on_listen, 1, EACCES);
	assert_int_equal(tcp_listen(&loopback, first.port, (uint16_t)MIN(first.port + 20, 0xffff), &bound), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(open_descriptors(), before);
}

static void test_a_full_stream_that_cannot_wait_is_tried_again(void **state)
{
	static uint8_t piece[2048];
	wlk_addr at, none = { 0 };
	int fd = tcp_listen(&loopback, 0, 0, &at);
	struct tcp_stream far;
	size_t got, total = 0;
	static uint8_t sink[1 << 16];

	(void)state;
	fake_connect(f.b, WLK_REQUEST_CONNECT_TCP, 50, &none, &at, NULL);
	for (int n = 0; n < 10 && f.b->answer_count < 2; n++)
		round_after(1);
	assert_int_equal(f.b->answer_count, 2);
	assert_int_equal(tcp_accept(fd, &far), WLK_OK);
	for (int i = 0; i < 5000; i++)
		fake_send_on(f.b, 50, piece, sizeof(piece));
	arrange(&on_epoll_ctl, 1000000, ENOMEM);
	round_after(1);
	assert_true(f.b->held);
	assert_true(driver_deadline(&f.driver) <= f.now + 10 * MILLISECOND);
	while (total < 5000 * sizeof(piece)) {
		while (!tcp_read(&far, sink, sizeof(sink), &got))
			total += got;
		round_after(10 * MILLISECOND);
	}
	assert_int_equal(total, 5000 * sizeof(piece));
	arrange(&on_epoll_ctl, 0, 0);
	tcp_close(&far);
	close(fd);
}

static void test_no_descriptor_left(void **state)
{
	struct rlimit before, none;
	wlk_loop *loop = NULL;
	int lowest_free;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	lowest_free = dup(0);
	close(lowest_free);
	none.rlim_cur = (rlim_t)lowest_free;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fake_request(f.a, WLK_REQUEST_BIND_UDP, 60, &loopback, NULL);
	round_after(1);
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(f.a->answers[1].err, WLK_ERR_IO);
	fake_request(f.a, WLK_REQUEST_BIND_UDP, 61, &loopback, NULL); /* and back to normal */
	round_after(1);
	assert_int_equal(f.a->answers[2].err, WLK_OK);
	send_numbered(0, 3, 100);
	expect_numbered(0, 3);
}

static void test_interfaces_cannot_be_listed(void **state)
{
	wlk_peer_connection *pc = NULL;

	(void)state;
	netmon_free(&f.driver.netmon); /* nobody tells of changes any more */
	f.now += 10 * SECOND;          /* what was listed is too old */
	driver_set_now(&f.driver, f.now);
	arrange(&on_getifaddrs, 1, ENOMEM);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_ERR_IO);
	assert_null(pc);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_OK);
	assert_true(pc->interfaces >= 1);
}

static void test_a_loop_that_cannot_be_made_leaves_nothing(void **state)
{
	static struct fault *const faults[] = { &on_epoll_create1, &on_eventfd, &on_timerfd_create, &on_epoll_ctl };
	size_t before = open_descriptors(), blocks = alloc_live_blocks();
	wlk_loop *loop = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		arrange(faults[i], 1, EMFILE);
		assert_int_equal(wlk_loop_create(NULL, &loop), WLK_ERR_IO);
		assert_int_equal(faults[i]->times, 0);
	}
	on_epoll_ctl = (struct fault){ .after = 1, .times = 1, .error = ENOSPC };
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_ERR_IO);
	assert_null(loop);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(alloc_live_blocks(), blocks);
}

static void test_a_loop_reports_a_broken_poller_and_a_missing_thread(void **state)
{
	wlk_loop *loop;

	(void)state;
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_OK);
	arrange(&on_epoll_wait, 1, EBADF);
	assert_int_equal(wlk_loop_run(loop), WLK_ERR_IO);
	arrange(&on_epoll_wait, 1, EBADF);
	assert_int_equal(wlk_loop_dispatch(loop), WLK_ERR_IO);
	arrange(&on_pthread_create, 1, EAGAIN);
	assert_int_equal(wlk_loop_start_thread(loop), WLK_ERR_IO);
	assert_int_equal(wlk_loop_start_thread(loop), WLK_OK);
	wlk_loop_destroy(loop);
}

static void stop(void *user)
{
	wlk_loop_stop(user);
}

static void test_a_loop_waits_instead_of_spinning(void **state)
{
	wlk_peer_connection *pc;
	wlk_loop *loop;

	(void)state;
	assert_int_equal(wlk_loop_create(NULL, &loop), WLK_OK);
	assert_int_equal(wlk_peer_connection_create(loop, NULL, on_event, NULL, &pc), WLK_OK);
	fake_request(pc, WLK_REQUEST_BIND_UDP, 1, &loopback, NULL);
	fake_set_deadline(pc, wlk_loop_now(loop) + 10 * MILLISECOND);
	assert_int_equal(wlk_loop_call_later(loop, 20 * MILLISECOND, stop, loop, NULL), WLK_OK);
	waits = 0;
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_int_equal(pc->timeouts, 1);
	assert_in_range(waits, 2, 8);
	wlk_loop_destroy(loop);
}

static void test_names_without_a_thread(void **state)
{
	(void)state;
	arrange(&on_pthread_create, 1, EAGAIN);
	fake_request(f.a, WLK_REQUEST_RESOLVE, 70, NULL, "localhost");
	round_after(1);
	assert_int_equal(f.a->answers[1].err, WLK_ERR_IO);
	fake_request(f.a, WLK_REQUEST_RESOLVE, 71, NULL, "localhost"); /* tries again */
	round_after(1);
	while (f.a->answer_count < 3) {
		struct pollfd fd = { .fd = f.mailbox.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 60000), 1);
		round_after(1);
	}
	assert_int_equal(f.a->answers[2].err, WLK_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_without_a_thread), /* first: later there is a thread */
		TEST(test_a_full_socket_keeps_everything_in_order),
		TEST(test_when_epollout_cannot_be_given_up_it_does_not_come_for_ever),
		TEST(test_a_socket_that_fills_in_the_middle_of_a_batch),
		TEST(test_deadlines_are_kept_but_do_not_spin_while_a_socket_is_full),
		TEST(test_closing_a_full_socket),
		TEST(test_destroying_a_peer_whose_socket_is_full),
		TEST(test_when_epollout_cannot_be_asked_for_the_deadline_tries_again),
		TEST(test_what_the_kernel_refuses_is_dropped_alone),
		TEST(test_refused_segmentation_falls_back_for_this_socket),
		TEST(test_interrupted_calls_are_repeated),
		TEST(test_receive_errors_are_counted_and_stepped_over),
		TEST(test_each_call_that_opens_a_socket_may_fail),
		TEST(test_each_call_that_opens_an_mdns_socket_may_fail),
		TEST(test_each_call_that_opens_a_stream_may_fail),
		TEST(test_a_port_that_another_one_listens_at_first),
		TEST(test_a_full_stream_that_cannot_wait_is_tried_again),
		TEST(test_no_descriptor_left),
		TEST(test_interfaces_cannot_be_listed),
		TEST(test_a_loop_that_cannot_be_made_leaves_nothing),
		TEST(test_a_loop_waits_instead_of_spinning),
		TEST(test_a_loop_reports_a_broken_poller_and_a_missing_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
