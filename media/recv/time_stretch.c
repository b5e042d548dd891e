#include "media/recv/time_stretch.h"

#include <math.h>
#include <string.h>

/*
 * W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale
 * modification of speech", ICASSP 1993. Two neighbouring periods that look alike are faded into one, or one is repeated. All
 * of it happens at one splice, so that the sound around it is bit by bit what was decoded.
 */

void cross_fade(int16_t *out, const int16_t *from, const int16_t *to, size_t channels, size_t count)
{
	/* A rotating phasor instead of a cosine for each sample. */
	const float step = (float)M_PI / (float)(count + 1), turn_re = cosf(step), turn_im = sinf(step);
	float re = turn_re, im = turn_im;

	for (size_t i = 0; i < count; i++) {
		float weight = 0.5f - 0.5f * re, next = re * turn_re - im * turn_im;

		for (size_t c = 0; c < channels; c++) {
			size_t at = i * channels + c;

			out[at] = (int16_t)lrintf((float)from[at] + weight * (float)(to[at] - from[at]));
		}
		im = im * turn_re + re * turn_im;
		re = next;
	}
}

size_t time_stretch_shorten(int16_t *pcm, size_t samples, size_t channels, float similar)
{
	size_t window = MIN(samples / 2, PITCH_WINDOW);
	struct pitch pitch;

	if (samples < TIME_STRETCH_LEAST)
		return 0;
	pitch = pitch_find_later(pcm, channels, window, PITCH_LAG_MIN, MIN(samples - window, PITCH_LAG_MAX));
	if (pitch.correlation < similar)
		return 0;
	/* The first period goes over into the second, which then is gone. */
	if (pitch.lag + pitch.lag > samples)
		return 0;
	cross_fade(pcm, pcm, pcm + pitch.lag * channels, channels, pitch.lag);
	memmove(pcm + pitch.lag * channels, pcm + 2 * pitch.lag * channels, (samples - 2 * pitch.lag) * channels * sizeof(*pcm));
	return pitch.lag;
}

size_t time_stretch_lengthen(int16_t *pcm, size_t samples, size_t channels, float similar)
{
	size_t window = MIN(samples, PITCH_WINDOW), lag_max = MIN(samples, PITCH_LAG_MAX);
	struct pitch pitch;

	if (samples < PITCH_LAG_MIN)
		return 0;
	pitch = pitch_find_earlier(pcm, channels, window, PITCH_LAG_MIN, lag_max);
	if (pitch.correlation < similar)
		return 0;
	/* The first period goes over into the one before it; then it comes once more. */
	memmove(pcm + pitch.lag * channels, pcm, samples * channels * sizeof(*pcm));
	cross_fade(pcm, pcm + pitch.lag * channels, pcm - pitch.lag * channels, channels, pitch.lag);
	return pitch.lag;
}
