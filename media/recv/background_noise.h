/* Learns how the background of a voice sounds, and makes noise like it: for pauses and long losses. */
#ifndef MEDIA_RECV_BACKGROUND_NOISE_H
#define MEDIA_RECV_BACKGROUND_NOISE_H

#include "core/err.h"

enum { NOISE_ORDER = 8, NOISE_CHANNELS_MAX = 2 };

struct background_noise {
	float floor;                /* RMS of the quietest sound lately; 0: nothing heard yet */
	float gain;                 /* of the white noise in front of the filter */
	float predictor[NOISE_ORDER];
	float past[NOISE_CHANNELS_MAX][NOISE_ORDER];
	uint32_t random;
};

void background_noise_init(struct background_noise *n);
/** Sound that was received, 1..5,760 samples a channel of 48 kHz. Loud sound changes little. */
void background_noise_hear(struct background_noise *n, const int16_t *pcm, size_t channels, size_t samples);
/** How loud it is, as the sender says (RFC 3389): -dBov, 0 loudest to 127. The colour stays as it was heard. */
void background_noise_set_level(struct background_noise *n, uint8_t level);
/** |samples| of noise; silence when nothing was heard. */
void background_noise_make(struct background_noise *n, int16_t *out, size_t channels, size_t samples);

/** Uniform pseudo-random number in -1..1: sound, no secret. */
float noise_random(uint32_t *state);

#endif
