/* How loud a track is, and whether somebody speaks: RFC 6464 levels, voice activity, speaking. */
#ifndef MEDIA_SEND_AUDIO_LEVEL_H
#define MEDIA_SEND_AUDIO_LEVEL_H

#include "core/err.h"
#include "core/time.h"

enum {
	AUDIO_LEVEL_SILENCE = 127,   /* digital silence, in -dBov */
	AUDIO_LEVEL_VOICE_MIN = 60,  /* quieter than -60 dBov is no voice */
	AUDIO_LEVEL_SNR = 9,         /* so many dB above the background is one */
	AUDIO_LEVEL_HANG_US = 200000, /* voice ends so long after its last loud moment: words end softly */
	AUDIO_LEVEL_BEGIN_US = 100000, /* so much voice makes somebody speak */
	AUDIO_LEVEL_END_US = 1000000, /* so long without any ends it */
};

struct audio_level {
	uint8_t level;     /* of the last sound, -dBov: 0 loudest, 127 silence (RFC 6464 3) */
	bool voice;        /* the V bit of RFC 6464 */
	bool speaking;     /* voice that goes on, over pauses between words */
	double mean_square; /* of the last sound, 0..1 */
	/* inside */
	double floor;      /* mean square of the background; 0: nothing heard yet */
	wlk_time since_loud, voiced, unvoiced;
};

void audio_level_init(struct audio_level *l);

/**
 * The next sound of the track, as it is sent: 5 to 120 ms make sense, any length does.
 *
 * @param pcm    interleaved, |count| samples a channel (0: nothing changes)
 * @param rate   [Hz]
 */
void audio_level_hear(struct audio_level *l, const int16_t *pcm, size_t count, size_t channels, uint32_t rate);

/** -dBov of a mean square of 0..1 (1: a square wave of full scale): 0..127. */
uint8_t audio_level_of(double mean_square);

#endif
