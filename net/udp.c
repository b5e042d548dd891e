#include "net/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/rand.h"
#include "net/ifaddrs.h"

enum { MDNS_PORT = 5353, MDNS_TTL = 255 };

static bool set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* FORCE goes beyond rmem_max and wmem_max, for those who may; the plain form is clamped to them. */
static void enlarge_buffers(int fd)
{
	if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_SOCKET_BUFFER))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_SOCKET_BUFFER);
	if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_SOCKET_BUFFER))
		set_int(fd, SOL_SOCKET, SO_SNDBUF, UDP_SOCKET_BUFFER);
}

static int open_socket(const wlk_addr *local)
{
	int family = local->family == 4 ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET6 && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
		close(fd);
		return -1;
	}
	enlarge_buffers(fd);
	return fd;
}

static bool bind_to(int fd, const wlk_addr *local)
{
	union sockaddr_any name;
	socklen_t size = sockaddr_from(&name, local);

	return bind(fd, &name.sa, size) == 0;
}

/* The ports from a random one on, and round to it again: many sessions that search from the same end would all wait. */
static bool bind_in_range(int fd, const wlk_addr *local, uint16_t port_min, uint16_t port_max)
{
	uint32_t count = (uint32_t)port_max - port_min + 1, first;
	wlk_addr at = *local;

	if (rand_u32(&first)) {
		errno = EIO;
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		at.port = (uint16_t)(port_min + (first % count + i) % count);
		if (bind_to(fd, &at))
			return true;
		if (errno != EADDRINUSE)
			return false;
	}
	return false;
}

/* Learn what was bound; closes |fd| when nothing was. */
static wlk_err finish_open(struct udp_socket *s, int fd, bool bound)
{
	union sockaddr_any name;
	socklen_t size = sizeof(name);
	int saved;

	if (bound && getsockname(fd, &name.sa, &size) == 0) {
		*s = (struct udp_socket){ .fd = fd, .local = sockaddr_to(&name.sa) };
		dgram_queue_init(&s->out, UDP_BATCH);
		return WLK_OK;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return WLK_ERR_IO;
}

wlk_err udp_open(struct udp_socket *s, const wlk_addr *local, uint16_t port_min, uint16_t port_max, bool no_gso)
{
	bool search = !local->port && port_max && port_min <= port_max;
	int fd = open_socket(local);
	bool bound;
	wlk_err err;

	if (fd < 0)
		return WLK_ERR_IO;
	bound = search ? bind_in_range(fd, local, MAX(port_min, 1), port_max) : bind_to(fd, local);
	err = finish_open(s, fd, bound);
	if (err)
		return err;
	s->gso = !no_gso;
	s->gro = !no_gso && set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
	set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	return WLK_OK;
}

static bool join_v4(int fd, unsigned interface)
{
	struct ip_mreqn group = { .imr_ifindex = (int)interface };

	group.imr_multiaddr.s_addr = htonl(0xe00000fb); /* 224.0.0.251 */
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) == 0;
}

static bool join_v6(int fd, unsigned interface)
{
	static const uint8_t mdns[16] = { 0xff, 0x02, [15] = 0xfb }; /* ff02::fb */
	struct ipv6_mreq group = { .ipv6mr_interface = interface };

	memcpy(&group.ipv6mr_multiaddr, mdns, 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)) == 0;
}

static void send_through(int fd, uint8_t family, unsigned interface)
{
	struct ip_mreqn v4 = { .imr_ifindex = (int)interface };

	if (family == 4)
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4));
	else
		set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)interface);
}

/*
 * Join on the interface of |local|, or wherever that works when it is unspecified; answers the interface to send through,
 * 0 when no join worked.
 */
static unsigned join_group(int fd, const wlk_addr *local)
{
	bool everywhere = addr_is_unspecified(local);
	struct net_interface *list;
	size_t count;
	unsigned chosen = 0, fallback = 0;

	if (ifaddrs_list(&list, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct net_interface *it = &list[i];
		bool joined;

		if (it->addr.family != local->family || !(it->multicast || it->loopback))
			continue;
		if (!everywhere && !addr_ip_equal(&it->addr, local))
			continue;
		joined = local->family == 4 ? join_v4(fd, it->index) : join_v6(fd, it->index);
		if (!joined && errno != EADDRINUSE) /* a second address of one interface */
			continue;
		if (!it->loopback && !chosen)
			chosen = it->index;
		fallback = fallback ? fallback : it->index;
	}
	ifaddrs_list_free(list);
	return chosen ? chosen : fallback;
}

static void set_multicast_options(int fd, uint8_t family)
{
	/* Only what comes on the interfaces that were joined by this socket, not by others of this host. */
	if (family == 4) {
		set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
		set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, MDNS_TTL);
		set_int(fd, IPPROTO_IP, IP_TTL, MDNS_TTL);
	} else {
		set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
		set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
		set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, MDNS_TTL);
		set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, MDNS_TTL);
	}
}

wlk_err udp_open_mdns(struct udp_socket *s, const wlk_addr *local)
{
	wlk_addr any = { .family = local->family, .port = MDNS_PORT };
	int fd = open_socket(local);
	unsigned interface;
	wlk_err err;

	if (fd < 0)
		return WLK_ERR_IO;
	if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
		close(fd);
		return WLK_ERR_IO;
	}
	err = finish_open(s, fd, bind_to(fd, &any));
	if (err)
		return err;
	set_multicast_options(fd, local->family);
	interface = join_group(fd, local);
	if (!interface) {
		udp_close(s);
		return WLK_ERR_IO;
	}
	send_through(fd, local->family, interface);
	s->local = *local;
	s->local.port = MDNS_PORT;
	return WLK_OK;
}

void udp_close(struct udp_socket *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	dgram_queue_free(&s->out);
	s->fd = -1;
}
