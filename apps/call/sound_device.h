/* Microphones and loudspeakers (SDL2), each on a thread of its own that goes at the device's pace. */
#ifndef CALL_SOUND_DEVICE_H
#define CALL_SOUND_DEVICE_H

#include <stddef.h>
#include <stdint.h>

struct sound_device;

/*
 * Called on the device's thread: take |count| samples, or fill them; mono, at SOUND_OUT_RATE.
 * |latency_us|: how long they were on their way from the microphone, or will be to the ear.
 */
typedef void (*sound_device_turn)(int16_t *samples, size_t count, int64_t latency_us, void *user);

/*
 * Open one and let it run.
 *
 * @param name  NULL: the default one
 * @return      NULL, told on stderr: there is none, or no SDL2 in this build
 */
struct sound_device *sound_device_microphone(const char *name, sound_device_turn turn, void *user);
struct sound_device *sound_device_speaker(const char *name, sound_device_turn turn, void *user);
/* When this returns, turn() is not called any more. close(NULL) does nothing. */
void sound_device_close(struct sound_device *device);
/* Print the names of all. */
void sound_device_list(void);

#endif
