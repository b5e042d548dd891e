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

/* What our senders with several encodings send; *out is lent by the connection. */
static wlk_err own_layers(wlk_peer_connection *pc, const wlk_direct_layer **out, size_t *count)
{
	size_t place = 0, capacity = 0, n = 0;
	wlk_direct_layer *layers = NULL;

	list_for_each(item, &pc->transceivers)
	{
		const wlk_rtp_sender *sender = &list_entry(item, struct wlk_transceiver, link)->sender;

		for (size_t i = 0; sender->encoding_count > 1 && i < sender->encoding_count; i++) {
			if (!array_reserve((void **)&layers, &capacity, n + 1, sizeof(*layers))) {
				wlk_free(layers);
				return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
			}
			layers[n++] = (wlk_direct_layer){ place, sender->encodings[i].rid };
		}
		place++;
	}
	wlk_free(pc->lent_layers);
	pc->lent_layers = layers;
	*out = layers;
	*count = n;
	return WLK_OK;
}

wlk_err wlk_direct_local_parameters(wlk_peer_connection *pc, wlk_direct_parameters *out)
{
	wlk_direct_parameters own = WLK_DIRECT_PARAMETERS_INIT;
	wlk_err err;

	if (!out || out->struct_size != sizeof(*out))
		return WLK_ERR_INVALID;
	err = wlk_certificate_get_fingerprint(own_certificate(pc), 0, &own.fingerprint);
	if (!err)
		err = own_layers(pc, &own.layers, &own.layer_count);
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

/* It sends what we receive, and receives what we send. */
static void mirror_layers(struct sdp_media *media)
{
	const struct sdp_simulcast own = media->simulcast;

	for (size_t i = 0; i < media->rid_count; i++)
		media->rids[i].direction = sdp_direction_reverse(media->rids[i].direction);
	media->simulcast = (struct sdp_simulcast){ .send = own.recv, .recv = own.send };
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
	/* SSRCs and tracks are its own to choose. */
	media->ssrc_count = media->ssrc_group_count = media->msid_count = 0;
	mirror_layers(media);
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

/* ---- the layers that the far end sends ---- */

/* What receivers were told of layers before; taken back when the start fails. */
struct layers_before {
	struct {
		bool accepts;
		size_t rid_count;
		char rids[WLK_RTP_ENCODINGS_MAX][PEER_RID_MAX + 1];
	} *of;
	size_t count;
};

static void take_back_layers(wlk_peer_connection *pc, const struct layers_before *before)
{
	size_t i = 0;

	list_for_each(item, &pc->transceivers)
	{
		wlk_rtp_receiver *receiver = &list_entry(item, struct wlk_transceiver, link)->receiver;

		if (i == before->count)
			return;
		receiver->accepts_simulcast = before->of[i].accepts;
		receiver->rid_count = before->of[i].rid_count;
		memcpy(receiver->rids, before->of[i++].rids, sizeof(receiver->rids));
	}
}

static wlk_err remember_layers(wlk_peer_connection *pc, struct layers_before *out)
{
	size_t i = 0;

	*out = (struct layers_before){ .count = wlk_peer_connection_transceiver_count(pc) };
	out->of = wlk_calloc(out->count + 1, sizeof(*out->of));
	if (!out->of)
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	list_for_each(item, &pc->transceivers)
	{
		const wlk_rtp_receiver *receiver = &list_entry(item, struct wlk_transceiver, link)->receiver;

		out->of[i].accepts = receiver->accepts_simulcast;
		out->of[i].rid_count = receiver->rid_count;
		memcpy(out->of[i++].rids, receiver->rids, sizeof(receiver->rids));
	}
	return WLK_OK;
}

static wlk_err expect_layers(wlk_peer_connection *pc, const wlk_direct_parameters *remote)
{
	for (size_t i = 0; i < remote->layer_count; i++) {
		const wlk_direct_layer *layer = &remote->layers[i];
		wlk_transceiver *t = wlk_peer_connection_transceiver(pc, layer->transceiver);
		const char *rids[WLK_RTP_ENCODINGS_MAX];
		size_t count = 0;
		wlk_err err;

		if (!t)
			return peer_fail(pc, WLK_ERR_INVALID, "there is no transceiver %zu for the layers of the far end", layer->transceiver);
		/* Those of one transceiver together, at the first of them. */
		for (size_t k = 0; k < i; k++)
			if (remote->layers[k].transceiver == layer->transceiver)
				t = NULL;
		for (size_t k = i; t && k < remote->layer_count; k++)
			if (remote->layers[k].transceiver == layer->transceiver) {
				if (count == ARRAY_SIZE(rids))
					return peer_fail(pc, WLK_ERR_INVALID, "simulcast has at most %d layers", WLK_RTP_ENCODINGS_MAX);
				rids[count++] = remote->layers[k].rid;
			}
		err = t ? peer_set_receive_simulcast(t, true, rids, count) : WLK_OK;
		if (err)
			return err;
	}
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
	struct layers_before before;
	struct sdp_session *own;
	wlk_err err;

	RECORD(pc, record_start_direct(recorded, pc, role, remote));
	if (pc->signaling_state != WLK_SIGNALING_STABLE || pc->current_local.sdp)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed, or has been started or negotiated");
	if (!remote || remote->struct_size != sizeof(*remote) || !remote->username_fragment || !remote->password)
		return peer_fail(pc, WLK_ERR_INVALID, "the parameters of the far end are missing");
	if (!controlling && role != WLK_ICE_ROLE_CONTROLLED)
		return peer_fail(pc, WLK_ERR_INVALID, "one side controls, and one is controlled");
	if (remote->layer_count > PEER_DIRECT_LAYERS_MAX || (remote->layer_count && !remote->layers))
		return peer_fail(pc, WLK_ERR_INVALID, "the layers of the far end are missing, or too many");
	peer_refresh_now(pc);
	err = remember_layers(pc, &before);
	if (err)
		return err;
	err = expect_layers(pc, remote);
	if (!err)
		err = peer_make_offer(pc, false, &own);
	if (!err) {
		peer_keep_offered_mids(pc);
		err = start(pc, own, controlling, remote);
		sdp_session_destroy(own);
	}
	if (err)
		take_back_layers(pc, &before);
	wlk_free(before.of);
	return err;
}
