#include "film.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/picture_quality.h"

enum { BITS = 16 };

void film_init(struct film *p, uint32_t width, uint32_t height)
{
	*p = (struct film){ .width = width, .height = height };
	for (int i = 0; i < 3; i++) {
		p->stride[i] = i ? width / 2 : width;
		p->data[i] = calloc(1, p->stride[i] * (i ? height / 2 : height));
		if (!p->data[i])
			abort();
	}
}

void film_free(struct film *p)
{
	for (int i = 0; i < 3; i++)
		free(p->data[i]);
	*p = (struct film){ 0 };
}

static uint8_t luma(const struct film *p, uint32_t number, uint32_t x, uint32_t y)
{
	uint32_t cx = (number * 4) % p->width, cy = p->height / 3 + (number * 2) % (p->height / 4 + 1);
	int dx = (int)x - (int)cx, dy = (int)y - (int)cy, r = (int)p->height / 6;
	uint32_t noise = (x * 2654435761u + y * 40503u) >> 29; /* stands still, as a wall does */

	if (dx * dx + dy * dy < r * r)
		return (uint8_t)(200 - (dx + dy) / 4);
	return (uint8_t)(40 + x * 90 / p->width + y * 60 / p->height + noise + (((x + number) / 16 + y / 16) % 2 ? 12 : 0));
}

void film_draw(struct film *p, uint32_t number)
{
	uint32_t bar = p->height - p->height / 8;

	for (uint32_t y = 0; y < p->height; y++)
		for (uint32_t x = 0; x < p->width; x++) {
			uint32_t bit = x * BITS / p->width;

			p->data[0][y * p->stride[0] + x] = y >= bar ? ((number >> bit & 1) ? 220 : 30) : luma(p, number, x, y);
		}
	for (uint32_t y = 0; y < p->height / 2; y++)
		for (uint32_t x = 0; x < p->width / 2; x++) {
			bool in_bar = 2 * y >= bar;

			p->data[1][y * p->stride[1] + x] = (uint8_t)(in_bar ? 128 : 100 + x * 56 / p->width);
			p->data[2][y * p->stride[2] + x] = (uint8_t)(in_bar ? 128 : 156 - y * 56 / p->height);
		}
}

wlk_video_frame film_frame(const struct film *p, wlk_time timestamp)
{
	wlk_video_frame frame = WLK_VIDEO_FRAME_INIT;

	frame.width = p->width;
	frame.height = p->height;
	for (int i = 0; i < 3; i++) {
		frame.data[i] = p->data[i];
		frame.stride[i] = p->stride[i];
	}
	frame.timestamp = timestamp;
	return frame;
}

uint32_t film_number(const wlk_video_frame *frame)
{
	uint32_t y = frame->height - frame->height / 16, number = 0;

	for (uint32_t bit = 0; bit < BITS; bit++) {
		uint32_t x = (2 * bit + 1) * frame->width / (2 * BITS);

		if (frame->data[0][y * frame->stride[0] + x] > 125)
			number |= 1u << bit;
	}
	return number;
}

double film_psnr(const struct film *p, const wlk_video_frame *frame)
{
	struct quality_picture drawn = { .width = p->width, .height = p->height }, shown = { .width = frame->width, .height = frame->height };

	drawn.data[0] = p->data[0];
	drawn.stride[0] = p->stride[0];
	shown.data[0] = frame->data[0];
	shown.stride[0] = frame->stride[0];
	return quality_psnr_luma(&drawn, &shown);
}
