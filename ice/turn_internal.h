/* The TURN client's insides, shared by the files turn_client.c, turn_request.c and turn_response.c that make it up. */
#ifndef ICE_TURN_INTERNAL_H
#define ICE_TURN_INTERNAL_H

#include "core/dgram_queue.h"
#include "core/log.h"
#include "ice/turn_client.h"
#include "ice/turn_peers.h"

enum {
	PROTOCOL_UDP = 17,
	MESSAGE_MAX = 3072,           /* the longest texts that STUN allows, and a full request of permissions */
	PERMISSIONS_PER_REQUEST = 16, /* attributes of a message are counted (R6) */
	LIFETIME_DEFAULT_S = 600,
	LIFETIME_MAX_S = 86400, /* what claims to last longer is refreshed once a day all the same */
	REFRESH_AHEAD_US = 60000000,
	SHORT_LIFETIME_US = 360000000,
	PERMISSION_TOGETHER_US = 30000000, /* renewals that are due this soon go into one request */
	OUT_MAX = 64,
};

enum request_kind { REQUEST_NONE, REQUEST_ALLOCATE, REQUEST_REFRESH, REQUEST_PERMISSION, REQUEST_BIND };

struct turn_request {
	enum request_kind kind;
	uint8_t id[STUN_TXID_SIZE];
	uint8_t *msg; /* the bytes, to send them again */
	size_t size;
	struct turn_key *key;  /* signed with; NULL: unsigned */
	uint32_t auth_version; /* when it was signed */
	unsigned auth_rounds;
	unsigned sends;   /* of these bytes */
	wlk_time started; /* the first of all rounds */
	wlk_time sent;    /* these bytes, first */
	wlk_time interval;
	wlk_time next_at;
	uint16_t doubtful_code; /* an error that came without integrity; told if nothing better comes */
};

struct turn_client {
	struct turn_client_config config; /* log_parent and credentials are not kept */
	struct log_scope log;
	struct log_budget log_budget;
	enum turn_state state;
	struct turn_auth auth;
	bool refused; /* the credentials are no good: nothing is asked until there are others */
	uint8_t family;
	wlk_time rtt; /* smoothed; 0: unknown */
	wlk_addr relayed;
	wlk_addr mapped;
	wlk_addr alternate;
	bool was_allocated;
	uint16_t error_code;
	char *reason;
	bool tell; /* the event of |state| is due */
	wlk_time refresh_at;
	wlk_time expires_at;
	wlk_time probed_at;
	wlk_time last_sent;
	struct turn_peers peers;
	struct turn_request requests[TURN_REQUESTS_MAX];
	struct dgram_queue out;
	wlk_time deadline;
	struct turn_client_stats stats;
};

/* turn_client.c */
void turn_set_state(struct turn_client *c, enum turn_state state);
/* There is no allocation, or no more. |otherwise| is the reason where |phrase| is empty. */
void turn_fail(struct turn_client *c, uint16_t code, wlk_bytes phrase, const char *otherwise);

/* turn_request.c */
/* Its number in permissions and channels that it asks for: the index + 1. */
uint8_t turn_request_place(const struct turn_client *c, const struct turn_request *r);
/* Queue one message for the server. */
void turn_transmit(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size);
/* (Re-)write and send |r| with a fresh transaction id. False: it is ended for lack of memory or random bytes. */
bool turn_send_request(struct turn_client *c, wlk_time now, struct turn_request *r);
/* Allocate and Refresh. False: it has to be tried later. */
bool turn_start_request(struct turn_client *c, wlk_time now, enum request_kind kind);
/* The request is over, and whoever was asked for by it is asked for by none. */
void turn_end_request(struct turn_client *c, struct turn_request *r);
void turn_end_requests(struct turn_client *c);
/* Do what is due at |now| and set the deadline anew. */
void turn_run(struct turn_client *c, wlk_time now);

/* turn_response.c */
/* A success or error response, whoever it is for. */
void turn_on_response(struct turn_client *c, wlk_time now, const struct stun_msg *msg);

#endif
