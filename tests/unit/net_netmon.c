#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"
#include "net/driver.h"
#include "tests/support/fake_peer.h"

/* ---- messages ---- */

struct feed {
	_Alignas(struct nlmsghdr) uint8_t data[4096];
	size_t size;
};

/* Append a message of |type| with |size| bytes behind its header. */
static void put(struct feed *feed, uint16_t type, const void *body, size_t size)
{
	struct nlmsghdr header = { .nlmsg_len = (uint32_t)(sizeof(header) + size), .nlmsg_type = type };

	memcpy(feed->data + feed->size, &header, sizeof(header));
	if (size)
		memcpy(feed->data + feed->size + sizeof(header), body, size);
	feed->size += NLMSG_ALIGN(header.nlmsg_len);
}

static bool tells(uint16_t type, const void *body, size_t size)
{
	struct feed feed = { .size = 0 };

	put(&feed, type, body, size);
	return netmon_is_change(feed.data, feed.size);
}

static void test_which_messages_matter(void **state)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET, .ifa_prefixlen = 24 };
	const struct ifinfomsg link = { .ifi_index = 2 };
	struct rtmsg route = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };

	(void)state;
	assert_true(tells(RTM_NEWADDR, &address, sizeof(address)));
	assert_true(tells(RTM_DELADDR, &address, sizeof(address)));
	assert_true(tells(RTM_NEWLINK, &link, sizeof(link)));
	assert_true(tells(RTM_DELLINK, &link, sizeof(link)));
	assert_true(tells(RTM_NEWROUTE, &route, sizeof(route)));
	route.rtm_dst_len = 24; /* another one than the default */
	assert_false(tells(RTM_NEWROUTE, &route, sizeof(route)));
	route.rtm_dst_len = 0;
	route.rtm_type = RTN_MULTICAST;
	assert_false(tells(RTM_DELROUTE, &route, sizeof(route)));
	assert_false(tells(RTM_NEWNEIGH, &address, sizeof(address)));
	assert_false(tells(NLMSG_DONE, NULL, 0));
}

static void test_malformed_messages_tell_nothing(void **state)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET };
	struct feed feed = { .size = 0 };

	(void)state;
	assert_false(netmon_is_change(NULL, 0));
	assert_false(tells(RTM_NEWADDR, &address, sizeof(address) - 1));
	put(&feed, RTM_NEWADDR, &address, sizeof(address));
	for (size_t size = 0; size < feed.size; size++)
		assert_false(netmon_is_change(feed.data, size));
	((struct nlmsghdr *)(void *)feed.data)->nlmsg_len = sizeof(struct nlmsghdr) - 1;
	assert_false(netmon_is_change(feed.data, feed.size));
	((struct nlmsghdr *)(void *)feed.data)->nlmsg_len = UINT32_MAX;
	assert_false(netmon_is_change(feed.data, feed.size));
}

static void test_one_of_many_messages_is_enough(void **state)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET };
	struct feed feed = { .size = 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		put(&feed, RTM_NEWNEIGH, "odd", (size_t)(i % 4)); /* padded to 4 */
	assert_false(netmon_is_change(feed.data, feed.size));
	put(&feed, RTM_NEWADDR, &address, sizeof(address));
	put(&feed, RTM_NEWNEIGH, NULL, 0);
	assert_true(netmon_is_change(feed.data, feed.size));
}

static void test_any_bytes_end_the_parser(void **state)
{
	struct rand_jitter j = { 1 };
	uint8_t data[256];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t size = rand_jitter_below(&j, sizeof(data));

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)rand_jitter_below(&j, i % 4 ? 4 : 40);
		(void)netmon_is_change(data, size);
	}
}

/* ---- the monitor ---- */

static struct {
	struct poller poller;
	struct mailbox mailbox;
	struct peer_env env;
	struct driver driver;
	wlk_time now;
} f;

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 1000 * SECOND;
	f.env.pool = pktbuf_pool_create(16);
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

static void run_after(wlk_time advance)
{
	f.now += advance;
	driver_set_now(&f.driver, f.now);
	assert_int_equal(poller_wait(&f.poller, 0), WLK_OK);
	poller_dispatch(&f.poller);
	driver_run(&f.driver);
}

static void feed_change(void)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET };
	struct feed feed = { .size = 0 };

	put(&feed, RTM_NEWADDR, &address, sizeof(address));
	netmon_input(&f.driver.netmon, feed.data, feed.size);
}

