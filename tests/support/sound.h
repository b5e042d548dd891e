/* Sounds for tests, and what can be measured of them. 48 kHz, mono, 16 bit unless said otherwise. */
#ifndef TESTS_SUPPORT_SOUND_H
#define TESTS_SUPPORT_SOUND_H

#include <stddef.h>
#include <stdint.h>

enum { SOUND_RATE = 48000 };

/** |count| samples of a sine that goes on from sample number |from|; added to what is there. */
void sound_add_tone(int16_t *pcm, size_t count, double hz, double amplitude, size_t from);
/** Uniform noise of this amplitude, the same for the same seed; added. */
void sound_add_noise(int16_t *pcm, size_t count, double amplitude, uint32_t *seed);
/**
 * A synthetic voice: pulses of |pitch_hz| (wandering by 2 %) through three formants; added.
 * Begins in silence, and is the same for the same arguments.
 */
void sound_add_voice(int16_t *pcm, size_t count, double pitch_hz, double amplitude);
/** Words of 300 ms with pauses of 200 ms: the voice switched on and off softly. */
void sound_add_speech(int16_t *pcm, size_t count, double pitch_hz, double amplitude);

double sound_rms(const int16_t *pcm, size_t count);
/** Largest step between two neighbouring samples. */
int sound_largest_step(const int16_t *pcm, size_t count);
/** Energy at hz (in a band of about 4 * 48000 / count around it) as a share of all, 0..1; Blackman window. */
double sound_share_at(const int16_t *pcm, size_t count, double hz);
/** The pitch in 60..400 Hz by autocorrelation of the whole piece [Hz]. */
double sound_pitch(const int16_t *pcm, size_t count);
/** The frequency with the most energy, |low|..|high| in steps of one Hz. */
double sound_peak(const int16_t *pcm, size_t count, double low, double high);

#endif
