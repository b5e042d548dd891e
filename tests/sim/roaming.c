/*
 * Networks that change under a call: interfaces that go and come, NATs that rebind, partitions, restarts. Each scenario is run
 * for several seeds and prints how long the data stood still. Argument: seeds a scenario.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"
#include "tests/support/turn_server.h"

enum { TICK_US = 20000, FLOW_SIZE = 100, BULK_SIZE = 16000, FIGURES_MAX = 1000 };

static unsigned seeds = 50;

/* One call with three kinds of traffic. */
struct call {
	struct sim sim;
	wlk_configuration config_a, config_b;
	wlk_ice_server servers[2];
	bool with_turn;
	struct turn_server turn;
	struct sim_nat nat[2 * SIM_INTERFACES_MAX];
	size_t nat_count;
	wlk_data_channel *flow[2]; /* unreliable and unordered, a message each tick both ways */
	wlk_data_channel *bulk[2]; /* reliable and ordered, from a to b while |bulk_runs| */
	wlk_transceiver *video;    /* a packet each tick from a to b */
	uint8_t video_type;
	bool bulk_runs;
	uint32_t bulk_sent, bulk_received;
	wlk_time mark;          /* when the network changed */
	wlk_time again[2];      /* when a message of after the mark arrived first, at a and at b; 0: not yet */
	wlk_time video_again;   /* the same for packets at b */
	wlk_time flow_last[2], flow_gap[2]; /* at a and b */
	wlk_time video_last, video_gap;
	int disconnects[2], failures[2], restarts_wanted[2], pair_changes[2];
	wlk_time disconnected_at[2], failed_at[2], wanted_at[2];
};

static struct call *call_of(struct sim *sim)
{
	return sim->user;
}

static int side_of(const struct sim *sim, const struct sim_peer *peer)
{
	return peer == &sim->b;
}

/* ---- traffic ---- */

static uint8_t bulk_byte(uint32_t message, size_t i)
{
	return (uint8_t)(message * 31 + i * 7 + i / 251);
}

static void send_bulk(struct call *c)
{
	uint8_t data[BULK_SIZE];

	while (c->bulk_runs) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = bulk_byte(c->bulk_sent, i);
		if (wlk_data_channel_send(c->bulk[0], WLK_MESSAGE_BINARY, data, sizeof(data)))
			return;
		c->bulk_sent++;
	}
}

static void check_bulk(struct call *c, const wlk_event *ev)
{
	if (ev->u.message.size != BULK_SIZE)
		sim_fail(&c->sim, "message %u has %zu bytes", c->bulk_received, ev->u.message.size);
	for (size_t i = 0; i < BULK_SIZE; i++)
		if (ev->u.message.data[i] != bulk_byte(c->bulk_received, i))
			sim_fail(&c->sim, "message %u differs at byte %zu", c->bulk_received, i);
	c->bulk_received++;
}

static void tick(struct call *c)
{
	uint8_t data[FLOW_SIZE] = { 0 };
	wlk_rtp_packet packet = { .payload_type = c->video_type, .marker = true, .payload = data, .payload_size = sizeof(data) };

	memcpy(data, &c->sim.now, sizeof(c->sim.now));
	for (int i = 0; i < 2; i++)
		if (c->flow[i] && wlk_data_channel_buffered_amount(c->flow[i]) < 4 * FLOW_SIZE)
			(void)!wlk_data_channel_send(c->flow[i], WLK_MESSAGE_BINARY, data, sizeof(data));
	packet.timestamp = (uint32_t)(c->sim.now * 9 / 100);
	if (c->video_type)
		(void)!wlk_rtp_sender_send_packet(wlk_transceiver_sender(c->video), &packet);
	send_bulk(c);
}

static void pass(struct call *c, wlk_time span)
{
	for (wlk_time end = c->sim.now + span; c->sim.now < end;) {
		tick(c);
		sim_run_for(&c->sim, end - c->sim.now < TICK_US ? end - c->sim.now : TICK_US);
	}
}

static void note_gap(wlk_time now, wlk_time *last, wlk_time *gap)
{
	if (*last && now - *last > *gap)
		*gap = now - *last;
	*last = now;
}

static void on_flow(struct call *c, int side, const uint8_t *data)
{
	wlk_time sent;

	memcpy(&sent, data, sizeof(sent));
	note_gap(c->sim.now, &c->flow_last[side], &c->flow_gap[side]);
	if (c->mark && sent > c->mark && !c->again[side])
		c->again[side] = c->sim.now;
}

