/*
 * Opus by libopus (1.3.1 and later). What would surprise:
 * - A packet may hold 120 ms: 5,760 samples a channel must fit, or the decoder fails.
 * - opus_decode() with no data and a count that is no multiple of 2.5 ms fails: gaps of other lengths are concealed longer and cut.
 * - opus_decode() with FEC wants exactly the duration of what is missing, and conceals what the FEC does not cover; it also
 *   takes packets without FEC and then hands out plain concealment, so who cares must ask opus_has_fec().
 * - The encoder answers 1 or 2 bytes when DTX would send nothing.
 * - A failing decode leaves the decoder usable.
 */
#include "core/alloc.h"
#include "media/codec/audio_builtin.h"
#include <opus.h>
#include <string.h>

enum { OPUS_RATE = 48000, OPUS_UNIT = OPUS_RATE / 400, OPUS_BITRATE_LOWEST = 6000, OPUS_BITRATE_HIGHEST = 510000 };

/* ---- encoder ---- */

struct opus_sender {
	OpusEncoder *encoder; /* in the same block */
	bool is_silent;       /* the last packet would not have been worth sending */
};

/* libopus wants its objects aligned as malloc() aligns. */
static size_t front_of(size_t size)
{
	return (size + 15) / 16 * 16;
}

static wlk_err set_bitrate(OpusEncoder *encoder, uint32_t bitrate_bps)
{
	opus_int32 value = OPUS_AUTO;

	if (bitrate_bps)
		value = (opus_int32)MIN(MAX(bitrate_bps, (uint32_t)OPUS_BITRATE_LOWEST), (uint32_t)OPUS_BITRATE_HIGHEST);
	return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(value)) == OPUS_OK ? WLK_OK : WLK_ERR_INVALID;
}

static wlk_err encoder_tune(void *state, const struct audio_encoder_tuning *tuning)
{
	OpusEncoder *encoder = ((struct opus_sender *)state)->encoder;

	opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(tuning->fec ? 1 : 0));
	opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC((opus_int32)tuning->loss_percent));
	opus_encoder_ctl(encoder, OPUS_SET_DTX(tuning->dtx ? 1 : 0));
	return set_bitrate(encoder, tuning->bitrate_bps);
}

/* RFC 7587 6.1: the sender need not code what the receiver cannot play. */
static opus_int32 bandwidth_of(uint32_t playback_rate)
{
	if (playback_rate <= 8000)
		return OPUS_BANDWIDTH_NARROWBAND;
	if (playback_rate <= 12000)
		return OPUS_BANDWIDTH_MEDIUMBAND;
	if (playback_rate <= 16000)
		return OPUS_BANDWIDTH_WIDEBAND;
	return playback_rate <= 24000 ? OPUS_BANDWIDTH_SUPERWIDEBAND : OPUS_BANDWIDTH_FULLBAND;
}

static wlk_err encoder_create(void *user, const struct audio_encoder_config *config, void **state)
{
	int channels = (int)config->channels, application = config->music ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP;
	size_t front = front_of(sizeof(struct opus_sender));
	struct opus_sender *e = wlk_malloc(front + (size_t)opus_encoder_get_size(channels));

	(void)user;
	if (!e)
		return WLK_ERR_NOMEM;
	OpusEncoder *encoder = (OpusEncoder *)(void *)((uint8_t *)e + front);

	*e = (struct opus_sender){ .encoder = encoder };
	if (opus_encoder_init(encoder, OPUS_RATE, channels, application) != OPUS_OK) {
		wlk_free(e);
		return WLK_ERR_INVALID;
	}
	opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(config->music ? OPUS_AUTO : OPUS_SIGNAL_VOICE));
	opus_encoder_ctl(encoder, OPUS_SET_VBR(config->cbr ? 0 : 1));
	if (config->complexity)
		opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY((opus_int32)config->complexity));
	if (config->max_playback_rate)
		opus_encoder_ctl(encoder, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(config->max_playback_rate)));
	wlk_err err = encoder_tune(e, &(struct audio_encoder_tuning){ config->bitrate_bps, config->loss_percent, config->fec,
								      config->dtx });
	if (err) {
		wlk_free(e);
		return err;
	}
	*state = e;
	return WLK_OK;
}

static wlk_err encoder_encode(void *state, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size)
{
	struct opus_sender *e = state;

	if (!capacity)
		return WLK_ERR_NOSPACE;
	opus_int32 wrote = opus_encode(e->encoder, pcm, (int)samples, out, (opus_int32)MIN(capacity, (size_t)AUDIO_PACKET_MAX));

	if (wrote < 0)
		return wrote == OPUS_BUFFER_TOO_SMALL ? WLK_ERR_NOSPACE : WLK_ERR_IO;
	/* The first empty packet of a silence goes out, so that the receiver knows that it begins, and is no loss. */
	bool is_empty = wrote <= 2, was_silent = e->is_silent;

	e->is_silent = is_empty;
	*size = is_empty && was_silent ? 0 : (size_t)wrote;
	return WLK_OK;
}

