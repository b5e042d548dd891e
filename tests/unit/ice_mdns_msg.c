/* mdns_msg: names, bounded name compression, questions and records there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "ice/mdns_msg.h"

static const char name_text[] = "73a01014-2a81-4e12-9d02-8f1333f0ba36.local";

static struct mdns_name name_of(const char *text)
{
	struct mdns_name name;

	assert_true(mdns_name_parse(&name, str_of(text)));
	return name;
}

static void test_R9_names_are_one_v4_uuid_label(void **state)
{
	static const char *const good[] = {
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.local",
		"73A01014-2A81-4E12-BD02-8F1333F0BA36.LOCAL",
		"00000000-0000-4000-8000-000000000000.local.",
	};
	static const char *const bad[] = {
		"",
		".",
		"local",
		".local",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.local..",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.locale",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.local.com",
		"x.73a01014-2a81-4e12-9d02-8f1333f0ba36.local",
		"73a01014-2a81-4e12-9d02-8f1333f0ba36.x.local",
		"73a01014-2a81-1e12-9d02-8f1333f0ba36.local", /* version 1 */
		"73a01014-2a81-4e12-cd02-8f1333f0ba36.local", /* variant 110 */
		"73a01014-2a81-4e12-7d02-8f1333f0ba36.local", /* variant 0 */
		"73a010142a814e129d028f1333f0ba36.local",
		"73a01014-2a81-4e12-9d02-8f1333f0ba3.local",
		"73a01014-2a81-4e12-9d02-8f1333f0ba366.local",
		"73a01014-2a81-4e12-9d02_8f1333f0ba36.local",
		"73a01014-2a81-4e12-9d02-8f1333f0ba3g.local",
		"printer.local",
	};
	struct mdns_name name = { .uuid = { 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(mdns_name_parse(&name, str_of(good[i])));
	name = (struct mdns_name){ .uuid = { 1 } };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(mdns_name_parse(&name, str_of(bad[i])));
		assert_int_equal(name.uuid[0], 1);
	}
}

static void test_name_text(void **state)
{
	struct mdns_name name = name_of("73A01014-2A81-4E12-9D02-8F1333F0BA36.Local.");
	struct mdns_name other = name_of("73a01014-2a81-4e12-9d02-8f1333f0ba37.local");
	char text[MDNS_NAME_SIZE + 1];

	(void)state;
	assert_string_equal(mdns_name_text(&name, text), name_text);
	assert_int_equal(strlen(text), MDNS_NAME_SIZE);
	assert_false(mdns_name_equal(&name, &other));
}

static void test_query_round_trip(void **state)
{
	struct mdns_name name = name_of(name_text);
	uint8_t buf[MDNS_OUT_MAX];

	(void)state;
	for (int unicast = 0; unicast < 2; unicast++) {
		struct bytes_writer w = bytes_writer(buf, sizeof(buf));
		struct mdns_reader r;
		struct mdns_question q;
		struct mdns_record record;

		mdns_write_query(&w, &name, MDNS_TYPE_AAAA, unicast);
		assert_int_equal(w.size, 12 + 44 + 4);
		assert_int_equal(mdns_reader_init(&r, buf, w.size), WLK_OK);
		assert_false(r.response);
		assert_true(r.usable);
		assert_int_equal(r.id, 0);
		assert_true(mdns_next_question(&r, &q));
		assert_true(q.known_form);
		assert_true(mdns_name_equal(&q.name, &name));
		assert_int_equal(q.type, MDNS_TYPE_AAAA);
		assert_int_equal(q.unicast, unicast);
		assert_false(mdns_next_question(&r, &q));
		assert_false(mdns_next_record(&r, &record));
		assert_false(r.failed);
		assert_int_equal(r.offset, w.size);
	}
}

