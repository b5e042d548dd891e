/* A video track that is received: encoded frames in, decode jobs out, pictures out when they are to be shown. */
#ifndef MEDIA_TRACK_VIDEO_RECEIVER_H
#define MEDIA_TRACK_VIDEO_RECEIVER_H

#include "media/codec/video_codec.h"
#include "media/recv/jitter_buffer.h"
#include "media/track/job.h"
#include "media/track/video_watch.h"

/*
 *	video_receiver_input          each frame, in order of decoding
 *	video_receiver_poll_job       one frame to decode; at most one job is under way
 *	video_receiver_poll_frame     a picture whose time has come
 *	video_receiver_deadline       when the next of the two will be
 *
 * Frames wait here encoded, and are decoded right before they are shown, so that a long delay costs little memory.
 */
enum {
	VIDEO_UNITS_MAX = 768,         /* encoded frames that wait: 4 s of 60 pictures a second with three spatial layers, and some */
	VIDEO_UNIT_BYTES_MAX = 8 << 20,
	VIDEO_READY_MAX = 8,           /* decoded ones */
	VIDEO_SILENT_US = 1000000,     /* an SSRC that says nothing for so long has ended */
	VIDEO_WAIT_MAX_US = 3000000,   /* R25: what waits longer is given up, and a key frame is asked for */
};

/* A frame as it arrived; the bytes are copied. */
struct video_unit {
	struct list link;
	enum codec_id codec;
	uint32_t ssrc; /* another one takes over with a key frame, and the one before is passed over from then on */
	uint32_t timestamp;
	bool is_key, ends_picture, recovered;
	wlk_time first_arrival, arrival, queued;
	int64_t capture_unix_us; /* 0: unknown */
	uint16_t rotation;       /* degrees clockwise, for showing */
	size_t size;
	uint8_t data[];
};

struct video_receiver_stats {
	struct video_decoder_stats decoder;
	const char *implementation; /* NULL: nothing was decoded yet */
	uint32_t frames_dropped;    /* never decoded, or never shown */
	wlk_time decode_us, processing_us;                     /* sums */
	wlk_time buffer_us, buffer_target_us, buffer_minimum_us; /* sums over |emitted| */
	uint32_t emitted;
	int64_t playing_unix_us;    /* capture of the picture shown last, by the sender's clock; 0: unknown */
	wlk_time shown;             /* when that was; WLK_TIME_NEVER: nothing was shown */
	struct video_watch_stats watch;
};

/* A decoded picture and its moment. */
struct video_ready {
	struct video_frame *frame;
	wlk_time render;
	bool is_key;
};

struct video_receiver {
	uint32_t max_pixels;  /* 0: the decoder's default */
	size_t limit;         /* bytes of frames and pictures that may wait; one picture always may */
	/* The decoder to use, NULL: the built-in one, and the a=fmtp to make it with, borrowed. NULL: built in only. */
	const struct video_decoder_plugin *(*find_plugin)(void *user, enum codec_id codec, const char **fmtp);
	void *user;
	enum codec_id codec;
	uint32_t generation;
	struct video_decoder *decoder; /* NULL: none, or with a job */
	bool at_work, needs_key, wants_key; /* needs_key: of what is decoded next */
	bool skips;                         /* of what comes in next: nothing up to a key frame */
	struct list units;
	size_t unit_count, unit_bytes;
	uint32_t ssrc;        /* of what came in last, */
	wlk_time heard;       /* and when that was */
	struct jitter_buffer jitter;
	wlk_time decode_us;   /* what decoding takes, rather more */
	struct video_ready ready[VIDEO_READY_MAX];
	size_t ready_count;
	bool was_early;       /* the picture polled last ended a standstill before its time */
	struct list jobs;
	struct video_watch watch;
	struct video_receiver_stats stats;
};

void video_receiver_init(struct video_receiver *r);
void video_receiver_free(struct video_receiver *r);

/** NULL: no memory. */
struct video_unit *video_unit_create(const uint8_t *data, size_t size);
/** Takes |unit| over. |rtt_us| 0: unknown. */
void video_receiver_input(struct video_receiver *r, wlk_time now, struct video_unit *unit, wlk_time rtt_us);
/** A frame that came now cannot be taken in: what comes is dropped up to the next key frame, which is asked for. What waits already is not touched. */
void video_receiver_skip(struct video_receiver *r);
/** Bytes of encoded frames and of pictures that wait, and how many may (R37): at the limit pictures are decoded one at a time, and beyond
 * it frames are dropped up to the next key frame. */
size_t video_receiver_bytes(const struct video_receiver *r);
void video_receiver_set_limit(struct video_receiver *r, size_t limit);
/** What comes next does not go on with what was: nothing of it is shown, and a key frame is waited for. */
void video_receiver_restart(struct video_receiver *r);
/** Whether a key frame has to be asked for; once. */
bool video_receiver_wants_key(struct video_receiver *r);

bool video_receiver_poll_job(struct video_receiver *r, wlk_time now, struct track_job **out);
/** The picture that is to be shown now, the caller's reference; NULL: none. Those that it overtakes are dropped. */
struct video_frame *video_receiver_poll_frame(struct video_receiver *r, wlk_time now, wlk_time *render);
/** Whether the picture began to stand still, or goes on; once each. */
bool video_receiver_poll_stall(struct video_receiver *r, wlk_time now, struct video_stall *out);
wlk_time video_receiver_deadline(const struct video_receiver *r);
void video_receiver_stats(const struct video_receiver *r, wlk_time now, struct video_receiver_stats *out);

#endif
