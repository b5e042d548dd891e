/* What offer and answer agreed on, into force: transports, directions, data. */
#include <string.h>

#include "peer/bundle.h"

static wlk_err apply_fingerprints(struct peer_transport *t, const struct sdp_agreed_transport *transport)
{
	struct dtls_fingerprint list[DTLS_FINGERPRINTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < transport->fingerprint_count && count < ARRAY_SIZE(list); i++) {
		const struct sdp_fingerprint *fp = &transport->fingerprints[i];
		struct dtls_fingerprint *out = &list[count];

		if (fp->size > sizeof(out->digest) || dtls_hash_parse(&out->hash, fp->algorithm.at, fp->algorithm.size))
			continue;
		memcpy(out->digest, fp->value, fp->size);
		out->size = fp->size;
		count++;
	}
	return dtls_transport_set_remote_fingerprints(t->dtls, t->pc->now, list, count);
}

/* Behind ice_agent_prepare_remote(), so that it succeeds for each transport or is tried for none. */
static void apply_ice(struct peer_transport *t, const struct sdp_agreed_transport *transport)
{
	wlk_err err = ice_agent_set_remote_parameters(t->ice, t->pc->now, transport->ufrag, transport->pwd, transport->ice_lite);

	assert(!err && "what was prepared is set");
	t->remote_ice_applied = true;
	ice_agent_set_renomination(t->ice, transport->renomination);
	for (size_t i = 0; i < transport->candidate_count; i++) {
		err = ice_agent_add_remote_candidate_line(t->ice, t->pc->now, transport->candidates[i].at, transport->candidates[i].size);
		if (err)
			LOG_D(t, "remote candidate %zu is not used: %s", i, wlk_strerror(err));
	}
	if (transport->end_of_candidates)
		ice_agent_end_of_remote_candidates(t->ice, t->pc->now);
}

static void apply_direction(struct wlk_transceiver *t, const struct sdp_agreed_section *section)
{
	t->mid_is_pending = false;
	t->created_by_remote = false;
	if (section->rejected) {
		t->transport = NULL;
		peer_transceiver_stop(t);
		return;
	}
	t->transport = peer_agreed_transport(t->pc, section->index);
	t->current = (wlk_direction)section->direction;
	t->has_sent |= (section->direction & SDP_SENDONLY) != 0;
}

static void apply_directions(wlk_peer_connection *pc, const struct sdp_agreement *agreement)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopped && t->section < agreement->section_count)
			apply_direction(t, &agreement->sections[t->section]);
	}
}

/* Our side of each agreed transport. */
static wlk_err find_transports(wlk_peer_connection *pc, const struct sdp_agreement *agreement, const struct sdp_session *local,
			       struct peer_transport **out)
{
	if (agreement->transport_count > PEER_TRANSPORTS_MAX)
		return peer_fail_as(pc, WLK_ERR_NEGOTIATION, "InvalidAccessError", "%zu transports are too many",
				    agreement->transport_count);
	for (size_t k = 0; k < agreement->transport_count; k++) {
		out[k] = peer_transport_of_media(pc, local, local->media[agreement->transports[k].local_index]);
		for (size_t i = 0; i < k; i++)
			if (out[i] == out[k])
				return peer_fail_as(pc, WLK_ERR_NEGOTIATION, "InvalidAccessError",
						    "two transports were agreed on where we have one");
	}
	return WLK_OK;
}

/* Back to what was agreed before, of which there is nothing to be seen where nothing was: no keys, no packets. */
static void take_back_media(wlk_peer_connection *pc, struct peer_transport *const *changed, size_t count)
{
	for (size_t k = 0; k < count && pc->agreement; k++)
		if (peer_configure_transport_media(changed[k], pc->agreed, pc->agreement))
			peer_set_failed(pc, "out of memory");
}

