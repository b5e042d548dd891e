/* Synthetic moving pictures and their comparison, for tests of video. */
#ifndef TESTS_SUPPORT_PICTURE_H
#define TESTS_SUPPORT_PICTURE_H

#include "media/codec/frame.h"

/* Picture number |n| of a film: gradients, a bouncing square, noise; the same for the same arguments. Caller's reference. */
struct video_frame *picture_make(uint32_t width, uint32_t height, unsigned n);
/* PSNR and SSIM of the luma plane, see picture_quality.h. */
double picture_psnr(const struct video_frame *a, const struct video_frame *b);
double picture_ssim(const struct video_frame *a, const struct video_frame *b);

#endif
