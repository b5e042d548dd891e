#include "sdp_support.h"

#include <string.h>

#define GROUP(mids) "a=group:BUNDLE" mids "\r\n"
#define AUDIO(mid)                                                                                                     \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\na=mid:" mid "\r\n" TEST_ICE TEST_FINGERPRINT "a=setup:actpass\r\n"    \
	"a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
#define VIDEO(mid)                                                                                                     \
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:" mid "\r\n" TEST_ICE TEST_FINGERPRINT "a=setup:actpass\r\n"       \
	"a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
#define DATA(mid)                                                                                                      \
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:" mid "\r\n" TEST_ICE TEST_FINGERPRINT              \
	"a=setup:actpass\r\na=sctp-port:5000\r\n"

/* The answer to |text| as text, each m-line wanted sendrecv. */
static char *answered(const char *text)
{
	struct sdp_session *offer = must_parse(text);
	struct sdp_session *answer;
	struct sdp_side side;
	char *out;

	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	out = must_write(answer);
	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
	return out;
}

static void has(const char *offer, const char *expected)
{
	char *text = answered(offer);

	if (!contains(text, expected))
		fail_msg("no \"%s\" in\n%s", expected, text);
	wlk_free(text);
}

static void has_not(const char *offer, const char *unexpected)
{
	char *text = answered(offer);

	if (contains(text, unexpected))
		fail_msg("\"%s\" in\n%s", unexpected, text);
	wlk_free(text);
}

static void test_golden_data_only_answer(void **state)
{
	size_t size;
	char *text = read_vector("chromium.dc.offer.sdp", &size);
	char *answer = answered(text);

	(void)state;
	assert_string_equal(
		answer,
		"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
		"a=extmap-allow-mixed\r\na=msid-semantic:WMS *\r\n"
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
		"a=candidate:1 1 udp 2122194687 192.0.2.7 50623 typ host\r\na=end-of-candidates\r\n"
		"a=ice-ufrag:ours\r\na=ice-pwd:ourpwd7890123456789012\r\na=ice-options:trickle\r\n" TEST_FINGERPRINT
		"a=setup:active\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n");
	wlk_free(answer);
	wlk_free(text);
}

static void test_golden_audio_video_answer(void **state)
{
	size_t size;
	char *text = read_vector("chromium.vp8-only.offer.sdp", &size);
	char *answer = answered(text);
	char *expected = read_vector("golden/chromium.vp8-only.answer.sdp", &size);

	(void)state;
	assert_string_equal(answer, expected);
	wlk_free(answer);
	wlk_free(expected);
	wlk_free(text);
	text = read_vector("firefox.av-dc.offer.sdp", &size);
	answer = answered(text);
	expected = read_vector("golden/firefox.av-dc.answer.sdp", &size);
	assert_string_equal(answer, expected);
	wlk_free(answer);
	wlk_free(expected);
	wlk_free(text);
}

/* RFC 8829 7.3: an offer of two m-lines in max-bundle form, answered one by one. */
static void test_rfc8829_section_7_shape(void **state)
{
	char *answer = answered(
		"v=0\r\no=- 4962303333179871723 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle ice2\r\n"
		"a=group:BUNDLE a1 v1\r\na=group:LS a1 v1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:a1\r\na=sendrecv\r\n"
		"a=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:97 telephone-event/8000\r\na=rtpmap:98 telephone-event/48000\r\na=fmtp:97 0-15\r\n"
		"a=fmtp:98 0-15\r\na=maxptime:120\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		"a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"a=msid:47017fee-b6c1-4162-929c-a25110252400\r\na=ice-ufrag:ETEn\r\na=ice-pwd:OtSK0WpNtpUjkY4+"
		"86js7ZQl\r\n" TEST_FINGERPRINT
		"a=setup:actpass\r\na=tls-id:91bbf309c0990a6bec11e38ba2933cee\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=rtcp-mux\r\na=rtcp-rsize\r\n"
		"m=video 0 UDP/TLS/RTP/SAVPF 100 101 102 103\r\nc=IN IP4 0.0.0.0\r\na=bundle-only\r\na=mid:v1\r\n"
		"a=sendrecv\r\na=rtpmap:100 VP8/90000\r\na=rtpmap:101 H264/90000\r\n"
		"a=fmtp:101 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:102 rtx/90000\r\na=fmtp:102 "
		"apt=100\r\n"
		"a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=101\r\na=imageattr:100 recv "
		"[x=[48:1920],y=[48:1080],q=1.0]\r\n"
		"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:3 "
		"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
		"a=rtcp-fb:100 ccm fir\r\na=rtcp-fb:100 nack\r\na=rtcp-fb:100 nack pli\r\n"
		"a=msid:47017fee-b6c1-4162-929c-a25110252400\r\na=rtcp-mux\r\na=rtcp-rsize\r\n");

	(void)state;
	assert_true(contains(answer, "a=group:BUNDLE a1 v1\r\n"));
	assert_true(contains(answer, "m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8 97 98\r\n"));
	assert_true(contains(answer, "m=video 9 UDP/TLS/RTP/SAVPF 100 101 102 103\r\n"));
	assert_false(contains(answer, "bundle-only"));
	assert_true(contains(answer, "a=fmtp:101 packetization-mode=1;profile-level-id=42e01f\r\n"));
	assert_int_equal(occurrences(answer, "a=candidate:"), 1);
	wlk_free(answer);
}

