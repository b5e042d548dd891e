/* Capabilities, codec preferences, parameters, header extensions, sources, DTMF. */
#include <string.h>

#include "call.h"

static const char *const priorities[] = { NULL, "very-low", "low", "medium", "high" };
static const char *const directions[] = { "inactive", "sendonly", "recvonly", "sendrecv", "stopped" };

static void set_text(struct call *call, napi_value object, const char *name, const char *text)
{
	if (text)
		set_member(call->env, object, name, make_text(call->env, text));
}

static void set_number(struct call *call, napi_value object, const char *name, double number)
{
	set_member(call->env, object, name, make_number(call->env, number));
}

/* ---- into JavaScript ---- */

static napi_value make_codec(struct call *call, const wlk_rtp_codec *codec)
{
	napi_value object;

	napi_create_object(call->env, &object);
	if (codec->payload_type != WLK_NO_PAYLOAD_TYPE)
		set_number(call, object, "payloadType", codec->payload_type);
	set_text(call, object, "mimeType", codec->mime_type);
	set_number(call, object, "clockRate", codec->clock_rate);
	if (codec->channels)
		set_number(call, object, "channels", codec->channels);
	set_text(call, object, "sdpFmtpLine", codec->sdp_fmtp_line);
	return object;
}

static napi_value make_codecs(struct call *call, const wlk_rtp_codec *codecs, size_t count)
{
	napi_value array;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; i < count; i++)
		napi_set_element(call->env, array, i, make_codec(call, &codecs[i]));
	return array;
}

static napi_value make_extensions(struct call *call, const wlk_rtp_header_extension *extensions, size_t count, bool with_direction)
{
	napi_value array, object;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; i < count; i++) {
		napi_create_object(call->env, &object);
		set_text(call, object, "uri", extensions[i].uri);
		if (extensions[i].id)
			set_number(call, object, "id", extensions[i].id);
		if (with_direction)
			set_text(call, object, "direction", directions[extensions[i].direction]);
		else
			set_member(call->env, object, "encrypted", make_bool(call->env, false));
		napi_set_element(call->env, array, i, object);
	}
	return array;
}

static napi_value make_encoding(struct call *call, const wlk_rtp_encoding *encoding)
{
	napi_value object;

	napi_create_object(call->env, &object);
	set_text(call, object, "rid", encoding->rid);
	set_member(call->env, object, "active", make_bool(call->env, encoding->active));
	if (encoding->has_max_bitrate)
		set_number(call, object, "maxBitrate", (double)encoding->max_bitrate);
	if (encoding->has_max_framerate)
		set_number(call, object, "maxFramerate", encoding->max_framerate);
	if (encoding->has_scale_resolution_down_by)
		set_number(call, object, "scaleResolutionDownBy", encoding->scale_resolution_down_by);
	set_text(call, object, "scalabilityMode", encoding->scalability_mode);
	if (encoding->codec)
		set_member(call->env, object, "codec", make_codec(call, encoding->codec));
	set_text(call, object, "priority", priorities[encoding->priority]);
	set_text(call, object, "networkPriority", priorities[encoding->network_priority]);
	return object;
}

static napi_value make_rtcp(struct call *call, const char *cname, bool reduced_size)
{
	napi_value object;

	napi_create_object(call->env, &object);
	set_text(call, object, "cname", cname);
	set_member(call->env, object, "reducedSize", make_bool(call->env, reduced_size));
	return object;
}

/* ---- from JavaScript ---- */

static void read_codec(struct call *call, napi_value object, wlk_rtp_codec *out)
{
	napi_env env = call->env;

	out->mime_type = value_text(call, value_member(env, object, "mimeType"));
	out->clock_rate = (uint32_t)value_number(env, value_member(env, object, "clockRate"));
	out->channels = (uint32_t)value_number(env, value_member(env, object, "channels"));
	out->sdp_fmtp_line = value_text(call, value_member(env, object, "sdpFmtpLine"));
	out->payload_type = WLK_NO_PAYLOAD_TYPE;
	if (value_member(env, object, "payloadType"))
		out->payload_type = (uint8_t)value_number(env, value_member(env, object, "payloadType"));
}