static wlk_err configure_all(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	for (size_t k = 0; k < agreement->transport_count; k++) {
		wlk_err err = peer_configure_transport_media(agreed[k], agreed, agreement);

		if (err) {
			take_back_media(pc, agreed, k);
			return peer_fail_as(pc, err, peer_description_error_name(err), "the media of m-line %zu cannot be set up: %s",
					    agreement->transports[k].index, wlk_strerror(err));
		}
	}
	return WLK_OK;
}

/* All of them or none: what may fail comes before what changes something. */
static wlk_err apply_transports(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	wlk_err err;

	for (size_t k = 0; k < agreement->transport_count; k++) {
		const struct sdp_agreed_transport *transport = &agreement->transports[k];

		err = ice_agent_prepare_remote(agreed[k]->ice, transport->ufrag, transport->pwd, transport->ice_lite);
		if (err)
			return peer_fail_as(pc, err, peer_description_error_name(err), "the transport of m-line %zu cannot be set up: %s",
					    transport->index, wlk_strerror(err));
	}
	for (size_t k = 0; k < agreement->transport_count; k++)
		if ((err = apply_fingerprints(agreed[k], &agreement->transports[k])))
			return peer_fail_as(pc, err, peer_description_error_name(err),
					    "the fingerprint does not fit the running DTLS session");
	if ((err = configure_all(pc, agreement, agreed)))
		return err;
	for (size_t k = 0; k < agreement->transport_count; k++)
		apply_ice(agreed[k], &agreement->transports[k]);
	return WLK_OK;
}

/* Those that lost all their sections stop sending; the last answer retires them. */
static void release_media(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);
		bool used = false;

		for (size_t k = 0; k < agreement->transport_count; k++)
			used |= agreed[k] == t;
		if (!used && peer_configure_transport_media(t, agreed, agreement))
			LOG_W(t, "out of memory: media goes on");
	}
}

static void take_agreed(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	for (size_t k = 0; k < agreement->transport_count; k++) {
		struct peer_transport *t = agreed[k];

		pc->agreed[k] = t;
		t->restarted = false;
		t->agreed = true;
		t->role_is_known = true;
		t->local_is_dtls_client = agreement->transports[k].local_is_dtls_client;
	}
	if (!agreement->transport_count)
		return;
	pc->transport = pc->agreed[0];
	pc->ice_restarted_locally = pc->remote_restarted = false;
}

static void apply_data_section(wlk_peer_connection *pc)
{
	const struct sdp_agreement *agreement = pc->agreement;
	const struct sdp_agreed_section *section;

	if (pc->section_of_data >= agreement->section_count || agreement->sections[pc->section_of_data].rejected)
		return;
	section = &agreement->sections[pc->section_of_data];
	if (section->kind != SDP_APPLICATION)
		return; /* the m-line became another one */
	pc->data_transport = pc->agreed[section->transport];
	if (pc->sctp_started)
		sctp_assoc_set_remote_max_message_size(pc->sctp, (size_t)MIN(section->remote_max_message_size, (uint64_t)SIZE_MAX));
}

wlk_err peer_apply_agreement(wlk_peer_connection *pc, struct sdp_agreement *agreement, const struct sdp_session *local)
{
	struct peer_transport *agreed[PEER_TRANSPORTS_MAX];
	wlk_err err = find_transports(pc, agreement, local, agreed);

	if (!err)
		err = apply_transports(pc, agreement, agreed);
	if (err)
		return err;
	release_media(pc, agreement, agreed);
	take_agreed(pc, agreement, agreed);
	sdp_agreement_destroy(pc->agreement);
	pc->agreement = agreement;
	peer_use_transports(pc, local);
	apply_directions(pc, agreement);
	peer_limit_all_layers(pc);
	peer_announce_senders(pc);
	if (!agreement->transport_count)
		pc->data_transport = pc->transport;
	apply_data_section(pc);
	for (size_t k = 0; k < agreement->transport_count; k++)
		peer_transport_start(pc->agreed[k]);
	return WLK_OK;
}
