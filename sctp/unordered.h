/* Puts unordered messages together from their fragments, which the packet shim has usrsctp deliver one by one. */
#ifndef SCTP_UNORDERED_H
#define SCTP_UNORDERED_H

#include "core/err.h"

/*
 * Why not usrsctp: version 0.9.5.0 aborts the association, or never opens its window again, when FORWARD-TSN (RFC 3758)
 * abandons an unordered message of several DATA chunks (its issues 592 and 597). A remote maxRetransmits channel is enough.
 * So unordered_expose() makes every unordered DATA chunk of a packet a whole message before usrsctp sees it, and what its
 * B and E flags said travels in the PPID; the TSN comes with sctp_rcvinfo. RFC 9260 3.3.1: the fragments of a message have
 * consecutive TSNs.
 */

/* What one delivered chunk was. */
struct unordered_fragment {
	uint32_t ppid; /* 0 for one above 255: all that we know are below */
	uint32_t tsn;
	bool begins; /* B flag */
	bool ends;   /* E flag */
};

/*
 * Rewrite the unordered DATA chunks of |packet|, which packet_filter_check() accepted, in place. *forward_tsn is set and true answered
 * when the packet has a FORWARD-TSN. The checksum is not kept.
 */
bool unordered_expose(uint8_t *packet, size_t size, uint32_t *forward_tsn);
/* True when unordered_expose() would change something or find a FORWARD-TSN. */
bool unordered_concerns(const uint8_t *packet, size_t size);
/* Read back what the PPID of an unordered message carries. */
struct unordered_fragment unordered_fragment(uint32_t ppid, uint32_t tsn);

struct sctp_channel;
/* The fragment in the read block of |channel|'s association arrived; delivers the message that it completes. Under the lock. */
void unordered_on_fragment(struct sctp_channel *channel, struct unordered_fragment fragment, size_t size);
/* Everything up to |forward_tsn| has been read or is abandoned: drop what can never be completed. */
void unordered_abandon(struct sctp_channel *channel, uint32_t forward_tsn);
/* Drop everything that is incomplete. */
void unordered_drop(struct sctp_channel *channel);

#endif
