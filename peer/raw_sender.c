/* A sender with a source: what is pushed becomes encoded frames, and these go where an application's frames go. */
#include <stdio.h>

#include "peer/codec_set.h"
#include "peer/raw_object.h"
#include "peer/rid_limits.h"
#include "sdp/attr.h"

enum { RETRY_US = 5000, AUDIO_BPS_MONO = 32000, AUDIO_BPS_STEREO = 64000 };

/* ---- how to encode: from what was agreed and from the parameters ---- */

static enum codec_id codec_of(struct str name)
{
	for (wlk_codec c = WLK_CODEC_OPUS; c <= WLK_CODEC_AV1; c++)
		if (str_equal_nocase(name, str_of(wlk_codec_name(c))))
			return (enum codec_id)c; /* the same numbers */
	return CODEC_UNKNOWN;
}

/* A text of its own: what was agreed is not terminated. Longer ones are no parameters that an encoder knows. */
struct fmtp {
	char text[256];
};

static const char *fmtp_text(struct fmtp *f, struct str fmtp)
{
	snprintf(f->text, sizeof(f->text), "%.*s", (int)MIN(fmtp.size, sizeof(f->text) - 1), fmtp.size ? fmtp.at : "");
	return f->text;
}

static const struct codec_registry *registry_of(const struct wlk_transceiver *t)
{
	return codec_set_registry(t->pc->codecs);
}

static bool can_encode(const struct wlk_transceiver *t, const struct sdp_agreed_codec *codec)
{
	struct fmtp fmtp;
	enum codec_role role = t->kind == WLK_MEDIA_AUDIO ? CODEC_AUDIO_ENCODER : CODEC_VIDEO_ENCODER;
	enum codec_id id = codec_of(codec->name);

	return id != CODEC_UNKNOWN && codec_registry_has(registry_of(t), role, id, fmtp_text(&fmtp, codec->remote_fmtp));
}

/* What an encoding names, else the first that can be encoded. */
static const struct sdp_agreed_codec *choose_codec(const struct wlk_transceiver *t, size_t layer)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	const struct peer_encoding *e = &t->sender.encodings[layer];
	struct sdp_rid_limits limits = peer_layer_limits(t, layer);
	const struct sdp_agreed_codec *first = NULL;

	for (size_t i = 0; section && i < section->codec_count; i++) {
		const struct sdp_agreed_codec *c = &section->codecs[i];

		if (c->send_type == SDP_NO_TYPE || !sdp_rid_limits_allow_type(&limits, c->send_type) || !can_encode(t, c))
			continue;
		if (e->codec >= 0 && str_equal_nocase(c->name, t->pc->capabilities.codecs[e->codec].name))
			return c;
		if (!first)
			first = c;
	}
	return first;
}

static bool is_screen(wlk_content_hint hint)
{
	return hint == WLK_CONTENT_HINT_TEXT;
}

static enum video_preference preference_of(const struct raw_sender *s, wlk_content_hint hint)
{
	if (s->t->sender.degradation != WLK_DEGRADATION_UNSET)
		return (enum video_preference)s->t->sender.degradation; /* the same numbers */
	if (hint == WLK_CONTENT_HINT_DETAIL || hint == WLK_CONTENT_HINT_TEXT)
		return VIDEO_PREFER_RESOLUTION;
	return hint == WLK_CONTENT_HINT_MOTION ? VIDEO_PREFER_FRAMERATE : VIDEO_PREFER_UNSET;
}

