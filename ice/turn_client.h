/* A TURN client (RFC 8656): one UDP allocation on one server over one 5-tuple or stream; a machine without I/O. */
#ifndef ICE_TURN_CLIENT_H
#define ICE_TURN_CLIENT_H

#include "core/pktbuf.h"
#include "core/time.h"
#include "ice/turn_auth.h"

/*
 * How to drive it: after every call that takes |now|, pull poll_transmit and poll_event until they answer false; call
 * handle_timeout when the deadline has come. Whether its bytes travel as datagrams or on a stream is the caller's
 * affair: each input is one STUN message or one ChannelData message, and so is each output, padded to 4 on streams.
 *
 *   create -> start -> ALLOCATED -> permit (each peer), wrap, input and unwrap -> close
 *
 * The timers, in plain words:
 *  - A request over UDP is repeated after the measured round trip (250 ms while none is known) and then at intervals
 * that double up to 500 ms; after 10 s it is given up. Over a stream it is sent once.
 *  - The allocation is refreshed 60 s before it ends, or when 5/6 of a lifetime under 6 minutes is over, and again and
 *    again until it has ended.
 *  - Permissions live 5 minutes and are renewed after 4; channels live 10 minutes and are renewed after 5.
 *  - A permission that was refused is asked for again every 5 minutes, and when somebody wants it again after 10 s.
 *  - A channel's number stays with its peer until 5 minutes after the binding has ended (RFC 8656 12).
 *  - Over UDP, 20 s of silence are broken by a Binding indication, so that a NAT keeps the way to the server open.
 */
enum {
	TURN_PERMISSIONS_MAX = 128, /* peers' IPs; when one more is wanted, the one that was used least lately goes */
	TURN_CHANNELS_MAX = 32,
	TURN_REQUESTS_MAX = 8,    /* under way at a time */
	TURN_AUTH_ROUNDS_MAX = 3, /* 401 and 438 to one request (R11) */
	TURN_FIRST_RTO_US = 250000,
	TURN_RTO_MIN_US = 60000,
	TURN_RTO_MAX_US = 500000,
	TURN_GIVE_UP_US = 10000000,
	TURN_PERMISSION_LIFE_US = 300000000,
	TURN_PERMISSION_REFRESH_US = 240000000,
	TURN_REFUSED_RETRY_US = 300000000, /* a server's policy may change */
	TURN_REFUSED_REST_US = 10000000,   /* however often a peer's candidates are wanted again */
	TURN_CHANNEL_LIFE_US = 600000000,
	TURN_CHANNEL_REFRESH_US = 300000000,
	TURN_CHANNEL_REST_US = 300000000,
	TURN_KEEPALIVE_US = 20000000,
	TURN_PROBE_US = 5000000,
	TURN_RETRY_US = 1000000, /* after a request that could not be sent or was not answered */
	TURN_CHANNEL_MIN = 0x4000,
	TURN_CHANNEL_MAX = 0x4fff,
	TURN_CHANNEL_HEADER_SIZE = 4,
	TURN_UNREACHABLE = 701, /* W3C webrtc 4.8.2: no answer, or none that is of use */
};

struct turn_client;

enum turn_state { TURN_NEW, TURN_ALLOCATING, TURN_ALLOCATED, TURN_REDIRECTED, TURN_FAILED, TURN_CLOSED };

struct turn_client_config {
	struct pktbuf_pool *pool; /* for outgoing messages; NULL: heap */
	const char *log_parent;   /* copied */
	bool reliable;            /* a stream: nothing is repeated, ChannelData is padded (RFC 8656 12.5) */
	uint8_t family;           /* of the relayed address: 4, or 6, which falls back to 4 where the server has none */
	struct turn_credentials *credentials; /* gets a reference */
};

enum turn_event_type {
	TURN_EVENT_ALLOCATED,  /* |relayed|, |mapped| (family 0: the server did not say) */
	TURN_EVENT_FAILED,     /* |error_code|, |reason|: no allocation, or it is lost when |was_allocated| */
	TURN_EVENT_REDIRECTED, /* |alternate|: ask there (RFC 8656 7.4, 300); the caller limits the hops */
	TURN_EVENT_PERMISSION, /* |peer| (port 0), |granted|; |late|: what was sent there before is lost. A refused one may be
				* granted later */
};

