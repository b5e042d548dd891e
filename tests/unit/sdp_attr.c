#include "sdp_support.h"

#include <string.h>

/* Writes with |write| into a fresh string and compares. */
#define WRITES(write, value, expected)                                                                                 \
	do {                                                                                                           \
		struct text text;                                                                                      \
		text_init(&text);                                                                                      \
		write(value, &text);                                                                                   \
		assert_string_equal(text.at, expected);                                                                \
		text_free(&text);                                                                                      \
	} while (0)

static void test_fingerprint(void **state)
{
	struct sdp_fingerprint fp, other;

	(void)state;
	assert_true(
		sdp_fingerprint_parse(STR("SHA-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:fF"), &fp));
	assert_int_equal(fp.hash, SDP_HASH_SHA1);
	assert_int_equal(fp.size, 20);
	assert_int_equal(fp.value[19], 0xff);
	WRITES(sdp_fingerprint_write, &fp, "SHA-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:FF");
	assert_true(sdp_fingerprint_parse(STR("sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:FF"),
					  &other));
	assert_true(sdp_fingerprint_equal(&fp, &other));
	other.value[0] ^= 1;
	assert_false(sdp_fingerprint_equal(&fp, &other));
	assert_true(sdp_fingerprint_parse(STR("x-hash AB:CD"), &other));
	assert_int_equal(other.hash, SDP_HASH_OTHER);
	assert_false(sdp_fingerprint_equal(&fp, &other));
}

static void test_fingerprint_refuses(void **state)
{
	static const char *const bad[] = { "",      "sha-256", "sha-256 ", "sha-256 AB:CD", "md5 AB",  "x AB:",
					   "x :AB", "x A:BC",  "x ABC",    "x AB:GG",       "x AB CD", "x\" AB" };
	struct sdp_fingerprint fp;
	char longer[300] = "x AA";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(sdp_fingerprint_parse(str_of(bad[i]), &fp));
	for (int i = 1; i < 64; i++)
		strcat(longer, ":AA");
	assert_true(sdp_fingerprint_parse(str_of(longer), &fp));
	assert_int_equal(fp.size, 64);
	strcat(longer, ":AA");
	assert_false(sdp_fingerprint_parse(str_of(longer), &fp));
}

static void test_R14_only_sha2_is_acceptable(void **state)
{
	struct sdp_fingerprint fp = { 0 };

	(void)state;
	for (int hash = SDP_HASH_OTHER; hash <= SDP_HASH_SHA512; hash++) {
		fp.hash = (enum sdp_hash)hash;
		assert_int_equal(sdp_fingerprint_acceptable(&fp),
				 hash == SDP_HASH_SHA256 || hash == SDP_HASH_SHA384 || hash == SDP_HASH_SHA512);
	}
}

static void test_setup_and_direction(void **state)
{
	enum sdp_setup setup = SDP_SETUP_NONE;
	enum sdp_direction direction;

	(void)state;
	for (int i = SDP_SETUP_ACTPASS; i <= SDP_SETUP_HOLDCONN; i++) {
		assert_true(sdp_setup_parse(str_of(sdp_setup_name((enum sdp_setup)i)), &setup));
		assert_int_equal(setup, i);
	}
	assert_false(sdp_setup_parse(STR(""), &setup));
	assert_false(sdp_setup_parse(STR("act"), &setup));
	for (int i = SDP_INACTIVE; i <= SDP_SENDRECV; i++) {
		assert_true(sdp_direction_parse(str_of(sdp_direction_name((enum sdp_direction)i)), &direction));
		assert_int_equal(direction, i);
	}
	assert_false(sdp_direction_parse(STR("both"), &direction));
}

static void test_kind_and_protocol(void **state)
{
	(void)state;
	assert_int_equal(sdp_kind_parse(STR("audio")), SDP_AUDIO);
	assert_int_equal(sdp_kind_parse(STR("application")), SDP_APPLICATION);
	assert_int_equal(sdp_kind_parse(STR("text")), SDP_OTHER);
	assert_int_equal(sdp_kind_parse(STR("other")), SDP_OTHER);
	/* RFC 9429 5.1.2: all of these are to be taken for RTP over DTLS */
	assert_int_equal(sdp_proto_parse(STR("UDP/TLS/RTP/SAVPF")), SDP_PROTO_RTP);
	assert_int_equal(sdp_proto_parse(STR("RTP/AVP")), SDP_PROTO_RTP);
	assert_int_equal(sdp_proto_parse(STR("TCP/DTLS/RTP/SAVP")), SDP_PROTO_RTP);
	assert_int_equal(sdp_proto_parse(STR("TCP/DTLS/SCTP")), SDP_PROTO_SCTP);
	assert_int_equal(sdp_proto_parse(STR("DTLS/SCTP")), SDP_PROTO_SCTP_LEGACY);
	assert_int_equal(sdp_proto_parse(STR("udp")), SDP_PROTO_OTHER);
}

