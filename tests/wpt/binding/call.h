/** One call from JavaScript: its arguments as C values, what they own, and its result. */
#ifndef WPT_CALL_H
#define WPT_CALL_H

#include <node_api.h>
#include <wirelark/wirelark.h>

/*
 * Handles travel as numbers: the address of the C object, which fits a double. They are as safe as in C: after
 * connectionDestroy() those of that connection are dead.
 */
struct call {
	napi_env env;
	size_t count;
	napi_value args[8];
	void **owned; /* freed when the call returns */
	size_t owned_count;
};

typedef napi_value (*call_fn)(struct call *call);

/** A function that JavaScript sees under @c name; lists of them end with a NULL name. */
struct call_entry {
	const char *name;
	call_fn fn;
};

extern const struct call_entry connection_calls[];
extern const struct call_entry description_calls[];
extern const struct call_entry certificate_calls[];
extern const struct call_entry channel_calls[];
extern const struct call_entry rtp_calls[];
extern const struct call_entry transport_calls[];
extern const struct call_entry parameter_calls[];

/** Make @p entries properties of @p exports. */
void call_export(napi_env env, napi_value exports, const struct call_entry *entries);

/** @p size bytes of zero that live until the call returns. */
void *call_memory(struct call *call, size_t size);

/** RTCRtpEncodingParameters of a list. */
wlk_rtp_encoding *read_encodings(struct call *call, napi_value array, size_t *count);

/* Arguments. A missing, undefined or null one is NULL, 0 or false. */
napi_value call_arg(const struct call *call, size_t index);
void *call_handle(const struct call *call, size_t index);
const char *call_text(struct call *call, size_t index);
double call_number(const struct call *call, size_t index);

/* Members of an object, and values by themselves; the same for what is missing. */
napi_value value_member(napi_env env, napi_value object, const char *name);
bool value_is(napi_env env, napi_value value, napi_valuetype type);
const char *value_text(struct call *call, napi_value value);
double value_number(napi_env env, napi_value value);
bool value_bool(napi_env env, napi_value value);
size_t value_length(napi_env env, napi_value array);

/* Results. */
napi_value make_undefined(napi_env env);
napi_value make_handle(napi_env env, const void *handle); /* null for NULL */
napi_value make_text(napi_env env, const char *text);     /* null for NULL */
napi_value make_number(napi_env env, double number);
napi_value make_bool(napi_env env, bool value);
napi_value make_bytes(napi_env env, const void *data, size_t size); /* an ArrayBuffer with a copy */
void set_member(napi_env env, napi_value object, const char *name, napi_value value);

/**
 * Undefined for WLK_OK; else throws an Error whose code is the name of @p err ("WLK_ERR_STATE") and whose message is the
 * story that @p pc (NULL: none) tells of it.
 */
/* The members of RTCError, and the name of the exception; null for none. */
napi_value make_error_parts(napi_env env, const wlk_error *error);
napi_value call_result(struct call *call, const wlk_peer_connection *pc, wlk_err err);

#endif
