#include "media/recv/audio_expand.h"

#include <math.h>
#include <string.h>

/*
 * Voiced sound goes on as its last periods, over and over; unvoiced sound as grains of itself taken at random, because a
 * repeated one would buzz. Both fade into the background. Where the loop begins, and where it closes, it is bent so that no
 * step is heard; nothing before the gap is touched, so there is no delay (the appendix has 3.75 ms).
 */
enum {
	LOOP_MIN = 480,  /* shorter periods are taken several times, or they sound like a machine */
	GRAIN = 480,     /* overlapping by half */
	BEND = 96,       /* the step fades within 2 ms */
	MIX_IN = 240,    /* grains come in within 5 ms */
};

static void close_loop(struct audio_expand *e)
{
	size_t seam = e->lag / 4, ch = e->channels;
	int16_t *end = e->history + (EXPAND_HISTORY - seam) * ch;

	/* Towards its end the loop goes over into what stood in front of its beginning. */
	for (size_t i = 0; i < seam; i++) {
		float weight = (float)(i + 1) / (float)(seam + 1);

		for (size_t c = 0; c < ch; c++) {
			float own = end[i * ch + c], before = (end - e->loop * ch)[i * ch + c];

			end[i * ch + c] = (int16_t)lrintf(own + weight * (before - own));
		}
	}
}

void audio_expand_begin(struct audio_expand *e, const int16_t *history, size_t channels)
{
	const int16_t *end = history + EXPAND_HISTORY * channels;
	struct pitch pitch = pitch_find_earlier(end - PITCH_WINDOW * channels, channels, PITCH_WINDOW, PITCH_LAG_MIN, PITCH_LAG_MAX);
	size_t periods = (LOOP_MIN + pitch.lag - 1) / pitch.lag;

	e->active = true;
	e->channels = channels;
	e->lag = pitch.lag;
	e->loop = periods * pitch.lag;
	e->at = e->made = 0;
	e->voicing = MIN(MAX((pitch.correlation - 0.25f) / 0.5f, 0), 1);
	e->random = e->random ? e->random : 0x1234567;
	e->grain = EXPAND_HISTORY - GRAIN;
	e->grain_at = GRAIN / 2;
	memcpy(e->history, history, EXPAND_HISTORY * channels * sizeof(*history));
	for (size_t c = 0; c < channels; c++)
		e->jump[c] = (float)((end - channels)[c] - (end - (e->loop + 1) * channels)[c]);
	close_loop(e);
}

static size_t random_grain(struct audio_expand *e)
{
	const size_t first = EXPAND_HISTORY / 2, choices = EXPAND_HISTORY - GRAIN - first;

	return first + (size_t)((noise_random(&e->random) * 0.5f + 0.5f) * (float)(choices - 1));
}

/* Two grains at a time, the newer one coming in as the older goes; their squares add up to one. */
static void next_grain_sample(struct audio_expand *e, float out[PITCH_CHANNELS_MAX])
{
	const size_t half = GRAIN / 2;
	float in, gone;

	if (e->grain_at == half) {
		e->grain_before = e->grain;
		e->grain = random_grain(e);
		e->grain_at = 0;
	}
	in = sqrtf((float)e->grain_at / (float)half);
	gone = sqrtf(1 - (float)e->grain_at / (float)half);
	for (size_t c = 0; c < e->channels; c++)
		out[c] = in * (float)e->history[(e->grain + e->grain_at) * e->channels + c] +
			 gone * (float)e->history[(e->grain_before + half + e->grain_at) * e->channels + c];
	e->grain_at++;
}

static float fade(size_t made)
{
	if (made < EXPAND_FULL)
		return 1;
	return made >= EXPAND_GONE ? 0 : 1 - (float)(made - EXPAND_FULL) / (EXPAND_GONE - EXPAND_FULL);
}

static int16_t clamp(float x)
{
	return (int16_t)lrintf(MIN(MAX(x, -32768.0f), 32767.0f));
}

static void make_sample(struct audio_expand *e, int16_t *out)
{
	const int16_t *loop = e->history + (EXPAND_HISTORY - e->loop) * e->channels;
	float periodic = e->voicing + (1 - e->voicing) * (e->made < MIX_IN ? 1 - (float)e->made / MIX_IN : 0);
	float bend = e->made < BEND ? 0.5f + 0.5f * cosf((float)M_PI * (float)e->made / BEND) : 0;
	float strength = fade(e->made), rough = sqrtf(MAX(1 - periodic * periodic, 0)), grain[PITCH_CHANNELS_MAX] = { 0 };

	if (rough > 0)
		next_grain_sample(e, grain);
	for (size_t c = 0; c < e->channels; c++) {
		float y = periodic * (float)loop[e->at * e->channels + c] + rough * grain[c];

		out[c] = clamp(strength * (y + bend * e->jump[c]) + sqrtf(1 - strength * strength) * (float)out[c]);
	}
	e->at = e->at + 1 == e->loop ? 0 : e->at + 1;
	e->made++;
}

void audio_expand_make(struct audio_expand *e, struct background_noise *noise, int16_t *out, size_t samples)
{
	assert(e->active && "begin it first");
	background_noise_make(noise, out, e->channels, samples);
	for (size_t i = 0; i < samples && e->made < EXPAND_GONE; i++)
		make_sample(e, out + i * e->channels);
}

size_t audio_expand_align(const int16_t *tail, const int16_t *next, size_t channels, size_t range, size_t window)
{
	enum { COARSE = 6 };
	float best = -1;
	size_t at = 0, from, to;

	for (size_t i = 0; i <= range; i += COARSE) {
		float c = pitch_correlation(tail + i * channels, next, channels, window);

		/* An equal peak one period later would only make the gap longer. */
		if (c > best + 0.02f || (c > best && i < at + PITCH_LAG_MIN)) {
			best = c;
			at = i;
		}
	}
	from = at - MIN(at, COARSE);
	to = MIN(at + COARSE, range);
	for (size_t i = from; i <= to; i++) {
		float c = pitch_correlation(tail + i * channels, next, channels, window);

		if (c > best) {
			best = c;
			at = i;
		}
	}
	return at;
}
