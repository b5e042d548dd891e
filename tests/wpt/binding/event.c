#include "event.h"

static struct {
	napi_env env;
	napi_ref handler;
} sink;

void event_set_handler(napi_env env, napi_value handler)
{
	sink.env = env;
	napi_create_reference(env, handler, 1, &sink.handler);
}

static void add_text(napi_value object, const char *name, const char *text)
{
	set_member(sink.env, object, name, make_text(sink.env, text));
}

static void add_number(napi_value object, const char *name, double number)
{
	set_member(sink.env, object, name, make_number(sink.env, number));
}

static void add_handle(napi_value object, const char *name, const void *handle)
{
	set_member(sink.env, object, name, make_handle(sink.env, handle));
}

static void add_address(napi_value object, const char *name, const wlk_addr *address)
{
	char text[WLK_ADDR_TEXT_MAX];

	add_text(object, name, wlk_addr_to_string(address, text, sizeof(text)));
}

static void add_candidate(napi_value object, const wlk_ice_candidate *candidate)
{
	add_text(object, "candidate", candidate->candidate ? candidate->candidate : "");
	add_text(object, "sdpMid", candidate->sdp_mid);
	add_number(object, "sdpMLineIndex", candidate->sdp_mline_index);
	add_text(object, "usernameFragment", candidate->username_fragment);
}

static void add_message(napi_value object, const wlk_event *event)
{
	const uint8_t *data = event->u.message.data;
	size_t size = event->u.message.size;
	napi_value value;

	add_handle(object, "channel", event->u.message.channel);
	if (event->u.message.type == WLK_MESSAGE_TEXT)
		napi_create_string_utf8(sink.env, size ? (const char *)data : "", size, &value);
	else
		value = make_bytes(sink.env, data, size);
	set_member(sink.env, object, "data", value);
}

static void add_track(napi_value object, const wlk_event *event)
{
	napi_value streams;

	add_handle(object, "transceiver", event->u.track.transceiver);
	add_text(object, "trackId", event->u.track.track_id);
	napi_create_array(sink.env, &streams);
	for (uint32_t i = 0; i < event->u.track.stream_count; i++)
		napi_set_element(sink.env, streams, i, make_text(sink.env, event->u.track.stream_ids[i]));
	set_member(sink.env, object, "streamIds", streams);
}

static void add_candidate_error(napi_value object, const wlk_event *event)
{
	add_address(object, "address", &event->u.candidate_error.address);
	add_text(object, "url", event->u.candidate_error.url);
	add_number(object, "errorCode", event->u.candidate_error.code);
	add_text(object, "errorText", event->u.candidate_error.text);
}

static void add_packet(napi_value object, const wlk_event *event)
{
	add_handle(object, "transceiver", event->u.rtp.transceiver);
	add_number(object, "ssrc", event->u.rtp.packet->ssrc);
	add_number(object, "payloadType", event->u.rtp.packet->payload_type);
	add_number(object, "timestamp", event->u.rtp.packet->timestamp);
}

static void add_details(napi_value object, const wlk_event *event)
{
	switch (event->type) {
	case WLK_EVENT_SIGNALING_STATE_CHANGE:
		add_text(object, "state", wlk_signaling_state_name(event->u.signaling_state));
		break;
	case WLK_EVENT_ICE_CANDIDATE:
		add_candidate(object, &event->u.candidate);
		break;
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		add_text(object, "state", wlk_ice_gathering_state_name(event->u.ice_gathering_state));
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		add_text(object, "state", wlk_ice_connection_state_name(event->u.ice_connection_state));
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		add_text(object, "state", wlk_connection_state_name(event->u.connection.state));
		add_text(object, "reason", event->u.connection.reason);
		break;
	case WLK_EVENT_SELECTED_PAIR_CHANGE:
		add_address(object, "local", &event->u.selected_pair.local);
		add_address(object, "remote", &event->u.selected_pair.remote);
		break;
	case WLK_EVENT_TRACK:
	case WLK_EVENT_TRACK_MUTE:
	case WLK_EVENT_REMOVE_TRACK:
	case WLK_EVENT_TRACK_ENDED:
		add_track(object, event);
		break;
	case WLK_EVENT_DATA_CHANNEL:
	case WLK_EVENT_DATA_CHANNEL_OPEN:
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
	case WLK_EVENT_DATA_CHANNEL_BUFFERED_AMOUNT_LOW:
	case WLK_EVENT_DATA_CHANNEL_CLOSING:
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		add_handle(object, "channel", event->u.channel.channel);
		break;
	case WLK_EVENT_DATA_CHANNEL_ERROR:
		add_handle(object, "channel", event->u.channel.channel);
		set_member(sink.env, object, "error", make_error_parts(sink.env, event->u.channel.details));
		break;
	case WLK_EVENT_DTLS_ERROR:
		add_handle(object, "transport", event->u.dtls_error.transport);
		set_member(sink.env, object, "error", make_error_parts(sink.env, event->u.dtls_error.error));
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		add_message(object, event);
		break;
	case WLK_EVENT_RTP_PACKET:
		add_packet(object, event);
		break;
	case WLK_EVENT_TONE_CHANGE:
		add_handle(object, "transceiver", wlk_rtp_sender_transceiver(event->u.tone_change.sender));
		add_text(object, "tone", event->u.tone_change.tone);
		break;
	case WLK_EVENT_DTLS_STATE_CHANGE:
		add_handle(object, "transport", event->u.dtls_transport);
		break;
	case WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE:
	case WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE:
	case WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE:
		add_handle(object, "transport", event->u.ice_transport);
		break;
	case WLK_EVENT_SCTP_STATE_CHANGE:
		add_handle(object, "transport", event->u.sctp_transport);
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		add_candidate_error(object, event);
		break;
	default:
		break;
	}
}

void event_deliver(const wlk_event *event, void *user)
{
	napi_value handler, global, args[2], ignored;
	napi_handle_scope scope;

	(void)user;
	napi_open_handle_scope(sink.env, &scope);
	napi_get_reference_value(sink.env, sink.handler, &handler);
	napi_get_global(sink.env, &global);
	args[0] = make_handle(sink.env, event->pc);
	napi_create_object(sink.env, &args[1]);
	add_number(args[1], "type", event->type);
	add_details(args[1], event);
	/* The handler only keeps the event for a task of its own, so nothing comes back into the library from here. */
	napi_call_function(sink.env, global, handler, 2, args, &ignored);
	napi_close_handle_scope(sink.env, scope);
}
