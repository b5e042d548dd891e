#include "sdp_support.h"

#include "sdp/match.h"

static void test_h264_profiles_by_table_5(void **state)
{
	/* RFC 6184 8.1, table 5 */
	static const struct {
		struct str id;
		enum sdp_h264_profile profile;
	} rows[] = {
		{ { "42e01f", 6 }, SDP_H264_CONSTRAINED_BASELINE },
		{ { "42C00a", 6 }, SDP_H264_CONSTRAINED_BASELINE },
		{ { "4de01f", 6 }, SDP_H264_CONSTRAINED_BASELINE },
		{ { "58f01f", 6 }, SDP_H264_CONSTRAINED_BASELINE },
		{ { "42001f", 6 }, SDP_H264_BASELINE },
		{ { "42a01f", 6 }, SDP_H264_BASELINE },
		{ { "58a01f", 6 }, SDP_H264_BASELINE },
		{ { "4d401f", 6 }, SDP_H264_MAIN },
		{ { "4d001f", 6 }, SDP_H264_MAIN },
		{ { "58001f", 6 }, SDP_H264_EXTENDED },
		{ { "64001f", 6 }, SDP_H264_HIGH },
		{ { "640c1f", 6 }, SDP_H264_CONSTRAINED_HIGH },
		{ { "f4001f", 6 }, SDP_H264_HIGH_444 },
		{ { "42e11f", 6 }, SDP_H264_UNKNOWN },
		{ { "64081f", 6 }, SDP_H264_UNKNOWN },
		{ { "000000", 6 }, SDP_H264_UNKNOWN },
	};
	struct sdp_h264_level level;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(sdp_h264_parse(rows[i].id, &level));
		assert_int_equal(level.profile, rows[i].profile);
	}
	assert_false(sdp_h264_parse(STR("42e01"), &level));
	assert_false(sdp_h264_parse(STR("42e01g"), &level));
	assert_false(sdp_h264_parse(STR(""), &level));
}

static void test_h264_level_1b_lies_between_1_and_1_1(void **state)
{
	struct sdp_h264_level level;
	char id[7];

	(void)state;
	assert_true(sdp_h264_parse(STR("42f00b"), &level));
	assert_int_equal(level.level_x20, 21);
	assert_true(sdp_h264_parse(STR("640009"), &level));
	assert_int_equal(level.level_x20, 21);
	sdp_h264_write(&level, 21, id);
	assert_string_equal(id, "640009");
	assert_true(sdp_h264_parse(STR("42e01f"), &level));
	assert_int_equal(level.level_x20, 62);
	sdp_h264_write(&level, 21, id);
	assert_string_equal(id, "42f00b");
	sdp_h264_write(&level, 104, id);
	assert_string_equal(id, "42e034");
	assert_true(sdp_h264_parse(STR("42e00b"), &level));
	assert_int_equal(level.level_x20, 22);
}

static bool matches(const char *name, uint32_t clock, uint32_t channels, const char *ours, const char *theirs)
{
	struct sdp_codec_capability cap = {
		.name = STR("opus"), .clock_hz = 48000, .channels = 2, .fmtp = str_of(ours)
	};
	struct sdp_codec codec = {
		.name = str_of(name), .clock_hz = clock, .channels = channels, .fmtp = str_of(theirs)
	};

	if (clock == 90000) {
		cap.name = str_of(name);
		cap.clock_hz = clock;
		cap.channels = 0;
	}
	return sdp_codec_matches(&cap, &codec);
}

static void test_codec_identity(void **state)
{
	(void)state;
	assert_true(matches("OPUS", 48000, 2, "", "stereo=1"));
	assert_false(matches("opus", 48000, 1, "", ""));
	assert_false(matches("opus", 16000, 2, "", ""));
	assert_false(matches("opu", 48000, 2, "", ""));
	assert_true(matches("VP8", 90000, 0, "", "max-fs=12288;max-fr=60"));
	assert_true(matches("VP8", 90000, 1, "", ""));
	/* RFC 9628 6: no profile-id means 0 */
	assert_true(matches("VP9", 90000, 0, "profile-id=0", "max-fs=12288"));
	assert_false(matches("VP9", 90000, 0, "profile-id=0", "profile-id=2"));
	assert_true(matches("AV1", 90000, 0, "profile=0;tier=0", "level-idx=8"));
	assert_false(matches("AV1", 90000, 0, "profile=0", "profile=1"));
	assert_true(matches("H264", 90000, 0, "packetization-mode=1;profile-level-id=42e034",
			    "profile-level-id=42e01f;packetization-mode=1"));
	assert_true(matches("H264", 90000, 0, "packetization-mode=1;profile-level-id=42e034",
			    "profile-level-id=4dc01f;packetization-mode=1"));
	assert_false(matches("H264", 90000, 0, "packetization-mode=1;profile-level-id=42e034",
			     "profile-level-id=42001f;packetization-mode=1"));
	assert_false(
		matches("H264", 90000, 0, "packetization-mode=1;profile-level-id=42e034", "profile-level-id=42e01f"));
	/* RFC 6184 8.1: neither parameter means mode 0, baseline */
	assert_true(matches("H264", 90000, 0, "packetization-mode=0;profile-level-id=420034", ""));
	assert_false(matches("H264", 90000, 0, "packetization-mode=0;profile-level-id=420034", "profile-level-id=xyz"));
}