static wlk_rtp_codec *read_codecs(struct call *call, napi_value array, size_t *count)
{
	wlk_rtp_codec *codecs;

	*count = value_length(call->env, array);
	codecs = call_memory(call, *count * sizeof(*codecs));
	for (uint32_t i = 0; i < *count; i++) {
		napi_value object;

		napi_get_element(call->env, array, i, &object);
		read_codec(call, object, &codecs[i]);
	}
	return codecs;
}

static wlk_priority read_priority(struct call *call, napi_value value)
{
	const char *text = value_text(call, value);

	for (int i = WLK_PRIORITY_VERY_LOW; text && i <= WLK_PRIORITY_HIGH; i++)
		if (!strcmp(text, priorities[i]))
			return (wlk_priority)i;
	return WLK_PRIORITY_LOW;
}

static void read_encoding(struct call *call, napi_value object, wlk_rtp_encoding *out)
{
	napi_env env = call->env;
	napi_value bitrate = value_member(env, object, "maxBitrate"), framerate = value_member(env, object, "maxFramerate");
	napi_value scale = value_member(env, object, "scaleResolutionDownBy"), active = value_member(env, object, "active");
	napi_value codec = value_member(env, object, "codec");

	*out = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
	out->rid = value_text(call, value_member(env, object, "rid"));
	out->active = !active || value_bool(env, active);
	out->has_max_bitrate = bitrate;
	out->max_bitrate = (uint64_t)value_number(env, bitrate);
	out->has_max_framerate = framerate;
	out->max_framerate = value_number(env, framerate);
	out->has_scale_resolution_down_by = scale;
	if (scale)
		out->scale_resolution_down_by = value_number(env, scale);
	out->scalability_mode = value_text(call, value_member(env, object, "scalabilityMode"));
	if (codec) {
		wlk_rtp_codec *copy = call_memory(call, sizeof(*copy));

		read_codec(call, codec, copy);
		out->codec = copy;
	}
	out->priority = read_priority(call, value_member(env, object, "priority"));
	out->network_priority = read_priority(call, value_member(env, object, "networkPriority"));
}

wlk_rtp_encoding *read_encodings(struct call *call, napi_value array, size_t *count)
{
	wlk_rtp_encoding *encodings;

	*count = value_length(call->env, array);
	encodings = call_memory(call, *count * sizeof(*encodings));
	for (uint32_t i = 0; i < *count; i++) {
		napi_value object;

		napi_get_element(call->env, array, i, &object);
		read_encoding(call, object, &encodings[i]);
	}
	return encodings;
}

static wlk_rtp_header_extension *read_extensions(struct call *call, napi_value array, size_t *count)
{
	wlk_rtp_header_extension *extensions;

	*count = value_length(call->env, array);
	extensions = call_memory(call, *count * sizeof(*extensions));
	for (uint32_t i = 0; i < *count; i++) {
		napi_value object;
		const char *direction;

		napi_get_element(call->env, array, i, &object);
		extensions[i].uri = value_text(call, value_member(call->env, object, "uri"));
		extensions[i].id = (uint16_t)value_number(call->env, value_member(call->env, object, "id"));
		direction = value_text(call, value_member(call->env, object, "direction"));
		for (int k = 0; direction && k <= WLK_DIRECTION_STOPPED; k++)
			if (!strcmp(direction, directions[k]))
				extensions[i].direction = (wlk_direction)k;
	}
	return extensions;
}

/* ---- calls ---- */

static wlk_rtp_sender *sender_of(struct call *call)
{
	return wlk_transceiver_sender(call_handle(call, 0));
}

static napi_value result_of(struct call *call, wlk_err err)
{
	return call_result(call, wlk_transceiver_peer_connection(call_handle(call, 0)), err);
}

