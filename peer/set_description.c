/* Setting descriptions: offers, answers and rollback, local and remote (RFC 9429 4.1, 5; W3C webrtc-pc 4.4.1.5). */
#include <string.h>

#include "peer/bundle.h"
#include "peer/signaling.h"

/* ---- committing ---- */

static void change_state(wlk_peer_connection *pc, wlk_signaling_state state)
{
	wlk_event ev = { .type = WLK_EVENT_SIGNALING_STATE_CHANGE };

	if (state == pc->signaling_state)
		return;
	LOG_D(pc, "signalling: %s -> %s", wlk_signaling_state_name(pc->signaling_state), wlk_signaling_state_name(state));
	pc->signaling_state = state;
	ev.u.signaling_state = state;
	peer_emit(pc, ev);
}

/* A description was set; the order of what is told is W3C's: the state, the tracks, whether negotiation is needed. */
static void finish_setting(wlk_peer_connection *pc, wlk_signaling_state state)
{
	change_state(pc, state);
	if (state == WLK_SIGNALING_STABLE)
		peer_keep_remote_tracks(pc);
	peer_tell_tracks(pc);
	if (state == WLK_SIGNALING_STABLE) {
		pc->negotiation_needed = false;
		peer_update_negotiation_needed(pc);
	}
	peer_touch(pc);
}

/* What has no m-section has no transport, and nothing to gather for. */
static void start_gathering(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (peer_transport_section(t, peer_local_in_progress(pc)->sdp) && ice_agent_gather(t->ice, pc->now))
			peer_set_failed(pc, "candidates cannot be gathered");
	}
}

/* RFC 8445 6.1.1: the first offerer controls. A later answer may find that an earlier offer of ours was taken back. */
static void set_controlling(wlk_peer_connection *pc, bool controlling)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (!t->remote_ice_applied)
			peer_transport_set_controlling(t, controlling);
	}
}

static wlk_err commit_local_offer(wlk_peer_connection *pc, struct sdp_session *offer)
{
	wlk_err err = peer_associate_local_offer(pc, offer);

	if (err)
		return peer_fail(pc, err, "out of memory");
	peer_description_set(&pc->pending_local, WLK_SDP_OFFER, offer);
	peer_use_transports(pc, offer);
	peer_spare_unused(pc); /* an offer that this one replaces may have had more */
	set_controlling(pc, true);
	pc->session_version++;
	pc->restart_wish_is_offered = pc->restart_wish_is_offered || pc->wants_ice_restart;
	pc->wants_ice_restart = false;
	return WLK_OK;
}

void peer_cancel_restarts(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (t->restarted && ice_agent_cancel_restart(t->ice, pc->now))
			LOG_D(t, "no ICE restart to take back");
		t->restarted = false;
	}
}

/* A restart that was created and never set is none: what is answered is an offer of the generation that goes on. */
static void drop_unset_restart(wlk_peer_connection *pc)
{
	if (!pc->ice_restarted_locally || peer_restart_is_offered(pc))
		return;
	peer_cancel_restarts(pc);
	pc->ice_restarted_locally = false;
}

