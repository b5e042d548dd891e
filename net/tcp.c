#include "net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/rand.h"

static bool set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static void close_keeping_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Without the second one a write is taken as long as the kernel has memory, and media would wait behind megabytes. */
static bool set_stream_options(int fd)
{
	return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_MAX);
}

static int open_socket(uint8_t family, int type)
{
	int fd = socket(family == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if ((type == SOCK_STREAM && !set_stream_options(fd)) ||
	    (family == 6 && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))) {
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

static bool bind_to(int fd, const wlk_addr *local)
{
	union sockaddr_any name;
	socklen_t size = sockaddr_from(&name, local);

	return bind(fd, &name.sa, size) == 0;
}

static bool read_local(int fd, wlk_addr *out)
{
	union sockaddr_any name;
	socklen_t size = sizeof(name);

	if (getsockname(fd, &name.sa, &size))
		return false;
	*out = sockaddr_to(&name.sa);
	out->transport = WLK_TRANSPORT_TCP;
	return true;
}

/* ---- connecting ---- */

static bool begin_connect(int fd, const wlk_addr *local, const wlk_addr *remote)
{
	union sockaddr_any name;
	socklen_t size;
	wlk_addr ip = *local;

	ip.port = 0;
	if (!addr_is_none(&ip) && !bind_to(fd, &ip))
		return false;
	size = sockaddr_from(&name, remote);
	return connect(fd, &name.sa, size) == 0 || errno == EINPROGRESS || errno == EINTR;
}

wlk_err tcp_connect(struct tcp_stream *s, const wlk_addr *local, const wlk_addr *remote, bool datagrams)
{
	int fd;

	if ((remote->family != 4 && remote->family != 6) || (local->family && local->family != remote->family))
		return WLK_ERR_INVALID;
	fd = open_socket(remote->family, datagrams ? SOCK_DGRAM : SOCK_STREAM);
	if (fd < 0)
		return WLK_ERR_IO;
	if (!begin_connect(fd, local, remote)) {
		close_keeping_errno(fd);
		return WLK_ERR_IO;
	}
	*s = (struct tcp_stream){ .fd = fd, .datagrams = datagrams, .remote = *remote };
	return WLK_OK;
}

wlk_err tcp_finish_connect(struct tcp_stream *s)
{
	struct pollfd ready = { .fd = s->fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	/* Without an error pending, a socket that is not writable is still connecting. */
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
		errno = error ? error : errno;
		return WLK_ERR_IO;
	}
	if (poll(&ready, 1, 0) <= 0)
		return WLK_ERR_AGAIN;
	if (!read_local(s->fd, &s->local))
		return WLK_ERR_IO;
	if (s->datagrams)
		s->local.transport = WLK_TRANSPORT_UDP;
	return WLK_OK;
}

/* ---- listening ---- */

/* -1: errno tells why; EADDRINUSE: another port may be free. */
static int listen_at(const wlk_addr *local, wlk_addr *bound)
{
	int fd = open_socket(local->family, SOCK_STREAM);

	if (fd < 0)
		return -1;
	/* Without it a port in TIME_WAIT cannot be bound again for a minute. */
	if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !bind_to(fd, local) || listen(fd, TCP_BACKLOG) ||
	    !read_local(fd, bound)) {
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

/*
 * The ports from a random one on, and round to it again, each with a socket of its own: two may be bound to a port, as far as
 * listen() lets them, and a bound one cannot be bound anew.
 */
static int listen_in_range(const wlk_addr *local, uint16_t port_min, uint16_t port_max, wlk_addr *bound)
{
	uint32_t count = (uint32_t)port_max - port_min + 1, first;
	wlk_addr at = *local;

	if (rand_u32(&first)) {
		errno = EIO;
		return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		int fd;

		at.port = (uint16_t)(port_min + (first % count + i) % count);
		fd = listen_at(&at, bound);
		if (fd >= 0 || errno != EADDRINUSE)
			return fd;
	}
	return -1;
}

int tcp_listen(const wlk_addr *local, uint16_t port_min, uint16_t port_max, wlk_addr *bound)
{
	if (local->family != 4 && local->family != 6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (local->port || !port_max || port_min > port_max)
		return listen_at(local, bound);
	return listen_in_range(local, MAX(port_min, 1), port_max, bound);
}

wlk_err tcp_accept(int listener, struct tcp_stream *s)
{
	union sockaddr_any name;
	socklen_t size = sizeof(name);
	int fd = accept4(listener, &name.sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? WLK_ERR_NOSPACE
												   : WLK_ERR_AGAIN;
	*s = (struct tcp_stream){ .fd = fd, .remote = sockaddr_to(&name.sa) };
	s->remote.transport = WLK_TRANSPORT_TCP;
	if (set_stream_options(fd) && read_local(fd, &s->local))
		return WLK_OK;
	tcp_close(s);
	return WLK_ERR_AGAIN;
}

/* ---- bytes ---- */

void tcp_queue(struct tcp_stream *s, struct pktbuf *buf)
{
	buf->next = NULL;
	if (s->out_tail)
		s->out_tail->next = buf;
	else
		s->out_head = buf;
	s->out_tail = buf;
	s->out_bytes += buf->size;
}

static void pop(struct tcp_stream *s)
{
	struct pktbuf *first = s->out_head;

	s->out_head = first->next;
	if (!s->out_head)
		s->out_tail = NULL;
	s->out_bytes -= first->size - s->out_offset;
	s->out_offset = 0;
	pktbuf_release(first);
}

/* |size| bytes have left. */
static void advance(struct tcp_stream *s, size_t size)
{
	while (s->out_head && size >= s->out_head->size - s->out_offset) {
		size -= s->out_head->size - s->out_offset;
		pop(s);
	}
	s->out_offset += size;
	s->out_bytes -= size;
}

static ssize_t send_some(struct tcp_stream *s)
{
	struct iovec pieces[TCP_PIECES];
	struct msghdr msg = { .msg_iov = pieces };
	size_t offset = s->out_offset;

	for (struct pktbuf *buf = s->out_head; buf && msg.msg_iovlen < TCP_PIECES; buf = buf->next) {
		pieces[msg.msg_iovlen++] = (struct iovec){ .iov_base = buf->data + offset, .iov_len = buf->size - offset };
		offset = 0;
		if (s->datagrams)
			break;
	}
	return sendmsg(s->fd, &msg, MSG_NOSIGNAL);
}

wlk_err tcp_flush(struct tcp_stream *s)
{
	while (s->out_head) {
		ssize_t sent = send_some(s);

		if (sent >= 0)
			advance(s, (size_t)sent);
		else if (would_block(errno))
			return WLK_ERR_AGAIN;
		else if (s->datagrams)
			pop(s); /* lost, as it might have been on the way */
		else
			return WLK_ERR_IO;
	}
	return WLK_OK;
}

wlk_err tcp_read(struct tcp_stream *s, uint8_t *data, size_t size, size_t *got)
{
	ssize_t n = recv(s->fd, data, size, MSG_DONTWAIT);

	if (n > 0) {
		*got = (size_t)n;
		return WLK_OK;
	}
	/* What ICMP says of one datagram is no end: the answers may come late. */
	return (n < 0 && would_block(errno)) || s->datagrams ? WLK_ERR_AGAIN : WLK_ERR_CLOSED;
}

void tcp_close(struct tcp_stream *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	while (s->out_head)
		pop(s);
}
