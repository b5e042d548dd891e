/* The formats of cameras (V4L2): which of those on offer is taken, and how its bytes become a picture. Touches no device. */
#ifndef CALL_CAMERA_FORMAT_H
#define CALL_CAMERA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include <wirelark/track.h>

/* One thing that a camera can do. */
struct camera_mode {
	uint32_t format; /* V4L2_PIX_FMT_... */
	uint32_t width, height;
	double fps; /* 0: the camera does not say */
};

/* "YUYV", as V4L2 abbreviates it; unprintable letters become dots. */
void camera_format_name(uint32_t format, char out[5]);
/* Whether pictures can be made of it: YUYV, NV12, I420. */
bool camera_format_known(uint32_t format);

/*
 * The index of the mode that is nearest to what is wanted; |count| when there is none of a known format. Sizes and rates are compared by
 * their relative distance. A rate that is too low weighs more than a size that is off, a higher one hardly anything; of two equal ones
 * the format that needs less work is taken.
 */
size_t camera_mode_choose(const struct camera_mode *modes, size_t count, uint32_t width, uint32_t height, double fps);
/* The value nearest to |wanted| of least, least + step, ... up to |most|. A step of 0 counts as 1. */
uint32_t camera_step(uint32_t least, uint32_t most, uint32_t step, uint32_t wanted);

/* How pictures lie in a camera's buffer. */
struct camera_layout {
	uint32_t format, width, height;
	size_t stride; /* bytes from one row of the first plane to the next; 0: they touch each other */
};

/* Bytes that camera_picture() needs for planes of its own; 0 for formats that are used as they lie. */
size_t camera_planes_size(const struct camera_layout *layout);
/*
 * Make a picture of a buffer.
 *
 * @param planes  camera_planes_size() bytes, lent as long as the picture is used
 * @param out     borrows |data| or |planes|
 * @return        false: |size| is too small for the layout, or the format is not known
 */
bool camera_picture(const struct camera_layout *layout, const uint8_t *data, size_t size, uint8_t *planes, wlk_video_frame *out);

#endif
