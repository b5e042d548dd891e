#include "ice/credentials.h"

#include "core/alloc.h"
#include "core/rand.h"

wlk_err ice_credentials_init(struct ice_credentials *c, uint32_t generation)
{
	struct ice_credentials fresh = { .generation = generation };
	wlk_err err = rand_ice_chars(fresh.local_ufrag, ICE_LOCAL_UFRAG_SIZE);

	if (!err)
		err = rand_ice_password(fresh.local_pwd, ICE_LOCAL_PWD_SIZE);
	if (!err)
		err = crypto_hmac_create(&fresh.local_hmac, CRYPTO_DIGEST_SHA1, fresh.local_pwd, ICE_LOCAL_PWD_SIZE);
	if (!err)
		*c = fresh;
	crypto_wipe(&fresh, sizeof(fresh));
	return err;
}

static void free_secret(char *text)
{
	if (text)
		crypto_wipe(text, strlen(text));
	wlk_free(text);
}

static void free_remote(struct ice_credentials *c)
{
	crypto_hmac_destroy(c->remote_hmac);
	wlk_free(c->remote_ufrag);
	free_secret(c->remote_pwd);
	c->remote_hmac = NULL;
	c->remote_ufrag = NULL;
	c->remote_pwd = NULL;
}

void ice_credentials_free(struct ice_credentials *c)
{
	free_remote(c);
	crypto_hmac_destroy(c->local_hmac);
	crypto_wipe(c, sizeof(*c));
}

static bool is_ice_char(char ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '+' ||
	       ch == '/';
}

/* Browsers and others use '-', '_' and '=' as well; only what could break a line or the ':' of USERNAME is refused. */
static bool is_tolerable(struct str s, size_t min, size_t max)
{
	if (s.size < min || s.size > max)
		return false;
	for (size_t i = 0; i < s.size; i++)
		if (!is_ice_char(s.at[i]) && (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == ':'))
			return false;
	return true;
}

wlk_err ice_credentials_set_remote(struct ice_credentials *c, struct str ufrag, struct str pwd, bool lite)
{
	wlk_err err = WLK_ERR_NOMEM;

	assert(!c->remote_ufrag && "remote credentials are set once a generation");
	if (!is_tolerable(ufrag, ICE_UFRAG_MIN, ICE_UFRAG_MAX) || !is_tolerable(pwd, ICE_PWD_MIN, ICE_PWD_MAX))
		return WLK_ERR_INVALID;
	c->remote_ufrag = wlk_strndup(ufrag.at, ufrag.size);
	c->remote_pwd = wlk_strndup(pwd.at, pwd.size);
	if (c->remote_ufrag && c->remote_pwd)
		err = crypto_hmac_create(&c->remote_hmac, CRYPTO_DIGEST_SHA1, pwd.at, pwd.size);
	if (err)
		free_remote(c);
	else
		c->remote_lite = lite;
	return err;
}

void ice_credentials_move_remote(struct ice_credentials *c, struct ice_credentials *from)
{
	assert(!c->remote_ufrag && "remote credentials are set once a generation");
	c->remote_ufrag = from->remote_ufrag;
	c->remote_pwd = from->remote_pwd;
	c->remote_hmac = from->remote_hmac;
	from->remote_ufrag = from->remote_pwd = NULL;
	from->remote_hmac = NULL;
}

bool ice_credentials_have_remote(const struct ice_credentials *c)
{
	return c->remote_hmac != NULL;
}

bool ice_credentials_remote_equal(const struct ice_credentials *c, struct str ufrag, struct str pwd)
{
	return c->remote_ufrag && str_equal(ufrag, str_of(c->remote_ufrag)) && str_equal(pwd, str_of(c->remote_pwd));
}

bool ice_credentials_match_request(const struct ice_credentials *c, wlk_bytes username)
{
	struct str rest = { (const char *)username.data, username.size };
	struct str local;

	if (!c->generation || !username.data || !memchr(username.data, ':', username.size))
		return false;
	local = str_cut(&rest, ':');
	if (!str_equal(local, str_of(c->local_ufrag)))
		return false;
	return !c->remote_ufrag || str_equal(rest, str_of(c->remote_ufrag));
}
