/* Whether somebody speaks, by the levels that packets of sound tell (RFC 6464). */
#ifndef MEDIA_RECV_SPEAKING_H
#define MEDIA_RECV_SPEAKING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/time.h"

enum {
	SPEAKING_LEVEL_MAX = 50,    /* -dBov; what is quieter is no speech */
	SPEAKING_BEGIN_US = 100000, /* so much loud sound, pauses between syllables aside, makes somebody speak */
	SPEAKING_END_US = 1000000,  /* so long without any ends it */
	SPEAKING_PACKET_MAX_US = 120000, /* of sound in a packet */
};

/* All zero: nothing was heard, and nothing is to be told. */
struct speaking {
	bool is_speaking, told;
	bool uses_voice; /* the sender sets the V bit, so that what is loud without it is no speech */
	bool heard;
	uint8_t level;   /* of the last packet, -dBov: 0 loudest, 127 silence */
	wlk_time last, last_loud;
	wlk_time loud_us; /* lately: grows with loud sound, shrinks as fast without */
};

/** A packet tells its level. */
void speaking_hear(struct speaking *s, wlk_time now, uint8_t level, bool voice);
/** When silence ends it; WLK_TIME_NEVER: nobody speaks. */
wlk_time speaking_deadline(const struct speaking *s);
void speaking_handle_timeout(struct speaking *s, wlk_time now);
/** True when is_speaking is not what was told last. */
bool speaking_poll(struct speaking *s);

#endif
