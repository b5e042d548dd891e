#include "core/crypto.h"

#include <limits.h>
#define OPENSSL_SUPPRESS_DEPRECATED /* EVP_CIPHER_meth_dup() */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/rand.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

void crypto_wipe(void *data, size_t size)
{
	OPENSSL_cleanse(data, size);
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}

/*
 * The context keeps the key schedule: EVP_MAC_init() with a NULL key rewinds to it, which is what makes
 * the second and every later message cheap.
 */
struct crypto_hmac {
	EVP_MAC_CTX *ctx;
	size_t size;
};

wlk_err crypto_hmac_create(struct crypto_hmac **out, enum crypto_digest digest, const void *key, size_t key_size)
{
	bool sha1 = digest == CRYPTO_DIGEST_SHA1;
	char name[] = "SHA2-256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1 ? (char *)memcpy(name, "SHA1", 5) : name, 0),
				OSSL_PARAM_construct_end() };
	struct crypto_hmac *hmac = wlk_calloc(1, sizeof(*hmac));
	EVP_MAC *mac;

	if (!hmac)
		return WLK_ERR_NOMEM;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	hmac->ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	hmac->size = sha1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE;
	/* OpenSSL takes a NULL key for "the key as before": an empty one needs an address. */
	if (!hmac->ctx || EVP_MAC_init(hmac->ctx, key_size ? key : (const void *)"", key_size, params) != 1) {
		crypto_hmac_destroy(hmac);
		return WLK_ERR_CRYPTO;
	}
	*out = hmac;
	return WLK_OK;
}

void crypto_hmac_destroy(struct crypto_hmac *hmac)
{
	if (!hmac)
		return;
	EVP_MAC_CTX_free(hmac->ctx);
	wlk_free(hmac);
}

wlk_err crypto_hmac_compute(struct crypto_hmac *hmac, const void *a, size_t a_size, const void *b, size_t b_size, uint8_t *out)
{
	size_t size = 0;

	if (EVP_MAC_init(hmac->ctx, NULL, 0, NULL) != 1 || EVP_MAC_update(hmac->ctx, a, a_size) != 1 ||
	    (b_size && EVP_MAC_update(hmac->ctx, b, b_size) != 1) ||
	    EVP_MAC_final(hmac->ctx, out, &size, hmac->size) != 1)
		return WLK_ERR_CRYPTO;
	return WLK_OK;
}

/*
 * The context keeps key schedule and hash key: EVP_CipherInit_ex() without a key sets the IV only. OpenSSL 3 asks a provider
 * for length of IV and tag by names that it compares one after the other, a fifth of what a packet takes; a copy of the cipher
 * is one without provider, the code inside being the same.
 */
struct crypto_gcm {
	EVP_CIPHER_CTX *ctx;
};

static const EVP_CIPHER *gcm_ciphers[2];
static pthread_once_t gcm_once = PTHREAD_ONCE_INIT;

/* For the life of the process. Without memory the ciphers of the provider serve. */
static void copy_gcm_ciphers(void)
{
	gcm_ciphers[0] = EVP_CIPHER_meth_dup(EVP_aes_128_gcm());
	gcm_ciphers[1] = EVP_CIPHER_meth_dup(EVP_aes_256_gcm());
	if (!gcm_ciphers[0])
		gcm_ciphers[0] = EVP_aes_128_gcm();
	if (!gcm_ciphers[1])
		gcm_ciphers[1] = EVP_aes_256_gcm();
}

wlk_err crypto_gcm_create(struct crypto_gcm **out, size_t key_size)
{
	struct crypto_gcm *gcm;

	if (key_size != 16 && key_size != 32)
		return WLK_ERR_INVALID;
	gcm = wlk_calloc(1, sizeof(*gcm));
	if (!gcm)
		return WLK_ERR_NOMEM;
	pthread_once(&gcm_once, copy_gcm_ciphers); /* not before main: the application may set OpenSSL's allocator there */
	gcm->ctx = EVP_CIPHER_CTX_new();
	/* The cipher's memory is taken here: setting keys needs none. */
	if (!gcm->ctx || EVP_CipherInit_ex(gcm->ctx, gcm_ciphers[key_size == 32], NULL, NULL, NULL, 1) != 1) {
		crypto_gcm_destroy(gcm);
		return WLK_ERR_NOMEM;
	}
	*out = gcm;
	return WLK_OK;
}

void crypto_gcm_destroy(struct crypto_gcm *gcm)
{
	if (!gcm)
		return;
	EVP_CIPHER_CTX_free(gcm->ctx);
	wlk_free(gcm);
}

static wlk_err gcm_result(int status)
{
	return status == 1 ? WLK_OK : WLK_ERR_CRYPTO;
}

wlk_err crypto_gcm_set_key(struct crypto_gcm *gcm, const uint8_t *key)
{
	return gcm_result(EVP_CipherInit_ex(gcm->ctx, NULL, NULL, key, NULL, 1));
}

wlk_err crypto_gcm_begin(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_GCM_IV_SIZE], bool seal)
{
	return gcm_result(EVP_CipherInit_ex(gcm->ctx, NULL, NULL, NULL, iv, seal));
}

