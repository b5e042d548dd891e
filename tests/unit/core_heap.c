#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/heap.h"
#include "core/rand.h"

enum { COUNT = 200 };

static void check_order(const struct heap *h)
{
	for (size_t i = 0; i < h->count; i++) {
		assert_int_equal(h->nodes[i]->index, i + 1);
		if (i)
			assert_true(h->nodes[(i - 1) / 2]->key <= h->nodes[i]->key);
	}
}

static void test_empty(void **state)
{
	struct heap h;
	struct heap_node node = { 0 };

	(void)state;
	heap_init(&h);
	assert_null(heap_first(&h));
	heap_remove(&h, &node); /* not in it: nothing happens */
	heap_set(&h, &node, WLK_TIME_NEVER);
	assert_null(heap_first(&h));
	heap_free(&h);
}

static void test_one(void **state)
{
	struct heap h;
	struct heap_node node = { 0 };

	(void)state;
	heap_init(&h);
	assert_int_equal(heap_reserve(&h, 1), WLK_OK);
	heap_set(&h, &node, 5);
	assert_ptr_equal(heap_first(&h), &node);
	heap_set(&h, &node, -7);
	assert_int_equal(h.count, 1);
	assert_true(heap_first(&h)->key == -7);
	heap_set(&h, &node, WLK_TIME_NEVER);
	assert_null(heap_first(&h));
	assert_int_equal(node.index, 0);
	heap_free(&h);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_sorts(void **state)
{
	static struct heap_node nodes[COUNT];
	struct rand_jitter rand = { .state = 1 };
	wlk_time last = -1;
	struct heap h;
	size_t popped = 0;

	(void)state;
	memset(nodes, 0, sizeof(nodes));
	heap_init(&h);
	assert_int_equal(heap_reserve(&h, COUNT), WLK_OK);
	for (size_t i = 0; i < COUNT; i++) {
		heap_set(&h, &nodes[i], rand_jitter_below(&rand, 50)); /* with many equal keys */
		check_order(&h);
	}
	while (heap_first(&h)) {
		struct heap_node *node = heap_first(&h);

		assert_true(node->key >= last);
		last = node->key;
		heap_remove(&h, node);
		popped++;
	}
	assert_int_equal(popped, COUNT);
	heap_free(&h);
}

static void test_random_moves_and_removals(void **state)
{
	static struct heap_node nodes[COUNT];
	struct rand_jitter rand = { .state = 2 };
	struct heap h;

	(void)state;
	memset(nodes, 0, sizeof(nodes));
	heap_init(&h);
	assert_int_equal(heap_reserve(&h, COUNT), WLK_OK);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &nodes[rand_jitter_below(&rand, COUNT)];

		if (rand_jitter_below(&rand, 3))
			heap_set(&h, node, rand_jitter_below(&rand, 1000));
		else
			heap_remove(&h, node);
		check_order(&h);
	}
	assert_true(h.count > 0);
	heap_free(&h);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(nodes[i].index, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_out_of_memory(void **state)
{
	struct heap h;

	(void)state;
	heap_init(&h);
	alloc_fail_after(1);
	assert_int_equal(heap_reserve(&h, 1), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(heap_reserve(&h, 1), WLK_OK);
	heap_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),         cmocka_unit_test(test_one),
		cmocka_unit_test(test_sorts),         cmocka_unit_test(test_random_moves_and_removals),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
