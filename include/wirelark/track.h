/** Raw media: pictures and sound that the library encodes, sends, receives, decodes and hands out in time. */
#ifndef WIRELARK_TRACK_H
#define WIRELARK_TRACK_H

#include <wirelark/transceiver.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sending: make a source, attach it to a sender, push. Encoding is done by worker threads of the loop, or by whoever runs
 * wlk_drive_poll_job(). Size, frame rate and quality follow the estimate of the network, the encodings of
 * wlk_rtp_sender_set_parameters() and the time that encoding takes.
 *
 *     wlk_video_source_create(&camera);
 *     wlk_rtp_sender_set_video_source(wlk_transceiver_sender(video), camera);
 *     for (;;) { ...; wlk_video_source_push(camera, &frame); }     on any thread
 *
 * Receiving: set the receiver to WLK_MEDIA_LEVEL_RAW. Pictures come as WLK_EVENT_VIDEO_FRAME at the moment when they are to be
 * shown, or are looked at on another thread through a wlk_video_sink; sound is pulled from a wlk_audio_sink by whoever feeds
 * the loudspeaker, at its pace. Pictures and sound of one sender are kept together. Of a sender with simulcast layers each is
 * decoded and raises events of its own; a sink gets the largest that is on.
 *
 * Sources and sinks belong to the application and are counted: release() may come while they are attached. A source may be
 * attached to several senders, also of several loops; a sink has one receiver.
 */

/** How the pixels of a picture lie in memory, 8 bits each. */
typedef enum wlk_pixel_format {
	WLK_PIXEL_FORMAT_I420 = 1, /**< planes Y, U, V; the two of colour half as wide and half as high, rounded up */
	WLK_PIXEL_FORMAT_NV12 = 2  /**< planes Y, and U and V by turns */
} wlk_pixel_format;

/** One picture. Set one up for pushing with WLK_VIDEO_FRAME_INIT. */
typedef struct wlk_video_frame {
	size_t struct_size;
	wlk_pixel_format format; /**< of received ones always I420 */
	uint32_t width;          /**< pixels, 1 to 16384; may be odd */
	uint32_t height;
	const uint8_t *data[3];
	size_t stride[3];        /**< bytes from one row to the next */
	uint16_t rotation;       /**< 0, 90, 180 or 270: degrees clockwise that it has to be turned by for showing */
	/**
	 * Pushed: when it was captured, by the connection's clock (CLOCK_MONOTONIC of a loop) [us]; 0: the present.
	 * Received: when it is to be shown, by the same clock.
	 */
	wlk_time timestamp;
	int64_t capture_time; /**< received: by the sender's wall clock [us since 1970]; 0: unknown */
	uint32_t rtp_timestamp; /**< received */
	const char *rid; /**< received, by an event: of which simulcast layer, borrowed as the picture; NULL: without */
} wlk_video_frame;

#define WLK_VIDEO_FRAME_INIT \
	{ sizeof(wlk_video_frame), WLK_PIXEL_FORMAT_I420, 0, 0, { NULL, NULL, NULL }, { 0, 0, 0 }, 0, 0, 0, 0, NULL }

/** MediaStreamTrack.contentHint (W3C mst-content-hint): what encoding is to care for. */
typedef enum wlk_content_hint {
	WLK_CONTENT_HINT_NONE = 0,
	WLK_CONTENT_HINT_MOTION = 1, /**< keep the frame rate */
	WLK_CONTENT_HINT_DETAIL = 2, /**< keep the size */
	WLK_CONTENT_HINT_TEXT = 3,   /**< keep the size, and encode as a screen */
	WLK_CONTENT_HINT_SPEECH = 4,
	WLK_CONTENT_HINT_MUSIC = 5   /**< encode sound for any kind of it */
} wlk_content_hint;

/* ---- video ---- */

typedef struct wlk_video_source wlk_video_source;

