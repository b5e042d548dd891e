/* What the estimate of a path means for encodings: their limits to the engine, their shares to the application. */
#include "peer/object.h"
#include "peer/parameters.h"
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

static struct media_layer_limits limits_of(const struct wlk_transceiver *t, size_t layer)
{
	const struct peer_encoding *e = &t->sender.encodings[layer];
	struct media_layer_limits limits = { .priority = weight_of(e->priority), .max_bps = peer_layer_max_bitrate(t, layer) };

	if (!limits.max_bps && t->kind == WLK_MEDIA_VIDEO && t->sender.encoding_count > 1 && e->scale > 1)
		limits.max_bps = MAX((uint64_t)(LAYER_FULL_BPS / (e->scale * e->scale)), (uint64_t)2 * LAYER_MIN_BPS);
	if (t->kind == WLK_MEDIA_VIDEO && t->sender.encoding_count > 1)
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
