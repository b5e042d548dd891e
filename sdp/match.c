#include "sdp/match.h"

#include <stdio.h>

#include "sdp/attr.h"

/* RFC 6184 8.1, table 5: profile_idc and the constraint bits that tell profiles apart. */
static const struct {
	uint8_t idc, mask, value;
	enum sdp_h264_profile profile;
} h264_profiles[] = {
	{ 0x42, 0x4f, 0x40, SDP_H264_CONSTRAINED_BASELINE }, /* x1xx0000 */
	{ 0x4d, 0x8f, 0x80, SDP_H264_CONSTRAINED_BASELINE }, /* 1xxx0000 */
	{ 0x58, 0xcf, 0xc0, SDP_H264_CONSTRAINED_BASELINE }, /* 11xx0000 */
	{ 0x42, 0x4f, 0x00, SDP_H264_BASELINE },             /* x0xx0000 */
	{ 0x58, 0xcf, 0x80, SDP_H264_BASELINE },             /* 10xx0000 */
	{ 0x4d, 0xaf, 0x00, SDP_H264_MAIN },                 /* 0x0x0000 */
	{ 0x58, 0xcf, 0x00, SDP_H264_EXTENDED },             /* 00xx0000 */
	{ 0x64, 0xff, 0x00, SDP_H264_HIGH },
	{ 0x64, 0xff, 0x0c, SDP_H264_CONSTRAINED_HIGH },
	{ 0xf4, 0xff, 0x00, SDP_H264_HIGH_444 },
};

enum { LEVEL_1B_X20 = 21, CONSTRAINT_SET3 = 0x10 };

bool sdp_h264_parse(struct str profile_level_id, struct sdp_h264_level *out)
{
	struct sdp_h264_level level = { .profile = SDP_H264_UNKNOWN };
	uint8_t bytes[3];

	if (!str_hex(profile_level_id, bytes, sizeof(bytes)))
		return false;
	level.idc = bytes[0];
	level.iop = bytes[1];
	level.level_x20 = 2u * bytes[2];
	/* Level 1b: level_idc 11 with constraint_set3 below High, 9 from High on. */
	if ((bytes[2] == 11 && (bytes[1] & CONSTRAINT_SET3) && bytes[0] <= 0x58) || bytes[2] == 9)
		level.level_x20 = LEVEL_1B_X20;
	for (size_t i = 0; i < ARRAY_SIZE(h264_profiles); i++) {
		if (h264_profiles[i].idc != bytes[0] || (bytes[1] & h264_profiles[i].mask) != h264_profiles[i].value)
			continue;
		level.profile = h264_profiles[i].profile;
		break;
	}
	*out = level;
	return true;
}

void sdp_h264_write(const struct sdp_h264_level *profile, uint32_t level_x20, char out[7])
{
	bool low = profile->idc <= 0x58; /* level 1b is told by constraint_set3 */
	uint8_t iop = low ? (uint8_t)(profile->iop & ~CONSTRAINT_SET3) : profile->iop;
	uint8_t level = (uint8_t)(level_x20 / 2);

	if (level_x20 == LEVEL_1B_X20) {
		level = low ? 11 : 9;
		iop = low ? (uint8_t)(iop | CONSTRAINT_SET3) : iop;
	}
	snprintf(out, 7, "%02x%02x%02x", profile->idc, iop, level);
}

/* What an fmtp without profile-level-id means: baseline, level 1 (RFC 6184 8.1). */
static bool h264_of(struct str fmtp, struct sdp_h264_level *out)
{
	struct str value = STR("42000a");

	(void)sdp_fmtp_get(fmtp, STR("profile-level-id"), &value);
	return sdp_h264_parse(value, out);
}

static uint32_t number_or_zero(struct str fmtp, struct str name)
{
	uint32_t value = 0;

	(void)sdp_fmtp_number(fmtp, name, 255, &value);
	return value;
}

static bool same_number(struct str a, struct str b, struct str name)
{
	return number_or_zero(a, name) == number_or_zero(b, name);
}

static bool same_h264(struct str a, struct str b)
{
	struct sdp_h264_level x, y;

	return h264_of(a, &x) && h264_of(b, &y) && x.profile != SDP_H264_UNKNOWN && x.profile == y.profile &&
	       same_number(a, b, STR("packetization-mode"));
}

static uint32_t number_or(struct str fmtp, struct str name, uint32_t otherwise)
{
	(void)sdp_fmtp_number(fmtp, name, 255, &otherwise);
	return otherwise;
}

/* RFC 7798 7.1 and 7.2.2: profile and tier are equal; nothing said means main and main. The level is what the offer says. */
static bool same_h265(struct str a, struct str b)
{
	return same_number(a, b, STR("profile-space")) && same_number(a, b, STR("tier-flag")) &&
	       number_or(a, STR("profile-id"), 1) == number_or(b, STR("profile-id"), 1);
}

bool sdp_codec_is(const struct sdp_codec *codec, struct str name)
{
	return str_equal_nocase(codec->name, name);
}

