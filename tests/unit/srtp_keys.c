/* srtp/keys: the layout of RFC 5764 4.2 for both roles, and the key derivation vectors of RFC 3711 appendix B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/text.h"
#include "srtp_reference.h"

static void test_block_is_cut_in_the_order_of_RFC_5764(void **state)
{
	static const struct {
		enum srtp_keys_profile profile;
		size_t key, salt;
	} profiles[] = {
		{ SRTP_KEYS_AES128_CM_SHA1_80, 16, 14 },
		{ SRTP_KEYS_AEAD_AES_128_GCM, 16, 12 },
		{ SRTP_KEYS_AEAD_AES_256_GCM, 32, 12 },
	};
	uint8_t block[100];

	(void)state;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		size_t key = profiles[i].key;
		size_t salt = profiles[i].salt;
		struct srtp_keys client, server;

		assert_int_equal(srtp_keys_from_exporter(&client, profiles[i].profile, block, 2 * (key + salt), true),
				 WLK_OK);
		assert_int_equal(srtp_keys_from_exporter(&server, profiles[i].profile, block, 2 * (key + salt), false),
				 WLK_OK);
		assert_int_equal(client.size, key + salt);
		assert_memory_equal(client.local, block, key);
		assert_memory_equal(client.remote, block + key, key);
		assert_memory_equal(client.local + key, block + 2 * key, salt);
		assert_memory_equal(client.remote + key, block + 2 * key + salt, salt);
		assert_memory_equal(client.local, server.remote, key + salt);
		assert_memory_equal(client.remote, server.local, key + salt);
		/* one byte less or more is not a block */
		assert_int_equal(
			srtp_keys_from_exporter(&client, profiles[i].profile, block, 2 * (key + salt) - 1, true),
			WLK_ERR_INVALID);
		assert_int_equal(
			srtp_keys_from_exporter(&client, profiles[i].profile, block, 2 * (key + salt) + 1, true),
			WLK_ERR_INVALID);
	}
	struct srtp_keys keys;
	assert_int_equal(srtp_keys_from_exporter(&keys, (enum srtp_keys_profile)2, block, 60, true),
			 WLK_ERR_UNSUPPORTED);
	assert_int_equal(srtp_keys_sizes((enum srtp_keys_profile)0).tag, 0);
}

static void test_R38_wipe_leaves_nothing(void **state)
{
	struct srtp_keys keys;
	const uint8_t *bytes = (const uint8_t *)&keys;

	(void)state;
	memset(&keys, 0xaa, sizeof(keys));
	srtp_keys_wipe(&keys);
	for (size_t i = 0; i < sizeof(keys); i++)
		assert_int_equal(bytes[i], 0);
}

static void unhex(uint8_t *out, const char *hex)
{
	assert_true(str_hex(str_of(hex), out, strlen(hex) / 2));
}

static void test_reference_meets_RFC_3711_B2_keystream(void **state)
{
	uint8_t key[16], counter[16], expect[48];
	uint8_t stream[48] = { 0 };

	(void)state;
	unhex(key, "2B7E151628AED2A6ABF7158809CF4F3C");
	unhex(counter, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
	unhex(expect,
	      "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0");
	reference_aes_ctr(key, 16, counter, stream, sizeof(stream));
	assert_memory_equal(stream, expect, sizeof(expect));
}

static void test_reference_meets_RFC_3711_B3_key_derivation(void **state)
{
	uint8_t master[30], expect[20];
	struct reference_keys keys;

	(void)state;
	unhex(master, "E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6");
	reference_session_keys(&keys, SRTP_KEYS_AES128_CM_SHA1_80, master, 0);
	unhex(expect, "C61E7A93744F39EE10734AFE3FF7A087");
	assert_memory_equal(keys.key, expect, 16);
	unhex(expect, "30CBBC08863D8C85D49DB34A9AE1");
	assert_memory_equal(keys.salt, expect, 14);
	unhex(expect, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
	assert_memory_equal(keys.auth, expect, 20);
}

/* RFC 7714 16 and 17 give session keys, without key derivation. */
static void test_reference_meets_RFC_7714_16_and_17(void **state)
{
	static const char rtp[] =
		"8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e20706172746573"
		"2074726573";
	static const char rtcp[] =
		"81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
		"deadbeefdeadbeef";
	static const struct {
		enum srtp_keys_profile profile;
		bool is_rtcp;
		const char *sealed;
	} vectors[] = {
		{ SRTP_KEYS_AEAD_AES_128_GCM, false,
		  "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
		  "899d7f27beb16a9152cf765ee4390cce" },
		{ SRTP_KEYS_AEAD_AES_256_GCM, false,
		  "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
		  "7aa3db36dfffd6b0f9bb7878d7a76c13" },
		{ SRTP_KEYS_AEAD_AES_128_GCM, true,
		  "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9"
		  "275bc84aa45896cf4d2fc5abf87245d9eade800005d4" },
		{ SRTP_KEYS_AEAD_AES_256_GCM, true,
		  "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b"
		  "6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const char *plain = vectors[i].is_rtcp ? rtcp : rtp;
		struct reference_keys keys = { 0 };
		uint8_t data[128], expect[128];
		size_t size;

		for (uint8_t k = 0; k < 32; k++)
			keys.key[k] = k;
		memcpy(keys.salt, "Quid pro quo", 12);
		unhex(data, plain);
		unhex(expect, vectors[i].sealed);
		size = vectors[i].is_rtcp ? reference_rtcp(&keys, vectors[i].profile, 0x5d4, data, strlen(plain) / 2)
					  : reference_rtp(&keys, vectors[i].profile, 0, data, 12, strlen(plain) / 2);
		assert_int_equal(size, strlen(vectors[i].sealed) / 2);
		assert_memory_equal(data, expect, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_is_cut_in_the_order_of_RFC_5764),
		cmocka_unit_test(test_R38_wipe_leaves_nothing),
		cmocka_unit_test(test_reference_meets_RFC_3711_B2_keystream),
		cmocka_unit_test(test_reference_meets_RFC_3711_B3_key_derivation),
		cmocka_unit_test(test_reference_meets_RFC_7714_16_and_17),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