static bool configure_video(struct raw_sender *s)
{
	struct video_layer_config layers[VIDEO_SENDER_LAYERS] = { 0 };
	struct fmtp fmtp[VIDEO_SENDER_LAYERS];
	wlk_content_hint hint = s->input.ops->hint(s->input.port);
	size_t count = MIN(s->t->sender.encoding_count, (size_t)VIDEO_SENDER_LAYERS);

	for (size_t i = 0; i < count; i++) {
		const struct peer_encoding *e = &s->t->sender.encodings[i];
		const struct sdp_agreed_codec *codec = choose_codec(s->t, i);

		if (!codec)
			return false;
		layers[i] = (struct video_layer_config){
			.active = e->active && !(e->has_max_framerate && e->max_framerate == 0),
			.setup = { .codec = codec_of(codec->name), .is_screen = is_screen(hint), .fmtp = fmtp_text(&fmtp[i], codec->remote_fmtp) },
			.scale = s->video.frame ? peer_layer_scale(s->t, i, s->video.frame->width, s->video.frame->height) : e->scale,
			.max_fps = peer_layer_max_framerate(s->t, i),
			.max_bps = peer_layer_max_bitrate(s->t, i),
		};
		layers[i].setup.plugin = codec_registry_video_encoder(registry_of(s->t), layers[i].setup.codec, fmtp[i].text);
		if (!scalability_parse(&layers[i].setup.layers, e->scalability_mode) ||
		    (layers[i].setup.layers.spatial > 1 && layers[i].setup.codec != CODEC_VP9))
			(void)scalability_parse(&layers[i].setup.layers, NULL);
	}
	return video_sender_configure(&s->video, layers, count, preference_of(s, hint)) == WLK_OK;
}

static uint32_t fmtp_number(struct str fmtp, const char *name, uint32_t otherwise)
{
	uint32_t value;

	return sdp_fmtp_number(fmtp, str_of(name), 1000000, &value) ? value : otherwise;
}

/* RFC 7587 7.1: the far end's parameters say what it wants to get. */
static bool configure_audio(struct raw_sender *s)
{
	const struct peer_encoding *e = &s->t->sender.encodings[0];
	const struct sdp_agreed_codec *codec = choose_codec(s->t, 0);
	struct audio_encode_config config;
	struct fmtp fmtp;
	bool stereo;

	if (!codec)
		return false;
	stereo = fmtp_number(codec->remote_fmtp, "stereo", 0) == 1;
	config = (struct audio_encode_config){
		.encoder = {
			.codec = codec_of(codec->name),
			.channels = stereo ? 2 : 1,
			.bitrate_bps = s->estimate[0] ? (uint32_t)MIN(s->estimate[0], 510000u) : stereo ? AUDIO_BPS_STEREO : AUDIO_BPS_MONO,
			.fec = fmtp_number(codec->remote_fmtp, "useinbandfec", 0) == 1,
			.dtx = fmtp_number(codec->remote_fmtp, "usedtx", 0) == 1,
			.cbr = fmtp_number(codec->remote_fmtp, "cbr", 0) == 1,
			.music = s->input.ops->hint(s->input.port) == WLK_CONTENT_HINT_MUSIC,
			.max_playback_rate = fmtp_number(codec->remote_fmtp, "maxplaybackrate", 0),
			.loss_percent = media_engine_send_loss(peer_transceiver_media(s->t), s->t->section),
		},
		.frame_ms = 20,
	};
	if (e->has_max_bitrate)
		config.encoder.bitrate_bps = (uint32_t)MIN((uint64_t)config.encoder.bitrate_bps, e->max_bitrate);
	config.encoder.bitrate_bps =
		MAX(MIN(config.encoder.bitrate_bps, fmtp_number(codec->remote_fmtp, "maxaveragebitrate", 510000)), 6000);
	config.plugin = codec_registry_audio_encoder(registry_of(s->t), config.encoder.codec, fmtp_text(&fmtp, codec->remote_fmtp));
	audio_sender_configure(&s->audio, &config);
	return true;
}

static bool is_open(const struct wlk_transceiver *t)
{
	return !t->pc->closed && !t->stopping && (t->current & WLK_DIRECTION_SENDONLY) && t->transport && t->transport->srtp &&
	       !t->transport->remote_closed;
}

