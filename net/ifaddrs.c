#include "net/ifaddrs.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/text.h"
#include "net/sockaddr.h"

/* IFA_F_DADFAILED, IFA_F_TENTATIVE and IFA_F_DEPRECATED of linux/if_addr.h, which clashes with net/if.h. */
enum { UNUSABLE_V6_FLAGS = 0x08 | 0x40, DEPRECATED_V6_FLAG = 0x20 };

/*
 * getifaddrs() does not tell the flags of an address; /proc does, a line each:
 * "fe800000000000000000000000000001 02 40 20 80 eth0": address, interface, prefix, scope, flags, name.
 */
static bool flags_of_line(const char *line, const wlk_addr *addr, uint8_t *bits)
{
	struct str rest = str_of(line);
	struct str ip = str_word(&rest), flags;
	uint8_t bytes[16];

	str_word(&rest);
	str_word(&rest);
	str_word(&rest);
	flags = str_word(&rest);
	return str_hex(ip, bytes, sizeof(bytes)) && !memcmp(bytes, addr->ip, sizeof(bytes)) && str_hex(flags, bits, 1);
}

/* Where /proc is hidden every address counts as usable: 0. */
static uint8_t flags_of_v6(const wlk_addr *addr)
{
	FILE *file = fopen("/proc/net/if_inet6", "re");
	char line[128];
	bool found = false;
	uint8_t bits = 0;

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file))
		found = flags_of_line(line, addr, &bits);
	fclose(file);
	return found ? bits : 0;
}

/* False: not worth a candidate. */
static bool describe(const struct ifaddrs *it, struct net_interface *out)
{
	wlk_addr addr;
	uint8_t flags;

	if (!it->ifa_addr || !(it->ifa_flags & IFF_UP) || !(it->ifa_flags & IFF_RUNNING))
		return false;
	addr = sockaddr_to(it->ifa_addr);
	if (addr_is_none(&addr) || addr_is_unspecified(&addr) || addr_is_multicast(&addr))
		return false;
	flags = addr.family == 6 ? flags_of_v6(&addr) : 0;
	if (flags & UNUSABLE_V6_FLAGS)
		return false;
	*out = (struct net_interface){
		.addr = addr,
		.index = if_nametoindex(it->ifa_name),
		.loopback = it->ifa_flags & IFF_LOOPBACK,
		.multicast = it->ifa_flags & IFF_MULTICAST,
		.deprecated = flags & DEPRECATED_V6_FLAG,
	};
	snprintf(out->name, sizeof(out->name), "%s", it->ifa_name);
	return true;
}

/* ---- the order ---- */

/* Where the default route of |family| would leave from, by asking the kernel for a route: nothing is sent. None: no route. */
static wlk_addr default_source(uint8_t family)
{
	/* Any address that no network of our own has. */
	static const uint8_t v6[16] = { 0x20, 0x01, 0x48, 0x60, 0x48, 0x60, [14] = 0x88, 0x88 };
	wlk_addr to = family == 4 ? addr_v4(8, 8, 8, 8, 53) : addr_v6(v6, 53), source = { 0 };
	union sockaddr_any sa;
	socklen_t size = sockaddr_from(&sa, &to);
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return source;
	if (!connect(fd, &sa.sa, size)) {
		size = sizeof(sa);
		if (!getsockname(fd, &sa.sa, &size))
			source = sockaddr_to(&sa.sa);
	}
	close(fd);
	source.port = 0;
	return source;
}

static unsigned index_of(const struct net_interface *list, size_t count, const wlk_addr *addr)
{
	for (size_t i = 0; i < count; i++)
		if (!addr_is_none(addr) && addr_ip_equal(&list[i].addr, addr))
			return list[i].index;
	return 0;
}

static int rank(const struct net_interface *interface, const wlk_addr source[2], const unsigned index[2])
{
	if (interface->loopback || addr_is_loopback(&interface->addr))
		return 5;
	if (addr_is_link_local(&interface->addr))
		return 4;
	if (interface->deprecated)
		return 3;
	if (addr_ip_equal(&interface->addr, &source[0]) || addr_ip_equal(&interface->addr, &source[1]))
		return 0;
	return interface->index == index[0] || interface->index == index[1] ? 1 : 2;
}

/* Equals keep the kernel's order. */
static void sort_best_first(struct net_interface *list, size_t count)
{
	const wlk_addr source[2] = { default_source(4), default_source(6) };
	const unsigned index[2] = { index_of(list, count, &source[0]), index_of(list, count, &source[1]) };

	for (size_t i = 1; i < count; i++) {
		struct net_interface moved = list[i];
		size_t at = i;

		for (; at && rank(&list[at - 1], source, index) > rank(&moved, source, index); at--)
			list[at] = list[at - 1];
		list[at] = moved;
	}
}

wlk_err ifaddrs_list(struct net_interface **out, size_t *count)
{
	struct ifaddrs *all;
	struct net_interface *list = NULL;
	size_t capacity = 0, n = 0;
	struct net_interface next;
	wlk_err err = WLK_OK;

	if (getifaddrs(&all))
		return WLK_ERR_IO;
	for (struct ifaddrs *it = all; it && !err; it = it->ifa_next) {
		if (!describe(it, &next))
			continue;
		if (!array_reserve((void **)&list, &capacity, n + 1, sizeof(list[0]))) {
			err = WLK_ERR_NOMEM;
			break;
		}
		list[n++] = next;
	}
	freeifaddrs(all);
	if (err) {
		wlk_free(list);
		return err;
	}
	sort_best_first(list, n);
	*out = list;
	*count = n;
	return WLK_OK;
}

void ifaddrs_list_free(struct net_interface *list)
{
	wlk_free(list);
}
