/*
 * Puts unordered messages together from their fragments, which the packet shim has usrsctp deliver one by one. The
 * fragments of a message have consecutive TSNs (RFC 9260 3.3.1).
 */
#ifndef SCTP_UNORDERED_H
#define SCTP_UNORDERED_H

#include "sctp/packet_shim.h"

struct sctp_channel;
/*
 * The fragment in the read block of |channel|'s association arrived; delivers the message that it completes. Under the
 * lock.
 */
void unordered_on_fragment(struct sctp_channel *channel, struct unordered_fragment fragment, size_t size);
/* Everything up to |forward_tsn| has been read or is abandoned: drop what can never be completed. */
void unordered_abandon(struct sctp_channel *channel, uint32_t forward_tsn);
/* Drop everything that is incomplete. */
void unordered_drop(struct sctp_channel *channel);

#endif
