/* As much of a STUN message as tells whose it is: class, transaction id and the ufrag that a check names. */
#ifndef NET_STUN_PEEK_H
#define NET_STUN_PEEK_H

#include "core/text.h"
#include "ice/stun_msg.h"

struct stun_peek {
	enum stun_class class;
	const uint8_t *txid; /* STUN_TXID_SIZE bytes */
	struct str ufrag;    /* of a request: what stands before the ':' of USERNAME (RFC 8445 7.2.2); empty: none */
};

/*
 * Look into one datagram, or the whole of one frame. True: it has the header of a STUN message and its whole length
 * (RFC 8489 5). Nothing is authenticated and FINGERPRINT is not looked at: who gets the message parses it again. Views
 * point into |data|.
 */
bool stun_peek(struct stun_peek *out, const uint8_t *data, size_t size);

#endif
