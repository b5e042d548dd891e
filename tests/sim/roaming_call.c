#include "roaming_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct call *call_of(struct sim *sim)
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

void call_pass(struct call *c, wlk_time span)
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

void call_init(struct call *c, uint64_t seed)
{
	*c = (struct call){ .config_a = WLK_CONFIGURATION_INIT, .config_b = WLK_CONFIGURATION_INIT };
	c->servers[0] = (wlk_ice_server){ .url = "stun:198.51.100.1" };
	c->servers[1] = (wlk_ice_server){ .url = "turn:198.51.100.2", .username = "user", .credential = "secret" };
	c->config_a.ice_servers = c->config_b.ice_servers = c->servers;
	c->config_a.ice_server_count = c->config_b.ice_server_count = 1;
	c->config_a.ice_tcp = c->config_b.ice_tcp = WLK_ICE_TCP_OFF; /* this network has no streams */
	c->sim.config = (struct sim_config){ .seed = seed, .latency_us = 20 * SIM_MS, .rate_bps = 4000000, .queue_us = 100 * SIM_MS };
}

struct sim_nat *call_add_interface(struct call *c, int side, const char *ip, bool up, enum sim_nat_kind kind, const char *nat_ip)
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

bool call_is_open(struct sim *sim)
{
	struct call *c = call_of(sim);

	return sim_both_connected(sim) && c->flow[0] && c->flow[1] && c->bulk[1] &&
	       wlk_data_channel_ready_state(c->flow[0]) == WLK_DATA_CHANNEL_OPEN &&
	       wlk_data_channel_ready_state(c->bulk[0]) == WLK_DATA_CHANNEL_OPEN;
}

void call_use_turn(struct call *c)
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

void call_prepare(struct call *c)
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

void call_begin(struct call *c)
{
	call_prepare(c);
	sim_signal(&c->sim);
	if (!sim_run_until(&c->sim, 10 * SIM_SECOND, call_is_open))
		sim_fail(&c->sim, "not connected");
	c->video_type = vp8_type(c);
	call_pass(c, 3 * SIM_SECOND + sim_random(&c->sim, 8000000));
	if (!c->flow_last[0] || !c->flow_last[1] || !c->video_last)
		sim_fail(&c->sim, "no traffic");
	c->flow_gap[0] = c->flow_gap[1] = c->video_gap = 0;
	c->pair_changes[0] = c->pair_changes[1] = 0;
}

void call_end(struct call *c)
{
	sim_free(&c->sim);
	if (c->with_turn)
		turn_server_free(&c->turn);
	while (c->nat_count)
		sim_nat_free(&c->nat[--c->nat_count]);
}

void call_mark(struct call *c)
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

wlk_time call_recovery(struct call *c, wlk_time limit)
{
	wlk_time last;

	while (!is_again(c) && c->sim.now - c->mark <= limit)
		call_pass(c, TICK_US);
	last = c->again[0] > c->video_again ? c->again[0] : c->video_again;
	if (!c->bulk_runs && c->again[1] > last)
		last = c->again[1];
	if (!is_again(c) || last - c->mark > limit)
		sim_fail(&c->sim, "not recovered in %lld ms: a after %lld, b after %lld, media after %lld ms", (long long)(limit / SIM_MS),
			 since_mark(c, c->again[0]), since_mark(c, c->again[1]), since_mark(c, c->video_again));
	return last - c->mark;
}

void call_finish_bulk(struct call *c)
{
	c->bulk_runs = false;
	for (int i = 0; i < 1500 && c->bulk_received < c->bulk_sent; i++)
		call_pass(c, TICK_US);
	if (c->bulk_received != c->bulk_sent)
		sim_fail(&c->sim, "%u of %u messages arrived", c->bulk_received, c->bulk_sent);
}

void call_init_with_two_interfaces(struct call *c, uint64_t seed)
{
	call_init(c, seed);
	call_add_interface(c, 0, "192.0.2.1", true, SIM_NAT_OPEN, NULL);
	call_add_interface(c, 0, "203.0.113.1", true, SIM_NAT_OPEN, NULL);
	call_add_interface(c, 1, "198.51.100.50", true, SIM_NAT_OPEN, NULL);
}

/* ---- figures ---- */

void figures_add(struct figures *f, wlk_time time)
{
	size_t at = f->count++;

	assert_true(f->count <= FIGURES_MAX);
	for (; at && f->times[at - 1] > time; at--)
		f->times[at] = f->times[at - 1];
	f->times[at] = time;
}

void figures_print(const struct figures *f, const char *title)
{
	printf("%-68s median %5lld ms, max %5lld ms, %zu seeds\n", title, (long long)(f->times[f->count / 2] / SIM_MS),
	       (long long)(f->times[f->count - 1] / SIM_MS), f->count);
}
