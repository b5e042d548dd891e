/* dtls/early_queue: what is held before a pair is valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "dtls/early_queue.h"
#include "dtls_records.h"

static void test_R12_at_most_four_client_hellos_are_held_in_order(void **state)
{
	struct dtls_early_queue q;
	uint8_t hello[200];
	struct pktbuf *buf;

	(void)state;
	dtls_early_queue_init(&q, NULL, DTLS_EARLY_HELLO_LIMIT);
	assert_null(dtls_early_queue_pop(&q));
	for (int i = 0; i < 6; i++) {
		struct bytes_writer w = bytes_writer(hello, sizeof(hello));

		put_client_hello(&w, 0, (uint8_t)i, 0xc02b);
		assert_int_equal(dtls_early_queue_push_hello(&q, hello, w.size), i < 4);
	}
	assert_int_equal(q.drops, 2);
	for (int i = 0; i < 4; i++) {
		buf = dtls_early_queue_pop(&q);
		assert_non_null(buf);
		assert_int_equal(buf->data[13 + 12 + 2], i); /* the random */
		pktbuf_release(buf);
	}
	assert_null(dtls_early_queue_pop(&q));
	/* replayed once: empty, and usable again */
	assert_true(dtls_early_queue_push_hello(&q, hello, sizeof(hello) / 2));
	dtls_early_queue_clear(&q);
	assert_int_equal(q.count, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_R12_only_client_hello_datagrams_of_bounded_size(void **state)
{
	static uint8_t data[PKTBUF_PAYLOAD + 1];
	struct dtls_early_queue q;
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	(void)state;
	dtls_early_queue_init(&q, NULL, 4);
	put_client_hello(&w, 0, 1, 0xc02b);
	size_t size = w.size;
	for (size_t cut = 0; cut < size; cut++)
		assert_false(dtls_early_queue_push_hello(&q, data, cut)); /* the record is cut off */
	assert_true(dtls_early_queue_push_hello(&q, data, PKTBUF_PAYLOAD));
	assert_false(dtls_early_queue_push_hello(&q, data, PKTBUF_PAYLOAD + 1));
	data[0] = 21;
	assert_false(dtls_early_queue_push_hello(&q, data, size));
	data[0] = 22;
	data[4] = 1; /* epoch */
	assert_false(dtls_early_queue_push_hello(&q, data, size));
	data[4] = 0;
	data[13] = 2; /* ServerHello */
	assert_false(dtls_early_queue_push_hello(&q, data, size));
	assert_int_equal(q.count, 1);
	dtls_early_queue_clear(&q);
	assert_false(dtls_early_queue_push(&q, data, 0));
}

static void test_failing_allocation_is_a_drop(void **state)
{
	struct dtls_early_queue q;

	(void)state;
	dtls_early_queue_init(&q, NULL, 4);
	alloc_fail_after(1);
	assert_false(dtls_early_queue_push(&q, (const uint8_t *)"x", 1));
	alloc_fail_after(0);
	assert_int_equal(q.drops, 1);
	assert_int_equal(q.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R12_at_most_four_client_hellos_are_held_in_order),
		cmocka_unit_test(test_R12_only_client_hello_datagrams_of_bounded_size),
		cmocka_unit_test(test_failing_allocation_is_a_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
