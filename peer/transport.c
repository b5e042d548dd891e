/* What ICE, DTLS, SCTP and media report, what follows from it, and when each of them wants to be called again. */
#include <string.h>

#include "core/crypto.h"
#include "peer/object.h"

/* ---- states ---- */

static wlk_connection_state aggregate_state(const wlk_peer_connection *pc)
{
	enum dtls_state dtls = pc->dtls ? dtls_transport_state(pc->dtls) : DTLS_STATE_NEW;

	if (pc->closed || pc->remote_closed)
		return WLK_CONNECTION_CLOSED;
	if (pc->failure || pc->ice_state == WLK_ICE_CONNECTION_FAILED)
		return WLK_CONNECTION_FAILED;
	if (pc->ice_state == WLK_ICE_CONNECTION_DISCONNECTED)
		return WLK_CONNECTION_DISCONNECTED;
	if (pc->ice_state == WLK_ICE_CONNECTION_NEW && dtls == DTLS_STATE_NEW)
		return WLK_CONNECTION_NEW;
	if (dtls == DTLS_STATE_CONNECTED && pc->ice_state != WLK_ICE_CONNECTION_CHECKING)
		return WLK_CONNECTION_CONNECTED;
	return WLK_CONNECTION_CONNECTING;
}

static const char *state_reason(const wlk_peer_connection *pc)
{
	if (pc->failure)
		return pc->failure;
	if (pc->remote_closed)
		return "the far end closed the connection";
	if (pc->ice_state == WLK_ICE_CONNECTION_FAILED)
		return "no candidate pair works";
	return "";
}

void peer_update_connection_state(wlk_peer_connection *pc)
{
	wlk_connection_state state = aggregate_state(pc);
	wlk_event ev = { .type = WLK_EVENT_CONNECTION_STATE_CHANGE };

	if (state == pc->connection_state)
		return;
	LOG_I(pc, "connection: %s -> %s", wlk_connection_state_name(pc->connection_state), wlk_connection_state_name(state));
	pc->connection_state = state;
	ev.u.connection.state = state;
	ev.u.connection.reason = state_reason(pc);
	peer_emit(pc, ev);
}

void peer_set_failed(wlk_peer_connection *pc, const char *reason)
{
	if (pc->failure || pc->closed)
		return;
	pc->failure = reason;
	LOG_W(pc, "failed: %s", reason);
	peer_update_connection_state(pc);
}

/* ---- starting what stands on something else ---- */

/*
 * A pair can be valid before the far end has our answer: it responds to checks with its own password alone. A ClientHello
 * that comes then is lost on some stacks and upsets others (libdatachannel), so the client waits for the first check of the
 * far end, which leaves the moment it has the answer: nothing is lost by that.
 */
static bool far_end_is_ready(const wlk_peer_connection *pc)
{
	return !pc->agreement->transport.local_is_dtls_client || ice_agent_peer_knows_us(pc->ice);
}

static void start_dtls(wlk_peer_connection *pc)
{
	wlk_addr local, remote;

	if (!pc->agreement || !pc->agreement->transport.present || !pc->dtls)
		return;
	if (dtls_transport_state(pc->dtls) != DTLS_STATE_NEW || !far_end_is_ready(pc) ||
	    !ice_agent_selected(pc->ice, &local, &remote))
		return;
	dtls_transport_set_rtt(pc->dtls, ice_agent_rtt(pc->ice));
	if (dtls_transport_start(pc->dtls, pc->now,
				 pc->agreement->transport.local_is_dtls_client ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER))
		peer_set_failed(pc, "DTLS cannot be started");
}

static void allow_known_ssrcs(wlk_peer_connection *pc)
{
	uint32_t ssrcs[2 * MEDIA_STREAMS_MAX];
	size_t count;

	if (!pc->srtp || !pc->media)
		return;
	count = MIN(media_engine_known_ssrcs(pc->media, ssrcs, ARRAY_SIZE(ssrcs)), ARRAY_SIZE(ssrcs));
	for (size_t i = 0; i < count; i++)
		if (srtp_session_allow_ssrc(pc->srtp, ssrcs[i]))
			return; /* the others then pass through the budget of unknown ones (R19) */
}

