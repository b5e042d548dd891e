/* The SCTP association of a connection: started on the transport of its section, pumped, and seen as RTCSctpTransport. */
#include "peer/object.h"

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

/*
 * R29: what fits into the datagram size that DTLS found, below the record and a TURN channel header. The handshake may have been
 * too small to meet a hole in the path, so full packets wait until ICE has seen one pass: one round trip after the first check.
 */
static size_t sctp_mtu(const wlk_peer_connection *pc)
{
	size_t payload = dtls_transport_mtu(pc->data_transport->dtls) - DTLS_OVERHEAD - 4;

	if (!ice_agent_full_size_proven(pc->data_transport->ice) ||
	    dtls_transport_state(pc->data_transport->dtls) != DTLS_STATE_CONNECTED)
		return SCTP_ASSOC_MTU_SMALL;
	return MAX(payload & ~(size_t)3, (size_t)SCTP_ASSOC_MTU_SMALL);
}

void peer_sctp_start(wlk_peer_connection *pc)
{
	const struct sdp_agreed_section *section;
	struct sctp_assoc_start params;

	if (pc->sctp_started || !pc->agreement || pc->section_of_data >= pc->agreement->section_count)
		return;
	section = &pc->agreement->sections[pc->section_of_data];
	if (section->rejected || section->kind != SDP_APPLICATION)
		return;
	params = (struct sctp_assoc_start){
		.dtls_client = dtls_transport_role(pc->data_transport->dtls) == DTLS_ROLE_CLIENT,
		.remote_port = section->remote_sctp_port,
		.mtu = sctp_mtu(pc),
		.remote_max_message_size = (size_t)MIN(section->remote_max_message_size, (uint64_t)SIZE_MAX),
	};
	pc->sctp_started = !peer_need_sctp(pc);
	if (!pc->sctp_started || sctp_assoc_start(pc->sctp, pc->now, &params))
		peer_set_failed(pc, "SCTP cannot be started");
}

static void raise_mtu(wlk_peer_connection *pc)
{
	size_t mtu;

	if (!pc->sctp_started || pc->sctp_mtu_is_full || !ice_agent_full_size_proven(pc->data_transport->ice) ||
	    dtls_transport_state(pc->data_transport->dtls) != DTLS_STATE_CONNECTED)
		return;
	mtu = sctp_mtu(pc);
	pc->sctp_mtu_is_full = true;
	sctp_assoc_raise_mtu(pc->sctp, pc->now, mtu);
}

/* ---- what it reports ---- */

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

/* W3C webrtc-pc 6.2: the association took the channel with it, or it failed by itself. */
static wlk_error channel_error(const wlk_peer_connection *pc, wlk_err err)
{
	wlk_error error = WLK_ERROR_INIT;

	error.code = err;
	error.name = "OperationError";
	error.message = channel_error_text(err);
	error.detail = err == WLK_ERR_CLOSED ? WLK_ERROR_DETAIL_SCTP_FAILURE : WLK_ERROR_DETAIL_DATA_CHANNEL_FAILURE;
	if (err == WLK_ERR_CLOSED)
		error.sctp_cause_code = pc->sctp_cause;
	return error;
}

/* One block lends the details; the association's own failure is told before those of its channels. */
static char *lend_channel_error(wlk_peer_connection *pc, wlk_err err, wlk_event *ev)
{
	wlk_error error = channel_error(pc, err);
	char *lent = peer_lend_error(&error);

	peer_note_failure(pc, &error);
	ev->u.channel.error = error.message;
	ev->u.channel.details = (const wlk_error *)(const void *)lent;
	return lent;
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
	char *lent = NULL;

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
		ev.u.channel.error = "";
		if (sctp->type == SCTP_EV_CHANNEL_ERROR)
			lent = lend_channel_error(pc, sctp->error, &ev);
	}
	peer_emit_text(pc, ev, lent);
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

