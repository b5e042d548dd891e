/* stun_msg: the vectors of RFC 5769 and RFC 8489 B.1, read and written. */
#include "ice_stun_support.h"

/* ---- Vectors ---- */

static void test_rfc5769_2_1_request(void **state)
{
	struct crypto_hmac *hmac = short_term();
	struct stun_msg msg = parse(rfc5769_request, sizeof(rfc5769_request));

	(void)state;
	assert_int_equal(msg.class, STUN_REQUEST);
	assert_int_equal(msg.method, STUN_METHOD_BINDING);
	assert_memory_equal(msg.txid, txid, sizeof(txid));
	assert_text(msg.software, "STUN test client");
	assert_text(msg.username, "evtj:h6vY");
	assert_true(msg.has_priority);
	assert_int_equal(msg.priority, 0x6e0001ff);
	assert_true(msg.has_controlled);
	assert_false(msg.has_controlling);
	assert_true(msg.tie_breaker == 0x932ff9b151263b36u);
	assert_true(msg.has_fingerprint);
	assert_true(msg.fingerprint_ok);
	assert_int_equal(msg.unknown_count, 0);
	assert_true(stun_msg_check_integrity(&msg, hmac));
	assert_false(stun_msg_check_integrity_sha256(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

static void check_response(const uint8_t *data, size_t size, const wlk_addr *mapped)
{
	struct crypto_hmac *hmac = short_term();
	struct stun_msg msg = parse(data, size);

	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_int_equal(msg.method, STUN_METHOD_BINDING);
	assert_text(msg.software, "test vector");
	assert_true(addr_equal(&msg.xor_mapped, mapped));
	assert_true(msg.fingerprint_ok);
	assert_true(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

static void test_rfc5769_2_2_response_v4(void **state)
{
	wlk_addr mapped = addr_v4(192, 0, 2, 1, 32853);

	(void)state;
	check_response(rfc5769_response_v4, sizeof(rfc5769_response_v4), &mapped);
}

static void test_rfc5769_2_3_response_v6(void **state)
{
	wlk_addr mapped;

	(void)state;
	assert_int_equal(addr_parse(&mapped, "2001:db8:1234:5678:11:2233:4455:6677", 36, 32853), WLK_OK);
	check_response(rfc5769_response_v6, sizeof(rfc5769_response_v6), &mapped);
}

static void test_rfc5769_2_4_long_term(void **state)
{
	struct stun_msg msg = parse(rfc5769_long_term, sizeof(rfc5769_long_term));
	uint8_t key[CRYPTO_MD5_SIZE];

	(void)state;
	assert_text(msg.username, matrix_user);
	assert_text(msg.nonce, "f//499k954d6OL34oL9FSTvy64sA");
	assert_text(msg.realm, "example.org");
	assert_false(msg.has_fingerprint);
	/* The password as OpaqueString leaves it: "The<U+00AD>M<U+00AA>tr<U+2168>" becomes "TheMatrIX". */
	assert_int_equal(stun_long_term_key(msg.username, msg.realm, bytes_of("TheMatrIX"), key), WLK_OK);

	struct crypto_hmac *hmac = hmac_new(CRYPTO_DIGEST_SHA1, key, sizeof(key));

	assert_true(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

static void test_rfc8489_b_1_sha256_and_userhash(void **state)
{
	struct stun_msg msg = parse(rfc8489_b1, sizeof(rfc8489_b1));
	uint8_t hash[STUN_USERHASH_SIZE];
	uint8_t key[CRYPTO_SHA256_SIZE];

	(void)state;
	assert_text(msg.nonce, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
	assert_int_equal(msg.userhash.size, STUN_USERHASH_SIZE);
	assert_int_equal(stun_userhash(bytes_of(matrix_user), msg.realm, hash), WLK_OK);
	assert_memory_equal(msg.userhash.data, hash, sizeof(hash));
	assert_int_equal(load_u16(msg.password_algorithm.data), STUN_PASSWORD_SHA256);
	assert_int_equal(stun_long_term_key_sha256(bytes_of(matrix_user), msg.realm, bytes_of("TheMatrIX"), key),
			 WLK_OK);

	struct crypto_hmac *hmac = hmac_new(CRYPTO_DIGEST_SHA256, key, sizeof(key));

	assert_int_equal(msg.integrity_offset, 0);
	assert_true(stun_msg_check_integrity_sha256(&msg, hmac));
	assert_false(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

/* RFC 5769 2.1-2.3 pad with spaces where the writer pads with zero; 2.4 and B.1 come out byte for byte. */
static void test_writer_reproduces_rfc5769_2_4(void **state)
{
	uint8_t buf[256], key[CRYPTO_MD5_SIZE];
	struct stun_writer w;
	size_t size = 0;

	(void)state;
	assert_int_equal(stun_long_term_key(bytes_of(matrix_user), bytes_of("example.org"), bytes_of("TheMatrIX"), key),
			 WLK_OK);

	struct crypto_hmac *hmac = hmac_new(CRYPTO_DIGEST_SHA1, key, sizeof(key));

	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, rfc5769_long_term + 8);
	stun_put_text(&w, STUN_ATTR_USERNAME, matrix_user);
	stun_put_text(&w, STUN_ATTR_NONCE, "f//499k954d6OL34oL9FSTvy64sA");
	stun_put_text(&w, STUN_ATTR_REALM, "example.org");
	assert_int_equal(stun_writer_finish(&w, hmac, false, &size), WLK_OK);
	assert_int_equal(size, sizeof(rfc5769_long_term));
	assert_memory_equal(buf, rfc5769_long_term, size);
	crypto_hmac_destroy(hmac);
}

static void test_writer_reproduces_rfc8489_b_1(void **state)
{
	static const uint8_t algorithm[4] = { 0, STUN_PASSWORD_SHA256, 0, 0 };
	uint8_t buf[256], key[CRYPTO_SHA256_SIZE], hash[STUN_USERHASH_SIZE];
	struct stun_writer w;
	size_t size = 0;

	(void)state;
	assert_int_equal(stun_userhash(bytes_of(matrix_user), bytes_of("example.org"), hash), WLK_OK);
	assert_int_equal(
		stun_long_term_key_sha256(bytes_of(matrix_user), bytes_of("example.org"), bytes_of("TheMatrIX"), key),
		WLK_OK);

	struct crypto_hmac *hmac = hmac_new(CRYPTO_DIGEST_SHA256, key, sizeof(key));

	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, rfc8489_b1 + 8);
	stun_put_bytes(&w, STUN_ATTR_USERHASH, hash, sizeof(hash));
	stun_put_text(&w, STUN_ATTR_NONCE, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
	stun_put_text(&w, STUN_ATTR_REALM, "example.org");
	stun_put_bytes(&w, STUN_ATTR_PASSWORD_ALGORITHM, algorithm, sizeof(algorithm));
	stun_put_integrity_sha256(&w, hmac);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	assert_int_equal(size, sizeof(rfc8489_b1));
	assert_memory_equal(buf, rfc8489_b1, size);
	crypto_hmac_destroy(hmac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc5769_2_1_request),
		cmocka_unit_test(test_rfc5769_2_2_response_v4),
		cmocka_unit_test(test_rfc5769_2_3_response_v6),
		cmocka_unit_test(test_rfc5769_2_4_long_term),
		cmocka_unit_test(test_rfc8489_b_1_sha256_and_userhash),
		cmocka_unit_test(test_writer_reproduces_rfc5769_2_4),
		cmocka_unit_test(test_writer_reproduces_rfc8489_b_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
