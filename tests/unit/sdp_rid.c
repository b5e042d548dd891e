#include "sdp/rid.h"

#include "sdp_support.h"

#define OFFER(lines) \
	TEST_HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" TEST_ICE TEST_FINGERPRINT \
		  "a=setup:actpass\r\na=rtcp-mux\r\na=sendrecv\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" \
		  "a=rtpmap:98 nobody/90000\r\na=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n" lines

static struct sdp_session *answer_to(const char *text, bool accept, const struct sdp_encoding *encodings, size_t count)
{
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_side side;

	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].receive_simulcast = accept;
	if (count) {
		side.wishes[0].encodings = encodings;
		side.wishes[0].encoding_count = count;
	}
	answer = must_answer(offer, &side);
	sdp_session_destroy(offer);
	return answer;
}

/* RFC 8851 5 and 10 */
static void test_restrictions_are_numbers(void **state)
{
	struct sdp_rid_limits l;

	(void)state;
	assert_true(sdp_rid_limits_parse(STR("pt=96,97;max-width=1280;max-height=720;max-fps=29.97;max-fs=3600;max-br=1000000;"
					     "max-pps=92160000;max-bpp=0.125;depend=a,b"), &l));
	assert_int_equal(l.type_count, 2);
	assert_int_equal(l.types[1], 97);
	assert_int_equal(l.max_width, 1280);
	assert_int_equal(l.max_height, 720);
	assert_true(l.max_fps > 29.9699 && l.max_fps < 29.9701);
	assert_int_equal(l.max_fs, 3600);
	assert_int_equal(l.max_br, 1000000);
	assert_int_equal(l.max_pps, 92160000);
	assert_true(l.max_bpp == 0.125);
	str_is(l.depend, "a,b");
	assert_false(l.unknown);
	assert_true(sdp_rid_limits_parse(STR("max-blink=3"), &l));
	assert_true(l.unknown);
	assert_true(sdp_rid_limits_parse(STR(""), &l));
	assert_int_equal(l.type_count, 0);
}

