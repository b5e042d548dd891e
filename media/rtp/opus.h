/* The durations of audio packets: Opus (RFC 7587, RFC 6716 3.1) and the codecs of fixed rate (RFC 3551). */
#ifndef MEDIA_RTP_OPUS_H
#define MEDIA_RTP_OPUS_H

#include "core/bytes.h"

enum { OPUS_SAMPLES_MAX = 5760 }; /* 120 ms at 48 kHz, the longest packet (RFC 6716 3.2.5, R5) */

/** Duration of an Opus packet in samples at 48 kHz, by its TOC byte and frame count; 0: malformed (RFC 6716 3.4). */
uint32_t opus_samples(const uint8_t *packet, size_t size);

/** True when the TOC byte says stereo. */
bool opus_is_stereo(const uint8_t *packet, size_t size);

#endif
