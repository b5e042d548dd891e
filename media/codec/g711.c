#include "media/codec/g711.h"
#include "core/alloc.h"
#include "media/codec/audio_builtin.h"

/*
 * Both laws are a sign, a segment (which power of two the magnitude reaches) and four steps inside of it. The sign bit is 1
 * for positive values; mu-law sends all bits inverted (G.711 table 2a), A-law every other one (table 1a).
 */
static unsigned segment_of(unsigned magnitude, unsigned first_bits)
{
	unsigned segment = 0;

	for (magnitude >>= first_bits; magnitude; magnitude >>= 1)
		segment++;
	return segment;
}

enum { MU_BIAS = 33, MU_CLIP = 8158 };

uint8_t g711_mu_encode(int16_t sample)
{
	/* 14 bits. The bias makes each segment begin at a power of two. Decision values belong to the step above (away from 0). */
	unsigned magnitude = (unsigned)(sample < 0 ? -(sample + 1) : sample) >> 2;

	magnitude = MIN(magnitude, (unsigned)MU_CLIP) + MU_BIAS;
	unsigned segment = segment_of(magnitude, 6);
	unsigned step = magnitude >> (segment + 1) & 15;

	return (uint8_t)~((sample < 0 ? 0x80u : 0u) | segment << 4 | step);
}

int16_t g711_mu_decode(uint8_t code)
{
	unsigned bits = ~(unsigned)code & 0xff, segment = bits >> 4 & 7;
	int magnitude = (int)((((bits & 15) << 1 | MU_BIAS) << segment) - MU_BIAS) * 4;

	return (int16_t)(bits & 0x80 ? -magnitude : magnitude);
}

uint8_t g711_a_encode(int16_t sample)
{
	/* 13 bits, 12 of them magnitude. Negative values count from -1, so that the two halves are alike. */
	unsigned magnitude = (unsigned)(sample < 0 ? -(sample + 1) : sample) >> 3;
	unsigned segment = segment_of(magnitude, 5);
	unsigned step = magnitude >> (segment ? segment : 1) & 15;

	return (uint8_t)(((sample < 0 ? 0u : 0x80u) | segment << 4 | step) ^ 0x55);
}

int16_t g711_a_decode(uint8_t code)
{
	unsigned bits = code ^ 0x55u, segment = bits >> 4 & 7, magnitude = (bits & 15) << 1 | 1;

	if (segment)
		magnitude = (magnitude | 0x20) << (segment - 1);
	return (int16_t)(bits & 0x80 ? (int)(magnitude << 3) : -(int)(magnitude << 3));
}

/* ---- behind the common interface ---- */

struct g711_state {
	bool is_mu;
};

static wlk_err create(enum codec_id codec, uint32_t channels, void **state)
{
	if (channels != 1)
		return WLK_ERR_INVALID;
	struct g711_state *s = wlk_calloc(1, sizeof(*s));

	if (!s)
		return WLK_ERR_NOMEM;
	s->is_mu = codec == CODEC_PCMU;
	*state = s;
	return WLK_OK;
}

static wlk_err encoder_create(void *user, const struct audio_encoder_config *config, void **state)
{
	(void)user;
	return create(config->codec, config->channels, state);
}

static wlk_err encoder_encode(void *state, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size)
{
	const struct g711_state *s = state;

	if (samples > capacity)
		return WLK_ERR_NOSPACE;
	for (size_t i = 0; i < samples; i++)
		out[i] = s->is_mu ? g711_mu_encode(pcm[i]) : g711_a_encode(pcm[i]);
	*size = samples;
	return WLK_OK;
}

const struct audio_encoder_ops g711_encoder_ops = { encoder_create, encoder_encode, NULL, wlk_free };

static wlk_err decoder_create(void *user, enum codec_id codec, uint32_t channels, void **state)
{
	(void)user;
	return create(codec, channels, state);
}

static size_t decoder_samples(void *state, const uint8_t *data, size_t size)
{
	(void)state;
	(void)data;
	return size;
}

static wlk_err decoder_decode(void *state, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples)
{
	const struct g711_state *s = state;

	if (size > max)
		return WLK_ERR_NOSPACE;
	for (size_t i = 0; i < size; i++)
		pcm[i] = s->is_mu ? g711_mu_decode(data[i]) : g711_a_decode(data[i]);
	*samples = size;
	return WLK_OK;
}

const struct audio_decoder_ops g711_decoder_ops = { .create = decoder_create, .samples = decoder_samples, .decode = decoder_decode,
						    .destroy = wlk_free };
