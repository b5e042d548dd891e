/* Transports as objects, and candidates in their parts. */
#include "call.h"

static void set_text(struct call *call, napi_value object, const char *name, const char *text)
{
	set_member(call->env, object, name, make_text(call->env, text && *text ? text : NULL));
}

static void set_number(struct call *call, napi_value object, const char *name, double number)
{
	set_member(call->env, object, name, make_number(call->env, number));
}

static napi_value make_candidate(struct call *call, const wlk_ice_candidate_info *info)
{
	bool has_related = info->type != WLK_ICE_CANDIDATE_HOST && info->related_address[0];
	napi_value object;

	napi_create_object(call->env, &object);
	set_text(call, object, "foundation", info->foundation);
	set_text(call, object, "component", info->component == WLK_ICE_COMPONENT_RTP ? "rtp" : "rtcp");
	set_number(call, object, "priority", info->priority);
	set_text(call, object, "address", info->address);
	set_text(call, object, "protocol", info->protocol == WLK_TRANSPORT_TCP ? "tcp" : "udp");
	set_number(call, object, "port", info->port);
	set_text(call, object, "type", wlk_ice_candidate_type_name(info->type));
	set_text(call, object, "tcpType", wlk_ice_tcp_type_name(info->tcp_type));
	set_text(call, object, "relatedAddress", info->related_address);
	if (has_related)
		set_number(call, object, "relatedPort", info->related_port);
	set_text(call, object, "usernameFragment", info->username_fragment);
	set_text(call, object, "relayProtocol", info->relay_protocol);
	set_text(call, object, "url", info->url);
	return object;
}

/* candidateParse(line): its parts, or null. */
static napi_value candidate_parse(struct call *call)
{
	wlk_ice_candidate_info info;
	const char *line = call_text(call, 0);

	return !line || wlk_ice_candidate_parse(line, &info) ? make_text(call->env, NULL) : make_candidate(call, &info);
}

static napi_value transport_of(struct call *call)
{
	return make_handle(call->env, wlk_rtp_sender_transport(wlk_transceiver_sender(call_handle(call, 0))));
}

static napi_value dtls_state(struct call *call)
{
	return make_text(call->env, wlk_dtls_state_name(wlk_dtls_transport_state(call_handle(call, 0))));
}

static napi_value dtls_ice(struct call *call)
{
	return make_handle(call->env, wlk_dtls_transport_ice_transport(call_handle(call, 0)));
}

static napi_value dtls_certificates(struct call *call)
{
	napi_value array;
	wlk_bytes der;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; (der = wlk_dtls_transport_remote_certificate(call_handle(call, 0), i)).size; i++)
		napi_set_element(call->env, array, i, make_bytes(call->env, der.data, der.size));
	return array;
}

static napi_value ice_state(struct call *call)
{
	return make_text(call->env, wlk_ice_state_name(wlk_ice_transport_state(call_handle(call, 0))));
}

static napi_value ice_gathering_state(struct call *call)
{
	return make_text(call->env, wlk_ice_gathering_state_name(wlk_ice_transport_gathering_state(call_handle(call, 0))));
}

static napi_value ice_role(struct call *call)
{
	return make_text(call->env, wlk_ice_role_name(wlk_ice_transport_role(call_handle(call, 0))));
}

typedef wlk_err (*candidate_at)(const wlk_ice_transport *transport, size_t index, wlk_ice_candidate_info *out);

static napi_value candidates(struct call *call, candidate_at at)
{
	wlk_ice_candidate_info info;
	napi_value array;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; !at(call_handle(call, 0), i, &info); i++)
		napi_set_element(call->env, array, i, make_candidate(call, &info));
	return array;
}

static napi_value ice_local_candidates(struct call *call)
{
	return candidates(call, wlk_ice_transport_local_candidate);
}

static napi_value ice_remote_candidates(struct call *call)
{
	return candidates(call, wlk_ice_transport_remote_candidate);
}

static napi_value ice_selected_pair(struct call *call)
{
	wlk_ice_candidate_info local, remote;
	napi_value pair;

	if (wlk_ice_transport_selected_pair(call_handle(call, 0), &local, &remote))
		return make_text(call->env, NULL);
	napi_create_object(call->env, &pair);
	set_member(call->env, pair, "local", make_candidate(call, &local));
	set_member(call->env, pair, "remote", make_candidate(call, &remote));
	return pair;
}

static napi_value make_parameters(struct call *call, wlk_err err, const wlk_ice_parameters *parameters)
{
	napi_value object;

	if (err)
		return make_text(call->env, NULL);
	napi_create_object(call->env, &object);
	set_text(call, object, "usernameFragment", parameters->username_fragment);
	set_text(call, object, "password", parameters->password);
	return object;
}

static napi_value ice_local_parameters(struct call *call)
{
	wlk_ice_parameters parameters = { 0 };

	return make_parameters(call, wlk_ice_transport_local_parameters(call_handle(call, 0), &parameters), &parameters);
}

static napi_value ice_remote_parameters(struct call *call)
{
	wlk_ice_parameters parameters = { 0 };

	return make_parameters(call, wlk_ice_transport_remote_parameters(call_handle(call, 0), &parameters), &parameters);
}

static napi_value sctp(struct call *call)
{
	return make_handle(call->env, wlk_peer_connection_sctp(call_handle(call, 0)));
}

static napi_value sctp_dtls(struct call *call)
{
	return make_handle(call->env, wlk_sctp_transport_dtls_transport(call_handle(call, 0)));
}

static napi_value sctp_state(struct call *call)
{
	return make_text(call->env, wlk_sctp_state_name(wlk_sctp_transport_state(call_handle(call, 0))));
}

static napi_value sctp_max_message_size(struct call *call)
{
	size_t size = wlk_sctp_transport_max_message_size(call_handle(call, 0));

	return make_number(call->env, size == SIZE_MAX ? 1.0 / 0.0 : (double)size);
}

static napi_value sctp_max_channels(struct call *call)
{
	return make_number(call->env, wlk_sctp_transport_max_channels(call_handle(call, 0)));
}

const struct call_entry transport_calls[] = {
	{ "candidateParse", candidate_parse },
	{ "transceiverTransport", transport_of },
	{ "dtlsState", dtls_state },
	{ "dtlsIceTransport", dtls_ice },
	{ "dtlsRemoteCertificates", dtls_certificates },
	{ "iceState", ice_state },
	{ "iceGatheringState", ice_gathering_state },
	{ "iceRole", ice_role },
	{ "iceLocalCandidates", ice_local_candidates },
	{ "iceRemoteCandidates", ice_remote_candidates },
	{ "iceSelectedPair", ice_selected_pair },
	{ "iceLocalParameters", ice_local_parameters },
	{ "iceRemoteParameters", ice_remote_parameters },
	{ "connectionSctp", sctp },
	{ "sctpDtlsTransport", sctp_dtls },
	{ "sctpState", sctp_state },
	{ "sctpMaxMessageSize", sctp_max_message_size },
	{ "sctpMaxChannels", sctp_max_channels },
	{ NULL, NULL },
};
