/* Offers, answers and descriptions. */
#include "call.h"

static napi_value create_offer(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_offer_options options = WLK_OFFER_OPTIONS_INIT;
	const char *sdp;
	wlk_err err;

	options.ice_restart = value_bool(call->env, call_arg(call, 1));
	err = wlk_peer_connection_create_offer(pc, &options, &sdp);
	return err ? call_result(call, pc, err) : make_text(call->env, sdp);
}

static napi_value create_answer(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	const char *sdp;
	wlk_err err = wlk_peer_connection_create_answer(pc, &sdp);

	return err ? call_result(call, pc, err) : make_text(call->env, sdp);
}

/* (connection, type, sdp); type null: no description. */
static wlk_session_description *read_description(struct call *call)
{
	wlk_session_description *description;

	if (!call_arg(call, 1))
		return NULL;
	description = call_memory(call, sizeof(*description));
	description->type = (wlk_sdp_type)call_number(call, 1);
	description->sdp = call_text(call, 2);
	return description;
}

static napi_value set_local(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);

	return call_result(call, pc, wlk_peer_connection_set_local_description(pc, read_description(call)));
}

static napi_value set_remote(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);

	return call_result(call, pc, wlk_peer_connection_set_remote_description(pc, read_description(call)));
}

static napi_value make_description(struct call *call, const wlk_session_description *description)
{
	napi_value object;

	if (!description)
		return make_text(call->env, NULL);
	napi_create_object(call->env, &object);
	set_member(call->env, object, "type", make_text(call->env, wlk_sdp_type_name(description->type)));
	set_member(call->env, object, "sdp", make_text(call->env, description->sdp));
	return object;
}

static napi_value local(struct call *call)
{
	return make_description(call, wlk_peer_connection_local_description(call_handle(call, 0)));
}

static napi_value remote(struct call *call)
{
	return make_description(call, wlk_peer_connection_remote_description(call_handle(call, 0)));
}

static napi_value current_local(struct call *call)
{
	return make_description(call, wlk_peer_connection_current_local_description(call_handle(call, 0)));
}

static napi_value pending_local(struct call *call)
{
	return make_description(call, wlk_peer_connection_pending_local_description(call_handle(call, 0)));
}

static napi_value current_remote(struct call *call)
{
	return make_description(call, wlk_peer_connection_current_remote_description(call_handle(call, 0)));
}

static napi_value pending_remote(struct call *call)
{
	return make_description(call, wlk_peer_connection_pending_remote_description(call_handle(call, 0)));
}

const struct call_entry description_calls[] = {
	{ "connectionCreateOffer", create_offer },
	{ "connectionCreateAnswer", create_answer },
	{ "connectionSetLocalDescription", set_local },
	{ "connectionSetRemoteDescription", set_remote },
	{ "connectionLocalDescription", local },
	{ "connectionRemoteDescription", remote },
	{ "connectionCurrentLocalDescription", current_local },
	{ "connectionPendingLocalDescription", pending_local },
	{ "connectionCurrentRemoteDescription", current_remote },
	{ "connectionPendingRemoteDescription", pending_remote },
	{ NULL, NULL },
};
