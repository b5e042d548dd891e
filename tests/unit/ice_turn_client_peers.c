/* What goes through the TURN client: permissions, channels (RFC 8656 9 to 12), and what is dropped (R11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "ice/turn_client.h"
#include "tests/support/turn_bench.h"

/* ----------------------------------------------------------------------------------------- permissions */

static void test_permissions_go_together_and_are_renewed(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	for (uint8_t i = 0; i < 20; i++) {
		wlk_addr peer = addr_v4(192, 0, 2, i, (uint16_t)(1000 + i));

		turn_client_permit(b.client, b.now, &peer);
		peer.port++;
		turn_client_permit(b.client, b.now, &peer); /* the port does not count */
	}
	turn_bench_flow(&b);
	turn_bench_pass(&b, 239 * SECOND);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->permission_count, 20);
	uint64_t asked = turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION);

	turn_bench_pass(&b, 60 * SECOND);
	assert_int_equal(asked, 2); /* 16 and 4 */
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 4);
	turn_bench_pass(&b, 3600 * SECOND);
	assert_int_equal(b.event_count, 20);
	turn_bench_permit(&b);
	assert_true(turn_bench_send(&b, "hello"));
	turn_bench_free(&b);
}

static void test_forbidden_peer_does_not_take_others_along(void **state)
{
	struct turn_bench b;
	wlk_addr peer, bad = addr_v4(192, 0, 2, 13, 9);
	size_t granted = 0, refused = 0;

	(void)state;
	turn_bench_init(&b);
	b.server.forbidden = bad;
	turn_bench_allocate(&b);
	for (uint8_t i = 10; i < 16; i++) {
		peer = addr_v4(192, 0, 2, i, 9);
		turn_client_permit(b.client, b.now, &peer);
	}
	turn_bench_pass(&b, 20 * SECOND);
	for (size_t i = 0; i < b.event_count; i++) {
		assert_int_equal(b.events[i].type, TURN_EVENT_PERMISSION);
		granted += b.events[i].granted;
		refused += !b.events[i].granted && addr_ip_equal(&b.events[i].peer, &bad);
	}
	assert_int_equal(granted, 5);
	assert_int_equal(refused, 1);
	assert_false(turn_bench_passes(&b, &bad));
	peer = addr_v4(192, 0, 2, 10, 1);
	assert_true(turn_bench_passes(&b, &peer));
	turn_bench_free(&b);
}

static void test_refused_permission_is_asked_for_again_in_a_while(void **state)
{
	const wlk_addr bad = addr_v4(192, 0, 2, 13, 9);
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.forbidden = bad;
	turn_bench_allocate(&b);
	turn_client_permit(b.client, b.now, &bad);
	turn_bench_flow(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 1);
	for (int i = 0; i < 99; i++) { /* wanted again and again: once in 10 s */
		turn_client_permit(b.client, b.now, &bad);
		turn_bench_pass(&b, 100 * MILLISECOND);
	}
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 1);
	turn_bench_pass(&b, SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 2);
	turn_bench_pass(&b, 299 * SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 2);
	turn_bench_pass(&b, 3600 * SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CREATE_PERMISSION), 14); /* every five minutes */
	assert_int_equal(b.event_count, 1); /* refused: told once */
	assert_false(b.events[0].granted);
	b.server.forbidden = (wlk_addr){ 0 };
	turn_bench_pass(&b, 300 * SECOND);
	assert_int_equal(b.event_count, 2);
	assert_true(b.events[1].granted && b.events[1].late);
	assert_true(turn_bench_passes(&b, &bad));
	turn_bench_free(&b);
}

static void test_late_permission_is_told_as_late(void **state)
{
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	b.server.lose = 1;
	turn_client_permit(b.client, b.now, &peer);
	turn_bench_pass(&b, SECOND);
	assert_int_equal(b.event_count, 1);
	assert_true(b.events[0].granted);
	assert_true(b.events[0].late);
	turn_bench_free(&b);
}

static void test_full_table_of_permissions(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	for (unsigned i = 0; i < TURN_PERMISSIONS_MAX + 5; i++) {
		wlk_addr peer = addr_v4(192, 1, (uint8_t)(i >> 8), (uint8_t)i, 9);

		b.event_count = 0;
		b.now++;
		turn_client_permit(b.client, b.now, &peer);
		turn_bench_flow(&b);
		assert_true(turn_bench_passes(&b, &peer));
	}
	wlk_addr first = addr_v4(192, 1, 0, 0, 9), sixth = addr_v4(192, 1, 0, 5, 9);

	assert_false(turn_bench_passes(&b, &first));
	assert_true(turn_bench_passes(&b, &sixth));
	turn_bench_free(&b);
}

