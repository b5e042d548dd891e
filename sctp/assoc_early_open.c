/*
 * Channels open when INIT ACK comes, a round trip before COOKIE ACK: the far end has agreed, its numbers of streams are
 * known, and messages may ride with COOKIE ECHO (RFC 9260 5.1). So that they do, INIT ACK waits here until the owner has
 * seen the events and said what it has to say; usrsctp answers with COOKIE ECHO the moment it gets it.
 */
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"

enum {
	OUTBOUND_STREAMS = PACKET_HEADER_SIZE + 12, /* RFC 9260 3.3.3 */
	INBOUND_STREAMS = PACKET_HEADER_SIZE + 14,
	LONGEST_WAIT_MS = 2, /* for an owner that looks at no events */
};

static uint16_t agreed_streams(const struct sctp_assoc *a, const uint8_t *init_ack)
{
	return MIN(a->streams, MIN(load_u16(init_ack + OUTBOUND_STREAMS), load_u16(init_ack + INBOUND_STREAMS)));
}

/* True when a channel opened: somebody may have something to say. */
static bool open_channels(struct sctp_assoc *a)
{
	bool any = false;

	list_for_each (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);

		/* One whose id is above the streams is closed when the association is up. */
		if (channel->state != SCTP_CHANNEL_CONNECTING || channel->id >= a->streams)
			continue;
		channel_open(channel);
		any = true;
	}
	return any;
}

bool assoc_hold_init_ack(struct sctp_assoc *a, const uint8_t *packet, size_t size)
{
	if (packet_first_chunk(packet, size) != CHUNK_INIT_ACK || a->state != SCTP_ASSOC_CONNECTING || a->closing)
		return false;
	if (a->init_ack)
		return true; /* it came twice */
	if (a->agreed)
		return false; /* usrsctp has one and drops the others */
	a->agreed = true;
	a->streams = agreed_streams(a, packet);
	if (!open_channels(a))
		return false;
	a->init_ack = wlk_malloc(size);
	if (!a->init_ack)
		return false; /* the first messages wait for COOKIE ACK then */
	memcpy(a->init_ack, packet, size);
	a->init_ack_size = size;
	a->init_ack_due = a->now + LONGEST_WAIT_MS * MILLISECOND;
	return true;
}

uint8_t *assoc_take_init_ack(struct sctp_assoc *a, size_t *size)
{
	uint8_t *packet = a->init_ack;

	*size = a->init_ack_size;
	a->init_ack = NULL;
	return packet;
}

wlk_time assoc_init_ack_due(const struct sctp_assoc *a)
{
	return a->init_ack ? a->init_ack_due : WLK_TIME_NEVER;
}
