/* Which codec: the numbers that the whole library uses, for a folder that knows neither RTP nor the public headers. */
#ifndef MEDIA_CODEC_CODEC_H
#define MEDIA_CODEC_CODEC_H

#include "core/err.h"

/* The same values as enum rtp_codec and wlk_codec. */
enum codec_id {
	CODEC_UNKNOWN,
	CODEC_OPUS,
	CODEC_PCMU,
	CODEC_PCMA,
	CODEC_G722,
	CODEC_VP8,
	CODEC_VP9,
	CODEC_H264,
	CODEC_AV1,
};

#endif
