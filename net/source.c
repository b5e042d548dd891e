#include "net/source.h"

#include "core/alloc.h"
#include "media/codec/convert.h"

struct source *source_create(void)
{
	struct source *s = wlk_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->references, 1);
	atomic_init(&s->enabled, true);
	list_init(&s->ports);
	return s;
}

void source_release(struct source *s)
{
	if (!s || atomic_fetch_sub(&s->references, 1) > 1)
		return;
	pthread_mutex_destroy(&s->lock);
	wlk_free(s);
}

/* ---- a sender's end ---- */

static bool port_pending(const void *user)
{
	const struct source_port *p = user;

	return atomic_load(&p->pending);
}

static void *take_locked(struct source_port *p)
{
	struct video_frame *picture = p->picture;
	struct audio_chunk *chunk = NULL;

	p->picture = NULL;
	if (!picture && !list_empty(&p->sound)) {
		chunk = list_entry(list_pop_front(&p->sound), struct audio_chunk, link);
		p->sound_us -= (wlk_time)(chunk->count * 1000000 / chunk->rate);
	}
	atomic_store(&p->pending, !list_empty(&p->sound));
	return picture ? (void *)picture : chunk;
}

static void *port_take(void *user)
{
	struct source_port *p = user;
	void *taken;

	if (!atomic_load(&p->pending))
		return NULL;
	pthread_mutex_lock(&p->source->lock);
	taken = take_locked(p);
	pthread_mutex_unlock(&p->source->lock);
	return taken;
}

static bool port_enabled(const void *user)
{
	return atomic_load(&((const struct source_port *)user)->source->enabled);
}

static wlk_content_hint port_hint(const void *user)
{
	return (wlk_content_hint)atomic_load(&((const struct source_port *)user)->source->hint);
}

static void port_close(void *user)
{
	struct source_port *p = user;
	struct source *s = p->source;
	struct list *item;

	pthread_mutex_lock(&s->lock);
	list_remove(&p->link);
	pthread_mutex_unlock(&s->lock);
	video_frame_release(p->picture);
	while ((item = list_pop_front(&p->sound)))
		wlk_free(list_entry(item, struct audio_chunk, link));
	wlk_free(p);
	source_release(s);
}

static const struct raw_input_ops port_ops = { port_pending, port_take, port_enabled, port_hint, port_close };

struct raw_input source_attach(struct source *s, const wlk_rtp_sender *sender)
{
	struct source_port *p = wlk_calloc(1, sizeof(*p));

	if (!p)
		return (struct raw_input){ NULL, NULL };
	p->source = s;
	list_init(&p->sound);
	peer_wake_hook(sender, &p->wake, &p->wake_user);
	atomic_fetch_add(&s->references, 1);
	pthread_mutex_lock(&s->lock);
	list_push_back(&s->ports, &p->link);
	pthread_mutex_unlock(&s->lock);
	return (struct raw_input){ &port_ops, p };
}

static wlk_err set_source(wlk_rtp_sender *sender, wlk_media_kind kind, struct source *source)
{
	struct raw_input input = { NULL, NULL };
	wlk_err err;

	if (!sender)
		return WLK_ERR_INVALID;
	if (source) {
		input = source_attach(source, sender);
		if (!input.ops)
			return WLK_ERR_NOMEM;
	}
	err = peer_set_input(sender, kind, &input);
	if (err && input.ops)
		input.ops->close(input.port);
	return err;
}

/* ---- pictures ---- */

struct wlk_video_source {
	struct source source;
};

struct wlk_audio_source {
	struct source source;
};

wlk_err wlk_video_source_create(wlk_video_source **out)
{
	if (!out)
		return WLK_ERR_INVALID;
	*out = (wlk_video_source *)source_create();
	return *out ? WLK_OK : WLK_ERR_NOMEM;
}

void wlk_video_source_release(wlk_video_source *source)
{
	source_release((struct source *)source);
}

/* Far from where arithmetic ends. */
static bool is_moment(wlk_time timestamp)
{
	return timestamp >= 0 && timestamp < INT64_MAX / 4;
}

static wlk_err copy_picture(struct video_frame **out, const wlk_video_frame *frame)
{
	struct video_planes planes = {
		.format = frame->format == WLK_PIXEL_FORMAT_NV12 ? VIDEO_NV12 : VIDEO_I420,
		.width = frame->width,
		.height = frame->height,
		.data = { frame->data[0], frame->data[1], frame->data[2] },
		.stride = { frame->stride[0], frame->stride[1], frame->stride[2] },
	};
	wlk_err err;

	if (frame->struct_size != sizeof(*frame) || frame->rotation > 270 || frame->rotation % 90 || !is_moment(frame->timestamp) ||
	    (frame->format != WLK_PIXEL_FORMAT_I420 && frame->format != WLK_PIXEL_FORMAT_NV12))
		return WLK_ERR_INVALID;
	err = video_frame_from_planes(out, &planes);
	if (err)
		return err;
	(*out)->rotation = frame->rotation;
	(*out)->captured = frame->timestamp;
	return WLK_OK;
}

