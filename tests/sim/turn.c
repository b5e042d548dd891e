/* Whole peers that reach each other through a TURN server alone: set-up time, loss, long lives, restarts, rogue
 * servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "sim.h"
#include "tests/support/turn_server.h"

#define SERVER_IP "198.51.100.1"
#define URL       "turn:" SERVER_IP

/* A call over one server. */
struct call {
	struct sim sim;
	struct turn_server server;
	struct sim_host *host;
	wlk_configuration config;
	wlk_ice_server list;
	wlk_data_channel *channel;
	wlk_time opened[2]; /* at a and b; 0: not yet */
	unsigned echoes;
	unsigned errors;
	uint16_t last_error;
	unsigned restarts_wanted;
};

/* What stays inside of the server does not travel. */
static void drain(struct sim *sim, struct turn_server *s)
{
	struct dgram d;

	while (turn_server_poll_transmit(s, &d)) {
		if (turn_server_owns(s, &d.remote))
			turn_server_input(s, sim->now, &d.local, &d.remote, 0, d.buf->data, d.buf->size);
		else
			sim_send(sim, &d.local, &d.remote, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

static void server_input(struct sim *sim, struct sim_host *host, const wlk_addr *local, const wlk_addr *remote,
			 const uint8_t *data, size_t size)
{
	turn_server_input(host->user, sim->now, remote, local, 0, data, size);
	drain(sim, host->user);
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct call *call = sim->user;

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		call->opened[peer == &sim->b] = sim->now;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->a)
			call->echoes++;
		else
			(void)wlk_data_channel_send(ev->u.message.channel, WLK_MESSAGE_TEXT, "echo", 4);
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		call->errors++;
		call->last_error = ev->u.candidate_error.code;
		assert_string_equal(ev->u.candidate_error.url, URL);
		break;
	case WLK_EVENT_ICE_RESTART_WANTED:
		call->restarts_wanted++;
		break;
	default:
		break;
	}
}

static void prepare_with(struct call *call, struct sim_config *config, wlk_ice_transport_policy policy)
{
	const wlk_addr at = addr_v4(198, 51, 100, 1, 3478), relay = addr_v4(198, 51, 100, 1, 0);

	memset(call, 0, sizeof(*call));
	turn_server_init(&call->server, &at, &relay);
	call->list = (wlk_ice_server){ .url = URL, .username = "user", .credential = "secret" };
	call->config = (wlk_configuration)WLK_CONFIGURATION_INIT;
	call->config.ice_servers = &call->list;
	call->config.ice_server_count = 1;
	call->config.ice_transport_policy = policy;
	config->config_a = config->config_b = &call->config;
	sim_init(&call->sim, config, on_event, call);
	call->host = sim_add_host(&call->sim, SERVER_IP, server_input, &call->server);
	assert_int_equal(wlk_peer_connection_create_data_channel(call->sim.a.pc, "call", NULL, &call->channel), WLK_OK);
}

static void prepare(struct call *call, struct sim_config *config)
{
	prepare_with(call, config, WLK_ICE_TRANSPORT_RELAY);
}

static void end(struct call *call)
{
	sim_free(&call->sim);
	turn_server_free(&call->server);
}

static bool both_open(struct sim *sim)
{
	const struct call *call = sim->user;

	return call->opened[0] && call->opened[1];
}

static void start(struct call *call, struct sim_config *config)
{
	prepare(call, config);
	sim_signal(&call->sim);
	if (!sim_run_until(&call->sim, 60 * SIM_SECOND, both_open))
		sim_fail(&call->sim, "no open channel in 60 s");
}

static void say(struct call *call)
{
	assert_int_equal(wlk_data_channel_send(call->channel, WLK_MESSAGE_TEXT, "call", 4), WLK_OK);
}

static void expect_echo(struct call *call, wlk_time within)
{
	unsigned before = call->echoes;

	say(call);
	sim_run_for(&call->sim, within);
	if (call->echoes <= before)
		sim_fail(&call->sim, "no echo");
}

/* A message a second for |seconds|; all have come back at the end. */
static void talk(struct call *call, unsigned seconds, void (*each)(struct call *call, unsigned second))
{
	unsigned before = call->echoes;

	for (unsigned i = 0; i < seconds; i++) {
		if (each)
			each(call, i);
		say(call);
		sim_run_for(&call->sim, SIM_SECOND);
	}
	sim_run_for(&call->sim, 20 * SIM_SECOND);
	if (call->echoes - before != seconds)
		sim_fail(&call->sim, "%u of %u echoes", call->echoes - before, seconds);
}

/* A goal of the project: at a round trip of 40 ms through the relays, open on both sides 500 ms after the offer was
 * made. */
static void test_opens_within_500_ms(void **state)
{
	struct call call;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim_config config = { .seed = seed, .latency_us = 10 * SIM_MS };
		wlk_time offered;

		prepare(&call, &config);
		offered = call.sim.now;
		sim_signal(&call.sim);
		if (!sim_run_until(&call.sim, 500 * SIM_MS, both_open))
			sim_fail(&call.sim, "not open after 500 ms");
		/* Allocation 40 ms, then as over any path: 3.5 round trips, and a little for the permissions. */
		assert_true(MAX(call.opened[0], call.opened[1]) - offered <= (40 + 140 + 30) * SIM_MS);
		end(&call);
	}
}

