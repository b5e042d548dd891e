/* Long-term credentials (RFC 8489 9.2): what a challenge makes of the next request, with the vectors' keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "ice/turn_auth.h"

static const uint8_t txid[STUN_TXID_SIZE] = { 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e };

/* RFC 5769 2.4. */
static const uint8_t rfc5769_long_term[] = {
	0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
	0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
	0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
	0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
	0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
	0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
	0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66,
};
static const char matrix_user[] = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";

#define SHA256_AND_MD5 "\0\2\0\0\0\1\0\0"

struct challenge {
	uint16_t code;
	const char *realm, *nonce;
	const char *algorithms; /* NULL: none */
	size_t algorithms_size;
};

static enum turn_challenge challenge(struct turn_auth *auth, const struct challenge *c, bool was_signed)
{
	uint8_t buf[400];
	struct stun_writer w;
	struct stun_msg msg;
	size_t size;

	stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, STUN_METHOD_ALLOCATE, txid);
	stun_put_error(&w, c->code, "");
	if (c->realm)
		stun_put_text(&w, STUN_ATTR_REALM, c->realm);
	if (c->nonce)
		stun_put_text(&w, STUN_ATTR_NONCE, c->nonce);
	if (c->algorithms)
		stun_put_bytes(&w, STUN_ATTR_PASSWORD_ALGORITHMS, c->algorithms, c->algorithms_size);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	assert_int_equal(stun_msg_parse(&msg, buf, size), WLK_OK);
	return turn_auth_on_challenge(auth, &msg, auth->version, was_signed);
}

static void set_up(struct turn_auth *auth, const char *user, const char *password)
{
	struct turn_credentials *c = NULL;

	assert_int_equal(turn_credentials_create(&c, str_of(user), str_of(password)), WLK_OK);
	turn_auth_init(auth, c);
	turn_credentials_release(c);
}

static void replace(struct turn_auth *auth, const char *user, const char *password)
{
	struct turn_credentials *c = NULL;

	assert_int_equal(turn_credentials_create(&c, str_of(user), str_of(password)), WLK_OK);
	turn_auth_replace(auth, c);
	turn_credentials_release(c);
}

/* A finished request; |buf| holds it. */
static struct stun_msg request(struct turn_auth *auth, uint8_t buf[600], struct turn_key **key)
{
	struct stun_writer w;
	struct stun_msg msg;
	size_t size;

	stun_writer_init(&w, buf, 600, STUN_REQUEST, STUN_METHOD_ALLOCATE, txid);
	assert_int_equal(turn_auth_finish(auth, &w, &size, key), WLK_OK);
	assert_int_equal(stun_msg_parse(&msg, buf, size), WLK_OK);
	return msg;
}

static void assert_text(wlk_bytes got, const char *want)
{
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.data, want, got.size);
}

static void test_first_request_is_bare(void **state)
{
	struct turn_auth auth;
	struct turn_key *key;
	struct stun_msg msg;
	uint8_t buf[600];

	(void)state;
	set_up(&auth, "user", "secret");
	msg = request(&auth, buf, &key);
	assert_null(key);
	assert_int_equal(msg.size, STUN_HEADER_SIZE);
	turn_auth_free(&auth);
}

static void test_key_of_rfc5769_long_term_vector(void **state)
{
	const struct challenge c = { 401, "example.org", "f//499k954d6OL34oL9FSTvy64sA", NULL, 0 };
	struct stun_msg vector, msg;
	struct turn_auth auth;
	struct turn_key *key;
	uint8_t buf[600];

	(void)state;
	set_up(&auth, matrix_user, "TheMatrIX");
	assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_RETRY);
	msg = request(&auth, buf, &key);
	assert_text(msg.username, matrix_user);
	assert_text(msg.realm, "example.org");
	assert_text(msg.nonce, "f//499k954d6OL34oL9FSTvy64sA");
	assert_null(msg.password_algorithm.data);
	assert_int_equal(stun_msg_parse(&vector, rfc5769_long_term, sizeof(rfc5769_long_term)), WLK_OK);
	assert_true(turn_key_check(key, &vector));
	assert_true(turn_key_check(key, &msg));
	buf[25] ^= 1;
	assert_false(turn_key_check(key, &msg));
	turn_key_release(key);
	turn_auth_free(&auth);
}

