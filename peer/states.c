/* The states of the whole connection, from those of its transports (W3C webrtc-pc 4.3.2, 4.3.3). */
#include "peer/object.h"

/* How many transports are in which state. */
struct tally {
	size_t count;
	size_t ice[WLK_ICE_STATE_CLOSED + 1];
	size_t dtls[WLK_DTLS_STATE_FAILED + 1];
	size_t gathering[WLK_ICE_GATHERING_COMPLETE + 1];
	size_t remote_closed;
};

static struct tally count_states(const wlk_peer_connection *pc)
{
	struct tally n = { 0 };

	list_for_each(item, &pc->transports)
	{
		const struct peer_transport *t = list_entry(item, struct peer_transport, link);

		n.count++;
		n.ice[t->ice_state]++;
		n.dtls[t->dtls_state]++;
		n.gathering[t->gathering_state]++;
		n.remote_closed += t->remote_closed && t->dtls_state != WLK_DTLS_STATE_FAILED;
	}
	return n;
}

static wlk_ice_connection_state ice_of(const wlk_peer_connection *pc, const struct tally *n)
{
	if (pc->closed)
		return WLK_ICE_CONNECTION_CLOSED;
	if (n->ice[WLK_ICE_STATE_FAILED])
		return WLK_ICE_CONNECTION_FAILED;
	if (n->ice[WLK_ICE_STATE_DISCONNECTED])
		return WLK_ICE_CONNECTION_DISCONNECTED;
	if (n->ice[WLK_ICE_STATE_NEW] + n->ice[WLK_ICE_STATE_CLOSED] == n->count)
		return WLK_ICE_CONNECTION_NEW;
	if (n->ice[WLK_ICE_STATE_NEW] || n->ice[WLK_ICE_STATE_CHECKING])
		return WLK_ICE_CONNECTION_CHECKING;
	if (n->ice[WLK_ICE_STATE_COMPLETED] + n->ice[WLK_ICE_STATE_CLOSED] == n->count)
		return WLK_ICE_CONNECTION_COMPLETED;
	return WLK_ICE_CONNECTION_CONNECTED;
}

static wlk_ice_gathering_state gathering_of(const struct tally *n)
{
	if (n->gathering[WLK_ICE_GATHERING_GATHERING])
		return WLK_ICE_GATHERING_GATHERING;
	if (n->count && n->gathering[WLK_ICE_GATHERING_COMPLETE] == n->count)
		return WLK_ICE_GATHERING_COMPLETE;
	return WLK_ICE_GATHERING_NEW;
}

/* A handshake that is tried again after a failure is one that goes on: failure of a transport for good is pc->failure. */
static wlk_connection_state connection_of(const wlk_peer_connection *pc, const struct tally *n)
{
	size_t dtls_idle = n->dtls[WLK_DTLS_STATE_NEW] + n->dtls[WLK_DTLS_STATE_CLOSED];

	if (pc->closed || pc->sctp_ended || (n->count && n->remote_closed == n->count))
		return WLK_CONNECTION_CLOSED;
	if (pc->failure || n->ice[WLK_ICE_STATE_FAILED])
		return WLK_CONNECTION_FAILED;
	if (n->ice[WLK_ICE_STATE_DISCONNECTED])
		return WLK_CONNECTION_DISCONNECTED;
	if (n->ice[WLK_ICE_STATE_NEW] + n->ice[WLK_ICE_STATE_CLOSED] == n->count && dtls_idle == n->count)
		return WLK_CONNECTION_NEW;
	if (n->ice[WLK_ICE_STATE_CHECKING] || n->dtls[WLK_DTLS_STATE_CONNECTED] + n->dtls[WLK_DTLS_STATE_CLOSED] != n->count)
		return WLK_CONNECTION_CONNECTING;
	return WLK_CONNECTION_CONNECTED;
}

static const char *state_reason(const wlk_peer_connection *pc, wlk_connection_state state)
{
	if (state == WLK_CONNECTION_CLOSED && !pc->closed)
		return "the far end closed the connection";
	if (pc->failure)
		return pc->failure;
	return state == WLK_CONNECTION_FAILED ? "no candidate pair works" : "";
}

void peer_update_ice_state(wlk_peer_connection *pc)
{
	struct tally n = count_states(pc);
	wlk_event ev = { .type = WLK_EVENT_ICE_CONNECTION_STATE_CHANGE };
	wlk_ice_connection_state state = ice_of(pc, &n);

	if (state == pc->ice_state)
		return;
	pc->ice_state = state;
	ev.u.ice_connection_state = state;
	peer_emit(pc, ev);
}

void peer_update_gathering_state(wlk_peer_connection *pc)
{
	struct tally n = count_states(pc);
	wlk_event ev = { .type = WLK_EVENT_ICE_GATHERING_STATE_CHANGE };
	wlk_ice_gathering_state state = gathering_of(&n);

	if (state == pc->gathering_state)
		return;
	pc->gathering_state = state;
	ev.u.ice_gathering_state = state;
	peer_emit(pc, ev);
}

void peer_update_connection_state(wlk_peer_connection *pc)
{
	struct tally n = count_states(pc);
	wlk_event ev = { .type = WLK_EVENT_CONNECTION_STATE_CHANGE };
	wlk_connection_state state = connection_of(pc, &n);

	if (state == pc->connection_state)
		return;
	LOG_I(pc, "connection: %s -> %s", wlk_connection_state_name(pc->connection_state), wlk_connection_state_name(state));
	pc->connection_state = state;
	ev.u.connection.state = state;
	ev.u.connection.reason = state_reason(pc, state);
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
