/*
 * What has left: user data counts as buffered (W3C webrtc-pc 6.2 bufferedAmount) until the packet that carries it for the first
 * time goes out. usrsctp does not tell, so DATA chunks are read at the border.
 */
#include "core/bytes.h"
#include "core/seq.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"

enum { LONG_SILENCE_MS = 60000 };
enum { DATA_HEADER_SIZE = 16, DATA_TSN = 4, DATA_STREAM = 8, DATA_PPID = 12 };

void assoc_count_handed(struct sctp_channel *channel, size_t payload)
{
	channel->handed += payload;
	channel->assoc->handed += payload;
}

static void credit(struct sctp_channel *channel, size_t size)
{
	size_t before = sctp_channel_buffered_amount(channel);

	size = MIN(size, channel->handed);
	channel->handed -= size;
	channel->assoc->handed -= size;
	if (size && before > channel->buffered_low && before - size <= channel->buffered_low)
		assoc_post(channel, SCTP_EV_BUFFERED_LOW);
}

/* Neither DCEP nor the byte that stands for an empty message is the application's. */
static bool is_user_data(uint32_t ppid)
{
	return ppid == PPID_STRING || ppid == PPID_BINARY;
}

static void on_data(struct sctp_assoc *a, const uint8_t *chunk, size_t size)
{
	uint16_t id = load_u16(chunk + DATA_STREAM);
	bool repeated = a->flight.started && seq32_newer(a->flight.next_tsn, load_u32(chunk + DATA_TSN));

	if (!repeated && is_user_data(load_u32(chunk + DATA_PPID)) && id < a->slot_count && a->slots[id].channel)
		credit(a->slots[id].channel, size - DATA_HEADER_SIZE);
}

void assoc_on_left(struct sctp_assoc *a, const uint8_t *packet, size_t size)
{
	size_t at = PACKET_HEADER_SIZE;

	while (a->handed && at + DATA_HEADER_SIZE <= size) {
		size_t chunk_size = load_u16(packet + at + 2);

		if (packet[at] == CHUNK_DATA && chunk_size >= DATA_HEADER_SIZE)
			on_data(a, packet + at, chunk_size);
		at += MAX((chunk_size + 3) & ~(size_t)3, (size_t)4);
	}
}

void assoc_keep_handed(struct sctp_channel *channel)
{
	channel->assoc->handed -= channel->handed;
	channel->buffered += channel->handed;
	channel->handed = 0;
}

void assoc_settle_left(struct sctp_assoc *a)
{
	struct sctp_assoc_stats status;
	uint64_t in_flight;

	if (!a->handed || !a->flight.started)
		return;
	/*
	 * A silence longer than any retransmission timer says the same where the flight is not known, or hangs: usrsctp may wait for ever
	 * for the answer to a FORWARD-TSN that was lost.
	 */
	if ((!flight_size(&a->flight, &in_flight) || in_flight) && a->now - a->active_at < LONG_SILENCE_MS * MILLISECOND)
		return;
	if (!assoc_status(a, &status) || status.peer_rwnd < a->mtu)
		return;
	list_for_each (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);

		credit(channel, channel->handed);
	}
}
