/* What a TURN client has asked of its server for its peers: permissions by IP, channels by address; tables and timers.
 */
#ifndef ICE_TURN_PEERS_H
#define ICE_TURN_PEERS_H

#include "ice/turn_client.h"

struct turn_permission {
	wlk_addr ip; /* port 0 */
	bool refused; /* by the latest answer */
	bool alone; /* asked for in a request of its own, because it or one of several was refused */
	bool tell;  /* an event is due */
	bool late;
	uint8_t request;     /* place of the request under way + 1; 0: none */
	wlk_time ask_at;     /* when to ask, if none is under way */
	wlk_time rests_until; /* refused: not to be asked for before */
	wlk_time expires_at; /* 0: not granted yet */
	wlk_time used_at;
};

struct turn_channel {
	wlk_addr peer;
	uint16_t number;
	bool refused;
	uint8_t request;
	wlk_time ask_at;
	wlk_time expires_at;
	wlk_time rests_until; /* until then the number is this peer's (RFC 8656 12) */
	wlk_time used_at;     /* one that carried nothing for a lifetime is not renewed */
};

struct turn_peers {
	struct turn_permission *permissions;
	size_t permission_count;
	size_t permission_capacity;
	struct turn_channel channels[TURN_CHANNELS_MAX];
	size_t channel_count;
	uint16_t next_number; /* the one to look at first */
	size_t last_channel;  /* where the last look-up ended: nearly all traffic is of one peer */
};

void turn_peers_init(struct turn_peers *p);
void turn_peers_free(struct turn_peers *p);

struct turn_permission *turn_peers_permission(const struct turn_peers *p, const wlk_addr *peer);
/* The one there is, or a new one to be asked for at once. NULL: no memory. */
struct turn_permission *turn_peers_permit(struct turn_peers *p, wlk_time now, const wlk_addr *peer);
/* Granted, or asked for: the server may have it already. */
bool turn_permission_is_open(const struct turn_permission *permission, wlk_time now);

struct turn_channel *turn_peers_channel(struct turn_peers *p, const wlk_addr *peer);
struct turn_channel *turn_peers_channel_by_number(struct turn_peers *p, uint16_t number);
/* The one there is, or a new one to be asked for at once. NULL: all places are taken. */
struct turn_channel *turn_peers_bind(struct turn_peers *p, wlk_time now, const wlk_addr *peer);

/* The first moment at which something is to be asked for; WLK_TIME_NEVER: none. */
wlk_time turn_peers_ask_at(const struct turn_peers *p);
/* Whatever waits for another try after a failure is asked for at once. */
void turn_peers_hurry(struct turn_peers *p, wlk_time now);

#endif
