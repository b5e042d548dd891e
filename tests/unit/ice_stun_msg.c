/* stun_msg: every attribute there and back, and what must be refused. */
#include "ice_stun_support.h"

/* ---- There and back ---- */

/* Finish, copy to an exactly sized block so that ASan sees every byte beyond, parse. Free *block. */
static struct stun_msg finish_and_parse(struct stun_writer *w, struct crypto_hmac *hmac, bool fingerprint,
					uint8_t **block)
{
	size_t size = 0;

	assert_int_equal(stun_writer_finish(w, hmac, fingerprint, &size), WLK_OK);
	*block = malloc(size);
	assert_non_null(*block);
	memcpy(*block, w->out.start, size);
	return parse(*block, size);
}

static void test_ice_check_round_trip(void **state)
{
	struct crypto_hmac *hmac = short_term();
	struct stun_writer w;
	uint8_t buf[256];
	uint8_t *block;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_text(&w, STUN_ATTR_USERNAME, "abcd:wxyz");
	stun_put_u32(&w, STUN_ATTR_PRIORITY, 0xFFFFFFFF);
	stun_put_u64(&w, STUN_ATTR_ICE_CONTROLLING, 0x8000000000000001u);
	stun_put_flag(&w, STUN_ATTR_USE_CANDIDATE);
	stun_put_u32(&w, STUN_ATTR_NOMINATION, 7);

	struct stun_msg msg = finish_and_parse(&w, hmac, true, &block);

	assert_text(msg.username, "abcd:wxyz");
	assert_true(msg.has_priority && msg.priority == 0xFFFFFFFF);
	assert_true(msg.has_controlling && !msg.has_controlled);
	assert_true(msg.tie_breaker == 0x8000000000000001u);
	assert_true(msg.use_candidate);
	assert_true(msg.has_nomination && msg.nomination == 7);
	assert_true(msg.fingerprint_ok);
	assert_true(stun_msg_check_integrity(&msg, hmac));
	free(block);
	crypto_hmac_destroy(hmac);
}

static void test_turn_attributes_round_trip(void **state)
{
	static const uint8_t payload[5] = { 1, 2, 3, 4, 5 };
	static const uint8_t algorithms[8] = { 0, 1, 0, 0, 0, 2, 0, 0 };
	wlk_addr v4 = addr_v4(10, 0, 0, 1, 1), v6;
	struct stun_writer w;
	uint8_t buf[512];
	uint8_t *block;

	(void)state;
	assert_int_equal(addr_parse(&v6, "2001:db8::1", 11, 65535), WLK_OK);
	stun_writer_init(&w, buf, sizeof(buf), STUN_INDICATION, STUN_METHOD_SEND, txid);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, &v6);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_RELAYED_ADDRESS, &v4);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, &v4);
	stun_put_addr(&w, STUN_ATTR_MAPPED_ADDRESS, &v6);
	stun_put_addr(&w, STUN_ATTR_ALTERNATE_SERVER, &v4);
	stun_put_bytes(&w, STUN_ATTR_DATA, payload, sizeof(payload));
	stun_put_u32(&w, STUN_ATTR_LIFETIME, 600);
	stun_put_channel_number(&w, 0x4001);
	stun_put_requested_transport(&w, 17);
	stun_put_requested_address_family(&w, 6);
	stun_put_bytes(&w, STUN_ATTR_PASSWORD_ALGORITHMS, algorithms, sizeof(algorithms));

	struct stun_msg msg = finish_and_parse(&w, NULL, false, &block);

	assert_int_equal(msg.class, STUN_INDICATION);
	assert_int_equal(msg.method, STUN_METHOD_SEND);
	assert_true(addr_equal(&msg.xor_peer, &v6));
	assert_true(addr_equal(&msg.xor_relayed, &v4));
	assert_true(addr_equal(&msg.xor_mapped, &v4));
	assert_true(addr_equal(&msg.mapped, &v6));
	assert_true(addr_equal(&msg.alternate_server, &v4));
	assert_int_equal(msg.payload.size, sizeof(payload));
	assert_memory_equal(msg.payload.data, payload, sizeof(payload));
	assert_true(msg.has_lifetime && msg.lifetime == 600);
	assert_int_equal(msg.channel_number, 0x4001);
	assert_int_equal(msg.requested_transport, 17);
	assert_int_equal(msg.requested_address_family, 6);
	assert_true(stun_password_algorithms_has(msg.password_algorithms, STUN_PASSWORD_MD5));
	assert_true(stun_password_algorithms_has(msg.password_algorithms, STUN_PASSWORD_SHA256));
	assert_int_equal(msg.integrity_offset, 0);
	assert_false(msg.has_fingerprint);
	free(block);
}

