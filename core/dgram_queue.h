/* Datagrams with their addresses, and a FIFO of them bounded by count. */
#ifndef CORE_DGRAM_QUEUE_H
#define CORE_DGRAM_QUEUE_H

#include "core/pktbuf.h"

/*
 * One datagram on its way; owns |buf|. |local| is the base it leaves from, |remote| where it goes. With |stream| the bytes
 * are the next ones of that stream; |local| and |remote| are its ends then and need not be looked at.
 */
struct dgram {
	wlk_addr local;
	wlk_addr remote;
	uint32_t stream; /* 0: a datagram */
	struct pktbuf *buf;
};

struct dgram_queue {
	struct dgram *items;
	size_t capacity;
	size_t first;
	size_t count;
	size_t limit;   /* most items it ever holds */
	uint64_t drops; /* pushes refused because of the limit or memory */
};

void dgram_queue_init(struct dgram_queue *q, size_t limit);
/* Releases what is still inside. */
void dgram_queue_free(struct dgram_queue *q);
/* Takes |d.buf| over in every case: a refused datagram is released and counted in drops; answers whether it was kept. */
bool dgram_queue_push(struct dgram_queue *q, struct dgram d);
/* The oldest; the caller owns its buffer. */
bool dgram_queue_pop(struct dgram_queue *q, struct dgram *out);
static inline bool dgram_queue_empty(const struct dgram_queue *q)
{
	return q->count == 0;
}

#endif
