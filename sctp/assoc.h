/* One SCTP association over DTLS (RFC 8261) and the channels on it: decrypted packets in, packets and events out. */
#ifndef SCTP_ASSOC_H
#define SCTP_ASSOC_H

#include "core/log.h"
#include "core/pktbuf.h"
#include "sctp/channel.h"

/*
 * usrsctp is process-global. sctp/stack.c takes one lock around it, ticks it for everybody, and may produce a packet or
 * a notice for an association of another thread: then that one's |wake| hook is called, and everything else (deadline,
 * poll, handle_timeout) stays with the thread that owns the association. All associations of a process measure |now| by
 * the same clock.
 */
struct sctp_assoc;

enum sctp_assoc_state { SCTP_ASSOC_NEW, SCTP_ASSOC_CONNECTING, SCTP_ASSOC_CONNECTED, SCTP_ASSOC_CLOSED };

/* Why the association is closed. */
enum sctp_cause {
	SCTP_CAUSE_NONE,
	SCTP_CAUSE_LOCAL,       /* sctp_assoc_close() */
	SCTP_CAUSE_PEER_CLOSED, /* orderly SHUTDOWN by the other side */
	SCTP_CAUSE_PEER_ABORT,  /* ABORT; error_code holds the first RFC 9260 3.3.10 cause */
	SCTP_CAUSE_LOST,        /* too many retransmissions, or the association could not be set up */
	SCTP_CAUSE_RESTART,     /* the other side began anew: its channels are gone */
	SCTP_CAUSE_MEMORY,      /* the budget of the peer is spent (R37), or memory is out */
};

enum {
	SCTP_ASSOC_PORT = 5000,
	SCTP_ASSOC_STREAMS = 1024,
	SCTP_ASSOC_MTU = 1156,      /* R29: largest SCTP packet in a 1,200 byte UDP payload */
	SCTP_ASSOC_MTU_SMALL = 532, /* R29: after DTLS fell back to 576 */
};

/* Bytes charged against the budget of one peer connection (R37): one counter that several modules share. */
struct sctp_budget {
	size_t *used; /* NULL: the association counts for itself */
	size_t limit; /* bytes; 0: no limit */
};

/* Fill with sctp_assoc_config_init(), then change what differs. */
struct sctp_assoc_config {
	struct pktbuf_pool *pool; /* of the owner's loop, for poll_transmit; may be NULL */
	uint16_t local_port;
	uint16_t streams;        /* each way, 1..65535; 112 KB for 1,024 */
	size_t max_message_size; /* largest message put together for a channel that is not streamed [bytes]; >= 1 */
	struct sctp_budget budget;
	/*
	 * Called, from any thread and under the stack's lock, when this association has something to poll although its
	 * owner did not call it. Must not call back, block or free; typically writes to an eventfd. May be NULL: the
	 * owner then finds it at its next deadline.
	 */
	void (*wake)(void *user);
	void *wake_user;
	const char *log_parent; /* log prefix ("pc3"); may be NULL */
};

static inline void sctp_assoc_config_init(struct sctp_assoc_config *config)
{
	*config = (struct sctp_assoc_config){
		.local_port = SCTP_ASSOC_PORT,
		.streams = SCTP_ASSOC_STREAMS,
		.max_message_size = SCTP_CHANNEL_MESSAGE_SIZE,
	};
}

/* What is known once DTLS is up and both descriptions are set. */
struct sctp_assoc_start {
	bool dtls_client;               /* our DTLS role: even ids for the client, odd for the server */
	uint16_t remote_port;           /* a=sctp-port of the other side; 5000 */
	size_t mtu;                     /* largest SCTP packet [bytes], a multiple of 4, SCTP_ASSOC_MTU_SMALL or more */
	size_t remote_max_message_size; /* a=max-message-size of the other side; 0: any size */
};

enum sctp_assoc_event_type {
	SCTP_EV_STATE,        /* state, cause, error_code */
	SCTP_EV_CHANNEL_NEW,  /* the other side opened |channel|; it is the caller's from here on (sctp_channel_destroy)
			       */
	SCTP_EV_CHANNEL_OPEN, /* readyState is open */
	SCTP_EV_MESSAGE,      /* sctp_channel_receive() has something; comes again only after it answered false */
	SCTP_EV_WRITABLE,     /* after WLK_ERR_AGAIN: half of the high-water mark is free */
	SCTP_EV_BUFFERED_LOW, /* see sctp_channel_set_buffered_low() */
	SCTP_EV_CHANNEL_CLOSING, /* the other side closes the channel; unread messages stay readable */
	SCTP_EV_CHANNEL_ERROR,   /* the channel is being closed because of |error| */
	SCTP_EV_CHANNEL_CLOSED,  /* both directions are down, or the association is; the last event of a channel */
};

struct sctp_assoc_event {
	enum sctp_assoc_event_type type;
	struct sctp_channel *channel; /* NULL for SCTP_EV_STATE */
	enum sctp_assoc_state state;
	enum sctp_cause cause;
	uint16_t error_code;
	wlk_err error; /* SCTP_EV_CHANNEL_ERROR: WLK_ERR_TOO_LARGE, WLK_ERR_NOSPACE (id above the streams),
			  WLK_ERR_CLOSED */
};

