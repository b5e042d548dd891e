/* Lip-sync: holds back whichever of the sound and the picture of one source would be ahead of the other. */
#ifndef MEDIA_CLOCK_SYNC_H
#define MEDIA_CLOCK_SYNC_H

#include "core/time.h"

enum {
	CLOCK_SYNC_PACE_US = 500000,  /* between two corrections: playout needs time to follow */
	CLOCK_SYNC_STEP_US = 80000,   /* of one correction at most */
	CLOCK_SYNC_SMALL_US = 25000,  /* nobody sees less, and waiting costs */
	CLOCK_SYNC_LEFT_US = 15000,   /* so much is left by a correction */
	CLOCK_SYNC_RELAX_US = 8000,   /* waiting that can be spared from here on is */
	CLOCK_SYNC_MAX_US = 1000000,  /* more is no delay but clocks that mean different things */
	CLOCK_SYNC_STALE_US = 3000000 /* what was played longer ago says nothing */
};

/*
 * What was, or will be, played last of one of the two: its capture by the sender's clock, which sound and picture share
 * (RFC 3550 6.4.1: NTP and RTP time of the sender reports), and the moment here.
 */
struct clock_sync_side {
	bool known;
	int64_t captured_unix_us;
	wlk_time played;
};

struct clock_sync {
	struct clock_sync_side audio, video;
	wlk_time audio_minimum_us, video_minimum_us; /* for the two buffers */
	wlk_time offset_us;                          /* smoothed: how much later pictures come than their sound */
	bool has_offset;
	wlk_time next;
};

void clock_sync_init(struct clock_sync *s);
/** A sample of one side. |captured_unix_us| 0 is passed over. */
void clock_sync_on_audio(struct clock_sync *s, int64_t captured_unix_us, wlk_time played);
void clock_sync_on_video(struct clock_sync *s, int64_t captured_unix_us, wlk_time played);
/** Another sound comes, or none: what is known of the one before does not hold for it, and no minimum of its own is left. */
void clock_sync_forget_audio(struct clock_sync *s);
/** Correct the minimum delays by what was said since, and take them back step by step when one of the two has ended; true when one changed. */
bool clock_sync_update(struct clock_sync *s, wlk_time now);

#endif
