#include "media/recv/audio_playout.h"

#include "core/alloc.h"
#include "core/seq.h"

#include <math.h>
#include <string.h>

enum {
	STEP = 480,                 /* made up at a time [samples] */
	PAUSE_STEP = 120,           /* how exactly the end of a pause is met: 2.5 ms */
	CODEC_CONCEALS = 4800,      /* 100 ms; then background */
	WAIT_FOR_LOST = 2880,       /* a hole may be stretched for a packet that is expected to be late: 60 ms */
	PIECE_MAX = 960,
	OLD_SSRC_US = 1000000,
	SLOW_US = -5000, FAST_US = 15000, /* how far from the target nothing is done */
	TIMESTAMP_STEP_DEFAULT = 960,
};

enum state {
	PLAYOUT_PAUSED,  /* nothing yet, DTX, or the stream has stopped: the next packet is played when it is due */
	PLAYOUT_PLAYING,
};

struct audio_playout {
	enum state state;
	struct audio_delay delay;
	struct audio_packets packets;
	struct playout_clock clock;
	struct playout_decoder decoder;
	struct pcm_line line;
	struct audio_playout_stats stats;

	/* the stream that comes in */
	bool has_stream;
	uint32_t ssrc, clock_hz;
	uint32_t old_ssrc;
	wlk_time old_until;
	struct seq_unwrap timestamps;
	int64_t newest_at, newest_seq;
	int64_t played[PLAYOUT_REMEMBERED]; /* beginnings of what was decoded lately */
	size_t played_next;

	/* what is heard */
	bool has_next;
	int64_t next_at;  /* media time behind the end of the line */
	int64_t last_seq; /* of the packet decoded last; AUDIO_SEQ_NONE: not known */
	bool is_silence;  /* it said that silence follows (DTX) */
	bool joint;       /* what comes next does not go on where the line ends */
	size_t joint_range;
	bool heard;       /* something was decoded */
	int64_t run;      /* concealed in a row */
	int64_t expanded; /* of that: made up while it was open whether something was lost or late */
	int64_t since_stretch; /* samples played since */
	bool starved;     /* the last pull had no stream */
	int16_t fresh[PLAYOUT_SAMPLES_MAX * AUDIO_CHANNELS_MAX];
};

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

/* ---- what arrives ---- */

static void begin_stream(struct audio_playout *p, wlk_time now, const struct audio_playout_packet *packet)
{
	if (p->has_stream) {
		p->stats.resets++;
		if (p->ssrc != packet->ssrc) {
			p->old_ssrc = p->ssrc;
			p->old_until = now + OLD_SSRC_US;
		}
		playout_decoder_reset(&p->decoder);
	}
	p->stats.packets_discarded += audio_packets_clear(&p->packets);
	audio_delay_restart(&p->delay);
	p->has_stream = true;
	p->ssrc = packet->ssrc;
	p->clock_hz = packet->clock_hz;
	p->timestamps = (struct seq_unwrap){ 0 };
	p->newest_seq = p->last_seq = AUDIO_SEQ_NONE;
	p->newest_at = INT64_MIN;
	for (size_t i = 0; i < PLAYOUT_REMEMBERED; i++)
		p->played[i] = INT64_MIN;
	p->state = PLAYOUT_PAUSED;
	p->has_next = p->is_silence = false;
	p->joint = true;
	p->joint_range = 0;
	p->run = p->expanded = 0;
}

static int64_t media_time(const struct audio_playout *p, int64_t extended)
{
	return extended * PLAYOUT_RATE / p->clock_hz;
}

/* R25: the numbers jumped, or it is another stream. */
static bool is_new_stream(const struct audio_playout *p, const struct audio_playout_packet *packet)
{
	struct seq_unwrap peek = p->timestamps;
	int64_t at, seq_step = 0;

	if (!p->has_stream || packet->ssrc != p->ssrc || packet->clock_hz != p->clock_hz || packet->after_reset)
		return true;
	at = media_time(p, seq32_unwrap(&peek, packet->timestamp));
	if (packet->seq != AUDIO_SEQ_NONE && p->newest_seq != AUDIO_SEQ_NONE)
		seq_step = packet->seq - p->newest_seq;
	return at > p->newest_at + PLAYOUT_TIME_JUMP || at < p->newest_at - PLAYOUT_TIME_JUMP || seq_step > PLAYOUT_SEQ_JUMP ||
	       seq_step < -PLAYOUT_SEQ_JUMP;
}

static bool was_played(const struct audio_playout *p, int64_t at)
{
	for (size_t i = 0; i < PLAYOUT_REMEMBERED; i++)
		if (p->played[i] == at)
			return true;
	return false;
}

static void remember_played(struct audio_playout *p, int64_t at)
{
	p->played[p->played_next++ % PLAYOUT_REMEMBERED] = at;
}

/* Packets of a codec that is not in use yet are taken to be as long as is usual. */
static size_t duration_of(struct audio_playout *p, const struct audio_playout_packet *packet)
{
	if (p->decoder.codec == CODEC_UNKNOWN && playout_decoder_use(&p->decoder, packet->codec) != WLK_OK)
		return 0;
	if (p->decoder.codec != packet->codec)
		return TIMESTAMP_STEP_DEFAULT;
	return playout_decoder_duration(&p->decoder, packet->payload.data, packet->payload.size);
}

static bool is_known(const struct audio_playout *p, int64_t at)
{
	return was_played(p, at) || audio_packets_has(&p->packets, at);
}

