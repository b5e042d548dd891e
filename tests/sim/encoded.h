/* Frames that look like those of a codec, made from a number and a size: whoever gets one can tell whether it is the one that was sent. */
#ifndef SIM_ENCODED_H
#define SIM_ENCODED_H

#include <wirelark/media.h>

enum { ENCODED_BODY_MIN = 4, ENCODED_HEAD_MAX = 64, ENCODED_WIDTH = 640, ENCODED_HEIGHT = 360 };

/* Writes frame |number| with |body_size| bytes behind what its codec wants in front, and answers its size: at most ENCODED_HEAD_MAX more. */
size_t encoded_make(wlk_codec codec, bool key, uint32_t number, size_t body_size, uint8_t *out);
/* The number that a frame of |size| bytes tells; UINT32_MAX: none. */
uint32_t encoded_number(wlk_codec codec, bool key, const uint8_t *data, size_t size);

#endif
