/* What the agent has asked of the outside and is not answered yet: binds, look-ups, the mDNS socket, closes. */
#ifndef ICE_AGENT_REQUEST_H
#define ICE_AGENT_REQUEST_H

#include "ice/agent.h"

struct agent_request {
	struct ice_request request;
	void *owner; /* whom the answer is for; NULL: nobody any more, a socket in the answer is closed at once */
	bool handed_out;
};

/*
 * Every request that may bring a socket keeps a slot for its CLOSE, so that closing never needs memory:
 * |sockets| counts sockets that are open or may be opened by an outstanding request.
 */
struct agent_requests {
	struct agent_request *items;
	size_t count;
	size_t capacity;
	size_t sockets;
	uint32_t next_id;
};

void agent_requests_init(struct agent_requests *rs);
void agent_requests_free(struct agent_requests *rs);

/* Queue |request| (its id is filled in) for |owner|. WLK_ERR_NOMEM. Not for CLOSE. */
wlk_err agent_request_add(struct agent_requests *rs, const struct ice_request *request, void *owner);
/* Queue a CLOSE of a socket that was once answered; cannot fail. */
void agent_request_close(struct agent_requests *rs, const wlk_addr *local);
/* The next one that the outside has not seen; a CLOSE is forgotten thereby. */
bool agent_request_next(struct agent_requests *rs, struct ice_request *out);
/*
 * The outside answered |id|: take the entry out. False: unknown, or not handed out yet. *opened comes in as the number
 * of sockets that the answer brought and goes out as how many of them count (a BIND_UDP opens one, JOIN_MDNS one or
 * two); those stay counted until agent_request_close().
 */
bool agent_request_take(struct agent_requests *rs, uint32_t id, size_t *opened, struct agent_request *out);
/* |owner| goes: requests not handed out are dropped, the others lose their owner. */
void agent_request_abandon(struct agent_requests *rs, const void *owner);

#endif
