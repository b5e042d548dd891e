#include "media/rtp/payload.h"

#include <strings.h>

#include "media/rtp/av1.h"
#include "media/rtp/h264.h"
#include "media/rtp/opus.h"
#include "media/rtp/red.h"
#include "media/rtp/vp8.h"
#include "media/rtp/vp9.h"

enum rtp_codec rtp_codec_of_name(const char *name, size_t size)
{
	static const struct {
		const char *name;
		enum rtp_codec codec;
	} codecs[] = {
		{ "opus", RTP_CODEC_OPUS }, { "PCMU", RTP_CODEC_PCMU }, { "PCMA", RTP_CODEC_PCMA },
		{ "G722", RTP_CODEC_G722 }, { "VP8", RTP_CODEC_VP8 },   { "VP9", RTP_CODEC_VP9 },
		{ "H264", RTP_CODEC_H264 }, { "AV1", RTP_CODEC_AV1 },   { "red", RTP_CODEC_RED },
		{ "telephone-event", RTP_CODEC_DTMF }, { "CN", RTP_CODEC_CN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (strlen(codecs[i].name) == size && !strncasecmp(codecs[i].name, name, size))
			return codecs[i].codec;
	return RTP_CODEC_UNKNOWN;
}

bool rtp_codec_has_frames(enum rtp_codec codec)
{
	return codec != RTP_CODEC_UNKNOWN && codec < RTP_CODEC_DTMF;
}

bool rtp_codec_is_audio(enum rtp_codec codec)
{
	return (codec >= RTP_CODEC_OPUS && codec <= RTP_CODEC_G722) || codec == RTP_CODEC_RED;
}

/* The packet is the frame. Of RED the last block is what this packet is about; the others are red_parse()'s. */
static wlk_err depacketize_audio(enum rtp_codec codec, struct payload_info *info, struct bytes_writer *out,
				 const uint8_t *payload, size_t size)
{
	struct red_block blocks[RED_BLOCKS_MAX];
	wlk_bytes frame = { payload, size };
	size_t count;

	if (codec == RTP_CODEC_RED) {
		count = red_parse(blocks, payload, size);
		if (!count)
			return WLK_ERR_PARSE;
		frame = blocks[count - 1].data;
	}
	if (codec == RTP_CODEC_OPUS && !opus_samples(payload, size))
		return WLK_ERR_PARSE;
	*info = PAYLOAD_INFO_NONE;
	info->begins = info->ends = info->is_key = true;
	bytes_put(out, frame.data, frame.size);
	return WLK_OK;
}

wlk_err payload_depacketize(enum rtp_codec codec, struct depacketizer *state, struct payload_info *info,
			    struct bytes_writer *out, const uint8_t *payload, size_t size)
{
	if (!size)
		return WLK_ERR_PARSE;
	switch (codec) {
	case RTP_CODEC_VP8:
		return vp8_depacketize(info, out, payload, size);
	case RTP_CODEC_VP9:
		return vp9_depacketize(info, out, payload, size);
	case RTP_CODEC_H264:
		return h264_depacketize(state, info, out, payload, size);
	case RTP_CODEC_AV1:
		return av1_depacketize(state, info, out, payload, size);
	case RTP_CODEC_OPUS:
	case RTP_CODEC_PCMU:
	case RTP_CODEC_PCMA:
	case RTP_CODEC_G722:
	case RTP_CODEC_RED:
		return depacketize_audio(codec, info, out, payload, size);
	default:
		return WLK_ERR_UNSUPPORTED;
	}
}

/* Pieces of nearly equal size: a small last packet costs as much as a full one. */
static void cut_evenly(struct packetizer *p, size_t head)
{
	size_t room = p->max_size - head;
	size_t pieces = (p->size + room - 1) / room;

	p->chunk = p->size / pieces;
	p->longer = p->size % pieces;
}

wlk_err packetizer_init(struct packetizer *p, enum rtp_codec codec, const struct payload_info *info, wlk_bytes frame,
			size_t max_size, bool single_nal)
{
	assert(max_size >= PAYLOAD_SIZE_MIN && "a packet must hold the headers and some bytes");
	if (!frame.size)
		return WLK_ERR_INVALID;
	*p = (struct packetizer){
		.codec = codec,
		.info = *info,
		.data = frame.data,
		.size = frame.size,
		.max_size = max_size,
		.single_nal = single_nal,
	};
	switch (codec) {
	case RTP_CODEC_VP8:
		cut_evenly(p, vp8_descriptor_size(info));
		return WLK_OK;
	case RTP_CODEC_VP9:
		if (info->is_flexible && info->is_inter_picture && !info->ref_count)
			return WLK_ERR_INVALID;
		cut_evenly(p, vp9_descriptor_size(info));
		return WLK_OK;
	case RTP_CODEC_H264:
		return h264_packetizer_init(p);
	case RTP_CODEC_AV1:
		return av1_packetizer_init(p);
	case RTP_CODEC_OPUS:
		if (!opus_samples(frame.data, frame.size))
			return WLK_ERR_INVALID;
		/* fall through */
	case RTP_CODEC_PCMU:
	case RTP_CODEC_PCMA:
	case RTP_CODEC_G722:
		return frame.size > max_size ? WLK_ERR_TOO_LARGE : WLK_OK;
	default:
		return WLK_ERR_UNSUPPORTED;
	}
}

static void next_piece(struct packetizer *p, struct bytes_writer *out)
{
	size_t size = p->chunk + (p->longer != 0);
	bool first = p->at == 0, last = p->at + size == p->size;

	if (p->codec == RTP_CODEC_VP8)
		vp8_descriptor_write(out, &p->info, first);
	else
		vp9_descriptor_write(out, &p->info, first, last);
	bytes_put(out, p->data + p->at, size);
	p->at += size;
	p->longer -= p->longer != 0;
}

bool packetizer_next(struct packetizer *p, struct bytes_writer *out, bool *last)
{
	if (p->at >= p->size)
		return false;
	switch (p->codec) {
	case RTP_CODEC_VP8:
	case RTP_CODEC_VP9:
		next_piece(p, out);
		break;
	case RTP_CODEC_H264:
		h264_packetizer_next(p, out);
		break;
	case RTP_CODEC_AV1:
		av1_packetizer_next(p, out);
		break;
	default:
		bytes_put(out, p->data, p->size);
		p->at = p->size;
	}
	assert(bytes_writer_ok(out) && "a packetizer keeps to max_size");
	p->started = true;
	*last = p->at >= p->size;
	return true;
}

size_t packetizer_bound(const struct packetizer *p)
{
	if (rtp_codec_is_audio(p->codec))
		return 1;
	if (p->codec == RTP_CODEC_H264)
		return h264_packetizer_bound(p);
	/* An even cut, and for AV1 up to 3 elements in each packet that is not full. */
	return p->size / (p->max_size - 32) + 1 + (p->codec == RTP_CODEC_AV1 ? av1_unit_count(p) : 0);
}

void payload_inspect(enum rtp_codec codec, wlk_bytes frame, struct payload_info *info)
{
	switch (codec) {
	case RTP_CODEC_VP8:
		vp8_inspect(frame, info);
		break;
	case RTP_CODEC_VP9:
		vp9_inspect(frame, info);
		break;
	case RTP_CODEC_H264:
		h264_inspect(frame, info);
		break;
	case RTP_CODEC_AV1:
		av1_inspect(frame, info);
		break;
	default:
		info->is_key = rtp_codec_is_audio(codec);
	}
}
