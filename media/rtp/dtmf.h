/* The payload of telephone events, DTMF above all (RFC 4733). */
#ifndef MEDIA_RTP_DTMF_H
#define MEDIA_RTP_DTMF_H

#include "core/bytes.h"
#include "core/err.h"

enum {
	DTMF_PAYLOAD_SIZE = 4,     /* of one event report */
	DTMF_EVENT_MAX = 15,       /* events 0..15 are the DTMF tones (RFC 4733 3.2); others are lines, fax, ... */
	DTMF_VOLUME_MAX = 63,      /* the quietest that can be written */
	DTMF_DURATION_MAX = 0xffff, /* a longer event goes on as a new segment (RFC 4733 2.5.1.3) */
	DTMF_END_REPEATS = 3,      /* how often the final packet of an event is sent (RFC 4733 2.5.1.4) */
};

/* One event report. */
struct dtmf_event {
	uint8_t event;     /* 0..255 */
	bool end;          /* the event is over; |duration| is final */
	uint8_t volume;    /* power level in -dBm0 without its sign: 0 loudest, 63 quietest; only for tones */
	uint16_t duration; /* from the packet's timestamp on, in units of the RTP clock; 0: lasts for ever (a state) */
};

/**
 * Read the |index|-th report of a payload (RFC 4733 2.3.1; consecutive events may share a packet, 2.5.1.6). The reserved
 * bit is ignored. WLK_ERR_PARSE: the payload is empty or no multiple of 4 bytes. WLK_ERR_NOT_FOUND: no more reports.
 */
wlk_err dtmf_parse(struct dtmf_event *out, const uint8_t *payload, size_t size, size_t index) WLK_NODISCARD;

/** Write one report, DTMF_PAYLOAD_SIZE bytes. A volume above 63 is written as 63. */
void dtmf_write(struct bytes_writer *w, const struct dtmf_event *event);

/** The event of a tone character, 0-9 * # A-D a-d (RFC 4733 3.2), or -1. */
int dtmf_event_of_tone(char tone);

/** The tone character of an event, upper case, or 0 when it is no DTMF tone. */
char dtmf_tone_of_event(uint8_t event);

#endif