static void on_packet(struct call *c, const wlk_rtp_packet *packet)
{
	wlk_time sent;

	memcpy(&sent, packet->payload, sizeof(sent));
	note_gap(c->sim.now, &c->video_last, &c->video_gap);
	if (c->mark && sent > c->mark && !c->video_again)
		c->video_again = c->sim.now;
}

static void on_state(struct call *c, int side, wlk_connection_state state)
{
	if (state == WLK_CONNECTION_DISCONNECTED) {
		c->disconnects[side]++;
		c->disconnected_at[side] = c->sim.now;
	} else if (state == WLK_CONNECTION_FAILED) {
		c->failures[side]++;
		c->failed_at[side] = c->sim.now;
	}
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct call *c = call_of(sim);
	int side = side_of(sim, peer);

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL:
		*(strcmp(wlk_data_channel_label(ev->u.channel.channel), "bulk") ? &c->flow[side] : &c->bulk[side]) =
			ev->u.channel.channel;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (ev->u.message.channel == c->bulk[side])
			check_bulk(c, ev);
		else
			on_flow(c, side, ev->u.message.data);
		break;
	case WLK_EVENT_RTP_PACKET:
		on_packet(c, ev->u.rtp.packet);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		on_state(c, side, ev->u.connection.state);
		break;
	case WLK_EVENT_ICE_RESTART_WANTED:
		c->restarts_wanted[side]++;
		c->wanted_at[side] = sim->now;
		break;
	case WLK_EVENT_SELECTED_PAIR_CHANGE:
		c->pair_changes[side]++;
		break;
	default:
		break;
	}
}

/* ---- a call ---- */

/* |network| gives everything but the configurations; NATs are named by interface below. */
static void call_init(struct call *c, uint64_t seed)
{
	*c = (struct call){ .config_a = WLK_CONFIGURATION_INIT, .config_b = WLK_CONFIGURATION_INIT };
	c->servers[0] = (wlk_ice_server){ .url = "stun:198.51.100.1" };
	c->servers[1] = (wlk_ice_server){ .url = "turn:198.51.100.2", .username = "user", .credential = "secret" };
	c->config_a.ice_servers = c->config_b.ice_servers = c->servers;
	c->config_a.ice_server_count = c->config_b.ice_server_count = 1;
	c->config_a.ice_tcp = c->config_b.ice_tcp = WLK_ICE_TCP_OFF; /* this network has no streams */
	c->sim.config = (struct sim_config){ .seed = seed, .latency_us = 20 * SIM_MS, .rate_bps = 4000000, .queue_us = 100 * SIM_MS };
}

/* The next interface of side |side|; |nat_ip| NULL: a public address. */
static struct sim_nat *add_interface(struct call *c, int side, const char *ip, bool up, enum sim_nat_kind kind, const char *nat_ip)
{
	struct sim_interface *list = side ? c->sim.config.interfaces_b : c->sim.config.interfaces_a;
	struct sim_nat *nat = NULL;

	while (list->ip.family)
		list++;
	if (nat_ip) {
		nat = &c->nat[c->nat_count++];
		sim_nat_init(nat, kind, nat_ip);
	}
	*list = (struct sim_interface){ .ip = sim_ip(ip), .up = up, .nat = nat };
	return nat;
}

static bool is_open(struct sim *sim)
{
	struct call *c = call_of(sim);

	return sim_both_connected(sim) && c->flow[0] && c->flow[1] && c->bulk[1] &&
	       wlk_data_channel_ready_state(c->flow[0]) == WLK_DATA_CHANNEL_OPEN &&
	       wlk_data_channel_ready_state(c->bulk[0]) == WLK_DATA_CHANNEL_OPEN;
}

static void use_turn(struct call *c)
{
	c->with_turn = true;
	c->config_a.ice_server_count = c->config_b.ice_server_count = 2;
}

