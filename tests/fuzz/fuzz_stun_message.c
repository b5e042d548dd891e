/*
 * STUN: parse, write what was understood, parse again: equal. Then the harness seals the message with a key, so that
 * the code behind the integrity check is reached too, and flips one covered bit: the check must fail. Inputs with a
 * broken header are tried a second time with a repaired one, or the fuzzer would spend its time on the length field.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "ice/stun_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			abort();                                                                                       \
	} while (0)

static struct crypto_hmac *sha1_key, *sha256_key;

static void make_keys(void)
{
	if (sha1_key)
		return;
	CHECK(crypto_hmac_create(&sha1_key, CRYPTO_DIGEST_SHA1, "secret", 6) == WLK_OK);
	CHECK(crypto_hmac_create(&sha256_key, CRYPTO_DIGEST_SHA256, "secret", 6) == WLK_OK);
}

static void put_bytes(struct stun_writer *w, uint16_t type, wlk_bytes value)
{
	if (value.data)
		stun_put_bytes(w, type, value.data, value.size);
}

static void put_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr, bool masked)
{
	if (addr_is_none(addr))
		return;
	if (masked)
		stun_put_xor_addr(w, type, addr);
	else
		stun_put_addr(w, type, addr);
}

static void put_error(struct stun_writer *w, const struct stun_msg *msg)
{
	char reason[STUN_TEXT_MAX + 1] = { 0 };

	/* stun_put_error() takes text: a phrase with a NUL inside is written up to it. */
	if (!msg->error_code)
		return;
	memcpy(reason, msg->reason.data, msg->reason.size);
	stun_put_error(w, msg->error_code, reason);
}

static void put_numbers(struct stun_writer *w, const struct stun_msg *msg)
{
	if (msg->has_priority)
		stun_put_u32(w, STUN_ATTR_PRIORITY, msg->priority);
	if (msg->has_lifetime)
		stun_put_u32(w, STUN_ATTR_LIFETIME, msg->lifetime);
	if (msg->has_nomination)
		stun_put_u32(w, STUN_ATTR_NOMINATION, msg->nomination);
	if (msg->has_controlling)
		stun_put_u64(w, STUN_ATTR_ICE_CONTROLLING, msg->tie_breaker);
	if (msg->has_controlled)
		stun_put_u64(w, STUN_ATTR_ICE_CONTROLLED, msg->tie_breaker);
	if (msg->use_candidate)
		stun_put_flag(w, STUN_ATTR_USE_CANDIDATE);
	if (msg->channel_number)
		stun_put_channel_number(w, msg->channel_number);
	if (msg->requested_transport)
		stun_put_requested_transport(w, msg->requested_transport);
	if (msg->requested_address_family)
		stun_put_requested_address_family(w, msg->requested_address_family);
}

/* Everything that a view holds, written again. Answers the size, 0 when |capacity| is too small. */
static size_t write_again(uint8_t *buf, size_t capacity, const struct stun_msg *msg, bool seal)
{
	struct stun_writer w;
	size_t size = 0;
	wlk_err err;

	stun_writer_init(&w, buf, capacity, msg->class, msg->method, msg->txid);
	put_bytes(&w, STUN_ATTR_USERNAME, msg->username);
	put_bytes(&w, STUN_ATTR_USERHASH, msg->userhash);
	put_bytes(&w, STUN_ATTR_REALM, msg->realm);
	put_bytes(&w, STUN_ATTR_NONCE, msg->nonce);
	put_bytes(&w, STUN_ATTR_SOFTWARE, msg->software);
	put_bytes(&w, STUN_ATTR_PASSWORD_ALGORITHMS, msg->password_algorithms);
	put_bytes(&w, STUN_ATTR_PASSWORD_ALGORITHM, msg->password_algorithm);
	put_bytes(&w, STUN_ATTR_UNKNOWN_ATTRIBUTES, msg->unknown_attributes);
	put_bytes(&w, STUN_ATTR_DATA, msg->payload);
	put_addr(&w, STUN_ATTR_MAPPED_ADDRESS, &msg->mapped, false);
	put_addr(&w, STUN_ATTR_ALTERNATE_SERVER, &msg->alternate_server, false);
	put_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, &msg->xor_mapped, true);
	put_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, &msg->xor_peer, true);
	put_addr(&w, STUN_ATTR_XOR_RELAYED_ADDRESS, &msg->xor_relayed, true);
	put_numbers(&w, msg);
	put_error(&w, msg);
	for (size_t i = 0; i < msg->unknown_count && i < STUN_UNKNOWN_MAX; i++)
		stun_put_flag(&w, msg->unknown[i]);
	if (seal) {
		stun_put_integrity(&w, sha1_key);
		stun_put_integrity_sha256(&w, sha256_key);
	}
	err = stun_writer_finish(&w, NULL, true, &size);
	CHECK(err == WLK_OK || err == WLK_ERR_NOSPACE);
	return size;
}

static bool equal(wlk_bytes a, wlk_bytes b)
{
	return !a.data == !b.data && a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
}

static bool same_addr(const wlk_addr *a, const wlk_addr *b)
{
	return addr_is_none(a) ? addr_is_none(b) : addr_equal(a, b);
}

