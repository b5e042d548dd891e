#include "sdp_support.h"

#include <string.h>

static void three_sections(struct sdp_side *side)
{
	side_init(side);
	side_add(side, SDP_AUDIO, "a");
	side_add(side, SDP_VIDEO, "v");
	side_add(side, SDP_APPLICATION, "d");
}

/* An answer of the far side to |offer|, everything accepted. */
static struct sdp_session *answer_of(const struct sdp_session *offer)
{
	struct sdp_side far;

	side_init(&far);
	far.transport.ufrag = STR("theirs");
	side_follow(&far, offer);
	return must_answer(offer, &far);
}

static void test_golden_data_only_offer(void **state)
{
	struct sdp_side side;
	struct sdp_session *offer;
	char *text;

	(void)state;
	side_init(&side);
	side_add(&side, SDP_APPLICATION, "0");
	offer = must_offer(&side, NULL);
	text = must_write(offer);
	assert_string_equal(
		text,
		"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
		"a=extmap-allow-mixed\r\na=msid-semantic:WMS *\r\n"
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
		"a=candidate:1 1 udp 2122194687 192.0.2.7 50623 typ host\r\na=end-of-candidates\r\n"
		"a=ice-ufrag:ours\r\na=ice-pwd:ourpwd7890123456789012\r\na=ice-options:trickle\r\n" TEST_FINGERPRINT
		"a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n");
	wlk_free(text);
	sdp_session_destroy(offer);
}

static void test_golden_audio_video_offer(void **state)
{
	struct sdp_side side;
	struct sdp_session *offer;
	size_t size;
	char *text, *expected;

	(void)state;
	three_sections(&side);
	sdp_capabilities_enable_codec(&side.caps, STR("H264"), false);
	sdp_capabilities_enable_codec(&side.caps, STR("H265"), false);
	offer = must_offer(&side, NULL);
	text = must_write(offer);
	expected = read_vector("golden/first.offer.sdp", &size);
	assert_string_equal(text, expected);
	wlk_free(text);
	wlk_free(expected);
	sdp_session_destroy(offer);
}

static void test_default_offer_has_distinct_payload_types(void **state)
{
	struct sdp_side side;
	struct sdp_session *offer;
	bool seen[128] = { false };

	(void)state;
	three_sections(&side);
	sdp_capabilities_enable_codec(&side.caps, STR("red"), true);
	sdp_capabilities_enable_codec(&side.caps, STR("ulpfec"), true);
	offer = must_offer(&side, NULL);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < offer->media[i]->codec_count; k++) {
			uint8_t type = offer->media[i]->codecs[k].payload_type;

			assert_false(seen[type]);
			assert_true(type < 64 || type > 95); /* RFC 5761 4 */
			seen[type] = true;
		}
	}
	assert_int_equal(offer->media[1]->codec_count, 33);
	sdp_session_destroy(offer);
}