/* The target counts when each piece of sound can be played for the first time: a lost packet when its FEC comes. */
static void learn_from(struct audio_playout *p, wlk_time now, const struct audio_packet *head, wlk_bytes payload)
{
	int64_t before = head->at - head->duration;

	audio_delay_on_arrival(&p->delay, now - samples_to_us(head->at), samples_to_us(head->duration));
	if (head->seq == AUDIO_SEQ_NONE || !audio_packet_has_fec(head->codec, payload.data, payload.size))
		return;
	p->stats.fec_packets_received++;
	if (p->has_next && before >= p->next_at && !is_known(p, before))
		audio_delay_on_arrival(&p->delay, now - samples_to_us(before), samples_to_us(head->duration));
}

static void keep(struct audio_playout *p, wlk_time now, const struct audio_packet *head, wlk_bytes payload)
{
	bool is_redundant = head->seq == AUDIO_SEQ_NONE;
	size_t dropped = 0;

	if (is_known(p, head->at) && (is_redundant || was_played(p, head->at))) {
		p->stats.duplicates += !is_redundant;
		return;
	}
	if (p->has_next && head->at + head->duration <= p->next_at) {
		if (!is_redundant) {
			p->stats.packets_discarded++;
			learn_from(p, now, head, payload);
		}
		return;
	}
	switch (audio_packets_put(&p->packets, head, payload, &dropped)) {
	case AUDIO_PACKETS_KEPT:
		learn_from(p, now, head, payload);
		break;
	case AUDIO_PACKETS_REPLACED:
		break;
	case AUDIO_PACKETS_DUPLICATE:
		p->stats.duplicates++;
		break;
	case AUDIO_PACKETS_REFUSED:
		p->stats.packets_discarded++;
		break;
	}
	p->stats.packets_discarded += dropped;
}

void audio_playout_input(struct audio_playout *p, wlk_time now, const struct audio_playout_packet *packet)
{
	struct audio_packet head = { .seq = packet->seq, .arrival = now, .codec = packet->codec };

	if (!packet->payload.size || packet->payload.size > PLAYOUT_PACKET_SIZE_MAX || !packet->clock_hz || packet->clock_hz > 384000) {
		p->stats.malformed++;
		return;
	}
	if (p->has_stream && packet->ssrc != p->ssrc && packet->ssrc == p->old_ssrc && now < p->old_until) {
		p->stats.packets_discarded++;
		return;
	}
	if (is_new_stream(p, packet))
		begin_stream(p, now, packet);
	head.at = media_time(p, seq32_unwrap(&p->timestamps, packet->timestamp));
	p->newest_at = MAX(p->newest_at, head.at);
	if (packet->seq != AUDIO_SEQ_NONE && packet->seq > p->newest_seq)
		p->newest_seq = packet->seq;
	head.duration = (int64_t)duration_of(p, packet);
	if (!head.duration) {
		p->stats.malformed++;
		return;
	}
	keep(p, now, &head, packet->payload);
}

/* ---- where we are ---- */

/* How much later than the target the next sample is played [us]. */
static wlk_time behind_target(const struct audio_playout *p)
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

/* The first packet begins where the line ends, or overlaps it. */
static void play_first(struct audio_playout *p)
{
	struct audio_packet *packet = audio_packets_take(&p->packets);
	int64_t overlap = p->next_at - packet->at;
	size_t samples = 0;

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
	remember_played(p, packet->at);
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
		play_first(p);
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
	return first->codec == p->decoder.codec && first->seq != AUDIO_SEQ_NONE &&
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
	wlk_time behind = behind_target(p);
	bool fec = has_fec_for(p, first);

	if (first->seq != AUDIO_SEQ_NONE && p->last_seq != AUDIO_SEQ_NONE && first->seq == p->last_seq + 1) {
		p->state = PLAYOUT_PAUSED; /* nothing was lost: the sender paused */
		p->joint_range = PITCH_LAG_MAX;
	} else if (fec && gap <= first->duration) {
		recover(p, first, (size_t)gap);
	} else if (p->expanded && behind >= SLOW_US) {
		/* What was made up stands for what was lost. */
		int64_t stands = MIN(p->expanded, gap);

		p->next_at += stands;
		p->expanded -= stands;
	} else if (behind > FAST_US + samples_to_us(gap)) {
		jump_to_first(p); /* the time that is to be won back anyway */
		p->joint = true;
	} else if (behind < SLOW_US && p->run < WAIT_FOR_LOST) {
		conceal(p, STEP);
		p->joint_range = PITCH_LAG_MAX;
	} else {
		int64_t missing = fec ? gap - first->duration : gap, piece = MIN(missing, PIECE_MAX);

		conceal(p, (size_t)piece);
		p->next_at += piece;
	}
}

/* Makes the line longer, or changes the state; a few times without sound at most. */
static void step(struct audio_playout *p)
{
	const struct audio_packet *first;

	discard_late(p);
	first = audio_packets_first(&p->packets);
	if (p->state == PLAYOUT_PAUSED)
		step_paused(p, first);
	else if (!first)
		step_starving(p);
	else if (first->at <= p->next_at)
		play_first(p);
	else
		step_hole(p, first, first->at - p->next_at);
}

/* Far behind, nobody wants to hear what waits in between. */
static void skip_old(struct audio_playout *p)
{
	int64_t until = p->next_at + us_to_samples(behind_target(p));
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
		play_first(p);
		first = audio_packets_first(&p->packets);
	}
}

static void stretch(struct audio_playout *p)
{
	wlk_time behind = behind_target(p);
	bool shorten = behind > FAST_US;
	const struct stretch_manner *manner;
	size_t by;

	if (!shorten && behind >= SLOW_US)
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
		step(p);
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
	if (p->state == PLAYOUT_PLAYING && behind_target(p) > PLAYOUT_SKIP_US)
		skip_old(p);
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
		out->delay_us = behind_target(p) + out->target_us;
}