static void test_error_and_unknown_attributes_round_trip(void **state)
{
	static const uint16_t types[] = { 0x7000, 0x0003 };
	struct stun_writer w;
	uint8_t buf[128];
	uint8_t *block;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, STUN_METHOD_BINDING, txid);
	stun_put_error(&w, 487, "Role Conflict");
	stun_put_unknown_attributes(&w, types, 2);

	struct stun_msg msg = finish_and_parse(&w, NULL, true, &block);

	assert_int_equal(msg.class, STUN_ERROR);
	assert_int_equal(msg.error_code, 487);
	assert_text(msg.reason, "Role Conflict");
	assert_int_equal(msg.unknown_attributes.size, 4);
	assert_int_equal(load_u16(msg.unknown_attributes.data), 0x7000);
	assert_int_equal(load_u16(msg.unknown_attributes.data + 2), 0x0003);
	free(block);
}

static void test_every_class_and_method_bit_round_trips(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 4; c++) {
		for (unsigned bit = 0; bit < 12; bit++) {
			struct stun_writer w;
			uint8_t buf[STUN_HEADER_SIZE];
			uint8_t *block;

			stun_writer_init(&w, buf, sizeof(buf), (enum stun_class)c, (uint16_t)(1u << bit), txid);

			struct stun_msg msg = finish_and_parse(&w, NULL, false, &block);

			assert_int_equal(msg.class, c);
			assert_int_equal(msg.method, 1u << bit);
			free(block);
		}
	}
}

static void test_present_but_empty_values_differ_from_absent(void **state)
{
	struct stun_writer w;
	uint8_t buf[64];
	uint8_t *block;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_text(&w, STUN_ATTR_USERNAME, "");
	stun_put_bytes(&w, STUN_ATTR_DATA, NULL, 0);

	struct stun_msg msg = finish_and_parse(&w, NULL, false, &block);

	assert_non_null(msg.username.data);
	assert_int_equal(msg.username.size, 0);
	assert_non_null(msg.payload.data);
	assert_null(msg.realm.data);
	free(block);
}

static void test_first_of_repeated_attributes_counts(void **state)
{
	struct stun_writer w;
	uint8_t buf[64];
	uint8_t *block;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_u32(&w, STUN_ATTR_PRIORITY, 1);
	stun_put_u32(&w, STUN_ATTR_PRIORITY, 2);

	struct stun_msg msg = finish_and_parse(&w, NULL, false, &block);

	assert_int_equal(msg.priority, 1);
	free(block);
}

static void test_mapped_ipv4_becomes_ipv4(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	wlk_addr raw = { .family = 6, .port = 9 };
	struct stun_writer w;
	uint8_t buf[64];
	uint8_t *block;

	(void)state;
	memcpy(raw.ip, mapped, sizeof(mapped));
	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, STUN_METHOD_BINDING, txid);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, &raw);

	struct stun_msg msg = finish_and_parse(&w, NULL, false, &block);

	assert_int_equal(msg.xor_mapped.family, 4);
	assert_true(addr_is_loopback(&msg.xor_mapped));
	free(block);
}

/* ---- R5: what stands behind the integrity ---- */

