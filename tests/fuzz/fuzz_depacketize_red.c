/* RED: see depacketize.h; and what was parsed is written again and parses to the same. */
#include "depacketize.h"

#include "media/rtp/red.h"

static void check_write(const uint8_t *data, size_t size)
{
	struct red_block blocks[RED_BLOCKS_MAX], again[RED_BLOCKS_MAX];
	size_t count = red_parse(blocks, data, size);
	uint8_t *out = malloc(size + 1);
	struct bytes_writer w = bytes_writer(out, size);

	if (count) {
		red_write(&w, blocks, count);
		CHECK(bytes_writer_ok(&w) && w.size == size && !memcmp(out, data, size));
		CHECK(red_parse(again, out, w.size) == count);
		CHECK(!blocks[count - 1].offset && again[count - 1].data.size == blocks[count - 1].data.size);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 3)
		check_write(data + 3, size - 3);
	return fuzz_depacketize(RTP_CODEC_RED, data, size);
}
