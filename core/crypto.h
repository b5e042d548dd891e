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
