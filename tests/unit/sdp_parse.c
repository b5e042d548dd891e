#include "sdp_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define M_AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
#define M_DATA  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"

static void test_chromium_offer_field_by_field(void **state)
{
	size_t size;
	char *text = read_vector("chromium.av-dc.offer.sdp", &size);
	struct sdp_session *s = must_parse(text);
	const struct sdp_media *audio = s->media[0], *video = s->media[1], *data = s->media[2];

	(void)state;
	str_is(s->origin_id, "5899878655776379002");
	str_is(s->origin_version, "2");
	assert_int_equal(s->group_count, 1);
	assert_int_equal(s->groups[0].mid_count, 3);
	str_is(s->groups[0].mids[2], "2");
	assert_true(s->extmap_allow_mixed);
	assert_int_equal(s->media_count, 3);
	assert_int_equal(audio->kind, SDP_AUDIO);
	assert_int_equal(audio->port, 50623);
	assert_int_equal(audio->line, 8);
	str_is(audio->proto, "UDP/TLS/RTP/SAVPF");
	str_is(audio->connection, "IN IP4 192.0.2.2");
	str_is(audio->rtcp, "9 IN IP4 0.0.0.0");
	assert_int_equal(audio->candidate_count, 4);
	str_is(audio->candidates[0],
	       "candidate:100484523 1 udp 2122194687 192.0.2.2 50623 typ host generation 0 network-id 1");
	str_is(audio->ice.ufrag, "v00Z");
	str_is(audio->ice.pwd, "ylR5CpAczfuKqeyHvfoziQHZ");
	assert_int_equal(audio->fingerprints[0].value[31], 0x31);
	assert_int_equal(audio->setup, SDP_SETUP_ACTPASS);
	assert_int_equal(audio->extmap_count, 4);
	assert_int_equal(audio->codec_count, 8);
	str_is(audio->codecs[0].name, "opus");
	str_is(audio->codecs[0].fmtp, "minptime=10;useinbandfec=1");
	str_is(audio->codecs[0].feedback[0].type, "transport-cc");
	assert_int_equal(audio->msid_count, 1);
	str_is(audio->msids[0].track, "384bd31a-4f3c-4cef-908f-4a025068e804");
	assert_int_equal(audio->ssrcs[0].ssrc, 3078434528);
	str_is(audio->ssrcs[0].cname, "GP17m858loSx4f1H");
	assert_int_equal(audio->other_count, 1);
	str_is(audio->others[0].name, "rtcp-xr");
	assert_int_equal(video->codec_count, 23);
	assert_int_equal(video->codecs[0].feedback_count, 5);
	str_is(video->codecs[0].feedback[4].parameter, "pli");
	assert_int_equal(video->ssrc_groups[0].ssrcs[1], 2489209064);
	assert_int_equal(data->kind, SDP_APPLICATION);
	str_is(data->formats[0], "webrtc-datachannel");
	assert_int_equal(data->sctp_port, 5000);
	assert_int_equal(data->max_message_size, 262144);
	sdp_session_destroy(s);
	wlk_free(text);
}

