#include "sdp_support.h"

#include <stdlib.h>
#include <string.h>

#define M    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
#define MUX  "a=rtcp-mux\r\n"
#define SHA1 "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n"
#define MD5  "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n"

static void must_check(const char *text)
{
	struct sdp_session *offer = must_parse(text);
	struct sdp_error err = { 0 };

	if (sdp_check_offer(offer, &err))
		fail_msg("line %zu: %s", err.line, err.message);
	sdp_session_destroy(offer);
}

static void test_good_offers(void **state)
{
	(void)state;
	must_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX);
	must_check(TEST_HEAD TEST_ICE TEST_FINGERPRINT M MUX);
	must_check(TEST_HEAD); /* nothing wanted, nothing needed */
	must_check(TEST_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");
	/* bundled sections may leave the transport to the tagged one */
	must_check(TEST_HEAD "a=group:BUNDLE 0 1\r\n" M "a=mid:0\r\n" TEST_ICE TEST_FINGERPRINT MUX
			     "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\n" MUX);
}

static void test_R14_fingerprints(void **state)
{
	(void)state;
	must_not_check(TEST_HEAD M TEST_ICE MUX, 5, "no fingerprint");
	/* also where another section of the bundle has a good one: any of them may carry the transport in the end */
	must_not_check(TEST_HEAD "a=group:BUNDLE 0 1\r\n" M "a=mid:0\r\n" TEST_ICE TEST_FINGERPRINT MUX M
				 "a=mid:1\r\n" TEST_ICE MUX SHA1,
		       12, "no fingerprint of sha-256");
	must_not_check(TEST_HEAD M TEST_ICE MUX SHA1 MD5, 5, "no fingerprint of sha-256");
	must_check(TEST_HEAD M TEST_ICE MUX SHA1 TEST_FINGERPRINT);
}

static void test_ice_credentials(void **state)
{
	(void)state;
	must_not_check(TEST_HEAD M TEST_FINGERPRINT MUX, 5, "no ice-ufrag");
	must_not_check(TEST_HEAD M TEST_FINGERPRINT MUX "a=ice-ufrag:abcd\r\n", 5, "no ice-pwd");
	must_not_check(TEST_HEAD M TEST_FINGERPRINT MUX "a=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n", 5,
		       "malformed ice-ufrag");
	must_not_check(TEST_HEAD M TEST_FINGERPRINT MUX "a=ice-ufrag:abcd\r\na=ice-pwd:012345678901234567890\r\n", 5,
		       "malformed ice-pwd");
	must_not_check(TEST_HEAD M TEST_FINGERPRINT MUX "a=ice-ufrag:ab cd\r\na=ice-pwd:0123456789012345678901\r\n", 5,
		       "malformed ice-ufrag");
}

static void test_R35_rtcp_mux_is_required(void **state)
{
	(void)state;
	must_not_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT, 5, "rtcp-mux");
	must_check(TEST_HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TEST_ICE TEST_FINGERPRINT);
}

static void test_mids_groups_and_ids(void **state)
{
	(void)state;
	must_not_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=mid:0\r\n" M TEST_ICE TEST_FINGERPRINT MUX
								 "a=mid:0\r\n",
		       11, "used twice");
	must_not_check(TEST_HEAD "a=group:BUNDLE 0 1\r\n" M TEST_ICE TEST_FINGERPRINT MUX "a=mid:0\r\n", 0, "\"1\"");
	must_not_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=extmap:1 urn:x\r\na=extmap:1 urn:y\r\n", 5,
		       "extension id 1");
	must_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=extmap:4096 urn:x\r\na=extmap:4096 urn:y\r\n");
	must_not_check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=setup:holdconn\r\n", 5, "holdconn");
}

#define OFFER                                                                                                          \
	TEST_HEAD "a=group:BUNDLE 0 1 2\r\n" M "a=mid:0\r\n" TEST_ICE TEST_FINGERPRINT MUX "a=setup:actpass\r\n"       \
		  "a=extmap:1 urn:x\r\n"                                                                               \
		  "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" TEST_ICE TEST_FINGERPRINT MUX "a=setup:actpass\r\n"  \
		  "a=rtpmap:96 VP8/90000\r\n"                                                                          \
		  "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n"

