/* sctp/assoc.h and sctp/channel.h as a recording answers them. */
#define SEAM_INSIDE
#include "replay.h"

#include "core/alloc.h"

struct sctp_assoc {
	uint8_t number;
	enum sctp_assoc_state state;
	uint16_t streams;
	size_t remote_max_message_size;
	struct list channels;
};

struct sctp_channel {
	struct list link; /* in assoc->channels */
	uint32_t number;
	enum sctp_channel_state state;
	char *label, *protocol;
	bool ordered, negotiated;
	int32_t max_retransmits, max_lifetime_ms, id;
	uint16_t priority;
	size_t buffered, buffered_low;
	struct sctp_channel_stats stats;
	void *user;
};

/* ---- the association ---- */

wlk_err sctp_assoc_create(struct sctp_assoc **out, const struct sctp_assoc_config *config)
{
	struct bytes_reader body = replay_take(RECORD_SCTP_NEW);
	struct sctp_assoc *assoc = wlk_calloc(1, sizeof(*assoc));
	wlk_err err;

	if (!assoc)
		return WLK_ERR_NOMEM;
	assoc->number = bytes_u8(&body);
	assoc->streams = config->streams;
	assoc->remote_max_message_size = SIZE_MAX;
	list_init(&assoc->channels);
	err = record_get_err(&body);
	if (err)
		wlk_free(assoc);
	else
		*out = assoc;
	return err;
}

void sctp_assoc_destroy(struct sctp_assoc *assoc)
{
	if (!assoc)
		return;
	while (!list_empty(&assoc->channels))
		sctp_channel_destroy(list_entry(assoc->channels.next, struct sctp_channel, link));
	wlk_free(assoc);
}

wlk_err sctp_assoc_start(struct sctp_assoc *assoc, wlk_time now, const struct sctp_assoc_start *params)
{
	wlk_err err = replay_take_err(RECORD_SCTP_START, assoc->number);

	(void)now;
	if (err)
		return err;
	assoc->state = SCTP_ASSOC_CONNECTING;
	sctp_assoc_set_remote_max_message_size(assoc, params->remote_max_message_size);
	return WLK_OK;
}

void sctp_assoc_input(struct sctp_assoc *assoc, wlk_time now, const uint8_t *packet, size_t size)
{
	(void)now;
	(void)packet;
	(void)size;
	replay_take_of(RECORD_SCTP_INPUT, assoc->number);
}

bool sctp_assoc_poll_transmit(struct sctp_assoc *assoc, wlk_time now, struct pktbuf **out)
{
	struct bytes_reader body;
	struct pktbuf *buf;
	size_t size;

	(void)now;
	if (!replay_has_of(RECORD_SCTP_OUT, assoc->number, &body))
		return false;
	size = bytes_u16(&body);
	buf = pktbuf_alloc(NULL, MAX(size, (size_t)PKTBUF_PAYLOAD));
	if (!buf)
		return false;
	memset(buf->data, 0, size);
	buf->size = size;
	*out = buf;
	return true;
}

/* ---- events ---- */

static char *take_text(struct bytes_reader *body)
{
	char *text = record_get_text(body);

	return text ? text : wlk_strdup("");
}

/* A channel that the far end opened is described before the event that tells of it. */
static bool has_far_channel(struct sctp_assoc *assoc)
{
	struct bytes_reader body;
	struct sctp_channel *channel;

	if (!replay_has_of(RECORD_SCTP_CHANNEL, assoc->number, &body))
		return false;
	channel = wlk_calloc(1, sizeof(*channel));
	if (!channel)
		replay_diverge("out of memory");
	channel->number = bytes_u32(&body);
	channel->id = (int32_t)bytes_u32(&body);
	channel->ordered = bytes_u8(&body) != 0;
	channel->max_retransmits = (int32_t)bytes_u32(&body);
	channel->max_lifetime_ms = (int32_t)bytes_u32(&body);
	channel->priority = bytes_u16(&body);
	channel->label = take_text(&body);
	channel->protocol = take_text(&body);
	replay_check(&body);
	list_push_back(&assoc->channels, &channel->link);
	return true;
}

