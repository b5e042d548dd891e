/* A small STUN and TURN server without I/O for tests: bytes and time in, bytes out; faults on demand. */
#ifndef TESTS_SUPPORT_TURN_SERVER_H
#define TESTS_SUPPORT_TURN_SERVER_H

#include "core/dgram_queue.h"
#include "core/time.h"
#include "ice/stun_msg.h"

enum {
	TURN_SERVER_ALLOCATIONS_MAX = 16,
	TURN_SERVER_PERMISSIONS_MAX = 160,
	TURN_SERVER_CHANNELS_MAX = 40,
	TURN_SERVER_USERS_MAX = 4,
};

struct turn_server_user {
	const char *name; /* NULL: none */
	const char *password;
};

struct turn_server_permission {
	wlk_addr ip;
	wlk_time expires_at;
};

struct turn_server_channel {
	uint16_t number;
	wlk_addr peer;
	wlk_time expires_at;
};

struct turn_server_allocation {
	bool used;
	wlk_addr client;
	uint32_t stream;
	const char *username;
	wlk_addr relayed;
	wlk_time expires_at;
	struct turn_server_permission permissions[TURN_SERVER_PERMISSIONS_MAX];
	size_t permission_count;
	struct turn_server_channel channels[TURN_SERVER_CHANNELS_MAX];
	size_t channel_count;
	uint64_t relayed_to_peers;
	uint64_t relayed_to_client;
	uint64_t by_send; /* of relayed_to_peers */
};

/* Fill what is above the line after turn_server_init(); everything may be changed at any time. */
struct turn_server {
	wlk_addr addr; /* where clients come to */
	wlk_addr relay_ip;
	wlk_addr relay_ip6; /* none: 440 for IPv6 */
	struct turn_server_user users[TURN_SERVER_USERS_MAX];
	const char *realm;
	uint32_t lifetime_s;
	wlk_time nonce_life_us; /* 0: a nonce is good for ever */
	bool sha256;            /* offers PASSWORD-ALGORITHMS */
	bool anonymous;         /* wants USERHASH */
	bool open;              /* asks for no credentials */
	bool nonce_loop;        /* rogue: every request is answered by 438 with another nonce */
	bool unsigned_answers;  /* rogue: no integrity */
	bool bid_down;          /* rogue: the list of algorithms is cut out of challenges */
	uint16_t allocate_error;
	wlk_addr alternate; /* with allocate_error 300 */
	uint16_t bind_error;
	wlk_addr forbidden;      /* 403 for this IP */
	unsigned lose;           /* so many of the next answers are lost */
	unsigned lose_refreshes; /* answers to Refresh */
	bool dead;               /* nothing is answered */
	/* ----------------------------------------------------------------------------------------------- */
	struct dgram_queue out;
	struct turn_server_allocation allocations[TURN_SERVER_ALLOCATIONS_MAX];
	uint16_t next_port;
	uint32_t nonce_number;
	wlk_time nonce_since;
	uint64_t requests[16]; /* by method, good ones and others */
	uint64_t challenges;
	uint64_t refused_data; /* for want of a permission */
	uint64_t released;     /* allocations given back by lifetime 0 */
};

void turn_server_init(struct turn_server *s, const wlk_addr *addr, const wlk_addr *relay_ip);
void turn_server_free(struct turn_server *s);
/* It was restarted: all allocations and nonces are forgotten. */
void turn_server_restart(struct turn_server *s);

/* Whether |to| is an address of the server: where clients come to, or a relayed one. */
bool turn_server_owns(const struct turn_server *s, const wlk_addr *to);
/* A datagram, or one message of stream |stream|. */
void turn_server_input(struct turn_server *s, wlk_time now, const wlk_addr *from, const wlk_addr *to, uint32_t stream,
		       const uint8_t *data, size_t size);
/* The next datagram (local is the server's address) or piece of a stream; the caller owns out->buf. */
bool turn_server_poll_transmit(struct turn_server *s, struct dgram *out);

/* The allocation of |client|, or the only one with NULL; NULL: none that lives at |now|. */
struct turn_server_allocation *turn_server_find(struct turn_server *s, wlk_time now, const wlk_addr *client);
size_t turn_server_live(const struct turn_server *s, wlk_time now);

#endif
