#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/list.h"

struct item {
	int number;
	struct list link;
};

static int sum_in_order(struct list *head)
{
	int digits = 0;

	list_for_each (link, head)
		digits = digits * 10 + list_entry(link, struct item, link)->number;
	return digits;
}

static void test_pushes_and_pops(void **state)
{
	struct item a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 }, d = { .number = 4 };
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_pop_front(&head));
	list_push_back(&head, &b.link);
	list_push_front(&head, &a.link);
	list_push_back(&head, &d.link);
	list_insert_before(&d.link, &c.link);
	assert_int_equal(sum_in_order(&head), 1234);
	assert_ptr_equal(list_pop_front(&head), &a.link);
	assert_true(list_empty(&a.link)); /* a popped item is a list of its own */
	list_remove(&c.link);
	list_remove(&c.link); /* twice is harmless */
	assert_int_equal(sum_in_order(&head), 24);
}

static void test_safe_walk_survives_removal(void **state)
{
	struct item items[5];
	struct list head;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].number = i + 1;
		list_push_back(&head, &items[i].link);
	}
	list_for_each_safe (link, &head)
		if (list_entry(link, struct item, link)->number % 2)
			list_remove(link);
	assert_int_equal(sum_in_order(&head), 24);
	list_for_each_safe (link, &head)
		list_remove(link);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pushes_and_pops),
		cmocka_unit_test(test_safe_walk_survives_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
