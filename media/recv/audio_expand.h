/* Goes on with sound that stopped: concealment for codecs that have none of their own (after ITU-T G.711 appendix I). */
#ifndef MEDIA_RECV_AUDIO_EXPAND_H
#define MEDIA_RECV_AUDIO_EXPAND_H

#include "media/recv/background_noise.h"
#include "media/recv/pitch.h"

enum {
	EXPAND_HISTORY = 2880, /* samples in front of the gap that are looked at: 60 ms */
	EXPAND_FULL = 960,     /* 20 ms at full strength, */
	EXPAND_GONE = 4800,    /* fading until 100 ms; from there on only background noise */
};

struct audio_expand {
	bool active;
	size_t channels;
	size_t loop;     /* length of what is repeated [samples] */
	size_t lag;      /* one period of it */
	size_t at;       /* next sample of it */
	size_t made;     /* since the beginning of the gap */
	float voicing;   /* 1: periodic, 0: noise */
	float jump[PITCH_CHANNELS_MAX]; /* between the last sample and the one in front of the loop; fades away */
	size_t grain, grain_before; /* where the two pieces of noise begin that are played, */
	size_t grain_at;            /* and how far the newer is */
	uint32_t random;
	int16_t history[EXPAND_HISTORY * PITCH_CHANNELS_MAX];
};

/** Begin at the end of |history|, which holds EXPAND_HISTORY samples a channel. */
void audio_expand_begin(struct audio_expand *e, const int16_t *history, size_t channels);
/** The next |samples|. |noise| fills what fades away. */
void audio_expand_make(struct audio_expand *e, struct background_noise *noise, int16_t *out, size_t samples);

/**
 * Where, in the first |range| samples of |tail| (which goes on from what was played), the beginning of |next| fits best.
 *
 * @param tail  range + window samples
 * @return  samples of |tail| to play before next fades in, 0..range
 */
size_t audio_expand_align(const int16_t *tail, const int16_t *next, size_t channels, size_t range, size_t window);

#endif
