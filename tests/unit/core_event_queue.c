#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/event_queue.h"

struct fact {
	uint32_t number;
	uint8_t more[3];
};

static void push(struct event_queue *q, uint32_t number)
{
	struct fact fact = { .number = number, .more = { 1, 2, 3 } };

	assert_int_equal(event_queue_push(q, &fact), WLK_OK);
}

static void pop(struct event_queue *q, uint32_t number)
{
	struct fact fact = { 0 };

	assert_true(event_queue_pop(q, &fact));
	assert_int_equal(fact.number, number);
	assert_int_equal(fact.more[2], 3);
}

static void test_empty(void **state)
{
	struct event_queue q;
	struct fact fact;

	(void)state;
	assert_int_equal(event_queue_init(&q, sizeof(struct fact), 0), WLK_OK);
	assert_int_equal(event_queue_count(&q), 0);
	assert_false(event_queue_pop(&q, &fact));
	assert_int_equal(alloc_live_blocks(), 0); /* nothing reserved, nothing taken */
	event_queue_free(&q);
}

static void test_order_over_wrap_and_growth(void **state)
{
	struct event_queue q;
	uint32_t in = 0, out = 0;

	(void)state;
	assert_int_equal(event_queue_init(&q, sizeof(struct fact), 3), WLK_OK);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 5; i++)
			push(&q, in++);
		for (int i = 0; i < 4; i++)
			pop(&q, out++);
	}
	assert_int_equal(event_queue_count(&q), 50);
	while (out < in)
		pop(&q, out++);
	assert_int_equal(event_queue_count(&q), 0);
	event_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_reserved_slots_need_no_memory(void **state)
{
	struct event_queue q;
	struct fact fact = { 0 };

	(void)state;
	assert_int_equal(event_queue_init(&q, sizeof(fact), 4), WLK_OK);
	alloc_fail_after(1);
	for (uint32_t i = 0; i < 4; i++)
		push(&q, i);
	assert_false(alloc_did_fail());
	assert_int_equal(event_queue_push(&q, &fact), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(event_queue_count(&q), 4);
	for (uint32_t i = 0; i < 4; i++)
		pop(&q, i);
	event_queue_free(&q);
	alloc_fail_after(1);
	assert_int_equal(event_queue_init(&q, sizeof(fact), 4), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	event_queue_free(&q);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order_over_wrap_and_growth),
		cmocka_unit_test(test_reserved_slots_need_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
