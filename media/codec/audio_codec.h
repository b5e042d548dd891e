/* Audio encoders and decoders behind one interface, those of plug-ins too. */
#ifndef MEDIA_CODEC_AUDIO_CODEC_H
#define MEDIA_CODEC_AUDIO_CODEC_H

#include "media/codec/codec.h"

/*
 * PCM is interleaved int16 at the codec's own rate: Opus 48 kHz, G.722 16 kHz, G.711 8 kHz. |samples| are always counted a
 * channel. No object here is locked: one thread at a time.
 */
enum {
	AUDIO_CHANNELS_MAX = 2,
	AUDIO_SAMPLES_MAX = 5760,    /* a channel: 120 ms at 48 kHz, the longest Opus packet */
	AUDIO_PACKET_MAX = 1275 * 6, /* bytes an encoder writes at most: 120 ms of Opus (RFC 6716 3.4) */
	AUDIO_CONCEAL_MS_MAX = 120,  /* of one gap; what is missing beyond that is silence */
};

/** Rate of the codec's PCM [Hz]; 0: no audio codec that is built in. */
uint32_t audio_codec_rate(enum codec_id codec);
/** Rate of its RTP clock [Hz]: as above, but 8000 for G.722 (RFC 3551 4.5.2). */
uint32_t audio_codec_rtp_rate(enum codec_id codec);

/* ---- encoder ---- */

struct audio_encoder_config {
	enum codec_id codec;
	uint32_t channels;     /* of the PCM: 1, or 2 with Opus */
	uint32_t bitrate_bps;  /* Opus: 6,000..510,000; 0: its own choice. Others have one rate only */
	bool fec;              /* Opus: in-band FEC, as strong as |loss_percent| asks for */
	bool dtx;              /* Opus: silence sends one empty packet at its beginning, and a refresh every 400 ms */
	bool music;            /* Opus: application "audio", else "voip" */
	bool cbr;
	uint32_t loss_percent; /* expected loss, 0..100 */
	uint32_t max_playback_rate; /* Opus: the receiver plays no more [Hz] (RFC 7587 maxplaybackrate); 0: 48000 */
	uint32_t complexity;   /* Opus: 1..10; 0: default */
	const char *fmtp;      /* of the negotiated codec, for plug-ins; NULL or "": none. Borrowed for the call */
};

/* What may change between two frames. */
struct audio_encoder_tuning {
	uint32_t bitrate_bps;
	uint32_t loss_percent;
	bool fec, dtx;
};

/* What a codec implements; state is its own. Functions as those of audio_encoder_* below; tune may be NULL. */
struct audio_encoder_ops {
	wlk_err (*create)(void *user, const struct audio_encoder_config *config, void **state);
	wlk_err (*encode)(void *state, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size);
	wlk_err (*tune)(void *state, const struct audio_encoder_tuning *tuning);
	void (*destroy)(void *state);
};

struct audio_encoder_plugin {
	const struct audio_encoder_ops *ops;
	void *user;
	uint32_t rate; /* of its PCM [Hz] */
};

struct audio_encoder;

/**
 * @param plugin  NULL: the one that is built in
 * WLK_ERR_UNSUPPORTED: not built in. WLK_ERR_INVALID: a value outside of its range. WLK_ERR_NOMEM.
 */
wlk_err audio_encoder_create(struct audio_encoder **out, const struct audio_encoder_plugin *plugin,
			     const struct audio_encoder_config *config) WLK_NODISCARD;
void audio_encoder_destroy(struct audio_encoder *e);
/** Of the PCM that it takes [Hz]. */
uint32_t audio_encoder_rate(const struct audio_encoder *e);
/** Values outside of their range are moved to its end. WLK_OK for codecs that have nothing to tune. */
wlk_err audio_encoder_tune(struct audio_encoder *e, const struct audio_encoder_tuning *tuning) WLK_NODISCARD;

/** True when |samples| make a frame: 10, 20, 40, 60 and 120 ms always do, Opus has 2.5, 5, 80 and 100 too. */
bool audio_encoder_takes(const struct audio_encoder *e, size_t samples);

/**
 * One frame; its length may change from call to call.
 *
 * @param out       at least AUDIO_PACKET_MAX bytes
 * @param size      what it takes; 0: silence goes on, nothing is sent (DTX)
 * WLK_ERR_INVALID: audio_encoder_takes() says no. WLK_ERR_NOSPACE: |capacity|. WLK_ERR_IO: the encoder failed.
 */
