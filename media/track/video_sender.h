/* A video track that is sent: pictures in, encode jobs out, encoded frames of each layer out. */
#ifndef MEDIA_TRACK_VIDEO_SENDER_H
#define MEDIA_TRACK_VIDEO_SENDER_H

#include "media/track/video_adapt.h"
#include "media/track/video_encode.h"

/*
 * A machine in the house's sense; the encoder is behind jobs (job.h):
 *
 *	video_sender_push             the newest picture
 *	video_sender_configure, _open, _key_frame, _set_target
 *	video_sender_poll_job         one picture for one layer; at most one job a layer is under way
 *	video_sender_poll_output      encoded frames, in order; what cannot be sent is put back by not taking it
 *	video_sender_deadline         never its own: it moves by input alone
 */
enum { VIDEO_SENDER_LAYERS = 8, VIDEO_SENDER_WAITING = 3 /* pictures of a layer that may wait for the network */ };

struct video_layer_config {
	bool active;
	struct video_encode_setup setup;
	double scale;     /* at least 1 */
	double max_fps;   /* 0: no limit */
	uint64_t max_bps; /* 0: no limit */
};

struct video_layer_stats {
	uint32_t frames_encoded, key_frames_encoded, frames_dropped;
	uint64_t qp_sum, target_bytes, encoded_bytes;
	wlk_time encode_us; /* sum */
	uint16_t width, height;
	double fps;
	uint64_t target_bps;
	const char *implementation; /* NULL: nothing was encoded yet */
};

/* Encoded, and not taken yet. */
struct video_output {
	size_t layer;
	const struct encoded_frame *frame; /* borrowed until video_sender_drop_output() */
	enum codec_id codec;
	uint32_t timestamp; /* 90 kHz */
	wlk_time captured;
};

struct video_layer {
	struct video_layer_config config;
	char *fmtp; /* of config.setup */
	uint32_t generation;
	struct video_encoder *encoder; /* NULL: none, or with a job */
	bool at_work, failed;
	bool wants_key;
	bool stuck;                    /* the last job gave nothing: only another picture may */
	uint64_t serial;               /* of the picture that was encoded last */
	wlk_time next_due;             /* of a limited frame rate */
	bool told;                     /* there is an estimate */
	uint64_t target_bps;           /* the estimate's; 0: nothing may be sent */
	wlk_time encode_us;            /* mean */
	uint32_t last_timestamp;
	wlk_time last_captured;        /* of the picture that has it */
	bool has_timestamp;
	struct video_adapt adapt;
	struct list waiting;           /* finished jobs whose frames wait to be sent */
	size_t waiting_count, taken;   /* |taken| frames of the first are sent */
	wlk_time rate_since;
	uint32_t rate_frames;
	struct video_layer_stats stats;
};

struct video_sender {
	struct video_layer layers[VIDEO_SENDER_LAYERS];
	size_t layer_count;
	enum video_preference preference;
	bool open;
	bool black;
	struct video_frame *frame; /* the newest picture */
	uint64_t serial;           /* of it; 0: none */
	wlk_time last_captured;
	double source_fps;         /* 0: unknown */
	struct list jobs;          /* under way */
	uint64_t frames;           /* pushed */
};

void video_sender_init(struct video_sender *s);
void video_sender_free(struct video_sender *s);

/** The layers as they are to be from now on; copied. WLK_ERR_NOMEM: nothing changed. */
wlk_err video_sender_configure(struct video_sender *s, const struct video_layer_config *layers, size_t count,
			       enum video_preference preference) WLK_NODISCARD;
/** Whether anything can be sent. What is encoded first then is a key frame of every layer. */
void video_sender_set_open(struct video_sender *s, bool open);
/** Black in the place of what is pushed. */
void video_sender_set_black(struct video_sender *s, bool black);
/** The newest picture; takes the reference over. frame->captured must be set. */
void video_sender_push(struct video_sender *s, struct video_frame *frame);
void video_sender_key_frame(struct video_sender *s, size_t layer);
/** What the network bears for a layer [bit/s]; 0: nothing. Before it is told, what the picture can use. */
void video_sender_set_target(struct video_sender *s, size_t layer, uint64_t bps);
/** The bit rate that a layer is encoded at [bit/s]. */
uint64_t video_sender_bitrate(const struct video_sender *s, size_t layer);

/** The next job; it goes back by track_on_job(). */
bool video_sender_poll_job(struct video_sender *s, wlk_time now, struct track_job **out);
/** Whether poll_job() would answer one. */
bool video_sender_has_job(const struct video_sender *s);

/** The next frame to send of all layers; the same again until it is dropped. */
bool video_sender_poll_output(struct video_sender *s, struct video_output *out);
/** It was sent. */
void video_sender_drop_output(struct video_sender *s, size_t layer);
/** It cannot be sent, and neither can what was encoded after it: a key frame comes next. */
void video_sender_refuse_output(struct video_sender *s, size_t layer);

#endif
