/* dtls/record_filter: one case for every clause of R13. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dtls_records.h"

#define SEQ_MAX (((uint64_t)1 << 48) - 1)

static struct record_filter f;
static struct record_verdict v;
static uint8_t in[2048], pass[2048], hold[2048];
static struct bytes_writer w;

static void fresh(bool is_server, enum record_phase phase)
{
	record_filter_init(&f, is_server);
	f.phase = phase;
	f.sealed_min = DTLS_SEALED_MIN_GCM;
	w = bytes_writer(in, sizeof(in));
}

/* A server that has heard a ClientHello of one byte. */
static void fresh_with_hello(void)
{
	fresh(true, RECORD_PHASE_PLAIN);
	f.messages[0].type = DTLS_MESSAGE_CLIENT_HELLO;
	f.messages[0].length = 1;
}

static void run(void)
{
	record_filter_run(&f, in, w.size, pass, hold, &v);
	w.size = 0;
}

static void expect(size_t passed, size_t held, uint32_t dropped)
{
	run();
	assert_int_equal(v.pass_size, passed);
	assert_int_equal(v.hold_size, held);
	assert_int_equal(v.dropped, dropped);
}

static void test_epoch_0_is_renumbered_in_order_of_arrival(void **state)
{
	static const uint64_t claimed[] = { SEQ_MAX, 0, 5, 5, SEQ_MAX - 1 };

	(void)state;
	fresh(true, RECORD_PHASE_PLAIN);
	for (size_t i = 0; i < ARRAY_SIZE(claimed); i++)
		put_fragment(&w, claimed[i], DTLS_MESSAGE_CLIENT_HELLO, 500, 0, (uint32_t)(i * 100), 100, 1);
	expect(5 * (13 + 12 + 100), 0, 0);
	for (size_t i = 0; i < 5; i++) {
		struct bytes_reader r = bytes_reader(pass + i * 125 + 3, 8);

		assert_int_equal(bytes_u16(&r), 0);
		assert_int_equal(bytes_be(&r, 6), i);
	}
	assert_int_equal(f.next_seq, 5);
}

static void test_type_version_and_epoch(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		fresh(true, RECORD_PHASE_ESTABLISHED);
		put_record(&w, (uint8_t)type, 1, 0, hold, 40);
		expect(type >= 21 && type <= 23 ? 53 : 0, 0, type >= 21 && type <= 23 ? 0 : 1);
	}
	for (unsigned int version = 0; version < 65536; version += version == 0xfefb ? 1 : 3) {
		fresh(true, RECORD_PHASE_ESTABLISHED);
		put_record(&w, 23, 1, 0, hold, 40);
		store_u16(in + 1, (uint16_t)version);
		run();
		assert_int_equal(v.pass_size != 0, version == 0xfefd || version == 0xfeff);
	}
	for (uint16_t epoch = 2; epoch; epoch++) {
		fresh(true, RECORD_PHASE_ESTABLISHED);
		put_record(&w, 23, epoch, 0, hold, 40);
		expect(0, 0, 1);
	}
}

static void test_truncated_records_are_dropped_and_what_was_before_passes(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 53; cut++) {
		fresh(true, RECORD_PHASE_ESTABLISHED);
		put_record(&w, 23, 1, 0, hold, 40);
		put_record(&w, 23, 1, 1, hold, 40);
		w.size -= cut;
		expect(53, 0, 1);
	}
	fresh(true, RECORD_PHASE_ESTABLISHED);
	expect(0, 0, 0);
}

static void test_change_cipher_spec_only_as_itself_and_only_before_it_happened(void **state)
{
	static const uint8_t good[] = { 1 };
	static const uint8_t bad[] = { 2 };
	static const uint8_t two[] = { 1, 1 };

	(void)state;
	fresh(true, RECORD_PHASE_PLAIN);
	put_record(&w, 20, 0, SEQ_MAX, good, 1);
	expect(14, 0, 0);
	put_record(&w, 20, 0, 1, bad, 1);
	put_record(&w, 20, 0, 1, two, 2);
	put_record(&w, 20, 0, 1, good, 0);
	put_record(&w, 20, 1, 1, pass, 30);
	expect(0, 0, 4);
	f.phase = RECORD_PHASE_SEALED;
	put_record(&w, 20, 0, 2, good, 1);
	expect(0, 0, 1);
}

static void test_plain_alerts_are_reported_and_dropped(void **state)
{
	static const struct {
		uint8_t level, description;
		bool reported;
	} alerts[] = { { 2, 40, true }, { 2, 0, true }, { 1, 0, true }, { 1, 100, false }, { 0, 40, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alerts); i++) {
		uint8_t body[] = { alerts[i].level, alerts[i].description };

		for (int phase = 0; phase < 3; phase++) {
			fresh(false, (enum record_phase)phase);
			put_record(&w, 21, 0, 0, body, 2);
			expect(0, 0, 1);
			assert_int_equal(v.alert, alerts[i].reported && phase != RECORD_PHASE_ESTABLISHED);
			if (v.alert)
				assert_int_equal(v.alert_description, alerts[i].description);
		}
	}
	fresh(false, RECORD_PHASE_PLAIN);
	put_record(&w, 21, 0, 0, "\2\50\0", 3);
	expect(0, 0, 1);
	assert_false(v.alert);
}