/* What stays inside of the server does not travel. */
static void turn_input(struct sim *sim, struct sim_host *host, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
		       size_t size)
{
	struct turn_server *s = host->user;
	struct dgram d;

	turn_server_input(s, sim->now, remote, local, 0, data, size);
	while (turn_server_poll_transmit(s, &d)) {
		if (turn_server_owns(s, &d.remote))
			turn_server_input(s, sim->now, &d.local, &d.remote, 0, d.buf->data, d.buf->size);
		else
			sim_send(sim, &d.local, &d.remote, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

static void add_turn_server(struct call *c)
{
	wlk_addr at = sim_ip("198.51.100.2"), relay = at;

	at.port = 3478;
	turn_server_init(&c->turn, &at, &relay);
	sim_add_host(&c->sim, "198.51.100.2", turn_input, &c->turn);
}

static void prepare(struct call *c)
{
	wlk_data_channel_init unreliable = WLK_DATA_CHANNEL_INIT;
	struct sim_config config = c->sim.config;

	unreliable.unordered = true;
	unreliable.has_max_retransmits = true;
	config.config_a = &c->config_a;
	config.config_b = &c->config_b;
	sim_init(&c->sim, &config, on_event, c);
	sim_add_stun_server(&c->sim, "198.51.100.1");
	if (c->with_turn)
		add_turn_server(c);
	assert_int_equal(wlk_peer_connection_create_data_channel(c->sim.a.pc, "flow", &unreliable, &c->flow[0]), WLK_OK);
	assert_int_equal(wlk_peer_connection_create_data_channel(c->sim.a.pc, "bulk", NULL, &c->bulk[0]), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_transceiver(c->sim.a.pc, WLK_MEDIA_VIDEO, NULL, &c->video), WLK_OK);
}

/* The payload type of VP8 in a's offer. */
static uint8_t vp8_type(struct call *c)
{
	const char *found = strstr(wlk_peer_connection_local_description(c->sim.a.pc)->sdp, " VP8/90000");

	assert_non_null(found);
	while (found[-1] != ':')
		found--;
	return (uint8_t)strtoul(found, NULL, 10);
}

/* Connected, and a few seconds of traffic, so that all pairs are checked; where in the timers it ends comes from the seed. */
static void call_begin(struct call *c)
{
	prepare(c);
	sim_signal(&c->sim);
	if (!sim_run_until(&c->sim, 10 * SIM_SECOND, is_open))
		sim_fail(&c->sim, "not connected");
	c->video_type = vp8_type(c);
	pass(c, 3 * SIM_SECOND + sim_random(&c->sim, 8000000));
	if (!c->flow_last[0] || !c->flow_last[1] || !c->video_last)
		sim_fail(&c->sim, "no traffic");
	c->flow_gap[0] = c->flow_gap[1] = c->video_gap = 0;
	c->pair_changes[0] = c->pair_changes[1] = 0;
}

static void call_end(struct call *c)
{
	sim_free(&c->sim);
	if (c->with_turn)
		turn_server_free(&c->turn);
	while (c->nat_count)
		sim_nat_free(&c->nat[--c->nat_count]);
}

static void mark(struct call *c)
{
	c->mark = c->sim.now;
	c->again[0] = c->again[1] = c->video_again = 0;
}

static bool is_again(const struct call *c)
{
	/* Under the bulk transfer, messages from a wait until SCTP's window has grown again: media tells of the path. */
	return c->again[0] && (c->again[1] || c->bulk_runs) && c->video_again;
}

static long long since_mark(const struct call *c, wlk_time at)
{
	return at ? (long long)((at - c->mark) / SIM_MS) : -1;
}

/* How long nothing of what was sent since the mark had arrived at both ends; ends the test when it is above |limit|. */
static wlk_time recovery(struct call *c, wlk_time limit)
{
	wlk_time last;

	while (!is_again(c) && c->sim.now - c->mark <= limit)
		pass(c, TICK_US);
	last = c->again[0] > c->video_again ? c->again[0] : c->video_again;
	if (!c->bulk_runs && c->again[1] > last)
		last = c->again[1];
	if (!is_again(c) || last - c->mark > limit)
		sim_fail(&c->sim, "not recovered in %lld ms: a after %lld, b after %lld, media after %lld ms", (long long)(limit / SIM_MS),
			 since_mark(c, c->again[0]), since_mark(c, c->again[1]), since_mark(c, c->video_again));
	return last - c->mark;
}

/* Everything given to the bulk channel has to arrive, unchanged and once. */
static void finish_bulk(struct call *c)
{
	c->bulk_runs = false;
	for (int i = 0; i < 1500 && c->bulk_received < c->bulk_sent; i++)
		pass(c, TICK_US);
	if (c->bulk_received != c->bulk_sent)
		sim_fail(&c->sim, "%u of %u messages arrived", c->bulk_received, c->bulk_sent);
}

/* ---- figures ---- */

struct figures {
	wlk_time times[FIGURES_MAX];
	size_t count;
};

static void add_figure(struct figures *f, wlk_time time)
{
	size_t at = f->count++;

	assert_true(f->count <= FIGURES_MAX);
	for (; at && f->times[at - 1] > time; at--)
		f->times[at] = f->times[at - 1];
	f->times[at] = time;
}

static void print_figures(const struct figures *f, const char *title)
{
	printf("%-68s median %5lld ms, max %5lld ms, %zu seeds\n", title, (long long)(f->times[f->count / 2] / SIM_MS),
	       (long long)(f->times[f->count - 1] / SIM_MS), f->count);
}

/* ---- interfaces ---- */

/* a has wlan and wwan, b one public address. */
static void two_interfaces(struct call *c, uint64_t seed)
{
	call_init(c, seed);
	add_interface(c, 0, "192.0.2.1", true, SIM_NAT_OPEN, NULL);
	add_interface(c, 0, "203.0.113.1", true, SIM_NAT_OPEN, NULL);
	add_interface(c, 1, "198.51.100.50", true, SIM_NAT_OPEN, NULL);
}

/* |loser|: which peer has the two interfaces (a offers and controls). */
static void lose_interface(const char *title, int loser, bool noticed, bool renomination, wlk_time limit)
{
	struct figures f = { .count = 0 }, media = { .count = 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;
		struct sim_peer *peer;

		call_init(&c, seed);
		add_interface(&c, loser, "192.0.2.1", true, SIM_NAT_OPEN, NULL);
		add_interface(&c, loser, "203.0.113.1", true, SIM_NAT_OPEN, NULL);
		add_interface(&c, !loser, "198.51.100.50", true, SIM_NAT_OPEN, NULL);
		c.config_a.renomination = c.config_b.renomination = renomination;
		call_begin(&c);
		peer = loser ? &c.sim.b : &c.sim.a;
		c.sim.no_signalling = true;
		c.bulk_runs = seed % 2;
		pass(&c, 500 * SIM_MS);
		mark(&c);
		if (noticed)
			sim_set_interface(&c.sim, peer, 0, false);
		else
			peer->interfaces[0].silent = true;
		add_figure(&f, recovery(&c, limit));
		add_figure(&media, c.video_again - c.mark);
		finish_bulk(&c);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		pass(&c, 40 * SIM_SECOND);
		assert_true(sim_both_connected(&c.sim));
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		call_end(&c);
	}
	print_figures(&f, title);
	print_figures(&media, "  of it until media flows from a to b");
}

static void test_R7_interface_loss_moves_to_the_backup(void **state)
{
	(void)state;
	lose_interface("interface of the controlling side goes, backup pair", 0, true, false, SIM_SECOND);
	lose_interface("interface of the controlled side goes, backup pair", 1, true, false, SIM_SECOND);
	lose_interface("interface of the controlling side goes, renomination", 0, true, true, SIM_SECOND);
}

static void test_R7_interface_that_dies_silently_is_left(void **state)
{
	(void)state;
	lose_interface("interface of the controlling side dies unnoticed, backup pair", 0, false, false, 2500 * SIM_MS);
	lose_interface("interface of the controlled side dies unnoticed, backup pair", 1, false, false, 2500 * SIM_MS);
}

/* wlan goes, wwan comes 300 ms later; nothing is signalled. */
static void replace_interface(const char *title, bool with_turn)
{
	struct figures f = { .count = 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init(&c, seed);
		add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_PORT, "192.0.2.1");
		add_interface(&c, 0, "10.64.0.7", false, SIM_NAT_PORT, "203.0.113.1");
		add_interface(&c, 1, "198.51.100.50", true, SIM_NAT_PORT, with_turn ? "192.0.2.2" : NULL);
		if (with_turn)
			use_turn(&c);
		call_begin(&c);
		c.sim.no_signalling = true;
		c.bulk_runs = true;
		mark(&c);
		sim_set_interface(&c.sim, &c.sim.a, 0, false);
		pass(&c, 300 * SIM_MS);
		sim_set_interface(&c.sim, &c.sim.a, 1, true);
		add_figure(&f, recovery(&c, 2 * SIM_SECOND));
		finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		assert_int_equal(c.restarts_wanted[0], 0);
		call_end(&c);
	}
	print_figures(&f, title);
}

static void test_new_interface_takes_over_without_signalling(void **state)
{
	(void)state;
	replace_interface("interface goes, another comes 300 ms later, peer is public", false);
	replace_interface("interface goes, another comes 300 ms later, both behind NATs, TURN", true);
}

/* Both behind NATs that let nobody in: the application is asked once, restarts, and all is well. */
static void test_restart_is_wanted_once_where_no_path_is_left(void **state)
{
	struct figures wanted = { .count = 0 }, f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init(&c, seed);
		add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_PORT, "192.0.2.1");
		add_interface(&c, 0, "10.64.0.7", false, SIM_NAT_PORT, "203.0.113.1");
		add_interface(&c, 1, "10.0.0.9", true, SIM_NAT_PORT, "192.0.2.2");
		call_begin(&c);
		c.sim.no_signalling = true;
		c.bulk_runs = true;
		mark(&c);
		sim_set_interface(&c.sim, &c.sim.a, 0, false);
		pass(&c, 300 * SIM_MS);
		sim_set_interface(&c.sim, &c.sim.a, 1, true);
		while (!c.restarts_wanted[0] && c.sim.now - c.mark < 5 * SIM_SECOND)
			pass(&c, TICK_US);
		assert_int_equal(c.restarts_wanted[0], 1);
		add_figure(&wanted, c.sim.now - c.mark);
		pass(&c, (wlk_time)(seed % 5) * SIM_SECOND);
		assert_int_equal(c.restarts_wanted[0], 1);
		c.sim.no_signalling = false;
		mark(&c);
		sim_renegotiate(&c.sim, &c.sim.a, true);
		add_figure(&f, recovery(&c, SIM_SECOND));
		finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		call_end(&c);
	}
	print_figures(&wanted, "no path is left: until the application is asked for a restart");
	print_figures(&f, "no path is left: from the ICE restart until data flows");
}

