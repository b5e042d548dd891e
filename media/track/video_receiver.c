#include "media/track/video_receiver.h"

#include <string.h>

#include "core/alloc.h"

enum { CLOCK_HZ = 90000, DECODE_SLACK_US = 5000, EARLY_MAX_US = 100000 };

struct decode_job {
	struct track_job job;
	uint32_t generation;
	struct video_decoder *decoder; /* NULL: made by the job */
	struct video_decoder_config config;
	const struct video_decoder_plugin *plugin;
	char *fmtp; /* of the configuration; NULL: none */
	struct video_unit *unit;
	struct video_frame *frame; /* NULL: nothing to show */
	wlk_err err;
};

void video_receiver_init(struct video_receiver *r)
{
	*r = (struct video_receiver){ .needs_key = true, .limit = SIZE_MAX };
	r->stats.shown = WLK_TIME_NEVER;
	list_init(&r->units);
	list_init(&r->jobs);
	jitter_buffer_init(&r->jitter, CLOCK_HZ);
}

struct video_unit *video_unit_create(const uint8_t *data, size_t size)
{
	struct video_unit *unit = wlk_malloc(sizeof(*unit) + size);

	if (!unit)
		return NULL;
	*unit = (struct video_unit){ .size = size };
	list_init(&unit->link);
	memcpy(unit->data, data, size);
	return unit;
}

static struct video_unit *first_unit(const struct video_receiver *r)
{
	return list_empty(&r->units) ? NULL : list_entry(r->units.next, struct video_unit, link);
}

static struct video_unit *take_unit(struct video_receiver *r)
{
	struct video_unit *unit = first_unit(r);

	list_remove(&unit->link);
	r->unit_count--;
	r->unit_bytes -= unit->size;
	return unit;
}

static void drop_unit(struct video_receiver *r)
{
	struct video_unit *unit = take_unit(r);

	r->stats.frames_dropped += unit->ends_picture;
	wlk_free(unit);
}

static void drop_to_key(struct video_receiver *r)
{
	r->needs_key = true;
	while (r->unit_count && !first_unit(r)->is_key)
		drop_unit(r);
	r->wants_key |= !r->unit_count;
}

void video_receiver_free(struct video_receiver *r)
{
	track_jobs_forget(&r->jobs);
	while (r->unit_count)
		wlk_free(take_unit(r));
	while (r->ready_count)
		video_frame_release(r->ready[--r->ready_count].frame);
	video_decoder_destroy(r->decoder);
	r->decoder = NULL;
}

void video_receiver_restart(struct video_receiver *r)
{
	while (r->unit_count)
		drop_unit(r);
	while (r->ready_count)
		video_frame_release(r->ready[--r->ready_count].frame);
	video_decoder_destroy(r->decoder);
	r->decoder = NULL;
	r->generation++;
	r->needs_key = true;
	video_watch_restart(&r->watch);
}

bool video_receiver_wants_key(struct video_receiver *r)
{
	bool wants = r->wants_key;

	r->wants_key = false;
	return wants;
}

static size_t picture_bytes(const struct video_frame *frame)
{
	return (size_t)frame->width * frame->height * 3 / 2;
}

size_t video_receiver_bytes(const struct video_receiver *r)
{
	size_t bytes = r->unit_bytes;

	for (size_t i = 0; i < r->ready_count; i++)
		bytes += picture_bytes(r->ready[i].frame);
	return bytes;
}

void video_receiver_set_limit(struct video_receiver *r, size_t limit)
{
	r->limit = limit;
}

/* No room for another picture like those that wait. */
static bool is_full(const struct video_receiver *r)
{
	return r->ready_count == VIDEO_READY_MAX ||
	       (r->ready_count && video_receiver_bytes(r) + picture_bytes(r->ready[r->ready_count - 1].frame) > r->limit);
}

/* ---- in ---- */

/* The delay is that of whole pictures: of several spatial layers the last one counts. */
static void learn(struct video_receiver *r, const struct video_unit *unit, wlk_time rtt_us)
{
	const struct jitter_frame frame = { unit->timestamp, unit->size, unit->arrival, unit->recovered };

	if (unit->ends_picture)
		jitter_buffer_on_frame(&r->jitter, &frame, rtt_us);
}

/* What waits is of the old decoder, and no key frame of it may begin the new one. */
static void change_codec(struct video_receiver *r, enum codec_id codec)
{
	while (r->unit_count)
		drop_unit(r);
	video_decoder_destroy(r->decoder);
	r->decoder = NULL;
	r->codec = codec;
	r->generation++;
	r->needs_key = true;
}

