/* The recorder and the reader of its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/rand.h"
#include "peer/record.h"

/* A sink in memory. */
struct memory {
	uint8_t data[65536];
	size_t size, room; /* room: what it takes at most */
	unsigned closes;
};

static uint8_t *reserve(void *user, size_t size)
{
	struct memory *m = user;

	return m->size + size <= m->room ? m->data + m->size : NULL;
}

static void commit(void *user, size_t size)
{
	((struct memory *)user)->size += size;
}

static void close_memory(void *user)
{
	((struct memory *)user)->closes++;
}

static struct wlk_recording *start(struct memory *m, uint64_t limit)
{
	struct record_sink sink = { reserve, commit, close_memory, m };
	struct wlk_recording *rec;

	memset(m, 0, sizeof(*m));
	m->room = sizeof(m->data);
	assert_int_equal(record_create(&rec, &sink, limit, 1700000000000000), WLK_OK);
	return rec;
}

static struct record_reader reader_of(const struct memory *m)
{
	struct record_header header;
	struct record_reader r;

	assert_int_equal(record_reader_init(&r, m->data, m->size, &header), WLK_OK);
	return r;
}

static void test_header_tells_version_and_time(void **state)
{
	struct record_header header;
	struct record_reader r;
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);

	(void)state;
	assert_int_equal(m.size, RECORD_HEADER_SIZE);
	assert_int_equal(record_reader_init(&r, m.data, m.size, &header), WLK_OK);
	assert_int_equal(header.version, 1);
	assert_int_equal(header.unix_us, 1700000000000000);
	assert_true(strlen(header.release) >= 5);
	m.data[9] = 2;
	assert_int_equal(record_reader_init(&r, m.data, m.size, &header), WLK_ERR_UNSUPPORTED);
	assert_int_equal(header.version, 2);
	m.data[0] = 'w';
	assert_int_equal(record_reader_init(&r, m.data, m.size, &header), WLK_ERR_PARSE);
	assert_int_equal(record_reader_init(&r, m.data, RECORD_HEADER_SIZE - 1, &header), WLK_ERR_PARSE);
	record_unref(rec);
	assert_int_equal(m.closes, 1);
}

static void test_entries_come_back_as_they_were(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct bytes_writer *w = record_begin(rec, RECORD_DRAW, 10);
	struct record_entry entry;
	struct record_reader r;

	(void)state;
	bytes_put(w, "abc", 3); /* less than asked for */
	record_end(rec);
	record_mark(rec, RECORD_SCTP_INPUT);
	record_number(rec, RECORD_VERDICT, 1, 1);
	assert_int_equal(wlk_recording_size(rec), m.size);
	assert_int_equal(m.size, RECORD_HEADER_SIZE + 4 + 3 + 4 + 4 + 1);
	r = reader_of(&m);
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.kind, RECORD_DRAW);
	assert_int_equal(entry.offset, RECORD_HEADER_SIZE);
	assert_int_equal(entry.body.size, 3);
	assert_memory_equal(entry.body.data, "abc", 3);
	assert_true(record_peek(&r, &entry));
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.kind, RECORD_SCTP_INPUT);
	assert_int_equal(entry.body.size, 0);
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.body.data[0], 1);
	assert_false(record_next(&r, &entry));
	assert_false(record_next(&r, &entry));
	assert_false(r.truncated);
	record_unref(rec);
}

/* Whatever is cut off, and whatever zeroes follow: whole entries come, and nothing of the last one. */
static void test_a_cut_file_reads_up_to_the_cut(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct record_entry entry;
	struct record_reader r;

	(void)state;
	for (int i = 0; i < 3; i++)
		record_number(rec, RECORD_VERDICT, 0x0102030405060708, 8); /* 12 bytes each */
	for (size_t cut = 0; cut <= 36; cut++) {
		size_t whole = cut / 12, n = 0;
		bool within = cut % 12 != 0;

		r = reader_of(&m);
		r.size = RECORD_HEADER_SIZE + cut;
		while (record_next(&r, &entry))
			n++;
		assert_int_equal(n, whole);
		assert_int_equal(r.truncated, within);
	}
	r = reader_of(&m);
	r.size = m.size + 100; /* zeroes */
	for (int i = 0; i < 3; i++)
		assert_true(record_next(&r, &entry));
	assert_false(record_next(&r, &entry));
	assert_false(r.truncated);
	record_unref(rec);
}

