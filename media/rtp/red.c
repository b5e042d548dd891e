#include "media/rtp/red.h"

/* RFC 2198 3
 * |1|   block PT  |  timestamp offset         |   block length    |   of each redundant block
 * |0|   block PT  |                                                 of the primary one
 */
enum { MORE = 0x80 };

size_t red_parse(struct red_block blocks[RED_BLOCKS_MAX], const uint8_t *payload, size_t size)
{
	struct bytes_reader r = bytes_reader(payload, size);
	size_t count = 0;
	uint8_t head;

	while ((head = bytes_u8(&r)) & MORE) {
		uint32_t rest = bytes_u24(&r);

		if (count == RED_BLOCKS_MAX - 1)
			return 0;
		blocks[count++] = (struct red_block){ head & 0x7f, (uint16_t)(rest >> 10), { NULL, rest & 0x3ff } };
	}
	for (size_t i = 0; i < count; i++)
		blocks[i].data = bytes_slice(&r, blocks[i].data.size);
	blocks[count] = (struct red_block){ head, 0, bytes_slice(&r, r.left) };
	return bytes_ok(&r) ? count + 1 : 0;
}

static bool fits(const struct red_block *block)
{
	return block->offset <= RED_OFFSET_MAX && block->data.size <= RED_BLOCK_SIZE_MAX;
}

void red_write(struct bytes_writer *w, const struct red_block *blocks, size_t count)
{
	const struct red_block *primary = &blocks[count - 1];

	assert(count >= 1 && count <= RED_BLOCKS_MAX && "a packet has its primary block, and some more");
	for (const struct red_block *b = blocks; b < primary; b++) {
		if (!fits(b))
			continue;
		bytes_put_u8(w, (uint8_t)(MORE | b->pt));
		bytes_put_u24(w, (uint32_t)b->offset << 10 | (uint32_t)b->data.size);
	}
	bytes_put_u8(w, primary->pt & 0x7f);
	for (const struct red_block *b = blocks; b <= primary; b++)
		if (b == primary || fits(b))
			bytes_put(w, b->data.data, b->data.size);
}
