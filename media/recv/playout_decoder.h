/* Decodes packets of any codec into the 48 kHz and the channels of the playout. */
#ifndef MEDIA_RECV_PLAYOUT_DECODER_H
#define MEDIA_RECV_PLAYOUT_DECODER_H

#include "media/codec/audio_codec.h"
#include "media/codec/resample.h"

enum { PLAYOUT_RATE = 48000, PLAYOUT_SAMPLES_MAX = AUDIO_SAMPLES_MAX };

/* Samples are of 48 kHz and counted a channel. */
struct playout_decoder {
	size_t channels;
	const struct audio_decoder_plugin *const *plugins; /* by enum codec_id; NULL, or NULL inside: the built-in one */
	enum codec_id codec;           /* CODEC_UNKNOWN: none yet */
	struct audio_decoder *decoder;
	struct resampler *resampler;   /* NULL: it decodes at 48 kHz */
	uint32_t rate;
	size_t decoded_channels;       /* 1 of codecs that know only mono */
	int16_t raw[AUDIO_SAMPLES_MAX * AUDIO_CHANNELS_MAX];
};

void playout_decoder_init(struct playout_decoder *d, size_t channels, const struct audio_decoder_plugin *const *plugins);
void playout_decoder_free(struct playout_decoder *d);
/** Forget the stream; the next use begins with a new decoder. */
void playout_decoder_reset(struct playout_decoder *d);

/** Be ready for |codec|. WLK_ERR_UNSUPPORTED, WLK_ERR_NOMEM, WLK_ERR_INVALID: it stays with the one it has. */
wlk_err playout_decoder_use(struct playout_decoder *d, enum codec_id codec) WLK_NODISCARD;
/** How long a packet of the codec in use lasts; 0: malformed, or none is in use. */
size_t playout_decoder_duration(const struct playout_decoder *d, const uint8_t *data, size_t size);
/** Into |out|, PLAYOUT_SAMPLES_MAX of room; answers how many, 0: malformed. */
size_t playout_decoder_decode(struct playout_decoder *d, const uint8_t *data, size_t size, int16_t *out);
/** What is missing right in front of |next|, by its in-band FEC; |samples| as long as the gap. */
size_t playout_decoder_recover(struct playout_decoder *d, const uint8_t *next, size_t size, size_t samples, int16_t *out);
/** By the codec's own concealment. */
size_t playout_decoder_conceal(struct playout_decoder *d, size_t samples, int16_t *out);
/** True when the codec in use has one, or reads in-band FEC. */
bool playout_decoder_conceals(const struct playout_decoder *d);
bool playout_decoder_recovers(const struct playout_decoder *d);

#endif
