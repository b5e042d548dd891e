/* A frame through a payload format: cut into packets, and put together again. */
#ifndef TESTS_UNIT_CODEC_RTP_H
#define TESTS_UNIT_CODEC_RTP_H

#include "codec_support.h"

#include "media/codec/video_codec.h"
#include "media/rtp/payload.h"

enum { RTP_PAYLOAD_MAX = 1100, RTP_FRAME_MAX = 400000 };

/* The descriptor that an encoded frame wants, as media/send fills it in. */
static inline struct payload_info info_of(enum rtp_codec codec, const struct encoded_frame *f, uint16_t picture)
{
	struct payload_info info = PAYLOAD_INFO_NONE;

	payload_inspect(codec, (wlk_bytes){ f->data, f->size }, &info);
	if (codec == RTP_CODEC_VP8 || codec == RTP_CODEC_VP9)
		info.picture_id = picture & 0x7fff;
	info.is_key = f->is_key;
	info.temporal = f->temporal;
	info.spatial = f->spatial;
	info.is_layer_sync = f->is_layer_sync;
	info.is_discardable = f->is_discardable;
	info.is_inter_layer = f->is_inter_layer;
	info.is_inter_picture = codec == RTP_CODEC_VP9 && f->ref_count > 0 && f->refs[0] > 0;
	info.is_flexible = codec == RTP_CODEC_VP9;
	info.ref_count = f->ref_count;
	memcpy(info.refs, f->refs, sizeof(info.refs));
	if (codec == RTP_CODEC_VP8 && f->temporal >= 0)
		info.tl0_pic_idx = 0;
	return info;
}

/* Answers the size of what came back in |out|, which has room for RTP_FRAME_MAX; |back| is what the first packet told. */
static inline size_t through_rtp(enum rtp_codec codec, const struct payload_info *info, wlk_bytes frame, uint8_t *out,
				 struct payload_info *back)
{
	struct packetizer p;
	struct depacketizer d = { 0 };
	struct bytes_writer whole = bytes_writer(out, RTP_FRAME_MAX);
	uint8_t payload[RTP_PAYLOAD_MAX];
	bool last = false, is_first = true;

	assert_int_equal(packetizer_init(&p, codec, info, frame, RTP_PAYLOAD_MAX, false), WLK_OK);
	while (!last) {
		struct bytes_writer w = bytes_writer(payload, sizeof(payload));
		struct payload_info of_packet = PAYLOAD_INFO_NONE;

		assert_true(packetizer_next(&p, &w, &last));
		assert_int_equal(payload_depacketize(codec, &d, &of_packet, &whole, payload, w.size), WLK_OK);
		if (is_first)
			*back = of_packet;
		is_first = false;
	}
	assert_true(payload_is_whole(&d) && bytes_writer_ok(&whole));
	return whole.size;
}

#endif
