#include "peer/record_event.h"

#include "core/crypto.h"
#include "core/tap.h"
#include "peer/demux.h"
#include "peer/object.h"

static void put_short_text(struct bytes_writer *w, const char *text)
{
	if (text)
		record_put_bytes(w, text, MIN(strlen(text), (size_t)RECORD_TEXT_MAX));
	else
		bytes_put_u32(w, UINT32_MAX);
}

static void put_digest(struct bytes_writer *w, const void *data, size_t size)
{
	bytes_put_u32(w, (uint32_t)size);
	bytes_put_u32(w, crypto_crc32(data, size));
}

static uint32_t transceiver_number(const wlk_transceiver *t)
{
	return t ? t->number : UINT32_MAX;
}

static void put_packet(struct bytes_writer *w, const wlk_rtp_packet *packet)
{
	bytes_put_u32(w, packet->ssrc);
	bytes_put_u8(w, packet->payload_type);
	bytes_put_u8(w, packet->marker);
	bytes_put_u32(w, packet->timestamp);
	bytes_put_u64(w, packet->sequence);
	bytes_put_u8(w, packet->recovered);
	put_digest(w, packet->payload, packet->payload_size);
}

/* Events of types that are not listed are told apart by their type alone. */
void record_put_event(struct bytes_writer *w, const wlk_event *ev)
{
	bytes_put_u16(w, (uint16_t)ev->type);
	switch (ev->type) {
	case WLK_EVENT_SIGNALING_STATE_CHANGE:
		bytes_put_u8(w, (uint8_t)ev->u.signaling_state);
		break;
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		bytes_put_u8(w, (uint8_t)ev->u.ice_gathering_state);
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		bytes_put_u8(w, (uint8_t)ev->u.ice_connection_state);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		bytes_put_u8(w, (uint8_t)ev->u.connection.state);
		put_short_text(w, ev->u.connection.reason);
		break;
	case WLK_EVENT_ICE_CANDIDATE:
		bytes_put_u32(w, (uint32_t)ev->u.candidate.sdp_mline_index);
		put_short_text(w, ev->u.candidate.sdp_mid);
		put_short_text(w, ev->u.candidate.candidate);
		break;
	case WLK_EVENT_SELECTED_PAIR_CHANGE:
		record_put_addr(w, &ev->u.selected_pair.local);
		record_put_addr(w, &ev->u.selected_pair.remote);
		break;
	case WLK_EVENT_TRACK:
		bytes_put_u32(w, transceiver_number(ev->u.track.transceiver));
		break;
	case WLK_EVENT_DATA_CHANNEL:
	case WLK_EVENT_DATA_CHANNEL_OPEN:
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
	case WLK_EVENT_DATA_CHANNEL_BUFFERED_AMOUNT_LOW:
	case WLK_EVENT_DATA_CHANNEL_CLOSING:
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
	case WLK_EVENT_DATA_CHANNEL_ERROR:
		bytes_put_u32(w, ev->u.channel.channel->number);
		put_short_text(w, ev->u.channel.error);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		bytes_put_u32(w, ev->u.message.channel->number);
		bytes_put_u8(w, (uint8_t)ev->u.message.type);
		put_digest(w, ev->u.message.data, ev->u.message.size);
		break;
	case WLK_EVENT_RTP_PACKET:
		bytes_put_u32(w, transceiver_number(ev->u.rtp.transceiver));
		put_packet(w, ev->u.rtp.packet);
		break;
	case WLK_EVENT_FRAME:
		bytes_put_u32(w, transceiver_number(ev->u.frame.transceiver));
		bytes_put_u32(w, ev->u.frame.frame->timestamp);
		bytes_put_u8(w, ev->u.frame.frame->key);
		put_digest(w, ev->u.frame.frame->data, ev->u.frame.frame->size);
		break;
	case WLK_EVENT_DTMF:
		bytes_put_u32(w, transceiver_number(ev->u.dtmf.transceiver));
		bytes_put_u8(w, (uint8_t)ev->u.dtmf.phase);
		bytes_put_u8(w, ev->u.dtmf.event);
		break;
	case WLK_EVENT_TRACK_MUTE:
	case WLK_EVENT_TRACK_UNMUTE:
		bytes_put_u32(w, transceiver_number(ev->u.track.transceiver));
		break;
	case WLK_EVENT_SPEAKING:
		bytes_put_u32(w, transceiver_number(ev->u.speaking.transceiver));
		bytes_put_u8(w, ev->u.speaking.speaking);
		bytes_put_u8(w, ev->u.speaking.local);
		break;
	case WLK_EVENT_KEY_FRAME_REQUEST:
		bytes_put_u32(w, transceiver_number(ev->u.key_frame));
		break;
	case WLK_EVENT_TARGET_BITRATE:
		bytes_put_u32(w, transceiver_number(ev->u.target_bitrate.transceiver));
		bytes_put_u64(w, ev->u.target_bitrate.bps);
		break;
	case WLK_EVENT_BITRATE_LIMIT:
		bytes_put_u64(w, ev->u.bitrate_limit);
		break;
	case WLK_EVENT_DTLS_ERROR:
		bytes_put_u32(w, ev->u.dtls_error.transport->transport->number);
		break;
	case WLK_EVENT_DTLS_STATE_CHANGE:
		bytes_put_u32(w, ev->u.dtls_transport->transport->number);
		break;
	case WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE:
	case WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE:
	case WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE:
		bytes_put_u32(w, ev->u.ice_transport->transport->number);
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		record_put_addr(w, &ev->u.candidate_error.address);
		bytes_put_u16(w, ev->u.candidate_error.code);
		put_short_text(w, ev->u.candidate_error.url);
		break;
	default:
		break;
	}
}

