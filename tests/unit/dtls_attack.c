/* Attacks on a running handshake and on a session, from somebody who can spoof the validated 5-tuple but has no key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dtls_pair.h"
#include "dtls_records.h"

#define SEQ_MAX (((uint64_t)1 << 48) - 1)

static struct dtls_pair p;
static uint8_t spoof_data[2048];

/* What the filter must keep from OpenSSL. Each kind alone stops an unprotected OpenSSL 3.0.22 or makes it work hard. */
enum harmless {
	CCS_AT_THE_END_OF_THE_WINDOW,
	CCS_WITH_WRONG_BODY,
	ALERT_HANDSHAKE_FAILURE,
	ALERT_CLOSE_NOTIFY,
	ALERT_WARNING,
	ZERO_LENGTH_CLIENT_HELLO,
	ZERO_LENGTH_FRAGMENT,
	FRAGMENT_OF_16_MB,
	FRAGMENT_BEYOND_THE_END,
	EARLY_PLAIN_DATA,
	EARLY_SEALED_DATA,
	SEALED_FINISHED,
	SEALED_ALERT,
	FUTURE_EPOCH,
	UNDERSIZED_RECORD,
	HELLO_REQUEST,
	PLAIN_FINISHED,
	NEW_SESSION_TICKET,
	RANDOM_BYTES,
	HARMLESS_COUNT
};

static size_t harmless(enum harmless kind)
{
	struct bytes_writer w = bytes_writer(spoof_data, sizeof(spoof_data));
	uint8_t junk[200];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 37 + (size_t)kind);
	switch (kind) {
	case CCS_AT_THE_END_OF_THE_WINDOW:
		put_record(&w, DTLS_RECORD_CHANGE_CIPHER_SPEC, 0, SEQ_MAX, "\1", 1);
		break;
	case CCS_WITH_WRONG_BODY:
		put_record(&w, DTLS_RECORD_CHANGE_CIPHER_SPEC, 0, SEQ_MAX, "\0\0", 2);
		break;
	case ALERT_HANDSHAKE_FAILURE:
		put_record(&w, DTLS_RECORD_ALERT, 0, SEQ_MAX, "\2\50", 2);
		break;
	case ALERT_CLOSE_NOTIFY:
		put_record(&w, DTLS_RECORD_ALERT, 0, 3, "\1\0", 2);
		break;
	case ALERT_WARNING:
		for (int i = 0; i < 50; i++)
			put_record(&w, DTLS_RECORD_ALERT, 0, 3, "\1\144", 2);
		break;
	case ZERO_LENGTH_CLIENT_HELLO:
		put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 0, 0, 0, 0, 0);
		break;
	case ZERO_LENGTH_FRAGMENT:
		put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 200, 0, 0, 0, 0);
		put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO, 200, 0, 0, 0, 0);
		put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 200, 1, 0, 0, 0);
		break;
	case FRAGMENT_OF_16_MB:
		put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 0xffffff, 0, 0, 100, 1);
		put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO, 0xffffff, 0, 0, 100, 1);
		put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 0xffffff, 1, 0xfffff0, 15, 1);
		break;
	case FRAGMENT_BEYOND_THE_END:
		put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, 100, 0, 90, 20, 1);
		put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO, 100, 0, 90, 20, 1);
		break;
	case EARLY_PLAIN_DATA:
		put_record(&w, DTLS_RECORD_APPLICATION_DATA, 0, 1, junk, 100);
		break;
	case EARLY_SEALED_DATA:
		for (uint64_t i = 0; i < 9; i++)
			put_record(&w, DTLS_RECORD_APPLICATION_DATA, 1, i, junk, 100);
		break;
	case SEALED_FINISHED:
		put_record(&w, DTLS_RECORD_HANDSHAKE, 1, 0, junk, 40);
		put_record(&w, DTLS_RECORD_HANDSHAKE, 1, SEQ_MAX, junk, 40);
		break;
	case SEALED_ALERT:
		put_record(&w, DTLS_RECORD_ALERT, 1, SEQ_MAX, junk, 26);
		break;
	case FUTURE_EPOCH:
		for (uint16_t epoch = 2; epoch < 12; epoch++)
			put_record(&w, DTLS_RECORD_HANDSHAKE, epoch, 0, junk, 60);
		break;
	case UNDERSIZED_RECORD:
		put_record(&w, DTLS_RECORD_APPLICATION_DATA, 1, 7, junk, 5);
		put_record(&w, DTLS_RECORD_HANDSHAKE, 1, 8, junk, 15);
		break;
	case HELLO_REQUEST:
		put_fragment(&w, 0, 0, 0, 0, 0, 0, 0);
		break;
	case PLAIN_FINISHED:
		for (uint16_t seq = 0; seq < 8; seq++)
			put_fragment(&w, 0, 20, 12, seq, 0, 12, 1);
		break;
	case NEW_SESSION_TICKET:
		for (uint16_t seq = 0; seq < 8; seq++)
			put_fragment(&w, 0, 4, 12, seq, 0, 12, 1);
		break;
	case RANDOM_BYTES:
		bytes_put(&w, junk, sizeof(junk));
		spoof_data[0] = 22;
		break;
	case HARMLESS_COUNT:
		break;
	}
	return w.size;
}