static void test_our_offer_is_answered_and_agreed(void **state)
{
	struct sdp_side side;
	struct sdp_session *offer, *answer;
	struct sdp_agreement *a;

	(void)state;
	three_sections(&side);
	offer = must_offer(&side, NULL);
	answer = answer_of(offer);
	a = must_agree(offer, answer, true);
	assert_false(a->transport.local_is_dtls_client);
	str_is(a->transport.ufrag, "theirs");
	assert_int_equal(a->sections[0].codec_count, 8);
	assert_int_equal(a->sections[1].codec_count, 15);
	assert_int_equal(a->sections[2].remote_sctp_port, 5000);
	sdp_agreement_destroy(a);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_bundle_only(void **state)
{
	struct sdp_offer_options options = { .bundle_only = true };
	struct sdp_side side;
	struct sdp_session *offer, *again;

	(void)state;
	three_sections(&side);
	offer = must_offer(&side, &options);
	assert_int_equal(offer->media[0]->port, 9);
	assert_false(offer->media[0]->bundle_only);
	assert_int_equal(offer->media[1]->port, 0);
	assert_true(offer->media[1]->bundle_only);
	assert_false(sdp_media_rejected(offer->media[2]));
	/* negotiated sections are not bundle-only any more */
	options.previous_local = offer;
	side_add(&side, SDP_AUDIO, "new");
	again = must_offer(&side, &options);
	assert_false(again->media[1]->bundle_only);
	assert_int_equal(again->media[1]->port, 9);
	assert_true(again->media[3]->bundle_only);
	sdp_session_destroy(offer);
	sdp_session_destroy(again);
}

static void test_order_and_numbers_stay(void **state)
{
	struct sdp_offer_options options = { 0 };
	struct sdp_side side;
	struct sdp_session *first, *answer, *second;
	struct sdp_wish swap;

	(void)state;
	three_sections(&side);
	first = must_offer(&side, NULL);
	answer = answer_of(first);
	options.previous_local = first;
	options.previous_remote = answer;
	/* wishes in another order, the codec table in another order, too */
	swap = side.wishes[0];
	side.wishes[0] = side.wishes[2];
	side.wishes[2] = swap;
	side_add(&side, SDP_VIDEO, "v2");
	for (size_t i = 0; i < side.caps.codec_count; i++) {
		side.caps.codecs[i].payload_type = (uint8_t)(127 - i);
		if (side.caps.codecs[i].rtx_payload_type)
			side.caps.codecs[i].rtx_payload_type = (uint8_t)(105 - i);
	}
	for (size_t i = 0; i < side.caps.extension_count; i++)
		side.caps.extensions[i].id = 1;
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_true(str_equal(second->media[i]->mid, first->media[i]->mid));
		assert_int_equal(second->media[i]->codec_count, first->media[i]->codec_count);
		for (size_t k = 0; k < first->media[i]->codec_count; k++) {
			assert_int_equal(second->media[i]->codecs[k].payload_type,
					 first->media[i]->codecs[k].payload_type);
			assert_true(str_equal(second->media[i]->codecs[k].fmtp, first->media[i]->codecs[k].fmtp));
		}
		for (size_t k = 0; k < first->media[i]->extmap_count; k++)
			assert_int_equal(second->media[i]->extmaps[k].id, first->media[i]->extmaps[k].id);
	}
	/* the new section shares the numbers of its kind */
	assert_int_equal(second->media[3]->codecs[0].payload_type, first->media[1]->codecs[0].payload_type);
	sdp_session_destroy(first);
	sdp_session_destroy(second);
	sdp_session_destroy(answer);
}

static void test_numbers_of_a_remote_offer_are_taken_over(void **state)
{
	size_t size;
	char *text = read_vector("firefox.av-dc.offer.sdp", &size);
	struct sdp_session *remote = must_parse(text), *local, *offer;
	struct sdp_offer_options options = { 0 };
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, remote);
	local = must_answer(remote, &side);
	for (size_t i = 0; i < 3; i++)
		side.wishes[i].mid = remote->media[i]->mid;
	options.previous_local = local;
	options.previous_remote = remote;
	offer = must_offer(&side, &options);
	str_is(sdp_codec_by_type(offer->media[0], 109)->name, "opus");
	str_is(sdp_codec_by_type(offer->media[1], 120)->name, "VP8");
	str_is(sdp_codec_by_type(offer->media[1], 124)->fmtp, "apt=120");
	str_is(sdp_codec_by_type(offer->media[1], 121)->name, "VP9");
	str_is(sdp_codec_by_type(offer->media[1], 99)->name, "AV1");
	/* 102 is free there and stays H.264; 122 is Firefox's red and may not become anything else */
	str_is(sdp_codec_by_type(offer->media[1], 102)->name, "H264");
	assert_null(sdp_codec_by_type(offer->media[1], 122));
	assert_null(sdp_codec_by_type(offer->media[1], 123));
	for (size_t i = 0; i < offer->media[1]->extmap_count; i++)
		if (sdp_extension_by_uri(offer->media[1]->extmaps[i].uri) == SDP_EXT_TRANSPORT_CC)
			assert_int_equal(offer->media[1]->extmaps[i].id, 7);
	sdp_session_destroy(offer);
	sdp_session_destroy(local);
	sdp_session_destroy(remote);
	wlk_free(text);
}

