/* The DTMF sender (W3C webrtc-pc 7): which tone is next and when; the media engine makes its packets. */
#include <string.h>

#include "peer/object.h"

enum {
	DURATION_MIN_MS = 40,
	GAP_MIN_MS = 30,
	TIME_MAX_MS = 6000,
	TONES_MAX = 4096, /* characters in a row: more than a day of pauses */
	DTMF_UPDATES_MAX = 64, DTMF_EVENTS_MAX = 512, /* events that wait: no more of these then */
	PAUSE = 16, /* where "," stands among the tones */
};

static const wlk_time comma_pause_us = 2000000;

/* Events in the order of their numbers (RFC 4733 3.2), as texts that can be lent. */
static const char tone_texts[][2] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D", "," };

void peer_dtmf_init(struct peer_dtmf *d)
{
	*d = (struct peer_dtmf){ .due = WLK_TIME_NEVER };
}

void peer_dtmf_free(struct peer_dtmf *d)
{
	wlk_free(d->tones);
}

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'd' ? c - 'a' + 'A' : c);
}

/* Index into tone_texts, -1: no tone. */
static int tone_index(char c)
{
	for (size_t i = 0; i < ARRAY_SIZE(tone_texts); i++)
		if (tone_texts[i][0] == upper(c))
			return (int)i;
	return -1;
}

/* The telephone-event format with the clock of what is being sent (RFC 4733 2.2); NULL: not negotiated. */
static const struct sdp_agreed_codec *event_codec(const struct wlk_transceiver *t)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	const struct sdp_agreed_codec *found = NULL;
	uint32_t clock_hz = t->transport ? media_engine_send_clock(t->transport->media, t->section) : 0;

	for (size_t i = 0; section && i < section->codec_count; i++) {
		const struct sdp_agreed_codec *codec = &section->codecs[i];

		if (!str_equal_nocase(codec->name, STR("telephone-event"))) {
			clock_hz = clock_hz ? clock_hz : codec->clock_hz;
			continue;
		}
		if (!found || (found->clock_hz != clock_hz && codec->clock_hz == clock_hz))
			found = codec;
	}
	return found;
}

static bool sends_audio(const struct wlk_transceiver *t)
{
	return t->kind == WLK_MEDIA_AUDIO && !t->pc->closed && !t->stopping && (t->current & WLK_DIRECTION_SENDONLY);
}

bool wlk_rtp_sender_can_insert_dtmf(const wlk_rtp_sender *sender)
{
	const struct wlk_transceiver *t = sender->transceiver;

	return sends_audio(t) && sender->encodings[0].active && t->pc->connection_state == WLK_CONNECTION_CONNECTED && event_codec(t);
}

static bool all_are_tones(const char *tones)
{
	size_t size = 0;

	while (size <= TONES_MAX && tones[size] && tone_index(tones[size]) >= 0)
		size++;
	return size <= TONES_MAX && !tones[size];
}

static wlk_time clamp_ms(uint32_t ms, uint32_t min)
{
	return (wlk_time)MAX(MIN(ms, (uint32_t)TIME_MAX_MS), min) * MILLISECOND;
}

wlk_err wlk_rtp_sender_insert_dtmf(wlk_rtp_sender *sender, const char *tones, uint32_t duration_ms, uint32_t gap_ms)
{
	struct wlk_transceiver *t = sender->transceiver;
	struct peer_dtmf *d = &sender->dtmf;
	char *copy;

	RECORD(t->pc, record_insert_dtmf(recorded, t, tones, duration_ms, gap_ms));
	if (!wlk_rtp_sender_can_insert_dtmf(sender))
		return peer_fail(t->pc, WLK_ERR_STATE, "no tones can be sent");
	if (!tones || !all_are_tones(tones))
		return peer_fail_as(t->pc, WLK_ERR_INVALID, "InvalidCharacterError",
				    "tones are 0-9 A-D # * and \",\", at most %d of them", TONES_MAX);
	copy = wlk_strdup(tones);
	if (!copy)
		return peer_fail(t->pc, WLK_ERR_NOMEM, "out of memory");
	for (char *c = copy; *c; c++)
		*c = upper(*c);
	peer_refresh_now(t->pc);
	wlk_free(d->tones);
	d->tones = copy;
	d->next = 0;
	d->duration = clamp_ms(duration_ms, DURATION_MIN_MS);
	d->gap = clamp_ms(gap_ms, GAP_MIN_MS);
	/* A row that is being played goes on with the new tones when its present one is over. */
	if (*copy && d->due == WLK_TIME_NEVER)
		d->due = t->pc->now;
	peer_touch(t->pc);
	return WLK_OK;
}

