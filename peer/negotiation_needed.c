/* Whether the descriptions in force are what the application wants (W3C webrtc-pc 4.7.3), and the event that says they are not. */
#include "peer/object.h"

/* The a=msid lines of |media| and the streams that the sender's track is in; "-" is none (RFC 8830 2). */
static bool names_the_streams(const struct sdp_media *media, const struct id_list *streams)
{
	size_t named = 0;

	for (size_t i = 0; i < media->msid_count; i++) {
		struct str stream = media->msids[i].stream;

		if (str_equal(stream, STR("-")))
			continue;
		if (!id_list_has(streams, stream))
			return false;
		named++;
	}
	return media->msid_count && named == streams->count;
}

static bool associated_needs(const wlk_peer_connection *pc, const struct wlk_transceiver *t)
{
	const struct sdp_session *local = pc->current_local.sdp;
	const struct sdp_session *remote = pc->current_remote.sdp;
	enum sdp_direction ours = sdp_media_direction(local, local->media[t->section]);
	enum sdp_direction theirs = sdp_direction_reverse(sdp_media_direction(remote, remote->media[t->section]));
	enum sdp_direction wanted = (enum sdp_direction)t->direction;

	/* An answer that may not send has no a=msid (RFC 9429 5.3.1); what it may is compared below. */
	if ((wanted & ours & SDP_SENDONLY) && !names_the_streams(local->media[t->section], &t->sender.streams))
		return true;
	if (pc->current_local.type == WLK_SDP_OFFER)
		return ours != wanted && theirs != wanted;
	return ours != (enum sdp_direction)(wanted & theirs);
}

static bool transceiver_needs(const wlk_peer_connection *pc, const struct wlk_transceiver *t)
{
	const struct sdp_session *local = pc->current_local.sdp;
	const struct sdp_session *remote = pc->current_remote.sdp;
	bool associated = t->section != SIZE_MAX && !t->mid_is_pending && local && remote && t->section < local->media_count &&
			  t->section < remote->media_count;

	if (t->stopped)
		return associated && !sdp_media_rejected(local->media[t->section]) && !sdp_media_rejected(remote->media[t->section]);
	return t->stopping || !associated || associated_needs(pc, t);
}

static bool is_needed(const wlk_peer_connection *pc)
{
	if (pc->wants_ice_restart || (pc->section_of_data == SIZE_MAX && !list_empty(&pc->channels)))
		return true;
	list_for_each(item, &pc->transceivers)
	{
		if (transceiver_needs(pc, list_entry(item, struct wlk_transceiver, link)))
			return true;
	}
	return false;
}

/* Not in stable: the way back to it asks again. */
void peer_update_negotiation_needed(wlk_peer_connection *pc)
{
	if (pc->closed || pc->signaling_state != WLK_SIGNALING_STABLE || pc->negotiation_check_queued)
		return;
	pc->negotiation_check_queued = true;
	peer_emit(pc, (wlk_event){ .type = WLK_EVENT_NEGOTIATION_NEEDED });
}

bool peer_negotiation_needed_is_due(wlk_peer_connection *pc)
{
	bool was_needed = pc->negotiation_needed;

	pc->negotiation_check_queued = false;
	if (pc->signaling_state != WLK_SIGNALING_STABLE)
		return false;
	pc->negotiation_needed = is_needed(pc);
	return pc->negotiation_needed && !was_needed;
}
