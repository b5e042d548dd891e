#include "raw_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/picture_quality.h"
#include "tests/support/scene.h"
#include "tests/support/tone.h"

enum {
	LAYERS = 4,
	RID_SIZE = 17,
	DELAYS = 4096,
	KEPT = 16,       /* pictures that are compared */
	KEEP_EVERY = 11, /* a prime number, so that not always the same place of the stream's pattern is looked at */
	STEP = RAW_RATE / 400, /* 2.5 ms: 6 turns of the beep, and about one of the tone */
	WINDOW = RAW_RATE / 10,
	WINDOWS = 256,
	MOMENTS = 64,
	QUIET_STEPS = 80, /* without beep before the next one counts */
	PAIR_MS = 400
};

struct kept {
	struct scene_mark mark;
	uint8_t *luma, *colour[2]; /* planes without gaps */
};

struct pictures {
	char rid[RID_SIZE];
	unsigned shown, unread, backward, changes, turned;
	uint32_t width, height, last;
	double delays[DELAYS];
	size_t delay_count;
	struct kept kept[KEPT];
	size_t kept_count;
};

struct raw_watch {
	struct pictures layers[LAYERS];
	size_t layer_count;
	double flashes[MOMENTS], beeps[MOMENTS]; /* [ms] of the wall clock */
	size_t flash_count, beep_count;
	/* sound */
	int16_t step[STEP], window[WINDOW];
	size_t step_fill, window_fill;
	unsigned quiet_steps;
	double tones[WINDOWS], aways[WINDOWS];
	size_t window_count;
};

static void forget_kept(struct pictures *p)
{
	while (p->kept_count) {
		struct kept *k = &p->kept[--p->kept_count];

		free(k->luma);
		free(k->colour[0]);
		free(k->colour[1]);
	}
}

struct raw_watch *raw_watch_create(void)
{
	return calloc(1, sizeof(struct raw_watch));
}

void raw_watch_begin(struct raw_watch *w)
{
	for (size_t i = 0; i < w->layer_count; i++)
		forget_kept(&w->layers[i]);
	*w = (struct raw_watch){ 0 };
}

void raw_watch_destroy(struct raw_watch *w)
{
	if (!w)
		return;
	raw_watch_begin(w);
	free(w);
}

/* ---- pictures ---- */

static struct pictures *layer_of(struct raw_watch *w, const char *rid)
{
	for (size_t i = 0; i < w->layer_count; i++)
		if (!strcmp(w->layers[i].rid, rid))
			return &w->layers[i];
	if (w->layer_count == LAYERS || strlen(rid) >= RID_SIZE)
		return NULL;
	strcpy(w->layers[w->layer_count].rid, rid);
	return &w->layers[w->layer_count++];
}

static uint8_t *copy_plane(const uint8_t *data, size_t stride, uint32_t width, uint32_t height)
{
	uint8_t *copy = malloc((size_t)width * height);

	for (uint32_t y = 0; copy && y < height; y++)
		memcpy(copy + (size_t)y * width, data + y * stride, width);
	return copy;
}

static void keep(struct pictures *p, const wlk_video_frame *frame, const struct scene_mark *mark)
{
	struct kept *k = &p->kept[p->kept_count];

	k->mark = *mark;
	k->luma = copy_plane(frame->data[0], frame->stride[0], frame->width, frame->height);
	for (int i = 0; i < 2; i++)
		k->colour[i] = copy_plane(frame->data[i + 1], frame->stride[i + 1], frame->width / 2, frame->height / 2);
	if (k->luma && k->colour[0] && k->colour[1])
		p->kept_count++;
}

/* Of two moments that are less than half a round apart. */
static double since(int64_t wall_us, uint32_t moment)
{
	double ms = fmod((double)(wall_us % ((int64_t)SCENE_MOMENTS * 1000)) / 1e3 - moment + SCENE_MOMENTS, SCENE_MOMENTS);

	return ms > SCENE_MOMENTS / 2.0 ? ms - SCENE_MOMENTS : ms;
}

static void note_size(struct pictures *p, const wlk_video_frame *frame)
{
	if (p->width == frame->width && p->height == frame->height)
		return;
	forget_kept(p); /* only pictures of one size are compared */
	p->changes++;
	p->width = frame->width;
	p->height = frame->height;
}

