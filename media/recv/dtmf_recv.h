/* Telephone events that come in: packets that repeat and get lost into a beginning, its updates and an end (RFC 4733 2.5.2). */
#ifndef MEDIA_RECV_DTMF_RECV_H
#define MEDIA_RECV_DTMF_RECV_H

#include "core/time.h"
#include "media/rtp/dtmf.h"

enum {
	DTMF_LOST_US = 250000, /* nothing came for so long: the event is over, its end got lost */
	DTMF_BACK_S = 60,      /* a time so far back is no late packet: the sender began anew */
	DTMF_FACTS_MAX = 16,   /* not polled yet; of more the updates go first */
};

enum dtmf_phase { DTMF_BEGIN, DTMF_UPDATE, DTMF_END };

struct dtmf_fact {
	enum dtmf_phase phase;
	uint8_t event;     /* 0..15 are tones, see dtmf_tone_of_event() */
	uint8_t volume;    /* -dBm0, 0..63 */
	wlk_time duration; /* so far [us]; at the end of all */
};

struct dtmf_recv {
	bool is_open;
	bool started;         /* |timestamp| is of an event that was seen, open or not */
	uint8_t event, volume;
	uint32_t timestamp;   /* of the present segment of the event */
	uint32_t clock_hz;
	uint64_t before;      /* ticks of the segments before it */
	uint16_t duration;    /* ticks of this one so far */
	wlk_time deadline;    /* WLK_TIME_NEVER: nothing is open */
	size_t first, count;
	struct dtmf_fact facts[DTMF_FACTS_MAX];
	uint64_t malformed;
};

void dtmf_recv_init(struct dtmf_recv *r);

/** What is open ends here; the next packet begins anew, whatever its time. */
void dtmf_recv_restart(struct dtmf_recv *r);

/**
 * One packet, in any order.
 * @param clock_hz  of |timestamp| and of the durations, not 0
 */
void dtmf_recv_input(struct dtmf_recv *r, wlk_time now, uint32_t timestamp, uint32_t clock_hz, wlk_bytes payload);
/** The next fact; false: none. Each DTMF_BEGIN is followed by one DTMF_END. */
bool dtmf_recv_poll(struct dtmf_recv *r, struct dtmf_fact *out);
/** End an event that nothing is heard of any more. */
void dtmf_recv_handle_timeout(struct dtmf_recv *r, wlk_time now);

#endif