struct turn_event {
	enum turn_event_type type;
	wlk_addr relayed;
	wlk_addr mapped;
	wlk_addr alternate;
	wlk_addr peer;
	bool granted;
	bool late;
	bool was_allocated;
	uint16_t error_code; /* STUN's, or TURN_UNREACHABLE */
	struct str reason;   /* borrowed until the next call */
};

/* *out is written on success only. WLK_ERR_NOMEM. */
wlk_err turn_client_create(struct turn_client **out, const struct turn_client_config *config) WLK_NODISCARD;
/* Wipes the credentials. destroy(NULL) does nothing. */
void turn_client_destroy(struct turn_client *c);

/* Send the Allocate request; once. |rto|: the round trip to the server if known, else 0. */
void turn_client_start(struct turn_client *c, wlk_time now, wlk_time rtt);

/* Use others from the next request on; a request that was refused because of the old ones is made again at once. */
void turn_client_set_credentials(struct turn_client *c, wlk_time now, struct turn_credentials *credentials);

/* Nothing comes through any more: refresh the allocation at once, to learn whether it is still there; every 5 s at
 * most. */
void turn_client_probe(struct turn_client *c, wlk_time now);

/*
 * Permit |peer|'s IP, from then on. The request leaves with the next handle_timeout(), which is due at once: one
 * request serves several peers. Asking twice costs nothing; after a refusal the server is asked once more.
 */
void turn_client_permit(struct turn_client *c, wlk_time now, const wlk_addr *peer);
/* Bind a channel to |peer|, whose permission comes with it. Until it is there, and without one, wrap() does it by Send.
 */
void turn_client_bind(struct turn_client *c, wlk_time now, const wlk_addr *peer);

/*
 * Put the payload in *buf into ChannelData, or a Send indication while there is no channel, in place where the buffer
 * has room in front, else in a copy that takes its place. False: no allocation, no permission asked for, too large, no
 * memory; *buf is as it was.
 */
bool turn_client_wrap(struct turn_client *c, wlk_time now, const wlk_addr *peer, struct pktbuf **buf) WLK_NODISCARD;

/*
 * Feed one STUN message from the server. True: it was a Data indication of a permitted peer (R11); |peer| and |payload|
 * are set, the payload points into |data|. Everything else was taken care of or counted and dropped.
 */
bool turn_client_input(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size, wlk_addr *peer,
		       wlk_bytes *payload) WLK_NODISCARD;
/* The same for a ChannelData message; its length must fit |size| (R11), what is behind it is padding. */
bool turn_client_unwrap(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size, wlk_addr *peer,
			wlk_bytes *payload) WLK_NODISCARD;

/* The next message for the server; the caller owns it. */
bool turn_client_poll_transmit(struct turn_client *c, wlk_time now, struct pktbuf **out) WLK_NODISCARD;
bool turn_client_poll_event(struct turn_client *c, struct turn_event *out) WLK_NODISCARD;
wlk_time turn_client_deadline(const struct turn_client *c);
void turn_client_handle_timeout(struct turn_client *c, wlk_time now);

/* Give the allocation back: one Refresh with lifetime 0 is left for poll_transmit. Idempotent. */
void turn_client_close(struct turn_client *c);

enum turn_state turn_client_state(const struct turn_client *c);

/* They only grow. */
struct turn_client_stats {
	uint64_t malformed; /* no STUN message, or ChannelData that is longer than what arrived (R11) */
	uint64_t unknown_transaction;
	uint64_t bad_integrity; /* responses without good integrity to signed requests */
	uint64_t unpermitted;   /* data from peers without permission, or on unknown channels (R11) */
	uint64_t challenges;    /* 401 and 438 */
	uint64_t requests_sent; /* repetitions included */
	uint64_t out_of_memory;
};
void turn_client_get_stats(const struct turn_client *c, struct turn_client_stats *out);

#endif
