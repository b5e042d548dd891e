/* Layers of a stream: the modes of W3C webrtc-svc, and which frame refers to which. */
#ifndef MEDIA_CODEC_SCALABILITY_H
#define MEDIA_CODEC_SCALABILITY_H

#include "core/err.h"

enum { SCALABILITY_SPATIAL_MAX = 3, SCALABILITY_TEMPORAL_MAX = 3, SCALABILITY_SLOTS = 8, SCALABILITY_REFS_MAX = 2 };

struct scalability {
	uint8_t spatial, temporal; /* layers, 1..3 */
	bool key_only;             /* _KEY: spatial layers refer to each other in key pictures only */
	bool by_three_halves;      /* "h": each spatial layer is 1.5 times the one below, not twice */
};

/** "L1T1".."L3T3", with "h", "_KEY" behind it. False: none of these (simulcast "S..." and "_KEY_SHIFT" are not). NULL or "" is L1T1. */
bool scalability_parse(struct scalability *out, const char *mode);

enum { SCALABILITY_NAME_SIZE = 12 };
/** The mode's name and a NUL into |out|, which has room for SCALABILITY_NAME_SIZE; returns it. */
char *scalability_name(const struct scalability *s, char *out);

/** Size of a side of spatial layer |spatial| when the highest has |full|. At least 1. */
uint32_t scalability_side(const struct scalability *s, unsigned spatial, uint32_t full);

/**
 * A share of the stream's rate for each layer, [spatial][temporal], not cumulative; they add up to |total|. Layers at and above |active| get 0.
 */
void scalability_divide(const struct scalability *s, unsigned active, uint64_t total,
			uint64_t out[SCALABILITY_SPATIAL_MAX][SCALABILITY_TEMPORAL_MAX]);

/* What one layer frame refers to and where it is kept. Slots are the codec's reference buffers. */
struct scalability_frame {
	int8_t previous;    /* slot of the same spatial layer in an earlier picture; -1: none */
	int8_t below;       /* slot of the layer below in this picture; -1: none */
	int8_t keep;        /* slot that it is written to; -1: nothing refers to it */
	bool is_layer_sync;
	bool is_discardable; /* nothing in higher spatial layers of this picture refers to it (VP9's D of the payload descriptor's view) */
};

/* Where a stream is in its pattern. All zero: before the first picture. */
struct scalability_state {
	uint8_t at;           /* place in the temporal pattern */
	uint8_t active;       /* spatial layers of the last picture */
	uint8_t valid;        /* slots that hold a frame of this layer, since the last key picture */
	uint32_t pictures;    /* since the last key picture */
	uint32_t written[SCALABILITY_SLOTS]; /* picture number of each slot's frame */
};

struct scalability_picture {
	uint8_t temporal;
	uint8_t active; /* layer frames */
	struct scalability_frame frames[SCALABILITY_SPATIAL_MAX];
};

/** Plan the next picture, |active| spatial layers of it. Changes nothing. */
void scalability_plan(const struct scalability *s, const struct scalability_state *state, bool key, unsigned active,
		      struct scalability_picture *out);
/** It was encoded with layer frames 0..|made| - 1 (some may have been dropped). */
void scalability_done(const struct scalability *s, struct scalability_state *state, bool key, const struct scalability_picture *picture,
		      unsigned made);

/** How many pictures back slot |slot|'s frame is, seen from the picture that is planned: 1..127; 0: further. */
uint8_t scalability_distance(const struct scalability_state *state, int slot);

#endif
