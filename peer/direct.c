/*
 * Connections without descriptions. What both sides would have said is worked out from our own offer: the far end, which has made
 * the same channels and transceivers, would say the same, mirrored and with its own transport. So all the rest of peer/ works as it
 * always does.
 */
#include <wirelark/direct.h>

#include <string.h>

#include "peer/certificate.h"
#include "peer/object.h"

static wlk_certificate *own_certificate(const wlk_peer_connection *pc)
{
	return (wlk_certificate *)(void *)pc->cert;
}

wlk_err wlk_direct_local_parameters(const wlk_peer_connection *pc, wlk_direct_parameters *out)
{
	wlk_direct_parameters own = WLK_DIRECT_PARAMETERS_INIT;
	wlk_err err;

	if (!out || out->struct_size != sizeof(*out))
		return WLK_ERR_INVALID;
	err = wlk_certificate_get_fingerprint(own_certificate(pc), 0, &own.fingerprint);
	if (err)
		return err;
	own.username_fragment = ice_agent_local_ufrag(pc->transport->ice);
	own.password = ice_agent_local_pwd(pc->transport->ice);
	own.ice_lite = pc->ice_lite;
	own.sctp_port = SCTP_ASSOC_PORT;
	own.max_message_size = pc->max_message_size;
	*out = own;
	return WLK_OK;
}

/* ---- the far end's description, from ours ---- */

static bool read_fingerprint(const wlk_fingerprint *from, struct sdp_fingerprint *out)
{
	*out = (struct sdp_fingerprint){ .algorithm = str_of(from->algorithm) };
	out->size = str_hex_pairs(str_of(from->value), out->value, sizeof(out->value));
	return out->size > 0;
}

/* What the far end says of DTLS: as the offerer, or in answer to our actpass. */
static enum sdp_setup setup_of(wlk_dtls_role role, bool offers)
{
	if (role == WLK_DTLS_ROLE_UNKNOWN)
		return offers ? SDP_SETUP_ACTPASS : SDP_SETUP_ACTIVE;
	return role == WLK_DTLS_ROLE_CLIENT ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
}

static void mirror_media(const struct sdp_session *sdp, struct sdp_media *media, const wlk_direct_parameters *remote,
			 struct sdp_fingerprint *fingerprint, bool offers)
{
	media->direction = sdp_direction_reverse(sdp_media_direction(sdp, media));
	media->direction_given = media->kind != SDP_APPLICATION;
	media->ice.ufrag = str_of(remote->username_fragment);
	media->ice.pwd = str_of(remote->password);
	media->fingerprints = fingerprint;
	media->fingerprint_count = 1;
	media->setup = setup_of(remote->dtls_role, offers);
	media->candidate_count = 0;
	media->end_of_candidates = false;
	/* SSRCs, tracks and layers are its own to choose. */
	media->ssrc_count = media->ssrc_group_count = media->msid_count = media->rid_count = 0;
	media->simulcast = (struct sdp_simulcast){ 0 };
	if (media->kind != SDP_APPLICATION)
		return;
	media->sctp_port = remote->sctp_port ? remote->sctp_port : SCTP_ASSOC_PORT;
	media->max_message_size = remote->max_message_size;
	media->has_max_message_size = true;
}

/* |sdp|, a copy of our offer, becomes what the far end would say; as text in *out, which is written on success only. */
static wlk_err mirror(wlk_peer_connection *pc, struct sdp_session *sdp, const wlk_direct_parameters *remote, bool offers, char **out)
{
	struct sdp_fingerprint fingerprint;
	struct text text;
	char *taken;
	wlk_err err;

	if (!read_fingerprint(&remote->fingerprint, &fingerprint))
		return peer_fail(pc, WLK_ERR_INVALID, "the fingerprint is none");
	for (size_t i = 0; i < sdp->media_count; i++)
		mirror_media(sdp, sdp->media[i], remote, &fingerprint, offers);
	sdp->ice_lite = remote->ice_lite;
	text_init(&text);
	err = sdp_write(sdp, &text);
	taken = err ? NULL : text_take(&text);
	text_free(&text);
	if (!taken)
		return peer_fail(pc, err ? err : WLK_ERR_NOMEM, "the parameters cannot be used");
	*out = taken;
	return WLK_OK;
}

/* ---- starting ---- */

/* We offer, and it answers the same. */
static wlk_err start_controlling(wlk_peer_connection *pc, const char *text)
{
	const wlk_session_description answer = { WLK_SDP_ANSWER, text }, rollback = { WLK_SDP_ROLLBACK, NULL };
	wlk_err err = wlk_peer_connection_set_local_description(pc, NULL);

	if (err)
		return err;
	err = wlk_peer_connection_set_remote_description(pc, &answer);
	if (err)
		(void)!wlk_peer_connection_set_local_description(pc, &rollback);
	return err;
}

/* It offers the same as we would, on the sections that we would have. */
static wlk_err start_controlled(wlk_peer_connection *pc, const struct sdp_session *own, const char *text)
{
	const wlk_session_description offer = { WLK_SDP_OFFER, text }, rollback = { WLK_SDP_ROLLBACK, NULL };
	wlk_err err = peer_associate_local_offer(pc, own);

	if (err)
		return peer_fail(pc, err, "out of memory");
	err = wlk_peer_connection_set_remote_description(pc, &offer);
	if (err) {
		peer_roll_back_transceivers(pc);
		return err;
	}
	err = wlk_peer_connection_set_local_description(pc, NULL);
	if (err)
		(void)!wlk_peer_connection_set_remote_description(pc, &rollback);
	return err;
}

static wlk_err start(wlk_peer_connection *pc, const struct sdp_session *own, bool controlling, const wlk_direct_parameters *remote)
{
	struct sdp_session *theirs;
	char *text = NULL;
	wlk_err err;

	if (!own->media_count)
		return peer_fail(pc, WLK_ERR_STATE, "there is no channel and no transceiver");
	err = sdp_session_clone(&theirs, own);
	if (err)
		return peer_fail(pc, err, "out of memory");
	err = mirror(pc, theirs, remote, !controlling, &text);
	sdp_session_destroy(theirs);
	if (!err)
		err = controlling ? start_controlling(pc, text) : start_controlled(pc, own, text);
	wlk_free(text);
	return err;
}

wlk_err wlk_direct_start(wlk_peer_connection *pc, wlk_ice_role role, const wlk_direct_parameters *remote)
{
	bool controlling = role == WLK_ICE_ROLE_CONTROLLING;
	struct sdp_session *own;
	wlk_err err;

	RECORD(pc, record_start_direct(recorded, pc, role, remote));
	if (pc->signaling_state != WLK_SIGNALING_STABLE || pc->current_local.sdp)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed, or has been started or negotiated");
	if (!remote || remote->struct_size != sizeof(*remote) || !remote->username_fragment || !remote->password)
		return peer_fail(pc, WLK_ERR_INVALID, "the parameters of the far end are missing");
	if (!controlling && role != WLK_ICE_ROLE_CONTROLLED)
		return peer_fail(pc, WLK_ERR_INVALID, "one side controls, and one is controlled");
	peer_refresh_now(pc);
	err = peer_make_offer(pc, false, &own);
	if (err)
		return err;
	peer_keep_offered_mids(pc);
	err = start(pc, own, controlling, remote);
	sdp_session_destroy(own);
	return err;
}
