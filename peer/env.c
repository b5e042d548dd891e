#include "peer/env.h"

#include "dtls/transport.h"
#include "peer/certificate.h"
#include "srtp/session.h"

wlk_err peer_env_create_dtls(struct peer_env *env, wlk_certificate *certificate, int64_t unix_seconds,
			     void (*keylog)(const char *line, void *user), void *user)
{
	const struct dtls_context_config config = { .keylog = keylog, .user = user };
	struct dtls_context *context;
	struct dtls_cert *cert;
	wlk_err err = srtp_library_start(); /* 20 ms of CPU once, here and not in the first call's set-up */

	if (!err)
		err = dtls_context_create(&context, &config);
	if (err)
		return err;
	if (certificate)
		cert = dtls_cert_ref(certificate_unwrap(certificate));
	else if ((err = dtls_cert_generate(&cert, unix_seconds))) {
		dtls_context_destroy(context);
		return err;
	}
	env->dtls = context;
	env->certificate = cert;
	return WLK_OK;
}

void peer_env_destroy_dtls(struct peer_env *env)
{
	dtls_cert_release(env->certificate);
	dtls_context_destroy(env->dtls);
	env->certificate = NULL;
	env->dtls = NULL;
}
