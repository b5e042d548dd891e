/* The packet with COOKIE-ECHO and the first messages, repeated until those are acknowledged. */
#ifndef SCTP_EARLY_DATA_H
#define SCTP_EARLY_DATA_H

#include "core/pktbuf.h"

/*
 * usrsctp 0.9.5.0 repeats COOKIE-ECHO without the DATA that it was bundled with, and when the association comes up by the
 * other side's COOKIE-ECHO (both begin at once), it runs no retransmission timer for that DATA: the first message of a
 * connection then arrives many seconds late. The whole packet may be sent again at any time: a COOKIE-ECHO that was
 * answered is answered again, DATA that was received is a duplicate (RFC 9260 5.2.4, 6.2).
 */
struct early_data {
	uint8_t *packet; /* NULL: there is none, or it is acknowledged */
	size_t size;
	uint32_t last_tsn;
	wlk_time due;
	wlk_time interval;
};

void early_data_init(struct early_data *e);
void early_data_free(struct early_data *e);

/* Look at a packet on its way out; a bare COOKIE-ECHO is replaced by the one with the messages. */
void early_data_on_output(struct early_data *e, wlk_time now, struct pktbuf *buf);
/* Look at a packet that came in: a SACK may settle the matter. */
void early_data_on_input(struct early_data *e, const uint8_t *packet, size_t size);

/* When to ask early_data_repeat(); WLK_TIME_NEVER when nothing is kept. */
static inline wlk_time early_data_deadline(const struct early_data *e)
{
	return e->due;
}
/* A copy to send when it is due, else NULL. */
struct pktbuf *early_data_repeat(struct early_data *e, wlk_time now, struct pktbuf_pool *pool);

#endif
