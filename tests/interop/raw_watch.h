/*
 * What came of the scene (tests/support/scene.h) and its sound on their way: likeness, delay, order, spectrum, and how far picture
 * and sound are apart. Loop thread only.
 */
#ifndef INTEROP_RAW_WATCH_H
#define INTEROP_RAW_WATCH_H

#include <jansson.h>
#include <wirelark/wirelark.h>

/* The sound of the scene: a tone all the time, and with each picture whose number is a multiple of BEEP_EVERY a beep. Amplitudes of 16 bits. */
enum { RAW_RATE = 48000, TONE_HZ = 440, BEEP_HZ = 2400, BEEP_MS = 60, BEEP_EVERY = 30, TONE_AMPLITUDE = 5000, BEEP_AMPLITUDE = 9000 };

struct raw_watch;

struct raw_watch *raw_watch_create(void);
void raw_watch_destroy(struct raw_watch *w);
/* What was measured before does not count. */
void raw_watch_begin(struct raw_watch *w);
/* A picture is shown at |wall_us| [us since 1970], turned as it says; |rid| "" without layers. */
void raw_watch_picture(struct raw_watch *w, const char *rid, const wlk_video_frame *frame, int64_t wall_us);
/* |count| samples, mono, of which the first is heard at |wall_us|. */
void raw_watch_sound(struct raw_watch *w, const int16_t *pcm, size_t count, int64_t wall_us);
/*
 * { "pictures": { rid: { "shown", "turned", "unread", "backward", "width", "height", "changes", "compared", "ssim", "ssimMin", "colour", "delay",
 * "delayP95" } }, "sound": { "tone", "away", "windows", "beeps" }, "lips": { "pairs", "median", "worst" } }; milliseconds, |lips| positive
 * where the sound is late; the caller owns it.
 */
json_t *raw_watch_json(struct raw_watch *w);

#endif
