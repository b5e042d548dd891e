/** Encoders and decoders: those of the library to use by themselves, and those of the application for the library to use. */
#ifndef WIRELARK_CODEC_H
#define WIRELARK_CODEC_H

#include <wirelark/media.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A codec is a table of functions. The library's own (Opus, G.711, G.722, VP8, VP9) are shown by such tables, and an application adds
 * tables of its own to a set, a hardware encoder for H.264, say, which connections then use:
 *
 *     wlk_codec_set *codecs;
 *     wlk_codec_set_create(&codecs);
 *     wlk_codec_set_add_video_encoder(codecs, &my_encoder);
 *     configuration.codecs = codecs;
 *
 * Functions of a table are called on worker threads, never two at once for one encoder or decoder, and must not call the
 * library but for other tables of a set. They answer a wlk_err. What they create lives until its destroy function is called.
 */

/** A raw picture: I420. */
typedef struct wlk_codec_picture {
	size_t struct_size;
	uint32_t width; /**< pixels; may be odd, then planes 1 and 2 are rounded up */
	uint32_t height;
	const uint8_t *data[3]; /**< Y, U, V */
	size_t stride[3];       /**< bytes from one row to the next */
	wlk_time timestamp;     /**< of its capture [us]; only differences count */
} wlk_codec_picture;

#define WLK_CODEC_PICTURE_INIT { sizeof(wlk_codec_picture), 0, 0, { NULL, NULL, NULL }, { 0, 0, 0 }, 0 }

/* ---- video encoders ---- */

/** What an encoder is made for. */
typedef struct wlk_video_encoder_config {
	size_t struct_size;
	wlk_codec codec;
	const char *fmtp; /**< a=fmtp of the negotiated codec, "" for none; lent for the call, as all that is pointed to here */
	uint32_t width;   /**< of the pictures that come first; later ones may differ and then begin with a key frame */
	uint32_t height;
	const char *scalability_mode; /**< W3C webrtc-svc: "L1T1" for no layers */
	uint64_t bitrate;             /**< [bit/s] */
	double frame_rate;            /**< the most pictures a second */
	bool screen;                  /**< a screen or a document: sharp edges, little motion */
	uint32_t threads;             /**< that it may use, 1 to 16 */
} wlk_video_encoder_config;

#define WLK_VIDEO_ENCODER_CONFIG_INIT \
	{ sizeof(wlk_video_encoder_config), WLK_CODEC_UNKNOWN, "", 0, 0, "L1T1", 0, 30.0, false, 1 }

/** What one picture is encoded by. */
typedef struct wlk_video_encode_request {
	size_t struct_size;
	bool key_frame;         /**< it must be one */
	uint64_t bitrate;       /**< from here on [bit/s]; 0: as before */
	double frame_rate;      /**< expected from here on; 0: as before */
	uint8_t spatial_layers; /**< how many to encode; 0: all */
} wlk_video_encode_request;

#define WLK_VIDEO_ENCODE_REQUEST_INIT { sizeof(wlk_video_encode_request), false, 0, 0.0, 0 }

#define WLK_VIDEO_LAYERS_MAX 3

/** What came out for one picture: its spatial layers, lowest first. */
typedef struct wlk_video_encode_result {
	size_t struct_size;
	size_t frame_count; /**< 0: the picture was dropped to keep the bit rate */
	/**
	 * Of each: data, size, key, more_layers, width, height, and what applies of temporal_index, spatial_index, layer_sync,
	 * discardable, inter_layer, references. H.264 as Annex B with start codes, parameter sets in front of each key frame. The
	 * bytes stay valid until the encoder is called the next time.
	 */
	wlk_encoded_frame frames[WLK_VIDEO_LAYERS_MAX];
	int32_t qp[WLK_VIDEO_LAYERS_MAX]; /**< quantiser on the codec's own scale; -1: not told */
} wlk_video_encode_result;

