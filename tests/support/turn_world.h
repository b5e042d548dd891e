/* Two ICE agents, TURN servers and the network between them, in virtual time: latency, loss, streams to the servers. */
#ifndef TESTS_SUPPORT_TURN_WORLD_H
#define TESTS_SUPPORT_TURN_WORLD_H

#include "ice/agent.h"
#include "tests/support/turn_server.h"

enum { TURN_WORLD_SERVERS_MAX = 3, TURN_WORLD_CANDIDATES_MAX = 32, TURN_WORLD_ERRORS_MAX = 8 };

struct turn_world_error {
	uint16_t code;
	char url[64];
	char text[64];
	wlk_addr local;
};

struct turn_world_side {
	struct ice_agent *agent;
	wlk_addr ip; /* 10.0.0.1 and 10.0.0.2; its public address is 203.0.113.x, port + 1000 */
	uint16_t next_port;
	bool deaf;
	struct ice_candidate candidates[TURN_WORLD_CANDIDATES_MAX];
	size_t candidate_count;
	struct turn_world_error errors[TURN_WORLD_ERRORS_MAX];
	size_t error_count;
	bool complete; /* gathering */
	size_t validated;
	wlk_time first_validated;
	wlk_addr local, remote; /* of the last SELECTED_PAIR */
	bool selected;
	bool restart_wanted;
	enum ice_state state;
	uint64_t app_sent;
	uint64_t app_received;
	uint64_t app_refused;
	wlk_time last_app;
	wlk_time app_gap;
	bool traffic; /* an application packet every 100 ms while there is a path */
	wlk_time next_traffic;
	uint64_t datagrams; /* that left from its sockets */
	uint64_t connects; /* CONNECT requests */
	uint64_t closes;
	wlk_err connect_error; /* streams are refused with it */
	struct {
		uint32_t id;
		wlk_addr local;
		int server;
	} streams[8];
	size_t stream_count;
};

struct turn_world_flight {
	wlk_time at;
	uint64_t order;
	wlk_addr from, to;
	int side; /* of a stream; -1: a datagram */
	uint32_t stream;
	bool to_server;
	struct pktbuf *buf;
};

struct turn_world {
	struct turn_world_side side[2];
	struct turn_server servers[TURN_WORLD_SERVERS_MAX]; /* 198.51.100.1..3 port 3478 */
	size_t server_count;
	wlk_time latency_us; /* one way, of each hop */
	uint32_t loss;       /* in 1/1000, of datagrams */
	bool blocked;        /* nothing goes between the sides but by a server */
	bool nat;            /* the sides' addresses are translated */
	bool no_signalling;
	uint64_t random;
	wlk_time now;
	uint64_t order;
	struct turn_world_flight *flights;
	size_t flight_count, flight_capacity;
	struct pktbuf_pool *pool;
};

/* |a|, |b| NULL: defaults, side 0 controlling. One server. */
void turn_world_init(struct turn_world *w, uint64_t seed, const struct ice_agent_config *a,
		     const struct ice_agent_config *b);
void turn_world_free(struct turn_world *w);
/* Set servers of |side| by URLs, NULL ends them; username and credential as given. */
wlk_err turn_world_set_servers(struct turn_world *w, int side, const char *const *urls, const char *username,
			       const char *credential);
/* Interfaces, gathering, parameters both ways; candidates go by trickle. */
void turn_world_connect(struct turn_world *w);
void turn_world_gather(struct turn_world *w, int side);
void turn_world_signal(struct turn_world *w);
void turn_world_pump(struct turn_world *w);
void turn_world_pass(struct turn_world *w, wlk_time us);
bool turn_world_run(struct turn_world *w, wlk_time limit_us, bool (*done)(struct turn_world *w));
bool turn_world_connected(struct turn_world *w);
/* How many candidates of |type| |side| has told. */
size_t turn_world_count(const struct turn_world *w, int side, enum ice_candidate_type type);

#endif