/* The same behind two symmetric NATs, with all candidates: what cannot work does not hold up what can. */
static void test_symmetric_nats_open_within_500_ms(void **state)
{
	struct call call;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim_config config = { .seed = seed, .latency_us = 10 * SIM_MS };
		struct sim_nat nats[2];
		wlk_time offered;

		sim_nat_init(&nats[0], SIM_NAT_SYMMETRIC, "203.0.113.1");
		sim_nat_init(&nats[1], SIM_NAT_SYMMETRIC, "203.0.113.2");
		config.interfaces_a[0] =
			(struct sim_interface){ .ip = sim_ip("10.0.0.1"), .up = true, .nat = &nats[0] };
		config.interfaces_b[0] =
			(struct sim_interface){ .ip = sim_ip("10.0.0.2"), .up = true, .nat = &nats[1] };
		prepare_with(&call, &config, WLK_ICE_TRANSPORT_ALL);
		offered = call.sim.now;
		sim_signal(&call.sim);
		if (!sim_run_until(&call.sim, 500 * SIM_MS, both_open))
			sim_fail(&call.sim, "not open after 500 ms");
		assert_true(MAX(call.opened[0], call.opened[1]) - offered <= 300 * SIM_MS);
		end(&call);
		sim_nat_free(&nats[0]);
		sim_nat_free(&nats[1]);
	}
}

static void test_call_with_loss(void **state)
{
	struct call call;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		start(&call, &(struct sim_config){
				     .seed = seed, .latency_us = 20 * SIM_MS, .loss = 500, .jitter_us = 5 * SIM_MS });
		talk(&call, 20, NULL);
		end(&call);
	}
}

static void lose_and_rotate(struct call *call, unsigned second)
{
	if (second % 50 == 0)
		call->server.lose_refreshes = 10;
	if (second % 17 == 0)
		call->server.nonce_number++;
}

/* Show 7. */
static void test_lifetime_of_60_s_lives_through_10_minutes(void **state)
{
	struct call call;

	(void)state;
	prepare(&call, &(struct sim_config){ .seed = 1, .latency_us = 20 * SIM_MS, .loss = 200 });
	call.server.lifetime_s = 60;
	call.server.nonce_life_us = 45 * SIM_SECOND;
	sim_signal(&call.sim);
	assert_true(sim_run_until(&call.sim, 60 * SIM_SECOND, both_open));
	talk(&call, 600, lose_and_rotate);
	assert_int_equal(call.errors, 0);
	assert_int_equal(turn_server_live(&call.server, call.sim.now), 2);
	end(&call);
}

