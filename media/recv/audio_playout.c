#include "media/recv/audio_playout_internal.h"

#include "core/alloc.h"

#include <math.h>
#include <string.h>

wlk_err audio_playout_create(struct audio_playout **out, const struct audio_playout_config *config)
{
	struct audio_playout *p = wlk_calloc(1, sizeof(*p));

	if (!p)
		return WLK_ERR_NOMEM;
	audio_delay_init(&p->delay);
	audio_packets_init(&p->packets);
	playout_clock_init(&p->clock);
	playout_decoder_init(&p->decoder, config->channels, config->plugins);
	pcm_line_init(&p->line, config->channels);
	p->last_seq = p->newest_seq = AUDIO_SEQ_NONE;
	*out = p;
	return WLK_OK;
}

void audio_playout_destroy(struct audio_playout *p)
{
	if (!p)
		return;
	audio_packets_free(&p->packets);
	playout_decoder_free(&p->decoder);
	wlk_free(p);
}

void audio_playout_set_plugins(struct audio_playout *p, const struct audio_decoder_plugin *const *plugins)
{
	playout_decoder_reset(&p->decoder);
	p->decoder.plugins = plugins;
	p->joint = true;
}

/* ---- stretching ---- */

/* How alike two periods must be, and how soon after the last splice: the farther from the target, the less choosy. */
struct stretch_manner {
	wlk_time from;  /* so far from the target [us] */
	float similar;
	int64_t pause;  /* [samples] */
};

static const struct stretch_manner manners[] = {
	{ 200000, 0.0f, 960 },
	{ 100000, 0.4f, 1440 },
	{ 40000, 0.7f, 2880 },
	{ 0, 0.85f, 4800 },
};

static const struct stretch_manner *manner_for(wlk_time distance)
{
	size_t i = 0;

	while (manners[i].from > distance)
		i++;
	return &manners[i];
}

static bool can_stretch(const struct audio_playout *p)
{
	return p->state == PLAYOUT_PLAYING && !p->run && !p->joint && !p->line.expand.active;
}

static void decode_ahead(struct audio_playout *p)
{
	const struct audio_packet *first = audio_packets_first(&p->packets);

	while (first && first->at == p->next_at && pcm_line_ready(&p->line) < TIME_STRETCH_LOOK + PLAYOUT_PULL) {
		playout_play_first(p);
		first = audio_packets_first(&p->packets);
	}
}

static void stretch(struct audio_playout *p)
{
	wlk_time behind = playout_behind_target(p);
	bool shorten = behind > PLAYOUT_FAST_US;
	const struct stretch_manner *manner;
	size_t by;

	if (!shorten && behind >= PLAYOUT_SLOW_US)
		return;
	manner = manner_for(shorten ? behind : -behind);
	if (p->since_stretch < manner->pause)
		return;
	if (shorten)
		decode_ahead(p);
	if (!can_stretch(p))
		return;
	by = shorten ? pcm_line_shorten(&p->line, manner->similar) : pcm_line_lengthen(&p->line, manner->similar);
	if (!by)
		return;
	p->since_stretch = 0;
	if (shorten)
		p->stats.removed_samples_for_acceleration += by;
	else
		p->stats.inserted_samples_for_deceleration += by;
}

/* ---- what goes out ---- */

static void fill(struct audio_playout *p)
{
	while (pcm_line_ready(&p->line) < PLAYOUT_PULL)
		playout_step(p);
}

static void measure(struct audio_playout *p, const int16_t *out)
{
	size_t count = PLAYOUT_PULL * p->line.channels;
	double energy = 0, level;

	for (size_t i = 0; i < count; i++)
		energy += (double)out[i] * (double)out[i];
	level = sqrt(energy / (double)count) / 32767;
	p->stats.audio_level = level;
	p->stats.total_audio_energy += level * level * PLAYOUT_PULL / PLAYOUT_RATE;
	p->stats.total_samples_duration_s += (double)PLAYOUT_PULL / PLAYOUT_RATE;
	p->stats.total_samples_received += PLAYOUT_PULL;
}

void audio_playout_get(struct audio_playout *p, wlk_time now, int16_t *out)
{
	playout_clock_on_pull(&p->clock, now, PLAYOUT_PULL);
	p->stats.pulled_samples += PLAYOUT_PULL;
	if (!p->has_stream) {
		memset(out, 0, PLAYOUT_PULL * p->line.channels * sizeof(*out));
		p->stats.synthesized_samples += PLAYOUT_PULL;
		p->stats.synthesized_events += !p->starved;
		p->starved = true;
		return;
	}
	p->starved = false;
	if (p->state == PLAYOUT_PLAYING && playout_behind_target(p) > PLAYOUT_SKIP_US)
		playout_skip_old(p);
	fill(p);
	if (can_stretch(p))
		stretch(p);
	fill(p);
	pcm_line_take(&p->line, out, PLAYOUT_PULL);
	p->since_stretch += PLAYOUT_PULL;
	if (p->heard)
		measure(p, out);
}

/* ---- wishes and facts ---- */

void audio_playout_set_target(struct audio_playout *p, wlk_time delay_us)
{
	audio_delay_set_wish(&p->delay, delay_us);
}

void audio_playout_set_minimum_delay(struct audio_playout *p, wlk_time delay_us)
{
	audio_delay_set_minimum(&p->delay, delay_us);
}

bool audio_playout_position(const struct audio_playout *p, uint32_t *rtp_timestamp, wlk_time *moment)
{
	int64_t at = p->next_at - (int64_t)pcm_line_ready(&p->line);

	if (p->state != PLAYOUT_PLAYING)
		return false;
	*rtp_timestamp = (uint32_t)(at * p->clock_hz / PLAYOUT_RATE);
	*moment = playout_clock_moment(&p->clock, 0);
	return true;
}

void audio_playout_get_stats(const struct audio_playout *p, struct audio_playout_stats *out)
{
	*out = p->stats;
	out->packets_held = p->packets.count;
	if (!p->delay.started)
		return;
	out->target_us = audio_delay_target(&p->delay);
	if (p->state == PLAYOUT_PLAYING)
		out->delay_us = playout_behind_target(p) + out->target_us;
}