static void test_only_what_was_offered(void **state)
{
	(void)state;
	has(TEST_HEAD AUDIO("0"), "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\n");
	has_not(TEST_HEAD AUDIO("0"), "PCMA");
	has_not(TEST_HEAD AUDIO("0"), "a=rtcp-rsize");
	has_not(TEST_HEAD AUDIO("0"), "a=extmap");
	has_not(TEST_HEAD AUDIO("0"), "a=rtcp-fb");
	has_not(TEST_HEAD AUDIO("0"), "a=group");
}

static void test_rtx_only_behind_its_codec(void **state)
{
	static const char offer[] =
		TEST_HEAD "m=video 9 UDP/TLS/RTP/SAVPF 99 98 97 96 95 94\r\n" TEST_ICE TEST_FINGERPRINT
			  "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
			  "a=rtpmap:98 Theora/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
			  "a=rtpmap:95 rtx/90000\r\na=fmtp:95 apt=96\r\na=rtpmap:94 rtx/90000\r\n";

	(void)state;
	has(offer, "m=video 9 UDP/TLS/RTP/SAVPF 97 96\r\n");
}

static void test_red_only_around_accepted_codecs(void **state)
{
	static const char gsm[] = TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 63 3 0\r\n" TEST_ICE TEST_FINGERPRINT
					    "a=rtcp-mux\r\na=rtpmap:63 red/8000\r\na=fmtp:63 3/3\r\n";
	static const char other_clock[] = TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 63 9 0\r\n" TEST_ICE TEST_FINGERPRINT
						    "a=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 9/9\r\n";
	static const char bare[] = TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n" TEST_ICE TEST_FINGERPRINT
					     "a=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\n";
	static const char loop[] =
		TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n" TEST_ICE TEST_FINGERPRINT
			  "a=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/63\r\na=rtpmap:111 opus/48000/2\r\n";

	(void)state;
	has(gsm, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");
	has(other_clock, "m=audio 9 UDP/TLS/RTP/SAVPF 9 0\r\n");
	has(bare, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
	has(loop, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
}

static void test_video_red_and_ulpfec_when_enabled(void **state)
{
	size_t size;
	char *text = read_vector("chromium.video.offer.sdp", &size);
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_side side;
	char *written;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	sdp_capabilities_enable_codec(&side.caps, STR("ulpfec"), true);
	answer = must_answer(offer, &side);
	written = must_write(answer);
	assert_false(contains(written, "ulpfec")); /* never without red */
	wlk_free(written);
	sdp_session_destroy(answer);
	sdp_capabilities_enable_codec(&side.caps, STR("red"), true);
	answer = must_answer(offer, &side);
	written = must_write(answer);
	assert_true(contains(written, "a=rtpmap:118 red/90000\r\na=rtpmap:119 rtx/90000\r\na=fmtp:119 apt=118\r\n"));
	assert_true(contains(written, "a=rtpmap:120 ulpfec/90000\r\n"));
	wlk_free(written);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
	wlk_free(text);
}

static void test_no_common_codec_rejects_the_section(void **state)
{
	char *text = answered(
		TEST_HEAD GROUP(" 0 1") "m=audio 9 UDP/TLS/RTP/SAVPF 3 126\r\na=mid:0\r\n" TEST_ICE TEST_FINGERPRINT
					"a=rtcp-mux\r\na=rtpmap:126 telephone-event/8000\r\n" VIDEO("1"));

	(void)state;
	assert_true(contains(text, GROUP(" 1")));
	assert_true(contains(
		text, "m=audio 0 UDP/TLS/RTP/SAVPF 3 126\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=inactive\r\nm=video"));
	/* the transport moves to the first section that is accepted */
	assert_true(contains(strstr(text, "m=video"), "a=candidate:1 "));
	wlk_free(text);
}

static void test_sections_beyond_the_bundle_are_rejected(void **state)
{
	char *text = answered(TEST_HEAD GROUP(" 1 2") AUDIO("0") VIDEO("1") DATA("2"));

	(void)state;
	assert_true(contains(text, GROUP(" 1 2")));
	assert_true(contains(text, "m=audio 0 "));
	assert_true(contains(text, "m=video 9 "));
	assert_true(contains(text, "m=application 9 "));
	wlk_free(text);
	/* without a group only one section has a transport */
	text = answered(TEST_HEAD AUDIO("0") VIDEO("1") DATA("2"));
	assert_false(contains(text, "a=group"));
	assert_true(contains(text, "m=audio 9 "));
	assert_true(contains(text, "m=video 0 "));
	assert_true(contains(text, "m=application 0 "));
	wlk_free(text);
}

static void test_group_follows_the_offer_and_names_the_tag_first(void **state)
{
	(void)state;
	has(TEST_HEAD GROUP(" 2 0 1 0") AUDIO("0") VIDEO("1") DATA("2"), GROUP(" 2 0 1"));
}

static void test_what_else_is_rejected(void **state)
{
	(void)state;
	has(TEST_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");
	has(TEST_HEAD "m=text 9 UDP/TLS/RTP/SAVPF 0\r\n" TEST_ICE TEST_FINGERPRINT "a=rtcp-mux\r\n", "m=text 0 ");
	has(TEST_HEAD "m=audio 9 udp 0\r\n" TEST_ICE TEST_FINGERPRINT, "m=audio 0 udp 0\r\n");
	has(TEST_HEAD "m=application 9 UDP/DTLS/SCTP x\r\n" TEST_ICE TEST_FINGERPRINT "a=sctp-port:5000\r\n",
	    "m=application 0 UDP/DTLS/SCTP x\r\n");
	has(TEST_HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TEST_ICE TEST_FINGERPRINT,
	    "m=application 0 ");
	/* one association for all channels */
	has(TEST_HEAD GROUP(" 0 1") DATA("0") DATA("1"), GROUP(" 0") "a=msid");
}

static void test_wishes_decide(void **state)
{
	struct sdp_session *offer = must_parse(TEST_HEAD GROUP(" 0 1 2") AUDIO("0") VIDEO("1") DATA("2"));
	struct sdp_session *answer;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].stopped = true;
	side.wishes[1].kind = SDP_AUDIO; /* not what is offered there */
	answer = must_answer(offer, &side);
	assert_true(sdp_media_rejected(answer->media[0]));
	assert_true(sdp_media_rejected(answer->media[1]));
	assert_false(sdp_media_rejected(answer->media[2]));
	sdp_session_destroy(answer);
	side.local.wish_count = 0;
	answer = must_answer(offer, &side);
	assert_int_equal(answer->media_count, 3);
	assert_true(sdp_media_rejected(answer->media[2]));
	assert_null(sdp_bundle(answer));
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_directions(void **state)
{
	struct sdp_session *offer = must_parse(TEST_HEAD AUDIO("0"));
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	for (unsigned offered = 0; offered < 4; offered++) {
		for (unsigned wanted = 0; wanted < 4; wanted++) {
			struct sdp_session *answer;
			unsigned reversed = (offered & 1) << 1 | offered >> 1;

			offer->media[0]->direction_given = true;
			offer->media[0]->direction = (enum sdp_direction)offered;
			side.wishes[0].direction = (enum sdp_direction)wanted;
			answer = must_answer(offer, &side);
			assert_int_equal(answer->media[0]->direction, reversed & wanted);
			/* streams are announced by whoever sends */
			assert_int_equal(answer->media[0]->ssrc_count, reversed & wanted & SDP_SENDONLY ? 1 : 0);
			assert_int_equal(answer->media[0]->msid_count, reversed & wanted & SDP_SENDONLY ? 1 : 0);
			sdp_session_destroy(answer);
		}
	}
	sdp_session_destroy(offer);
}

static void test_R17_setup(void **state)
{
	static const struct {
		const char *offered;
		enum sdp_setup wanted, expected;
	} rows[] = {
		{ "a=setup:actpass\r\n", SDP_SETUP_NONE, SDP_SETUP_ACTIVE },
		{ "a=setup:actpass\r\n", SDP_SETUP_ACTIVE, SDP_SETUP_ACTIVE },
		{ "a=setup:actpass\r\n", SDP_SETUP_PASSIVE, SDP_SETUP_PASSIVE },
		{ "a=setup:active\r\n", SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE },
		{ "a=setup:passive\r\n", SDP_SETUP_PASSIVE, SDP_SETUP_ACTIVE },
		{ "", SDP_SETUP_NONE, SDP_SETUP_ACTIVE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text text;
		struct sdp_session *offer, *answer;
		struct sdp_side side;

		text_init(&text);
		text_addf(&text,
			  TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" TEST_ICE TEST_FINGERPRINT "a=rtcp-mux\r\n%s",
			  rows[i].offered);
		offer = must_parse(text.at);
		side_init(&side);
		side_follow(&side, offer);
		side.transport.setup = rows[i].wanted;
		answer = must_answer(offer, &side);
		assert_int_equal(answer->media[0]->setup, rows[i].expected);
		sdp_session_destroy(answer);
		sdp_session_destroy(offer);
		text_free(&text);
	}
}

static void test_legacy_data_channel_is_answered_in_its_form(void **state)
{
	static const char offer[] = TEST_HEAD "m=application 9 DTLS/SCTP 5000\r\na=mid:0\r\n" TEST_ICE TEST_FINGERPRINT
					      "a=sctpmap:5000 webrtc-datachannel 65535\r\n";

	(void)state;
	has(offer, "m=application 9 DTLS/SCTP 5000\r\n");
	has(offer, "a=sctpmap:5000 webrtc-datachannel 65535\r\na=max-message-size:262144\r\n");
	has_not(offer, "a=sctp-port");
}

static void test_extensions_in_both_directions(void **state)
{
	static const char offer[] = TEST_HEAD AUDIO(
		"0") "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		     "a=extmap:2/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
		     "a=extmap:3/inactive urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
		     "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:5 "
		     "urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		     "a=extmap:6 urn:unknown\r\na=extmap:7 urn:3gpp:video-orientation\r\n";

	(void)state;
	has(offer, "a=extmap:2/sendonly http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
		   "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\n");
	/* audio-level comes one way only: it could not be handed back */
	has_not(offer, "a=extmap:1");
	has_not(offer, "a=extmap:3");
}

static void test_one_way_extension_is_taken_when_nothing_is_handed_back(void **state)
{
	struct sdp_session *offer =
		must_parse(TEST_HEAD AUDIO("0") "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
	struct sdp_session *answer;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	for (size_t i = 0; i < side.caps.extension_count; i++)
		side.caps.extensions[i].both_ways = false;
	answer = must_answer(offer, &side);
	assert_int_equal(answer->media[0]->extmap_count, 1);
	assert_int_equal(answer->media[0]->extmaps[0].direction, SDP_RECVONLY);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_feedback(void **state)
{
	static const char offer[] = TEST_HEAD VIDEO(
		"0") "a=rtcp-fb:96 nack sli\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* ccm fir\r\n"
		     "a=rtcp-fb:96 transport-cc\r\na=rtcp-fb:97 nack\r\n";

	(void)state;
	/* transport-cc says nothing without the extension that numbers packets */
	has(offer, "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 ccm fir\r\na=rtpmap:97 rtx/90000\r\n"
		   "a=fmtp:97 apt=96\r\na=ssrc");
	has(TEST_HEAD VIDEO("0") "a=rtcp-fb:96 transport-cc\r\na=extmap:3 "
				 "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
	    "a=rtcp-fb:96 transport-cc\r\n");
	/* RFC 8888 where there is nothing else */
	has(TEST_HEAD VIDEO("0") "a=rtcp-fb:* ack ccfb\r\n", "a=rtcp-fb:96 ack ccfb\r\n");
	has_not(TEST_HEAD VIDEO("0") "a=rtcp-fb:* ack ccfb\r\na=rtcp-fb:96 transport-cc\r\na=extmap:3 "
				     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
		"ccfb");
}

static void test_codec_preferences_set_order_and_choice(void **state)
{
	size_t size;
	char *text = read_vector("chromium.video.offer.sdp", &size);
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_side side;
	uint16_t order[2] = { 0 };
	static const uint8_t expected[] = { 45, 46, 96, 97 };

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	for (uint16_t i = 0; i < side.caps.codec_count; i++) {
		if (str_equal(side.caps.codecs[i].name, STR("AV1")))
			order[0] = i;
		if (str_equal(side.caps.codecs[i].name, STR("VP8")))
			order[1] = i;
	}
	side.wishes[0].codecs = order;
	side.wishes[0].codec_count = 2;
	answer = must_answer(offer, &side);
	assert_int_equal(answer->media[0]->codec_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(answer->media[0]->codecs[i].payload_type, expected[i]);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
	wlk_free(text);
}

static void test_simulcast_is_received_only_when_wanted(void **state)
{
	size_t size;
	char *text = read_vector("chromium.simulcast.offer.sdp", &size);
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_side side;
	char *written;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	assert_int_equal(answer->media[0]->rid_count, 0);
	str_is(answer->media[0]->simulcast.recv, "");
	sdp_session_destroy(answer);
	side.wishes[0].receive_simulcast = true;
	answer = must_answer(offer, &side);
	written = must_write(answer);
	assert_true(contains(written, "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"));
	wlk_free(written);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
	wlk_free(text);
}

static void test_simulcast_is_sent_when_asked_for(void **state)
{
	struct sdp_session *offer = must_parse(
		TEST_HEAD VIDEO("0") "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
				     "a=rid:a recv\r\na=rid:b recv\r\na=rid:c recv\r\na=simulcast:recv a;b;c;c;x\r\n");
	struct sdp_encoding layers[] = { { .ssrc = 1, .rid = STR("c") },
					 { .ssrc = 2, .rid = STR("a"), .paused = true } };
	struct sdp_session *answer;
	struct sdp_side side;
	char *written;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].encodings = layers;
	side.wishes[0].encoding_count = 2;
	answer = must_answer(offer, &side);
	written = must_write(answer);
	assert_true(contains(written, "a=rid:a send\r\na=rid:c send\r\na=simulcast:send ~a;c\r\n"));
	assert_false(contains(written, "a=ssrc"));
	wlk_free(written);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_all_offered_protocol_names_come_back(void **state)
{
	static const char *const protos[] = { "RTP/AVP", "RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		struct text offer, expected;

		text_init(&offer);
		text_init(&expected);
		text_addf(&offer, TEST_HEAD "m=audio 9 %s 0\r\n" TEST_ICE TEST_FINGERPRINT "a=rtcp-mux\r\n", protos[i]);
		text_addf(&expected, "m=audio 9 %s 0\r\n", protos[i]);
		has(offer.at, expected.at);
		text_free(&offer);
		text_free(&expected);
	}
}

static void test_only_the_first_of_aiortcs_two_meanings_of_an_id_is_accepted(void **state)
{
	char *text = answered(
		TEST_HEAD GROUP(" 0 1") AUDIO("0") "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" VIDEO(
			"1") "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n");

	(void)state;
	assert_true(contains(text, "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"));
	assert_false(contains(text, "abs-send-time"));
	wlk_free(text);
}

static void refuses(struct sdp_side *side, const char *message)
{
	struct sdp_session *offer = must_parse(TEST_HEAD AUDIO("0"));
	struct sdp_session *answer = NULL;
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_make_answer(&answer, offer, &side->local, &err), WLK_ERR_INVALID);
	assert_null(answer);
	if (!contains(err.message, message))
		fail_msg("\"%s\" instead of \"%s\"", err.message, message);
	sdp_session_destroy(offer);
	side_init(side);
	side_add(side, SDP_AUDIO, "");
}

static void test_R33_local_values_are_checked(void **state)
{
	struct sdp_side side;
	struct sdp_encoding layer = { .rid = STR("q q") };
	struct str stream = STR("a b");
	uint16_t preference = SDP_MAX_CODEC_CAPABILITIES;

	(void)state;
	side_init(&side);
	side_add(&side, SDP_AUDIO, "");
	side.transport.ufrag = STR("abc");
	refuses(&side, "ice-ufrag");
	side.transport.pwd = STR("012345678901234567\r\n9012");
	refuses(&side, "ice-pwd");
	side.transport.fingerprint_count = 0;
	refuses(&side, "fingerprint");
	side.fingerprint.hash = SDP_HASH_SHA1;
	refuses(&side, "sha-256");
	side.fingerprint.algorithm = STR("sha-256\r\n");
	refuses(&side, "malformed fingerprint");
	side.transport.fingerprint_count = SDP_MAX_FINGERPRINTS + 1;
	refuses(&side, "too many");
	side.transport.ice_options = STR("trickle\r\na=x");
	refuses(&side, "ice-options");
	side.candidate = STR("candidate:1\r\na=x");
	refuses(&side, "candidate");
	side.local.session_id = STR("x");
	refuses(&side, "session id");
	side.local.wish_count = SDP_MAX_MEDIA + 1;
	refuses(&side, "sections");
	side.wishes[0].track = STR("a\r\nb");
	refuses(&side, "track");
	side.wishes[0].cname = STR("a b");
	refuses(&side, "cname");
	side.wishes[0].cname = STR("");
	refuses(&side, "cname");
	side.wishes[0].streams = &stream;
	side.wishes[0].stream_count = 1;
	refuses(&side, "stream id");
	side.wishes[0].encodings = &layer;
	refuses(&side, "rid");
	side.wishes[0].receive_rids = &stream;
	side.wishes[0].receive_rid_count = 1;
	refuses(&side, "rid");
	side.wishes[0].codecs = &preference;
	side.wishes[0].codec_count = 1;
	refuses(&side, "preference");
	side.wishes[0].kind = SDP_OTHER;
	refuses(&side, "kind");
}

static void test_out_of_memory_at_every_allocation(void **state)
{
	size_t size, n;
	char *text = read_vector("chromium.simulcast.offer.sdp", &size);
	struct sdp_session *offer = must_parse(text);
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].receive_simulcast = true;
	for (n = 1;; n++) {
		struct sdp_session *answer = NULL;
		size_t before = alloc_live_blocks();
		wlk_err err;
		bool failed;

		alloc_fail_after(n);
		err = sdp_make_answer(&answer, offer, &side.local, NULL);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		sdp_session_destroy(answer);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	assert_in_range(n, 4, 200);
	sdp_session_destroy(offer);
	wlk_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_data_only_answer),
		cmocka_unit_test(test_golden_audio_video_answer),
		cmocka_unit_test(test_rfc8829_section_7_shape),
		cmocka_unit_test(test_only_what_was_offered),
		cmocka_unit_test(test_rtx_only_behind_its_codec),
		cmocka_unit_test(test_red_only_around_accepted_codecs),
		cmocka_unit_test(test_video_red_and_ulpfec_when_enabled),
		cmocka_unit_test(test_no_common_codec_rejects_the_section),
		cmocka_unit_test(test_sections_beyond_the_bundle_are_rejected),
		cmocka_unit_test(test_group_follows_the_offer_and_names_the_tag_first),
		cmocka_unit_test(test_what_else_is_rejected),
		cmocka_unit_test(test_wishes_decide),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_R17_setup),
		cmocka_unit_test(test_legacy_data_channel_is_answered_in_its_form),
		cmocka_unit_test(test_extensions_in_both_directions),
		cmocka_unit_test(test_one_way_extension_is_taken_when_nothing_is_handed_back),
		cmocka_unit_test(test_feedback),
		cmocka_unit_test(test_codec_preferences_set_order_and_choice),
		cmocka_unit_test(test_simulcast_is_received_only_when_wanted),
		cmocka_unit_test(test_simulcast_is_sent_when_asked_for),
		cmocka_unit_test(test_all_offered_protocol_names_come_back),
		cmocka_unit_test(test_only_the_first_of_aiortcs_two_meanings_of_an_id_is_accepted),
		cmocka_unit_test(test_R33_local_values_are_checked),
		cmocka_unit_test(test_out_of_memory_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
