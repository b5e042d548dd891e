#include "sctp/channel.h"

#include "core/alloc.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"

/* R31: beside its label and protocol. */
_Static_assert(sizeof(struct sctp_channel) <= 1024, "a channel takes at most 1 KB");

/* ---- making and freeing ---- */

static bool config_ok(const struct sctp_channel_config *config)
{
	if (config->label_size > SCTP_CHANNEL_LABEL_MAX || config->protocol_size > SCTP_CHANNEL_LABEL_MAX ||
	    config->high_water == 0)
		return false;
	if (config->max_retransmits > UINT16_MAX || config->max_lifetime_ms > UINT16_MAX ||
	    (config->max_retransmits >= 0 && config->max_lifetime_ms >= 0))
		return false;
	if (config->id == SCTP_CHANNEL_ID_AUTO)
		return !config->negotiated;
	return config->id >= 0 && config->id < UINT16_MAX;
}

static char *copy_texts(struct sctp_channel *channel, const struct sctp_channel_config *config)
{
	char *texts = wlk_calloc(1, config->label_size + config->protocol_size + 2);

	if (!texts)
		return NULL;
	if (config->label_size)
		memcpy(texts, config->label, config->label_size);
	channel->protocol = texts + config->label_size + 1;
	if (config->protocol_size)
		memcpy(channel->protocol, config->protocol, config->protocol_size);
	channel->label_size = config->label_size;
	channel->protocol_size = config->protocol_size;
	return texts;
}

struct sctp_channel *channel_new(struct sctp_assoc *a, const struct sctp_channel_config *config)
{
	struct sctp_channel *channel = wlk_calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->label = copy_texts(channel, config);
	if (!channel->label) {
		wlk_free(channel);
		return NULL;
	}
	channel->assoc = a;
	channel->id = SCTP_CHANNEL_ID_AUTO;
	channel->ordered = config->ordered;
	channel->negotiated = config->negotiated;
	channel->acked = config->negotiated;
	channel->priority = config->priority;
	channel->max_retransmits = config->max_retransmits;
	channel->max_lifetime_ms = config->max_lifetime_ms;
	channel->high_water = config->high_water;
	list_init(&channel->ready);
	list_init(&channel->eventful);
	list_push_back(&a->channels, &channel->all);
	return channel;
}

static void drop_rx(struct sctp_channel *channel)
{
	struct sctp_assoc *a = channel->assoc;
	struct rx_message *message;

	while ((message = channel->rx_first)) {
		channel->rx_first = message->next;
		a->rx_waiting -= message->capacity;
		assoc_free_rx(a, message);
	}
	channel->rx_last = NULL;
	assoc_free_rx(a, channel->lent);
	channel->lent = NULL;
}

void channel_free(struct sctp_channel *channel)
{
	drop_rx(channel);
	assoc_drop_tx(channel);
	assoc_keep_handed(channel);
	assoc_drop_incomplete(channel);
	list_remove(&channel->eventful);
	list_remove(&channel->all);
	wlk_free(channel->label);
	wlk_free(channel);
}

/* ---- ids ---- */

static bool id_is_free(const struct sctp_assoc *a, uint16_t id)
{
	return id >= a->slot_count || (!a->slots[id].channel && !a->slots[id].resetting);
}

/* Reserve |id| for |channel|. */
static wlk_err take_id(struct sctp_channel *channel, uint16_t id)
{
	struct stream_slot *slot = assoc_slot(channel->assoc, id);

	if (!slot)
		return WLK_ERR_NOMEM;
	slot->channel = channel;
	channel->id = id;
	return WLK_OK;
}

static wlk_err take_free_id(struct sctp_channel *channel)
{
	struct sctp_assoc *a = channel->assoc;

	for (uint32_t id = a->dtls_client ? 0 : 1; id < a->streams && id < UINT16_MAX; id += 2) {
		if (id_is_free(a, (uint16_t)id))
			return take_id(channel, (uint16_t)id);
	}
	return WLK_ERR_NOSPACE;
}

/* Whether a whole message waits that is larger than the far end says it takes. */
static bool waits_too_large(const struct sctp_channel *channel)
{
	bool begins = true; /* pieces of a message may come to any size */

	for (const struct tx_message *m = channel->tx_first; m; m = m->next) {
		if (begins && m->end && m->payload > channel->assoc->remote_max_message_size)
			return true;
		begins = m->end;
	}
	return false;
}

