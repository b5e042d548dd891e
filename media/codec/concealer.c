#include "media/codec/concealer.h"
#include "core/alloc.h"
#include <string.h>

/*
 * As ITU-T G.711 appendix I does it in principle: the pitch is where the end of what was heard is most like what was before
 * it; the last period is repeated, its seam blended; after 10 ms it begins to fade and is silent after 60.
 */
enum {
	HISTORY_MS = 45,
	PITCH_MIN_US = 2500,  /* 400 Hz */
	PITCH_MAX_US = 15000, /* 66 Hz */
	COMPARED_MS = 20,
	HOLD_MS = 10,
	FADED_MS = 60,
	BLEND_MS = 4,
};

struct concealer {
	uint32_t rate, channels;
	size_t history_size; /* samples a channel, as all sizes here */
	size_t heard;        /* how much of it is filled */
	bool in_gap;
	size_t period;       /* of the gap under way */
	size_t made;         /* since its beginning */
	int16_t history[];   /* oldest first */
};

static size_t of_ms(const struct concealer *c, size_t ms)
{
	return c->rate * ms / 1000;
}

struct concealer *concealer_create(uint32_t rate, uint32_t channels)
{
	size_t size = (size_t)rate * HISTORY_MS / 1000;
	struct concealer *c = wlk_calloc(1, sizeof(*c) + size * channels * sizeof(int16_t));

	if (!c)
		return NULL;
	c->rate = rate;
	c->channels = channels;
	c->history_size = size;
	return c;
}

void concealer_destroy(struct concealer *c)
{
	wlk_free(c);
}

/* How alike the end is to what stood |lag| before it, on every |step|th sample; all channels together. -1..1 */
static double likeness(const struct concealer *c, size_t lag, size_t step)
{
	size_t count = of_ms(c, COMPARED_MS) * c->channels, end = c->history_size * c->channels;
	const int16_t *a = c->history + end - count, *b = a - lag * c->channels;
	double product = 0, energy_a = 1, energy_b = 1;

	for (size_t i = 0; i < count; i += step) {
		product += (double)a[i] * b[i];
		energy_a += (double)a[i] * a[i];
		energy_b += (double)b[i] * b[i];
	}
	return product < 0 ? 0 : product * product / (energy_a * energy_b);
}

static size_t best_lag(const struct concealer *c, size_t from, size_t to, size_t stride, size_t step)
{
	size_t best = from;
	double best_likeness = -1;

	for (size_t lag = from; lag <= to; lag += stride) {
		double l = likeness(c, lag, step);

		/* Of equally good ones the shortest: a multiple of the period is as alike as the period. */
		if (l > best_likeness * 1.02 + 1e-9) {
			best = lag;
			best_likeness = l;
		}
	}
	return best;
}

static size_t find_period(const struct concealer *c)
{
	size_t from = (size_t)c->rate * PITCH_MIN_US / 1000000, to = (size_t)c->rate * PITCH_MAX_US / 1000000;
	size_t coarse = MAX(c->rate / 8000u, 1u), lag = best_lag(c, from, to, coarse, coarse * c->channels);

	return coarse == 1 ? lag : best_lag(c, MAX(lag - coarse, from), MIN(lag + coarse, to), 1, 1);
}

/* Sample |at| of the signal that goes on from what was heard, without fading. */
static double continued(const struct concealer *c, size_t at, size_t channel)
{
	size_t period = c->period, seam = period / 4, in_period = at % period;
	const int16_t *last = c->history + (c->history_size - period) * c->channels + channel;
	double value = last[in_period * c->channels];

	/* The last quarter is blended into what stood before the period, which leads smoothly to the period's beginning. */
	if (in_period >= period - seam) {
		double weight = (double)(in_period - (period - seam) + 1) / (double)(seam + 1);
		const int16_t *before = last - period * c->channels;

		value = value * (1 - weight) + before[in_period * c->channels] * weight;
	}
	return value;
}

static double gain_at(const struct concealer *c, size_t at)
{
	size_t hold = of_ms(c, HOLD_MS), faded = of_ms(c, FADED_MS);

	if (at < hold)
		return 1;
	return at >= faded ? 0 : (double)(faded - at) / (double)(faded - hold);
}

void concealer_fill(struct concealer *c, int16_t *pcm, size_t samples)
{
	if (c->heard < c->history_size) {
		memset(pcm, 0, samples * c->channels * sizeof(*pcm));
		return;
	}
	if (!c->in_gap) {
		c->in_gap = true;
		c->made = 0;
		c->period = find_period(c);
	}
	for (size_t i = 0; i < samples; i++, c->made++) {
		double gain = gain_at(c, c->made);

		for (size_t ch = 0; ch < c->channels; ch++)
			pcm[i * c->channels + ch] = (int16_t)(gain > 0 ? continued(c, c->made, ch) * gain : 0);
	}
}

static void remember(struct concealer *c, const int16_t *pcm, size_t samples)
{
	size_t keep = samples < c->history_size ? c->history_size - samples : 0, from = samples - (c->history_size - keep);

	memmove(c->history, c->history + (c->history_size - keep) * c->channels, keep * c->channels * sizeof(*pcm));
	memcpy(c->history + keep * c->channels, pcm + from * c->channels, (c->history_size - keep) * c->channels * sizeof(*pcm));
	c->heard = MIN(c->heard + samples, c->history_size);
}

void concealer_heard(struct concealer *c, int16_t *pcm, size_t samples)
{
	if (c->in_gap) {
		size_t blend = MIN(of_ms(c, BLEND_MS), samples);

		for (size_t i = 0; i < blend; i++) {
			double weight = (double)(i + 1) / (double)(blend + 1), gain = gain_at(c, c->made + i);

			for (size_t ch = 0; ch < c->channels; ch++) {
				int16_t *sample = &pcm[i * c->channels + ch];

				*sample = (int16_t)(*sample * weight + continued(c, c->made + i, ch) * gain * (1 - weight));
			}
		}
		c->in_gap = false;
	}
	remember(c, pcm, samples);
}
