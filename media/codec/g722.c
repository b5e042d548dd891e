#include "media/codec/g722.h"
#include "core/alloc.h"
#include "media/codec/audio_builtin.h"
#include <string.h>

/* Block names in capitals are those of G.722 clause 6.2. Arithmetic is 16 bits wide with saturation. */
static int saturate(int value)
{
	return value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
}

/* ---- tables of clause 6.2 ---- */

enum { LEVELS = 30 };

/* Decision levels of the 60-level quantiser of the lower band (table 14). */
static const int16_t q6[LEVELS] = { 0,	  35,  72,  110, 150, 190, 233,	 276,  323,  370,  422,	 473,  530,  587,  650,
				    714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919 };
/* Codes of its steps, 1..30; negative and positive (table 14). */
static const uint8_t iln[LEVELS + 1] = { 0,  63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
					 18, 17, 16, 15, 14, 13, 12, 11, 10, 9,	 8,  7,	 6,  5,	 4 };
static const uint8_t ilp[LEVELS + 1] = { 0,  61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
					 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32 };
/* What the codes stand for: 6 bits for the output, 4 for the predictors of both ends, 2 for the higher band. */
static const int16_t qm6[64] = { -136,	-136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
				 -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
				 -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
				 11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
				 3168,	2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136 };
static const int16_t qm4[16] = { 0,	-20456, -12896, -8968, -6288, -4240, -2584, -1200,
				 20456, 12896,	8968,	6288,  4240,  2584,  1200,  0 };
static const int16_t qm2[4] = { -7408, -1616, 7408, 1616 };
enum { HIGH_LEVEL = 564 }; /* decision level of the higher band */

/* Logarithmic step adaption, and 2^(i/32) for its inverse. */
static const int16_t wl[8] = { -60, -30, 58, 172, 334, 538, 1198, 3042 };
static const uint8_t rl42[16] = { 0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0 };
static const int16_t wh[3] = { 0, -214, 798 };
static const uint8_t rh2[4] = { 2, 1, 2, 1 };
static const int16_t ilb[32] = { 2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
				 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008 };
/* Half of the symmetric mirror filter (table 11, times 2^13). */
static const int16_t qmf[G722_TAPS / 2] = { 3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11 };

/* ---- one sub-band ---- */

/* LOGSCL, SCALEL and LOGSCH, SCALEH: the scale follows the size of what was coded. */
static void adapt_scale(struct g722_band *band, int step, int highest, int shift)
{
	band->nb = (band->nb * 127 >> 7) + step;
	band->nb = MIN(MAX(band->nb, 0), highest);

	int mantissa = ilb[band->nb >> 6 & 31], exponent = shift - (band->nb >> 11);

	band->det = (exponent < 0 ? mantissa << -exponent : mantissa >> exponent) * 4;
}

/* UPPOL2 and UPPOL1: the pole coefficients, from the signs of the partially reconstructed signal. */
static void adapt_poles(struct g722_band *band)
{
	bool same_1 = (band->p[0] < 0) == (band->p[1] < 0), same_2 = (band->p[0] < 0) == (band->p[2] < 0);
	int first = saturate(band->a[1] * 4);
	int second = saturate(same_1 ? -first : first) >> 7;

	second += same_2 ? 128 : -128;
	second += band->a[2] * 32512 >> 15;
	second = MIN(MAX(second, -12288), 12288);

	int limit = saturate(15360 - second);

	first = saturate((same_1 ? 192 : -192) + (band->a[1] * 32640 >> 15));
	band->a[1] = MIN(MAX(first, -limit), limit);
	band->a[2] = second;
}

/* UPZERO: the zero coefficients, from the signs of the differences. */
static void adapt_zeros(struct g722_band *band)
{
	int step = band->d[0] == 0 ? 0 : 128;

	for (int i = 1; i < 7; i++)
		band->b[i] = saturate(((band->d[i] < 0) == (band->d[0] < 0) ? step : -step) + (band->b[i] * 32640 >> 15));
}

/* Block 4: takes the quantised difference |difference| in and predicts the next value. */
static void predict(struct g722_band *band, int difference)
{
	band->d[0] = difference;
	band->r[0] = saturate(band->s + difference);
	band->p[0] = saturate(band->sz + difference);
	adapt_poles(band);
	adapt_zeros(band);

	memmove(band->d + 1, band->d, 6 * sizeof(int));
	memmove(band->r + 1, band->r, 2 * sizeof(int));
	memmove(band->p + 1, band->p, 2 * sizeof(int));

	/* FILTEP and FILTEZ */
	band->sp = saturate((band->a[1] * saturate(2 * band->r[1]) >> 15) + (band->a[2] * saturate(2 * band->r[2]) >> 15));
	band->sz = 0;
	for (int i = 6; i > 0; i--)
		band->sz += band->b[i] * saturate(2 * band->d[i]) >> 15;
	band->sz = saturate(band->sz);
	band->s = saturate(band->sp + band->sz);
}