static void test_24_hours(void **state)
{
	struct call call;

	(void)state;
	prepare(&call, &(struct sim_config){ .seed = 2, .latency_us = 20 * SIM_MS });
	call.server.lifetime_s = 60;
	call.server.nonce_life_us = 600 * SIM_SECOND;
	sim_signal(&call.sim);
	assert_true(sim_run_until(&call.sim, 60 * SIM_SECOND, both_open));
	for (int hour = 0; hour < 24; hour++) {
		sim_run_for(&call.sim, 3600 * SIM_SECOND);
		expect_echo(&call, SIM_SECOND);
	}
	assert_int_equal(call.errors, 0);
	end(&call);
}

static void test_credentials_replaced_in_mid_call(void **state)
{
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 3, .latency_us = 20 * SIM_MS });
	call.server.users[0].password = "fresh";
	talk(&call, 250, NULL); /* a renewal of permissions is refused meanwhile */
	call.list.credential = "fresh";
	assert_int_equal(wlk_peer_connection_set_configuration(call.sim.a.pc, &call.config), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_configuration(call.sim.b.pc, &call.config), WLK_OK);
	talk(&call, 1200, NULL);
	assert_int_equal(call.errors, 0);
	assert_int_equal(turn_server_live(&call.server, call.sim.now), 2);
	end(&call);
}

/*
 * Both relayed addresses are gone. As soon as the path falls silent the clients ask, hear of it, and allocate anew; the
 * new candidates trickle, and the call goes on without an ICE restart.
 */
static void test_restarted_server(void **state)
{
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 4, .latency_us = 20 * SIM_MS });
	talk(&call, 35, NULL);
	turn_server_restart(&call.server);
	sim_run_for(&call.sim, 5 * SIM_SECOND);
	assert_int_equal(call.errors, 2);
	assert_int_equal(call.last_error, 437);
	assert_int_equal(turn_server_live(&call.server, call.sim.now), 2);
	expect_echo(&call, 2 * SIM_SECOND);
	assert_int_equal(call.restarts_wanted, 0);
	end(&call);
}

/* The same while nothing can be signalled: then an ICE restart is asked for, and brings the call back. */
static void test_restarted_server_without_trickle(void **state)
{
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 4, .latency_us = 20 * SIM_MS });
	talk(&call, 35, NULL);
	turn_server_restart(&call.server);
	call.sim.no_signalling = true;
	sim_run_for(&call.sim, 10 * SIM_SECOND);
	assert_true(call.restarts_wanted >= 1);
	call.sim.no_signalling = false;
	sim_renegotiate(&call.sim, &call.sim.a, true);
	sim_run_for(&call.sim, 5 * SIM_SECOND);
	expect_echo(&call, 2 * SIM_SECOND);
	assert_int_equal(call.sim.a.state, WLK_CONNECTION_CONNECTED);
	end(&call);
}

static void test_statistics_name_the_server(void **state)
{
	struct call call;
	char *json;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 9, .latency_us = 20 * SIM_MS });
	assert_int_equal(wlk_peer_connection_stats_json(call.sim.a.pc, &json), WLK_OK);
	assert_non_null(strstr(json, "\"candidateType\":\"relay\""));
	assert_non_null(strstr(json, "\"relayProtocol\":\"udp\""));
	assert_non_null(strstr(json, "\"url\":\"" URL "\""));
	assert_null(strstr(json, "secret"));
	wlk_secret_free(json);
	end(&call);
}

static void test_close_gives_the_allocations_back(void **state)
{
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 5, .latency_us = 20 * SIM_MS });
	wlk_peer_connection_close(call.sim.a.pc);
	wlk_peer_connection_close(call.sim.b.pc);
	sim_run_for(&call.sim, SIM_SECOND);
	assert_int_equal(call.server.released, 2);
	end(&call);
}

