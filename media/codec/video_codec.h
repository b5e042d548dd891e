/* Video encoders and decoders behind one interface, those of plug-ins too. */
#ifndef MEDIA_CODEC_VIDEO_CODEC_H
#define MEDIA_CODEC_VIDEO_CODEC_H

#include "media/codec/codec.h"
#include "media/codec/frame.h"
#include "media/codec/scalability.h"

/* No object here is locked, and none reads a clock: one thread at a time, which may be another one for each call. */

/* ---- encoder ---- */

struct video_encoder_config {
	enum codec_id codec;
	const char *fmtp;      /* of the negotiated codec; NULL or "": none. Borrowed for the call */
	uint32_t width, height; /* of the frames that will come, for the first allocation; they may change with any frame */
	struct scalability layers; /* scalability_parse("L1T1") and others */
	uint64_t bitrate_bps;
	double fps;            /* the most frames a second that will come */
	bool is_screen;        /* tune for screens and documents */
	uint32_t threads;      /* that it may use, 1..16; fixed until the picture grows */
	int32_t speed;         /* 1 slow and good .. 10 fast; 0: chosen by size and threads */
};

struct video_encode_params {
	bool force_key;
	uint64_t bitrate_bps;  /* over all layers; 0: as before */
	double fps;            /* expected from here on; 0: as before */
	/*
	 * How many spatial layers to encode, 1..layers.spatial; 0: all. Going up needs no key frame: the new layer begins from the one below.
	 */
	uint8_t active_spatial;
	/* Rates of the spatial layers [bit/s], as the estimate was divided; all 0: divided here. */
	uint64_t spatial_bps[SCALABILITY_SPATIAL_MAX];
};

enum { ENCODED_REFS_MAX = 3 };

/* One layer frame. */
struct encoded_frame {
	const uint8_t *data; /* borrowed until the next call on the encoder */
	size_t size;
	uint16_t width, height;
	bool is_key;           /* decodes without any earlier picture; of VP9 all layer frames of a key picture */
	bool is_layer_sync;    /* refers only to the base temporal layer */
	bool is_discardable;   /* VP8: nothing refers to it; VP9: nothing in higher spatial layers does */
	bool is_inter_layer;   /* refers to the spatial layer below it in the same picture */
	bool ends_picture;     /* no higher spatial layer follows */
	int8_t temporal, spatial; /* layer; -1: the stream has none of that kind */
	uint8_t ref_count;
	uint8_t refs[ENCODED_REFS_MAX]; /* this picture's number minus that of the one referred to, 1..127; a single 0: a spatial layer begins */
	int32_t qp;            /* VP8 0..127, VP9 0..255, H.264 0..51; -1: not told */
};

struct encoded_picture {
	size_t count; /* layer frames, lowest first; 0: the encoder dropped the picture to keep its rate, or wants more input */
	struct encoded_frame frames[SCALABILITY_SPATIAL_MAX];
};

/* What a codec implements; functions as those of video_encoder_* below. */
struct video_encoder_ops {
	wlk_err (*create)(void *user, const struct video_encoder_config *config, void **state);
	wlk_err (*encode)(void *state, const struct video_frame *frame, const struct video_encode_params *params,
			  struct encoded_picture *out);
	void (*destroy)(void *state);
};

struct video_encoder_plugin {
	const struct video_encoder_ops *ops;
	void *user;
	const char *name; /* for statistics (encoderImplementation) */
	bool is_hardware;
};

struct video_encoder;

/**
 * @param plugin  NULL: the one that is built in (VP8, VP9)
 * WLK_ERR_UNSUPPORTED: not built in, or layers that the codec does not have (VP8 has no spatial ones). WLK_ERR_INVALID: a value
 * outside of its range. WLK_ERR_NOMEM.
 */
wlk_err video_encoder_create(struct video_encoder **out, const struct video_encoder_plugin *plugin,
			     const struct video_encoder_config *config) WLK_NODISCARD;
void video_encoder_destroy(struct video_encoder *e);
/** "libvpx", or the plug-in's. */
const char *video_encoder_name(const struct video_encoder *e);
enum codec_id video_encoder_codec(const struct video_encoder *e);

