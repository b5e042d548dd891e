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
	assert_int_equal(agent_request_add(&rs, &bind, OWNER_BASE, &owner), WLK_OK);
	assert_int_equal(agent_request_add(&rs, &resolve, OWNER_BASE, &rs), WLK_OK);
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
		assert_int_equal(agent_request_add(&rs, i ? &bind : &join, OWNER_BASE, &rs), WLK_OK);
	while (agent_request_next(&rs, &out)) {
		opened = 3; /* more than asked for do not count */
		assert_true(agent_request_take(&rs, out.id, &opened, &taken));
		assert_int_equal(opened, 1);
	}
	assert_int_equal(rs.sockets, 20);
	alloc_fail_after(1);
	for (int i = 0; i < 20; i++)
		agent_request_close(&rs, &addr);
	assert_false(alloc_did_fail());
	alloc_fail_after(0);
	while (agent_request_next(&rs, &out))
		closes += out.type == ICE_REQUEST_CLOSE;
	assert_int_equal(closes, 20);
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
	assert_int_equal(agent_request_add(&rs, &bind, OWNER_BASE, &a), WLK_OK);
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(agent_request_add(&rs, &bind, OWNER_BASE, &b), WLK_OK);
	agent_request_abandon(&rs, &a);
	agent_request_abandon(&rs, &b);
	assert_int_equal(rs.count, 1); /* b's was never seen outside */
	assert_int_equal(rs.sockets, 1);
	assert_true(agent_request_take(&rs, out.id, &opened, &taken));
	assert_null(taken.owner);
	assert_int_equal(rs.sockets, 0); /* the bind had failed */
	alloc_fail_after(1);
	agent_requests_free(&rs);
	assert_int_equal(agent_request_add(&rs, &bind, OWNER_BASE, &a), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	agent_requests_free(&rs);
}

static wlk_err add(struct agent_requests *rs, enum ice_request_type type, void *owner)
{
	return agent_request_add(rs, &(struct ice_request){ .type = type }, OWNER_STREAM, owner);
}

static void test_closing_a_stream_never_needs_memory(void **state)
{
	static const enum ice_request_type types[] = { ICE_REQUEST_CONNECT_TCP, ICE_REQUEST_CONNECT_TLS,
						       ICE_REQUEST_CONNECT_DTLS };
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	size_t opened;

	(void)state;
	agent_requests_init(&rs);
	for (int i = 0; i < 30; i++)
		assert_int_equal(add(&rs, types[i % 3], &rs), WLK_OK);
	alloc_fail_after(1);
	while (agent_request_next(&rs, &out)) {
		opened = 2;
		assert_true(agent_request_take(&rs, out.id, &opened, &taken));
		assert_int_equal(opened, 1);
		assert_int_equal(taken.kind, OWNER_STREAM);
	}
	assert_int_equal(rs.streams, 30);
	for (uint32_t id = 1; id <= 30; id++)
		agent_request_close_stream(&rs, id);
	assert_false(alloc_did_fail());
	alloc_fail_after(0);
	for (uint32_t id = 1; id <= 30; id++) { /* oldest first */
		assert_true(agent_request_next(&rs, &out));
		assert_int_equal(out.type, ICE_REQUEST_CLOSE_STREAM);
		assert_int_equal(out.id, id);
	}
	assert_false(agent_request_next(&rs, &out));
	assert_int_equal(rs.streams, 0);
	agent_requests_free(&rs);
}

static void test_streams_that_failed_or_were_closed_from_afar_keep_no_slot(void **state)
{
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	size_t opened = 0;

	(void)state;
	agent_requests_init(&rs);
	assert_int_equal(add(&rs, ICE_REQUEST_CONNECT_TCP, &rs), WLK_OK);
	assert_true(agent_request_next(&rs, &out));
	assert_true(agent_request_take(&rs, out.id, &opened, &taken)); /* refused */
	assert_int_equal(rs.streams, 0);
	assert_int_equal(add(&rs, ICE_REQUEST_CONNECT_TCP, &rs), WLK_OK);
	assert_true(agent_request_next(&rs, &out));
	opened = 1;
	assert_true(agent_request_take(&rs, out.id, &opened, &taken));
	assert_int_equal(rs.streams, 1);
	agent_request_forget_stream(&rs, out.id);
	assert_int_equal(rs.streams, 0);
	assert_false(agent_request_next(&rs, &out));
	agent_requests_free(&rs);
}