/* -------------------------------------------------------------------------------------------- channels */

static void test_send_until_the_channel_is_there(void **state)
{
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	assert_false(turn_bench_send(&b, "hello"));
	turn_bench_permit(&b);
	assert_true(turn_bench_send(&b, "hello"));
	assert_memory_equal(b.to_peer, "hello", 5);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 1);
	turn_client_bind(b.client, b.now, &peer);
	turn_bench_flow(&b);
	assert_true(turn_bench_send(&b, "again!"));
	assert_int_equal(b.to_peer_size, 6);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 1);
	turn_bench_from_peer(&b, "back");
	assert_int_equal(b.data_size, 4);
	assert_memory_equal(b.data, "back", 4);
	assert_true(addr_equal(&b.data_from, &peer));
	turn_bench_free(&b);
}

static void test_channels_are_padded_on_streams_only(void **state)
{
	(void)state;
	for (int reliable = 0; reliable < 2; reliable++) {
		struct pktbuf *buf = pktbuf_copy(NULL, "12345", 5);
		wlk_addr peer = TURN_BENCH_PEER;
		struct turn_bench b;

		turn_bench_init_with(&b, "user", "secret", reliable, 4);
		turn_bench_allocate(&b);
		turn_bench_permit(&b);
		turn_client_bind(b.client, b.now, &peer);
		turn_bench_flow(&b);
		assert_true(turn_client_wrap(b.client, b.now, &peer, &buf));
		assert_int_equal(buf->size, reliable ? 12 : 9);
		assert_memory_equal(buf->data,
				    "\x40\x00\x00\x05"
				    "12345",
				    9);
		pktbuf_release(buf);
		turn_bench_free(&b);
	}
}

/* A slice of what the kernel glued together has no room in front. */
static void test_wrap_copies_where_there_is_no_room(void **state)
{
	struct pktbuf *slab = pktbuf_copy(NULL, "xhellox", 7), *buf = pktbuf_slice(slab, 1, 5);
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	assert_true(turn_client_wrap(b.client, b.now, &peer, &buf));
	assert_int_equal(buf->size, 20 + 12 + 4 + 8);
	assert_memory_equal(buf->data + 36, "hello\0\0\0", 8);
	assert_memory_equal(slab->data, "xhellox", 7);
	pktbuf_release(buf);
	pktbuf_release(slab);
	turn_bench_free(&b);
}

static void test_channel_is_renewed_while_it_is_used(void **state)
{
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	turn_bench_flow(&b);
	for (int i = 0; i < 60; i++) {
		turn_bench_pass(&b, 60 * SECOND);
		assert_true(turn_bench_send(&b, "hello"));
		assert_int_equal(b.to_peer_size, 5);
	}
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 0);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->channel_count, 1);
	/* Unused it ends, and is bound again with the same number. */
	turn_bench_pass(&b, 1800 * SECOND);
	uint64_t binds = turn_bench_count(&b, STUN_METHOD_CHANNEL_BIND);

	turn_bench_pass(&b, 1800 * SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CHANNEL_BIND), binds);
	turn_client_bind(b.client, b.now, &peer);
	turn_bench_flow(&b);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CHANNEL_BIND), binds + 1);
	assert_true(turn_bench_send(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	turn_bench_free(&b);
}

/* RFC 8656 12: neither the number nor the peer may change for 5 minutes after the binding; the test server says 400. */
static void test_channel_numbers_rest(void **state)
{
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	for (uint16_t i = 0; i < TURN_CHANNELS_MAX + 4; i++) {
		wlk_addr peer = addr_v4(192, 0, 2, 7, (uint16_t)(1000 + i));

		turn_client_permit(b.client, b.now, &peer);
		turn_client_bind(b.client, b.now, &peer);
		turn_bench_flow(&b);
		b.event_count = 0;
	}
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->channel_count, TURN_CHANNELS_MAX);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CHANNEL_BIND), TURN_CHANNELS_MAX);
	turn_bench_free(&b);
}

