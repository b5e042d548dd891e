/* What is sent: ten seconds of demanding pictures and of speech, the same in every run, over and over. */
#ifndef BENCH_MEDIA_CONTENT_H
#define BENCH_MEDIA_CONTENT_H

#include <stdbool.h>

#include "tests/support/picture_quality.h"

enum {
	CONTENT_WIDTH = 640,
	CONTENT_HEIGHT = 480,
	CONTENT_FPS = 30,
	CONTENT_SECONDS = 10,
	CONTENT_PICTURES = CONTENT_FPS * CONTENT_SECONDS,
	CONTENT_PICTURE_SIZE = CONTENT_WIDTH * CONTENT_HEIGHT * 3 / 2,
	CONTENT_RATE = 48000, /* of the sound, mono */
	CONTENT_SAMPLES = CONTENT_RATE * CONTENT_SECONDS,
};

/* Where in each second of the sound a beep begins by which its delay is measured [us]. */
enum { CONTENT_BEEP_EVERY_US = 1000000, CONTENT_BEEP_AT_US = 500000, CONTENT_BEEP_HZ = 3600 };

struct content {
	uint8_t *pictures; /* CONTENT_PICTURES in I420 without gaps */
	int16_t *sound;
};

/* Draw it and write it into |folder| as film.i420 and speech.s16. */
bool content_write(const char *folder);
/* Read what content_write() wrote. */
bool content_load(struct content *c, const char *folder);
void content_free(struct content *c);

/* Picture number |number| with its number in it, as 16 squares of black and white along the bottom. */
void content_picture(const struct content *c, uint32_t number, uint8_t out[CONTENT_PICTURE_SIZE]);
/* The number in a picture of any size. */
uint32_t content_number(const struct quality_picture *picture);
/* How loud the beep is in |count| samples, as the amplitude of its sine. */
double content_beep_amplitude(const int16_t *pcm, size_t count);

#endif
