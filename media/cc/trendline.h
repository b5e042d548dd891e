/* Whether the delay of a path grows: inter-group delay variation, its trend, and a threshold that adapts to both. */
#ifndef MEDIA_CC_TRENDLINE_H
#define MEDIA_CC_TRENDLINE_H

#include "core/err.h"
#include "core/time.h"

/*
 * draft-ietf-rmcat-gcc-02 5.2 to 5.4, with the least-squares slope of the smoothed accumulated delay in the place of the
 * Kalman filter, and the adaptive threshold of Carlucci et al., "Analysis and design of the Google congestion control for
 * web real-time communication", 2016.
 */
enum {
	TREND_POINTS = 20,
	TREND_BURST_US = 5000,
	TREND_BURST_MAX_US = 100000,
};

enum cc_signal { CC_NORMAL, CC_OVERUSE, CC_UNDERUSE };

/* Packets that were sent together. */
struct trend_group {
	wlk_time first_sent, sent;
	wlk_time first_arrival, arrival;
};

struct trendline {
	size_t groups; /* begun; the first two give no difference */
	struct trend_group current, previous;
	wlk_time began; /* arrival of the first group */
	double accumulated_ms, smoothed_ms;
	struct {
		double at_ms, delay_ms;
	} points[TREND_POINTS]; /* ring */
	size_t point_count;     /* ever */
	double slope;
	double threshold;
	double over_ms; /* how long the trend has been above the threshold */
	unsigned over_count;
	enum cc_signal signal;
};

void trendline_init(struct trendline *t);
/** A packet that arrived; times of both clocks. Packets sent before the group at hand are ignored. */
void trendline_add(struct trendline *t, wlk_time sent, wlk_time arrival);

#endif