/** An encoder of video: what the application gives to use its own. The functions are called on a worker, one call at a time for each encoder. */
typedef struct wlk_video_encoder_table {
	size_t struct_size;
	wlk_codec codec;
	const char *name; /**< for statistics (encoderImplementation); copied */
	bool hardware;    /**< for statistics (powerEfficientEncoder) */
	void *user;       /**< for create and accepts */
	/** Whether it encodes for a receiver with this a=fmtp ("" for none). NULL: for each. */
	bool (*accepts)(void *user, const char *fmtp);
	/** Fills in *encoder only when it succeeds. */
	wlk_err (*create)(void *user, const wlk_video_encoder_config *config, void **encoder);
	/** @p result comes with every frame set up by WLK_ENCODED_FRAME_INIT and qp -1. After an error the next picture is asked as a key frame. */
	wlk_err (*encode)(void *encoder, const wlk_codec_picture *picture, const wlk_video_encode_request *request,
			  wlk_video_encode_result *result);
	void (*destroy)(void *encoder);
} wlk_video_encoder_table;

/* ---- video decoders ---- */

/** What a decoder is made for. */
typedef struct wlk_video_decoder_config {
	size_t struct_size;
	wlk_codec codec;
	const char *fmtp;
	/**
	 * Width times height at most. Of VP8, VP9 and H.264 the library has looked at each frame's size before the decoder gets it;
	 * decoders of other codecs must look themselves before they allocate.
	 */
	uint32_t max_pixels;
	uint32_t threads;
} wlk_video_decoder_config;

#define WLK_VIDEO_DECODER_CONFIG_INIT { sizeof(wlk_video_decoder_config), WLK_CODEC_UNKNOWN, "", 0, 1 }

/** What came out for one frame. */
typedef struct wlk_video_decode_result {
	size_t struct_size;
	wlk_codec_picture picture; /**< width 0: nothing to show yet. Its pixels stay valid until the decoder is called the next time */
	int32_t qp;                /**< -1: not told */
} wlk_video_decode_result;

/** A decoder of video; as an encoder. */
typedef struct wlk_video_decoder_table {
	size_t struct_size;
	wlk_codec codec;
	const char *name;
	bool hardware;
	void *user;
	bool (*accepts)(void *user, const char *fmtp);
	wlk_err (*create)(void *user, const wlk_video_decoder_config *config, void **decoder);
	/**
	 * @param last  no other spatial layer of this picture follows: it is to be shown
	 *
	 * An error means that the bytes are no good, and nothing but a key frame comes next. Bytes are what the network
	 * brought: anything.
	 */
	wlk_err (*decode)(void *decoder, const uint8_t *data, size_t size, bool last, wlk_video_decode_result *result);
	void (*destroy)(void *decoder);
} wlk_video_decoder_table;

/* ---- audio ---- */

/*
 * Sound is 16-bit, channels by turns, at the codec's own rate: Opus 48000, G.722 16000, G.711 8000. Samples are counted a
 * channel.
 */
#define WLK_AUDIO_SAMPLES_MAX 5760 /**< a channel, in one packet */
#define WLK_AUDIO_PACKET_MAX  7650 /**< bytes that an encoder makes at most */

/** What an encoder is made for, and tuned to later. */
typedef struct wlk_audio_encoder_config {
	size_t struct_size;
	wlk_codec codec;
	const char *fmtp;
	uint32_t channels;
	uint32_t bitrate;      /**< [bit/s]; 0: the codec's choice */
	uint32_t loss_percent; /**< that is expected */
	bool fec;              /**< in-band forward error correction */
	bool dtx;              /**< do not send silence */
	bool music;            /**< any kind of sound, not speech */
} wlk_audio_encoder_config;

#define WLK_AUDIO_ENCODER_CONFIG_INIT \
	{ sizeof(wlk_audio_encoder_config), WLK_CODEC_UNKNOWN, "", 1, 0, 0, false, false, false }

