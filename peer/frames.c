/* Media at the level of encoded frames: what a sender takes and a receiver hands out. */
#include "peer/object.h"
#include "peer/raw.h"
#include "peer/rid_limits.h"

static const struct {
	wlk_codec codec;
	enum rtp_codec rtp;
	const char *name;
} codecs[] = {
	{ WLK_CODEC_OPUS, RTP_CODEC_OPUS, "opus" }, { WLK_CODEC_PCMU, RTP_CODEC_PCMU, "PCMU" },
	{ WLK_CODEC_PCMA, RTP_CODEC_PCMA, "PCMA" }, { WLK_CODEC_G722, RTP_CODEC_G722, "G722" },
	{ WLK_CODEC_VP8, RTP_CODEC_VP8, "VP8" },    { WLK_CODEC_VP9, RTP_CODEC_VP9, "VP9" },
	{ WLK_CODEC_H264, RTP_CODEC_H264, "H264" }, { WLK_CODEC_AV1, RTP_CODEC_AV1, "AV1" },
};

const char *wlk_codec_name(wlk_codec codec)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].codec == codec)
			return codecs[i].name;
	return "";
}

static enum rtp_codec to_rtp(wlk_codec codec)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].codec == codec)
			return codecs[i].rtp;
	return RTP_CODEC_UNKNOWN;
}

static wlk_codec from_rtp(enum rtp_codec codec)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].rtp == codec)
			return codecs[i].codec;
	return WLK_CODEC_UNKNOWN;
}

/* ---- sending ---- */

static wlk_err check_frame(wlk_peer_connection *pc, const wlk_encoded_frame *frame)
{
	if (!frame || frame->struct_size != sizeof(*frame) || !frame->data || !frame->size)
		return peer_fail(pc, WLK_ERR_INVALID, "a frame has bytes, and is set up with WLK_ENCODED_FRAME_INIT");
	if (frame->reference_count > WLK_FRAME_REFERENCES_MAX || frame->audio_level > 127 || frame->rotation > 270 || frame->rotation % 90 ||
	    (frame->dependency_descriptor_size && !frame->dependency_descriptor) || frame->dependency_descriptor_size > 255)
		return peer_fail(pc, WLK_ERR_INVALID, "what is said about the frame is out of range");
	for (size_t i = 0; i < frame->reference_count; i++)
		if (frame->references[i] > 127 || (!frame->references[i] && (frame->reference_count > 1 || !frame->inter_layer)))
			return peer_fail(pc, WLK_ERR_INVALID, "a frame refers to one of the 127 pictures before it");
	return WLK_OK;
}

static struct media_send_frame to_media(const wlk_peer_connection *pc, const wlk_encoded_frame *frame)
{
	struct media_send_frame out = {
		.pt = frame->payload_type,
		.timestamp = frame->timestamp,
		.captured = frame->capture_time ? frame->capture_time - pc->env.unix_us_at_zero : 0,
		.data = { frame->data, frame->size },
		.temporal = frame->temporal_index,
		.spatial = frame->spatial_index,
		.is_layer_sync = frame->layer_sync,
		.is_discardable = frame->discardable,
		.is_inter_layer = frame->inter_layer,
		.more_layers = frame->more_layers,
		.talk_start = frame->talk_start,
		.ref_count = frame->reference_count,
		.dependency = { frame->dependency_descriptor, frame->dependency_descriptor_size },
		.has_audio_level = frame->audio_level >= 0,
		.audio_level = { frame->voice, (uint8_t)(frame->audio_level & 0x7f) },
		.rotation = frame->rotation,
	};

	memcpy(out.refs, frame->references, sizeof(out.refs));
	return out;
}

