/* The agent's TCP connections: their framing (RFC 4571) and which pair each of them carries (RFC 6544). */
#ifndef ICE_AGENT_STREAM_H
#define ICE_AGENT_STREAM_H

#include "ice/agent.h"

struct ice_base;

/* Put the length before a datagram that leaves from |base| to d->remote. False: no such connection. */
bool agent_stream_wrap(struct ice_agent *agent, struct ice_base *base, struct dgram *d);

#endif
