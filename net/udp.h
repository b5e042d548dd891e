/* UDP sockets: opening, batched receiving (recvmmsg, UDP_GRO) and batched sending (sendmmsg, UDP_SEGMENT). */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <sys/socket.h>
#include <time.h>

#include "core/dgram_queue.h"
#include "net/sockaddr.h"

enum {
	UDP_BATCH = 64,             /* datagrams one flush takes from a queue */
	UDP_RX_MESSAGES = 16,       /* messages of one recvmmsg; with UDP_GRO each may hold up to 64 datagrams */
	UDP_SEGMENTS_MAX = 64,      /* what the kernel takes in one UDP_SEGMENT message */
	UDP_PAYLOAD_MAX = 65507,    /* bytes of one message: 65,535 less IPv4 and UDP header */
	UDP_SOCKET_BUFFER = 4 << 20 /* default buffers lose bursts in one's own socket */
};

/* Of the control messages of one received message: UDP_GRO and SCM_TIMESTAMPNS. */
#define UDP_CONTROL_SIZE (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct timespec)))

/* What happened on the sockets of a loop. */
struct udp_stats {
	uint64_t rx_datagrams;
	uint64_t rx_bytes;
	uint64_t rx_messages;  /* as the kernel delivered them: one may be a run of datagrams */
	uint64_t rx_oversize;  /* dropped: above PKTBUF_PAYLOAD after the split (R1) */
	uint64_t rx_truncated; /* dropped: the kernel set MSG_TRUNC (R1) */
	uint64_t rx_empty;     /* dropped: no payload */
	uint64_t rx_nomem;     /* dropped: no buffer */
	uint64_t rx_errors;    /* recvmmsg failed */
	uint64_t tx_datagrams;
	uint64_t tx_bytes;
	uint64_t tx_messages;
	uint64_t tx_dropped; /* the kernel refused them (ENOBUFS, EPERM, ENETUNREACH, ...), or no socket had their local
				address */
	uint64_t tx_again;   /* times a socket was full */
	uint64_t tx_gso_refused; /* sockets that fell back to one message a datagram */
};

struct udp_socket {
	int fd;
	wlk_addr local;         /* as bound: with the port that the kernel chose */
	bool gso;               /* send runs by UDP_SEGMENT until the kernel refuses it */
	bool gro;               /* receive runs by UDP_GRO */
	struct dgram_queue out; /* at most UDP_BATCH datagrams that wait for udp_flush() */
};

/*
 * Open a non-blocking socket bound to |local|. IPv6 sockets carry IPv6 only. For port 0 there are the ports |port_min| to
 * |port_max| to choose from, both 0: any; the search begins at a random one and takes the next that is free.
 * WLK_ERR_IO: the kernel refused (no descriptor left, address not ours, port taken, none free); errno tells why.
 */
wlk_err udp_open(struct udp_socket *s, const wlk_addr *local, uint16_t port_min, uint16_t port_max, bool no_gso);
/*
 * Open a socket on port 5353 of |local|'s family, shared with the other responders of this host, that is a member of
 * the mDNS group (RFC 6762 3) on |local|'s interface, where it sends and hears; when |local| is unspecified, on every multicast
 * interface, sending through the first. Its local address is |local| with port 5353, although it is bound to none: several
 * sockets are told apart by it. WLK_ERR_IO: no such interface, or the kernel refused.
 */
wlk_err udp_open_mdns(struct udp_socket *s, const wlk_addr *local);
/* Releases what still waits. */
void udp_close(struct udp_socket *s);

/*
 * Queue |d| for udp_flush(); takes d.buf over. False: the queue is full, or memory is out, and |d| is dropped.
 */
static inline bool udp_queue(struct udp_socket *s, struct dgram d)
{
	return dgram_queue_push(&s->out, d);
}

/*
 * Send what is queued, in order; runs of equal-sized datagrams to one address leave as one message.
 * False: the socket is full (EAGAIN); the rest stays queued, flush again when the socket is writable.
 * A datagram that the kernel refuses for another reason is dropped and counted.
 */
bool udp_flush(struct udp_socket *s, struct udp_stats *stats);

/*
 * The receive buffers of a loop, used for one socket after the other.
 *
 * Each message is scattered over a standard packet buffer of 2,048 bytes and, behind it, a slab for the rest of
 * 65,535 bytes (R1). A single datagram therefore is handed on where it arrived, without a copy. A run that outgrew its
 * packet buffer is joined in the slab: long runs are handed out as slices that keep the slab alive, short ones as
 * copies, so that a packet waiting in a jitter buffer does not pin 64 KiB.
 */
struct udp_rx {
	struct pktbuf_pool *pool;
	struct udp_stats *stats;
	struct pktbuf *head[UDP_RX_MESSAGES];
	struct pktbuf *slab[UDP_RX_MESSAGES];
	struct mmsghdr messages[UDP_RX_MESSAGES];
	struct iovec pieces[UDP_RX_MESSAGES][2];
	union sockaddr_any names[UDP_RX_MESSAGES];
	_Alignas(struct cmsghdr) uint8_t control[UDP_RX_MESSAGES][UDP_CONTROL_SIZE];

	/* where udp_rx_next() is */
	wlk_addr local;
	wlk_addr remote;
	size_t count;
	size_t at;
	size_t offset;
	size_t segment;
	wlk_time received;   /* when the last recvmmsg returned */
	int64_t clock_ahead; /* the wall clock less the monotonic one, at that moment */
	wlk_time arrival;    /* of the current message; 0: not known */
	struct pktbuf *run; /* the block that holds the current run; NULL: the message was not looked at yet */
	bool slices;
};

void udp_rx_init(struct udp_rx *rx, struct pktbuf_pool *pool, struct udp_stats *stats);
/* Before the pool goes. */
void udp_rx_free(struct udp_rx *rx);
/* One recvmmsg from |s|. False: nothing was there. What an earlier call received and nobody took is dropped. */
bool udp_rx_receive(struct udp_rx *rx, struct udp_socket *s);
/*
 * The next datagram of it; the caller owns its buffer, whose arrival is set where the kernel told it. False: no more.
 */
bool udp_rx_next(struct udp_rx *rx, struct dgram *out);

#endif
