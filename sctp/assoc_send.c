/*
 * From the channels' queues into usrsctp. Channels take turns, a message each: a message that was begun must be
 * finished before another stream is served. I-DATA (RFC 8260), which would let them take turns piece by piece, is not
 * used: this version loses and reorders messages when I-FORWARD-TSN comes into play.
 */
#include <errno.h>
#include <usrsctp.h>

#include "core/alloc.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"

enum { BUFFER_CHECK_MS = 10, WINDOW_MS = 100, RTT_MIN_US = 1000 };

/* Only user messages may be given up or reordered (RFC 8832 6: ordered until the other side answered the OPEN). */
static void fill_info(const struct sctp_channel *channel, uint32_t ppid, bool end, struct sctp_sendv_spa *info)
{
	memset(info, 0, sizeof(*info));
	info->sendv_flags = SCTP_SEND_SNDINFO_VALID;
	info->sendv_sndinfo.snd_sid = (uint16_t)channel->id;
	info->sendv_sndinfo.snd_ppid = htonl(ppid);
	info->sendv_sndinfo.snd_flags = end ? SCTP_EOR : 0;
	if (ppid == PPID_DCEP)
		return;
	if (!channel->ordered && channel->acked)
		info->sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
	if (channel->max_retransmits >= 0) {
		info->sendv_flags |= SCTP_SEND_PRINFO_VALID;
		info->sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
		info->sendv_prinfo.pr_value = (uint32_t)channel->max_retransmits;
	} else if (channel->max_lifetime_ms >= 0) {
		info->sendv_flags |= SCTP_SEND_PRINFO_VALID;
		info->sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
		info->sendv_prinfo.pr_value = (uint32_t)channel->max_lifetime_ms;
	}
}

size_t assoc_hand_over(struct sctp_channel *channel, uint32_t ppid, bool end, const uint8_t *data, size_t size)
{
	struct sctp_assoc *a = channel->assoc;
	struct sctp_sendv_spa info;
	size_t taken = 0;

	while (taken < size) {
		size_t piece = MIN(size - taken, (size_t)TX_HAND_OVER_MAX);

		fill_info(channel, ppid, end && taken + piece == size, &info);
		ssize_t n =
			usrsctp_sendv(a->socket, data + taken, piece, NULL, 0, &info, sizeof(info), SCTP_SENDV_SPA, 0);

		if (n <= 0)
			break;
		taken += (size_t)n;
		if ((size_t)n < piece)
			break;
	}
	if (!taken)
		return 0;
	assoc_mark_active(a);
	channel->mid_message = taken < size || !end;
	a->locked = channel->mid_message ? channel : NULL;
	return taken;
}

bool assoc_may_send(const struct sctp_channel *channel)
{
	const struct sctp_assoc *a = channel->assoc;

	if (!a->socket || a->shutdown_sent || channel->id < 0 || channel->reset_asked)
		return false;
	if (a->locked && a->locked != channel)
		return false;
	return !a->slots[channel->id].resetting;
}

void assoc_queue(struct sctp_channel *channel, struct tx_message *message)
{
	message->next = NULL;
	if (channel->tx_last)
		channel->tx_last->next = message;
	else
		channel->tx_first = message;
	channel->tx_last = message;
	if (list_empty(&channel->ready))
		list_push_back(&channel->assoc->ready, &channel->ready);
	channel->assoc->dirty = true;
}

static void free_tx(struct sctp_assoc *a, struct tx_message *message)
{
	assoc_uncharge(a, sizeof(*message) + message->size);
	wlk_free(message);
}

/* What is dropped goes on to count as buffered: the amount stays when a channel closes (W3C webrtc-pc 6.2). */
static void drop_from(struct sctp_channel *channel, struct tx_message **at)
{
	struct tx_message *message;

	while ((message = *at)) {
		*at = message->next;
		free_tx(channel->assoc, message);
	}
}

void assoc_drop_tx(struct sctp_channel *channel)
{
	drop_from(channel, &channel->tx_first);
	channel->tx_last = NULL;
	list_remove(&channel->ready);
}

void assoc_drop_unsent(struct sctp_channel *channel)
{
	struct tx_message *begun = channel->tx_first;

	if (!channel->mid_message || !begun) {
		assoc_drop_tx(channel);
		return;
	}
	begun->end = true;
	drop_from(channel, &begun->next);
	channel->tx_last = begun;
	if (list_empty(&channel->ready))
		list_push_back(&channel->assoc->ready, &channel->ready);
}

/* The last byte of an unfinished message stays, so that an empty last piece has something to end. */
static size_t may_leave(const struct tx_message *message)
{
	size_t left = message->size - message->sent;

	return !message->end && !message->next && left ? left - 1 : left;
}

static void announce_room(struct sctp_channel *channel)
{
	if (channel->want_writable && channel->buffered <= channel->high_water / 2) {
		channel->want_writable = false;
		assoc_post(channel, SCTP_EV_WRITABLE);
	}
}

