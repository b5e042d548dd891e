/* tcp_framing: RFC 4571 and RFC 8656 12.5, cut anywhere, bounded, one buffer at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "ice/tcp_framing.h"

enum { MESSAGES_MAX = 16 };

struct cut {
	size_t count;
	struct pktbuf *messages[MESSAGES_MAX];
	enum tcp_framing_result last;
};

static void feed(struct tcp_framing *f, struct cut *cut, const uint8_t *data, size_t size)
{
	wlk_bytes left = { data, size };

	for (;;) {
		assert_true(cut->count < MESSAGES_MAX);
		cut->last = tcp_framing_next(f, &left, &cut->messages[cut->count]);
		if (cut->last != TCP_FRAMING_MESSAGE)
			break;
		cut->count++;
	}
	assert_true(cut->last == TCP_FRAMING_BROKEN || !left.size);
}

static void release(struct cut *cut)
{
	for (size_t i = 0; i < cut->count; i++)
		pktbuf_release(cut->messages[i]);
	*cut = (struct cut){ 0 };
}

static void assert_message(const struct cut *cut, size_t index, const void *data, size_t size)
{
	assert_true(index < cut->count);
	assert_int_equal(cut->messages[index]->size, size);
	assert_memory_equal(cut->messages[index]->data, data, size);
}

/* All messages of |data|, whatever the size of the pieces that it comes in. */
static void feed_split(enum tcp_framing_kind kind, struct cut *cut, const uint8_t *data, size_t size, size_t piece)
{
	struct tcp_framing f;

	tcp_framing_init(&f, kind, NULL);
	for (size_t at = 0; at < size; at += piece)
		feed(&f, cut, data + at, MIN(piece, size - at));
	tcp_framing_free(&f);
}

/* RFC 4571 2: a 16-bit length that does not count itself. */
static void test_rfc4571_messages_in_pieces_of_any_size(void **state)
{
	static const uint8_t stream[] = { 0, 3, 'o', 'n', 'e', 0, 0, 0, 1, 'x', 0, 4, 't', 'w', 'o', '!', 0, 9, 'r' };

	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		struct cut cut = { 0 };

		feed_split(TCP_FRAMING_RFC4571, &cut, stream, sizeof(stream), piece);
		assert_int_equal(cut.last, TCP_FRAMING_MORE);
		assert_int_equal(cut.count, 3); /* the empty one is skipped, the last one is not complete */
		assert_message(&cut, 0, "one", 3);
		assert_message(&cut, 1, "x", 1);
		assert_message(&cut, 2, "two!", 4);
		release(&cut);
	}
}

static void test_rfc4571_longest_message(void **state)
{
	static uint8_t stream[2 + PKTBUF_PAYLOAD + 1];
	struct cut cut = { 0 };

	(void)state;
	memset(stream, 'a', sizeof(stream));
	store_u16(stream, PKTBUF_PAYLOAD);
	feed_split(TCP_FRAMING_RFC4571, &cut, stream, 2 + PKTBUF_PAYLOAD, 100);
	assert_int_equal(cut.count, 1);
	assert_message(&cut, 0, stream + 2, PKTBUF_PAYLOAD);
	release(&cut);
	store_u16(stream, PKTBUF_PAYLOAD + 1);
	feed_split(TCP_FRAMING_RFC4571, &cut, stream, sizeof(stream), 100);
	assert_int_equal(cut.count, 0);
	assert_int_equal(cut.last, TCP_FRAMING_BROKEN);
}

static void test_a_broken_stream_stays_broken(void **state)
{
	static const uint8_t stream[] = { 0, 1, 'a', 0xff, 0xff, 0, 1, 'b' };
	struct cut cut = { 0 };
	struct tcp_framing f;

	(void)state;
	tcp_framing_init(&f, TCP_FRAMING_RFC4571, NULL);
	feed(&f, &cut, stream, 5); /* the length that breaks it ends the piece */
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.last, TCP_FRAMING_BROKEN);
	feed(&f, &cut, stream + 5, 3);
	feed(&f, &cut, NULL, 0);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.last, TCP_FRAMING_BROKEN);
	tcp_framing_free(&f);
	release(&cut);
}

/* RFC 8656 12.5: over TCP ChannelData is padded to a multiple of four, and its length does not count that. */
static void test_turn_messages_in_pieces_of_any_size(void **state)
{
	static const uint8_t stream[] = {
		/* a Binding success response with one attribute of four bytes */
		0x01, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x80, 0x22, 0, 4,
		'w', 'l', 'k', '!',
		/* ChannelData of one, four, no and three bytes */
		0x40, 0x00, 0x00, 0x01, 'a', 0, 0, 0, 0x4f, 0xff, 0x00, 0x04, 'b', 'c', 'd', 'e', 0x40, 0x01, 0x00, 0x00,
		0x40, 0x01, 0x00, 0x03, 'f', 'g', 'h', 0xee,
		/* a STUN message without attributes */
		0x00, 0x11, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1
	};

	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		struct cut cut = { 0 };

		feed_split(TCP_FRAMING_TURN, &cut, stream, sizeof(stream), piece);
		assert_int_equal(cut.last, TCP_FRAMING_MORE);
		assert_int_equal(cut.count, 5);
		assert_message(&cut, 0, stream, 28);
		assert_message(&cut, 1, stream + 28, 5);
		assert_message(&cut, 2, stream + 36, 8);
		assert_message(&cut, 3, stream + 48, 7);
		assert_message(&cut, 4, stream + 56, 20);
		release(&cut);
	}
}