static void test_changes_settle_before_the_list_is_read(void **state)
{
	struct netmon *m = &f.driver.netmon;
	wlk_time first;

	(void)state;
	assert_int_equal(netmon_refresh(m), WLK_OK);
	assert_true(m->count >= 1);
	assert_int_equal(m->listed_at, f.now);
	run_after(SECOND);
	m->settle_at = WLK_TIME_NEVER; /* whatever this host may have had to tell */
	feed_change();
	assert_int_equal(netmon_deadline(m), f.now + NETMON_SETTLE_US);
	f.now += 30000;
	driver_set_now(&f.driver, f.now);
	feed_change(); /* not yet quiet */
	assert_int_equal(netmon_deadline(m), f.now + NETMON_SETTLE_US);
	assert_true(driver_deadline(&f.driver) <= f.now + NETMON_SETTLE_US);
	assert_false(netmon_handle_timeout(m)); /* early */
	f.now += NETMON_SETTLE_US;
	driver_set_now(&f.driver, f.now);
	assert_false(netmon_handle_timeout(m)); /* nothing is different */
	assert_int_equal(m->listed_at, f.now);
	assert_int_equal(netmon_deadline(m), WLK_TIME_NEVER);
	/* A storm does not put it off for ever. */
	first = f.now;
	for (int i = 0; i < 20; i++) {
		feed_change();
		f.now += 30000;
		driver_set_now(&f.driver, f.now);
	}
	assert_int_equal(netmon_deadline(m), first + NETMON_SETTLE_MAX_US);
}

static void test_a_list_that_cannot_be_read_is_tried_again(void **state)
{
	struct netmon *m = &f.driver.netmon;

	(void)state;
	assert_int_equal(netmon_refresh(m), WLK_OK);
	feed_change();
	f.now += NETMON_SETTLE_US;
	driver_set_now(&f.driver, f.now);
	alloc_fail_after(1);
	assert_false(netmon_handle_timeout(m));
	alloc_fail_after(0);
	assert_int_equal(netmon_deadline(m), f.now + NETMON_SETTLE_US);
	assert_true(m->count >= 1);
}

/* ---- the peers ---- */

static bool refuse_loopback(const wlk_addr *address, const char *name, void *user)
{
	(*(int *)user)++;
	assert_non_null(name);
	assert_true(strlen(name) > 0);
	return !addr_is_loopback(address);
}

/* Makes the list that the monitor will find another than the one it has. */
static void forget_list(size_t count)
{
	f.driver.netmon.count = count;
	feed_change();
}

static void test_every_peer_hears_of_a_change(void **state)
{
	wlk_peer_connection *a = NULL, *b = NULL;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	int asked = 0;
	size_t count;

	(void)state;
	config.local_address_filter = refuse_loopback;
	config.user = &asked;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &a), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, &config, on_event, NULL, &b), WLK_OK);
	count = f.driver.netmon.count;
	assert_int_equal(a->interfaces, count);
	assert_int_equal(asked, count);
	assert_true(b->interfaces < count);
	a->interfaces = 99;
	run_after(2 * SECOND);
	assert_int_equal(a->interfaces, 99); /* nothing has changed, nobody is told */
	forget_list(0);
	run_after(NETMON_SETTLE_US - 1);
	assert_int_equal(a->interfaces, 99);
	run_after(1);
	assert_int_equal(a->interfaces, count);
	assert_int_equal(asked, 2 * count);
}

static void test_who_had_no_memory_for_a_change_hears_of_it_later(void **state)
{
	wlk_peer_connection *a = NULL, *b = NULL;
	size_t count;

	(void)state;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &a), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &b), WLK_OK);
	count = f.driver.netmon.count;
	fake_interfaces_error = WLK_ERR_NOMEM; /* of a, which is told first */
	forget_list(0);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(b->interfaces, count);
	a->interfaces = b->interfaces = 99;
	assert_int_equal(driver_deadline(&f.driver), f.now + DRIVER_TELL_AGAIN_US);
	fake_interfaces_error = WLK_ERR_NOMEM; /* and again */
	run_after(DRIVER_TELL_AGAIN_US);
	a->interfaces = 99;
	run_after(DRIVER_TELL_AGAIN_US - 1);
	assert_int_equal(a->interfaces, 99);
	run_after(1);
	assert_int_equal(a->interfaces, count);
	assert_int_equal(b->interfaces, 99); /* which knew */
	assert_true(driver_deadline(&f.driver) > f.now + DRIVER_TELL_AGAIN_US);
}