/** A source that nothing was pushed into. Errors: WLK_ERR_NOMEM, WLK_ERR_INVALID. THREAD-SAFE, as all calls on sources and sinks. */
WLK_API wlk_err wlk_video_source_create(wlk_video_source **out);
/** Give it back; senders that have it keep its last picture. release(NULL) does nothing. THREAD-SAFE. */
WLK_API void wlk_video_source_release(wlk_video_source *source);
/**
 * The next picture. Its pixels are copied before this returns, and it never waits for encoding: of several pictures that come
 * while one is encoded only the newest is sent. THREAD-SAFE.
 * Errors: WLK_ERR_INVALID (struct_size, format, a size, a stride or a rotation), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_video_source_push(wlk_video_source *source, const wlk_video_frame *frame);
/**
 * MediaStreamTrack.enabled: while a source is not, black pictures are sent in place of those that are pushed. THREAD-SAFE.
 */
WLK_API void wlk_video_source_set_enabled(wlk_video_source *source, bool enabled);
/** THREAD-SAFE. */
WLK_API void wlk_video_source_set_content_hint(wlk_video_source *source, wlk_content_hint hint);

/**
 * Encode what is pushed into @p source and send it on this sender, in the place of the source that it has; NULL: send nothing
 * any more. The first picture leaves as a key frame at the moment when the transport is up. Requests for key frames and
 * changes of wlk_rtp_send_parameters are obeyed, and raise no event on this sender. wlk_rtp_sender_send_frame() is
 * not for a sender with a source.
 * Errors: WLK_ERR_INVALID (not a sender of video), WLK_ERR_STATE (stopped), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_sender_set_video_source(wlk_rtp_sender *sender, wlk_video_source *source);

typedef struct wlk_video_sink wlk_video_sink;

/** A sink without a picture. Errors: WLK_ERR_NOMEM, WLK_ERR_INVALID. THREAD-SAFE. */
WLK_API wlk_err wlk_video_sink_create(wlk_video_sink **out);
/** release(NULL) does nothing. THREAD-SAFE. */
WLK_API void wlk_video_sink_release(wlk_video_sink *sink);
/**
 * Look at the picture that is to be shown now.
 *
 * @param out  lent until the next pull of this sink
 * @return     false: it is the one of the last pull, or there is none
 *
 * THREAD-SAFE; one thread at a time.
 */
WLK_API bool wlk_video_sink_pull(wlk_video_sink *sink, wlk_video_frame *out);
/**
 * Put the pictures of a receiver into @p sink too, beside their events, and set it to WLK_MEDIA_LEVEL_RAW; NULL: no more.
 * Errors: WLK_ERR_INVALID (not a receiver of video), WLK_ERR_STATE (closed), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_receiver_set_video_sink(wlk_rtp_receiver *receiver, wlk_video_sink *sink);

/* ---- audio ---- */

typedef struct wlk_audio_source wlk_audio_source;

/** A source of sound. Errors: WLK_ERR_NOMEM, WLK_ERR_INVALID. THREAD-SAFE. */
WLK_API wlk_err wlk_audio_source_create(wlk_audio_source **out);
/** release(NULL) does nothing. THREAD-SAFE. */
WLK_API void wlk_audio_source_release(wlk_audio_source *source);

/** Sound to be sent. Set up with WLK_AUDIO_FRAME_INIT. */
typedef struct wlk_audio_frame {
	size_t struct_size;
	const int16_t *samples; /**< channels by turns */
	size_t count;           /**< samples a channel, at most a second; any number */
	uint32_t rate;          /**< [Hz], 8000 to 192000, a multiple of 50 or 75; may change */
	uint32_t channels;      /**< 1 or 2; may change */
	wlk_time timestamp;     /**< when the first one was captured, as wlk_video_frame.timestamp; 0: the present */
} wlk_audio_frame;

