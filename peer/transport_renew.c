/* Far ends that begin a new DTLS association although the old one should live on; see peer_transport.h. */
#include "peer/object.h"

/* The far end has the answer, and finds a new path. */
#define RENEWABLE_US (5 * SECOND)

static bool is_renewable(const struct peer_transport *t)
{
	return t->pc->now < t->renewable_until;
}

/* The m-line under which |t| was agreed on. */
static bool is_stopped_in(const struct peer_transport *t, const struct sdp_session *offer)
{
	const struct sdp_agreement *a = t->pc->agreement;

	for (size_t k = 0; offer && a && k < a->transport_count; k++)
		if (t->pc->agreed[k] == t && a->transports[k].index < offer->media_count)
			return sdp_media_rejected(offer->media[a->transports[k].index]);
	return false;
}

bool peer_transport_may_be_renewed(const struct peer_transport *t)
{
	return is_renewable(t) || is_stopped_in(t, t->pc->pending_local.sdp) || is_stopped_in(t, t->pc->pending_remote.sdp);
}

/* A fresh association on the path that there is, or on the one that ICE finds next. */
static void renew(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;

	LOG_I(t, "the far end begins a new DTLS association");
	if (peer_transport_replace_dtls(t) || peer_apply_remote_fingerprints(t)) {
		peer_set_failed(pc, "DTLS cannot be begun anew");
		return;
	}
	srtp_session_destroy(t->srtp); /* its keys were the old one's */
	t->srtp = NULL;
	peer_transport_forget_own_hello(t);
	peer_transport_forget_init(t);
	t->dtls_restart_at = WLK_TIME_NEVER;
	t->renewable_until = 0;
	t->remote_closed = t->close_waits = false;
	t->renewing = true;
	ice_agent_probe(t->ice, pc->now); /* new sockets over there: the path in use is likely to be dead */
	peer_transport_start(t);
}

void peer_transport_follow_tag(struct peer_transport *t, const struct sdp_agreed_transport *was, const struct sdp_agreed_transport *is,
			       bool was_stopped)
{
	bool other_role = (dtls_transport_role(t->dtls) == DTLS_ROLE_CLIENT) != is->local_is_dtls_client;

	t->renewable_until = 0;
	if (was->index == is->index || !was_stopped || dtls_transport_state(t->dtls) == DTLS_STATE_NEW) {
		peer_transport_close_after_all(t);
		return;
	}
	t->renewable_until = time_add(t->pc->now, RENEWABLE_US);
	if (t->close_waits || other_role)
		renew(t);
}

void peer_transport_close_after_all(struct peer_transport *t)
{
	if (!t->close_waits)
		return;
	t->close_waits = false;
	peer_transport_on_remote_close(t);
}

bool peer_transport_close_is_renewal(struct peer_transport *t)
{
	if (is_renewable(t)) {
		renew(t);
		return true;
	}
	if (!peer_transport_may_be_renewed(t))
		return false;
	t->remote_closed = t->close_waits = true;
	return true;
}

void peer_transport_look_for_renewal(struct peer_transport *t, const uint8_t *data, size_t size)
{
	if (is_renewable(t) && !t->renewing && !t->local_is_dtls_client && dtls_is_client_hello(data, size))
		renew(t);
}