/* Both descriptions are there: agree, put it into force, and make them the current ones unless it is provisional. */
static wlk_err commit_answer(wlk_peer_connection *pc, struct sdp_session *answer, wlk_sdp_type type, enum signaling_side side)
{
	const struct sdp_session *local = side == SIGNALING_LOCAL ? answer : pc->pending_local.sdp;
	const struct sdp_session *remote = side == SIGNALING_LOCAL ? pc->pending_remote.sdp : answer;
	struct sdp_agreement *agreement;
	struct sdp_error sdp_err = { 0 };
	wlk_err err = sdp_agree(&agreement, local, remote, side == SIGNALING_REMOTE, &sdp_err);

	if (err)
		return peer_fail_sdp(pc, err, "the descriptions do not agree", &sdp_err);
	drop_unset_restart(pc);
	err = peer_apply_agreement(pc, agreement, local);
	if (err) {
		sdp_agreement_destroy(agreement);
		return err;
	}
	peer_description_set(side == SIGNALING_LOCAL ? &pc->pending_local : &pc->pending_remote, type, answer);
	if (side == SIGNALING_LOCAL)
		pc->session_version++;
	if (type == WLK_SDP_ANSWER) {
		peer_description_move(&pc->current_local, &pc->pending_local);
		peer_description_move(&pc->current_remote, &pc->pending_remote);
		pc->restart_wish_is_offered = false;
		peer_forget_made(pc);
		peer_encodings_settle(pc);
		peer_retire_unused(pc);
	}
	if (side == SIGNALING_LOCAL)
		peer_process_local_directions(pc);
	else
		peer_process_remote_tracks(pc, type == WLK_SDP_ANSWER ? pc->current_remote.sdp : pc->pending_remote.sdp);
	if (type == WLK_SDP_ANSWER)
		peer_retire_stopped(pc);
	return WLK_OK;
}

static void roll_back(wlk_peer_connection *pc, enum signaling_side side)
{
	peer_cancel_restarts(pc);
	/* The wish for a restart outlives the offer that carried it (W3C webrtc-pc 4.4.1.5). */
	pc->wants_ice_restart = pc->wants_ice_restart || pc->restart_wish_is_offered;
	pc->restart_wish_is_offered = false;
	pc->ice_restarted_locally = false;
	pc->remote_restarted = false;
	peer_forget_made(pc);
	peer_description_clear(side == SIGNALING_LOCAL ? &pc->pending_local : &pc->pending_remote);
	peer_roll_back_transceivers(pc);
	peer_encodings_take_back(pc);
	peer_spare_unused(pc);
}

/* ---- setting: local ---- */

/* The type that the implicit form stands for (W3C webrtc-pc 4.4.2, setLocalDescription). */
static wlk_sdp_type implicit_type(const wlk_peer_connection *pc)
{
	bool answers = pc->signaling_state == WLK_SIGNALING_HAVE_REMOTE_OFFER ||
		       pc->signaling_state == WLK_SIGNALING_HAVE_LOCAL_PRANSWER;

	return answers ? WLK_SDP_ANSWER : WLK_SDP_OFFER;
}

/* R34: only what was created last can be set, to the letter; W3C calls the rest an InvalidModificationError. */
static wlk_err check_unchanged(wlk_peer_connection *pc, wlk_sdp_type type, const char *text)
{
	const char *made = type == WLK_SDP_OFFER ? pc->last_offer : pc->last_answer;

	if (!text || !*text || type < WLK_SDP_OFFER || type > WLK_SDP_ANSWER || (made && !strcmp(text, made)))
		return WLK_OK;
	return peer_fail(pc, WLK_ERR_NEGOTIATION, "a local %s must be what was created last", wlk_sdp_type_name(type));
}

/* The model behind what the application sets: what was created, or a fresh one for the implicit form. */
static wlk_err local_model(wlk_peer_connection *pc, wlk_sdp_type type, const char *text, struct sdp_session **out)
{
	bool offer = type == WLK_SDP_OFFER;
	const char *made;
	wlk_err err = WLK_OK;

	if ((!text || !*text) && offer)
		err = wlk_peer_connection_create_offer(pc, NULL, &made);
	else if (!text || !*text)
		err = wlk_peer_connection_create_answer(pc, &made);
	if (err)
		return err;
	err = sdp_session_clone(out, offer ? pc->offer_model : pc->answer_model);
	return err ? peer_fail(pc, err, "out of memory") : WLK_OK;
}

