/* Whether a frame can be decoded, given what was handed out before it: the chains of temporal and spatial layers. */
#ifndef MEDIA_RECV_REFERENCES_H
#define MEDIA_RECV_REFERENCES_H

#include "media/rtp/payload.h"

enum { REFERENCES_PICTURES = 128, REFERENCES_SPATIAL = 8 };

/* One spatial layer of VP8 or of VP9 in non-flexible mode, told apart into temporal layers by TL0PICIDX. */
struct layer_chain {
	bool intact;
	int16_t tl0_pic_idx; /* of the last frame of temporal layer 0; -1: not in use */
	int8_t intact_up_to; /* highest temporal layer whose frames are all there */
	int32_t last_picture_id; /* that was handed out; -1: none */
	bool lost; /* packets since then never came, and they may have been of this layer */
};

/* Pictures of VP9 that were handed out, with the spatial layers of each. */
struct picture_mark {
	int32_t picture_id; /* -1: none */
	uint8_t layers;
};

struct references {
	enum rtp_codec codec; /* of the frame judged last; with another one all begins anew */
	bool started; /* a key frame was handed out */
	int32_t last_picture_id;
	bool picture_id_is_short;
	struct layer_chain chains[REFERENCES_SPATIAL];
	struct picture_mark pictures[REFERENCES_PICTURES];
};

enum reference_verdict {
	REFERENCE_OK,        /* hand it out */
	REFERENCE_MISSING,   /* not decodable, and a later frame will be without a key frame */
	REFERENCE_NEEDS_KEY, /* not decodable, and nothing will be until the next key frame */
};

void references_init(struct references *r);

/**
 * Judge one whole frame, in order of sending, and remember it when it is good.
 *
 * VP8 and VP9 tell what refers to what by picture ids and layer indices (RFC 7741 4.2, RFC 9628 4.2); of all other codecs
 * each frame needs the one before it.
 *
 * @param lost  packets between the frame judged before and this one never came
 */
enum reference_verdict references_judge(struct references *r, enum rtp_codec codec, const struct payload_info *info,
					bool lost);

#endif
