#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/dgram_queue.h"

static struct dgram numbered(uint16_t number)
{
	return (struct dgram){ .local = addr_v4(10, 0, 0, 1, number),
			       .remote = addr_v4(10, 0, 0, 2, number),
			       .buf = pktbuf_copy(NULL, &number, sizeof(number)) };
}

static void pop(struct dgram_queue *q, uint16_t number)
{
	struct dgram d;

	assert_true(dgram_queue_pop(q, &d));
	assert_int_equal(d.local.port, number);
	assert_int_equal(d.remote.port, number);
	assert_memory_equal(d.buf->data, &number, sizeof(number));
	pktbuf_release(d.buf);
}

static void test_order_over_wrap_and_growth(void **state)
{
	struct dgram_queue q;
	uint16_t in = 0, out = 0;

	(void)state;
	dgram_queue_init(&q, 100);
	assert_true(dgram_queue_empty(&q));
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 5; i++)
			assert_true(dgram_queue_push(&q, numbered(in++)));
		for (int i = 0; i < 3; i++)
			pop(&q, out++);
	}
	while (out < in)
		pop(&q, out++);
	assert_true(dgram_queue_empty(&q));
	assert_false(dgram_queue_pop(&q, &(struct dgram){ 0 }));
	dgram_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_limit_drops_the_newest(void **state)
{
	struct dgram_queue q;

	(void)state;
	dgram_queue_init(&q, 3);
	for (uint16_t i = 0; i < 3; i++)
		assert_true(dgram_queue_push(&q, numbered(i)));
	assert_false(dgram_queue_push(&q, numbered(3)));
	assert_int_equal(q.drops, 1);
	pop(&q, 0);
	assert_true(dgram_queue_push(&q, numbered(4)));
	pop(&q, 1);
	pop(&q, 2);
	pop(&q, 4);
	dgram_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_no_room_at_all(void **state)
{
	struct dgram_queue q;

	(void)state;
	dgram_queue_init(&q, 0);
	assert_false(dgram_queue_push(&q, numbered(1)));
	assert_int_equal(q.drops, 1);
	dgram_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_free_releases_what_is_inside(void **state)
{
	struct dgram_queue q;

	(void)state;
	dgram_queue_init(&q, 9);
	for (uint16_t i = 0; i < 9; i++)
		assert_true(dgram_queue_push(&q, numbered(i)));
	dgram_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
	assert_true(dgram_queue_push(&q, numbered(1))); /* usable again */
	dgram_queue_free(&q);
}

static void test_out_of_memory_drops_and_keeps_the_rest(void **state)
{
	struct dgram_queue q;
	struct dgram d;

	(void)state;
	dgram_queue_init(&q, 100);
	d = numbered(0);
	alloc_fail_after(1);
	assert_false(dgram_queue_push(&q, d));
	alloc_fail_after(0);
	for (uint16_t i = 0; i < 8; i++)
		assert_true(dgram_queue_push(&q, numbered(i)));
	d = numbered(8);
	alloc_fail_after(1);
	assert_false(dgram_queue_push(&q, d));
	alloc_fail_after(0);
	assert_int_equal(q.drops, 2);
	for (uint16_t i = 0; i < 8; i++)
		pop(&q, i);
	dgram_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_over_wrap_and_growth),
		cmocka_unit_test(test_limit_drops_the_newest),
		cmocka_unit_test(test_no_room_at_all),
		cmocka_unit_test(test_free_releases_what_is_inside),
		cmocka_unit_test(test_out_of_memory_drops_and_keeps_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