static struct sctp_channel *find_channel(const struct sctp_assoc *assoc, uint32_t number)
{
	list_for_each(item, &assoc->channels)
	{
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, link);

		if (channel->number == number)
			return channel;
	}
	replay_diverge("SCTP's channel %u is gone", (unsigned)number);
}

static void follow(struct sctp_assoc *assoc, const struct sctp_assoc_event *ev)
{
	switch (ev->type) {
	case SCTP_EV_STATE:
		assoc->state = ev->state;
		break;
	case SCTP_EV_CHANNEL_OPEN:
		ev->channel->state = SCTP_CHANNEL_OPEN;
		break;
	case SCTP_EV_CHANNEL_CLOSING:
	case SCTP_EV_CHANNEL_ERROR:
		ev->channel->state = SCTP_CHANNEL_CLOSING;
		break;
	case SCTP_EV_CHANNEL_CLOSED:
		ev->channel->state = SCTP_CHANNEL_CLOSED;
		break;
	default:
		break;
	}
}

bool sctp_assoc_poll_event(struct sctp_assoc *assoc, struct sctp_assoc_event *out)
{
	struct bytes_reader body;
	uint32_t number;
	int32_t id;

	if (has_far_channel(assoc))
		body = replay_take_of(RECORD_SCTP_EVENT, assoc->number);
	else if (!replay_has_of(RECORD_SCTP_EVENT, assoc->number, &body))
		return false;
	*out = (struct sctp_assoc_event){ .type = (enum sctp_assoc_event_type)bytes_u8(&body) };
	number = bytes_u32(&body);
	id = (int32_t)bytes_u32(&body);
	out->state = (enum sctp_assoc_state)bytes_u8(&body);
	out->cause = (enum sctp_cause)bytes_u8(&body);
	out->error_code = bytes_u16(&body);
	out->error = record_get_err(&body);
	assoc->streams = bytes_u16(&body);
	replay_check(&body);
	if (out->type > SCTP_EV_CHANNEL_CLOSED || (out->type == SCTP_EV_STATE) != (number == UINT32_MAX))
		replay_diverge("the file is damaged: no such event of SCTP");
	if (number != UINT32_MAX) {
		out->channel = find_channel(assoc, number);
		out->channel->id = id;
	}
	follow(assoc, out);
	return true;
}

void sctp_assoc_events_seen(struct sctp_assoc *assoc, wlk_time now)
{
	(void)now;
	replay_take_of(RECORD_SCTP_EVENTS_SEEN, assoc->number);
}

void sctp_assoc_set_path_in_doubt(struct sctp_assoc *assoc, wlk_time now, bool doubt)
{
	(void)assoc;
	(void)now;
	(void)doubt;
}

void sctp_assoc_limit_window(struct sctp_assoc *assoc, wlk_time now, size_t bytes)
{
	(void)assoc;
	(void)now;
	(void)bytes;
}

void sctp_assoc_raise_mtu(struct sctp_assoc *assoc, wlk_time now, size_t mtu)
{
	(void)assoc;
	(void)now;
	(void)mtu;
}

wlk_time sctp_assoc_deadline(const struct sctp_assoc *assoc)
{
	(void)assoc;
	return WLK_TIME_NEVER;
}

void sctp_assoc_handle_timeout(struct sctp_assoc *assoc, wlk_time now)
{
	(void)now;
	replay_take_of(RECORD_SCTP_TIMEOUT, assoc->number);
}

void sctp_assoc_close(struct sctp_assoc *assoc, wlk_time now, bool graceful)
{
	(void)now;
	(void)graceful;
	replay_take_of(RECORD_SCTP_CLOSE, assoc->number);
	assoc->state = SCTP_ASSOC_CLOSED;
}

