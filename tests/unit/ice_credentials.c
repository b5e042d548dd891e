/* credentials: what identifies a generation (R4, R10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "ice/credentials.h"

static wlk_bytes user(const char *text)
{
	return (wlk_bytes){ (const uint8_t *)text, strlen(text) };
}

static void test_R4_username_must_name_both_sides(void **state)
{
	struct ice_credentials c = { 0 };
	char name[64];

	(void)state;
	assert_false(ice_credentials_match_request(&c, user(":")));
	assert_int_equal(ice_credentials_init(&c, 1), WLK_OK);
	snprintf(name, sizeof(name), "%s:anybody", c.local_ufrag);
	assert_true(ice_credentials_match_request(&c, user(name)));
	assert_false(ice_credentials_match_request(&c, user(c.local_ufrag))); /* no ':' */
	assert_false(ice_credentials_match_request(&c, (wlk_bytes){ NULL, 0 }));
	assert_false(ice_credentials_match_request(&c, user(name + 1)));
	assert_int_equal(ice_credentials_set_remote(&c, STR("peer"), STR("0123456789012345678901"), false), WLK_OK);
	assert_false(ice_credentials_match_request(&c, user(name)));
	snprintf(name, sizeof(name), "%s:peer", c.local_ufrag);
	assert_true(ice_credentials_match_request(&c, user(name)));
	snprintf(name, sizeof(name), "%s:peer1", c.local_ufrag);
	assert_false(ice_credentials_match_request(&c, user(name)));
	snprintf(name, sizeof(name), "%s:", c.local_ufrag);
	assert_false(ice_credentials_match_request(&c, user(name)));
	snprintf(name, sizeof(name), "peer:%s", c.local_ufrag);
	assert_false(ice_credentials_match_request(&c, user(name)));
	ice_credentials_free(&c);
	assert_int_equal(c.generation, 0);
	assert_int_equal(c.local_pwd[0], 0);
}

static void test_credentials_without_memory(void **state)
{
	size_t live = alloc_live_blocks();
	struct ice_credentials c = { 0 };

	(void)state;
	for (size_t n = 1;; n++) {
		wlk_err err;

		alloc_fail_after(n);
		err = ice_credentials_init(&c, 1);
		if (!err)
			err = ice_credentials_set_remote(&c, STR("peer"), STR("0123456789012345678901"), true);
		if (!alloc_did_fail()) {
			assert_int_equal(err, WLK_OK);
			assert_true(c.remote_lite);
			break;
		}
		assert_int_equal(err, WLK_ERR_NOMEM);
		assert_false(ice_credentials_have_remote(&c));
		alloc_fail_after(0);
		ice_credentials_free(&c);
		assert_int_equal(alloc_live_blocks(), live);
	}
	alloc_fail_after(0);
	assert_true(ice_credentials_remote_equal(&c, STR("peer"), STR("0123456789012345678901")));
	assert_false(ice_credentials_remote_equal(&c, STR("peer"), STR("0123456789012345678902")));
	ice_credentials_free(&c);
	assert_int_equal(alloc_live_blocks(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R4_username_must_name_both_sides),
		cmocka_unit_test(test_credentials_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
