/* ClientHellos recorded from browsers: every order of their datagrams, duplicated, and with one lost and sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dtls_pair.h"
#include "dtls_records.h"

static const struct browser {
	const char *name;
	size_t count;
} browsers[] = { { "chromium", 2 }, { "firefox", 2 }, { "libwebrtc", 1 } };

struct hello {
	uint8_t data[2][2048];
	size_t size[2];
	size_t count;
};

static struct dtls_pair p;

static void load(struct hello *h, const struct browser *b)
{
	h->count = b->count;
	for (size_t i = 0; i < b->count; i++) {
		char path[512];
		FILE *file;

		snprintf(path, sizeof(path), "%s/dtls/%s-clienthello-%zu.bin", WLK_VECTORS, b->name, i + 1);
		file = fopen(path, "rb");
		assert_non_null(file);
		h->size[i] = fread(h->data[i], 1, sizeof(h->data[i]), file);
		assert_true(h->size[i] > 100);
		fclose(file);
	}
}

static void open_server(void)
{
	pair_init(&p, NULL);
	assert_int_equal(dtls_transport_start(p.end[PAIR_SERVER].t, p.now, DTLS_ROLE_SERVER), WLK_OK);
	pair_drain(&p, PAIR_SERVER);
}

/* The messages that the server has put on the link: one bit for each handshake type. */
static uint32_t server_answered(void)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < p.flight_count; i++) {
		const uint8_t *at = p.flight[i].data;
		size_t left = p.flight[i].size;
		struct dtls_record record;

		while (dtls_record_next(&at, &left, &record)) {
			if (record.type == DTLS_RECORD_HANDSHAKE && record.size >= 12)
				seen |= 1u << record.body[0];
			else
				seen |= 1u << 31; /* an alert, say */
		}
	}
	return seen;
}

#define SERVER_FLIGHT                                                                                                  \
	(1u << DTLS_MESSAGE_SERVER_HELLO | 1u << DTLS_MESSAGE_CERTIFICATE | 1u << DTLS_MESSAGE_SERVER_KEY_EXCHANGE |   \
	 1u << DTLS_MESSAGE_CERTIFICATE_REQUEST | 1u << DTLS_MESSAGE_SERVER_HELLO_DONE)

/* Order of delivery by index; -1 ends. The answer must come exactly with the datagram that completes the message. */
static void play(const struct hello *h, const int *order)
{
	unsigned int have = 0;
	unsigned int all = (1u << h->count) - 1;

	open_server();
	for (; *order >= 0; order++) {
		pair_input(&p, PAIR_SERVER, h->data[*order], h->size[*order]);
		have |= 1u << *order;
		assert_int_equal(server_answered(), have == all ? SERVER_FLIGHT : 0);
	}
	assert_int_equal(have, all);
	assert_int_equal(dtls_transport_state(p.end[PAIR_SERVER].t), DTLS_STATE_CONNECTING);
	assert_int_equal(dtls_transport_stats(p.end[PAIR_SERVER].t)->records_dropped, 0);
	pair_free(&p);
}

static void test_recorded_hellos_in_every_order_and_duplicated(void **state)
{
	static const int one[][5] = { { 0, -1 }, { 0, 0, -1 } };
	static const int two[][5] = {
		{ 0, 1, -1 },       { 1, 0, -1 },       { 0, 0, 1, -1 },    { 0, 1, 1, -1 },    { 1, 1, 0, -1 },
		{ 1, 0, 0, -1 },    { 0, 1, 0, -1 },    { 1, 0, 1, -1 },    { 0, 0, 1, 1, -1 }, { 1, 1, 0, 0, -1 },
		{ 0, 1, 0, 1, -1 }, { 1, 0, 1, 0, -1 }, { 0, 1, 1, 0, -1 }, { 1, 0, 0, 1, -1 },
	};
	struct hello h;

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(browsers); b++) {
		load(&h, &browsers[b]);
		if (h.count == 1) {
			for (size_t i = 0; i < ARRAY_SIZE(one); i++)
				play(&h, one[i]);
		} else {
			for (size_t i = 0; i < ARRAY_SIZE(two); i++)
				play(&h, two[i]);
		}
	}
}

