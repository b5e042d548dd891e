/* addIceCandidate (W3C webrtc-pc 4.4.1.8): which description a candidate belongs to, and whether ICE is to hear of it. */
#include "peer/bundle.h"

enum { CANDIDATES_MAX = 256 }; /* lines that a remote section keeps; ICE uses 64 of them at most (R8) */

static struct sdp_media *section_of_candidate(const struct sdp_session *sdp, const wlk_ice_candidate *candidate)
{
	if (candidate->sdp_mid && *candidate->sdp_mid)
		return sdp_media_by_mid(sdp, str_of(candidate->sdp_mid));
	if (candidate->sdp_mline_index >= 0 && (size_t)candidate->sdp_mline_index < sdp->media_count)
		return sdp->media[candidate->sdp_mline_index];
	return NULL;
}

/* The transport whose ICE lines stand in this section; NULL where they stand in another one, with which it is bundled. */
static struct peer_transport *carried_transport(const wlk_peer_connection *pc, const struct sdp_media *media)
{
	const struct sdp_agreement *a = pc->agreement;

	for (size_t k = 0; a && k < a->transport_count; k++)
		if (a->transports[k].index == media->index)
			return pc->agreed[k];
	return NULL;
}

/*
 * The transport that hears of a candidate of this section: that on which it rides, when the section has its ICE parameters. A
 * section that was offered with others and is bundled has candidates for nobody.
 */
static struct peer_transport *hearing_transport(const wlk_peer_connection *pc, const struct sdp_session *sdp, const struct sdp_media *media)
{
	struct peer_transport *t = peer_agreed_transport(pc, media->index);

	struct str ufrag = sdp_media_ice(sdp, media).ufrag;

	return t && (!ufrag.size || str_equal(ufrag, str_of(ice_agent_remote_ufrag(t->ice)))) ? t : NULL;
}

/* RFC 8838 14, RFC 8840 4.4: |media| NULL is the whole generation. */
static wlk_err end_of_candidates(wlk_peer_connection *pc, struct peer_description *remote, struct sdp_media *media, bool in_force)
{
	bool all = true;

	for (size_t i = 0; i < remote->sdp->media_count; i++) {
		struct sdp_media *each = remote->sdp->media[i];

		if (!media || each == media)
			each->end_of_candidates = true;
		all &= each->end_of_candidates || sdp_media_rejected(each);
	}
	peer_description_changed(remote);
	for (size_t k = 0; in_force && pc->agreement && k < pc->agreement->transport_count; k++)
		if (all || (media && carried_transport(pc, media) == pc->agreed[k]))
			ice_agent_end_of_remote_candidates(pc->agreed[k]->ice, pc->now);
	peer_touch(pc);
	return WLK_OK;
}

/* Whether |ufrag| is that of |media|, or with |media| NULL that of any section. */
static bool has_ufrag(const struct sdp_session *sdp, const struct sdp_media *media, struct str ufrag)
{
	for (size_t i = 0; i < sdp->media_count; i++)
		if ((!media || media == sdp->media[i]) && str_equal(sdp_media_ice(sdp, sdp->media[i]).ufrag, ufrag))
			return true;
	return false;
}

/*
 * The description that a candidate belongs to: the pending one, or the one in force where the ufrag is of that generation
 * (W3C webrtc-pc 4.4.1.8). *media: its section, NULL for the end of a whole generation.
 */
static wlk_err find_generation(wlk_peer_connection *pc, const wlk_ice_candidate *candidate, struct str ufrag, bool is_end,
			       struct peer_description **out, struct sdp_media **media)
{
	struct peer_description *both[] = { &pc->pending_remote, &pc->current_remote };
	bool names_section = candidate && ((candidate->sdp_mid && *candidate->sdp_mid) || candidate->sdp_mline_index >= 0);
	bool section_found = false;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct sdp_media *section;

		if (!both[i]->sdp)
			continue;
		section = candidate ? section_of_candidate(both[i]->sdp, candidate) : NULL;
		if (!section && (names_section || !is_end))
			continue;
		section_found = true;
		if (ufrag.size && !has_ufrag(both[i]->sdp, section, ufrag))
			continue;
		*out = both[i];
		*media = section;
		return WLK_OK;
	}
	return peer_fail(pc, WLK_ERR_NOT_FOUND,
			 section_found ? "the candidate is of another ICE generation"
				       : "the candidate names no m-section of the remote description");
}

/*
 * A pending offer's transport is put into force by our answer; its candidates wait in the model. Those of a generation that
 * a restart is about to replace are only noted there.
 */
static bool is_in_force(const wlk_peer_connection *pc, const struct peer_description *remote)
{
	if (remote == &pc->current_remote)
		return !pc->remote_restarted && !pc->ice_restarted_locally;
	return remote->type != WLK_SDP_OFFER;
}

/*
 * Right and of no use: the peer connects to us from its active TCP candidates, and with rtcp-mux there is no second component.
 * Such a candidate is noted in the description and is no error of anybody.
 */
static bool is_superfluous(const struct ice_candidate *candidate)
{
	return candidate->component == 2 || candidate->tcptype == CANDIDATE_TCP_ACTIVE;
}

static wlk_err take_candidate(wlk_peer_connection *pc, struct peer_description *remote, struct sdp_media *media, bool in_force,
			      struct str text, wlk_err err)
{
	struct peer_transport *t = hearing_transport(pc, remote->sdp, media);

	if (peer_media_has_candidate(media, text))
		return WLK_OK;
	if (!err && media->candidate_count >= CANDIDATES_MAX)
		err = WLK_ERR_TOO_LARGE;
	if (!err && in_force && t)
		err = ice_agent_add_remote_candidate_line(t->ice, pc->now, text.at, text.size);
	if (err)
		return peer_fail(pc, err, "the candidate is not used: %s", wlk_strerror(err));
	if (sdp_add_candidate(remote->sdp, media, text))
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	peer_description_changed(remote);
	peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_peer_connection_add_ice_candidate(wlk_peer_connection *pc, const wlk_ice_candidate *candidate)
{
	bool is_end = !candidate || !candidate->candidate || !*candidate->candidate;
	struct ice_candidate_line line = { 0 };
	struct peer_description *remote = NULL;
	struct sdp_media *media = NULL;
	struct str ufrag = { 0 };
	bool in_force;
	wlk_err parsed = WLK_OK;
	wlk_err err;

	RECORD(pc, record_add_candidate(recorded, pc, candidate));
	if (pc->closed || (!pc->pending_remote.sdp && !pc->current_remote.sdp))
		return peer_fail(pc, WLK_ERR_STATE, "a candidate needs a remote description");
	peer_refresh_now(pc);
	if (!is_end) {
		parsed = ice_candidate_line_parse(&line, str_of(candidate->candidate));
		if (parsed && parsed != WLK_ERR_UNSUPPORTED)
			return peer_fail(pc, parsed, "the candidate cannot be read");
		ufrag = line.ufrag;
	}
	if (candidate && candidate->username_fragment && *candidate->username_fragment)
		ufrag = str_of(candidate->username_fragment);
	err = find_generation(pc, candidate, ufrag, is_end, &remote, &media);
	if (err)
		return err;
	if (is_end)
		return end_of_candidates(pc, remote, media, is_in_force(pc, remote));
	in_force = is_in_force(pc, remote) && !is_superfluous(&line.candidate);
	return take_candidate(pc, remote, media, in_force, str_of(candidate->candidate), parsed);
}
