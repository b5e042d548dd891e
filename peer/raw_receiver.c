/* A receiver at the level of raw media: encoded frames go to decoders, pictures come back in time, sound goes to its sink. */
#include "media/rtp/red.h"
#include "peer/codec_set.h"
#include "peer/raw_object.h"

enum { KEY_LATER_US = 1000 };

/* The format parameters by which |codec| was agreed on: those of the last frame's payload type, else of the first that is so named. */
static void find_fmtp(struct raw_receiver *r, enum codec_id codec)
{
	const struct sdp_agreed_section *section = peer_agreed_section(r->t);
	const struct sdp_agreed_codec *found = NULL;

	for (size_t i = 0; section && i < section->codec_count; i++) {
		const struct sdp_agreed_codec *c = &section->codecs[i];

		if (str_equal_nocase(c->name, str_of(wlk_codec_name((wlk_codec)codec))) && (!found || c->receive_type == r->payload_type))
			found = c;
	}
	r->fmtp[0] = 0;
	if (found && found->remote_fmtp.size < sizeof(r->fmtp)) {
		memcpy(r->fmtp, found->remote_fmtp.at, found->remote_fmtp.size);
		r->fmtp[found->remote_fmtp.size] = 0;
	}
}

static const struct video_decoder_plugin *find_decoder(void *user, enum codec_id codec, const char **fmtp)
{
	struct raw_receiver *r = user;

	find_fmtp(r, codec);
	*fmtp = r->fmtp;
	return codec_registry_video_decoder(codec_set_registry(r->t->pc->codecs), codec, r->fmtp);
}

struct raw_receiver *raw_receiver_of(struct wlk_transceiver *t)
{
	struct raw_receiver *r = t->receiver.raw;

	if (r)
		return r;
	r = wlk_calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->t = t;
	r->key_due = WLK_TIME_NEVER;
	r->layers.find_plugin = find_decoder;
	r->layers.user = r;
	clock_sync_init(&r->sync);
	list_push_back(&t->pc->raw_receivers, &r->link);
	t->receiver.raw = r;
	return r;
}

/* What lip-sync asks of a receiver of sound, and of its sinks to come. */
static void set_sound_minimum(struct raw_receiver *sound, wlk_time us)
{
	sound->minimum = us;
	if (sound->output.ops)
		sound->output.ops->set_minimum(sound->output.port, us);
}

/* From here on |sound| belongs to the picture, NULL: none; the one before waits for nobody. */
static void belong_to(struct raw_receiver *r, struct raw_receiver *sound)
{
	if (r->sound == sound)
		return;
	if (r->sound)
		set_sound_minimum(r->sound, 0);
	r->sound = sound;
	clock_sync_forget_audio(&r->sync);
}

static void leave_pictures(struct raw_receiver *sound)
{
	list_for_each(item, &sound->t->pc->raw_receivers)
	{
		struct raw_receiver *video = list_entry(item, struct raw_receiver, link);

		if (video->sound == sound)
			belong_to(video, NULL);
	}
}

void raw_receiver_destroy(struct raw_receiver *r)
{
	if (!r)
		return;
	list_remove(&r->link);
	belong_to(r, NULL);
	leave_pictures(r);
	r->t->receiver.raw = NULL;
	if (r->output.ops)
		r->output.ops->close(r->output.port);
	raw_layers_free(&r->layers);
	wlk_free(r);
}

wlk_err peer_set_output(wlk_rtp_receiver *receiver, wlk_media_kind kind, const struct raw_output *output)
{
	struct wlk_transceiver *t = receiver->transceiver;
	struct raw_receiver *r;
	wlk_err err;

	if (t->kind != kind)
		return peer_fail(t->pc, WLK_ERR_INVALID, "the receiver is of the other kind");
	if (!output->ops) {
		if (receiver->raw && receiver->raw->output.ops)
			receiver->raw->output.ops->close(receiver->raw->output.port);
		if (receiver->raw)
			receiver->raw->output = *output;
		return WLK_OK;
	}
	err = wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_RAW);
	if (err)
		return err;
	r = raw_receiver_of(t);
	if (!r)
		return peer_fail(t->pc, WLK_ERR_NOMEM, "out of memory");
	if (r->output.ops)
		r->output.ops->close(r->output.port);
	r->output = *output;
	if (r->output.ops->set_codecs)
		r->output.ops->set_codecs(r->output.port, t->pc->codecs);
	if (r->output.ops->set_target)
		r->output.ops->set_target(r->output.port, r->target);
	if (r->output.ops->set_minimum)
		r->output.ops->set_minimum(r->output.port, r->minimum);
	return WLK_OK;
}