static void response_round_trip(const struct mdns_response *response)
{
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_record record;

	mdns_write_response(&w, response);
	assert_int_equal(mdns_reader_init(&r, buf, w.size), WLK_OK);
	assert_true(r.response);
	assert_int_equal(r.id, response->legacy ? response->id : 0);
	assert_int_equal(mdns_next_question(&r, &q), response->legacy);
	if (response->legacy) {
		assert_int_equal(q.type, response->question_type);
		assert_true(q.known_form && mdns_name_equal(&q.name, &response->name));
	}
	assert_false(mdns_next_question(&r, &q));
	assert_true(mdns_next_record(&r, &record));
	assert_true(record.is_address && record.in_answers);
	assert_true(mdns_name_equal(&record.name, &response->name));
	assert_true(addr_equal(&record.addr, &response->addr));
	assert_int_equal(record.ttl_s, response->ttl_s);
	assert_int_equal(mdns_next_record(&r, &record), response->ttl_s != 0); /* NSEC, but not in a goodbye */
	assert_false(mdns_next_record(&r, &record));
	assert_false(r.failed);
	assert_int_equal(r.offset, w.size);
}

static void test_response_round_trip(void **state)
{
	struct mdns_response response = { .name = name_of(name_text), .addr = addr_v4(10, 0, 0, 1, 0), .ttl_s = 120 };

	(void)state;
	response_round_trip(&response);
	assert_int_equal(addr_parse(&response.addr, "2001:db8::1", 11, 0), WLK_OK);
	response_round_trip(&response);
	response.legacy = true;
	response.id = 0xBEEF;
	response.question_type = MDNS_TYPE_ANY;
	response_round_trip(&response);
	response.ttl_s = 0;
	response_round_trip(&response);
}

/* RFC 4034 4.1.2: the bitmap names exactly the one type that exists. */
static void test_nsec_bitmap(void **state)
{
	static const uint8_t end_v4[] = { 0xC0, 0x0C, 0, 47, 0x80, 1, 0, 0, 0, 120, 0, 5, 0xC0, 0x0C, 0, 1, 0x40 };
	static const uint8_t end_v6[] = { 0, 8, 0xC0, 0x0C, 0, 4, 0, 0, 0, 0x08 };
	struct mdns_response response = { .name = name_of(name_text), .addr = addr_v4(10, 0, 0, 1, 0), .ttl_s = 120 };
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	(void)state;
	mdns_write_response(&w, &response);
	assert_memory_equal(buf + w.size - sizeof(end_v4), end_v4, sizeof(end_v4));
	assert_int_equal(addr_parse(&response.addr, "fe80::1", 7, 0), WLK_OK);
	w = bytes_writer(buf, sizeof(buf));
	mdns_write_response(&w, &response);
	assert_memory_equal(buf + w.size - sizeof(end_v6), end_v6, sizeof(end_v6));
}

/* ---- Compression ---- */

static void header(struct bytes_writer *w, uint16_t questions, uint16_t answers)
{
	bytes_put_u16(w, 0);
	bytes_put_u16(w, 0x8400);
	bytes_put_u16(w, questions);
	bytes_put_u16(w, answers);
	bytes_put_u32(w, 0);
}

static void uuid_label(struct bytes_writer *w)
{
	bytes_put_u8(w, 36);
	bytes_put(w, name_text, 36);
}

static void local_label(struct bytes_writer *w)
{
	bytes_put_u8(w, 5);
	bytes_put(w, "local", 6); /* with the root */
}

/*
 * "local" and the root as the name of a question, a chain of pointers to it in the data of a TXT record, and an address
 * record whose name is the UUID label and a pointer to the end of the chain: |jumps| in all.
 */
