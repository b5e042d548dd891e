#include "peer/raw_layers.h"

#include <string.h>

#include "core/alloc.h"

void raw_layers_free(struct raw_layers *l)
{
	while (l->count) {
		struct raw_layer *layer = l->all[--l->count];

		video_receiver_free(&layer->video);
		wlk_free(layer);
	}
}

static struct raw_layer *find(const struct raw_layers *l, const char *rid)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->all[i]->rid, rid))
			return l->all[i];
	return NULL;
}

const struct raw_layer *raw_layers_find(const struct raw_layers *l, const char *rid)
{
	return find(l, rid);
}

static struct raw_layer *longest_silent(const struct raw_layers *l)
{
	struct raw_layer *found = l->all[0];

	for (size_t i = 1; i < l->count; i++)
		if (l->all[i]->shown < found->shown)
			found = l->all[i];
	return found;
}

/* The rids are those that were agreed on, RAW_LAYERS_MAX of them; more are left from an earlier agreement. */
static struct raw_layer *add(struct raw_layers *l)
{
	struct raw_layer *layer;

	if (l->count == RAW_LAYERS_MAX) {
		layer = longest_silent(l);
		video_receiver_free(&layer->video);
		return layer;
	}
	layer = wlk_malloc(sizeof(*layer));
	if (layer)
		l->all[l->count++] = layer;
	return layer;
}

struct raw_layer *raw_layers_get(struct raw_layers *l, wlk_time now, const char *rid)
{
	struct raw_layer *layer = find(l, rid);
	size_t length = strlen(rid);

	assert(length <= PEER_RID_MAX && "a rid that was agreed on fits an extension");
	if (layer || !(layer = add(l)))
		return layer;
	*layer = (struct raw_layer){ .shown = now };
	memcpy(layer->rid, rid, length);
	video_receiver_init(&layer->video);
	layer->video.find_plugin = l->find_plugin;
	layer->video.user = l->user;
	jitter_buffer_set_wish(&layer->video.jitter, l->wish_us);
	jitter_buffer_set_minimum(&layer->video.jitter, l->minimum_us);
	return layer;
}

void raw_layers_restart(struct raw_layers *l)
{
	for (size_t i = 0; i < l->count; i++)
		video_receiver_restart(&l->all[i]->video);
}

void raw_layers_set_wish(struct raw_layers *l, wlk_time us)
{
	l->wish_us = us;
	for (size_t i = 0; i < l->count; i++)
		jitter_buffer_set_wish(&l->all[i]->video.jitter, us);
}

void raw_layers_set_minimum(struct raw_layers *l, wlk_time us)
{
	l->minimum_us = us;
	for (size_t i = 0; i < l->count; i++)
		jitter_buffer_set_minimum(&l->all[i]->video.jitter, us);
}

bool raw_layers_wants_key(struct raw_layers *l)
{
	bool wants = false;

	for (size_t i = 0; i < l->count; i++)
		wants |= video_receiver_wants_key(&l->all[i]->video);
	return wants;
}

bool raw_layers_poll_job(struct raw_layers *l, wlk_time now, struct track_job **out)
{
	for (size_t i = 0; i < l->count; i++)
		if (video_receiver_poll_job(&l->all[i]->video, now, out))
			return true;
	return false;
}

struct video_frame *raw_layers_poll_frame(struct raw_layers *l, wlk_time now, wlk_time *render, struct raw_layer **layer)
{
	for (size_t i = 0; i < l->count; i++) {
		struct raw_layer *each = l->all[i];
		struct video_frame *frame = video_receiver_poll_frame(&each->video, now, render);

		if (!frame)
			continue;
		each->pixels = (uint64_t)frame->width * frame->height;
		each->shown = now;
		*layer = each;
		return frame;
	}
	return NULL;
}

bool raw_layers_is_largest(const struct raw_layers *l, const struct raw_layer *layer, wlk_time now)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i]->pixels > layer->pixels && now - l->all[i]->shown < RAW_LAYER_STALE_US)
			return false;
	return true;
}

/* A layer that is switched off does not stand still: the others go on. */
static bool is_alone(const struct raw_layers *l, const struct raw_layer *layer)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i] != layer && l->all[i]->pixels && l->all[i]->shown > layer->shown)
			return false;
	return true;
}

/* What one layer tells is told of the picture, and only when that is not known: another layer may have stood still, or gone on, before. */
bool raw_layers_poll_stall(struct raw_layers *l, wlk_time now, bool is_received, struct video_stall *out)
{
	for (size_t i = 0; i < l->count; i++) {
		struct raw_layer *layer = l->all[i];

		if (!video_receiver_poll_stall(&layer->video, now, out) || !is_received || out->is_stalled == l->is_stalled ||
		    !raw_layers_is_largest(l, layer, now) || !is_alone(l, layer))
			continue;
		l->is_stalled = out->is_stalled;
		return true;
	}
	return false;
}

size_t raw_layers_bytes(const struct raw_layers *l)
{
	size_t bytes = 0;

	for (size_t i = 0; i < l->count; i++)
		bytes += video_receiver_bytes(&l->all[i]->video);
	return bytes;
}

void raw_layers_set_limit(struct raw_layers *l, size_t limit)
{
	size_t all = raw_layers_bytes(l);

	for (size_t i = 0; i < l->count; i++) {
		size_t others = all - video_receiver_bytes(&l->all[i]->video);

		video_receiver_set_limit(&l->all[i]->video, limit > others ? limit - others : 0);
	}
}

wlk_time raw_layers_deadline(const struct raw_layers *l)
{
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < l->count; i++)
		at = time_min(at, video_receiver_deadline(&l->all[i]->video));
	return at;
}
