/* Certificates. */
#include "call.h"

static napi_value generate(struct call *call)
{
	wlk_certificate *certificate;
	wlk_err err = wlk_certificate_generate(&certificate);

	return err ? call_result(call, NULL, err) : make_handle(call->env, certificate);
}

static napi_value expires(struct call *call)
{
	return make_number(call->env, (double)wlk_certificate_expires(call_handle(call, 0)));
}

static napi_value fingerprint(struct call *call)
{
	char text[256];
	wlk_err err = wlk_certificate_fingerprint(call_handle(call, 0), text, sizeof(text));

	return err ? call_result(call, NULL, err) : make_text(call->env, text);
}

static napi_value release(struct call *call)
{
	wlk_certificate_release(call_handle(call, 0));
	return make_undefined(call->env);
}

const struct call_entry certificate_calls[] = {
	{ "certificateGenerate", generate },
	{ "certificateExpires", expires },
	{ "certificateFingerprint", fingerprint },
	{ "certificateRelease", release },
	{ NULL, NULL },
};
