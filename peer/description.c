/* Descriptions as they are made, kept and lent, and our candidates in them (RFC 9429 4.1). */
#include <string.h>

#include "peer/object.h"

/* ---- one description ---- */

void peer_description_clear(struct peer_description *d)
{
	sdp_session_destroy(d->sdp);
	wlk_free(d->text);
	*d = (struct peer_description){ 0 };
}

void peer_description_move(struct peer_description *to, struct peer_description *from)
{
	peer_description_clear(to);
	*to = *from;
	*from = (struct peer_description){ 0 };
}

void peer_description_set(struct peer_description *d, wlk_sdp_type type, struct sdp_session *sdp)
{
	peer_description_clear(d);
	d->type = type;
	d->sdp = sdp;
}

void peer_description_changed(struct peer_description *d)
{
	wlk_free(d->text);
	d->text = NULL;
}

static const wlk_session_description *lend(struct peer_description *d, wlk_session_description *lent)
{
	if (!d->sdp)
		return NULL;
	if (!d->text) {
		struct text text;

		text_init(&text);
		if (sdp_write(d->sdp, &text)) {
			text_free(&text);
			return NULL;
		}
		d->text = text_take(&text);
	}
	lent->type = d->type;
	lent->sdp = d->text;
	return d->text ? lent : NULL;
}

const wlk_session_description *wlk_peer_connection_local_description(wlk_peer_connection *pc)
{
	return lend(pc->pending_local.sdp ? &pc->pending_local : &pc->current_local, &pc->lent_local);
}

const wlk_session_description *wlk_peer_connection_remote_description(wlk_peer_connection *pc)
{
	return lend(pc->pending_remote.sdp ? &pc->pending_remote : &pc->current_remote, &pc->lent_remote);
}

const wlk_session_description *wlk_peer_connection_current_local_description(wlk_peer_connection *pc)
{
	return lend(&pc->current_local, &pc->lent_each[0]);
}

const wlk_session_description *wlk_peer_connection_pending_local_description(wlk_peer_connection *pc)
{
	return lend(&pc->pending_local, &pc->lent_each[1]);
}

const wlk_session_description *wlk_peer_connection_current_remote_description(wlk_peer_connection *pc)
{
	return lend(&pc->current_remote, &pc->lent_each[2]);
}

const wlk_session_description *wlk_peer_connection_pending_remote_description(wlk_peer_connection *pc)
{
	return lend(&pc->pending_remote, &pc->lent_each[3]);
}

int wlk_peer_connection_can_trickle_ice_candidates(const wlk_peer_connection *pc)
{
	const struct sdp_session *sdp = pc->pending_remote.sdp ? pc->pending_remote.sdp : pc->current_remote.sdp;
	bool any = false;

	for (size_t i = 0; sdp && i < sdp->media_count; i++)
		any |= !sdp_media_rejected(sdp->media[i]) && sdp_media_has_ice_option(sdp, sdp->media[i], STR("trickle"));
	return sdp ? any : -1;
}

void peer_forget_made(wlk_peer_connection *pc)
{
	sdp_session_destroy(pc->offer_model);
	sdp_session_destroy(pc->answer_model);
	wlk_free(pc->last_offer);
	wlk_free(pc->last_answer);
	pc->offer_model = pc->answer_model = NULL;
	pc->last_offer = pc->last_answer = NULL;
}

void peer_descriptions_free(wlk_peer_connection *pc)
{
	peer_description_clear(&pc->current_local);
	peer_description_clear(&pc->current_remote);
	peer_description_clear(&pc->pending_local);
	peer_description_clear(&pc->pending_remote);
	peer_forget_made(pc);
	wlk_free(pc->mid_of_data);
	sdp_agreement_destroy(pc->agreement);
}

/* ---- candidates of ours ---- */

struct sdp_media *peer_transport_section(const struct peer_transport *t, const struct sdp_session *sdp)
{
	struct str ufrag = str_of(ice_agent_local_ufrag(t->ice));
	bool alone = t->pc->transports.next == t->pc->transports.prev;

	for (size_t i = 0; sdp && i < sdp->media_count; i++)
		if (!sdp_media_rejected(sdp->media[i]) && (alone || str_equal(sdp_media_ice(sdp, sdp->media[i]).ufrag, ufrag)))
			return sdp->media[i];
	return NULL;
}

struct peer_description *peer_local_in_progress(const wlk_peer_connection *pc)
{
	return (struct peer_description *)(uintptr_t)(pc->pending_local.sdp ? &pc->pending_local : &pc->current_local);
}

