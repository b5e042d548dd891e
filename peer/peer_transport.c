/* A transport as an object: its layers made and freed, what they report, and what follows from it. */
#include "peer/peer_transport.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "peer/object.h"

/* An answer to the INIT that left with Finished comes right behind the server's Finished. */
#define INIT_ANSWER_US (20 * MILLISECOND)

/* ---- life ---- */

static wlk_err create_dtls(struct peer_transport *t)
{
	const struct dtls_config dtls = {
		.context = t->pc->env.dtls,
		.cert = t->pc->cert,
		.pool = t->pc->env.pool,
		.srtp_profiles = dtls_srtp_profiles_default,
		.srtp_profile_count = ARRAY_SIZE(dtls_srtp_profiles_default),
		.log_parent = t->log.prefix,
	};

	return dtls_transport_create(&t->dtls, &dtls);
}

static wlk_err create_media(struct peer_transport *t)
{
	const struct media_engine_config media = {
		.pool = t->pc->env.pool,
		.unix_us_at_zero = t->pc->env.unix_us_at_zero,
		.log_prefix = t->log.prefix,
	};

	return media_engine_create(&t->media, &media);
}

/* The first transport speaks under the name of its connection. */
static void name_logs(struct peer_transport *t)
{
	char name[16];

	t->log = t->pc->log;
	if (!t->number)
		return;
	snprintf(name, sizeof(name), "t%u", (unsigned)t->number);
	log_scope_init(&t->log, t->pc->log.prefix, name);
}

wlk_err peer_transport_create(struct peer_transport **out, wlk_peer_connection *pc, const struct ice_agent_config *ice)
{
	struct peer_transport *t = wlk_calloc(1, sizeof(*t));
	struct ice_agent_config config = *ice;
	wlk_err err;

	if (!t)
		return WLK_ERR_NOMEM;
	t->pc = pc;
	t->number = pc->next_transport;
	t->dtls_handle.transport = t->ice_handle.transport = t;
	t->dtls_restart_at = WLK_TIME_NEVER;
	t->say_init_at = WLK_TIME_NEVER;
	dgram_queue_init(&t->early_flights, DTLS_EARLY_HELLO_LIMIT);
	list_init(&t->link);
	name_logs(t);
	config.log_parent = t->log.prefix;
	config.pacers = &pc->ice_settings.pacers;
	config.caps = &pc->ice_settings.caps;
	config.first_request = (t->number & 0x7f) << 24; /* ids are told apart by the connection, whose requests they are */
	err = ice_agent_create(&t->ice, &config);
	if (!err)
		err = create_dtls(t);
	if (!err)
		err = create_media(t);
	if (err) {
		peer_transport_destroy(t);
		return err;
	}
	pc->next_transport++;
	*out = t;
	return WLK_OK;
}

static void forget_own_hello(struct peer_transport *t)
{
	if (t->own_hello)
		pktbuf_release(t->own_hello);
	t->own_hello = NULL;
}

void peer_transport_forget_init(struct peer_transport *t)
{
	if (t->own_init)
		pktbuf_release(t->own_init);
	t->own_init = NULL;
	t->say_init_at = WLK_TIME_NEVER;
}

void peer_transport_destroy(struct peer_transport *t)
{
	if (!t)
		return;
	list_remove(&t->link);
	media_engine_destroy(t->media);
	srtp_session_destroy(t->srtp);
	dtls_transport_destroy(t->dtls);
	forget_own_hello(t);
	peer_transport_forget_init(t);
	dgram_queue_free(&t->early_flights);
	ice_agent_destroy(t->ice);
	wlk_free(t);
}

void peer_transport_retire(struct peer_transport *t)
{
	LOG_I(t, "retired: no section rides on it");
	if (t->pc->sctp && t == t->pc->data_transport)
		sctp_assoc_close(t->pc->sctp, t->pc->now, false); /* its ABORT leaves with the farewells */
	media_engine_close(t->media, t->pc->now);
	peer_collect_farewell(t, &t->pc->farewell_queue);
	srtp_session_destroy(t->srtp);
	t->srtp = NULL;
	forget_own_hello(t);
	peer_transport_forget_init(t);
	dgram_queue_free(&t->early_flights);
	t->ice_state = WLK_ICE_STATE_CLOSED;
	t->dtls_state = WLK_DTLS_STATE_CLOSED;
	t->dtls_restart_at = WLK_TIME_NEVER;
	t->agreed = false;
	list_remove(&t->link);
	list_push_back(&t->pc->retired_transports, &t->link);
}

