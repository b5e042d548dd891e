/* What Wirelark offers when nobody asks for less: the table of codecs and header extensions. */
#include "sdp/match.h"
#include "sdp/negotiate.h"

enum {
	VIDEO_FEEDBACK = SDP_FB_NACK | SDP_FB_NACK_PLI | SDP_FB_CCM_FIR | SDP_FB_REMB | SDP_FB_TRANSPORT_CC | SDP_FB_CCFB,
	AUDIO_FEEDBACK = SDP_FB_TRANSPORT_CC | SDP_FB_CCFB,
};

#define S(literal)                                                                                                     \
	{                                                                                                              \
		literal, sizeof(literal) - 1                                                                           \
	}
#define AUDIO(name, clock, channels, fmtp, type)                                                                       \
	{                                                                                                              \
		SDP_AUDIO, true, S(name), clock, channels, S(fmtp), type, 0, AUDIO_FEEDBACK, "audio/" name             \
	}
#define VIDEO(name, fmtp, type, rtx)                                                                                   \
	{                                                                                                              \
		SDP_VIDEO, true, S(name), 90000, 0, S(fmtp), type, rtx, VIDEO_FEEDBACK, "video/" name                  \
	}
/*
 * Level 5.2: as a relay we pass on what others encode. The wanted payload types are Chromium's, since some receivers
 * have learned them by heart.
 */
#define H264(mode, profile, type, rtx)                                                                                 \
	VIDEO("H264", "level-asymmetry-allowed=1;packetization-mode=" mode ";profile-level-id=" profile "34", type, rtx)

static const struct sdp_codec_capability default_codecs[] = {
	AUDIO("opus", 48000, 2, "minptime=10;useinbandfec=1", 111),
	AUDIO("red", 48000, 2, "", 63),
	AUDIO("G722", 8000, 0, "", 9), /* the clock that RFC 3551 4.5.2 kept by mistake; it samples at 16 kHz */
	AUDIO("PCMU", 8000, 0, "", 0),
	AUDIO("PCMA", 8000, 0, "", 8),
	{ SDP_AUDIO, true, S("CN"), 8000, 0, S(""), 13, 0, 0, "audio/CN" },
	{ SDP_AUDIO, true, S("telephone-event"), 48000, 0, S("0-16"), 110, 0, 0, "audio/telephone-event" },
	{ SDP_AUDIO, true, S("telephone-event"), 8000, 0, S("0-16"), 126, 0, 0, "audio/telephone-event" },
	VIDEO("VP8", "", 96, 97),
	VIDEO("VP9", "profile-id=0", 98, 99),
	VIDEO("VP9", "profile-id=2", 100, 101),
	H264("1", "4200", 102, 103),
	H264("0", "4200", 104, 105),
	H264("1", "42e0", 106, 107),
	H264("0", "42e0", 108, 109),
	H264("1", "4d00", 112, 113),
	H264("0", "4d00", 114, 115),
	H264("1", "6400", 116, 117),
	H264("0", "6400", 118, 119),
	H264("1", "640c", 120, 121),
	H264("0", "640c", 122, 123),
	VIDEO("AV1", "level-idx=5;profile=0;tier=0", 45, 46),
	VIDEO("H265", "level-id=156;profile-id=1;tier-flag=0;tx-mode=SRST", 49, 50),
	{ SDP_VIDEO, false, S("red"), 90000, 0, S(""), 124, 125, 0, "video/red" },
	{ SDP_VIDEO, false, S("ulpfec"), 90000, 0, S(""), 127, 0, 0, "video/ulpfec" },
};

static const struct sdp_extension_capability default_extensions[] = {
	/* extension, enabled, audio, video, id, both_ways */
	{ SDP_EXT_AUDIO_LEVEL, true, true, false, 1, true },
	{ SDP_EXT_ABS_SEND_TIME, true, true, true, 2, false },
	{ SDP_EXT_TRANSPORT_CC, true, true, true, 3, false },
	{ SDP_EXT_MID, true, true, true, 4, false },
	{ SDP_EXT_PLAYOUT_DELAY, true, false, true, 5, true },
	{ SDP_EXT_RID, true, false, true, 10, false },
	{ SDP_EXT_REPAIRED_RID, true, false, true, 11, false },
	{ SDP_EXT_DEPENDENCY_DESCRIPTOR, true, false, true, 12, true },
	{ SDP_EXT_VIDEO_ORIENTATION, true, false, true, 13, true },
};

void sdp_default_capabilities(struct sdp_capabilities *out)
{
	_Static_assert(ARRAY_SIZE(default_codecs) <= SDP_MAX_CODEC_CAPABILITIES, "the table of codecs fits");
	_Static_assert(ARRAY_SIZE(default_extensions) <= SDP_MAX_EXTENSION_CAPABILITIES,
		       "the table of extensions fits");

	*out = (struct sdp_capabilities){ .codec_count = ARRAY_SIZE(default_codecs),
					  .extension_count = ARRAY_SIZE(default_extensions) };
	memcpy(out->codecs, default_codecs, sizeof(default_codecs));
	memcpy(out->extensions, default_extensions, sizeof(default_extensions));
}

size_t sdp_capabilities_enable_codec(struct sdp_capabilities *caps, struct str name, bool enabled)
{
	size_t touched = 0;

	for (size_t i = 0; i < caps->codec_count; i++) {
		if (!str_equal_nocase(caps->codecs[i].name, name))
			continue;
		caps->codecs[i].enabled = enabled;
		touched++;
	}
	return touched;
}

void sdp_capabilities_enable_extension(struct sdp_capabilities *caps, enum sdp_extension extension, bool enabled)
{
	for (size_t i = 0; i < caps->extension_count; i++)
		if (caps->extensions[i].extension == extension)
			caps->extensions[i].enabled = enabled;
}

static const struct str uris[SDP_EXT_COUNT] = {
	[SDP_EXT_OTHER] = S(""),
	[SDP_EXT_MID] = S("urn:ietf:params:rtp-hdrext:sdes:mid"),
	[SDP_EXT_RID] = S("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
	[SDP_EXT_REPAIRED_RID] = S("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
	[SDP_EXT_ABS_SEND_TIME] = S("http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
	[SDP_EXT_TRANSPORT_CC] = S("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
	[SDP_EXT_AUDIO_LEVEL] = S("urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
	[SDP_EXT_VIDEO_ORIENTATION] = S("urn:3gpp:video-orientation"),
	[SDP_EXT_PLAYOUT_DELAY] = S("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
	[SDP_EXT_DEPENDENCY_DESCRIPTOR] =
		S("https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"),
};

struct str sdp_extension_uri(enum sdp_extension extension)
{
	return uris[extension];
}

enum sdp_extension sdp_extension_by_uri(struct str uri)
{
	for (size_t i = SDP_EXT_OTHER + 1; i < SDP_EXT_COUNT; i++)
		if (str_equal(uris[i], uri))
			return (enum sdp_extension)i;
	return SDP_EXT_OTHER;
}
