#include "media/recv/audio_playout_internal.h"

#include "core/alloc.h"

#include <string.h>

enum {
	STEP = 480,            /* made up at a time [samples] */
	PAUSE_STEP = 120,      /* how exactly the end of a pause is met: 2.5 ms */
	CODEC_CONCEALS = 4800, /* 100 ms; then background */
	WAIT_FOR_LOST = 2880,  /* a hole may be stretched for a packet that is expected to be late: 60 ms */
	PIECE_MAX = 960,
};

/* ---- where we are ---- */

wlk_time playout_behind_target(const struct audio_playout *p)
{
	int64_t at = p->next_at - (int64_t)pcm_line_ready(&p->line);

	return playout_clock_moment(&p->clock, -PLAYOUT_PULL) - samples_to_us(at) - audio_delay_target_offset(&p->delay);
}

/* A packet that is not next to anything: its time has come when it would be played at the target. */
static wlk_time time_until_due(const struct audio_playout *p, const struct audio_packet *packet)
{
	wlk_time moment = playout_clock_moment(&p->clock, (int64_t)pcm_line_ready(&p->line) - PLAYOUT_PULL);

	return samples_to_us(packet->at) + audio_delay_target_offset(&p->delay) - moment;
}

/* ---- sound onto the line ---- */

static void put_fresh(struct audio_playout *p, size_t samples)
{
	if (!samples)
		return;
	if (p->joint)
		p->stats.concealed_samples += pcm_line_join(&p->line, p->fresh, samples, p->joint_range);
	else
		pcm_line_append(&p->line, p->fresh, samples);
	p->joint = false;
	p->joint_range = 0;
	p->run = p->expanded = 0;
	p->heard = true;
	p->state = PLAYOUT_PLAYING;
}

/* |samples| that nobody sent. The codec knows best how its sound goes on, for a while. */
static void make_up(struct audio_playout *p, size_t samples)
{
	bool by_codec = !p->joint && playout_decoder_conceals(&p->decoder) && (p->run < CODEC_CONCEALS || p->is_silence);

	if (by_codec) {
		samples = playout_decoder_conceal(&p->decoder, samples, p->fresh);
		pcm_line_append_made_up(&p->line, p->fresh, samples);
		return;
	}
	pcm_line_expand(&p->line, samples);
	p->joint = true;
}

static void conceal(struct audio_playout *p, size_t samples)
{
	if (!p->run)
		p->stats.concealment_events++;
	make_up(p, samples);
	p->stats.concealed_samples += samples;
	if (pcm_line_is_quiet(&p->line))
		p->stats.silent_concealed_samples += samples;
	p->run += (int64_t)samples;
}

static void count_emitted(struct audio_playout *p, const struct audio_packet *packet, size_t samples)
{
	wlk_time moment = playout_clock_moment(&p->clock, (int64_t)pcm_line_ready(&p->line) - PLAYOUT_PULL);
	double count = (double)samples / 1e6;

	p->stats.jitter_buffer_delay_s += count * (double)MAX(moment - packet->arrival, 0);
	p->stats.jitter_buffer_target_delay_s += count * (double)audio_delay_target(&p->delay);
	p->stats.jitter_buffer_minimum_delay_s += count * (double)audio_delay_network(&p->delay);
	p->stats.jitter_buffer_emitted_count += samples;
}

/* The sender says how loud its silence is, and that nothing need follow. */
static void begin_silence(struct audio_playout *p, const struct audio_packet *packet)
{
	p->next_at = MAX(p->next_at, packet->at);
	p->last_seq = packet->seq;
	p->is_silence = true;
	p->state = PLAYOUT_PAUSED;
	background_noise_set_level(&p->line.noise, packet->data[0] & 0x7f);
	playout_remember_played(p, packet->at);
}

void playout_play_first(struct audio_playout *p)
{
	struct audio_packet *packet = audio_packets_take(&p->packets);
	int64_t overlap = p->next_at - packet->at;
	size_t samples = 0;

	if (packet->is_noise) {
		begin_silence(p, packet);
		goto out;
	}
	if (packet->codec != p->decoder.codec)
		p->joint = true;
	if (playout_decoder_use(&p->decoder, packet->codec) == WLK_OK)
		samples = playout_decoder_decode(&p->decoder, packet->data, packet->size, p->fresh);
	if (!samples) {
		p->stats.malformed++;
		goto out;
	}
	packet->duration = (int64_t)playout_decoder_duration(&p->decoder, packet->data, packet->size);
	p->next_at = packet->at + packet->duration;
	p->last_seq = packet->seq;
	p->is_silence = audio_packet_is_dtx(packet->codec, packet->data, packet->size);
	p->stats.recovered_packets += packet->seq == AUDIO_SEQ_NONE;
	playout_remember_played(p, packet->at);
	if (overlap > 0) {
		size_t cut = MIN((size_t)overlap, samples), channels = p->line.channels;

		samples -= cut;
		memmove(p->fresh, p->fresh + cut * channels, samples * channels * sizeof(*p->fresh));
		p->joint = true;
	}
	count_emitted(p, packet, samples);
	put_fresh(p, samples);
out:
	wlk_free(packet);
}

