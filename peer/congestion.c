/* What the estimate of a path means for encodings: their limits to the engine, their shares to the application. */
#include "media/track/video_adapt.h"
#include "peer/object.h"
#include "peer/parameters.h"
#include "peer/record_call.h"
#include "peer/rid_limits.h"

/* Below the top layer each is worth what its resolution needs, when nobody said more (webrtc-svc has no word for it). */
enum { LAYER_MIN_BPS = 30000, LAYER_FULL_BPS = 2500000 };

static uint32_t weight_of(wlk_priority priority)
{
	switch (priority) {
	case WLK_PRIORITY_VERY_LOW:
		return 1;
	case WLK_PRIORITY_MEDIUM:
		return 4;
	case WLK_PRIORITY_HIGH:
		return 8;
	default:
		return 2;
	}
}

static double scale_of(const struct wlk_transceiver *t, size_t layer)
{
	return peer_layer_scale(t, layer, t->sender.source_width, t->sender.source_height);
}

static bool is_top(const struct wlk_transceiver *t, size_t layer)
{
	for (size_t i = 0; i < t->sender.encoding_count; i++)
		if (t->sender.encodings[i].active && scale_of(t, i) < scale_of(t, layer))
			return false;
	return true;
}

/*
 * Of a layer whose size is known, if nobody said more: up to what it can use before the next one is switched on. Of the top layer, or
 * the only one, up to where more bits are no longer seen; what the path carries beyond that lets a picture leave sooner.
 */
static void limit_by_size(struct media_layer_limits *limits, const struct wlk_transceiver *t, size_t layer)
{
	const struct wlk_rtp_sender *sender = &t->sender;
	double scale = scale_of(t, layer);
	uint64_t need = video_adapt_need((uint32_t)(sender->source_width / scale), (uint32_t)(sender->source_height / scale), 30);

	if (!limits->max_bps)
		limits->max_bps = is_top(t, layer) ? need * 10 : need * 7 / 2;
	if (sender->encoding_count > 1)
		limits->min_bps = MIN(need, limits->max_bps);
}

static struct media_layer_limits limits_of(const struct wlk_transceiver *t, size_t layer)
{
	const struct wlk_rtp_sender *sender = &t->sender;
	double scale = sender->encodings[layer].scale;
	struct media_layer_limits limits = { .priority = weight_of(sender->encodings[layer].priority), .max_bps = peer_layer_max_bitrate(t, layer) };

	if (t->kind != WLK_MEDIA_VIDEO)
		return limits;
	if (sender->source_width) {
		limit_by_size(&limits, t, layer);
		return limits;
	}
	if (sender->encoding_count < 2)
		return limits;
	if (!limits.max_bps && scale > 1)
		limits.max_bps = MAX((uint64_t)(LAYER_FULL_BPS / (scale * scale)), (uint64_t)2 * LAYER_MIN_BPS);
	limits.min_bps = MAX(limits.max_bps ? limits.max_bps / 5 : LAYER_FULL_BPS / 4, (uint64_t)LAYER_MIN_BPS);
	return limits;
}

void peer_limit_layers(const struct wlk_transceiver *t)
{
	if (!t->transport || !peer_agreed_section(t))
		return;
	for (size_t i = 0; i < t->sender.encoding_count; i++) {
		struct media_layer_limits limits = limits_of(t, i);

		(void)media_engine_set_layer_limits(t->transport->media, t->pc->now, t->section, i, &limits);
	}
}

void peer_limit_all_layers(const wlk_peer_connection *pc)
{
	for (const struct list *item = pc->transceivers.next; item != &pc->transceivers; item = item->next)
		peer_limit_layers(CONTAINER_OF(item, struct wlk_transceiver, link));
}

void peer_set_source_size(struct wlk_rtp_sender *sender, uint32_t width, uint32_t height)
{
	struct wlk_transceiver *t = sender->transceiver;

	if (width == sender->source_width && height == sender->source_height)
		return;
	RECORD(t->pc, record_transceiver_call(recorded, RECORD_SOURCE_SIZE, t, (uint64_t)width << 32 | height, 8));
	sender->source_width = width;
	sender->source_height = height;
	peer_refresh_now(t->pc);
	peer_limit_layers(t);
	peer_touch(t->pc);
}

wlk_err wlk_peer_connection_set_bitrate(wlk_peer_connection *pc, const wlk_bitrate_limits *limits)
{
	struct list *lists[] = { &pc->transports, &pc->spares };

	RECORD(pc, record_set_bitrate(recorded, pc, limits));
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (!limits || limits->struct_size != sizeof(*limits) || (limits->max_bps && limits->min_bps > limits->max_bps) ||
	    (limits->start_bps && (limits->start_bps < limits->min_bps || (limits->max_bps && limits->start_bps > limits->max_bps))))
		return peer_fail(pc, WLK_ERR_INVALID, "the limits contradict each other");
	peer_refresh_now(pc);
	pc->rate_limits = (struct media_rate_limits){ limits->min_bps, limits->start_bps, limits->max_bps };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
			media_engine_set_rate_limits(list_entry(item, struct peer_transport, link)->media, pc->now, &pc->rate_limits);
	}
	peer_touch(pc);
	return WLK_OK;
}

void peer_emit_target_bitrate(wlk_peer_connection *pc, size_t section, size_t layer, uint64_t bps)
{
	struct wlk_transceiver *t = peer_transceiver_by_section(pc, section);
	wlk_event ev = { .type = WLK_EVENT_TARGET_BITRATE };

	if (!t || layer >= t->sender.encoding_count)
		return;
	ev.u.target_bitrate.transceiver = t;
	ev.u.target_bitrate.rid = t->sender.encodings[layer].rid[0] ? t->sender.encodings[layer].rid : NULL;
	ev.u.target_bitrate.bps = bps;
	if (!peer_events_replace_target(pc, &ev))
		peer_emit(pc, ev);
}
