/* What the DTLS association of a transport reports, and what follows from it. */
#include "peer/object.h"

/* An answer to the INIT that left with Finished comes right behind the server's Finished. */
#define INIT_ANSWER_US (20 * MILLISECOND)

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

void peer_transport_restart_dtls_when_due(struct peer_transport *t)
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
