/* What the ICE agents of a connection are made with: a transport that comes later gets the same as the first. */
#ifndef PEER_ICE_SETTINGS_H
#define PEER_ICE_SETTINGS_H

#include <wirelark/peer_connection.h>

#include "ice/agent.h"

struct ice_settings {
	struct ice_agent_config agent;
	wlk_address_mapping *mappings;
	struct ice_server *servers;
	size_t server_count;
	wlk_ice_server *listed; /* the same as they were given */
	char *texts; /* of the servers: credentials among them, wiped when freed */
	size_t texts_size;
	wlk_addr *interfaces;
	size_t interface_count;
	bool gathers_ahead;
	struct ice_pacers pacers; /* of all transports, as the caps (R8) */
	struct ice_caps caps;
};

/* Copies all but the servers. WLK_ERR_NOMEM. */
wlk_err ice_settings_init(struct ice_settings *s, const wlk_configuration *config, struct pktbuf_pool *pool);
/* Frees and wipes; |s| may be all zero. */
void ice_settings_free(struct ice_settings *s);

/* Take over servers and policy of |config|, copied. WLK_ERR_PARSE, WLK_ERR_UNSUPPORTED (bad URLs), WLK_ERR_NOMEM:
 * nothing changed. */
wlk_err ice_settings_set_servers(struct ice_settings *s, const wlk_configuration *config);
/* Move the servers and the policy of |from| in; |from| is empty then. */
void ice_settings_take_servers(struct ice_settings *s, struct ice_settings *from);
wlk_err ice_settings_set_interfaces(struct ice_settings *s, const wlk_addr *addresses, size_t count);

/* Servers and interfaces into an agent that was made with s->agent. Errors are the agent's. */
wlk_err ice_settings_apply(const struct ice_settings *s, struct ice_agent *agent, wlk_time now);

#endif
