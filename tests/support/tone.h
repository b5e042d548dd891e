/* Tones, and what is left of them: measures for tests of audio. */
#ifndef TESTS_SUPPORT_TONE_H
#define TESTS_SUPPORT_TONE_H

#include <stddef.h>
#include <stdint.h>

/* |count| samples a channel of a sine, from sample |at| of it on; all channels the same. */
void tone_make(int16_t *pcm, size_t at, size_t count, uint32_t channels, double hertz, uint32_t rate, double amplitude);
/* Something like speech: a buzz with vibrato whose loudness comes and goes. Mono. */
void speech_make(int16_t *pcm, size_t at, size_t count, uint32_t rate);
/* Amplitude of the sine of |hertz| in one channel of it (Goertzel). */
double tone_amplitude(const int16_t *pcm, size_t count, uint32_t channels, double hertz, uint32_t rate);
/* Energy of the first channel, a sample. */
double tone_energy(const int16_t *pcm, size_t count, uint32_t channels);
/* Signal to noise of |heard| against |said| [dB], at the delay of 0..max_delay samples where it is best. Mono. */
double tone_snr(const int16_t *said, const int16_t *heard, size_t count, size_t max_delay);

#endif
