/* agent_request: what is asked of the outside, in order and once; closing never needs memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_request.h"

static void test_requests_in_order_and_once(void **state)
{
	struct ice_request bind = { .type = ICE_REQUEST_BIND_UDP };
	struct ice_request resolve = { .type = ICE_REQUEST_RESOLVE };
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	size_t opened = 1;
	uint32_t first;
	int owner = 0;

	(void)state;
	agent_requests_init(&rs);
	assert_int_equal(agent_request_add(&rs, &bind, &owner), WLK_OK);
	assert_int_equal(agent_request_add(&rs, &resolve, &rs), WLK_OK);
	assert_false(agent_request_take(&rs, 1, &opened, &taken)); /* not handed out yet */
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(out.type, ICE_REQUEST_BIND_UDP);
	first = out.id;
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(out.type, ICE_REQUEST_RESOLVE);
	assert_int_not_equal(out.id, first);
	assert_false(agent_request_next(&rs, &out));
	assert_true(agent_request_take(&rs, first, &opened, &taken));
	assert_ptr_equal(taken.owner, &owner);
	assert_int_equal(opened, 1);
	assert_false(agent_request_take(&rs, first, &opened, &taken));
	assert_int_equal(rs.sockets, 1);
	agent_requests_free(&rs);
}

static void test_close_never_needs_memory(void **state)
{
	struct ice_request bind = { .type = ICE_REQUEST_BIND_UDP };
	struct ice_request join = { .type = ICE_REQUEST_JOIN_MDNS };
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	wlk_addr addr = addr_v4(10, 0, 0, 1, 1);
	size_t closes = 0;
	size_t opened;

	(void)state;
	agent_requests_init(&rs);
	for (int i = 0; i < 20; i++)
		assert_int_equal(agent_request_add(&rs, i ? &bind : &join, &rs), WLK_OK);
	while (agent_request_next(&rs, &out)) {
		opened = 3; /* more than asked for do not count */
		assert_true(agent_request_take(&rs, out.id, &opened, &taken));
		assert_int_equal(opened, out.type == ICE_REQUEST_JOIN_MDNS ? 2 : 1);
	}
	assert_int_equal(rs.sockets, 21);
	alloc_fail_after(1);
	for (int i = 0; i < 21; i++)
		agent_request_close(&rs, &addr);
	assert_false(alloc_did_fail());
	alloc_fail_after(0);
	while (agent_request_next(&rs, &out))
		closes += out.type == ICE_REQUEST_CLOSE;
	assert_int_equal(closes, 21);
	assert_int_equal(rs.sockets, 0);
	assert_int_equal(rs.count, 0);
	agent_requests_free(&rs);
}

static void test_abandoned_requests(void **state)
{
	struct ice_request bind = { .type = ICE_REQUEST_BIND_UDP };
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	size_t opened = 0;
	int a = 0;
	int b = 0;

	(void)state;
	agent_requests_init(&rs);
	assert_int_equal(agent_request_add(&rs, &bind, &a), WLK_OK);
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(agent_request_add(&rs, &bind, &b), WLK_OK);
	agent_request_abandon(&rs, &a);
	agent_request_abandon(&rs, &b);
	assert_int_equal(rs.count, 1); /* b's was never seen outside */
	assert_int_equal(rs.sockets, 1);
	assert_true(agent_request_take(&rs, out.id, &opened, &taken));
	assert_null(taken.owner);
	assert_int_equal(rs.sockets, 0); /* the bind had failed */
	alloc_fail_after(1);
	agent_requests_free(&rs);
	assert_int_equal(agent_request_add(&rs, &bind, &a), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	agent_requests_free(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_in_order_and_once),
		cmocka_unit_test(test_close_never_needs_memory),
		cmocka_unit_test(test_abandoned_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
