/* Receiving: one system call for many messages, each of them one datagram or a run that the kernel glued together. */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "net/clock.h"
#include "net/udp.h"

enum {
	COPY_BELOW = 8, /* runs of fewer datagrams are copied instead of sliced */
	ERRORS_MAX = 8, /* pending errors (ICMP) that one receive steps over */
	CLOCK_TRIES = 3,
	CLOCK_GAP_US = 50,       /* two readings further apart than this were interrupted */
	ARRIVAL_MAX_US = 1000000 /* what claims to have waited longer tells of a wall clock that was set */
};

void udp_rx_init(struct udp_rx *rx, struct pktbuf_pool *pool, struct udp_stats *stats)
{
	memset(rx, 0, sizeof(*rx));
	rx->pool = pool;
	rx->stats = stats;
}

void udp_rx_free(struct udp_rx *rx)
{
	for (size_t i = 0; i < UDP_RX_MESSAGES; i++) {
		pktbuf_release(rx->head[i]);
		pktbuf_release(rx->slab[i]);
		rx->head[i] = NULL;
		rx->slab[i] = NULL;
	}
	rx->count = 0;
}

static bool prepare_message(struct udp_rx *rx, size_t i, bool gro)
{
	struct msghdr *msg = &rx->messages[i].msg_hdr;

	if (!rx->head[i])
		rx->head[i] = pktbuf_alloc(rx->pool, PKTBUF_PAYLOAD);
	if (gro && !rx->slab[i])
		rx->slab[i] = pktbuf_alloc(rx->pool, PKTBUF_SLAB);
	if (!rx->head[i] || (gro && !rx->slab[i]))
		return false;
	rx->pieces[i][0] = (struct iovec){ .iov_base = rx->head[i]->data, .iov_len = PKTBUF_PAYLOAD };
	if (gro)
		rx->pieces[i][1] = (struct iovec){ .iov_base = rx->slab[i]->data + PKTBUF_PAYLOAD,
						   .iov_len = PKTBUF_SLAB - PKTBUF_PAYLOAD };
	*msg = (struct msghdr){ .msg_name = &rx->names[i],
				.msg_namelen = sizeof(rx->names[i]),
				.msg_iov = rx->pieces[i],
				.msg_iovlen = gro ? 2 : 1,
				.msg_control = rx->control[i],
				.msg_controllen = sizeof(rx->control[i]) };
	return true;
}

/* Without memory the socket is emptied all the same: its event is level-triggered. */
static void discard_one(struct udp_rx *rx, const struct udp_socket *s)
{
	uint8_t byte;

	if (recv(s->fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		rx->stats->rx_nomem++;
}

/* Give the slab of a sliced run away to its slices; keep the blocks of a copied one for the next message. */
static void end_message(struct udp_rx *rx)
{
	struct pktbuf **place = rx->run == rx->head[rx->at] ? &rx->head[rx->at] : &rx->slab[rx->at];

	if (rx->run && rx->slices) {
		pktbuf_release(*place);
		*place = NULL;
	}
	rx->run = NULL;
	rx->offset = 0;
	rx->at++;
}

/* The kernel stamps by the wall clock; everything else here goes by the monotonic one. */
static void read_clocks(struct udp_rx *rx)
{
	wlk_time before, after;

	for (int tries = 0; tries < CLOCK_TRIES; tries++) {
		before = clock_monotonic();
		rx->clock_ahead = clock_unix() - before;
		after = rx->received = clock_monotonic();
		if (after - before < CLOCK_GAP_US)
			return;
	}
}

bool udp_rx_receive(struct udp_rx *rx, struct udp_socket *s)
{
	unsigned ready = 0;
	int count = -1;

	if (rx->run)
		end_message(rx);
	rx->count = rx->at = 0;
	while (ready < UDP_RX_MESSAGES && prepare_message(rx, ready, s->gro))
		ready++;
	if (!ready) {
		discard_one(rx, s);
		return false;
	}
	for (int tries = 0; tries < ERRORS_MAX && count < 0; tries++) {
		count = recvmmsg(s->fd, rx->messages, ready, MSG_DONTWAIT, NULL);
		if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		if (count < 0 && errno != EINTR)
			rx->stats->rx_errors++;
	}
	rx->count = count > 0 ? (size_t)count : 0;
	rx->local = s->local;
	read_clocks(rx);
	return rx->count > 0;
}

/* The size of the datagrams in a run, by the UDP_GRO control message; 0 when the message is a single one. */
static size_t segment_size(struct msghdr *msg)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		int size;

		if (cmsg->cmsg_level != IPPROTO_UDP || cmsg->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
		return size > 0 ? (size_t)size : 0;
	}
	return 0;
}

/* When the kernel took the message in, by SCM_TIMESTAMPNS; 0 when it does not say or cannot be right. */
static wlk_time arrival_time(const struct udp_rx *rx, struct msghdr *msg)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		struct timespec ts;
		wlk_time arrival;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
		arrival = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - rx->clock_ahead;
		return arrival > 0 && rx->received - arrival <= ARRIVAL_MAX_US ? MIN(arrival, rx->received) : 0;
	}
	return 0;
}