static void test_an_abandoned_connect_is_given_up(void **state)
{
	struct agent_request taken;
	struct agent_requests rs;
	struct ice_request out;
	size_t opened = 1;
	uint32_t id;
	int a = 0;
	int b = 0;

	(void)state;
	agent_requests_init(&rs);
	assert_int_equal(add(&rs, ICE_REQUEST_CONNECT_TLS, &a), WLK_OK);
	assert_true(agent_request_next(&rs, &out));
	id = out.id;
	assert_int_equal(add(&rs, ICE_REQUEST_CONNECT_TCP, &b), WLK_OK);
	assert_int_equal(rs.streams, 2);
	agent_request_abandon(&rs, &a);
	agent_request_abandon(&rs, &b);
	assert_int_equal(rs.streams, 0);
	assert_int_equal(rs.count, 0);
	assert_false(agent_request_take(&rs, id, &opened, &taken)); /* a late answer finds nothing */
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(out.type, ICE_REQUEST_CLOSE_STREAM);
	assert_int_equal(out.id, id);
	assert_false(agent_request_next(&rs, &out)); /* b's was never seen outside */
	agent_requests_free(&rs);
}

static void test_accepted_streams_have_their_slots_since_the_listener(void **state)
{
	struct agent_requests rs;
	struct ice_request out;
	size_t closes = 0;
	uint32_t id = AGENT_ACCEPTED_ID_MIN;

	(void)state;
	agent_requests_init(&rs);
	assert_false(agent_request_accept_stream(&rs)); /* nobody listens */
	assert_int_equal(add(&rs, ICE_REQUEST_LISTEN_TCP, &rs), WLK_OK);
	assert_int_equal(add(&rs, ICE_REQUEST_CONNECT_TCP, &rs), WLK_OK);
	assert_int_equal(rs.sockets, 1);
	alloc_fail_after(1);
	for (int i = 0; i < AGENT_ACCEPTED_MAX; i++)
		assert_true(agent_request_accept_stream(&rs));
	assert_false(agent_request_accept_stream(&rs));
	for (int i = 0; i < AGENT_REFUSED_MAX; i++)
		assert_true(agent_request_refuse_stream(&rs, id + AGENT_ACCEPTED_MAX + (uint32_t)i));
	for (uint32_t i = 0; i < AGENT_ACCEPTED_MAX; i++)
		agent_request_close_stream(&rs, id + i);
	assert_false(alloc_did_fail());
	alloc_fail_after(0);
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(out.type, ICE_REQUEST_LISTEN_TCP);
	assert_true(agent_request_next(&rs, &out));
	assert_int_equal(out.type, ICE_REQUEST_CONNECT_TCP);
	while (agent_request_next(&rs, &out))
		closes += out.type == ICE_REQUEST_CLOSE_STREAM && agent_request_is_accepted_id(out.id);
	assert_int_equal(closes, AGENT_ACCEPTED_MAX + AGENT_REFUSED_MAX);
	assert_int_equal(rs.accepted, 0);
	assert_int_equal(rs.streams, 1); /* the CONNECT's own slot is still there */
	assert_true(agent_request_accept_stream(&rs));
	agent_request_forget_stream(&rs, id);
	assert_int_equal(rs.accepted, 0);
	agent_requests_free(&rs);
}

static void test_requests_for_streams_without_memory(void **state)
{
	static const enum ice_request_type types[] = { ICE_REQUEST_LISTEN_TCP, ICE_REQUEST_CONNECT_TCP };
	struct agent_requests rs;
	struct ice_request out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (size_t n = 1; n <= 2; n++) {
			agent_requests_init(&rs);
			alloc_fail_after(n);
			assert_int_equal(add(&rs, types[i], &rs), WLK_ERR_NOMEM);
			alloc_fail_after(0);
			assert_int_equal(rs.sockets, 0);
			assert_int_equal(rs.streams, 0);
			assert_false(rs.listens);
			assert_false(agent_request_next(&rs, &out));
			agent_requests_free(&rs);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_in_order_and_once),
		cmocka_unit_test(test_close_never_needs_memory),
		cmocka_unit_test(test_abandoned_requests),
		cmocka_unit_test(test_closing_a_stream_never_needs_memory),
		cmocka_unit_test(test_streams_that_failed_or_were_closed_from_afar_keep_no_slot),
		cmocka_unit_test(test_an_abandoned_connect_is_given_up),
		cmocka_unit_test(test_accepted_streams_have_their_slots_since_the_listener),
		cmocka_unit_test(test_requests_for_streams_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
