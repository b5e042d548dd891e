/* Puts the packets of one stream into sequence order: holds what is ahead of a hole for a limited time (R25). */
#ifndef MEDIA_RECV_REORDER_H
#define MEDIA_RECV_REORDER_H

#include "core/pktbuf.h"
#include "core/time.h"

enum {
	REORDER_MAX = 1024,    /* packets held, and the span of sequence numbers between the hole and the newest */
	REORDER_ALL_MAX = 2048 /* packets that all streams of a peer hold together (R37): 4.7 MB */
};

struct reorder_slot {
	struct pktbuf *buf; /* NULL: empty */
	wlk_time arrival;
	bool is_recovered;
};

struct reorder {
	struct reorder_slot *slots; /* REORDER_MAX of them, indexed by seq modulo; NULL until something has to wait */
	size_t held;
	size_t *all; /* packets held with those of the peer's other streams; NULL: nobody counts them. The owner sets it, and it outlives this */
	bool started;
	int64_t next; /* extended sequence number that goes out next */
	int64_t highest;
	wlk_time hold_us;
	wlk_time deadline; /* when the hole in front is given up; WLK_TIME_NEVER: nothing is held */
};

struct reorder_out {
	struct pktbuf *buf;
	int64_t seq;
	wlk_time arrival;
	bool is_recovered;
};

enum reorder_verdict {
	REORDER_NEXT,  /* it is the next one: not taken over, the caller delivers it at once, then drains */
	REORDER_HELD,  /* taken over */
	REORDER_LATE,  /* its place went by, or it is a duplicate: not taken over */
	REORDER_NOMEM, /* no memory, or all streams together hold what they may: not taken over */
};

void reorder_init(struct reorder *r, wlk_time hold_us);
/** Releases what is held. */
void reorder_free(struct reorder *r);
/** Begin anew at the next packet; what is held is released. */
void reorder_reset(struct reorder *r);

/**
 * Offer a packet. When it is too far ahead, call reorder_skip_for() first. |arrival| is also the moment from which a
 * hole in front of it is waited for.
 */
enum reorder_verdict reorder_put(struct reorder *r, int64_t seq, struct pktbuf *buf, wlk_time arrival,
				 bool is_recovered);

/** True while |seq| is too far ahead for the buffer: pop with |give_up| true until it is not. */
bool reorder_is_far(const struct reorder *r, int64_t seq);

/** True while nothing more can be held. */
bool reorder_is_full(const struct reorder *r);

/**
 * The next packet that may go out. The caller owns the buffer.
 * @param give_up  do not wait for what is missing in front of the oldest held packet
 */
bool reorder_pop(struct reorder *r, struct reorder_out *out, bool give_up);

/** What is held for |seq|; NULL: nothing. */
const struct reorder_slot *reorder_peek(const struct reorder *r, int64_t seq);

/** With nothing held and a far jump of the sequence numbers: go on at |seq|. */
void reorder_skip_to(struct reorder *r, int64_t seq);

#endif