void channel_start_all(struct sctp_assoc *a)
{
	list_for_each_safe (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);
		wlk_err err = WLK_OK;

		if (channel->state == SCTP_CHANNEL_CLOSED)
			continue;
		if (waits_too_large(channel))
			err = WLK_ERR_TOO_LARGE;
		else if (channel->id < 0)
			err = take_free_id(channel);
		if (err) {
			channel->error = err;
			assoc_post(channel, SCTP_EV_CHANNEL_ERROR);
			assoc_channel_closed(channel);
		}
	}
}

/* ---- sending ---- */

static struct tx_message *new_tx(struct sctp_assoc *a, uint32_t ppid, size_t size)
{
	struct tx_message *message;

	if (!assoc_charge(a, sizeof(*message) + size, BUDGET_SEND))
		return NULL;
	message = wlk_malloc(sizeof(*message) + size);
	if (!message) {
		assoc_uncharge(a, sizeof(*message) + size);
		return NULL;
	}
	*message = (struct tx_message){ .size = size, .ppid = ppid, .end = true };
	return message;
}

wlk_err channel_queue_dcep(struct sctp_channel *channel, const uint8_t *data, size_t size)
{
	struct tx_message *message = new_tx(channel->assoc, PPID_DCEP, size);

	if (!message)
		return WLK_ERR_NOMEM;
	memcpy(message->data, data, size);
	assoc_queue(channel, message);
	return WLK_OK;
}

static void describe_open(const struct sctp_channel *channel, struct dcep_open *open)
{
	*open = (struct dcep_open){
		.channel_type = channel->ordered ? DCEP_RELIABLE : DCEP_UNORDERED,
		.priority = channel->priority,
		.label = { (const uint8_t *)channel->label, channel->label_size },
		.protocol = { (const uint8_t *)channel->protocol, channel->protocol_size },
	};
	if (channel->max_retransmits >= 0) {
		open->channel_type |= DCEP_PARTIAL_RELIABLE_REXMIT;
		open->reliability = (uint32_t)channel->max_retransmits;
	} else if (channel->max_lifetime_ms >= 0) {
		open->channel_type |= DCEP_PARTIAL_RELIABLE_TIMED;
		open->reliability = (uint32_t)channel->max_lifetime_ms;
	}
}

static wlk_err queue_open(struct sctp_channel *channel)
{
	struct tx_message *message;
	struct dcep_open open;
	wlk_err err;

	describe_open(channel, &open);
	message = new_tx(channel->assoc, PPID_DCEP, dcep_open_size(&open));
	if (!message)
		return WLK_ERR_NOMEM;
	err = dcep_open_write(&open, message->data, message->size);
	assert(err == WLK_OK && "an OPEN fits into the size it asked for");
	assoc_queue(channel, message);
	return WLK_OK;
}

static wlk_err set_up(struct sctp_channel *channel, const struct sctp_channel_config *config)
{
	struct sctp_assoc *a = channel->assoc;
	wlk_err err = WLK_OK;

	if (config->id != SCTP_CHANNEL_ID_AUTO)
		err = take_id(channel, (uint16_t)config->id);
	else if (a->role_known)
		err = take_free_id(channel);
	if (!err && !config->negotiated)
		err = queue_open(channel);
	if (err && channel->id >= 0)
		a->slots[channel->id].channel = NULL;
	return err;
}

wlk_err sctp_channel_create(struct sctp_assoc *a, wlk_time now, const struct sctp_channel_config *config,
			    struct sctp_channel **out)
{
	struct sctp_channel *channel;
	wlk_err err;

	if (!config_ok(config) || (config->id >= 0 && config->id < a->streams && !id_is_free(a, (uint16_t)config->id)))
		return WLK_ERR_INVALID;
	if (config->id >= a->streams)
		return WLK_ERR_NOSPACE;
	if (a->state == SCTP_ASSOC_CLOSED || a->closing)
		return WLK_ERR_STATE;
	channel = channel_new(a, config);
	if (!channel)
		return WLK_ERR_NOMEM;
	err = set_up(channel, config);
	if (err) {
		channel_free(channel);
		return err;
	}
	a->now = now;
	a->stats.channels_requested++;
	if (a->state == SCTP_ASSOC_CONNECTED || a->agreed)
		channel_open(channel);
	*out = channel;
	return WLK_OK;
}

void channel_open(struct sctp_channel *channel)
{
	if (channel->state != SCTP_CHANNEL_CONNECTING)
		return;
	channel->state = SCTP_CHANNEL_OPEN;
	channel->assoc->stats.channels_opened++;
	assoc_post(channel, SCTP_EV_CHANNEL_OPEN);
}

static bool may_accept(const struct sctp_channel *channel, const void *data, size_t size)
{
	return channel->state <= SCTP_CHANNEL_OPEN && !channel->assoc->closing && !channel->orphan && (data || !size);
}