/* capabilities(is sender, kind) */
static napi_value capabilities(struct call *call)
{
	wlk_rtp_capabilities *caps = call_memory(call, sizeof(*caps));
	wlk_media_kind kind = (wlk_media_kind)call_number(call, 1);
	wlk_err err = value_bool(call->env, call_arg(call, 0)) ? wlk_rtp_sender_capabilities(kind, caps)
							       : wlk_rtp_receiver_capabilities(kind, caps);
	napi_value object;

	if (err)
		return call_result(call, NULL, err);
	napi_create_object(call->env, &object);
	set_member(call->env, object, "codecs", make_codecs(call, caps->codecs, caps->codec_count));
	set_member(call->env, object, "headerExtensions",
		   make_extensions(call, caps->header_extensions, caps->header_extension_count, true));
	return object;
}

static napi_value set_codec_preferences(struct call *call)
{
	size_t count;
	const wlk_rtp_codec *codecs = read_codecs(call, call_arg(call, 1), &count);

	return result_of(call, wlk_transceiver_set_codec_preferences(call_handle(call, 0), codecs, count));
}

static napi_value send_parameters(struct call *call)
{
	wlk_rtp_send_parameters *p = call_memory(call, sizeof(*p));
	wlk_err err = wlk_rtp_sender_parameters(sender_of(call), p);
	napi_value object, encodings;

	if (err)
		return result_of(call, err);
	napi_create_object(call->env, &object);
	napi_create_array(call->env, &encodings);
	for (uint32_t i = 0; i < p->encoding_count; i++)
		napi_set_element(call->env, encodings, i, make_encoding(call, &p->encodings[i]));
	set_text(call, object, "transactionId", p->transaction_id);
	set_member(call->env, object, "encodings", encodings);
	set_member(call->env, object, "headerExtensions", make_extensions(call, p->header_extensions, p->header_extension_count, false));
	set_member(call->env, object, "rtcp", make_rtcp(call, p->cname, p->reduced_size));
	set_member(call->env, object, "codecs", make_codecs(call, p->codecs, p->codec_count));
	return object;
}

static napi_value set_parameters(struct call *call)
{
	wlk_rtp_send_parameters *p = call_memory(call, sizeof(*p));
	napi_env env = call->env;
	napi_value object = call_arg(call, 1), rtcp = value_member(env, object, "rtcp");
	const char *id = value_text(call, value_member(env, object, "transactionId"));
	wlk_rtp_encoding *encodings = read_encodings(call, value_member(env, object, "encodings"), &p->encoding_count);
	wlk_rtp_codec *codecs = read_codecs(call, value_member(env, object, "codecs"), &p->codec_count);
	wlk_rtp_header_extension *extensions =
		read_extensions(call, value_member(env, object, "headerExtensions"), &p->header_extension_count);

	if (p->encoding_count > WLK_RTP_ENCODINGS_MAX || p->codec_count > WLK_RTP_CODECS_MAX ||
	    p->header_extension_count > WLK_RTP_EXTENSIONS_MAX || !id || strlen(id) >= sizeof(p->transaction_id))
		return result_of(call, WLK_ERR_NEGOTIATION);
	strcpy(p->transaction_id, id);
	memcpy(p->encodings, encodings, p->encoding_count * sizeof(*encodings));
	memcpy(p->codecs, codecs, p->codec_count * sizeof(*codecs));
	for (size_t i = 0; i < p->header_extension_count; i++)
		extensions[i].direction = WLK_DIRECTION_SENDRECV;
	memcpy(p->header_extensions, extensions, p->header_extension_count * sizeof(*extensions));
	p->cname = value_text(call, value_member(env, rtcp, "cname"));
	p->reduced_size = value_bool(env, value_member(env, rtcp, "reducedSize"));
	return result_of(call, wlk_rtp_sender_set_parameters(sender_of(call), p));
}

