/*
 * What libsrtp asks of a cipher (its cipher.h):
 * - keys come with the salt behind them; the salt is its own business, for the IV;
 * - a message is: set_iv, set_aad (RTCP: several times), encrypt, get_tag; or set_iv, set_aad, decrypt with the tag behind
 *   the ciphertext, and the count of bytes shrinks by it;
 * - tags are of 16 bytes; its vectors, which a new cipher has to pass, have some of 8;
 * - the streams of a session share one cipher, and a session is used by one thread.
 */
#include "srtp/gcm.h"

#include <srtp2/cipher.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

enum { SALT_SIZE = 12 };

/* What stands behind srtp_cipher_t; made with it, so that one block is both. */
struct gcm_state {
	srtp_cipher_t cipher;
	size_t tag_size;
	struct crypto_gcm *gcm;
	uint8_t tag[CRYPTO_GCM_TAG_SIZE];
};

static const srtp_cipher_type_t gcm_128, gcm_256;

static srtp_err_status_t status_of(wlk_err err)
{
	return err == WLK_OK ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_alloc(srtp_cipher_t **out, int key_len, int tag_len)
{
	bool is_128 = key_len == 16 + SALT_SIZE;
	struct gcm_state *s;

	if ((!is_128 && key_len != 32 + SALT_SIZE) || (tag_len != CRYPTO_GCM_TAG_SIZE && tag_len != CRYPTO_GCM_TAG_SIZE / 2))
		return srtp_err_status_bad_param;
	s = wlk_calloc(1, sizeof(*s));
	/* All memory here: libsrtp leaks when it is short in init. */
	if (!s || crypto_gcm_create(&s->gcm, (size_t)key_len - SALT_SIZE) != WLK_OK) {
		wlk_free(s);
		return srtp_err_status_alloc_fail;
	}
	s->tag_size = (size_t)tag_len;
	s->cipher = (srtp_cipher_t){
		.type = is_128 ? &gcm_128 : &gcm_256,
		.state = s,
		.key_len = key_len,
		.algorithm = is_128 ? SRTP_AES_GCM_128 : SRTP_AES_GCM_256,
	};
	*out = &s->cipher;
	return srtp_err_status_ok;
}

static srtp_err_status_t gcm_dealloc(srtp_cipher_t *cipher)
{
	struct gcm_state *s = cipher->state;

	crypto_gcm_destroy(s->gcm);
	crypto_wipe(s, sizeof(*s));
	wlk_free(s);
	return srtp_err_status_ok;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key)
{
	struct gcm_state *s = state;

	return status_of(crypto_gcm_set_key(s->gcm, key));
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
	struct gcm_state *s = state;

	if (direction != srtp_direction_encrypt && direction != srtp_direction_decrypt)
		return srtp_err_status_bad_param;
	return status_of(crypto_gcm_begin(s->gcm, iv, direction == srtp_direction_encrypt));
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t size)
{
	struct gcm_state *s = state;

	return status_of(crypto_gcm_associate(s->gcm, aad, size));
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *data, unsigned int *size)
{
	struct gcm_state *s = state;

	return status_of(crypto_gcm_seal(s->gcm, data, *size, s->tag));
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *size)
{
	struct gcm_state *s = state;

	memcpy(tag, s->tag, s->tag_size);
	*size = (uint32_t)s->tag_size;
	return srtp_err_status_ok;
}

static srtp_err_status_t gcm_decrypt(void *state, uint8_t *data, unsigned int *size)
{
	struct gcm_state *s = state;

	if (*size < s->tag_size)
		return srtp_err_status_bad_param;
	*size -= (unsigned int)s->tag_size;
	return crypto_gcm_open(s->gcm, data, *size, data + *size, s->tag_size) == WLK_OK ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

/* McGrew, Viega: "The Galois/Counter Mode of Operation", appendix B, cases 4 and 16. */
static const uint8_t test_key[32 + SALT_SIZE] = {
	0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
	0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
};
static uint8_t test_iv[CRYPTO_GCM_IV_SIZE] = { 0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88 };
static const uint8_t test_aad[20] = { 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
				      0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2 };
static const uint8_t test_plain[60] = {
	0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53,
	0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53,
	0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39,
};
static const uint8_t test_cipher_128[60 + CRYPTO_GCM_TAG_SIZE] = {
	0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c, 0xe3, 0xaa, 0x21,
	0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e, 0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66,
	0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05, 0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d,
	0x58, 0xe0, 0x91, 0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47,
};
static const uint8_t test_cipher_256[60 + CRYPTO_GCM_TAG_SIZE] = {
	0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d, 0x64, 0x3a, 0x8c,
	0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa, 0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d,
	0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38, 0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc,
	0xc9, 0xf6, 0x62, 0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b,
};

#define TEST_CASE(bytes, expected)                                                                                            \
	{                                                                                                                     \
		.key_length_octets = (bytes) + SALT_SIZE, .key = test_key, .idx = test_iv,                                    \
		.plaintext_length_octets = sizeof(test_plain), .plaintext = test_plain,                                       \
		.ciphertext_length_octets = sizeof(expected), .ciphertext = (expected),                                       \
		.aad_length_octets = sizeof(test_aad), .aad = test_aad, .tag_length_octets = CRYPTO_GCM_TAG_SIZE              \
	}

static const srtp_cipher_test_case_t test_128 = TEST_CASE(16, test_cipher_128), test_256 = TEST_CASE(32, test_cipher_256);

#define CIPHER_TYPE(number, words, test)                                                                                      \
	{                                                                                                                     \
		.alloc = gcm_alloc, .dealloc = gcm_dealloc, .init = gcm_init, .set_aad = gcm_set_aad, .encrypt = gcm_encrypt, \
		.decrypt = gcm_decrypt, .set_iv = gcm_set_iv, .get_tag = gcm_get_tag, .description = (words),                 \
		.test_data = (test), .id = (number)                                                                           \
	}

static const srtp_cipher_type_t gcm_128 = CIPHER_TYPE(SRTP_AES_GCM_128, "AES-128 GCM using OpenSSL", &test_128);
static const srtp_cipher_type_t gcm_256 = CIPHER_TYPE(SRTP_AES_GCM_256, "AES-256 GCM using OpenSSL", &test_256);

bool srtp_gcm_install(void)
{
	return srtp_replace_cipher_type(&gcm_128, SRTP_AES_GCM_128) == srtp_err_status_ok &&
	       srtp_replace_cipher_type(&gcm_256, SRTP_AES_GCM_256) == srtp_err_status_ok;
}
