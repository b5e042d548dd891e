/* The agent's TURN allocations: relayed bases, and the way of a datagram through them. */
#ifndef ICE_AGENT_RELAY_H
#define ICE_AGENT_RELAY_H

#include "ice/agent.h"

struct ice_base;

/* Wrap what leaves from the relayed |base| to d->remote. False: the allocation is gone. */
bool agent_relay_wrap(struct ice_agent *agent, wlk_time now, struct ice_base *base, struct dgram *d);

#endif
