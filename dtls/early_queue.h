/* A short bounded FIFO of datagrams that arrived before they could be used, to be replayed once (R12, R13, R16). */
#ifndef DTLS_EARLY_QUEUE_H
#define DTLS_EARLY_QUEUE_H

#include "core/pktbuf.h"

enum {
	DTLS_EARLY_HELLO_LIMIT = 4,   /* ClientHello datagrams kept for a peer before a pair is valid (R12) */
	DTLS_EARLY_SEALED_LIMIT = 8,  /* datagrams with epoch-1 records kept before Finished (R13) */
	DTLS_EARLY_PENDING_LIMIT = 32 /* datagrams kept until the fingerprint is known: 64 KB (R16) */
};

struct dtls_early_queue {
	struct pktbuf *head;
	struct pktbuf *tail;
	struct pktbuf_pool *pool; /* copies come from here; NULL: from the heap */
	size_t count;
	size_t limit;
	uint64_t drops; /* refused: full, too large, not a ClientHello, or no memory */
};

void dtls_early_queue_init(struct dtls_early_queue *q, struct pktbuf_pool *pool, size_t limit);
/* Releases what is still inside; the queue stays usable. */
void dtls_early_queue_clear(struct dtls_early_queue *q);

/**
 * Keep a copy of a datagram of 1..2048 bytes; answers whether it was kept. When the queue is full the newest is
 * dropped, so that a flood behind the first ClientHello cannot push it out.
 */
bool dtls_early_queue_push(struct dtls_early_queue *q, const uint8_t *data, size_t size);

/**
 * R12, for the peer: like push, but only datagrams that start with a plaintext ClientHello fragment are kept. When the
 * pair they came from turns out valid, pop each and give it to dtls_transport_input(); when another one does, clear.
 */
bool dtls_early_queue_push_hello(struct dtls_early_queue *q, const uint8_t *data, size_t size);

/* The oldest, owned by the caller, or NULL. */
struct pktbuf *dtls_early_queue_pop(struct dtls_early_queue *q);

/* True when the first record of the datagram is an epoch-0 handshake record that starts with a ClientHello fragment. */
bool dtls_is_client_hello(const uint8_t *data, size_t size);

#endif
