/* Two calls on one UDP port; in mid-call each is given the same TURN server over UDP, and goes on through it alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <unistd.h>
#include <wirelark/wirelark.h>

#include "core/addr.h"
#include "net/clock.h"
#include "net/udp.h"
#include "tests/support/turn_server.h"

enum { CALLS = 2, RELAYS = CALLS, GIVE_UP_US = 30000000 };

struct call {
	wlk_peer_connection *shared, *other; /* the one on the shared port offers */
	wlk_data_channel *channel;
	unsigned echoes;
};

static wlk_loop *loops[2]; /* the one with the shared port, and that of the far ends */
static struct call calls[CALLS];
static uint16_t shared_port;

/* The server's sockets: where clients come to, then one for each relayed address. */
static struct turn_server server;
static struct udp_socket sockets[1 + RELAYS];
static struct udp_rx rx;
static struct udp_stats stats;
static struct pktbuf_pool *pool;

static void must(wlk_err err)
{
	if (err)
		abort();
}

/* Relayed addresses have consecutive ports: sockets are opened until there are such. */
static void open_relays(const wlk_addr *any)
{
	for (;;) {
		wlk_addr next = *any;

		must(udp_open(&sockets[1], &next, 0, 0, true));
		next.port = (uint16_t)(sockets[1].local.port + 1);
		if (next.port && !udp_open(&sockets[2], &next, 0, 0, true))
			return;
		udp_close(&sockets[1]);
	}
}

static void open_server(void)
{
	const wlk_addr any = addr_v4(127, 0, 0, 1, 0);

	pool = pktbuf_pool_create(64);
	udp_rx_init(&rx, pool, &stats);
	must(udp_open(&sockets[0], &any, 0, 0, true));
	open_relays(&any);
	turn_server_init(&server, &sockets[0].local, &any);
	server.next_port = sockets[1].local.port;
}

static void close_server(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		udp_close(&sockets[i]);
	udp_rx_free(&rx);
	turn_server_free(&server);
	pktbuf_pool_destroy(pool);
}

static void send_from_server(struct dgram d)
{
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (addr_equal(&sockets[i].local, &d.local)) {
			(void)udp_queue(&sockets[i], d);
			udp_flush(&sockets[i], &stats);
			return;
		}
	abort();
}

static void serve(void)
{
	struct dgram d;

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		while (udp_rx_receive(&rx, &sockets[i]))
			while (udp_rx_next(&rx, &d)) {
				turn_server_input(&server, clock_monotonic(), &d.remote, &d.local, 0, d.buf->data, d.buf->size);
				pktbuf_release(d.buf);
			}
	while (turn_server_poll_transmit(&server, &d))
		send_from_server(d);
}

/* ---- the calls ---- */

/* What |from| has set goes to |to|, with all its candidates. */
static void hand_over(wlk_peer_connection *from, wlk_peer_connection *to)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from);

	must(wlk_peer_connection_set_remote_description(to, local));
	if (local->type == WLK_SDP_OFFER)
		must(wlk_peer_connection_set_local_description(to, NULL));
}

static void on_shared_event(const wlk_event *event, void *user)
{
	struct call *call = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			hand_over(call->shared, call->other);
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		must(wlk_data_channel_send(call->channel, WLK_MESSAGE_TEXT, "call", 4));
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		call->echoes++;
		must(wlk_data_channel_send(call->channel, WLK_MESSAGE_TEXT, "call", 4));
		break;
	default:
		break;
	}
}

static void on_other_event(const wlk_event *event, void *user)
{
	struct call *call = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			hand_over(call->other, call->shared);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		must(wlk_data_channel_send(event->u.message.channel, WLK_MESSAGE_TEXT, "echo", 4));
		break;
	default:
		break;
	}
}

static bool is_relayed(const struct call *call)
{
	wlk_addr local, remote;

	if (wlk_peer_connection_selected_pair(call->shared, &local, &remote))
		return false;
	return addr_equal(&local, &sockets[1].local) || addr_equal(&local, &sockets[2].local);
}