/* The wire form of a whole message: an empty one is a zero byte with a PPID of its own (RFC 8831 6.6). */
static uint32_t ppid_of(enum sctp_message_type type, bool empty)
{
	if (type == SCTP_MESSAGE_STRING)
		return empty ? PPID_STRING_EMPTY : PPID_STRING;
	return empty ? PPID_BINARY_EMPTY : PPID_BINARY;
}

static wlk_err refuse_for_now(struct sctp_channel *channel)
{
	channel->want_writable = true;
	return WLK_ERR_AGAIN;
}

/* Memory for a message; WLK_ERR_AGAIN while something is queued whose leaving will free some of the budget. */
static wlk_err allocate(struct sctp_channel *channel, uint32_t ppid, size_t size, struct tx_message **out)
{
	struct sctp_assoc *a = channel->assoc;

	*out = new_tx(a, ppid, size);
	if (*out)
		return WLK_OK;
	if (list_empty(&a->ready))
		return WLK_ERR_NOMEM;
	a->budget_waiters = true;
	return refuse_for_now(channel);
}

/* Straight into usrsctp's buffer when nobody waits before us. */
static void send_now(struct sctp_channel *channel, struct tx_message *message, const uint8_t *data)
{
	struct sctp_assoc *a = channel->assoc;

	if (!a->socket || !list_empty(&a->ready) || !assoc_may_send(channel))
		return;
	assoc_enter(a);
	message->sent = assoc_hand_over(channel, message->ppid, message->end, data, message->size);
	assoc_leave(a);
}

static void keep_rest(struct sctp_channel *channel, struct tx_message *message, const uint8_t *data, size_t payload)
{
	struct sctp_assoc *a = channel->assoc;

	assoc_count_handed(channel, MIN(message->sent, payload));
	if (message->sent == message->size) {
		assoc_uncharge(a, sizeof(*message) + message->size);
		wlk_free(message);
		return;
	}
	memcpy(message->data + message->sent, data + message->sent, message->size - message->sent);
	message->payload = payload - MIN(message->sent, payload);
	channel->buffered += message->payload;
	assoc_queue(channel, message);
}

wlk_err sctp_channel_send(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type, const void *data,
			  size_t size)
{
	static const uint8_t filler;
	struct sctp_assoc *a = channel->assoc;
	struct tx_message *message;
	wlk_err err;

	if (!may_accept(channel, data, size) || channel->part_open)
		return WLK_ERR_STATE;
	if (size > a->remote_max_message_size)
		return WLK_ERR_TOO_LARGE;
	a->now = now;
	if (channel->buffered &&
	    (channel->buffered >= channel->high_water || size > channel->high_water - channel->buffered))
		return refuse_for_now(channel);
	err = allocate(channel, ppid_of(type, size == 0), size ? size : 1, &message);
	if (err)
		return err;
	if (!size)
		data = &filler;
	send_now(channel, message, data);
	keep_rest(channel, message, data, size);
	channel->stats.messages_sent++;
	channel->stats.bytes_sent += size;
	return WLK_OK;
}

/* An unfinished message ends with an empty piece: its last queued byte, kept back for this, is the end. */
static wlk_err end_part(struct sctp_channel *channel)
{
	struct tx_message *last = channel->tx_last;

	assert(last && !last->end && "the last byte of an unfinished message waits in the queue");
	last->end = true;
	if (list_empty(&channel->ready))
		list_push_back(&channel->assoc->ready, &channel->ready);
	channel->assoc->dirty = true;
	channel->part_open = false;
	channel->stats.messages_sent++;
	return WLK_OK;
}

wlk_err sctp_channel_send_part(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type,
			       const void *data, size_t size, bool end)
{
	struct tx_message *message;
	wlk_err err;

	if (!channel->part_open && end)
		return sctp_channel_send(channel, now, type, data, size);
	if (!may_accept(channel, data, size))
		return WLK_ERR_STATE;
	if (channel->part_open && channel->part_type != type)
		return WLK_ERR_INVALID;
	if (!size)
		return end ? end_part(channel) : WLK_OK;
	channel->assoc->now = now;
	if (channel->buffered >= channel->high_water)
		return refuse_for_now(channel);
	err = allocate(channel, ppid_of(type, false), size, &message);
	if (err)
		return err;
	message->end = end;
	keep_rest(channel, message, data, size);
	channel->part_open = !end;
	channel->part_type = type;
	channel->stats.bytes_sent += size;
	channel->stats.messages_sent += end;
	return WLK_OK;
}

/* ---- receiving ---- */

