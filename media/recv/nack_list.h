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
};

struct nack_item {
	int64_t seq; /* extended */
	wlk_time due;
	uint8_t tries;
};

struct nack_list {
	struct nack_item *items; /* ascending by seq */
	size_t count;
	size_t capacity;
	wlk_time next_due; /* never later than the earliest item; WLK_TIME_NEVER: nothing is missing */
	bool gave_up;      /* something will not come any more: a key frame is needed; cleared by the reader */
};

void nack_list_init(struct nack_list *l);
void nack_list_free(struct nack_list *l);

/** Numbers first..last are missing as of |now|. A hole above NACK_LIST_MAX, or no memory, empties the list: gave_up. */
void nack_list_add(struct nack_list *l, int64_t first, int64_t last, wlk_time now);
/** Whether |seq| is missing. */
bool nack_list_has(const struct nack_list *l, int64_t seq);
/** |seq| arrived; answers whether it had been asked for. */
bool nack_list_remove(struct nack_list *l, int64_t seq);
/** Nobody waits for numbers below |seq| any more; those dropped set gave_up. */
void nack_list_forget_before(struct nack_list *l, int64_t seq);
void nack_list_clear(struct nack_list *l);

/**
 * Take the numbers that are due at |now|, ascending, as 16 bits. Each gets its next moment one round trip and a quarter
 * later; after NACK_TRIES_MAX it is given up.
 *
 * @param rtt_us  round trip, 0 when unknown
 * @return how many were written; at most |capacity|, the others stay due
 */
size_t nack_list_take_due(struct nack_list *l, wlk_time now, wlk_time rtt_us, uint16_t *seqs, size_t capacity);

#endif
