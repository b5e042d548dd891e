/* Which protocol a datagram belongs to, by its first byte (RFC 7983) and the smallest size that protocol has (R1). */
#ifndef PEER_DEMUX_H
#define PEER_DEMUX_H

#include "core/err.h"

enum demux_class { DEMUX_DROP, DEMUX_STUN, DEMUX_DTLS, DEMUX_TURN_CHANNEL, DEMUX_RTP, DEMUX_RTCP };

/* Sizes are checked before any other byte is read; above 2048 bytes is DEMUX_DROP. */
static inline enum demux_class demux_classify(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 2048)
		return DEMUX_DROP;
	if (data[0] <= 3)
		return size >= 20 ? DEMUX_STUN : DEMUX_DROP;
	if (data[0] >= 20 && data[0] <= 63)
		return size >= 13 ? DEMUX_DTLS : DEMUX_DROP;
	if (data[0] >= 64 && data[0] <= 79)
		return size >= 4 ? DEMUX_TURN_CHANNEL : DEMUX_DROP;
	if (data[0] >= 128 && data[0] <= 191) {
		/* RFC 5761 4: RTCP packet types 192..223 stand where RTP has marker and payload type. */
		if (size >= 8 && data[1] >= 192 && data[1] <= 223)
			return DEMUX_RTCP;
		return size >= 12 ? DEMUX_RTP : DEMUX_DROP;
	}
	return DEMUX_DROP;
}

#endif