/* ------------------------------------------------------------------------------------------------ rogue servers */

static void test_R11_nonce_loop_ends_after_three_rounds(void **state)
{
	struct call call;

	(void)state;
	prepare(&call, &(struct sim_config){ .seed = 6, .latency_us = 20 * SIM_MS });
	call.server.nonce_loop = true;
	sim_signal(&call.sim);
	sim_run_for(&call.sim, 30 * SIM_SECOND);
	assert_int_equal(call.server.requests[STUN_METHOD_ALLOCATE], 2 * 4);
	assert_int_equal(call.errors, 2);
	assert_int_equal(call.last_error, 438);
	end(&call);
}

static void inject(struct call *call, const struct turn_server_allocation *a, const uint8_t *data, size_t size)
{
	sim_send(&call->sim, &call->server.addr, &a->client, data, size);
}

/* The server is the one who attacks: what it makes up reaches nobody above ICE, and the call goes on. */
static void test_R11_truncated_channel_data(void **state)
{
	const struct turn_server_allocation *a;
	uint8_t packet[100] = { 0 };
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 7, .latency_us = 20 * SIM_MS });
	talk(&call, 3, NULL);
	a = turn_server_find(&call.server, call.sim.now, &call.sim.a.interfaces[0].ip);
	assert_non_null(a);
	assert_true(a->channel_count >= 1);
	for (unsigned i = 0; i < 200; i++) {
		store_u16(packet, (uint16_t)(a->channels[0].number + i % 3));
		store_u16(packet + 2, (uint16_t)(i % 2 ? 97 + i : 0xffff - i));
		packet[4] = (uint8_t)i;
		inject(&call, a, packet, i % sizeof(packet));
	}
	talk(&call, 10, NULL);
	end(&call);
}

static void test_R11_data_from_unpermitted_peers(void **state)
{
	static const uint8_t id[STUN_TXID_SIZE] = "made up.....";
	const struct turn_server_allocation *a;
	uint8_t packet[200], hello[60] = { 22, 0xfe, 0xfd };
	struct stun_writer w;
	struct call call;
	size_t size;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 8, .latency_us = 20 * SIM_MS });
	a = turn_server_find(&call.server, call.sim.now, &call.sim.a.interfaces[0].ip);
	assert_non_null(a);
	for (unsigned i = 0; i < 100; i++) {
		wlk_addr peer = addr_v4(192, 0, 2, (uint8_t)i, 4000);

		hello[0] = (uint8_t)(i % 2 ? 22 : 128 + i);
		stun_writer_init(&w, packet, sizeof(packet), STUN_INDICATION, STUN_METHOD_DATA, id);
		stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		stun_put_bytes(&w, STUN_ATTR_DATA, hello, sizeof(hello));
		assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
		inject(&call, a, packet, size);
	}
	talk(&call, 10, NULL);
	assert_int_equal(call.sim.a.state, WLK_CONNECTION_CONNECTED);
	end(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_within_500_ms),
		cmocka_unit_test(test_symmetric_nats_open_within_500_ms),
		cmocka_unit_test(test_call_with_loss),
		cmocka_unit_test(test_lifetime_of_60_s_lives_through_10_minutes),
		cmocka_unit_test(test_24_hours),
		cmocka_unit_test(test_credentials_replaced_in_mid_call),
		cmocka_unit_test(test_restarted_server),
		cmocka_unit_test(test_restarted_server_without_trickle),
		cmocka_unit_test(test_statistics_name_the_server),
		cmocka_unit_test(test_close_gives_the_allocations_back),
		cmocka_unit_test(test_R11_nonce_loop_ends_after_three_rounds),
		cmocka_unit_test(test_R11_truncated_channel_data),
		cmocka_unit_test(test_R11_data_from_unpermitted_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
