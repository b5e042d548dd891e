/* Which transceiver stands on which m-section, and which section carries data (RFC 9429 5.7, 5.9, 5.10). */
#include <string.h>

#include "peer/bundle.h"

static bool is_media(const struct sdp_media *media)
{
	return media->kind == SDP_AUDIO || media->kind == SDP_VIDEO;
}

static wlk_media_kind kind_of(const struct sdp_media *media)
{
	return media->kind == SDP_AUDIO ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO;
}

static void dissociate(struct wlk_transceiver *t)
{
	wlk_free(t->mid);
	t->mid = NULL;
	t->mid_is_pending = false;
	t->section = SIZE_MAX;
	t->transport = NULL;
}

/* ---- an offer of ours ---- */

/* The transceiver that the new section was made for when the offer was; it may have been stopped since. */
static struct wlk_transceiver *offered_as(const wlk_peer_connection *pc, struct str mid)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->mid && str_equal(str_of(t->offered_mid), mid))
			return t;
	}
	return NULL;
}

/* Section |i| of an offer of ours gets its transceiver, or is the one for data; *mid is taken over where it is needed. */
static void take_section(wlk_peer_connection *pc, const struct sdp_session *offer, size_t i, char **mid)
{
	const struct sdp_media *media = offer->media[i];
	struct wlk_transceiver *t;

	if (media->kind == SDP_APPLICATION && !pc->mid_of_data && !sdp_media_rejected(media)) {
		pc->mid_of_data = *mid;
		*mid = NULL;
	}
	if (media->kind == SDP_APPLICATION && pc->mid_of_data && str_equal(str_of(pc->mid_of_data), media->mid))
		pc->section_of_data = i;
	if (!is_media(media))
		return;
	t = peer_transceiver_by_mid(pc, media->mid);
	if (!t && !sdp_media_rejected(media)) {
		t = offered_as(pc, media->mid);
		assert(t && "each new section of our offer was made for a transceiver");
		t->mid = *mid;
		*mid = NULL;
		t->mid_is_pending = true;
	}
	if (!t)
		return;
	t->section = i;
	t->transport = sdp_media_rejected(media) ? NULL : peer_transport_of_media(pc, offer, media);
}

/*
 * What was stopped before it was ever offered has nothing to negotiate: it leaves with the next description of ours
 * (https://github.com/w3c/webrtc-pc/issues/2838).
 */
static void retire_never_offered(wlk_peer_connection *pc)
{
	list_for_each_safe(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopping || t->section != SIZE_MAX)
			continue;
		peer_transceiver_stop(t);
		peer_transceiver_retire(t);
	}
}

wlk_err peer_associate_local_offer(wlk_peer_connection *pc, const struct sdp_session *offer)
{
	char **mids = wlk_calloc(offer->media_count + 1, sizeof(*mids));
	wlk_err err = mids ? WLK_OK : WLK_ERR_NOMEM;

	for (size_t i = 0; !err && i < offer->media_count; i++) {
		mids[i] = wlk_strndup(offer->media[i]->mid.at, offer->media[i]->mid.size);
		if (!mids[i])
			err = WLK_ERR_NOMEM;
	}
	for (size_t i = 0; !err && i < offer->media_count; i++)
		take_section(pc, offer, i, &mids[i]);
	if (!err)
		retire_never_offered(pc);
	for (size_t i = 0; mids && i < offer->media_count; i++)
		wlk_free(mids[i]);
	wlk_free(mids);
	return err;
}

/* ---- an offer of theirs ---- */

/* RFC 9429 5.10: one that add_track() made, and no description has yet, takes a section on which the far end receives. */
static struct wlk_transceiver *waiting_for_section(const wlk_peer_connection *pc, const struct sdp_session *offer,
						   const struct sdp_media *media)
{
	if (!(sdp_media_direction(offer, media) & SDP_RECVONLY))
		return NULL;
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->by_add_track && t->section == SIZE_MAX && !t->stopping && t->kind == kind_of(media))
			return t;
	}
	return NULL;
}

