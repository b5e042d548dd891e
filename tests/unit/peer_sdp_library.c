/* Descriptions as values of the application. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <wirelark/sdp.h>

#include "core/alloc.h"

#define FINGERPRINT "19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"

static const char offer[] = "v=0\r\n"
			    "o=- 1 2 IN IP4 127.0.0.1\r\n"
			    "s=-\r\n"
			    "t=0 0\r\n"
			    "a=group:BUNDLE a d\r\n"
			    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
			    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
			    "c=IN IP4 0.0.0.0\r\n"
			    "a=mid:a\r\n"
			    "a=sendonly\r\n"
			    "a=ice-ufrag:abcd\r\n"
			    "a=ice-pwd:0123456789012345678901\r\n"
			    "a=setup:actpass\r\n"
			    "a=rtcp-mux\r\n"
			    "a=rtpmap:111 opus/48000/2\r\n"
			    "a=fmtp:111 minptime=10\r\n"
			    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			    "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
			    "a=end-of-candidates\r\n"
			    "a=x-unknown:kept\r\n"
			    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
			    "c=IN IP4 0.0.0.0\r\n"
			    "a=mid:d\r\n"
			    "a=sctp-port:5001\r\n"
			    "a=max-message-size:1000\r\n"
			    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
			    "c=IN IP4 0.0.0.0\r\n"
			    "a=mid:v\r\n";

static void test_a_section_is_what_its_lines_say(void **state)
{
	const wlk_sdp_section *section;
	wlk_sdp *sdp;
	size_t line = 77;

	(void)state;
	assert_int_equal(wlk_sdp_parse(offer, strlen(offer), &sdp, &line), WLK_OK);
	assert_int_equal(line, 0);
	assert_int_equal(wlk_sdp_section_count(sdp), 3);
	section = wlk_sdp_section_at(sdp, 0);
	assert_int_equal(section->struct_size, sizeof(*section));
	assert_string_equal(section->kind, "audio");
	assert_string_equal(section->mid, "a");
	assert_string_equal(section->protocol, "UDP/TLS/RTP/SAVPF");
	assert_string_equal(section->username_fragment, "abcd");
	assert_string_equal(section->password, "0123456789012345678901");
	assert_string_equal(section->setup, "actpass");
	assert_int_equal(section->direction, WLK_DIRECTION_SENDONLY);
	assert_false(section->rejected);
	assert_int_equal(section->fingerprint_count, 1); /* the session's */
	assert_string_equal(section->fingerprints[0].algorithm, "sha-256");
	assert_int_equal(strlen(section->fingerprints[0].value), 95);
	assert_memory_equal(section->fingerprints[0].value, "19:e2:1c", 8);
	assert_int_equal(section->candidate_count, 1);
	assert_string_equal(section->candidates[0], "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host");
	assert_true(section->end_of_candidates);
	assert_int_equal(section->codec_count, 2);
	assert_string_equal(section->codecs[0].mime_type, "audio/opus");
	assert_int_equal(section->codecs[0].clock_rate, 48000);
	assert_int_equal(section->codecs[0].channels, 2);
	assert_int_equal(section->codecs[0].payload_type, 111);
	assert_string_equal(section->codecs[0].sdp_fmtp_line, "minptime=10");
	assert_null(section->codecs[1].sdp_fmtp_line);
	assert_int_equal(section->header_extension_count, 1);
	assert_int_equal(section->header_extensions[0].id, 4);
	section = wlk_sdp_section_at(sdp, 1);
	assert_int_equal(section->sctp_port, 5001);
	assert_int_equal(section->max_message_size, 1000);
	assert_null(section->username_fragment);
	assert_true(wlk_sdp_section_at(sdp, 2)->rejected);
	assert_null(wlk_sdp_section_at(sdp, 3));
	assert_int_equal(wlk_sdp_bundle_of(sdp, 0), 0);
	assert_int_equal(wlk_sdp_bundle_of(sdp, 1), 0);
	assert_int_equal(wlk_sdp_bundle_of(sdp, 2), -1);
	assert_int_equal(wlk_sdp_bundle_of(sdp, 3), -1);
	wlk_sdp_destroy(sdp);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_what_is_written_reads_the_same(void **state)
{
	wlk_sdp *sdp, *again;
	char *text, *twice;

	(void)state;
	assert_int_equal(wlk_sdp_parse(offer, strlen(offer), &sdp, NULL), WLK_OK);
	assert_int_equal(wlk_sdp_write(sdp, &text), WLK_OK);
	assert_non_null(strstr(text, "a=x-unknown:kept\r\n"));
	assert_int_equal(wlk_sdp_parse(text, strlen(text), &again, NULL), WLK_OK);
	assert_int_equal(wlk_sdp_write(again, &twice), WLK_OK);
	assert_string_equal(text, twice);
	wlk_free(text);
	wlk_free(twice);
	wlk_sdp_destroy(sdp);
	wlk_sdp_destroy(again);
	wlk_sdp_destroy(NULL);
}

static void test_a_bad_line_is_named(void **state)
{
	static const char bad[] = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nno line\r\n";
	wlk_sdp *sdp = NULL;
	size_t line;

	(void)state;
	assert_int_equal(wlk_sdp_parse(bad, strlen(bad), &sdp, &line), WLK_ERR_PARSE);
	assert_int_equal(line, 4);
	assert_null(sdp);
	assert_int_equal(wlk_sdp_parse(NULL, 0, &sdp, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_sdp_parse(bad, strlen(bad), NULL, NULL), WLK_ERR_INVALID);
}

static void test_every_failing_allocation(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		wlk_sdp *sdp = NULL;
		wlk_err err;

		alloc_fail_after(n);
		err = wlk_sdp_parse(offer, strlen(offer), &sdp, NULL);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(err, failed ? WLK_ERR_NOMEM : WLK_OK);
		wlk_sdp_destroy(sdp);
		assert_int_equal(alloc_live_blocks(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_section_is_what_its_lines_say),
		cmocka_unit_test(test_what_is_written_reads_the_same),
		cmocka_unit_test(test_a_bad_line_is_named),
		cmocka_unit_test(test_every_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