static void test_interface_flaps_100_times(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct call c;

		two_interfaces(&c, seed);
		call_begin(&c);
		c.bulk_runs = true;
		for (int i = 0; i < 200; i++) {
			sim_set_interface(&c.sim, &c.sim.a, 0, i & 1);
			pass(&c, 100 * SIM_MS + sim_random(&c.sim, 900000));
			if (i % 20 == 0) {
				mark(&c);
				(void)recovery(&c, SIM_SECOND);
			}
		}
		c.bulk_runs = false;
		finish_bulk(&c);
		assert_true(sim_both_connected(&c.sim));
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		printf("interface flaps 100 times, seed %d: longest gap %lld ms, %u messages byte-exact\n", (int)seed,
		       (long long)((c.flow_gap[0] > c.flow_gap[1] ? c.flow_gap[0] : c.flow_gap[1]) / SIM_MS), c.bulk_received);
		assert_in_range(c.flow_gap[0], 0, 2 * SIM_SECOND);
		assert_in_range(c.flow_gap[1], 0, 2 * SIM_SECOND);
		call_end(&c);
	}
}

static void test_three_interfaces_go_one_by_one_and_come_back(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;
		wlk_addr local, remote;

		two_interfaces(&c, seed);
		add_interface(&c, 0, "203.0.113.77", true, SIM_NAT_OPEN, NULL);
		call_begin(&c);
		c.sim.no_signalling = true;
		c.bulk_runs = true;
		for (size_t i = 0; i < 2; i++) {
			mark(&c);
			sim_set_interface(&c.sim, &c.sim.a, i, false);
			add_figure(&f, recovery(&c, SIM_SECOND));
			pass(&c, 2 * SIM_SECOND);
		}
		assert_int_equal(wlk_peer_connection_selected_pair(c.sim.a.pc, &local, &remote), WLK_OK);
		assert_true(sim_same_ip(&local, &c.sim.a.interfaces[2].ip));
		sim_set_interface(&c.sim, &c.sim.a, 0, true);
		pass(&c, 2 * SIM_SECOND);
		/* The best interface is back, and so is the call, without a gap. */
		assert_int_equal(wlk_peer_connection_selected_pair(c.sim.a.pc, &local, &remote), WLK_OK);
		assert_true(sim_same_ip(&local, &c.sim.a.interfaces[0].ip));
		assert_int_equal(wlk_peer_connection_selected_pair(c.sim.b.pc, &local, &remote), WLK_OK);
		assert_true(sim_same_ip(&remote, &c.sim.a.interfaces[0].ip));
		mark(&c);
		sim_set_interface(&c.sim, &c.sim.a, 2, false);
		add_figure(&f, recovery(&c, SIM_SECOND));
		finish_bulk(&c);
		call_end(&c);
	}
	print_figures(&f, "three interfaces, one goes after the other");
}

