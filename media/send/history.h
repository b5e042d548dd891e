/* The packets that one stream sent lately, by sequence number, to answer NACKs from. */
#ifndef MEDIA_SEND_HISTORY_H
#define MEDIA_SEND_HISTORY_H

#include "core/pktbuf.h"
#include "core/time.h"

enum {
	HISTORY_MAX = 1024,
	HISTORY_AGE_US = 1000000,
};

/* One sent packet: plaintext when RTX wraps it again, ciphertext when it is repeated as it was (R20). */
struct history_item {
	struct pktbuf *buf; /* NULL: empty */
	uint16_t seq;
	uint8_t rtx_pt;       /* RTP_PT_NONE: |buf| is protected */
	uint16_t twcc_offset; /* where the stamps stand in |buf|; 0: not there */
	uint16_t time_offset;
	uint16_t rid_offset; /* where the data of the rid element stands; 0: not there */
	uint16_t header_size;
	wlk_time sent;
	wlk_time resent; /* 0: never */
	uint8_t answers; /* to requests for it; stops at 255 */
	bool is_copy;    /* |buf| is our own, by history_copy() */
};

struct history {
	struct history_item *items; /* HISTORY_MAX, indexed by seq modulo; NULL until the first packet */
	size_t count;
	uint16_t oldest; /* no packet before this one is inside */
	struct pktbuf *spare; /* memory for the next copy, of the one that was pushed out last; or NULL */
};

void history_init(struct history *h);
void history_free(struct history *h);

/** Keep a sent packet; takes |item->buf| over. What is older than 1 s or pushed out is released. */
void history_put(struct history *h, wlk_time now, const struct history_item *item);

/**
 * Keep a copy of |packet|, of at most PKTBUF_PAYLOAD bytes; the other members of |item| say what it is. Without memory it is
 * not kept.
 */
void history_copy(struct history *h, struct pktbuf_pool *pool, wlk_time now, const struct pktbuf *packet,
		  const struct history_item *item);

/** The packet |seq|, or NULL when it is not there or older than 1 s. */
struct history_item *history_find(struct history *h, wlk_time now, uint16_t seq);

/** Release what is older than 1 s. */
void history_expire(struct history *h, wlk_time now);

#endif
