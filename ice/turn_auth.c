#include "ice/turn_auth.h"

#include "core/alloc.h"

/* ------------------------------------------------------------------------------------------- credentials */

struct turn_credentials {
	uint32_t refs;
	char *username;
	size_t username_size;
	char *password;
	size_t password_size;
};

static void free_secret(char *secret, size_t size)
{
	if (secret)
		crypto_wipe(secret, size);
	wlk_free(secret);
}

wlk_err turn_credentials_create(struct turn_credentials **out, struct str username, struct str password)
{
	struct turn_credentials *c;

	if (!username.size || username.size > STUN_USERNAME_MAX || !password.size)
		return WLK_ERR_INVALID;
	c = wlk_calloc(1, sizeof(*c));
	if (!c)
		return WLK_ERR_NOMEM;
	c->refs = 1;
	c->username = wlk_strndup(username.at, username.size);
	c->password = wlk_strndup(password.at, password.size);
	c->username_size = username.size;
	c->password_size = password.size;
	if (!c->username || !c->password) {
		turn_credentials_release(c);
		return WLK_ERR_NOMEM;
	}
	*out = c;
	return WLK_OK;
}

struct turn_credentials *turn_credentials_ref(struct turn_credentials *c)
{
	c->refs++;
	return c;
}

void turn_credentials_release(struct turn_credentials *c)
{
	if (!c || --c->refs)
		return;
	free_secret(c->username, c->username_size);
	free_secret(c->password, c->password_size);
	wlk_free(c);
}

bool turn_credentials_equal(const struct turn_credentials *a, const struct turn_credentials *b)
{
	return a->username_size == b->username_size && a->password_size == b->password_size &&
	       crypto_equal(a->username, b->username, a->username_size) &&
	       crypto_equal(a->password, b->password, a->password_size);
}

/* --------------------------------------------------------------------------------------------------- key */

struct turn_key {
	uint32_t refs;
	bool sha256; /* for MESSAGE-INTEGRITY-SHA256, else MESSAGE-INTEGRITY */
	struct crypto_hmac *hmac;
};

struct turn_key *turn_key_ref(struct turn_key *key)
{
	key->refs++;
	return key;
}

void turn_key_release(struct turn_key *key)
{
	if (!key || --key->refs)
		return;
	crypto_hmac_destroy(key->hmac);
	wlk_free(key);
}

bool turn_key_check(const struct turn_key *key, const struct stun_msg *msg)
{
	return key->sha256 ? stun_msg_check_integrity_sha256(msg, key->hmac) : stun_msg_check_integrity(msg, key->hmac);
}

static wlk_bytes bytes_of(const char *text, size_t size)
{
	return (wlk_bytes){ (const uint8_t *)text, size };
}

static wlk_err create_hmac(const struct turn_auth *auth, struct turn_key *key)
{
	const struct turn_credentials *c = auth->credentials;
	wlk_bytes username = bytes_of(c->username, c->username_size);
	wlk_bytes password = bytes_of(c->password, c->password_size);
	wlk_bytes realm = bytes_of(auth->realm, auth->realm_size);
	uint8_t secret[CRYPTO_SHA256_SIZE];
	size_t size = CRYPTO_MD5_SIZE;
	wlk_err err;

	if (auth->algorithm == STUN_PASSWORD_SHA256) {
		size = CRYPTO_SHA256_SIZE;
		err = stun_long_term_key_sha256(username, realm, password, secret);
	} else {
		err = stun_long_term_key(username, realm, password, secret);
	}
	if (!err)
		err = crypto_hmac_create(&key->hmac, key->sha256 ? CRYPTO_DIGEST_SHA256 : CRYPTO_DIGEST_SHA1, secret,
					 size);
	crypto_wipe(secret, sizeof(secret));
	return err;
}

/* The key is made when it is needed first, and again after credentials or realm changed. */
static wlk_err need_key(struct turn_auth *auth)
{
	struct turn_key *key;
	wlk_err err;

	if (auth->key)
		return WLK_OK;
	key = wlk_calloc(1, sizeof(*key));
	if (!key)
		return WLK_ERR_NOMEM;
	key->refs = 1;
	key->sha256 = auth->algorithms != NULL;
	err = create_hmac(auth, key);
	if (!err && auth->anonymous)
		err = stun_userhash(bytes_of(auth->credentials->username, auth->credentials->username_size),
				    bytes_of(auth->realm, auth->realm_size), auth->userhash);
	if (err) {
		turn_key_release(key);
		return err;
	}
	auth->key = key;
	return WLK_OK;
}

