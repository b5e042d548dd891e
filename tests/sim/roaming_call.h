/* One call with three kinds of traffic, over a network that changes under it. */
#ifndef TESTS_SIM_ROAMING_CALL_H
#define TESTS_SIM_ROAMING_CALL_H

#include "sim.h"
#include "tests/support/turn_server.h"

enum { TICK_US = 20000, FLOW_SIZE = 100, BULK_SIZE = 16000, FIGURES_MAX = 1000 };

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

struct figures {
	wlk_time times[FIGURES_MAX];
	size_t count;
};

struct call *call_of(struct sim *sim);
/* Time with traffic. */
void call_pass(struct call *c, wlk_time span);
/* The configurations and the link; interfaces are added by the test. */
void call_init(struct call *c, uint64_t seed);
/* The next interface of side |side|; |nat_ip| NULL: a public address. */
struct sim_nat *call_add_interface(struct call *c, int side, const char *ip, bool up, enum sim_nat_kind kind,
			const char *nat_ip);
/* Whether both channels are open at both ends. */
bool call_is_open(struct sim *sim);
/* Both have the TURN server. */
void call_use_turn(struct call *c);
/* Make the peers; nothing is signalled yet. */
void call_prepare(struct call *c);
/* Connected, and a few seconds of traffic, so that all pairs are checked; where in the timers it ends comes from the seed. */
void call_begin(struct call *c);
/* Everything is freed. */
void call_end(struct call *c);
/* The network changes: what arrives from here on is looked for. */
void call_mark(struct call *c);
/* How long nothing of what was sent since the mark had arrived at both ends; ends the test when it is above |limit|. */
wlk_time call_recovery(struct call *c, wlk_time limit);
/* Everything given to the bulk channel has to arrive, unchanged and once. */
void call_finish_bulk(struct call *c);
/* a has wlan and wwan, b one public address. */
void call_init_with_two_interfaces(struct call *c, uint64_t seed);
/* In order of size. */
void figures_add(struct figures *f, wlk_time time);
/* A line: median and most. */
void figures_print(const struct figures *f, const char *title);

#endif