/* ---- from the source ---- */

static void take_pictures(struct raw_sender *s)
{
	struct video_frame *frame = s->input.ops->take(s->input.port);

	if (!frame)
		return;
	if (!frame->captured)
		frame->captured = s->t->pc->now;
	video_sender_set_black(&s->video, !s->input.ops->enabled(s->input.port));
	video_sender_push(&s->video, frame);
	peer_set_source_size(&s->t->sender, s->video.frame->width, s->video.frame->height);
}

static void take_sound(struct raw_sender *s)
{
	struct audio_chunk *chunk;

	audio_sender_set_silent(&s->audio, !s->input.ops->enabled(s->input.port));
	while ((chunk = s->input.ops->take(s->input.port))) {
		/* The push comes when the last sample was captured. */
		if (!chunk->captured)
			chunk->captured = s->t->pc->now - (wlk_time)(chunk->count * 1000000 / chunk->rate);
		audio_sender_push(&s->audio, chunk);
	}
}

/* ---- to the network ---- */

static int64_t to_unix(const wlk_peer_connection *pc, wlk_time at)
{
	return pc->env.unix_us_at_zero + at;
}

/* WLK_OK: gone, by network or by the transform. */
static wlk_err send_frame(struct raw_sender *s, wlk_encoded_frame *frame)
{
	wlk_rtp_sender *sender = &s->t->sender;

	if (sender->transform && !sender->transform(frame, sender->transform_user))
		return WLK_OK;
	return wlk_rtp_sender_send_frame(sender, frame);
}

static wlk_encoded_frame describe(struct raw_sender *s, const struct video_output *out)
{
	const struct encoded_frame *f = out->frame;
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;

	frame.codec = (wlk_codec)out->codec;
	frame.data = f->data;
	frame.size = f->size;
	frame.timestamp = out->timestamp;
	frame.key = f->is_key;
	frame.more_layers = !f->ends_picture;
	frame.temporal_index = f->temporal;
	frame.spatial_index = f->spatial;
	frame.layer_sync = f->is_layer_sync;
	frame.discardable = f->is_discardable;
	frame.inter_layer = f->is_inter_layer;
	frame.reference_count = f->ref_count;
	memcpy(frame.references, f->refs, sizeof(frame.references));
	frame.rid = s->t->sender.encodings[out->layer].rid;
	frame.capture_time = to_unix(s->t->pc, out->captured);
	return frame;
}

static void send_pictures(struct raw_sender *s)
{
	struct video_output out;

	s->retry_at = WLK_TIME_NEVER;
	while (video_sender_poll_output(&s->video, &out)) {
		wlk_encoded_frame frame = describe(s, &out);
		wlk_err err = send_frame(s, &frame);

		if (err == WLK_ERR_AGAIN) {
			s->retry_at = s->t->pc->now + RETRY_US;
			return;
		}
		if (err)
			video_sender_refuse_output(&s->video, out.layer);
		else
			video_sender_drop_output(&s->video, out.layer);
	}
}

static void send_sound(struct raw_sender *s)
{
	struct audio_piece *packet;

	while ((packet = audio_sender_poll_packet(&s->audio))) {
		wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;

		frame.codec = (wlk_codec)s->audio.config.encoder.codec;
		frame.data = packet->data;
		frame.size = packet->size;
		frame.timestamp = packet->timestamp;
		frame.talk_start = packet->talk_start;
		frame.audio_level = packet->level;
		frame.voice = packet->voice;
		frame.capture_time = to_unix(s->t->pc, packet->captured);
		(void)!send_frame(s, &frame); /* what cannot be sent now is of no use later */
		wlk_free(packet);
	}
}

