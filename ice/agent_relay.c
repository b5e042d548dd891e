#include "ice/agent_relay.h"

#include "ice/agent_internal.h"

bool agent_relay_wrap(struct ice_agent *agent, wlk_time now, struct ice_base *base, struct dgram *d)
{
	(void)agent;
	(void)now;
	(void)base;
	(void)d;
	return false;
}

bool ice_agent_unwrap(struct ice_agent *agent, wlk_time now, struct dgram *d)
{
	(void)agent;
	(void)now;
	(void)d;
	return false;
}
