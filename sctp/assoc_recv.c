/* Out of usrsctp into the channels: messages, DCEP and the notices about the association and its streams. */
#include <errno.h>
#include <usrsctp.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"
#include "sctp/unordered.h"

/* A message above this share of the read block keeps the block; a smaller one is copied. */
enum { KEEP_BLOCK_SHARE = 8 };

void assoc_free_rx(struct sctp_assoc *a, struct rx_message *message)
{
	if (!message)
		return;
	assoc_uncharge(a, message->capacity);
	if (!a->rx_block && message->capacity == RX_BLOCK_SIZE)
		a->rx_block = message; /* the next read needs none */
	else
		wlk_free(message);
}

static void drop_assembly(struct sctp_channel *channel)
{
	assoc_free_rx(channel->assoc, channel->assembly.message);
	channel->assembly = (struct assembly){ 0 };
}

void assoc_drop_incomplete(struct sctp_channel *channel)
{
	drop_assembly(channel);
	unordered_drop(channel);
}

static struct rx_message *new_rx(size_t capacity)
{
	struct rx_message *message = wlk_malloc(sizeof(*message) + capacity);

	if (!message)
		return NULL;
	*message = (struct rx_message){ .capacity = capacity };
	return message;
}

struct rx_message *assoc_take_block(struct sctp_assoc *a, size_t size)
{
	bool keep = size >= RX_BLOCK_SIZE / KEEP_BLOCK_SHARE;
	size_t capacity = keep ? RX_BLOCK_SIZE : size;
	struct rx_message *message;

	if (!assoc_charge(a, capacity, BUDGET_RECEIVE))
		return NULL;
	if (keep) {
		message = a->rx_block;
		a->rx_block = NULL;
	} else {
		message = new_rx(size);
		if (!message) {
			assoc_uncharge(a, capacity);
			return NULL;
		}
		memcpy(message->data, a->rx_block->data, size);
	}
	message->next = NULL;
	message->size = size;
	return message;
}

bool assoc_extend_rx(struct sctp_assoc *a, struct rx_message **at, const uint8_t *data, size_t size)
{
	struct rx_message *message = *at;
	size_t need = message->size + size;

	if (need > message->capacity) {
		size_t capacity = MAX(2 * message->capacity, need);

		if (!assoc_charge(a, capacity - message->capacity, BUDGET_RECEIVE))
			return false;
		struct rx_message *larger = wlk_realloc(message, sizeof(*message) + capacity);

		if (!larger) {
			assoc_uncharge(a, capacity - message->capacity);
			return false;
		}
		larger->capacity = capacity;
		*at = message = larger;
	}
	memcpy(message->data + message->size, data, size);
	message->size = need;
	return true;
}

static bool is_string(uint32_t ppid)
{
	return ppid == PPID_STRING || ppid == PPID_STRING_PARTIAL || ppid == PPID_STRING_EMPTY;
}

static bool is_user_ppid(uint32_t ppid)
{
	return ppid >= PPID_STRING && ppid <= PPID_BINARY_EMPTY && ppid != 55;
}

static bool is_partial(uint32_t ppid)
{
	return ppid == PPID_STRING_PARTIAL || ppid == PPID_BINARY_PARTIAL;
}

static bool is_empty(uint32_t ppid)
{
	return ppid == PPID_STRING_EMPTY || ppid == PPID_BINARY_EMPTY;
}

void assoc_deliver(struct sctp_channel *channel, struct rx_message *message, uint32_t ppid)
{
	struct sctp_assoc *a = channel->assoc;

	message->type = is_string(ppid) ? SCTP_MESSAGE_STRING : SCTP_MESSAGE_BINARY;
	message->next = NULL;
	if (message->end)
		channel->stats.messages_received++;
	channel->stats.bytes_received += message->size;
	if (channel->orphan) {
		assoc_free_rx(a, message);
		return;
	}
	if (channel->rx_last)
		channel->rx_last->next = message;
	else
		channel->rx_first = message;
	channel->rx_last = message;
	a->rx_waiting += message->capacity;
	if (!channel->told_message) {
		channel->told_message = true;
		assoc_post(channel, SCTP_EV_MESSAGE);
	}
}