static void test_an_id_means_one_thing_in_a_section(void **state)
{
	/* aiortc: id 2 is audio-level in the one section and abs-send-time in the other */
	struct sdp_session *remote = must_parse(
		TEST_HEAD
		"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96 0\r\na=mid:0\r\n" TEST_ICE TEST_FINGERPRINT
		"a=rtcp-mux\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
		"a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n");
	struct sdp_offer_options options = { .previous_remote = remote };
	struct sdp_side side;
	struct sdp_session *offer;

	(void)state;
	side_init(&side);
	side_add(&side, SDP_AUDIO, "0");
	side_add(&side, SDP_VIDEO, "1");
	offer = must_offer(&side, &options);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < offer->media[i]->extmap_count; k++)
			if (offer->media[i]->extmaps[k].id == 2)
				assert_int_equal(sdp_extension_by_uri(offer->media[i]->extmaps[k].uri),
						 i == 0 ? SDP_EXT_AUDIO_LEVEL : SDP_EXT_ABS_SEND_TIME);
		assert_int_equal(offer->media[i]->codecs[0].payload_type, 96);
	}
	sdp_session_destroy(offer);
	sdp_session_destroy(remote);
}

static void test_sections_without_a_wish_are_kept_with_port_0(void **state)
{
	struct sdp_offer_options options = { 0 };
	struct sdp_side side;
	struct sdp_session *first, *answer, *second;

	(void)state;
	three_sections(&side);
	first = must_offer(&side, NULL);
	answer = answer_of(first);
	options.previous_local = first;
	options.previous_remote = answer;
	side.wishes[0] = side.wishes[1];
	side.wishes[1] = side.wishes[2];
	side.wishes[1].stopped = true;
	side.local.wish_count = 2;
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 3);
	assert_true(sdp_media_rejected(second->media[0]));
	str_is(second->media[0]->mid, "a");
	assert_true(second->media[0]->format_count > 0);
	assert_false(sdp_media_rejected(second->media[1]));
	assert_true(sdp_media_rejected(second->media[2]));
	/* the transport moved to the section that is left */
	assert_int_equal(sdp_bundle(second)->mid_count, 1);
	str_is(sdp_bundle(second)->mids[0], "v");
	assert_int_equal(second->media[1]->candidate_count, 1);
	sdp_session_destroy(first);
	sdp_session_destroy(second);
	sdp_session_destroy(answer);
}

static void test_recycling_takes_a_line_that_one_side_rejected(void **state)
{
	struct sdp_offer_options options = { .recycle = true };
	struct sdp_side side;
	struct sdp_session *first, *answer, *second;

	(void)state;
	three_sections(&side);
	side.wishes[1].stopped = true;
	first = must_offer(&side, NULL);
	str_is(first->media[1]->formats[0], "0"); /* never described, still an m-line */
	answer = answer_of(first);
	options.previous_local = first;
	options.previous_remote = answer;
	side.wishes[1] = (struct sdp_wish){ .kind = SDP_VIDEO, .mid = STR("fresh"), .direction = SDP_RECVONLY };
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 3);
	str_is(second->media[1]->mid, "fresh");
	sdp_session_destroy(second);
	options.recycle = false;
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 4);
	str_is(second->media[3]->mid, "fresh");
	sdp_session_destroy(second);
	/* our own port 0 is enough (RFC 9429 5.2.2), and for another kind of media as well */
	options.recycle = true;
	answer->media[1]->port = 9;
	side.wishes[1].kind = SDP_AUDIO;
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 3);
	assert_int_equal(second->media[1]->kind, SDP_AUDIO);
	str_is(second->media[1]->mid, "fresh");
	sdp_session_destroy(second);
	/* a line that nobody rejected is not free */
	first->media[1]->port = 9;
	second = must_offer(&side, &options);
	assert_int_equal(second->media_count, 4);
	str_is(second->media[3]->mid, "fresh");
	sdp_session_destroy(first);
	sdp_session_destroy(second);
	sdp_session_destroy(answer);
}

