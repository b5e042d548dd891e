#include "tests/support/scene.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 256, COLUMNS = 20, BITS = 2 * COLUMNS, DISCS = 3, WHITE = 220, BLACK = 30, CHECK = 10 };

/* ---- the mark ---- */

/* 16 bits of the number, 20 of the moment, and 4 that make the xor of all ten nibbles CHECK. */
static uint64_t mark_bits(const struct scene_mark *mark)
{
	uint64_t bits = (uint64_t)(mark->moment % SCENE_MOMENTS) << 16 | mark->number % SCENE_NUMBERS, check = CHECK;

	for (int i = 0; i < 9; i++)
		check ^= bits >> (4 * i) & 15;
	return bits | check << 36;
}

bool scene_read(const wlk_video_frame *frame, struct scene_mark *mark)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < BITS; i++) {
		uint32_t x = (2 * (i % COLUMNS) + 1) * frame->width / (2 * COLUMNS);
		uint32_t y = frame->height * (i < COLUMNS ? 29 : 31) / 32;

		bits |= (uint64_t)(frame->data[0][y * frame->stride[0] + x] > (WHITE + BLACK) / 2) << i;
	}
	mark->number = (uint32_t)(bits % SCENE_NUMBERS);
	mark->moment = (uint32_t)(bits >> 16) % SCENE_MOMENTS;
	return mark_bits(mark) == bits;
}

static void draw_mark(struct film *p, const struct scene_mark *mark)
{
	uint64_t bits = mark_bits(mark);
	uint32_t top = p->height / 8 * 7, middle = p->height / 16 * 15;

	for (uint32_t y = top; y < p->height; y++)
		for (uint32_t x = 0; x < p->width; x++)
			p->data[0][y * p->stride[0] + x] = bits >> (x * COLUMNS / p->width + (y < middle ? 0 : COLUMNS)) & 1 ? WHITE : BLACK;
}

/* ---- the picture ---- */

static uint32_t triangle(uint32_t a, uint32_t period)
{
	return a % period < period / 2 ? a % period : period - a % period;
}

static const uint8_t *tile(void)
{
	static uint8_t luma[TILE * TILE];

	if (luma[0])
		return luma;
	for (uint32_t y = 0; y < TILE; y++) {
		for (uint32_t x = 0; x < TILE; x++) {
			uint32_t noise = (x * 2654435761u) ^ (y * 2246822519u);

			noise = (noise ^ noise >> 15) * 2654435761u;
			luma[y * TILE + x] = (uint8_t)(70 + triangle(x, 256) / 4 + triangle(y, 128) / 4 + (((x >> 4) ^ (y >> 4)) & 1) * 20 + (noise >> 31));
		}
	}
	return luma;
}

static void draw_ground(struct film *p, uint32_t number)
{
	static const uint32_t across[] = { 1, TILE - 2, 3, 0 }, down[] = { 1, 0, TILE - 1, 2 };
	uint32_t scene = number / SCENE_CUT, dx = across[scene % 4] * number, dy = down[scene % 4] * number;
	uint8_t light = scene % 2 ? 40 : 0;

	for (uint32_t y = 0; y < p->height; y++) {
		const uint8_t *row = tile() + (y + dy) % TILE * TILE;
		uint8_t *out = p->data[0] + y * p->stride[0];

		for (uint32_t x = 0; x < p->width; x++)
			out[x] = (uint8_t)(row[(x + dx) % TILE] + light);
	}
}

static uint32_t bounce(uint32_t n, uint32_t range)
{
	uint32_t at = n % (2 * range);

	return at < range ? at : 2 * range - at;
}

static void draw_disc(struct film *p, uint32_t number, uint32_t i)
{
	uint32_t bottom = p->height / 8 * 7, r = p->height / (6 + 2 * i);
	uint32_t cx = r + bounce(number * (5 + 2 * i), p->width - 2 * r), cy = r + bounce(number * (3 + i), bottom - 2 * r);

	for (uint32_t y = cy - r; y < cy + r; y++) {
		for (uint32_t x = cx - r; x < cx + r; x++) {
			int32_t dx = (int32_t)x - (int32_t)cx, dy = (int32_t)y - (int32_t)cy;

			if (dx * dx + dy * dy < (int32_t)(r * r))
				p->data[0][y * p->stride[0] + x] = (uint8_t)(190 - 50 * i + (uint32_t)(dx + dy + 1024) / 8 - 128);
		}
	}
}

static void draw_colour(struct film *p, uint32_t number)
{
	uint32_t width = p->width / 2, height = p->height / 2;
	int across = number / SCENE_CUT % 2 ? 2 : 1, down = 3 - across;

	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			bool in_mark = y >= height / 8 * 7;

			p->data[across][y * p->stride[across] + x] = (uint8_t)(in_mark ? 128 : 112 + x * 32 / width);
			p->data[down][y * p->stride[down] + x] = (uint8_t)(in_mark ? 128 : 144 - y * 32 / height);
		}
	}
}

void scene_draw(struct film *p, const struct scene_mark *mark)
{
	uint32_t number = mark->number % SCENE_NUMBERS;

	draw_ground(p, number);
	for (uint32_t i = 0; i < DISCS; i++)
		draw_disc(p, number, i);
	draw_mark(p, mark);
	draw_colour(p, number);
}

/* ---- measures ---- */

uint32_t scene_sum(const struct film *p)
{
	uint32_t sum = 0;

	for (uint32_t y = 0; y < p->height; y++)
		for (uint32_t x = 0; x < p->width; x++)
			sum = sum * 31 + p->data[0][y * p->stride[0] + x];
	return sum;
}

static double plane_error(const struct film *p, const wlk_video_frame *frame, int plane)
{
	uint32_t width = p->width / 2, height = p->height / 2;
	double sum = 0;

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			sum += abs(p->data[plane][y * p->stride[plane] + x] - frame->data[plane][y * frame->stride[plane] + x]);
	return sum / ((double)width * height);
}

double scene_colour_error(const struct film *p, const wlk_video_frame *frame)
{
	double u = plane_error(p, frame, 1), v = plane_error(p, frame, 2);

	return u > v ? u : v;
}