wlk_err wlk_peer_connection_set_local_description(wlk_peer_connection *pc, const wlk_session_description *description)
{
	wlk_sdp_type type = description ? description->type : implicit_type(pc);
	const char *text = description ? description->sdp : NULL;
	wlk_signaling_state next;
	struct sdp_session *sdp = NULL;
	wlk_err err = pc->closed ? WLK_OK : check_unchanged(pc, type, text);

	RECORD(pc, record_set_description(recorded, RECORD_SET_LOCAL, pc, description));
	if (err)
		return err;
	err = signaling_next(pc->signaling_state, SIGNALING_LOCAL, type, &next);
	if (err)
		return peer_fail(pc, err, "a local %s cannot be set in %s", wlk_sdp_type_name(type),
				 wlk_signaling_state_name(pc->signaling_state));
	peer_refresh_now(pc);
	if (type == WLK_SDP_ROLLBACK) {
		roll_back(pc, SIGNALING_LOCAL);
		finish_setting(pc, next);
		return WLK_OK;
	}
	err = local_model(pc, type, text, &sdp);
	if (err)
		return err;
	err = type == WLK_SDP_OFFER ? commit_local_offer(pc, sdp) : commit_answer(pc, sdp, type, SIGNALING_LOCAL);
	if (err) {
		sdp_session_destroy(sdp);
		return err;
	}
	finish_setting(pc, next);
	start_gathering(pc);
	return WLK_OK;
}

/* ---- setting: remote ---- */

/* What a remote description is measured by: a final answer by the provisional one, everything else by what is in force. */
static const struct sdp_session *previous_remote(const wlk_peer_connection *pc)
{
	return pc->pending_remote.type == WLK_SDP_PRANSWER ? pc->pending_remote.sdp : pc->current_remote.sdp;
}

/* Rejected by them, or by our answer. */
static bool was_rejected(const wlk_peer_connection *pc, const struct sdp_session *previous, size_t section)
{
	const struct sdp_session *local = previous == pc->current_remote.sdp ? pc->current_local.sdp : NULL;

	return sdp_media_rejected(previous->media[section]) ||
	       (local && section < local->media_count && sdp_media_rejected(local->media[section]));
}

/*
 * RFC 3264 8: m-lines stay where they are; only one that was rejected may become another (RFC 9429 5.2.2). An offer that replaces
 * one which was not answered yet may add to it.
 */
static wlk_err check_same_sections(const wlk_peer_connection *pc, const struct sdp_session *next, struct sdp_error *sdp_err)
{
	const struct sdp_session *previous = pc->pending_remote.sdp ? pc->pending_remote.sdp : pc->current_remote.sdp;

	if (previous && next->media_count < previous->media_count)
		return sdp_fail(sdp_err, WLK_ERR_NEGOTIATION, 0, "%zu m-lines follow %zu", next->media_count, previous->media_count);
	for (size_t i = 0; previous && i < previous->media_count; i++) {
		const struct sdp_media *before = previous->media[i];
		const struct sdp_media *after = next->media[i];

		if (was_rejected(pc, previous, i) || sdp_media_rejected(after))
			continue;
		if (before->kind != after->kind || !str_equal(before->mid, after->mid))
			return sdp_fail(sdp_err, WLK_ERR_NEGOTIATION, after->line, "m-line %zu was another one before", i);
	}
	return WLK_OK;
}

/* A transport whose DTLS runs cannot get another certificate. */
static bool replaces_certificate(const wlk_peer_connection *pc, const struct sdp_update *update)
{
	for (size_t i = 0; i < SDP_MAX_MEDIA && update->fingerprint_changed; i++) {
		const struct peer_transport *t = update->new_fingerprint[i] ? peer_agreed_transport(pc, i) : NULL;

		if (t && dtls_transport_state(t->dtls) != DTLS_STATE_NEW)
			return true;
	}
	return false;
}

/* Parse and judge a remote description; nothing of the object changes. */
static wlk_err read_remote(wlk_peer_connection *pc, const wlk_session_description *description, struct sdp_session **out,
			   struct sdp_update *update)
{
	bool is_answer = description->type != WLK_SDP_OFFER;
	struct sdp_error sdp_err = { 0 };
	struct sdp_session *sdp;
	wlk_err err;