static void give_picture(struct source_port *p, struct video_frame *picture)
{
	video_frame_release(p->picture);
	p->picture = video_frame_ref(picture);
	if (!atomic_exchange(&p->pending, true) && p->wake)
		p->wake(p->wake_user);
}

wlk_err wlk_video_source_push(wlk_video_source *source, const wlk_video_frame *frame)
{
	struct source *s = (struct source *)source;
	struct video_frame *picture;
	wlk_err err;

	if (!source || !frame)
		return WLK_ERR_INVALID;
	err = copy_picture(&picture, frame);
	if (err)
		return err;
	pthread_mutex_lock(&s->lock);
	list_for_each(item, &s->ports)
		give_picture(list_entry(item, struct source_port, link), picture);
	pthread_mutex_unlock(&s->lock);
	video_frame_release(picture);
	return WLK_OK;
}

void wlk_video_source_set_enabled(wlk_video_source *source, bool enabled)
{
	atomic_store(&source->source.enabled, enabled);
}

void wlk_video_source_set_content_hint(wlk_video_source *source, wlk_content_hint hint)
{
	atomic_store(&source->source.hint, (int)hint);
}

wlk_err wlk_rtp_sender_set_video_source(wlk_rtp_sender *sender, wlk_video_source *source)
{
	return set_source(sender, WLK_MEDIA_VIDEO, (struct source *)source);
}

/* ---- sound ---- */

wlk_err wlk_audio_source_create(wlk_audio_source **out)
{
	if (!out)
		return WLK_ERR_INVALID;
	*out = (wlk_audio_source *)source_create();
	return *out ? WLK_OK : WLK_ERR_NOMEM;
}

void wlk_audio_source_release(wlk_audio_source *source)
{
	source_release((struct source *)source);
}

/* What nobody takes for half a second is lost, oldest first. */
static void give_sound(struct source_port *p, struct audio_chunk *chunk)
{
	list_push_back(&p->sound, &chunk->link);
	p->sound_us += (wlk_time)(chunk->count * 1000000 / chunk->rate);
	while (p->sound_us > SOURCE_SOUND_MAX_US && p->sound.next != &chunk->link) {
		struct audio_chunk *oldest = list_entry(list_pop_front(&p->sound), struct audio_chunk, link);

		p->sound_us -= (wlk_time)(oldest->count * 1000000 / oldest->rate);
		wlk_free(oldest);
	}
	if (!atomic_exchange(&p->pending, true) && p->wake)
		p->wake(p->wake_user);
}

static bool is_sound(const wlk_audio_frame *frame)
{
	return frame && frame->struct_size == sizeof(*frame) && frame->samples && frame->count && frame->rate >= RESAMPLE_RATE_MIN &&
	       frame->rate <= RESAMPLE_RATE_MAX && frame->count <= frame->rate && frame->channels >= 1 && frame->channels <= 2 &&
	       is_moment(frame->timestamp) && (frame->rate % 50 == 0 || frame->rate % 75 == 0); /* what can be resampled to any codec's */
}

wlk_err wlk_audio_source_push(wlk_audio_source *source, const wlk_audio_frame *frame)
{
	struct source *s = (struct source *)source;
	wlk_err err = WLK_OK;

	if (!source || !is_sound(frame))
		return WLK_ERR_INVALID;
	pthread_mutex_lock(&s->lock);
	list_for_each(item, &s->ports)
	{
		struct audio_chunk *chunk =
			audio_chunk_create(frame->samples, frame->count, frame->rate, frame->channels, frame->timestamp);

		if (chunk)
			give_sound(list_entry(item, struct source_port, link), chunk);
		else
			err = WLK_ERR_NOMEM;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

void wlk_audio_source_set_enabled(wlk_audio_source *source, bool enabled)
{
	atomic_store(&source->source.enabled, enabled);
}

void wlk_audio_source_set_content_hint(wlk_audio_source *source, wlk_content_hint hint)
{
	atomic_store(&source->source.hint, (int)hint);
}

wlk_err wlk_rtp_sender_set_audio_source(wlk_rtp_sender *sender, wlk_audio_source *source)
{
	return set_source(sender, WLK_MEDIA_AUDIO, (struct source *)source);
}
