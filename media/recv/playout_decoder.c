#include "media/recv/playout_decoder.h"

#include <string.h>

void playout_decoder_init(struct playout_decoder *d, size_t channels, const struct audio_decoder_plugin *const *plugins)
{
	assert(channels >= 1 && channels <= AUDIO_CHANNELS_MAX && "mono or stereo");
	memset(d, 0, sizeof(*d));
	d->channels = channels;
	d->plugins = plugins;
}

void playout_decoder_reset(struct playout_decoder *d)
{
	audio_decoder_destroy(d->decoder);
	resampler_destroy(d->resampler);
	d->decoder = NULL;
	d->resampler = NULL;
	d->codec = CODEC_UNKNOWN;
}

void playout_decoder_free(struct playout_decoder *d)
{
	playout_decoder_reset(d);
}

wlk_err playout_decoder_use(struct playout_decoder *d, enum codec_id codec)
{
	const struct audio_decoder_plugin *plugin = d->plugins ? d->plugins[codec] : NULL;
	struct audio_decoder *decoder = NULL;
	struct resampler *resampler = NULL;
	size_t channels = d->channels;
	wlk_err err;

	if (d->decoder && d->codec == codec)
		return WLK_OK;
	err = audio_decoder_create(&decoder, plugin, codec, (uint32_t)channels);
	if (err == WLK_ERR_INVALID && channels > 1)
		err = audio_decoder_create(&decoder, plugin, codec, (uint32_t)(channels = 1));
	if (err)
		return err;
	if (audio_decoder_rate(decoder) != PLAYOUT_RATE)
		err = resampler_create(&resampler, (uint32_t)d->channels, audio_decoder_rate(decoder), PLAYOUT_RATE);
	if (err) {
		audio_decoder_destroy(decoder);
		return err;
	}
	playout_decoder_reset(d);
	d->decoder = decoder;
	d->resampler = resampler;
	d->codec = codec;
	d->rate = audio_decoder_rate(decoder);
	d->decoded_channels = channels;
	return WLK_OK;
}

static size_t from_playout(const struct playout_decoder *d, size_t samples)
{
	return MAX((size_t)((uint64_t)samples * d->rate / PLAYOUT_RATE), 1);
}

size_t playout_decoder_duration(const struct playout_decoder *d, const uint8_t *data, size_t size)
{
	size_t samples = d->decoder ? audio_decoder_samples(d->decoder, data, size) : 0;
	uint64_t duration = d->decoder ? (uint64_t)samples * PLAYOUT_RATE / d->rate : 0;

	return duration <= PLAYOUT_SAMPLES_MAX ? (size_t)duration : 0;
}

/* Where the decoder writes. */
static int16_t *target(struct playout_decoder *d, int16_t *out)
{
	return d->resampler ? d->raw : out;
}

/* What the decoder left there, with the playout's channels and rate. */
static size_t convert(struct playout_decoder *d, size_t samples, int16_t *out)
{
	int16_t *pcm = target(d, out);

	if (d->decoded_channels < d->channels)
		for (size_t i = samples; i-- > 0;)
			pcm[2 * i] = pcm[2 * i + 1] = pcm[i];
	if (!d->resampler)
		return samples;
	if (resampler_bound(d->resampler, samples) > PLAYOUT_SAMPLES_MAX)
		samples = from_playout(d, PLAYOUT_SAMPLES_MAX) - 2;
	return resampler_run(d->resampler, d->raw, samples, out);
}

size_t playout_decoder_decode(struct playout_decoder *d, const uint8_t *data, size_t size, int16_t *out)
{
	size_t samples = 0;

	if (!d->decoder || !playout_decoder_duration(d, data, size))
		return 0;
	if (audio_decoder_decode(d->decoder, data, size, target(d, out), AUDIO_SAMPLES_MAX, &samples) != WLK_OK)
		return 0;
	return convert(d, samples, out);
}

size_t playout_decoder_recover(struct playout_decoder *d, const uint8_t *next, size_t size, size_t samples, int16_t *out)
{
	size_t raw = from_playout(d, samples);

	(void)audio_decoder_decode_fec(d->decoder, next, size, raw, target(d, out));
	return convert(d, raw, out);
}

size_t playout_decoder_conceal(struct playout_decoder *d, size_t samples, int16_t *out)
{
	size_t raw = from_playout(d, samples);

	audio_decoder_conceal(d->decoder, raw, target(d, out));
	return convert(d, raw, out);
}

bool playout_decoder_conceals(const struct playout_decoder *d)
{
	return d->decoder && audio_decoder_conceals(d->decoder);
}

bool playout_decoder_recovers(const struct playout_decoder *d)
{
	return d->decoder && audio_decoder_recovers(d->decoder);
}
