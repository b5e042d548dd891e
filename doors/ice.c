/* An ICE agent as an object of its own: the agent of ice/, and the application's datagrams on its way in and out. */
#include <wirelark/ice.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/log.h"
#include "doors/lend.h"
#include "peer/drive_types.h"
#include "peer/ice_settings.h"

enum { MDNS_PORT = 5353, STUN_HEADER = 20 };

struct wlk_ice_agent {
	struct log_scope log;
	struct ice_agent *ice;
	struct ice_settings settings;
	struct dgram_queue out;      /* of the application, wrapped already */
	struct dgram_queue received; /* for the application */
	struct pktbuf *lent;         /* the one of them that it looks at */
	struct text lent_text;       /* of the event that it looks at */
	char *lent_host;             /* of the request that it looks at */
	uint64_t datagrams_sent, bytes_sent, datagrams_received, bytes_received, datagrams_dropped;
};

/* ---- life ---- */

static wlk_err make_agent(wlk_ice_agent *agent, const wlk_configuration *config, bool controlling)
{
	wlk_err err = ice_settings_init(&agent->settings, config, NULL);

	if (!err)
		err = ice_settings_set_servers(&agent->settings, config);
	if (err)
		return err;
	agent->settings.agent.controlling = controlling;
	agent->settings.agent.log_parent = config->log_name;
	/* Its datagrams are not seen here: what the path takes is the caller's to know. */
	agent->settings.agent.probe_mtu = false;
	err = ice_agent_create(&agent->ice, &agent->settings.agent);
	return err ? err : ice_settings_apply(&agent->settings, agent->ice, 0);
}

wlk_err wlk_ice_agent_create(const wlk_configuration *config, wlk_ice_role role, wlk_ice_agent **out)
{
	static const wlk_configuration defaults = WLK_CONFIGURATION_INIT;
	wlk_ice_agent *agent;
	wlk_err err;

	if (!config)
		config = &defaults;
	if (!out || config->struct_size != sizeof(*config) || (config->ice_server_count && !config->ice_servers) ||
	    (config->address_mapping_count && !config->address_mappings) ||
	    (role != WLK_ICE_ROLE_CONTROLLING && role != WLK_ICE_ROLE_CONTROLLED))
		return WLK_ERR_INVALID;
	agent = wlk_calloc(1, sizeof(*agent));
	if (!agent)
		return WLK_ERR_NOMEM;
	dgram_queue_init(&agent->out, WLK_ICE_QUEUE_MAX);
	dgram_queue_init(&agent->received, WLK_ICE_QUEUE_MAX);
	text_init(&agent->lent_text);
	log_scope_init(&agent->log, config->log_name, "ice-door");
	err = make_agent(agent, config, role == WLK_ICE_ROLE_CONTROLLING);
	if (err) {
		wlk_ice_agent_destroy(agent);
		return err;
	}
	*out = agent;
	return WLK_OK;
}

void wlk_ice_agent_destroy(wlk_ice_agent *agent)
{
	if (!agent)
		return;
	ice_agent_destroy(agent->ice);
	ice_settings_free(&agent->settings);
	dgram_queue_free(&agent->out);
	dgram_queue_free(&agent->received);
	pktbuf_release(agent->lent);
	text_free(&agent->lent_text);
	wlk_free(agent->lent_host);
	wlk_free(agent);
}

wlk_err wlk_ice_agent_set_interfaces(wlk_ice_agent *agent, wlk_time now, const wlk_addr *addresses, size_t count)
{
	return count && !addresses ? WLK_ERR_INVALID : ice_agent_set_interfaces(agent->ice, now, addresses, count);
}

wlk_err wlk_ice_agent_set_servers(wlk_ice_agent *agent, const wlk_ice_server *servers, size_t count)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct ice_settings fresh = { 0 };
	wlk_err err;

	if (count && !servers)
		return WLK_ERR_INVALID;
	config.ice_servers = servers;
	config.ice_server_count = count;
	config.ice_transport_policy = (wlk_ice_transport_policy)agent->settings.agent.policy;
	err = ice_settings_set_servers(&fresh, &config);
	if (!err)
		err = ice_agent_set_servers(agent->ice, fresh.servers, fresh.server_count);
	if (!err)
		ice_settings_take_servers(&agent->settings, &fresh);
	ice_settings_free(&fresh);
	return err;
}

wlk_err wlk_ice_agent_gather(wlk_ice_agent *agent, wlk_time now)
{
	return ice_agent_gather(agent->ice, now);
}

