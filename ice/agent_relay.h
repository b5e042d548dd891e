/* The agent's TURN allocations: relayed bases, and the way of a datagram through them. */
#ifndef ICE_AGENT_RELAY_H
#define ICE_AGENT_RELAY_H

#include "ice/agent.h"

struct agent_relay;
struct gather_server;
struct ice_base;

enum {
	AGENT_RELAYS_MAX = 8,                  /* allocations of an agent */
	AGENT_RELAY_HOPS_MAX = 2,              /* servers that one server may send us on to (300) */
	AGENT_RELAY_CONNECT_US = 10000000,     /* how long a connection to a server may take */
	AGENT_RELAY_RENEW_AFTER_US = 30000000, /* an allocation that lived so long and is lost then is made anew */
};

struct agent_relays {
	struct agent_relay **items;
	size_t count;
	size_t capacity;
};

/* Ask |server| for an allocation from the socket |via|, unless that was done. Nothing leaves before agent_relays_run().
 */
void agent_relay_add(struct ice_agent *agent, struct gather_server *server, struct ice_base *via);
/* The credentials of |server| are others: used from the next request on. */
void agent_relays_renew_credentials(struct ice_agent *agent, const struct gather_server *server);
/*
 * Candidates of living allocations are told again; those of servers that are listed no more stay until their last pair
 * is gone; failed ones may be asked for again.
 */
void agent_relays_begin_generation(struct ice_agent *agent, wlk_time now);
/* |base| goes: so do the allocations that were made from it; of a relayed base nothing points there any more. */
void agent_relays_forget_base(struct ice_agent *agent, const struct ice_base *base);
/* Connections to servers belong to the interface, not to a socket: those from |base| belong to |other| from here on. */
void agent_relays_move_streams(struct ice_agent *agent, const struct ice_base *base, struct ice_base *other);
/* Give all allocations back; what is to be sent for that is queued. */
void agent_relays_close(struct ice_agent *agent);
void agent_relays_free(struct ice_agent *agent);

/* The network changed, or a path has fallen silent: ask the servers whether the allocations still live. */
void agent_relays_check(struct ice_agent *agent, wlk_time now);
/* Start what waits, permit new remote candidates, take what the clients have to tell and to send. */
void agent_relays_run(struct ice_agent *agent, wlk_time now);
wlk_time agent_relays_deadline(const struct ice_agent *agent);
/* Whether every allocation has been made or has failed. */
bool agent_relays_done(const struct ice_agent *agent);

/*
 * A STUN message that came to the socket |via| from |remote|: true when that is a TURN server of ours and the message
 * is of TURN; it is taken care of then. *changed: the agent has to run, which a Data indication alone is no reason for.
 */
bool agent_relay_take(struct ice_agent *agent, wlk_time now, const struct ice_base *via, const wlk_addr *remote,
		      const uint8_t *data, size_t size, bool *changed);

/* Wrap what leaves from the relayed |base| to d->remote. False: the allocation is gone. */
bool agent_relay_wrap(struct ice_agent *agent, wlk_time now, struct ice_base *base, struct dgram *d);

/* Add to |out| what the clients of living allocations have counted; the agent's counters have the rest. */
void agent_relays_add_stats(const struct ice_agent *agent, struct ice_agent_stats *out);
/* For statistics: the server's URL and how it is reached. */
const char *agent_relay_url(const struct agent_relay *relay);
enum ice_server_transport agent_relay_transport(const struct agent_relay *relay);

/*
 * Answers to CONNECT requests whose owner is a relay (OWNER_RELAY, see agent_request_add()). |stream| is the id of the
 * request, |local| our end of the connection. |why| is the reason in words, or empty; borrowed.
 */
void agent_relay_on_stream_up(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, uint32_t stream,
			      const wlk_addr *local);
void agent_relay_on_stream_failed(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, wlk_err err,
				  struct str why);

/* Bytes of a stream, and its end by the server; the agent runs if need be. False: |stream| is none of the relays'. */
bool agent_relay_on_stream_input(struct ice_agent *agent, wlk_time now, uint32_t stream, const uint8_t *data,
				 size_t size);
bool agent_relay_on_stream_closed(struct ice_agent *agent, wlk_time now, uint32_t stream);

#endif