static wlk_err take_remote_section(wlk_peer_connection *pc, const struct sdp_session *offer, const struct sdp_media *media,
				   struct association *association)
{
	struct wlk_transceiver *t = waiting_for_section(pc, offer, media);
	char *mid = wlk_strndup(media->mid.at, media->mid.size);
	wlk_err err = mid ? WLK_OK : WLK_ERR_NOMEM;

	if (!err && !t) {
		err = peer_add_transceiver(pc, kind_of(media), WLK_DIRECTION_RECVONLY, &t);
		if (!err)
			t->created_by_remote = true;
	}
	if (err) {
		wlk_free(mid);
		return err;
	}
	t->mid = mid;
	t->mid_is_pending = true;
	t->section = media->index;
	association->taken[association->count++] = t;
	return WLK_OK;
}

/* A section that was recycled: the one that stood there before is stopped, and goes. */
static void clear_recycled(wlk_peer_connection *pc, const struct sdp_media *media)
{
	struct wlk_transceiver *t = peer_transceiver_by_section(pc, media->index);

	if (t && t->stopped && t->mid && !str_equal(str_of(t->mid), media->mid))
		peer_transceiver_retire(t);
}

static struct wlk_transceiver *transceiver_of_media(const wlk_peer_connection *pc, const struct sdp_media *media)
{
	struct wlk_transceiver *t = media->mid.size ? peer_transceiver_by_mid(pc, media->mid) : NULL;

	return t ? t : peer_transceiver_by_section(pc, media->index);
}

wlk_err peer_associate_remote_offer(wlk_peer_connection *pc, const struct sdp_session *offer, struct association *out)
{
	out->count = 0;
	for (size_t i = 0; i < offer->media_count; i++) {
		const struct sdp_media *media = offer->media[i];
		wlk_err err;

		if (!is_media(media) || sdp_media_rejected(media))
			continue;
		clear_recycled(pc, media);
		if (transceiver_of_media(pc, media))
			continue;
		err = take_remote_section(pc, offer, media, out);
		if (err) {
			peer_undo_association(pc, out);
			return peer_fail(pc, err, "a transceiver for m-line %zu cannot be made", i);
		}
	}
	return WLK_OK;
}

void peer_undo_association(wlk_peer_connection *pc, struct association *association)
{
	(void)pc;
	while (association->count) {
		struct wlk_transceiver *t = association->taken[--association->count];

		if (t->created_by_remote)
			peer_transceiver_free(t);
		else
			dissociate(t);
	}
}

/* ---- back, and out ---- */

bool peer_data_is_agreed(const wlk_peer_connection *pc)
{
	const struct sdp_session *local = pc->current_local.sdp;

	return local && pc->section_of_data < local->media_count && local->media[pc->section_of_data]->kind == SDP_APPLICATION &&
	       !sdp_media_rejected(local->media[pc->section_of_data]);
}

/*
 * RFC 9429 4.1.10.2, W3C 4.4.1.5: what the description associated is so no more, and what it made goes, unless add_track() has
 * given it a track: then it stays, as one that add_track() made.
 */
static void roll_back_transceiver(struct wlk_transceiver *t)
{
	peer_roll_back_remote_track(t);
	if (!t->mid_is_pending)
		return;
	dissociate(t);
	if (!t->created_by_remote)
		return;
	t->created_by_remote = false;
	if (t->had_add_track && !t->stopping) {
		t->by_add_track = true;
		return;
	}
	peer_transceiver_stop(t);
	peer_transceiver_retire(t);
}

void peer_roll_back_transceivers(wlk_peer_connection *pc)
{
	list_for_each_safe(item, &pc->transceivers)
		roll_back_transceiver(list_entry(item, struct wlk_transceiver, link));
	if (peer_data_is_agreed(pc))
		return;
	wlk_free(pc->mid_of_data);
	pc->mid_of_data = NULL;
	pc->section_of_data = SIZE_MAX;
}

static bool rejected_in(const struct sdp_session *sdp, size_t section)
{
	return sdp && section < sdp->media_count && sdp_media_rejected(sdp->media[section]);
}

void peer_retire_stopped(wlk_peer_connection *pc)
{
	list_for_each_safe(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (t->stopped && (rejected_in(pc->current_local.sdp, t->section) || rejected_in(pc->current_remote.sdp, t->section)))
			peer_transceiver_retire(t);
	}
}