#define ANSWER                                                                                                         \
	TEST_HEAD "a=group:BUNDLE 0 1\r\n" M "a=mid:0\r\n" TEST_ICE TEST_FINGERPRINT MUX "a=setup:active\r\n"          \
		  "a=extmap:1 urn:x\r\n"                                                                               \
		  "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" TEST_ICE TEST_FINGERPRINT MUX "a=setup:active\r\n"   \
		  "a=rtpmap:96 VP8/90000\r\n"                                                                          \
		  "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n"

/* |text| with its first |from| replaced by |to|. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	return out;
}

static wlk_err check(const char *offer_text, const char *answer_text, struct sdp_error *err)
{
	struct sdp_session *offer = must_parse(offer_text), *answer = must_parse(answer_text);
	wlk_err code = sdp_check_answer(offer, answer, err);

	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
	return code;
}

static void changed(const char *from, const char *to, size_t line, const char *message)
{
	char *answer = replaced(ANSWER, from, to);
	struct sdp_error err = { 0 };

	assert_int_equal(check(OFFER, answer, &err), message ? WLK_ERR_NEGOTIATION : WLK_OK);
	if (message && (err.line != line || !contains(err.message, message)))
		fail_msg("line %zu \"%s\" instead of line %zu \"%s\"", err.line, err.message, line, message);
	free(answer);
}

static void test_answers(void **state)
{
	(void)state;
	changed("m=audio 0", "m=audio 0", 0, NULL);
	changed("m=audio 9", "m=video 9", 6, "kind");
	changed("UDP/TLS/RTP/SAVPF", "RTP/SAVPF", 6, "protocol");
	changed("a=group:BUNDLE 0 1\r\n", "", 13, "bundle");
	changed("a=mid:2", "a=mid:3", 22, "mid");
	changed("a=mid:2\r\n", "", 22, "mid");
	changed("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n", M "a=mid:2\r\n" TEST_ICE TEST_FINGERPRINT MUX, 22,
		"port 0");
	changed("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n", "", 0, "2 m-lines answer an offer of 3");
	changed(" 0\r\na=mid:0", " 0 8\r\na=mid:0", 6, "payload type 8 was not offered");
	changed("96 VP8/90000", "96 VP9/90000", 14, "another codec");
	changed("1 urn:x", "1 urn:y", 6, "another extension");
	changed("1 urn:x", "2 urn:z", 0, NULL);
	changed("BUNDLE 0 1", "BUNDLE 0 1 2", 0, "rejected section");
	changed("BUNDLE 0 1", "BUNDLE 0", 14, "does not bundle");
	changed("a=rtcp-mux\r\n", "", 6, "rtcp-mux");
	changed(TEST_FINGERPRINT, SHA1, 6, "sha-256");
}

static void test_a_single_section_needs_no_group(void **state)
{
	static const char one[] = TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX;
	struct sdp_error err;

	(void)state;
	assert_int_equal(check(one, one, &err), WLK_OK);
	/* a group that was not offered */
	assert_int_equal(check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=mid:0\r\n",
			       TEST_HEAD "a=group:BUNDLE 0\r\n" M TEST_ICE TEST_FINGERPRINT MUX "a=mid:0\r\n", &err),
			 WLK_ERR_NEGOTIATION);
	assert_true(contains(err.message, "not offered so"));
}

