/* Frames around a target rate: each a little larger or smaller, key frames and cuts much larger, made up for within a second. */
#ifndef SUPPORT_SYNTHETIC_ENCODER_H
#define SUPPORT_SYNTHETIC_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/time.h"

enum { SYNTHETIC_FRAME_US = 33333, SYNTHETIC_FRAME_MAX = 120000, SYNTHETIC_FRAME_TICKS = 3000 };

struct synthetic_encoder {
	uint64_t random;
	uint64_t target_bps, max_bps;
	wlk_time next; /* frame */
	double debt; /* bytes above the target so far */
	uint32_t frames;
	bool wants_key;
	wlk_time next_cut;
	bool paused;
};

/* |begins|: the time of the first frame. */
void synthetic_encoder_init(struct synthetic_encoder *e, uint64_t seed, wlk_time begins);
/*
 * The frame that is due at |now|, or nothing while it is paused or has no rate. |data| has room for SYNTHETIC_FRAME_MAX; what is in it
 * looks like VP8. *key: it is a key frame. Its timestamp is (frames - 1) * SYNTHETIC_FRAME_TICKS.
 */
size_t synthetic_encoder_frame(struct synthetic_encoder *e, wlk_time now, uint8_t *data, bool *key);

#endif
