/* The turn of the crank: pull what the parts report until nothing moves, and tell when the next turn is due. */
#include "peer/object.h"

bool peer_pump(wlk_peer_connection *pc)
{
	bool moved = true, any = false;

	pc->pump_is_due = false;
	while (moved && !pc->closed) {
		moved = false;
		list_for_each(item, &pc->transports)
		{
			struct peer_transport *t = list_entry(item, struct peer_transport, link);

			moved |= peer_transport_pump_ice(t);
			moved |= peer_transport_pump_dtls(t);
			moved |= peer_transport_pump_media(t);
		}
		moved |= peer_sctp_pump(pc);
		any |= moved;
	}
	if (pc->events_lost && !pc->failure && peer_events_have_room(pc)) {
		peer_set_failed(pc, "out of memory");
		any = true;
	}
	return any;
}

wlk_time peer_deadline(const wlk_peer_connection *pc)
{
	wlk_time at = WLK_TIME_NEVER;

	if (pc->closed)
		return at;
	list_for_each(item, &pc->transports)
		at = time_min(at, peer_transport_deadline(list_entry(item, struct peer_transport, link)));
	if (pc->sctp)
		at = time_min(at, sctp_assoc_deadline(pc->sctp));
	return time_min(time_min(at, peer_dtmf_deadline(pc)), peer_raw_deadline(pc));
}

static void handle_timeout(wlk_peer_connection *pc, wlk_time now)
{
	RECORD(pc, record_call(recorded, RECORD_TIMEOUT, now));
	peer_set_now(pc, now);
	if (pc->closed)
		return;
	list_for_each(item, &pc->transports)
		peer_transport_handle_timeout(list_entry(item, struct peer_transport, link));
	if (pc->sctp)
		sctp_assoc_handle_timeout(pc->sctp, pc->now);
	peer_dtmf_handle_timeout(pc);
	peer_pump(pc);
}

void peer_handle_timeout(wlk_peer_connection *pc, wlk_time now)
{
	handle_timeout(pc, now);
	peer_raw_step(pc); /* not a part of the recorded call: it makes calls of its own */
}
