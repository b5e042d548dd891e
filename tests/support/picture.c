#include "tests/support/picture.h"

#include <math.h>

#include "tests/support/picture_quality.h"

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 24;
}

static unsigned bounce(unsigned n, unsigned range)
{
	unsigned at = range ? n % (2 * range) : 0;

	return at < range ? at : 2 * range - at;
}

struct video_frame *picture_make(uint32_t width, uint32_t height, unsigned n)
{
	struct video_frame *frame = video_frame_create(width, height);
	uint32_t noise = n * 7919u + 1, side = MAX(MIN(width, height) / 4, 1u);
	unsigned left = bounce(n * 5, width - MIN(side, width)), top = bounce(n * 3, height - MIN(side, height));

	if (!frame)
		return NULL;
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			bool inside = x >= left && x < left + side && y >= top && y < top + side;
			double wave = 110 + 50 * sin((x + 2 * n) * 0.05) * cos((y + n) * 0.04);
			int value = inside ? ((x - left) / 4 + (y - top) / 4) % 2 ? 220 : 40 : (int)wave;

			frame->data[0][y * frame->stride[0] + x] = (uint8_t)(value + (int)(next(&noise) >> 6));
		}
	}
	for (uint32_t y = 0; y < video_chroma_size(height); y++) {
		for (uint32_t x = 0; x < video_chroma_size(width); x++) {
			frame->data[1][y * frame->stride[1] + x] = (uint8_t)(64 + (x + n) % 128);
			frame->data[2][y * frame->stride[2] + x] = (uint8_t)(64 + (y + n) % 128);
		}
	}
	frame->captured = (wlk_time)n * 33333;
	return frame;
}

static struct quality_picture planes_of(const struct video_frame *f)
{
	struct quality_picture p = { .width = f->width, .height = f->height };

	for (int i = 0; i < 3; i++) {
		p.data[i] = f->data[i];
		p.stride[i] = f->stride[i];
	}
	return p;
}

double picture_psnr(const struct video_frame *a, const struct video_frame *b)
{
	struct quality_picture p = planes_of(a), q = planes_of(b);

	return quality_psnr_luma(&p, &q);
}

double picture_ssim(const struct video_frame *a, const struct video_frame *b)
{
	struct quality_picture p = planes_of(a), q = planes_of(b);

	return quality_ssim(&p, &q);
}
