/* What a sender of sound repeats: the last packets, once more in each new one (RFC 2198). */
#ifndef MEDIA_SEND_REDUNDANCY_H
#define MEDIA_SEND_REDUNDANCY_H

#include "media/rtp/red.h"

enum { REDUNDANCY_MAX = 4 /* earlier packets in one */ };

struct redundant_packet {
	uint8_t pt;
	uint32_t timestamp;
	uint16_t size;
	uint8_t data[RED_BLOCK_SIZE_MAX];
};

struct redundancy {
	size_t distance;  /* how many earlier packets each new one repeats; 0: none */
	size_t count;     /* known ones */
	size_t next;      /* where the next one goes */
	struct redundant_packet packets[REDUNDANCY_MAX];
};

void redundancy_init(struct redundancy *r);
/** At most REDUNDANCY_MAX. What is known stays. */
void redundancy_set_distance(struct redundancy *r, size_t distance);

/**
 * Write the payload of a RED packet with |primary| and, in front of it, what was sent before: the latest ones first to stay when
 * |max_size| is short. |primary| is remembered. Older ones than RED_OFFSET_MAX ticks, and those longer than RED_BLOCK_SIZE_MAX,
 * are left out.
 *
 * @param out  fails only when not even the primary block fits
 * @return how many blocks were repeated
 */
size_t redundancy_write(struct redundancy *r, struct bytes_writer *out, size_t max_size, uint8_t pt, uint32_t timestamp, wlk_bytes primary);

#endif
