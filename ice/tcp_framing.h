/* Messages in a byte stream: the length before each datagram of RFC 4571 (ICE-TCP), and TURN over TCP (RFC 8656 12.5). */
#ifndef ICE_TCP_FRAMING_H
#define ICE_TCP_FRAMING_H

#include "core/pktbuf.h"

enum {
	TCP_FRAMING_LENGTH_SIZE = 2, /* RFC 4571 2 */
	TCP_FRAMING_HEADER_MAX = 4,  /* bytes that tell where a message ends */
};

enum tcp_framing_kind {
	TCP_FRAMING_RFC4571, /* 16-bit length, then the datagram */
	TCP_FRAMING_TURN,    /* STUN messages as they are, ChannelData padded to a multiple of four */
};

/* Cuts one direction of one stream. Holds at most one packet buffer: the message whose end has not come yet. */
struct tcp_framing {
	enum tcp_framing_kind kind;
	struct pktbuf_pool *pool;
	uint8_t header[TCP_FRAMING_HEADER_MAX];
	size_t header_size;
	struct pktbuf *buf; /* NULL while the header is incomplete, or while a message is skipped for want of memory */
	size_t missing;     /* bytes of the message that are still to come */
	size_t padding;     /* and behind it, to be skipped */
	bool broken;
	uint64_t lost; /* messages skipped because there was no memory */
};

enum tcp_framing_result {
	TCP_FRAMING_MORE,    /* the input is used up */
	TCP_FRAMING_MESSAGE, /* one message is complete; call again for the next */
	TCP_FRAMING_BROKEN,  /* above PKTBUF_PAYLOAD, or nothing of this protocol: close the stream */
};

/* |pool| may be NULL: heap. */
void tcp_framing_init(struct tcp_framing *f, enum tcp_framing_kind kind, struct pktbuf_pool *pool);
void tcp_framing_free(struct tcp_framing *f);

/*
 * Take the next message out of *data, which is advanced behind what was used. On TCP_FRAMING_MESSAGE *out is the
 * caller's: the datagram without its length (RFC 4571), or the STUN or ChannelData message without padding. Empty
 * datagrams are skipped (RFC 4571 allows them, they carry nothing), and so is one that finds no memory, as if the
 * network had lost it. After TCP_FRAMING_BROKEN every call answers that.
 */
enum tcp_framing_result tcp_framing_next(struct tcp_framing *f, wlk_bytes *data, struct pktbuf **out);

/* Put the length of RFC 4571 before |buf|, into its headroom. False: no room, or too long; |buf| is as it was. */
bool tcp_framing_put_length(struct pktbuf *buf);

#endif
