/* One encoding of a picture as a job: scaling, encoding, and the frames that come of it. */
#ifndef MEDIA_TRACK_VIDEO_ENCODE_H
#define MEDIA_TRACK_VIDEO_ENCODE_H

#include "media/codec/video_codec.h"
#include "media/track/job.h"

/* What an encoder has to be made anew for, when it changes. */
struct video_encode_setup {
	enum codec_id codec;
	struct scalability layers;
	bool is_screen;
	uint64_t most_pixels; /* of the frames, for the number of threads */
	const struct video_encoder_plugin *plugin; /* NULL: built in; outlives the track */
	const char *fmtp;                          /* NULL: none; not looked at on other threads */
};

/* Everything that one picture needs. The job owns it. */
struct video_encode_job {
	struct track_job job;
	size_t layer;
	uint32_t generation;            /* of the layer's set-up */
	struct video_encoder *encoder;  /* NULL: made by the job */
	struct video_encode_setup setup;
	char *fmtp;                     /* of setup; only where the encoder has to be made */
	struct video_frame *frame;
	uint32_t width, height;         /* to be scaled to */
	bool black;                     /* what the picture shows is nobody's business */
	struct video_encode_params params;
	uint32_t timestamp;
	wlk_time captured;
	/* done */
	wlk_err err;
	struct encoded_picture picture; /* its data point into |bytes| */
	uint8_t *bytes;
};

/* NULL: no memory. Takes no ownership until it is filled in. */
struct video_encode_job *video_encode_job_create(void);

#endif
