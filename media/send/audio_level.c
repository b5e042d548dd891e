#include "media/send/audio_level.h"

#include <math.h>

/*
 * The background is the quietest 10 ms lately, rising by 3 dB a second: a fan is no voice after some seconds, and a pause between
 * words is enough to find the background again. What stands out of it is voice.
 */
enum { BLOCK_MS = 10 };
#define RISE_PER_SECOND 2.0
#define FLOOR_LEAST 1e-9 /* -90 dBov: below that all rooms are silent */

void audio_level_init(struct audio_level *l)
{
	*l = (struct audio_level){ .level = AUDIO_LEVEL_SILENCE, .since_loud = AUDIO_LEVEL_HANG_US };
}

uint8_t audio_level_of(double mean_square)
{
	double db = mean_square > 0 ? -10 * log10(mean_square) : AUDIO_LEVEL_SILENCE;

	return (uint8_t)lround(MIN(MAX(db, 0.0), (double)AUDIO_LEVEL_SILENCE));
}

static double mean_square_of(const int16_t *pcm, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)pcm[i] * (double)pcm[i];
	return sum / (double)count / (32768.0 * 32768.0);
}

static void follow_background(struct audio_level *l, double mean_square, wlk_time duration)
{
	double quiet = MAX(mean_square, FLOOR_LEAST);

	/* A track may begin in the middle of a word: the first sound is background only as far as it is quiet. */
	if (l->floor <= 0)
		l->floor = MIN(quiet, 1e-5);
	l->floor = MIN(l->floor * pow(RISE_PER_SECOND, (double)duration / 1e6), 1.0);
	l->floor = MIN(l->floor, quiet);
}

static void hear_block(struct audio_level *l, double mean_square, wlk_time duration)
{
	bool loud;

	follow_background(l, mean_square, duration);
	loud = audio_level_of(mean_square) < AUDIO_LEVEL_VOICE_MIN && mean_square > l->floor * pow(10, AUDIO_LEVEL_SNR / 10.0);
	l->since_loud = loud ? 0 : MIN(l->since_loud + duration, AUDIO_LEVEL_HANG_US);
	l->voice = l->since_loud < AUDIO_LEVEL_HANG_US;
	/* Single clicks have voice only by the hang-over; they do not add up. */
	l->voiced = loud ? l->voiced + duration : l->voice ? l->voiced : 0;
	l->unvoiced = l->voice ? 0 : MIN(l->unvoiced + duration, AUDIO_LEVEL_END_US);
	if (l->voiced >= AUDIO_LEVEL_BEGIN_US)
		l->speaking = true;
	else if (l->unvoiced >= AUDIO_LEVEL_END_US)
		l->speaking = false;
}

void audio_level_hear(struct audio_level *l, const int16_t *pcm, size_t count, size_t channels, uint32_t rate)
{
	size_t block = MAX((size_t)rate * BLOCK_MS / 1000, 1);

	assert(rate && channels && "sound has a rate and channels");
	if (!count)
		return;
	for (size_t at = 0; at < count; at += block) {
		size_t some = MIN(block, count - at);

		hear_block(l, mean_square_of(pcm + at * channels, some * channels), (wlk_time)((uint64_t)some * 1000000 / rate));
	}
	l->mean_square = mean_square_of(pcm, count * channels);
	l->level = audio_level_of(l->mean_square);
}
