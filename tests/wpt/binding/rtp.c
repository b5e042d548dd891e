/* Transceivers, senders and receivers. */
#include "call.h"

static const char *const *read_texts(struct call *call, napi_value array, size_t *count)
{
	const char **texts;

	*count = value_length(call->env, array);
	texts = call_memory(call, *count * sizeof(*texts));
	for (uint32_t i = 0; i < *count; i++) {
		napi_value text;

		napi_get_element(call->env, array, i, &text);
		texts[i] = value_text(call, text);
	}
	return texts;
}

static napi_value add_transceiver(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *transceiver;
	napi_value options = call_arg(call, 2);
	wlk_err err;

	init.direction = (wlk_direction)value_number(call->env, value_member(call->env, options, "direction"));
	init.stream_ids = read_texts(call, value_member(call->env, options, "streamIds"), &init.stream_count);
	init.track_id = value_text(call, value_member(call->env, options, "trackId"));
	init.send_encodings = read_encodings(call, value_member(call->env, options, "sendEncodings"), &init.send_encoding_count);
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

/* connectionAddTrack(connection, kind, track id, stream ids): the transceiver that sends it. */
static napi_value add_track(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_rtp_sender *sender;
	size_t count;
	const char *const *streams = read_texts(call, call_arg(call, 3), &count);
	wlk_err err =
		wlk_peer_connection_add_track(pc, (wlk_media_kind)call_number(call, 1), call_text(call, 2), streams, count, &sender);

	return err ? call_result(call, pc, err) : make_handle(call->env, wlk_rtp_sender_transceiver(sender));
}

static napi_value remove_track(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);

	return call_result(call, pc, wlk_peer_connection_remove_track(pc, wlk_transceiver_sender(call_handle(call, 1))));
}

/* The transceivers of getSenders() and getReceivers(). */
static napi_value senders(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_rtp_sender *sender;
	napi_value array;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; (sender = wlk_peer_connection_sender(pc, i)); i++)
		napi_set_element(call->env, array, i, make_handle(call->env, wlk_rtp_sender_transceiver(sender)));
	return array;
}

static napi_value receivers(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_rtp_receiver *receiver;
	napi_value array;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; (receiver = wlk_peer_connection_receiver(pc, i)); i++)
		napi_set_element(call->env, array, i, make_handle(call->env, wlk_rtp_receiver_transceiver(receiver)));
	return array;
}

static napi_value transceiver_stop(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);

	return call_result(call, wlk_transceiver_peer_connection(t), wlk_transceiver_stop(t));
}

static napi_value replace_track(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);

	return call_result(call, wlk_transceiver_peer_connection(t),
			   wlk_rtp_sender_replace_track(wlk_transceiver_sender(t), call_text(call, 1)));
}

static napi_value set_streams(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);
	size_t count;
	const char *const *streams = read_texts(call, call_arg(call, 1), &count);

	return call_result(call, wlk_transceiver_peer_connection(t),
			   wlk_rtp_sender_set_streams(wlk_transceiver_sender(t), streams, count));
}

static napi_value track_id(struct call *call)
{
	return make_text(call->env, wlk_rtp_sender_track_id(wlk_transceiver_sender(call_handle(call, 0))));
}

/* transceiverStats(transceiver, is sender) */
static napi_value stats(struct call *call)
{
	wlk_transceiver *t = call_handle(call, 0);
	wlk_stats_report *report;
	char *json;
	wlk_err err = value_bool(call->env, call_arg(call, 1)) ? wlk_rtp_sender_get_stats(wlk_transceiver_sender(t), &report)
							       : wlk_rtp_receiver_get_stats(wlk_transceiver_receiver(t), &report);
	napi_value result;

	if (err)
		return call_result(call, wlk_transceiver_peer_connection(t), err);
	err = wlk_stats_to_json(report, &json);
	wlk_stats_report_destroy(report);
	if (err)
		return call_result(call, NULL, err);
	result = make_text(call->env, json);
	wlk_secret_free(json);
	return result;
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
	{ "connectionAddTrack", add_track },
	{ "connectionRemoveTrack", remove_track },
	{ "connectionSenders", senders },
	{ "connectionReceivers", receivers },
	{ "transceiverStop", transceiver_stop },
	{ "senderReplaceTrack", replace_track },
	{ "senderSetStreams", set_streams },
	{ "senderTrackId", track_id },
	{ "transceiverStats", stats },
	{ "transceiverKind", kind },
	{ "transceiverMid", mid },
	{ "transceiverDirection", direction },
	{ "transceiverSetDirection", set_direction },
	{ "transceiverCurrentDirection", current_direction },
	{ "transceiverSendPacket", send_packet },
	{ NULL, NULL },
};