/* MESSAGE-INTEGRITY first, then raw attributes that nobody protects. */
static size_t append_raw(uint8_t *buf, size_t size, uint16_t type, const void *value, uint16_t value_size)
{
	store_u16(buf + size, type);
	store_u16(buf + size + 2, value_size);
	memcpy(buf + size + 4, value, value_size);
	size += 4u + value_size;
	store_u16(buf + 2, (uint16_t)(size - STUN_HEADER_SIZE));
	return size;
}

static void test_R5_attributes_behind_integrity_are_ignored(void **state)
{
	struct crypto_hmac *hmac = short_term();
	struct stun_writer w;
	uint8_t buf[256];
	size_t size = 0;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_text(&w, STUN_ATTR_USERNAME, "good");
	assert_int_equal(stun_writer_finish(&w, hmac, false, &size), WLK_OK);
	size = append_raw(buf, size, STUN_ATTR_USE_CANDIDATE, "", 0);
	size = append_raw(buf, size, STUN_ATTR_PRIORITY, "\0\0\0\1", 4);
	size = append_raw(buf, size, 0x7FFF, "", 0);

	struct stun_msg msg = parse(buf, size);

	assert_text(msg.username, "good");
	assert_false(msg.use_candidate);
	assert_false(msg.has_priority);
	assert_int_equal(msg.unknown_count, 0);
	assert_true(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

static void test_R5_everything_behind_fingerprint_is_ignored(void **state)
{
	struct crypto_hmac *hmac = short_term();
	struct stun_writer w;
	uint8_t buf[256];
	size_t size = 0;
	uint8_t mac[CRYPTO_SHA1_SIZE] = { 0 };

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	assert_int_equal(stun_writer_finish(&w, NULL, true, &size), WLK_OK);
	size = append_raw(buf, size, STUN_ATTR_MESSAGE_INTEGRITY, mac, sizeof(mac));
	size = append_raw(buf, size, STUN_ATTR_MESSAGE_INTEGRITY_SHA256, mac, 16);
	size = append_raw(buf, size, STUN_ATTR_FINGERPRINT, mac, 4);

	struct stun_msg msg = parse(buf, size);

	assert_int_equal(msg.integrity_offset, 0);
	assert_int_equal(msg.integrity_sha256_offset, 0);
	assert_false(msg.fingerprint_ok); /* the length in the header is not the one that the CRC covered */
	assert_false(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
}

static void test_R5_sha1_integrity_behind_sha256_is_ignored(void **state)
{
	struct crypto_hmac *sha256 = hmac_new(CRYPTO_DIGEST_SHA256, "k", 1);
	struct stun_writer w;
	uint8_t buf[256];
	size_t size = 0;
	uint8_t mac[CRYPTO_SHA1_SIZE] = { 0 };

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_integrity_sha256(&w, sha256);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	size = append_raw(buf, size, STUN_ATTR_MESSAGE_INTEGRITY, mac, sizeof(mac));

	struct stun_msg msg = parse(buf, size);

	assert_int_equal(msg.integrity_offset, 0);
	assert_true(stun_msg_check_integrity_sha256(&msg, sha256));
	crypto_hmac_destroy(sha256);
}

static void test_both_integrities_and_fingerprint(void **state)
{
	struct crypto_hmac *sha1 = short_term();
	struct crypto_hmac *sha256 = hmac_new(CRYPTO_DIGEST_SHA256, password, strlen(password));
	struct stun_writer w;
	uint8_t buf[256];
	uint8_t *block;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_text(&w, STUN_ATTR_USERNAME, "a:b");
	stun_put_integrity(&w, sha1);
	stun_put_integrity_sha256(&w, sha256);

	struct stun_msg msg = finish_and_parse(&w, NULL, true, &block);

	assert_true(stun_msg_check_integrity(&msg, sha1));
	assert_true(stun_msg_check_integrity_sha256(&msg, sha256));
	assert_true(msg.fingerprint_ok);
	free(block);
	crypto_hmac_destroy(sha1);
	crypto_hmac_destroy(sha256);
}

/* RFC 8489 14.6: the value may be cut to 16 bytes; the length that the HMAC covers is that of the cut message. */
static void test_truncated_sha256_integrity(void **state)
{
	struct crypto_hmac *sha256 = hmac_new(CRYPTO_DIGEST_SHA256, password, strlen(password));
	uint8_t digest[CRYPTO_SHA256_SIZE];
	uint8_t buf[64];

	(void)state;
	for (uint16_t cut = 16; cut <= 32; cut = (uint16_t)(cut + 4)) {
		struct stun_writer w;
		size_t size = 0;

		stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
		assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
		store_u16(buf + 2, (uint16_t)(4 + cut));
		assert_int_equal(crypto_hmac_compute(sha256, buf, size, NULL, 0, digest), WLK_OK);
		size = append_raw(buf, size, STUN_ATTR_MESSAGE_INTEGRITY_SHA256, digest, cut);

		struct stun_msg msg = parse(buf, size);

		assert_true(stun_msg_check_integrity_sha256(&msg, sha256));
		buf[size - 1] ^= 1;
		assert_false(stun_msg_check_integrity_sha256(&msg, sha256));
	}
	crypto_hmac_destroy(sha256);
}

/* R4: a request whose bytes were touched, or whose key is wrong, never has a good integrity. */
static void test_R4_integrity_fails_for_every_flipped_bit(void **state)
{
	struct crypto_hmac *hmac = short_term();
	struct crypto_hmac *other = hmac_new(CRYPTO_DIGEST_SHA1, "VOkJxbRl1RmTxUk/WvJxBT", strlen(password));
	struct stun_msg original = parse(rfc5769_request, sizeof(rfc5769_request));
	size_t covered = original.integrity_offset + STUN_INTEGRITY_ATTR_SIZE;
	uint8_t data[sizeof(rfc5769_request)];

	(void)state;
	assert_false(stun_msg_check_integrity(&original, other));
	for (size_t bit = 0; bit < covered * 8; bit++) {
		struct stun_msg msg;

		memcpy(data, rfc5769_request, sizeof(data));
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (stun_msg_parse(&msg, data, sizeof(data)) == WLK_OK) {
			assert_false(stun_msg_check_integrity(&msg, hmac));
			assert_false(msg.has_fingerprint && msg.fingerprint_ok);
		}
	}
	crypto_hmac_destroy(hmac);
	crypto_hmac_destroy(other);
}

/* ---- R6 and other refusals ---- */

static void assert_refused(const uint8_t *data, size_t size)
{
	struct stun_msg msg = { .method = 0xABC };

	assert_int_equal(stun_msg_parse(&msg, data, size), WLK_ERR_PARSE);
	assert_int_equal(msg.method, 0xABC); /* untouched */
}

static void test_is_message(void **state)
{
	uint8_t data[sizeof(rfc5769_request)];
	static const size_t broken[] = { 0, 2, 3, 4, 5, 6, 7 };

	(void)state;
	assert_true(stun_is_message(rfc5769_request, sizeof(rfc5769_request)));
	for (size_t size = 0; size < sizeof(rfc5769_request); size++)
		assert_false(stun_is_message(rfc5769_request, size));
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		memcpy(data, rfc5769_request, sizeof(data));
		data[broken[i]] ^= 0x80;
		assert_false(stun_is_message(data, sizeof(data)));
		assert_refused(data, sizeof(data));
	}
	memcpy(data, rfc5769_request, sizeof(data));
	data[3] = 0x59; /* fits nothing: not a multiple of 4 */
	assert_false(stun_is_message(data, sizeof(data)));
}

/* A message with one attribute whose value has |size| bytes of |fill|. */
static wlk_err parse_one(uint16_t type, uint8_t fill, size_t size)
{
	struct stun_writer w;
	uint8_t buf[2048], value[1024];
	size_t total = STUN_HEADER_SIZE;
	struct stun_msg msg;

	memset(value, fill, sizeof(value));
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	total = append_raw(buf, total, type, value, (uint16_t)size);
	memset(buf + total, 0, 4);
	total += (4 - size % 4) % 4;
	store_u16(buf + 2, (uint16_t)(total - STUN_HEADER_SIZE));
	return stun_msg_parse(&msg, buf, total);
}

static void test_wrong_value_sizes_are_refused(void **state)
{
	static const struct {
		uint16_t type;
		uint16_t good;
	} exact[] = {
		{ STUN_ATTR_PRIORITY, 4 },           { STUN_ATTR_LIFETIME, 4 },
		{ STUN_ATTR_NOMINATION, 4 },         { STUN_ATTR_USE_CANDIDATE, 0 },
		{ STUN_ATTR_ICE_CONTROLLED, 8 },     { STUN_ATTR_ICE_CONTROLLING, 8 },
		{ STUN_ATTR_CHANNEL_NUMBER, 4 },     { STUN_ATTR_REQUESTED_TRANSPORT, 4 },
		{ STUN_ATTR_MESSAGE_INTEGRITY, 20 }, { STUN_ATTR_FINGERPRINT, 4 },
		{ STUN_ATTR_USERHASH, 32 },          { STUN_ATTR_REQUESTED_ADDRESS_FAMILY, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
		for (size_t size = 0; size < 40; size++) {
			wlk_err want = size == exact[i].good ? WLK_OK : WLK_ERR_PARSE;

			assert_int_equal(parse_one(exact[i].type, 1, size), want);
		}
	}
	assert_int_equal(parse_one(STUN_ATTR_USERNAME, 'u', STUN_USERNAME_MAX), WLK_OK);
	assert_int_equal(parse_one(STUN_ATTR_USERNAME, 'u', STUN_USERNAME_MAX + 1), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_REALM, 'r', STUN_TEXT_MAX), WLK_OK);
	assert_int_equal(parse_one(STUN_ATTR_REALM, 'r', STUN_TEXT_MAX + 1), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_NONCE, 'n', STUN_TEXT_MAX + 1), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_SOFTWARE, 's', STUN_TEXT_MAX + 1), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_UNKNOWN_ATTRIBUTES, 1, 3), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_PASSWORD_ALGORITHM, 0, 3), WLK_ERR_PARSE);
	for (size_t size = 0; size < 48; size++) {
		bool ok = size >= 16 && size <= 32 && size % 4 == 0;

		assert_int_equal(parse_one(STUN_ATTR_MESSAGE_INTEGRITY_SHA256, 0, size), ok ? WLK_OK : WLK_ERR_PARSE);
	}
}

