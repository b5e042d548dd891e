/* What the files of this folder share about one association and its channels; nobody outside includes it. */
#ifndef SCTP_ASSOC_INTERNAL_H
#define SCTP_ASSOC_INTERNAL_H

#include <stdatomic.h>
#include <string.h>

#include "core/list.h"
#include "sctp/assoc.h"
#include "sctp/dcep.h"
#include "sctp/early_data.h"
#include "sctp/flight.h"
#include "sctp/packet_filter.h"
#include "sctp/stack.h"

struct socket;

enum {
	SCTP_OUT_MAX = 4096,           /* packets that wait to be taken; R37 */
	RX_BLOCK_SIZE = 64 * 1024,    /* one read from usrsctp */
	RX_WAITING_MAX = 256 * 1024,  /* bytes that wait for the caller before reading from usrsctp stops */
	TX_HAND_OVER_MAX = 64 * 1024, /* one write to usrsctp */
	BUFFER_MIN = 256 * 1024,      /* R30: usrsctp's send and receive buffers start here */
	BUFFER_MAX = 3 * 1024 * 1024, /* and grow to this */
	OPEN_BUCKET_SIZE = 1024,      /* R31 */
	OPEN_BUCKET_RATE = 200,       /* tokens a second */
	STATE_EVENTS_MAX = 3,
	SACKS_REPLACED_MAX = 3, /* in a row: one SACK for at most 8 DATA packets */
};

/*
 * How far each use may fill the budget, in eighths: usrsctp's buffers do not grow into what messages need, and what we
 * send leaves room for reading, which cannot wait.
 */
enum budget_purpose { BUDGET_GROW = 6, BUDGET_SEND = 7, BUDGET_RECEIVE = 8 };

/* A message, or a piece of one, on its way out. */
struct tx_message {
	struct tx_message *next;
	size_t size;    /* bytes of data */
	size_t sent;    /* of these, handed to usrsctp */
	size_t payload; /* bytes that count in buffered_amount: 0 for the filler byte of an empty message and for DCEP
			 */
	uint32_t ppid;
	bool end;
	uint8_t data[];
};

/* A message, or a piece of one, that waits for the caller or for the rest of it. */
struct rx_message {
	struct rx_message *next;
	size_t capacity;
	size_t size;
	uint32_t first_tsn; /* of an incomplete unordered message: its fragments first_tsn..end_tsn-1 */
	uint32_t end_tsn;
	enum sctp_message_type type;
	bool begins;
	bool end;
	_Alignas(8) uint8_t data[]; /* notices of usrsctp are read here too */
};

/* A message that is being put together. */
struct assembly {
	struct rx_message *message; /* NULL: none */
	uint16_t ssn;               /* stream sequence number of the newest piece */
	bool discard;               /* drop everything up to the end of this message */
};

struct sctp_channel {
	struct sctp_assoc *assoc;
	struct list all;      /* assoc->channels */
	struct list ready;    /* assoc->ready, while there is something to hand to usrsctp */
	struct list eventful; /* assoc->eventful, while events is not 0 */
	void *user;
	char *label; /* and the protocol behind it, each with a NUL */
	size_t label_size;
	char *protocol;
	size_t protocol_size;

	int32_t id;
	enum sctp_channel_state state;
	bool ordered;
	bool negotiated;
	bool streamed;
	bool acked;       /* ACK or any message came: unordered sending may begin (RFC 8832 6) */
	bool orphan;      /* the handle was given back */
	bool want_reset;  /* in assoc->resets_wanted: our outgoing stream is to be reset once the queue is empty */
	bool reset_asked; /* the request is with usrsctp */
	bool out_reset;   /* our outgoing stream is reset */
	bool in_reset;    /* the other side reset its outgoing stream */
	bool want_writable;
	bool told_message; /* SCTP_EV_MESSAGE is out and receive did not answer false since */
	bool mid_message;  /* usrsctp has the front of a message, but not its end */
	bool part_open;    /* between sctp_channel_send_part() calls */
	enum sctp_message_type part_type;
	uint16_t priority;
	int32_t max_retransmits;
	int32_t max_lifetime_ms;
	wlk_err error;
	uint32_t events; /* bits of enum sctp_assoc_event_type */

	struct tx_message *tx_first;
	struct tx_message *tx_last;
	size_t buffered; /* user data in the queue */
	size_t handed;   /* user data with usrsctp that has not left yet */
	size_t buffered_low;
	size_t high_water;

	struct rx_message *rx_first;
	struct rx_message *rx_last;
	struct rx_message *lent;
	struct assembly assembly; /* of an ordered message */
	struct rx_message *runs;  /* of unordered messages, by TSN */
	struct sctp_channel_stats stats;
};

/* What is known of one stream identifier. */
struct stream_slot {
	struct sctp_channel *channel;
	/*
	 * Our outgoing reset is under way. Outlives the channel: an OPEN of the other side may be read before usrsctp's
	 * notice that the reset is done (R32); what we then send on the stream waits for the notice.
	 */
	bool resetting;
};