/* It stands on one that did not come in. */
static void refuse(struct video_receiver *r, struct video_unit *unit)
{
	r->stats.frames_dropped += unit->ends_picture;
	wlk_free(unit);
}

/* What another sender refers to is not here, but for a key frame; and what is left of the one before comes late. */
static bool is_foreign(const struct video_receiver *r, const struct video_unit *unit)
{
	return r->jitter.started && unit->ssrc != r->ssrc && !unit->is_key;
}

/* With another sender its clock begins anew. */
static void follow_sender(struct video_receiver *r, wlk_time now, const struct video_unit *unit)
{
	if (unit->ssrc != r->ssrc)
		r->jitter.started = false;
	r->ssrc = unit->ssrc;
	r->heard = now;
}

void video_receiver_skip(struct video_receiver *r)
{
	r->skips = r->wants_key = true;
}

void video_receiver_input(struct video_receiver *r, wlk_time now, struct video_unit *unit, wlk_time rtt_us)
{
	unit->queued = now;
	if (is_foreign(r, unit) || (r->skips && !unit->is_key)) {
		r->wants_key |= r->skips || now - r->heard > VIDEO_SILENT_US; /* the first wish may have got lost */
		refuse(r, unit);
		return;
	}
	follow_sender(r, now, unit);
	r->skips = false;
	if (unit->codec != r->codec)
		change_codec(r, unit->codec);
	if (!r->jitter.started) {
		const struct jitter_frame first = { unit->timestamp, unit->size, unit->arrival, unit->recovered };

		jitter_buffer_on_frame(&r->jitter, &first, rtt_us);
	} else {
		learn(r, unit, rtt_us);
	}
	list_push_back(&r->units, &unit->link);
	r->unit_count++;
	r->unit_bytes += unit->size;
	/* R25: a decoder that does not keep up loses pictures, not memory. */
	if (r->unit_count > VIDEO_UNITS_MAX || r->unit_bytes > VIDEO_UNIT_BYTES_MAX ||
	    (r->unit_count > 1 && r->unit_bytes > r->limit) || now - first_unit(r)->queued > VIDEO_WAIT_MAX_US) {
		drop_unit(r);
		drop_to_key(r);
	}
}

/* ---- decoding ---- */

static void job_free(struct track_job *base)
{
	struct decode_job *job = CONTAINER_OF(base, struct decode_job, job);

	video_frame_release(job->frame);
	video_decoder_destroy(job->decoder);
	wlk_free(job->fmtp);
	wlk_free(job->unit);
	wlk_free(job);
}

static void job_run(struct track_job *base)
{
	struct decode_job *job = CONTAINER_OF(base, struct decode_job, job);
	const struct video_decode_input input = {
		.data = job->unit->data,
		.size = job->unit->size,
		.now = job->job.begun,
		.ends_picture = job->unit->ends_picture,
	};

	if (!job->decoder)
		job->err = video_decoder_create(&job->decoder, job->plugin, &job->config);
	if (!job->err)
		job->err = video_decoder_decode(job->decoder, &input, &job->frame);
}

static wlk_time render_time(const struct video_receiver *r, const struct video_unit *unit)
{
	/* The buffer may have begun anew since, behind a jump of the sender's clock. */
	return time_min(jitter_buffer_render_time(&r->jitter, unit->timestamp), unit->arrival + jitter_buffer_delay(&r->jitter) + EARLY_MAX_US);
}

/* While the picture stands still the next one waits for nothing: it may be a key frame that came ahead of what is missing. */
static wlk_time next_render(const struct video_receiver *r, wlk_time scheduled)
{
	return time_min(scheduled, video_watch_still_at(&r->watch) - 1);
}

/* When decoding has to begin for the picture to be there in time. */
static wlk_time decode_time(const struct video_receiver *r)
{
	const struct video_unit *unit = first_unit(r);
	wlk_time render;

	if (!unit || r->at_work || is_full(r))
		return WLK_TIME_NEVER;
	render = render_time(r, unit);
	return (r->ready_count ? render : next_render(r, render)) - r->decode_us - DECODE_SLACK_US;
}

static void note_job(struct video_receiver *r, const struct video_unit *unit, wlk_time now)
{
	if (!unit->ends_picture)
		return;
	r->stats.emitted++;
	r->stats.buffer_us += MAX(now - unit->first_arrival, 0);
	r->stats.buffer_target_us += jitter_buffer_target(&r->jitter);
	r->stats.buffer_minimum_us += r->jitter.target_us;
}

