/* Random bytes: OpenSSL's, or a seeded generator that tests install. Nothing draws from rand() or the time (R38). */
#ifndef CORE_RAND_H
#define CORE_RAND_H

#include "core/err.h"

/* WLK_ERR_CRYPTO when the generator fails; the caller then gives up what it was doing. */
wlk_err rand_bytes(void *out, size_t size) WLK_NODISCARD;
wlk_err rand_u16(uint16_t *out) WLK_NODISCARD;
wlk_err rand_u32(uint32_t *out) WLK_NODISCARD;
wlk_err rand_u64(uint64_t *out) WLK_NODISCARD;
/* |size| characters of ice-char's base64 alphabet (6 bits each) and a NUL: out holds size + 1. */
wlk_err rand_ice_chars(char *out, size_t size) WLK_NODISCARD;
/* The same for a password: a recording notes a stand-in for it. */
wlk_err rand_ice_password(char *out, size_t size) WLK_NODISCARD;
/* Turn random bytes into such characters, in place. */
void rand_to_ice_chars(char *bytes, size_t size);

/*
 * A small generator for values that need no secrecy (timer jitter, pacing), seeded once from rand_u64().
 * Uniform in [0, bound).
 */
struct rand_jitter {
	uint64_t state;
};
uint32_t rand_jitter_below(struct rand_jitter *j, uint32_t bound);

/* For tests: all later draws of this process come from |seed|; rand_use_system() ends it. Also feeds OpenSSL's RAND. */
void rand_use_seed(uint64_t seed);
void rand_use_system(void);

#endif