static void test_bad_addresses_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_one(STUN_ATTR_MAPPED_ADDRESS, 1, 8), WLK_OK); /* family 1 */
	assert_int_equal(parse_one(STUN_ATTR_MAPPED_ADDRESS, 2, 20), WLK_OK);
	assert_int_equal(parse_one(STUN_ATTR_MAPPED_ADDRESS, 1, 20), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_MAPPED_ADDRESS, 2, 8), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_MAPPED_ADDRESS, 3, 8), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_XOR_MAPPED_ADDRESS, 0, 8), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_XOR_PEER_ADDRESS, 1, 7), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_REQUESTED_ADDRESS_FAMILY, 3, 4), WLK_ERR_PARSE);
}

static void test_bad_error_codes_are_refused(void **state)
{
	static const struct {
		uint8_t class, number;
		wlk_err want;
	} cases[] = {
		{ 3, 0, WLK_OK },        { 6, 99, WLK_OK },         { 2, 99, WLK_ERR_PARSE },
		{ 7, 0, WLK_ERR_PARSE }, { 4, 100, WLK_ERR_PARSE }, { 0, 0, WLK_ERR_PARSE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t buf[64];
		uint8_t value[4] = { 0, 0, cases[i].class, cases[i].number };
		struct stun_writer w;
		struct stun_msg msg;

		stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, STUN_METHOD_BINDING, txid);

		size_t size = append_raw(buf, STUN_HEADER_SIZE, STUN_ATTR_ERROR_CODE, value, 4);

		assert_int_equal(stun_msg_parse(&msg, buf, size), cases[i].want);
	}
	assert_int_equal(parse_one(STUN_ATTR_ERROR_CODE, 3, 3), WLK_ERR_PARSE);
	assert_int_equal(parse_one(STUN_ATTR_ERROR_CODE, 4, 4 + STUN_TEXT_MAX), WLK_OK);
	assert_int_equal(parse_one(STUN_ATTR_ERROR_CODE, 4, 5 + STUN_TEXT_MAX), WLK_ERR_PARSE);
}