wlk_err wlk_rtp_receiver_set_jitter_buffer_target(wlk_rtp_receiver *receiver, wlk_time target)
{
	struct raw_receiver *r;

	if (target < 0 || target > 4 * SECOND)
		return peer_fail(receiver->transceiver->pc, WLK_ERR_INVALID, "a target is 0 to 4 seconds");
	r = raw_receiver_of(receiver->transceiver);
	if (!r)
		return peer_fail(receiver->transceiver->pc, WLK_ERR_NOMEM, "out of memory");
	r->target = target;
	raw_layers_set_wish(&r->layers, target);
	if (r->output.ops && r->output.ops->set_target)
		r->output.ops->set_target(r->output.port, target);
	return WLK_OK;
}

void peer_raw_restart(wlk_rtp_receiver *receiver)
{
	raw_layers_restart(&receiver->raw->layers);
}

void wlk_rtp_receiver_set_transform(wlk_rtp_receiver *receiver, wlk_frame_transform transform, void *user)
{
	receiver->transform = transform;
	receiver->transform_user = user;
}

/* ---- in ---- */

static void take_picture(struct raw_receiver *r, struct raw_layer *layer, const wlk_encoded_frame *frame)
{
	struct video_unit *unit = video_unit_create(frame->data, frame->size);
	struct media_engine_stats stats;

	if (!unit) {
		video_receiver_skip(&layer->video); /* what follows refers to it */
		return;
	}
	unit->codec = (enum codec_id)frame->codec;
	r->payload_type = frame->payload_type;
	unit->ssrc = frame->ssrc;
	unit->timestamp = frame->timestamp;
	unit->is_key = frame->key;
	unit->ends_picture = !frame->more_layers;
	unit->recovered = frame->recovered;
	unit->first_arrival = frame->first_arrival;
	unit->arrival = frame->arrival;
	unit->capture_unix_us = frame->capture_time;
	unit->rotation = frame->rotation;
	media_engine_stats(peer_transceiver_media(r->t), &stats);
	video_receiver_input(&layer->video, r->t->pc->now, unit, stats.rtt_us);
}

void raw_receiver_take(struct raw_receiver *r, const wlk_encoded_frame *frame)
{
	const wlk_rtp_receiver *receiver = &r->t->receiver;
	struct raw_layer *layer = raw_layers_get(&r->layers, r->t->pc->now, frame->rid ? frame->rid : "");
	wlk_encoded_frame copy = *frame;

	if (!layer)
		return; /* it begins with a later key frame */
	if (!receiver->transform || receiver->transform(&copy, receiver->transform_user))
		take_picture(r, layer, &copy);
	else
		video_receiver_skip(&layer->video);
}

/* Before a loudspeaker there is nothing to do for sound. */
static void hear(struct raw_receiver *r, struct raw_sound sound)
{
	const wlk_rtp_receiver *receiver = &r->t->receiver;
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;

	if (!r->output.ops || !sound.size)
		return;
	frame.codec = (wlk_codec)sound.codec;
	frame.kind = WLK_MEDIA_AUDIO;
	frame.data = sound.data;
	frame.size = sound.size;
	frame.timestamp = sound.timestamp;
	frame.ssrc = sound.ssrc;
	frame.arrival = frame.first_arrival = sound.arrival;
	if (receiver->transform && !sound.is_noise && !receiver->transform(&frame, receiver->transform_user))
		return;
	sound.data = frame.data;
	sound.size = frame.size;
	r->output.ops->hear(r->output.port, &sound);
}

static enum codec_id codec_of(const struct raw_receiver *r, uint8_t pt)
{
	return (enum codec_id)media_engine_recv_codec(peer_transceiver_media(r->t), r->t->section, pt); /* the same numbers */
}

static bool is_sound(const struct raw_sound *sound)
{
	return sound->is_noise || audio_codec_rate(sound->codec);
}

static bool is_noise(enum codec_id codec)
{
	return (enum rtp_codec)codec == RTP_CODEC_CN;
}

static void hear_blocks(struct raw_receiver *r, const struct media_packet *packet, const struct raw_sound *whole)
{
	struct red_block blocks[RED_BLOCKS_MAX];
	size_t count = red_parse(blocks, packet->rtp.payload.data, packet->rtp.payload.size);

	for (size_t i = 0; i < count; i++) {
		struct raw_sound sound = *whole;

		sound.codec = codec_of(r, blocks[i].pt);
		sound.data = blocks[i].data.data;
		sound.size = blocks[i].data.size;
		sound.timestamp -= blocks[i].offset;
		sound.redundant = i + 1 < count;
		sound.after_reset = whole->after_reset && !i;
		sound.is_noise = is_noise(sound.codec);
		if (is_sound(&sound))
			hear(r, sound);
	}
}

