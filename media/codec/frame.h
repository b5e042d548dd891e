/* One raw picture: I420 planes that several threads may hold at once. */
#ifndef MEDIA_CODEC_FRAME_H
#define MEDIA_CODEC_FRAME_H

#include "core/err.h"
#include "core/time.h"
#include <stdatomic.h>

enum {
	VIDEO_SIDE_MAX = 16384,    /* pixels of width or height */
	VIDEO_PLANE_ALIGN = 64,    /* of each plane's first byte, and of its stride */
	VIDEO_PLANE_MARGIN = 64,   /* bytes behind the last plane, so that wide loads may overrun a row */
};

/*
 * Whoever holds a reference may read it on any thread. Planes and fields are written only by the thread that created it, and
 * only before it hands out a second reference.
 */
struct video_frame {
	atomic_uint references;
	uint16_t width, height;  /* pixels, may be odd; chroma planes are (width + 1) / 2 by (height + 1) / 2 */
	uint8_t *data[3];        /* Y, U, V */
	size_t stride[3];        /* bytes from one row to the next, a multiple of VIDEO_PLANE_ALIGN */
	uint16_t rotation;       /* 0, 90, 180 or 270: degrees clockwise that the shower turns it by */
	bool is_screen;          /* of a screen or document: sharp edges, little motion */
	wlk_time captured;       /* monotonic [us]; 0: unknown */
	int64_t capture_unix_us; /* by the capturing side's wall clock [us since 1970]; 0: unknown */
	uint32_t rtp_timestamp;  /* of a received frame */
};

static inline uint32_t video_chroma_size(uint32_t luma_size)
{
	return (luma_size + 1) / 2;
}

/**
 * A frame with one reference; its pixels are not set, everything else is 0. NULL: no memory, or a side is 0 or above
 * VIDEO_SIDE_MAX. THREAD-SAFE, as are the next two.
 */
struct video_frame *video_frame_create(uint32_t width, uint32_t height);
/** One more reference to the same frame, which is returned. */
struct video_frame *video_frame_ref(struct video_frame *frame);
/** Gives a reference back; the last one frees it. NULL is fine. */
void video_frame_release(struct video_frame *frame);

/** True when nobody else holds it, so that it may be written. */
bool video_frame_is_mine(const struct video_frame *frame);
/** Everything but size and pixels: rotation, times, kind of content. */
void video_frame_copy_tags(struct video_frame *to, const struct video_frame *from);

#endif
