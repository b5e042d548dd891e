/* Transceivers, senders and receivers. */
#include "call.h"

static napi_value add_transceiver(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *transceiver;
	napi_value options = call_arg(call, 2);
	wlk_err err;

	init.direction = (wlk_direction)value_number(call->env, value_member(call->env, options, "direction"));
	init.stream_id = value_text(call, value_member(call->env, options, "streamId"));
	init.track_id = value_text(call, value_member(call->env, options, "trackId"));
	err = wlk_peer_connection_add_transceiver(pc, (wlk_media_kind)call_number(call, 1), &init, &transceiver);
	return err ? call_result(call, pc, err) : make_handle(call->env, transceiver);
}

static napi_value transceivers(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	size_t count = wlk_peer_connection_transceiver_count(pc);
	napi_value array;

	napi_create_array_with_length(call->env, count, &array);
	for (size_t i = 0; i < count; i++)
		napi_set_element(call->env, array, (uint32_t)i, make_handle(call->env, wlk_peer_connection_transceiver(pc, i)));
	return array;
}

static napi_value kind(struct call *call)
{
	return make_text(call->env, wlk_transceiver_kind(call_handle(call, 0)) == WLK_MEDIA_AUDIO ? "audio" : "video");
}

static napi_value mid(struct call *call)
{
	return make_text(call->env, wlk_transceiver_mid(call_handle(call, 0)));
}

static napi_value direction(struct call *call)
{
	return make_number(call->env, wlk_transceiver_direction(call_handle(call, 0)));
}

static napi_value set_direction(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);

	return call_result(call, wlk_transceiver_peer_connection(t), wlk_transceiver_set_direction(t, (wlk_direction)call_number(call, 1)));
}

static napi_value current_direction(struct call *call)
{
	return make_number(call->env, wlk_transceiver_current_direction(call_handle(call, 0)));
}

/* sendPacket(transceiver, payloadType, timestamp, bytes) */
static napi_value send_packet(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);
	void *payload = NULL;
	size_t size = 0;
	wlk_rtp_packet packet = {
		.payload_type = (uint8_t)call_number(call, 1),
		.timestamp = (uint32_t)call_number(call, 2),
		.marker = true,
	};

	napi_get_arraybuffer_info(call->env, call_arg(call, 3), &payload, &size);
	packet.payload = payload;
	packet.payload_size = size;
	return call_result(call, wlk_transceiver_peer_connection(t), wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet));
}

const struct call_entry rtp_calls[] = {
	{ "transceiverAdd", add_transceiver },
	{ "transceivers", transceivers },
	{ "transceiverKind", kind },
	{ "transceiverMid", mid },
	{ "transceiverDirection", direction },
	{ "transceiverSetDirection", set_direction },
	{ "transceiverCurrentDirection", current_direction },
	{ "transceiverSendPacket", send_packet },
	{ NULL, NULL },
};