wlk_err wlk_ice_agent_restart(wlk_ice_agent *agent, wlk_time now)
{
	return ice_agent_restart(agent->ice, now);
}

void wlk_ice_agent_close(wlk_ice_agent *agent, wlk_time now)
{
	(void)now;
	ice_agent_close(agent->ice);
	/* What was said before still leaves; nothing follows. */
	dgram_queue_free(&agent->received);
}

/* ---- signalling ---- */

wlk_ice_parameters wlk_ice_agent_local_parameters(const wlk_ice_agent *agent)
{
	return (wlk_ice_parameters){ ice_agent_local_ufrag(agent->ice), ice_agent_local_pwd(agent->ice) };
}

wlk_err wlk_ice_agent_set_remote_parameters(wlk_ice_agent *agent, wlk_time now, const wlk_ice_parameters *parameters, bool lite)
{
	if (!parameters || !parameters->username_fragment || !parameters->password)
		return WLK_ERR_INVALID;
	return ice_agent_set_remote_parameters(agent->ice, now, str_of(parameters->username_fragment), str_of(parameters->password), lite);
}

wlk_err wlk_ice_agent_add_remote_candidate(wlk_ice_agent *agent, wlk_time now, const char *candidate)
{
	return candidate ? ice_agent_add_remote_candidate_line(agent->ice, now, candidate, strlen(candidate)) : WLK_ERR_INVALID;
}

void wlk_ice_agent_end_of_candidates(wlk_ice_agent *agent, wlk_time now)
{
	ice_agent_end_of_remote_candidates(agent->ice, now);
}

/* ---- the way in ---- */

/* RFC 8489 6.3: the cookie tells a STUN message from what an application says. */
static bool is_stun(const uint8_t *data, size_t size)
{
	return size >= STUN_HEADER && data[0] <= 3 && load_u32(data + 4) == 0x2112a442;
}

/* A datagram of the application. Takes d->buf over. */
static void take_application(wlk_ice_agent *agent, wlk_time now, struct dgram *d)
{
	size_t size = d->buf->size;

	if (!ice_agent_is_validated(agent->ice, &d->local, &d->remote)) {
		agent->datagrams_dropped++;
		pktbuf_release(d->buf);
		return;
	}
	ice_agent_on_received(agent->ice, now, &d->local, &d->remote, size);
	agent->datagrams_received++;
	agent->bytes_received += size;
	agent->datagrams_dropped += !dgram_queue_push(&agent->received, *d);
}

/* What came out of a relay or a stream is not unwrapped again. Takes d->buf over. */
static void take(wlk_ice_agent *agent, wlk_time now, struct dgram *d, bool unwrapped)
{
	const uint8_t *data = d->buf->data;

	if (d->local.port == MDNS_PORT || is_stun(data, d->buf->size)) {
		ice_agent_input(agent->ice, now, &d->local, &d->remote, data, d->buf->size);
		pktbuf_release(d->buf);
		return;
	}
	if (!unwrapped && data[0] >= 64 && data[0] <= 79 && ice_agent_unwrap(agent->ice, now, d)) {
		take(agent, now, d, true);
		return;
	}
	take_application(agent, now, d);
}

static void take_received(wlk_ice_agent *agent, wlk_time now)
{
	struct dgram d;

	while (ice_agent_poll_received(agent->ice, &d)) {
		if (d.buf->size)
			take(agent, now, &d, true);
		else
			pktbuf_release(d.buf);
	}
}

void wlk_ice_agent_input(wlk_ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
			 size_t size)
{
	struct dgram d = { .local = *local, .remote = *remote };

	if (size == 0 || size > PKTBUF_PAYLOAD || !(d.buf = pktbuf_copy(NULL, data, size))) {
		agent->datagrams_dropped++;
		return;
	}
	take(agent, now, &d, false);
	take_received(agent, now);
}

wlk_err wlk_ice_agent_stream_accepted(wlk_ice_agent *agent, wlk_time now, const wlk_addr *listener, const wlk_addr *remote, uint32_t id)
{
	return ice_agent_stream_accepted(agent->ice, now, listener, remote, id);
}

void wlk_ice_agent_stream_input(wlk_ice_agent *agent, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	/* In steps, so that the datagrams of a long piece fit into the agent's queue. */
	for (size_t at = 0; at < size; at += PKTBUF_PAYLOAD) {
		ice_agent_stream_input(agent->ice, now, id, data + at, MIN(size - at, (size_t)PKTBUF_PAYLOAD));
		take_received(agent, now);
	}
}

