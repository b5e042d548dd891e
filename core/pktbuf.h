/* Counted packet buffers with room before and behind the payload, from a pool that belongs to one loop thread. */
#ifndef CORE_PKTBUF_H
#define CORE_PKTBUF_H

#include "core/err.h"

enum {
	PKTBUF_HEADROOM = 64,  /* TURN ChannelData and Send indication headers go here */
	PKTBUF_TAILROOM = 176, /* SRTP tag and MKI space that libsrtp wants behind the packet */
	PKTBUF_PAYLOAD = 2048, /* a datagram above this is dropped (R1) */
	PKTBUF_SLAB = 65535,   /* one receive of datagrams that the kernel glued together (R1) */
};

struct pktbuf_pool;

/*
 * One view into a block of memory. Not thread-safe: a buffer stays on the thread of its pool.
 * The payload is data[0..size); the bytes from |room| to |room_end| may be written by the owner of the view.
 */
struct pktbuf {
	uint8_t *data;
	size_t size;
	uint8_t *room;
	uint8_t *room_end;
	wlk_time arrival;    /* when the kernel received it, on the clock of `now`; 0: not known */
	struct pktbuf *next; /* for whoever owns the buffer at the moment: queues link through it */

	/* private to pktbuf.c */
	uint32_t refs;
	struct pktbuf *slab; /* the block that a slice points into, else NULL */
	struct pktbuf_pool *pool;
};

/*
 * Create a pool that keeps up to |max_spare| free buffers of PKTBUF_PAYLOAD for reuse, and a few of PKTBUF_SLAB.
 * NULL when memory is out.
 */
struct pktbuf_pool *pktbuf_pool_create(size_t max_spare);
/* All buffers must be back (asserted). destroy(NULL) does nothing. */
void pktbuf_pool_destroy(struct pktbuf_pool *pool);
/* Buffers handed out and not yet released. */
size_t pktbuf_pool_in_use(const struct pktbuf_pool *pool);

/*
 * An empty buffer: data after PKTBUF_HEADROOM, size 0, room for |payload| bytes and PKTBUF_TAILROOM.
 * Up to PKTBUF_PAYLOAD, and PKTBUF_SLAB itself, are sizes that the pool reuses.
 * |pool| may be NULL: then the memory comes from the heap each time. NULL when memory is out.
 */
struct pktbuf *pktbuf_alloc(struct pktbuf_pool *pool, size_t payload);
/* A buffer that holds a copy of |data|. */
struct pktbuf *pktbuf_copy(struct pktbuf_pool *pool, const void *data, size_t size);
/*
 * A view of slab->data[offset..offset+size) that keeps |slab| alive; its room ends with the view, so it may
 * be changed in place and may shrink, but not grow. For datagrams that the kernel glued together (UDP_GRO).
 */
struct pktbuf *pktbuf_slice(struct pktbuf *slab, size_t offset, size_t size);

/* Give one reference back; release(NULL) does nothing. */
void pktbuf_release(struct pktbuf *buf);

static inline struct pktbuf *pktbuf_ref(struct pktbuf *buf)
{
	buf->refs++;
	return buf;
}

static inline size_t pktbuf_headroom(const struct pktbuf *buf)
{
	return (size_t)(buf->data - buf->room);
}

static inline size_t pktbuf_tailroom(const struct pktbuf *buf)
{
	return (size_t)(buf->room_end - buf->data) - buf->size;
}

#endif