/**
 * Encode one frame. A frame of another size than the one before begins with a key frame by itself. With layers VP9 leaves out the last
 * column or row of odd sizes.
 *
 * Its time is frame->captured: only differences count, and one that is not later than the last one's counts as one frame
 * duration later.
 * WLK_ERR_IO: the encoder failed; the next picture will be a key frame. WLK_ERR_NOMEM likewise.
 */
wlk_err video_encoder_encode(struct video_encoder *e, const struct video_frame *frame, const struct video_encode_params *params,
			     struct encoded_picture *out) WLK_NODISCARD;

/* ---- decoder ---- */

enum {
	VIDEO_PIXELS_MAX = 4096 * 2304, /* default cap; R24 */
	VIDEO_DECODE_US_MAX = 250000,   /* a frame that takes longer costs the stream its frames up to a key frame; R24 */
	VIDEO_SIZES_PER_SECOND = 2,     /* changes of resolution, of a picture and for each lower spatial layer; R24 */
};

struct video_decoder_config {
	enum codec_id codec;
	const char *fmtp;
	uint32_t max_pixels; /* width times height; 0: VIDEO_PIXELS_MAX */
	uint32_t threads;    /* 1..16; 0: 1 */
};

/* One layer frame as it goes in. */
struct video_decode_input {
	const uint8_t *data;
	size_t size;
	wlk_time now;       /* when decoding begins, never earlier than in the call before */
	bool ends_picture;  /* no other spatial layer of this picture follows: a frame comes out */
};

struct video_decoded {
	struct video_frame *frame; /* NULL: nothing to show */
	int32_t qp;                /* -1: not told */
};

struct video_decoder_ops {
	wlk_err (*create)(void *user, const struct video_decoder_config *config, void **state);
	/* |out| comes as { NULL, -1 }. After any error nothing but a key frame is given to it. */
	wlk_err (*decode)(void *state, const struct video_decode_input *input, struct video_decoded *out);
	void (*destroy)(void *state);
};

struct video_decoder_plugin {
	const struct video_decoder_ops *ops;
	void *user;
	const char *name;
	bool is_hardware;
};

struct video_decoder_stats {
	uint32_t frames_decoded;     /* that came out */
	uint32_t key_frames_decoded;
	uint32_t malformed;          /* refused by the decoder */
	uint32_t too_large;          /* R24: above the pixel cap */
	uint32_t too_many_sizes;     /* R24: more than VIDEO_SIZES_PER_SECOND changes of resolution */
	uint32_t too_slow;           /* R24: took longer than VIDEO_DECODE_US_MAX */
	uint32_t waiting_for_key;    /* dropped because of one of those */
	int64_t qp_sum;              /* of the decoded frames, where the decoder tells */
};

struct video_decoder;

/** @param plugin  NULL: the one that is built in (VP8, VP9). Errors as video_encoder_create(). */
wlk_err video_decoder_create(struct video_decoder **out, const struct video_decoder_plugin *plugin,
			     const struct video_decoder_config *config) WLK_NODISCARD;
void video_decoder_destroy(struct video_decoder *d);
const char *video_decoder_name(const struct video_decoder *d);

/**
 * Decode one layer frame, as recv_frame has it.
 *
 * @param out  a new frame (caller's reference) or NULL; only with WLK_OK. Its tags are not set.
 *
 * WLK_ERR_PARSE: malformed. WLK_ERR_TOO_LARGE: above the pixel cap or too many changes of size; nothing was allocated for
 * it. WLK_ERR_STATE: not a key frame, while one is needed. WLK_ERR_NOMEM.
 * After any of these only a key frame decodes: ask for one.
 */
wlk_err video_decoder_decode(struct video_decoder *d, const struct video_decode_input *input, struct video_frame **out) WLK_NODISCARD;

/** Tell how long the last call took [us]. True: too long, and only a key frame decodes from here on; ask for one. */
bool video_decoder_took(struct video_decoder *d, wlk_time duration);

/** Only a key frame decodes: at the beginning, and after an error. */
bool video_decoder_needs_key(const struct video_decoder *d);
const struct video_decoder_stats *video_decoder_stats(const struct video_decoder *d);

#endif