void raw_sender_step(struct raw_sender *s)
{
	bool video = s->t->kind == WLK_MEDIA_VIDEO;
	bool open;

	if (video)
		take_pictures(s); /* first: limits on its size stand on it */
	open = is_open(s->t) && (video ? configure_video(s) : configure_audio(s));
	if (video) {
		video_sender_set_open(&s->video, open);
		if (s->t->pc->now >= s->retry_at || s->retry_at == WLK_TIME_NEVER)
			send_pictures(s);
	} else {
		audio_sender_set_open(&s->audio, open);
		take_sound(s);
		send_sound(s);
	}
}

wlk_time raw_sender_deadline(const struct raw_sender *s)
{
	return s->input.ops->pending(s->input.port) ? s->t->pc->now : s->retry_at;
}

/* ---- what the network says ---- */

static bool take_target(struct raw_sender *s, const wlk_event *ev)
{
	size_t layer = peer_encoding_by_rid(s->t, ev->u.target_bitrate.rid);

	if (ev->u.target_bitrate.transceiver != s->t || layer >= ARRAY_SIZE(s->estimate))
		return false;
	s->estimate[layer] = ev->u.target_bitrate.bps;
	if (s->t->kind == WLK_MEDIA_VIDEO)
		video_sender_set_target(&s->video, layer, ev->u.target_bitrate.bps);
	else
		(void)configure_audio(s);
	return false; /* whoever owns the source may want to know as well */
}

bool raw_sender_take(struct raw_sender *s, const wlk_event *ev)
{
	if (ev->type == WLK_EVENT_TARGET_BITRATE)
		return take_target(s, ev);
	if (ev->type != WLK_EVENT_KEY_FRAME_REQUEST || ev->u.key_frame != s->t || s->t->kind != WLK_MEDIA_VIDEO)
		return false;
	video_sender_key_frame(&s->video, peer_encoding_by_rid(s->t, ev->u.key_frame_request.rid));
	return true;
}

/* ---- life ---- */

static void raw_sender_destroy(struct raw_sender *s)
{
	if (!s)
		return;
	list_remove(&s->link);
	s->t->sender.raw = NULL;
	s->input.ops->close(s->input.port);
	video_sender_free(&s->video);
	audio_sender_free(&s->audio);
	wlk_free(s);
}

wlk_err peer_set_input(wlk_rtp_sender *sender, wlk_media_kind kind, const struct raw_input *input)
{
	struct wlk_transceiver *t = sender->transceiver;
	struct raw_sender *s = sender->raw;

	if (t->kind != kind)
		return peer_fail(t->pc, WLK_ERR_INVALID, "the sender is of the other kind");
	if (!input->ops) {
		raw_sender_destroy(s);
		peer_set_source_size(sender, 0, 0); /* whoever encodes from here on knows what its pictures need */
		return WLK_OK;
	}
	if (t->stopping || t->pc->closed)
		return peer_fail(t->pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (s) {
		s->input.ops->close(s->input.port);
		s->input = *input;
		return WLK_OK;
	}
	s = wlk_calloc(1, sizeof(*s));
	if (!s)
		return peer_fail(t->pc, WLK_ERR_NOMEM, "out of memory");
	s->t = t;
	s->input = *input;
	s->retry_at = WLK_TIME_NEVER;
	video_sender_init(&s->video);
	audio_sender_init(&s->audio);
	list_push_back(&t->pc->raw_senders, &s->link);
	sender->raw = s;
	peer_touch(t->pc);
	return WLK_OK;
}

void peer_wake_hook(const wlk_rtp_sender *sender, void (**fn)(void *user), void **user)
{
	*fn = sender->transceiver->pc->env.wake;
	*user = sender->transceiver->pc->env.wake_user;
}

void wlk_rtp_sender_set_transform(wlk_rtp_sender *sender, wlk_frame_transform transform, void *user)
{
	sender->transform = transform;
	sender->transform_user = user;
}

void peer_raw_forget(struct wlk_transceiver *t)
{
	raw_sender_destroy(t->sender.raw);
	raw_receiver_destroy(t->receiver.raw);
}
