/* The two ways that a payload travels to a TURN server: ChannelData and Send indications, made in place (RFC 8656 11,
 * 12). */
#ifndef ICE_TURN_FRAME_H
#define ICE_TURN_FRAME_H

#include "core/pktbuf.h"

/*
 * Put the payload in *buf into ChannelData for |channel|, padded to 4 bytes with |pad|; or into a Send indication for
 * |peer|. Where *buf has no room in front or behind, a copy takes its place. False: no memory or random bytes, *buf is
 * as it was. The payload is at most PKTBUF_PAYLOAD bytes.
 */
bool turn_frame_channel(struct pktbuf_pool *pool, struct pktbuf **buf, uint16_t channel, bool pad) WLK_NODISCARD;
bool turn_frame_send(struct pktbuf_pool *pool, struct pktbuf **buf, const wlk_addr *peer) WLK_NODISCARD;

#endif
