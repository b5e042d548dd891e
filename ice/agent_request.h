/* What the agent has asked of the outside and is not answered yet: sockets, listeners, streams, look-ups, closes. */
#ifndef ICE_AGENT_REQUEST_H
#define ICE_AGENT_REQUEST_H

#include "ice/agent.h"

enum {
	AGENT_ACCEPTED_MAX = 64, /* accepted streams of an agent at a time */
	AGENT_REFUSED_MAX = 64,  /* accepted ones that may wait to be closed, having found no place */
};

/* Ids of accepted streams begin here; those of requests, hence of connected streams, lie below. */
#define AGENT_ACCEPTED_ID_MIN 0x80000000u

/* What kind of thing has asked, hence who is given the answer. */
enum agent_owner {
	OWNER_NONE, /* nobody any more */
	OWNER_MDNS,
	OWNER_SERVER, /* a struct gather_server */
	OWNER_BASE,   /* a struct ice_base: a socket or a listener */
	OWNER_STREAM, /* a struct agent_stream of ICE-TCP */
	OWNER_RELAY,  /* a struct agent_relay */
};

struct agent_request {
	struct ice_request request;
	enum agent_owner kind;
	void *owner; /* whom the answer is for; NULL: nobody any more, a socket in the answer is closed at once */
	bool handed_out;
};

/*
 * Every request that may bring a socket or a stream keeps a slot for its CLOSE or CLOSE_STREAM, so that closing never
 * needs memory: |sockets| counts sockets and listeners that are open or may be opened by an outstanding request,
 * |streams| the same for connections. Accepted streams come unasked; their slots are made with the first LISTEN_TCP.
 */
struct agent_requests {
	struct agent_request *items;
	size_t count;
	size_t capacity;
	size_t sockets;
	uint32_t *closing; /* ids of streams to be closed, oldest first */
	size_t closing_count;
	size_t closing_capacity;
	size_t streams;  /* accepted ones included */
	size_t accepted; /* of them */
	bool listens;    /* streams may be accepted from here on */
	uint32_t next_id;
};

void agent_requests_init(struct agent_requests *rs);
void agent_requests_free(struct agent_requests *rs);

/*
 * Queue |request| (its id is filled in) for |owner|. A stream's id is that of its CONNECT request, see rs->next_id
 * before the call. WLK_ERR_NOMEM. Not for CLOSE and CLOSE_STREAM.
 */
wlk_err agent_request_add(struct agent_requests *rs, const struct ice_request *request, enum agent_owner kind,
			  void *owner);
/* Queue a CLOSE of a socket or listener that was once answered; cannot fail. */
void agent_request_close(struct agent_requests *rs, const wlk_addr *local);
/* The next one that the outside has not seen; a CLOSE or CLOSE_STREAM is forgotten thereby. */
bool agent_request_next(struct agent_requests *rs, struct ice_request *out);
/*
 * The outside answered |id|: take the entry out. False: unknown, or not handed out yet. *opened comes in as the number
 * of sockets or streams that the answer brought and goes out as how many of them count (each
 * but RESOLVE opens one); those stay counted until agent_request_close() or
 * agent_request_close_stream().
 */
bool agent_request_take(struct agent_requests *rs, uint32_t id, size_t *opened, struct agent_request *out);
/*
 * |owner| goes: requests not handed out are dropped, the others lose their owner; a CONNECT that the outside is busy
 * with is given up by a CLOSE_STREAM. Open streams of |owner| are its own to close.
 */
void agent_request_abandon(struct agent_requests *rs, const void *owner);

/* |id| was accepted by a listener: keep a slot for its close. False: AGENT_ACCEPTED_MAX are open; refuse it. */
bool agent_request_accept_stream(struct agent_requests *rs);
/*
 * Close a stream that was accepted without a place for it. False: AGENT_REFUSED_MAX wait already and there is no memory for
 * more; the outside has to close this one itself.
 */
bool agent_request_refuse_stream(struct agent_requests *rs, uint32_t id) WLK_NODISCARD;
/* Queue a CLOSE_STREAM of an open stream, connected or accepted; cannot fail. */
void agent_request_close_stream(struct agent_requests *rs, uint32_t id);
/* The outside said that an open stream is closed: it wants no CLOSE_STREAM any more. */
void agent_request_forget_stream(struct agent_requests *rs, uint32_t id);

static inline bool agent_request_is_accepted_id(uint32_t id)
{
	return id >= AGENT_ACCEPTED_ID_MIN;
}

#endif