static bool no_change(struct sim *sim)
{
	return call_of(sim)->pair_changes[0] || call_of(sim)->pair_changes[1];
}

static void test_no_roaming_keeps_to_the_interfaces_of_the_start(void **state)
{
	struct call c;

	(void)state;
	call_init(&c, 7);
	add_interface(&c, 0, "192.0.2.1", true, SIM_NAT_OPEN, NULL);
	add_interface(&c, 0, "203.0.113.1", false, SIM_NAT_OPEN, NULL);
	add_interface(&c, 1, "198.51.100.50", true, SIM_NAT_OPEN, NULL);
	c.config_a.no_roaming = true;
	call_begin(&c);
	sim_set_interface(&c.sim, &c.sim.a, 1, true);
	assert_false(sim_run_until(&c.sim, 5 * SIM_SECOND, no_change));
	sim_set_interface(&c.sim, &c.sim.a, 0, false);
	pass(&c, 5 * SIM_SECOND);
	assert_int_equal(c.sim.a.state, WLK_CONNECTION_DISCONNECTED);
	call_end(&c);
}

/* ---- NAT rebinding ---- */

static void rebind(const char *title, int mover, enum sim_nat_kind mover_kind, bool other_public, enum sim_nat_kind other_kind,
		   bool with_turn, wlk_time limit)
{
	struct figures f = { .count = 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct sim_nat *nat;
		struct call c;

		call_init(&c, seed);
		nat = add_interface(&c, mover, "10.0.0.7", true, mover_kind, "192.0.2.1");
		add_interface(&c, !mover, other_public ? "198.51.100.50" : "10.0.0.9", true, other_kind, other_public ? NULL : "192.0.2.2");
		if (with_turn)
			use_turn(&c);
		call_begin(&c);
		c.sim.no_signalling = true;
		c.bulk_runs = seed % 2;
		for (int i = 0; i < 3; i++) {
			mark(&c);
			sim_nat_rebind(nat);
			add_figure(&f, recovery(&c, limit));
			pass(&c, SIM_SECOND + sim_random(&c.sim, 3000000));
		}
		finish_bulk(&c);
		assert_int_equal(c.disconnects[0] + c.disconnects[1], 0);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		call_end(&c);
	}
	print_figures(&f, title);
}