/* The nonce of RFC 8489 B.1 has the bit of username anonymity, and its USERHASH is the vector's. */
static void test_userhash_of_rfc8489_b1(void **state)
{
	static const uint8_t hash[] = { 0x4a, 0x3c, 0xf3, 0x8f, 0xef, 0x69, 0x92, 0xbd, 0xa9, 0x52, 0xc6,
					0x78, 0x04, 0x17, 0xda, 0x0f, 0x24, 0x81, 0x94, 0x15, 0x56, 0x9e,
					0x60, 0xb2, 0x05, 0xc4, 0x6e, 0x41, 0x40, 0x7f, 0x17, 0x04 };
	const struct challenge c = { 401, "example.org", "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA", SHA256_AND_MD5,
				     8 };
	struct turn_auth auth;
	struct turn_key *key;
	struct stun_msg msg;
	uint8_t buf[600];

	(void)state;
	set_up(&auth, matrix_user, "TheMatrIX");
	assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_RETRY);
	msg = request(&auth, buf, &key);
	assert_null(msg.username.data);
	assert_int_equal(msg.userhash.size, sizeof(hash));
	assert_memory_equal(msg.userhash.data, hash, sizeof(hash));
	/* The list goes back to the byte, SHA-256 is chosen, and there is no MESSAGE-INTEGRITY with SHA-1. */
	assert_int_equal(msg.password_algorithms.size, 8);
	assert_memory_equal(msg.password_algorithms.data, SHA256_AND_MD5, 8);
	assert_memory_equal(msg.password_algorithm.data, "\0\2\0\0", 4);
	assert_int_equal(msg.integrity_offset, 0);
	assert_int_equal(msg.integrity_sha256_size, CRYPTO_SHA256_SIZE);
	assert_true(turn_key_check(key, &msg));
	turn_key_release(key);
	turn_auth_free(&auth);
}

static void test_algorithms(void **state)
{
	static const struct {
		struct challenge c;
		enum turn_challenge result;
	} cases[] = {
		{ { 401, "r", "obMatJos2AAAB-1", SHA256_AND_MD5, 8 }, TURN_CHALLENGE_RETRY },
		{ { 401, "r", "obMatJos2AAAB-1", "\0\1\0\0", 4 }, TURN_CHALLENGE_RETRY }, /* MD5 alone */
		{ { 401, "r", "obMatJos2AAAB-1", "\0\7\0\0", 4 }, TURN_CHALLENGE_BAD },   /* unknown alone */
		{ { 401, "r", "obMatJos2AAAB-1", "\0\2\0", 3 }, TURN_CHALLENGE_BAD },     /* cut */
		{ { 401, "r", "obMatJos2AAAB-1", NULL, 0 }, TURN_CHALLENGE_BAD },         /* bid down */
		{ { 438, "r", "obMatJos2AAAD-1", NULL, 0 }, TURN_CHALLENGE_BAD },
		{ { 401, "r", "obMatJos2AAAA-1", NULL, 0 }, TURN_CHALLENGE_RETRY },
		{ { 401, "r", "obMatJos2!AAB-1", NULL, 0 }, TURN_CHALLENGE_RETRY }, /* no cookie after all */
		{ { 401, "r", "obMatJos2AAA", NULL, 0 }, TURN_CHALLENGE_RETRY },
		{ { 401, "r", "obMatJos3AAAB", NULL, 0 }, TURN_CHALLENGE_RETRY },
		{ { 401, "r", NULL, NULL, 0 }, TURN_CHALLENGE_BAD },
		{ { 401, "r", "", NULL, 0 }, TURN_CHALLENGE_BAD },
		{ { 401, NULL, "n", NULL, 0 }, TURN_CHALLENGE_BAD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct turn_auth auth;

		set_up(&auth, "user", "secret");
		if (challenge(&auth, &cases[i].c, false) != cases[i].result)
			fail_msg("case %zu", i);
		assert_int_equal(auth.version != 0, cases[i].result == TURN_CHALLENGE_RETRY);
		turn_auth_free(&auth);
	}
}

static void test_refusal_and_what_changes_it(void **state)
{
	const struct challenge first = { 401, "r", "n1", NULL, 0 }, stale = { 438, NULL, "n2", NULL, 0 },
			       other = { 401, "q", "n2", NULL, 0 };
	struct turn_auth auth;

	(void)state;
	set_up(&auth, "user", "secret");
	assert_int_equal(challenge(&auth, &first, false), TURN_CHALLENGE_RETRY);
	assert_int_equal(challenge(&auth, &first, true), TURN_CHALLENGE_REFUSED);
	assert_int_equal(challenge(&auth, &stale, true), TURN_CHALLENGE_RETRY); /* the realm is known */
	assert_int_equal(challenge(&auth, &other, true), TURN_CHALLENGE_RETRY);
	assert_int_equal(challenge(&auth, &other, true), TURN_CHALLENGE_REFUSED);
	turn_auth_free(&auth);
}

static void test_replaced_credentials_and_the_way_back(void **state)
{
	const struct challenge c = { 401, "r", "n", NULL, 0 };
	struct turn_key *old, *fresh;
	struct turn_auth auth;
	struct stun_msg msg;
	uint8_t buf[600];

	(void)state;
	set_up(&auth, "user", "secret");
	assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_RETRY);
	(void)request(&auth, buf, &old);
	assert_false(turn_auth_fall_back(&auth));
	replace(&auth, "user", "secret"); /* the same: nothing happens */
	assert_false(turn_auth_fall_back(&auth));
	replace(&auth, "user2", "secret2");
	msg = request(&auth, buf, &fresh);
	assert_text(msg.username, "user2");
	assert_true(turn_key_check(fresh, &msg));
	assert_false(turn_key_check(old, &msg));
	turn_key_release(fresh);
	replace(&auth, "user3", "secret3");
	assert_true(turn_auth_fall_back(&auth)); /* to what the server knows, not to what it never saw */
	msg = request(&auth, buf, &fresh);
	assert_text(msg.username, "user");
	assert_true(turn_key_check(old, &msg));
	turn_key_release(fresh);
	replace(&auth, "user", "secret4");
	msg = request(&auth, buf, &fresh);
	turn_auth_on_accepted(&auth, fresh);
	assert_false(turn_auth_fall_back(&auth));
	turn_key_release(fresh);
	turn_key_release(old);
	turn_auth_free(&auth);
}