/* Bring a run together in one block: behind the first 2,048 bytes it continues in the slab. */
static struct pktbuf *join(struct udp_rx *rx, size_t size)
{
	struct pktbuf *block = rx->head[rx->at];

	if (size > PKTBUF_PAYLOAD) {
		block = rx->slab[rx->at];
		memcpy(block->data, rx->head[rx->at]->data, PKTBUF_PAYLOAD);
	}
	block->size = size;
	return block;
}

/* Look at message |at|; false: there is nothing to hand out of it. */
static bool begin_message(struct udp_rx *rx)
{
	struct msghdr *msg = &rx->messages[rx->at].msg_hdr;
	size_t size = rx->messages[rx->at].msg_len;

	rx->stats->rx_messages++;
	rx->segment = segment_size(msg);
	rx->arrival = arrival_time(rx, msg);
	if (!rx->segment || rx->segment > size)
		rx->segment = size;
	if (msg->msg_flags & MSG_TRUNC) {
		rx->stats->rx_truncated++;
		return false;
	}
	if (!size) {
		rx->stats->rx_empty++;
		return false;
	}
	if (rx->segment == size && size > PKTBUF_PAYLOAD) {
		rx->stats->rx_oversize++;
		return false;
	}
	rx->remote = sockaddr_to(&rx->names[rx->at].sa);
	rx->run = join(rx, size);
	rx->slices = size > (COPY_BELOW - 1) * rx->segment;
	return true;
}

/* The buffer of the datagram at |offset|; NULL when it is dropped. */
static struct pktbuf *cut(struct udp_rx *rx, size_t size)
{
	struct pktbuf *buf;

	if (size > PKTBUF_PAYLOAD) {
		rx->stats->rx_oversize++;
		return NULL;
	}
	if (size == rx->run->size) {
		buf = rx->run;
		rx->head[rx->at] = NULL;
		return buf;
	}
	buf = rx->slices ? pktbuf_slice(rx->run, rx->offset, size)
			 : pktbuf_copy(rx->pool, rx->run->data + rx->offset, size);
	if (!buf)
		rx->stats->rx_nomem++;
	return buf;
}

bool udp_rx_next(struct udp_rx *rx, struct dgram *out)
{
	struct pktbuf *buf = NULL;

	while (!buf && rx->at < rx->count) {
		size_t size, total;

		if (!rx->run && !begin_message(rx)) {
			end_message(rx);
			continue;
		}
		total = rx->run->size;
		size = MIN(rx->segment, total - rx->offset);
		*out = (struct dgram){ .local = rx->local, .remote = rx->remote };
		out->buf = buf = cut(rx, size);
		rx->offset += size;
		if (rx->offset == total)
			end_message(rx);
	}
	if (!buf)
		return false;
	buf->arrival = rx->arrival;
	rx->stats->rx_datagrams++;
	rx->stats->rx_bytes += buf->size;
	return true;
}
