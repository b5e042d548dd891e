#include "tests/support/picture_quality.h"

#include <math.h>
#include <stdbool.h>

enum { WINDOW = 8, STEP = 4, PEAK = 255 };

static uint32_t plane_size(uint32_t size, int plane)
{
	return plane ? (size + 1) / 2 : size;
}

struct quality_picture quality_picture_packed(const uint8_t *data, uint32_t width, uint32_t height)
{
	struct quality_picture p = { .width = width, .height = height };

	for (int plane = 0; plane < 3; plane++) {
		p.stride[plane] = plane_size(width, plane);
		p.data[plane] = data;
		data += p.stride[plane] * plane_size(height, plane);
	}
	return p;
}

static bool same_size(const struct quality_picture *a, const struct quality_picture *b)
{
	return a->width == b->width && a->height == b->height && a->width && a->height;
}

/* The sum of squared differences; the samples are added to |count|. */
static uint64_t plane_error(const struct quality_picture *a, const struct quality_picture *b, int plane, uint64_t *count)
{
	uint32_t width = plane_size(a->width, plane), height = plane_size(a->height, plane);
	uint64_t sum = 0;

	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *p = a->data[plane] + y * a->stride[plane], *q = b->data[plane] + y * b->stride[plane];
		uint32_t row = 0; /* 16384 pixels of 255^2 fit */

		for (uint32_t x = 0; x < width; x++) {
			int d = p[x] - q[x];

			row += (uint32_t)(d * d);
		}
		sum += row;
	}
	*count += (uint64_t)width * height;
	return sum;
}

static double psnr(const struct quality_picture *a, const struct quality_picture *b, int planes)
{
	uint64_t error = 0, count = 0;

	if (!same_size(a, b))
		return 0;
	for (int plane = 0; plane < planes; plane++)
		error += plane_error(a, b, plane, &count);
	if (!error)
		return QUALITY_PSNR_EQUAL;
	return fmin(10 * log10((double)PEAK * PEAK * (double)count / (double)error), QUALITY_PSNR_EQUAL);
}

double quality_psnr(const struct quality_picture *a, const struct quality_picture *b)
{
	return psnr(a, b, 3);
}

double quality_psnr_luma(const struct quality_picture *a, const struct quality_picture *b)
{
	return psnr(a, b, 1);
}

static double window_ssim(const uint8_t *a, size_t stride_a, const uint8_t *b, size_t stride_b)
{
	static const double c1 = 0.01 * PEAK * 0.01 * PEAK, c2 = 0.03 * PEAK * 0.03 * PEAK, n = WINDOW * WINDOW;
	uint32_t sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0;

	for (int y = 0; y < WINDOW; y++, a += stride_a, b += stride_b) {
		for (int x = 0; x < WINDOW; x++) {
			sum_a += a[x];
			sum_b += b[x];
			sum_aa += (uint32_t)a[x] * a[x];
			sum_bb += (uint32_t)b[x] * b[x];
			sum_ab += (uint32_t)a[x] * b[x];
		}
	}
	double mean_a = sum_a / n, mean_b = sum_b / n;
	double var_a = sum_aa / n - mean_a * mean_a, var_b = sum_bb / n - mean_b * mean_b, cov = sum_ab / n - mean_a * mean_b;

	return (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2));
}

double quality_ssim(const struct quality_picture *a, const struct quality_picture *b)
{
	double sum = 0;
	uint64_t count = 0;

	if (!same_size(a, b) || a->width < WINDOW || a->height < WINDOW)
		return 0;
	for (uint32_t y = 0; y + WINDOW <= a->height; y += STEP) {
		const uint8_t *p = a->data[0] + y * a->stride[0], *q = b->data[0] + y * b->stride[0];

		for (uint32_t x = 0; x + WINDOW <= a->width; x += STEP, count++)
			sum += window_ssim(p + x, a->stride[0], q + x, b->stride[0]);
	}
	return sum / (double)count;
}