static void start_srtp(wlk_peer_connection *pc)
{
	struct dtls_srtp_export export;
	struct srtp_keys keys;
	wlk_err err;

	if (pc->srtp)
		return;
	err = dtls_transport_export_srtp(pc->dtls, &export);
	if (err == WLK_ERR_NOT_FOUND)
		return; /* the far end does no media */
	if (err) {
		peer_set_failed(pc, "SRTP keys cannot be exported");
		return;
	}
	err = srtp_keys_from_exporter(&keys, (enum srtp_keys_profile)export.profile, export.block, export.size, export.is_client);
	crypto_wipe(&export, sizeof(export));
	if (!err) {
		const struct srtp_session_config config = { .keys = &keys, .log_parent = pc->log.prefix };

		err = srtp_session_create(&pc->srtp, &config);
		srtp_keys_wipe(&keys);
	}
	if (err)
		peer_set_failed(pc, "SRTP cannot be set up");
}

/*
 * R29: what fits into the datagram size that DTLS found, below the record and a TURN channel header. The handshake may have been
 * too small to meet a hole in the path, so full packets wait until ICE has seen one pass: one round trip after the first check.
 */
static size_t sctp_mtu(const wlk_peer_connection *pc)
{
	size_t payload = dtls_transport_mtu(pc->dtls) - DTLS_OVERHEAD - 4;

	if (!ice_agent_full_size_proven(pc->ice))
		return SCTP_ASSOC_MTU_SMALL;
	return MAX(payload & ~(size_t)3, (size_t)SCTP_ASSOC_MTU_SMALL);
}

static void start_sctp(wlk_peer_connection *pc)
{
	const struct sdp_agreed_section *section;
	struct sctp_assoc_start params;

	if (pc->sctp_started || pc->section_of_data >= pc->agreement->section_count)
		return;
	section = &pc->agreement->sections[pc->section_of_data];
	if (section->rejected || section->kind != SDP_APPLICATION)
		return;
	params = (struct sctp_assoc_start){
		.dtls_client = dtls_transport_role(pc->dtls) == DTLS_ROLE_CLIENT,
		.remote_port = section->remote_sctp_port,
		.mtu = sctp_mtu(pc),
		.remote_max_message_size = (size_t)MIN(section->remote_max_message_size, (uint64_t)SIZE_MAX),
	};
	pc->sctp_started = !peer_need_sctp(pc);
	if (!pc->sctp_started || sctp_assoc_start(pc->sctp, pc->now, &params))
		peer_set_failed(pc, "SCTP cannot be started");
}

static void raise_sctp_mtu(wlk_peer_connection *pc)
{
	size_t mtu;

	if (!pc->sctp_started || pc->sctp_mtu_is_full || !ice_agent_full_size_proven(pc->ice))
		return;
	mtu = sctp_mtu(pc);
	pc->sctp_mtu_is_full = true;
	sctp_assoc_raise_mtu(pc->sctp, pc->now, mtu);
}

void peer_start_transports(wlk_peer_connection *pc)
{
	start_dtls(pc);
	peer_replay_early_hellos(pc);
	if (!pc->dtls || !pc->agreement || dtls_transport_state(pc->dtls) != DTLS_STATE_CONNECTED)
		return;
	start_srtp(pc);
	allow_known_ssrcs(pc);
	start_sctp(pc);
}

static void wake_owner(void *user)
{
	wlk_peer_connection *pc = user;

	if (pc->env.wake)
		pc->env.wake(pc->env.wake_user);
}

wlk_err peer_need_sctp(wlk_peer_connection *pc)
{
	struct sctp_assoc_config config;

	if (pc->sctp)
		return WLK_OK;
	sctp_assoc_config_init(&config);
	config.pool = pc->env.pool;
	config.streams = pc->sctp_streams;
	config.max_message_size = pc->max_message_size;
	config.budget = (struct sctp_budget){ .used = &pc->memory_used, .limit = pc->memory_budget };
	config.wake = wake_owner;
	config.wake_user = pc;
	config.log_parent = pc->log.prefix;
	return sctp_assoc_create(&pc->sctp, &config);
}

/* ---- ICE ---- */

/*
 * A restarted agent announces its candidates at once, but the description that carries their generation is not set yet: it
 * will list them, and until then they mean nothing to the far end.
 */
static bool generation_is_unannounced(const wlk_peer_connection *pc)
{
	return pc->remote_restarted || (pc->ice_restarted_locally && !pc->pending_local.sdp);
}