const struct audio_encoder_ops opus_encoder_ops = { encoder_create, encoder_encode, encoder_tune, wlk_free };

/* ---- decoder ---- */

struct opus_state {
	uint32_t channels;
	OpusDecoder *decoder; /* in the same block */
};

static wlk_err decoder_create(void *user, enum codec_id codec, uint32_t channels, void **state)
{
	size_t front = front_of(sizeof(struct opus_state));
	struct opus_state *d = wlk_malloc(front + (size_t)opus_decoder_get_size((int)channels));

	(void)user;
	(void)codec;
	if (!d)
		return WLK_ERR_NOMEM;
	d->channels = channels;
	d->decoder = (OpusDecoder *)(void *)((uint8_t *)d + front);
	if (opus_decoder_init(d->decoder, OPUS_RATE, (int)channels) != OPUS_OK) {
		wlk_free(d);
		return WLK_ERR_INVALID;
	}
	*state = d;
	return WLK_OK;
}

static size_t decoder_samples(void *state, const uint8_t *data, size_t size)
{
	int samples = opus_packet_get_nb_samples(data, (opus_int32)MIN(size, (size_t)INT32_MAX), OPUS_RATE);

	(void)state;
	return samples > 0 ? (size_t)samples : 0;
}

static wlk_err decoder_decode(void *state, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples)
{
	struct opus_state *d = state;
	int got = opus_decode(d->decoder, data, (opus_int32)size, pcm, (int)MIN(max, (size_t)AUDIO_SAMPLES_MAX), 0);

	if (got <= 0)
		return WLK_ERR_PARSE;
	*samples = (size_t)got;
	return WLK_OK;
}

/*
 * |data| NULL: conceal. Lengths that are no multiple of 2.5 ms are made in a buffer of their own and cut: concealment goes on
 * from what was heard, so its end is too much; FEC leads up to what follows, so its beginning is.
 */
static wlk_err fill_gap(struct opus_state *d, const uint8_t *data, size_t size, size_t samples, int16_t *pcm)
{
	int16_t longer[AUDIO_SAMPLES_MAX * AUDIO_CHANNELS_MAX];
	size_t whole = (samples + OPUS_UNIT - 1) / OPUS_UNIT * OPUS_UNIT;
	bool fits = whole == samples;
	int got = opus_decode(d->decoder, data, (opus_int32)size, fits ? pcm : longer, (int)whole, data ? 1 : 0);

	if (got < 0 || (size_t)got < samples)
		return WLK_ERR_PARSE;
	if (!fits)
		memcpy(pcm, longer + (data ? (whole - samples) * d->channels : 0), samples * d->channels * sizeof(*pcm));
	return WLK_OK;
}

static wlk_err decoder_decode_fec(void *state, const uint8_t *next, size_t size, size_t samples, int16_t *pcm)
{
	return fill_gap(state, next, size, samples, pcm);
}

static wlk_err decoder_conceal(void *state, size_t samples, int16_t *pcm)
{
	return fill_gap(state, NULL, 0, samples, pcm);
}

const struct audio_decoder_ops opus_decoder_ops = { decoder_create, decoder_samples,    decoder_decode,
						    decoder_decode_fec, decoder_conceal, wlk_free };

/*
 * RFC 6716 4.2.3 and 4.2.4: a SILK frame begins with one VAD bit for each of its 20 ms of the mid channel and the LBRR flag; in
 * stereo the same for the side channel. The first bits of the range coder's first byte are those bits, as all have
 * probability 1/2. CELT has none.
 */
bool opus_has_fec(const uint8_t *data, size_t size)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];

	if (!size || size > INT32_MAX || data[0] & 0x80)
		return false;
	if (opus_packet_parse(data, (opus_int32)size, NULL, frames, sizes, NULL) <= 0 || sizes[0] < 1)
		return false;
	int per_frame = opus_packet_get_samples_per_frame(data, OPUS_RATE);
	unsigned silk_frames = per_frame <= 960 ? 1 : (unsigned)per_frame / 960;
	bool in_mid = frames[0][0] & 0x80 >> silk_frames;
	bool in_side = data[0] & 0x04 && frames[0][0] & 0x80 >> (2 * silk_frames + 1);

	return in_mid || in_side;
}