static void test_failing_memory_changes_nothing(void **state)
{
	const struct challenge c = { 401, "r", "n", SHA256_AND_MD5, 8 };
	struct turn_auth auth;

	(void)state;
	set_up(&auth, "user", "secret");
	for (size_t n = 1; n <= 3; n++) {
		alloc_fail_after(n);
		assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_BAD);
		alloc_fail_after(0);
		assert_int_equal(auth.version, 0);
	}
	assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_RETRY);
	turn_auth_free(&auth);
}

/* ---- what is left in memory ---- */

#define WORD "TheSecretWord"

static size_t blocks_with_the_word;

/* The size stands before the block. */
static void *watched_alloc(size_t size, void *user)
{
	size_t *block = malloc(sizeof(max_align_t) + size);

	(void)user;
	if (!block)
		return NULL;
	*block = size;
	return (uint8_t *)block + sizeof(max_align_t);
}

static void watched_release(void *ptr, void *user)
{
	uint8_t *block = ptr;
	size_t size;

	(void)user;
	if (!ptr)
		return;
	block -= sizeof(max_align_t);
	memcpy(&size, block, sizeof(size));
	for (size_t i = 0; i + sizeof(WORD) - 1 <= size; i++)
		blocks_with_the_word += !memcmp(block + sizeof(max_align_t) + i, WORD, sizeof(WORD) - 1);
	free(block);
}

static void *watched_resize(void *ptr, size_t size, void *user)
{
	uint8_t *fresh = watched_alloc(size, user);
	size_t before = 0;

	if (ptr)
		memcpy(&before, (uint8_t *)ptr - sizeof(max_align_t), sizeof(before));
	if (fresh && before)
		memcpy(fresh, ptr, MIN(before, size));
	if (fresh)
		watched_release(ptr, user);
	return fresh;
}

/* R11: no block of ours goes back to the heap with a credential in it. */
static void test_R11_credentials_are_wiped_at_free(void **state)
{
	const struct alloc_hooks hooks = { watched_alloc, watched_resize, watched_release, NULL };
	const struct challenge c = { 401, "r", "obMatJos2AAAB-1", SHA256_AND_MD5, 8 };
	struct turn_auth auth;
	struct turn_key *key;
	uint8_t buf[600];
	char *probe;

	(void)state;
	alloc_set_hooks(&hooks);
	probe = wlk_strdup(WORD);
	wlk_free(probe);
	assert_int_equal(blocks_with_the_word, 1); /* it would be noticed */
	set_up(&auth, "user", WORD);
	assert_int_equal(challenge(&auth, &c, false), TURN_CHALLENGE_RETRY);
	(void)request(&auth, buf, &key);
	replace(&auth, "user", WORD "2");
	turn_key_release(key);
	(void)request(&auth, buf, &key);
	turn_key_release(key);
	turn_auth_free(&auth);
	alloc_set_hooks(NULL);
	assert_int_equal(blocks_with_the_word, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_request_is_bare),
		cmocka_unit_test(test_key_of_rfc5769_long_term_vector),
		cmocka_unit_test(test_userhash_of_rfc8489_b1),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_refusal_and_what_changes_it),
		cmocka_unit_test(test_replaced_credentials_and_the_way_back),
		cmocka_unit_test(test_failing_memory_changes_nothing),
		cmocka_unit_test(test_R11_credentials_are_wiped_at_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
