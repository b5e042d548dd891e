#include "media/recv/pitch.h"

#include <math.h>
#include <string.h>

/*
 * First a search over all lags at 8 kHz, then one of a few lags around the best at full rate. Voices have their pitch below 400
 * Hz, so the coarse search may be deaf above 4 kHz; what is up there decides in the second one.
 */
enum {
	DECIMATION = 6,
	SPAN_MAX = PITCH_WINDOW + PITCH_LAG_MAX,
	COARSE_MAX = SPAN_MAX / DECIMATION,
	FINE_RANGE = DECIMATION,
	EARLY_SHARE = 97, /* a shorter lag wins with this much of the best correlation [%] */
};

static float dot(const float *a, const float *b, size_t count)
{
	float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t i = 0;

	for (; i + 4 <= count; i += 4) {
		s0 += a[i] * b[i];
		s1 += a[i + 1] * b[i + 1];
		s2 += a[i + 2] * b[i + 2];
		s3 += a[i + 3] * b[i + 3];
	}
	for (; i < count; i++)
		s0 += a[i] * b[i];
	return s0 + s1 + s2 + s3;
}

static void to_mono(float *out, const int16_t *pcm, size_t channels, size_t count)
{
	if (channels == 1) {
		for (size_t i = 0; i < count; i++)
			out[i] = pcm[i];
		return;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = 0.5f * ((float)pcm[2 * i] + (float)pcm[2 * i + 1]);
}

static size_t decimate(float *out, const float *in, size_t count)
{
	size_t n = count / DECIMATION;

	for (size_t i = 0; i < n; i++) {
		const float *x = in + i * DECIMATION;

		out[i] = (x[0] + x[1] + x[2] + x[3] + x[4] + x[5]) / DECIMATION;
	}
	return n;
}

static float normalised(float product, float energy_a, float energy_b)
{
	return product <= 0 || energy_a <= 0 || energy_b <= 0 ? 0 : product / sqrtf(energy_a * energy_b);
}

/*
 * Best of the lags first..last for ref[0..window) against ref[direction * lag ...]. |count| of correlations is a few hundred.
 */
static size_t best_lag(const float *ref, int direction, size_t window, size_t first, size_t last, float *correlation)
{
	float energy = dot(ref, ref, window), best = -1;
	size_t lag = first;

	for (size_t l = first; l <= last; l++) {
		const float *moved = ref + direction * (ptrdiff_t)l;
		float c = normalised(dot(ref, moved, window), energy, dot(moved, moved, window));

		if (c * EARLY_SHARE > best * 100 || (c > best && l < lag + PITCH_LAG_MIN / DECIMATION)) {
			best = c;
			lag = l;
		}
	}
	*correlation = best;
	return lag;
}

static struct pitch find(const int16_t *pcm, size_t channels, int direction, size_t window, size_t lag_min, size_t lag_max)
{
	float full[SPAN_MAX], coarse[COARSE_MAX];
	size_t front = direction < 0 ? lag_max : 0, first, last, lag, coarse_front = front / DECIMATION;
	struct pitch found;

	assert(window >= PITCH_LAG_MIN && window <= PITCH_WINDOW && lag_min >= PITCH_LAG_MIN && lag_min <= lag_max &&
	       lag_max <= PITCH_LAG_MAX && channels >= 1 && channels <= PITCH_CHANNELS_MAX && "see the header");
	to_mono(full, pcm - front * channels, channels, window + lag_max);
	/* The coarse samples in front are counted from the reference, so that both grids agree. */
	decimate(coarse, full + front % DECIMATION, window + lag_max - front % DECIMATION);
	first = (lag_min + DECIMATION - 1) / DECIMATION;
	last = lag_max / DECIMATION;
	lag = first <= last ? best_lag(coarse + coarse_front, direction, window / DECIMATION, first, last, &found.correlation) : first;
	lag *= DECIMATION;
	first = MAX(lag - MIN(lag, FINE_RANGE), lag_min);
	last = MIN(lag + FINE_RANGE, lag_max);
	found.lag = best_lag(full + front, direction, window, MIN(first, last), last, &found.correlation);
	found.rms = sqrtf(dot(full + front, full + front, window) / (float)window);
	return found;
}

struct pitch pitch_find_later(const int16_t *pcm, size_t channels, size_t window, size_t lag_min, size_t lag_max)
{
	return find(pcm, channels, 1, window, lag_min, lag_max);
}

struct pitch pitch_find_earlier(const int16_t *pcm, size_t channels, size_t window, size_t lag_min, size_t lag_max)
{
	return find(pcm, channels, -1, window, lag_min, lag_max);
}

float pitch_correlation(const int16_t *a, const int16_t *b, size_t channels, size_t count)
{
	float x[SPAN_MAX], y[SPAN_MAX];

	assert(count <= SPAN_MAX && "see the header");
	to_mono(x, a, channels, count);
	to_mono(y, b, channels, count);
	return normalised(dot(x, y, count), dot(x, x, count), dot(y, y, count));
}