static size_t pointer_chain(uint8_t *buf, size_t capacity, unsigned jumps)
{
	struct bytes_writer w = bytes_writer(buf, capacity);
	size_t target = 12;

	header(&w, 1, 2);
	local_label(&w);
	bytes_put_u16(&w, MDNS_TYPE_A);
	bytes_put_u16(&w, 1);
	bytes_put_u8(&w, 0); /* the TXT record belongs to the root */
	bytes_put_u16(&w, 16);
	bytes_put_u16(&w, 1);
	bytes_put_u32(&w, 9);
	bytes_put_u16(&w, (uint16_t)(2 * (jumps - 1)));
	for (unsigned i = 1; i < jumps; i++) {
		size_t at = w.size;

		bytes_put_u16(&w, (uint16_t)(0xC000 | target));
		target = at;
	}
	uuid_label(&w);
	bytes_put_u16(&w, (uint16_t)(0xC000 | target));
	bytes_put_u16(&w, MDNS_TYPE_A);
	bytes_put_u16(&w, 0x8001);
	bytes_put_u32(&w, 5);
	bytes_put_u16(&w, 4);
	bytes_put_u32(&w, 0x0A000001);
	assert_true(bytes_writer_ok(&w));
	return w.size;
}

static bool reads_address(const uint8_t *data, size_t size)
{
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_record record;
	bool found = false;

	assert_int_equal(mdns_reader_init(&r, data, size), WLK_OK);
	while (mdns_next_question(&r, &q))
		;
	while (mdns_next_record(&r, &record))
		found |= record.is_address && record.ttl_s == 5;
	assert_int_equal(found, !r.failed);
	return found;
}

static void test_R9_sixteen_jumps_and_no_more(void **state)
{
	uint8_t buf[512];

	(void)state;
	assert_true(reads_address(buf, pointer_chain(buf, sizeof(buf), 1)));
	assert_true(reads_address(buf, pointer_chain(buf, sizeof(buf), MDNS_JUMPS_MAX)));
	assert_false(reads_address(buf, pointer_chain(buf, sizeof(buf), MDNS_JUMPS_MAX + 1)));
}

/* One question whose name is |name|; does it parse? */
static bool question_parses(const void *name, size_t size, struct mdns_question *out)
{
	uint8_t *buf = malloc(12 + size + 4); /* exactly sized, so that ASan sees a read past the end */
	struct bytes_writer w = bytes_writer(buf, 12 + size + 4);
	struct mdns_reader r;

	header(&w, 1, 0);
	bytes_put(&w, name, size);
	bytes_put_u16(&w, MDNS_TYPE_A);
	bytes_put_u16(&w, 1);
	assert_int_equal(mdns_reader_init(&r, buf, w.size), WLK_OK);

	bool ok = mdns_next_question(&r, out);

	assert_int_equal(ok, !r.failed);
	free(buf);
	return ok;
}

static void test_R9_pointer_loops_end(void **state)
{
	struct mdns_question q;

	(void)state;
	assert_false(question_parses("\xC0\x0C", 2, &q));        /* to itself */
	assert_false(question_parses("\xC0\x0E\x01x\0", 5, &q)); /* forwards */
	assert_false(question_parses("\x01x\xC0\x0C", 4, &q));   /* a label and back to it, for ever */
	assert_false(question_parses("\xFF\xFF", 2, &q));        /* beyond the message */
}

static void test_name_bounds(void **state)
{
	struct mdns_question q;
	uint8_t name[260];

	(void)state;
	assert_true(question_parses("\0", 1, &q)); /* the root */
	assert_false(q.known_form);
	assert_false(question_parses("\x40x\0", 3, &q)); /* label types 01 and 10 do not exist */
	assert_false(question_parses("\x80x\0", 3, &q));
	memset(name, 'a', sizeof(name));
	name[0] = name[64] = name[128] = 63;
	name[192] = 61; /* 254 bytes of labels: the longest name */
	name[254] = 0;
	assert_true(question_parses(name, 255, &q));
	name[192] = 62;
	name[254] = 'a';
	name[255] = 0;
	assert_false(question_parses(name, 256, &q));
	/* Labels that would join to the text of a name are not that name. */
	assert_true(question_parses("\x2A"
				    "73a01014-2a81-4e12-9d02-8f1333f0ba36.local",
				    44, &q));
	assert_false(q.known_form);
}

