#include "media/track/video_adapt.h"

#include "core/err.h"

enum { SIDE_MIN = 16, FPS_MIN = 5, LADDER_MAX = 8 };

struct rung {
	double size, fps; /* of the whole */
};

static const struct rung by_size[] = { { 1, 1 }, { 0.75, 1 }, { 0.5, 1 }, { 0.375, 1 }, { 0.25, 1 }, { 0.1875, 1 }, { 0.125, 1 } };
static const struct rung by_rate[] = { { 1, 1 }, { 1, 2.0 / 3 }, { 1, 0.5 }, { 1, 1.0 / 3 }, { 1, 1.0 / 6 } };
static const struct rung by_turns[] = { { 1, 1 }, { 0.75, 1 }, { 0.75, 2.0 / 3 }, { 0.5, 2.0 / 3 }, { 0.5, 0.5 }, { 0.375, 0.5 },
					{ 0.25, 0.5 }, { 0.25, 1.0 / 3 } };
static const struct rung as_it_is[] = { { 1, 1 } };
/* The layers of one stream: a rung is what is left without one more. */
static const struct rung by_halves[] = { { 1, 1 }, { 0.5, 1 }, { 0.25, 1 } };
static const struct rung by_thirds[] = { { 1, 1 }, { 2.0 / 3, 1 }, { 4.0 / 9, 1 } };

/* To leave layers out makes the picture smaller, too, and what is left goes on without a key frame. */
static bool leaves_out_layers(const struct video_adapt_input *in)
{
	return in->spatial > 1 && in->preference != VIDEO_PREFER_RESOLUTION && in->preference != VIDEO_PREFER_BOTH;
}

static const struct rung *ladder_of(const struct video_adapt_input *in, unsigned *count)
{
	if (leaves_out_layers(in)) {
		*count = MIN(in->spatial, (unsigned)ARRAY_SIZE(by_halves));
		return in->by_three_halves ? by_thirds : by_halves;
	}
	if (in->preference == VIDEO_PREFER_RESOLUTION || (in->fixed_size && in->preference != VIDEO_PREFER_BOTH)) {
		*count = ARRAY_SIZE(by_rate);
		return by_rate;
	}
	if (in->preference == VIDEO_PREFER_BOTH) {
		*count = ARRAY_SIZE(as_it_is);
		return as_it_is;
	}
	if (in->preference == VIDEO_PREFER_BALANCED) {
		*count = ARRAY_SIZE(by_turns);
		return by_turns;
	}
	*count = ARRAY_SIZE(by_size);
	return by_size;
}

/* Where a picture begins to look bad with VP8 at 30 frames a second. */
uint64_t video_adapt_need(uint32_t width, uint32_t height, double fps)
{
	static const struct {
		double pixels, bps;
	} points[] = { { 0, 20e3 },      { 57600, 70e3 },  { 129600, 130e3 },  { 230400, 220e3 },
		       { 518400, 430e3 }, { 921600, 700e3 }, { 2073600, 1.4e6 }, { 8294400, 5e6 } };
	double pixels = (double)width * height, bps = points[ARRAY_SIZE(points) - 1].bps;

	for (size_t i = 1; i < ARRAY_SIZE(points); i++)
		if (pixels < points[i].pixels) {
			double part = (pixels - points[i - 1].pixels) / (points[i].pixels - points[i - 1].pixels);

			bps = points[i - 1].bps + part * (points[i].bps - points[i - 1].bps);
			break;
		}
	return (uint64_t)(bps * (0.4 + 0.6 * MIN(fps, 60) / 30));
}

static uint32_t side(uint32_t whole, double scale, double part)
{
	uint32_t exact = (uint32_t)((double)whole / MAX(scale, 1.0) * part + 0.5);

	if (part == 1 && scale <= 1)
		return whole; /* odd ones too: nobody asked for another size */
	return MAX(exact & ~1u, MIN(whole, (uint32_t)SIDE_MIN));
}

static double rate_of(const struct video_adapt_input *in)
{
	double fps = in->fps > 0 ? in->fps : 30;

	return in->max_fps > 0 ? MIN(fps, in->max_fps) : fps;
}

