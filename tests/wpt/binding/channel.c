/* Data channels. */
#include "call.h"

static void read_init(struct call *call, napi_value object, wlk_data_channel_init *init)
{
	napi_env env = call->env;
	napi_value lifetime = value_member(env, object, "maxPacketLifeTime");
	napi_value retransmits = value_member(env, object, "maxRetransmits");
	napi_value id = value_member(env, object, "id");

	init->unordered = value_bool(env, value_member(env, object, "unordered"));
	init->has_max_packet_lifetime = lifetime;
	init->max_packet_lifetime_ms = (uint16_t)value_number(env, lifetime);
	init->has_max_retransmits = retransmits;
	init->max_retransmits = (uint16_t)value_number(env, retransmits);
	init->protocol = value_text(call, value_member(env, object, "protocol"));
	init->negotiated = value_bool(env, value_member(env, object, "negotiated"));
	init->has_id = id;
	init->id = (uint16_t)value_number(env, id);
}

static napi_value create(struct call *call)
{
	wlk_peer_connection *pc = call_handle(call, 0);
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;
	wlk_err err;

	read_init(call, call_arg(call, 2), &init);
	err = wlk_peer_connection_create_data_channel(pc, call_text(call, 1), &init, &channel);
	return err ? call_result(call, pc, err) : make_handle(call->env, channel);
}

/* send(channel, string or ArrayBuffer) */
static napi_value channel_send(struct call *call)
{
	wlk_data_channel *channel = call_handle(call, 0);
	bool is_text = value_is(call->env, call_arg(call, 1), napi_string);
	void *data = NULL;
	size_t size = 0;
	wlk_err err;

	if (is_text) {
		data = (void *)(uintptr_t)call_text(call, 1);
		napi_get_value_string_utf8(call->env, call_arg(call, 1), NULL, 0, &size);
	} else {
		napi_get_arraybuffer_info(call->env, call_arg(call, 1), &data, &size);
	}
	err = wlk_data_channel_send(channel, is_text ? WLK_MESSAGE_TEXT : WLK_MESSAGE_BINARY, data, size);
	return call_result(call, wlk_data_channel_peer_connection(channel), err);
}

static napi_value channel_close(struct call *call)
{
	wlk_data_channel_close(call_handle(call, 0));
	return make_undefined(call->env);
}

static napi_value buffered_amount(struct call *call)
{
	return make_number(call->env, (double)wlk_data_channel_buffered_amount(call_handle(call, 0)));
}

static napi_value low_threshold(struct call *call)
{
	return make_number(call->env, (double)wlk_data_channel_buffered_amount_low_threshold(call_handle(call, 0)));
}

static napi_value set_low_threshold(struct call *call)
{
	wlk_data_channel_set_buffered_amount_low_threshold(call_handle(call, 0), (size_t)call_number(call, 1));
	return make_undefined(call->env);
}

static napi_value set_high_water_mark(struct call *call)
{
	wlk_data_channel_set_high_water_mark(call_handle(call, 0), (size_t)call_number(call, 1));
	return make_undefined(call->env);
}

static napi_value ready_state(struct call *call)
{
	static const char *const names[] = { "connecting", "open", "closing", "closed" };

	return make_text(call->env, names[wlk_data_channel_ready_state(call_handle(call, 0))]);
}

static napi_value label(struct call *call)
{
	return make_text(call->env, wlk_data_channel_label(call_handle(call, 0)));
}

static napi_value protocol(struct call *call)
{
	return make_text(call->env, wlk_data_channel_protocol(call_handle(call, 0)));
}

static napi_value ordered(struct call *call)
{
	return make_bool(call->env, wlk_data_channel_ordered(call_handle(call, 0)));
}

static napi_value negotiated(struct call *call)
{
	return make_bool(call->env, wlk_data_channel_negotiated(call_handle(call, 0)));
}

static napi_value max_retransmits(struct call *call)
{
	return make_number(call->env, wlk_data_channel_max_retransmits(call_handle(call, 0)));
}

static napi_value max_packet_lifetime(struct call *call)
{
	return make_number(call->env, wlk_data_channel_max_packet_lifetime_ms(call_handle(call, 0)));
}

static napi_value id(struct call *call)
{
	return make_number(call->env, wlk_data_channel_id(call_handle(call, 0)));
}

const struct call_entry channel_calls[] = {
	{ "channelCreate", create },
	{ "channelSend", channel_send },
	{ "channelClose", channel_close },
	{ "channelBufferedAmount", buffered_amount },
	{ "channelBufferedAmountLowThreshold", low_threshold },
	{ "channelSetBufferedAmountLowThreshold", set_low_threshold },
	{ "channelSetHighWaterMark", set_high_water_mark },
	{ "channelReadyState", ready_state },
	{ "channelLabel", label },
	{ "channelProtocol", protocol },
	{ "channelOrdered", ordered },
	{ "channelNegotiated", negotiated },
	{ "channelMaxRetransmits", max_retransmits },
	{ "channelMaxPacketLifeTime", max_packet_lifetime },
	{ "channelId", id },
	{ NULL, NULL },
};
