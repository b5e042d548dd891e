/* Whole frames through the engine: cut and sent, collected and handed out. */
#include "media/engine_internal.h"
#include "media/rtp/av1.h"

enum {
	PAYLOAD_MAX = 1120, /* leaves room for our own extensions, the SRTP tag and RTX in 1,200 bytes */
	CAPTURED_AGO_MAX = 10000000, /* us; a time further back is another clock's */
	DEPENDENCY_SIZE = 3, /* the part of a dependency descriptor that each packet has */
};

/* ---- out ---- */

uint8_t media_engine_send_pt(const struct media_engine *e, size_t section, enum rtp_codec codec)
{
	const struct media_section *s = section < e->section_count ? e->sections[section] : NULL;

	for (size_t i = 0; s && i < s->payload_count; i++)
		if (codec != RTP_CODEC_UNKNOWN && s->payloads[i].codec == codec && s->payloads[i].send_pt != RTP_PT_NONE)
			return s->payloads[i].send_pt;
	return RTP_PT_NONE;
}

/* AV1 RTP specification A.8.2: the first packet has it all, the others its mandatory part; each says where it stands. */
static struct rtp_ext dependency_of(const struct media_send_frame *frame, uint8_t id, uint8_t copy[255], bool first, bool last)
{
	size_t size = first ? MIN(frame->dependency.size, 255) : DEPENDENCY_SIZE;

	memcpy(copy, frame->dependency.data, size);
	copy[0] = (uint8_t)((copy[0] & 0x3f) | (first ? 0x80 : 0) | (last ? 0x40 : 0));
	return (struct rtp_ext){ id, { copy, size } };
}

/* 3GPP TS 26.114 7.4.5 asks for it with key frames, and with others where it is another one. Whoever turns is told with each frame: some
 * receivers do not keep it, and the frame that brings another one may be lost. */
static bool tells_rotation(const struct send_stream *out, const struct media_send_frame *frame, const struct payload_info *info)
{
	return info->is_key || frame->rotation || out->frames.turns;
}

static wlk_err send_pieces(struct media_engine *e, wlk_time now, struct media_section *s, struct send_layer *l,
			   const struct media_send_frame *frame, struct packetizer *p, uint8_t rotation_id)
{
	uint8_t payload[PAYLOAD_MAX], red[PAYLOAD_MAX], copy[255], level, turn, id = s->send_ext.id[RTP_EXT_DEPENDENCY_DESCRIPTOR];
	uint8_t level_id = s->send_ext.id[RTP_EXT_AUDIO_LEVEL];
	struct rtp_ext items[3];
	struct rtp_send send = {
		.pt = frame->pt, .timestamp = frame->timestamp, .seq = MEDIA_SEQ_NEXT, .ext = items, .layer = frame->layer
	};
	bool first = true, last = false;
	wlk_err err = WLK_OK;

	rtp_ext_put_audio_level(&level, &frame->audio_level);
	rtp_ext_put_video_orientation(&turn, &(struct rtp_video_orientation){ .rotation = frame->rotation });
	while (!err && !last) {
		struct bytes_writer w = bytes_writer(payload, sizeof(payload));

		if (!packetizer_next(p, &w, &last))
			break;
		send.ext_count = 0;
		if (level_id && frame->has_audio_level)
			items[send.ext_count++] = (struct rtp_ext){ level_id, { &level, 1 } };
		if (id && frame->dependency.size >= DEPENDENCY_SIZE)
			items[send.ext_count++] = dependency_of(frame, id, copy, first, last);
		if (rotation_id && last)
			items[send.ext_count++] = (struct rtp_ext){ rotation_id, { &turn, 1 } };
		send.payload = (wlk_bytes){ payload, w.size };
		send.marker = s->kind == MEDIA_AUDIO ? frame->talk_start : last && !frame->more_layers;
		(void)engine_make_redundant(e, s, l, &send, red, sizeof(red));
		err = media_engine_send_rtp(e, now, s->index, &send);
		first = false;
	}
	return err;
}

wlk_err media_engine_send_frame(struct media_engine *e, wlk_time now, size_t section, const struct media_send_frame *frame)
{
	const struct media_payload *payload;
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct send_frame_layers layers = {
		.temporal = frame->temporal,
		.spatial = frame->spatial,
		.is_layer_sync = frame->is_layer_sync,
		.is_discardable = frame->is_discardable,
		.is_inter_layer = frame->is_inter_layer,
		.ref_count = frame->ref_count,
	};
	struct media_section *s = NULL;
	struct send_layer *l = NULL;
	struct send_stream *out;
	struct packetizer p;
	uint8_t rotation_id;
	bool begins;
	wlk_err err = engine_find_sending(e, section, frame->layer, &s, &l);

	if (err)
		return err;
	out = &l->stream;
	payload = section_payload_by_send_pt(s, frame->pt);
	if (!payload)
		return WLK_ERR_NOT_FOUND;
	memcpy(layers.refs, frame->refs, sizeof(layers.refs));
	payload_inspect(payload->codec, frame->data, &info);
	err = send_frames_describe(&out->frames, payload->codec, &layers, &info);
	if (!err)
		err = packetizer_init(&p, payload->codec, &info, frame->data,
				      PAYLOAD_MAX - frame->dependency.size, payload->h264_single_nal);
	if (err)
		return err;
	if (packetizer_bound(&p) > FRAME_PACKETS_MAX)
		return WLK_ERR_TOO_LARGE;
	if (packetizer_bound(&p) > pacer_room(&e->pacer))
		return WLK_ERR_AGAIN;
	engine_activity_on_frame(s, now, frame);
	rotation_id = tells_rotation(out, frame, &info) ? s->send_ext.id[RTP_EXT_VIDEO_ORIENTATION] : 0;
	err = send_pieces(e, now, s, l, frame, &p, rotation_id);
	if (err && p.started)
		send_frames_broken(&out->frames);
	if (!err && frame->captured && frame->captured <= now && frame->captured >= now - CAPTURED_AGO_MAX)
		out->last_sent = frame->captured;
	if (err)
		return err;
	out->frames.turns = out->frames.turns || frame->rotation;
	begins = s->kind == MEDIA_VIDEO && !out->frames.started;
	send_frames_sent(&out->frames, payload->codec, &info, frame->data.size, frame->more_layers);
	if (begins)
		engine_cc_configure(e, now); /* there is something between which padding may stand */
	return WLK_OK;
}