static void test_extmap(void **state)
{
	struct sdp_extmap map;

	(void)state;
	assert_true(sdp_extmap_parse(STR("2/recvonly urn:x  a b "), &map));
	assert_int_equal(map.id, 2);
	assert_int_equal(map.direction, SDP_RECVONLY);
	str_is(map.uri, "urn:x");
	str_is(map.attributes, "a b");
	WRITES(sdp_extmap_write, &map, "2/recvonly urn:x a b");
	assert_true(sdp_extmap_parse(STR("255 urn:x"), &map));
	assert_false(map.direction_given);
	assert_int_equal(map.direction, SDP_SENDRECV);
	WRITES(sdp_extmap_write, &map, "255 urn:x");
	assert_true(sdp_extmap_parse(STR("4096 urn:x"), &map));
	assert_true(sdp_extmap_parse(STR("4351 urn:x"), &map));
	assert_false(sdp_extmap_parse(STR("0 urn:x"), &map));
	assert_false(sdp_extmap_parse(STR("256 urn:x"), &map));
	assert_false(sdp_extmap_parse(STR("4352 urn:x"), &map));
	assert_false(sdp_extmap_parse(STR("1"), &map));
	assert_false(sdp_extmap_parse(STR("1/up urn:x"), &map));
	assert_false(sdp_extmap_parse(STR("-1 urn:x"), &map));
}

static void test_rtpmap(void **state)
{
	struct sdp_codec codec = { 0 };

	(void)state;
	assert_true(sdp_rtpmap_parse(STR("111 opus/48000/2"), &codec));
	assert_int_equal(codec.payload_type, 111);
	str_is(codec.name, "opus");
	assert_int_equal(codec.clock_hz, 48000);
	assert_int_equal(codec.channels, 2);
	WRITES(sdp_rtpmap_write, &codec, "111 opus/48000/2");
	assert_true(sdp_rtpmap_parse(STR("0 PCMU/8000"), &codec));
	WRITES(sdp_rtpmap_write, &codec, "0 PCMU/8000");
	assert_false(sdp_rtpmap_parse(STR("128 opus/48000"), &codec));
	assert_false(sdp_rtpmap_parse(STR("1 opus"), &codec));
	assert_false(sdp_rtpmap_parse(STR("1 opus/0"), &codec));
	assert_false(sdp_rtpmap_parse(STR("1 /48000"), &codec));
	assert_false(sdp_rtpmap_parse(STR("1 opus/48000/x"), &codec));
	assert_false(sdp_rtpmap_parse(STR("1 opus/4294967296"), &codec));
	assert_int_equal(codec.payload_type, 0); /* the last good one stays */
}

static void test_static_payload_types(void **state)
{
	struct sdp_codec codec = { 0 };

	(void)state;
	/* RFC 3551 6 */
	assert_true(sdp_static_codec(0, &codec));
	str_is(codec.name, "PCMU");
	assert_true(sdp_static_codec(8, &codec));
	str_is(codec.name, "PCMA");
	assert_true(sdp_static_codec(34, &codec));
	assert_int_equal(codec.clock_hz, 90000);
	assert_false(sdp_static_codec(96, &codec));
}

static void test_fmtp(void **state)
{
	struct str fmtp = STR("level-asymmetry-allowed=1; packetization-mode = 1;;profile-level-id=42e01f;111/111");
	struct sdp_param param;
	struct str value;
	uint32_t number = 7;

	(void)state;
	assert_true(sdp_fmtp_get(fmtp, STR("Profile-Level-Id"), &value));
	str_is(value, "42e01f");
	assert_true(sdp_fmtp_number(fmtp, STR("packetization-mode"), 2, &number));
	assert_int_equal(number, 1);
	assert_false(sdp_fmtp_number(fmtp, STR("profile-level-id"), 255, &number));
	assert_false(sdp_fmtp_get(fmtp, STR("profile"), &value));
	assert_true(sdp_fmtp_next(&fmtp, &param));
	str_is(param.name, "level-asymmetry-allowed");
	assert_true(sdp_fmtp_next(&fmtp, &param));
	assert_true(sdp_fmtp_next(&fmtp, &param));
	assert_true(sdp_fmtp_next(&fmtp, &param));
	str_is(param.name, "");
	str_is(param.value, "111/111");
	assert_false(sdp_fmtp_next(&fmtp, &param));
}

