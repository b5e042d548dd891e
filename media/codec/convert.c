#include "media/codec/convert.h"
#include <string.h>

static void copy_plane(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride, uint32_t width, uint32_t height)
{
	for (uint32_t y = 0; y < height; y++)
		memcpy(to + y * to_stride, from + y * from_stride, width);
}

static bool planes_are_sane(const struct video_planes *p)
{
	uint32_t chroma = video_chroma_size(p->width);

	if (!p->width || !p->height || p->width > VIDEO_SIDE_MAX || p->height > VIDEO_SIDE_MAX || !p->data[0] || !p->data[1] ||
	    p->stride[0] < p->width)
		return false;
	switch (p->format) {
	case VIDEO_I420:
		return p->data[2] && p->stride[1] >= chroma && p->stride[2] >= chroma;
	case VIDEO_NV12:
		return p->stride[1] >= 2 * chroma;
	default:
		return false;
	}
}

wlk_err video_frame_from_planes(struct video_frame **out, const struct video_planes *planes)
{
	if (!planes_are_sane(planes))
		return WLK_ERR_INVALID;
	struct video_frame *frame = video_frame_create(planes->width, planes->height);
	uint32_t width = video_chroma_size(planes->width), height = video_chroma_size(planes->height);

	if (!frame)
		return WLK_ERR_NOMEM;
	copy_plane(frame->data[0], frame->stride[0], planes->data[0], planes->stride[0], planes->width, planes->height);
	if (planes->format == VIDEO_I420) {
		for (int i = 1; i < 3; i++)
			copy_plane(frame->data[i], frame->stride[i], planes->data[i], planes->stride[i], width, height);
	} else {
		for (uint32_t y = 0; y < height; y++) {
			const uint8_t *from = planes->data[1] + y * planes->stride[1];
			uint8_t *u = frame->data[1] + y * frame->stride[1], *v = frame->data[2] + y * frame->stride[2];

			for (uint32_t x = 0; x < width; x++) {
				u[x] = from[2 * x];
				v[x] = from[2 * x + 1];
			}
		}
	}
	*out = frame;
	return WLK_OK;
}

void video_frame_to_planes(const struct video_frame *frame, enum video_format format, uint8_t *const data[3], const size_t stride[3])
{
	uint32_t width = video_chroma_size(frame->width), height = video_chroma_size(frame->height);

	copy_plane(data[0], stride[0], frame->data[0], frame->stride[0], frame->width, frame->height);
	if (format == VIDEO_I420) {
		for (int i = 1; i < 3; i++)
			copy_plane(data[i], stride[i], frame->data[i], frame->stride[i], width, height);
		return;
	}
	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *u = frame->data[1] + y * frame->stride[1], *v = frame->data[2] + y * frame->stride[2];
		uint8_t *to = data[1] + y * stride[1];

		for (uint32_t x = 0; x < width; x++) {
			to[2 * x] = u[x];
			to[2 * x + 1] = v[x];
		}
	}
}

static uint32_t plane_width(const struct video_frame *frame, int plane)
{
	return plane ? video_chroma_size(frame->width) : frame->width;
}

static uint32_t plane_height(const struct video_frame *frame, int plane)
{
	return plane ? video_chroma_size(frame->height) : frame->height;
}

/* Pixel (x, y) of what comes out, in a plane of |width| by |height| that is turned clockwise by |rotation|. */
static uint8_t turned(const uint8_t *plane, size_t stride, uint32_t width, uint32_t height, uint16_t rotation, uint32_t x, uint32_t y)
{
	switch (rotation) {
	case 90:
		return plane[(height - 1 - x) * stride + y];
	case 180:
		return plane[(height - 1 - y) * stride + (width - 1 - x)];
	default:
		return plane[x * stride + (width - 1 - y)];
	}
}

struct video_frame *video_frame_upright(struct video_frame *frame)
{
	uint16_t rotation = frame->rotation;
	bool lies = rotation == 90 || rotation == 270;

	if (rotation != 90 && rotation != 180 && rotation != 270)
		return video_frame_ref(frame);
	struct video_frame *out = video_frame_create(lies ? frame->height : frame->width, lies ? frame->width : frame->height);

	if (!out)
		return NULL;
	for (int i = 0; i < 3; i++)
		for (uint32_t y = 0; y < plane_height(out, i); y++)
			for (uint32_t x = 0; x < plane_width(out, i); x++)
				out->data[i][y * out->stride[i] + x] = turned(frame->data[i], frame->stride[i], plane_width(frame, i),
									     plane_height(frame, i), rotation, x, y);
	video_frame_copy_tags(out, frame);
	out->rotation = 0;
	return out;
}

struct video_frame *video_frame_crop(struct video_frame *frame, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	x &= ~1u;
	y &= ~1u;
	if (x > frame->width || y > frame->height || width > frame->width - x || height > frame->height - y)
		return NULL;
	struct video_frame *out = video_frame_create(width, height);

	if (!out)
		return NULL;
	for (int i = 0; i < 3; i++) {
		uint32_t left = i ? x / 2 : x, top = i ? y / 2 : y;

		copy_plane(out->data[i], out->stride[i], frame->data[i] + top * frame->stride[i] + left, frame->stride[i],
			   plane_width(out, i), plane_height(out, i));
	}
	video_frame_copy_tags(out, frame);
	return out;
}

void video_frame_fill_black(struct video_frame *frame)
{
	for (int i = 0; i < 3; i++)
		memset(frame->data[i], i ? 128 : 16, frame->stride[i] * plane_height(frame, i));
}