static bool destroy_in_filter(const wlk_addr *address, const char *name, void *user)
{
	(void)address;
	(void)name;
	wlk_peer_connection_destroy(user);
	return true;
}

/* All peers are being told: one that goes meanwhile would take the list along. It ends with words, not with a crash. */
static void test_R39_destroying_inside_a_filter_is_an_assertion(void **state)
{
	wlk_peer_connection *a = NULL, *b = NULL;
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &a), WLK_OK);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &b), WLK_OK);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct driver_peer *p = a->driver;

		signal(SIGABRT, SIG_DFL);
		(void)!freopen("/dev/null", "w", stderr);
		p->address_filter = destroy_in_filter;
		p->filter_user = b;
		forget_list(0);
		run_after(NETMON_SETTLE_US);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static bool refuse_all(const wlk_addr *address, const char *name, void *user)
{
	(void)address;
	(void)name;
	(void)user;
	return false;
}

/* With the same address back a moment later, everything works on as before. */
static void test_without_any_network_the_sockets_stay(void **state)
{
	wlk_peer_connection *pc = NULL;
	struct driver_peer *p;

	(void)state;
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_OK);
	p = pc->driver;
	p->networks = 1; /* it was told of an address that is gone with all the others */
	p->address_filter = refuse_all;
	pc->interfaces = 99;
	forget_list(0);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(pc->interfaces, 99);
	p->address_filter = NULL; /* they are back */
	forget_list(0);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(pc->interfaces, f.driver.netmon.count);
}

/* ---- a network of our own ---- */

/* |text| into a file of this process's. */
static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool enter_namespace(void)
{
	char map[32];
	unsigned uid = getuid();

	if (!unshare(CLONE_NEWNET))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return write_file("/proc/self/uid_map", map);
}

/* RTM_NEWADDR or RTM_DELADDR of 10.9.0.|host|/32 on the loopback interface, which every namespace has. */
static bool change_address(uint16_t type, uint8_t host)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
		struct rtattr attr;
		uint8_t ip[4];
	} m = {
		.header = { .nlmsg_len = sizeof(m), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.address = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1 },
		.attr = { .rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL },
		.ip = { 10, 9, 0, host },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[256];
	} answer = { .header = { 0 } };
	bool ok;

	m.header.nlmsg_flags |= type == RTM_NEWADDR ? NLM_F_CREATE : 0;
	ok = fd >= 0 && send(fd, &m, sizeof(m), 0) == sizeof(m) && recv(fd, &answer, sizeof(answer), 0) > 0 &&
	     answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &request);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The kernel's word arrives at the socket before the call that caused it ends: no waiting. */
static int live_in_namespace(void)
{
	wlk_peer_connection *pc = NULL;
	size_t before;

	if (!enter_namespace() || !loopback_up())
		return 77;
	setup(NULL);
	assert_int_equal(driver_create_peer(&f.driver, NULL, on_event, NULL, &pc), WLK_OK);
	before = pc->interfaces;
	if (!change_address(RTM_NEWADDR, 7))
		return 77;
	run_after(1);
	assert_int_equal(netmon_deadline(&f.driver.netmon), f.now + NETMON_SETTLE_US);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(pc->interfaces, before + 1);
	assert_true(change_address(RTM_NEWADDR, 8));
	assert_true(change_address(RTM_DELADDR, 7));
	run_after(1);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(pc->interfaces, before + 1);
	assert_true(change_address(RTM_DELADDR, 8));
	run_after(1);
	run_after(NETMON_SETTLE_US);
	assert_int_equal(pc->interfaces, before);
	teardown(NULL);
	return 0;
}

/* In a process of its own, because a namespace cannot be left again. */
static void test_addresses_come_and_go_in_a_namespace(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(live_in_namespace());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* namespaces are not allowed here */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_messages_matter),
		cmocka_unit_test(test_malformed_messages_tell_nothing),
		cmocka_unit_test(test_one_of_many_messages_is_enough),
		cmocka_unit_test(test_any_bytes_end_the_parser),
		cmocka_unit_test_setup_teardown(test_changes_settle_before_the_list_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_list_that_cannot_be_read_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_peer_hears_of_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_R39_destroying_inside_a_filter_is_an_assertion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_had_no_memory_for_a_change_hears_of_it_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_any_network_the_sockets_stay, setup, teardown),
		cmocka_unit_test(test_addresses_come_and_go_in_a_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
