/* The little cryptography that more than one module needs, over OpenSSL; nobody else includes openssl/ for it. */
#ifndef CORE_CRYPTO_H
#define CORE_CRYPTO_H

#include "core/err.h"

enum { CRYPTO_SHA1_SIZE = 20, CRYPTO_SHA256_SIZE = 32, CRYPTO_MD5_SIZE = 16 };

/* Overwrite secrets so that the compiler cannot drop it (R38). */
void crypto_wipe(void *data, size_t size);
/* Compare in constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);

/* A keyed HMAC whose context is kept: about 0.5 us a STUN message instead of 3-4 us for the one-shot call. */
struct crypto_hmac;
enum crypto_digest { CRYPTO_DIGEST_SHA1, CRYPTO_DIGEST_SHA256 };

wlk_err crypto_hmac_create(struct crypto_hmac **out, enum crypto_digest digest, const void *key, size_t key_size);
void crypto_hmac_destroy(struct crypto_hmac *hmac);
/* HMAC over up to two pieces (the second may be empty). |out| holds 20 or 32 bytes. */
wlk_err crypto_hmac_compute(struct crypto_hmac *hmac, const void *a, size_t a_size, const void *b, size_t b_size,
			    uint8_t *out) WLK_NODISCARD;

enum { CRYPTO_GCM_IV_SIZE = 12, CRYPTO_GCM_TAG_SIZE = 16 };

/*
 * AES in Galois/counter mode (NIST SP 800-38D), in place, one message after the other under one key, whose schedule is
 * kept. A message: begin, any number of pieces of associated data, then seal or open. Not thread-safe.
 */
struct crypto_gcm;

/* |key_size| is 16 or 32; others are WLK_ERR_INVALID. WLK_ERR_NOMEM, WLK_ERR_CRYPTO. */
wlk_err crypto_gcm_create(struct crypto_gcm **out, size_t key_size) WLK_NODISCARD;
void crypto_gcm_destroy(struct crypto_gcm *gcm);
/* Before the first message, and as often as there is a new key. */
wlk_err crypto_gcm_set_key(struct crypto_gcm *gcm, const uint8_t *key) WLK_NODISCARD;
wlk_err crypto_gcm_begin(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_GCM_IV_SIZE], bool seal) WLK_NODISCARD;
wlk_err crypto_gcm_associate(struct crypto_gcm *gcm, const void *data, size_t size) WLK_NODISCARD;
/* Encrypt |data| and write its tag. */
wlk_err crypto_gcm_seal(struct crypto_gcm *gcm, uint8_t *data, size_t size, uint8_t tag[CRYPTO_GCM_TAG_SIZE]) WLK_NODISCARD;
/*
 * Decrypt |data|. |tag_size| is 8 or 16: a tag may have been cut to its first bytes. WLK_ERR_CRYPTO: |tag| does not fit;
 * |data| is not to be looked at then.
 */
wlk_err crypto_gcm_open(struct crypto_gcm *gcm, uint8_t *data, size_t size, const uint8_t *tag, size_t tag_size) WLK_NODISCARD;

wlk_err crypto_sha256(const void *data, size_t size, uint8_t out[CRYPTO_SHA256_SIZE]) WLK_NODISCARD;
/* For the long-term credential key of TURN only (RFC 8489 9.2.2). */
wlk_err crypto_md5(const void *data, size_t size, uint8_t out[CRYPTO_MD5_SIZE]) WLK_NODISCARD;

/* OpenSSL's generator, or the seeded one of a test; everybody draws through core/rand.h. */
wlk_err crypto_rand_bytes(void *out, size_t size) WLK_NODISCARD;

/* CRC-32 (ISO-HDLC), as STUN's FINGERPRINT wants it before the XOR. */
uint32_t crypto_crc32(const void *data, size_t size);
/* CRC-32c (Castagnoli), for SCTP: the CPU's instruction where it has one, else a table. Start with |crc| 0; may be chained. */
uint32_t crypto_crc32c(uint32_t crc, const void *data, size_t size);
/* The portable form, for the test that compares both. */
uint32_t crypto_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