/* For a job that makes its decoder. False: no memory. */
static bool configure_decoder(struct video_receiver *r, struct decode_job *job)
{
	const char *fmtp = NULL;

	job->config = (struct video_decoder_config){ .codec = r->codec, .max_pixels = r->max_pixels, .threads = 2 };
	if (r->decoder)
		return true;
	job->plugin = r->find_plugin ? r->find_plugin(r->user, r->codec, &fmtp) : NULL;
	if (fmtp && *fmtp && !(job->fmtp = wlk_strdup(fmtp)))
		return false;
	job->config.fmtp = job->fmtp;
	return true;
}

static void job_done(struct track_job *base, wlk_time now, wlk_time spent);

bool video_receiver_poll_job(struct video_receiver *r, wlk_time now, struct track_job **out)
{
	struct decode_job *job;

	while (r->needs_key && !r->at_work && r->unit_count && !first_unit(r)->is_key) {
		drop_unit(r);
		r->wants_key = true;
	}
	if (decode_time(r) > now)
		return false;
	job = wlk_calloc(1, sizeof(*job));
	if (!job)
		return false;
	if (!configure_decoder(r, job)) {
		wlk_free(job);
		return false;
	}
	job->unit = take_unit(r);
	job->job = (struct track_job){ .track = r, .begun = now, .run = job_run, .done = job_done, .free = job_free };
	job->generation = r->generation;
	job->decoder = r->decoder;
	note_job(r, job->unit, now);
	r->decoder = NULL;
	r->at_work = true;
	r->needs_key = false; /* it is one, or none was needed */
	list_push_back(&r->jobs, &job->job.link);
	*out = &job->job;
	return true;
}

static void keep_picture(struct video_receiver *r, struct decode_job *job)
{
	struct video_ready *ready = &r->ready[r->ready_count++];

	job->frame->rtp_timestamp = job->unit->timestamp;
	job->frame->capture_unix_us = job->unit->capture_unix_us;
	job->frame->rotation = job->unit->rotation;
	*ready = (struct video_ready){ job->frame, render_time(r, job->unit), job->unit->is_key };
	job->frame = NULL;
}

static void job_done(struct track_job *base, wlk_time now, wlk_time spent)
{
	struct decode_job *job = CONTAINER_OF(base, struct decode_job, job);
	struct video_receiver *r = job->job.track;

	r->at_work = false;
	if (job->generation != r->generation) {
		job_free(base);
		return;
	}
	if (job->decoder && video_decoder_took(job->decoder, spent))
		drop_to_key(r); /* R24 */
	else if (job->err)
		drop_to_key(r);
	r->stats.decode_us += spent;
	r->stats.processing_us += job->unit->ends_picture ? MAX(now - job->unit->first_arrival, 0) : 0;
	r->decode_us = MAX(spent, r->decode_us - r->decode_us / 16);
	r->decoder = job->decoder;
	job->decoder = NULL;
	if (r->decoder) {
		r->stats.decoder = *video_decoder_stats(r->decoder);
		r->stats.implementation = video_decoder_name(r->decoder);
	}
	if (job->frame)
		keep_picture(r, job);
	job_free(base);
}

/* ---- out ---- */

static struct video_ready take_ready(struct video_receiver *r)
{
	struct video_ready first = r->ready[0];

	memmove(r->ready, r->ready + 1, --r->ready_count * sizeof(*r->ready));
	return first;
}

struct video_frame *video_receiver_poll_frame(struct video_receiver *r, wlk_time now, wlk_time *render)
{
	struct video_ready ready;

	if (!r->ready_count || next_render(r, r->ready[0].render) > now)
		return NULL;
	while (r->ready_count > 1 && r->ready[1].render <= now) {
		video_frame_release(take_ready(r).frame);
		r->stats.frames_dropped++;
	}
	ready = take_ready(r);
	video_watch_shown(&r->watch, now);
	r->stats.playing_unix_us = ready.frame->capture_unix_us;
	r->stats.shown = now;
	r->was_early = ready.render > now;
	*render = time_min(ready.render, now);
	return ready.frame;
}

bool video_receiver_poll_stall(struct video_receiver *r, wlk_time now, struct video_stall *out)
{
	return video_watch_poll(&r->watch, now, out);
}

wlk_time video_receiver_deadline(const struct video_receiver *r)
{
	wlk_time at = time_min(decode_time(r), video_watch_deadline(&r->watch));

	return r->ready_count ? time_min(at, next_render(r, r->ready[0].render)) : at;
}

void video_receiver_stats(const struct video_receiver *r, wlk_time now, struct video_receiver_stats *out)
{
	*out = r->stats;
	video_watch_stats(&r->watch, now, &out->watch);
}