static void test_R6_attribute_length_beyond_the_message_is_refused(void **state)
{
	static const uint16_t lengths[] = { 5, 8, 0x7FFF, 0xFFFC, 0xFFFD, 0xFFFF };
	uint8_t buf[32];
	struct stun_writer w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
		append_raw(buf, STUN_HEADER_SIZE, STUN_ATTR_SOFTWARE, "abcd", 4);
		store_u16(buf + STUN_HEADER_SIZE + 2, lengths[i]);
		assert_refused(buf, STUN_HEADER_SIZE + 8);
	}
}

static void test_R6_at_most_32_attributes(void **state)
{
	uint8_t buf[STUN_HEADER_SIZE + 4 * (STUN_ATTRS_MAX + 1)];
	size_t size = STUN_HEADER_SIZE;
	struct stun_writer w;
	struct stun_msg msg;

	(void)state;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	for (size_t i = 0; i < STUN_ATTRS_MAX; i++)
		size = append_raw(buf, size, (uint16_t)(0x7000 + i), "", 0);
	msg = parse(buf, size);
	assert_int_equal(msg.unknown_count, STUN_ATTRS_MAX);
	assert_int_equal(msg.unknown[0], 0x7000);
	assert_int_equal(msg.unknown[STUN_UNKNOWN_MAX - 1], 0x7000 + STUN_UNKNOWN_MAX - 1);
	size = append_raw(buf, size, 0x8FFF, "", 0);
	assert_refused(buf, size);
}

