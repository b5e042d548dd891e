#include "net/ifaddrs.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/text.h"
#include "net/sockaddr.h"

/* IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE of linux/if_addr.h, which clashes with net/if.h. */
enum { UNUSABLE_V6_FLAGS = 0x08 | 0x20 | 0x40 };

/*
 * getifaddrs() does not tell the flags of an address; /proc does, a line each:
 * "fe800000000000000000000000000001 02 40 20 80 eth0": address, interface, prefix, scope, flags, name.
 */
static bool line_is_unusable(const char *line, const wlk_addr *addr)
{
	struct str rest = str_of(line);
	struct str ip = str_word(&rest), flags;
	uint8_t bytes[16], bits;

	str_word(&rest);
	str_word(&rest);
	str_word(&rest);
	flags = str_word(&rest);
	return str_hex(ip, bytes, sizeof(bytes)) && !memcmp(bytes, addr->ip, sizeof(bytes)) &&
	       str_hex(flags, &bits, 1) && (bits & UNUSABLE_V6_FLAGS);
}

/* Where /proc is hidden every address counts as usable. */
static bool is_unusable_v6(const wlk_addr *addr)
{
	FILE *file = fopen("/proc/net/if_inet6", "re");
	char line[128];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = line_is_unusable(line, addr);
	fclose(file);
	return found;
}

static bool usable(const struct ifaddrs *it, wlk_addr *addr)
{
	if (!it->ifa_addr || !(it->ifa_flags & IFF_UP) || !(it->ifa_flags & IFF_RUNNING))
		return false;
	*addr = sockaddr_to(it->ifa_addr);
	if (addr_is_none(addr) || addr_is_unspecified(addr) || addr_is_multicast(addr))
		return false;
	return addr->family == 4 || !is_unusable_v6(addr);
}

wlk_err ifaddrs_list(struct net_interface **out, size_t *count)
{
	struct ifaddrs *all;
	struct net_interface *list = NULL;
	size_t capacity = 0, n = 0;
	wlk_addr addr;
	wlk_err err = WLK_OK;

	if (getifaddrs(&all))
		return WLK_ERR_IO;
	for (struct ifaddrs *it = all; it && !err; it = it->ifa_next) {
		if (!usable(it, &addr))
			continue;
		if (!array_reserve((void **)&list, &capacity, n + 1, sizeof(list[0]))) {
			err = WLK_ERR_NOMEM;
			break;
		}
		list[n++] = (struct net_interface){ .addr = addr,
						    .index = if_nametoindex(it->ifa_name),
						    .loopback = it->ifa_flags & IFF_LOOPBACK,
						    .multicast = it->ifa_flags & IFF_MULTICAST };
	}
	freeifaddrs(all);
	if (err) {
		wlk_free(list);
		return err;
	}
	*out = list;
	*count = n;
	return WLK_OK;
}

void ifaddrs_list_free(struct net_interface *list)
{
	wlk_free(list);
}
