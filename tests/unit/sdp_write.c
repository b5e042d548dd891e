#include "sdp_support.h"

#include <string.h>

static void test_empty_session_gets_the_mandatory_lines(void **state)
{
	struct sdp_session *s;
	char *text;

	(void)state;
	assert_int_equal(sdp_session_create(&s), WLK_OK);
	text = must_write(s);
	assert_string_equal(text, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
	wlk_free(text);
	sdp_session_destroy(s);
}

/* Every field of the model once; the text comes back as it was. */
static void test_everything_in_its_order(void **state)
{
	static const char text[] =
		"v=0\r\no=u 1 2 IN IP6 ::1\r\ns=a b\r\nc=IN IP4 192.0.2.1\r\nb=AS:1\r\nt=0 0\r\n"
		"a=group:BUNDLE 0 1\r\na=group:LS 0\r\na=extmap-allow-mixed\r\na=msid-semantic:WMS *\r\na=ice-lite\r\n"
		"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=ice-options:trickle\r\n" TEST_FINGERPRINT
		"a=setup:actpass\r\na=inactive\r\na=end-of-candidates\r\na=extmap:14 urn:s\r\na=x-flag\r\na=x:y\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97 0\r\nc=IN IP4 0.0.0.0\r\nb=TIAS:5\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\na=ice-ufrag:efgh\r\n"
		"a=ice-pwd:1123456789012345678901\r\na=ice-options:ice2\r\n" TEST_FINGERPRINT
		"a=setup:passive\r\na=mid:0\r\na=bundle-only\r\na=extmap:1/sendonly urn:m x\r\na=extmap-allow-mixed\r\n"
		"a=sendonly\r\na=msid:s t\r\na=msid:-\r\na=rtcp-mux\r\na=rtcp-mux-only\r\na=rtcp-rsize\r\n"
		"a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=fmtp:96 max-fs=1\r\na=rtpmap:97 rtx/90000\r\n"
		"a=fmtp:97 apt=96\r\na=rtcp-fb:* ccm fir\r\na=ptime:20\r\na=maxptime:60\r\na=ssrc-group:FID 1 2\r\n"
		"a=ssrc:1 cname:c\r\na=ssrc:1 msid:s t\r\na=ssrc:2 cname:c\r\na=rid:q send pt=96\r\n"
		"a=simulcast:send q;~h recv r\r\na=framerate:30\r\n"
		"m=application 9 DTLS/SCTP 5000\r\na=sctp-port:5000\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"
		"a=max-message-size:0\r\n";
	struct sdp_session *s = must_parse(text);
	char *written = must_write(s);

	(void)state;
	assert_string_equal(written, text);
	wlk_free(written);
	sdp_session_destroy(s);
}

static void test_text_is_appended(void **state)
{
	struct sdp_session *s;
	struct text out;

	(void)state;
	assert_int_equal(sdp_session_create(&s), WLK_OK);
	text_init(&out);
	text_add(&out, "before");
	assert_int_equal(sdp_write(s, &out), WLK_OK);
	assert_true(str_starts((struct str){ out.at, out.size }, STR("beforev=0\r\n")));
	text_free(&out);
	assert_int_equal(sdp_fragment_write(s, &out), WLK_OK);
	assert_string_equal(out.at, "");
	text_free(&out);
	sdp_session_destroy(s);
}

/* Each field of the model, given a value that would make a line of its own. */
static void test_R33_injection_is_refused_in_every_field(void **state)
{
	static const struct str evil[] = { { "x\r\na=ice-lite", 13 }, { "x\ny", 3 }, { "x\ry", 3 }, { "x\0y", 3 } };

	(void)state;
	for (size_t e = 0; e < ARRAY_SIZE(evil); e++) {
		for (int field = 0; field < 33; field++) {
			struct sdp_session *s = must_parse(
				TEST_HEAD
				"a=group:BUNDLE 0\r\na=x:y\r\nb=AS:1\r\na=extmap:1 urn:x y\r\n" TEST_FINGERPRINT
				"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nb=AS:1\r\na=candidate:1\r\na=extmap:1 urn:x y\r\n"
				"a=msid:s t\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=fmtp:96 x\r\n"
				"a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\na=rid:q send x\r\n"
				"a=simulcast:send q recv r\r\na=sctpmap:5000 x\r\na=x:y\r\n");
			struct sdp_media *m = s->media[0];
			struct str *fields[] = {
				&s->origin_user,
				&s->origin_id,
				&s->origin_version,
				&s->origin_address,
				&s->name,
				&s->connection,
				&s->bandwidths[0],
				&s->groups[0].semantics,
				&s->groups[0].mids[0],
				&s->msid_semantic,
				&s->ice.ufrag,
				&s->fingerprints[0].algorithm,
				&s->extmaps[0].uri,
				&s->extmaps[0].attributes,
				&s->others[0].name,
				&m->kind_text,
				&m->proto,
				&m->formats[0],
				&m->mid,
				&m->rtcp,
				&m->ice.pwd,
				&m->candidates[0],
				&m->codecs[0].name,
				&m->codecs[0].fmtp,
				&m->codecs[0].feedback[0].parameter,
				&m->ssrcs[0].cname,
				&m->ssrc_groups[0].semantics,
				&m->msids[0].track,
				&m->rids[0].id,
				&m->rids[0].restrictions,
				&m->simulcast.recv,
				&m->sctpmap.app,
				&m->others[0].value,
			};
			struct text out;

			assert_int_equal(ARRAY_SIZE(fields), 33);
			*fields[field] = evil[e];
			text_init(&out);
			text_add(&out, "kept");
			assert_int_equal(sdp_write(s, &out), WLK_ERR_INVALID);
			assert_string_equal(out.at, "kept");
			text_free(&out);
			sdp_session_destroy(s);
		}
	}
}

static void test_R33_injection_is_refused_in_a_fragment(void **state)
{
	struct sdp_session *s = must_parse(TEST_HEAD "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n");
	struct text out;

	(void)state;
	s->media[0]->mid = STR("0\r\na=x");
	text_init(&out);
	assert_int_equal(sdp_fragment_write(s, &out), WLK_ERR_INVALID);
	assert_string_equal(out.at, "");
	text_free(&out);
	sdp_session_destroy(s);
}

static void test_out_of_memory(void **state)
{
	size_t size, n;
	char *text = read_vector("chromium.av-dc.offer.sdp", &size);
	struct sdp_session *s = must_parse(text);

	(void)state;
	for (n = 1;; n++) {
		struct text out;
		wlk_err err;

		text_init(&out);
		alloc_fail_after(n);
		err = sdp_write(s, &out);
		text_free(&out);
		if (!alloc_did_fail())
			break;
		assert_int_equal(err, WLK_ERR_NOMEM);
	}
	assert_in_range(n, 2, 40);
	alloc_fail_after(0);
	sdp_session_destroy(s);
	wlk_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_session_gets_the_mandatory_lines),
		cmocka_unit_test(test_everything_in_its_order),
		cmocka_unit_test(test_text_is_appended),
		cmocka_unit_test(test_R33_injection_is_refused_in_every_field),
		cmocka_unit_test(test_R33_injection_is_refused_in_a_fragment),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