/* R30: no message above what we announced, however it arrives. */
static void refuse_message(struct sctp_channel *channel, bool end)
{
	channel->assoc->stats.messages_refused++;
	drop_assembly(channel);
	channel->assembly.discard = !end;
	channel_fail(channel, WLK_ERR_TOO_LARGE);
}

/* One piece of an ordered message of |channel|, in the read block. */
static void on_data(struct sctp_channel *channel, uint32_t ppid, uint16_t ssn, bool end, size_t size)
{
	struct sctp_assoc *a = channel->assoc;
	struct assembly *assembly = &channel->assembly;
	struct rx_message *message = assembly->message;
	size_t gathered = message ? message->size : 0;

	if (assembly->discard) {
		assembly->discard = !end;
		return;
	}
	if (!channel->streamed && gathered + size > a->config.max_message_size) {
		refuse_message(channel, end);
		return;
	}
	if (!message)
		message = assoc_take_block(a, size);
	else if (assoc_extend_rx(a, &assembly->message, a->rx_block->data, size))
		message = assembly->message;
	else
		message = NULL;
	if (!message) {
		assoc_shut(a, SCTP_CAUSE_MEMORY, 0);
		return;
	}
	message->end = end;
	if (!end && !channel->streamed) {
		assembly->message = message;
		assembly->ssn = ssn;
		return;
	}
	assembly->message = NULL;
	assoc_deliver(channel, message, ppid);
}

/* ---- DCEP ---- */

static void refill_tokens(struct sctp_assoc *a)
{
	wlk_time per_token = SECOND / OPEN_BUCKET_RATE;
	wlk_time passed = a->now - a->open_refill_at;

	if (passed < per_token)
		return;
	a->open_tokens = (uint32_t)MIN((wlk_time)OPEN_BUCKET_SIZE, (wlk_time)a->open_tokens + passed / per_token);
	a->open_refill_at += passed / per_token * per_token;
}

wlk_time assoc_open_due(const struct sctp_assoc *a)
{
	return a->held_open ? a->open_refill_at + SECOND / OPEN_BUCKET_RATE : WLK_TIME_NEVER;
}

static void config_of_open(struct sctp_channel_config *config, const struct dcep_open *open, uint16_t id)
{
	uint8_t kind = open->channel_type & 0x7f;
	int32_t limit = (int32_t)MIN(open->reliability, (uint32_t)UINT16_MAX);

	sctp_channel_config_init(config);
	config->label = (const char *)open->label.data;
	config->label_size = open->label.size;
	config->protocol = (const char *)open->protocol.data;
	config->protocol_size = open->protocol.size;
	config->ordered = !(open->channel_type & DCEP_UNORDERED);
	config->priority = open->priority;
	config->id = id;
	if (kind == DCEP_PARTIAL_RELIABLE_REXMIT)
		config->max_retransmits = limit;
	else if (kind == DCEP_PARTIAL_RELIABLE_TIMED)
		config->max_lifetime_ms = limit;
}

/*
 * Whether the other side may open |id| now: its parity (RFC 8832 6) and nobody there. A channel that both sides
 * reset, of which only usrsctp's notice about our half is missing, has left already: the other side saw it (R32).
 */
static bool may_open(struct sctp_assoc *a, uint16_t id)
{
	bool their_parity = (id % 2 == 0) != a->dtls_client;
	struct sctp_channel *channel = sctp_assoc_channel(a, id);

	if (!their_parity || id >= a->streams)
		return false;
	if (!channel)
		return true;
	if (!channel->in_reset || !channel->reset_asked)
		return false;
	assoc_channel_closed(channel);
	return true;
}

