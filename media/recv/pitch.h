/* Finds the lag at which a piece of sound resembles itself: the pitch of voices, the period of tones. */
#ifndef MEDIA_RECV_PITCH_H
#define MEDIA_RECV_PITCH_H

#include "core/err.h"

/* All sound of the playout is 16 bit at 48 kHz; samples are counted a channel. */
enum {
	PITCH_LAG_MIN = 120,   /* 2.5 ms: 400 Hz */
	PITCH_LAG_MAX = 720,   /* 15 ms: 66 Hz */
	PITCH_WINDOW = 720,    /* what is compared */
	PITCH_CHANNELS_MAX = 2,
};

struct pitch {
	size_t lag;        /* [samples] */
	float correlation; /* normalised: 1 equal up to a factor, 0 not related (or silent) */
	float rms;         /* of the window */
};

/**
 * Compare pcm[0..window) with the same shifted by each lag, later or earlier, and find the best one.
 *
 * @param pcm       interleaved. Later: window + lag_max samples are read from it on; earlier: lag_max samples in front of it too
 * @param window    PITCH_LAG_MIN..PITCH_WINDOW
 * @param lag_min, lag_max  PITCH_LAG_MIN <= lag_min <= lag_max <= PITCH_LAG_MAX
 */
struct pitch pitch_find_later(const int16_t *pcm, size_t channels, size_t window, size_t lag_min, size_t lag_max);
struct pitch pitch_find_earlier(const int16_t *pcm, size_t channels, size_t window, size_t lag_min, size_t lag_max);

/** Normalised correlation of two pieces of |count| samples (at most 2 * PITCH_WINDOW). */
float pitch_correlation(const int16_t *a, const int16_t *b, size_t channels, size_t count);

#endif