/* The handshake is four arrivals; the spoof comes to both sides before the k-th of them. */
static void handshake_with_spoof(enum harmless kind, int when, int copies)
{
	wlk_time start;
	int arrivals = 0;

	pair_init(&p, NULL);
	start = p.now;
	pair_start(&p);
	while (!pair_connected(&p)) {
		if (arrivals++ == when || when < 0) {
			for (int i = 0; i < copies; i++) {
				size_t size = harmless(kind);

				pair_input(&p, PAIR_CLIENT, spoof_data, size);
				pair_input(&p, PAIR_SERVER, spoof_data, size);
			}
		}
		if (!pair_step(&p, start + 30 * SECOND))
			fail_msg("spoof %d before arrival %d: no connection", (int)kind, when);
		if (dtls_transport_state(p.end[0].t) == DTLS_STATE_FAILED ||
		    dtls_transport_state(p.end[1].t) == DTLS_STATE_FAILED)
			fail_msg("spoof %d before arrival %d ends the handshake", (int)kind, when);
	}
	/* not one retransmission: four one-way trips as ever */
	if (p.now - start != 4 * p.delay)
		fail_msg("spoof %d before arrival %d costs %lld us", (int)kind, when,
			 (long long)(p.now - start - 4 * p.delay));
	assert_int_equal(dtls_transport_stats(p.end[0].t)->restarts + dtls_transport_stats(p.end[1].t)->restarts, 0);
	pair_free(&p);
}

static void test_R13_forged_records_neither_stop_nor_delay_a_handshake(void **state)
{
	(void)state;
	for (int kind = 0; kind < HARMLESS_COUNT; kind++) {
		for (int when = -1; when < 6; when++)
			handshake_with_spoof((enum harmless)kind, when, 1);
	}
}

static void test_R13_nor_do_floods_of_them(void **state)
{
	(void)state;
	for (int kind = 0; kind < HARMLESS_COUNT; kind++)
		handshake_with_spoof((enum harmless)kind, -1, 300);
}

/* Well-formed messages that OpenSSL takes for the peer's: nothing can stop these, so a fresh handshake must heal. */
enum poison {
	OTHER_HELLO_NULL_SUITE,
	OTHER_HELLO_GOOD_SUITE,
	SERVER_HELLO_OF_JUNK,
	CERTIFICATE_OF_JUNK,
	CLIENT_KEY_OF_JUNK,
	HELLO_VERIFY_REQUEST,
	SERVER_HELLO_DONE_EARLY,
	CERTIFICATE_VERIFY_OF_JUNK,
	PIECES_OF_EVERY_MESSAGE,
	POISON_COUNT
};

