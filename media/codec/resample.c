#include "media/codec/resample.h"
#include "core/alloc.h"
#include <math.h>
#include <string.h>

/*
 * With rates in lowest terms as up:down, sample n of what comes out lies at n * down / up of what goes in: one of |up| phases between
 * two input samples. Each phase has a filter of its own: a sinc that stops at the lower of both Nyquist rates, under a Kaiser
 * window. Each filter's weights add up to 1, so that a constant stays exactly what it is.
 */
enum { ZERO_CROSSINGS = 16, PHASES_MAX = 999, WEIGHT_BITS = 15 };

static const double WINDOW_BETA = 8.0; /* about -80 dB beyond the transition */

struct resampler {
	uint32_t channels, up, down;
	uint32_t taps;      /* of a phase */
	uint32_t phase;     /* of the next sample */
	uint32_t skip;      /* input samples to take before it */
	int16_t *weights;   /* up * taps, latest input first; all in one block with what follows */
	int16_t *history;   /* 2 * taps * channels; each sample stands twice, so that a run of taps never wraps */
	uint32_t at;        /* where the next one goes */
};

static uint32_t divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Modified Bessel function of order 0. */
static double bessel(double x)
{
	double sum = 1, term = 1;

	for (int k = 1; term > sum * 1e-12; k++) {
		term *= x / (2 * k) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

static double weight_at(double x, double cutoff, double half)
{
	double edge = x / half, angle = M_PI * x * cutoff;

	if (edge <= -1 || edge >= 1)
		return 0;
	return (fabs(angle) < 1e-9 ? 1 : sin(angle) / angle) * bessel(WINDOW_BETA * sqrt(1 - edge * edge)) / bessel(WINDOW_BETA);
}

static void make_phase(struct resampler *r, uint32_t phase, double *exact)
{
	/* A little below Nyquist, so that the transition lies mostly below it. */
	double cutoff = MIN(1.0, (double)r->up / r->down) * 0.94, half = r->taps / 2.0, sum = 0;
	int16_t *out = r->weights + (size_t)phase * r->taps;
	int total = 0;

	for (uint32_t i = 0; i < r->taps; i++) {
		/* The sample sought lies phase / up behind the tap in the middle. */
		double x = (double)i - (half - 1) - (1 - (double)phase / r->up);

		exact[i] = weight_at(x, cutoff, half);
		sum += exact[i];
	}
	for (uint32_t i = 0; i < r->taps; i++) {
		out[i] = (int16_t)lrint(exact[i] / sum * (1 << WEIGHT_BITS));
		total += out[i];
	}
	out[r->taps / 2] = (int16_t)(out[r->taps / 2] + (1 << WEIGHT_BITS) - total);
}

wlk_err resampler_create(struct resampler **out, uint32_t channels, uint32_t from, uint32_t to)
{
	if (channels < 1 || channels > RESAMPLE_CHANNELS_MAX || from < RESAMPLE_RATE_MIN || from > RESAMPLE_RATE_MAX ||
	    to < RESAMPLE_RATE_MIN || to > RESAMPLE_RATE_MAX)
		return WLK_ERR_INVALID;
	uint32_t common = divisor(from, to), up = to / common, down = from / common;

	if (up > PHASES_MAX || down > PHASES_MAX)
		return WLK_ERR_INVALID;
	uint32_t taps = up >= down ? 2 * ZERO_CROSSINGS : (2 * ZERO_CROSSINGS * down / up + 1) & ~1u;
	size_t weights = (size_t)up * taps, history = (size_t)2 * taps * channels;
	struct resampler *r = wlk_calloc(1, sizeof(*r) + (weights + history) * sizeof(int16_t));
	double *exact = wlk_malloc(taps * sizeof(*exact));

	if (!r || !exact) {
		wlk_free(exact);
		wlk_free(r);
		return WLK_ERR_NOMEM;
	}
	r->channels = channels;
	r->up = up;
	r->down = down;
	r->taps = taps;
	r->weights = (int16_t *)(void *)(r + 1);
	r->history = r->weights + weights;
	for (uint32_t phase = 0; phase < up; phase++)
		make_phase(r, phase, exact);
	wlk_free(exact);
	resampler_reset(r);
	*out = r;
	return WLK_OK;
}

void resampler_destroy(struct resampler *r)
{
	wlk_free(r);
}

void resampler_reset(struct resampler *r)
{
	memset(r->history, 0, (size_t)2 * r->taps * r->channels * sizeof(*r->history));
	r->phase = 0;
	r->skip = 1;
	r->at = 0;
}

size_t resampler_bound(const struct resampler *r, size_t count)
{
	return (count * r->up + r->down - 1) / r->down + 1;
}

double resampler_delay(const struct resampler *r)
{
	return r->up == r->down ? 0 : r->taps / 2.0;
}

static void take_in(struct resampler *r, const int16_t *in)
{
	for (uint32_t c = 0; c < r->channels; c++) {
		r->history[(size_t)r->at * r->channels + c] = in[c];
		r->history[(size_t)(r->at + r->taps) * r->channels + c] = in[c];
	}
	r->at = (r->at + 1) % r->taps;
}

static int16_t filtered(const struct resampler *r, uint32_t channel)
{
	const int16_t *weights = r->weights + (size_t)r->phase * r->taps;
	/* The latest stands right before |at| of the second half. */
	const int16_t *latest = r->history + (size_t)(r->at + r->taps - 1) * r->channels + channel;
	int64_t sum = 1 << (WEIGHT_BITS - 1);

	for (uint32_t i = 0; i < r->taps; i++)
		sum += (int64_t)weights[i] * latest[-(ptrdiff_t)(i * r->channels)];
	sum >>= WEIGHT_BITS;
	return (int16_t)MIN(MAX(sum, (int64_t)INT16_MIN), (int64_t)INT16_MAX);
}

size_t resampler_run(struct resampler *r, const int16_t *in, size_t count, int16_t *out)
{
	size_t made = 0;

	if (r->up == r->down) {
		memcpy(out, in, count * r->channels * sizeof(*out));
		return count;
	}
	for (size_t i = 0; i < count; i++) {
		take_in(r, in + i * r->channels);
		r->skip--;
		while (!r->skip) {
			for (uint32_t c = 0; c < r->channels; c++)
				out[made * r->channels + c] = filtered(r, c);
			made++;
			r->phase += r->down;
			r->skip = r->phase / r->up;
			r->phase %= r->up;
		}
	}
	return made;
}

void audio_to_mono(const int16_t *in, size_t count, int16_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (int16_t)((in[2 * i] + in[2 * i + 1]) / 2);
}

void audio_to_stereo(const int16_t *in, size_t count, int16_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[2 * i] = out[2 * i + 1] = in[i];
}
