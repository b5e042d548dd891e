/* Where pictures go in a window: aspect ratios kept, rotations obeyed. Numbers only. */
#ifndef CALL_LAYOUT_H
#define CALL_LAYOUT_H

#include <stdint.h>

/* In pixels of the window, y downwards. Without width or height: nothing is to be drawn. */
struct layout_rect {
	int x, y, width, height;
};

/* The size and rotation of a picture as it comes (wlk_video_frame). */
struct layout_picture {
	uint32_t width, height;
	uint16_t rotation; /* 0, 90, 180 or 270 degrees clockwise */
};

/* The largest place in the middle of a window for the picture when it stands upright. */
struct layout_rect layout_fit(int width, int height, struct layout_picture picture);
/* The lower right corner, at most a quarter as wide and as high as the window. */
struct layout_rect layout_corner(int width, int height, struct layout_picture picture);
/* The place that a picture has to be drawn to before it is turned around its centre, for it to end up at |upright|. */
struct layout_rect layout_before_turn(struct layout_rect upright, uint16_t rotation);
/* The size of a window for this picture: its own, made smaller to fit into 9/10 of the screen. */
struct layout_rect layout_window(int screen_width, int screen_height, struct layout_picture picture);

#endif