static void forget_key(struct turn_auth *auth)
{
	turn_key_release(auth->key);
	auth->key = NULL;
	auth->version++;
}

/* -------------------------------------------------------------------------------------------------- life */

void turn_auth_init(struct turn_auth *auth, struct turn_credentials *credentials)
{
	*auth = (struct turn_auth){ .credentials = turn_credentials_ref(credentials), .algorithm = STUN_PASSWORD_MD5 };
}

static void forget_challenge(struct turn_auth *auth)
{
	wlk_free(auth->realm);
	free_secret(auth->nonce, auth->nonce_size);
	wlk_free(auth->algorithms);
	auth->realm = NULL;
	auth->nonce = NULL;
	auth->algorithms = NULL;
}

void turn_auth_free(struct turn_auth *auth)
{
	turn_credentials_release(auth->credentials);
	turn_credentials_release(auth->fallback);
	turn_key_release(auth->key);
	forget_challenge(auth);
	crypto_wipe(auth, sizeof(*auth));
}

void turn_auth_replace(struct turn_auth *auth, struct turn_credentials *credentials)
{
	if (turn_credentials_equal(auth->credentials, credentials))
		return;
	/* Several replacements while nothing was signed: the oldest is the one that the server knows. */
	if (auth->fallback)
		turn_credentials_release(auth->credentials);
	else
		auth->fallback = auth->credentials;
	auth->credentials = turn_credentials_ref(credentials);
	forget_key(auth);
}

void turn_auth_on_accepted(struct turn_auth *auth, const struct turn_key *key)
{
	if (!key || key != auth->key)
		return;
	turn_credentials_release(auth->fallback);
	auth->fallback = NULL;
}

bool turn_auth_fall_back(struct turn_auth *auth)
{
	if (!auth->fallback)
		return false;
	turn_credentials_release(auth->credentials);
	auth->credentials = auth->fallback;
	auth->fallback = NULL;
	forget_key(auth);
	return true;
}

/* -------------------------------------------------------------------------------------------- challenges */

/* RFC 8489 9.2: a nonce may begin with this and 24 feature bits in base64; bit 0 is the rightmost. */
#define NONCE_COOKIE "obMatJos2"
enum { FEATURE_PASSWORD_ALGORITHMS = 1, FEATURE_USERNAME_ANONYMITY = 2 };

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static uint32_t nonce_features(wlk_bytes nonce)
{
	const size_t cookie = sizeof(NONCE_COOKIE) - 1;
	uint32_t bits = 0;

	if (nonce.size < cookie + 4 || memcmp(nonce.data, NONCE_COOKIE, cookie))
		return 0;
	for (size_t i = cookie; i < cookie + 4; i++) {
		int value = base64_value(nonce.data[i]);

		if (value < 0)
			return 0;
		bits = bits << 6 | (uint32_t)value;
	}
	return bits;
}

static bool same_bytes(const void *a, size_t a_size, wlk_bytes b)
{
	return a && b.data && a_size == b.size && !memcmp(a, b.data, a_size);
}

/* The algorithm to use. RFC 8489 9.2.5: SHA-256 where it is offered, MD5 where nothing is; false: none that we know. */
static bool choose_algorithm(const struct stun_msg *msg, enum stun_password_algorithm *out)
{
	if (msg->password_algorithms.data &&
	    stun_password_algorithms_has(msg->password_algorithms, STUN_PASSWORD_SHA256))
		*out = STUN_PASSWORD_SHA256;
	else if (!msg->password_algorithms.data ||
		 stun_password_algorithms_has(msg->password_algorithms, STUN_PASSWORD_MD5))
		*out = STUN_PASSWORD_MD5;
	else
		return false;
	return true;
}

static bool is_usable(const struct turn_auth *auth, const struct stun_msg *msg)
{
	enum stun_password_algorithm algorithm;

	if (!msg->nonce.data || !msg->nonce.size || (!msg->realm.data && !auth->realm) ||
	    !choose_algorithm(msg, &algorithm))
		return false;
	/* Somebody has cut the list out, so that the weaker algorithm is used. */
	return msg->password_algorithms.data || !(nonce_features(msg->nonce) & FEATURE_PASSWORD_ALGORITHMS);
}

