#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/rand.h"
#include "core/text.h"

static void check_hex(const uint8_t *out, size_t size, const char *hex)
{
	uint8_t expected[64];

	assert_true(str_hex(str_of(hex), expected, size));
	assert_memory_equal(out, expected, size);
}

struct hmac_vector {
	const char *key;
	uint8_t key_byte; /* repeated, when |key| is NULL; 0: the bytes 1, 2, 3, ... */
	size_t key_size;
	const char *data;
	uint8_t data_byte;
	size_t data_size;
	const char *hex;
};

static void run_vector(const struct hmac_vector *v, enum crypto_digest digest, size_t size)
{
	uint8_t key[256], data[256], out[CRYPTO_SHA256_SIZE] = { 0 };
	struct crypto_hmac *hmac;

	for (size_t i = 0; i < v->key_size; i++)
		key[i] = v->key ? (uint8_t)v->key[i] : v->key_byte ? v->key_byte : (uint8_t)(i + 1);
	for (size_t i = 0; i < v->data_size; i++)
		data[i] = v->data ? (uint8_t)v->data[i] : v->data_byte;
	assert_int_equal(crypto_hmac_create(&hmac, digest, key, v->key_size), WLK_OK);
	/* The context is kept: every way to cut the message, one after the other, gives the same code. */
	for (size_t cut = 0; cut <= v->data_size; cut += 7) {
		assert_int_equal(crypto_hmac_compute(hmac, data, cut, data + cut, v->data_size - cut, out), WLK_OK);
		check_hex(out, size, v->hex);
	}
	crypto_hmac_destroy(hmac);
}

#define LONG_KEY_1 "Test Using Larger Than Block-Size Key - Hash Key First"
#define LONG_KEY_2 "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"
#define LONG_BOTH                                                                                                      \
	"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "    \
	"hashed "                                                                                                      \
	"before being used by the HMAC algorithm."
#define TEXT(literal) .data = literal, .data_size = sizeof(literal) - 1

