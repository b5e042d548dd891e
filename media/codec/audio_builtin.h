/* The audio codecs that are built in, for audio_codec.c only. */
#ifndef MEDIA_CODEC_AUDIO_BUILTIN_H
#define MEDIA_CODEC_AUDIO_BUILTIN_H

#include "media/codec/audio_codec.h"

extern const struct audio_encoder_ops opus_encoder_ops, g711_encoder_ops, g722_encoder_ops;
extern const struct audio_decoder_ops opus_decoder_ops, g711_decoder_ops, g722_decoder_ops;

bool opus_has_fec(const uint8_t *data, size_t size);

#endif
