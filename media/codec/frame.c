#include "media/codec/frame.h"
#include "core/alloc.h"

/* The frame and its pixels are one block: the planes begin behind the struct, on the next aligned byte. */
static size_t aligned(size_t size)
{
	return (size + VIDEO_PLANE_ALIGN - 1) / VIDEO_PLANE_ALIGN * VIDEO_PLANE_ALIGN;
}

struct video_frame *video_frame_create(uint32_t width, uint32_t height)
{
	if (!width || !height || width > VIDEO_SIDE_MAX || height > VIDEO_SIDE_MAX)
		return NULL;
	size_t luma_stride = aligned(width), chroma_stride = aligned(video_chroma_size(width));
	size_t luma = luma_stride * height, chroma = chroma_stride * video_chroma_size(height);
	struct video_frame *frame = wlk_malloc(sizeof(*frame) + VIDEO_PLANE_ALIGN + luma + 2 * chroma + VIDEO_PLANE_MARGIN);

	if (!frame)
		return NULL;
	*frame = (struct video_frame){ .width = (uint16_t)width, .height = (uint16_t)height,
				       .stride = { luma_stride, chroma_stride, chroma_stride } };
	atomic_init(&frame->references, 1);
	frame->data[0] = (uint8_t *)aligned((uintptr_t)(frame + 1));
	frame->data[1] = frame->data[0] + luma;
	frame->data[2] = frame->data[1] + chroma;
	return frame;
}

struct video_frame *video_frame_ref(struct video_frame *frame)
{
	atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
	return frame;
}

void video_frame_release(struct video_frame *frame)
{
	if (!frame)
		return;
	unsigned before = atomic_fetch_sub_explicit(&frame->references, 1, memory_order_acq_rel);

	assert(before > 0 && "a frame is released as often as it is held");
	if (before == 1)
		wlk_free(frame);
}

bool video_frame_is_mine(const struct video_frame *frame)
{
	return atomic_load_explicit(&frame->references, memory_order_acquire) == 1;
}

void video_frame_copy_tags(struct video_frame *to, const struct video_frame *from)
{
	to->rotation = from->rotation;
	to->is_screen = from->is_screen;
	to->captured = from->captured;
	to->capture_unix_us = from->capture_unix_us;
	to->rtp_timestamp = from->rtp_timestamp;
}