void wlk_ice_agent_stream_closed(wlk_ice_agent *agent, wlk_time now, uint32_t id)
{
	ice_agent_stream_closed(agent->ice, now, id);
	take_received(agent, now);
}

bool wlk_ice_agent_poll_received(wlk_ice_agent *agent, wlk_bytes *out)
{
	struct dgram d;
	bool any = dgram_queue_pop(&agent->received, &d);

	*out = lend_packet(&agent->lent, any ? d.buf : NULL);
	return any;
}

/* ---- the way out ---- */

wlk_err wlk_ice_agent_send(wlk_ice_agent *agent, wlk_time now, const uint8_t *data, size_t size)
{
	wlk_addr local, remote;
	struct dgram d = { 0 };

	if (!data || size == 0 || is_stun(data, size))
		return WLK_ERR_INVALID;
	if (size > PKTBUF_PAYLOAD)
		return WLK_ERR_TOO_LARGE;
	if (!ice_agent_selected(agent->ice, &local, &remote))
		return WLK_ERR_STATE;
	if (agent->out.count == agent->out.limit)
		return WLK_ERR_AGAIN;
	d = (struct dgram){ .local = local, .remote = remote, .buf = pktbuf_copy(NULL, data, size) };
	if (!d.buf)
		return WLK_ERR_NOMEM;
	if (!ice_agent_wrap(agent->ice, now, &d)) {
		/* Lost on its way, as datagrams may be: the stream is full, or the relay gave no permission yet. */
		ice_agent_on_discarded(agent->ice, now, &local, &remote, size);
		pktbuf_release(d.buf);
		agent->datagrams_dropped++;
		return WLK_OK;
	}
	if (!dgram_queue_push(&agent->out, d))
		return WLK_ERR_NOMEM;
	ice_agent_on_sent(agent->ice, now, &local, &remote, size);
	agent->datagrams_sent++;
	agent->bytes_sent += size;
	return WLK_OK;
}

bool wlk_ice_agent_poll_transmit(wlk_ice_agent *agent, wlk_time now, wlk_datagram *out)
{
	struct dgram d;

	if (!ice_agent_poll_transmit(agent->ice, now, &d) && !dgram_queue_pop(&agent->out, &d))
		return false;
	*out = drive_datagram(d);
	return true;
}

/* ---- time and requests ---- */

wlk_time wlk_ice_agent_deadline(const wlk_ice_agent *agent)
{
	return ice_agent_deadline(agent->ice);
}

void wlk_ice_agent_handle_timeout(wlk_ice_agent *agent, wlk_time now)
{
	ice_agent_handle_timeout(agent->ice, now);
	take_received(agent, now);
}

bool wlk_ice_agent_poll_request(wlk_ice_agent *agent, wlk_time now, wlk_request *out)
{
	struct ice_request request;

	while (ice_agent_poll_request(agent->ice, &request)) {
		if (drive_request(out, &request, &agent->lent_host))
			return true;
		ice_agent_on_request(agent->ice, now, request.id, WLK_ERR_NOMEM, NULL, 0);
	}
	return false;
}

void wlk_ice_agent_on_request(wlk_ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count,
			      const char *why)
{
	if (err && why)
		ice_agent_on_request_failed(agent->ice, now, id, err, str_of(why));
	else
		ice_agent_on_request(agent->ice, now, id, err, addresses, count);
}

/* ---- what it tells ---- */

/* Both texts of a server's error in one block; the place of the second one. */
static size_t lend_texts(struct text *lent, struct str first, struct str second)
{
	size_t at;

	text_add_str(lent, first);
	text_add_char(lent, '\0');
	at = lent->size;
	text_add_str(lent, second);
	text_add_char(lent, '\0');
	return at;
}

static bool tell_error(wlk_ice_agent *agent, const struct ice_event *from, wlk_ice_event *out)
{
	size_t second = lend_texts(&agent->lent_text, from->server_url, from->error_text);

	if (!text_ok(&agent->lent_text))
		return false;
	out->type = WLK_ICE_EVENT_CANDIDATE_ERROR;
	out->u.error.address = from->local;
	out->u.error.url = agent->lent_text.at;
	out->u.error.code = from->error_code;
	out->u.error.text = agent->lent_text.at + second;
	return true;
}

static bool tell_candidate(wlk_ice_agent *agent, const struct ice_event *from, wlk_ice_event *out)
{
	const struct ice_candidate_line line = { .candidate = from->candidate, .host = from->host };

	ice_candidate_line_write(&agent->lent_text, &line);
	out->type = WLK_ICE_EVENT_CANDIDATE;
	out->u.candidate = agent->lent_text.at;
	return text_ok(&agent->lent_text);
}