wlk_err audio_encoder_encode(struct audio_encoder *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity,
			     size_t *size) WLK_NODISCARD;

/* ---- decoder ---- */

/* samples, decode_fec, has_fec and conceal may be NULL where a codec has no such thing. */
struct audio_decoder_ops {
	wlk_err (*create)(void *user, enum codec_id codec, uint32_t channels, void **state);
	size_t (*samples)(void *state, const uint8_t *data, size_t size);
	wlk_err (*decode)(void *state, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples);
	wlk_err (*decode_fec)(void *state, const uint8_t *next, size_t size, size_t samples, int16_t *pcm);
	wlk_err (*conceal)(void *state, size_t samples, int16_t *pcm);
	void (*destroy)(void *state);
};

struct audio_decoder_plugin {
	const struct audio_decoder_ops *ops;
	void *user;
	uint32_t rate;
};

struct audio_decoder;

/** |channels| of the PCM that comes out, whatever the stream has. Errors as audio_encoder_create(). */
wlk_err audio_decoder_create(struct audio_decoder **out, const struct audio_decoder_plugin *plugin, enum codec_id codec,
			     uint32_t channels) WLK_NODISCARD;
void audio_decoder_destroy(struct audio_decoder *d);
uint32_t audio_decoder_rate(const struct audio_decoder *d);

/** Samples a channel that the packet holds, at the decoder's rate: 1..AUDIO_SAMPLES_MAX; 0: malformed or longer. Decodes nothing. */
size_t audio_decoder_samples(const struct audio_decoder *d, const uint8_t *data, size_t size);

/**
 * @param pcm      room for |max| samples a channel; AUDIO_SAMPLES_MAX is always enough
 * @param samples  how many were written
 * WLK_ERR_PARSE: malformed; the decoder may go on with the next packet. WLK_ERR_NOSPACE: it holds more than |max|, nothing was
 * decoded.
 */
wlk_err audio_decoder_decode(struct audio_decoder *d, const uint8_t *data, size_t size, int16_t *pcm, size_t max,
			     size_t *samples) WLK_NODISCARD;

/**
 * The lost packet right before |next| out of next's in-band FEC (RFC 6716 2.1.7); where it has none this conceals. Then
 * decode |next| itself as always. Only for a packet that is lost for good.
 *
 * @param samples  the length of the gap: what was missing, 1..AUDIO_SAMPLES_MAX; as many are written. The FEC holds as much as
 *                 |next| does: what is missing before that is concealed.
 * WLK_ERR_PARSE: |next| is malformed; |pcm| is concealed all the same.
 */
wlk_err audio_decoder_decode_fec(struct audio_decoder *d, const uint8_t *next, size_t size, size_t samples, int16_t *pcm);

/**
 * What may have been in a gap, for |samples| (1..AUDIO_SAMPLES_MAX) samples a channel. After AUDIO_CONCEAL_MS_MAX in a row it is
 * silence. After a packet that audio_packet_is_dtx() this is comfort noise, without that limit. Silence where the codec has no
 * concealment: whoever plays its sound makes up what is missing (recv/audio_expand).
 */
void audio_decoder_conceal(struct audio_decoder *d, size_t samples, int16_t *pcm);

/** True when the codec itself conceals (Opus). */
bool audio_decoder_conceals(const struct audio_decoder *d);
/** True when it reads in-band FEC. */
bool audio_decoder_recovers(const struct audio_decoder *d);

/** How much was concealed in a row [samples a channel], 0 after a packet; grows beyond the limit. */
size_t audio_decoder_concealed(const struct audio_decoder *d);

/* ---- a look into packets ---- */

/** True when the packet carries FEC of the packet before it. */
bool audio_packet_has_fec(enum codec_id codec, const uint8_t *data, size_t size);
/** True when the packet says that silence begins or goes on, of which nothing need be sent (Opus DTX: at most two bytes). */
bool audio_packet_is_dtx(enum codec_id codec, const uint8_t *data, size_t size);
/** Channels that the packet holds; 0: malformed. */
uint32_t audio_packet_channels(enum codec_id codec, const uint8_t *data, size_t size);

#endif
