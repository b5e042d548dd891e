#include "media/cc/trendline.h"

static const double smoothing = 0.9;
static const double gain = 4, points_full = 60;
static const double threshold_start = 12.5, threshold_min = 6, threshold_max = 600;
static const double adapt_up = 0.0087, adapt_down = 0.039; /* per ms */
static const double outlier = 15;
static const double over_time_ms = 10;

void trendline_init(struct trendline *t)
{
	*t = (struct trendline){ .threshold = threshold_start };
}

static double ms(wlk_time us)
{
	return (double)us / 1000;
}

/* The slope of the line through the points, least squares; 0 while there are too few. */
static double slope_of(const struct trendline *t)
{
	size_t count = MIN(t->point_count, TREND_POINTS);
	double mean_x = 0, mean_y = 0, above = 0, below = 0;

	if (count < TREND_POINTS / 2)
		return 0;
	for (size_t i = 0; i < count; i++) {
		mean_x += t->points[i].at_ms / (double)count;
		mean_y += t->points[i].delay_ms / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		double x = t->points[i].at_ms - mean_x;

		above += x * (t->points[i].delay_ms - mean_y);
		below += x * x;
	}
	return below > 0 ? above / below : 0;
}

static void adapt_threshold(struct trendline *t, double trend, double passed_ms)
{
	double size = trend < 0 ? -trend : trend;

	if (size > t->threshold + outlier)
		return;
	t->threshold += (size < t->threshold ? adapt_down : adapt_up) * (size - t->threshold) * MIN(passed_ms, 100.0);
	t->threshold = MAX(MIN(t->threshold, threshold_max), threshold_min);
}

static void detect(struct trendline *t, double sent_ms, double arrived_ms)
{
	double before = t->slope, trend;

	t->slope = slope_of(t);
	trend = MIN((double)t->point_count, points_full) * t->slope * gain;
	if (trend > t->threshold) {
		t->over_ms += t->over_count ? sent_ms : sent_ms / 2;
		t->over_count++;
		if (t->over_ms > over_time_ms && t->over_count > 1 && t->slope >= before) {
			t->over_ms = 0;
			t->over_count = 0;
			t->signal = CC_OVERUSE;
		}
	} else {
		t->over_ms = 0;
		t->over_count = 0;
		t->signal = trend < -t->threshold ? CC_UNDERUSE : CC_NORMAL;
	}
	adapt_threshold(t, trend, arrived_ms);
}

static void end_group(struct trendline *t)
{
	double sent_ms = ms(t->current.sent - t->previous.sent);
	double arrived_ms = ms(t->current.arrival - t->previous.arrival);
	size_t place = t->point_count % TREND_POINTS;

	/* The receiver's clock was set, or it reordered whole groups. */
	if (arrived_ms < 0 || arrived_ms > 10000 || sent_ms > 10000) {
		trendline_init(t);
		return;
	}
	t->accumulated_ms += arrived_ms - sent_ms;
	t->smoothed_ms = smoothing * t->smoothed_ms + (1 - smoothing) * t->accumulated_ms;
	t->points[place].at_ms = ms(t->current.arrival - t->began);
	t->points[place].delay_ms = t->smoothed_ms;
	t->point_count++;
	detect(t, sent_ms, arrived_ms);
}

static bool belongs(const struct trend_group *g, wlk_time sent, wlk_time arrival)
{
	if (sent - g->first_sent <= TREND_BURST_US)
		return true;
	/* What waited together comes together: it left the queue in one go. */
	return arrival - g->arrival <= TREND_BURST_US && arrival - g->arrival < sent - g->sent &&
	       arrival - g->first_arrival < TREND_BURST_MAX_US;
}

void trendline_add(struct trendline *t, wlk_time sent, wlk_time arrival)
{
	struct trend_group *g = &t->current;

	if (t->groups && sent < g->first_sent)
		return;
	if (t->groups && belongs(g, sent, arrival)) {
		g->sent = MAX(g->sent, sent);
		g->arrival = MAX(g->arrival, arrival);
		return;
	}
	if (t->groups >= 2)
		end_group(t);
	if (!t->groups)
		t->began = arrival;
	t->previous = *g;
	*g = (struct trend_group){ .first_sent = sent, .sent = sent, .first_arrival = arrival, .arrival = arrival };
	t->groups++;
}
