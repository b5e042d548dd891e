/* TCP sockets: connecting, listening, accepting, and a stream's bounded queue of what is to be sent. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "core/pktbuf.h"
#include "net/sockaddr.h"

enum {
	TCP_QUEUE_MAX = 256 << 10, /* bytes that wait for room in the socket */
	TCP_PIECES = 64,           /* buffers one system call takes */
	TCP_READ_SIZE = 16 << 10,  /* bytes of one read */
	TCP_BACKLOG = 128,         /* connections that the kernel keeps for us */
	TCP_UNSENT_MAX = 128 << 10, /* bytes in the kernel that have not left once: more would only be delay */
};

/* One connection. The UDP socket under DTLS is one too: |datagrams|, where each buffer is sent by itself. */
struct tcp_stream {
	int fd;
	bool datagrams;
	wlk_addr local; /* known once it is connected */
	wlk_addr remote;
	struct pktbuf *out_head; /* what waits, oldest first */
	struct pktbuf *out_tail;
	size_t out_bytes;
	size_t out_offset; /* bytes of the oldest that are sent */
};

/*
 * Begin to connect from |local|'s IP (none: any; its port is not looked at) to |remote|, without blocking: when the socket
 * is writable, ask tcp_finish_connect(). |datagrams|: a connected UDP socket, up at once. Small writes leave at once
 * (TCP_NODELAY). WLK_ERR_IO: errno tells why. WLK_ERR_INVALID: families differ.
 */
wlk_err tcp_connect(struct tcp_stream *s, const wlk_addr *local, const wlk_addr *remote, bool datagrams);
/* Whether it is up: WLK_OK with s->local, WLK_ERR_AGAIN: not yet, WLK_ERR_IO: refused, errno tells why. */
wlk_err tcp_finish_connect(struct tcp_stream *s);

/*
 * Listen at |local| (port 0: any, or one of port_min..port_max when these are not 0); *bound is where, transport TCP.
 * Answers the descriptor, or -1 and errno.
 */
int tcp_listen(const wlk_addr *local, uint16_t port_min, uint16_t port_max, wlk_addr *bound);

/* WLK_OK: *s is a connection. WLK_ERR_AGAIN: nobody waits. WLK_ERR_NOSPACE: no descriptor or memory is left (EMFILE). */
wlk_err tcp_accept(int listener, struct tcp_stream *s);

/* Whether less than TCP_QUEUE_MAX waits. Ask before a packet is queued: a part of a TLS record cannot be left out. */
static inline bool tcp_has_room(const struct tcp_stream *s)
{
	return s->out_bytes < TCP_QUEUE_MAX;
}
/* Queue |buf| for tcp_flush() and take it over. */
void tcp_queue(struct tcp_stream *s, struct pktbuf *buf);
/*
 * Send what is queued. WLK_OK: all of it. WLK_ERR_AGAIN: the socket is full, again when it is writable. WLK_ERR_IO: the
 * connection is broken.
 */
wlk_err tcp_flush(struct tcp_stream *s);
/* Up to |size| bytes, or one datagram. WLK_OK and *got > 0; WLK_ERR_AGAIN: nothing there; WLK_ERR_CLOSED: end or broken. */
wlk_err tcp_read(struct tcp_stream *s, uint8_t *data, size_t size, size_t *got);

/* Closes the socket and drops the queue. Closing twice does nothing. */
void tcp_close(struct tcp_stream *s);

#endif
