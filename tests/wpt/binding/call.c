#include "call.h"

#include <stdlib.h>
#include <string.h>

static const char *err_name(wlk_err err)
{
	static const char *const names[] = {
		"WLK_OK", "WLK_ERR_INVALID", "WLK_ERR_STATE", "WLK_ERR_NOMEM", "WLK_ERR_AGAIN", "WLK_ERR_NOSPACE", "WLK_ERR_PARSE",
		"WLK_ERR_NEGOTIATION", "WLK_ERR_UNSUPPORTED", "WLK_ERR_CRYPTO", "WLK_ERR_IO", "WLK_ERR_CLOSED", "WLK_ERR_TOO_LARGE",
		"WLK_ERR_NOT_FOUND", "WLK_ERR_TIMEOUT",
	};
	size_t index = (size_t)-(int)err;

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : "WLK_ERR";
}

void *call_memory(struct call *call, size_t size)
{
	void **owned = realloc(call->owned, (call->owned_count + 1) * sizeof(*owned));
	void *memory = calloc(1, size ? size : 1);

	if (!owned || !memory)
		abort(); /* a test without memory tells nothing */
	call->owned = owned;
	call->owned[call->owned_count++] = memory;
	return memory;
}

static napi_value run(napi_env env, napi_callback_info info)
{
	struct call call = { .env = env, .count = 8 };
	void *entry;
	napi_value result;

	napi_get_cb_info(env, info, &call.count, call.args, NULL, &entry);
	result = ((const struct call_entry *)entry)->fn(&call);
	for (size_t i = 0; i < call.owned_count; i++)
		free(call.owned[i]);
	free(call.owned);
	return result;
}

void call_export(napi_env env, napi_value exports, const struct call_entry *entries)
{
	for (const struct call_entry *entry = entries; entry->name; entry++) {
		napi_value function;

		napi_create_function(env, entry->name, NAPI_AUTO_LENGTH, run, (void *)(uintptr_t)entry, &function);
		set_member(env, exports, entry->name, function);
	}
}

bool value_is(napi_env env, napi_value value, napi_valuetype type)
{
	napi_valuetype actual;

	return value && napi_typeof(env, value, &actual) == napi_ok && actual == type;
}

napi_value call_arg(const struct call *call, size_t index)
{
	napi_value value = index < call->count ? call->args[index] : NULL;

	return value_is(call->env, value, napi_undefined) || value_is(call->env, value, napi_null) ? NULL : value;
}

void *call_handle(const struct call *call, size_t index)
{
	return (void *)(uintptr_t)value_number(call->env, call_arg(call, index));
}

const char *call_text(struct call *call, size_t index)
{
	return value_text(call, call_arg(call, index));
}

double call_number(const struct call *call, size_t index)
{
	return value_number(call->env, call_arg(call, index));
}

napi_value value_member(napi_env env, napi_value object, const char *name)
{
	napi_value value;

	if (!value_is(env, object, napi_object) || napi_get_named_property(env, object, name, &value) != napi_ok)
		return NULL;
	return value_is(env, value, napi_undefined) || value_is(env, value, napi_null) ? NULL : value;
}

const char *value_text(struct call *call, napi_value value)
{
	size_t size;
	char *text;

	if (!value || napi_get_value_string_utf8(call->env, value, NULL, 0, &size) != napi_ok)
		return NULL;
	text = call_memory(call, size + 1);
	napi_get_value_string_utf8(call->env, value, text, size + 1, &size);
	return text;
}

double value_number(napi_env env, napi_value value)
{
	double number = 0;

	return value && napi_get_value_double(env, value, &number) == napi_ok ? number : 0;
}

bool value_bool(napi_env env, napi_value value)
{
	bool result = false;

	return value && napi_get_value_bool(env, value, &result) == napi_ok && result;
}

size_t value_length(napi_env env, napi_value array)
{
	uint32_t length = 0;

	return array && napi_get_array_length(env, array, &length) == napi_ok ? length : 0;
}

napi_value make_undefined(napi_env env)
{
	napi_value value;

	napi_get_undefined(env, &value);
	return value;
}

static napi_value make_null(napi_env env)
{
	napi_value value;

	napi_get_null(env, &value);
	return value;
}

napi_value make_handle(napi_env env, const void *handle)
{
	return handle ? make_number(env, (double)(uintptr_t)handle) : make_null(env);
}

napi_value make_text(napi_env env, const char *text)
{
	napi_value value;

	if (!text)
		return make_null(env);
	napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

napi_value make_number(napi_env env, double number)
{
	napi_value value;

	napi_create_double(env, number, &value);
	return value;
}

napi_value make_bool(napi_env env, bool value)
{
	napi_value result;

	napi_get_boolean(env, value, &result);
	return result;
}

napi_value make_bytes(napi_env env, const void *data, size_t size)
{
	napi_value value;
	void *copy;

	napi_create_arraybuffer(env, size, &copy, &value);
	if (size)
		memcpy(copy, data, size);
	return value;
}

void set_member(napi_env env, napi_value object, const char *name, napi_value value)
{
	napi_set_named_property(env, object, name, value);
}

static void set_number(napi_env env, napi_value object, const char *name, int32_t number)
{
	set_member(env, object, name, number < 0 ? make_null(env) : make_number(env, number));
}

napi_value make_error_parts(napi_env env, const wlk_error *error)
{
	napi_value parts;

	if (!error)
		return make_null(env);
	napi_create_object(env, &parts);
	set_member(env, parts, "name", make_text(env, error->name));
	set_member(env, parts, "message", make_text(env, error->message));
	set_member(env, parts, "errorDetail", make_text(env, wlk_error_detail_name(error->detail)));
	set_number(env, parts, "sdpLineNumber", error->sdp_line_number);
	set_number(env, parts, "sctpCauseCode", error->sctp_cause_code);
	set_number(env, parts, "receivedAlert", error->received_alert);
	set_number(env, parts, "sentAlert", error->sent_alert);
	return parts;
}

napi_value call_result(struct call *call, const wlk_peer_connection *pc, wlk_err err)
{
	wlk_error parts = WLK_ERROR_INIT;
	const char *story;
	napi_value error;

	if (!err)
		return make_undefined(call->env);
	if (pc)
		wlk_peer_connection_last_error(pc, &parts);
	story = parts.code == err ? parts.message : "";
	napi_create_error(call->env, make_text(call->env, err_name(err)), make_text(call->env, *story ? story : wlk_strerror(err)),
			  &error);
	if (parts.code == err)
		set_member(call->env, error, "parts", make_error_parts(call->env, &parts));
	napi_throw(call->env, error);
	return NULL;
}