	if (!description->sdp)
		return peer_fail(pc, WLK_ERR_INVALID, "a remote %s has a text", wlk_sdp_type_name(description->type));
	err = sdp_parse(&sdp, description->sdp, strlen(description->sdp), &sdp_err);
	if (err)
		return peer_fail_remote_sdp(pc, err, "the description cannot be read", &sdp_err, description->sdp);
	if (!sdp->origin_id.size)
		err = sdp_fail(&sdp_err, WLK_ERR_PARSE, 0, "no o= line"); /* RFC 8866 5 */
	if (!err)
		err = is_answer ? sdp_check_answer(pc->pending_local.sdp, sdp, &sdp_err) : sdp_check_offer(sdp, &sdp_err);
	*update = (struct sdp_update){ 0 };
	if (!err && !is_answer)
		err = check_same_sections(pc, sdp, &sdp_err);
	if (!err && previous_remote(pc))
		err = sdp_check_update(previous_remote(pc), sdp, is_answer, !is_answer || peer_restart_is_offered(pc), update, &sdp_err);
	if (!err && replaces_certificate(pc, update)) {
		err = WLK_ERR_UNSUPPORTED;
		sdp_fail(&sdp_err, err, 0, "a new certificate for a running connection needs a new connection");
	}
	if (err) {
		sdp_session_destroy(sdp);
		return peer_fail_remote_sdp(pc, err, is_answer ? "the answer does not fit" : "the offer cannot be accepted", &sdp_err,
					    description->sdp);
	}
	*out = sdp;
	return WLK_OK;
}

/* The application section that a remote offer brings: its index, SIZE_MAX for none. */
static size_t data_section_of(const wlk_peer_connection *pc, const struct sdp_session *offer)
{
	if (peer_data_is_agreed(pc))
		return pc->section_of_data;
	for (size_t i = 0; i < offer->media_count; i++)
		if (offer->media[i]->kind == SDP_APPLICATION && !sdp_media_rejected(offer->media[i]))
			return i;
	return SIZE_MAX;
}

/* Remember which section carries data, and its mid. */
static wlk_err take_data_section(wlk_peer_connection *pc, const struct sdp_session *offer)
{
	size_t section = data_section_of(pc, offer);
	char *mid = NULL;

	if (peer_data_is_agreed(pc))
		return WLK_OK;
	if (section != SIZE_MAX && offer->media[section]->mid.size) {
		mid = wlk_strndup(offer->media[section]->mid.at, offer->media[section]->mid.size);
		if (!mid)
			return WLK_ERR_NOMEM;
	}
	wlk_free(pc->mid_of_data);
	pc->mid_of_data = mid;
	pc->section_of_data = section;
	return WLK_OK;
}

/* Whether the far end's new description restarts the transport of one of the sections that ride on |t|. */
static bool restarts_transport(const struct peer_transport *t, const struct sdp_update *update)
{
	for (size_t i = 0; i < SDP_MAX_MEDIA; i++)
		if (update->restarts[i] && peer_agreed_transport(t->pc, i) == t)
			return true;
	return false;
}

/* New generations where the offer has them. What fails takes all restarts back, also one of ours that was created and not set. */
static wlk_err restart_wanted(wlk_peer_connection *pc, const struct sdp_update *update)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (!restarts_transport(t, update) || (t->restarted && !pc->ice_restarted_locally))
			continue;
		if (ice_agent_restart(t->ice, pc->now)) {
			peer_cancel_restarts(pc);
			pc->ice_restarted_locally = pc->remote_restarted = false;
			peer_forget_made(pc);
			return WLK_ERR_NOMEM;
		}
		t->restarted = true;
	}
	return WLK_OK;
}

