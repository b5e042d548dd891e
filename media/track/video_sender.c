#include "media/track/video_sender.h"

#include <string.h>

#include "core/alloc.h"

#define DEFAULT_START_BPS 600000 /* before anybody has estimated */
#define FPS_PERIOD        SECOND
#define FPS_MAX           240.0 /* faster are the times of a source that was held up */

void video_sender_init(struct video_sender *s)
{
	*s = (struct video_sender){ 0 };
	list_init(&s->jobs);
	for (size_t i = 0; i < VIDEO_SENDER_LAYERS; i++)
		list_init(&s->layers[i].waiting);
}

/* ---- frames that wait to be sent ---- */

static struct video_encode_job *first_waiting(const struct video_layer *l)
{
	struct track_job *job = list_empty(&l->waiting) ? NULL : list_entry(l->waiting.next, struct track_job, link);

	return job ? CONTAINER_OF(job, struct video_encode_job, job) : NULL;
}

static void drop_first(struct video_layer *l)
{
	struct video_encode_job *job = first_waiting(l);

	list_remove(&job->job.link);
	job->job.free(&job->job);
	l->waiting_count--;
	l->taken = 0;
}

static void drop_waiting(struct video_layer *l)
{
	while (l->waiting_count)
		drop_first(l);
}

static void layer_clear(struct video_layer *l)
{
	drop_waiting(l);
	video_encoder_destroy(l->encoder);
	l->encoder = NULL;
}

void video_sender_free(struct video_sender *s)
{
	track_jobs_forget(&s->jobs);
	for (size_t i = 0; i < VIDEO_SENDER_LAYERS; i++) {
		layer_clear(&s->layers[i]);
		wlk_free(s->layers[i].fmtp);
		s->layers[i].fmtp = NULL;
	}
	video_frame_release(s->frame);
	s->frame = NULL;
}

/* ---- settings ---- */

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_setup(const struct video_encode_setup *a, const struct video_encode_setup *b)
{
	return a->codec == b->codec && a->is_screen == b->is_screen && a->plugin == b->plugin && same_text(a->fmtp, b->fmtp) &&
	       a->layers.spatial == b->layers.spatial && a->layers.temporal == b->layers.temporal &&
	       a->layers.key_only == b->layers.key_only && a->layers.by_three_halves == b->layers.by_three_halves;
}

static void layer_begin(struct video_layer *l)
{
	layer_clear(l);
	l->generation++; /* a job that is under way comes back for nothing */
	l->failed = false;
	l->wants_key = true;
	video_adapt_init(&l->adapt);
}

static void layer_set(struct video_layer *l, const struct video_layer_config *config, char *fmtp, bool is_new)
{
	bool other = is_new || !same_setup(&l->config.setup, &config->setup);

	if (config->active && !l->config.active)
		l->wants_key = true;
	l->config = *config;
	wlk_free(l->fmtp);
	l->fmtp = fmtp;
	l->config.setup.fmtp = fmtp;
	if (other)
		layer_begin(l);
	if (!config->active)
		drop_waiting(l);
}

wlk_err video_sender_configure(struct video_sender *s, const struct video_layer_config *layers, size_t count, enum video_preference preference)
{
	char *fmtp[VIDEO_SENDER_LAYERS] = { 0 };

	count = MIN(count, (size_t)VIDEO_SENDER_LAYERS);
	for (size_t i = 0; i < count; i++) {
		if (!layers[i].setup.fmtp || !*layers[i].setup.fmtp || (fmtp[i] = wlk_strdup(layers[i].setup.fmtp)))
			continue;
		while (i--)
			wlk_free(fmtp[i]);
		return WLK_ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++)
		layer_set(&s->layers[i], &layers[i], fmtp[i], i >= s->layer_count);
	for (size_t i = count; i < s->layer_count; i++)
		layer_clear(&s->layers[i]);
	s->layer_count = count;
	s->preference = preference;
	return WLK_OK;
}

void video_sender_set_open(struct video_sender *s, bool open)
{
	if (open && !s->open)
		for (size_t i = 0; i < s->layer_count; i++) {
			drop_waiting(&s->layers[i]);
			s->layers[i].wants_key = true;
		}
	s->open = open;
}

void video_sender_set_black(struct video_sender *s, bool black)
{
	s->black = black;
}

void video_sender_key_frame(struct video_sender *s, size_t layer)
{
	if (layer < s->layer_count)
		s->layers[layer].wants_key = true;
}

void video_sender_set_target(struct video_sender *s, size_t layer, uint64_t bps)
{
	if (layer >= s->layer_count)
		return;
	/* What comes after a pause has nothing to refer to. */
	s->layers[layer].wants_key |= s->layers[layer].told && !s->layers[layer].target_bps && bps;
	s->layers[layer].told = true;
	s->layers[layer].target_bps = bps;
}

