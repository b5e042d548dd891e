/* Fills gaps for codecs that have no concealment of their own: the last pitch period goes on, and fades. */
#ifndef MEDIA_CODEC_CONCEALER_H
#define MEDIA_CODEC_CONCEALER_H

#include "core/err.h"

struct concealer;

/** @param rate [Hz] 8000..48000  @param channels 1 or 2. NULL: no memory. */
struct concealer *concealer_create(uint32_t rate, uint32_t channels);
void concealer_destroy(struct concealer *c);

/** What was decoded, |samples| a channel, before it is played: its beginning is blended with what was made up in a gap before it. */
void concealer_heard(struct concealer *c, int16_t *pcm, size_t samples);
/** The next |samples| a channel of a gap. Silence when nothing was heard, and 60 ms after the gap's beginning. */
void concealer_fill(struct concealer *c, int16_t *pcm, size_t samples);

#endif
