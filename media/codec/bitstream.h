/* What the first bytes of a video frame say, before any decoder sees it: is it a key frame, and how large. */
#ifndef MEDIA_CODEC_BITSTREAM_H
#define MEDIA_CODEC_BITSTREAM_H

#include "media/codec/codec.h"

struct video_peek {
	bool is_key;            /* decodes without any earlier frame */
	uint32_t width, height; /* 0: it does not say */
};

/**
 * Look into one frame, of which |size| bytes are there. VP9 inter frames that set a size of their own tell it too. Of H.264
 * (Annex B) the size is that of the first sequence parameter set.
 * WLK_ERR_PARSE: malformed, or a size of 0. WLK_ERR_UNSUPPORTED: a codec that is not known here; nothing is written then.
 */
wlk_err video_peek(enum codec_id codec, const uint8_t *data, size_t size, struct video_peek *out) WLK_NODISCARD;

enum { VP9_SUPERFRAME_MAX = 8 };

/* The frames of a VP9 superframe (VP9 bitstream specification, annex B), borrowed; a frame by itself is one. */
struct vp9_superframe {
	size_t count;
	wlk_bytes frames[VP9_SUPERFRAME_MAX];
};

/** WLK_ERR_PARSE: the index does not fit the data. */
wlk_err vp9_superframe_parse(struct vp9_superframe *out, const uint8_t *data, size_t size) WLK_NODISCARD;

#endif