static void test_R17_roles(void **state)
{
	static const struct {
		const char *offer, *answer;
		bool good;
	} rows[] = {
		{ "actpass", "active", true },   { "actpass", "passive", true }, { "actpass", "actpass", false },
		{ "active", "passive", true },   { "active", "active", false },  { "passive", "active", true },
		{ "passive", "passive", false }, { "active", "actpass", false }, { "passive", "holdconn", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text offer, answer;
		struct sdp_error err;

		text_init(&offer);
		text_init(&answer);
		text_addf(&offer, TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=setup:%s\r\n", rows[i].offer);
		text_addf(&answer, TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=setup:%s\r\n", rows[i].answer);
		assert_int_equal(check(offer.at, answer.at, &err), rows[i].good ? WLK_OK : WLK_ERR_NEGOTIATION);
		text_free(&offer);
		text_free(&answer);
	}
	/* no a=setup in the answer counts as active */
	struct sdp_error err;

	assert_int_equal(check(TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX "a=setup:active\r\n",
			       TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX, &err),
			 WLK_ERR_NEGOTIATION);
	assert_true(contains(err.message, "both say setup:active"));
}

static void test_transport_section(void **state)
{
	struct sdp_session *s =
		must_parse(TEST_HEAD "a=group:BUNDLE 2 1 0\r\n" M "a=mid:0\r\n" TEST_ICE TEST_FINGERPRINT M
				     "a=mid:1\r\n" TEST_ICE TEST_FINGERPRINT M "a=mid:2\r\n" TEST_ICE);
	struct sdp_session *answer = must_parse(TEST_HEAD "a=group:BUNDLE 0\r\n" M "a=mid:0\r\n"
							  "m=audio 0 X 0\r\na=mid:1\r\nm=audio 0 X 0\r\na=mid:2\r\n");
	struct sdp_session *alone = must_parse(TEST_HEAD "m=audio 0 X 0\r\n" M "m=audio 0 X 0\r\n");

	(void)state;
	/* 2 has no fingerprint, so the next of the group counts */
	assert_ptr_equal(sdp_transport_media(s, NULL), s->media[1]);
	assert_ptr_equal(sdp_answered_transport(s, answer), s->media[0]);
	assert_ptr_equal(sdp_answered_transport(s, alone), s->media[1]);
	assert_ptr_equal(sdp_transport_media(alone, NULL), alone->media[1]);
	alone->media[1]->port = 0;
	assert_null(sdp_transport_media(alone, NULL));
	assert_null(sdp_answered_transport(s, alone));
	sdp_session_destroy(s);
	sdp_session_destroy(answer);
	sdp_session_destroy(alone);
}

static void update(const char *next_text, bool is_answer, bool restarted, wlk_err expected, const char *message,
		   bool ice_restart)
{
	struct sdp_session *previous = must_parse(TEST_HEAD M TEST_ICE TEST_FINGERPRINT SHA1 MUX);
	struct sdp_session *next = must_parse(next_text);
	struct sdp_update out = { 0 };
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_check_update(previous, next, is_answer, restarted, &out, &err), expected);
	if (message)
		assert_true(contains(err.message, message));
	else
		assert_int_equal(out.ice_restart, ice_restart);
	sdp_session_destroy(previous);
	sdp_session_destroy(next);
}

static void test_R35_fingerprint_and_credentials_stay(void **state)
{
	static const char same[] = TEST_HEAD M TEST_ICE SHA1 TEST_FINGERPRINT MUX; /* order is no change */
	static const char other_key[] = TEST_HEAD M TEST_ICE TEST_FINGERPRINT MUX;
	static const char new_ice[] =
		TEST_HEAD M "a=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678901\r\n" TEST_FINGERPRINT SHA1 MUX;
	static const char both[] =
		TEST_HEAD M "a=ice-ufrag:efgh\r\na=ice-pwd:x123456789012345678901\r\n" TEST_FINGERPRINT MUX;

	(void)state;
	update(same, false, true, WLK_OK, NULL, false);
	update(same, true, false, WLK_OK, NULL, false);
	update(same, true, true, WLK_ERR_NEGOTIATION, "not answered with new credentials", false);
	update(other_key, false, true, WLK_ERR_NEGOTIATION, "fingerprint changes", false);
	update(other_key, true, false, WLK_ERR_NEGOTIATION, "fingerprint changes", false);
	update(new_ice, false, true, WLK_OK, NULL, true);
	update(new_ice, true, true, WLK_OK, NULL, true);
	update(new_ice, true, false, WLK_ERR_NEGOTIATION, "without a restart", false);
	update(both, false, true, WLK_OK, NULL, true);
	update(TEST_HEAD "m=audio 0 X 0\r\n", false, true, WLK_OK, NULL, false);
}

/* What a description of two audio sections changes in another one; NULL: it is refused because of |reason|. */
static void update_two(const char *before, const char *after, bool answer, bool local_restarted, const char *reason, bool restart_0,
		       bool restart_1)
{
	struct sdp_session *previous = must_parse(before), *next = must_parse(after);
	struct sdp_update out;
	struct sdp_error err = { 0 };
	wlk_err code = sdp_check_update(previous, next, answer, local_restarted, &out, &err);

	if (reason) {
		assert_int_equal(code, WLK_ERR_NEGOTIATION);
		assert_non_null(strstr(err.message, reason));
	} else {
		if (code)
			fail_msg("%s", err.message);
		assert_int_equal(out.restarts[0], restart_0);
		assert_int_equal(out.restarts[1], restart_1);
		assert_int_equal(out.ice_restart, restart_0 || restart_1);
	}
	sdp_session_destroy(previous);
	sdp_session_destroy(next);
}

#define SECTION(mid, ufrag) \
	M MUX "a=mid:" mid "\r\na=ice-ufrag:" ufrag "\r\na=ice-pwd:0123456789012345678901\r\n" TEST_FINGERPRINT
#define OTHER_KEY \
	"a=fingerprint:sha-256 FF:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"

/* RFC 9143 7.5: a section that joins a group or leaves it has other lines, and nothing restarts. */
static void test_bundling_later_is_no_restart(void **state)
{
	static const char apart[] = TEST_HEAD SECTION("0", "aaaa") SECTION("1", "bbbb");
	static const char joined[] = TEST_HEAD "a=group:BUNDLE 0 1\r\n" SECTION("0", "aaaa") SECTION("1", "aaaa");
	static const char by_second[] = TEST_HEAD "a=group:BUNDLE 1 0\r\n" SECTION("0", "bbbb") SECTION("1", "bbbb");
	static const char left[] = TEST_HEAD SECTION("0", "aaaa") SECTION("1", "cccc");
	static const char second_new[] = TEST_HEAD SECTION("0", "aaaa") SECTION("1", "dddd");
	static const char all_new[] = TEST_HEAD "a=group:BUNDLE 0 1\r\n" SECTION("0", "eeee") SECTION("1", "eeee");

	(void)state;
	for (int answer = 0; answer < 2; answer++) {
		update_two(apart, joined, answer, !answer, NULL, false, false);
		update_two(apart, by_second, answer, !answer, NULL, false, false);
		update_two(joined, by_second, false, true, NULL, true, true);
		update_two(joined, left, answer, !answer, NULL, false, false);
	}
	update_two(apart, second_new, false, true, NULL, false, true);
	update_two(apart, second_new, true, false, "without a restart", false, false);
	update_two(joined, all_new, false, true, NULL, true, true);
	update_two(joined, all_new, true, true, NULL, true, true);
	update_two(joined, left, true, true, "not answered with new credentials", false, false);
}

/* R35, for each transport: a new certificate comes with a restart of that one, and it is told which. */
static void test_R35_a_fingerprint_belongs_to_a_transport(void **state)
{
	static const char apart[] = TEST_HEAD SECTION("0", "aaaa") SECTION("1", "bbbb");
	static const char second_changed[] = TEST_HEAD SECTION("0", "aaaa") M MUX
		"a=mid:1\r\na=ice-ufrag:bbbb\r\na=ice-pwd:0123456789012345678901\r\n" OTHER_KEY;
	static const char second_new[] = TEST_HEAD SECTION("0", "aaaa") M MUX
		"a=mid:1\r\na=ice-ufrag:cccc\r\na=ice-pwd:0123456789012345678901\r\n" OTHER_KEY;
	struct sdp_session *previous = must_parse(apart), *next = must_parse(second_new);
	struct sdp_update out;
	struct sdp_error err = { 0 };

	(void)state;
	update_two(apart, second_changed, false, true, "fingerprint changes", false, false);
	assert_int_equal(sdp_check_update(previous, next, false, true, &out, &err), WLK_OK);
	assert_true(out.fingerprint_changed && out.new_fingerprint[1] && !out.new_fingerprint[0]);
	sdp_session_destroy(previous);
	sdp_session_destroy(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_offers),
		cmocka_unit_test(test_R14_fingerprints),
		cmocka_unit_test(test_ice_credentials),
		cmocka_unit_test(test_R35_rtcp_mux_is_required),
		cmocka_unit_test(test_mids_groups_and_ids),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_a_single_section_needs_no_group),
		cmocka_unit_test(test_R17_roles),
		cmocka_unit_test(test_transport_section),
		cmocka_unit_test(test_R35_fingerprint_and_credentials_stay),
		cmocka_unit_test(test_bundling_later_is_no_restart),
		cmocka_unit_test(test_R35_a_fingerprint_belongs_to_a_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
