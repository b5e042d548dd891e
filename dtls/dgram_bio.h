/* A BIO in which one write is one datagram, and through which OpenSSL's retransmission timer is held by us. */
#ifndef DTLS_DGRAM_BIO_H
#define DTLS_DGRAM_BIO_H

#include <openssl/bio.h>
#include <sys/time.h>

#include "core/pktbuf.h"

enum { DGRAM_BIO_OUT_MAX = 1024 };

struct dgram_bio {
	const uint8_t *in; /* the datagram to be read next, borrowed; NULL: would block */
	size_t in_size;

	struct pktbuf *out_head; /* datagrams written, oldest first */
	struct pktbuf *out_tail;
	size_t out_count;
	struct pktbuf_pool *pool;
	uint64_t lost; /* writes that found no memory or no room: for DTLS the same as lost on the way */
	size_t mtu;    /* answered to OpenSSL's questions */

	bool timer_armed;   /* OpenSSL waits for an answer of the peer */
	bool timer_changed; /* since it was last looked at */
	bool timer_held;    /* by us: see dgram_bio_expire_timer() */
	struct timeval *timer;
};

/* The method is per context, not per process. NULL when memory is out; free with BIO_meth_free(). */
BIO_METHOD *dgram_bio_method_create(void);

void dgram_bio_init(struct dgram_bio *d, struct pktbuf_pool *pool, size_t mtu);
/* Releases what was not popped. */
void dgram_bio_free(struct dgram_bio *d);
/* A BIO whose state is |d|, which must outlive it. NULL when memory is out. Forgets the timer of an earlier one. */
BIO *dgram_bio_open(struct dgram_bio *d, BIO_METHOD *method);

/* The oldest datagram, owned by the caller, or NULL. */
struct pktbuf *dgram_bio_pop(struct dgram_bio *d);
/* Append; takes |buf| over, and releases it when there is no room. */
void dgram_bio_push(struct dgram_bio *d, struct pktbuf *buf);

/* Make the next DTLSv1_handle_timeout() find the timer expired, whatever the wall clock says. */
void dgram_bio_expire_timer(struct dgram_bio *d);

#endif
