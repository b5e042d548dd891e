#include "sdp_support.h"

#include <string.h>

/* What we agree on with a browser whose offer we answer. */
static struct sdp_agreement *with_browser(const char *vector, bool simulcast)
{
	size_t size;
	char *text = read_vector(vector, &size);
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_agreement *a;
	struct sdp_side side;

	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].receive_simulcast = simulcast;
	answer = must_answer(offer, &side);
	a = must_agree(answer, offer, false);
	/* the agreement stands alone */
	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
	wlk_free(text);
	return a;
}

static void test_chromium(void **state)
{
	struct sdp_agreement *a = with_browser("chromium.av-dc.offer.sdp", false);
	const struct sdp_agreed_section *audio = &a->sections[0], *video = &a->sections[1], *data = &a->sections[2];

	(void)state;
	assert_true(a->transport.present && a->transport.bundled && a->transport.trickle);
	assert_false(a->transport.ice_lite || a->transport.renomination || a->transport.end_of_candidates);
	str_is(a->transport.ufrag, "v00Z");
	str_is(a->transport.pwd, "ylR5CpAczfuKqeyHvfoziQHZ");
	str_is(a->transport.mid, "0");
	assert_int_equal(a->transport.fingerprint_count, 1);
	assert_int_equal(a->transport.fingerprints[0].value[0], 0x27);
	assert_int_equal(a->transport.candidate_count, 4);
	assert_true(a->transport.local_is_dtls_client);

	assert_int_equal(audio->direction, SDP_SENDRECV);
	str_is(audio->codecs[0].name, "opus");
	assert_int_equal(audio->codecs[0].channels, 2);
	assert_int_equal(audio->codecs[0].send_type, 111);
	assert_int_equal(audio->codecs[0].send_rtx_type, SDP_NO_TYPE);
	assert_int_equal(audio->codecs[0].feedback, SDP_FB_TRANSPORT_CC);
	assert_true(audio->extmap_allow_mixed && audio->rtcp_rsize);
	assert_int_equal(audio->remote_stream_count, 1);
	assert_int_equal(audio->remote_streams[0].ssrc, 3078434528);
	str_is(audio->remote_streams[0].cname, "GP17m858loSx4f1H");
	assert_int_equal(audio->local_streams[0].ssrc, 1001);
	assert_int_equal(audio->remote_msid_count, 1);
	str_is(audio->remote_msids[0].stream, "05203b22-4a02-40dd-b199-27c0ff7ca81b");

	str_is(video->codecs[0].name, "VP8");
	assert_int_equal(video->codecs[0].receive_rtx_type, 97);
	assert_int_equal(video->codecs[0].send_rtx_type, 97);
	assert_int_equal(video->codecs[0].feedback,
			 SDP_FB_NACK | SDP_FB_NACK_PLI | SDP_FB_CCM_FIR | SDP_FB_REMB | SDP_FB_TRANSPORT_CC);
	assert_int_equal(video->remote_stream_count, 1);
	assert_int_equal(video->remote_streams[0].rtx_ssrc, 2489209064);
	assert_int_equal(video->local_streams[0].rtx_ssrc, 1002);
	assert_int_equal(video->extension_count, 7);

	assert_int_equal(data->kind, SDP_APPLICATION);
	assert_int_equal(data->local_sctp_port, 5000);
	assert_int_equal(data->remote_sctp_port, 5000);
	assert_int_equal(data->remote_max_message_size, 262144);
	assert_ptr_equal(sdp_agreed_by_mid(a, STR("2")), data);
	assert_null(sdp_agreed_by_mid(a, STR("3")));
	assert_null(sdp_agreed_by_mid(a, STR("")));
	sdp_agreement_destroy(a);
}