static void show(struct raw_watch *w, struct pictures *p, const wlk_video_frame *frame, int64_t wall_us)
{
	struct scene_mark mark;

	p->shown++;
	note_size(p, frame);
	if (!scene_read(frame, &mark)) {
		p->unread++;
		return;
	}
	p->backward += p->delay_count && mark.number < p->last; /* the same one again is no fault: a key frame may show it */
	p->last = mark.number;
	if (p->delay_count < DELAYS)
		p->delays[p->delay_count++] = since(wall_us, mark.moment);
	if (p->kept_count < KEPT && p->shown % KEEP_EVERY == 0)
		keep(p, frame, &mark);
	if (!(mark.number % BEEP_EVERY) && w->flash_count < MOMENTS && p == w->layers)
		w->flashes[w->flash_count++] = (double)wall_us / 1e3;
}

/* As whoever shows it turns it: clockwise by |rotation|, which is not 0. NULL: no memory. */
static uint8_t *turn_plane(const uint8_t *from, size_t stride, uint32_t width, uint32_t height, uint16_t rotation)
{
	bool lies = rotation != 180;
	uint32_t out_width = lies ? height : width, out_height = lies ? width : height;
	uint8_t *out = malloc((size_t)width * height);

	for (uint32_t y = 0; out && y < out_height; y++) {
		for (uint32_t x = 0; x < out_width; x++) {
			uint32_t from_x = rotation == 90 ? y : rotation == 180 ? width - 1 - x : width - 1 - y;
			uint32_t from_y = rotation == 90 ? height - 1 - x : rotation == 180 ? height - 1 - y : x;

			out[(size_t)y * out_width + x] = from[from_y * stride + from_x];
		}
	}
	return out;
}

static void turn(struct raw_watch *w, struct pictures *p, const wlk_video_frame *frame, int64_t wall_us)
{
	wlk_video_frame upright = *frame;
	uint8_t *planes[3];
	bool lies = frame->rotation != 180;

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t part = i ? 2 : 1;

		planes[i] = turn_plane(frame->data[i], frame->stride[i], frame->width / part, frame->height / part, frame->rotation);
		upright.data[i] = planes[i];
		upright.stride[i] = (lies ? frame->height : frame->width) / part;
	}
	upright.width = lies ? frame->height : frame->width;
	upright.height = lies ? frame->width : frame->height;
	upright.rotation = 0;
	p->turned++;
	if (planes[0] && planes[1] && planes[2])
		show(w, p, &upright, wall_us);
	for (int i = 0; i < 3; i++)
		free(planes[i]);
}

void raw_watch_picture(struct raw_watch *w, const char *rid, const wlk_video_frame *frame, int64_t wall_us)
{
	struct pictures *p = layer_of(w, rid);

	if (p && frame->rotation)
		turn(w, p, frame, wall_us);
	else if (p)
		show(w, p, frame, wall_us);
}

/* The scene as a layer has it: the mean of each square of |n| by |n| pixels. */
static void shrink(uint8_t *out, const struct film *scene, uint32_t n)
{
	uint32_t width = scene->width / n, height = scene->height / n;

	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			uint32_t sum = n * n / 2;

			for (uint32_t i = 0; i < n * n; i++)
				sum += scene->data[0][(y * n + i / n) * scene->stride[0] + x * n + i % n];
			out[y * width + x] = (uint8_t)(sum / (n * n));
		}
	}
}

static double likeness(const struct pictures *p, const struct kept *k, struct film *scene, uint8_t *small)
{
	const struct quality_picture shown = { p->width, p->height, { k->luma, NULL, NULL }, { p->width, 0, 0 } };
	const struct quality_picture drawn = { p->width, p->height, { small, NULL, NULL }, { p->width, 0, 0 } };

	scene_draw(scene, &k->mark);
	shrink(small, scene, scene->width / p->width);
	return quality_ssim(&drawn, &shown);
}

static double colour_error(const struct pictures *p, const struct kept *k, const struct film *scene)
{
	wlk_video_frame frame = WLK_VIDEO_FRAME_INIT;

	for (int i = 0; i < 2; i++) {
		frame.data[i + 1] = k->colour[i];
		frame.stride[i + 1] = p->width / 2;
	}
	return scene_colour_error(scene, &frame);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static double quantile(double *values, size_t count, double part)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), by_value);
	return values[(size_t)(part * (double)(count - 1) + 0.5)];
}

