/* Where sound comes from, a WAV file or a tone, a WAV file that it goes to, and a measure for the tone. */
#ifndef CALL_SOUND_H
#define CALL_SOUND_H

#include <stdbool.h>
#include <stdio.h>

#include <wirelark/track.h>

enum { SOUND_MS = 10, SOUND_OUT_RATE = 48000 };

struct sound_input {
	FILE *file; /* NULL: a tone */
	long first, left; /* where the samples begin, and bytes of them that are left */
	long size;
	uint32_t rate, channels;
	double phase;
	int16_t samples[192000 / 1000 * SOUND_MS * 2];
};

/* |path| NULL: a tone of 440 Hz. False, told on stderr: it cannot be read. */
bool sound_input_open(struct sound_input *in, const char *path);
void sound_input_close(struct sound_input *in);
/* The next SOUND_MS, borrowed until the next call; files begin again at their end. */
bool sound_input_next(struct sound_input *in, wlk_audio_frame *out);

struct sound_output {
	FILE *file; /* NULL: nowhere */
	uint32_t bytes;
};

/* Mono at SOUND_OUT_RATE. */
bool sound_output_open(struct sound_output *out, const char *path);
void sound_output_write(struct sound_output *out, const int16_t *samples, size_t count);
void sound_output_close(struct sound_output *out);

/* How much of what is heard is the tone that the test sends. */
struct sound_meter {
	double tone, all; /* energies */
};

/* A piece of sound, mono at SOUND_OUT_RATE. */
void sound_meter_take(struct sound_meter *meter, const int16_t *samples, size_t count);
/* The share of 440 Hz in all of it, 0 to 1. */
double sound_meter_share(const struct sound_meter *meter);

#endif
