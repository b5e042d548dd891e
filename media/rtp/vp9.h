/* The RTP payload format for VP9 (RFC 9628), flexible and non-flexible mode. */
#ifndef MEDIA_RTP_VP9_H
#define MEDIA_RTP_VP9_H

#include "media/rtp/payload.h"

enum { VP9_SPATIAL_MAX = 8 };

/* The scalability structure (RFC 9628 4.2.1), as far as somebody asks for it. */
struct vp9_structure {
	bool is_there;
	uint8_t spatial_count; /* 1..8 */
	bool has_sizes;
	uint16_t width[VP9_SPATIAL_MAX], height[VP9_SPATIAL_MAX];
	uint8_t group_size; /* pictures in a group; 0: none given */
};

/** Bytes of the descriptor that vp9_descriptor_write() makes of |info| at most. */
size_t vp9_descriptor_size(const struct payload_info *info);

/**
 * Write the payload descriptor (RFC 9628 4.2). Layer indices are written when spatial and temporal are known,
 * TL0PICIDX with them in non-flexible mode. A key picture whose size is known begins with a scalability structure of one
 * layer.
 */
void vp9_descriptor_write(struct bytes_writer *w, const struct payload_info *info, bool first, bool last);

/** Read the payload descriptor; sets what it says in |info| and |structure| and answers its size, 0: malformed. */
size_t vp9_descriptor_parse(struct payload_info *info, struct vp9_structure *structure, const uint8_t *payload,
			    size_t size);

/** See payload_depacketize(). */
wlk_err vp9_depacketize(struct payload_info *info, struct bytes_writer *out, const uint8_t *payload, size_t size);

/** See payload_inspect(): the uncompressed header (VP9 bitstream 6.2), profiles 0 to 3. */
void vp9_inspect(wlk_bytes frame, struct payload_info *info);

#endif