static void test_unknown_optional_attributes_are_skipped(void **state)
{
	(void)state;
	assert_int_equal(parse_one(0xC057, 1, 4), WLK_OK); /* libwebrtc's network info */
	assert_int_equal(parse_one(0xFFFF, 1, 0), WLK_OK);
}

static void test_password_algorithm_lists(void **state)
{
	static const uint8_t padded[] = { 0, 9, 0, 1, 0xAA, 0, 0, 0, 0, 2, 0, 0 };
	static const uint8_t unpadded_end[] = { 0, 1, 0, 2, 1, 2 };
	static const uint8_t cut[] = { 0, 1, 0, 9, 1 };
	static const uint8_t odd[] = { 0, 1, 0, 0, 7 };

	(void)state;
	assert_true(stun_password_algorithms_has((wlk_bytes){ padded, sizeof(padded) }, STUN_PASSWORD_SHA256));
	assert_false(stun_password_algorithms_has((wlk_bytes){ padded, sizeof(padded) }, STUN_PASSWORD_MD5));
	assert_true(stun_password_algorithms_has((wlk_bytes){ unpadded_end, 6 }, STUN_PASSWORD_MD5));
	assert_false(stun_password_algorithms_has((wlk_bytes){ cut, sizeof(cut) }, STUN_PASSWORD_MD5));
	assert_false(stun_password_algorithms_has((wlk_bytes){ odd, sizeof(odd) }, STUN_PASSWORD_MD5));
	assert_false(stun_password_algorithms_has((wlk_bytes){ NULL, 0 }, STUN_PASSWORD_MD5));
}

/* ---- The writer's errors ---- */

static void test_writer_without_room(void **state)
{
	struct crypto_hmac *hmac = short_term();
	const size_t need = STUN_HEADER_SIZE + 8 + STUN_INTEGRITY_ATTR_SIZE + STUN_FINGERPRINT_ATTR_SIZE;
	uint8_t buf[128];

	(void)state;
	for (size_t capacity = 0; capacity <= need; capacity++) {
		struct stun_writer w;
		size_t size = 12345;

		stun_writer_init(&w, buf, capacity, STUN_REQUEST, STUN_METHOD_BINDING, txid);
		stun_put_u32(&w, STUN_ATTR_PRIORITY, 1);

		wlk_err err = stun_writer_finish(&w, hmac, true, &size);

		assert_int_equal(err, capacity < need ? WLK_ERR_NOSPACE : WLK_OK);
		assert_int_equal(size, capacity < need ? 12345 : need);
	}
	crypto_hmac_destroy(hmac);
}