/* Each layer below the top one costs about a fifth more. */
static uint64_t need_of(const struct video_adapt_input *in, const struct rung *ladder, unsigned level)
{
	const struct rung *r = &ladder[level];
	uint64_t need = video_adapt_need(side(in->width, in->scale, r->size), side(in->height, in->scale, r->size), rate_of(in) * r->fps);

	return leaves_out_layers(in) ? need + need * (in->spatial - 1 - level) / 5 : need;
}

/* True once |condition| has lasted. */
static bool lasts(wlk_time *since, bool condition, wlk_time now, wlk_time how_long)
{
	if (!condition) {
		*since = WLK_TIME_NEVER;
		return false;
	}
	if (*since == WLK_TIME_NEVER)
		*since = now;
	return now - *since >= how_long;
}

static void follow_rate(struct video_adapt *a, wlk_time now, const struct video_adapt_input *in, const struct rung *ladder, unsigned count)
{
	unsigned fits = 0;
	bool low, high;

	if (!in->bps)
		return;
	while (fits + 1 < count && need_of(in, ladder, fits) > in->bps)
		fits++;
	low = fits > a->level && (double)in->bps < 0.8 * (double)need_of(in, ladder, a->level);
	high = a->level && (double)in->bps >= 1.2 * (double)need_of(in, ladder, a->level - 1);
	if (!a->started || lasts(&a->low_since, low, now, ADAPT_DOWN_US)) {
		a->level = fits;
		a->low_since = a->high_since = WLK_TIME_NEVER;
	} else if (lasts(&a->high_since, high, now, ADAPT_UP_US)) {
		a->level--;
		a->high_since = WLK_TIME_NEVER;
	}
}

static void follow_processor(struct video_adapt *a, wlk_time now, const struct video_adapt_input *in, unsigned count)
{
	double part = (double)in->encode_us * (a->fps > 0 ? a->fps : rate_of(in)) / 1e6;

	if (lasts(&a->busy_since, in->encode_us && part > 0.8, now, ADAPT_CPU_DOWN_US) && a->cpu_level + 1 < count) {
		a->cpu_level = MAX(a->cpu_level, a->level) + 1;
		a->busy_since = WLK_TIME_NEVER;
	} else if (lasts(&a->idle_since, a->cpu_level && part < 0.35, now, ADAPT_CPU_UP_US)) {
		a->cpu_level--;
		a->idle_since = WLK_TIME_NEVER;
	}
	a->cpu_level = MIN(a->cpu_level, count - 1);
}

static void limit(struct video_adapt *a, wlk_time now, enum video_limitation limitation)
{
	if (!a->started)
		a->since = now;
	a->durations_us[a->limitation] += now - a->since;
	a->since = now;
	a->limitation = limitation;
}

void video_adapt_init(struct video_adapt *a)
{
	*a = (struct video_adapt){
		.low_since = WLK_TIME_NEVER,
		.high_since = WLK_TIME_NEVER,
		.busy_since = WLK_TIME_NEVER,
		.idle_since = WLK_TIME_NEVER,
	};
}

void video_adapt_update(struct video_adapt *a, wlk_time now, const struct video_adapt_input *in)
{
	unsigned count, level;
	const struct rung *ladder = ladder_of(in, &count);
	unsigned left_out = 0;
	double size;
	uint32_t width, height;

	a->level = MIN(a->level, count - 1);
	follow_rate(a, now, in, ladder, count);
	follow_processor(a, now, in, count);
	level = MIN(MAX(a->level, a->cpu_level), count - 1);
	limit(a, now, !level ? VIDEO_LIMITED_NONE : a->cpu_level > a->level ? VIDEO_LIMITED_CPU : VIDEO_LIMITED_BANDWIDTH);
	if (leaves_out_layers(in))
		left_out = level;
	size = left_out ? 1 : ladder[level].size;
	width = side(in->width, in->scale, size);
	height = side(in->height, in->scale, size);
	a->size_changes += a->started && (width != a->width || height != a->height || left_out != a->left_out);
	a->width = width;
	a->height = height;
	a->left_out = left_out;
	a->fps = ladder[level].fps < 1 ? MAX(rate_of(in) * ladder[level].fps, MIN(rate_of(in), (double)FPS_MIN)) : in->max_fps;
	a->started = true;
}

void video_adapt_durations(const struct video_adapt *a, wlk_time now, wlk_time out[4])
{
	for (size_t i = 0; i < 4; i++)
		out[i] = a->durations_us[i];
	if (a->started)
		out[a->limitation] += MAX(now - a->since, 0);
}
