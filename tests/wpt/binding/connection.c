/* The peer connection itself: making, configuring, states, candidates, statistics. */
#include "event.h"

static void read_servers(struct call *call, napi_value array, wlk_configuration *config)
{
	size_t count = value_length(call->env, array);
	wlk_ice_server *servers = call_memory(call, count * sizeof(*servers));

	for (size_t i = 0; i < count; i++) {
		napi_value server;

		napi_get_element(call->env, array, (uint32_t)i, &server);
		servers[i].url = value_text(call, value_member(call->env, server, "url"));
		servers[i].username = value_text(call, value_member(call->env, server, "username"));
		servers[i].credential = value_text(call, value_member(call->env, server, "credential"));
	}
	config->ice_servers = servers;
	config->ice_server_count = count;
}

static void read_configuration(struct call *call, napi_value object, wlk_configuration *config)
{
	napi_env env = call->env;

	read_servers(call, value_member(env, object, "iceServers"), config);
	config->certificate = (void *)(uintptr_t)value_number(env, value_member(env, object, "certificate"));
	config->ice_transport_policy = (wlk_ice_transport_policy)value_number(env, value_member(env, object, "iceTransportPolicy"));
	config->bundle_policy = (wlk_bundle_policy)value_number(env, value_member(env, object, "bundlePolicy"));
	config->ice_candidate_pool_size = (uint8_t)value_number(env, value_member(env, object, "iceCandidatePoolSize"));
}

static napi_value create(struct call *call)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc;
	wlk_err err;

	read_configuration(call, call_arg(call, 0), &config);
	err = wlk_peer_connection_create(addon_loop(), &config, event_deliver, NULL, &pc);
	return err ? call_result(call, NULL, err) : make_handle(call->env, pc);
}

static napi_value set_configuration(struct call *call)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc = call_handle(call, 0);

	read_configuration(call, call_arg(call, 1), &config);
	return call_result(call, pc, wlk_peer_connection_set_configuration(pc, &config));
}

static napi_value make_servers(napi_env env, const wlk_configuration *config)
{
	napi_value servers;

	napi_create_array(env, &servers);
	for (size_t i = 0; i < config->ice_server_count; i++) {
		napi_value server;

		napi_create_object(env, &server);
		set_member(env, server, "url", make_text(env, config->ice_servers[i].url));
		set_member(env, server, "username", make_text(env, config->ice_servers[i].username));
		set_member(env, server, "credential", make_text(env, config->ice_servers[i].credential));
		napi_set_element(env, servers, (uint32_t)i, server);
	}
	return servers;
}

static napi_value get_configuration(struct call *call)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	const wlk_peer_connection *pc = call_handle(call, 0);
	wlk_err err = wlk_peer_connection_get_configuration(pc, &config);
	napi_value result;

	if (err)
		return call_result(call, pc, err);
	napi_create_object(call->env, &result);
	set_member(call->env, result, "iceServers", make_servers(call->env, &config));
	set_member(call->env, result, "iceTransportPolicy", make_number(call->env, config.ice_transport_policy));
	set_member(call->env, result, "bundlePolicy", make_number(call->env, config.bundle_policy));
	set_member(call->env, result, "rtcpMuxPolicy", make_number(call->env, config.rtcp_mux_policy));
	set_member(call->env, result, "iceCandidatePoolSize", make_number(call->env, config.ice_candidate_pool_size));
	return result;
}

static napi_value close(struct call *call)
{
	wlk_peer_connection_close(call_handle(call, 0));
	return make_undefined(call->env);
}

static napi_value destroy(struct call *call)
{
	wlk_peer_connection_destroy(call_handle(call, 0));
	return make_undefined(call->env);
}

static napi_value signaling_state(struct call *call)
{
	return make_text(call->env, wlk_signaling_state_name(wlk_peer_connection_signaling_state(call_handle(call, 0))));
}

static napi_value gathering_state(struct call *call)
{
	return make_text(call->env, wlk_ice_gathering_state_name(wlk_peer_connection_ice_gathering_state(call_handle(call, 0))));
}

static napi_value ice_connection_state(struct call *call)
{
	return make_text(call->env, wlk_ice_connection_state_name(wlk_peer_connection_ice_connection_state(call_handle(call, 0))));
}

static napi_value connection_state(struct call *call)
{
	return make_text(call->env, wlk_connection_state_name(wlk_peer_connection_connection_state(call_handle(call, 0))));
}

static napi_value can_trickle(struct call *call)
{
	int can = wlk_peer_connection_can_trickle_ice_candidates(call_handle(call, 0));
	napi_value null;

	napi_get_null(call->env, &null);
	return can < 0 ? null : make_bool(call->env, can);
}

static napi_value add_ice_candidate(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	napi_value init = call_arg(call, 1);
	napi_value index = value_member(call->env, init, "sdpMLineIndex");
	const wlk_ice_candidate candidate = {
		.candidate = value_text(call, value_member(call->env, init, "candidate")),
		.sdp_mid = value_text(call, value_member(call->env, init, "sdpMid")),
		.sdp_mline_index = index ? (int32_t)value_number(call->env, index) : -1,
		.username_fragment = value_text(call, value_member(call->env, init, "usernameFragment")),
	};

	return call_result(call, pc, wlk_peer_connection_add_ice_candidate(pc, init ? &candidate : NULL));
}

static napi_value restart_ice(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);

	return call_result(call, pc, wlk_peer_connection_restart_ice(pc));
}

static napi_value stats(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	char *json;
	wlk_err err = wlk_peer_connection_stats_json(pc, &json);
	napi_value result;

	if (err)
		return call_result(call, pc, err);
	result = make_text(call->env, json);
	wlk_secret_free(json);
	return result;
}

static napi_value max_message_size(struct call *call)
{
	return make_number(call->env, (double)wlk_peer_connection_max_message_size(call_handle(call, 0)));
}

static napi_value selected_pair(struct call *call)
{
	wlk_addr local, remote;
	char text[WLK_ADDR_TEXT_MAX];
	napi_value pair;

	if (wlk_peer_connection_selected_pair(call_handle(call, 0), &local, &remote))
		return make_text(call->env, NULL);
	napi_create_object(call->env, &pair);
	set_member(call->env, pair, "local", make_text(call->env, wlk_addr_to_string(&local, text, sizeof(text))));
	set_member(call->env, pair, "remote", make_text(call->env, wlk_addr_to_string(&remote, text, sizeof(text))));
	return pair;
}

const struct call_entry connection_calls[] = {
	{ "connectionCreate", create },
	{ "connectionSetConfiguration", set_configuration },
	{ "connectionGetConfiguration", get_configuration },
	{ "connectionClose", close },
	{ "connectionDestroy", destroy },
	{ "connectionSignalingState", signaling_state },
	{ "connectionIceGatheringState", gathering_state },
	{ "connectionIceConnectionState", ice_connection_state },
	{ "connectionConnectionState", connection_state },
	{ "connectionCanTrickle", can_trickle },
	{ "connectionAddIceCandidate", add_ice_candidate },
	{ "connectionRestartIce", restart_ice },
	{ "connectionStats", stats },
	{ "connectionMaxMessageSize", max_message_size },
	{ "connectionSelectedPair", selected_pair },
	{ NULL, NULL },
};