static void check_same(const struct stun_msg *a, const struct stun_msg *b)
{
	CHECK(a->class == b->class && a->method == b->method && !memcmp(a->txid, b->txid, STUN_TXID_SIZE));
	CHECK(equal(a->username, b->username) && equal(a->userhash, b->userhash) && equal(a->realm, b->realm));
	CHECK(equal(a->nonce, b->nonce) && equal(a->software, b->software) && equal(a->payload, b->payload));
	CHECK(equal(a->password_algorithm, b->password_algorithm));
	CHECK(equal(a->password_algorithms, b->password_algorithms));
	CHECK(equal(a->unknown_attributes, b->unknown_attributes));
	CHECK(same_addr(&a->mapped, &b->mapped) && same_addr(&a->alternate_server, &b->alternate_server));
	CHECK(same_addr(&a->xor_mapped, &b->xor_mapped) && same_addr(&a->xor_peer, &b->xor_peer));
	CHECK(same_addr(&a->xor_relayed, &b->xor_relayed));
	CHECK(a->has_priority == b->has_priority && a->priority == b->priority);
	CHECK(a->has_lifetime == b->has_lifetime && a->lifetime == b->lifetime);
	CHECK(a->has_nomination == b->has_nomination && a->nomination == b->nomination);
	CHECK(a->has_controlling == b->has_controlling && a->has_controlled == b->has_controlled);
	CHECK(a->tie_breaker == b->tie_breaker && a->use_candidate == b->use_candidate);
	CHECK(a->channel_number == b->channel_number && a->requested_transport == b->requested_transport);
	CHECK(a->requested_address_family == b->requested_address_family && a->error_code == b->error_code);
	CHECK(b->unknown_count == (a->unknown_count < STUN_UNKNOWN_MAX ? a->unknown_count : STUN_UNKNOWN_MAX));
}

/* A list of the unknown types, as an answer 420 carries it. */
static void check_unknown_list(const struct stun_msg *msg)
{
	uint8_t buf[64];
	struct stun_writer w;
	struct stun_msg answer;
	size_t count = msg->unknown_count < STUN_UNKNOWN_MAX ? msg->unknown_count : STUN_UNKNOWN_MAX, size = 0;

	stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, msg->method, msg->txid);
	stun_put_unknown_attributes(&w, msg->unknown, msg->unknown_count);
	CHECK(stun_writer_finish(&w, NULL, false, &size) == WLK_OK);
	CHECK(stun_msg_parse(&answer, buf, size) == WLK_OK);
	CHECK(answer.unknown_attributes.size == 2 * count);
	for (size_t i = 0; i < count; i++)
		CHECK(load_u16(answer.unknown_attributes.data + 2 * i) == msg->unknown[i]);
}

/* The keys of the long-term mechanism, from whatever stands in for a password. */
static void check_keys(const struct stun_msg *msg)
{
	uint8_t key[CRYPTO_SHA256_SIZE], hash[STUN_USERHASH_SIZE];

	if (!msg->username.size || !msg->realm.size)
		return;
	CHECK(stun_long_term_key(msg->username, msg->realm, msg->nonce, key) == WLK_OK);
	CHECK(stun_long_term_key_sha256(msg->username, msg->realm, msg->nonce, key) == WLK_OK);
	CHECK(stun_userhash(msg->username, msg->realm, hash) == WLK_OK);
	CHECK(memcmp(key, hash, sizeof(hash)) != 0);
}

static void check_message(const uint8_t *data, size_t size)
{
	static uint8_t buf[8192];
	struct stun_msg msg, again;

	if (stun_msg_parse(&msg, data, size))
		return;
	CHECK(!stun_msg_check_integrity(&msg, sha1_key)); /* nobody guesses a key */
	CHECK(!stun_msg_check_integrity_sha256(&msg, sha256_key));
	(void)stun_password_algorithms_has(msg.password_algorithms, STUN_PASSWORD_SHA256);
	check_unknown_list(&msg);
	check_keys(&msg);
	/* 29 known attributes, 8 unknown ones and the seals may be more than a message holds. */
	if (msg.unknown_count > 2)
		msg.unknown_count = 2;

	size_t written = write_again(buf, sizeof(buf), &msg, false);

	CHECK(written && write_again(buf, written - 1, &msg, false) == 0);
	CHECK(write_again(buf, written, &msg, false) == written);
	CHECK(stun_msg_parse(&again, buf, written) == WLK_OK);
	CHECK(again.fingerprint_ok);
	check_same(&msg, &again);

	written = write_again(buf, sizeof(buf), &msg, true);
	CHECK(stun_msg_parse(&again, buf, written) == WLK_OK);
	CHECK(stun_msg_check_integrity(&again, sha1_key) && stun_msg_check_integrity_sha256(&again, sha256_key));
	check_same(&msg, &again);

	size_t covered = again.integrity_offset + STUN_INTEGRITY_ATTR_SIZE;
	size_t bit = crypto_crc32(data, size) % (covered * 8);

	buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	if (stun_msg_parse(&again, buf, written) == WLK_OK) {
		CHECK(!stun_msg_check_integrity(&again, sha1_key));
		CHECK(!stun_msg_check_integrity_sha256(&again, sha256_key));
		CHECK(!again.fingerprint_ok);
	}
}

static void check_repaired(const uint8_t *data, size_t size)
{
	size_t whole = size & ~(size_t)3;
	uint8_t *copy = malloc(whole); /* exactly sized, so that ASan sees a read past the end */

	CHECK(copy);
	memcpy(copy, data, whole);
	copy[0] &= 0x3F;
	store_u16(copy + 2, (uint16_t)(whole - STUN_HEADER_SIZE));
	store_u32(copy + 4, STUN_MAGIC_COOKIE);
	check_message(copy, whole);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	make_keys();
	check_message(data, size);
	if (size >= STUN_HEADER_SIZE && size <= 2048 && !stun_is_message(data, size))
		check_repaired(data, size);
	return 0;
}