/* ICE goes the way of the offer: a new generation, or back from one that an earlier offer, or nobody, asked for. */
static wlk_err follow_restart(wlk_peer_connection *pc, const struct sdp_update *update)
{
	bool wanted = update->ice_restart;
	wlk_err err;

	if (!pc->remote_restarted && !pc->ice_restarted_locally && !wanted)
		return WLK_OK;
	err = restart_wanted(pc, update);
	if (err)
		return err;
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);

		if (restarts_transport(t, update))
			continue;
		if (t->restarted && ice_agent_cancel_restart(t->ice, pc->now))
			LOG_D(t, "no ICE restart to take back");
		t->restarted = false;
	}
	pc->wants_ice_restart = !wanted && pc->wants_ice_restart;
	pc->remote_restarted = wanted;
	pc->ice_restarted_locally = false;
	return WLK_OK;
}

static wlk_err commit_remote_offer(wlk_peer_connection *pc, struct sdp_session *offer, const struct sdp_update *update)
{
	struct association association;
	wlk_err err = peer_associate_remote_offer(pc, offer, &association);

	if (err)
		return err;
	if ((err = follow_restart(pc, update)))
		peer_fail(pc, err, "ICE cannot be restarted");
	else if ((err = peer_encodings_propose(pc, offer)))
		peer_fail(pc, err, "no SSRCs for the layers of the offer");
	else if ((err = take_data_section(pc, offer)))
		peer_fail(pc, err, "out of memory");
	if (err) {
		peer_encodings_take_back(pc);
		peer_undo_association(pc, &association);
		return err;
	}
	set_controlling(pc, false);
	peer_forget_made(pc);
	peer_description_set(&pc->pending_remote, WLK_SDP_OFFER, offer);
	peer_process_remote_tracks(pc, offer);
	return WLK_OK;
}

wlk_err wlk_peer_connection_set_remote_description(wlk_peer_connection *pc, const wlk_session_description *description)
{
	wlk_signaling_state from = pc->signaling_state;
	wlk_signaling_state next;
	struct sdp_update update;
	struct sdp_session *sdp = NULL;
	bool glare;
	wlk_err err;

	RECORD(pc, record_set_description(recorded, RECORD_SET_REMOTE, pc, description));
	if (!description)
		return peer_fail(pc, WLK_ERR_INVALID, "a remote description is given");
	/* W3C webrtc-pc 4.4.1.5: a remote offer that meets our own takes ours back first. */
	glare = from == WLK_SIGNALING_HAVE_LOCAL_OFFER && description->type == WLK_SDP_OFFER;
	err = signaling_next(glare ? WLK_SIGNALING_STABLE : from, SIGNALING_REMOTE, description->type, &next);
	if (err)
		return peer_fail(pc, err, "a remote %s cannot be set in %s", wlk_sdp_type_name(description->type),
				 wlk_signaling_state_name(from));
	peer_refresh_now(pc);
	if (description->type == WLK_SDP_ROLLBACK) {
		roll_back(pc, SIGNALING_REMOTE);
		finish_setting(pc, next);
		return WLK_OK;
	}
	err = read_remote(pc, description, &sdp, &update);
	if (err)
		return err;
	if (glare) {
		roll_back(pc, SIGNALING_LOCAL);
		finish_setting(pc, WLK_SIGNALING_STABLE);
	}
	if (description->type == WLK_SDP_OFFER)
		err = commit_remote_offer(pc, sdp, &update);
	else
		err = commit_answer(pc, sdp, description->type, SIGNALING_REMOTE);
	if (err) {
		sdp_session_destroy(sdp);
		return err;
	}
	finish_setting(pc, next);
	return WLK_OK;
}

wlk_err wlk_peer_connection_restart_ice(wlk_peer_connection *pc)
{
	RECORD(pc, record_api(recorded, RECORD_RESTART_ICE, pc));
	if (pc->closed || !peer_local_in_progress(pc)->sdp)
		return WLK_OK; /* no credentials to replace */
	pc->wants_ice_restart = true;
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}
