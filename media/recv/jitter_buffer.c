#include "media/recv/jitter_buffer.h"

#include <string.h>

#include "core/err.h"

#define KEEP        0.988 /* of a frame's weight, when the next one comes */
#define KEEP_LARGE  0.998
#define QUANTILE    0.97
#define SLOPE_MAX   80.0 /* us a byte: 100 kbit/s */
#define UP_SPEED    2    /* the delay grows by at most 1/2 of the time that passes */
#define DOWN_SPEED  25
#define RECOVERY_US (5 * SECOND)
#define UNSEEN_US   10000 /* less than a screen takes to show a picture: nobody sees one that is so late */

void jitter_buffer_init(struct jitter_buffer *j, uint32_t clock_hz)
{
	*j = (struct jitter_buffer){ .clock_hz = clock_hz };
}

static wlk_time media_us(const struct jitter_buffer *j, int64_t ticks)
{
	return ticks * (int64_t)SECOND / (int64_t)j->clock_hz;
}

static void begin(struct jitter_buffer *j, const struct jitter_frame *frame)
{
	struct jitter_buffer fresh = {
		.clock_hz = j->clock_hz,
		.started = true,
		.last_timestamp = frame->timestamp,
		.base = frame->arrival,
		.next_base = frame->arrival,
		.window_ends = frame->arrival + JITTER_WINDOW_US,
		.mean_size = (double)frame->size,
		.large_size = (double)frame->size,
		.minimum_us = j->minimum_us,
		.wish_us = j->wish_us,
		.moved_at = frame->arrival,
		.resets = j->resets + j->started,
	};

	*j = fresh;
}

/* The fastest frames say where the sender's clock stands; old ones are forgotten, because clocks drift. */
static wlk_time delay_of(struct jitter_buffer *j, wlk_time arrival, wlk_time media)
{
	wlk_time offset = arrival - media;

	if (arrival >= j->window_ends) {
		j->base = j->next_base;
		j->next_base = offset;
		j->window_ends = arrival + JITTER_WINDOW_US;
	}
	j->next_base = time_min(j->next_base, offset);
	j->base = time_min(j->base, j->next_base);
	return offset - j->base;
}

static void note_delay(struct jitter_buffer *j, wlk_time delay)
{
	size_t bin = (size_t)(MIN(delay, (wlk_time)JITTER_DELAY_MAX_US - 1) / JITTER_BIN_US);

	for (size_t i = 0; i < JITTER_BINS; i++)
		j->bins[i] *= KEEP;
	j->bins[bin] += 1;
	j->total = j->total * KEEP + 1;
}

static void note_size(struct jitter_buffer *j, double size, double delay)
{
	double ds = size - j->mean_size, dd = delay - j->mean_delay;

	j->mean_size += ds * (1 - KEEP);
	j->mean_delay += dd * (1 - KEEP);
	j->size_variance = j->size_variance * KEEP + ds * ds;
	j->covariance = j->covariance * KEEP + ds * dd;
	j->large_size = MAX(size, j->large_size * KEEP_LARGE + j->mean_size * (1 - KEEP_LARGE));
}

static wlk_time quantile_of(const struct jitter_buffer *j)
{
	double sum = 0, wanted = QUANTILE * j->total;

	for (size_t i = 0; i < JITTER_BINS; i++) {
		sum += j->bins[i];
		if (sum >= wanted) /* between the two ends of the bin; less than a bin is no jitter */
			return i ? (wlk_time)(((double)(i + 1) - (sum - wanted) / j->bins[i]) * JITTER_BIN_US) : 0;
	}
	return JITTER_DELAY_MAX_US;
}

static wlk_time size_delay_of(const struct jitter_buffer *j)
{
	double slope = j->size_variance > 0 ? j->covariance / j->size_variance : 0;

	slope = slope < 0 ? 0 : MIN(slope, SLOPE_MAX);
	return (wlk_time)(j->mean_delay + slope * (j->large_size - j->mean_size));
}

static void note_recovery(struct jitter_buffer *j, const struct jitter_frame *frame, wlk_time rtt_us)
{
	if (frame->arrival - j->last_recovery > RECOVERY_US)
		j->recoveries = 0;
	if (!frame->recovered)
		return;
	j->recoveries++;
	j->last_recovery = frame->arrival;
	j->recovery_us = rtt_us;
}

static void follow(struct jitter_buffer *j, wlk_time now)
{
	wlk_time size_delay = size_delay_of(j), passed = MAX(now - j->moved_at, 0);

	j->target_us = MAX(MAX(quantile_of(j), size_delay) - UNSEEN_US, 0);
	if (j->recoveries > 1)
		j->target_us = MAX(j->target_us, j->recovery_us + JITTER_BIN_US);
	j->target_us = MIN(j->target_us, (wlk_time)JITTER_DELAY_MAX_US);
	j->moved_at = now;
	if (j->current_us < j->target_us)
		j->current_us = MIN(j->target_us, j->current_us + passed / UP_SPEED);
	else
		j->current_us = MAX(j->target_us, j->current_us - passed / DOWN_SPEED);
}

void jitter_buffer_on_frame(struct jitter_buffer *j, const struct jitter_frame *frame, wlk_time rtt_us)
{
	int64_t ticks = j->ticks + (int32_t)(frame->timestamp - j->last_timestamp);
	wlk_time delay;

	if (!j->started) {
		begin(j, frame);
		return;
	}
	delay = frame->arrival - media_us(j, ticks) - j->base;
	if (delay > JITTER_JUMP_US || delay < -(wlk_time)JITTER_JUMP_US) {
		begin(j, frame);
		return;
	}
	j->ticks = ticks;
	j->last_timestamp = frame->timestamp;
	delay = delay_of(j, frame->arrival, media_us(j, ticks));
	note_delay(j, delay);
	if (!frame->recovered) /* what a retransmission took says nothing of the frame's size */
		note_size(j, (double)frame->size, (double)MIN(delay, (wlk_time)JITTER_DELAY_MAX_US));
	note_recovery(j, frame, rtt_us);
	follow(j, frame->arrival);
}

wlk_time jitter_buffer_delay(const struct jitter_buffer *j)
{
	return MIN(MAX(j->current_us, MAX(j->minimum_us, j->wish_us)), (wlk_time)JITTER_DELAY_MAX_US);
}

wlk_time jitter_buffer_target(const struct jitter_buffer *j)
{
	return MIN(MAX(j->target_us, MAX(j->minimum_us, j->wish_us)), (wlk_time)JITTER_DELAY_MAX_US);
}

wlk_time jitter_buffer_render_time(const struct jitter_buffer *j, uint32_t timestamp)
{
	int64_t ticks = j->ticks + (int32_t)(timestamp - j->last_timestamp);

	return j->base + media_us(j, ticks) + jitter_buffer_delay(j);
}

void jitter_buffer_set_minimum(struct jitter_buffer *j, wlk_time us)
{
	j->minimum_us = MAX(us, 0);
}

void jitter_buffer_set_wish(struct jitter_buffer *j, wlk_time us)
{
	j->wish_us = MAX(us, 0);
}