static size_t poison(enum poison kind)
{
	struct bytes_writer w = bytes_writer(spoof_data, sizeof(spoof_data));

	switch (kind) {
	case OTHER_HELLO_NULL_SUITE:
		put_client_hello(&w, 0, 0x66, 0x0000);
		break;
	case OTHER_HELLO_GOOD_SUITE:
		put_client_hello(&w, 0, 0x67, 0xc02b);
		break;
	case SERVER_HELLO_OF_JUNK:
		put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO, 80, 0, 0, 80, 3);
		break;
	case CERTIFICATE_OF_JUNK:
		for (uint16_t seq = 0; seq < 7; seq++)
			put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 90, seq, 0, 90, 3);
		break;
	case CLIENT_KEY_OF_JUNK:
		for (uint16_t seq = 0; seq < 7; seq++)
			put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_KEY_EXCHANGE, 90, seq, 0, 90, 3);
		break;
	case HELLO_VERIFY_REQUEST:
		put_fragment(&w, 0, DTLS_MESSAGE_HELLO_VERIFY_REQUEST, 11, 0, 0, 11, 8);
		break;
	case SERVER_HELLO_DONE_EARLY:
		for (uint16_t seq = 0; seq < 7; seq++)
			put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO_DONE, 0, seq, 0, 0, 0);
		break;
	case CERTIFICATE_VERIFY_OF_JUNK:
		for (uint16_t seq = 0; seq < 7; seq++)
			put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE_VERIFY, 90, seq, 0, 90, 3);
		break;
	case PIECES_OF_EVERY_MESSAGE:
		put_fragment(&w, 0, DTLS_MESSAGE_SERVER_HELLO, 95, 0, 0, 7, 3);
		for (uint16_t seq = 1; seq < 8; seq++)
			put_fragment(&w, 0, DTLS_MESSAGE_CERTIFICATE, 400, seq, 0, 7, 3);
		break;
	case POISON_COUNT:
		break;
	}
	return w.size;
}

static void test_R13_poisoned_handshakes_connect_by_restart(void **state)
{
	wlk_time worst = 0;

	(void)state;
	for (int kind = 0; kind < POISON_COUNT; kind++) {
		for (int when = 0; when < 4; when++) {
			for (int side = 0; side < 2; side++) {
				int arrivals = 0;
				wlk_time start;

				pair_init(&p, &(struct dtls_config){ .rtt_us = 20 * MILLISECOND });
				p.auto_restart = true;
				start = p.now;
				pair_start(&p);
				while (!pair_connected(&p)) {
					if (arrivals++ == when) {
						size_t size = poison((enum poison)kind);

						pair_input(&p, (enum pair_side)side, spoof_data, size);
					}
					if (!pair_step(&p, start + 10 * SECOND))
						fail_msg(
							"poison %d to side %d before arrival %d: no connection in 10 s",
							kind, side, when);
				}
				if (p.now - start > worst) {
					worst = p.now - start;
					print_message("poison %d to side %d before arrival %d: %lld ms\n", kind, side,
						      when, (long long)worst / 1000);
				}
				pair_free(&p);
			}
		}
	}
}

static void test_junk_into_a_session_changes_nothing(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	size_t events[2] = { p.end[0].event_count, p.end[1].event_count };
	for (int kind = 0; kind < HARMLESS_COUNT; kind++) {
		for (int side = 0; side < 2; side++) {
			size_t size = harmless((enum harmless)kind);

			for (int i = 0; i < 100; i++)
				pair_input(&p, (enum pair_side)side, spoof_data, size);
		}
	}
	for (int kind = 0; kind < POISON_COUNT; kind++) {
		for (int side = 0; side < 2; side++) {
			size_t size = poison((enum poison)kind);

			pair_input(&p, (enum pair_side)side, spoof_data, size);
		}
	}
	assert_true(pair_connected(&p));
	assert_int_equal(p.flight_count, 0); /* nothing was answered */
	for (int side = 0; side < 2; side++) {
		assert_int_equal(p.end[side].event_count, events[side]);
		assert_int_equal(p.end[side].messages, 0);
		assert_int_equal(dtls_transport_deadline(p.end[side].t), WLK_TIME_NEVER);
		assert_int_equal(dtls_transport_send(p.end[side].t, p.now, (const uint8_t *)"alive", 5), WLK_OK);
		pair_drain(&p, (enum pair_side)side);
	}
	pair_run(&p, p.now + SECOND);
	assert_int_equal(p.end[0].messages, 1);
	assert_int_equal(p.end[1].messages, 1);
	pair_free(&p);
}