static void test_rid(void **state)
{
	struct sdp_rid rid;

	(void)state;
	assert_true(sdp_rid_parse(STR("hi_1-x send pt=96;max-width=1280"), &rid));
	str_is(rid.id, "hi_1-x");
	assert_int_equal(rid.direction, SDP_SENDONLY);
	WRITES(sdp_rid_write, &rid, "hi_1-x send pt=96;max-width=1280");
	assert_true(sdp_rid_parse(STR("q recv"), &rid));
	WRITES(sdp_rid_write, &rid, "q recv");
	assert_false(sdp_rid_parse(STR("q"), &rid));
	assert_false(sdp_rid_parse(STR("q both"), &rid));
	assert_false(sdp_rid_parse(STR("q! send"), &rid));
	assert_false(sdp_rid_parse(STR(""), &rid));
}

static void test_simulcast(void **state)
{
	struct sdp_simulcast both;
	struct sdp_simulcast_stream stream;

	(void)state;
	/* RFC 8853 5.1 */
	assert_true(sdp_simulcast_parse(STR("recv 1;~4 send 6,7;8"), &both));
	str_is(both.recv, "1;~4");
	str_is(both.send, "6,7;8");
	WRITES(sdp_simulcast_write, &both, "send 6,7;8 recv 1;~4");
	assert_true(sdp_simulcast_next(&both.recv, &stream));
	str_is(stream.rid, "1");
	assert_false(stream.paused);
	assert_true(sdp_simulcast_next(&both.recv, &stream));
	str_is(stream.rid, "4");
	assert_true(stream.paused);
	assert_false(sdp_simulcast_next(&both.recv, &stream));
	assert_true(sdp_simulcast_next(&both.send, &stream));
	str_is(stream.rid, "6");
	str_is(stream.alternatives, "6,7");
	assert_true(sdp_simulcast_parse(STR("send q"), &both));
	WRITES(sdp_simulcast_write, &both, "send q");
	assert_true(sdp_simulcast_parse(STR("recv q"), &both));
	WRITES(sdp_simulcast_write, &both, "recv q");
	assert_false(sdp_simulcast_parse(STR(""), &both));
	assert_false(sdp_simulcast_parse(STR("send"), &both));
	assert_false(sdp_simulcast_parse(STR("send rid=1;2"), &both));
	assert_false(sdp_simulcast_parse(STR("send 1 send 2"), &both));
	assert_false(sdp_simulcast_parse(STR("send 1 recv 2 x"), &both));
	assert_false(sdp_simulcast_parse(STR("send 1;;2"), &both));
}

static void test_candidate(void **state)
{
	struct str line;

	(void)state;
	assert_true(sdp_candidate_trim(STR(" a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"), &line));
	str_is(line, "candidate:1 1 udp 1 192.0.2.1 9 typ host");
	assert_false(sdp_candidate_trim(STR("a=end-of-candidates"), &line));
}

static void test_words(void **state)
{
	(void)state;
	assert_true(sdp_is_token(STR("audio-0.{x}")));
	assert_false(sdp_is_token(STR("")));
	assert_false(sdp_is_token(STR("a b")));
	assert_false(sdp_is_token(STR("a\r")));
	assert_false(sdp_is_token(STR("a:b")));
	assert_true(sdp_is_word(STR("{1-2}:\xc3\xa4")));
	assert_false(sdp_is_word(STR("a\nb")));
	assert_true(sdp_is_ice_chars(STR("aZ9+"), 4, 256));
	assert_false(sdp_is_ice_chars(STR("aZ9"), 4, 256));
	assert_false(sdp_is_ice_chars(STR("aZ9-"), 4, 256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_fingerprint_refuses),
		cmocka_unit_test(test_R14_only_sha2_is_acceptable),
		cmocka_unit_test(test_setup_and_direction),
		cmocka_unit_test(test_kind_and_protocol),
		cmocka_unit_test(test_extmap),
		cmocka_unit_test(test_rtpmap),
		cmocka_unit_test(test_static_payload_types),
		cmocka_unit_test(test_fmtp),
		cmocka_unit_test(test_rid),
		cmocka_unit_test(test_simulcast),
		cmocka_unit_test(test_candidate),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