static void test_nat_rebinding_peer_is_public(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, peer public", 0, SIM_NAT_PORT, true, 0, false, 2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, peer public", 1, SIM_NAT_PORT, true, 0, false, 2 * SIM_SECOND);
	rebind("symmetric NAT rebinding of the controlling side, peer public", 0, SIM_NAT_SYMMETRIC, true, 0, false, 2 * SIM_SECOND);
	rebind("symmetric NAT rebinding of the controlled side, peer public", 1, SIM_NAT_SYMMETRIC, true, 0, false, 2 * SIM_SECOND);
}

static void test_nat_rebinding_peer_filters_by_address(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, peer's NAT filters by address", 0, SIM_NAT_PORT, false, SIM_NAT_ADDRESS, false,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, peer's NAT filters by address", 1, SIM_NAT_PORT, false, SIM_NAT_ADDRESS, false,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlling side, peer's NAT is open", 0, SIM_NAT_SYMMETRIC, false, SIM_NAT_OPEN, false, 2 * SIM_SECOND);
}

static void test_nat_rebinding_through_relays(void **state)
{
	(void)state;
	rebind("NAT rebinding of the controlling side, both port-restricted, TURN", 0, SIM_NAT_PORT, false, SIM_NAT_PORT, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, both port-restricted, TURN", 1, SIM_NAT_PORT, false, SIM_NAT_PORT, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlling side, both symmetric, TURN", 0, SIM_NAT_SYMMETRIC, false, SIM_NAT_SYMMETRIC, true,
	       2 * SIM_SECOND);
	rebind("NAT rebinding of the controlled side, both symmetric, TURN", 1, SIM_NAT_SYMMETRIC, false, SIM_NAT_SYMMETRIC, true,
	       2 * SIM_SECOND);
}

/* Its allocation goes with the mapping, since the server knows it by the 5-tuple: it is asked after at once and made anew. */
static void test_nat_rebinding_of_a_peer_that_uses_relays_alone(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct sim_nat *nat;
		struct call c;

		call_init(&c, seed);
		nat = add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_SYMMETRIC, "192.0.2.1");
		add_interface(&c, 1, "10.0.0.9", true, SIM_NAT_SYMMETRIC, "192.0.2.2");
		use_turn(&c);
		c.config_a.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
		call_begin(&c);
		pass(&c, 40 * SIM_SECOND);
		c.sim.no_signalling = true;
		mark(&c);
		sim_nat_rebind(nat);
		add_figure(&f, recovery(&c, 2 * SIM_SECOND));
		pass(&c, 5 * SIM_SECOND);
		assert_true(sim_both_connected(&c.sim));
		call_end(&c);
	}
	print_figures(&f, "NAT rebinding of a relay-only peer, both symmetric");
}

/* Mappings that live 20 s without use: the backups' are kept open, so that the loss of the first interface still finds one. */
static void test_R7_backups_keep_their_mappings_open(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		call_init(&c, seed);
		add_interface(&c, 0, "10.0.0.7", true, SIM_NAT_PORT, "192.0.2.1")->lifetime = 20 * SIM_SECOND;
		add_interface(&c, 0, "10.64.0.7", true, SIM_NAT_PORT, "203.0.113.1")->lifetime = 20 * SIM_SECOND;
		add_interface(&c, 1, "10.0.0.9", true, SIM_NAT_PORT, "192.0.2.2")->lifetime = 20 * SIM_SECOND;
		call_begin(&c);
		c.sim.no_signalling = true;
		pass(&c, 100 * SIM_SECOND);
		mark(&c);
		sim_set_interface(&c.sim, &c.sim.a, 0, false);
		add_figure(&f, recovery(&c, SIM_SECOND));
		call_end(&c);
	}
	print_figures(&f, "interface goes after 100 s, mappings of all NATs live 20 s");
}