/* What the header says in the clear: an HMAC in a STUN message is made with a stand-in in a replay, and seals are not made there. */
static size_t clear_size(enum demux_class class, size_t size)
{
	switch (class) {
	case DEMUX_STUN:
		return MIN(size, (size_t)20);
	case DEMUX_RTP:
		return MIN(size, (size_t)RECORD_KEPT_OF_MEDIA);
	case DEMUX_RTCP:
		return MIN(size, (size_t)8);
	case DEMUX_DTLS:
		return MIN(size, (size_t)1);
	default:
		return 0;
	}
}

void record_put_out(struct bytes_writer *w, const struct dgram *d)
{
	enum demux_class class = demux_classify(d->buf->data, d->buf->size);

	record_put_addr(w, &d->local);
	record_put_addr(w, &d->remote);
	bytes_put_u32(w, d->stream);
	bytes_put_u16(w, (uint16_t)d->buf->size);
	bytes_put_u8(w, (uint8_t)class);
	bytes_put_u32(w, crypto_crc32(d->buf->data, clear_size(class, d->buf->size)));
}

void record_put_request(struct bytes_writer *w, const wlk_request *request)
{
	bytes_put_u8(w, (uint8_t)request->type);
	bytes_put_u32(w, request->id);
	record_put_addr(w, &request->local);
	record_put_addr(w, &request->remote);
	put_short_text(w, request->host);
}

/* ---- as entries ---- */

static void tell(enum record_kind kind, const struct bytes_writer *w)
{
	assert(bytes_writer_ok(w) && "a decision fits its bounds");
	tap_current->on_decision(tap_current, (uint8_t)kind, w->start, w->size);
}

void record_event(const wlk_event *ev)
{
	uint8_t body[RECORD_EVENT_MAX];
	struct bytes_writer w = bytes_writer(body, sizeof(body));

	record_put_event(&w, ev);
	tell(RECORD_EVENT, &w);
}

void record_out(const struct dgram *d)
{
	uint8_t body[RECORD_OUT_MAX];
	struct bytes_writer w = bytes_writer(body, sizeof(body));

	record_put_out(&w, d);
	tell(RECORD_OUT, &w);
}

void record_request(const wlk_request *request)
{
	uint8_t body[RECORD_EVENT_MAX];
	struct bytes_writer w = bytes_writer(body, sizeof(body));

	record_put_request(&w, request);
	tell(RECORD_REQUEST, &w);
}

void record_failed(wlk_err err)
{
	uint8_t body[4];
	struct bytes_writer w = bytes_writer(body, sizeof(body));

	bytes_put_u32(&w, (uint32_t)err);
	tell(RECORD_FAILED, &w);
}

const char *record_event_name(uint16_t type)
{
	static const char *const names[] = {
		[WLK_EVENT_NEGOTIATION_NEEDED] = "negotiation needed",
		[WLK_EVENT_SIGNALING_STATE_CHANGE] = "signalling state",
		[WLK_EVENT_ICE_CANDIDATE] = "candidate",
		[WLK_EVENT_ICE_GATHERING_STATE_CHANGE] = "gathering state",
		[WLK_EVENT_ICE_CONNECTION_STATE_CHANGE] = "ICE connection state",
		[WLK_EVENT_CONNECTION_STATE_CHANGE] = "connection state",
		[WLK_EVENT_SELECTED_PAIR_CHANGE] = "selected pair",
		[WLK_EVENT_TRACK] = "track",
		[WLK_EVENT_DATA_CHANNEL] = "channel",
		[WLK_EVENT_DATA_CHANNEL_OPEN] = "channel open",
		[WLK_EVENT_DATA_CHANNEL_MESSAGE] = "message",
		[WLK_EVENT_DATA_CHANNEL_WRITABLE] = "channel writable",
		[WLK_EVENT_DATA_CHANNEL_BUFFERED_AMOUNT_LOW] = "channel buffered amount low",
		[WLK_EVENT_DATA_CHANNEL_CLOSING] = "channel closing",
		[WLK_EVENT_DATA_CHANNEL_CLOSE] = "channel close",
		[WLK_EVENT_DATA_CHANNEL_ERROR] = "channel error",
		[WLK_EVENT_RTP_PACKET] = "RTP packet",
		[WLK_EVENT_KEY_FRAME_REQUEST] = "key frame request",
		[WLK_EVENT_BITRATE_LIMIT] = "bitrate limit",
		[WLK_EVENT_ICE_CANDIDATE_ERROR] = "candidate error",
		[WLK_EVENT_ICE_RESTART_WANTED] = "ICE restart wanted",
		[WLK_EVENT_DTLS_STATE_CHANGE] = "DTLS state",
		[WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE] = "ICE transport state",
		[WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE] = "ICE transport gathering state",
		[WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE] = "ICE transport selected pair",
		[WLK_EVENT_SCTP_STATE_CHANGE] = "SCTP state",
		[WLK_EVENT_FRAME] = "frame",
		[WLK_EVENT_DTMF] = "telephone event",
		[WLK_EVENT_TARGET_BITRATE] = "target bitrate",
		[WLK_EVENT_TRACK_MUTE] = "mute",
		[WLK_EVENT_TRACK_UNMUTE] = "unmute",
		[WLK_EVENT_SPEAKING] = "speaking",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "other";
}
