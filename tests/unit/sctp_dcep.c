/* DATA_CHANNEL_OPEN and ACK: layout of RFC 8832 5, limits of R31. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sctp/dcep.h"

/* Label "echo", protocol "x", unordered with 3 retransmissions, priority 256, as in RFC 8832 5.1's diagram. */
static const uint8_t example[] = { 0x03, 0x81, 0x01, 0x00, 0, 0, 0, 3, 0, 4, 0, 1, 'e', 'c', 'h', 'o', 'x' };

static void test_open_is_parsed(void **state)
{
	struct dcep_open open;

	(void)state;
	assert_int_equal(dcep_open_parse(&open, example, sizeof(example)), WLK_OK);
	assert_int_equal(open.channel_type, DCEP_UNORDERED | DCEP_PARTIAL_RELIABLE_REXMIT);
	assert_int_equal(open.priority, 256);
	assert_int_equal(open.reliability, 3);
	assert_int_equal(open.label.size, 4);
	assert_memory_equal(open.label.data, "echo", 4);
	assert_int_equal(open.protocol.size, 1);
	assert_memory_equal(open.protocol.data, "x", 1);
}

static void test_open_is_written_as_parsed(void **state)
{
	uint8_t out[sizeof(example)];
	struct dcep_open open;

	(void)state;
	assert_int_equal(dcep_open_parse(&open, example, sizeof(example)), WLK_OK);
	assert_int_equal(dcep_open_size(&open), sizeof(example));
	assert_int_equal(dcep_open_write(&open, out, sizeof(out)), WLK_OK);
	assert_memory_equal(out, example, sizeof(example));
	assert_int_equal(dcep_open_write(&open, out, sizeof(out) - 1), WLK_ERR_NOSPACE);
}

static void test_open_without_texts(void **state)
{
	static const uint8_t bare[DCEP_OPEN_HEADER_SIZE] = { 0x03 };
	struct dcep_open open;

	(void)state;
	assert_int_equal(dcep_open_parse(&open, bare, sizeof(bare)), WLK_OK);
	assert_int_equal(open.label.size, 0);
	assert_int_equal(open.protocol.size, 0);
}

static void test_every_truncation_is_refused(void **state)
{
	struct dcep_open open = { .priority = 77 };

	(void)state;
	for (size_t size = 0; size < sizeof(example); size++) {
		uint8_t *exact = malloc(size ? size : 1);

		memcpy(exact, example, size);
		assert_int_equal(dcep_open_parse(&open, exact, size), WLK_ERR_PARSE);
		free(exact);
	}
	assert_int_equal(open.priority, 77);
}

static void test_R31_lengths_must_be_the_rest_of_the_message(void **state)
{
	uint8_t longer[sizeof(example) + 1];
	struct dcep_open open;

	(void)state;
	memcpy(longer, example, sizeof(example));
	longer[sizeof(example)] = 0;
	assert_int_equal(dcep_open_parse(&open, longer, sizeof(longer)), WLK_ERR_PARSE);
	longer[9] = 0xff; /* a label that reaches outside */
	assert_int_equal(dcep_open_parse(&open, longer, sizeof(longer)), WLK_ERR_PARSE);
}

static void test_R31_texts_up_to_1024_bytes(void **state)
{
	uint8_t *message = calloc(1, DCEP_OPEN_HEADER_SIZE + 1025 + 1024);
	struct dcep_open open;

	(void)state;
	message[0] = DCEP_TYPE_OPEN;
	message[8] = 1024 >> 8;
	message[10] = 1024 >> 8;
	assert_int_equal(dcep_open_parse(&open, message, DCEP_OPEN_HEADER_SIZE + 2048), WLK_OK);
	assert_int_equal(open.label.size, 1024);
	assert_int_equal(open.protocol.size, 1024);
	message[9] = 1;
	assert_int_equal(dcep_open_parse(&open, message, DCEP_OPEN_HEADER_SIZE + 2049), WLK_ERR_TOO_LARGE);
	message[9] = 0;
	message[11] = 1;
	assert_int_equal(dcep_open_parse(&open, message, DCEP_OPEN_HEADER_SIZE + 2049), WLK_ERR_TOO_LARGE);
	free(message);
}

static void test_channel_types(void **state)
{
	uint8_t message[sizeof(example)];
	struct dcep_open open;

	(void)state;
	memcpy(message, example, sizeof(message));
	for (int type = 0; type < 256; type++) {
		bool known = (type & 0x7f) <= 2;

		message[1] = (uint8_t)type;
		assert_int_equal(dcep_open_parse(&open, message, sizeof(message)), known ? WLK_OK : WLK_ERR_PARSE);
	}
}

static void test_message_types(void **state)
{
	static const uint8_t ack[] = { 2 };

	(void)state;
	assert_true(dcep_is_ack(ack, 1));
	assert_false(dcep_is_ack(ack, 0));
	assert_false(dcep_is_open(ack, 1));
	assert_true(dcep_is_open(example, sizeof(example)));
	assert_false(dcep_is_open(example, 0));
}

static void test_texts_that_do_not_fit_the_length_field(void **state)
{
	uint8_t *text = calloc(1, 65536);
	uint8_t *out = malloc(DCEP_OPEN_HEADER_SIZE + 65536);
	struct dcep_open open = { .label = { text, 65536 } };

	(void)state;
	assert_int_equal(dcep_open_write(&open, out, DCEP_OPEN_HEADER_SIZE + 65536), WLK_ERR_INVALID);
	open.label.size = 65535;
	assert_int_equal(dcep_open_write(&open, out, DCEP_OPEN_HEADER_SIZE + 65535), WLK_OK);
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_is_parsed),
		cmocka_unit_test(test_open_is_written_as_parsed),
		cmocka_unit_test(test_open_without_texts),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_R31_lengths_must_be_the_rest_of_the_message),
		cmocka_unit_test(test_R31_texts_up_to_1024_bytes),
		cmocka_unit_test(test_channel_types),
		cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_texts_that_do_not_fit_the_length_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