static void test_every_flipped_bit_of_a_sealed_record_is_refused(void **state)
{
	struct pktbuf *buf;
	uint8_t copy[256];

	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	assert_true(pair_connect(&p, p.now + SECOND));
	assert_int_equal(dtls_transport_send(p.end[0].t, p.now, (const uint8_t *)"data", 4), WLK_OK);
	assert_true(dtls_transport_poll_transmit(p.end[0].t, p.now, &buf));
	for (size_t bit = 0; bit < buf->size * 8; bit++) {
		memcpy(copy, buf->data, buf->size);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		pair_input(&p, PAIR_SERVER, copy, buf->size);
	}
	assert_int_equal(p.end[1].messages, 0);
	assert_true(pair_connected(&p));
	pair_input(&p, PAIR_SERVER, buf->data, buf->size);
	assert_int_equal(p.end[1].messages, 1);
	pktbuf_release(buf);
	pair_free(&p);
}

/* R13: an alert that nobody signed counts only when the handshake does not move either. */
static unsigned int nothing_to_the_client(struct dtls_pair *pair, enum pair_side to, const uint8_t *data, size_t size,
					  wlk_time *delay)
{
	(void)pair;
	(void)data;
	(void)size;
	(void)delay;
	return to == PAIR_SERVER;
}

static void test_R13_plain_alert_counts_after_timeouts(void **state)
{
	(void)state;
	pair_init(&p, &(struct dtls_config){ .rtt_us = 30 * MILLISECOND });
	p.link = nothing_to_the_client;
	pair_start(&p);
	size_t size = harmless(ALERT_HANDSHAKE_FAILURE);
	pair_input(&p, PAIR_CLIENT, spoof_data, size);
	wlk_time start = p.now;
	while (dtls_transport_state(p.end[0].t) == DTLS_STATE_CONNECTING && pair_step(&p, start + 10 * SECOND))
		;
	assert_int_equal(dtls_transport_state(p.end[0].t), DTLS_STATE_FAILED);
	assert_int_equal(p.now - start, (60 + 120) * MILLISECOND); /* two time-outs */
	const struct dtls_event *last = &p.end[0].events[p.end[0].event_count - 1];
	assert_int_equal(last->reason, DTLS_REASON_ALERT);
	assert_int_equal(last->alert, 40);
	assert_true(last->restartable);
	assert_int_equal(dtls_transport_stats(p.end[0].t)->alerts_ignored, 1);
	/* the path heals: a fresh handshake connects, maybe after the server's old flight killed one more */
	p.link = NULL;
	p.auto_restart = true;
	assert_int_equal(dtls_transport_restart(p.end[0].t, p.now), WLK_OK);
	pair_drain(&p, PAIR_CLIENT);
	assert_true(pair_connect(&p, p.now + 5 * SECOND));
	pair_free(&p);
}

static void test_R13_data_that_overtakes_finished_is_delivered_right_after_it(void **state)
{
	uint8_t finished[1300];
	size_t finished_size = 0;
	struct pktbuf *buf;

	(void)state;
	pair_init(&p, NULL);
	pair_start(&p);
	/* the server's last flight and its first data change places on the way to the client */
	while (dtls_transport_state(p.end[1].t) != DTLS_STATE_CONNECTED) {
		assert_true(pair_step(&p, p.now + SECOND));
		if (dtls_transport_state(p.end[1].t) == DTLS_STATE_CONNECTED) {
			assert_int_equal(p.flight_count, 1);
			finished_size = p.flight[0].size;
			memcpy(finished, p.flight[0].data, finished_size);
			free(p.flight[0].data);
			p.flight_count = 0;
		}
	}
	for (int i = 0; i < 12; i++) {
		uint8_t byte = (uint8_t)i;

		assert_int_equal(dtls_transport_send(p.end[1].t, p.now, &byte, 1), WLK_OK);
		assert_true(dtls_transport_poll_transmit(p.end[1].t, p.now, &buf));
		pair_input(&p, PAIR_CLIENT, buf->data, buf->size);
		pktbuf_release(buf);
	}
	assert_int_equal(p.end[0].messages, 0);
	pair_input(&p, PAIR_CLIENT, finished, finished_size);
	assert_true(pair_connected(&p));
	assert_int_equal(p.end[0].messages, 8); /* the cap */
	assert_int_equal(p.end[0].last[0], 7);
	assert_int_equal(dtls_transport_stats(p.end[0].t)->datagrams_dropped, 4);
	pair_free(&p);
}

