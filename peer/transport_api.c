/* RTCDtlsTransport and RTCIceTransport: what the application may ask of a transport. */
#include "peer/candidate_info.h"
#include "peer/object.h"

/* ---- names ---- */

const char *wlk_dtls_state_name(wlk_dtls_state state)
{
	static const char *const names[] = { "new", "connecting", "connected", "closed", "failed" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *wlk_dtls_role_name(wlk_dtls_role role)
{
	static const char *const names[] = { "unknown", "client", "server" };

	return (size_t)role < ARRAY_SIZE(names) ? names[role] : "unknown";
}

const char *wlk_ice_state_name(wlk_ice_state state)
{
	return (size_t)state <= ICE_STATE_CLOSED ? ice_state_name((enum ice_state)state) : "unknown";
}

const char *wlk_ice_gathering_state_name(wlk_ice_gathering_state state)
{
	static const char *const names[] = { "new", "gathering", "complete" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *wlk_ice_role_name(wlk_ice_role role)
{
	static const char *const names[] = { "unknown", "controlling", "controlled" };

	return (size_t)role < ARRAY_SIZE(names) ? names[role] : "unknown";
}

/* ---- DTLS ---- */

static wlk_dtls_transport *handle_of(const struct wlk_transceiver *transceiver)
{
	return transceiver->transport ? &transceiver->transport->dtls_handle : NULL;
}

wlk_dtls_transport *wlk_rtp_sender_transport(const wlk_rtp_sender *sender)
{
	return handle_of(sender->transceiver);
}

wlk_dtls_transport *wlk_rtp_receiver_transport(const wlk_rtp_receiver *receiver)
{
	return handle_of(receiver->transceiver);
}

wlk_ice_transport *wlk_dtls_transport_ice_transport(wlk_dtls_transport *transport)
{
	return &transport->transport->ice_handle;
}

wlk_peer_connection *wlk_dtls_transport_peer_connection(const wlk_dtls_transport *transport)
{
	return transport->transport->pc;
}

wlk_dtls_state wlk_dtls_transport_state(const wlk_dtls_transport *transport)
{
	const struct peer_transport *t = transport->transport;

	return t->pc->closed ? WLK_DTLS_STATE_CLOSED : t->dtls_state;
}

wlk_bytes wlk_dtls_transport_remote_certificate(const wlk_dtls_transport *transport, size_t index)
{
	return index ? (wlk_bytes){ 0 } : dtls_transport_remote_cert(transport->transport->dtls);
}

uint16_t wlk_dtls_transport_tls_version(const wlk_dtls_transport *transport)
{
	return dtls_transport_version(transport->transport->dtls);
}

const char *wlk_dtls_transport_cipher(const wlk_dtls_transport *transport)
{
	return dtls_transport_cipher_name(transport->transport->dtls);
}

const char *peer_srtp_cipher_name(enum dtls_srtp_profile profile)
{
	switch (profile) {
	case DTLS_SRTP_AES128_CM_SHA1_80:
		return "SRTP_AES128_CM_HMAC_SHA1_80";
	case DTLS_SRTP_AEAD_AES_128_GCM:
		return "SRTP_AEAD_AES_128_GCM";
	case DTLS_SRTP_AEAD_AES_256_GCM:
		return "SRTP_AEAD_AES_256_GCM";
	case DTLS_SRTP_NONE:
		break;
	}
	return NULL;
}

const char *wlk_dtls_transport_srtp_profile(const wlk_dtls_transport *transport)
{
	const char *name = peer_srtp_cipher_name(dtls_transport_srtp_profile(transport->transport->dtls));

	return name ? name : "";
}

wlk_dtls_role wlk_dtls_transport_role(const wlk_dtls_transport *transport)
{
	const struct peer_transport *t = transport->transport;

	if (dtls_transport_state(t->dtls) == DTLS_STATE_NEW)
		return WLK_DTLS_ROLE_UNKNOWN;
	return dtls_transport_role(t->dtls) == DTLS_ROLE_CLIENT ? WLK_DTLS_ROLE_CLIENT : WLK_DTLS_ROLE_SERVER;
}

/* ---- ICE ---- */

wlk_peer_connection *wlk_ice_transport_peer_connection(const wlk_ice_transport *transport)
{
	return transport->transport->pc;
}

wlk_ice_role wlk_ice_transport_role(const wlk_ice_transport *transport)
{
	const struct peer_transport *t = transport->transport;

	if (!t->role_is_known)
		return WLK_ICE_ROLE_UNKNOWN;
	return ice_agent_controlling(t->ice) ? WLK_ICE_ROLE_CONTROLLING : WLK_ICE_ROLE_CONTROLLED;
}

wlk_ice_component wlk_ice_transport_component(const wlk_ice_transport *transport)
{
	(void)transport;
	return WLK_ICE_COMPONENT_RTP;
}

wlk_ice_state wlk_ice_transport_state(const wlk_ice_transport *transport)
{
	const struct peer_transport *t = transport->transport;

	return t->pc->closed ? WLK_ICE_STATE_CLOSED : t->ice_state;
}

wlk_ice_gathering_state wlk_ice_transport_gathering_state(const wlk_ice_transport *transport)
{
	return transport->transport->gathering_state;
}

static bool same_candidate(const struct ice_candidate *a, const struct ice_candidate *b)
{
	return a->type == b->type && a->transport == b->transport && a->tcptype == b->tcptype && a->priority == b->priority &&
	       a->addr.port == b->addr.port && str_equal(str_of(a->foundation), str_of(b->foundation));
}

/* Where a local candidate came from, which its line does not say. */
static void add_origin(const struct ice_agent *ice, wlk_ice_candidate_info *out, const struct ice_candidate *candidate)
{
	struct ice_candidate_stats stats;

	for (size_t i = 0; ice_agent_local_candidate(ice, i, &stats); i++) {
		if (!same_candidate(&stats.candidate, candidate))
			continue;
		out->relay_protocol = stats.relay_protocol;
		out->url = stats.url && *stats.url ? stats.url : NULL;
		return;
	}
}

wlk_err wlk_ice_transport_local_candidate(const wlk_ice_transport *transport, size_t index, wlk_ice_candidate_info *out)
{
	struct ice_candidate_line line;
	size_t at = 0;

	if (!transport || !out)
		return WLK_ERR_INVALID;
	do {
		if (!ice_agent_told_candidate(transport->transport->ice, &at, &line))
			return WLK_ERR_NOT_FOUND;
	} while (index--);
	line.ufrag = str_of(ice_agent_local_ufrag(transport->transport->ice));
	candidate_info_fill(out, &line);
	add_origin(transport->transport->ice, out, &line.candidate);
	return WLK_OK;
}

wlk_err wlk_ice_transport_remote_candidate(const wlk_ice_transport *transport, size_t index, wlk_ice_candidate_info *out)
{
	struct ice_candidate_stats stats;

	if (!transport || !out)
		return WLK_ERR_INVALID;
	if (!ice_agent_remote_candidate(transport->transport->ice, index, &stats))
		return WLK_ERR_NOT_FOUND;
	candidate_info_fill(out, &(struct ice_candidate_line){ .candidate = stats.candidate });
	return WLK_OK;
}

/* The line of a local candidate; of a hidden one with the name that stands for its address, or with none when it was not told. */
static struct ice_candidate_line local_line(const struct ice_agent *ice, const struct ice_candidate_stats *stats)
{
	struct ice_candidate_line line;
	size_t at = 0;

	while (stats->hidden && ice_agent_told_candidate(ice, &at, &line))
		if (same_candidate(&line.candidate, &stats->candidate))
			return line;
	line = (struct ice_candidate_line){ .candidate = stats->candidate };
	if (stats->hidden)
		line.candidate.addr.family = 0;
	return line;
}

static bool fill_local(const struct ice_agent *ice, uint32_t id, wlk_ice_candidate_info *out)
{
	struct ice_candidate_stats stats;

	for (size_t i = 0; ice_agent_local_candidate(ice, i, &stats); i++) {
		struct ice_candidate_line line;

		if (stats.id != id)
			continue;
		line = local_line(ice, &stats);
		line.ufrag = str_of(ice_agent_local_ufrag(ice));
		candidate_info_fill(out, &line);
		out->relay_protocol = stats.relay_protocol;
		out->url = stats.url && *stats.url ? stats.url : NULL;
		return true;
	}
	return false;
}

static bool fill_remote(const struct ice_agent *ice, uint32_t id, wlk_ice_candidate_info *out)
{
	struct ice_candidate_stats stats;

	for (size_t i = 0; ice_agent_remote_candidate(ice, i, &stats); i++) {
		if (stats.id != id)
			continue;
		candidate_info_fill(out, &(struct ice_candidate_line){ .candidate = stats.candidate });
		return true;
	}
	return false;
}

wlk_err wlk_ice_transport_selected_pair(const wlk_ice_transport *transport, wlk_ice_candidate_info *local, wlk_ice_candidate_info *remote)
{
	const struct ice_agent *ice;
	struct ice_pair_stats pair;

	if (!transport || !local || !remote)
		return WLK_ERR_INVALID;
	ice = transport->transport->ice;
	for (size_t i = 0; ice_agent_pair_stats(ice, i, &pair); i++)
		if (pair.selected)
			return fill_local(ice, pair.local_id, local) && fill_remote(ice, pair.remote_id, remote) ? WLK_OK
														 : WLK_ERR_NOT_FOUND;
	return WLK_ERR_NOT_FOUND;
}

wlk_err wlk_ice_transport_local_parameters(const wlk_ice_transport *transport, wlk_ice_parameters *out)
{
	const struct peer_transport *t;

	if (!transport || !out)
		return WLK_ERR_INVALID;
	t = transport->transport;
	if (!t->role_is_known)
		return WLK_ERR_NOT_FOUND;
	*out = (wlk_ice_parameters){ ice_agent_local_ufrag(t->ice), ice_agent_local_pwd(t->ice) };
	return WLK_OK;
}

wlk_err wlk_ice_transport_remote_parameters(const wlk_ice_transport *transport, wlk_ice_parameters *out)
{
	const struct ice_agent *ice;

	if (!transport || !out)
		return WLK_ERR_INVALID;
	ice = transport->transport->ice;
	if (!*ice_agent_remote_ufrag(ice))
		return WLK_ERR_NOT_FOUND;
	*out = (wlk_ice_parameters){ ice_agent_remote_ufrag(ice), ice_agent_remote_pwd(ice) };
	return WLK_OK;
}
