/* When each video frame is to be shown: the sender's rhythm, held back by what the network's jitter asks for. */
#ifndef MEDIA_RECV_JITTER_BUFFER_H
#define MEDIA_RECV_JITTER_BUFFER_H

#include "core/time.h"

/*
 * It holds no frames. Of each whole frame it learns when it arrived; the fastest ones of the last seconds tell where the
 * sender's clock stands here, and how much later the others came is the jitter. Three things make the delay that frames
 * are held back by:
 *
 *	the delay that 97 % of the frames stay below, by a histogram that forgets within a few seconds
 *	what a frame as large as the largest ones takes longer on the way, by a line through sizes and delays
 *	a round trip, while losses are mended by retransmission
 *
 * The delay follows slowly downwards and quickly upwards, so that a single late frame does not make a pause that lasts.
 */
enum {
	JITTER_BINS = 200,
	JITTER_BIN_US = 10000,
	JITTER_DELAY_MAX_US = JITTER_BINS * JITTER_BIN_US, /* R25: 2 s */
	JITTER_JUMP_US = 10000000,                         /* a timestamp that is off by more begins anew (R25) */
	JITTER_WINDOW_US = 5000000,                        /* the fastest frame of this and of the one before */
};

struct jitter_buffer {
	uint32_t clock_hz;
	bool started;
	uint32_t last_timestamp;
	int64_t ticks;             /* of last_timestamp, without wrap */
	wlk_time base, next_base;  /* lowest arrival minus media time: of the window before, and of this one */
	wlk_time window_ends;
	double bins[JITTER_BINS], total;
	double mean_size, mean_delay, size_variance, covariance, large_size;
	wlk_time last_recovery, recovery_us; /* a retransmission helped; 0: long ago */
	uint32_t recoveries;
	wlk_time target_us, current_us, minimum_us, wish_us;
	wlk_time moved_at;
	uint32_t resets;
};

void jitter_buffer_init(struct jitter_buffer *j, uint32_t clock_hz);

/* A whole frame. */
struct jitter_frame {
	uint32_t timestamp;
	size_t size;      /* bytes */
	wlk_time arrival; /* of its last packet */
	bool recovered;   /* a retransmission helped */
};

/** Learn from a frame, in the order of sending. |rtt_us| 0: unknown. */
void jitter_buffer_on_frame(struct jitter_buffer *j, const struct jitter_frame *frame, wlk_time rtt_us);

/** When the frame of |timestamp| is to be shown; it may lie in the past. After the first jitter_buffer_on_frame(). */
wlk_time jitter_buffer_render_time(const struct jitter_buffer *j, uint32_t timestamp);

/** How long frames are held back at present, and what that moves to [us]. */
wlk_time jitter_buffer_delay(const struct jitter_buffer *j);
wlk_time jitter_buffer_target(const struct jitter_buffer *j);
/** Never hold back less than this: for lip-sync, and as the application's jitterBufferTarget. */
void jitter_buffer_set_minimum(struct jitter_buffer *j, wlk_time us);
void jitter_buffer_set_wish(struct jitter_buffer *j, wlk_time us);

#endif