/* Takes |line| over. One block lends all three strings, each with its NUL: the line, the mid and the fragment. */
static void emit_candidate(wlk_peer_connection *pc, struct text *line)
{
	wlk_event ev = { .type = WLK_EVENT_ICE_CANDIDATE };
	struct str mid = peer_description_transport_mid(pc, &ev.u.candidate.sdp_mline_index);
	char *lent;

	text_add_char(line, '\0');
	text_add_str(line, mid);
	text_add_char(line, '\0');
	text_add(line, ice_agent_local_ufrag(pc->ice));
	lent = text_take(line);
	if (!lent) {
		pc->events_lost = true;
		return;
	}
	ev.u.candidate.sdp_mid = lent + strlen(lent) + 1;
	ev.u.candidate.username_fragment = ev.u.candidate.sdp_mid + mid.size + 1;
	peer_emit_text(pc, ev, lent);
}

static void on_local_candidate(wlk_peer_connection *pc, const struct ice_event *ev)
{
	const struct ice_candidate_line told = { .candidate = ev->candidate, .host = ev->host };
	struct text line;

	if (generation_is_unannounced(pc))
		return;
	text_init(&line);
	ice_candidate_line_write(&line, &told);
	if (!text_ok(&line)) {
		text_free(&line);
		return;
	}
	peer_description_add_local_candidate(pc, (struct str){ line.at, line.size });
	emit_candidate(pc, &line);
}

static void on_gathering_state(wlk_peer_connection *pc, enum ice_gathering_state state)
{
	wlk_event ev = { .type = WLK_EVENT_ICE_GATHERING_STATE_CHANGE };

	if (state == ICE_GATHERING_COMPLETE && !generation_is_unannounced(pc)) {
		struct text none;

		text_init(&none);
		peer_description_end_local_candidates(pc);
		emit_candidate(pc, &none);
	}
	pc->gathering_state = (wlk_ice_gathering_state)state;
	ev.u.ice_gathering_state = pc->gathering_state;
	peer_emit(pc, ev);
}

static void on_ice_state(wlk_peer_connection *pc, enum ice_state state)
{
	wlk_event ev = { .type = WLK_EVENT_ICE_CONNECTION_STATE_CHANGE };

	pc->ice_state = (wlk_ice_connection_state)state;
	ev.u.ice_connection_state = pc->ice_state;
	peer_emit(pc, ev);
	peer_update_connection_state(pc);
}

static void on_selected_pair(wlk_peer_connection *pc, const struct ice_event *ice)
{
	wlk_event ev = { .type = WLK_EVENT_SELECTED_PAIR_CHANGE };

	pc->selected_pair_changes++;
	ev.u.selected_pair.local = ice->local;
	ev.u.selected_pair.remote = ice->remote;
	peer_emit(pc, ev);
	if (pc->media)
		media_engine_set_rtt(pc->media, ice_agent_rtt(pc->ice));
}

/* One block lends both strings. */
static void on_candidate_error(wlk_peer_connection *pc, const struct ice_event *ice)
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
		LOG_W(pc, "no memory to tell of an ICE server's error");
		return;
	}
	ev.u.candidate_error.address = ice->local;
	ev.u.candidate_error.url = at;
	ev.u.candidate_error.code = ice->error_code;
	ev.u.candidate_error.text = at + ice->server_url.size + 1;
	peer_emit_text(pc, ev, at);
}