struct state_event {
	enum sctp_assoc_state state;
	enum sctp_cause cause;
	uint16_t error_code;
};

struct sctp_assoc {
	struct stack_entry entry;
	struct log_scope log;
	struct log_budget log_budget;
	struct sctp_assoc_config config;
	struct sctp_assoc_stats stats;
	enum sctp_assoc_state state;
	struct state_event state_events[STATE_EVENTS_MAX];
	size_t state_event_count;
	wlk_time now; /* of the last call */

	struct socket *socket; /* NULL before start and after close */
	struct packet_filter filter;
	bool dtls_client;
	bool role_known;
	bool closing; /* SHUTDOWN follows when the queues are empty */
	bool shutdown_sent;
	uint16_t remote_port;
	uint16_t streams;
	size_t mtu;
	size_t remote_max_message_size; /* SIZE_MAX: any */
	size_t own_used;                /* the budget's counter when the caller has none */
	size_t charged;                 /* what of the budget's counter is ours */

	/* Packets to be encrypted, owner's side. */
	size_t out_count;
	struct pktbuf *out_first;
	struct pktbuf *out_last;
	unsigned sacks_replaced; /* in a row */

	/* Filled by other threads under the stack's lock, taken over by the owner at its next call. */
	struct pktbuf *foreign_first;
	struct pktbuf *foreign_last;
	uint64_t foreign_drops;
	bool foreign_ready;
	atomic_bool attention; /* something of the above is there; read without the lock */

	bool entered;  /* we hold the stack's lock */
	bool dirty;    /* packets or time came in since the last service */
	bool readable; /* usrsctp may have something to read */

	struct list channels;
	struct list ready;
	struct list eventful;
	struct stream_slot *slots;
	size_t slot_count;
	size_t slot_capacity;
	struct sctp_channel *locked; /* a message of it is half with usrsctp and must be finished first */
	size_t resets_wanted;        /* channels with want_reset that did not ask yet */
	size_t resets_open;          /* slots with |resetting| */
	bool budget_waiters;         /* a channel got WLK_ERR_AGAIN because of the budget */

	struct rx_message *rx_block; /* where the next read goes */
	size_t rx_waiting;           /* capacity of what waits for the caller */
	uint32_t forward_tsn;        /* of the last FORWARD-TSN, while |forwarded| */
	bool forwarded;              /* the incomplete messages are to be looked through once everything is read */
	struct early_data early;
	struct flight flight;
	size_t handed; /* of all channels */
	uint8_t *init_ack; /* waits to be fed; see assoc_early_open.c */
	size_t init_ack_size;
	wlk_time init_ack_due;
	bool agreed; /* INIT ACK came: channels are open from here on */
	uint8_t *held_reset; /* a packet with a reset request that waits for its last TSN (sctp/packet_shim.h) */
	size_t held_reset_size;
	struct rx_message *held_open; /* a DATA_CHANNEL_OPEN that waits for its token (R31) */
	uint16_t held_open_id;
	uint32_t open_tokens;
	wlk_time open_refill_at;

	size_t send_buffer;
	size_t receive_buffer;
	wlk_time send_checked_at;
	wlk_time receive_window_at;
	size_t receive_window_bytes;
	wlk_time connect_by; /* when connecting is given up */
	wlk_time active_at;  /* last packet in or out, or call to send */
	wlk_time idle_until; /* nothing of usrsctp is expected before this moment; 0: not idle */
};

/* Something moved: the next tick is wanted again. */
static inline void assoc_mark_active(struct sctp_assoc *a)
{
	a->active_at = a->now;
	a->idle_until = 0;
}

/* assoc.c */
/*
 * Take the stack's lock if there is anything of usrsctp to guard, run the process-wide tick, take over what others
 * left.
 */
void assoc_enter(struct sctp_assoc *a);
void assoc_leave(struct sctp_assoc *a);
/* Read, hand over and reset what can be; leaves the object with nothing to do until the next input or moment. */
void assoc_service(struct sctp_assoc *a);
/* The one place where the association ends. Under the lock. */
void assoc_shut(struct sctp_assoc *a, enum sctp_cause cause, uint16_t error_code);
void assoc_set_state(struct sctp_assoc *a, enum sctp_assoc_state state, enum sctp_cause cause, uint16_t error_code);
void assoc_post(struct sctp_channel *channel, enum sctp_assoc_event_type type);
/* False when |size| more bytes would take more than the share of the budget that |purpose| may fill. */
bool assoc_charge(struct sctp_assoc *a, size_t size, enum budget_purpose purpose);
void assoc_uncharge(struct sctp_assoc *a, size_t size);
/* The slot of |id|, made when needed; NULL when memory is out. */
struct stream_slot *assoc_slot(struct sctp_assoc *a, uint16_t id);
/* Take what other threads left for us. Under the lock. */
void assoc_take_over_foreign(struct sctp_assoc *a);