void peer_transport_set_controlling(struct peer_transport *t, bool controlling)
{
	t->role_is_known = true;
	ice_agent_set_controlling(t->ice, t->pc->now, controlling);
}

/* ---- starting what stands on something else ---- */

/*
 * A pair can be valid before the far end has our answer: it responds to checks with its own password alone. A ClientHello
 * that comes then is lost on some stacks and upsets others (libdatachannel), so the client waits for the first check of the
 * far end, which leaves the moment it has the answer: nothing is lost by that.
 */
static bool far_end_is_ready(const struct peer_transport *t)
{
	return !t->local_is_dtls_client || ice_agent_peer_knows_us(t->ice);
}

/* A server has nothing to say before it is spoken to; for a client see poll_own_hello() in output.c. */
static bool there_is_a_way(const struct peer_transport *t)
{
	wlk_addr local, remote;

	return ice_agent_selected(t->ice, &local, &remote) ||
	       (t->local_is_dtls_client && ice_agent_heard(t->ice, &local, &remote));
}

static void start_dtls(struct peer_transport *t)
{
	if (!t->agreed || dtls_transport_state(t->dtls) != DTLS_STATE_NEW || !far_end_is_ready(t) || !there_is_a_way(t))
		return;
	dtls_transport_set_rtt(t->dtls, ice_agent_rtt(t->ice));
	if (dtls_transport_start(t->dtls, t->pc->now,
				 t->local_is_dtls_client ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER))
		peer_set_failed(t->pc, "DTLS cannot be started");
}

void peer_transport_prepare_init(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;

	if (!t->agreed || !t->local_is_dtls_client || t != pc->data_transport || pc->sctp_started ||
	    dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTING)
		return;
	peer_sctp_start(pc);
	if (!pc->sctp_started || !sctp_assoc_poll_transmit(pc->sctp, pc->now, &t->own_init))
		return;
	if (t->own_init->size <= DTLS_FIRST_DATA_MAX)
		dtls_transport_set_first_data(t->dtls, t->own_init->data, t->own_init->size);
}

/* A server that has lost it, or that takes nothing with Finished, hears it again. */
static void say_init_again(struct peer_transport *t)
{
	if (t->pc->now < t->say_init_at)
		return;
	(void)dtls_transport_send(t->dtls, t->pc->now, t->own_init->data, t->own_init->size);
	peer_transport_forget_init(t);
}

static void allow_known_ssrcs(struct peer_transport *t)
{
	uint32_t ssrcs[2 * MEDIA_STREAMS_MAX];
	size_t count;

	if (!t->srtp)
		return;
	count = MIN(media_engine_known_ssrcs(t->media, ssrcs, ARRAY_SIZE(ssrcs)), ARRAY_SIZE(ssrcs));
	for (size_t i = 0; i < count; i++)
		if (srtp_session_allow_ssrc(t->srtp, ssrcs[i]))
			return; /* the others then pass through the budget of unknown ones (R19) */
}

static void start_srtp(struct peer_transport *t)
{
	struct dtls_srtp_export export;
	struct srtp_keys keys;
	wlk_err err;

	if (t->srtp)
		return;
	err = dtls_transport_export_srtp(t->dtls, &export);
	if (err == WLK_ERR_NOT_FOUND)
		return; /* the far end does no media */
	if (err) {
		peer_set_failed(t->pc, "SRTP keys cannot be exported");
		return;
	}
	err = srtp_keys_from_exporter(&keys, (enum srtp_keys_profile)export.profile, export.block, export.size, export.is_client);
	crypto_wipe(&export, sizeof(export));
	if (!err) {
		const struct srtp_session_config config = { .keys = &keys, .log_parent = t->log.prefix };

		err = srtp_session_create(&t->srtp, &config);
		srtp_keys_wipe(&keys);
	}
	if (err)
		peer_set_failed(t->pc, "SRTP cannot be set up");
	else
		media_engine_set_can_send(t->media);
	peer_announce_senders(t->pc);
}