/* Without memory for it the association ends: the other side would wait for the ACK of its OPEN for ever. */
static void accept_open(struct sctp_assoc *a, uint16_t id, const uint8_t *data, size_t size)
{
	static const uint8_t ack = DCEP_TYPE_ACK;
	struct sctp_channel_config config;
	struct sctp_channel *channel;
	struct stream_slot *slot;
	struct dcep_open open;

	if (dcep_open_parse(&open, data, size) != WLK_OK || a->closing || !may_open(a, id)) {
		a->stats.dcep_refused++;
		LOG_RATED(a, &a->log_budget, a->now, LOG_LEVEL_DEBUG, "OPEN of stream %u refused", id);
		return;
	}
	config_of_open(&config, &open, id);
	slot = assoc_slot(a, id);
	channel = slot ? channel_new(a, &config) : NULL;
	if (!channel) {
		assoc_shut(a, SCTP_CAUSE_MEMORY, 0);
		return;
	}
	channel->acked = true;
	channel->id = id;
	slot->channel = channel;
	a->stats.channels_accepted++;
	assoc_post(channel, SCTP_EV_CHANNEL_NEW);
	if (channel_queue_dcep(channel, &ack, sizeof(ack)) != WLK_OK) {
		channel_fail(channel, WLK_ERR_NOMEM);
		return;
	}
	channel_open(channel);
}

/* R31: above the bucket an OPEN waits, and everything behind it in usrsctp's buffer with it. */
static void on_open(struct sctp_assoc *a, uint16_t id, size_t size)
{
	refill_tokens(a);
	if (a->open_tokens) {
		a->open_tokens--;
		accept_open(a, id, a->rx_block->data, size);
		return;
	}
	a->held_open = assoc_take_block(a, size);
	a->held_open_id = id;
	if (!a->held_open)
		assoc_shut(a, SCTP_CAUSE_MEMORY, 0);
}

static bool release_held_open(struct sctp_assoc *a)
{
	struct rx_message *held = a->held_open;

	if (!held)
		return true;
	refill_tokens(a);
	if (!a->open_tokens)
		return false;
	a->open_tokens--;
	a->held_open = NULL;
	accept_open(a, a->held_open_id, held->data, held->size);
	assoc_free_rx(a, held);
	return a->socket;
}

static void on_dcep(struct sctp_assoc *a, uint16_t id, bool end, size_t size)
{
	const uint8_t *data = a->rx_block->data;
	struct sctp_channel *channel = sctp_assoc_channel(a, id);

	if (end && dcep_is_open(data, size)) {
		on_open(a, id, size);
	} else if (end && dcep_is_ack(data, size) && channel) {
		channel->acked = true;
	} else {
		a->stats.dcep_refused++;
	}
}

/* ---- ordered messages that the sender gives up (RFC 3758) after usrsctp began to hand them out ---- */

/* SCTP_PARTIAL_DELIVERY_EVENT as usrsctp writes it: in its public header stream and sequence number are wider. */
struct pdapi_notice {
	uint16_t type;
	uint16_t flags;
	uint32_t size;
	uint32_t indication;
	uint16_t id;
	uint16_t ssn;
	sctp_assoc_t assoc_id;
};

static bool is_abort(const struct pdapi_notice *notice, size_t size)
{
	return size == sizeof(*notice) && notice->size == size && notice->type == SCTP_PARTIAL_DELIVERY_EVENT &&
	       notice->indication == SCTP_PARTIAL_DELIVERY_ABORTED;
}

/*
 * Whether the message that just ended is only the front of one: usrsctp ends what it did not hand out before with
 * MSG_EOR, and the notice that tells comes right behind. A message in one chunk is always whole.
 */
