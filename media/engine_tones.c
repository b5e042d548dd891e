#include "media/engine_internal.h"
#include "media/rtp/dtmf.h"

/*
 * A tone is a row of packets with the timestamp of its beginning and a duration that grows (RFC 4733 2.5.1). It takes sequence
 * numbers of the audio stream: what the application numbers itself moves up behind it.
 */
enum { TONE_STEP_US = 20000, TONE_VOLUME = 10 };

static uint32_t ticks(wlk_time us, uint32_t clock_hz)
{
	return (uint32_t)((uint64_t)us * clock_hz / 1000000);
}

uint32_t media_engine_send_clock(const struct media_engine *e, size_t section)
{
	const struct media_section *s = section < e->section_count ? e->sections[section] : NULL;

	return s && s->layer_count && s->layers[0]->stream.started ? s->layers[0]->stream.clock_hz : 0;
}

/* Where the timeline of the stream is now; a stream that never sent begins here. */
static uint32_t timestamp_now(const struct send_stream *out, wlk_time now)
{
	if (!out->started)
		return out->timestamp_offset;
	return out->last_timestamp + ticks(MIN(MAX(now - out->last_sent, 0), 3600 * SECOND), out->clock_hz);
}

/* One packet between those of the application. What sender reports say of the stream's clock stays that of the audio. */
static wlk_err send_inserted(struct media_engine *e, wlk_time now, struct media_section *s, uint32_t timestamp, bool marker,
			     const struct dtmf_event *event)
{
	struct send_layer *l = s->layers[0];
	struct send_stream before = l->stream;
	uint8_t payload[DTMF_PAYLOAD_SIZE];
	struct bytes_writer w = bytes_writer(payload, sizeof(payload));
	struct rtp_send packet = { .marker = marker, .payload = { payload, sizeof(payload) } };
	wlk_err err;

	dtmf_write(&w, event);
	err = engine_send_numbered(e, now, s, l, &s->tone.payload, &packet, l->stream.next_seq, timestamp);
	if (l->stream.next_seq == before.next_seq)
		return err;
	if (before.started) {
		l->stream.pt = before.pt;
		l->stream.clock_hz = before.clock_hz;
		l->stream.last_timestamp = before.last_timestamp;
		l->stream.last_sent = before.last_sent;
	}
	l->stream.caller_base++;
	l->forward.seq_offset++;
	return err;
}

static wlk_err send_report(struct media_engine *e, wlk_time now, struct media_section *s, bool end, uint16_t duration)
{
	struct media_tone *tone = &s->tone;
	const struct dtmf_event event = { .event = tone->event, .end = end, .volume = TONE_VOLUME, .duration = duration };
	wlk_err err = send_inserted(e, now, s, tone->timestamp + tone->segment, !tone->packets, &event);

	tone->packets++;
	return err;
}

/* RFC 4733 2.5.1.3: the duration field holds 65,535 ticks; a longer tone goes on as a new segment, with its own timestamp. */
static wlk_err end_segment(struct media_engine *e, wlk_time now, struct media_section *s)
{
	wlk_err err = WLK_OK;

	for (int i = 0; !err && i < DTMF_END_REPEATS; i++)
		err = send_report(e, now, s, false, DTMF_DURATION_MAX);
	s->tone.segment += DTMF_DURATION_MAX;
	return err;
}

static void step(struct media_engine *e, wlk_time now, struct media_section *s)
{
	struct media_tone *tone = &s->tone;
	wlk_time played = MIN(tone->played + TONE_STEP_US, tone->duration);
	uint32_t length = ticks(played, tone->payload.clock_hz);
	bool end = played == tone->duration;
	wlk_err err = WLK_OK;

	tone->played = played;
	while (!err && length - tone->segment > DTMF_DURATION_MAX)
		err = end_segment(e, now, s);
	if (!err)
		err = send_report(e, now, s, end, (uint16_t)(length - tone->segment));
	tone->ends += end;
	tone->due = time_add(tone->due, TONE_STEP_US);
	if (err || tone->ends == DTMF_END_REPEATS)
		tone->due = WLK_TIME_NEVER;
}

wlk_err media_engine_play_tone(struct media_engine *e, wlk_time now, size_t section, uint8_t pt, uint8_t event, wlk_time duration_us)
{
	const struct media_payload *payload;
	struct media_section *s = NULL;
	struct send_layer *l = NULL;
	wlk_err err = engine_find_sending(e, section, 0, &s, &l);

	if (err)
		return err;
	payload = section_payload_by_send_pt(s, pt);
	if (!payload)
		return WLK_ERR_NOT_FOUND;
	s->tone = (struct media_tone){
		.payload = *payload,
		.event = event,
		.timestamp = timestamp_now(&l->stream, now),
		.duration = duration_us,
		.due = now,
	};
	engine_tones_step(e, now);
	return WLK_OK;
}

void engine_tones_step(struct media_engine *e, wlk_time now)
{
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		while (s->tone.due <= now) {
			if (s->send && s->layer_count && s->layers[0]->active)
				step(e, now, s);
			else
				s->tone.due = WLK_TIME_NEVER;
		}
	}
}
