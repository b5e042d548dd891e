/* Finds the number in the sent history of a packet that feedback names by SSRC and RTP sequence number (RFC 8888). */
#ifndef MEDIA_CC_SENT_RTP_H
#define MEDIA_CC_SENT_RTP_H

#include "core/err.h"

enum { SENT_RTP_SIZE = 8192 }; /* packets that can be found, fewer when their places collide */

struct sent_rtp_entry {
	uint32_t ssrc;
	uint16_t seq, number;
	bool used;
};

struct sent_rtp {
	struct sent_rtp_entry *entries; /* NULL until the first packet */
};

void sent_rtp_free(struct sent_rtp *s);
/** A packet left, with |number| in the history. Without memory it will not be found. */
void sent_rtp_add(struct sent_rtp *s, uint32_t ssrc, uint16_t seq, uint16_t number);
/** False: it is not known, or too old. */
bool sent_rtp_find(const struct sent_rtp *s, uint32_t ssrc, uint16_t seq, uint16_t *number);

#endif
