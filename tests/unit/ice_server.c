/* STUN and TURN URIs: the examples of RFC 7064 and RFC 7065, and what is no such URI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ice/agent.h"

struct good {
	const char *url;
	bool is_turn;
	enum ice_server_transport transport;
	const char *host;
	uint16_t port;
};

static void expect(const struct good *c)
{
	struct ice_server server;

	if (ice_server_parse(&server, str_of(c->url)))
		fail_msg("%s is refused", c->url);
	assert_int_equal(server.is_turn, c->is_turn);
	assert_int_equal(server.transport, c->transport);
	assert_true(str_equal(server.host, str_of(c->host)));
	assert_int_equal(server.port, c->port);
	assert_true(str_equal(server.url, str_of(c->url)));
	assert_int_equal(server.username.size, 0);
	assert_int_equal(server.credential.size, 0);
}

/* RFC 7064 appendix A; "stuns:" is another matter, see below. */
static void test_stun_uris(void **state)
{
	static const struct good cases[] = {
		{ "stun:example.org", false, ICE_SERVER_UDP, "example.org", 3478 },
		{ "stun:example.org:8000", false, ICE_SERVER_UDP, "example.org", 8000 },
		{ "stun:192.0.2.1", false, ICE_SERVER_UDP, "192.0.2.1", 3478 },
		{ "stun:[2001:db8::1]:19302", false, ICE_SERVER_UDP, "2001:db8::1", 19302 },
		{ "stun:[2001:db8::1]", false, ICE_SERVER_UDP, "2001:db8::1", 3478 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&cases[i]);
}

/* RFC 7065 appendix A. */
static void test_turn_uris(void **state)
{
	static const struct good cases[] = {
		{ "turn:example.org", true, ICE_SERVER_UDP, "example.org", 3478 },
		{ "turns:example.org", true, ICE_SERVER_TLS, "example.org", 5349 },
		{ "turn:example.org:8000", true, ICE_SERVER_UDP, "example.org", 8000 },
		{ "turn:example.org?transport=udp", true, ICE_SERVER_UDP, "example.org", 3478 },
		{ "turn:example.org?transport=tcp", true, ICE_SERVER_TCP, "example.org", 3478 },
		{ "turns:example.org?transport=tcp", true, ICE_SERVER_TLS, "example.org", 5349 },
		{ "turns:example.org?transport=udp", true, ICE_SERVER_DTLS, "example.org", 5349 },
		{ "turns:192.0.2.1:443?transport=tcp", true, ICE_SERVER_TLS, "192.0.2.1", 443 },
		{ "turn:[2001:db8::1]:65535?transport=tcp", true, ICE_SERVER_TCP, "2001:db8::1", 65535 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&cases[i]);
}

static void test_uris_that_are_refused(void **state)
{
	static const struct {
		const char *url;
		wlk_err err;
	} cases[] = {
		{ "", WLK_ERR_PARSE },
		{ "stun", WLK_ERR_PARSE },
		{ "stun:", WLK_ERR_PARSE },
		{ "turn:", WLK_ERR_PARSE },
		{ "turn://example.org", WLK_ERR_PARSE },
		{ "turn:/example.org", WLK_ERR_PARSE },
		{ "http:example.org", WLK_ERR_PARSE },
		{ "TURN example.org", WLK_ERR_PARSE },
		{ "turn:example.org:", WLK_ERR_PARSE },
		{ "turn:example.org:0", WLK_ERR_PARSE },
		{ "turn:example.org:65536", WLK_ERR_PARSE },
		{ "turn:example.org:99999999999999999999", WLK_ERR_PARSE },
		{ "turn:example.org:34x", WLK_ERR_PARSE },
		{ "turn:example.org:-1", WLK_ERR_PARSE },
		{ "turn:example.org:+1", WLK_ERR_PARSE },
		{ "turn:example.org: 1", WLK_ERR_PARSE },
		{ "turn:[2001:db8::1", WLK_ERR_PARSE },
		{ "turn:[]", WLK_ERR_PARSE },
		{ "turn:[2001:db8::1]x", WLK_ERR_PARSE },
		{ "turn:user@example.org", WLK_ERR_PARSE },
		{ "turn:exa mple.org", WLK_ERR_PARSE },
		{ "turn:example.org\r\n", WLK_ERR_PARSE },
		{ "turn:example.org/path", WLK_ERR_PARSE },
		{ "turn:example.org#a", WLK_ERR_PARSE },
		{ "turn:example.org?", WLK_ERR_PARSE },
		{ "turn:example.org?transport=", WLK_ERR_PARSE },
		{ "turn:example.org?udp", WLK_ERR_PARSE },
		{ "turn:example.org?transport=sctp", WLK_ERR_UNSUPPORTED },
		{ "turn:example.org?transport=tcp&x=1", WLK_ERR_UNSUPPORTED },
		{ "stun:example.org?transport=udp", WLK_ERR_PARSE }, /* RFC 7064 3.1: stun has no query */
		{ "stun:example.org?transport=tcp", WLK_ERR_PARSE },
		{ "stun:example.org?", WLK_ERR_PARSE },
		{ "stuns:example.org", WLK_ERR_UNSUPPORTED },
	};
	struct ice_server server = { .port = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wlk_err err = ice_server_parse(&server, str_of(cases[i].url));

		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].url, (int)err);
	}
	assert_int_equal(server.port, 77); /* untouched */
}

static void test_host_lengths(void **state)
{
	struct ice_server server;
	char url[300] = "turn:";

	(void)state;
	memset(url + 5, 'a', 256);
	assert_int_equal(ice_server_parse(&server, (struct str){ url, 5 + 255 }), WLK_OK);
	assert_int_equal(server.host.size, 255);
	assert_int_equal(ice_server_parse(&server, (struct str){ url, 5 + 256 }), WLK_ERR_PARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stun_uris),
		cmocka_unit_test(test_turn_uris),
		cmocka_unit_test(test_uris_that_are_refused),
		cmocka_unit_test(test_host_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
