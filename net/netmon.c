#include "net/netmon.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"

enum { READ_SIZE = 16384, READS_MAX = 64 };

void netmon_init(struct netmon *m, struct poller *poller, const wlk_time *now)
{
	*m = (struct netmon){ .poller = poller, .now = now, .fd = -1 };
	m->listed_at = m->settle_at = WLK_TIME_NEVER;
	log_scope_init(&m->log, NULL, "net");
}

static void stop_watching(struct netmon *m)
{
	poller_remove(m->poller, &m->source);
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

void netmon_free(struct netmon *m)
{
	stop_watching(m);
	ifaddrs_list_free(m->list);
	m->list = NULL;
	m->count = 0;
}

/* ---- messages ---- */

/* A route matters only if it is the default one: it says which interface is the best. */
static bool is_default_route(wlk_bytes payload)
{
	struct rtmsg route;

	if (payload.size < sizeof(route))
		return false;
	memcpy(&route, payload.data, sizeof(route));
	return route.rtm_dst_len == 0 && route.rtm_type == RTN_UNICAST;
}

static bool matters(uint16_t type, wlk_bytes payload)
{
	switch (type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return payload.size >= sizeof(struct ifaddrmsg);
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return payload.size >= sizeof(struct ifinfomsg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return is_default_route(payload);
	default:
		return false;
	}
}

bool netmon_is_change(const void *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	bool change = false;

	while (bytes_ok(&r) && r.left >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;
		wlk_bytes body;
		size_t padded;

		memcpy(&header, bytes_slice(&r, sizeof(header)).data, sizeof(header));
		if (header.nlmsg_len < sizeof(header))
			return false;
		body = bytes_slice(&r, header.nlmsg_len - sizeof(header));
		if (!bytes_ok(&r))
			return false;
		change |= matters(header.nlmsg_type, body);
		padded = NLMSG_ALIGN(header.nlmsg_len) - header.nlmsg_len;
		bytes_slice(&r, MIN(padded, r.left));
	}
	return change;
}

static void touch(struct netmon *m)
{
	wlk_time now = *m->now;

	if (m->settle_at == WLK_TIME_NEVER)
		m->first_at = now;
	m->settle_at = time_min(now + NETMON_SETTLE_US, m->first_at + NETMON_SETTLE_MAX_US);
}

void netmon_input(struct netmon *m, const void *data, size_t size)
{
	if (netmon_is_change(data, size))
		touch(m);
}

/* ---- the socket ---- */

/* False: nothing is left, or the socket is gone. */
static bool read_one(struct netmon *m)
{
	uint8_t buf[READ_SIZE];
	struct sockaddr_nl from = { 0 };
	socklen_t from_size = sizeof(from);
	ssize_t size = recvfrom(m->fd, buf, sizeof(buf), MSG_TRUNC, (struct sockaddr *)&from, &from_size);

	if (size < 0 && errno == EINTR)
		return true;
	if (size < 0 && errno == ENOBUFS) {
		touch(m); /* some were lost: anything may have changed */
		return true;
	}
	if (size <= 0) {
		if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			LOG_W(m, "changes of the network go unnoticed from here on: %s", strerror(errno));
			stop_watching(m);
		}
		return false;
	}
	/* Only the kernel is believed; a message that did not fit may tell anything. */
	if (from.nl_pid == 0 && (size_t)size > sizeof(buf))
		touch(m);
	else if (from.nl_pid == 0)
		netmon_input(m, buf, (size_t)size);
	return true;
}

static void on_readable(struct poller_source *source, uint32_t events)
{
	struct netmon *m = CONTAINER_OF(source, struct netmon, source);

	(void)events;
	for (int i = 0; i < READS_MAX && m->fd >= 0 && read_one(m); i++)
		;
}

static void watch(struct netmon *m)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};

	m->tried = true;
	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (m->fd >= 0 && !bind(m->fd, (struct sockaddr *)&address, sizeof(address)) &&
	    !poller_add(m->poller, &m->source, m->fd, EPOLLIN, on_readable))
		return;
	LOG_W(m, "changes of the network go unnoticed: %s", strerror(errno));
	stop_watching(m);
}

/* ---- the list ---- */

static const struct net_interface *find(const struct net_interface *list, size_t count, const wlk_addr *addr)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(&list[i].addr, addr) && list[i].addr.scope_id == addr->scope_id)
			return &list[i];
	return NULL;
}

/*
 * A deprecated address (RFC 4862 5.5.4) is not for anything new, but what uses it goes on: it stays in the list while it
 * was there before it was deprecated.
 */
static size_t drop_deprecated(const struct netmon *m, struct net_interface *list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!list[i].deprecated || find(m->list, m->count, &list[i].addr))
			list[kept++] = list[i];
	return kept;
}

static bool same(const struct net_interface *a, const struct net_interface *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!addr_equal(&a[i].addr, &b[i].addr) || a[i].index != b[i].index)
			return false;
	return true;
}

/* *changed: the list is another than before. */
static wlk_err read_list(struct netmon *m, bool *changed)
{
	struct net_interface *list;
	size_t count;
	wlk_err err = ifaddrs_list(&list, &count);

	if (err)
		return err;
	count = drop_deprecated(m, list, count);
	*changed = count != m->count || !same(list, m->list, count);
	ifaddrs_list_free(m->list);
	m->list = list;
	m->count = count;
	m->listed_at = *m->now;
	return WLK_OK;
}

wlk_err netmon_refresh(struct netmon *m)
{
	bool changed;

	if (!m->tried)
		watch(m); /* before the list is read, so that no change falls between */
	if (m->listed_at != WLK_TIME_NEVER && (m->fd >= 0 || *m->now - m->listed_at < NETMON_AGE_US))
		return WLK_OK;
	return read_list(m, &changed);
}

wlk_time netmon_deadline(const struct netmon *m)
{
	return m->settle_at;
}

bool netmon_handle_timeout(struct netmon *m)
{
	bool changed = false;

	if (m->settle_at > *m->now)
		return false;
	m->settle_at = WLK_TIME_NEVER;
	if (read_list(m, &changed))
		touch(m);
	else if (changed)
		LOG_I(m, "the network changed: %zu addresses", m->count);
	return changed;
}