static void test_calls_carry_peer_and_time(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct record_peer *a, *b;
	struct record_entry entry;
	struct bytes_reader body;
	struct record_reader r;

	(void)state;
	assert_int_equal(record_peer_create(&a, rec), WLK_OK);
	assert_int_equal(record_peer_create(&b, rec), WLK_OK);
	assert_ptr_equal(record_enter(a), rec);
	assert_null(record_enter(b)); /* a call from inside of a call is a part of it */
	record_call(rec, RECORD_TIMEOUT, 5);
	record_leave_recorded();
	assert_ptr_equal(record_enter(b), rec);
	record_call(rec, RECORD_TIMEOUT, 5 + (wlk_time)UINT32_MAX);
	record_call(rec, RECORD_TIMEOUT, 4); /* another clock: an absolute time comes first */
	record_leave_recorded();
	assert_null(record_enter(NULL));
	r = reader_of(&m);
	assert_true(record_next(&r, &entry));
	body = bytes_reader(entry.body.data, entry.body.size);
	assert_int_equal(bytes_u16(&body), 0);
	assert_int_equal(bytes_u32(&body), 5);
	assert_true(record_next(&r, &entry));
	body = bytes_reader(entry.body.data, entry.body.size);
	assert_int_equal(bytes_u16(&body), 1);
	assert_int_equal(bytes_u32(&body), UINT32_MAX);
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.kind, RECORD_TIME);
	body = bytes_reader(entry.body.data, entry.body.size);
	assert_int_equal(record_get_time(&body), 4);
	assert_true(record_next(&r, &entry));
	body = bytes_reader(entry.body.data, entry.body.size);
	bytes_skip(&body, 2);
	assert_int_equal(bytes_u32(&body), 0);
	record_peer_destroy(a);
	record_peer_destroy(b);
	record_unref(rec);
}

/* What core/ draws is written while a call runs, and only then; a password never. */
static void test_R38_draws_are_written_and_passwords_are_not(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct record_peer *peer;
	struct record_entry entry;
	struct record_reader r;
	char password[25], again[25];
	uint8_t bytes[8];

	(void)state;
	assert_int_equal(record_peer_create(&peer, rec), WLK_OK);
	assert_int_equal(rand_bytes(bytes, sizeof(bytes)), WLK_OK);
	assert_int_equal(m.size, RECORD_HEADER_SIZE);
	record_enter(peer);
	assert_int_equal(rand_bytes(bytes, sizeof(bytes)), WLK_OK);
	assert_int_equal(rand_ice_password(password, 24), WLK_OK);
	record_leave_recorded();
	r = reader_of(&m);
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.kind, RECORD_DRAW);
	assert_memory_equal(entry.body.data, bytes, sizeof(bytes));
	assert_true(record_next(&r, &entry));
	assert_int_equal(entry.kind, RECORD_SECRET);
	assert_int_equal(entry.body.size, 28);
	assert_memory_not_equal(entry.body.data + 4, password, 24);
	/* The stand-in is that of the same password elsewhere. */
	memcpy(again, password, sizeof(again));
	record_stand_in(rec, again, 24);
	assert_memory_equal(entry.body.data + 4, again, 24);
	record_peer_destroy(peer);
	record_unref(rec);
}

static void test_stand_ins_keep_length_and_what_no_password_has(void **state)
{
	char text[] = "abcdefgh ijkl:mnop\x01qrstuvwxyz0123456789+/ABCDEFGHIJKLMNOPQRSTUVWXYZ", copy[sizeof(text)], other[sizeof(text)];
	struct memory m;
	struct wlk_recording *rec = start(&m, 0), *second = start(&m, 0);
	size_t same = 0;

	(void)state;
	memcpy(copy, text, sizeof(text));
	memcpy(other, text, sizeof(text));
	record_stand_in(rec, copy, sizeof(text) - 1);
	record_stand_in(second, other, sizeof(text) - 1);
	assert_int_equal(copy[8], ' ');
	assert_int_equal(copy[13], ':');
	assert_int_equal(copy[18], 1);
	assert_int_equal(strlen(copy), strlen(text));
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		same += copy[i] == text[i];
	assert_in_range(same, 3, 20); /* three stay; of the others one in 64 by chance */
	assert_string_not_equal(copy, other); /* each recording has a key of its own */
	record_unref(rec);
	record_unref(second);
}

