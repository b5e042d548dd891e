/* Changes the rate of 16-bit audio between 8, 16, 32, 44.1 and 48 kHz (and others) by a windowed-sinc filter bank. */
#ifndef MEDIA_CODEC_RESAMPLE_H
#define MEDIA_CODEC_RESAMPLE_H

#include "core/err.h"

enum { RESAMPLE_CHANNELS_MAX = 8, RESAMPLE_RATE_MIN = 8000, RESAMPLE_RATE_MAX = 192000 };

struct resampler;

/**
 * @param channels  1..RESAMPLE_CHANNELS_MAX, interleaved
 * @param from, to  rates [Hz], RESAMPLE_RATE_MIN..RESAMPLE_RATE_MAX
 * WLK_ERR_INVALID: outside of that, or a ratio that does not reduce to below 1000 (48000:44100 is 160:147). WLK_ERR_NOMEM.
 */
wlk_err resampler_create(struct resampler **out, uint32_t channels, uint32_t from, uint32_t to) WLK_NODISCARD;
void resampler_destroy(struct resampler *r);

/** How many samples a channel come out of the next |count| at most. */
size_t resampler_bound(const struct resampler *r, size_t count);

/**
 * @param in     |count| samples a channel
 * @param out    has room for resampler_bound(r, count) a channel; does not overlap |in|
 * @return       samples a channel that were written. In the long run exactly count * to / from.
 */
size_t resampler_run(struct resampler *r, const int16_t *in, size_t count, int16_t *out);

/** How much later a sample comes out than it went in [samples of the input rate]. 0 when the rates are equal. */
double resampler_delay(const struct resampler *r);

/** Forgets what it heard, as if made anew. */
void resampler_reset(struct resampler *r);

/** Mono from interleaved stereo (the mean) and back (both the same); |count| samples a channel. In place is fine for mono. */
void audio_to_mono(const int16_t *in, size_t count, int16_t *out);
void audio_to_stereo(const int16_t *in, size_t count, int16_t *out);

#endif