static json_t *pictures_json(struct pictures *p, uint32_t full_width, uint32_t full_height)
{
	double sum = 0, least = 1, colour = 0;
	size_t compared = 0;
	struct film scene;
	uint8_t *small = malloc((size_t)full_width * full_height);

	film_init(&scene, full_width, full_height);
	for (size_t i = 0; small && p->width && full_width % p->width == 0 && i < p->kept_count; i++, compared++) {
		double like = likeness(p, &p->kept[i], &scene, small);

		sum += like;
		least = like < least ? like : least;
		if (p->width == full_width)
			colour = fmax(colour, colour_error(p, &p->kept[i], &scene));
	}
	film_free(&scene);
	free(small);
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f}", "shown", (int)p->shown, "turned", (int)p->turned, "unread", (int)p->unread,
			 "backward", (int)p->backward, "width", (int)p->width, "height", (int)p->height, "changes", (int)p->changes, "compared",
			 (int)compared, "ssim", compared ? sum / (double)compared : 0, "ssimMin", compared ? least : 0, "colour", colour, "delay",
			 quantile(p->delays, p->delay_count, 0.5), "delayP95", quantile(p->delays, p->delay_count, 0.95));
}

/* ---- sound ---- */

static void note_step(struct raw_watch *w, double end_ms)
{
	bool beep = tone_amplitude(w->step, STEP, 1, BEEP_HZ, RAW_RATE) > BEEP_AMPLITUDE / 3.0;

	if (beep && w->quiet_steps >= QUIET_STEPS && w->beep_count < MOMENTS)
		w->beeps[w->beep_count++] = end_ms - 1e3 * STEP / RAW_RATE;
	w->quiet_steps = beep ? 0 : w->quiet_steps + 1;
	/* The spectrum is that of the time between beeps, well behind one. */
	if (w->quiet_steps < QUIET_STEPS / 4) {
		w->window_fill = 0;
		return;
	}
	memcpy(w->window + w->window_fill, w->step, sizeof(w->step));
	w->window_fill += STEP;
	if (w->window_fill < WINDOW)
		return;
	w->window_fill = 0;
	if (w->window_count == WINDOWS)
		return;
	w->tones[w->window_count] = tone_amplitude(w->window, WINDOW, 1, TONE_HZ, RAW_RATE);
	for (int hertz = 700; hertz < 12000; hertz = hertz * 3 / 2)
		w->aways[w->window_count] = fmax(w->aways[w->window_count], tone_amplitude(w->window, WINDOW, 1, hertz, RAW_RATE));
	w->window_count++;
}

void raw_watch_sound(struct raw_watch *w, const int16_t *pcm, size_t count, int64_t wall_us)
{
	for (size_t i = 0; i < count; i++) {
		w->step[w->step_fill++] = pcm[i];
		if (w->step_fill < STEP)
			continue;
		w->step_fill = 0;
		note_step(w, (double)wall_us / 1e3 + 1e3 * (double)(i + 1) / RAW_RATE);
	}
}

/* ---- together ---- */

static json_t *lips_json(const struct raw_watch *w)
{
	double apart[MOMENTS], worst = 0;
	size_t count = 0;

	for (size_t i = 0; i < w->beep_count; i++) {
		double best = PAIR_MS;

		for (size_t k = 0; k < w->flash_count; k++)
			if (fabs(w->beeps[i] - w->flashes[k]) < fabs(best))
				best = w->beeps[i] - w->flashes[k];
		if (fabs(best) >= PAIR_MS)
			continue;
		apart[count++] = best;
		worst = fabs(best) > fabs(worst) ? best : worst;
	}
	return json_pack("{s:i, s:f, s:f}", "pairs", (int)count, "median", quantile(apart, count, 0.5), "worst", worst);
}

json_t *raw_watch_json(struct raw_watch *w)
{
	json_t *pictures = json_object();
	uint32_t width = 640, height = 480;

	for (size_t i = 0; i < w->layer_count; i++)
		if (w->layers[i].width > width) {
			width = w->layers[i].width;
			height = w->layers[i].height;
		}
	for (size_t i = 0; i < w->layer_count; i++)
		(void)!json_object_set_new(pictures, w->layers[i].rid, pictures_json(&w->layers[i], width, height));
	return json_pack("{s:o, s:{s:f, s:f, s:i, s:i}, s:o}", "pictures", pictures, "sound", "tone", quantile(w->tones, w->window_count, 0.5),
			 "away", quantile(w->aways, w->window_count, 0.5), "windows", (int)w->window_count, "beeps", (int)w->beep_count, "lips",
			 lips_json(w));
}
