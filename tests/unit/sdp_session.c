#include "sdp_support.h"

static void test_destroy_of_nothing_does_nothing(void **state)
{
	(void)state;
	sdp_session_destroy(NULL);
	sdp_agreement_destroy(NULL);
}

static void test_lists_grow_and_keep_their_items(void **state)
{
	struct sdp_session *s;

	(void)state;
	assert_int_equal(sdp_session_create(&s), WLK_OK);
	struct sdp_media *media = sdp_add_media(s, SDP_VIDEO);

	for (uint32_t i = 0; i < 100; i++) {
		assert_non_null(sdp_add_ssrc(s, media, i));
		assert_int_equal(sdp_add_candidate(s, media, STR("candidate:1 1 udp 1 192.0.2.1 9 typ host")), WLK_OK);
	}
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(media->ssrcs[i].ssrc, i);
	str_is(media->candidates[99], "candidate:1 1 udp 1 192.0.2.1 9 typ host");
	assert_int_equal(sdp_add_candidate(s, media, STR("host")), WLK_ERR_INVALID);
	assert_int_equal(media->candidate_count, 100);
	sdp_session_destroy(s);
}

static void test_R33_building_stops_at_the_limits(void **state)
{
	struct sdp_session *s;

	(void)state;
	assert_int_equal(sdp_session_create(&s), WLK_OK);
	for (size_t i = 0; i < SDP_MAX_MEDIA; i++)
		assert_non_null(sdp_add_media(s, SDP_AUDIO));
	assert_null(sdp_add_media(s, SDP_AUDIO));
	for (size_t i = 0; i < SDP_MAX_CODECS; i++)
		assert_non_null(sdp_add_codec(s, s->media[0], (uint8_t)i));
	assert_null(sdp_add_codec(s, s->media[0], 0));
	for (size_t i = 0; i < SDP_MAX_FINGERPRINTS; i++) {
		assert_non_null(sdp_add_fingerprint(s, s->media[0]));
		assert_non_null(sdp_add_fingerprint(s, NULL));
	}
	assert_null(sdp_add_fingerprint(s, s->media[0]));
	assert_null(sdp_add_fingerprint(s, NULL));
	for (uint32_t i = 0; i < SDP_MAX_SSRCS; i++)
		assert_non_null(sdp_add_ssrc(s, s->media[0], i));
	assert_null(sdp_add_ssrc(s, s->media[0], 0));
	sdp_session_destroy(s);
}

static void test_section_inherits_from_session(void **state)
{
	struct sdp_session *s =
		must_parse(TEST_HEAD "a=sendonly\r\n" TEST_FINGERPRINT TEST_ICE
				     "a=ice-options:ice2,trickle renomination\r\na=setup:passive\r\n"
				     "a=extmap:9 urn:x\r\na=extmap-allow-mixed\r\na=end-of-candidates\r\n"
				     "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=extmap:1 urn:y\r\n"
				     "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:efgh\r\n"
				     "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:active\r\n"
				     "a=inactive\r\na=ice-options:none\r\n"
				     "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:"
				     "11:12:13\r\n");
	size_t count;

	(void)state;
	assert_int_equal(sdp_media_direction(s, s->media[0]), SDP_SENDONLY);
	assert_int_equal(sdp_media_direction(s, s->media[1]), SDP_INACTIVE);
	str_is(sdp_media_ice(s, s->media[0]).ufrag, "abcd");
	str_is(sdp_media_ice(s, s->media[1]).ufrag, "efgh");
	assert_int_equal(sdp_media_setup(s, s->media[0]), SDP_SETUP_PASSIVE);
	assert_int_equal(sdp_media_setup(s, s->media[1]), SDP_SETUP_ACTIVE);
	assert_int_equal(sdp_media_fingerprints(s, s->media[0], &count)[0].hash, SDP_HASH_SHA256);
	assert_int_equal(sdp_media_fingerprints(s, s->media[1], &count)[0].hash, SDP_HASH_SHA1);
	assert_int_equal(count, 1);
	assert_true(sdp_media_has_ice_option(s, s->media[0], STR("trickle")));
	assert_true(sdp_media_has_ice_option(s, s->media[0], STR("renomination")));
	assert_false(sdp_media_has_ice_option(s, s->media[0], STR("ice")));
	assert_false(sdp_media_has_ice_option(s, s->media[1], STR("trickle")));
	assert_true(sdp_media_extmap_allow_mixed(s, s->media[1]));
	assert_true(sdp_media_end_of_candidates(s, s->media[1]));
	str_is(sdp_media_extmap(s, s->media[0], 0)->uri, "urn:y");
	str_is(sdp_media_extmap(s, s->media[0], 1)->uri, "urn:x");
	assert_null(sdp_media_extmap(s, s->media[0], 2));
	sdp_session_destroy(s);
}