static void test_simulcast_offer(void **state)
{
	struct sdp_encoding layers[] = { { .rid = STR("q") },
					 { .rid = STR("h"), .paused = true },
					 { .rid = STR("f") } };
	struct str rids[] = { STR("1"), STR("2") };
	struct sdp_side side;
	struct sdp_session *offer;
	char *text;

	(void)state;
	side_init(&side);
	struct sdp_wish *wish = side_add(&side, SDP_VIDEO, "0");

	wish->encodings = layers;
	wish->encoding_count = 3;
	wish->receive_rids = rids;
	wish->receive_rid_count = 2;
	offer = must_offer(&side, NULL);
	text = must_write(offer);
	assert_true(contains(text, "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=rid:1 recv\r\na=rid:2 recv\r\n"
				   "a=simulcast:send q;~h;f recv 1;2\r\n"));
	assert_false(contains(text, "a=ssrc"));
	wlk_free(text);
	sdp_session_destroy(offer);
	wish->direction = SDP_RECVONLY;
	offer = must_offer(&side, NULL);
	text = must_write(offer);
	assert_true(contains(text, "a=simulcast:recv 1;2\r\n"));
	assert_false(contains(text, "a=msid:"));
	wlk_free(text);
	sdp_session_destroy(offer);
}

static void test_streams_and_fid(void **state)
{
	struct str streams[] = { STR("s1"), STR("s2") };
	struct sdp_side side;
	struct sdp_session *offer;

	(void)state;
	side_init(&side);
	struct sdp_wish *wish = side_add(&side, SDP_VIDEO, "0");

	wish->streams = streams;
	wish->stream_count = 2;
	offer = must_offer(&side, NULL);
	assert_int_equal(offer->media[0]->msid_count, 2);
	str_is(offer->media[0]->msids[1].stream, "s2");
	str_is(offer->media[0]->msids[1].track, "track");
	assert_int_equal(offer->media[0]->ssrc_groups[0].ssrcs[0], 1001);
	assert_int_equal(offer->media[0]->ssrc_groups[0].ssrcs[1], 1002);
	sdp_session_destroy(offer);
	/* without RTX there is no second stream to announce */
	for (size_t i = 0; i < side.caps.codec_count; i++)
		side.caps.codecs[i].rtx_payload_type = 0;
	offer = must_offer(&side, NULL);
	assert_int_equal(offer->media[0]->ssrc_count, 1);
	assert_int_equal(offer->media[0]->ssrc_group_count, 0);
	sdp_session_destroy(offer);
}

static void test_codec_preferences(void **state)
{
	uint16_t order[] = { 4, 0, 0, 8 }; /* PCMA, opus; VP8 is no audio */
	struct sdp_side side;
	struct sdp_session *offer;

	(void)state;
	side_init(&side);
	struct sdp_wish *wish = side_add(&side, SDP_AUDIO, "0");

	wish->codecs = order;
	wish->codec_count = 4;
	offer = must_offer(&side, NULL);
	assert_int_equal(offer->media[0]->codec_count, 2);
	str_is(offer->media[0]->codecs[0].name, "PCMA");
	str_is(offer->media[0]->codecs[1].name, "opus");
	sdp_session_destroy(offer);
}

static void test_red_needs_its_codec(void **state)
{
	struct sdp_side side;
	struct sdp_session *offer;

	(void)state;
	side_init(&side);
	side_add(&side, SDP_AUDIO, "0");
	sdp_capabilities_enable_codec(&side.caps, STR("opus"), false);
	offer = must_offer(&side, NULL);
	for (size_t i = 0; i < offer->media[0]->codec_count; i++)
		assert_false(str_equal(offer->media[0]->codecs[i].name, STR("red")));
	sdp_session_destroy(offer);
}

