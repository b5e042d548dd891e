/* Sending: a queue of datagrams becomes as few messages, and those as few system calls, as the kernel allows. */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "core/addr.h"
#include "net/udp.h"

struct tx_batch {
	size_t count;
	size_t runs[UDP_BATCH]; /* datagrams in each message */
	struct mmsghdr messages[UDP_BATCH];
	struct iovec pieces[UDP_BATCH];
	union sockaddr_any names[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CMSG_SPACE(sizeof(uint16_t))];
};

static const struct dgram *queued(const struct udp_socket *s, size_t position)
{
	size_t at = s->out.first + position;

	return &s->out.items[at < s->out.capacity ? at : at - s->out.capacity];
}

/* Datagrams from |first| on that may leave as one message: equal sizes, only the last may be shorter. */
static size_t run_length(const struct udp_socket *s, size_t first, size_t limit)
{
	const struct dgram *head = queued(s, first);
	size_t size = head->buf->size, total = size, n = 1;

	if (!s->gso || !size)
		return 1;
	while (first + n < limit && n < UDP_SEGMENTS_MAX) {
		const struct dgram *d = queued(s, first + n);

		if (!d->buf->size || d->buf->size > size || total + d->buf->size > UDP_PAYLOAD_MAX ||
		    !addr_equal(&d->remote, &head->remote))
			break;
		total += d->buf->size;
		n++;
		if (d->buf->size < size)
			break;
	}
	return n;
}

static void set_segment_size(struct msghdr *msg, uint8_t *control, uint16_t size)
{
	struct cmsghdr *cmsg;

	memset(control, 0, CMSG_SPACE(sizeof(size)));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(sizeof(size));
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = IPPROTO_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(cmsg), &size, sizeof(size));
}

static void build(struct tx_batch *batch, const struct udp_socket *s)
{
	size_t limit = MIN(s->out.count, (size_t)UDP_BATCH), at = 0;

	batch->count = 0;
	while (at < limit) {
		size_t run = run_length(s, at, limit), m = batch->count++;
		struct msghdr *msg = &batch->messages[m].msg_hdr;

		*msg = (struct msghdr){ .msg_name = &batch->names[m],
					.msg_iov = &batch->pieces[at],
					.msg_iovlen = run };
		msg->msg_namelen = sockaddr_from(&batch->names[m], &queued(s, at)->remote);
		if (run > 1)
			set_segment_size(msg, batch->control[m], (uint16_t)queued(s, at)->buf->size);
		for (size_t i = 0; i < run; i++) {
			const struct pktbuf *buf = queued(s, at + i)->buf;

			batch->pieces[at + i] = (struct iovec){ .iov_base = buf->data, .iov_len = buf->size };
		}
		batch->runs[m] = run;
		at += run;
	}
}

static void release_sent(struct udp_socket *s, size_t count, struct udp_stats *stats)
{
	struct dgram d;

	while (count-- && dgram_queue_pop(&s->out, &d)) {
		stats->tx_datagrams++;
		stats->tx_bytes += d.buf->size;
		pktbuf_release(d.buf);
	}
}

static void drop(struct udp_socket *s, size_t count, struct udp_stats *stats)
{
	struct dgram d;

	while (count-- && dgram_queue_pop(&s->out, &d)) {
		stats->tx_dropped++;
		pktbuf_release(d.buf);
	}
}

/* What the kernel says of UDP_SEGMENT on a device, tunnel or version that cannot do it, or of a segment above the path
 * MTU. */
static bool refuses_segments(int error)
{
	return error == EIO || error == EINVAL || error == ENOPROTOOPT || error == EOPNOTSUPP || error == EMSGSIZE;
}

/* Deal with the error of the first message; false: the socket is full. Every other way makes progress. */
static bool handle_error(struct udp_socket *s, const struct tx_batch *batch, int error, struct udp_stats *stats)
{
	if (error == EAGAIN || error == EWOULDBLOCK) {
		stats->tx_again++;
		return false;
	}
	if (error == EINTR)
		return true;
	if (batch->runs[0] > 1 && refuses_segments(error)) {
		s->gso = false;
		stats->tx_gso_refused++;
		return true;
	}
	drop(s, batch->runs[0], stats);
	return true;
}

bool udp_flush(struct udp_socket *s, struct udp_stats *stats)
{
	struct tx_batch batch;

	while (s->out.count) {
		int sent;

		build(&batch, s);
		sent = sendmmsg(s->fd, batch.messages, (unsigned)batch.count, MSG_NOSIGNAL);
		if (sent <= 0) {
			if (!handle_error(s, &batch, sent < 0 ? errno : EAGAIN, stats))
				return false;
			continue;
		}
		for (int i = 0; i < sent; i++)
			release_sent(s, batch.runs[i], stats);
		stats->tx_messages += (uint64_t)sent;
	}
	return true;
}
