/* The video codecs that are built in, for video_codec.c only. */
#ifndef MEDIA_CODEC_VIDEO_BUILTIN_H
#define MEDIA_CODEC_VIDEO_BUILTIN_H

#include "media/codec/video_codec.h"

extern const struct video_encoder_ops vpx_encoder_ops;
extern const struct video_decoder_ops vpx_decoder_ops;

#endif
