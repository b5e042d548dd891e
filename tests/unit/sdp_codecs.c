/* Codecs as real lines have them: each H.264 line of the corpus, profiles that are equal (RFC 6184 8.2.2), and what belongs together. */
#include "sdp_support.h"

#include <stdio.h>
#include <string.h>

#include "sdp/match.h"

/* ---- H.264 ---- */

/* profile-level-ids by what they name, RFC 6184 8.1 table 5; patterns of constraint flags, "x" of the table as 0 and 1. */
static const struct {
	enum sdp_h264_profile profile;
	const char *ids[8];
} same_profile[] = {
	{ SDP_H264_CONSTRAINED_BASELINE, { "42401f", "42c01f", "42e01f", "42f00b", "4d801f", "4de01f", "58c01f", "58f01f" } },
	{ SDP_H264_BASELINE, { "42001f", "42801f", "42a01f", "42b01f", "58801f", "58b01f" } },
	{ SDP_H264_MAIN, { "4d001f", "4d401f", "4d101f", "4d501f" } },
	{ SDP_H264_EXTENDED, { "58001f", "58301f" } },
	{ SDP_H264_HIGH, { "64001f", "640034" } },
	{ SDP_H264_CONSTRAINED_HIGH, { "640c1f", "640c0a" } },
	{ SDP_H264_HIGH_444, { "f4001f" } },
};

static bool match_ids(const char *ours, unsigned our_mode, const char *theirs, unsigned their_mode)
{
	char a[96], b[96];
	struct sdp_codec_capability cap = { .name = STR("H264"), .clock_hz = 90000 };
	struct sdp_codec codec = { .name = STR("H264"), .clock_hz = 90000 };

	snprintf(a, sizeof(a), "packetization-mode=%u;profile-level-id=%s", our_mode, ours);
	snprintf(b, sizeof(b), "profile-level-id=%s;level-asymmetry-allowed=1;packetization-mode=%u", theirs, their_mode);
	cap.fmtp = str_of(a);
	codec.fmtp = str_of(b);
	return sdp_codec_matches(&cap, &codec);
}

/* Equal are two configurations of one profile and one packetization mode, whatever their levels. */
static void test_rfc6184_equal_configurations(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(same_profile); a++) {
		for (size_t i = 0; i < 8 && same_profile[a].ids[i]; i++) {
			struct sdp_h264_level level;

			assert_true(sdp_h264_parse(str_of(same_profile[a].ids[i]), &level));
			assert_int_equal(level.profile, same_profile[a].profile);
			for (size_t b = 0; b < ARRAY_SIZE(same_profile); b++) {
				for (size_t k = 0; k < 8 && same_profile[b].ids[k]; k++) {
					assert_int_equal(match_ids(same_profile[a].ids[i], 1, same_profile[b].ids[k], 1), a == b);
					assert_int_equal(match_ids(same_profile[a].ids[i], 0, same_profile[b].ids[k], 0), a == b);
					assert_false(match_ids(same_profile[a].ids[i], 1, same_profile[b].ids[k], 0));
					compared++;
				}
			}
		}
	}
	assert_int_equal(compared, 25 * 25);
}

/* Every profile-level-id that stands in the corpus, and what becomes of it. */
static const struct {
	const char *id;
	enum sdp_h264_profile profile;
	bool accepted;
	const char *own_level; /* of an answer that tells our level, 5.2 */
} corpus_ids[] = {
	{ "42001f", SDP_H264_BASELINE, true, "420034" },
	{ "42e01f", SDP_H264_CONSTRAINED_BASELINE, true, "42e034" },
	{ "4d001f", SDP_H264_MAIN, true, "4d0034" },
	{ "f4001f", SDP_H264_HIGH_444, false, NULL },
};

static size_t h264_lines;

