#include "media/codec/audio_codec.h"
#include "core/alloc.h"
#include "media/codec/audio_builtin.h"
#include <string.h>

struct audio_encoder {
	struct audio_encoder_plugin plugin;
	void *state;
	uint32_t channels;
	enum codec_id codec;
};

struct audio_decoder {
	struct audio_decoder_plugin plugin;
	void *state;
	uint32_t channels;
	enum codec_id codec;
	size_t concealed; /* in a row, samples a channel */
	bool in_silence;  /* the last packet said that nothing need follow */
};

uint32_t audio_codec_rate(enum codec_id codec)
{
	switch (codec) {
	case CODEC_OPUS:
		return 48000;
	case CODEC_G722:
		return 16000;
	case CODEC_PCMU:
	case CODEC_PCMA:
		return 8000;
	default:
		return 0;
	}
}

uint32_t audio_codec_rtp_rate(enum codec_id codec)
{
	return codec == CODEC_G722 ? 8000 : audio_codec_rate(codec);
}

static const struct audio_encoder_ops *builtin_encoder(enum codec_id codec)
{
	switch (codec) {
	case CODEC_OPUS:
		return &opus_encoder_ops;
	case CODEC_PCMU:
	case CODEC_PCMA:
		return &g711_encoder_ops;
	case CODEC_G722:
		return &g722_encoder_ops;
	default:
		return NULL;
	}
}

static const struct audio_decoder_ops *builtin_decoder(enum codec_id codec)
{
	switch (codec) {
	case CODEC_OPUS:
		return &opus_decoder_ops;
	case CODEC_PCMU:
	case CODEC_PCMA:
		return &g711_decoder_ops;
	case CODEC_G722:
		return &g722_decoder_ops;
	default:
		return NULL;
	}
}

/* ---- encoder ---- */

wlk_err audio_encoder_create(struct audio_encoder **out, const struct audio_encoder_plugin *plugin,
			     const struct audio_encoder_config *config)
{
	struct audio_encoder_plugin builtin = { builtin_encoder(config->codec), NULL, audio_codec_rate(config->codec) };

	if (!plugin)
		plugin = &builtin;
	if (!plugin->ops)
		return WLK_ERR_UNSUPPORTED;
	if (config->channels < 1 || config->channels > AUDIO_CHANNELS_MAX || config->loss_percent > 100 || config->complexity > 10)
		return WLK_ERR_INVALID;
	struct audio_encoder *e = wlk_calloc(1, sizeof(*e));

	if (!e)
		return WLK_ERR_NOMEM;
	e->plugin = *plugin;
	e->channels = config->channels;
	e->codec = config->codec;
	wlk_err err = plugin->ops->create(plugin->user, config, &e->state);

	if (err) {
		wlk_free(e);
		return err;
	}
	*out = e;
	return WLK_OK;
}

void audio_encoder_destroy(struct audio_encoder *e)
{
	if (!e)
		return;
	e->plugin.ops->destroy(e->state);
	wlk_free(e);
}

uint32_t audio_encoder_rate(const struct audio_encoder *e)
{
	return e->plugin.rate;
}

wlk_err audio_encoder_tune(struct audio_encoder *e, const struct audio_encoder_tuning *tuning)
{
	struct audio_encoder_tuning sane = *tuning;

	sane.loss_percent = MIN(sane.loss_percent, 100u);
	return e->plugin.ops->tune ? e->plugin.ops->tune(e->state, &sane) : WLK_OK;
}

bool audio_encoder_takes(const struct audio_encoder *e, size_t samples)
{
	/* In units of 2.5 ms; RFC 6716 2.1.4 and, for what several frames in a packet make, 3.2.5. */
	static const uint8_t lengths[] = { 4, 8, 16, 24, 48 };
	static const uint8_t of_opus[] = { 1, 2, 32, 40 };
	size_t unit = e->plugin.rate / 400, length = samples / unit;

	if (!samples || samples % unit)
		return false;
	return (length < 256 && memchr(lengths, (int)length, sizeof(lengths))) ||
	       (e->codec == CODEC_OPUS && length < 256 && memchr(of_opus, (int)length, sizeof(of_opus)));
}

wlk_err audio_encoder_encode(struct audio_encoder *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size)
{
	if (!audio_encoder_takes(e, samples))
		return WLK_ERR_INVALID;
	return e->plugin.ops->encode(e->state, pcm, samples, out, capacity, size);
}

/* ---- decoder ---- */

