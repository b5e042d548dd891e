/* What is told of tracks while they run: packets come or do not, somebody speaks. */
#include "peer/object.h"
#include "peer/parameters.h"

/*
 * Events in the queue above which no more of these are added (R37): a far end that starts and stops without end fills nobody's
 * memory. A later one says how things stand, and so does wlk_rtp_receiver_muted() at any time.
 */
enum { WAITING_MAX = 256 };

void peer_emit_flow(wlk_peer_connection *pc, const struct media_event *media)
{
	struct wlk_transceiver *t = peer_transceiver_by_section(pc, media->section);

	if (!t || t->stopping)
		return;
	t->receiver.flows = media->is_flowing;
	if (event_queue_count(&pc->events) <= WAITING_MAX)
		peer_tell_flow(t);
}

void peer_emit_speaking(wlk_peer_connection *pc, const struct media_event *media)
{
	struct wlk_transceiver *t = peer_transceiver_by_section(pc, media->section);
	wlk_event ev = { .type = WLK_EVENT_SPEAKING };

	if (!t || t->stopping || event_queue_count(&pc->events) > WAITING_MAX)
		return;
	ev.u.speaking.transceiver = t;
	ev.u.speaking.speaking = media->speaking.is_speaking;
	ev.u.speaking.local = media->speaking.is_own;
	ev.u.speaking.audio_level = media->speaking.level;
	peer_emit(pc, ev);
}

bool wlk_rtp_receiver_muted(const wlk_rtp_receiver *receiver)
{
	return !receiver->flows;
}
