/** H.264 by Cisco's OpenH264, as a plug-in: a library of its own, so that Wirelark itself stands without it. */
#ifndef WIRELARK_OPENH264_H
#define WIRELARK_OPENH264_H

#include <wirelark/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Add OpenH264's encoder (constrained baseline, packetization-mode 1, up to three temporal layers) and decoder (also main and
 * high profile without interlacing) to a set, before a connection has it. Errors: those of wlk_codec_set_add_video_encoder().
 */
WLK_API wlk_err wlk_openh264_add(wlk_codec_set *set);

#ifdef __cplusplus
}
#endif

#endif