/* There is room again: read on, so that the window opens although nobody polls. */
static void pull_more(struct sctp_assoc *a)
{
	if (!a->readable || !a->socket || a->rx_waiting >= RX_WAITING_MAX / 2)
		return;
	a->dirty = true;
	assoc_service(a);
}

bool sctp_channel_receive(struct sctp_channel *channel, struct sctp_message *out)
{
	struct sctp_assoc *a = channel->assoc;
	struct rx_message *message = channel->rx_first;

	assoc_free_rx(a, channel->lent);
	channel->lent = message;
	if (!message) {
		channel->told_message = false;
		return false;
	}
	channel->rx_first = message->next;
	if (!channel->rx_first)
		channel->rx_last = NULL;
	a->rx_waiting -= message->capacity;
	*out = (struct sctp_message){
		.type = message->type,
		.end = message->end,
		.data = message->data,
		.size = message->size,
	};
	pull_more(a);
	return true;
}

void sctp_channel_set_streamed(struct sctp_channel *channel, bool streamed)
{
	channel->streamed = streamed;
}

/* ---- closing ---- */

void channel_begin_close(struct sctp_channel *channel)
{
	struct sctp_assoc *a = channel->assoc;

	if (channel->state >= SCTP_CHANNEL_CLOSING)
		return;
	if (channel->part_open)
		(void)end_part(channel);
	if (a->state == SCTP_ASSOC_NEW || a->state == SCTP_ASSOC_CLOSED) {
		assoc_channel_closed(channel); /* nothing of it was on the wire */
		return;
	}
	channel->state = SCTP_CHANNEL_CLOSING;
	assoc_want_reset(channel);
}

void channel_fail(struct sctp_channel *channel, wlk_err error)
{
	if (channel->state >= SCTP_CHANNEL_CLOSING)
		return;
	LOG_D(channel->assoc, "channel %d: %s", (int)channel->id, wlk_strerror(error));
	channel->error = error;
	assoc_post(channel, SCTP_EV_CHANNEL_ERROR);
	channel_begin_close(channel);
}

void sctp_channel_close(struct sctp_channel *channel, wlk_time now)
{
	channel->assoc->now = now;
	channel_begin_close(channel);
}

void sctp_channel_destroy(struct sctp_channel *channel)
{
	if (!channel)
		return;
	struct sctp_assoc *a = channel->assoc;

	list_remove(&channel->eventful);
	channel->events = 0;
	channel->orphan = true;
	drop_rx(channel);
	if (channel->state == SCTP_CHANNEL_CLOSED)
		channel_free(channel);
	else
		channel_begin_close(channel); /* frees it at the end, possibly at once */
	pull_more(a);
}

/* ---- values ---- */

size_t sctp_channel_buffered_amount(const struct sctp_channel *channel)
{
	return channel->buffered + channel->handed;
}

void sctp_channel_set_high_water(struct sctp_channel *channel, size_t bytes)
{
	channel->high_water = MAX(bytes, (size_t)1);
}

void sctp_channel_set_buffered_low(struct sctp_channel *channel, size_t bytes)
{
	channel->buffered_low = bytes;
}

size_t sctp_channel_buffered_low(const struct sctp_channel *channel)
{
	return channel->buffered_low;
}

enum sctp_channel_state sctp_channel_state(const struct sctp_channel *channel)
{
	return channel->state;
}

int32_t sctp_channel_id(const struct sctp_channel *channel)
{
	return channel->id;
}

const char *sctp_channel_label(const struct sctp_channel *channel, size_t *size)
{
	if (size)
		*size = channel->label_size;
	return channel->label;
}

const char *sctp_channel_protocol(const struct sctp_channel *channel, size_t *size)
{
	if (size)
		*size = channel->protocol_size;
	return channel->protocol;
}

bool sctp_channel_ordered(const struct sctp_channel *channel)
{
	return channel->ordered;
}

bool sctp_channel_negotiated(const struct sctp_channel *channel)
{
	return channel->negotiated;
}

int32_t sctp_channel_max_retransmits(const struct sctp_channel *channel)
{
	return channel->max_retransmits;
}

int32_t sctp_channel_max_lifetime_ms(const struct sctp_channel *channel)
{
	return channel->max_lifetime_ms;
}

uint16_t sctp_channel_priority(const struct sctp_channel *channel)
{
	return channel->priority;
}

void sctp_channel_stats(const struct sctp_channel *channel, struct sctp_channel_stats *out)
{
	*out = channel->stats;
}

void sctp_channel_set_user(struct sctp_channel *channel, void *user)
{
	channel->user = user;
}

void *sctp_channel_user(const struct sctp_channel *channel)
{
	return channel->user;
}
