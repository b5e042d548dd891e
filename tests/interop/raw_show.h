/* The scene and its sound as they are pushed into sources, in time with the clock. Loop thread only. */
#ifndef INTEROP_RAW_SHOW_H
#define INTEROP_RAW_SHOW_H

#include <wirelark/wirelark.h>

#include "tests/support/film.h"

struct raw_show {
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	int64_t unix_us_at_zero;
	struct film picture;
	wlk_time began;
	uint32_t next_picture;
	uint64_t next_sound; /* pieces of 10 ms */
};

enum { SHOW_FPS = 30, SHOW_SOUND_US = 10000, SHOW_SAMPLES = 480 };

/* |unix_us_at_zero|: the wall clock minus the loop's. */
bool raw_show_begin(struct raw_show *s, uint32_t width, uint32_t height, wlk_time now, int64_t unix_us_at_zero);
void raw_show_end(struct raw_show *s);
/* Push what has been captured by |now|. Answers when there is more. */
wlk_time raw_show_turn(struct raw_show *s, wlk_time now);

#endif
