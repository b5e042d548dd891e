/* Sinks of raw media: what the loop puts in, another thread looks at or plays. */
#include <wirelark/track.h>

#include <pthread.h>

#include "core/alloc.h"
#include "media/codec/frame.h"
#include "peer/raw.h"

/* Two pictures: the one that came last, and the one that the caller looks at. */
struct wlk_video_sink {
	pthread_mutex_t lock;
	atomic_uint references; /* the application's and the receiver's */
	struct video_frame *newest; /* NULL: none since the last pull */
	wlk_time render;
	struct video_frame *lent;
};

wlk_err wlk_video_sink_create(wlk_video_sink **out)
{
	wlk_video_sink *sink = out ? wlk_calloc(1, sizeof(*sink)) : NULL;

	if (!sink)
		return out ? WLK_ERR_NOMEM : WLK_ERR_INVALID;
	pthread_mutex_init(&sink->lock, NULL);
	atomic_init(&sink->references, 1);
	*out = sink;
	return WLK_OK;
}

void wlk_video_sink_release(wlk_video_sink *sink)
{
	if (!sink || atomic_fetch_sub(&sink->references, 1) > 1)
		return;
	video_frame_release(sink->newest);
	video_frame_release(sink->lent);
	pthread_mutex_destroy(&sink->lock);
	wlk_free(sink);
}

static void show(void *port, struct video_frame *frame, wlk_time render)
{
	wlk_video_sink *sink = port;
	struct video_frame *before;

	pthread_mutex_lock(&sink->lock);
	before = sink->newest;
	sink->newest = frame;
	sink->render = render;
	pthread_mutex_unlock(&sink->lock);
	video_frame_release(before);
}

static void close_video(void *port)
{
	wlk_video_sink_release(port);
}

static const struct raw_output_ops video_ops = { .show = show, .close = close_video };

bool wlk_video_sink_pull(wlk_video_sink *sink, wlk_video_frame *out)
{
	struct video_frame *frame;
	wlk_time render;

	pthread_mutex_lock(&sink->lock);
	frame = sink->newest;
	render = sink->render;
	sink->newest = NULL;
	pthread_mutex_unlock(&sink->lock);
	if (!frame)
		return false;
	video_frame_release(sink->lent);
	sink->lent = frame;
	*out = (wlk_video_frame){
		.struct_size = sizeof(*out),
		.format = WLK_PIXEL_FORMAT_I420,
		.width = frame->width,
		.height = frame->height,
		.data = { frame->data[0], frame->data[1], frame->data[2] },
		.stride = { frame->stride[0], frame->stride[1], frame->stride[2] },
		.rotation = frame->rotation,
		.timestamp = render,
		.capture_time = frame->capture_unix_us,
		.rtp_timestamp = frame->rtp_timestamp,
	};
	return true;
}

wlk_err wlk_rtp_receiver_set_video_sink(wlk_rtp_receiver *receiver, wlk_video_sink *sink)
{
	struct raw_output output = { sink ? &video_ops : NULL, sink };
	wlk_err err;

	if (!receiver)
		return WLK_ERR_INVALID;
	if (sink)
		atomic_fetch_add(&sink->references, 1);
	err = peer_set_output(receiver, WLK_MEDIA_VIDEO, &output);
	if (err)
		wlk_video_sink_release(sink);
	return err;
}
