/*
 * The moving picture that goes through other stacks: C, JavaScript (interop/cases/scene.mjs) and Python
 * (interop/counterparts/scene.py) draw the same one, pixel for pixel, with its number and its moment in it.
 *
 * A textured ground that scrolls, with noise in it, three discs that cross it, and a cut every three seconds; along the bottom two
 * rows of 20 black and white blocks.
 */
#ifndef TESTS_SUPPORT_SCENE_H
#define TESTS_SUPPORT_SCENE_H

#include "tests/support/film.h"

enum { SCENE_NUMBERS = 1 << 16, SCENE_MOMENTS = 1 << 20, SCENE_CUT = 90 /* pictures */ };

struct scene_mark {
	uint32_t number; /* of the picture, modulo SCENE_NUMBERS */
	uint32_t moment; /* when it was drawn: the wall clock in milliseconds, modulo SCENE_MOMENTS */
};

/* |p| is one of film_init(), at least 160 by 96, both sides multiples of 32. */
void scene_draw(struct film *p, const struct scene_mark *mark);
/* From a frame of any size. False: there is none that can be read. */
bool scene_read(const wlk_video_frame *frame, struct scene_mark *mark);
/* The checksum of a luma plane by which the three implementations are held against each other. */
uint32_t scene_sum(const struct film *p);
/* Mean difference of the two planes of colour between |p| and a frame of its size, the larger one. */
double scene_colour_error(const struct film *p, const wlk_video_frame *frame);

#endif
