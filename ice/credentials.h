/* One generation of ICE credentials (RFC 8445 5.3): both ufrags and passwords and the keyed MACs made of them. */
#ifndef ICE_CREDENTIALS_H
#define ICE_CREDENTIALS_H

#include "core/crypto.h"
#include "core/text.h"

enum {
	ICE_LOCAL_UFRAG_SIZE = 8, /* 48 bit; RFC 8445 5.3 wants 24 */
	ICE_LOCAL_PWD_SIZE = 24,  /* 144 bit; RFC 8445 5.3 wants 128 */
	ICE_UFRAG_MIN = 4,
	ICE_PWD_MIN = 22,
	ICE_UFRAG_MAX = 256,
	ICE_PWD_MAX = 256,
};

struct ice_credentials {
	uint32_t generation; /* 0: there are none */
	char local_ufrag[ICE_LOCAL_UFRAG_SIZE + 1];
	char local_pwd[ICE_LOCAL_PWD_SIZE + 1];
	struct crypto_hmac *local_hmac; /* requests to us, and our responses */
	char *remote_ufrag;             /* NULL: not known yet */
	char *remote_pwd;
	struct crypto_hmac *remote_hmac; /* our requests, and responses to us */
	bool remote_lite;
	bool remote_ended; /* no more candidates come */
};

/* Draw fresh local ones. WLK_ERR_NOMEM, WLK_ERR_CRYPTO; *c is written on success only. */
wlk_err ice_credentials_init(struct ice_credentials *c, uint32_t generation);
/* Frees and wipes; |c| is all zero afterwards. */
void ice_credentials_free(struct ice_credentials *c);

/* WLK_ERR_INVALID: lengths or characters that RFC 8839 5.4 does not allow. WLK_ERR_NOMEM, WLK_ERR_CRYPTO. */
wlk_err ice_credentials_set_remote(struct ice_credentials *c, struct str ufrag, struct str pwd, bool lite);
/* Those of |from| move to |c|, which has none. */
void ice_credentials_move_remote(struct ice_credentials *c, struct ice_credentials *from);
bool ice_credentials_have_remote(const struct ice_credentials *c);
bool ice_credentials_remote_equal(const struct ice_credentials *c, struct str ufrag, struct str pwd);

/*
 * Whether USERNAME of a request to us is "<local ufrag>:<remote ufrag>" of these credentials; before the remote ones
 * are known, any remote part will do (RFC 8445 7.3).
 */
bool ice_credentials_match_request(const struct ice_credentials *c, wlk_bytes username);

#endif
