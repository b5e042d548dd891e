#include "media/recv/background_noise.h"

#include <math.h>
#include <string.h>

/*
 * The quietest 10 ms lately are the background (minimum statistics); their spectrum, as a linear predictor, is its colour. What
 * was learned rises slowly, so that a pause between two words is enough to find it again.
 */
enum { BLOCK = 480, FLOOR_MAX = 400 /* RMS; about -38 dBov: louder is no background */ };
#define RISE_PER_BLOCK 1.0006f /* half a decibel a second */

void background_noise_init(struct background_noise *n)
{
	*n = (struct background_noise){ .random = 0x2545f491 };
}

float noise_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(int32_t)*state * (1.0f / 2147483648.0f);
}

/* Levinson and Durbin's recursion; answers the power of what cannot be predicted. */
static float solve_predictor(float a[NOISE_ORDER], const float r[NOISE_ORDER + 1])
{
	float error = r[0];

	memset(a, 0, NOISE_ORDER * sizeof(*a));
	for (size_t i = 0; i < NOISE_ORDER && error > 0; i++) {
		float before[NOISE_ORDER], k = r[i + 1];

		memcpy(before, a, sizeof(before));
		for (size_t j = 0; j < i; j++)
			k -= before[j] * r[i - j];
		k /= error;
		a[i] = k;
		for (size_t j = 0; j < i; j++)
			a[j] = before[j] - k * before[i - 1 - j];
		error *= 1 - k * k;
	}
	return MAX(error, 0);
}

static void learn_colour(struct background_noise *n, const float x[BLOCK])
{
	float r[NOISE_ORDER + 1] = { 0 };

	for (size_t lag = 0; lag <= NOISE_ORDER; lag++)
		for (size_t i = lag; i < BLOCK; i++)
			r[lag] += x[i] * x[i - lag];
	/* White noise 40 dB below keeps the filter well behaved. */
	r[0] = r[0] * 1.0001f + 1;
	n->gain = sqrtf(solve_predictor(n->predictor, r) / BLOCK);
}

static void hear_block(struct background_noise *n, const int16_t *pcm, size_t channels)
{
	float x[BLOCK], energy = 0, rms;

	for (size_t i = 0; i < BLOCK; i++) {
		x[i] = channels == 1 ? pcm[i] : 0.5f * (float)(pcm[2 * i] + pcm[2 * i + 1]);
		energy += x[i] * x[i];
	}
	rms = sqrtf(energy / BLOCK) + 0.01f;
	n->floor = n->floor > 0 ? MIN(n->floor * RISE_PER_BLOCK, FLOOR_MAX) : FLOOR_MAX;
	if (rms > 1.4f * n->floor)
		return;
	n->floor = MIN(n->floor, rms);
	learn_colour(n, x);
}

void background_noise_hear(struct background_noise *n, const int16_t *pcm, size_t channels, size_t samples)
{
	for (size_t i = 0; i + BLOCK <= samples; i += BLOCK)
		hear_block(n, pcm + i * channels, channels);
}

void background_noise_set_level(struct background_noise *n, uint8_t level)
{
	float rms = 32768.0f * powf(10, -(float)MIN(level, 127) / 20);

	rms = MIN(rms, FLOOR_MAX);
	n->gain = n->gain > 0 ? n->gain * rms / n->floor : rms; /* without a colour it is white */
	n->floor = MAX(rms, 0.01f);
}

void background_noise_make(struct background_noise *n, int16_t *out, size_t channels, size_t samples)
{
	const float scale = n->gain * 1.732f; /* uniform noise of -1..1 has an RMS of 1/sqrt(3) */

	for (size_t c = 0; c < channels; c++) {
		float *past = n->past[c];

		for (size_t i = 0; i < samples; i++) {
			float y = scale * noise_random(&n->random);

			for (size_t k = 0; k < NOISE_ORDER; k++)
				y += n->predictor[k] * past[k];
			y = MIN(MAX(y, -4000.0f), 4000.0f);
			memmove(past + 1, past, (NOISE_ORDER - 1) * sizeof(*past));
			past[0] = y;
			out[i * channels + c] = (int16_t)lrintf(y);
		}
	}
}
