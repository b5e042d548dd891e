/* SRTP written a second time, straight from RFC 3711 and RFC 7714, to compare the session with. Slow and plain. */
#ifndef TESTS_SRTP_REFERENCE_H
#define TESTS_SRTP_REFERENCE_H

#include "core/bytes.h"
#include "srtp/keys.h"

struct reference_keys {
	uint8_t key[32];
	uint8_t salt[14];
	uint8_t auth[20];
};

/* RFC 3711 4.3.3: AES-CM of the master key, from the counter that label and salt make. */
void reference_kdf(const uint8_t *master_key, size_t key_size, const uint8_t *master_salt, size_t salt_size,
		   uint8_t label, uint8_t *out, size_t size);
/* AES in counter mode. */
void reference_aes_ctr(const uint8_t *key, size_t key_size, const uint8_t counter[16], uint8_t *data, size_t size);
/* Session keys of RTP (first_label 0) or RTCP (3) from master key and salt. */
void reference_session_keys(struct reference_keys *out, enum srtp_keys_profile profile, const uint8_t *master,
			    uint8_t first_label);
/* Seal in place with session keys; |data| has room for the trailer. Answers the new size. */
size_t reference_rtp(const struct reference_keys *keys, enum srtp_keys_profile profile, uint32_t roc, uint8_t *data,
		     size_t header, size_t size);
size_t reference_rtcp(const struct reference_keys *keys, enum srtp_keys_profile profile, uint32_t index, uint8_t *data,
		      size_t size);

#endif
