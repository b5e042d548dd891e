#include "media/recv/audio_playout_internal.h"

enum {
	OLD_SSRC_US = 1000000,
	TIMESTAMP_STEP_DEFAULT = 960,
};

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

void playout_remember_played(struct audio_playout *p, int64_t at)
{
	p->played[p->played_next++ % PLAYOUT_REMEMBERED] = at;
}

/* Packets of a codec that is not in use yet are taken to be as long as is usual. */
static size_t duration_of(struct audio_playout *p, const struct audio_playout_packet *packet)
{
	if (packet->is_noise)
		return TIMESTAMP_STEP_DEFAULT;
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
	struct audio_packet head = { .seq = packet->seq, .arrival = now, .codec = packet->codec, .is_noise = packet->is_noise };

	if (!packet->payload.size || packet->payload.size > PLAYOUT_PACKET_SIZE_MAX || !packet->clock_hz || packet->clock_hz > 384000) {
		p->stats.malformed++;
		return;
	}
	if (p->has_stream && packet->ssrc != p->ssrc && packet->ssrc == p->old_ssrc && now < p->old_until) {
		p->stats.packets_discarded++;
		return;
	}
	if (packet->is_noise && (!p->has_stream || packet->clock_hz != p->clock_hz))
		return; /* silence before or beside what is heard */
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