static void test_every_truncation_fails_cleanly(void **state)
{
	struct mdns_response response = { .name = name_of(name_text),
					  .addr = addr_v4(10, 0, 0, 1, 0),
					  .ttl_s = 5,
					  .legacy = true,
					  .question_type = MDNS_TYPE_A };
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	(void)state;
	mdns_write_response(&w, &response);
	for (size_t size = 0; size < w.size; size++) {
		uint8_t *block = malloc(size ? size : 1);
		struct mdns_reader r;
		struct mdns_question q;
		struct mdns_record record;

		memcpy(block, buf, size);
		if (size < 12) {
			assert_int_equal(mdns_reader_init(&r, block, size), WLK_ERR_PARSE);
		} else {
			assert_int_equal(mdns_reader_init(&r, block, size), WLK_OK);
			while (mdns_next_question(&r, &q))
				;
			while (mdns_next_record(&r, &record))
				;
			assert_true(r.failed);
		}
		free(block);
	}
}

static void test_foreign_records_are_no_addresses(void **state)
{
	static const struct {
		uint16_t type, class, size;
		bool address;
	} cases[] = {
		{ MDNS_TYPE_A, 1, 4, true },     { MDNS_TYPE_A, 0x8001, 4, true },
		{ MDNS_TYPE_A, 3, 4, false },    { MDNS_TYPE_A, 1, 5, false },
		{ MDNS_TYPE_A, 1, 16, false },   { MDNS_TYPE_AAAA, 1, 16, true },
		{ MDNS_TYPE_AAAA, 1, 4, false }, { 16, 1, 4, false },
		{ MDNS_TYPE_NSEC, 1, 4, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t buf[128];
		struct bytes_writer w = bytes_writer(buf, sizeof(buf));
		struct mdns_reader r;
		struct mdns_record record;

		header(&w, 0, 1);
		uuid_label(&w);
		local_label(&w);
		bytes_put_u16(&w, cases[i].type);
		bytes_put_u16(&w, cases[i].class);
		bytes_put_u32(&w, 1);
		bytes_put_u16(&w, cases[i].size);
		for (unsigned j = 0; j < cases[i].size; j++)
			bytes_put_u8(&w, (uint8_t)(j + 1));
		assert_int_equal(mdns_reader_init(&r, buf, w.size), WLK_OK);
		assert_true(mdns_next_record(&r, &record));
		assert_int_equal(record.is_address, cases[i].address);
	}
}

static void test_size_limits(void **state)
{
	static uint8_t big[MDNS_MESSAGE_MAX + 1];
	struct mdns_reader r;

	(void)state;
	assert_int_equal(mdns_reader_init(&r, big, MDNS_MESSAGE_MAX), WLK_OK);
	assert_int_equal(mdns_reader_init(&r, big, MDNS_MESSAGE_MAX + 1), WLK_ERR_PARSE);
	big[2] = 0x78; /* opcode */
	assert_int_equal(mdns_reader_init(&r, big, 12), WLK_OK);
	assert_false(r.usable);
	big[2] = 0x80;
	big[3] = 3; /* NXDOMAIN */
	assert_int_equal(mdns_reader_init(&r, big, 12), WLK_OK);
	assert_true(r.response);
	assert_false(r.usable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R9_names_are_one_v4_uuid_label),
		cmocka_unit_test(test_name_text),
		cmocka_unit_test(test_query_round_trip),
		cmocka_unit_test(test_response_round_trip),
		cmocka_unit_test(test_nsec_bitmap),
		cmocka_unit_test(test_R9_sixteen_jumps_and_no_more),
		cmocka_unit_test(test_R9_pointer_loops_end),
		cmocka_unit_test(test_name_bounds),
		cmocka_unit_test(test_every_truncation_fails_cleanly),
		cmocka_unit_test(test_foreign_records_are_no_addresses),
		cmocka_unit_test(test_size_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