static void test_hmac_sha1_vectors_of_rfc_2202(void **state)
{
	static const struct hmac_vector vectors[] = {
		/* RFC 2202 3 */
		{ .key_byte = 0x0b,
		  .key_size = 20,
		  TEXT("Hi There"),
		  .hex = "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ .key = "Jefe",
		  .key_size = 4,
		  TEXT("what do ya want for nothing?"),
		  .hex = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ .key_byte = 0xaa,
		  .key_size = 20,
		  .data_byte = 0xdd,
		  .data_size = 50,
		  .hex = "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
		{ .key_size = 25,
		  .data_byte = 0xcd,
		  .data_size = 50,
		  .hex = "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
		{ .key_byte = 0x0c,
		  .key_size = 20,
		  TEXT("Test With Truncation"),
		  .hex = "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
		{ .key_byte = 0xaa,
		  .key_size = 80,
		  TEXT(LONG_KEY_1),
		  .hex = "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
		{ .key_byte = 0xaa,
		  .key_size = 80,
		  TEXT(LONG_KEY_2),
		  .hex = "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		run_vector(&vectors[i], CRYPTO_DIGEST_SHA1, CRYPTO_SHA1_SIZE);
}

static void test_hmac_sha256_vectors_of_rfc_4231(void **state)
{
	static const struct hmac_vector vectors[] = {
		/* RFC 4231 4 */
		{ .key_byte = 0x0b,
		  .key_size = 20,
		  TEXT("Hi There"),
		  .hex = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ .key = "Jefe",
		  .key_size = 4,
		  TEXT("what do ya want for nothing?"),
		  .hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ .key_byte = 0xaa,
		  .key_size = 20,
		  .data_byte = 0xdd,
		  .data_size = 50,
		  .hex = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ .key_size = 25,
		  .data_byte = 0xcd,
		  .data_size = 50,
		  .hex = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ .key_byte = 0xaa,
		  .key_size = 131,
		  TEXT(LONG_KEY_1),
		  .hex = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ .key_byte = 0xaa,
		  .key_size = 131,
		  TEXT(LONG_BOTH),
		  .hex = "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		run_vector(&vectors[i], CRYPTO_DIGEST_SHA256, CRYPTO_SHA256_SIZE);
}

static void test_hmac_with_empty_key_and_empty_message(void **state)
{
	struct crypto_hmac *hmac;
	uint8_t out[CRYPTO_SHA1_SIZE];

	(void)state;
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, NULL, 0), WLK_OK);
	assert_int_equal(crypto_hmac_compute(hmac, NULL, 0, NULL, 0, out), WLK_OK);
	check_hex(out, sizeof(out), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
	crypto_hmac_destroy(hmac);
	crypto_hmac_destroy(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_hmac_out_of_memory(void **state)
{
	struct crypto_hmac *hmac = NULL;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, "k", 1), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_null(hmac);
}

static void test_digests(void **state)
{
	uint8_t md5[CRYPTO_MD5_SIZE], sha[CRYPTO_SHA256_SIZE];

	(void)state;
	/* RFC 1321 A.5 */
	assert_int_equal(crypto_md5("", 0, md5), WLK_OK);
	check_hex(md5, sizeof(md5), "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(crypto_md5("abc", 3, md5), WLK_OK);
	check_hex(md5, sizeof(md5), "900150983cd24fb0d6963f7d28e17f72");
	/* RFC 8489 9.2.2: the long-term key of user:realm:pass */
	assert_int_equal(crypto_md5("user:realm:pass", 15, md5), WLK_OK);
	check_hex(md5, sizeof(md5), "8493fbc53ba582fb4c044c456bdc40eb");
	/* FIPS 180-2 B.1 */
	assert_int_equal(crypto_sha256("abc", 3, sha), WLK_OK);
	check_hex(sha, sizeof(sha), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha256("", 0, sha), WLK_OK);
	check_hex(sha, sizeof(sha), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_crc32(void **state)
{
	(void)state;
	assert_true(crypto_crc32("123456789", 9) == 0xcbf43926u);
	assert_true(crypto_crc32("", 0) == 0);
	assert_true(crypto_crc32("a", 1) == 0xe8b7be43u);
}

static void check_crc32c(const uint8_t *data, size_t size, uint32_t expected)
{
	assert_true(crypto_crc32c(0, data, size) == expected);
	assert_true(crypto_crc32c_portable(0, data, size) == expected);
}

static void test_crc32c_vectors_of_rfc_3720_b_4(void **state)
{
	static const uint8_t read_pdu[48] = {
		0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02
	};
	uint8_t data[32];

	(void)state;
	memset(data, 0, sizeof(data));
	check_crc32c(data, sizeof(data), 0x8a9136aau);
	memset(data, 0xff, sizeof(data));
	check_crc32c(data, sizeof(data), 0x62a8ab43u);
	for (uint8_t i = 0; i < 32; i++)
		data[i] = i;
	check_crc32c(data, sizeof(data), 0x46dd794eu);
	for (uint8_t i = 0; i < 32; i++)
		data[i] = (uint8_t)(31 - i);
	check_crc32c(data, sizeof(data), 0x113fdb5cu);
	check_crc32c(read_pdu, sizeof(read_pdu), 0xd9963a56u);
	check_crc32c((const uint8_t *)"123456789", 9, 0xe3069283u);
	check_crc32c(data, 0, 0);
}

static void test_crc32c_of_the_cpu_equals_the_portable_one_and_chains(void **state)
{
	struct rand_jitter rand = { .state = 3 };
	uint8_t data[300];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand_jitter_below(&rand, 256);
	for (size_t offset = 0; offset < 9; offset++) {
		for (size_t size = 0; size < 280; size++) {
			uint32_t whole = crypto_crc32c_portable(0, data + offset, size);

			assert_true(crypto_crc32c(0, data + offset, size) == whole);
			assert_true(crypto_crc32c(crypto_crc32c(0, data + offset, size / 3), data + offset + size / 3,
						  size - size / 3) == whole);
		}
	}
}

struct gcm_vector {
	const char *key, *iv, *plain, *associated, *cipher, *tag;
};

/* McGrew, Viega: "The Galois/Counter Mode of Operation", appendix B: cases 1, 2, 4, 13 and 16. */
static const struct gcm_vector gcm_vectors[] = {
	{ "00000000000000000000000000000000", "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "00000000000000000000000000000000", "000000000000000000000000", "00000000000000000000000000000000", "",
	  "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf" },
	{ "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	  "5bc94fbc3221a5db94fae95ae7121a47" },
	{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
	  "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	  "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t size = strlen(hex) / 2;

	assert_true(str_hex(str_of(hex), out, size));
	return size;
}

static void check_gcm(const struct gcm_vector *v)
{
	uint8_t key[32], iv[12], data[64], plain[64], associated[32], cipher[64], tag[16], expected[16];
	size_t key_size = from_hex(v->key, key), size = from_hex(v->plain, plain), more = from_hex(v->associated, associated);
	struct crypto_gcm *gcm;

	from_hex(v->iv, iv);
	from_hex(v->cipher, cipher);
	from_hex(v->tag, expected);
	memcpy(data, plain, sizeof(data));
	assert_int_equal(crypto_gcm_create(&gcm, key_size), WLK_OK);
	assert_int_equal(crypto_gcm_set_key(gcm, key), WLK_OK);
	/* Twice: the second message finds the state of the first. */
	for (int turn = 0; turn < 2; turn++) {
		memcpy(data, plain, size);
		assert_int_equal(crypto_gcm_begin(gcm, iv, true), WLK_OK);
		assert_int_equal(crypto_gcm_associate(gcm, associated, more), WLK_OK);
		assert_int_equal(crypto_gcm_seal(gcm, data, size, tag), WLK_OK);
		assert_memory_equal(data, cipher, size);
		assert_memory_equal(tag, expected, 16);
		assert_int_equal(crypto_gcm_begin(gcm, iv, false), WLK_OK);
		assert_int_equal(crypto_gcm_associate(gcm, associated, more / 2), WLK_OK);
		assert_int_equal(crypto_gcm_associate(gcm, associated + more / 2, more - more / 2), WLK_OK);
		assert_int_equal(crypto_gcm_open(gcm, data, size, tag, turn ? 8 : 16), WLK_OK);
		assert_memory_equal(data, plain, size);
	}
	tag[15] ^= 1;
	memcpy(data, cipher, size);
	assert_int_equal(crypto_gcm_begin(gcm, iv, false), WLK_OK);
	assert_int_equal(crypto_gcm_associate(gcm, associated, more), WLK_OK);
	assert_int_equal(crypto_gcm_open(gcm, data, size, tag, 16), WLK_ERR_CRYPTO);
	assert_int_equal(crypto_gcm_open(gcm, data, size, tag, 4), WLK_ERR_INVALID);
	crypto_gcm_destroy(gcm);
}

static void test_gcm_vectors_of_its_authors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(gcm_vectors) / sizeof(*gcm_vectors); i++)
		check_gcm(&gcm_vectors[i]);
}

static void test_gcm_refuses_other_keys_and_lack_of_memory(void **state)
{
	struct crypto_gcm *gcm = NULL;

	(void)state;
	assert_int_equal(crypto_gcm_create(&gcm, 24), WLK_ERR_INVALID);
	assert_int_equal(crypto_gcm_create(&gcm, 0), WLK_ERR_INVALID);
	alloc_fail_after(1);
	assert_int_equal(crypto_gcm_create(&gcm, 16), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_null(gcm);
	crypto_gcm_destroy(NULL);
}

static void test_R38_wipe_and_constant_time_compare(void **state)
{
	char secret[] = "password";

	(void)state;
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_true(crypto_equal("abc", "xyz", 0));
	crypto_wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac_sha1_vectors_of_rfc_2202),
		cmocka_unit_test(test_hmac_sha256_vectors_of_rfc_4231),
		cmocka_unit_test(test_hmac_with_empty_key_and_empty_message),
		cmocka_unit_test(test_hmac_out_of_memory),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_crc32),
		cmocka_unit_test(test_crc32c_vectors_of_rfc_3720_b_4),
		cmocka_unit_test(test_crc32c_of_the_cpu_equals_the_portable_one_and_chains),
		cmocka_unit_test(test_gcm_vectors_of_its_authors),
		cmocka_unit_test(test_gcm_refuses_other_keys_and_lack_of_memory),
		cmocka_unit_test(test_R38_wipe_and_constant_time_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