struct sctp_assoc_stats {
	uint64_t packets_sent;
	uint64_t packets_received;
	uint64_t bytes_sent; /* SCTP packets */
	uint64_t bytes_received;
	uint64_t packets_filtered; /* refused by R28's rules */
	uint64_t checksum_errors;
	uint64_t packets_dropped_memory;
	uint64_t dcep_refused;     /* malformed, wrong parity, stream in use or above the limits (R31) */
	uint64_t messages_refused; /* unknown PPID, unknown stream, above max_message_size */
	uint64_t channels_opened;
	uint64_t channels_closed;
	uint64_t channels_requested; /* by us */
	uint64_t channels_accepted;  /* by OPEN of the other side */
	uint64_t chunks_repeated;    /* DATA chunks sent again */
	bool flight_is_known;
	uint64_t flight_size;        /* user data sent and not acknowledged [bytes] */
	bool zero_checksum;          /* RFC 9653 is in use */
	bool has_path;               /* the association is up: what follows is known */
	uint32_t cwnd;               /* bytes */
	uint32_t srtt_us;
	uint32_t rto_us;
	uint32_t peer_rwnd; /* bytes */
	uint32_t unacked;   /* DATA chunks in flight */
	uint32_t mtu;
	uint32_t send_buffer; /* bytes usrsctp may hold for us, and for the receiver */
	uint32_t receive_buffer;
};

/*
 * Make an association in state NEW; channels may be created on it at once. WLK_ERR_INVALID, WLK_ERR_NOMEM. *out only on
 * success. usrsctp holds nothing for it until it is started.
 */
wlk_err sctp_assoc_create(struct sctp_assoc **out, const struct sctp_assoc_config *config) WLK_NODISCARD;
/* Forgets the association without a word on the wire, frees all channels. destroy(NULL) does nothing. */
void sctp_assoc_destroy(struct sctp_assoc *assoc);

/*
 * DTLS is up: send INIT. Both sides call it (simultaneous open, RFC 8841 9.3); packets of the other side are fed
 * afterwards. WLK_ERR_STATE when started or closed before, WLK_ERR_INVALID for impossible params, WLK_ERR_IO when
 * usrsctp refused a socket, WLK_ERR_NOMEM when the budget has no room for its buffers. The first start initialises
 * usrsctp, for good.
 */
wlk_err sctp_assoc_start(struct sctp_assoc *assoc, wlk_time now, const struct sctp_assoc_start *params) WLK_NODISCARD;

/*
 * Feed one decrypted SCTP packet, borrowed for the call. What R28 refuses is counted and dropped. Before start
 * everything is dropped (the other side repeats its INIT). Never blocks, never calls upward.
 */
void sctp_assoc_input(struct sctp_assoc *assoc, wlk_time now, const uint8_t *packet, size_t size);

/* The next SCTP packet to be encrypted, owned by the caller from here on; false: none. */
bool sctp_assoc_poll_transmit(struct sctp_assoc *assoc, wlk_time now, struct pktbuf **out);
/* The next fact; false: none. Also moves what usrsctp received to the channels. */
bool sctp_assoc_poll_event(struct sctp_assoc *assoc, struct sctp_assoc_event *out);
/*
 * Channels open when the far end's INIT ACK comes. It is acted on once the caller says that the events were seen, or 2 ms
 * later, so that the first messages ride with COOKIE ECHO: call it when no event is left to poll, then poll for packets.
 */
void sctp_assoc_events_seen(struct sctp_assoc *assoc, wlk_time now);
/*
 * Whether the path may be dead. Retransmissions then do not back off beyond 300 ms, so that data flows again as soon as there
 * is a path, however long that took; they are a packet each.
 */
void sctp_assoc_set_path_in_doubt(struct sctp_assoc *assoc, wlk_time now, bool doubt);
/*
 * At most so much user data on its way at a time, whatever the path seems to bear [bytes]; 0: no limit of ours. For an owner who lets packets
 * leave at a rate of its own: what is beyond it would only wait between here and there, and look like a long path.
 */
void sctp_assoc_limit_window(struct sctp_assoc *assoc, wlk_time now, size_t bytes);
/* The path takes larger packets than it was started with: |mtu| as in the parameters of the start. Less is ignored. */
void sctp_assoc_raise_mtu(struct sctp_assoc *assoc, wlk_time now, size_t mtu);
/* When handle_timeout() wants to be called; the past when another thread left something to poll. */
wlk_time sctp_assoc_deadline(const struct sctp_assoc *assoc);
void sctp_assoc_handle_timeout(struct sctp_assoc *assoc, wlk_time now);

/*
 * Close. |graceful|: all queued messages first, then SHUTDOWN (state CLOSED follows when the other side agreed).
 * Otherwise ABORT waits in poll_transmit() and the state is CLOSED at once. Idempotent.
 */
void sctp_assoc_close(struct sctp_assoc *assoc, wlk_time now, bool graceful);

enum sctp_assoc_state sctp_assoc_state(const struct sctp_assoc *assoc);
/* Streams that can be used now: what was configured, and what both sides negotiated once connected. */
uint16_t sctp_assoc_streams(const struct sctp_assoc *assoc);
/* The channel that holds this id now, or NULL. */
struct sctp_channel *sctp_assoc_channel(const struct sctp_assoc *assoc, uint16_t id);
/* The other side's limit; SIZE_MAX: any. */
size_t sctp_assoc_remote_max_message_size(const struct sctp_assoc *assoc);
/* A re-offer may change it while the association stays. 0: any size. */
void sctp_assoc_set_remote_max_message_size(struct sctp_assoc *assoc, size_t size);
void sctp_assoc_stats(const struct sctp_assoc *assoc, struct sctp_assoc_stats *out);

#endif
