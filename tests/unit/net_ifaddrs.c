#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "net/clock.h"
#include "net/ifaddrs.h"
#include "net/keylog.h"
#include "net/sockaddr.h"

static void test_lists_loopback_once_and_bindable_addresses_only(void **state)
{
	struct net_interface *list;
	size_t count, loopbacks = 0;

	(void)state;
	assert_int_equal(ifaddrs_list(&list, &count), WLK_OK);
	for (size_t i = 0; i < count; i++) {
		wlk_addr localhost = addr_v4(127, 0, 0, 1, 0);

		assert_true(list[i].index > 0);
		assert_int_equal(list[i].addr.port, 0);
		assert_false(addr_is_unspecified(&list[i].addr));
		if (addr_is_link_local(&list[i].addr) && list[i].addr.family == 6)
			assert_int_equal(list[i].addr.scope_id, list[i].index);
		if (addr_equal(&list[i].addr, &localhost)) {
			loopbacks++;
			assert_true(list[i].loopback);
		}
	}
	assert_int_equal(loopbacks, 1);
	ifaddrs_list_free(list);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* The default routes' own addresses, then the rest, link-local, loopback. */
static int place_of(const struct net_interface *interface)
{
	return interface->loopback ? 2 : addr_is_link_local(&interface->addr) ? 1 : 0;
}

/* Where a datagram to anywhere leaves from; none without a default route. Nothing is sent. */
static wlk_addr source_of_default_route(void)
{
	wlk_addr to = addr_v4(203, 0, 113, 1, 9), source = { 0 };
	union sockaddr_any sa;
	socklen_t size = sockaddr_from(&sa, &to);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (!connect(fd, &sa.sa, size)) {
		size = sizeof(sa);
		assert_int_equal(getsockname(fd, &sa.sa, &size), 0);
		source = sockaddr_to(&sa.sa);
	}
	close(fd);
	return source;
}

static void test_best_address_comes_first(void **state)
{
	wlk_addr best = source_of_default_route();
	struct net_interface *list;
	size_t count;

	(void)state;
	assert_int_equal(ifaddrs_list(&list, &count), WLK_OK);
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].name[0] != '\0');
		if (i)
			assert_true(place_of(&list[i - 1]) <= place_of(&list[i]));
		if (!addr_is_none(&best) && addr_ip_equal(&list[i].addr, &best))
			assert_true(i < 2); /* one a family */
	}
	ifaddrs_list_free(list);
}

static void test_list_out_of_memory(void **state)
{
	struct net_interface *list;
	size_t count;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(ifaddrs_list(&list, &count), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void check_round_trip(const char *text, uint16_t port, socklen_t size)
{
	union sockaddr_any sa;
	wlk_addr addr, back;

	assert_int_equal(addr_parse(&addr, text, strlen(text), port), WLK_OK);
	assert_int_equal(sockaddr_from(&sa, &addr), size);
	back = sockaddr_to(&sa.sa);
	assert_true(addr_equal(&addr, &back));
	assert_int_equal(back.scope_id, addr.scope_id);
}

static void test_socket_addresses_round_trip(void **state)
{
	union sockaddr_any sa;
	wlk_addr addr;

	(void)state;
	check_round_trip("192.0.2.1", 65535, sizeof(struct sockaddr_in));
	check_round_trip("2001:db8::1", 1, sizeof(struct sockaddr_in6));
	check_round_trip("fe80::1%3", 5353, sizeof(struct sockaddr_in6));

	/* R8: mapped addresses are IPv4; and a scope on a global address means nothing. */
	memset(&sa, 0, sizeof(sa));
	sa.v6.sin6_family = AF_INET6;
	sa.v6.sin6_scope_id = 9;
	sa.v6.sin6_addr.s6_addr[10] = sa.v6.sin6_addr.s6_addr[11] = 0xff;
	sa.v6.sin6_addr.s6_addr[12] = 127;
	addr = sockaddr_to(&sa.sa);
	assert_int_equal(addr.family, 4);
	assert_int_equal(addr.scope_id, 0);
	sa.v6.sin6_addr.s6_addr[0] = 0x20;
	assert_int_equal(sockaddr_to(&sa.sa).scope_id, 0);
	sa.sa.sa_family = AF_UNIX;
	addr = sockaddr_to(&sa.sa);
	assert_true(addr_is_none(&addr));
}

static void test_clocks(void **state)
{
	wlk_time a = clock_monotonic(), b = clock_monotonic();

	(void)state;
	assert_true(a > 0 && b >= a);
	assert_true(clock_unix() > 1500000000000000); /* microseconds since 1970 */
}

static void test_key_log_appends_lines_that_only_the_owner_reads(void **state)
{
	char path[] = "/tmp/wirelark-keylog-XXXXXX", text[64] = { 0 };
	struct keylog log = { .fd = -1 };
	struct stat info;
	FILE *file;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	unlink(path);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(keylog_open(&log, path), WLK_OK);
		keylog_write(i ? "two" : "one", &log);
		keylog_close(&log);
		keylog_close(&log);
	}
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	file = fopen(path, "r");
	assert_int_equal(fread(text, 1, sizeof(text), file), 8);
	assert_string_equal(text, "one\ntwo\n");
	fclose(file);
	unlink(path);
	assert_int_equal(keylog_open(&log, "/nonexistent/keys"), WLK_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_loopback_once_and_bindable_addresses_only),
		cmocka_unit_test(test_best_address_comes_first),
		cmocka_unit_test(test_list_out_of_memory),
		cmocka_unit_test(test_socket_addresses_round_trip),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_key_log_appends_lines_that_only_the_owner_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