/** An encoder of sound; as one of video. */
typedef struct wlk_audio_encoder_table {
	size_t struct_size;
	wlk_codec codec;
	const char *name;
	uint32_t rate; /**< of the sound it takes [Hz] */
	void *user;
	bool (*accepts)(void *user, const char *fmtp);
	wlk_err (*create)(void *user, const wlk_audio_encoder_config *config, void **encoder);
	/** Takes over bitrate, loss_percent, fec and dtx. May be NULL. */
	wlk_err (*tune)(void *encoder, const wlk_audio_encoder_config *config);
	/** One frame of 10, 20, 40, 60 or 120 ms into @p out; *size 0: silence that is not sent. */
	wlk_err (*encode)(void *encoder, const int16_t *samples, size_t count, uint8_t *out, size_t capacity, size_t *size);
	void (*destroy)(void *encoder);
} wlk_audio_encoder_table;

/** A decoder of sound; as one of video. */
typedef struct wlk_audio_decoder_table {
	size_t struct_size;
	wlk_codec codec;
	const char *name;
	uint32_t rate; /**< of the sound that comes out [Hz], at most 48000 */
	void *user;
	bool (*accepts)(void *user, const char *fmtp);
	wlk_err (*create)(void *user, wlk_codec codec, uint32_t channels, void **decoder);
	/** Samples a channel that the packet holds; 0: malformed. Decodes nothing. */
	size_t (*count)(void *decoder, const uint8_t *data, size_t size);
	/** All of a packet; @p capacity is at least what count told. */
	wlk_err (*decode)(void *decoder, const uint8_t *data, size_t size, int16_t *out, size_t capacity, size_t *count);
	/** What may have been where @p count samples are missing; at most 120 ms in a row. NULL, as of G.711 and G.722: a wlk_audio_sink repeats what it heard last. */
	wlk_err (*conceal)(void *decoder, int16_t *out, size_t count);
	void (*destroy)(void *decoder);
} wlk_audio_decoder_table;

/* ---- sets ---- */

/** Which encoders and decoders there are. Counted; an application that made one releases it, connections hold it as long as they need it. */
typedef struct wlk_codec_set wlk_codec_set;

/** The library's own codecs. Errors: WLK_ERR_NOMEM, WLK_ERR_INVALID. THREAD-SAFE, as wlk_codec_set_release(). */
WLK_API wlk_err wlk_codec_set_create(wlk_codec_set **out);
/** release(NULL) does nothing. THREAD-SAFE. */
WLK_API void wlk_codec_set_release(wlk_codec_set *set);

/**
 * Add an encoder or decoder, which is preferred to those that are in the set for the same codec; audio tables only for the codecs of
 * wlk_codec. The table is copied. What its user points to must outlive the set and all connections that have it.
 * Errors: WLK_ERR_INVALID (struct_size, a function or a name that is missing, an unknown codec, a rate out of 8000 to 48000),
 * WLK_ERR_STATE (a connection has the set already), WLK_ERR_NOMEM. Not THREAD-SAFE.
 */
WLK_API wlk_err wlk_codec_set_add_video_encoder(wlk_codec_set *set, const wlk_video_encoder_table *table);
WLK_API wlk_err wlk_codec_set_add_video_decoder(wlk_codec_set *set, const wlk_video_decoder_table *table);
WLK_API wlk_err wlk_codec_set_add_audio_encoder(wlk_codec_set *set, const wlk_audio_encoder_table *table);
WLK_API wlk_err wlk_codec_set_add_audio_decoder(wlk_codec_set *set, const wlk_audio_decoder_table *table);

/**
 * What a set, NULL for the library's own codecs, uses for a codec with this a=fmtp (NULL or "" for none), for use by the
 * application: create, encode or decode, destroy. Lent until something is added or the set is released; NULL: there is none.
 */
WLK_API const wlk_video_encoder_table *wlk_codec_set_video_encoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp);
WLK_API const wlk_video_decoder_table *wlk_codec_set_video_decoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp);
WLK_API const wlk_audio_encoder_table *wlk_codec_set_audio_encoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp);
WLK_API const wlk_audio_decoder_table *wlk_codec_set_audio_decoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp);

#ifdef __cplusplus
}
#endif

#endif