/* The first payload type of the codec that the far end takes on this layer; where it takes none, the first of all. */
static uint8_t choose_type(const struct wlk_transceiver *t, size_t layer, enum rtp_codec codec)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	struct sdp_rid_limits limits = peer_layer_limits(t, layer);

	for (size_t i = 0; limits.type_count && section && i < section->codec_count; i++) {
		const struct sdp_agreed_codec *c = &section->codecs[i];

		if (codec != RTP_CODEC_UNKNOWN && rtp_codec_of_name(c->name.at, c->name.size) == codec &&
		    sdp_rid_limits_allow_type(&limits, c->send_type))
			return c->send_type;
	}
	return media_engine_send_pt(peer_transceiver_media(t), t->section, codec);
}

wlk_err wlk_rtp_sender_send_frame(wlk_rtp_sender *sender, const wlk_encoded_frame *frame)
{
	struct wlk_transceiver *t = sender->transceiver;
	wlk_peer_connection *pc = t->pc;
	struct media_send_frame out;
	wlk_err err;
	size_t layer;

	RECORD(pc, record_send_frame(recorded, t, frame));
	err = check_frame(pc, frame);
	if (!err)
		err = peer_sending_allowed(t);
	if (err)
		return err;
	err = peer_find_layer(t, frame->rid && *frame->rid ? frame->rid : NULL, &layer);
	if (err)
		return err;
	peer_refresh_now(pc);
	out = to_media(pc, frame);
	out.layer = layer;
	if (out.pt == WLK_PAYLOAD_TYPE_ANY)
		out.pt = choose_type(t, layer, to_rtp(frame->codec));
	if (out.pt == RTP_PT_NONE)
		return peer_fail(pc, WLK_ERR_INVALID, "codec %s is not agreed on for sending", wlk_codec_name(frame->codec));
	err = peer_check_layer_type(t, layer, out.pt);
	if (err)
		return err;
	err = media_engine_send_frame(peer_transceiver_media(t), pc->now, t->section, &out);
	if (err == WLK_ERR_STATE)
		return peer_fail(pc, err, "the first frame must be a key frame");
	if (err == WLK_ERR_UNSUPPORTED)
		return peer_fail(pc, WLK_ERR_INVALID, "payload type %u carries no frames", out.pt);
	return peer_after_send(pc, err);
}

static bool can_send(const struct wlk_transceiver *t)
{
	return !t->stopped && (t->current & WLK_DIRECTION_SENDONLY) && t->transport && t->transport->srtp;
}

void peer_announce_senders(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);
		bool before = t->sender.can_send;

		t->sender.can_send = can_send(t);
		if (before || !t->sender.can_send || t->kind != WLK_MEDIA_VIDEO)
			continue;
		for (size_t i = 0; i < t->sender.encoding_count; i++)
			if (t->sender.encodings[i].active)
				peer_emit_key_frame_request(t, i);
	}
}

/* ---- receiving ---- */

bool peer_receives_frames(const struct wlk_transceiver *t)
{
	return t->receiver.level == WLK_MEDIA_LEVEL_FRAMES || (t->receiver.level == WLK_MEDIA_LEVEL_RAW && t->kind == WLK_MEDIA_VIDEO);
}

bool peer_receives_arrivals(const struct wlk_transceiver *t)
{
	return t->receiver.level == PEER_LEVEL_ARRIVALS || (t->receiver.level == WLK_MEDIA_LEVEL_RAW && t->kind == WLK_MEDIA_AUDIO);
}

/* As a replay has to set it: the same for the engine, and no codec. One that is none stays none. */
static wlk_media_level level_to_record(const struct wlk_transceiver *t, wlk_media_level level)
{
	if ((unsigned)level > WLK_MEDIA_LEVEL_RAW)
		return (wlk_media_level)UINT8_MAX;
	if (level != WLK_MEDIA_LEVEL_RAW)
		return level;
	return t->kind == WLK_MEDIA_VIDEO ? WLK_MEDIA_LEVEL_FRAMES : PEER_LEVEL_ARRIVALS;
}

