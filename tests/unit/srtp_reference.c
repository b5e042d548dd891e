#include "srtp_reference.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <assert.h>

void reference_aes_ctr(const uint8_t *key, size_t key_size, const uint8_t counter[16], uint8_t *data, size_t size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int written = 0;
	int ok = EVP_EncryptInit_ex(ctx, key_size == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, counter) ==
			 1 &&
		 EVP_EncryptUpdate(ctx, data, &written, data, (int)size) == 1;

	assert(ok && "AES-CTR works");
	EVP_CIPHER_CTX_free(ctx);
}

void reference_kdf(const uint8_t *master_key, size_t key_size, const uint8_t *master_salt, size_t salt_size,
		   uint8_t label, uint8_t *out, size_t size)
{
	uint8_t counter[16] = { 0 };

	memcpy(counter, master_salt, salt_size); /* a salt of 96 bits is padded on the right, RFC 7714 11 */
	counter[7] ^= label;
	memset(out, 0, size);
	reference_aes_ctr(master_key, key_size, counter, out, size);
}

void reference_session_keys(struct reference_keys *out, enum srtp_keys_profile profile, const uint8_t *master,
			    uint8_t first_label)
{
	struct srtp_keys_sizes s = srtp_keys_sizes(profile);

	memset(out, 0, sizeof(*out));
	reference_kdf(master, s.key, master + s.key, s.salt, first_label, out->key, s.key);
	reference_kdf(master, s.key, master + s.key, s.salt, (uint8_t)(first_label + 1), out->auth, sizeof(out->auth));
	reference_kdf(master, s.key, master + s.key, s.salt, (uint8_t)(first_label + 2), out->salt, s.salt);
}

static void gcm(const struct reference_keys *keys, size_t key_size, const uint8_t iv[12], const uint8_t *aad,
		size_t aad_size, uint8_t *data, size_t size, uint8_t tag[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	int ok = EVP_EncryptInit_ex(ctx, key_size == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, keys->key, iv) ==
			 1 &&
		 EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_size) == 1 &&
		 EVP_EncryptUpdate(ctx, data, &n, data, (int)size) == 1 &&
		 EVP_EncryptFinal_ex(ctx, data + size, &n) == 1 &&
		 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;

	assert(ok && "AES-GCM works");
	EVP_CIPHER_CTX_free(ctx);
}

static void hmac_80(const struct reference_keys *keys, const uint8_t *data, size_t size, uint8_t *tag)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int digest_size;

	assert(HMAC(EVP_sha1(), keys->auth, 20, data, size, digest, &digest_size) && "HMAC works");
	memcpy(tag, digest, 10);
}

/* RFC 3711 4.1.1: IV = (salt << 16) XOR (SSRC << 64) XOR (index << 16) */
static void cm_iv(const struct reference_keys *keys, uint32_t ssrc, uint64_t index, uint8_t iv[16])
{
	memset(iv, 0, 16);
	memcpy(iv, keys->salt, 14);
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

size_t reference_rtp(const struct reference_keys *keys, enum srtp_keys_profile profile, uint32_t roc, uint8_t *data,
		     size_t header, size_t size)
{
	struct srtp_keys_sizes s = srtp_keys_sizes(profile);
	uint32_t ssrc = load_u32(data + 8);
	uint8_t iv[16];

	if (profile == SRTP_KEYS_AES128_CM_SHA1_80) {
		cm_iv(keys, ssrc, (uint64_t)roc << 16 | load_u16(data + 2), iv);
		reference_aes_ctr(keys->key, 16, iv, data + header, size - header);
		store_u32(data + size, roc); /* authenticated, not sent: RFC 3711 4.2 */
		hmac_80(keys, data, size + 4, data + size);
		return size + 10;
	}
	/* RFC 7714 8.1: 00 00 | SSRC | ROC | SEQ, XOR salt */
	memset(iv, 0, sizeof(iv));
	store_u32(iv + 2, ssrc);
	store_u32(iv + 6, roc);
	store_u16(iv + 10, load_u16(data + 2));
	for (int i = 0; i < 12; i++)
		iv[i] ^= keys->salt[i];
	gcm(keys, s.key, iv, data, header, data + header, size - header, data + size);
	return size + 16;
}

size_t reference_rtcp(const struct reference_keys *keys, enum srtp_keys_profile profile, uint32_t index, uint8_t *data,
		      size_t size)
{
	struct srtp_keys_sizes s = srtp_keys_sizes(profile);
	uint32_t ssrc = load_u32(data + 4);
	uint8_t aad[12];
	uint8_t iv[16];

	if (profile == SRTP_KEYS_AES128_CM_SHA1_80) {
		cm_iv(keys, ssrc, index, iv);
		reference_aes_ctr(keys->key, 16, iv, data + 8, size - 8);
		store_u32(data + size, index | 0x80000000u);
		hmac_80(keys, data, size + 4, data + size + 4);
		return size + 14;
	}
	/* RFC 7714 9.1 and 9.2: 00 00 | SSRC | 00 00 | index, XOR salt; the ESRTCP word is authenticated too */
	memset(iv, 0, sizeof(iv));
	store_u32(iv + 2, ssrc);
	store_u32(iv + 8, index);
	for (int i = 0; i < 12; i++)
		iv[i] ^= keys->salt[i];
	memcpy(aad, data, 8);
	store_u32(aad + 8, index | 0x80000000u);
	gcm(keys, s.key, iv, aad, sizeof(aad), data + 8, size - 8, data + size);
	store_u32(data + size + 16, index | 0x80000000u);
	return size + 20;
}