static void test_firefox(void **state)
{
	struct sdp_agreement *a = with_browser("firefox.av-dc.offer.sdp", false);
	const struct sdp_agreed_section *audio = &a->sections[0];

	(void)state;
	str_is(a->transport.ufrag, "51d6f84b");
	assert_int_equal(a->transport.fingerprints[0].value[0], 0x68);
	assert_true(a->transport.trickle && a->transport.end_of_candidates);
	assert_int_equal(a->transport.candidate_count, 8);
	str_is(audio->codecs[0].remote_fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
	assert_int_equal(audio->extension_count, 3);
	for (size_t i = 0; i < audio->extension_count; i++)
		assert_int_equal(audio->extensions[i].direction, SDP_SENDRECV);
	assert_int_equal(audio->extensions[1].extension, SDP_EXT_MID);
	assert_int_equal(audio->extensions[1].id, 3);
	assert_int_equal(a->sections[1].remote_streams[0].rtx_ssrc, 3651081429);
	sdp_agreement_destroy(a);
}

static void test_simulcast(void **state)
{
	struct sdp_agreement *a = with_browser("firefox.simulcast.offer.sdp", true);

	(void)state;
	assert_int_equal(a->sections[0].receive_rid_count, 3);
	str_is(a->sections[0].receive_rids[1].rid, "h");
	assert_int_equal(a->sections[0].send_rid_count, 0);
	assert_int_equal(a->sections[0].remote_stream_count, 3);
	assert_int_equal(a->sections[0].remote_streams[2].ssrc, 4182615368);
	assert_int_equal(a->sections[0].remote_streams[2].rtx_ssrc, 2572491883);
	sdp_agreement_destroy(a);
	a = with_browser("firefox.simulcast.offer.sdp", false);
	assert_int_equal(a->sections[0].receive_rid_count, 0);
	sdp_agreement_destroy(a);
}

static void test_simulcast_that_we_send(void **state)
{
	struct sdp_encoding layers[] = { { .rid = STR("q") }, { .rid = STR("h") }, { .rid = STR("f") } };
	struct sdp_side side, far;
	struct sdp_session *offer, *answer;
	struct sdp_agreement *a;

	(void)state;
	side_init(&side);
	struct sdp_wish *wish = side_add(&side, SDP_VIDEO, "0");

	wish->encodings = layers;
	wish->encoding_count = 3;
	offer = must_offer(&side, NULL);
	side_init(&far);
	side_follow(&far, offer);
	far.wishes[0].receive_simulcast = true;
	answer = must_answer(offer, &far);
	answer->media[0]->simulcast.recv = STR("q;~f;x"); /* one refused, one paused, one never offered */
	a = must_agree(offer, answer, true);
	assert_int_equal(a->sections[0].send_rid_count, 2);
	str_is(a->sections[0].send_rids[1].rid, "f");
	assert_true(a->sections[0].send_rids[1].paused);
	sdp_agreement_destroy(a);
	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
}

/* aiortc: BUNDLE, but each m-line with ICE credentials of its own; msid only by SSRC. */
static void test_aiortc_credentials_of_the_tagged_section(void **state)
{
	struct sdp_session *offer = must_parse(
		TEST_HEAD
		"a=group:BUNDLE 0 1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 3\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:audi\r\n"
		"a=ice-pwd:0123456789012345678901\r\n" TEST_FINGERPRINT "a=setup:actpass\r\na=candidate:1 a\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:1\r\na=rtcp-mux\r\na=ice-ufrag:vide\r\n"
		"a=ice-pwd:x123456789012345678901\r\n" TEST_FINGERPRINT "a=setup:active\r\na=candidate:2 b\r\n"
		"a=rtpmap:97 VP8/90000\r\na=ssrc:5 msid:s t\r\na=ssrc:5 cname:c\r\na=ptime:20\r\n");
	struct sdp_session *answer;
	struct sdp_agreement *a;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	a = must_agree(answer, offer, false);
	/* audio shares no codec, so the transport is the video section's, with its role, too */
	str_is(a->transport.ufrag, "vide");
	str_is(a->transport.candidates[0], "candidate:2 b");
	assert_int_equal(a->transport.index, 1);
	assert_false(a->transport.local_is_dtls_client);
	assert_true(a->sections[0].rejected);
	str_is(a->sections[1].remote_msids[0].stream, "s");
	str_is(a->sections[1].remote_msids[0].track, "t");
	assert_int_equal(a->sections[1].remote_ptime, 20);
	sdp_agreement_destroy(a);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_without_bundle(void **state)
{
	struct sdp_session *offer =
		must_parse(TEST_HEAD "a=ice-lite\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"
				     "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n" TEST_ICE TEST_FINGERPRINT
				     "a=setup:passive\r\na=ice-options:renomination\r\n");
	struct sdp_session *answer;
	struct sdp_agreement *a;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	a = must_agree(answer, offer, false);
	assert_int_equal(a->transport.index, 1);
	assert_false(a->transport.bundled);
	assert_true(a->transport.ice_lite && a->transport.renomination && !a->transport.trickle);
	assert_true(a->transport.local_is_dtls_client);
	sdp_agreement_destroy(a);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_everything_rejected(void **state)
{
	struct sdp_session *offer = must_parse(TEST_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");
	struct sdp_agreement *a = must_agree(offer, offer, false);

	(void)state;
	assert_false(a->transport.present);
	assert_true(a->sections[0].rejected);
	sdp_agreement_destroy(a);
	sdp_session_destroy(offer);
}

static void test_directions_intersect(void **state)
{
	struct sdp_session *local = must_parse(TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" TEST_ICE);
	struct sdp_session *remote = must_parse(TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" TEST_ICE);

	(void)state;
	local->media[0]->direction_given = remote->media[0]->direction_given = true;
	for (unsigned l = 0; l < 4; l++) {
		for (unsigned r = 0; r < 4; r++) {
			struct sdp_agreement *a;

			local->media[0]->direction = (enum sdp_direction)l;
			remote->media[0]->direction = (enum sdp_direction)r;
			a = must_agree(local, remote, true);
			/* we send what we may send and they may receive */
			assert_int_equal(a->sections[0].direction & SDP_SENDONLY, l & 1 && r & 2 ? SDP_SENDONLY : 0);
			assert_int_equal(a->sections[0].direction & SDP_RECVONLY, l & 2 && r & 1 ? SDP_RECVONLY : 0);
			sdp_agreement_destroy(a);
		}
	}
	sdp_session_destroy(local);
	sdp_session_destroy(remote);
}

static void test_extension_directions(void **state)
{
	struct sdp_session *local = must_parse(
		TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=extmap:1 urn:a\r\na=extmap:2/sendonly urn:b\r\n"
			  "a=extmap:3 urn:c\r\na=extmap:4/sendonly urn:d\r\na=extmap:1 urn:a\r\n");
	struct sdp_session *remote = must_parse(
		TEST_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=extmap:1/sendonly urn:a\r\na=extmap:2 urn:b\r\n"
			  "a=extmap:3 urn:x\r\na=extmap:4/sendonly urn:d\r\n");
	struct sdp_agreement *a = must_agree(local, remote, true);

	(void)state;
	assert_int_equal(a->sections[0].extension_count, 2);
	assert_int_equal(a->sections[0].extensions[0].direction, SDP_RECVONLY);
	assert_int_equal(a->sections[0].extensions[1].direction, SDP_SENDONLY);
	str_is(a->sections[0].extensions[1].uri, "urn:b");
	sdp_agreement_destroy(a);
	sdp_session_destroy(local);
	sdp_session_destroy(remote);
}

static void test_stream_groups(void **state)
{
	struct sdp_session *s = must_parse(
		TEST_HEAD
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ssrc:1 cname:c\r\na=ssrc:2 cname:c\r\na=ssrc:3 cname:c\r\n"
		"a=ssrc:4 cname:c\r\na=ssrc-group:FID 1 2\r\na=ssrc-group:FEC-FR 1 3\r\na=ssrc-group:SIM 1 4\r\n"
		"a=ssrc-group:FID 4 4\r\na=ssrc-group:FID 4 5 6\r\na=ssrc-group:FID\r\n");
	struct sdp_agreement *a = must_agree(s, s, true);
	const struct sdp_agreed_section *section = &a->sections[0];

	(void)state;
	assert_int_equal(section->remote_stream_count, 2);
	assert_int_equal(section->remote_streams[0].rtx_ssrc, 2);
	assert_int_equal(section->remote_streams[0].fec_ssrc, 3);
	assert_int_equal(section->remote_streams[1].ssrc, 4);
	assert_int_equal(section->remote_streams[1].rtx_ssrc, 0);
	sdp_agreement_destroy(a);
	sdp_session_destroy(s);
}

static void test_different_numbers_of_m_lines(void **state)
{
	struct sdp_session *one = must_parse(TEST_HEAD "m=audio 0 X 0\r\n"), *none = must_parse(TEST_HEAD);
	struct sdp_agreement *a = NULL;

	(void)state;
	assert_int_equal(sdp_agree(&a, one, none, true, NULL), WLK_ERR_NEGOTIATION);
	assert_null(a);
	sdp_session_destroy(one);
	sdp_session_destroy(none);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
	size_t size, n;
	char *text = read_vector("firefox.av-dc.offer.sdp", &size);
	char *other = read_vector("firefox.av-dc.answer.sdp", &size);
	struct sdp_session *offer = must_parse(text), *answer = must_parse(other);

	(void)state;
	for (n = 1;; n++) {
		struct sdp_agreement *a = NULL;
		size_t before = alloc_live_blocks();
		wlk_err err;
		bool failed;

		alloc_fail_after(n);
		err = sdp_agree(&a, offer, answer, true, NULL);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		sdp_agreement_destroy(a);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	assert_in_range(n, 2, 50);
	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
	wlk_free(text);
	wlk_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chromium),
		cmocka_unit_test(test_firefox),
		cmocka_unit_test(test_simulcast),
		cmocka_unit_test(test_simulcast_that_we_send),
		cmocka_unit_test(test_aiortc_credentials_of_the_tagged_section),
		cmocka_unit_test(test_without_bundle),
		cmocka_unit_test(test_everything_rejected),
		cmocka_unit_test(test_directions_intersect),
		cmocka_unit_test(test_extension_directions),
		cmocka_unit_test(test_stream_groups),
		cmocka_unit_test(test_different_numbers_of_m_lines),
		cmocka_unit_test(test_out_of_memory_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