static napi_value receive_parameters(struct call *call)
{
	wlk_rtp_receive_parameters *p = call_memory(call, sizeof(*p));
	wlk_err err = wlk_rtp_receiver_parameters(wlk_transceiver_receiver(call_handle(call, 0)), p);
	napi_value object;

	if (err)
		return result_of(call, err);
	napi_create_object(call->env, &object);
	set_member(call->env, object, "headerExtensions", make_extensions(call, p->header_extensions, p->header_extension_count, false));
	set_member(call->env, object, "rtcp", make_rtcp(call, p->cname, p->reduced_size));
	set_member(call->env, object, "codecs", make_codecs(call, p->codecs, p->codec_count));
	return object;
}

typedef size_t (*extensions_fn)(const wlk_transceiver *transceiver, wlk_rtp_header_extension *out, size_t capacity);

static napi_value list_extensions(struct call *call, extensions_fn list)
{
	wlk_rtp_header_extension extensions[WLK_RTP_EXTENSIONS_MAX];
	size_t count = list(call_handle(call, 0), extensions, WLK_RTP_EXTENSIONS_MAX);

	return make_extensions(call, extensions, count, true);
}

static napi_value extensions_to_negotiate(struct call *call)
{
	return list_extensions(call, wlk_transceiver_header_extensions_to_negotiate);
}

static napi_value negotiated_extensions(struct call *call)
{
	return list_extensions(call, wlk_transceiver_negotiated_header_extensions);
}

static napi_value set_extensions(struct call *call)
{
	size_t count;
	wlk_rtp_header_extension *extensions = read_extensions(call, call_arg(call, 1), &count);

	return result_of(call, wlk_transceiver_set_header_extensions_to_negotiate(call_handle(call, 0), extensions, count));
}

typedef size_t (*sources_fn)(const wlk_rtp_receiver *receiver, wlk_rtp_source *out, size_t capacity);

static napi_value list_sources(struct call *call, sources_fn list)
{
	wlk_rtp_source sources[32];
	size_t count = list(wlk_transceiver_receiver(call_handle(call, 0)), sources, 32);
	napi_value array, object;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; i < count && i < 32; i++) {
		napi_create_object(call->env, &object);
		set_number(call, object, "source", sources[i].source);
		set_number(call, object, "timestamp", (double)sources[i].timestamp / 1000);
		set_number(call, object, "rtpTimestamp", sources[i].rtp_timestamp);
		if (sources[i].has_audio_level)
			set_number(call, object, "audioLevel", sources[i].audio_level);
		napi_set_element(call->env, array, i, object);
	}
	return array;
}

static napi_value contributing(struct call *call)
{
	return list_sources(call, wlk_rtp_receiver_contributing_sources);
}

static napi_value synchronization(struct call *call)
{
	return list_sources(call, wlk_rtp_receiver_synchronization_sources);
}

static napi_value can_insert_dtmf(struct call *call)
{
	return make_bool(call->env, wlk_rtp_sender_can_insert_dtmf(sender_of(call)));
}

static napi_value insert_dtmf(struct call *call)
{
	return result_of(call, wlk_rtp_sender_insert_dtmf(sender_of(call), call_text(call, 1), (uint32_t)call_number(call, 2),
							  (uint32_t)call_number(call, 3)));
}

static napi_value tone_buffer(struct call *call)
{
	return make_text(call->env, wlk_rtp_sender_tone_buffer(sender_of(call)));
}

const struct call_entry parameter_calls[] = {
	{ "capabilities", capabilities },
	{ "transceiverSetCodecPreferences", set_codec_preferences },
	{ "senderParameters", send_parameters },
	{ "senderSetParameters", set_parameters },
	{ "receiverParameters", receive_parameters },
	{ "transceiverHeaderExtensionsToNegotiate", extensions_to_negotiate },
	{ "transceiverSetHeaderExtensionsToNegotiate", set_extensions },
	{ "transceiverNegotiatedHeaderExtensions", negotiated_extensions },
	{ "receiverContributingSources", contributing },
	{ "receiverSynchronizationSources", synchronization },
	{ "senderCanInsertDtmf", can_insert_dtmf },
	{ "senderInsertDtmf", insert_dtmf },
	{ "senderToneBuffer", tone_buffer },
	{ NULL, NULL },
};