/* Take realm, nonce and algorithms over. False: no memory, nothing changed. */
static bool take_challenge(struct turn_auth *auth, const struct stun_msg *msg)
{
	wlk_bytes list = msg->password_algorithms;
	wlk_bytes realm = msg->realm.data ? msg->realm : bytes_of(auth->realm, auth->realm_size);
	bool same_key = same_bytes(auth->realm, auth->realm_size, realm) &&
			(list.data ? same_bytes(auth->algorithms, auth->algorithms_size, list) : !auth->algorithms) &&
			auth->anonymous == !!(nonce_features(msg->nonce) & FEATURE_USERNAME_ANONYMITY);
	char *new_realm = wlk_strndup((const char *)realm.data, realm.size);
	char *new_nonce = wlk_strndup((const char *)msg->nonce.data, msg->nonce.size);
	uint8_t *new_list = list.data ? wlk_malloc(list.size + 1) : NULL;

	if (!new_realm || !new_nonce || (list.data && !new_list)) {
		wlk_free(new_realm);
		wlk_free(new_nonce);
		wlk_free(new_list);
		return false;
	}
	if (new_list && list.size)
		memcpy(new_list, list.data, list.size);
	forget_challenge(auth);
	auth->realm = new_realm;
	auth->realm_size = realm.size;
	auth->nonce = new_nonce;
	auth->nonce_size = msg->nonce.size;
	auth->algorithms = new_list;
	auth->algorithms_size = list.size;
	auth->anonymous = (nonce_features(msg->nonce) & FEATURE_USERNAME_ANONYMITY) != 0;
	(void)choose_algorithm(msg, &auth->algorithm);
	if (same_key)
		auth->version++;
	else
		forget_key(auth);
	return true;
}

enum turn_challenge turn_auth_on_challenge(struct turn_auth *auth, const struct stun_msg *msg, uint32_t version,
					   bool was_signed)
{
	bool changed = auth->version != version; /* new credentials or a newer challenge since that request */
	bool same = same_bytes(auth->nonce, auth->nonce_size, msg->nonce) &&
		    (!msg->realm.data || same_bytes(auth->realm, auth->realm_size, msg->realm));

	if (!is_usable(auth, msg))
		return TURN_CHALLENGE_BAD;
	if (was_signed && msg->error_code == 401 && same && !changed)
		return TURN_CHALLENGE_REFUSED;
	if (!same && !take_challenge(auth, msg))
		return TURN_CHALLENGE_BAD;
	return TURN_CHALLENGE_RETRY;
}

/* --------------------------------------------------------------------------------------------- requests */

static void put_identity(struct turn_auth *auth, struct stun_writer *w)
{
	uint8_t chosen[4] = { 0 };

	if (auth->anonymous)
		stun_put_bytes(w, STUN_ATTR_USERHASH, auth->userhash, sizeof(auth->userhash));
	else
		stun_put_bytes(w, STUN_ATTR_USERNAME, auth->credentials->username, auth->credentials->username_size);
	stun_put_bytes(w, STUN_ATTR_REALM, auth->realm, auth->realm_size);
	stun_put_bytes(w, STUN_ATTR_NONCE, auth->nonce, auth->nonce_size);
	if (!auth->algorithms)
		return;
	store_u16(chosen, (uint16_t)auth->algorithm);
	stun_put_bytes(w, STUN_ATTR_PASSWORD_ALGORITHMS, auth->algorithms, auth->algorithms_size);
	stun_put_bytes(w, STUN_ATTR_PASSWORD_ALGORITHM, chosen, sizeof(chosen));
}

wlk_err turn_auth_finish(struct turn_auth *auth, struct stun_writer *w, size_t *size, struct turn_key **key)
{
	wlk_err err;

	*key = NULL;
	if (!auth->nonce)
		return stun_writer_finish(w, NULL, false, size);
	err = need_key(auth);
	if (err)
		return err;
	put_identity(auth, w);
	if (auth->key->sha256) {
		stun_put_integrity_sha256(w, auth->key->hmac);
		err = stun_writer_finish(w, NULL, false, size);
	} else {
		err = stun_writer_finish(w, auth->key->hmac, false, size);
	}
	if (!err)
		*key = turn_key_ref(auth->key);
	return err;
}