wlk_err crypto_gcm_associate(struct crypto_gcm *gcm, const void *data, size_t size)
{
	int ignored;

	return size <= INT_MAX ? gcm_result(EVP_CipherUpdate(gcm->ctx, NULL, &ignored, data, (int)size)) : WLK_ERR_INVALID;
}

/* In place, as far as the tag. */
static bool gcm_run(struct crypto_gcm *gcm, uint8_t *data, size_t size)
{
	int done = 0;

	return size <= INT_MAX && (!size || EVP_CipherUpdate(gcm->ctx, data, &done, data, (int)size) == 1);
}

wlk_err crypto_gcm_seal(struct crypto_gcm *gcm, uint8_t *data, size_t size, uint8_t tag[CRYPTO_GCM_TAG_SIZE])
{
	uint8_t nothing[CRYPTO_GCM_TAG_SIZE];
	int done = 0;

	if (!gcm_run(gcm, data, size) || EVP_CipherFinal_ex(gcm->ctx, nothing, &done) != 1)
		return WLK_ERR_CRYPTO;
	return gcm_result(EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG_SIZE, tag));
}

wlk_err crypto_gcm_open(struct crypto_gcm *gcm, uint8_t *data, size_t size, const uint8_t *tag, size_t tag_size)
{
	uint8_t expected[CRYPTO_GCM_TAG_SIZE], nothing[CRYPTO_GCM_TAG_SIZE];
	int done = 0;

	if (tag_size != CRYPTO_GCM_TAG_SIZE && tag_size != CRYPTO_GCM_TAG_SIZE / 2)
		return WLK_ERR_INVALID;
	memcpy(expected, tag, tag_size);
	if (!gcm_run(gcm, data, size) || EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_size, expected) != 1)
		return WLK_ERR_CRYPTO;
	return gcm_result(EVP_CipherFinal_ex(gcm->ctx, nothing, &done));
}

static wlk_err digest_once(const char *name, const void *data, size_t size, uint8_t *out)
{
	return EVP_Q_digest(NULL, name, NULL, data, size, out, NULL) == 1 ? WLK_OK : WLK_ERR_CRYPTO;
}

wlk_err crypto_sha256(const void *data, size_t size, uint8_t out[CRYPTO_SHA256_SIZE])
{
	return digest_once("SHA2-256", data, size, out);
}

wlk_err crypto_md5(const void *data, size_t size, uint8_t out[CRYPTO_MD5_SIZE])
{
	return digest_once("MD5", data, size, out);
}

/* Both CRCs are reflected; their tables are filled before main() runs. */

static uint32_t crc_entry(uint32_t poly, uint32_t n)
{
	for (int bit = 0; bit < 8; bit++)
		n = n & 1 ? n >> 1 ^ poly : n >> 1;
	return n;
}

static uint32_t crc32_table[256];
static uint32_t crc32c_table[256];

/* Runs before main, so that no thread ever sees a half-built table. */
__attribute__((constructor)) static void build_tables(void)
{
	for (uint32_t n = 0; n < 256; n++) {
		crc32_table[n] = crc_entry(0xedb88320u, n);
		crc32c_table[n] = crc_entry(0x82f63b78u, n);
	}
}

static uint32_t crc_run(const uint32_t *table, uint32_t crc, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ p[i]) & 0xff] ^ crc >> 8;
	return crc;
}

uint32_t crypto_crc32(const void *data, size_t size)
{
	return ~crc_run(crc32_table, 0xffffffffu, data, size);
}

uint32_t crypto_crc32c_portable(uint32_t crc, const void *data, size_t size)
{
	return ~crc_run(crc32c_table, ~crc, data, size);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p, size_t size)
{
	uint64_t state = ~crc;

	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		state = _mm_crc32_u64(state, word);
	}
	for (; size; p++, size--)
		state = _mm_crc32_u8((uint32_t)state, *p);
	return ~(uint32_t)state;
}
#endif

uint32_t crypto_crc32c(uint32_t crc, const void *data, size_t size)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, data, size);
#endif
	return crypto_crc32c_portable(crc, data, size);
}

/* Random bytes. The seeded form replaces OpenSSL's RAND method, so that its handshakes repeat too. */
static bool seeded;
static struct rand_jitter seeded_state;

static int seeded_bytes(unsigned char *out, int size)
{
	for (int i = 0; i < size; i++)
		out[i] = (unsigned char)rand_jitter_below(&seeded_state, 256);
	return 1;
}

static int seeded_status(void)
{
	return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
void rand_use_seed(uint64_t seed)
{
	static const RAND_METHOD method = { .bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status };

	seeded_state.state = seed;
	seeded = true;
	RAND_set_rand_method(&method);
}

void rand_use_system(void)
{
	seeded = false;
	RAND_set_rand_method(NULL);
}
#pragma GCC diagnostic pop

wlk_err crypto_rand_bytes(void *out, size_t size)
{
	uint8_t *p = out;

	while (size) {
		int chunk = size > INT32_MAX ? INT32_MAX : (int)size;

		if (seeded ? !seeded_bytes(p, chunk) : RAND_bytes(p, chunk) != 1)
			return WLK_ERR_CRYPTO;
		p += chunk;
		size -= (size_t)chunk;
	}
	return WLK_OK;
}