static void test_turn_refuses_what_is_neither_stun_nor_channel_data(void **state)
{
	static const uint8_t headers[][4] = {
		{ 0x80, 0, 0, 4 },    /* RTP */
		{ 0x16, 0xfe, 0, 5 }, /* a length that is no multiple of four: RFC 8489 5 */
		{ 0x00, 0x01, 0, 3 },
		{ 0x50, 0x00, 0, 4 }, /* channel 0x5000 is reserved (RFC 8656 12) */
		{ 0x7f, 0xff, 0, 4 },
		{ 0xc0, 0x00, 0, 4 },
		{ 0x40, 0x00, 0x07, 0xfd }, /* 4 + 2045 > 2048 */
		{ 0x00, 0x01, 0x07, 0xf0 }, /* 20 + 2032 > 2048 */
		{ 0x00, 0x01, 0xff, 0xfc },
		{ 0x40, 0x00, 0xff, 0xff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct cut cut = { 0 };

		feed_split(TCP_FRAMING_TURN, &cut, headers[i], 4, 4);
		assert_int_equal(cut.last, TCP_FRAMING_BROKEN);
		assert_int_equal(cut.count, 0);
	}
}

static void test_R11_channel_data_up_to_the_largest_datagram(void **state)
{
	static uint8_t stream[PKTBUF_PAYLOAD] = { 0x40, 0x00, 0x07, 0xfc };
	struct cut cut = { 0 };

	(void)state;
	feed_split(TCP_FRAMING_TURN, &cut, stream, sizeof(stream), 7);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.messages[0]->size, PKTBUF_PAYLOAD);
	release(&cut);
}

static void test_without_memory_a_message_is_lost_and_the_next_one_is_not(void **state)
{
	static const uint8_t stream[] = { 0x40, 0, 0, 1, 'a', 0, 0, 0, 0x40, 0, 0, 1, 'b', 0, 0, 0 };
	struct cut cut = { 0 };
	struct tcp_framing f;

	(void)state;
	tcp_framing_init(&f, TCP_FRAMING_TURN, NULL);
	feed(&f, &cut, stream, 3);
	alloc_fail_after(1);
	feed(&f, &cut, stream + 3, 3);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_int_equal(f.lost, 1);
	feed(&f, &cut, stream + 6, sizeof(stream) - 6);
	assert_int_equal(cut.count, 1);
	assert_message(&cut, 0, stream + 8, 5);
	tcp_framing_free(&f);
	release(&cut);
}

static void test_one_buffer_at_most_and_none_between_messages(void **state)
{
	static const uint8_t stream[] = { 0, 2, 'a', 'b', 0 };
	size_t before = alloc_live_blocks();
	struct cut cut = { 0 };
	struct tcp_framing f;

	(void)state;
	tcp_framing_init(&f, TCP_FRAMING_RFC4571, NULL);
	feed(&f, &cut, stream, 1);
	assert_int_equal(alloc_live_blocks(), before); /* a length alone needs none */
	feed(&f, &cut, stream + 1, 2);
	assert_int_equal(alloc_live_blocks(), before + 1);
	feed(&f, &cut, stream + 3, 2);
	assert_int_equal(cut.count, 1);
	release(&cut);
	assert_int_equal(alloc_live_blocks(), before);
	feed(&f, &cut, (const uint8_t[]){ 2, 'a' }, 2); /* one byte is missing */
	tcp_framing_free(&f);
	assert_int_equal(alloc_live_blocks(), before);
}

static void test_writing_a_length(void **state)
{
	struct pktbuf *buf = pktbuf_copy(NULL, "datagram", 8);
	struct cut cut = { 0 };
	struct pktbuf *slice;

	(void)state;
	assert_true(tcp_framing_put_length(buf));
	assert_int_equal(buf->size, 10);
	assert_memory_equal(buf->data, "\0\10datagram", 10);
	feed_split(TCP_FRAMING_RFC4571, &cut, buf->data, buf->size, 3);
	assert_message(&cut, 0, "datagram", 8);
	release(&cut);
	slice = pktbuf_slice(buf, 0, 4); /* a view has no room before it */
	assert_false(tcp_framing_put_length(slice));
	assert_int_equal(slice->size, 4);
	pktbuf_release(slice);
	pktbuf_release(buf);
	buf = pktbuf_alloc(NULL, UINT16_MAX + 1);
	buf->size = UINT16_MAX + 1;
	assert_false(tcp_framing_put_length(buf));
	buf->size--;
	memset(buf->data, 0, buf->size);
	assert_true(tcp_framing_put_length(buf));
	assert_memory_equal(buf->data, "\xff\xff", 2);
	pktbuf_release(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4571_messages_in_pieces_of_any_size),
		cmocka_unit_test(test_rfc4571_longest_message),
		cmocka_unit_test(test_a_broken_stream_stays_broken),
		cmocka_unit_test(test_turn_messages_in_pieces_of_any_size),
		cmocka_unit_test(test_turn_refuses_what_is_neither_stun_nor_channel_data),
		cmocka_unit_test(test_R11_channel_data_up_to_the_largest_datagram),
		cmocka_unit_test(test_without_memory_a_message_is_lost_and_the_next_one_is_not),
		cmocka_unit_test(test_one_buffer_at_most_and_none_between_messages),
		cmocka_unit_test(test_writing_a_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