static void test_application_data(void **state)
{
	(void)state;
	for (int phase = 0; phase < 3; phase++) {
		fresh(true, (enum record_phase)phase);
		put_record(&w, 23, 0, 0, hold, 40); /* plaintext: never */
		expect(0, 0, 1);
		put_record(&w, 23, 1, 0, hold, 40);
		if (phase == RECORD_PHASE_ESTABLISHED)
			expect(53, 0, 0);
		else
			expect(0, 53, 0);
	}
}

static void test_sealed_handshake_waits_for_change_cipher_spec(void **state)
{
	(void)state;
	fresh(true, RECORD_PHASE_PLAIN);
	put_record(&w, 22, 1, 0, hold, 40);
	put_record(&w, 21, 1, 1, hold, 26);
	expect(0, 53 + 39, 0);
	f.phase = RECORD_PHASE_SEALED;
	put_record(&w, 22, 1, 0, hold, 40);
	put_record(&w, 21, 1, 1, hold, 26);
	put_record(&w, 23, 1, 2, hold, 50);
	expect(53 + 39, 63, 0);
	/* epoch 1 keeps the numbers it was sealed with */
	assert_int_equal(pass[10], 0);
	assert_int_equal(pass[53 + 10], 1);
	/* epoch 0 is over */
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_KEY_EXCHANGE, 66, 2, 0, 66, 1);
	expect(0, 0, 1);
}

static void test_R16_undersized_sealed_records(void **state)
{
	(void)state;
	for (size_t size = 0; size < 30; size++) {
		for (int gcm = 0; gcm < 2; gcm++) {
			size_t least = gcm ? 24 : 16;

			fresh(true, RECORD_PHASE_ESTABLISHED);
			f.sealed_min = least;
			put_record(&w, 23, 1, 0, pass, size);
			assert_int_equal(record_filter_all_pass(&f, in, w.size), size >= least);
			run();
			assert_int_equal(v.pass_size != 0, size >= least);
		}
	}
}

static void test_zero_length_fragments(void **state)
{
	(void)state;
	fresh(true, RECORD_PHASE_PLAIN);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 0, 0, 0, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 0, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 100, 0, 0);
	put_record(&w, 22, 0, 0, in, 0);
	put_record(&w, 22, 0, 0, in, 11); /* shorter than a fragment's header */
	expect(0, 0, 5);
	/* the one message that is empty */
	fresh(false, RECORD_PHASE_PLAIN);
	put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 0, 4, 0, 0, 0);
	expect(25, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 1, 5, 0, 1, 0);
	expect(0, 0, 1);
}

static void test_lengths_offsets_and_claims(void **state)
{
	(void)state;
	fresh(true, RECORD_PHASE_PLAIN);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 0xffffff, 0, 0, 50, 0); /* 16 MB */
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, DTLS_MESSAGE_MAX + 1, 0, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 51, 50, 0); /* beyond the end */
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 0xffffff, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 0, 101, 0);
	expect(0, 0, 5);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, DTLS_MESSAGE_MAX, 0, 0, 50, 0);
	expect(75, 0, 0);
	/* 64 KB in all */
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, DTLS_MESSAGE_MAX, 1, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_KEY_EXCHANGE, 1, 2, 0, 1, 0);
	expect(75, 0, 1);
	/* message_seq beyond any handshake */
	fresh_with_hello();
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 100, 15, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 100, 16, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 100, 65535, 0, 50, 0);
	expect(75, 0, 2);
	/* a fragment that lies about its size inside the record */
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 100, 15, 0, 50, 0);
	in[13 + 11] = 51;
	expect(0, 0, 1);
}

static void test_fragments_of_one_message_agree(void **state)
{
	(void)state;
	fresh_with_hello();
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 300, 1, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 300, 1, 250, 50, 0);
	expect(150, 0, 0);
	assert_false(v.conflict);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 301, 1, 0, 50, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_KEY_EXCHANGE, 300, 1, 0, 50, 0);
	expect(0, 0, 2);
	assert_true(v.conflict);
	assert_int_equal(f.claimed, 300);
}

static void test_a_record_passes_only_as_a_whole(void **state)
{
	uint8_t two[2 * (12 + 10)];

	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		struct bytes_writer m = bytes_writer(two, sizeof(two));

		fresh_with_hello();
		for (uint32_t i = 0; i < 2; i++) {
			bytes_put_u8(&m, DTLS_MESSAGE_CERTIFICATE);
			bytes_put_u24(&m, i && bad ? 99 : 20);
			bytes_put_u16(&m, 1);
			bytes_put_u24(&m, i * 10);
			bytes_put_u24(&m, 10);
			bytes_put_zero(&m, 10);
		}
		put_record(&w, 22, 0, 0, two, m.size);
		expect(bad ? 0 : 13 + 44, 0, bad ? 1 : 0);
		assert_int_equal(f.claimed, bad ? 0 : 20);
	}
}

