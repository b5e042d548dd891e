#include "ice/agent_stream.h"

#include "ice/agent_internal.h"

bool agent_stream_wrap(struct ice_agent *agent, struct ice_base *base, struct dgram *d)
{
	(void)agent;
	(void)base;
	(void)d;
	return false;
}

void ice_agent_stream_accepted(struct ice_agent *agent, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
			       uint32_t id)
{
	(void)agent;
	(void)now;
	(void)listener;
	(void)remote;
	(void)id;
}

void ice_agent_stream_input(struct ice_agent *agent, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	(void)agent;
	(void)now;
	(void)id;
	(void)data;
	(void)size;
}

void ice_agent_stream_closed(struct ice_agent *agent, wlk_time now, uint32_t id)
{
	(void)agent;
	(void)now;
	(void)id;
}
