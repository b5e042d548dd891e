#include "layout.h"

#include <stdbool.h>

static struct layout_picture upright(struct layout_picture p)
{
	if (p.rotation % 180)
		return (struct layout_picture){ p.height, p.width, 0 };
	return (struct layout_picture){ p.width, p.height, 0 };
}

/* The largest of its shape in a box that begins at the origin; at least a pixel. */
static struct layout_rect inside(int width, int height, struct layout_picture p)
{
	struct layout_rect out = { 0, 0, width, height };
	bool is_wider;

	if (width <= 0 || height <= 0 || !p.width || !p.height)
		return (struct layout_rect){ 0, 0, 0, 0 };
	is_wider = (int64_t)p.width * height > (int64_t)p.height * width;
	if (is_wider)
		out.height = (int)(((int64_t)width * p.height + p.width / 2) / p.width);
	else
		out.width = (int)(((int64_t)height * p.width + p.height / 2) / p.height);
	out.width += !out.width;
	out.height += !out.height;
	return out;
}

struct layout_rect layout_fit(int width, int height, struct layout_picture picture)
{
	struct layout_rect out = inside(width, height, upright(picture));

	out.x = (width - out.width) / 2;
	out.y = (height - out.height) / 2;
	return out;
}

struct layout_rect layout_corner(int width, int height, struct layout_picture picture)
{
	struct layout_rect out = inside(width / 4, height / 4, upright(picture));
	int margin = (width < height ? width : height) / 40;

	out.x = width - margin - out.width;
	out.y = height - margin - out.height;
	return out;
}

struct layout_rect layout_before_turn(struct layout_rect r, uint16_t rotation)
{
	if (rotation % 180 == 0)
		return r;
	return (struct layout_rect){ r.x + (r.width - r.height) / 2, r.y + (r.height - r.width) / 2, r.height, r.width };
}

struct layout_rect layout_window(int screen_width, int screen_height, struct layout_picture picture)
{
	struct layout_picture p = upright(picture);
	int width = screen_width * 9 / 10, height = screen_height * 9 / 10;

	if (p.width <= (uint32_t)width && p.height <= (uint32_t)height)
		return (struct layout_rect){ 0, 0, (int)p.width, (int)p.height };
	return inside(width, height, p);
}
