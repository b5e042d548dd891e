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
static void judge(struct video_watch *w, wlk_time interval)
{
	wlk_time mean = mean_interval(w);

	if (interval >= PAUSE_US) {
		w->stats.pauses++;
		w->stats.pause_us += interval;
	} else if (w->count == VIDEO_WATCH_FRAMES && interval >= MAX(3 * mean, mean + 150 * MILLISECOND)) {
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

void video_watch_stats(const struct video_watch *w, wlk_time now, struct video_watch_stats *out)
{
	*out = w->stats;
	if (w->started && now - w->last > SECOND)
		out->fps = 0;
}