enum sctp_assoc_state sctp_assoc_state(const struct sctp_assoc *assoc)
{
	return assoc->state;
}

uint16_t sctp_assoc_streams(const struct sctp_assoc *assoc)
{
	return assoc->streams;
}

size_t sctp_assoc_remote_max_message_size(const struct sctp_assoc *assoc)
{
	return assoc->remote_max_message_size;
}

void sctp_assoc_set_remote_max_message_size(struct sctp_assoc *assoc, size_t size)
{
	assoc->remote_max_message_size = size ? size : SIZE_MAX;
}

void sctp_assoc_stats(const struct sctp_assoc *assoc, struct sctp_assoc_stats *out)
{
	(void)assoc;
	*out = (struct sctp_assoc_stats){ 0 };
}

/* ---- channels ---- */

wlk_err sctp_channel_create(struct sctp_assoc *assoc, wlk_time now, const struct sctp_channel_config *config, struct sctp_channel **out)
{
	struct bytes_reader body = replay_take(RECORD_CHANNEL_NEW);
	wlk_err err = record_get_err(&body);
	struct sctp_channel *channel = err ? NULL : wlk_calloc(1, sizeof(*channel));

	(void)now;
	if (!channel)
		return err ? err : WLK_ERR_NOMEM;
	channel->number = bytes_u32(&body);
	channel->id = (int32_t)bytes_u32(&body);
	channel->label = wlk_strndup(config->label, config->label_size);
	channel->protocol = wlk_strndup(config->protocol, config->protocol_size);
	channel->ordered = config->ordered;
	channel->negotiated = config->negotiated;
	channel->max_retransmits = config->max_retransmits;
	channel->max_lifetime_ms = config->max_lifetime_ms;
	channel->priority = config->priority;
	list_push_back(&assoc->channels, &channel->link);
	*out = channel;
	return WLK_OK;
}

void sctp_channel_destroy(struct sctp_channel *channel)
{
	if (!channel)
		return;
	list_remove(&channel->link);
	wlk_free(channel->label);
	wlk_free(channel->protocol);
	wlk_free(channel);
}

wlk_err sctp_channel_send(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type, const void *data, size_t size)
{
	struct bytes_reader body = replay_take_of(RECORD_CHANNEL_SENT, channel->number);
	wlk_err err = record_get_err(&body);

	(void)now;
	(void)type;
	(void)data;
	(void)size;
	channel->buffered = (size_t)bytes_u64(&body);
	return err;
}

bool sctp_channel_receive(struct sctp_channel *channel, struct sctp_message *out)
{
	struct bytes_reader body;

	if (!replay_has_of(RECORD_CHANNEL_MESSAGE, channel->number, &body))
		return false;
	out->type = bytes_u8(&body) == SCTP_MESSAGE_STRING ? SCTP_MESSAGE_STRING : SCTP_MESSAGE_BINARY;
	out->end = bytes_u8(&body) != 0;
	replay_check(&body);
	out->data = body.at;
	out->size = body.left;
	return true;
}

void sctp_channel_close(struct sctp_channel *channel, wlk_time now)
{
	(void)now;
	replay_take_of(RECORD_CHANNEL_CLOSED, channel->number);
	channel->state = SCTP_CHANNEL_CLOSING;
}

size_t sctp_channel_buffered_amount(const struct sctp_channel *channel)
{
	return channel->buffered;
}

void sctp_channel_set_high_water(struct sctp_channel *channel, size_t bytes)
{
	(void)channel;
	(void)bytes;
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

static const char *text_of(const char *text, size_t *size)
{
	if (size)
		*size = text ? strlen(text) : 0;
	return text ? text : "";
}

const char *sctp_channel_label(const struct sctp_channel *channel, size_t *size)
{
	return text_of(channel->label, size);
}

const char *sctp_channel_protocol(const struct sctp_channel *channel, size_t *size)
{
	return text_of(channel->protocol, size);
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
