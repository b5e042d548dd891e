#include "srtp/keys.h"

#include <string.h>

#include "core/bytes.h"
#include "core/crypto.h"

struct srtp_keys_sizes srtp_keys_sizes(enum srtp_keys_profile profile)
{
	switch (profile) {
	case SRTP_KEYS_AES128_CM_SHA1_80:
		return (struct srtp_keys_sizes){ .key = 16, .salt = 14, .tag = 10 };
	case SRTP_KEYS_AEAD_AES_128_GCM:
		return (struct srtp_keys_sizes){ .key = 16, .salt = 12, .tag = 16 };
	case SRTP_KEYS_AEAD_AES_256_GCM:
		return (struct srtp_keys_sizes){ .key = 32, .salt = 12, .tag = 16 };
	}
	return (struct srtp_keys_sizes){ 0 };
}

wlk_err srtp_keys_from_exporter(struct srtp_keys *out, enum srtp_keys_profile profile, const uint8_t *block,
				size_t size, bool is_client)
{
	struct srtp_keys_sizes sizes = srtp_keys_sizes(profile);
	struct bytes_reader r = bytes_reader(block, size);
	const uint8_t *client_key, *server_key, *client_salt, *server_salt;

	if (!sizes.key)
		return WLK_ERR_UNSUPPORTED;
	/* RFC 5764 4.2: both keys, then both salts */
	client_key = bytes_take(&r, sizes.key);
	server_key = bytes_take(&r, sizes.key);
	client_salt = bytes_take(&r, sizes.salt);
	server_salt = bytes_take(&r, sizes.salt);
	if (!bytes_done(&r))
		return WLK_ERR_INVALID;
	memset(out, 0, sizeof(*out));
	out->profile = profile;
	out->size = sizes.key + sizes.salt;
	memcpy(out->local, is_client ? client_key : server_key, sizes.key);
	memcpy(out->local + sizes.key, is_client ? client_salt : server_salt, sizes.salt);
	memcpy(out->remote, is_client ? server_key : client_key, sizes.key);
	memcpy(out->remote + sizes.key, is_client ? server_salt : client_salt, sizes.salt);
	return WLK_OK;
}

void srtp_keys_wipe(struct srtp_keys *keys)
{
	crypto_wipe(keys, sizeof(*keys));
}
