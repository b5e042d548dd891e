/* Changes packets on their way into and out of usrsctp 0.9.5.0, where it errs or lacks an extension. */
#ifndef SCTP_PACKET_SHIM_H
#define SCTP_PACKET_SHIM_H

#include "core/err.h"

/*
 * On the way in (packets that packet_filter_check() accepted; the checksum is not kept, for usrsctp does not look at
 * it):
 *
 * - Unordered DATA. usrsctp aborts the association, or never opens its window again, when FORWARD-TSN (RFC 3758)
 *   abandons an unordered message of several chunks (its issues 592 and 597); a remote maxRetransmits channel is
 *   enough. So every unordered chunk is made a whole message, what its B and E flags said travels in the PPID, and
 *   sctp/unordered.c puts the messages together.
 * - RE-CONFIG answers that are none (RFC 6525 4.1 and 4.4). usrsctp takes the result "In progress", and also the
 *   response sequence number that every outgoing reset request of the other side carries, for the end of its own
 *   request and starts the next, and then streams are used again that the other side did not reset. Both are made to answer
 *   nothing; its timer repeats the request until it is performed.
 */

/*
 * RE-CONFIG requests need one more thing. usrsctp defers a reset whose last TSN it has not reached, and looks at it
 * again only when a further DATA chunk comes after that TSN; often none does, and then the stream is never reset. So a
 * request waits outside until our own SACKs say that its last TSN is reached.
 */

/*
 * When |packet| has an outgoing reset request for more than |cumulative_tsn|, move its chunk out of it: |held| becomes
 * a packet of its own with it, and a PAD chunk (RFC 4820) takes its place. Answers the size of |held|, which has room
 * for |size| bytes, or 0.
 */
size_t packet_shim_hold_reset(uint8_t *packet, size_t size, uint32_t cumulative_tsn, uint8_t *held);

/* True when packet_shim_in() would change something or find a FORWARD-TSN. */
bool packet_shim_concerns(const uint8_t *packet, size_t size);
/* Change |packet| in place. True, and *forward_tsn set, when there is a FORWARD-TSN in it. */
bool packet_shim_in(uint8_t *packet, size_t size, uint32_t *forward_tsn);

/* One unordered chunk as it comes out of usrsctp. */
struct unordered_fragment {
	uint32_t ppid; /* 0 for one above 255: all that we know are below */
	uint32_t tsn;
	bool begins; /* B flag */
	bool ends;   /* E flag */
};

/* Read back what the PPID of an unordered message carries. */
struct unordered_fragment packet_shim_fragment(uint32_t ppid, uint32_t tsn);

/*
 * On the way out: append the parameter of RFC 9653 to a packet that is one INIT ACK. Answers the new size; 0 when the
 * packet does not lend itself to it or |capacity| does not suffice. The caller writes the checksum.
 */
size_t packet_shim_add_zero_checksum(uint8_t *packet, size_t size, size_t capacity);

#endif
