/* Raw media: who has some, whose turn it is, and the jobs of all of them. */
#include "peer/codec_set.h"
#include "peer/raw_object.h"

void peer_raw_step(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->raw_senders)
		raw_sender_step(list_entry(item, struct raw_sender, link));
	list_for_each(item, &pc->raw_receivers)
		raw_receiver_step(list_entry(item, struct raw_receiver, link));
}

wlk_time peer_raw_deadline(const wlk_peer_connection *pc)
{
	wlk_time at = WLK_TIME_NEVER;

	list_for_each(item, &pc->raw_senders)
		at = time_min(at, raw_sender_deadline(list_entry(item, struct raw_sender, link)));
	list_for_each(item, &pc->raw_receivers)
		at = time_min(at, raw_receiver_deadline(list_entry(item, struct raw_receiver, link)));
	return at;
}

bool peer_raw_take(wlk_peer_connection *pc, const wlk_event *ev)
{
	if (ev->type == WLK_EVENT_FRAME) {
		struct wlk_transceiver *t = ev->u.frame.transceiver;

		if (t->receiver.level != WLK_MEDIA_LEVEL_RAW)
			return false;
		if (raw_receiver_of(t))
			raw_receiver_take(t->receiver.raw, ev->u.frame.frame);
		return true;
	}
	if (ev->type == WLK_EVENT_RTP_PACKET) {
		struct wlk_transceiver *t = ev->u.rtp.transceiver;

		return t->receiver.level == WLK_MEDIA_LEVEL_RAW && raw_receiver_of(t) &&
		       raw_receiver_take_packet(t->receiver.raw, &pc->lent_packet);
	}
	list_for_each(item, &pc->raw_senders)
	{
		if (raw_sender_take(list_entry(item, struct raw_sender, link), ev))
			return true;
	}
	return false;
}

/* ---- jobs ---- */

static bool sender_job(struct raw_sender *s, wlk_time now, struct track_job **out)
{
	return s->t->kind == WLK_MEDIA_VIDEO ? video_sender_poll_job(&s->video, now, out) : audio_sender_poll_job(&s->audio, now, out);
}

static bool next_job(wlk_peer_connection *pc, wlk_time now, struct track_job **out)
{
	list_for_each(item, &pc->raw_receivers)
	{
		struct raw_receiver *r = list_entry(item, struct raw_receiver, link);

		if (r->t->kind == WLK_MEDIA_VIDEO && raw_layers_poll_job(&r->layers, now, out))
			return true;
	}
	list_for_each(item, &pc->raw_senders)
	{
		if (sender_job(list_entry(item, struct raw_sender, link), now, out))
			return true;
	}
	return false;
}

static void release_codecs(void *codecs)
{
	wlk_codec_set_release(codecs);
}

bool peer_poll_job(wlk_peer_connection *pc, wlk_time now, struct track_job **out)
{
	if (pc->closed || (list_empty(&pc->raw_senders) && list_empty(&pc->raw_receivers)))
		return false;
	peer_set_now(pc, now);
	peer_raw_step(pc);
	if (!next_job(pc, now, out)) {
		peer_raw_step(pc); /* frames that do not decode were dropped on the way */
		return false;
	}
	(*out)->user = pc;
	(*out)->kept = codec_set_hold(pc->codecs);
	(*out)->release = release_codecs;
	return true;
}

wlk_peer_connection *peer_on_job(struct track_job *job, wlk_time now, wlk_time spent)
{
	wlk_peer_connection *pc = job->user;

	track_on_job(job, now, spent);
	if (!pc)
		return NULL;
	peer_set_now(pc, now);
	peer_raw_step(pc);
	peer_touch(pc);
	return pc;
}

/* ---- pictures that are due ---- */

void peer_raw_give_back(wlk_peer_connection *pc)
{
	video_frame_release(pc->lent_picture);
	pc->lent_picture = NULL;
}

static const wlk_event *lend(wlk_peer_connection *pc, struct raw_receiver *r, const struct raw_layer *layer, struct video_frame *frame, wlk_time render)
{
	pc->lent_picture = frame;
	pc->lent_video = (wlk_video_frame){
		.struct_size = sizeof(pc->lent_video),
		.format = WLK_PIXEL_FORMAT_I420,
		.width = frame->width,
		.height = frame->height,
		.data = { frame->data[0], frame->data[1], frame->data[2] },
		.stride = { frame->stride[0], frame->stride[1], frame->stride[2] },
		.rotation = frame->rotation,
		.timestamp = render,
		.capture_time = frame->capture_unix_us,
		.rtp_timestamp = frame->rtp_timestamp,
		.rid = layer->rid[0] ? layer->rid : NULL,
	};
	pc->lent.ev = (wlk_event){ .type = WLK_EVENT_VIDEO_FRAME, .pc = pc };
	pc->lent.ev.u.video.transceiver = r->t;
	pc->lent.ev.u.video.frame = &pc->lent_video;
	return &pc->lent.ev;
}

/* A picture that is not sent any more does not stand still. */
static bool poll_stall(wlk_peer_connection *pc, struct raw_receiver *r)
{
	bool is_received = r->t->current & WLK_DIRECTION_RECVONLY;
	struct video_stall stall;

	if (r->t->kind != WLK_MEDIA_VIDEO || !raw_layers_poll_stall(&r->layers, pc->now, is_received, &stall))
		return false;
	pc->lent.ev = (wlk_event){ .type = WLK_EVENT_VIDEO_STALL, .pc = pc };
	pc->lent.ev.u.stall.transceiver = r->t;
	pc->lent.ev.u.stall.stalled = stall.is_stalled;
	pc->lent.ev.u.stall.duration = stall.duration;
	return true;
}

const wlk_event *peer_raw_poll_event(wlk_peer_connection *pc)
{
	if (pc->closed)
		return NULL;
	list_for_each(item, &pc->raw_receivers)
	{
		struct raw_receiver *r = list_entry(item, struct raw_receiver, link);
		struct video_frame *frame;
		struct raw_layer *layer;
		wlk_time render;
		bool is_largest;

		if (poll_stall(pc, r))
			return &pc->lent.ev;
		if (r->t->kind != WLK_MEDIA_VIDEO || !(frame = raw_layers_poll_frame(&r->layers, pc->now, &render, &layer)))
			continue;
		is_largest = raw_layers_is_largest(&r->layers, layer, pc->now);
		if (is_largest && !layer->video.was_early) /* which says nothing of those behind it */
			clock_sync_on_video(&r->sync, frame->capture_unix_us, pc->now);
		if (is_largest && r->output.ops)
			r->output.ops->show(r->output.port, video_frame_ref(frame), render);
		return lend(pc, r, layer, frame, render);
	}
	return NULL;
}
