/* One data channel (RFC 8831): a pair of SCTP streams with a label, an own send queue and messages to be pulled. */
#ifndef SCTP_CHANNEL_H
#define SCTP_CHANNEL_H

#include "core/err.h"

struct sctp_assoc;
struct sctp_channel;

enum {
	SCTP_CHANNEL_ID_AUTO = -1,
	SCTP_CHANNEL_LABEL_MAX = 65535,         /* what DCEP can carry, for channels of ours */
	SCTP_CHANNEL_HIGH_WATER = 1024 * 1024,  /* default of sctp_channel_config.high_water [bytes] */
	SCTP_CHANNEL_MESSAGE_SIZE = 256 * 1024, /* default of the largest message we accept [bytes] */
};

/* The W3C readyState of the channel. */
enum sctp_channel_state { SCTP_CHANNEL_CONNECTING, SCTP_CHANNEL_OPEN, SCTP_CHANNEL_CLOSING, SCTP_CHANNEL_CLOSED };

enum sctp_message_type { SCTP_MESSAGE_STRING, SCTP_MESSAGE_BINARY };

/* One message, or one piece of it when the channel is read in pieces. */
struct sctp_message {
	enum sctp_message_type type;
	bool end;            /* this piece is the last of its message; always true for a channel that is not streamed */
	const uint8_t *data; /* lent until the next receive on this channel, its close notice or its destruction */
	size_t size;         /* bytes; 0 is an empty message */
};

/*
 * How to make a channel. Fill with sctp_channel_config_init(), then change what differs. Strings are UTF-8 with a
 * length, copied by sctp_channel_create().
 */
struct sctp_channel_config {
	const char *label;
	size_t label_size; /* bytes, 0..65535 */
	const char *protocol;
	size_t protocol_size;    /* bytes, 0..65535 */
	bool ordered;            /* true: messages arrive in the order of sending */
	int32_t max_retransmits; /* 0..65535: give a message up after so many retransmissions; -1: never */
	int32_t max_lifetime_ms; /* 0..65535: give a message up after this time; -1: never. Not both (RFC 8832 5.1) */
	bool negotiated;         /* the other side makes the same channel by itself: no DATA_CHANNEL_OPEN is sent */
	int32_t id;              /* stream identifier 0..65534; required when negotiated; SCTP_CHANNEL_ID_AUTO else */
	uint16_t priority;       /* RFC 8831 6.4: 128, 256 (default), 512 or 1024; carried in the OPEN, not acted on */
	size_t high_water;       /* bytes that may wait in the send queue, before usrsctp, until send answers WLK_ERR_AGAIN */
};

static inline void sctp_channel_config_init(struct sctp_channel_config *config)
{
	*config = (struct sctp_channel_config){
		.ordered = true,
		.max_retransmits = -1,
		.max_lifetime_ms = -1,
		.id = SCTP_CHANNEL_ID_AUTO,
		.priority = 256,
		.high_water = SCTP_CHANNEL_HIGH_WATER,
	};
}

struct sctp_channel_stats {
	uint64_t messages_sent; /* accepted by send */
	uint64_t bytes_sent;
	uint64_t messages_received; /* complete, whether pulled yet or not */
	uint64_t bytes_received;
};

/*
 * Make a channel, before or after the association started. Without an id it gets the lowest free one of our parity
 * (even for the DTLS client, RFC 8832 6), at the latest when sctp_assoc_start() learns the role; until then id()
 * answers -1.
 *
 * The handle is the caller's until sctp_channel_destroy(); sctp_assoc_destroy() frees what is left.
 * WLK_ERR_INVALID for a config outside of its ranges or an id in use, WLK_ERR_NOSPACE when no id is free (or the id is
 * above the negotiated streams), WLK_ERR_STATE when the association is closed, WLK_ERR_NOMEM. *out only on success.
 */
wlk_err sctp_channel_create(struct sctp_assoc *assoc, wlk_time now, const struct sctp_channel_config *config,
			    struct sctp_channel **out) WLK_NODISCARD;