static bool pump_ice(wlk_peer_connection *pc)
{
	struct ice_event ev;
	bool any = false;

	while (ice_agent_poll_event(pc->ice, &ev)) {
		any = true;
		switch (ev.type) {
		case ICE_EVENT_LOCAL_CANDIDATE:
			on_local_candidate(pc, &ev);
			break;
		case ICE_EVENT_GATHERING_STATE:
			on_gathering_state(pc, ev.gathering_state);
			break;
		case ICE_EVENT_STATE:
			on_ice_state(pc, ev.state);
			break;
		case ICE_EVENT_SELECTED_PAIR:
			on_selected_pair(pc, &ev);
			peer_start_transports(pc);
			break;
		case ICE_EVENT_VALIDATED:
			peer_start_transports(pc);
			break;
		case ICE_EVENT_CANDIDATE_ERROR:
			on_candidate_error(pc, &ev);
			break;
		case ICE_EVENT_RESTART_WANTED:
			peer_emit(pc, (wlk_event){ .type = WLK_EVENT_ICE_RESTART_WANTED });
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

static void on_dtls_event(wlk_peer_connection *pc, const struct dtls_event *ev)
{
	switch (ev->state) {
	case DTLS_STATE_CONNECTED:
		LOG_I(pc, "DTLS up: %s", dtls_transport_cipher_name(pc->dtls));
		peer_start_transports(pc);
		break;
	case DTLS_STATE_CLOSED:
		if (ev->reason != DTLS_REASON_LOCAL_CLOSE) {
			pc->remote_closed = true;
			if (pc->sctp)
				sctp_assoc_close(pc->sctp, pc->now, false);
		}
		break;
	case DTLS_STATE_FAILED:
		/* Forged datagrams can kill a handshake, not the call: a fresh one follows while ICE is up. */
		if (ev->restartable)
			pc->dtls_restart_at = time_add(pc->now, 100 * MILLISECOND);
		else
			peer_set_failed(pc, dtls_reason_text(ev->reason));
		break;
	case DTLS_STATE_NEW:
	case DTLS_STATE_CONNECTING:
		break;
	}
	peer_update_connection_state(pc);
}

static bool pump_dtls(wlk_peer_connection *pc)
{
	struct dtls_event ev;
	bool any = false;

	while (pc->dtls && dtls_transport_poll_event(pc->dtls, &ev)) {
		any = true;
		on_dtls_event(pc, &ev);
	}
	return any;
}

/* ---- SCTP ---- */

static const char *channel_error_text(wlk_err err)
{
	switch (err) {
	case WLK_ERR_TOO_LARGE:
		return "a message was larger than we announced";
	case WLK_ERR_NOSPACE:
		return "no SCTP stream is left for the channel";
	default:
		return "the association ended";
	}
}

static const wlk_event_type channel_event_types[] = {
	[SCTP_EV_CHANNEL_NEW] = WLK_EVENT_DATA_CHANNEL,
	[SCTP_EV_CHANNEL_OPEN] = WLK_EVENT_DATA_CHANNEL_OPEN,
	[SCTP_EV_WRITABLE] = WLK_EVENT_DATA_CHANNEL_WRITABLE,
	[SCTP_EV_BUFFERED_LOW] = WLK_EVENT_DATA_CHANNEL_BUFFERED_AMOUNT_LOW,
	[SCTP_EV_CHANNEL_CLOSING] = WLK_EVENT_DATA_CHANNEL_CLOSING,
	[SCTP_EV_CHANNEL_ERROR] = WLK_EVENT_DATA_CHANNEL_ERROR,
	[SCTP_EV_CHANNEL_CLOSED] = WLK_EVENT_DATA_CHANNEL_CLOSE,
};

static void on_channel_event(wlk_peer_connection *pc, const struct sctp_assoc_event *sctp)
{
	wlk_data_channel *channel = sctp_channel_user(sctp->channel);
	wlk_event ev = { 0 };

	if (!channel && !(channel = peer_channel_adopt(pc, sctp->channel)))
		return;
	if (sctp->type == SCTP_EV_CHANNEL_OPEN)
		pc->channels_opened++;
	if (sctp->type == SCTP_EV_CHANNEL_CLOSED)
		pc->channels_closed++;
	if (sctp->type == SCTP_EV_MESSAGE) {
		ev.type = WLK_EVENT_DATA_CHANNEL_MESSAGE;
		ev.u.message.channel = channel;
	} else {
		ev.type = channel_event_types[sctp->type];
		ev.u.channel.channel = channel;
		ev.u.channel.error = sctp->type == SCTP_EV_CHANNEL_ERROR ? channel_error_text(sctp->error) : "";
	}
	peer_emit(pc, ev);
}

/* Some stacks (libdatachannel) end a connection by SCTP's ABORT alone: with no media left, nothing is left at all. */
static bool only_data_was_agreed(const wlk_peer_connection *pc)
{
	for (size_t i = 0; pc->agreement && i < pc->agreement->section_count; i++) {
		const struct sdp_agreed_section *section = &pc->agreement->sections[i];

		if (!section->rejected && section->kind != SDP_APPLICATION)
			return false;
	}
	return true;
}

static void on_sctp_state(wlk_peer_connection *pc, const struct sctp_assoc_event *ev)
{
	if (ev->state != SCTP_ASSOC_CLOSED)
		return;
	LOG_I(pc, "SCTP closed, cause %d, error %u", (int)ev->cause, (unsigned)ev->error_code);
	if (ev->cause == SCTP_CAUSE_MEMORY)
		peer_set_failed(pc, "the memory budget of the connection is spent");
	if ((ev->cause == SCTP_CAUSE_PEER_ABORT || ev->cause == SCTP_CAUSE_PEER_CLOSED) && only_data_was_agreed(pc)) {
		pc->remote_closed = true;
		peer_update_connection_state(pc);
	}
}

static bool pump_sctp(wlk_peer_connection *pc)
{
	struct sctp_assoc_event ev;
	bool any = false;

	while (pc->sctp && sctp_assoc_poll_event(pc->sctp, &ev)) {
		any = true;
		if (ev.type == SCTP_EV_STATE)
			on_sctp_state(pc, &ev);
		else
			on_channel_event(pc, &ev);
	}
	return any;
}

/* ---- media ---- */

static bool pump_media(wlk_peer_connection *pc)
{
	struct media_event ev;
	bool any = false;

	while (pc->media && media_engine_poll_event(pc->media, &ev)) {
		wlk_event out = { 0 };

		any = true;
		if (ev.type == MEDIA_EVENT_KEY_FRAME_REQUEST) {
			out.type = WLK_EVENT_KEY_FRAME_REQUEST;
			out.u.key_frame = peer_transceiver_by_section(pc, ev.section);
			if (out.u.key_frame)
				peer_emit(pc, out);
		} else if (ev.type == MEDIA_EVENT_REMB) {
			out.type = WLK_EVENT_BITRATE_LIMIT;
			out.u.bitrate_limit = ev.remb_bps;
			peer_emit(pc, out);
		}
	}
	return any;
}

static void tell_sctp_of_path(wlk_peer_connection *pc)
{
	bool doubt = ice_agent_in_doubt(pc->ice);

	if (!pc->sctp || !pc->sctp_started || doubt == pc->path_in_doubt)
		return;
	pc->path_in_doubt = doubt;
	sctp_assoc_set_path_in_doubt(pc->sctp, pc->now, doubt);
}

void peer_pump(wlk_peer_connection *pc)
{
	bool moved = true;

	while (moved && !pc->closed) {
		moved = pump_ice(pc);
		raise_sctp_mtu(pc);
		tell_sctp_of_path(pc);
		moved |= pump_dtls(pc);
		moved |= pump_sctp(pc);
		moved |= pump_media(pc);
	}
	if (pc->events_lost && peer_events_have_room(pc))
		peer_set_failed(pc, "out of memory");
}

/* ---- time ---- */

wlk_time peer_deadline(const wlk_peer_connection *pc)
{
	wlk_time at;

	if (pc->closed)
		return WLK_TIME_NEVER;
	at = time_min(ice_agent_deadline(pc->ice), pc->dtls_restart_at);
	if (pc->dtls)
		at = time_min(at, dtls_transport_deadline(pc->dtls));
	if (pc->sctp)
		at = time_min(at, sctp_assoc_deadline(pc->sctp));
	/* Without keys, or towards one who closed, nothing of it can leave, and its timers would be due for ever. */
	if (pc->media && pc->srtp && !pc->remote_closed)
		at = time_min(at, media_engine_deadline(pc->media));
	return at;
}

static void restart_dtls_when_due(wlk_peer_connection *pc)
{
	wlk_addr local, remote;

	if (pc->now < pc->dtls_restart_at)
		return;
	pc->dtls_restart_at = WLK_TIME_NEVER;
	if (!ice_agent_selected(pc->ice, &local, &remote) || dtls_transport_restart(pc->dtls, pc->now))
		peer_set_failed(pc, "the DTLS handshake failed");
}

void peer_handle_timeout(wlk_peer_connection *pc, wlk_time now)
{
	peer_set_now(pc, now);
	if (pc->closed)
		return;
	ice_agent_handle_timeout(pc->ice, pc->now);
	if (pc->dtls) {
		dtls_transport_handle_timeout(pc->dtls, pc->now);
		restart_dtls_when_due(pc);
	}
	if (pc->sctp)
		sctp_assoc_handle_timeout(pc->sctp, pc->now);
	if (pc->media)
		media_engine_handle_timeout(pc->media, pc->now);
	peer_pump(pc);
}
