/*
 * The decoders of VP8 and VP9 behind media/codec: anything as a stream. First byte: the codec. Then chunks: two bytes of size, one of
 * flags, the frame. No picture is larger than the cap, and after an error only a key frame brings the next one.
 */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "media/codec/bitstream.h"
#include "media/codec/video_codec.h"

enum { PIXELS = 128 * 128, FRAMES = 64, ENDS_PICTURE = 1, TOOK_LONG = 2 };

static void check(bool fact)
{
	if (!fact)
		abort();
}

static void decode_one(struct video_decoder *d, enum codec_id codec, wlk_bytes frame, uint8_t flags, wlk_time now)
{
	bool needed_key = video_decoder_needs_key(d);
	struct video_peek peek = { 0 };
	struct video_frame *out = (struct video_frame *)(void *)d;
	/* H.264 has a decoder in plug-ins only, but its headers are read here. */
	if (!video_peek(CODEC_H264, frame.data, frame.size, &peek))
		check(!peek.width == !peek.height);
	wlk_err err = video_decoder_decode(d, &(struct video_decode_input){ frame.data, frame.size, now, flags & ENDS_PICTURE }, &out);

	if (err) {
		check(!out && video_decoder_needs_key(d));
		return;
	}
	check(!video_peek(codec, frame.data, frame.size, &peek));
	check(!needed_key || peek.is_key);
	check(!out || (flags & ENDS_PICTURE && (uint64_t)out->width * out->height <= PIXELS && video_frame_is_mine(out)));
	video_frame_release(out);
	if (flags & TOOK_LONG)
		check(video_decoder_took(d, VIDEO_DECODE_US_MAX + 1) && video_decoder_needs_key(d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	enum codec_id codec = bytes_u8(&r) & 1 ? CODEC_VP9 : CODEC_VP8;
	struct video_decoder *d;

	if (video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = codec, .max_pixels = PIXELS }))
		abort();
	for (wlk_time n = 0; n < FRAMES && r.left > 3; n++) {
		size_t length = bytes_u16(&r);
		uint8_t flags = bytes_u8(&r);
		wlk_bytes frame = bytes_slice(&r, MIN(length, r.left));
		/* A block of its own, so that reading beyond its end is seen. */
		uint8_t *exact = malloc(frame.size ? frame.size : 1);

		if (frame.size)
			memcpy(exact, frame.data, frame.size);
		decode_one(d, codec, (wlk_bytes){ exact, frame.size }, flags, n * 200000);
		free(exact);
	}
	video_decoder_destroy(d);
	check(alloc_live_blocks() == 0);
	return 0;
}