/* ---- what to do next ---- */

static void discard_late(struct audio_playout *p)
{
	const struct audio_packet *first;

	while (p->has_next && (first = audio_packets_first(&p->packets)) && first->at + first->duration <= p->next_at) {
		p->stats.packets_discarded += first->seq != AUDIO_SEQ_NONE;
		audio_packets_drop_first(&p->packets);
	}
}

/* Go on at the first packet, wherever the line is. */
static void jump_to_first(struct audio_playout *p)
{
	p->next_at = audio_packets_first(&p->packets)->at;
	p->has_next = true;
	p->expanded = 0;
}

static void step_paused(struct audio_playout *p, const struct audio_packet *first)
{
	wlk_time wait = first ? time_until_due(p, first) : WLK_TIME_NEVER;
	size_t samples = STEP;

	if (wait <= 0) {
		jump_to_first(p);
		playout_play_first(p);
		return;
	}
	if (wait < samples_to_us(STEP))
		samples = (size_t)(us_to_samples(wait) / PAUSE_STEP + 1) * PAUSE_STEP;
	make_up(p, MIN(samples, STEP));
}

/* Nothing is there. Whether it is lost or late the next packet will tell. */
static void step_starving(struct audio_playout *p)
{
	if (p->is_silence || p->run >= us_to_samples(PLAYOUT_STOPPED_US)) {
		p->state = PLAYOUT_PAUSED;
		return;
	}
	conceal(p, STEP);
	p->expanded += STEP;
	p->joint_range = PITCH_LAG_MAX;
}

static bool has_fec_for(const struct audio_playout *p, const struct audio_packet *first)
{
	return first->codec == p->decoder.codec && playout_decoder_recovers(&p->decoder) && first->seq != AUDIO_SEQ_NONE &&
	       audio_packet_has_fec(first->codec, first->data, first->size);
}

static void recover(struct audio_playout *p, const struct audio_packet *first, size_t gap)
{
	size_t samples = playout_decoder_recover(&p->decoder, first->data, first->size, gap, p->fresh);

	count_emitted(p, first, samples);
	p->next_at += (int64_t)gap;
	p->last_seq = AUDIO_SEQ_NONE;
	p->stats.recovered_packets++;
	put_fresh(p, samples);
}

/* |gap| samples in front of the first packet are missing. */
static void step_hole(struct audio_playout *p, const struct audio_packet *first, int64_t gap)
{
	wlk_time behind = playout_behind_target(p);
	bool fec = has_fec_for(p, first);

	if (first->seq != AUDIO_SEQ_NONE && p->last_seq != AUDIO_SEQ_NONE && first->seq == p->last_seq + 1) {
		p->state = PLAYOUT_PAUSED; /* nothing was lost: the sender paused */
		p->joint_range = PITCH_LAG_MAX;
	} else if (fec && gap <= first->duration) {
		recover(p, first, (size_t)gap);
	} else if (p->expanded && behind >= PLAYOUT_SLOW_US) {
		/* What was made up stands for what was lost. */
		int64_t stands = MIN(p->expanded, gap);

		p->next_at += stands;
		p->expanded -= stands;
	} else if (behind > PLAYOUT_FAST_US + samples_to_us(gap)) {
		jump_to_first(p); /* the time that is to be won back anyway */
		p->joint = true;
	} else if (behind < PLAYOUT_SLOW_US && p->run < WAIT_FOR_LOST) {
		conceal(p, STEP);
		p->joint_range = PITCH_LAG_MAX;
	} else {
		int64_t missing = fec ? gap - first->duration : gap, piece = MIN(missing, PIECE_MAX);

		conceal(p, (size_t)piece);
		p->next_at += piece;
	}
}

void playout_step(struct audio_playout *p)
{
	const struct audio_packet *first;

	discard_late(p);
	first = audio_packets_first(&p->packets);
	if (p->state == PLAYOUT_PAUSED)
		step_paused(p, first);
	else if (!first)
		step_starving(p);
	else if (first->at <= p->next_at)
		playout_play_first(p);
	else
		step_hole(p, first, first->at - p->next_at);
}

void playout_skip_old(struct audio_playout *p)
{
	int64_t until = p->next_at + us_to_samples(playout_behind_target(p));
	const struct audio_packet *first;
	bool skipped = false;

	while ((first = audio_packets_first(&p->packets)) && first->at + first->duration <= until) {
		p->stats.packets_discarded++;
		audio_packets_drop_first(&p->packets);
		skipped = true;
	}
	if (!skipped)
		return;
	p->joint = true;
	p->joint_range = PITCH_LAG_MAX;
	if (first)
		jump_to_first(p);
	else
		p->next_at = until;
}