wlk_err audio_decoder_create(struct audio_decoder **out, const struct audio_decoder_plugin *plugin, enum codec_id codec, uint32_t channels)
{
	struct audio_decoder_plugin builtin = { builtin_decoder(codec), NULL, audio_codec_rate(codec) };

	if (!plugin)
		plugin = &builtin;
	if (!plugin->ops)
		return WLK_ERR_UNSUPPORTED;
	if (channels < 1 || channels > AUDIO_CHANNELS_MAX)
		return WLK_ERR_INVALID;
	struct audio_decoder *d = wlk_calloc(1, sizeof(*d));

	if (!d)
		return WLK_ERR_NOMEM;
	d->plugin = *plugin;
	d->channels = channels;
	d->codec = codec;
	wlk_err err = plugin->ops->create(plugin->user, codec, channels, &d->state);

	if (err)
		wlk_free(d);
	else
		*out = d;
	return err;
}

void audio_decoder_destroy(struct audio_decoder *d)
{
	if (!d)
		return;
	d->plugin.ops->destroy(d->state);
	wlk_free(d);
}

uint32_t audio_decoder_rate(const struct audio_decoder *d)
{
	return d->plugin.rate;
}

size_t audio_decoder_samples(const struct audio_decoder *d, const uint8_t *data, size_t size)
{
	size_t samples = size ? d->plugin.ops->samples(d->state, data, size) : 0;

	return samples <= AUDIO_SAMPLES_MAX ? samples : 0;
}

wlk_err audio_decoder_decode(struct audio_decoder *d, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples)
{
	size_t expected = audio_decoder_samples(d, data, size), got = 0;

	if (!expected)
		return WLK_ERR_PARSE;
	if (expected > max)
		return WLK_ERR_NOSPACE;
	wlk_err err = d->plugin.ops->decode(d->state, data, size, pcm, max, &got);

	if (err)
		return err;
	d->concealed = 0;
	d->in_silence = audio_packet_is_dtx(d->codec, data, size);
	*samples = got;
	return WLK_OK;
}

bool audio_decoder_conceals(const struct audio_decoder *d)
{
	return d->plugin.ops->conceal != NULL;
}

bool audio_decoder_recovers(const struct audio_decoder *d)
{
	return d->plugin.ops->decode_fec != NULL;
}

size_t audio_decoder_concealed(const struct audio_decoder *d)
{
	return d->concealed;
}

void audio_decoder_conceal(struct audio_decoder *d, size_t samples, int16_t *pcm)
{
	assert(samples <= AUDIO_SAMPLES_MAX && "a gap is concealed in pieces");
	size_t limit = (size_t)d->plugin.rate * AUDIO_CONCEAL_MS_MAX / 1000;
	size_t left = d->concealed < limit ? limit - d->concealed : 0;
	size_t now = d->in_silence ? samples : MIN(samples, left);

	if (!d->plugin.ops->conceal || (now && d->plugin.ops->conceal(d->state, now, pcm)))
		now = 0;
	memset(pcm + now * d->channels, 0, (samples - now) * d->channels * sizeof(*pcm));
	d->concealed += samples;
}

wlk_err audio_decoder_decode_fec(struct audio_decoder *d, const uint8_t *next, size_t size, size_t samples, int16_t *pcm)
{
	size_t covered = audio_decoder_samples(d, next, size);
	wlk_err err = covered ? WLK_OK : WLK_ERR_PARSE;

	assert(samples <= AUDIO_SAMPLES_MAX && "a gap is concealed in pieces");
	if (err || !d->plugin.ops->decode_fec || !audio_packet_has_fec(d->codec, next, size)) {
		audio_decoder_conceal(d, samples, pcm);
		return err;
	}
	if (samples > covered) {
		audio_decoder_conceal(d, samples - covered, pcm);
		pcm += (samples - covered) * d->channels;
		samples = covered;
	}
	err = d->plugin.ops->decode_fec(d->state, next, size, samples, pcm);
	if (err)
		audio_decoder_conceal(d, samples, pcm);
	else
		d->concealed = 0;
	d->in_silence = false;
	return err;
}

/* ---- a look into packets ---- */

bool audio_packet_has_fec(enum codec_id codec, const uint8_t *data, size_t size)
{
	return codec == CODEC_OPUS && opus_has_fec(data, size);
}

bool audio_packet_is_dtx(enum codec_id codec, const uint8_t *data, size_t size)
{
	(void)data;
	return codec == CODEC_OPUS && size > 0 && size <= 2;
}

uint32_t audio_packet_channels(enum codec_id codec, const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	return codec == CODEC_OPUS ? (data[0] & 0x04 ? 2 : 1) : 1;
}
