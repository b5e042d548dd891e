/* Which size, frame rate and spatial layers to encode: what the bit rate and the processor bear, as the application prefers it. */
#ifndef MEDIA_TRACK_VIDEO_ADAPT_H
#define MEDIA_TRACK_VIDEO_ADAPT_H

#include "core/time.h"

/* As wlk_degradation_preference. */
enum video_preference {
	VIDEO_PREFER_UNSET,
	VIDEO_PREFER_BALANCED,
	VIDEO_PREFER_FRAMERATE,
	VIDEO_PREFER_RESOLUTION,
	VIDEO_PREFER_BOTH,
};

enum video_limitation { VIDEO_LIMITED_NONE, VIDEO_LIMITED_CPU, VIDEO_LIMITED_BANDWIDTH, VIDEO_LIMITED_OTHER };

enum {
	ADAPT_DOWN_US = 1000000,     /* the rate is too low for so long: the picture gets smaller */
	ADAPT_UP_US = 3000000,       /* and larger when it would do for so long */
	ADAPT_CPU_DOWN_US = 2000000, /* the same for the processor */
	ADAPT_CPU_UP_US = 10000000,
};

struct video_adapt_input {
	uint32_t width, height; /* of the source */
	double fps;             /* of the source; 0: unknown */
	double scale;           /* scaleResolutionDownBy, at least 1 */
	double max_fps;         /* 0: no limit */
	uint64_t bps;           /* 0: unknown */
	wlk_time encode_us;     /* of a frame, on average; 0: unknown */
	enum video_preference preference;
	bool fixed_size;        /* one of several layers, whose sizes receivers count on */
	unsigned spatial;       /* spatial layers that can be left out, from the top; 0 or 1: none */
	bool by_three_halves;   /* each is 1.5 times the one below, not twice */
};

/* Steps down a ladder; 0 is the whole picture at its whole rate. */
struct video_adapt {
	bool started;
	unsigned level;      /* by the bit rate */
	unsigned cpu_level;  /* by the processor */
	wlk_time low_since, high_since, busy_since, idle_since; /* WLK_TIME_NEVER: it is not so */
	/* what to do */
	uint32_t width, height; /* of the whole, also where layers are left out */
	double fps;             /* 0: as they come */
	unsigned left_out;      /* spatial layers */
	enum video_limitation limitation;
	/* statistics */
	uint32_t size_changes;
	wlk_time since; /* of |limitation| */
	wlk_time durations_us[4];
};

void video_adapt_init(struct video_adapt *a);
/** Look at what has become of it; width, height and fps say what to do with the frame at hand. */
void video_adapt_update(struct video_adapt *a, wlk_time now, const struct video_adapt_input *in);
/** The bit rate that a picture of this size wants at least, at |fps| [bit/s]. */
uint64_t video_adapt_need(uint32_t width, uint32_t height, double fps);
/** How long each limitation has lasted, until now. */
void video_adapt_durations(const struct video_adapt *a, wlk_time now, wlk_time out[4]);

#endif
