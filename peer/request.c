/* Between the driver and the ICE agents: interfaces, servers, requests and their answers, and whose path is whose. */
#include "peer/bundle.h"
#include "peer/drive_types.h"

/* Everything with an agent: retired ones still close their sockets. */
#define LISTS_OF(pc) { &(pc)->transports, &(pc)->spares, &(pc)->retired_transports }

static struct peer_transport *entry(struct list *item)
{
	return list_entry(item, struct peer_transport, link);
}

/* ---- what all agents share ---- */

static wlk_err gather_ahead(const wlk_peer_connection *pc)
{
	return pc->ice_settings.gathers_ahead ? ice_agent_gather_ahead(pc->transport->ice, pc->now) : WLK_OK;
}

wlk_err peer_set_interfaces(wlk_peer_connection *pc, const wlk_addr *addresses, size_t count)
{
	struct list *lists[] = { &pc->transports, &pc->spares };
	wlk_err err;

	RECORD(pc, record_interfaces(recorded, pc, addresses, count));
	err = ice_settings_set_interfaces(&pc->ice_settings, addresses, count);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
		{
			if (!err)
				err = ice_agent_set_interfaces(entry(item)->ice, pc->now, addresses, count);
		}
	}
	return err ? err : gather_ahead(pc);
}

wlk_err peer_set_servers(wlk_peer_connection *pc, const wlk_configuration *config)
{
	struct list *lists[] = { &pc->transports, &pc->spares };
	struct ice_settings fresh = { 0 };
	wlk_err err = ice_settings_set_servers(&fresh, config);

	if (err)
		return peer_fail_as(pc, err == WLK_ERR_PARSE ? WLK_ERR_INVALID : err, err == WLK_ERR_NOMEM ? "OperationError" : "SyntaxError",
				    "the URL of an ICE server cannot be used: %s", wlk_strerror(err));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
		{
			if (!err)
				err = ice_agent_set_servers(entry(item)->ice, fresh.servers, fresh.server_count);
			if (!err)
				ice_agent_set_policy(entry(item)->ice, (enum ice_policy)config->ice_transport_policy);
		}
	}
	if (err) {
		ice_settings_free(&fresh);
		return peer_fail_as(pc, err, err == WLK_ERR_INVALID ? "InvalidAccessError" : "OperationError",
				    "the ICE servers cannot be set: %s", wlk_strerror(err));
	}
	ice_settings_take_servers(&pc->ice_settings, &fresh);
	pc->ice_settings.gathers_ahead = config->ice_candidate_pool_size > 0;
	if (gather_ahead(pc))
		LOG_W(pc, "no candidates are gathered ahead: out of memory");
	return WLK_OK;
}

/* ---- whose datagrams ---- */

enum peer_path peer_path_state(const wlk_peer_connection *pc, wlk_time now, const wlk_addr *local, const wlk_addr *remote)
{
	static const enum peer_path states[] = {
		[ICE_PATH_UNKNOWN] = PEER_PATH_UNKNOWN,
		[ICE_PATH_HEARD] = PEER_PATH_HEARD,
		[ICE_PATH_SILENT] = PEER_PATH_SILENT,
		[ICE_PATH_VALID] = PEER_PATH_VALID,
	};
	enum peer_path best = PEER_PATH_UNKNOWN;

	for (struct list *item = pc->transports.next; item != &pc->transports; item = item->next)
		best = MAX(best, states[ice_agent_path_state(entry(item)->ice, now, local, remote)]);
	return best;
}

size_t peer_local_ufrags(const wlk_peer_connection *pc, struct str *out, size_t max)
{
	size_t count = 0;

	for (struct list *item = pc->transports.next; item != &pc->transports; item = item->next) {
		struct str ufrags[2];
		size_t n = ice_agent_local_ufrags(entry(item)->ice, ufrags);

		for (size_t i = 0; i < n && count < max; i++)
			out[count++] = ufrags[i];
	}
	return count;
}

/* ---- requests ---- */

/* The next request of any agent, and whose it is. */
static struct peer_transport *poll_agents(wlk_peer_connection *pc, struct ice_request *request)
{
	struct list *lists[] = LISTS_OF(pc);

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
		{
			if (ice_agent_poll_request(entry(item)->ice, request))
				return entry(item);
		}
	}
	return NULL;
}

static bool next_request(wlk_peer_connection *pc, wlk_request *out)
{
	struct ice_request request;
	struct peer_transport *t;

	/* Sockets close only after what was to be said through them has left. */
	if (!dgram_queue_empty(&pc->farewell_queue))
		return false;
	while ((t = poll_agents(pc, &request))) {
		if (drive_request(out, &request, &pc->lent_host))
			return true;
		ice_agent_on_request(t->ice, pc->now, request.id, WLK_ERR_NOMEM, NULL, 0);
	}
	return false;
}

bool peer_poll_request(wlk_peer_connection *pc, wlk_request *out)
{
	RECORD(pc, record_call(recorded, RECORD_POLL_REQUEST, pc->now));
	if (!next_request(pc, out))
		return false;
	if (tap_current)
		record_request(out);
	return true;
}

/* No two agents have a request of the same id, and each ignores those it has not. */
void peer_on_request(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count)
{
	struct list *lists[] = LISTS_OF(pc);

	RECORD(pc, record_on_request(recorded, now, id, err, addresses, count));
	peer_set_now(pc, now);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
			ice_agent_on_request(entry(item)->ice, pc->now, id, err, addresses, count);
	}
	peer_pump(pc);
}

void peer_on_request_failed(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const char *why)
{
	struct list *lists[] = LISTS_OF(pc);

	RECORD(pc, record_on_request_failed(recorded, now, id, err, why));
	peer_set_now(pc, now);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each(item, lists[i])
			ice_agent_on_request_failed(entry(item)->ice, pc->now, id, err, str_of(why));
	}
	peer_pump(pc);
}
