#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/alloc.h"

static void test_counts_live_blocks(void **state)
{
	void *a = wlk_malloc(1), *b = wlk_calloc(3, 5), *c = wlk_malloc(0);

	(void)state;
	assert_non_null(c); /* zero bytes are a block too */
	assert_int_equal(alloc_live_blocks(), 3);
	a = wlk_realloc(a, 1000);
	assert_int_equal(alloc_live_blocks(), 3);
	for (int i = 0; i < 15; i++)
		assert_int_equal(((uint8_t *)b)[i], 0);
	wlk_free(a);
	wlk_free(b);
	wlk_free(c);
	wlk_free(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_calloc_refuses_overflow(void **state)
{
	(void)state;
	assert_null(wlk_calloc(SIZE_MAX / 2, 3));
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_string_copies(void **state)
{
	char *a = wlk_strndup("abcdef", 3), *b = wlk_strdup(""), *c = wlk_strndup(NULL, 0);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "");
	assert_string_equal(c, "");
	assert_null(wlk_strndup("x", SIZE_MAX));
	wlk_free(a);
	wlk_free(b);
	wlk_free(c);
}

static void test_the_nth_allocation_fails_once(void **state)
{
	void *a, *b;

	(void)state;
	alloc_fail_after(2);
	a = wlk_malloc(1);
	assert_non_null(a);
	assert_false(alloc_did_fail());
	assert_null(wlk_realloc(a, 2)); /* and leaves |a| alone */
	assert_true(alloc_did_fail());
	b = wlk_malloc(1);
	assert_non_null(b);
	alloc_fail_after(0);
	assert_false(alloc_did_fail());
	wlk_free(a);
	wlk_free(b);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_array_doubles_from_eight(void **state)
{
	void *items = NULL;
	size_t capacity = 0;

	(void)state;
	assert_true(array_reserve(&items, &capacity, 0, 4));
	assert_null(items);
	assert_true(array_reserve(&items, &capacity, 1, 4));
	assert_int_equal(capacity, 8);
	assert_true(array_reserve(&items, &capacity, 9, 4));
	assert_int_equal(capacity, 16);
	assert_true(array_reserve(&items, &capacity, 100, 4));
	assert_int_equal(capacity, 128);
	assert_false(array_reserve(&items, &capacity, SIZE_MAX, 4));
	assert_false(array_reserve(&items, &capacity, SIZE_MAX / 8 + 2, 8));
	alloc_fail_after(1);
	assert_false(array_reserve(&items, &capacity, 129, 4));
	alloc_fail_after(0);
	assert_int_equal(capacity, 128);
	wlk_free(items);
	assert_int_equal(alloc_live_blocks(), 0);
}

struct hook_counts {
	int allocs, resizes, releases;
};

static void *hook_alloc(size_t size, void *user)
{
	((struct hook_counts *)user)->allocs++;
	return malloc(size);
}

static void *hook_resize(void *ptr, size_t size, void *user)
{
	((struct hook_counts *)user)->resizes++;
	return realloc(ptr, size);
}

static void hook_release(void *ptr, void *user)
{
	((struct hook_counts *)user)->releases++;
	free(ptr);
}

static void test_hooks(void **state)
{
	struct hook_counts counts = { 0 };
	const struct alloc_hooks hooks = { hook_alloc, hook_resize, hook_release, &counts };
	void *a;

	(void)state;
	alloc_set_hooks(&hooks);
	a = wlk_malloc(5);
	a = wlk_realloc(a, 50);
	wlk_free(a);
	wlk_free(NULL);
	alloc_set_hooks(NULL);
	a = wlk_malloc(5);
	wlk_free(a);
	assert_int_equal(counts.allocs, 1);
	assert_int_equal(counts.resizes, 1);
	assert_int_equal(counts.releases, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_live_blocks),
		cmocka_unit_test(test_calloc_refuses_overflow),
		cmocka_unit_test(test_string_copies),
		cmocka_unit_test(test_the_nth_allocation_fails_once),
		cmocka_unit_test(test_array_doubles_from_eight),
		cmocka_unit_test(test_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
