/* What the peers of one loop share: the DTLS context with its certificate. */
#ifndef PEER_ENV_H
#define PEER_ENV_H

#include "peer/peer.h"

/*
 * Make env->dtls and keep a certificate for it: |certificate| (one reference is taken) or, when NULL, a fresh one that is
 * valid from |unix_seconds|. |keylog| may be NULL; its lines are borrowed for the call. WLK_ERR_CRYPTO, WLK_ERR_NOMEM.
 */
wlk_err peer_env_create_dtls(struct peer_env *env, wlk_certificate *certificate, int64_t unix_seconds,
			     void (*keylog)(const char *line, void *user), void *user);
/* Only when no peer uses it any more. */
void peer_env_destroy_dtls(struct peer_env *env);

#endif