/* Keys and associations stand on DTLS; offer and answer say what they are for. */
void peer_transport_start(struct peer_transport *t)
{
	start_dtls(t);
	peer_replay_early_flights(t);
	if (!t->agreed || dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTED)
		return;
	start_srtp(t);
	allow_known_ssrcs(t);
	if (t == t->pc->data_transport)
		peer_sctp_start(t->pc);
}

/* ---- ICE ---- */

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
		forget_own_hello(t); /* no path will come: the handshake's own time is up (R16) */
	tell_ice(t, WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE);
	peer_update_ice_state(t->pc);
	peer_update_connection_state(t->pc);
}

static void on_selected_pair(struct peer_transport *t, const struct ice_event *ice)
{
	wlk_event ev = { .type = WLK_EVENT_SELECTED_PAIR_CHANGE };

	tell_ice(t, WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE);
	ev.u.selected_pair.local = ice->local;
	ev.u.selected_pair.remote = ice->remote;
	peer_emit(t->pc, ev);
	media_engine_set_rtt(t->media, ice_agent_rtt(t->ice));
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

/* ---- DTLS ---- */

static const char *dtls_reason_text(enum dtls_reason reason)
{
	switch (reason) {
	case DTLS_REASON_FINGERPRINT:
		return "the certificate does not match the fingerprint of the description";
	case DTLS_REASON_ALERT:
		return "the far end sent a fatal DTLS alert";
	case DTLS_REASON_TIMEOUT:
		return "the DTLS handshake timed out";
	case DTLS_REASON_NO_MEMORY:
		return "out of memory in DTLS";
	default:
		return "the DTLS handshake failed";
	}
}

/* Which of the two alerts it was: ours is reported where the far end sent none. */
static wlk_error dtls_error(const struct dtls_event *ev)
{
	wlk_error error = WLK_ERROR_INIT;

	error.code = WLK_ERR_CRYPTO;
	error.name = "OperationError";
	error.message = dtls_reason_text(ev->reason);
	error.detail = ev->reason == DTLS_REASON_FINGERPRINT ? WLK_ERROR_DETAIL_FINGERPRINT_FAILURE : WLK_ERROR_DETAIL_DTLS_FAILURE;
	if (ev->reason == DTLS_REASON_ALERT)
		error.received_alert = ev->alert;
	else if (ev->alert)
		error.sent_alert = ev->alert;
	return error;
}

/* W3C webrtc-pc 5.5: the error comes before the state that it leads to. */
static void tell_dtls_error(struct peer_transport *t, const struct dtls_event *ev)
{
	wlk_event out = { .type = WLK_EVENT_DTLS_ERROR };
	wlk_error error = dtls_error(ev);
	char *lent = peer_lend_error(&error);

	peer_note_failure(t->pc, &error);
	out.u.dtls_error.transport = &t->dtls_handle;
	out.u.dtls_error.error = (const wlk_error *)(const void *)lent;
	peer_emit_text(t->pc, out, lent);
}

/* One that is tried again was told to nobody. */
static void tell_dtls(struct peer_transport *t, wlk_dtls_state state)
{
	wlk_event ev = { .type = WLK_EVENT_DTLS_STATE_CHANGE };

	if (state == t->dtls_state)
		return;
	t->dtls_state = state;
	ev.u.dtls_transport = &t->dtls_handle;
	peer_emit(t->pc, ev);
}

static void on_dtls_closed(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;

	t->remote_closed = true;
	peer_transport_forget_init(t);
	if (pc->sctp && t == pc->data_transport)
		sctp_assoc_close(pc->sctp, t->pc->now, false);
}

static void on_dtls_event(struct peer_transport *t, const struct dtls_event *ev)
{
	switch (ev->state) {
	case DTLS_STATE_CONNECTED:
		LOG_I(t, "DTLS up: %s", dtls_transport_cipher_name(t->dtls));
		tell_dtls(t, WLK_DTLS_STATE_CONNECTED);
		if (t->own_init)
			t->say_init_at = time_add(t->pc->now, INIT_ANSWER_US);
		peer_transport_start(t);
		break;
	case DTLS_STATE_CLOSED:
		/* A fatal alert ends it as a failure, close_notify in order (W3C webrtc-pc 5.5.1). */
		if (ev->reason == DTLS_REASON_ALERT)
			tell_dtls_error(t, ev);
		tell_dtls(t, ev->reason == DTLS_REASON_ALERT ? WLK_DTLS_STATE_FAILED : WLK_DTLS_STATE_CLOSED);
		if (ev->reason != DTLS_REASON_LOCAL_CLOSE)
			on_dtls_closed(t);
		if (ev->reason == DTLS_REASON_ALERT)
			peer_set_failed(t->pc, dtls_reason_text(ev->reason));
		break;
	case DTLS_STATE_FAILED:
		/* Forged datagrams can kill a handshake, not the call: a fresh one follows while ICE is up. */
		if (ev->restartable) {
			t->dtls_restart_at = time_add(t->pc->now, 100 * MILLISECOND);
			break;
		}
		tell_dtls_error(t, ev);
		tell_dtls(t, WLK_DTLS_STATE_FAILED);
		peer_set_failed(t->pc, dtls_reason_text(ev->reason));
		break;
	case DTLS_STATE_CONNECTING:
		tell_dtls(t, WLK_DTLS_STATE_CONNECTING);
		break;
	case DTLS_STATE_NEW:
		break;
	}
	peer_update_connection_state(t->pc);
}

bool peer_transport_pump_dtls(struct peer_transport *t)
{
	struct dtls_event ev;
	bool any = false;

	while (dtls_transport_poll_event(t->dtls, &ev)) {
		any = true;
		on_dtls_event(t, &ev);
	}
	return any;
}

/* ---- media ---- */

bool peer_transport_pump_media(struct peer_transport *t)
{
	struct media_event ev;
	bool any = false;

	while (media_engine_poll_event(t->media, &ev)) {
		any = true;
		if (ev.type == MEDIA_EVENT_KEY_FRAME_REQUEST) {
			struct wlk_transceiver *asked = peer_transceiver_by_section(t->pc, ev.section);

			if (asked)
				peer_emit_key_frame_request(asked, ev.layer);
		} else if (ev.type == MEDIA_EVENT_TARGET_BITRATE) {
			peer_emit_target_bitrate(t->pc, ev.section, ev.layer, ev.target_bps);
		} else if (ev.type == MEDIA_EVENT_DTMF) {
			peer_emit_dtmf(t->pc, &ev);
		} else if (ev.type == MEDIA_EVENT_REMB) {
			peer_tell_bitrate_limit(t->pc, ev.remb_bps);
		}
	}
	return any;
}

/* ---- time ---- */

wlk_time peer_transport_deadline(const struct peer_transport *t)
{
	wlk_time at = time_min(ice_agent_deadline(t->ice), time_min(t->dtls_restart_at, t->say_init_at));

	/* While ICE looks for a path, no time is up for DTLS. */
	if (!t->own_hello)
		at = time_min(at, dtls_transport_deadline(t->dtls));
	/* Without keys, or towards one who closed, nothing of it can leave, and its timers would be due for ever. */
	return t->srtp && !t->remote_closed ? time_min(at, media_engine_deadline(t->media)) : at;
}

static void restart_dtls_when_due(struct peer_transport *t)
{
	wlk_addr local, remote;

	if (t->pc->now < t->dtls_restart_at)
		return;
	t->dtls_restart_at = WLK_TIME_NEVER;
	if (ice_agent_selected(t->ice, &local, &remote) && !dtls_transport_restart(t->dtls, t->pc->now))
		return;
	tell_dtls_error(t, &(struct dtls_event){ .state = DTLS_STATE_FAILED, .reason = DTLS_REASON_PROTOCOL });
	tell_dtls(t, WLK_DTLS_STATE_FAILED);
	peer_set_failed(t->pc, "the DTLS handshake failed");
}

void peer_transport_handle_timeout(struct peer_transport *t)
{
	ice_agent_handle_timeout(t->ice, t->pc->now);
	if (!t->own_hello)
		dtls_transport_handle_timeout(t->dtls, t->pc->now);
	restart_dtls_when_due(t);
	say_init_again(t);
	media_engine_handle_timeout(t->media, t->pc->now);
}