static void answers(bool own_level, const char *ours, const char *theirs, const char *expected)
{
	struct sdp_codec_capability cap = { .name = STR("H264"), .clock_hz = 90000, .fmtp = str_of(ours) };
	struct sdp_codec codec = { .name = STR("H264"), .clock_hz = 90000, .fmtp = str_of(theirs) };
	struct sdp_capabilities caps = { .h264_own_level = own_level };
	struct sdp_session *s;
	struct str out;

	assert_int_equal(sdp_session_create(&s), WLK_OK);
	assert_int_equal(sdp_answer_fmtp(s, &caps, &cap, &codec, &out), WLK_OK);
	str_is(out, expected);
	sdp_session_destroy(s);
}

static void test_h264_level_of_the_answer(void **state)
{
	static const char mine[] = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

	(void)state;
	/* RFC 6184 8.2.2: the lower of both ... */
	answers(false, mine, "packetization-mode=1;profile-level-id=42e034",
		"packetization-mode=1;profile-level-id=42e01f");
	answers(false, mine, "profile-level-id=42e00a; packetization-mode=1",
		"profile-level-id=42e00a; packetization-mode=1");
	/* ... unless both allow asymmetry, and we speak for ourselves */
	answers(true, mine, "profile-level-id=42e00a;packetization-mode=1",
		"profile-level-id=42e00a;packetization-mode=1");
	answers(true, mine, "level-asymmetry-allowed=1;profile-level-id=42e00a;packetization-mode=1",
		"level-asymmetry-allowed=1;profile-level-id=42e01f;packetization-mode=1");
	answers(false, mine, "level-asymmetry-allowed=1;profile-level-id=42e00a;packetization-mode=1",
		"level-asymmetry-allowed=1;profile-level-id=42e00a;packetization-mode=1");
}

static void test_apt(void **state)
{
	struct sdp_codec rtx = { .name = STR("RTX"), .fmtp = STR("apt=96;rtx-time=3000") };
	uint8_t apt = 0;

	(void)state;
	assert_true(sdp_codec_apt(&rtx, &apt));
	assert_int_equal(apt, 96);
	rtx.fmtp = STR("apt=128");
	assert_false(sdp_codec_apt(&rtx, &apt));
	rtx = (struct sdp_codec){ .name = STR("VP8"), .fmtp = STR("apt=96") };
	assert_false(sdp_codec_apt(&rtx, &apt));
}

static void test_feedback_bits(void **state)
{
	struct sdp_feedback feedback;

	(void)state;
	for (uint32_t bit = 1; bit <= SDP_FB_TRANSPORT_CC; bit <<= 1) {
		assert_true(sdp_feedback_by_bit(bit, &feedback));
		assert_int_equal(sdp_feedback_bit(&feedback), bit);
	}
	assert_false(sdp_feedback_by_bit(1 << 20, &feedback));
	feedback = (struct sdp_feedback){ STR("nack"), STR("sli") };
	assert_int_equal(sdp_feedback_bit(&feedback), 0);
}

static void test_default_capabilities(void **state)
{
	struct sdp_capabilities caps;

	(void)state;
	sdp_default_capabilities(&caps);
	for (size_t i = 0; i < caps.codec_count; i++) {
		struct sdp_h264_level level;
		struct str id;

		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(caps.codecs[i].payload_type, caps.codecs[k].payload_type);
		if (!sdp_fmtp_get(caps.codecs[i].fmtp, STR("profile-level-id"), &id))
			continue;
		assert_true(sdp_h264_parse(id, &level));
		assert_int_not_equal(level.profile, SDP_H264_UNKNOWN);
	}
	assert_int_equal(sdp_capabilities_enable_codec(&caps, STR("h264"), false), 10);
	assert_int_equal(sdp_capabilities_enable_codec(&caps, STR("H266"), false), 0);
	sdp_capabilities_enable_extension(&caps, SDP_EXT_RID, false);
	for (size_t i = 0; i < caps.extension_count; i++)
		assert_int_equal(caps.extensions[i].enabled, caps.extensions[i].extension != SDP_EXT_RID);
	for (int i = SDP_EXT_OTHER + 1; i < SDP_EXT_COUNT; i++)
		assert_int_equal(sdp_extension_by_uri(sdp_extension_uri((enum sdp_extension)i)), i);
	assert_int_equal(sdp_extension_by_uri(STR("urn:x")), SDP_EXT_OTHER);
	assert_int_equal(sdp_extension_by_uri(STR("")), SDP_EXT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_h264_profiles_by_table_5),
		cmocka_unit_test(test_h264_level_1b_lies_between_1_and_1_1),
		cmocka_unit_test(test_codec_identity),
		cmocka_unit_test(test_h264_level_of_the_answer),
		cmocka_unit_test(test_apt),
		cmocka_unit_test(test_feedback_bits),
		cmocka_unit_test(test_default_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
