/* Codec identity: which fmtp parameters make two payload types different codecs, and what an answer says of them. */
#ifndef SDP_MATCH_H
#define SDP_MATCH_H

#include "sdp/negotiate.h"

enum sdp_h264_profile {
	SDP_H264_UNKNOWN,
	SDP_H264_CONSTRAINED_BASELINE,
	SDP_H264_BASELINE,
	SDP_H264_MAIN,
	SDP_H264_EXTENDED,
	SDP_H264_CONSTRAINED_HIGH,
	SDP_H264_HIGH,
	SDP_H264_HIGH_444,
};

/* profile-level-id (RFC 6184 8.1): the profile by table 5; the level in steps that compare, 1b between 1 and 1.1 */
struct sdp_h264_level {
	enum sdp_h264_profile profile;
	uint8_t idc;        /* profile_idc */
	uint8_t iop;        /* constraint flags */
	uint32_t level_x20; /* level times 20: 1.0 is 20, 1b is 21, 1.1 is 22, 3.1 is 62 */
};

/* Six hex digits; false when malformed. */
bool sdp_h264_parse(struct str profile_level_id, struct sdp_h264_level *out);
/* The same profile with another level, as six lower-case hex digits and a NUL. */
void sdp_h264_write(const struct sdp_h264_level *profile, uint32_t level_x20, char out[7]);

/* Is the codec of a description the one that we can do? Names without regard to case. */
bool sdp_codec_matches(const struct sdp_codec_capability *capability, const struct sdp_codec *codec);
/*
 * The fmtp of an answer to |codec|: what was offered; for H.264 with the level that RFC 6184 8.2.2 allows.
 * WLK_ERR_NOMEM.
 */
wlk_err sdp_answer_fmtp(struct sdp_session *session, const struct sdp_capabilities *caps,
			const struct sdp_codec_capability *capability, const struct sdp_codec *codec,
			struct str *out) WLK_NODISCARD;

/* rtx, red, ulpfec, flexfec-03, telephone-event, CN: formats that carry nothing without another codec beside them */
bool sdp_codec_is_auxiliary(struct str name);
bool sdp_codec_is(const struct sdp_codec *codec, struct str name);
/* The payload type that an rtx format repairs (RFC 4588 8.1); false when this is no rtx or apt is malformed. */
bool sdp_codec_apt(const struct sdp_codec *codec, uint8_t *out);
/* Bits of enum sdp_feedback_bits that the section has for this codec. */
uint32_t sdp_codec_feedback_bits(const struct sdp_media *media, const struct sdp_codec *codec);
/* Type and parameter of one bit; false for an unknown one. */
bool sdp_feedback_by_bit(uint32_t bit, struct sdp_feedback *out);
uint32_t sdp_feedback_bit(const struct sdp_feedback *feedback);

#endif
