/* The RTP payload format for VP8 (RFC 7741). */
#ifndef MEDIA_RTP_VP8_H
#define MEDIA_RTP_VP8_H

#include "media/rtp/payload.h"

/** Bytes of the descriptor that vp8_descriptor_write() makes of |info|. */
size_t vp8_descriptor_size(const struct payload_info *info);

/** Write the payload descriptor (RFC 7741 4.2); |first| sets the S bit. */
void vp8_descriptor_write(struct bytes_writer *w, const struct payload_info *info, bool first);

/** Read the payload descriptor; sets what it says in |info| and answers its size, 0: malformed. */
size_t vp8_descriptor_parse(struct payload_info *info, const uint8_t *payload, size_t size);

/** See payload_depacketize(). */
wlk_err vp8_depacketize(struct payload_info *info, struct bytes_writer *out, const uint8_t *payload, size_t size);

/** See payload_inspect(): the frame tag and a key frame's size (RFC 6386 9.1). */
void vp8_inspect(wlk_bytes frame, struct payload_info *info);

#endif