static bool all_echoed(void)
{
	bool all = true;

	for (int i = 0; i < CALLS; i++)
		all &= calls[i].echoes > 10;
	return all;
}

static bool all_relayed(void)
{
	bool all = true;

	for (int i = 0; i < CALLS; i++)
		all &= is_relayed(&calls[i]);
	return all;
}

static void run_until(bool (*done)(void))
{
	wlk_time end = clock_monotonic() + GIVE_UP_US;

	while (!done()) {
		struct pollfd fds[ARRAY_SIZE(loops) + ARRAY_SIZE(sockets)];
		nfds_t count = 0;

		for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
			fds[count++] = (struct pollfd){ .fd = wlk_loop_fd(loops[i]), .events = POLLIN };
		for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
			fds[count++] = (struct pollfd){ .fd = sockets[i].fd, .events = POLLIN };
		assert_true(poll(fds, count, 1000) >= 0);
		for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
			assert_int_equal(wlk_loop_dispatch(loops[i]), WLK_OK);
		serve();
		assert_true(clock_monotonic() < end);
	}
}

static void make_loops(void)
{
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;
	struct udp_socket probe;
	const wlk_addr any = addr_v4(127, 0, 0, 1, 0);

	must(udp_open(&probe, &any, 0, 0, true));
	config.udp_port = shared_port = probe.local.port;
	udp_close(&probe);
	must(wlk_loop_create(&config, &loops[0]));
	must(wlk_loop_create(NULL, &loops[1]));
}

static wlk_configuration configuration(void)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	config.allow_loopback = true;
	config.no_ipv6 = true;
	config.ice_tcp = WLK_ICE_TCP_OFF;
	return config;
}

static void begin(struct call *call)
{
	wlk_configuration config = configuration();

	*call = (struct call){ 0 };
	must(wlk_peer_connection_create(loops[0], &config, on_shared_event, call, &call->shared));
	must(wlk_peer_connection_create(loops[1], &config, on_other_event, call, &call->other));
	must(wlk_peer_connection_create_data_channel(call->shared, "call", NULL, &call->channel));
	must(wlk_peer_connection_set_local_description(call->shared, NULL));
}

static void move_to_relay(struct call *call)
{
	wlk_configuration config = configuration();
	char url[64] = "turn:127.0.0.1:";
	wlk_ice_server list = { .url = url, .username = "user", .credential = "secret" };

	snprintf(url + strlen(url), sizeof(url) - strlen(url), "%u", (unsigned)server.addr.port);
	config.ice_servers = &list;
	config.ice_server_count = 1;
	config.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
	call->echoes = 0;
	must(wlk_peer_connection_set_configuration(call->shared, &config));
	must(wlk_peer_connection_restart_ice(call->shared));
	must(wlk_peer_connection_set_local_description(call->shared, NULL));
}

static void test_a_turn_server_that_comes_later(void **state)
{
	wlk_addr local, remote;

	(void)state;
	open_server();
	make_loops();
	for (int i = 0; i < CALLS; i++)
		begin(&calls[i]);
	run_until(all_echoed);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(wlk_peer_connection_selected_pair(calls[i].shared, &local, &remote), WLK_OK);
		assert_int_equal(local.port, shared_port);
		move_to_relay(&calls[i]);
	}
	run_until(all_relayed);
	for (int i = 0; i < CALLS; i++)
		calls[i].echoes = 0;
	run_until(all_echoed);
	assert_int_equal(turn_server_live(&server, clock_monotonic()), CALLS);
	for (int i = 0; i < CALLS; i++) {
		wlk_peer_connection_destroy(calls[i].shared);
		wlk_peer_connection_destroy(calls[i].other);
	}
	for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
		wlk_loop_destroy(loops[i]);
	close_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_turn_server_that_comes_later) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
