#include "media/rtp/dtmf.h"

static const char tones[DTMF_EVENT_MAX + 2] = "0123456789*#ABCD";

/* RFC 4733 2.3
 *  0                   1                   2                   3
 * |     event     |E|R| volume    |          duration             |
 */
enum { END_BIT = 0x80, VOLUME_MASK = 0x3f };

wlk_err dtmf_parse(struct dtmf_event *out, const uint8_t *payload, size_t size, size_t index)
{
	const uint8_t *report;

	if (!size || size % DTMF_PAYLOAD_SIZE)
		return WLK_ERR_PARSE;
	if (index >= size / DTMF_PAYLOAD_SIZE)
		return WLK_ERR_NOT_FOUND;
	report = payload + index * DTMF_PAYLOAD_SIZE;
	*out = (struct dtmf_event){
		.event = report[0],
		.end = report[1] & END_BIT,
		.volume = report[1] & VOLUME_MASK,
		.duration = load_u16(report + 2),
	};
	return WLK_OK;
}

void dtmf_write(struct bytes_writer *w, const struct dtmf_event *event)
{
	bytes_put_u8(w, event->event);
	bytes_put_u8(w, (uint8_t)((event->end ? END_BIT : 0) | MIN(event->volume, DTMF_VOLUME_MAX)));
	bytes_put_u16(w, event->duration);
}

int dtmf_event_of_tone(char tone)
{
	if (tone >= 'a' && tone <= 'd')
		tone = (char)(tone - 'a' + 'A');
	for (int event = 0; event <= DTMF_EVENT_MAX; event++)
		if (tones[event] == tone)
			return event;
	return -1;
}

char dtmf_tone_of_event(uint8_t event)
{
	return (char)(event <= DTMF_EVENT_MAX ? tones[event] : 0);
}
