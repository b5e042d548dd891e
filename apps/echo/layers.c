#include "layers.h"

#include <stdlib.h>
#include <string.h>

enum {
	SILENCE_US = 700000, /* a layer that says nothing for so long is off, or its sender has no bits for it */
	RID_SIZE = 17,
	VIDEO_CLOCK_PER_100_US = 9
};

struct layer {
	char rid[RID_SIZE];
	wlk_time heard;
	unsigned long pixels; /* of its last key frame */
};

/* Of a transceiver that receives simulcast: its user pointer. Listed, because a transceiver that is gone stands in no list. */
struct layers {
	struct layers *next;
	wlk_transceiver *transceiver;
	struct layer all[WLK_RTP_ENCODINGS_MAX];
	size_t count;
	struct layer *current; /* the one that goes back */
	wlk_time last_arrival;
	uint32_t last_timestamp; /* as sent back */
	uint32_t offset;         /* from the timestamps of the current layer to ours */
};

static struct layers *all_layers;

void layers_accept(wlk_peer_connection *pc)
{
	const wlk_session_description *offer = wlk_peer_connection_remote_description(pc);

	if (!offer || !strstr(offer->sdp, "\r\na=simulcast:"))
		return;
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(pc, i);

		if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO && wlk_transceiver_direction(t) != WLK_DIRECTION_STOPPED)
			(void)!wlk_transceiver_set_receive_simulcast(t, true, NULL, 0);
	}
}

static bool has_layers(wlk_transceiver *t)
{
	wlk_rtp_receive_parameters parameters;

	return wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO &&
	       !wlk_rtp_receiver_parameters(wlk_transceiver_receiver(t), &parameters) && parameters.rid_count > 1;
}

void layers_set_levels(wlk_peer_connection *pc)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(pc, i);
		wlk_media_level level = has_layers(t) ? WLK_MEDIA_LEVEL_FRAMES : WLK_MEDIA_LEVEL_PACKETS;

		if (wlk_rtp_receiver_level(wlk_transceiver_receiver(t)) != level)
			(void)!wlk_rtp_receiver_set_level(wlk_transceiver_receiver(t), level);
	}
}

static struct layers *layers_of(wlk_transceiver *t)
{
	struct layers *l = wlk_transceiver_user(t);

	if (l || !(l = calloc(1, sizeof(*l))))
		return l;
	l->transceiver = t;
	l->next = all_layers;
	all_layers = l;
	wlk_transceiver_set_user(t, l);
	return l;
}

void layers_forget(wlk_peer_connection *pc)
{
	struct layers **link = &all_layers;

	while (*link) {
		struct layers *l = *link;

		if (wlk_transceiver_peer_connection(l->transceiver) != pc) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		wlk_transceiver_set_user(l->transceiver, NULL);
		free(l);
	}
}

static struct layer *layer_of(struct layers *l, const char *rid)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->all[i].rid, rid))
			return &l->all[i];
	if (l->count == WLK_RTP_ENCODINGS_MAX || strlen(rid) >= RID_SIZE)
		return NULL;
	strcpy(l->all[l->count].rid, rid);
	return &l->all[l->count++];
}

/* Without a present layer any will do, else a larger one. Only a key frame lets the far end's decoder follow. */
static bool is_better(const struct layers *l, const struct layer *layer, wlk_time now)
{
	if (!l->current || now - l->current->heard > SILENCE_US)
		return true;
	return layer->pixels > l->current->pixels;
}

static void switch_to(struct layers *l, struct layer *layer, const wlk_encoded_frame *frame)
{
	uint32_t pause = (uint32_t)((frame->arrival - l->last_arrival) * VIDEO_CLOCK_PER_100_US / 100);

	l->offset = l->current ? l->last_timestamp + pause - frame->timestamp : 0;
	l->current = layer;
}

static void send_back(wlk_transceiver *t, struct layers *l, const wlk_encoded_frame *frame)
{
	wlk_encoded_frame copy = *frame;

	l->last_timestamp = copy.timestamp += l->offset;
	l->last_arrival = frame->arrival;
	copy.rid = NULL;
	if (wlk_transceiver_current_direction(t) & WLK_DIRECTION_SENDONLY)
		(void)!wlk_rtp_sender_send_frame(wlk_transceiver_sender(t), &copy);
}

void layers_on_frame(const wlk_event *event)
{
	wlk_transceiver *t = event->u.frame.transceiver;
	const wlk_encoded_frame *frame = event->u.frame.frame;
	struct layers *l = layers_of(t);
	struct layer *layer = l ? layer_of(l, frame->rid ? frame->rid : "") : NULL;

	if (!layer)
		return;
	layer->heard = frame->arrival;
	if (frame->key && frame->width)
		layer->pixels = (unsigned long)frame->width * frame->height;
	if (layer != l->current && is_better(l, layer, frame->arrival)) {
		if (frame->key)
			switch_to(l, layer, frame);
		else /* at most two in a second leave */
			(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(t));
	}
	if (layer == l->current)
		send_back(t, l, frame);
}
