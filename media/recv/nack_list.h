/* The sequence numbers that are missing from one stream, and when each is asked for again (RFC 4585 6.2.1). */
#ifndef MEDIA_RECV_NACK_LIST_H
#define MEDIA_RECV_NACK_LIST_H

#include "core/time.h"

enum {
	NACK_LIST_MAX = 1000, /* missing at once; a larger hole is given up */
	NACK_TRIES_MAX = 10,
	NACK_REORDER_US = 5000, /* a number is asked for only when it did not show up by itself for this long */
	NACK_RETRY_MIN_US = 20000,
	NACK_RTT_DEFAULT_US = 100000,
	/*
	 * On a path that loses this much, requests are lost as well: each leaves once more so much later, as do those for what was asked
	 * for in vain. Senders answer one number once in a round trip, so what is sent again for it stays the same.
	 */
	NACK_LOSSY_PERCENT = 4,
	NACK_REPEAT_US = 20000,
	/* What was asked for so often in vain, and for so long, may be overtaken by a key frame. */
	NACK_STUCK_TRIES = 4,
	NACK_STUCK_US = 250000,
};

struct nack_item {
	int64_t seq; /* extended */
	wlk_time due;
	wlk_time missed;     /* when it was found missing */
	wlk_time next_try;   /* while |is_repeated| */
	uint8_t tries;
	bool is_repeated; /* what is due next is the last request once more */
};

struct nack_list {
	struct nack_item *items; /* ascending by seq */
	size_t count;
	size_t capacity;
	wlk_time next_due; /* never later than the earliest item; WLK_TIME_NEVER: nothing is missing */
	bool gave_up;      /* something will not come any more: a key frame is needed; cleared by the reader */
	bool is_stuck;     /* something is asked for in vain; cleared by the reader */
	uint32_t lost_q16; /* share of the packets lately that had to be asked for, of 65,536 */
};

void nack_list_init(struct nack_list *l);
void nack_list_free(struct nack_list *l);

/** Numbers first..last are missing as of |now|. A hole above NACK_LIST_MAX, or no memory, empties the list: gave_up. */
void nack_list_add(struct nack_list *l, int64_t first, int64_t last, wlk_time now);
/** A packet came that had not been sent before: what the share of lost ones is measured against. */
void nack_list_on_packet(struct nack_list *l);
/** True on a path that loses NACK_LOSSY_PERCENT or more. */
bool nack_list_is_lossy(const struct nack_list *l);
/** Whether |seq| is missing. */
bool nack_list_has(const struct nack_list *l, int64_t seq);
/** |seq| arrived; answers whether it had been asked for. */
bool nack_list_remove(struct nack_list *l, int64_t seq);
/** Nobody waits for numbers below |seq| any more; those dropped set gave_up. */
void nack_list_forget_before(struct nack_list *l, int64_t seq);
void nack_list_clear(struct nack_list *l);

/**
 * Take the numbers that are due at |now|, ascending, as 16 bits. Each gets its next moment one round trip and a quarter
 * later, the second and all on a lossy path with a repetition before; after NACK_TRIES_MAX it is given up.
 *
 * @param rtt_us  round trip, 0 when unknown
 * @return how many were written; at most |capacity|, the others stay due
 */
size_t nack_list_take_due(struct nack_list *l, wlk_time now, wlk_time rtt_us, uint16_t *seqs, size_t capacity);

#endif