static void test_a_lost_fragment_comes_with_the_retransmission(void **state)
{
	struct hello h;

	(void)state;
	for (size_t b = 0; b < 2; b++) {
		for (size_t lost = 0; lost < 2; lost++) {
			load(&h, &browsers[b]);
			open_server();
			pair_input(&p, PAIR_SERVER, h.data[!lost], h.size[!lost]);
			assert_int_equal(server_answered(), 0);
			/* a server that has not answered has no timer but the limit of the handshake */
			assert_int_equal(dtls_transport_deadline(p.end[PAIR_SERVER].t), p.now + 30 * SECOND);
			p.now += SECOND;
			/* the whole flight again, with new record numbers as the browsers do */
			for (size_t i = 0; i < 2; i++) {
				h.data[i][10] = (uint8_t)(2 + i);
				pair_input(&p, PAIR_SERVER, h.data[i], h.size[i]);
			}
			assert_int_equal(server_answered(), SERVER_FLIGHT);
			pair_free(&p);
		}
	}
}

/* Fragments much smaller than any browser sends: byte by byte from the end, each twice. */
static void test_a_hello_in_single_bytes_backwards(void **state)
{
	struct hello h;
	uint8_t datagram[64];
	uint8_t message[2048];
	size_t size;

	(void)state;
	load(&h, &browsers[2]);
	size = h.size[0] - 13 - 12;
	memcpy(message, h.data[0] + 25, size);
	open_server();
	for (size_t i = size; i-- > 0;) {
		struct bytes_writer w = bytes_writer(datagram, sizeof(datagram));

		put_fragment(&w, 0, DTLS_MESSAGE_CLIENT_HELLO, (uint32_t)size, 0, (uint32_t)i, 1, message[i]);
		assert_int_equal(server_answered(), 0);
		pair_input(&p, PAIR_SERVER, datagram, w.size);
		pair_input(&p, PAIR_SERVER, datagram, w.size);
	}
	assert_int_equal(server_answered(), SERVER_FLIGHT);
	pair_free(&p);
}

static void test_R12_held_hellos_are_replayed_once(void **state)
{
	struct hello h;
	struct dtls_early_queue q;
	struct pktbuf *buf;

	(void)state;
	load(&h, &browsers[0]);
	pair_init(&p, NULL);
	dtls_early_queue_init(&q, NULL, DTLS_EARLY_HELLO_LIMIT);
	assert_true(dtls_early_queue_push_hello(&q, h.data[0], h.size[0]));
	assert_true(dtls_early_queue_push_hello(&q, h.data[1], h.size[1]));
	assert_int_equal(dtls_transport_start(p.end[PAIR_SERVER].t, p.now, DTLS_ROLE_SERVER), WLK_OK);
	while ((buf = dtls_early_queue_pop(&q))) {
		dtls_transport_input(p.end[PAIR_SERVER].t, p.now, buf->data, buf->size);
		pktbuf_release(buf);
	}
	pair_drain(&p, PAIR_SERVER);
	assert_int_equal(server_answered(), SERVER_FLIGHT);
	pair_free(&p);
}

static void test_firefox_after_chromium_begins_a_fresh_handshake(void **state)
{
	struct hello a, b;

	(void)state;
	load(&a, &browsers[0]);
	load(&b, &browsers[1]);
	open_server();
	for (size_t i = 0; i < 2; i++)
		pair_input(&p, PAIR_SERVER, a.data[i], a.size[i]);
	assert_int_equal(server_answered(), SERVER_FLIGHT);
	while (p.flight_count)
		free(p.flight[--p.flight_count].data);
	/* at once it is refused, a quarter of a second later it is a peer that lost its state */
	for (size_t i = 0; i < 2; i++)
		pair_input(&p, PAIR_SERVER, b.data[i], b.size[i]);
	assert_int_equal(server_answered(), 0);
	p.now += 300 * MILLISECOND;
	for (size_t i = 0; i < 2; i++)
		pair_input(&p, PAIR_SERVER, b.data[i], b.size[i]);
	assert_int_equal(server_answered(), SERVER_FLIGHT);
	assert_int_equal(dtls_transport_stats(p.end[PAIR_SERVER].t)->restarts, 1);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_hellos_in_every_order_and_duplicated),
		cmocka_unit_test(test_a_lost_fragment_comes_with_the_retransmission),
		cmocka_unit_test(test_a_hello_in_single_bytes_backwards),
		cmocka_unit_test(test_R12_held_hellos_are_replayed_once),
		cmocka_unit_test(test_firefox_after_chromium_begins_a_fresh_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
