#include "media/track/video_encode.h"

#include <string.h>

#include "core/alloc.h"
#include "media/codec/convert.h"

static void job_free(struct track_job *base)
{
	struct video_encode_job *job = CONTAINER_OF(base, struct video_encode_job, job);

	video_frame_release(job->frame);
	video_encoder_destroy(job->encoder);
	wlk_free(job->bytes);
	wlk_free(job->fmtp);
	wlk_free(job);
}

/* Large pictures are shared out; more threads than cores do no harm. */
static uint32_t threads_for(uint64_t pixels)
{
	return pixels >= 1920 * 1080 ? 4 : pixels >= 960 * 540 ? 2 : 1;
}

static wlk_err make_encoder(struct video_encode_job *job)
{
	const struct video_encode_setup *setup = &job->setup;
	struct video_encoder_config config = {
		.codec = setup->codec,
		.fmtp = job->fmtp,
		.width = job->width,
		.height = job->height,
		.layers = setup->layers,
		.bitrate_bps = job->params.bitrate_bps,
		.fps = job->params.fps,
		.is_screen = setup->is_screen,
		.threads = threads_for(setup->most_pixels),
	};

	return video_encoder_create(&job->encoder, setup->plugin, &config);
}

/* Turned here, because not every receiver was told which way is up. */
static struct video_frame *upright_and_scaled(const struct video_encode_job *job)
{
	struct video_frame *upright = job->frame->rotation ? video_frame_upright(job->frame) : video_frame_ref(job->frame);
	struct video_frame *scaled = upright ? video_frame_scale(upright, job->width, job->height) : NULL;

	video_frame_release(upright);
	return scaled;
}

/* A picture of the right size that may be written when it has to be black; the tags are those of the whole. */
static wlk_err prepare(struct video_encode_job *job)
{
	struct video_frame *frame;

	if (job->black)
		frame = video_frame_create(job->width, job->height);
	else
		frame = upright_and_scaled(job);
	if (!frame)
		return WLK_ERR_NOMEM;
	if (job->black) {
		video_frame_copy_tags(frame, job->frame);
		video_frame_fill_black(frame);
		frame->rotation = 0;
	}
	video_frame_release(job->frame);
	job->frame = frame;
	return WLK_OK;
}

/* What the encoder lends is gone with its next picture, which may be before this one is sent. */
static wlk_err keep(struct video_encode_job *job)
{
	size_t size = 0, at = 0;

	for (size_t i = 0; i < job->picture.count; i++)
		size += job->picture.frames[i].size;
	if (!size)
		return WLK_OK;
	job->bytes = wlk_malloc(size);
	if (!job->bytes) {
		job->picture.count = 0;
		return WLK_ERR_NOMEM;
	}
	for (size_t i = 0; i < job->picture.count; i++) {
		struct encoded_frame *f = &job->picture.frames[i];

		memcpy(job->bytes + at, f->data, f->size);
		f->data = job->bytes + at;
		at += f->size;
	}
	return WLK_OK;
}

static void job_run(struct track_job *base)
{
	struct video_encode_job *job = CONTAINER_OF(base, struct video_encode_job, job);

	job->err = prepare(job);
	if (!job->err && !job->encoder)
		job->err = make_encoder(job);
	if (!job->err)
		job->err = video_encoder_encode(job->encoder, job->frame, &job->params, &job->picture);
	if (!job->err)
		job->err = keep(job);
	if (job->err)
		job->picture.count = 0;
}

struct video_encode_job *video_encode_job_create(void)
{
	struct video_encode_job *job = wlk_calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	list_init(&job->job.link);
	job->job.run = job_run;
	job->job.free = job_free;
	return job;
}
