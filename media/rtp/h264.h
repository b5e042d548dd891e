/* The RTP payload format for H.264 (RFC 6184): single NAL units, STAP-A and FU-A; packetization modes 0 and 1. */
#ifndef MEDIA_RTP_H264_H
#define MEDIA_RTP_H264_H

#include "media/rtp/payload.h"

enum h264_nal_type {
	H264_NAL_SLICE = 1,
	H264_NAL_IDR = 5,
	H264_NAL_SEI = 6,
	H264_NAL_SPS = 7,
	H264_NAL_PPS = 8,
	H264_NAL_DELIMITER = 9,
	H264_NAL_STAP_A = 24,
	H264_NAL_FU_A = 28,
};

/** The next NAL unit of an Annex B stream from |*at| on, without start code and trailing zeros; moves |*at| behind it.
 *  False: no more. */
bool h264_next_nal(wlk_bytes stream, size_t *at, wlk_bytes *nal);

/** See payload_depacketize(); the interleaved formats (STAP-B, MTAP, FU-B) are WLK_ERR_PARSE: they are never negotiated. */
wlk_err h264_depacketize(struct depacketizer *state, struct payload_info *info, struct bytes_writer *out,
			 const uint8_t *payload, size_t size);

/** See packetizer_init(). */
wlk_err h264_packetizer_init(struct packetizer *p);
void h264_packetizer_next(struct packetizer *p, struct bytes_writer *out);
size_t h264_packetizer_bound(const struct packetizer *p);

/** See payload_inspect(): an IDR picture is a key frame, the size is in the sequence parameter set. */
void h264_inspect(wlk_bytes frame, struct payload_info *info);

/** Width and height after cropping, from a sequence parameter set with its NAL header (H.264 7.3.2.1.1). */
bool h264_sps_size(wlk_bytes sps, uint16_t *width, uint16_t *height);

/**
 * One parameter set of sprop-parameter-sets (RFC 6184 8.1), decoded from base64 into |out|.
 * @param text  the rest of the value; moved behind the one that was read and its comma
 * @return its size; 0: no more, malformed, or larger than |capacity|
 */
size_t h264_next_sprop(const char **text, size_t *text_size, uint8_t *out, size_t capacity);

#endif
