/* What a camera of V4L2 offers: its formats, sizes and rates, asked of the device. */
#ifndef CALL_CAMERA_MODES_H
#define CALL_CAMERA_MODES_H

#include "camera_format.h"

/* The mode nearest to what is wanted into *out; else the reason why there is none, in words that stay valid until the next call. */
const char *camera_modes_choose(int fd, uint32_t width, uint32_t height, uint32_t fps, struct camera_mode *out);
/* Print them, a line a format. */
void camera_modes_print(int fd);

#endif
