/* Which SSRCs of the peer may cost memory in libsrtp (R19), and which are retired. */
#ifndef SRTP_SSRC_TABLE_H
#define SRTP_SSRC_TABLE_H

#include "core/err.h"

enum ssrc_state {
	SSRC_ANNOUNCED, /* by a description */
	SSRC_LEARNED,   /* an authenticated packet carried it */
	SSRC_RETIRED,   /* its replay window is gone: refused */
};

struct ssrc_entry {
	uint32_t ssrc;
	uint8_t state;
	bool learned; /* counts towards the limit of learned ones, for good */
};

/* Sorted by SSRC. */
struct ssrc_table {
	struct ssrc_entry *items;
	size_t count;
	size_t capacity;
	size_t learned;
	wlk_time credit_us; /* a token bucket in time: one learned SSRC costs a fixed span of it */
	wlk_time credit_at;
};

void ssrc_table_init(struct ssrc_table *t);
void ssrc_table_free(struct ssrc_table *t);
/* NULL when it is not in the table. */
struct ssrc_entry *ssrc_table_find(const struct ssrc_table *t, uint32_t ssrc);

/* WLK_ERR_NOSPACE above the limit of announced ones, WLK_ERR_NOMEM. */
wlk_err ssrc_table_announce(struct ssrc_table *t, uint32_t ssrc);
/* Refused from now on. Of an SSRC that is not in the table nothing is kept. */
void ssrc_table_retire(struct ssrc_table *t, uint32_t ssrc);

/* May a packet of |ssrc| be looked at? True for known ones, and for others while there is budget and memory. */
bool ssrc_table_may_pass(struct ssrc_table *t, wlk_time now, uint32_t ssrc);
/* A packet of |ssrc| that was let pass turned out authentic: an unknown one is learned and paid for. */
void ssrc_table_passed(struct ssrc_table *t, uint32_t ssrc);

#endif
