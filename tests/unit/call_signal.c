#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/call/signal.h"

static void test_this_host_is_known_by_its_names(void **state)
{
	static const char *const here[] = { "http://127.0.0.1", "http://127.1.2.3:80/offer", "https://localhost:8080/", "http://LOCALHOST",
					    "http://[::1]:80/x", "127.0.0.1:8080", "http://somebody@127.0.0.1/" };

	(void)state;
	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++)
		assert_true(signal_is_loopback(here[i]));
}

/* Whoever calls another host must not let it name our loopback addresses. */
static void test_names_that_only_look_like_it_are_other_hosts(void **state)
{
	static const char *const there[] = { "http://127.0.0.1@example.org/", "http://127.example.org/", "http://localhost.example.org",
					     "http://localhostess/",          "http://10.0.0.1/127.0.0.1", "http://[::1:2]/",
					     "http://example.org/?localhost", "http://example.org#@127.0.0.1", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
		assert_false(signal_is_loopback(there[i]));
}

static void test_a_description_is_the_same_behind_json(void **state)
{
	const wlk_session_description said = { WLK_SDP_OFFER, "v=0\r\ns=\"\\\xc3\xbc\r\n" };
	char *json = signal_to_json(&said);
	wlk_session_description heard;

	(void)state;
	assert_non_null(json);
	assert_null(strchr(json, '\n')); /* one line */
	assert_true(signal_from_json(json, &heard));
	assert_int_equal(heard.type, WLK_SDP_OFFER);
	assert_string_equal(heard.sdp, said.sdp);
	free((char *)(uintptr_t)heard.sdp);
	free(json);
}

static void test_other_json_is_no_description(void **state)
{
	static const char *const texts[] = { "", "{}", "[]", "7", "{\"type\":\"offer\"}", "{\"type\":\"offer\",\"sdp\":7}",
					     "{\"type\":\"rollback\",\"sdp\":\"\"}", "{\"type\":7,\"sdp\":\"x\"}",
					     "{\"type\":\"offer\",\"type\":\"answer\",\"sdp\":\"x\"}", "{\"type\":\"offer\",\"sdp\":\"x\"" };
	wlk_session_description out;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_false(signal_from_json(texts[i], &out));
		assert_null(out.sdp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_host_is_known_by_its_names),
		cmocka_unit_test(test_names_that_only_look_like_it_are_other_hosts),
		cmocka_unit_test(test_a_description_is_the_same_behind_json),
		cmocka_unit_test(test_other_json_is_no_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