static void test_malformed_restrictions_are_refused(void **state)
{
	static const struct str bad[] = {
		{ "pt=", 3 },	       { "pt=128", 6 },	      { "pt=9x", 5 },	   { "max-width=0", 11 },
		{ "max-width=-1", 12 }, { "max-fps=1.x", 11 }, { "max-fps=0", 9 }, { "max-width=4294967296", 20 },
		{ "max-br=", 7 },      { "pt=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", 45 },
	};
	struct sdp_rid_limits l = { .max_br = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(sdp_rid_limits_parse(bad[i], &l));
	assert_int_equal(l.max_br, 7);
}

/* RFC 8853 5.3.2 and RFC 8851 6.3 */
static void test_an_answer_repeats_layers_with_what_it_understands(void **state)
{
	struct sdp_session *answer = answer_to(OFFER("a=rid:a send pt=96,98;max-width=640\r\na=rid:b send pt=98\r\n"
						     "a=rid:c send max-blink=3;max-fps=15\r\na=simulcast:send a;b;~c\r\n"), true, NULL, 0);
	const struct sdp_media *media = answer->media[0];

	(void)state;
	str_is(media->simulcast.recv, "a;~c");
	assert_int_equal(media->rid_count, 2);
	str_is(media->rids[0].restrictions, "pt=96;max-width=640");
	str_is(media->rids[1].restrictions, "max-fps=15");
	sdp_session_destroy(answer);
}

static void test_of_alternatives_the_first_that_fits_is_taken(void **state)
{
	struct sdp_session *answer = answer_to(OFFER("a=rid:a send pt=98\r\na=rid:b send\r\na=rid:c send\r\na=rid:d send\r\n"
						     "a=simulcast:send a,~b;c,d\r\n"), true, NULL, 0);

	(void)state;
	str_is(answer->media[0]->simulcast.recv, "~b;c");
	sdp_session_destroy(answer);
}

static void test_layers_to_send_are_those_we_have(void **state)
{
	const struct sdp_encoding encodings[] = {
		{ .ssrc = 1, .rid = STR("a") }, { .ssrc = 2, .rid = STR("b") }, { .ssrc = 3, .rid = STR("c"), .paused = true }
	};
	struct sdp_session *answer = answer_to(OFFER("a=rid:a recv max-blink=1\r\na=rid:b recv max-br=90000\r\na=rid:c recv\r\n"
						     "a=rid:x recv\r\na=simulcast:recv a;x,b;c\r\n"), false, encodings, 3);

	(void)state;
	/* What restricts |a| means nothing to us: it cannot be promised. */
	str_is(answer->media[0]->simulcast.send, "b;~c");
	str_is(answer->media[0]->rids[0].restrictions, "max-br=90000");
	sdp_session_destroy(answer);
}

static void written_is(const struct sdp_rid_limits *limits, const char *expected)
{
	struct sdp_rid_limits again;
	struct text text;

	text_init(&text);
	sdp_rid_limits_write(limits, &text);
	assert_true(text_ok(&text));
	str_is((struct str){ text.at, text.size }, expected);
	assert_true(sdp_rid_limits_parse((struct str){ text.at, text.size }, &again));
	assert_int_equal(again.max_br, limits->max_br);
	assert_int_equal(again.type_count, limits->type_count);
	text_free(&text);
}

static void test_limits_are_written_as_they_are_read(void **state)
{
	struct sdp_rid_limits l = { 0 };

	(void)state;
	written_is(&l, "");
	l.max_fps = 29.97;
	written_is(&l, "max-fps=29.97");
	l.max_fps = 30;
	l.max_bpp = 0.05;
	l.max_br = UINT64_MAX;
	l.types[0] = 96;
	l.types[1] = 127;
	l.type_count = 2;
	l.max_width = 1;
	l.max_height = 2;
	l.max_fs = 3;
	l.max_pps = 4;
	l.depend = STR("a,b");
	written_is(&l, "pt=96,127;max-width=1;max-height=2;max-fps=30;max-fs=3;max-br=18446744073709551615;max-pps=4;max-bpp=0.05;depend=a,b");
	assert_true(sdp_rid_limits_allow_type(&l, 127));
	assert_false(sdp_rid_limits_allow_type(&l, 97));
	l.type_count = 0;
	assert_true(sdp_rid_limits_allow_type(&l, 97));
}

static void test_limits_narrow_each_other(void **state)
{
	struct sdp_rid_limits l = { .max_width = 640, .max_fps = 10, .max_br = 5 };
	const struct sdp_rid_limits by = { .max_width = 320, .max_height = 200, .max_fps = 12.5, .max_bpp = 0.5 };

	(void)state;
	sdp_rid_limits_narrow(&l, &by);
	assert_int_equal(l.max_width, 320);
	assert_int_equal(l.max_height, 200);
	assert_true(l.max_fps == 10.0 && l.max_bpp == 0.5);
	assert_int_equal(l.max_br, 5);
	assert_int_equal(l.max_pps, 0);
}

/* RFC 8851 6.3: an answer keeps what was offered, or says less. */
static void test_an_answer_narrows_by_its_own_limits(void **state)
{
	static const struct sdp_rid_limits ours = { .max_width = 320, .max_br = 900000 };
	const struct sdp_rid_wish wish = { STR("a"), &ours };
	struct sdp_session *offer = must_parse(OFFER("a=rid:a send pt=96;max-width=640;max-br=500000\r\na=rid:b send max-width=100\r\n"
						     "a=simulcast:send a;b\r\n"));
	struct sdp_session *answer;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	side.wishes[0].receive_simulcast = true;
	side.wishes[0].receive_limits = &wish;
	side.wishes[0].receive_limit_count = 1;
	answer = must_answer(offer, &side);
	assert_int_equal(answer->media[0]->rid_count, 2);
	str_is(answer->media[0]->rids[0].restrictions, "pt=96;max-width=320;max-br=500000");
	str_is(answer->media[0]->rids[1].restrictions, "max-width=100");
	sdp_session_destroy(offer);
	sdp_session_destroy(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_are_written_as_they_are_read),
		cmocka_unit_test(test_limits_narrow_each_other),
		cmocka_unit_test(test_an_answer_narrows_by_its_own_limits),
		cmocka_unit_test(test_restrictions_are_numbers),
		cmocka_unit_test(test_malformed_restrictions_are_refused),
		cmocka_unit_test(test_an_answer_repeats_layers_with_what_it_understands),
		cmocka_unit_test(test_of_alternatives_the_first_that_fits_is_taken),
		cmocka_unit_test(test_layers_to_send_are_those_we_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
