/* The STUN and TURN servers of an agent: the list, their addresses, and what STUN servers are asked (RFC 8445 5.1.1.2).
 */
#ifndef ICE_GATHER_SERVER_H
#define ICE_GATHER_SERVER_H

#include "ice/gather.h"
#include "ice/turn_auth.h"

/* Counted: the list has one reference, and each job and relay that came of it. */
struct gather_server {
	uint32_t refs;
	bool listed; /* not replaced since */
	bool is_turn;
	enum ice_server_transport transport;
	char *host;
	char *url; /* as the application wrote it; may be empty */
	uint16_t port;
	struct turn_credentials *credentials; /* TURN */
	bool asked;                           /* a RESOLVE request is or was out, or |host| is a literal */
	bool resolving;
	wlk_addr addrs[2]; /* one a family; none: unknown */
};

enum gather_job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

/* One Binding transaction from a base to a STUN server, and the keep-alive of the mapping that it found. */
struct gather_job {
	struct ice_base *base;
	struct gather_server *of;
	wlk_addr server;
	enum gather_job_state state;
	wlk_time keepalive_at; /* WLK_TIME_NEVER: no mapping to keep */
};

struct gather_server *gather_server_ref(struct gather_server *server);
void gather_server_release(struct gather_server *server);

/* As ice_agent_set_servers() says. */
wlk_err gather_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count);
void gather_free_servers(struct ice_agent *agent);

/* Whether there is a TURN server over UDP: it tells its clients apart by their ports alone. */
bool gather_needs_own_port(const struct ice_agent *agent);
/* A generation begins: all servers are asked (again) from all bases. */
void gather_ask_servers(struct ice_agent *agent, wlk_time now);
/* |base| was bound: all servers are asked from it. */
void gather_ask_from(struct ice_agent *agent, struct ice_base *base);
/* |base| goes, and with it what was asked from it. */
void gather_forget_base(struct ice_agent *agent, const struct ice_base *base);
/* The answer to a RESOLVE request whose owner is a server. */
void gather_on_resolved(struct ice_agent *agent, wlk_time now, struct gather_server *server, const wlk_addr *addrs,
			size_t count);

/* Start waiting jobs within the pacing, keep mappings open. */
void gather_run_servers(struct ice_agent *agent, wlk_time now);
wlk_time gather_servers_deadline(const struct ice_agent *agent);
/* Whether every server has answered or been given up, as far as they are asked. */
bool gather_servers_done(const struct ice_agent *agent);

void gather_on_response(struct ice_agent *agent, wlk_time now, struct gather_job *job, const struct stun_msg *msg);
void gather_on_timeout(struct ice_agent *agent, struct gather_job *job);
/* |server| sees packets of |base| come from |mapped|: a server-reflexive candidate, unless it is known already. */
void gather_on_mapped(struct ice_agent *agent, struct ice_base *base, const wlk_addr *mapped, const wlk_addr *server);
/* The URL of the STUN server at |server| that was asked from |base|; NULL: it was none of the list. */
const char *gather_url_of(const struct ice_agent *agent, const struct ice_base *base, const wlk_addr *server);

#endif
