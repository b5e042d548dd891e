/* The rate that receiver reports speak for, where nobody tells when packets arrive: losses and the round trip. */
#ifndef MEDIA_CC_REPORT_BWE_H
#define MEDIA_CC_REPORT_BWE_H

#include "core/err.h"
#include "core/time.h"

/*
 * draft-ietf-rmcat-gcc-02 6 with two changes. While neither losses nor a longer round trip were ever met, the rate grows by half
 * a second. And a round trip that grows means less, a few times, because a queue that holds a second would lose nothing for long;
 * when it does not answer, somebody else fills that queue, and losses alone decide.
 *
 *	report_bwe_add      for each report block
 *	report_bwe_update   when a compound packet with blocks ends
 */
enum {
	REPORT_PACKETS_MIN = 20,          /* fewer say nothing of a share */
	REPORT_WAIT_US = 2000000,         /* but for so long only */
	REPORT_RTT_GROWN_US = 80000,      /* above the least one: a queue */
	REPORT_RTT_SLOT_US = 15000000,    /* the least round trip is forgotten after two of them */
	REPORT_RTT_TRIES = 4,             /* decreases that a longer round trip may ask for in a row */
};

struct report_bwe {
	uint64_t bps;
	bool has_report;
	bool met_limit;       /* losses, or a queue, were seen */
	uint32_t expected, lost; /* since the last update that counted */
	wlk_time updated;     /* when that was; before all time: never */
	wlk_time decreased;
	wlk_time rtt;         /* the newest; 0: unknown */
	wlk_time least_rtt[2], slot_began;
	unsigned rtt_tries;
	double loss;          /* of the last update, 0..1 */
};

void report_bwe_init(struct report_bwe *r, uint64_t start_bps);
/** Of |expected| packets that a block speaks of, |lost| did not arrive. */
void report_bwe_add(struct report_bwe *r, uint32_t expected, uint32_t lost);
/** A round trip was measured [us]. */
void report_bwe_on_rtt(struct report_bwe *r, wlk_time now, wlk_time rtt);
/** Take what was added into account, if it is enough. @param sent_bps  what was sent lately */
void report_bwe_update(struct report_bwe *r, wlk_time now, uint64_t sent_bps);

#endif
