/* Certificates. */
#include <string.h>

#include "call.h"

static napi_value generate(struct call *call)
{
	wlk_certificate *certificate;
	wlk_err err = wlk_certificate_generate(&certificate);

	return err ? call_result(call, NULL, err) : make_handle(call->env, certificate);
}

/* certificateGenerateWith({ type, namedCurve, modulusLength, expires }) */
static napi_value generate_with(struct call *call)
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	napi_value init = call_arg(call, 0), lifetime = value_member(call->env, init, "expires");
	const char *curve = value_text(call, value_member(call->env, init, "namedCurve"));
	wlk_certificate *certificate;
	wlk_err err;

	if (curve && strcmp(curve, "P-256") && strcmp(curve, "P-384"))
		return call_result(call, NULL, WLK_ERR_UNSUPPORTED);
	if (!curve)
		options.algorithm = WLK_KEY_RSA;
	else if (!strcmp(curve, "P-384"))
		options.algorithm = WLK_KEY_ECDSA_P384;
	options.rsa_modulus_bits = (uint32_t)value_number(call->env, value_member(call->env, init, "modulusLength"));
	options.has_expires = lifetime;
	options.expires_ms = (uint64_t)value_number(call->env, lifetime);
	err = wlk_certificate_generate_with(&options, &certificate);
	return err ? call_result(call, NULL, err) : make_handle(call->env, certificate);
}

static napi_value expires(struct call *call)
{
	return make_number(call->env, (double)wlk_certificate_expires(call_handle(call, 0)));
}

static napi_value fingerprints(struct call *call)
{
	wlk_fingerprint fingerprint;
	napi_value array, object;

	napi_create_array(call->env, &array);
	for (uint32_t i = 0; !wlk_certificate_get_fingerprint(call_handle(call, 0), i, &fingerprint); i++) {
		napi_create_object(call->env, &object);
		set_member(call->env, object, "algorithm", make_text(call->env, fingerprint.algorithm));
		set_member(call->env, object, "value", make_text(call->env, fingerprint.value));
		napi_set_element(call->env, array, i, object);
	}
	return array;
}

static napi_value release(struct call *call)
{
	wlk_certificate_release(call_handle(call, 0));
	return make_undefined(call->env);
}

const struct call_entry certificate_calls[] = {
	{ "certificateGenerate", generate },
	{ "certificateExpires", expires },
	{ "certificateGenerateWith", generate_with },
	{ "certificateFingerprints", fingerprints },
	{ "certificateRelease", release },
	{ NULL, NULL },
};