/*
 * Let go of the handle, in any state. An open channel is closed in the background, its unread messages are dropped, and
 * no further event names it. destroy(NULL) does nothing.
 */
void sctp_channel_destroy(struct sctp_channel *channel);

/*
 * Queue one message. The bytes are copied (or already in usrsctp's buffer) when the call returns.
 *
 * Allowed in CONNECTING too: a message queued before the association is up leaves together with COOKIE-ECHO.
 * WLK_ERR_AGAIN: the queue is at its high-water mark, or the budget (R37) is taken; SCTP_EV_WRITABLE follows. An empty
 * queue takes one message of any allowed size. WLK_ERR_TOO_LARGE: above the max-message-size of the other side.
 * WLK_ERR_STATE: closing or closed, or a message is open in sctp_channel_send_part(). WLK_ERR_NOMEM.
 */
wlk_err sctp_channel_send(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type, const void *data,
			  size_t size) WLK_NODISCARD;

/*
 * The same for one message in several pieces, larger than memory would allow: the pieces up to the one with |end| are
 * one message for the other side. All have one |type|. A piece may be empty; an empty whole message is one empty piece
 * with |end|. An unfinished message holds back every other channel of the association (I-DATA, RFC 8260, is not used).
 */
wlk_err sctp_channel_send_part(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type,
			       const void *data, size_t size, bool end) WLK_NODISCARD;

/*
 * Take the oldest waiting message; false: none is there, SCTP_EV_MESSAGE follows when one is. Not taking them closes
 * the receive window of the whole association. Works on a closed channel until it is empty.
 */
bool sctp_channel_receive(struct sctp_channel *channel, struct sctp_message *out);

/*
 * Read messages in pieces as they arrive (message.end tells the last): nothing is put together and no size limit
 * applies.
 */
void sctp_channel_set_streamed(struct sctp_channel *channel, bool streamed);

/*
 * Close (RFC 8831 6.7): what is queued is still sent, then the outgoing stream is reset; CHANNEL_CLOSED follows when
 * both directions are reset and the id is free again. Closing twice does nothing.
 */
void sctp_channel_close(struct sctp_channel *channel, wlk_time now);

/* Bytes of messages accepted by send that have not left in a packet yet. Stays as it is when the channel closes. */
size_t sctp_channel_buffered_amount(const struct sctp_channel *channel);
/* Where send starts to answer WLK_ERR_AGAIN [bytes]; at least 1. What usrsctp's buffer took is not counted for it. */
void sctp_channel_set_high_water(struct sctp_channel *channel, size_t bytes);
/* SCTP_EV_BUFFERED_LOW comes when the buffered amount falls from above to this or below; 0 at first. */
void sctp_channel_set_buffered_low(struct sctp_channel *channel, size_t bytes);
size_t sctp_channel_buffered_low(const struct sctp_channel *channel);

enum sctp_channel_state sctp_channel_state(const struct sctp_channel *channel);
/* -1 while the DTLS role is not known. */
int32_t sctp_channel_id(const struct sctp_channel *channel);
/* Borrowed for the life of the handle; NUL-terminated for convenience, may contain NUL itself. |size| may be NULL. */
const char *sctp_channel_label(const struct sctp_channel *channel, size_t *size);
const char *sctp_channel_protocol(const struct sctp_channel *channel, size_t *size);
bool sctp_channel_ordered(const struct sctp_channel *channel);
bool sctp_channel_negotiated(const struct sctp_channel *channel);
int32_t sctp_channel_max_retransmits(const struct sctp_channel *channel); /* -1: not limited */
int32_t sctp_channel_max_lifetime_ms(const struct sctp_channel *channel); /* -1: not limited */
uint16_t sctp_channel_priority(const struct sctp_channel *channel);
void sctp_channel_stats(const struct sctp_channel *channel, struct sctp_channel_stats *out);

/* The caller's own pointer, kept and never looked at. */
void sctp_channel_set_user(struct sctp_channel *channel, void *user);
void *sctp_channel_user(const struct sctp_channel *channel);

#endif
