/* A peer without protocols: it does what a test tells it, so that the rules of net/ are seen alone. Implements
 * peer/peer.h. */
#ifndef TESTS_FAKE_PEER_H
#define TESTS_FAKE_PEER_H

#include <stdatomic.h>

#include "core/event_queue.h"
#include "peer/env.h"
#include "peer/peer.h"

enum { FAKE_REQUESTS_MAX = 256, FAKE_ANSWERS_MAX = 256, FAKE_PATHS_MAX = 64, FAKE_STREAMS_MAX = 256 };

struct fake_answer {
	uint32_t id;
	wlk_err err;
	size_t count;
	wlk_addr first;
};

struct wlk_peer_connection {
	struct peer_env env;
	struct list ready_link;
	void *driver;
	peer_destroy_hook destroy_hook;
	wlk_time now;
	wlk_time deadline;
	size_t interfaces;

	wlk_request requests[FAKE_REQUESTS_MAX];
	size_t request_first, request_count;
	struct fake_answer answers[FAKE_ANSWERS_MAX];
	size_t answer_count;

	struct dgram_queue out;
	struct dgram endless;  /* with a buffer: poll_transmit() hands out copies of it for ever */
	struct dgram farewell; /* with a buffer: queued by close */
	size_t transmitted;
	struct dgram_queue in;
	struct event_queue events;
	wlk_event lent;

	wlk_time repeat_deadline; /* not 0: each handle_timeout() sets the deadline so much later */
	bool always_due;          /* a broken peer: its deadline never lies in the future */
	int timeouts;
	int polls; /* of events: visits and deliveries */
	bool closed;
	bool held; /* by peer_hold() */

	/* streams: bytes and ends in the order in which they came */
	wlk_addr listener, accepted_from; /* of the latest one that was accepted */
	wlk_err accept_error; /* what peer_stream_accepted() answers */
	uint32_t accepted[FAKE_STREAMS_MAX];
	size_t accepted_count;
	uint32_t closed_streams[FAKE_STREAMS_MAX];
	size_t closed_count;
	uint32_t last_stream; /* that brought bytes */
	size_t pieces;        /* calls of peer_stream_input() */
	uint8_t *bytes;
	size_t byte_count;
	char why[128]; /* of the latest request that failed with a reason */

	/* for sockets that several peers share */
	const char *ufrags[2];
	struct {
		wlk_addr local, remote;
		enum peer_path state;
	} paths[FAKE_PATHS_MAX];
	size_t path_count;
};

/* Peers alive now, DTLS contexts alive now. */
extern atomic_int fake_peers, fake_contexts;
/* What the next peer_create(), peer_set_interfaces() and peer_env_create_dtls() answer; reset by them. */
extern wlk_err fake_create_error, fake_interfaces_error, fake_dtls_error;

/* As an API call: queue something and link the peer into the ready list. */
void fake_request(struct wlk_peer_connection *pc, wlk_request_type type, uint32_t id, const wlk_addr *local,
		  const char *host);
/* The same with both ends; a CONNECT. */
void fake_connect(struct wlk_peer_connection *pc, wlk_request_type type, uint32_t id, const wlk_addr *local,
		  const wlk_addr *remote, const char *host);
void fake_send_on(struct wlk_peer_connection *pc, uint32_t stream, const void *data, size_t size);
void fake_send(struct wlk_peer_connection *pc, const wlk_addr *local, const wlk_addr *remote, const void *data,
	       size_t size);
void fake_event(struct wlk_peer_connection *pc, uint64_t number); /* in u.bitrate_limit */
void fake_set_deadline(struct wlk_peer_connection *pc, wlk_time when);
/* What peer_path_state() answers for it from now on. */
void fake_path(struct wlk_peer_connection *pc, const wlk_addr *local, const wlk_addr *remote, enum peer_path state);
void fake_touch(struct wlk_peer_connection *pc);

/* The address that request |id| was answered with; asserts that it was, once and without an error. */
wlk_addr fake_bound(const struct wlk_peer_connection *pc, uint32_t id);

#endif
