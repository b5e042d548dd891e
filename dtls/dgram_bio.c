/*
 * Surprises of OpenSSL 3.0 that this file answers:
 * - BIO_s_mem glues the records of a flight into one oversized read, and there is no BIO_s_dgram_mem: hence a BIO of
 * our own, where one write is one datagram and one read is at most one.
 * - When the MTU queries stay unanswered, flights leave in pieces of 256 bytes.
 * - The retransmission timer reads the wall clock by gettimeofday(), so that a step of the clock stops it for hours,
 * and it expires inside any read that finds nothing. OpenSSL 3.0 tells its BIO about each start by
 *   BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, with a pointer to the deadline inside the SSL object. We move that deadline out of
 *   reach, run the timer by the time that comes in as an argument, and put the deadline into the past when it is due.
 *   From 3.2 on the pointer leads to a copy on the stack: then the timer stays OpenSSL's, and we only ask it in time.
 */
#include "dtls/dgram_bio.h"

#include <openssl/crypto.h>
#include <limits.h>
#include <string.h>

#include "core/bytes.h"
#include "dtls/record_filter.h"

#define OPENSSL_3_2 0x30200000ul

/* Seconds since 1970 that are past, and far in the future, for any clock. */
enum { LONG_PAST = 1, OUT_OF_REACH = INT_MAX };

/*
 * Where the application data begins that lies behind a flight (false_start.c), or |size|. It leaves by itself: many a server
 * has ears for it only when it is done with the datagram of Finished.
 */
static size_t end_of_flight(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at >= DTLS_RECORD_HEADER) {
		size_t record = DTLS_RECORD_HEADER + (size_t)load_u16(data + at + DTLS_RECORD_HEADER - 2);

		if (at && data[at] == DTLS_RECORD_APPLICATION_DATA)
			return at;
		if (record > size - at)
			break;
		at += record;
	}
	return size;
}

static void write_datagram(struct dgram_bio *d, const uint8_t *data, size_t size)
{
	struct pktbuf *buf;

	assert(size <= PKTBUF_PAYLOAD && "OpenSSL keeps to the MTU it was given, and dtls_transport_send() to DTLS_DATA_MAX");
	buf = pktbuf_copy(d->pool, data, size);
	if (buf)
		dgram_bio_push(d, buf);
	else
		d->lost++;
}

static int dgram_write(BIO *bio, const char *data, int size)
{
	struct dgram_bio *d = BIO_get_data(bio);
	const uint8_t *bytes = (const uint8_t *)data;
	size_t flight;

	BIO_clear_retry_flags(bio);
	if (size <= 0)
		return 0;
	flight = end_of_flight(bytes, (size_t)size);
	write_datagram(d, bytes, flight);
	if (flight < (size_t)size)
		write_datagram(d, bytes + flight, (size_t)size - flight);
	return size;
}

static int dgram_read(BIO *bio, char *out, int size)
{
	struct dgram_bio *d = BIO_get_data(bio);
	size_t count;

	BIO_clear_retry_flags(bio);
	if (!d->in || size <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	count = MIN(d->in_size, (size_t)size);
	memcpy(out, d->in, count);
	d->in = NULL; /* what did not fit is lost, as with a socket */
	d->in_size = 0;
	return (int)count;
}

static void on_timer(struct dgram_bio *d, struct timeval *tv)
{
	d->timer_armed = tv->tv_sec != 0 || tv->tv_usec != 0;
	d->timer_changed = true;
	if (!d->timer_held)
		return;
	d->timer = tv;
	if (d->timer_armed)
		tv->tv_sec = OUT_OF_REACH;
}

static long dgram_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct dgram_bio *d = BIO_get_data(bio);

	(void)num;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_PENDING:
		return d->in ? (long)d->in_size : 0;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return (long)d->mtu;
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		on_timer(d, ptr);
		return 1;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: /* the MTU is one of the UDP payload */
	case BIO_CTRL_WPENDING:
	default:
		return 0;
	}
}

BIO_METHOD *dgram_bio_method_create(void)
{
	/* No BIO_get_new_index(): it is a process-wide counter that ends at 255. */
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wirelark datagrams");

	if (!method)
		return NULL;
	if (BIO_meth_set_write(method, dgram_write) != 1 || BIO_meth_set_read(method, dgram_read) != 1 ||
	    BIO_meth_set_ctrl(method, dgram_ctrl) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

void dgram_bio_init(struct dgram_bio *d, struct pktbuf_pool *pool, size_t mtu)
{
	memset(d, 0, sizeof(*d));
	d->pool = pool;
	d->mtu = mtu;
	d->timer_held = OpenSSL_version_num() < OPENSSL_3_2;
}

void dgram_bio_free(struct dgram_bio *d)
{
	struct pktbuf *buf;

	while ((buf = dgram_bio_pop(d)))
		pktbuf_release(buf);
}

BIO *dgram_bio_open(struct dgram_bio *d, BIO_METHOD *method)
{
	BIO *bio = BIO_new(method);

	d->in = NULL;
	d->in_size = 0;
	d->timer = NULL;
	d->timer_armed = false;
	d->timer_changed = false;
	if (!bio)
		return NULL;
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	return bio;
}

void dgram_bio_push(struct dgram_bio *d, struct pktbuf *buf)
{
	if (d->out_count >= DGRAM_BIO_OUT_MAX) {
		pktbuf_release(buf);
		d->lost++;
		return;
	}
	buf->next = NULL;
	if (d->out_tail)
		d->out_tail->next = buf;
	else
		d->out_head = buf;
	d->out_tail = buf;
	d->out_count++;
}

struct pktbuf *dgram_bio_pop(struct dgram_bio *d)
{
	struct pktbuf *buf = d->out_head;

	if (!buf)
		return NULL;
	d->out_head = buf->next;
	if (!d->out_head)
		d->out_tail = NULL;
	d->out_count--;
	buf->next = NULL;
	return buf;
}

void dgram_bio_expire_timer(struct dgram_bio *d)
{
	if (d->timer && d->timer_armed)
		d->timer->tv_sec = LONG_PAST;
}
