#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/stun_peek.h"
#include "tests/support/stun_bytes.h"

static uint8_t data[STUN_BYTES_MAX];
static struct stun_peek stun;

static bool ufrag_is(const char *expected)
{
	return str_equal(stun.ufrag, str_of(expected));
}

static void test_a_request_names_its_ufrag(void **state)
{
	(void)state;
	assert_true(stun_peek(&stun, data, stun_bytes_request(data, 3, "abcdefgh:EsAw")));
	assert_int_equal(stun.class, STUN_REQUEST);
	assert_true(ufrag_is("abcdefgh"));
	assert_ptr_equal(stun.txid, data + 8);
	/* one character, padding of each length, and no far end's part */
	assert_true(stun_peek(&stun, data, stun_bytes_request(data, 3, "a:")));
	assert_true(ufrag_is("a"));
	assert_true(stun_peek(&stun, data, stun_bytes_request(data, 3, "ab:c")));
	assert_true(ufrag_is("ab"));
}

/* RFC 5769 2.1, the head of its request: SOFTWARE, PRIORITY, ICE-CONTROLLED and then USERNAME. */
static void test_the_request_of_rfc_5769(void **state)
{
	static const uint8_t request[] = {
		0x00, 0x01, 0x00, 0x38, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
		0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
		0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
		0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
		0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20,
	};

	(void)state;
	assert_true(stun_peek(&stun, request, sizeof(request)));
	assert_true(ufrag_is("evtj"));
	for (size_t size = 0; size < sizeof(request); size++)
		assert_false(stun_peek(&stun, request, size));
}

static void test_a_request_without_a_ufrag(void **state)
{
	(void)state;
	assert_true(stun_peek(&stun, data, stun_bytes_request(data, 3, "no colon")));
	assert_true(ufrag_is(""));
	assert_true(stun_peek(&stun, data, stun_bytes_request(data, 3, ":EsAw")));
	assert_true(ufrag_is(""));
	assert_true(stun_peek(&stun, data, stun_bytes_header(data, 0x0001, 3, 0)));
	assert_true(ufrag_is(""));
	/* an attribute that is longer than the message */
	stun_bytes_request(data, 3, "abcdefgh:EsAw");
	data[23] = 200;
	assert_true(stun_peek(&stun, data, 20 + 12 + 16));
	assert_true(ufrag_is(""));
}

static void test_responses_and_indications_have_their_class_and_no_ufrag(void **state)
{
	(void)state;
	assert_true(stun_peek(&stun, data, stun_bytes_other(data, 0x0101, 1)));
	assert_int_equal(stun.class, STUN_SUCCESS);
	assert_true(stun_peek(&stun, data, stun_bytes_other(data, 0x0111, 1)));
	assert_int_equal(stun.class, STUN_ERROR);
	assert_true(stun_peek(&stun, data, stun_bytes_other(data, 0x0011, 1)));
	assert_int_equal(stun.class, STUN_INDICATION);
	stun_bytes_request(data, 3, "abcdefgh:EsAw");
	data[0] = 1;
	assert_true(stun_peek(&stun, data, 20 + 12 + 16));
	assert_true(ufrag_is(""));
}

static void test_what_is_no_stun(void **state)
{
	size_t size;

	(void)state;
	assert_false(stun_peek(&stun, NULL, 0));
	size = stun_bytes_request(data, 3, "abcdefgh:EsAw");
	assert_false(stun_peek(&stun, data, size - 1));
	assert_false(stun_peek(&stun, data, size + 1));
	data[4] ^= 1; /* the cookie */
	assert_false(stun_peek(&stun, data, size));
	data[4] ^= 1;
	data[0] |= 0x80;
	assert_false(stun_peek(&stun, data, size));
	data[0] = 0;
	data[3]++; /* a length that is no multiple of 4 */
	assert_false(stun_peek(&stun, data, size + 1));
}

static void test_R6_no_more_than_32_attributes_are_looked_at(void **state)
{
	uint8_t many[20 + 40 * 4 + 16] = { 0 };
	size_t at = stun_bytes_header(many, 0x0001, 1, sizeof(many) - 20) + 40 * 4;

	(void)state;
	for (size_t i = 20; i < at; i += 4)
		memcpy(many + i, "\x80\x22\0\0", 4);
	memcpy(many + at, "\0\x06\0\x09" "evtj:h6vY", 13);
	assert_true(stun_peek(&stun, many, sizeof(many)));
	assert_true(ufrag_is(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_names_its_ufrag),
		cmocka_unit_test(test_the_request_of_rfc_5769),
		cmocka_unit_test(test_a_request_without_a_ufrag),
		cmocka_unit_test(test_responses_and_indications_have_their_class_and_no_ufrag),
		cmocka_unit_test(test_what_is_no_stun),
		cmocka_unit_test(test_R6_no_more_than_32_attributes_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
