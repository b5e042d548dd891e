/* Redundant audio data: several frames in one packet (RFC 2198). */
#ifndef MEDIA_RTP_RED_H
#define MEDIA_RTP_RED_H

#include "core/bytes.h"
#include "core/err.h"

enum {
	RED_BLOCKS_MAX = 32,          /* more than any sender puts into a packet; a packet with more is malformed */
	RED_OFFSET_MAX = (1 << 14) - 1, /* ticks that a redundant block may be older than the packet */
	RED_BLOCK_SIZE_MAX = (1 << 10) - 1,
};

/* One block. The last of a packet is the primary one: offset 0. */
struct red_block {
	uint8_t pt;
	uint16_t offset; /* RTP time of the packet minus that of the block */
	wlk_bytes data;  /* may be empty */
};

/**
 * Split a payload into its blocks, oldest first as sent; views into |payload|.
 * @return how many; 0: malformed
 */
size_t red_parse(struct red_block blocks[RED_BLOCKS_MAX], const uint8_t *payload, size_t size);

/**
 * Write |count| blocks, the last of which is the primary one. Redundant blocks that do not fit the format (older than
 * RED_OFFSET_MAX, longer than RED_BLOCK_SIZE_MAX) are left out. The writer fails when the rest is too large for it.
 */
void red_write(struct bytes_writer *w, const struct red_block *blocks, size_t count);

#endif
