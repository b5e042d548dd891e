/* The queue of facts for the application, and the pull of messages and packets behind it. */
#include <string.h>

#include "peer/object.h"

void peer_emit_text(wlk_peer_connection *pc, wlk_event ev, char *text)
{
	struct peer_event item = { .ev = ev, .text = text };

	item.ev.pc = pc;
	if (event_queue_push(&pc->events, &item)) {
		wlk_free(text);
		pc->events_lost = true; /* the pump ends the connection: state facts have reserved slots */
	}
}

static void give_back_lent(wlk_peer_connection *pc)
{
	wlk_free(pc->lent.text);
	pc->lent.text = NULL;
	if (pc->packet_is_lent) {
		pktbuf_release(pc->lent_packet.buf);
		pc->packet_is_lent = false;
	}
	peer_give_back_frame(pc);
	if (pc->lent.ev.type == WLK_EVENT_DATA_CHANNEL_CLOSE) {
		wlk_data_channel *channel = pc->lent.ev.u.channel.channel;

		channel->close_delivered = true;
		if (channel->released)
			peer_channel_free(channel);
	}
	pc->lent.ev.type = 0;
}

static struct peer_event *event_at(const wlk_peer_connection *pc, size_t position)
{
	const struct event_queue *q = &pc->events;

	return (struct peer_event *)(void *)(q->items + (q->first + position) % q->capacity * q->item_size);
}

static bool names_channel(const wlk_event *ev, const wlk_data_channel *channel)
{
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE)
		return ev->u.message.channel == channel;
	return ((ev->type >= WLK_EVENT_DATA_CHANNEL && ev->type <= WLK_EVENT_DATA_CHANNEL_OPEN) ||
		(ev->type >= WLK_EVENT_DATA_CHANNEL_WRITABLE && ev->type <= WLK_EVENT_DATA_CHANNEL_ERROR)) &&
	       ev->u.channel.channel == channel;
}

void peer_events_forget(wlk_peer_connection *pc, const wlk_data_channel *channel)
{
	for (size_t i = 0; i < event_queue_count(&pc->events); i++)
		if (names_channel(&event_at(pc, i)->ev, channel))
			event_at(pc, i)->ev.type = 0; /* passed over by poll_event */
}

bool peer_events_replace_target(wlk_peer_connection *pc, const wlk_event *ev)
{
	for (size_t i = 0; i < event_queue_count(&pc->events); i++) {
		wlk_event *old = &event_at(pc, i)->ev;

		if (old->type != WLK_EVENT_TARGET_BITRATE || old->u.target_bitrate.transceiver != ev->u.target_bitrate.transceiver ||
		    old->u.target_bitrate.rid != ev->u.target_bitrate.rid)
			continue;
		old->u.target_bitrate.bps = ev->u.target_bitrate.bps;
		return true;
	}
	return false;
}

bool peer_events_have_room(const wlk_peer_connection *pc)
{
	return event_queue_count(&pc->events) < pc->events.capacity;
}

void peer_events_free(wlk_peer_connection *pc)
{
	struct peer_event item;

	give_back_lent(pc);
	while (event_queue_pop(&pc->events, &item))
		wlk_free(item.text);
	event_queue_free(&pc->events);
}

/* The next RTP packet or frame that the media engine releases, as an event; they come in the order of their arrival. */
static bool pull_packet_of(wlk_peer_connection *pc, struct peer_transport *transport)
{
	struct media_packet *packet = &pc->lent_packet;

	if (peer_pull_frame(pc, transport))
		return true;
	while (media_engine_poll_packet(transport->media, packet)) {
		struct wlk_transceiver *t = peer_transceiver_by_section(pc, packet->section);

		if (!t || t->stopping) {
			pktbuf_release(packet->buf);
			if (peer_pull_frame(pc, transport))
				return true;
			continue;
		}
		pc->packet_is_lent = true;
		pc->lent_rtp = (wlk_rtp_packet){
			.ssrc = packet->rtp.ssrc,
			.payload_type = packet->rtp.pt,
			.marker = packet->rtp.marker,
			.keep_gaps = true,
			.timestamp = packet->rtp.timestamp,
			.sequence = (uint64_t)packet->extended_seq,
			.payload = packet->rtp.payload.data,
			.payload_size = packet->rtp.payload.size,
			.arrival = packet->arrival,
			.recovered = packet->is_recovered,
			.internal = packet,
			.rid = packet->rid[0] ? packet->rid : NULL,
		};
		pc->lent.ev = (wlk_event){ .type = WLK_EVENT_RTP_PACKET, .pc = pc };
		pc->lent.ev.u.rtp.transceiver = t;
		pc->lent.ev.u.rtp.packet = &pc->lent_rtp;
		return true;
	}
	return false;
}