/* Attack 4: a client that shows somebody's certificate and does not prove that it has the key. */
static unsigned int no_certificate_verify(struct dtls_pair *pair, enum pair_side to, const uint8_t *data, size_t size,
					  wlk_time *delay)
{
	uint8_t out[2048];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct dtls_record record;
	bool cut = false;

	(void)delay;
	if (to == PAIR_CLIENT)
		return 1;
	while (dtls_record_next(&data, &size, &record)) {
		if (record.epoch == 0 && record.type == DTLS_RECORD_HANDSHAKE &&
		    record.body[0] == DTLS_MESSAGE_CERTIFICATE_VERIFY)
			cut = true;
		else
			bytes_put(&w, record.start, DTLS_RECORD_HEADER + record.size);
	}
	if (!cut)
		return 1;
	if (w.size)
		pair_input(pair, PAIR_SERVER, out, w.size);
	return 0;
}

static void test_R14_no_session_without_certificate_verify(void **state)
{
	(void)state;
	pair_init(&p, NULL);
	p.link = no_certificate_verify;
	pair_start(&p);
	pair_run(&p, p.now + 40 * SECOND);
	assert_int_equal(dtls_transport_state(p.end[1].t), DTLS_STATE_FAILED);
	assert_int_equal(dtls_transport_remote_cert(p.end[1].t).size, 0);
	assert_int_equal(p.end[1].messages, 0);
	pair_free(&p);
}

static void test_five_verbs_under_random_input(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		pair_init(&p, NULL);
		p.rng = seed;
		p.auto_restart = true;
		pair_start(&p);
		for (int i = 0; i < 200; i++) {
			uint8_t data[256];
			size_t size = 1 + (size_t)(pair_random(&p) * 255);
			enum pair_side side = pair_random(&p) < 0.5 ? PAIR_CLIENT : PAIR_SERVER;
			struct pktbuf *buf;
			struct dtls_event event;
			wlk_bytes bytes;

			for (size_t k = 0; k < size; k++)
				data[k] = (uint8_t)(pair_random(&p) * 256);
			if (i & 1) { /* with a believable header */
				struct bytes_writer w = bytes_writer(spoof_data, sizeof(spoof_data));

				put_record(&w, (uint8_t)(20 + data[3] % 4), data[4] % 3, 0, data, size);
				pair_input(&p, side, spoof_data, w.size);
			} else {
				pair_input(&p, side, data, size);
			}
			if (pair_random(&p) < 0.1)
				(void)pair_step(&p, p.now + SECOND);
			/* drained: nothing more comes without input or time, and the deadline lies ahead */
			for (int k = 0; k < 2; k++) {
				wlk_time before;

				dtls_transport_handle_timeout(p.end[k].t, p.now);
				pair_drain(&p, (enum pair_side)k);
				before = dtls_transport_deadline(p.end[k].t);
				assert_true(before > p.now);
				dtls_transport_handle_timeout(p.end[k].t, p.now);
				assert_false(dtls_transport_poll_transmit(p.end[k].t, p.now, &buf));
				assert_false(dtls_transport_poll_event(p.end[k].t, &event));
				assert_false(dtls_transport_poll_data(p.end[k].t, p.now, &bytes));
				assert_int_equal(dtls_transport_deadline(p.end[k].t), before);
			}
		}
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R13_forged_records_neither_stop_nor_delay_a_handshake),
		cmocka_unit_test(test_R13_nor_do_floods_of_them),
		cmocka_unit_test(test_R13_poisoned_handshakes_connect_by_restart),
		cmocka_unit_test(test_junk_into_a_session_changes_nothing),
		cmocka_unit_test(test_every_flipped_bit_of_a_sealed_record_is_refused),
		cmocka_unit_test(test_R13_plain_alert_counts_after_timeouts),
		cmocka_unit_test(test_R13_data_that_overtakes_finished_is_delivered_right_after_it),
		cmocka_unit_test(test_R14_no_session_without_certificate_verify),
		cmocka_unit_test(test_five_verbs_under_random_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