/* assoc_early_open.c */
/* True: |packet| is an INIT ACK that opened channels, or one more of it; a copy waits until it is due. */
bool assoc_hold_init_ack(struct sctp_assoc *a, const uint8_t *packet, size_t size);
/* When it is to be fed; WLK_TIME_NEVER without one. */
wlk_time assoc_init_ack_due(const struct sctp_assoc *a);
/* The caller feeds and frees it; NULL: none. */
uint8_t *assoc_take_init_ack(struct sctp_assoc *a, size_t *size);

/* assoc_left.c */
/* usrsctp took |payload| bytes of user data. */
void assoc_count_handed(struct sctp_channel *channel, size_t payload);
/* |channel| is closed: nothing of it leaves any more, and what did not stays buffered. */
void assoc_keep_handed(struct sctp_channel *channel);
/* A packet goes out; before flight_on_output() sees it. */
void assoc_on_left(struct sctp_assoc *a, const uint8_t *packet, size_t size);
/*
 * Nothing has moved for a while. What usrsctp gave up before it sent it (RFC 3758) is not buffered any more: with nothing in flight
 * and room at the far end it would have sent whatever it has. Its own count of pending messages is no help, it leaks.
 */
void assoc_settle_left(struct sctp_assoc *a);

/* assoc_socket.c */
/*
 * Make the socket and send INIT. WLK_ERR_NOMEM when the budget has no room for its buffers, WLK_ERR_IO when usrsctp
 * refuses.
 */
wlk_err assoc_open_socket(struct sctp_assoc *a);
/* Under the lock. An ABORT that usrsctp says on this occasion waits in the queue like any other packet. */
void assoc_close_socket(struct sctp_assoc *a);
/* The figures of SCTP_STATUS; false without a socket. With or without the lock. */
bool assoc_status(const struct sctp_assoc *a, struct sctp_assoc_stats *out);

/* assoc_recv.c: under the lock */
void assoc_pull(struct sctp_assoc *a);
/* When the held OPEN gets its token; WLK_TIME_NEVER without one. */
wlk_time assoc_open_due(const struct sctp_assoc *a);
void assoc_free_rx(struct sctp_assoc *a, struct rx_message *message);
/*
 * What was just read into the block, as a message of its own, charged to the budget: the block itself when it is well
 * filled, else a copy. NULL when memory or the budget is out.
 */
struct rx_message *assoc_take_block(struct sctp_assoc *a, size_t size);
/* Append to *message, which may move. False when memory or the budget is out. */
bool assoc_extend_rx(struct sctp_assoc *a, struct rx_message **message, const uint8_t *data, size_t size);
/* A piece, or with |end| the last or only one, is there for the caller. */
void assoc_deliver(struct sctp_channel *channel, struct rx_message *message, uint32_t ppid);
/* Forget the messages of |channel| that are not complete. */
void assoc_drop_incomplete(struct sctp_channel *channel);

/* assoc_send.c: under the lock */
void assoc_feed(struct sctp_assoc *a);
/* Bytes taken by usrsctp, 0 when it takes none now. */
size_t assoc_hand_over(struct sctp_channel *channel, uint32_t ppid, bool end, const uint8_t *data, size_t size);
/* Whether what |channel| has may be handed to usrsctp without waiting for anything of ours. */
bool assoc_may_send(const struct sctp_channel *channel);
void assoc_queue(struct sctp_channel *channel, struct tx_message *message);
void assoc_drop_tx(struct sctp_channel *channel);
/*
 * Drop what usrsctp did not begin with; a message that it has the front of is cut short and ended, for it must be
 * ended.
 */
void assoc_drop_unsent(struct sctp_channel *channel);
void assoc_grow_receive(struct sctp_assoc *a, size_t bytes);

/* assoc_reset.c: under the lock */
void assoc_want_reset(struct sctp_channel *channel);
void assoc_send_resets(struct sctp_assoc *a);
void assoc_on_incoming_reset(struct sctp_assoc *a, uint16_t id);
void assoc_on_outgoing_reset(struct sctp_assoc *a, uint16_t id, bool refused);
/* Take the channel off its stream; it is CLOSED from here on and freed when nobody holds it. */
void assoc_channel_closed(struct sctp_channel *channel);

/* channel.c */
struct sctp_channel *channel_new(struct sctp_assoc *a, const struct sctp_channel_config *config);
void channel_free(struct sctp_channel *channel);
/*
 * Ids for the channels that have none; those that get none are closed with WLK_ERR_NOSPACE, and those where a message waits that
 * is larger than the far end takes, which is known only now, with WLK_ERR_TOO_LARGE.
 */
void channel_start_all(struct sctp_assoc *a);
wlk_err channel_queue_dcep(struct sctp_channel *channel, const uint8_t *data, size_t size);
void channel_open(struct sctp_channel *channel);
/* Close because of |error|: SCTP_EV_CHANNEL_ERROR, then as sctp_channel_close(). */
void channel_fail(struct sctp_channel *channel, wlk_err error);
/* RFC 8831 6.7 without the lock's entry; under the lock when the association is started. */
void channel_begin_close(struct sctp_channel *channel);

#endif