static void pop_tx(struct sctp_channel *channel)
{
	struct tx_message *message = channel->tx_first;

	channel->tx_first = message->next;
	if (!channel->tx_first) {
		channel->tx_last = NULL;
		list_remove(&channel->ready);
	}
	free_tx(channel->assoc, message);
}

/* Hand over what is first in the queue of |channel|. True when usrsctp took all that may leave. */
static bool feed_channel(struct sctp_channel *channel)
{
	struct tx_message *message = channel->tx_first;
	size_t size = may_leave(message);
	bool whole = message->sent + size == message->size;
	size_t taken_payload;
	size_t taken =
		assoc_hand_over(channel, message->ppid, message->end && whole, message->data + message->sent, size);

	message->sent += taken;
	taken_payload = MIN(taken, message->payload);
	channel->buffered -= taken_payload;
	message->payload -= taken_payload;
	assoc_count_handed(channel, taken_payload);
	if (message->sent == message->size)
		pop_tx(channel);
	else if (taken == size)
		list_remove(&channel->ready); /* until the next piece comes */
	announce_room(channel);
	return taken == size;
}

static void wake_budget_waiters(struct sctp_assoc *a)
{
	if (!a->budget_waiters)
		return;
	a->budget_waiters = false;
	list_for_each (item, &a->channels)
		announce_room(list_entry(item, struct sctp_channel, all));
}

/*
 * usrsctp's send buffer is full. Let it hold three congestion windows, within R30 and the budget: what is in flight,
 * what a batch of SACKs sets free before we come to fill up again, and as much for growth. More only moves the queue to
 * where it cannot be counted by channel; with less it runs dry and usrsctp cuts the window.
 */
static void grow_send(struct sctp_assoc *a)
{
	struct sctp_assoc_stats status;
	size_t want;
	int size;

	if (a->send_buffer >= BUFFER_MAX || a->now - a->send_checked_at < BUFFER_CHECK_MS * MILLISECOND)
		return;
	a->send_checked_at = a->now;
	if (!assoc_status(a, &status) || status.cwnd <= a->send_buffer / 3)
		return;
	want = MIN(2 * a->send_buffer, (size_t)BUFFER_MAX);
	if (!assoc_charge(a, want - a->send_buffer, BUDGET_GROW))
		return;
	size = (int)want;
	if (usrsctp_setsockopt(a->socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) {
		assoc_uncharge(a, want - a->send_buffer);
		return;
	}
	a->send_buffer = want;
	LOG_D(a, "send buffer %zu bytes (cwnd %u)", want, status.cwnd);
}

/*
 * The same for what we announce: four times what arrives in one round trip, for a burst waits here until it is read,
 * and usrsctp counts its own overhead for each chunk.
 */
void assoc_grow_receive(struct sctp_assoc *a, size_t bytes)
{
	struct sctp_assoc_stats status;
	uint64_t want;
	int size;

	a->receive_window_bytes += bytes;
	wlk_time passed = a->now - a->receive_window_at;

	if (passed < WINDOW_MS * MILLISECOND)
		return;
	bytes = a->receive_window_bytes;
	a->receive_window_bytes = 0;
	a->receive_window_at = a->now;
	if (a->receive_buffer >= BUFFER_MAX || bytes < a->receive_buffer / 4 || !assoc_status(a, &status))
		return;
	want = 4 * (uint64_t)bytes * MAX(status.srtt_us, (uint32_t)RTT_MIN_US) / (uint64_t)passed;
	if (want <= a->receive_buffer)
		return;
	want = MIN(2 * a->receive_buffer, (size_t)BUFFER_MAX);
	if (!assoc_charge(a, (size_t)want - a->receive_buffer, BUDGET_GROW))
		return;
	size = (int)want;
	if (usrsctp_setsockopt(a->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) != 0) {
		assoc_uncharge(a, (size_t)want - a->receive_buffer);
		return;
	}
	a->receive_buffer = (size_t)want;
	LOG_D(a, "receive buffer %zu bytes (%zu bytes in %lld us)", a->receive_buffer, bytes, (long long)passed);
}

/* The channel whose turn it is; NULL when none may send. */
static struct sctp_channel *next_ready(struct sctp_assoc *a)
{
	if (a->locked)
		return list_empty(&a->locked->ready) || !assoc_may_send(a->locked) ? NULL : a->locked;
	list_for_each (item, &a->ready) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, ready);

		if (assoc_may_send(channel))
			return channel;
	}
	return NULL;
}

void assoc_feed(struct sctp_assoc *a)
{
	struct sctp_channel *channel;
	bool moved = false;

	while (a->socket && (channel = next_ready(a))) {
		if (!feed_channel(channel)) {
			grow_send(a);
			break;
		}
		moved = true;
		if (!list_empty(&channel->ready)) { /* to the end of the line */
			list_remove(&channel->ready);
			list_push_back(&a->ready, &channel->ready);
		}
	}
	if (moved)
		wake_budget_waiters(a);
}
