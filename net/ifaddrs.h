/* The addresses of this host that are worth a candidate. */
#ifndef NET_IFADDRS_H
#define NET_IFADDRS_H

#include "core/err.h"

struct net_interface {
	wlk_addr addr;  /* port 0 */
	unsigned index; /* of the interface */
	bool loopback;
	bool multicast;
};

/*
 * Every IPv4 and IPv6 address of an interface that is up and running, without IPv6 addresses that are deprecated,
 * tentative or duplicates (RFC 4862). Loopback and link-local ones are in the list: who gathers, filters.
 * Free with ifaddrs_list_free(). Errors: WLK_ERR_IO, WLK_ERR_NOMEM.
 */
wlk_err ifaddrs_list(struct net_interface **out, size_t *count);
void ifaddrs_list_free(struct net_interface *list);

#endif