static void test_firefox_offer_field_by_field(void **state)
{
	size_t size;
	char *text = read_vector("firefox.av-dc.offer.sdp", &size);
	struct sdp_session *s = must_parse(text);
	const struct sdp_media *audio = s->media[0];
	size_t count;

	(void)state;
	str_is(s->origin_user, "mozilla...THIS_IS_SDPARTA-99.0");
	assert_true(s->direction_given);
	assert_int_equal(sdp_media_fingerprints(s, audio, &count)[0].value[0], 0x68);
	assert_true(sdp_media_has_ice_option(s, audio, STR("trickle")));
	assert_true(audio->end_of_candidates);
	assert_int_equal(audio->extmaps[1].direction, SDP_RECVONLY);
	assert_true(audio->extmap_allow_mixed);
	/* fmtp and rtcp-fb come before rtpmap */
	str_is(audio->codecs[0].name, "opus");
	str_is(audio->codecs[0].fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
	str_is(audio->codecs[1].name, "G722");
	assert_int_equal(audio->codecs[1].channels, 1);
	assert_int_equal(s->media[2]->max_message_size, 1073741823);
	sdp_session_destroy(s);
	wlk_free(text);
}

static void test_simulcast_and_rids(void **state)
{
	size_t size;
	char *text = read_vector("firefox.simulcast.offer.sdp", &size);
	struct sdp_session *s = must_parse(text);

	(void)state;
	assert_int_equal(s->media[0]->rid_count, 3);
	str_is(s->media[0]->rids[2].id, "f");
	str_is(s->media[0]->simulcast.send, "q;h;f");
	assert_int_equal(s->media[0]->ssrc_group_count, 3);
	assert_int_equal(s->media[0]->ssrc_count, 6);
	sdp_session_destroy(s);
	wlk_free(text);
}

static void test_legacy_data_channel(void **state)
{
	struct sdp_session *s = must_parse(TEST_HEAD "m=application 9 DTLS/SCTP 5000\r\n"
						     "a=sctpmap:5000 webrtc-datachannel 65535\r\n");

	(void)state;
	assert_int_equal(s->media[0]->protocol, SDP_PROTO_SCTP_LEGACY);
	assert_int_equal(s->media[0]->sctpmap.port, 5000);
	str_is(s->media[0]->sctpmap.app, "webrtc-datachannel");
	assert_int_equal(s->media[0]->sctpmap.streams, 65535);
	sdp_session_destroy(s);
}

static void test_tolerates(void **state)
{
	static const char *const good[] = {
		"v=0\n",                                                   /* bare LF, nothing else */
		"v=0",                                                     /* no line end */
		"v=0\r\n\r\ns=my session\r\n\r\n",                         /* empty lines, any s= */
		TEST_HEAD "i=x\r\nz=x\r\nk=clear:x\r\nr=1\r\nQ=x\r\n",     /* lines that mean nothing to us */
		TEST_HEAD "a=x-unknown\r\na=x-unknown:1:2\r\na=mid:0\r\n", /* unknown or misplaced attributes */
		TEST_HEAD M_AUDIO "a=group:BUNDLE 0\r\na=ice-lite\r\n",    /* session attributes in a section */
		TEST_HEAD M_AUDIO
		"a=rtpmap:96 VP8/90000\r\na=fmtp:96 x\r\na=rtcp-fb:96 nack\r\n", /* not in the m-line */
		TEST_HEAD M_AUDIO "a=fmtp:111 x=1\r\na=fmtp:111 x=2\r\na=fmtp:0\r\n",
		TEST_HEAD M_AUDIO "a=simulcast: send rid=1;2\r\na=ptime:20.5\r\na=maxptime:x\r\n", /* forms of drafts */
		TEST_HEAD M_AUDIO "a=rtpmap:111 opus/48000/2\r\na=rtpmap:111 OPUS/48000/2\r\n",
		TEST_HEAD M_AUDIO "a=mid:0\r\na=mid:0\r\na=ssrc:1\r\na=ssrc:1 label:x\r\na=ssrc:1 cname:\r\n",
		TEST_HEAD "m=audio 9/2 RTP/AVP 0 0 0\r\n",
		TEST_HEAD "m=image 9 udptl t38\r\nm=text 0 X Y\r\n",
		TEST_HEAD M_AUDIO "a=rtcp-fb:111\r\na=rtcp-fb:* nack\r\n" M_DATA "a=rtcp-fb:* nack\r\na=rtpmap:0 x\r\n",
		TEST_HEAD "c=IN IP4 192.0.2.1\r\nb=AS:1\r\nb=CT:2\r\n" M_AUDIO
			  "c=IN IP4 1.1.1.1\r\nc=IN IP4 2.2.2.2\r\nb=TIAS:3\r\n",
		TEST_HEAD M_AUDIO "a=candidate:\r\na=candidate:x\r\na=ice-ufrag:\r\na=ice-options:\r\na=rtcp-mux:x\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct sdp_session *s = must_parse(good[i]);
		char *first = must_write(s);
		struct sdp_session *again = must_parse(first);
		char *second = must_write(again);

		assert_string_equal(first, second);
		wlk_free(first);
		wlk_free(second);
		sdp_session_destroy(s);
		sdp_session_destroy(again);
	}
}

static void test_errors_tell_their_line(void **state)
{
	(void)state;
	must_refuse("", WLK_ERR_PARSE, 0, "empty");
	must_refuse("\r\n\r\n", WLK_ERR_PARSE, 2, "empty");
	must_refuse("o=- 1 2 IN IP4 0\r\n", WLK_ERR_PARSE, 1, "v=0");
	must_refuse("v=1\r\n", WLK_ERR_PARSE, 1, "version");
	must_refuse("v=0\r\no=- 1 2\r\n", WLK_ERR_PARSE, 2, "o= line");
	must_refuse("v=0\r\nhello\r\n", WLK_ERR_PARSE, 2, "not a line");
	must_refuse("v=0\r\n\r\nx\r\n", WLK_ERR_PARSE, 3, "not a line");
	must_refuse("{\"sdp\":1}", WLK_ERR_PARSE, 1, "v=0");
	must_refuse(TEST_HEAD "a=:x\r\n", WLK_ERR_PARSE, 5, "without a name");
	must_refuse(TEST_HEAD "a=fingerprint:sha-256 AB\r\n", WLK_ERR_PARSE, 5, "fingerprint");
	must_refuse(TEST_HEAD "a=setup:maybe\r\n", WLK_ERR_PARSE, 5, "\"maybe\"");
	must_refuse(TEST_HEAD "a=setup:\x01\xff\r\n", WLK_ERR_PARSE, 5, "\"??\"");
	must_refuse(TEST_HEAD "a=extmap:0 urn:x\r\n", WLK_ERR_PARSE, 5, "extmap");
	must_refuse(TEST_HEAD "a=group:\r\n", WLK_ERR_PARSE, 5, "group");
	must_refuse(TEST_HEAD "m=audio\r\n", WLK_ERR_PARSE, 5, "m-line");
	must_refuse(TEST_HEAD "m=audio 65536 RTP/AVP 0\r\n", WLK_ERR_PARSE, 5, "m-line");
	must_refuse(TEST_HEAD "m=audio 9 RTP/AVP\r\n", WLK_ERR_PARSE, 5, "without a format");
	must_refuse(TEST_HEAD "m=audio 9 RTP/AVP 0 128\r\n", WLK_ERR_PARSE, 5, "payload type \"128\"");
	must_refuse(TEST_HEAD M_AUDIO "a=mid:\r\n", WLK_ERR_PARSE, 6, "mid");
	must_refuse(TEST_HEAD M_AUDIO "a=mid:0\r\na=mid:1\r\n", WLK_ERR_PARSE, 7, "second a=mid");
	must_refuse(TEST_HEAD M_AUDIO "a=rtpmap:111 opus\r\n", WLK_ERR_PARSE, 6, "rtpmap");
	must_refuse(TEST_HEAD M_AUDIO "a=rtpmap:111 opus/48000/2\r\na=rtpmap:111 opus/48000\r\n", WLK_ERR_PARSE, 7,
		    "mapped to two codecs");
	must_refuse(TEST_HEAD M_AUDIO "a=ssrc:x cname:y\r\n", WLK_ERR_PARSE, 6, "a=ssrc ");
	must_refuse(TEST_HEAD M_AUDIO "a=ssrc:4294967296 cname:y\r\n", WLK_ERR_PARSE, 6, "a=ssrc ");
	must_refuse(TEST_HEAD M_AUDIO "a=ssrc-group:FID 1 x\r\n", WLK_ERR_PARSE, 6, "ssrc-group");
	must_refuse(TEST_HEAD M_AUDIO "a=ssrc-group:\r\n", WLK_ERR_PARSE, 6, "ssrc-group");
	must_refuse(TEST_HEAD M_AUDIO "a=msid: \r\n", WLK_ERR_PARSE, 6, "msid");
	must_refuse(TEST_HEAD M_AUDIO "a=rid:q\r\n", WLK_ERR_PARSE, 6, "rid");
	must_refuse(TEST_HEAD M_DATA "a=sctp-port:0\r\n", WLK_ERR_PARSE, 6, "sctp-port");
	must_refuse(TEST_HEAD M_DATA "a=sctpmap:5000\r\n", WLK_ERR_PARSE, 6, "sctpmap");
	must_refuse(TEST_HEAD M_DATA "a=max-message-size:-1\r\n", WLK_ERR_PARSE, 6, "max-message-size");
	must_refuse(TEST_HEAD M_DATA "a=max-message-size:18446744073709551616\r\n", WLK_ERR_PARSE, 6,
		    "max-message-size");
}

static void test_error_place_may_be_left_out(void **state)
{
	struct sdp_session *s = NULL;

	(void)state;
	assert_int_equal(sdp_parse(&s, "x", 1, NULL), WLK_ERR_PARSE);
	assert_null(s);
}

static void test_R33_nul_and_lone_cr_are_refused(void **state)
{
	static const char nul[] = "v=0\r\ns=a\0b\r\n";
	struct sdp_session *s = NULL;
	struct sdp_error err;

	(void)state;
	assert_int_equal(sdp_parse(&s, nul, sizeof(nul) - 1, &err), WLK_ERR_PARSE);
	assert_int_equal(err.line, 2);
	assert_non_null(strstr(err.message, "NUL"));
	must_refuse("v=0\r\ns=a\rb\r\n", WLK_ERR_PARSE, 2, "carriage return");
	must_refuse("v=0\r\ns=a\r\r\n", WLK_ERR_PARSE, 2, "carriage return");
}

/* |head| and then |count| times |line|. */
static struct text repeated(const char *head, const char *line, size_t count)
{
	struct text text;

	text_init(&text);
	text_add(&text, head);
	for (size_t i = 0; i < count; i++)
		text_add(&text, line);
	assert_true(text_ok(&text));
	return text;
}

static void limit(const char *head, const char *line, size_t fits, const char *message, size_t lines_before)
{
	struct text good = repeated(head, line, fits);
	struct text bad = repeated(head, line, fits + 1);
	struct sdp_session *s = must_parse(good.at);

	must_refuse(bad.at, WLK_ERR_TOO_LARGE, lines_before + fits + 1, message);
	sdp_session_destroy(s);
	text_free(&good);
	text_free(&bad);
}

static void test_R33_limits(void **state)
{
	struct text text;

	(void)state;
	limit(TEST_HEAD, M_AUDIO, SDP_MAX_MEDIA, "more than 64 m-lines", 4);
	limit(TEST_HEAD, "a=x\r\n", SDP_MAX_ATTRIBUTES, "more than 1024 attributes", 4);
	limit(TEST_HEAD M_AUDIO, "a=x\r\n", SDP_MAX_ATTRIBUTES, "more than 1024 attributes", 5);
	limit(TEST_HEAD, TEST_FINGERPRINT, SDP_MAX_FINGERPRINTS, "more than 16 fingerprints", 4);
	limit(TEST_HEAD M_AUDIO, TEST_FINGERPRINT, SDP_MAX_FINGERPRINTS, "more than 16 fingerprints", 5);
	text_init(&text);
	text_add(&text, TEST_HEAD M_AUDIO);
	for (unsigned i = 0; i <= SDP_MAX_SSRCS; i++)
		text_addf(&text, "a=ssrc:%u cname:x\r\n", i);
	must_refuse(text.at, WLK_ERR_TOO_LARGE, 5 + SDP_MAX_SSRCS + 1, "more than 256 SSRCs");
	text_clear(&text);
	text_add(&text, TEST_HEAD "m=application 9 X");
	for (unsigned i = 0; i <= SDP_MAX_CODECS; i++)
		text_addf(&text, " %u", i);
	must_refuse(text.at, WLK_ERR_TOO_LARGE, 5, "more than 128 formats");
	text_free(&text);
}

static void test_R33_longest_line(void **state)
{
	char *text = malloc(SDP_MAX_LINE + 64);
	struct sdp_session *s;

	(void)state;
	memset(text, 'x', SDP_MAX_LINE + 64);
	memcpy(text, "v=0\r\ns=", 7);
	strcpy(text + 5 + SDP_MAX_LINE, "\r\n");
	s = must_parse(text);
	assert_int_equal(s->name.size, SDP_MAX_LINE - 2);
	sdp_session_destroy(s);
	memcpy(text + 5 + SDP_MAX_LINE, "x\r\n", 4);
	must_refuse(text, WLK_ERR_TOO_LARGE, 2, "longer than 4096");
	free(text);
}

static void test_R33_all_payload_types_fit(void **state)
{
	struct text text;
	struct sdp_session *s;

	(void)state;
	text_init(&text);
	text_add(&text, TEST_HEAD "m=video 9 UDP/TLS/RTP/SAVPF");
	for (unsigned i = 0; i < 128; i++)
		text_addf(&text, " %u", i);
	text_add(&text, "\r\na=rtpmap:127 last/90000\r\n");
	s = must_parse(text.at);
	assert_int_equal(s->media[0]->codec_count, 128);
	str_is(s->media[0]->codecs[127].name, "last");
	sdp_session_destroy(s);
	text_free(&text);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* CPU microseconds of the fastest of five runs. */
static int64_t parse_time(const char *text, size_t size, wlk_err expected)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct sdp_session *s = NULL;
		int64_t start = now_us();

		assert_int_equal(sdp_parse(&s, text, size, NULL), expected);
		best = MIN(best, now_us() - start);
		sdp_session_destroy(s);
	}
	return best;
}

