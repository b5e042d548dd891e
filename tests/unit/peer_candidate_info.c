#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <wirelark/transport.h>

/* Every member, each as RTCIceCandidate names it (W3C webrtc-pc 4.8.1); the line is a browser's. */
static void test_all_members_of_a_server_reflexive_candidate(void **state)
{
	wlk_ice_candidate_info info;

	(void)state;
	assert_int_equal(wlk_ice_candidate_parse("candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.17.1 "
						 "rport 46155 generation 0 ufrag EEtu network-cost 999",
						 &info),
			 WLK_OK);
	assert_string_equal(info.foundation, "842163049");
	assert_int_equal(info.component, WLK_ICE_COMPONENT_RTP);
	assert_int_equal(info.priority, 1677729535);
	assert_string_equal(info.address, "203.0.113.7");
	assert_int_equal(info.port, 46154);
	assert_int_equal(info.protocol, WLK_TRANSPORT_UDP);
	assert_int_equal(info.type, WLK_ICE_CANDIDATE_SRFLX);
	assert_int_equal(info.tcp_type, WLK_ICE_TCP_TYPE_NONE);
	assert_string_equal(info.related_address, "10.0.17.1");
	assert_int_equal(info.related_port, 46155);
	assert_string_equal(info.username_fragment, "EEtu");
	assert_null(info.relay_protocol);
	assert_null(info.url);
}

static void test_a_tcp_candidate_of_ipv6(void **state)
{
	wlk_ice_candidate_info info;

	(void)state;
	assert_int_equal(wlk_ice_candidate_parse("a=candidate:1 2 tcp 1518283007 2001:db8::1 9 typ host tcptype active", &info), WLK_OK);
	assert_int_equal(info.component, WLK_ICE_COMPONENT_RTCP);
	assert_int_equal(info.protocol, WLK_TRANSPORT_TCP);
	assert_int_equal(info.tcp_type, WLK_ICE_TCP_TYPE_ACTIVE);
	assert_string_equal(info.address, "2001:db8::1");
	assert_int_equal(info.port, 9);
	assert_string_equal(info.related_address, "");
	assert_int_equal(info.related_port, 0);
	assert_string_equal(info.username_fragment, "");
}

static void test_a_hidden_address_is_told_by_its_name(void **state)
{
	wlk_ice_candidate_info info;

	(void)state;
	assert_int_equal(wlk_ice_candidate_parse("candidate:1 1 udp 2113937151 0f6a7d52-1c9e-4f0a-9b53-6c1b1f3c0d11.local 50000 typ host",
						 &info),
			 WLK_OK);
	assert_string_equal(info.address, "0f6a7d52-1c9e-4f0a-9b53-6c1b1f3c0d11.local");
	assert_int_equal(info.port, 50000);
}

static void test_what_is_no_candidate_leaves_the_place_alone(void **state)
{
	static const struct {
		const char *line;
		wlk_err err;
	} cases[] = {
		{ "", WLK_ERR_PARSE },
		{ "candidate:", WLK_ERR_PARSE },
		{ "candidate:1 1 udp 1 192.0.2.1 9 typ", WLK_ERR_PARSE },
		{ "candidate:1 1 udp 1 192.0.2.1 65536 typ host", WLK_ERR_PARSE },
		{ "candidate:1 0 udp 1 192.0.2.1 9 typ host", WLK_ERR_PARSE },
		{ "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 9 typ host", WLK_ERR_PARSE },
		{ "candidate:1 1 sctp 1 192.0.2.1 9 typ host", WLK_ERR_UNSUPPORTED },
		{ NULL, WLK_ERR_INVALID },
	};
	wlk_ice_candidate_info info, before;
	char longest[600] = "candidate:1 1 udp 1 192.0.2.1 9 typ host x ";

	(void)state;
	memset(&info, 0x55, sizeof(info));
	before = info;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(wlk_ice_candidate_parse(cases[i].line, &info), cases[i].err);
	memset(longest + strlen(longest), 'y', sizeof(longest) - 1 - strlen(longest));
	assert_int_equal(wlk_ice_candidate_parse(longest, &info), WLK_ERR_TOO_LARGE);
	assert_int_equal(wlk_ice_candidate_parse("candidate:1 1 udp 1 192.0.2.1 9 typ host", NULL), WLK_ERR_INVALID);
	assert_memory_equal(&info, &before, sizeof(info));
}

/* RFC 8839 5.4: 256 characters at most. */
static void test_the_longest_ufrag_fits_and_one_more_does_not(void **state)
{
	wlk_ice_candidate_info info;
	char line[512] = "candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag ";
	size_t size = strlen(line);

	(void)state;
	memset(line + size, 'u', 256);
	assert_int_equal(wlk_ice_candidate_parse(line, &info), WLK_OK);
	assert_int_equal(strlen(info.username_fragment), 256);
	line[size + 256] = 'u';
	assert_int_equal(wlk_ice_candidate_parse(line, &info), WLK_ERR_PARSE);
}

static void test_names_are_the_words_of_the_line(void **state)
{
	(void)state;
	assert_string_equal(wlk_ice_candidate_type_name(WLK_ICE_CANDIDATE_HOST), "host");
	assert_string_equal(wlk_ice_candidate_type_name(WLK_ICE_CANDIDATE_RELAY), "relay");
	assert_string_equal(wlk_ice_candidate_type_name((wlk_ice_candidate_type)4), "unknown");
	assert_string_equal(wlk_ice_tcp_type_name(WLK_ICE_TCP_TYPE_NONE), "");
	assert_string_equal(wlk_ice_tcp_type_name(WLK_ICE_TCP_TYPE_SO), "so");
	assert_string_equal(wlk_ice_tcp_type_name((wlk_ice_tcp_type)4), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_members_of_a_server_reflexive_candidate),
		cmocka_unit_test(test_a_tcp_candidate_of_ipv6),
		cmocka_unit_test(test_a_hidden_address_is_told_by_its_name),
		cmocka_unit_test(test_what_is_no_candidate_leaves_the_place_alone),
		cmocka_unit_test(test_the_longest_ufrag_fits_and_one_more_does_not),
		cmocka_unit_test(test_names_are_the_words_of_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