/* The fmtp of the answer, with our own level or with the lower one. */
static void answer_is(const struct sdp_codec_capability *cap, const struct sdp_codec *codec, bool own_level, const char *id)
{
	struct sdp_capabilities caps = { .h264_own_level = own_level };
	struct sdp_session *s;
	struct str fmtp, answered, mode, offered_mode, asymmetry;

	assert_int_equal(sdp_session_create(&s), WLK_OK);
	assert_int_equal(sdp_answer_fmtp(s, &caps, cap, codec, &fmtp), WLK_OK);
	assert_true(sdp_fmtp_get(fmtp, STR("profile-level-id"), &answered));
	str_is(answered, id);
	assert_true(sdp_fmtp_get(fmtp, STR("packetization-mode"), &mode));
	assert_true(sdp_fmtp_get(codec->fmtp, STR("packetization-mode"), &offered_mode));
	assert_true(str_equal(mode, offered_mode));
	assert_true(sdp_fmtp_get(fmtp, STR("level-asymmetry-allowed"), &asymmetry));
	str_is(asymmetry, "1");
	sdp_session_destroy(s);
}

static void judge_line(const char *name, const struct sdp_codec *codec)
{
	const struct sdp_codec_capability *found = NULL;
	struct sdp_capabilities caps;
	struct sdp_h264_level level;
	struct str id;
	size_t row = 0, matching = 0;

	sdp_default_capabilities(&caps);
	assert_true(sdp_fmtp_get(codec->fmtp, STR("profile-level-id"), &id));
	while (row < ARRAY_SIZE(corpus_ids) && !str_equal(id, str_of(corpus_ids[row].id)))
		row++;
	if (row == ARRAY_SIZE(corpus_ids))
		fail_msg("%s: %.*s is not in the table", name, STR_ARG(id));
	assert_true(sdp_h264_parse(id, &level));
	assert_int_equal(level.profile, corpus_ids[row].profile);
	for (size_t i = 0; i < caps.codec_count; i++) {
		if (!sdp_codec_matches(&caps.codecs[i], codec))
			continue;
		found = &caps.codecs[i];
		matching++;
	}
	assert_int_equal(matching, corpus_ids[row].accepted);
	h264_lines++;
	if (!found)
		return;
	answer_is(found, codec, false, corpus_ids[row].id);
	answer_is(found, codec, true, corpus_ids[row].own_level);
}

static void judge_lines(const char *name, const char *text, size_t size)
{
	struct sdp_session *s = must_parse(text);

	(void)size;
	for (size_t i = 0; i < s->media_count; i++)
		for (size_t k = 0; k < s->media[i]->codec_count; k++)
			if (sdp_codec_is(&s->media[i]->codecs[k], STR("H264")))
				judge_line(name, &s->media[i]->codecs[k]);
	sdp_session_destroy(s);
}

static void test_each_h264_line_of_the_corpus(void **state)
{
	(void)state;
	h264_lines = 0;
	each_vector(judge_lines);
	assert_int_equal(h264_lines, 98);
}

