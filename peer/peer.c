/* The peer connection as an object: made, asked, closed and freed; the protocol work is in the files beside it. */
#include <stdatomic.h>
#include <stdio.h>

#include "core/rand.h"
#include "peer/certificate.h"
#include "peer/codec_set.h"
#include "peer/object.h"

enum { FAREWELL_MAX = 64, STATE_EVENTS_RESERVED = 64 };

const char *wlk_signaling_state_name(wlk_signaling_state state)
{
	static const char *const names[] = { "stable", "have-local-offer", "have-remote-offer", "have-local-pranswer",
					     "have-remote-pranswer", "closed" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *wlk_ice_connection_state_name(wlk_ice_connection_state state)
{
	static const char *const names[] = { "new", "checking", "connected", "completed", "disconnected", "failed", "closed" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *wlk_connection_state_name(wlk_connection_state state)
{
	static const char *const names[] = { "new", "connecting", "connected", "disconnected", "failed", "closed" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *wlk_sdp_type_name(wlk_sdp_type type)
{
	static const char *const names[] = { "unknown", "offer", "pranswer", "answer", "rollback" };

	return (size_t)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

/* ---- life ---- */

static wlk_err name_logs(wlk_peer_connection *pc, const wlk_configuration *config)
{
	static atomic_uint counter;
	char name[LOG_PREFIX_SIZE];

	if (config->log_name)
		snprintf(name, sizeof(name), "%s", config->log_name);
	else
		snprintf(name, sizeof(name), "pc%u", atomic_fetch_add(&counter, 1) + 1);
	log_scope_init(&pc->log, NULL, name);
	return WLK_OK;
}

static wlk_err draw_names(wlk_peer_connection *pc)
{
	uint64_t id;
	wlk_err err = rand_u64(&id);

	if (err)
		return err;
	snprintf(pc->session_id, sizeof(pc->session_id), "%llu", (unsigned long long)(id >> 2)); /* RFC 9429 5.2.1: 62 bits */
	return rand_ice_chars(pc->cname, sizeof(pc->cname) - 1);
}

static wlk_err create_layers(wlk_peer_connection *pc, const wlk_configuration *config)
{
	wlk_err err = ice_settings_init(&pc->ice_settings, config, pc->env.pool);

	if (!err)
		err = peer_configuration_init(&pc->configuration, config);
	pc->configuration.given.address_mappings = pc->ice_settings.mappings; /* the caller's may go */
	if (!err)
		err = ice_settings_set_servers(&pc->ice_settings, config);
	if (!err)
		err = peer_transport_create(&pc->transport, pc, &pc->ice_settings.agent);
	if (err)
		return err == WLK_ERR_PARSE ? WLK_ERR_INVALID : err;
	list_push_back(&pc->transports, &pc->transport->link);
	pc->data_transport = pc->transport;
	return ice_settings_apply(&pc->ice_settings, pc->transport->ice, pc->now);
}

/* A header extension that describes frames is agreed on only both ways: what we get back out is what came in. */
static void choose_capabilities(wlk_peer_connection *pc)
{
	sdp_default_capabilities(&pc->capabilities);
	for (size_t i = 0; i < pc->capabilities.extension_count; i++) {
		struct sdp_extension_capability *ext = &pc->capabilities.extensions[i];

		switch (ext->extension) {
		case SDP_EXT_AUDIO_LEVEL:
		case SDP_EXT_VIDEO_ORIENTATION:
		case SDP_EXT_PLAYOUT_DELAY:
		case SDP_EXT_DEPENDENCY_DESCRIPTOR:
			ext->both_ways = true;
			break;
		default:
			break;
		}
	}
}

static void init_fields(wlk_peer_connection *pc, const struct peer_env *env, const wlk_configuration *config, wlk_time now)
{
	pc->env = *env;
	pc->now = now;
	pc->user = config->user;
	pc->max_message_size = config->max_message_size ? config->max_message_size : SCTP_CHANNEL_MESSAGE_SIZE;
	pc->sctp_streams = config->sctp_streams ? config->sctp_streams : SCTP_ASSOC_STREAMS;
	pc->renomination = config->renomination;
	pc->ice_lite = config->ice_lite;
	pc->bundle_policy = config->bundle_policy;
	pc->codecs = codec_set_hold(config->codecs);
	pc->memory_budget = config->memory_budget ? config->memory_budget : (size_t)8 << 20;
	pc->section_of_data = SIZE_MAX;
	pc->sctp_handle.pc = pc;
	list_init(&pc->ready_link);
	list_init(&pc->transports);
	list_init(&pc->spares);
	list_init(&pc->retired_transports);
	list_init(&pc->transceivers);
	list_init(&pc->retired);
	list_init(&pc->channels);
	list_init(&pc->raw_senders);
	list_init(&pc->raw_receivers);
	peer_error_init(&pc->error);
	pc->sctp_cause = -1;
	dgram_queue_init(&pc->farewell_queue, FAREWELL_MAX);
	choose_capabilities(pc);
}

wlk_err peer_create(wlk_peer_connection **out, const struct peer_env *env, const wlk_configuration *config, wlk_time now)
{
	static const wlk_configuration defaults = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc;
	wlk_err err;

	if (!config)
		config = &defaults;
	if (config->struct_size != sizeof(*config) || (unsigned)config->bundle_policy > WLK_BUNDLE_MAX_BUNDLE)
		return WLK_ERR_INVALID;
	if (config->rtcp_mux_policy != WLK_RTCP_MUX_REQUIRE)
		return WLK_ERR_UNSUPPORTED;
	pc = wlk_calloc(1, sizeof(*pc));
	if (!pc)
		return WLK_ERR_NOMEM;
	init_fields(pc, env, config, now);
	err = certificate_choose(&pc->cert, config, env->certificate, (env->unix_us_at_zero + now) / SECOND);
	if (!err)
		err = name_logs(pc, config);
	if (!err)
		err = record_peer_begin(pc, config, env, now);
	if (!err)
		err = draw_names(pc);
	if (!err)
		err = event_queue_init(&pc->events, sizeof(struct peer_event), STATE_EVENTS_RESERVED);
	if (!err)
		err = create_layers(pc, config);
	if (pc->record)
		record_leave_recorded();
	if (err) {
		peer_free(pc);
		return err;
	}
	*out = pc;
	return WLK_OK;
}

void wlk_peer_connection_close(wlk_peer_connection *pc)
{
	RECORD(pc, record_api(recorded, RECORD_CLOSE, pc));
	if (pc->closed)
		return;
	peer_refresh_now(pc);
	LOG_I(pc, "closed by the application");
	if (pc->sctp)
		sctp_assoc_close(pc->sctp, pc->now, false);
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		media_engine_close(t->media, pc->now);
		peer_collect_farewell(t, &pc->farewell_queue);
	}
	list_for_each(item, &pc->spares)
		ice_agent_close(list_entry(item, struct peer_transport, link)->ice);
	pc->closed = true;
	list_for_each(item, &pc->transceivers)
		peer_transceiver_stop(list_entry(item, struct wlk_transceiver, link));
	pc->signaling_state = WLK_SIGNALING_CLOSED;
	pc->ice_state = WLK_ICE_CONNECTION_CLOSED;
	pc->connection_state = WLK_CONNECTION_CLOSED;
	peer_touch(pc);
}

void wlk_peer_connection_destroy(wlk_peer_connection *pc)
{
	if (!pc)
		return;
	wlk_peer_connection_close(pc);
	if (pc->destroy_hook)
		pc->destroy_hook(pc, pc->driver);
	else
		peer_free(pc);
}

static void free_handles(wlk_peer_connection *pc)
{
	while (!list_empty(&pc->transceivers))
		peer_transceiver_free(list_entry(pc->transceivers.next, struct wlk_transceiver, link));
	while (!list_empty(&pc->retired))
		peer_transceiver_free(list_entry(pc->retired.next, struct wlk_transceiver, link));
	while (!list_empty(&pc->channels))
		peer_channel_free(list_entry(pc->channels.next, wlk_data_channel, link));
}

static void free_transports(struct list *head)
{
	list_for_each_safe(item, head)
		peer_transport_destroy(list_entry(item, struct peer_transport, link));
}

void peer_free(wlk_peer_connection *pc)
{
	if (!pc)
		return;
	RECORD(pc, record_call(recorded, RECORD_PEER_FREE, pc->now));
	list_remove(&pc->ready_link);
	peer_raw_give_back(pc);
	peer_events_free(pc);
	free_handles(pc);
	sctp_assoc_destroy(pc->sctp);
	free_transports(&pc->transports);
	free_transports(&pc->spares);
	free_transports(&pc->retired_transports);
	ice_settings_free(&pc->ice_settings);
	peer_configuration_free(&pc->configuration);
	wlk_free(pc->lent_host);
	wlk_free(pc->lent_layers);
	dgram_queue_free(&pc->farewell_queue);
	peer_descriptions_free(pc);
	peer_error_free(&pc->error);
	dtls_cert_release(pc->cert);
	wlk_codec_set_release(pc->codecs);
	record_peer_destroy(pc->record);
	wlk_free(pc);
}

/* ---- what the driver asks ---- */

void peer_set_now(wlk_peer_connection *pc, wlk_time now)
{
	if (now > pc->now)
		pc->now = now;
}

void peer_refresh_now(wlk_peer_connection *pc)
{
	if (pc->env.clock)
		peer_set_now(pc, *pc->env.clock);
}

void peer_touch(wlk_peer_connection *pc)
{
	if (pc->env.ready && list_empty(&pc->ready_link))
		list_push_back(pc->env.ready, &pc->ready_link);
}

struct list *peer_ready_link(wlk_peer_connection *pc)
{
	return &pc->ready_link;
}

wlk_peer_connection *peer_of_ready_link(struct list *link)
{
	return list_entry(link, wlk_peer_connection, ready_link);
}

void peer_set_driver(wlk_peer_connection *pc, void *driver)
{
	pc->driver = driver;
}

void *peer_driver(const wlk_peer_connection *pc)
{
	return pc->driver;
}

void peer_set_destroy_hook(wlk_peer_connection *pc, peer_destroy_hook hook)
{
	pc->destroy_hook = hook;
}

/* ---- what the application asks ---- */

wlk_signaling_state wlk_peer_connection_signaling_state(const wlk_peer_connection *pc)
{
	return pc->signaling_state;
}

wlk_ice_gathering_state wlk_peer_connection_ice_gathering_state(const wlk_peer_connection *pc)
{
	return pc->gathering_state;
}

wlk_ice_connection_state wlk_peer_connection_ice_connection_state(const wlk_peer_connection *pc)
{
	return pc->ice_state;
}

wlk_connection_state wlk_peer_connection_connection_state(const wlk_peer_connection *pc)
{
	return pc->connection_state;
}

wlk_err wlk_peer_connection_selected_pair(const wlk_peer_connection *pc, wlk_addr *local, wlk_addr *remote)
{
	if (!pc || !local || !remote)
		return WLK_ERR_INVALID;
	return ice_agent_selected(pc->transport->ice, local, remote) ? WLK_OK : WLK_ERR_NOT_FOUND;
}

size_t wlk_peer_connection_max_message_size(const wlk_peer_connection *pc)
{
	return pc->sctp_started ? sctp_assoc_remote_max_message_size(pc->sctp) : 0;
}

void wlk_peer_connection_set_user(wlk_peer_connection *pc, void *user)
{
	pc->user = user;
}

void *wlk_peer_connection_user(const wlk_peer_connection *pc)
{
	return pc->user;
}