bool sdp_codec_matches(const struct sdp_codec_capability *capability, const struct sdp_codec *codec)
{
	if (!sdp_codec_is(codec, capability->name) || codec->clock_hz != capability->clock_hz ||
	    MAX(codec->channels, 1u) != MAX(capability->channels, 1u))
		return false;
	if (sdp_codec_is(codec, STR("H264")))
		return same_h264(capability->fmtp, codec->fmtp);
	if (sdp_codec_is(codec, STR("VP9")))
		return same_number(capability->fmtp, codec->fmtp, STR("profile-id"));
	if (sdp_codec_is(codec, STR("H265")))
		return same_h265(capability->fmtp, codec->fmtp);
	if (sdp_codec_is(codec, STR("AV1")))
		return same_number(capability->fmtp, codec->fmtp, STR("profile"));
	return true;
}

/* Both may send at a higher level than they receive (RFC 6184 8.1, level-asymmetry-allowed). */
static bool asymmetric(struct str a, struct str b)
{
	return number_or_zero(a, STR("level-asymmetry-allowed")) == 1 &&
	       number_or_zero(b, STR("level-asymmetry-allowed")) == 1;
}

/* |fmtp| with its profile-level-id replaced. */
static wlk_err with_profile_level_id(struct sdp_session *session, struct str fmtp, const char *id, struct str *out)
{
	struct text text;
	struct str rest = fmtp;
	struct sdp_param param;
	wlk_err err;

	text_init(&text);
	while (sdp_fmtp_next(&rest, &param)) {
		bool replace = str_equal_nocase(param.name, STR("profile-level-id"));

		if (text.size)
			text_add_char(&text, ';');
		text_add_str(&text, param.name);
		if (param.name.size)
			text_add_char(&text, '=');
		text_add_str(&text, replace ? str_of(id) : param.value);
	}
	err = text_ok(&text) ? sdp_copy(session, (struct str){ text.at, text.size }, out) : WLK_ERR_NOMEM;
	text_free(&text);
	return err;
}

wlk_err sdp_answer_fmtp(struct sdp_session *session, const struct sdp_capabilities *caps,
			const struct sdp_codec_capability *capability, const struct sdp_codec *codec, struct str *out)
{
	struct sdp_h264_level ours, offered;
	uint32_t level;
	char id[7];

	if (!sdp_codec_is(codec, STR("H264")) || !h264_of(capability->fmtp, &ours) || !h264_of(codec->fmtp, &offered))
		return sdp_copy(session, codec->fmtp, out);
	level = MIN(ours.level_x20, offered.level_x20);
	if (caps->h264_own_level && asymmetric(capability->fmtp, codec->fmtp))
		level = ours.level_x20;
	if (level == offered.level_x20)
		return sdp_copy(session, codec->fmtp, out);
	sdp_h264_write(&offered, level, id);
	return with_profile_level_id(session, codec->fmtp, id, out);
}

bool sdp_codec_is_auxiliary(struct str name)
{
	static const struct str names[] = {
		{ "rtx", 3 }, { "red", 3 }, { "ulpfec", 6 }, { "flexfec-03", 10 }, { "telephone-event", 15 },
		{ "CN", 2 }
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_equal_nocase(name, names[i]))
			return true;
	return false;
}

bool sdp_codec_apt(const struct sdp_codec *codec, uint8_t *out)
{
	uint32_t apt;

	if (!sdp_codec_is(codec, STR("rtx")) || !sdp_fmtp_number(codec->fmtp, STR("apt"), 127, &apt))
		return false;
	*out = (uint8_t)apt;
	return true;
}

static const struct {
	uint32_t bit;
	struct sdp_feedback feedback;
} feedback_bits[] = {
	{ SDP_FB_REMB, { { "goog-remb", 9 }, { "", 0 } } },
	{ SDP_FB_TRANSPORT_CC, { { "transport-cc", 12 }, { "", 0 } } },
	{ SDP_FB_CCFB, { { "ack", 3 }, { "ccfb", 4 } } },
	{ SDP_FB_CCM_FIR, { { "ccm", 3 }, { "fir", 3 } } },
	{ SDP_FB_NACK, { { "nack", 4 }, { "", 0 } } },
	{ SDP_FB_NACK_PLI, { { "nack", 4 }, { "pli", 3 } } },
};

bool sdp_feedback_by_bit(uint32_t bit, struct sdp_feedback *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(feedback_bits); i++) {
		if (feedback_bits[i].bit != bit)
			continue;
		*out = feedback_bits[i].feedback;
		return true;
	}
	return false;
}

uint32_t sdp_feedback_bit(const struct sdp_feedback *feedback)
{
	for (size_t i = 0; i < ARRAY_SIZE(feedback_bits); i++)
		if (str_equal_nocase(feedback->type, feedback_bits[i].feedback.type) &&
		    str_equal_nocase(feedback->parameter, feedback_bits[i].feedback.parameter))
			return feedback_bits[i].bit;
	return 0;
}

static uint32_t bits_of(const struct sdp_feedback *list, size_t count)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= sdp_feedback_bit(&list[i]);
	return bits;
}

uint32_t sdp_codec_feedback_bits(const struct sdp_media *media, const struct sdp_codec *codec)
{
	return bits_of(codec->feedback, codec->feedback_count) | bits_of(media->feedback, media->feedback_count);
}