static void test_refused_channel_leaves_send(void **state)
{
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	b.server.bind_error = 403;
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	turn_bench_pass(&b, 60 * SECOND);
	assert_int_equal(turn_bench_count(&b, STUN_METHOD_CHANNEL_BIND), 1);
	assert_true(turn_bench_send(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	turn_bench_free(&b);
}

/* ------------------------------------------------------------------------------------------------- R11 */

static size_t data_indication(uint8_t buf[100], const wlk_addr *peer)
{
	static const uint8_t id[STUN_TXID_SIZE] = "indication..";
	struct stun_writer w;
	size_t size;

	stun_writer_init(&w, buf, 100, STUN_INDICATION, STUN_METHOD_DATA, id);
	if (peer)
		stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put_bytes(&w, STUN_ATTR_DATA, "data", 4);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	return size;
}

static void test_R11_data_from_peers_without_permission_is_dropped(void **state)
{
	wlk_addr peer = TURN_BENCH_PEER, other = addr_v4(192, 0, 2, 8, 7000);
	struct turn_client_stats stats;
	uint8_t buf[100];
	struct turn_bench b;
	size_t size;

	(void)state;
	turn_bench_init(&b);
	size = data_indication(buf, &peer);
	turn_bench_take(&b, buf, size); /* not allocated yet */
	turn_bench_allocate(&b);
	turn_bench_take(&b, buf, size);
	assert_int_equal(b.data_count, 0);
	turn_bench_permit(&b);
	turn_bench_take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	size = data_indication(buf, &other);
	turn_bench_take(&b, buf, size);
	size = data_indication(buf, NULL);
	turn_bench_take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.unpermitted, 3);
	assert_int_equal(stats.malformed, 1);
	turn_client_close(b.client);
	size = data_indication(buf, &peer);
	turn_bench_take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	turn_bench_free(&b);
}

static void test_R11_truncated_channel_data_is_dropped(void **state)
{
	static const uint8_t cases[][8] = {
		{ 0x40 }, { 0x40, 0x00 }, { 0x40, 0x00, 0x00 }, { 0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4 }
	};
	static const size_t sizes[] = { 1, 2, 3, 8 };
	struct turn_client_stats stats;
	wlk_addr peer = TURN_BENCH_PEER;
	struct turn_bench b;

	(void)state;
	turn_bench_init(&b);
	turn_bench_allocate(&b);
	turn_bench_permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	turn_bench_flow(&b);
	for (size_t i = 0; i < 4; i++)
		turn_bench_take(&b, cases[i], sizes[i]);
	assert_int_equal(b.data_count, 0);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.malformed, 4);
	turn_bench_take(&b,
	     (const uint8_t *)"\x40\x00\x00\x02"
			      "ab",
	     6);
	turn_bench_take(&b,
	     (const uint8_t *)"\x40\x00\x00\x02"
			      "abxx",
	     8); /* padded */
	turn_bench_take(&b, (const uint8_t *)"\x40\x00\x00\x00", 4);
	assert_int_equal(b.data_count, 3);
	turn_bench_take(&b,
	     (const uint8_t *)"\x40\x01\x00\x02"
			      "ab",
	     6); /* never bound */
	assert_int_equal(b.data_count, 3);
	turn_bench_free(&b);
}

static void test_R5_answers_to_nothing_are_dropped(void **state)
{
	uint8_t id[STUN_TXID_SIZE] = "not asked...", buf[100];
	struct turn_client_stats stats;
	struct stun_writer w;
	struct turn_bench b;
	size_t size;

	(void)state;
	turn_bench_init(&b);
	b.server.dead = true;
	turn_bench_start(&b);
	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, STUN_METHOD_ALLOCATE, id);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_RELAYED_ADDRESS, &b.from);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	turn_bench_take(&b, buf, size);
	turn_bench_take(&b, buf, size - 1);
	buf[0] = 0; /* a request */
	turn_bench_take(&b, buf, size);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.unknown_transaction, 1);
	assert_int_equal(stats.malformed, 2);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	turn_bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permissions_go_together_and_are_renewed),
		cmocka_unit_test(test_forbidden_peer_does_not_take_others_along),
		cmocka_unit_test(test_refused_permission_is_asked_for_again_in_a_while),
		cmocka_unit_test(test_late_permission_is_told_as_late),
		cmocka_unit_test(test_full_table_of_permissions),
		cmocka_unit_test(test_send_until_the_channel_is_there),
		cmocka_unit_test(test_channels_are_padded_on_streams_only),
		cmocka_unit_test(test_wrap_copies_where_there_is_no_room),
		cmocka_unit_test(test_channel_is_renewed_while_it_is_used),
		cmocka_unit_test(test_channel_numbers_rest),
		cmocka_unit_test(test_refused_channel_leaves_send),
		cmocka_unit_test(test_R11_data_from_peers_without_permission_is_dropped),
		cmocka_unit_test(test_R11_truncated_channel_data_is_dropped),
		cmocka_unit_test(test_R5_answers_to_nothing_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
