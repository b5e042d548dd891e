/* An allocation's insides, shared by the files agent_relay*.c that make it up. */
#ifndef ICE_AGENT_RELAY_INTERNAL_H
#define ICE_AGENT_RELAY_INTERNAL_H

#include "ice/agent_internal.h"
#include "ice/gather_server.h"
#include "ice/tcp_framing.h"
#include "ice/turn_client.h"

enum relay_state {
	RELAY_WAITING, /* for the next run, or for |start_at| */
	RELAY_CONNECTING,
	RELAY_ALLOCATING,
	RELAY_ALLOCATED,
	RELAY_FAILED, /* until the next generation */
};

/* One allocation, made or to be made. */
struct agent_relay {
	struct gather_server *server;
	struct ice_base *via; /* the socket; for streams only its interface counts */
	wlk_addr addr;        /* the server's, or where it sent us to */
	wlk_addr visited[1 + AGENT_RELAY_HOPS_MAX];
	size_t hops;
	enum relay_state state;
	wlk_time start_at;
	wlk_time allocated_at;
	struct turn_client *client;
	struct ice_base *base; /* the relayed one, once allocated */
	uint32_t permitted;    /* pairs of the checklist below this id have their permissions */
	bool renew_credentials;
	bool retired;   /* goes with its last pair */
	bool connected; /* |stream| is open */
	uint32_t stream;
	struct tcp_framing framing;
};

static inline bool agent_relay_is_stream(const struct agent_relay *relay)
{
	return relay->server->transport != ICE_SERVER_UDP;
}

/* TCP and TLS; a record of DTLS may get lost like a datagram. */
static inline bool agent_relay_is_reliable(const struct agent_relay *relay)
{
	return relay->server->transport == ICE_SERVER_TCP || relay->server->transport == ICE_SERVER_TLS;
}

/* agent_relay.c */
/* The client goes; what it has counted stays in the agent's counters. */
void agent_relay_end_client(struct ice_agent *agent, struct agent_relay *relay);
/* Move what the client has to send to the agent's queue, in order with its checks. */
void agent_relay_drain(struct ice_agent *agent, struct agent_relay *relay);
/* There is no allocation, and the application is told why. */
void agent_relay_fail(struct ice_agent *agent, struct agent_relay *relay, uint16_t code, struct str why);
/* A living allocation is gone. It is made anew, once in a while: the server may have been restarted. */
void agent_relay_lose(struct ice_agent *agent, wlk_time now, struct agent_relay *relay, uint16_t code, struct str why);

/* agent_relay_candidate.c */
void agent_relay_on_allocated(struct ice_agent *agent, wlk_time now, struct agent_relay *relay,
			      const struct turn_event *event);
void agent_relay_on_permission(struct ice_agent *agent, wlk_time now, const struct agent_relay *relay,
			       const struct turn_event *event);
/* R7: permissions exist for every remote address that is paired, before its check leaves. */
void agent_relay_permit_pairs(struct ice_agent *agent, wlk_time now, struct agent_relay *relay);

#endif