static void low_band_coded(struct g722_band *band, unsigned code)
{
	unsigned upper = code >> 2; /* INVQAL: the two lowest bits may be stolen for data, so prediction does without them */
	int difference = band->det * qm4[upper] >> 15;

	adapt_scale(band, wl[rl42[upper]], 18432, 8);
	predict(band, difference);
}

static void high_band_coded(struct g722_band *band, unsigned code)
{
	int difference = band->det * qm2[code] >> 15;

	adapt_scale(band, wh[rh2[code]], 22528, 10);
	predict(band, difference);
}

void g722_init(struct g722 *g)
{
	*g = (struct g722){ .low.det = 32, .high.det = 8 };
}

/* ---- encoder ---- */

/* QUANTL */
static unsigned quantise_low(const struct g722_band *band, int value)
{
	int error = saturate(value - band->s), magnitude = error >= 0 ? error : -(error + 1), level = 1;

	while (level < LEVELS && magnitude >= q6[level] * band->det >> 12)
		level++;
	return error < 0 ? iln[level] : ilp[level];
}

/* QUANTH */
static unsigned quantise_high(const struct g722_band *band, int value)
{
	int error = saturate(value - band->s), magnitude = error >= 0 ? error : -(error + 1);
	bool large = magnitude >= HIGH_LEVEL * band->det >> 12;

	if (error < 0)
		return large ? 0 : 1;
	return large ? 2 : 3;
}

static void shift_in(struct g722 *g, int first, int second)
{
	memmove(g->x, g->x + 2, (G722_TAPS - 2) * sizeof(int));
	g->x[G722_TAPS - 2] = first;
	g->x[G722_TAPS - 1] = second;
}

/* The two halves of the mirror filter, clause 3.1: even and odd taps. */
static void filter(const struct g722 *g, int *odd, int *even)
{
	*odd = *even = 0;
	for (int i = 0; i < G722_TAPS / 2; i++) {
		*odd += g->x[2 * i] * qmf[i];
		*even += g->x[2 * i + 1] * qmf[G722_TAPS / 2 - 1 - i];
	}
}

void g722_encode(struct g722 *g, const int16_t *pcm, size_t bytes, uint8_t *out)
{
	for (size_t i = 0; i < bytes; i++) {
		int odd, even;

		shift_in(g, pcm[2 * i], pcm[2 * i + 1]);
		filter(g, &odd, &even);

		unsigned low = quantise_low(&g->low, (even + odd) >> 14), high = quantise_high(&g->high, (even - odd) >> 14);

		low_band_coded(&g->low, low);
		high_band_coded(&g->high, high);
		out[i] = (uint8_t)(high << 6 | low);
	}
}

/* ---- decoder ---- */

/* LIMIT: both bands are 15 bits wide. */
static int limit(int value)
{
	return MIN(MAX(value, -16384), 16383);
}

void g722_decode(struct g722 *g, const uint8_t *data, size_t bytes, int16_t *pcm)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned low_code = data[i] & 63u, high_code = data[i] >> 6;
		int low = limit(g->low.s + (g->low.det * qm6[low_code] >> 15));
		int high = limit(g->high.s + (g->high.det * qm2[high_code] >> 15));
		int odd, even;

		low_band_coded(&g->low, low_code);
		high_band_coded(&g->high, high_code);
		shift_in(g, low + high, low - high);
		filter(g, &odd, &even);
		pcm[2 * i] = (int16_t)saturate(even >> 11);
		pcm[2 * i + 1] = (int16_t)saturate(odd >> 11);
	}
}

/* ---- behind the common interface ---- */

static wlk_err create(uint32_t channels, void **state)
{
	if (channels != 1)
		return WLK_ERR_INVALID;
	struct g722 *g = wlk_malloc(sizeof(*g));

	if (!g)
		return WLK_ERR_NOMEM;
	g722_init(g);
	*state = g;
	return WLK_OK;
}

static wlk_err encoder_create(void *user, const struct audio_encoder_config *config, void **state)
{
	(void)user;
	return create(config->channels, state);
}

static wlk_err encoder_encode(void *state, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size)
{
	if (samples / 2 > capacity)
		return WLK_ERR_NOSPACE;
	g722_encode(state, pcm, samples / 2, out);
	*size = samples / 2;
	return WLK_OK;
}

const struct audio_encoder_ops g722_encoder_ops = { encoder_create, encoder_encode, NULL, wlk_free };

static wlk_err decoder_create(void *user, enum codec_id codec, uint32_t channels, void **state)
{
	(void)user;
	(void)codec;
	return create(channels, state);
}

static size_t decoder_samples(void *state, const uint8_t *data, size_t size)
{
	(void)state;
	(void)data;
	return MIN(size, (size_t)AUDIO_SAMPLES_MAX) * 2;
}

static wlk_err decoder_decode(void *state, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples)
{
	if (size > max / 2)
		return WLK_ERR_NOSPACE;
	g722_decode(state, data, size, pcm);
	*samples = 2 * size;
	return WLK_OK;
}

const struct audio_decoder_ops g722_decoder_ops = { .create = decoder_create, .samples = decoder_samples, .decode = decoder_decode,
						    .destroy = wlk_free };
