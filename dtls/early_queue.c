#include "dtls/early_queue.h"

#include "dtls/record_filter.h"

void dtls_early_queue_init(struct dtls_early_queue *q, struct pktbuf_pool *pool, size_t limit)
{
	*q = (struct dtls_early_queue){ .pool = pool, .limit = limit };
}

void dtls_early_queue_clear(struct dtls_early_queue *q)
{
	struct pktbuf *buf;

	while ((buf = dtls_early_queue_pop(q)))
		pktbuf_release(buf);
}

bool dtls_early_queue_push(struct dtls_early_queue *q, const uint8_t *data, size_t size)
{
	struct pktbuf *buf = NULL;

	if (size > 0 && size <= PKTBUF_PAYLOAD && q->count < q->limit)
		buf = pktbuf_copy(q->pool, data, size);
	if (!buf) {
		q->drops++;
		return false;
	}
	buf->next = NULL;
	if (q->tail)
		q->tail->next = buf;
	else
		q->head = buf;
	q->tail = buf;
	q->count++;
	return true;
}

bool dtls_early_queue_push_hello(struct dtls_early_queue *q, const uint8_t *data, size_t size)
{
	if (!dtls_is_client_hello(data, size)) {
		q->drops++;
		return false;
	}
	return dtls_early_queue_push(q, data, size);
}

struct pktbuf *dtls_early_queue_pop(struct dtls_early_queue *q)
{
	struct pktbuf *buf = q->head;

	if (!buf)
		return NULL;
	q->head = buf->next;
	if (!q->head)
		q->tail = NULL;
	q->count--;
	buf->next = NULL;
	return buf;
}

bool dtls_is_client_hello(const uint8_t *data, size_t size)
{
	struct dtls_record record;

	return dtls_record_next(&data, &size, &record) && record.type == DTLS_RECORD_HANDSHAKE && record.epoch == 0 &&
	       record.size > 0 && record.body[0] == DTLS_MESSAGE_CLIENT_HELLO;
}