static bool abort_follows(const struct sctp_channel *channel, uint16_t ssn, size_t size)
{
	struct sctp_assoc *a = channel->assoc;
	bool never_given_up = channel->max_retransmits < 0 && channel->max_lifetime_ms < 0;
	struct pdapi_notice notice;
	struct sctp_rcvinfo info;
	socklen_t info_size = sizeof(info);
	unsigned int info_type = 0;
	int flags = MSG_PEEK;

	if (never_given_up || (!channel->assembly.message && size <= a->mtu))
		return false;
	ssize_t n = usrsctp_recvv(a->socket, &notice, sizeof(notice), NULL, NULL, &info, &info_size, &info_type, &flags);

	return n > 0 && flags & MSG_NOTIFICATION && is_abort(&notice, (size_t)n) && notice.id == channel->id &&
	       notice.ssn == ssn;
}

static void on_abort(struct sctp_assoc *a, const struct pdapi_notice *notice)
{
	struct sctp_channel *channel = sctp_assoc_channel(a, notice->id);

	if (channel && channel->assembly.message && channel->assembly.ssn == notice->ssn)
		drop_assembly(channel);
}

static void refuse(struct sctp_assoc *a, uint16_t id, uint32_t ppid, size_t size)
{
	a->stats.messages_refused++;
	LOG_RATED(a, &a->log_budget, a->now, LOG_LEVEL_DEBUG, "message of %zu bytes on stream %u, PPID %u refused",
		  size, id, ppid);
}

static void on_message(struct sctp_assoc *a, const struct sctp_rcvinfo *info, bool end, size_t size)
{
	bool unordered = (info->rcv_flags & SCTP_UNORDERED) != 0;
	struct unordered_fragment fragment = packet_shim_fragment(ntohl(info->rcv_ppid), info->rcv_tsn);
	uint32_t ppid = unordered ? fragment.ppid : ntohl(info->rcv_ppid);
	struct sctp_channel *channel = sctp_assoc_channel(a, info->rcv_sid);

	if (ppid == PPID_DCEP) {
		on_dcep(a, info->rcv_sid, end && !unordered, size);
		return;
	}
	if (!channel || channel->in_reset || !is_user_ppid(ppid) || (unordered && is_partial(ppid))) {
		refuse(a, info->rcv_sid, ppid, size);
		return;
	}
	channel->acked = true;
	if (is_empty(ppid))
		size = 0;
	if (unordered)
		unordered_on_fragment(channel, fragment, size);
	else if (end && abort_follows(channel, info->rcv_ssn, size))
		drop_assembly(channel);
	else
		on_data(channel, ppid, info->rcv_ssn, end && !is_partial(ppid), size);
}

/* ---- notices ---- */

static uint16_t first_cause(const struct sctp_assoc_change *change, size_t size)
{
	/* sac_info holds the ABORT chunk: its header, then the first cause. */
	return size >= sizeof(*change) + 8 ? load_u16(change->sac_info + 4) : 0;
}

static void on_up(struct sctp_assoc *a, const struct sctp_assoc_change *change)
{
	a->streams = MIN(a->streams, MIN(change->sac_outbound_streams, change->sac_inbound_streams));
	assoc_set_state(a, SCTP_ASSOC_CONNECTED, SCTP_CAUSE_NONE, 0);
	list_for_each_safe (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);

		if (channel->state == SCTP_CHANNEL_CLOSED)
			continue;
		if (channel->id >= a->streams) {
			channel->error = WLK_ERR_NOSPACE;
			assoc_post(channel, SCTP_EV_CHANNEL_ERROR);
			assoc_channel_closed(channel);
		} else {
			channel_open(channel);
		}
	}
}

static void on_assoc_change(struct sctp_assoc *a, const struct sctp_assoc_change *change, size_t size)
{
	bool aborted = size > sizeof(*change);

	switch (change->sac_state) {
	case SCTP_COMM_UP:
		on_up(a, change);
		break;
	case SCTP_RESTART:
		assoc_shut(a, SCTP_CAUSE_RESTART, 0);
		break;
	case SCTP_SHUTDOWN_COMP:
		assoc_shut(a, a->shutdown_sent ? SCTP_CAUSE_LOCAL : SCTP_CAUSE_PEER_CLOSED, 0);
		break;
	case SCTP_COMM_LOST:
	case SCTP_CANT_STR_ASSOC:
		assoc_shut(a, aborted ? SCTP_CAUSE_PEER_ABORT : SCTP_CAUSE_LOST, first_cause(change, size));
		break;
	default:
		break;
	}
}

