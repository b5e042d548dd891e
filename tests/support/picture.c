#include "tests/support/picture.h"
#include <math.h>

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

double picture_psnr(const struct video_frame *a, const struct video_frame *b)
{
	double sum = 0;

	if (a->width != b->width || a->height != b->height)
		return 0;
	for (uint32_t y = 0; y < a->height; y++) {
		for (uint32_t x = 0; x < a->width; x++) {
			double d = a->data[0][y * a->stride[0] + x] - b->data[0][y * b->stride[0] + x];

			sum += d * d;
		}
	}
	return sum > 0 ? 10 * log10(255.0 * 255.0 * a->width * a->height / sum) : 99;
}

static double block_ssim(const struct video_frame *a, const struct video_frame *b, uint32_t left, uint32_t top)
{
	double sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0;

	for (uint32_t y = top; y < top + 8; y++) {
		for (uint32_t x = left; x < left + 8; x++) {
			double pa = a->data[0][y * a->stride[0] + x], pb = b->data[0][y * b->stride[0] + x];

			sum_a += pa;
			sum_b += pb;
			sum_aa += pa * pa;
			sum_bb += pb * pb;
			sum_ab += pa * pb;
		}
	}
	double mean_a = sum_a / 64, mean_b = sum_b / 64;
	double var_a = sum_aa / 64 - mean_a * mean_a, var_b = sum_bb / 64 - mean_b * mean_b, cov = sum_ab / 64 - mean_a * mean_b;
	double c1 = 6.5025, c2 = 58.5225;

	return (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2));
}

double picture_ssim(const struct video_frame *a, const struct video_frame *b)
{
	double sum = 0;
	unsigned count = 0;

	if (a->width != b->width || a->height != b->height || a->width < 8 || a->height < 8)
		return 0;
	for (uint32_t y = 0; y + 8 <= a->height; y += 8) {
		for (uint32_t x = 0; x + 8 <= a->width; x += 8, count++)
			sum += block_ssim(a, b, x, y);
	}
	return sum / count;
}