/* Without an estimate: what the picture can use, carefully. */
static uint64_t start_rate(const struct video_sender *s, const struct video_layer *l)
{
	double scale = MAX(l->config.scale, 1.0);
	uint64_t need = DEFAULT_START_BPS;

	if (s->frame)
		need = video_adapt_need((uint32_t)(s->frame->width / scale), (uint32_t)(s->frame->height / scale), 30) * 2;
	return s->layer_count == 1 ? MIN(MAX(need, (uint64_t)100000), (uint64_t)DEFAULT_START_BPS * 2) : need;
}

uint64_t video_sender_bitrate(const struct video_sender *s, size_t layer)
{
	const struct video_layer *l = &s->layers[layer];
	uint64_t bps = l->told ? l->target_bps : start_rate(s, l);

	return l->config.max_bps ? MIN(bps, l->config.max_bps) : bps;
}

/* ---- pictures ---- */

void video_sender_push(struct video_sender *s, struct video_frame *frame)
{
	wlk_time gap = frame->captured - s->last_captured;

	if (s->serial && gap > 0 && gap < SECOND) {
		double fps = MIN(1e6 / (double)gap, FPS_MAX);

		s->source_fps = s->source_fps > 0 ? s->source_fps + (fps - s->source_fps) / 16 : fps;
	}
	video_frame_release(s->frame);
	s->frame = frame;
	s->last_captured = frame->captured;
	s->serial++;
	s->frames++;
}

/* Whether a picture of this moment is one of those that a lower frame rate keeps. */
static bool in_rhythm(const struct video_layer *l, wlk_time captured)
{
	wlk_time interval = l->adapt.fps > 0 ? (wlk_time)(1e6 / l->adapt.fps) : 0;

	return !interval || captured + interval / 4 >= l->next_due || captured + 2 * interval < l->next_due;
}

static bool is_due(const struct video_sender *s, const struct video_layer *l)
{
	if (!s->open || !s->frame || !l->config.active || l->at_work || l->failed || l->waiting_count >= VIDEO_SENDER_WAITING ||
	    (l->told && !l->target_bps))
		return false;
	return (l->wants_key && !(l->stuck && s->serial == l->serial)) || (s->serial != l->serial && in_rhythm(l, s->frame->captured));
}

bool video_sender_has_job(const struct video_sender *s)
{
	for (size_t i = 0; i < s->layer_count; i++)
		if (is_due(s, &s->layers[i]))
			return true;
	return false;
}

static void adapt(struct video_sender *s, size_t layer, wlk_time now)
{
	struct video_layer *l = &s->layers[layer];
	bool lying = s->frame->rotation % 180;
	const struct video_adapt_input in = {
		.width = lying ? s->frame->height : s->frame->width,
		.height = lying ? s->frame->width : s->frame->height,
		.fps = s->source_fps,
		.scale = MAX(l->config.scale, 1.0),
		.max_fps = l->config.max_fps,
		.bps = video_sender_bitrate(s, layer),
		.encode_us = l->encode_us,
		.preference = s->preference,
		.fixed_size = s->layer_count > 1,
		.spatial = l->config.setup.layers.spatial,
		.by_three_halves = l->config.setup.layers.by_three_halves,
	};

	video_adapt_update(&l->adapt, now, &in);
}

/* Frames of 90 kHz, and never the same twice: a picture that is sent again has a time of its own. */
static uint32_t timestamp_of(struct video_layer *l, wlk_time captured)
{
	uint32_t timestamp = (uint32_t)((uint64_t)captured * 9 / 100);

	if (l->has_timestamp && captured <= l->last_captured + SECOND && (int32_t)(timestamp - l->last_timestamp) <= 0)
		timestamp = l->last_timestamp + 1;
	l->last_timestamp = timestamp;
	l->last_captured = captured;
	l->has_timestamp = true;
	return timestamp;
}

static void job_done(struct track_job *base, wlk_time now, wlk_time spent);

static void fill_job(struct video_sender *s, size_t layer, wlk_time now, struct video_encode_job *job)
{
	struct video_layer *l = &s->layers[layer];
	bool again = s->serial == l->serial; /* nothing newer, but a key frame is wanted */
	double fps = l->adapt.fps > 0 ? l->adapt.fps : s->source_fps > 0 ? s->source_fps : 30;

	job->job.track = s;
	job->job.done = job_done;
	job->job.begun = now;
	job->layer = layer;
	job->generation = l->generation;
	job->encoder = l->encoder;
	job->setup = l->config.setup;
	job->setup.most_pixels = (uint64_t)l->adapt.width * l->adapt.height;
	job->frame = video_frame_ref(s->frame);
	job->width = l->adapt.width;
	job->height = l->adapt.height;
	job->black = s->black;
	job->captured = again ? MAX(now, s->frame->captured) : s->frame->captured;
	job->timestamp = timestamp_of(l, job->captured);
	job->params = (struct video_encode_params){
		.force_key = l->wants_key,
		.bitrate_bps = video_sender_bitrate(s, layer),
		.fps = fps,
		.active_spatial = (uint8_t)(MAX(l->config.setup.layers.spatial, 1) - l->adapt.left_out),
	};
	l->stats.target_bytes += (uint64_t)((double)job->params.bitrate_bps / 8 / fps);
	l->stats.target_bps = job->params.bitrate_bps;
}