static void test_only_messages_of_the_right_direction(void **state)
{
	static const uint8_t to_server[] = { 1, 11, 15, 16 };
	static const uint8_t to_client[] = { 2, 3, 11, 12, 13, 14 };

	(void)state;
	for (int server = 0; server < 2; server++) {
		for (unsigned int type = 0; type < 256; type++) {
			const uint8_t *list = server ? to_server : to_client;
			size_t count = server ? sizeof(to_server) : sizeof(to_client);
			bool good = memchr(list, (int)type, count) != NULL;
			uint32_t length = type == DTLS_MESSAGE_SERVER_HELLO_DONE ? 0 : 9;

			if (server && type != DTLS_MESSAGE_CLIENT_HELLO)
				fresh_with_hello();
			else
				fresh(server, RECORD_PHASE_PLAIN);
			put_fragment(&w, 0, (uint8_t)type, length, type == DTLS_MESSAGE_CLIENT_HELLO ? 0 : 1, 0, length,
				     0);
			expect(good ? 13 + 12 + length : 0, 0, !good);
		}
	}
	fresh(true, RECORD_PHASE_PLAIN);
	put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 1, 0, 100, 0); /* the answer to a cookie we never sent */
	expect(0, 0, 1);
	for (uint8_t type = 11; type <= 16; type++) /* a server that knows of no handshake */
		put_fragment(&w, 0, type, 100, 1, 0, 100, 0);
	expect(0, 0, 6);
}

static void test_nothing_comes_behind_server_hello_done(void **state)
{
	(void)state;
	fresh(false, RECORD_PHASE_PLAIN);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 10, 1, 0, 10, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 10, 5, 0, 10, 0); /* reordered: nobody knows yet */
	expect(2 * 35, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 0, 4, 0, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE_REQUEST, 10, 3, 0, 10, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 0, 4, 0, 0, 0);
	expect(25 + 35 + 25, 0, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 10, 5, 0, 10, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 10, 6, 0, 10, 0);
	put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 0, 15, 0, 0, 0);
	expect(0, 0, 3);
}

static void test_another_client_hello_is_told_and_not_passed(void **state)
{
	(void)state;
	for (int phase = 0; phase < 2; phase++) {
		fresh(true, RECORD_PHASE_PLAIN);
		put_client_hello(&w, 0, 0xaa, 0xc02b);
		run();
		assert_true(v.pass_size > 0);
		f.phase = (enum record_phase)phase;
		put_client_hello(&w, 1, 0xaa, 0xc02b); /* retransmission */
		run();
		assert_false(v.other_client_hello);
		assert_int_equal(v.pass_size > 0, phase == RECORD_PHASE_PLAIN);
		put_client_hello(&w, 2, 0xab, 0xc02b); /* other random */
		run();
		assert_true(v.other_client_hello);
		assert_int_equal(v.pass_size, 0);
		put_fragment(&w, 3, DTLS_MESSAGE_CLIENT_HELLO, 500, 0, 100, 100, 0xaa); /* other length */
		run();
		assert_true(v.other_client_hello);
		assert_int_equal(v.pass_size, 0);
	}
}

static void test_all_pass_agrees_with_run(void **state)
{
	uint64_t rng = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		bool all;

		fresh(true, RECORD_PHASE_ESTABLISHED);
		for (int k = 0; k < 3; k++) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			put_record(&w, (uint8_t)(20 + (rng >> 60) % 5), (uint16_t)(rng >> 50 & 3 ? 1 : rng >> 40 & 3),
				   0, hold, rng >> 33 & 63);
		}
		if (rng & 64)
			w.size -= rng >> 20 & 15;
		all = record_filter_all_pass(&f, in, w.size);
		size_t size = w.size;
		run();
		assert_int_equal(all, v.dropped == 0 && v.hold_size == 0);
		if (all)
			assert_memory_equal(pass, in, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epoch_0_is_renumbered_in_order_of_arrival),
		cmocka_unit_test(test_type_version_and_epoch),
		cmocka_unit_test(test_truncated_records_are_dropped_and_what_was_before_passes),
		cmocka_unit_test(test_change_cipher_spec_only_as_itself_and_only_before_it_happened),
		cmocka_unit_test(test_plain_alerts_are_reported_and_dropped),
		cmocka_unit_test(test_application_data),
		cmocka_unit_test(test_sealed_handshake_waits_for_change_cipher_spec),
		cmocka_unit_test(test_R16_undersized_sealed_records),
		cmocka_unit_test(test_zero_length_fragments),
		cmocka_unit_test(test_lengths_offsets_and_claims),
		cmocka_unit_test(test_fragments_of_one_message_agree),
		cmocka_unit_test(test_a_record_passes_only_as_a_whole),
		cmocka_unit_test(test_only_messages_of_the_right_direction),
		cmocka_unit_test(test_nothing_comes_behind_server_hello_done),
		cmocka_unit_test(test_another_client_hello_is_told_and_not_passed),
		cmocka_unit_test(test_all_pass_agrees_with_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
