/* One TURN client and the small server of the tests, with nothing but time between them. */
#ifndef TESTS_SUPPORT_TURN_BENCH_H
#define TESTS_SUPPORT_TURN_BENCH_H

#include "ice/turn_client.h"
#include "tests/support/turn_server.h"

#define TURN_BENCH_PEER addr_v4(192, 0, 2, 7, 7000)

struct turn_bench {
	struct turn_client *client;
	struct turn_server server;
	wlk_addr from;
	uint32_t stream;
	wlk_time now;
	struct turn_event events[64];
	size_t event_count;
	char reason[64]; /* of the last failure */
	uint8_t to_peer[64];
	size_t to_peer_size;
	wlk_addr data_from;
	uint8_t data[64];
	size_t data_size;
	size_t data_count;
	uint64_t sent;
};

/* The caller releases them. */
struct turn_credentials *turn_bench_credentials(const char *user, const char *password);
/* A client of these credentials, on a stream if |reliable|; the server knows "user" with "secret". */
void turn_bench_init_with(struct turn_bench *b, const char *user, const char *password, bool reliable, uint8_t family);
/* The same over UDP with the right ones. */
void turn_bench_init(struct turn_bench *b);
void turn_bench_free(struct turn_bench *b);
/* Something from the server, or from somebody who pretends to be it. */
void turn_bench_take(struct turn_bench *b, const uint8_t *data, size_t size);
/* Whether a datagram to |peer| is let out. */
bool turn_bench_passes(struct turn_bench *b, const wlk_addr *peer);
/* Everything that flows without time passing. */
void turn_bench_flow(struct turn_bench *b);
/* Time passes; deadlines are kept, and lie ahead each time. */
void turn_bench_pass(struct turn_bench *b, wlk_time us);
/* Ask for the allocation. */
void turn_bench_start(struct turn_bench *b);
/* And have it; events are forgotten. */
void turn_bench_allocate(struct turn_bench *b);
/* TURN_BENCH_PEER may send, events are forgotten. */
void turn_bench_permit(struct turn_bench *b);
/* |text| to that peer; it is in b->to_peer then. False: it was not let out. */
bool turn_bench_send(struct turn_bench *b, const char *text);
/* |text| from that peer to the relayed address; it is in b->data then. */
void turn_bench_from_peer(struct turn_bench *b, const char *text);
/* Requests that the server has had. */
uint64_t turn_bench_count(const struct turn_bench *b, enum stun_method method);

#endif
