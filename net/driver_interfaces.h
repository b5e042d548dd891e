/* Which addresses of this host a peer is told of: the monitor's list through the peer's filter. */
#ifndef NET_DRIVER_INTERFACES_H
#define NET_DRIVER_INTERFACES_H

#include "core/err.h"

struct driver;
struct driver_peer;

/* Tell a new peer. WLK_ERR_IO: the addresses cannot be listed; WLK_ERR_NOMEM. */
wlk_err driver_tell_interfaces(struct driver_peer *p);
/* Tell every peer when the network has changed and settled. */
void driver_follow_network(struct driver *d);

#endif