static void test_legacy_data_channel_keeps_its_form(void **state)
{
	struct sdp_offer_options options = { 0 };
	struct sdp_session *remote =
		must_parse(TEST_HEAD "m=application 9 DTLS/SCTP 5000\r\na=mid:0\r\n" TEST_ICE TEST_FINGERPRINT
				     "a=sctpmap:5000 webrtc-datachannel 1024\r\n");
	struct sdp_side side;
	struct sdp_session *offer;

	(void)state;
	side_init(&side);
	side_add(&side, SDP_APPLICATION, "0");
	options.previous_remote = remote;
	offer = must_offer(&side, &options);
	str_is(offer->media[0]->proto, "DTLS/SCTP");
	str_is(offer->media[0]->formats[0], "5000");
	sdp_session_destroy(offer);
	sdp_session_destroy(remote);
}

static void refuses(struct sdp_side *side, const struct sdp_offer_options *options, wlk_err code, const char *message)
{
	struct sdp_session *offer = NULL;
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_make_offer(&offer, &side->local, options, &err), code);
	assert_null(offer);
	if (!contains(err.message, message))
		fail_msg("\"%s\" instead of \"%s\"", err.message, message);
}

static void test_bad_wishes_are_refused(void **state)
{
	struct sdp_offer_options options = { 0 };
	struct sdp_session *first;
	struct sdp_side side;

	(void)state;
	three_sections(&side);
	first = must_offer(&side, NULL);
	options.previous_local = first;
	side.wishes[1].mid = STR("a");
	refuses(&side, NULL, WLK_ERR_INVALID, "same mid");
	side.wishes[1].mid = STR("");
	refuses(&side, NULL, WLK_ERR_INVALID, "needs a mid");
	side.wishes[1].mid = STR("a b");
	refuses(&side, NULL, WLK_ERR_INVALID, "needs a mid");
	three_sections(&side);
	side.wishes[0].kind = SDP_VIDEO;
	refuses(&side, &options, WLK_ERR_INVALID, "kind");
	side_init(&side);
	for (size_t i = 0; i < SDP_MAX_MEDIA; i++) {
		static char mids[SDP_MAX_MEDIA][4];

		mids[i][0] = 'n';
		mids[i][1] = (char)('0' + i / 10);
		mids[i][2] = (char)('0' + i % 10);
		side_add(&side, SDP_AUDIO, mids[i]);
	}
	refuses(&side, &options, WLK_ERR_TOO_LARGE, "m-lines");
	sdp_session_destroy(must_offer(&side, NULL));
	sdp_session_destroy(first);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
	struct sdp_side side;
	size_t n;

	(void)state;
	three_sections(&side);
	for (n = 1;; n++) {
		struct sdp_session *offer = NULL;
		size_t before = alloc_live_blocks();
		wlk_err err;
		bool failed;

		alloc_fail_after(n);
		err = sdp_make_offer(&offer, &side.local, NULL, NULL);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		sdp_session_destroy(offer);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	assert_in_range(n, 4, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_data_only_offer),
		cmocka_unit_test(test_golden_audio_video_offer),
		cmocka_unit_test(test_default_offer_has_distinct_payload_types),
		cmocka_unit_test(test_our_offer_is_answered_and_agreed),
		cmocka_unit_test(test_bundle_only),
		cmocka_unit_test(test_order_and_numbers_stay),
		cmocka_unit_test(test_numbers_of_a_remote_offer_are_taken_over),
		cmocka_unit_test(test_an_id_means_one_thing_in_a_section),
		cmocka_unit_test(test_sections_without_a_wish_are_kept_with_port_0),
		cmocka_unit_test(test_recycling_takes_a_line_that_one_side_rejected),
		cmocka_unit_test(test_simulcast_offer),
		cmocka_unit_test(test_streams_and_fid),
		cmocka_unit_test(test_codec_preferences),
		cmocka_unit_test(test_red_needs_its_codec),
		cmocka_unit_test(test_legacy_data_channel_keeps_its_form),
		cmocka_unit_test(test_bad_wishes_are_refused),
		cmocka_unit_test(test_out_of_memory_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
