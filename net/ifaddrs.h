/* The addresses of this host that are worth a candidate, best first. */
#ifndef NET_IFADDRS_H
#define NET_IFADDRS_H

#include "core/err.h"

struct net_interface {
	wlk_addr addr;  /* port 0 */
	unsigned index; /* of the interface */
	char name[16];  /* of the interface, as the kernel bounds it */
	bool loopback;
	bool multicast;
	bool deprecated; /* RFC 4862 5.5.4: not for anything new */
};

/*
 * Every IPv4 and IPv6 address of an interface that is up and running, without IPv6 addresses that are tentative or
 * duplicates (RFC 4862). Loopback and link-local ones are in the list: who gathers, filters. First come the addresses that
 * the default routes use, one a family, then others of the same interfaces, of other interfaces, link-local, loopback.
 * Free with ifaddrs_list_free(). Errors: WLK_ERR_IO, WLK_ERR_NOMEM.
 */
wlk_err ifaddrs_list(struct net_interface **out, size_t *count);
void ifaddrs_list_free(struct net_interface *list);

#endif
