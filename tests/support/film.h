/* Moving test pictures that tell their number after any codec, and how much of one is left. */
#ifndef TEST_FILM_H
#define TEST_FILM_H

#include <wirelark/track.h>

struct film {
	uint32_t width, height; /* even, at least 160 by 32 */
	uint8_t *data[3];
	size_t stride[3];
};

void film_init(struct film *p, uint32_t width, uint32_t height);
void film_free(struct film *p);
/* Draw picture |number|: moving shapes, some noise, and the number as 16 squares of black and white along the bottom. */
void film_draw(struct film *p, uint32_t number);
/* To be pushed; borrows |p|. */
wlk_video_frame film_frame(const struct film *p, wlk_time timestamp);
/* The number in a frame of any size. */
uint32_t film_number(const wlk_video_frame *frame);
/* Peak signal-to-noise ratio of the luma of a frame of |p|'s size [dB]; 100 for the same. */
double film_psnr(const struct film *p, const wlk_video_frame *frame);

#endif
