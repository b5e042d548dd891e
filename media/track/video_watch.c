#include "media/track/video_watch.h"

#include "core/err.h"

#define PAUSE_US (5 * SECOND)

static wlk_time mean_interval(const struct video_watch *w)
{
	wlk_time sum = 0;

	for (size_t i = 0; i < w->count; i++)
		sum += w->intervals[i];
	return w->count ? sum / (wlk_time)w->count : 0;
}

/* webrtc-stats, freezeCount: three times the mean of the last 30, and at least 150 ms more than it. */
static wlk_time freeze_begins(const struct video_watch *w)
{
	wlk_time mean = mean_interval(w);

	return MAX(3 * mean, mean + 150 * MILLISECOND);
}

static void judge(struct video_watch *w, wlk_time interval)
{
	if (interval >= PAUSE_US) {
		w->stats.pauses++;
		w->stats.pause_us += interval;
	} else if (w->count == VIDEO_WATCH_FRAMES && interval >= freeze_begins(w)) {
		w->stats.freezes++;
		w->stats.freeze_us += interval;
	}
}

static void note_interval(struct video_watch *w, wlk_time interval)
{
	double s = (double)interval / 1e6;

	judge(w, interval);
	w->stats.interval_s += s;
	w->stats.interval_s2 += s * s;
	w->intervals[w->at] = interval;
	w->at = (w->at + 1) % VIDEO_WATCH_FRAMES;
	w->count = MIN(w->count + 1, (size_t)VIDEO_WATCH_FRAMES);
}

void video_watch_shown(struct video_watch *w, wlk_time now)
{
	if (w->is_stalled)
		w->stall_us = now - w->last;
	w->is_stalled = false;
	if (w->started)
		note_interval(w, now - w->last);
	else
		w->rate_since = now;
	w->started = true;
	w->last = now;
	w->stats.frames_rendered++;
	w->rate_frames++;
	if (now - w->rate_since < SECOND)
		return;
	w->stats.fps = (double)w->rate_frames * 1e6 / (double)(now - w->rate_since);
	w->rate_since = now;
	w->rate_frames = 0;
}

wlk_time video_watch_still_at(const struct video_watch *w)
{
	return w->started && w->count == VIDEO_WATCH_FRAMES ? w->last + freeze_begins(w) : WLK_TIME_NEVER;
}

wlk_time video_watch_deadline(const struct video_watch *w)
{
	return w->is_stalled ? WLK_TIME_NEVER : video_watch_still_at(w);
}

bool video_watch_poll(struct video_watch *w, wlk_time now, struct video_stall *out)
{
	if (video_watch_deadline(w) <= now)
		w->is_stalled = true;
	if (w->told == w->is_stalled)
		return false;
	w->told = w->is_stalled;
	*out = (struct video_stall){ w->is_stalled, w->is_stalled ? now - w->last : w->stall_us };
	return true;
}

void video_watch_restart(struct video_watch *w)
{
	w->started = w->is_stalled = false;
	w->stall_us = 0;
}

void video_watch_stats(const struct video_watch *w, wlk_time now, struct video_watch_stats *out)
{
	*out = w->stats;
	if (w->started && now - w->last > SECOND)
		out->fps = 0;
}
