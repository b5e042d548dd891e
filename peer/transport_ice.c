/* What the ICE agent of a transport reports, and what follows from it. */
#include <string.h>

#include "peer/object.h"

/*
 * A restarted agent announces its candidates at once, but the description that carries their generation is not set yet: it
 * will list them, and until then they mean nothing to the far end.
 */
static bool generation_is_unannounced(const struct peer_transport *t)
{
	const wlk_peer_connection *pc = t->pc;

	return t->restarted && !(pc->ice_restarted_locally && peer_restart_is_offered(pc));
}

/* Takes |line| over. One block lends all three strings, each with its NUL: the line, the mid and the fragment. */
static void emit_candidate(struct peer_transport *t, struct text *line)
{
	wlk_event ev = { .type = WLK_EVENT_ICE_CANDIDATE };
	struct str mid = peer_description_transport_mid(t, &ev.u.candidate.sdp_mline_index);
	char *lent;

	text_add_char(line, '\0');
	text_add_str(line, mid);
	text_add_char(line, '\0');
	text_add(line, ice_agent_local_ufrag(t->ice));
	lent = text_take(line);
	if (!lent) {
		t->pc->events_lost = true;
		return;
	}
	ev.u.candidate.sdp_mid = lent + strlen(lent) + 1;
	ev.u.candidate.username_fragment = ev.u.candidate.sdp_mid + mid.size + 1;
	peer_emit_text(t->pc, ev, lent);
}

static void on_local_candidate(struct peer_transport *t, const struct ice_event *ev)
{
	const struct ice_candidate_line told = { .candidate = ev->candidate, .host = ev->host };
	struct text line;

	if (generation_is_unannounced(t))
		return;
	text_init(&line);
	ice_candidate_line_write(&line, &told);
	if (!text_ok(&line)) {
		text_free(&line);
		return;
	}
	peer_description_add_local_candidate(t, (struct str){ line.at, line.size });
	emit_candidate(t, &line);
}

static void tell_ice(struct peer_transport *t, wlk_event_type type)
{
	wlk_event ev = { .type = type };

	ev.u.ice_transport = &t->ice_handle;
	peer_emit(t->pc, ev);
}

static void on_gathering_state(struct peer_transport *t, enum ice_gathering_state state)
{
	if (state == ICE_GATHERING_COMPLETE && !generation_is_unannounced(t)) {
		struct text none;

		text_init(&none);
		peer_description_end_local_candidates(t);
		emit_candidate(t, &none);
	}
	if (t->gathering_state == (wlk_ice_gathering_state)state)
		return;
	t->gathering_state = (wlk_ice_gathering_state)state;
	tell_ice(t, WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE);
	peer_update_gathering_state(t->pc);
}

static void on_ice_state(struct peer_transport *t, enum ice_state state)
{
	t->ice_state = (wlk_ice_state)state;
	if (state == ICE_STATE_FAILED)
		peer_transport_forget_own_hello(t); /* no path will come: the handshake's own time is up (R16) */
	tell_ice(t, WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE);
	peer_update_ice_state(t->pc);
	peer_update_connection_state(t->pc);
}

static void on_selected_pair(struct peer_transport *t, const struct ice_event *ice)
{
	wlk_event ev = { .type = WLK_EVENT_SELECTED_PAIR_CHANGE };

	if (!ice->is_other_pair)
		return;
	tell_ice(t, WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE);
	ev.u.selected_pair.local = ice->local;
	ev.u.selected_pair.remote = ice->remote;
	peer_emit(t->pc, ev);
	media_engine_set_rtt(t->media, ice_agent_rtt(t->ice));
	media_engine_path_changed(t->media, t->pc->now);
}

/* One block lends both strings. */
static void on_candidate_error(struct peer_transport *t, const struct ice_event *ice)
{
	wlk_event ev = { .type = WLK_EVENT_ICE_CANDIDATE_ERROR };
	struct text lent;
	char *at;

	text_init(&lent);
	text_add_str(&lent, ice->server_url);
	text_add_char(&lent, '\0');
	text_add_str(&lent, ice->error_text);
	at = text_take(&lent);
	if (!at) {
		LOG_W(t, "no memory to tell of an ICE server's error");
		return;
	}
	ev.u.candidate_error.address = ice->local;
	ev.u.candidate_error.url = at;
	ev.u.candidate_error.code = ice->error_code;
	ev.u.candidate_error.text = at + ice->server_url.size + 1;
	peer_emit_text(t->pc, ev, at);
}

bool peer_transport_pump_ice(struct peer_transport *t)
{
	struct ice_event ev;
	bool any = false;

	while (ice_agent_poll_event(t->ice, &ev)) {
		any = true;
		switch (ev.type) {
		case ICE_EVENT_LOCAL_CANDIDATE:
			on_local_candidate(t, &ev);
			break;
		case ICE_EVENT_GATHERING_STATE:
			on_gathering_state(t, ev.gathering_state);
			break;
		case ICE_EVENT_STATE:
			on_ice_state(t, ev.state);
			break;
		case ICE_EVENT_SELECTED_PAIR:
			on_selected_pair(t, &ev);
			peer_transport_start(t);
			break;
		case ICE_EVENT_VALIDATED:
			peer_transport_start(t);
			break;
		case ICE_EVENT_CANDIDATE_ERROR:
			on_candidate_error(t, &ev);
			break;
		case ICE_EVENT_RESTART_WANTED:
			peer_emit(t->pc, (wlk_event){ .type = WLK_EVENT_ICE_RESTART_WANTED });
			break;
		case ICE_EVENT_ROLE_CHANGED:
		case ICE_EVENT_CONSENT_EXPIRED:
			break;
		}
	}
	return any;
}
