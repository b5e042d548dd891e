/* What the frames of one send stream count: picture ids, temporal layers, and whether a receiver can begin. */
#ifndef MEDIA_SEND_FRAMES_H
#define MEDIA_SEND_FRAMES_H

#include "core/err.h"
#include "media/rtp/payload.h"

struct send_frames {
	bool started;         /* a key frame has gone out, and everything since */
	bool picture_is_open; /* more spatial layers of it follow */
	bool picture_is_key;
	bool has_picture_id;
	uint16_t picture_id; /* of the last picture; 15 bits, begins at random */
	uint8_t tl0_pic_idx;
	bool turns; /* there was a frame that is to be turned for showing */
	/* statistics */
	uint32_t sent, key_sent, huge_sent;
	uint64_t total_bytes;
	uint16_t width, height; /* of the last key frame */
};

/* What the sender of a frame says about it. */
struct send_frame_layers {
	int8_t temporal, spatial; /* -1: none */
	bool is_layer_sync, is_discardable, is_inter_layer;
	uint8_t ref_count;
	uint8_t refs[PAYLOAD_REFS_MAX]; /* a single 0: of a spatial layer that begins, to no earlier picture */
};

/**
 * Fill in what the payload descriptor of the next frame says. |info| comes from payload_inspect(). Nothing is counted yet.
 * WLK_ERR_STATE: it would be the first, and is no key frame. WLK_ERR_CRYPTO: no random number to begin with.
 */
wlk_err send_frames_describe(struct send_frames *f, enum rtp_codec codec, const struct send_frame_layers *layers,
			     struct payload_info *info) WLK_NODISCARD;

/** It left: |size| bytes; |more| spatial layers of the same picture follow. */
void send_frames_sent(struct send_frames *f, enum rtp_codec codec, const struct payload_info *info, size_t size, bool more);

/** Only a part of it left: what follows is of no use before the next key frame. */
void send_frames_broken(struct send_frames *f);

#endif