static wlk_ice_role role_of(bool controlling)
{
	return controlling ? WLK_ICE_ROLE_CONTROLLING : WLK_ICE_ROLE_CONTROLLED;
}

/* False: it is told to nobody. */
static bool tell(wlk_ice_agent *agent, const struct ice_event *from, wlk_ice_event *out)
{
	*out = (wlk_ice_event){ 0 };
	switch (from->type) {
	case ICE_EVENT_LOCAL_CANDIDATE:
		return tell_candidate(agent, from, out);
	case ICE_EVENT_GATHERING_STATE:
		out->type = WLK_ICE_EVENT_GATHERING_STATE;
		out->u.gathering_state = (wlk_ice_gathering_state)from->gathering_state;
		return true;
	case ICE_EVENT_ROLE_CHANGED:
		out->type = WLK_ICE_EVENT_ROLE;
		out->u.role = role_of(from->controlling);
		return true;
	case ICE_EVENT_SELECTED_PAIR:
		out->type = WLK_ICE_EVENT_SELECTED_PAIR;
		out->u.pair.local = from->local;
		out->u.pair.remote = from->remote;
		out->u.pair.nominated = from->nominated;
		return true;
	case ICE_EVENT_STATE:
		out->type = WLK_ICE_EVENT_STATE;
		out->u.state = (wlk_ice_state)from->state;
		return true;
	case ICE_EVENT_CANDIDATE_ERROR:
		return tell_error(agent, from, out);
	case ICE_EVENT_RESTART_WANTED:
		out->type = WLK_ICE_EVENT_RESTART_WANTED;
		return true;
	case ICE_EVENT_VALIDATED:
	case ICE_EVENT_CONSENT_EXPIRED:
		return false;
	}
	return false;
}

bool wlk_ice_agent_poll_event(wlk_ice_agent *agent, wlk_ice_event *out)
{
	struct ice_event ev;

	while (ice_agent_poll_event(agent->ice, &ev)) {
		text_free(&agent->lent_text);
		if (tell(agent, &ev, out))
			return true;
		if (!text_ok(&agent->lent_text))
			LOG_W(agent, "out of memory: an event is not told");
	}
	return false;
}

wlk_ice_state wlk_ice_agent_state(const wlk_ice_agent *agent)
{
	return (wlk_ice_state)ice_agent_state(agent->ice);
}

wlk_ice_gathering_state wlk_ice_agent_gathering_state(const wlk_ice_agent *agent)
{
	return (wlk_ice_gathering_state)ice_agent_gathering_state(agent->ice);
}

wlk_ice_role wlk_ice_agent_role(const wlk_ice_agent *agent)
{
	return role_of(ice_agent_controlling(agent->ice));
}

wlk_err wlk_ice_agent_selected_pair(const wlk_ice_agent *agent, wlk_addr *local, wlk_addr *remote)
{
	wlk_addr pair[2];

	if (!ice_agent_selected(agent->ice, &pair[0], &pair[1]))
		return WLK_ERR_NOT_FOUND;
	if (local)
		*local = pair[0];
	if (remote)
		*remote = pair[1];
	return WLK_OK;
}

wlk_time wlk_ice_agent_round_trip_time(const wlk_ice_agent *agent)
{
	return ice_agent_rtt(agent->ice);
}

wlk_err wlk_ice_agent_get_stats(const wlk_ice_agent *agent, wlk_ice_agent_stats *out)
{
	struct ice_agent_stats of;
	wlk_ice_agent_stats full;

	ice_agent_get_stats(agent->ice, &of);
	full = (wlk_ice_agent_stats){
		.requests_sent = of.requests_sent,
		.requests_received = of.requests_received,
		.responses_sent = of.responses_sent,
		.responses_received = of.responses_received,
		.checks_refused = of.malformed + of.no_fingerprint + of.unknown_username + of.bad_integrity + of.missing_attribute,
		.datagrams_sent = agent->datagrams_sent,
		.bytes_sent = agent->bytes_sent,
		.datagrams_received = agent->datagrams_received,
		.bytes_received = agent->bytes_received,
		.datagrams_dropped = agent->datagrams_dropped,
	};
	return lend_struct(out, &full, sizeof(full), offsetof(wlk_ice_agent_stats, datagrams_dropped) + sizeof(full.datagrams_dropped));
}