static wlk_err finish(struct stun_writer *w)
{
	size_t size;

	return stun_writer_finish(w, NULL, false, &size);
}

static void test_writer_refuses_impossible_values(void **state)
{
	static uint8_t buf[70000], big[66000];
	wlk_addr none = { 0 };
	struct stun_writer w;

	(void)state;
#define WITH(call)                                                                                                     \
	do {                                                                                                           \
		stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, STUN_METHOD_BINDING, txid);                         \
		call;                                                                                                  \
	} while (0)
	WITH(stun_put_addr(&w, STUN_ATTR_MAPPED_ADDRESS, &none));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_bytes(&w, STUN_ATTR_USERNAME, big, STUN_USERNAME_MAX + 1));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_bytes(&w, STUN_ATTR_REALM, big, STUN_TEXT_MAX + 1));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_bytes(&w, STUN_ATTR_DATA, big, 65536));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_bytes(&w, STUN_ATTR_DATA, big, 65535)); /* the length field of the message cannot tell it */
	assert_int_equal(finish(&w), WLK_ERR_NOSPACE);
	WITH(stun_put_bytes(&w, STUN_ATTR_DATA, big, 65528));
	assert_int_equal(finish(&w), WLK_OK);
	WITH(stun_put_error(&w, 299, ""));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_error(&w, 700, ""));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(stun_put_requested_address_family(&w, 1));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
	WITH(for (int i = 0; i <= STUN_ATTRS_MAX; i++) stun_put_flag(&w, 0xC000));
	assert_int_equal(finish(&w), WLK_ERR_INVALID);
#undef WITH
}

static void test_key_derivation_survives_lack_of_memory(void **state)
{
	uint8_t key[CRYPTO_MD5_SIZE];
	size_t before = alloc_live_blocks();

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(stun_long_term_key(bytes_of("u"), bytes_of("r"), bytes_of("p"), key), WLK_ERR_NOMEM);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_int_equal(alloc_live_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ice_check_round_trip),
		cmocka_unit_test(test_turn_attributes_round_trip),
		cmocka_unit_test(test_error_and_unknown_attributes_round_trip),
		cmocka_unit_test(test_every_class_and_method_bit_round_trips),
		cmocka_unit_test(test_present_but_empty_values_differ_from_absent),
		cmocka_unit_test(test_first_of_repeated_attributes_counts),
		cmocka_unit_test(test_mapped_ipv4_becomes_ipv4),
		cmocka_unit_test(test_R5_attributes_behind_integrity_are_ignored),
		cmocka_unit_test(test_R5_everything_behind_fingerprint_is_ignored),
		cmocka_unit_test(test_R5_sha1_integrity_behind_sha256_is_ignored),
		cmocka_unit_test(test_both_integrities_and_fingerprint),
		cmocka_unit_test(test_truncated_sha256_integrity),
		cmocka_unit_test(test_R4_integrity_fails_for_every_flipped_bit),
		cmocka_unit_test(test_is_message),
		cmocka_unit_test(test_wrong_value_sizes_are_refused),
		cmocka_unit_test(test_bad_addresses_are_refused),
		cmocka_unit_test(test_bad_error_codes_are_refused),
		cmocka_unit_test(test_R6_attribute_length_beyond_the_message_is_refused),
		cmocka_unit_test(test_R6_at_most_32_attributes),
		cmocka_unit_test(test_unknown_optional_attributes_are_skipped),
		cmocka_unit_test(test_password_algorithm_lists),
		cmocka_unit_test(test_writer_without_room),
		cmocka_unit_test(test_writer_refuses_impossible_values),
		cmocka_unit_test(test_key_derivation_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