/* Which NATs a direct path exists between; what is left needs a relay, and with one all connect. */
static void nat_matrix(bool with_turn)
{
	static const bool direct[SIM_NAT_KINDS][SIM_NAT_KINDS] = {
		[SIM_NAT_OPEN] = { true, true, true, true },
		[SIM_NAT_ADDRESS] = { true, true, true, true },
		[SIM_NAT_PORT] = { true, true, true, false },
		[SIM_NAT_SYMMETRIC] = { true, true, false, false },
	};

	for (int i = 0; i < SIM_NAT_KINDS; i++)
		for (int k = 0; k < SIM_NAT_KINDS; k++) {
			struct call c;

			call_init(&c, 1);
			add_interface(&c, 0, "10.0.0.7", true, (enum sim_nat_kind)i, "192.0.2.1");
			add_interface(&c, 1, "10.0.0.7", true, (enum sim_nat_kind)k, "192.0.2.2");
			if (with_turn)
				use_turn(&c);
			prepare(&c);
			sim_signal(&c.sim);
			if (sim_run_until(&c.sim, 5 * SIM_SECOND, is_open) != (direct[i][k] || with_turn))
				sim_fail(&c.sim, "NATs %d and %d: %s", i, k, direct[i][k] ? "not connected" : "connected?");
			call_end(&c);
		}
}

static void test_nat_matrix(void **state)
{
	(void)state;
	nat_matrix(false);
	nat_matrix(true);
}

/* ---- partitions and ends ---- */

static void test_R7_peer_vanishes_and_is_given_up_once(void **state)
{
	struct figures disconnected = { .count = 0 }, failed = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;
		uint64_t sent;

		two_interfaces(&c, seed);
		call_begin(&c);
		mark(&c);
		c.sim.b.cut = true;
		pass(&c, 31 * SIM_SECOND);
		sent = c.sim.datagrams;
		pass(&c, 40 * SIM_SECOND);
		assert_int_equal(c.sim.datagrams, sent);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(c.disconnects[i], 1);
			assert_int_equal(c.failures[i], 1);
			assert_int_equal(c.restarts_wanted[i], 1);
			assert_in_range(c.disconnected_at[i] - c.mark, 5 * SIM_SECOND, 8 * SIM_SECOND);
			assert_in_range(c.failed_at[i] - c.mark, 20 * SIM_SECOND, 31 * SIM_SECOND);
			add_figure(&disconnected, c.disconnected_at[i] - c.mark);
			add_figure(&failed, c.failed_at[i] - c.mark);
		}
		call_end(&c);
	}
	print_figures(&disconnected, "the peer vanishes: disconnected");
	print_figures(&failed, "the peer vanishes: failed");
}

/* The last answer may be 6 s old when it begins, and consent lasts 30 s (R7). */
static void test_partition_of_23_seconds_heals_by_itself(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		two_interfaces(&c, seed);
		call_begin(&c);
		c.bulk_runs = true;
		c.sim.a.cut = true;
		pass(&c, 23 * SIM_SECOND);
		c.sim.a.cut = false;
		mark(&c);
		add_figure(&f, recovery(&c, 3 * SIM_SECOND));
		finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 0);
		call_end(&c);
	}
	print_figures(&f, "partition of 23 s: from its end until data flows");
}

static void test_partition_of_35_seconds_needs_a_restart(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		two_interfaces(&c, seed);
		call_begin(&c);
		c.bulk_runs = true;
		c.sim.a.cut = true;
		pass(&c, 35 * SIM_SECOND);
		c.sim.a.cut = false;
		pass(&c, 2 * SIM_SECOND);
		assert_int_equal(c.failures[0], 1);
		assert_int_equal(c.failures[1], 1);
		mark(&c);
		sim_renegotiate(&c.sim, seed % 2 ? &c.sim.a : &c.sim.b, true);
		add_figure(&f, recovery(&c, 3 * SIM_SECOND + 400 * SIM_MS));
		finish_bulk(&c);
		assert_int_equal(c.failures[0] + c.failures[1], 2);
		call_end(&c);
	}
	print_figures(&f, "partition of 35 s: from the ICE restart until data flows");
}

