/* Counts how smoothly pictures are shown: rate, freezes and pauses as webrtc-stats defines them. */
#ifndef MEDIA_TRACK_VIDEO_WATCH_H
#define MEDIA_TRACK_VIDEO_WATCH_H

#include <stdbool.h>

#include "core/time.h"

enum { VIDEO_WATCH_FRAMES = 30 };

/* The picture stands still, or goes on. */
struct video_stall {
	bool is_stalled;
	wlk_time duration; /* since the last picture; of one that goes on until it did */
};

struct video_watch_stats {
	uint32_t frames_rendered;
	double fps;
	double interval_s, interval_s2; /* sums of the intervals between pictures, and of their squares */
	uint32_t freezes, pauses;
	wlk_time freeze_us, pause_us;
};

struct video_watch {
	bool started;
	wlk_time last;
	wlk_time intervals[VIDEO_WATCH_FRAMES]; /* the latest, as a ring */
	size_t count, at;
	wlk_time rate_since;
	uint32_t rate_frames;
	bool is_stalled, told; /* told: that it is */
	wlk_time stall_us;     /* how long the last one was */
	struct video_watch_stats stats;
};

/** A picture is shown. */
void video_watch_shown(struct video_watch *w, wlk_time now);
/** When the picture is late enough to be told to stand still; WLK_TIME_NEVER: it does, or its rhythm is not known yet. */
wlk_time video_watch_deadline(const struct video_watch *w);
/** From when on the picture counts as standing still; WLK_TIME_NEVER: its rhythm is not known yet. */
wlk_time video_watch_still_at(const struct video_watch *w);
/** Whether there is something to tell of it. */
bool video_watch_poll(struct video_watch *w, wlk_time now, struct video_stall *out);
/** What comes next does not go on with what was. */
void video_watch_restart(struct video_watch *w);
/** The figures at |now|: the rate falls to 0 when nothing comes. */
void video_watch_stats(const struct video_watch *w, wlk_time now, struct video_watch_stats *out);

#endif