static void test_R38_descriptions_lose_their_passwords_and_keys(void **state)
{
	static const char sdp[] = "v=0\r\nk=clear:topsecret\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901 \r\n"
				  "a=ICE-PWD:0123456789012345678901\na=crypto:1 X inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9\r\na=x:y";
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct bytes_writer *w = record_begin(rec, RECORD_SET_REMOTE, sizeof(sdp) + 4);
	const char *first, *second;
	struct bytes_reader body;
	char *read;

	(void)state;
	record_put_sdp(w, rec, sdp);
	body = bytes_reader(w->start, w->size);
	read = record_get_text(&body);
	record_end(rec);
	assert_non_null(read);
	assert_int_equal(strlen(read), strlen(sdp));
	assert_null(strstr(read, "topsecret"));
	assert_null(strstr(read, "0123456789012345678901"));
	assert_null(strstr(read, "WVNfX19z"));
	assert_non_null(strstr(read, "a=ice-ufrag:abcd\r\n"));
	assert_non_null(strstr(read, "\r\na=x:y"));
	first = strstr(read, "a=ice-pwd:") + 10;
	second = strstr(read, "a=ICE-PWD:") + 10;
	assert_memory_equal(first, second, 22); /* the same password has the same stand-in */
	assert_int_equal(first[22], ' ');
	wlk_free(read);
	record_unref(rec);
}

static void test_configurations_come_back(void **state)
{
	static const wlk_ice_server servers[2] = { { "stun:a", NULL, NULL }, { "turn:b", "ann", "pwd-pwd" } };
	static const wlk_address_mapping mapping = { { .family = 4, .ip = { 10 } }, { .family = 6, .ip = { 32 } }, true };
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct record_config read;
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct bytes_writer *w;
	struct bytes_reader body;

	(void)state;
	config.ice_servers = servers;
	config.ice_server_count = 2;
	config.address_mappings = &mapping;
	config.address_mapping_count = 1;
	config.allow_loopback = config.no_roaming = config.renomination = true;
	config.max_message_size = 77;
	config.sctp_streams = 88;
	config.memory_budget = 99;
	config.ice_tcp = WLK_ICE_TCP_BOTH;
	config.port_max = 65535;
	w = record_begin(rec, RECORD_SET_CONFIGURATION, record_config_size(&config));
	record_put_config(w, rec, &config);
	assert_true(bytes_writer_ok(w));
	body = bytes_reader(w->start, w->size);
	assert_int_equal(record_get_config(&body, &read), WLK_OK);
	assert_int_equal(body.left, 0);
	assert_int_equal(read.config.ice_server_count, 2);
	assert_string_equal(read.config.ice_servers[0].url, "stun:a");
	assert_null(read.config.ice_servers[0].username);
	assert_string_equal(read.config.ice_servers[1].username, "ann");
	assert_int_equal(strlen(read.config.ice_servers[1].credential), 7);
	assert_string_not_equal(read.config.ice_servers[1].credential, "pwd-pwd");
	assert_int_equal(read.config.ice_servers[1].credential[3], '-');
	assert_true(read.config.allow_loopback && read.config.no_roaming && read.config.renomination);
	assert_false(read.config.allow_link_local || read.config.no_ipv4 || read.config.ice_lite);
	assert_int_equal(read.config.max_message_size, 77);
	assert_int_equal(read.config.sctp_streams, 88);
	assert_int_equal(read.config.memory_budget, 99);
	assert_int_equal(read.config.ice_tcp, WLK_ICE_TCP_BOTH);
	assert_int_equal(read.config.port_max, 65535);
	assert_memory_equal(read.config.address_mappings, &mapping, sizeof(mapping));
	assert_false(read.filters_remote);
	record_config_free(&read);
	/* Cut anywhere it is refused, and nothing leaks. */
	for (size_t cut = 0; cut < w->size; cut++) {
		body = bytes_reader(w->start, cut);
		assert_int_equal(record_get_config(&body, &read), WLK_ERR_PARSE);
		record_config_free(&read);
	}
	record_end(rec);
	record_unref(rec);
}

static void test_the_limit_and_a_full_disk_end_it_and_nothing_else(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 100);

	(void)state;
	while (!wlk_recording_status(rec))
		record_number(rec, RECORD_VERDICT, 1, 1);
	assert_int_equal(wlk_recording_status(rec), WLK_ERR_TOO_LARGE);
	assert_in_range(m.size, 96, 100);
	assert_int_equal(m.closes, 1);
	record_mark(rec, RECORD_SCTP_INPUT); /* of no effect */
	assert_int_equal(m.closes, 1);
	record_unref(rec);
	assert_int_equal(m.closes, 1);

	rec = start(&m, 0);
	m.room = m.size + 10;
	assert_non_null(record_begin(rec, RECORD_DRAW, 6));
	record_end(rec);
	m.room = m.size;
	assert_null(record_begin(rec, RECORD_DRAW, 0));
	assert_int_equal(wlk_recording_status(rec), WLK_ERR_IO);
	assert_int_equal(m.closes, 1);
	record_unref(rec);

	rec = start(&m, 0);
	assert_null(record_begin(rec, RECORD_STREAM_INPUT, RECORD_BODY_MAX + 1));
	assert_int_equal(wlk_recording_status(rec), WLK_ERR_TOO_LARGE);
	record_unref(rec);
}