bool video_sender_poll_job(struct video_sender *s, wlk_time now, struct track_job **out)
{
	for (size_t i = 0; i < s->layer_count; i++) {
		struct video_layer *l = &s->layers[i];
		struct video_encode_job *job;
		wlk_time interval;

		if (!is_due(s, l))
			continue;
		adapt(s, i, now);
		job = video_encode_job_create();
		if (!job || (!l->encoder && l->fmtp && !(job->fmtp = wlk_strdup(l->fmtp)))) {
			wlk_free(job);
			return false;
		}
		fill_job(s, i, now, job);
		interval = l->adapt.fps > 0 ? (wlk_time)(1e6 / l->adapt.fps) : 0;
		l->next_due = MAX(l->next_due, job->captured - interval) + interval;
		if (l->next_due > job->captured + 2 * interval)
			l->next_due = job->captured + interval;
		l->encoder = NULL;
		l->at_work = true;
		l->wants_key = false;
		l->serial = s->serial;
		list_push_back(&s->jobs, &job->job.link);
		*out = &job->job;
		return true;
	}
	return false;
}

/* ---- what came of it ---- */

static void count_rate(struct video_layer *l, wlk_time now)
{
	l->rate_frames++;
	if (now - l->rate_since < FPS_PERIOD)
		return;
	l->stats.fps = (double)l->rate_frames * 1e6 / (double)(now - l->rate_since);
	l->rate_since = now;
	l->rate_frames = 0;
}

static void count(struct video_layer *l, const struct video_encode_job *job, wlk_time now, wlk_time spent)
{
	const struct encoded_frame *top;

	l->encode_us = l->encode_us ? l->encode_us + (spent - l->encode_us) / 8 : spent;
	if (!job->picture.count) {
		l->stats.frames_dropped++;
		return;
	}
	top = &job->picture.frames[job->picture.count - 1];
	l->stats.frames_encoded++;
	l->stats.key_frames_encoded += job->picture.frames[0].is_key;
	l->stats.encode_us += spent;
	l->stats.qp_sum += top->qp > 0 ? (uint64_t)top->qp : 0;
	l->stats.width = top->width;
	l->stats.height = top->height;
	l->stats.implementation = video_encoder_name(job->encoder);
	for (size_t i = 0; i < job->picture.count; i++)
		l->stats.encoded_bytes += job->picture.frames[i].size;
	count_rate(l, now);
}

static void job_done(struct track_job *base, wlk_time now, wlk_time spent)
{
	struct video_encode_job *job = CONTAINER_OF(base, struct video_encode_job, job);
	struct video_sender *s = job->job.track;
	struct video_layer *l = &s->layers[job->layer];

	l->at_work = false;
	if (job->generation != l->generation) {
		job->job.free(&job->job);
		return;
	}
	if (job->err) {
		l->failed = job->err == WLK_ERR_UNSUPPORTED || job->err == WLK_ERR_INVALID;
		l->wants_key = true;
	}
	if (job->params.force_key && !job->picture.count)
		l->wants_key = true;
	l->stuck = !job->picture.count;
	if (!job->err)
		count(l, job, now, spent);
	l->encoder = job->encoder;
	job->encoder = NULL;
	if (!job->picture.count || !s->open || !l->config.active) {
		l->wants_key |= job->picture.count > 0; /* nobody will see what the next one refers to */
		job->job.free(&job->job);
		return;
	}
	list_push_back(&l->waiting, &job->job.link);
	l->waiting_count++;
}

bool video_sender_poll_output(struct video_sender *s, struct video_output *out)
{
	for (size_t i = 0; i < s->layer_count; i++) {
		struct video_layer *l = &s->layers[i];
		const struct video_encode_job *job = first_waiting(l);

		if (!job)
			continue;
		*out = (struct video_output){
			.layer = i,
			.frame = &job->picture.frames[l->taken],
			.codec = job->setup.codec,
			.timestamp = job->timestamp,
			.captured = job->captured,
		};
		return true;
	}
	return false;
}

void video_sender_drop_output(struct video_sender *s, size_t layer)
{
	struct video_layer *l = &s->layers[layer];
	const struct video_encode_job *job = first_waiting(l);

	if (++l->taken == job->picture.count)
		drop_first(l);
}

void video_sender_refuse_output(struct video_sender *s, size_t layer)
{
	s->layers[layer].stats.frames_dropped += (uint32_t)s->layers[layer].waiting_count;
	drop_waiting(&s->layers[layer]);
	s->layers[layer].wants_key = true;
	s->layers[layer].stuck = true; /* the same picture would fare no better */
}
