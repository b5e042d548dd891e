/* Who was heard lately: the SSRCs and CSRCs of what was handed out, for getSynchronizationSources and its sibling. */
#ifndef MEDIA_RECV_HEARD_H
#define MEDIA_RECV_HEARD_H

#include "core/time.h"

enum {
	HEARD_MAX = 64,            /* the one that is silent for longest gives its place to a new one */
	HEARD_AGE_US = 10000000,   /* W3C webrtc-pc 5.3: of the last 10 seconds */
	HEARD_LEVEL_NONE = 0xff,
};

struct heard_source {
	uint32_t id; /* SSRC or CSRC */
	bool is_csrc;
	uint8_t level; /* -dBov, 0..127 (RFC 6464); HEARD_LEVEL_NONE: not told */
	wlk_time at;
	uint32_t rtp_timestamp;
};

struct heard {
	struct heard_source items[HEARD_MAX];
	size_t count;
};

/* A packet with this source was handed out; what is known of it is replaced. */
void heard_note(struct heard *h, const struct heard_source *source);
/* Those of one sort that are not older than 10 s at |now|, latest first; writes up to |capacity|, answers how many there are. */
size_t heard_list(const struct heard *h, wlk_time now, bool csrcs, struct heard_source *out, size_t capacity);

#endif
