#include "media/track/audio_encode.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "media/send/audio_level.h"

enum { CHANNELS_MAX = 2, GAP_US = 100000, CLOCK_SHARE = 16 };

struct audio_encode {
	struct audio_encode_config config;
	struct audio_encoder *encoder;
	uint32_t rate, rtp_rate, channels;
	size_t frame_samples;
	struct resampler *resampler; /* NULL: none is needed */
	uint32_t in_rate, in_channels; /* that it is made for */
	int16_t *fifo; /* not yet a frame; samples of all channels */
	size_t fifo_count, fifo_capacity; /* samples a channel; items */
	wlk_time captured;    /* of the fifo's first sample, smoothed */
	bool has_time;
	uint64_t position;    /* RTP time of the fifo's first sample */
	bool was_silent;
	struct audio_level level;
	uint8_t scratch[AUDIO_PACKET_MAX];
	struct audio_encode_stats stats;
};

struct audio_chunk *audio_chunk_create(const int16_t *samples, size_t count, uint32_t rate, uint32_t channels, wlk_time captured)
{
	size_t size = count * channels * sizeof(*samples);
	struct audio_chunk *chunk = wlk_malloc(sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	*chunk = (struct audio_chunk){ .rate = rate, .channels = channels, .count = count, .captured = captured };
	list_init(&chunk->link);
	memcpy(chunk->samples, samples, size);
	return chunk;
}

wlk_err audio_encode_create(struct audio_encode **out, const struct audio_encode_config *config)
{
	struct audio_encode *e = wlk_calloc(1, sizeof(*e));
	wlk_err err;

	if (!e)
		return WLK_ERR_NOMEM;
	e->config = *config;
	err = audio_encoder_create(&e->encoder, config->plugin, &config->encoder);
	if (err) {
		wlk_free(e);
		return err;
	}
	e->rate = audio_encoder_rate(e->encoder);
	e->rtp_rate = audio_codec_rtp_rate(config->encoder.codec); /* whatever rate the encoder works at */
	if (!e->rtp_rate)
		e->rtp_rate = e->rate;
	e->channels = MIN(MAX(config->encoder.channels, 1u), (uint32_t)CHANNELS_MAX);
	e->frame_samples = (size_t)e->rate * config->frame_ms / 1000;
	e->was_silent = true;
	audio_level_init(&e->level);
	*out = e;
	return WLK_OK;
}

void audio_encode_destroy(struct audio_encode *e)
{
	if (!e)
		return;
	audio_encoder_destroy(e->encoder);
	resampler_destroy(e->resampler);
	wlk_free(e->fifo);
	wlk_free(e);
}

wlk_err audio_encode_tune(struct audio_encode *e, const struct audio_encoder_tuning *tuning)
{
	return audio_encoder_tune(e->encoder, tuning);
}

/* ---- into the encoder's rate and channels ---- */

static wlk_err fit_resampler(struct audio_encode *e, const struct audio_chunk *chunk)
{
	wlk_err err = WLK_OK;

	if (e->in_rate == chunk->rate && e->in_channels == chunk->channels)
		return WLK_OK;
	resampler_destroy(e->resampler);
	e->resampler = NULL;
	if (chunk->rate != e->rate)
		err = resampler_create(&e->resampler, e->channels, chunk->rate, e->rate);
	e->in_rate = err ? 0 : chunk->rate;
	e->in_channels = chunk->channels;
	return err;
}

/* |chunk| in our number of channels, to |out|. */
static void fit_channels(const struct audio_encode *e, const struct audio_chunk *chunk, int16_t *out)
{
	if (chunk->channels == e->channels)
		memcpy(out, chunk->samples, chunk->count * chunk->channels * sizeof(*out));
	else if (e->channels == 1)
		audio_to_mono(chunk->samples, chunk->count, out);
	else
		audio_to_stereo(chunk->samples, chunk->count, out);
}

static wlk_err append(struct audio_encode *e, const struct audio_chunk *chunk, bool silent)
{
	size_t bound = e->resampler ? resampler_bound(e->resampler, chunk->count) : chunk->count;
	size_t need = (e->fifo_count + bound) * e->channels;
	int16_t *fitted = NULL, *end;

	if (!array_reserve((void **)&e->fifo, &e->fifo_capacity, need, sizeof(*e->fifo)))
		return WLK_ERR_NOMEM;
	end = e->fifo + e->fifo_count * e->channels;
	if (!e->resampler) {
		fit_channels(e, chunk, end);
	} else {
		fitted = wlk_malloc(chunk->count * e->channels * sizeof(*fitted));
		if (!fitted)
			return WLK_ERR_NOMEM;
		fit_channels(e, chunk, fitted);
		bound = resampler_run(e->resampler, fitted, chunk->count, end);
		wlk_free(fitted);
	}
	if (silent)
		memset(end, 0, bound * e->channels * sizeof(*end));
	e->fifo_count += bound;
	return WLK_OK;
}

/*
 * RTP time counts samples, so that the devices' rhythm and not that of their interrupts is sent; only a hole in the sound
 * moves it. When they were captured follows the pushes slowly, for the same reason.
 */
static void keep_time(struct audio_encode *e, const struct audio_chunk *chunk)
{
	wlk_time ahead = (wlk_time)(e->fifo_count * 1000000 / e->rate), measured = chunk->captured - ahead;
	wlk_time off = measured - e->captured;

	if (!e->has_time) {
		e->position = (uint64_t)measured * e->rtp_rate / 1000000;
	} else if (off > GAP_US) {
		e->position += (uint64_t)off * e->rtp_rate / 1000000;
	} else if (off > -(wlk_time)GAP_US) {
		e->captured += off / CLOCK_SHARE;
		return;
	}
	e->captured = measured;
	e->has_time = true;
}

/* ---- frames ---- */

static void note_level(struct audio_encode *e)
{
	double mean_square = e->level.mean_square, duration = (double)e->config.frame_ms / 1000;

	e->stats.level = sqrt(mean_square);
	e->stats.energy += mean_square * duration;
	e->stats.duration_s += duration;
}

static void advance(struct audio_encode *e)
{
	size_t rest = e->fifo_count - e->frame_samples;

	memmove(e->fifo, e->fifo + e->frame_samples * e->channels, rest * e->channels * sizeof(*e->fifo));
	e->fifo_count = rest;
	e->position += (uint64_t)e->rtp_rate * e->config.frame_ms / 1000;
	e->captured += (wlk_time)e->config.frame_ms * 1000;
}

static wlk_err encode_frame(struct audio_encode *e, struct list *packets)
{
	struct audio_piece *packet;
	size_t size = 0;
	wlk_err err = audio_encoder_encode(e->encoder, e->fifo, e->frame_samples, e->scratch, sizeof(e->scratch), &size);

	audio_level_hear(&e->level, e->fifo, e->frame_samples, e->channels, e->rate);
	note_level(e);
	if (err)
		return err;
	if (!size) {
		e->was_silent = true;
		e->stats.silent_packets++;
		return WLK_OK;
	}
	packet = wlk_malloc(sizeof(*packet) + size);
	if (!packet)
		return WLK_ERR_NOMEM;
	*packet = (struct audio_piece){
		.timestamp = (uint32_t)e->position,
		.captured = e->captured,
		.talk_start = e->was_silent,
		.level = e->level.level,
		.voice = e->level.voice,
		.size = size,
	};
	memcpy(packet->data, e->scratch, size);
	list_init(&packet->link);
	list_push_back(packets, &packet->link);
	e->was_silent = audio_packet_is_dtx(e->config.encoder.codec, e->scratch, size);
	e->stats.packets++;
	return WLK_OK;
}

wlk_err audio_encode_input(struct audio_encode *e, const struct audio_chunk *chunk, bool silent, struct list *packets)
{
	wlk_err err = fit_resampler(e, chunk);

	if (!err) {
		keep_time(e, chunk);
		err = append(e, chunk, silent);
	}
	e->stats.samples += chunk->count;
	while (e->fifo_count >= e->frame_samples) {
		wlk_err one = encode_frame(e, packets);

		err = err ? err : one;
		advance(e);
	}
	return err;
}

void audio_encode_stats(const struct audio_encode *e, struct audio_encode_stats *out)
{
	*out = e->stats;
}