bool peer_restart_is_offered(const wlk_peer_connection *pc)
{
	const struct sdp_session *sdp = pc->pending_local.sdp;

	for (struct list *item = pc->transports.next; item != &pc->transports; item = item->next) {
		const struct peer_transport *t = list_entry(item, struct peer_transport, link);
		const struct sdp_media *media = t->restarted ? peer_transport_section(t, sdp) : NULL;

		if (media && str_equal(sdp_media_ice(sdp, media).ufrag, str_of(ice_agent_local_ufrag(t->ice))))
			return pc->ice_restarted_locally;
	}
	return false;
}

struct str peer_description_transport_mid(const struct peer_transport *t, int32_t *index)
{
	const struct sdp_media *media = peer_transport_section(t, peer_local_in_progress(t->pc)->sdp);

	*index = media ? (int32_t)media->index : -1;
	return media ? media->mid : (struct str){ "", 0 };
}

bool peer_media_has_candidate(const struct sdp_media *media, struct str line)
{
	for (size_t i = 0; i < media->candidate_count; i++)
		if (str_equal(media->candidates[i], line))
			return true;
	return false;
}

void peer_description_add_local_candidate(struct peer_transport *t, struct str line)
{
	struct peer_description *d = peer_local_in_progress(t->pc);
	struct sdp_media *media = peer_transport_section(t, d->sdp);

	if (!media || peer_media_has_candidate(media, line))
		return;
	if (sdp_add_candidate(d->sdp, media, line))
		LOG_W(t, "a candidate is missing in the local description: out of memory");
	peer_description_changed(d);
}

void peer_description_end_local_candidates(struct peer_transport *t)
{
	struct peer_description *d = peer_local_in_progress(t->pc);
	struct sdp_media *media = peer_transport_section(t, d->sdp);

	if (!media)
		return;
	media->end_of_candidates = true;
	peer_description_changed(d);
}

/* ---- making ---- */

/* Keep what was made, so that setting it can be told from setting something else. */
static wlk_err remember(wlk_peer_connection *pc, struct sdp_session *made, struct sdp_session **model, char **text, const char **out)
{
	struct text written;
	char *taken = NULL;

	text_init(&written);
	if (sdp_write(made, &written))
		text_free(&written);
	else
		taken = text_take(&written);
	if (!taken) {
		sdp_session_destroy(made);
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	}
	sdp_session_destroy(*model);
	wlk_free(*text);
	*model = made;
	*text = taken;
	*out = taken;
	return WLK_OK;
}

wlk_err wlk_peer_connection_create_offer(wlk_peer_connection *pc, const wlk_offer_options *options, const char **sdp)
{
	struct sdp_session *made;
	wlk_err err;

	RECORD(pc, record_create_offer(recorded, pc, options, sdp != NULL));
	if (!sdp || (options && options->struct_size != sizeof(*options)))
		return peer_fail(pc, WLK_ERR_INVALID, "an offer needs a place for its text, and WLK_OFFER_OPTIONS_INIT");
	if (pc->signaling_state != WLK_SIGNALING_STABLE && pc->signaling_state != WLK_SIGNALING_HAVE_LOCAL_OFFER)
		return peer_fail(pc, WLK_ERR_STATE, "no offer is made in %s", wlk_signaling_state_name(pc->signaling_state));
	peer_refresh_now(pc);
	err = peer_make_offer(pc, pc->wants_ice_restart || (options && options->ice_restart), &made);
	if (!err)
		err = remember(pc, made, &pc->offer_model, &pc->last_offer, sdp);
	if (!err)
		peer_keep_offered_mids(pc);
	return err;
}

wlk_err wlk_peer_connection_create_answer(wlk_peer_connection *pc, const char **sdp)
{
	struct sdp_session *made;
	wlk_err err;

	RECORD(pc, record_api_number(recorded, RECORD_CREATE_ANSWER, pc, sdp != NULL, 1));
	if (!sdp)
		return peer_fail(pc, WLK_ERR_INVALID, "an answer needs a place for its text");
	if (pc->signaling_state != WLK_SIGNALING_HAVE_REMOTE_OFFER && pc->signaling_state != WLK_SIGNALING_HAVE_LOCAL_PRANSWER)
		return peer_fail(pc, WLK_ERR_STATE, "no answer is made in %s", wlk_signaling_state_name(pc->signaling_state));
	peer_refresh_now(pc);
	err = peer_make_answer(pc, &made);
	return err ? err : remember(pc, made, &pc->answer_model, &pc->last_answer, sdp);
}
