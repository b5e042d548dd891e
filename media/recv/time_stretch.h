/* Makes sound shorter or longer by whole pitch periods, so that its pitch stays (WSOLA). */
#ifndef MEDIA_RECV_TIME_STRETCH_H
#define MEDIA_RECV_TIME_STRETCH_H

#include "media/recv/pitch.h"

enum {
	TIME_STRETCH_LOOK = PITCH_WINDOW + PITCH_LAG_MAX, /* samples that a search wants to see for every lag: 30 ms */
	TIME_STRETCH_LEAST = 2 * PITCH_LAG_MIN,           /* with less nothing can be done */
	TIME_STRETCH_HISTORY = PITCH_LAG_MAX,             /* samples in front that time_stretch_lengthen() reads */
};

/**
 * Take one period out of the beginning of |pcm|.
 *
 * @param samples  in |pcm|; TIME_STRETCH_LOOK is enough
 * @param similar  least correlation of two neighbouring periods, 0..1: below it a splice would be heard. 0: in any case
 * @return  samples a channel by which it is shorter now, 0: there is no good place
 */
size_t time_stretch_shorten(int16_t *pcm, size_t samples, size_t channels, float similar);

/**
 * Put one more period in front of |pcm|, made of it and of the TIME_STRETCH_HISTORY samples in front of it.
 *
 * @param samples  in |pcm|, which has room for PITCH_LAG_MAX more
 * @return  samples a channel by which it is longer now, 0: there is no good place
 */
size_t time_stretch_lengthen(int16_t *pcm, size_t samples, size_t channels, float similar);

/** out[i] goes from |from|[i] to |to|[i] over |count| samples, in a raised cosine. |out| may be either of them. */
void cross_fade(int16_t *out, const int16_t *from, const int16_t *to, size_t channels, size_t count);

#endif
