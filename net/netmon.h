/* Knows the addresses of this host, and by netlink when they change; shared by all peers of a loop. */
#ifndef NET_NETMON_H
#define NET_NETMON_H

#include "core/log.h"
#include "net/ifaddrs.h"
#include "net/poller.h"

enum {
	NETMON_SETTLE_US = 50000,      /* changes come in bursts: the list is read so long after the last message... */
	NETMON_SETTLE_MAX_US = 500000, /* ...but not later than this after the first */
	NETMON_AGE_US = 1000000,       /* without netlink a list older than this is read anew for a new peer */
};

struct netmon {
	struct log_scope log;
	struct poller *poller;
	const wlk_time *now;
	struct poller_source source;
	int fd;     /* -1: nobody tells of changes */
	bool tried; /* to open it */
	struct net_interface *list;
	size_t count;
	wlk_time listed_at; /* WLK_TIME_NEVER: not yet */
	wlk_time first_at;  /* of the messages that wait to settle */
	wlk_time settle_at; /* WLK_TIME_NEVER: none */
};

/* |now| is the driver's clock, borrowed and read when messages come. Nothing is opened yet. */
void netmon_init(struct netmon *m, struct poller *poller, const wlk_time *now);
void netmon_free(struct netmon *m);

/*
 * Have m->list filled: read at the first call, kept up by netmon_handle_timeout() from then on. The first call opens the
 * netlink socket too; where that is not allowed changes go unnoticed, which is logged once. WLK_ERR_IO, WLK_ERR_NOMEM: the
 * list cannot be read.
 */
wlk_err netmon_refresh(struct netmon *m);

wlk_time netmon_deadline(const struct netmon *m);
/* Read the list anew when changes have settled. True: it is another. When it cannot be read that is tried again. */
bool netmon_handle_timeout(struct netmon *m);

/* What came from the netlink socket in one read; whatever it is. */
void netmon_input(struct netmon *m, const void *data, size_t size);
/* Whether a netlink datagram tells of addresses, links or default routes (rtnetlink(7)). Malformed: false. */
bool netmon_is_change(const void *data, size_t size);

#endif
