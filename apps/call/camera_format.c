#include "camera_format.h"

#include <linux/videodev2.h>
#include <math.h>
#include <string.h>

/* In the order of the work that they make: I420 and NV12 are what encoders want. */
static const uint32_t known[] = { V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV };

enum { KNOWN = sizeof(known) / sizeof(*known) };

static size_t place_of(uint32_t format)
{
	size_t i = 0;

	while (i < KNOWN && known[i] != format)
		i++;
	return i;
}

void camera_format_name(uint32_t format, char out[5])
{
	for (int i = 0; i < 4; i++) {
		char letter = (char)(format >> (8 * i) & 0x7f);

		out[i] = letter > ' ' && letter < 0x7f ? letter : '.';
	}
	out[4] = 0;
}

bool camera_format_known(uint32_t format)
{
	return place_of(format) < KNOWN;
}

/* ---- choosing ---- */

static double distance(const struct camera_mode *mode, uint32_t width, uint32_t height, double fps)
{
	double off = fabs((double)mode->width - width) / width + fabs((double)mode->height - height) / height;

	if (mode->fps > 0)
		off += mode->fps < fps ? 1.5 * (fps - mode->fps) / fps : 0.01 * (mode->fps - fps) / fps;
	return off + 1e-6 * (double)place_of(mode->format);
}

size_t camera_mode_choose(const struct camera_mode *modes, size_t count, uint32_t width, uint32_t height, double fps)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (!camera_format_known(modes[i].format) || !modes[i].width || !modes[i].height)
			continue;
		if (best == count || distance(&modes[i], width, height, fps) < distance(&modes[best], width, height, fps))
			best = i;
	}
	return best;
}

uint32_t camera_step(uint32_t least, uint32_t most, uint32_t step, uint32_t wanted)
{
	uint32_t steps;

	step += !step;
	if (wanted <= least || most <= least)
		return least;
	if (wanted > most)
		wanted = most;
	steps = (wanted - least) / step;
	if ((wanted - least) % step > step / 2 && most - least >= (steps + 1) * step)
		steps++;
	return least + steps * step;
}

/* ---- pictures ---- */

static uint32_t half(uint32_t value)
{
	return value / 2 + value % 2;
}

static size_t stride_of(const struct camera_layout *layout)
{
	if (layout->stride)
		return layout->stride;
	return layout->format == V4L2_PIX_FMT_YUYV ? (size_t)half(layout->width) * 4 : layout->width;
}

size_t camera_planes_size(const struct camera_layout *layout)
{
	if (layout->format != V4L2_PIX_FMT_YUYV)
		return 0;
	return (size_t)layout->width * layout->height + 2 * (size_t)half(layout->width) * half(layout->height);
}

/* Y0 U Y1 V: a row has colour at every second pixel, a picture of 4:2:0 at every second row, the mean of the two. */
static void unpack_yuyv(const struct camera_layout *layout, const uint8_t *data, uint8_t *const planes[3])
{
	size_t stride = stride_of(layout), colour = half(layout->width);

	for (uint32_t y = 0; y < layout->height; y++) {
		const uint8_t *row = data + y * stride;

		for (uint32_t x = 0; x < layout->width; x++)
			planes[0][(size_t)y * layout->width + x] = row[2 * (size_t)x];
	}
	for (uint32_t y = 0; y < layout->height; y += 2) {
		const uint8_t *row = data + y * stride, *next = y + 1 < layout->height ? row + stride : row;

		for (size_t x = 0; x < colour; x++) {
			planes[1][y / 2 * colour + x] = (uint8_t)((row[4 * x + 1] + next[4 * x + 1] + 1) / 2);
			planes[2][y / 2 * colour + x] = (uint8_t)((row[4 * x + 3] + next[4 * x + 3] + 1) / 2);
		}
	}
}

static void from_yuyv(const struct camera_layout *layout, const uint8_t *data, uint8_t *planes, wlk_video_frame *out)
{
	size_t colour = (size_t)half(layout->width) * half(layout->height), luma = (size_t)layout->width * layout->height;
	uint8_t *const to[3] = { planes, planes + luma, planes + luma + colour };

	unpack_yuyv(layout, data, to);
	for (int i = 0; i < 3; i++) {
		out->data[i] = to[i];
		out->stride[i] = i ? half(layout->width) : layout->width;
	}
}

bool camera_picture(const struct camera_layout *layout, const uint8_t *data, size_t size, uint8_t *planes, wlk_video_frame *out)
{
	size_t stride = stride_of(layout), luma = stride * layout->height;

	*out = (wlk_video_frame)WLK_VIDEO_FRAME_INIT;
	out->width = layout->width;
	out->height = layout->height;
	switch (layout->format) {
	case V4L2_PIX_FMT_YUYV:
		if (size < luma)
			return false;
		from_yuyv(layout, data, planes, out);
		return true;
	case V4L2_PIX_FMT_NV12:
		out->format = WLK_PIXEL_FORMAT_NV12;
		out->data[0] = data;
		out->data[1] = data + luma;
		out->stride[0] = out->stride[1] = stride;
		return size >= luma + stride * half(layout->height);
	case V4L2_PIX_FMT_YUV420:
		out->data[0] = data;
		out->stride[0] = stride;
		out->stride[1] = out->stride[2] = (stride + 1) / 2;
		out->data[1] = data + luma;
		out->data[2] = out->data[1] + out->stride[1] * half(layout->height);
		return size >= luma + 2 * out->stride[1] * half(layout->height);
	default:
		return false;
	}
}