const char *wlk_rtp_sender_tone_buffer(const wlk_rtp_sender *sender)
{
	return sender->dtmf.tones ? sender->dtmf.tones + sender->dtmf.next : "";
}

static void emit_tone(struct wlk_transceiver *t, const char *tone)
{
	wlk_event ev = { .type = WLK_EVENT_TONE_CHANGE };

	ev.u.tone_change.sender = &t->sender;
	ev.u.tone_change.tone = tone;
	peer_emit(t->pc, ev);
}

void peer_emit_dtmf(wlk_peer_connection *pc, const struct media_event *media)
{
	struct wlk_transceiver *t = peer_transceiver_by_section(pc, media->section);
	wlk_event ev = { .type = WLK_EVENT_DTMF };

	if (!t || t->receiver.level == WLK_MEDIA_LEVEL_PACKETS)
		return;
	/* R37: a flood of them is cut, updates first. */
	if (event_queue_count(&pc->events) > (media->dtmf.phase == DTMF_UPDATE ? DTMF_UPDATES_MAX : DTMF_EVENTS_MAX))
		return;
	ev.u.dtmf.transceiver = t;
	ev.u.dtmf.phase = (wlk_dtmf_phase)media->dtmf.phase; /* the same numbers */
	ev.u.dtmf.event = media->dtmf.event;
	ev.u.dtmf.tone = media->dtmf.event < PAUSE ? tone_texts[media->dtmf.event][0] : 0;
	ev.u.dtmf.volume = media->dtmf.volume;
	ev.u.dtmf.duration = media->dtmf.duration;
	peer_emit(pc, ev);
}

static void start_tone(struct wlk_transceiver *t, int event)
{
	const struct sdp_agreed_codec *codec = event_codec(t);
	wlk_err err = WLK_ERR_NOT_FOUND;

	if (codec)
		err = media_engine_play_tone(t->transport->media, t->pc->now, t->section, codec->send_type, (uint8_t)event,
					     t->sender.dtmf.duration);
	if (err)
		LOG_D(t->pc, "a tone is not sent: %s", wlk_strerror(err));
}

/* The playout task of W3C webrtc-pc 7.2. */
/* RFC 4733 2.5.1.4: the end is told three times, in steps of 20 ms; the next tone must not cut that short. */
static wlk_time last_report_after(wlk_time duration)
{
	enum { STEP_US = 20000 };

	return (duration + STEP_US - 1) / STEP_US * STEP_US + STEP_US + 1;
}

static void play(struct wlk_transceiver *t)
{
	struct peer_dtmf *d = &t->sender.dtmf;
	int tone;

	d->due = WLK_TIME_NEVER;
	if (!sends_audio(t) || !t->transport)
		return;
	if (!d->tones[d->next]) {
		emit_tone(t, "");
		return;
	}
	tone = tone_index(d->tones[d->next++]);
	assert(tone >= 0 && "rows of tones were checked");
	if (tone == PAUSE) {
		d->due = time_add(t->pc->now, comma_pause_us);
	} else {
		start_tone(t, tone);
		d->due = time_add(t->pc->now, MAX(d->duration + d->gap, last_report_after(d->duration)));
	}
	emit_tone(t, tone_texts[tone]);
}

wlk_time peer_dtmf_deadline(const wlk_peer_connection *pc)
{
	wlk_time at = WLK_TIME_NEVER;

	list_for_each(item, &pc->transceivers)
		at = time_min(at, list_entry(item, struct wlk_transceiver, link)->sender.dtmf.due);
	return at;
}

void peer_dtmf_handle_timeout(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->sender.dtmf.due <= pc->now)
			play(t);
	}
}