static void test_objects_are_numbered_as_they_come(void **state)
{
	struct memory m;
	struct wlk_recording *rec = start(&m, 0);
	struct record_peer *peer;
	int a, b, c;

	(void)state;
	assert_int_equal(record_peer_create(&peer, rec), WLK_OK);
	record_enter(peer);
	assert_int_equal(record_object(rec, RECORD_OBJECT_CHANNEL, &a), 0);
	assert_int_equal(record_object(rec, RECORD_OBJECT_CHANNEL, &b), 1);
	assert_int_equal(record_object(rec, RECORD_OBJECT_DTLS, &a), 0); /* each kind counts for itself */
	assert_int_equal(record_object(rec, RECORD_OBJECT_CHANNEL, &a), 0);
	record_object_gone(rec, RECORD_OBJECT_CHANNEL, &a);
	record_object_gone(rec, RECORD_OBJECT_CHANNEL, &c);
	assert_int_equal(record_object(rec, RECORD_OBJECT_CHANNEL, &a), 2); /* another one at the same place */
	assert_int_equal(record_object(rec, RECORD_OBJECT_CHANNEL, &b), 1);
	alloc_fail_after(1);
	for (int i = 0; i < 16 && !wlk_recording_status(rec); i++)
		record_object(rec, RECORD_OBJECT_CHANNEL, &m.data[i]);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_int_equal(wlk_recording_status(rec), WLK_ERR_NOMEM);
	record_peer_destroy(peer);
	record_unref(rec);
}

static void test_without_memory_none_is_made(void **state)
{
	static struct memory m = { .room = sizeof(m.data) };
	struct record_sink sink = { reserve, commit, close_memory, &m };
	struct wlk_recording *rec = NULL;

	(void)state;
	for (size_t n = 1; n < 10; n++) {
		size_t live = alloc_live_blocks();

		m.size = 0;
		alloc_fail_after(n);
		if (record_create(&rec, &sink, 0, 0)) {
			assert_int_equal(alloc_live_blocks(), live);
			assert_int_equal(m.closes, 0); /* the sink stays the caller's */
			continue;
		}
		alloc_fail_after(0);
		assert_true(n > 1);
		record_unref(rec);
		return;
	}
	fail();
}

static void test_addresses_keep_all_their_fields(void **state)
{
	const wlk_addr addresses[3] = { { 0 },
					{ .family = 4, .transport = WLK_TRANSPORT_TCP, .port = 65535, .ip = { 1, 2, 3, 4 } },
					{ .family = 6, .port = 1, .scope_id = 7, .ip = { 0xfe, 0x80, [15] = 9 } } };
	uint8_t bytes[3 * RECORD_ADDR_SIZE + 2];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct bytes_reader r;
	wlk_addr read[3];

	(void)state;
	record_put_addresses(&w, addresses, 3);
	r = bytes_reader(bytes, w.size);
	assert_int_equal(record_get_addresses(&r, read, 3), 3);
	assert_true(bytes_done(&r));
	assert_memory_equal(read, addresses, sizeof(read));
	r = bytes_reader(bytes, w.size);
	assert_int_equal(record_get_addresses(&r, read, 2), 0); /* more than there is room for */
	assert_false(bytes_ok(&r));
	bytes[2] = 5; /* no such family */
	r = bytes_reader(bytes, w.size);
	assert_int_equal(record_get_addresses(&r, read, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_tells_version_and_time),
		cmocka_unit_test(test_entries_come_back_as_they_were),
		cmocka_unit_test(test_a_cut_file_reads_up_to_the_cut),
		cmocka_unit_test(test_calls_carry_peer_and_time),
		cmocka_unit_test(test_R38_draws_are_written_and_passwords_are_not),
		cmocka_unit_test(test_stand_ins_keep_length_and_what_no_password_has),
		cmocka_unit_test(test_R38_descriptions_lose_their_passwords_and_keys),
		cmocka_unit_test(test_configurations_come_back),
		cmocka_unit_test(test_the_limit_and_a_full_disk_end_it_and_nothing_else),
		cmocka_unit_test(test_objects_are_numbered_as_they_come),
		cmocka_unit_test(test_without_memory_none_is_made),
		cmocka_unit_test(test_addresses_keep_all_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