/* The figure of a release build is 15 ms; sanitizers take several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BOUND_US (15000 * 12)
#else
#define BOUND_US 15000
#endif

/* As many sections as fit, each with |count| lines printed with a running number. */
static struct text hostile(const char *m_line, const char *format, size_t count)
{
	struct text text;
	unsigned n = 0;

	text_init(&text);
	text_add(&text, TEST_HEAD);
	for (size_t i = 0; i < SDP_MAX_MEDIA; i++) {
		text_add(&text, m_line);
		for (size_t k = 0; k < count && text.size < SDP_MAX_SIZE - 5000; k++, n++) {
			const char *at = strchr(format, '#');

			text_add_str(&text, (struct str){ format, (size_t)(at - format) });
			text_addf(&text, "%u%s", n, at + 1);
		}
	}
	assert_true(text_ok(&text));
	assert_true(text.size < SDP_MAX_SIZE);
	return text;
}

static void test_R33_256_KiB_in_15_ms(void **state)
{
	static const struct {
		const char *m_line, *line;
		size_t count;
	} rows[] = {
		{ M_AUDIO, "a=ssrc:# cname:x\r\n", 256 },
		{ M_AUDIO, "a=x#\r\n", 1024 },
		{ M_AUDIO, "a=rtcp-fb:* x#\r\n", 1024 },
		{ M_AUDIO, "a=fmtp:111 x#\r\n", 1024 },
		{ M_AUDIO, "a=ssrc-group:FID # 2\r\n", 1024 },
		{ M_AUDIO, "a=candidate:#\r\n", 1024 },
		{ M_AUDIO, "a=msid:s #\r\n", 1024 },
		{ M_AUDIO, "b=#\r\n", 100000 },
		{ M_AUDIO, "i=#\r\n", 100000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text text = hostile(rows[i].m_line, rows[i].line, rows[i].count);
		int64_t us = parse_time(text.at, text.size, WLK_OK);

		print_message("%.*s: %zu bytes in %lld us\n", (int)strcspn(rows[i].line, "\r"), rows[i].line, text.size,
			      (long long)us);
		assert_true(us < BOUND_US);
		text_free(&text);
	}
}

static void test_R33_1_MiB_and_10000_m_lines_are_refused_quickly(void **state)
{
	struct text many = repeated(TEST_HEAD, "m=a 9 b 0\n", 10000);
	struct text big = repeated(TEST_HEAD, "a=xxxxxxxxxxxxxx\n", 65536);

	(void)state;
	assert_true(many.size < SDP_MAX_SIZE);
	assert_true(parse_time(many.at, many.size, WLK_ERR_TOO_LARGE) < BOUND_US);
	assert_true(big.size > 1024 * 1024);
	assert_true(parse_time(big.at, big.size, WLK_ERR_TOO_LARGE) < 1000);
	must_refuse(many.at, WLK_ERR_TOO_LARGE, 4 + SDP_MAX_MEDIA + 1, "m-lines");
	must_refuse(big.at, WLK_ERR_TOO_LARGE, 0, "262144 bytes");
	text_free(&many);
	text_free(&big);
}

static void test_fragment(void **state)
{
	/* The shape of RFC 8840 9 and RFC 9725 4.3.1 */
	static const char text[] =
		"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
		"m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
		"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
		"a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0\r\n"
		"a=end-of-candidates\r\n";
	struct sdp_session *s = NULL;
	struct text out;

	(void)state;
	assert_int_equal(sdp_fragment_parse(&s, text, sizeof(text) - 1, NULL), WLK_OK);
	str_is(sdp_media_ice(s, s->media[0]).ufrag, "EsAw");
	assert_int_equal(s->media[0]->candidate_count, 2);
	assert_true(s->media[0]->end_of_candidates);
	text_init(&out);
	assert_int_equal(sdp_fragment_write(s, &out), WLK_OK);
	assert_string_equal(out.at, text);
	text_free(&out);
	sdp_session_destroy(s);
	s = NULL;
	assert_int_equal(sdp_fragment_parse(&s, "", 0, NULL), WLK_ERR_PARSE);
	assert_int_equal(sdp_fragment_parse(&s, "hello", 5, NULL), WLK_ERR_PARSE);
	assert_null(s);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
	size_t size;
	char *text = read_vector("firefox.simulcast.offer.sdp", &size);
	struct text big = hostile(M_AUDIO, "a=rtcp-fb:* x#\r\n", 1024);

	(void)state;
	for (size_t n = 1; n < 100; n++) {
		struct sdp_session *s = NULL;
		size_t before = alloc_live_blocks();
		wlk_err err;

		alloc_fail_after(n);
		err = sdp_parse(&s, n % 2 ? text : big.at, n % 2 ? size : big.size, NULL);
		if (alloc_did_fail()) {
			assert_int_equal(err, WLK_ERR_NOMEM);
			assert_null(s);
		} else {
			assert_int_equal(err, WLK_OK);
		}
		alloc_fail_after(0);
		sdp_session_destroy(s);
		assert_int_equal(alloc_live_blocks(), before);
	}
	text_free(&big);
	wlk_free(text);
}

/* What looks through groups costs mids times mids: a group holds each once, and no more than there may be m-lines. */
static void test_R33_groups_hold_each_mid_once_and_few(void **state)
{
	static char text[8192];
	struct sdp_session *s;
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, sizeof(text), "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
	for (int i = 0; i < 1000; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " a");
	snprintf(text + used, sizeof(text) - used, "\r\n");
	s = must_parse(text);
	assert_int_equal(s->groups[0].mid_count, 1);
	sdp_session_destroy(s);
	for (int i = 0; i < SDP_MAX_MEDIA; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " m%d", i);
	snprintf(text + used, sizeof(text) - used, "\r\n");
	assert_int_equal(sdp_parse(&s, text, strlen(text), NULL), WLK_ERR_PARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chromium_offer_field_by_field),
		cmocka_unit_test(test_firefox_offer_field_by_field),
		cmocka_unit_test(test_simulcast_and_rids),
		cmocka_unit_test(test_legacy_data_channel),
		cmocka_unit_test(test_tolerates),
		cmocka_unit_test(test_errors_tell_their_line),
		cmocka_unit_test(test_error_place_may_be_left_out),
		cmocka_unit_test(test_R33_nul_and_lone_cr_are_refused),
		cmocka_unit_test(test_R33_limits),
		cmocka_unit_test(test_R33_longest_line),
		cmocka_unit_test(test_R33_all_payload_types_fit),
		cmocka_unit_test(test_R33_256_KiB_in_15_ms),
		cmocka_unit_test(test_R33_1_MiB_and_10000_m_lines_are_refused_quickly),
		cmocka_unit_test(test_fragment),
		cmocka_unit_test(test_out_of_memory_at_every_allocation),
		cmocka_unit_test(test_R33_groups_hold_each_mid_once_and_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