static void on_stream_reset(struct sctp_assoc *a, const struct sctp_stream_reset_event *event, size_t size)
{
	size_t count = (size - sizeof(*event)) / sizeof(uint16_t);
	bool refused = event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED);

	/* An empty list means all streams. */
	for (size_t i = 0; i < (count ? count : a->slot_count) && a->socket; i++) {
		uint16_t id = count ? event->strreset_stream_list[i] : (uint16_t)i;

		if (event->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN)
			assoc_on_outgoing_reset(a, id, refused);
		if (event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN && !refused)
			assoc_on_incoming_reset(a, id);
	}
}

static void on_notice(struct sctp_assoc *a, size_t size)
{
	const void *data = a->rx_block->data;
	const union sctp_notification *notice = data;

	if (size < sizeof(notice->sn_header) || notice->sn_header.sn_length != size)
		return;
	if (notice->sn_header.sn_type == SCTP_ASSOC_CHANGE && size >= sizeof(notice->sn_assoc_change))
		on_assoc_change(a, &notice->sn_assoc_change, size);
	else if (notice->sn_header.sn_type == SCTP_STREAM_RESET_EVENT && size >= sizeof(notice->sn_strreset_event))
		on_stream_reset(a, &notice->sn_strreset_event, size);
	else if (is_abort(data, size))
		on_abort(a, data);
}

/*
 * usrsctp tells by a notice that the association ended. Without memory for the notice only the socket says it: by an
 * error once, and the end of the stream from then on.
 */
static bool is_end(ssize_t read)
{
	return read == 0 || errno == ECONNREFUSED || errno == ECONNRESET || errno == ECONNABORTED ||
	       errno == ETIMEDOUT || errno == ENOTCONN;
}

/* One read. False when there is nothing more. */
static bool read_one(struct sctp_assoc *a)
{
	struct sctp_rcvinfo info;
	socklen_t info_size = sizeof(info);
	unsigned int info_type = 0;
	int flags = 0;

	memset(&info, 0, sizeof(info));
	ssize_t n = usrsctp_recvv(a->socket, a->rx_block->data, RX_BLOCK_SIZE, NULL, NULL, &info, &info_size,
				  &info_type, &flags);

	if (n <= 0) {
		if (is_end(n))
			assoc_shut(a, SCTP_CAUSE_LOST, 0);
		return false;
	}
	if (flags & MSG_NOTIFICATION) {
		on_notice(a, (size_t)n);
		return true;
	}
	assoc_grow_receive(a, (size_t)n);
	if (info_type == SCTP_RECVV_RCVINFO && a->socket)
		on_message(a, &info, (flags & MSG_EOR) != 0, (size_t)n);
	return true;
}

/* Everything that arrived is read: what is incomplete and reaches below the last FORWARD-TSN stays so. */
static void abandon(struct sctp_assoc *a)
{
	if (!a->forwarded || a->readable)
		return;
	a->forwarded = false;
	list_for_each (item, &a->channels)
		unordered_abandon(list_entry(item, struct sctp_channel, all), a->forward_tsn);
}

void assoc_pull(struct sctp_assoc *a)
{
	while (a->socket && a->readable && a->rx_waiting < RX_WAITING_MAX && release_held_open(a)) {
		if (!a->rx_block)
			a->rx_block = new_rx(RX_BLOCK_SIZE);
		if (!a->rx_block)
			return; /* still readable: the next tick tries again */
		if (!read_one(a))
			a->readable = false;
	}
	abandon(a);
}
