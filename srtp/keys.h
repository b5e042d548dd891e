/* SRTP keys and salts of both directions, cut out of the DTLS exporter's block (RFC 5764 4.2). */
#ifndef SRTP_KEYS_H
#define SRTP_KEYS_H

#include "core/err.h"

/* The numbers of RFC 5764 4.1.2 and RFC 7714 14.2, as DTLS negotiates them. */
enum srtp_keys_profile {
	SRTP_KEYS_AES128_CM_SHA1_80 = 0x0001,
	SRTP_KEYS_AEAD_AES_128_GCM = 0x0007,
	SRTP_KEYS_AEAD_AES_256_GCM = 0x0008,
};

enum { SRTP_KEYS_MAX = 32 + 14 };

/* Master key followed by master salt, one per direction. Wipe after use. */
struct srtp_keys {
	enum srtp_keys_profile profile;
	size_t size; /* key and salt of one direction: 30, 28 or 44 bytes */
	uint8_t local[SRTP_KEYS_MAX];
	uint8_t remote[SRTP_KEYS_MAX];
};

/* Bytes of master key, salt and authentication tag; all 0 for a profile that is not built. */
struct srtp_keys_sizes {
	size_t key;
	size_t salt;
	size_t tag;
};
struct srtp_keys_sizes srtp_keys_sizes(enum srtp_keys_profile profile);

/**
 * Cut the exporter's block: client key, server key, client salt, server salt.
 *
 * @param block      2 * (key + salt) bytes; any other size is WLK_ERR_INVALID
 * @param is_client  we are the DTLS client
 *
 * WLK_ERR_UNSUPPORTED for a profile that is not built.
 */
wlk_err srtp_keys_from_exporter(struct srtp_keys *out, enum srtp_keys_profile profile, const uint8_t *block,
				size_t size, bool is_client) WLK_NODISCARD;
void srtp_keys_wipe(struct srtp_keys *keys);

#endif