static void test_R10_restarts_from_either_side_under_load(void **state)
{
	struct figures f = { .count = 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct call c;

		two_interfaces(&c, seed);
		c.sim.config.loss = (uint32_t)(seed % 3) * 100;
		call_begin(&c);
		c.bulk_runs = true;
		for (int i = 0; i < 20; i++) {
			sim_renegotiate(&c.sim, sim_random(&c.sim, 2) ? &c.sim.a : &c.sim.b, true);
			pass(&c, sim_random(&c.sim, i % 2 ? 100000 : 1000000));
		}
		pass(&c, SIM_SECOND);
		add_figure(&f, c.video_gap);
		finish_bulk(&c);
		assert_in_range(c.video_gap, 0, 400 * SIM_MS);
		assert_int_equal(c.failures[0] + c.failures[1] + c.disconnects[0] + c.disconnects[1], 0);
		assert_int_equal(c.restarts_wanted[0] + c.restarts_wanted[1], 0);
		call_end(&c);
	}
	print_figures(&f, "20 ICE restarts under load: longest gap between media packets");
}

/* ---- set-up ---- */

static wlk_time set_up_time(uint64_t seed, bool v4, bool v6, bool drop_v6)
{
	struct call c;
	wlk_time begin;

	call_init(&c, seed);
	c.sim.config.rate_bps = 0;
	c.sim.config.latency_us = 50 * SIM_MS;
	for (int i = 0; i < 2; i++) {
		if (v6)
			add_interface(&c, i, i ? "2001:db8:1::2" : "2001:db8::1", true, SIM_NAT_OPEN, NULL);
		if (v4)
			add_interface(&c, i, i ? "198.51.100.50" : "192.0.2.1", true, SIM_NAT_OPEN, NULL);
	}
	prepare(&c);
	c.sim.no_ipv6 = drop_v6;
	begin = c.sim.now;
	sim_signal(&c.sim);
	if (!sim_run_until(&c.sim, 10 * SIM_SECOND, is_open))
		sim_fail(&c.sim, "not connected");
	begin = c.sim.now - begin;
	call_end(&c);
	return begin;
}

/* RFC 8421: a broken IPv6 costs at most 100 ms, and IPv6 alone is as good as IPv4 alone. */
static void test_broken_ipv6_costs_at_most_100_ms(void **state)
{
	wlk_time worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		wlk_time v4 = set_up_time(seed, true, false, false), v6 = set_up_time(seed, false, true, false);
		wlk_time both = set_up_time(seed, true, true, false), broken = set_up_time(seed, true, true, true);

		if (seed == 1)
			printf("set-up at a round trip of 100 ms: IPv4 %lld ms, IPv6 %lld ms, both %lld ms, IPv6 dropped %lld ms\n",
			       (long long)(v4 / SIM_MS), (long long)(v6 / SIM_MS), (long long)(both / SIM_MS), (long long)(broken / SIM_MS));
		assert_in_range(v4, 0, 465 * SIM_MS);
		assert_in_range(v6, 0, 465 * SIM_MS);
		assert_in_range(both, 0, 465 * SIM_MS);
		assert_in_range(broken, 0, v4 + 100 * SIM_MS);
		worst = broken - v4 > worst ? broken - v4 : worst;
	}
	printf("IPv6 dropped silently costs at most %lld ms\n", (long long)(worst / SIM_MS));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R7_interface_loss_moves_to_the_backup),
		cmocka_unit_test(test_R7_interface_that_dies_silently_is_left),
		cmocka_unit_test(test_new_interface_takes_over_without_signalling),
		cmocka_unit_test(test_restart_is_wanted_once_where_no_path_is_left),
		cmocka_unit_test(test_interface_flaps_100_times),
		cmocka_unit_test(test_three_interfaces_go_one_by_one_and_come_back),
		cmocka_unit_test(test_no_roaming_keeps_to_the_interfaces_of_the_start),
		cmocka_unit_test(test_nat_rebinding_peer_is_public),
		cmocka_unit_test(test_nat_rebinding_peer_filters_by_address),
		cmocka_unit_test(test_nat_rebinding_through_relays),
		cmocka_unit_test(test_nat_rebinding_of_a_peer_that_uses_relays_alone),
		cmocka_unit_test(test_R7_backups_keep_their_mappings_open),
		cmocka_unit_test(test_nat_matrix),
		cmocka_unit_test(test_R7_peer_vanishes_and_is_given_up_once),
		cmocka_unit_test(test_partition_of_23_seconds_heals_by_itself),
		cmocka_unit_test(test_partition_of_35_seconds_needs_a_restart),
		cmocka_unit_test(test_R10_restarts_from_either_side_under_load),
		cmocka_unit_test(test_broken_ipv6_costs_at_most_100_ms),
	};

	if (argc > 1)
		seeds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