/* ---- in ---- */

static int64_t ntp_to_unix_us(uint64_t ntp)
{
	const int64_t ntp_to_unix = INT64_C(2208988800);

	return ((int64_t)(ntp >> 32) - ntp_to_unix) * 1000000 + (int64_t)((ntp & 0xffffffff) * 1000000 >> 32);
}

int64_t engine_capture_time(const struct recv_stream *stream, uint32_t timestamp)
{
	if (!stream->has_sr || !stream->sr.ntp || !stream->clock_hz)
		return 0;
	return ntp_to_unix_us(stream->sr.ntp) + (int64_t)(int32_t)(timestamp - stream->sr.rtp_timestamp) * 1000000 / (int64_t)stream->clock_hz;
}

/* When it was captured, by the clock of whoever captured it [us since 1970]; 0: unknown. */
static int64_t capture_time(const struct recv_stream *stream, const struct recv_frame *frame)
{
	return frame->has_capture_time && frame->capture_ntp ? ntp_to_unix_us(frame->capture_ntp) :
							       engine_capture_time(stream, frame->timestamp);
}

/* As of packets (engine_input.c): who is heard, and whom it mixed. */
static void note_sources(struct media_section *section, const struct recv_frame *frame)
{
	struct heard_source source = {
		.id = frame->ssrc,
		.level = frame->has_audio_level ? frame->audio_level.level : HEARD_LEVEL_NONE,
		.at = frame->last_arrival,
		.rtp_timestamp = frame->timestamp,
	};

	heard_note(&section->heard, &source);
	source.is_csrc = true;
	source.level = HEARD_LEVEL_NONE;
	for (size_t i = 0; i < frame->csrc_count; i++) {
		source.id = frame->csrcs[i];
		heard_note(&section->heard, &source);
	}
}

bool media_engine_poll_frame(struct media_engine *e, struct media_frame *out)
{
	const struct recv_item *head = recv_queue_head(&e->received);
	const struct recv_entry *entry;
	struct recv_item item;

	if (e->closed || !head || !head->frame || !recv_queue_pop(&e->received, &item))
		return false;
	entry = CONTAINER_OF(item.stream, struct recv_entry, stream);
	*out = (struct media_frame){
		.frame = item.frame,
		.section = entry->section->index,
		.engine = e,
		.capture_unix_us = capture_time(item.stream, item.frame),
	};
	memcpy(out->rid, entry->rid, sizeof(out->rid));
	note_sources(entry->section, item.frame);
	return true;
}

void media_frame_release(struct media_frame *frame)
{
	recv_frame_free(frame->frame, &frame->engine->received.frame_budget);
	frame->frame = NULL;
}

wlk_err media_engine_set_frames(struct media_engine *e, wlk_time now, size_t section, bool frames)
{
	struct media_section *s;

	if (section >= e->section_count)
		return WLK_ERR_NOT_FOUND;
	s = e->sections[section];
	if (s->frames == frames)
		return WLK_OK;
	s->frames = frames;
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;
		struct recv_stream_config config = section_stream_config(e, s, entry->stream.config.ssrc);

		if (entry->section != s || e->ssrcs[i].is_rtx)
			continue;
		recv_stream_reconfigure(&entry->stream, &config);
		if (frames && s->kind == MEDIA_VIDEO)
			(void)media_engine_request_key_frame(e, now, section);
	}
	return WLK_OK;
}

wlk_err media_engine_set_in_order(struct media_engine *e, size_t section, bool in_order)
{
	struct media_section *s = section < e->section_count ? e->sections[section] : NULL;

	if (!s)
		return WLK_ERR_NOT_FOUND;
	s->in_order = in_order;
	for (size_t i = 0; i < e->ssrc_count; i++) {
		struct recv_entry *entry = e->ssrcs[i].entry;
		struct recv_stream_config config = section_stream_config(e, s, entry->stream.config.ssrc);

		if (entry->section == s && !e->ssrcs[i].is_rtx)
			recv_stream_reconfigure(&entry->stream, &config);
	}
	return WLK_OK;
}

enum rtp_codec media_engine_recv_codec(const struct media_engine *e, size_t section, uint8_t pt)
{
	return section < e->section_count && pt < 128 ? (enum rtp_codec)e->sections[section]->recv_codecs[pt] : RTP_CODEC_UNKNOWN;
}
