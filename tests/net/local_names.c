/* Two peers of one loop know each other by .local names alone: real sockets of port 5353, real multicast. And port ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wirelark/wirelark.h>

struct end {
	wlk_peer_connection *pc;
	struct end *other;
	int addresses; /* candidates that show one */
	int names;
	bool connected;
};

static wlk_loop *loop;

static void on_event(const wlk_event *event, void *user)
{
	struct end *end = user;

	switch (event->type) {
	case WLK_EVENT_ICE_CANDIDATE:
		if (!*event->u.candidate.candidate)
			break;
		end->names += strstr(event->u.candidate.candidate, ".local ") != NULL;
		end->addresses += strstr(event->u.candidate.candidate, ".local ") == NULL;
		assert_int_equal(wlk_peer_connection_add_ice_candidate(end->other->pc, &event->u.candidate), WLK_OK);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		end->connected = event->u.connection.state == WLK_CONNECTION_CONNECTED;
		if (end->connected && end->other->connected)
			wlk_loop_stop(loop);
		break;
	default:
		break;
	}
}

static void give_up(void *user)
{
	(void)user;
	wlk_loop_stop(loop);
}

static void signal_both(struct end *a, struct end *b)
{
	wlk_data_channel *channel;

	assert_int_equal(wlk_peer_connection_create_data_channel(a->pc, "x", NULL, &channel), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(a->pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(b->pc, wlk_peer_connection_local_description(a->pc)), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(b->pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(a->pc, wlk_peer_connection_local_description(b->pc)), WLK_OK);
}

static void call(const wlk_configuration *config, struct end ends[2], wlk_time limit)
{
	wlk_loop_config loop_config = WLK_LOOP_CONFIG_INIT;

	assert_int_equal(wlk_loop_create(&loop_config, &loop), WLK_OK);
	for (int i = 0; i < 2; i++) {
		ends[i] = (struct end){ .other = &ends[!i] };
		assert_int_equal(wlk_peer_connection_create(loop, config, on_event, &ends[i], &ends[i].pc), WLK_OK);
	}
	signal_both(&ends[0], &ends[1]);
	assert_int_equal(wlk_loop_call_later(loop, limit, give_up, NULL, NULL), WLK_OK);
	wlk_loop_run(loop);
}

static void end_call(struct end ends[2])
{
	for (int i = 0; i < 2; i++)
		wlk_peer_connection_destroy(ends[i].pc);
	wlk_loop_destroy(loop);
}

static void test_names_are_resolved_over_the_wire(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct end ends[2];

	(void)state;
	config.hide_host_addresses = true;
	config.allow_loopback = true;
	call(&config, ends, 10 * 1000000);
	for (int i = 0; i < 2; i++) {
		assert_true(ends[i].connected);
		assert_true(ends[i].names > 0);
		assert_int_equal(ends[i].addresses, 0);
	}
	end_call(ends);
}

/* Two connections share a range of one port: the second has no socket there, says so in its log, and has no candidate. */
static void test_full_port_range(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct end ends[2];
	const char *sdp[2];

	(void)state;
	config.allow_loopback = true;
	config.no_ipv6 = true;
	config.ice_tcp = WLK_ICE_TCP_OFF;
	config.port_min = config.port_max = 46123;
	call(&config, ends, 300000);
	sdp[0] = wlk_peer_connection_local_description(ends[0].pc)->sdp;
	sdp[1] = wlk_peer_connection_local_description(ends[1].pc)->sdp;
	assert_non_null(strstr(sdp[0], " 46123 typ host"));
	assert_null(strstr(sdp[1], "a=candidate:"));
	assert_non_null(strstr(sdp[1], "a=end-of-candidates"));
	end_call(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_resolved_over_the_wire),
		cmocka_unit_test(test_full_port_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
