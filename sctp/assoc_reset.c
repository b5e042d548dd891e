/*
 * Closing channels by stream resets (RFC 8831 6.7, RFC 6525). A channel is closed when both directions are reset; its
 * id is free again when usrsctp has also said that our own reset is done.
 */
#include <errno.h>
#include <usrsctp.h>

#include "core/alloc.h"
#include "sctp/assoc_internal.h"

enum { RESET_BATCH = 64 };

void assoc_want_reset(struct sctp_channel *channel)
{
	if (channel->want_reset || channel->out_reset)
		return;
	channel->want_reset = true;
	channel->assoc->resets_wanted++;
	channel->assoc->dirty = true;
}

static void unwant_reset(struct sctp_channel *channel)
{
	if (!channel->want_reset)
		return;
	channel->want_reset = false;
	channel->assoc->resets_wanted--;
}

static bool may_ask(const struct sctp_channel *channel)
{
	return channel->want_reset && !channel->tx_first && !channel->assoc->slots[channel->id].resetting;
}

static size_t collect(struct sctp_assoc *a, struct sctp_channel **batch)
{
	size_t count = 0;

	list_for_each (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);

		if (may_ask(channel))
			batch[count++] = channel;
		if (count == RESET_BATCH)
			break;
	}
	return count;
}

static void mark_asked(struct sctp_assoc *a, struct sctp_channel *channel)
{
	unwant_reset(channel);
	channel->reset_asked = true;
	a->slots[channel->id].resetting = true;
	a->resets_open++;
}

/* The other side knows no stream resets: the channels are closed, and their ids are never given out again. */
static void give_up(struct sctp_channel **batch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		batch[i]->assoc->slots[batch[i]->id].resetting = true;
		assoc_channel_closed(batch[i]);
	}
}

void assoc_send_resets(struct sctp_assoc *a)
{
	union {
		struct sctp_reset_streams request;
		uint8_t room[sizeof(struct sctp_reset_streams) + RESET_BATCH * sizeof(uint16_t)];
	} u;
	struct sctp_channel *batch[RESET_BATCH];
	size_t count;

	if (!a->resets_wanted || !a->socket || a->state != SCTP_ASSOC_CONNECTED)
		return;
	count = collect(a, batch);
	if (!count)
		return;
	memset(&u, 0, sizeof(u));
	u.request.srs_flags = SCTP_STREAM_RESET_OUTGOING;
	u.request.srs_number_streams = (uint16_t)count;
	for (size_t i = 0; i < count; i++)
		u.request.srs_stream_list[i] = (uint16_t)batch[i]->id;
	socklen_t size = (socklen_t)(sizeof(struct sctp_reset_streams) + count * sizeof(uint16_t));

	if (usrsctp_setsockopt(a->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, &u, size) == 0) {
		for (size_t i = 0; i < count; i++)
			mark_asked(a, batch[i]);
	} else if (errno != EALREADY && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
		LOG_W(a, "stream reset refused: errno %d", errno);
		give_up(batch, count);
	}
	/* Otherwise one is under way: its notice brings us back here. */
}

static void closed_when_both(struct sctp_channel *channel)
{
	if (channel->in_reset && channel->out_reset)
		assoc_channel_closed(channel);
}

void assoc_on_incoming_reset(struct sctp_assoc *a, uint16_t id)
{
	struct sctp_channel *channel = sctp_assoc_channel(a, id);

	if (!channel || channel->in_reset)
		return;
	channel->in_reset = true;
	assoc_drop_incomplete(channel); /* the rest will not come */
	if (channel->state != SCTP_CHANNEL_CLOSING) {
		assoc_drop_unsent(channel); /* nobody listens */
		assoc_post(channel, SCTP_EV_CHANNEL_CLOSING);
		channel_begin_close(channel);
	}
	closed_when_both(channel);
}

void assoc_on_outgoing_reset(struct sctp_assoc *a, uint16_t id, bool refused)
{
	struct stream_slot *slot = id < a->slot_count ? &a->slots[id] : NULL;

	if (!slot || !slot->resetting)
		return;
	slot->resetting = false;
	a->resets_open--;
	a->dirty = true; /* what waited for this notice may go on */
	struct sctp_channel *channel = slot->channel;

	if (!channel || !channel->reset_asked)
		return; /* the notice is about the channel that had the id before (R32) */
	channel->reset_asked = false;
	channel->out_reset = true;
	if (refused) {
		LOG_W(a, "channel %u: the other side refused the stream reset", id);
		channel->in_reset = true;
	}
	closed_when_both(channel);
}

void assoc_channel_closed(struct sctp_channel *channel)
{
	struct sctp_assoc *a = channel->assoc;

	if (channel->state == SCTP_CHANNEL_CLOSED)
		return;
	assoc_keep_handed(channel);
	LOG_D(a, "channel %d closed", (int)channel->id);
	channel->state = SCTP_CHANNEL_CLOSED;
	a->stats.channels_closed++;
	unwant_reset(channel);
	assoc_drop_tx(channel);
	assoc_drop_incomplete(channel);
	if (a->locked == channel)
		a->locked = NULL;
	if (channel->id >= 0 && sctp_assoc_channel(a, (uint16_t)channel->id) == channel)
		a->slots[channel->id].channel = NULL;
	if (channel->orphan)
		channel_free(channel);
	else
		assoc_post(channel, SCTP_EV_CHANNEL_CLOSED);
}
