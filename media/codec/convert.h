/* Pictures of the caller's shape into frames, and frames into other sizes, orientations and the caller's memory. */
#ifndef MEDIA_CODEC_CONVERT_H
#define MEDIA_CODEC_CONVERT_H

#include "media/codec/frame.h"

enum video_format {
	VIDEO_I420, /* planes Y, U, V */
	VIDEO_NV12, /* planes Y, and U and V interleaved; planes[2] is not used */
};

/* Pixels of the caller, borrowed. */
struct video_planes {
	enum video_format format;
	uint32_t width, height;
	const uint8_t *data[3];
	size_t stride[3]; /* bytes; at least what a row takes */
};

/**
 * A copy of the caller's picture as a frame of its own.
 * WLK_ERR_INVALID: a side is 0 or above VIDEO_SIDE_MAX, a plane is NULL or a stride too short, or the format is unknown.
 * WLK_ERR_NOMEM. Only pixels and size are set.
 */
wlk_err video_frame_from_planes(struct video_frame **out, const struct video_planes *planes) WLK_NODISCARD;

/** Copies the pixels into the caller's planes of the frame's size. VIDEO_NV12 interleaves chroma into data[1]. */
void video_frame_to_planes(const struct video_frame *frame, enum video_format format, uint8_t *const data[3],
			   const size_t stride[3]);

/**
 * Another size of the same picture: the mean of the area that each new pixel covers when it shrinks (no aliasing at any ratio),
 * bilinear when it grows; each direction by itself. Tags are copied.
 *
 * @return a new reference: to |frame| itself when the size is the same. NULL: no memory, or the size is not allowed.
 */
struct video_frame *video_frame_scale(struct video_frame *frame, uint32_t width, uint32_t height);

/** The picture turned by its rotation tag, which is 0 in what is returned. A new reference as above. NULL: no memory. */
struct video_frame *video_frame_upright(struct video_frame *frame);

/** A part of the picture; x and y are made even. NULL: no memory, or it does not lie inside. */
struct video_frame *video_frame_crop(struct video_frame *frame, uint32_t x, uint32_t y, uint32_t width, uint32_t height);

/** Black in all pixels: what a muted source sends. */
void video_frame_fill_black(struct video_frame *frame);

#endif
