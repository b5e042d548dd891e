/* How much of a picture is left: PSNR and SSIM of one I420 picture against another, for tests and benchmarks. */
#ifndef TESTS_SUPPORT_PICTURE_QUALITY_H
#define TESTS_SUPPORT_PICTURE_QUALITY_H

#include <stddef.h>
#include <stdint.h>

/* The planes Y, U, V of 8 bits each, borrowed; those of colour half as wide and half as high, rounded up. */
struct quality_picture {
	uint32_t width, height;
	const uint8_t *data[3];
	size_t stride[3];
};

/* Of equal pictures, whose noise is none [dB]. */
#define QUALITY_PSNR_EQUAL 100.0

/* The planes of a picture that lie behind each other without gaps, as in a Y4M file. */
struct quality_picture quality_picture_packed(const uint8_t *data, uint32_t width, uint32_t height);

/*
 * Peak signal-to-noise ratio over all samples of the three planes, or of Y alone [dB]: 10 log10(255^2 / mean squared
 * difference), QUALITY_PSNR_EQUAL at most. 0 when the sizes differ.
 */
double quality_psnr(const struct quality_picture *a, const struct quality_picture *b);
double quality_psnr_luma(const struct quality_picture *a, const struct quality_picture *b);

/*
 * Structural similarity of Y: the mean over windows of 8x8 in steps of four, with the constants of Wang, Bovik, Sheikh and
 * Simoncelli, "Image quality assessment: from error visibility to structural similarity" (2004). 1 when equal; 0 when
 * the sizes differ or are below 8x8.
 */
double quality_ssim(const struct quality_picture *a, const struct quality_picture *b);

#endif
