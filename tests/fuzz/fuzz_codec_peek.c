/* The look into frames before a decoder sees them: anything as a frame of any codec. It stays inside, and what it tells is possible. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "media/codec/bitstream.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_superframe(const uint8_t *data, size_t size)
{
	struct vp9_superframe super;
	size_t sum = 0;

	if (vp9_superframe_parse(&super, data, size))
		return;
	CHECK(super.count >= 1 && super.count <= 8);
	for (size_t i = 0; i < super.count; i++) {
		CHECK(super.frames[i].size && super.frames[i].data >= data && super.frames[i].data + super.frames[i].size <= data + size);
		sum += super.frames[i].size;
	}
	CHECK(sum <= size);
}

/* Input: the codec, then the frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1 };
	struct bytes_reader r = bytes_reader(data, size);
	enum codec_id codec = codecs[bytes_u8(&r) % 4];
	struct video_peek peek, untouched;
	/* A block of its own, so that reading beyond its end is seen. */
	uint8_t *frame = malloc(r.left ? r.left : 1);
	wlk_err err;

	if (r.left)
		memcpy(frame, r.at, r.left);
	memset(&untouched, 0x55, sizeof(untouched));
	peek = untouched;
	err = video_peek(codec, frame, r.left, &peek);
	if (err)
		CHECK(!memcmp(&peek, &untouched, sizeof(peek)));
	else
		CHECK(!peek.width == !peek.height && peek.width <= 65536 && peek.height <= 65536);
	check_superframe(frame, r.left);
	free(frame);
	return 0;
}