static void test_direction_defaults_and_reverses(void **state)
{
	struct sdp_session *s = must_parse(TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");

	(void)state;
	assert_int_equal(sdp_media_direction(s, s->media[0]), SDP_SENDRECV);
	assert_int_equal(sdp_direction_reverse(SDP_SENDRECV), SDP_SENDRECV);
	assert_int_equal(sdp_direction_reverse(SDP_SENDONLY), SDP_RECVONLY);
	assert_int_equal(sdp_direction_reverse(SDP_RECVONLY), SDP_SENDONLY);
	assert_int_equal(sdp_direction_reverse(SDP_INACTIVE), SDP_INACTIVE);
	sdp_session_destroy(s);
}

static void test_sctp_port_and_message_size(void **state)
{
	struct sdp_session *s = must_parse(
		TEST_HEAD
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5001\r\na=max-message-size:0\r\n"
		"m=application 9 DTLS/SCTP 5002\r\n"
		"m=application 9 DTLS/SCTP 5002\r\na=sctpmap:5003 webrtc-datachannel 1024\r\n"
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");

	(void)state;
	assert_int_equal(sdp_media_sctp_port(s->media[0]), 5001);
	assert_int_equal(sdp_media_sctp_port(s->media[1]), 5002);
	assert_int_equal(sdp_media_sctp_port(s->media[2]), 5003);
	assert_int_equal(sdp_media_sctp_port(s->media[3]), 0);
	assert_int_equal(sdp_media_max_message_size(s->media[0]), 0);
	assert_int_equal(sdp_media_max_message_size(s->media[1]), 65536);
	sdp_session_destroy(s);
}

static void test_lookups(void **state)
{
	struct sdp_session *s = must_parse(TEST_HEAD "a=group:LS a\r\na=group:BUNDLE a\r\n"
						     "m=audio 0 UDP/TLS/RTP/SAVPF 0 8\r\na=mid:a\r\na=bundle-only\r\n"
						     "a=rtcp-fb:* nack pli\r\na=rtcp-fb:8 nack\r\n"
						     "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");

	(void)state;
	assert_ptr_equal(sdp_media_by_mid(s, STR("a")), s->media[0]);
	assert_null(sdp_media_by_mid(s, STR("")));
	assert_true(sdp_group_has(sdp_bundle(s), STR("a")));
	assert_false(sdp_group_has(sdp_bundle(s), STR("")));
	assert_ptr_equal(sdp_bundle(s), &s->groups[1]);
	assert_false(sdp_media_rejected(s->media[0]));
	assert_true(sdp_media_rejected(s->media[1]));
	assert_int_equal(sdp_codec_by_type(s->media[0], 8)->payload_type, 8);
	assert_null(sdp_codec_by_type(s->media[0], 9));
	assert_true(sdp_codec_has_feedback(s->media[0], &s->media[0]->codecs[0], STR("nack"), STR("pli")));
	assert_false(sdp_codec_has_feedback(s->media[0], &s->media[0]->codecs[0], STR("nack"), STR("")));
	assert_true(sdp_codec_has_feedback(s->media[0], &s->media[0]->codecs[1], STR("NACK"), STR("")));
	sdp_session_destroy(s);
}

static void test_clone_is_equal(void **state)
{
	size_t size;
	char *text = read_vector("chromium.av-dc.offer.sdp", &size);
	struct sdp_session *s = must_parse(text);
	struct sdp_session *copy;

	(void)state;
	assert_int_equal(sdp_session_clone(&copy, s), WLK_OK);
	char *written = must_write(s);

	sdp_session_destroy(s);
	char *again = must_write(copy);

	assert_string_equal(again, written);
	wlk_free(again);
	wlk_free(written);
	wlk_free(text);
	sdp_session_destroy(copy);
}

static void test_parse_takes_few_blocks(void **state)
{
	size_t size;
	char *text = read_vector("chromium.av-dc.offer.sdp", &size);
	size_t before = alloc_live_blocks();
	struct sdp_session *s = must_parse(text);

	(void)state;
	assert_in_range(alloc_live_blocks() - before, 1, 4);
	sdp_session_destroy(s);
	assert_int_equal(alloc_live_blocks(), before);
	wlk_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_destroy_of_nothing_does_nothing),
		cmocka_unit_test(test_lists_grow_and_keep_their_items),
		cmocka_unit_test(test_R33_building_stops_at_the_limits),
		cmocka_unit_test(test_section_inherits_from_session),
		cmocka_unit_test(test_direction_defaults_and_reverses),
		cmocka_unit_test(test_sctp_port_and_message_size),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_clone_is_equal),
		cmocka_unit_test(test_parse_takes_few_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