#define WLK_AUDIO_FRAME_INIT { sizeof(wlk_audio_frame), NULL, 0, 48000, 1, 0 }

/**
 * The next piece of sound, right behind the one before. It is copied, and this never waits: what is not taken within half a
 * second is lost, oldest first. THREAD-SAFE.
 * Errors: WLK_ERR_INVALID (struct_size, or a value outside of its range), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_audio_source_push(wlk_audio_source *source, const wlk_audio_frame *frame);
/** MediaStreamTrack.enabled: while a source is not, silence is sent. THREAD-SAFE. */
WLK_API void wlk_audio_source_set_enabled(wlk_audio_source *source, bool enabled);
/** THREAD-SAFE. */
WLK_API void wlk_audio_source_set_content_hint(wlk_audio_source *source, wlk_content_hint hint);

/** As wlk_rtp_sender_set_video_source(), for audio. */
WLK_API wlk_err wlk_rtp_sender_set_audio_source(wlk_rtp_sender *sender, wlk_audio_source *source);

typedef struct wlk_audio_sink wlk_audio_sink;

/**
 * A sink for sound.
 *
 * @param rate      of what is pulled [Hz]: 48000, 44100, 32000, 16000 or 8000
 * @param channels  1 or 2
 *
 * Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM. THREAD-SAFE.
 */
WLK_API wlk_err wlk_audio_sink_create(uint32_t rate, uint32_t channels, wlk_audio_sink **out);
/** release(NULL) does nothing. THREAD-SAFE. */
WLK_API void wlk_audio_sink_release(wlk_audio_sink *sink);
/**
 * The next @p count samples a channel, at the pace of the device that plays them: decoded, or made up where some are missing,
 * silence before the first. It always fills @p out and waits for nobody but a decoder.
 *
 * @param now  when the first of them will be heard, by the connection's clock [us]; 0: about now, by CLOCK_MONOTONIC
 *
 * THREAD-SAFE; one thread at a time.
 */
WLK_API void wlk_audio_sink_pull(wlk_audio_sink *sink, wlk_time now, int16_t *out, size_t count);
/**
 * Put the sound of a receiver into @p sink, and set it to WLK_MEDIA_LEVEL_RAW; NULL: no more.
 * Errors: WLK_ERR_INVALID (not a receiver of audio, or the sink has another one), WLK_ERR_STATE (closed), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_rtp_receiver_set_audio_sink(wlk_rtp_receiver *receiver, wlk_audio_sink *sink);

/**
 * RTCRtpReceiver.jitterBufferTarget: hold back what is received by this much at least [us], 0 to 4 s; 0: as little as the
 * network allows. Errors: WLK_ERR_INVALID.
 */
WLK_API wlk_err wlk_rtp_receiver_set_jitter_buffer_target(wlk_rtp_receiver *receiver, wlk_time target);

/* ---- encoded frames on their way ---- */

/**
 * Looks at, or replaces, the bytes of an encoded frame of raw media between encoder and network (W3C
 * webrtc-encoded-transform, SFrame of RFC 9605): called on the loop's thread, and must not call any function of this library. It may let frame->data and frame->size name
 * bytes of its own, valid until it is called the next time; nothing else of the frame may change. The payload formats read the first bytes
 * of a frame (VP8 10 of a key frame and 3 of others), which therefore stay as they are; sound may change whole.
 *
 * @return false: drop the frame
 */
typedef bool (*wlk_frame_transform)(wlk_encoded_frame *frame, void *user);

/** Before packets are made of what the encoder gave; NULL: none. */
WLK_API void wlk_rtp_sender_set_transform(wlk_rtp_sender *sender, wlk_frame_transform transform, void *user);
/** Before the decoder gets what was received; NULL: none. */
WLK_API void wlk_rtp_receiver_set_transform(wlk_rtp_receiver *receiver, wlk_frame_transform transform, void *user);

#ifdef __cplusplus
}
#endif

#endif