static bool pull_packet(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transports)
	{
		if (pull_packet_of(pc, list_entry(item, struct peer_transport, link)))
			return true;
	}
	return false;
}

/* The next message of |channel|, as an event; the bytes are lent by the channel until its next receive. */
static bool pull_message(wlk_peer_connection *pc, wlk_data_channel *channel)
{
	struct sctp_message message;

	if (channel->paused) {
		channel->has_messages = true; /* resuming raises the event again */
		return false;
	}
	if (!sctp_channel_receive(channel->sctp, &message))
		return false;
	pc->lent.ev = (wlk_event){ .type = WLK_EVENT_DATA_CHANNEL_MESSAGE, .pc = pc };
	pc->lent.ev.u.message.channel = channel;
	pc->lent.ev.u.message.type = message.type == SCTP_MESSAGE_STRING ? WLK_MESSAGE_TEXT : WLK_MESSAGE_BINARY;
	pc->lent.ev.u.message.data = message.size ? message.data : (const uint8_t *)"";
	pc->lent.ev.u.message.size = message.size;
	return true;
}

/*
 * Order: facts as they were queued. "Channel has messages" stays at the head until the channel is empty, so that a
 * message never overtakes its channel's opening nor is overtaken by its closing; RTP packets go between.
 */
/* The application knows all there is, and has said what it wants to say to it. */
static const wlk_event *drained(wlk_peer_connection *pc)
{
	if (pc->sctp)
		sctp_assoc_events_seen(pc->sctp, pc->now);
	return NULL;
}

static const wlk_event *next_event(wlk_peer_connection *pc)
{
	struct peer_event item;

	give_back_lent(pc);
	if (pc->pump_is_due)
		peer_pump(pc); /* what a packet brings with it, as the end of a silence, is told before it */
	while (!pc->closed) {
		bool messages = event_queue_count(&pc->events) && event_at(pc, 0)->ev.type == WLK_EVENT_DATA_CHANNEL_MESSAGE;

		if (!event_queue_count(&pc->events) || messages) {
			if (pull_packet(pc))
				return &pc->lent.ev;
			if (peer_pump(pc)) /* not for each packet: what came with it was pulled then */
				continue;
			if (!messages)
				return drained(pc);
			if (pull_message(pc, event_at(pc, 0)->ev.u.message.channel))
				return &pc->lent.ev;
			event_queue_pop(&pc->events, &item);
			continue;
		}
		event_queue_pop(&pc->events, &item);
		if (!item.ev.type || (item.ev.type == WLK_EVENT_NEGOTIATION_NEEDED && !peer_negotiation_needed_is_due(pc))) {
			wlk_free(item.text);
			continue;
		}
		pc->lent = item;
		if (item.ev.type == WLK_EVENT_ICE_CANDIDATE)
			pc->lent.ev.u.candidate.candidate = item.text;
		return &pc->lent.ev;
	}
	return NULL; /* close() was the last word */
}

static const wlk_event *poll_event(wlk_peer_connection *pc)
{
	const wlk_event *ev;

	RECORD(pc, record_call(recorded, RECORD_POLL_EVENT, pc->now));
	ev = next_event(pc);
	if (ev && tap_current)
		record_event(ev);
	return ev;
}

const wlk_event *peer_poll_event(wlk_peer_connection *pc)
{
	const wlk_event *ev;

	peer_raw_give_back(pc);
	while ((ev = poll_event(pc)) && peer_raw_take(pc, ev))
		;
	if (ev)
		return ev;
	peer_raw_step(pc);
	return peer_raw_poll_event(pc);
}