/* RFC 6184 8.2.2 and 8.1, level-asymmetry-allowed: without it on both sides no level is above the other's. */
static void test_rfc6184_level_of_the_answer(void **state)
{
	static const struct {
		const char *ours, *offered;
		bool we_allow, they_allow;
		const char *lower, *own;
	} rows[] = {
		{ "42e01f", "42e034", false, false, "42e01f", "42e01f" },
		{ "42e01f", "42e034", true, false, "42e01f", "42e01f" },
		{ "42e01f", "42e034", false, true, "42e01f", "42e01f" },
		{ "42e01f", "42e034", true, true, "42e01f", "42e01f" },
		{ "42e034", "42e01f", false, false, "42e01f", "42e01f" },
		{ "42e034", "42e01f", true, true, "42e01f", "42e034" },
		{ "42e034", "4dc00a", true, true, "4dc00a", "4dc034" }, /* the profile stays as it was written */
		{ "42e034", "42f00b", true, false, "42f00b", "42f00b" }, /* level 1b */
		{ "42f00b", "42e00b", false, false, "42f00b", "42f00b" },
		{ "640c34", "640c09", true, true, "640c09", "640c34" },
		{ "640c09", "640c1f", false, true, "640c09", "640c09" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char ours[96], theirs[96];
		struct sdp_codec_capability cap = { .name = STR("H264"), .clock_hz = 90000 };
		struct sdp_codec codec = { .name = STR("H264"), .clock_hz = 90000 };

		snprintf(ours, sizeof(ours), "profile-level-id=%s%s", rows[i].ours, rows[i].we_allow ? ";level-asymmetry-allowed=1" : "");
		snprintf(theirs, sizeof(theirs), "profile-level-id=%s%s", rows[i].offered,
			 rows[i].they_allow ? ";level-asymmetry-allowed=1" : "");
		cap.fmtp = str_of(ours);
		codec.fmtp = str_of(theirs);
		for (int own = 0; own < 2; own++) {
			struct sdp_capabilities caps = { .h264_own_level = own };
			struct sdp_session *s;
			struct str fmtp, id;

			assert_int_equal(sdp_session_create(&s), WLK_OK);
			assert_int_equal(sdp_answer_fmtp(s, &caps, &cap, &codec, &fmtp), WLK_OK);
			assert_true(sdp_fmtp_get(fmtp, STR("profile-level-id"), &id));
			str_is(id, own ? rows[i].own : rows[i].lower);
			sdp_session_destroy(s);
		}
	}
}

/* ---- formats that no browser decodes for us, and that packets carry all the same ---- */

static bool answered(const char *media_line, const char *lines, char **out)
{
	char text[2048];
	struct sdp_session *offer, *answer;
	struct sdp_side side;
	bool accepted;

	snprintf(text, sizeof(text), "%s%s\r\na=mid:0\r\na=rtcp-mux\r\n%s%s%s", TEST_HEAD, media_line, lines, TEST_ICE, TEST_FINGERPRINT);
	offer = must_parse(text);
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	accepted = !sdp_media_rejected(answer->media[0]);
	*out = must_write(answer);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
	return accepted;
}

static void test_formats_for_packets(void **state)
{
	static const struct {
		const char *media, *lines, *kept; /* formats of the answer's m-line; NULL: rejected */
	} rows[] = {
		{ "m=audio 9 UDP/TLS/RTP/SAVPF 9 13 101",
		  "a=rtpmap:9 G722/8000/1\r\na=rtpmap:13 CN/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n", "9 13 101" },
		{ "m=audio 9 UDP/TLS/RTP/SAVPF 9 13", "", "9 13" }, /* static types, RFC 3551 6 */
		{ "m=audio 9 UDP/TLS/RTP/SAVPF 13 101", "a=rtpmap:101 telephone-event/8000\r\n", NULL },
		{ "m=audio 9 UDP/TLS/RTP/SAVPF 111 13 106", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:106 CN/32000\r\n", "111 13" },
		{ "m=video 9 UDP/TLS/RTP/SAVPF 49 50", "a=rtpmap:49 H265/90000\r\na=fmtp:49 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST\r\n"
						       "a=rtpmap:50 rtx/90000\r\na=fmtp:50 apt=49\r\n", "49 50" },
		{ "m=video 9 UDP/TLS/RTP/SAVPF 49", "a=rtpmap:49 H265/90000\r\n", "49" }, /* RFC 7798 7.1: main profile, main tier */
		{ "m=video 9 UDP/TLS/RTP/SAVPF 49", "a=rtpmap:49 H265/90000\r\na=fmtp:49 profile-id=2\r\n", NULL },
		{ "m=video 9 UDP/TLS/RTP/SAVPF 49", "a=rtpmap:49 H265/90000\r\na=fmtp:49 tier-flag=1\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[96], *text;
		bool accepted = answered(rows[i].media, rows[i].lines, &text);

		if (accepted != (rows[i].kept != NULL))
			fail_msg("%s: %s", rows[i].media, accepted ? "accepted" : "rejected");
		snprintf(line, sizeof(line), "UDP/TLS/RTP/SAVPF %s\r\n", rows[i].kept ? rows[i].kept : "");
		if (accepted && !contains(text, line))
			fail_msg("%s: not%s", text, line);
		wlk_free(text);
	}
}

/* ---- what belongs together ---- */

static bool lists(const struct sdp_media *media, uint32_t type, const char *but_not)
{
	const struct sdp_codec *codec = sdp_codec_by_type(media, (uint8_t)type);

	return codec && !sdp_codec_is(codec, str_of(but_not));
}

/* RFC 4588 8.1: apt names a codec of the section. RFC 2198 in audio: each block does. ulpfec only beside red (RFC 5109 14). */
static void check_association(const char *name, const struct sdp_media *media, const struct sdp_codec *codec)
{
	struct str blocks = codec->fmtp;
	bool has_red = false;
	uint8_t apt;

	if (sdp_codec_is(codec, STR("rtx")) && (!sdp_codec_apt(codec, &apt) || !lists(media, apt, "rtx")))
		fail_msg("%s: rtx %u stands alone", name, codec->payload_type);
	while (media->kind == SDP_AUDIO && sdp_codec_is(codec, STR("red")) && blocks.size) {
		uint32_t type;

		if (!str_u32(str_cut(&blocks, '/'), 127, &type) || !lists(media, type, "red"))
			fail_msg("%s: red %u names what is not there", name, codec->payload_type);
	}
	for (size_t i = 0; i < media->codec_count; i++)
		has_red |= sdp_codec_is(&media->codecs[i], STR("red"));
	if (sdp_codec_is(codec, STR("ulpfec")) && !has_red)
		fail_msg("%s: ulpfec without red", name);
}

static size_t rtx_agreed, red_agreed;

static void check_agreed(const struct sdp_session *answer, const struct sdp_session *offer)
{
	struct sdp_agreement *agreement = must_agree(answer, offer, false);

	for (size_t i = 0; i < agreement->section_count; i++) {
		const struct sdp_agreed_section *section = &agreement->sections[i];

		for (size_t k = 0; k < section->codec_count; k++) {
			const struct sdp_agreed_codec *codec = &section->codecs[k];

			rtx_agreed += codec->send_rtx_type != SDP_NO_TYPE;
			red_agreed += str_equal(codec->name, STR("red"));
			assert_int_equal(codec->send_rtx_type == SDP_NO_TYPE, codec->receive_rtx_type == SDP_NO_TYPE);
			/* Video is repaired, redundancy is not in audio. */
			if (section->kind == SDP_AUDIO)
				assert_int_equal(codec->send_rtx_type, SDP_NO_TYPE);
		}
	}
	sdp_agreement_destroy(agreement);
}

static void answer_with_all(const char *name, const char *text, size_t size)
{
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_side side;

	(void)size;
	side_init(&side);
	sdp_capabilities_enable_codec(&side.caps, STR("red"), true);
	sdp_capabilities_enable_codec(&side.caps, STR("ulpfec"), true);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	for (size_t i = 0; i < answer->media_count; i++)
		for (size_t k = 0; k < answer->media[i]->codec_count; k++)
			check_association(name, answer->media[i], &answer->media[i]->codecs[k]);
	check_agreed(answer, offer);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_helpers_stand_beside_what_they_help(void **state)
{
	(void)state;
	rtx_agreed = red_agreed = 0;
	each_vector(answer_with_all);
	assert_true(rtx_agreed > 200);
	assert_int_equal(red_agreed, 14 + 32); /* audio and video */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc6184_equal_configurations),
		cmocka_unit_test(test_each_h264_line_of_the_corpus),
		cmocka_unit_test(test_rfc6184_level_of_the_answer),
		cmocka_unit_test(test_formats_for_packets),
		cmocka_unit_test(test_helpers_stand_beside_what_they_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