bool raw_receiver_take_packet(struct raw_receiver *r, const struct media_packet *packet)
{
	enum rtp_codec codec = media_engine_recv_codec(peer_transceiver_media(r->t), r->t->section, packet->rtp.pt);
	struct raw_sound sound = {
		.ssrc = packet->rtp.ssrc,
		.codec = (enum codec_id)codec,
		.is_noise = codec == RTP_CODEC_CN,
		.data = packet->rtp.payload.data,
		.size = packet->rtp.payload.size,
		.timestamp = packet->rtp.timestamp,
		.clock_hz = codec == RTP_CODEC_OPUS || codec == RTP_CODEC_RED ? 48000 : 8000,
		.sequence = packet->forward_seq,
		.after_reset = packet->after_reset,
		.arrival = packet->arrival,
		.capture_unix_us = packet->capture_unix_us,
	};

	if (r->t->kind != WLK_MEDIA_AUDIO || (codec != RTP_CODEC_RED && !is_sound(&sound)))
		return false;
	if (codec == RTP_CODEC_RED)
		hear_blocks(r, packet, &sound);
	else
		hear(r, sound);
	return true;
}

/* ---- lip-sync ---- */

/* The sound that belongs to a picture is in the same stream (RFC 8830); a sender that names none has one of each. */
static bool same_stream(const struct wlk_transceiver *a, const struct wlk_transceiver *b)
{
	size_t count_a, count_b;
	const char *const *ids_a = id_list_shown(&a->receiver.streams, &count_a);
	const char *const *ids_b = id_list_shown(&b->receiver.streams, &count_b);

	for (size_t i = 0; i < count_a; i++)
		for (size_t k = 0; k < count_b; k++)
			if (!strcmp(ids_a[i], ids_b[k]))
				return true;
	return !count_a && !count_b;
}

static struct raw_receiver *sound_of(const struct raw_receiver *video)
{
	list_for_each(item, &video->t->pc->raw_receivers)
	{
		struct raw_receiver *r = list_entry(item, struct raw_receiver, link);

		if (r->t->kind == WLK_MEDIA_AUDIO && r->output.ops && same_stream(r->t, video->t))
			return r;
	}
	return NULL;
}

static void keep_together(struct raw_receiver *r)
{
	int64_t captured;
	wlk_time played;

	belong_to(r, sound_of(r));
	if (r->sound && r->sound->output.ops->playing(r->sound->output.port, &captured, &played))
		clock_sync_on_audio(&r->sync, captured, played);
	if (!clock_sync_update(&r->sync, r->t->pc->now))
		return;
	raw_layers_set_minimum(&r->layers, r->sync.video_minimum_us);
	if (r->sound)
		set_sound_minimum(r->sound, r->sync.audio_minimum_us);
}

/* R37: what the rest of the connection leaves of its budget. */
static size_t memory_left(const struct raw_receiver *r)
{
	const wlk_peer_connection *pc = r->t->pc;
	size_t used = pc->memory_used;

	list_for_each(item, &pc->raw_receivers)
	{
		const struct raw_receiver *other = list_entry(item, struct raw_receiver, link);

		used += other != r && other->t->kind == WLK_MEDIA_VIDEO ? raw_layers_bytes(&other->layers) : 0;
	}
	return used < pc->memory_budget ? pc->memory_budget - used : 0;
}

/*
 * That a key frame is wanted is often found while events and jobs are polled, when what is to be sent was polled already. So it is asked for
 * a moment later: a deadline is never due behind a drain.
 */
static void ask_for_key(struct raw_receiver *r)
{
	wlk_time now = r->t->pc->now;

	if (raw_layers_wants_key(&r->layers))
		r->key_due = time_min(r->key_due, now + KEY_LATER_US);
	if (r->key_due > now)
		return;
	r->key_due = WLK_TIME_NEVER;
	if (!r->t->stopping && !r->t->pc->closed)
		(void)!wlk_rtp_receiver_request_key_frame(&r->t->receiver);
}

void raw_receiver_step(struct raw_receiver *r)
{
	if (r->t->kind != WLK_MEDIA_VIDEO)
		return;
	raw_layers_set_limit(&r->layers, memory_left(r));
	keep_together(r);
	ask_for_key(r);
}

wlk_time raw_receiver_deadline(const struct raw_receiver *r)
{
	return r->t->kind == WLK_MEDIA_VIDEO ? time_min(r->key_due, raw_layers_deadline(&r->layers)) : WLK_TIME_NEVER;
}