static void set_state(wlk_peer_connection *pc, wlk_sctp_state state)
{
	wlk_event ev = { .type = WLK_EVENT_SCTP_STATE_CHANGE };

	if (state == pc->sctp_handle.state)
		return;
	pc->sctp_handle.state = state;
	ev.u.sctp_transport = &pc->sctp_handle;
	peer_emit(pc, ev);
}

static void on_sctp_state(wlk_peer_connection *pc, const struct sctp_assoc_event *ev)
{
	if (ev->state == SCTP_ASSOC_CONNECTED)
		set_state(pc, WLK_SCTP_STATE_CONNECTED);
	if (ev->state != SCTP_ASSOC_CLOSED)
		return;
	LOG_I(pc, "SCTP closed, cause %d, error %u", (int)ev->cause, (unsigned)ev->error_code);
	if (ev->cause == SCTP_CAUSE_PEER_ABORT && ev->error_code)
		pc->sctp_cause = ev->error_code;
	set_state(pc, WLK_SCTP_STATE_CLOSED);
	if (ev->cause == SCTP_CAUSE_MEMORY)
		peer_set_failed(pc, "the memory budget of the connection is spent");
	if ((ev->cause == SCTP_CAUSE_PEER_ABORT || ev->cause == SCTP_CAUSE_PEER_CLOSED) && only_data_was_agreed(pc)) {
		pc->sctp_ended = true;
		peer_update_connection_state(pc);
	}
}

static void tell_of_path(wlk_peer_connection *pc)
{
	bool doubt = ice_agent_in_doubt(pc->data_transport->ice);

	if (!pc->sctp || !pc->sctp_started || doubt == pc->path_in_doubt)
		return;
	pc->path_in_doubt = doubt;
	sctp_assoc_set_path_in_doubt(pc->sctp, pc->now, doubt);
}

bool peer_sctp_pump(wlk_peer_connection *pc)
{
	struct sctp_assoc_event ev;
	bool any = false;

	raise_mtu(pc);
	tell_of_path(pc);
	while (pc->sctp && sctp_assoc_poll_event(pc->sctp, &ev)) {
		any = true;
		if (ev.type == SCTP_EV_STATE)
			on_sctp_state(pc, &ev);
		else
			on_channel_event(pc, &ev);
	}
	return any;
}

/* ---- RTCSctpTransport ---- */

const char *wlk_sctp_state_name(wlk_sctp_state state)
{
	static const char *const names[] = { "connecting", "connected", "closed" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

wlk_sctp_transport *wlk_peer_connection_sctp(wlk_peer_connection *pc)
{
	const struct sdp_agreement *agreement = pc->agreement;

	if (pc->sctp_started)
		return &pc->sctp_handle;
	if (!agreement || pc->section_of_data >= agreement->section_count || agreement->sections[pc->section_of_data].rejected)
		return NULL;
	return &pc->sctp_handle;
}

wlk_dtls_transport *wlk_sctp_transport_dtls_transport(const wlk_sctp_transport *transport)
{
	return &transport->pc->data_transport->dtls_handle;
}

wlk_sctp_state wlk_sctp_transport_state(const wlk_sctp_transport *transport)
{
	return transport->pc->closed ? WLK_SCTP_STATE_CLOSED : transport->state;
}

size_t wlk_sctp_transport_max_message_size(const wlk_sctp_transport *transport)
{
	const wlk_peer_connection *pc = transport->pc;
	uint64_t limit;

	if (pc->sctp_started)
		return sctp_assoc_remote_max_message_size(pc->sctp);
	if (!pc->agreement || pc->section_of_data >= pc->agreement->section_count)
		return 0;
	limit = pc->agreement->sections[pc->section_of_data].remote_max_message_size;
	return limit ? (size_t)MIN(limit, (uint64_t)SIZE_MAX) : SIZE_MAX;
}

uint16_t wlk_sctp_transport_max_channels(const wlk_sctp_transport *transport)
{
	const wlk_peer_connection *pc = transport->pc;

	return transport->state == WLK_SCTP_STATE_CONNECTED ? sctp_assoc_streams(pc->sctp) : 0;
}