wlk_err peer_set_receiver_level(wlk_rtp_receiver *receiver, wlk_media_level level)
{
	struct wlk_transceiver *t = receiver->transceiver;
	wlk_peer_connection *pc = t->pc;
	struct media_engine *media;

	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (level != receiver->level && receiver->raw && t->kind == WLK_MEDIA_VIDEO)
		peer_raw_restart(receiver);
	receiver->level = level;
	if (!t->transport || t->section == SIZE_MAX)
		return WLK_OK; /* the next agreement takes it along */
	peer_refresh_now(pc);
	media = t->transport->media;
	if (media_engine_set_in_order(media, t->section, !peer_receives_arrivals(t)) == WLK_OK &&
	    media_engine_set_frames(media, pc->now, t->section, peer_receives_frames(t)) == WLK_OK)
		peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_rtp_receiver_set_level(wlk_rtp_receiver *receiver, wlk_media_level level)
{
	struct wlk_transceiver *t = receiver->transceiver;

	RECORD(t->pc, record_transceiver_call(recorded, RECORD_SET_LEVEL, t, (uint32_t)level_to_record(t, level), 4));
	if ((unsigned)level > WLK_MEDIA_LEVEL_RAW)
		return peer_fail(t->pc, WLK_ERR_INVALID, "level %d is none", (int)level);
	return peer_set_receiver_level(receiver, level);
}

wlk_media_level wlk_rtp_receiver_level(const wlk_rtp_receiver *receiver)
{
	return receiver->level;
}

static wlk_encoded_frame to_public(const struct media_frame *from, wlk_media_kind kind)
{
	const struct recv_frame *f = from->frame;
	wlk_encoded_frame out = {
		.struct_size = sizeof(out),
		.codec = from_rtp(f->codec),
		.data = f->data,
		.size = f->size,
		.timestamp = f->timestamp,
		.payload_type = f->pt,
		.key = f->info.is_key,
		.more_layers = !f->ends_picture,
		.temporal_index = f->info.temporal,
		.spatial_index = f->info.spatial,
		.layer_sync = f->info.is_layer_sync,
		.discardable = f->info.is_discardable,
		.inter_layer = f->info.is_inter_layer,
		.reference_count = f->info.ref_count,
		.rid = from->rid,
		.dependency_descriptor = f->dependency,
		.dependency_descriptor_size = f->dependency_size,
		.audio_level = (int16_t)(f->has_audio_level ? f->audio_level.level : -1),
		.voice = f->has_audio_level && f->audio_level.voice,
		.rotation = f->rotation,
		.kind = kind,
		.ssrc = f->ssrc,
		.picture_id = f->info.picture_id,
		.width = f->info.width,
		.height = f->info.height,
		.sequence = (uint64_t)f->first_seq,
		.packet_count = (uint32_t)f->packet_count,
		.recovered = f->is_recovered,
		.first_arrival = f->first_arrival,
		.arrival = f->last_arrival,
		.capture_time = from->capture_unix_us,
		.contributing_sources = f->csrcs,
		.contributing_source_count = f->csrc_count,
	};

	memcpy(out.references, f->info.refs, sizeof(out.references));
	return out;
}

void peer_give_back_frame(wlk_peer_connection *pc)
{
	if (pc->lent_media_frame.frame)
		media_frame_release(&pc->lent_media_frame);
}

bool peer_pull_frame(wlk_peer_connection *pc, struct peer_transport *transport)
{
	while (media_engine_poll_frame(transport->media, &pc->lent_media_frame)) {
		struct wlk_transceiver *t = peer_transceiver_by_section(pc, pc->lent_media_frame.section);

		if (!t || t->stopping) {
			media_frame_release(&pc->lent_media_frame);
			continue;
		}
		pc->lent_frame = to_public(&pc->lent_media_frame, t->kind);
		pc->lent.ev = (wlk_event){ .type = WLK_EVENT_FRAME, .pc = pc };
		pc->lent.ev.u.frame.transceiver = t;
		pc->lent.ev.u.frame.frame = &pc->lent_frame;
		return true;
	}
	return false;
}
